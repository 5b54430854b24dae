/* test_sm4_blocks.c - SM4 against the standard's vectors, and every way in which a sealed text is
 * none. */
#include "base/sm4_blocks.h"

#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* GB/T 32907-2016 appendix A: key and text are the same. */
static const char standard_key[] = "0123456789abcdeffedcba9876543210";
static const char standard_once[] = "681edf34d206965e86b3e94f536e4246";
static const char standard_million[] = "595298c7c6fd271f0402f804c33d3f66";

static void unhex(uint8_t *out, size_t len, const char *text)
{
	assert_true(bd_unhex(out, len, bd_bytes_of(text)));
}

/* The first block of what is sealed: the block of padding behind it is cut off. */
static void seal_block(uint8_t block[BD_SM4_BLOCKS_BYTES],
	const uint8_t key[BD_SM4_BLOCKS_KEY_BYTES], struct bd_buf *buf)
{
	bd_buf_clear(buf);
	assert_int_equal(bd_sm4_blocks_seal(buf, BD_SM4_BLOCKS_ECB, key, NULL,
				 (struct bd_bytes){ (char *)block, BD_SM4_BLOCKS_BYTES }),
		BD_OK);
	assert_int_equal(buf->len, 2 * BD_SM4_BLOCKS_BYTES);
	memcpy(block, buf->ptr, BD_SM4_BLOCKS_BYTES);
}

static void test_the_standard_once_and_again(void **state)
{
	uint8_t key[BD_SM4_BLOCKS_KEY_BYTES], block[BD_SM4_BLOCKS_BYTES],
		wanted[BD_SM4_BLOCKS_BYTES];
	struct bd_buf buf;

	(void)state;
	bd_buf_init(&buf, 4096);
	unhex(key, sizeof(key), standard_key);
	unhex(block, sizeof(block), standard_key);
	unhex(wanted, sizeof(wanted), standard_once);
	seal_block(block, key, &buf);
	assert_memory_equal(block, wanted, sizeof(wanted));
	/* Appendix A.2: a million times. A chain of 4,096 blocks at once by CBC of zeroes would be
	 * another text, so each goes alone. */
	for (int i = 1; i < 1000000; i++) {
		seal_block(block, key, &buf);
	}
	unhex(wanted, sizeof(wanted), standard_million);
	assert_memory_equal(block, wanted, sizeof(wanted));
	bd_buf_release(&buf);
}

static void test_there_and_back(void **state)
{
	static const enum bd_sm4_blocks_mode modes[] = { BD_SM4_BLOCKS_ECB, BD_SM4_BLOCKS_CBC };
	uint8_t key[BD_SM4_BLOCKS_KEY_BYTES], iv[BD_SM4_BLOCKS_BYTES] = { 1, 2, 3 };
	char text[70];
	struct bd_buf sealed, opened;

	(void)state;
	unhex(key, sizeof(key), standard_key);
	memset(text, 'x', sizeof(text));
	bd_buf_init(&sealed, 4096);
	bd_buf_init(&opened, 4096);
	for (size_t i = 0; i < 2 * sizeof(text); i++) {
		struct bd_bytes given = { text, i / 2 };

		bd_buf_clear(&sealed);
		bd_buf_clear(&opened);
		assert_int_equal(bd_sm4_blocks_seal(&sealed, modes[i % 2], key, iv, given), BD_OK);
		assert_true(
			bd_sm4_blocks_open(&opened, modes[i % 2], key, iv, bd_buf_bytes(&sealed)));
		assert_true(bd_bytes_equal(bd_buf_bytes(&opened), given));
	}
	bd_buf_release(&sealed);
	bd_buf_release(&opened);
}

/* Every last byte that is no padding, every byte before it that should be one. */
static void test_what_is_not_padded(void **state)
{
	uint8_t key[BD_SM4_BLOCKS_KEY_BYTES], block[BD_SM4_BLOCKS_BYTES];
	struct bd_buf sealed, opened;
	size_t good = 0;

	(void)state;
	unhex(key, sizeof(key), standard_key);
	bd_buf_init(&sealed, 4096);
	bd_buf_init(&opened, 4096);
	for (unsigned last = 0; last < 256; last++) {
		for (unsigned wrong = 0; wrong < BD_SM4_BLOCKS_BYTES; wrong++) {
			bool is_good =
				last >= 1 && last <= 16 && (wrong == 15 || wrong < 16 - last);
			bool is_open;

			memset(block, (int)last, sizeof(block));
			block[wrong] ^= (uint8_t)(wrong == 15 ? 0 : 0x40);
			seal_block(block, key, &sealed);
			bd_buf_clear(&opened);
			is_open = bd_sm4_blocks_open(&opened, BD_SM4_BLOCKS_ECB, key, NULL,
				(struct bd_bytes){ (char *)block, sizeof(block) });
			assert_int_equal(is_open, is_good);
			assert_int_equal(opened.len, is_good ? 16 - last : 0);
			good += is_good;
		}
	}
	assert_int_equal(good, 16 + 15 * 16 / 2);
	bd_buf_release(&sealed);
	bd_buf_release(&opened);
}

static void test_what_is_no_whole_block(void **state)
{
	uint8_t key[BD_SM4_BLOCKS_KEY_BYTES] = { 0 };
	char text[64] = "";
	struct bd_buf opened;

	(void)state;
	bd_buf_init(&opened, 4096);
	for (size_t len = 0; len < sizeof(text); len++) {
		if (len == 0 || len % BD_SM4_BLOCKS_BYTES != 0) {
			assert_false(bd_sm4_blocks_open(&opened, BD_SM4_BLOCKS_ECB, key, NULL,
				(struct bd_bytes){ text, len }));
			assert_int_equal(opened.len, 0);
		}
	}
	bd_buf_release(&opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_standard_once_and_again),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_what_is_not_padded),
		cmocka_unit_test(test_what_is_no_whole_block),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
