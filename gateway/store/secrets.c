#include "store/secrets.h"

#include "base/digest.h"
#include "base/locked.h"
#include "base/try.h"

#include <string.h>

#define EPOCH_NAME "epoch"
#define EPOCH_NAME_BYTES (sizeof(EPOCH_NAME) + 2) /* with its NUL, and the number */
#define SECRETS_NAME "secrets"
#define SECRETS_VERSION 1
#define SECRETS_MAX_BYTES (2 + BD_ROOT_BYTES + BD_BLINDINGS_MAX * (1 + BD_ROOT_BYTES))

/* Of no subject: the key of the roots is the epoch's alone. */
static const uint8_t secrets_salt[BD_SALT_BYTES] = "bidui secrets 1";

static MDB_val val_of(const void *bytes, size_t len)
{
	return (MDB_val){ len, (void *)bytes };
}

static MDB_val secrets_name(void)
{
	return val_of(SECRETS_NAME, sizeof(SECRETS_NAME) - 1);
}

/* -- epochs -- */

static void epoch_name(char out[EPOCH_NAME_BYTES], uint16_t epoch)
{
	memcpy(out, EPOCH_NAME, sizeof(EPOCH_NAME));
	out[sizeof(EPOCH_NAME)] = (char)(epoch >> 8);
	out[sizeof(EPOCH_NAME) + 1] = (char)epoch;
}

static bool read_epoch_name(uint16_t *epoch, const MDB_val *name)
{
	const uint8_t *bytes = name->mv_data;

	if (name->mv_size != EPOCH_NAME_BYTES ||
		memcmp(bytes, EPOCH_NAME, sizeof(EPOCH_NAME)) != 0) {
		return false;
	}
	*epoch = (uint16_t)(bytes[sizeof(EPOCH_NAME)] << 8 | bytes[sizeof(EPOCH_NAME) + 1]);
	return true;
}

static enum bd_code check_of(uint8_t out[BD_DIGEST_BYTES], const struct bd_key *key)
{
	struct bd_hmac *hmac = NULL;
	enum bd_code code;

	BD_TRY(bd_hmac_new(
		&hmac, (struct bd_bytes){ (const char *)key->bytes, sizeof(key->bytes) }));
	code = bd_hmac_of(hmac, bd_bytes_of("bidui store key check 2"), out);
	bd_hmac_free(hmac);
	return code;
}

/* One row: is it this key? */
static enum bd_code check_epoch(
	const struct bd_store *store, uint16_t epoch, const MDB_val *value, struct bd_diag *diag)
{
	const struct bd_key *key = bd_ring_find(store->ring, epoch);
	uint8_t digest[BD_DIGEST_BYTES];

	if (key == NULL) {
		return bd_fail(diag, BD_STORE_KEY,
			"epoch %u is not among the keys, and the store still needs it", epoch);
	}
	BD_TRY(check_of(digest, key));
	return value->mv_size == sizeof(digest) &&
			       bd_equal_secret(value->mv_data, digest, sizeof(digest))
		       ? BD_OK
		       : bd_fail(diag, BD_STORE_KEY, "epoch %u is another key", epoch);
}

/* Each row in turn, checked against the ring where it is wanted. */
static enum bd_code walk_epochs(uint16_t out[BD_EPOCHS_MAX], size_t *count,
	const struct bd_store *store, MDB_txn *txn, bool is_checked, struct bd_diag *diag)
{
	MDB_val name = val_of(EPOCH_NAME, sizeof(EPOCH_NAME)), value;
	MDB_cursor *cursor;
	enum bd_code code = BD_OK;
	int result = mdb_cursor_open(txn, store->meta, &cursor);

	*count = 0;
	if (result != 0) {
		return bd_store_fail(diag, result, "meta");
	}
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	while (code == BD_OK && result == 0 && *count < BD_EPOCHS_MAX &&
		read_epoch_name(&out[*count], &name)) {
		code = is_checked ? check_epoch(store, out[*count], &value, diag) : BD_OK;
		++*count;
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return code != BD_OK || result == 0 || result == MDB_NOTFOUND
		       ? code
		       : bd_store_fail(diag, result, "meta");
}

enum bd_code bd_secrets_epochs(uint16_t out[BD_EPOCHS_MAX], size_t *count,
	const struct bd_store *store, MDB_txn *txn, struct bd_diag *diag)
{
	return walk_epochs(out, count, store, txn, false, diag);
}

enum bd_code bd_secrets_check(bool *is_needed, const struct bd_store *store, MDB_txn *txn,
	uint16_t epoch, struct bd_diag *diag)
{
	char room[EPOCH_NAME_BYTES];
	MDB_val name = val_of(room, sizeof(room)), value;
	int result;

	epoch_name(room, epoch);
	result = mdb_get(txn, store->meta, &name, &value);
	*is_needed = result == 0;
	if (result != 0) {
		return result == MDB_NOTFOUND ? BD_OK : bd_store_fail(diag, result, "meta");
	}
	return check_epoch(store, epoch, &value, diag);
}

static enum bd_code put_epoch(
	struct bd_store *store, MDB_txn *txn, const struct bd_key *key, struct bd_diag *diag)
{
	uint8_t digest[BD_DIGEST_BYTES];
	char room[EPOCH_NAME_BYTES];
	MDB_val name = val_of(room, sizeof(room)), value = val_of(digest, sizeof(digest));
	int result;

	epoch_name(room, key->epoch);
	BD_TRY(check_of(digest, key));
	result = mdb_put(txn, store->meta, &name, &value, 0);
	return result == 0 ? BD_OK : bd_store_fail(diag, result, "meta");
}

enum bd_code bd_secrets_drop(
	struct bd_store *store, MDB_txn *txn, uint16_t epoch, struct bd_diag *diag)
{
	char room[EPOCH_NAME_BYTES];
	MDB_val name = val_of(room, sizeof(room));
	int result;

	epoch_name(room, epoch);
	result = mdb_del(txn, store->meta, &name, NULL);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_store_fail(diag, result, "meta");
}

/* -- roots -- */

static enum bd_code pack(struct bd_buf *out, const struct bd_roots *roots)
{
	BD_TRY(bd_buf_add_u8(out, SECRETS_VERSION));
	BD_TRY(bd_buf_add(out, (struct bd_bytes){ (const char *)roots->lasting, BD_ROOT_BYTES }));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)roots->blinding_count));
	for (size_t i = 0; i < roots->blinding_count; i++) {
		const struct bd_blinding_key *key = &roots->blindings[i];

		BD_TRY(bd_buf_add_u8(out, (uint8_t)key->algorithm));
		BD_TRY(bd_buf_add(
			out, (struct bd_bytes){ (const char *)key->bytes, BD_ROOT_BYTES }));
	}
	return BD_OK;
}

static void read_root(uint8_t out[BD_ROOT_BYTES], struct bd_reader *reader)
{
	struct bd_bytes bytes = bd_read_bytes(reader, BD_ROOT_BYTES);

	if (reader->ok) {
		memcpy(out, bytes.ptr, BD_ROOT_BYTES);
	}
}

static enum bd_code unpack(struct bd_roots *roots, struct bd_bytes packed)
{
	struct bd_reader reader = bd_reader_of(packed);
	uint8_t version = bd_read_u8(&reader);
	size_t count;

	read_root(roots->lasting, &reader);
	count = bd_read_u8(&reader);
	if (version != SECRETS_VERSION || count == 0 || count > BD_BLINDINGS_MAX) {
		return BD_STORE_DAMAGED;
	}
	for (size_t i = 0; i < count; i++) {
		roots->blindings[i].algorithm = (enum bd_blinding)bd_read_u8(&reader);
		read_root(roots->blindings[i].bytes, &reader);
	}
	roots->blinding_count = count;
	return reader.ok && reader.rest.len == 0 ? BD_OK : BD_STORE_DAMAGED;
}

/* Packed where it is wiped. */
static enum bd_code put_secrets(
	struct bd_store *store, MDB_txn *txn, const struct bd_ring *ring, struct bd_diag *diag)
{
	char room[SECRETS_MAX_BYTES], sealed_room[SECRETS_MAX_BYTES + BD_SEAL_OVERHEAD];
	struct bd_buf plain = { room, 0, sizeof(room), sizeof(room) },
		      sealed = { sealed_room, 0, sizeof(sealed_room), sizeof(sealed_room) };
	MDB_val name = secrets_name(), value;
	struct bd_seal *seal = NULL;
	enum bd_code code = bd_seal_new(&seal, ring);
	int result;

	code = code == BD_OK ? pack(&plain, &ring->roots) : code;
	code = code == BD_OK ? bd_seal_close(seal, &sealed, secrets_salt, bd_bytes_of(SECRETS_NAME),
				       bd_buf_bytes(&plain))
			     : code;
	bd_wipe(room, sizeof(room));
	bd_seal_free(seal);
	if (code != BD_OK) {
		return bd_fail(diag, code, "secrets");
	}
	value = val_of(sealed.ptr, sealed.len);
	result = mdb_put(txn, store->meta, &name, &value, 0);
	return result == 0 ? BD_OK : bd_store_fail(diag, result, "meta");
}

static enum bd_code make_roots(struct bd_roots *roots, enum bd_blinding blinding)
{
	BD_TRY(bd_random(roots->lasting, sizeof(roots->lasting)));
	roots->blindings[0].algorithm =
		blinding == BD_BLINDING_SM3 ? BD_BLINDING_SM3 : BD_BLINDING_SHA256;
	BD_TRY(bd_random(roots->blindings[0].bytes, BD_ROOT_BYTES));
	roots->blinding_count = 1;
	return BD_OK;
}

static enum bd_code open_roots(
	bool *is_current, struct bd_ring *ring, struct bd_bytes sealed, struct bd_diag *diag)
{
	char room[SECRETS_MAX_BYTES + 1];
	struct bd_buf plain = { room, 0, sizeof(room), sizeof(room) };
	struct bd_seal *seal = NULL;
	enum bd_code code = bd_seal_new(&seal, ring);

	code = code == BD_OK
		       ? bd_seal_open(seal, &plain, secrets_salt, bd_bytes_of(SECRETS_NAME), sealed)
		       : code;
	code = code == BD_OK ? unpack(&ring->roots, bd_buf_bytes(&plain)) : code;
	*is_current = code == BD_OK && bd_seal_is_current(seal, sealed);
	bd_wipe(room, sizeof(room));
	bd_seal_free(seal);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "secrets");
}

enum bd_code bd_secrets_add(
	struct bd_store *store, MDB_txn *txn, const struct bd_ring *ring, struct bd_diag *diag)
{
	enum bd_sealing sealing;
	uint16_t epoch;

	bd_ring_target(&sealing, &epoch, ring);
	BD_TRY(put_epoch(store, txn, bd_ring_find(ring, epoch), diag));
	return put_secrets(store, txn, ring, diag);
}

enum bd_code bd_secrets_open(
	struct bd_store *store, MDB_txn *txn, enum bd_blinding blinding, struct bd_diag *diag)
{
	struct bd_roots *roots = &store->ring->roots;
	uint16_t epochs[BD_EPOCHS_MAX], epoch;
	MDB_val name = secrets_name(), value;
	enum bd_sealing sealing;
	bool is_current = false;
	size_t count = 0;
	int result;

	BD_TRY(walk_epochs(epochs, &count, store, txn, true, diag));
	bd_ring_target(&sealing, &epoch, store->ring);
	if (count == BD_EPOCHS_MAX && epochs[count - 1] < epoch) {
		return bd_fail(diag, BD_STORE_KEY, "%d epochs are still needed", BD_EPOCHS_MAX);
	}
	result = mdb_get(txn, store->meta, &name, &value);
	if (result == MDB_NOTFOUND && count == 0) {
		BD_TRY(make_roots(roots, blinding));
		return bd_secrets_add(store, txn, store->ring, diag);
	}
	if (result != 0) {
		return bd_store_fail(diag, result, "meta");
	}
	BD_TRY(open_roots(
		&is_current, store->ring, (struct bd_bytes){ value.mv_data, value.mv_size }, diag));
	if (blinding != BD_BLINDING_AS_IT_IS &&
		roots->blindings[roots->blinding_count - 1].algorithm != blinding) {
		return bd_fail(diag, BD_STORE_BLINDING, "%s", "");
	}
	return is_current ? BD_OK : bd_secrets_add(store, txn, store->ring, diag);
}
