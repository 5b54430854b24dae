/* log.c - the loop's side of a log: entries collected, written, and the way into the next segment.
 */
#include "trail/state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Collected entries are written at the latest then: a batch of questions may have many. */
#define BATCH_BYTES 1048576

enum bd_code bd_trail_fail(struct bd_trail *trail, enum bd_code code)
{
	__atomic_store_n(&trail->has_failed, true, __ATOMIC_RELEASE);
	return code;
}

void bd_trail_stop(struct bd_trail *trail)
{
	bd_trail_fail(trail, BD_IO);
}

bool bd_trail_has_failed(const struct bd_trail *trail)
{
	return __atomic_load_n(&trail->has_failed, __ATOMIC_ACQUIRE);
}

bool bd_trail_is_low(const struct bd_trail *trail)
{
	return __atomic_load_n(&trail->lacks_segments, __ATOMIC_RELAXED) ||
	       __atomic_load_n(&trail->lacks_room, __ATOMIC_RELAXED);
}

bool bd_trail_wants_space(const struct bd_trail *trail)
{
	return __atomic_load_n(&trail->wants_space, __ATOMIC_RELAXED);
}

int64_t bd_trail_time(bool *is_behind, const struct bd_trail_log *log, int64_t now_ms)
{
	bool is_back = now_ms < log->next.time_ms;

	if (is_behind != NULL) {
		*is_behind = is_back;
	}
	return is_back ? log->next.time_ms : now_ms;
}

uint64_t bd_trail_losses(const struct bd_trail_log *log)
{
	return log->losses;
}

bool bd_trail_take_loss(uint64_t *from, struct bd_trail_log *log)
{
	bool has_loss = log->has_loss;

	*from = log->lost_from;
	log->has_loss = false;
	return has_loss;
}

uint64_t bd_trail_collected(const struct bd_trail_log *log)
{
	return log->next.count;
}

uint64_t bd_trail_written(const struct bd_trail_log *log)
{
	return __atomic_load_n(&log->written.count, __ATOMIC_ACQUIRE);
}

uint64_t bd_trail_synced(const struct bd_trail_log *log)
{
	return __atomic_load_n(&log->synced, __ATOMIC_ACQUIRE);
}

/* Under the log's lock. */
static void publish(struct bd_trail_log *log)
{
	uint64_t count = log->next.count;

	if (bd_buf_add(&log->fresh, bd_buf_bytes(&log->batch_leaves)) != BD_OK) {
		bd_buf_clear(&log->fresh);
	}
	log->written.segment = log->next.segment;
	log->written.offset = log->next.offset;
	log->written.chain = log->next.chain;
	log->written.time_ms = log->next.time_ms;
	__atomic_store_n(&log->written.count, count, __ATOMIC_RELEASE);
}

/* What a failed write may have left behind the end must not look like an entry. */
static enum bd_code clean(struct bd_trail_log *log, const char *name, struct bd_diag *diag)
{
	static const char zeroes[4096];
	enum bd_code code = BD_OK;

	for (uint64_t at = log->next.offset; code == BD_OK && at < log->dirty_end;
		at += sizeof(zeroes)) {
		uint64_t left = log->dirty_end - at;
		struct bd_bytes bytes = { zeroes,
			left < sizeof(zeroes) ? (size_t)left : sizeof(zeroes) };

		code = bd_trail_write(log->fd, bytes, at, name, diag);
	}
	log->dirty_end = code == BD_OK ? 0 : log->dirty_end;
	return code;
}

void bd_trail_before_flush(struct bd_trail_log *log, struct bd_trail_before *before)
{
	log->before = before;
}

enum bd_code bd_trail_flush(struct bd_trail_log *log, struct bd_diag *diag)
{
	struct bd_trail *trail = log->trail;
	struct bd_diag why = { .code = BD_OK };
	char name[BD_TRAIL_NAME_BYTES];
	enum bd_code code = BD_OK;

	if (log->batch.len == 0) {
		return BD_OK;
	}
	bd_trail_name_segment(name, log->loop, log->written.segment);
	if (bd_trail_has_failed(trail)) {
		code = bd_fail(&why, BD_TRAIL_UNAVAILABLE, "%s: failed before", name);
	} else {
		code = log->before != NULL ? log->before->write(log->before, &why) : BD_OK;
		code = code == BD_OK ? bd_trail_write(log->fd, bd_buf_bytes(&log->batch),
					       log->written.offset, name, &why)
				     : code;
		code = code == BD_OK ? clean(log, name, &why) : code;
	}
	if (code == BD_OK) {
		pthread_mutex_lock(&log->lock);
		publish(log);
		log->fresh_end = log->next;
		pthread_mutex_unlock(&log->lock);
	} else {
		uint64_t end = log->written.offset + log->batch.len;

		log->dirty_end = end > log->dirty_end ? end : log->dirty_end;
		log->next = log->written;
		log->losses++;
		if (!log->has_loss) {
			log->has_loss = true;
			log->lost_from = log->written.count;
		}
		if (code != BD_DISK_FULL) {
			bd_trail_fail(trail, code);
		}
		code = bd_fail(diag, BD_TRAIL_UNAVAILABLE, "%s", why.detail);
	}
	bd_buf_clear(&log->batch);
	bd_buf_clear(&log->batch_leaves);
	return code;
}

/* Cuts the segment that is full and begins the one that was made ready. */
static enum bd_code begin_segment(struct bd_trail_log *log, struct bd_diag *diag)
{
	struct bd_trail *trail = log->trail;
	struct bd_trail_position first = log->next;
	bool is_behind;
	int spare;
	enum bd_code code;

	pthread_mutex_lock(&log->lock);
	spare = log->spare_count > 0 ? log->spares[0] : -1;
	is_behind = log->finished_count == BD_TRAIL_UNSYNCED_MAX;
	pthread_mutex_unlock(&log->lock);
	__atomic_store_n(&trail->wants_space, true, __ATOMIC_RELAXED);
	if (spare < 0 || is_behind) {
		return bd_fail(diag, BD_TRAIL_UNAVAILABLE,
			is_behind                ? "the disk is segments behind"
			: bd_trail_is_low(trail) ? "no space for another segment"
						 : "the next segment is not ready yet");
	}
	if (ftruncate(log->fd, (off_t)log->next.offset) != 0) {
		bd_trail_fail(trail, BD_IO);
		return bd_fail(diag, BD_TRAIL_UNAVAILABLE, "cut: %s", strerror(errno));
	}
	first.segment++;
	first.offset = BD_TRAIL_SEGMENT_HEAD_BYTES;
	code = bd_trail_segment_head_write(spare, trail->instance, log->loop, &first, NULL);
	if (code != BD_OK) {
		bd_trail_fail(trail, code);
		return bd_fail(diag, BD_TRAIL_UNAVAILABLE, "head of a segment");
	}
	log->next = first;
	log->dirty_end = 0;
	/* All at once: the signer makes ready the segment behind the one that is written. */
	pthread_mutex_lock(&log->lock);
	log->finished[log->finished_count++] = log->fd;
	log->fd = spare;
	log->spare_count--;
	memmove(log->spares, log->spares + 1, log->spare_count * sizeof(*log->spares));
	publish(log);
	pthread_mutex_unlock(&log->lock);
	return BD_OK;
}

enum bd_code bd_trail_next(
	struct bd_trail_id *out, struct bd_trail_log *log, size_t room, struct bd_diag *diag)
{
	struct bd_trail *trail = log->trail;
	uint64_t bytes = (uint64_t)room + BD_TRAIL_FRAME_BYTES;
	enum bd_code code = BD_OK;

	if (room > BD_TRAIL_ENTRY_MAX_BYTES ||
		bytes + BD_TRAIL_SEGMENT_HEAD_BYTES > trail->segment_bytes) {
		return bd_fail(diag, BD_LIMIT_BYTES, "an entry of the trail");
	}
	if (bd_trail_has_failed(trail)) {
		return bd_fail(diag, BD_TRAIL_UNAVAILABLE, "failed before");
	}
	if (log->next.offset + bytes > trail->segment_bytes) {
		code = bd_trail_flush(log, diag);
		code = code == BD_OK ? begin_segment(log, diag) : code;
	}
	if (code == BD_OK) {
		*out = (struct bd_trail_id){ trail->instance, log->loop, log->next.segment,
			log->next.offset };
	}
	return code;
}

static enum bd_code add_entry(struct bd_trail_log *log, const struct bd_trail_entry *entry)
{
	struct bd_hash leaf;
	enum bd_code code = bd_buf_reserve(&log->batch_leaves, sizeof(leaf.bytes));

	code = code == BD_OK ? bd_trail_frame_add(&log->batch, &leaf, &log->next, entry) : code;
	return code == BD_OK
		       ? bd_buf_add(&log->batch_leaves,
				 (struct bd_bytes){ (const char *)leaf.bytes, sizeof(leaf.bytes) })
		       : code;
}

enum bd_code bd_trail_append(struct bd_trail_id *out, struct bd_trail_log *log,
	enum bd_trail_kind kind, int64_t time_ms, struct bd_bytes payload, struct bd_diag *diag)
{
	struct bd_trail_entry entry = { .kind = kind, .time_ms = time_ms, .payload = payload };
	enum bd_code code =
		bd_trail_next(&entry.id, log, BD_TRAIL_ENTRY_HEAD_BYTES + payload.len, diag);

	if (code != BD_OK) {
		return code;
	}
	if (time_ms < log->next.time_ms) {
		return bd_fail(diag, BD_INTERNAL, "an entry before the one before it");
	}
	if (log->batch.len >= BATCH_BYTES) {
		code = bd_trail_flush(log, diag);
	}
	if (code == BD_OK) {
		entry.number = log->next.count;
		code = add_entry(log, &entry);
		if (code != BD_OK) {
			bd_fail(diag, code, "an entry of the trail");
		}
	}
	if (code == BD_OK) {
		*out = entry.id;
	}
	return code;
}
