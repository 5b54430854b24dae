/* document.h - one JSON document of ours as the whole answer to a request that has no body of its
 * own.
 *
 * Layer: daemon, on the loop's thread. What cannot be written is answered with its problem instead.
 */
#ifndef BD_DAEMON_DOCUMENT_H
#define BD_DAEMON_DOCUMENT_H

#include "base/json_write.h"
#include "daemon/call.h"

struct bd_document {
	struct bd_loop *loop;
	struct bd_http_exchange *exchange;
	struct bd_buf body;         /* what is answered */
	struct bd_json_writer json; /* writes into it */
	struct bd_arena arena;      /* for what is read for it */
	struct bd_diag diag;        /* why not, where the code of bd_document_end is none */
	char link[512];             /* RFC 8288, of the next page; "" = none */
};

/* 200 with these headers, and Cache-Control: no-store. */
void bd_document_respond(struct bd_http_exchange *exchange, const char *type, const char *link,
	struct bd_bytes body);

void bd_document_begin(
	struct bd_document *document, struct bd_loop *loop, struct bd_http_exchange *exchange);
/* Answers with what was written, or, with a code of the caller's or the writer's, with the problem;
 * releases. */
void bd_document_end(struct bd_document *document, enum bd_code code);
/* The same around a snapshot of the store. */
void bd_document_answer(struct bd_loop *loop, struct bd_http_exchange *exchange,
	enum bd_code (*write)(struct bd_document *document, void *given), void *given);

#endif
