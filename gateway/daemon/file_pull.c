#include "daemon/file_pull.h"

#include "base/clock.h"
#include "base/file_pattern.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/file_list.h"
#include "daemon/pulling.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Of SHA-256 over name and time: enough to tell the files of a folder apart. */
#define ID_BYTES 16
#define ID_HEX (2 * ID_BYTES)
#define PROGRESS_MAX_BYTES (BD_SOURCE_FILES_MAX * (ID_HEX + 1) + 64)

struct id {
	uint8_t bytes[ID_BYTES];
	bool is_seen;   /* in this run */
	bool is_spoilt; /* it was refused for what is in it; not kept */
};

struct bd_file_pull {
	struct bd_pulling pulling;
	/* a run */
	struct bd_turn turn;
	struct bd_http_fetch fetch;
	struct bd_http_request http;
	bool is_listing;
	struct bd_buf listed, url;
	struct bd_listed *files;
	size_t file_count, at;
	uint8_t now_id[ID_BYTES];
	enum bd_code worst; /* of this run */
	/* what was taken */
	struct id *done;
	size_t done_count;
};

static void next_file(struct bd_file_pull *pull);

static struct bd_file_pull *pull_of(struct bd_asking *asking)
{
	return CONTAINER(struct bd_file_pull, pulling.asking, asking);
}

static void finish_run(struct bd_file_pull *pull, enum bd_code code, const char *detail)
{
	struct bd_diag diag = { .code = BD_OK };

	if (code != BD_OK) {
		bd_fail(&diag, code, "%s", detail);
	}
	bd_pulling_finish(&pull->pulling, &diag);
}

/* -- what was taken -- */

static struct id *find_done(const struct bd_file_pull *pull, const uint8_t *bytes)
{
	for (size_t i = 0; i < pull->done_count; i++) {
		if (memcmp(pull->done[i].bytes, bytes, ID_BYTES) == 0) {
			return &pull->done[i];
		}
	}
	return NULL;
}

/* When there is no room the oldest that is not in the folder any more makes some. */
static void add_done(struct bd_file_pull *pull, const uint8_t *bytes, bool is_spoilt)
{
	struct id *id = find_done(pull, bytes);

	if (id == NULL && pull->done_count == BD_SOURCE_FILES_MAX) {
		memmove(pull->done, pull->done + 1, (pull->done_count - 1) * sizeof(*pull->done));
		pull->done_count--;
	}
	if (id == NULL) {
		id = &pull->done[pull->done_count++];
	}
	memcpy(id->bytes, bytes, ID_BYTES);
	id->is_seen = true;
	id->is_spoilt = is_spoilt;
}

/* With `more` besides; NULL = without. */
static void write_progress(struct bd_file_pull *pull, const uint8_t *more)
{
	struct bd_buf *out = &pull->pulling.progress;
	char hex[ID_HEX + 1];

	bd_buf_clear(out);
	bd_buf_printf(out, "ran=%lld\n", (long long)pull->pulling.ran_ms);
	for (size_t i = 0; i < pull->done_count; i++) {
		if (!pull->done[i].is_spoilt) {
			bd_hex(hex, pull->done[i].bytes, ID_BYTES);
			bd_buf_printf(out, "%s\n", hex);
		}
	}
	if (more != NULL) {
		bd_hex(hex, more, ID_BYTES);
		bd_buf_printf(out, "%s\n", hex);
	}
}

static void read_line(struct bd_file_pull *pull, struct bd_bytes line)
{
	uint8_t bytes[ID_BYTES];
	char number[32];

	if (line.len > 4 && line.len - 4 < sizeof(number) && strncmp(line.ptr, "ran=", 4) == 0) {
		memcpy(number, line.ptr + 4, line.len - 4);
		number[line.len - 4] = '\0';
		pull->pulling.ran_ms = strtoll(number, NULL, 10);
	} else if (bd_unhex(bytes, sizeof(bytes), line)) {
		add_done(pull, bytes, false);
	}
}

static void read_progress(struct bd_file_pull *pull)
{
	struct bd_bytes text = bd_buf_bytes(&pull->pulling.progress);

	while (text.len > 0) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;

		read_line(pull, (struct bd_bytes){ text.ptr, len });
		text.ptr += end != NULL ? len + 1 : len;
		text.len -= end != NULL ? len + 1 : len;
	}
}

/* -- the end of a run: what is no longer there is forgotten -- */

static void forget_unseen(struct bd_file_pull *pull)
{
	size_t kept = 0;

	for (size_t i = 0; i < pull->done_count; i++) {
		if (pull->done[i].is_seen) {
			pull->done[kept++] = pull->done[i];
		}
	}
	pull->done_count = kept;
}

static void on_kept(struct bd_pulling *pulling, const struct bd_diag *diag)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, pulling, pulling);

	finish_run(
		pull, diag->code != BD_OK ? diag->code : pull->worst, "some files were not taken");
}

static void end_run(struct bd_file_pull *pull)
{
	pull->pulling.ran_ms = bd_clock_wall_ms();
	forget_unseen(pull);
	write_progress(pull, NULL);
	bd_pulling_keep(&pull->pulling);
}

/* -- a file -- */

static void on_result(
	struct bd_asking *asking, const struct bd_intake_result *result, struct bd_entry *entry)
{
	struct bd_file_pull *pull = pull_of(asking);

	(void)result;
	write_progress(pull, pull->now_id);
	entry->progress_name = pull->pulling.progress_name;
	entry->progress = bd_buf_bytes(&pull->pulling.progress);
}

/* A file that is wrong stays so until it is replaced; what is wrong with the connection or with us
 * may pass. */
static bool is_spoilt(enum bd_code code)
{
	int status = bd_code_info(code)->status;

	return status >= 400 && status < 500 && code != BD_CONNECT_NO_FILE;
}

static void on_asked(struct bd_asking *asking, const struct bd_asked *asked)
{
	struct bd_file_pull *pull = pull_of(asking);
	enum bd_code code = asked->diag.code;

	if (asked->receipt != NULL) {
		add_done(pull, pull->now_id, false);
		bd_pulling_tell(&pull->pulling, asked->receipt->accepted, 1);
	} else if (is_spoilt(code)) {
		add_done(pull, pull->now_id, true);
		pull->worst = code;
		/* Not by its name: departments name files as they like, after people too. */
		bd_log(BD_LOG_WARNING, "sources", "file.refused",
			"%s/%s: file %zu of %zu by name, of those that fit: %s",
			pull->pulling.source->source, pull->pulling.plan->name, pull->at + 1,
			pull->file_count, bd_code_info(code)->text);
	} else {
		finish_run(pull, code, asked->diag.detail);
		return;
	}
	pull->at++;
	next_file(pull);
}

static const struct bd_asking_ops asking_ops = { on_result, on_asked };

static void take_file(struct bd_file_pull *pull)
{
	struct bd_asking *asking = &pull->pulling.asking;
	const struct bd_listed *file = &pull->files[pull->at];
	size_t len = strlen(file->name);

	asking->request = (struct bd_form_request){ .method = "GET", .url = pull->url.ptr };
	asking->delivery.day = file->day;
	asking->is_gzip = len > 3 && strcmp(file->name + len - 3, ".gz") == 0;
	bd_asking_ask(asking);
}

/* -- listing, and when a file was changed -- */

static bool make_url(struct bd_file_pull *pull, const char *name)
{
	bd_buf_clear(&pull->url);
	return bd_buf_printf(&pull->url, "%s/", pull->pulling.endpoint->plan->base) == BD_OK &&
	       bd_form_escape(&pull->url, BD_FORM_URL, bd_bytes_of(name)) == BD_OK &&
	       bd_buf_add_byte(&pull->url, '\0') == BD_OK;
}

static void on_listed(struct bd_file_pull *pull)
{
	enum bd_code code = bd_file_list_read(pull->files, &pull->file_count, BD_SOURCE_FILES_MAX,
		&pull->listed, pull->pulling.plan->files);

	pull->at = 0;
	if (code == BD_LIMIT_COUNT) {
		/* Those beyond wait until some were taken away; that is no run without a fault. */
		pull->worst = code;
	} else if (code != BD_OK) {
		finish_run(pull, code == BD_LIMIT_BYTES ? BD_CONNECT_ANSWER_SIZE : code, "listing");
		return;
	}
	next_file(pull);
}

static void on_changed(struct bd_file_pull *pull, int64_t changed_s)
{
	const struct bd_listed *file = &pull->files[pull->at];
	int64_t age_ms = bd_clock_wall_ms() - changed_s * 1000;
	uint8_t digest[BD_DIGEST_BYTES];
	char text[BD_FILE_NAME_MAX_BYTES + 32];
	struct id *id;

	snprintf(text, sizeof(text), "%lld %s", (long long)changed_s, file->name);
	if (bd_sha256_of(bd_bytes_of(text), digest) != BD_OK) {
		finish_run(pull, BD_NO_MEMORY, "");
		return;
	}
	memcpy(pull->now_id, digest, ID_BYTES);
	id = find_done(pull, pull->now_id);
	if (id != NULL) {
		id->is_seen = true;
	}
	/* One that is still being written is changed again in a moment. */
	if (id == NULL && (changed_s < 0 || age_ms >= (int64_t)pull->pulling.plan->settle_ms)) {
		take_file(pull);
		return;
	}
	pull->at++;
	next_file(pull);
}

static enum bd_code on_body(struct bd_http_fetch *fetch, struct bd_bytes bytes, bool *is_held)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, fetch, fetch);
	enum bd_code code = pull->is_listing ? bd_buf_add(&pull->listed, bytes) : BD_OK;

	(void)is_held;
	return code == BD_LIMIT_BYTES ? BD_CONNECT_ANSWER_SIZE : code;
}

static void on_end(struct bd_http_fetch *fetch, const struct bd_http_fetch_end *end)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, fetch, fetch);
	enum bd_code code = end->diag.code;

	if (!pull->is_listing && code == BD_CONNECT_NO_FILE) {
		/* Somebody took it away since it was listed. */
		bd_turn_end(&pull->turn, BD_TURN_GOOD, BD_OK);
		pull->at++;
		next_file(pull);
		return;
	}
	bd_turn_end(&pull->turn, code == BD_OK ? BD_TURN_GOOD : BD_TURN_BAD, code);
	if (code != BD_OK) {
		finish_run(pull, code, end->diag.detail);
	} else if (pull->is_listing) {
		on_listed(pull);
	} else {
		on_changed(pull, end->changed_s);
	}
}

static const struct bd_http_fetch_ops fetch_ops = { NULL, on_body, on_end };

static void on_turn(struct bd_turn *turn)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, turn, turn);
	struct bd_diag diag = { .code = BD_OK };

	pull->fetch.ops = &fetch_ops;
	if (bd_http_fetch_start(pull->pulling.endpoint->fetcher, &pull->fetch,
		    pull->pulling.endpoint->client, &pull->http, &diag) != BD_OK) {
		bd_turn_end(turn, BD_TURN_VOID, diag.code);
		finish_run(pull, diag.code, diag.detail);
	}
}

static void on_refused(struct bd_turn *turn, const struct bd_diag *diag)
{
	finish_run(CONTAINER(struct bd_file_pull, turn, turn), diag->code, diag->detail);
}

static const struct bd_turn_ops turn_ops = { on_turn, on_refused };

static void ask(struct bd_file_pull *pull, const char *method, const char *name)
{
	if (!make_url(pull, name)) {
		finish_run(pull, BD_NO_MEMORY, "");
		return;
	}
	pull->is_listing = strcmp(method, "LIST") == 0;
	pull->http = (struct bd_http_request){ .method = method, .url = pull->url.ptr };
	pull->turn.ops = &turn_ops;
	bd_turn_take(pull->pulling.endpoint, &pull->turn);
}

static void next_file(struct bd_file_pull *pull)
{
	if (pull->at < pull->file_count) {
		ask(pull, "STAT", pull->files[pull->at].name);
	} else {
		end_run(pull);
	}
}

static void begin(struct bd_pulling *pulling)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, pulling, pulling);

	for (size_t i = 0; i < pull->done_count; i++) {
		pull->done[i].is_seen = false;
	}
	pull->worst = BD_OK;
	bd_buf_clear(&pull->listed);
	ask(pull, "LIST", "");
}

/* -- its life -- */

static void pull_free(struct bd_pulling *pulling)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, pulling, pulling);

	bd_pulling_release(pulling);
	bd_buf_release(&pull->listed);
	bd_buf_release(&pull->url);
	free(pull->files);
	free(pull->done);
	free(pull);
}

static void cancel(struct bd_pulling *pulling)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, pulling, pulling);

	bd_http_fetch_cancel(&pull->fetch);
	bd_turn_cancel(&pull->turn);
}

static const struct bd_pulling_ops pulling_ops = { begin, on_kept, cancel, pull_free };

enum bd_code bd_file_pull_new(struct bd_file_pull **out, struct bd_loop *loop,
	struct bd_endpoint_run *endpoint, const struct bd_pull_plan *plan,
	const struct bd_plan *source, struct bd_diag *diag)
{
	struct bd_file_pull *pull = calloc(1, sizeof(*pull));
	struct bd_pulling *pulling;
	enum bd_code code;

	if (pull == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", plan->name);
	}
	pulling = &pull->pulling;
	pulling->ops = &pulling_ops;
	pulling->loop = loop;
	pulling->endpoint = endpoint;
	pulling->plan = plan;
	pulling->source = source;
	bd_buf_init(&pull->listed, BD_SOURCE_LIST_MAX_BYTES);
	bd_buf_init(&pull->url, BD_FORM_MAX_BYTES);
	pull->files = calloc(BD_SOURCE_FILES_MAX, sizeof(*pull->files));
	pull->done = calloc(BD_SOURCE_FILES_MAX, sizeof(*pull->done));
	code = bd_pulling_init(pulling, "files", PROGRESS_MAX_BYTES, diag);
	if (code == BD_OK && (pull->files == NULL || pull->done == NULL)) {
		code = bd_fail(diag, BD_NO_MEMORY, "%s", plan->name);
	}
	if (code != BD_OK) {
		pull_free(pulling);
		return code;
	}
	read_progress(pull);
	pulling->asking.ops = &asking_ops;
	bd_pulling_open(pulling);
	*out = pull;
	return BD_OK;
}

void bd_file_pull_close(struct bd_file_pull *pull, void (*on_closed)(void *state), void *state)
{
	bd_pulling_close(&pull->pulling, on_closed, state);
}
