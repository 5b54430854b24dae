/* rules_value.h - dates, months, times, amounts, counts and yes-or-no in their one form.
 *
 * Layer: record. Used by intake and by answer. Rule ids are those of schemas/rules.tsv.
 * Source: GB/T 7408.1-2023 (dates and times); amounts are whole 分, never floating point.
 */
#ifndef BD_RECORD_RULES_VALUE_H
#define BD_RECORD_RULES_VALUE_H

#include "record/record.h"

/* A date without end, whatever the source writes for it (长期, 2999-12-31, 9999-12-31). */
#define BD_DATE_OPEN "9999-12-31"

/* "yyyy-MM-dd"; what is known of it where only "yyyy-MM" or "yyyy" is given; BD_DATE_OPEN. */
enum bd_code bd_rule_date(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag);
/* "yyyy-MM"; a full date gives its month. */
enum bd_code bd_rule_month(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag);
/* First and last day that a date in its normal form can be: one day, or the days of its month or
 * year where only these are known. false when it is no date. */
bool bd_rule_date_span(int32_t *first, int32_t *last, struct bd_bytes date);
/* ms since 1970; a text without zone is Asia/Shanghai, a date is its first moment. */
enum bd_code bd_rule_time(int64_t *ms, struct bd_bytes text, struct bd_diag *diag);
/* The text of a time: RFC 3339 at +08:00. */
enum bd_code bd_rule_time_text(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag);
/* Whole fen of a decimal text; decimals: 2 = the text is yuan, 6 = ten thousand yuan, 0 = fen. */
enum bd_code bd_rule_amount(struct bd_bytes *out, struct bd_bytes text, unsigned decimals,
	struct bd_arena *arena, struct bd_diag *diag);
enum bd_code bd_rule_count(
	struct bd_bytes *out, struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag);
/* An amount or count in its normal form; false when it is none. */
bool bd_rule_whole_number(int64_t *value, struct bd_bytes text);
/* "true" or "false". */
enum bd_code bd_rule_bool(struct bd_bytes *out, struct bd_bytes text, struct bd_diag *diag);

#endif
