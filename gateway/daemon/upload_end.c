/* upload_end.c - POST /v1/uploads/{upload}/complete: the parts, one after the other, the way of any
 * message (taking.h); the answer is that of a push.
 *
 * Exactly once: the message goes by the sender's Idempotency-Key, or by the upload's own. Completed
 * again, because the answer was lost or the process was killed, it comes to the first receipt:
 * from the upload where that is done, else from the store by that key.
 */
#include "base/clock.h"
#include "daemon/reply_to.h"
#include "daemon/routes.h"
#include "daemon/taking.h"
#include "daemon/upload_call.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
/* Given to the message at a time. */
#define PIECE_BYTES 65536

struct completing {
	struct bd_call call;
	struct bd_reply_to to;
	struct bd_taking taking;
	struct bd_uploads *uploads;
	struct bd_upload_view view;
	struct bd_arena arena; /* of the view */
	bool is_ours;          /* bd_uploads_complete_begin */
	bool is_later_preferred, is_body_over;
	bool is_held;    /* no more is welcome before on_room */
	bool is_reading; /* a part is on its way from the disk */
	bool is_given;   /* all of it */
	bool is_over;    /* answered */
	/* the part that is given */
	uint32_t part;
	size_t given;
	struct bd_buf bytes;
	struct bd_sha256 *sha;
	uv_work_t work;
	enum bd_code code;
	struct bd_diag diag;
	/* when it is over */
	uint64_t message;
};

static void completing_free(struct completing *completing)
{
	bd_buf_wipe(&completing->bytes);
	bd_sha256_free(completing->sha);
	bd_taking_close(&completing->taking);
	bd_arena_release(&completing->arena);
	bd_reply_close(&completing->to);
	bd_call_close(&completing->call);
	free(completing);
}

/* -- the end -- */

static void put_away(uv_work_t *work)
{
	struct completing *completing = CONTAINER(struct completing, work, work);

	bd_uploads_put_away(completing->uploads, completing->view.id);
}

static void on_put_away(uv_work_t *work, int status)
{
	struct completing *completing = CONTAINER(struct completing, work, work);
	struct bd_loop *loop = completing->call.loop;

	(void)status;
	completing_free(completing);
	bd_loop_background_end(loop);
}

/* What it came to, for whoever asks from now on: before the answer leaves. */
static void settle(struct completing *completing, uint64_t message)
{
	completing->message = message;
	if (completing->is_ours) {
		bd_uploads_complete_end(
			completing->uploads, completing->view.id, message, bd_clock_wall_ms());
	}
}

/* Answered: its files are put away off the loop, which does not end before that. */
static void end(struct completing *completing)
{
	struct bd_loop *loop = completing->call.loop;

	if (!completing->is_ours || completing->message == 0) {
		completing_free(completing);
		return;
	}
	loop->background++;
	if (uv_queue_work(&loop->uv, &completing->work, put_away, on_put_away) != 0) {
		put_away(&completing->work);
		on_put_away(&completing->work, 0);
	}
}

static void refuse(struct completing *completing, const struct bd_diag *diag)
{
	settle(completing, 0);
	bd_reply_problem(&completing->to, diag, completing->view.terms.source);
	end(completing);
}

static void on_done(
	struct bd_taking *taking, struct bd_receipt *receipt, const struct bd_diag *diag)
{
	struct completing *completing = CONTAINER(struct completing, taking, taking);

	completing->is_over = true;
	settle(completing, receipt != NULL ? receipt->message : 0);
	if (receipt != NULL) {
		bd_reply_receipt(&completing->to, receipt, &taking->arena);
	} else {
		bd_reply_problem(&completing->to, diag, completing->view.terms.source);
	}
	/* A part may still be on its way from the disk. */
	if (!completing->is_reading) {
		end(completing);
	}
}

/* -- parts into the message -- */

static void read_part(uv_work_t *work)
{
	struct completing *completing = CONTAINER(struct completing, work, work);

	bd_buf_clear(&completing->bytes);
	completing->code = bd_uploads_read(&completing->bytes, completing->uploads,
		completing->view.id, completing->part, &completing->diag);
	if (completing->code == BD_OK) {
		completing->code =
			bd_sha256_update(completing->sha, bd_buf_bytes(&completing->bytes));
	}
}

static void on_part_read(uv_work_t *work, int status);

static void go_on(struct completing *completing)
{
	completing->part++;
	completing->given = 0;
	completing->is_reading = true;
	if (uv_queue_work(&completing->call.loop->uv, &completing->work, read_part, on_part_read) !=
		0) {
		completing->is_reading = false;
		bd_fail(&completing->diag, BD_BUSY, "%s", "");
		bd_taking_refuse(&completing->taking, &completing->diag);
	}
}

/* All was given: is it what was announced? */
static void finish(struct completing *completing)
{
	const struct bd_upload_terms *terms = &completing->view.terms;
	uint8_t sha256[BD_DIGEST_BYTES];
	enum bd_code code = bd_sha256_final(completing->sha, sha256);

	if (code == BD_OK && memcmp(sha256, terms->sha256, sizeof(sha256)) != 0) {
		code = BD_UPLOAD_DIGEST;
	}
	if (code != BD_OK) {
		bd_fail(&completing->diag, code, "the whole");
		bd_taking_refuse(&completing->taking, &completing->diag);
		return;
	}
	if (bd_taking_end(&completing->taking) != BD_TAKING_DONE &&
		completing->is_later_preferred) {
		bd_reply_later(&completing->to, completing->taking.request.plan->source,
			completing->taking.request.feed->name);
	}
}

/* As much as is welcome; the next part is read meanwhile. */
static void give(struct completing *completing)
{
	enum bd_taking_next next = BD_TAKING_MORE;

	while (next == BD_TAKING_MORE && completing->given < completing->bytes.len) {
		size_t left = completing->bytes.len - completing->given;
		struct bd_bytes piece = { completing->bytes.ptr + completing->given,
			left < PIECE_BYTES ? left : PIECE_BYTES };

		completing->given += piece.len;
		next = bd_taking_give(&completing->taking, piece);
	}
	if (next == BD_TAKING_DONE) {
		return;
	}
	completing->is_held = next == BD_TAKING_HOLD;
	if (completing->given < completing->bytes.len) {
		return;
	}
	if (completing->part < completing->view.parts) {
		go_on(completing);
	} else {
		completing->is_given = true;
		finish(completing);
	}
}

static void on_part_read(uv_work_t *work, int status)
{
	struct completing *completing = CONTAINER(struct completing, work, work);

	(void)status;
	completing->is_reading = false;
	if (completing->is_over) {
		end(completing);
	} else if (completing->code != BD_OK) {
		completing->diag.code = completing->code;
		bd_taking_refuse(&completing->taking, &completing->diag);
	} else if (!completing->is_held) {
		give(completing);
	}
}

static void on_room(struct bd_taking *taking)
{
	struct completing *completing = CONTAINER(struct completing, taking, taking);

	completing->is_held = false;
	if (!completing->is_reading && !completing->is_given) {
		give(completing);
	}
}

static const struct bd_taking_ops taking_ops = { on_room, NULL, on_done };

/* -- what was asked -- */

static void fill_request(struct completing *completing)
{
	const struct bd_upload_terms *terms = &completing->view.terms;
	struct bd_taking_request *request = &completing->taking.request;

	request->delivery = terms->delivery;
	request->is_atomic = terms->is_atomic;
	request->is_gzip = terms->is_gzip;
	memcpy(request->charset, terms->charset, sizeof(request->charset));
	if (terms->key[0] != '\0') {
		snprintf(request->key, sizeof(request->key), "%s", terms->key);
	} else {
		snprintf(request->key, sizeof(request->key), "upload %s", completing->view.id);
	}
}

/* As for a push, and as it is now. */
static enum bd_code find_feed(struct completing *completing)
{
	const struct bd_upload_terms *terms = &completing->view.terms;
	struct bd_taking_request *request = &completing->taking.request;

	request->plan = bd_setup_plan(completing->call.setup, bd_bytes_of(terms->source));
	request->feed = request->plan != NULL ? bd_plan_feed(request->plan, terms->feed) : NULL;
	if (request->feed == NULL) {
		return bd_fail(&completing->diag, BD_SOURCE_UNKNOWN, "no such source or feed");
	}
	return bd_access_speaks_for(completing->call.sender, terms->source)
		       ? BD_OK
		       : bd_fail(&completing->diag, BD_AUTH_SOURCE, "%s", terms->source);
}

/* That the receipt was told again: the message itself was entered when it came. */
static enum bd_code enter(struct completing *completing, const struct bd_receipt *receipt)
{
	struct bd_audit *audit = &completing->call.loop->audit;
	struct bd_trail_event event = { .caller = completing->taking.request.caller,
		.status = bd_bytes_of("upload.again"),
		.source = bd_bytes_of(receipt->source),
		.feed = bd_bytes_of(receipt->feed),
		.message = receipt->message,
		.received = receipt->received,
		.accepted = receipt->accepted,
		.rejected = receipt->rejected,
		.of = bd_bytes_of(completing->view.id),
		.code = bd_bytes_of(bd_code_info(receipt->code)->text) };
	enum bd_code code = bd_audit_digest(event.body, audit,
		(struct bd_bytes){ (const char *)completing->view.terms.sha256,
			sizeof(completing->view.terms.sha256) });

	code = code == BD_OK
		       ? bd_audit_event(audit, BD_TRAIL_PUSH, &event, bd_audit_time(audit), NULL)
		       : code;
	code = code == BD_OK ? bd_audit_flush(audit, NULL) : code;
	return code == BD_OK ? BD_OK : bd_fail(&completing->diag, BD_TRAIL_UNAVAILABLE, "%s", "");
}

/* The first receipt again. */
static void answer_done(struct completing *completing)
{
	struct bd_receipt receipt;

	if (bd_receipt_read(&receipt, completing->call.loop, completing->call.sender,
		    completing->view.message, &completing->arena, &completing->diag) != BD_OK ||
		enter(completing, &receipt) != BD_OK) {
		refuse(completing, &completing->diag);
		return;
	}
	bd_reply_receipt(&completing->to, &receipt, &completing->arena);
	end(completing);
}

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	(void)call;
	(void)bytes; /* there is nothing to say */
}

static void on_body_end(struct bd_call *call)
{
	struct completing *completing = CONTAINER(struct completing, call, call);
	enum bd_code code = bd_uploads_complete_begin(&completing->view, completing->uploads,
		bd_bytes_of(completing->view.id), completing->call.sender->name, &completing->arena,
		&completing->diag);

	completing->is_body_over = true;
	completing->is_ours = code == BD_OK && completing->view.state == BD_UPLOAD_OPEN;
	code = code == BD_OK ? find_feed(completing) : code;
	if (code == BD_OK && completing->is_ours) {
		code = bd_taking_may_begin(&completing->taking, &completing->diag);
	}
	if (code != BD_OK) {
		completing->diag.code = code;
		refuse(completing, &completing->diag);
	} else if (!completing->is_ours) {
		answer_done(completing);
	} else {
		fill_request(completing);
		go_on(completing);
	}
}

/* What has begun goes on although nobody waits: asked again, it has the receipt. */
static void on_abort(struct bd_call *call)
{
	struct completing *completing = CONTAINER(struct completing, call, call);
	static const struct bd_diag truncated = { .code = BD_MESSAGE_TRUNCATED };

	if (!completing->is_body_over) {
		refuse(completing, &truncated);
	}
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

static struct completing *completing_new(
	struct bd_loop *loop, struct bd_http_exchange *exchange, const struct bd_sender *sender)
{
	struct completing *completing = calloc(1, sizeof(*completing));

	if (completing == NULL) {
		return NULL;
	}
	bd_call_open(&completing->call, &call_ops, loop, exchange, sender);
	completing->to =
		(struct bd_reply_to){ .loop = loop, .sender = sender, .exchange = exchange };
	completing->to.caller = &completing->taking.request.caller;
	completing->uploads = loop->daemon->uploads;
	completing->taking.request.sender = sender;
	bd_arena_init(&completing->arena, BD_REQUEST_ARENA_MAX_BYTES);
	/* Opening wants room for what is taken off. */
	bd_buf_init(&completing->bytes, BD_UPLOAD_PART_BYTES + 64);
	if (bd_taking_open(&completing->taking, &taking_ops, loop) != BD_OK ||
		bd_sha256_new(&completing->sha) != BD_OK ||
		bd_audit_caller_kept(&completing->taking.request.caller, &loop->audit, exchange,
			sender->name, &completing->taking.arena) != BD_OK) {
		completing_free(completing);
		return NULL;
	}
	return completing;
}

void bd_upload_complete_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct completing *completing = completing_new(loop, exchange, sender);

	if (completing == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	completing->is_later_preferred = bd_reply_prefers_later(bd_http_header(exchange, "prefer"));
	if (bd_uploads_find(&completing->view, completing->uploads, parts->first, sender->name,
		    &completing->arena, &completing->diag) != BD_OK) {
		refuse(completing, &completing->diag);
	}
}
