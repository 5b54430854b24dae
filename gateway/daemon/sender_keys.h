/* sender_keys.h - the keys that senders sign with, as read from their files at load.
 *
 * Layer: daemon; part of struct bd_setup. A key file holds 64 to 128 hexadecimal digits and can be
 * read by nobody but its owner. Keys are ready for bd_hmac_of, which any thread may call.
 */
#ifndef BD_DAEMON_SENDER_KEYS_H
#define BD_DAEMON_SENDER_KEYS_H

#include "base/digest.h"
#include "config/settings.h"

struct bd_sender_keys;

/* Every fault is told: file, line of no use here. *out may be given to bd_sender_keys_free on
 * failure. */
enum bd_code bd_sender_keys_load(
	struct bd_sender_keys **out, const struct bd_senders *senders, struct bd_diags *diags);
void bd_sender_keys_free(struct bd_sender_keys *keys); /* NULL is allowed */
/* The secret of a platform (a text of 16 bytes at least) and whose it is, by its sid; NULL = none.
 */
const struct bd_sender *bd_sender_keys_platform(
	const struct bd_hmac **secret, const struct bd_sender_keys *keys, struct bd_bytes sid);
/* Whose key this is; NULL = nobody's. */
const struct bd_sender *bd_sender_keys_find(
	const struct bd_hmac **key, const struct bd_sender_keys *keys, struct bd_bytes id);

#endif
