/* fuzz_compare.c - any two texts by any comparator: a likeness and a rule, the same from both
 * sides, and a text is the same as itself.
 *
 * The first byte of an input is the comparator; the texts stand before and behind the first NUL.
 */
#include "record/rules_compare.h"
#include "record/rules_predicate.h"
#include "record/rules_set.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_whole(struct bd_comparison comparison)
{
	return comparison.likeness >= BD_LIKE_SAME && comparison.likeness <= BD_LIKE_DIFFERENT &&
	       comparison.rule != NULL && comparison.score <= 100 &&
	       (comparison.likeness == BD_LIKE_SAME) == (comparison.score == 100);
}

static void check_pair(enum bd_comparator comparator, struct bd_bytes a, struct bd_bytes b)
{
	const struct bd_value x = { .text = a }, y = { .text = b };
	struct bd_comparison there = bd_rule_compare(comparator, &x, &y, NULL);
	struct bd_comparison back = bd_rule_compare(comparator, &y, &x, NULL);
	struct bd_comparison self = bd_rule_compare(comparator, &x, &x, NULL);

	if (!is_whole(there) || !is_whole(back) || there.likeness != back.likeness ||
		there.rule != back.rule || there.score != back.score) {
		abort();
	}
	/* Of a set without items, or what is no amount, nothing can be said. */
	if (self.likeness != BD_LIKE_SAME &&
		(self.likeness != BD_LIKE_UNSURE ||
			(comparator != BD_COMPARE_SET && comparator != BD_COMPARE_AMOUNT))) {
		abort();
	}
}

static void check_conditions(struct bd_bytes a, struct bd_bytes b)
{
	static const char *const allowed[] = { "日用百货销售", "服装零售(不含婚纱)" };
	const struct bd_range range = { 18, 60 };

	/* As bd_rule_allow makes it. */
	static const char *const folded[] = { "日用百货销售", "服装零售(不含婚纱)" };
	const struct bd_allowed list = { folded, 2 };

	if (!is_whole(bd_rule_compare_listed(a, BD_SCOPE_SEPARATORS, &list)) ||
		!is_whole(bd_rule_compare_member(a, allowed, 2)) ||
		!is_whole(bd_rule_age(a, 20605, range, BD_AGE_DAY_AFTER)) ||
		!is_whole(bd_rule_days(a, b, range)) ||
		!is_whole(bd_rule_date_is(a, BD_DATE_ON, b)) ||
		!is_whole(bd_rule_number(a, range))) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end;
	struct bd_bytes a, b = { "", 0 };

	if (size == 0) {
		return 0;
	}
	a = (struct bd_bytes){ (const char *)data + 1, size - 1 };
	end = size > 1 ? memchr(data + 1, 0, size - 1) : NULL;
	if (end != NULL) {
		a.len = (size_t)(end - data - 1);
		b = (struct bd_bytes){ (const char *)end + 1, (size_t)(data + size - end - 1) };
	}
	check_pair((enum bd_comparator)(1 + data[0] % BD_COMPARE_SET), a, b);
	check_conditions(a, b);
	return 0;
}
