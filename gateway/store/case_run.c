#include "store/case_run.h"

#include "base/try.h"

#include <stdlib.h>

#define FORM 1
#define NUMBER_BYTES 4
#define BLOCK_NAME_BYTES (NUMBER_BYTES + BD_CASE_ITEM_BYTES)
/* A part of a filter: as much as a block. */
#define PART_BLOCKS 62
#define PART_MARK 0xFF

/* -- forms -- */

struct bd_bytes bd_case_run_name(char room[4], uint32_t number)
{
	uint32_t bytes = htobe32(number);

	memcpy(room, &bytes, NUMBER_BYTES);
	return (struct bd_bytes){ room, NUMBER_BYTES };
}

static struct bd_bytes block_name(
	char room[BLOCK_NAME_BYTES], uint32_t number, const struct bd_case_item *item)
{
	bd_case_run_name(room, number);
	memcpy(room + NUMBER_BYTES, item->bytes, sizeof(item->bytes));
	return (struct bd_bytes){ room, BLOCK_NAME_BYTES };
}

static struct bd_bytes part_name(char room[BLOCK_NAME_BYTES], uint32_t number, uint32_t part)
{
	bd_case_run_name(room, number);
	room[NUMBER_BYTES] = (char)PART_MARK;
	bd_case_run_name(room + NUMBER_BYTES + 1, part);
	return (struct bd_bytes){ room, 2 * NUMBER_BYTES + 1 };
}

enum bd_code bd_case_run_pack(struct bd_buf *out, const struct bd_case_run *run)
{
	BD_TRY(bd_buf_add_u8(out, FORM));
	BD_TRY(bd_buf_add_u64(out, run->items));
	BD_TRY(bd_buf_add_u64(out, run->subjects));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)run->oldest_ms));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)run->newest_ms));
	return bd_buf_add_u32(out, run->filter_blocks);
}

bool bd_case_run_unpack(struct bd_case_run *out, struct bd_bytes name, struct bd_bytes value)
{
	struct bd_reader key = bd_reader_of(name), reader = bd_reader_of(value);
	uint8_t form = bd_read_u8(&reader);

	*out = (struct bd_case_run){ .number = bd_read_u32(&key) };
	out->items = bd_read_u64(&reader);
	out->subjects = bd_read_u64(&reader);
	out->oldest_ms = (int64_t)bd_read_u64(&reader);
	out->newest_ms = (int64_t)bd_read_u64(&reader);
	out->filter_blocks = bd_read_u32(&reader);
	return key.ok && key.rest.len == 0 && reader.ok && reader.rest.len == 0 && form == FORM;
}

bool bd_case_block_read(const struct bd_case_item **items, size_t *count, struct bd_bytes name,
	struct bd_bytes value, uint32_t run)
{
	struct bd_reader reader = bd_reader_of(name);

	if (name.len != BLOCK_NAME_BYTES || bd_read_u32(&reader) != run ||
		value.len % BD_CASE_ITEM_BYTES != 0) {
		return false;
	}
	*items = (const struct bd_case_item *)value.ptr;
	*count = value.len / BD_CASE_ITEM_BYTES;
	return true;
}

/* -- reading -- */

int bd_case_run_next(struct bd_case_run *run, bool *is_whole, MDB_cursor *cursor, uint32_t from)
{
	char room[NUMBER_BYTES];
	struct bd_bytes name = bd_case_run_name(room, from);
	MDB_val key = { name.len, room }, value;
	int result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

	*is_whole = false;
	if (result == 0) {
		name = (struct bd_bytes){ key.mv_data, key.mv_size };
		*is_whole = bd_case_run_unpack(
			run, name, (struct bd_bytes){ value.mv_data, value.mv_size });
		if (!*is_whole) {
			struct bd_reader reader = bd_reader_of(name);

			*run = (struct bd_case_run){ .number = bd_read_u32(&reader) };
		}
	}
	return result;
}

/* A block under the cursor. */
struct block {
	const struct bd_case_item *items;
	size_t count;
};

static int take(
	struct block *block, int result, const MDB_val *key, const MDB_val *value, uint32_t run)
{
	if (result == 0 && !bd_case_block_read(&block->items, &block->count,
				   (struct bd_bytes){ key->mv_data, key->mv_size },
				   (struct bd_bytes){ value->mv_data, value->mv_size }, run)) {
		return MDB_NOTFOUND;
	}
	return result;
}

static int step(struct block *block, MDB_cursor *cursor, uint32_t run, MDB_cursor_op way)
{
	MDB_val key, value;
	int result = mdb_cursor_get(cursor, &key, &value, way);

	return take(block, result, &key, &value, run);
}

/* The block in which the bound stands, or would. */
static int seek(
	struct block *block, MDB_cursor *cursor, uint32_t run, const struct bd_case_item *bound)
{
	char room[BLOCK_NAME_BYTES];
	struct bd_bytes name = block_name(room, run, bound);
	MDB_val key = { name.len, room }, value;
	int result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

	if (result == 0 && key.mv_size == name.len && memcmp(key.mv_data, room, name.len) == 0) {
		return take(block, 0, &key, &value, run);
	}
	if (result == 0 || result == MDB_NOTFOUND) {
		result = step(block, cursor, run, result == 0 ? MDB_PREV : MDB_LAST);
	}
	/* Before all of the run: its first. */
	return result == MDB_NOTFOUND ? step(block, cursor, run, MDB_NEXT) : result;
}

static int gather_forward(struct bd_case_gather *gather, MDB_cursor *cursor, uint32_t run)
{
	struct bd_case_item from = gather->front;
	struct block block;
	size_t at;
	int result;

	memset(from.bytes + BD_CASE_FRONT_KEY_BYTES, 0,
		sizeof(from.bytes) - BD_CASE_FRONT_KEY_BYTES);
	from = gather->after != NULL ? *gather->after : from;
	result = seek(&block, cursor, run, &from);
	at = result == 0 ? bd_case_item_search(block.items, block.count, &from, false) : 0;
	while (result == 0) {
		for (; at < block.count; at++) {
			if (!bd_case_item_is_of(&block.items[at], &gather->front) ||
				!bd_case_gather_add(gather, &block.items[at])) {
				return 0;
			}
		}
		result = step(&block, cursor, run, MDB_NEXT);
		at = 0;
	}
	return result;
}

static int gather_backward(struct bd_case_gather *gather, MDB_cursor *cursor, uint32_t run)
{
	struct bd_case_item until = gather->front;
	struct block block;
	size_t at;
	int result;

	memset(until.bytes + BD_CASE_FRONT_KEY_BYTES, 0xFF,
		sizeof(until.bytes) - BD_CASE_FRONT_KEY_BYTES);
	result = seek(&block, cursor, run, &until);
	at = result == 0 ? bd_case_item_search(block.items, block.count, &until, true) : 0;
	while (result == 0) {
		for (; at > 0; at--) {
			if (!bd_case_item_is_of(&block.items[at - 1], &gather->front) ||
				!bd_case_gather_add(gather, &block.items[at - 1])) {
				return 0;
			}
		}
		result = step(&block, cursor, run, MDB_PREV);
		at = result == 0 ? block.count : 0;
	}
	return result;
}

int bd_case_run_gather(struct bd_case_gather *gather, MDB_cursor *cursor, uint32_t run)
{
	int result = gather->is_newest_first ? gather_backward(gather, cursor, run)
					     : gather_forward(gather, cursor, run);

	return result == MDB_NOTFOUND ? 0 : result;
}

int bd_case_run_behind(struct bd_case_item *out, bool *found, MDB_cursor *cursor, uint32_t run,
	const struct bd_case_item *bound)
{
	struct block block;
	int result = seek(&block, cursor, run, bound);

	*found = false;
	while (result == 0) {
		size_t at = bd_case_item_search(block.items, block.count, bound, true);

		if (at < block.count) {
			*out = block.items[at];
			*found = true;
			return 0;
		}
		result = step(&block, cursor, run, MDB_NEXT);
	}
	return result == MDB_NOTFOUND ? 0 : result;
}

int bd_case_run_block_behind(struct bd_case_item *items, size_t *count, MDB_cursor *cursor,
	uint32_t run, const struct bd_case_item *last)
{
	static const struct bd_case_item none;
	const struct bd_case_item *bound = last != NULL ? last : &none;
	struct block block;
	int result = seek(&block, cursor, run, bound);

	*count = 0;
	while (result == 0) {
		size_t at = bd_case_item_search(block.items, block.count, bound, true);

		if (at < block.count) {
			*count = block.count - at < BD_CASE_BLOCK_ITEMS ? block.count - at
									: BD_CASE_BLOCK_ITEMS;
			memcpy(items, block.items + at, *count * sizeof(*items));
			return 0;
		}
		result = step(&block, cursor, run, MDB_NEXT);
	}
	return result == MDB_NOTFOUND ? 0 : result;
}

/* -- taking out -- */

enum bd_code bd_case_run_remove(struct bd_txn *txn, uint32_t run, const struct bd_case_item *item)
{
	struct bd_case_item kept[BD_CASE_BLOCK_ITEMS];
	char room[BLOCK_NAME_BYTES];
	struct block block = { .count = 0 };
	MDB_cursor *cursor;
	MDB_val key = { 0, NULL }, value;
	size_t at = 0;
	bool found = false;
	int result = mdb_cursor_open(txn->mdb, txn->store->case_runs, &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "cases");
	}
	result = seek(&block, cursor, run, item);
	if (result == 0) {
		at = bd_case_item_search(block.items, block.count, item, false);
		found = at < block.count && block.count <= BD_CASE_BLOCK_ITEMS &&
			bd_case_item_compare(&block.items[at], item) == 0;
	}
	if (found) {
		result = mdb_cursor_get(cursor, &key, &value, MDB_GET_CURRENT);
	}
	if (found && result == 0) {
		memcpy(room, key.mv_data, sizeof(room));
		memcpy(kept, block.items, at * sizeof(*kept));
		memcpy(kept + at, block.items + at + 1, (block.count - at - 1) * sizeof(*kept));
	}
	mdb_cursor_close(cursor);
	if (result != 0 && result != MDB_NOTFOUND) {
		return bd_txn_fail(txn, result, "cases");
	}
	if (!found) {
		return BD_OK;
	}
	/* Its name stays: it is not behind what is left of it. */
	return block.count == 1 ? bd_txn_delete(txn, txn->store->case_runs,
					  (struct bd_bytes){ room, sizeof(room) })
				: bd_txn_put(txn, txn->store->case_runs,
					  (struct bd_bytes){ room, sizeof(room) },
					  (struct bd_bytes){ (const char *)kept,
						  (block.count - 1) * sizeof(*kept) });
}

/* -- writing -- */

enum bd_code bd_case_run_flush(struct bd_case_run_writer *writer)
{
	char room[BLOCK_NAME_BYTES];
	size_t count = writer->count;

	writer->count = 0;
	return count == 0 ? BD_OK
			  : bd_txn_put(writer->txn, writer->txn->store->case_runs,
				    block_name(room, writer->run.number, &writer->block[0]),
				    (struct bd_bytes){ (const char *)writer->block,
					    count * sizeof(*writer->block) });
}

static void note(struct bd_case_run *run, const struct bd_case_item *item)
{
	int64_t at_ms = bd_case_item_time(item);

	run->oldest_ms = run->items == 0 || at_ms < run->oldest_ms ? at_ms : run->oldest_ms;
	run->newest_ms = run->items == 0 || at_ms > run->newest_ms ? at_ms : run->newest_ms;
	run->items++;
	if (item->bytes[0] == BD_CASE_BY_SUBJECT) {
		run->subjects++;
		bd_case_filter_add(&run->filter, item->bytes + 1);
	}
}

enum bd_code bd_case_run_add(struct bd_case_run_writer *writer, const struct bd_case_item *item)
{
	if (writer->count > 0 &&
		bd_case_item_compare(&writer->block[writer->count - 1], item) == 0) {
		return BD_OK;
	}
	if (writer->count == BD_CASE_BLOCK_ITEMS) {
		BD_TRY(bd_case_run_flush(writer));
	}
	writer->block[writer->count++] = *item;
	note(&writer->run, item);
	return BD_OK;
}

static enum bd_code put_filter(struct bd_txn *txn, const struct bd_case_run *run)
{
	char room[BLOCK_NAME_BYTES];
	const struct bd_case_filter *filter = &run->filter;

	for (size_t at = 0; at < filter->count; at += PART_BLOCKS) {
		size_t count = filter->count - at < PART_BLOCKS ? filter->count - at : PART_BLOCKS;

		BD_TRY(bd_txn_put(txn, txn->store->case_runs,
			part_name(room, run->number, (uint32_t)(at / PART_BLOCKS)),
			(struct bd_bytes){ (const char *)filter->blocks[at],
				count * sizeof(*filter->blocks) }));
	}
	return BD_OK;
}

enum bd_code bd_case_run_finish(struct bd_txn *txn, struct bd_case_run *run)
{
	char name[NUMBER_BYTES], room[64];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	run->filter_blocks = (uint32_t)run->filter.count;
	BD_TRY(put_filter(txn, run));
	BD_TRY(bd_case_run_pack(&value, run));
	return bd_txn_put(txn, txn->store->case_runs, bd_case_run_name(name, run->number),
		bd_buf_bytes(&value));
}

/* A part that is not there, or is no part: no filter. */
enum bd_code bd_case_run_load_filter(
	struct bd_case_run *run, MDB_cursor *cursor, struct bd_diag *diag)
{
	char room[BLOCK_NAME_BYTES];
	struct bd_case_filter filter = { .count = run->filter_blocks };
	int result = 0;

	if (filter.count == 0 || bd_case_filter_bytes(&filter) > BD_CASE_FILTER_MAX_BYTES) {
		return BD_OK;
	}
	filter.blocks = calloc(filter.count, sizeof(*filter.blocks));
	if (filter.blocks == NULL) {
		return BD_OK;
	}
	for (size_t at = 0; at < filter.count && result == 0; at += PART_BLOCKS) {
		struct bd_bytes name = part_name(room, run->number, (uint32_t)(at / PART_BLOCKS));
		size_t count = filter.count - at < PART_BLOCKS ? filter.count - at : PART_BLOCKS;
		MDB_val key = { name.len, room }, value;

		result = mdb_cursor_get(cursor, &key, &value, MDB_SET);
		if (result == 0 && value.mv_size == count * sizeof(*filter.blocks)) {
			memcpy(filter.blocks[at], value.mv_data, value.mv_size);
		} else {
			result = result == 0 ? MDB_NOTFOUND : result;
		}
	}
	if (result == 0) {
		run->filter = filter;
		return BD_OK;
	}
	bd_case_filter_free(&filter);
	return result == MDB_NOTFOUND ? BD_OK : bd_store_fail(diag, result, "cases");
}
