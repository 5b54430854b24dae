/* dictionary.h - reads schemas/common.xml into the dictionary of record/dictionary.h.
 *
 * Layer: config. The file is validated by common.xsd beside it; then its meaning is checked:
 * numbers and names unique where they must be, code lists exist, a code field has a list and no
 * other field has one.
 */
#ifndef BD_CONFIG_DICTIONARY_H
#define BD_CONFIG_DICTIONARY_H

#include "config/diags.h"
#include "record/dictionary.h"

/* `path` is common.xml. All of the dictionary lives in the arena. diag holds the first error. */
enum bd_code bd_config_dictionary(const struct bd_dictionary **out, const char *path,
	struct bd_arena *arena, struct bd_diag *diag);
/* The same with every error. */
enum bd_code bd_config_dictionary_all(const struct bd_dictionary **out, const char *path,
	struct bd_arena *arena, struct bd_diags *diags);

/* The words of common.xml for the values of a field's enums. */
const char *bd_config_type_name(enum bd_type type);
const char *bd_config_merge_name(enum bd_merge merge);
const char *bd_config_sensitivity_name(enum bd_sensitivity sensitivity);
const char *bd_config_comparator_name(enum bd_comparator comparator);

#endif
