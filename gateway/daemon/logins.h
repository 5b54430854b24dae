/* logins.h - people's passwords: checked on a thread of its own, remembered for a while when right,
 * slowed down when wrong.
 *
 * Layer: daemon; one for all loops, any thread but where said. scrypt takes a tenth of a second, so
 * a loop never does it: at most BD_LOGINS_WAITING_MAX wait, further ones are told to try again.
 * After BD_LOGIN_FAILURES_MAX wrong passwords in a row a name has to wait, 30 s at first and twice
 * as long with each further one, BD_LOGIN_WAIT_MAX_S at most; the right password is not looked at
 * meanwhile, so that the wait tells nothing. A name that there is not costs the same time and waits
 * the same way. Only a password that was looked at ends the row, not one that is remembered: else
 * whoever guesses beside a busy account would never wait. A right password is remembered for
 * BD_LOGIN_KEPT_MS as a digest under a key drawn at the start, with the account's own, so that a
 * changed account is asked anew. Memory is bounded: a place for each account, and 1,024 that all
 * other names share. Nothing is kept over a restart but what account there is: then the wait is
 * over, and the time of the last login is not known.
 */
#ifndef BD_DAEMON_LOGINS_H
#define BD_DAEMON_LOGINS_H

#include "base/digest_scrypt.h"
#include "base/limits.h"
#include "daemon/mailbox.h"

struct bd_logins;

/* What somebody says who they are; in the memory of whoever waits for it. */
struct bd_login {
	struct bd_letter letter; /* set deliver; comes to home */
	struct bd_mailbox *home;
	char name[BD_ACCOUNT_NAME_MAX_BYTES + 1];
	char password[BD_PASSWORD_MAX_BYTES + 1];
	size_t password_len;
	bool is_known; /* there is such an account, and it is not disabled */
	struct bd_password kept;
	bool is_right;         /* out */
	struct bd_login *next; /* private */
};

/* What is told of an account. */
struct bd_login_state {
	/* Of this login, the one before it, and the last failure; 0 = none since the start. */
	int64_t last_ms, previous_ms, failed_ms;
	uint64_t failures;        /* in a row, by now */
	uint64_t failures_before; /* this login */
};

enum bd_login_answer { BD_LOGIN_ASK = 0, BD_LOGIN_RIGHT, BD_LOGIN_WAIT };

enum bd_code bd_logins_start(struct bd_logins **out);
void bd_logins_stop(struct bd_logins *logins); /* answers what waits as wrong; NULL is allowed */
/* Without waiting: remembered, to be asked, or not now: then *wait_s says when. */
enum bd_login_answer bd_logins_look(
	uint32_t *wait_s, struct bd_logins *logins, const struct bd_login *login, int64_t now_ms);
/* BD_BUSY: too many wait. Else login->letter is delivered, once, and the password is wiped. */
enum bd_code bd_logins_ask(struct bd_logins *logins, struct bd_login *login);
void bd_logins_state(struct bd_login_state *out, struct bd_logins *logins, const char *name);

#endif
