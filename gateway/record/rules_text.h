/* rules_text.h - names and addresses in their normal form, and how two of them compare.
 *
 * Layer: record. Used by intake and by answer. The source's own text is kept beside the normal form
 * by the caller. Source: GB 18030-2022 (private-use code points that have become characters), UAX
 * #15 (NFKC, of the widths and compatibility ideographs only), the naming rule of the
 * public-security systems for minority names (间隔号 U+00B7).
 */
#ifndef BD_RECORD_RULES_TEXT_H
#define BD_RECORD_RULES_TEXT_H

#include "record/record.h"

/* Normal form of `text` as a value of this type (text, name, organization name, address); flags
 * gets BD_VALUE_PLACEHOLDER and BD_VALUE_WARNED. BD_NAME_FORM when a name is empty or too long. */
enum bd_code bd_rule_text(struct bd_bytes *out, uint8_t *flags, enum bd_type type,
	struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag);

enum bd_likeness {
	BD_LIKE_SAME = 1,
	BD_LIKE_NEAR,   /* an address without its province or city; an organization without its
			   brackets */
	BD_LIKE_UNSURE, /* they differ only where one has a placeholder */
	BD_LIKE_DIFFERENT
};
/* Two normal forms of one type. */
enum bd_likeness bd_rule_compare_text(
	enum bd_comparator comparator, struct bd_bytes a, struct bd_bytes b);

#endif
