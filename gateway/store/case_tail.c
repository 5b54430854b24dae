#include "store/case_tail.h"

#include <stdlib.h>

#define BUCKET_BITS 15
#define BUCKETS ((size_t)1 << BUCKET_BITS)

enum bd_code bd_case_tail_open(struct bd_case_tail *tail)
{
	*tail = (struct bd_case_tail){ .wanted_max = BD_CASE_TAIL_ITEMS };
	pthread_mutex_init(&tail->lock, NULL);
	tail->buckets = calloc(BUCKETS, sizeof(*tail->buckets));
	return tail->buckets != NULL ? BD_OK : BD_NO_MEMORY;
}

void bd_case_tail_close(struct bd_case_tail *tail)
{
	pthread_mutex_destroy(&tail->lock);
	free(tail->items);
	free(tail->next);
	free(tail->buckets);
	free(tail->order);
}

static uint32_t *bucket_of(const struct bd_case_tail *tail, const struct bd_case_item *item)
{
	uint64_t halves[2];

	memcpy(halves, item->bytes + 1, sizeof(halves));
	return &tail->buckets[(halves[0] ^ halves[1] * UINT64_C(0x9e3779b97f4a7c15)) *
				      UINT64_C(0xbf58476d1ce4e5b9) >>
			      (64 - BUCKET_BITS)];
}

static bool grow(void **list, size_t cap, size_t size)
{
	void *more = realloc(*list, cap * size);

	*list = more != NULL ? more : *list;
	return more != NULL;
}

enum bd_code bd_case_tail_reserve(struct bd_case_tail *tail, size_t more)
{
	size_t cap = tail->cap > 0 ? tail->cap : 1024;
	bool is_grown;

	while (cap < tail->count + more) {
		cap *= 2;
	}
	if (cap == tail->cap) {
		return BD_OK;
	}
	if (cap > UINT32_MAX / 2) {
		return BD_NO_MEMORY;
	}
	pthread_mutex_lock(&tail->lock);
	is_grown = grow((void **)&tail->items, cap, sizeof(*tail->items)) &&
		   grow((void **)&tail->next, cap, sizeof(*tail->next));
	pthread_mutex_unlock(&tail->lock);
	is_grown = is_grown && grow((void **)&tail->order, cap, sizeof(*tail->order));
	tail->cap = is_grown ? cap : tail->cap;
	return is_grown ? BD_OK : BD_NO_MEMORY;
}

void bd_case_tail_add(struct bd_case_tail *tail, const struct bd_case_item *item)
{
	uint32_t *bucket = bucket_of(tail, item);

	tail->items[tail->count] = *item;
	tail->next[tail->count] = *bucket;
	tail->subjects += item->bytes[0] == BD_CASE_BY_SUBJECT;
	*bucket = (uint32_t)++tail->count;
}

/* The newest of a bucket stands first in it. One that was taken out has its key still. */
void bd_case_tail_cut(struct bd_case_tail *tail, size_t count)
{
	while (tail->count > count) {
		const struct bd_case_item *item = &tail->items[--tail->count];

		*bucket_of(tail, item) = tail->next[tail->count];
		tail->subjects -= item->bytes[0] == BD_CASE_BY_SUBJECT;
	}
	tail->sorted = 0;
}

void bd_case_tail_clear(struct bd_case_tail *tail)
{
	memset(tail->buckets, 0, BUCKETS * sizeof(*tail->buckets));
	tail->count = tail->subjects = tail->sorted = 0;
}

void bd_case_tail_remove(struct bd_case_tail *tail, const struct bd_case_item *item)
{
	for (uint32_t at = *bucket_of(tail, item); at != 0; at = tail->next[at - 1]) {
		struct bd_case_item *one = &tail->items[at - 1];

		if (bd_case_item_compare(one, item) == 0) {
			tail->subjects -= one->bytes[0] == BD_CASE_BY_SUBJECT;
			one->bytes[0] = 0;
			tail->sorted = 0;
		}
	}
}

void bd_case_tail_gather(struct bd_case_gather *gather, const struct bd_case_tail *tail)
{
	for (uint32_t at = *bucket_of(tail, &gather->front); at != 0; at = tail->next[at - 1]) {
		const struct bd_case_item *one = &tail->items[at - 1];

		if (bd_case_item_is_of(one, &gather->front)) {
			bd_case_gather_add(gather, one);
		}
	}
}

enum bd_code bd_case_tail_sort(struct bd_case_tail *tail)
{
	struct bd_front *rooms;

	if (tail->sorted == tail->count && tail->count > 0) {
		return BD_OK;
	}
	tail->order_count = 0;
	if (tail->count == 0) {
		return BD_OK;
	}
	rooms = malloc(2 * tail->count * sizeof(*rooms));
	if (rooms == NULL) {
		return BD_NO_MEMORY;
	}
	bd_case_items_sort(tail->order, &tail->order_count, tail->items, tail->count, rooms,
		rooms + tail->count);
	free(rooms);
	tail->sorted = tail->count;
	return BD_OK;
}

size_t bd_case_tail_find_behind(const struct bd_case_tail *tail, const struct bd_case_item *bound)
{
	size_t from = 0, to = tail->order_count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (bd_case_item_compare(&tail->items[tail->order[middle]], bound) <= 0) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

const struct bd_case_item *bd_case_tail_behind(
	const struct bd_case_tail *tail, const struct bd_case_item *bound)
{
	size_t at = bd_case_tail_find_behind(tail, bound);

	return at < tail->order_count ? &tail->items[tail->order[at]] : NULL;
}
