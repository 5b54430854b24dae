/* ask.c - POST /v1/compare and /v1/identities/query: one question of JSON, or one a line (NDJSON).
 *
 * A question is answered at once (question.h), unless departments have to be asked for it (look.h).
 * Lines are answered in their order as they come; a line that is no question gets its problem in
 * its place and the rest goes on. A comparison with an Idempotency-Key is answered once: a repeat
 * gets the first answer (repeats.h).
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/ask_parts.h"
#include "daemon/routes.h"

#include <stddef.h>
#include <stdlib.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define KEY_MAX_BYTES 128
/* Of a loop: as many as have come in a turn, nearly always. */
#define ASKS_KEPT 64
#define ASK_BODY_KEPT_BYTES 16384

/* Zeroed, but for the memory of its body. NULL: no memory. */
static struct ask *take(struct bd_loop *loop)
{
	struct ask *ask = loop->asks;
	struct bd_buf body;

	if (ask == NULL) {
		return calloc(1, sizeof(*ask));
	}
	loop->asks = ask->next;
	loop->ask_count--;
	body = ask->body;
	memset(ask, 0, sizeof(*ask));
	ask->body = body;
	bd_buf_clear(&ask->body);
	return ask;
}

/* Of another's memory there may be more than this one may have. */
static void set_body_max(struct ask *ask, size_t max)
{
	if (ask->body.cap > max) {
		bd_buf_release(&ask->body);
	}
	ask->body.max = max;
}

static void give(struct bd_loop *loop, struct ask *ask)
{
	if (loop->ask_count == ASKS_KEPT || ask->body.cap > ASK_BODY_KEPT_BYTES) {
		bd_buf_release(&ask->body);
		free(ask);
		return;
	}
	ask->next = loop->asks;
	loop->asks = ask;
	loop->ask_count++;
}

void bd_ask_free(struct ask *ask)
{
	bd_later_not(&ask->call.loop->laters, &ask->later);
	bd_look_release(ask->look);
	bd_ask_lines_free(ask);
	bd_call_close(&ask->call);
	give(ask->call.loop, ask);
}

void bd_asks_free(struct bd_loop *loop)
{
	while (loop->asks != NULL) {
		struct ask *ask = loop->asks;

		loop->asks = ask->next;
		bd_buf_release(&ask->body);
		free(ask);
	}
}

/* -- one question -- */

static void respond(struct ask *ask, struct bd_bytes answer)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };

	bd_http_respond(ask->call.exchange, 200, headers, answer);
}

/* Its entry is written with those of the others of this turn, and the answer waits for that; but
 * what is kept for a repeat must have its entry. */
static enum bd_code keep(
	struct ask *ask, enum bd_code code, const char *receipt, struct bd_diag *diag)
{
	struct bd_loop *loop = ask->call.loop;

	if (!ask->is_keyed) {
		return code;
	}
	code = code == BD_OK ? bd_audit_flush(&loop->audit, diag) : code;
	if (code == BD_OK) {
		return bd_repeats_keep(loop->daemon->repeats, &ask->repeat, receipt,
			bd_buf_bytes(&loop->answer), ask->question.now_ms, diag);
	}
	bd_repeats_forget(loop->daemon->repeats, &ask->repeat);
	return code;
}

static void on_looked(struct bd_look *look);

/* It is answered, or with ask->look set it waits. */
static enum bd_code answer_new(struct ask *ask, struct bd_diag *diag)
{
	char receipt[BD_TRAIL_ID_TEXT_BYTES];
	struct bd_question *question = &ask->question;
	enum bd_code code = bd_question_answer(receipt, question, bd_buf_bytes(&ask->body), diag);

	if (code == BD_OK && question->look != NULL) {
		ask->look = question->look;
		ask->look->on_over = on_looked;
		ask->look->state = ask;
		code = bd_look_start(ask->look, diag);
		if (code == BD_OK) {
			bd_http_watch(ask->call.exchange);
			return BD_OK;
		}
		bd_look_release(ask->look);
		ask->look = NULL;
	}
	return keep(ask, code, receipt, diag);
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

static void end_one(struct ask *ask, enum bd_code code, struct bd_diag *diag)
{
	struct bd_loop *loop = ask->call.loop;

	if (code == BD_OK) {
		respond(ask, bd_buf_bytes(&loop->answer));
	} else {
		diag->code = code;
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond(ask->call.exchange, diag, NULL);
	}
	bd_ask_free(ask);
}

/* All is known that will be: decided in a new snapshot. */
static void on_looked(struct bd_look *look)
{
	struct bd_diag diag = { .code = BD_OK };
	struct ask *ask = look->state;
	enum bd_code code;

	bd_buf_clear(&ask->call.loop->answer);
	ask->question.may_look = false;
	ask->question.looked = look;
	code = answer_new(ask, &diag);
	end_one(ask, code, &diag);
}

static void respond_one(struct ask *ask)
{
	struct bd_diag diag = { .code = BD_OK };
	bool is_answered = false;
	enum bd_code code = BD_OK;

	bd_buf_clear(&ask->call.loop->answer);
	if (ask->is_keyed) {
		code = answer_again(&is_answered, ask, &diag);
	}
	if (code == BD_OK && !is_answered) {
		code = answer_new(ask, &diag);
	}
	if (ask->look == NULL) {
		end_one(ask, code, &diag);
	}
}

/* -- the body -- */

static void too_large(struct ask *ask)
{
	bd_count(&ask->call.loop->counts.refused, 1);
	if (ask->has_begun || ask->unsent > 0 || ask->first != NULL) {
		/* The lines behind it are not answered: the client must not think that all were. */
		bd_ask_lines_break(ask, BD_HTTP_TOO_LARGE);
	} else {
		bd_problem_respond_code(ask->call.exchange, BD_HTTP_TOO_LARGE, "");
		bd_ask_free(ask);
	}
}

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	struct ask *ask = CONTAINER(struct ask, call, call);

	if (ask->is_body_over) {
		return; /* broken off: what still comes is nobody's */
	}
	bd_ask_lines_make_room(ask);
	if (bd_buf_add(&ask->body, bytes) != BD_OK) {
		too_large(ask);
		return;
	}
	if (ask->is_lines && !ask->is_whole) {
		bd_ask_lines(ask);
	}
}

static void on_body_end(struct bd_call *call)
{
	struct ask *ask = CONTAINER(struct ask, call, call);

	if (ask->is_body_over) {
		return;
	}
	ask->is_body_over = true;
	if (!ask->is_lines) {
		respond_one(ask);
	} else {
		bd_ask_lines(ask);
	}
}

static void on_abort(struct bd_call *call)
{
	struct ask *ask = CONTAINER(struct ask, call, call);

	if (ask->look != NULL && ask->is_keyed) {
		bd_repeats_forget(call->loop->daemon->repeats, &ask->repeat);
	}
	bd_look_left(ask->look);
	bd_ask_lines_left(ask);
	bd_http_end(call->exchange);
	bd_ask_free(ask);
}

static void on_writable(struct bd_call *call)
{
	bd_ask_lines_writable(CONTAINER(struct ask, call, call));
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
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond_code(exchange, BD_QUESTION_FORM, "explain is true or false");
		return;
	}
	if ((!is_lines && !bd_call_is_type(type, "application/json")) ||
		bd_http_header(exchange, "content-encoding").ptr != NULL) {
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond_code(exchange, BD_HTTP_MEDIA_TYPE,
			"application/json or application/x-ndjson, not compressed");
		return;
	}
	if (key.ptr != NULL && (is_lines || key.len == 0 || key.len > KEY_MAX_BYTES)) {
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond_code(exchange, BD_QUESTION_FORM,
			is_lines ? "Idempotency-Key is for a single case"
				 : "Idempotency-Key has 1 to 128 bytes");
		return;
	}
	ask = take(loop);
	if (ask == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	bd_call_open(&ask->call, &call_ops, loop, exchange, sender);
	bd_question_open(&ask->question, &ask->call, kind, explains);
	ask->question.may_look =
		kind == BD_QUESTION_COMPARE && bd_look_is_possible(loop, ask->call.setup);
	ask->last = &ask->first;
	bd_buf_init(&ask->answers, BD_ANSWER_MAX_BYTES * 2);
	if (is_lines) {
		ask->question.out = &ask->answers;
	}
	ask->is_lines = is_lines;
	ask->is_keyed = key.ptr != NULL;
	/* One line, and of a batch the run that the network brought with it. */
	ask->is_whole = bd_http_is_body_expected(exchange);
	if (is_lines && ask->is_whole) {
		set_body_max(ask, BD_SIGNED_LINES_MAX_BYTES);
		return;
	}
	set_body_max(ask, loop->setup->settings->question_max_bytes +
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
