/* message_keys.h - the keys that departments agreed on with us for their messages, by name.
 *
 * Layer: daemon. One folder, a file a key: NAME.pub a public key in PEM that signatures are checked
 * with, NAME.key 32 hexadecimal digits of SM4, NAME.secret a text that stands behind what is
 * signed. The last two only their owner may read. Any other file is an error, so that a slip shows.
 * Read-only after loading, counted, and given back wiped.
 */
#ifndef BD_DAEMON_MESSAGE_KEYS_H
#define BD_DAEMON_MESSAGE_KEYS_H

#include "base/diag.h"
#include "base/digest.h"
#include "intake/sealed.h"

struct bd_message_keys;

/* folder NULL = no keys at all. BD_CONFIG_REFERENCE, BD_CONFIG_MEANING, BD_KEY_FORM; the diag names
 * the file. */
enum bd_code bd_message_keys_load(
	struct bd_message_keys **out, const char *folder, struct bd_diag *diag);
/* HMAC-SHA256 under `key` of all of them, in the order of their names: it shows that one has
 * changed, and lets nobody who has not that key try what one is. *has_any false: there are none. */
enum bd_code bd_message_keys_digest(uint8_t out[BD_DIGEST_BYTES], bool *has_any,
	const struct bd_message_keys *keys, const uint8_t key[BD_DIGEST_BYTES]);
struct bd_message_keys *bd_message_keys_ref(struct bd_message_keys *keys); /* NULL is allowed */
void bd_message_keys_unref(struct bd_message_keys *keys);

/* As intake/sealed.h asks of an opener. Any thread. keys NULL = none. */
enum bd_code bd_message_keys_open(const struct bd_message_keys *keys, struct bd_buf *opened,
	const struct bd_open_request *request);

#endif
