/* database_main.c - bidui-database: reads one batch of rows of a department's front-end database
 * 前置库 for biduid, and afterwards writes back which were taken.
 *
 * A process of its own, for the driver manager loads foreign code. It is told what to do over its
 * standard input, credentials included, and answers on its standard output (database_talk.h). Its
 * fence: biduid's own, which it inherits, and within that no file but the system's libraries and
 * what names hosts; no file written, no core, no other program, bounded memory, no looking into it
 * by others of its user, and it ends with biduid. It keeps the network: that is what it is for. A
 * seccomp filter it has not, for nobody knows what a driver calls.
 *
 * Rows become the feed's delimited format: a column each, its separator between them, \N for NULL,
 * a line feed at the end. What that format has no way to write (the separator, a line end, a value
 * that is \N) becomes the control character U+0002, which the worker refuses: one bad row costs
 * itself and nothing beside it.
 */
#include "base/limits.h"
#include "daemon/confine.h"
#include "daemon/database_talk.h"
#include "daemon/landlock.h"
#include "daemon/odbc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define READ_BYTES 65536
#define DATA_BYTES 65536
#define PARAMETERS_MAX 16
/* Never in what a department means, and always refused. */
#define REFUSED_BYTE '\x02'

enum exit_code { EXIT_GOOD = 0, EXIT_TALK = 1, EXIT_CONFINED = 4 };

struct session {
	struct bd_arena arena;
	struct bd_buf in, out, row, value;
	struct bd_database_ask ask;
	struct bd_odbc *odbc;
	size_t watermark, key; /* columns */
	struct bd_buf keys;    /* of the rows, each sized */
	struct bd_buf last_watermark, last_key;
	uint64_t rows;
};

/* -- the fence -- */

static enum bd_code lock_files(bool is_best_effort, struct bd_diag *diag)
{
	static const char *const readable[] = { "/lib", "/lib64", "/usr/lib", "/usr/lib64",
		"/usr/share", "/etc/hosts", "/etc/host.conf", "/etc/resolv.conf",
		"/etc/nsswitch.conf", "/etc/ld.so.cache", "/etc/ssl", "/dev/null", "/dev/urandom",
		"/usr/local/lib" };
	struct bd_landlock *lock = NULL;
	const char *reason;
	enum bd_code code;

	if (bd_landlock_abi(&reason) == 0) {
		return is_best_effort ? BD_OK : bd_fail(diag, BD_CONFINEMENT, "%s", reason);
	}
	code = bd_landlock_new(&lock, false, diag);
#ifdef BD_IS_SANITIZED
	/* They read /proc and the program itself. */
	code = code == BD_OK ? bd_landlock_allow(lock, "/", BD_MAY_READ, diag) : code;
#endif
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]) && code == BD_OK; i++) {
		if (access(readable[i], F_OK) == 0) {
			code = bd_landlock_allow(lock, readable[i], BD_MAY_READ, diag);
		}
	}
	code = code == BD_OK ? bd_landlock_enforce(lock, diag) : code;
	bd_landlock_free(lock);
	return code;
}

static enum bd_code confine(bool is_best_effort, struct bd_diag *diag)
{
	static const struct {
		int resource;
		rlim_t max;
	} bounds[] = { { RLIMIT_CORE, 0 }, { RLIMIT_FSIZE, 0 }, { RLIMIT_NOFILE, 64 },
#ifndef BD_IS_SANITIZED
		{ RLIMIT_AS, BD_DATABASE_MEMORY_MAX_BYTES }
#endif
	};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return bd_fail(diag, BD_CONFINEMENT, "prctl: %s", strerror(errno));
	}
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		const struct rlimit limit = { bounds[i].max, bounds[i].max };

		if (setrlimit((__rlimit_resource_t)bounds[i].resource, &limit) != 0) {
			return bd_fail(diag, BD_CONFINEMENT, "rlimit: %s", strerror(errno));
		}
	}
	return lock_files(is_best_effort, diag);
}

/* -- talking -- */

static bool write_all(struct bd_bytes bytes)
{
	while (bytes.len > 0) {
		ssize_t len = write(STDOUT_FILENO, bytes.ptr, bytes.len);

		if (len < 0 && errno != EINTR) {
			return false;
		}
		bytes.ptr += len > 0 ? len : 0;
		bytes.len -= len > 0 ? (size_t)len : 0;
	}
	return true;
}

static bool say(struct session *session, enum bd_database_frame type, struct bd_bytes payload)
{
	bd_buf_clear(&session->out);
	return bd_database_frame_add(&session->out, type, payload) == BD_OK &&
	       write_all(bd_buf_bytes(&session->out));
}

static bool say_failure(struct session *session, const struct bd_diag *diag)
{
	char room[600];
	struct bd_buf payload = { room, 0, sizeof(room), sizeof(room) };

	return bd_buf_add_sized(&payload, bd_bytes_of(bd_code_info(diag->code)->text)) == BD_OK &&
	       bd_buf_add_sized(&payload, bd_bytes_of(diag->detail)) == BD_OK &&
	       say(session, BD_DATABASE_FAIL, bd_buf_bytes(&payload));
}

/* The next frame; false at the end, or when it is none. */
static bool hear(enum bd_database_frame *type, struct bd_bytes *payload, struct session *session)
{
	bool has = false;

	for (;;) {
		struct bd_bytes rest = bd_buf_bytes(&session->in);
		ssize_t len;

		if (!bd_database_frame_take(type, payload, &has, &rest)) {
			return false;
		}
		if (has) {
			*payload = bd_arena_copy(&session->arena, *payload);
			memmove(session->in.ptr, rest.ptr, rest.len);
			session->in.len = rest.len;
			return payload->ptr != NULL;
		}
		if (bd_buf_reserve(&session->in, READ_BYTES) != BD_OK) {
			return false;
		}
		len = read(STDIN_FILENO, session->in.ptr + session->in.len, READ_BYTES);
		if (len == 0 || (len < 0 && errno != EINTR)) {
			return false;
		}
		session->in.len += len > 0 ? (size_t)len : 0;
	}
}

/* -- rows -- */

static size_t find_column(const struct session *session, const char *name)
{
	size_t at = 0;

	while (at < session->ask.column_count && strcasecmp(session->ask.columns[at], name) != 0) {
		at++;
	}
	return at;
}

/* The query must give the feed's columns, in their order. */
static enum bd_code check_columns(struct session *session, struct bd_diag *diag)
{
	const struct bd_database_ask *ask = &session->ask;

	if (bd_odbc_columns(session->odbc) != ask->column_count) {
		return bd_fail(diag, BD_DATABASE_COLUMNS, "%zu columns, the feed has %zu",
			bd_odbc_columns(session->odbc), ask->column_count);
	}
	for (size_t i = 0; i < ask->column_count; i++) {
		if (strcasecmp(bd_odbc_column(session->odbc, i), ask->columns[i]) != 0) {
			return bd_fail(diag, BD_DATABASE_COLUMNS, "column %zu is not %s", i + 1,
				ask->columns[i]);
		}
	}
	session->watermark = find_column(session, ask->watermark);
	session->key = find_column(session, ask->key);
	return BD_OK;
}

static enum bd_code add_value(struct session *session, bool is_null)
{
	struct bd_buf *value = &session->value;

	if (is_null) {
		return bd_buf_add_text(&session->row, "\\N");
	}
	if (value->len == 2 && memcmp(value->ptr, "\\N", 2) == 0) {
		value->ptr[0] = REFUSED_BYTE;
	}
	for (size_t i = 0; i < value->len; i++) {
		if (value->ptr[i] == (char)session->ask.separator || value->ptr[i] == '\n' ||
			value->ptr[i] == '\r' || value->ptr[i] == '\0') {
			value->ptr[i] = REFUSED_BYTE;
		}
	}
	return bd_buf_add(&session->row, bd_buf_bytes(value));
}

static enum bd_code keep(struct bd_buf *out, struct bd_bytes value)
{
	bd_buf_clear(out);
	return bd_buf_add(out, value);
}

static enum bd_code read_row(struct session *session, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < session->ask.column_count && code == BD_OK; i++) {
		bool is_null = false;

		bd_buf_clear(&session->value);
		code = bd_odbc_value(&session->value, &is_null, session->odbc, i, diag);
		if (code == BD_OK && is_null && (i == session->watermark || i == session->key)) {
			code = bd_fail(
				diag, BD_DATABASE_COLUMNS, "%s is NULL", session->ask.columns[i]);
		}
		if (code == BD_OK && i == session->watermark) {
			code = keep(&session->last_watermark, bd_buf_bytes(&session->value));
		}
		if (code == BD_OK && i == session->key) {
			code = keep(&session->last_key, bd_buf_bytes(&session->value));
			code = code == BD_OK ? bd_buf_add_sized(&session->keys,
						       bd_buf_bytes(&session->value))
					     : code;
		}
		if (code == BD_OK && i > 0) {
			code = bd_buf_add_byte(&session->row, (char)session->ask.separator);
		}
		code = code == BD_OK ? add_value(session, is_null) : code;
	}
	code = code == BD_OK ? bd_buf_add_byte(&session->row, '\n') : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a row");
}

static bool flush(struct session *session)
{
	struct bd_bytes rest = bd_buf_bytes(&session->row);
	bool is_good = true;

	while (is_good && rest.len > 0) {
		struct bd_bytes piece = { rest.ptr, rest.len < DATA_BYTES ? rest.len : DATA_BYTES };

		is_good = say(session, BD_DATABASE_DATA, piece);
		rest.ptr += piece.len;
		rest.len -= piece.len;
	}
	bd_buf_clear(&session->row);
	return is_good;
}

static enum bd_code read_rows(struct session *session, bool *is_full, struct bd_diag *diag)
{
	bool has = true;

	while (session->rows < session->ask.batch) {
		enum bd_code code = bd_odbc_next(&has, session->odbc, diag);

		if (code != BD_OK || !has) {
			break;
		}
		code = read_row(session, diag);
		if (code != BD_OK) {
			return code;
		}
		session->rows++;
		if (session->row.len >= DATA_BYTES && !flush(session)) {
			return bd_fail(diag, BD_IO, "%s", "");
		}
	}
	*is_full = session->rows == session->ask.batch;
	if (diag->code != BD_OK) {
		return diag->code;
	}
	return flush(session) ? BD_OK : bd_fail(diag, BD_IO, "%s", "");
}

/* "watermark watermark key" */
static size_t list_parameters(const char **out, const struct bd_database_ask *ask)
{
	const char *at = ask->parameters;
	size_t count = 0;

	while (*at != '\0' && count < PARAMETERS_MAX) {
		size_t len = strcspn(at, " ");

		out[count++] = strncmp(at, "key", len) == 0 && len == 3 ? ask->last_key
									: ask->last_watermark;
		at += len + strspn(at + len, " ");
	}
	return count;
}

static enum bd_code read_batch(
	struct session *session, struct bd_database_end *end, struct bd_diag *diag)
{
	const struct bd_database_ask *ask = &session->ask;
	const char *parameters[PARAMETERS_MAX];
	size_t count = list_parameters(parameters, ask);
	enum bd_code code = bd_odbc_open(
		&session->odbc, ask->connection, ask->user, ask->password, ask->connect_s, diag);

	if (code == BD_OK && !say(session, BD_DATABASE_OPENED, (struct bd_bytes){ "", 0 })) {
		code = bd_fail(diag, BD_IO, "%s", "");
	}
	code = code == BD_OK ? bd_odbc_select(session->odbc, ask->select, parameters, count,
				       ask->query_s, diag)
			     : code;
	code = code == BD_OK ? check_columns(session, diag) : code;
	code = code == BD_OK ? read_rows(session, &end->is_full, diag) : code;
	end->rows = session->rows;
	end->watermark = bd_buf_bytes(&session->last_watermark);
	end->key = bd_buf_bytes(&session->last_key);
	return code;
}

/* -- afterwards -- */

static enum bd_code write_back(struct session *session, struct bd_diag *diag)
{
	struct bd_reader reader = bd_reader_of(bd_buf_bytes(&session->keys));
	enum bd_code code = BD_OK;

	while (code == BD_OK && reader.rest.len > 0) {
		struct bd_bytes key = bd_read_sized(&reader);

		bd_buf_clear(&session->value);
		code = bd_buf_add(&session->value, key);
		code = code == BD_OK ? bd_buf_add_byte(&session->value, '\0') : code;
		code = code == BD_OK ? bd_odbc_do(session->odbc, session->ask.consumed,
					       session->value.ptr, session->ask.query_s, diag)
				     : code;
	}
	return code == BD_OK ? bd_odbc_commit(session->odbc, diag) : code;
}

static bool mark(struct session *session)
{
	char room[8];
	struct bd_buf payload = { room, 0, sizeof(room), sizeof(room) };
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = session->ask.consumed[0] != '\0' ? write_back(session, &diag) : BD_OK;

	if (code != BD_OK) {
		diag.code = code;
		return say_failure(session, &diag);
	}
	return bd_buf_add_u64(&payload, session->ask.consumed[0] != '\0' ? session->rows : 0) ==
		       BD_OK &&
	       say(session, BD_DATABASE_MARKED, bd_buf_bytes(&payload));
}

static enum exit_code serve(struct session *session)
{
	char room[8192];
	struct bd_buf payload = { room, 0, sizeof(room), sizeof(room) };
	struct bd_database_end end = { 0 };
	struct bd_diag diag = { .code = BD_OK };
	enum bd_database_frame type;
	struct bd_bytes bytes;
	enum bd_code code;

	if (!hear(&type, &bytes, session) || type != BD_DATABASE_ASK ||
		!bd_database_ask_unpack(&session->ask, bytes, &session->arena)) {
		return EXIT_TALK;
	}
	code = read_batch(session, &end, &diag);
	if (code != BD_OK) {
		diag.code = code;
		return say_failure(session, &diag) ? EXIT_GOOD : EXIT_TALK;
	}
	if (bd_database_end_pack(&payload, &end) != BD_OK ||
		!say(session, BD_DATABASE_END, bd_buf_bytes(&payload))) {
		return EXIT_TALK;
	}
	if (!hear(&type, &bytes, session) || type != BD_DATABASE_STORED) {
		return EXIT_GOOD;
	}
	return mark(session) ? EXIT_GOOD : EXIT_TALK;
}

int main(int argc, char **argv)
{
	struct session session = { .rows = 0 };
	struct bd_diag diag = { .code = BD_OK };
	enum exit_code result;

	signal(SIGPIPE, SIG_IGN);
	if (confine(argc > 1 && strcmp(argv[1], "--confinement=best_effort") == 0, &diag) !=
		BD_OK) {
		fprintf(stderr, "bidui-database: %s: %s\n", bd_code_info(diag.code)->text,
			diag.detail);
		return EXIT_CONFINED;
	}
	bd_arena_init(&session.arena, BD_DATABASE_FRAME_MAX_BYTES * 4);
	bd_buf_init(&session.in, BD_DATABASE_FRAME_MAX_BYTES * 2);
	bd_buf_init(&session.out, BD_DATABASE_FRAME_MAX_BYTES + BD_DATABASE_HEAD_BYTES);
	bd_buf_init(&session.row, DATA_BYTES + BD_DATABASE_ROW_MAX_BYTES);
	bd_buf_init(&session.value, BD_DATABASE_ROW_MAX_BYTES);
	bd_buf_init(&session.keys, (size_t)BD_DATABASE_BATCH_MAX * 256);
	bd_buf_init(&session.last_watermark, 256);
	bd_buf_init(&session.last_key, 256);
	result = serve(&session);
	bd_odbc_close(session.odbc);
	bd_arena_release(&session.arena);
	bd_buf_release(&session.in);
	bd_buf_release(&session.out);
	bd_buf_release(&session.row);
	bd_buf_release(&session.value);
	bd_buf_release(&session.keys);
	bd_buf_release(&session.last_watermark);
	bd_buf_release(&session.last_key);
	return (int)result;
}
