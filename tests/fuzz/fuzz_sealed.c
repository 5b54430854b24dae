/* fuzz_sealed.c - any bytes as a message that is signed and sealed, in each form that an envelope
 * may declare; as what is opened; and as a request to open one. What is given is the message, or
 * one with a document in the place of the sealed text; what is refused gives nothing, and has its
 * code and place.
 */
#include "base/json.h"
#include "base/limits.h"
#include "intake/sealed.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

/* Opens by taking away a byte of each, and believes every signature that begins with a zero. */
static enum bd_code open_anything(
	struct bd_opener *self, struct bd_buf *opened, const struct bd_open_request *request)
{
	(void)self;
	must(request->cipher_key != NULL || request->sign_key != NULL);
	must(request->iv.len == 0 || request->iv.len == BD_SM4_BLOCKS_BYTES);
	if (request->sign_key != NULL && request->signature[0] != 0) {
		return BD_ENVELOPE_SIGNATURE;
	}
	return request->cipher_key != NULL ? bd_buf_add(opened, request->sealed) : BD_OK;
}

static const char *const kinds[] = { "SM4", "SM2" };
static const struct bd_signed_part parts[] = { { "a", "a" }, { "d", "d" }, { "n", "in/n" } };

static void check_message(struct bd_bytes message, uint8_t form)
{
	struct bd_sealed_plan sealed = { .path = "d",
		.key = { form & 1 ? "k" : NULL, form & 1 ? NULL : "k" },
		.stated = { form & 2 ? "e" : NULL, kinds, 2 },
		.cipher = form & 4 ? BD_CIPHER_SM4_CBC : BD_CIPHER_SM4_ECB,
		.coding = form & 8 ? BD_CODING_HEX : BD_CODING_BASE64,
		.iv = form & 4 ? (enum bd_iv)(1 + form % 3) : BD_IV_NONE,
		.iv_path = "iv",
		.is_required = (form & 16) != 0 };
	struct bd_signed_plan one = { .path = "s",
		.key = { "k", NULL },
		.stated = { form & 2 ? "e" : NULL, kinds, 2 },
		.coding = sealed.coding,
		.form = (enum bd_signature_form)(1 + form % 3),
		.is_required = (form & 32) != 0,
		.parts = parts,
		.part_count = 3,
		.is_paired = (form & 1) != 0,
		.skips_empty = (form & 2) != 0,
		.is_of_opened = (form & 4) != 0,
		.join = "&" };
	const struct bd_feed_plan feed = { .sealed = &sealed,
		.sealed_count = form & 64 ? 1 : 0,
		.signature = &one,
		.signature_count = form & 128 ? 1 : 0 };
	struct bd_opener opener = { open_anything };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_json *root = NULL;
	struct bd_arena arena;
	struct bd_buf out;
	enum bd_code code;

	bd_buf_init(&out, 2 * BD_SEALED_MESSAGE_MAX_BYTES);
	bd_arena_init(&arena, 1 << 24);
	code = bd_sealed_open(&out, message, &feed, &opener, &diag);
	must(code == diag.code);
	if (code == BD_OK) {
		must(bd_json_parse_answer(&root, bd_buf_bytes(&out), &arena, NULL) == BD_OK ||
			bd_arena_code(&arena) != BD_OK);
	} else {
		must(out.len == 0);
	}
	bd_arena_release(&arena);
	bd_buf_release(&out);
}

static void check_request(struct bd_bytes bytes)
{
	struct bd_open_request request;
	struct bd_arena arena;
	struct bd_buf again;

	bd_arena_init(&arena, 1 << 20);
	bd_buf_init(&again, bytes.len + 64);
	if (bd_open_request_unpack(&request, bytes, &arena)) {
		must(bd_open_request_pack(&again, &request) == BD_OK);
		must(bd_bytes_equal(bd_buf_bytes(&again), bytes));
	}
	bd_buf_release(&again);
	bd_arena_release(&arena);
}

/* The first byte says which form, the rest is the message. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct bd_bytes input = { (const char *)bytes, len };

	check_request(input);
	if (len > 0) {
		check_message((struct bd_bytes){ input.ptr + 1, len - 1 }, bytes[0]);
	}
	return 0;
}
