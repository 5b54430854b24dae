/* test_sealed.c - messages that are signed and sealed in each form that an envelope may declare,
 * and each way in which one is not what was agreed: its code, its place, and nothing given. */
#include "intake/sealed.h"

#include "base/limits.h"
#include "daemon/message_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DOCUMENT "{\"baseinfo\":{\"psn_name\":\"林示例\"},\"n\":[1,2.50,null]}"

static char folder[] = "/tmp/bidui-keys-XXXXXX";
static struct bd_sign_key *signer;
static uint8_t cipher_key[BD_SM4_BLOCKS_KEY_BYTES];
static struct bd_message_keys *keys;

/* -- keys -- */

static void put(const char *name, struct bd_bytes text, mode_t mode)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void drop(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

static int set_up(void **state)
{
	char hex[2 * BD_SM4_BLOCKS_KEY_BYTES + 1];
	struct bd_diag diag = { .code = BD_OK };
	struct bd_buf pem;

	(void)state;
	assert_non_null(mkdtemp(folder));
	bd_buf_init(&pem, BD_KEY_FILE_MAX_BYTES);
	assert_int_equal(bd_sign_key_generate(&signer, BD_SIGN_SM2_SM3), BD_OK);
	assert_int_equal(bd_sign_key_write_public(&pem, signer), BD_OK);
	assert_int_equal(bd_random(cipher_key, sizeof(cipher_key)), BD_OK);
	bd_hex(hex, cipher_key, sizeof(cipher_key));
	put("m.pub", bd_buf_bytes(&pem), 0644);
	put("m.key", bd_bytes_of(hex), 0600);
	put("m.secret", bd_bytes_of("known to both\n"), 0600);
	assert_int_equal(bd_message_keys_load(&keys, folder, &diag), BD_OK);
	bd_buf_release(&pem);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bd_message_keys_unref(keys);
	bd_sign_key_free(signer);
	drop("m.pub");
	drop("m.key");
	drop("m.secret");
	return rmdir(folder);
}

struct opener {
	struct bd_opener opener;
	unsigned asked;
};

static enum bd_code open_by_keys(
	struct bd_opener *self, struct bd_buf *opened, const struct bd_open_request *request)
{
	struct opener *opener = (struct opener *)(void *)self;
	struct bd_open_request carried;
	struct bd_arena arena;
	struct bd_buf packed;
	enum bd_code code;

	/* As a worker asks it: there and back. */
	opener->asked++;
	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	bd_buf_init(&packed, BD_FRAME_MAX_BYTES);
	assert_int_equal(bd_open_request_pack(&packed, request), BD_OK);
	assert_true(bd_open_request_unpack(&carried, bd_buf_bytes(&packed), &arena));
	for (size_t len = 0; len < packed.len; len++) {
		struct bd_open_request none;

		assert_false(bd_open_request_unpack(
			&none, (struct bd_bytes){ packed.ptr, len }, &arena));
	}
	code = bd_message_keys_open(keys, opened, &carried);
	bd_buf_release(&packed);
	bd_arena_release(&arena);
	return code;
}

/* -- a message -- */

static const char *const sm4[] = { "SM4" };
static const char *const sm2[] = { "SM2" };
static const struct bd_signed_part parts[] = { { "a", "a" }, { "data", "data" }, { "n", "in/n" } };

/* What the envelope declares, before a test changes it. */
struct declared {
	struct bd_sealed_plan sealed;
	struct bd_signed_plan one;
	struct bd_feed_plan feed;
};

static struct declared *declare(void)
{
	static struct declared declared;

	declared = (struct declared){
		.sealed = { .path = "data",
			.key = { "m", NULL },
			.stated = { "enc", sm4, 1 },
			.cipher = BD_CIPHER_SM4_ECB,
			.coding = BD_CODING_HEX,
			.is_required = true },
		.one = { .path = "sign",
			.key = { "m", NULL },
			.stated = { "signs", sm2, 1 },
			.coding = BD_CODING_BASE64,
			.form = BD_SIGNATURE_ANY,
			.is_required = true,
			.parts = parts,
			.part_count = 3,
			.is_paired = true,
			.join = "&" },
	};
	declared.feed = (struct bd_feed_plan){ .sealed = &declared.sealed,
		.sealed_count = 1,
		.signature = &declared.one,
		.signature_count = 1 };
	return &declared;
}

/* The document, sealed, as text. */
static void seal(struct bd_buf *out, const struct declared *declared, const char *document)
{
	static const uint8_t zero[BD_SM4_BLOCKS_BYTES];
	struct bd_buf sealed;
	char *hex;

	bd_buf_init(&sealed, 65536);
	assert_int_equal(bd_sm4_blocks_seal(&sealed,
				 declared->sealed.cipher == BD_CIPHER_SM4_CBC ? BD_SM4_BLOCKS_CBC
									      : BD_SM4_BLOCKS_ECB,
				 cipher_key, zero, bd_bytes_of(document)),
		BD_OK);
	if (declared->sealed.coding == BD_CODING_BASE64) {
		assert_int_equal(bd_base64_add(out, bd_buf_bytes(&sealed)), BD_OK);
	} else {
		hex = malloc(2 * sealed.len + 1);
		assert_non_null(hex);
		bd_hex(hex, (uint8_t *)sealed.ptr, sealed.len);
		assert_int_equal(bd_buf_add_text(out, hex), BD_OK);
		free(hex);
	}
	bd_buf_release(&sealed);
}

/* The signature over a text, as the member has it. */
static void sign(struct bd_buf *out, struct bd_bytes text, bool is_der)
{
	uint8_t signature[BD_SIGNATURE_BYTES], der[BD_SIGNATURE_DER_MAX_BYTES];
	struct bd_bytes bytes = { (char *)signature, sizeof(signature) };

	assert_int_equal(bd_sign(signature, signer, text), BD_OK);
	if (is_der) {
		bytes = (struct bd_bytes){ (char *)der, bd_signature_to_der(der, signature) };
	}
	assert_int_equal(bd_base64_add(out, bytes), BD_OK);
}

/* What came out, or the code and the member that it is about. */
static void check(const struct declared *declared, const char *message, enum bd_code wanted,
	const char *member, const char *result)
{
	struct opener opener = { { open_by_keys }, 0 };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_buf out;
	enum bd_code code;

	bd_buf_init(&out, 2 * BD_SEALED_MESSAGE_MAX_BYTES);
	code = bd_sealed_open(&out, bd_bytes_of(message), &declared->feed, &opener.opener, &diag);
	if (code != wanted) {
		print_message("# %s\n# %s %s\n", message, bd_code_info(code)->text, diag.detail);
	}
	assert_int_equal(code, wanted);
	if (wanted == BD_OK) {
		assert_string_equal(bd_buf_add_byte(&out, '\0') == BD_OK ? out.ptr : "", result);
	} else {
		assert_int_equal(out.len, 0);
		assert_int_equal(diag.code, wanted);
		assert_string_equal(diag.path, member);
		assert_true(strstr(diag.detail, "林") == NULL);
	}
	bd_buf_release(&out);
}

static char message[65536], expected[65536];

/* A message of the declared form; text: the signed text with %s for the sealed member. */
static void make(const struct declared *declared, const char *document, const char *text_form,
	const char *of_opened, bool is_der)
{
	struct bd_buf sealed, signature;
	char text[65536];

	bd_buf_init(&sealed, 65536);
	bd_buf_init(&signature, 65536);
	seal(&sealed, declared, document);
	assert_int_equal(bd_buf_add_byte(&sealed, '\0'), BD_OK);
	snprintf(text, sizeof(text), text_form, of_opened != NULL ? of_opened : sealed.ptr);
	sign(&signature, bd_bytes_of(text), is_der);
	snprintf(message, sizeof(message),
		"{\"a\":\"x\\\"y\", \"enc\":\"SM4\",\n \"data\": \"%s\" ,\"in\":{\"n\": 1.50 },"
		"\"signs\":\"SM2\",\"sign\":\"%.*s\"}",
		sealed.ptr, (int)signature.len, signature.ptr);
	snprintf(expected, sizeof(expected),
		"{\"a\":\"x\\\"y\", \"enc\":\"SM4\",\n \"data\": %s ,\"in\":{\"n\": 1.50 },"
		"\"signs\":\"SM2\",\"sign\":\"%.*s\"}",
		document, (int)signature.len, signature.ptr);
	bd_buf_release(&sealed);
	bd_buf_release(&signature);
}

#define OVER_SEALED "a=x\"y&data=%s&n=1.50"

/* -- what is good -- */

static void test_each_form(void **state)
{
	struct declared *declared = declare();

	(void)state;
	make(declared, DOCUMENT, OVER_SEALED, NULL, false);
	check(declared, message, BD_OK, NULL, expected);
	make(declared, DOCUMENT, OVER_SEALED, NULL, true);
	check(declared, message, BD_OK, NULL, expected);
	declared->one.form = BD_SIGNATURE_DER;
	check(declared, message, BD_OK, NULL, expected);
	declared->one.form = BD_SIGNATURE_RAW;
	check(declared, message, BD_ENVELOPE_SIGNATURE, "sign", NULL);

	declared = declare();
	declared->sealed.coding = BD_CODING_BASE64;
	declared->sealed.cipher = BD_CIPHER_SM4_CBC;
	declared->sealed.iv = BD_IV_ZERO;
	make(declared, DOCUMENT, OVER_SEALED, NULL, false);
	check(declared, message, BD_OK, NULL, expected);

	declared->one.is_of_opened = true;
	make(declared, DOCUMENT, OVER_SEALED, DOCUMENT, false);
	check(declared, message, BD_OK, NULL, expected);

	declared->one.is_of_opened = false;
	declared->one.is_paired = false;
	declared->one.join = "";
	make(declared, DOCUMENT, "x\"y%s1.50", NULL, false);
	check(declared, message, BD_OK, NULL, expected);

	declared = declare();
	declared->one.secret = "m";
	declared->one.secret_name = "key";
	make(declared, DOCUMENT, OVER_SEALED "&key=known to both", NULL, false);
	check(declared, message, BD_OK, NULL, expected);
	declared->one.secret_name = NULL;
	make(declared, DOCUMENT, OVER_SEALED "&known to both", NULL, false);
	check(declared, message, BD_OK, NULL, expected);
}

/* The vector in front of what is sealed: of one block of zeroes it is that of BD_IV_ZERO. */
static void test_each_vector(void **state)
{
	struct declared *declared = declare();
	static char prefixed[2 * 65536];
	char *at;

	(void)state;
	declared->feed.signature_count = 0;
	declared->sealed.cipher = BD_CIPHER_SM4_CBC;
	declared->sealed.iv = BD_IV_ZERO;
	make(declared, DOCUMENT, "%s", NULL, false);
	check(declared, message, BD_OK, NULL, expected);
	at = strstr(message, "\"data\": \"") + strlen("\"data\": \"");
	snprintf(prefixed, sizeof(prefixed), "%.*s%032d%s", (int)(at - message), message, 0, at);
	declared->sealed.iv = BD_IV_PREFIX;
	check(declared, prefixed, BD_OK, NULL, expected);
	check(declared, "{\"enc\":\"SM4\",\"data\":\"00\"}", BD_ENVELOPE_SEALED, "data", NULL);
	declared->sealed.iv = BD_IV_MEMBER;
	declared->sealed.iv_path = "iv";
	check(declared, message, BD_ENVELOPE_SEALED, "data", NULL);
	snprintf(prefixed, sizeof(prefixed), "{\"iv\":\"%032d\",%s", 0, message + 1);
	memmove(expected + 41, expected + 1, strlen(expected));
	memcpy(expected, prefixed, 41);
	check(declared, prefixed, BD_OK, NULL, expected);
}

/* What is neither demanded nor there leaves the message as it was, and nobody is asked. */
static void test_nothing_is_there(void **state)
{
	struct declared *declared = declare();
	struct opener opener = { { open_by_keys }, 0 };
	const char *plain = " {\"data\":{\"x\":1},\"sign\":\"\",\"enc\":null}\n";
	struct bd_buf out;

	(void)state;
	declared->sealed.is_required = false;
	declared->one.is_required = false;
	check(declared, plain, BD_OK, NULL, plain);
	bd_buf_init(&out, 65536);
	assert_int_equal(
		bd_sealed_open(&out, bd_bytes_of(plain), &declared->feed, &opener.opener, NULL),
		BD_OK);
	assert_int_equal(opener.asked, 0);
	bd_buf_release(&out);
}

/* A signature over an object that is not sealed: as it stands in the message. */
static void test_an_object_as_it_stands(void **state)
{
	static const struct bd_signed_part of_output[] = { { "output", "output" } };
	struct declared *declared = declare();
	struct bd_buf signature;

	(void)state;
	declared->feed.sealed_count = 0;
	declared->one.parts = of_output;
	declared->one.part_count = 1;
	declared->one.is_paired = false;
	bd_buf_init(&signature, 1024);
	sign(&signature, bd_bytes_of("{ \"x\":[ {\"y\":\"}\"} ] }"), false);
	snprintf(message, sizeof(message),
		"{\"signs\":\"SM2\",\"output\":{ \"x\":[ {\"y\":\"}\"} ] },\"sign\":\"%.*s\"}",
		(int)signature.len, signature.ptr);
	check(declared, message, BD_OK, NULL, message);
	strstr(message, "\"y\"")[1] = 'z';
	check(declared, message, BD_ENVELOPE_SIGNATURE, "sign", NULL);
	bd_buf_release(&signature);
}

/* A part that says nothing: left out, or there and empty. */
static void test_empty_parts(void **state)
{
	static const struct bd_signed_part some[] = { { "a", "a" }, { "b", "b" }, { "c", "c" } };
	static const char *const texts[] = { "a=&b=1&c=", "b=1" };
	struct declared *declared = declare();

	(void)state;
	declared->feed.sealed_count = 0;
	declared->one.parts = some;
	for (size_t i = 0; i < 2; i++) {
		struct bd_buf signature;

		declared->one.skips_empty = i == 1;
		bd_buf_init(&signature, 1024);
		sign(&signature, bd_bytes_of(texts[i]), false);
		snprintf(message, sizeof(message),
			"{\"signs\":\"SM2\",\"a\":\"\",\"b\":1,\"c\":null,\"sign\":\"%.*s\"}",
			(int)signature.len, signature.ptr);
		check(declared, message, BD_OK, NULL, message);
		declared->one.skips_empty = i == 0;
		check(declared, message, BD_ENVELOPE_SIGNATURE, "sign", NULL);
		bd_buf_release(&signature);
	}
}

/* -- what is not -- */

static void replace(const char *from, const char *to)
{
	char *at = strstr(message, from);

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

static void test_what_was_not_agreed(void **state)
{
	struct declared *declared = declare();

	(void)state;
	make(declared, DOCUMENT, OVER_SEALED, NULL, false);
	replace("\"SM4\"", "\"AES\"");
	check(declared, message, BD_ENVELOPE_CIPHER, "enc", NULL);
	replace("\"AES\"", "null ");
	check(declared, message, BD_ENVELOPE_PLAIN, "data", NULL);
	make(declared, DOCUMENT, OVER_SEALED, NULL, false);
	replace("\"SM2\"", "\"RSA\"");
	check(declared, message, BD_ENVELOPE_CIPHER, "signs", NULL);
	replace("\"RSA\"", "\"\"   ");
	check(declared, message, BD_ENVELOPE_UNSIGNED, "sign", NULL);
	make(declared, DOCUMENT, OVER_SEALED, NULL, false);
	replace("\"sign\"", "\"sigm\"");
	check(declared, message, BD_ENVELOPE_UNSIGNED, "sign", NULL);
	make(declared, DOCUMENT, OVER_SEALED, NULL, false);
	replace("1.50", "1.51");
	check(declared, message, BD_ENVELOPE_SIGNATURE, "sign", NULL);
	make(declared, DOCUMENT, "a=x&data=%s", NULL, false);
	check(declared, message, BD_ENVELOPE_SIGNATURE, "sign", NULL);
	check(declared, "{", BD_MESSAGE_TRUNCATED, "", NULL);
}

static void test_keys_that_are_not_there(void **state)
{
	struct declared *declared = declare();

	(void)state;
	make(declared, DOCUMENT, OVER_SEALED, NULL, false);
	declared->one.key.name = "other";
	check(declared, message, BD_ENVELOPE_KEY, "sign", NULL);
	declared->one.key = (struct bd_key_named){ NULL, "in/n" };
	check(declared, message, BD_ENVELOPE_KEY, "in/n", NULL);
	declared->one.key = (struct bd_key_named){ NULL, "none" };
	check(declared, message, BD_ENVELOPE_KEY, "none", NULL);
	declared->feed.signature_count = 0;
	declared->sealed.key.name = "other";
	check(declared, message, BD_ENVELOPE_KEY, "data", NULL);
}

/* Whatever is wrong with what is sealed, one answer: code, text, place. */
static void test_no_oracle(void **state)
{
	static const char *const documents[] = { "no document", "\"a text\"", "{\"a\":1", "",
		"{\"a\":1}{}", "\xff{}", "{\"a\":1,\"a\":2}" };
	static const char *const sealed[] = { "00", "zz", "0", "",
		"00112233445566778899aabbccddeeff",
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeef" };
	struct bd_diag first = { .code = BD_OK };

	(void)state;
	for (size_t i = 0; i < 7 + 6 + 2; i++) {
		struct declared *declared = declare();
		struct opener opener = { { open_by_keys }, 0 };
		struct bd_diag diag = { .code = BD_OK };
		struct bd_buf out;

		declared->feed.signature_count = i >= 13;
		declared->one.is_of_opened = true;
		if (i < 7) {
			make(declared, documents[i], "%s", NULL, false);
		} else if (i < 13) {
			snprintf(message, sizeof(message),
				"{\"a\":\"x\\\"y\", \"enc\":\"SM4\",\n \"data\": \"%s\"}",
				sealed[i - 7]);
		} else {
			/* A signature over something else; and one over a text whose padding is
			 * broken besides. */
			make(declared, DOCUMENT, OVER_SEALED, "{}", false);
			if (i == 14) {
				strstr(message, "\" ,")[-1] ^= 1;
			}
		}
		bd_buf_init(&out, 2 * BD_SEALED_MESSAGE_MAX_BYTES);
		assert_int_equal(bd_sealed_open(&out, bd_bytes_of(message), &declared->feed,
					 &opener.opener, &diag),
			BD_ENVELOPE_SEALED);
		assert_int_equal(out.len, 0);
		first = i == 0 ? diag : first;
		assert_string_equal(diag.detail, first.detail);
		assert_string_equal(diag.path, "data");
		assert_int_equal(diag.place.line, first.place.line);
		assert_int_equal(diag.place.column, first.place.column);
		bd_buf_release(&out);
	}
}

/* A signature over what was received is checked first: nobody has anything opened who cannot sign.
 */
static void test_nothing_is_opened_unsigned(void **state)
{
	struct declared *declared = declare();

	(void)state;
	make(declared, "no document", OVER_SEALED, NULL, false);
	check(declared, message, BD_ENVELOPE_SEALED, "data", NULL);
	replace("1.50", "1.51");
	check(declared, message, BD_ENVELOPE_SIGNATURE, "sign", NULL);
}

/* Every single bit of the message: never another document. */
static void test_every_bit(void **state)
{
	struct declared *declared = declare();
	size_t len, opened = 0;

	(void)state;
	make(declared, "{\"a\":1}", OVER_SEALED, NULL, false);
	len = strlen(message);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		struct opener opener = { { open_by_keys }, 0 };
		struct bd_buf out;

		message[bit / 8] ^= (char)(1 << bit % 8);
		bd_buf_init(&out, 2 * BD_SEALED_MESSAGE_MAX_BYTES);
		if (bd_sealed_open(&out, (struct bd_bytes){ message, len }, &declared->feed,
			    &opener.opener, NULL) == BD_OK) {
			/* A digit of hexadecimal in the other case, blanks: the same text. */
			assert_non_null(memmem(out.ptr, out.len, "{\"a\":1}", 7));
			opened++;
		}
		bd_buf_release(&out);
		message[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_true(opened < 16);
}

/* -- the folder -- */

static void refused(const char *name, const char *text, mode_t mode, enum bd_code code)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_message_keys *none = NULL;

	put(name, bd_bytes_of(text), mode);
	assert_int_equal(bd_message_keys_load(&none, folder, &diag), code);
	assert_null(none);
	assert_non_null(strstr(diag.detail, name));
	assert_null(strstr(diag.detail, "00112233"));
	drop(name);
}

static void test_files_that_are_no_keys(void **state)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_message_keys *none = NULL;

	(void)state;
	refused("x.key", "00112233445566778899aabbccddeeff", 0640, BD_CONFIG_MEANING);
	refused("x.key", "00112233445566778899aabbccddeef", 0600, BD_CONFIG_MEANING);
	refused("x.secret", "0011223344", 0644, BD_CONFIG_MEANING);
	refused("x.secret", "\n", 0600, BD_CONFIG_MEANING);
	refused("x.pub", "no key", 0644, BD_KEY_FORM);
	refused("x.pem", "", 0600, BD_CONFIG_MEANING);
	assert_int_equal(
		bd_message_keys_load(&none, "/nowhere/at/all", &diag), BD_CONFIG_REFERENCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_form),
		cmocka_unit_test(test_each_vector),
		cmocka_unit_test(test_nothing_is_there),
		cmocka_unit_test(test_an_object_as_it_stands),
		cmocka_unit_test(test_empty_parts),
		cmocka_unit_test(test_what_was_not_agreed),
		cmocka_unit_test(test_keys_that_are_not_there),
		cmocka_unit_test(test_no_oracle),
		cmocka_unit_test(test_nothing_is_opened_unsigned),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_files_that_are_no_keys),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
