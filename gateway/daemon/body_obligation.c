/* body_obligation.c - bodies about what is still owed: asked by its case, handed in, given more
 * time. */
#include "daemon/body.h"

#include "answer/element.h"
#include "base/clock.h"
#include "base/limits.h"

#include <string.h>

#define CASE_MAX_BYTES 128
#define OPERATOR_MAX_BYTES 128
/* A material's digest: SHA-256. */
#define DIGEST_TEXT_BYTES 64
#define TIME_MAX_BYTES 40
#define DAYS_MAX 9999

static void read_cursor(const char **out, const struct bd_json *node, struct bd_faults *faults)
{
	*out = node != NULL ? node->text.ptr : NULL;
	if (node != NULL &&
		(node->type != BD_JSON_IS_TEXT || strlen(node->text.ptr) != node->text.len)) {
		bd_faults_add(faults, BD_CURSOR_INVALID, node, "/cursor", "");
	}
}

enum bd_code bd_body_obligations(
	struct bd_obligations_said *out, const struct bd_json *body, struct bd_faults *faults)
{
	static const struct bd_bytes names[] = { BD_BYTES("case"), BD_BYTES("limit"),
		BD_BYTES("cursor"), { NULL, 0 } };

	*out = (struct bd_obligations_said){ .limit = BD_OBLIGATIONS_PAGE_MAX };
	bd_question_members(body, "", names, faults);
	bd_body_text(&out->case_id, body, "case", 1, CASE_MAX_BYTES, faults);
	bd_body_number(&out->limit, body, "limit", 1, BD_OBLIGATIONS_PAGE_MAX, faults);
	read_cursor(&out->cursor, bd_json_get(body, "cursor"), faults);
	return bd_body_code(faults);
}

enum bd_code bd_body_material(struct bd_owed_change *out, const struct bd_json *body,
	int64_t now_ms, struct bd_faults *faults)
{
	static const struct bd_bytes names[] = { BD_BYTES("state"), BD_BYTES("digest"),
		BD_BYTES("at"), { NULL, 0 } };
	struct bd_bytes digest, at;

	bd_question_members(body, "", names, faults);
	if (bd_body_text(&out->material, body, "state", 1, 16, faults) &&
		!bd_bytes_is(out->material, "supplied") &&
		!bd_bytes_is(out->material, "e_licence")) {
		bd_faults_add(faults, BD_QUESTION_FORM, bd_json_get(body, "state"), "/state",
			"supplied or e_licence");
	}
	if (bd_body_text(&digest, body, "digest", 1, DIGEST_TEXT_BYTES, faults) &&
		!bd_unhex(out->digest, sizeof(out->digest), digest)) {
		bd_faults_add(faults, BD_QUESTION_FORM, bd_json_get(body, "digest"), "/digest",
			"SHA-256, 64 hexadecimal digits");
	}
	if (!bd_body_text(&at, body, "at", 1, TIME_MAX_BYTES, faults)) {
		return bd_body_code(faults);
	}
	if (!bd_time_parse(&out->handed_ms, at)) {
		bd_faults_add(faults, BD_QUESTION_FORM, bd_json_get(body, "at"), "/at", "RFC 3339");
	} else if (out->handed_ms > now_ms + BD_CLOCK_AHEAD_MS) {
		bd_faults_add(faults, BD_TIME_FUTURE, bd_json_get(body, "at"), "/at", "");
	}
	return bd_body_code(faults);
}

/* working_days, or a day. */
static void read_term(
	int64_t *days, int32_t *due, const struct bd_json *body, struct bd_faults *faults)
{
	const struct bd_json *count = bd_json_get(body, "working_days"),
			     *day = bd_json_get(body, "due");
	uint64_t number = 0;

	if ((count == NULL) == (day == NULL)) {
		bd_faults_add(faults, BD_QUESTION_FORM, day, "/working_days",
			"one of working_days and due");
	} else if (count != NULL) {
		bd_body_number(&number, body, "working_days", 1, DAYS_MAX, faults);
	} else if (day->type != BD_JSON_IS_TEXT || !bd_day_parse(due, day->text)) {
		bd_faults_add(faults, BD_QUESTION_FORM, day, "/due", "yyyy-MM-dd");
	}
	*days = (int64_t)number;
}

enum bd_code bd_body_extension(struct bd_owed_change *out, int64_t *days, int32_t *due,
	const struct bd_json *body, struct bd_faults *faults)
{
	static const struct bd_bytes names[] = { BD_BYTES("working_days"), BD_BYTES("due"),
		BD_BYTES("reason"), BD_BYTES("operator"), { NULL, 0 } };

	*due = BD_NO_DAY;
	bd_question_members(body, "", names, faults);
	read_term(days, due, body, faults);
	bd_body_text(&out->reason, body, "reason", 1, BD_REASON_MAX_BYTES, faults);
	bd_body_text(&out->operator_name, body, "operator", 1, OPERATOR_MAX_BYTES, faults);
	return bd_body_code(faults);
}
