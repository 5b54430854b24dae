#include "daemon/problem.h"

#include "base/limits.h"
#include "daemon/access.h"
#include "daemon/language.h"
#include "daemon/loop.h"
#include "daemon/routes.h"

#include <stddef.h>
#include <stdio.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* BD_QUESTION_FAULTS_MAX faults with their texts. */
#define PROBLEM_MAX_BYTES 65536

static const char *title(const struct bd_code_info *info, bool is_english)
{
	return is_english ? info->en : info->zh;
}

/* Whose matter it is: the client's, ours, or a source's. */
static void write_layer(
	struct bd_json_writer *w, const struct bd_code_info *info, const char *source)
{
	char layer[96];

	if (source != NULL && bd_code_find(info->text) >= BD_SOURCE_FAILED &&
		bd_code_find(info->text) <= BD_SOURCE_SEVERAL) {
		snprintf(layer, sizeof(layer), "source:%s", source);
		bd_jw_text(w, "layer", layer);
	} else {
		bd_jw_text(w, "layer", info->status >= 500 ? "bidui" : "client");
	}
}

static void write_place(struct bd_json_writer *w, const struct bd_diag *diag)
{
	if (diag->place.line != 0) {
		bd_jw_u64(w, "line", diag->place.line);
	}
	if (diag->place.column != 0) {
		bd_jw_u64(w, "column", diag->place.column);
	}
	if (diag->place.row != 0) {
		bd_jw_u64(w, "row", diag->place.row);
	}
	/* Of what has no lines, as a compressed body. */
	if (diag->place.line == 0 && diag->place.row == 0 && diag->place.offset != 0) {
		bd_jw_u64(w, "offset", diag->place.offset);
	}
}

static bool has_place(const struct bd_diag *diag)
{
	return diag->path[0] != '\0' || diag->field[0] != '\0' || diag->place.line != 0 ||
	       diag->place.row != 0 || diag->place.offset != 0;
}

/* Every fault of a question; of anything else the one there is. */
static void write_errors(struct bd_json_writer *w, const struct bd_diag *diag, bool is_english)
{
	bool are_several = diag->next != NULL;

	bd_jw_array(w, "errors");
	for (; diag != NULL; diag = diag->next) {
		const struct bd_code_info *info = bd_code_info(diag->code);

		if (!are_several && !has_place(diag)) {
			continue;
		}
		bd_jw_object(w, NULL);
		if (diag->path[0] != '\0') {
			bd_jw_text(w, diag->path[0] == '/' ? "pointer" : "path", diag->path);
		}
		if (diag->field[0] != '\0') {
			bd_jw_text(w, "field", diag->field);
		}
		write_place(w, diag);
		bd_jw_text(w, "code", info->text);
		bd_jw_text(w, "title", title(info, is_english));
		bd_jw_text(w, "detail", diag->detail);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

enum bd_code bd_problem_write(
	struct bd_buf *body, const struct bd_diag *diag, const char *source, bool is_english)
{
	const struct bd_code_info *info = bd_code_info(diag->code);
	struct bd_json_writer w;

	bd_jw_init(&w, body);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "type", "about:blank");
	bd_jw_text(&w, "title", title(info, is_english));
	bd_jw_i64(&w, "status", info->status);
	bd_jw_text(&w, "detail", diag->detail);
	bd_jw_text(&w, "code", info->text);
	write_layer(&w, info, source);
	bd_jw_bool(&w, "retryable", info->is_retryable);
	bd_jw_text(&w, "hint", is_english ? info->hint_en : info->hint_zh);
	write_errors(&w, diag, is_english);
	bd_jw_object_end(&w);
	return w.code;
}

bool bd_problem_is_english(const struct bd_http_exchange *exchange)
{
	return bd_language_is_english(bd_http_header(exchange, "accept-language"));
}

/* The one header more that goes with the status, or that the caller gives. */
static struct bd_http_header header_of(enum bd_code code, const char *allow)
{
	int status = bd_code_info(code)->status;

	if (code == BD_AUTH_UNKNOWN) {
		return (struct bd_http_header){ "WWW-Authenticate", "Mutual" };
	}
	if (status == 429 || status == 503 || code == BD_RECEIPT_PROOF_PENDING) {
		return (struct bd_http_header){ "Retry-After", "1" };
	}
	return (struct bd_http_header){ allow != NULL ? "Allow" : NULL, allow };
}

/* A refusal is entered before it leaves; where anyone may ask there is nothing to account for. */
static enum bd_code enter(const struct bd_http_exchange *exchange, enum bd_code refusal)
{
	const struct bd_gate *gate =
		CONTAINER(struct bd_gate, handler, bd_http_handler_of(exchange));
	struct bd_loop *loop = gate->loop;
	struct bd_bytes method = bd_http_method(exchange);
	const struct bd_sender *sender;
	struct bd_trail_caller caller;
	struct bd_arena arena;
	char verb[16];
	bool is_open;
	const char *route = bd_route_pattern(&is_open, bd_http_path(exchange));
	enum bd_code code;

	if (is_open) {
		return BD_OK;
	}
	sender = bd_access_sender(loop->setup->senders, bd_http_peer(exchange), gate->is_plaintext);
	snprintf(verb, sizeof(verb), "%.*s", (int)(method.len < 15 ? method.len : 15), method.ptr);
	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	code = bd_audit_caller(
		&caller, &loop->audit, exchange, sender != NULL ? sender->name : NULL, &arena);
	code = code == BD_OK ? bd_audit_refusal(&loop->audit, &caller, refusal, verb, route) : code;
	bd_arena_release(&arena);
	return code;
}

static void respond(struct bd_http_exchange *exchange, const struct bd_diag *given,
	const char *source, const char *allow)
{
	static const struct bd_diag unavailable = { .code = BD_TRAIL_UNAVAILABLE };
	const struct bd_diag *diag = enter(exchange, given->code) == BD_OK ? given : &unavailable;
	bool is_english = bd_problem_is_english(exchange);
	const struct bd_http_header headers[] = {
		{ "Content-Type", "application/problem+json" },
		{ "Content-Language", is_english ? "en" : "zh-CN" },
		{ "Cache-Control", "no-store" },
		header_of(diag->code, allow),
		{ NULL, NULL },
	};
	struct bd_buf body;

	bd_buf_init(&body, PROBLEM_MAX_BYTES);
	if (bd_problem_write(&body, diag, source, is_english) != BD_OK) {
		bd_buf_clear(&body);
	}
	bd_http_respond(exchange, bd_code_info(diag->code)->status, headers, bd_buf_bytes(&body));
	bd_buf_release(&body);
}

void bd_problem_respond(
	struct bd_http_exchange *exchange, const struct bd_diag *diag, const char *source)
{
	respond(exchange, diag, source, NULL);
}

void bd_problem_respond_method(struct bd_http_exchange *exchange, const char *allow)
{
	struct bd_diag diag = { .code = BD_HTTP_METHOD };

	respond(exchange, &diag, NULL, allow);
}

void bd_problem_respond_code(
	struct bd_http_exchange *exchange, enum bd_code code, const char *detail)
{
	struct bd_diag diag = { .code = BD_OK };

	bd_fail(&diag, code, "%s", detail);
	bd_problem_respond(exchange, &diag, NULL);
}
