/* case_file.h - a case written down: the question, what the departments hold, and what must come
 * out. The cases beside a matter (schemas/matters/<id>/cases/) are such files.
 *
 * Layer: answer. Called by the command line (bidui matter test) and by tests. Pure. JSON:
 *
 *   {"title": "...", "now": "2026-06-01T09:30:05+08:00", "live": true,
 *    "question": {as asked of POST /v1/compare},
 *    "held": [as in held_file.h],
 *    "expect": {"decision", "branch", "retry_on", "excluded",
 *               "findings": {"element" or "element /subjects/role/0":
 *                            "code" or {"code", "flags": [], "reason"}},
 *               "obligations": {"material or element": "due day" or null},
 *               "notice_zh", "notice_en": the words of the one-time notice 一次性告知}}
 *
 * or, of a question that cannot be answered, "expect": {"refused": {"code", "at": JSON pointer}}.
 *
 * Whoever is not in held is a subject that no source has told of, and that none covers. now
 * defaults to submitted_at, else to `on`. "live" says that the samples of the adapters hold the
 * same, so that a running gateway comes to the same decision.
 */
#ifndef BD_ANSWER_CASE_FILE_H
#define BD_ANSWER_CASE_FILE_H

#include "answer/answer.h"
#include "base/json.h"

struct bd_held_file;
struct bd_case_file {
	struct bd_answer_source source; /* what is held */
	const char *title;
	struct bd_bytes question; /* JSON */
	int64_t now_ms;
	bool is_live;
	/* private */
	const struct bd_json *expect;
	const struct bd_held_file *held;
};

/* Lives in the arena, and so must json. BD_QUESTION_FORM and the codes of the rules, with the JSON
 * pointer. */
enum bd_code bd_case_file_read(struct bd_case_file **out, struct bd_bytes json,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diag *diag);
/* Appends what is not as expected, a line each; nothing when all is. */
enum bd_code bd_case_file_check(struct bd_buf *differences, const struct bd_case_file *file,
	const struct bd_compared *compared);
/* The same of a question that was refused; diag says why. */
enum bd_code bd_case_file_check_refused(
	struct bd_buf *differences, const struct bd_case_file *file, const struct bd_diag *diag);

#endif
