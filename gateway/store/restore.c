#include "store/backup_parts.h"

#include "base/try.h"
#include "store/env.h"
#include "store/reseal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Beside the folder that it is to become. */
#define DRAFT ".restoring"

/* -- verifying -- */

static enum bd_code damaged(struct bd_copy *copy, const char *name, const char *what)
{
	return bd_fail(copy->diag, BD_BACKUP_DAMAGED, "%.200s: %s", name, what);
}

static enum bd_code check_file(struct bd_copy *copy, const struct bd_manifest_file *stated)
{
	struct bd_manifest_file found = *stated;
	char path[BD_BACKUP_PATH_BYTES];
	enum bd_code code;
	int fd;

	bd_copy_join(path, copy->from, stated->name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return damaged(copy, stated->name, strerror(errno));
	}
	code = bd_copy_bytes(copy, &found, fd, -1);
	close(fd);
	BD_TRY(code);
	if (found.size != stated->size ||
		memcmp(found.digest, stated->digest, sizeof(found.digest)) != 0) {
		return damaged(copy, stated->name, "not as it was copied");
	}
	return bd_copy_note(copy, &found);
}

static enum bd_code read_all(struct bd_buf *out, int fd, size_t size)
{
	ssize_t len = 1;

	BD_TRY(bd_buf_reserve(out, size));
	while (len > 0 && out->len < size) {
		len = read(fd, out->ptr + out->len, size - out->len);
		if (len < 0 && errno == EINTR) {
			len = 1;
		} else {
			out->len += len > 0 ? (size_t)len : 0;
		}
	}
	return BD_OK;
}

static enum bd_code read_manifest(struct bd_buf *out, struct bd_copy *copy)
{
	char path[BD_BACKUP_PATH_BYTES];
	struct stat status;
	enum bd_code code;
	int fd;

	bd_copy_join(path, copy->from, BD_MANIFEST);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &status) != 0) {
		code = damaged(copy, BD_MANIFEST, "the backup is not whole");
	} else if ((uint64_t)status.st_size >= BD_MANIFEST_MAX_BYTES) {
		code = damaged(copy, BD_MANIFEST, "too long");
	} else {
		code = read_all(out, fd, (size_t)status.st_size);
	}
	if (fd >= 0) {
		close(fd);
	}
	return code;
}

/* Each line; copy->manifest then has what was found. */
static enum bd_code check_files(struct bd_copy *copy)
{
	struct bd_manifest_file file;
	struct bd_bytes rest;
	struct bd_buf manifest;
	enum bd_code code;

	bd_buf_init(&manifest, BD_MANIFEST_MAX_BYTES);
	code = read_manifest(&manifest, copy);
	rest = bd_buf_bytes(&manifest);
	if (code == BD_OK && !bd_manifest_is_whole(&rest)) {
		code = damaged(copy, BD_MANIFEST, "cut off, or changed");
	}
	while (code == BD_OK && rest.len > 0) {
		code = bd_manifest_take(&file, &rest)
			       ? check_file(copy, &file)
			       : damaged(copy, BD_MANIFEST, "a line that is none");
	}
	if (code == BD_OK && copy->report.files < 2) {
		code = damaged(copy, BD_MANIFEST, "names no store");
	}
	bd_buf_release(&manifest);
	return code;
}

enum bd_code bd_backup_verify(
	struct bd_backup_report *report, const char *backup, struct bd_diag *diag)
{
	struct bd_copy copy;
	enum bd_code code = bd_copy_open(&copy, backup, "", diag);

	code = code == BD_OK ? check_files(&copy) : code;
	*report = copy.report;
	bd_copy_close(&copy);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "backup");
}

/* -- putting it back -- */

static enum bd_code check_keys(const char *backup, const struct bd_keys *keys, struct bd_diag *diag)
{
	uint16_t needed[BD_EPOCHS_MAX];
	size_t count = 0;

	BD_TRY(bd_store_needed(needed, &count, backup, diag));
	for (size_t i = 0; i < count; i++) {
		const struct bd_key *key = bd_keys_find(keys, needed[i]);
		bool is_needed = false;

		if (key == NULL) {
			return bd_fail(diag, BD_STORE_KEY,
				"epoch %u is not among the keys, and the backup needs it",
				needed[i]);
		}
		BD_TRY(bd_store_check_key(&is_needed, backup, key, diag));
	}
	return BD_OK;
}

/* Every file that was found as the manifest says, and only those. */
static enum bd_code copy_named(struct bd_copy *copy, struct bd_bytes manifest)
{
	struct bd_manifest_file file;

	while (manifest.len > 0) {
		bool is_gone = false;

		if (!bd_manifest_take(&file, &manifest)) {
			return bd_fail(copy->diag, BD_INTERNAL, BD_MANIFEST);
		}
		BD_TRY(bd_copy_file(copy, file.name, &is_gone));
		if (is_gone) {
			return damaged(copy, file.name, "missing");
		}
	}
	return BD_OK;
}

static enum bd_code put_back(struct bd_copy *copy, struct bd_bytes manifest)
{
	char path[BD_BACKUP_PATH_BYTES];

	for (size_t i = 0; i < BD_MANIFEST_FOLDERS; i++) {
		bd_copy_join(path, copy->to, bd_manifest_folders[i]);
		if (mkdir(path, 0700) != 0) {
			return bd_copy_io_fail(copy->diag, bd_manifest_folders[i]);
		}
	}
	BD_TRY(copy_named(copy, manifest));
	/* What was copied is what was checked. */
	if (!bd_bytes_equal(manifest, bd_buf_bytes(&copy->manifest))) {
		return bd_fail(copy->diag, BD_BACKUP_DAMAGED, "it changed meanwhile");
	}
	for (size_t i = 0; i < BD_MANIFEST_FOLDERS; i++) {
		bd_copy_join(path, copy->to, bd_manifest_folders[i]);
		BD_TRY(bd_copy_sync(path, copy->diag));
	}
	return bd_copy_sync(copy->to, copy->diag);
}

/* -- the folder beside -- */

static void draft_of(char out[BD_BACKUP_PATH_BYTES], const char *folder)
{
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/') {
		len--;
	}
	snprintf(out, BD_BACKUP_PATH_BYTES, "%.*s" DRAFT, (int)(len < 4000 ? len : 4000), folder);
}

/* Only what a restore puts there: files, in it and in its folders. */
static void clear_folder(const char *path, bool has_folders)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char inner[BD_BACKUP_PATH_BYTES];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		if (unlinkat(dirfd(folder), entry->d_name, 0) != 0 && has_folders) {
			bd_copy_join(inner, path, entry->d_name);
			clear_folder(inner, false);
			unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
		}
	}
	if (folder != NULL) {
		closedir(folder);
	}
}

/* Empty, and ours: a restore that was killed left it, or another one is at work in it. */
static enum bd_code begin_draft(int *lock, const char *draft, struct bd_diag *diag)
{
	if (mkdir(draft, 0700) != 0 && errno != EEXIST) {
		return bd_copy_io_fail(diag, draft);
	}
	BD_TRY(bd_store_lock(lock, draft, diag));
	clear_folder(draft, true);
	return BD_OK;
}

/* rename takes the place of an empty folder, and of no other. */
static enum bd_code take_place(const char *draft, const char *folder, struct bd_diag *diag)
{
	if (rename(draft, folder) == 0) {
		return bd_copy_sync_parent(folder, diag);
	}
	return errno == ENOTEMPTY || errno == EEXIST
		       ? bd_fail(diag, BD_STORE_IN_USE, "%.200s is not empty", folder)
		       : bd_copy_io_fail(diag, folder);
}

/* Seen before anything is copied; rename sees it once more. */
static enum bd_code must_be_empty(const char *folder, struct bd_diag *diag)
{
	DIR *open = opendir(folder);
	struct dirent *entry;
	bool is_empty = true;

	while (open != NULL && is_empty && (entry = readdir(open)) != NULL) {
		is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	}
	if (open != NULL) {
		closedir(open);
	}
	return is_empty ? BD_OK : bd_fail(diag, BD_STORE_IN_USE, "%.200s is not empty", folder);
}

static enum bd_code restore(const struct bd_copy *found, const char *folder, struct bd_diag *diag)
{
	char draft[BD_BACKUP_PATH_BYTES];
	struct bd_copy copy;
	int lock = -1;
	enum bd_code code;

	draft_of(draft, folder);
	BD_TRY(begin_draft(&lock, draft, diag));
	code = bd_copy_open(&copy, found->from, draft, diag);
	code = code == BD_OK ? put_back(&copy, bd_buf_bytes(&found->manifest)) : code;
	code = code == BD_OK ? take_place(draft, folder, diag) : code;
	bd_copy_close(&copy);
	if (code != BD_OK) {
		clear_folder(draft, true);
		rmdir(draft);
	}
	close(lock);
	return code;
}

enum bd_code bd_backup_restore(struct bd_backup_report *report, const char *backup,
	const char *folder, const struct bd_keys *keys, struct bd_diag *diag)
{
	struct bd_copy found;
	enum bd_code code = bd_copy_open(&found, backup, "", diag);

	code = code == BD_OK ? must_be_empty(folder, diag) : code;
	code = code == BD_OK ? check_files(&found) : code;
	code = code == BD_OK ? check_keys(backup, keys, diag) : code;
	code = code == BD_OK ? restore(&found, folder, diag) : code;
	*report = found.report;
	bd_copy_close(&found);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "restore");
}

enum bd_code bd_restore_check(const char *folder, struct bd_diag *diag)
{
	char path[BD_BACKUP_PATH_BYTES];
	struct stat status;

	bd_copy_join(path, folder, "data.mdb");
	if (stat(path, &status) == 0) {
		return BD_OK;
	}
	draft_of(path, folder);
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode)
		       ? bd_fail(diag, BD_RESTORE_UNFINISHED, "%.200s", path)
		       : BD_OK;
}
