#include "daemon/question.h"

#include "answer/element.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/look.h"
#include "daemon/sandbox.h"
#include "daemon/share.h"
#include "daemon/uses.h"

#include <stddef.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static enum bd_code find(struct bd_question *question, struct bd_held **out,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted,
	struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = bd_sandbox_find(
		out, question->call->setup, identifiers, count, question->now_ms, arena, diag);
	bool is_sandbox = code == BD_OK && *out != NULL;

	if (code == BD_OK && !is_sandbox) {
		code = bd_store_lookup(
			out, question->call->loop->reader, identifiers, count, wanted, arena, diag);
	}
	if (code == BD_OK && question->kind == BD_QUESTION_COMPARE) {
		code = bd_keep_look(&question->keep, identifiers, count, *out, is_sandbox, arena);
		code = code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
	}
	return code;
}

/* A query looks up whom it asks for before anything else: that is what the trail keeps. */
static enum bd_code lookup(struct bd_answer_source *self, struct bd_held **out,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_question *question = CONTAINER(struct bd_question, source, self);
	enum bd_code code = find(question, out, identifiers, count, wanted, arena, diag);

	if (code == BD_OK && question->kind == BD_QUESTION_QUERY && !question->has_looked &&
		count > 0) {
		question->has_looked = true;
		question->status = (*out)->status;
		question->subject.pointer = bd_bytes_of("/subject");
		code = bd_audit_subject(question->subject.digest, &question->call->loop->audit,
			&identifiers[0], question->call->setup->dict);
		code = code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
		code = code == BD_OK
			       ? bd_share_subject(question->call->setup, question->call->sender,
					 &identifiers[0], question->now_ms, diag)
			       : code;
	}
	return code;
}

/* -- the trail: every answer has its entry -- */

/* "person.name person.birth_date", in the arena. */
static enum bd_code name_disclosed(struct bd_bytes *out, const struct bd_question *question)
{
	const struct bd_dictionary *dict = question->call->setup->dict;
	struct bd_arena *arena = &question->call->loop->arena;
	struct bd_buf text;
	enum bd_code code = BD_OK;

	bd_buf_init(&text, BD_TRAIL_ENTRY_MAX_BYTES / 2);
	for (size_t i = 0; i < question->disclosed.count && code == BD_OK; i++) {
		const struct bd_field *field =
			bd_dictionary_field_number(dict, question->disclosed.fields[i]);

		code = bd_buf_printf(&text, "%s%s.%s", i > 0 ? " " : "",
			bd_dictionary_entity_number(dict, field->entity)->name, field->name);
	}
	*out = bd_arena_copy(arena, bd_buf_bytes(&text));
	code = code == BD_OK && out->ptr == NULL ? bd_arena_code(arena) : code;
	bd_buf_release(&text);
	return code;
}

static enum bd_code enter_query(
	struct bd_question *question, const struct bd_trail_caller *caller, struct bd_diag *diag)
{
	static const char *const names[] = { [BD_HELD_FOUND] = "found",
		[BD_HELD_AMBIGUOUS] = "ambiguous",
		[BD_HELD_NO_SUBJECT] = "no_subject",
		[BD_HELD_WITHHELD] = "withheld" };
	struct bd_trail_event event = { .caller = *caller,
		.subjects = &question->subject,
		.subject_count = question->has_looked ? 1 : 0,
		.status = bd_bytes_of(question->has_looked ? names[question->status] : "") };
	enum bd_code code = name_disclosed(&event.disclosed, question);

	return code == BD_OK ? bd_audit_event(&question->call->loop->audit, BD_TRAIL_QUERY, &event,
				       question->now_ms, diag)
			     : bd_fail(diag, code, "%s", "");
}

static enum bd_code enter(struct bd_question *question, struct bd_bytes json,
	const struct bd_compared *compared, struct bd_diag *diag)
{
	const struct bd_setup *setup = question->call->setup;
	struct bd_loop *loop = question->call->loop;
	struct bd_trail_caller caller;
	enum bd_code code = bd_audit_caller(&caller, &loop->audit, question->call->exchange,
		question->call->sender->name, &loop->arena);

	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	if (question->kind == BD_QUESTION_QUERY) {
		return enter_query(question, &caller, diag);
	}
	question->keep.reader = loop->reader;
	question->keep.question = json;
	question->keep.commit = bd_store_reader_commit(loop->reader);
	question->keep.is_sandbox = setup->sandbox.len > 0;
	return bd_audit_compare(&loop->audit, &caller, &question->keep, compared, question->now_ms,
		setup->dict, &loop->arena, diag);
}

/* A line that is refused has an entry too; a single question has it from its problem. */
enum bd_code bd_question_refuse(struct bd_question *question, enum bd_code refusal)
{
	struct bd_loop *loop = question->call->loop;
	struct bd_trail_caller caller;
	enum bd_code code = bd_audit_caller(&caller, &loop->audit, question->call->exchange,
		question->call->sender->name, &loop->arena);

	return code == BD_OK
		       ? bd_audit_refusal(&loop->audit, &caller, refusal, "POST",
				 question->kind == BD_QUESTION_COMPARE ? "/v1/compare"
								       : "/v1/identities/query")
		       : code;
}

/* Once a day, with the feeds that are the reason; nothing of whom it was asked. */
static void count_withheld(struct bd_loop *loop, const struct bd_compared *compared, int32_t day)
{
	size_t count = 0;

	for (size_t i = 0; i < compared->finding_count; i++) {
		const struct bd_finding *finding = &compared->findings[i];

		count += finding->code == BD_FINDING_WITHHELD &&
			 strcmp(finding->reason, BD_REASON_USE_EXPIRED) == 0;
	}
	bd_count(&loop->counts.elements_withheld, count);
	if (count > 0 && loop->withheld_day != day) {
		loop->withheld_day = day;
		bd_log(BD_LOG_WARNING, "catalogue", "withheld",
			"elements of cases are withheld: see withheld_feeds of the state");
		bd_uses_log(loop->setup, day);
	}
}

/* What was asked for it, as the answer and its receipt tell it. */
static enum bd_code tell_looked(struct bd_question *question, struct bd_answer_context *context,
	const struct bd_look *look, struct bd_arena *arena)
{
	struct bd_looked_up *told = bd_arena_alloc(arena, look->count, sizeof(*told));

	if (told == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < look->count; i++) {
		const struct bd_look_item *item = &look->items[i];

		told[i] = (struct bd_looked_up){ item->source, item->feed, item->pointer,
			bd_look_code(item) };
	}
	context->looked_up = told;
	context->looked_up_count = look->count;
	question->keep.looked_up = told;
	question->keep.looked_up_count = look->count;
	return BD_OK;
}

/* Compared in this snapshot; or put off. */
static enum bd_code compare(struct bd_question *question, struct bd_compared *compared,
	struct bd_bytes json, struct bd_answer_context *context, struct bd_diag *diag)
{
	const struct bd_setup *setup = question->call->setup;
	struct bd_loop *loop = question->call->loop;
	size_t before = question->out->len;
	enum bd_code code = BD_OK;

	if (question->looked != NULL) {
		code = tell_looked(question, context, question->looked, &loop->arena);
		code = code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
	} else {
		bd_count(&loop->counts.compares, 1);
	}
	code = code == BD_OK
		       ? bd_compare(question->out, compared, json, context, &loop->arena, diag)
		       : code;
	if (code == BD_OK && question->looked == NULL) {
		code = bd_share_case(
			setup, question->call->sender, compared->asked, question->now_ms, diag);
	}
	if (code == BD_OK && question->may_look) {
		code = bd_look_plan(&question->look, question, compared, diag);
	}
	if (code == BD_OK && question->look == NULL) {
		count_withheld(loop, compared, question->asker.day);
	} else if (code == BD_OK) {
		question->out->len = before;
	}
	return code;
}

enum bd_code bd_question_answer(char receipt[BD_TRAIL_ID_TEXT_BYTES], struct bd_question *question,
	struct bd_bytes json, struct bd_diag *diag)
{
	const struct bd_setup *setup = question->call->setup;
	struct bd_loop *loop = question->call->loop;
	struct bd_answer_context context = {
		.dict = setup->dict,
		.matters = setup->matters,
		.matter_count = setup->matter_count,
		.calendar = setup->calendar,
		.closings = setup->closings,
		.closing_count = setup->closing_count,
		.source = &question->source,
		.is_sandbox = setup->sandbox.len > 0,
		.sources = setup->source_names,
		.source_count = setup->plan_count,
		.uses = setup->section_uses,
		.use_count = setup->section_use_count,
		.asker = &question->asker,
		.explains = question->explains,
		.disclosed = &question->disclosed,
	};
	struct bd_compared compared;
	enum bd_code code = bd_audit_next(receipt, &loop->audit, diag);

	code = code == BD_OK ? bd_store_begin(loop->reader, diag) : code;
	if (code != BD_OK) {
		return code;
	}
	question->now_ms = bd_audit_time(&loop->audit);
	question->has_looked = false;
	question->look = NULL;
	question->disclosed.count = 0;
	bd_keep_clear(&question->keep);
	question->asker.day = bd_day_at(question->now_ms);
	context.now_ms = question->now_ms;
	context.receipt = receipt;
	bd_arena_clear(&loop->arena);
	if (question->kind == BD_QUESTION_COMPARE) {
		code = compare(question, &compared, json, &context, diag);
	} else {
		bd_count(&loop->counts.queries, 1);
		code = bd_query(question->out, json, &context, &loop->arena, diag);
	}
	code = code == BD_OK && question->look == NULL ? enter(question, json, &compared, diag)
						       : code;
	bd_store_end(loop->reader);
	return code;
}

enum bd_code bd_question_repeat(
	struct bd_question *question, struct bd_bytes receipt, struct bd_diag *diag)
{
	struct bd_loop *loop = question->call->loop;
	struct bd_trail_event event = { .of = receipt };
	enum bd_code code = bd_audit_caller(&event.caller, &loop->audit, question->call->exchange,
		question->call->sender->name, &loop->arena);

	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	code = bd_audit_event(
		&loop->audit, BD_TRAIL_REPEAT, &event, bd_audit_time(&loop->audit), diag);
	return code == BD_OK ? bd_audit_flush(&loop->audit, diag) : code;
}

void bd_question_open(struct bd_question *question, struct bd_call *call,
	enum bd_question_kind kind, bool explains)
{
	*question = (struct bd_question){ .source = { lookup },
		.call = call,
		.kind = kind,
		.explains = explains,
		.out = &call->loop->answer };
	/* The day is that of each answer. */
	bd_asker_of(&question->asker, call->setup, call->sender, call->exchange, 0);
}
