/* obligation_ask.c - POST /v1/obligations/query, /v1/obligations/{id}/materials and
 * /v1/obligations/{id}/extend: one small JSON object each; the latter two change the ledger, are
 * entered into the trail, and answer with the obligation as it is after it. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/body.h"
#include "daemon/obligations.h"
#include "daemon/owed.h"
#include "daemon/routes.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct obligation_ask {
	struct bd_call call;
	/* Answers, or posts the write; a code: refused. */
	enum bd_code (*take)(
		struct obligation_ask *ask, const struct bd_json *body, struct bd_faults *faults);
	char id[BD_OBLIGATION_ID_TEXT_BYTES]; /* of the address */
	bool is_body_over;
	struct bd_buf body;
	struct bd_arena arena;
	struct bd_owed_act act;
	struct bd_write write;
};

static void ask_free(struct obligation_ask *ask)
{
	if (ask->body.len > 0) {
		bd_wipe(ask->body.ptr, ask->body.len);
	}
	bd_buf_release(&ask->body);
	bd_arena_release(&ask->arena);
	bd_call_close(&ask->call);
	free(ask);
}

static void refuse(struct obligation_ask *ask, enum bd_code code, struct bd_diag *diag)
{
	diag->code = code;
	bd_count(&ask->call.loop->counts.refused, 1);
	bd_problem_respond(ask->call.exchange, diag, NULL);
	ask_free(ask);
}

/* -- by case -- */

struct by_case {
	struct bd_obligations_asked asked;
	struct bd_bytes case_id;
};

static enum bd_code write_case(struct bd_document *document, void *given)
{
	struct by_case *by_case = given;
	char next[BD_CURSOR_TEXT_BYTES];
	struct bd_owed_page page;

	BD_TRY(bd_owed_of_case(&page, document->loop->reader, by_case->case_id,
		&by_case->asked.query, &document->arena, &document->diag));
	return bd_obligations_write_page(document, &by_case->asked, &page, next);
}

/* A cursor is good for the case that it was given with: its number, as a digest. */
static enum bd_code make_filter(struct by_case *by_case, struct bd_audit *audit)
{
	uint8_t digest[BD_DIGEST_BYTES];

	BD_TRY(bd_audit_digest(digest, audit, by_case->case_id));
	bd_hex(by_case->asked.filter, digest, sizeof(digest));
	return BD_OK;
}

static enum bd_code take_query(
	struct obligation_ask *ask, const struct bd_json *body, struct bd_faults *faults)
{
	struct bd_loop *loop = ask->call.loop;
	struct by_case by_case = {
		.asked = { .sender = ask->call.sender,
			.list = "obligations of a case",
			.query = { .sender = bd_obligations_only_of(ask->call.sender),
				.today = bd_obligations_today(loop) } }
	};
	struct bd_obligations_said said;

	BD_TRY(bd_body_obligations(&said, body, faults));
	by_case.case_id = said.case_id;
	by_case.asked.query.max = said.limit;
	BD_TRY(make_filter(&by_case, &loop->audit));
	if (said.cursor != NULL) {
		BD_TRY(bd_obligations_cursor(&by_case.asked, loop, said.cursor, faults->diag));
	}
	bd_document_answer(loop, ask->call.exchange, write_case, &by_case);
	ask_free(ask);
	return BD_OK;
}

/* -- changes -- */

/* Entered before whoever asked hears of it; the officer, where the address does not say, by name.
 */
static enum bd_code enter(struct obligation_ask *ask, struct bd_diag *diag)
{
	struct bd_loop *loop = ask->call.loop;
	const struct bd_owed_act *act = &ask->act;
	struct bd_trail_event event = { .obligation = bd_bytes_of(ask->id),
		.status = bd_bytes_of(bd_owed_step_name(act->change.step)) };
	char due[11];
	enum bd_code code = bd_audit_caller(&event.caller, &loop->audit, ask->call.exchange,
		ask->call.sender->name, &ask->arena);

	if (code == BD_OK && event.caller.operator_name.len == 0) {
		code = bd_audit_text(&event.caller.operator_name, &loop->audit,
			act->change.operator_name, &ask->arena);
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	bd_day_format(due, act->owed.due);
	event.due = bd_bytes_of(due);
	BD_TRY(bd_audit_event(
		&loop->audit, BD_TRAIL_OBLIGATION, &event, bd_audit_time(&loop->audit), diag));
	return bd_audit_flush(&loop->audit, diag);
}

static void on_written(struct bd_letter *letter)
{
	struct obligation_ask *ask = CONTAINER(struct obligation_ask, write.letter, letter);
	struct bd_diag diag = ask->write.diag;
	struct bd_document document;
	enum bd_code code = ask->write.code;

	if (code == BD_OK && ask->act.code != BD_OK) {
		diag = ask->act.diag;
		code = ask->act.code;
	}
	code = code == BD_OK ? enter(ask, &diag) : code;
	if (code != BD_OK) {
		refuse(ask, code, &diag);
		return;
	}
	bd_document_begin(&document, ask->call.loop, ask->call.exchange);
	bd_owed_write(&document.json, NULL, &ask->act.owed, ask->call.setup, ask->call.sender,
		bd_obligations_today(ask->call.loop), true);
	bd_document_end(&document, BD_OK);
	ask_free(ask);
}

static enum bd_code do_act(struct bd_write *write, struct bd_store *store, struct bd_diag *diag)
{
	struct obligation_ask *ask = CONTAINER(struct obligation_ask, write, write);
	struct bd_owed_act *acts[] = { &ask->act };

	return bd_owed_do(store, acts, 1, &ask->arena, diag);
}

static void post(struct obligation_ask *ask)
{
	ask->write = (struct bd_write){ .letter = { .deliver = on_written },
		.home = &ask->call.loop->mailbox,
		.work = do_act };
	bd_writer_post(ask->call.loop->daemon->writer, &ask->write);
}

/* What it is now; its text lives in the ask's arena. */
static enum bd_code find(struct bd_owed *owed, struct obligation_ask *ask, struct bd_diag *diag)
{
	struct bd_loop *loop = ask->call.loop;
	enum bd_code code;

	BD_TRY(bd_store_begin(loop->reader, diag));
	code = bd_obligations_find(
		owed, loop, ask->call.sender, bd_bytes_of(ask->id), &ask->arena, diag);
	bd_store_end(loop->reader);
	memcpy(ask->act.id, owed->id, sizeof(ask->act.id));
	ask->act.change.at_ms = bd_audit_time(&loop->audit);
	ask->act.change.sender = bd_bytes_of(ask->call.sender->name);
	return code;
}

/* -- a material has come -- */

static enum bd_code take_materials(
	struct obligation_ask *ask, const struct bd_json *body, struct bd_faults *faults)
{
	struct bd_owed_change *change = &ask->act.change;
	struct bd_owed owed = { .is_erased = false };

	BD_TRY(bd_body_material(change, body, bd_audit_time(&ask->call.loop->audit), faults));
	BD_TRY(find(&owed, ask, faults->diag));
	if (owed.thing.is_element) {
		return bd_fail(faults->diag, BD_OBLIGATION_KIND, "%s", "");
	}
	change->step = BD_OWED_STEP_MET;
	post(ask);
	return BD_OK;
}

/* -- more time -- */

/* The new day: a working day after the present one, and no later than the matter allows. */
static enum bd_code reckon(struct bd_owed_act *act, const struct bd_owed *owed, int64_t days,
	int32_t due, const struct bd_calendar *calendar, struct bd_diag *diag)
{
	int32_t latest = 0;
	bool is_worked = true;
	char text[11];

	if (!bd_owed_is_owed(owed->state)) {
		return bd_fail(diag, BD_OBLIGATION_CLOSED, "%s", "");
	}
	if (owed->extended >= owed->extensions) {
		return bd_fail(diag, BD_OBLIGATION_NO_EXTENSION, "%u of %u", owed->extended,
			owed->extensions);
	}
	BD_TRY(bd_workday_add(&latest, calendar, owed->due, owed->extension_working_days, diag));
	if (due != BD_NO_DAY && due > owed->due && due <= latest) {
		BD_TRY(bd_workday_is(&is_worked, calendar, due, diag));
	} else if (due == BD_NO_DAY && days <= owed->extension_working_days) {
		BD_TRY(bd_workday_add(&due, calendar, owed->due, days, diag));
	}
	if (due <= owed->due || due > latest || !is_worked) {
		bd_day_format(text, latest);
		return bd_fail(diag, BD_OBLIGATION_DUE, "%s", text);
	}
	act->due = owed->due;
	act->change.due = due;
	return BD_OK;
}

static enum bd_code take_extend(
	struct obligation_ask *ask, const struct bd_json *body, struct bd_faults *faults)
{
	struct bd_owed_change *change = &ask->act.change;
	struct bd_owed owed = { .is_erased = false };
	int32_t due = BD_NO_DAY;
	int64_t days = 0;

	BD_TRY(bd_body_extension(change, &days, &due, body, faults));
	BD_TRY(find(&owed, ask, faults->diag));
	BD_TRY(reckon(&ask->act, &owed, days, due, ask->call.setup->calendar, faults->diag));
	change->step = BD_OWED_STEP_EXTENDED;
	post(ask);
	return BD_OK;
}

/* -- the body -- */

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	struct obligation_ask *ask = CONTAINER(struct obligation_ask, call, call);
	struct bd_diag diag = { .code = BD_OK };

	if (bd_buf_add(&ask->body, bytes) != BD_OK) {
		refuse(ask, BD_HTTP_TOO_LARGE, &diag);
	}
}

static void on_body_end(struct bd_call *call)
{
	struct obligation_ask *ask = CONTAINER(struct obligation_ask, call, call);
	struct bd_diag diag = { .code = BD_OK };
	struct bd_faults faults = { .diag = &diag, .arena = &ask->arena };
	struct bd_json *body = NULL;
	enum bd_code code = bd_question_body(&body, bd_buf_bytes(&ask->body), &faults);

	ask->is_body_over = true;
	code = code == BD_OK ? ask->take(ask, body, &faults) : code;
	if (code != BD_OK) {
		refuse(ask, code, &diag);
	}
}

/* What came whole is done although nobody waits for the answer. */
static void on_abort(struct bd_call *call)
{
	struct obligation_ask *ask = CONTAINER(struct obligation_ask, call, call);

	if (!ask->is_body_over) {
		bd_http_end(call->exchange);
		ask_free(ask);
	}
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

static void begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, struct bd_bytes id,
	enum bd_code (*take)(
		struct obligation_ask *ask, const struct bd_json *body, struct bd_faults *faults))
{
	struct bd_bytes type = bd_http_header(exchange, "content-type");
	const char json[] = "application/json";
	struct obligation_ask *ask = calloc(1, sizeof(*ask));
	struct bd_diag diag = { .code = BD_OK };

	if (ask == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	bd_call_open(&ask->call, &call_ops, loop, exchange, sender);
	ask->take = take;
	bd_buf_init(&ask->body, loop->setup->settings->question_max_bytes);
	bd_arena_init(&ask->arena, BD_REQUEST_ARENA_MAX_BYTES);
	snprintf(ask->id, sizeof(ask->id), "%.*s", (int)(id.len < sizeof(ask->id) ? id.len : 0),
		id.ptr != NULL ? id.ptr : "");
	if (type.len < sizeof(json) - 1 || strncasecmp(type.ptr, json, sizeof(json) - 1) != 0 ||
		bd_http_header(exchange, "content-encoding").ptr != NULL) {
		refuse(ask, bd_fail(&diag, BD_HTTP_MEDIA_TYPE, "application/json, not compressed"),
			&diag);
	}
}

void bd_obligations_query_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	begin(loop, exchange, sender, parts->first, take_query);
}

void bd_obligation_materials_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	begin(loop, exchange, sender, parts->first, take_materials);
}

void bd_obligation_extend_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	begin(loop, exchange, sender, parts->first, take_extend);
}
