#include "store/env.h"

#include <errno.h>
#include <string.h>

#define READERS_MAX 1024
#define DATABASES_MAX 32

enum bd_code bd_store_fail(struct bd_diag *diag, int result, const char *what)
{
	enum bd_code code = BD_STORE_FAILED;

	if (result == ENOSPC || result == MDB_MAP_FULL || result == EDQUOT) {
		code = BD_DISK_FULL;
	} else if (result == MDB_CORRUPTED || result == MDB_PAGE_NOTFOUND ||
		   result == MDB_INVALID) {
		code = BD_STORE_DAMAGED;
	}
	return bd_fail(diag, code, "%s: %s", what, mdb_strerror(result));
}

enum bd_code bd_env_open(struct bd_store *store, uint64_t map_size, struct bd_diag *diag)
{
	int result = mdb_env_create(&store->env), dead = 0;

	if (result == 0) {
		mdb_env_set_maxdbs(store->env, DATABASES_MAX);
		mdb_env_set_maxreaders(store->env, READERS_MAX);
		mdb_env_set_mapsize(store->env, map_size);
		result = mdb_env_open(store->env, store->folder, MDB_NOTLS | MDB_NORDAHEAD, 0600);
	}
	if (result == 0) {
		result = mdb_reader_check(store->env, &dead);
	}
	return result == 0 ? BD_OK : bd_store_fail(diag, result, "data_folder");
}

int bd_order_keys(const MDB_val *a, const MDB_val *b)
{
	const char *x = a->mv_data, *y = b->mv_data;
	size_t len = a->mv_size < b->mv_size ? a->mv_size : b->mv_size, at = 0;
	int order;

	for (; len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
		uint64_t left = be64toh(bd_bytes_eight(x + at));
		uint64_t right = be64toh(bd_bytes_eight(y + at));

		if (left != right) {
			return left < right ? -1 : 1;
		}
	}
	order = len > at ? memcmp(x + at, y + at, len - at) : 0;
	return order != 0 ? order : (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}

int bd_databases_open(struct bd_store *store, MDB_txn *txn)
{
	const struct {
		const char *name;
		MDB_dbi *dbi;
	} rows[] = { { "nodes", &store->nodes }, { "places", &store->places },
		{ "owners", &store->owners }, { "links", &store->links },
		{ "coverage", &store->coverage }, { "messages", &store->messages },
		{ "keys", &store->keys }, { "obligations", &store->obligations },
		{ "owed", &store->owed }, { "spools", &store->spools },
		{ "history", &store->history }, { "coverage_history", &store->coverage_history },
		{ "disputes", &store->disputes }, { "watches", &store->watches },
		{ "meta", &store->meta }, { "case_runs", &store->case_runs },
		{ "case_erased", &store->case_erased } };
	int result = 0;

	_Static_assert(sizeof(rows) / sizeof(rows[0]) == BD_DATABASES, "as many as are counted");
	for (size_t i = 0; i < BD_DATABASES && result == 0; i++) {
		result = mdb_dbi_open(txn, rows[i].name, MDB_CREATE, rows[i].dbi);
		result = result == 0 ? mdb_set_compare(txn, *rows[i].dbi, bd_order_keys) : result;
	}
	return result;
}

enum bd_code bd_coverage_name(
	struct bd_buf *out, const char *prefix, struct bd_bytes source, struct bd_bytes name)
{
	enum bd_code code = bd_buf_add_text(out, prefix);

	code = code == BD_OK ? bd_buf_add_byte(out, '\0') : code;
	code = code == BD_OK ? bd_buf_add(out, source) : code;
	code = code == BD_OK ? bd_buf_add_byte(out, '\0') : code;
	return code == BD_OK ? bd_buf_add(out, name) : code;
}
