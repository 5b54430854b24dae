/* append.h - entries put behind all that a database holds, with room left for those that will come
 * between them.
 *
 * Layer: store, private; the writer's thread. LMDB fills a leaf to its end when it is appended to.
 * That is right where all that comes later stands behind as well. Where keys are digests it stands
 * anywhere, and the first one that comes into a full leaf splits it: two pages are written for one,
 * and both stay half empty. So a fifth of a leaf stays free: a tenth as many again find room there,
 * with what chance puts more into one leaf than into another.
 */
#ifndef BD_STORE_APPEND_H
#define BD_STORE_APPEND_H

#include <lmdb.h>

#include <stddef.h>

/* The leaf that a transaction appends to. */
struct bd_leaf {
	size_t bytes;      /* appended to it by this transaction */
	size_t count;      /* leaves of the database */
	size_t page_bytes; /* 0 = nothing is known of it yet */
};

/* Keys of one length that are digests, or begin with one. Result of LMDB: MDB_KEYEXIST where
 * something stands at or behind the key; what came between two calls stands before it. */
int bd_append_digest(MDB_txn *mdb, MDB_dbi dbi, struct bd_leaf *leaf, MDB_val *key, MDB_val *value);

#endif
