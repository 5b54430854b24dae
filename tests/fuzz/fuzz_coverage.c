/* fuzz_coverage.c - any bytes as the coverage of a feed, and any deliveries after that: refused, or
 * read and written the same; whatever is delivered, a feed with a gap is never complete.
 *
 * The first byte says how many of the others are deliveries, three bytes each, at the end.
 */
#include "store/coverage.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct bd_feed_coverage *feed)
{
	struct bd_feed_coverage again = { .has_baseline = false };
	struct bd_buf first, second;

	bd_buf_init(&first, 65536);
	bd_buf_init(&second, 65536);
	if (bd_feed_coverage_pack(&first, feed) != BD_OK ||
		bd_feed_coverage_unpack(&again, bd_buf_bytes(&first)) != BD_OK ||
		bd_feed_coverage_pack(&second, &again) != BD_OK ||
		!bd_bytes_equal(bd_buf_bytes(&first), bd_buf_bytes(&second))) {
		abort();
	}
	bd_buf_release(&first);
	bd_buf_release(&second);
}

static void deliver(struct bd_feed_coverage *feed, const uint8_t *bytes)
{
	const struct bd_delivery delivery = { .day = (bytes[0] & 1) != 0 ? INT32_MIN
									 : 20000 + bytes[1],
		.has_total = (bytes[0] & 2) != 0,
		.is_baseline = (bytes[0] & 4) != 0 };
	const char *cycle = (bytes[0] & 8) != 0 ? "monthly" : "daily";

	bd_feed_coverage_add(
		feed, cycle, &delivery, (bytes[0] & 16) != 0, 20000 + (int32_t)bytes[2]);
	if (bd_feed_coverage_state(feed) == BD_COVERAGE_FEED && feed->waiting_count > 0) {
		abort();
	}
	bd_feed_coverage_through(feed, cycle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bd_feed_coverage feed;
	size_t deliveries;

	if (size == 0) {
		return 0;
	}
	deliveries = data[0] < (size - 1) / 3 ? data[0] : (size - 1) / 3;
	memset(&feed, 0, sizeof(feed));
	if (bd_feed_coverage_unpack(&feed, (struct bd_bytes){ (const char *)data + 1,
						   size - 1 - deliveries * 3 }) == BD_OK) {
		check(&feed);
	} else {
		memset(&feed, 0, sizeof(feed));
	}
	for (size_t i = 0; i < deliveries; i++) {
		deliver(&feed, data + size - (i + 1) * 3);
	}
	check(&feed);
	return 0;
}
