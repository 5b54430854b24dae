#include "store/coverage.h"

#include "base/clock.h"
#include "base/try.h"

#include <string.h>

static bool is_monthly(const char *cycle)
{
	return cycle != NULL && strcmp(cycle, "monthly") == 0;
}

/* Deliveries follow each other when their periods do. */
static int32_t period_of(int32_t day, const char *cycle)
{
	int year, month, dayofmonth;

	if (!is_monthly(cycle)) {
		return day;
	}
	bd_day_civil(day, &year, &month, &dayofmonth);
	return year * 12 + month;
}

/* Of ascending days; false when there is no room. */
static bool add_day(int32_t *days, size_t *count, int32_t day)
{
	size_t at = 0;

	while (at < *count && days[at] < day) {
		at++;
	}
	if (at < *count && days[at] == day) {
		return true;
	}
	if (*count == BD_WAITING_DAYS_MAX) {
		return false;
	}
	memmove(&days[at + 1], &days[at], (*count - at) * sizeof(*days));
	days[at] = day;
	(*count)++;
	return true;
}

/* From first to last, both included. */
static void remove_days(int32_t *days, size_t *count, int32_t first, int32_t last)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		if (days[i] < first || days[i] > last) {
			days[kept++] = days[i];
		}
	}
	*count = kept;
}

/* Days that are now in the run, or before it, wait no longer. */
static void advance(struct bd_feed_coverage *coverage, const char *cycle)
{
	for (size_t i = 0; i < coverage->waiting_count; i++) {
		int32_t day = coverage->waiting[i];

		if (day > coverage->complete_day &&
			period_of(day, cycle) <= period_of(coverage->complete_day, cycle) + 1) {
			coverage->complete_day = day;
		}
	}
	remove_days(coverage->waiting, &coverage->waiting_count, INT32_MIN, coverage->complete_day);
}

/* Of too many the first stay: by them the gap can still be closed, and what comes after them has to
 * come again. */
static void wait_for(struct bd_feed_coverage *coverage, int32_t day)
{
	if (coverage->waiting_count == BD_WAITING_DAYS_MAX &&
		day < coverage->waiting[BD_WAITING_DAYS_MAX - 1]) {
		coverage->waiting_count--;
	}
	add_day(coverage->waiting, &coverage->waiting_count, day);
}

static void hold(struct bd_feed_coverage *coverage, int32_t day)
{
	if (!coverage->is_held || day > coverage->held_day) {
		coverage->held_day = day;
	}
	coverage->is_held = true;
}

/* Where there is no room for one more day, only a baseline helps. */
static void block(
	struct bd_feed_coverage *coverage, const struct bd_delivery *delivery, int32_t received_day)
{
	if (delivery->day == INT32_MIN) {
		hold(coverage, received_day);
	} else if (!add_day(coverage->blocked, &coverage->blocked_count, delivery->day)) {
		hold(coverage, delivery->day);
	}
}

/* Has come whole: so has, with a baseline, all that was before it. */
static void unblock(struct bd_feed_coverage *coverage, const struct bd_delivery *delivery)
{
	remove_days(coverage->blocked, &coverage->blocked_count,
		delivery->is_baseline ? INT32_MIN : delivery->day, delivery->day);
	if (delivery->is_baseline && delivery->day >= coverage->held_day) {
		coverage->is_held = false;
	}
}

void bd_feed_coverage_add(struct bd_feed_coverage *coverage, const char *cycle,
	const struct bd_delivery *delivery, bool has_unknown_reject, int32_t received_day)
{
	/* Without a control total nobody has said that it is whole. */
	bool is_whole = delivery->day != INT32_MIN && delivery->has_total;

	if (has_unknown_reject) {
		block(coverage, delivery, received_day);
	} else if (is_whole) {
		unblock(coverage, delivery);
	}
	if (!is_whole) {
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

void bd_feed_coverage_recall(
	struct bd_feed_coverage *coverage, const struct bd_delivery *delivery, int32_t received_day)
{
	block(coverage, delivery, received_day);
}

bool bd_feed_coverage_is_blocked(const struct bd_feed_coverage *coverage)
{
	return coverage->is_held || coverage->blocked_count > 0;
}

enum bd_coverage_state bd_feed_coverage_state(const struct bd_feed_coverage *coverage)
{
	if (!coverage->has_baseline) {
		return BD_COVERAGE_NONE;
	}
	return coverage->waiting_count > 0 ? BD_COVERAGE_GAP : BD_COVERAGE_FEED;
}

/* The day of the delivery before, at the latest. */
static int32_t day_before(int32_t day, const char *cycle)
{
	int year, month, dayofmonth;
	int32_t before;

	if (!is_monthly(cycle)) {
		return day - 1;
	}
	bd_day_civil(day, &year, &month, &dayofmonth);
	year -= month == 1;
	month = month == 1 ? 12 : month - 1;
	if (!bd_day_of(&before, year, month, 1)) {
		return day - 31; /* there are no dates there */
	}
	while (!bd_day_of(&before, year, month, dayofmonth)) {
		dayofmonth--;
	}
	return before;
}

int64_t bd_feed_coverage_through(const struct bd_feed_coverage *coverage, const char *cycle)
{
	int32_t day = coverage->complete_day;

	if (!coverage->has_baseline) {
		return 0;
	}
	for (size_t i = 0; i < coverage->blocked_count; i++) {
		int32_t before = day_before(coverage->blocked[i], cycle);

		day = before < day ? before : day;
	}
	return bd_day_begin_ms(day + 1);
}

static bool are_same_days(const int32_t *a, size_t a_count, const int32_t *b, size_t b_count)
{
	return a_count == b_count && memcmp(a, b, a_count * sizeof(*a)) == 0;
}

bool bd_feed_coverage_proves_same(
	const struct bd_feed_coverage *a, const struct bd_feed_coverage *b)
{
	return a->has_baseline == b->has_baseline && a->complete_day == b->complete_day &&
	       a->is_held == b->is_held && a->held_day == b->held_day &&
	       are_same_days(a->waiting, a->waiting_count, b->waiting, b->waiting_count) &&
	       are_same_days(a->blocked, a->blocked_count, b->blocked, b->blocked_count);
}

static enum bd_code pack_days(struct bd_buf *out, const int32_t *days, size_t count)
{
	BD_TRY(bd_buf_add_u16(out, (uint16_t)count));
	for (size_t i = 0; i < count; i++) {
		BD_TRY(bd_buf_add_u32(out, (uint32_t)days[i]));
	}
	return BD_OK;
}

#define VERSION 3
#define DAYS_MAX 3652425

enum bd_code bd_feed_coverage_pack(struct bd_buf *out, const struct bd_feed_coverage *coverage)
{
	BD_TRY(bd_buf_add_u8(out, VERSION));
	BD_TRY(bd_buf_add_u8(out, coverage->has_baseline));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)coverage->complete_day));
	BD_TRY(bd_buf_add_u8(out, coverage->is_held));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)coverage->held_day));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)coverage->last_received_ms));
	BD_TRY(bd_buf_add_u64(out, coverage->messages));
	BD_TRY(bd_buf_add_u64(out, coverage->records));
	BD_TRY(bd_buf_add_u64(out, coverage->rejects));
	BD_TRY(pack_days(out, coverage->waiting, coverage->waiting_count));
	return pack_days(out, coverage->blocked, coverage->blocked_count);
}

/* Of the years 0000 to 9999: counting on from them never leaves an int32_t. */
static int32_t read_day(struct bd_reader *reader)
{
	int32_t day = (int32_t)bd_read_u32(reader);

	reader->ok = reader->ok && day >= -DAYS_MAX && day <= DAYS_MAX;
	return reader->ok ? day : 0;
}

static void read_days(int32_t *days, size_t *count, struct bd_reader *reader)
{
	*count = bd_read_u16(reader);
	if (*count > BD_WAITING_DAYS_MAX) {
		reader->ok = false;
		*count = 0;
	}
	for (size_t i = 0; i < *count; i++) {
		days[i] = read_day(reader);
		reader->ok = reader->ok && (i == 0 || days[i] > days[i - 1]);
	}
}

enum bd_code bd_feed_coverage_unpack(struct bd_feed_coverage *coverage, struct bd_bytes packed)
{
	struct bd_reader reader = bd_reader_of(packed);

	if (bd_read_u8(&reader) != VERSION) {
		return BD_STORE_DAMAGED;
	}
	coverage->has_baseline = bd_read_u8(&reader) != 0;
	coverage->complete_day = read_day(&reader);
	coverage->is_held = bd_read_u8(&reader) != 0;
	coverage->held_day = read_day(&reader);
	coverage->last_received_ms = (int64_t)bd_read_u64(&reader);
	coverage->messages = bd_read_u64(&reader);
	coverage->records = bd_read_u64(&reader);
	coverage->rejects = bd_read_u64(&reader);
	read_days(coverage->waiting, &coverage->waiting_count, &reader);
	read_days(coverage->blocked, &coverage->blocked_count, &reader);
	return reader.ok && reader.rest.len == 0 ? BD_OK : BD_STORE_DAMAGED;
}
