/* matter.h - reads schemas/matters/<id>/matter*.xml into the matters of answer/matter.h.
 *
 * Layer: config. Each file is one version, validated by schemas/matter.xsd; then its meaning is
 * checked: roles, relations, entities, fields, codes, documents, finding codes, flags, parameters
 * and lists exist, what is said belongs together, no rule can pass on missing data, and every rule
 * can be reached. Every error is told with file:line:column and the nearest name.
 */
#ifndef BD_CONFIG_MATTER_H
#define BD_CONFIG_MATTER_H

#include "answer/matter.h"
#include "config/diags.h"
#include "intake/plan.h"

/* `folder` is schemas/matters/<id> (no slash at its end), `schemas` the folder of matter.xsd. Gives
 * every version, the earliest first; no two are in force on one day. They live in the arena and
 * refer to entities and fields of dict, which must live as long. An element that states no accepted
 * codes accepts `match`. */
enum bd_code bd_config_matter(const struct bd_matter *const **out, size_t *out_count,
	const char *folder, const char *schemas, const struct bd_dictionary *dict,
	struct bd_arena *arena, struct bd_diags *diags);
/* One version more, as bytes: read and checked as a file of that folder, whose lists it may name,
 * but whatever days the others are in force on. shown names it in what is told. */
enum bd_code bd_config_matter_version(const struct bd_matter **out, struct bd_bytes xml,
	const char *shown, const char *folder, const char *schemas,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diags *diags);
/* Ids of the matters in a folder (schemas/matters), sorted. */
enum bd_code bd_config_matters(const char *const **out, size_t *out_count, const char *matters,
	struct bd_arena *arena, struct bd_diag *diag);
/* Can the active sources answer it? An element asks a field that none of its sources ever states,
 * or the absence of rows that none of them ever tells completely: told at its place in the file,
 * shown as "<id>/<file>". */
enum bd_code bd_config_matter_covered(const struct bd_matter *matter,
	const struct bd_plan *const *plans, size_t plan_count, struct bd_diags *diags);

#endif
