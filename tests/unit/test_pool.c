/* test_pool.c - the pool with real workers, which are also killed, stopped and starved, and with
 * workers that break the rules: each costs one message, and the next one finds a worker.
 */
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

/* -- one of our allocations fails -- */

static int calloc_fails_in; /* 0 = never */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	if (calloc_fails_in > 0 && --calloc_fails_in == 0) {
		return NULL;
	}
	return __real_calloc(count, size);
}

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

static void run_out(uv_timer_t *timer)
{
	(void)timer;
	fail_msg("nothing happened for too long");
}

static void set_path(struct fixture *fixture, const char *program)
{
	const char *build = getenv("top_builddir");
	snprintf(fixture->path, sizeof(fixture->path), "%s/%s", build != NULL ? build : ".",
		program);
	fixture->settings.worker_path = fixture->path;
}

static void open_pool(struct fixture *fixture)
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

static void open_real(struct fixture *fixture, unsigned count, unsigned time_max_ms)
{
	*fixture = (struct fixture){ .settings = { .image = bd_buf_bytes(&image),
					     .count = count,
					     .time_max_ms = time_max_ms } };
	set_path(fixture, "bidui-worker");
	open_pool(fixture);
}

/* Limits that are to be reached are short; one that is not must not be reached on a slow machine.
 */
static void open_odd(struct fixture *fixture, const char *kind, unsigned time_max_ms)
{
	*fixture = (struct fixture){ .settings = { .image = bd_bytes_of(kind),
					     .count = 1,
					     .time_max_ms = time_max_ms,
					     .start_max_ms = strcmp(kind, "mute") == 0 ? 300 : 0,
					     .stop_max_ms = 300 } };
	set_path(fixture, "tests/unit/odd_worker");
	open_pool(fixture);
}

static void on_closed(void *state)
{
	((struct fixture *)state)->is_closed = true;
}

/* The loop must hold nothing afterwards, and no child may be left. */
static void close_pool(struct fixture *fixture)
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

static struct bd_pool_counts counts_of(const struct fixture *fixture)
{
	struct bd_pool_counts counts;
	bd_pool_counts(&counts, fixture->pool);
	return counts;
}

/* Runs until the pool has started so many workers and they are ready or gone. */
static void run_until_started(struct fixture *fixture, uint64_t started)
{
	while (counts_of(fixture).started < started) {
		uv_run(&fixture->loop, UV_RUN_ONCE);
	}
}

/* Runs until every worker has said that it is ready again. */
static void run_until_idle(struct fixture *fixture)
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

static void give(struct message *message)
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

static void on_ready(struct bd_job *job)
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

static void on_writable(struct bd_job *job)
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

static void on_records(struct bd_job *job, struct bd_bytes records, uint64_t count)
{
	(void)count;
	((struct message *)job)->record_bytes += records.len;
}

static void on_reject(struct bd_job *job, struct bd_bytes reject)
{
	(void)reject;
	((struct message *)job)->rejects++;
}

static void finish(struct message *message)
{
	assert_false(message->is_over);
	message->is_over = true;
	message->fixture->in_hand--;
	message->place = ++message->fixture->over;
	if (message->next_taken != NULL) {
		bd_pool_take(message->fixture->pool, &message->next_taken->job);
	}
}

static void on_result(struct bd_job *job, const struct bd_intake_result *result)
{
	struct message *message = (struct message *)job;
	message->results++;
	message->received = result->received;
	message->rejected = result->rejected;
	finish(message);
}

static void on_fail(struct bd_job *job, const struct bd_diag *diag)
{
	struct message *message = (struct message *)job;
	assert_int_not_equal(diag->code, BD_OK);
	message->code = diag->code;
	finish(message);
}

static const struct bd_job_ops ops = { on_ready, on_writable, on_records, on_reject, on_result,
	on_fail };

static struct message message_of(struct fixture *fixture, struct bd_bytes body)
{
	bool is_long = body.ptr == rows;
	return (struct message){ .job = { .ops = &ops },
		.fixture = fixture,
		.source = is_long ? "market" : "tax",
		.feed = is_long ? "e_pb_baseinfo" : "gt3",
		.body = body };
}

static struct message short_message(struct fixture *fixture)
{
	return message_of(fixture, tax);
}

static struct message long_message(struct fixture *fixture)
{
	return message_of(fixture, (struct bd_bytes){ rows, rows_len });
}

static void run_until_over(struct message *message)
{
	while (!message->is_over) {
		uv_run(&message->fixture->loop, UV_RUN_ONCE);
	}
}

/* Whatever was before, a message is read as ever. */
static void check_all_is_well(struct fixture *fixture)
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

/* -- real workers -- */

static void test_a_message(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	for (int i = 0; i < 3; i++) {
		check_all_is_well(&fixture);
	}
	assert_int_equal(counts_of(&fixture).started, 1);
	run_until_idle(&fixture);
	close_pool(&fixture);
}

static void test_what_is_wrong_with_a_message_costs_no_worker(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	struct message cut = message_of(&fixture, (struct bd_bytes){ tax.ptr, tax.len / 2 });
	bd_pool_take(fixture.pool, &cut.job);
	run_until_over(&cut);
	assert_int_equal(cut.code, BD_MESSAGE_TRUNCATED);
	struct message foreign = short_message(&fixture);
	foreign.feed = "none";
	bd_pool_take(fixture.pool, &foreign.job);
	run_until_over(&foreign);
	assert_int_equal(foreign.code, BD_SOURCE_UNKNOWN);
	struct message rejected = message_of(&fixture, bd_bytes_of("a\001b\nc\001d\n"));
	rejected.source = "market";
	rejected.feed = "e_cancel";
	bd_pool_take(fixture.pool, &rejected.job);
	run_until_over(&rejected);
	assert_int_equal(rejected.rejected, 2);
	assert_int_equal(rejected.rejects, 2);
	/* Refused in the middle of a long body: its rest is read and forgotten. */
	struct message wrong = long_message(&fixture);
	wrong.source = "tax";
	wrong.feed = "gt3";
	bd_pool_take(fixture.pool, &wrong.job);
	run_until_over(&wrong);
	assert_int_equal(wrong.code, BD_XML_SYNTAX);
	assert_true(wrong.given < wrong.body.len);
	check_all_is_well(&fixture);
	assert_int_equal(counts_of(&fixture).started, 1);
	close_pool(&fixture);
}

static void test_messages_wait_their_turn(void **state)
{
	struct message messages[7];
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 2, UNREACHED_MS);
	for (size_t i = 0; i < 7; i++) {
		messages[i] = i % 2 == 0 ? long_message(&fixture) : short_message(&fixture);
		bd_pool_take(fixture.pool, &messages[i].job);
	}
	assert_int_equal(counts_of(&fixture).queued, 7);
	for (size_t i = 0; i < 7; i++) {
		run_until_over(&messages[i]);
		assert_int_equal(messages[i].code, BD_OK);
		assert_true(messages[i].received > 0);
	}
	assert_int_equal(counts_of(&fixture).started, 2);
	close_pool(&fixture);
}

/* However long the message, little of it waits. */
static void test_credit_bounds_what_waits(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	struct message message = long_message(&fixture);
	bd_pool_take(fixture.pool, &message.job);
	run_until_over(&message);
	assert_int_equal(message.code, BD_OK);
	assert_true(message.received > 1000);
	assert_in_range(counts_of(&fixture).buffered_high_bytes, BD_FRAME_CREDIT_BYTES / 2 + 1,
		BD_FRAME_CREDIT_BYTES / 2 + PIECE_BYTES);
	close_pool(&fixture);
}

/* -- their processes -- */

/* The one child there is. */
static pid_t child(void)
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
static void stop_child(void)
{
	siginfo_t info = { 0 };
	assert_int_equal(kill(child(), SIGSTOP), 0);
	assert_int_equal(waitid(P_ALL, 0, &info, WSTOPPED | WNOWAIT), 0);
	assert_int_equal(info.si_code, CLD_STOPPED);
}

static void run_until_given(struct message *message)
{
	while (message->given < message->stop_at && !message->is_blocked) {
		uv_run(&message->fixture->loop, UV_RUN_ONCE);
	}
}

static void test_a_worker_killed_in_a_message(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	struct message message = long_message(&fixture), next = short_message(&fixture);
	message.stop_at = 100000;
	bd_pool_take(fixture.pool, &message.job);
	bd_pool_take(fixture.pool, &next.job);
	run_until_given(&message);
	assert_int_equal(kill(child(), SIGKILL), 0);
	run_until_over(&message);
	assert_int_equal(message.code, BD_WORKER_DIED);
	run_until_over(&next);
	assert_int_equal(next.received, 3);
	struct bd_pool_counts counts = counts_of(&fixture);
	assert_int_equal(counts.died, 1);
	assert_int_equal(counts.started, 2);
	assert_int_equal(counts.timed_out, 0);
	close_pool(&fixture);
}

static void test_an_idle_worker_killed(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	check_all_is_well(&fixture);
	assert_int_equal(kill(child(), SIGKILL), 0);
	run_until_started(&fixture, 2);
	check_all_is_well(&fixture);
	close_pool(&fixture);
}

/* It hangs in the middle of a body, and after its end. */
static void test_a_worker_that_hangs(void **state)
{
	(void)state;
	for (int at_end = 0; at_end <= 1; at_end++) {
		struct fixture fixture;
		open_real(&fixture, 1, 2000);
		check_all_is_well(&fixture);
		run_until_idle(&fixture);
		struct message message = at_end ? short_message(&fixture) : long_message(&fixture);
		stop_child();
		bd_pool_take(fixture.pool, &message.job);
		run_until_over(&message);
		assert_int_equal(message.code, BD_LIMIT_TIME);
		assert_true(message.is_blocked != at_end);
		assert_int_equal(counts_of(&fixture).timed_out, 1);
		check_all_is_well(&fixture);
		close_pool(&fixture);
	}
}

static void test_cancelling(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	struct message running = long_message(&fixture), queued = short_message(&fixture);
	struct message last = short_message(&fixture);
	running.stop_at = 50000;
	bd_pool_take(fixture.pool, &running.job);
	bd_pool_take(fixture.pool, &queued.job);
	bd_pool_take(fixture.pool, &last.job);
	run_until_given(&running);
	bd_job_cancel(&queued.job);
	bd_job_cancel(&running.job);
	assert_int_equal(counts_of(&fixture).queued, 1);
	run_until_over(&last);
	assert_int_equal(last.received, 3);
	assert_false(running.is_over);
	assert_false(queued.is_over);
	assert_int_equal(queued.readies, 0);
	/* The last of a queue, then another behind it. */
	struct message first = short_message(&fixture), second = short_message(&fixture);
	bd_pool_take(fixture.pool, &first.job);
	bd_job_cancel(&first.job);
	bd_pool_take(fixture.pool, &second.job);
	run_until_over(&second);
	assert_int_equal(second.received, 3);
	assert_int_equal(first.readies, 0);
	close_pool(&fixture);
}

/* -- sent ahead -- */

/* As long as may be, so that what a worker reads at once ends within one. */
static struct message ahead_message(struct fixture *fixture)
{
	char *text = bd_arena_alloc(&arena, BD_JOB_AHEAD_MAX_BYTES, 1);
	assert_true(text != NULL && tax.len < BD_JOB_AHEAD_MAX_BYTES);
	memset(text, ' ', BD_JOB_AHEAD_MAX_BYTES);
	memcpy(text, tax.ptr, tax.len);
	struct message message =
		message_of(fixture, (struct bd_bytes){ text, BD_JOB_AHEAD_MAX_BYTES });
	message.job.goes_ahead = true;
	return message;
}

/* Its worker asks for it to be opened, and nobody here has keys: what was sent ahead stands before
 * the answer. */
static struct message sealed_message(struct fixture *fixture)
{
	static const char text[] =
		"{\"infcode\":0,\"inf_refmsgid\":\"440300202606010930150000012345\","
		"\"refmsg_time\":\"20260601093015120\",\"respond_time\":\"20260601093015208\","
		"\"enctype\":\"SM4\",\"signtype\":\"\",\"cainfo\":\"\",\"err_msg\":\"\","
		"\"output\":\"QUJDREVGR0hJSktMTU5PUA==\"}";
	struct message message = message_of(fixture, (struct bd_bytes){ text, sizeof(text) - 1 });
	message.source = "medical";
	message.feed = "1101";
	message.job.goes_ahead = true;
	return message;
}

static void test_messages_sent_ahead(void **state)
{
	enum { COUNT = 60 };
	struct message messages[COUNT];
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	for (unsigned i = 0; i < COUNT; i++) {
		messages[i] = i % 3 == 2 ? sealed_message(&fixture) : ahead_message(&fixture);
		bd_pool_take(fixture.pool, &messages[i].job);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		run_until_over(&messages[i]);
		assert_int_equal(messages[i].place, i + 1);
		assert_int_equal(messages[i].readies, 1);
		assert_int_equal(messages[i].code, i % 3 == 2 ? BD_ENVELOPE_KEY : BD_OK);
		assert_int_equal(messages[i].received, i % 3 == 2 ? 0 : 3);
	}
	assert_true(fixture.in_hand_high > 4 && fixture.in_hand_high < COUNT / 2);
	assert_int_equal(counts_of(&fixture).started, 1);
	/* One that comes as it comes waits until the worker has nothing else. */
	struct message behind = ahead_message(&fixture), last = long_message(&fixture);
	bd_pool_take(fixture.pool, &behind.job);
	bd_pool_take(fixture.pool, &last.job);
	run_until_over(&last);
	assert_true(behind.is_over && last.code == BD_OK && last.received > 1000);
	close_pool(&fixture);
}

/* So many as are given lie in the socket of one that does not read. */
static void send_ahead_of_stopped(struct fixture *fixture, struct message *messages, unsigned count)
{
	open_real(fixture, 1, UNREACHED_MS);
	check_all_is_well(fixture);
	run_until_idle(fixture);
	stop_child();
	for (unsigned i = 0; i < count; i++) {
		messages[i] = ahead_message(fixture);
		bd_pool_take(fixture->pool, &messages[i].job);
	}
	while (messages[count - 1].readies == 0) {
		uv_run(&fixture->loop, UV_RUN_ONCE);
	}
}

static void test_what_a_killed_worker_had_not_come_to(void **state)
{
	struct message messages[5];
	struct fixture fixture;
	(void)state;
	send_ahead_of_stopped(&fixture, messages, 5);
	assert_int_equal(kill(child(), SIGKILL), 0);
	for (unsigned i = 0; i < 5; i++) {
		run_until_over(&messages[i]);
		assert_int_equal(messages[i].code, i == 0 ? BD_WORKER_DIED : BD_OK);
		assert_int_equal(messages[i].readies, i == 0 ? 1 : 2);
		assert_int_equal(messages[i].received, i == 0 ? 0 : 3);
	}
	assert_int_equal(counts_of(&fixture).started, 2);
	close_pool(&fixture);
}

static void test_cancelling_what_was_sent_ahead(void **state)
{
	struct message messages[4];
	struct fixture fixture;
	(void)state;
	send_ahead_of_stopped(&fixture, messages, 4);
	bd_job_cancel(&messages[1].job);
	assert_int_equal(kill(child(), SIGCONT), 0);
	run_until_over(&messages[3]);
	assert_true(messages[0].is_over && messages[2].is_over && !messages[1].is_over);
	assert_int_equal(messages[0].received + messages[2].received + messages[3].received, 9);
	assert_int_equal(counts_of(&fixture).started, 1);
	check_all_is_well(&fixture);
	close_pool(&fixture);
	/* The one in hand: the others are the next worker's. */
	send_ahead_of_stopped(&fixture, messages, 4);
	bd_job_cancel(&messages[2].job);
	bd_job_cancel(&messages[0].job);
	run_until_over(&messages[3]);
	assert_true(!messages[0].is_over && messages[1].is_over && !messages[2].is_over);
	assert_int_equal(messages[1].readies, 2);
	assert_int_equal(messages[2].readies, 1);
	close_pool(&fixture);
}

/* Idle workers end in order and are replaced; a busy one ends its message by the old image first.
 */
static void test_a_reload(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 2, UNREACHED_MS);
	check_all_is_well(&fixture);
	struct message message = long_message(&fixture);
	message.stop_at = 50000;
	bd_pool_take(fixture.pool, &message.job);
	run_until_given(&message);
	assert_int_equal(bd_pool_reload(fixture.pool, &fixture.settings, NULL), BD_OK);
	message.stop_at = 0;
	give(&message);
	run_until_over(&message);
	assert_int_equal(message.code, BD_OK);
	run_until_started(&fixture, 4);
	check_all_is_well(&fixture);
	assert_int_equal(counts_of(&fixture).died, 0);
	close_pool(&fixture);
}

static void test_closing_at_once(void **state)
{
	struct fixture fixture;
	(void)state;
	open_real(&fixture, 3, UNREACHED_MS);
	close_pool(&fixture); /* none was ready yet */
}

/* A piece that could not be handed on: the message fails, and is never read with a hole in it. */
static void test_no_memory_for_a_piece(void **state)
{
	(void)state;
	for (int nth = 1; nth <= 6; nth++) {
		struct fixture fixture;
		open_real(&fixture, 1, UNREACHED_MS);
		check_all_is_well(&fixture);
		struct message message = long_message(&fixture);
		message.stop_at = 100000;
		bd_pool_take(fixture.pool, &message.job);
		run_until_given(&message);
		message.stop_at = 0;
		calloc_fails_in = nth;
		give(&message);
		run_until_over(&message);
		calloc_fails_in = 0;
		assert_int_equal(message.code, BD_WORKER_DIED);
		check_all_is_well(&fixture);
		close_pool(&fixture);
	}
}

/* -- workers that break the rules -- */

static void test_rules_broken_in_a_message(void **state)
{
	const struct {
		const char *kind;
		enum bd_code code;
	} cases[] = {
		/* those that only wait come to their limit */
		{ "die", BD_WORKER_DIED },
		{ "close", BD_WORKER_DIED },
		{ "garbage", BD_WORKER_DIED },
		{ "foreign", BD_WORKER_DIED },
		{ "credit", BD_WORKER_DIED },
		{ "short credit", BD_WORKER_DIED },
		{ "ready", BD_WORKER_DIED },
		{ "early result", BD_WORKER_DIED },
		{ "bad fail", BD_WORKER_DIED },
		{ "stuck", BD_LIMIT_TIME },
		{ "silent", BD_LIMIT_TIME },
		{ "fail and hang", BD_SOURCE_UNKNOWN },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture fixture;
		bool is_waiting = strcmp(cases[i].kind, "fail and hang") == 0 ||
				  cases[i].code == BD_LIMIT_TIME;
		open_odd(&fixture, cases[i].kind, is_waiting ? 300 : UNREACHED_MS);
		struct message first = long_message(&fixture), second = long_message(&fixture);
		first.next_taken = &second;
		bd_pool_take(fixture.pool, &first.job);
		run_until_over(&first);
		run_until_over(&second);
		if (first.code != cases[i].code || second.code != cases[i].code ||
			first.results + second.results != 0 || counts_of(&fixture).started < 2) {
			fail_msg("%s: %s, %s", cases[i].kind, bd_code_info(first.code)->text,
				bd_code_info(second.code)->text);
		}
		/* What waits for a worker that reads nothing is bounded all the same. */
		assert_true(counts_of(&fixture).buffered_high_bytes <=
			    BD_FRAME_CREDIT_BYTES / 2 + PIECE_BYTES);
		close_pool(&fixture);
	}
}

/* It refuses at the first word, with nothing of the body on its way, and then never gets ready. */
static void test_a_worker_that_hangs_after_its_refusal(void **state)
{
	struct fixture fixture;
	(void)state;
	open_odd(&fixture, "fail and hang", 300);
	struct message first = short_message(&fixture), second = short_message(&fixture);
	first.is_held = second.is_held = true;
	first.next_taken = &second;
	bd_pool_take(fixture.pool, &first.job);
	run_until_over(&first);
	assert_int_equal(first.code, BD_SOURCE_UNKNOWN);
	run_until_over(&second);
	assert_int_equal(counts_of(&fixture).timed_out, 1);
	close_pool(&fixture);
}

/* Each is counted as what it was, whoever sent the message is told, and the next is read by
 * another. */
static void test_what_the_kernel_ends(void **state)
{
	const struct {
		const char *kind;
		enum bd_code code;
		struct bd_pool_counts counts;
	} cases[] = {
		{ "socket", BD_WORKER_DIED, { .forbidden = 1, .died = 1 } },
		{ "spin", BD_LIMIT_TIME, { .timed_out = 1 } },
		{ "swell", BD_NO_MEMORY, { .swollen = 1 } },
		{ "die", BD_WORKER_DIED, { .died = 1 } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bd_pool_counts *expected = &cases[i].counts;
		struct fixture fixture;
		open_odd(&fixture, cases[i].kind,
			strcmp(cases[i].kind, "spin") == 0 ? 900 : UNREACHED_MS);
		struct message message = short_message(&fixture);
		bd_pool_take(fixture.pool, &message.job);
		run_until_over(&message);
		struct bd_pool_counts counts = counts_of(&fixture);
		if (message.code != cases[i].code || counts.died != expected->died ||
			counts.forbidden != expected->forbidden ||
			counts.timed_out != expected->timed_out ||
			counts.swollen != expected->swollen) {
			fail_msg("%s: %s", cases[i].kind, bd_code_info(message.code)->text);
		}
		run_until_started(&fixture, 2);
		close_pool(&fixture);
	}
}

/* What the kernel says of a worker that is ready. */
static void read_child(char *text, size_t room, const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)child(), name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	size_t len = fread(text, 1, room - 1, file);
	fclose(file);
	text[len] = '\0';
}

/* The real one is what test_confine tries the locks of: all of them are in force before it is
 * ready for a message. */
/* Each process has its own, however soon after another that had it. */
static void test_the_next_worker_has_its_time_as_well(void **state)
{
	struct fixture fixture = { .settings = { .image = bd_buf_bytes(&image),
					   .count = 1,
					   .time_max_ms = 900,
					   .stop_max_ms = 300 } };
	(void)state;
	set_path(&fixture, "tests/unit/odd_worker");
	open_pool(&fixture);
	for (int i = 0; i < 3; i++) {
		struct message dies = message_of(&fixture, bd_bytes_of("die"));
		struct message spins = message_of(&fixture, bd_bytes_of("spin"));
		dies.job.goes_ahead = spins.job.goes_ahead = true;
		bd_pool_take(fixture.pool, &dies.job);
		run_until_over(&dies);
		assert_int_equal(dies.code, BD_WORKER_DIED);
		bd_pool_take(fixture.pool, &spins.job);
		run_until_over(&spins);
		assert_int_equal(spins.code, BD_LIMIT_TIME);
	}
	close_pool(&fixture);
}

static void test_a_real_worker_is_confined(void **state)
{
	struct fixture fixture;
	char text[8192];
	(void)state;
	open_real(&fixture, 1, UNREACHED_MS);
	check_all_is_well(&fixture);
	run_until_idle(&fixture);
	read_child(text, sizeof(text), "status");
	assert_non_null(strstr(text, "\nSeccomp:\t2\n"));
	assert_non_null(strstr(text, "\nNoNewPrivs:\t1\n"));
	read_child(text, sizeof(text), "limits");
	assert_non_null(strstr(text, "Max core file size        0                    0 "));
#ifndef BD_IS_SANITIZED
	assert_non_null(strstr(text, "Max open files            0                    0 "));
	/* Nobody of the same user looks into it: what is its own belongs to root. */
	struct stat memory;
	snprintf(text, sizeof(text), "/proc/%d/mem", (int)child());
	assert_int_equal(stat(text, &memory), 0);
	assert_int_equal(memory.st_uid, 0);
#endif
	close_pool(&fixture);
}

/* Whoever waits is told that nobody will come, and so is who comes later. */
static void test_workers_that_never_start(void **state)
{
	const char *kinds[] = { "exit", "mute", "confined" };
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct fixture fixture;
		open_odd(&fixture, kinds[i], UNREACHED_MS);
		struct message first = short_message(&fixture), second = short_message(&fixture);
		first.next_taken = &second;
		assert_true(counts_of(&fixture).can_start);
		bd_pool_take(fixture.pool, &first.job);
		run_until_over(&first);
		assert_int_equal(first.code, BD_WORKER_START);
		assert_int_equal(first.readies, 0);
		assert_false(counts_of(&fixture).can_start);
		run_until_over(&second);
		assert_int_equal(second.code, BD_WORKER_START);
		close_pool(&fixture);
	}
}

/* Told to end, as a reload does. One that does not is killed, and how another ends is its own
 * affair: in its place comes the next. */
static void test_workers_that_end_badly(void **state)
{
	const char *kinds[] = { "deaf", "exit 3", "stuck" };
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct fixture fixture;
		open_odd(&fixture, kinds[i], UNREACHED_MS);
		assert_int_equal(bd_pool_reload(fixture.pool, &fixture.settings, NULL), BD_OK);
		run_until_started(&fixture, 2);
		assert_int_equal(counts_of(&fixture).died, 0);
		close_pool(&fixture);
	}
}

static void test_a_worker_that_cannot_be_run(void **state)
{
	struct fixture fixture = { .settings = { .image = { "x", 1 },
					   .count = 1,
					   .worker_path = "/nonexistent/bidui-worker" } };
	struct bd_diag diag = { .code = BD_OK };
	(void)state;
	assert_int_equal(uv_loop_init(&fixture.loop), 0);
	assert_int_equal(bd_pool_new(&fixture.pool, &fixture.loop, &fixture.settings, &diag),
		BD_CONFIG_REFERENCE);
	assert_int_equal(uv_loop_close(&fixture.loop), 0);
}

/* -- what all of them need -- */

static void make_image(void)
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

static struct bd_bytes read_file(const char *path)
{
	FILE *file = fopen(source_path(&arena, path), "rbe");
	char *bytes = bd_arena_alloc(&arena, 1, 1 << 20);
	assert_non_null(file);
	size_t len = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	return (struct bd_bytes){ bytes, len };
}

/* The same rows again and again: a day's table of a few MiB. */
static void make_rows(void)
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

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	bd_arena_init(&arena, ARENA_MAX * 2);
	make_image();
	make_rows();
	tax = read_file("adapters/tax/samples/tax_gt3_response.xml");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(rows);
	bd_buf_release(&image);
	bd_arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message),
		cmocka_unit_test(test_what_is_wrong_with_a_message_costs_no_worker),
		cmocka_unit_test(test_messages_wait_their_turn),
		cmocka_unit_test(test_credit_bounds_what_waits),
		cmocka_unit_test(test_a_worker_killed_in_a_message),
		cmocka_unit_test(test_an_idle_worker_killed),
		cmocka_unit_test(test_a_worker_that_hangs),
		cmocka_unit_test(test_cancelling),
		cmocka_unit_test(test_messages_sent_ahead),
		cmocka_unit_test(test_what_a_killed_worker_had_not_come_to),
		cmocka_unit_test(test_cancelling_what_was_sent_ahead),
		cmocka_unit_test(test_a_reload),
		cmocka_unit_test(test_closing_at_once),
		cmocka_unit_test(test_no_memory_for_a_piece),
		cmocka_unit_test(test_rules_broken_in_a_message),
		cmocka_unit_test(test_a_worker_that_hangs_after_its_refusal),
		cmocka_unit_test(test_what_the_kernel_ends),
		cmocka_unit_test(test_the_next_worker_has_its_time_as_well),
		cmocka_unit_test(test_a_real_worker_is_confined),
		cmocka_unit_test(test_workers_that_never_start),
		cmocka_unit_test(test_workers_that_end_badly),
		cmocka_unit_test(test_a_worker_that_cannot_be_run),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
