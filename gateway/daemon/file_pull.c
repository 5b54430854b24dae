#include "daemon/file_pull.h"

#include "base/clock.h"
#include "base/file_pattern.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/file_list.h"
#include "daemon/pull.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define LOOK_MS INT64_C(60000)
/* One that failed is not tried again at once, whatever its time is. */
#define FAILED_WAIT_MS INT64_C(60000)
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
	struct bd_asking asking;
	struct bd_loop *loop;
	struct bd_endpoint_run *endpoint; /* a reference */
	const struct bd_pull_plan *plan;
	const struct bd_plan *source;
	struct bd_sender sender;
	char sender_name[128], progress_name[128];
	const char *sources[1];
	size_t board_row;
	/* a run */
	struct bd_turn turn;
	struct bd_http_fetch fetch;
	struct bd_http_request http;
	bool is_listing;
	struct bd_buf listed, url, progress_text;
	struct bd_listed *files;
	size_t file_count, at;
	uint8_t now_id[ID_BYTES];
	enum bd_code worst; /* of this run */
	/* what was taken */
	struct id *done;
	size_t done_count;
	int64_t ran_ms, due_ms;
	bool has_run;
	uv_timer_t timer;
	struct bd_write write;
	bool is_writing, is_asking_closed, is_timer_closed;
	void (*on_closed)(void *state);
	void *closed_state;
};

static void next_file(struct bd_file_pull *pull);
static void wait_for_time(struct bd_file_pull *pull);

/* -- figures -- */

struct note {
	bool is_running, is_end;
	enum bd_code code;
	uint64_t records, pages;
	int64_t next_ms;
};

static void change_row(struct bd_board_row *row, const void *with)
{
	const struct note *note = with;

	row->is_running = note->is_running;
	row->records += note->records;
	row->pages += note->pages;
	row->next_ms = note->next_ms;
	if (note->is_end) {
		row->asked++;
		row->failed += note->code != BD_OK;
		row->last = note->code;
		row->last_ms = bd_clock_wall_ms();
		row->good_ms = note->code == BD_OK ? row->last_ms : row->good_ms;
	}
}

static void tell(struct bd_file_pull *pull, struct note note)
{
	bd_source_board_change(pull->endpoint->board, pull->board_row, change_row, &note);
}

static void finish_run(struct bd_file_pull *pull, enum bd_code code, const char *detail)
{
	tell(pull, (struct note){ .is_end = true, .code = code });
	if (code != BD_OK) {
		bd_log(BD_LOG_WARNING, "sources", "pull.failed", "%s/%s: %s: %s",
			pull->source->source, pull->plan->name, bd_code_info(code)->text, detail);
	}
	wait_for_time(pull);
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
static void write_progress(struct bd_file_pull *pull, const uint8_t *more, int64_t ran_ms)
{
	struct bd_buf *out = &pull->progress_text;
	char hex[ID_HEX + 1];

	bd_buf_clear(out);
	bd_buf_printf(out, "ran=%lld\n", (long long)ran_ms);
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

	if (line.len > 4 && strncmp(line.ptr, "ran=", 4) == 0) {
		pull->ran_ms = strtoll(line.ptr + 4, NULL, 10);
	} else if (bd_unhex(bytes, sizeof(bytes), line)) {
		add_done(pull, bytes, false);
	}
}

static enum bd_code read_progress(struct bd_file_pull *pull, struct bd_diag *diag)
{
	struct bd_bytes text;
	bool found = false;
	enum bd_code code = bd_store_begin(pull->loop->reader, diag);

	if (code != BD_OK) {
		return code;
	}
	code = bd_store_progress(
		&pull->progress_text, &found, pull->loop->reader, pull->progress_name, diag);
	bd_store_end(pull->loop->reader);
	text = bd_buf_bytes(&pull->progress_text);
	while (code == BD_OK && text.len > 0) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;

		read_line(pull, (struct bd_bytes){ text.ptr, len });
		text.ptr += end != NULL ? len + 1 : len;
		text.len -= end != NULL ? len + 1 : len;
	}
	return code;
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

/* The writer's thread. */
static enum bd_code set_progress(
	struct bd_write *write, struct bd_store *store, struct bd_diag *diag)
{
	const struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, write, write);

	return bd_store_set_progress(
		store, pull->progress_name, bd_buf_bytes(&pull->progress_text), diag);
}

static void on_progress_written(struct bd_letter *letter)
{
	struct bd_file_pull *pull =
		CONTAINER(struct bd_file_pull, write, CONTAINER(struct bd_write, letter, letter));

	pull->is_writing = false;
	if (pull->on_closed != NULL) {
		bd_file_pull_close(pull, pull->on_closed, pull->closed_state);
		return;
	}
	finish_run(pull, pull->write.code != BD_OK ? pull->write.code : pull->worst,
		"some files were not taken");
}

static void end_run(struct bd_file_pull *pull)
{
	pull->ran_ms = bd_clock_wall_ms();
	forget_unseen(pull);
	write_progress(pull, NULL, pull->ran_ms);
	pull->is_writing = true;
	pull->write = (struct bd_write){ .letter = { .deliver = on_progress_written },
		.home = &pull->loop->mailbox,
		.work = set_progress };
	bd_writer_post(pull->loop->daemon->writer, &pull->write);
}

/* -- a file -- */

static void on_result(
	struct bd_asking *asking, const struct bd_intake_result *result, struct bd_entry *entry)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, asking, asking);

	(void)result;
	write_progress(pull, pull->now_id, pull->ran_ms);
	entry->progress_name = pull->progress_name;
	entry->progress = bd_buf_bytes(&pull->progress_text);
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
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, asking, asking);
	enum bd_code code = asked->diag.code;

	if (asked->receipt != NULL) {
		add_done(pull, pull->now_id, false);
		tell(pull, (struct note){ .is_running = true,
				   .records = asked->receipt->accepted,
				   .pages = 1 });
	} else if (is_spoilt(code)) {
		add_done(pull, pull->now_id, true);
		pull->worst = code;
		/* Not by its name: departments name files as they like, after people too. */
		bd_log(BD_LOG_WARNING, "sources", "file.refused",
			"%s/%s: file %zu of %zu by name, of those that fit: %s",
			pull->source->source, pull->plan->name, pull->at + 1, pull->file_count,
			bd_code_info(code)->text);
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
	const struct bd_listed *file = &pull->files[pull->at];
	size_t len = strlen(file->name);

	pull->asking.request = (struct bd_form_request){ .method = "GET", .url = pull->url.ptr };
	pull->asking.delivery.day = file->day;
	pull->asking.is_gzip = len > 3 && strcmp(file->name + len - 3, ".gz") == 0;
	bd_asking_ask(&pull->asking);
}

/* -- listing, and when a file was changed -- */

static bool make_url(struct bd_file_pull *pull, const char *name)
{
	bd_buf_clear(&pull->url);
	return bd_buf_printf(&pull->url, "%s/", pull->endpoint->plan->base) == BD_OK &&
	       bd_form_escape(&pull->url, BD_FORM_URL, bd_bytes_of(name)) == BD_OK &&
	       bd_buf_add_byte(&pull->url, '\0') == BD_OK;
}

static void on_listed(struct bd_file_pull *pull)
{
	enum bd_code code = bd_file_list_read(pull->files, &pull->file_count, BD_SOURCE_FILES_MAX,
		&pull->listed, pull->plan->files);

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
	if (id == NULL && (changed_s < 0 || age_ms >= (int64_t)pull->plan->settle_ms)) {
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
	if (bd_http_fetch_start(pull->endpoint->fetcher, &pull->fetch, pull->endpoint->client,
		    &pull->http, &diag) != BD_OK) {
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
	bd_turn_take(pull->endpoint, &pull->turn);
}

static void next_file(struct bd_file_pull *pull)
{
	if (pull->at < pull->file_count) {
		ask(pull, "STAT", pull->files[pull->at].name);
	} else {
		end_run(pull);
	}
}

/* -- its time -- */

static void begin_run(struct bd_file_pull *pull)
{
	tell(pull, (struct note){ .is_running = true });
	for (size_t i = 0; i < pull->done_count; i++) {
		pull->done[i].is_seen = false;
	}
	pull->worst = BD_OK;
	bd_buf_clear(&pull->listed);
	ask(pull, "LIST", "");
}

static void on_timer(uv_timer_t *timer)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, timer, timer);
	int64_t left_ms = pull->due_ms - bd_clock_wall_ms();

	if (left_ms <= 0) {
		begin_run(pull);
	} else {
		uv_timer_start(
			timer, on_timer, (uint64_t)(left_ms < LOOK_MS ? left_ms : LOOK_MS), 0);
	}
}

static void wait_for_time(struct bd_file_pull *pull)
{
	int64_t now_ms = bd_clock_wall_ms();

	pull->due_ms = bd_pull_due(pull->plan, pull->ran_ms, now_ms);
	if (pull->has_run && pull->due_ms <= now_ms) {
		pull->due_ms =
			now_ms + (pull->plan->at_minute >= 0 ? FAILED_WAIT_MS
							     : (int64_t)pull->plan->every_ms);
	}
	pull->has_run = true;
	tell(pull, (struct note){ .next_ms = pull->due_ms });
	uv_timer_start(&pull->timer, on_timer, 0, 0);
}

/* -- its life -- */

static void pull_free(struct bd_file_pull *pull)
{
	bd_buf_release(&pull->listed);
	bd_buf_release(&pull->url);
	bd_buf_release(&pull->progress_text);
	bd_endpoint_run_unref(pull->endpoint);
	free(pull->files);
	free(pull->done);
	free(pull);
}

static void fill_asking(struct bd_file_pull *pull)
{
	pull->asking.ops = &asking_ops;
	pull->asking.loop = pull->loop;
	pull->asking.endpoint = pull->endpoint;
	pull->asking.plan = pull->source;
	pull->asking.feed = pull->plan->feed;
	pull->asking.sender = &pull->sender;
	pull->asking.caller.client = bd_bytes_of(pull->sender_name);
	pull->asking.how = "PULL";
}

static void name_it(struct bd_file_pull *pull)
{
	snprintf(pull->sender_name, sizeof(pull->sender_name), "pull:%s/%s", pull->source->source,
		pull->plan->name);
	snprintf(pull->progress_name, sizeof(pull->progress_name), "files/%s/%s",
		pull->source->source, pull->plan->name);
	pull->sources[0] = pull->source->source;
	pull->sender = (struct bd_sender){ .name = pull->sender_name,
		.roles = BD_SENDER_DEPARTMENT,
		.sources = pull->sources,
		.source_count = 1 };
	pull->board_row = bd_source_board_find(
		pull->endpoint->board, pull->source->source, pull->plan->name, BD_BOARD_PULL);
}

enum bd_code bd_file_pull_new(struct bd_file_pull **out, struct bd_loop *loop,
	struct bd_endpoint_run *endpoint, const struct bd_pull_plan *plan,
	const struct bd_plan *source, struct bd_diag *diag)
{
	struct bd_file_pull *pull = calloc(1, sizeof(*pull));
	enum bd_code code;

	if (pull == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", plan->name);
	}
	pull->loop = loop;
	pull->endpoint = endpoint;
	bd_endpoint_run_ref(endpoint);
	pull->plan = plan;
	pull->source = source;
	bd_buf_init(&pull->listed, BD_SOURCE_LIST_MAX_BYTES);
	bd_buf_init(&pull->url, BD_FORM_MAX_BYTES);
	bd_buf_init(&pull->progress_text, PROGRESS_MAX_BYTES);
	pull->files = calloc(BD_SOURCE_FILES_MAX, sizeof(*pull->files));
	pull->done = calloc(BD_SOURCE_FILES_MAX, sizeof(*pull->done));
	name_it(pull);
	code = pull->files != NULL && pull->done != NULL ? read_progress(pull, diag)
							 : bd_fail(diag, BD_NO_MEMORY, "%s", "");
	if (code != BD_OK) {
		pull_free(pull);
		return code;
	}
	fill_asking(pull);
	bd_asking_open(&pull->asking);
	uv_timer_init(&loop->uv, &pull->timer);
	wait_for_time(pull);
	*out = pull;
	return BD_OK;
}

static void maybe_closed(struct bd_file_pull *pull)
{
	void (*on_closed)(void *state) = pull->on_closed;
	void *state = pull->closed_state;

	if (pull->is_asking_closed && pull->is_timer_closed) {
		pull_free(pull);
		on_closed(state);
	}
}

static void on_asking_closed(struct bd_asking *asking)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, asking, asking);

	pull->is_asking_closed = true;
	maybe_closed(pull);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct bd_file_pull *pull = CONTAINER(struct bd_file_pull, timer, handle);

	pull->is_timer_closed = true;
	maybe_closed(pull);
}

void bd_file_pull_close(struct bd_file_pull *pull, void (*on_closed)(void *state), void *state)
{
	pull->on_closed = on_closed;
	pull->closed_state = state;
	if (pull->is_writing) {
		return; /* when that is done */
	}
	bd_http_fetch_cancel(&pull->fetch);
	bd_turn_cancel(&pull->turn);
	bd_asking_close(&pull->asking, on_asking_closed);
	uv_close((uv_handle_t *)&pull->timer, on_timer_closed);
}
