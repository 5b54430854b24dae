#include "store/case_file.h"

#include "base/try.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Read ahead of a walk: some dozen records, and the longest whole. */
#define WINDOW_BYTES ((size_t)2 * (BD_CASE_MAX_BYTES + BD_CASE_HEAD_MAX_BYTES))
#define WINDOW_FIRST_BYTES 65536

static const char file_magic[8] = { 'b', 'd', 'c', 'a', 's', 'e', 's', 1 };
static const char magic[4] = { 'b', 'd', 'c', 's' }, magic_before[4] = { 'b', 'd', 'c', 'r' };

void bd_case_name(char out[BD_CASE_NAME_BYTES], uint16_t loop, uint32_t segment)
{
	snprintf(out, BD_CASE_NAME_BYTES, "cases/%04x-%08x", loop, segment);
}

/* -- heads -- */

enum bd_code bd_case_file_head_add(
	struct bd_buf *out, uint16_t loop, uint32_t segment, int64_t first_ms)
{
	BD_TRY(bd_buf_add(out, (struct bd_bytes){ file_magic, sizeof(file_magic) }));
	BD_TRY(bd_buf_add_u16(out, loop));
	BD_TRY(bd_buf_add_u16(out, 0));
	BD_TRY(bd_buf_add_u32(out, segment));
	return bd_buf_add_u64(out, (uint64_t)first_ms);
}

bool bd_case_file_head_read(
	int64_t *first_ms, struct bd_bytes bytes, uint16_t loop, uint32_t segment)
{
	struct bd_reader reader = bd_reader_of(bytes);
	struct bd_bytes begin = bd_read_bytes(&reader, sizeof(file_magic));
	uint16_t of = bd_read_u16(&reader), zero = bd_read_u16(&reader);
	uint32_t number = bd_read_u32(&reader);

	*first_ms = (int64_t)bd_read_u64(&reader);
	return reader.ok && memcmp(begin.ptr, file_magic, sizeof(file_magic)) == 0 && of == loop &&
	       zero == 0 && number == segment;
}

static struct bd_bytes key_bytes(const uint8_t key[BD_NODE_KEY_BYTES])
{
	return (struct bd_bytes){ (const char *)key, BD_NODE_KEY_BYTES };
}

/* What stands behind the front. */
static enum bd_code add_keys(struct bd_buf *out, const struct bd_case_head *head)
{
	BD_TRY(bd_buf_add_u32(out, head->generation));
	BD_TRY(bd_buf_add_u32(out, head->flags));
	BD_TRY(bd_buf_add_u64(out, head->commit));
	BD_TRY(bd_buf_add(out, key_bytes(head->number)));
	return bd_buf_add(out,
		(struct bd_bytes){ (const char *)head->keys, head->key_count * BD_NODE_KEY_BYTES });
}

enum bd_code bd_case_head_add(struct bd_buf *out, const struct bd_case_head *head)
{
	const char *begin = head->has_keys ? magic : magic_before;

	BD_TRY(bd_buf_add(out, (struct bd_bytes){ begin, sizeof(magic) }));
	BD_TRY(bd_buf_add_u32(out, head->length));
	BD_TRY(bd_buf_add(out, (struct bd_bytes){ (const char *)head->salt, sizeof(head->salt) }));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)head->at_ms));
	BD_TRY(bd_trail_id_pack(out, &head->receipt));
	BD_TRY(bd_buf_add_u16(out, (uint16_t)head->key_count));
	return head->has_keys ? add_keys(out, head) : BD_OK;
}

bool bd_case_front_read(struct bd_case_head *out, struct bd_bytes bytes)
{
	struct bd_reader reader = bd_reader_of(bytes);
	struct bd_bytes begin = bd_read_bytes(&reader, sizeof(magic)), salt;

	*out = (struct bd_case_head){ .length = bd_read_u32(&reader) };
	salt = bd_read_bytes(&reader, sizeof(out->salt));
	out->at_ms = (int64_t)bd_read_u64(&reader);
	out->receipt = bd_trail_id_unpack(&reader);
	out->key_count = bd_read_u16(&reader);
	if (!reader.ok || out->length < BD_SEAL_OVERHEAD || out->length > BD_CASE_MAX_BYTES) {
		return false;
	}
	out->has_keys = memcmp(begin.ptr, magic, sizeof(magic)) == 0;
	memcpy(out->salt, salt.ptr, sizeof(out->salt));
	return out->has_keys
		       ? out->key_count <= BD_CASE_KEYS_MAX
		       : out->key_count == 0 && memcmp(begin.ptr, magic_before, sizeof(magic)) == 0;
}

size_t bd_case_head_bytes(const struct bd_case_head *head)
{
	return head->has_keys ? BD_CASE_KEYS_AT + head->key_count * BD_NODE_KEY_BYTES
			      : BD_CASE_FRONT_BYTES;
}

bool bd_case_head_read(struct bd_case_head *out, struct bd_bytes bytes)
{
	struct bd_reader reader;
	struct bd_bytes number, keys;

	if (!bd_case_front_read(out, bytes) || bytes.len < bd_case_head_bytes(out)) {
		return false;
	}
	if (!out->has_keys) {
		return true;
	}
	reader = bd_reader_of((struct bd_bytes){
		bytes.ptr + BD_CASE_FRONT_BYTES, bytes.len - BD_CASE_FRONT_BYTES });
	out->generation = bd_read_u32(&reader);
	out->flags = bd_read_u32(&reader);
	out->commit = bd_read_u64(&reader);
	number = bd_read_bytes(&reader, sizeof(out->number));
	keys = bd_read_bytes(&reader, out->key_count * BD_NODE_KEY_BYTES);
	memcpy(out->number, number.ptr, sizeof(out->number));
	out->keys = (const uint8_t(*)[BD_NODE_KEY_BYTES])keys.ptr;
	return reader.ok;
}

bool bd_case_is_erased(const struct bd_case_head *head)
{
	static const uint8_t none[BD_SALT_BYTES];

	return memcmp(head->salt, none, sizeof(none)) == 0;
}

enum bd_code bd_case_seal_name(
	struct bd_buf *out, const struct bd_case_place *place, const struct bd_case_head *head)
{
	BD_TRY(bd_buf_add_text(out, "case"));
	BD_TRY(bd_buf_add_u16(out, place->loop));
	BD_TRY(bd_buf_add_u32(out, place->segment));
	BD_TRY(bd_buf_add_u32(out, place->offset));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)head->at_ms));
	BD_TRY(bd_trail_id_pack(out, &head->receipt));
	return head->has_keys ? add_keys(out, head) : BD_OK;
}

enum bd_code bd_case_open_sealed(struct bd_buf *plain, struct bd_seal *seal,
	const struct bd_case_place *place, const struct bd_case_head *head, struct bd_bytes sealed)
{
	char room[BD_CASE_NAME_MAX_BYTES];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };

	bd_buf_clear(plain);
	if (bd_case_is_erased(head)) {
		return BD_CASE_ERASED;
	}
	BD_TRY(bd_case_seal_name(&name, place, head));
	return bd_seal_open(seal, plain, head->salt, bd_buf_bytes(&name), sealed);
}

/* -- files -- */

enum bd_code bd_case_read_at(int fd, void *out, size_t len, uint64_t offset)
{
	size_t at = 0;

	while (at < len) {
		ssize_t one = pread(fd, (char *)out + at, len - at, (off_t)(offset + at));

		if (one < 0 && errno != EINTR) {
			return BD_IO;
		}
		if (one == 0) {
			return BD_STORE_DAMAGED;
		}
		at += one > 0 ? (size_t)one : 0;
	}
	return BD_OK;
}

enum bd_code bd_case_head_load(
	struct bd_case_head *head, struct bd_buf *bytes, int fd, uint64_t offset)
{
	size_t len;

	bd_buf_clear(bytes);
	BD_TRY(bd_buf_reserve(bytes, BD_CASE_HEAD_MAX_BYTES));
	BD_TRY(bd_case_read_at(fd, bytes->ptr, BD_CASE_FRONT_BYTES, offset));
	bytes->len = BD_CASE_FRONT_BYTES;
	if (!bd_case_front_read(head, bd_buf_bytes(bytes))) {
		return BD_STORE_DAMAGED;
	}
	len = bd_case_head_bytes(head);
	BD_TRY(bd_case_read_at(fd, bytes->ptr + BD_CASE_FRONT_BYTES, len - BD_CASE_FRONT_BYTES,
		offset + BD_CASE_FRONT_BYTES));
	bytes->len = len;
	return bd_case_head_read(head, bd_buf_bytes(bytes)) ? BD_OK : BD_STORE_DAMAGED;
}

enum bd_code bd_case_write_at(int fd, struct bd_bytes bytes, uint64_t offset, struct bd_diag *diag)
{
	while (bytes.len > 0) {
		ssize_t one = pwrite(fd, bytes.ptr, bytes.len, (off_t)offset);

		if (one < 0 && errno != EINTR) {
			return bd_fail(diag,
				errno == ENOSPC || errno == EDQUOT ? BD_DISK_FULL : BD_IO,
				"cases: %s", strerror(errno));
		}
		if (one > 0) {
			bytes.ptr += one;
			bytes.len -= (size_t)one;
			offset += (uint64_t)one;
		}
	}
	return BD_OK;
}

int bd_case_file_open(const struct bd_store *store, uint16_t loop, uint32_t segment, bool writes)
{
	char path[sizeof(store->folder) + BD_CASE_NAME_BYTES + 1], name[BD_CASE_NAME_BYTES];

	bd_case_name(name, loop, segment);
	snprintf(path, sizeof(path), "%s/%s", store->folder, name);
	return open(path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC);
}

/* -- walking -- */

void bd_case_reader_open(
	struct bd_case_reader *reader, struct bd_store *store, const struct bd_case_place *from)
{
	*reader = (struct bd_case_reader){ .store = store, .at = *from, .fd = -1 };
	bd_buf_init(&reader->window, WINDOW_BYTES);
}

static void close_file(struct bd_case_reader *reader)
{
	if (reader->fd >= 0) {
		close(reader->fd);
	}
	reader->fd = -1;
	bd_buf_clear(&reader->window);
}

void bd_case_reader_close(struct bd_case_reader *reader)
{
	close_file(reader);
	bd_buf_release(&reader->window);
}

/* Up to len bytes at offset, fewer only at the end of the file; borrowed from the window. Behind
 * `end` nothing is read but what is asked for: there a loop is about to write, and the kernel would
 * fill its pages with zeroes first. */
static enum bd_code look(struct bd_bytes *out, struct bd_case_reader *reader, uint64_t offset,
	size_t len, uint64_t end, struct bd_diag *diag)
{
	struct bd_buf *window = &reader->window;

	if (offset < reader->window_at || offset - reader->window_at > window->len ||
		window->len - (size_t)(offset - reader->window_at) < len) {
		size_t ahead = end > offset && end - offset < WINDOW_FIRST_BYTES
				       ? (size_t)(end - offset)
				       : WINDOW_FIRST_BYTES;
		size_t wanted = len > ahead ? len : ahead;
		ssize_t got;

		bd_buf_clear(window);
		BD_TRY(bd_buf_reserve(window, wanted));
		do {
			got = pread(reader->fd, window->ptr, wanted, (off_t)offset);
		} while (got < 0 && errno == EINTR);
		if (got < 0) {
			return bd_fail(diag, BD_IO, "cases: %s", strerror(errno));
		}
		window->len = (size_t)got;
		reader->window_at = offset;
	}
	*out = (struct bd_bytes){ window->ptr + (offset - reader->window_at),
		window->len - (size_t)(offset - reader->window_at) };
	out->len = out->len < len ? out->len : len;
	return BD_OK;
}

/* The file of the place is open, and is that file; END when it is not there or empty. */
static enum bd_code open_file(
	enum bd_case_step *step, struct bd_case_reader *reader, struct bd_diag *diag)
{
	struct bd_case_place *at = &reader->at;
	struct bd_bytes bytes;
	int64_t first_ms;

	*step = BD_CASE_STEP_RECORD;
	if (reader->fd >= 0 && reader->open_segment == at->segment) {
		return BD_OK;
	}
	close_file(reader);
	reader->fd = bd_case_file_open(reader->store, at->loop, at->segment, false);
	if (reader->fd < 0) {
		*step = BD_CASE_STEP_END;
		return errno == ENOENT ? BD_OK : bd_fail(diag, BD_IO, "cases: %s", strerror(errno));
	}
	reader->open_segment = at->segment;
	/* The kernel's own reading ahead does not know the end either. */
	posix_fadvise(reader->fd, 0, 0, POSIX_FADV_RANDOM);
	BD_TRY(look(&bytes, reader, 0, BD_CASE_FILE_HEAD_BYTES, BD_CASE_FILE_HEAD_BYTES, diag));
	if (!bd_case_file_head_read(&first_ms, bytes, at->loop, at->segment)) {
		close_file(reader);
		*step = BD_CASE_STEP_BROKEN;
	}
	return BD_OK;
}

static bool is_zero(struct bd_bytes bytes)
{
	size_t i = 0;

	while (i < bytes.len && bytes.ptr[i] == 0) {
		i++;
	}
	return i == bytes.len;
}

static enum bd_code take(enum bd_case_step *step, struct bd_case_head *head,
	struct bd_bytes *sealed, struct bd_case_reader *reader, uint32_t end, struct bd_diag *diag)
{
	struct bd_case_place *at = &reader->at;
	struct bd_bytes bytes;
	size_t head_len, len;

	*step = BD_CASE_STEP_END;
	if (at->offset >= end) {
		return BD_OK;
	}
	BD_TRY(look(&bytes, reader, at->offset, BD_CASE_FRONT_BYTES, end, diag));
	if (is_zero(bytes)) {
		return BD_OK;
	}
	*step = BD_CASE_STEP_BROKEN;
	if (bytes.len < BD_CASE_FRONT_BYTES || !bd_case_front_read(head, bytes)) {
		return BD_OK;
	}
	head_len = bd_case_head_bytes(head);
	len = head_len + head->length;
	if (len > end - at->offset) {
		return BD_OK;
	}
	BD_TRY(look(&bytes, reader, at->offset, len, end, diag));
	if (bytes.len == len && bd_case_head_read(head, bytes)) {
		*sealed = (struct bd_bytes){ bytes.ptr + head_len, head->length };
		at->offset += (uint32_t)len;
		*step = BD_CASE_STEP_RECORD;
	}
	return BD_OK;
}

enum bd_code bd_case_reader_next(enum bd_case_step *step, struct bd_case_head *head,
	struct bd_case_place *place, struct bd_bytes *sealed, struct bd_case_reader *reader,
	const struct bd_case_place *end, struct bd_diag *diag)
{
	struct bd_case_place *at = &reader->at;

	for (;;) {
		bool is_last = at->segment >= end->segment;

		BD_TRY(open_file(step, reader, diag));
		*place = *at;
		if (*step == BD_CASE_STEP_RECORD) {
			BD_TRY(take(step, head, sealed, reader, is_last ? end->offset : UINT32_MAX,
				diag));
		}
		if (*step != BD_CASE_STEP_END || is_last) {
			return BD_OK;
		}
		at->segment++;
		at->offset = BD_CASE_FILE_HEAD_BYTES;
	}
}
