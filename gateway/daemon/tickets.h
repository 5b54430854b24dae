/* tickets.h - messages that are answered later (Prefer: respond-async): what each came to, until it
 * is asked for.
 *
 * Layer: daemon. One table for all loops; every function may be called by any thread. It is bounded
 * and lives in memory: a ticket says where to look, it acknowledges nothing. A sender keeps its
 * message until the ticket says `stored`; when the ticket is no longer known (after
 * BD_TICKETS_MAX newer ones, or a restart) it sends again with the same Idempotency-Key.
 */
#ifndef BD_DAEMON_TICKETS_H
#define BD_DAEMON_TICKETS_H

#include "base/arena.h"
#include "base/diag.h"

/* "9f3c0a61b2d4e857-12" and a NUL: start of the process, number. */
#define BD_TICKET_ID_BYTES 40
/* Names of sources and feeds are shorter. */
#define BD_TICKET_NAME_BYTES 80

enum bd_ticket_state {
	BD_TICKET_RUNNING = 1,
	BD_TICKET_STORED,  /* `message` has its receipt */
	BD_TICKET_REFUSED, /* `diag` says why */
	BD_TICKET_RECEIPT  /* nothing was stored, and `receipt` says what was wrong with each */
};

struct bd_ticket {
	enum bd_ticket_state state;
	char source[BD_TICKET_NAME_BYTES], feed[BD_TICKET_NAME_BYTES];
	uint64_t message;
	struct bd_diag diag;
	struct bd_bytes receipt; /* JSON */
};

struct bd_tickets;

/* instance: random, another one at each start. */
enum bd_code bd_tickets_new(struct bd_tickets **out, uint64_t instance);
void bd_tickets_free(struct bd_tickets *tickets); /* NULL is allowed */

/* False when too many are running: answer this one at once. */
bool bd_tickets_open(char id[BD_TICKET_ID_BYTES], struct bd_tickets *tickets, const char *source,
	const char *feed);
/* Each ends a running ticket. */
void bd_tickets_stored(struct bd_tickets *tickets, const char *id, uint64_t message);
void bd_tickets_refused(struct bd_tickets *tickets, const char *id, const struct bd_diag *diag);
/* Copied; without room for it the ticket is refused with this code. */
void bd_tickets_receipt(
	struct bd_tickets *tickets, const char *id, struct bd_bytes receipt, enum bd_code code);
/* A copy, its receipt in the arena. BD_RECEIPT_UNKNOWN when the id is not one that is known. */
enum bd_code bd_tickets_find(struct bd_ticket *out, struct bd_tickets *tickets, struct bd_bytes id,
	struct bd_arena *arena);

#endif
