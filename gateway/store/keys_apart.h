/* keys_apart.h - idempotency keys of a bulk: kept apart from its messages, and put at its end in
 * the order of their database.
 *
 * Layer: store, private; the writer's thread, offline. A key is a digest: put with its message it
 * lies anywhere in `keys`, so that each transaction of a bulk, whose messages else are all
 * appended, would write a page for each of them. Kept apart they are put side by side, once.
 *
 * Only keys of messages that are on disk are kept. Until all are put, the counter "keys" in meta
 * has the number of the first message whose key may be missing: after a crash the next bulk begins
 * by having those again from the messages, which say their keys. Until then a message of the bulk
 * that came again would not be known for a repeat; nothing but another bulk brings one.
 */
#ifndef BD_STORE_KEYS_APART_H
#define BD_STORE_KEYS_APART_H

#include "store/store.h"

struct bd_keys_apart;

/* From now on keys are not put with their messages. Puts first what an earlier bulk left out. */
enum bd_code bd_keys_apart_begin(
	struct bd_keys_apart **out, struct bd_store *store, struct bd_diag *diag);
/* Of a message that was committed since. One without a key: nothing. */
enum bd_code bd_keys_apart_add(
	struct bd_keys_apart *keys, const struct bd_entry *entry, struct bd_diag *diag);
/* Puts all of them; keys are put with their messages again. */
enum bd_code bd_keys_apart_end(struct bd_keys_apart *keys, struct bd_diag *diag);
/* Before its end: what is missing stays so until the next begins. NULL is allowed. */
void bd_keys_apart_free(struct bd_keys_apart *keys);

#endif
