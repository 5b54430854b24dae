/* load_lines.c - a file with a message a line: many lines in hand, each of its own outcome. */
#include "base/limits.h"
#include "daemon/load_read_parts.h"

#include <stdlib.h>
#include <string.h>

/* In hand of those that do not go ahead, whose memory would be much. */
#define LONG_PER_WORKER 2

static struct bd_bytes rest_of(const struct bd_load_reader *reader)
{
	size_t len = reader->ahead.len - reader->taken;

	return (struct bd_bytes){ len > 0 ? reader->ahead.ptr + reader->taken : "", len };
}

/* Up to the next line feed, or the end of the file; false when there is no more. */
static bool next_line(struct bd_bytes *line, struct bd_load_reader *reader, enum bd_code *code)
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
		*code = bd_buf_reserve(&reader->ahead, BD_LOAD_CHUNK_BYTES);
		len = *code == BD_OK
			      ? bd_load_read_some(reader, reader->ahead.ptr + reader->ahead.len,
					BD_LOAD_CHUNK_BYTES)
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

static void end_lines(struct bd_load_reader *reader)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_bulk_end(reader->at->bulk, &diag);

	code = code == BD_OK ? bd_sha256_final(reader->at->sha, reader->at->sha256) : code;
	if (code != BD_OK) {
		diag.code = code;
		bd_load_fail(reader->load, &diag);
	}
	bd_load_let_go(reader);
}

/* Gives this one the next line; the last of them to find none ends the file. */
static void take_line(struct bd_load_reader *reader, struct bd_load_reading *reading)
{
	struct bd_bytes line = { "", 0 };
	enum bd_code code = BD_OK;

	while (!bd_load_has_failed(reader->load) && next_line(&line, reader, &code)) {
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
		bd_load_refuse_code(reader, code, "a line");
	} else if (bd_load_has_failed(reader->load)) {
		bd_load_let_go(reader);
	} else if (reader->busy == 0) {
		end_lines(reader);
	}
}

void bd_load_take_lines(struct bd_load_reader *reader)
{
	const size_t long_max = reader->load->workers * (size_t)LONG_PER_WORKER;

	for (size_t i = 0; i < reader->reading_count && !reader->is_done; i++) {
		if (reader->busy_with_long < long_max && !reader->readings[i].is_busy) {
			take_line(reader, &reader->readings[i]);
		}
	}
}

void bd_load_end_line(struct bd_load_reader *reader, struct bd_load_reading *reading)
{
	reading->is_busy = false;
	reader->busy--;
	if (!reading->job.goes_ahead) {
		reader->busy_with_long--;
		bd_buf_wipe(&reading->text);
		bd_buf_wipe(&reading->records);
		bd_buf_wipe(&reading->rejects);
	}
	bd_load_take_lines(reader);
}

void bd_load_add_line(struct bd_load_reader *reader, struct bd_load_reading *reading,
	const struct bd_intake_result *result)
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
		bd_load_note_refused(file, reading->line, code);
	} else if (code != BD_OK) {
		diag.code = code;
		bd_load_fail(reader->load, &diag);
	}
	file->received += result->received;
}

void bd_load_drop_line(struct bd_load_reading *reading, enum bd_code code)
{
	bd_job_cancel(&reading->job);
	bd_load_note_refused(reading->reader->at->file, reading->line, code);
	bd_load_end_line(reading->reader, reading);
}

enum bd_code bd_load_open_lines(
	struct bd_load_reader *reader, struct bd_loading *at, struct bd_diag *diag)
{
	at->file->refused = calloc(BD_LOAD_REFUSED_MAX, sizeof(*at->file->refused));
	return at->file->refused != NULL ? bd_bulk_new(&at->bulk, reader->load->store, diag)
					 : bd_fail(diag, BD_NO_MEMORY, "%s", "");
}
