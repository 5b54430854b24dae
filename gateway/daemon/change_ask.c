/* change_ask.c - GET /v1/change, POST /v1/change/propose and /v1/change/approve: what the
 * configuration on the disk is, and what two people say to it. People alone, by their accounts. */
#include "daemon/changes.h"
#include "daemon/document.h"
#include "daemon/routes.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct ask {
	struct bd_call call;
	struct bd_change change;
	bool is_done, is_gone;
};

static void ask_free(struct ask *ask)
{
	bd_call_close(&ask->call);
	free(ask);
}

static void write_digest(struct bd_json_writer *w, const char *name, const uint8_t *digest)
{
	char hex[2 * BD_DIGEST_BYTES + 1];

	if (digest == NULL) {
		bd_jw_null(w, name);
		return;
	}
	bd_hex(hex, digest, BD_DIGEST_BYTES);
	bd_jw_text(w, name, hex);
}

static void write_person(struct bd_json_writer *w, const char *name, const char *person)
{
	if (person[0] == '\0') {
		bd_jw_null(w, name);
	} else {
		bd_jw_text(w, name, person);
	}
}

static void write_change(struct bd_json_writer *w, const struct bd_change *change)
{
	const struct bd_approval *approval = &change->approval;

	bd_jw_object(w, NULL);
	bd_jw_bool(w, "required", change->is_required);
	write_digest(w, "running", change->running);
	write_digest(w, "on_disk", change->is_on_disk_good ? change->on_disk : NULL);
	bd_jw_text(w, "fault", change->fault);
	if (approval->has_approved) {
		bd_jw_object(w, "approved");
		write_digest(w, "digest", approval->approved);
		write_person(w, "proposed_by", approval->approved_proposer);
		write_person(w, "approved_by", approval->approver);
		bd_jw_time(w, "at", approval->approved_ms);
		bd_jw_object_end(w);
	} else {
		bd_jw_null(w, "approved");
	}
	if (approval->has_proposed) {
		bd_jw_object(w, "proposed");
		write_digest(w, "digest", approval->proposed);
		write_person(w, "proposed_by", approval->proposer);
		bd_jw_time(w, "at", approval->proposed_ms);
		bd_jw_object_end(w);
	} else {
		bd_jw_null(w, "proposed");
	}
	bd_jw_object_end(w);
}

static void answer(struct ask *ask)
{
	struct bd_document document;
	enum bd_code code = ask->change.diag.code;

	bd_document_begin(&document, ask->call.loop, ask->call.exchange);
	document.diag = ask->change.diag;
	if (code == BD_OK) {
		write_change(&document.json, &ask->change);
	}
	bd_document_end(&document, code);
}

static void on_answered(struct bd_letter *letter)
{
	struct ask *ask = CONTAINER(struct ask, change.letter, letter);
	struct bd_loop *loop = ask->call.loop;

	if (!ask->is_gone) {
		answer(ask);
	}
	ask_free(ask);
	bd_loop_background_end(loop);
}

/* -- what the loop tells: nothing is taken of a body -- */

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	(void)call;
	(void)bytes;
}

/* Only now: a body that was signed has been found to be so. */
static void on_body_end(struct bd_call *call)
{
	struct ask *ask = CONTAINER(struct ask, call, call);

	ask->is_done = true;
	call->loop->background++;
	bd_mailbox_post(&call->loop->daemon->mailbox, &ask->change.letter);
}

static void on_abort(struct bd_call *call)
{
	struct ask *ask = CONTAINER(struct ask, call, call);

	bd_http_end(call->exchange);
	ask->is_gone = true;
	if (!ask->is_done) {
		ask_free(ask);
	}
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

/* Entered before it is done: nothing is proposed or approved without a record. */
static enum bd_code enter(struct bd_loop *loop, const struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_change *change, struct bd_diag *diag)
{
	struct bd_trail_event event = {
		.status = bd_bytes_of(change->verb == BD_CHANGE_PROPOSE ? "proposed" : "approved")
	};
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	memcpy(event.config, change->stated, sizeof(event.config));
	code = bd_audit_caller(&event.caller, &loop->audit, exchange, sender->name, &arena);
	code = code == BD_OK ? bd_audit_event(&loop->audit, BD_TRAIL_CONFIG, &event,
				       bd_audit_time(&loop->audit), diag)
			     : code;
	code = code == BD_OK ? bd_audit_flush(&loop->audit, diag) : code;
	bd_arena_release(&arena);
	return code == BD_OK ? BD_OK : bd_fail(diag, BD_TRAIL_UNAVAILABLE, "%s", "");
}

static enum bd_code read_digest(
	struct bd_change *change, const struct bd_http_exchange *exchange, struct bd_diag *diag)
{
	char hex[2 * BD_DIGEST_BYTES + 1];
	enum bd_code code;

	if (!bd_call_parameter(hex, sizeof(hex), &code, bd_http_query(exchange), "digest") ||
		!bd_unhex(change->stated, sizeof(change->stated), bd_bytes_of(hex))) {
		return bd_fail(diag, BD_QUESTION_FORM, "digest is what GET /v1/change shows");
	}
	return BD_OK;
}

static void begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, enum bd_change_verb verb)
{
	struct bd_diag diag = { .code = BD_OK };
	struct ask *ask = calloc(1, sizeof(*ask));
	enum bd_code code = ask == NULL ? BD_NO_MEMORY : BD_OK;

	if (code == BD_OK && verb != BD_CHANGE_SHOW) {
		ask->change.verb = verb;
		/* A machine has no second thoughts. */
		code = sender->is_person
			       ? read_digest(&ask->change, exchange, &diag)
			       : bd_fail(&diag, BD_AUTH_ROLE, "a person by a local account");
		code = code == BD_OK ? enter(loop, exchange, sender, &ask->change, &diag) : code;
	}
	if (code != BD_OK) {
		free(ask);
		diag.code = code;
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond(exchange, &diag, NULL);
		return;
	}
	snprintf(ask->change.person, sizeof(ask->change.person), "%s",
		sender->is_person ? sender->name : "");
	ask->change.letter.deliver = loop->daemon->on_change;
	ask->change.daemon = loop->daemon;
	ask->change.home = &loop->mailbox;
	ask->change.answer = on_answered;
	bd_call_open(&ask->call, &call_ops, loop, exchange, sender);
}

void bd_change_show_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)parts;
	begin(loop, exchange, sender, BD_CHANGE_SHOW);
}

void bd_change_propose_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)parts;
	begin(loop, exchange, sender, BD_CHANGE_PROPOSE);
}

void bd_change_approve_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)parts;
	begin(loop, exchange, sender, BD_CHANGE_APPROVE);
}
