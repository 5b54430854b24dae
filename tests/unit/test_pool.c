/* test_pool.c - messages and the pool: they wait their turn, what waits is bounded, some are sent
 * ahead of it, and one that is given up costs no other.
 */
#include "pool_support.h"

/* -- one of our allocations fails -- */

static int calloc_fails_in; /* 0 = never */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	if (calloc_fails_in > 0 && --calloc_fails_in == 0) {
		return NULL;
	}
	return __real_calloc(count, size);
}

/* -- real workers -- */

static void test_a_message(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	for (int i = 0; i < 3; i++) {
		check_all_is_well(&fixture);
	}
	assert_int_equal(counts_of(&fixture).started, 1);
	run_until_idle(&fixture);
	close_pool(&fixture);
}

static void test_what_is_wrong_with_a_message_costs_no_worker(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	struct message cut = message_of(&fixture, (struct bd_bytes){ tax.ptr, tax.len / 2 });
	bd_pool_take(fixture.pool, &cut.job);
	run_until_over(&cut);
	assert_int_equal(cut.code, BD_MESSAGE_TRUNCATED);
	struct message foreign = short_message(&fixture);
	foreign.feed = "none";
	bd_pool_take(fixture.pool, &foreign.job);
	run_until_over(&foreign);
	assert_int_equal(foreign.code, BD_SOURCE_UNKNOWN);
	struct message rejected = message_of(&fixture, bd_bytes_of("a\001b\nc\001d\n"));
	rejected.source = "market";
	rejected.feed = "e_cancel";
	bd_pool_take(fixture.pool, &rejected.job);
	run_until_over(&rejected);
	assert_int_equal(rejected.rejected, 2);
	assert_int_equal(rejected.rejects, 2);
	/* Refused in the middle of a long body: its rest is read and forgotten. */
	struct message wrong = long_message(&fixture);
	wrong.source = "tax";
	wrong.feed = "gt3";
	bd_pool_take(fixture.pool, &wrong.job);
	run_until_over(&wrong);
	assert_int_equal(wrong.code, BD_XML_SYNTAX);
	assert_true(wrong.given < wrong.body.len);
	check_all_is_well(&fixture);
	assert_int_equal(counts_of(&fixture).started, 1);
	close_pool(&fixture);
}

static void test_messages_wait_their_turn(void **state)
{
	struct message messages[7];
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 2, UNREACHED_MS);
	for (size_t i = 0; i < 7; i++) {
		messages[i] = i % 2 == 0 ? long_message(&fixture) : short_message(&fixture);
		bd_pool_take(fixture.pool, &messages[i].job);
	}
	assert_int_equal(counts_of(&fixture).queued, 7);
	for (size_t i = 0; i < 7; i++) {
		run_until_over(&messages[i]);
		assert_int_equal(messages[i].code, BD_OK);
		assert_true(messages[i].received > 0);
	}
	assert_int_equal(counts_of(&fixture).started, 2);
	close_pool(&fixture);
}

/* However long the message, little of it waits. */
static void test_credit_bounds_what_waits(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	struct message message = long_message(&fixture);
	bd_pool_take(fixture.pool, &message.job);
	run_until_over(&message);
	assert_int_equal(message.code, BD_OK);
	assert_true(message.received > 1000);
	assert_in_range(counts_of(&fixture).buffered_high_bytes, BD_FRAME_CREDIT_BYTES / 2 + 1,
		BD_FRAME_CREDIT_BYTES / 2 + PIECE_BYTES);
	close_pool(&fixture);
}

static void test_cancelling(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	struct message running = long_message(&fixture), queued = short_message(&fixture);
	struct message last = short_message(&fixture);
	running.stop_at = 50000;
	bd_pool_take(fixture.pool, &running.job);
	bd_pool_take(fixture.pool, &queued.job);
	bd_pool_take(fixture.pool, &last.job);
	run_until_given(&running);
	bd_job_cancel(&queued.job);
	bd_job_cancel(&running.job);
	assert_int_equal(counts_of(&fixture).queued, 1);
	run_until_over(&last);
	assert_int_equal(last.received, 3);
	assert_false(running.is_over);
	assert_false(queued.is_over);
	assert_int_equal(queued.readies, 0);
	/* The last of a queue, then another behind it. */
	struct message first = short_message(&fixture), second = short_message(&fixture);
	bd_pool_take(fixture.pool, &first.job);
	bd_job_cancel(&first.job);
	bd_pool_take(fixture.pool, &second.job);
	run_until_over(&second);
	assert_int_equal(second.received, 3);
	assert_int_equal(first.readies, 0);
	close_pool(&fixture);
}

/* -- sent ahead -- */

/* As long as may be, so that what a worker reads at once ends within one. */
static struct message ahead_message(struct fixture *fixture)
{
	char *text = bd_arena_alloc(&arena, BD_JOB_AHEAD_MAX_BYTES, 1);
	assert_true(text != NULL && tax.len < BD_JOB_AHEAD_MAX_BYTES);
	memset(text, ' ', BD_JOB_AHEAD_MAX_BYTES);
	memcpy(text, tax.ptr, tax.len);
	struct message message =
		message_of(fixture, (struct bd_bytes){ text, BD_JOB_AHEAD_MAX_BYTES });
	message.job.goes_ahead = true;
	return message;
}

/* Its worker asks for it to be opened, and nobody here has keys: what was sent ahead stands before
 * the answer. */
static struct message sealed_message(struct fixture *fixture)
{
	static const char text[] =
		"{\"infcode\":0,\"inf_refmsgid\":\"440300202606010930150000012345\","
		"\"refmsg_time\":\"20260601093015120\",\"respond_time\":\"20260601093015208\","
		"\"enctype\":\"SM4\",\"signtype\":\"\",\"cainfo\":\"\",\"err_msg\":\"\","
		"\"output\":\"QUJDREVGR0hJSktMTU5PUA==\"}";
	struct message message = message_of(fixture, (struct bd_bytes){ text, sizeof(text) - 1 });
	message.source = "medical";
	message.feed = "1101";
	message.job.goes_ahead = true;
	return message;
}

static void test_messages_sent_ahead(void **state)
{
	enum { COUNT = 60 };
	struct message messages[COUNT];
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	for (unsigned i = 0; i < COUNT; i++) {
		messages[i] = i % 3 == 2 ? sealed_message(&fixture) : ahead_message(&fixture);
		bd_pool_take(fixture.pool, &messages[i].job);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		run_until_over(&messages[i]);
		assert_int_equal(messages[i].place, i + 1);
		assert_int_equal(messages[i].readies, 1);
		assert_int_equal(messages[i].code, i % 3 == 2 ? BD_ENVELOPE_KEY : BD_OK);
		assert_int_equal(messages[i].received, i % 3 == 2 ? 0 : 3);
	}
	assert_true(fixture.in_hand_high > 4 && fixture.in_hand_high < COUNT / 2);
	assert_int_equal(counts_of(&fixture).started, 1);
	/* One that comes as it comes waits until the worker has nothing else. */
	struct message behind = ahead_message(&fixture), last = long_message(&fixture);
	bd_pool_take(fixture.pool, &behind.job);
	bd_pool_take(fixture.pool, &last.job);
	run_until_over(&last);
	assert_true(behind.is_over && last.code == BD_OK && last.received > 1000);
	close_pool(&fixture);
}

/* So many as are given lie in the socket of one that does not read. */
static void send_ahead_of_stopped(struct fixture *fixture, struct message *messages, unsigned count)
{
	open_real(fixture, 1, UNREACHED_MS);
	check_all_is_well(fixture);
	run_until_idle(fixture);
	stop_child();
	for (unsigned i = 0; i < count; i++) {
		messages[i] = ahead_message(fixture);
		bd_pool_take(fixture->pool, &messages[i].job);
	}
	while (messages[count - 1].readies == 0) {
		uv_run(&fixture->loop, UV_RUN_ONCE);
	}
}

static void test_what_a_killed_worker_had_not_come_to(void **state)
{
	struct message messages[5];
	struct fixture fixture;
	(void)state;
	send_ahead_of_stopped(&fixture, messages, 5);
	assert_int_equal(kill(child(), SIGKILL), 0);
	for (unsigned i = 0; i < 5; i++) {
		run_until_over(&messages[i]);
		assert_int_equal(messages[i].code, i == 0 ? BD_WORKER_DIED : BD_OK);
		assert_int_equal(messages[i].readies, i == 0 ? 1 : 2);
		assert_int_equal(messages[i].received, i == 0 ? 0 : 3);
	}
	assert_int_equal(counts_of(&fixture).started, 2);
	close_pool(&fixture);
}

static void test_cancelling_what_was_sent_ahead(void **state)
{
	struct message messages[4];
	struct fixture fixture;
	(void)state;
	send_ahead_of_stopped(&fixture, messages, 4);
	bd_job_cancel(&messages[1].job);
	assert_int_equal(kill(child(), SIGCONT), 0);
	run_until_over(&messages[3]);
	assert_true(messages[0].is_over && messages[2].is_over && !messages[1].is_over);
	assert_int_equal(messages[0].received + messages[2].received + messages[3].received, 9);
	assert_int_equal(counts_of(&fixture).started, 1);
	check_all_is_well(&fixture);
	close_pool(&fixture);
	/* The one in hand: the others are the next worker's. */
	send_ahead_of_stopped(&fixture, messages, 4);
	bd_job_cancel(&messages[2].job);
	bd_job_cancel(&messages[0].job);
	run_until_over(&messages[3]);
	assert_true(!messages[0].is_over && messages[1].is_over && !messages[2].is_over);
	assert_int_equal(messages[1].readies, 2);
	assert_int_equal(messages[2].readies, 1);
	close_pool(&fixture);
}

/* Idle workers end in order and are replaced; a busy one ends its message by the old image first.
 */
static void test_a_reload(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 2, UNREACHED_MS);
	check_all_is_well(&fixture);
	struct message message = long_message(&fixture);
	message.stop_at = 50000;
	bd_pool_take(fixture.pool, &message.job);
	run_until_given(&message);
	assert_int_equal(bd_pool_reload(fixture.pool, &fixture.settings, NULL), BD_OK);
	message.stop_at = 0;
	give(&message);
	run_until_over(&message);
	assert_int_equal(message.code, BD_OK);
	run_until_started(&fixture, 4);
	check_all_is_well(&fixture);
	assert_int_equal(counts_of(&fixture).died, 0);
	close_pool(&fixture);
}

static void test_closing_at_once(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 3, UNREACHED_MS);
	close_pool(&fixture); /* none was ready yet */
}

/* A piece that could not be handed on: the message fails, and is never read with a hole in it. */
static void test_no_memory_for_a_piece(void **state)
{
	(void)state;
	for (int nth = 1; nth <= 6; nth++) {
		struct fixture fixture;
		open_real(&fixture, 1, UNREACHED_MS);
		check_all_is_well(&fixture);
		struct message message = long_message(&fixture);
		message.stop_at = 100000;
		bd_pool_take(fixture.pool, &message.job);
		run_until_given(&message);
		message.stop_at = 0;
		calloc_fails_in = nth;
		give(&message);
		run_until_over(&message);
		calloc_fails_in = 0;
		assert_int_equal(message.code, BD_WORKER_DIED);
		check_all_is_well(&fixture);
		close_pool(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message),
		cmocka_unit_test(test_what_is_wrong_with_a_message_costs_no_worker),
		cmocka_unit_test(test_messages_wait_their_turn),
		cmocka_unit_test(test_credit_bounds_what_waits),
		cmocka_unit_test(test_cancelling),
		cmocka_unit_test(test_messages_sent_ahead),
		cmocka_unit_test(test_what_a_killed_worker_had_not_come_to),
		cmocka_unit_test(test_cancelling_what_was_sent_ahead),
		cmocka_unit_test(test_a_reload),
		cmocka_unit_test(test_closing_at_once),
		cmocka_unit_test(test_no_memory_for_a_piece),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
