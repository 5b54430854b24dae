/* pull.h - one pull of the sources file: when it runs, page after page, and how far it has come.
 *
 * Layer: daemon; on the sources' loop. How far it has come is kept in the store with each page
 * (store.h, progress): what a crash or a failure interrupts goes on at the page that was not
 * stored, and at most that one is asked for twice.
 */
#ifndef BD_DAEMON_PULL_H
#define BD_DAEMON_PULL_H

#include "daemon/asking.h"

/* How far a pull has come, as it is kept: lines of name=value. */
struct bd_pull_progress {
	char since[BD_PAGE_TEXT_MAX_BYTES +
		   1];    /* what the next begins at; "" = from the beginning */
	int64_t until_ms; /* of one that is not over; 0 = it is over */
	uint64_t page;    /* that comes next of it */
	char cursor[BD_PAGE_TEXT_MAX_BYTES + 1];
	char etag[256], last_modified[64];
	int64_t ran_ms; /* when one was last over; 0 = never */
};
#define BD_PULL_PROGRESS_MAX_BYTES 2048

/* Pure. Appends it; false where a value cannot be kept. */
bool bd_pull_progress_write(struct bd_buf *out, const struct bd_pull_progress *progress);
/* What cannot be read is a beginning. */
void bd_pull_progress_read(struct bd_pull_progress *out, struct bd_bytes text);

/* What comes after a page. */
enum bd_pull_step { BD_PULL_MORE = 1, BD_PULL_OVER, BD_PULL_STUCK };
/* Pure: progress becomes that after this page. received: native records of it; page as it said;
 * STUCK: the pages would not end. */
enum bd_pull_step bd_pull_advance(struct bd_pull_progress *progress, const struct bd_form *form,
	uint64_t received, const struct bd_page *page, int64_t now_ms);
/* Pure: when it runs next, wall time; now or earlier = at once. */
int64_t bd_pull_due(const struct bd_pull_plan *plan, int64_t ran_ms, int64_t now_ms);

struct bd_pull;
/* Of a connection that asks requests. Begins at once to wait for its time. */
enum bd_code bd_pull_new(struct bd_pull **out, struct bd_loop *loop,
	struct bd_endpoint_run *endpoint, const struct bd_pull_plan *plan,
	const struct bd_plan *source, struct bd_diag *diag);
/* Gives up what runs; on_closed when nothing of it is left. */
void bd_pull_close(struct bd_pull *pull, void (*on_closed)(void *state), void *state);

#endif
