#include "daemon/taking.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/taking_parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* -- the end -- */

void bd_taking_tell(
	struct bd_taking *taking, struct bd_receipt *receipt, const struct bd_diag *diag)
{
	taking->state = BD_TAKING_OVER;
	taking->ops->on_done(taking, receipt, diag);
}

/* Whatever the state but WRITING. */
void bd_taking_refuse(struct bd_taking *taking, const struct bd_diag *diag)
{
	const struct bd_diag kept = *diag;

	if (taking->state == BD_TAKING_WAITING || taking->state == BD_TAKING_RUNNING) {
		bd_job_cancel(&taking->job);
	}
	bd_taking_tell(taking, NULL, &kept);
}

static void refuse_code(struct bd_taking *taking, enum bd_code code)
{
	struct bd_diag diag = { .code = code };

	bd_taking_refuse(taking, &diag);
}

enum bd_code bd_taking_enter_refusal(
	struct bd_taking *taking, const struct bd_diag *diag, const char *how)
{
	bd_count(&taking->loop->counts.refused, 1);
	return bd_audit_refusal(
		&taking->loop->audit, &taking->request.caller, diag->code, how, "/v1/sources/*/*");
}

/* -- what the worker says -- */

static uint64_t max_bytes(const struct bd_taking *taking)
{
	return taking->request.max_bytes != 0 ? taking->request.max_bytes
					      : taking->setup->settings->body_max_bytes;
}

/* All of it, or what has come of it. */
static enum bd_code send_gathered(struct bd_taking *taking, const struct bd_job_settings *settings)
{
	struct bd_bytes gathered = bd_buf_bytes(&taking->gathered);
	bool is_more_wanted = false;
	enum bd_code code;

	if (taking->is_body_over) {
		code = bd_job_send(&taking->job, settings, gathered);
	} else {
		code = bd_job_begin(&taking->job, settings);
		is_more_wanted = code == BD_OK && bd_job_write(&taking->job, gathered);
	}
	bd_buf_release(&taking->gathered);
	if (is_more_wanted) {
		taking->ops->on_room(taking);
	}
	return code;
}

static void on_ready(struct bd_job *job)
{
	struct bd_taking *taking = CONTAINER(struct bd_taking, job, job);
	const struct bd_job_settings settings = {
		.source = taking->request.plan->source,
		.feed = taking->request.feed->name,
		.now_ms = taking->received_ms,
		.is_gzip = taking->request.is_gzip,
		.charset = taking->request.charset[0] != '\0' ? taking->request.charset : NULL,
		.subject = taking->request.subject,
		.max_bytes = max_bytes(taking),
	};
	enum bd_code code;

	taking->state = BD_TAKING_RUNNING;
	code = send_gathered(taking, &settings);
	if (code != BD_OK) {
		refuse_code(taking, code);
	}
}

static void on_job_writable(struct bd_job *job)
{
	struct bd_taking *taking = CONTAINER(struct bd_taking, job, job);

	if (!taking->is_body_over) {
		taking->ops->on_room(taking);
	}
}

/* Each sized: into the spool one by one. */
static enum bd_code spool_all(
	struct bd_taking *taking, struct bd_bytes records, struct bd_diag *diag)
{
	struct bd_reader reader = bd_reader_of(records);
	enum bd_code code = BD_OK;

	while (reader.rest.len > 0 && code == BD_OK) {
		struct bd_bytes record = bd_read_sized(&reader);

		code = reader.ok ? bd_spool_add(taking->spool, record, diag)
				 : bd_fail(diag, BD_WORKER_DIED, "records of a wrong length");
	}
	return code;
}

static void note_first(struct bd_taking *taking)
{
	if (taking->first_ns == 0) {
		taking->first_ns = uv_hrtime();
	}
}

static void on_records(struct bd_job *job, struct bd_bytes records, uint64_t count)
{
	struct bd_taking *taking = CONTAINER(struct bd_taking, job, job);
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = BD_OK;

	(void)count;
	note_first(taking);
	if (taking->spool == NULL && taking->records.len + records.len <= BD_MESSAGE_SPOOL_BYTES) {
		code = bd_buf_add(&taking->records, records);
	} else if (taking->request.is_dry_run) {
		return; /* shown up to the limit, counted whole */
	} else {
		if (taking->spool == NULL) {
			code = bd_spool_new(&taking->spool, taking->loop->daemon->store, &diag);
			if (code == BD_OK) {
				code = spool_all(taking, bd_buf_bytes(&taking->records), &diag);
			}
			bd_buf_release(&taking->records);
		}
		if (code == BD_OK) {
			code = spool_all(taking, records, &diag);
		}
	}
	if (code != BD_OK) {
		diag.code = code;
		bd_taking_refuse(taking, &diag);
	}
}

static void on_reject(struct bd_job *job, struct bd_bytes reject)
{
	struct bd_taking *taking = CONTAINER(struct bd_taking, job, job);

	note_first(taking);
	if (bd_buf_add_sized(&taking->rejects, reject) != BD_OK) {
		struct bd_diag diag = { .code = BD_OK };

		bd_fail(&diag, BD_LIMIT_COUNT, "too many rejected records in one message");
		bd_taking_refuse(taking, &diag);
	}
}

static void on_result(struct bd_job *job, const struct bd_intake_result *result)
{
	struct bd_taking *taking = CONTAINER(struct bd_taking, job, job);

	note_first(taking);
	taking->state = BD_TAKING_GATHERING;
	bd_taking_conclude(taking, result);
}

/* It is known by what it was known by before, or from now on by all that the worker was given. */
static void count_loss(struct bd_taking *taking, enum bd_code why)
{
	struct bd_read_part part = taking->known;

	if (part.bytes == 0) {
		part = (struct bd_read_part){ .bytes = taking->body_bytes,
			.is_whole = taking->is_body_over };
		if (bd_sha256_so_far(taking->sha, part.sha256) != BD_OK) {
			return;
		}
	}
	if (bd_set_aside_add(taking->loop->daemon->aside, taking->request.plan->source,
		    taking->request.feed->name, taking->request.sender->name, &part, why,
		    bd_clock_wall_ms())) {
		bd_log(BD_LOG_ERROR, "taking", "message.set_aside", "%s/%s of %s: %s",
			taking->request.plan->source, taking->request.feed->name,
			taking->request.sender->name, bd_code_info(why)->text);
	}
}

static void on_fail(struct bd_job *job, const struct bd_diag *diag)
{
	struct bd_taking *taking = CONTAINER(struct bd_taking, job, job);

	taking->state = BD_TAKING_GATHERING;
	if (diag->code == BD_WORKER_DIED || diag->code == BD_LIMIT_TIME ||
		diag->code == BD_NO_MEMORY) {
		count_loss(taking, diag->code);
	}
	bd_taking_refuse(taking, diag);
}

static const struct bd_job_ops job_ops = { on_ready, on_job_writable, on_records, on_reject,
	on_result, on_fail };

/* -- what the caller gives -- */

/* Has what came so far cost workers before, and too many? */
static enum bd_code look_aside(struct bd_taking *taking, bool is_whole)
{
	struct bd_read_part part = { .bytes = taking->body_bytes, .is_whole = is_whole };
	enum bd_code code = bd_sha256_so_far(taking->sha, part.sha256);
	bool is_set_aside;

	if (code == BD_OK &&
		bd_set_aside_find(&is_set_aside, taking->loop->daemon->aside,
			taking->request.plan->source, taking->request.feed->name, &part)) {
		taking->known = part;
		code = is_set_aside ? BD_MESSAGE_SET_ASIDE : BD_OK;
	}
	return code;
}

/* Digests what came; where a message of this feed cost a worker it stops to look. */
static enum bd_code take_in(struct bd_taking *taking, struct bd_bytes bytes)
{
	enum bd_code code = BD_OK;

	while (bytes.len > 0 && code == BD_OK) {
		uint64_t next =
			bd_set_aside_next(taking->loop->daemon->aside, taking->request.plan->source,
				taking->request.feed->name, taking->body_bytes);
		size_t len = next - taking->body_bytes < bytes.len
				     ? (size_t)(next - taking->body_bytes)
				     : bytes.len;

		code = bd_sha256_update(taking->sha, (struct bd_bytes){ bytes.ptr, len });
		taking->body_bytes += len;
		bytes.ptr += len;
		bytes.len -= len;
		if (code == BD_OK && taking->body_bytes == next) {
			code = look_aside(taking, false);
		}
	}
	return code;
}

enum bd_taking_next bd_taking_give(struct bd_taking *taking, struct bd_bytes bytes)
{
	enum bd_code code = take_in(taking, bytes);

	if (code == BD_OK && taking->body_bytes > max_bytes(taking)) {
		code = BD_HTTP_TOO_LARGE;
	}
	if (code == BD_OK && taking->state == BD_TAKING_RUNNING) {
		return bd_job_write(&taking->job, bytes) ? BD_TAKING_MORE : BD_TAKING_HOLD;
	}
	if (code == BD_OK) {
		code = bd_buf_add(&taking->gathered, bytes);
	}
	if (code != BD_OK) {
		refuse_code(taking, code);
		return BD_TAKING_DONE;
	}
	if (taking->state == BD_TAKING_GATHERING &&
		taking->gathered.len > BD_BODY_GATHER_MAX_BYTES) {
		taking->state = BD_TAKING_WAITING;
		bd_pool_take(taking->loop->long_pool, &taking->job);
	}
	return taking->state == BD_TAKING_WAITING ? BD_TAKING_HOLD : BD_TAKING_MORE;
}

enum bd_taking_next bd_taking_end(struct bd_taking *taking)
{
	taking->is_body_over = true;
	if (look_aside(taking, true) == BD_MESSAGE_SET_ASIDE) {
		refuse_code(taking, BD_MESSAGE_SET_ASIDE);
		return BD_TAKING_DONE;
	}
	if (taking->state == BD_TAKING_RUNNING) {
		bd_job_end(&taking->job);
	} else if (taking->state == BD_TAKING_GATHERING) {
		taking->state = BD_TAKING_WAITING;
		bd_pool_take(taking->loop->short_pool, &taking->job);
	}
	return BD_TAKING_MORE;
}

/* -- its life -- */

enum bd_code bd_taking_open(
	struct bd_taking *taking, const struct bd_taking_ops *ops, struct bd_loop *loop)
{
	taking->ops = ops;
	taking->loop = loop;
	taking->setup = bd_setup_ref(loop->setup);
	taking->job.ops = &job_ops;
	taking->state = BD_TAKING_GATHERING;
	taking->received_ms = bd_clock_wall_ms();
	taking->request.delivery.day = INT32_MIN;
	/* The body may bring a run more before the hold is heard. */
	bd_buf_init(&taking->gathered, BD_BODY_GATHER_MAX_BYTES * 2);
	bd_buf_init(&taking->records, BD_MESSAGE_SPOOL_BYTES);
	bd_buf_init(&taking->rejects, BD_MESSAGE_REJECTS_MAX_BYTES);
	bd_buf_init(&taking->shown, BD_REQUEST_ARENA_MAX_BYTES / 4);
	bd_arena_init(&taking->arena, BD_REQUEST_ARENA_MAX_BYTES * 2);
	return bd_sha256_new(&taking->sha);
}

enum bd_code bd_taking_may_begin(const struct bd_taking *taking, struct bd_diag *diag)
{
	return bd_trail_is_low(taking->loop->daemon->trail)
		       ? bd_fail(diag, BD_DISK_FULL, "no space ahead of the trail")
		       : BD_OK;
}

void bd_taking_charset(struct bd_taking_request *request, struct bd_bytes type)
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
			if (len < sizeof(request->charset)) {
				memcpy(request->charset, rest.ptr, len);
			}
			return;
		}
	}
}

void bd_taking_close(struct bd_taking *taking)
{
	if (taking->state == BD_TAKING_WAITING || taking->state == BD_TAKING_RUNNING) {
		bd_job_cancel(&taking->job);
	}
	bd_sha256_free(taking->sha);
	bd_buf_release(&taking->gathered);
	bd_buf_release(&taking->records);
	bd_buf_release(&taking->rejects);
	bd_buf_release(&taking->shown);
	if (taking->spool != NULL) {
		bd_spool_free(taking->spool);
	}
	bd_arena_release(&taking->arena);
	bd_setup_unref(taking->setup);
}
