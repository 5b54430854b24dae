/* rules_point.h - single characters: what is the same one in another form, a blank, a dash, or a
 * mark for a character that could not be written.
 *
 * Layer: record, private to the rules. Sources as in rules_text.h, and Unicode's
 * EquivalentUnifiedIdeograph for the radicals of the CJK supplement.
 */
#ifndef BD_RECORD_RULES_POINT_H
#define BD_RECORD_RULES_POINT_H

#include <stdbool.h>
#include <stdint.h>

/* The plain character: out of private use, of a radical, of another width or an old code. Folded
 * twice it is the same. */
uint32_t bd_point_fold(uint32_t point);
/* A mark that stands where a character could not be written, or a code point that means nothing
 * outside the system it comes from. */
bool bd_point_is_placeholder(uint32_t point);
/* A blank of any kind, or a mark that has no shape of its own. */
bool bd_point_is_blank(uint32_t point);
/* A dash of any length, or the minus sign; not the one of ASCII. */
bool bd_point_is_dash(uint32_t point);

#endif
