/* Tickets: each tells what its message came to, to whoever has its id; the table has an end. */
#include "base/limits.h"
#include "daemon/tickets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define INSTANCE UINT64_C(0x9f3c0a61b2d4e857)

struct fixture {
	struct bd_tickets *tickets;
	struct bd_arena arena;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(bd_tickets_new(&fixture->tickets, INSTANCE), BD_OK);
	bd_arena_init(&fixture->arena, 1 << 20);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	bd_tickets_free(fixture->tickets);
	bd_arena_release(&fixture->arena);
	free(fixture);
	return 0;
}

static enum bd_code find(struct bd_ticket *ticket, struct fixture *fixture, const char *id)
{
	return bd_tickets_find(ticket, fixture->tickets, bd_bytes_of(id), &fixture->arena);
}

static void test_outcomes(void **state)
{
	struct fixture *fixture = *state;
	const struct bd_diag diag = { .code = BD_XML_SYNTAX, .detail = "why" };
	struct bd_ticket ticket;
	char ids[3][BD_TICKET_ID_BYTES];

	for (int i = 0; i < 3; i++) {
		assert_true(bd_tickets_open(ids[i], fixture->tickets, "market", "e_cancel"));
		assert_int_equal(find(&ticket, fixture, ids[i]), BD_OK);
		assert_int_equal(ticket.state, BD_TICKET_RUNNING);
		assert_string_equal(ticket.source, "market");
		assert_string_equal(ticket.feed, "e_cancel");
	}
	assert_string_equal(ids[0], "9f3c0a61b2d4e857-1");
	bd_tickets_stored(fixture->tickets, ids[0], 77);
	bd_tickets_refused(fixture->tickets, ids[1], &diag);
	bd_tickets_receipt(fixture->tickets, ids[2], bd_bytes_of("{}"), BD_MESSAGE_ATOMIC);
	assert_int_equal(find(&ticket, fixture, ids[0]), BD_OK);
	assert_int_equal(ticket.state, BD_TICKET_STORED);
	assert_int_equal(ticket.message, 77);
	assert_int_equal(find(&ticket, fixture, ids[1]), BD_OK);
	assert_int_equal(ticket.state, BD_TICKET_REFUSED);
	assert_int_equal(ticket.diag.code, BD_XML_SYNTAX);
	assert_string_equal(ticket.diag.detail, "why");
	assert_int_equal(find(&ticket, fixture, ids[2]), BD_OK);
	assert_int_equal(ticket.state, BD_TICKET_RECEIPT);
	assert_true(bd_bytes_is(ticket.receipt, "{}"));
}

/* What is done stays as it is. */
static void test_once(void **state)
{
	struct fixture *fixture = *state;
	const struct bd_diag diag = { .code = BD_XML_SYNTAX };
	struct bd_ticket ticket;
	char id[BD_TICKET_ID_BYTES];

	assert_true(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
	bd_tickets_stored(fixture->tickets, id, 77);
	bd_tickets_refused(fixture->tickets, id, &diag);
	bd_tickets_receipt(fixture->tickets, id, bd_bytes_of("{}"), BD_MESSAGE_ATOMIC);
	assert_int_equal(find(&ticket, fixture, id), BD_OK);
	assert_int_equal(ticket.state, BD_TICKET_STORED);
}

static void test_other_ids(void **state)
{
	static const char *const others[] = { "", "-", "1", "-1", "9f3c0a61b2d4e857-",
		"9f3c0a61b2d4e857-0", "9f3c0a61b2d4e857-2", "9f3c0a61b2d4e857-01",
		"9f3c0a61b2d4e857-1 ", "9f3c0a61b2d4e857-1025", "9f3c0a61b2d4e856-1",
		"9F3C0A61B2D4E857-1", "9f3c0a61b2d4e857-18446744073709551617",
		"9f3c0a61b2d4e857-111111111111111111111111111111111111111111111111" };
	struct fixture *fixture = *state;
	struct bd_ticket ticket;
	char id[BD_TICKET_ID_BYTES];

	assert_true(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(find(&ticket, fixture, others[i]), BD_RECEIPT_UNKNOWN);
	}
	assert_int_equal(bd_tickets_find(&ticket, fixture->tickets, (struct bd_bytes){ NULL, 0 },
				 &fixture->arena),
		BD_RECEIPT_UNKNOWN);
}

static void test_too_many_run(void **state)
{
	struct fixture *fixture = *state;
	char first[BD_TICKET_ID_BYTES], id[BD_TICKET_ID_BYTES];

	assert_true(bd_tickets_open(first, fixture->tickets, "market", "e_cancel"));
	for (int i = 1; i < BD_TICKETS_RUNNING_MAX; i++) {
		assert_true(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
	}
	assert_false(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
	bd_tickets_stored(fixture->tickets, first, 1);
	assert_true(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
	assert_false(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
}

/* The oldest gives way, but never one that is running. */
static void test_the_oldest_goes(void **state)
{
	struct fixture *fixture = *state;
	char running[BD_TICKET_ID_BYTES], done[BD_TICKET_ID_BYTES], id[BD_TICKET_ID_BYTES];
	struct bd_ticket ticket;

	assert_true(bd_tickets_open(done, fixture->tickets, "market", "e_cancel"));
	bd_tickets_receipt(fixture->tickets, done, bd_bytes_of("{}"), BD_MESSAGE_ATOMIC);
	assert_true(bd_tickets_open(running, fixture->tickets, "market", "e_cancel"));
	for (int i = 2; i < BD_TICKETS_MAX; i++) {
		assert_true(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
		bd_tickets_stored(fixture->tickets, id, 1);
	}
	assert_int_equal(find(&ticket, fixture, done), BD_OK);
	assert_true(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
	assert_int_equal(find(&ticket, fixture, done), BD_RECEIPT_UNKNOWN);
	bd_tickets_stored(fixture->tickets, id, 1);
	assert_false(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
	assert_int_equal(find(&ticket, fixture, running), BD_OK);
	assert_int_equal(ticket.state, BD_TICKET_RUNNING);
	bd_tickets_stored(fixture->tickets, running, 1);
	assert_true(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
}

static void test_long_receipt(void **state)
{
	static char text[BD_TICKET_RECEIPT_MAX_BYTES + 1];
	struct fixture *fixture = *state;
	struct bd_ticket ticket;
	char id[BD_TICKET_ID_BYTES];

	assert_true(bd_tickets_open(id, fixture->tickets, "market", "e_cancel"));
	bd_tickets_receipt(
		fixture->tickets, id, (struct bd_bytes){ text, sizeof(text) }, BD_MESSAGE_ATOMIC);
	assert_int_equal(find(&ticket, fixture, id), BD_OK);
	assert_int_equal(ticket.state, BD_TICKET_REFUSED);
	assert_int_equal(ticket.diag.code, BD_MESSAGE_ATOMIC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_outcomes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_ids, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_oldest_goes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_receipt, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
