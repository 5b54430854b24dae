#include "store/coverage.h"

#include "base/clock.h"

#include <string.h>

#define TRY(call)                                                                                  \
	do {                                                                                       \
		enum bd_code try_code = (call);                                                    \
		if (try_code != BD_OK) {                                                           \
			return try_code;                                                           \
		}                                                                                  \
	} while (0)

/* The day whose delivery follows: tomorrow, or the same day of the next month (its last day, if it
 * has fewer). */
static int32_t day_after(int32_t day, const char *cycle)
{
	int year, month, dayofmonth;
	int32_t next;

	if (cycle == NULL || strcmp(cycle, "monthly") != 0) {
		return day + 1;
	}
	bd_day_civil(day, &year, &month, &dayofmonth);
	year += month == 12;
	month = month == 12 ? 1 : month + 1;
	while (!bd_day_of(&next, year, month, dayofmonth)) {
		dayofmonth--;
	}
	return next;
}

static void wait_for(struct bd_feed_coverage *coverage, int32_t day)
{
	size_t at = 0;

	while (at < coverage->waiting_count && coverage->waiting[at] < day) {
		at++;
	}
	if ((at < coverage->waiting_count && coverage->waiting[at] == day) ||
		coverage->waiting_count == BD_WAITING_DAYS_MAX) {
		return;
	}
	memmove(&coverage->waiting[at + 1], &coverage->waiting[at],
		(coverage->waiting_count - at) * sizeof(coverage->waiting[0]));
	coverage->waiting[at] = day;
	coverage->waiting_count++;
}

/* Days that are now in the run, or before it, wait no longer. */
static void advance(struct bd_feed_coverage *coverage, const char *cycle)
{
	size_t kept = 0;

	for (size_t i = 0; i < coverage->waiting_count; i++) {
		if (coverage->waiting[i] <= coverage->complete_day) {
			continue;
		}
		if (coverage->waiting[i] == day_after(coverage->complete_day, cycle)) {
			coverage->complete_day = coverage->waiting[i];
		} else {
			coverage->waiting[kept++] = coverage->waiting[i];
		}
	}
	coverage->waiting_count = kept;
}

void bd_feed_coverage_add(struct bd_feed_coverage *coverage, const char *cycle,
	const struct bd_delivery *delivery, bool has_unknown_reject)
{
	if (has_unknown_reject) {
		if (!coverage->is_blocked || delivery->day < coverage->blocked_day) {
			coverage->blocked_day = delivery->day;
		}
		coverage->is_blocked = true;
	} else if (coverage->is_blocked && delivery->day == coverage->blocked_day) {
		coverage->is_blocked = false; /* the same delivery again, now whole */
	}
	/* Without a control total nobody has said that it is whole. */
	if (delivery->day == INT32_MIN || !delivery->has_total) {
		return;
	}
	if (delivery->is_baseline) {
		if (!coverage->has_baseline || delivery->day > coverage->complete_day) {
			coverage->complete_day = delivery->day;
		}
		coverage->has_baseline = true;
	} else {
		wait_for(coverage, delivery->day);
	}
	if (coverage->has_baseline) {
		advance(coverage, cycle);
	}
}

enum bd_coverage_state bd_feed_coverage_state(const struct bd_feed_coverage *coverage)
{
	if (!coverage->has_baseline) {
		return BD_COVERAGE_NONE;
	}
	return coverage->waiting_count > 0 ? BD_COVERAGE_GAP : BD_COVERAGE_FEED;
}

int64_t bd_feed_coverage_through(const struct bd_feed_coverage *coverage, const char *cycle)
{
	int32_t day = coverage->complete_day;

	if (!coverage->has_baseline) {
		return 0;
	}
	if (coverage->is_blocked && coverage->blocked_day != INT32_MIN &&
		coverage->blocked_day <= day) {
		day = coverage->blocked_day - 1;
	}
	(void)cycle;
	return bd_day_begin_ms(day + 1);
}

enum bd_code bd_feed_coverage_pack(struct bd_buf *out, const struct bd_feed_coverage *coverage)
{
	TRY(bd_buf_add_u8(out, 1));
	TRY(bd_buf_add_u8(out, (uint8_t)(coverage->has_baseline | coverage->is_blocked << 1)));
	TRY(bd_buf_add_u32(out, (uint32_t)coverage->complete_day));
	TRY(bd_buf_add_u32(out, (uint32_t)coverage->blocked_day));
	TRY(bd_buf_add_u64(out, (uint64_t)coverage->last_received_ms));
	TRY(bd_buf_add_u64(out, coverage->messages));
	TRY(bd_buf_add_u64(out, coverage->records));
	TRY(bd_buf_add_u64(out, coverage->rejects));
	TRY(bd_buf_add_u16(out, (uint16_t)coverage->waiting_count));
	for (size_t i = 0; i < coverage->waiting_count; i++) {
		TRY(bd_buf_add_u32(out, (uint32_t)coverage->waiting[i]));
	}
	return BD_OK;
}

enum bd_code bd_feed_coverage_unpack(struct bd_feed_coverage *coverage, struct bd_bytes packed)
{
	struct bd_reader reader = bd_reader_of(packed);
	uint8_t version = bd_read_u8(&reader), flags = bd_read_u8(&reader);

	coverage->has_baseline = (flags & 1) != 0;
	coverage->is_blocked = (flags & 2) != 0;
	coverage->complete_day = (int32_t)bd_read_u32(&reader);
	coverage->blocked_day = (int32_t)bd_read_u32(&reader);
	coverage->last_received_ms = (int64_t)bd_read_u64(&reader);
	coverage->messages = bd_read_u64(&reader);
	coverage->records = bd_read_u64(&reader);
	coverage->rejects = bd_read_u64(&reader);
	coverage->waiting_count = bd_read_u16(&reader);
	if (version != 1 || coverage->waiting_count > BD_WAITING_DAYS_MAX) {
		return BD_STORE_DAMAGED;
	}
	for (size_t i = 0; i < coverage->waiting_count; i++) {
		coverage->waiting[i] = (int32_t)bd_read_u32(&reader);
	}
	return reader.ok && reader.rest.len == 0 ? BD_OK : BD_STORE_DAMAGED;
}
