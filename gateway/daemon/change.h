/* change.h - a small question of JSON that changes the store: gathered, read, handed to the writer,
 * entered into the trail, and answered when it is on disk. What recalls and disputes share.
 *
 * Layer: daemon, on the loop's thread. Embedded first in the call's own struct, which is freed with
 * free() when it is answered.
 */
#ifndef BD_DAEMON_CHANGE_H
#define BD_DAEMON_CHANGE_H

#include "base/json.h"
#include "base/json_write.h"
#include "daemon/call.h"

#define BD_CHANGE_KEY_MAX_BYTES 128

struct bd_change;

struct bd_change_ops {
	/* The whole body: fills entry, and event for the trail; then bd_change_post, or whatever
	 * comes before it. A code: it is refused, and nothing was begun. */
	enum bd_code (*on_question)(
		struct bd_change *change, const struct bd_json *body, struct bd_diag *diag);
	/* The entry is on disk, or was before (is_repeat). *is_over false: it has been posted
	 * again. */
	enum bd_code (*on_written)(struct bd_change *change, bool *is_over, struct bd_diag *diag);
	/* Members of the answer; the object is open. */
	enum bd_code (*write)(
		struct bd_change *change, struct bd_json_writer *writer, struct bd_diag *diag);
	/* Before it is freed; may be NULL. */
	void (*release)(struct bd_change *change);
};

struct bd_change {
	struct bd_call call;
	const struct bd_change_ops *ops;
	struct bd_bytes target; /* what besides the body says what is asked */
	enum bd_trail_kind kind;
	struct bd_trail_event event;
	struct bd_trail_subject subject;
	int status; /* of the answer; 0 = 200 */
	bool is_body_over, is_busy;
	char key[BD_CHANGE_KEY_MAX_BYTES + 1];
	struct bd_buf body;
	struct bd_arena arena; /* what the entry borrows */
	struct bd_entry entry;
	struct bd_write write;
};

/* Owns change and the exchange from here on; a zeroed struct, or NULL where there was no memory.
 * target: what besides the body says what is asked; copied. */
void bd_change_begin(struct bd_change *change, const struct bd_change_ops *ops,
	struct bd_loop *loop, struct bd_http_exchange *exchange, const struct bd_sender *sender,
	struct bd_bytes target);
/* Hands the entry to the writer. */
void bd_change_post(struct bd_change *change);
/* Answers with the problem and is over. */
void bd_change_refuse(struct bd_change *change, const struct bd_diag *diag);
/* Whom it is about, by the number that was given: for the trail, and for the entry with all
 * identifiers under which the store knows this subject, the one given first. */
enum bd_code bd_change_about(
	struct bd_change *change, const struct bd_identifier *subject, struct bd_diag *diag);

#endif
