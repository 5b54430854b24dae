#include "daemon/lookups_parts.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"

#include <stddef.h>
#include <stdlib.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Who asks, and about whom. */
#define ARENA_BYTES 65536

/* -- figures -- */

static void change_row(struct bd_board_row *row, const void *with)
{
	const struct bd_look_note *note = with;

	row->asked += note->asked;
	row->failed += note->failed;
	row->refused += note->refused;
	row->late += note->late;
	row->busy += (uint64_t)(int64_t)note->busy;
	row->waiting += (uint64_t)(int64_t)note->waiting;
	if (note->is_end) {
		/* One that was refused asked nobody. */
		bd_board_row_end(row, note->code, note->asked > 0 && note->failed == 0);
	}
}

void bd_lookups_tell(const struct bd_target *target, const struct bd_look_note *note,
	struct bd_source_board *board)
{
	bd_source_board_change(board, target->board_row, change_row, note);
}

/* -- who waits -- */

/* With the last of its items the look goes home. */
void bd_look_done(struct bd_look_item *item, enum bd_code code)
{
	struct bd_look *look = item->look;

	item->code = code;
	__atomic_store_n(&item->is_done, true, __ATOMIC_RELEASE);
	if (--look->open == 0) {
		bd_mailbox_post(&look->loop->mailbox, &look->letter);
	}
}

static void tell_waiters(struct bd_flight *flight, enum bd_code code)
{
	struct bd_look_item *item = flight->waiters, *next;
	struct bd_look_note note = { .waiting = 0 };

	flight->waiters = NULL;
	for (; item != NULL; item = next) {
		next = item->next;
		note.waiting--;
		bd_look_done(item, code);
	}
	bd_lookups_tell(flight->target, &note, flight->lookups->board);
}

/* -- one request -- */

static void unlink_bucket(struct bd_flight *flight)
{
	struct bd_flight **link = &flight->lookups->buckets[flight->hash % BD_LOOK_UP_BUCKETS];

	while (*link != flight) {
		link = &(*link)->next;
	}
	*link = flight->next;
}

static void flight_free(struct bd_flight *flight)
{
	struct bd_lookups *lookups = flight->lookups;

	if (flight->before != NULL) {
		flight->before->after = flight->after;
	} else {
		lookups->first = flight->after;
	}
	if (flight->after != NULL) {
		flight->after->before = flight->before;
	}
	if (lookups->visited == flight) {
		lookups->visited = flight->after;
	}
	bd_lookups_tell(flight->target, &(struct bd_look_note){ .busy = -1 }, lookups->board);
	bd_arena_release(&flight->arena);
	free(flight);
	bd_lookups_closed_one(lookups);
}

static void on_request_closed(struct bd_asking *asking)
{
	struct bd_request *request = CONTAINER(struct bd_request, asking, asking);
	struct bd_flight *flight = request->flight;

	free(request);
	if (--flight->open == 0) {
		/* libuv closes all of one turn in one go: thousands, when a circuit opens. */
		bd_thread_share();
		flight_free(flight);
	}
}

/* Whoever asks from here on begins anew. */
static void conclude(struct bd_flight *flight, enum bd_code code)
{
	if (flight->is_over) {
		return;
	}
	flight->is_over = true;
	unlink_bucket(flight);
	tell_waiters(flight, code);
	for (size_t i = 0; i < flight->open; i++) {
		bd_asking_close(&flight->requests[i]->asking, on_request_closed);
	}
}

/* The event has who asked, for which case, and what came of it; this adds whom, about whom. */
static void enter(const struct bd_lookups *lookups, const struct bd_target *target,
	const struct bd_identifier *subject, const char *pointer, struct bd_trail_event *event)
{
	struct bd_audit *audit = &lookups->loop->audit;
	struct bd_trail_subject entered = { .pointer = bd_bytes_of(pointer) };
	enum bd_code code =
		bd_audit_subject(entered.digest, audit, subject, lookups->loop->setup->dict);

	event->subjects = &entered;
	event->subject_count = 1;
	event->source = bd_bytes_of(target->access->plan->source);
	event->feed = bd_bytes_of(target->plan->feed->name);
	code = code == BD_OK
		       ? bd_audit_event(audit, BD_TRAIL_LOOK_UP, event, bd_audit_time(audit), NULL)
		       : code;
	code = code == BD_OK ? bd_audit_flush(audit, NULL) : code;
	if (code != BD_OK) {
		bd_log(BD_LOG_ERROR, "sources", "trail", "%s: a look-up is not on the trail",
			target->name);
	}
}

static void enter_flight(const struct bd_flight *flight, enum bd_code code, uint64_t message)
{
	struct bd_trail_event event = { .caller = flight->caller,
		.message = message,
		.code = bd_bytes_of(bd_code_info(code)->text),
		.more = flight->joined };

	enter(flight->lookups, flight->target, &flight->subject, flight->pointer, &event);
}

void bd_lookups_refuse(const struct bd_lookups *lookups, const struct bd_target *target,
	struct bd_look_item *item, enum bd_code code)
{
	struct bd_trail_event event = { .caller = item->look->caller,
		.code = bd_bytes_of(bd_code_info(code)->text) };

	enter(lookups, target, &item->subject, item->pointer, &event);
	bd_lookups_tell(target,
		&(struct bd_look_note){ .refused = 1, .code = code, .is_end = true },
		lookups->board);
	bd_look_done(item, code);
}

/* Was it refused before anybody was asked? */
static bool is_refusal(enum bd_code code)
{
	return code == BD_ASK_CIRCUIT || code == BD_ASK_BUSY || code == BD_ASK_FORM;
}

static bool is_any_open(const struct bd_flight *flight)
{
	bool is_open = false;

	for (size_t i = 0; i < flight->open; i++) {
		is_open = is_open || !flight->requests[i]->is_over;
	}
	return is_open;
}

/* Where two are under way, the first that answers; else the last one. */
static void on_asked(struct bd_asking *asking, const struct bd_asked *asked)
{
	struct bd_request *request = CONTAINER(struct bd_request, asking, asking);
	struct bd_flight *flight = request->flight;
	enum bd_code code = asked->receipt != NULL ? asked->receipt->code : asked->diag.code;
	bool is_answer = code == BD_OK || code == BD_SOURCE_NOT_FOUND;
	struct bd_look_note note = { .asked = !is_refusal(code),
		.failed = !is_answer && !is_refusal(code),
		.refused = is_refusal(code),
		.code = code,
		.is_end = true };

	request->is_over = true;
	if (flight->is_over || (!is_answer && is_any_open(flight))) {
		return;
	}
	enter_flight(flight, code, asked->receipt != NULL ? asked->receipt->message : 0);
	bd_lookups_remember(flight->lookups, flight->hash, code);
	bd_lookups_tell(flight->target, &note, flight->lookups->board);
	conclude(flight, code);
}

static const struct bd_asking_ops asking_ops = { NULL, on_asked };

static void fill_asking(struct bd_asking *asking, const struct bd_flight *flight)
{
	const struct bd_target *target = flight->target;
	const struct bd_form *form = target->plan->form;

	asking->ops = &asking_ops;
	asking->loop = flight->lookups->loop;
	asking->endpoint = target->endpoint;
	asking->form = form;
	asking->values = target->values;
	asking->value_count = target->plan->value_count;
	asking->plan = target->access->plan;
	asking->feed = target->plan->feed;
	asking->sender = &target->sender;
	asking->caller.client = bd_bytes_of(target->name);
	asking->subject = flight->subject;
	asking->delivery.day = INT32_MIN;
	asking->tries = 1;
	asking->how = "LOOKUP";
	asking->given = (struct bd_form_given){ .identifier = flight->subject.number,
		.id_kind = flight->id_kind,
		.field = flight->field,
		.claim = flight->claim,
		.claim_digest = flight->digest,
		.page = form->first_page,
		.since = bd_bytes_of(form->first_since),
		.until_ms = bd_clock_wall_ms() };
}

/* False: no memory. */
static bool make_request(struct bd_flight *flight)
{
	struct bd_request *request = calloc(1, sizeof(*request));

	if (request == NULL) {
		return false;
	}
	request->flight = flight;
	flight->requests[flight->open++] = request;
	fill_asking(&request->asking, flight);
	bd_asking_open(&request->asking);
	bd_asking_ask(&request->asking);
	return true;
}

/* The looks of all who wait may be gone before it is over. */
static bool copy_all(struct bd_flight *flight, const struct bd_look_item *item)
{
	const struct bd_trail_caller *caller = &item->look->caller;
	const struct bd_bytes from[] = { caller->client, caller->purpose, caller->case_id,
		caller->operator_name, caller->trace, item->subject.number, item->subject.issuer,
		bd_bytes_of(item->field), item->claim, bd_bytes_of(item->digest) };
	struct bd_bytes *const to[] = { &flight->caller.client, &flight->caller.purpose,
		&flight->caller.case_id, &flight->caller.operator_name, &flight->caller.trace,
		&flight->subject.number, &flight->subject.issuer, &flight->field, &flight->claim,
		&flight->digest };
	bool is_good = true;

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		*to[i] = bd_arena_copy(&flight->arena, from[i]);
		is_good = is_good && (to[i]->ptr != NULL || from[i].len == 0);
	}
	flight->subject.kind = item->subject.kind;
	flight->pointer = bd_arena_text(&flight->arena, bd_bytes_of(item->pointer));
	flight->id_kind = bd_arena_text(&flight->arena, bd_bytes_of(item->id_kind));
	return is_good && flight->id_kind != NULL && flight->pointer != NULL;
}

static void link_flight(struct bd_flight *flight)
{
	struct bd_lookups *lookups = flight->lookups;
	struct bd_flight **bucket = &lookups->buckets[flight->hash % BD_LOOK_UP_BUCKETS];

	flight->next = *bucket;
	*bucket = flight;
	flight->after = lookups->first;
	if (lookups->first != NULL) {
		lookups->first->before = flight;
	}
	lookups->first = flight;
}

bool bd_flight_start(struct bd_lookups *lookups, struct bd_target *target, uint64_t hash,
	struct bd_look_item *item)
{
	struct bd_flight *flight = calloc(1, sizeof(*flight));

	if (flight == NULL) {
		return false;
	}
	bd_arena_init(&flight->arena, ARENA_BYTES);
	flight->lookups = lookups;
	flight->target = target;
	flight->hash = hash;
	if (!copy_all(flight, item) || !make_request(flight)) {
		bd_arena_release(&flight->arena);
		free(flight);
		return false;
	}
	item->next = NULL;
	flight->waiters = item;
	link_flight(flight);
	bd_lookups_tell(target, &(struct bd_look_note){ .busy = 1, .waiting = 1 }, lookups->board);
	return true;
}

void bd_flight_join(struct bd_flight *flight, struct bd_look_item *item)
{
	item->next = flight->waiters;
	flight->waiters = item;
	flight->joined++;
	bd_lookups_tell(
		flight->target, &(struct bd_look_note){ .waiting = 1 }, flight->lookups->board);
}

/* -- time -- */

/* Cases that have given up. */
static void let_go(struct bd_flight *flight)
{
	struct bd_look_item **link = &flight->waiters;
	struct bd_look_note note = { .waiting = 0 };

	while (*link != NULL) {
		struct bd_look_item *item = *link;

		if (!__atomic_load_n(&item->look->is_abandoned, __ATOMIC_ACQUIRE)) {
			link = &item->next;
			continue;
		}
		*link = item->next;
		note.waiting--;
		note.late++;
		bd_look_done(item, BD_CONNECT_TIMEOUT);
	}
	if (note.late > 0) {
		bd_lookups_tell(flight->target, &note, flight->lookups->board);
	}
}

static void give_up(struct bd_flight *flight)
{
	for (size_t i = 0; i < flight->open && !flight->is_over; i++) {
		bd_asking_give_up(&flight->requests[i]->asking);
	}
}

void bd_flight_look(struct bd_flight *flight, int64_t now_ms)
{
	const struct bd_lookup_plan *plan = flight->target->plan;
	int64_t since_ms;

	if (flight->is_over) {
		return;
	}
	let_go(flight);
	if (flight->asked_ms == 0 && flight->requests[0]->asking.tried > 0) {
		flight->asked_ms = now_ms;
	}
	since_ms = flight->asked_ms != 0 ? now_ms - flight->asked_ms : 0;
	if (flight->waiters == NULL && (flight->asked_ms == 0 || !flight->lookups->is_open)) {
		if (flight->asked_ms != 0) {
			enter_flight(flight, BD_DRAINING, 0);
		}
		conclude(flight, BD_CONNECT_TIMEOUT);
	} else if (since_ms > BD_LOOK_UP_MAX_MS) {
		give_up(flight);
	} else if (plan->hedge_ms != 0 && since_ms >= plan->hedge_ms && flight->open == 1 &&
		   flight->requests[0]->asking.fetch.parts != NULL) {
		make_request(flight);
	}
}
