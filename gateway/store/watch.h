/* watch.h - which cases a change concerns. Layer: store, private; the writer's thread, within the
 * transaction of the change.
 *
 * Database `watches`: blinded client, number -> time, sealed event.
 */
#ifndef BD_STORE_WATCH_H
#define BD_STORE_WATCH_H

#include "store/apply.h"

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
