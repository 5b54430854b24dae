/* shares.h - a master key in shares, any m of which give it back (Shamir 1979), and their text.
 *
 * Layer: base. Each byte of the key is the constant of a polynomial of degree m - 1 over GF(2^8)
 * modulo x^8 + x^4 + x^3 + x + 1, the other coefficients random; a share is its value at the
 * share's number. Fewer than m shares say nothing of the key. (Debian's libgfshare has had no
 * release since 2011 and looks its products up in tables; this is less code than calling it.)
 *
 * A text is seven lines of five groups of four hexadecimal digits, "1: 0102 0305 0001 9f3a  c41d":
 * the fifth is the front of SHA-256 over the line's number and bytes, so that a line that was
 * mistyped is named. Lines of another form are remarks.
 */
#ifndef BD_BASE_SHARES_H
#define BD_BASE_SHARES_H

#include "base/keys.h"

/* People who keep one. */
#define BD_SHARES_MAX 16
#define BD_SHARE_TEXT_MAX_BYTES 4096

struct bd_share {
	uint8_t needed, of, number; /* any `needed` of `of`; this is the number-th, from 1 */
	uint16_t epoch;
	uint8_t set[4];   /* the same of all shares that were made together */
	uint8_t check[8]; /* of the key: whether what came back is it */
	uint8_t bytes[BD_MASTER_KEY_BYTES];
};

/* BD_CONFIG_MEANING: not 2 <= needed <= of <= BD_SHARES_MAX. */
enum bd_code bd_shares_make(struct bd_share *out, const struct bd_key *key, uint8_t needed,
	uint8_t of, struct bd_diag *diag);
/* The key of at least `needed` shares of one set. Where there are more, one that is wrong is found
 * by the others: *wrong takes a bit for each, by its place in `shares`. BD_SHARE_FEW,
 * BD_SHARE_MIXED (of two sets, or one twice), BD_SHARE_WRONG: they do not give the key. */
enum bd_code bd_shares_join(struct bd_key *out, uint32_t *wrong, const struct bd_share *shares,
	size_t count, struct bd_diag *diag);

enum bd_code bd_share_write(struct bd_buf *out, const struct bd_share *share);
/* BD_SHARE_FORM names the line. */
enum bd_code bd_share_read(struct bd_share *out, struct bd_bytes text, struct bd_diag *diag);

#endif
