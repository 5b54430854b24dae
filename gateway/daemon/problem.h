/* problem.h - a diag as the bodies that clients read: RFC 9457 problem details.
 *
 * Layer: daemon. Chinese unless the client asked for English; `code` is never translated; nothing
 * of a citizen's is in a diag, so nothing is here.
 */
#ifndef BD_DAEMON_PROBLEM_H
#define BD_DAEMON_PROBLEM_H

#include "base/diag.h"
#include "base/json_write.h"
#include "http/server.h"

/* The body of problem+json. source NULL = not about a source. */
enum bd_code bd_problem_write(
	struct bd_buf *body, const struct bd_diag *diag, const char *source, bool is_english);
/* What the client of this exchange asked for: Accept-Language. */
bool bd_problem_is_english(const struct bd_http_exchange *exchange);
/* Answers the exchange with the problem and the code's status; Retry-After with 429 and 503. */
void bd_problem_respond(
	struct bd_http_exchange *exchange, const struct bd_diag *diag, const char *source);
/* BD_HTTP_METHOD with the Allow header that RFC 9110 section 15.5.6 wants: "GET, POST". */
void bd_problem_respond_method(struct bd_http_exchange *exchange, const char *allow);
/* The same of a bare code. */
void bd_problem_respond_code(
	struct bd_http_exchange *exchange, enum bd_code code, const char *detail);

#endif
