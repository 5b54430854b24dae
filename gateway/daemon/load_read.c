/* load_read.c - files into sealed spools, through workers: each thread has a loop and workers of
 * its own and takes the next file when it is done with one. */
#include "base/clock.h"
#include "base/limits.h"
#include "daemon/load_parts.h"
#include "daemon/pool.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define CHUNK_BYTES 65536
/* Lines in hand for each worker, so that the next are there when it is ready; and of those that do
 * not go ahead, whose memory would be much. */
#define LINES_PER_WORKER 12
#define LONG_PER_WORKER 2
#define SHOW_NS 200000000
#define WORKERS_MAX 64

/* One message in hand. */
struct reading {
	struct bd_job job;
	struct reader *reader;
	bool is_busy;
	uint64_t line;
	struct bd_buf text, records, rejects;
	uint8_t sha256[BD_DIGEST_BYTES];
};

/* A thread. */
struct reader {
	struct bd_load *load;
	pthread_t thread;
	uv_loop_t loop;
	struct bd_pool *pool;
	struct bd_loading *at; /* the file in hand */
	struct reading *readings;
	size_t reading_count, busy, busy_with_long;
	char *chunk;
	/* of lines: what was read and not yet given out */
	struct bd_buf ahead;
	size_t taken;
	uint64_t line;
	bool is_end;
	bool is_done; /* with the file in hand */
};

static bool has_failed(const struct bd_load *load)
{
	return __atomic_load_n(&load->is_failed, __ATOMIC_ACQUIRE);
}

static void fail_all(struct bd_load *load, const struct bd_diag *diag)
{
	pthread_mutex_lock(&load->lock);
	if (load->diag.code == BD_OK) {
		load->diag = *diag;
	}
	pthread_mutex_unlock(&load->lock);
	__atomic_store_n(&load->is_failed, true, __ATOMIC_RELEASE);
}

static void wipe(struct bd_buf *buf)
{
	if (buf->ptr != NULL) {
		bd_wipe(buf->ptr, buf->cap);
	}
	bd_buf_release(buf);
}

/* -- the file in hand is over -- */

static void let_go(struct reader *reader)
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
static void refuse_file(struct reader *reader, const struct bd_diag *diag)
{
	reader->at->file->diag = *diag;
	let_go(reader);
}

static void refuse_code(struct reader *reader, enum bd_code code, const char *what)
{
	struct bd_diag diag = { .code = BD_OK };

	bd_fail(&diag, code, "%s", what);
	refuse_file(reader, &diag);
}

/* -- bytes -- */

static ssize_t read_some(struct reader *reader, char *out, size_t len)
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
static void feed_whole(struct reader *reader, struct reading *reading)
{
	bool is_wanted = true;

	while (is_wanted && !reader->is_end) {
		ssize_t len = read_some(reader, reader->chunk, CHUNK_BYTES);
		struct bd_bytes bytes = { reader->chunk, len > 0 ? (size_t)len : 0 };

		if (len < 0 || bd_sha256_update(reader->at->sha, bytes) != BD_OK) {
			refuse_code(reader, BD_IO, len < 0 ? strerror(errno) : "");
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

static void end_whole(struct reader *reader, const struct bd_intake_result *result)
{
	struct bd_loading *at = reader->at;
	struct bd_load_file *file = at->file;
	enum bd_code code = keep_result(at, result) ? BD_OK : BD_NO_MEMORY;
	struct bd_diag diag = { .code = BD_OK };

	code = code == BD_OK ? bd_sha256_final(at->sha, at->sha256) : code;
	code = code == BD_OK ? bd_load_key(at->key, file, 0, at->sha256) : code;
	if (code != BD_OK) {
		refuse_code(reader, code, "");
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
	let_go(reader);
}

/* -- a file with a message a line -- */

static void note_refused(struct bd_load_file *file, uint64_t line, enum bd_code code)
{
	file->refused_count++;
	if (file->refused_shown < BD_LOAD_REFUSED_MAX) {
		file->refused[file->refused_shown++] = (struct bd_load_refused){ line, code };
	}
}

static struct bd_bytes rest_of(const struct reader *reader)
{
	size_t len = reader->ahead.len - reader->taken;

	return (struct bd_bytes){ len > 0 ? reader->ahead.ptr + reader->taken : "", len };
}

/* Up to the next line feed, or the end of the file; false when there is no more. */
static bool next_line(struct bd_bytes *line, struct reader *reader, enum bd_code *code)
{
	for (;;) {
		struct bd_bytes rest = rest_of(reader);
		const char *end = rest.len > 0 ? memchr(rest.ptr, '\n', rest.len) : NULL;
		ssize_t len;

		if (end != NULL || (reader->is_end && rest.len > 0)) {
			*line = (struct bd_bytes){ rest.ptr,
				end != NULL ? (size_t)(end - rest.ptr) : rest.len };
			reader->taken += line->len + (end != NULL);
			reader->line++;
			return true;
		}
		if (reader->is_end) {
			return false;
		}
		if (reader->taken > 0) {
			memmove(reader->ahead.ptr, rest.ptr, rest.len);
			reader->ahead.len = rest.len;
			reader->taken = 0;
		}
		*code = bd_buf_reserve(&reader->ahead, CHUNK_BYTES);
		len = *code == BD_OK ? read_some(reader, reader->ahead.ptr + reader->ahead.len,
					       CHUNK_BYTES)
				     : 0;
		*code = len < 0 ? BD_IO : *code;
		if (*code == BD_OK && len > 0) {
			*code = bd_sha256_update(reader->at->sha,
				(struct bd_bytes){
					reader->ahead.ptr + reader->ahead.len, (size_t)len });
		}
		if (*code != BD_OK) {
			return false;
		}
		reader->ahead.len += (size_t)len;
		reader->is_end = len == 0;
	}
}

static bool is_blank(struct bd_bytes line)
{
	size_t at = 0;

	while (at < line.len &&
		(line.ptr[at] == ' ' || line.ptr[at] == '\r' || line.ptr[at] == '\t')) {
		at++;
	}
	return at == line.len;
}

static void end_lines(struct reader *reader)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_bulk_end(reader->at->bulk, &diag);

	code = code == BD_OK ? bd_sha256_final(reader->at->sha, reader->at->sha256) : code;
	if (code != BD_OK) {
		diag.code = code;
		fail_all(reader->load, &diag);
	}
	let_go(reader);
}

/* Gives this one the next line; the last of them to find none ends the file. */
static void take_line(struct reader *reader, struct reading *reading)
{
	struct bd_bytes line = { "", 0 };
	enum bd_code code = BD_OK;

	while (!has_failed(reader->load) && next_line(&line, reader, &code)) {
		if (is_blank(line)) {
			continue;
		}
		bd_buf_clear(&reading->text);
		bd_buf_clear(&reading->records);
		bd_buf_clear(&reading->rejects);
		code = bd_buf_add(&reading->text, line);
		code = code == BD_OK ? bd_sha256_of(line, reading->sha256) : code;
		if (code != BD_OK) {
			break;
		}
		reading->line = reader->line;
		reading->is_busy = true;
		reader->busy++;
		reading->job.goes_ahead = line.len <= BD_JOB_AHEAD_MAX_BYTES;
		reader->busy_with_long += !reading->job.goes_ahead;
		bd_pool_take(reader->pool, &reading->job);
		return;
	}
	if (code != BD_OK) {
		refuse_code(reader, code, "a line");
	} else if (has_failed(reader->load)) {
		let_go(reader);
	} else if (reader->busy == 0) {
		end_lines(reader);
	}
}

static void take_lines(struct reader *reader)
{
	const size_t long_max = reader->load->workers * (size_t)LONG_PER_WORKER;

	for (size_t i = 0; i < reader->reading_count && !reader->is_done; i++) {
		if (reader->busy_with_long < long_max && !reader->readings[i].is_busy) {
			take_line(reader, &reader->readings[i]);
		}
	}
}

static void end_line(struct reader *reader, struct reading *reading)
{
	reading->is_busy = false;
	reader->busy--;
	if (!reading->job.goes_ahead) {
		reader->busy_with_long--;
		wipe(&reading->text);
		wipe(&reading->records);
		wipe(&reading->rejects);
	}
	take_lines(reader);
}

static void add_line(
	struct reader *reader, struct reading *reading, const struct bd_intake_result *result)
{
	struct bd_load_file *file = reader->at->file;
	char key[BD_LOAD_KEY_BYTES];
	struct bd_diag diag = { .code = BD_OK };
	struct bd_entry entry;
	enum bd_code code = bd_load_key(key, file, reading->line, reading->sha256);

	bd_load_entry(&entry, reader->load, reader->at);
	bd_load_entry_result(&entry, result);
	entry.idempotency_key = bd_bytes_of(key);
	entry.delivery.has_total = false;
	entry.records = bd_buf_bytes(&reading->records);
	entry.rejects = bd_buf_bytes(&reading->rejects);
	memcpy(entry.body_sha256, reading->sha256, sizeof(entry.body_sha256));
	code = code == BD_OK ? bd_bulk_add(reader->at->bulk, &entry, reading->line, &diag) : code;
	if (code == BD_LIMIT_BYTES) {
		note_refused(file, reading->line, code);
	} else if (code != BD_OK) {
		diag.code = code;
		fail_all(reader->load, &diag);
	}
	file->received += result->received;
}

/* What it makes of its line is more than one message may hold. */
static void drop_line(struct reading *reading, enum bd_code code)
{
	bd_job_cancel(&reading->job);
	note_refused(reading->reader->at->file, reading->line, code);
	end_line(reading->reader, reading);
}

/* -- what the workers say -- */

static void on_ready(struct bd_job *job)
{
	struct reading *reading = CONTAINER(struct reading, job, job);
	struct reader *reader = reading->reader;
	const struct bd_job_settings settings = { .source = reader->at->plan->source,
		.feed = reader->at->feed->name,
		.now_ms = reader->at->received_ms,
		.max_bytes = UINT64_MAX / 2 };
	bool is_line = reader->at->bulk != NULL;
	enum bd_code code = is_line ? bd_job_send(job, &settings, bd_buf_bytes(&reading->text))
				    : bd_job_begin(job, &settings);

	if (code != BD_OK) {
		refuse_code(reader, code, "");
	} else if (!is_line) {
		feed_whole(reader, reading);
	}
}

static void on_writable(struct bd_job *job)
{
	struct reading *reading = CONTAINER(struct reading, job, job);

	if (reading->reader->at->bulk == NULL) {
		feed_whole(reading->reader, reading);
	}
}

static void on_records(struct bd_job *job, struct bd_bytes records, uint64_t count)
{
	struct reading *reading = CONTAINER(struct reading, job, job);
	struct reader *reader = reading->reader;
	struct bd_reader rest = bd_reader_of(records);
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = BD_OK;

	(void)count;
	if (reader->at->bulk != NULL) {
		if (bd_buf_add(&reading->records, records) != BD_OK) {
			drop_line(reading, BD_LIMIT_BYTES);
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
	struct reading *reading = CONTAINER(struct reading, job, job);
	struct bd_loading *at = reading->reader->at;
	bool is_line = at->bulk != NULL;

	if (bd_buf_add_sized(is_line ? &reading->rejects : &at->rejects, reject) == BD_OK) {
		return;
	}
	if (is_line) {
		drop_line(reading, BD_LIMIT_COUNT);
	} else {
		refuse_code(reading->reader, BD_LIMIT_COUNT,
			"too many rejected records in one message");
	}
}

static void on_result(struct bd_job *job, const struct bd_intake_result *result)
{
	struct reading *reading = CONTAINER(struct reading, job, job);
	struct reader *reader = reading->reader;

	if (reader->at->bulk == NULL) {
		reading->is_busy = false;
		end_whole(reader, result);
		return;
	}
	add_line(reader, reading, result);
	end_line(reader, reading);
}

static void on_fail(struct bd_job *job, const struct bd_diag *diag)
{
	struct reading *reading = CONTAINER(struct reading, job, job);
	struct reader *reader = reading->reader;

	if (diag->code == BD_WORKER_START) {
		reading->is_busy = false;
		fail_all(reader->load, diag);
		let_go(reader);
	} else if (reader->at->bulk == NULL) {
		reading->is_busy = false;
		refuse_file(reader, diag);
	} else {
		note_refused(reader->at->file, reading->line, diag->code);
		end_line(reader, reading);
	}
}

static const struct bd_job_ops job_ops = { on_ready, on_writable, on_records, on_reject, on_result,
	on_fail };

/* -- a file -- */

static enum bd_code open_whole(struct reader *reader, struct bd_loading *at, struct bd_diag *diag)
{
	bd_buf_init(&at->rejects, BD_MESSAGE_REJECTS_MAX_BYTES);
	return bd_spool_new_runs(&at->spool, reader->load->store, BD_LOAD_RUN_BYTES, diag);
}

static enum bd_code open_lines(struct reader *reader, struct bd_loading *at, struct bd_diag *diag)
{
	at->file->refused = calloc(BD_LOAD_REFUSED_MAX, sizeof(*at->file->refused));
	return at->file->refused != NULL ? bd_bulk_new(&at->bulk, reader->load->store, diag)
					 : bd_fail(diag, BD_NO_MEMORY, "%s", "");
}

static void read_file(struct reader *reader, struct bd_loading *at)
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
		code = at->file->is_lines ? open_lines(reader, at, &diag)
					  : open_whole(reader, at, &diag);
	}
	if (code != BD_OK) {
		diag.code = code;
		fail_all(reader->load, &diag);
		return;
	}
	if (at->file->is_lines) {
		take_lines(reader);
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
	while (found == NULL && load->next < load->order->count && !has_failed(load)) {
		struct bd_loading *at = &load->files[load->next++];

		found = at->file->is_repeat ? NULL : at;
	}
	pthread_mutex_unlock(&load->lock);
	return found;
}

static enum bd_code open_reader(struct reader *reader, struct bd_diag *diag)
{
	const struct bd_setup *setup = reader->load->setup;
	const struct bd_pool_settings pool = { .worker_path = setup->settings->worker_path,
		.image = setup->image,
		.keys = setup->message_keys,
		.is_best_effort = setup->settings->confinement == BD_CONFINEMENT_BEST_EFFORT,
		.count = reader->load->workers,
		.time_max_ms = (unsigned)setup->settings->message_time_max_ms };

	bd_buf_init(&reader->ahead, BD_LOAD_LINE_MAX_BYTES + 2 * CHUNK_BYTES);
	reader->reading_count = (size_t)pool.count * LINES_PER_WORKER;
	reader->readings = calloc(reader->reading_count, sizeof(*reader->readings));
	reader->chunk = malloc(CHUNK_BYTES);
	if (reader->readings == NULL || reader->chunk == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	for (size_t i = 0; i < reader->reading_count; i++) {
		struct reading *reading = &reader->readings[i];

		reading->reader = reader;
		reading->job.ops = &job_ops;
		bd_buf_init(&reading->text, BD_LOAD_LINE_MAX_BYTES + CHUNK_BYTES);
		bd_buf_init(&reading->records, BD_MESSAGE_SPOOL_BYTES);
		bd_buf_init(&reading->rejects, BD_MESSAGE_REJECTS_MAX_BYTES);
	}
	return bd_pool_new(&reader->pool, &reader->loop, &pool, diag);
}

static void on_pool_closed(void *state)
{
	(void)state;
}

static void close_reader(struct reader *reader)
{
	if (reader->pool != NULL) {
		bd_pool_close(reader->pool, on_pool_closed, NULL);
	}
	uv_run(&reader->loop, UV_RUN_DEFAULT);
	uv_loop_close(&reader->loop);
	for (size_t i = 0; reader->readings != NULL && i < reader->reading_count; i++) {
		wipe(&reader->readings[i].text);
		wipe(&reader->readings[i].records);
		wipe(&reader->readings[i].rejects);
	}
	free(reader->readings);
	free(reader->chunk);
	wipe(&reader->ahead);
}

static void *run_reader(void *state)
{
	struct reader *reader = state;
	struct bd_load *load = reader->load;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_loading *at;

	if (uv_loop_init(&reader->loop) != 0) {
		bd_fail(&diag, BD_NO_MEMORY, "no event loop");
		fail_all(load, &diag);
	} else {
		if (open_reader(reader, &diag) != BD_OK) {
			fail_all(load, &diag);
		}
		while (!has_failed(load) && (at = next_file(load)) != NULL) {
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
	struct reader *readers = calloc(count + 1, sizeof(*readers));
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
		fail_all(load, &diag);
		pthread_mutex_lock(&load->lock);
		load->running -= load->running > 0 ? count - begun : 0;
		pthread_mutex_unlock(&load->lock);
	}
	wait_for_all(load);
	for (size_t i = 0; i < begun; i++) {
		pthread_join(readers[i].thread, NULL);
	}
	free(readers);
	is_good = !has_failed(load);
	for (size_t i = 0; i < load->order->count; i++) {
		check_total(load->files[i].file);
		is_good = is_good && load->files[i].file->diag.code == BD_OK;
	}
	return is_good;
}
