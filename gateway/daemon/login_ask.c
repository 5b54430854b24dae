#include "daemon/login_ask.h"

#include "base/clock.h"
#include "daemon/call.h"
#include "daemon/login_header.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* The state of an exchange that is deferred, until it is asked for again. */
struct wait {
	struct bd_call call;
	struct bd_login login;
	bool is_done, is_gone; /* gone: the client; then the exchange is dead */
};

static void wait_free(struct wait *wait)
{
	bd_call_close(&wait->call);
	bd_wipe(&wait->login, sizeof(wait->login));
	free(wait);
}

/* None is ever told: a deferred exchange has no body yet. */
static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	(void)call;
	(void)bytes;
}

static void on_body_end(struct bd_call *call)
{
	(void)call;
}

static void on_abort(struct bd_call *call)
{
	struct wait *wait = CONTAINER(struct wait, call, call);

	bd_http_end(call->exchange);
	wait->is_gone = true;
	if (wait->is_done) {
		wait_free(wait);
	}
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

static void on_checked(struct bd_letter *letter)
{
	struct wait *wait = CONTAINER(struct wait, login.letter, letter);
	struct bd_loop *loop = wait->call.loop;

	wait->is_done = true;
	if (wait->is_gone) {
		wait_free(wait);
	} else {
		bd_http_ask_again(wait->call.exchange);
	}
	bd_loop_background_end(loop);
}

static const struct bd_sender *find_person(const struct bd_setup *setup, const char *name)
{
	for (size_t i = 0; i < setup->senders->count; i++) {
		const struct bd_sender *sender = &setup->senders->items[i];

		if (sender->is_person && strcmp(sender->name, name) == 0) {
			return sender->is_disabled ? NULL : sender;
		}
	}
	return NULL;
}

/* For a name that there is not: the same work, and never right. */
static const struct bd_password no_password = { .log_n = 15, .r = 8, .p = 1 };

static enum bd_code begin_wait(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_login *login, struct bd_diag *diag)
{
	struct wait *wait = calloc(1, sizeof(*wait));
	enum bd_code code;

	if (wait == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	bd_call_open(&wait->call, &call_ops, loop, exchange, NULL);
	wait->login = *login;
	wait->login.letter.deliver = on_checked;
	wait->login.home = &loop->mailbox;
	code = bd_logins_ask(loop->daemon->logins, &wait->login);
	if (code != BD_OK) {
		bd_http_set_state(exchange, NULL);
		wait_free(wait);
		return bd_fail(diag, code, "%s", "");
	}
	loop->background++;
	bd_http_defer(exchange);
	return BD_OK;
}

/* Is this the second time, with the answer? */
static bool end_wait(bool *is_right, struct bd_http_exchange *exchange)
{
	struct bd_call *call = bd_http_state(exchange);
	struct wait *wait;

	if (call == NULL) {
		return false;
	}
	wait = CONTAINER(struct wait, call, call);
	*is_right = wait->login.is_right;
	bd_http_set_state(exchange, NULL);
	wait_free(wait);
	return true;
}

static enum bd_code answer(const struct bd_sender **out, const struct bd_sender *person,
	bool is_right, struct bd_diag *diag)
{
	*out = is_right ? person : NULL;
	return *out != NULL ? BD_OK : bd_fail(diag, BD_AUTH_PASSWORD, "%s", "");
}

static enum bd_code look(const struct bd_sender **out, struct bd_loop *loop,
	struct bd_http_exchange *exchange, struct bd_login *login, struct bd_diag *diag)
{
	const struct bd_sender *person = find_person(loop->setup, login->name);
	bool is_right = false;
	uint32_t wait_s = 0;

	login->is_known = person != NULL;
	login->kept = person != NULL ? *person->password : no_password;
	if (end_wait(&is_right, exchange)) {
		/* Should it have changed meanwhile, it is not found among what is remembered. */
		is_right = is_right && bd_logins_look(&wait_s, loop->daemon->logins, login,
					       bd_clock_wall_ms()) == BD_LOGIN_RIGHT;
		return answer(out, person, is_right, diag);
	}
	switch (bd_logins_look(&wait_s, loop->daemon->logins, login, bd_clock_wall_ms())) {
	case BD_LOGIN_RIGHT:
		return answer(out, person, true, diag);
	case BD_LOGIN_WAIT:
		bd_fail(diag, BD_AUTH_LOCKED, "%s", "");
		diag->retry_s = wait_s;
		return BD_AUTH_LOCKED;
	case BD_LOGIN_ASK:
		break;
	}
	return begin_wait(loop, exchange, login, diag);
}

enum bd_code bd_login_find(const struct bd_sender **out, struct bd_gate *gate,
	struct bd_http_exchange *exchange, struct bd_diag *diag)
{
	struct bd_bytes header = bd_http_header(exchange, "authorization");
	struct bd_login login = { .password_len = 0 };
	enum bd_code code;

	if (header.len < 6 || strncasecmp(header.ptr, "Basic ", 6) != 0 ||
		bd_http_header_count(exchange, "authorization") != 1) {
		return bd_fail(diag, BD_AUTH_UNKNOWN, "Authorization is Basic, once");
	}
	if (gate->is_plaintext) {
		return bd_fail(diag, BD_AUTH_PLAINTEXT, "%s", "");
	}
	code = bd_login_read(&login, header) ? look(out, gate->loop, exchange, &login, diag)
					     : bd_fail(diag, BD_AUTH_PASSWORD, "%s", "");
	bd_wipe(&login, sizeof(login));
	return code;
}
