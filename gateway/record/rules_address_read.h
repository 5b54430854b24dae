/* rules_address_read.h - an address taken apart, level by level, as rules_address.h says.
 *
 * Layer: record, private to rules_address.c.
 */
#ifndef BD_RECORD_RULES_ADDRESS_READ_H
#define BD_RECORD_RULES_ADDRESS_READ_H

#include "base/bytes.h"
#include "base/limits.h"

enum bd_address_level {
	BD_ADDRESS_PROVINCE,
	BD_ADDRESS_CITY,
	BD_ADDRESS_DISTRICT,
	BD_ADDRESS_STREET,
	BD_ADDRESS_LEVEL_COUNT
};

/* A level's name without its ending word; len 0 = not named. */
struct bd_address_part {
	const uint32_t *at; /* in the points of its address */
	size_t len;
};

struct bd_address {
	uint32_t points[BD_ADDRESS_MAX_CHARS]; /* numerals folded */
	size_t len;
	struct bd_address_part levels[BD_ADDRESS_LEVEL_COUNT];
	size_t rest; /* where the remainder begins */
};

/* False when it is too long or not UTF-8. */
bool bd_address_read(struct bd_address *address, struct bd_bytes text);
/* Both are named, and alike; the end of one may be the other. */
bool bd_address_is_same_name(struct bd_address_part a, struct bd_address_part b);

#endif
