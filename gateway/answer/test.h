/* test.h - conditions on one value: ages, days, numbers, lists, months. Layer: answer, private to
 * it.
 *
 * A condition that cannot be told (a partial date, a text that is no number) is UNSURE, never a
 * guess.
 */
#ifndef BD_ANSWER_TEST_H
#define BD_ANSWER_TEST_H

#include "answer/evidence.h"
#include "record/likeness.h"

/* Days from the date to `on`. */
struct bd_comparison bd_test_days_since(struct bd_range days, struct bd_bytes date, int32_t on);
/* Any test of an element on a normal form. *mends_on: the day from which a test that only waits
 * will hold, else BD_NO_DAY. */
struct bd_comparison bd_test_value(
	int32_t *mends_on, const struct bd_element *element, struct bd_bytes text, int32_t on);

/* A claimed value that is tested itself: no source is asked. */
enum bd_code bd_judge_claim(struct bd_finding *finding, const struct bd_work *work);
/* So many months. */
enum bd_code bd_judge_months(
	struct bd_finding *finding, const struct bd_work *work, const struct bd_held *held);

#endif
