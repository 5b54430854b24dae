/* erase.c - lawful erasure: a subject's salt is overwritten, and nothing of it can be read. */
#include "base/try.h"
#include "store/history.h"

static enum bd_code erase(struct bd_txn *txn, const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct bd_store *store = txn->store;
	struct bd_bytes name = { (const char *)key, BD_NODE_KEY_BYTES }, value;
	struct bd_node_head head;
	bool found = false;

	BD_TRY(bd_txn_get(&value, &found, txn, store->nodes, name));
	if (!found) {
		return BD_OK;
	}
	BD_TRY(bd_node_head_read(&head, value));
	if (head.sealed.len == 0) {
		return BD_OK;
	}
	BD_TRY(bd_salts_erase(&store->salts, head.slot));
	BD_TRY(bd_salts_sync(&store->salts));
	BD_TRY(bd_buf_add(&txn->plain, value));
	BD_TRY(bd_history_keep_node(txn, key, bd_buf_bytes(&txn->plain)));
	BD_TRY(bd_node_head_pack(&txn->sealed, head.slot, txn->commit));
	return bd_txn_put(txn, store->nodes, name, bd_buf_bytes(&txn->sealed));
}

enum bd_code bd_store_erase(struct bd_store *store, const struct bd_identifier *identifier,
	int64_t now_ms, struct bd_diag *diag)
{
	uint8_t key[BD_NODE_KEY_BYTES];
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_seal_blind(store->seal, identifier, key);
	code = code == BD_OK ? bd_txn_begin(&txn) : bd_fail(diag, code, "%s", "");
	txn.now_ms = now_ms;
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, erase(&txn, key));
	}
	bd_txn_close(&txn);
	return code;
}
