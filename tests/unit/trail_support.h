/* trail_support.h - a trail of made entries in a folder of its own, and the folder as bytes. */
#ifndef BD_TEST_TRAIL_SUPPORT_H
#define BD_TEST_TRAIL_SUPPORT_H

#include "trail/verify.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW INT64_C(1780277400000) /* 2026-06-01T09:30:00+08:00 */
#define FILES_MAX 64

static struct bd_sign_key *key;
static struct bd_trail_keys keys;
static char folder[256];

static inline void make_folder(char out[256])
{
	const char *top = getenv("TMPDIR");

	snprintf(out, 256, "%s/bdtrail.XXXXXX", top != NULL ? top : "/tmp");
	assert_non_null(mkdtemp(out));
}

static inline void empty_folder(const char *name)
{
	DIR *dir = opendir(name);
	const struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
		}
	}
	closedir(dir);
}

static inline void remove_folder(const char *name)
{
	empty_folder(name);
	assert_int_equal(rmdir(name), 0);
}

/* The keys a check is given: the public halves. */
static inline void give_keys(
	struct bd_trail_keys *out, const struct bd_sign_key *const *list, size_t count)
{
	struct bd_buf pem;

	bd_buf_init(&pem, BD_KEY_FILE_MAX_BYTES);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(bd_sign_key_write_public(&pem, list[i]), BD_OK);
	}
	assert_int_equal(bd_trail_keys_read(out, bd_buf_bytes(&pem), NULL), BD_OK);
	bd_buf_release(&pem);
}

static inline int set_up_keys(void **state)
{
	const struct bd_sign_key *list[1];

	(void)state;
	assert_int_equal(bd_sign_key_generate(&key, BD_SIGN_ECDSA_P256_SHA256), BD_OK);
	list[0] = key;
	give_keys(&keys, list, 1);
	return 0;
}

static inline int tear_down_keys(void **state)
{
	(void)state;
	bd_trail_keys_free(&keys);
	bd_sign_key_free(key);
	return 0;
}

static inline int set_up_folder(void **state)
{
	(void)state;
	make_folder(folder);
	return 0;
}

static inline int tear_down_folder(void **state)
{
	(void)state;
	remove_folder(folder);
	return 0;
}

static inline struct bd_trail_settings settings_of(size_t logs, uint64_t segment_bytes)
{
	return (struct bd_trail_settings){ .folder = folder,
		.log_count = logs,
		.key = key,
		.segment_bytes = segment_bytes,
		.now_ms = NOW };
}

static inline struct bd_trail *open_with(
	const struct bd_trail_settings *settings, struct bd_trail_found *found)
{
	struct bd_trail *trail = NULL;
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_trail_open(&trail, found, settings, &diag);

	if (code != BD_OK) {
		print_message("# %d %s\n", (int)code, diag.detail);
	}
	assert_int_equal(code, BD_OK);
	return trail;
}

static inline struct bd_trail *open_trail(size_t logs, uint64_t segment_bytes)
{
	struct bd_trail_settings settings = settings_of(logs, segment_bytes);
	struct bd_trail_found found;

	return open_with(&settings, &found);
}

/* As the stager and the signer do it. */
static inline enum bd_code make_ready(struct bd_trail *trail)
{
	enum bd_code staged = bd_trail_stage(trail, NULL), code = bd_trail_prepare(trail, NULL);

	return staged == BD_OK ? code : staged;
}

static inline enum bd_code try_enter(
	struct bd_trail_id *id, struct bd_trail *trail, size_t loop, int64_t time_ms, size_t len)
{
	struct bd_trail_log *log = bd_trail_log(trail, loop);
	char payload[4096];
	enum bd_code code;

	memset(payload, 'a' + (int)(len % 26), sizeof(payload));
	snprintf(payload, sizeof(payload), "entry of loop %zu at %lld", loop, (long long)time_ms);
	code = bd_trail_append(id, log, BD_TRAIL_COMPARE, bd_trail_time(NULL, log, time_ms),
		(struct bd_bytes){ payload, len }, NULL);
	return code == BD_OK ? bd_trail_flush(log, NULL) : code;
}

static inline struct bd_trail_id enter(
	struct bd_trail *trail, size_t loop, int64_t time_ms, size_t len)
{
	struct bd_trail_id id;

	assert_int_equal(try_enter(&id, trail, loop, time_ms, len), BD_OK);
	return id;
}

static inline void sign_at(struct bd_trail *trail, int64_t now_ms)
{
	struct bd_diag diag = { .code = BD_OK };
	bool has_more = true;

	while (has_more) {
		enum bd_code code = bd_trail_sign(trail, now_ms, &has_more, &diag);

		if (code != BD_OK) {
			print_message("# %d %s\n", (int)code, diag.detail);
		}
		assert_int_equal(code, BD_OK);
	}
}

static inline enum bd_code verify_with(
	struct bd_trail_report *report, const struct bd_trail_signed *witness, struct bd_diag *diag)
{
	struct bd_trail_seen_head one = { 0 };
	struct bd_trail_seen seen = { &one, 1, 0 };
	static struct bd_trail_head head;

	*diag = (struct bd_diag){ .code = BD_OK };
	if (witness != NULL) {
		assert_int_equal(bd_trail_head_check(&head, witness, &keys, NULL), BD_OK);
		one.number = head.number;
		seen.instance = head.instance;
		assert_int_equal(bd_sha256_of(witness->body, one.body.bytes), BD_OK);
	}
	return bd_trail_verify(report, folder, &keys, witness != NULL ? &seen : NULL, NULL, diag);
}

static inline struct bd_trail_report must_verify(void)
{
	struct bd_trail_report report;
	struct bd_diag diag;
	enum bd_code code = verify_with(&report, NULL, &diag);

	if (code != BD_OK) {
		print_message("# %d %s %s +%llu\n", (int)code, diag.detail, diag.file,
			(unsigned long long)diag.place.offset);
	}
	assert_int_equal(code, BD_OK);
	return report;
}

/* -- the folder as bytes -- */

struct kept_file {
	char name[64];
	char *bytes;
	size_t len;
};

struct kept {
	size_t count;
	struct kept_file files[FILES_MAX];
};

static inline int by_name(const void *a, const void *b)
{
	return strcmp(((const struct kept_file *)a)->name, ((const struct kept_file *)b)->name);
}

static inline void keep_file(struct kept_file *file, const char *name)
{
	char path[512];
	struct stat status;
	int fd;

	snprintf(file->name, sizeof(file->name), "%.63s", name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &status) == 0);
	file->len = (size_t)status.st_size;
	file->bytes = malloc(file->len + 1);
	assert_non_null(file->bytes);
	assert_int_equal(pread(fd, file->bytes, file->len, 0), (ssize_t)file->len);
	close(fd);
}

static inline void keep_folder(struct kept *kept)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	kept->count = 0;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			assert_true(kept->count < FILES_MAX);
			keep_file(&kept->files[kept->count++], entry->d_name);
		}
	}
	closedir(dir);
	qsort(kept->files, kept->count, sizeof(kept->files[0]), by_name);
}

static inline void free_kept(struct kept *kept)
{
	for (size_t i = 0; i < kept->count; i++) {
		free(kept->files[i].bytes);
	}
	kept->count = 0;
}

static inline void put_bytes(const char *name, const char *bytes, size_t len)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, 0), (ssize_t)len);
	close(fd);
}

static inline void drop_file(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

static inline void put_folder(const struct kept *kept)
{
	empty_folder(folder);
	for (size_t i = 0; i < kept->count; i++) {
		put_bytes(kept->files[i].name, kept->files[i].bytes, kept->files[i].len);
	}
}

static inline struct kept_file *kept_find(struct kept *kept, const char *name)
{
	for (size_t i = 0; i < kept->count; i++) {
		if (strcmp(kept->files[i].name, name) == 0) {
			return &kept->files[i];
		}
	}
	return NULL;
}

#endif
