#include "cli/file.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_as_opened(const struct bd_cli_file *file)
{
	struct stat now;

	return fstat(file->fd, &now) == 0 && now.st_size == file->opened.st_size &&
	       now.st_mtim.tv_sec == file->opened.st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == file->opened.st_mtim.tv_nsec;
}

static ptrdiff_t give(struct bd_http_body *body, char *out, size_t room)
{
	struct bd_cli_file *file = (struct bd_cli_file *)body; /* its first member */
	ssize_t got;

	do {
		got = read(file->fd, out, room);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		file->fault = BD_CLI_FILE_UNREADABLE;
		file->error = errno;
		return -1;
	}
	file->given += (uint64_t)got;
	/* Before the last byte leaves: afterwards it would be too late. */
	if (file->is_whole && (got == 0 || file->given >= (uint64_t)file->opened.st_size) &&
		!is_as_opened(file)) {
		file->fault = BD_CLI_FILE_CHANGED;
		return -1;
	}
	return got;
}

static void on_progress(struct bd_http_body *body, uint64_t sent, uint64_t received)
{
	struct bd_cli_file *file = (struct bd_cli_file *)body;

	(void)received;
	bd_cli_progress_show(&file->progress, sent, bd_clock_monotonic_ms());
}

static void tell_open(const struct bd_cli_options *options, const char *path, int error)
{
	const char *zh = strerror(error), *en = zh;

	if (error == ENOENT) {
		zh = "没有这个文件";
		en = "no such file";
	} else if (error == EISDIR) {
		zh = "这是目录，不是文件";
		en = "a folder, not a file";
	} else if (error == EACCES) {
		zh = "没有读取权限";
		en = "no permission to read it";
	}
	fprintf(stderr, "bidui: %s: %s\n", path, bd_cli_say(options, zh, en));
}

/* RFC 1952 section 2.3.1; no text that a department writes begins so. */
static bool begins_as_gzip(int fd)
{
	unsigned char magic[2];

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) && magic[0] == 0x1F &&
	       magic[1] == 0x8B;
}

bool bd_cli_file_open(struct bd_cli_file *file, const struct bd_cli_options *options,
	const char *path, bool has_progress)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 ? errno : 0;

	*file = (struct bd_cli_file){ .options = options, .path = path, .fd = fd };
	if (error == 0 && fstat(fd, &file->opened) != 0) {
		error = errno;
	}
	if (error == 0 && S_ISDIR(file->opened.st_mode)) {
		error = EISDIR;
	}
	if (error != 0) {
		tell_open(options, path, error);
		bd_cli_file_close(file);
		return false;
	}
	/* Of standard input a part may have been read by whoever opened it: its end is its end. */
	file->is_whole = S_ISREG(file->opened.st_mode) && lseek(fd, 0, SEEK_CUR) == 0;
	file->is_gzip = file->is_whole && begins_as_gzip(fd);
	/* An empty file says "none today": it is read all the same, in case somebody begins to
	 * write it. */
	file->body = (struct bd_http_body){ .give = give,
		.on_progress = on_progress,
		.len = file->is_whole && file->opened.st_size > 0 ? (int64_t)file->opened.st_size
								  : -1 };
	bd_cli_progress_begin(
		&file->progress, options, has_progress, file->body.len, bd_clock_monotonic_ms());
	return true;
}

void bd_cli_file_close(struct bd_cli_file *file)
{
	if (file->fd > STDIN_FILENO) {
		close(file->fd);
	}
	file->fd = -1;
}

void bd_cli_file_tell(const struct bd_cli_file *file)
{
	const struct bd_cli_options *options = file->options;

	if (file->fault == BD_CLI_FILE_UNREADABLE) {
		fprintf(stderr, "bidui: %s: %s: %s\n", file->path,
			bd_cli_say(
				options, "读取失败，未入库", "cannot be read; nothing was stored"),
			strerror(file->error));
		return;
	}
	fprintf(stderr, "bidui: %s: %s\n", file->path,
		bd_cli_say(options, "发送过程中文件被改动，未入库",
			"the file was changed while it was sent; nothing was stored"));
	fprintf(stderr, "  %s\n",
		bd_cli_say(options, "请等文件写完后重新推送",
			"Push it again when it is written completely."));
}

void bd_cli_file_end_progress(struct bd_cli_file *file)
{
	bd_cli_progress_end(&file->progress, bd_clock_monotonic_ms());
}
