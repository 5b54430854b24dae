/* erase_kept.h - kept messages without what they say of an erased subject. Layer: store, private;
 * the writer's thread.
 *
 * Of each day on which something speaks of it all that is under that day's salt is put anew under
 * another, and the earlier one is let go of, as of nodes (erase_turn.h). Taken out are the subject
 * of the message, of a recall and of a dispute, and of each refused record that has one of its
 * numbers its own bytes, its rows and its subjects: such a record is listed with its place and its
 * reason, and cannot be replayed. "erase.kept" in meta: the slot that was, the one that is, and the
 * last message that was looked at.
 */
#ifndef BD_STORE_ERASE_KEPT_H
#define BD_STORE_ERASE_KEPT_H

#include "store/erase_clean.h"
#include "store/txn.h"

/* In transactions of its own. Goes on with what was not finished. */
enum bd_code bd_erase_kept(struct bd_txn *txn, struct bd_erase_who *who);

#endif
