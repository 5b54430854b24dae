/* test_mailbox.c - letters from several threads to one loop: each delivered once, in its sender's
 * order, on the loop's thread, none lost when the mailbox is closed.
 */
#include "base/limits.h"
#include "daemon/mailbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SENDERS 4
#define LETTERS 5000

struct sender;
struct numbered {
	struct bd_letter letter; /* first */
	struct sender *sender;
	unsigned number;
};

struct office {
	uv_loop_t loop;
	struct bd_mailbox mailbox;
	pthread_t thread; /* of the loop */
	unsigned delivered;
	unsigned faults; /* out of order, or on another thread */
};

struct sender {
	struct office *office;
	pthread_t thread;
	struct numbered letters[LETTERS];
	unsigned next; /* number expected by the receiver */
};

static void deliver(struct bd_letter *letter)
{
	struct numbered *numbered = (struct numbered *)letter;
	struct office *office = numbered->sender->office;
	office->faults += numbered->number != numbered->sender->next++ ||
			  !pthread_equal(pthread_self(), office->thread);
	office->delivered++;
	if (office->delivered == SENDERS * LETTERS) {
		bd_mailbox_close(&office->mailbox);
	}
}

static void *send_all(void *state)
{
	struct sender *sender = state;
	for (unsigned i = 0; i < LETTERS; i++) {
		sender->letters[i] = (struct numbered){ { .deliver = deliver }, sender, i };
		bd_mailbox_post(&sender->office->mailbox, &sender->letters[i].letter);
	}
	return NULL;
}

static void open_office(struct office *office)
{
	*office = (struct office){ .thread = pthread_self() };
	assert_int_equal(uv_loop_init(&office->loop), 0);
	assert_int_equal(bd_mailbox_open(&office->mailbox, &office->loop), BD_OK);
}

static void close_office(struct office *office)
{
	assert_int_equal(uv_run(&office->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&office->loop), 0);
}

static void test_many_senders(void **state)
{
	struct sender *senders = calloc(SENDERS, sizeof(*senders));
	struct office office;
	(void)state;
	open_office(&office);
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i].office = &office;
		assert_int_equal(
			pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
	}
	close_office(&office);
	for (unsigned i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		assert_int_equal(senders[i].next, LETTERS);
	}
	assert_int_equal(office.faults, 0);
	free(senders);
}

/* A letter that posts itself again while it is delivered has its turn later, not at once for ever.
 */
struct returning {
	struct bd_letter letter; /* first */
	struct bd_mailbox *mailbox;
	unsigned rounds, depth;
};

static void return_it(struct bd_letter *letter)
{
	struct returning *returning = (struct returning *)letter;
	assert_int_equal(returning->depth++, 0);
	if (++returning->rounds < 100) {
		bd_mailbox_post(returning->mailbox, letter);
	} else {
		bd_mailbox_close(returning->mailbox);
	}
	returning->depth--;
}

static void count(struct bd_letter *letter)
{
	((struct numbered *)letter)->number++;
}

static void test_a_letter_that_comes_back(void **state)
{
	struct numbered behind = { { .deliver = count }, NULL, 0 };
	struct office office;
	(void)state;
	open_office(&office);
	struct returning returning = { { .deliver = return_it }, &office.mailbox, 0, 0 };
	bd_mailbox_post(&office.mailbox, &returning.letter);
	bd_mailbox_post(&office.mailbox, &behind.letter);
	close_office(&office);
	assert_int_equal(returning.rounds, 100);
	assert_int_equal(behind.number, 1);
}

static void test_closing_delivers_what_is_inside(void **state)
{
	struct numbered letters[3] = { { { .deliver = count }, NULL, 0 },
		{ { .deliver = count }, NULL, 0 }, { { .deliver = count }, NULL, 0 } };
	struct office office;
	(void)state;
	open_office(&office);
	for (size_t i = 0; i < 3; i++) {
		bd_mailbox_post(&office.mailbox, &letters[i].letter);
	}
	bd_mailbox_close(&office.mailbox); /* the loop has not run yet */
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(letters[i].number, 1);
	}
	close_office(&office);
	assert_int_equal(letters[0].number, 1);
}

/* Letters as long as a turn: one a turn, and between two of them the loop looks at all else. */
struct lasting {
	struct bd_letter letter; /* first */
	struct office *office;
	struct bd_letter *posts; /* while it is delivered; NULL = nothing */
};

static void last(struct bd_letter *letter)
{
	struct lasting *lasting = (struct lasting *)letter;
	uint64_t begun_ns = uv_hrtime();

	lasting->office->delivered++;
	if (lasting->posts != NULL) {
		bd_mailbox_post(&lasting->office->mailbox, lasting->posts);
	}
	while (uv_hrtime() - begun_ns < BD_TURN_NS) {
	}
}

/* What comes while the rest of a turn waits is told for the turn of the rest, and not once more. */
static void test_a_turn_at_a_time(void **state)
{
	struct office office;
	struct numbered behind = { { .deliver = count }, NULL, 0 };
	struct lasting second = { { .deliver = last }, &office, NULL };
	struct lasting first = { { .deliver = last }, &office, &behind.letter };

	(void)state;
	open_office(&office);
	bd_mailbox_post(&office.mailbox, &first.letter);
	bd_mailbox_post(&office.mailbox, &second.letter);
	for (unsigned turn = 1; turn <= 2; turn++) {
		uv_run(&office.loop, UV_RUN_NOWAIT);
		assert_int_equal(office.delivered, turn);
		assert_int_equal(behind.number, 0);
	}
	uv_run(&office.loop, UV_RUN_NOWAIT);
	assert_int_equal(behind.number, 1);
	bd_mailbox_close(&office.mailbox);
	close_office(&office);
}

/* The rest of a turn that is short. */
static void test_none_is_forgotten(void **state)
{
	struct office office;
	struct numbered rest = { { .deliver = count }, NULL, 0 };
	struct numbered behind = { { .deliver = count }, NULL, 0 };
	struct lasting first = { { .deliver = last }, &office, &behind.letter };

	(void)state;
	open_office(&office);
	bd_mailbox_post(&office.mailbox, &first.letter);
	bd_mailbox_post(&office.mailbox, &rest.letter);
	for (unsigned turn = 0; turn < 3; turn++) {
		uv_run(&office.loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(rest.number, 1);
	assert_int_equal(behind.number, 1);
	bd_mailbox_close(&office.mailbox);
	close_office(&office);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_senders),
		cmocka_unit_test(test_a_letter_that_comes_back),
		cmocka_unit_test(test_closing_delivers_what_is_inside),
		cmocka_unit_test(test_a_turn_at_a_time),
		cmocka_unit_test(test_none_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
