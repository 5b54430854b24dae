/* reply_to.h - where the outcome of a push goes: to the client that waits for it, or to a ticket.
 *
 * Layer: daemon, on the loop's thread. Exactly one of bd_reply_receipt and bd_reply_problem ends
 * it; after that only bd_reply_close.
 */
#ifndef BD_DAEMON_REPLY_TO_H
#define BD_DAEMON_REPLY_TO_H

#include "daemon/receipt.h"
#include "daemon/tickets.h"

struct bd_reply_to {
	struct bd_loop *loop;
	const struct bd_sender *sender;
	struct bd_http_exchange *exchange;    /* NULL from bd_reply_later on */
	char ticket[BD_TICKET_ID_BYTES];      /* "" before that */
	const struct bd_trail_caller *caller; /* borrowed; set before anything else */
};

/* RFC 7240: does the client prefer not to wait? */
bool bd_reply_prefers_later(struct bd_bytes prefer);
/* Answers 202 with the address of a ticket: the exchange is over, the loop does not end before
 * bd_reply_close. False when too many run like that: the client waits. */
bool bd_reply_later(struct bd_reply_to *to, const char *source, const char *feed);
void bd_reply_receipt(struct bd_reply_to *to, struct bd_receipt *receipt, struct bd_arena *arena);
void bd_reply_problem(struct bd_reply_to *to, const struct bd_diag *diag, const char *source);
void bd_reply_close(struct bd_reply_to *to);

/* 202 and the state of a message that is still running. */
void bd_reply_running(struct bd_http_exchange *exchange, const char *ticket, const char *source,
	const char *feed, bool is_begun_now);

#endif
