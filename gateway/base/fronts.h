/* fronts.h - many keys put into their order by their first bits, several times as fast as by
 * comparing each with some others: of digests the first bits tell nearly all apart.
 *
 * Layer: base. Any keys will do: those that the first bits do not tell apart are compared. One that
 * gives way shares its processor meanwhile (thread.h).
 */
#ifndef BD_BASE_FRONTS_H
#define BD_BASE_FRONTS_H

#include <stddef.h>
#include <stdint.h>

struct bd_front {
	uint64_t front; /* the first bytes of the key, as a number */
	uint32_t at;    /* the caller's: where the rest is */
};

/* Of two places, as qsort(3) has it; never 0, or their order is any. */
typedef int bd_fronts_compare(uint32_t a, uint32_t b, const void *state);

/* room: as long as the list. Gives where the sorted list stands: one of the two. */
struct bd_front *bd_fronts_sort(struct bd_front *list, struct bd_front *room, size_t count,
	bd_fronts_compare *compare, const void *state);

#endif
