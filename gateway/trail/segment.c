#include "trail/segment.h"

#include <string.h>
#include <unistd.h>

/* Read ahead of a walk: some hundred entries, and the longest whole. */
#define WINDOW_BYTES (2 * BD_TRAIL_ENTRY_MAX_BYTES)

static const char magic[8] = { 'b', 'd', 't', 'r', 'a', 'i', 'l', 1 };

static struct bd_bytes bytes_of(const struct bd_hash *hash)
{
	return (struct bd_bytes){ (const char *)hash->bytes, sizeof(hash->bytes) };
}

enum bd_code bd_trail_segment_head_write(int fd, uint64_t instance, uint16_t loop,
	const struct bd_trail_position *first, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	struct bd_buf head;
	enum bd_code code;

	bd_buf_init(&head, BD_TRAIL_SEGMENT_HEAD_BYTES);
	code = bd_buf_reserve(&head, BD_TRAIL_SEGMENT_HEAD_BYTES);
	if (code != BD_OK) {
		return bd_fail(diag, code, "head of a segment");
	}
	bd_buf_add(&head, (struct bd_bytes){ magic, sizeof(magic) });
	bd_buf_add_u64(&head, instance);
	bd_buf_add_u16(&head, loop);
	bd_buf_add_u16(&head, 0);
	bd_buf_add_u32(&head, first->segment);
	bd_buf_add_u64(&head, first->count);
	bd_buf_add(&head, bytes_of(&first->chain));
	bd_trail_name_segment(name, loop, first->segment);
	code = bd_trail_write(fd, bd_buf_bytes(&head), 0, name, diag);
	bd_buf_release(&head);
	return code;
}

enum bd_code bd_trail_chain(struct bd_hash *out, struct bd_hash *leaf, const struct bd_hash *before,
	struct bd_bytes body)
{
	enum bd_code code = bd_merkle_leaf(leaf, body);
	const struct bd_bytes parts[] = { bytes_of(before), bytes_of(leaf) };

	return code == BD_OK ? bd_sha256_of_parts(parts, 2, out->bytes) : code;
}

enum bd_code bd_trail_frame_add(struct bd_buf *out, struct bd_hash *leaf,
	struct bd_trail_position *at, const struct bd_trail_entry *entry)
{
	size_t before = out->len, body = BD_TRAIL_ENTRY_HEAD_BYTES + entry->payload.len;
	struct bd_hash chain;
	enum bd_code code = bd_buf_add_u32(out, (uint32_t)body);

	code = code == BD_OK ? bd_trail_entry_pack(out, entry) : code;
	if (code == BD_OK) {
		code = bd_trail_chain(
			&chain, leaf, &at->chain, (struct bd_bytes){ out->ptr + before + 4, body });
	}
	code = code == BD_OK ? bd_buf_add(out, bytes_of(&chain)) : code;
	if (code != BD_OK) {
		out->len = before;
		return code;
	}
	at->offset += (uint32_t)(body + BD_TRAIL_FRAME_BYTES);
	at->count++;
	at->chain = chain;
	at->time_ms = entry->time_ms;
	return BD_OK;
}

/* -- walking -- */

void bd_trail_walk_open(struct bd_trail_walk *walk, int folder, uint64_t instance, uint16_t loop,
	const struct bd_trail_position *from)
{
	*walk = (struct bd_trail_walk){
		.folder = folder, .instance = instance, .loop = loop, .at = *from, .fd = -1
	};
	bd_buf_init(&walk->window, WINDOW_BYTES);
}

static void close_file(struct bd_trail_walk *walk)
{
	if (walk->fd >= 0) {
		close(walk->fd);
	}
	walk->fd = -1;
	bd_buf_clear(&walk->window);
}

void bd_trail_walk_close(struct bd_trail_walk *walk)
{
	close_file(walk);
	bd_buf_release(&walk->window);
}

void bd_trail_walk_go(struct bd_trail_walk *walk, const struct bd_trail_position *to)
{
	if (walk->fd >= 0 && walk->open_segment != to->segment) {
		close_file(walk);
	}
	bd_buf_clear(&walk->window);
	walk->at = *to;
}

/* Up to len bytes at offset, fewer only at the end of the file; borrowed from the window. */
static enum bd_code look(struct bd_bytes *out, struct bd_trail_walk *walk, uint64_t offset,
	size_t len, struct bd_diag *diag)
{
	struct bd_buf *window = &walk->window;
	char name[BD_TRAIL_NAME_BYTES];
	size_t got;
	enum bd_code code;

	if (offset < walk->window_at || offset - walk->window_at > window->len ||
		window->len - (size_t)(offset - walk->window_at) < len) {
		bd_trail_name_segment(name, walk->loop, walk->open_segment);
		bd_buf_clear(window);
		code = bd_buf_reserve(window, WINDOW_BYTES);
		if (code != BD_OK) {
			return bd_fail(diag, code, "window of a segment");
		}
		code = bd_trail_read_at(
			&got, walk->fd, window->ptr, WINDOW_BYTES, offset, name, diag);
		if (code != BD_OK) {
			return code;
		}
		window->len = got;
		walk->window_at = offset;
	}
	*out = (struct bd_bytes){ window->ptr + (offset - walk->window_at),
		window->len - (size_t)(offset - walk->window_at) };
	out->len = out->len < len ? out->len : len;
	return BD_OK;
}

static bool is_all_zero(struct bd_bytes bytes)
{
	return bytes.len == 0 ||
	       (bytes.ptr[0] == 0 && memcmp(bytes.ptr, bytes.ptr + 1, bytes.len - 1) == 0);
}

static enum bd_trail_step break_at(struct bd_trail_walk *walk, const char *why)
{
	walk->why = why;
	return BD_TRAIL_STEP_BROKEN;
}

/* The head of the segment that is open, against where the walk is. */
static enum bd_code check_head(
	enum bd_trail_step *step, struct bd_trail_walk *walk, struct bd_diag *diag)
{
	const struct bd_trail_position *at = &walk->at;
	struct bd_bytes bytes;
	enum bd_code code = look(&bytes, walk, 0, BD_TRAIL_SEGMENT_HEAD_BYTES, diag);

	if (code != BD_OK) {
		return code;
	}
	if (at->offset == BD_TRAIL_SEGMENT_HEAD_BYTES && is_all_zero(bytes)) {
		*step = BD_TRAIL_STEP_END;
		return BD_OK;
	}
	struct bd_reader reader = bd_reader_of(bytes);
	struct bd_bytes begin = bd_read_bytes(&reader, sizeof(magic));
	uint64_t instance = bd_read_u64(&reader);
	uint16_t loop = bd_read_u16(&reader), zero = bd_read_u16(&reader);
	uint32_t segment = bd_read_u32(&reader);
	uint64_t first = bd_read_u64(&reader);
	struct bd_bytes chain = bd_read_bytes(&reader, BD_DIGEST_BYTES);

	if (!reader.ok || memcmp(begin.ptr, magic, sizeof(magic)) != 0 || zero != 0 ||
		instance != walk->instance || loop != walk->loop || segment != at->segment ||
		first > at->count) {
		*step = break_at(walk, "the head of the segment is another's");
	} else if (at->offset == BD_TRAIL_SEGMENT_HEAD_BYTES &&
		   (first != at->count || !bd_bytes_equal(chain, bytes_of(&at->chain)))) {
		*step = break_at(walk, "the segment does not follow the one before");
	} else {
		*step = BD_TRAIL_STEP_ENTRY;
	}
	return BD_OK;
}

/* ENTRY: the segment of the walk is open. */
static enum bd_code open_segment(
	enum bd_trail_step *step, struct bd_trail_walk *walk, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	enum bd_code code;

	if (walk->fd >= 0 && walk->open_segment == walk->at.segment) {
		*step = BD_TRAIL_STEP_ENTRY;
		return BD_OK;
	}
	close_file(walk);
	bd_trail_name_segment(name, walk->loop, walk->at.segment);
	code = bd_trail_open_file(&walk->fd, walk->folder, name, false, diag);
	if (code != BD_OK) {
		return code;
	}
	walk->open_segment = walk->at.segment;
	if (walk->fd < 0) {
		*step = walk->at.offset == BD_TRAIL_SEGMENT_HEAD_BYTES
				? BD_TRAIL_STEP_END
				: break_at(walk, "the segment is missing");
		return BD_OK;
	}
	code = check_head(step, walk, diag);
	if (code != BD_OK || *step != BD_TRAIL_STEP_ENTRY) {
		close_file(walk);
	}
	return code;
}

static bool is_next(const struct bd_trail_walk *walk, const struct bd_trail_entry *entry)
{
	const struct bd_trail_position *at = &walk->at;

	return entry->id.instance == walk->instance && entry->id.loop == walk->loop &&
	       entry->id.segment == at->segment && entry->id.offset == at->offset &&
	       entry->number == at->count && entry->time_ms >= at->time_ms;
}

/* The entry at the place of the walk; END when the segment ends there. */
static enum bd_code take(enum bd_trail_step *step, struct bd_trail_entry *entry,
	struct bd_bytes *body, struct bd_trail_walk *walk, struct bd_diag *diag)
{
	struct bd_trail_position *at = &walk->at;
	struct bd_bytes bytes, chain;
	struct bd_hash wanted;
	uint32_t len;
	enum bd_code code = look(&bytes, walk, at->offset, 4, diag);

	if (code != BD_OK) {
		return code;
	}
	struct bd_reader reader = bd_reader_of(bytes);

	len = bd_read_u32(&reader);
	if (!reader.ok || len == 0) {
		*step = is_all_zero(bytes) ? BD_TRAIL_STEP_END
					   : break_at(walk, "the file ends within an entry");
		return BD_OK;
	}
	if (len < BD_TRAIL_ENTRY_HEAD_BYTES || len > BD_TRAIL_ENTRY_MAX_BYTES) {
		*step = break_at(walk, "no entry has this length");
		return BD_OK;
	}
	code = look(&bytes, walk, at->offset, len + BD_TRAIL_FRAME_BYTES, diag);
	if (code != BD_OK) {
		return code;
	}
	reader = bd_reader_of(bytes);
	bd_read_u32(&reader);
	*body = bd_read_bytes(&reader, len);
	chain = bd_read_bytes(&reader, BD_DIGEST_BYTES);
	if (!reader.ok) {
		*step = break_at(walk, "the file ends within an entry");
		return BD_OK;
	}
	code = bd_trail_chain(&wanted, &walk->leaf, &at->chain, *body);
	if (code != BD_OK) {
		return bd_fail(diag, code, "no digest");
	}
	if (!bd_bytes_equal(chain, bytes_of(&wanted)) || !bd_trail_entry_unpack(entry, *body) ||
		!is_next(walk, entry)) {
		*step = break_at(walk, "the entry is not the one that was written");
		return BD_OK;
	}
	at->offset += len + BD_TRAIL_FRAME_BYTES;
	at->count++;
	at->chain = wanted;
	at->time_ms = entry->time_ms;
	*step = BD_TRAIL_STEP_ENTRY;
	return BD_OK;
}

static enum bd_code segment_size(
	uint64_t *out, const struct bd_trail_walk *walk, uint32_t segment, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	int fd;
	enum bd_code code;

	*out = 0;
	bd_trail_name_segment(name, walk->loop, segment);
	code = bd_trail_open_file(&fd, walk->folder, name, false, diag);
	if (code == BD_OK && fd >= 0) {
		code = bd_trail_file_size(out, fd, name, diag);
		close(fd);
	}
	return code;
}

/* At the end of a segment: into the next, when that is in use. */
static enum bd_code go_on(enum bd_trail_step *step, struct bd_trail_entry *entry,
	struct bd_bytes *body, struct bd_trail_walk *walk, struct bd_diag *diag)
{
	struct bd_trail_position ended = walk->at, next = ended;
	uint64_t size;
	enum bd_code code;

	next.segment++;
	next.offset = BD_TRAIL_SEGMENT_HEAD_BYTES;
	bd_trail_walk_go(walk, &next);
	code = open_segment(step, walk, diag);
	if (code != BD_OK || *step != BD_TRAIL_STEP_ENTRY) {
		if (code != BD_OK || *step == BD_TRAIL_STEP_END) {
			bd_trail_walk_go(walk, &ended);
		}
		return code;
	}
	code = segment_size(&size, walk, ended.segment, diag);
	if (code == BD_OK && size == ended.offset) {
		return take(step, entry, body, walk, diag);
	}
	/* Who writes cuts a segment before it begins the next: perhaps entries have come since the
	 * end was read. */
	bd_trail_walk_go(walk, &ended);
	code = code == BD_OK ? open_segment(step, walk, diag) : code;
	if (code == BD_OK && *step == BD_TRAIL_STEP_ENTRY) {
		code = take(step, entry, body, walk, diag);
	}
	if (code == BD_OK && *step == BD_TRAIL_STEP_END) {
		*step = break_at(walk, "bytes behind the last entry of the segment");
	}
	return code;
}

enum bd_code bd_trail_walk_next(enum bd_trail_step *step, struct bd_trail_entry *entry,
	struct bd_bytes *body, struct bd_trail_walk *walk, struct bd_diag *diag)
{
	enum bd_code code = open_segment(step, walk, diag);

	if (code == BD_OK && *step == BD_TRAIL_STEP_ENTRY) {
		code = take(step, entry, body, walk, diag);
		if (code == BD_OK && *step == BD_TRAIL_STEP_END) {
			code = go_on(step, entry, body, walk, diag);
		}
	}
	return code;
}

enum bd_code bd_trail_walk_rest(
	bool *is_zero, uint64_t *end, struct bd_trail_walk *walk, struct bd_diag *diag)
{
	enum bd_trail_step step;
	struct bd_bytes bytes;
	char name[BD_TRAIL_NAME_BYTES];
	enum bd_code code = BD_OK;

	*is_zero = true;
	*end = 0;
	if (walk->fd < 0 || walk->open_segment != walk->at.segment) {
		code = open_segment(&step, walk, diag);
	}
	if (code != BD_OK || walk->fd < 0) {
		return code;
	}
	bd_trail_name_segment(name, walk->loop, walk->open_segment);
	code = bd_trail_file_size(end, walk->fd, name, diag);
	for (uint64_t at = walk->at.offset; code == BD_OK && *is_zero && at < *end;
		at += bytes.len) {
		code = look(&bytes, walk, at, WINDOW_BYTES, diag);
		if (code == BD_OK && bytes.len == 0) {
			break; /* it became shorter meanwhile */
		}
		*is_zero = code == BD_OK && is_all_zero(bytes);
	}
	return code;
}
