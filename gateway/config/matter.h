/* matter.h - reads schemas/matters/<id>/matter.xml into the matter of answer/matter.h.
 *
 * Layer: config. Validated by schemas/matter.xsd; then its meaning is checked: roles, relations,
 * entities, fields, codes, documents, finding codes and flags exist, and what is said belongs
 * together. Every error is told with file:line:column and the nearest name.
 */
#ifndef BD_CONFIG_MATTER_H
#define BD_CONFIG_MATTER_H

#include "answer/matter.h"
#include "config/diags.h"

/* `folder` is schemas/matters/<id> (no slash at its end), `schemas` the folder of matter.xsd. The
 * matter lives in the arena and refers to entities and fields of dict, which must live as long. An
 * element that states no accepted codes accepts `match`. */
enum bd_code bd_config_matter(const struct bd_matter **out, const char *folder, const char *schemas,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diags *diags);
/* Ids of the matters in a folder (schemas/matters), sorted. */
enum bd_code bd_config_matters(const char *const **out, size_t *out_count, const char *matters,
	struct bd_arena *arena, struct bd_diag *diag);

#endif
