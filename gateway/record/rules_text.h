/* rules_text.h - names and addresses in their normal form.
 *
 * Layer: record. Used by intake and by answer. The source's own text is kept beside the normal form
 * by the caller. Source: GB 18030-2022 (private-use code points that have become characters), UAX
 * #15 (NFKC, of the widths and compatibility ideographs only), the naming rule of the
 * public-security systems for minority names (间隔号 U+00B7).
 */
#ifndef BD_RECORD_RULES_TEXT_H
#define BD_RECORD_RULES_TEXT_H

#include "record/record.h"

/* Normal form of `text` as a value of this type: names, names of organizations and addresses by the
 * rules here, numbers by id.fold, texts of other types trimmed. `flags` gets BD_VALUE_PLACEHOLDER
 * and BD_VALUE_WARNED. A normal form is its own normal form. BD_TEXT_CONTROL and BD_TEXT_ENCODING
 * when it holds what no text may; BD_NAME_FORM when a name is empty or too long. Lives in the arena
 * or is part of `text`. */
enum bd_code bd_rule_text(struct bd_bytes *out, uint8_t *flags, enum bd_type type,
	struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag);

/* Two normal forms of as many characters that differ only where one of them has a placeholder; "??"
 * may be one character beyond U+FFFF. */
bool bd_rule_differs_by_placeholders(struct bd_bytes a, struct bd_bytes b);

#endif
