#include "daemon/database_process.h"

#include "base/limits.h"
#include "base/log.h"
#include "daemon/confine.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 65536
/* Its process, two pipes and a timer. */
#define HANDLES 4

/* -- it ends -- */

static void on_handle_closed(uv_handle_t *handle)
{
	struct bd_database_process *process = handle->data;

	if (--process->handles == 0) {
		process->step = BD_DATABASE_IDLE;
		process->ops->on_closed(process);
	}
}

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle)) {
		uv_close(handle, on_handle_closed);
	}
}

void bd_database_process_end(struct bd_database_process *process)
{
	if (process->step == BD_DATABASE_IDLE || process->step == BD_DATABASE_ENDING) {
		return;
	}
	process->step = BD_DATABASE_ENDING;
	close_handle((uv_handle_t *)&process->timer);
	close_handle((uv_handle_t *)&process->to);
	close_handle((uv_handle_t *)&process->from);
	if (process->has_process && !uv_is_closing((uv_handle_t *)&process->process)) {
		uv_process_kill(&process->process, SIGKILL);
	}
}

static void on_exit_seen(uv_process_t *handle, int64_t status, int signal)
{
	struct bd_database_process *process = handle->data;

	(void)signal;
	if (status == 4) {
		bd_log(BD_LOG_ERROR, "databases", "confinement", "%s", process->plan->name);
	}
	uv_close((uv_handle_t *)handle, on_handle_closed);
}

static void fail(struct bd_database_process *process, enum bd_code code, const char *detail)
{
	struct bd_diag diag = { .code = BD_OK };

	bd_fail(&diag, code, "%s", detail);
	bd_database_process_end(process);
	process->ops->on_failed(process, &diag);
}

static void on_too_long(uv_timer_t *timer)
{
	fail(timer->data, BD_CONNECT_TIMEOUT, "its process was ended for its time");
}

/* -- to it -- */

static void on_sent(uv_write_t *write, int status)
{
	struct bd_database_process *process = write->data;

	(void)status; /* what cannot be written to is seen by its end */
	bd_wipe(process->out.ptr, process->out.len);
	bd_buf_clear(&process->out);
}

static bool say(
	struct bd_database_process *process, enum bd_database_frame type, struct bd_bytes payload)
{
	uv_buf_t buf;

	bd_buf_clear(&process->out);
	if (bd_database_frame_add(&process->out, type, payload) != BD_OK) {
		return false;
	}
	buf = uv_buf_init(process->out.ptr, (unsigned)process->out.len);
	process->write.data = process;
	return uv_write(&process->write, (uv_stream_t *)&process->to, &buf, 1, on_sent) == 0;
}

/* -- from it -- */

static void take_end(struct bd_database_process *process, struct bd_bytes payload)
{
	struct bd_database_end end;

	if (!bd_database_end_unpack(&end, payload) || end.rows > process->plan->batch) {
		fail(process, BD_CONNECT_BROKEN, "its process speaks out of turn");
		return;
	}
	process->step = BD_DATABASE_READ;
	uv_timer_stop(&process->timer);
	process->ops->on_end(process, &end);
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

static void take_failure(struct bd_database_process *process, struct bd_bytes payload)
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
	fail(process, code, detail);
}

static void handle(
	struct bd_database_process *process, enum bd_database_frame type, struct bd_bytes payload)
{
	bool is_reading = process->step == BD_DATABASE_READING;
	bool is_marking = process->step == BD_DATABASE_MARKING;
	struct bd_reader reader = bd_reader_of(payload);

	if (type == BD_DATABASE_FAIL && (is_reading || is_marking)) {
		take_failure(process, payload);
	} else if (type == BD_DATABASE_OPENED && is_reading) {
		process->ops->on_open(process);
	} else if (type == BD_DATABASE_DATA && is_reading) {
		process->ops->on_rows(process, payload);
	} else if (type == BD_DATABASE_END && is_reading) {
		take_end(process, payload);
	} else if (type == BD_DATABASE_MARKED && is_marking) {
		process->ops->on_marked(process, bd_read_u64(&reader));
	} else if (process->step != BD_DATABASE_ENDING) {
		fail(process, BD_CONNECT_BROKEN, "its process speaks out of turn");
	}
}

static void on_alloc(uv_handle_t *stream, size_t suggested, uv_buf_t *buf)
{
	struct bd_database_process *process = stream->data;

	(void)suggested;
	*buf = uv_buf_init(NULL, 0);
	if (bd_buf_reserve(&process->in, READ_BYTES) == BD_OK) {
		*buf = uv_buf_init(process->in.ptr + process->in.len, READ_BYTES);
	}
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
	struct bd_database_process *process = stream->data;

	(void)buf;
	if (len < 0) {
		uv_read_stop(stream);
		process->is_gone = true;
		if (process->step == BD_DATABASE_READING || process->step == BD_DATABASE_MARKING) {
			fail(process, BD_CONNECT_BROKEN, "its process ended");
		}
		return;
	}
	process->in.len += (size_t)len;
	bd_database_process_resume(process);
}

/* What has come, as long as it is welcome. */
void bd_database_process_resume(struct bd_database_process *process)
{
	struct bd_bytes rest = bd_buf_bytes(&process->in), payload;
	enum bd_database_frame type;
	bool has = true;

	uv_read_stop((uv_stream_t *)&process->from);
	while (has && !process->is_held && process->step != BD_DATABASE_ENDING) {
		if (!bd_database_frame_take(&type, &payload, &has, &rest)) {
			fail(process, BD_CONNECT_BROKEN, "its process speaks out of turn");
			return;
		}
		if (has) {
			handle(process, type, payload);
		}
	}
	if (rest.len > 0) {
		memmove(process->in.ptr, rest.ptr, rest.len);
	}
	process->in.len = rest.len;
	if (!process->is_held && process->step != BD_DATABASE_ENDING && !process->is_gone) {
		uv_read_start((uv_stream_t *)&process->from, on_alloc, on_read);
	}
}

/* -- it begins -- */

static bool spawn(struct bd_database_process *process, const struct bd_settings *settings)
{
	char best_effort[] = BD_CONFINE_BEST_EFFORT, language[] = "LC_ALL=C.UTF-8";
	char *path = (char *)(uintptr_t)settings->database_path;
	char *args[] = { path,
		settings->confinement == BD_CONFINEMENT_BEST_EFFORT ? best_effort : NULL, NULL };
	/* A driver's leaks, in a build that looks for them, are not ours to mend. */
	char leaks[] = "ASAN_OPTIONS=detect_leaks=0";
	char *environment[] = { language, leaks, NULL };
	uv_stdio_container_t stdio[3] = { { .flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
						  .data.stream = (uv_stream_t *)&process->to },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
			.data.stream = (uv_stream_t *)&process->from },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO } };
	const uv_process_options_t options = { .exit_cb = on_exit_seen,
		.file = path,
		.args = args,
		.env = environment,
		.stdio_count = 3,
		.stdio = stdio };
	int result =
		path != NULL ? uv_spawn(process->loop, &process->process, &options) : UV_ENOENT;

	process->has_process = path != NULL;
	if (result == 0) {
		return uv_read_start((uv_stream_t *)&process->from, on_alloc, on_read) == 0;
	}
	bd_log(BD_LOG_ERROR, "databases", "spawn", "database_path: %s", uv_strerror(result));
	if (path != NULL) {
		uv_close((uv_handle_t *)&process->process, on_handle_closed);
	} else {
		process->handles--;
	}
	return false;
}

static void open_handles(struct bd_database_process *process)
{
	uv_pipe_init(process->loop, &process->to, 0);
	uv_pipe_init(process->loop, &process->from, 0);
	uv_timer_init(process->loop, &process->timer);
	process->to.data = process;
	process->from.data = process;
	process->timer.data = process;
	process->process.data = process;
	process->handles = HANDLES;
	process->is_held = false;
	process->is_gone = false;
	bd_buf_clear(&process->in);
}

static enum bd_code send_ask(struct bd_database_process *process, const struct bd_database_ask *ask,
	struct bd_diag *diag)
{
	struct bd_buf packed;
	enum bd_code code;

	bd_buf_init(&packed, BD_DATABASE_FRAME_MAX_BYTES);
	code = bd_database_ask_pack(&packed, ask);
	if (code == BD_OK && !say(process, BD_DATABASE_ASK, bd_buf_bytes(&packed))) {
		code = BD_CONNECT_BROKEN;
	}
	bd_buf_wipe(&packed);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "its process cannot be asked");
}

enum bd_code bd_database_process_start(struct bd_database_process *process,
	const struct bd_settings *settings, const struct bd_database_ask *ask, struct bd_diag *diag)
{
	enum bd_code code;

	process->step = BD_DATABASE_READING;
	open_handles(process);
	code = spawn(process, settings) ? send_ask(process, ask, diag)
					: bd_fail(diag, BD_WORKER_START, "bidui-database");
	if (code != BD_OK) {
		bd_database_process_end(process);
		return code;
	}
	uv_timer_start(&process->timer, on_too_long,
		(uint64_t)process->plan->connect_ms + process->plan->query_ms +
			BD_DATABASE_GRACE_MS,
		0);
	return BD_OK;
}

bool bd_database_process_mark(struct bd_database_process *process)
{
	process->step = BD_DATABASE_MARKING;
	uv_timer_start(&process->timer, on_too_long,
		(uint64_t)process->plan->query_ms + BD_DATABASE_GRACE_MS, 0);
	return !process->is_gone && say(process, BD_DATABASE_STORED, (struct bd_bytes){ "", 0 });
}

/* -- its memory -- */

void bd_database_process_init(struct bd_database_process *process)
{
	bd_buf_init(&process->in, BD_DATABASE_FRAME_MAX_BYTES + 2 * READ_BYTES);
	bd_buf_init(&process->out, BD_DATABASE_FRAME_MAX_BYTES + BD_DATABASE_HEAD_BYTES);
}

void bd_database_process_release(struct bd_database_process *process)
{
	bd_buf_release(&process->in);
	bd_buf_wipe(&process->out);
}
