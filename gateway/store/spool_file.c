/* spool_file.c - a complete spool file, read back. */
#include "store/spool.h"
#include "store/spool_form.h"

#include "base/limits.h"
#include "base/try.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One block: a record longer than a block has one of its own. */
#define BLOCK_MAX_BYTES (BD_SPOOL_BLOCK_BYTES + BD_RECORD_MAX_BYTES * 2 + BD_SEAL_OVERHEAD)
/* Bytes checked at a time. */
#define CHECK_BYTES 67108864

struct bd_bytes bd_spool_block_name(char room[BD_SPOOL_NAME_BYTES], uint64_t id, uint64_t block)
{
	struct bd_buf name = { room, 0, BD_SPOOL_NAME_BYTES, BD_SPOOL_NAME_BYTES };

	/* It has room for exactly these. */
	if (bd_buf_add_text(&name, "block") != BD_OK || bd_buf_add_u64(&name, id) != BD_OK ||
		bd_buf_add_u64(&name, block) != BD_OK) {
		abort();
	}
	return bd_buf_bytes(&name);
}

struct bd_bytes bd_spool_end_name(char room[BD_SPOOL_NAME_BYTES], uint64_t id, uint64_t offset)
{
	struct bd_bytes name = bd_spool_block_name(room, id, offset);

	memcpy(room, "ended", 5);
	return name;
}

struct bd_bytes bd_spool_block_tag(struct bd_bytes sealed)
{
	return (struct bd_bytes){ sealed.ptr + sealed.len - BD_GCM_TAG_BYTES, BD_GCM_TAG_BYTES };
}

/* -- the end of it -- */

static bool read_at(struct bd_spool_file *file, void *out, size_t len, uint64_t offset)
{
	size_t at = 0;

	while (at < len) {
		ssize_t got = pread(file->fd, (char *)out + at, len - at, (off_t)(offset + at));

		if (got == 0 || (got < 0 && errno != EINTR)) {
			return false;
		}
		at += got > 0 ? (size_t)got : 0;
	}
	return true;
}

static enum bd_code read_head(struct bd_spool_file *file, uint8_t salt[BD_SALT_BYTES])
{
	char head[BD_SPOOL_HEAD_BYTES];
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ head, sizeof(head) });
	struct bd_bytes magic, kept;

	if (!read_at(file, head, sizeof(head), 0)) {
		return BD_STORE_DAMAGED;
	}
	magic = bd_read_bytes(&reader, sizeof(BD_SPOOL_MAGIC) - 1);
	if (!bd_bytes_is(magic, BD_SPOOL_MAGIC) || bd_read_u64(&reader) != file->id) {
		return BD_STORE_DAMAGED;
	}
	kept = bd_read_bytes(&reader, BD_SALT_BYTES);
	memcpy(salt, kept.ptr, BD_SALT_BYTES);
	return BD_OK;
}

/* Each run begins where the one before it ended, and together they have all that is counted. */
enum bd_code bd_spool_end_unpack(
	struct bd_spool_file *file, struct bd_bytes packed, uint64_t end_offset)
{
	struct bd_reader reader = bd_reader_of(packed);
	uint64_t blocks = 0, records = 0, offset = BD_SPOOL_HEAD_BYTES;
	struct bd_bytes digest;
	bool is_good = true;

	file->record_count = bd_read_u64(&reader);
	file->block_count = bd_read_u64(&reader);
	digest = bd_read_bytes(&reader, BD_DIGEST_BYTES);
	file->run_count = bd_read_u32(&reader);
	if (!reader.ok || file->run_count > BD_SPOOL_RUNS_MAX) {
		return BD_STORE_DAMAGED;
	}
	memcpy(file->digest, digest.ptr, sizeof(file->digest));
	file->runs = bd_arena_alloc(&file->arena, file->run_count, sizeof(*file->runs));
	if (file->runs == NULL) {
		return bd_arena_code(&file->arena);
	}
	for (size_t i = 0; i < file->run_count; i++) {
		struct bd_spool_run *run = &file->runs[i];

		run->is_message_subject = bd_read_u8(&reader) != 0;
		run->offset = bd_read_u64(&reader);
		run->block = bd_read_u64(&reader);
		run->block_count = bd_read_u64(&reader);
		run->record_count = bd_read_u64(&reader);
		is_good = is_good && run->block == blocks && run->block_count > 0 &&
			  run->block_count <= run->record_count && run->offset >= offset &&
			  run->offset < end_offset &&
			  run->record_count <= file->record_count - records;
		blocks += run->block_count;
		records += run->record_count;
		offset = run->offset;
	}
	file->entry = bd_read_sized(&reader);
	return is_good && reader.ok && reader.rest.len == 0 && blocks == file->block_count &&
			       records == file->record_count
		       ? BD_OK
		       : BD_STORE_DAMAGED;
}

static enum bd_code read_end(struct bd_spool_file *file, const uint8_t salt[BD_SALT_BYTES])
{
	char foot[BD_SPOOL_FOOT_BYTES], room[BD_SPOOL_NAME_BYTES];
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ foot, sizeof(foot) });
	struct bd_buf plain = { 0 };
	uint64_t offset, len;
	char *sealed;

	if (file->bytes < BD_SPOOL_HEAD_BYTES + sizeof(foot) ||
		!read_at(file, foot, sizeof(foot), file->bytes - sizeof(foot))) {
		return BD_STORE_DAMAGED;
	}
	offset = bd_read_u64(&reader);
	len = bd_read_u32(&reader);
	if (!bd_bytes_is(reader.rest, BD_SPOOL_FOOT) || offset > file->bytes ||
		file->bytes - offset != len + sizeof(foot) || len < BD_SEAL_OVERHEAD) {
		return BD_STORE_DAMAGED;
	}
	sealed = bd_arena_alloc(&file->arena, len, 1);
	plain.cap = plain.max = len;
	plain.ptr = bd_arena_alloc(&file->arena, len, 1);
	if (sealed == NULL || plain.ptr == NULL) {
		return bd_arena_code(&file->arena);
	}
	if (!read_at(file, sealed, len, offset)) {
		return BD_STORE_DAMAGED;
	}
	BD_TRY(bd_seal_open(file->seal, &plain, salt, bd_spool_end_name(room, file->id, offset),
		(struct bd_bytes){ sealed, len }));
	return bd_spool_end_unpack(file, bd_buf_bytes(&plain), offset);
}

static enum bd_code open_file(struct bd_spool_file *file)
{
	uint8_t salt[BD_SALT_BYTES];
	struct stat status;
	char path[4200];

	snprintf(path, sizeof(path), "%s/spool/%016llx", file->store->folder,
		(unsigned long long)file->id);
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0) {
		return errno == ENOENT ? BD_STORE_DAMAGED : BD_IO;
	}
	if (fstat(file->fd, &status) != 0) {
		return BD_IO;
	}
	file->bytes = (uint64_t)status.st_size;
	BD_TRY(bd_seal_new(&file->seal, file->store->ring));
	BD_TRY(read_head(file, salt));
	BD_TRY(bd_seal_keep(file->seal, salt));
	memcpy(file->salt, salt, sizeof(file->salt));
	return read_end(file, salt);
}

enum bd_code bd_spool_file_open(
	struct bd_spool_file *file, struct bd_store *store, uint64_t id, struct bd_diag *diag)
{
	enum bd_code code;

	*file = (struct bd_spool_file){ .store = store, .id = id, .fd = -1 };
	bd_arena_init(&file->arena, (size_t)BD_MESSAGE_REJECTS_MAX_BYTES * 5);
	bd_buf_init(&file->sealed, BLOCK_MAX_BYTES);
	code = open_file(file);
	if (code != BD_OK) {
		bd_spool_file_close(file);
		return bd_fail(diag, code, "a spool file");
	}
	return BD_OK;
}

void bd_spool_file_close(struct bd_spool_file *file)
{
	if (file->fd >= 0) {
		close(file->fd);
	}
	file->fd = -1;
	bd_seal_free(file->seal);
	file->seal = NULL;
	bd_buf_release(&file->sealed);
	bd_arena_release(&file->arena);
}

/* -- its blocks -- */

enum bd_code bd_spool_file_block(
	struct bd_buf *plain, uint64_t *offset, struct bd_spool_file *file, uint64_t number)
{
	char head[4], room[BD_SPOOL_NAME_BYTES];
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ head, sizeof(head) });
	size_t len;

	if (!read_at(file, head, sizeof(head), *offset)) {
		return BD_IO;
	}
	len = bd_read_u32(&reader);
	bd_buf_clear(&file->sealed);
	bd_buf_clear(plain);
	if (len < BD_SEAL_OVERHEAD || bd_buf_reserve(&file->sealed, len) != BD_OK) {
		return BD_STORE_DAMAGED;
	}
	if (!read_at(file, file->sealed.ptr, len, *offset + sizeof(head))) {
		return BD_IO;
	}
	file->sealed.len = len;
	*offset += sizeof(head) + len;
	return bd_seal_open(file->seal, plain, file->salt,
		bd_spool_block_name(room, file->id, number), bd_buf_bytes(&file->sealed));
}

/* Runs that follow each other without a gap are read as one. */
static enum bd_code check_some(struct bd_spool_check *check, struct bd_spool_file *file)
{
	uint64_t begin = check->offset;
	uint8_t digest[BD_DIGEST_BYTES];

	while (check->block < file->block_count && check->offset - begin < CHECK_BYTES) {
		BD_TRY(bd_spool_file_block(&check->plain, &check->offset, file, check->block));
		BD_TRY(bd_sha256_update(
			check->sha, bd_spool_block_tag(bd_buf_bytes(&file->sealed))));
		check->block++;
	}
	if (check->block < file->block_count) {
		return BD_OK;
	}
	BD_TRY(bd_sha256_final(check->sha, digest));
	check->is_done = memcmp(digest, file->digest, sizeof(digest)) == 0;
	return check->is_done ? BD_OK : BD_STORE_DAMAGED;
}

enum bd_code bd_spool_check_more(
	struct bd_spool_check *check, struct bd_spool_file *file, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	if (check->sha == NULL) {
		check->offset = BD_SPOOL_HEAD_BYTES;
		bd_buf_init(&check->plain, BLOCK_MAX_BYTES);
		code = bd_sha256_new(&check->sha);
	}
	code = code == BD_OK ? check_some(check, file) : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a spool file");
}

void bd_spool_check_close(struct bd_spool_check *check)
{
	bd_sha256_free(check->sha);
	bd_buf_release(&check->plain);
	*check = (struct bd_spool_check){ .sha = NULL };
}
