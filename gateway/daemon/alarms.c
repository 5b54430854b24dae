#include "daemon/alarms.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/silence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define LOOK_MS 1000
#define SAVE_MS 60000
#define ARENA_BYTES 4194304
#define KEPT_MAX_BYTES 262144

/* What is known of one feed. */
struct known_feed {
	char source[64], name[64];
	const struct bd_feed_plan *fitted; /* NULL = to be fitted */
	int64_t last_ms;                   /* of the last message; 0 = not known */
	bool is_dirty;
	struct bd_drift drift;
	struct known_feed *next;
};

struct bd_alarms {
	struct bd_store *store;
	struct bd_writer *writer;
	struct bd_store_reader *reader; /* the thread's */
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;
	/* under lock */
	struct bd_setup *setup;
	bool is_stopping, is_changed;
	struct known_feed *feeds; /* only added to */
	struct bd_alarm *list;
	size_t count;
	uint64_t version;
	/* the thread's */
	struct bd_alarm *next; /* room for as many */
	int64_t started_ms, saved_ms;
	/* of a save, under lock */
	struct bd_write write;
	struct known_feed *saving;
	struct bd_buf packed;
	bool is_saved;
};

/* -- what is learnt -- */

static struct known_feed *find_feed(struct bd_alarms *alarms, const char *source, const char *name)
{
	struct known_feed *feed = alarms->feeds;

	while (feed != NULL &&
		(strcmp(feed->name, name) != 0 || strcmp(feed->source, source) != 0)) {
		feed = feed->next;
	}
	return feed;
}

static struct known_feed *feed_of(struct bd_alarms *alarms, const char *source, const char *name)
{
	struct known_feed *feed = find_feed(alarms, source, name);

	if (feed == NULL) {
		feed = calloc(1, sizeof(*feed));
		if (feed != NULL) {
			snprintf(feed->source, sizeof(feed->source), "%s", source);
			snprintf(feed->name, sizeof(feed->name), "%s", name);
			feed->next = alarms->feeds;
			alarms->feeds = feed;
		}
	}
	return feed;
}

void bd_alarms_learn(struct bd_alarms *alarms, const struct bd_plan *plan,
	const struct bd_feed_plan *feed, const struct bd_intake_result *result)
{
	int64_t now_ms = bd_clock_wall_ms();
	struct known_feed *known;

	if (alarms == NULL) {
		return;
	}
	uv_mutex_lock(&alarms->lock);
	known = feed_of(alarms, plan->source, feed->name);
	if (known != NULL) {
		known->last_ms = now_ms;
		known->is_dirty = true;
		if (known->fitted != feed && bd_drift_fit(&known->drift, plan, feed) == BD_OK) {
			known->fitted = feed;
		}
		if (known->fitted == feed && bd_drift_learn(&known->drift, feed, result, now_ms)) {
			alarms->is_changed = true;
			uv_cond_signal(&alarms->wake);
		}
	}
	uv_mutex_unlock(&alarms->lock);
}

/* -- kept -- */

static void key_of(char out[160], const struct known_feed *feed)
{
	snprintf(out, 160, "drift/%s/%s", feed->source, feed->name);
}

static enum bd_code save_work(struct bd_write *write, struct bd_store *store, struct bd_diag *diag)
{
	struct bd_alarms *alarms = CONTAINER(struct bd_alarms, write, write);
	char key[160];

	key_of(key, alarms->saving);
	return bd_store_set_progress(store, key, bd_buf_bytes(&alarms->packed), diag);
}

/* The writer's thread. */
static void on_saved(struct bd_letter *letter)
{
	struct bd_alarms *alarms = CONTAINER(struct bd_alarms, write.letter, letter);

	uv_mutex_lock(&alarms->lock);
	alarms->is_saved = true;
	uv_cond_broadcast(&alarms->wake);
	uv_mutex_unlock(&alarms->lock);
}

/* With the lock, which is given up while the writer has it. */
static void save_feed(struct bd_alarms *alarms, struct known_feed *feed)
{
	enum bd_code code;

	bd_buf_clear(&alarms->packed);
	code = bd_buf_add_u64(&alarms->packed, (uint64_t)feed->last_ms);
	code = code == BD_OK ? bd_drift_pack(&alarms->packed, &feed->drift) : code;
	if (code != BD_OK) {
		return;
	}
	feed->is_dirty = false;
	alarms->saving = feed;
	alarms->is_saved = false;
	alarms->write = (struct bd_write){ .letter = { .deliver = on_saved }, .work = save_work };
	uv_mutex_unlock(&alarms->lock);
	bd_writer_post(alarms->writer, &alarms->write);
	uv_mutex_lock(&alarms->lock);
	while (!alarms->is_saved) {
		uv_cond_wait(&alarms->wake, &alarms->lock);
	}
	/* A full disk: with the next round. */
	feed->is_dirty |= alarms->write.code != BD_OK;
}

static void save_all(struct bd_alarms *alarms)
{
	for (struct known_feed *feed = alarms->feeds; feed != NULL; feed = feed->next) {
		if (feed->is_dirty) {
			save_feed(alarms, feed);
		}
	}
	alarms->saved_ms = bd_clock_monotonic_ms();
}

static void read_kept(struct known_feed *feed, struct bd_bytes kept)
{
	struct bd_reader reader = bd_reader_of(kept);
	int64_t last_ms = (int64_t)bd_read_u64(&reader);

	if (reader.ok && bd_drift_unpack(&feed->drift, reader.rest) == BD_OK) {
		feed->last_ms = last_ms;
	}
}

/* Of every feed that is not known yet what was learnt before. */
static enum bd_code load(struct bd_alarms *alarms, const struct bd_setup *setup)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_store_begin(alarms->reader, &diag);
	bool has_one;

	if (code != BD_OK) {
		return code;
	}
	for (size_t i = 0; i < setup->plan_count; i++) {
		for (size_t k = 0; k < setup->plans[i]->feed_count; k++) {
			const char *source = setup->plans[i]->source;
			const char *name = setup->plans[i]->feeds[k].name;
			struct known_feed *feed = find_feed(alarms, source, name);
			char key[160];

			if (feed != NULL || (feed = feed_of(alarms, source, name)) == NULL) {
				continue;
			}
			key_of(key, feed);
			bd_buf_clear(&alarms->packed);
			if (bd_store_progress(&alarms->packed, &has_one, alarms->reader, key,
				    &diag) == BD_OK &&
				has_one) {
				read_kept(feed, bd_buf_bytes(&alarms->packed));
			}
		}
	}
	bd_store_end(alarms->reader);
	return BD_OK;
}

/* -- what is so now -- */

static void add(struct bd_alarms *alarms, size_t *count, enum bd_code code,
	const struct known_feed *feed, const char *field, int64_t since_ms)
{
	struct bd_alarm *alarm = &alarms->next[*count];

	if (*count == BD_ALARMS_MAX) {
		return;
	}
	*alarm = (struct bd_alarm){ .code = code, .since_ms = since_ms };
	snprintf(alarm->source, sizeof(alarm->source), "%s", feed->source);
	snprintf(alarm->feed, sizeof(alarm->feed), "%s", feed->name);
	snprintf(alarm->field, sizeof(alarm->field), "%s", field);
	(*count)++;
}

static void add_drift(struct bd_alarms *alarms, size_t *count, const struct known_feed *feed)
{
	const struct bd_drift *drift = &feed->drift;

	for (size_t i = 0; i < drift->unknown_count; i++) {
		add(alarms, count, BD_FEED_NEW_FIELD, feed, drift->unknown[i].path,
			drift->unknown[i].since_ms);
	}
	for (size_t i = 0; i < drift->field_count; i++) {
		const struct bd_drift_field *field = &drift->fields[i];
		size_t at = *count;

		if (field->missing_ms != 0) {
			add(alarms, count, BD_FEED_MISSING_FIELD, feed, field->name,
				field->missing_ms);
		}
		if (field->retyped_ms != 0) {
			at = *count;
			add(alarms, count, BD_FEED_RETYPED_FIELD, feed, field->name,
				field->retyped_ms);
			if (at < *count) {
				alarms->next[at].was = field->shapes;
				alarms->next[at].is = field->alien_shapes;
			}
		}
	}
}

/* The schedule of a feed; span 0 = it has none. *is_stated: by the sources file. */
static struct bd_quiet quiet_of(const struct bd_setup *setup, const char *source,
	const struct bd_feed_plan *feed, bool *is_stated)
{
	const struct bd_source_access *access = bd_source_access_find(setup->sources, source);
	struct bd_quiet quiet = { .span_ms = 0 };

	*is_stated = false;
	if (feed->cycle != NULL) {
		quiet.span_ms = strcmp(feed->cycle, "monthly") == 0 ? BD_QUIET_MONTHLY_MS
								    : BD_QUIET_DAILY_MS;
	}
	for (size_t i = 0; access != NULL && i < access->expect_count; i++) {
		const struct bd_expect_plan *expect = &access->expects[i];

		if (strcmp(expect->feed->name, feed->name) == 0) {
			quiet.span_ms = (int64_t)expect->within_ms;
			quiet.is_working_days = expect->is_working_days;
			*is_stated = true;
		}
	}
	if (access != NULL) {
		quiet.closed = access->closed;
		quiet.closed_count = access->closed_count;
	}
	return quiet;
}

static int64_t last_in_store(
	const struct bd_feed_state *states, size_t count, const struct known_feed *feed)
{
	int64_t last_ms = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(states[i].feed, feed->name) == 0 &&
			strcmp(states[i].source, feed->source) == 0 &&
			states[i].last_received_ms > last_ms) {
			last_ms = states[i].last_received_ms;
		}
	}
	return last_ms;
}

static void add_silence(struct bd_alarms *alarms, size_t *count, const struct bd_setup *setup,
	const struct bd_plan *plan, const struct bd_feed_plan *feed, const struct known_feed *known,
	int64_t stored_ms, int64_t now_ms)
{
	int64_t last_ms = known->last_ms > stored_ms ? known->last_ms : stored_ms, until_ms;
	bool is_stated;
	struct bd_quiet quiet = quiet_of(setup, plan->source, feed, &is_stated);
	size_t at = *count;

	if (quiet.span_ms == 0 || (last_ms == 0 && !is_stated)) {
		return;
	}
	until_ms = bd_quiet_until(
		last_ms != 0 ? last_ms : alarms->started_ms, &quiet, setup->calendar);
	if (now_ms > until_ms) {
		add(alarms, count, BD_FEED_SILENT, known, "", until_ms);
		if (at < *count) {
			alarms->next[at].last_ms = last_ms;
		}
	}
}

/* With the lock. */
static size_t collect(struct bd_alarms *alarms, const struct bd_setup *setup,
	const struct bd_feed_state *states, size_t state_count)
{
	int64_t now_ms = bd_clock_wall_ms();
	size_t count = 0;

	for (size_t i = 0; i < setup->plan_count; i++) {
		const struct bd_plan *plan = setup->plans[i];

		for (size_t k = 0; k < plan->feed_count; k++) {
			const struct bd_feed_plan *feed = &plan->feeds[k];
			const struct known_feed *known =
				find_feed(alarms, plan->source, feed->name);

			if (known != NULL) {
				add_silence(alarms, &count, setup, plan, feed, known,
					last_in_store(states, state_count, known), now_ms);
				add_drift(alarms, &count, known);
			}
		}
	}
	return count;
}

static bool is_same(const struct bd_alarm *a, const struct bd_alarm *b)
{
	return a->code == b->code && strcmp(a->source, b->source) == 0 &&
	       strcmp(a->feed, b->feed) == 0 && strcmp(a->field, b->field) == 0 && a->is == b->is;
}

static bool is_in(const struct bd_alarm *alarm, const struct bd_alarm *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_same(alarm, &list[i])) {
			return true;
		}
	}
	return false;
}

/* Each of `list` that is not in `other`. How many. */
static size_t log_new(const struct bd_alarm *list, size_t count, const struct bd_alarm *other,
	size_t other_count, bool has_begun)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (is_in(&list[i], other, other_count)) {
			continue;
		}
		found++;
		bd_log(has_begun ? BD_LOG_WARNING : BD_LOG_INFO, "alarms",
			bd_code_info(list[i].code)->text, "%s/%s %s%s", list[i].source,
			list[i].feed, list[i].field, has_begun ? "" : " is over");
	}
	return found;
}

/* With the lock. */
static void publish(struct bd_alarms *alarms, size_t count)
{
	size_t changes = log_new(alarms->next, count, alarms->list, alarms->count, true) +
			 log_new(alarms->list, alarms->count, alarms->next, count, false);
	struct bd_alarm *before = alarms->list;

	alarms->list = alarms->next;
	alarms->count = count;
	alarms->next = before;
	alarms->version += changes > 0;
}

/* -- the thread -- */

static void look(struct bd_alarms *alarms)
{
	const struct bd_feed_state *states = NULL;
	struct bd_diag diag = { .code = BD_OK };
	size_t state_count = 0;
	struct bd_setup *setup;
	struct bd_arena arena;

	bd_arena_init(&arena, ARENA_BYTES);
	uv_mutex_lock(&alarms->lock);
	setup = bd_setup_ref(alarms->setup);
	uv_mutex_unlock(&alarms->lock);
	if (bd_store_begin(alarms->reader, &diag) == BD_OK) {
		if (bd_store_states(&states, &state_count, alarms->reader, &arena, &diag) !=
			BD_OK) {
			state_count = 0;
		}
		/* Its texts live in the arena. */
		bd_store_end(alarms->reader);
	}
	uv_mutex_lock(&alarms->lock);
	alarms->is_changed = false;
	publish(alarms, collect(alarms, setup, states, state_count));
	if (bd_clock_monotonic_ms() - alarms->saved_ms >= SAVE_MS || alarms->is_stopping) {
		save_all(alarms);
	}
	uv_mutex_unlock(&alarms->lock);
	bd_setup_unref(setup);
	bd_arena_release(&arena);
}

static void run(void *state)
{
	struct bd_alarms *alarms = state;
	bool is_stopping = false;

	while (!is_stopping) {
		look(alarms);
		uv_mutex_lock(&alarms->lock);
		if (!alarms->is_stopping && !alarms->is_changed) {
			uv_cond_timedwait(
				&alarms->wake, &alarms->lock, LOOK_MS * UINT64_C(1000000));
		}
		is_stopping = alarms->is_stopping;
		if (is_stopping) {
			save_all(alarms);
		}
		uv_mutex_unlock(&alarms->lock);
	}
}

static void alarms_free(struct bd_alarms *alarms)
{
	for (struct known_feed *feed = alarms->feeds, *next; feed != NULL; feed = next) {
		next = feed->next;
		bd_drift_release(&feed->drift);
		free(feed);
	}
	if (alarms->reader != NULL) {
		bd_store_reader_free(alarms->reader);
	}
	bd_buf_release(&alarms->packed);
	free(alarms->list);
	free(alarms->next);
	bd_setup_unref(alarms->setup);
	uv_cond_destroy(&alarms->wake);
	uv_mutex_destroy(&alarms->lock);
	free(alarms);
}

enum bd_code bd_alarms_start(struct bd_alarms **out, struct bd_store *store,
	struct bd_writer *writer, struct bd_setup *setup)
{
	struct bd_alarms *alarms = calloc(1, sizeof(*alarms));

	if (alarms == NULL) {
		return BD_NO_MEMORY;
	}
	if (uv_mutex_init(&alarms->lock) != 0) {
		free(alarms);
		return BD_NO_MEMORY;
	}
	if (uv_cond_init(&alarms->wake) != 0) {
		uv_mutex_destroy(&alarms->lock);
		free(alarms);
		return BD_NO_MEMORY;
	}
	alarms->store = store;
	alarms->writer = writer;
	alarms->setup = bd_setup_ref(setup);
	alarms->started_ms = bd_clock_wall_ms();
	alarms->saved_ms = bd_clock_monotonic_ms();
	alarms->version = (uint64_t)alarms->started_ms;
	alarms->list = calloc(BD_ALARMS_MAX, sizeof(*alarms->list));
	alarms->next = calloc(BD_ALARMS_MAX, sizeof(*alarms->next));
	bd_buf_init(&alarms->packed, KEPT_MAX_BYTES);
	if (alarms->list == NULL || alarms->next == NULL ||
		bd_store_reader_new(&alarms->reader, store, NULL) != BD_OK ||
		load(alarms, setup) != BD_OK ||
		uv_thread_create(&alarms->thread, run, alarms) != 0) {
		alarms_free(alarms);
		return BD_NO_MEMORY;
	}
	*out = alarms;
	return BD_OK;
}

void bd_alarms_reload(struct bd_alarms *alarms, struct bd_setup *setup)
{
	struct bd_setup *old;

	uv_mutex_lock(&alarms->lock);
	old = alarms->setup;
	alarms->setup = bd_setup_ref(setup);
	for (struct known_feed *feed = alarms->feeds; feed != NULL; feed = feed->next) {
		feed->fitted = NULL;
	}
	/* Feeds that are new with it: nothing was learnt of them, or it is learnt anew. */
	for (size_t i = 0; i < setup->plan_count; i++) {
		for (size_t k = 0; k < setup->plans[i]->feed_count; k++) {
			feed_of(alarms, setup->plans[i]->source, setup->plans[i]->feeds[k].name);
		}
	}
	alarms->is_changed = true;
	uv_cond_signal(&alarms->wake);
	uv_mutex_unlock(&alarms->lock);
	bd_setup_unref(old);
}

void bd_alarms_stop(struct bd_alarms *alarms)
{
	if (alarms == NULL) {
		return;
	}
	uv_mutex_lock(&alarms->lock);
	alarms->is_stopping = true;
	uv_cond_broadcast(&alarms->wake);
	uv_mutex_unlock(&alarms->lock);
	uv_thread_join(&alarms->thread);
	alarms_free(alarms);
}

/* -- for others -- */

size_t bd_alarms_list(struct bd_alarm *out, size_t max, uint64_t *version, struct bd_alarms *alarms)
{
	size_t count;

	uv_mutex_lock(&alarms->lock);
	count = alarms->count < max ? alarms->count : max;
	memcpy(out, alarms->list, count * sizeof(*out));
	if (version != NULL) {
		*version = alarms->version;
	}
	uv_mutex_unlock(&alarms->lock);
	return count;
}

uint64_t bd_alarms_version(struct bd_alarms *alarms)
{
	uint64_t version;

	uv_mutex_lock(&alarms->lock);
	version = alarms->version;
	uv_mutex_unlock(&alarms->lock);
	return version;
}
