/* Signed requests: the vector of RFC 9421, one made with Python's hmac, and every way a signature
 * is not of the agreed form. */
#include "daemon/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct request {
	struct bd_signature_parts parts;
	const char *names[8], *values[8];
};

static struct bd_bytes field(const struct bd_signature_parts *self, struct bd_bytes name)
{
	const struct request *request = CONTAINER(const struct request, parts, self);

	for (size_t i = 0; request->names[i] != NULL; i++) {
		if (bd_bytes_is(name, request->names[i])) {
			return bd_bytes_of(request->values[i]);
		}
	}
	return (struct bd_bytes){ NULL, 0 };
}

static void assert_mac(const struct bd_signature *signature, const struct request *request,
	struct bd_bytes key, const char *expected_base64)
{
	uint8_t mac[BD_DIGEST_BYTES];
	struct bd_hmac *hmac = NULL;
	struct bd_buf base, text;

	bd_buf_init(&base, 65536);
	bd_buf_init(&text, 100);
	assert_int_equal(bd_hmac_new(&hmac, key), BD_OK);
	assert_int_equal(bd_signature_base(&base, signature, &request->parts, NULL), BD_OK);
	assert_int_equal(bd_hmac_of(hmac, bd_buf_bytes(&base), mac), BD_OK);
	assert_int_equal(
		bd_base64_add(&text, (struct bd_bytes){ (char *)mac, sizeof(mac) }), BD_OK);
	assert_true(bd_bytes_is(bd_buf_bytes(&text), expected_base64));
	bd_hmac_free(hmac);
	bd_buf_release(&base);
	bd_buf_release(&text);
}

/* RFC 9421 appendix B.2.5, with the shared secret of B.1.5. */
static void vector_of_the_standard(void **state)
{
	static const struct request request = {
		.parts = { .field = field },
		.names = { "date", "host", "content-type" },
		.values = { "Tue, 20 Apr 2021 02:07:55 GMT", "example.com", "application/json" },
	};
	struct bd_signature signature = {
		.components = { { "date", 4 }, { "@authority", 10 }, { "content-type", 12 } },
		.component_count = 3,
		.parameters = bd_bytes_of("(\"date\" \"@authority\" \"content-type\")"
					  ";created=1618884473;keyid=\"test-shared-secret\""),
	};
	struct bd_buf key;

	(void)state;
	bd_buf_init(&key, 100);
	assert_true(bd_base64_read(
		&key, bd_bytes_of("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtj"
				  "UkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")));
	assert_mac(&signature, &request, bd_buf_bytes(&key),
		"pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=");
	bd_buf_release(&key);
}

#define INPUT                                                                                      \
	"sig=(\"@method\" \"@path\" \"@query\" \"content-digest\" \"content-type\");created="      \
	"1780300800;keyid=\"2026-a\";nonce=\"0123456789abcdef\";alg=\"hmac-sha256\""
#define MAC "oK1ZhZQ4Wb5D2WIQIMSgUP/l64xAbpRJof3H0rB+VzE="

/* hmac.new(bytes(range(32)), base, sha256) of Python. */
static void vector_of_another_program(void **state)
{
	const struct request request = {
		.parts = { bd_bytes_of("POST"), bd_bytes_of("/v1/compare"),
			bd_bytes_of("explain=true"), field },
		.names = { "content-digest", "content-type" },
		.values = { "sha-256=:RQs86YRFsvvMDdyA6YycXAIw5Aa9pLj5RregSQ1RIrs=:",
			"application/json" },
	};
	uint8_t key[32], digest[BD_DIGEST_BYTES], body[BD_DIGEST_BYTES];
	struct bd_signature signature;

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++) {
		key[i] = (uint8_t)i;
	}
	assert_int_equal(bd_signature_parse(&signature, bd_bytes_of(INPUT),
				 bd_bytes_of("sig=:" MAC ":"), NULL),
		BD_OK);
	assert_mac(&signature, &request, (struct bd_bytes){ (char *)key, sizeof(key) }, MAC);
	assert_int_equal(signature.created_s, 1780300800);
	assert_true(bd_bytes_is(signature.key_id, "2026-a"));
	assert_true(bd_bytes_is(signature.nonce, "0123456789abcdef"));
	assert_true(bd_signature_covers(&signature, "@path"));
	assert_false(bd_signature_covers(&signature, "bidui-purpose"));
	assert_true(bd_signature_digest(digest, bd_bytes_of(request.values[0])));
	assert_int_equal(bd_sha256_of(bd_bytes_of("{\"matter\":\"x\"}"), body), BD_OK);
	assert_memory_equal(digest, body, sizeof(body));
}

static const struct {
	const char *what, *input, *signature;
} wrong[] = {
	{ "nothing", "", "" },
	{ "no label", "=(\"@path\");created=1;keyid=\"a\";nonce=\"0123456789abcdef\"",
		"=:" MAC ":" },
	{ "another label", INPUT, "sih=:" MAC ":" },
	{ "two signatures", INPUT ", b=(\"@path\")", "sig=:" MAC ":" },
	{ "two macs", INPUT, "sig=:" MAC ":, b=:" MAC ":" },
	{ "no component", "sig=();created=1;keyid=\"a\";nonce=\"0123456789abcdef\"",
		"sig=:" MAC ":" },
	{ "a component twice",
		"sig=(\"@path\" \"@path\");created=1;keyid=\"a\";nonce=\"0123456789abcdef\"",
		"sig=:" MAC ":" },
	{ "a component with parameters",
		"sig=(\"@path\";req);created=1;keyid=\"a\";nonce=\"0123456789abcdef\"",
		"sig=:" MAC ":" },
	{ "two blanks",
		"sig=(\"@path\"  \"@query\");created=1;keyid=\"a\";nonce=\"0123456789abcdef\"",
		"sig=:" MAC ":" },
	{ "no nonce", "sig=(\"@path\");created=1;keyid=\"a\"", "sig=:" MAC ":" },
	{ "a short nonce", "sig=(\"@path\");created=1;keyid=\"a\";nonce=\"0123456789abcde\"",
		"sig=:" MAC ":" },
	{ "no time", "sig=(\"@path\");keyid=\"a\";nonce=\"0123456789abcdef\"", "sig=:" MAC ":" },
	{ "time 0", "sig=(\"@path\");created=0;keyid=\"a\";nonce=\"0123456789abcdef\"",
		"sig=:" MAC ":" },
	{ "a long time",
		"sig=(\"@path\");created=1234567890123;keyid=\"a\";nonce=\"0123456789abcdef\"",
		"sig=:" MAC ":" },
	{ "a time twice",
		"sig=(\"@path\");created=1;created=2;keyid=\"a\";nonce=\"0123456789abcdef\"",
		"sig=:" MAC ":" },
	{ "no key", "sig=(\"@path\");created=1;nonce=\"0123456789abcdef\"", "sig=:" MAC ":" },
	{ "two keys",
		"sig=(\"@path\");created=1;keyid=\"a\";keyid=\"b\";nonce=\"0123456789abcdef\"",
		"sig=:" MAC ":" },
	{ "another algorithm",
		"sig=(\"@path\");created=1;keyid=\"a\";nonce=\"0123456789abcdef\";alg=\"none\"",
		"sig=:" MAC ":" },
	{ "an unknown parameter",
		"sig=(\"@path\");created=1;keyid=\"a\";nonce=\"0123456789abcdef\";tag=\"x\"",
		"sig=:" MAC ":" },
	{ "an escape", "sig=(\"@path\");created=1;keyid=\"a\\\"\";nonce=\"0123456789abcdef\"",
		"sig=:" MAC ":" },
	{ "something behind it", INPUT " ", "sig=:" MAC ":" },
	{ "no base64", INPUT, "sig=:*K1ZhZQ4Wb5D2WIQIMSgUP/l64xAbpRJof3H0rB+VzE=:" },
	{ "a mac too short", INPUT, "sig=:oK1ZhQ==:" },
	{ "no end of a mac", INPUT, "sig=:" MAC },
};

static void every_other_form_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct bd_signature signature;
		enum bd_code code = bd_signature_parse(&signature, bd_bytes_of(wrong[i].input),
			bd_bytes_of(wrong[i].signature), NULL);

		if (code != BD_AUTH_SIGNATURE) {
			fail_msg("%s", wrong[i].what);
		}
	}
}

/* Cut anywhere it is refused, and no byte behind it is read. */
static void cut_anywhere(void **state)
{
	struct bd_signature signature;

	(void)state;
	for (size_t len = 0; len < strlen(INPUT); len++) {
		/* The nonce's end and alg may be missing: then it is whole, but another. */
		bd_signature_parse(&signature, (struct bd_bytes){ INPUT, len },
			bd_bytes_of("sig=:" MAC ":"), NULL);
	}
	for (size_t len = 0; len < strlen("sig=:" MAC ":"); len++) {
		assert_int_equal(bd_signature_parse(&signature, bd_bytes_of(INPUT),
					 (struct bd_bytes){ "sig=:" MAC ":", len }, NULL),
			BD_AUTH_SIGNATURE);
	}
}

static void covered_fields_are_there(void **state)
{
	const struct request request = { .parts = { bd_bytes_of("GET"), bd_bytes_of("/"),
						 bd_bytes_of(""), field } };
	static const char *const names[] = { "date", "@unknown", "@target-uri" };
	struct bd_buf base;

	(void)state;
	bd_buf_init(&base, 1000);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct bd_signature signature = { .components = { bd_bytes_of(names[i]) },
			.component_count = 1 };

		assert_int_equal(bd_signature_base(&base, &signature, &request.parts, NULL),
			BD_AUTH_SIGNATURE);
	}
	bd_buf_release(&base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_of_the_standard),
		cmocka_unit_test(vector_of_another_program),
		cmocka_unit_test(every_other_form_is_refused),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(covered_fields_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
