/* fuzz_signature.c - any bytes as Signature-Input (the first line), Signature (the second) and
 * Content-Digest (the rest): what is taken is of the one form that signature.h allows.
 */
#include "daemon/signature.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static struct bd_bytes take_line(struct bd_bytes *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
	struct bd_bytes line = { rest->ptr, end != NULL ? (size_t)(end - rest->ptr) : rest->len };
	size_t used = line.len + (end != NULL ? 1 : 0);

	*rest = (struct bd_bytes){ rest->ptr + used, rest->len - used };
	return line;
}

static bool is_within(struct bd_bytes part, struct bd_bytes all)
{
	return part.ptr >= all.ptr && part.ptr + part.len <= all.ptr + all.len;
}

static struct bd_bytes field(const struct bd_signature_parts *parts, struct bd_bytes name)
{
	(void)parts;
	return name.len % 7 == 6 ? (struct bd_bytes){ NULL, 0 } : bd_bytes_of("a value");
}

/* A line a component and one of the parameters, whatever they are called. */
static void check_base(const struct bd_signature *signature)
{
	const struct bd_signature_parts parts = { .method = bd_bytes_of("POST"),
		.path = bd_bytes_of("/v1/compare"),
		.query = bd_bytes_of(""),
		.field = field };
	struct bd_buf out;
	size_t lines = 1;

	bd_buf_init(&out, 1 << 20);
	if (bd_signature_base(&out, signature, &parts, NULL) == BD_OK) {
		for (size_t i = 0; i < out.len; i++) {
			lines += out.ptr[i] == '\n';
		}
		must(lines == signature->component_count + 1);
		must(out.len >= signature->parameters.len &&
			memcmp(out.ptr + out.len - signature->parameters.len,
				signature->parameters.ptr, signature->parameters.len) == 0);
	}
	bd_buf_release(&out);
}

static void check_signature(struct bd_bytes input, struct bd_bytes mac)
{
	struct bd_signature signature;

	if (bd_signature_parse(&signature, input, mac, NULL) != BD_OK) {
		return;
	}
	must(signature.component_count >= 1 &&
		signature.component_count <= BD_SIGNATURE_COMPONENTS_MAX);
	for (size_t i = 0; i < signature.component_count; i++) {
		must(is_within(signature.components[i], input));
		must(signature.components[i].len > 0);
		must(memchr(signature.components[i].ptr, '"', signature.components[i].len) == NULL);
		for (size_t j = 0; j < i; j++) {
			must(!bd_bytes_equal(signature.components[i], signature.components[j]));
		}
	}
	must(is_within(signature.parameters, input) && is_within(signature.key_id, input) &&
		is_within(signature.nonce, input));
	must(signature.key_id.len > 0 && signature.created_s > 0 && signature.expires_s >= 0);
	must(signature.nonce.len >= BD_SIGNATURE_NONCE_MIN_BYTES &&
		signature.nonce.len <= BD_SIGNATURE_NONCE_MAX_BYTES);
	check_base(&signature);
}

/* There is one way to write a digest. */
static void check_digest(struct bd_bytes text)
{
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_buf again;

	if (!bd_signature_digest(digest, text)) {
		return;
	}
	bd_buf_init(&again, 128);
	must(bd_buf_add_text(&again, "sha-256=:") == BD_OK &&
		bd_base64_add(&again, (struct bd_bytes){ (const char *)digest, sizeof(digest) }) ==
			BD_OK &&
		bd_buf_add_text(&again, ":") == BD_OK);
	must(bd_bytes_equal(bd_buf_bytes(&again), text));
	bd_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_bytes rest = { (const char *)data, size };
	struct bd_bytes input = take_line(&rest), mac = take_line(&rest);

	check_signature(input, mac);
	check_digest(rest);
	return 0;
}
