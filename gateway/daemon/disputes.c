/* disputes.c - disputes 异议: raised by whoever asks about a subject, answered by the source.
 *
 * POST /v1/disputes marks what a source says of one subject as disputed and asks the source to look
 * again (校核), within so many working days; GET lists what is open; POST /v1/disputes/{id}/resolve
 * says what came of it. Whom a dispute is about is told to the source and to whoever raised it.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/try.h"
#include "daemon/body.h"
#include "daemon/change.h"
#include "daemon/routes.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define PAGE 1000
#define PAGE_MAX_BYTES 8388608
/* The calendar does not have the year in which it would be due. */
#define NEVER_DUE INT32_MAX

/* -- one dispute, shown -- */

static bool may_see(const struct bd_sender *sender, const struct bd_dispute *dispute)
{
	return strcmp(sender->name, dispute->sender) == 0 ||
	       bd_access_speaks_for(sender, dispute->source);
}

static void write_subject(struct bd_json_writer *w, const struct bd_identifier *subject,
	const struct bd_dictionary *dict)
{
	const struct bd_id_kind *kind = bd_dictionary_id_kind_number(dict, subject->kind);

	bd_jw_object(w, "subject");
	bd_jw_text(w, "kind", kind != NULL ? kind->name : "");
	bd_jw_bytes(w, "number", subject->number);
	bd_jw_object_end(w);
}

static void write_reason(struct bd_json_writer *w, const char *name)
{
	const struct bd_dispute_reason *reason = bd_dispute_reason(name);

	bd_jw_text(w, "reason", name);
	bd_jw_text(w, "reason_zh", reason != NULL ? reason->zh : "");
	bd_jw_text(w, "reason_en", reason != NULL ? reason->en : "");
}

static void write_due(struct bd_json_writer *w, const struct bd_dispute *dispute, int64_t now_ms)
{
	char day[11];

	if (dispute->due_day == NEVER_DUE) {
		bd_jw_null(w, "due");
	} else {
		bd_day_format(day, dispute->due_day);
		bd_jw_text(w, "due", day);
	}
	bd_jw_bool(w, "overdue",
		dispute->state == BD_DISPUTE_OPEN && bd_day_at(now_ms) > dispute->due_day);
}

/* How it ended; nobody closed what was over by itself. */
static void write_end(struct bd_json_writer *w, const struct bd_dispute *dispute)
{
	if (dispute->state == BD_DISPUTE_OPEN) {
		return;
	}
	bd_jw_time(w, "closed", dispute->closed_ms);
	if (dispute->closed_by[0] != '\0') {
		bd_jw_text(w, "closed_by", dispute->closed_by);
	} else {
		bd_jw_null(w, "closed_by");
	}
	if (dispute->closed_reference[0] != '\0') {
		bd_jw_text(w, "closed_reference", dispute->closed_reference);
	}
}

static void write_dispute(struct bd_json_writer *w, const struct bd_dispute *dispute,
	const struct bd_sender *sender, const struct bd_dictionary *dict, int64_t now_ms)
{
	static const char *const states[] = { [BD_DISPUTE_OPEN] = "open",
		[BD_DISPUTE_UPHELD] = "upheld",
		[BD_DISPUTE_CORRECTED] = "corrected" };
	const struct bd_entity *entity = bd_dictionary_entity_number(dict, dispute->entity);
	const struct bd_field *field = bd_dictionary_field_number(dict, dispute->field);
	char id[24];

	bd_call_message_id(id, dispute->id);
	bd_jw_text(w, "dispute", id);
	bd_jw_text(w, "state", states[dispute->state]);
	if (may_see(sender, dispute)) {
		write_subject(w, &dispute->subject, dict);
	}
	bd_jw_text(w, "source", dispute->source);
	bd_jw_text(w, "entity", entity != NULL ? entity->name : "");
	if (field != NULL) {
		bd_jw_text(w, "field", field->name);
	}
	bd_jw_text(w, "label_zh",
		field != NULL    ? field->label_zh
		: entity != NULL ? entity->label_zh
				 : "");
	write_reason(w, dispute->reason);
	if (dispute->reference[0] != '\0') {
		bd_jw_text(w, "reference", dispute->reference);
	}
	bd_jw_text(w, "raised_by", dispute->sender);
	bd_jw_time(w, "raised", dispute->opened_ms);
	write_due(w, dispute, now_ms);
	write_end(w, dispute);
}

/* -- raised and resolved -- */

struct question {
	struct bd_change change;
	uint64_t id; /* of the dispute */
};

/* A dispute is never refused for want of a calendar: then it has no day, and is shown last. */
static int32_t due_day(const struct bd_change *change)
{
	const struct bd_setup *setup = change->call.setup;
	struct bd_diag diag = { .code = BD_OK };
	int32_t day = NEVER_DUE;

	if (bd_workday_add(&day, setup->calendar, bd_day_at(change->entry.received_ms),
		    (int64_t)setup->settings->dispute_days, &diag) != BD_OK) {
		bd_log_diag(BD_LOG_WARNING, "disputes", "due", &diag);
		return NEVER_DUE;
	}
	return day;
}

/* A source that there is, and that this sender may dispute. */
static enum bd_code check_source(struct bd_change *change, struct bd_diag *diag)
{
	const struct bd_sender *sender = change->call.sender;
	const struct bd_plan *plan =
		bd_setup_plan(change->call.setup, bd_bytes_of(change->entry.dispute.source));

	if (plan == NULL) {
		return bd_fail(diag, BD_SOURCE_UNKNOWN, "no such source");
	}
	change->entry.source = plan->source;
	return bd_access_has(sender, BD_SENDER_ENGINE) ||
			       bd_access_has(sender, BD_SENDER_OPERATOR) ||
			       bd_access_speaks_for(sender, plan->source)
		       ? BD_OK
		       : bd_fail(diag, BD_AUTH_SOURCE, "%s", plan->source);
}

static enum bd_code on_dispute(
	struct bd_change *change, const struct bd_json *body, struct bd_diag *diag)
{
	struct bd_dispute *dispute = &change->entry.dispute;
	struct bd_faults faults = { .diag = diag, .arena = &change->arena };

	change->kind = BD_TRAIL_DISPUTE;
	change->entry.kind = BD_ENTRY_DISPUTE;
	BD_TRY(bd_body_dispute(dispute, body, change->call.setup->dict, &faults));
	BD_TRY(check_source(change, diag));
	BD_TRY(bd_change_about(change, &dispute->subject, diag));
	dispute->due_day = due_day(change);
	bd_change_post(change);
	return BD_OK;
}

static enum bd_code on_dispute_written(
	struct bd_change *change, bool *is_over, struct bd_diag *diag)
{
	(void)diag;
	*is_over = true;
	CONTAINER(struct question, change, change)->id = change->entry.message;
	return BD_OK;
}

static enum bd_code on_resolve_written(
	struct bd_change *change, bool *is_over, struct bd_diag *diag)
{
	(void)change;
	(void)diag;
	*is_over = true;
	return BD_OK;
}

static enum bd_code load(struct bd_dispute *out, struct bd_loop *loop, uint64_t id,
	struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = bd_store_begin(loop->reader, diag);

	if (code == BD_OK) {
		code = bd_store_dispute(out, loop->reader, id, arena, diag);
		bd_store_end(loop->reader);
	}
	return code;
}

static const char *status_of(enum bd_dispute_state state)
{
	static const char *const names[] = { [BD_DISPUTE_OPEN] = "raised",
		[BD_DISPUTE_UPHELD] = "upheld",
		[BD_DISPUTE_CORRECTED] = "corrected" };

	return names[state];
}

static enum bd_code write_current(
	struct bd_change *change, struct bd_json_writer *w, struct bd_diag *diag)
{
	const struct question *question = CONTAINER(struct question, change, change);
	struct bd_trail_event *event = &change->event;
	struct bd_dispute dispute;
	enum bd_code code = load(&dispute, change->call.loop, question->id, &change->arena, diag);

	if (code != BD_OK) {
		return code;
	}
	event->source = bd_bytes_of(dispute.source);
	event->message = dispute.id;
	event->code = bd_bytes_of(dispute.reason);
	event->status = bd_bytes_of(status_of(dispute.state));
	write_dispute(w, &dispute, change->call.sender, change->call.setup->dict,
		bd_audit_time(&change->call.loop->audit));
	return BD_OK;
}

static const struct bd_change_ops dispute_ops = { on_dispute, on_dispute_written, write_current,
	NULL };

static bool read_id(uint64_t *out, struct bd_bytes text)
{
	uint64_t number = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || i >= 18) {
			return false;
		}
		number = number * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	*out = number;
	return text.len > 0;
}

/* Whose it is to answer, or the operator for it. */
static enum bd_code check_right(
	const struct bd_sender *sender, const struct bd_dispute *dispute, struct bd_diag *diag)
{
	if (bd_access_speaks_for(sender, dispute->source) ||
		bd_access_has(sender, BD_SENDER_OPERATOR)) {
		return BD_OK;
	}
	return strcmp(sender->name, dispute->sender) == 0
		       ? bd_fail(diag, BD_AUTH_SOURCE, "%s", dispute->source)
		       : bd_fail(diag, BD_DISPUTE_UNKNOWN, "%s", "");
}

static enum bd_code on_resolve(
	struct bd_change *change, const struct bd_json *body, struct bd_diag *diag)
{
	struct question *question = CONTAINER(struct question, change, change);
	struct bd_resolution *resolution = &change->entry.resolution;
	struct bd_faults faults = { .diag = diag, .arena = &change->arena };
	struct bd_dispute dispute;
	enum bd_code code;

	change->kind = BD_TRAIL_DISPUTE;
	change->entry.kind = BD_ENTRY_RESOLUTION;
	code = bd_body_resolution(resolution, body, &faults);
	if (code == BD_OK && !read_id(&question->id, change->target)) {
		code = bd_fail(diag, BD_DISPUTE_UNKNOWN, "%s", "");
	}
	code = code == BD_OK ? load(&dispute, change->call.loop, question->id, &change->arena, diag)
			     : code;
	code = code == BD_OK ? check_right(change->call.sender, &dispute, diag) : code;
	if (code == BD_OK) {
		resolution->dispute = question->id;
		change->entry.source = dispute.source;
		bd_change_post(change);
	}
	return code;
}

static const struct bd_change_ops resolve_ops = { on_resolve, on_resolve_written, write_current,
	NULL };

static void begin(const struct bd_change_ops *ops, int status, struct bd_loop *loop,
	struct bd_http_exchange *exchange, const struct bd_sender *sender, struct bd_bytes target)
{
	struct question *question = calloc(1, sizeof(*question));

	if (question != NULL) {
		question->change.status = status;
	}
	bd_change_begin(
		question == NULL ? NULL : &question->change, ops, loop, exchange, sender, target);
}

void bd_dispute_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)parts;
	begin(&dispute_ops, 201, loop, exchange, sender, bd_bytes_of("disputes"));
}

void bd_resolve_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	begin(&resolve_ops, 200, loop, exchange, sender, parts->first);
}

/* -- listed -- */

static void refuse(
	struct bd_loop *loop, struct bd_http_exchange *exchange, const struct bd_diag *diag)
{
	bd_count(&loop->counts.refused, 1);
	bd_problem_respond(exchange, diag, NULL);
}

struct listing {
	struct bd_loop *loop;
	struct bd_http_exchange *exchange;
	const struct bd_sender *sender;
	struct bd_arena arena;
	struct bd_buf body;
	char source[65];
	struct bd_dispute_query query;
	char link[256]; /* RFC 8288; "" = the last page */
};

/* Who was looked at, whom the answer names. */
static enum bd_code enter(
	struct listing *listing, const struct bd_dispute *items, size_t count, struct bd_diag *diag)
{
	struct bd_audit *audit = &listing->loop->audit;
	struct bd_trail_subject *subjects =
		bd_arena_alloc(&listing->arena, count + 1, sizeof(*subjects));
	struct bd_trail_event event = { .subjects = subjects,
		.status = bd_bytes_of("shown"),
		.source = bd_bytes_of(listing->source) };
	enum bd_code code = subjects != NULL
				    ? bd_audit_caller(&event.caller, audit, listing->exchange,
					      listing->sender->name, &listing->arena)
				    : bd_arena_code(&listing->arena);

	for (size_t i = 0; i < count && code == BD_OK; i++) {
		if (may_see(listing->sender, &items[i])) {
			struct bd_trail_subject *one = &subjects[event.subject_count++];

			one->pointer = bd_bytes_of("/disputes");
			code = bd_audit_subject(
				one->digest, audit, &items[i].subject, listing->loop->setup->dict);
		}
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	code = bd_audit_event(audit, BD_TRAIL_DISPUTE, &event, bd_audit_time(audit), diag);
	return code == BD_OK ? bd_audit_flush(audit, diag) : code;
}

static const char *list_of(const struct listing *listing)
{
	return listing->query.sender != NULL ? "disputes.own" : "disputes";
}

static enum bd_code write_next(struct listing *listing, struct bd_json_writer *w,
	const struct bd_dispute_page *page, struct bd_diag *diag)
{
	const struct bd_cursor cursor = { { (uint32_t)page->next_day, page->next_id, 0 } };
	char next[BD_CURSOR_TEXT_BYTES];
	enum bd_code code = bd_cursor_write(next, &cursor, listing->loop->daemon->cursor_key,
		listing->sender->name, list_of(listing), listing->source);

	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	bd_jw_text(w, "next", next);
	snprintf(listing->link, sizeof(listing->link),
		"</v1/disputes?%s%s%scursor=%s>; rel=\"next\"",
		listing->source[0] != '\0' ? "source=" : "", listing->source,
		listing->source[0] != '\0' ? "&" : "", next);
	return BD_OK;
}

static enum bd_code write_page(struct listing *listing, struct bd_diag *diag)
{
	struct bd_store_reader *reader = listing->loop->reader;
	struct bd_dispute_page page = { .items = NULL };
	struct bd_json_writer w;
	enum bd_code code = bd_store_begin(reader, diag);

	if (code == BD_OK) {
		code = bd_store_disputes(&page, reader, &listing->query, &listing->arena, diag);
		bd_store_end(reader);
	}
	if (code != BD_OK) {
		return code;
	}
	bd_jw_init(&w, &listing->body);
	bd_jw_object(&w, NULL);
	bd_jw_array(&w, "disputes");
	for (size_t i = 0; i < page.count; i++) {
		bd_jw_object(&w, NULL);
		write_dispute(&w, &page.items[i], listing->sender, listing->loop->setup->dict,
			bd_audit_time(&listing->loop->audit));
		bd_jw_object_end(&w);
	}
	bd_jw_array_end(&w);
	code = page.has_more ? write_next(listing, &w, &page, diag) : BD_OK;
	bd_jw_object_end(&w);
	code = code == BD_OK && w.code != BD_OK ? bd_fail(diag, w.code, "%s", "") : code;
	return code == BD_OK ? enter(listing, page.items, page.count, diag) : code;
}

static void respond(struct listing *listing)
{
	const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" },
		{ listing->link[0] != '\0' ? "Link" : NULL, listing->link }, { NULL, NULL } };

	bd_http_respond(listing->exchange, 200, headers, bd_buf_bytes(&listing->body));
}

/* Goes into a header as it is. */
static bool is_name(const char *text)
{
	return text[0] != '\0' &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

/* An operator sees all, a department those of its sources, an engine those that it raised. */
static enum bd_code choose(struct listing *listing, struct bd_diag *diag)
{
	const struct bd_sender *sender = listing->sender;
	bool has_source = listing->source[0] != '\0';

	listing->query.source = has_source ? listing->source : NULL;
	if (bd_access_has(sender, BD_SENDER_OPERATOR) ||
		(has_source && bd_access_speaks_for(sender, listing->source))) {
		return BD_OK;
	}
	if (bd_access_has(sender, BD_SENDER_ENGINE)) {
		listing->query.sender = sender->name;
		return BD_OK;
	}
	return has_source ? bd_fail(diag, BD_AUTH_SOURCE, "%s", "")
			  : bd_fail(diag, BD_QUESTION_FORM, "source is the name of one, once");
}

static enum bd_code read_listing(struct listing *listing, struct bd_diag *diag)
{
	struct bd_bytes query = bd_http_query(listing->exchange);
	char text[BD_CURSOR_TEXT_BYTES] = "";
	struct bd_cursor cursor;
	enum bd_code code;

	listing->query = (struct bd_dispute_query){ .day = INT32_MIN, .max = PAGE };
	if (bd_call_parameter(listing->source, sizeof(listing->source), &code, query, "source") &&
		!is_name(listing->source)) {
		code = BD_QUESTION_FORM;
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "source is the name of one, once");
	}
	code = choose(listing, diag);
	if (code != BD_OK) {
		return code;
	}
	if (!bd_call_parameter(text, sizeof(text), &code, query, "cursor")) {
		return code == BD_OK ? BD_OK : bd_fail(diag, BD_CURSOR_INVALID, "%s", "");
	}
	code = bd_cursor_read(&cursor, text, listing->loop->daemon->cursor_key,
		listing->sender->name, list_of(listing), listing->source);
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	listing->query.day = (int32_t)(uint32_t)cursor.numbers[0];
	listing->query.id = cursor.numbers[1];
	return BD_OK;
}

static void listing_open(struct listing *listing, struct bd_loop *loop,
	struct bd_http_exchange *exchange, const struct bd_sender *sender)
{
	*listing = (struct listing){ .loop = loop, .exchange = exchange, .sender = sender };
	bd_arena_init(&listing->arena, BD_REQUEST_ARENA_MAX_BYTES * 2);
	bd_buf_init(&listing->body, PAGE_MAX_BYTES);
}

static void listing_close(struct listing *listing)
{
	bd_buf_release(&listing->body);
	bd_arena_release(&listing->arena);
}

void bd_disputes_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_diag diag = { .code = BD_OK };
	struct listing listing;
	enum bd_code code;

	(void)parts;
	listing_open(&listing, loop, exchange, sender);
	code = read_listing(&listing, &diag);
	code = code == BD_OK ? write_page(&listing, &diag) : code;
	if (code == BD_OK) {
		respond(&listing);
	} else {
		diag.code = code;
		refuse(loop, exchange, &diag);
	}
	listing_close(&listing);
}

/* -- one, by its number -- */

static enum bd_code write_one(struct listing *listing, struct bd_bytes id, struct bd_diag *diag)
{
	const struct bd_sender *sender = listing->sender;
	struct bd_dispute dispute;
	struct bd_json_writer w;
	uint64_t number = 0;
	enum bd_code code =
		read_id(&number, id) ? BD_OK : bd_fail(diag, BD_DISPUTE_UNKNOWN, "%s", "");

	code = code == BD_OK ? load(&dispute, listing->loop, number, &listing->arena, diag) : code;
	if (code == BD_OK && !may_see(sender, &dispute) &&
		!bd_access_has(sender, BD_SENDER_OPERATOR)) {
		code = bd_fail(diag, BD_DISPUTE_UNKNOWN, "%s", "");
	}
	if (code != BD_OK) {
		return code;
	}
	snprintf(listing->source, sizeof(listing->source), "%s", dispute.source);
	bd_jw_init(&w, &listing->body);
	bd_jw_object(&w, NULL);
	write_dispute(&w, &dispute, sender, listing->loop->setup->dict,
		bd_audit_time(&listing->loop->audit));
	bd_jw_object_end(&w);
	return w.code == BD_OK ? enter(listing, &dispute, 1, diag)
			       : bd_fail(diag, w.code, "%s", "");
}

void bd_dispute_show_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_diag diag = { .code = BD_OK };
	struct listing listing;
	enum bd_code code;

	listing_open(&listing, loop, exchange, sender);
	code = write_one(&listing, parts->first, &diag);
	if (code == BD_OK) {
		respond(&listing);
	} else {
		diag.code = code;
		refuse(loop, exchange, &diag);
	}
	listing_close(&listing);
}
