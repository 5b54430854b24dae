#include "store/backup_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_BYTES ((size_t)1048576)

enum bd_code bd_copy_open(
	struct bd_copy *copy, const char *from, const char *to, struct bd_diag *diag)
{
	*copy = (struct bd_copy){ .from = from, .to = to, .diag = diag };
	bd_buf_init(&copy->manifest, BD_MANIFEST_MAX_BYTES);
	copy->room = malloc(COPY_BYTES);
	return copy->room != NULL ? BD_OK : bd_fail(diag, BD_NO_MEMORY, "%s", "");
}

void bd_copy_close(struct bd_copy *copy)
{
	bd_buf_release(&copy->manifest);
	free(copy->room);
}

enum bd_code bd_copy_io_fail(struct bd_diag *diag, const char *name)
{
	return bd_fail(diag, errno == ENOSPC || errno == EDQUOT ? BD_DISK_FULL : BD_IO, "%s: %s",
		name, strerror(errno));
}

void bd_copy_join(char out[BD_BACKUP_PATH_BYTES], const char *folder, const char *name)
{
	snprintf(out, BD_BACKUP_PATH_BYTES, "%.4000s/%.300s", folder, name);
}

enum bd_code bd_copy_sync(const char *path, struct bd_diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_good = fd >= 0 && fsync(fd) == 0;
	enum bd_code code = is_good ? BD_OK : bd_copy_io_fail(diag, path);

	if (fd >= 0) {
		close(fd);
	}
	return code;
}

enum bd_code bd_copy_sync_parent(const char *path, struct bd_diag *diag)
{
	char parent[BD_BACKUP_PATH_BYTES];
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/') {
		len--;
	}
	while (len > 0 && path[len - 1] != '/') {
		len--;
	}
	snprintf(parent, sizeof(parent), "%.*s", (int)len, path);
	return bd_copy_sync(len > 0 ? parent : ".", diag);
}

bool bd_copy_write(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t one = write(fd, bytes, len);

		if (one < 0 && errno != EINTR) {
			return false;
		}
		bytes += one > 0 ? one : 0;
		len -= one > 0 ? (size_t)one : 0;
	}
	return true;
}

static bool is_zero(const char *bytes, size_t len)
{
	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* Behind the last byte that was ever written: the file of salts has room for all that may come. */
static uint64_t end_of_data(int fd)
{
	off_t data = 0, end = 0;

	while ((data = lseek(fd, end, SEEK_DATA)) >= 0) {
		off_t hole = lseek(fd, data, SEEK_HOLE);

		if (hole <= end) {
			break;
		}
		end = hole;
	}
	lseek(fd, 0, SEEK_SET);
	return (uint64_t)end;
}

enum bd_code bd_copy_bytes(struct bd_copy *copy, struct bd_manifest_file *file, int from, int to)
{
	struct bd_sha256 *sha = NULL;
	enum bd_code code = bd_sha256_new(&sha);
	bool is_cut = copy->cuts_salts && strcmp(file->name, "salts") == 0;
	uint64_t end = is_cut ? end_of_data(from) : UINT64_MAX;

	file->size = 0;
	while (code == BD_OK && file->size < end) {
		uint64_t left = end - file->size;
		ssize_t len = read(from, copy->room, left < COPY_BYTES ? left : COPY_BYTES);

		if (len < 0 && errno == EINTR) {
			continue;
		}
		if (len <= 0) {
			code = len < 0 ? bd_copy_io_fail(copy->diag, file->name) : BD_OK;
			break;
		}
		file->size += (uint64_t)len;
		code = bd_sha256_update(sha, (struct bd_bytes){ copy->room, (size_t)len });
		if (to >= 0 && !(is_zero(copy->room, (size_t)len)
					       ? lseek(to, (off_t)len, SEEK_CUR) >= 0
					       : bd_copy_write(to, copy->room, (size_t)len))) {
			code = bd_copy_io_fail(copy->diag, file->name);
		}
	}
	code = code == BD_OK ? bd_sha256_final(sha, file->digest) : code;
	bd_sha256_free(sha);
	return code;
}

enum bd_code bd_copy_note(struct bd_copy *copy, const struct bd_manifest_file *file)
{
	copy->report.files++;
	copy->report.bytes += file->size;
	return bd_manifest_add(&copy->manifest, file);
}

enum bd_code bd_copy_file(struct bd_copy *copy, const char *name, bool *is_gone)
{
	char from_path[BD_BACKUP_PATH_BYTES], to_path[BD_BACKUP_PATH_BYTES];
	struct bd_manifest_file file = { .size = 0 };
	enum bd_code code;
	int from, to;

	snprintf(file.name, sizeof(file.name), "%s", name);
	bd_copy_join(from_path, copy->from, name);
	bd_copy_join(to_path, copy->to, name);
	from = open(from_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	*is_gone = from < 0 && errno == ENOENT;
	if (from < 0) {
		return *is_gone ? BD_OK : bd_copy_io_fail(copy->diag, name);
	}
	to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	code = to >= 0 ? bd_copy_bytes(copy, &file, from, to) : bd_copy_io_fail(copy->diag, name);
	if (code == BD_OK && (ftruncate(to, (off_t)file.size) != 0 || fsync(to) != 0)) {
		code = bd_copy_io_fail(copy->diag, name);
	}
	close(from);
	if (to >= 0) {
		close(to);
	}
	return code == BD_OK ? bd_copy_note(copy, &file) : code;
}
