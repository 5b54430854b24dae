/* uploads_files.c - what is on the disk of an upload. */
#include "base/log.h"
#include "base/try.h"
#include "daemon/uploads_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4300
#define HEAD_MAX_BYTES 4096
#define FORM 1

static enum bd_code io_fail(struct bd_diag *diag, int error)
{
	return bd_fail(diag, error == ENOSPC || error == EDQUOT ? BD_DISK_FULL : BD_IO,
		"an upload: %s", strerror(error));
}

static void path_of(
	char path[PATH_BYTES], const struct bd_uploads *uploads, const char *id, const char *name)
{
	snprintf(path, PATH_BYTES, "%s/%s/%s", uploads->folder, id, name);
}

static void part_name(char name[32], uint32_t part)
{
	snprintf(name, 32, "part-%06u", part);
}

/* -- whole files -- */

static enum bd_code sync_folder(const char *path, struct bd_diag *diag)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd >= 0 ? fsync(fd) : -1, error = errno;

	if (fd >= 0) {
		close(fd);
	}
	return result == 0 ? BD_OK : io_fail(diag, error);
}

static bool write_all(int fd, struct bd_bytes bytes)
{
	while (bytes.len > 0) {
		ssize_t len = write(fd, bytes.ptr, bytes.len);

		if (len < 0 && errno != EINTR) {
			return false;
		}
		bytes.ptr += len > 0 ? len : 0;
		bytes.len -= len > 0 ? (size_t)len : 0;
	}
	return true;
}

/* Under a name of its own, synced, then under its name, and that synced: whole or not there. */
static enum bd_code put_file(const struct bd_uploads *uploads, const char *id, const char *name,
	struct bd_bytes bytes, struct bd_diag *diag)
{
	char path[PATH_BYTES], draft[PATH_BYTES + 8], folder[PATH_BYTES];
	bool is_good;
	int fd, error;

	path_of(path, uploads, id, name);
	snprintf(draft, sizeof(draft), "%s.new", path);
	snprintf(folder, sizeof(folder), "%s/%s", uploads->folder, id);
	fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		return io_fail(diag, errno);
	}
	is_good = write_all(fd, bytes) && fdatasync(fd) == 0;
	error = errno;
	is_good = close(fd) == 0 && is_good;
	if (!is_good || rename(draft, path) != 0) {
		error = is_good ? errno : error;
		unlink(draft);
		return io_fail(diag, error);
	}
	return sync_folder(folder, diag);
}

static enum bd_code get_file(struct bd_buf *out, const struct bd_uploads *uploads, const char *id,
	const char *name, struct bd_diag *diag)
{
	char path[PATH_BYTES];
	enum bd_code code = BD_OK;
	ssize_t len = 1;
	int fd;

	path_of(path, uploads, id, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return io_fail(diag, errno);
	}
	while (code == BD_OK && len != 0) {
		code = bd_buf_reserve(out, 1);
		len = code == BD_OK ? read(fd, out->ptr + out->len, out->cap - out->len) : 0;
		if (len < 0 && errno != EINTR) {
			code = io_fail(diag, errno);
		}
		out->len += len > 0 ? (size_t)len : 0;
	}
	close(fd);
	return code;
}

void bd_upload_files_remove(struct bd_uploads *uploads, const char *id)
{
	char path[PATH_BYTES];
	DIR *dir;
	struct dirent *item;

	snprintf(path, sizeof(path), "%s/%s", uploads->folder, id);
	dir = opendir(path);
	while (dir != NULL && (item = readdir(dir)) != NULL) {
		if (item->d_name[0] != '.') {
			unlinkat(dirfd(dir), item->d_name, 0);
		}
	}
	if (dir != NULL) {
		closedir(dir);
		rmdir(path);
	}
}

/* -- sealed -- */

/* What it is of, authenticated with it: nothing can be moved to another upload or place. */
static enum bd_code add_name(struct bd_buf *out, const char *what, const char *id, uint32_t number)
{
	BD_TRY(bd_buf_add_text(out, what));
	BD_TRY(bd_buf_add_text(out, id));
	return bd_buf_add_u32(out, number);
}

/* What stands where: "part" 3. */
struct place {
	const char *what;
	uint32_t number;
};

/* Sealed or opened, by `turn`: bd_seal_close or bd_seal_open. */
static enum bd_code turn_over(struct bd_buf *out, const struct bd_uploads *uploads,
	const struct bd_upload *upload, struct place place, struct bd_bytes bytes,
	enum bd_code (*turn)(struct bd_seal *seal, struct bd_buf *out,
		const uint8_t salt[BD_SALT_BYTES], struct bd_bytes name, struct bd_bytes bytes))
{
	char room[128];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
	struct bd_seal *seal = NULL;
	enum bd_code code = bd_seal_new(&seal, uploads->ring);

	code = code == BD_OK ? add_name(&name, place.what, upload->id, place.number) : code;
	code = code == BD_OK ? turn(seal, out, upload->salt, bd_buf_bytes(&name), bytes) : code;
	bd_seal_free(seal);
	return code;
}

/* -- the head -- */

static enum bd_code pack_head(struct bd_buf *out, const struct bd_upload *upload)
{
	const struct bd_upload_terms *terms = &upload->terms;
	const char *const texts[] = { upload->sender, terms->source, terms->feed, terms->charset,
		terms->key };

	BD_TRY(bd_buf_add_u8(out, FORM));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		BD_TRY(bd_buf_add_sized(out, bd_bytes_of(texts[i])));
	}
	BD_TRY(bd_buf_add_u64(out, (uint64_t)upload->begun_ms));
	BD_TRY(bd_buf_add_u64(out, terms->length));
	BD_TRY(bd_buf_add(
		out, (struct bd_bytes){ (const char *)terms->sha256, sizeof(terms->sha256) }));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)terms->delivery.day));
	BD_TRY(bd_buf_add_u64(out, terms->delivery.total));
	BD_TRY(bd_buf_add_u8(out, terms->delivery.has_total));
	BD_TRY(bd_buf_add_u8(out, terms->delivery.is_baseline));
	BD_TRY(bd_buf_add_u8(out, terms->is_atomic));
	return bd_buf_add_u8(out, terms->is_gzip);
}

static bool read_text(char *out, size_t size, struct bd_reader *reader)
{
	struct bd_bytes text = bd_read_sized(reader);

	if (!reader->ok || text.len >= size) {
		return false;
	}
	if (text.len > 0) {
		memcpy(out, text.ptr, text.len);
	}
	out[text.len] = '\0';
	return true;
}

static bool unpack_head(struct bd_upload *upload, struct bd_bytes packed)
{
	struct bd_upload_terms *terms = &upload->terms;
	struct bd_reader reader = bd_reader_of(packed);
	struct bd_bytes sha256;

	if (bd_read_u8(&reader) != FORM ||
		!read_text(upload->sender, sizeof(upload->sender), &reader) ||
		!read_text(terms->source, sizeof(terms->source), &reader) ||
		!read_text(terms->feed, sizeof(terms->feed), &reader) ||
		!read_text(terms->charset, sizeof(terms->charset), &reader) ||
		!read_text(terms->key, sizeof(terms->key), &reader)) {
		return false;
	}
	upload->begun_ms = (int64_t)bd_read_u64(&reader);
	terms->length = bd_read_u64(&reader);
	sha256 = bd_read_bytes(&reader, sizeof(terms->sha256));
	terms->delivery.day = (int32_t)bd_read_u32(&reader);
	terms->delivery.total = bd_read_u64(&reader);
	terms->delivery.has_total = bd_read_u8(&reader) != 0;
	terms->delivery.is_baseline = bd_read_u8(&reader) != 0;
	terms->is_atomic = bd_read_u8(&reader) != 0;
	terms->is_gzip = bd_read_u8(&reader) != 0;
	if (!reader.ok || reader.rest.len > 0 || terms->length == 0) {
		return false;
	}
	memcpy(terms->sha256, sha256.ptr, sizeof(terms->sha256));
	return true;
}

enum bd_code bd_upload_files_begin(
	struct bd_uploads *uploads, const struct bd_upload *upload, struct bd_diag *diag)
{
	char path[PATH_BYTES];
	struct bd_buf plain, sealed;
	enum bd_code code;

	snprintf(path, sizeof(path), "%s/%s", uploads->folder, upload->id);
	if (mkdir(path, 0700) != 0) {
		return io_fail(diag, errno);
	}
	bd_buf_init(&plain, HEAD_MAX_BYTES);
	bd_buf_init(&sealed, 2 * HEAD_MAX_BYTES);
	code = pack_head(&plain, upload);
	code = code == BD_OK ? bd_buf_add(&sealed, (struct bd_bytes){ (const char *)upload->salt,
							   sizeof(upload->salt) })
			     : code;
	code = code == BD_OK ? turn_over(&sealed, uploads, upload, (struct place){ "head", 0 },
				       bd_buf_bytes(&plain), bd_seal_close)
			     : code;
	code = code == BD_OK ? put_file(uploads, upload->id, "head", bd_buf_bytes(&sealed), diag)
			     : code;
	code = code == BD_OK ? sync_folder(uploads->folder, diag) : code;
	bd_buf_release(&plain);
	bd_buf_release(&sealed);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

/* -- parts -- */

enum bd_code bd_upload_files_write(struct bd_uploads *uploads, const struct bd_upload *upload,
	uint32_t part, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct bd_buf sealed;
	char name[32];
	enum bd_code code;

	part_name(name, part);
	bd_buf_init(&sealed, BD_UPLOAD_PART_BYTES + BD_SEAL_OVERHEAD);
	code = bd_buf_reserve(&sealed, bytes.len + BD_SEAL_OVERHEAD);
	code = code == BD_OK ? turn_over(&sealed, uploads, upload, (struct place){ "part", part },
				       bytes, bd_seal_close)
			     : code;
	code = code == BD_OK ? put_file(uploads, upload->id, name, bd_buf_bytes(&sealed), diag)
			     : bd_fail(diag, code, "%s", "");
	bd_buf_release(&sealed);
	return code;
}

enum bd_code bd_upload_files_read(struct bd_buf *out, struct bd_uploads *uploads,
	const struct bd_upload *upload, uint32_t part, struct bd_diag *diag)
{
	size_t before = out->len;
	struct bd_buf sealed;
	char name[32];
	enum bd_code code;

	part_name(name, part);
	bd_buf_init(&sealed, BD_UPLOAD_PART_BYTES + BD_SEAL_OVERHEAD + 1);
	code = get_file(&sealed, uploads, upload->id, name, diag);
	code = code == BD_OK ? turn_over(out, uploads, upload, (struct place){ "part", part },
				       bd_buf_bytes(&sealed), bd_seal_open)
			     : code;
	if (code == BD_OK && out->len - before != bd_upload_part_bytes(&upload->terms, part)) {
		code = BD_STORE_DAMAGED;
	}
	bd_buf_release(&sealed);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a part of an upload");
}

static void remove_parts(const struct bd_uploads *uploads, const struct bd_upload *upload)
{
	for (uint32_t part = 1; part <= bd_upload_parts(&upload->terms); part++) {
		char path[PATH_BYTES], name[32];

		part_name(name, part);
		path_of(path, uploads, upload->id, name);
		unlink(path);
	}
}

enum bd_code bd_upload_files_done(struct bd_uploads *uploads, const struct bd_upload *upload,
	uint64_t message, struct bd_diag *diag)
{
	char room[8], sealed_room[8 + BD_SEAL_OVERHEAD];
	struct bd_buf plain = { room, 0, sizeof(room), sizeof(room) };
	struct bd_buf sealed = { sealed_room, 0, sizeof(sealed_room), sizeof(sealed_room) };
	enum bd_code code = bd_buf_add_u64(&plain, message);

	code = code == BD_OK ? turn_over(&sealed, uploads, upload, (struct place){ "done", 0 },
				       bd_buf_bytes(&plain), bd_seal_close)
			     : code;
	code = code == BD_OK ? put_file(uploads, upload->id, "done", bd_buf_bytes(&sealed), diag)
			     : bd_fail(diag, code, "%s", "");
	if (code == BD_OK) {
		remove_parts(uploads, upload);
	}
	return code;
}

/* -- after a restart -- */

static enum bd_code read_done(
	uint64_t *message, struct bd_uploads *uploads, const struct bd_upload *upload)
{
	char room[8 + BD_SEAL_OVERHEAD]; /* opening wants room for what is taken off */
	struct bd_buf plain = { room, 0, sizeof(room), sizeof(room) }, sealed;
	struct bd_diag ignored = { .code = BD_OK };
	struct bd_reader reader;
	enum bd_code code;

	bd_buf_init(&sealed, 256);
	code = get_file(&sealed, uploads, upload->id, "done", &ignored);
	code = code == BD_OK ? turn_over(&plain, uploads, upload, (struct place){ "done", 0 },
				       bd_buf_bytes(&sealed), bd_seal_open)
			     : code;
	bd_buf_release(&sealed);
	reader = bd_reader_of(bd_buf_bytes(&plain));
	*message = code == BD_OK ? bd_read_u64(&reader) : 0;
	return code;
}

static int64_t time_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

/* Parts by their names and lengths: a name is given only to what is whole. */
static void find_parts(struct bd_uploads *uploads, struct bd_upload *upload)
{
	for (uint32_t part = 1; part <= bd_upload_parts(&upload->terms); part++) {
		char path[PATH_BYTES], name[32];
		struct stat st;

		part_name(name, part);
		path_of(path, uploads, upload->id, name);
		if (stat(path, &st) == 0 &&
			(uint64_t)st.st_size ==
				bd_upload_part_bytes(&upload->terms, part) + BD_SEAL_OVERHEAD) {
			bd_upload_note(upload, part);
			upload->touched_ms = time_of(&st) > upload->touched_ms ? time_of(&st)
									       : upload->touched_ms;
		}
	}
}

static enum bd_code read_head(struct bd_upload *upload, struct bd_uploads *uploads)
{
	struct bd_diag ignored = { .code = BD_OK };
	struct bd_buf sealed, plain;
	enum bd_code code;

	bd_buf_init(&sealed, 2 * HEAD_MAX_BYTES);
	bd_buf_init(&plain, HEAD_MAX_BYTES);
	code = get_file(&sealed, uploads, upload->id, "head", &ignored);
	if (code == BD_OK && sealed.len <= sizeof(upload->salt)) {
		code = BD_STORE_DAMAGED;
	}
	if (code == BD_OK) {
		memcpy(upload->salt, sealed.ptr, sizeof(upload->salt));
		code = turn_over(&plain, uploads, upload, (struct place){ "head", 0 },
			(struct bd_bytes){ sealed.ptr + sizeof(upload->salt),
				sealed.len - sizeof(upload->salt) },
			bd_seal_open);
	}
	if (code == BD_OK && !unpack_head(upload, bd_buf_bytes(&plain))) {
		code = BD_STORE_DAMAGED;
	}
	bd_buf_release(&sealed);
	bd_buf_release(&plain);
	return code;
}

static enum bd_code read_upload(struct bd_upload **out, struct bd_uploads *uploads, const char *id)
{
	struct bd_upload found = { .state = BD_UPLOAD_OPEN }, *upload = NULL;
	char path[PATH_BYTES];
	struct stat st;

	snprintf(found.id, sizeof(found.id), "%s", id);
	BD_TRY(read_head(&found, uploads));
	BD_TRY(bd_upload_new(&upload, &found.terms));
	memcpy(upload->id, found.id, sizeof(upload->id));
	memcpy(upload->sender, found.sender, sizeof(upload->sender));
	memcpy(upload->salt, found.salt, sizeof(upload->salt));
	upload->begun_ms = found.begun_ms;
	path_of(path, uploads, id, "head");
	upload->touched_ms = stat(path, &st) == 0 ? time_of(&st) : found.begun_ms;
	if (read_done(&upload->message, uploads, upload) == BD_OK) {
		upload->state = BD_UPLOAD_DONE;
		remove_parts(uploads, upload);
	} else {
		find_parts(uploads, upload);
	}
	*out = upload;
	return BD_OK;
}

enum bd_code bd_upload_files_scan(struct bd_uploads *uploads, struct bd_diag *diag)
{
	struct dirent *item;
	DIR *dir;

	if (mkdir(uploads->folder, 0700) != 0 && errno != EEXIST) {
		return io_fail(diag, errno);
	}
	dir = opendir(uploads->folder);
	if (dir == NULL) {
		return io_fail(diag, errno);
	}
	while ((item = readdir(dir)) != NULL) {
		struct bd_upload *upload = NULL;

		if (item->d_name[0] == '.') {
			continue;
		}
		if (strlen(item->d_name) == BD_UPLOAD_ID_BYTES - 1 &&
			uploads->count < BD_UPLOADS_MAX &&
			read_upload(&upload, uploads, item->d_name) == BD_OK) {
			bd_uploads_add(uploads, upload);
			continue;
		}
		bd_log(BD_LOG_WARNING, "uploads", "removed", "what is no upload of these keys");
		bd_upload_files_remove(uploads, item->d_name);
	}
	closedir(dir);
	return BD_OK;
}
