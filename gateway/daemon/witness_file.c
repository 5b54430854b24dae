#include "daemon/witness_file.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/try.h"
#include "trail/proof.h"
#include "trail/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define ARENA_BYTES ((size_t)1 << 20)
#define NS_PER_S UINT64_C(1000000000)
/* Writing that takes longer than this many turns hangs. */
#define HANGING_TURNS 3

struct bd_witness_file {
	struct bd_trail *trail;
	int fd;
	uint64_t every_s;
	uv_thread_t thread;
	uv_mutex_t lock; /* what follows */
	uv_cond_t wake;
	bool is_stopping;
	struct bd_witness_file_state state;
	int64_t begun_ms; /* of the line that is being written; 0 = none is */
	/* the thread's own */
	struct bd_buf line;
	uint8_t last[BD_DIGEST_BYTES]; /* of the body that was written last */
	bool has_torn;                 /* the last line may lack its end */
};

/* As the witness command reads a head: one object a line. */
static enum bd_code make_line(struct bd_witness_file *file, const struct bd_trail_signed *head)
{
	struct bd_json_writer w;

	bd_buf_clear(&file->line);
	BD_TRY(file->has_torn ? bd_buf_add_byte(&file->line, '\n') : BD_OK);
	bd_jw_init(&w, &file->line);
	bd_trail_signed_write(&w, NULL, head);
	BD_TRY(w.code);
	return bd_buf_add_byte(&file->line, '\n');
}

static enum bd_code write_line(struct bd_witness_file *file, struct bd_diag *diag)
{
	struct bd_bytes rest = bd_buf_bytes(&file->line);

	while (rest.len > 0) {
		ssize_t len = write(file->fd, rest.ptr, rest.len);

		if (len < 0 && errno == EINTR) {
			continue;
		}
		if (len <= 0) {
			return bd_fail(diag, BD_IO, "witness_file: %s", strerror(errno));
		}
		file->has_torn = true;
		rest = (struct bd_bytes){ rest.ptr + len, rest.len - (size_t)len };
	}
	file->has_torn = false;
	return fdatasync(file->fd) == 0 || errno == EINVAL || errno == EROFS
		       ? BD_OK
		       : bd_fail(diag, BD_IO, "witness_file: %s", strerror(errno));
}

/* *is_new false: no head, or the one that stands there already. */
static enum bd_code write_newest(bool *is_new, struct bd_witness_file *file, struct bd_diag *diag)
{
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_trail_signed head;
	struct bd_arena arena;
	enum bd_code code;

	*is_new = false;
	bd_arena_init(&arena, ARENA_BYTES);
	code = bd_trail_newest(&head, file->trail, &arena, diag);
	if (code == BD_RECEIPT_PROOF_PENDING) {
		bd_diag_clear(diag);
		bd_arena_release(&arena);
		return BD_OK;
	}
	code = code == BD_OK ? bd_sha256_of(head.body, digest) : code;
	if (code == BD_OK && memcmp(digest, file->last, sizeof(digest)) != 0) {
		*is_new = true;
		code = make_line(file, &head);
		code = code == BD_OK ? write_line(file, diag) : code;
	}
	if (code == BD_OK) {
		memcpy(file->last, digest, sizeof(digest));
	}
	bd_arena_release(&arena);
	return code;
}

static void turn(struct bd_witness_file *file)
{
	struct bd_diag diag = { .code = BD_OK };
	bool is_new = false, was_failing;
	enum bd_code code;

	uv_mutex_lock(&file->lock);
	file->begun_ms = bd_clock_monotonic_ms();
	was_failing = file->state.is_failing;
	uv_mutex_unlock(&file->lock);
	code = write_newest(&is_new, file, &diag);
	if (code != BD_OK && !was_failing) {
		bd_log_diag(BD_LOG_ERROR, "trail", "witness_file", &diag);
	} else if (code == BD_OK && is_new && was_failing) {
		bd_log(BD_LOG_INFO, "trail", "witness_file", "it is written again");
	}
	uv_mutex_lock(&file->lock);
	file->begun_ms = 0;
	if (is_new || code != BD_OK) {
		file->state.is_failing = code != BD_OK;
		file->state.failures += code != BD_OK;
		file->state.lines += code == BD_OK;
		file->state.written_ms =
			code == BD_OK ? bd_clock_wall_ms() : file->state.written_ms;
	}
	uv_mutex_unlock(&file->lock);
}

static void run(void *state)
{
	struct bd_witness_file *file = state;
	bool is_stopping = false;

	while (!is_stopping) {
		uv_mutex_lock(&file->lock);
		if (!file->is_stopping) {
			uv_cond_timedwait(&file->wake, &file->lock, file->every_s * NS_PER_S);
		}
		is_stopping = file->is_stopping;
		uv_mutex_unlock(&file->lock);
		turn(file);
	}
}

/* A line that a killed process left without its end is ended by the next. */
static bool ends_torn(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static enum bd_code open_file(struct bd_witness_file *file, const char *path, struct bd_diag *diag)
{
	file->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file->fd < 0 && errno == EACCES) {
		/* One that may only be written to: of another's share. */
		file->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	}
	if (file->fd < 0) {
		return bd_fail(diag, BD_IO, "witness_file: %s", strerror(errno));
	}
	file->has_torn = ends_torn(file->fd);
	return BD_OK;
}

enum bd_code bd_witness_file_start(struct bd_witness_file **out, const char *path, uint64_t every_s,
	struct bd_trail *trail, struct bd_diag *diag)
{
	struct bd_witness_file *file;
	enum bd_code code;

	*out = NULL;
	if (path == NULL) {
		return BD_OK;
	}
	file = calloc(1, sizeof(*file));
	if (file == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	*file = (struct bd_witness_file){
		.trail = trail, .every_s = every_s, .fd = -1, .state = { .is_there = true }
	};
	bd_buf_init(&file->line, BD_TRAIL_WITNESS_LINE_MAX_BYTES);
	code = open_file(file, path, diag);
	if (code == BD_OK && (uv_mutex_init(&file->lock) != 0 || uv_cond_init(&file->wake) != 0 ||
				     uv_thread_create(&file->thread, run, file) != 0)) {
		code = bd_fail(diag, BD_NO_MEMORY, "no thread for witness_file");
	}
	if (code != BD_OK) {
		if (file->fd >= 0) {
			close(file->fd);
		}
		bd_buf_release(&file->line);
		free(file);
		return code;
	}
	*out = file;
	return BD_OK;
}

void bd_witness_file_stop(struct bd_witness_file *file)
{
	if (file == NULL) {
		return;
	}
	uv_mutex_lock(&file->lock);
	file->is_stopping = true;
	uv_cond_signal(&file->wake);
	uv_mutex_unlock(&file->lock);
	uv_thread_join(&file->thread);
	uv_cond_destroy(&file->wake);
	uv_mutex_destroy(&file->lock);
	close(file->fd);
	bd_buf_release(&file->line);
	free(file);
}

void bd_witness_file_state(
	struct bd_witness_file_state *out, struct bd_witness_file *file, int64_t now_ms)
{
	*out = (struct bd_witness_file_state){ .is_there = false };
	if (file == NULL) {
		return;
	}
	uv_mutex_lock(&file->lock);
	*out = file->state;
	out->is_failing |=
		file->begun_ms != 0 &&
		now_ms - file->begun_ms > (int64_t)(HANGING_TURNS * file->every_s * 1000);
	uv_mutex_unlock(&file->lock);
}
