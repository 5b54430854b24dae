/* test_store_append.c - digests that are appended leave room for those that come between them, and
 * nothing else. */
#include "store/append.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { KEY_BYTES = 32, VALUE_BYTES = 8, COUNT = 20000, LATER = COUNT / 10 };
/* How many fill a page of LMDB to its end. */
enum { FULL = (4096 - 16) / (10 + KEY_BYTES + VALUE_BYTES) };

struct box {
	char folder[32];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	struct bd_leaf leaf;
};

static void begin(struct box *box)
{
	assert_int_equal(mdb_txn_begin(box->env, NULL, 0, &box->txn), 0);
	box->leaf = (struct bd_leaf){ .bytes = 0 };
}

static void open_box(struct box *box)
{
	*box = (struct box){ .folder = "/tmp/bd-append-XXXXXX" };
	assert_non_null(mkdtemp(box->folder));
	assert_int_equal(mdb_env_create(&box->env), 0);
	assert_int_equal(mdb_env_set_mapsize(box->env, (size_t)64 << 20), 0);
	assert_int_equal(mdb_env_open(box->env, box->folder, MDB_NOSYNC, 0600), 0);
	begin(box);
	assert_int_equal(mdb_dbi_open(box->txn, NULL, 0, &box->dbi), 0);
}

static void close_box(struct box *box)
{
	char path[64];

	mdb_txn_abort(box->txn);
	mdb_env_close(box->env);
	snprintf(path, sizeof(path), "%s/data.mdb", box->folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", box->folder);
	unlink(path);
	rmdir(box->folder);
}

static int append(struct box *box, const uint8_t *key)
{
	uint64_t number = (uint64_t)key[KEY_BYTES - 1];
	MDB_val at = { KEY_BYTES, (void *)key }, value = { VALUE_BYTES, &number };

	return bd_append_digest(box->txn, box->dbi, &box->leaf, &at, &value);
}

static size_t pages_of(struct box *box, size_t *entries)
{
	MDB_stat stat;

	assert_int_equal(mdb_stat(box->txn, box->dbi, &stat), 0);
	assert_int_equal(stat.ms_psize, 4096);
	*entries = stat.ms_entries;
	return stat.ms_leaf_pages;
}

/* All of them, in their order, and nothing besides. */
static void check_all(struct box *box, const uint8_t (*keys)[KEY_BYTES], size_t count)
{
	MDB_cursor *cursor;
	MDB_val key, value;

	assert_int_equal(mdb_cursor_open(box->txn, box->dbi, &cursor), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_NEXT), 0);
		assert_int_equal(key.mv_size, KEY_BYTES);
		assert_memory_equal(key.mv_data, keys[i], KEY_BYTES);
		assert_int_equal(value.mv_size, VALUE_BYTES);
		assert_int_equal(*(const uint8_t *)value.mv_data, keys[i][KEY_BYTES - 1]);
	}
	assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_NEXT), MDB_NOTFOUND);
	mdb_cursor_close(cursor);
}

/* -- what stands for digests -- */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, KEY_BYTES);
}

static uint64_t scatter(uint64_t x)
{
	x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u;
	return x ^ (x >> 32);
}

static void make_keys(uint8_t (*keys)[KEY_BYTES], size_t count, uint64_t seed)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t part = 0; part < KEY_BYTES / 8; part++) {
			uint64_t word = scatter(seed + i * 4 + part);

			memcpy(keys[i] + part * 8, &word, 8);
		}
	}
	qsort(keys, count, KEY_BYTES, compare);
}

/* -- tests -- */

static void later_ones_find_room(void **state)
{
	static uint8_t keys[COUNT][KEY_BYTES], later[LATER][KEY_BYTES];
	size_t entries, pages;
	struct box box;

	(void)state;
	make_keys(keys, COUNT, 1);
	make_keys(later, LATER, 1000000);
	open_box(&box);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(append(&box, keys[i]), 0);
	}
	pages = pages_of(&box, &entries);
	assert_int_equal(entries, COUNT);
	check_all(&box, keys, COUNT);
	assert_in_range(pages, COUNT * 6 / FULL / 5, COUNT * 13 / FULL / 10);
	for (size_t i = 0; i < LATER; i++) {
		MDB_val key = { KEY_BYTES, later[i] }, value = { VALUE_BYTES, later[i] };

		assert_int_equal(mdb_put(box.txn, box.dbi, &key, &value, MDB_NOOVERWRITE), 0);
	}
	/* In full pages all but a few would have been split. */
	assert_true(pages_of(&box, &entries) < pages + pages / 50);
	assert_int_equal(entries, COUNT + LATER);
	close_box(&box);
}

static void many_transactions(void **state)
{
	static uint8_t keys[COUNT][KEY_BYTES];
	size_t entries;
	struct box box;

	(void)state;
	make_keys(keys, COUNT, 7);
	open_box(&box);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(append(&box, keys[i]), 0);
		if (i % 173 == 0) {
			assert_int_equal(mdb_txn_commit(box.txn), 0);
			begin(&box);
		}
	}
	assert_in_range(pages_of(&box, &entries), COUNT * 11 / FULL / 10, COUNT * 13 / FULL / 10);
	check_all(&box, keys, COUNT);
	close_box(&box);
}

static void what_is_not_behind_is_told(void **state)
{
	static uint8_t keys[COUNT][KEY_BYTES];
	struct box box;

	(void)state;
	make_keys(keys, COUNT, 9);
	open_box(&box);
	for (size_t i = 1; i < COUNT; i++) {
		assert_int_equal(append(&box, keys[i]), 0);
		assert_int_equal(append(&box, keys[i]), MDB_KEYEXIST);
		assert_int_equal(append(&box, keys[0]), MDB_KEYEXIST);
	}
	check_all(&box, keys + 1, COUNT - 1);
	close_box(&box);
}

/* Nothing stands between two that differ in their last byte. */
static void neighbours_are_all_there(void **state)
{
	static uint8_t keys[4 * 256][KEY_BYTES];
	struct box box;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / KEY_BYTES; i++) {
		memset(keys[i], 'x', KEY_BYTES);
		keys[i][KEY_BYTES - 2] = (uint8_t)(i >> 8);
		keys[i][KEY_BYTES - 1] = (uint8_t)i;
	}
	open_box(&box);
	for (size_t i = 0; i < sizeof(keys) / KEY_BYTES; i++) {
		assert_int_equal(append(&box, keys[i]), 0);
	}
	check_all(&box, keys, sizeof(keys) / KEY_BYTES);
	close_box(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_ones_find_room),
		cmocka_unit_test(many_transactions),
		cmocka_unit_test(what_is_not_behind_is_told),
		cmocka_unit_test(neighbours_are_all_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
