/* sealed.h - a message of which the adapter says that it is signed, or that its payload is
 * encrypted: checked and opened before anything of it is read.
 *
 * Layer: intake. Runs where the decoder runs, and holds no key: it finds the members, forms the
 * text that was signed, and asks an opener by the keys' names. Such a message is JSON in UTF-8 and
 * is gathered whole, up to BD_SEALED_MESSAGE_MAX_BYTES. What the decoder gets is the message with
 * the opened document in the place of the sealed text; so a place behind it counts from there.
 *
 * Whatever is wrong with a sealed payload (its coding, its length, its padding, what came out, or a
 * signature over what came out) is BD_ENVELOPE_SEALED with one and the same text: who may send
 * texts to be opened must not learn how far one came. What is wrong with a signature over what was
 * received is BD_ENVELOPE_SIGNATURE, and then nothing is opened.
 */
#ifndef BD_INTAKE_SEALED_H
#define BD_INTAKE_SEALED_H

#include "base/sign.h"
#include "base/sm4_blocks.h"
#include "intake/plan.h"

/* What is asked for, by the names of keys. Texts are borrowed. */
struct bd_open_request {
	const char *cipher_key; /* NULL = nothing is sealed */
	enum bd_cipher cipher;
	struct bd_bytes iv, sealed; /* iv: BD_SM4_BLOCKS_BYTES, or empty */
	const char *sign_key;       /* NULL = nothing is signed */
	uint8_t signature[BD_SIGNATURE_BYTES];
	/* The text that was signed: before, what was opened if is_of_opened, after, and the secret
	 * of this name, NULL = none. */
	struct bd_bytes before, after;
	bool is_of_opened;
	const char *secret;
};

/* Who holds the keys. */
struct bd_opener;
struct bd_opener {
	/* Appends what was opened. BD_ENVELOPE_KEY: a key that is not there; BD_ENVELOPE_SIGNATURE,
	 * BD_ENVELOPE_SEALED, or an error of its own. */
	enum bd_code (*open)(struct bd_opener *self, struct bd_buf *opened,
		const struct bd_open_request *request);
};

/* Is there anything to be checked or opened in messages of this feed? */
static inline bool bd_sealed_concerns(const struct bd_feed_plan *feed)
{
	return feed->sealed_count + feed->signature_count > 0;
}

/* Appends the message as the decoder is to read it. opener NULL = no key is there. The diag has the
 * member, line and column; or an error of JSON. */
enum bd_code bd_sealed_open(struct bd_buf *out, struct bd_bytes message,
	const struct bd_feed_plan *feed, struct bd_opener *opener, struct bd_diag *diag);

/* For who carries a request to somebody else: whole, or false. Texts come from the arena. */
enum bd_code bd_open_request_pack(struct bd_buf *out, const struct bd_open_request *request);
bool bd_open_request_unpack(
	struct bd_open_request *out, struct bd_bytes bytes, struct bd_arena *arena);

#endif
