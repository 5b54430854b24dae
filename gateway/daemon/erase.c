/* erase.c - POST /v1/subjects/erase: a subject and every case file in which it was looked at,
 * erased for good, by an operator and on a stated basis.
 *
 * The writer's thread erases; what was done is entered into the trail, with the subject's digest
 * alone, before it is answered. Whoever does not wait for the answer has it erased all the same.
 */
#include "base/limits.h"
#include "base/try.h"
#include "daemon/body.h"
#include "daemon/routes.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct erasure {
	struct bd_call call;
	struct bd_write write;
	struct bd_buf body;
	struct bd_arena arena;
	struct bd_trail_caller caller;
	struct bd_trail_subject subject;
	struct bd_bytes basis;
	struct bd_erasure of;
	int64_t at_ms;
	struct bd_store_erased erased;
	bool is_running, is_alone; /* the client is gone */
};

static void erasure_free(struct erasure *erasure)
{
	bd_buf_wipe(&erasure->body);
	bd_arena_release(&erasure->arena);
	bd_call_close(&erasure->call);
	free(erasure);
}

static void refuse(struct erasure *erasure, const struct bd_diag *diag)
{
	bd_count(&erasure->call.loop->counts.refused, 1);
	bd_problem_respond(erasure->call.exchange, diag, NULL);
	erasure_free(erasure);
}

/* -- afterwards -- */

static enum bd_code enter(
	char receipt[BD_TRAIL_ID_TEXT_BYTES], struct erasure *erasure, struct bd_diag *diag)
{
	struct bd_audit *audit = &erasure->call.loop->audit;
	const struct bd_trail_event event = { .caller = erasure->caller,
		.subjects = &erasure->subject,
		.subject_count = 1,
		.basis = erasure->basis,
		.identifiers = erasure->erased.nodes,
		.cases = erasure->erased.cases,
		.holders = erasure->erased.others };
	enum bd_code code = bd_audit_next(receipt, audit, diag);

	erasure->at_ms = bd_audit_time(audit);
	code = code == BD_OK ? bd_audit_event(audit, BD_TRAIL_ERASE, &event, erasure->at_ms, diag)
			     : code;
	return code == BD_OK ? bd_audit_flush(audit, diag) : code;
}

static enum bd_code write_answer(
	struct bd_buf *out, const struct erasure *erasure, const char *receipt)
{
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "receipt", receipt);
	bd_jw_time(&w, "at", erasure->at_ms);
	bd_jw_u64(&w, "identifiers", erasure->erased.nodes);
	bd_jw_u64(&w, "cases", erasure->erased.cases);
	bd_jw_u64(&w, "others", erasure->erased.others);
	bd_jw_object_end(&w);
	return w.code;
}

static void respond(struct erasure *erasure, enum bd_code code, struct bd_diag *diag)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };
	struct bd_buf *answer = &erasure->call.loop->answer;

	if (erasure->is_alone) {
		struct bd_loop *loop = erasure->call.loop;

		erasure_free(erasure);
		bd_loop_background_end(loop);
	} else if (code != BD_OK) {
		diag->code = code;
		refuse(erasure, diag);
	} else {
		bd_http_respond(erasure->call.exchange, 200, headers, bd_buf_bytes(answer));
		erasure_free(erasure);
	}
}

static void on_erased(struct bd_letter *letter)
{
	struct erasure *erasure =
		CONTAINER(struct erasure, write, CONTAINER(struct bd_write, letter, letter));
	struct bd_diag diag = erasure->write.diag;
	char receipt[BD_TRAIL_ID_TEXT_BYTES];
	enum bd_code code = erasure->write.code;

	code = code == BD_OK ? enter(receipt, erasure, &diag) : code;
	bd_buf_clear(&erasure->call.loop->answer);
	code = code == BD_OK ? write_answer(&erasure->call.loop->answer, erasure, receipt) : code;
	respond(erasure, code, &diag);
}

/* -- the writer's thread -- */

static enum bd_code erase(struct bd_write *write, struct bd_store *store, struct bd_diag *diag)
{
	struct erasure *erasure = CONTAINER(struct erasure, write, write);

	erasure->of.now_ms = erasure->at_ms;
	return bd_store_erase(store, &erasure->of, &erasure->erased, diag);
}

/* -- what is asked -- */

/* Whom, for the store and for the trail, and by which law. */
static enum bd_code take_said(
	struct erasure *erasure, const struct bd_erasure_said *said, struct bd_diag *diag)
{
	struct bd_audit *audit = &erasure->call.loop->audit;
	enum bd_code code = bd_audit_text(&erasure->basis, audit, said->basis, &erasure->arena);

	erasure->of.identifier = said->subject;
	erasure->subject.pointer = bd_bytes_of("/subject");
	code = code == BD_OK ? bd_audit_subject(erasure->subject.digest, audit, &said->subject,
				       erasure->call.setup->dict)
			     : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

/* What others' rows are cleaned of: values that the dictionary calls personal, and names. */
static enum bd_code take_fields(struct erasure *erasure, struct bd_diag *diag)
{
	const struct bd_dictionary *dict = erasure->call.setup->dict;
	size_t max = dict->fields_by_number_count;
	uint16_t *personal = bd_arena_alloc(&erasure->arena, max, sizeof(*personal));
	uint16_t *names = bd_arena_alloc(&erasure->arena, max, sizeof(*names));

	if (personal == NULL || names == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	for (size_t i = 0; i < max; i++) {
		const struct bd_field *field = dict->fields_by_number[i];

		if (field == NULL || field->sensitivity < BD_SENSITIVITY_PERSONAL) {
			continue;
		}
		personal[erasure->of.personal_count++] = field->number;
		if (field->type == BD_TYPE_NAME) {
			names[erasure->of.name_count++] = field->number;
		}
	}
	erasure->of.personal = personal;
	erasure->of.names = names;
	return BD_OK;
}

static enum bd_code take(struct erasure *erasure, struct bd_diag *diag)
{
	struct bd_faults faults = { diag, &erasure->arena, 0 };
	struct bd_erasure_said said = { .basis = { "", 0 } };
	struct bd_json *root = NULL;

	BD_TRY(bd_question_body(&root, bd_buf_bytes(&erasure->body), &faults));
	BD_TRY(bd_body_erasure(&said, root, erasure->call.setup->dict, &faults));
	BD_TRY(take_said(erasure, &said, diag));
	return take_fields(erasure, diag);
}

/* Lives on without the exchange. */
static enum bd_code take_caller(struct erasure *erasure, struct bd_diag *diag)
{
	struct bd_trail_caller *caller = &erasure->caller;
	struct bd_bytes *const texts[] = { &caller->client, &caller->purpose, &caller->case_id,
		&caller->operator_name, &caller->trace };
	enum bd_code code = bd_audit_caller(caller, &erasure->call.loop->audit,
		erasure->call.exchange, erasure->call.sender->name, &erasure->arena);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && code == BD_OK; i++) {
		*texts[i] = bd_arena_copy(&erasure->arena, *texts[i]);
		code = texts[i]->ptr != NULL || texts[i]->len == 0 ? BD_OK : BD_NO_MEMORY;
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

/* -- the body -- */

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	struct erasure *erasure = CONTAINER(struct erasure, call, call);

	if (bd_buf_add(&erasure->body, bytes) != BD_OK) {
		const struct bd_diag diag = { .code = BD_HTTP_TOO_LARGE };

		refuse(erasure, &diag);
	}
}

static void on_body_end(struct bd_call *call)
{
	struct erasure *erasure = CONTAINER(struct erasure, call, call);
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = take(erasure, &diag);

	code = code == BD_OK ? take_caller(erasure, &diag) : code;
	if (code != BD_OK) {
		diag.code = code;
		refuse(erasure, &diag);
		return;
	}
	erasure->is_running = true;
	erasure->at_ms = bd_audit_time(&call->loop->audit);
	erasure->write = (struct bd_write){ .letter = { .deliver = on_erased },
		.home = &call->loop->mailbox,
		.work = erase,
		.is_at_rest = true };
	bd_writer_post(call->loop->daemon->writer, &erasure->write);
}

static void on_abort(struct bd_call *call)
{
	struct erasure *erasure = CONTAINER(struct erasure, call, call);

	bd_http_end(call->exchange);
	if (erasure->is_running) {
		erasure->is_alone = true;
		call->loop->background++;
	} else {
		erasure_free(erasure);
	}
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

void bd_erase_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct erasure *erasure;

	(void)parts;
	if (!bd_call_is_json(exchange)) {
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond_code(
			exchange, BD_HTTP_MEDIA_TYPE, "application/json, not compressed");
		return;
	}
	erasure = calloc(1, sizeof(*erasure));
	if (erasure == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	bd_call_open(&erasure->call, &call_ops, loop, exchange, sender);
	bd_arena_init(&erasure->arena, BD_REQUEST_ARENA_MAX_BYTES);
	bd_buf_init(&erasure->body, loop->setup->settings->question_max_bytes);
}
