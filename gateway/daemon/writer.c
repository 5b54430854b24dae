#include "daemon/writer.h"

#include "base/log.h"

#include <stdlib.h>

/* Messages of one commit: past this the waiting of the first is worth more than the syncs saved. */
#define GROUP_MAX 256

struct bd_writer {
	struct bd_store *store;
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;
	struct bd_write *first, **last;
	const struct bd_cover *covers; /* to be set before the next group; NULL = no change */
	size_t cover_count;
	bool is_stopping;
	uint64_t commits, messages; /* atomic */
};

/* Takes up to GROUP_MAX; waits for the first. 0 when the writer is to stop and nothing waits. */
static size_t take_group(struct bd_writer *writer, struct bd_write *group[GROUP_MAX],
	const struct bd_cover **covers, size_t *cover_count)
{
	size_t count = 0;

	uv_mutex_lock(&writer->lock);
	while (writer->first == NULL && writer->covers == NULL && !writer->is_stopping) {
		uv_cond_wait(&writer->wake, &writer->lock);
	}
	*covers = writer->covers;
	*cover_count = writer->cover_count;
	writer->covers = NULL;
	while (writer->first != NULL && count < GROUP_MAX) {
		group[count++] = writer->first;
		writer->first = writer->first->next;
	}
	if (writer->first == NULL) {
		writer->last = &writer->first;
	}
	uv_mutex_unlock(&writer->lock);
	return count;
}

static void commit(struct bd_writer *writer, struct bd_write *group[], size_t count)
{
	struct bd_entry *entries[GROUP_MAX];
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	for (size_t i = 0; i < count; i++) {
		entries[i] = group[i]->entry;
	}
	code = bd_store_commit(writer->store, entries, count, &diag);
	if (code != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "writer", "commit", &diag);
	}
	__atomic_add_fetch(&writer->commits, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&writer->messages, count, __ATOMIC_RELAXED);
	for (size_t i = 0; i < count; i++) {
		if (code != BD_OK && entries[i]->code == BD_OK) {
			entries[i]->code = code;
			entries[i]->diag = diag;
		}
		bd_mailbox_post(group[i]->home, &group[i]->letter);
	}
}

static void run(void *state)
{
	struct bd_writer *writer = state;
	struct bd_write *group[GROUP_MAX];
	const struct bd_cover *covers;
	size_t cover_count, count;

	for (;;) {
		struct bd_diag diag = { .code = BD_OK };

		count = take_group(writer, group, &covers, &cover_count);
		if (covers != NULL &&
			bd_store_set_covers(writer->store, covers, cover_count, &diag) != BD_OK) {
			bd_log_diag(BD_LOG_ERROR, "writer", "covers", &diag);
		}
		if (count > 0) {
			commit(writer, group, count);
		} else if (covers == NULL) {
			return;
		}
	}
}

enum bd_code bd_writer_start(struct bd_writer **out, struct bd_store *store)
{
	struct bd_writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL) {
		return BD_NO_MEMORY;
	}
	writer->store = store;
	writer->last = &writer->first;
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

void bd_writer_stop(struct bd_writer *writer)
{
	uv_mutex_lock(&writer->lock);
	writer->is_stopping = true;
	uv_cond_signal(&writer->wake);
	uv_mutex_unlock(&writer->lock);
	uv_thread_join(&writer->thread);
	uv_cond_destroy(&writer->wake);
	uv_mutex_destroy(&writer->lock);
	free(writer);
}

void bd_writer_counts(const struct bd_writer *writer, uint64_t *commits, uint64_t *messages)
{
	*commits = __atomic_load_n(&writer->commits, __ATOMIC_RELAXED);
	*messages = __atomic_load_n(&writer->messages, __ATOMIC_RELAXED);
}
