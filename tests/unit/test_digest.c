/* test_digest.c - SHA-256, HMAC, hex and base64 by the vectors of their standards. */
#include "base/digest.h"
#include "base/digest_sm3.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void check(const uint8_t digest[BD_DIGEST_BYTES], const char *hex)
{
	char text[2 * BD_DIGEST_BYTES + 1];

	bd_hex(text, digest, BD_DIGEST_BYTES);
	assert_string_equal(text, hex);
}

/* FIPS 180-4: the examples of NIST's Cryptographic Standards and Guidelines. */
static void sha256_gives_the_digests_of_fips_180(void **state)
{
	static const struct {
		const char *text, *hex;
	} vectors[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
		  "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
			"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	};
	struct bd_sha256 *sha;
	uint8_t digest[BD_DIGEST_BYTES];

	(void)state;
	assert_int_equal(bd_sha256_new(&sha), BD_OK);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct bd_bytes text = bd_bytes_of(vectors[i].text);

		assert_int_equal(bd_sha256_of(text, digest), BD_OK);
		check(digest, vectors[i].hex);
		/* In two parts at any cut; each final starts anew. */
		for (size_t cut = 0; cut <= text.len; cut++) {
			bd_sha256_update(sha, (struct bd_bytes){ text.ptr, cut });
			bd_sha256_update(sha, (struct bd_bytes){ text.ptr + cut, text.len - cut });
			assert_int_equal(bd_sha256_final(sha, digest), BD_OK);
			check(digest, vectors[i].hex);
		}
	}
	for (size_t i = 0; i < 1000000; i++) {
		assert_int_equal(bd_sha256_update(sha, (struct bd_bytes){ "a", 1 }), BD_OK);
	}
	assert_int_equal(bd_sha256_final(sha, digest), BD_OK);
	check(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	bd_sha256_free(sha);
	bd_sha256_free(NULL);
}

/* What is given at once, and short, goes another way than what comes bit by bit: of every length
 * about one block and two, and cut into parts, it is the same. */
static void what_is_short_is_digested_as_what_is_long(void **state)
{
	struct bd_sha256 *sha;
	struct bd_hmac *hmac;
	char text[200];

	(void)state;
	assert_int_equal(bd_sha256_new(&sha), BD_OK);
	assert_int_equal(bd_hmac_new(&hmac, bd_bytes_of("key")), BD_OK);
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = (char)(i * 7 + 1);
	}
	for (size_t len = 0; len <= sizeof(text); len++) {
		const struct bd_bytes parts[] = { { text, len / 3 }, { NULL, 0 },
			{ text + len / 3, len - len / 3 } };
		uint8_t digest[BD_DIGEST_BYTES], wanted[BD_DIGEST_BYTES];
		unsigned wanted_len = 0;

		assert_int_equal(bd_sha256_update(sha, (struct bd_bytes){ text, len }), BD_OK);
		assert_int_equal(bd_sha256_final(sha, wanted), BD_OK);
		assert_int_equal(bd_sha256_of_parts(parts, 3, digest), BD_OK);
		assert_memory_equal(digest, wanted, sizeof(digest));
		assert_non_null(HMAC(EVP_sha256(), "key", 3, (const unsigned char *)text, len,
			wanted, &wanted_len));
		assert_int_equal(bd_hmac_of(hmac, (struct bd_bytes){ text, len }, digest), BD_OK);
		assert_memory_equal(digest, wanted, sizeof(digest));
	}
	bd_hmac_free(hmac);
	bd_sha256_free(sha);
}

/* RFC 4231, 4.2 to 4.8; of 4.6 the first 128 bits are given. */
static void hmac_gives_the_digests_of_rfc_4231(void **state)
{
	static const struct {
		size_t key_len;
		int key_byte; /* repeated; -1 = the text below */
		const char *key;
		size_t text_len;
		int text_byte;
		const char *text, *hex;
	} vectors[] = {
		{ 20, 0x0B, NULL, 0, -1, "Hi There",
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ 0, -1, "Jefe", 0, -1, "what do ya want for nothing?",
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ 20, 0xAA, NULL, 50, 0xDD, NULL,
			"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
		{ 25, -1,
			"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12"
			"\x13\x14\x15\x16\x17\x18\x19",
			50, 0xCD, NULL,
			"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
		{ 20, 0x0C, NULL, 0, -1, "Test With Truncation",
			"a3b6167473100ee06e0c796c2955552b" },
		{ 131, 0xAA, NULL, 0, -1, "Test Using Larger Than Block-Size Key - Hash Key First",
			"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
		{ 131, 0xAA, NULL, 0, -1,
			"This is a test using a larger than block-size key and a larger than "
			"block-size data. The key needs to be hashed before being used by the HMAC "
			"algorithm.",
			"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		char key[200], text[200], hex[2 * BD_DIGEST_BYTES + 1];
		uint8_t digest[BD_DIGEST_BYTES];
		struct bd_bytes key_bytes = { key, vectors[i].key_len };
		struct bd_bytes text_bytes = { text, vectors[i].text_len };
		struct bd_hmac *hmac;

		if (vectors[i].key != NULL) {
			key_bytes = bd_bytes_of(vectors[i].key);
		} else {
			memset(key, vectors[i].key_byte, vectors[i].key_len);
		}
		if (vectors[i].text != NULL) {
			text_bytes = bd_bytes_of(vectors[i].text);
		} else {
			memset(text, vectors[i].text_byte, vectors[i].text_len);
		}
		assert_int_equal(bd_hmac_new(&hmac, key_bytes), BD_OK);
		/* The key is used again and again. */
		for (size_t round = 0; round < 3; round++) {
			assert_int_equal(bd_hmac_of(hmac, text_bytes, digest), BD_OK);
			bd_hex(hex, digest, sizeof(digest));
			assert_memory_equal(hex, vectors[i].hex, strlen(vectors[i].hex));
		}
		bd_hmac_free(hmac);
	}
	bd_hmac_free(NULL);
}

/* RFC 4648, 10. */
/* GB/T 32905-2016, Annex A.1 and A.2. */
static void sm3_gives_the_digests_of_gb_t_32905(void **state)
{
	static const char *const rows[][2] = {
		{ "abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0" },
		{ "abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd",
			"debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732" },
	};
	uint8_t digest[BD_SM3_BYTES];
	char hex[2 * BD_SM3_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(bd_sm3_of(bd_bytes_of(rows[i][0]), digest), BD_OK);
		bd_hex(hex, digest, sizeof(digest));
		assert_string_equal(hex, rows[i][1]);
	}
}

/* GM/T 0042-2015, Annex D.3; and a key longer than a block is its digest. */
static void hmac_sm3_gives_the_digests_of_gm_t_0042(void **state)
{
	static const char *const rows[][3] = {
		{ "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
			"6162636462636465636465666465666765666768666768696768696a68696a6b"
			"696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f6d6e6f706e6f70716162636462636465"
			"636465666465666765666768666768696768696a68696a6b696a6b6c6a6b6c6d"
			"6b6c6d6e6c6d6e6f6d6e6f706e6f7071",
			"ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a" },
		{ "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425",
			"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
			"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
			"220bf579ded555393f0159f66c99877822a3ecf610d1552154b41d44b94db3ae" },
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
			"4869205468657265",
			"c0ba18c68b90c88bc07de794bfc7d2c8d19ec31ed8773bc2b390c9604e0be11e" },
	};
	uint8_t key[128], text[128], digest[BD_DIGEST_BYTES], short_key[BD_SM3_BYTES];
	struct bd_hmac *hmac = NULL;
	char hex[2 * BD_DIGEST_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t key_len = strlen(rows[i][0]) / 2, len = strlen(rows[i][1]) / 2;

		assert_true(bd_unhex(key, key_len, bd_bytes_of(rows[i][0])));
		assert_true(bd_unhex(text, len, bd_bytes_of(rows[i][1])));
		assert_int_equal(
			bd_hmac_new_sm3(&hmac, (struct bd_bytes){ (char *)key, key_len }), BD_OK);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(
				bd_hmac_of(hmac, (struct bd_bytes){ (char *)text, len }, digest),
				BD_OK);
			bd_hex(hex, digest, sizeof(digest));
			assert_string_equal(hex, rows[i][2]);
		}
		bd_hmac_free(hmac);
	}
	memset(key, 7, sizeof(key));
	assert_int_equal(
		bd_sm3_of((struct bd_bytes){ (char *)key, sizeof(key) }, short_key), BD_OK);
	assert_int_equal(
		bd_hmac_new_sm3(&hmac, (struct bd_bytes){ (char *)key, sizeof(key) }), BD_OK);
	assert_int_equal(bd_hmac_of(hmac, bd_bytes_of("a"), digest), BD_OK);
	bd_hmac_free(hmac);
	assert_int_equal(
		bd_hmac_new_sm3(&hmac, (struct bd_bytes){ (char *)short_key, sizeof(short_key) }),
		BD_OK);
	assert_int_equal(bd_hmac_of(hmac, bd_bytes_of("a"), text), BD_OK);
	bd_hmac_free(hmac);
	assert_memory_equal(digest, text, sizeof(digest));
}

static void base64_is_that_of_rfc_4648(void **state)
{
	static const char *const vectors[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" } };
	static const char *const none[] = { "Z", "Zg",
		"Zg=", "Zg===", "Zh==", "Zm9=", "Zg==Zg==", " Zg==", "Zg==\n", "Zm9vYg",
		"=Zg=", "Zm-_", "====" };
	struct bd_buf out;

	(void)state;
	bd_buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		bd_buf_clear(&out);
		assert_int_equal(bd_base64_add(&out, bd_bytes_of(vectors[i][0])), BD_OK);
		assert_true(bd_bytes_is(bd_buf_bytes(&out), vectors[i][1]));
		bd_buf_clear(&out);
		assert_true(bd_base64_read(&out, bd_bytes_of(vectors[i][1])));
		assert_true(bd_bytes_is(bd_buf_bytes(&out), vectors[i][0]));
	}
	bd_buf_clear(&out);
	bd_buf_add_text(&out, "kept");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_false(bd_base64_read(&out, bd_bytes_of(none[i])));
		assert_true(bd_bytes_is(bd_buf_bytes(&out), "kept"));
	}
	bd_buf_release(&out);
}

static void hex_comes_back(void **state)
{
	static const char *const none[] = { "", "0", "000", "0g", "g0", "0x", " 0", "00000" };
	uint8_t bytes[256], back[256];
	char hex[513];

	(void)state;
	for (size_t i = 0; i < 256; i++) {
		bytes[i] = (uint8_t)i;
	}
	bd_hex(hex, bytes, 256);
	assert_int_equal(strlen(hex), 512);
	assert_memory_equal(hex, "000102", 6);
	assert_true(bd_unhex(back, 256, bd_bytes_of(hex)));
	assert_memory_equal(back, bytes, 256);
	assert_true(bd_unhex(back, 2, bd_bytes_of("aBCd")));
	assert_int_equal(back[0], 0xAB);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_false(bd_unhex(back, 1, bd_bytes_of(none[i])));
	}
}

static void secrets_are_compared_and_wiped(void **state)
{
	uint8_t a[32] = { 1 }, b[32] = { 1 }, zero[32] = { 0 };

	(void)state;
	assert_true(bd_equal_secret(a, b, 32));
	for (size_t i = 0; i < 32; i++) {
		b[i] ^= 0x80;
		assert_false(bd_equal_secret(a, b, 32));
		b[i] ^= 0x80;
	}
	assert_true(bd_equal_secret(a, b, 0));
	assert_int_equal(bd_random(a, sizeof(a)), BD_OK);
	assert_int_equal(bd_random(b, sizeof(b)), BD_OK);
	assert_memory_not_equal(a, b, sizeof(a));
	bd_wipe(a, sizeof(a));
	assert_memory_equal(a, zero, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_gives_the_digests_of_fips_180),
		cmocka_unit_test(what_is_short_is_digested_as_what_is_long),
		cmocka_unit_test(hmac_gives_the_digests_of_rfc_4231),
		cmocka_unit_test(sm3_gives_the_digests_of_gb_t_32905),
		cmocka_unit_test(hmac_sm3_gives_the_digests_of_gm_t_0042),
		cmocka_unit_test(base64_is_that_of_rfc_4648),
		cmocka_unit_test(hex_comes_back),
		cmocka_unit_test(secrets_are_compared_and_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
