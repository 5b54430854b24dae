#include "config/master_key.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/locked.h"
#include "base/try.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define WORDS_MAX 32

/* -- texts: in locked memory, one byte longer than what may come -- */

struct text {
	char *bytes;
	size_t len;
};

static enum bd_code text_new(struct text *text)
{
	*text = (struct text){ .bytes = bd_locked_alloc(BD_KEYS_TEXT_MAX_BYTES + 1) };
	return text->bytes != NULL ? BD_OK : BD_NO_MEMORY;
}

static void text_free(struct text *text)
{
	bd_locked_free(text->bytes, BD_KEYS_TEXT_MAX_BYTES + 1);
}

/* False: an error, or too much. *is_over: it has ended. */
static bool read_more(struct text *text, bool *is_over, int fd)
{
	ssize_t len = read(fd, text->bytes + text->len, BD_KEYS_TEXT_MAX_BYTES + 1 - text->len);

	if (len < 0) {
		return errno == EINTR || errno == EAGAIN;
	}
	*is_over = len == 0;
	text->len += (size_t)len;
	return text->len <= BD_KEYS_TEXT_MAX_BYTES;
}

static enum bd_code take(
	struct bd_keys **out, const struct text *text, const char *shown, struct bd_diag *diag)
{
	struct bd_diag why = { .code = BD_OK };
	struct bd_keys *keys = NULL;
	enum bd_code code = bd_keys_new(&keys);

	code = code == BD_OK ? bd_keys_read(keys, (struct bd_bytes){ text->bytes, text->len }, &why)
			     : code;
	if (code != BD_OK) {
		bd_keys_free(keys);
		return bd_fail(diag, BD_KEY_SOURCE, "%s: %s", shown, why.detail);
	}
	*out = keys;
	return BD_OK;
}

/* -- a file -- */

static enum bd_code check_file(int fd, const char *shown, bool is_ours, struct bd_diag *diag)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		return bd_fail(diag, BD_KEY_SOURCE, "%s is no ordinary file", shown);
	}
	if ((status.st_mode & (S_IRWXG | S_IRWXO | S_ISUID | S_ISGID)) != 0) {
		return bd_fail(diag, BD_KEY_SOURCE,
			"%s can be read or written by others: chmod 600 it, and consider whether "
			"somebody has",
			shown);
	}
	if (is_ours && status.st_uid != geteuid()) {
		return bd_fail(diag, BD_KEY_SOURCE,
			"%s belongs to user %u, this runs as %u: chown it", shown,
			(unsigned)status.st_uid, (unsigned)geteuid());
	}
	return BD_OK;
}

static enum bd_code read_file(struct bd_keys **out, const char *path, const char *shown,
	bool is_ours, struct bd_diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct text text = { .bytes = NULL };
	bool is_over = false;
	enum bd_code code;

	if (fd < 0) {
		return errno == ELOOP
			       ? bd_fail(diag, BD_KEY_SOURCE,
					 "%s is a symbolic link: name the file itself", shown)
			       : bd_fail(diag, BD_KEY_SOURCE, "%s: %s", shown, strerror(errno));
	}
	code = check_file(fd, shown, is_ours, diag);
	code = code == BD_OK ? text_new(&text) : code;
	while (code == BD_OK && !is_over) {
		if (!read_more(&text, &is_over, fd)) {
			code = bd_fail(
				diag, BD_KEY_SOURCE, "%s cannot be read, or is too long", shown);
		}
	}
	code = code == BD_OK ? take(out, &text, shown, diag) : code;
	close(fd);
	text_free(&text);
	return code;
}

enum bd_code bd_master_key_read_file(struct bd_keys **out, const char *path, struct bd_diag *diag)
{
	return read_file(out, path, "master_key_file", true, diag);
}

/* systemd gives them read-only, to the unit alone; on a ramfs they may belong to root. */
static enum bd_code read_credential(struct bd_keys **out, const char *name, struct bd_diag *diag)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_BYTES];

	if (folder == NULL || folder[0] != '/') {
		return bd_fail(diag, BD_KEY_SOURCE,
			"master_key_credential: there is no $CREDENTIALS_DIRECTORY: start biduid "
			"by systemd, with LoadCredential= or LoadCredentialEncrypted=");
	}
	if (strchr(name, '/') != NULL || strcmp(name, "..") == 0 ||
		snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
		return bd_fail(diag, BD_KEY_SOURCE, "master_key_credential is no name");
	}
	return read_file(out, path, "master_key_credential", false, diag);
}

/* -- a command -- */

struct command {
	char words[PATH_BYTES];
	char *argv[WORDS_MAX + 1];
};

static bool split(struct command *command, const char *line)
{
	char *rest = NULL;
	size_t count = 0;

	if (snprintf(command->words, sizeof(command->words), "%s", line) >=
		(int)sizeof(command->words)) {
		return false;
	}
	for (char *word = strtok_r(command->words, " \t", &rest); word != NULL;
		word = strtok_r(NULL, " \t", &rest)) {
		if (count == WORDS_MAX) {
			return false;
		}
		command->argv[count++] = word;
	}
	command->argv[count] = NULL;
	return count > 0;
}

extern char **environ;

static int spawn(pid_t *child, const struct command *command, int output)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0) {
		return error;
	}
	error = posix_spawnattr_init(&attributes);
	if (error == 0) {
		sigemptyset(&none);
		posix_spawnattr_setsigmask(&attributes, &none);
		/* In a group of its own, so that all that it started ends with it. */
		posix_spawnattr_setflags(
			&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_adddup2(&actions, output, 1);
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
		error = posix_spawn(
			child, command->argv[0], &actions, &attributes, command->argv, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* All that it writes, until it closes its output; bounded in bytes and in time. */
static bool listen_to(struct text *text, int fd)
{
	int64_t until = bd_clock_monotonic_ms() + BD_KEY_COMMAND_MS;
	bool is_over = false;

	while (!is_over) {
		int64_t left = until - bd_clock_monotonic_ms();
		struct pollfd wanted = { .fd = fd, .events = POLLIN };

		if (left <= 0 || (poll(&wanted, 1, (int)left) < 0 && errno != EINTR) ||
			(wanted.revents != 0 && !read_more(text, &is_over, fd))) {
			return false;
		}
	}
	return true;
}

static enum bd_code run(struct text *text, const struct command *command, struct bd_diag *diag)
{
	int ends[2], status = 0, error;
	bool is_heard;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		return bd_fail(diag, BD_KEY_SOURCE, "master_key_command: %s", strerror(errno));
	}
	error = spawn(&child, command, ends[1]);
	close(ends[1]);
	if (error != 0) {
		close(ends[0]);
		return bd_fail(diag, BD_KEY_SOURCE, "master_key_command: %s", strerror(error));
	}
	is_heard = listen_to(text, ends[0]);
	close(ends[0]);
	if (!is_heard) {
		kill(-child, SIGKILL);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	if (!is_heard) {
		return bd_fail(diag, BD_KEY_SOURCE,
			"master_key_command gave no key within %d seconds and %d bytes",
			BD_KEY_COMMAND_MS / 1000, BD_KEYS_TEXT_MAX_BYTES);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0
		       ? BD_OK
		       : bd_fail(diag, BD_KEY_SOURCE,
				 "master_key_command failed (%s %d): run it by hand",
				 WIFEXITED(status) ? "exit" : "signal",
				 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static enum bd_code read_command(struct bd_keys **out, const char *line, struct bd_diag *diag)
{
	struct text text = { .bytes = NULL };
	struct command command;
	enum bd_code code;

	if (!split(&command, line) || command.argv[0][0] != '/') {
		return bd_fail(diag, BD_KEY_SOURCE,
			"master_key_command is the whole path of a program and up to %d words, "
			"without quotes",
			WORDS_MAX - 1);
	}
	BD_TRY(text_new(&text));
	code = run(&text, &command, diag);
	code = code == BD_OK ? take(out, &text, "master_key_command", diag) : code;
	text_free(&text);
	return code;
}

enum bd_code bd_master_key_read(
	struct bd_keys **out, const struct bd_settings *settings, struct bd_diag *diag)
{
	enum bd_code code;

	if (settings->master_key_file != NULL) {
		code = bd_master_key_read_file(out, settings->master_key_file, diag);
	} else if (settings->master_key_credential != NULL) {
		code = read_credential(out, settings->master_key_credential, diag);
	} else {
		code = read_command(out, settings->master_key_command, diag);
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

/* -- writing -- */

static enum bd_code write_all(int fd, struct bd_bytes bytes)
{
	while (bytes.len > 0) {
		ssize_t len = write(fd, bytes.ptr, bytes.len);

		if (len < 0 && errno != EINTR) {
			return BD_IO;
		}
		bytes.ptr += len > 0 ? len : 0;
		bytes.len -= len > 0 ? (size_t)len : 0;
	}
	return fsync(fd) == 0 ? BD_OK : BD_IO;
}

static bool sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_BYTES];
	bool is_good;
	int fd;

	snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - path) : 1,
		slash != NULL ? path : ".");
	fd = open(folder[0] != '\0' ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0) {
		close(fd);
	}
	return is_good;
}

static enum bd_code put(const char *path, const char *draft, struct bd_bytes bytes, bool is_new)
{
	int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error;
	bool is_good;

	if (fd < 0) {
		return BD_IO;
	}
	is_good = write_all(fd, bytes) == BD_OK;
	is_good = close(fd) == 0 && is_good;
	/* link, unlike rename, takes nobody else's place. */
	is_good = is_good && (is_new ? link(draft, path) : rename(draft, path)) == 0;
	error = errno;
	if (is_new || !is_good) {
		unlink(draft);
	}
	errno = error;
	return is_good && sync_folder(path) ? BD_OK : BD_IO;
}

enum bd_code bd_master_key_write_file(
	const char *path, const struct bd_keys *keys, bool is_new, struct bd_diag *diag)
{
	struct text text;
	struct bd_buf out;
	char draft[PATH_BYTES];
	enum bd_code code = text_new(&text);

	out = (struct bd_buf){ text.bytes, 0, BD_KEYS_TEXT_MAX_BYTES, BD_KEYS_TEXT_MAX_BYTES };
	code = code == BD_OK ? bd_keys_write(&out, keys) : code;
	if (code == BD_OK && snprintf(draft, sizeof(draft), "%s.new-%d", path, (int)getpid()) >=
				     (int)sizeof(draft)) {
		code = BD_LIMIT_BYTES;
	}
	code = code == BD_OK ? put(path, draft, bd_buf_bytes(&out), is_new) : code;
	text_free(&text);
	return code == BD_OK ? BD_OK
			     : bd_fail(diag, BD_KEY_SOURCE, "master_key_file: %s", strerror(errno));
}
