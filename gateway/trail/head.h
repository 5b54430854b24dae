/* head.h - signed tree heads: what the signer states each second of the whole trail.
 *
 * Layer: trail. A head is signed over its body and names the body of the head before it, so the
 * heads are a chain of their own; its runs name the chains of the logs that grew. The leaves of the
 * tree are the entries in the order of the runs of head after head: of head h first the new entries
 * of the lowest loop, then of the next.
 *
 * Body: "bidui-head-1", u8 flags (1 = the trail was closed in order), u64 instance, u64 number, i64
 * time, u64 size, root, SHA-256 of the body before (zeroes for number 0), key id, u16 count of
 * runs, each u16 loop, u64 entries of the loop so far, its chain. In a file: u32 length of the
 * body, the body, the signature (base/sign.h, r || s).
 */
#ifndef BD_TRAIL_HEAD_H
#define BD_TRAIL_HEAD_H

#include "base/limits.h"
#include "base/merkle.h"
#include "base/sign.h"

#define BD_TRAIL_HEAD_MAGIC "bidui-head-1"

struct bd_trail_run {
	uint16_t loop;
	uint64_t count;
	struct bd_hash chain;
};

struct bd_trail_head {
	bool is_closed;
	uint64_t instance, number, size;
	int64_t time_ms;
	struct bd_hash root, previous;
	uint8_t key_id[BD_DIGEST_BYTES];
	size_t run_count;
	struct bd_trail_run runs[BD_TRAIL_LOOPS_MAX]; /* by loop */
};

#define BD_TRAIL_HEAD_MIN_BYTES (12 + 1 + 4 * 8 + 3 * BD_DIGEST_BYTES + 2)
#define BD_TRAIL_HEAD_MAX_BYTES                                                                    \
	(BD_TRAIL_HEAD_MIN_BYTES + BD_TRAIL_LOOPS_MAX * (2 + 8 + BD_DIGEST_BYTES))

/* As it stands in a file or in a proof. */
struct bd_trail_signed {
	struct bd_bytes body;
	uint8_t signature[BD_SIGNATURE_BYTES];
};

enum bd_code bd_trail_head_pack(struct bd_buf *out, const struct bd_trail_head *head);
/* False when it is no body of a head. */
bool bd_trail_head_unpack(struct bd_trail_head *out, struct bd_bytes body);

/* More keys than a trail will ever have seen. */
#define BD_TRAIL_KEYS_MAX 64
/* The keys that heads may be signed with. */
struct bd_trail_keys {
	struct bd_sign_key **items;
	size_t count;
};
/* From a file of one or more public keys in PEM. */
enum bd_code bd_trail_keys_read(
	struct bd_trail_keys *out, struct bd_bytes pem, struct bd_diag *diag);
void bd_trail_keys_free(struct bd_trail_keys *keys);
/* NULL when none has this id. */
const struct bd_sign_key *bd_trail_keys_find(
	const struct bd_trail_keys *keys, const uint8_t id[BD_DIGEST_BYTES]);

/* Unpacks it and checks that one of the keys signed it: BD_TRAIL_DAMAGED for no head,
 * BD_SIGNATURE_WRONG. */
enum bd_code bd_trail_head_check(struct bd_trail_head *out, const struct bd_trail_signed *head,
	const struct bd_trail_keys *keys, struct bd_diag *diag);

#endif
