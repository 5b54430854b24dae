/* rules_decimal.h - a decimal as it is written, exactly, in whole units.
 *
 * Layer: record, private to rules_value.c. Sign; digits, with thousands commas in their places or
 * without; a point and digits, on either side of which there may be none (.5 and 12. are what
 * databases write); a power of ten behind an E (1.0E7 is what programs write).
 */
#ifndef BD_RECORD_RULES_DECIMAL_H
#define BD_RECORD_RULES_DECIMAL_H

#include "base/code.h"

#include <stdint.h>

#define BD_DECIMAL_MAX_CHARS 64

/* The whole number that `text`, shorter than BD_DECIMAL_MAX_CHARS, is in units of 10^-decimals.
 * BD_NUMBER_FORM: no decimal, or finer than the unit; BD_NUMBER_RANGE: too large. */
enum bd_code bd_decimal_scale(int64_t *value, const char *text, unsigned decimals);

#endif
