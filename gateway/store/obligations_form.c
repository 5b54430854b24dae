#include "store/obligations_form.h"

#include "base/limits.h"
#include "base/try.h"

#include <string.h>

#define FORM 1
/* Days before 1970 sort before those after it. */
#define DAY_ZERO UINT32_C(0x80000000)
/* An entry has some texts of a matter and at most BD_EXTENSIONS_MAX + 2 changes. */
#define SEALED_MAX_BYTES 65536

/* -- names of rows -- */

static struct bd_bytes bytes_of(const uint8_t *bytes, size_t len)
{
	return (struct bd_bytes){ (const char *)bytes, len };
}

static enum bd_code add_id(struct bd_buf *out, const uint8_t *id)
{
	return id != NULL ? bd_buf_add(out, bytes_of(id, BD_OWED_ID_BYTES)) : BD_OK;
}

enum bd_code bd_owed_due_row(struct bd_buf *out, enum bd_owed_letter letter, int32_t due,
	const uint8_t id[BD_OWED_ID_BYTES])
{
	bd_buf_clear(out);
	BD_TRY(bd_buf_add_u8(out, (uint8_t)letter));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)due ^ DAY_ZERO));
	return add_id(out, id);
}

enum bd_code bd_owed_key_row(struct bd_buf *out, enum bd_owed_letter letter,
	const uint8_t key[BD_OWED_BLIND_BYTES], const uint8_t id[BD_OWED_ID_BYTES])
{
	bd_buf_clear(out);
	BD_TRY(bd_buf_add_u8(out, (uint8_t)letter));
	BD_TRY(bd_buf_add(out, bytes_of(key, BD_OWED_BLIND_BYTES)));
	return add_id(out, id);
}

bool bd_owed_due_row_read(int32_t *due, const uint8_t **id, struct bd_bytes name)
{
	struct bd_reader reader = bd_reader_of(name);

	bd_read_u8(&reader);
	*due = (int32_t)(bd_read_u32(&reader) ^ DAY_ZERO);
	*id = (const uint8_t *)reader.rest.ptr;
	return reader.ok && reader.rest.len == BD_OWED_ID_BYTES;
}

enum bd_code bd_owed_news_row(struct bd_buf *out, uint64_t number)
{
	bd_buf_clear(out);
	BD_TRY(bd_buf_add_u8(out, BD_OWED_ROW_NEWS));
	return bd_buf_add_u64(out, number);
}

enum bd_code bd_owed_news_pack(
	struct bd_buf *out, const uint8_t id[BD_OWED_ID_BYTES], const struct bd_owed_change *change)
{
	BD_TRY(bd_buf_add(out, bytes_of(id, BD_OWED_ID_BYTES)));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)change->step));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)change->at_ms));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)change->due));
	BD_TRY(bd_buf_add(out, bytes_of(change->receipt, sizeof(change->receipt))));
	BD_TRY(bd_buf_add_sized(out, change->source));
	return bd_buf_add_u64(out, change->version);
}

bool bd_owed_news_read(
	struct bd_owed_news *out, uint8_t id[BD_OWED_ID_BYTES], struct bd_bytes value)
{
	struct bd_reader reader = bd_reader_of(value);
	struct bd_bytes bytes = bd_read_bytes(&reader, BD_OWED_ID_BYTES);

	if (bytes.ptr != NULL) {
		memcpy(id, bytes.ptr, BD_OWED_ID_BYTES);
	}
	out->step = (enum bd_owed_step)bd_read_u8(&reader);
	out->at_ms = (int64_t)bd_read_u64(&reader);
	out->due = (int32_t)bd_read_u32(&reader);
	bytes = bd_read_bytes(&reader, sizeof(out->receipt));
	if (bytes.ptr != NULL) {
		memcpy(out->receipt, bytes.ptr, sizeof(out->receipt));
	}
	out->source = bd_read_sized(&reader);
	out->version = bd_read_u64(&reader);
	return reader.ok && reader.rest.len == 0;
}

enum bd_code bd_owed_knows_case(
	bool *out, struct bd_txn *txn, const uint8_t number[BD_OWED_BLIND_BYTES])
{
	char room[BD_OWED_ROW_BYTES];
	struct bd_buf front = { room, 0, sizeof(room), sizeof(room) };
	MDB_cursor *cursor;
	MDB_val name, value;
	int result;

	BD_TRY(bd_owed_key_row(&front, BD_OWED_ROW_CASE, number, NULL));
	result = mdb_cursor_open(txn->mdb, txn->store->owed, &cursor);
	if (result != 0) {
		return bd_txn_fail(txn, result, "obligations");
	}
	name = (MDB_val){ front.len, room };
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	*out = result == 0 && name.mv_size >= front.len &&
	       memcmp(name.mv_data, room, front.len) == 0;
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK
						     : bd_txn_fail(txn, result, "obligations");
}

/* -- the clear part -- */

static enum bd_code pack_clear(struct bd_buf *out, const struct bd_owed *owed)
{
	const struct bd_bytes texts[] = { owed->thing.id, owed->thing.pointer, owed->sender,
		owed->matter, owed->version, owed->watched };
	const uint32_t numbers[] = { (uint32_t)owed->due, (uint32_t)owed->first_due,
		(uint32_t)owed->opened, owed->extensions, owed->extension_working_days,
		owed->extended };

	BD_TRY(bd_buf_add_u8(out, FORM));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)owed->state));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)owed->party));
	BD_TRY(bd_buf_add_u8(out, owed->thing.is_element));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		BD_TRY(bd_buf_add_u32(out, numbers[i]));
	}
	BD_TRY(bd_buf_add_u64(out, (uint64_t)owed->answered_ms));
	BD_TRY(bd_buf_add_u64(out, owed->slot));
	BD_TRY(bd_buf_add(out, bytes_of(owed->case_key, sizeof(owed->case_key))));
	BD_TRY(bd_buf_add(out, bytes_of(owed->scope_key, sizeof(owed->scope_key))));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		BD_TRY(bd_buf_add_sized(out, texts[i]));
	}
	return BD_OK;
}

static void read_key(uint8_t out[BD_OWED_BLIND_BYTES], struct bd_reader *reader)
{
	struct bd_bytes key = bd_read_bytes(reader, BD_OWED_BLIND_BYTES);

	if (key.ptr != NULL) {
		memcpy(out, key.ptr, BD_OWED_BLIND_BYTES);
	}
}

enum bd_code bd_owed_unpack(
	struct bd_owed *out, struct bd_owed_parts *parts, struct bd_bytes packed)
{
	struct bd_owed owed = { .is_erased = false };
	struct bd_bytes *const texts[] = { &owed.thing.id, &owed.thing.pointer, &owed.sender,
		&owed.matter, &owed.version, &owed.watched };
	uint32_t *const numbers[] = { (uint32_t *)&owed.due, (uint32_t *)&owed.first_due,
		(uint32_t *)&owed.opened, &owed.extensions, &owed.extension_working_days,
		&owed.extended };
	struct bd_reader reader = bd_reader_of(packed);
	uint8_t form = bd_read_u8(&reader), kind;

	owed.state = (enum bd_owed_state)bd_read_u8(&reader);
	owed.party = (enum bd_owed_party)bd_read_u8(&reader);
	kind = bd_read_u8(&reader);
	owed.thing.is_element = kind == 1;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		*numbers[i] = bd_read_u32(&reader);
	}
	owed.answered_ms = (int64_t)bd_read_u64(&reader);
	owed.slot = bd_read_u64(&reader);
	read_key(owed.case_key, &reader);
	read_key(owed.scope_key, &reader);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		*texts[i] = bd_read_sized(&reader);
	}
	if (!reader.ok || form != FORM || kind > 1 || owed.state < BD_OWED_OPEN ||
		owed.state > BD_OWED_SUPERSEDED || owed.party < BD_OWED_BY_APPLICANT ||
		owed.party > BD_OWED_BY_AGENCY) {
		return BD_STORE_DAMAGED;
	}
	parts->sealed = reader.rest;
	parts->clear = (struct bd_bytes){ packed.ptr, packed.len - reader.rest.len };
	*out = owed;
	return BD_OK;
}

enum bd_code bd_owed_copy(struct bd_owed *owed, struct bd_arena *arena)
{
	struct bd_bytes *const texts[] = { &owed->thing.id, &owed->thing.pointer, &owed->sender,
		&owed->matter, &owed->version, &owed->watched };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		*texts[i] = bd_arena_copy(arena, *texts[i]);
		if (texts[i]->ptr == NULL && texts[i]->len > 0) {
			return bd_arena_code(arena);
		}
	}
	return BD_OK;
}

/* -- the sealed part -- */

static enum bd_code pack_change(struct bd_buf *out, const struct bd_owed_change *change)
{
	const struct bd_bytes texts[] = { change->sender, change->operator_name, change->reason,
		change->material, change->source };

	BD_TRY(bd_buf_add_u8(out, (uint8_t)change->step));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)change->at_ms));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)change->due));
	BD_TRY(bd_buf_add(out, bytes_of(change->receipt, sizeof(change->receipt))));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		BD_TRY(bd_buf_add_sized(out, texts[i]));
	}
	BD_TRY(bd_buf_add(out, bytes_of(change->digest, sizeof(change->digest))));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)change->handed_ms));
	return bd_buf_add_u64(out, change->version);
}

static void read_change(struct bd_owed_change *out, struct bd_reader *reader)
{
	struct bd_bytes *const texts[] = { &out->sender, &out->operator_name, &out->reason,
		&out->material, &out->source };
	struct bd_bytes bytes;

	out->step = (enum bd_owed_step)bd_read_u8(reader);
	out->at_ms = (int64_t)bd_read_u64(reader);
	out->due = (int32_t)bd_read_u32(reader);
	bytes = bd_read_bytes(reader, sizeof(out->receipt));
	if (bytes.ptr != NULL) {
		memcpy(out->receipt, bytes.ptr, sizeof(out->receipt));
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		*texts[i] = bd_read_sized(reader);
	}
	bytes = bd_read_bytes(reader, sizeof(out->digest));
	if (bytes.ptr != NULL) {
		memcpy(out->digest, bytes.ptr, sizeof(out->digest));
	}
	out->handed_ms = (int64_t)bd_read_u64(reader);
	out->version = bd_read_u64(reader);
}

static enum bd_code pack_sealed(struct bd_buf *out, const struct bd_owed *owed)
{
	BD_TRY(bd_buf_add_sized(out, owed->case_id));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)owed->change_count));
	for (size_t i = 0; i < owed->change_count; i++) {
		BD_TRY(pack_change(out, &owed->changes[i]));
	}
	return BD_OK;
}

static enum bd_code unpack_sealed(
	struct bd_owed *owed, struct bd_bytes plain, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(plain);
	struct bd_bytes case_id = bd_read_sized(&reader);
	size_t count = bd_read_u32(&reader);
	struct bd_owed_change *changes;

	if (!reader.ok || count > plain.len) {
		return BD_STORE_DAMAGED;
	}
	changes = bd_arena_alloc(arena, count, sizeof(*changes));
	if (changes == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < count; i++) {
		read_change(&changes[i], &reader);
	}
	if (!reader.ok || reader.rest.len != 0) {
		return BD_STORE_DAMAGED;
	}
	owed->case_id = case_id;
	owed->changes = changes;
	owed->change_count = count;
	return BD_OK;
}

/* What is sealed belongs to this id and to this clear part. */
static enum bd_code seal_name(struct bd_buf *out, const struct bd_owed *owed, struct bd_bytes clear)
{
	BD_TRY(bd_buf_add(out, bytes_of(owed->id, sizeof(owed->id))));
	return bd_buf_add(out, clear);
}

enum bd_code bd_owed_pack(struct bd_buf *out, const struct bd_owed *owed, struct bd_seal *seal,
	const uint8_t *salt, struct bd_bytes sealed)
{
	struct bd_buf plain, name;
	enum bd_code code;

	bd_buf_clear(out);
	BD_TRY(pack_clear(out, owed));
	if (salt == NULL) {
		return bd_buf_add(out, sealed);
	}
	bd_buf_init(&plain, SEALED_MAX_BYTES);
	bd_buf_init(&name, out->max);
	code = pack_sealed(&plain, owed);
	code = code == BD_OK ? seal_name(&name, owed, bd_buf_bytes(out)) : code;
	code = code == BD_OK
		       ? bd_seal_close(seal, out, salt, bd_buf_bytes(&name), bd_buf_bytes(&plain))
		       : code;
	bd_buf_wipe(&plain);
	bd_buf_release(&name);
	return code;
}

static enum bd_code open_sealed(struct bd_buf *plain, const struct bd_owed *owed,
	const struct bd_owed_parts *parts, struct bd_seal *seal, const uint8_t *salt)
{
	struct bd_buf name;
	enum bd_code code;

	bd_buf_init(&name, parts->clear.len + sizeof(owed->id));
	code = seal_name(&name, owed, parts->clear);
	code = code == BD_OK ? bd_seal_open(seal, plain, salt, bd_buf_bytes(&name), parts->sealed)
			     : code;
	bd_buf_release(&name);
	return code;
}

enum bd_code bd_owed_open(struct bd_owed *owed, const struct bd_owed_parts *parts,
	struct bd_seal *seal, const struct bd_salts *salts, bool is_writer, struct bd_arena *arena)
{
	uint8_t salt[BD_SALT_BYTES];
	struct bd_buf plain = { 0 };
	enum bd_code code;

	owed->is_erased = !(is_writer ? bd_salts_get_own(salt, salts, owed->slot)
				      : bd_salts_get(salt, salts, owed->slot));
	if (owed->is_erased) {
		return BD_OK;
	}
	plain.cap = plain.max = parts->sealed.len + 1;
	plain.ptr = bd_arena_alloc(arena, plain.cap, 1);
	if (plain.ptr == NULL) {
		return bd_arena_code(arena);
	}
	code = open_sealed(&plain, owed, parts, seal, salt);
	/* Erased while it was being read. */
	if (code == BD_STORE_DAMAGED && !is_writer && !bd_salts_get(salt, salts, owed->slot)) {
		owed->is_erased = true;
		return BD_OK;
	}
	return code == BD_OK ? unpack_sealed(owed, bd_buf_bytes(&plain), arena) : code;
}
