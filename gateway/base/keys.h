/* keys.h - the master keys of a store, one an epoch, and their text. Layer: base.
 *
 * A text of keys has a line an epoch, "EPOCH HEX" with 64 hexadecimal digits, the epochs rising
 * from 1; a line of digits alone is epoch 1; blank lines and those that begin with '#' are passed
 * over. The last epoch is the one that is sealed under; earlier ones stay until nothing that was
 * sealed under them is left.
 */
#ifndef BD_BASE_KEYS_H
#define BD_BASE_KEYS_H

#include "base/bytes.h"
#include "base/diag.h"

#define BD_MASTER_KEY_BYTES 32
/* In one text: the present, the one before, and some that a slow hand has not removed. */
#define BD_EPOCHS_MAX 8
/* The text of all of them, with remarks. */
#define BD_KEYS_TEXT_MAX_BYTES 4096

/* How values are sealed, and names blinded. */
enum bd_sealing {
	BD_SEALING_AES_GCM = 0, /* AES-256-GCM, keys by HMAC-SHA256 */
	BD_SEALING_SM4_SM3      /* SM4-CTR, then HMAC-SM3; keys by HMAC-SM3 */
};
enum bd_blinding {
	BD_BLINDING_SHA256 = 0,
	BD_BLINDING_SM3,
	BD_BLINDING_AS_IT_IS /* of a store that is there, whatever it is */
};

/* As in the settings: "aes-256-gcm" ...; arrays ended by NULL. */
extern const char *const bd_sealing_names[], *const bd_blinding_names[];
static inline const char *bd_sealing_name(enum bd_sealing sealing)
{
	return bd_sealing_names[sealing];
}
static inline const char *bd_blinding_name(enum bd_blinding blinding)
{
	return bd_blinding_names[blinding];
}

struct bd_key {
	uint16_t epoch; /* from 1 */
	uint8_t bytes[BD_MASTER_KEY_BYTES];
};

/* In locked memory (locked.h). */
struct bd_keys {
	struct bd_key items[BD_EPOCHS_MAX]; /* by epoch */
	size_t count;
};

/* Empty. */
enum bd_code bd_keys_new(struct bd_keys **out);
void bd_keys_free(struct bd_keys *keys); /* NULL is allowed */
/* BD_CONFIG_MEANING names the line, never what stands in it. */
enum bd_code bd_keys_read(struct bd_keys *keys, struct bd_bytes text, struct bd_diag *diag);
enum bd_code bd_keys_write(struct bd_buf *out, const struct bd_keys *keys);
/* Behind those that are there; BD_LIMIT_COUNT past BD_EPOCHS_MAX. */
enum bd_code bd_keys_add(
	struct bd_keys *keys, uint16_t epoch, const uint8_t bytes[BD_MASTER_KEY_BYTES]);
/* A random one of the next epoch. */
enum bd_code bd_keys_add_new(struct bd_keys *keys);
/* NULL = none of this epoch. */
const struct bd_key *bd_keys_find(const struct bd_keys *keys, uint16_t epoch);

#endif
