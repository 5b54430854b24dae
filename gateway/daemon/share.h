/* share.h - whether a sender may still ask what it asks now (quota.h), with what it is told if not.
 *
 * Layer: daemon, on the loop's thread. The diag has the seconds of Retry-After.
 */
#ifndef BD_DAEMON_SHARE_H
#define BD_DAEMON_SHARE_H

#include "answer/question.h"
#include "daemon/loop.h"

/* One request; one line of a batch. */
enum bd_code bd_share_request(
	const struct bd_setup *setup, const struct bd_sender *sender, struct bd_diag *diag);
enum bd_code bd_share_line(
	const struct bd_setup *setup, const struct bd_sender *sender, struct bd_diag *diag);
/* The subjects of a case that have a number, and the values claimed of them. */
enum bd_code bd_share_case(const struct bd_setup *setup, const struct bd_sender *sender,
	const struct bd_case *asked, int64_t now_ms, struct bd_diag *diag);
/* One subject that is queried. */
enum bd_code bd_share_subject(const struct bd_setup *setup, const struct bd_sender *sender,
	const struct bd_identifier *subject, int64_t now_ms, struct bd_diag *diag);

#endif
