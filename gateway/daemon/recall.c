/* recall.c - POST /v1/sources/{source}/recall: a source withdraws what it said.
 *
 * Rows of a subject are withdrawn by one entry. What a message said is looked for first, node by
 * node, by a thread of the background with a snapshot of its own, so that neither the loop nor the
 * writer waits however much is held; what is found goes to the writer some nodes at a time. Nobody
 * can add to what an old message said, so nothing is missed; and a recall that broke off is simply
 * asked again.
 */
#include "base/limits.h"
#include "base/try.h"
#include "daemon/body.h"
#include "daemon/change.h"
#include "daemon/routes.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct recall {
	struct bd_change change;
	struct bd_entry head; /* of what is recalled */
	char id[24], of[24];
	/* of a message */
	struct bd_store_reader *reader;
	uv_work_t work;
	struct bd_arena step; /* what the page and its entry borrow */
	struct bd_recall_page page;
	struct bd_diag found; /* what came of the search */
	char cursor[64];      /* of the next step */
	size_t cursor_len;
};

static struct recall *recall_of(struct bd_change *change)
{
	return CONTAINER(struct recall, change, change);
}

/* -- of a message: step by step -- */

static void search(uv_work_t *work)
{
	struct recall *recall = CONTAINER(struct recall, work, work);
	struct bd_bytes cursor = { recall->cursor, recall->cursor_len };
	struct bd_diag *diag = &recall->found;
	enum bd_code code = bd_store_begin(recall->reader, diag);

	if (code == BD_OK) {
		code = bd_store_recall_find(
			&recall->page, recall->reader, &recall->head, cursor, &recall->step, diag);
		bd_store_end(recall->reader);
	}
	diag->code = code;
}

static void begin_step(struct recall *recall);

static void on_found(uv_work_t *work, int status)
{
	struct recall *recall = CONTAINER(struct recall, work, work);
	struct bd_change *change = &recall->change;
	bool is_last;

	(void)status;
	change->is_busy = false;
	if (recall->found.code != BD_OK) {
		bd_change_refuse(change, &recall->found);
		return;
	}
	recall->cursor_len = recall->page.cursor.len;
	is_last = recall->cursor_len == 0;
	if (!is_last) {
		memcpy(recall->cursor, recall->page.cursor.ptr, recall->cursor_len);
	}
	if (recall->page.count == 0 && !is_last) {
		begin_step(recall);
		return;
	}
	change->entry.subject = recall->page.items;
	change->entry.subject_count = recall->page.count;
	change->entry.recall.is_last = is_last;
	change->entry.recall.before = change->entry.recall.recalled;
	/* Before the last step nothing is answered, so the key is not kept. */
	change->entry.idempotency_key = bd_bytes_of(is_last ? change->key : "");
	bd_change_post(change);
}

static void begin_step(struct recall *recall)
{
	struct bd_change *change = &recall->change;

	bd_arena_clear(&recall->step);
	recall->found = (struct bd_diag){ .code = BD_OK };
	change->is_busy = true;
	if (uv_queue_work(&change->call.loop->uv, &recall->work, search, on_found) != 0) {
		const struct bd_diag diag = { .code = BD_NO_MEMORY };

		bd_change_refuse(change, &diag);
	}
}

/* What that message was: of this source. */
static enum bd_code find_message(struct recall *recall, uint64_t number, struct bd_diag *diag)
{
	struct bd_change *change = &recall->change;
	struct bd_store_reader *reader = change->call.loop->reader;
	enum bd_code code = bd_store_begin(reader, diag);

	if (code != BD_OK) {
		return code;
	}
	code = bd_store_recall_head(&recall->head, reader, number, &change->arena, diag);
	bd_store_end(reader);
	if (code == BD_OK && strcmp(recall->head.source, change->entry.source) != 0) {
		code = bd_fail(diag, BD_RECEIPT_UNKNOWN, "%s", "");
	}
	return code;
}

static enum bd_code recall_message(struct recall *recall, uint64_t number, struct bd_diag *diag)
{
	struct bd_change *change = &recall->change;
	struct bd_entry given = change->entry;
	enum bd_code code = find_message(recall, number, diag);

	code = code == BD_OK ? bd_store_reader_new(
				       &recall->reader, change->call.loop->daemon->store, diag)
			     : code;
	if (code != BD_OK) {
		return code;
	}
	change->entry = recall->head;
	change->entry.sender = given.sender;
	change->entry.received_ms = given.received_ms;
	memcpy(change->entry.body_sha256, given.body_sha256, sizeof(given.body_sha256));
	bd_call_message_id(recall->of, recall->head.recall.message);
	change->event.of = bd_bytes_of(recall->of);
	bd_arena_init(&recall->step, BD_REQUEST_ARENA_MAX_BYTES);
	begin_step(recall);
	return BD_OK;
}

/* -- of rows -- */

static enum bd_code find_feed(
	struct recall *recall, const struct bd_plan *plan, const char *name, struct bd_diag *diag)
{
	struct bd_change *change = &recall->change;
	const struct bd_feed_plan *feed = bd_plan_feed(plan, name);
	const char **sections;

	if (feed == NULL) {
		return bd_fail(diag, BD_SOURCE_UNKNOWN, "source %s has no such feed", plan->source);
	}
	sections = bd_arena_alloc(&change->arena, feed->section_count + 1, sizeof(*sections));
	if (sections == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	for (size_t i = 0; i < feed->section_count; i++) {
		sections[i] = feed->sections[i].name;
	}
	change->entry.feed = feed->name;
	change->entry.feed_number = feed->number;
	change->entry.sections = sections;
	change->entry.section_count = feed->section_count;
	return BD_OK;
}

static enum bd_code recall_rows(struct recall *recall, const struct bd_plan *plan,
	const struct bd_recall_said *said, struct bd_diag *diag)
{
	struct bd_change *change = &recall->change;

	BD_TRY(find_feed(recall, plan, said->feed, diag));
	change->entry.recall.entity = said->entity;
	change->entry.recall.with = said->with;
	change->entry.recall.with_count = said->with_count;
	BD_TRY(bd_change_about(change, &said->subject, diag));
	bd_change_post(change);
	return BD_OK;
}

/* -- the call -- */

static enum bd_code on_question(
	struct bd_change *change, const struct bd_json *body, struct bd_diag *diag)
{
	struct recall *recall = recall_of(change);
	const struct bd_plan *plan = bd_setup_plan(change->call.setup, change->target);
	struct bd_faults faults = { .diag = diag, .arena = &change->arena };
	struct bd_recall_said said;

	if (plan == NULL) {
		return bd_fail(diag, BD_SOURCE_UNKNOWN, "no such source");
	}
	if (!bd_access_has(change->call.sender, BD_SENDER_OPERATOR) &&
		!bd_access_speaks_for(change->call.sender, plan->source)) {
		return bd_fail(diag, BD_AUTH_SOURCE, "%s", plan->source);
	}
	BD_TRY(bd_body_recall(&said, body, change->call.setup->dict, &faults));
	change->kind = BD_TRAIL_RECALL;
	change->entry.kind = BD_ENTRY_RECALL;
	change->entry.source = plan->source;
	change->event.source = bd_bytes_of(plan->source);
	return said.message != 0 ? recall_message(recall, said.message, diag)
				 : recall_rows(recall, plan, &said, diag);
}

static enum bd_code on_written(struct bd_change *change, bool *is_over, struct bd_diag *diag)
{
	struct recall *recall = recall_of(change);
	struct bd_loop *loop = change->call.loop;
	enum bd_code code = BD_OK;

	*is_over = true;
	if (change->entry.is_repeat) {
		code = bd_store_begin(loop->reader, diag);
		if (code == BD_OK) {
			code = bd_store_recalled(&change->entry.recall.recalled, loop->reader,
				change->entry.message, &change->arena, diag);
			bd_store_end(loop->reader);
		}
	} else if (recall->cursor_len > 0) {
		*is_over = false;
		begin_step(recall);
	}
	return code;
}

static enum bd_code write_recalled(
	struct bd_change *change, struct bd_json_writer *w, struct bd_diag *diag)
{
	struct recall *recall = recall_of(change);
	const struct bd_code_info *info = bd_code_info(BD_OK);

	(void)diag;
	change->event.feed = bd_bytes_of(change->entry.feed);
	change->event.message = change->entry.message;
	change->event.accepted = change->entry.recall.recalled;
	bd_call_message_id(recall->id, change->entry.message);
	bd_jw_text(w, "recall", recall->id);
	bd_jw_text(w, "source", change->entry.source);
	bd_jw_text(w, "feed", change->entry.feed);
	if (recall->of[0] != '\0') {
		bd_jw_text(w, "message", recall->of);
	}
	bd_jw_u64(w, "recalled", change->entry.recall.recalled);
	bd_jw_text(w, "code", info->text);
	bd_jw_text(w, "zh", info->zh);
	bd_jw_text(w, "en", info->en);
	return BD_OK;
}

static void release(struct bd_change *change)
{
	struct recall *recall = recall_of(change);

	if (recall->reader != NULL) {
		bd_store_reader_free(recall->reader);
		bd_arena_release(&recall->step);
	}
}

static const struct bd_change_ops ops = { on_question, on_written, write_recalled, release };

void bd_recall_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct recall *recall = calloc(1, sizeof(*recall));

	bd_change_begin(recall == NULL ? NULL : &recall->change, &ops, loop, exchange, sender,
		parts->first);
}
