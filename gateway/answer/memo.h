/* memo.h - a source that asks another one once for each subject of a question.
 *
 * Layer: answer. Several elements follow the same relation; all lookups of a question see one
 * snapshot, so the second answer would be the first one. Lives as long as the question's arena.
 */
#ifndef BD_ANSWER_MEMO_H
#define BD_ANSWER_MEMO_H

#include "answer/answer.h"

struct bd_memo_entry;

struct bd_memo {
	struct bd_answer_source source; /* its first member: given on in the inner one's place */
	struct bd_answer_source *inner;
	struct bd_memo_entry *first;
};

void bd_memo_init(struct bd_memo *memo, struct bd_answer_source *inner);

#endif
