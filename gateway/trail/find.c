/* find.c - an entry by its id, and the proof of it. */
#include "trail/state.h"

#include <string.h>
#include <unistd.h>

/* The file, when it is one of a log there may be. */
static enum bd_code open_segment(int *fd, struct bd_trail *trail, const struct bd_trail_id *id,
	char name[BD_TRAIL_NAME_BYTES], struct bd_diag *diag)
{
	*fd = -1;
	if (id->instance != trail->instance || id->loop >= trail->log_count ||
		id->offset < BD_TRAIL_SEGMENT_HEAD_BYTES) {
		return BD_OK;
	}
	bd_trail_name_segment(name, id->loop, id->segment);
	return bd_trail_open_file(fd, trail->folder, name, false, diag);
}

/* The chain before, the length, the body and the chain: whoever makes an id up does not meet it. */
static enum bd_code read_frame(struct bd_trail_entry *out, struct bd_bytes *body, int fd,
	const struct bd_trail_id *id, const char *name, struct bd_arena *arena,
	struct bd_diag *diag)
{
	uint8_t front[BD_DIGEST_BYTES + 4];
	struct bd_hash before, chain, leaf;
	size_t got, rest;
	char *bytes;
	enum bd_code code = bd_trail_read_at(
		&got, fd, front, sizeof(front), id->offset - BD_DIGEST_BYTES, name, diag);

	if (code != BD_OK) {
		return code;
	}
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ (char *)front, got });
	struct bd_bytes digest = bd_read_bytes(&reader, BD_DIGEST_BYTES);
	size_t len = bd_read_u32(&reader);

	if (!reader.ok || len < BD_TRAIL_ENTRY_HEAD_BYTES || len > BD_TRAIL_ENTRY_MAX_BYTES) {
		return BD_RECEIPT_UNKNOWN;
	}
	memcpy(before.bytes, digest.ptr, sizeof(before.bytes));
	rest = len + BD_DIGEST_BYTES;
	bytes = bd_arena_alloc(arena, rest, 1);
	if (bytes == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "an entry");
	}
	code = bd_trail_read_at(&got, fd, bytes, rest, (uint64_t)id->offset + 4, name, diag);
	if (code != BD_OK || got != rest) {
		return code != BD_OK ? code : BD_RECEIPT_UNKNOWN;
	}
	*body = (struct bd_bytes){ bytes, len };
	code = bd_trail_chain(&chain, &leaf, &before, *body);
	if (code != BD_OK) {
		return bd_fail(diag, code, "no digest");
	}
	return memcmp(chain.bytes, bytes + len, sizeof(chain.bytes)) == 0 &&
			       bd_trail_entry_unpack(out, *body) && bd_trail_id_equal(&out->id, id)
		       ? BD_OK
		       : BD_RECEIPT_UNKNOWN;
}

enum bd_code bd_trail_read(struct bd_trail_entry *out, struct bd_bytes *body,
	struct bd_trail *trail, const struct bd_trail_id *id, struct bd_arena *arena,
	struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	struct bd_trail_entry entry;
	struct bd_bytes found;
	int fd;
	enum bd_code code = open_segment(&fd, trail, id, name, diag);

	if (code == BD_OK && fd < 0) {
		code = BD_RECEIPT_UNKNOWN;
	}
	if (code == BD_OK) {
		code = read_frame(&entry, &found, fd, id, name, arena, diag);
	}
	if (fd >= 0) {
		close(fd);
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	*out = entry;
	if (body != NULL) {
		*body = found;
	}
	return BD_OK;
}

/* A copy of the newest head, with what it says of a log. */
static enum bd_code copy_head(struct bd_trail_signed *out, uint64_t *size, uint64_t *runs,
	struct bd_trail *trail, uint16_t loop, struct bd_arena *arena)
{
	pthread_mutex_lock(&trail->lock);
	out->body = bd_arena_copy(arena, bd_buf_bytes(&trail->body));
	memcpy(out->signature, trail->signature, sizeof(out->signature));
	*size = trail->size;
	*runs = trail->logs[loop].runs_count;
	pthread_mutex_unlock(&trail->lock);
	if (out->body.len == 0) {
		return BD_RECEIPT_PROOF_PENDING;
	}
	return out->body.ptr != NULL ? BD_OK : bd_arena_code(arena);
}

enum bd_code bd_trail_prove(struct bd_trail_proof *out, struct bd_trail *trail,
	const struct bd_trail_id *id, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_trail_entry entry;
	uint64_t size = 0, runs = 0;
	bool has = false;
	enum bd_code code = bd_trail_read(&entry, &out->body, trail, id, arena, diag);

	code = code == BD_OK ? copy_head(&out->head, &size, &runs, trail, id->loop, arena) : code;
	if (code == BD_OK) {
		code = bd_trail_run_find(&has, &out->leaf, trail->logs[id->loop].runs_fd, id->loop,
			runs, entry.number, diag);
	}
	if (code == BD_OK && !has) {
		code = BD_RECEIPT_PROOF_PENDING;
	}
	code = code == BD_OK
		       ? bd_merkle_inclusion(&out->path, out->leaf, size, &trail->tree.source, diag)
		       : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

enum bd_code bd_trail_newest(struct bd_trail_signed *out, struct bd_trail *trail,
	struct bd_arena *arena, struct bd_diag *diag)
{
	uint64_t size, runs;
	enum bd_code code = copy_head(out, &size, &runs, trail, 0, arena);

	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

enum bd_code bd_trail_consistency(struct bd_merkle_path *path, struct bd_trail_signed *head,
	struct bd_trail *trail, uint64_t *from, struct bd_arena *arena, struct bd_diag *diag)
{
	uint64_t size = 0, runs = 0;
	enum bd_code code = copy_head(head, &size, &runs, trail, 0, arena);

	*from = *from < size ? *from : size;
	code = code == BD_OK ? bd_merkle_consistency(path, *from, size, &trail->tree.source, diag)
			     : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}
