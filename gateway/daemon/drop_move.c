#include "daemon/drop_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Files of one name that are kept beside each other. */
#define SAME_NAME_MAX 999

static bool is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

static enum bd_code fail_move(struct bd_diag *diag, int error)
{
	return bd_fail(diag, is_full(error) ? BD_DISK_FULL : BD_FOLDER_MOVE, "%s", strerror(error));
}

/* Made where it is missing, for those whom the folder above is for, whatever our umask. */
static enum bd_code open_made(int *dir, const char *path, struct bd_diag *diag)
{
	struct stat above;

	*dir = bd_drop_folder(path);
	if (*dir < 0 && errno == ENOENT && mkdir(path, 0700) == 0) {
		*dir = bd_drop_folder(path);
		if (*dir >= 0 && fstatat(*dir, "..", &above, 0) == 0) {
			fchmod(*dir, above.st_mode & 0775);
		}
	}
	return *dir >= 0 ? BD_OK : fail_move(diag, errno);
}

static bool is_free(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

enum bd_code bd_drop_choose(char out[BD_FILE_NAME_MAX_BYTES + 1], const char *folder,
	const char *name, struct bd_diag *diag)
{
	/* Room for the receipts' endings and a number. */
	const int stem = BD_FILE_NAME_MAX_BYTES - 24;
	enum bd_code code;
	int dir;

	code = open_made(&dir, folder, diag);
	if (code != BD_OK) {
		return code;
	}
	snprintf(out, BD_DROP_NAME_BYTES, "%.*s", stem, name);
	for (unsigned i = 2; !is_free(dir, out) && code == BD_OK; i++) {
		snprintf(out, BD_DROP_NAME_BYTES, "%.*s.%u", stem, name, i);
		code = i <= SAME_NAME_MAX ? BD_OK : bd_fail(diag, BD_FOLDER_MOVE, "too many of it");
	}
	close(dir);
	return code;
}

static bool write_all(int fd, struct bd_bytes bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(fd, bytes.ptr, bytes.len);

		if (put < 0 && errno != EINTR) {
			return false;
		}
		bytes.ptr += put > 0 ? put : 0;
		bytes.len -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

enum bd_code bd_drop_put(const char *folder, const char *name, const char *suffix,
	struct bd_bytes text, struct bd_diag *diag)
{
	char draft[BD_DROP_NAME_BYTES], last[BD_DROP_NAME_BYTES];
	int dir, fd, error = ENAMETOOLONG;
	enum bd_code code;
	bool is_good;

	code = open_made(&dir, folder, diag);
	if (code != BD_OK) {
		return code;
	}
	is_good = bd_drop_join(draft, ".", name, suffix) && bd_drop_join(last, "", name, suffix);
	if (is_good) {
		unlinkat(dir, draft, 0);
		fd = openat(dir, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		is_good = fd >= 0 && fchmod(fd, 0644) == 0 && write_all(fd, text) && fsync(fd) == 0;
		error = errno;
		if (fd >= 0 && close(fd) != 0 && is_good) {
			is_good = false;
			error = errno;
		}
	}
	if (is_good && (renameat(dir, draft, dir, last) != 0 || fsync(dir) != 0)) {
		is_good = false;
		error = errno;
	}
	if (!is_good) {
		unlinkat(dir, draft, 0);
		code = fail_move(diag, error);
	}
	close(dir);
	return code;
}

/* Where the file system has no such flag, the name is looked for first. */
static int rename_to_free(int from, const char *old, int to, const char *name)
{
	if (renameat2(from, old, to, name, RENAME_NOREPLACE) == 0) {
		return 0;
	}
	if (errno != EINVAL && errno != ENOSYS) {
		return -1;
	}
	if (!is_free(to, name)) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from, old, to, name);
}

static bool is_as_seen(int dir, const char *name, const struct bd_drop_mark *seen)
{
	struct bd_drop_mark mark;
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
		return false;
	}
	mark = bd_drop_mark_of(&status);
	return bd_drop_mark_is_moved(&mark, seen);
}

static int copy_all(int from, int to)
{
	char *piece = malloc(BD_DROP_PIECE_BYTES);
	ssize_t got = 1;
	int result = piece != NULL ? 0 : -1;

	for (off_t at = 0; result == 0 && got > 0; at += got) {
		got = bd_drop_piece(from, piece, BD_DROP_PIECE_BYTES, at);
		if (got < 0 || !write_all(to, (struct bd_bytes){ piece, (size_t)got })) {
			result = -1;
		}
	}
	free(piece);
	return result;
}

/* To another file system: whole there before it goes here. */
static int copy_over(int from, const struct bd_drop_seen *seen, int to, const char *name)
{
	char draft[BD_DROP_NAME_BYTES];
	int result = -1, source, target = -1;

	if (!bd_drop_join(draft, ".", name, ".part")) {
		errno = ENAMETOOLONG;
		return -1;
	}
	source = openat(from, seen->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (source >= 0) {
		unlinkat(to, draft, 0);
		target = openat(
			to, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	}
	if (target >= 0) {
		result = fchmod(target, 0640) == 0 && copy_all(source, target) == 0 &&
					 fsync(target) == 0
				 ? 0
				 : -1;
		result = close(target) == 0 ? result : -1;
	}
	if (source >= 0) {
		close(source);
	}
	result = result == 0 ? rename_to_free(to, draft, to, name) : result;
	if (result != 0) {
		int error = errno;

		unlinkat(to, draft, 0);
		errno = error;
	}
	return result;
}

static enum bd_code move_between(
	int from, const struct bd_drop_seen *seen, int to, const char *name, struct bd_diag *diag)
{
	if (!is_as_seen(from, seen->name, &seen->mark)) {
		return bd_fail(diag, BD_FOLDER_CHANGED, "before it was moved");
	}
	if (rename_to_free(from, seen->name, to, name) == 0) {
		if (is_as_seen(to, name, &seen->mark)) {
			return BD_OK;
		}
		/* Another took its place at the last moment: that one has not been read yet. */
		rename_to_free(to, name, from, seen->name);
		return bd_fail(diag, BD_FOLDER_CHANGED, "before it was moved");
	}
	if (errno != EXDEV || copy_over(from, seen, to, name) != 0) {
		return fail_move(diag, errno);
	}
	if (fsync(to) != 0 || !is_as_seen(from, seen->name, &seen->mark)) {
		return bd_fail(diag, BD_FOLDER_CHANGED, "before it was moved");
	}
	return unlinkat(from, seen->name, 0) == 0 ? BD_OK : fail_move(diag, errno);
}

enum bd_code bd_drop_move(const char *from, const struct bd_drop_seen *seen, const char *to,
	const char *name, struct bd_diag *diag)
{
	int source = bd_drop_folder(from), target = -1;
	enum bd_code code = source >= 0 ? open_made(&target, to, diag) : fail_move(diag, errno);

	if (code == BD_OK) {
		code = move_between(source, seen, target, name, diag);
		fsync(target);
		fsync(source);
	}
	if (target >= 0) {
		close(target);
	}
	if (source >= 0) {
		close(source);
	}
	return code;
}

void bd_drop_remove(const char *folder, const char *name, const char *suffix)
{
	char whole[BD_DROP_NAME_BYTES];
	int dir = bd_drop_folder(folder);

	if (dir >= 0 && bd_drop_join(whole, "", name, suffix)) {
		unlinkat(dir, whole, 0);
	}
	if (dir >= 0) {
		close(dir);
	}
}

bool bd_drop_is_there(
	const char *folder, const char *name, const char *suffix, int64_t not_before_ns)
{
	char whole[BD_DROP_NAME_BYTES];
	int dir = bd_drop_folder(folder);
	struct stat status;
	bool is_there = false;

	if (dir >= 0) {
		is_there = bd_drop_join(whole, "", name, suffix) &&
			   fstatat(dir, whole, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			   S_ISREG(status.st_mode) && bd_drop_ns(status.st_ctim) >= not_before_ns;
		close(dir);
	}
	return is_there;
}
