/* call.h - one request being answered: what every route keeps, and what the loop tells it.
 *
 * Layer: daemon. A call is made by its route and freed by it after the one bd_http_respond or
 * bd_http_end.
 */
#ifndef BD_DAEMON_CALL_H
#define BD_DAEMON_CALL_H

#include "daemon/access.h"
#include "daemon/loop.h"
#include "daemon/problem.h"

struct bd_call;

struct bd_call_ops {
	void (*on_body)(struct bd_call *call, struct bd_bytes bytes);
	void (*on_body_end)(struct bd_call *call);
	void (*on_abort)(
		struct bd_call *call); /* the client is gone: end the exchange all the same */
	void (*on_writable)(struct bd_call *call); /* may be NULL */
};

struct bd_call {
	const struct bd_call_ops *ops;
	struct bd_loop *loop;
	struct bd_http_exchange *exchange;
	struct bd_setup *setup;         /* a reference */
	const struct bd_sender *sender; /* of setup; NULL on open routes */
};

/* Fills a zeroed call, takes a reference on the loop's setup and becomes the exchange's state. */
void bd_call_open(struct bd_call *call, const struct bd_call_ops *ops, struct bd_loop *loop,
	struct bd_http_exchange *exchange, const struct bd_sender *sender);
/* Gives the reference back. The exchange must have been answered. */
void bd_call_close(struct bd_call *call);

/* Value of a parameter of the query, percent-decoded into out (NUL at its end); false when it is
 * not there, is there twice or does not fit (then *code is BD_QUESTION_FORM). */
bool bd_call_parameter(
	char *out, size_t size, enum bd_code *code, struct bd_bytes query, const char *name);
/* "true" or "false"; not there = false. */
enum bd_code bd_call_flag(bool *out, struct bd_bytes query, const char *name);
/* Bidui-Subject: KIND:NUMBER, as it is stored; header ptr NULL = none, and *out is left alone. */
enum bd_code bd_subject_header(struct bd_identifier *out, struct bd_bytes header,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diag *diag);
/* A content type, its parameters not counted, in any case. */
bool bd_call_is_type(struct bd_bytes type, const char *name);
/* A body of JSON that is not compressed. */
bool bd_call_is_json(const struct bd_http_exchange *exchange);
/* Ids of messages and receipts as text. */
void bd_call_message_id(char out[24], uint64_t message);

#endif
