#include "daemon/lookups.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/siphash.h"
#include "daemon/asking.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* How exactly spans are kept: a case that has given up is noticed so much later, and by nobody. */
#define SWEEP_MS 25
/* Powers of two. Buckets of what is under way; what was answered a moment ago. */
#define BUCKETS 4096
#define REMEMBERED 65536
/* Who asks, and about whom. */
#define FLIGHT_ARENA_BYTES 65536

/* A look-up of the sources file at work. */
struct target {
	const struct bd_source_access *access;
	const struct bd_lookup_plan *plan;
	struct bd_endpoint_run *endpoint; /* a reference; NULL = it does not work */
	struct bd_form_value *values;
	char name[128];
	struct bd_sender sender;
	const char *sources[1];
	size_t board_row;
};

/* One subject that is asked about at one feed. */
struct flight {
	struct flight *next; /* of the bucket */
	struct flight *before, *after;
	struct bd_lookups *lookups;
	struct target *target;
	uint64_t hash;
	struct bd_identifier subject;
	struct bd_trail_caller caller; /* the first who asked, and of whom in its case */
	const char *pointer;
	struct bd_look_item *waiters;
	uint64_t joined;  /* others who asked meanwhile */
	int64_t asked_ms; /* monotonic; 0 = not yet */
	bool is_over;     /* the waiters know */
	struct bd_asking asking;
	struct bd_arena arena;
};

/* That a source has answered: 64 bits of a keyed hash stand for the subject, so that one in some
 * billions is not asked about for a minute. */
struct memory {
	uint64_t hash;
	int64_t at_ms; /* monotonic; 0 = free */
	bool is_none;
};

struct bd_lookups {
	struct bd_loop *loop;
	struct target *targets;
	size_t target_count;
	struct bd_source_board *board;
	struct bd_siphash_key key;
	struct flight *buckets[BUCKETS];
	struct flight *first;
	size_t count;
	struct memory *memories;
	struct bd_look *parked; /* the last one first */
	uv_timer_t timer;
	bool is_open, is_draining;
	void (*on_closed)(void *state);
	void *closed_state;
};

/* -- figures -- */

struct note {
	uint64_t asked, failed, refused, late;
	int busy, waiting; /* more or fewer */
	enum bd_code code;
	bool is_end;
};

static void change_row(struct bd_board_row *row, const void *with)
{
	const struct note *note = with;

	row->asked += note->asked;
	row->failed += note->failed;
	row->refused += note->refused;
	row->late += note->late;
	row->busy += (uint64_t)(int64_t)note->busy;
	row->waiting += (uint64_t)(int64_t)note->waiting;
	if (note->is_end) {
		row->last = note->code;
		row->last_ms = bd_clock_wall_ms();
		row->good_ms = note->failed == 0 ? row->last_ms : row->good_ms;
	}
}

static void tell(
	const struct target *target, const struct note *note, struct bd_source_board *board)
{
	bd_source_board_change(board, target->board_row, change_row, note);
}

/* -- who waits -- */

/* With the last of its items the look goes home. */
static void done(struct bd_look_item *item, enum bd_code code)
{
	struct bd_look *look = item->look;

	item->code = code;
	__atomic_store_n(&item->is_done, true, __ATOMIC_RELEASE);
	if (--look->open == 0) {
		bd_mailbox_post(&look->loop->mailbox, &look->letter);
	}
}

static void done_all(struct bd_look *look, enum bd_code code)
{
	size_t count = look->count;

	for (size_t i = 0; i < count; i++) {
		done(&look->items[i], code);
	}
}

static void tell_waiters(struct flight *flight, enum bd_code code)
{
	struct bd_look_item *item = flight->waiters, *next;
	struct note note = { .waiting = 0 };

	flight->waiters = NULL;
	for (; item != NULL; item = next) {
		next = item->next;
		note.waiting--;
		done(item, code);
	}
	tell(flight->target, &note, flight->lookups->board);
}

/* -- what is remembered -- */

static struct memory *memory_of(const struct bd_lookups *lookups, uint64_t hash)
{
	return &lookups->memories[hash % REMEMBERED];
}

/* BD_OK or BD_SOURCE_NOT_FOUND as it was answered; false: it is to be asked. */
static bool remembers(enum bd_code *code, const struct bd_lookups *lookups, uint64_t hash,
	const struct target *target, const struct bd_look_item *item)
{
	const struct memory *memory = memory_of(lookups, hash);
	uint64_t age_ms = (uint64_t)(bd_clock_monotonic_ms() - memory->at_ms);

	if (memory->at_ms == 0 || memory->hash != hash || age_ms > target->plan->remember_none_ms ||
		(!memory->is_none && age_ms > item->max_age_ms)) {
		return false;
	}
	*code = memory->is_none ? BD_SOURCE_NOT_FOUND : BD_OK;
	return true;
}

static void remember(struct bd_lookups *lookups, uint64_t hash, enum bd_code code)
{
	if (code == BD_OK || code == BD_SOURCE_NOT_FOUND) {
		*memory_of(lookups, hash) = (struct memory){ hash, bd_clock_monotonic_ms(),
			code == BD_SOURCE_NOT_FOUND };
	}
}

/* -- one request -- */

static void unlink_bucket(struct flight *flight)
{
	struct flight **link = &flight->lookups->buckets[flight->hash % BUCKETS];

	while (*link != flight) {
		link = &(*link)->next;
	}
	*link = flight->next;
}

static void maybe_closed(struct bd_lookups *lookups);
static void enter(const struct flight *flight, enum bd_code code, uint64_t message);

static void on_asking_closed(struct bd_asking *asking)
{
	struct flight *flight = CONTAINER(struct flight, asking, asking);
	struct bd_lookups *lookups = flight->lookups;

	if (flight->before != NULL) {
		flight->before->after = flight->after;
	} else {
		lookups->first = flight->after;
	}
	if (flight->after != NULL) {
		flight->after->before = flight->before;
	}
	lookups->count--;
	tell(flight->target, &(struct note){ .busy = -1 }, lookups->board);
	bd_arena_release(&flight->arena);
	free(flight);
	maybe_closed(lookups);
}

/* Whoever asks from here on begins anew. */
static void conclude(struct flight *flight, enum bd_code code)
{
	if (flight->is_over) {
		return;
	}
	flight->is_over = true;
	unlink_bucket(flight);
	tell_waiters(flight, code);
	bd_asking_close(&flight->asking, on_asking_closed);
}

/* Who asked whom about whom, for which case, and what came of it. */
static void enter(const struct flight *flight, enum bd_code code, uint64_t message)
{
	struct bd_loop *loop = flight->lookups->loop;
	struct bd_trail_subject subject = { .pointer = bd_bytes_of(flight->pointer) };
	struct bd_trail_event event = { .caller = flight->caller,
		.subjects = &subject,
		.subject_count = 1,
		.source = bd_bytes_of(flight->target->access->plan->source),
		.feed = bd_bytes_of(flight->target->plan->feed->name),
		.message = message,
		.code = bd_bytes_of(bd_code_info(code)->text),
		.more = flight->joined };
	enum bd_code result = bd_audit_subject(
		subject.digest, &loop->audit, &flight->subject, flight->lookups->loop->setup->dict);

	result = result == BD_OK ? bd_audit_event(&loop->audit, BD_TRAIL_LOOK_UP, &event,
					   bd_audit_time(&loop->audit), NULL)
				 : result;
	result = result == BD_OK ? bd_audit_flush(&loop->audit, NULL) : result;
	if (result != BD_OK) {
		bd_log(BD_LOG_ERROR, "sources", "trail", "%s: a look-up is not on the trail",
			flight->target->name);
	}
}

/* Was it refused before anybody was asked? */
static bool is_refusal(enum bd_code code)
{
	return code == BD_ASK_CIRCUIT || code == BD_ASK_BUSY || code == BD_ASK_FORM;
}

static void on_asked(struct bd_asking *asking, const struct bd_asked *asked)
{
	struct flight *flight = CONTAINER(struct flight, asking, asking);
	enum bd_code code = asked->receipt != NULL ? asked->receipt->code : asked->diag.code;
	bool is_answer = code == BD_OK || code == BD_SOURCE_NOT_FOUND;
	struct note note = { .asked = !is_refusal(code),
		.failed = !is_answer && !is_refusal(code),
		.refused = is_refusal(code),
		.code = code,
		.is_end = true };

	enter(flight, code, asked->receipt != NULL ? asked->receipt->message : 0);
	remember(flight->lookups, flight->hash, code);
	tell(flight->target, &note, flight->lookups->board);
	conclude(flight, code);
}

static const struct bd_asking_ops asking_ops = { NULL, on_asked };

static void fill_asking(struct flight *flight, const char *id_kind)
{
	struct bd_asking *asking = &flight->asking;
	const struct target *target = flight->target;
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
		.id_kind = id_kind,
		.page = form->first_page,
		.since = bd_bytes_of(form->first_since),
		.until_ms = bd_clock_wall_ms() };
}

/* The looks of all who wait may be gone before it is over. */
static bool copy_all(struct flight *flight, const char **id_kind, const struct bd_look_item *item)
{
	const struct bd_trail_caller *caller = &item->look->caller;
	const struct bd_bytes from[] = { caller->client, caller->purpose, caller->case_id,
		caller->operator_name, caller->trace, item->subject.number, item->subject.issuer };
	struct bd_bytes *const to[] = { &flight->caller.client, &flight->caller.purpose,
		&flight->caller.case_id, &flight->caller.operator_name, &flight->caller.trace,
		&flight->subject.number, &flight->subject.issuer };
	bool is_good = true;

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		*to[i] = bd_arena_copy(&flight->arena, from[i]);
		is_good = is_good && (to[i]->ptr != NULL || from[i].len == 0);
	}
	flight->subject.kind = item->subject.kind;
	flight->pointer = bd_arena_text(&flight->arena, bd_bytes_of(item->pointer));
	*id_kind = bd_arena_text(&flight->arena, bd_bytes_of(item->id_kind));
	return is_good && *id_kind != NULL && flight->pointer != NULL;
}

static void on_timer(uv_timer_t *timer);

static void link_flight(struct flight *flight)
{
	struct bd_lookups *lookups = flight->lookups;
	struct flight **bucket = &lookups->buckets[flight->hash % BUCKETS];

	flight->next = *bucket;
	*bucket = flight;
	flight->after = lookups->first;
	if (lookups->first != NULL) {
		lookups->first->before = flight;
	}
	lookups->first = flight;
	if (lookups->count++ == 0) {
		uv_timer_start(&lookups->timer, on_timer, SWEEP_MS, SWEEP_MS);
	}
}

static void start(
	struct bd_lookups *lookups, struct target *target, uint64_t hash, struct bd_look_item *item)
{
	struct flight *flight = calloc(1, sizeof(*flight));
	const char *id_kind = NULL;

	if (flight == NULL) {
		done(item, BD_NO_MEMORY);
		return;
	}
	bd_arena_init(&flight->arena, FLIGHT_ARENA_BYTES);
	flight->lookups = lookups;
	flight->target = target;
	flight->hash = hash;
	if (!copy_all(flight, &id_kind, item)) {
		bd_arena_release(&flight->arena);
		free(flight);
		done(item, BD_NO_MEMORY);
		return;
	}
	item->next = NULL;
	flight->waiters = item;
	link_flight(flight);
	fill_asking(flight, id_kind);
	tell(target, &(struct note){ .busy = 1, .waiting = 1 }, lookups->board);
	bd_asking_open(&flight->asking);
	bd_asking_ask(&flight->asking);
}

/* -- who asks -- */

static struct target *find_target(const struct bd_lookups *lookups, const struct bd_look_item *item)
{
	for (size_t i = 0; i < lookups->target_count; i++) {
		struct target *target = &lookups->targets[i];

		if (strcmp(target->access->plan->source, item->source) == 0 &&
			strcmp(target->plan->feed->name, item->feed) == 0) {
			return target;
		}
	}
	return NULL;
}

static uint64_t hash_of(const struct bd_lookups *lookups, const struct target *target,
	const struct bd_identifier *subject)
{
	char room[sizeof(target->name) + BD_IDENTIFIER_MAX_BYTES + 16];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };

	/* A number that does not fit is cut for all: compared whole by whoever joins. */
	bd_buf_printf(&text, "%s %u ", target->name, subject->kind);
	bd_buf_add(&text, subject->number);
	return bd_siphash(&lookups->key, bd_buf_bytes(&text));
}

static struct flight *find_flight(const struct bd_lookups *lookups, const struct target *target,
	uint64_t hash, const struct bd_identifier *subject)
{
	struct flight *flight = lookups->buckets[hash % BUCKETS];

	while (flight != NULL &&
		(flight->target != target || flight->subject.kind != subject->kind ||
			!bd_bytes_equal(flight->subject.number, subject->number))) {
		flight = flight->next;
	}
	return flight;
}

static void join(struct flight *flight, struct bd_look_item *item)
{
	item->next = flight->waiters;
	flight->waiters = item;
	flight->joined++;
	tell(flight->target, &(struct note){ .waiting = 1 }, flight->lookups->board);
}

static void begin_item(struct bd_lookups *lookups, struct bd_look_item *item)
{
	struct target *target = find_target(lookups, item);
	enum bd_code code = BD_OK;
	struct flight *flight;
	uint64_t hash;

	if (target == NULL || target->endpoint == NULL) {
		done(item, BD_CONFIG_REFERENCE);
		return;
	}
	hash = hash_of(lookups, target, &item->subject);
	flight = find_flight(lookups, target, hash, &item->subject);
	if (remembers(&code, lookups, hash, target, item)) {
		done(item, code);
	} else if (flight != NULL) {
		join(flight, item);
	} else if (lookups->count >= BD_LOOK_UPS_MAX) {
		tell(target, &(struct note){ .refused = 1 }, lookups->board);
		done(item, BD_ASK_BUSY);
	} else {
		start(lookups, target, hash, item);
	}
}

void bd_lookups_begin(struct bd_lookups *lookups, struct bd_look *look)
{
	size_t count = look->count;

	if (lookups->is_draining) {
		done_all(look, BD_DRAINING);
	} else if (!lookups->is_open) {
		look->next = lookups->parked;
		lookups->parked = look;
	} else if (__atomic_load_n(&look->is_abandoned, __ATOMIC_ACQUIRE)) {
		done_all(look, BD_CONNECT_TIMEOUT);
	} else {
		/* With the last of them the look may be gone. */
		for (size_t i = 0; i < count; i++) {
			begin_item(lookups, &look->items[i]);
		}
	}
}

/* -- time -- */

/* Cases that have given up. */
static void let_go(struct flight *flight)
{
	struct bd_look_item **link = &flight->waiters;
	struct note note = { .waiting = 0 };

	while (*link != NULL) {
		struct bd_look_item *item = *link;

		if (!__atomic_load_n(&item->look->is_abandoned, __ATOMIC_ACQUIRE)) {
			link = &item->next;
			continue;
		}
		*link = item->next;
		note.waiting--;
		note.late++;
		done(item, BD_CONNECT_TIMEOUT);
	}
	if (note.late > 0) {
		tell(flight->target, &note, flight->lookups->board);
	}
}

static void look_at(struct flight *flight, int64_t now_ms)
{
	if (flight->is_over) {
		return;
	}
	let_go(flight);
	if (flight->asked_ms == 0 && flight->asking.tried > 0) {
		flight->asked_ms = now_ms;
	}
	if (flight->waiters == NULL && (flight->asked_ms == 0 || !flight->lookups->is_open)) {
		if (flight->asked_ms != 0) {
			enter(flight, BD_DRAINING, 0);
		}
		conclude(flight, BD_CONNECT_TIMEOUT);
	} else if (flight->asked_ms != 0 && now_ms - flight->asked_ms > BD_LOOK_UP_MAX_MS) {
		bd_asking_give_up(&flight->asking);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct bd_lookups *lookups = CONTAINER(struct bd_lookups, timer, timer);
	int64_t now_ms = bd_clock_monotonic_ms();
	struct flight *flight = lookups->first, *after;

	for (; flight != NULL; flight = after) {
		after = flight->after; /* none is freed from within */
		look_at(flight, now_ms);
	}
	if (lookups->count == 0) {
		uv_timer_stop(timer);
	}
}

/* -- configurations -- */

static enum bd_code read_values(struct target *target, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	target->values = calloc(target->plan->value_count + 1, sizeof(*target->values));
	if (target->values == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", target->name);
	}
	for (size_t i = 0; i < target->plan->value_count && code == BD_OK; i++) {
		code = bd_endpoint_value(
			&target->values[i], target->endpoint, &target->plan->values[i], diag);
	}
	return code;
}

static void make_target(
	struct bd_lookups *lookups, struct target *target, struct bd_endpoint_run *endpoint)
{
	const char *source = target->access->plan->source;
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = BD_OK;

	snprintf(target->name, sizeof(target->name), "look-up:%s/%s", source,
		target->plan->feed->name);
	target->sources[0] = source;
	target->sender = (struct bd_sender){ .name = target->name,
		.roles = BD_SENDER_DEPARTMENT,
		.sources = target->sources,
		.source_count = 1 };
	target->board_row = bd_source_board_find(
		lookups->board, source, target->plan->feed->name, BD_BOARD_LOOK_UP);
	target->endpoint = endpoint;
	if (endpoint == NULL) {
		return;
	}
	bd_endpoint_run_ref(endpoint);
	code = read_values(target, &diag);
	if (code != BD_OK) {
		bd_log(BD_LOG_ERROR, "sources", "broken", "%s: %s: %s", target->name,
			bd_code_info(code)->text, diag.detail);
		tell(target, &(struct note){ .failed = 1, .code = code, .is_end = true },
			lookups->board);
		bd_endpoint_run_unref(endpoint);
		target->endpoint = NULL;
	}
}

static size_t count_lookups(const struct bd_sources *sources)
{
	size_t count = 0;

	for (size_t i = 0; sources != NULL && i < sources->count; i++) {
		count += sources->items[i].lookup_count;
	}
	return count;
}

enum bd_code bd_lookups_open(struct bd_lookups *lookups, const struct bd_sources *sources,
	struct bd_endpoint_run *(*endpoint_of)(void *state, const struct bd_endpoint *plan),
	void *state, struct bd_source_board *board)
{
	struct bd_look *parked = lookups->parked, *next;

	lookups->board = board;
	lookups->targets = calloc(count_lookups(sources) + 1, sizeof(*lookups->targets));
	lookups->is_open = true;
	lookups->on_closed = NULL;
	lookups->parked = NULL;
	for (size_t i = 0; lookups->targets != NULL && sources != NULL && i < sources->count; i++) {
		const struct bd_source_access *access = &sources->items[i];

		for (size_t l = 0; l < access->lookup_count; l++) {
			struct target *target = &lookups->targets[lookups->target_count++];

			target->access = access;
			target->plan = &access->lookups[l];
			make_target(lookups, target, endpoint_of(state, target->plan->from));
		}
	}
	for (; parked != NULL; parked = next) {
		next = parked->next;
		bd_lookups_begin(lookups, parked);
	}
	return lookups->targets != NULL ? BD_OK : BD_NO_MEMORY;
}

static void maybe_closed(struct bd_lookups *lookups)
{
	void (*on_closed)(void *state) = lookups->on_closed;

	if (lookups->is_open || on_closed == NULL || lookups->count > 0) {
		return;
	}
	for (size_t i = 0; i < lookups->target_count; i++) {
		if (lookups->targets[i].endpoint != NULL) {
			bd_endpoint_run_unref(lookups->targets[i].endpoint);
		}
		free(lookups->targets[i].values);
	}
	free(lookups->targets);
	lookups->targets = NULL;
	lookups->target_count = 0;
	lookups->on_closed = NULL;
	on_closed(lookups->closed_state);
}

void bd_lookups_close(struct bd_lookups *lookups, void (*on_closed)(void *state), void *state)
{
	lookups->is_open = false;
	lookups->on_closed = on_closed;
	lookups->closed_state = state;
	maybe_closed(lookups);
}

void bd_lookups_drain(struct bd_lookups *lookups)
{
	struct bd_look *parked = lookups->parked, *next;

	lookups->is_draining = true;
	for (lookups->parked = NULL; parked != NULL; parked = next) {
		next = parked->next;
		done_all(parked, BD_DRAINING);
	}
}

void bd_lookups_end(struct bd_lookups *lookups)
{
	uv_close((uv_handle_t *)&lookups->timer, NULL);
}

enum bd_code bd_lookups_new(struct bd_lookups **out, struct bd_loop *loop)
{
	struct bd_lookups *lookups = calloc(1, sizeof(*lookups));
	uint8_t key[BD_SIPHASH_KEY_BYTES];

	if (lookups == NULL ||
		(lookups->memories = calloc(REMEMBERED, sizeof(*lookups->memories))) == NULL ||
		bd_random(key, sizeof(key)) != BD_OK) {
		bd_lookups_free(lookups);
		return BD_NO_MEMORY;
	}
	lookups->loop = loop;
	lookups->key = bd_siphash_key_of(key);
	uv_timer_init(&loop->uv, &lookups->timer);
	*out = lookups;
	return BD_OK;
}

void bd_lookups_free(struct bd_lookups *lookups)
{
	if (lookups != NULL) {
		free(lookups->memories);
		free(lookups);
	}
}
