/* coverage.h - what a feed has delivered, and up to which day without a gap. Layer: store, private;
 * no personal data. */
#ifndef BD_STORE_COVERAGE_H
#define BD_STORE_COVERAGE_H

#include "store/store.h"

/* Days that came after a gap and wait for it to be filled. */
#define BD_WAITING_DAYS_MAX 366

struct bd_feed_coverage {
	bool has_baseline;
	int32_t complete_day;                 /* the last of the gap-free run */
	int32_t waiting[BD_WAITING_DAYS_MAX]; /* ascending */
	size_t waiting_count;
	bool is_blocked; /* the newest delivery has a reject of unknown subject */
	int32_t blocked_day;
	int64_t last_received_ms;
	uint64_t messages, records, rejects;
};

/* One more delivery; cycle "daily" or "monthly". */
void bd_feed_coverage_add(struct bd_feed_coverage *coverage, const char *cycle,
	const struct bd_delivery *delivery, bool has_unknown_reject);
/* FEED, GAP or NONE. */
enum bd_coverage_state bd_feed_coverage_state(const struct bd_feed_coverage *coverage);
/* The first moment after the complete day; 0 = never. */
int64_t bd_feed_coverage_through(const struct bd_feed_coverage *coverage, const char *cycle);
enum bd_code bd_feed_coverage_pack(struct bd_buf *out, const struct bd_feed_coverage *coverage);
enum bd_code bd_feed_coverage_unpack(struct bd_feed_coverage *coverage, struct bd_bytes packed);

#endif
