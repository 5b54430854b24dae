/* uploads.h - large messages that come in parts 断点续传, each kept sealed on the disk until all of
 * them are there.
 *
 * Layer: daemon. One for all loops; any thread. What reads or writes a file is marked so and is
 * called off the loops (uv_queue_work): a part is sealed, written and synced before its sender
 * hears of it, and takes its name only then, so a part that is there is whole. A restart finds
 * what was acknowledged. An upload belongs to the sender who began it; to all others it does not
 * exist.
 *
 * In the data folder: uploads/ID/head (a salt, and sealed under it what the sender said),
 * uploads/ID/part-N (sealed under the same salt, by its number), uploads/ID/done (sealed: the
 * message it became). Sealed as the store seals what is no subject's; an upload whose epoch of the
 * master key was dropped is begun anew.
 */
#ifndef BD_DAEMON_UPLOADS_H
#define BD_DAEMON_UPLOADS_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"
#include "store/store.h"

/* 32 hexadecimal digits and a NUL. */
#define BD_UPLOAD_ID_BYTES 33
#define BD_UPLOAD_NAME_BYTES 129

struct bd_ring;
struct bd_uploads;

/* What the sender said of the whole. */
struct bd_upload_terms {
	char source[BD_UPLOAD_NAME_BYTES], feed[BD_UPLOAD_NAME_BYTES];
	uint64_t length; /* bytes, > 0 */
	uint8_t sha256[BD_DIGEST_BYTES];
	struct bd_delivery delivery;
	bool is_atomic, is_gzip;
	char charset[32];
	char key[129]; /* Idempotency-Key; "" = none */
};

enum bd_upload_state { BD_UPLOAD_OPEN = 1, BD_UPLOAD_COMPLETING, BD_UPLOAD_DONE };

struct bd_upload_view {
	char id[BD_UPLOAD_ID_BYTES];
	struct bd_upload_terms terms;
	enum bd_upload_state state;
	uint32_t parts, parts_here;
	uint64_t bytes_here;
	int64_t expires_ms;
	uint64_t message;    /* of one that is done */
	const uint8_t *here; /* a bit a part, the first is bit 0 of byte 0; in the arena */
};

/* Length of a part; the last of a message may be shorter. */
uint64_t bd_upload_part_bytes(const struct bd_upload_terms *terms, uint32_t part);
uint32_t bd_upload_parts(const struct bd_upload_terms *terms);

/* Files. Reads what was there before a restart; what is no upload, or is over, is removed. */
enum bd_code bd_uploads_open(struct bd_uploads **out, const char *data_folder,
	const struct bd_ring *ring, int64_t now_ms, struct bd_diag *diag);
void bd_uploads_close(struct bd_uploads *uploads); /* NULL is allowed */
/* Files. Removes those of which nobody has heard for BD_UPLOAD_KEEP_MS. */
void bd_uploads_sweep(struct bd_uploads *uploads, int64_t now_ms);

/* Files. BD_UPLOAD_LIMIT: this sender has too many, or too much, of them; BD_DISK_FULL: there is no
 * room for so much. */
enum bd_code bd_uploads_begin(char id[BD_UPLOAD_ID_BYTES], struct bd_uploads *uploads,
	const char *sender, const struct bd_upload_terms *terms, int64_t now_ms,
	struct bd_diag *diag);
/* BD_UPLOAD_UNKNOWN: none of this sender. */
enum bd_code bd_uploads_find(struct bd_upload_view *out, struct bd_uploads *uploads,
	struct bd_bytes id, const char *sender, struct bd_arena *arena, struct bd_diag *diag);
/* All of this sender's, the oldest first, in the arena. */
enum bd_code bd_uploads_list(struct bd_upload_view **out, size_t *count, struct bd_uploads *uploads,
	const char *sender, struct bd_arena *arena, struct bd_diag *diag);
/* Files. BD_UPLOAD_CONFLICT while it is being completed. */
enum bd_code bd_uploads_delete(
	struct bd_uploads *uploads, const char *id, const char *sender, struct bd_diag *diag);

/* -- parts, from 1 -- */

/* A place for a part in memory, until bd_uploads_part_end. BD_BUSY: too many parts are on their
 * way, of all or of this sender. BD_UPLOAD_CONFLICT: it is being completed, or is done. */
enum bd_code bd_uploads_part_begin(struct bd_uploads *uploads, struct bd_bytes id,
	const char *sender, uint32_t part, struct bd_diag *diag);
/* Files. Once it is on the disk. One that is there already with the same bytes is good too; with
 * others BD_UPLOAD_CONFLICT. */
enum bd_code bd_uploads_part_write(struct bd_uploads *uploads, const char *id, uint32_t part,
	struct bd_bytes bytes, int64_t now_ms, struct bd_diag *diag);
void bd_uploads_part_end(struct bd_uploads *uploads, const char *id);

/* -- the end -- */

/* From now on it belongs to the caller until bd_uploads_complete_end; one that is done does not,
 * and *out says which message it became. BD_UPLOAD_INCOMPLETE: parts are missing. */
enum bd_code bd_uploads_complete_begin(struct bd_upload_view *out, struct bd_uploads *uploads,
	struct bd_bytes id, const char *sender, struct bd_arena *arena, struct bd_diag *diag);
/* Files. Appends a part. BD_STORE_DAMAGED. */
enum bd_code bd_uploads_read(struct bd_buf *out, struct bd_uploads *uploads, const char *id,
	uint32_t part, struct bd_diag *diag);
/* message 0: nothing was stored, and all is as before. Else it is done: who asks again is told the
 * message for as long as the upload is kept, and bd_uploads_put_away is called next. */
void bd_uploads_complete_end(
	struct bd_uploads *uploads, const char *id, uint64_t message, int64_t now_ms);
/* Files. Of one that is done: that it is, on disk; its parts removed. */
void bd_uploads_put_away(struct bd_uploads *uploads, const char *id);

#endif
