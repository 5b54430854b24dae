#include "daemon/trail_ask.h"

#include <stddef.h>
#include <stdlib.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct trail_ask {
	struct bd_call call;
	bd_trail_ask_take *take;
	struct bd_buf body;
};

static void ask_free(struct trail_ask *ask)
{
	bd_buf_wipe(&ask->body);
	bd_call_close(&ask->call);
	free(ask);
}

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	struct trail_ask *ask = CONTAINER(struct trail_ask, call, call);

	if (bd_buf_add(&ask->body, bytes) != BD_OK) {
		bd_count(&call->loop->counts.refused, 1);
		bd_problem_respond_code(call->exchange, BD_HTTP_TOO_LARGE, "");
		ask_free(ask);
	}
}

static void on_body_end(struct bd_call *call)
{
	struct trail_ask *ask = CONTAINER(struct trail_ask, call, call);
	struct bd_document document;

	bd_document_begin(&document, call->loop, call->exchange);
	bd_document_end(&document, ask->take(&document, call->sender, bd_buf_bytes(&ask->body)));
	ask_free(ask);
}

static void on_abort(struct bd_call *call)
{
	struct trail_ask *ask = CONTAINER(struct trail_ask, call, call);

	bd_http_end(call->exchange);
	ask_free(ask);
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

void bd_trail_ask_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, size_t max_bytes, bd_trail_ask_take *take)
{
	struct trail_ask *ask = bd_call_is_json(exchange) ? calloc(1, sizeof(*ask)) : NULL;

	if (ask == NULL) {
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond_code(exchange,
			bd_call_is_json(exchange) ? BD_NO_MEMORY : BD_HTTP_MEDIA_TYPE,
			"application/json, not compressed");
		return;
	}
	ask->take = take;
	bd_buf_init(&ask->body, max_bytes);
	bd_call_open(&ask->call, &call_ops, loop, exchange, sender);
}
