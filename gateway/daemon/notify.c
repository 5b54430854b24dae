#include "daemon/notify.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "daemon/alarms.h"
#include "daemon/asker.h"
#include "daemon/secret.h"
#include "daemon/watches.h"
#include "http/client.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#define KEY_BYTES 32
/* Events of one request, and how often it is looked whether there are any. */
#define EVENTS_MAX 100
#define LOOK_MS 500
#define ANSWER_MAX_BYTES 65536
#define BODY_MAX_BYTES 1048576
#define CONNECT_MS 5000
#define TOTAL_MS 10000
#define WAIT_FIRST_MS 1000

/* One sender that wants to be told. */
struct target {
	char name[129];
	bool is_known; /* told is what the store says */
	uint64_t told, failures;
	const struct bd_code_info *why;
	int status;
	int64_t next_ms;      /* monotonic; not before */
	uint64_t alarms_told; /* version of the alarms that it has taken; 0 = none */
	struct target *next;
};

struct bd_notifier {
	struct bd_store *store;
	struct bd_writer *writer;
	struct bd_alarms *alarms;
	struct bd_store_reader *reader;
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;
	struct bd_setup *setup; /* under lock; the thread takes a reference for each round */
	bool is_stopping;       /* under lock */
	struct target *targets; /* under lock; only added to, by the thread */
	struct bd_notifier_counts counts; /* under lock */
};

/* -- whom -- */

static struct target *find_target(struct bd_notifier *notifier, const char *name)
{
	struct target *target = notifier->targets;

	while (target != NULL && strcmp(target->name, name) != 0) {
		target = target->next;
	}
	return target;
}

static struct target *target_of(struct bd_notifier *notifier, const char *name)
{
	struct target *target = find_target(notifier, name);

	if (target == NULL) {
		target = calloc(1, sizeof(*target));
		if (target != NULL) {
			snprintf(target->name, sizeof(target->name), "%s", name);
			uv_mutex_lock(&notifier->lock);
			target->next = notifier->targets;
			notifier->targets = target;
			uv_mutex_unlock(&notifier->lock);
		}
	}
	return target;
}

/* -- what -- */

static enum bd_code read_events(struct bd_watch_page *page, struct bd_notifier *notifier,
	struct target *target, struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = bd_store_begin(notifier->reader, diag);
	uint64_t told = target->told;

	if (code != BD_OK) {
		return code;
	}
	if (!target->is_known) {
		code = bd_store_watch_told(&told, notifier->reader, target->name, diag);
	}
	if (code == BD_OK) {
		const struct bd_watch_query query = { target->name, told, EVENTS_MAX };

		code = bd_store_watches(page, notifier->reader, &query, arena, diag);
	}
	bd_store_end(notifier->reader);
	if (code == BD_OK) {
		uv_mutex_lock(&notifier->lock);
		target->told = told;
		target->is_known = true;
		uv_mutex_unlock(&notifier->lock);
	}
	return code;
}

static enum bd_code write_body(struct bd_buf *out, const struct bd_watch_page *page,
	const struct bd_setup *setup, const struct bd_sender *sender, int64_t now_ms)
{
	struct bd_json_writer w;
	struct bd_asker asker;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "type", "watches");
	bd_jw_time(&w, "timestamp", now_ms);
	bd_asker_silent(&asker, setup, sender, now_ms);
	bd_watches_write(&w, page, setup, &asker, NULL);
	bd_jw_object_end(&w);
	return w.code;
}

/* -- how -- */

struct signature {
	char id[64], timestamp[24], text[128];
};

/* With its id, which is the same when it is sent again. */
static enum bd_code sign(struct signature *out, const struct bd_sender *sender,
	struct bd_bytes body, struct bd_diag *diag)
{
	uint8_t key[KEY_BYTES], mark[BD_DIGEST_BYTES];
	struct bd_buf text = { out->text, 0, sizeof(out->text), sizeof(out->text) }, signed_text;
	struct bd_hmac *hmac = NULL;
	enum bd_code code = bd_secret_read_hex(
		key, sizeof(key), sender->webhook_key_file, "webhook_key_file", diag);

	if (code != BD_OK) {
		return code;
	}
	snprintf(out->timestamp, sizeof(out->timestamp), "%" PRId64, bd_clock_wall_ms() / 1000);
	bd_buf_init(&signed_text, BODY_MAX_BYTES + 256);
	code = bd_buf_printf(&signed_text, "%s.%s.", out->id, out->timestamp);
	code = code == BD_OK ? bd_buf_add(&signed_text, body) : code;
	code = code == BD_OK
		       ? bd_hmac_new(&hmac, (struct bd_bytes){ (const char *)key, sizeof(key) })
		       : code;
	code = code == BD_OK ? bd_hmac_of(hmac, bd_buf_bytes(&signed_text), mark) : code;
	code = code == BD_OK ? bd_buf_add_text(&text, "v1,") : code;
	code = code == BD_OK
		       ? bd_base64_add(&text, (struct bd_bytes){ (const char *)mark, sizeof(mark) })
		       : code;
	code = code == BD_OK ? bd_buf_add_byte(&text, '\0') : code;
	bd_hmac_free(hmac);
	bd_wipe(key, sizeof(key));
	bd_buf_release(&signed_text);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

static bool is_this_machine(struct bd_http_guard *guard, const struct sockaddr *address)
{
	const struct sockaddr_in *four = (const void *)address;
	const struct sockaddr_in6 *six = (const void *)address;

	(void)guard;
	return address->sa_family == AF_INET ? ntohl(four->sin_addr.s_addr) >> 24 == 127
					     : IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* *status: of the answer; 0 where there was none. */
static enum bd_code post(int *status, const struct bd_sender *sender,
	const struct signature *signature, struct bd_bytes body, struct bd_diag *diag)
{
	bool is_plaintext = strncmp(sender->webhook_url, "http://", 7) == 0;
	struct bd_http_guard guard = { is_this_machine };
	const struct bd_http_client_settings settings = { .ca = sender->webhook_ca_file,
		.is_plaintext_allowed = is_plaintext,
		.connect_ms = CONNECT_MS,
		.idle_ms = TOTAL_MS,
		.total_ms = TOTAL_MS,
		.guard = is_plaintext ? &guard : NULL };
	const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "webhook-id", signature->id }, { "webhook-timestamp", signature->timestamp },
		{ "webhook-signature", signature->text }, { NULL, NULL } };
	const struct bd_http_request request = {
		.method = "POST", .url = sender->webhook_url, .headers = headers, .bytes = body
	};
	struct bd_http_client *client = NULL;
	struct bd_http_answer answer = { .status = 0 };
	enum bd_code code = bd_http_client_new(&client, &settings, diag);

	*status = 0;
	bd_buf_init(&answer.body, ANSWER_MAX_BYTES);
	if (code == BD_OK) {
		code = bd_http_client_ask(client, &answer, &request, diag);
		bd_http_client_free(client);
	}
	if (code == BD_OK) {
		*status = answer.status;
	}
	bd_buf_release(&answer.body);
	return code;
}

/* -- what came of it -- */

static int64_t wait_ms(uint64_t failures)
{
	uint64_t doubled = failures < 16 ? failures - 1 : 15;
	int64_t most = (int64_t)WAIT_FIRST_MS << doubled;
	uint32_t random = 0;

	most = most < BD_NOTIFY_WAIT_MAX_MS ? most : BD_NOTIFY_WAIT_MAX_MS;
	if (bd_random((uint8_t *)&random, sizeof(random)) != BD_OK) {
		return most;
	}
	return most / 2 + (int64_t)(random % (uint32_t)(most / 2 + 1));
}

/* With the lock. */
static void note_good(struct bd_notifier *notifier, struct target *target, int status)
{
	if (target->failures > 0) {
		bd_log(BD_LOG_INFO, "notify", "taken", "%s takes webhooks again", target->name);
	}
	target->failures = 0;
	target->why = NULL;
	target->status = status;
	target->next_ms = 0;
	notifier->counts.sent++;
}

static void note_taken(struct bd_notifier *notifier, struct target *target,
	const struct bd_watch_page *page, int status)
{
	uint64_t told = page->items[page->count - 1].number;

	uv_mutex_lock(&notifier->lock);
	note_good(notifier, target, status);
	target->told = told;
	notifier->counts.events += page->count;
	uv_mutex_unlock(&notifier->lock);
	bd_writer_tell(notifier->writer, target->name, told);
}

static void note_failure(struct bd_notifier *notifier, struct target *target, enum bd_code code,
	int status, const struct bd_diag *diag)
{
	uv_mutex_lock(&notifier->lock);
	target->failures++;
	target->why = code != BD_OK ? bd_code_info(code) : NULL;
	target->status = status;
	target->next_ms = bd_clock_monotonic_ms() + wait_ms(target->failures);
	notifier->counts.failures++;
	uv_mutex_unlock(&notifier->lock);
	if (target->failures > 1) {
		return;
	}
	if (code != BD_OK) {
		bd_log_diag(BD_LOG_WARNING, "notify", "failed", diag);
	} else {
		bd_log(BD_LOG_WARNING, "notify", "refused", "%s answered %d", target->name, status);
	}
}

/* *has_more: there may be more to send at once. */
static void send_to(struct bd_notifier *notifier, struct target *target,
	const struct bd_sender *sender, const struct bd_setup *setup, bool *has_more)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_watch_page page = { .items = NULL };
	struct signature signature;
	struct bd_arena arena;
	struct bd_buf body;
	int status = 0;
	enum bd_code code;

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	bd_buf_init(&body, BODY_MAX_BYTES);
	code = read_events(&page, notifier, target, &arena, &diag);
	if (code == BD_OK && page.count > 0) {
		code = write_body(&body, &page, setup, sender, bd_clock_wall_ms());
		snprintf(signature.id, sizeof(signature.id), "watches-%" PRIu64 "-%" PRIu64,
			page.items[0].number, page.items[page.count - 1].number);
		code = code == BD_OK ? sign(&signature, sender, bd_buf_bytes(&body), &diag)
				     : bd_fail(&diag, code, "%s", "");
		code = code == BD_OK ? post(&status, sender, &signature, bd_buf_bytes(&body), &diag)
				     : code;
	}
	if (code == BD_OK && page.count > 0 && status >= 200 && status < 300) {
		note_taken(notifier, target, &page, status);
		*has_more |= page.has_more;
	} else if (code != BD_OK || page.count > 0) {
		note_failure(notifier, target, code, status, &diag);
	}
	bd_buf_release(&body);
	bd_arena_release(&arena);
}

/* -- alarms -- */

static enum bd_code write_alarms(
	struct bd_buf *out, const struct bd_alarm *list, size_t count, int64_t now_ms)
{
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "type", "alarms");
	bd_jw_time(&w, "timestamp", now_ms);
	bd_alarms_write(&w, list, count);
	bd_jw_object_end(&w);
	return w.code;
}

/* All that there are now. */
static void send_alarms(
	struct bd_notifier *notifier, struct target *target, const struct bd_sender *sender)
{
	struct bd_alarm *list = calloc(BD_ALARMS_MAX, sizeof(*list));
	struct bd_diag diag = { .code = BD_OK };
	struct signature signature;
	uint64_t version = 0;
	struct bd_buf body;
	size_t count;
	int status = 0;
	enum bd_code code;

	if (list == NULL) {
		return;
	}
	bd_buf_init(&body, BODY_MAX_BYTES);
	count = bd_alarms_list(list, BD_ALARMS_MAX, &version, notifier->alarms);
	code = write_alarms(&body, list, count, bd_clock_wall_ms());
	snprintf(signature.id, sizeof(signature.id), "alarms-%" PRIu64, version);
	code = code == BD_OK ? sign(&signature, sender, bd_buf_bytes(&body), &diag)
			     : bd_fail(&diag, code, "%s", "");
	code = code == BD_OK ? post(&status, sender, &signature, bd_buf_bytes(&body), &diag) : code;
	if (code == BD_OK && status >= 200 && status < 300) {
		uv_mutex_lock(&notifier->lock);
		note_good(notifier, target, status);
		target->alarms_told = version;
		uv_mutex_unlock(&notifier->lock);
	} else {
		note_failure(notifier, target, code, status, &diag);
	}
	bd_buf_release(&body);
	free(list);
}

/* -- the thread -- */

static bool wants_alarms(const struct bd_notifier *notifier, const struct target *target,
	const struct bd_sender *sender)
{
	return (sender->roles & BD_SENDER_OPERATOR) != 0 && notifier->alarms != NULL &&
	       bd_clock_monotonic_ms() >= target->next_ms &&
	       bd_alarms_version(notifier->alarms) != target->alarms_told;
}

static void send_round(struct bd_notifier *notifier, struct bd_setup *setup, bool *has_more)
{
	for (size_t i = 0; i < setup->senders->count; i++) {
		const struct bd_sender *sender = &setup->senders->items[i];
		struct target *target;

		if (sender->webhook_url == NULL) {
			continue;
		}
		target = target_of(notifier, sender->name);
		if (target != NULL && bd_clock_monotonic_ms() >= target->next_ms &&
			(!target->is_known ||
				bd_store_watch_last(notifier->store) > target->told)) {
			send_to(notifier, target, sender, setup, has_more);
		}
		if (target != NULL && wants_alarms(notifier, target, sender)) {
			send_alarms(notifier, target, sender);
		}
	}
}

static void run(void *state)
{
	struct bd_notifier *notifier = state;
	bool is_stopping = false, has_more = false;

	bd_thread_begin("notify", BD_THREAD_HAS_TIME);
	while (!is_stopping) {
		struct bd_setup *setup;

		uv_mutex_lock(&notifier->lock);
		if (!notifier->is_stopping && !has_more) {
			uv_cond_timedwait(
				&notifier->wake, &notifier->lock, LOOK_MS * UINT64_C(1000000));
		}
		is_stopping = notifier->is_stopping;
		setup = bd_setup_ref(notifier->setup);
		uv_mutex_unlock(&notifier->lock);
		has_more = false;
		if (!is_stopping) {
			send_round(notifier, setup, &has_more);
		}
		bd_setup_unref(setup);
	}
}

enum bd_code bd_notifier_prepare(struct bd_diag *diag)
{
	const struct bd_http_client_settings settings = { .ca = NULL };
	struct bd_http_client *client = NULL;
	enum bd_code code = bd_http_client_new(&client, &settings, diag);

	if (code == BD_OK) {
		bd_http_client_free(client);
	}
	return code;
}

enum bd_code bd_notifier_start(struct bd_notifier **out, struct bd_store *store,
	struct bd_writer *writer, struct bd_alarms *alarms, struct bd_setup *setup)
{
	struct bd_notifier *notifier = calloc(1, sizeof(*notifier));
	struct bd_diag diag = { .code = BD_OK };

	if (notifier == NULL) {
		return BD_NO_MEMORY;
	}
	notifier->store = store;
	notifier->writer = writer;
	notifier->alarms = alarms;
	if (bd_store_reader_new(&notifier->reader, store, &diag) != BD_OK ||
		uv_mutex_init(&notifier->lock) != 0 || uv_cond_init(&notifier->wake) != 0) {
		bd_store_reader_free(notifier->reader);
		free(notifier);
		return BD_NO_MEMORY;
	}
	notifier->setup = bd_setup_ref(setup);
	if (uv_thread_create(&notifier->thread, run, notifier) != 0) {
		bd_setup_unref(notifier->setup);
		bd_store_reader_free(notifier->reader);
		free(notifier);
		return BD_NO_MEMORY;
	}
	*out = notifier;
	return BD_OK;
}

void bd_notifier_reload(struct bd_notifier *notifier, struct bd_setup *setup)
{
	struct bd_setup *old;

	uv_mutex_lock(&notifier->lock);
	old = notifier->setup;
	notifier->setup = bd_setup_ref(setup);
	uv_cond_signal(&notifier->wake);
	uv_mutex_unlock(&notifier->lock);
	bd_setup_unref(old);
}

void bd_notifier_stop(struct bd_notifier *notifier)
{
	if (notifier == NULL) {
		return;
	}
	uv_mutex_lock(&notifier->lock);
	notifier->is_stopping = true;
	uv_cond_signal(&notifier->wake);
	uv_mutex_unlock(&notifier->lock);
	uv_thread_join(&notifier->thread);
	for (struct target *target = notifier->targets, *next; target != NULL; target = next) {
		next = target->next;
		free(target);
	}
	bd_setup_unref(notifier->setup);
	bd_store_reader_free(notifier->reader);
	uv_cond_destroy(&notifier->wake);
	uv_mutex_destroy(&notifier->lock);
	free(notifier);
}

/* -- for people -- */

void bd_notifier_counts(struct bd_notifier_counts *out, struct bd_notifier *notifier)
{
	uv_mutex_lock(&notifier->lock);
	*out = notifier->counts;
	uv_mutex_unlock(&notifier->lock);
}

bool bd_notifier_state(
	struct bd_notifier_state *out, struct bd_notifier *notifier, const char *sender)
{
	const struct target *target;

	uv_mutex_lock(&notifier->lock);
	target = find_target(notifier, sender);
	if (target != NULL) {
		*out = (struct bd_notifier_state){ target->told, target->failures, target->why,
			target->status };
	}
	uv_mutex_unlock(&notifier->lock);
	return target != NULL;
}
