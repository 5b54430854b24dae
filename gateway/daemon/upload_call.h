/* upload_call.h - a request about an upload whose files are touched off the loop. Layer: daemon,
 * private to upload_*.c. */
#ifndef BD_DAEMON_UPLOAD_CALL_H
#define BD_DAEMON_UPLOAD_CALL_H

#include "base/json_write.h"
#include "daemon/call.h"
#include "daemon/uploads.h"

#include <uv.h>

struct bd_upload_call;

struct bd_upload_call_ops {
	/* The whole body has come: begins the work, or refuses. */
	void (*on_question)(struct bd_upload_call *call);
	/* Off the loop; code and diag say what came of it. */
	void (*work)(struct bd_upload_call *call);
	/* On the loop again; answers. */
	void (*on_worked)(struct bd_upload_call *call);
};

struct bd_upload_call {
	struct bd_call call;
	const struct bd_upload_call_ops *ops;
	char id[BD_UPLOAD_ID_BYTES];
	uint32_t part;
	bool is_reserved; /* has a place for a part: bd_uploads_part_begin */
	struct bd_upload_terms terms;
	struct bd_buf body;
	uint8_t sha256[BD_DIGEST_BYTES]; /* stated */
	struct bd_arena arena;
	uv_work_t work;
	enum bd_code code;
	struct bd_diag diag;
};

/* Owns the exchange from here on; NULL: answered already. body_max: of the request. */
struct bd_upload_call *bd_upload_call_new(const struct bd_upload_call_ops *ops,
	struct bd_loop *loop, struct bd_http_exchange *exchange, const struct bd_sender *sender,
	size_t body_max);
void bd_upload_call_free(struct bd_upload_call *call);
/* Answers and frees. */
void bd_upload_call_refuse(struct bd_upload_call *call, const struct bd_diag *diag);
/* Runs ops->work, then ops->on_worked. */
void bd_upload_call_work(struct bd_upload_call *call);
/* Onto the trail, as a push; status: "upload.begun" ... */
enum bd_code bd_upload_enter(const struct bd_upload_call *call, const char *status);
/* Answers with the upload as it is now, or with nothing (204) where the id is "", and frees. */
void bd_upload_call_answer(struct bd_upload_call *call, int status);

/* The end of a work that may have failed: onto the trail, and answered so, or refused. */
void bd_upload_call_end(struct bd_upload_call *call, const char *entered, int status);

/* Members of an object that is open. */
void bd_upload_write(struct bd_json_writer *w, const struct bd_upload_view *view);

#endif
