/* obligations.h - what the routes of obligations share. Layer: daemon, on the loop's thread; used
 * by daemon/obligations.c and daemon/obligation_ask.c. */
#ifndef BD_DAEMON_OBLIGATIONS_H
#define BD_DAEMON_OBLIGATIONS_H

#include "daemon/call.h"
#include "daemon/document.h"
#include "store/obligations.h"

/* A page of a list, as it was asked for. */
struct bd_obligations_asked {
	const struct bd_sender *sender;
	const char *list; /* of the cursor: "obligations", "obligations of a case" */
	char filter[128]; /* of the cursor: what else was asked */
	struct bd_owed_query query;
};

/* Today, by the clock that the trail is entered with. */
int32_t bd_obligations_today(const struct bd_loop *loop);
/* Whose cases this sender may see; NULL = of all. */
const char *bd_obligations_only_of(const struct bd_sender *sender);
/* BD_OBLIGATION_UNKNOWN also for another sender's: whether it exists is not theirs to know. In the
 * snapshot of the loop's reader. */
enum bd_code bd_obligations_find(struct bd_owed *out, struct bd_loop *loop,
	const struct bd_sender *sender, struct bd_bytes text, struct bd_arena *arena,
	struct bd_diag *diag);
/* "" = as many as a page may have. */
enum bd_code bd_obligations_limit(size_t *out, const char *text, struct bd_diag *diag);
/* Goes on behind the cursor. */
enum bd_code bd_obligations_cursor(struct bd_obligations_asked *asked, const struct bd_loop *loop,
	const char *text, struct bd_diag *diag);
/* The page as an answer; next: the cursor behind it, "" = it was the last. */
enum bd_code bd_obligations_write_page(struct bd_document *document,
	const struct bd_obligations_asked *asked, const struct bd_owed_page *page,
	char next[BD_CURSOR_TEXT_BYTES]);

#endif
