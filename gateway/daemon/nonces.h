/* nonces.h - what was signed with a key counts once: the nonces of a window of time, remembered.
 *
 * Layer: daemon; one for all loops, any thread. Memory is bounded: four tables of BD_NONCES_MAX
 * entries of 16 bytes, touched as they fill; when one is full, requests are refused and not
 * forgotten. A nonce is remembered as 96 bits of a digest under a key drawn at the start. After a
 * start nothing is remembered: what was signed before it is refused. A client whose clock is ahead
 * by as much as the window allows can be replayed in that time after a start, by who could read the
 * request; requests travel over TLS or within this machine.
 */
#ifndef BD_DAEMON_NONCES_H
#define BD_DAEMON_NONCES_H

#include "base/bytes.h"

struct bd_nonces;

/* window_ms: how far from our time something may be signed, both ways. NULL: no memory. */
struct bd_nonces *bd_nonces_new(uint64_t window_ms, int64_t now_ms);
void bd_nonces_free(struct bd_nonces *nonces); /* NULL is allowed */

/* Takes what was signed, after its signature was found right. BD_OK once; then BD_AUTH_REPLAY.
 * BD_AUTH_TIME: outside the window, or signed before the start. BD_BUSY: the table is full. */
enum bd_code bd_nonces_take(struct bd_nonces *nonces, struct bd_bytes key_id, struct bd_bytes nonce,
	int64_t signed_ms, int64_t now_ms);
/* Only whether the time is right, for before the signature is looked at. */
enum bd_code bd_nonces_look(const struct bd_nonces *nonces, int64_t signed_ms, int64_t now_ms);

#endif
