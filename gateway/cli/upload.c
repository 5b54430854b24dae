#include "cli/upload_parts.h"

#include "base/json_write.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* What we take for a part, whatever the gateway says. */
#define PART_MAX_BYTES ((uint64_t)64 << 20)
#define PARTS_MAX 1048576
#define ANSWER_ARENA_BYTES ((size_t)16 << 20)

bool bd_cli_upload_is_wanted(const struct bd_cli_options *options, const struct bd_cli_file *file)
{
	/* A subject of its own, or nothing to be stored: a small matter. */
	return file->is_whole && file->opened.st_size > 0 && !options->is_dry_run &&
	       options->subject == NULL &&
	       (options->is_resuming || file->opened.st_size > BD_CLI_UPLOAD_BYTES);
}

static const struct bd_json *read_answer(
	struct bd_cli_uploading *uploading, const struct bd_cli_answer *answer)
{
	struct bd_json *json = NULL;
	struct bd_diag diag = { .code = BD_OK };

	return bd_json_parse_answer(&json, bd_buf_bytes(&answer->body), &uploading->arena, &diag) ==
			       BD_OK
		       ? json
		       : NULL;
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
static void note_parts(struct bd_cli_uploading *uploading, struct bd_bytes text)
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

uint64_t bd_cli_upload_part_len(const struct bd_cli_uploading *uploading, uint32_t part)
{
	uint64_t size = (uint64_t)uploading->file->opened.st_size;
	uint64_t at = (uint64_t)(part - 1) * uploading->part_bytes;

	return size - at < uploading->part_bytes ? size - at : uploading->part_bytes;
}

/* What the gateway says of it. */
static bool take(struct bd_cli_uploading *uploading, const struct bd_json *json)
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
		uploading->bytes_here += uploading->here[part - 1] != 0
						 ? bd_cli_upload_part_len(uploading, part)
						 : 0;
	}
	return true;
}

static bool is_text(const struct bd_json *json, const char *key, const char *wanted)
{
	return bd_bytes_is(bd_cli_text(json, key), wanted != NULL ? wanted : "");
}

/* Of the same file, pushed as the same. */
static bool is_same(const struct bd_cli_uploading *uploading, const struct bd_json *json)
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
static enum bd_cli_exit find(struct bd_cli_uploading *uploading, bool *found)
{
	const struct bd_cli_request request = { .method = "GET", .path = "/v1/uploads" };
	struct bd_cli_answer answer;
	enum bd_cli_exit result =
		bd_cli_upload_ask(&answer, uploading, uploading->connection, &request, 200);

	*found = false;
	if (result == BD_CLI_OK) {
		const struct bd_json *list =
			bd_json_get(read_answer(uploading, &answer), "uploads");

		for (const struct bd_json *item = list != NULL ? list->first : NULL;
			item != NULL && !*found; item = item->next) {
			*found = is_same(uploading, item) && take(uploading, item);
		}
	}
	bd_buf_release(&answer.body);
	return result;
}

static enum bd_code write_terms(struct bd_buf *out, const struct bd_cli_uploading *uploading)
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

static enum bd_cli_exit begin(struct bd_cli_uploading *uploading)
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
		result =
			bd_cli_upload_ask(&answer, uploading, uploading->connection, &request, 201);
	}
	if (result == BD_CLI_OK && !take(uploading, read_answer(uploading, &answer))) {
		bd_cli_notice(uploading->options, "网关的应答无法理解",
			"the gateway's answer makes no sense");
		result = BD_CLI_CONNECT;
	}
	bd_buf_release(&answer.body);
	bd_buf_release(&terms);
	return result;
}

static enum bd_cli_exit complete(struct bd_cli_uploading *uploading, const struct bd_cli_view *view)
{
	char path[128];
	const struct bd_cli_request request = { .method = "POST", .path = path };
	struct bd_cli_answer answer;
	enum bd_cli_exit result;

	snprintf(path, sizeof(path), "/v1/uploads/%s/complete", uploading->id);
	result = bd_cli_upload_ask(&answer, uploading, uploading->connection, &request, 0);
	if (result == BD_CLI_OK) {
		result = bd_cli_show_of_file(
			uploading->options, &answer, uploading->file->path, view);
	}
	bd_buf_release(&answer.body);
	return result;
}

static enum bd_cli_exit upload(struct bd_cli_uploading *uploading, const struct bd_cli_view *view)
{
	bool found = false;
	enum bd_cli_exit result =
		bd_cli_connection_new(&uploading->connection, uploading->options, true);

	if (result == BD_CLI_OK && !bd_cli_upload_digest_file(uploading)) {
		result = BD_CLI_USAGE;
	}
	if (result == BD_CLI_OK) {
		result = find(uploading, &found);
	}
	if (result == BD_CLI_OK && !found) {
		result = begin(uploading);
	}
	if (result == BD_CLI_OK && !uploading->is_done) {
		result = bd_cli_upload_send(uploading);
	}
	return result == BD_CLI_OK ? complete(uploading, view) : result;
}

enum bd_cli_exit bd_cli_upload(const struct bd_cli_options *options, struct bd_cli_file *file,
	const struct bd_cli_view *view)
{
	struct bd_cli_uploading uploading = { .options = options, .file = file };
	const struct sigaction ignored = { .sa_handler = SIG_IGN };
	struct sigaction before;
	enum bd_cli_exit result;

	bd_arena_init(&uploading.arena, ANSWER_ARENA_BYTES);
	bd_cli_upload_talk_begin(&uploading);
	/* A connection that broke is an answer like any other. */
	sigaction(SIGPIPE, &ignored, &before);
	result = upload(&uploading, view);
	sigaction(SIGPIPE, &before, NULL);
	bd_cli_upload_talk_end(&uploading);
	bd_cli_connection_free(uploading.connection);
	bd_arena_release(&uploading.arena);
	free(uploading.here);
	return result;
}
