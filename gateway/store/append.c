#include "store/append.h"

#include <stdbool.h>

/* Of a leaf, and of an entry with where it stands; LMDB's own. */
#define LEAF_HEAD_BYTES 16
#define ENTRY_HEAD_BYTES 10
/* One part of so many stays free. */
#define PARTS_OF_LEAF 5
#define FILLER_MAX_BYTES 8192

/* LMDB begins a leaf only where the last one has no room. So what is left of it is taken by a
 * filler that stands before the key that comes: it is shorter, and no two digests are the same but
 * for a byte. Of two pairs that are, the leaf is filled up instead. */
static int put_filler(bool *is_put, MDB_txn *mdb, MDB_dbi dbi, const MDB_val *key, size_t bytes)
{
	static const char zeros[FILLER_MAX_BYTES];
	MDB_val filler = { key->mv_size - 1, key->mv_data }, rest = { bytes, (void *)zeros };
	int result = mdb_put(mdb, dbi, &filler, &rest, MDB_APPEND);

	*is_put = result == 0;
	return result == MDB_KEYEXIST ? 0 : result;
}

/* What the last leaf has left, once an entry of so many bytes would come into what stays free of
 * it; 0 = it would not. */
static size_t rest_of_leaf(const struct bd_leaf *leaf, size_t entry)
{
	size_t room = leaf->page_bytes - LEAF_HEAD_BYTES;

	return leaf->page_bytes > 0 && leaf->bytes < room &&
			       leaf->bytes + entry > room - room / PARTS_OF_LEAF
		       ? room - leaf->bytes
		       : 0;
}

static int note(struct bd_leaf *leaf, MDB_txn *mdb, MDB_dbi dbi, size_t entry)
{
	MDB_stat stat;
	int result = mdb_stat(mdb, dbi, &stat);

	if (result == 0) {
		leaf->bytes = stat.ms_leaf_pages == leaf->count ? leaf->bytes + entry : entry;
		leaf->count = stat.ms_leaf_pages;
		leaf->page_bytes = stat.ms_psize;
	}
	return result;
}

int bd_append_digest(MDB_txn *mdb, MDB_dbi dbi, struct bd_leaf *leaf, MDB_val *key, MDB_val *value)
{
	size_t head = ENTRY_HEAD_BYTES + key->mv_size;
	/* LMDB gives an entry an even number of bytes. */
	size_t entry = (head + value->mv_size + 1) & ~(size_t)1;
	size_t rest = rest_of_leaf(leaf, entry);
	bool is_filled = false;
	int result = rest >= head && rest - head < FILLER_MAX_BYTES
			     ? put_filler(&is_filled, mdb, dbi, key, rest - head)
			     : 0;

	result = result == 0 ? mdb_put(mdb, dbi, key, value, MDB_APPEND) : result;
	result = result == 0 ? note(leaf, mdb, dbi, entry) : result;
	if (is_filled) {
		MDB_val filler = { key->mv_size - 1, key->mv_data };
		int removed = mdb_del(mdb, dbi, &filler, NULL);

		result = result == 0 ? removed : result;
	}
	return result;
}
