/* test_shares.c - master keys as text, and in shares: any m give the very key, fewer give none,
 * what was mistyped or changed is named. */
#include "base/digest.h"
#include "base/keys.h"
#include "base/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

/* -- their text -- */

static void keys_are_read_and_written(void **state)
{
	struct bd_keys *keys = NULL;
	struct bd_buf text;

	(void)state;
	assert_int_equal(bd_keys_new(&keys), BD_OK);
	assert_int_equal(bd_keys_read(keys, bd_bytes_of(HEX_A "\n"), NULL), BD_OK);
	assert_int_equal(keys->count, 1);
	assert_int_equal(keys->items[0].epoch, 1);
	assert_int_equal(keys->items[0].bytes[31], 31);
	keys->count = 0;
	assert_int_equal(
		bd_keys_read(keys, bd_bytes_of("# two\n\n 3 " HEX_A "\r\n65535\t" HEX_B), NULL),
		BD_OK);
	assert_int_equal(keys->count, 2);
	assert_int_equal(bd_keys_find(keys, 3)->bytes[1], 1);
	assert_int_equal(bd_keys_find(keys, 65535)->bytes[0], 0xff);
	assert_null(bd_keys_find(keys, 4));
	bd_buf_init(&text, BD_KEYS_TEXT_MAX_BYTES);
	assert_int_equal(bd_keys_write(&text, keys), BD_OK);
	assert_true(bd_bytes_is(bd_buf_bytes(&text), "3 " HEX_A "\n65535 " HEX_B "\n"));
	assert_int_equal(bd_keys_add_new(keys), BD_LIMIT_COUNT);
	bd_buf_release(&text);
	bd_keys_free(keys);
}

static void what_is_no_key_is_told_by_its_line(void **state)
{
	static const char *const texts[] = { "", "# none\n", "0 " HEX_A, "65536 " HEX_A,
		"1 " HEX_A "0", "2 " HEX_A "\n1 " HEX_B, "1 " HEX_A "\n1 " HEX_B, "x " HEX_A,
		"1" HEX_A, HEX_A " 1" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct bd_diag diag = { .code = BD_OK };
		struct bd_keys *keys = NULL;

		assert_int_equal(bd_keys_new(&keys), BD_OK);
		assert_int_equal(
			bd_keys_read(keys, bd_bytes_of(texts[i]), &diag), BD_CONFIG_MEANING);
		assert_null(strstr(diag.detail, "0102"));
		bd_keys_free(keys);
	}
}

/* -- shares -- */

static struct bd_key make_key(void)
{
	struct bd_key key = { .epoch = 7 };

	assert_true(bd_unhex(key.bytes, sizeof(key.bytes), bd_bytes_of(HEX_A)));
	return key;
}

/* Every choice of shares: with enough the key comes back, with fewer nothing does. */
static void any_m_give_the_key(void **state)
{
	static const uint8_t rows[][2] = { { 2, 2 }, { 2, 3 }, { 3, 5 }, { 5, 5 }, { 4, 7 } };
	const struct bd_key key = make_key();

	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		struct bd_share shares[BD_SHARES_MAX], some[BD_SHARES_MAX];

		assert_int_equal(
			bd_shares_make(shares, &key, rows[row][0], rows[row][1], NULL), BD_OK);
		for (uint32_t choice = 1; choice >> rows[row][1] == 0; choice++) {
			struct bd_key back = { .epoch = 0 };
			uint32_t wrong = 0;
			size_t count = 0;
			enum bd_code code;

			for (size_t i = 0; i < rows[row][1]; i++) {
				if ((choice >> i & 1) != 0) {
					some[count++] = shares[rows[row][1] - 1 - i];
				}
			}
			code = bd_shares_join(&back, &wrong, some, count, NULL);
			if (count < rows[row][0]) {
				assert_int_equal(code, BD_SHARE_FEW);
				assert_int_equal(back.epoch, 0);
				/* Nor as a set that would need fewer. */
				for (size_t i = 0; i < count; i++) {
					some[i].needed = (uint8_t)count;
				}
				code = bd_shares_join(&back, &wrong, some, count, NULL);
				assert_int_equal(code, BD_SHARE_WRONG);
				continue;
			}
			assert_int_equal(code, BD_OK);
			assert_int_equal(wrong, 0);
			assert_int_equal(back.epoch, 7);
			assert_memory_equal(back.bytes, key.bytes, sizeof(key.bytes));
		}
	}
	assert_int_equal(bd_shares_make((struct bd_share[16]){ { 0 } }, &key, 1, 3, NULL),
		BD_CONFIG_MEANING);
	assert_int_equal(bd_shares_make((struct bd_share[16]){ { 0 } }, &key, 4, 3, NULL),
		BD_CONFIG_MEANING);
	assert_int_equal(bd_shares_make((struct bd_share[16]){ { 0 } }, &key, 2, 17, NULL),
		BD_CONFIG_MEANING);
}

/* Made by an independent program (tables of powers of 3 instead of products): key HEX_A, three
 * needed, the other coefficients of byte i being 17 i + 3 and 29 i + 5 modulo 256. */
static void another_program_s_shares_give_the_key(void **state)
{
	static const struct {
		uint8_t number;
		const char *bytes;
	} rows[] = { { 1, "063718693acbdcad6e9f80f1a29364b5d6c728790a1bec3d3e6f50c1f2a37485" },
		{ 9, "45cf72285d8780da09a59cc6b3607a6a9f2e768a599e84941e44469ca464f96e" },
		{ 250, "1fb931dac27e866d9ea34ba0b8b4a58b8d5978858bdecfe11743d9bf31fd32c2" } };
	const struct bd_key key = make_key();
	struct bd_share made[BD_SHARES_MAX], shares[3];
	struct bd_key back;
	uint32_t wrong;

	(void)state;
	assert_int_equal(bd_shares_make(made, &key, 3, 16, NULL), BD_OK);
	for (size_t i = 0; i < 3; i++) {
		shares[i] = made[i];
		shares[i].number = rows[i].number;
		assert_true(bd_unhex(
			shares[i].bytes, sizeof(shares[i].bytes), bd_bytes_of(rows[i].bytes)));
	}
	assert_int_equal(bd_shares_join(&back, &wrong, shares, 3, NULL), BD_OK);
	assert_memory_equal(back.bytes, key.bytes, sizeof(key.bytes));
}

static void a_wrong_share_is_named_where_others_can_tell(void **state)
{
	const struct bd_key key = make_key();
	struct bd_share shares[BD_SHARES_MAX], others[BD_SHARES_MAX];
	struct bd_diag diag = { .code = BD_OK };
	struct bd_key back;
	uint32_t wrong;

	(void)state;
	assert_int_equal(bd_shares_make(shares, &key, 3, 5, NULL), BD_OK);
	assert_int_equal(bd_shares_make(others, &key, 3, 5, NULL), BD_OK);
	shares[1].bytes[9] ^= 4;
	assert_int_equal(bd_shares_join(&back, &wrong, shares, 3, NULL), BD_SHARE_WRONG);
	assert_int_equal(bd_shares_join(&back, &wrong, shares, 4, NULL), BD_OK);
	assert_int_equal(wrong, 1 << 1);
	assert_memory_equal(back.bytes, key.bytes, sizeof(key.bytes));
	shares[3].bytes[0] ^= 1;
	assert_int_equal(bd_shares_join(&back, &wrong, shares, 5, NULL), BD_OK);
	assert_int_equal(wrong, 1 << 1 | 1 << 3);
	shares[2] = others[2];
	assert_int_equal(bd_shares_join(&back, &wrong, shares, 3, &diag), BD_SHARE_MIXED);
	assert_non_null(strstr(diag.detail, "share 3"));
	shares[2] = shares[0];
	assert_int_equal(bd_shares_join(&back, &wrong, shares, 3, NULL), BD_SHARE_MIXED);
}

static void assert_same_share(const struct bd_share *a, const struct bd_share *b)
{
	assert_int_equal(a->needed, b->needed);
	assert_int_equal(a->of, b->of);
	assert_int_equal(a->number, b->number);
	assert_int_equal(a->epoch, b->epoch);
	assert_memory_equal(a->set, b->set, sizeof(a->set));
	assert_memory_equal(a->check, b->check, sizeof(a->check));
	assert_memory_equal(a->bytes, b->bytes, sizeof(a->bytes));
}

static void a_share_is_read_as_it_was_written(void **state)
{
	const struct bd_key key = make_key();
	struct bd_share shares[BD_SHARES_MAX], back;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_buf text;

	(void)state;
	assert_int_equal(bd_shares_make(shares, &key, 2, 3, NULL), BD_OK);
	bd_buf_init(&text, BD_SHARE_TEXT_MAX_BYTES);
	assert_int_equal(bd_buf_add_text(&text, "a remark\n\n"), BD_OK);
	assert_int_equal(bd_share_write(&text, &shares[2]), BD_OK);
	assert_int_equal(bd_share_read(&back, bd_buf_bytes(&text), NULL), BD_OK);
	assert_same_share(&back, &shares[2]);
	/* Each digit mistyped in turn names its line. */
	for (size_t i = 10; i < text.len; i++) {
		char was = text.ptr[i], line[16];
		size_t number = 1;

		for (size_t j = 10; j < i; j++) {
			number += text.ptr[j] == '\n';
		}
		if (strchr("0123456789abcdef", was) == NULL || text.ptr[i + 1] == ':') {
			continue;
		}
		text.ptr[i] = was == '7' ? '1' : '7';
		snprintf(line, sizeof(line), "line %zu", number);
		bd_diag_clear(&diag);
		assert_int_equal(bd_share_read(&back, bd_buf_bytes(&text), &diag), BD_SHARE_FORM);
		assert_non_null(strstr(diag.detail, line));
		text.ptr[i] = was;
	}
	assert_int_equal(bd_share_read(&back, (struct bd_bytes){ text.ptr, text.len - 2 }, &diag),
		BD_SHARE_FORM);
	assert_int_equal(
		bd_share_read(&back, (struct bd_bytes){ text.ptr, 60 }, &diag), BD_SHARE_FORM);
	bd_buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_read_and_written),
		cmocka_unit_test(what_is_no_key_is_told_by_its_line),
		cmocka_unit_test(any_m_give_the_key),
		cmocka_unit_test(another_program_s_shares_give_the_key),
		cmocka_unit_test(a_wrong_share_is_named_where_others_can_tell),
		cmocka_unit_test(a_share_is_read_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
