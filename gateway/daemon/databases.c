#include "daemon/databases.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/confine.h"
#include "daemon/database_talk.h"
#include "daemon/secret.h"
#include "daemon/taking.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define READ_BYTES 65536
#define PASSWORD_MAX_BYTES 65536
#define PROGRESS_MAX_BYTES 600
#define NAME_BYTES 160

enum step {
	STEP_IDLE = 0,
	STEP_READING, /* rows come */
	STEP_STORING, /* all came: the writer has them */
	STEP_MARKING, /* stored: flags are written back */
	STEP_ENDING   /* the process ends */
};

/* For /metrics; under the lock. */
struct report {
	uint64_t rows, batches, failures, marked;
	enum bd_code code; /* of the last; BD_OK */
	int64_t last_ms;   /* when the last went well */
};

struct database {
	struct database *next;
	struct bd_databases *all;
	const struct bd_database_plan *plan; /* of the setup that `all` has a reference of */
	const struct bd_plan *source;
	struct bd_sender sender;
	const char *sender_source;
	char progress_name[NAME_BYTES];
	uv_timer_t timer;
	bool is_closing, has_process;
	enum step step;
	/* the process */
	uv_process_t process;
	uv_pipe_t to, from;
	uv_write_t write;
	struct bd_buf out, in;
	unsigned handles; /* of it, open */
	bool is_held;     /* its rows wait for a worker */
	bool is_gone;     /* it has closed its end */
	/* the batch */
	struct bd_taking taking;
	bool is_taking, is_full;
	struct bd_buf progress; /* behind this batch */
	uint64_t rows;
	uint64_t wait_ms; /* before the next try; 0 = none failed */
	struct report report;
};

struct bd_databases {
	struct bd_loop_guest guest;
	struct bd_loop *loop;
	struct bd_setup *setup; /* a reference */
	struct database *first;
	bool is_draining, is_reload_wanted;
	uv_mutex_t lock;
};

static void open_all(struct bd_databases *databases);
static void go_on(struct database *database);

/* -- the end of one -- */

static void database_free(struct database *database)
{
	bd_buf_release(&database->in);
	if (database->out.ptr != NULL) {
		bd_wipe(database->out.ptr, database->out.cap);
	}
	bd_buf_release(&database->out);
	bd_buf_release(&database->progress);
	free(database);
}

static void on_all_closed(struct bd_databases *databases)
{
	bd_setup_unref(databases->setup);
	databases->setup = NULL;
	if (databases->is_draining) {
		bd_loop_background_end(databases->loop);
	} else {
		databases->is_reload_wanted = false;
		databases->setup = bd_setup_ref(databases->loop->setup);
		open_all(databases);
	}
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct database *database = handle->data;
	struct bd_databases *databases = database->all;
	struct database **link = &databases->first;

	uv_mutex_lock(&databases->lock);
	while (*link != database) {
		link = &(*link)->next;
	}
	*link = database->next;
	uv_mutex_unlock(&databases->lock);
	database_free(database);
	if (databases->first == NULL) {
		on_all_closed(databases);
	}
}

static bool is_leaving(const struct database *database)
{
	return database->all->is_draining || database->all->is_reload_wanted;
}

static void close_database(struct database *database)
{
	if (!database->is_closing) {
		database->is_closing = true;
		uv_close((uv_handle_t *)&database->timer, on_timer_closed);
	}
}

/* -- the process ends -- */

static void on_handle_closed(uv_handle_t *handle)
{
	struct database *database = handle->data;

	if (--database->handles == 0 && database->step == STEP_ENDING) {
		database->step = STEP_IDLE;
		go_on(database);
	}
}

static void end_process(struct database *database)
{
	database->step = STEP_ENDING;
	uv_timer_stop(&database->timer);
	if (!uv_is_closing((uv_handle_t *)&database->to)) {
		uv_close((uv_handle_t *)&database->to, on_handle_closed);
	}
	if (!uv_is_closing((uv_handle_t *)&database->from)) {
		uv_close((uv_handle_t *)&database->from, on_handle_closed);
	}
	if (database->has_process && !uv_is_closing((uv_handle_t *)&database->process)) {
		uv_process_kill(&database->process, SIGKILL);
	}
}

static void on_exit_seen(uv_process_t *process, int64_t status, int signal)
{
	struct database *database = process->data;

	(void)signal;
	if (status == 4) {
		bd_log(BD_LOG_ERROR, "databases", "confinement", "%s", database->progress_name);
	}
	uv_close((uv_handle_t *)process, on_handle_closed);
}

/* -- what came of it -- */

static void note(struct database *database, enum bd_code code, const char *detail)
{
	struct report *report = &database->report;
	bool is_new = report->code != code;

	uv_mutex_lock(&database->all->lock);
	report->code = code;
	report->failures += code != BD_OK;
	if (code == BD_OK) {
		report->last_ms = bd_clock_wall_ms();
	}
	uv_mutex_unlock(&database->all->lock);
	if (code != BD_OK && is_new) {
		bd_log(BD_LOG_ERROR, "databases", bd_code_info(code)->text, "%s: %s",
			database->progress_name, detail);
	}
	if (code != BD_OK) {
		uint64_t most = database->plan->every_ms;

		database->wait_ms =
			database->wait_ms == 0 ? BD_DATABASE_RETRY_MS : database->wait_ms * 2;
		database->wait_ms = database->wait_ms < most ? database->wait_ms : most;
		database->is_full = false;
	} else {
		database->wait_ms = 0;
	}
}

/* What has not been committed is given up; it comes again. */
static void fail(struct database *database, enum bd_code code, const char *detail)
{
	if (database->is_taking && database->step != STEP_STORING) {
		bd_taking_close(&database->taking);
		database->is_taking = false;
	}
	if (code != BD_DRAINING) {
		note(database, code, detail);
	}
	end_process(database);
}

/* -- to the process -- */

static void on_sent(uv_write_t *write, int status)
{
	struct database *database = write->data;

	(void)status; /* what cannot be written to is seen by its end */
	bd_wipe(database->out.ptr, database->out.len);
	bd_buf_clear(&database->out);
}

static bool say(struct database *database, enum bd_database_frame type, struct bd_bytes payload)
{
	uv_buf_t buf;

	bd_buf_clear(&database->out);
	if (bd_database_frame_add(&database->out, type, payload) != BD_OK) {
		return false;
	}
	buf = uv_buf_init(database->out.ptr, (unsigned)database->out.len);
	database->write.data = database;
	return uv_write(&database->write, (uv_stream_t *)&database->to, &buf, 1, on_sent) == 0;
}

/* -- the batch as a message -- */

static void on_too_long(uv_timer_t *timer)
{
	fail(timer->data, BD_CONNECT_TIMEOUT, "its process was ended for its time");
}

static void end_batch(struct database *database)
{
	uv_mutex_lock(&database->all->lock);
	database->report.rows += database->rows;
	database->report.batches++;
	uv_mutex_unlock(&database->all->lock);
	database->step = STEP_MARKING;
	uv_timer_start(&database->timer, on_too_long,
		(uint64_t)database->plan->query_ms + BD_DATABASE_GRACE_MS, 0);
	/* They are stored all the same; a query by the flag brings them again. */
	if (database->is_gone || !say(database, BD_DATABASE_STORED, (struct bd_bytes){ "", 0 })) {
		fail(database, BD_CONNECT_BROKEN, "its process is gone");
	}
}

static void on_done(
	struct bd_taking *taking, struct bd_receipt *receipt, const struct bd_diag *diag)
{
	struct database *database = CONTAINER(struct database, taking, taking);
	enum bd_code code = receipt == NULL ? diag->code : receipt->code;
	bool is_stored = receipt != NULL && receipt->message != 0;
	char detail[sizeof(diag->detail)] = "";

	if (receipt == NULL) {
		snprintf(detail, sizeof(detail), "%s", diag->detail);
		bd_taking_enter_refusal(taking, diag, "database");
	}
	bd_taking_close(taking);
	database->is_taking = false;
	if (is_leaving(database)) {
		database->is_full = false;
	}
	if (is_stored) {
		end_batch(database);
	} else {
		fail(database, code, detail);
	}
}

static void on_result(
	struct bd_taking *taking, const struct bd_intake_result *result, struct bd_entry *entry)
{
	struct database *database = CONTAINER(struct database, taking, taking);

	(void)result;
	entry->progress_name = database->progress_name;
	entry->progress = bd_buf_bytes(&database->progress);
}

static void handle_all(struct database *database);

static void on_room(struct bd_taking *taking)
{
	struct database *database = CONTAINER(struct database, taking, taking);

	if (database->is_held) {
		database->is_held = false;
		handle_all(database);
	}
}

static const struct bd_taking_ops taking_ops = { on_room, on_result, on_done };

static enum bd_code begin_taking(struct database *database, struct bd_diag *diag)
{
	struct bd_taking *taking = &database->taking;
	struct bd_taking_request *request = &taking->request;
	enum bd_code code;

	memset(taking, 0, sizeof(*taking));
	request->sender = &database->sender;
	code = bd_taking_open(taking, &taking_ops, database->all->loop);
	database->is_taking = true;
	request->plan = bd_setup_plan(taking->setup, bd_bytes_of(database->source->source));
	request->feed = request->plan != NULL
				? bd_plan_feed(request->plan, database->plan->feed->name)
				: NULL;
	request->caller.client = bd_bytes_of(database->sender.name);
	request->caller.operator_name = bd_bytes_of(database->plan->name);
	if (database->plan->charset != NULL) {
		snprintf(request->charset, sizeof(request->charset), "%s", database->plan->charset);
	}
	if (code == BD_OK && request->feed == NULL) {
		code = bd_fail(diag, BD_SOURCE_UNKNOWN, "%s", "");
	}
	return code == BD_OK ? bd_taking_may_begin(taking, diag) : code;
}

/* False: it has failed. */
static bool give(struct database *database, struct bd_bytes bytes)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_taking_next next;

	if (!database->is_taking && begin_taking(database, &diag) != BD_OK) {
		fail(database, diag.code != BD_OK ? diag.code : BD_NO_MEMORY, diag.detail);
		return false;
	}
	next = bd_taking_give(&database->taking, bytes);
	database->is_held = next == BD_TAKING_HOLD;
	return next != BD_TAKING_DONE;
}

/* -- from the process -- */

static enum bd_code pack_progress(struct bd_buf *out, const struct bd_database_end *end)
{
	enum bd_code code;

	bd_buf_clear(out);
	code = bd_buf_add_sized(out, end->watermark);
	return code == BD_OK ? bd_buf_add_sized(out, end->key) : code;
}

static void on_end(struct database *database, struct bd_bytes payload)
{
	struct bd_database_end end;

	if (!bd_database_end_unpack(&end, payload) || (end.rows > 0) != database->is_taking ||
		end.rows > database->plan->batch ||
		pack_progress(&database->progress, &end) != BD_OK) {
		fail(database, BD_CONNECT_BROKEN, "its process speaks out of turn");
		return;
	}
	database->rows = end.rows;
	database->is_full = end.is_full;
	if (end.rows == 0) {
		note(database, BD_OK, "");
		end_process(database);
		return;
	}
	database->step = STEP_STORING;
	uv_timer_stop(&database->timer);
	bd_taking_end(&database->taking);
}

static void on_marked(struct database *database, struct bd_bytes payload)
{
	struct bd_reader reader = bd_reader_of(payload);

	uv_mutex_lock(&database->all->lock);
	database->report.marked += bd_read_u64(&reader);
	uv_mutex_unlock(&database->all->lock);
	note(database, BD_OK, "");
	end_process(database);
}

/* Only what such a process may say of itself. */
static enum bd_code code_of(struct bd_bytes text)
{
	static const enum bd_code known[] = { BD_CONNECT, BD_CONNECT_TIMEOUT, BD_DATABASE_LOGIN,
		BD_DATABASE_QUERY, BD_DATABASE_COLUMNS, BD_LIMIT_BYTES, BD_NO_MEMORY,
		BD_CONFIG_MEANING };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (bd_bytes_is(text, bd_code_info(known[i])->text)) {
			return known[i];
		}
	}
	return BD_CONNECT_BROKEN;
}

static void on_failed(struct database *database, struct bd_bytes payload)
{
	struct bd_reader reader = bd_reader_of(payload);
	enum bd_code code = code_of(bd_read_sized(&reader));
	struct bd_bytes said = bd_read_sized(&reader);
	char detail[128];
	size_t len = 0;

	for (; reader.ok && len < said.len && len + 1 < sizeof(detail); len++) {
		detail[len] = said.ptr[len] >= ' ' && said.ptr[len] <= '~' ? said.ptr[len] : '?';
	}
	detail[len] = '\0';
	fail(database, code, detail);
}

static void handle(struct database *database, enum bd_database_frame type, struct bd_bytes payload)
{
	if (type == BD_DATABASE_FAIL &&
		(database->step == STEP_READING || database->step == STEP_MARKING)) {
		on_failed(database, payload);
	} else if (type == BD_DATABASE_DATA && database->step == STEP_READING) {
		give(database, payload);
	} else if (type == BD_DATABASE_END && database->step == STEP_READING) {
		on_end(database, payload);
	} else if (type == BD_DATABASE_MARKED && database->step == STEP_MARKING) {
		on_marked(database, payload);
	} else if (database->step != STEP_ENDING) {
		fail(database, BD_CONNECT_BROKEN, "its process speaks out of turn");
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct database *database = handle->data;

	(void)suggested;
	*buf = uv_buf_init(NULL, 0);
	if (bd_buf_reserve(&database->in, READ_BYTES) == BD_OK) {
		*buf = uv_buf_init(database->in.ptr + database->in.len, READ_BYTES);
	}
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
	struct database *database = stream->data;

	(void)buf;
	if (len < 0) {
		uv_read_stop(stream);
		database->is_gone = true;
		if (database->step == STEP_READING || database->step == STEP_MARKING) {
			fail(database, BD_CONNECT_BROKEN, "its process ended");
		}
		return;
	}
	database->in.len += (size_t)len;
	handle_all(database);
}

/* What has come, as long as it is welcome. */
static void handle_all(struct database *database)
{
	struct bd_bytes rest = bd_buf_bytes(&database->in), payload;
	enum bd_database_frame type;
	bool has = true;

	uv_read_stop((uv_stream_t *)&database->from);
	while (has && !database->is_held && database->step != STEP_ENDING) {
		if (!bd_database_frame_take(&type, &payload, &has, &rest)) {
			fail(database, BD_CONNECT_BROKEN, "its process speaks out of turn");
			return;
		}
		if (has) {
			handle(database, type, payload);
		}
	}
	if (rest.len > 0) {
		memmove(database->in.ptr, rest.ptr, rest.len);
	}
	database->in.len = rest.len;
	if (!database->is_held && database->step != STEP_ENDING && database->step != STEP_IDLE) {
		uv_read_start((uv_stream_t *)&database->from, on_alloc, on_read);
	}
}

/* -- a batch begins -- */

static bool spawn(struct database *database)
{
	struct bd_loop *loop = database->all->loop;
	const struct bd_settings *settings = database->all->setup->settings;
	char best_effort[] = BD_CONFINE_BEST_EFFORT, language[] = "LC_ALL=C.UTF-8";
	char *path = (char *)(uintptr_t)settings->database_path;
	char *args[] = { path,
		settings->confinement == BD_CONFINEMENT_BEST_EFFORT ? best_effort : NULL, NULL };
	/* A driver's leaks, in a build that looks for them, are not ours to mend. */
	char leaks[] = "ASAN_OPTIONS=detect_leaks=0";
	char *environment[] = { language, leaks, NULL };
	uv_stdio_container_t stdio[3] = { { .flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
						  .data.stream = (uv_stream_t *)&database->to },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
			.data.stream = (uv_stream_t *)&database->from },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO } };
	const uv_process_options_t options = { .exit_cb = on_exit_seen,
		.file = path,
		.args = args,
		.env = environment,
		.stdio_count = 3,
		.stdio = stdio };
	int result;

	uv_pipe_init(&loop->uv, &database->to, 0);
	uv_pipe_init(&loop->uv, &database->from, 0);
	database->to.data = database;
	database->from.data = database;
	database->process.data = database;
	database->handles = 3;
	result = path != NULL ? uv_spawn(&loop->uv, &database->process, &options) : UV_ENOENT;
	database->has_process = path != NULL;
	if (result == 0) {
		return uv_read_start((uv_stream_t *)&database->from, on_alloc, on_read) == 0;
	}
	bd_log(BD_LOG_ERROR, "databases", "spawn", "database_path: %s", uv_strerror(result));
	if (path == NULL) {
		database->handles--;
		return false;
	}
	uv_close((uv_handle_t *)&database->process, on_handle_closed);
	return false;
}

/* The watermark and key behind which the next rows stand; texts in the arena. */
static enum bd_code read_progress(struct bd_database_ask *ask, const struct database *database,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_store_reader *reader = database->all->loop->reader;
	struct bd_reader packed;
	struct bd_buf value;
	bool found = false;
	enum bd_code code = bd_store_begin(reader, diag);

	bd_buf_init(&value, PROGRESS_MAX_BYTES);
	if (code == BD_OK) {
		code = bd_store_progress(&value, &found, reader, database->progress_name, diag);
		bd_store_end(reader);
	}
	ask->last_watermark = database->plan->first;
	ask->last_key = "";
	if (code == BD_OK && found) {
		packed = bd_reader_of(bd_buf_bytes(&value));
		ask->last_watermark = bd_arena_text(arena, bd_read_sized(&packed));
		ask->last_key = bd_arena_text(arena, bd_read_sized(&packed));
		if (!packed.ok || ask->last_watermark == NULL || ask->last_key == NULL) {
			code = bd_fail(diag, BD_STORE_DAMAGED, "the watermark of a database");
		}
	}
	bd_buf_release(&value);
	return code;
}

static enum bd_code read_password(
	struct bd_buf *out, const struct database *database, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	if (database->plan->password_file != NULL) {
		code = bd_secret_read(out, database->plan->password_file, "password-file", diag);
	}
	while (code == BD_OK && out->len > 0 &&
		(out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r')) {
		out->len--;
	}
	return code == BD_OK ? bd_buf_add_byte(out, '\0') : code;
}

static enum bd_code ask(
	struct database *database, const struct bd_database_ask *ask, struct bd_diag *diag)
{
	struct bd_buf packed;
	enum bd_code code;

	bd_buf_init(&packed, BD_DATABASE_FRAME_MAX_BYTES);
	code = bd_database_ask_pack(&packed, ask);
	if (code == BD_OK && !say(database, BD_DATABASE_ASK, bd_buf_bytes(&packed))) {
		code = BD_CONNECT_BROKEN;
	}
	if (packed.ptr != NULL) {
		bd_wipe(packed.ptr, packed.cap);
	}
	bd_buf_release(&packed);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "its process cannot be asked");
}

static enum bd_code prepare(struct database *database, struct bd_arena *arena,
	struct bd_buf *password, struct bd_diag *diag)
{
	const struct bd_database_plan *plan = database->plan;
	const char **columns =
		bd_arena_alloc(arena, plan->feed->column_count, sizeof(const char *));
	struct bd_database_ask question = { .connection = plan->connection,
		.user = plan->user,
		.select = plan->select,
		.consumed = plan->consumed != NULL ? plan->consumed : "",
		.parameters = plan->parameters,
		.watermark = plan->watermark,
		.key = plan->key != NULL ? plan->key : "",
		.columns = columns,
		.column_count = plan->feed->column_count,
		.separator = (uint8_t)plan->feed->separator,
		.batch = plan->batch,
		.connect_s = plan->connect_ms / 1000 + 1,
		.query_s = plan->query_ms / 1000 + 1 };
	enum bd_code code =
		columns != NULL ? read_password(password, database, diag) : BD_NO_MEMORY;

	for (size_t i = 0; columns != NULL && i < plan->feed->column_count; i++) {
		columns[i] = plan->feed->columns[i].name;
	}
	question.password = code == BD_OK ? password->ptr : "";
	code = code == BD_OK ? read_progress(&question, database, arena, diag) : code;
	return code == BD_OK ? ask(database, &question, diag) : code;
}

static void begin(struct database *database)
{
	const struct bd_database_plan *plan = database->plan;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_buf password;
	struct bd_arena arena;
	enum bd_code code;

	database->step = STEP_READING;
	database->is_held = false;
	database->is_gone = false;
	database->is_full = false;
	bd_buf_clear(&database->in);
	if (!spawn(database)) {
		fail(database, BD_WORKER_START, "bidui-database");
		return;
	}
	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	bd_buf_init(&password, PASSWORD_MAX_BYTES);
	code = prepare(database, &arena, &password, &diag);
	if (password.ptr != NULL) {
		bd_wipe(password.ptr, password.cap);
	}
	bd_buf_release(&password);
	bd_arena_release(&arena);
	if (code != BD_OK) {
		fail(database, code, diag.detail);
		return;
	}
	uv_timer_start(&database->timer, on_too_long,
		(uint64_t)plan->connect_ms + plan->query_ms + BD_DATABASE_GRACE_MS, 0);
}

static void on_due(uv_timer_t *timer)
{
	begin(timer->data);
}

/* Nothing is under way: what is next? */
static void go_on(struct database *database)
{
	uint64_t wait_ms = database->is_full        ? 0
			   : database->wait_ms != 0 ? database->wait_ms
						    : database->plan->every_ms;

	if (is_leaving(database)) {
		close_database(database);
	} else {
		uv_timer_start(&database->timer, on_due, wait_ms, 0);
	}
}

/* -- all of them -- */

static bool open_database(struct bd_databases *databases, const struct bd_source_access *access,
	const struct bd_database_plan *plan)
{
	struct database *database = calloc(1, sizeof(*database));

	if (database == NULL) {
		return false;
	}
	database->all = databases;
	database->plan = plan;
	database->source = access->plan;
	database->sender_source = access->plan->source;
	/* Parentheses stand in no sender's name. */
	database->sender = (struct bd_sender){ .name = "(database)",
		.roles = BD_SENDER_DEPARTMENT,
		.sources = &database->sender_source,
		.source_count = 1 };
	snprintf(database->progress_name, sizeof(database->progress_name), "database %s/%s",
		access->plan->source, plan->name);
	bd_buf_init(&database->in, BD_DATABASE_FRAME_MAX_BYTES + 2 * READ_BYTES);
	bd_buf_init(&database->out, BD_DATABASE_FRAME_MAX_BYTES + BD_DATABASE_HEAD_BYTES);
	bd_buf_init(&database->progress, PROGRESS_MAX_BYTES);
	uv_timer_init(&databases->loop->uv, &database->timer);
	database->timer.data = database;
	uv_mutex_lock(&databases->lock);
	database->next = databases->first;
	databases->first = database;
	uv_mutex_unlock(&databases->lock);
	uv_timer_start(&database->timer, on_due, 0, 0);
	return true;
}

static void open_all(struct bd_databases *databases)
{
	const struct bd_sources *sources = databases->setup->sources;

	for (size_t i = 0; sources != NULL && i < sources->count; i++) {
		const struct bd_source_access *access = &sources->items[i];

		for (size_t k = 0; k < access->database_count; k++) {
			if (!open_database(databases, access, &access->databases[k])) {
				bd_log(BD_LOG_ERROR, "databases", "limit.memory", "%s/%s",
					access->plan->source, access->databases[k].name);
			}
		}
	}
}

/* Each ends when what it has under way is over; what only reads is given up. */
static void leave(struct bd_databases *databases)
{
	struct database *next;

	if (databases->first == NULL) {
		on_all_closed(databases);
		return;
	}
	for (struct database *database = databases->first; database != NULL; database = next) {
		next = database->next;
		if (database->step == STEP_IDLE) {
			close_database(database);
		} else if (database->step == STEP_READING) {
			fail(database, BD_DRAINING, "");
		}
	}
}

static void on_drain(struct bd_loop_guest *guest)
{
	struct bd_databases *databases = CONTAINER(struct bd_databases, guest, guest);

	databases->is_draining = true;
	leave(databases);
}

static void on_reload(struct bd_loop_guest *guest)
{
	struct bd_databases *databases = CONTAINER(struct bd_databases, guest, guest);

	if (!databases->is_draining && !databases->is_reload_wanted) {
		databases->is_reload_wanted = true;
		leave(databases);
	}
}

enum bd_code bd_databases_new(struct bd_databases **out, struct bd_loop *loop, struct bd_diag *diag)
{
	struct bd_databases *databases = calloc(1, sizeof(*databases));

	if (databases == NULL || uv_mutex_init(&databases->lock) != 0) {
		free(databases);
		return bd_fail(diag, BD_NO_MEMORY, "no databases");
	}
	databases->loop = loop;
	databases->setup = bd_setup_ref(loop->setup);
	databases->guest.on_drain = on_drain;
	databases->guest.on_reload = on_reload;
	bd_loop_join(loop, &databases->guest);
	open_all(databases);
	*out = databases;
	return BD_OK;
}

void bd_databases_free(struct bd_databases *databases)
{
	if (databases != NULL) {
		uv_mutex_destroy(&databases->lock);
		free(databases);
	}
}

enum bd_code bd_databases_figures(struct bd_buf *out, const struct bd_databases *databases)
{
	enum bd_code code = BD_OK;

	if (databases == NULL) {
		return BD_OK;
	}
	uv_mutex_lock((uv_mutex_t *)&databases->lock);
	for (const struct database *item = databases->first; item != NULL && code == BD_OK;
		item = item->next) {
		const char *source = item->sender_source, *name = item->plan->name;
		const struct report *report = &item->report;

		code = bd_buf_printf(out,
			"bidui_database_rows_total{source=\"%s\",database=\"%s\"} %llu\n"
			"bidui_database_marked_total{source=\"%s\",database=\"%s\"} %llu\n"
			"bidui_database_failures_total{source=\"%s\",database=\"%s\"} %llu\n"
			"bidui_database_failing{source=\"%s\",database=\"%s\",code=\"%s\"} %d\n",
			source, name, (unsigned long long)report->rows, source, name,
			(unsigned long long)report->marked, source, name,
			(unsigned long long)report->failures, source, name,
			bd_code_info(report->code)->text, report->code != BD_OK);
	}
	uv_mutex_unlock((uv_mutex_t *)&databases->lock);
	return code;
}
