#include "trail/verify.h"

#include "trail/runs.h"
#include "trail/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define WINDOW_BYTES 262144
#define INSTANCE_NAME "instance"

/* A file that is derived: read in order, and compared with what it has to be. */
struct derived {
	char name[BD_TRAIL_NAME_BYTES];
	int fd;
	uint64_t at; /* bytes compared */
	struct bd_buf window;
	uint64_t window_at;
};

struct checked_log {
	struct bd_trail_walk walk;
	struct derived runs;
	uint64_t last_offset;
};

struct verifier {
	struct bd_merkle_sink sink; /* the tree's nodes, as they are completed */
	int folder;
	const struct bd_trail_keys *keys;
	const struct bd_trail_seen *seen; /* NULL = nothing */
	size_t seen_at;                   /* the first of it whose head is not yet checked */
	struct bd_trail_watch *watch;
	struct bd_trail_report *report;
	struct bd_trail_listing listing;
	struct checked_log logs[BD_TRAIL_LOOPS_MAX];
	bool is_key_used[BD_TRAIL_KEYS_MAX];
	struct derived tree;
	struct bd_merkle_edge edge;
	struct bd_trail_head head; /* the newest checked */
	struct bd_hash previous;
	uint64_t done, total;
};

/* The place of the damage. */
static enum bd_code damaged(
	struct bd_diag *diag, enum bd_code code, const char *file, uint64_t offset, const char *why)
{
	bd_fail(diag, code, "%s", why);
	if (diag != NULL && diag->file[0] == '\0') {
		snprintf(diag->file, sizeof(diag->file), "%s", file);
		diag->place.offset = offset;
	}
	return code;
}

/* -- derived files -- */

static enum bd_code open_derived(
	struct derived *file, const struct verifier *v, const char *name, struct bd_diag *diag)
{
	*file = (struct derived){ .fd = -1 };
	snprintf(file->name, sizeof(file->name), "%s", name);
	bd_buf_init(&file->window, WINDOW_BYTES);
	return bd_trail_open_file(&file->fd, v->folder, name, false, diag);
}

static void close_derived(struct derived *file)
{
	if (file->fd >= 0) {
		close(file->fd);
	}
	file->fd = -1;
	bd_buf_release(&file->window);
}

/* The next bytes of the file are these. */
static enum bd_code compare(
	struct derived *file, const void *bytes, size_t len, struct bd_diag *diag)
{
	size_t got = 0;
	enum bd_code code = BD_OK;

	if (file->at < file->window_at || file->at - file->window_at > file->window.len ||
		file->window.len - (size_t)(file->at - file->window_at) < len) {
		bd_buf_clear(&file->window);
		code = bd_buf_reserve(&file->window, WINDOW_BYTES);
		if (code == BD_OK && file->fd >= 0) {
			code = bd_trail_read_at(&got, file->fd, file->window.ptr, WINDOW_BYTES,
				file->at, file->name, diag);
		}
		if (code != BD_OK) {
			return bd_fail(diag, code, "%s", file->name);
		}
		file->window.len = got;
		file->window_at = file->at;
	}
	const char *have = file->window.ptr + (file->at - file->window_at);

	if (file->window.len - (size_t)(file->at - file->window_at) < len) {
		return damaged(diag, BD_TRAIL_DAMAGED, file->name, file->at, "too short");
	}
	if (memcmp(have, bytes, len) != 0) {
		return damaged(
			diag, BD_TRAIL_DAMAGED, file->name, file->at, "not what the entries give");
	}
	file->at += len;
	return BD_OK;
}

/* Of a trail that was closed: nothing behind what was compared. */
static enum bd_code check_end(struct derived *file, struct bd_diag *diag)
{
	uint64_t size = 0;
	enum bd_code code = BD_OK;

	if (file->fd >= 0) {
		code = bd_trail_file_size(&size, file->fd, file->name, diag);
	}
	if (code == BD_OK && size != file->at) {
		code = damaged(diag, BD_TRAIL_DAMAGED, file->name, file->at,
			"bytes behind the end of a trail that was closed");
	}
	return code;
}

static enum bd_code on_node(
	struct bd_merkle_sink *sink, const struct bd_hash *hash, struct bd_diag *diag)
{
	struct verifier *v = (struct verifier *)(void *)sink;

	return compare(&v->tree, hash->bytes, sizeof(hash->bytes), diag);
}

/* -- the folder -- */

static enum bd_code read_instance(struct verifier *v, struct bd_diag *diag)
{
	uint8_t bytes[8];
	char text[32] = "";
	size_t got = 0;
	int fd;
	enum bd_code code = bd_trail_open_file(&fd, v->folder, INSTANCE_NAME, false, diag);

	if (code == BD_OK && fd >= 0) {
		code = bd_trail_read_at(&got, fd, text, sizeof(text) - 1, 0, INSTANCE_NAME, diag);
		v->report->is_running = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
		close(fd);
	}
	if (code != BD_OK) {
		return code;
	}
	if (got != 17 || text[16] != '\n' || strspn(text, "0123456789abcdef") != 16 ||
		!bd_unhex(bytes, sizeof(bytes), (struct bd_bytes){ text, 16 })) {
		return damaged(diag, BD_TRAIL_DAMAGED, INSTANCE_NAME, 0, "not a name of a trail");
	}
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ (char *)bytes, sizeof(bytes) });

	v->report->instance = bd_read_u64(&reader);
	return BD_OK;
}

/* What there is to read, for who waits. */
static void add_up(struct verifier *v)
{
	for (size_t loop = 0; loop < v->listing.loop_count; loop++) {
		for (uint32_t i = 0; i < v->listing.segments[loop]; i++) {
			char name[BD_TRAIL_NAME_BYTES];
			uint64_t size = 0;
			int fd;

			bd_trail_name_segment(name, (uint16_t)loop, i);
			if (bd_trail_open_file(&fd, v->folder, name, false, NULL) == BD_OK &&
				fd >= 0) {
				bd_trail_file_size(&size, fd, name, NULL);
				close(fd);
			}
			v->total += size;
		}
	}
}

static enum bd_code open_all(struct verifier *v, const char *folder, struct bd_diag *diag)
{
	enum bd_code code;

	v->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->folder < 0) {
		return bd_fail(diag, BD_IO, "%s", strerror(errno));
	}
	code = read_instance(v, diag);
	code = code == BD_OK ? bd_trail_list(&v->listing, v->folder, diag) : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "cannot be read");
	}
	if (v->listing.is_gapped) {
		return damaged(diag, BD_TRAIL_DAMAGED, v->listing.gap, 0, "missing");
	}
	v->report->has_stranger = v->listing.stranger[0] != '\0';
	if (v->watch != NULL) {
		add_up(v);
	}
	code = open_derived(&v->tree, v, BD_TRAIL_TREE_NAME, diag);
	for (size_t i = 0; i < v->listing.loop_count && code == BD_OK; i++) {
		char name[BD_TRAIL_NAME_BYTES];

		bd_trail_name_runs(name, (uint16_t)i);
		code = open_derived(&v->logs[i].runs, v, name, diag);
		bd_trail_walk_open(&v->logs[i].walk, v->folder, v->report->instance, (uint16_t)i,
			&BD_TRAIL_BEGINNING);
	}
	return code;
}

static void close_all(struct verifier *v)
{
	close_derived(&v->tree);
	for (size_t i = 0; i < v->listing.loop_count; i++) {
		/* Else it was not begun. */
		if (v->logs[i].walk.window.max > 0) {
			bd_trail_walk_close(&v->logs[i].walk);
		}
		if (v->logs[i].runs.name[0] != '\0') {
			close_derived(&v->logs[i].runs);
		}
	}
	if (v->folder >= 0) {
		close(v->folder);
	}
	free(v);
}

/* -- entries -- */

static enum bd_code broken(const struct bd_trail_walk *walk, const char *why, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];

	bd_trail_name_segment(name, walk->loop, walk->at.segment);
	return damaged(diag, BD_TRAIL_DAMAGED, name, walk->at.offset, why);
}

static enum bd_code show_entry(struct verifier *v, const struct bd_trail_entry *entry,
	struct bd_bytes body, uint64_t leaf, struct bd_diag *diag)
{
	return v->watch != NULL && v->watch->on_entry != NULL
		       ? v->watch->on_entry(v->watch, entry, body, leaf, diag)
		       : BD_OK;
}

static enum bd_code next_leaf(struct verifier *v, struct checked_log *log,
	const struct bd_trail_head *head, struct bd_diag *diag)
{
	struct bd_trail_entry entry;
	enum bd_trail_step step;
	struct bd_bytes body;
	enum bd_code code = bd_trail_walk_next(&step, &entry, &body, &log->walk, diag);

	if (code != BD_OK) {
		return code;
	}
	if (step != BD_TRAIL_STEP_ENTRY) {
		return broken(&log->walk,
			step == BD_TRAIL_STEP_BROKEN ? log->walk.why
						     : "entries that were signed are missing",
			diag);
	}
	if (entry.time_ms > head->time_ms) {
		return broken(&log->walk, "an entry is later than the head that has it", diag);
	}
	v->done += body.len + BD_TRAIL_FRAME_BYTES;
	code = bd_merkle_edge_add(&v->edge, &log->walk.leaf, &v->sink, diag);
	if (code != BD_OK) {
		return bd_fail(diag, code, "no digest");
	}
	return show_entry(v, &entry, body, v->edge.size - 1, diag);
}

static enum bd_code check_run(struct verifier *v, const struct bd_trail_head *head,
	const struct bd_trail_run *run, struct bd_diag *diag)
{
	struct checked_log *log = &v->logs[run->loop];
	struct bd_trail_leaves leaves = { .head = head->number, .first_leaf = v->edge.size };
	uint8_t bytes[BD_TRAIL_RUN_BYTES];
	char name[BD_TRAIL_NAME_BYTES];
	enum bd_code code = BD_OK;

	if (run->loop >= v->listing.loop_count) {
		bd_trail_name_segment(name, run->loop, 0);
		return damaged(diag, BD_TRAIL_DAMAGED, name, 0, "missing");
	}
	if (run->count <= log->walk.at.count) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "a run of a head is empty");
	}
	while (code == BD_OK && log->walk.at.count < run->count) {
		code = next_leaf(v, log, head, diag);
	}
	if (code != BD_OK) {
		return code;
	}
	if (memcmp(&run->chain, &log->walk.at.chain, sizeof(run->chain)) != 0) {
		return broken(&log->walk, "the chain is not the one that was signed", diag);
	}
	leaves.end = log->walk.at;
	bd_trail_run_pack(bytes, &leaves);
	return compare(&log->runs, bytes, sizeof(bytes), diag);
}

/* -- heads -- */

/* body: the digest of the head's. Heads are checked by their numbers, and so were those seen
 * sorted. */
static enum bd_code check_seen(
	struct verifier *v, uint64_t number, const struct bd_hash *body, struct bd_diag *diag)
{
	while (v->seen != NULL && v->seen_at < v->seen->count &&
		v->seen->items[v->seen_at].number == number) {
		if (memcmp(&v->seen->items[v->seen_at].body, body, sizeof(*body)) != 0) {
			return bd_fail(diag, BD_TRAIL_DAMAGED, "not the head that was witnessed");
		}
		v->seen_at++;
	}
	return BD_OK;
}

static void note_key(struct verifier *v, const struct bd_trail_head *head)
{
	const struct bd_sign_key *key = bd_trail_keys_find(v->keys, head->key_id);

	for (size_t i = 0; i < v->keys->count; i++) {
		v->is_key_used[i] = v->is_key_used[i] || v->keys->items[i] == key;
	}
}

static enum bd_code check_head(struct verifier *v, struct bd_trail_head *head,
	const struct bd_trail_signed *given, struct bd_diag *diag)
{
	struct bd_trail_report *report = v->report;
	struct bd_hash root;
	enum bd_code code = bd_trail_head_check(head, given, v->keys, diag);

	if (code != BD_OK) {
		return code;
	}
	if (head->instance != report->instance || head->number != report->heads ||
		memcmp(&head->previous, &v->previous, sizeof(v->previous)) != 0 ||
		head->time_ms < report->last_ms || head->size < v->edge.size) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "the head does not follow the one before");
	}
	note_key(v, head);
	for (size_t i = 0; i < head->run_count && code == BD_OK; i++) {
		code = check_run(v, head, &head->runs[i], diag);
	}
	code = code == BD_OK ? bd_merkle_edge_root(&root, &v->edge) : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "no digest");
	}
	if (head->size != v->edge.size || memcmp(&root, &head->root, sizeof(root)) != 0) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "the entries do not lead to the root");
	}
	code = bd_sha256_of(given->body, v->previous.bytes);
	code = code == BD_OK ? check_seen(v, head->number, &v->previous, diag) : code;
	if (code == BD_OK && v->watch != NULL && v->watch->on_head != NULL) {
		code = v->watch->on_head(v->watch, given, diag);
	}
	report->heads++;
	report->leaves = head->size;
	report->first_ms = report->heads == 1 ? head->time_ms : report->first_ms;
	report->last_ms = head->time_ms;
	report->is_closed = head->is_closed;
	return code;
}

/* Every head of one file. */
static enum bd_code check_heads(
	struct verifier *v, struct bd_bytes bytes, const char *name, struct bd_diag *diag)
{
	struct bd_reader reader = bd_reader_of(bytes);

	while (reader.rest.len > 0) {
		uint64_t offset = bytes.len - reader.rest.len;
		struct bd_trail_signed given = { .body = bd_read_sized(&reader) };
		struct bd_bytes signature = bd_read_bytes(&reader, BD_SIGNATURE_BYTES);
		enum bd_code code;

		if (!reader.ok) {
			/* Who has it open may be writing just this one. */
			return v->report->is_running ? BD_OK
						     : damaged(diag, BD_TRAIL_DAMAGED, name, offset,
							       "the file ends within a head");
		}
		memcpy(given.signature, signature.ptr, sizeof(given.signature));
		code = check_head(v, &v->head, &given, diag);
		if (code != BD_OK) {
			/* Where an entry was found to be damaged, that is the place. */
			return damaged(diag, code, name, offset, "a head");
		}
		if (v->watch != NULL && v->watch->on_bytes != NULL) {
			v->watch->on_bytes(v->watch, v->done, v->total);
		}
	}
	return BD_OK;
}

/* Larger than a file of heads can be. */
#define HEADS_FILE_MAX_BYTES 1073741824

static enum bd_code check_heads_file(struct verifier *v, uint32_t file, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	uint64_t size = 0;
	struct bd_buf bytes;
	size_t got = 0;
	int fd;
	enum bd_code code;

	bd_trail_name_heads(name, file);
	bd_buf_init(&bytes, HEADS_FILE_MAX_BYTES);
	code = bd_trail_open_file(&fd, v->folder, name, false, diag);
	if (code == BD_OK && fd < 0) {
		code = damaged(diag, BD_TRAIL_DAMAGED, name, 0, "missing");
	}
	code = code == BD_OK ? bd_trail_file_size(&size, fd, name, diag) : code;
	if (code == BD_OK) {
		code = size > HEADS_FILE_MAX_BYTES ? BD_LIMIT_BYTES
						   : bd_buf_reserve(&bytes, (size_t)size);
	}
	code = code == BD_OK ? bd_trail_read_at(&got, fd, bytes.ptr, (size_t)size, 0, name, diag)
			     : bd_fail(diag, code, "%s", name);
	bytes.len = got;
	code = code == BD_OK ? check_heads(v, bd_buf_bytes(&bytes), name, diag) : code;
	if (fd >= 0) {
		close(fd);
	}
	bd_buf_release(&bytes);
	return code;
}

/* -- behind the last head -- */

/* Entries that no head has yet: a chain all the same. Of a trail that was closed there are none. */
static enum bd_code check_rest(struct verifier *v, struct checked_log *log, struct bd_diag *diag)
{
	enum bd_trail_step step = BD_TRAIL_STEP_ENTRY;
	struct bd_trail_entry entry;
	struct bd_bytes body;
	uint64_t before = log->walk.at.count, size;
	bool is_zero;
	enum bd_code code = BD_OK;

	while (code == BD_OK && step == BD_TRAIL_STEP_ENTRY) {
		code = bd_trail_walk_next(&step, &entry, &body, &log->walk, diag);
		if (code == BD_OK && step == BD_TRAIL_STEP_ENTRY) {
			code = show_entry(v, &entry, body, BD_TRAIL_NO_LEAF, diag);
		}
	}
	if (code != BD_OK || v->report->is_running) {
		v->report->unsigned_entries += log->walk.at.count - before;
		return code;
	}
	if (step == BD_TRAIL_STEP_BROKEN) {
		return broken(&log->walk, log->walk.why, diag);
	}
	v->report->unsigned_entries += log->walk.at.count - before;
	if (v->report->is_closed && log->walk.at.count != before) {
		return broken(
			&log->walk, "entries behind the end of a trail that was closed", diag);
	}
	code = bd_trail_walk_rest(&is_zero, &size, &log->walk, diag);
	if (code == BD_OK && (!is_zero || (v->report->is_closed && size > log->walk.at.offset))) {
		code = broken(&log->walk, "bytes behind the last whole entry", diag);
	}
	return code;
}

static enum bd_code check_is_empty(
	struct verifier *v, const char name[BD_TRAIL_NAME_BYTES], struct bd_diag *diag)
{
	struct bd_buf *window = &v->tree.window;
	uint64_t offset = 0;
	size_t got = 1;
	int fd;
	enum bd_code code = bd_trail_open_file(&fd, v->folder, name, false, diag);

	bd_buf_clear(window); /* the tree is done */
	code = code == BD_OK ? bd_buf_reserve(window, WINDOW_BYTES) : code;
	while (code == BD_OK && fd >= 0 && got > 0) {
		code = bd_trail_read_at(&got, fd, window->ptr, WINDOW_BYTES, offset, name, diag);
		for (size_t i = 0; code == BD_OK && i < got; i++) {
			if (window->ptr[i] != 0) {
				code = damaged(diag, BD_TRAIL_DAMAGED, name, offset + i,
					"space made ready is not empty");
			}
		}
		offset += got;
	}
	if (fd >= 0) {
		close(fd);
	}
	return code;
}

/* Segments behind the one that a log ends in: some made ready, empty; none when it was closed. */
static enum bd_code check_spares(
	struct verifier *v, struct checked_log *log, uint32_t segments, struct bd_diag *diag)
{
	uint32_t last = log->walk.at.segment;
	uint32_t may = v->report->is_closed ? 0 : BD_TRAIL_SPARES;
	char name[BD_TRAIL_NAME_BYTES];
	enum bd_code code = BD_OK;

	if (v->report->is_running) {
		return BD_OK;
	}
	for (uint32_t i = last + 1; i < segments && code == BD_OK; i++) {
		bd_trail_name_segment(name, log->walk.loop, i);
		code = i - last > may ? damaged(diag, BD_TRAIL_DAMAGED, name, 0,
						"a segment behind the end of the log")
				      : check_is_empty(v, name, diag);
	}
	return code;
}

/* The public keys that stand in the folder are the ones given. */
static enum bd_code check_key(
	struct verifier *v, const struct bd_sign_key *key, struct bd_diag *diag)
{
	struct derived file = { .fd = -1 };
	char name[BD_TRAIL_NAME_BYTES];
	struct bd_buf pem;
	enum bd_code code;

	bd_buf_init(&pem, BD_KEY_FILE_MAX_BYTES);
	bd_trail_name_key(name, bd_sign_key_id(key));
	code = open_derived(&file, v, name, diag);
	code = code == BD_OK ? bd_sign_key_write_public(&pem, key) : code;
	code = code == BD_OK ? compare(&file, pem.ptr, pem.len, diag) : code;
	code = code == BD_OK ? check_end(&file, diag) : code;
	close_derived(&file);
	bd_buf_release(&pem);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", name);
}

/* A run is written before its head: one may stand there that has none yet, and no other. */
static enum bd_code check_runs_end(struct verifier *v, struct derived *runs, struct bd_diag *diag)
{
	uint8_t bytes[BD_TRAIL_RUN_BYTES];
	struct bd_trail_leaves run;
	uint64_t size = 0;
	size_t got = 0;
	enum bd_code code = BD_OK;

	if (v->report->is_closed) {
		return check_end(runs, diag);
	}
	if (runs->fd >= 0) {
		code = bd_trail_file_size(&size, runs->fd, runs->name, diag);
	}
	if (code == BD_OK && size > runs->at) {
		code = bd_trail_read_at(
			&got, runs->fd, bytes, sizeof(bytes), runs->at, runs->name, diag);
	}
	if (code != BD_OK || got < sizeof(bytes)) {
		return code;
	}
	bd_trail_run_unpack(&run, bytes);
	if (run.head != v->report->heads || size >= runs->at + 2 * sizeof(bytes)) {
		code = damaged(diag, BD_TRAIL_TRUNCATED, runs->name, runs->at,
			"names heads that are missing");
	}
	return code;
}

static enum bd_code check_behind(struct verifier *v, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < v->listing.loop_count && code == BD_OK; i++) {
		struct checked_log *log = &v->logs[i];

		code = check_rest(v, log, diag);
		code = code == BD_OK ? check_spares(v, log, v->listing.segments[i], diag) : code;
		if (code == BD_OK && !v->report->is_running) {
			code = check_runs_end(v, &log->runs, diag);
		}
	}
	if (code == BD_OK && v->report->is_closed && !v->report->is_running) {
		code = check_end(&v->tree, diag);
	}
	for (size_t i = 0; i < v->keys->count && code == BD_OK; i++) {
		code = v->is_key_used[i] ? check_key(v, v->keys->items[i], diag) : BD_OK;
	}
	return code;
}

/* -- */

/* What was seen is of this trail, or it proves nothing. */
static enum bd_code check_instance(const struct verifier *v, struct bd_diag *diag)
{
	return v->seen == NULL || v->seen->count == 0 || v->seen->instance == v->report->instance
		       ? BD_OK
		       : damaged(diag, BD_TRAIL_DAMAGED, "witness", 0,
				 "the witness is of another trail");
}

static enum bd_code verify(struct verifier *v, const char *folder, struct bd_diag *diag)
{
	enum bd_code code = open_all(v, folder, diag);

	code = code == BD_OK ? check_instance(v, diag) : code;
	for (uint32_t i = 0; i < v->listing.heads && code == BD_OK; i++) {
		code = check_heads_file(v, i, diag);
	}
	if (code == BD_OK && v->seen != NULL && v->seen_at < v->seen->count) {
		code = bd_fail(diag, BD_TRAIL_TRUNCATED,
			"the trail has %llu heads, head %llu was seen",
			(unsigned long long)v->report->heads,
			(unsigned long long)v->seen->items[v->seen->count - 1].number);
	}
	return code == BD_OK ? check_behind(v, diag) : code;
}

enum bd_code bd_trail_verify(struct bd_trail_report *report, const char *folder,
	const struct bd_trail_keys *keys, const struct bd_trail_seen *seen,
	struct bd_trail_watch *watch, struct bd_diag *diag)
{
	struct verifier *v = calloc(1, sizeof(*v));
	enum bd_code code;

	*report = (struct bd_trail_report){ 0 };
	if (v == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	v->sink.on_node = on_node;
	v->folder = -1;
	v->tree.fd = -1;
	v->keys = keys;
	v->seen = seen;
	v->watch = watch;
	v->report = report;
	code = verify(v, folder, diag);
	close_all(v);
	return code;
}
