#include "daemon/tickets.h"

#include "base/limits.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct slot {
	uint64_t number; /* from 1; 0 = never used */
	struct bd_ticket ticket;
	char *receipt; /* owned */
};

/* A ticket's number decides its slot: the newest BD_TICKETS_MAX are known, but for a slot whose
 * message is still running. */
struct bd_tickets {
	pthread_mutex_t lock;
	uint64_t instance, last;
	size_t running;
	struct slot slots[BD_TICKETS_MAX];
};

enum bd_code bd_tickets_new(struct bd_tickets **out, uint64_t instance)
{
	struct bd_tickets *tickets = calloc(1, sizeof(*tickets));

	if (tickets == NULL || pthread_mutex_init(&tickets->lock, NULL) != 0) {
		free(tickets);
		return BD_NO_MEMORY;
	}
	tickets->instance = instance;
	*out = tickets;
	return BD_OK;
}

void bd_tickets_free(struct bd_tickets *tickets)
{
	if (tickets == NULL) {
		return;
	}
	for (size_t i = 0; i < BD_TICKETS_MAX; i++) {
		free(tickets->slots[i].receipt);
	}
	pthread_mutex_destroy(&tickets->lock);
	free(tickets);
}

static void write_id(char id[BD_TICKET_ID_BYTES], const struct bd_tickets *tickets, uint64_t number)
{
	snprintf(id, BD_TICKET_ID_BYTES, "%016" PRIx64 "-%" PRIu64, tickets->instance, number);
}

bool bd_tickets_open(char id[BD_TICKET_ID_BYTES], struct bd_tickets *tickets, const char *source,
	const char *feed)
{
	struct slot *slot;
	bool is_open;

	pthread_mutex_lock(&tickets->lock);
	slot = &tickets->slots[(tickets->last + 1) % BD_TICKETS_MAX];
	is_open = tickets->running < BD_TICKETS_RUNNING_MAX &&
		  slot->ticket.state != BD_TICKET_RUNNING;
	if (is_open) {
		free(slot->receipt);
		*slot = (struct slot){ .number = ++tickets->last };
		slot->ticket.state = BD_TICKET_RUNNING;
		snprintf(slot->ticket.source, sizeof(slot->ticket.source), "%s", source);
		snprintf(slot->ticket.feed, sizeof(slot->ticket.feed), "%s", feed);
		tickets->running++;
		write_id(id, tickets, slot->number);
	}
	pthread_mutex_unlock(&tickets->lock);
	return is_open;
}

/* Under the lock. NULL = not known (any more). */
static struct slot *find(struct bd_tickets *tickets, struct bd_bytes id)
{
	const char *dash = id.len > 0 ? memchr(id.ptr, '-', id.len) : NULL;
	char known[BD_TICKET_ID_BYTES], digits[BD_TICKET_ID_BYTES];
	struct slot *slot;
	uint64_t number;

	if (dash == NULL || id.len >= sizeof(digits)) {
		return NULL;
	}
	snprintf(digits, sizeof(digits), "%.*s", (int)(id.len - (size_t)(dash + 1 - id.ptr)),
		dash + 1);
	number = strtoull(digits, NULL, 10);
	write_id(known, tickets, number);
	slot = &tickets->slots[number % BD_TICKETS_MAX];
	return number != 0 && slot->number == number && bd_bytes_is(id, known) ? slot : NULL;
}

/* Locks; NULL leaves it unlocked. */
static struct slot *end_running(
	struct bd_tickets *tickets, const char *id, enum bd_ticket_state state)
{
	struct slot *slot;

	pthread_mutex_lock(&tickets->lock);
	slot = find(tickets, bd_bytes_of(id));
	if (slot == NULL || slot->ticket.state != BD_TICKET_RUNNING) {
		pthread_mutex_unlock(&tickets->lock);
		return NULL;
	}
	slot->ticket.state = state;
	tickets->running--;
	return slot;
}

void bd_tickets_stored(struct bd_tickets *tickets, const char *id, uint64_t message)
{
	struct slot *slot = end_running(tickets, id, BD_TICKET_STORED);

	if (slot != NULL) {
		slot->ticket.message = message;
		pthread_mutex_unlock(&tickets->lock);
	}
}

void bd_tickets_refused(struct bd_tickets *tickets, const char *id, const struct bd_diag *diag)
{
	struct slot *slot = end_running(tickets, id, BD_TICKET_REFUSED);

	if (slot != NULL) {
		slot->ticket.diag = *diag;
		pthread_mutex_unlock(&tickets->lock);
	}
}

void bd_tickets_receipt(
	struct bd_tickets *tickets, const char *id, struct bd_bytes receipt, enum bd_code code)
{
	bool is_kept = receipt.len > 0 && receipt.len <= BD_TICKET_RECEIPT_MAX_BYTES;
	char *copy = is_kept ? malloc(receipt.len) : NULL;
	struct slot *slot =
		end_running(tickets, id, copy != NULL ? BD_TICKET_RECEIPT : BD_TICKET_REFUSED);

	if (slot == NULL) {
		free(copy);
		return;
	}
	if (copy != NULL) {
		memcpy(copy, receipt.ptr, receipt.len);
		slot->receipt = copy;
		slot->ticket.receipt = (struct bd_bytes){ copy, receipt.len };
	} else {
		slot->ticket.diag.code = code;
	}
	pthread_mutex_unlock(&tickets->lock);
}

enum bd_code bd_tickets_find(struct bd_ticket *out, struct bd_tickets *tickets, struct bd_bytes id,
	struct bd_arena *arena)
{
	struct bd_ticket ticket;
	struct slot *slot;
	enum bd_code code = BD_OK;

	pthread_mutex_lock(&tickets->lock);
	slot = find(tickets, id);
	if (slot == NULL) {
		code = BD_RECEIPT_UNKNOWN;
	} else {
		ticket = slot->ticket;
		ticket.receipt = bd_arena_copy(arena, slot->ticket.receipt);
		if (ticket.receipt.len != slot->ticket.receipt.len) {
			code = bd_arena_code(arena);
		}
	}
	pthread_mutex_unlock(&tickets->lock);
	if (code == BD_OK) {
		*out = ticket;
	}
	return code;
}
