#include "store/places.h"

#include "base/try.h"
#include "store/lately.h"

#include <string.h>

/* The key under which a node stands in `nodes`, given what `places` says of it. */
static enum bd_code name_of(uint8_t name[BD_PLACE_NAME_BYTES], struct bd_bytes place,
	const uint8_t key[BD_NODE_KEY_BYTES])
{
	if (place.len != BD_PLACE_BYTES) {
		return BD_STORE_DAMAGED;
	}
	memcpy(name, place.ptr, BD_PLACE_BYTES);
	memcpy(name + BD_PLACE_BYTES, key, BD_NODE_KEY_BYTES);
	return BD_OK;
}

static enum bd_code find(uint8_t name[BD_PLACE_NAME_BYTES], bool *found,
	const struct bd_store *store, MDB_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES],
	struct bd_diag *diag)
{
	MDB_val at = { BD_NODE_KEY_BYTES, (void *)key }, place;
	int result = mdb_get(txn, store->places, &at, &place);

	*found = result == 0;
	if (result != 0) {
		return result == MDB_NOTFOUND ? BD_OK : bd_store_fail(diag, result, "place");
	}
	return name_of(name, (struct bd_bytes){ place.mv_data, place.mv_size }, key);
}

/* A name that leads to nothing is no proof that there is nobody. */
enum bd_code bd_place_get(struct bd_bytes *value, bool *found, const struct bd_store *store,
	MDB_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], struct bd_diag *diag)
{
	uint8_t name[BD_PLACE_NAME_BYTES];
	MDB_val at = { sizeof(name), name }, data;
	int result;

	BD_TRY(find(name, found, store, txn, key, diag));
	if (!*found) {
		return BD_OK;
	}
	result = mdb_get(txn, store->nodes, &at, &data);
	if (result != 0) {
		return result == MDB_NOTFOUND ? BD_STORE_DAMAGED
					      : bd_store_fail(diag, result, "node");
	}
	*value = (struct bd_bytes){ data.mv_data, data.mv_size };
	return BD_OK;
}

/* -- putting -- */

/* Takes the place for a node that has none yet; *name: where it is to stand, or stands. */
static enum bd_code take_place(uint8_t name[BD_PLACE_NAME_BYTES], bool *is_new, struct bd_txn *txn,
	const uint8_t key[BD_NODE_KEY_BYTES], uint64_t slot)
{
	char room[BD_PLACE_BYTES];
	struct bd_buf number = { room, 0, sizeof(room), sizeof(room) };
	struct bd_bytes stands;

	BD_TRY(bd_buf_add_u64(&number, slot));
	BD_TRY(bd_txn_put_new(&stands, txn, txn->store->places,
		(struct bd_bytes){ (const char *)key, BD_NODE_KEY_BYTES }, bd_buf_bytes(&number)));
	*is_new = stands.ptr == NULL;
	return name_of(name, *is_new ? bd_buf_bytes(&number) : stands, key);
}

enum bd_code bd_place_put(struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES], uint64_t slot,
	struct bd_bytes value)
{
	struct bd_dirt *dirt = &txn->dirt[txn->store->nodes];
	uint8_t name[BD_PLACE_NAME_BYTES];
	MDB_val at = { sizeof(name), name }, data = { value.len, (void *)value.ptr };
	bool is_new = false;
	int result;

	BD_TRY(take_place(name, &is_new, txn, key, slot));
	result = mdb_put(txn->mdb, txn->store->nodes, &at, &data, is_new ? MDB_APPEND : 0);
	if (result != 0) {
		return bd_txn_fail(txn, result, "node");
	}
	dirt->puts += !is_new;
	dirt->bytes += sizeof(name) + value.len;
	bd_lately_note(txn->store->lately, key, txn->commit);
	return BD_OK;
}

enum bd_code bd_place_drop(struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES])
{
	const struct bd_store *store = txn->store;
	uint8_t name[BD_PLACE_NAME_BYTES];
	bool found = false;

	BD_TRY(find(name, &found, store, txn->mdb, key, txn->diag));
	if (!found) {
		return BD_OK;
	}
	BD_TRY(bd_txn_delete(
		txn, store->nodes, (struct bd_bytes){ (const char *)name, sizeof(name) }));
	return bd_txn_delete(
		txn, store->places, (struct bd_bytes){ (const char *)key, BD_NODE_KEY_BYTES });
}
