/* uploads_parts.h - what the files of the uploads share. Layer: daemon, private to uploads*.c: the
 * list and who may do what is in uploads.c, what is on the disk in uploads_files.c. */
#ifndef BD_DAEMON_UPLOADS_PARTS_H
#define BD_DAEMON_UPLOADS_PARTS_H

#include "daemon/uploads.h"
#include "store/seal.h"

#include <pthread.h>

struct bd_upload {
	char id[BD_UPLOAD_ID_BYTES];
	char sender[BD_UPLOAD_NAME_BYTES];
	struct bd_upload_terms terms;
	uint8_t salt[BD_SALT_BYTES];
	int64_t begun_ms, touched_ms; /* never changes; when a part last came */
	/* under the lock */
	enum bd_upload_state state;
	bool is_going;  /* not yet on the disk */
	bool is_ending; /* done, its files not yet put away */
	unsigned running;
	uint8_t *here; /* a bit a part */
	uint32_t parts_here;
	uint64_t bytes_here, message;
	struct bd_upload *next;
};

struct bd_uploads {
	char folder[4096];
	const struct bd_ring *ring;
	pthread_mutex_t lock;
	struct bd_upload *first; /* the oldest */
	size_t count;
	/* Parts that are on their way to the disk. */
	struct bd_upload_writing {
		const struct bd_upload *upload;
		uint32_t part;
	} writing[BD_UPLOAD_RUNNING_MAX];
	size_t writing_count;
	pthread_cond_t written; /* one of them is there, or failed */
};

enum bd_code bd_upload_new(struct bd_upload **out, const struct bd_upload_terms *terms);
void bd_upload_free(struct bd_upload *upload);
void bd_uploads_add(struct bd_uploads *uploads, struct bd_upload *upload);
bool bd_upload_has(const struct bd_upload *upload, uint32_t part);
void bd_upload_note(struct bd_upload *upload, uint32_t part);

/* -- uploads_files.c -- */

/* Fills the list. */
enum bd_code bd_upload_files_scan(struct bd_uploads *uploads, struct bd_diag *diag);
/* Its folder and head, on disk. */
enum bd_code bd_upload_files_begin(
	struct bd_uploads *uploads, const struct bd_upload *upload, struct bd_diag *diag);
void bd_upload_files_remove(struct bd_uploads *uploads, const char *id);
enum bd_code bd_upload_files_write(struct bd_uploads *uploads, const struct bd_upload *upload,
	uint32_t part, struct bd_bytes bytes, struct bd_diag *diag);
enum bd_code bd_upload_files_read(struct bd_buf *out, struct bd_uploads *uploads,
	const struct bd_upload *upload, uint32_t part, struct bd_diag *diag);
/* The message that it became, on disk; then its parts are removed. */
enum bd_code bd_upload_files_done(struct bd_uploads *uploads, const struct bd_upload *upload,
	uint64_t message, struct bd_diag *diag);

#endif
