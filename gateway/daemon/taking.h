/* taking.h - a message on its way into the store, however it came: pushed over HTTP, pulled,
 * found in a folder, read from a database.
 *
 * Layer: daemon. What every message goes through stands here once: gathered, given to a worker,
 * its records spooled or kept, the entry handed to the writer, the receipt made, and the trail
 * told. Whoever reads the body (push.c, and what fetches by itself) gives it piece by piece and is
 * told when to stop. Nothing is stored before the message has ended well.
 *
 * Threads: a taking belongs to one struct bd_loop, whose workers, reader of the store and log of
 * the trail it uses; it is opened, given to, closed and called back on that loop's thread alone. A
 * thread that is no loop's posts a letter to the loop's mailbox and does it from there. Any loop
 * will do; what biduid fetches by itself is taken on the loop of its own (bd_daemon.sources_loop).
 *
 * A body of up to BD_BODY_GATHER_MAX_BYTES is gathered before a worker is taken, so that a slow
 * sender holds none; a longer one takes a worker of the other pool and is streamed, as fast as the
 * worker reads.
 */
#ifndef BD_DAEMON_TAKING_H
#define BD_DAEMON_TAKING_H

#include "daemon/receipt.h"

#define BD_TAKING_KEY_MAX_BYTES 128

struct bd_taking;

struct bd_taking_ops {
	/* bd_taking_give had said HOLD: more is welcome. */
	void (*on_room)(struct bd_taking *taking);
	/* What the worker made of it, before it is handed to the writer: the entry's progress may
	 * be set, with texts that live as long as the taking. May be NULL. */
	void (*on_result)(struct bd_taking *taking, const struct bd_intake_result *result,
		struct bd_entry *entry);
	/* The end, exactly once unless it was given up. The message is stored, and on the trail:
	 * `receipt` lives until the taking is closed (also of a dry run, and of what was refused as
	 * a whole because of its records: receipt->code). Or it was refused: receipt is NULL, and
	 * diag says why; that it was refused is not on the trail yet (bd_taking_enter_refusal, or
	 * whatever answers a client). The taking may be closed from within. */
	void (*on_done)(
		struct bd_taking *taking, struct bd_receipt *receipt, const struct bd_diag *diag);
};

/* What the caller knows of the message before its body. All but the last three zero = none. */
struct bd_taking_request {
	const struct bd_plan *plan; /* of the taking's setup */
	const struct bd_feed_plan *feed;
	/* In whose name: the journal, rejects and idempotency keys are kept by it. One of the
	 * setup, or for what biduid fetched by itself one made up by the caller that lives as long,
	 * with a name that no sender can have. */
	const struct bd_sender *sender;
	struct bd_trail_caller caller; /* texts live as long as the taking, as in its arena */
	struct bd_delivery delivery;   /* bd_taking_open: day INT32_MIN */
	bool is_dry_run, is_atomic, is_gzip;
	char charset[32];                      /* as stated beside the body */
	char key[BD_TAKING_KEY_MAX_BYTES + 1]; /* idempotency */
	bool is_once;                          /* the key is kept for good */
	/* The body's SHA-256, where it was read before: BD_FOLDER_CHANGED when it is another. */
	const uint8_t *sha256;
	/* Asked about: for a reply that does not say whom it is about. Canonical. */
	struct bd_identifier subject;
	uint64_t max_bytes; /* of the body; 0 = the setting body_max_bytes */
};

enum bd_taking_state {
	BD_TAKING_GATHERING = 1, /* body comes, no worker wanted yet */
	BD_TAKING_WAITING,       /* for a worker */
	BD_TAKING_RUNNING,       /* a worker has it */
	BD_TAKING_WRITING,       /* the writer has it */
	BD_TAKING_OVER           /* the caller was told */
};

/* Embed it in your own struct and get that back by container_of. Zero it first. */
struct bd_taking {
	struct bd_taking_request request; /* the caller's, until the first piece */
	struct bd_loop *loop;
	struct bd_setup *setup; /* a reference */
	struct bd_arena arena;  /* whatever lives as long as the taking */
	int64_t received_ms;
	/* When the worker told of its first record, kept or rejected, or that there is none;
	 * uv_hrtime, 0 = not yet. */
	uint64_t first_ns;
	bool is_body_over;
	/* private */
	const struct bd_taking_ops *ops;
	enum bd_taking_state state;
	struct bd_job job;
	uint64_t body_bytes;
	struct bd_sha256 *sha;
	struct bd_read_part known; /* this part of it has cost workers before */
	struct bd_buf gathered, records, rejects, shown;
	struct bd_spool *spool;
	struct bd_intake_result result;
	struct bd_entry entry;
	struct bd_write write;
	struct bd_receipt receipt;
};

/* Takes a reference on the loop's setup. Closed in every case, also after a failure:
 * BD_NO_MEMORY. */
enum bd_code bd_taking_open(
	struct bd_taking *taking, const struct bd_taking_ops *ops, struct bd_loop *loop);
/* With the request filled in: may the message come? BD_DISK_FULL. */
enum bd_code bd_taking_may_begin(const struct bd_taking *taking, struct bd_diag *diag);

/* "charset=GB18030" of a Content-Type. */
void bd_taking_charset(struct bd_taking_request *request, struct bd_bytes type);

/* What the caller does next. */
enum bd_taking_next {
	BD_TAKING_MORE = 1, /* give more, or end */
	BD_TAKING_HOLD,     /* give no more before on_room; ending is allowed */
	BD_TAKING_DONE      /* on_done has been called from within: touch the taking no more */
};
/* Takes all the bytes. */
enum bd_taking_next bd_taking_give(struct bd_taking *taking, struct bd_bytes bytes);
/* The body is whole. MORE: on_done comes. */
enum bd_taking_next bd_taking_end(struct bd_taking *taking);
/* The body broke off, or must not be taken: refused with this diag, as any message that is refused
 * is. Only before bd_taking_end. */
void bd_taking_refuse(struct bd_taking *taking, const struct bd_diag *diag);
/* Frees what it holds; not while it is WRITING. Without on_done, if that has not come yet. */
void bd_taking_close(struct bd_taking *taking);

/* A refusal that no client is answered with: onto the trail and into the counts. how: "pull",
 * "folder" ..., where a client's request has its method. */
enum bd_code bd_taking_enter_refusal(
	struct bd_taking *taking, const struct bd_diag *diag, const char *how);

#endif
