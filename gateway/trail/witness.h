/* witness.h - heads of the trail as somebody else keeps them: seen, countersigned, in a file that
 * only grows, on a machine of their own.
 *
 * Layer: trail. Who holds the signing key could cut the trail or write it anew and sign it again;
 * not so that it agrees with a head that a second party keeps. A line of a witness's file is JSON:
 *   {"format":"bidui-witness-1","head":{"body":BASE64,"signature":BASE64,"key":HEX},"at":NUMBER,
 *    "witness":HEX,"countersignature":BASE64}
 * `at` is in milliseconds since 1970, `witness` the id of the witness's key (base/sign.h). What is
 * countersigned is a text of seven lines, so that it can be checked with standard tools: the
 * format, the instance (16 hexadecimal digits), the head's number, its size, its root, SHA-256 of
 * its body, and `at`. A line may also be a head alone, or a receipt's proof: seen, by nobody in
 * particular.
 */
#ifndef BD_TRAIL_WITNESS_H
#define BD_TRAIL_WITNESS_H

#include "base/arena.h"
#include "trail/head.h"

/* A line: a head, a hash or two in JSON. */
#define BD_TRAIL_WITNESS_LINE_MAX_BYTES 65536

struct bd_trail_witnessed {
	struct bd_trail_signed head;
	bool is_countersigned;
	int64_t at_ms;
	uint8_t witness[BD_DIGEST_BYTES];
	uint8_t countersignature[BD_SIGNATURE_BYTES];
};

/* Appends the line, without its end. key: the witness's private one. BD_TRAIL_DAMAGED: no head. */
enum bd_code bd_trail_witness_write(struct bd_buf *out, const struct bd_trail_signed *head,
	const struct bd_sign_key *key, int64_t at_ms, struct bd_diag *diag);
/* A line, or a file of a head or a proof; in the arena. Nothing is checked but its form:
 * BD_WITNESS_FORM, or an error of JSON. */
enum bd_code bd_trail_witness_take(struct bd_trail_witnessed *out, struct bd_bytes json,
	struct bd_arena *arena, struct bd_diag *diag);
/* The head is signed by one of keys, and countersigned by one of witnesses (NULL = by whomever, or
 * not at all): BD_SIGNATURE_WRONG, BD_WITNESS_FORM. *head may not be NULL. */
enum bd_code bd_trail_witness_check(struct bd_trail_head *head,
	const struct bd_trail_witnessed *witnessed, const struct bd_trail_keys *keys,
	const struct bd_trail_keys *witnesses, struct bd_diag *diag);

/* -- all that was seen ----------------------------------------------------------------------------
 */
struct bd_trail_seen_head {
	uint64_t number, size;
	struct bd_hash body; /* SHA-256 of it */
};
struct bd_trail_seen {
	struct bd_trail_seen_head *items; /* by number, each once */
	size_t count;
	uint64_t instance;
};

/* Every line of a file, checked as above; or a file of one JSON over several lines. The diag has
 * the line. Besides: BD_TRAIL_DAMAGED, two heads of one number, or sizes that shrink: whoever
 * signed them has shown different trails (a split view), or it is of two trails. */
enum bd_code bd_trail_seen_read(struct bd_trail_seen *out, struct bd_bytes text,
	const struct bd_trail_keys *keys, const struct bd_trail_keys *witnesses,
	struct bd_diag *diag);
void bd_trail_seen_free(struct bd_trail_seen *seen);

#endif
