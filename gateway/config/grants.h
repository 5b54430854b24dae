/* grants.h - reads the grants file 授权文件: who may ask what, for which purpose, and how much it
 * is told (answer/grant.h).
 *
 * Layer: config. XML by schemas/grants.xsd; every name in it must be one: a sender of senders.conf,
 * a matter and its versions, an entity and its fields. Two grants of one sender, purpose and matter
 * are not in force on one day: how much is told is never a matter of which stands first.
 */
#ifndef BD_CONFIG_GRANTS_H
#define BD_CONFIG_GRANTS_H

#include "answer/grant.h"
#include "config/settings.h"
#include "intake/plan.h"

/* `path` is shown by its last part. Everything lives in the arena; names of matters, entities and
 * senders are those given. Every error is added to diags. What is read is not indexed yet. */
enum bd_code bd_config_grants(struct bd_grants **out, const char *path, const char *schemas,
	const struct bd_senders *senders, const struct bd_matter *const *matters,
	size_t matter_count, const struct bd_dictionary *dict, struct bd_arena *arena,
	struct bd_diags *diags);

/* The approved uses 用数申请 that the grants rest on (`basis`, separated by blanks) are ones that a
 * feed states. That a use has ended, or is for other matters, is no fault of the file: it withholds
 * (approved.h). path as it was read. */
enum bd_code bd_config_grants_rest(const struct bd_grants *grants, const char *path,
	const struct bd_plan *const *plans, size_t plan_count, struct bd_arena *arena,
	struct bd_diags *diags);

#endif
