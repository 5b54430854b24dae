/* pool_support.h - for the tests of the pool: one on a loop of its own, a message that is given to
 * it, the child that is its worker. */
#ifndef BD_TEST_POOL_SUPPORT_H
#define BD_TEST_POOL_SUPPORT_H

#include "daemon/pool.h"

#include "base/limits.h"
#include "config/adapter.h"
#include "config_support.h"
#include "daemon/confine.h"
#include "intake/image.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define NOW_MS INT64_C(1795449600000) /* 2026-11-24 */
#define PIECE_BYTES 32768             /* what the network brings at once */
/* Longer than anything here takes; a wait that reaches it is a failure. */
#define PATIENCE_MS 60000
/* A limit that nothing here comes to. */
#define UNREACHED_MS 50000

/* -- a pool on a loop of its own -- */

struct fixture {
	uv_loop_t loop;
	uv_timer_t patience;
	struct bd_pool *pool;
	struct bd_pool_settings settings;
	bool is_closed;
	unsigned in_hand, in_hand_high, over; /* messages that workers have; that are over */
	char path[4096];
};

/* The adapters of this tree, compiled once. */
static struct bd_buf image;
static char *rows; /* a long message */
static size_t rows_len;
static struct bd_bytes tax; /* a short one */
static struct bd_arena arena;

static inline void run_out(uv_timer_t *timer)
{
	(void)timer;
	fail_msg("nothing happened for too long");
}

static inline void set_path(struct fixture *fixture, const char *program)
{
	const char *build = getenv("top_builddir");
	snprintf(fixture->path, sizeof(fixture->path), "%s/%s", build != NULL ? build : ".",
		program);
	fixture->settings.worker_path = fixture->path;
}

static inline void open_pool(struct fixture *fixture)
{
	struct bd_diag diag = { .code = BD_OK };
	assert_int_equal(uv_loop_init(&fixture->loop), 0);
	uv_timer_init(&fixture->loop, &fixture->patience);
	uv_timer_start(&fixture->patience, run_out, PATIENCE_MS, 0);
	uv_unref((uv_handle_t *)&fixture->patience);
	enum bd_code code = bd_pool_new(&fixture->pool, &fixture->loop, &fixture->settings, &diag);
	if (code != BD_OK) {
		fail_msg("%s %s", fixture->path, diag.detail);
	}
}

static inline void open_real(struct fixture *fixture, unsigned count, unsigned time_max_ms)
{
	*fixture = (struct fixture){ .settings = { .image = bd_buf_bytes(&image),
					     .count = count,
					     .time_max_ms = time_max_ms } };
	set_path(fixture, "bidui-worker");
	open_pool(fixture);
}

/* Limits that are to be reached are short; one that is not must not be reached on a slow machine.
 */
static inline void open_odd(struct fixture *fixture, const char *kind, unsigned time_max_ms)
{
	*fixture = (struct fixture){ .settings = { .image = bd_bytes_of(kind),
					     .count = 1,
					     .time_max_ms = time_max_ms,
					     .start_max_ms = strcmp(kind, "mute") == 0 ? 300 : 0,
					     .stop_max_ms = 300 } };
	set_path(fixture, "tests/unit/odd_worker");
	open_pool(fixture);
}

static inline void on_closed(void *state)
{
	((struct fixture *)state)->is_closed = true;
}

/* The loop must hold nothing afterwards, and no child may be left. */
static inline void close_pool(struct fixture *fixture)
{
	bd_pool_close(fixture->pool, on_closed, fixture);
	while (!fixture->is_closed) {
		uv_run(&fixture->loop, UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)&fixture->patience, NULL);
	assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&fixture->loop), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static inline struct bd_pool_counts counts_of(const struct fixture *fixture)
{
	struct bd_pool_counts counts;
	bd_pool_counts(&counts, fixture->pool);
	return counts;
}

/* Runs until the pool has started so many workers and they are ready or gone. */
static inline void run_until_started(struct fixture *fixture, uint64_t started)
{
	while (counts_of(fixture).started < started) {
		uv_run(&fixture->loop, UV_RUN_ONCE);
	}
}

/* Runs until every worker has said that it is ready again. */
static inline void run_until_idle(struct fixture *fixture)
{
	while (counts_of(fixture).busy > 0) {
		uv_run(&fixture->loop, UV_RUN_ONCE);
	}
}

/* -- a message -- */

struct message {
	struct bd_job job; /* first */
	struct fixture *fixture;
	const char *source, *feed;
	struct bd_bytes body;
	size_t given, stop_at;             /* stop_at: nothing is written past it, 0 = all of it */
	bool is_blocked, is_over, is_held; /* held: begun, not a byte given */
	unsigned readies, results, place;  /* place: the how manieth to be over */
	enum bd_code code;                 /* of on_fail */
	uint64_t received, rejected, record_bytes, rejects;
	struct message *next_taken; /* taken when this one is over */
};

static inline void give(struct message *message)
{
	size_t end = message->stop_at != 0 ? message->stop_at : message->body.len;
	message->is_blocked = false;
	while (message->given < end && !message->is_blocked) {
		size_t len =
			end - message->given < PIECE_BYTES ? end - message->given : PIECE_BYTES;
		struct bd_bytes piece = { message->body.ptr + message->given, len };
		message->given += len;
		message->is_blocked = !bd_job_write(&message->job, piece);
	}
	if (message->given == message->body.len && !message->is_blocked) {
		bd_job_end(&message->job);
	}
}

static inline void on_ready(struct bd_job *job)
{
	struct message *message = (struct message *)job;
	const struct bd_job_settings settings = { .source = message->source,
		.feed = message->feed,
		.now_ms = NOW_MS,
		.max_bytes = UINT64_C(1) << 30 };
	message->readies++;
	message->fixture->in_hand++;
	if (message->fixture->in_hand > message->fixture->in_hand_high) {
		message->fixture->in_hand_high = message->fixture->in_hand;
	}
	if (job->goes_ahead) {
		message->given = message->body.len;
		assert_int_equal(bd_job_send(job, &settings, message->body), BD_OK);
		return;
	}
	assert_int_equal(bd_job_begin(job, &settings), BD_OK);
	if (!message->is_held) {
		give(message);
	}
}

static inline void on_writable(struct bd_job *job)
{
	struct message *message = (struct message *)job;
	assert_true(message->is_blocked);
	/* Blocked at the very end of the body: there is only the end to say. */
	if (message->given == message->body.len) {
		message->is_blocked = false;
		bd_job_end(job);
	} else {
		give(message);
	}
}

static inline void on_records(struct bd_job *job, struct bd_bytes records, uint64_t count)
{
	(void)count;
	((struct message *)job)->record_bytes += records.len;
}

static inline void on_reject(struct bd_job *job, struct bd_bytes reject)
{
	(void)reject;
	((struct message *)job)->rejects++;
}

static inline void finish(struct message *message)
{
	assert_false(message->is_over);
	message->is_over = true;
	message->fixture->in_hand--;
	message->place = ++message->fixture->over;
	if (message->next_taken != NULL) {
		bd_pool_take(message->fixture->pool, &message->next_taken->job);
	}
}

static inline void on_result(struct bd_job *job, const struct bd_intake_result *result)
{
	struct message *message = (struct message *)job;
	message->results++;
	message->received = result->received;
	message->rejected = result->rejected;
	finish(message);
}

static inline void on_fail(struct bd_job *job, const struct bd_diag *diag)
{
	struct message *message = (struct message *)job;
	assert_int_not_equal(diag->code, BD_OK);
	message->code = diag->code;
	finish(message);
}

static const struct bd_job_ops ops = { on_ready, on_writable, on_records, on_reject, on_result,
	on_fail };

static inline struct message message_of(struct fixture *fixture, struct bd_bytes body)
{
	bool is_long = body.ptr == rows;
	return (struct message){ .job = { .ops = &ops },
		.fixture = fixture,
		.source = is_long ? "market" : "tax",
		.feed = is_long ? "e_pb_baseinfo" : "gt3",
		.body = body };
}

static inline struct message short_message(struct fixture *fixture)
{
	return message_of(fixture, tax);
}

static inline struct message long_message(struct fixture *fixture)
{
	return message_of(fixture, (struct bd_bytes){ rows, rows_len });
}

static inline void run_until_over(struct message *message)
{
	while (!message->is_over) {
		uv_run(&message->fixture->loop, UV_RUN_ONCE);
	}
}

/* Whatever was before, a message is read as ever. */
static inline void check_all_is_well(struct fixture *fixture)
{
	struct message message = short_message(fixture);
	bd_pool_take(fixture->pool, &message.job);
	assert_int_equal(message.readies, 0); /* never from within take */
	run_until_over(&message);
	assert_int_equal(message.code, BD_OK);
	assert_int_equal(message.received, 3);
	assert_int_equal(message.rejected, 0);
	assert_true(message.record_bytes > 0);
}

/* -- their processes -- */

/* The one child there is. */
static inline pid_t child(void)
{
	const struct dirent *entry;
	pid_t found = -1;
	DIR *dir = opendir("/proc");
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char path[300], line[512] = "";
		int parent = 0;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		FILE *file = fopen(path, "re");
		if (file == NULL) {
			continue;
		}
		const char *end =
			fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
		fclose(file);
		if (end != NULL && sscanf(end, ") %*c %d", &parent) == 1 && parent == getpid()) {
			assert_int_equal(found, -1);
			found = (pid_t)atoi(entry->d_name);
		}
	}
	closedir(dir);
	assert_true(found > 0);
	return found;
}

/* Stopped when this returns, and not only told to stop. */
static inline void stop_child(void)
{
	siginfo_t info = { 0 };
	assert_int_equal(kill(child(), SIGSTOP), 0);
	assert_int_equal(waitid(P_ALL, 0, &info, WSTOPPED | WNOWAIT), 0);
	assert_int_equal(info.si_code, CLD_STOPPED);
}

static inline void run_until_given(struct message *message)
{
	while (message->given < message->stop_at && !message->is_blocked) {
		uv_run(&message->fixture->loop, UV_RUN_ONCE);
	}
}

/* -- what all of them need -- */

static inline void make_image(void)
{
	const char *const names[] = { "adapters/market", "adapters/tax", "adapters/medical" };
	const struct bd_dictionary *dict = read_dictionary(&arena);
	const struct bd_plan *plans[3];
	struct bd_diags diags = { .count = 0 };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(bd_config_adapter(&plans[i], source_path(&arena, names[i]),
					 source_path(&arena, "schemas"), dict, &arena, &diags),
			BD_OK);
	}
	bd_buf_init(&image, ARENA_MAX);
	assert_int_equal(bd_image_write(&image, dict, plans, 3), BD_OK);
}

static inline struct bd_bytes read_file(const char *path)
{
	FILE *file = fopen(source_path(&arena, path), "rbe");
	char *bytes = bd_arena_alloc(&arena, 1, 1 << 20);
	assert_non_null(file);
	size_t len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	return (struct bd_bytes){ bytes, len };
}

/* The same rows again and again: a day's table of a few MiB. */
static inline void make_rows(void)
{
	struct bd_bytes sample =
		read_file("adapters/market/samples/market_20260601_E_PB_BASEINFO.gb18030.txt");
	size_t times = ((size_t)2 << 20) / sample.len + 1;
	rows = malloc(sample.len * times);
	assert_non_null(rows);
	for (size_t i = 0; i < times; i++) {
		memcpy(rows + i * sample.len, sample.ptr, sample.len);
	}
	rows_len = sample.len * times;
}

static inline int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	bd_arena_init(&arena, ARENA_MAX * 2);
	make_image();
	make_rows();
	tax = read_file("adapters/tax/samples/tax_gt3_response.xml");
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	free(rows);
	bd_buf_release(&image);
	bd_arena_release(&arena);
	return 0;
}

#endif
