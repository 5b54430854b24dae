#include "store/makers.h"

#include "base/limits.h"
#include "base/list.h"
#include "base/thread.h"
#include "base/try.h"
#include "record/pack.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Records of one batch: the last of its nodes may go on to twice BD_BATCH_BYTES, and then have one
 * record more; blocks of an arena are not full. */
#define RECORDS_MAX_BYTES ((size_t)4 * (BD_BATCH_BYTES + BD_RECORD_MAX_BYTES))

struct thread {
	struct bd_makers *makers;
	struct bd_maker maker;
	struct bd_buf plain;
	bool can_see; /* its snapshot is open */
	pthread_t id;
};

struct bd_makers {
	struct bd_store *store;
	struct thread threads[BD_MAKERS_MAX];
	size_t thread_count;
	struct bd_maker own; /* the writer's, for batches that he makes */
	pthread_mutex_t lock;
	pthread_cond_t given, made;
	/* Under the lock: */
	struct bd_batch *batches; /* a ring */
	size_t batch_count;
	size_t first, used; /* those that are on their way */
	bool is_ending;
};

/* -- a batch -- */

struct bd_batch_node *bd_batch_add_node(
	struct bd_batch *batch, const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_batch_node *node = &batch->nodes[batch->count++];

	memcpy(node->key, key, BD_NODE_KEY_BYTES);
	node->record = batch->record_count;
	node->record_count = 0;
	node->is_left = node->is_made = node->goes_on = false;
	node->rest[0] = node->rest[1] = 0;
	return node;
}

enum bd_code bd_batch_add_record(struct bd_batch *batch, struct bd_bytes packed)
{
	struct bd_bytes kept = bd_arena_copy(&batch->arena, packed);

	if (kept.ptr == NULL) {
		return bd_arena_code(&batch->arena);
	}
	if (!bd_list_grow(&batch->records, &batch->record_cap, batch->record_count, 256,
		    sizeof(*batch->records))) {
		return BD_NO_MEMORY;
	}
	batch->records[batch->record_count++] = kept;
	batch->nodes[batch->count - 1].record_count++;
	return BD_OK;
}

static enum bd_code read_items(struct bd_item *items, struct bd_batch *batch,
	const struct bd_batch_node *node, const struct bd_journal_entry *journal)
{
	for (size_t i = 0; i < node->record_count; i++) {
		struct bd_item *item = &items[i];

		*item = (struct bd_item){ .number = i };
		memcpy(item->key, node->key, BD_NODE_KEY_BYTES);
		BD_TRY(bd_record_unpack(
			&item->record, batch->records[node->record + i], &batch->made));
		bd_make_complete(&item->record, journal);
		if (item->record.subject_count == 0) {
			return BD_SUBJECT_MISSING;
		}
		item->self = &item->record.subject[0];
	}
	return BD_OK;
}

static enum bd_code make_node(
	struct bd_batch *batch, struct bd_batch_node *node, struct bd_maker *maker)
{
	struct bd_item *items = bd_arena_take(&batch->made, node->record_count, sizeof(*items));
	struct bd_diag ignored = { .code = BD_OK };

	if (items == NULL) {
		return bd_arena_code(&batch->made);
	}
	BD_TRY(read_items(items, batch, node, maker->journal));
	return bd_make_node(&node->made, maker, items, node->record_count, false, &ignored);
}

static void make_batch(struct bd_batch *batch, struct bd_maker *maker)
{
	maker->arena = &batch->made;
	maker->changes = &batch->changes;
	for (size_t i = 0; i < batch->count; i++) {
		struct bd_batch_node *node = &batch->nodes[i];
		size_t change = batch->changes.count;

		node->is_made = !node->is_left && make_node(batch, node, maker) == BD_OK;
		batch->changes.count = node->is_made ? batch->changes.count : change;
		node->change = change;
		node->change_count = batch->changes.count - change;
		bd_thread_share();
	}
}

/* -- threads -- */

static struct bd_batch *batch_at(const struct bd_makers *makers, size_t place)
{
	return &makers->batches[(makers->first + place) % makers->batch_count];
}

/* The first that nobody has taken; the writer, who waits for the first, takes the last. */
static struct bd_batch *take(const struct bd_makers *makers, bool is_last)
{
	for (size_t i = 0; i < makers->used; i++) {
		struct bd_batch *batch = batch_at(makers, is_last ? makers->used - 1 - i : i);

		if (batch->state == BD_BATCH_GIVEN) {
			batch->state = BD_BATCH_TAKEN;
			return batch;
		}
	}
	return NULL;
}

static void *run(void *argument)
{
	struct thread *thread = argument;
	struct bd_makers *makers = thread->makers;

	bd_thread_begin("maker", BD_THREAD_GIVES_WAY);
	pthread_mutex_lock(&makers->lock);
	while (!makers->is_ending) {
		struct bd_batch *batch = thread->can_see ? take(makers, false) : NULL;

		if (batch == NULL) {
			pthread_cond_wait(&makers->given, &makers->lock);
			continue;
		}
		pthread_mutex_unlock(&makers->lock);
		make_batch(batch, &thread->maker);
		pthread_mutex_lock(&makers->lock);
		batch->state = BD_BATCH_MADE;
		pthread_cond_signal(&makers->made);
	}
	pthread_mutex_unlock(&makers->lock);
	return NULL;
}

/* Without a snapshot or keys of its own a thread would be of no use. */
static void start_thread(struct bd_makers *makers, const struct bd_journal_entry *journal)
{
	struct thread *thread = &makers->threads[makers->thread_count];
	struct bd_node_view *view = &thread->maker.view;
	MDB_env *env = makers->store->env;

	thread->makers = makers;
	bd_buf_init(&thread->plain, BD_NODE_MAX_BYTES * 2);
	thread->maker.plain = &thread->plain;
	*view = (struct bd_node_view){
		.store = makers->store, .is_writer = true, .is_beside = true
	};
	thread->maker.journal = journal;
	if (bd_seal_new(&view->seal, makers->store->ring) == BD_OK &&
		mdb_txn_begin(env, NULL, MDB_RDONLY, &view->txn) == 0) {
		mdb_txn_reset(view->txn);
		if (pthread_create(&thread->id, NULL, run, thread) == 0) {
			makers->thread_count++;
			return;
		}
		mdb_txn_abort(view->txn);
	}
	bd_seal_free(view->seal);
}

/* Beside the writer. */
static size_t free_processors(void)
{
	cpu_set_t set;
	int count;

	CPU_ZERO(&set);
	count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return count > 1 ? (size_t)count - 1 : 0;
}

enum bd_code bd_makers_new(
	struct bd_makers **out, struct bd_store *store, const struct bd_journal_entry *journal)
{
	struct bd_makers *makers = calloc(1, sizeof(*makers));
	size_t threads = free_processors();

	*out = NULL;
	if (makers == NULL) {
		return BD_NO_MEMORY;
	}
	threads = threads < BD_MAKERS_MAX ? threads : BD_MAKERS_MAX;
	makers->store = store;
	makers->batch_count = BD_BATCHES_OF(threads);
	makers->batches = calloc(makers->batch_count, sizeof(*makers->batches));
	if (makers->batches == NULL) {
		free(makers);
		return BD_NO_MEMORY;
	}
	for (size_t i = 0; i < makers->batch_count; i++) {
		bd_arena_init(&makers->batches[i].arena, RECORDS_MAX_BYTES);
		bd_arena_init(&makers->batches[i].made, BD_BATCH_MADE_BYTES);
	}
	pthread_mutex_init(&makers->lock, NULL);
	pthread_cond_init(&makers->given, NULL);
	pthread_cond_init(&makers->made, NULL);
	for (size_t i = 0; i < threads; i++) {
		start_thread(makers, journal);
	}
	*out = makers;
	return BD_OK;
}

void bd_makers_free(struct bd_makers *makers)
{
	if (makers == NULL) {
		return;
	}
	bd_makers_end(makers);
	pthread_mutex_lock(&makers->lock);
	makers->is_ending = true;
	pthread_cond_broadcast(&makers->given);
	pthread_mutex_unlock(&makers->lock);
	for (size_t i = 0; i < makers->thread_count; i++) {
		struct thread *thread = &makers->threads[i];

		pthread_join(thread->id, NULL);
		mdb_txn_abort(thread->maker.view.txn);
		bd_seal_free(thread->maker.view.seal);
		bd_buf_wipe(&thread->plain);
	}
	for (size_t i = 0; i < makers->batch_count; i++) {
		free(makers->batches[i].records);
		free(makers->batches[i].changes.items);
		bd_arena_release(&makers->batches[i].arena);
		bd_arena_release(&makers->batches[i].made);
	}
	pthread_cond_destroy(&makers->given);
	pthread_cond_destroy(&makers->made);
	pthread_mutex_destroy(&makers->lock);
	free(makers->batches);
	free(makers);
}

/* -- a transaction -- */

void bd_makers_begin(struct bd_makers *makers, const struct bd_maker *own)
{
	pthread_mutex_lock(&makers->lock);
	makers->own = *own;
	for (size_t i = 0; i < makers->thread_count; i++) {
		struct thread *thread = &makers->threads[i];

		thread->maker.context = own->context;
		thread->maker.view.marks = own->view.marks;
		thread->can_see = mdb_txn_renew(thread->maker.view.txn) == 0;
	}
	pthread_mutex_unlock(&makers->lock);
}

void bd_makers_end(struct bd_makers *makers)
{
	pthread_mutex_lock(&makers->lock);
	for (size_t i = 0; i < makers->used; i++) {
		struct bd_batch *batch = batch_at(makers, i);

		batch->state = batch->state == BD_BATCH_GIVEN ? BD_BATCH_FREE : batch->state;
		while (batch->state == BD_BATCH_TAKEN) {
			pthread_cond_wait(&makers->made, &makers->lock);
		}
		batch->state = BD_BATCH_FREE;
	}
	makers->used = 0;
	for (size_t i = 0; i < makers->thread_count; i++) {
		struct thread *thread = &makers->threads[i];

		if (thread->can_see) {
			mdb_txn_reset(thread->maker.view.txn);
		}
		thread->can_see = false;
	}
	pthread_mutex_unlock(&makers->lock);
}

/* -- batches, by the writer -- */

struct bd_batch *bd_makers_new_batch(struct bd_makers *makers)
{
	struct bd_batch *batch = batch_at(makers, makers->used);

	if (makers->used == makers->batch_count) {
		return NULL;
	}
	batch->count = batch->record_count = batch->changes.count = 0;
	bd_arena_clear(&batch->arena);
	bd_arena_clear(&batch->made);
	return batch;
}

void bd_makers_give(struct bd_makers *makers, struct bd_batch *batch)
{
	pthread_mutex_lock(&makers->lock);
	batch->state = BD_BATCH_GIVEN;
	makers->used++;
	pthread_cond_signal(&makers->given);
	pthread_mutex_unlock(&makers->lock);
}

struct bd_batch *bd_makers_next(struct bd_makers *makers)
{
	struct bd_batch *first = makers->used > 0 ? batch_at(makers, 0) : NULL;

	pthread_mutex_lock(&makers->lock);
	while (first != NULL && first->state != BD_BATCH_MADE) {
		struct bd_batch *batch = take(makers, true);

		if (batch == NULL) {
			pthread_cond_wait(&makers->made, &makers->lock);
			continue;
		}
		pthread_mutex_unlock(&makers->lock);
		make_batch(batch, &makers->own);
		pthread_mutex_lock(&makers->lock);
		batch->state = BD_BATCH_MADE;
	}
	pthread_mutex_unlock(&makers->lock);
	return first;
}

void bd_makers_pass(struct bd_makers *makers, struct bd_batch *batch)
{
	pthread_mutex_lock(&makers->lock);
	batch->state = BD_BATCH_FREE;
	makers->first = (makers->first + 1) % makers->batch_count;
	makers->used--;
	pthread_mutex_unlock(&makers->lock);
}
