/* worker_main.c - bidui-worker: parses what outsiders wrote, one message at a time, and holds no
 * key.
 *
 * Spawned by biduid with fd 3 = socketpair (frame.h) and fd 4 = sealed memfd with the adapters
 * (intake/image.h), no environment, and locked up (confine.h) before it says that it is ready.
 * Reads and writes block: a slow side slows the other, and nothing piles up here.
 */
#include "base/limits.h"
#include "base/thread.h"
#include "daemon/confine.h"
#include "daemon/frame.h"
#include "intake/image.h"
#include "intake/sealed.h"
#include "record/pack.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_FD 3
#define IMAGE_FD 4
#define IMAGE_ARENA_MAX_BYTES ((size_t)256 << 20)
/* Records wait for each other up to this, then go out in one frame. */
#define BATCH_BYTES 65536

/* The paths of a feed that had a message, for the next one. */
struct known_feed {
	const struct bd_feed_plan *feed;
	struct bd_path *paths;
	struct known_feed *next;
};

struct worker {
	struct bd_intake_sink sink;
	struct bd_opener opener;
	const struct bd_dictionary *dict;
	const struct bd_plan *const *plans;
	size_t plan_count;
	struct bd_buf in, out, batch, payload, opened;
	size_t taken;               /* bytes of `in` */
	struct bd_arena arena;      /* of the message */
	struct bd_arena feed_arena; /* of what lives as long as the worker */
	struct known_feed *feeds;
	struct bd_xml_parsers *parsers; /* NULL is no failure, as of paths */
	struct bd_intake *intake;
	bool is_failed; /* this message: the rest of it is skipped */
};

static bool write_all(struct bd_bytes bytes)
{
	while (bytes.len > 0) {
		ssize_t len = write(SOCKET_FD, bytes.ptr, bytes.len);

		if (len < 0 && errno != EINTR) {
			return false;
		}
		if (len > 0) {
			bytes.ptr += len;
			bytes.len -= (size_t)len;
		}
	}
	return true;
}

/* A worker that cannot speak is of no use: biduid sees its end. */
static void flush(struct worker *worker)
{
	if (!write_all(bd_buf_bytes(&worker->out))) {
		_exit(BD_WORKER_EXIT_TALK);
	}
	bd_buf_clear(&worker->out);
}

/* What is said about one piece that was read leaves together: for each write biduid is woken. */
static void send(struct worker *worker, enum bd_frame_type type, struct bd_bytes payload)
{
	if (worker->out.len + payload.len > BATCH_BYTES) {
		flush(worker);
	}
	if (bd_frame_add(&worker->out, type, payload) != BD_OK) {
		_exit(BD_WORKER_EXIT_TALK);
	}
}

/* More of what biduid says; false when it has closed the socket. */
static bool read_more(struct worker *worker)
{
	ssize_t len;

	if (bd_buf_reserve(&worker->in, BATCH_BYTES) != BD_OK) {
		_exit(BD_WORKER_EXIT_TALK);
	}
	do {
		len = read(SOCKET_FD, worker->in.ptr + worker->in.len,
			worker->in.cap - worker->in.len);
	} while (len < 0 && errno == EINTR);
	if (len < 0) {
		_exit(BD_WORKER_EXIT_TALK);
	}
	worker->in.len += (size_t)len;
	return len > 0;
}

static void send_batch(struct worker *worker)
{
	if (worker->batch.len > 0) {
		send(worker, BD_FRAME_RECORDS, bd_buf_bytes(&worker->batch));
		bd_buf_clear(&worker->batch);
	}
}

static void send_fail(struct worker *worker, const struct bd_diag *diag)
{
	const struct bd_reject reject = { .section = "", .diag = *diag };

	bd_buf_clear(&worker->batch);
	bd_buf_clear(&worker->payload);
	if (bd_reject_pack(&worker->payload, &reject) != BD_OK) {
		_exit(BD_WORKER_EXIT_TALK);
	}
	send(worker, BD_FRAME_FAIL, bd_buf_bytes(&worker->payload));
	worker->is_failed = true;
}

static enum bd_code on_record(
	struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag)
{
	struct worker *worker = (struct worker *)sink; /* its first member */
	enum bd_code code;

	bd_buf_clear(&worker->payload);
	code = bd_record_pack(&worker->payload, record);
	if (code == BD_OK && worker->batch.len + worker->payload.len > BATCH_BYTES) {
		send_batch(worker);
	}
	code = code == BD_OK ? bd_buf_add_sized(&worker->batch, bd_buf_bytes(&worker->payload))
			     : code;
	bd_thread_share();
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a record is too long");
}

static enum bd_code on_reject(
	struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag)
{
	struct worker *worker = (struct worker *)sink;
	enum bd_code code;

	bd_buf_clear(&worker->payload);
	code = bd_reject_pack(&worker->payload, reject);
	if (code != BD_OK) {
		return bd_fail(diag, code, "a rejected record is too long");
	}
	send(worker, BD_FRAME_REJECT, bd_buf_bytes(&worker->payload));
	return BD_OK;
}

static const struct bd_intake_sink_ops sink_ops = { on_record, on_reject };

/* -- what only biduid can do: it holds the keys -- */

/* Messages that were sent ahead may stand before the answer: they stay for later. */
static struct bd_bytes read_answer(struct worker *worker)
{
	size_t at = worker->taken;

	for (;;) {
		struct bd_bytes rest = { worker->in.ptr + at, worker->in.len - at };
		const size_t before = rest.len;
		struct bd_frame frame;
		bool has = false;

		if (bd_frame_take(&frame, &has, &rest) != BD_OK || (!has && !read_more(worker))) {
			_exit(BD_WORKER_EXIT_TALK);
		}
		if (has && frame.type == BD_FRAME_OPENED) {
			bd_buf_clear(&worker->opened);
			if (bd_buf_add(&worker->opened, frame.payload) != BD_OK) {
				_exit(BD_WORKER_EXIT_TALK);
			}
			memmove(worker->in.ptr + at, rest.ptr, rest.len);
			bd_wipe(worker->in.ptr + at + rest.len, before - rest.len);
			worker->in.len = at + rest.len;
			return bd_buf_bytes(&worker->opened);
		}
		if (has && frame.type > BD_FRAME_END) {
			_exit(BD_WORKER_EXIT_TALK);
		}
		at += before - rest.len;
	}
}

static enum bd_code ask_open(
	struct bd_opener *self, struct bd_buf *opened, const struct bd_open_request *request)
{
	struct worker *worker =
		(struct worker *)(void *)((char *)self - offsetof(struct worker, opener));
	struct bd_bytes text;
	enum bd_code code, said;

	bd_buf_clear(&worker->payload);
	code = bd_open_request_pack(&worker->payload, request);
	if (code != BD_OK) {
		return code;
	}
	send(worker, BD_FRAME_OPEN, bd_buf_bytes(&worker->payload));
	flush(worker);
	if (bd_frame_opened_unpack(&said, &text, read_answer(worker)) != BD_OK) {
		_exit(1);
	}
	code = said == BD_OK ? bd_buf_add(opened, text) : said;
	bd_wipe(worker->opened.ptr, worker->opened.cap);
	return code;
}

static const struct bd_plan *find_plan(const struct worker *worker, const char *source)
{
	for (size_t i = 0; i < worker->plan_count; i++) {
		if (strcmp(worker->plans[i]->source, source) == 0) {
			return worker->plans[i];
		}
	}
	return NULL;
}

/* NULL is no failure: then every message makes its own. */
static struct bd_path *find_paths(struct worker *worker, const struct bd_feed_plan *feed)
{
	struct known_feed *known = worker->feeds;

	while (known != NULL && known->feed != feed) {
		known = known->next;
	}
	if (known == NULL) {
		known = bd_arena_alloc(&worker->feed_arena, 1, sizeof(*known));
		if (known == NULL) {
			return NULL;
		}
		*known = (struct known_feed){ feed, bd_intake_paths(feed, &worker->feed_arena),
			worker->feeds };
		worker->feeds = known;
	}
	return known->paths;
}

static void begin(struct worker *worker, struct bd_bytes payload)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_intake_settings settings = { .dict = worker->dict };
	struct bd_frame_begin asked;
	enum bd_code code;

	bd_arena_clear(&worker->arena);
	worker->is_failed = false;
	if (worker->intake != NULL ||
		bd_frame_begin_unpack(&asked, payload, &worker->arena) != BD_OK) {
		_exit(BD_WORKER_EXIT_TALK);
	}
	settings.plan = find_plan(worker, asked.source);
	settings.feed = settings.plan != NULL ? bd_plan_feed(settings.plan, asked.feed) : NULL;
	settings.paths = settings.feed != NULL ? find_paths(worker, settings.feed) : NULL;
	settings.parsers = worker->parsers;
	settings.now_ms = asked.now_ms;
	settings.is_gzip = asked.is_gzip;
	settings.charset = asked.charset;
	settings.subject = asked.subject;
	settings.max_bytes = asked.max_bytes;
	settings.opener = &worker->opener;
	code = settings.feed != NULL
		       ? bd_intake_new(&worker->intake, &settings, &worker->sink, &diag)
		       : bd_fail(&diag, BD_SOURCE_UNKNOWN, "%s", "");
	if (code != BD_OK) {
		diag.code = code;
		send_fail(worker, &diag);
	}
}

static void data(struct worker *worker, struct bd_bytes bytes)
{
	struct bd_diag diag = { .code = BD_OK };
	uint64_t len = bytes.len;
	enum bd_code code;

	if (!worker->is_failed) {
		if (worker->intake == NULL) {
			_exit(BD_WORKER_EXIT_TALK);
		}
		code = bd_intake_feed(worker->intake, bytes, &diag);
		if (code != BD_OK) {
			diag.code = code;
			send_fail(worker, &diag);
		}
	}
	bd_buf_clear(&worker->payload);
	if (bd_buf_add_u64(&worker->payload, len) != BD_OK) {
		_exit(BD_WORKER_EXIT_TALK);
	}
	send(worker, BD_FRAME_CREDIT, bd_buf_bytes(&worker->payload));
}

static void end(struct worker *worker)
{
	const struct bd_intake_result *result = NULL;
	struct bd_diag diag = { .code = BD_OK };

	if (!worker->is_failed) {
		enum bd_code code = worker->intake == NULL
					    ? BD_INTERNAL
					    : bd_intake_end(worker->intake, &result, &diag);

		if (code == BD_OK) {
			send_batch(worker);
			bd_buf_clear(&worker->payload);
			code = bd_frame_result_pack(&worker->payload, result);
		}
		if (code == BD_OK) {
			send(worker, BD_FRAME_RESULT, bd_buf_bytes(&worker->payload));
		} else {
			diag.code = code;
			send_fail(worker, &diag);
		}
	}
	bd_intake_free(worker->intake);
	worker->intake = NULL;
	bd_buf_clear(&worker->batch);
	send(worker, BD_FRAME_READY, (struct bd_bytes){ "", 0 });
}

static void handle(struct worker *worker, const struct bd_frame *frame)
{
	switch (frame->type) {
	case BD_FRAME_BEGIN:
		begin(worker, frame->payload);
		break;
	case BD_FRAME_DATA:
		data(worker, frame->payload);
		break;
	case BD_FRAME_END:
		end(worker);
		break;
	default:
		_exit(BD_WORKER_EXIT_TALK);
	}
}

static bool take_frame(struct bd_frame *frame, struct worker *worker)
{
	struct bd_bytes rest = { worker->in.ptr + worker->taken, worker->in.len - worker->taken };
	bool has = false;

	if (bd_frame_take(frame, &has, &rest) != BD_OK) {
		_exit(BD_WORKER_EXIT_TALK);
	}
	worker->taken = worker->in.len - rest.len;
	return has;
}

/* Until biduid closes the socket. */
static void serve(struct worker *worker)
{
	send(worker, BD_FRAME_READY, (struct bd_bytes){ "", 0 });
	flush(worker);
	while (read_more(worker)) {
		struct bd_frame frame;

		while (take_frame(&frame, worker)) {
			handle(worker, &frame);
		}
		worker->in.len -= worker->taken;
		memmove(worker->in.ptr, worker->in.ptr + worker->taken, worker->in.len);
		worker->taken = 0;
		flush(worker);
	}
}

static bool load_image(struct worker *worker, struct bd_arena *arena)
{
	struct bd_diag diag = { .code = BD_OK };
	struct stat status;
	void *memory;

	if (fstat(IMAGE_FD, &status) != 0 || status.st_size <= 0) {
		return false;
	}
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, IMAGE_FD, 0);
	if (memory == MAP_FAILED) {
		return false;
	}
	return bd_image_read(&worker->dict, &worker->plans, &worker->plan_count,
		       (struct bd_bytes){ memory, (size_t)status.st_size }, arena, &diag) == BD_OK;
}

int main(int argc, char **argv)
{
	bool is_best_effort = argc == 2 && strcmp(argv[1], BD_CONFINE_BEST_EFFORT) == 0;
	static struct worker worker = { .sink = { &sink_ops }, .opener = { ask_open } };
	struct bd_arena images;

	bd_thread_begin(NULL, BD_THREAD_GIVES_WAY);
	bd_arena_init(&images, IMAGE_ARENA_MAX_BYTES);
	bd_arena_init(&worker.arena, BD_RECORD_ARENA_MAX_BYTES);
	bd_arena_init(&worker.feed_arena, IMAGE_ARENA_MAX_BYTES);
	bd_buf_init(&worker.in, (size_t)BD_FRAME_MAX_BYTES * 2 + (size_t)BATCH_BYTES * 2);
	bd_buf_init(&worker.out, BD_FRAME_MAX_BYTES + BD_FRAME_HEAD_BYTES + (size_t)BATCH_BYTES);
	bd_buf_init(&worker.batch, BD_FRAME_MAX_BYTES - 1);
	bd_buf_init(&worker.payload, BD_FRAME_MAX_BYTES - 5);
	bd_buf_init(&worker.opened, BD_FRAME_MAX_BYTES + BD_FRAME_HEAD_BYTES);
	if (!load_image(&worker, &images)) {
		return BD_WORKER_EXIT_IMAGE;
	}
	if (bd_confine_worker(SOCKET_FD, is_best_effort, NULL) != BD_OK) {
		return BD_WORKER_EXIT_CONFINED;
	}
	worker.parsers = bd_xml_parsers_new();
	serve(&worker);
	bd_intake_free(worker.intake);
	bd_xml_parsers_free(worker.parsers);
	bd_buf_release(&worker.in);
	bd_buf_release(&worker.out);
	bd_buf_release(&worker.batch);
	bd_buf_release(&worker.payload);
	bd_buf_release(&worker.opened);
	bd_arena_release(&worker.arena);
	bd_arena_release(&worker.feed_arena);
	bd_arena_release(&images);
	return BD_WORKER_EXIT_GOOD;
}
