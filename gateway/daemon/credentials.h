/* credentials.h - certificates, keys, revocation and deny lists of the TLS listener: read at the
 * start, looked at once a second, read again when they changed; and what is said of them.
 *
 * Layer: daemon. It lives on the main thread's loop. A file that changed is read when it has stayed
 * as it is from one look to the next, so a half written one is not, as a rule; replace files by
 * renaming. What cannot be used leaves what was in force, with an alarm. Each loop hears of a new
 * identity by letter and takes it for its next connection and its next look at the open ones.
 */
#ifndef BD_DAEMON_CREDENTIALS_H
#define BD_DAEMON_CREDENTIALS_H

#include "daemon/setup.h"
#include "http/server.h"
#include "http/tls.h"

struct uv_loop_s;
struct bd_daemon;
struct bd_loop;
struct bd_credentials;

/* Reasons why a handshake failed: the codes TLS_EXPIRED to TLS_CLIENT_REFUSED, in their order. */
#define BD_TLS_REASONS (BD_TLS_CLIENT_REFUSED - BD_TLS_EXPIRED + 1)
/* Alarms: the codes TLS_OWN_EXPIRES to TLS_FILES_REFUSED. */
#define BD_TLS_ALARMS (BD_TLS_FILES_REFUSED - BD_TLS_OWN_EXPIRES + 1)

/* Of one loop. The counts are atomic, read by /metrics from any loop; the rest is the loop's own.
 */
struct bd_secured_counts {
	uint64_t handshakes, resumed, closed; /* closed: connections that were open */
	uint64_t refused[BD_TLS_REASONS];
	/* When the log last said so, and how many since then: of handshakes, of open connections.
	 */
	int64_t told_ms[2][BD_TLS_REASONS];
	uint64_t untold[2][BD_TLS_REASONS];
};

struct bd_credentials_report {
	struct bd_http_tls_report tls;
	bool has_crl;
	bool alarms[BD_TLS_ALARMS];
};

/* Whether the files can be used. */
enum bd_code bd_credentials_check(const struct bd_setup *setup, struct bd_diag *diag);
/* NULL in *out without a TLS listener. uv: the main thread's, before it runs. */
enum bd_code bd_credentials_start(struct bd_credentials **out, struct bd_daemon *daemon,
	struct bd_setup *setup, struct uv_loop_s *uv, struct bd_diag *diag);
/* Main thread: by these settings, and at once. */
void bd_credentials_reload(struct bd_credentials *credentials, struct bd_setup *setup);
/* Main thread: no more looks, no more letters. The memory stays until the loop has run. NULL is
 * allowed, and twice. */
void bd_credentials_close(struct bd_credentials *credentials);
/* After the loop has run. NULL is allowed. */
void bd_credentials_free(struct bd_credentials *credentials);

/* Any thread. A reference for the caller. */
struct bd_http_identity *bd_credentials_take(struct bd_credentials *credentials);
void bd_credentials_report(struct bd_credentials_report *out, struct bd_credentials *credentials);
/* The loop's thread: counts it, and says in the log why somebody was refused: each reason once in
 * ten seconds, with how many more there were. */
void bd_credentials_count(struct bd_secured_counts *counts, const struct bd_http_secured *secured);

#endif
