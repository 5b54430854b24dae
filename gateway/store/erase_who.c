#include "store/erase_who.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/try.h"
#include "record/held.h"
#include "record/pack.h"
#include "store/erase_turn.h"

#include <string.h>

/* Of all names in meta that have to do with an erasure. */
static const char erase_prefix[] = "erase.";
static const char note_prefix[] = "erase.who";
static const char untold_name[] = "untold erasures";
#define NOTE_NAME_BYTES (sizeof(note_prefix) - 1 + 8)
/* Numbers and names of one subject. */
#define NOTE_MAX_BYTES 262144

/* -- its names -- */

/* Leads to this subject alone. */
static enum bd_code is_own(bool *out, struct bd_store_reader *reader,
	const struct bd_identifier *name, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_held *held = NULL;

	BD_TRY(bd_store_lookup(&held, reader, name, 1, &bd_wanted_all, arena, diag));
	*out = held->status != BD_HELD_AMBIGUOUS;
	return BD_OK;
}

static enum bd_code find_names(struct bd_erase_who *who, const struct bd_held *held,
	struct bd_store_reader *reader, const struct bd_identifier *identifier,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_identifier *names =
		bd_arena_alloc(arena, held->identifier_count + 1, sizeof(*names));

	if (names == NULL) {
		return bd_arena_code(arena);
	}
	names[0] = *identifier;
	who->name_count = 1;
	for (size_t i = 0; i < held->identifier_count; i++) {
		bool own = false;

		BD_TRY(is_own(&own, reader, &held->identifiers[i], arena, diag));
		if (own && !bd_identifier_equal(&held->identifiers[i], identifier)) {
			names[who->name_count++] = held->identifiers[i];
		}
	}
	who->names = names;
	return BD_OK;
}

/* Names of people are personal; whatever else is, is not looked for in what others say. */
static enum bd_code learn_words(struct bd_erase_who *who, const struct bd_held *held)
{
	for (size_t i = 0; i < held->statement_count; i++) {
		const struct bd_statement *statement = &held->statements[i];

		for (size_t n = 0; n < statement->value_count; n++) {
			const struct bd_value *value = &statement->values[n].value;

			if (bd_erase_is_name(who, value->field)) {
				BD_TRY(bd_erase_learn(who, value->text));
				BD_TRY(bd_erase_learn(who, value->native));
			}
		}
	}
	return BD_OK;
}

static enum bd_code blind_names(
	struct bd_erase_who *who, struct bd_store *store, struct bd_arena *arena)
{
	uint8_t(*keys)[BD_NODE_KEY_BYTES] = bd_arena_alloc(arena, who->name_count, sizeof(*keys));

	if (keys == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < who->name_count; i++) {
		BD_TRY(bd_seal_blind(store->seal, &who->names[i], keys[i]));
	}
	who->keys = (const uint8_t(*)[BD_NODE_KEY_BYTES])keys;
	return bd_erase_who_begin(who);
}

static enum bd_code read_in(struct bd_erase_who *who, struct bd_store_reader *reader,
	const struct bd_identifier *identifier, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_held *held = NULL;

	BD_TRY(bd_store_lookup(&held, reader, identifier, 1, &bd_wanted_all, arena, diag));
	if (held->status == BD_HELD_AMBIGUOUS) {
		return bd_fail(diag, BD_SUBJECT_AMBIGUOUS, "%s", "");
	}
	BD_TRY(find_names(who, held, reader, identifier, arena, diag));
	return learn_words(who, held);
}

enum bd_code bd_erase_who_read(struct bd_erase_who *out, struct bd_store *store,
	const struct bd_erasure *erasure, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_store_reader *reader = NULL;
	enum bd_code code = bd_store_reader_new(&reader, store, diag);

	*out = (struct bd_erase_who){ .arena = arena,
		.personal = erasure->personal,
		.personal_count = erasure->personal_count,
		.called = erasure->names,
		.called_count = erasure->name_count };
	code = code == BD_OK ? bd_store_begin(reader, diag) : code;
	code = code == BD_OK ? read_in(out, reader, &erasure->identifier, arena, diag) : code;
	bd_store_reader_free(reader);
	return code == BD_OK ? blind_names(out, store, arena) : code;
}

/* -- the note -- */

static struct bd_buf note_name(char room[NOTE_NAME_BYTES], uint64_t slot)
{
	struct bd_buf name = { room, 0, NOTE_NAME_BYTES, NOTE_NAME_BYTES };

	bd_buf_add(&name, (struct bd_bytes){ note_prefix, sizeof(note_prefix) - 1 });
	bd_buf_add_u64(&name, slot);
	return name;
}

static enum bd_code pack_fields(struct bd_buf *out, const uint16_t *fields, size_t count)
{
	BD_TRY(bd_buf_add_u16(out, (uint16_t)count));
	for (size_t i = 0; i < count; i++) {
		BD_TRY(bd_buf_add_u16(out, fields[i]));
	}
	return BD_OK;
}

static enum bd_code pack(struct bd_buf *out, const struct bd_erase_who *who, int64_t now_ms)
{
	BD_TRY(bd_buf_add_u64(out, (uint64_t)now_ms));
	BD_TRY(pack_fields(out, who->personal, who->personal_count));
	BD_TRY(pack_fields(out, who->called, who->called_count));
	BD_TRY(bd_buf_add_u16(out, (uint16_t)who->name_count));
	for (size_t i = 0; i < who->name_count; i++) {
		BD_TRY(bd_identifier_pack(out, &who->names[i]));
	}
	BD_TRY(bd_buf_add_u16(out, (uint16_t)who->word_count));
	for (size_t i = 0; i < who->word_count; i++) {
		BD_TRY(bd_buf_add_sized(out, who->words[i]));
	}
	return BD_OK;
}

static const uint16_t *read_fields(size_t *count, struct bd_reader *reader, struct bd_arena *arena)
{
	uint16_t *fields;

	*count = bd_read_u16(reader);
	fields = bd_arena_alloc(arena, *count + 1, sizeof(*fields));
	for (size_t i = 0; fields != NULL && i < *count; i++) {
		fields[i] = bd_read_u16(reader);
	}
	reader->ok = reader->ok && fields != NULL;
	return fields;
}

static enum bd_code unpack(
	struct bd_erase_who *out, int64_t *now_ms, struct bd_bytes packed, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(packed);
	struct bd_identifier *names;

	*out = (struct bd_erase_who){ .arena = arena };
	*now_ms = (int64_t)bd_read_u64(&reader);
	out->personal = read_fields(&out->personal_count, &reader, arena);
	out->called = read_fields(&out->called_count, &reader, arena);
	out->name_count = bd_read_u16(&reader);
	names = bd_arena_alloc(arena, out->name_count + 1, sizeof(*names));
	for (size_t i = 0; names != NULL && i < out->name_count; i++) {
		names[i] = bd_identifier_unpack(&reader);
	}
	out->names = names;
	for (size_t words = bd_read_u16(&reader); words > 0 && reader.ok; words--) {
		BD_TRY(bd_erase_learn(out, bd_read_sized(&reader)));
	}
	if (names == NULL) {
		return bd_arena_code(arena);
	}
	return reader.ok && reader.rest.len == 0 ? BD_OK : BD_STORE_DAMAGED;
}

static enum bd_code put_note(struct bd_txn *txn, const struct bd_buf *plain)
{
	struct bd_store *store = txn->store;
	char room[NOTE_NAME_BYTES];
	struct bd_buf name = note_name(room, store->next_slot);
	uint8_t salt[BD_SALT_BYTES];

	bd_buf_clear(&txn->sealed);
	BD_TRY(bd_seal_random(store->seal, salt, sizeof(salt)));
	BD_TRY(bd_salts_set(&store->salts, store->next_slot, salt));
	store->next_slot++;
	BD_TRY(bd_seal_close(
		store->seal, &txn->sealed, salt, bd_buf_bytes(&name), bd_buf_bytes(plain)));
	return bd_txn_put(txn, store->meta, bd_buf_bytes(&name), bd_buf_bytes(&txn->sealed));
}

enum bd_code bd_erase_note(
	uint64_t *noted, struct bd_txn *txn, const struct bd_erase_who *who, int64_t now_ms)
{
	struct bd_buf plain;
	enum bd_code code;

	bd_buf_init(&plain, NOTE_MAX_BYTES);
	code = pack(&plain, who, now_ms);
	code = code == BD_OK ? bd_txn_begin(txn) : code;
	if (code == BD_OK) {
		txn->store->has_erasures = true;
		*noted = txn->store->next_slot;
		code = bd_txn_end(txn, put_note(txn, &plain));
	}
	if (plain.len > 0) {
		bd_wipe(plain.ptr, plain.len);
	}
	bd_buf_release(&plain);
	return code;
}

enum bd_code bd_erase_forget(struct bd_txn *txn, uint64_t noted)
{
	char room[NOTE_NAME_BYTES];
	struct bd_buf name = note_name(room, noted);
	enum bd_code code;

	BD_TRY(bd_txn_begin(txn));
	code = bd_txn_delete(txn, txn->store->meta, bd_buf_bytes(&name));
	code = code == BD_OK ? bd_erase_let_go(txn, &noted, 1) : code;
	code = code == BD_OK ? bd_txn_put_counter(txn, untold_name, 1) : code;
	code = bd_txn_end(txn, code);
	txn->store->has_untold_erasures |= code == BD_OK;
	return code;
}

/* -- whoever keeps something beside the store -- */

bool bd_erase_is_untold(struct bd_store *store, MDB_txn *txn)
{
	MDB_val key = { sizeof(untold_name) - 1, (void *)untold_name }, value;

	return mdb_get(txn, store->meta, &key, &value) == 0;
}

bool bd_store_erase_is_told(const struct bd_store *store)
{
	return !store->has_untold_erasures;
}

enum bd_code bd_store_erase_told(struct bd_store *store, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	if (code == BD_OK) {
		code = bd_txn_end(&txn, bd_txn_delete(&txn, store->meta, bd_bytes_of(untold_name)));
	}
	bd_txn_close(&txn);
	store->has_untold_erasures &= code != BD_OK;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "erasure");
}

/* -- a note that was left -- */

bool bd_erase_is_noted(struct bd_store *store, MDB_txn *txn)
{
	MDB_val key = { sizeof(erase_prefix) - 1, (void *)erase_prefix }, value;
	MDB_cursor *cursor;
	bool is_noted = false;

	if (mdb_cursor_open(txn, store->meta, &cursor) == 0) {
		is_noted = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE) == 0 &&
			   key.mv_size > sizeof(erase_prefix) - 1 &&
			   memcmp(key.mv_data, erase_prefix, sizeof(erase_prefix) - 1) == 0;
		mdb_cursor_close(cursor);
	}
	return is_noted;
}

static enum bd_code first_note(
	struct bd_bytes *value, uint64_t *noted, bool *found, struct bd_txn *txn)
{
	MDB_val key = { sizeof(note_prefix) - 1, (void *)note_prefix }, data;
	MDB_cursor *cursor;
	int result = mdb_cursor_open(txn->mdb, txn->store->meta, &cursor);

	*found = false;
	if (result != 0) {
		return bd_txn_fail(txn, result, "meta");
	}
	result = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
	mdb_cursor_close(cursor);
	if (result == 0 && key.mv_size == NOTE_NAME_BYTES &&
		memcmp(key.mv_data, note_prefix, sizeof(note_prefix) - 1) == 0) {
		struct bd_reader reader = bd_reader_of((struct bd_bytes){
			(const char *)key.mv_data + sizeof(note_prefix) - 1, 8 });

		*noted = bd_read_u64(&reader);
		*value = (struct bd_bytes){ data.mv_data, data.mv_size };
		*found = true;
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "meta");
}

static enum bd_code open_note(struct bd_erase_who *out, uint64_t *noted, int64_t *now_ms,
	bool *found, struct bd_txn *txn, struct bd_arena *arena)
{
	struct bd_store *store = txn->store;
	uint8_t salt[BD_SALT_BYTES];
	char room[NOTE_NAME_BYTES];
	struct bd_bytes value, copy;
	struct bd_buf name;

	BD_TRY(first_note(&value, noted, found, txn));
	if (!*found) {
		return BD_OK;
	}
	name = note_name(room, *noted);
	if (!bd_salts_get_own(salt, &store->salts, *noted)) {
		return BD_STORE_DAMAGED;
	}
	bd_buf_clear(&txn->plain);
	BD_TRY(bd_seal_open(store->seal, &txn->plain, salt, bd_buf_bytes(&name), value));
	copy = bd_arena_copy(arena, bd_buf_bytes(&txn->plain));
	if (copy.ptr == NULL) {
		return bd_arena_code(arena);
	}
	BD_TRY(unpack(out, now_ms, copy, arena));
	return blind_names(out, store, arena);
}

enum bd_code bd_erase_find_noted(struct bd_erase_who *out, uint64_t *noted, int64_t *now_ms,
	bool *found, struct bd_txn *txn, struct bd_arena *arena)
{
	enum bd_code code;

	BD_TRY(bd_txn_begin(txn));
	code = open_note(out, noted, now_ms, found, txn, arena);
	bd_txn_drop(txn);
	return code;
}
