/* case_item.h - one entry of the index of cases: by what a case is found, when it was, and where it
 * stands. Layer: store, private.
 *
 * An item is bytes whose order is the order of the index: u8 kind, 16 bytes of key, u64 time,
 * receipt id, u16 loop, u32 file, u32 offset. The key of a receipt is its loop, file and offset,
 * and six zeroes: it is told apart by the whole id behind it.
 */
#ifndef BD_STORE_CASE_ITEM_H
#define BD_STORE_CASE_ITEM_H

#include "base/fronts.h"
#include "store/case_file.h"

/* Written in the store: never renumbered. None is 0 or 255. */
enum bd_case_kind { BD_CASE_BY_RECEIPT = 1, BD_CASE_BY_NUMBER, BD_CASE_BY_SUBJECT };

#define BD_CASE_ITEM_BYTES (1 + BD_NODE_KEY_BYTES + 8 + BD_TRAIL_ID_BYTES + 10)
/* Kind and key: what is asked for. */
#define BD_CASE_FRONT_KEY_BYTES (1 + BD_NODE_KEY_BYTES)
/* What of it stands before the place. */
#define BD_CASE_REF_BYTES (BD_CASE_FRONT_KEY_BYTES + 8 + BD_TRAIL_ID_BYTES)

struct bd_case_item {
	uint8_t bytes[BD_CASE_ITEM_BYTES];
};
_Static_assert(sizeof(struct bd_case_item) == BD_CASE_ITEM_BYTES, "items stand side by side");

/* key NULL: of a receipt. */
void bd_case_item_make(struct bd_case_item *out, enum bd_case_kind kind,
	const uint8_t key[BD_NODE_KEY_BYTES], const struct bd_case_head *head,
	const struct bd_case_place *place);
/* Kind and key alone; the rest is filled with this byte: before or behind all of that key. */
void bd_case_item_bound(struct bd_case_item *out, enum bd_case_kind kind,
	const uint8_t key[BD_NODE_KEY_BYTES], uint8_t rest);
void bd_case_item_of_receipt(
	struct bd_case_item *out, const struct bd_trail_id *receipt, uint8_t rest);
struct bd_case_place bd_case_item_place(const struct bd_case_item *item);
struct bd_trail_id bd_case_item_receipt(const struct bd_case_item *item);
int64_t bd_case_item_time(const struct bd_case_item *item);

static inline int bd_case_item_compare(const struct bd_case_item *a, const struct bd_case_item *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
static inline bool bd_case_item_is_of(const struct bd_case_item *a, const struct bd_case_item *b)
{
	return memcmp(a->bytes, b->bytes, BD_CASE_FRONT_KEY_BYTES) == 0;
}
/* The first item that is not before the bound (is_behind: that is behind it); count = none. */
size_t bd_case_item_search(const struct bd_case_item *items, size_t count,
	const struct bd_case_item *bound, bool is_behind);

/* Numbers of the items of `items` in their order; those of kind 0 are left out. *count is how many
 * there are. room has place for `all` of each. */
void bd_case_items_sort(uint32_t *out, size_t *count, const struct bd_case_item *items, size_t all,
	struct bd_front *room, struct bd_front *other_room);

/* Is the file of the item no more? hidden: of each loop, files before it; atomic. */
bool bd_case_is_hidden(const uint32_t *hidden, const struct bd_case_item *item);

/* -- what was asked for, gathered from several places, in its order, each once -- */

struct bd_case_gather {
	struct bd_case_item front;        /* kind and key count */
	const struct bd_case_item *after; /* only what is behind it; NULL = from the first */
	bool is_newest_first;
	struct bd_case_item *items; /* room for max */
	size_t count, max;
	const uint32_t *hidden; /* bd_case_is_hidden */
};
/* False: it is full, and neither this nor what comes behind it in its order is wanted. */
bool bd_case_gather_add(struct bd_case_gather *gather, const struct bd_case_item *item);

#endif
