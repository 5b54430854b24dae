/* Passwords: right once and then remembered, wrong and then made to wait, checked elsewhere than on
 * the loop. */
#include "daemon/logins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct world {
	uv_loop_t loop;
	struct bd_mailbox mailbox;
	struct bd_logins *logins;
	struct bd_password kept;
	size_t waiting;
};

struct asked {
	struct bd_login login;
	struct world *world;
};

static void on_checked(struct bd_letter *letter)
{
	struct asked *asked = CONTAINER(struct asked, login.letter, letter);

	asked->world->waiting--;
	if (asked->world->waiting == 0) {
		uv_stop(&asked->world->loop);
	}
}

static void fill(struct bd_login *login, const struct world *world, const char *name,
	const char *password, bool is_known)
{
	*login = (struct bd_login){ .is_known = is_known, .kept = world->kept };
	login->password_len = strlen(password);
	memcpy(login->name, name, strlen(name));
	memcpy(login->password, password, login->password_len);
}

/* Asks and waits: whether it was right. */
static bool ask(struct world *world, const char *name, const char *password, bool is_known)
{
	struct asked asked = { .world = world };

	fill(&asked.login, world, name, password, is_known);
	asked.login.letter.deliver = on_checked;
	asked.login.home = &world->mailbox;
	world->waiting++;
	assert_int_equal(bd_logins_ask(world->logins, &asked.login), BD_OK);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	/* Nothing of it stays in memory. */
	for (size_t i = 0; i < sizeof(asked.login.password); i++) {
		assert_int_equal(asked.login.password[i], 0);
	}
	return asked.login.is_right;
}

static enum bd_login_answer look(struct world *world, const char *name, const char *password,
	bool is_known, int64_t now_ms, uint32_t *wait_s)
{
	struct bd_login login;

	fill(&login, world, name, password, is_known);
	return bd_logins_look(wait_s, world->logins, &login, now_ms);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	*state = world;
	assert_int_equal(uv_loop_init(&world->loop), 0);
	assert_int_equal(bd_mailbox_open(&world->mailbox, &world->loop), BD_OK);
	assert_int_equal(bd_logins_start(&world->logins), BD_OK);
	/* hashlib.scrypt(b"right", salt=bytes(16), n=1024, r=8, p=1, dklen=32) of Python. */
	assert_true(bd_password_read(
		&world->kept, bd_bytes_of("scrypt$10$8$1$AAAAAAAAAAAAAAAAAAAAAA==$"
					  "SRIuiwiFOhYpoLr809AJSZaSe9BE7MDdwoMsxwti8nE=")));
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	bd_logins_stop(world->logins);
	bd_mailbox_close(&world->mailbox);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&world->loop), 0);
	free(world);
	return 0;
}

static void right_is_remembered(void **state)
{
	struct world *world = *state;
	struct bd_login_state known;
	uint32_t wait_s;

	assert_int_equal(look(world, "wang", "right", true, 1, &wait_s), BD_LOGIN_ASK);
	assert_true(ask(world, "wang", "right", true));
	bd_logins_state(&known, world->logins, "wang");
	assert_int_equal(
		look(world, "wang", "right", true, known.last_ms, &wait_s), BD_LOGIN_RIGHT);
	/* Neither another password nor another account, nor for ever, nor a changed account. */
	assert_int_equal(look(world, "wang", "wrong", true, known.last_ms, &wait_s), BD_LOGIN_ASK);
	assert_int_equal(look(world, "li", "right", true, known.last_ms, &wait_s), BD_LOGIN_ASK);
	assert_int_equal(look(world, "wang", "right", false, known.last_ms, &wait_s), BD_LOGIN_ASK);
	assert_int_equal(
		look(world, "wang", "right", true, known.last_ms + BD_LOGIN_KEPT_MS, &wait_s),
		BD_LOGIN_ASK);
	world->kept.salt[0] ^= 1;
	assert_int_equal(look(world, "wang", "right", true, known.last_ms, &wait_s), BD_LOGIN_ASK);
}

static void wrong_waits(void **state)
{
	struct world *world = *state;
	struct bd_login_state known;
	uint32_t wait_s = 0;

	for (int i = 0; i < BD_LOGIN_FAILURES_MAX; i++) {
		bd_logins_state(&known, world->logins, "wang");
		assert_int_equal(known.failures, i);
		assert_false(ask(world, "wang", "wrong", true));
	}
	bd_logins_state(&known, world->logins, "wang");
	assert_int_equal(
		look(world, "wang", "right", true, known.failed_ms, &wait_s), BD_LOGIN_WAIT);
	assert_in_range(wait_s, 30, 31);
	/* The right one is not looked at meanwhile, and another name does not wait. */
	assert_false(ask(world, "wang", "right", true));
	bd_logins_state(&known, world->logins, "wang");
	assert_int_equal(known.failures, BD_LOGIN_FAILURES_MAX);
	assert_int_equal(look(world, "li", "right", true, known.failed_ms, &wait_s), BD_LOGIN_ASK);
	assert_int_equal(
		look(world, "wang", "right", true, known.failed_ms + 30001, &wait_s), BD_LOGIN_ASK);
}

/* A name that there is not waits as one that there is, and is never right. */
static void strangers_are_treated_alike(void **state)
{
	struct world *world = *state;
	uint32_t wait_s = 0;

	for (int i = 0; i < BD_LOGIN_FAILURES_MAX; i++) {
		assert_false(ask(world, "nobody", "right", false));
	}
	assert_int_equal(look(world, "nobody", "right", false, 1, &wait_s), BD_LOGIN_WAIT);
	assert_int_equal(look(world, "wang", "right", true, 1, &wait_s), BD_LOGIN_ASK);
}

/* More at once than wait: the rest is told to come again. */
static void queue_is_bounded(void **state)
{
	struct world *world = *state;
	struct asked *asked = calloc(4 * BD_LOGINS_WAITING_MAX, sizeof(*asked));
	size_t taken = 0, busy = 0;

	/* Slow enough that the queue is longer than what is done meanwhile. */
	world->kept.log_n = 15;
	for (size_t i = 0; i < 4 * BD_LOGINS_WAITING_MAX; i++) {
		fill(&asked[i].login, world, "wang", "wrong", true);
		asked[i].world = world;
		asked[i].login.letter.deliver = on_checked;
		asked[i].login.home = &world->mailbox;
		world->waiting++;
		if (bd_logins_ask(world->logins, &asked[i].login) == BD_OK) {
			taken++;
		} else {
			busy++;
			world->waiting--;
		}
	}
	assert_true(busy > 0);
	assert_true(taken >= BD_LOGINS_WAITING_MAX);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(world->waiting, 0);
	free(asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(right_is_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_waits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strangers_are_treated_alike, set_up, tear_down),
		cmocka_unit_test_setup_teardown(queue_is_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
