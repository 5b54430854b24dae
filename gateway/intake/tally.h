/* tally.h - of which shape a value is: enough to hear that a department has changed its format, and
 * nothing of what it says.
 *
 * Layer: intake, pure.
 */
#ifndef BD_INTAKE_TALLY_H
#define BD_INTAKE_TALLY_H

#include "base/bytes.h"

enum bd_shape {
	BD_SHAPE_INTEGER = 1, /* digits, perhaps a sign */
	BD_SHAPE_DECIMAL = 2, /* with a point */
	BD_SHAPE_DATE = 4,    /* 2026-06-01, also with / or . and a time behind it */
	BD_SHAPE_WORD = 8,    /* letters of ASCII, digits, - _ */
	BD_SHAPE_TEXT = 16    /* anything else */
};

/* 0 = no value: empty, or blanks alone. */
uint8_t bd_shape_of(struct bd_bytes text);
/* "integer decimal": of a set of them, for people. */
#define BD_SHAPES_TEXT_BYTES 48
void bd_shapes_text(char out[BD_SHAPES_TEXT_BYTES], uint8_t shapes);

#endif
