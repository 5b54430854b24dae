/* obligation.h - what is still owed after a decision 容缺补正: by the applicant (a material) or by
 * the agency (a check that only the State's own systems kept open), with its due day.
 *
 * Layer: answer. Due days are working days after the day of acceptance (base/workday.h); a year
 * that the calendar lacks is BD_CALENDAR_YEAR, at /on. Pure.
 */
#ifndef BD_ANSWER_OBLIGATION_H
#define BD_ANSWER_OBLIGATION_H

#include "answer/decide.h"

enum bd_party { BD_PARTY_APPLICANT = 1, BD_PARTY_AGENCY };

struct bd_obligation {
	enum bd_party party;
	const char *id, *label_zh, *label_en; /* of the material, or of the element */
	const struct bd_finding *finding;     /* agency: what is to be checked; else NULL */
	bool may_follow;                      /* false: has to be supplied before anything else */
	int32_t due;                          /* BD_NO_DAY where it may not follow */
	int64_t extension_working_days, extensions;
};

/* What a binding obligation is called from its answer on: the receipt's id, and its number in the
 * answer, from 1, as four hexadecimal digits. */
#define BD_OBLIGATION_ID_TEXT_BYTES 64
void bd_obligation_id_write(
	char out[BD_OBLIGATION_ID_TEXT_BYTES], const char *receipt, uint16_t number);
/* *receipt borrows from text. False unless it ends as bd_obligation_id_write ends. */
bool bd_obligation_id_read(struct bd_bytes *receipt, uint16_t *number, struct bd_bytes text);

/* Of a decision that leaves something to be done: `conditional`, and `refer` for want of a
 * material. Empty otherwise. In the order of the matter's materials, then of the findings. */
enum bd_code bd_obligations(const struct bd_obligation **out, size_t *count,
	const struct bd_case *asked, const struct bd_finding *findings, size_t finding_count,
	const struct bd_outcome *outcome, const struct bd_calendar *calendar,
	struct bd_arena *arena, struct bd_diag *diag);

/* One item of the notice, in the words of one that stands alone: what is owed, for what, by when.
 */
enum bd_code bd_notice_of(
	struct bd_buf *out, bool is_english, const char *title, const char *label, int32_t due);

/* The one-time notice 一次性告知: everything that the applicant still has to hand in, by when, and
 * what else would do. Empty where nothing is missing. */
enum bd_code bd_notice(struct bd_buf *out, bool is_english, const struct bd_case *asked,
	const struct bd_obligation *obligations, size_t count, const struct bd_outcome *outcome);

#endif
