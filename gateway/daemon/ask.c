/* ask.c - POST /v1/compare and /v1/identities/query: one question of JSON, or one a line (NDJSON).
 *
 * A question is answered at once, on its loop, from one snapshot of the store. Lines are answered
 * in their order as they come; a line that is no question gets its problem in its place and the
 * rest goes on.
 */
#include "answer/answer.h"
#include "base/limits.h"
#include "daemon/routes.h"
#include "daemon/sandbox.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

enum ask_kind { ASK_COMPARE = 1, ASK_QUERY };

struct ask {
	struct bd_call call;
	struct bd_answer_source source;
	enum ask_kind kind;
	bool is_lines, explains;
	bool has_begun, is_body_over, is_stopped; /* stopped: until on_writable */
	struct bd_buf body;
	/* of the question that is being answered */
	int64_t now_ms;
	bool has_looked; /* subject and status are those of the first look-up */
	struct bd_trail_subject subject;
	enum bd_held_status status;
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

static enum bd_code find(struct ask *ask, struct bd_held **out,
	const struct bd_identifier *identifiers, size_t count, struct bd_arena *arena,
	struct bd_diag *diag)
{
	enum bd_code code =
		bd_sandbox_find(out, ask->call.setup, identifiers, count, ask->now_ms, arena, diag);

	if (code != BD_OK || *out != NULL) {
		return code;
	}
	return bd_store_lookup(out, ask->call.loop->reader, identifiers, count, arena, diag);
}

/* A query looks up whom it asks for before anything else: that is what the trail keeps. */
static enum bd_code lookup(struct bd_answer_source *self, struct bd_held **out,
	const struct bd_identifier *identifiers, size_t count, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct ask *ask = CONTAINER(struct ask, source, self);
	enum bd_code code = find(ask, out, identifiers, count, arena, diag);

	if (code == BD_OK && ask->kind == ASK_QUERY && !ask->has_looked && count > 0) {
		ask->has_looked = true;
		ask->status = (*out)->status;
		ask->subject.pointer = bd_bytes_of("/subject");
		code = bd_audit_subject(ask->subject.digest, &ask->call.loop->audit,
			&identifiers[0], ask->call.setup->dict);
		code = code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
	}
	return code;
}

/* -- the trail: every answer has its entry -- */

static enum bd_code enter_query(
	struct ask *ask, const struct bd_trail_caller *caller, struct bd_diag *diag)
{
	static const char *const names[] = { [BD_HELD_FOUND] = "found",
		[BD_HELD_AMBIGUOUS] = "ambiguous",
		[BD_HELD_NO_SUBJECT] = "no_subject",
		[BD_HELD_WITHHELD] = "withheld" };
	const struct bd_trail_event event = { .caller = *caller,
		.subjects = &ask->subject,
		.subject_count = ask->has_looked ? 1 : 0,
		.status = bd_bytes_of(ask->has_looked ? names[ask->status] : "") };

	return bd_audit_event(&ask->call.loop->audit, BD_TRAIL_QUERY, &event, ask->now_ms, diag);
}

static enum bd_code enter(struct ask *ask, struct bd_bytes question,
	const struct bd_compared *compared, struct bd_diag *diag)
{
	const struct bd_setup *setup = ask->call.setup;
	struct bd_loop *loop = ask->call.loop;
	struct bd_trail_caller caller;
	enum bd_code code = bd_audit_caller(
		&caller, &loop->audit, ask->call.exchange, ask->call.sender->name, &loop->arena);

	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	if (ask->kind == ASK_QUERY) {
		return enter_query(ask, &caller, diag);
	}
	return bd_audit_compare(&loop->audit, &caller, question, compared, setup->sandbox.len > 0,
		ask->now_ms, setup->dict, &loop->arena, diag);
}

/* A line that is refused has an entry too; a single question has it from its problem. */
static enum bd_code enter_refusal(struct ask *ask, enum bd_code refusal)
{
	struct bd_loop *loop = ask->call.loop;
	struct bd_trail_caller caller;
	enum bd_code code = bd_audit_caller(
		&caller, &loop->audit, ask->call.exchange, ask->call.sender->name, &loop->arena);

	return code == BD_OK
		       ? bd_audit_refusal(&loop->audit, &caller, refusal, "POST",
				 ask->kind == ASK_COMPARE ? "/v1/compare" : "/v1/identities/query")
		       : code;
}

/* The caller's right to see sensitive fields rests on a stated purpose. */
static bool has_purpose(const struct ask *ask)
{
	return bd_http_header(ask->call.exchange, "bidui-purpose").len > 0;
}

static enum bd_code answer_one(struct ask *ask, struct bd_bytes question, struct bd_diag *diag)
{
	const struct bd_setup *setup = ask->call.setup;
	struct bd_loop *loop = ask->call.loop;
	struct bd_answer_context context = {
		.dict = setup->dict,
		.matters = setup->matters,
		.matter_count = setup->matter_count,
		.calendar = setup->calendar,
		.source = &ask->source,
		.is_sandbox = setup->sandbox.len > 0,
		.sources = setup->source_names,
		.source_count = setup->plan_count,
		.may_see_sensitive = has_purpose(ask),
		.explains = ask->explains,
	};
	char receipt[BD_TRAIL_ID_TEXT_BYTES];
	struct bd_compared compared;
	enum bd_code code = bd_audit_next(receipt, &loop->audit, diag);

	code = code == BD_OK ? bd_store_begin(loop->reader, diag) : code;
	if (code != BD_OK) {
		return code;
	}
	ask->now_ms = bd_audit_time(&loop->audit);
	ask->has_looked = false;
	context.now_ms = ask->now_ms;
	context.receipt = receipt;
	bd_arena_clear(&loop->arena);
	if (ask->kind == ASK_COMPARE) {
		loop->counts.compares++;
		code = bd_compare(&loop->answer, &compared, question, &context, &loop->arena, diag);
	} else {
		loop->counts.queries++;
		code = bd_query(&loop->answer, question, &context, &loop->arena, diag);
	}
	code = code == BD_OK ? enter(ask, question, &compared, diag) : code;
	bd_store_end(loop->reader);
	return code;
}

static void respond_one(struct ask *ask)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_buf *answer = &ask->call.loop->answer;
	enum bd_code code;

	bd_buf_clear(answer);
	code = answer_one(ask, bd_buf_bytes(&ask->body), &diag);
	code = code == BD_OK ? bd_audit_flush(&ask->call.loop->audit, &diag) : code;
	if (code == BD_OK) {
		bd_http_respond(ask->call.exchange, 200, headers, bd_buf_bytes(answer));
	} else {
		diag.code = code;
		ask->call.loop->counts.refused++;
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

	if (ask->unsent == 0) {
		ask->losses = bd_trail_losses(audit->log);
	}
	ask->unsent++;
	diag.code = answer_one(ask, line, &diag);
	if (diag.code != BD_OK && enter_refusal(ask, diag.code) != BD_OK) {
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
		enter_refusal(ask, diag.code);
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
	if (ask->is_lines && !ask->is_stopped) {
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

/* Type without parameters, any case. */
static bool is_type(struct bd_bytes type, const char *name)
{
	size_t len = strlen(name);

	return type.len >= len && strncasecmp(type.ptr, name, len) == 0 &&
	       (type.len == len || type.ptr[len] == ';' || type.ptr[len] == ' ');
}

static void begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, enum ask_kind kind)
{
	struct bd_bytes type = bd_http_header(exchange, "content-type");
	bool is_lines = is_type(type, "application/x-ndjson");
	bool explains = false;
	struct ask *ask;

	if (bd_call_flag(&explains, bd_http_query(exchange), "explain") != BD_OK) {
		loop->counts.refused++;
		bd_problem_respond_code(exchange, BD_QUESTION_FORM, "explain is true or false");
		return;
	}
	if ((!is_lines && !is_type(type, "application/json")) ||
		bd_http_header(exchange, "content-encoding").ptr != NULL) {
		loop->counts.refused++;
		bd_problem_respond_code(exchange, BD_HTTP_MEDIA_TYPE,
			"application/json or application/x-ndjson, not compressed");
		return;
	}
	ask = calloc(1, sizeof(*ask));
	if (ask == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	bd_call_open(&ask->call, &call_ops, loop, exchange, sender);
	ask->source.lookup = lookup;
	ask->kind = kind;
	ask->is_lines = is_lines;
	ask->explains = explains;
	/* One line, and of a batch the run that the network brought with it. */
	bd_buf_init(&ask->body, loop->setup->settings->question_max_bytes +
					(is_lines ? BD_BODY_GATHER_MAX_BYTES : 0));
}

void bd_compare_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)parts;
	begin(loop, exchange, sender, ASK_COMPARE);
}

void bd_query_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)parts;
	begin(loop, exchange, sender, ASK_QUERY);
}
