#include "daemon/lookups_parts.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* How exactly spans are kept: a case that has given up is noticed so much later, and by nobody.
 * Looking at them takes so long of it at the most: where thousands wait, spans are longer by some
 * tenths of a second, those of second requests (hedge-ms) and of giving up included. */
#define SWEEP_MS 25
#define SWEEP_NS 500000

/* -- what is remembered -- */

static struct bd_memory *memory_of(const struct bd_lookups *lookups, uint64_t hash)
{
	return &lookups->memories[hash % BD_LOOK_UPS_REMEMBERED];
}

/* BD_OK or BD_SOURCE_NOT_FOUND as it was answered; false: it is to be asked. */
static bool remembers(enum bd_code *code, const struct bd_lookups *lookups, uint64_t hash,
	const struct bd_target *target, const struct bd_look_item *item)
{
	const struct bd_memory *memory = memory_of(lookups, hash);
	uint64_t age_ms = (uint64_t)(bd_clock_monotonic_ms() - memory->at_ms);

	if (memory->at_ms == 0 || memory->hash != hash || age_ms > target->plan->remember_none_ms ||
		(!memory->is_none && age_ms > item->max_age_ms)) {
		return false;
	}
	*code = memory->is_none ? BD_SOURCE_NOT_FOUND : BD_OK;
	return true;
}

void bd_lookups_remember(struct bd_lookups *lookups, uint64_t hash, enum bd_code code)
{
	if (code == BD_OK || code == BD_SOURCE_NOT_FOUND) {
		*memory_of(lookups, hash) = (struct bd_memory){ hash, bd_clock_monotonic_ms(),
			code == BD_SOURCE_NOT_FOUND };
	}
}

/* -- who asks -- */

static struct bd_target *find_target(
	const struct bd_lookups *lookups, const struct bd_look_item *item)
{
	for (size_t i = 0; i < lookups->target_count; i++) {
		struct bd_target *target = &lookups->targets[i];

		if (strcmp(target->access->plan->source, item->source) == 0 &&
			strcmp(target->plan->feed->name, item->feed) == 0) {
			return target;
		}
	}
	return NULL;
}

static uint64_t hash_of(const struct bd_lookups *lookups, const struct bd_target *target,
	const struct bd_look_item *item)
{
	char room[1024];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };

	/* There is room for the longest of each. */
	bd_buf_printf(&text, "%s %u %s ", target->name, item->subject.kind, item->digest);
	bd_buf_add_sized(&text, item->subject.number);
	bd_buf_add(&text, item->subject.issuer);
	return bd_siphash(&lookups->key, bd_buf_bytes(&text));
}

static struct bd_flight *find_flight(const struct bd_lookups *lookups,
	const struct bd_target *target, uint64_t hash, const struct bd_look_item *item)
{
	struct bd_flight *flight = lookups->buckets[hash % BD_LOOK_UP_BUCKETS];

	while (flight != NULL &&
		(flight->target != target || !bd_bytes_is(flight->digest, item->digest) ||
			!bd_identifier_equal(&flight->subject, &item->subject))) {
		flight = flight->next;
	}
	return flight;
}

static void done_all(struct bd_look *look, enum bd_code code)
{
	size_t count = look->count;

	/* With the last of them the look may be gone. */
	for (size_t i = 0; i < count; i++) {
		bd_look_done(&look->items[i], code);
	}
}

/* Cases that have given up before the next configuration was there. */
static void let_parked_go(struct bd_lookups *lookups)
{
	struct bd_look **link = &lookups->parked;

	while (*link != NULL) {
		struct bd_look *look = *link;

		if (!__atomic_load_n(&look->is_abandoned, __ATOMIC_ACQUIRE)) {
			link = &look->next;
			continue;
		}
		*link = look->next;
		done_all(look, BD_CONNECT_TIMEOUT);
	}
}

/* From where the last time ended, as far as the time for it lasts. */
static void look_at_some(struct bd_lookups *lookups)
{
	int64_t now_ms = bd_clock_monotonic_ms();
	uint64_t end_ns = uv_hrtime() + SWEEP_NS;
	struct bd_flight *flight = lookups->visited != NULL ? lookups->visited : lookups->first;

	while (flight != NULL && uv_hrtime() < end_ns) {
		bd_flight_look(flight, now_ms);
		flight = flight->after;
		bd_thread_share();
	}
	lookups->visited = flight;
}

static void on_timer(uv_timer_t *timer)
{
	struct bd_lookups *lookups = CONTAINER(struct bd_lookups, timer, timer);

	let_parked_go(lookups);
	look_at_some(lookups);
	if (lookups->count == 0 && lookups->parked == NULL) {
		uv_timer_stop(timer);
	}
}

/* Somebody waits. */
static void keep_time(struct bd_lookups *lookups)
{
	if (!uv_is_active((uv_handle_t *)&lookups->timer)) {
		uv_timer_start(&lookups->timer, on_timer, SWEEP_MS, SWEEP_MS);
	}
}

static void park(struct bd_lookups *lookups, struct bd_look *look)
{
	look->next = lookups->parked;
	lookups->parked = look;
	keep_time(lookups);
}

static void begin_item(struct bd_lookups *lookups, struct bd_look_item *item)
{
	struct bd_target *target = find_target(lookups, item);
	enum bd_code code = BD_OK;
	struct bd_flight *flight;
	uint64_t hash;

	if (target == NULL || target->endpoint == NULL) {
		bd_look_done(item, BD_CONFIG_REFERENCE);
		return;
	}
	hash = hash_of(lookups, target, item);
	flight = find_flight(lookups, target, hash, item);
	if (remembers(&code, lookups, hash, target, item)) {
		bd_look_done(item, code);
	} else if (flight != NULL) {
		bd_flight_join(flight, item);
	} else if (bd_endpoint_refuses(target->endpoint)) {
		bd_lookups_refuse(lookups, target, item, BD_ASK_CIRCUIT);
	} else if (lookups->count >= BD_LOOK_UPS_MAX) {
		bd_lookups_refuse(lookups, target, item, BD_ASK_BUSY);
	} else if (bd_flight_start(lookups, target, hash, item)) {
		lookups->count++;
		keep_time(lookups);
	} else {
		bd_look_done(item, BD_NO_MEMORY);
	}
}

void bd_lookups_begin(struct bd_lookups *lookups, struct bd_look *look)
{
	size_t count = look->count;

	if (lookups->is_draining) {
		done_all(look, BD_DRAINING);
	} else if (!lookups->is_open) {
		park(lookups, look);
	} else if (__atomic_load_n(&look->is_abandoned, __ATOMIC_ACQUIRE)) {
		done_all(look, BD_CONNECT_TIMEOUT);
	} else {
		/* With the last of them the look may be gone. */
		for (size_t i = 0; i < count; i++) {
			begin_item(lookups, &look->items[i]);
		}
	}
}

/* -- configurations -- */

static enum bd_code read_values(struct bd_target *target, struct bd_diag *diag)
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
	struct bd_lookups *lookups, struct bd_target *target, struct bd_endpoint_run *endpoint)
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
		bd_lookups_tell(target,
			&(struct bd_look_note){ .failed = 1, .code = code, .is_end = true },
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
			struct bd_target *target = &lookups->targets[lookups->target_count++];

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

void bd_lookups_closed_one(struct bd_lookups *lookups)
{
	lookups->count--;
	maybe_closed(lookups);
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
		(lookups->memories = calloc(BD_LOOK_UPS_REMEMBERED, sizeof(*lookups->memories))) ==
			NULL ||
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
