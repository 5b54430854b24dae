/* needed.c - which keys a store needs, asked of its folder by a process that may have none of them.
 */
#include "store/env.h"
#include "store/reseal.h"
#include "store/secrets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <stdio.h>

/* Only what bd_secrets_* look at: environment, meta, ring. */
static enum bd_code open_meta(
	struct bd_store *store, MDB_txn **txn, const char *folder, struct bd_diag *diag)
{
	char path[4200];
	struct stat status;
	int result;

	snprintf(path, sizeof(path), "%s/data.mdb", folder);
	if (stat(path, &status) != 0) {
		return bd_fail(diag, BD_STORE_FAILED, "there is no store in %s", folder);
	}
	result = mdb_env_create(&store->env);
	if (result == 0) {
		mdb_env_set_maxdbs(store->env, 1);
		mdb_env_set_mapsize(store->env, BD_READ_MAP_BYTES);
		result = mdb_env_open(store->env, folder, MDB_RDONLY | MDB_NOTLS, 0600);
	}
	result = result == 0 ? mdb_txn_begin(store->env, NULL, MDB_RDONLY, txn) : result;
	result = result == 0 ? mdb_dbi_open(*txn, "meta", 0, &store->meta) : result;
	return result == 0 ? BD_OK : bd_store_fail(diag, result, folder);
}

static void close_meta(struct bd_store *store, MDB_txn *txn)
{
	if (txn != NULL) {
		mdb_txn_abort(txn);
	}
	if (store->env != NULL) {
		mdb_env_close(store->env);
	}
	bd_ring_free(store->ring);
	free(store);
}

enum bd_code bd_store_needed(
	uint16_t out[BD_EPOCHS_MAX], size_t *count, const char *folder, struct bd_diag *diag)
{
	struct bd_store *store = calloc(1, sizeof(*store));
	MDB_txn *txn = NULL;
	enum bd_code code;

	if (store == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	code = open_meta(store, &txn, folder, diag);
	code = code == BD_OK ? bd_secrets_epochs(out, count, store, txn, diag) : code;
	close_meta(store, txn);
	return code;
}

enum bd_code bd_store_check_key(
	bool *is_needed, const char *folder, const struct bd_key *key, struct bd_diag *diag)
{
	struct bd_store *store = calloc(1, sizeof(*store));
	struct bd_keys keys = { .count = 0 };
	MDB_txn *txn = NULL;
	enum bd_code code;

	if (store == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	code = bd_ring_new(&store->ring, &keys, BD_SEALING_AES_GCM);
	if (code == BD_OK) {
		store->ring->keys.items[0] = *key;
		store->ring->keys.count = 1;
		code = open_meta(store, &txn, folder, diag);
	}
	code = code == BD_OK ? bd_secrets_check(is_needed, store, txn, key->epoch, diag) : code;
	close_meta(store, txn);
	return code;
}
