#include "daemon/opening.h"

#include "base/limits.h"
#include "daemon/frame.h"
#include "daemon/message_keys.h"

#include <stddef.h>
#include <stdlib.h>
#include <uv.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct bd_opening {
	uv_work_t work;
	struct bd_message_keys *keys;
	struct bd_buf bytes; /* of the request, which borrows from them */
	struct bd_arena arena;
	struct bd_open_request request;
	struct bd_buf opened;
	enum bd_code code;
	void (*on_opened)(void *state, struct bd_bytes reply); /* NULL = nobody waits */
	void *state;
};

static void opening_free(struct bd_opening *opening)
{
	bd_message_keys_unref(opening->keys);
	bd_buf_release(&opening->bytes);
	bd_buf_wipe(&opening->opened);
	bd_arena_release(&opening->arena);
	free(opening);
}

static void run(uv_work_t *work)
{
	struct bd_opening *opening = CONTAINER(struct bd_opening, work, work);

	opening->code = bd_message_keys_open(opening->keys, &opening->opened, &opening->request);
}

static void on_done(uv_work_t *work, int status)
{
	struct bd_opening *opening = CONTAINER(struct bd_opening, work, work);
	struct bd_buf reply;

	(void)status;
	if (opening->on_opened != NULL) {
		bd_buf_init(&reply, BD_FRAME_MAX_BYTES - 1);
		if (bd_frame_opened_pack(&reply, opening->code, bd_buf_bytes(&opening->opened)) !=
			BD_OK) {
			/* Room for this there is: it is shorter. */
			bd_buf_clear(&reply);
			bd_frame_opened_pack(&reply, BD_NO_MEMORY, (struct bd_bytes){ "", 0 });
		}
		opening->on_opened(opening->state, bd_buf_bytes(&reply));
		bd_buf_wipe(&reply);
	}
	opening_free(opening);
}

enum bd_code bd_opening_begin(struct bd_opening **out, struct uv_loop_s *loop,
	struct bd_message_keys *keys, struct bd_bytes request,
	void (*on_opened)(void *state, struct bd_bytes reply), void *state)
{
	struct bd_opening *opening = calloc(1, sizeof(*opening));

	if (opening == NULL) {
		return BD_NO_MEMORY;
	}
	opening->keys = bd_message_keys_ref(keys);
	opening->on_opened = on_opened;
	opening->state = state;
	bd_buf_init(&opening->bytes, BD_FRAME_MAX_BYTES);
	bd_buf_init(&opening->opened, BD_SEALED_MESSAGE_MAX_BYTES);
	bd_arena_init(&opening->arena, BD_RECORD_ARENA_MAX_BYTES);
	if (bd_buf_add(&opening->bytes, request) != BD_OK ||
		!bd_open_request_unpack(
			&opening->request, bd_buf_bytes(&opening->bytes), &opening->arena) ||
		uv_queue_work(loop, &opening->work, run, on_done) != 0) {
		opening_free(opening);
		return BD_WORKER_DIED;
	}
	*out = opening;
	return BD_OK;
}

void bd_opening_forget(struct bd_opening *opening)
{
	if (opening != NULL) {
		opening->on_opened = NULL;
	}
}
