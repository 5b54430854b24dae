#include "daemon/change.h"

#include "answer/question.h"
#include "base/clock.h"
#include "base/limits.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define BODY_MAX_BYTES 262144

static void change_free(struct bd_change *change)
{
	if (change->ops->release != NULL) {
		change->ops->release(change);
	}
	if (change->body.len > 0) {
		bd_wipe(change->body.ptr, change->body.len);
	}
	bd_buf_release(&change->body);
	bd_arena_release(&change->arena);
	bd_call_close(&change->call);
	free(change);
}

void bd_change_refuse(struct bd_change *change, const struct bd_diag *diag)
{
	bd_count(&change->call.loop->counts.refused, 1);
	bd_problem_respond(change->call.exchange, diag, NULL);
	change_free(change);
}

static void refuse_code(struct bd_change *change, enum bd_code code, const char *detail)
{
	struct bd_diag diag = { .code = BD_OK };

	bd_fail(&diag, code, "%s", detail);
	bd_change_refuse(change, &diag);
}

/* -- the answer -- */

/* Entered before whoever asked hears of it. */
static enum bd_code enter(struct bd_change *change, struct bd_diag *diag)
{
	struct bd_audit *audit = &change->call.loop->audit;
	struct bd_trail_event *event = &change->event;
	enum bd_code code = bd_audit_caller(&event->caller, audit, change->call.exchange,
		change->call.sender->name, &change->arena);

	code = code == BD_OK ? bd_audit_digest(event->body, audit, bd_buf_bytes(&change->body))
			     : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	code = bd_audit_event(audit, change->kind, event, bd_audit_time(audit), diag);
	return code == BD_OK ? bd_audit_flush(audit, diag) : code;
}

static void answer(struct bd_change *change)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_json_writer w;
	struct bd_buf body;
	enum bd_code code;

	bd_buf_init(&body, BODY_MAX_BYTES);
	bd_jw_init(&w, &body);
	bd_jw_object(&w, NULL);
	code = change->ops->write(change, &w, &diag);
	bd_jw_object_end(&w);
	code = code == BD_OK && w.code != BD_OK ? bd_fail(&diag, w.code, "%s", "") : code;
	code = code == BD_OK ? enter(change, &diag) : code;
	if (code != BD_OK) {
		/* It is done; a repeat with its key gets the answer. */
		diag.code = code;
		bd_buf_release(&body);
		bd_change_refuse(change, &diag);
		return;
	}
	bd_http_respond(change->call.exchange, change->status, headers, bd_buf_bytes(&body));
	bd_buf_release(&body);
	change_free(change);
}

static void on_written(struct bd_letter *letter)
{
	struct bd_change *change = CONTAINER(struct bd_change, write.letter, letter);
	struct bd_diag diag = change->entry.diag;
	enum bd_code code = change->entry.code;
	bool is_over = true;

	change->is_busy = false;
	code = code == BD_OK ? change->ops->on_written(change, &is_over, &diag) : code;
	if (code != BD_OK) {
		diag.code = code;
		bd_change_refuse(change, &diag);
	} else if (is_over) {
		answer(change);
	}
}

void bd_change_post(struct bd_change *change)
{
	change->is_busy = true;
	change->write = (struct bd_write){ .letter = { .deliver = on_written },
		.home = &change->call.loop->mailbox,
		.entry = &change->entry };
	bd_writer_post(change->call.loop->daemon->writer, &change->write);
}

/* -- the question -- */

/* A key stands for all that is asked: the address as well. */
static enum bd_code digest_body(struct bd_change *change)
{
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, BODY_MAX_BYTES);
	code = bd_buf_add_sized(&text, change->target);
	code = code == BD_OK ? bd_buf_add(&text, bd_buf_bytes(&change->body)) : code;
	code = code == BD_OK ? bd_sha256_of(bd_buf_bytes(&text), change->entry.body_sha256) : code;
	if (text.len > 0) {
		bd_wipe(text.ptr, text.len);
	}
	bd_buf_release(&text);
	return code;
}

static enum bd_code take_question(struct bd_change *change, struct bd_diag *diag)
{
	struct bd_faults faults = { .diag = diag, .arena = &change->arena };
	struct bd_json *body = NULL;
	enum bd_code code = bd_question_body(&body, bd_buf_bytes(&change->body), &faults);

	if (code == BD_OK) {
		code = digest_body(change);
		code = code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
	}
	change->entry.sender = change->call.sender->name;
	change->entry.received_ms = bd_clock_wall_ms();
	change->entry.delivery.day = INT32_MIN;
	change->entry.idempotency_key = bd_bytes_of(change->key);
	return code == BD_OK ? change->ops->on_question(change, body, diag) : code;
}

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	struct bd_change *change = CONTAINER(struct bd_change, call, call);

	if (bd_buf_add(&change->body, bytes) != BD_OK) {
		refuse_code(change, BD_HTTP_TOO_LARGE, "");
	}
}

static void on_body_end(struct bd_call *call)
{
	struct bd_change *change = CONTAINER(struct bd_change, call, call);
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	change->is_body_over = true;
	code = take_question(change, &diag);
	if (code != BD_OK) {
		diag.code = code;
		bd_change_refuse(change, &diag);
	}
}

/* What came whole is done although nobody waits for the answer. */
static void on_abort(struct bd_call *call)
{
	struct bd_change *change = CONTAINER(struct bd_change, call, call);

	if (!change->is_body_over) {
		bd_http_end(call->exchange);
		change_free(change);
	}
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

static bool is_json(struct bd_bytes type)
{
	const char name[] = "application/json";
	size_t len = sizeof(name) - 1;

	return type.len >= len && strncasecmp(type.ptr, name, len) == 0 &&
	       (type.len == len || type.ptr[len] == ';' || type.ptr[len] == ' ');
}

static enum bd_code check_head(struct bd_change *change, struct bd_diag *diag)
{
	const struct bd_http_exchange *exchange = change->call.exchange;
	struct bd_bytes key = bd_http_header(exchange, "idempotency-key");

	if (!is_json(bd_http_header(exchange, "content-type")) ||
		bd_http_header(exchange, "content-encoding").ptr != NULL) {
		return bd_fail(diag, BD_HTTP_MEDIA_TYPE, "application/json, not compressed");
	}
	if (key.len > BD_CHANGE_KEY_MAX_BYTES || (key.ptr != NULL && key.len == 0)) {
		return bd_fail(diag, BD_QUESTION_FORM, "Idempotency-Key has 1 to %d bytes",
			BD_CHANGE_KEY_MAX_BYTES);
	}
	if (key.len > 0) {
		memcpy(change->key, key.ptr, key.len);
	}
	if (bd_trail_is_low(change->call.loop->daemon->trail)) {
		return bd_fail(diag, BD_DISK_FULL, "no space ahead of the trail");
	}
	return BD_OK;
}

void bd_change_begin(struct bd_change *change, const struct bd_change_ops *ops,
	struct bd_loop *loop, struct bd_http_exchange *exchange, const struct bd_sender *sender,
	struct bd_bytes target)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	if (change == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	bd_call_open(&change->call, &call_ops, loop, exchange, sender);
	change->ops = ops;
	change->status = change->status != 0 ? change->status : 200;
	bd_buf_init(&change->body, loop->setup->settings->question_max_bytes);
	bd_arena_init(&change->arena, BD_REQUEST_ARENA_MAX_BYTES);
	change->target = bd_arena_copy(&change->arena, target);
	code = change->target.ptr != NULL ? BD_OK : bd_fail(&diag, BD_NO_MEMORY, "%s", "");
	code = code == BD_OK ? check_head(change, &diag) : code;
	if (code != BD_OK) {
		bd_change_refuse(change, &diag);
	}
}

/* -- whom it is about -- */

static bool is_same(const struct bd_identifier *a, const struct bd_identifier *b)
{
	return a->kind == b->kind && bd_bytes_equal(a->number, b->number) &&
	       bd_bytes_equal(a->issuer, b->issuer);
}

/* An identifier that leads to several subjects names none of them but itself. */
static enum bd_code find_identifiers(
	struct bd_change *change, const struct bd_identifier *subject, struct bd_diag *diag)
{
	struct bd_store_reader *reader = change->call.loop->reader;
	struct bd_identifier *list;
	struct bd_held *held = NULL;
	enum bd_code code = bd_store_begin(reader, diag);

	if (code != BD_OK) {
		return code;
	}
	code = bd_store_lookup(&held, reader, subject, 1, &bd_wanted_all, &change->arena, diag);
	bd_store_end(reader);
	if (code != BD_OK) {
		return code;
	}
	list = bd_arena_alloc(&change->arena, held->identifier_count + 1, sizeof(*list));
	if (list == NULL) {
		return bd_fail(diag, bd_arena_code(&change->arena), "%s", "");
	}
	list[0] = *subject;
	change->entry.subject_count = 1;
	for (size_t i = 0; i < held->identifier_count && held->status == BD_HELD_FOUND; i++) {
		if (!is_same(&held->identifiers[i], subject)) {
			list[change->entry.subject_count++] = held->identifiers[i];
		}
	}
	change->entry.subject = list;
	return BD_OK;
}

enum bd_code bd_change_about(
	struct bd_change *change, const struct bd_identifier *subject, struct bd_diag *diag)
{
	enum bd_code code;

	change->subject.pointer = bd_bytes_of("/subject");
	change->event.subjects = &change->subject;
	change->event.subject_count = 1;
	code = bd_audit_subject(change->subject.digest, &change->call.loop->audit, subject,
		change->call.setup->dict);
	return code == BD_OK ? find_identifiers(change, subject, diag)
			     : bd_fail(diag, code, "%s", "");
}
