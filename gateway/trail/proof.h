/* proof.h - a receipt with its proof as a JSON file: checked offline, with the public key alone.
 *
 * Layer: trail. The form is schemas/openapi.yaml, ReceiptProof:
 *   {"format":"bidui-proof-1","receipt":ID,"entry":BASE64,"leaf":N,"path":[HEX,...],
 *    "head":{"body":BASE64,"signature":BASE64,"key":HEX}}
 * `entry` is the body that is hashed (entry.h), `body` that which is signed (head.h). What stands
 * there besides, for people, has to agree with them; so no byte of the file can be changed unseen
 * but blanks between its members.
 */
#ifndef BD_TRAIL_PROOF_H
#define BD_TRAIL_PROOF_H

#include "base/json.h"
#include "base/json_write.h"
#include "trail/trail.h"

/* A file of a proof: an entry and a head in base64, and some dozen hashes. */
#define BD_TRAIL_PROOF_MAX_BYTES 1048576

enum bd_code bd_trail_proof_write(struct bd_buf *out, const struct bd_trail_proof *proof);
/* The member `head`, or with key NULL a file of its own: what a witness keeps. */
void bd_trail_signed_write(
	struct bd_json_writer *writer, const char *key, const struct bd_trail_signed *head);

/* What a file proves, in the arena. */
struct bd_trail_proven {
	struct bd_trail_entry entry;
	struct bd_trail_head head;
	uint64_t leaf;
};
/* BD_RECEIPT_FORM, BD_PROOF_WRONG, BD_SIGNATURE_WRONG, or an error of JSON; the diag has the
 * member. */
enum bd_code bd_trail_proof_check(struct bd_trail_proven *out, struct bd_bytes json,
	const struct bd_trail_keys *keys, struct bd_arena *arena, struct bd_diag *diag);
/* The members body, signature and key of an object, which have to agree; in the arena. */
bool bd_trail_signed_read(
	struct bd_trail_signed *out, const struct bd_json *object, struct bd_arena *arena);
/* The signed head of a file: of a proof, or of a head alone. Its signature is not looked at. */
enum bd_code bd_trail_witness_read(struct bd_trail_signed *out, struct bd_bytes json,
	struct bd_arena *arena, struct bd_diag *diag);

#endif
