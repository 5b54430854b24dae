/* trail.h - what was answered, to whom and why: append-only logs joined each second into one signed
 * Merkle tree.
 *
 * Layer: trail; called by daemon/. Each network loop owns a log (segment.h). An entry is collected
 * by bd_trail_append and written by bd_trail_flush before the answers of that turn leave, so it
 * survives a killed process; bd_trail_sync says up to which entry it survives a power loss. One
 * other thread, the signer, calls bd_trail_sign each second: it reads the new entries, adds a leaf
 * for each to the tree (RFC 9162), syncs, signs the head and appends it (head.h). Nothing here
 * reads a clock or starts a thread.
 *
 * Space: each log has the file it writes and two more made ready, all allocated to their end, so a
 * full disk is known before it hurts: bd_trail_is_low then says that only the reserve is left, and
 * when that is spent too an append is BD_TRAIL_UNAVAILABLE. A failed sync, or a failed write that
 * is not for want of space, is final (bd_trail_has_failed): nothing more is taken, and a new start
 * cuts what is torn.
 *
 * Threads: a log belongs to its loop; bd_trail_sign, bd_trail_sync and bd_trail_prepare to the
 * signer; bd_trail_stage to a third, which never waits for the disk as the signer does; those under
 * "asking" may be called from any.
 */
#ifndef BD_TRAIL_TRAIL_H
#define BD_TRAIL_TRAIL_H

#include "base/arena.h"
#include "trail/entry.h"
#include "trail/head.h"

struct bd_trail;
struct bd_trail_log;

struct bd_trail_settings {
	const char *folder; /* made with mode 0700 if missing */
	size_t log_count;   /* 1 to BD_TRAIL_LOOPS_MAX; older logs beyond stay and are signed */
	const struct bd_sign_key *key; /* private; must outlive the trail */
	uint64_t segment_bytes;        /* 4,096 to 2^31; a log takes three times that */
	uint32_t heads_per_file;       /* 0 = BD_TRAIL_HEADS_PER_FILE */
	int64_t now_ms;
};

/* What a start found to mend. */
struct bd_trail_found {
	uint64_t cut_bytes;        /* torn, behind the last whole entry */
	uint64_t unsigned_entries; /* not yet under a head; the next one takes them */
};

/* Opens or makes it. Checks the last head and its signature, that the tree leads to its root, and
 * every entry behind it: what is torn is cut. BD_TRAIL_DAMAGED: something that was signed is not
 * there as it was. BD_TRAIL_UNAVAILABLE: another process has it. */
enum bd_code bd_trail_open(struct bd_trail **out, struct bd_trail_found *found,
	const struct bd_trail_settings *settings, struct bd_diag *diag);
/* After all loops have ended, by the signer: signs what is left, then a head that says closed, and
 * gives the reserve back. The trail is freed whatever it returns. */
enum bd_code bd_trail_close(struct bd_trail *trail, int64_t now_ms, struct bd_diag *diag);

/* -- a loop's log ---------------------------------------------------------------------------------
 */
struct bd_trail_log *bd_trail_log(struct bd_trail *trail, size_t loop);
/* The time for what is entered now: the clock, or that of the last entry where the clock went back
 * (*is_behind, may be NULL). */
int64_t bd_trail_time(bool *is_behind, const struct bd_trail_log *log, int64_t now_ms);
/* The id that the next entry will have, if its body takes no more than `room` bytes: an answer
 * names its receipt before the receipt is written. May go on to the next segment. */
enum bd_code bd_trail_next(
	struct bd_trail_id *out, struct bd_trail_log *log, size_t room, struct bd_diag *diag);
/* Collects an entry. time_ms is of bd_trail_time. BD_LIMIT_BYTES: too long for any segment.
 * BD_TRAIL_UNAVAILABLE: no space left, or the trail has failed. */
enum bd_code bd_trail_append(struct bd_trail_id *out, struct bd_trail_log *log,
	enum bd_trail_kind kind, int64_t time_ms, struct bd_bytes payload, struct bd_diag *diag);
/* What has to be written before the entries that were collected: called by each flush that has
 * some, on the loop. A code: they are not written either; BD_DISK_FULL may be over later, any other
 * is final. */
struct bd_trail_before {
	enum bd_code (*write)(struct bd_trail_before *self, struct bd_diag *diag);
};
void bd_trail_before_flush(struct bd_trail_log *log, struct bd_trail_before *before);
/* Writes what was collected. After a failure none of it is there, and its answers must not leave.
 */
enum bd_code bd_trail_flush(struct bd_trail_log *log, struct bd_diag *diag);
/* How often what was collected could not be written, and is void: whoever answers for several
 * entries at once compares it before and after. */
uint64_t bd_trail_losses(const struct bd_trail_log *log);
/* Was anything lost since the last call? *from: entries up to this one were not. */
bool bd_trail_take_loss(uint64_t *from, struct bd_trail_log *log);
/* Entries of this log: collected (and written or not), written, synced. */
uint64_t bd_trail_collected(const struct bd_trail_log *log);
uint64_t bd_trail_written(const struct bd_trail_log *log);
uint64_t bd_trail_synced(const struct bd_trail_log *log);
/* A segment was begun: the next should be made ready soon (bd_trail_stage), and the one before
 * synced. Any thread. */
bool bd_trail_wants_space(const struct bd_trail *trail);

/* Makes ready the segments that the loops will write next. BD_DISK_FULL: the trail is low from now
 * on, until a call finds space. */
enum bd_code bd_trail_stage(struct bd_trail *trail, struct bd_diag *diag);

/* -- the signer -----------------------------------------------------------------------------------
 */
/* Makes ready what heads and tree will need next, then syncs the logs. BD_DISK_FULL: as above. */
enum bd_code bd_trail_prepare(struct bd_trail *trail, struct bd_diag *diag);
/* Syncs the logs alone. */
enum bd_code bd_trail_sync(struct bd_trail *trail, struct bd_diag *diag);
/* Signs one head over what was written; none when nothing was. *has_more: more is waiting than one
 * head takes. A failure leaves all as it was, to be tried again, unless bd_trail_has_failed. */
enum bd_code bd_trail_sign(
	struct bd_trail *trail, int64_t now_ms, bool *has_more, struct bd_diag *diag);

/* Nothing more is taken, as after a failed sync: something that its entries rest on was not synced.
 */
void bd_trail_stop(struct bd_trail *trail);

/* -- asking ---------------------------------------------------------------------------------------
 */
bool bd_trail_is_low(const struct bd_trail *trail);
bool bd_trail_has_failed(const struct bd_trail *trail);
uint64_t bd_trail_instance(const struct bd_trail *trail);

struct bd_trail_counts {
	uint64_t entries, synced, leaves, heads; /* entries: written, of all logs */
	int64_t head_ms;                         /* time of the newest head; 0 = none */
};
void bd_trail_count(struct bd_trail_counts *out, struct bd_trail *trail);

/* body NULL = not wanted; it lives in the arena. BD_RECEIPT_UNKNOWN: no entry has this id. */
enum bd_code bd_trail_read(struct bd_trail_entry *out, struct bd_bytes *body,
	struct bd_trail *trail, const struct bd_trail_id *id, struct bd_arena *arena,
	struct bd_diag *diag);

/* A proof that anyone can check with the public key alone (proof.h). */
struct bd_trail_proof {
	struct bd_bytes body; /* of the entry */
	uint64_t leaf;
	struct bd_merkle_path path;
	struct bd_trail_signed head;
};
/* Under the newest head; all in the arena. BD_RECEIPT_UNKNOWN, or BD_RECEIPT_PROOF_PENDING: no head
 * has it yet. */
enum bd_code bd_trail_prove(struct bd_trail_proof *out, struct bd_trail *trail,
	const struct bd_trail_id *id, struct bd_arena *arena, struct bd_diag *diag);
/* The newest head, in the arena. BD_RECEIPT_PROOF_PENDING: none yet. */
enum bd_code bd_trail_newest(struct bd_trail_signed *out, struct bd_trail *trail,
	struct bd_arena *arena, struct bd_diag *diag);
/* The newest head, and that the tree of *from leaves is the beginning of its own (RFC 9162 section
 * 2.1.4); of more leaves than there are *from becomes all of them, so that whoever saw more sees
 * it. In the arena. BD_RECEIPT_PROOF_PENDING: no head yet. */
enum bd_code bd_trail_consistency(struct bd_merkle_path *path, struct bd_trail_signed *head,
	struct bd_trail *trail, uint64_t *from, struct bd_arena *arena, struct bd_diag *diag);

#endif
