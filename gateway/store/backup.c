#include "store/backup_parts.h"

#include "base/try.h"
#include "store/env.h"
#include "store/erase_turn.h"
#include "store/long_state.h"
#include "store/reseal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPOOL_TRIES 5

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
static enum bd_code copy_folder(struct bd_copy *copy, const char *folder)
{
	struct dirent **list = NULL;
	char path[BD_BACKUP_PATH_BYTES];
	enum bd_code code = BD_OK;
	int count;

	bd_copy_join(path, copy->to, folder);
	if (mkdir(path, 0700) != 0) {
		return bd_copy_io_fail(copy->diag, folder);
	}
	bd_copy_join(path, copy->from, folder);
	count = scandir(path, &list, only_files, alphasort);
	if (count < 0) {
		return errno == ENOENT ? BD_OK : bd_copy_io_fail(copy->diag, folder);
	}
	for (int heads = 1; heads >= 0; heads--) {
		for (int i = 0; i < count && code == BD_OK; i++) {
			char name[BD_BACKUP_PATH_BYTES];
			bool is_gone;

			if (is_head(list[i]->d_name) == (heads == 1)) {
				bd_copy_join(name, folder, list[i]->d_name);
				code = bd_copy_file(copy, name, &is_gone);
			}
		}
	}
	for (int i = 0; i < count; i++) {
		free(list[i]);
	}
	free(list);
	bd_copy_join(path, copy->to, folder);
	return code == BD_OK ? bd_copy_sync(path, copy->diag) : code;
}

/* -- the environment -- */

static enum bd_code copy_env(struct bd_copy *copy)
{
	struct bd_manifest_file file = { .name = "data.mdb" };
	char path[BD_BACKUP_PATH_BYTES];
	MDB_env *env = NULL;
	enum bd_code code;
	int result, fd;

	bd_copy_join(path, copy->from, "data.mdb");
	if (access(path, R_OK) != 0) {
		return bd_fail(
			copy->diag, BD_STORE_FAILED, "there is no store in %.200s", copy->from);
	}
	result = mdb_env_create(&env);
	if (result == 0) {
		mdb_env_set_mapsize(env, BD_READ_MAP_BYTES);
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
	bd_copy_join(path, copy->to, "data.mdb");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return bd_copy_io_fail(copy->diag, "data.mdb");
	}
	code = bd_copy_bytes(copy, &file, fd, -1);
	code = code == BD_OK && (fchmod(fd, 0600) != 0 || fsync(fd) != 0)
		       ? bd_copy_io_fail(copy->diag, "data.mdb")
		       : code;
	close(fd);
	return code == BD_OK ? bd_copy_note(copy, &file) : code;
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
		mdb_env_set_mapsize(env, BD_READ_MAP_BYTES);
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
static enum bd_code has_salts(bool *has, struct bd_copy *copy)
{
	uint64_t copied, now;

	BD_TRY(read_number(&copied, copy->to, MDB_NOLOCK, BD_ERASE_COUNT_NAME, copy->diag));
	BD_TRY(read_number(&now, copy->from, 0, BD_ERASE_COUNT_NAME, copy->diag));
	*has = copied == now;
	return BD_OK;
}

/* Is the spool of every long message that the copied environment is in the midst of there? */
static enum bd_code has_spools(bool *has, struct bd_copy *copy, struct bd_store *store)
{
	struct bd_long_known *known = NULL;
	MDB_txn *txn = NULL;
	size_t count = 0;
	enum bd_code code = BD_OK;
	int result = mdb_env_create(&store->env);

	if (result == 0) {
		mdb_env_set_maxdbs(store->env, 1);
		mdb_env_set_mapsize(store->env, BD_READ_MAP_BYTES);
		result = mdb_env_open(
			store->env, copy->to, MDB_RDONLY | MDB_NOTLS | MDB_NOLOCK, 0600);
	}
	result = result == 0 ? mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) : result;
	result = result == 0 ? mdb_dbi_open(txn, "spools", 0, &store->spools) : result;
	code = result == 0 ? bd_long_list(&known, &count, store, txn, copy->diag)
			   : bd_store_fail(copy->diag, result, "spools");
	*has = true;
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		char name[64], path[BD_BACKUP_PATH_BYTES];

		snprintf(name, sizeof(name), "spool/%016llx", (unsigned long long)known[i].id);
		bd_copy_join(path, copy->to, name);
		*has = *has && (known[i].is_failed || access(path, R_OK) == 0);
	}
	free(known);
	if (txn != NULL) {
		mdb_txn_abort(txn);
	}
	return code;
}

static enum bd_code check_spools(bool *has, struct bd_copy *copy)
{
	struct bd_store *store = calloc(1, sizeof(*store));
	enum bd_code code = store != NULL ? has_spools(has, copy, store) : BD_NO_MEMORY;

	if (store != NULL && store->env != NULL) {
		mdb_env_close(store->env);
	}
	free(store);
	return code;
}

static void forget_env(struct bd_copy *copy)
{
	struct dirent *entry;
	char path[BD_BACKUP_PATH_BYTES];
	DIR *folder;

	bd_copy_join(path, copy->to, "data.mdb");
	unlink(path);
	bd_copy_join(path, copy->to, "salts");
	unlink(path);
	bd_copy_join(path, copy->to, "spool");
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
static enum bd_code copy_env_and_all_it_needs(struct bd_copy *copy)
{
	bool has = false, is_gone = false;

	for (int i = 0; i < SPOOL_TRIES && !has; i++) {
		if (i > 0) {
			forget_env(copy);
		}
		BD_TRY(copy_env(copy));
		BD_TRY(copy_folder(copy, bd_manifest_folders[0]));
		BD_TRY(bd_copy_file(copy, "salts", &is_gone));
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

/* Under its name only when it is on the disk whole, as is all that it names. */
static enum bd_code put_manifest(struct bd_copy *copy)
{
	char path[BD_BACKUP_PATH_BYTES], draft[BD_BACKUP_PATH_BYTES];
	enum bd_code code = BD_OK;
	int fd;

	BD_TRY(bd_manifest_end(&copy->manifest));
	BD_TRY(bd_copy_sync(copy->to, copy->diag));
	bd_copy_join(path, copy->to, BD_MANIFEST);
	bd_copy_join(draft, copy->to, BD_MANIFEST ".new");
	fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || !bd_copy_write(fd, copy->manifest.ptr, copy->manifest.len) ||
		fsync(fd) != 0) {
		code = bd_copy_io_fail(copy->diag, BD_MANIFEST);
	}
	if (fd >= 0) {
		close(fd);
	}
	if (code == BD_OK && rename(draft, path) != 0) {
		code = bd_copy_io_fail(copy->diag, BD_MANIFEST);
	}
	return code == BD_OK ? bd_copy_sync(copy->to, copy->diag) : code;
}

static enum bd_code back_up(struct bd_copy *copy)
{
	if (mkdir(copy->to, 0700) != 0) {
		return bd_copy_io_fail(copy->diag, "backup");
	}
	BD_TRY(copy_env_and_all_it_needs(copy));
	for (size_t i = 1; i < BD_MANIFEST_FOLDERS; i++) {
		BD_TRY(copy_folder(copy, bd_manifest_folders[i]));
	}
	BD_TRY(bd_copy_sync_parent(copy->to, copy->diag));
	return put_manifest(copy);
}

enum bd_code bd_store_backup(
	struct bd_backup_report *report, const char *folder, const char *to, struct bd_diag *diag)
{
	struct bd_copy copy;
	enum bd_code code = bd_copy_open(&copy, folder, to, diag);

	copy.cuts_salts = true;
	code = code == BD_OK ? back_up(&copy) : code;
	*report = copy.report;
	bd_copy_close(&copy);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "backup");
}
