/* state.h - what the files of trail/ share: one trail, open for writing. Layer: trail, private. */
#ifndef BD_TRAIL_STATE_H
#define BD_TRAIL_STATE_H

#include "trail/runs.h"
#include "trail/trail.h"
#include "trail/tree.h"

#include <pthread.h>

struct bd_trail_log {
	struct bd_trail *trail;
	uint16_t loop;
	bool is_active; /* a loop writes it; else it is of an earlier, greater number of loops */
	/* the loop's */
	struct bd_buf batch, batch_leaves;
	struct bd_trail_position next; /* behind the batch */
	uint64_t dirty_end;            /* a failed write may have left bytes up to here */
	uint64_t losses,
		lost_from; /* lost_from: entries before the first loss that was not taken */
	bool has_loss;
	struct bd_trail_before *before; /* NULL = nothing */
	/* under lock */
	pthread_mutex_t lock;
	struct bd_trail_position written;
	int fd;                      /* the segment that is written; -1 = none */
	int spares[BD_TRAIL_SPARES]; /* those made ready, in order */
	size_t spare_count;
	/* Those before, oldest first, not yet synced; closed by the signer alone. */
	int finished[BD_TRAIL_UNSYNCED_MAX];
	size_t finished_count;
	uint64_t synced; /* atomic */
	/* Leaves of the newest entries up to `written`, as the loop digested them: the signer need
	 * not read them again. Fewer than it lacks: it reads. */
	struct bd_buf fresh;
	struct bd_trail_position
		fresh_end; /* behind the newest: `written` may be in the next segment */
	/* the signer's */
	struct bd_trail_position synced_to;
	uint32_t named; /* the newest segment whose name is on the disk, from when it was begun */
	struct bd_trail_walk walk;
	struct bd_buf taken; /* of fresh */
	struct bd_trail_position taken_end;
	struct bd_trail_position signed_to;
	struct bd_trail_position let_go; /* before it the kernel need keep nothing in memory */
	int runs_fd;
	uint64_t runs_count; /* under the trail's lock */
};

struct bd_trail {
	int folder, instance_fd; /* instance_fd holds the lock */
	uint64_t instance, segment_bytes;
	uint32_t heads_per_file;
	const struct bd_sign_key *key;
	struct bd_trail_log *logs;
	size_t log_count;
	/* the signer's */
	struct bd_trail_tree tree;
	struct bd_merkle_edge edge; /* of the newest head */
	struct bd_trail_head draft;
	struct bd_buf nodes; /* that the draft adds */
	int heads_fd;        /* -1 = the next head begins a file */
	uint32_t heads_file, heads_in_file;
	uint64_t heads_end;
	uint64_t next_number;
	bool is_closed;          /* the newest head says so, or there is none */
	struct bd_hash previous; /* SHA-256 of the newest body */
	int64_t head_ms;
	uint64_t tree_reserved, heads_reserved; /* bytes allocated ahead */
	/* under lock: the newest head */
	pthread_mutex_t lock;
	struct bd_buf body; /* empty = none yet */
	uint8_t signature[BD_SIGNATURE_BYTES];
	uint64_t size;
	/* atomic */
	bool lacks_segments, lacks_room, has_failed, wants_space;
};

/* recover.c: everything that a start reads; logs, tree and heads are open and cut afterwards. */
enum bd_code bd_trail_recover(struct bd_trail *trail, struct bd_trail_found *found,
	size_t log_count, struct bd_diag *diag);
/* signer.c. MARK: a head is signed though nothing is new: the trail is in use from here on. CLOSE:
 * it ends here. */
enum bd_trail_sign_as { BD_TRAIL_SIGN_NEW = 1, BD_TRAIL_SIGN_MARK, BD_TRAIL_SIGN_CLOSE };
enum bd_code bd_trail_sign_head(struct bd_trail *trail, enum bd_trail_sign_as as, int64_t now_ms,
	bool *has_more, struct bd_diag *diag);
/* signer.c: the segments that are written get their space. */
enum bd_code bd_trail_allocate_current(struct bd_trail *trail, struct bd_diag *diag);
/* Nothing more is taken. Gives code. */
enum bd_code bd_trail_fail(struct bd_trail *trail, enum bd_code code);

#endif
