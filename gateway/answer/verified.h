/* verified.h - a source that judges the claim itself 核验 and says only 一致 or 不一致. Layer:
 * answer, private to it.
 *
 * What it judged is known by a digest: SHA-256 in lower-case hex over kind of identifier, number,
 * field and claim, in normal form, each followed by U+001F. A verdict that has expired says
 * nothing. No value is held: the finding says `via: source`.
 */
#ifndef BD_ANSWER_VERIFIED_H
#define BD_ANSWER_VERIFIED_H

#include "answer/evidence.h"

#define BD_CLAIM_DIGEST_SIZE 65 /* with its NUL */

enum bd_code bd_claim_digest(char out[BD_CLAIM_DIGEST_SIZE], const struct bd_identifier *subject,
	const struct bd_field *field, struct bd_bytes claim, const struct bd_dictionary *dict);
/* *is_told: a verdict in force is held, and the finding is made of it. */
enum bd_code bd_judge_verified(struct bd_finding *finding, bool *is_told,
	const struct bd_work *work, const struct bd_held *held, const struct bd_value *claim);

#endif
