/* backtest_ask.c - POST /v1/matters/{id}/backtest: a version of a matter comes in, the lines of its
 * back-test (backtest.h) go out as they are made.
 *
 * The loop gathers the body and passes lines on; everything else is done by a thread of its own,
 * which waits while the client does not take what it has. One at a time; it stops when the client
 * is gone, or when biduid does.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "config/approved.h"
#include "config/matter.h"
#include "daemon/asker.h"
#include "daemon/backtest.h"
#include "daemon/routes.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
/* A matter with its lists. */
#define MATTER_ARENA_BYTES ((size_t)16 << 20)
#define DAY_MS (INT64_C(86400) * 1000)
#define DAYS_MAX 3650
/* Names of folders of schemas/matters are shorter. */
#define ID_BYTES 128

/* What the thread tells the loop. */
enum news {
	NEWS_READY = 1, /* the version is good; `matter` is set */
	NEWS_LINES,     /* `lines` wait */
	NEWS_END        /* its last word: done, stopped, or `diags` */
};

struct job {
	struct bd_call call;
	struct bd_buf body;
	char id[ID_BYTES];
	struct bd_asker asker;
	int64_t since_ms, until_ms;
	/* the thread's, and the loop's once it has been told */
	uv_thread_t thread;
	struct bd_backtest_sink sink;
	struct bd_arena arena;
	struct bd_diags diags;
	struct bd_diag diag; /* of a run that failed */
	const struct bd_matter *matter;
	struct bd_bytes lines;
	enum news news;
	struct bd_letter letter;
	/* between both */
	uv_mutex_t lock;
	uv_cond_t heard;
	bool is_heard;   /* what was told has been taken */
	bool is_stopped; /* nobody reads any more */
	/* the loop's */
	bool has_begun, waits_for_client, is_gone;
};

static void job_free(struct job *job)
{
	uv_cond_destroy(&job->heard);
	uv_mutex_destroy(&job->lock);
	bd_buf_release(&job->body);
	bd_arena_release(&job->arena);
	bd_call_close(&job->call);
	free(job);
}

/* -- the thread -- */

/* False: nobody reads any more. */
static bool tell(struct job *job, enum news news)
{
	bool is_wanted;

	job->news = news;
	uv_mutex_lock(&job->lock);
	job->is_heard = false;
	uv_mutex_unlock(&job->lock);
	bd_mailbox_post(&job->call.loop->mailbox, &job->letter);
	if (news == NEWS_END) {
		return false;
	}
	uv_mutex_lock(&job->lock);
	while (!job->is_heard) {
		uv_cond_wait(&job->heard, &job->lock);
	}
	is_wanted = !job->is_stopped;
	uv_mutex_unlock(&job->lock);
	return is_wanted;
}

static bool write_lines(struct bd_backtest_sink *sink, struct bd_bytes lines)
{
	struct job *job = CONTAINER(struct job, sink, sink);

	job->lines = lines;
	return tell(job, NEWS_LINES);
}

static bool is_wanted(struct bd_backtest_sink *sink)
{
	struct job *job = CONTAINER(struct job, sink, sink);
	bool is_stopped;

	uv_mutex_lock(&job->lock);
	is_stopped = job->is_stopped;
	uv_mutex_unlock(&job->lock);
	return !is_stopped;
}

/* As bidui matter validate does. */
static bool read_matter(struct job *job)
{
	const struct bd_setup *setup = job->call.setup;
	char folder[4096];
	int len = snprintf(
		folder, sizeof(folder), "%s/matters/%s", setup->settings->schemas_folder, job->id);

	if (len < 0 || (size_t)len >= sizeof(folder)) {
		bd_diags_add(&job->diags, BD_LIMIT_BYTES, "matter.xml", 0, 0, "schemas_folder");
		return false;
	}
	if (bd_config_matter_version(&job->matter, bd_buf_bytes(&job->body), "matter.xml", folder,
		    setup->settings->schemas_folder, setup->dict, &job->arena,
		    &job->diags) == BD_OK) {
		bd_config_matter_covered(job->matter, setup->plans, setup->plan_count, &job->diags);
		if (bd_config_matter_approved(job->matter, setup->plans, setup->plan_count,
			    setup->dict, &job->arena) != BD_OK) {
			bd_diags_add(&job->diags, BD_NO_MEMORY, "matter.xml", 0, 0, "no room");
		}
	}
	return bd_diags_code(&job->diags) == BD_OK;
}

static void run(struct job *job)
{
	struct bd_store *store = job->call.loop->daemon->store;
	struct bd_backtest backtest = { .setup = job->call.setup,
		.store = store,
		.matter = job->matter,
		.asker = job->asker,
		.since_ms = job->since_ms,
		.until_ms = job->until_ms };

	if (bd_store_reader_new(&backtest.reader, store, &job->diag) == BD_OK) {
		bd_backtest_run(&backtest, &job->sink, &job->diag);
		bd_store_reader_free(backtest.reader);
	}
}

static void work(void *state)
{
	struct job *job = state;

	bd_thread_begin("back-test", BD_THREAD_HAS_TIME);
	if (read_matter(job) && tell(job, NEWS_READY)) {
		run(job);
	}
	tell(job, NEWS_END);
}

/* -- the loop -- */

static void hear(struct job *job, bool stops)
{
	uv_mutex_lock(&job->lock);
	job->is_heard = true;
	job->is_stopped |= stops;
	uv_cond_signal(&job->heard);
	uv_mutex_unlock(&job->lock);
}

/* Under the id that the first line names. */
static enum bd_code enter(char entry[BD_TRAIL_ID_TEXT_BYTES], struct job *job, struct bd_diag *diag)
{
	struct bd_audit *audit = &job->call.loop->audit;
	struct bd_trail_event event = { .matter = bd_bytes_of(job->matter->id),
		.version = bd_bytes_of(job->matter->version),
		.since_ms = (uint64_t)job->since_ms };
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	code = bd_audit_caller(
		&event.caller, audit, job->call.exchange, job->call.sender->name, &arena);
	code = code == BD_OK ? bd_audit_digest(event.body, audit, bd_buf_bytes(&job->body)) : code;
	code = code == BD_OK ? bd_audit_next(entry, audit, diag) : bd_fail(diag, code, "%s", "");
	code = code == BD_OK ? bd_audit_event(
				       audit, BD_TRAIL_BACKTEST, &event, bd_audit_time(audit), diag)
			     : code;
	code = code == BD_OK ? bd_audit_flush(audit, diag) : code;
	bd_arena_release(&arena);
	return code;
}

static void refuse(struct job *job, const struct bd_diag *diag)
{
	bd_count(&job->call.loop->counts.refused, 1);
	bd_problem_respond(job->call.exchange, diag, NULL);
	job->is_gone = true;
}

/* The cases are looked at from here on, so that is entered first. */
static void begin(struct job *job)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/x-ndjson" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };
	char entry[BD_TRAIL_ID_TEXT_BYTES], room[512];
	struct bd_buf line = { room, 0, sizeof(room), sizeof(room) };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_json_writer w;

	if (enter(entry, job, &diag) != BD_OK) {
		refuse(job, &diag);
		return;
	}
	bd_jw_init(&w, &line);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "type", "begin");
	bd_jw_text(&w, "entry", entry);
	bd_jw_object_end(&w);
	bd_buf_add_byte(&line, '\n');
	job->has_begun = true;
	bd_http_begin(job->call.exchange, 200, headers);
	bd_http_write(job->call.exchange, bd_buf_bytes(&line));
}

/* The status has left: a problem is the last line. */
static void end_lines(struct job *job)
{
	struct bd_buf line;

	if (job->diag.code != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "backtest", job->id, &job->diag);
		bd_buf_init(&line, BD_ANSWER_MAX_BYTES);
		if (bd_problem_write(&line, &job->diag, NULL,
			    bd_problem_is_english(job->call.exchange)) == BD_OK &&
			bd_buf_add_byte(&line, '\n') == BD_OK) {
			bd_http_write(job->call.exchange, bd_buf_bytes(&line));
		}
		bd_buf_release(&line);
	}
	bd_http_end(job->call.exchange);
}

static void end(struct job *job)
{
	struct bd_loop *loop = job->call.loop;

	uv_thread_join(&job->thread);
	for (size_t i = 1; i < job->diags.count; i++) {
		job->diags.items[i - 1].next = &job->diags.items[i];
	}
	if (!job->is_gone && job->has_begun) {
		end_lines(job);
	} else if (!job->is_gone) {
		refuse(job, job->diags.count > 0 ? &job->diags.items[0] : &job->diag);
	}
	__atomic_store_n(&loop->daemon->is_backtesting, false, __ATOMIC_RELEASE);
	job_free(job);
	bd_loop_background_end(loop);
}

static void deliver(struct bd_letter *letter)
{
	struct job *job = CONTAINER(struct job, letter, letter);

	if (job->news == NEWS_END) {
		end(job);
		return;
	}
	if (!job->is_gone && job->call.loop->is_draining) {
		bd_fail(&job->diag, BD_DRAINING, "%s", "");
	} else if (!job->is_gone && job->news == NEWS_READY) {
		begin(job);
	} else if (!job->is_gone && !bd_http_write(job->call.exchange, job->lines)) {
		job->waits_for_client = true;
		return;
	}
	hear(job, job->is_gone || job->diag.code != BD_OK);
}

/* -- the request -- */

static void on_writable(struct bd_call *call)
{
	struct job *job = CONTAINER(struct job, call, call);

	if (job->waits_for_client) {
		job->waits_for_client = false;
		hear(job, false);
	}
}

/* The thread finds out, and ends by itself. */
static void on_abort(struct bd_call *call)
{
	struct job *job = CONTAINER(struct job, call, call);
	bool is_running = job->letter.deliver != NULL;

	bd_http_end(call->exchange);
	job->is_gone = true;
	if (!is_running) {
		__atomic_store_n(&call->loop->daemon->is_backtesting, false, __ATOMIC_RELEASE);
		job_free(job);
		return;
	}
	uv_mutex_lock(&job->lock);
	job->is_stopped = true;
	uv_mutex_unlock(&job->lock);
	if (job->waits_for_client) {
		job->waits_for_client = false;
		hear(job, true);
	}
}

static void give_up(struct job *job, enum bd_code code)
{
	__atomic_store_n(&job->call.loop->daemon->is_backtesting, false, __ATOMIC_RELEASE);
	bd_count(&job->call.loop->counts.refused, 1);
	bd_problem_respond_code(job->call.exchange, code, "");
	job_free(job);
}

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	struct job *job = CONTAINER(struct job, call, call);

	if (bd_buf_add(&job->body, bytes) != BD_OK) {
		give_up(job, BD_HTTP_TOO_LARGE);
	}
}

static void on_body_end(struct bd_call *call)
{
	struct job *job = CONTAINER(struct job, call, call);

	job->letter.deliver = deliver;
	call->loop->background++;
	if (uv_thread_create(&job->thread, work, job) != 0) {
		job->letter.deliver = NULL;
		call->loop->background--;
		give_up(job, BD_NO_MEMORY);
	}
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, on_writable };

/* "30d", or RFC 3339. */
static bool read_since(int64_t *since_ms, const char *text, int64_t now_ms)
{
	char *end;
	long days = strtol(text, &end, 10);

	if (text[0] >= '0' && text[0] <= '9' && strcmp(end, "d") == 0) {
		*since_ms = now_ms - days * DAY_MS;
		return days > 0 && days <= DAYS_MAX;
	}
	return bd_time_parse(since_ms, bd_bytes_of(text));
}

/* Findings of past cases will be told. */
static enum bd_code take_matter(struct job *job, const struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_setup *setup,
	const struct bd_matter *matter, struct bd_diag *diag)
{
	const struct bd_grant *grant;

	if (snprintf(job->id, sizeof(job->id), "%s", matter->id) >= (int)sizeof(job->id)) {
		return bd_fail(diag, BD_LIMIT_BYTES, "%s", "");
	}
	bd_asker_of(&job->asker, setup, sender, exchange, job->until_ms);
	return bd_grant_matter(&grant, &job->asker, matter, BD_DISCLOSE_CODES, diag);
}

static enum bd_code read_request(struct job *job, const struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts,
	const struct bd_setup *setup, struct bd_diag *diag)
{
	char since[64];
	enum bd_code code;

	if (bd_http_header(exchange, "content-encoding").ptr != NULL ||
		!bd_call_is_type(bd_http_header(exchange, "content-type"), "application/xml")) {
		return bd_fail(diag, BD_HTTP_MEDIA_TYPE, "application/xml, not compressed");
	}
	if (!bd_call_parameter(since, sizeof(since), &code, bd_http_query(exchange), "since") ||
		!read_since(&job->since_ms, since, job->until_ms)) {
		return bd_fail(diag, BD_QUESTION_FORM,
			"since is a number of days, as in 30d, or a time (RFC 3339)");
	}
	for (size_t i = 0; i < setup->matter_count; i++) {
		if (bd_bytes_is(parts->first, setup->matters[i]->id)) {
			return take_matter(job, exchange, sender, setup, setup->matters[i], diag);
		}
	}
	return bd_fail(diag, BD_MATTER_UNKNOWN, "%s", "");
}

static const struct bd_backtest_sink sink_ops = { write_lines, is_wanted };

void bd_backtest_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct job *job = calloc(1, sizeof(*job));
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = job == NULL ? BD_NO_MEMORY : BD_OK;

	if (code == BD_OK) {
		job->until_ms = bd_audit_time(&loop->audit);
		code = read_request(job, exchange, sender, parts, loop->setup, &diag);
	}
	if (code == BD_OK &&
		__atomic_exchange_n(&loop->daemon->is_backtesting, true, __ATOMIC_ACQ_REL)) {
		code = bd_fail(&diag, BD_BUSY, "a back-test is running");
	}
	if (code != BD_OK) {
		free(job);
		diag.code = code;
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond(exchange, &diag, NULL);
		return;
	}
	job->sink = sink_ops;
	uv_mutex_init(&job->lock);
	uv_cond_init(&job->heard);
	bd_buf_init(&job->body, BD_MATTER_MAX_BYTES);
	bd_arena_init(&job->arena, MATTER_ARENA_BYTES);
	bd_call_open(&job->call, &call_ops, loop, exchange, sender);
}
