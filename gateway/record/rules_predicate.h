/* rules_predicate.h - conditions on dates, numbers and months: age, days, before and after, months
 * paid.
 *
 * Layer: record. Called by answer. Pure: the day is passed in. Dates are normal forms
 * (rules_value.h). A partial date stands for every day it can be: where all of them meet the
 * condition it is SAME, where none does DIFFERENT, else UNSURE. What is no date or number is UNSURE
 * (`predicate.unreadable`). Days are counted as in clock.h. Never NEAR.
 */
#ifndef BD_RECORD_RULES_PREDICATE_H
#define BD_RECORD_RULES_PREDICATE_H

#include "base/bytes.h"
#include "record/likeness.h"

/* Both ends included; INT64_MIN and INT64_MAX leave an end open. */
struct bd_range {
	int64_t at_least, at_most;
};

/* When a year of age is full 周岁. */
enum bd_age_counting {
	BD_AGE_ON_BIRTHDAY = 1, /* on the birthday: administrative practice */
	BD_AGE_DAY_AFTER        /* from the day after it: 法释〔2006〕1号, 2 */
};

/* Full years of age 周岁 on a day. Who was born on 29 February has the birthday in other years on
 * 28 February (民法典, 202: the last day of the month where it lacks the day). UNSURE also when the
 * day is before the birth. */
struct bd_comparison bd_rule_age(
	struct bd_bytes birth, int32_t on, struct bd_range years, enum bd_age_counting counting);

/* Days from one date to another: to - from, 0 on the same day, negative when `to` is earlier. */
struct bd_comparison bd_rule_days(struct bd_bytes from, struct bd_bytes to, struct bd_range days);

enum bd_date_relation {
	BD_DATE_BEFORE = 1,
	BD_DATE_UNTIL,
	BD_DATE_ON,
	BD_DATE_SINCE,
	BD_DATE_AFTER
};

/* Is a before b, not after b (UNTIL), on b, not before b (SINCE), after b? BD_DATE_OPEN is after
 * all. */
struct bd_comparison bd_rule_date_is(
	struct bd_bytes a, enum bd_date_relation relation, struct bd_bytes b);

/* A count, or an amount in fen. */
struct bd_comparison bd_rule_number(struct bd_bytes number, struct bd_range range);

/* -- months paid ----------------------------------------------------------------------------------
 */
enum bd_month_kind {
	BD_MONTH_NORMAL = 1, /* 正常应缴 */
	BD_MONTH_BACK_PAID,  /* 补缴 */
	BD_MONTH_REFUNDED,   /* 退收 */
	BD_MONTH_UNKNOWN     /* an unmapped kind */
};

struct bd_month {
	int32_t month; /* bd_rule_month_number */
	enum bd_month_kind kind;
};

/* "yyyy-MM" as year * 12 + month - 1; false when it is none. */
bool bd_rule_month_number(int32_t *month, struct bd_bytes text);

struct bd_months_options {
	int32_t until;         /* the last month that counts: the newest closed one */
	bool counts_back_paid; /* may a month that was only paid in arrears count? */
};

struct bd_month_count {
	uint32_t total;   /* months paid, each once however many rows it has */
	uint32_t longest; /* longest run of them without a gap */
	uint32_t current; /* run that ends with `until`; 0 when that month is not paid */
};

/* What is sure and what is possible: a month with a refund beside a payment, or of unknown kind, is
 * paid in the second and not in the first. A refund alone is no payment. Months after `until` do
 * not count, nor do those more than BD_MONTHS_MAX before it. */
struct bd_months_paid {
	struct bd_month_count sure, possible;
};
void bd_rule_months_paid(struct bd_months_paid *paid, const struct bd_month *months, size_t count,
	const struct bd_months_options *options);

/* Of the two counts of one kind (total, longest or current): at least `needed`? UNSURE where only
 * the possible one is. */
struct bd_comparison bd_rule_months_enough(uint32_t sure, uint32_t possible, uint32_t needed);

#endif
