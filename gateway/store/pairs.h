/* pairs.h - aliases and links of a long message, or of a whole initial load: kept apart from its
 * nodes, and put in the order of their databases.
 *
 * Layer: store. Nodes of a long message come in the order of the store, but a pair (txn.h) lies by
 * its own digest, anywhere in its database: put with each transaction, they make it write most
 * pages of `owners` and `links` anew. Kept apart, in sealed sorted runs (spool.h) and so in bounded
 * memory, they are put once each, side by side: appended where the database is empty. What is kept
 * apart is not made durable, for it can be had again.
 *
 * Of a message they are gathered as its records come, and put before its nodes: a pair that leads
 * to nothing yet is nothing to who reads it. After a restart they are gone, and each transaction
 * puts its own.
 *
 * Of a load they are put at the end of all its messages, long and short. Until the last is put a
 * lookup would miss subjects that are there. So the counter "loading" in meta, which is set before
 * the first is kept back and deleted when all are put, closes the store to everybody but another
 * load: BD_LOAD_UNFINISHED from bd_store_open. The counter is the first commit whose pairs may be
 * missing, and after a crash the next load collects those of all nodes that were written since.
 * (An unfinished restore cannot be known in the same way: there is no store yet to hold a mark.)
 */
#ifndef BD_STORE_PAIRS_H
#define BD_STORE_PAIRS_H

#include "store/store.h"

struct bd_pairs;

/* -- of an initial load: the writer's thread, offline -- */

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

/* -- of the store -- */

enum bd_code bd_pairs_new(
	struct bd_pairs **out, struct bd_store *store, size_t run_bytes, struct bd_diag *diag);
/* Removes what was kept. */
void bd_pairs_free(struct bd_pairs *pairs);
/* Any one thread. Two blinded keys, as in struct bd_pair, there since that commit; 0 = since the
 * one that puts it, or the first of the load. Of a transaction that is given up some may stay: what
 * a pair leads to is checked when it is read. */
enum bd_code bd_pairs_keep(struct bd_pairs *pairs, bool is_link, const uint8_t *bytes,
	uint64_t since, struct bd_diag *diag);
/* No more are kept: lets go of the memory that it needed. Again: nothing. */
enum bd_code bd_pairs_finish(struct bd_pairs *pairs, struct bd_diag *diag);
/* Puts `of` with them, as if they were one; `of` is finished, and the other's from here on. */
void bd_pairs_join(struct bd_pairs *pairs, struct bd_pairs *of);
/* So few that apart from the nodes they would cost more than with them. */
bool bd_pairs_are_few(const struct bd_pairs *pairs);
/* Writer's thread: no more are kept; puts some, in a transaction of their own. *has_more false: all
 * are put. After a code some are put again by the next call. */
enum bd_code bd_pairs_put_some(struct bd_pairs *pairs, bool *has_more, struct bd_diag *diag);
/* The counter, at the start; 0 = all is there. */
#define BD_PAIRS_COUNTER "loading"

#endif
