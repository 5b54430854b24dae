/* adapter.h - compiles a folder adapters/<source>/ into the plan a worker works by.
 *
 * Layer: config. Reads adapter.xml, feeds/ (a mapping each), codes/ (local code -> common code, tab
 * separated) and the envelopes of adapters/_envelopes/ that its feeds name. Adding a source is
 * adding a folder: nothing here knows one by name. The XSDs are adapter.xsd, feed.xsd and
 * envelope.xsd in schemas/.
 */
#ifndef BD_CONFIG_ADAPTER_H
#define BD_CONFIG_ADAPTER_H

#include "config/diags.h"
#include "intake/plan.h"

/* `folder` is adapters/<source> (no slash at its end), `schemas` the folder of common.xsd. All of
 * the plan lives in the arena; names of the dictionary are not kept. Every error is added to diags,
 * with the file relative to `folder`. */
enum bd_code bd_config_adapter(const struct bd_plan **out, const char *folder, const char *schemas,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diags *diags);
/* Sources that have a folder with adapter.xml, sorted; those that begin with '_' or '.' are none.
 */
enum bd_code bd_config_sources(const char *const **out, size_t *out_count, const char *adapters,
	struct bd_arena *arena, struct bd_diag *diag);

#endif
