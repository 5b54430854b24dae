/* signer.c - the signer's side: space ahead, syncs, and a head over what is new. */
#include "base/page_cache.h"
#include "base/thread.h"
#include "trail/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Allocated ahead of the tree and of the heads, so that what the reserve of the logs takes can also
 * be signed. */
#define TREE_AHEAD_BYTES 8388608
#define HEADS_AHEAD_BYTES 1048576
/* Of the tree, written between two looks at who waits for the processor. */
#define NODES_PIECE_BYTES 32768

/* -- space -- */

static enum bd_code reserve(uint64_t *reserved, int fd, uint64_t end, uint64_t ahead,
	const char *name, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	if (fd >= 0 && end + ahead / 2 > *reserved) {
		code = bd_trail_allocate(fd, end + ahead, false, name, diag);
		*reserved = code == BD_OK ? end + ahead : *reserved;
	}
	return code;
}

enum bd_code bd_trail_prepare(struct bd_trail *trail, struct bd_diag *diag)
{
	enum bd_code code, first;

	first = reserve(&trail->tree_reserved, trail->tree.fd,
		bd_trail_tree_bytes(trail->edge.size), TREE_AHEAD_BYTES, BD_TRAIL_TREE_NAME, diag);
	code = reserve(&trail->heads_reserved, trail->heads_fd, trail->heads_end, HEADS_AHEAD_BYTES,
		"heads", diag);
	first = first == BD_OK ? code : first;
	__atomic_store_n(&trail->lacks_room, first != BD_OK, __ATOMIC_RELAXED);
	/* Last, for it may take long. */
	code = bd_trail_sync(trail, diag);
	return first == BD_OK ? code : first;
}

enum bd_code bd_trail_allocate_current(struct bd_trail *trail, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < trail->log_count && code == BD_OK; i++) {
		struct bd_trail_log *log = &trail->logs[i];
		char name[BD_TRAIL_NAME_BYTES];

		if (log->is_active && log->written.offset < trail->segment_bytes) {
			bd_trail_name_segment(name, log->loop, log->written.segment);
			code = bd_trail_allocate(log->fd, trail->segment_bytes, true, name, diag);
		}
	}
	return code;
}

/* -- syncs -- */

static enum bd_code sync_log(struct bd_trail_log *log, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	struct bd_trail_position until;
	int fd, finished[BD_TRAIL_UNSYNCED_MAX];
	size_t finished_count;
	uint64_t from;
	enum bd_code code = BD_OK;

	/* All stay open: only this thread closes them. */
	pthread_mutex_lock(&log->lock);
	until = log->written;
	fd = log->fd;
	memcpy(finished, log->finished, sizeof(finished));
	finished_count = log->finished_count;
	bd_trail_name_segment(name, log->loop, log->written.segment);
	pthread_mutex_unlock(&log->lock);
	if (fd < 0 || (until.count == log->synced && finished_count == 0)) {
		return BD_OK;
	}
	from = log->synced_to.segment + finished_count == until.segment ? log->synced_to.offset : 0;
	for (size_t i = 0; i < finished_count && code == BD_OK; i++) {
		code = bd_trail_sync_grown(finished[i], from, BD_PAGE_CACHE_TO_END, name, diag);
		from = 0;
	}
	code = code == BD_OK ? bd_trail_sync_grown(fd, from, until.offset, name, diag) : code;
	/* The names of the segments that were begun. */
	if (code == BD_OK && log->named != until.segment) {
		code = bd_trail_sync_folder(log->trail->folder, diag);
	}
	if (code != BD_OK) {
		return bd_trail_fail(log->trail, code);
	}
	log->named = until.segment;
	if (finished_count > 0) {
		/* Another may have been finished meanwhile: it stands behind these. */
		pthread_mutex_lock(&log->lock);
		log->finished_count -= finished_count;
		memmove(log->finished, log->finished + finished_count,
			log->finished_count * sizeof(*log->finished));
		pthread_mutex_unlock(&log->lock);
	}
	for (size_t i = 0; i < finished_count; i++) {
		close(finished[i]);
	}
	log->synced_to = until;
	__atomic_store_n(&log->synced, until.count, __ATOMIC_RELEASE);
	return BD_OK;
}

enum bd_code bd_trail_sync(struct bd_trail *trail, struct bd_diag *diag)
{
	if (bd_trail_has_failed(trail)) {
		return bd_fail(diag, BD_TRAIL_UNAVAILABLE, "failed before");
	}
	for (size_t i = 0; i < trail->log_count; i++) {
		enum bd_code code = sync_log(&trail->logs[i], diag);

		if (code != BD_OK) {
			return code;
		}
	}
	return BD_OK;
}

/* -- a head -- */

struct node_sink {
	struct bd_merkle_sink sink;
	struct bd_buf *nodes;
};

static enum bd_code keep_node(
	struct bd_merkle_sink *sink, const struct bd_hash *hash, struct bd_diag *diag)
{
	struct node_sink *nodes = (struct node_sink *)(void *)sink;
	enum bd_code code = bd_buf_add(
		nodes->nodes, (struct bd_bytes){ (const char *)hash->bytes, sizeof(hash->bytes) });

	return code == BD_OK ? BD_OK : bd_fail(diag, code, "nodes of the tree");
}

/* How far the log is written; and the leaves that the signer lacks, if the loop told just them and
 * there are at most `left`. */
static struct bd_trail_position take_fresh(struct bd_trail_log *log, uint64_t left)
{
	struct bd_trail_position written;
	struct bd_buf old;
	uint64_t count;

	bd_buf_clear(&log->taken);
	pthread_mutex_lock(&log->lock);
	written = log->written;
	count = log->fresh.len / BD_DIGEST_BYTES;
	if (count <= left && log->walk.at.count + count == written.count) {
		old = log->taken;
		log->taken = log->fresh;
		log->fresh = old;
		log->taken_end = log->fresh_end;
	}
	bd_buf_clear(&log->fresh);
	pthread_mutex_unlock(&log->lock);
	return written;
}

static enum bd_code add_taken(struct bd_trail *trail, struct bd_merkle_edge *edge,
	struct bd_trail_log *log, struct bd_diag *diag)
{
	struct node_sink sink = { { keep_node }, &trail->nodes };
	enum bd_code code = BD_OK;

	for (size_t at = 0; at < log->taken.len && code == BD_OK; at += BD_DIGEST_BYTES) {
		struct bd_hash leaf;

		memcpy(leaf.bytes, log->taken.ptr + at, sizeof(leaf.bytes));
		code = bd_merkle_edge_add(edge, &leaf, &sink.sink, diag);
		bd_thread_share_at(at / BD_DIGEST_BYTES);
	}
	bd_trail_walk_go(&log->walk, &log->taken_end);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "leaves");
}

/* Leaves of one log up to entry `until`, read again, at most `left` of them. */
static enum bd_code add_leaves(struct bd_trail *trail, struct bd_merkle_edge *edge,
	struct bd_trail_log *log, uint64_t until, uint64_t left, struct bd_diag *diag)
{
	struct node_sink sink = { { keep_node }, &trail->nodes };
	struct bd_trail_walk *walk = &log->walk;
	enum bd_code code = BD_OK;

	while (code == BD_OK && walk->at.count < until && left-- > 0) {
		struct bd_trail_entry entry;
		enum bd_trail_step step;
		struct bd_bytes body;

		code = bd_trail_walk_next(&step, &entry, &body, walk, diag);
		if (code == BD_OK && step != BD_TRAIL_STEP_ENTRY) {
			/* It was written by us, and is not there: nothing here can be trusted. */
			char name[BD_TRAIL_NAME_BYTES];

			bd_trail_name_segment(name, log->loop, walk->at.segment);
			bd_fail(diag, BD_TRAIL_DAMAGED, "%s: entry %llu cannot be read again", name,
				(unsigned long long)walk->at.count);
			return bd_trail_fail(trail, BD_TRAIL_DAMAGED);
		}
		code = code == BD_OK ? bd_merkle_edge_add(edge, &walk->leaf, &sink.sink, diag)
				     : code;
		bd_thread_share_at((size_t)left);
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "leaves");
}

static enum bd_code write_run(
	struct bd_trail *trail, struct bd_trail_log *log, uint64_t first_leaf, struct bd_diag *diag)
{
	const struct bd_trail_leaves run = { trail->draft.number, first_leaf, log->walk.at };
	uint8_t bytes[BD_TRAIL_RUN_BYTES];
	char name[BD_TRAIL_NAME_BYTES];

	bd_trail_run_pack(bytes, &run);
	bd_trail_name_runs(name, log->loop);
	return bd_trail_write(log->runs_fd, (struct bd_bytes){ (char *)bytes, sizeof(bytes) },
		log->runs_count * BD_TRAIL_RUN_BYTES, name, diag);
}

/* Every log's new entries: into the edge, the nodes and the runs of the draft. */
static enum bd_code gather(
	struct bd_trail *trail, struct bd_merkle_edge *edge, bool *has_more, struct bd_diag *diag)
{
	struct bd_trail_head *draft = &trail->draft;
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < trail->log_count && code == BD_OK; i++) {
		struct bd_trail_log *log = &trail->logs[i];
		uint64_t first_leaf = edge->size, taken = first_leaf - trail->edge.size;
		struct bd_trail_position until;

		/* Also where an earlier attempt came further and then failed. */
		bd_trail_walk_go(&log->walk, &log->signed_to);
		if (bd_trail_written(log) == log->signed_to.count) {
			continue;
		}
		if (taken >= BD_TRAIL_LEAVES_PER_HEAD) {
			*has_more = true;
			continue;
		}
		until = take_fresh(log, BD_TRAIL_LEAVES_PER_HEAD - taken);
		code = log->taken.len > 0 ? add_taken(trail, edge, log, diag)
					  : add_leaves(trail, edge, log, until.count,
						    BD_TRAIL_LEAVES_PER_HEAD - taken, diag);
		if (code != BD_OK) {
			break;
		}
		*has_more = *has_more || log->walk.at.count < until.count;
		draft->runs[draft->run_count++] =
			(struct bd_trail_run){ log->loop, log->walk.at.count, log->walk.at.chain };
		draft->time_ms = log->walk.at.time_ms > draft->time_ms ? log->walk.at.time_ms
								       : draft->time_ms;
		code = write_run(trail, log, first_leaf, diag);
	}
	return code;
}

/* A head of a second under load has megabytes of nodes. */
static enum bd_code write_nodes(const struct bd_trail *trail, struct bd_diag *diag)
{
	struct bd_bytes left = bd_buf_bytes(&trail->nodes), piece;
	uint64_t at = bd_trail_tree_bytes(trail->edge.size);
	enum bd_code code = BD_OK;

	for (; left.len > 0 && code == BD_OK; left.ptr += piece.len, left.len -= piece.len) {
		piece = left;
		piece.len = left.len < NODES_PIECE_BYTES ? left.len : NODES_PIECE_BYTES;
		code = bd_trail_write(trail->tree.fd, piece, at, BD_TRAIL_TREE_NAME, diag);
		at += piece.len;
		bd_thread_share();
	}
	return code;
}

/* What a head speaks of is on the disk before it is signed. */
static enum bd_code sync_all(struct bd_trail *trail, struct bd_diag *diag)
{
	enum bd_code code = bd_trail_sync(trail, diag);

	if (code == BD_OK && trail->nodes.len > 0) {
		uint64_t from = bd_trail_tree_bytes(trail->edge.size);

		code = bd_trail_sync_grown(
			trail->tree.fd, from, from + trail->nodes.len, BD_TRAIL_TREE_NAME, diag);
	}
	for (size_t i = 0; i < trail->log_count && code == BD_OK; i++) {
		struct bd_trail_log *log = &trail->logs[i];

		if (log->walk.at.count != log->signed_to.count) {
			code = bd_trail_sync_file(log->runs_fd, "runs", diag);
		}
	}
	return code == BD_OK ? BD_OK : bd_trail_fail(trail, code);
}

/* The file the next head goes into. */
static enum bd_code open_heads(
	struct bd_trail *trail, char name[BD_TRAIL_NAME_BYTES], struct bd_diag *diag)
{
	int fd;
	enum bd_code code;

	if (trail->heads_fd >= 0 && trail->heads_in_file >= trail->heads_per_file) {
		close(trail->heads_fd);
		trail->heads_fd = -1;
		trail->heads_file++;
		trail->heads_in_file = 0;
		trail->heads_end = trail->heads_reserved = 0;
	}
	bd_trail_name_heads(name, trail->heads_file);
	if (trail->heads_fd >= 0) {
		return BD_OK;
	}
	code = bd_trail_open_file(&fd, trail->folder, name, true, diag);
	if (code == BD_OK) {
		trail->heads_fd = fd;
		code = bd_trail_sync_folder(trail->folder, diag);
		code = code == BD_OK ? BD_OK : bd_trail_fail(trail, code);
	}
	return code;
}

static enum bd_code write_head(struct bd_trail *trail, const struct bd_buf *body,
	const uint8_t signature[BD_SIGNATURE_BYTES], struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	struct bd_buf record;
	enum bd_code code = open_heads(trail, name, diag);

	if (code != BD_OK) {
		return code;
	}
	bd_buf_init(&record, BD_TRAIL_HEAD_MAX_BYTES + 4 + BD_SIGNATURE_BYTES);
	code = bd_buf_add_sized(&record, bd_buf_bytes(body));
	code = code == BD_OK ? bd_buf_add(&record, (struct bd_bytes){ (const char *)signature,
							   BD_SIGNATURE_BYTES })
			     : code;
	code = code == BD_OK ? bd_trail_write(trail->heads_fd, bd_buf_bytes(&record),
				       trail->heads_end, name, diag)
			     : bd_fail(diag, code, "a head");
	if (code == BD_OK) {
		code = bd_trail_sync_file(trail->heads_fd, name, diag);
		code = code == BD_OK ? BD_OK : bd_trail_fail(trail, code);
	} else if (ftruncate(trail->heads_fd, (off_t)trail->heads_end) != 0) {
		/* Half a head stays behind: only a new start can cut it. */
		bd_trail_fail(trail, code);
	}
	if (code == BD_OK) {
		trail->heads_end += record.len;
		trail->heads_in_file++;
	}
	bd_buf_release(&record);
	return code;
}

/* From here on the head is the newest. */
static void publish(struct bd_trail *trail, struct bd_buf *body,
	const uint8_t signature[BD_SIGNATURE_BYTES], const struct bd_merkle_edge *edge,
	const struct bd_hash *digest)
{
	struct bd_buf old;

	trail->previous = *digest;
	pthread_mutex_lock(&trail->lock);
	trail->next_number++;
	trail->head_ms = trail->draft.time_ms;
	old = trail->body;
	trail->body = *body;
	*body = old;
	memcpy(trail->signature, signature, BD_SIGNATURE_BYTES);
	trail->edge = *edge;
	trail->size = edge->size;
	for (size_t i = 0; i < trail->log_count; i++) {
		struct bd_trail_log *log = &trail->logs[i];

		log->runs_count += log->walk.at.count != log->signed_to.count;
		log->signed_to = log->walk.at;
	}
	pthread_mutex_unlock(&trail->lock);
}

static enum bd_code sign_draft(
	struct bd_trail *trail, const struct bd_merkle_edge *edge, struct bd_diag *diag)
{
	struct bd_trail_head *draft = &trail->draft;
	uint8_t signature[BD_SIGNATURE_BYTES];
	struct bd_hash digest;
	struct bd_buf body;
	enum bd_code code = bd_merkle_edge_root(&draft->root, edge);

	draft->size = edge->size;
	draft->previous = trail->previous;
	memcpy(draft->key_id, bd_sign_key_id(trail->key), BD_DIGEST_BYTES);
	bd_buf_init(&body, BD_TRAIL_HEAD_MAX_BYTES);
	code = code == BD_OK ? bd_trail_head_pack(&body, draft) : code;
	code = code == BD_OK ? bd_sha256_of(bd_buf_bytes(&body), digest.bytes) : code;
	code = code == BD_OK ? bd_sign(signature, trail->key, bd_buf_bytes(&body)) : code;
	if (code != BD_OK) {
		bd_fail(diag, code, "signing a head");
	} else {
		code = write_head(trail, &body, signature, diag);
	}
	if (code == BD_OK) {
		publish(trail, &body, signature, edge, &digest);
	}
	bd_buf_release(&body);
	return code;
}

/* What is signed is on the disk, and read again only by whoever checks it. */
static void let_go(const struct bd_trail *trail, struct bd_trail_log *log)
{
	struct bd_trail_position *from = &log->let_go;
	const struct bd_trail_position *to = &log->signed_to;

	while (from->segment < to->segment ||
		(from->segment == to->segment && from->offset < to->offset)) {
		bool is_last = from->segment == to->segment;
		char name[BD_TRAIL_NAME_BYTES];
		int fd;

		bd_trail_name_segment(name, log->loop, from->segment);
		if (bd_trail_open_file(&fd, trail->folder, name, false, NULL) == BD_OK && fd >= 0) {
			bd_page_cache_drop(
				fd, from->offset, is_last ? to->offset : BD_PAGE_CACHE_TO_END);
			close(fd);
		}
		from->segment += is_last ? 0 : 1;
		from->offset = is_last ? to->offset : 0;
	}
}

enum bd_code bd_trail_sign_head(struct bd_trail *trail, enum bd_trail_sign_as as, int64_t now_ms,
	bool *has_more, struct bd_diag *diag)
{
	struct bd_trail_head *draft = &trail->draft;
	struct bd_merkle_edge edge = trail->edge;
	enum bd_code code;

	*has_more = false;
	if (bd_trail_has_failed(trail)) {
		return bd_fail(diag, BD_TRAIL_UNAVAILABLE, "failed before");
	}
	draft->is_closed = as == BD_TRAIL_SIGN_CLOSE;
	draft->instance = trail->instance;
	draft->number = trail->next_number;
	draft->time_ms = now_ms > trail->head_ms ? now_ms : trail->head_ms;
	draft->run_count = 0;
	bd_buf_clear(&trail->nodes);
	code = gather(trail, &edge, has_more, diag);
	if (code == BD_OK && (draft->run_count > 0 || as != BD_TRAIL_SIGN_NEW)) {
		code = write_nodes(trail, diag);
		code = code == BD_OK ? sync_all(trail, diag) : code;
		code = code == BD_OK ? sign_draft(trail, &edge, diag) : code;
	}
	for (size_t i = 0; i < trail->log_count && code == BD_OK; i++) {
		let_go(trail, &trail->logs[i]);
	}
	return code;
}

enum bd_code bd_trail_sign(
	struct bd_trail *trail, int64_t now_ms, bool *has_more, struct bd_diag *diag)
{
	return bd_trail_sign_head(trail, BD_TRAIL_SIGN_NEW, now_ms, has_more, diag);
}
