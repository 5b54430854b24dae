#include "store/backup.h"

#include "base/digest.h"
#include "base/try.h"
#include "store/erase_turn.h"
#include "store/long_state.h"
#include "store/reseal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4352
#define COPY_BYTES ((size_t)1048576)
#define MAP_BYTES ((size_t)1 << 40) /* address space only */
#define MANIFEST "manifest"
#define SPOOL_TRIES 5
/* Files of a backup: a day of case files a loop for ten years is some thousand. */
#define MANIFEST_MAX_BYTES ((size_t)64 << 20)

/* Subfolders, in the order in which they are copied. */
static const char *const folders[] = { "spool", "cases", "repeats", "trail" };
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

struct copy {
	const char *from, *to;
	struct bd_buf manifest;
	char *room;
	struct bd_backup_report report;
	bool cuts_salts; /* where the file is the store's own */
	struct bd_diag *diag;
};

static enum bd_code io_fail(struct bd_diag *diag, const char *name)
{
	return bd_fail(diag, errno == ENOSPC || errno == EDQUOT ? BD_DISK_FULL : BD_IO, "%s: %s",
		name, strerror(errno));
}

static void join(char out[PATH_BYTES], const char *folder, const char *name)
{
	snprintf(out, PATH_BYTES, "%.4000s/%.300s", folder, name);
}

static enum bd_code sync_path(const char *path, struct bd_diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0) {
		close(fd);
	}
	return is_good ? BD_OK : io_fail(diag, path);
}

/* -- one file -- */

static bool is_zero(const char *bytes, size_t len)
{
	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static bool write_all(int fd, const char *bytes, size_t len)
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

/* What is zero stays a hole: the file of salts is one for the most part. to -1 = only digests. */
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

static enum bd_code copy_bytes(struct copy *copy, uint8_t digest[BD_DIGEST_BYTES], uint64_t *size,
	int from, int to, const char *name)
{
	struct bd_sha256 *sha = NULL;
	enum bd_code code = bd_sha256_new(&sha);
	bool is_cut = copy->cuts_salts && strcmp(name, "salts") == 0;
	uint64_t end = is_cut ? end_of_data(from) : UINT64_MAX;

	*size = 0;
	while (code == BD_OK && *size < end) {
		uint64_t left = end - *size;
		ssize_t len = read(from, copy->room, left < COPY_BYTES ? left : COPY_BYTES);

		if (len < 0 && errno == EINTR) {
			continue;
		}
		if (len <= 0) {
			code = len < 0 ? io_fail(copy->diag, name) : BD_OK;
			break;
		}
		*size += (uint64_t)len;
		code = bd_sha256_update(sha, (struct bd_bytes){ copy->room, (size_t)len });
		if (to >= 0 && !(is_zero(copy->room, (size_t)len)
					       ? lseek(to, (off_t)len, SEEK_CUR) >= 0
					       : write_all(to, copy->room, (size_t)len))) {
			code = io_fail(copy->diag, name);
		}
	}
	code = code == BD_OK ? bd_sha256_final(sha, digest) : code;
	bd_sha256_free(sha);
	return code;
}

static enum bd_code note(
	struct copy *copy, const char *name, const uint8_t digest[BD_DIGEST_BYTES], uint64_t size)
{
	char hex[2 * BD_DIGEST_BYTES + 1];

	bd_hex(hex, digest, BD_DIGEST_BYTES);
	copy->report.files++;
	copy->report.bytes += size;
	return bd_buf_printf(&copy->manifest, "%s %" PRIu64 " %s\n", hex, size, name);
}

/* *is_gone: it was there when it was listed, and is not any more. */
static enum bd_code copy_file(struct copy *copy, const char *name, bool *is_gone)
{
	char from_path[PATH_BYTES], to_path[PATH_BYTES];
	uint8_t digest[BD_DIGEST_BYTES];
	uint64_t size = 0;
	enum bd_code code;
	int from, to;

	join(from_path, copy->from, name);
	join(to_path, copy->to, name);
	from = open(from_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	*is_gone = from < 0 && errno == ENOENT;
	if (from < 0) {
		return *is_gone ? BD_OK : io_fail(copy->diag, name);
	}
	to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	code = to >= 0 ? copy_bytes(copy, digest, &size, from, to, name)
		       : io_fail(copy->diag, name);
	if (code == BD_OK && (ftruncate(to, (off_t)size) != 0 || fsync(to) != 0)) {
		code = io_fail(copy->diag, name);
	}
	close(from);
	if (to >= 0) {
		close(to);
	}
	return code == BD_OK ? note(copy, name, digest, size) : code;
}

/* -- the files of a folder -- */

/* Not those that are being made. */
static bool is_whole(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strstr(entry->d_name, ".new") == NULL;
}

static bool is_head(const char *name)
{
	return strncmp(name, "heads-", 6) == 0;
}

static int only_files(const struct dirent *entry)
{
	return is_whole(entry);
}

/* The heads of the trail first: what they sign is then there. The newest of the heads may be cut.
 */
static enum bd_code copy_folder(struct copy *copy, const char *folder)
{
	struct dirent **list = NULL;
	char path[PATH_BYTES];
	enum bd_code code = BD_OK;
	int count;

	join(path, copy->to, folder);
	if (mkdir(path, 0700) != 0) {
		return io_fail(copy->diag, folder);
	}
	join(path, copy->from, folder);
	count = scandir(path, &list, only_files, alphasort);
	if (count < 0) {
		return errno == ENOENT ? BD_OK : io_fail(copy->diag, folder);
	}
	for (int heads = 1; heads >= 0; heads--) {
		for (int i = 0; i < count && code == BD_OK; i++) {
			char name[PATH_BYTES];
			bool is_gone;

			if (is_head(list[i]->d_name) == (heads == 1)) {
				join(name, folder, list[i]->d_name);
				code = copy_file(copy, name, &is_gone);
			}
		}
	}
	for (int i = 0; i < count; i++) {
		free(list[i]);
	}
	free(list);
	join(path, copy->to, folder);
	return code == BD_OK ? sync_path(path, copy->diag) : code;
}

/* -- the environment -- */

static enum bd_code copy_env(struct copy *copy)
{
	char path[PATH_BYTES];
	uint8_t digest[BD_DIGEST_BYTES];
	uint64_t size = 0;
	MDB_env *env = NULL;
	enum bd_code code;
	int result, fd;

	join(path, copy->from, "data.mdb");
	if (access(path, R_OK) != 0) {
		return bd_fail(
			copy->diag, BD_STORE_FAILED, "there is no store in %.200s", copy->from);
	}
	result = mdb_env_create(&env);
	if (result == 0) {
		mdb_env_set_mapsize(env, MAP_BYTES);
		result = mdb_env_open(env, copy->from, MDB_RDONLY | MDB_NOTLS, 0600);
	}
	result = result == 0 ? mdb_env_copy2(env, copy->to, MDB_CP_COMPACT) : result;
	if (env != NULL) {
		mdb_env_close(env);
	}
	if (result != 0) {
		return bd_fail(copy->diag,
			result == ENOSPC || result == EDQUOT ? BD_DISK_FULL : BD_STORE_FAILED,
			"data.mdb: %s", mdb_strerror(result));
	}
	join(path, copy->to, "data.mdb");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return io_fail(copy->diag, "data.mdb");
	}
	code = copy_bytes(copy, digest, &size, fd, -1, "data.mdb");
	code = code == BD_OK && (fchmod(fd, 0600) != 0 || fsync(fd) != 0)
		       ? io_fail(copy->diag, "data.mdb")
		       : code;
	close(fd);
	return code == BD_OK ? note(copy, "data.mdb", digest, size) : code;
}

/* A number of meta, read in an environment by itself. 0 where there is none. */
static enum bd_code read_number(
	uint64_t *out, const char *folder, unsigned flags, const char *name, struct bd_diag *diag)
{
	MDB_val key = { strlen(name), (void *)name }, value;
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	MDB_dbi meta;
	int result = mdb_env_create(&env);

	*out = 0;
	if (result == 0) {
		mdb_env_set_maxdbs(env, 1);
		mdb_env_set_mapsize(env, MAP_BYTES);
		result = mdb_env_open(env, folder, MDB_RDONLY | MDB_NOTLS | flags, 0600);
	}
	result = result == 0 ? mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) : result;
	result = result == 0 ? mdb_dbi_open(txn, "meta", 0, &meta) : result;
	result = result == 0 ? mdb_get(txn, meta, &key, &value) : result;
	if (result == 0) {
		struct bd_reader reader =
			bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });

		*out = bd_read_u64(&reader);
	}
	if (txn != NULL) {
		mdb_txn_abort(txn);
	}
	if (env != NULL) {
		mdb_env_close(env);
	}
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_store_fail(diag, result, "meta");
}

/* Salts that the copied environment needs may have been overwritten before they were copied: by an
 * erasure, which counts before it overwrites. */
static enum bd_code has_salts(bool *has, struct copy *copy)
{
	uint64_t copied, now;

	BD_TRY(read_number(&copied, copy->to, MDB_NOLOCK, BD_ERASE_COUNT_NAME, copy->diag));
	BD_TRY(read_number(&now, copy->from, 0, BD_ERASE_COUNT_NAME, copy->diag));
	*has = copied == now;
	return BD_OK;
}

/* Is the spool of every long message that the copied environment is in the midst of there? */
static enum bd_code has_spools(bool *has, struct copy *copy, struct bd_store *store)
{
	struct bd_long_known *known = NULL;
	MDB_txn *txn = NULL;
	size_t count = 0;
	enum bd_code code = BD_OK;
	int result = mdb_env_create(&store->env);

	if (result == 0) {
		mdb_env_set_maxdbs(store->env, 1);
		mdb_env_set_mapsize(store->env, MAP_BYTES);
		result = mdb_env_open(
			store->env, copy->to, MDB_RDONLY | MDB_NOTLS | MDB_NOLOCK, 0600);
	}
	result = result == 0 ? mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) : result;
	result = result == 0 ? mdb_dbi_open(txn, "spools", 0, &store->spools) : result;
	code = result == 0 ? bd_long_list(&known, &count, store, txn, copy->diag)
			   : bd_store_fail(copy->diag, result, "spools");
	*has = true;
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		char name[64], path[PATH_BYTES];

		snprintf(name, sizeof(name), "spool/%016llx", (unsigned long long)known[i].id);
		join(path, copy->to, name);
		*has = *has && (known[i].is_failed || access(path, R_OK) == 0);
	}
	free(known);
	if (txn != NULL) {
		mdb_txn_abort(txn);
	}
	return code;
}

static enum bd_code check_spools(bool *has, struct copy *copy)
{
	struct bd_store *store = calloc(1, sizeof(*store));
	enum bd_code code = store != NULL ? has_spools(has, copy, store) : BD_NO_MEMORY;

	if (store != NULL && store->env != NULL) {
		mdb_env_close(store->env);
	}
	free(store);
	return code;
}

static void forget_env(struct copy *copy)
{
	struct dirent *entry;
	char path[PATH_BYTES];
	DIR *folder;

	join(path, copy->to, "data.mdb");
	unlink(path);
	join(path, copy->to, "salts");
	unlink(path);
	join(path, copy->to, "spool");
	folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		unlinkat(dirfd(folder), entry->d_name, 0);
	}
	if (folder != NULL) {
		closedir(folder);
	}
	rmdir(path);
	bd_buf_clear(&copy->manifest);
	copy->report = (struct bd_backup_report){ 0 };
}

/* A long message that was being applied may have come to its end before its spool was copied, or an
 * erasure before its salts were: then all once more. */
static enum bd_code copy_env_and_all_it_needs(struct copy *copy)
{
	bool has = false, is_gone = false;

	for (int i = 0; i < SPOOL_TRIES && !has; i++) {
		if (i > 0) {
			forget_env(copy);
		}
		BD_TRY(copy_env(copy));
		BD_TRY(copy_folder(copy, folders[0]));
		BD_TRY(copy_file(copy, "salts", &is_gone));
		BD_TRY(check_spools(&has, copy));
		BD_TRY(has ? has_salts(&has, copy) : BD_OK);
	}
	if (is_gone) {
		return bd_fail(copy->diag, BD_STORE_FAILED, "salts are missing");
	}
	return has ? BD_OK
		   : bd_fail(copy->diag, BD_STORE_IN_USE,
			     "long messages or erasures come all the time");
}

static enum bd_code put_manifest(struct copy *copy)
{
	char path[PATH_BYTES];
	enum bd_code code = BD_OK;
	int fd;

	join(path, copy->to, MANIFEST);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || !write_all(fd, copy->manifest.ptr, copy->manifest.len) || fsync(fd) != 0) {
		code = io_fail(copy->diag, MANIFEST);
	}
	if (fd >= 0) {
		close(fd);
	}
	return code == BD_OK ? sync_path(copy->to, copy->diag) : code;
}

static enum bd_code copy_open(
	struct copy *copy, const char *from, const char *to, struct bd_diag *diag)
{
	*copy = (struct copy){ .from = from, .to = to, .diag = diag };
	bd_buf_init(&copy->manifest, MANIFEST_MAX_BYTES);
	copy->room = malloc(COPY_BYTES);
	return copy->room != NULL ? BD_OK : bd_fail(diag, BD_NO_MEMORY, "%s", "");
}

static void copy_close(struct copy *copy)
{
	bd_buf_release(&copy->manifest);
	free(copy->room);
}

static enum bd_code back_up(struct copy *copy)
{
	if (mkdir(copy->to, 0700) != 0) {
		return io_fail(copy->diag, "backup");
	}
	BD_TRY(copy_env_and_all_it_needs(copy));
	for (size_t i = 1; i < FOLDERS; i++) {
		BD_TRY(copy_folder(copy, folders[i]));
	}
	return put_manifest(copy);
}

enum bd_code bd_store_backup(
	struct bd_backup_report *report, const char *folder, const char *to, struct bd_diag *diag)
{
	struct copy copy;
	enum bd_code code = copy_open(&copy, folder, to, diag);

	copy.cuts_salts = true;
	code = code == BD_OK ? back_up(&copy) : code;
	*report = copy.report;
	copy_close(&copy);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "backup");
}

/* -- verifying -- */

static enum bd_code damaged(struct copy *copy, const char *name, const char *what)
{
	return bd_fail(copy->diag, BD_BACKUP_DAMAGED, "%.200s: %s", name, what);
}

/* A name of ours: nothing that leads out of the folder. */
static bool is_name(const char *name)
{
	const char *slash = strchr(name, '/');
	bool is_ours = slash == NULL;

	for (size_t i = 0; slash != NULL && i < FOLDERS; i++) {
		is_ours |= strncmp(name, folders[i], (size_t)(slash - name)) == 0 &&
			   folders[i][slash - name] == '\0' && strchr(slash + 1, '/') == NULL;
	}
	return is_ours && name[0] != '\0' && strstr(name, "..") == NULL;
}

static enum bd_code check_file(struct copy *copy, const char *line)
{
	char hex[2 * BD_DIGEST_BYTES + 1], own[2 * BD_DIGEST_BYTES + 1], name[300],
		path[PATH_BYTES];
	uint8_t digest[BD_DIGEST_BYTES];
	uint64_t size = 0, read_size = 0;
	enum bd_code code;
	int fd;

	if (sscanf(line, "%64[0-9a-f] %" SCNu64 " %299s", hex, &size, name) != 3 ||
		!is_name(name)) {
		return damaged(copy, MANIFEST, "a line that is none");
	}
	join(path, copy->from, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return damaged(copy, name, strerror(errno));
	}
	code = copy_bytes(copy, digest, &read_size, fd, -1, name);
	close(fd);
	BD_TRY(code);
	bd_hex(own, digest, sizeof(digest));
	if (read_size != size || strcmp(own, hex) != 0) {
		return damaged(copy, name, "not as it was copied");
	}
	return note(copy, name, digest, size);
}

static enum bd_code read_manifest(struct bd_buf *out, struct copy *copy)
{
	char path[PATH_BYTES];
	struct stat status;
	enum bd_code code;
	int fd;

	join(path, copy->from, MANIFEST);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &status) != 0) {
		code = damaged(copy, MANIFEST, "the backup is not whole");
	} else if ((uint64_t)status.st_size >= MANIFEST_MAX_BYTES) {
		code = damaged(copy, MANIFEST, "too long");
	} else {
		code = bd_buf_reserve(out, (size_t)status.st_size + 1);
		if (code == BD_OK) {
			ssize_t len = read(fd, out->ptr, (size_t)status.st_size);

			out->len = len > 0 ? (size_t)len : 0;
			out->ptr[out->len] = '\0';
		}
	}
	if (fd >= 0) {
		close(fd);
	}
	return code;
}

/* Each line; copy->manifest then has what was found, which must be the very same. */
static enum bd_code check_files(struct copy *copy)
{
	struct bd_buf manifest;
	enum bd_code code;

	bd_buf_init(&manifest, MANIFEST_MAX_BYTES);
	code = read_manifest(&manifest, copy);
	for (char *line = manifest.ptr; code == BD_OK && line != NULL && *line != '\0';) {
		char *end = strchr(line, '\n');

		if (end == NULL) {
			code = damaged(copy, MANIFEST, "cut off");
			break;
		}
		*end = '\0';
		code = check_file(copy, line);
		line = end + 1;
	}
	if (code == BD_OK && copy->report.files < 2) {
		code = damaged(copy, MANIFEST, "names no store");
	}
	bd_buf_release(&manifest);
	return code;
}

enum bd_code bd_backup_verify(
	struct bd_backup_report *report, const char *backup, struct bd_diag *diag)
{
	struct copy copy;
	enum bd_code code = copy_open(&copy, backup, "", diag);

	code = code == BD_OK ? check_files(&copy) : code;
	*report = copy.report;
	copy_close(&copy);
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

/* Every file that the manifest names, and only those. */
static enum bd_code copy_named(struct copy *copy, struct bd_bytes manifest)
{
	while (manifest.len > 0) {
		const char *end = memchr(manifest.ptr, '\n', manifest.len);
		char line[512], name[300];
		bool is_gone = false;

		if (end == NULL || (size_t)(end - manifest.ptr) >= sizeof(line)) {
			return BD_INTERNAL;
		}
		snprintf(line, sizeof(line), "%.*s", (int)(end - manifest.ptr), manifest.ptr);
		if (sscanf(line, "%*s %*s %299s", name) != 1) {
			return BD_INTERNAL;
		}
		BD_TRY(copy_file(copy, name, &is_gone));
		if (is_gone) {
			return damaged(copy, name, "missing");
		}
		manifest.len -= (size_t)(end + 1 - manifest.ptr);
		manifest.ptr = end + 1;
	}
	return BD_OK;
}

static enum bd_code put_back(struct copy *copy, struct bd_bytes manifest)
{
	char path[PATH_BYTES];

	if (mkdir(copy->to, 0700) != 0) {
		return io_fail(copy->diag, copy->to);
	}
	for (size_t i = 0; i < FOLDERS; i++) {
		join(path, copy->to, folders[i]);
		if (mkdir(path, 0700) != 0) {
			return io_fail(copy->diag, folders[i]);
		}
	}
	BD_TRY(copy_named(copy, manifest));
	for (size_t i = 0; i < FOLDERS; i++) {
		join(path, copy->to, folders[i]);
		BD_TRY(sync_path(path, copy->diag));
	}
	return sync_path(copy->to, copy->diag);
}

/* rename takes the place of an empty folder, and of no other. */
static enum bd_code take_place(const char *draft, const char *folder, struct bd_diag *diag)
{
	if (rename(draft, folder) == 0) {
		return BD_OK;
	}
	return errno == ENOTEMPTY || errno == EEXIST
		       ? bd_fail(diag, BD_STORE_IN_USE, "%.200s is not empty", folder)
		       : io_fail(diag, folder);
}

enum bd_code bd_backup_restore(struct bd_backup_report *report, const char *backup,
	const char *folder, const struct bd_keys *keys, struct bd_diag *diag)
{
	char draft[PATH_BYTES];
	struct copy found, copy;
	enum bd_code code = copy_open(&found, backup, "", diag);

	snprintf(draft, sizeof(draft), "%.4000s.restoring-%d", folder, (int)getpid());
	code = code == BD_OK ? check_files(&found) : code;
	code = code == BD_OK ? check_keys(backup, keys, diag) : code;
	if (code == BD_OK) {
		code = copy_open(&copy, backup, draft, diag);
		code = code == BD_OK ? put_back(&copy, bd_buf_bytes(&found.manifest)) : code;
		/* What was copied is what was checked. */
		if (code == BD_OK && !bd_bytes_equal(bd_buf_bytes(&found.manifest),
					     bd_buf_bytes(&copy.manifest))) {
			code = bd_fail(diag, BD_BACKUP_DAMAGED, "it changed meanwhile");
		}
		code = code == BD_OK ? take_place(draft, folder, diag) : code;
		copy_close(&copy);
	}
	*report = found.report;
	copy_close(&found);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "restore");
}
