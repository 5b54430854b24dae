/* upload_ask.c - uploads 断点续传, but for their parts and end: POST and GET /v1/uploads, GET and
 * DELETE /v1/uploads/{upload}. */
#include "base/clock.h"
#include "daemon/body.h"
#include "daemon/document.h"
#include "daemon/routes.h"
#include "daemon/upload_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- what a new one is to be -- */

static enum bd_code read_key(struct bd_upload_call *call)
{
	struct bd_bytes key = bd_http_header(call->call.exchange, "idempotency-key");

	if (key.len >= sizeof(call->terms.key) || (key.ptr != NULL && key.len == 0)) {
		return bd_fail(&call->diag, BD_QUESTION_FORM, "Idempotency-Key has 1 to 128 bytes");
	}
	memcpy(call->terms.key, key.ptr != NULL ? key.ptr : "", key.len);
	return BD_OK;
}

/* As for a push: the source and feed are there, and this sender speaks for it. */
static enum bd_code check_right(struct bd_upload_call *call)
{
	const struct bd_plan *plan =
		bd_setup_plan(call->call.setup, bd_bytes_of(call->terms.source));

	if (plan == NULL || bd_plan_feed(plan, call->terms.feed) == NULL) {
		return bd_fail(&call->diag, BD_SOURCE_UNKNOWN, "no such source or feed");
	}
	if (!bd_access_speaks_for(call->call.sender, plan->source)) {
		return bd_fail(&call->diag, BD_AUTH_SOURCE, "%s", plan->source);
	}
	if (call->terms.length > call->call.setup->settings->body_max_bytes) {
		return bd_fail(&call->diag, BD_HTTP_TOO_LARGE, "%s", "");
	}
	return bd_trail_is_low(call->call.loop->daemon->trail)
		       ? bd_fail(&call->diag, BD_DISK_FULL, "no space ahead of the trail")
		       : BD_OK;
}

static void on_terms(struct bd_upload_call *call)
{
	struct bd_faults faults = { .diag = &call->diag, .arena = &call->arena };
	struct bd_json *body = NULL;
	enum bd_code code = bd_question_body(&body, bd_buf_bytes(&call->body), &faults);

	code = code == BD_OK ? bd_body_upload(&call->terms, body, &faults) : code;
	code = code == BD_OK ? read_key(call) : code;
	code = code == BD_OK ? check_right(call) : code;
	if (code != BD_OK) {
		call->diag.code = code;
		bd_upload_call_refuse(call, &call->diag);
		return;
	}
	bd_upload_call_work(call);
}

static void begin(struct bd_upload_call *call)
{
	call->code = bd_uploads_begin(call->id, call->call.loop->daemon->uploads,
		call->call.sender->name, &call->terms, bd_clock_wall_ms(), &call->diag);
}

static void on_begun(struct bd_upload_call *call)
{
	bd_upload_call_end(call, "upload.begun", 201);
}

static const struct bd_upload_call_ops begin_ops = { on_terms, begin, on_begun };

void bd_upload_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_upload_call *call =
		bd_upload_call_new(&begin_ops, loop, exchange, sender, BD_UPLOAD_TERMS_MAX_BYTES);
	struct bd_diag diag = { .code = BD_OK };

	(void)parts;
	if (call != NULL && !bd_call_is_json(exchange)) {
		bd_fail(&diag, BD_HTTP_MEDIA_TYPE, "application/json");
		bd_upload_call_refuse(call, &diag);
	}
}

/* -- looked at -- */

void bd_uploads_show_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_document document;
	struct bd_upload_view *views = NULL;
	size_t count = 0;
	enum bd_code code;

	(void)parts;
	bd_document_begin(&document, loop, exchange);
	code = bd_uploads_list(&views, &count, loop->daemon->uploads, sender->name, &document.arena,
		&document.diag);
	bd_jw_object(&document.json, NULL);
	bd_jw_array(&document.json, "uploads");
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		bd_jw_object(&document.json, NULL);
		bd_upload_write(&document.json, &views[i]);
		bd_jw_object_end(&document.json);
	}
	bd_jw_array_end(&document.json);
	bd_jw_object_end(&document.json);
	bd_document_end(&document, code);
}

void bd_upload_show_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_document document;
	struct bd_upload_view view;
	enum bd_code code;

	bd_document_begin(&document, loop, exchange);
	code = bd_uploads_find(&view, loop->daemon->uploads, parts->first, sender->name,
		&document.arena, &document.diag);
	if (code == BD_OK) {
		bd_jw_object(&document.json, NULL);
		bd_upload_write(&document.json, &view);
		bd_jw_object_end(&document.json);
	}
	bd_document_end(&document, code);
}

/* -- taken back -- */

static void on_deletion(struct bd_upload_call *call)
{
	bd_upload_call_work(call);
}

static void delete_it(struct bd_upload_call *call)
{
	call->code = bd_uploads_delete(
		call->call.loop->daemon->uploads, call->id, call->call.sender->name, &call->diag);
}

static void on_deleted(struct bd_upload_call *call)
{
	bd_upload_call_end(call, "upload.deleted", 204);
}

static const struct bd_upload_call_ops delete_ops = { on_deletion, delete_it, on_deleted };

void bd_upload_delete_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_upload_call *call =
		bd_upload_call_new(&delete_ops, loop, exchange, sender, BD_UPLOAD_TERMS_MAX_BYTES);
	struct bd_upload_view view;

	if (call == NULL) {
		return;
	}
	if (bd_uploads_find(&view, loop->daemon->uploads, parts->first, sender->name, &call->arena,
		    &call->diag) != BD_OK) {
		bd_upload_call_refuse(call, &call->diag);
		return;
	}
	memcpy(call->id, view.id, sizeof(call->id));
	call->terms = view.terms;
}
