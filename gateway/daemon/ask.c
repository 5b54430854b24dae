/* ask.c - POST /v1/compare and /v1/identities/query: one question of JSON, or one a line (NDJSON).
 *
 * A question is answered at once (question.h). Lines are answered in their order as they come; a
 * line that is no question gets its problem in its place and the rest goes on. A comparison with an
 * Idempotency-Key is answered once: a repeat gets the first answer (repeats.h).
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/question.h"
#include "daemon/repeats.h"
#include "daemon/routes.h"
#include "daemon/share.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define KEY_MAX_BYTES 128

struct ask {
	struct bd_call call;
	struct bd_question question;
	bool is_lines;
	bool is_whole; /* lines are answered when all have come: the body is signed */
	bool has_begun, is_body_over, is_stopped; /* stopped: until on_writable */
	struct bd_buf body;
	/* Idempotency-Key */
	bool is_keyed;
	struct bd_repeat repeat;
	/* of the lines that are answered and not sent */
	uint64_t losses; /* of the trail, when the first was answered */
	size_t unsent;
};

static void ask_free(struct ask *ask)
{
	bd_buf_release(&ask->body);
	bd_call_close(&ask->call);
	free(ask);
}

/* -- one question -- */

static void respond(struct ask *ask, struct bd_bytes answer)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };

	bd_http_respond(ask->call.exchange, 200, headers, answer);
}

static enum bd_code answer_new(struct ask *ask, struct bd_diag *diag)
{
	struct bd_loop *loop = ask->call.loop;
	char receipt[BD_TRAIL_ID_TEXT_BYTES];
	enum bd_code code =
		bd_question_answer(receipt, &ask->question, bd_buf_bytes(&ask->body), diag);

	/* Its entry is written with those of the others of this turn, and the answer waits for
	 * that; but what is kept for a repeat must have its entry. */
	code = code == BD_OK && ask->is_keyed ? bd_audit_flush(&loop->audit, diag) : code;
	if (code == BD_OK && ask->is_keyed) {
		code = bd_repeats_keep(loop->daemon->repeats, &ask->repeat, receipt,
			bd_buf_bytes(&loop->answer), ask->question.now_ms, diag);
	} else if (ask->is_keyed) {
		bd_repeats_forget(loop->daemon->repeats, &ask->repeat);
	}
	return code;
}

/* All that was asked is one digest, and so are who asks and by which key. */
static enum bd_code make_repeat(struct ask *ask, struct bd_bytes key)
{
	struct bd_audit *audit = &ask->call.loop->audit;
	char room[1024];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };
	uint8_t body[BD_DIGEST_BYTES];
	enum bd_code code = bd_buf_add_sized(&text, bd_bytes_of(ask->call.sender->name));

	code = code == BD_OK ? bd_buf_add(&text, key) : code;
	code = code == BD_OK ? bd_audit_digest(ask->repeat.key, audit, bd_buf_bytes(&text)) : code;
	code = code == BD_OK ? bd_audit_digest(body, audit, bd_buf_bytes(&ask->body)) : code;
	bd_buf_clear(&text);
	code = code == BD_OK ? bd_buf_add_byte(&text, ask->question.explains ? 1 : 0) : code;
	code = code == BD_OK ? bd_buf_add(&text, (struct bd_bytes){ (char *)body, sizeof(body) })
			     : code;
	return code == BD_OK ? bd_audit_digest(ask->repeat.body, audit, bd_buf_bytes(&text)) : code;
}

/* What was told the first time is told again only to whom as much may be told now. */
static enum bd_code check_repeat(struct ask *ask, struct bd_bytes answer, struct bd_diag *diag)
{
	struct bd_loop *loop = ask->call.loop;
	struct bd_asker *asker = &ask->question.asker;
	const struct bd_json *matter, *disclosure;
	struct bd_json *root = NULL;
	enum bd_disclosure told;

	BD_TRY(bd_json_parse_answer(&root, answer, &loop->arena, diag));
	matter = bd_json_get(root, "matter");
	disclosure = bd_json_get(root, "disclosure");
	told = disclosure != NULL ? bd_disclosure_find(disclosure->text) : BD_DISCLOSE_NOTHING;
	asker->day = bd_day_at(bd_audit_time(&loop->audit));
	return bd_asker_may(asker, ask->call.setup,
		matter != NULL ? matter->text : (struct bd_bytes){ "", 0 },
		told != BD_DISCLOSE_NOTHING ? told : BD_DISCLOSE_VALUES, diag);
}

/* The first answer of the key goes into the loop's; *is_answered false: there is none yet. */
static enum bd_code answer_again(bool *is_answered, struct ask *ask, struct bd_diag *diag)
{
	struct bd_loop *loop = ask->call.loop;
	struct bd_bytes receipt, answer;
	enum bd_repeat_state state = BD_REPEAT_NEW;
	enum bd_code code = make_repeat(ask, bd_http_header(ask->call.exchange, "idempotency-key"));

	bd_arena_clear(&loop->arena);
	code = code == BD_OK
		       ? bd_repeats_begin(&state, &receipt, &answer, loop->daemon->repeats,
				 &ask->repeat, bd_audit_time(&loop->audit), &loop->arena, diag)
		       : bd_fail(diag, code, "%s", "");
	*is_answered = code == BD_OK && state == BD_REPEAT_SAME;
	if (code == BD_OK && state == BD_REPEAT_DIFFERS) {
		code = bd_fail(diag, BD_IDEMPOTENCY_BODY, "%s", "");
	} else if (code == BD_OK && state == BD_REPEAT_RUNNING) {
		code = bd_fail(diag, BD_IDEMPOTENCY_RUNNING, "%s", "");
	} else if (*is_answered) {
		BD_TRY(check_repeat(ask, answer, diag));
		code = bd_buf_add(&loop->answer, answer);
		code = code == BD_OK ? bd_question_repeat(&ask->question, receipt, diag)
				     : bd_fail(diag, code, "%s", "");
	}
	return code;
}

static void respond_one(struct ask *ask)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_loop *loop = ask->call.loop;
	bool is_answered = false;
	enum bd_code code = BD_OK;

	bd_buf_clear(&loop->answer);
	if (ask->is_keyed) {
		code = answer_again(&is_answered, ask, &diag);
	}
	if (code == BD_OK && !is_answered) {
		code = answer_new(ask, &diag);
	}
	if (code == BD_OK) {
		respond(ask, bd_buf_bytes(&loop->answer));
	} else {
		diag.code = code;
		loop->counts.refused++;
		bd_problem_respond(ask->call.exchange, &diag, NULL);
	}
	ask_free(ask);
}

/* -- lines -- */

static void begin_lines(struct ask *ask)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/x-ndjson" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };

	if (!ask->has_begun) {
		ask->has_begun = true;
		bd_http_begin(ask->call.exchange, 200, headers);
	}
}

/* A line: the answer that is there from `before` on, or the problem in its place. */
static void end_line(struct ask *ask, size_t before, const struct bd_diag *diag)
{
	struct bd_buf *answers = &ask->call.loop->answer;
	enum bd_code code = BD_OK;

	if (diag->code != BD_OK) {
		answers->len = before;
		code = bd_problem_write(
			answers, diag, NULL, bd_problem_is_english(ask->call.exchange));
	}
	if (code == BD_OK) {
		code = bd_buf_add_byte(answers, '\n');
	}
	if (code != BD_OK) {
		answers->len = before;
	}
}

static void answer_line(struct ask *ask, struct bd_bytes line)
{
	const struct bd_audit *audit = &ask->call.loop->audit;
	struct bd_diag diag = { .code = BD_OK };
	size_t before = ask->call.loop->answer.len;
	char receipt[BD_TRAIL_ID_TEXT_BYTES];

	if (ask->unsent == 0) {
		ask->losses = bd_trail_losses(audit->log);
	}
	ask->unsent++;
	diag.code = bd_share_line(ask->call.setup, ask->call.sender, &diag);
	if (diag.code == BD_OK) {
		diag.code = bd_question_answer(receipt, &ask->question, line, &diag);
	}
	if (diag.code != BD_OK && bd_question_refuse(&ask->question, diag.code) != BD_OK) {
		diag = (struct bd_diag){ .code = BD_TRAIL_UNAVAILABLE };
	}
	end_line(ask, before, &diag);
}

/* The entries of the lines that are answered, before these leave. Where one could not be written,
 * none of the lines is answered but by that. */
static void write_entries(struct ask *ask)
{
	static const struct bd_diag diag = { .code = BD_TRAIL_UNAVAILABLE };
	struct bd_audit *audit = &ask->call.loop->audit;
	struct bd_buf *answers = &ask->call.loop->answer;

	if (bd_audit_flush(audit, NULL) != BD_OK || bd_trail_losses(audit->log) != ask->losses) {
		bd_buf_clear(answers);
		for (size_t i = 0; i < ask->unsent; i++) {
			end_line(ask, answers->len, &diag);
		}
	}
	ask->unsent = 0;
}

/* Sends what is answered; false when the client must take it first. */
static bool flush(struct ask *ask)
{
	struct bd_buf *answers = &ask->call.loop->answer;
	bool is_wanted = true;

	if (ask->unsent > 0) {
		write_entries(ask);
	}
	if (answers->len > 0) {
		begin_lines(ask);
		is_wanted = bd_http_write(ask->call.exchange, bd_buf_bytes(answers));
		bd_buf_clear(answers);
	}
	return is_wanted;
}

/* Answers whole lines of the body, up to what the client can take. */
static void answer_lines(struct ask *ask)
{
	const struct bd_buf *answers = &ask->call.loop->answer;
	size_t at = 0;

	bd_buf_clear(&ask->call.loop->answer);
	while (!ask->is_stopped && at < ask->body.len) {
		char *end = memchr(ask->body.ptr + at, '\n', ask->body.len - at);
		size_t len = end != NULL ? (size_t)(end - ask->body.ptr) - at : ask->body.len - at;

		if (end == NULL && !ask->is_body_over) {
			break;
		}
		if (len > 0 && ask->body.ptr[at + len - 1] == '\r') {
			len--;
		}
		if (len > 0) {
			answer_line(ask, (struct bd_bytes){ ask->body.ptr + at, len });
		}
		at = end != NULL ? (size_t)(end - ask->body.ptr) + 1 : ask->body.len;
		if (answers->len > BD_ANSWER_MAX_BYTES / 16) {
			ask->is_stopped = !flush(ask);
		}
	}
	if (at > 0) {
		memmove(ask->body.ptr, ask->body.ptr + at, ask->body.len - at);
		ask->body.len -= at;
	}
	if (!flush(ask)) {
		ask->is_stopped = true;
	}
	if (ask->is_stopped) {
		bd_http_pause(ask->call.exchange);
	} else if (ask->is_body_over) {
		begin_lines(ask);
		bd_http_end(ask->call.exchange);
		ask_free(ask);
	}
}

static void on_writable(struct bd_call *call)
{
	struct ask *ask = CONTAINER(struct ask, call, call);

	if (ask->is_stopped) {
		ask->is_stopped = false;
		if (!ask->is_body_over) {
			bd_http_resume(call->exchange);
		}
		answer_lines(ask);
	}
}

/* -- the body -- */

static void too_large(struct ask *ask)
{
	const struct bd_diag diag = { .code = BD_HTTP_TOO_LARGE };

	if (ask->has_begun) {
		/* The lines behind it are not answered: the client must not think that all were. */
		bd_buf_clear(&ask->call.loop->answer);
		bd_question_refuse(&ask->question, diag.code);
		end_line(ask, 0, &diag);
		flush(ask);
		bd_http_end(ask->call.exchange);
	} else {
		bd_problem_respond_code(ask->call.exchange, BD_HTTP_TOO_LARGE, "");
	}
	ask->call.loop->counts.refused++;
	ask_free(ask);
}

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	struct ask *ask = CONTAINER(struct ask, call, call);

	if (bd_buf_add(&ask->body, bytes) != BD_OK) {
		too_large(ask);
		return;
	}
	if (ask->is_lines && !ask->is_stopped && !ask->is_whole) {
		answer_lines(ask);
	}
}

static void on_body_end(struct bd_call *call)
{
	struct ask *ask = CONTAINER(struct ask, call, call);

	ask->is_body_over = true;
	if (!ask->is_lines) {
		respond_one(ask);
	} else if (!ask->is_stopped) {
		answer_lines(ask);
	}
}

static void on_abort(struct bd_call *call)
{
	struct ask *ask = CONTAINER(struct ask, call, call);

	bd_http_end(call->exchange);
	ask_free(ask);
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, on_writable };

static void begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, enum bd_question_kind kind)
{
	struct bd_bytes key = kind == BD_QUESTION_COMPARE
				      ? bd_http_header(exchange, "idempotency-key")
				      : (struct bd_bytes){ NULL, 0 };
	struct bd_bytes type = bd_http_header(exchange, "content-type");
	bool is_lines = bd_call_is_type(type, "application/x-ndjson");
	bool explains = false;
	struct ask *ask;

	if (bd_call_flag(&explains, bd_http_query(exchange), "explain") != BD_OK) {
		loop->counts.refused++;
		bd_problem_respond_code(exchange, BD_QUESTION_FORM, "explain is true or false");
		return;
	}
	if ((!is_lines && !bd_call_is_type(type, "application/json")) ||
		bd_http_header(exchange, "content-encoding").ptr != NULL) {
		loop->counts.refused++;
		bd_problem_respond_code(exchange, BD_HTTP_MEDIA_TYPE,
			"application/json or application/x-ndjson, not compressed");
		return;
	}
	if (key.ptr != NULL && (is_lines || key.len == 0 || key.len > KEY_MAX_BYTES)) {
		loop->counts.refused++;
		bd_problem_respond_code(exchange, BD_QUESTION_FORM,
			is_lines ? "Idempotency-Key is for a single case"
				 : "Idempotency-Key has 1 to 128 bytes");
		return;
	}
	ask = calloc(1, sizeof(*ask));
	if (ask == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	bd_call_open(&ask->call, &call_ops, loop, exchange, sender);
	bd_question_open(&ask->question, &ask->call, kind, explains);
	ask->is_lines = is_lines;
	ask->is_keyed = key.ptr != NULL;
	/* One line, and of a batch the run that the network brought with it. */
	ask->is_whole = bd_http_is_body_expected(exchange);
	if (is_lines && ask->is_whole) {
		bd_buf_init(&ask->body, BD_SIGNED_LINES_MAX_BYTES);
		return;
	}
	bd_buf_init(&ask->body, loop->setup->settings->question_max_bytes +
					(is_lines ? BD_BODY_GATHER_MAX_BYTES : 0));
}

void bd_compare_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)parts;
	begin(loop, exchange, sender, BD_QUESTION_COMPARE);
}

void bd_query_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)parts;
	begin(loop, exchange, sender, BD_QUESTION_QUERY);
}
