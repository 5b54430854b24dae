#include "store/case_item.h"

#include "base/thread.h"

#include <stdlib.h>

/* -- forms -- */

static void put_front(char *at, const struct bd_trail_id *receipt)
{
	*at = BD_CASE_BY_RECEIPT;
	at = bd_put_u16(at + 1, receipt->loop);
	at = bd_put_u32(at, receipt->segment);
	at = bd_put_u32(at, receipt->offset);
	memset(at, 0, BD_NODE_KEY_BYTES - 10);
}

void bd_case_item_make(struct bd_case_item *out, enum bd_case_kind kind,
	const uint8_t key[BD_NODE_KEY_BYTES], const struct bd_case_head *head,
	const struct bd_case_place *place)
{
	char *at = (char *)out->bytes;

	if (kind == BD_CASE_BY_RECEIPT) {
		put_front(at, &head->receipt);
	} else {
		*at = (char)kind;
		memcpy(at + 1, key, BD_NODE_KEY_BYTES);
	}
	at = bd_put_u64(at + BD_CASE_FRONT_KEY_BYTES, (uint64_t)head->at_ms);
	at = bd_put_u64(at, head->receipt.instance);
	at = bd_put_u16(at, head->receipt.loop);
	at = bd_put_u32(at, head->receipt.segment);
	at = bd_put_u32(at, head->receipt.offset);
	at = bd_put_u16(at, place->loop);
	at = bd_put_u32(at, place->segment);
	bd_put_u32(at, place->offset);
}

void bd_case_item_bound(struct bd_case_item *out, enum bd_case_kind kind,
	const uint8_t key[BD_NODE_KEY_BYTES], uint8_t rest)
{
	out->bytes[0] = (uint8_t)kind;
	memcpy(out->bytes + 1, key, BD_NODE_KEY_BYTES);
	memset(out->bytes + BD_CASE_FRONT_KEY_BYTES, rest,
		sizeof(out->bytes) - BD_CASE_FRONT_KEY_BYTES);
}

void bd_case_item_of_receipt(
	struct bd_case_item *out, const struct bd_trail_id *receipt, uint8_t rest)
{
	put_front((char *)out->bytes, receipt);
	memset(out->bytes + BD_CASE_FRONT_KEY_BYTES, rest,
		sizeof(out->bytes) - BD_CASE_FRONT_KEY_BYTES);
}

static struct bd_reader read_from(const struct bd_case_item *item, size_t at)
{
	return bd_reader_of(
		(struct bd_bytes){ (const char *)item->bytes + at, sizeof(item->bytes) - at });
}

struct bd_case_place bd_case_item_place(const struct bd_case_item *item)
{
	struct bd_reader reader = read_from(item, BD_CASE_REF_BYTES);
	struct bd_case_place place;

	place.loop = bd_read_u16(&reader);
	place.segment = bd_read_u32(&reader);
	place.offset = bd_read_u32(&reader);
	return place;
}

struct bd_trail_id bd_case_item_receipt(const struct bd_case_item *item)
{
	struct bd_reader reader = read_from(item, BD_CASE_FRONT_KEY_BYTES + 8);

	return bd_trail_id_unpack(&reader);
}

int64_t bd_case_item_time(const struct bd_case_item *item)
{
	struct bd_reader reader = read_from(item, BD_CASE_FRONT_KEY_BYTES);

	return (int64_t)bd_read_u64(&reader);
}

size_t bd_case_item_search(const struct bd_case_item *items, size_t count,
	const struct bd_case_item *bound, bool is_behind)
{
	size_t from = 0, to = count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = bd_case_item_compare(&items[middle], bound);

		if (order < 0 || (order == 0 && is_behind)) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

/* -- order -- */

/* The kind, and the first bytes of the key: blinded ones are as good as drawn. */
static uint64_t front_of(const struct bd_case_item *item)
{
	uint64_t key;

	memcpy(&key, item->bytes + 1, sizeof(key));
	return (uint64_t)item->bytes[0] << 62 | be64toh(key) >> 2;
}

static int compare_at(uint32_t a, uint32_t b, const void *items)
{
	const struct bd_case_item *all = items;

	return bd_case_item_compare(&all[a], &all[b]);
}

void bd_case_items_sort(uint32_t *out, size_t *count, const struct bd_case_item *items, size_t all,
	struct bd_front *room, struct bd_front *other_room)
{
	const struct bd_front *sorted;
	size_t live = 0;

	for (size_t i = 0; i < all; i++) {
		if (items[i].bytes[0] != 0) {
			room[live++] = (struct bd_front){ front_of(&items[i]), (uint32_t)i };
		}
		bd_thread_share_at(i);
	}
	sorted = bd_fronts_sort(room, other_room, live, compare_at, items);
	for (size_t i = 0; i < live; i++) {
		out[i] = sorted[i].at;
		bd_thread_share_at(i);
	}
	*count = live;
}

/* -- gathering -- */

bool bd_case_is_hidden(const uint32_t *hidden, const struct bd_case_item *item)
{
	uint16_t loop;
	uint32_t segment;

	memcpy(&loop, item->bytes + BD_CASE_REF_BYTES, sizeof(loop));
	memcpy(&segment, item->bytes + BD_CASE_REF_BYTES + sizeof(loop), sizeof(segment));
	loop = be16toh(loop);
	return loop >= BD_TRAIL_LOOPS_MAX ||
	       be32toh(segment) < __atomic_load_n(&hidden[loop], __ATOMIC_ACQUIRE);
}

/* Where it goes: behind those that come before it. */
static size_t place_of(const struct bd_case_gather *gather, const struct bd_case_item *item)
{
	size_t from = 0, to = gather->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = bd_case_item_compare(&gather->items[middle], item);

		if ((gather->is_newest_first ? -order : order) < 0) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

bool bd_case_gather_add(struct bd_case_gather *gather, const struct bd_case_item *item)
{
	size_t at;

	if (gather->after != NULL && bd_case_item_compare(item, gather->after) <= 0) {
		return true;
	}
	at = place_of(gather, item);
	if (at == gather->max) {
		return false;
	}
	if (bd_case_is_hidden(gather->hidden, item) ||
		(at < gather->count && bd_case_item_compare(&gather->items[at], item) == 0)) {
		return true;
	}
	gather->count -= gather->count == gather->max;
	memmove(gather->items + at + 1, gather->items + at,
		(gather->count - at) * sizeof(*gather->items));
	gather->items[at] = *item;
	gather->count++;
	return true;
}
