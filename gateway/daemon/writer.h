/* writer.h - the one thread that changes the store: what waits is committed together, then
 * answered.
 *
 * Layer: daemon. Group commit: while one commit is on its way to the disk, the next group gathers.
 * Bounded by the messages that the loops hold. A long message is applied a part at a time, and the
 * short ones that came meanwhile go between its parts; one that was not finished before a restart
 * is finished first. When a sync fails, the process is told to stop (SIGTERM): what is on the disk
 * is found out by the next.
 */
#ifndef BD_DAEMON_WRITER_H
#define BD_DAEMON_WRITER_H

#include "daemon/mailbox.h"
#include "daemon/repeats.h"
#include "store/store.h"

struct bd_writer;

/* Embedded in what waits for it. */
struct bd_write {
	/* set deliver: called on home's loop when the outcome is known; with home NULL on the
	 * writer's thread, and then it returns at once */
	struct bd_letter letter;
	struct bd_mailbox *home;
	struct bd_entry *entry; /* a message; or NULL, and: */
	/* Any other change, in transactions of its own; on the writer's thread. */
	enum bd_code (*work)(struct bd_write *write, struct bd_store *store, struct bd_diag *diag);
	bool is_at_rest;   /* of work: not while a long message is being applied */
	enum bd_code code; /* out: of work */
	struct bd_diag diag;
	struct bd_write *next; /* private */
};

enum bd_code bd_writer_start(struct bd_writer **out, struct bd_store *store);
/* Any thread. */
void bd_writer_post(struct bd_writer *writer, struct bd_write *write);
/* Covers of a reloaded configuration, before the next group; they must live until the writer is
 * stopped or has been given newer ones. Any thread. */
void bd_writer_set_covers(struct bd_writer *writer, const struct bd_cover *covers, size_t count);
/* Calls tell, on the writer's thread and without waiting, when obligations have news (bd_owed_news,
 * bd_owed_again). Any thread; NULL = nobody wants to know any more, and tell is not called again
 * once this returns. */
void bd_writer_on_news(struct bd_writer *writer, void (*tell)(void *listener), void *listener);
/* What is sealed under an earlier epoch may be sealed anew from now on: every loop's case log is
 * open. repeats lives as long as the writer. Any thread. */
void bd_writer_reseal(struct bd_writer *writer, struct bd_repeats *repeats);
/* Up to where a client has taken its watches (store/watches.h), before the next group; of several
 * waiting for one client the last counts. Any thread. */
void bd_writer_tell(struct bd_writer *writer, const char *client, uint64_t number);
/* Commits what waits, ends the thread, frees. False: a sync failed, now or before, and the process
 * must not end as if all were well. */
bool bd_writer_stop(struct bd_writer *writer);
/* Commits so far, and messages in them. Any thread. */
void bd_writer_counts(const struct bd_writer *writer, uint64_t *commits, uint64_t *messages);

#endif
