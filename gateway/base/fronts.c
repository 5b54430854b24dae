#include "base/fronts.h"

#include "base/thread.h"

#include <stdlib.h>

#define DIGIT_BITS 11
#define DIGITS ((size_t)1 << DIGIT_BITS)
/* Three digits tell a hundred thousand drawn keys apart. */
#define UNSORTED_BITS (64 - 3 * DIGIT_BITS)

static void sort_digit(
	struct bd_front *out, const struct bd_front *in, size_t count, unsigned shift)
{
	uint32_t places[DIGITS] = { 0 };
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		places[in[i].front >> shift & (DIGITS - 1)]++;
		bd_thread_share_at(i);
	}
	for (size_t i = 0; i < DIGITS; i++) {
		uint32_t here = places[i];

		places[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++) {
		out[places[in[i].front >> shift & (DIGITS - 1)]++] = in[i];
		bd_thread_share_at(i);
	}
}

struct rest {
	bd_fronts_compare *compare;
	const void *state;
};

static int compare_at(const void *a, const void *b, void *rest_of)
{
	const struct bd_front *x = a, *y = b;
	const struct rest *rest = rest_of;

	return rest->compare(x->at, y->at, rest->state);
}

/* Those whose fronts are equal, as far as they are sorted: most often alone, or in their order
 * already. */
static void sort_equal(struct bd_front *list, size_t count, struct rest *rest)
{
	for (size_t i = 1; i < count; i++) {
		if (rest->compare(list[i - 1].at, list[i].at, rest->state) > 0) {
			qsort_r(list, count, sizeof(*list), compare_at, rest);
			return;
		}
	}
}

struct bd_front *bd_fronts_sort(struct bd_front *list, struct bd_front *room, size_t count,
	bd_fronts_compare *compare, const void *state)
{
	struct rest rest = { compare, state };

	for (unsigned shift = UNSORTED_BITS; shift < 64; shift += DIGIT_BITS) {
		struct bd_front *swap = list;

		sort_digit(room, list, count, shift);
		list = room;
		room = swap;
	}
	for (size_t from = 0, end; from < count; from = end) {
		for (end = from + 1; end < count && list[end].front >> UNSORTED_BITS ==
							    list[from].front >> UNSORTED_BITS;
			end++) {
		}
		sort_equal(list + from, end - from, &rest);
		bd_thread_share_at(end);
	}
	return list;
}
