/* case_open.c - one case from where it stands: its head, or all of it. */
#include "base/try.h"
#include "store/case_index.h"

#include <string.h>
#include <unistd.h>

/* The whole record in `bytes`; head and sealed borrow from it. */
static enum bd_code read_record(struct bd_buf *bytes, struct bd_case_head *head,
	struct bd_bytes *sealed, struct bd_store *store, const struct bd_case_place *place)
{
	int fd = bd_case_file_open(store, place->loop, place->segment, false);
	enum bd_code code =
		fd >= 0 ? bd_case_head_load(head, bytes, fd, place->offset) : BD_STORE_DAMAGED;
	size_t head_len = bytes->len;

	code = code == BD_OK ? bd_buf_reserve(bytes, head->length) : code;
	if (code == BD_OK) {
		code = bd_case_read_at(fd, bytes->ptr + head_len, head->length,
			(uint64_t)place->offset + head_len);
		bytes->len += code == BD_OK ? head->length : 0;
		/* The room may have moved. */
		code = code == BD_OK && !bd_case_head_read(head, bd_buf_bytes(bytes))
			       ? BD_STORE_DAMAGED
			       : code;
		*sealed = (struct bd_bytes){ bytes->ptr + head_len, head->length };
	}
	if (fd >= 0) {
		close(fd);
	}
	return code;
}

/* Opened where it stays: what is unpacked borrows from it. */
enum bd_code bd_case_open_record(struct bd_case_record *record, struct bd_seal *seal,
	const struct bd_case_place *place, const struct bd_case_head *head, struct bd_bytes sealed,
	struct bd_arena *arena)
{
	struct bd_buf plain = { .cap = sealed.len, .max = sealed.len };

	plain.ptr = bd_arena_alloc(arena, sealed.len, 1);
	if (plain.ptr == NULL) {
		return bd_arena_code(arena);
	}
	BD_TRY(bd_case_open_sealed(&plain, seal, place, head, sealed));
	BD_TRY(bd_case_record_unpack(record, bd_buf_bytes(&plain), arena));
	return bd_trail_id_equal(&record->receipt, &head->receipt) && record->at_ms == head->at_ms
		       ? BD_OK
		       : BD_STORE_DAMAGED;
}

enum bd_code bd_case_load(struct bd_case_record *record, struct bd_store *store,
	struct bd_seal *seal, const struct bd_case_place *place, struct bd_arena *arena)
{
	struct bd_case_head head;
	struct bd_bytes sealed;
	struct bd_buf bytes;
	enum bd_code code;

	bd_buf_init(&bytes, BD_CASE_MAX_BYTES + BD_CASE_HEAD_MAX_BYTES);
	code = read_record(&bytes, &head, &sealed, store, place);
	if (code == BD_OK) {
		code = bd_case_open_record(record, seal, place, &head, sealed, arena);
	}
	/* Erased while it was being read. */
	if (code == BD_STORE_DAMAGED &&
		read_record(&bytes, &head, &sealed, store, place) == BD_OK &&
		bd_case_is_erased(&head)) {
		code = BD_CASE_ERASED;
	}
	bd_buf_release(&bytes);
	return code;
}

/* -- what it is found by -- */

/* As if its head had been written now: of one that has none, or under a key of before. */
enum bd_code bd_case_head_of(
	struct bd_case_head *head, struct bd_txn *txn, const struct bd_case_record *record)
{
	struct bd_buf keys;
	enum bd_code code;

	bd_buf_init(&keys, BD_CASE_MAX_BYTES);
	code = bd_case_keys_fill(head, &keys, txn->store->seal, record);
	if (code == BD_OK) {
		struct bd_bytes copy = bd_arena_copy(&txn->arena, bd_buf_bytes(&keys));

		head->keys = (const uint8_t(*)[BD_NODE_KEY_BYTES])copy.ptr;
		code = copy.ptr != NULL || keys.len == 0 ? BD_OK : bd_arena_code(&txn->arena);
	}
	bd_buf_release(&keys);
	return code;
}

bool bd_case_has_names(const struct bd_case_head *head, const struct bd_seal *seal)
{
	return head->has_keys && head->generation == bd_seal_generation(seal) &&
	       (head->flags & BD_CASE_HAS_MORE) == 0;
}

static enum bd_code find_head(struct bd_case_head *head, struct bd_txn *txn,
	const struct bd_case_place *place, struct bd_buf *bytes)
{
	struct bd_case_record record;
	struct bd_bytes sealed, copy;

	BD_TRY(read_record(bytes, head, &sealed, txn->store, place));
	if (bd_case_is_erased(head)) {
		return BD_CASE_ERASED;
	}
	if (!bd_case_has_names(head, txn->store->seal)) {
		BD_TRY(bd_case_open_record(
			&record, txn->store->seal, place, head, sealed, &txn->arena));
		return bd_case_head_of(head, txn, &record);
	}
	copy = bd_arena_copy(&txn->arena,
		(struct bd_bytes){ (const char *)head->keys, head->key_count * BD_NODE_KEY_BYTES });
	head->keys = (const uint8_t(*)[BD_NODE_KEY_BYTES])copy.ptr;
	return copy.ptr != NULL || head->key_count == 0 ? BD_OK : bd_arena_code(&txn->arena);
}

enum bd_code bd_case_find_head(
	struct bd_case_head *head, struct bd_txn *txn, const struct bd_case_place *place)
{
	struct bd_buf bytes;
	enum bd_code code;

	*head = (struct bd_case_head){ .length = 0 };
	bd_buf_init(&bytes, BD_CASE_MAX_BYTES + BD_CASE_HEAD_MAX_BYTES);
	code = find_head(head, txn, place, &bytes);
	bd_buf_release(&bytes);
	return code;
}
