#include "daemon/document.h"

#include "base/limits.h"

void bd_document_respond(
	struct bd_http_exchange *exchange, const char *type, const char *link, struct bd_bytes body)
{
	const struct bd_http_header headers[] = { { "Content-Type", type },
		{ "Cache-Control", "no-store" }, { link[0] != '\0' ? "Link" : NULL, link },
		{ NULL, NULL } };

	bd_http_respond(exchange, 200, headers, body);
}

void bd_document_begin(
	struct bd_document *document, struct bd_loop *loop, struct bd_http_exchange *exchange)
{
	*document = (struct bd_document){ .loop = loop, .exchange = exchange };
	bd_arena_init(&document->arena, BD_REQUEST_ARENA_MAX_BYTES);
	bd_buf_init(&document->body, BD_REQUEST_ARENA_MAX_BYTES);
	bd_jw_init(&document->json, &document->body);
}

void bd_document_end(struct bd_document *document, enum bd_code code)
{
	code = code == BD_OK ? document->json.code : code;
	if (code == BD_OK) {
		bd_document_respond(document->exchange, "application/json", document->link,
			bd_buf_bytes(&document->body));
	} else {
		document->diag.code = code;
		bd_count(&document->loop->counts.refused, 1);
		bd_problem_respond(document->exchange, &document->diag, NULL);
	}
	bd_buf_release(&document->body);
	bd_arena_release(&document->arena);
}

void bd_document_answer(struct bd_loop *loop, struct bd_http_exchange *exchange,
	enum bd_code (*write)(struct bd_document *document, void *given), void *given)
{
	struct bd_document document;
	enum bd_code code;

	bd_document_begin(&document, loop, exchange);
	code = bd_store_begin(loop->reader, &document.diag);
	if (code == BD_OK) {
		code = write(&document, given);
		bd_store_end(loop->reader);
	}
	bd_document_end(&document, code);
}
