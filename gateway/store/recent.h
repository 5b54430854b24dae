/* recent.h - what a reader has looked up in the snapshot that it still sees. Layer: store, private.
 *
 * A question comes back to the same subject: as another line of a batch, in another matter, as the
 * next of several steps. As long as no commit has come, nothing was erased and no other covers are
 * in force, a lookup gives what it gave before, and no node has to be opened again. It is forgotten
 * at the begin of the first snapshot that sees anything else.
 */
#ifndef BD_STORE_RECENT_H
#define BD_STORE_RECENT_H

#include "store/env.h"

struct bd_recent;

enum bd_code bd_recent_new(struct bd_recent **out);
void bd_recent_free(struct bd_recent *recent);
/* At the begin of a snapshot, before any lookup of it. */
void bd_recent_begin(struct bd_recent *recent, struct bd_store_reader *reader);
/* NULL: it has to be looked up. */
struct bd_held *bd_recent_find(const struct bd_recent *recent,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted);
/* NULL: there is no room for another. Else the arena to look up in, with the identifiers in it, and
 * the memo of its nodes. */
struct bd_arena *bd_recent_room(struct bd_recent *recent, const struct bd_identifier **identifiers,
	size_t count, struct bd_node_memo ***memo);
/* Of everything it has looked up; NULL = none yet. */
const struct bd_node_memo *bd_recent_memo(const struct bd_recent *recent);
void bd_recent_keep(struct bd_recent *recent, struct bd_held *held,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted);

#endif
