#include "store/bulk.h"

#include "base/limits.h"
#include "base/try.h"
#include "record/pack.h"
#include "store/journal.h"
#include "store/keys_apart.h"
#include "store/spool.h"

#include <stdlib.h>
#include <string.h>

/* Messages of one group, and their packed bytes: the store cuts it further where its transaction
 * grows too large. */
#define GROUP_MAX 4096
#define GROUP_BYTES ((size_t)8 << 20)

struct bd_bulk {
	struct bd_store *store;
	struct bd_seal *seal; /* of the thread that adds */
	struct bd_spool *spool;
	struct bd_buf packed;
	struct bd_arena arena; /* of the entry that is added; of the group that is committed */
	struct bd_spool_file file;
	struct bd_spool_merge *merge; /* NULL = not begun */
	struct bd_keys_apart *keys;   /* NULL = nothing is committed yet */
	struct bd_entry *entries;
	struct bd_entry **list;
	uint64_t *numbers;
};

enum bd_code bd_bulk_new(struct bd_bulk **out, struct bd_store *store, struct bd_diag *diag)
{
	struct bd_bulk *bulk = calloc(1, sizeof(*bulk));
	enum bd_code code = bulk != NULL ? BD_OK : BD_NO_MEMORY;

	*out = NULL;
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	bulk->store = store;
	bd_buf_init(&bulk->packed, (size_t)BD_RECORD_MAX_BYTES * 2);
	bd_arena_init(&bulk->arena, GROUP_BYTES * 16);
	bulk->entries = calloc(GROUP_MAX, sizeof(*bulk->entries));
	bulk->list = calloc(GROUP_MAX, sizeof(struct bd_entry *));
	bulk->numbers = calloc(GROUP_MAX, sizeof(*bulk->numbers));
	if (bulk->entries == NULL || bulk->list == NULL || bulk->numbers == NULL) {
		code = BD_NO_MEMORY;
	}
	code = code == BD_OK ? bd_seal_new(&bulk->seal, store->ring) : code;
	code = code == BD_OK ? bd_spool_new_scratch(&bulk->spool, store, BD_LOAD_RUN_BYTES, diag)
			     : code;
	if (code != BD_OK) {
		bd_bulk_free(bulk);
		return bd_fail(diag, code, "%s", "");
	}
	*out = bulk;
	return BD_OK;
}

void bd_bulk_free(struct bd_bulk *bulk)
{
	if (bulk == NULL) {
		return;
	}
	bd_keys_apart_free(bulk->keys);
	bd_spool_merge_free(bulk->merge);
	if (bulk->file.store != NULL) {
		bd_spool_file_close(&bulk->file);
	}
	if (bulk->spool != NULL) {
		bd_spool_remove(bulk->store, bd_spool_id(bulk->spool));
		bd_spool_free(bulk->spool);
	}
	bd_seal_free(bulk->seal);
	bd_buf_wipe(&bulk->packed);
	bd_arena_release(&bulk->arena);
	free(bulk->entries);
	free(bulk->list);
	free(bulk->numbers);
	free(bulk);
}

/* -- adding -- */

/* Where its subject stands in the store; one that must not be moved, and one of nobody, first. */
static enum bd_code find_key(
	uint8_t key[BD_NODE_KEY_BYTES], struct bd_bulk *bulk, const struct bd_entry *entry)
{
	const struct bd_identifier *subject = entry->subject;
	struct bd_reader reader = bd_reader_of(entry->records);
	struct bd_record record = { .subject_count = 0 };

	memset(key, 0, BD_NODE_KEY_BYTES);
	if (entry->order_kind == BD_ORDER_RECEIPT) {
		return BD_OK;
	}
	if (entry->subject_count == 0 && reader.rest.len > 0) {
		bd_arena_clear(&bulk->arena);
		BD_TRY(bd_record_unpack(&record, bd_read_sized(&reader), &bulk->arena));
		subject = record.subject;
	}
	return entry->subject_count > 0 || record.subject_count > 0
		       ? bd_seal_blind(bulk->seal, &subject[0], key)
		       : BD_OK;
}

enum bd_code bd_bulk_add(
	struct bd_bulk *bulk, const struct bd_entry *entry, uint64_t number, struct bd_diag *diag)
{
	const struct bd_journal_entry journal = {
		.kind = BD_JOURNAL_MESSAGE, .rules = BD_JOURNAL_RULES, .entry = *entry
	};
	uint8_t key[BD_NODE_KEY_BYTES];
	enum bd_code code = find_key(key, bulk, entry);

	bd_buf_clear(&bulk->packed);
	code = code == BD_OK ? bd_buf_add_u8(&bulk->packed, (uint8_t)entry->order_kind) : code;
	code = code == BD_OK ? bd_journal_pack(&bulk->packed, &journal) : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "a message of a bulk");
	}
	return bd_spool_put(bulk->spool, key, number, bd_buf_bytes(&bulk->packed), diag);
}

enum bd_code bd_bulk_end(struct bd_bulk *bulk, struct bd_diag *diag)
{
	BD_TRY(bd_spool_finish(bulk->spool, diag));
	return bd_spool_seal(bulk->spool, (struct bd_bytes){ "", 0 }, diag);
}

/* -- committing -- */

static enum bd_code read_entry(
	struct bd_entry *entry, const struct bd_spool_item *item, struct bd_arena *arena)
{
	struct bd_bytes bytes = bd_arena_copy(arena, item->record);
	struct bd_reader reader = bd_reader_of(bytes);
	struct bd_journal_entry journal;
	enum bd_order_kind order_kind;

	if (bytes.ptr == NULL) {
		return bd_arena_code(arena);
	}
	order_kind = (enum bd_order_kind)bd_read_u8(&reader);
	BD_TRY(bd_journal_unpack(&journal, reader.rest, arena));
	*entry = journal.entry;
	entry->order_kind = order_kind;
	return BD_OK;
}

static enum bd_code begin(struct bd_bulk *bulk, struct bd_diag *diag)
{
	BD_TRY(bd_spool_file_open(&bulk->file, bulk->store, bd_spool_id(bulk->spool), diag));
	return bd_spool_merge_new(
		&bulk->merge, &bulk->file, 1, NULL, (struct bd_bytes){ "", 0 }, diag);
}

/* *count: of the next group; 0 at the end. */
static enum bd_code gather(size_t *count, struct bd_bulk *bulk, struct bd_diag *diag)
{
	size_t bytes = 0;

	*count = 0;
	bd_arena_clear(&bulk->arena);
	while (*count < GROUP_MAX && bytes < GROUP_BYTES) {
		const struct bd_spool_item *item = NULL;
		enum bd_code code;

		BD_TRY(bd_spool_merge_look(&item, bulk->merge, diag));
		if (item == NULL) {
			break;
		}
		code = read_entry(&bulk->entries[*count], item, &bulk->arena);
		if (code != BD_OK) {
			return bd_fail(diag, code, "a message of a bulk");
		}
		bytes += item->record.len;
		bulk->numbers[*count] = item->number;
		bulk->list[*count] = &bulk->entries[*count];
		(*count)++;
		BD_TRY(bd_spool_merge_pass(bulk->merge, diag));
	}
	return BD_OK;
}

/* With their keys, of those that were stored now. */
static enum bd_code commit_group(struct bd_bulk *bulk, size_t count, struct bd_diag *diag)
{
	if (bulk->keys == NULL) {
		BD_TRY(bd_keys_apart_begin(&bulk->keys, bulk->store, diag));
	}
	BD_TRY(bd_store_commit(bulk->store, bulk->list, count, diag));
	for (size_t i = 0; i < count; i++) {
		const struct bd_entry *entry = bulk->list[i];

		if (entry->code == BD_OK && !entry->is_repeat) {
			BD_TRY(bd_keys_apart_add(bulk->keys, entry, diag));
		}
	}
	return BD_OK;
}

static enum bd_code end_keys(struct bd_bulk *bulk, struct bd_diag *diag)
{
	struct bd_keys_apart *keys = bulk->keys;

	bulk->keys = NULL;
	return keys != NULL ? bd_keys_apart_end(keys, diag) : BD_OK;
}

enum bd_code bd_bulk_commit(
	bool *has_more, struct bd_bulk *bulk, struct bd_bulk_watch *watch, struct bd_diag *diag)
{
	const struct bd_spool_item *item = NULL;
	size_t count = 0;

	*has_more = false;
	if (bulk->merge == NULL) {
		BD_TRY(begin(bulk, diag));
	}
	BD_TRY(gather(&count, bulk, diag));
	if (count > 0) {
		BD_TRY(commit_group(bulk, count, diag));
	}
	for (size_t i = 0; i < count; i++) {
		watch->done(watch, bulk->numbers[i], bulk->list[i]);
	}
	BD_TRY(bd_spool_merge_look(&item, bulk->merge, diag));
	*has_more = item != NULL;
	return *has_more ? BD_OK : end_keys(bulk, diag);
}
