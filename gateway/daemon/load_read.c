/* load_read.c - files into sealed spools, through workers: each thread has a loop and workers of
 * its own and takes the next file when it is done with one. */
#include "base/clock.h"
#include "base/limits.h"
#include "daemon/load_read_parts.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define SHOW_NS 200000000
#define WORKERS_MAX 64

bool bd_load_has_failed(const struct bd_load *load)
{
	return __atomic_load_n(&load->is_failed, __ATOMIC_ACQUIRE);
}

void bd_load_fail(struct bd_load *load, const struct bd_diag *diag)
{
	pthread_mutex_lock(&load->lock);
	if (load->diag.code == BD_OK) {
		load->diag = *diag;
	}
	pthread_mutex_unlock(&load->lock);
	__atomic_store_n(&load->is_failed, true, __ATOMIC_RELEASE);
}

/* -- the file in hand is over -- */

void bd_load_let_go(struct bd_load_reader *reader)
{
	for (size_t i = 0; i < reader->reading_count; i++) {
		if (reader->readings[i].is_busy) {
			reader->readings[i].is_busy = false;
			bd_job_cancel(&reader->readings[i].job);
		}
	}
	reader->busy = reader->busy_with_long = 0;
	reader->is_done = true;
}

/* The file cannot be taken, and so the load cannot; the others still say what is wrong with them.
 */
static void refuse_file(struct bd_load_reader *reader, const struct bd_diag *diag)
{
	reader->at->file->diag = *diag;
	bd_load_let_go(reader);
}

void bd_load_refuse_code(struct bd_load_reader *reader, enum bd_code code, const char *what)
{
	struct bd_diag diag = { .code = BD_OK };

	bd_fail(&diag, code, "%s", what);
	refuse_file(reader, &diag);
}

/* -- bytes -- */

ssize_t bd_load_read_some(struct bd_load_reader *reader, char *out, size_t len)
{
	ssize_t got;

	do {
		got = read(reader->at->file->fd, out, len);
	} while (got < 0 && errno == EINTR);
	if (got > 0) {
		__atomic_add_fetch(&reader->at->read, (uint64_t)got, __ATOMIC_RELAXED);
	}
	return got;
}

/* -- a file that is one message -- */

/* As much as the worker takes. */
static void feed_whole(struct bd_load_reader *reader, struct bd_load_reading *reading)
{
	bool is_wanted = true;

	while (is_wanted && !reader->is_end) {
		ssize_t len = bd_load_read_some(reader, reader->chunk, BD_LOAD_CHUNK_BYTES);
		struct bd_bytes bytes = { reader->chunk, len > 0 ? (size_t)len : 0 };

		if (len < 0 || bd_sha256_update(reader->at->sha, bytes) != BD_OK) {
			bd_load_refuse_code(reader, BD_IO, len < 0 ? strerror(errno) : "");
			return;
		}
		reader->is_end = len == 0;
		is_wanted = !reader->is_end && bd_job_write(&reading->job, bytes);
	}
	if (reader->is_end) {
		bd_job_end(&reading->job);
	}
}

static bool keep_result(struct bd_loading *at, const struct bd_intake_result *result)
{
	struct bd_arena *arena = &at->arena;
	struct bd_identifier *subject =
		bd_arena_alloc(arena, result->subject_count, sizeof(*subject));
	const char **sections = bd_arena_alloc(arena, result->section_count, sizeof(const char *));
	bool is_good = subject != NULL && sections != NULL;

	at->result = *result;
	for (size_t i = 0; is_good && i < result->subject_count; i++) {
		subject[i] = (struct bd_identifier){ result->subject[i].kind,
			bd_arena_copy(arena, result->subject[i].issuer),
			bd_arena_copy(arena, result->subject[i].number) };
		is_good = subject[i].issuer.ptr != NULL && subject[i].number.ptr != NULL;
	}
	for (size_t i = 0; is_good && i < result->section_count; i++) {
		sections[i] = bd_arena_text(arena, bd_bytes_of(result->sections[i]));
		is_good = sections[i] != NULL;
	}
	at->result.subject = subject;
	at->result.sections = sections;
	at->result.unmapped_count = 0;
	at->result.tally_count = 0;
	return is_good;
}

static void end_whole(struct bd_load_reader *reader, const struct bd_intake_result *result)
{
	struct bd_loading *at = reader->at;
	struct bd_load_file *file = at->file;
	enum bd_code code = keep_result(at, result) ? BD_OK : BD_NO_MEMORY;
	struct bd_diag diag = { .code = BD_OK };

	code = code == BD_OK ? bd_sha256_final(at->sha, at->sha256) : code;
	code = code == BD_OK ? bd_load_key(at->key, file, 0, at->sha256) : code;
	if (code != BD_OK) {
		bd_load_refuse_code(reader, code, "");
		return;
	}
	/* It may be long until it is stored, and there may be many. */
	code = bd_spool_finish(at->spool, &diag);
	if (code != BD_OK) {
		diag.code = code;
		refuse_file(reader, &diag);
		return;
	}
	file->received = result->received;
	file->accepted = result->accepted;
	file->rejected = result->rejected;
	bd_load_let_go(reader);
}

/* -- what the workers say -- */

static void on_ready(struct bd_job *job)
{
	struct bd_load_reading *reading = CONTAINER(struct bd_load_reading, job, job);
	struct bd_load_reader *reader = reading->reader;
	const struct bd_job_settings settings = { .source = reader->at->plan->source,
		.feed = reader->at->feed->name,
		.now_ms = reader->at->received_ms,
		.max_bytes = UINT64_MAX / 2 };
	bool is_line = reader->at->bulk != NULL;
	enum bd_code code = is_line ? bd_job_send(job, &settings, bd_buf_bytes(&reading->text))
				    : bd_job_begin(job, &settings);

	if (code != BD_OK) {
		bd_load_refuse_code(reader, code, "");
	} else if (!is_line) {
		feed_whole(reader, reading);
	}
}

static void on_writable(struct bd_job *job)
{
	struct bd_load_reading *reading = CONTAINER(struct bd_load_reading, job, job);

	if (reading->reader->at->bulk == NULL) {
		feed_whole(reading->reader, reading);
	}
}

static void on_records(struct bd_job *job, struct bd_bytes records, uint64_t count)
{
	struct bd_load_reading *reading = CONTAINER(struct bd_load_reading, job, job);
	struct bd_load_reader *reader = reading->reader;
	struct bd_reader rest = bd_reader_of(records);
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = BD_OK;

	(void)count;
	if (reader->at->bulk != NULL) {
		if (bd_buf_add(&reading->records, records) != BD_OK) {
			bd_load_drop_line(reading, BD_LIMIT_BYTES);
		}
		return;
	}
	while (rest.rest.len > 0 && code == BD_OK) {
		struct bd_bytes record = bd_read_sized(&rest);

		code = rest.ok ? bd_spool_add(reader->at->spool, record, &diag)
			       : bd_fail(&diag, BD_WORKER_DIED, "records of a wrong length");
	}
	if (code != BD_OK) {
		diag.code = code;
		refuse_file(reader, &diag);
	}
}

static void on_reject(struct bd_job *job, struct bd_bytes reject)
{
	struct bd_load_reading *reading = CONTAINER(struct bd_load_reading, job, job);
	struct bd_loading *at = reading->reader->at;
	bool is_line = at->bulk != NULL;

	if (bd_buf_add_sized(is_line ? &reading->rejects : &at->rejects, reject) == BD_OK) {
		return;
	}
	if (is_line) {
		bd_load_drop_line(reading, BD_LIMIT_COUNT);
	} else {
		bd_load_refuse_code(reading->reader, BD_LIMIT_COUNT,
			"too many rejected records in one message");
	}
}

static void on_result(struct bd_job *job, const struct bd_intake_result *result)
{
	struct bd_load_reading *reading = CONTAINER(struct bd_load_reading, job, job);
	struct bd_load_reader *reader = reading->reader;

	if (reader->at->bulk == NULL) {
		reading->is_busy = false;
		end_whole(reader, result);
		return;
	}
	bd_load_add_line(reader, reading, result);
	bd_load_end_line(reader, reading);
}

static void on_fail(struct bd_job *job, const struct bd_diag *diag)
{
	struct bd_load_reading *reading = CONTAINER(struct bd_load_reading, job, job);
	struct bd_load_reader *reader = reading->reader;

	if (diag->code == BD_WORKER_START) {
		reading->is_busy = false;
		bd_load_fail(reader->load, diag);
		bd_load_let_go(reader);
	} else if (reader->at->bulk == NULL) {
		reading->is_busy = false;
		refuse_file(reader, diag);
	} else {
		bd_load_note_refused(reader->at->file, reading->line, diag->code);
		bd_load_end_line(reader, reading);
	}
}

static const struct bd_job_ops job_ops = { on_ready, on_writable, on_records, on_reject, on_result,
	on_fail };

/* -- a file -- */

static enum bd_code open_whole(
	struct bd_load_reader *reader, struct bd_loading *at, struct bd_diag *diag)
{
	bd_buf_init(&at->rejects, BD_MESSAGE_REJECTS_MAX_BYTES);
	return bd_spool_new_runs(&at->spool, reader->load->store, BD_LOAD_RUN_BYTES, diag);
}

static void read_file(struct bd_load_reader *reader, struct bd_loading *at)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	reader->at = at;
	reader->is_end = reader->is_done = false;
	reader->line = 0;
	reader->taken = 0;
	bd_buf_clear(&reader->ahead);
	at->received_ms = bd_clock_wall_ms();
	code = bd_sha256_new(&at->sha);
	if (code == BD_OK) {
		code = at->file->is_lines ? bd_load_open_lines(reader, at, &diag)
					  : open_whole(reader, at, &diag);
	}
	if (code != BD_OK) {
		diag.code = code;
		bd_load_fail(reader->load, &diag);
		return;
	}
	if (at->file->is_lines) {
		bd_load_take_lines(reader);
	} else {
		reader->readings[0].is_busy = true;
		reader->readings[0].job.goes_ahead = false;
		bd_pool_take(reader->pool, &reader->readings[0].job);
	}
	/* One that holds nothing may be done with already. */
	while (!reader->is_done) {
		uv_run(&reader->loop, UV_RUN_ONCE);
	}
}

/* -- a thread -- */

static struct bd_loading *next_file(struct bd_load *load)
{
	struct bd_loading *found = NULL;

	pthread_mutex_lock(&load->lock);
	while (found == NULL && load->next < load->order->count && !bd_load_has_failed(load)) {
		struct bd_loading *at = &load->files[load->next++];

		found = at->file->is_repeat ? NULL : at;
	}
	pthread_mutex_unlock(&load->lock);
	return found;
}

static enum bd_code open_reader(struct bd_load_reader *reader, struct bd_diag *diag)
{
	const struct bd_setup *setup = reader->load->setup;
	const struct bd_pool_settings pool = { .worker_path = setup->settings->worker_path,
		.image = setup->image,
		.keys = setup->message_keys,
		.is_best_effort = setup->settings->confinement == BD_CONFINEMENT_BEST_EFFORT,
		.count = reader->load->workers,
		.time_max_ms = (unsigned)setup->settings->message_time_max_ms };

	bd_buf_init(&reader->ahead, BD_LOAD_LINE_MAX_BYTES + 2 * BD_LOAD_CHUNK_BYTES);
	reader->reading_count = (size_t)pool.count * BD_LOAD_LINES_PER_WORKER;
	reader->readings = calloc(reader->reading_count, sizeof(*reader->readings));
	reader->chunk = malloc(BD_LOAD_CHUNK_BYTES);
	if (reader->readings == NULL || reader->chunk == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	for (size_t i = 0; i < reader->reading_count; i++) {
		struct bd_load_reading *reading = &reader->readings[i];

		reading->reader = reader;
		reading->job.ops = &job_ops;
		bd_buf_init(&reading->text, BD_LOAD_LINE_MAX_BYTES + BD_LOAD_CHUNK_BYTES);
		bd_buf_init(&reading->records, BD_MESSAGE_SPOOL_BYTES);
		bd_buf_init(&reading->rejects, BD_MESSAGE_REJECTS_MAX_BYTES);
	}
	return bd_pool_new(&reader->pool, &reader->loop, &pool, diag);
}

static void on_pool_closed(void *state)
{
	(void)state;
}

static void close_reader(struct bd_load_reader *reader)
{
	if (reader->pool != NULL) {
		bd_pool_close(reader->pool, on_pool_closed, NULL);
	}
	uv_run(&reader->loop, UV_RUN_DEFAULT);
	uv_loop_close(&reader->loop);
	for (size_t i = 0; reader->readings != NULL && i < reader->reading_count; i++) {
		bd_buf_wipe(&reader->readings[i].text);
		bd_buf_wipe(&reader->readings[i].records);
		bd_buf_wipe(&reader->readings[i].rejects);
	}
	free(reader->readings);
	free(reader->chunk);
	bd_buf_wipe(&reader->ahead);
}

static void *run_reader(void *state)
{
	struct bd_load_reader *reader = state;
	struct bd_load *load = reader->load;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_loading *at;

	if (uv_loop_init(&reader->loop) != 0) {
		bd_fail(&diag, BD_NO_MEMORY, "no event loop");
		bd_load_fail(load, &diag);
	} else {
		if (open_reader(reader, &diag) != BD_OK) {
			bd_load_fail(load, &diag);
		}
		while (!bd_load_has_failed(load) && (at = next_file(load)) != NULL) {
			read_file(reader, at);
		}
		close_reader(reader);
	}
	pthread_mutex_lock(&load->lock);
	load->running--;
	pthread_cond_signal(&load->ended);
	pthread_mutex_unlock(&load->lock);
	return NULL;
}

/* -- all of them -- */

static void show_read(const struct bd_load *load)
{
	uint64_t done = 0;

	for (size_t i = 0; i < load->order->count; i++) {
		done += __atomic_load_n(&load->files[i].read, __ATOMIC_RELAXED);
	}
	bd_load_show(load, BD_LOAD_READS, done);
}

static void wait_for_all(struct bd_load *load)
{
	pthread_mutex_lock(&load->lock);
	while (load->running > 0) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += SHOW_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&load->ended, &load->lock, &until);
		show_read(load);
	}
	pthread_mutex_unlock(&load->lock);
}

static void check_total(struct bd_load_file *file)
{
	if (file->diag.code == BD_OK && !file->is_repeat && file->delivery.has_total &&
		file->delivery.total != file->received) {
		bd_fail(&file->diag, BD_DELIVERY_TOTAL, "received %llu, control total %llu",
			(unsigned long long)file->received,
			(unsigned long long)file->delivery.total);
	}
}

static size_t count_threads(struct bd_load *load)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t workers = cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (size_t)cores;
	size_t files = 0;

	for (size_t i = 0; i < load->order->count; i++) {
		files += !load->files[i].file->is_repeat;
	}
	files = files < workers ? files : workers;
	load->workers = files > 0 ? (unsigned)((workers + files - 1) / files) : 1;
	return files;
}

bool bd_load_read(struct bd_load *load)
{
	size_t count = count_threads(load), begun = 0;
	struct bd_load_reader *readers = calloc(count + 1, sizeof(*readers));
	struct bd_diag diag = { .code = BD_OK };
	bool is_good;

	load->running = readers != NULL ? count : 0;
	for (; readers != NULL && begun < count; begun++) {
		readers[begun].load = load;
		if (pthread_create(&readers[begun].thread, NULL, run_reader, &readers[begun]) !=
			0) {
			break;
		}
	}
	if (readers == NULL || begun < count) {
		bd_fail(&diag, BD_NO_MEMORY, "no thread");
		bd_load_fail(load, &diag);
		pthread_mutex_lock(&load->lock);
		load->running -= load->running > 0 ? count - begun : 0;
		pthread_mutex_unlock(&load->lock);
	}
	wait_for_all(load);
	for (size_t i = 0; i < begun; i++) {
		pthread_join(readers[i].thread, NULL);
	}
	free(readers);
	is_good = !bd_load_has_failed(load);
	for (size_t i = 0; i < load->order->count; i++) {
		check_total(load->files[i].file);
		is_good = is_good && load->files[i].file->diag.code == BD_OK;
	}
	return is_good;
}
