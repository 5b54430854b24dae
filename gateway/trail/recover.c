/* recover.c - what a start finds: the last head, the tree under it, and behind it entries that no
 * head has yet. What was signed has to be there; what is torn behind it is cut. */
#include "trail/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* -- heads -- */

/* The heads of one file, in order, while they are whole and follow each other. */
struct heads_scan {
	struct bd_buf bytes;
	size_t end; /* behind the last whole one */
	uint32_t count;
	struct bd_bytes body; /* of the last whole one, in bytes */
	uint8_t signature[BD_SIGNATURE_BYTES];
};

/* Larger than any file of heads in use: the heads of many loops, each second for a day. */
#define HEADS_FILE_MAX_BYTES 1073741824

static enum bd_code read_file(
	struct bd_buf *out, int folder, const char *name, struct bd_diag *diag)
{
	uint64_t size;
	size_t got;
	int fd;
	enum bd_code code = bd_trail_open_file(&fd, folder, name, false, diag);

	if (code != BD_OK) {
		return code;
	}
	if (fd < 0) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "%s: missing", name);
	}
	code = bd_trail_file_size(&size, fd, name, diag);
	if (code == BD_OK &&
		(size > HEADS_FILE_MAX_BYTES || bd_buf_reserve(out, (size_t)size) != BD_OK)) {
		code = bd_fail(diag, BD_NO_MEMORY, "%s", name);
	}
	code = code == BD_OK ? bd_trail_read_at(&got, fd, out->ptr, (size_t)size, 0, name, diag)
			     : code;
	out->len = code == BD_OK ? got : 0;
	close(fd);
	return code;
}

static void scan_heads(struct heads_scan *scan, struct bd_trail_head *draft)
{
	struct bd_reader reader = bd_reader_of(bd_buf_bytes(&scan->bytes));
	struct bd_hash before = { { 0 } };
	uint64_t number = 0;

	while (reader.rest.len > 0) {
		struct bd_bytes body = bd_read_sized(&reader);
		struct bd_bytes signature = bd_read_bytes(&reader, BD_SIGNATURE_BYTES);

		if (!reader.ok || !bd_trail_head_unpack(draft, body) ||
			(scan->count > 0 &&
				(draft->number != number + 1 ||
					memcmp(&draft->previous, &before, sizeof(before)) != 0)) ||
			bd_sha256_of(body, before.bytes) != BD_OK) {
			return;
		}
		number = draft->number;
		scan->body = body;
		memcpy(scan->signature, signature.ptr, BD_SIGNATURE_BYTES);
		scan->count++;
		scan->end = scan->bytes.len - reader.rest.len;
	}
}

/* Heads are synced one by one, so at most the last is torn. Where another stands behind the first
 * that is not whole, something else has happened, and cutting would destroy the evidence. */
static bool is_torn(const struct heads_scan *scan)
{
	size_t rest = scan->bytes.len - scan->end;

	return rest <= 5 || memmem(scan->bytes.ptr + scan->end + 5, rest - 5, BD_TRAIL_HEAD_MAGIC,
				    strlen(BD_TRAIL_HEAD_MAGIC)) == NULL;
}

static enum bd_code read_keys(struct bd_trail_keys *out, struct bd_trail *trail,
	const uint8_t *key_id, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	struct bd_buf pem;
	enum bd_code code;

	bd_buf_init(&pem, BD_KEY_FILE_MAX_BYTES);
	bd_trail_name_key(name, key_id);
	code = read_file(&pem, trail->folder, name, diag);
	code = code == BD_OK ? bd_trail_keys_read(out, bd_buf_bytes(&pem), diag) : code;
	bd_buf_release(&pem);
	return code;
}

/* The last head is ours, and signed by a key of this trail. */
static enum bd_code take_head(
	struct bd_trail *trail, const struct heads_scan *scan, struct bd_diag *diag)
{
	struct bd_trail_signed head = { .body = scan->body };
	struct bd_trail_head *draft = &trail->draft;
	struct bd_trail_keys keys = { NULL, 0 };
	enum bd_code code;

	memcpy(head.signature, scan->signature, sizeof(head.signature));
	bd_trail_head_unpack(draft, head.body);
	if (draft->instance != trail->instance) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "the heads are another trail's");
	}
	code = read_keys(&keys, trail, draft->key_id, diag);
	if (code == BD_OK && bd_trail_head_check(draft, &head, &keys, NULL) != BD_OK) {
		code = bd_fail(diag, BD_TRAIL_DAMAGED, "the last head is not as it was signed");
	}
	if (code == BD_OK) {
		code = bd_sha256_of(head.body, trail->previous.bytes);
	}
	if (code == BD_OK) {
		code = bd_buf_add(&trail->body, head.body);
		memcpy(trail->signature, head.signature, sizeof(head.signature));
		trail->size = draft->size;
		trail->next_number = draft->number + 1;
		trail->is_closed = draft->is_closed;
		trail->head_ms = draft->time_ms;
	}
	bd_trail_keys_free(&keys);
	return code;
}

static enum bd_code recover_heads(
	struct bd_trail *trail, uint32_t files, struct bd_trail_found *found, struct bd_diag *diag)
{
	struct heads_scan scan = { .count = 0 };
	char name[BD_TRAIL_NAME_BYTES];
	enum bd_code code = BD_OK;

	bd_buf_init(&scan.bytes, HEADS_FILE_MAX_BYTES);
	for (uint32_t file = files; file-- > 0 && code == BD_OK && scan.count == 0;) {
		bd_trail_name_heads(name, file);
		bd_buf_clear(&scan.bytes);
		code = read_file(&scan.bytes, trail->folder, name, diag);
		if (code != BD_OK) {
			break;
		}
		scan_heads(&scan, &trail->draft);
		if (!is_torn(&scan)) {
			code = bd_fail(
				diag, BD_TRAIL_DAMAGED, "%s: a head is not as it was signed", name);
			break;
		}
		trail->heads_file = file;
		trail->heads_in_file = scan.count;
		trail->heads_end = scan.end;
		found->cut_bytes += scan.bytes.len - scan.end;
		code = scan.count > 0 ? take_head(trail, &scan, diag) : BD_OK;
	}
	bd_buf_release(&scan.bytes);
	if (code != BD_OK || files == 0) {
		return code;
	}
	/* An empty file behind the one with the last head is the one that goes on. */
	if (trail->heads_file + 1 < files && scan.count > 0) {
		trail->heads_file++;
		trail->heads_in_file = 0;
		trail->heads_end = 0;
	}
	bd_trail_name_heads(name, trail->heads_file);
	code = bd_trail_open_file(&trail->heads_fd, trail->folder, name, true, diag);
	if (code == BD_OK && ftruncate(trail->heads_fd, (off_t)trail->heads_end) != 0) {
		code = bd_fail(diag, BD_IO, "%s: cut: %s", name, strerror(errno));
	}
	return code;
}

/* -- the tree -- */

static enum bd_code recover_tree(struct bd_trail *trail, struct bd_diag *diag)
{
	int fd;
	enum bd_code code = bd_trail_open_file(&fd, trail->folder, BD_TRAIL_TREE_NAME, true, diag);

	if (code != BD_OK) {
		return code;
	}
	bd_trail_tree_of(&trail->tree, fd);
	if (trail->size > 0) {
		code = bd_trail_tree_edge(
			&trail->edge, &trail->tree, trail->size, &trail->draft.root, diag);
	}
	if (code == BD_OK && ftruncate(fd, (off_t)bd_trail_tree_bytes(trail->size)) != 0) {
		code = bd_fail(diag, BD_IO, "%s: cut: %s", BD_TRAIL_TREE_NAME, strerror(errno));
	}
	return code;
}

/* -- a log -- */

/* Runs are written before their head, which is synced before the next begins: so at most one has no
 * head. More say that heads are missing. */
static enum bd_code check_runs(struct bd_trail *trail, const struct bd_trail_log *log,
	const char *name, struct bd_diag *diag)
{
	struct bd_trail_leaves last;
	uint64_t size;
	enum bd_code code = bd_trail_file_size(&size, log->runs_fd, name, diag);

	if (code != BD_OK || size / BD_TRAIL_RUN_BYTES == log->runs_count) {
		return code;
	}
	code = bd_trail_run_read(
		&last, log->runs_fd, log->loop, size / BD_TRAIL_RUN_BYTES - 1, diag);
	if (code == BD_OK && (last.head != trail->next_number ||
				     size / BD_TRAIL_RUN_BYTES > log->runs_count + 1)) {
		code = bd_fail(diag, BD_TRAIL_TRUNCATED, "%s: names heads that are missing", name);
	}
	return code;
}

/* Up to where the heads have it, by its runs. */
static enum bd_code recover_runs(
	struct bd_trail *trail, struct bd_trail_log *log, struct bd_diag *diag)
{
	struct bd_trail_leaves last;
	char name[BD_TRAIL_NAME_BYTES];
	enum bd_code code;

	bd_trail_name_runs(name, log->loop);
	code = bd_trail_open_file(&log->runs_fd, trail->folder, name, log->is_active, diag);
	log->signed_to = BD_TRAIL_BEGINNING;
	if (code == BD_OK && log->runs_fd < 0) {
		return BD_OK;
	}
	if (code == BD_OK && trail->next_number > 0) {
		code = bd_trail_run_count(
			&log->runs_count, log->runs_fd, log->loop, trail->next_number - 1, diag);
	}
	if (code == BD_OK && log->runs_count > 0) {
		code = bd_trail_run_read(&last, log->runs_fd, log->loop, log->runs_count - 1, diag);
		log->signed_to = code == BD_OK ? last.end : log->signed_to;
	}
	code = code == BD_OK ? check_runs(trail, log, name, diag) : code;
	if (code == BD_OK &&
		ftruncate(log->runs_fd, (off_t)(log->runs_count * BD_TRAIL_RUN_BYTES)) != 0) {
		code = bd_fail(diag, BD_IO, "%s: cut: %s", name, strerror(errno));
	}
	for (size_t i = 0; i < trail->draft.run_count && code == BD_OK; i++) {
		const struct bd_trail_run *run = &trail->draft.runs[i];

		if (run->loop == log->loop && (run->count != log->signed_to.count ||
						      memcmp(&run->chain, &log->signed_to.chain,
							      sizeof(run->chain)) != 0)) {
			code = bd_fail(diag, BD_TRAIL_DAMAGED, "%s: not what the head says", name);
		}
	}
	return code;
}

/* The chain stands in front of where the heads have the log. */
static enum bd_code check_signed(
	struct bd_trail *trail, struct bd_trail_log *log, struct bd_diag *diag)
{
	const struct bd_trail_position *at = &log->signed_to;
	char name[BD_TRAIL_NAME_BYTES];
	struct bd_hash chain;
	size_t got = 0;
	int fd;
	enum bd_code code;

	if (at->count == 0) {
		return BD_OK;
	}
	bd_trail_name_segment(name, log->loop, at->segment);
	code = bd_trail_open_file(&fd, trail->folder, name, false, diag);
	if (code == BD_OK && fd >= 0) {
		code = bd_trail_read_at(&got, fd, chain.bytes, sizeof(chain.bytes),
			at->offset - sizeof(chain.bytes), name, diag);
		close(fd);
	}
	if (code == BD_OK && (got != sizeof(chain.bytes) || memcmp(&chain, &at->chain, got) != 0)) {
		code = bd_fail(diag, BD_TRAIL_DAMAGED, "%s: what was signed is not there", name);
	}
	return code;
}

/* Where the log ends: behind the last entry that follows from what was signed. */
static enum bd_code find_end(struct bd_trail_position *end, struct bd_trail *trail,
	struct bd_trail_log *log, struct bd_diag *diag)
{
	struct bd_trail_walk *walk = &log->walk;
	enum bd_trail_step step = BD_TRAIL_STEP_ENTRY;
	enum bd_code code = BD_OK;

	bd_trail_walk_open(walk, trail->folder, trail->instance, log->loop, &log->signed_to);
	*end = log->signed_to;
	while (code == BD_OK && step == BD_TRAIL_STEP_ENTRY) {
		struct bd_trail_entry entry;
		struct bd_bytes body;

		code = bd_trail_walk_next(&step, &entry, &body, walk, diag);
		if (code == BD_OK && step != BD_TRAIL_STEP_BROKEN) {
			*end = walk->at;
		}
	}
	return code;
}

/* A segment behind the end goes; what was in use of it counts as cut. */
static enum bd_code remove_segment(struct bd_trail *trail, uint16_t loop, uint32_t segment,
	struct bd_trail_found *found, struct bd_diag *diag)
{
	static const uint8_t unused[BD_TRAIL_SEGMENT_HEAD_BYTES];
	uint8_t head[BD_TRAIL_SEGMENT_HEAD_BYTES];
	char name[BD_TRAIL_NAME_BYTES];
	uint64_t size = 0;
	size_t got = 0;
	int fd;
	enum bd_code code;

	bd_trail_name_segment(name, loop, segment);
	code = bd_trail_open_file(&fd, trail->folder, name, false, diag);
	if (code != BD_OK || fd < 0) {
		return code;
	}
	code = bd_trail_read_at(&got, fd, head, sizeof(head), 0, name, diag);
	code = code == BD_OK ? bd_trail_file_size(&size, fd, name, diag) : code;
	if (code == BD_OK && memcmp(head, unused, got) != 0) {
		found->cut_bytes += size;
	}
	close(fd);
	if (code == BD_OK && unlinkat(trail->folder, name, 0) != 0) {
		code = bd_fail(diag, BD_IO, "%s: remove: %s", name, strerror(errno));
	}
	return code;
}

/* What stands behind the end and is not the zeroes of space made ready. */
static enum bd_code cut(struct bd_trail *trail, struct bd_trail_log *log,
	const struct bd_trail_position *end, uint32_t segments, struct bd_trail_found *found,
	struct bd_diag *diag)
{
	bool is_zero;
	uint64_t size;
	enum bd_code code;

	bd_trail_walk_go(&log->walk, end);
	code = bd_trail_walk_rest(&is_zero, &size, &log->walk, diag);
	if (code == BD_OK && !is_zero) {
		found->cut_bytes += size - end->offset;
	}
	/* From the last: a start that ends in between finds no gap. */
	for (uint32_t i = segments; i > end->segment + 1 && code == BD_OK; i--) {
		code = remove_segment(trail, log->loop, i - 1, found, diag);
	}
	bd_trail_walk_go(&log->walk, &log->signed_to);
	return code;
}

/* The segment that goes on, cut at the end. */
static enum bd_code open_last(struct bd_trail *trail, struct bd_trail_log *log,
	const struct bd_trail_position *end, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	bool is_new = end->offset == BD_TRAIL_SEGMENT_HEAD_BYTES;
	enum bd_code code;

	bd_trail_name_segment(name, log->loop, end->segment);
	code = bd_trail_open_file(&log->fd, trail->folder, name, log->is_active || !is_new, diag);
	if (code != BD_OK || log->fd < 0) {
		return code;
	}
	if (ftruncate(log->fd, (off_t)(is_new ? 0 : end->offset)) != 0) {
		return bd_fail(diag, BD_IO, "%s: cut: %s", name, strerror(errno));
	}
	return is_new ? bd_trail_segment_head_write(log->fd, trail->instance, log->loop, end, diag)
		      : BD_OK;
}

static enum bd_code recover_log(struct bd_trail *trail, struct bd_trail_log *log, uint32_t segments,
	struct bd_trail_found *found, struct bd_diag *diag)
{
	struct bd_trail_position end;
	enum bd_code code = recover_runs(trail, log, diag);

	code = code == BD_OK ? check_signed(trail, log, diag) : code;
	code = code == BD_OK ? find_end(&end, trail, log, diag) : code;
	code = code == BD_OK ? cut(trail, log, &end, segments, found, diag) : code;
	code = code == BD_OK ? open_last(trail, log, &end, diag) : code;
	if (code == BD_OK) {
		log->written = log->next = end;
		log->synced = log->signed_to.count;
		log->let_go = log->signed_to;
		found->unsigned_entries += end.count - log->signed_to.count;
	}
	return code;
}

/* Times go on from the latest that any log or head has. */
static void set_floor(struct bd_trail *trail)
{
	int64_t floor_ms = trail->head_ms;

	for (size_t i = 0; i < trail->log_count; i++) {
		int64_t time_ms = trail->logs[i].written.time_ms;

		floor_ms = time_ms > floor_ms ? time_ms : floor_ms;
	}
	for (size_t i = 0; i < trail->log_count; i++) {
		trail->logs[i].written.time_ms = trail->logs[i].next.time_ms = floor_ms;
	}
}

enum bd_code bd_trail_recover(struct bd_trail *trail, struct bd_trail_found *found,
	size_t log_count, struct bd_diag *diag)
{
	struct bd_trail_listing listing;
	uint64_t leaves = 0;
	enum bd_code code = bd_trail_list(&listing, trail->folder, diag);

	if (code == BD_OK && listing.is_gapped) {
		code = bd_fail(diag, BD_TRAIL_DAMAGED, "%s: missing", listing.gap);
	}
	code = code == BD_OK ? recover_heads(trail, listing.heads, found, diag) : code;
	code = code == BD_OK ? recover_tree(trail, diag) : code;
	for (size_t i = 0; i < trail->log_count && code == BD_OK; i++) {
		trail->logs[i].is_active = i < log_count;
		code = recover_log(trail, &trail->logs[i], listing.segments[i], found, diag);
		leaves += trail->logs[i].signed_to.count;
	}
	if (code == BD_OK && leaves != trail->size) {
		code = bd_fail(
			diag, BD_TRAIL_DAMAGED, "the runs of the logs are not those of the tree");
	}
	if (code == BD_OK) {
		set_floor(trail);
	}
	return code;
}
