/* rebuild.h - a store under a new blinding key: every name in it blinded once more, into an
 * environment beside it that then takes its place. Layer: store; offline, for the command line.
 *
 * The new key is laid over the one before: what stands under a name N then stands under HMAC(new,
 * N). So also what has no plain text any more keeps its place (erased subjects, idempotency keys),
 * and whoever knows the old key alone can find nobody. Salts, case files, spools and the trail stay
 * as they are: no name of theirs is looked up. (The heads of case files keep names of the earlier
 * key, for as long as they are kept.)
 *
 * The new environment is written, synced and looked through beside the old one, in "rebuild"; one
 * rename puts it in its place. Killed before that, the old one is as it was; after it, the new one
 * is whole. What a killed one left is removed by the next start.
 */
#ifndef BD_STORE_REBUILD_H
#define BD_STORE_REBUILD_H

#include "store/store.h"

struct bd_rebuild_watch {
	void (*rows)(struct bd_rebuild_watch *watch, uint64_t done, uint64_t total);
};

/* Settings as for bd_store_open; `blinding` is that of the new key. BD_STORE_IN_USE: biduid is
 * running, or has left a long message half applied.
 * BD_LIMIT_COUNT: that was done BD_BLINDINGS_MAX - 1 times. watch may be NULL. */
enum bd_code bd_store_rebuild(const struct bd_store_settings *settings,
	struct bd_rebuild_watch *watch, struct bd_diag *diag);

#endif
