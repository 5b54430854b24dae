/* likeness.h - what a rule of comparison says of two values, or of a value and a condition.
 *
 * Layer: record, plain data. SAME: they say the same; of a condition: it holds. NEAR: the same but
 * for how it is written, or as far as the less exact one goes; a matter that lets it pass lists
 * `near`. UNSURE: one of them holds what its source could not write, could not map or does not
 * know, or the two cannot be set side by side: never a guess. DIFFERENT: they contradict each
 * other; of a condition: it does not hold. Ascending: the greater, the further from SAME.
 */
#ifndef BD_RECORD_LIKENESS_H
#define BD_RECORD_LIKENESS_H

#include <stdbool.h>

enum bd_likeness { BD_LIKE_SAME = 1, BD_LIKE_NEAR, BD_LIKE_UNSURE, BD_LIKE_DIFFERENT };

struct bd_comparison {
	enum bd_likeness likeness;
	const char *rule; /* id in schemas/rules.tsv that decided; a constant */
	unsigned score;   /* of two addresses 0 to 100; else 100 when SAME, 0 when not */
};

static inline struct bd_comparison bd_likeness_of(enum bd_likeness likeness, const char *rule)
{
	return (struct bd_comparison){ likeness, rule, likeness == BD_LIKE_SAME ? 100 : 0 };
}

static inline struct bd_comparison bd_likeness_if(bool is_same, const char *rule)
{
	return bd_likeness_of(is_same ? BD_LIKE_SAME : BD_LIKE_DIFFERENT, rule);
}

#endif
