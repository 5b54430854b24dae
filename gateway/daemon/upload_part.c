/* upload_part.c - PUT /v1/uploads/{upload}/parts/{part}: one part, with its digest (RFC 9530). */
#include "base/clock.h"
#include "daemon/body.h"
#include "daemon/routes.h"
#include "daemon/upload_call.h"

#include <string.h>

static void on_part(struct bd_upload_call *call)
{
	if (call->body.len != bd_upload_part_bytes(&call->terms, call->part)) {
		bd_fail(&call->diag, BD_QUESTION_FORM, "part %u has %llu bytes, not %zu",
			call->part,
			(unsigned long long)bd_upload_part_bytes(&call->terms, call->part),
			call->body.len);
		bd_upload_call_refuse(call, &call->diag);
		return;
	}
	bd_upload_call_work(call);
}

static void write_part(struct bd_upload_call *call)
{
	uint8_t sha256[BD_DIGEST_BYTES];

	call->code = bd_sha256_of(bd_buf_bytes(&call->body), sha256);
	if (call->code == BD_OK && memcmp(sha256, call->sha256, sizeof(sha256)) != 0) {
		call->code = bd_fail(&call->diag, BD_UPLOAD_DIGEST, "part %u", call->part);
	}
	if (call->code == BD_OK) {
		call->code = bd_uploads_part_write(call->call.loop->daemon->uploads, call->id,
			call->part, bd_buf_bytes(&call->body), bd_clock_wall_ms(), &call->diag);
	}
}

static void on_written(struct bd_upload_call *call)
{
	bd_upload_call_end(call, "upload.part", 204);
}

static const struct bd_upload_call_ops part_ops = { on_part, write_part, on_written };

static bool read_number(uint32_t *out, struct bd_bytes text)
{
	uint32_t number = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || i >= 9) {
			return false;
		}
		number = number * 10 + (uint32_t)(text.ptr[i] - '0');
	}
	*out = number;
	return text.len > 0;
}

static enum bd_code open_part(struct bd_upload_call *call, const struct bd_route_parts *parts)
{
	struct bd_uploads *uploads = call->call.loop->daemon->uploads;
	struct bd_upload_view view;
	enum bd_code code = bd_uploads_find(
		&view, uploads, parts->first, call->call.sender->name, &call->arena, &call->diag);

	if (code != BD_OK) {
		return code;
	}
	memcpy(call->id, view.id, sizeof(call->id));
	call->terms = view.terms;
	if (!read_number(&call->part, parts->second)) {
		return bd_fail(&call->diag, BD_QUESTION_FORM, "it has parts 1 to %u", view.parts);
	}
	if (!bd_upload_digest_read(
		    call->sha256, bd_http_header(call->call.exchange, "content-digest"))) {
		return bd_fail(&call->diag, BD_QUESTION_FORM,
			"Content-Digest: sha-256=:BASE64: (RFC 9530)");
	}
	code = bd_uploads_part_begin(
		uploads, parts->first, call->call.sender->name, call->part, &call->diag);
	call->is_reserved = code == BD_OK;
	return code;
}

void bd_upload_part_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_upload_call *call =
		bd_upload_call_new(&part_ops, loop, exchange, sender, BD_UPLOAD_PART_BYTES);

	if (call != NULL && open_part(call, parts) != BD_OK) {
		bd_upload_call_refuse(call, &call->diag);
	}
}
