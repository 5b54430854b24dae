#include "trail/file.h"

#include "base/digest.h"
#include "base/page_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void bd_trail_name_segment(char out[BD_TRAIL_NAME_BYTES], uint16_t loop, uint32_t segment)
{
	snprintf(out, BD_TRAIL_NAME_BYTES, "log-%04x-%08" PRIx32, loop, segment);
}

void bd_trail_name_runs(char out[BD_TRAIL_NAME_BYTES], uint16_t loop)
{
	snprintf(out, BD_TRAIL_NAME_BYTES, "runs-%04x", loop);
}

void bd_trail_name_heads(char out[BD_TRAIL_NAME_BYTES], uint32_t file)
{
	snprintf(out, BD_TRAIL_NAME_BYTES, "heads-%08" PRIx32, file);
}

void bd_trail_name_key(char out[BD_TRAIL_NAME_BYTES], const uint8_t *key_id)
{
	char hex[17];

	bd_hex(hex, key_id, 8);
	snprintf(out, BD_TRAIL_NAME_BYTES, "key-%s.pem", hex);
}

/* -- one file -- */

static enum bd_code fail(struct bd_diag *diag, const char *what, const char *name)
{
	int error = errno;
	bool is_full = error == ENOSPC || error == EDQUOT;

	return bd_fail(
		diag, is_full ? BD_DISK_FULL : BD_IO, "%s: %s: %s", name, what, strerror(error));
}

enum bd_code bd_trail_write(
	int fd, struct bd_bytes bytes, uint64_t offset, const char *name, struct bd_diag *diag)
{
	while (bytes.len > 0) {
		ssize_t len = pwrite(fd, bytes.ptr, bytes.len, (off_t)offset);

		if (len < 0 && errno != EINTR) {
			return fail(diag, "write", name);
		}
		if (len > 0) {
			bytes.ptr += len;
			bytes.len -= (size_t)len;
			offset += (uint64_t)len;
		}
	}
	return BD_OK;
}

enum bd_code bd_trail_read_at(size_t *got, int fd, void *out, size_t len, uint64_t offset,
	const char *name, struct bd_diag *diag)
{
	size_t at = 0;

	while (at < len) {
		ssize_t one = pread(fd, (char *)out + at, len - at, (off_t)(offset + at));

		if (one < 0 && errno != EINTR) {
			return fail(diag, "read", name);
		}
		if (one == 0) {
			break;
		}
		at += one > 0 ? (size_t)one : 0;
	}
	*got = at;
	return BD_OK;
}

/* Not BD_DISK_FULL, whatever it says: it cannot be made good by making room. */
static enum bd_code synced(int result, const char *name, struct bd_diag *diag)
{
	return result == 0 ? BD_OK : bd_fail(diag, BD_IO, "%s: sync: %s", name, strerror(errno));
}

enum bd_code bd_trail_sync_file(int fd, const char *name, struct bd_diag *diag)
{
	return synced(fdatasync(fd), name, diag);
}

enum bd_code bd_trail_sync_grown(
	int fd, uint64_t from, uint64_t to, const char *name, struct bd_diag *diag)
{
	return synced(bd_page_cache_sync(fd, from, to), name, diag);
}

enum bd_code bd_trail_sync_folder(int folder, struct bd_diag *diag)
{
	return fsync(folder) == 0 ? BD_OK : bd_fail(diag, BD_IO, "sync: %s", strerror(errno));
}

enum bd_code bd_trail_open_file(
	int *fd, int folder, const char *name, bool makes, struct bd_diag *diag)
{
	*fd = openat(folder, name, O_RDWR | O_CLOEXEC | (makes ? O_CREAT : 0), 0600);
	if (*fd >= 0 || (!makes && errno == ENOENT)) {
		return BD_OK;
	}
	/* An auditor may have no right to write: reading is all that checking needs. */
	if (!makes && (errno == EACCES || errno == EROFS)) {
		*fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	}
	return *fd >= 0 ? BD_OK : fail(diag, "open", name);
}

enum bd_code bd_trail_file_size(uint64_t *out, int fd, const char *name, struct bd_diag *diag)
{
	struct stat status;

	if (fstat(fd, &status) != 0) {
		return fail(diag, "stat", name);
	}
	*out = (uint64_t)status.st_size;
	return BD_OK;
}

enum bd_code bd_trail_allocate(
	int fd, uint64_t end, bool grows, const char *name, struct bd_diag *diag)
{
	int result, error;

	do {
		result = fallocate(fd, grows ? 0 : FALLOC_FL_KEEP_SIZE, 0, (off_t)end);
	} while (result != 0 && errno == EINTR);
	if (result == 0 || (errno == EOPNOTSUPP && !grows)) {
		return BD_OK;
	}
	if (errno == EOPNOTSUPP) {
		/* Writes every block where the file system has no other way. */
		error = posix_fallocate(fd, 0, (off_t)end);
		if (error == 0) {
			return BD_OK;
		}
		errno = error;
	}
	return fail(diag, "allocate", name);
}

enum bd_code bd_trail_put_file(
	int folder, const char *name, struct bd_bytes bytes, struct bd_diag *diag)
{
	char draft[BD_TRAIL_NAME_BYTES + 4];
	int fd;
	enum bd_code code;

	snprintf(draft, sizeof(draft), "%s.new", name);
	fd = openat(folder, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		return fail(diag, "open", draft);
	}
	code = bd_trail_write(fd, bytes, 0, draft, diag);
	code = code == BD_OK ? bd_trail_sync_file(fd, draft, diag) : code;
	close(fd);
	if (code == BD_OK && renameat(folder, draft, folder, name) != 0) {
		code = fail(diag, "rename", name);
	}
	return code == BD_OK ? bd_trail_sync_folder(folder, diag) : code;
}

/* -- the folder -- */

/* Exactly `digits` hexadecimal digits of ours, then `end`. */
static bool take_number(uint32_t *out, const char **at, size_t digits, char end)
{
	uint32_t number = 0;

	for (size_t i = 0; i < digits; i++) {
		char c = (*at)[i];
		const char *all = "0123456789abcdef", *found = c != '\0' ? strchr(all, c) : NULL;

		if (found == NULL) {
			return false;
		}
		number = number << 4 | (uint32_t)(found - all);
	}
	if ((*at)[digits] != end) {
		return false;
	}
	*at += digits + (end != '\0');
	*out = number;
	return true;
}

static bool is_key_name(const char *name)
{
	return strlen(name) == 20 && strspn(name, "0123456789abcdef") == 16 &&
	       strcmp(name + 16, ".pem") == 0;
}

struct found {
	struct bd_trail_listing *out;
	uint64_t segments[BD_TRAIL_LOOPS_MAX]; /* files seen */
	uint64_t heads;
};

static void note_loop(struct bd_trail_listing *out, uint32_t loop)
{
	if (loop >= out->loop_count) {
		out->loop_count = loop + 1;
	}
}

static bool note(struct found *found, const char *name)
{
	struct bd_trail_listing *out = found->out;
	uint32_t loop, number;
	const char *at = name + 4;

	if (strcmp(name, "instance") == 0) {
		return out->has_instance = true;
	}
	if (strcmp(name, "tree") == 0) {
		return out->has_tree = true;
	}
	if (strncmp(name, "log-", 4) == 0 && take_number(&loop, &at, 4, '-') &&
		take_number(&number, &at, 8, '\0') && loop < BD_TRAIL_LOOPS_MAX &&
		number < UINT32_MAX) {
		found->segments[loop]++;
		if (number >= out->segments[loop]) {
			out->segments[loop] = number + 1;
		}
		note_loop(out, loop);
		return true;
	}
	at = name + 5;
	if (strncmp(name, "runs-", 5) == 0 && take_number(&loop, &at, 4, '\0') &&
		loop < BD_TRAIL_LOOPS_MAX) {
		note_loop(out, loop);
		return out->has_runs[loop] = true;
	}
	at = name + 6;
	if (strncmp(name, "heads-", 6) == 0 && take_number(&number, &at, 8, '\0') &&
		number < UINT32_MAX) {
		found->heads++;
		if (number >= out->heads) {
			out->heads = number + 1;
		}
		return true;
	}
	if (strncmp(name, "key-", 4) == 0 && is_key_name(name + 4)) {
		out->key_count++;
		return true;
	}
	return false;
}

/* Whoever put it there chose the name: no more of it is told than is safe to show. */
static void note_stranger(struct bd_trail_listing *out, const char *name)
{
	size_t len = 0;

	for (; name[len] != '\0' && len + 1 < sizeof(out->stranger); len++) {
		bool is_plain = (name[len] >= 'a' && name[len] <= 'z') ||
				(name[len] >= '0' && name[len] <= '9') ||
				strchr("-._", name[len]) != NULL;

		out->stranger[len] = is_plain ? name[len] : '?';
	}
	out->stranger[len] = '\0';
}

static bool is_there(int folder, const char *name)
{
	return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Only when there is a gap, so that the search for it costs nothing otherwise. */
static void name_gap(struct found *found, int folder)
{
	struct bd_trail_listing *out = found->out;
	char name[BD_TRAIL_NAME_BYTES];

	for (uint32_t i = 0; !out->is_gapped && found->heads < out->heads && i < out->heads; i++) {
		bd_trail_name_heads(name, i);
		out->is_gapped = !is_there(folder, name);
	}
	for (size_t loop = 0; !out->is_gapped && loop < out->loop_count; loop++) {
		for (uint32_t i = 0; !out->is_gapped && found->segments[loop] < out->segments[loop];
			i++) {
			bd_trail_name_segment(name, (uint16_t)loop, i);
			out->is_gapped = !is_there(folder, name);
		}
	}
	if (out->is_gapped) {
		memcpy(out->gap, name, sizeof(name));
	}
}

enum bd_code bd_trail_list(struct bd_trail_listing *out, int folder, struct bd_diag *diag)
{
	struct bd_trail_listing listing = { .loop_count = 0 };
	struct found found = { .out = &listing };
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;

	if (dir == NULL) {
		enum bd_code code = fail(diag, "list", ".");

		if (copy >= 0) {
			close(copy);
		}
		return code;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			!note(&found, entry->d_name)) {
			note_stranger(&listing, entry->d_name);
		}
	}
	closedir(dir);
	name_gap(&found, folder);
	*out = listing;
	return BD_OK;
}
