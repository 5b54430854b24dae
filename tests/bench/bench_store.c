/* bench_store.c - bench_store FOLDER: of a store that nobody has open, how large it is and what
 * takes the room. A line a database: its name, rows, bytes of keys, bytes of values, bytes of its
 * pages; then "data.mdb", 0, 0, 0 and the bytes of that file on the disk. No key is needed.
 */
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_MAX_BYTES 64
#define DISK_BLOCK_BYTES 512

static int fail(const char *what, int result)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, mdb_strerror(result));
	return result;
}

static int add_rows(uint64_t *keys, uint64_t *values, MDB_txn *txn, MDB_dbi dbi)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_cursor_open(txn, dbi, &cursor);

	if (result != 0) {
		return result;
	}
	while ((result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		*keys += key.mv_size;
		*values += value.mv_size;
	}
	mdb_cursor_close(cursor);
	return result == MDB_NOTFOUND ? 0 : result;
}

static int show_database(MDB_txn *txn, MDB_val name)
{
	char text[NAME_MAX_BYTES];
	uint64_t keys = 0, values = 0;
	MDB_stat stat;
	MDB_dbi dbi;
	int result;

	snprintf(text, sizeof(text), "%.*s", (int)name.mv_size, (const char *)name.mv_data);
	result = mdb_dbi_open(txn, text, 0, &dbi);
	result = result == 0 ? mdb_stat(txn, dbi, &stat) : result;
	result = result == 0 ? add_rows(&keys, &values, txn, dbi) : result;
	if (result == 0) {
		printf("%s\t%zu\t%llu\t%llu\t%llu\n", text, stat.ms_entries,
			(unsigned long long)keys, (unsigned long long)values,
			(unsigned long long)stat.ms_psize *
				(stat.ms_leaf_pages + stat.ms_branch_pages +
					stat.ms_overflow_pages));
	}
	return result;
}

/* The main database has their names. */
static int show_all(MDB_txn *txn)
{
	MDB_cursor *cursor;
	MDB_val name, value;
	MDB_dbi main_dbi;
	int result = mdb_dbi_open(txn, NULL, 0, &main_dbi);

	result = result == 0 ? mdb_cursor_open(txn, main_dbi, &cursor) : result;
	if (result != 0) {
		return result;
	}
	while (result == 0 && (result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT)) == 0) {
		result = show_database(txn, name);
	}
	mdb_cursor_close(cursor);
	return result == MDB_NOTFOUND ? 0 : result;
}

int main(int argc, char **argv)
{
	char path[4096];
	struct stat status;
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	int result;

	if (argc != 2) {
		return 2;
	}
	snprintf(path, sizeof(path), "%s/data.mdb", argv[1]);
	result = mdb_env_create(&env);
	if (result == 0) {
		mdb_env_set_maxdbs(env, 64);
		mdb_env_set_mapsize(env, (size_t)1 << 40);
		result = mdb_env_open(env, argv[1], MDB_RDONLY | MDB_NOTLS, 0600);
	}
	result = result == 0 ? mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) : result;
	result = result == 0 ? show_all(txn) : result;
	if (txn != NULL) {
		mdb_txn_abort(txn);
	}
	if (env != NULL) {
		mdb_env_close(env);
	}
	if (result == 0 && stat(path, &status) == 0) {
		printf("data.mdb\t0\t0\t0\t%llu\n",
			(unsigned long long)status.st_blocks * DISK_BLOCK_BYTES);
	}
	return result == 0 ? 0 : fail(argv[1], result) != 0;
}
