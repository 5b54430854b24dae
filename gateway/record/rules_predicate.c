#include "record/rules_predicate.h"

#include "base/clock.h"
#include "base/limits.h"
#include "record/rules_value.h"

#include <string.h>

/* The least and the greatest that something can be. */
struct span {
	int64_t least, most;
};

static struct bd_comparison unreadable(void)
{
	return bd_likeness_of(BD_LIKE_UNSURE, "predicate.unreadable");
}

static struct bd_comparison within(struct span value, struct bd_range range, const char *rule)
{
	if (value.least >= range.at_least && value.most <= range.at_most) {
		return bd_likeness_of(BD_LIKE_SAME, rule);
	}
	if (value.most < range.at_least || value.least > range.at_most) {
		return bd_likeness_of(BD_LIKE_DIFFERENT, rule);
	}
	return bd_likeness_of(BD_LIKE_UNSURE, "predicate.partial");
}

static bool read_span(struct span *days, struct bd_bytes date)
{
	int32_t first, last;

	if (!bd_rule_date_span(&first, &last, date)) {
		return false;
	}
	*days = (struct span){ first, last };
	return true;
}

/* Full years between a birth and a day. rule: predicate.age.leap_day, by the order of the calendar:
 * 28 February comes before the 29th, and there is no later day to wait for. */
static int64_t age_on(int32_t birth, int32_t on, enum bd_age_counting counting)
{
	int birth_year, birth_month, birth_day, year, month, day;
	int32_t birthday;

	bd_day_civil(birth, &birth_year, &birth_month, &birth_day);
	bd_day_civil(on, &year, &month, &day);
	if (!bd_day_of(&birthday, year, birth_month, birth_day)) {
		bd_day_of(&birthday, year, 2, 28);
	}
	birthday += counting == BD_AGE_DAY_AFTER;
	return year - birth_year - (on < birthday);
}

struct bd_comparison bd_rule_age(
	struct bd_bytes birth, int32_t on, struct bd_range years, enum bd_age_counting counting)
{
	struct span births, ages;

	if (!read_span(&births, birth) || bd_bytes_is(birth, BD_DATE_OPEN)) {
		return unreadable();
	}
	if (births.most > on) {
		/* Of a partial date the days that are still to come are none of a birth. */
		births.most = on;
	}
	if (births.least > on) {
		return bd_likeness_of(BD_LIKE_UNSURE, "predicate.age.unborn");
	}
	ages.least = age_on((int32_t)births.most, on, counting);
	ages.most = age_on((int32_t)births.least, on, counting);
	return within(ages, years, "predicate.age");
}

struct bd_comparison bd_rule_days(struct bd_bytes from, struct bd_bytes to, struct bd_range days)
{
	struct span a, b;

	if (!read_span(&a, from) || !read_span(&b, to)) {
		return unreadable();
	}
	return within((struct span){ b.least - a.most, b.most - a.least }, days, "predicate.days");
}

struct bd_comparison bd_rule_date_is(
	struct bd_bytes a, enum bd_date_relation relation, struct bd_bytes b)
{
	static const struct bd_range ranges[] = {
		[BD_DATE_BEFORE] = { INT64_MIN, -1 },
		[BD_DATE_UNTIL] = { INT64_MIN, 0 },
		[BD_DATE_ON] = { 0, 0 },
		[BD_DATE_SINCE] = { 0, INT64_MAX },
		[BD_DATE_AFTER] = { 1, INT64_MAX },
	};
	struct span x, y;

	if (!read_span(&x, a) || !read_span(&y, b)) {
		return unreadable();
	}
	return within((struct span){ x.least - y.most, x.most - y.least }, ranges[relation],
		"predicate.date");
}

struct bd_comparison bd_rule_number(struct bd_bytes number, struct bd_range range)
{
	int64_t value;

	if (!bd_rule_whole_number(&value, number)) {
		return unreadable();
	}
	return within((struct span){ value, value }, range, "predicate.number");
}

/* -- months -- */

bool bd_rule_month_number(int32_t *month, struct bd_bytes text)
{
	int32_t first, last;
	int year, number, day;

	if (text.len != 7 || !bd_rule_date_span(&first, &last, text)) {
		return false;
	}
	bd_day_civil(first, &year, &number, &day);
	*month = year * 12 + number - 1;
	return true;
}

enum paid { NORMAL = 1, BACK_PAID = 2, REFUNDED = 4, UNKNOWN = 8 };

static bool is_surely_paid(uint8_t seen, const struct bd_months_options *options)
{
	uint8_t good = options->counts_back_paid ? NORMAL | BACK_PAID : NORMAL;

	return (seen & good) != 0 && (seen & (REFUNDED | UNKNOWN)) == 0;
}

static bool is_possibly_paid(uint8_t seen, const struct bd_months_options *options)
{
	uint8_t good = options->counts_back_paid ? NORMAL | BACK_PAID : NORMAL;

	return (seen & (good | UNKNOWN)) != 0;
}

/* seen[0] is the last month that counts. */
static void count_months(struct bd_month_count *count, const uint8_t *seen,
	bool (*is_paid)(uint8_t seen, const struct bd_months_options *options),
	const struct bd_months_options *options)
{
	uint32_t run = 0;
	bool is_current = true;

	*count = (struct bd_month_count){ 0, 0, 0 };
	for (size_t i = 0; i < BD_MONTHS_MAX; i++) {
		bool is_one = is_paid(seen[i], options);

		run = is_one ? run + 1 : 0;
		is_current = is_current && is_one;
		count->total += is_one;
		count->current += is_current;
		count->longest = run > count->longest ? run : count->longest;
	}
}

/* rule: predicate.months.kinds. */
void bd_rule_months_paid(struct bd_months_paid *paid, const struct bd_month *months, size_t count,
	const struct bd_months_options *options)
{
	static const uint8_t bits[] = { [BD_MONTH_NORMAL] = NORMAL,
		[BD_MONTH_BACK_PAID] = BACK_PAID,
		[BD_MONTH_REFUNDED] = REFUNDED,
		[BD_MONTH_UNKNOWN] = UNKNOWN };
	uint8_t seen[BD_MONTHS_MAX] = { 0 };

	for (size_t i = 0; i < count; i++) {
		int64_t before = (int64_t)options->until - months[i].month;

		if (before >= 0 && before < BD_MONTHS_MAX) {
			seen[before] |= bits[months[i].kind];
		}
	}
	count_months(&paid->sure, seen, is_surely_paid, options);
	count_months(&paid->possible, seen, is_possibly_paid, options);
}

struct bd_comparison bd_rule_months_enough(uint32_t sure, uint32_t possible, uint32_t needed)
{
	if (sure < needed && possible >= needed) {
		return bd_likeness_of(BD_LIKE_UNSURE, "predicate.months.unsure");
	}
	return bd_likeness_if(sure >= needed, "predicate.months");
}
