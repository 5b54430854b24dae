/* fuzz_shares.c - any bytes as the typed text of a share, and as shares that are joined: refused,
 * or read as it would be written.
 */
#include "base/shares.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SHARES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void read_text(struct bd_bytes text)
{
	struct bd_share share, again;
	struct bd_buf written;

	if (bd_share_read(&share, text, NULL) != BD_OK) {
		return;
	}
	must(share.needed >= 2 && share.needed <= share.of && share.of <= BD_SHARES_MAX &&
		share.number >= 1 && share.number <= share.of);
	bd_buf_init(&written, BD_SHARE_TEXT_MAX_BYTES);
	must(bd_share_write(&written, &share) == BD_OK);
	must(bd_share_read(&again, bd_buf_bytes(&written), NULL) == BD_OK);
	must(memcmp(share.bytes, again.bytes, sizeof(share.bytes)) == 0 &&
		share.number == again.number && share.needed == again.needed);
	bd_buf_release(&written);
}

/* A share of which a byte was changed gives no key, or is found by the others. */
static void join(const uint8_t *data, size_t size)
{
	struct bd_share shares[SHARES];
	struct bd_key key = { .epoch = 1 }, back;
	uint32_t wrong = 0;
	size_t which, at;
	enum bd_code code;

	if (size < sizeof(key.bytes) + 3 || data[2] == 0) {
		return;
	}
	memcpy(key.bytes, data + 3, sizeof(key.bytes));
	must(bd_shares_make(shares, &key, 2, SHARES, NULL) == BD_OK);
	must(bd_shares_join(&back, &wrong, shares, SHARES, NULL) == BD_OK && wrong == 0 &&
		memcmp(back.bytes, key.bytes, sizeof(key.bytes)) == 0);
	which = data[0] % SHARES;
	at = data[1] % sizeof(shares[0].bytes);
	shares[which].bytes[at] ^= data[2];
	code = bd_shares_join(&back, &wrong, shares, SHARES, NULL);
	must(code == BD_OK && wrong == UINT32_C(1) << which &&
		memcmp(back.bytes, key.bytes, sizeof(key.bytes)) == 0);
	must(bd_shares_join(&back, &wrong, &shares[which == 0 ? 0 : which - 1], 2, NULL) ==
		BD_SHARE_WRONG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_text((struct bd_bytes){ (const char *)data, size });
	join(data, size);
	return 0;
}
