/* bulk.h - many short messages of one feed at once: kept sealed until all of them are there, then
 * committed together.
 *
 * Layer: store; for the initial load, where a dump holds a message a line. Each is its own journal
 * entry with its own number, outcome and idempotency key, exactly as if it had been pushed; what
 * is saved is a transaction and a sync for each few. They are committed in the order of the store,
 * so that neighbours share pages, but those of a feed whose order is that of receipt in the order
 * in which they came. Their keys, of which no two may be the same, are put at the end
 * (keys_apart.h). Until the first is committed nothing of them counts: the file has no place
 * in the journal, and a restart removes it.
 */
#ifndef BD_STORE_BULK_H
#define BD_STORE_BULK_H

#include "store/store.h"

struct bd_bulk;

enum bd_code bd_bulk_new(struct bd_bulk **out, struct bd_store *store, struct bd_diag *diag);
void bd_bulk_free(struct bd_bulk *bulk);
/* Any one thread. number: of the line, for whoever is told. What the entry borrows is copied.
 * BD_LIMIT_BYTES: too long for a bulk, and the bulk is as it was. */
enum bd_code bd_bulk_add(
	struct bd_bulk *bulk, const struct bd_entry *entry, uint64_t number, struct bd_diag *diag);
/* The last was added: all on disk. */
enum bd_code bd_bulk_end(struct bd_bulk *bulk, struct bd_diag *diag);

/* Told of each, when it is on disk. */
struct bd_bulk_watch {
	void (*done)(struct bd_bulk_watch *self, uint64_t number, const struct bd_entry *entry);
};
/* Writer thread: the next group of them; *has_more: call again. After a code nothing more can be
 * done with it; what was committed stays. */
enum bd_code bd_bulk_commit(
	bool *has_more, struct bd_bulk *bulk, struct bd_bulk_watch *watch, struct bd_diag *diag);

#endif
