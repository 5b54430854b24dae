/* push.c - POST /v1/sources/{source}/{feed}: a message from the network through a worker into the
 * store.
 *
 * A message of up to BD_BODY_GATHER_MAX_BYTES is gathered before a worker is taken, so that a slow
 * sender holds none; a longer one takes a worker of the other pool and is streamed, as fast as the
 * worker reads. What the worker makes of it waits in memory up to BD_MESSAGE_SPOOL_BYTES, then in a
 * sealed spool. Nothing is stored before the message has ended well; the receipt goes out after the
 * commit, or to a ticket when the client preferred not to wait.
 */
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/reply_to.h"
#include "daemon/routes.h"
#include "record/pack.h"
#include "record/record_text.h"
#include "record/rules_identifier.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define KEY_MAX_BYTES 128

enum push_state {
	PUSH_GATHERING = 1, /* body comes, no worker wanted yet */
	PUSH_WAITING,       /* for a worker */
	PUSH_RUNNING,       /* a worker has it */
	PUSH_WRITING        /* the writer has it */
};

struct push {
	struct bd_call call; /* its exchange is over when `to` has a ticket */
	struct bd_reply_to to;
	struct bd_job job;
	enum push_state state;
	bool is_body_over, is_later_preferred;
	const struct bd_plan *plan;
	const struct bd_feed_plan *feed;
	struct bd_delivery delivery;
	bool is_dry_run, is_atomic, is_gzip;
	char charset[32];
	char key[KEY_MAX_BYTES + 1];
	char subject_number[BD_IDENTIFIER_MAX_BYTES + 1];
	struct bd_identifier subject;
	int64_t received_ms;
	uint64_t body_bytes;
	struct bd_sha256 *sha;
	struct bd_read_part known; /* this part of it has cost workers before */
	struct bd_buf gathered, records, rejects;
	struct bd_spool *spool;
	struct bd_arena arena; /* what outlives a callback: result, receipt */
	struct bd_intake_result result;
	struct bd_entry entry;
	struct bd_write write;
};

static void push_free(struct push *push)
{
	bd_sha256_free(push->sha);
	bd_buf_release(&push->gathered);
	bd_buf_release(&push->records);
	bd_buf_release(&push->rejects);
	if (push->spool != NULL) {
		bd_spool_free(push->spool);
	}
	bd_arena_release(&push->arena);
	bd_reply_close(&push->to);
	bd_call_close(&push->call);
	free(push);
}

/* Answers, whatever the state but WRITING, and is over. */
static void push_refuse(struct push *push, const struct bd_diag *diag)
{
	if (push->state == PUSH_WAITING || push->state == PUSH_RUNNING) {
		bd_job_cancel(&push->job);
	}
	bd_reply_problem(&push->to, diag, push->plan->source);
	push_free(push);
}

static void push_refuse_code(struct push *push, enum bd_code code)
{
	struct bd_diag diag = { .code = code };

	push_refuse(push, &diag);
}

/* -- receipts -- */

static void fill_receipt(struct bd_receipt *receipt, const struct push *push)
{
	*receipt = (struct bd_receipt){ .source = push->plan->source,
		.feed = push->feed->name,
		.received = push->result.received,
		.accepted = push->result.accepted,
		.rejected = push->result.rejected,
		.rejects = bd_buf_bytes(&push->rejects),
		.unmapped = push->result.unmapped,
		.unmapped_count = push->result.unmapped_count,
		.code = bd_receipt_code(push->result.accepted, push->result.rejected) };
}

/* The records as text; what passes the limit is left out, never cut within a record. */
static void dry_run(struct push *push)
{
	struct bd_reader reader = bd_reader_of(bd_buf_bytes(&push->records));
	struct bd_receipt receipt;
	struct bd_buf text;

	bd_buf_init(&text, BD_REQUEST_ARENA_MAX_BYTES / 4);
	while (reader.rest.len > 0) {
		struct bd_record record;
		struct bd_arena arena;
		enum bd_code code;

		bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
		code = bd_record_unpack(&record, bd_read_sized(&reader), &arena);
		if (code == BD_OK) {
			code = bd_record_text(&text, &record, push->call.setup->dict);
		}
		bd_arena_release(&arena);
		if (code != BD_OK || !reader.ok) {
			break;
		}
	}
	fill_receipt(&receipt, push);
	receipt.is_dry_run = true;
	receipt.would_store = bd_buf_bytes(&text);
	bd_reply_receipt(&push->to, &receipt, &push->arena);
	bd_buf_release(&text);
	push_free(push);
}

static void refuse_atomic(struct push *push)
{
	struct bd_receipt receipt;

	fill_receipt(&receipt, push);
	receipt.accepted = 0;
	receipt.code = BD_MESSAGE_ATOMIC;
	bd_reply_receipt(&push->to, &receipt, &push->arena);
	push_free(push);
}

/* A repeat of a key gets the first receipt, from the store. */
static enum bd_code make_receipt(
	struct bd_receipt *receipt, struct push *push, struct bd_diag *diag)
{
	if (push->entry.is_repeat) {
		return bd_receipt_read(receipt, push->call.loop, push->call.sender,
			push->entry.message, &push->arena, diag);
	}
	fill_receipt(receipt, push);
	receipt->message = push->entry.message;
	receipt->unchanged = push->entry.unchanged;
	return bd_receipt_go_on(receipt, push->call.loop, push->call.sender);
}

static void on_written(struct bd_letter *letter)
{
	struct push *push = CONTAINER(struct push, write.letter, letter);
	struct bd_receipt receipt;
	struct bd_diag diag = { .code = BD_OK };

	push->state = PUSH_GATHERING; /* nobody else has it now */
	if (push->entry.code != BD_OK) {
		diag = push->entry.diag;
		diag.code = push->entry.code;
		push_refuse(push, &diag);
		return;
	}
	push->call.loop->counts.pushes++;
	push->call.loop->counts.records_received += push->result.received;
	push->call.loop->counts.records_rejected += push->result.rejected;
	if (make_receipt(&receipt, push, &diag) != BD_OK) {
		push_refuse(push, &diag);
		return;
	}
	bd_reply_receipt(&push->to, &receipt, &push->arena);
	push_free(push);
}

/* -- what the worker says -- */

static void write_gathered(struct push *push)
{
	bool is_more_wanted = bd_job_write(&push->job, bd_buf_bytes(&push->gathered));

	bd_buf_release(&push->gathered);
	if (push->is_body_over) {
		bd_job_end(&push->job);
	} else if (is_more_wanted) {
		bd_http_resume(push->call.exchange);
	}
}

static void on_ready(struct bd_job *job)
{
	struct push *push = CONTAINER(struct push, job, job);
	const struct bd_job_settings settings = {
		.source = push->plan->source,
		.feed = push->feed->name,
		.now_ms = push->received_ms,
		.is_gzip = push->is_gzip,
		.charset = push->charset[0] != '\0' ? push->charset : NULL,
		.subject = push->subject,
		.max_bytes = push->call.setup->settings->body_max_bytes,
	};
	enum bd_code code;

	push->state = PUSH_RUNNING;
	code = bd_job_begin(job, &settings);
	if (code != BD_OK) {
		push_refuse_code(push, code);
		return;
	}
	write_gathered(push);
}

static void on_job_writable(struct bd_job *job)
{
	struct push *push = CONTAINER(struct push, job, job);

	if (!push->is_body_over) {
		bd_http_resume(push->call.exchange);
	}
}

/* Each sized: into the spool one by one. */
static enum bd_code spool_all(struct push *push, struct bd_bytes records, struct bd_diag *diag)
{
	struct bd_reader reader = bd_reader_of(records);
	enum bd_code code = BD_OK;

	while (reader.rest.len > 0 && code == BD_OK) {
		struct bd_bytes record = bd_read_sized(&reader);

		code = reader.ok ? bd_spool_add(push->spool, record, diag)
				 : bd_fail(diag, BD_WORKER_DIED, "records of a wrong length");
	}
	return code;
}

static void on_records(struct bd_job *job, struct bd_bytes records, uint64_t count)
{
	struct push *push = CONTAINER(struct push, job, job);
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = BD_OK;

	(void)count;
	if (push->spool == NULL && push->records.len + records.len <= BD_MESSAGE_SPOOL_BYTES) {
		code = bd_buf_add(&push->records, records);
	} else if (push->is_dry_run) {
		return; /* shown up to the limit, counted whole */
	} else {
		if (push->spool == NULL) {
			code = bd_spool_new(&push->spool, push->call.loop->daemon->store, &diag);
			if (code == BD_OK) {
				code = spool_all(push, bd_buf_bytes(&push->records), &diag);
			}
			bd_buf_release(&push->records);
		}
		if (code == BD_OK) {
			code = spool_all(push, records, &diag);
		}
	}
	if (code != BD_OK) {
		diag.code = code;
		push_refuse(push, &diag);
	}
}

static void on_reject(struct bd_job *job, struct bd_bytes reject)
{
	struct push *push = CONTAINER(struct push, job, job);

	if (bd_buf_add_sized(&push->rejects, reject) != BD_OK) {
		struct bd_diag diag = { .code = BD_OK };

		bd_fail(&diag, BD_LIMIT_COUNT, "too many rejected records in one message");
		push_refuse(push, &diag);
	}
}

/* The worker's result is gone when the callback returns: what the writer and the receipt need is
 * copied. */
static bool keep_result(struct push *push, const struct bd_intake_result *result)
{
	struct bd_arena *arena = &push->arena;
	struct bd_identifier *subject =
		bd_arena_alloc(arena, result->subject_count, sizeof(*subject));
	struct bd_unmapped *unmapped =
		bd_arena_alloc(arena, result->unmapped_count, sizeof(*unmapped));
	const char **sections = bd_arena_alloc(arena, result->section_count, sizeof(const char *));
	bool is_good = subject != NULL && unmapped != NULL && sections != NULL;

	push->result = *result;
	for (size_t i = 0; is_good && i < result->subject_count; i++) {
		subject[i] = (struct bd_identifier){ result->subject[i].kind,
			bd_arena_copy(arena, result->subject[i].issuer),
			bd_arena_copy(arena, result->subject[i].number) };
		is_good = subject[i].issuer.ptr != NULL && subject[i].number.ptr != NULL;
	}
	for (size_t i = 0; is_good && i < result->unmapped_count; i++) {
		unmapped[i].count = result->unmapped[i].count;
		unmapped[i].path = bd_arena_text(arena, bd_bytes_of(result->unmapped[i].path));
		is_good = unmapped[i].path != NULL;
	}
	for (size_t i = 0; is_good && i < result->section_count; i++) {
		sections[i] = bd_arena_text(arena, bd_bytes_of(result->sections[i]));
		is_good = sections[i] != NULL;
	}
	push->result.subject = subject;
	push->result.unmapped = unmapped;
	push->result.sections = sections;
	return is_good;
}

static void fill_entry(struct push *push)
{
	push->entry = (struct bd_entry){ .source = push->plan->source,
		.feed = push->feed->name,
		.feed_number = push->feed->number,
		.is_reply = push->feed->kind == BD_FEED_REPLY,
		.is_snapshot = push->feed->kind == BD_FEED_SNAPSHOT,
		.is_atomic = push->is_atomic,
		.received_ms = push->received_ms,
		.sender = push->call.sender->name,
		.adapter_version = push->plan->version,
		.dictionary_version = push->call.setup->dict->version,
		.idempotency_key = bd_bytes_of(push->key),
		.received = push->result.received,
		.accepted = push->result.accepted,
		.rejected = push->result.rejected,
		.record_count = push->result.records,
		.records = bd_buf_bytes(&push->records),
		.rejects = bd_buf_bytes(&push->rejects),
		.spool = push->spool,
		.subject = push->result.subject,
		.subject_count = push->result.subject_count,
		.order_kind = push->feed->order_kind,
		.order = push->result.order,
		.delivery = push->delivery,
		.remove_share_max_percent = push->feed->remove_share_max_percent,
		.sections = push->result.sections,
		.section_count = push->result.section_count };
}

static void on_result(struct bd_job *job, const struct bd_intake_result *result)
{
	struct push *push = CONTAINER(struct push, job, job);

	push->state = PUSH_GATHERING;
	if (!keep_result(push, result)) {
		push_refuse_code(push, BD_NO_MEMORY);
		return;
	}
	if (push->is_dry_run) {
		dry_run(push);
		return;
	}
	if (push->is_atomic && push->result.rejected > 0) {
		refuse_atomic(push);
		return;
	}
	fill_entry(push);
	if (bd_sha256_final(push->sha, push->entry.body_sha256) != BD_OK) {
		push_refuse_code(push, BD_INTERNAL);
		return;
	}
	push->to.body_sha256 = push->entry.body_sha256;
	push->state = PUSH_WRITING;
	push->write = (struct bd_write){ .letter = { .deliver = on_written },
		.home = &push->call.loop->mailbox,
		.entry = &push->entry };
	bd_writer_post(push->call.loop->daemon->writer, &push->write);
}

/* It is known by what it was known by before, or from now on by all that the worker was given. */
static void count_loss(struct push *push, enum bd_code why)
{
	struct bd_read_part part = push->known;

	if (part.bytes == 0) {
		part = (struct bd_read_part){ .bytes = push->body_bytes,
			.is_whole = push->is_body_over };
		if (bd_sha256_so_far(push->sha, part.sha256) != BD_OK) {
			return;
		}
	}
	if (bd_set_aside_add(push->call.loop->daemon->aside, push->plan->source, push->feed->name,
		    push->call.sender->name, &part, why, bd_clock_wall_ms())) {
		bd_log(BD_LOG_ERROR, "push", "message.set_aside", "%s/%s of %s: %s",
			push->plan->source, push->feed->name, push->call.sender->name,
			bd_code_info(why)->text);
	}
}

static void on_fail(struct bd_job *job, const struct bd_diag *diag)
{
	struct push *push = CONTAINER(struct push, job, job);

	push->state = PUSH_GATHERING;
	if (diag->code == BD_WORKER_DIED || diag->code == BD_LIMIT_TIME ||
		diag->code == BD_NO_MEMORY) {
		count_loss(push, diag->code);
	}
	push_refuse(push, diag);
}

static const struct bd_job_ops job_ops = { on_ready, on_job_writable, on_records, on_reject,
	on_result, on_fail };

/* -- what the client sends -- */

/* Has what came so far cost workers before, and too many? */
static enum bd_code look_aside(struct push *push, bool is_whole)
{
	struct bd_read_part part = { .bytes = push->body_bytes, .is_whole = is_whole };
	enum bd_code code = bd_sha256_so_far(push->sha, part.sha256);
	bool is_set_aside;

	if (code == BD_OK && bd_set_aside_find(&is_set_aside, push->call.loop->daemon->aside,
				     push->plan->source, push->feed->name, &part)) {
		push->known = part;
		code = is_set_aside ? BD_MESSAGE_SET_ASIDE : BD_OK;
	}
	return code;
}

/* Digests what came; where a message of this feed cost a worker it stops to look. */
static enum bd_code take_in(struct push *push, struct bd_bytes bytes)
{
	enum bd_code code = BD_OK;

	while (bytes.len > 0 && code == BD_OK) {
		uint64_t next = bd_set_aside_next(push->call.loop->daemon->aside,
			push->plan->source, push->feed->name, push->body_bytes);
		size_t len = next - push->body_bytes < bytes.len ? (size_t)(next - push->body_bytes)
								 : bytes.len;

		code = bd_sha256_update(push->sha, (struct bd_bytes){ bytes.ptr, len });
		push->body_bytes += len;
		bytes.ptr += len;
		bytes.len -= len;
		if (code == BD_OK && push->body_bytes == next) {
			code = look_aside(push, false);
		}
	}
	return code;
}

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	struct push *push = CONTAINER(struct push, call, call);
	enum bd_code code = take_in(push, bytes);

	if (code == BD_OK && push->body_bytes > call->setup->settings->body_max_bytes) {
		code = BD_HTTP_TOO_LARGE;
	}
	if (code == BD_OK && push->state == PUSH_RUNNING) {
		if (!bd_job_write(&push->job, bytes)) {
			bd_http_pause(call->exchange);
		}
		return;
	}
	if (code == BD_OK) {
		code = bd_buf_add(&push->gathered, bytes);
	}
	if (code != BD_OK) {
		push_refuse_code(push, code);
		return;
	}
	if (push->state == PUSH_GATHERING && push->gathered.len > BD_BODY_GATHER_MAX_BYTES) {
		push->state = PUSH_WAITING;
		bd_http_pause(call->exchange);
		bd_pool_take(call->loop->long_pool, &push->job);
	}
}

static void on_body_end(struct bd_call *call)
{
	struct push *push = CONTAINER(struct push, call, call);

	push->is_body_over = true;
	if (look_aside(push, true) == BD_MESSAGE_SET_ASIDE) {
		push_refuse_code(push, BD_MESSAGE_SET_ASIDE);
		return;
	}
	if (push->is_later_preferred && !push->is_dry_run) {
		bd_reply_later(&push->to, push->plan->source, push->feed->name);
	}
	if (push->state == PUSH_RUNNING) {
		bd_job_end(&push->job);
	} else if (push->state == PUSH_GATHERING) {
		push->state = PUSH_WAITING;
		bd_pool_take(call->loop->short_pool, &push->job);
	}
}

/* A message that came whole is stored although nobody waits for the receipt; a retry finds it by
 * its key. */
static void on_abort(struct bd_call *call)
{
	struct push *push = CONTAINER(struct push, call, call);

	if (!push->is_body_over) {
		push_refuse_code(push, BD_MESSAGE_TRUNCATED);
	}
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

/* -- what was asked -- */

static enum bd_code read_delivery(struct push *push, struct bd_bytes query, struct bd_diag *diag)
{
	char text[32], *end;
	enum bd_code code;

	push->delivery.day = INT32_MIN;
	if (bd_call_parameter(text, sizeof(text), &code, query, "delivery") &&
		!bd_day_parse(&push->delivery.day, bd_bytes_of(text))) {
		code = BD_QUESTION_FORM;
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "delivery is yyyy-MM-dd, once");
	}
	push->delivery.has_total = bd_call_parameter(text, sizeof(text), &code, query, "total");
	if (push->delivery.has_total) {
		push->delivery.total = strtoull(text, &end, 10);
		if (text[0] < '0' || text[0] > '9' || *end != '\0' || strlen(text) > 18) {
			code = BD_QUESTION_FORM;
		}
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "total is a number of records, once");
	}
	code = bd_call_flag(&push->delivery.is_baseline, query, "baseline");
	if (code == BD_OK) {
		code = bd_call_flag(&push->is_dry_run, query, "dry_run");
	}
	if (code == BD_OK) {
		code = bd_call_flag(&push->is_atomic, query, "atomic");
	}
	return code == BD_OK
		       ? BD_OK
		       : bd_fail(diag, code, "baseline, dry_run and atomic are true or false");
}

/* "charset=GB18030" of Content-Type. */
static void read_charset(struct push *push, struct bd_bytes type)
{
	for (size_t i = 0; i + 8 < type.len; i++) {
		if (strncasecmp(type.ptr + i, "charset=", 8) == 0) {
			struct bd_bytes rest = { type.ptr + i + 8, type.len - i - 8 };
			size_t len = 0;

			if (rest.len > 0 && rest.ptr[0] == '"') {
				rest.ptr++;
				rest.len--;
			}
			while (len < rest.len && rest.ptr[len] != ';' && rest.ptr[len] != '"' &&
				rest.ptr[len] != ' ') {
				len++;
			}
			if (len < sizeof(push->charset)) {
				memcpy(push->charset, rest.ptr, len);
			}
			return;
		}
	}
}

/* Bidui-Subject: kind:number, for a reply that does not say whom it is about. */
static enum bd_code read_subject(struct push *push, struct bd_bytes header, struct bd_diag *diag)
{
	const char *colon = header.len > 0 ? memchr(header.ptr, ':', header.len) : NULL;
	const struct bd_id_kind *kind;
	struct bd_identifier found;
	char name[64];
	size_t len;

	if (header.ptr == NULL) {
		return BD_OK;
	}
	len = colon != NULL ? (size_t)(colon - header.ptr) : sizeof(name);
	if (len >= sizeof(name)) {
		return bd_fail(diag, BD_QUESTION_FORM, "Bidui-Subject is KIND:NUMBER");
	}
	snprintf(name, sizeof(name), "%.*s", (int)len, header.ptr);
	kind = bd_dictionary_id_kind(push->call.setup->dict, name);
	if (kind == NULL) {
		return bd_fail(diag, BD_QUESTION_FORM, "Bidui-Subject: no such kind of identifier");
	}
	if (bd_rule_identifier(&found, push->call.setup->dict, kind,
		    (struct bd_bytes){ colon + 1, header.len - len - 1 }, NULL, &push->arena,
		    diag) != BD_OK) {
		return diag->code;
	}
	push->subject = found;
	return BD_OK;
}

static enum bd_code read_headers(struct push *push, struct bd_diag *diag)
{
	const struct bd_http_exchange *exchange = push->call.exchange;
	struct bd_bytes coding = bd_http_header(exchange, "content-encoding");
	struct bd_bytes key = bd_http_header(exchange, "idempotency-key");

	if (coding.ptr != NULL && !bd_bytes_is(coding, "identity")) {
		if (!bd_bytes_is(coding, "gzip")) {
			return bd_fail(diag, BD_HTTP_MEDIA_TYPE, "Content-Encoding: gzip or none");
		}
		push->is_gzip = true;
	}
	if (key.len > KEY_MAX_BYTES || (key.ptr != NULL && key.len == 0)) {
		return bd_fail(
			diag, BD_QUESTION_FORM, "Idempotency-Key has 1 to %d bytes", KEY_MAX_BYTES);
	}
	if (key.len > 0) {
		memcpy(push->key, key.ptr, key.len);
	}
	push->is_later_preferred = bd_reply_prefers_later(bd_http_header(exchange, "prefer"));
	read_charset(push, bd_http_header(exchange, "content-type"));
	return read_subject(push, bd_http_header(exchange, "bidui-subject"), diag);
}

static enum bd_code find_feed(
	struct push *push, const struct bd_route_parts *parts, struct bd_diag *diag)
{
	char name[128];

	push->plan = bd_setup_plan(push->call.setup, parts->first);
	if (push->plan == NULL || parts->second.len >= sizeof(name)) {
		return bd_fail(diag, BD_SOURCE_UNKNOWN, "no such source");
	}
	snprintf(name, sizeof(name), "%.*s", (int)parts->second.len, parts->second.ptr);
	push->feed = bd_plan_feed(push->plan, name);
	if (push->feed == NULL) {
		return bd_fail(
			diag, BD_SOURCE_UNKNOWN, "source %s has no such feed", push->plan->source);
	}
	if (!bd_access_speaks_for(push->call.sender, push->plan->source)) {
		return bd_fail(diag, BD_AUTH_SOURCE, "%s", push->plan->source);
	}
	return BD_OK;
}

static struct push *push_new(
	struct bd_loop *loop, struct bd_http_exchange *exchange, const struct bd_sender *sender)
{
	struct push *push = calloc(1, sizeof(*push));

	if (push == NULL) {
		return NULL;
	}
	bd_call_open(&push->call, &call_ops, loop, exchange, sender);
	push->to = (struct bd_reply_to){ .loop = loop, .sender = sender, .exchange = exchange };
	push->job.ops = &job_ops;
	push->state = PUSH_GATHERING;
	push->received_ms = bd_clock_wall_ms();
	/* The body may bring a run more before the pause is heard. */
	bd_buf_init(&push->gathered, BD_BODY_GATHER_MAX_BYTES * 2);
	bd_buf_init(&push->records, BD_MESSAGE_SPOOL_BYTES);
	bd_buf_init(&push->rejects, BD_MESSAGE_REJECTS_MAX_BYTES);
	bd_arena_init(&push->arena, BD_REQUEST_ARENA_MAX_BYTES * 2);
	if (bd_sha256_new(&push->sha) != BD_OK) {
		push_free(push);
		return NULL;
	}
	return push;
}

void bd_push_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_diag diag = { .code = BD_OK };
	struct push *push = push_new(loop, exchange, sender);
	enum bd_code code;

	if (push == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	code = find_feed(push, parts, &diag);
	if (code == BD_OK && bd_trail_is_low(loop->daemon->trail)) {
		code = bd_fail(&diag, BD_DISK_FULL, "no space ahead of the trail");
	}
	if (code == BD_OK) {
		code = bd_reply_open(&push->to, &push->arena);
		code = code == BD_OK ? BD_OK : bd_fail(&diag, code, "%s", "");
	}
	if (code == BD_OK) {
		code = read_delivery(push, bd_http_query(exchange), &diag);
	}
	if (code == BD_OK) {
		code = read_headers(push, &diag);
	}
	if (code != BD_OK) {
		bd_problem_respond(exchange, &diag, NULL);
		loop->counts.refused++;
		push_free(push);
	}
}
