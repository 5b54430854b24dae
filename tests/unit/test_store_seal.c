/* test_store_seal.c - sealed values against the standard's vectors; nothing that was changed or
 * moved opens; an erased salt is gone.
 */
#include "base/digest.h"
#include "store/salts.h"
#include "store/seal.h"
#include "store/seal_gcm.h"
#include "store/seal_sm4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Test cases 13 to 16 of the GCM specification that NIST SP 800-38D refers to, and the first of
 * CAVP's gcmEncryptExtIV256 with and without plain text. */
static const struct vector {
	const char *key, *nonce, *name, *plain, *sealed, *tag;
} vectors[] = {
	{ "0000000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
	{ "0000000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000", "", "00000000000000000000000000000000",
		"cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888", "",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
		"b094dac5d93471bdec1a502270e3cc6c" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
		"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
		"76fc6ece0f4e1768cddf8853bb2d551b" },
	{ "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
		"516c33929df5a3284ff463d7", "", "", "", "bdc1ac884d332457a1d2664f168c76f0" },
	{ "31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22",
		"0d18e06c7c725ac9e362e1ce", "", "2db5168e932556f8089a0622981d017d",
		"fa4362189661d163fcd6a56d8bf0405a", "d636ac1bbedd5cc3ee727dc2ab4a9489" },
};

struct hex {
	uint8_t bytes[64];
	size_t len;
};

static struct hex hex_of(const char *text)
{
	struct hex hex = { .len = strlen(text) / 2 };

	assert_true(bd_unhex(hex.bytes, hex.len, bd_bytes_of(text)));
	return hex;
}

static struct bd_bytes bytes_of(const struct hex *hex)
{
	return (struct bd_bytes){ (const char *)hex->bytes, hex->len };
}

static void the_vectors_of_the_standard(void **state)
{
	struct bd_gcm *gcm = NULL;

	(void)state;
	assert_int_equal(bd_gcm_new(&gcm), BD_OK);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct hex key = hex_of(vectors[i].key), nonce = hex_of(vectors[i].nonce),
			   name = hex_of(vectors[i].name), plain = hex_of(vectors[i].plain),
			   sealed = hex_of(vectors[i].sealed), tag = hex_of(vectors[i].tag);
		uint8_t out[64], out_tag[BD_GCM_TAG_BYTES];

		assert_int_equal(bd_gcm_close(gcm, out, out_tag, key.bytes, nonce.bytes,
					 bytes_of(&name), bytes_of(&plain)),
			BD_OK);
		assert_memory_equal(out, sealed.bytes, sealed.len);
		assert_memory_equal(out_tag, tag.bytes, sizeof(out_tag));
		assert_int_equal(bd_gcm_open(gcm, out, tag.bytes, key.bytes, nonce.bytes,
					 bytes_of(&name), bytes_of(&sealed)),
			BD_OK);
		assert_memory_equal(out, plain.bytes, plain.len);
	}
	bd_gcm_free(gcm);
}

/* GB/T 32907-2016, Annex A: one block; and a million times over (A.2). The counter mode of a block
 * of zeroes is the block itself. And the counter mode of draft-ribose-cfrg-sm4-10, A.2.5.1. */
static void the_vectors_of_sm4(void **state)
{
	struct hex key = hex_of("0123456789abcdeffedcba9876543210"),
		   first = hex_of("681edf34d206965e86b3e94f536e4246"),
		   last = hex_of("595298c7c6fd271f0402f804c33d3f66"),
		   count = hex_of("000102030405060708090a0b0c0d0e0f"),
		   plain = hex_of(
			   "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
			   "eeeeeeeeeeeeeeeeffffffffffffffffaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"),
		   sealed = hex_of(
			   "ac3236cb970cc20791364c395a1342d1a3cbc1878c6f30cd074cce385cdd70c7"
			   "f234bc0e24c11980fd1286310ce37b926e02fcd0faa0baf38b2933851d824514");
	static const char zeroes[BD_SM4_BLOCK_BYTES];
	struct bd_bytes nothing = { zeroes, sizeof(zeroes) };
	uint8_t block[BD_SM4_BLOCK_BYTES], out[64];
	struct bd_sm4 *sm4 = NULL;

	(void)state;
	assert_int_equal(bd_sm4_new(&sm4), BD_OK);
	memcpy(block, key.bytes, sizeof(block));
	for (int i = 0; i < 1000000; i++) {
		assert_true(bd_sm4_ctr(sm4, block, key.bytes, block, nothing) == BD_OK);
		if (i == 0) {
			assert_memory_equal(block, first.bytes, sizeof(block));
		}
	}
	assert_memory_equal(block, last.bytes, sizeof(block));
	assert_int_equal(bd_sm4_ctr(sm4, out, key.bytes, count.bytes, bytes_of(&plain)), BD_OK);
	assert_memory_equal(out, sealed.bytes, sealed.len);
	bd_sm4_free(sm4);
}

/* -- values -- */

/* A ring with one epoch, or more. */
static struct bd_ring *make_ring(const char *const *masters, size_t count, enum bd_sealing sealing)
{
	struct bd_ring *ring = NULL;
	struct bd_keys keys = { .count = 0 };

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(
			bd_keys_add(&keys, (uint16_t)(i + 1), (const uint8_t *)masters[i]), BD_OK);
	}
	assert_int_equal(bd_ring_new(&ring, &keys, sealing), BD_OK);
	memcpy(ring->roots.lasting, masters[0], BD_ROOT_BYTES);
	memcpy(ring->roots.blindings[0].bytes, masters[0], BD_ROOT_BYTES);
	ring->roots.blinding_count = 1;
	return ring;
}

static const char *const masters[] = { "a master key of thirty-two bytes",
	"another key of thirty-two bytes.", "the third of them has 32 as well" };
static struct bd_ring *rings[2]; /* one a sealing */
static struct bd_ring *stranger_ring;

static int make_rings(void **state)
{
	(void)state;
	rings[0] = make_ring(masters, 1, BD_SEALING_AES_GCM);
	rings[1] = make_ring(masters, 1, BD_SEALING_SM4_SM3);
	stranger_ring = make_ring(masters + 1, 1, BD_SEALING_AES_GCM);
	return 0;
}

static int free_rings(void **state)
{
	(void)state;
	bd_ring_free(rings[0]);
	bd_ring_free(rings[1]);
	bd_ring_free(stranger_ring);
	return 0;
}

static const uint8_t salt[BD_SALT_BYTES] = "a salt of one.";
static const struct bd_bytes name = { "a place", 7 };

static struct bd_buf close_text(struct bd_seal *seal, struct bd_bytes text)
{
	struct bd_buf sealed;

	bd_buf_init(&sealed, 4096);
	assert_int_equal(bd_seal_close(seal, &sealed, salt, name, text), BD_OK);
	assert_int_equal(sealed.len, text.len + BD_SEAL_OVERHEAD);
	return sealed;
}

static enum bd_code try_open(
	struct bd_seal *seal, const uint8_t *with, struct bd_bytes at, struct bd_bytes sealed)
{
	struct bd_buf plain;
	enum bd_code code;

	bd_buf_init(&plain, 4096);
	code = bd_seal_open(seal, &plain, with, at, sealed);
	assert_true(code == BD_OK || plain.len == 0);
	bd_buf_release(&plain);
	return code;
}

static void try_changes(const struct bd_ring *ring)
{
	struct bd_seal *seal = NULL;
	struct bd_buf sealed;

	assert_int_equal(bd_seal_new(&seal, ring), BD_OK);
	sealed = close_text(seal, bd_bytes_of("what one department says of somebody"));
	assert_int_equal(try_open(seal, salt, name, bd_buf_bytes(&sealed)), BD_OK);
	for (size_t i = 0; i < sealed.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			sealed.ptr[i] ^= (char)(1 << bit);
			assert_int_equal(try_open(seal, salt, name, bd_buf_bytes(&sealed)),
				BD_STORE_DAMAGED);
			sealed.ptr[i] ^= (char)(1 << bit);
		}
	}
	for (size_t len = 0; len < sealed.len; len++) {
		assert_int_equal(try_open(seal, salt, name, (struct bd_bytes){ sealed.ptr, len }),
			BD_STORE_DAMAGED);
	}
	bd_buf_release(&sealed);
	bd_seal_free(seal);
}

static void what_was_changed_does_not_open(void **state)
{
	(void)state;
	try_changes(rings[0]);
	try_changes(rings[1]);
}

static void try_moves(const struct bd_ring *ring)
{
	uint8_t other_salt[BD_SALT_BYTES];
	struct bd_seal *seal = NULL, *stranger = NULL;
	struct bd_buf sealed;

	memcpy(other_salt, salt, sizeof(other_salt));
	other_salt[15] ^= 1;
	assert_int_equal(bd_seal_new(&seal, ring), BD_OK);
	assert_int_equal(bd_seal_new(&stranger, stranger_ring), BD_OK);
	sealed = close_text(seal, bd_bytes_of("a value"));
	assert_int_equal(try_open(seal, salt, bd_bytes_of("b place"), bd_buf_bytes(&sealed)),
		BD_STORE_DAMAGED);
	assert_int_equal(
		try_open(seal, salt, bd_bytes_of(""), bd_buf_bytes(&sealed)), BD_STORE_DAMAGED);
	assert_int_equal(try_open(seal, other_salt, name, bd_buf_bytes(&sealed)), BD_STORE_DAMAGED);
	assert_int_equal(try_open(stranger, salt, name, bd_buf_bytes(&sealed)), BD_STORE_DAMAGED);
	bd_buf_release(&sealed);
	bd_seal_free(seal);
	bd_seal_free(stranger);
}

static void what_was_moved_does_not_open(void **state)
{
	(void)state;
	try_moves(rings[0]);
	try_moves(rings[1]);
}

/* Each value says what it was closed under: those of an epoch, or a sealing, before open beside. */
static void several_epochs_stand_beside_each_other(void **state)
{
	struct bd_ring *ring = make_ring(masters, 2, BD_SEALING_AES_GCM);
	const struct bd_key third = { 3, "the third of them has 32 as wel" };
	struct bd_seal *old = NULL, *seal = NULL, *sm = NULL;
	struct bd_buf values[4];

	(void)state;
	assert_int_equal(bd_seal_new(&old, rings[0]), BD_OK);
	assert_int_equal(bd_seal_new(&sm, rings[1]), BD_OK);
	assert_int_equal(bd_seal_new(&seal, ring), BD_OK);
	assert_int_equal(bd_seal_keep(seal, salt), BD_OK);
	values[0] = close_text(old, bd_bytes_of("epoch 1"));
	values[1] = close_text(sm, bd_bytes_of("epoch 1, SM4"));
	values[2] = close_text(seal, bd_bytes_of("epoch 2"));
	assert_int_equal(bd_ring_add(ring, &third), BD_OK);
	values[3] = close_text(seal, bd_bytes_of("epoch 3"));
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(try_open(seal, salt, name, bd_buf_bytes(&values[i])), BD_OK);
		assert_int_equal(bd_seal_is_current(seal, bd_buf_bytes(&values[i])), i == 3);
		assert_int_equal(try_open(old, salt, name, bd_buf_bytes(&values[i])),
			i < 2 ? BD_OK : BD_STORE_DAMAGED);
		bd_buf_release(&values[i]);
	}
	bd_seal_free(old);
	bd_seal_free(sm);
	bd_seal_free(seal);
	bd_ring_free(ring);
}

/* The same twice is not the same: neither shows, nor does a nonce come twice. */
static void nonces_differ(void **state)
{
	enum { COUNT = 2000 };
	static char nonces[COUNT][12];
	struct bd_seal *seal = NULL;

	(void)state;
	assert_int_equal(bd_seal_new(&seal, rings[0]), BD_OK);
	for (size_t i = 0; i < COUNT; i++) {
		struct bd_buf sealed = close_text(seal, bd_bytes_of("again"));

		memcpy(nonces[i], sealed.ptr + BD_SEAL_HEAD_BYTES, sizeof(nonces[i]));
		for (size_t j = 0; j < i; j++) {
			assert_memory_not_equal(nonces[i], nonces[j], sizeof(nonces[i]));
		}
		bd_buf_release(&sealed);
	}
	bd_seal_free(seal);
}

static void a_kept_key_is_the_same_key(void **state)
{
	struct bd_seal *seal = NULL, *keeping = NULL;
	struct bd_buf sealed;

	(void)state;
	assert_int_equal(bd_seal_new(&seal, rings[0]), BD_OK);
	assert_int_equal(bd_seal_new(&keeping, rings[0]), BD_OK);
	assert_int_equal(bd_seal_keep(keeping, salt), BD_OK);
	sealed = close_text(keeping, bd_bytes_of("kept"));
	assert_int_equal(try_open(seal, salt, name, bd_buf_bytes(&sealed)), BD_OK);
	bd_buf_release(&sealed);
	sealed = close_text(seal, bd_bytes_of("derived"));
	assert_int_equal(try_open(keeping, salt, name, bd_buf_bytes(&sealed)), BD_OK);
	bd_buf_release(&sealed);
	bd_seal_free(seal);
	bd_seal_free(keeping);
}

/* -- names -- */

static void blinded_names_tell_identifiers_apart(void **state)
{
	const struct bd_identifier ids[] = {
		{ 1, { "", 0 }, bd_bytes_of("440311199106159019") },
		{ 1, { "", 0 }, bd_bytes_of("44031119910615901X") },
		{ 2, { "", 0 }, bd_bytes_of("440311199106159019") },
		{ 11, bd_bytes_of("tax:a"), bd_bytes_of("b1") },
		{ 11, bd_bytes_of("tax:ab"), bd_bytes_of("1") },
	};
	uint8_t keys[5][BD_NODE_KEY_BYTES], again[BD_NODE_KEY_BYTES];
	struct bd_seal *seal = NULL, *other = NULL;

	(void)state;
	assert_int_equal(bd_seal_new(&seal, rings[0]), BD_OK);
	assert_int_equal(bd_seal_new(&other, stranger_ring), BD_OK);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(bd_seal_blind(seal, &ids[i], keys[i]), BD_OK);
		assert_int_equal(bd_seal_blind(seal, &ids[i], again), BD_OK);
		assert_memory_equal(keys[i], again, sizeof(again));
		assert_int_equal(bd_seal_blind(other, &ids[i], again), BD_OK);
		assert_memory_not_equal(keys[i], again, sizeof(again));
		for (size_t j = 0; j < i; j++) {
			assert_memory_not_equal(keys[i], keys[j], sizeof(again));
		}
	}
	bd_seal_free(seal);
	bd_seal_free(other);
}

/* -- salts -- */

static struct bd_salts salts;

static void salts_are_kept_and_erased(void **state)
{
	char folder[] = "/tmp/bidui-salts-XXXXXX", path[64];
	uint8_t one[BD_SALT_BYTES], got[BD_SALT_BYTES];
	struct bd_diag diag = { .code = BD_OK };

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(bd_salts_open(&salts, folder, &diag), BD_OK);
	assert_false(bd_salts_get(got, &salts, 0));
	for (uint64_t slot = 0; slot < 3 * BD_SALTS_WAITING_MAX; slot++) {
		memset(one, (int)(slot % 255) + 1, sizeof(one));
		assert_int_equal(bd_salts_set(&salts, slot, one), BD_OK);
		assert_true(bd_salts_get_own(got, &salts, slot));
		assert_memory_equal(one, got, sizeof(one));
	}
	assert_int_equal(bd_salts_sync(&salts), BD_OK);
	assert_int_equal(bd_salts_erase(&salts, 7), BD_OK);
	assert_int_equal(bd_salts_sync(&salts), BD_OK);
	bd_salts_close(&salts);
	assert_int_equal(bd_salts_open(&salts, folder, &diag), BD_OK);
	for (uint64_t slot = 0; slot < 3 * BD_SALTS_WAITING_MAX; slot++) {
		memset(one, (int)(slot % 255) + 1, sizeof(one));
		assert_int_equal(bd_salts_get(got, &salts, slot), slot != 7);
		assert_true(slot == 7 || memcmp(one, got, sizeof(one)) == 0);
	}
	bd_salts_close(&salts);
	snprintf(path, sizeof(path), "%s/salts", folder);
	unlink(path);
	rmdir(folder);
}

static void salts_of_a_transaction_given_up_are_forgotten(void **state)
{
	char folder[] = "/tmp/bidui-salts-XXXXXX", path[64];
	uint8_t one[BD_SALT_BYTES] = { 1 }, two[BD_SALT_BYTES] = { 2 }, got[BD_SALT_BYTES];
	struct bd_diag diag = { .code = BD_OK };

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(bd_salts_open(&salts, folder, &diag), BD_OK);
	assert_int_equal(bd_salts_set(&salts, 5, one), BD_OK);
	bd_salts_forget(&salts);
	assert_false(bd_salts_get_own(got, &salts, 5));
	assert_int_equal(bd_salts_set(&salts, 5, two), BD_OK);
	assert_int_equal(bd_salts_sync(&salts), BD_OK);
	assert_true(bd_salts_get(got, &salts, 5));
	assert_memory_equal(got, two, sizeof(two));
	assert_int_equal(bd_salts_set(&salts, UINT64_C(1) << 40, one), BD_DISK_FULL);
	assert_false(bd_salts_get(got, &salts, UINT64_C(1) << 40));
	bd_salts_close(&salts);
	snprintf(path, sizeof(path), "%s/salts", folder);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_standard),
		cmocka_unit_test(the_vectors_of_sm4),
		cmocka_unit_test(what_was_changed_does_not_open),
		cmocka_unit_test(what_was_moved_does_not_open),
		cmocka_unit_test(several_epochs_stand_beside_each_other),
		cmocka_unit_test(nonces_differ),
		cmocka_unit_test(a_kept_key_is_the_same_key),
		cmocka_unit_test(blinded_names_tell_identifiers_apart),
		cmocka_unit_test(salts_are_kept_and_erased),
		cmocka_unit_test(salts_of_a_transaction_given_up_are_forgotten),
	};

	return cmocka_run_group_tests(tests, make_rings, free_rings);
}
