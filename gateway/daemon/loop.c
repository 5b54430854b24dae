#include "config.h"

#include "daemon/loop.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "daemon/call.h"
#include "daemon/identify.h"
#include "daemon/routes.h"
#include "daemon/signer.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* -- what the http layer tells: the call that is the exchange's state does the work -- */

static void on_request(struct bd_http_handler *handler, struct bd_http_exchange *exchange)
{
	bd_route(CONTAINER(struct bd_gate, handler, handler), exchange);
}

static void on_body(
	struct bd_http_handler *handler, struct bd_http_exchange *exchange, struct bd_bytes bytes)
{
	struct bd_call *call = bd_http_state(exchange);

	(void)handler;
	call->ops->on_body(call, bytes);
}

static void on_body_end(struct bd_http_handler *handler, struct bd_http_exchange *exchange)
{
	struct bd_call *call = bd_http_state(exchange);

	(void)handler;
	call->ops->on_body_end(call);
}

static void on_abort(struct bd_http_handler *handler, struct bd_http_exchange *exchange)
{
	struct bd_call *call = bd_http_state(exchange);

	(void)handler;
	call->ops->on_abort(call);
}

static void on_writable(struct bd_http_handler *handler, struct bd_http_exchange *exchange)
{
	struct bd_call *call = bd_http_state(exchange);

	(void)handler;
	if (call->ops->on_writable != NULL) {
		call->ops->on_writable(call);
	}
}

static enum bd_code on_problem(struct bd_http_handler *handler, struct bd_http_exchange *exchange,
	enum bd_code code, struct bd_buf *body)
{
	struct bd_loop *loop = CONTAINER(struct bd_gate, handler, handler)->loop;
	const struct bd_sender *sender = exchange != NULL ? bd_identified(exchange) : NULL;
	const struct bd_trail_caller caller = { .client = bd_bytes_of(
							sender != NULL ? sender->name : "") };
	struct bd_diag diag = { .code = code };

	/* What is no request has no sender, and no address that is ours. */
	bd_count(&loop->counts.refused, 1);
	if (bd_audit_refusal(&loop->audit, &caller, code, "", "") != BD_OK) {
		diag.code = BD_TRAIL_UNAVAILABLE;
	}
	return bd_problem_write(body, &diag, NULL, false);
}

/* -- answers wait for their entries -- */

static uint64_t on_mark(struct bd_http_handler *handler)
{
	return bd_audit_mark(&CONTAINER(struct bd_gate, handler, handler)->loop->audit);
}

#define GATES 3

static struct bd_gate *gate_of(struct bd_loop *loop, size_t i)
{
	return i == 0 ? &loop->tls_gate : i == 1 ? &loop->plain_gate : &loop->proxy_gate;
}

static bool release(const struct bd_gate *gate, uint64_t safe)
{
	return gate->http != NULL && bd_http_loop_release(gate->http, safe);
}

static void drop(const struct bd_gate *gate)
{
	if (gate->http != NULL) {
		bd_http_loop_drop_held(gate->http);
	}
}

static void refuse_held(const struct bd_gate *gate, uint64_t kept)
{
	if (gate->http != NULL) {
		bd_http_loop_refuse_held(gate->http, kept, BD_TRAIL_UNAVAILABLE);
	}
}

/* What all requests of this turn have entered is written at once, before any of them is answered;
 * lets go of what is safe. True when more waits. */
static bool settle(struct bd_loop *loop)
{
	uint64_t kept, safe;
	bool waits = false;

	loop->held_ns = 0;
	if (!bd_audit_end_turn(&kept, &loop->audit)) {
		for (size_t i = 0; i < GATES; i++) {
			refuse_held(gate_of(loop, i), kept);
		}
	}
	safe = bd_audit_safe(&loop->audit);
	for (size_t i = 0; i < GATES; i++) {
		waits = release(gate_of(loop, i), safe) || waits;
	}
	return waits;
}

static bool has_held(const struct bd_gate *gate)
{
	return gate->http != NULL && bd_http_loop_has_held(gate->http);
}

/* Who has asked already is answered first: all of them have one write. Where lines or cases wait
 * that a turn does some of, its write has enough to share, and the next turn would be as long. */
static bool may_wait(struct bd_loop *loop)
{
	uint64_t now_ns = uv_hrtime();

	if (loop->held_ns == 0) {
		loop->held_ns = now_ns;
	}
	return now_ns - loop->held_ns < BD_TURN_GATHER_NS && bd_laters_are_none(&loop->laters) &&
	       bd_laters_is_awaited(&loop->laters);
}

/* Lines that are gathered are written when they are sent; and where another gate has answers that
 * wait, it is its turn. */
static bool is_to_settle(struct bd_gate *gate)
{
	struct bd_loop *loop = gate->loop;
	bool is_others = false;

	if (has_held(gate)) {
		return !may_wait(loop);
	}
	for (size_t i = 0; i < GATES; i++) {
		is_others = is_others || has_held(gate_of(loop, i));
	}
	return !is_others && loop->gathering == 0;
}

static void on_turn(struct bd_http_handler *handler)
{
	struct bd_gate *gate = CONTAINER(struct bd_gate, handler, handler);
	struct bd_loop *loop = gate->loop;

	if (is_to_settle(gate) && settle(loop) && loop->audit.is_synced &&
		!__atomic_load_n(&loop->audit.wants_release, __ATOMIC_ACQUIRE)) {
		bd_audit_want_release(&loop->audit);
	}
}

static void on_synced(struct bd_letter *letter)
{
	struct bd_loop *loop = CONTAINER(struct bd_loop, synced_letter, letter);

	__atomic_store_n(&loop->is_synced_posted, false, __ATOMIC_RELEASE);
	if (bd_trail_has_failed(loop->daemon->trail)) {
		/* Written, and perhaps on the disk, perhaps not. */
		for (size_t i = 0; i < GATES; i++) {
			drop(gate_of(loop, i));
		}
	} else if (settle(loop)) {
		bd_audit_want_release(&loop->audit);
	}
}

/* -- draining -- */

static void on_pool_closed(void *state)
{
	struct bd_loop *loop = state;

	if (loop->short_pool != NULL) {
		struct bd_pool *pool = loop->short_pool;

		loop->short_pool = NULL;
		bd_pool_close(pool, on_pool_closed, loop);
	} else if (loop->long_pool != NULL) {
		struct bd_pool *pool = loop->long_pool;

		loop->long_pool = NULL;
		bd_pool_close(pool, on_pool_closed, loop);
	} else {
		bd_laters_close(&loop->laters);
		bd_mailbox_close(&loop->mailbox);
	}
}

static bool are_drained(struct bd_loop *loop)
{
	for (size_t i = 0; i < GATES; i++) {
		const struct bd_gate *gate = gate_of(loop, i);

		if (gate->http != NULL && !gate->is_drained) {
			return false;
		}
	}
	return true;
}

/* When no client is left and nothing is done for one that did not wait. */
static void close_if_idle(struct bd_loop *loop)
{
	if (are_drained(loop) && loop->background == 0) {
		on_pool_closed(loop);
	}
}

static void on_drained(struct bd_http_handler *handler)
{
	struct bd_gate *gate = CONTAINER(struct bd_gate, handler, handler);

	gate->is_drained = true;
	close_if_idle(gate->loop);
}

static void on_idle(struct bd_letter *letter)
{
	struct bd_loop *loop = CONTAINER(struct bd_loop, idle_letter, letter);

	loop->is_idle_posted = false;
	close_if_idle(loop);
}

/* By letter: the caller is still within a worker's callback. Not needed before all gates are
 * drained: then on_drained looks. */
static void post_if_idle(struct bd_loop *loop)
{
	if (loop->background == 0 && loop->is_draining && are_drained(loop) &&
		!loop->is_idle_posted) {
		loop->is_idle_posted = true;
		bd_mailbox_post(&loop->mailbox, &loop->idle_letter);
	}
}

void bd_loop_background_end(struct bd_loop *loop)
{
	loop->background--;
	post_if_idle(loop);
}

static void on_last(struct bd_letter *letter)
{
	bd_loop_background_end(CONTAINER(struct bd_loop, last_letter, letter));
}

static void on_secured(struct bd_http_handler *handler, const struct bd_http_secured *secured)
{
	struct bd_loop *loop = CONTAINER(struct bd_gate, handler, handler)->loop;

	bd_credentials_count(&loop->counts.secured, secured);
}

static const struct bd_http_ops http_ops = { on_request, on_body, on_body_end, on_abort,
	on_writable, on_problem, on_drained, on_mark, on_turn, on_secured };

static void tell_guests(struct bd_loop *loop, bool is_drain)
{
	struct bd_loop_guest *next;

	for (struct bd_loop_guest *guest = loop->guests; guest != NULL; guest = next) {
		next = guest->next;
		if (is_drain) {
			guest->on_drain(guest);
		} else {
			guest->on_reload(guest);
		}
	}
}

void bd_loop_join(struct bd_loop *loop, struct bd_loop_guest *guest)
{
	guest->next = loop->guests;
	loop->guests = guest;
	loop->background++;
}

static void drain(struct bd_letter *letter)
{
	struct bd_loop *loop = CONTAINER(struct bd_loop, drain_letter, letter);

	if (loop->is_draining) {
		return;
	}
	loop->is_draining = true;
	tell_guests(loop, true);
	for (size_t i = 0; i < GATES; i++) {
		if (gate_of(loop, i)->http != NULL) {
			bd_http_loop_drain(gate_of(loop, i)->http);
		}
	}
	if (loop->number >= loop->daemon->network_count) {
		post_if_idle(loop); /* without listeners nobody else looks */
	}
}

/* -- configuration -- */

/* Other certificates, or other lists of what is refused. */
static void on_credentials(struct bd_letter *letter)
{
	struct bd_loop *loop = CONTAINER(struct bd_loop, tls_letter, letter);
	struct bd_http_identity *identity;

	__atomic_store_n(&loop->is_tls_posted, false, __ATOMIC_RELEASE);
	identity = bd_credentials_take(loop->daemon->credentials);
	if (loop->tls != NULL) {
		bd_http_tls_use(loop->tls, identity);
	}
	if (loop->proxy_tls != NULL) {
		bd_http_tls_use(loop->proxy_tls, identity);
	}
	bd_http_identity_unref(identity);
}

/* Each loop has its share of the workers, and one more for long messages. */
static void pool_settings(
	struct bd_pool_settings *out, const struct bd_loop *loop, const struct bd_setup *setup)
{
	uint64_t share = setup->settings->workers / loop->daemon->network_count;

	*out = (struct bd_pool_settings){ .worker_path = setup->settings->worker_path,
		.image = setup->image,
		.keys = setup->message_keys,
		.is_best_effort = setup->settings->confinement == BD_CONFINEMENT_BEST_EFFORT,
		.count = share == 0 ? 1 : (unsigned)share,
		.time_max_ms = (unsigned)setup->settings->message_time_max_ms };
}

/* What is in force from here on: entered once, by the first loop. */
static enum bd_code enter_setup(struct bd_loop *loop, enum bd_trail_kind kind, struct bd_diag *diag)
{
	struct bd_audit *audit = &loop->audit;
	struct bd_trail_event event = { .program = bd_bytes_of(PACKAGE_STRING) };
	enum bd_code code;

	if (loop->number != 0) {
		return BD_OK;
	}
	memcpy(event.config, loop->setup->digest, sizeof(event.config));
	code = bd_audit_event(audit, kind, &event, bd_audit_time(audit), diag);
	return code == BD_OK ? bd_audit_flush(audit, diag) : code;
}

static void reload(struct bd_letter *letter)
{
	struct bd_loop *loop = CONTAINER(struct bd_loop, reload_letter, letter);
	struct bd_setup *old = loop->setup;
	struct bd_pool_settings pool;
	struct bd_diag diag = { .code = BD_OK };

	bd_mailbox_post(&loop->daemon->mailbox, &loop->reloaded_letter);
	if (loop->is_draining) {
		bd_setup_unref(loop->next_setup);
		return;
	}
	loop->setup = loop->next_setup;
	if (enter_setup(loop, BD_TRAIL_CONFIG, &diag) != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "loop", "reload.trail", &diag);
	}
	bd_diag_clear(&diag);
	if (bd_audit_turn(&loop->audit, &diag) != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "loop", "reload.cases", &diag);
	}
	bd_diag_clear(&diag);
	pool_settings(&pool, loop, loop->setup);
	if (bd_pool_reload(loop->short_pool, &pool, &diag) != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "loop", "reload.workers", &diag);
	}
	bd_diag_clear(&diag);
	pool.count = 1;
	if (bd_pool_reload(loop->long_pool, &pool, &diag) != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "loop", "reload.workers", &diag);
	}
	tell_guests(loop, false);
	bd_setup_unref(old);
}

/* "127.0.0.1:8443", "[::1]:8443" */
static enum bd_code split_address(
	char address[64], unsigned *port, const char *text, struct bd_diag *diag)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon == NULL ? 0 : (size_t)(colon - text);

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= 64) {
		return bd_fail(diag, BD_CONFIG_MEANING, "listen is ADDRESS:PORT");
	}
	memcpy(address, text, len);
	address[len] = '\0';
	*port = (unsigned)strtoul(colon + 1, NULL, 10);
	return BD_OK;
}

static enum bd_code open_gate(struct bd_gate *gate, struct bd_loop *loop, const char *listen,
	struct bd_http_tls *tls, unsigned known_port, struct bd_diag *diag)
{
	const struct bd_settings *settings = loop->setup->settings;
	const struct bd_http_settings http = {
		.header_ms = (unsigned)settings->header_timeout_ms,
		.idle_ms = (unsigned)settings->idle_timeout_ms,
		.body_grace_ms = (unsigned)settings->body_timeout_ms,
		.write_ms = (unsigned)settings->write_timeout_ms,
		.connections_max = settings->connections_max / loop->daemon->network_count,
	};
	char address[64];
	enum bd_code code;

	gate->handler.ops = &http_ops;
	gate->loop = loop;
	gate->is_plaintext = tls == NULL;
	code = split_address(address, &gate->port, listen, diag);
	if (code != BD_OK) {
		return code;
	}
	if (known_port != 0) {
		gate->port = known_port;
	}
	code = bd_http_loop_new(&gate->http, &loop->uv, &http, &gate->handler, diag);
	return code == BD_OK ? bd_http_listen(gate->http, address, &gate->port, tls, diag) : code;
}

static enum bd_code open_gates(struct bd_loop *loop, struct bd_diag *diag)
{
	const struct bd_settings *settings = loop->setup->settings;
	const struct bd_loop *first = &loop->daemon->loops[0];
	struct bd_http_identity *identity;
	enum bd_code code = BD_OK;

	if (settings->listen != NULL) {
		identity = bd_credentials_take(loop->daemon->credentials);
		code = bd_http_tls_new_of(&loop->tls, identity);
		bd_http_identity_unref(identity);
		if (code == BD_OK) {
			code = open_gate(&loop->tls_gate, loop, settings->listen, loop->tls,
				loop->number == 0 ? 0 : first->tls_gate.port, diag);
		}
	}
	if (code == BD_OK && settings->listen_proxy != NULL) {
		identity = bd_credentials_take(loop->daemon->credentials);
		code = bd_http_tls_new_of(&loop->proxy_tls, identity);
		bd_http_identity_unref(identity);
		loop->proxy_gate.is_proxy = true;
		if (code == BD_OK) {
			bd_http_tls_want_client(loop->proxy_tls);
			code = open_gate(&loop->proxy_gate, loop, settings->listen_proxy,
				loop->proxy_tls, loop->number == 0 ? 0 : first->proxy_gate.port,
				diag);
		}
	}
	if (code == BD_OK && settings->listen_plaintext != NULL) {
		code = open_gate(&loop->plain_gate, loop, settings->listen_plaintext, NULL,
			loop->number == 0 ? 0 : first->plain_gate.port, diag);
	}
	return code;
}

enum bd_code bd_loop_open(struct bd_loop *loop, struct bd_daemon *daemon, unsigned number,
	struct bd_setup *setup, struct bd_diag *diag)
{
	struct bd_pool_settings pool;
	enum bd_code code;

	loop->daemon = daemon;
	loop->number = number;
	loop->setup = bd_setup_ref(setup);
	bd_arena_init(&loop->arena, BD_REQUEST_ARENA_MAX_BYTES);
	bd_buf_init(&loop->answer, BD_ANSWER_MAX_BYTES * 2);
	loop->drain_letter.deliver = drain;
	loop->reload_letter.deliver = reload;
	loop->tls_letter.deliver = on_credentials;
	loop->idle_letter.deliver = on_idle;
	loop->last_letter.deliver = on_last;
	loop->background += number >= daemon->network_count; /* until bd_loop_let_go */
	loop->synced_letter.deliver = on_synced;
	if (uv_loop_init(&loop->uv) != 0) {
		return bd_fail(diag, BD_NO_MEMORY, "no event loop");
	}
	code = bd_mailbox_open(&loop->mailbox, &loop->uv);
	if (code != BD_OK) {
		return bd_fail(diag, code, "no mailbox");
	}
	bd_laters_open(&loop->laters, &loop->uv);
	code = bd_store_reader_new(&loop->reader, daemon->store, diag);
	code = code == BD_OK ? bd_store_reader_remember(loop->reader) : code;
	code = code == BD_OK
		       ? bd_audit_open(&loop->audit, daemon, number,
				 (enum bd_trail_durability)setup->settings->trail_durability, diag)
		       : code;
	code = code == BD_OK ? enter_setup(loop, BD_TRAIL_START, diag) : code;
	pool_settings(&pool, loop, setup);
	pool.figures = &loop->counts.short_pool;
	if (code == BD_OK) {
		code = bd_pool_new(&loop->short_pool, &loop->uv, &pool, diag);
	}
	pool.count = 1;
	pool.figures = &loop->counts.long_pool;
	if (code == BD_OK) {
		code = bd_pool_new(&loop->long_pool, &loop->uv, &pool, diag);
	}
	return code == BD_OK && number < daemon->network_count ? open_gates(loop, diag) : code;
}

static void run(void *state)
{
	struct bd_loop *loop = state;
	char name[16];

	snprintf(name, sizeof(name), "loop %u", (unsigned)(loop - loop->daemon->loops));
	bd_thread_begin(name, loop->number < loop->daemon->network_count ? BD_THREAD_ANSWERS
									 : BD_THREAD_GIVES_WAY);
	bd_thread_short_slices();
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	bd_thread_answering(false);
	bd_mailbox_post(&loop->daemon->mailbox, &loop->drained_letter);
}

enum bd_code bd_loop_start(struct bd_loop *loop)
{
	if (uv_thread_create(&loop->thread, run, loop) != 0) {
		return BD_NO_MEMORY;
	}
	loop->has_thread = true;
	return BD_OK;
}

void bd_loop_drain(struct bd_loop *loop)
{
	bd_mailbox_post(&loop->mailbox, &loop->drain_letter);
}

void bd_loop_let_go(struct bd_loop *loop)
{
	bd_mailbox_post(&loop->mailbox, &loop->last_letter);
}

void bd_loop_reload(struct bd_loop *loop, struct bd_setup *setup)
{
	loop->next_setup = bd_setup_ref(setup);
	bd_mailbox_post(&loop->mailbox, &loop->reload_letter);
}

void bd_loop_close(struct bd_loop *loop)
{
	if (loop->has_thread) {
		uv_thread_join(&loop->thread);
	}
	for (size_t i = 0; i < GATES; i++) {
		if (gate_of(loop, i)->http != NULL) {
			bd_http_loop_free(gate_of(loop, i)->http);
		}
	}
	bd_http_tls_free(loop->tls);
	bd_http_tls_free(loop->proxy_tls);
	if (loop->reader != NULL) {
		bd_store_reader_free(loop->reader);
	}
	bd_audit_close(&loop->audit);
	bd_arena_release(&loop->arena);
	bd_buf_release(&loop->answer);
	bd_asks_free(loop);
	bd_setup_unref(loop->setup);
	uv_loop_close(&loop->uv);
}
