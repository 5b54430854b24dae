/* watch.h - which cases a change concerns. Layer: store, private; the writer's thread, within the
 * transaction of the change.
 *
 * Database `watches`: blinded client, number -> time, sealed event.
 */
#ifndef BD_STORE_WATCH_H
#define BD_STORE_WATCH_H

#include "base/limits.h"
#include "store/apply.h"
#include "store/watches.h"

/* Places of one node that have changed: past that the rest is told as one of any entity. */
#define BD_WATCH_CHANGES_MAX 32

struct bd_watch_change {
	struct bd_bytes source;
	uint16_t entity; /* 0 = any */
	enum bd_watch_what what;
	struct bd_bytes month; /* the earliest that it is about; empty = none */
};

struct bd_watch_changes {
	struct bd_watch_change items[BD_WATCH_CHANGES_MAX];
	size_t count;
};
void bd_watch_add(struct bd_watch_changes *changes, const struct bd_watch_change *change);
/* The month that a row is about, where its entity is about months. */
struct bd_bytes bd_watch_month(const struct bd_store *store, const struct bd_node_row *row);

/* Who has heard of it already. */
struct bd_watch_told {
	struct bd_trail_id receipts[BD_WATCH_RECEIPTS_MAX];
	size_t count;
};
/* The newest cases that have looked at the subject of this key. */
enum bd_code bd_watch_tell(struct bd_txn *txn, struct bd_watch_told *told,
	const uint8_t key[BD_NODE_KEY_BYTES], const struct bd_watch_changes *changes,
	int64_t at_ms);

/* A snapshot of everybody is about to hide what it did not have: who is watched is looked through
 * afterwards (bd_watch_sweep). */
enum bd_code bd_watch_marked(
	struct bd_txn *txn, struct bd_bytes source, struct bd_bytes section, int64_t at_ms);

/* A node has been put: tells the cases that have looked at it, or at whom its relations lead to.
 * One look into the index of cases where there are any, none where there are none. */
enum bd_code bd_watch_node(
	struct bd_apply *apply, const struct bd_node *node, const uint8_t key[BD_NODE_KEY_BYTES]);
/* Of every case that is indexed: what has changed since it was read. */
void bd_watch_open(struct bd_store *store);

#define BD_WATCH_KEY_BYTES (BD_NODE_KEY_BYTES + 8)
enum bd_code bd_watch_client_key(
	uint8_t out[BD_NODE_KEY_BYTES], struct bd_seal *seal, const char *client);

#endif
