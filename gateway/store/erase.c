/* erase.c - lawful erasure: a subject's salt is overwritten, and nothing of it can be read. */
#include "base/try.h"
#include "store/txn.h"

static enum bd_code erase(struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_store *store = txn->store;
	struct bd_bytes name = { (const char *)key, BD_NODE_KEY_BYTES }, value;
	struct bd_reader reader;
	bool found = false;

	BD_TRY(bd_txn_get(&value, &found, txn, store->nodes, name));
	if (!found) {
		return BD_OK;
	}
	reader = bd_reader_of(value);
	BD_TRY(bd_salts_erase(&store->salts, bd_read_u64(&reader)));
	BD_TRY(bd_salts_sync(&store->salts));
	return bd_txn_delete(txn, store->nodes, name);
}

enum bd_code bd_store_erase(
	struct bd_store *store, const struct bd_identifier *identifier, struct bd_diag *diag)
{
	uint8_t key[BD_NODE_KEY_BYTES];
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_seal_blind(store->seal, identifier, key);
	code = code == BD_OK ? bd_txn_begin(&txn) : bd_fail(diag, code, "%s", "");
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, erase(&txn, key));
	}
	bd_txn_close(&txn);
	return code;
}
