#include "daemon/taking_parts.h"

#include "base/limits.h"
#include "daemon/alarms.h"
#include "record/pack.h"
#include "record/record_text.h"

#include <stddef.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void refuse_code(struct bd_taking *taking, enum bd_code code)
{
	struct bd_diag diag = { .code = code };

	bd_taking_refuse(taking, &diag);
}

/* -- the trail -- */

/* What the message came to, entered before its sender hears of it. */
static enum bd_code enter(struct bd_taking *taking)
{
	const struct bd_receipt *receipt = &taking->receipt;
	struct bd_audit *audit = &taking->loop->audit;
	struct bd_trail_event event = { .caller = taking->request.caller,
		.status = bd_bytes_of(receipt->is_dry_run ? "dry_run" : ""),
		.source = bd_bytes_of(receipt->source),
		.feed = bd_bytes_of(receipt->feed),
		.message = receipt->message,
		.received = receipt->received,
		.accepted = receipt->accepted,
		.rejected = receipt->rejected,
		.code = bd_bytes_of(bd_code_info(receipt->code)->text) };
	enum bd_code code = BD_OK;

	if (taking->write.entry != NULL) {
		code = bd_audit_digest(event.body, audit,
			(struct bd_bytes){
				(const char *)taking->entry.body_sha256, BD_DIGEST_BYTES });
	}
	code = code == BD_OK
		       ? bd_audit_event(audit, BD_TRAIL_PUSH, &event, bd_audit_time(audit), NULL)
		       : code;
	return code == BD_OK ? bd_audit_flush(audit, NULL) : code;
}

static void finish(struct bd_taking *taking)
{
	if (enter(taking) != BD_OK) {
		/* Stored it is; a repeat with its key gets the receipt. */
		refuse_code(taking, BD_TRAIL_UNAVAILABLE);
	} else {
		bd_taking_tell(taking, &taking->receipt, NULL);
	}
}

/* -- receipts -- */

static void fill_receipt(struct bd_receipt *receipt, const struct bd_taking *taking)
{
	*receipt = (struct bd_receipt){ .source = taking->request.plan->source,
		.feed = taking->request.feed->name,
		.received = taking->result.received,
		.accepted = taking->result.accepted,
		.rejected = taking->result.rejected,
		.rejects = bd_buf_bytes(&taking->rejects),
		.unmapped = taking->result.unmapped,
		.unmapped_count = taking->result.unmapped_count,
		.code = bd_receipt_code(taking->result.accepted, taking->result.rejected) };
}

/* The records as text; what passes the limit is left out, never cut within a record. */
static void dry_run(struct bd_taking *taking)
{
	struct bd_reader reader = bd_reader_of(bd_buf_bytes(&taking->records));

	while (reader.rest.len > 0) {
		struct bd_record record;
		struct bd_arena arena;
		enum bd_code code;

		bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
		code = bd_record_unpack(&record, bd_read_sized(&reader), &arena);
		if (code == BD_OK) {
			code = bd_record_text(&taking->shown, &record, taking->setup->dict);
		}
		bd_arena_release(&arena);
		if (code != BD_OK || !reader.ok) {
			break;
		}
	}
	fill_receipt(&taking->receipt, taking);
	taking->receipt.is_dry_run = true;
	taking->receipt.would_store = bd_buf_bytes(&taking->shown);
	finish(taking);
}

static void refuse_atomic(struct bd_taking *taking)
{
	fill_receipt(&taking->receipt, taking);
	taking->receipt.accepted = 0;
	taking->receipt.code = BD_MESSAGE_ATOMIC;
	finish(taking);
}

/* A repeat of a key gets the first receipt, from the store. */
static enum bd_code make_receipt(struct bd_taking *taking, struct bd_diag *diag)
{
	struct bd_receipt *receipt = &taking->receipt;

	if (taking->entry.is_repeat) {
		return bd_receipt_read(receipt, taking->loop, taking->request.sender,
			taking->entry.message, &taking->arena, diag);
	}
	fill_receipt(receipt, taking);
	receipt->message = taking->entry.message;
	receipt->unchanged = taking->entry.unchanged;
	return bd_receipt_go_on(receipt, taking->loop, taking->request.sender);
}

static void on_written(struct bd_letter *letter)
{
	struct bd_taking *taking = CONTAINER(struct bd_taking, write.letter, letter);
	struct bd_diag diag = { .code = BD_OK };

	taking->state = BD_TAKING_GATHERING; /* nobody else has it now */
	if (taking->entry.code != BD_OK) {
		diag = taking->entry.diag;
		diag.code = taking->entry.code;
		bd_taking_refuse(taking, &diag);
		return;
	}
	bd_count(&taking->loop->counts.pushes, 1);
	bd_count(&taking->loop->counts.records_received, taking->result.received);
	bd_count(&taking->loop->counts.records_rejected, taking->result.rejected);
	if (make_receipt(taking, &diag) != BD_OK) {
		bd_taking_refuse(taking, &diag);
		return;
	}
	finish(taking);
}

/* -- the journal's entry -- */

/* The worker's result is gone when the callback returns: what the writer and the receipt need is
 * copied. */
static bool keep_result(struct bd_taking *taking, const struct bd_intake_result *result)
{
	struct bd_arena *arena = &taking->arena;
	struct bd_identifier *subject =
		bd_arena_alloc(arena, result->subject_count, sizeof(*subject));
	struct bd_unmapped *unmapped =
		bd_arena_alloc(arena, result->unmapped_count, sizeof(*unmapped));
	const char **sections = bd_arena_alloc(arena, result->section_count, sizeof(const char *));
	bool is_good = subject != NULL && unmapped != NULL && sections != NULL;

	taking->result = *result;
	for (size_t i = 0; is_good && i < result->subject_count; i++) {
		subject[i] = (struct bd_identifier){ result->subject[i].kind,
			bd_arena_copy(arena, result->subject[i].issuer),
			bd_arena_copy(arena, result->subject[i].number) };
		is_good = subject[i].issuer.ptr != NULL && subject[i].number.ptr != NULL;
	}
	for (size_t i = 0; is_good && i < result->unmapped_count; i++) {
		unmapped[i].count = result->unmapped[i].count;
		unmapped[i].path = bd_arena_text(arena, bd_bytes_of(result->unmapped[i].path));
		is_good = unmapped[i].path != NULL;
	}
	for (size_t i = 0; is_good && i < result->section_count; i++) {
		sections[i] = bd_arena_text(arena, bd_bytes_of(result->sections[i]));
		is_good = sections[i] != NULL;
	}
	taking->result.page.next = bd_arena_copy(arena, result->page.next);
	taking->result.page.mark = bd_arena_copy(arena, result->page.mark);
	is_good = is_good && taking->result.page.next.ptr != NULL &&
		  taking->result.page.mark.ptr != NULL;
	taking->result.subject = subject;
	taking->result.unmapped = unmapped;
	taking->result.sections = sections;
	taking->result.tally_count = 0; /* looked at by now: alarms.h */
	return is_good;
}

static void fill_entry(struct bd_taking *taking)
{
	taking->entry = (struct bd_entry){ .source = taking->request.plan->source,
		.feed = taking->request.feed->name,
		.feed_number = taking->request.feed->number,
		.is_reply = taking->request.feed->kind == BD_FEED_REPLY,
		.is_snapshot = taking->request.feed->kind == BD_FEED_SNAPSHOT,
		.is_atomic = taking->request.is_atomic,
		.received_ms = taking->received_ms,
		.sender = taking->request.sender->name,
		.adapter_version = taking->request.plan->version,
		.dictionary_version = taking->setup->dict->version,
		.idempotency_key = bd_bytes_of(taking->request.key),
		.is_once = taking->request.is_once,
		.received = taking->result.received,
		.accepted = taking->result.accepted,
		.rejected = taking->result.rejected,
		.record_count = taking->result.records,
		.records = bd_buf_bytes(&taking->records),
		.rejects = bd_buf_bytes(&taking->rejects),
		.spool = taking->spool,
		.subject = taking->result.subject,
		.subject_count = taking->result.subject_count,
		.order_kind = taking->request.feed->order_kind,
		.order = taking->result.order,
		.delivery = taking->request.delivery,
		.remove_share_max_percent = taking->request.feed->remove_share_max_percent,
		.sections = taking->result.sections,
		.section_count = taking->result.section_count };
}

void bd_taking_conclude(struct bd_taking *taking, const struct bd_intake_result *result)
{
	if (!taking->request.is_dry_run) {
		bd_alarms_learn(taking->loop->daemon->alarms, taking->request.plan,
			taking->request.feed, result);
	}
	if (!keep_result(taking, result)) {
		refuse_code(taking, BD_NO_MEMORY);
		return;
	}
	if (taking->request.is_dry_run) {
		dry_run(taking);
		return;
	}
	if (taking->request.is_atomic && taking->result.rejected > 0) {
		refuse_atomic(taking);
		return;
	}
	fill_entry(taking);
	if (bd_sha256_final(taking->sha, taking->entry.body_sha256) != BD_OK) {
		refuse_code(taking, BD_INTERNAL);
		return;
	}
	if (taking->request.sha256 != NULL &&
		memcmp(taking->request.sha256, taking->entry.body_sha256, BD_DIGEST_BYTES) != 0) {
		refuse_code(taking, BD_FOLDER_CHANGED);
		return;
	}
	if (taking->ops->on_result != NULL) {
		taking->ops->on_result(taking, &taking->result, &taking->entry);
	}
	taking->state = BD_TAKING_WRITING;
	taking->write = (struct bd_write){ .letter = { .deliver = on_written },
		.home = &taking->loop->mailbox,
		.entry = &taking->entry };
	bd_writer_post(taking->loop->daemon->writer, &taking->write);
}
