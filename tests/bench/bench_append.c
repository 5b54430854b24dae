/* bench_append.c - bench_append FOLDER ROWS KEY-BYTES VALUE-BYTES: a bare LMDB that so many rows in
 * the order of their keys are appended to, and synced at the end: the peer of an initial load. Its
 * keys are counters, its values are not looked at by anybody.
 */
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 4096
/* Room for the rows thrice, with keys and pages. */
#define ROOM_TIMES 3
#define TXN_ROWS 65536

struct rows {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	size_t count, key_bytes, value_bytes;
};

static int begin(struct rows *rows)
{
	int result = mdb_txn_begin(rows->env, NULL, 0, &rows->txn);

	return result == 0 ? mdb_dbi_open(rows->txn, NULL, 0, &rows->dbi) : result;
}

static int append(struct rows *rows)
{
	static unsigned char key[BYTES_MAX], value[BYTES_MAX];
	int result = begin(rows);

	for (uint64_t i = 0; i < rows->count && result == 0; i++) {
		MDB_val key_val = { rows->key_bytes, key },
			value_val = { rows->value_bytes, value };

		for (size_t byte = 0; byte < sizeof(i); byte++) {
			key[byte] = (unsigned char)(i >> (8 * (sizeof(i) - 1 - byte)));
		}
		memcpy(value, &i, sizeof(i));
		result = mdb_put(rows->txn, rows->dbi, &key_val, &value_val, MDB_APPEND);
		if (result == 0 && (i + 1) % TXN_ROWS == 0) {
			result = mdb_txn_commit(rows->txn);
			result = result == 0 ? begin(rows) : result;
		}
	}
	result = result == 0 ? mdb_txn_commit(rows->txn) : result;
	return result == 0 ? mdb_env_sync(rows->env, 1) : result;
}

int main(int argc, char **argv)
{
	struct rows rows = { .env = NULL };

	if (argc == 5) {
		rows.count = strtoull(argv[2], NULL, 10);
		rows.key_bytes = strtoull(argv[3], NULL, 10);
		rows.value_bytes = strtoull(argv[4], NULL, 10);
	}
	if (rows.key_bytes < sizeof(uint64_t) || rows.key_bytes > BYTES_MAX ||
		rows.value_bytes < sizeof(uint64_t) || rows.value_bytes > BYTES_MAX) {
		fprintf(stderr,
			"usage: bench_append FOLDER ROWS KEY-BYTES VALUE-BYTES, of %zu to %d\n",
			sizeof(uint64_t), BYTES_MAX);
		return 2;
	}
	size_t room = (rows.count + TXN_ROWS) * (rows.key_bytes + rows.value_bytes) * ROOM_TIMES;
	int result = mdb_env_create(&rows.env);

	result = result == 0 ? mdb_env_set_mapsize(rows.env, room) : result;
	result = result == 0 ? mdb_env_open(rows.env, argv[1], 0, 0600) : result;
	result = result == 0 ? append(&rows) : result;
	if (result != 0) {
		fprintf(stderr, "bench_append: %s\n", mdb_strerror(result));
	}
	mdb_env_close(rows.env);
	return result == 0 ? 0 : 1;
}
