#include "daemon/endpoint.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "daemon/secret.h"
#include "daemon/setup.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Some hundred values and their secrets. */
#define VALUES_MAX_BYTES 1048576
#define KEYS_MAX 16

/* -- figures -- */

struct note {
	const struct bd_endpoint_run *endpoint;
	enum bd_turn_outcome outcome; /* 0 = only the state is told */
	enum bd_code code;
};

/* Limits and addresses: somebody may be trying what we would do. */
static bool is_refusal(enum bd_code code)
{
	return code == BD_CONNECT_ADDRESS || code == BD_CONNECT_REDIRECT ||
	       code == BD_CONNECT_ANSWER_SIZE || code == BD_HTTP_TOO_LARGE ||
	       code == BD_LIMIT_BYTES || code == BD_LIMIT_EXPANSION;
}

static void change_row(struct bd_board_row *row, const void *with)
{
	const struct note *note = with;

	row->state = note->endpoint->breaker.state;
	row->busy = note->endpoint->busy;
	row->waiting = note->endpoint->waiting;
	if (note->outcome != 0) {
		row->asked++;
		row->failed += note->outcome == BD_TURN_BAD;
		row->refused += is_refusal(note->code);
		bd_board_row_end(row, note->code, note->outcome == BD_TURN_GOOD);
	}
	row->next_ms = note->endpoint->breaker.state == BD_BREAKER_OPEN
			       ? bd_clock_wall_ms() + note->endpoint->breaker.until_ms -
					 bd_clock_monotonic_ms()
			       : 0;
}

static void tell(struct bd_endpoint_run *endpoint, enum bd_turn_outcome outcome, enum bd_code code)
{
	const struct note note = { endpoint, outcome, code };

	bd_source_board_change(endpoint->board, endpoint->board_row, change_row, &note);
}

/* -- values -- */

static enum bd_code read_file(struct bd_form_value *out, struct bd_endpoint_run *endpoint,
	const char *path, struct bd_diag *diag)
{
	struct bd_arena *arena = &endpoint->arena;
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, BD_KEY_FILE_MAX_BYTES);
	code = bd_secret_read(&text, path, out->name, diag);
	while (text.len > 0 && strchr("\r\n", text.ptr[text.len - 1]) != NULL) {
		text.len--;
	}
	if (code == BD_OK && text.len >= 10 && strncmp(text.ptr, "-----BEGIN", 10) == 0) {
		struct bd_sign_key *key = NULL;

		code = endpoint->key_count < KEYS_MAX
			       ? bd_sign_key_private(&key, bd_buf_bytes(&text), diag)
			       : bd_fail(diag, BD_LIMIT_COUNT, "private keys");
		if (code == BD_OK) {
			endpoint->keys[endpoint->key_count++] = key;
			out->key = key;
		}
	} else if (code == BD_OK) {
		out->bytes.ptr = bd_arena_text(arena, bd_buf_bytes(&text));
		out->bytes.len = text.len;
		code = out->bytes.ptr != NULL ? BD_OK : bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	bd_buf_wipe(&text);
	return code;
}

enum bd_code bd_endpoint_value(struct bd_form_value *out, struct bd_endpoint_run *endpoint,
	const struct bd_source_value *value, struct bd_diag *diag)
{
	*out = (struct bd_form_value){ .name = value->name };
	if (value->value != NULL) {
		out->bytes = bd_bytes_of(value->value);
		return BD_OK;
	}
	return read_file(out, endpoint, value->file, diag);
}

static enum bd_code read_values(struct bd_endpoint_run *endpoint, struct bd_diag *diag)
{
	const struct bd_endpoint *plan = endpoint->plan;
	struct bd_form_value *values =
		bd_arena_alloc(&endpoint->arena, plan->value_count, sizeof(*values));
	enum bd_code code = BD_OK;

	if (values == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", plan->name);
	}
	for (size_t i = 0; i < plan->value_count && code == BD_OK; i++) {
		code = bd_endpoint_value(&values[i], endpoint, &plan->values[i], diag);
	}
	endpoint->values = values;
	endpoint->value_count = plan->value_count;
	return code;
}

/* -- its life -- */

static bool may_connect(struct bd_http_guard *guard, const struct sockaddr *address)
{
	const struct bd_endpoint *plan = CONTAINER(struct bd_endpoint_run, guard, guard)->plan;

	return bd_address_is_allowed(address, plan->allow, plan->allow_count);
}

static enum bd_code make_client(struct bd_endpoint_run *endpoint, struct bd_diag *diag)
{
	const struct bd_endpoint *plan = endpoint->plan;
	struct bd_form_value password = { .name = "password-file" };
	struct bd_http_client_files files = { .user = plan->user,
		.key = plan->key,
		.host_key_sha256 = plan->host_key_sha256,
		.known_hosts = plan->known_hosts };
	struct bd_http_client_settings settings = { .ca = plan->ca,
		.cert = plan->cert,
		.key = plan->kind == BD_ENDPOINT_HTTP ? plan->key : NULL,
		.is_plaintext_allowed = plan->is_plaintext_allowed,
		.connect_ms = plan->connect_ms,
		.idle_ms = plan->idle_ms,
		.total_ms = plan->total_ms,
		.guard = &endpoint->guard };
	enum bd_code code = BD_OK;

	endpoint->guard.may_connect = may_connect;
	if (plan->kind == BD_ENDPOINT_FILES) {
		settings.files = &files;
		if (plan->password_file != NULL) {
			code = read_file(&password, endpoint, plan->password_file, diag);
			files.password = password.bytes.ptr;
		}
	}
	return code == BD_OK ? bd_http_client_new(&endpoint->client, &settings, diag) : code;
}

static void on_timer(uv_timer_t *timer);

static void release(void *state)
{
	struct bd_endpoint_run *endpoint = state;

	for (size_t i = 0; i < endpoint->key_count; i++) {
		bd_sign_key_free(endpoint->keys[i]);
	}
	free(endpoint->keys);
	bd_http_client_free(endpoint->client);
	bd_arena_release(&endpoint->arena);
	bd_setup_unref(endpoint->setup);
	free(endpoint);
}

static void on_closed(uv_handle_t *handle)
{
	struct bd_endpoint_run *endpoint = CONTAINER(struct bd_endpoint_run, timer, handle);

	if (endpoint->fetcher != NULL) {
		bd_http_fetcher_close(endpoint->fetcher, release, endpoint);
	} else {
		release(endpoint);
	}
}

enum bd_code bd_endpoint_run_new(struct bd_endpoint_run **out, const struct bd_endpoint *plan,
	const char *source, struct bd_setup *setup, struct uv_loop_s *loop,
	struct bd_source_board *board, struct bd_diag *diag)
{
	struct bd_endpoint_run *endpoint = calloc(1, sizeof(*endpoint));
	enum bd_code code;

	if (endpoint == NULL || (endpoint->keys = calloc(KEYS_MAX, sizeof(void *))) == NULL) {
		free(endpoint);
		return bd_fail(diag, BD_NO_MEMORY, "%s", plan->name);
	}
	endpoint->plan = plan;
	endpoint->source = source;
	endpoint->setup = bd_setup_ref(setup);
	endpoint->last = &endpoint->first;
	endpoint->references = 1;
	endpoint->board = board;
	endpoint->board_row = bd_source_board_find(board, source, plan->name, BD_BOARD_CONNECTION);
	bd_arena_init(&endpoint->arena, VALUES_MAX_BYTES);
	uv_timer_init(loop, &endpoint->timer);
	code = bd_http_fetcher_new(&endpoint->fetcher, loop, strncmp(plan->base, "ftp", 3) == 0);
	code = code == BD_OK ? read_values(endpoint, diag) : bd_fail(diag, code, "%s", plan->name);
	code = code == BD_OK ? make_client(endpoint, diag) : code;
	if (code != BD_OK) {
		bd_endpoint_run_unref(endpoint);
		return code;
	}
	tell(endpoint, 0, BD_OK);
	*out = endpoint;
	return BD_OK;
}

void bd_endpoint_run_ref(struct bd_endpoint_run *endpoint)
{
	endpoint->references++;
}

void bd_endpoint_run_unref(struct bd_endpoint_run *endpoint)
{
	if (--endpoint->references == 0) {
		uv_close((uv_handle_t *)&endpoint->timer, on_closed);
	}
}

/* -- turns -- */

static struct bd_turn *take_first(struct bd_endpoint_run *endpoint)
{
	struct bd_turn *turn = endpoint->first;

	endpoint->first = turn->next;
	endpoint->last = endpoint->first == NULL ? &endpoint->first : endpoint->last;
	endpoint->waiting--;
	turn->is_waiting = false;
	return turn;
}

/* Its reference on the endpoint goes with it. */
static void refuse_first(struct bd_endpoint_run *endpoint, enum bd_code code)
{
	struct bd_turn *turn = take_first(endpoint);
	struct bd_diag diag = { .code = BD_OK };
	int64_t left_ms = endpoint->breaker.until_ms - bd_clock_monotonic_ms();

	bd_fail(&diag, code, "%s/%s", endpoint->source, endpoint->plan->name);
	diag.retry_s = left_ms > 0 ? (unsigned)(left_ms / 1000 + 1) : 1;
	turn->ops->on_refused(turn, &diag);
	bd_endpoint_run_unref(endpoint);
}

/* Whoever waits has its turn, in order, as far as the rate, the circuit and the number of those
 * that are busy allow. */
static void serve(struct bd_endpoint_run *endpoint)
{
	bd_endpoint_run_ref(endpoint);
	while (endpoint->first != NULL && endpoint->first->is_free) {
		struct bd_turn *turn = take_first(endpoint);

		turn->has_turn = true;
		endpoint->busy++;
		turn->ops->on_turn(turn);
	}
	while (endpoint->first != NULL && endpoint->busy < endpoint->plan->concurrency) {
		int64_t now_ms = bd_clock_monotonic_ms();
		uint64_t wait_ms = 0;
		struct bd_turn *turn;

		if (!bd_breaker_may_ask(&endpoint->breaker, now_ms)) {
			if (endpoint->breaker.state == BD_BREAKER_TRIAL) {
				break; /* its outcome is for all who wait */
			}
			refuse_first(endpoint, BD_ASK_CIRCUIT);
			bd_thread_share();
			continue;
		}
		wait_ms = bd_rate_take(&endpoint->rate, endpoint->plan->rate_per_s, now_ms);
		if (wait_ms > 0) {
			bd_breaker_void(&endpoint->breaker, now_ms);
			uv_timer_start(&endpoint->timer, on_timer, wait_ms, 0);
			break;
		}
		turn = take_first(endpoint);
		turn->has_turn = true;
		endpoint->busy++;
		turn->ops->on_turn(turn);
		bd_thread_share();
	}
	tell(endpoint, 0, BD_OK);
	bd_endpoint_run_unref(endpoint);
}

static void on_timer(uv_timer_t *timer)
{
	serve(CONTAINER(struct bd_endpoint_run, timer, timer));
}

static void serve_soon(struct bd_endpoint_run *endpoint)
{
	if (endpoint->first != NULL && endpoint->references > 0) {
		uv_timer_start(&endpoint->timer, on_timer, 0, 0);
	}
}

bool bd_endpoint_refuses(const struct bd_endpoint_run *endpoint)
{
	return bd_breaker_refuses(&endpoint->breaker, bd_clock_monotonic_ms());
}

void bd_turn_take(struct bd_endpoint_run *endpoint, struct bd_turn *turn)
{
	turn->endpoint = endpoint;
	turn->next = NULL;
	turn->is_waiting = true;
	turn->has_turn = false;
	if (turn->is_free) {
		turn->next = endpoint->first;
		endpoint->first = turn;
		endpoint->last = turn->next == NULL ? &turn->next : endpoint->last;
	} else {
		*endpoint->last = turn;
		endpoint->last = &turn->next;
	}
	endpoint->waiting++;
	bd_endpoint_run_ref(endpoint);
	serve_soon(endpoint);
}

static void leave(struct bd_turn *turn)
{
	struct bd_endpoint_run *endpoint = turn->endpoint;

	turn->has_turn = false;
	endpoint->busy--;
	serve_soon(endpoint);
	bd_endpoint_run_unref(endpoint);
}

void bd_turn_end(struct bd_turn *turn, enum bd_turn_outcome outcome, enum bd_code code)
{
	struct bd_endpoint_run *endpoint = turn->endpoint;
	int64_t now_ms = bd_clock_monotonic_ms();

	if (outcome == BD_TURN_GOOD) {
		if (endpoint->breaker.state != BD_BREAKER_CLOSED) {
			bd_log(BD_LOG_INFO, "sources", "circuit.closed", "%s/%s answers again",
				endpoint->source, endpoint->plan->name);
		}
		bd_breaker_good(&endpoint->breaker);
	} else if (outcome == BD_TURN_VOID) {
		bd_breaker_void(&endpoint->breaker, now_ms);
	} else if (bd_breaker_bad(&endpoint->breaker, endpoint->plan->trip_after,
			   endpoint->plan->trip_ms, now_ms)) {
		bd_log(BD_LOG_WARNING, "sources", "circuit.open",
			"%s/%s: %s, left alone for %llu s", endpoint->source, endpoint->plan->name,
			bd_code_info(code)->text,
			(unsigned long long)endpoint->breaker.open_ms / 1000);
	}
	tell(endpoint, outcome, code);
	leave(turn);
}

void bd_turn_cancel(struct bd_turn *turn)
{
	struct bd_endpoint_run *endpoint = turn->endpoint;
	struct bd_turn **link;

	if (turn->has_turn) {
		bd_breaker_void(&endpoint->breaker, bd_clock_monotonic_ms());
		leave(turn);
	} else if (turn->is_waiting) {
		for (link = &endpoint->first; *link != turn; link = &(*link)->next) {
		}
		*link = turn->next;
		endpoint->last = *link == NULL ? link : endpoint->last;
		endpoint->waiting--;
		turn->is_waiting = false;
		bd_endpoint_run_unref(endpoint);
	}
}
