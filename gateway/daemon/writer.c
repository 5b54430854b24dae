#include "daemon/writer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/cases.h"
#include "store/obligations.h"
#include "store/reseal.h"
#include "store/watches.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Messages of one commit: past this the waiting of the first is worth more than the syncs saved. */
#define GROUP_MAX 256
/* LMDB's rules: dead readers are cleared away, and an old one is told of. */
#define TEND_MS 10000
#define READER_OLD_MS 30000
/* What was kept long enough is let go of, some at a time, between messages. */
#define EXPIRE_MS 60000
/* A long message that could not go on for want of room is tried again after this. */
#define RETRY_MS 1000
/* Whether there is anything to be sealed anew; between steps it is at once. */
#define RESEAL_MS 1000
/* Case files are indexed this long after they were written, at the most. */
#define INDEX_MS 200
/* An answer that was made before an erasure is kept within this. */
#define ERASED_ANSWERS_MS 15000
/* A case of one receipt. */
#define CASE_ARENA_BYTES ((size_t)8 << 20)
#define NS_PER_MS UINT64_C(1000000)

/* A client that has taken its watches up to a number. */
struct told {
	char client[129];
	uint64_t number;
	struct told *next;
};

struct bd_writer {
	struct bd_store *store;
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;
	struct bd_write *first, **last;
	const struct bd_cover *covers; /* to be set before the next group; NULL = no change */
	size_t cover_count;
	struct told *told;
	bool is_stopping;
	void (*tell)(void *listener); /* NULL = nobody */
	void *listener;
	uint64_t commits, messages; /* atomic */
	struct bd_repeats *repeats; /* atomic; NULL = nothing is sealed anew yet */
	bool is_broken;             /* the thread's */
	/* the thread's own */
	struct bd_write *longs; /* that the store has taken and not told the outcome of */
	struct bd_write *resting, **last_resting; /* that wait for the end of these */
	int64_t retry_ms, tend_ms, expire_ms, index_ms, reseal_ms;
	int64_t erased_until_ms; /* 0 = what is kept was not looked through since an erasure */
	bool has_index_failed, has_sweep_failed, has_reseal_failed; /* and that was told */
	uint64_t oldest_reads;                                      /* by the last look */
	int64_t oldest_since_ms;
};

struct group {
	struct bd_write *items[GROUP_MAX];
	size_t count;
	const struct bd_cover *covers;
	size_t cover_count;
	struct told *told;
	bool is_stopping;
};

/* How long there is nothing to do but to wait for messages. */
static int64_t idle_ms(const struct bd_writer *writer)
{
	int64_t now = bd_clock_monotonic_ms(), until = writer->tend_ms;

	until = writer->expire_ms < until ? writer->expire_ms : until;
	if (bd_store_has_work(writer->store) && writer->retry_ms < until) {
		until = writer->retry_ms;
	}
	until = writer->index_ms < until ? writer->index_ms : until;
	until = writer->reseal_ms < until ? writer->reseal_ms : until;
	return until > now ? until - now : 0;
}

/* Takes up to GROUP_MAX; waits for the first, but not longer than there is nothing else to do. */
static void take_group(struct bd_writer *writer, struct group *group)
{
	int64_t wait_ms = idle_ms(writer);

	*group = (struct group){ .count = 0 };
	uv_mutex_lock(&writer->lock);
	if (writer->first == NULL && writer->covers == NULL && writer->told == NULL &&
		!writer->is_stopping && wait_ms > 0) {
		uv_cond_timedwait(&writer->wake, &writer->lock, (uint64_t)wait_ms * NS_PER_MS);
	}
	group->covers = writer->covers;
	group->cover_count = writer->cover_count;
	group->is_stopping = writer->is_stopping;
	writer->covers = NULL;
	group->told = writer->told;
	writer->told = NULL;
	while (writer->first != NULL && group->count < GROUP_MAX) {
		group->items[group->count++] = writer->first;
		writer->first = writer->first->next;
	}
	if (writer->first == NULL) {
		writer->last = &writer->first;
	}
	uv_mutex_unlock(&writer->lock);
}

static void post(struct bd_write *write)
{
	if (write->home != NULL) {
		bd_mailbox_post(write->home, &write->letter);
	} else {
		write->letter.deliver(&write->letter);
	}
}

static void post_code(struct bd_write *write, enum bd_code code, const struct bd_diag *diag)
{
	if (code != BD_OK && write->entry->code == BD_OK) {
		write->entry->code = code;
		write->entry->diag = *diag;
	}
	post(write);
}

/* Nothing is known of what is on the disk: whoever waits gets no receipt, and the process ends so
 * that another finds out. */
static void hear(struct bd_writer *writer, enum bd_code code, const struct bd_diag *diag)
{
	if (code == BD_OK) {
		return;
	}
	bd_log_diag(BD_LOG_ERROR, "writer", "commit", diag);
	if (code == BD_STORE_SYNC && !writer->is_broken) {
		writer->is_broken = true;
		kill(getpid(), SIGTERM);
	}
}

/* -- short messages -- */

static void commit_short(struct bd_writer *writer, struct bd_write *const *items, size_t count)
{
	struct bd_entry *entries[GROUP_MAX];
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	if (count == 0) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		entries[i] = items[i]->entry;
	}
	code = bd_store_commit(writer->store, entries, count, &diag);
	hear(writer, code, &diag);
	__atomic_add_fetch(&writer->commits, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&writer->messages, count, __ATOMIC_RELAXED);
	for (size_t i = 0; i < count; i++) {
		post_code(items[i], code, &diag);
	}
}

/* -- long messages -- */

static void take_long(struct bd_writer *writer, struct bd_write *write)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_store_take(writer->store, write->entry, &diag);

	if (code != BD_OK) {
		hear(writer, code, &diag);
		post_code(write, code, &diag);
		return;
	}
	write->next = writer->longs;
	writer->longs = write;
}

static void post_long(struct bd_writer *writer, const struct bd_entry *entry)
{
	struct bd_write **link = &writer->longs;

	while (*link != NULL && (*link)->entry != entry) {
		link = &(*link)->next;
	}
	if (*link != NULL) {
		struct bd_write *write = *link;

		*link = write->next;
		__atomic_add_fetch(&writer->messages, 1, __ATOMIC_RELAXED);
		post(write);
	}
}

static void work(struct bd_writer *writer)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_entry *done = NULL;
	enum bd_code code;

	if (!bd_store_has_work(writer->store) || bd_clock_monotonic_ms() < writer->retry_ms) {
		return;
	}
	code = bd_store_work(writer->store, &done, &diag);
	hear(writer, code, &diag);
	writer->retry_ms = code == BD_OK ? 0 : bd_clock_monotonic_ms() + RETRY_MS;
	__atomic_add_fetch(&writer->commits, 1, __ATOMIC_RELAXED);
	if (done != NULL) {
		post_long(writer, done);
	}
}

/* -- answers kept for retries, of cases that were erased -- */

struct judging {
	struct bd_store_reader *reader;
	struct bd_arena arena;
};

static bool is_erased(void *state, struct bd_bytes receipt)
{
	struct judging *judging = state;
	struct bd_case_record record;
	struct bd_trail_id id;

	bd_arena_clear(&judging->arena);
	return bd_trail_id_read(&id, receipt) &&
	       bd_case_read(&record, judging->reader, &id, &judging->arena, NULL) == BD_CASE_ERASED;
}

static enum bd_code erase_answers(
	struct bd_writer *writer, struct bd_repeats *repeats, struct bd_diag *diag)
{
	struct judging judging = { .reader = NULL };
	const struct bd_repeats_judge judge = { is_erased, &judging };
	enum bd_code code = bd_store_reader_new(&judging.reader, writer->store, diag);

	bd_arena_init(&judging.arena, CASE_ARENA_BYTES);
	code = code == BD_OK ? bd_store_begin(judging.reader, diag) : code;
	code = code == BD_OK ? bd_repeats_erase(repeats, &judge, diag) : code;
	bd_store_reader_free(judging.reader);
	bd_arena_release(&judging.arena);
	return code;
}

/* At once, and once more when no answer from before the erasure is under way any more. */
static void follow_erasures(struct bd_writer *writer)
{
	struct bd_repeats *repeats = __atomic_load_n(&writer->repeats, __ATOMIC_ACQUIRE);
	int64_t now = bd_clock_monotonic_ms();
	struct bd_diag diag = { .code = BD_OK };
	bool is_last = writer->erased_until_ms != 0 && now >= writer->erased_until_ms;
	enum bd_code code;

	if (repeats == NULL || bd_store_erase_is_told(writer->store) ||
		(writer->erased_until_ms != 0 && !is_last)) {
		return;
	}
	code = erase_answers(writer, repeats, &diag);
	code = code == BD_OK && is_last ? bd_store_erase_told(writer->store, &diag) : code;
	hear(writer, code, &diag);
	writer->erased_until_ms = is_last && code == BD_OK ? 0 : now + ERASED_ANSWERS_MS;
}

/* -- other changes -- */

static void do_work(struct bd_writer *writer, struct bd_write *write)
{
	write->diag = (struct bd_diag){ .code = BD_OK };
	write->code = write->work(write, writer->store, &write->diag);
	if (write->code == BD_STORE_SYNC) {
		hear(writer, write->code, &write->diag);
	}
	if (write->is_at_rest) {
		writer->erased_until_ms = 0;
		follow_erasures(writer);
	}
	__atomic_add_fetch(&writer->commits, 1, __ATOMIC_RELAXED);
	post(write);
}

/* What must not come between the parts of a long message waits until there is none. */
static void begin_work(struct bd_writer *writer, struct bd_write *write)
{
	if (!write->is_at_rest || !bd_store_has_work(writer->store)) {
		do_work(writer, write);
		return;
	}
	write->next = NULL;
	*writer->last_resting = write;
	writer->last_resting = &write->next;
}

static void end_rest(struct bd_writer *writer)
{
	while (writer->resting != NULL && !bd_store_has_work(writer->store)) {
		struct bd_write *write = writer->resting;

		writer->resting = write->next;
		do_work(writer, write);
	}
	if (writer->resting == NULL) {
		writer->last_resting = &writer->resting;
	}
}

/* At the end: a long message that nobody waits for is finished after the next start. */
static void give_up_rest(struct bd_writer *writer)
{
	while (writer->resting != NULL) {
		struct bd_write *write = writer->resting;

		writer->resting = write->next;
		write->diag = (struct bd_diag){ .code = BD_OK };
		write->code = bd_fail(&write->diag, BD_DRAINING, "%s", "");
		post(write);
	}
}

/* Erasures that a killed process, or a reader of before, has left unfinished. */
static void finish_erasures(struct bd_writer *writer)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_store_erase_finish(writer->store, &diag);

	if (code != BD_ERASE_WAITS) {
		hear(writer, code, &diag);
	}
}

static void tell_news(struct bd_writer *writer)
{
	uv_mutex_lock(&writer->lock);
	if (writer->tell != NULL && bd_owed_has_news(writer->store)) {
		writer->tell(writer->listener);
	}
	uv_mutex_unlock(&writer->lock);
}

/* -- the rest -- */

/* What a full export has no more, of whom somebody has asked about. */
static bool sweep_watches(struct bd_writer *writer)
{
	struct bd_diag diag = { .code = BD_OK };
	bool has_more = false;
	enum bd_code code = bd_watch_sweep(writer->store, &has_more, &diag);

	if (code == BD_STORE_SYNC || !writer->has_sweep_failed) {
		hear(writer, code, &diag);
	}
	writer->has_sweep_failed = code != BD_OK;
	return has_more;
}

/* Tried again a second later where it fails: nothing is lost, but nothing new is found. */
static void index_cases(struct bd_writer *writer)
{
	struct bd_diag diag = { .code = BD_OK };
	bool has_more = false;
	enum bd_code code;

	if (bd_clock_monotonic_ms() < writer->index_ms) {
		return;
	}
	code = bd_cases_index(writer->store, &has_more, &diag);
	bd_cases_let_go(writer->store);
	if (code != BD_OK && (code == BD_STORE_SYNC || !writer->has_index_failed)) {
		hear(writer, code, &diag);
	}
	has_more |= sweep_watches(writer);
	writer->has_index_failed = code != BD_OK;
	writer->index_ms = bd_clock_monotonic_ms() + (code != BD_OK     ? RETRY_MS
							     : has_more ? 0
									: INDEX_MS);
}

static void tend(struct bd_writer *writer)
{
	int64_t now = bd_clock_monotonic_ms();
	struct bd_diag diag = { .code = BD_OK };
	struct bd_store_tended tended = { 0 };

	if (now < writer->tend_ms) {
		return;
	}
	writer->tend_ms = now + TEND_MS;
	finish_erasures(writer);
	if (bd_store_tend(&tended, writer->store, &diag) != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "writer", "readers", &diag);
		return;
	}
	if (tended.oldest_reads != writer->oldest_reads) {
		writer->oldest_reads = tended.oldest_reads;
		writer->oldest_since_ms = now;
	}
	if (tended.oldest_reads != 0 && tended.oldest_reads < tended.newest &&
		now - writer->oldest_since_ms >= READER_OLD_MS) {
		bd_log(BD_LOG_WARNING, "writer", "reader.old", "%llu commits behind",
			(unsigned long long)(tended.newest - tended.oldest_reads));
	}
}

static void expire(struct bd_writer *writer)
{
	int64_t now = bd_clock_monotonic_ms();
	struct bd_diag diag = { .code = BD_OK };
	bool has_more = false;

	if (now < writer->expire_ms) {
		return;
	}
	hear(writer, bd_store_expire(&has_more, writer->store, bd_clock_wall_ms(), &diag), &diag);
	if (!has_more) {
		bd_diag_clear(&diag);
		hear(writer, bd_cases_expire(writer->store, bd_clock_wall_ms(), &has_more, &diag),
			&diag);
	}
	writer->expire_ms = has_more ? now : now + EXPIRE_MS;
}

/* A step between messages; told once where it fails, and tried again. */
static void reseal(struct bd_writer *writer)
{
	struct bd_repeats *repeats = __atomic_load_n(&writer->repeats, __ATOMIC_ACQUIRE);
	struct bd_diag diag = { .code = BD_OK };
	bool has_more = false;
	enum bd_code code;

	if (bd_clock_monotonic_ms() < writer->reseal_ms) {
		return;
	}
	code = repeats != NULL ? bd_store_reseal(writer->store, bd_repeats_are_current(repeats),
					 &has_more, &diag)
			       : BD_OK;
	if (code == BD_STORE_SYNC || !writer->has_reseal_failed) {
		hear(writer, code, &diag);
	}
	writer->has_reseal_failed = code != BD_OK;
	writer->reseal_ms = bd_clock_monotonic_ms() + (has_more ? 0 : RESEAL_MS);
}

/* One that is lost is sent once more after a restart. */
static void keep_told(struct bd_writer *writer, struct told *told)
{
	while (told != NULL) {
		struct told *next = told->next;
		struct bd_diag diag = { .code = BD_OK };

		hear(writer, bd_store_watch_tell(writer->store, told->client, told->number, &diag),
			&diag);
		free(told);
		told = next;
	}
}

static void handle(struct bd_writer *writer, const struct group *group)
{
	struct bd_write *shorts[GROUP_MAX], *longs[GROUP_MAX], *works[GROUP_MAX];
	struct bd_diag diag = { .code = BD_OK };
	size_t short_count = 0, long_count = 0, work_count = 0;

	if (group->covers != NULL && bd_store_set_covers(writer->store, group->covers,
					     group->cover_count, &diag) != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "writer", "covers", &diag);
	}
	/* Sorted before any is done: what is done has gone back to its loop, which frees it. */
	for (size_t i = 0; i < group->count; i++) {
		struct bd_write *write = group->items[i];

		if (write->entry == NULL) {
			works[work_count++] = write;
		} else if (write->entry->spool == NULL) {
			shorts[short_count++] = write;
		} else {
			longs[long_count++] = write;
		}
	}
	commit_short(writer, shorts, short_count);
	keep_told(writer, group->told);
	for (size_t i = 0; i < long_count; i++) {
		take_long(writer, longs[i]);
	}
	for (size_t i = 0; i < work_count; i++) {
		begin_work(writer, works[i]);
	}
}

/* What was not finished before a restart, and has nobody who waits, may wait for the next. */
static void run(void *state)
{
	struct bd_writer *writer = state;
	struct group group;

	bd_thread_begin("writer", BD_THREAD_GIVES_WAY);
	finish_erasures(writer);
	do {
		take_group(writer, &group);
		handle(writer, &group);
		work(writer);
		end_rest(writer);
		index_cases(writer);
		tend(writer);
		expire(writer);
		reseal(writer);
		follow_erasures(writer);
		tell_news(writer);
	} while (!group.is_stopping || group.count > 0 || group.told != NULL ||
		 writer->longs != NULL);
	give_up_rest(writer);
}

enum bd_code bd_writer_start(struct bd_writer **out, struct bd_store *store)
{
	struct bd_writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL) {
		return BD_NO_MEMORY;
	}
	writer->store = store;
	writer->last = &writer->first;
	writer->last_resting = &writer->resting;
	writer->tend_ms = bd_clock_monotonic_ms() + TEND_MS;
	writer->expire_ms = writer->tend_ms;
	if (uv_mutex_init(&writer->lock) != 0 || uv_cond_init(&writer->wake) != 0 ||
		uv_thread_create(&writer->thread, run, writer) != 0) {
		free(writer);
		return BD_NO_MEMORY;
	}
	*out = writer;
	return BD_OK;
}

void bd_writer_post(struct bd_writer *writer, struct bd_write *write)
{
	write->next = NULL;
	uv_mutex_lock(&writer->lock);
	*writer->last = write;
	writer->last = &write->next;
	uv_cond_signal(&writer->wake);
	uv_mutex_unlock(&writer->lock);
}

void bd_writer_set_covers(struct bd_writer *writer, const struct bd_cover *covers, size_t count)
{
	uv_mutex_lock(&writer->lock);
	writer->covers = covers;
	writer->cover_count = count;
	uv_cond_signal(&writer->wake);
	uv_mutex_unlock(&writer->lock);
}

void bd_writer_reseal(struct bd_writer *writer, struct bd_repeats *repeats)
{
	__atomic_store_n(&writer->repeats, repeats, __ATOMIC_RELEASE);
}

void bd_writer_on_news(struct bd_writer *writer, void (*tell)(void *listener), void *listener)
{
	uv_mutex_lock(&writer->lock);
	writer->tell = tell;
	writer->listener = listener;
	uv_mutex_unlock(&writer->lock);
}

void bd_writer_tell(struct bd_writer *writer, const char *client, uint64_t number)
{
	struct told *told;

	uv_mutex_lock(&writer->lock);
	for (told = writer->told; told != NULL && strcmp(told->client, client) != 0;
		told = told->next) {
	}
	if (told == NULL) {
		told = calloc(1, sizeof(*told));
		if (told != NULL) {
			snprintf(told->client, sizeof(told->client), "%s", client);
			told->next = writer->told;
			writer->told = told;
		}
	}
	if (told != NULL) {
		told->number = number;
	}
	uv_cond_signal(&writer->wake);
	uv_mutex_unlock(&writer->lock);
}

bool bd_writer_stop(struct bd_writer *writer)
{
	bool is_broken;

	uv_mutex_lock(&writer->lock);
	writer->is_stopping = true;
	uv_cond_signal(&writer->wake);
	uv_mutex_unlock(&writer->lock);
	uv_thread_join(&writer->thread);
	is_broken = writer->is_broken;
	uv_cond_destroy(&writer->wake);
	uv_mutex_destroy(&writer->lock);
	free(writer);
	return !is_broken;
}

void bd_writer_counts(const struct bd_writer *writer, uint64_t *commits, uint64_t *messages)
{
	*commits = __atomic_load_n(&writer->commits, __ATOMIC_RELAXED);
	*messages = __atomic_load_n(&writer->messages, __ATOMIC_RELAXED);
}
