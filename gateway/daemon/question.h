/* question.h - one question answered: read in one snapshot of the store, compared or shown, and
 * entered into the trail.
 *
 * Layer: daemon, on the loop's thread. The answer is appended to the loop's buffer; it may leave
 * when its entry is written (bd_audit_flush).
 */
#ifndef BD_DAEMON_QUESTION_H
#define BD_DAEMON_QUESTION_H

#include "answer/answer.h"
#include "daemon/asker.h"
#include "daemon/call.h"
#include "daemon/keep.h"

struct bd_look;

enum bd_question_kind { BD_QUESTION_COMPARE = 1, BD_QUESTION_QUERY };

struct bd_question {
	struct bd_answer_source source;
	struct bd_call *call;
	struct bd_asker asker;
	enum bd_question_kind kind;
	bool explains;
	struct bd_buf *out; /* what the answer is added to: at first the loop's */
	int64_t now_ms;     /* of the answer */
	/* A comparison may be put off: departments are asked first. NULL afterwards = it was
	 * answered; else it was not, and is answered by another bd_question_answer when that is
	 * over (look.h). `looked` is what was asked for it by then: told in the answer. */
	bool may_look;
	struct bd_look *look;
	const struct bd_look *looked;
	/* private: of a comparison, what is kept of it */
	struct bd_keep keep;
	/* of a query, whom it looked up first, and what it told */
	bool has_looked;
	struct bd_trail_subject subject;
	enum bd_held_status status;
	struct bd_disclosed disclosed;
};

void bd_question_open(struct bd_question *question, struct bd_call *call,
	enum bd_question_kind kind, bool explains);
/* Answers and enters one; receipt is the id of its entry. Clears the loop's arena. */
enum bd_code bd_question_answer(char receipt[BD_TRAIL_ID_TEXT_BYTES], struct bd_question *question,
	struct bd_bytes json, struct bd_diag *diag);
/* Enters that it was refused; for who does not answer by bd_problem_respond. */
enum bd_code bd_question_refuse(struct bd_question *question, enum bd_code refusal);
/* Enters, and writes, that the answer of this receipt is given again. */
enum bd_code bd_question_repeat(
	struct bd_question *question, struct bd_bytes receipt, struct bd_diag *diag);

#endif
