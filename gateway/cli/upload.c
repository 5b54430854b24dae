#include "cli/upload.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/json_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)1 << 20)
/* What we take for a part, whatever the gateway says. */
#define PART_MAX_BYTES ((uint64_t)64 << 20)
#define PARTS_MAX 1048576
/* Waits between two tries: 1, 2, 4 ... 30 s; so many of them without --resume, about a minute. */
#define WAIT_MAX_S 30
#define TRIES_MAX 6
#define ANSWER_ARENA_BYTES ((size_t)16 << 20)

struct uploading {
	const struct bd_cli_options *options;
	struct bd_cli_file *file;
	char digest[64]; /* "sha-256=:...:" */
	char id[64];
	uint64_t part_bytes;
	uint32_t parts;
	uint8_t *here; /* a byte a part */
	uint64_t bytes_here;
	bool is_done; /* stored by an earlier run */
	struct bd_buf part;
	struct bd_arena arena;
};

bool bd_cli_upload_is_wanted(const struct bd_cli_options *options, const struct bd_cli_file *file)
{
	/* A subject of its own, or nothing to be stored: a small matter. */
	return file->is_whole && file->opened.st_size > 0 && !options->is_dry_run &&
	       options->subject == NULL &&
	       (options->is_resuming || file->opened.st_size > BD_CLI_UPLOAD_BYTES);
}

/* -- the file -- */

static bool read_at(const struct uploading *uploading, char *out, size_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t got = pread(uploading->file->fd, out, len, (off_t)at);

		if (got == 0 || (got < 0 && errno != EINTR)) {
			fprintf(stderr, "bidui: %s: %s\n", uploading->file->path,
				got < 0 ? strerror(errno)
					: bd_cli_say(uploading->options, "文件变短了",
						  "it has become shorter"));
			return false;
		}
		out += got > 0 ? got : 0;
		len -= got > 0 ? (size_t)got : 0;
		at += got > 0 ? (uint64_t)got : 0;
	}
	return true;
}

static bool digest_text(char out[64], const uint8_t sha256[BD_DIGEST_BYTES])
{
	struct bd_buf text = { out, 0, 64, 64 };

	return bd_buf_add_text(&text, "sha-256=:") == BD_OK &&
	       bd_base64_add(&text, (struct bd_bytes){ (const char *)sha256, BD_DIGEST_BYTES }) ==
		       BD_OK &&
	       bd_buf_add_text(&text, ":") == BD_OK && bd_buf_add_byte(&text, '\0') == BD_OK;
}

static bool digest_file(struct uploading *uploading)
{
	uint64_t at = 0, size = (uint64_t)uploading->file->opened.st_size;
	char *chunk = malloc(CHUNK_BYTES);
	uint8_t sha256[BD_DIGEST_BYTES];
	struct bd_sha256 *sha = NULL;
	bool is_good = chunk != NULL && bd_sha256_new(&sha) == BD_OK;

	while (is_good && at < size) {
		size_t len = size - at < CHUNK_BYTES ? (size_t)(size - at) : CHUNK_BYTES;

		is_good = read_at(uploading, chunk, len, at) &&
			  bd_sha256_update(sha, (struct bd_bytes){ chunk, len }) == BD_OK;
		at += len;
	}
	is_good = is_good && bd_sha256_final(sha, sha256) == BD_OK &&
		  digest_text(uploading->digest, sha256);
	bd_sha256_free(sha);
	free(chunk);
	return is_good;
}

/* -- asking, and again -- */

static bool may_come_right(enum bd_cli_exit result, const struct bd_cli_answer *answer)
{
	return result == BD_CLI_CONNECT ||
	       (result == BD_CLI_OK &&
		       (answer->status == 429 || answer->status == 500 || answer->status == 502 ||
			       answer->status == 503 || answer->status == 504));
}

static void wait_for(const struct uploading *uploading, unsigned seconds)
{
	struct timespec left = { .tv_sec = seconds };

	fprintf(stderr,
		bd_cli_say(uploading->options, "bidui: 中断，%u 秒后接续\n",
			"bidui: interrupted, going on in %u s\n"),
		seconds);
	while (nanosleep(&left, &left) != 0 && errno == EINTR) {
	}
}

/* The caller releases the answer's body. */
static enum bd_cli_exit ask(struct bd_cli_answer *answer, const struct uploading *uploading,
	const struct bd_cli_request *request)
{
	unsigned seconds = 1;

	for (unsigned tries = 1;; tries++) {
		enum bd_cli_exit result = bd_cli_send(answer, uploading->options, request);

		if (!may_come_right(result, answer) ||
			(tries >= TRIES_MAX && !uploading->options->is_resuming)) {
			return result;
		}
		bd_buf_release(&answer->body);
		wait_for(uploading, seconds);
		seconds = seconds * 2 < WAIT_MAX_S ? seconds * 2 : WAIT_MAX_S;
	}
}

static const struct bd_json *read_answer(
	struct uploading *uploading, const struct bd_cli_answer *answer)
{
	struct bd_json *json = NULL;
	struct bd_diag diag = { .code = BD_OK };

	return bd_json_parse_answer(&json, bd_buf_bytes(&answer->body), &uploading->arena, &diag) ==
			       BD_OK
		       ? json
		       : NULL;
}

/* A problem, shown; its exit code. */
static enum bd_cli_exit tell(const struct uploading *uploading, const struct bd_cli_answer *answer)
{
	static const struct bd_cli_view none = { NULL, NULL };

	return bd_cli_show_of_file(uploading->options, answer, uploading->file->path, &none);
}

static enum bd_cli_exit odd_answer(const struct uploading *uploading)
{
	bd_cli_notice(
		uploading->options, "网关的应答无法理解", "the gateway's answer makes no sense");
	return BD_CLI_CONNECT;
}

/* -- the upload -- */

static bool number_of(uint64_t *out, const struct bd_json *json, const char *key)
{
	const struct bd_json *node = bd_json_get(json, key);

	*out = node != NULL && node->type == BD_JSON_IS_NUMBER ? strtoull(node->text.ptr, NULL, 10)
							       : 0;
	return *out > 0;
}

/* "1-5" or "7". */
static void note_parts(struct uploading *uploading, struct bd_bytes text)
{
	char *end = NULL;
	unsigned long first = strtoul(text.ptr, &end, 10), last = first;

	if (*end == '-') {
		last = strtoul(end + 1, NULL, 10);
	}
	for (unsigned long part = first; part >= 1 && part <= last && part <= uploading->parts;
		part++) {
		uploading->here[part - 1] = 1;
	}
}

static uint64_t part_len(const struct uploading *uploading, uint32_t part)
{
	uint64_t size = (uint64_t)uploading->file->opened.st_size;
	uint64_t at = (uint64_t)(part - 1) * uploading->part_bytes;

	return size - at < uploading->part_bytes ? size - at : uploading->part_bytes;
}

/* What the gateway says of it. */
static bool take(struct uploading *uploading, const struct bd_json *json)
{
	struct bd_bytes id = bd_cli_text(json, "upload");
	const struct bd_json *received = bd_json_get(json, "received");
	uint64_t parts = 0;

	if (id.len == 0 || id.len >= sizeof(uploading->id) || received == NULL ||
		!number_of(&uploading->part_bytes, json, "part_bytes") ||
		uploading->part_bytes > PART_MAX_BYTES || !number_of(&parts, json, "parts") ||
		parts > PARTS_MAX ||
		parts != ((uint64_t)uploading->file->opened.st_size + uploading->part_bytes - 1) /
				 uploading->part_bytes) {
		return false;
	}
	memcpy(uploading->id, id.ptr, id.len);
	uploading->id[id.len] = '\0';
	uploading->parts = (uint32_t)parts;
	uploading->is_done = bd_bytes_is(bd_cli_text(json, "state"), "done");
	free(uploading->here);
	uploading->here = calloc(uploading->parts, 1);
	if (uploading->here == NULL) {
		return false;
	}
	for (const struct bd_json *item = received->first; item != NULL; item = item->next) {
		note_parts(uploading, item->text);
	}
	uploading->bytes_here = 0;
	for (uint32_t part = 1; part <= uploading->parts; part++) {
		uploading->bytes_here +=
			uploading->here[part - 1] != 0 ? part_len(uploading, part) : 0;
	}
	return true;
}

static bool is_text(const struct bd_json *json, const char *key, const char *wanted)
{
	return bd_bytes_is(bd_cli_text(json, key), wanted != NULL ? wanted : "");
}

/* Of the same file, pushed as the same. */
static bool is_same(const struct uploading *uploading, const struct bd_json *json)
{
	const struct bd_cli_options *options = uploading->options;
	char total[32] = "";

	if (options->has_total) {
		snprintf(total, sizeof(total), "%" PRIu64, options->total);
	}
	return is_text(json, "digest", uploading->digest) &&
	       is_text(json, "source", options->source) && is_text(json, "feed", options->feed) &&
	       is_text(json, "delivery", options->delivery) && is_text(json, "total", total) &&
	       bd_cli_is_true(json, "baseline") == options->is_baseline &&
	       bd_cli_is_true(json, "atomic") == options->is_atomic;
}

/* *found false: there is none like it. */
static enum bd_cli_exit find(struct uploading *uploading, bool *found)
{
	const struct bd_cli_request request = { .method = "GET", .path = "/v1/uploads" };
	struct bd_cli_answer answer;
	enum bd_cli_exit result = ask(&answer, uploading, &request);

	*found = false;
	if (result == BD_CLI_OK && answer.status == 200) {
		const struct bd_json *list =
			bd_json_get(read_answer(uploading, &answer), "uploads");

		for (const struct bd_json *item = list != NULL ? list->first : NULL;
			item != NULL && !*found; item = item->next) {
			*found = is_same(uploading, item) && take(uploading, item);
		}
	} else if (result == BD_CLI_OK) {
		result = tell(uploading, &answer);
	}
	bd_buf_release(&answer.body);
	return result;
}

static enum bd_code write_terms(struct bd_buf *out, const struct uploading *uploading)
{
	const struct bd_cli_options *options = uploading->options;
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "source", options->source);
	bd_jw_text(&w, "feed", options->feed);
	bd_jw_u64(&w, "length", (uint64_t)uploading->file->opened.st_size);
	bd_jw_text(&w, "digest", uploading->digest);
	if (options->delivery != NULL) {
		bd_jw_text(&w, "delivery", options->delivery);
	}
	if (options->has_total) {
		bd_jw_u64(&w, "total", options->total);
	}
	bd_jw_bool(&w, "baseline", options->is_baseline);
	bd_jw_bool(&w, "atomic", options->is_atomic);
	bd_jw_bool(&w, "gzip", uploading->file->is_gzip);
	bd_jw_object_end(&w);
	return w.code;
}

static enum bd_cli_exit begin(struct uploading *uploading)
{
	struct bd_cli_request request = {
		.method = "POST", .path = "/v1/uploads", .content_type = "application/json"
	};
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_cli_answer answer = { .status = 0 };
	struct bd_buf terms;

	bd_buf_init(&terms, 65536);
	if (write_terms(&terms, uploading) == BD_OK) {
		request.text = bd_buf_bytes(&terms);
		result = ask(&answer, uploading, &request);
	}
	if (result == BD_CLI_OK && answer.status != 201) {
		result = tell(uploading, &answer);
	} else if (result == BD_CLI_OK && !take(uploading, read_answer(uploading, &answer))) {
		result = odd_answer(uploading);
	}
	bd_buf_release(&answer.body);
	bd_buf_release(&terms);
	return result;
}

/* -- its parts -- */

static enum bd_cli_exit send_part(struct uploading *uploading, uint32_t part)
{
	size_t len = (size_t)part_len(uploading, part);
	uint8_t sha256[BD_DIGEST_BYTES];
	char path[128], digest[64];
	struct bd_cli_request request = { .method = "PUT",
		.path = path,
		.content_type = "application/octet-stream",
		.content_digest = digest };
	struct bd_cli_answer answer = { .status = 0 };
	enum bd_cli_exit result;

	bd_buf_clear(&uploading->part);
	if (bd_buf_reserve(&uploading->part, len) != BD_OK ||
		!read_at(uploading, uploading->part.ptr, len,
			(uint64_t)(part - 1) * uploading->part_bytes)) {
		return BD_CLI_USAGE;
	}
	request.text = (struct bd_bytes){ uploading->part.ptr, len };
	if (bd_sha256_of(request.text, sha256) != BD_OK || !digest_text(digest, sha256)) {
		return BD_CLI_USAGE;
	}
	snprintf(path, sizeof(path), "/v1/uploads/%s/parts/%u", uploading->id, part);
	result = ask(&answer, uploading, &request);
	if (result == BD_CLI_OK && answer.status != 204) {
		result = tell(uploading, &answer);
	}
	bd_buf_release(&answer.body);
	return result;
}

static enum bd_cli_exit send_parts(struct uploading *uploading)
{
	struct bd_cli_progress progress;
	enum bd_cli_exit result = BD_CLI_OK;

	if (uploading->bytes_here > 0) {
		fprintf(stderr,
			bd_cli_say(uploading->options, "bidui: 接续上传：已有 %" PRIu64 " 字节\n",
				"bidui: going on: %" PRIu64 " bytes are there\n"),
			uploading->bytes_here);
	}
	bd_cli_progress_begin(&progress, uploading->options, true,
		(int64_t)uploading->file->opened.st_size, bd_clock_monotonic_ms());
	for (uint32_t part = 1; part <= uploading->parts && result == BD_CLI_OK; part++) {
		if (uploading->here[part - 1] != 0) {
			continue;
		}
		result = send_part(uploading, part);
		uploading->bytes_here += result == BD_CLI_OK ? part_len(uploading, part) : 0;
		bd_cli_progress_show(&progress, uploading->bytes_here, bd_clock_monotonic_ms());
	}
	bd_cli_progress_end(&progress, bd_clock_monotonic_ms());
	return result;
}

static enum bd_cli_exit complete(struct uploading *uploading, const struct bd_cli_view *view)
{
	char path[128];
	const struct bd_cli_request request = { .method = "POST", .path = path };
	struct bd_cli_answer answer;
	enum bd_cli_exit result;

	snprintf(path, sizeof(path), "/v1/uploads/%s/complete", uploading->id);
	result = ask(&answer, uploading, &request);
	if (result == BD_CLI_OK) {
		result = bd_cli_show_of_file(
			uploading->options, &answer, uploading->file->path, view);
	}
	bd_buf_release(&answer.body);
	return result;
}

enum bd_cli_exit bd_cli_upload(const struct bd_cli_options *options, struct bd_cli_file *file,
	const struct bd_cli_view *view)
{
	struct uploading uploading = { .options = options, .file = file };
	enum bd_cli_exit result = BD_CLI_USAGE;
	bool found = false;

	bd_arena_init(&uploading.arena, ANSWER_ARENA_BYTES);
	bd_buf_init(&uploading.part, PART_MAX_BYTES);
	if (digest_file(&uploading)) {
		result = find(&uploading, &found);
	}
	if (result == BD_CLI_OK && !found) {
		result = begin(&uploading);
	}
	if (result == BD_CLI_OK && !uploading.is_done) {
		result = send_parts(&uploading);
	}
	if (result == BD_CLI_OK) {
		result = complete(&uploading, view);
	}
	if (uploading.part.ptr != NULL) {
		bd_wipe(uploading.part.ptr, uploading.part.cap);
	}
	bd_buf_release(&uploading.part);
	bd_arena_release(&uploading.arena);
	free(uploading.here);
	return result;
}
