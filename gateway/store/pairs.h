/* pairs.h - aliases and links of a whole initial load: kept apart while its nodes are stored, and
 * put at its end, in the order of their databases.
 *
 * Layer: store; the writer's thread, offline. Nodes of a load come in the order of the store, but a
 * pair (txn.h) lies by its own digest, anywhere in its database: put with each transaction, they
 * make it write most pages of `owners` and `links` anew. Kept apart, in sealed sorted runs
 * (spool.h) and so in bounded memory, they are put once each, side by side: appended where the
 * database is empty.
 *
 * Until the last is put a lookup would miss subjects that are there. So the counter "loading" in
 * meta, which is set before the first is kept back and deleted when all are put, closes the store
 * to everybody but another load: BD_LOAD_UNFINISHED from bd_store_open. What is kept back is not
 * made durable, for it can be had again: the counter is the first commit whose pairs may be
 * missing, and after a crash the next load collects those of all nodes that were written since.
 * (An unfinished restore cannot be known in the same way: there is no store yet to hold a mark.)
 */
#ifndef BD_STORE_PAIRS_H
#define BD_STORE_PAIRS_H

#include "store/store.h"

struct bd_pairs;
struct bd_txn;

/* An earlier load did not come to its end. */
bool bd_pairs_are_missing(const struct bd_store *store);
/* From now on pairs are kept apart; those of an earlier load that ended before they were put are
 * collected first. Again: nothing. */
enum bd_code bd_pairs_hold(struct bd_store *store, struct bd_diag *diag);

/* Told after each transaction. */
struct bd_pairs_watch {
	void (*put)(struct bd_pairs_watch *self, uint64_t done, uint64_t total);
};
/* Puts all that are kept and opens the store to everybody again; no longer kept apart from here on.
 * A code: the store stays closed, and another load begins with this. watch may be NULL. */
enum bd_code bd_pairs_put(
	struct bd_store *store, struct bd_pairs_watch *watch, struct bd_diag *diag);
void bd_pairs_free(struct bd_pairs *pairs);

/* -- of the store -- */

/* Two blinded keys, as in struct bd_pair, there since that commit. Of a transaction that is given
 * up some may stay: what a pair leads to is checked when it is read. */
enum bd_code bd_pairs_keep(struct bd_pairs *pairs, bool is_link, const uint8_t *bytes,
	uint64_t since, struct bd_diag *diag);
/* The counter, at the start; 0 = all is there. */
#define BD_PAIRS_COUNTER "loading"

#endif
