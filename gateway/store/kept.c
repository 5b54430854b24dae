#include "store/kept.h"

#include "base/try.h"

#include <string.h>

#define DAY_MS (INT64_C(86400) * 1000)
#define TIME_BYTES 8
static const char slot_name[] = "message.slot";

bool bd_kept_read(struct bd_kept *out, struct bd_bytes value)
{
	struct bd_reader reader = bd_reader_of(value);

	bd_read_u64(&reader);
	*out = (struct bd_kept){ .at = TIME_BYTES };
	if (reader.ok && reader.rest.len > 0 && (uint8_t)reader.rest.ptr[0] == BD_KEPT_HAS_SLOT) {
		bd_read_u8(&reader);
		out->has_slot = true;
		out->slot = bd_read_u64(&reader);
		out->at = value.len - reader.rest.len;
	}
	return reader.ok && reader.rest.len > 0;
}

bool bd_kept_salt(uint8_t salt[BD_SALT_BYTES], const struct bd_kept *kept,
	const struct bd_store *store, bool is_writer)
{
	if (!kept->has_slot) {
		memcpy(salt, store->message_salt, BD_SALT_BYTES);
		return true;
	}
	return is_writer ? bd_salts_get_own(salt, &store->salts, kept->slot)
			 : bd_salts_get(salt, &store->salts, kept->slot);
}

enum bd_code bd_kept_open(struct bd_buf *out, struct bd_seal *seal, const struct bd_store *store,
	bool is_writer, struct bd_bytes name, struct bd_bytes value)
{
	uint8_t salt[BD_SALT_BYTES];
	struct bd_kept kept;

	if (!bd_kept_read(&kept, value) || !bd_kept_salt(salt, &kept, store, is_writer)) {
		return BD_STORE_DAMAGED;
	}
	return bd_seal_open(seal, out, salt, name,
		(struct bd_bytes){ value.ptr + kept.at, value.len - kept.at });
}

enum bd_code bd_kept_pack(
	struct bd_buf *out, const struct bd_journal_entry *journal, uint64_t unchanged)
{
	BD_TRY(bd_buf_add_varint(out, unchanged));
	return bd_journal_pack(out, journal);
}

enum bd_code bd_kept_unpack(struct bd_journal_entry *journal, uint64_t *unchanged,
	struct bd_bytes plain, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(plain);
	uint64_t count = bd_read_varint(&reader);

	if (unchanged != NULL) {
		*unchanged = count;
	}
	return reader.ok ? bd_journal_unpack(journal, reader.rest, arena) : BD_STORE_DAMAGED;
}

enum bd_code bd_kept_source(struct bd_bytes *out, struct bd_bytes plain)
{
	struct bd_reader reader = bd_reader_of(plain);

	bd_read_varint(&reader);
	return reader.ok ? bd_journal_source(out, reader.rest) : BD_STORE_DAMAGED;
}

/* -- under which salt -- */

static bool may_speak_of_somebody(const struct bd_journal_entry *journal)
{
	return journal->kind != BD_JOURNAL_MESSAGE || journal->entry.subject_count > 0 ||
	       journal->entry.rejects.len > 0;
}

static enum bd_code read_newest(uint64_t *day, uint64_t *slot, bool *found, struct bd_txn *txn)
{
	struct bd_bytes value = { "", 0 };
	struct bd_reader reader;

	BD_TRY(bd_txn_get(&value, found, txn, txn->store->meta, bd_bytes_of(slot_name)));
	reader = bd_reader_of(value);
	*day = bd_read_u64(&reader);
	*slot = bd_read_u64(&reader);
	return !*found || reader.ok ? BD_OK : BD_STORE_DAMAGED;
}

static enum bd_code draw(
	uint64_t *slot, uint8_t salt[BD_SALT_BYTES], struct bd_txn *txn, uint64_t day)
{
	struct bd_store *store = txn->store;
	char room[16];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	*slot = store->next_slot;
	BD_TRY(bd_seal_random(store->seal, salt, BD_SALT_BYTES));
	BD_TRY(bd_salts_set(&store->salts, *slot, salt));
	store->next_slot++;
	BD_TRY(bd_buf_add_u64(&value, day));
	BD_TRY(bd_buf_add_u64(&value, *slot));
	return bd_txn_put(txn, store->meta, bd_bytes_of(slot_name), bd_buf_bytes(&value));
}

/* Days of the clock that received: one that was set back only makes one salt more. */
static enum bd_code slot_of_day(
	uint64_t *slot, uint8_t salt[BD_SALT_BYTES], struct bd_txn *txn, int64_t received_ms)
{
	uint64_t day = (uint64_t)(received_ms / DAY_MS), newest = 0;
	bool found = false;

	BD_TRY(read_newest(&newest, slot, &found, txn));
	if (found && newest == day && bd_salts_get_own(salt, &txn->store->salts, *slot)) {
		return BD_OK;
	}
	return draw(slot, salt, txn, day);
}

enum bd_code bd_kept_leave(struct bd_txn *txn, uint64_t slot)
{
	uint64_t day = 0, newest = 0;
	bool found = false;

	BD_TRY(read_newest(&day, &newest, &found, txn));
	return found && newest == slot
		       ? bd_txn_delete(txn, txn->store->meta, bd_bytes_of(slot_name))
		       : BD_OK;
}

/* -- putting -- */

enum bd_code bd_kept_put_at(struct bd_txn *txn, struct bd_bytes name, int64_t received_ms,
	struct bd_bytes plain, uint64_t slot, const uint8_t salt[BD_SALT_BYTES])
{
	bd_buf_clear(&txn->sealed);
	BD_TRY(bd_buf_add_u64(&txn->sealed, (uint64_t)received_ms));
	BD_TRY(bd_buf_add_u8(&txn->sealed, BD_KEPT_HAS_SLOT));
	BD_TRY(bd_buf_add_u64(&txn->sealed, slot));
	BD_TRY(bd_seal_close(txn->store->seal, &txn->sealed, salt, name, plain));
	return bd_txn_put(txn, txn->store->messages, name, bd_buf_bytes(&txn->sealed));
}

enum bd_code bd_kept_put(
	struct bd_txn *txn, const struct bd_journal_entry *journal, uint64_t unchanged)
{
	const struct bd_entry *entry = &journal->entry;
	uint8_t salt[BD_SALT_BYTES];
	uint64_t slot = 0;
	char room[8];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_u64(&name, entry->message));
	bd_buf_clear(&txn->plain);
	BD_TRY(bd_kept_pack(&txn->plain, journal, unchanged));
	if (may_speak_of_somebody(journal)) {
		BD_TRY(slot_of_day(&slot, salt, txn, entry->received_ms));
		return bd_kept_put_at(txn, bd_buf_bytes(&name), entry->received_ms,
			bd_buf_bytes(&txn->plain), slot, salt);
	}
	bd_buf_clear(&txn->sealed);
	BD_TRY(bd_buf_add_u64(&txn->sealed, (uint64_t)entry->received_ms));
	BD_TRY(bd_seal_close(txn->store->seal, &txn->sealed, txn->store->message_salt,
		bd_buf_bytes(&name), bd_buf_bytes(&txn->plain)));
	return bd_txn_put(
		txn, txn->store->messages, bd_buf_bytes(&name), bd_buf_bytes(&txn->sealed));
}
