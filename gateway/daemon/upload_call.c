#include "daemon/upload_call.h"

#include "base/clock.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define ANSWER_MAX_BYTES 131072

void bd_upload_call_free(struct bd_upload_call *call)
{
	if (call->is_reserved) {
		bd_uploads_part_end(call->call.loop->daemon->uploads, call->id);
	}
	bd_buf_wipe(&call->body);
	bd_arena_release(&call->arena);
	bd_call_close(&call->call);
	free(call);
}

void bd_upload_call_refuse(struct bd_upload_call *call, const struct bd_diag *diag)
{
	bd_count(&call->call.loop->counts.refused, 1);
	bd_problem_respond(call->call.exchange, diag, NULL);
	bd_upload_call_free(call);
}

/* -- its body -- */

static void on_body(struct bd_call *base, struct bd_bytes bytes)
{
	struct bd_upload_call *call = CONTAINER(struct bd_upload_call, call, base);
	static const struct bd_diag too_large = { .code = BD_HTTP_TOO_LARGE };

	if (bd_buf_add(&call->body, bytes) != BD_OK) {
		bd_upload_call_refuse(call, &too_large);
	}
}

static void on_body_end(struct bd_call *base)
{
	struct bd_upload_call *call = CONTAINER(struct bd_upload_call, call, base);

	call->ops->on_question(call);
}

/* Before the work: nobody waits. After it has begun, on_worked ends the exchange. */
static void on_abort(struct bd_call *base)
{
	struct bd_upload_call *call = CONTAINER(struct bd_upload_call, call, base);
	static const struct bd_diag truncated = { .code = BD_MESSAGE_TRUNCATED };

	if (call->work.data == NULL) {
		bd_upload_call_refuse(call, &truncated);
	}
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

struct bd_upload_call *bd_upload_call_new(const struct bd_upload_call_ops *ops,
	struct bd_loop *loop, struct bd_http_exchange *exchange, const struct bd_sender *sender,
	size_t body_max)
{
	struct bd_upload_call *call = calloc(1, sizeof(*call));

	if (call == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return NULL;
	}
	bd_call_open(&call->call, &call_ops, loop, exchange, sender);
	call->ops = ops;
	bd_buf_init(&call->body, body_max);
	bd_arena_init(&call->arena, BD_REQUEST_ARENA_MAX_BYTES);
	return call;
}

/* -- work -- */

static void run(uv_work_t *work)
{
	struct bd_upload_call *call = work->data;

	call->ops->work(call);
}

static void on_done(uv_work_t *work, int status)
{
	struct bd_upload_call *call = work->data;

	(void)status;
	call->ops->on_worked(call);
}

void bd_upload_call_work(struct bd_upload_call *call)
{
	static const struct bd_diag busy = { .code = BD_BUSY };

	call->work.data = call;
	if (uv_queue_work(&call->call.loop->uv, &call->work, run, on_done) != 0) {
		bd_upload_call_refuse(call, &busy);
	}
}

/* -- the trail -- */

enum bd_code bd_upload_enter(const struct bd_upload_call *call, const char *status)
{
	struct bd_audit *audit = &call->call.loop->audit;
	struct bd_trail_event event = { .status = bd_bytes_of(status),
		.source = bd_bytes_of(call->terms.source),
		.feed = bd_bytes_of(call->terms.feed),
		.of = bd_bytes_of(call->id) };
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	code = bd_audit_caller(
		&event.caller, audit, call->call.exchange, call->call.sender->name, &arena);
	code = code == BD_OK ? bd_audit_digest(event.body, audit,
				       (struct bd_bytes){ (const char *)call->terms.sha256,
					       sizeof(call->terms.sha256) })
			     : code;
	code = code == BD_OK
		       ? bd_audit_event(audit, BD_TRAIL_PUSH, &event, bd_audit_time(audit), NULL)
		       : code;
	bd_arena_release(&arena);
	return code == BD_OK ? bd_audit_flush(audit, NULL) : code;
}

/* -- answers -- */

/* Which parts are there, as "1-5" and "7". */
static void write_parts(struct bd_json_writer *w, const struct bd_upload_view *view)
{
	bd_jw_array(w, "received");
	for (uint32_t part = 1; part <= view->parts; part++) {
		uint32_t first = part;
		char text[32];

		while (part <= view->parts &&
			(view->here[(part - 1) / 8] >> ((part - 1) % 8) & 1)) {
			part++;
		}
		if (part == first) {
			continue;
		}
		snprintf(text, sizeof(text), part - first > 1 ? "%u-%u" : "%u", first, part - 1);
		bd_jw_text(w, NULL, text);
	}
	bd_jw_array_end(w);
}

void bd_upload_write(struct bd_json_writer *w, const struct bd_upload_view *view)
{
	static const char *const states[] = { [BD_UPLOAD_OPEN] = "open",
		[BD_UPLOAD_COMPLETING] = "completing",
		[BD_UPLOAD_DONE] = "done" };
	char text[64], day[11];
	struct bd_buf digest;

	bd_jw_text(w, "upload", view->id);
	bd_jw_text(w, "state", states[view->state]);
	bd_jw_text(w, "source", view->terms.source);
	bd_jw_text(w, "feed", view->terms.feed);
	bd_jw_u64(w, "length", view->terms.length);
	bd_buf_init(&digest, 128);
	if (bd_buf_add_text(&digest, "sha-256=:") == BD_OK &&
		bd_base64_add(&digest, (struct bd_bytes){ (const char *)view->terms.sha256,
					       sizeof(view->terms.sha256) }) == BD_OK &&
		bd_buf_add_byte(&digest, ':') == BD_OK) {
		bd_jw_bytes(w, "digest", bd_buf_bytes(&digest));
	}
	bd_buf_release(&digest);
	if (view->terms.delivery.day != INT32_MIN) {
		bd_day_format(day, view->terms.delivery.day);
		bd_jw_text(w, "delivery", day);
	}
	if (view->terms.delivery.has_total) {
		bd_jw_u64(w, "total", view->terms.delivery.total);
	}
	bd_jw_bool(w, "baseline", view->terms.delivery.is_baseline);
	bd_jw_bool(w, "atomic", view->terms.is_atomic);
	bd_jw_bool(w, "gzip", view->terms.is_gzip);
	bd_jw_u64(w, "part_bytes", BD_UPLOAD_PART_BYTES);
	bd_jw_u64(w, "parts", view->parts);
	write_parts(w, view);
	bd_jw_u64(w, "bytes", view->bytes_here);
	bd_jw_time(w, "expires", view->expires_ms);
	if (view->message != 0) {
		bd_call_message_id(text, view->message);
		bd_jw_text(w, "message", text);
	}
}

void bd_upload_call_answer(struct bd_upload_call *call, int status)
{
	char place[64];
	const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { status == 201 ? "Location" : NULL, place },
		{ NULL, NULL } };
	static const struct bd_http_header none[] = { { "Cache-Control", "no-store" },
		{ NULL, NULL } };
	struct bd_upload_view view;
	struct bd_json_writer w;
	struct bd_buf body;
	enum bd_code code;

	if (status == 204) {
		bd_http_respond(call->call.exchange, status, none, (struct bd_bytes){ "", 0 });
		bd_upload_call_free(call);
		return;
	}
	snprintf(place, sizeof(place), "/v1/uploads/%s", call->id);
	bd_buf_init(&body, ANSWER_MAX_BYTES);
	bd_jw_init(&w, &body);
	code = bd_uploads_find(&view, call->call.loop->daemon->uploads, bd_bytes_of(call->id),
		call->call.sender->name, &call->arena, &call->diag);
	if (code == BD_OK) {
		bd_jw_object(&w, NULL);
		bd_upload_write(&w, &view);
		bd_jw_object_end(&w);
		code = w.code;
	}
	if (code == BD_OK) {
		bd_http_respond(call->call.exchange, status, headers, bd_buf_bytes(&body));
		bd_upload_call_free(call);
	} else {
		call->diag.code = code;
		bd_upload_call_refuse(call, &call->diag);
	}
	bd_buf_release(&body);
}

void bd_upload_call_end(struct bd_upload_call *call, const char *entered, int status)
{
	if (call->code == BD_OK && bd_upload_enter(call, entered) != BD_OK) {
		call->code = bd_fail(&call->diag, BD_TRAIL_UNAVAILABLE, "%s", "");
	}
	if (call->code != BD_OK) {
		call->diag.code = call->code;
		bd_upload_call_refuse(call, &call->diag);
		return;
	}
	bd_upload_call_answer(call, status);
}
