/* coverage.h - what a feed has delivered, and up to which day without a gap. Layer: store, private;
 * no personal data. */
#ifndef BD_STORE_COVERAGE_H
#define BD_STORE_COVERAGE_H

#include "store/store.h"

/* Days that came after a gap and wait for it to be filled; days with a record that was refused. */
#define BD_WAITING_DAYS_MAX 366

struct bd_feed_coverage {
	bool has_baseline;
	int32_t complete_day;                 /* the last of the gap-free run */
	int32_t waiting[BD_WAITING_DAYS_MAX]; /* ascending */
	size_t waiting_count;
	/* Deliveries with a reject that might be anybody's, ascending, until each has come again
	 * whole. */
	int32_t blocked[BD_WAITING_DAYS_MAX];
	size_t blocked_count;
	/* Such a reject came without a day: nobody knows of which day it is, so it holds until a
	 * baseline of the day on which it came, or a later one. */
	bool is_held;
	int32_t held_day;
	int64_t last_received_ms;
	uint64_t messages, records, rejects;
};

/* One more delivery, received on that day; cycle "daily", "monthly" or NULL. In a daily feed day
 * follows day, in a monthly one month follows month, whatever its days. */
void bd_feed_coverage_add(struct bd_feed_coverage *coverage, const char *cycle,
	const struct bd_delivery *delivery, bool has_unknown_reject, int32_t received_day);
/* A delivery that was received on that day is withdrawn: until it has come again whole nothing is
 * proven past the one before it. */
void bd_feed_coverage_recall(struct bd_feed_coverage *coverage, const struct bd_delivery *delivery,
	int32_t received_day);
bool bd_feed_coverage_is_blocked(const struct bd_feed_coverage *coverage);
/* FEED, GAP or NONE. */
enum bd_coverage_state bd_feed_coverage_state(const struct bd_feed_coverage *coverage);
/* The first moment that is not complete: after the complete day, or after the delivery before the
 * first that is blocked; 0 = never. */
int64_t bd_feed_coverage_through(const struct bd_feed_coverage *coverage, const char *cycle);
/* Nothing that a lookup can see differs: only counts and the time of the last message may. */
bool bd_feed_coverage_proves_same(
	const struct bd_feed_coverage *a, const struct bd_feed_coverage *b);
enum bd_code bd_feed_coverage_pack(struct bd_buf *out, const struct bd_feed_coverage *coverage);
enum bd_code bd_feed_coverage_unpack(struct bd_feed_coverage *coverage, struct bd_bytes packed);

#endif
