/* platform.h - what a government service platform signs of a call: its headers gjzwfwpt_sid, _rid,
 * _rtime and _sign.
 *
 * Layer: daemon; pure, called by daemon/identify.c. The signature is base64(HMAC-SHA256(sid + rid +
 * rtime, secret)), without marks between the parts: a rid of another length could be another sid,
 * so each part is held to its form. Neither the address nor the body is signed.
 */
#ifndef BD_DAEMON_PLATFORM_H
#define BD_DAEMON_PLATFORM_H

#include "base/digest.h"

/* Borrowed from the headers. */
struct bd_platform {
	struct bd_bytes sid, rid, rtime, sign;
	int64_t signed_ms; /* as rtime says */
};

/* False: not of the form. sid has 1 to 128 bytes, rid 16 to 64 of A-Z a-z 0-9 - _, rtime 13 digits
 * of milliseconds since 1970 or 10 of seconds. */
bool bd_platform_read(struct bd_platform *out, struct bd_bytes sid, struct bd_bytes rid,
	struct bd_bytes rtime, struct bd_bytes sign);
/* Compared in a time that tells nothing. */
bool bd_platform_is_signed(const struct bd_platform *platform, const struct bd_hmac *secret);

#endif
