/* reproduce.c - POST /v1/receipts/{id}/reproduce: the decision of a receipt drawn again from what
 * was held when it was drawn, and from what is held today, and what differs.
 *
 * No value is shown, neither claimed nor held: findings are told by their codes, statements by
 * their versions. What was drawn then is taken from the trail, which cannot be changed unseen.
 */
#include "answer/decide.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/again.h"
#include "daemon/asker.h"
#include "daemon/document.h"
#include "daemon/proofs.h"
#include "daemon/routes.h"

#include <string.h>

/* The case, and what it comes to twice. */
#define ARENA_MAX_BYTES ((size_t)4 * BD_REQUEST_ARENA_MAX_BYTES)

/* Decided once more. */
struct drawn {
	enum bd_code refused; /* why there is no decision; BD_OK = there is one */
	int64_t at_ms;
	struct bd_compared compared;
	struct bd_again_told told;
	struct bd_again_differences differences;
};

struct reproduction {
	struct bd_loop *loop;
	struct bd_asker asker;
	char entry[BD_TRAIL_ID_TEXT_BYTES]; /* of this look, in the trail */
	struct bd_trail_id id;
	struct bd_trail_receipt receipt;
	struct bd_case_record record;
	struct drawn then, today;
	struct bd_arena arena;
	struct bd_diag diag;
};

/* -- what was drawn -- */

static enum bd_code read_record(struct reproduction *work)
{
	struct bd_store_reader *reader = work->loop->reader;
	enum bd_code code = bd_store_begin(reader, &work->diag);

	if (code != BD_OK) {
		return code;
	}
	code = bd_case_read(&work->record, reader, &work->id, &work->arena, &work->diag);
	bd_store_end(reader);
	return code;
}

/* What is kept is what the receipt was given for. */
static enum bd_code check_record(struct reproduction *work)
{
	uint8_t digest[BD_DIGEST_BYTES];
	enum bd_code code;

	if (work->record.is_cut) {
		return bd_fail(&work->diag, BD_CASE_CUT, "%s", "");
	}
	code = bd_audit_digest(digest, &work->loop->audit, work->record.question);
	if (code == BD_OK && memcmp(digest, work->receipt.request, sizeof(digest)) != 0) {
		code = BD_STORE_DAMAGED;
	}
	return code == BD_OK ? BD_OK : bd_fail(&work->diag, code, "a case file");
}

static enum bd_code find(
	struct reproduction *work, const struct bd_sender *sender, struct bd_bytes text)
{
	struct bd_trail_entry entry;
	enum bd_code code = bd_proofs_find(
		&work->id, &entry, work->loop, sender, text, &work->arena, &work->diag);

	if (code == BD_OK && entry.kind != BD_TRAIL_COMPARE) {
		code = BD_CASE_UNKNOWN;
	}
	code = code == BD_OK ? bd_trail_receipt_unpack(&work->receipt, entry.payload, &work->arena)
			     : code;
	if (code != BD_OK) {
		return bd_fail(&work->diag, code, "%s", "");
	}
	BD_TRY(read_record(work));
	return check_record(work);
}

/* -- drawing it again -- */

/* What ends the request; anything else is why this one decision cannot be drawn. */
static bool is_ours(enum bd_code code)
{
	return bd_code_info(code)->status >= 500;
}

static enum bd_code draw(struct reproduction *work, struct drawn *drawn, enum bd_again_when when,
	const struct bd_again_told *before)
{
	const struct bd_again again = { .setup = work->loop->setup,
		.reader = work->loop->reader,
		.record = &work->record,
		.when = when,
		.now_ms = drawn->at_ms,
		.asker = &work->asker,
		.needs = BD_DISCLOSE_CODES };

	BD_TRY(bd_again_decide(NULL, &drawn->compared, &again, &work->arena, &work->diag));
	BD_TRY(bd_again_tell(&drawn->told, &drawn->compared, &work->arena));
	return bd_again_differ(&drawn->differences, before, &drawn->told, &work->arena);
}

static enum bd_code draw_both(struct reproduction *work)
{
	const struct bd_again_told was = { work->receipt.elements, work->receipt.element_count };
	enum bd_code code;

	work->then.at_ms = work->record.at_ms;
	BD_TRY(draw(work, &work->then, BD_AGAIN_THEN, &was));
	work->today.at_ms = bd_audit_time(&work->loop->audit);
	code = draw(work, &work->today, BD_AGAIN_NOW, &work->then.told);
	if (code == BD_OK || is_ours(code)) {
		return code;
	}
	work->today.refused = code;
	bd_diag_clear(&work->diag);
	return BD_OK;
}

/* -- as JSON -- */

static const char *decision_of(const struct drawn *drawn)
{
	return bd_decision_term(drawn->compared.outcome->decision)->name;
}

static bool agrees(const struct drawn *drawn, struct bd_bytes decision)
{
	return bd_bytes_is(decision, decision_of(drawn)) && drawn->differences.finding_count == 0;
}

static void write_told(
	struct bd_json_writer *w, const char *key, const struct bd_trail_element *element)
{
	if (element == NULL) {
		bd_jw_null(w, key);
		return;
	}
	bd_jw_object(w, key);
	bd_jw_bytes(w, "code", element->code);
	bd_jw_words(w, "flags", element->flags);
	bd_jw_bytes(w, "reason", element->reason);
	bd_jw_object_end(w);
}

/* Both sides may know the element, or one of them. */
static void write_label(struct bd_json_writer *w, const struct bd_trail_element *one,
	const struct drawn *a, const struct drawn *b)
{
	const struct drawn *const sides[] = { a, b };

	for (size_t s = 0; s < 2; s++) {
		const struct bd_compared *compared = &sides[s]->compared;

		for (size_t i = 0; sides[s]->refused == BD_OK && i < compared->finding_count; i++) {
			const struct bd_element *element = compared->findings[i].element;

			if (bd_bytes_is(one->id, element->id)) {
				bd_jw_text(w, "label_zh", element->label_zh);
				bd_jw_text(w, "label_en", element->label_en);
				return;
			}
		}
	}
}

static void write_findings(
	struct bd_json_writer *w, const struct reproduction *work, const struct drawn *drawn)
{
	const struct bd_again_differences *differences = &drawn->differences;

	bd_jw_array(w, "differences");
	for (size_t i = 0; i < differences->finding_count; i++) {
		const struct bd_again_difference *one = &differences->findings[i];
		const struct bd_trail_element *element = one->was != NULL ? one->was : one->is;

		bd_jw_object(w, NULL);
		bd_jw_bytes(w, "element", element->id);
		write_label(w, element, &work->then, &work->today);
		bd_jw_bytes(w, "subject", element->pointer);
		write_told(w, "was", one->was);
		write_told(w, "is", one->is);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

static void write_evidence(
	struct bd_json_writer *w, const char *key, const struct bd_trail_evidence *evidence)
{
	if (evidence == NULL) {
		bd_jw_null(w, key);
		return;
	}
	bd_jw_object(w, key);
	bd_jw_u64(w, "version", evidence->version);
	bd_jw_time(w, "as_of", evidence->as_of_ms);
	bd_jw_object_end(w);
}

static void write_statements(
	struct bd_json_writer *w, const struct bd_again_differences *differences)
{
	bd_jw_array(w, "statements");
	for (size_t i = 0; i < differences->statement_count; i++) {
		const struct bd_again_statement *one = &differences->statements[i];

		bd_jw_object(w, NULL);
		bd_jw_bytes(w, "element", one->element->id);
		bd_jw_bytes(w, "subject", one->element->pointer);
		bd_jw_bytes(w, "source", one->was != NULL ? one->was->source : one->is->source);
		write_evidence(w, "was", one->was);
		write_evidence(w, "is", one->is);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

static void write_drawn(struct bd_json_writer *w, const char *key, const struct reproduction *work,
	const struct drawn *drawn, struct bd_bytes decision)
{
	const struct bd_code_info *info = bd_code_info(drawn->refused);

	bd_jw_object(w, key);
	bd_jw_time(w, "at", drawn->at_ms);
	bd_jw_bool(w, "agrees", drawn->refused == BD_OK && agrees(drawn, decision));
	if (drawn->refused != BD_OK) {
		bd_jw_object(w, "refused");
		bd_jw_text(w, "code", info->text);
		bd_jw_text(w, "zh", info->zh);
		bd_jw_text(w, "en", info->en);
		bd_jw_object_end(w);
	} else {
		bd_jw_text(w, "version", drawn->compared.asked->matter->version);
		bd_jw_text(w, "decision", decision_of(drawn));
		bd_jw_text(
			w, "decision_zh", bd_decision_term(drawn->compared.outcome->decision)->zh);
		write_findings(w, work, drawn);
		write_statements(w, &drawn->differences);
	}
	bd_jw_object_end(w);
}

static enum bd_code write_answer(struct bd_buf *out, const struct reproduction *work)
{
	const struct bd_trail_receipt *receipt = &work->receipt;
	char id[BD_TRAIL_ID_TEXT_BYTES];
	struct bd_json_writer w;

	bd_trail_id_write(id, &work->id);
	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "receipt", id);
	bd_jw_text(&w, "entry", work->entry);
	bd_jw_bytes(&w, "matter", receipt->matter);
	bd_jw_bytes(&w, "version", receipt->version);
	bd_jw_bytes(&w, "case", work->record.number);
	bd_jw_bytes(&w, "on", receipt->on);
	bd_jw_time(&w, "at", work->record.at_ms);
	bd_jw_bytes(&w, "decision", receipt->decision);
	write_drawn(&w, "reproduced", work, &work->then, receipt->decision);
	write_drawn(&w, "today", work, &work->today, receipt->decision);
	bd_jw_object_end(&w);
	return w.code;
}

/* -- the request -- */

/* Whoever draws it again has looked at the same people again. */
static enum bd_code enter(struct reproduction *work, const struct bd_http_exchange *exchange,
	const struct bd_sender *sender)
{
	struct bd_audit *audit = &work->loop->audit;
	char id[BD_TRAIL_ID_TEXT_BYTES];
	struct bd_trail_event event = { .subjects = work->receipt.subjects,
		.subject_count = work->receipt.subject_count,
		.status = bd_bytes_of(
			agrees(&work->then, work->receipt.decision) ? "agrees" : "differs"),
		.of = { id, BD_TRAIL_ID_TEXT_BYTES - 1 } };
	enum bd_code code =
		bd_audit_caller(&event.caller, audit, exchange, sender->name, &work->arena);

	bd_trail_id_write(id, &work->id);
	if (code != BD_OK) {
		return bd_fail(&work->diag, code, "%s", "");
	}
	BD_TRY(bd_audit_event(
		audit, BD_TRAIL_REPRODUCE, &event, bd_audit_time(audit), &work->diag));
	return bd_audit_flush(audit, &work->diag);
}

static enum bd_code reproduce(struct bd_buf *out, struct reproduction *work,
	const struct bd_http_exchange *exchange, const struct bd_sender *sender,
	struct bd_bytes receipt)
{
	BD_TRY(find(work, sender, receipt));
	BD_TRY(draw_both(work));
	BD_TRY(bd_audit_next(work->entry, &work->loop->audit, &work->diag));
	BD_TRY(write_answer(out, work));
	return enter(work, exchange, sender);
}

void bd_reproduce_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct reproduction work = { .loop = loop };
	struct bd_document document;
	enum bd_code code;

	bd_asker_of(&work.asker, loop->setup, sender, exchange, bd_audit_time(&loop->audit));
	bd_document_begin(&document, loop, exchange);
	bd_arena_init(&work.arena, ARENA_MAX_BYTES);
	code = reproduce(&document.body, &work, exchange, sender, parts->first);
	/* Further faults, where there are some, live in the arena. */
	document.diag = work.diag;
	bd_document_end(&document, code);
	bd_arena_release(&work.arena);
}
