#include "base/shares.h"

#include "base/digest.h"
#include "base/try.h"

#include <string.h>

#define VERSION 1
#define LINES 7
#define LINE_BYTES 8
#define LINE_CHECK_BYTES 2
#define PACKED_BYTES (LINES * LINE_BYTES)
#define WHOLE_CHECK_BYTES 6
/* What the check of all is over. */
#define CHECKED_BYTES (PACKED_BYTES - WHOLE_CHECK_BYTES)

/* -- GF(2^8): without branches or look-ups that depend on what is secret -- */

static uint8_t multiply(uint8_t a, uint8_t b)
{
	uint8_t product = 0;

	for (int i = 0; i < 8; i++) {
		product ^= (uint8_t)(-(b & 1) & a);
		a = (uint8_t)(a << 1 ^ (-(a >> 7) & 0x1b));
		b >>= 1;
	}
	return product;
}

/* a to the power of 254. */
static uint8_t invert(uint8_t a)
{
	uint8_t square = a, inverse = 1;

	for (int i = 0; i < 7; i++) {
		square = multiply(square, square);
		inverse = multiply(inverse, square);
	}
	return inverse;
}

/* -- making -- */

static enum bd_code check_of(uint8_t out[8], const struct bd_key *key)
{
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_hmac *hmac = NULL;
	enum bd_code code;

	BD_TRY(bd_hmac_new(
		&hmac, (struct bd_bytes){ (const char *)key->bytes, sizeof(key->bytes) }));
	code = bd_hmac_of(hmac, bd_bytes_of("bidui share check 1"), digest);
	bd_hmac_free(hmac);
	memcpy(out, digest, 8);
	return code;
}

/* By Horner, from the highest coefficient; the key's byte is the constant. */
static uint8_t value_at(uint8_t x, uint8_t constant, const uint8_t *others, size_t count)
{
	uint8_t value = 0;

	for (size_t i = count; i > 0; i--) {
		value = multiply(value ^ others[i - 1], x);
	}
	return value ^ constant;
}

static enum bd_code split_byte(struct bd_share *shares, size_t at, uint8_t byte)
{
	uint8_t coefficients[BD_SHARES_MAX];
	size_t count = shares[0].needed - 1U;

	BD_TRY(bd_random(coefficients, count));
	for (size_t i = 0; i < shares[0].of; i++) {
		shares[i].bytes[at] = value_at(shares[i].number, byte, coefficients, count);
	}
	bd_wipe(coefficients, sizeof(coefficients));
	return BD_OK;
}

enum bd_code bd_shares_make(struct bd_share *out, const struct bd_key *key, uint8_t needed,
	uint8_t of, struct bd_diag *diag)
{
	struct bd_share share = { .needed = needed, .of = of, .epoch = key->epoch };

	if (needed < 2 || needed > of || of > BD_SHARES_MAX) {
		return bd_fail(diag, BD_CONFIG_MEANING,
			"shares are M/N: 2 to %d shares, of which at least 2 give the key",
			BD_SHARES_MAX);
	}
	BD_TRY(bd_random(share.set, sizeof(share.set)));
	BD_TRY(check_of(share.check, key));
	for (uint8_t i = 0; i < of; i++) {
		out[i] = share;
		out[i].number = (uint8_t)(i + 1);
	}
	for (size_t i = 0; i < sizeof(key->bytes); i++) {
		BD_TRY(split_byte(out, i, key->bytes[i]));
	}
	return BD_OK;
}

/* -- joining -- */

/* Lagrange: by how much the i-th share counts at x. */
static uint8_t weight(const struct bd_share *const *shares, size_t count, size_t i, uint8_t x)
{
	uint8_t above = 1, below = 1;

	for (size_t j = 0; j < count; j++) {
		if (j != i) {
			above = multiply(above, shares[j]->number ^ x);
			below = multiply(below, shares[j]->number ^ shares[i]->number);
		}
	}
	return multiply(above, invert(below));
}

/* The polynomial through these shares, at x. */
static void evaluate(uint8_t out[BD_MASTER_KEY_BYTES], const struct bd_share *const *shares,
	size_t count, uint8_t x)
{
	memset(out, 0, BD_MASTER_KEY_BYTES);
	for (size_t i = 0; i < count; i++) {
		uint8_t by = weight(shares, count, i, x);

		for (size_t at = 0; at < BD_MASTER_KEY_BYTES; at++) {
			out[at] ^= multiply(by, shares[i]->bytes[at]);
		}
	}
}

static bool is_key(const struct bd_key *key, const uint8_t check[8])
{
	uint8_t own[8];

	return check_of(own, key) == BD_OK && bd_equal_secret(own, check, sizeof(own));
}

static enum bd_code fit_together(const struct bd_share *shares, size_t count, struct bd_diag *diag)
{
	for (size_t i = 1; i < count; i++) {
		if (memcmp(shares[i].set, shares[0].set, sizeof(shares[i].set)) != 0 ||
			memcmp(shares[i].check, shares[0].check, sizeof(shares[i].check)) != 0 ||
			shares[i].needed != shares[0].needed ||
			shares[i].epoch != shares[0].epoch) {
			return bd_fail(
				diag, BD_SHARE_MIXED, "share %zu was not made with share 1", i + 1);
		}
		for (size_t j = 0; j < i; j++) {
			if (shares[i].number == shares[j].number) {
				return bd_fail(diag, BD_SHARE_MIXED,
					"shares %zu and %zu are the same one", j + 1, i + 1);
			}
		}
	}
	return count >= shares[0].needed
		       ? BD_OK
		       : bd_fail(diag, BD_SHARE_FEW, "%zu shares of %u that are needed", count,
				 shares[0].needed);
}

/* The next choice of `needed` bits out of `count`; false after the last. */
static bool next_choice(uint32_t *choice, size_t count)
{
	uint32_t low = *choice & -*choice, ripple = *choice + low;

	*choice = ripple | ((*choice ^ ripple) / low >> 2);
	return *choice >> count == 0;
}

static size_t choose(
	const struct bd_share *out[BD_SHARES_MAX], const struct bd_share *shares, uint32_t choice)
{
	size_t count = 0;

	for (size_t i = 0; i < BD_SHARES_MAX; i++) {
		if ((choice >> i & 1) != 0) {
			out[count++] = &shares[i];
		}
	}
	return count;
}

/* Those that do not lie on the polynomial that gave the key. */
static uint32_t find_wrong(const struct bd_share *const *good, size_t good_count,
	const struct bd_share *shares, size_t count)
{
	uint8_t bytes[BD_MASTER_KEY_BYTES];
	uint32_t wrong = 0;

	for (size_t i = 0; i < count; i++) {
		evaluate(bytes, good, good_count, shares[i].number);
		wrong |= (uint32_t)!bd_equal_secret(bytes, shares[i].bytes, sizeof(bytes)) << i;
	}
	bd_wipe(bytes, sizeof(bytes));
	return wrong;
}

enum bd_code bd_shares_join(struct bd_key *out, uint32_t *wrong, const struct bd_share *shares,
	size_t count, struct bd_diag *diag)
{
	const struct bd_share *chosen[BD_SHARES_MAX];
	struct bd_key key;
	uint32_t choice;
	bool is_good = false;

	*wrong = 0;
	if (count == 0 || count > BD_SHARES_MAX) {
		return bd_fail(diag, BD_SHARE_FEW, "1 to %d shares", BD_SHARES_MAX);
	}
	BD_TRY(fit_together(shares, count, diag));
	choice = (UINT32_C(1) << shares[0].needed) - 1;
	key.epoch = shares[0].epoch;
	do {
		size_t used = choose(chosen, shares, choice);

		evaluate(key.bytes, chosen, used, 0);
		is_good = is_key(&key, shares[0].check);
		*wrong = is_good ? find_wrong(chosen, used, shares, count) : 0;
	} while (!is_good && next_choice(&choice, count));
	if (is_good) {
		*out = key;
	}
	bd_wipe(&key, sizeof(key));
	return is_good ? BD_OK
		       : bd_fail(diag, BD_SHARE_WRONG, "one of these %zu shares is not what it was",
				 count);
}

/* -- their text -- */

static enum bd_code line_check(
	uint8_t out[LINE_CHECK_BYTES], uint8_t number, const uint8_t bytes[LINE_BYTES])
{
	uint8_t all[1 + LINE_BYTES], digest[BD_DIGEST_BYTES];
	enum bd_code code;

	all[0] = number;
	memcpy(all + 1, bytes, LINE_BYTES);
	code = bd_sha256_of((struct bd_bytes){ (const char *)all, sizeof(all) }, digest);
	memcpy(out, digest, LINE_CHECK_BYTES);
	bd_wipe(all, sizeof(all));
	return code;
}

static enum bd_code pack(uint8_t out[PACKED_BYTES], const struct bd_share *share)
{
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_buf buf = { (char *)out, 0, PACKED_BYTES, PACKED_BYTES };

	BD_TRY(bd_buf_add_u8(&buf, VERSION));
	BD_TRY(bd_buf_add_u8(&buf, share->needed));
	BD_TRY(bd_buf_add_u8(&buf, share->of));
	BD_TRY(bd_buf_add_u8(&buf, share->number));
	BD_TRY(bd_buf_add_u16(&buf, share->epoch));
	BD_TRY(bd_buf_add(&buf, (struct bd_bytes){ (const char *)share->set, 4 }));
	BD_TRY(bd_buf_add(&buf, (struct bd_bytes){ (const char *)share->check, 8 }));
	BD_TRY(bd_buf_add(
		&buf, (struct bd_bytes){ (const char *)share->bytes, sizeof(share->bytes) }));
	BD_TRY(bd_sha256_of((struct bd_bytes){ (const char *)out, CHECKED_BYTES }, digest));
	return bd_buf_add(&buf, (struct bd_bytes){ (const char *)digest, WHOLE_CHECK_BYTES });
}

enum bd_code bd_share_write(struct bd_buf *out, const struct bd_share *share)
{
	uint8_t packed[PACKED_BYTES];

	BD_TRY(pack(packed, share));
	for (uint8_t i = 0; i < LINES; i++) {
		const uint8_t *line = packed + (size_t)i * LINE_BYTES;
		uint8_t check[LINE_CHECK_BYTES];

		BD_TRY(line_check(check, (uint8_t)(i + 1), line));
		BD_TRY(bd_buf_printf(out, "%u: %02x%02x %02x%02x %02x%02x %02x%02x  %02x%02x\n",
			i + 1U, line[0], line[1], line[2], line[3], line[4], line[5], line[6],
			line[7], check[0], check[1]));
	}
	bd_wipe(packed, sizeof(packed));
	return BD_OK;
}

/* The digits of a line, blanks left out; false when there are others, or not as many. */
static bool read_digits(uint8_t out[LINE_BYTES + LINE_CHECK_BYTES], struct bd_bytes line)
{
	char digits[2 * (LINE_BYTES + LINE_CHECK_BYTES)];
	size_t count = 0;
	bool is_good = true;

	for (size_t i = 0; i < line.len && is_good; i++) {
		if (strchr(" \t\r", line.ptr[i]) == NULL) {
			is_good = count < sizeof(digits);
			digits[is_good ? count++ : 0] = line.ptr[i];
		}
	}
	is_good = is_good &&
		  bd_unhex(out, LINE_BYTES + LINE_CHECK_BYTES, (struct bd_bytes){ digits, count });
	bd_wipe(digits, sizeof(digits));
	return is_good;
}

/* A line that begins with a number and a colon; others are remarks. */
static enum bd_code read_line(
	uint8_t packed[PACKED_BYTES], unsigned *seen, struct bd_bytes line, struct bd_diag *diag)
{
	uint8_t bytes[LINE_BYTES + LINE_CHECK_BYTES], check[LINE_CHECK_BYTES];
	unsigned number;
	bool is_good;

	while (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t')) {
		line.ptr++;
		line.len--;
	}
	if (line.len < 2 || line.ptr[0] < '1' || line.ptr[0] > '0' + LINES || line.ptr[1] != ':') {
		return BD_OK;
	}
	number = (unsigned)(line.ptr[0] - '0');
	is_good = read_digits(bytes, (struct bd_bytes){ line.ptr + 2, line.len - 2 }) &&
		  line_check(check, (uint8_t)number, bytes) == BD_OK &&
		  memcmp(check, bytes + LINE_BYTES, sizeof(check)) == 0;
	if (is_good) {
		memcpy(packed + (size_t)(number - 1) * LINE_BYTES, bytes, LINE_BYTES);
	}
	bd_wipe(bytes, sizeof(bytes));
	if (!is_good || (*seen >> number & 1) != 0) {
		return bd_fail(diag, BD_SHARE_FORM, "line %u: %s", number,
			is_good ? "stands twice" : "mistyped");
	}
	*seen |= 1U << number;
	return BD_OK;
}

static enum bd_code unpack(
	struct bd_share *out, const uint8_t packed[PACKED_BYTES], struct bd_diag *diag)
{
	struct bd_reader reader =
		bd_reader_of((struct bd_bytes){ (const char *)packed, PACKED_BYTES });
	uint8_t digest[BD_DIGEST_BYTES], version = bd_read_u8(&reader);
	struct bd_share share;

	share.needed = bd_read_u8(&reader);
	share.of = bd_read_u8(&reader);
	share.number = bd_read_u8(&reader);
	share.epoch = bd_read_u16(&reader);
	memcpy(share.set, bd_read_bytes(&reader, 4).ptr, 4);
	memcpy(share.check, bd_read_bytes(&reader, 8).ptr, 8);
	memcpy(share.bytes, bd_read_bytes(&reader, BD_MASTER_KEY_BYTES).ptr, BD_MASTER_KEY_BYTES);
	BD_TRY(bd_sha256_of((struct bd_bytes){ (const char *)packed, CHECKED_BYTES }, digest));
	if (memcmp(digest, packed + CHECKED_BYTES, WHOLE_CHECK_BYTES) != 0 || version != VERSION ||
		share.needed < 2 || share.needed > share.of || share.of > BD_SHARES_MAX ||
		share.number == 0 || share.number > share.of || share.epoch == 0) {
		return bd_fail(diag, BD_SHARE_FORM, "lines of two shares, or of another version");
	}
	*out = share;
	bd_wipe(&share, sizeof(share));
	return BD_OK;
}

enum bd_code bd_share_read(struct bd_share *out, struct bd_bytes text, struct bd_diag *diag)
{
	uint8_t packed[PACKED_BYTES];
	unsigned seen = 0;
	enum bd_code code = BD_OK;

	while (text.len > 0 && code == BD_OK) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;

		code = read_line(packed, &seen, (struct bd_bytes){ text.ptr, len }, diag);
		len += end != NULL ? 1 : 0;
		text.ptr += len;
		text.len -= len;
	}
	for (unsigned i = 1; i <= LINES && code == BD_OK; i++) {
		if ((seen >> i & 1) == 0) {
			code = bd_fail(diag, BD_SHARE_FORM, "line %u is missing", i);
		}
	}
	code = code == BD_OK ? unpack(out, packed, diag) : code;
	bd_wipe(packed, sizeof(packed));
	return code;
}
