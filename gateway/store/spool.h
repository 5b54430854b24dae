/* spool.h - the records of a long message, sealed in a file until they are applied. Layer: store,
 * private.
 *
 * A record is written as it comes; at the commit an index of all is sorted by node, so that the
 * store is written in key order in transactions of at most BD_TXN_MAX_BYTES, cut between subjects.
 */
#ifndef BD_STORE_SPOOL_H
#define BD_STORE_SPOOL_H

#include "store/env.h"

struct bd_spool_item {
	uint8_t key[BD_NODE_KEY_BYTES];
	uint64_t offset;
	uint32_t len; /* sealed */
	uint32_t number;
};

/* Makes the file durable. */
enum bd_code bd_spool_sync(struct bd_spool *spool, struct bd_diag *diag);
uint64_t bd_spool_count(const struct bd_spool *spool);
/* Reads the next record in the order of arrival; false at the end. It lives until the next call. */
enum bd_code bd_spool_read(struct bd_bytes *record, struct bd_spool_item *item, bool *has,
	struct bd_spool *spool, struct bd_diag *diag);
void bd_spool_rewind(struct bd_spool *spool);
/* The record that an item says. It lives until the next call. */
enum bd_code bd_spool_read_item(struct bd_bytes *record, struct bd_spool *spool,
	const struct bd_spool_item *item, struct bd_diag *diag);

#endif
