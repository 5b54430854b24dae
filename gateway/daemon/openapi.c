/* openapi.c - the contract as it is served: long, open to all, so sent as its client takes it.
 * Whoever asks for it and does not read costs a few records, not the whole. */
#include "daemon/call.h"
#include "daemon/routes.h"

#include <stdlib.h>

/* A piece: one TLS record. */
#define PIECE_BYTES 16384

struct contract {
	struct bd_call call; /* first */
	struct bd_bytes left;
};

static void end(struct contract *contract)
{
	bd_http_end(contract->call.exchange);
	bd_call_close(&contract->call);
	free(contract);
}

static void go_on(struct bd_call *call)
{
	struct contract *contract = (struct contract *)call;
	bool may_go_on = true;

	while (may_go_on && contract->left.len > 0) {
		struct bd_bytes *left = &contract->left;
		size_t len = left->len < PIECE_BYTES ? left->len : PIECE_BYTES;

		may_go_on = bd_http_write(call->exchange, (struct bd_bytes){ left->ptr, len });
		*left = (struct bd_bytes){ left->ptr + len, left->len - len };
	}
	if (contract->left.len == 0) {
		end(contract);
	}
}

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	(void)call;
	(void)bytes;
}

static void on_abort(struct bd_call *call)
{
	end((struct contract *)call);
}

static const struct bd_call_ops ops = { on_body, go_on, on_abort, go_on };

void bd_openapi_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };
	struct contract *contract;

	(void)parts;
	if (loop->setup->openapi.len == 0) {
		bd_problem_respond_code(
			exchange, BD_HTTP_NOT_FOUND, "openapi.json is not installed");
		return;
	}
	contract = calloc(1, sizeof(*contract));
	if (contract == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	bd_call_open(&contract->call, &ops, loop, exchange, sender);
	contract->left = contract->call.setup->openapi;
	bd_http_begin(exchange, 200, headers);
}
