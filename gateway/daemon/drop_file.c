#include "daemon/drop_parts.h"

#include "base/limits.h"
#include "base/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_FIRST 256

int bd_drop_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* -- looked at -- */

int64_t bd_drop_ns(struct timespec at)
{
	return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

struct bd_drop_mark bd_drop_mark_of(const struct stat *status)
{
	return (struct bd_drop_mark){ .device = status->st_dev,
		.number = status->st_ino,
		.size = (uint64_t)status->st_size,
		.modified_ns = bd_drop_ns(status->st_mtim),
		.changed_ns = bd_drop_ns(status->st_ctim) };
}

/* A move changes the time of change, and nothing else. */
bool bd_drop_mark_is_moved(const struct bd_drop_mark *a, const struct bd_drop_mark *b)
{
	return a->device == b->device && a->number == b->number && a->size == b->size &&
	       a->modified_ns == b->modified_ns;
}

bool bd_drop_mark_is(const struct bd_drop_mark *a, const struct bd_drop_mark *b)
{
	return bd_drop_mark_is_moved(a, b) && a->changed_ns == b->changed_ns;
}

static int by_name(const void *a, const void *b)
{
	const struct bd_drop_seen *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool add(
	struct bd_drop_list *list, size_t *room, const char *name, const struct stat *status)
{
	struct bd_drop_seen *item;

	if (!bd_list_grow(&list->items, room, list->count, LIST_FIRST, sizeof(*item))) {
		return false;
	}
	item = &list->items[list->count++];
	*item = (struct bd_drop_seen){ .mark = bd_drop_mark_of(status),
		.mode = status->st_mode,
		.owner = status->st_uid,
		.links = status->st_nlink };
	snprintf(item->name, sizeof(item->name), "%s", name);
	return true;
}

static enum bd_code read_entries(struct bd_drop_list *list, DIR *dir, struct bd_diag *diag)
{
	size_t room = 0;
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		struct stat status;

		if (fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
			S_ISDIR(status.st_mode) || strlen(entry->d_name) > BD_FILE_NAME_MAX_BYTES) {
			continue;
		}
		if (list->count == BD_FOLDER_ENTRIES_MAX) {
			list->is_cut = true;
			break;
		}
		if (!add(list, &room, entry->d_name, &status)) {
			return bd_fail(diag, BD_NO_MEMORY, "%s", "");
		}
	}
	if (list->count > 0) {
		qsort(list->items, list->count, sizeof(*list->items), by_name);
	}
	return BD_OK;
}

enum bd_code bd_drop_list(struct bd_drop_list *out, const char *folder, struct bd_diag *diag)
{
	struct bd_drop_list list = { .items = NULL };
	struct stat status;
	enum bd_code code;
	DIR *dir = opendir(folder);

	if (dir == NULL || fstat(dirfd(dir), &status) != 0) {
		code = bd_fail(diag, BD_FOLDER_OPEN, "%s", strerror(errno));
	} else if ((status.st_mode & S_IWOTH) != 0) {
		code = bd_fail(diag, BD_FOLDER_OPEN, "everybody may write to it");
	} else {
		list.owner = status.st_uid;
		code = read_entries(&list, dir, diag);
	}
	if (dir != NULL) {
		closedir(dir);
	}
	if (code != BD_OK) {
		bd_drop_list_release(&list);
		return code;
	}
	*out = list;
	return BD_OK;
}

void bd_drop_list_release(struct bd_drop_list *list)
{
	free(list->items);
	*list = (struct bd_drop_list){ .items = NULL };
}

const struct bd_drop_seen *bd_drop_list_find(const struct bd_drop_list *list, const char *name)
{
	struct bd_drop_seen wanted;

	snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	return list->count == 0 || strlen(name) > BD_FILE_NAME_MAX_BYTES
		       ? NULL
		       : bsearch(&wanted, list->items, list->count, sizeof(wanted), by_name);
}

/* -- opened -- */

enum bd_code bd_drop_open(
	int *fd, const char *folder, const struct bd_drop_seen *seen, struct bd_diag *diag)
{
	int dir = bd_drop_folder(folder), file, error;
	struct bd_drop_mark mark;
	struct stat status;

	if (dir < 0) {
		return bd_fail(diag, BD_FOLDER_OPEN, "%s", strerror(errno));
	}
	file = openat(dir, seen->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	error = errno;
	close(dir);
	if (file < 0) {
		return bd_fail(diag,
			error == ENOENT  ? BD_FOLDER_CHANGED
			: error == ELOOP ? BD_FOLDER_KIND
					 : BD_FOLDER_OPEN,
			"%s", strerror(error));
	}
	if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(file);
		return bd_fail(diag, BD_FOLDER_KIND, "%s", "");
	}
	mark = bd_drop_mark_of(&status);
	if (!bd_drop_mark_is(&mark, &seen->mark)) {
		close(file);
		return bd_fail(diag, BD_FOLDER_CHANGED, "since it was listed");
	}
	*fd = file;
	return BD_OK;
}

/* The bytes of one read; 0 = the end, -1 = it failed, with errno. */
ssize_t bd_drop_piece(int fd, char *piece, size_t size, off_t at)
{
	ssize_t got;

	do {
		got = pread(fd, piece, size, at);
	} while (got < 0 && errno == EINTR);
	return got;
}

enum bd_code bd_drop_digest(
	uint8_t out[BD_DIGEST_BYTES], int fd, const bool *is_over, struct bd_diag *diag)
{
	char *piece = malloc(BD_DROP_PIECE_BYTES);
	struct bd_sha256 *sha = NULL;
	enum bd_code code = piece != NULL ? bd_sha256_new(&sha) : BD_NO_MEMORY;
	ssize_t got = 1;

	for (off_t at = 0; code == BD_OK && got > 0; at += got) {
		got = bd_drop_piece(fd, piece, BD_DROP_PIECE_BYTES, at);
		if (got < 0) {
			code = bd_fail(diag, BD_IO, "%s", strerror(errno));
		} else if (__atomic_load_n(is_over, __ATOMIC_RELAXED)) {
			code = BD_DRAINING;
		} else {
			code = bd_sha256_update(sha, (struct bd_bytes){ piece, (size_t)got });
		}
	}
	code = code == BD_OK ? bd_sha256_final(sha, out) : code;
	bd_sha256_free(sha);
	free(piece);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

enum bd_code bd_drop_read(struct bd_buf *out, int fd, struct bd_diag *diag)
{
	char piece[4096];
	off_t at = 0;
	ssize_t got;

	while ((got = bd_drop_piece(fd, piece, sizeof(piece), at)) > 0) {
		enum bd_code code = bd_buf_add(out, (struct bd_bytes){ piece, (size_t)got });

		if (code != BD_OK) {
			return bd_fail(diag, code, "%s", "");
		}
		at += got;
	}
	return got == 0 ? BD_OK : bd_fail(diag, BD_IO, "%s", strerror(errno));
}

bool bd_drop_join(
	char out[BD_DROP_NAME_BYTES], const char *before, const char *name, const char *suffix)
{
	int len = snprintf(out, BD_DROP_NAME_BYTES, "%s%s%s", before, name, suffix);

	return len > 0 && len < BD_DROP_NAME_BYTES;
}

void bd_drop_stated(uint8_t out[BD_DIGEST_BYTES], bool *has_one, const char *folder,
	const char *name, const char *suffix)
{
	char mark[BD_DROP_NAME_BYTES], hex[BD_DIGEST_BYTES * 2];
	int dir = bd_drop_folder(folder), fd = -1;
	struct stat status;

	*has_one = false;
	if (dir >= 0 && bd_drop_join(mark, "", name, suffix)) {
		fd = openat(dir, mark, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		bd_drop_piece(fd, hex, sizeof(hex), 0) == (ssize_t)sizeof(hex)) {
		*has_one = bd_unhex(out, BD_DIGEST_BYTES, (struct bd_bytes){ hex, sizeof(hex) });
	}
	if (fd >= 0) {
		close(fd);
	}
	if (dir >= 0) {
		close(dir);
	}
}
