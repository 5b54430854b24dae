#include "daemon/set_aside.h"

#include "base/limits.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bd_set_aside {
	pthread_mutex_t lock;
	size_t known; /* items in use; atomic, so that nobody locks for nothing */
	uint64_t refused;
	struct bd_set_aside_item items[BD_SET_ASIDE_MAX]; /* losses 0 = free */
};

enum bd_code bd_set_aside_new(struct bd_set_aside **out)
{
	struct bd_set_aside *aside = calloc(1, sizeof(*aside));

	if (aside == NULL || pthread_mutex_init(&aside->lock, NULL) != 0) {
		free(aside);
		return BD_NO_MEMORY;
	}
	*out = aside;
	return BD_OK;
}

void bd_set_aside_free(struct bd_set_aside *aside)
{
	if (aside != NULL) {
		pthread_mutex_destroy(&aside->lock);
		free(aside);
	}
}

void bd_set_aside_clear(struct bd_set_aside *aside)
{
	pthread_mutex_lock(&aside->lock);
	memset(aside->items, 0, sizeof(aside->items));
	__atomic_store_n(&aside->known, 0, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&aside->lock);
}

static bool is_empty(struct bd_set_aside *aside)
{
	return __atomic_load_n(&aside->known, __ATOMIC_ACQUIRE) == 0;
}

static bool is_of(const struct bd_set_aside_item *item, const char *source, const char *feed)
{
	return item->losses > 0 && strncmp(item->source, source, sizeof(item->source) - 1) == 0 &&
	       strncmp(item->feed, feed, sizeof(item->feed) - 1) == 0;
}

uint64_t bd_set_aside_next(
	struct bd_set_aside *aside, const char *source, const char *feed, uint64_t after)
{
	uint64_t next = UINT64_MAX;

	if (is_empty(aside)) {
		return next;
	}
	pthread_mutex_lock(&aside->lock);
	for (size_t i = 0; i < BD_SET_ASIDE_MAX; i++) {
		const struct bd_set_aside_item *item = &aside->items[i];

		if (is_of(item, source, feed) && !item->part.is_whole && item->part.bytes > after &&
			item->part.bytes < next) {
			next = item->part.bytes;
		}
	}
	pthread_mutex_unlock(&aside->lock);
	return next;
}

static struct bd_set_aside_item *find(struct bd_set_aside *aside, const char *source,
	const char *feed, const struct bd_read_part *part)
{
	for (size_t i = 0; i < BD_SET_ASIDE_MAX; i++) {
		struct bd_set_aside_item *item = &aside->items[i];

		if (is_of(item, source, feed) && item->part.bytes == part->bytes &&
			item->part.is_whole == part->is_whole &&
			memcmp(item->part.sha256, part->sha256, sizeof(part->sha256)) == 0) {
			return item;
		}
	}
	return NULL;
}

bool bd_set_aside_find(bool *is_set_aside, struct bd_set_aside *aside, const char *source,
	const char *feed, const struct bd_read_part *part)
{
	struct bd_set_aside_item *item;

	*is_set_aside = false;
	if (is_empty(aside)) {
		return false;
	}
	pthread_mutex_lock(&aside->lock);
	item = find(aside, source, feed, part);
	if (item != NULL && item->losses >= BD_WORKER_LOSSES_MAX) {
		*is_set_aside = true;
		item->refused++;
		aside->refused++;
	}
	pthread_mutex_unlock(&aside->lock);
	return item != NULL;
}

/* A free one, or that of the oldest loss. */
static struct bd_set_aside_item *take(struct bd_set_aside *aside)
{
	struct bd_set_aside_item *oldest = &aside->items[0];

	for (size_t i = 0; i < BD_SET_ASIDE_MAX; i++) {
		struct bd_set_aside_item *item = &aside->items[i];

		if (item->losses == 0) {
			__atomic_add_fetch(&aside->known, 1, __ATOMIC_RELEASE);
			return item;
		}
		oldest = item->last_ms < oldest->last_ms ? item : oldest;
	}
	return oldest;
}

bool bd_set_aside_add(struct bd_set_aside *aside, const char *source, const char *feed,
	const char *sender, const struct bd_read_part *part, enum bd_code why, int64_t now_ms)
{
	struct bd_set_aside_item *item;
	bool is_set_aside;

	pthread_mutex_lock(&aside->lock);
	item = find(aside, source, feed, part);
	if (item == NULL) {
		item = take(aside);
		*item = (struct bd_set_aside_item){ .part = *part, .first_ms = now_ms };
		snprintf(item->source, sizeof(item->source), "%s", source);
		snprintf(item->feed, sizeof(item->feed), "%s", feed);
	}
	snprintf(item->sender, sizeof(item->sender), "%s", sender);
	item->losses++;
	item->why = why;
	item->last_ms = now_ms;
	is_set_aside = item->losses >= BD_WORKER_LOSSES_MAX;
	pthread_mutex_unlock(&aside->lock);
	return is_set_aside;
}

void bd_set_aside_count(struct bd_set_aside_counts *out, struct bd_set_aside *aside)
{
	*out = (struct bd_set_aside_counts){ 0 };
	pthread_mutex_lock(&aside->lock);
	out->refused = aside->refused;
	for (size_t i = 0; i < BD_SET_ASIDE_MAX; i++) {
		out->items += aside->items[i].losses >= BD_WORKER_LOSSES_MAX;
	}
	pthread_mutex_unlock(&aside->lock);
}

static int by_newest(const void *left, const void *right)
{
	const struct bd_set_aside_item *a = left, *b = right;

	return (a->last_ms < b->last_ms) - (a->last_ms > b->last_ms);
}

size_t bd_set_aside_list(struct bd_set_aside_item *items, size_t room, struct bd_set_aside *aside)
{
	size_t count = 0;

	pthread_mutex_lock(&aside->lock);
	for (size_t i = 0; i < BD_SET_ASIDE_MAX && count < room; i++) {
		if (aside->items[i].losses >= BD_WORKER_LOSSES_MAX) {
			items[count++] = aside->items[i];
		}
	}
	pthread_mutex_unlock(&aside->lock);
	qsort(items, count, sizeof(*items), by_newest);
	return count;
}
