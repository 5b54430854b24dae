#include "intake/sealed.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/try.h"
#include "intake/signed_text.h"

#include <string.h>

/* No secret of a message stands in it: whatever failed, this is all that is said. */
#define NOT_OPENED "the payload cannot be opened"

/* A key's name is a part of a file's. */
#define KEY_NAME_MAX_BYTES 64
#define KEY_NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

struct opening {
	const struct bd_feed_plan *feed;
	struct bd_members members;
	struct bd_arena arena;
	struct bd_buf sealed, signature, iv, before, after, opened;
	struct bd_open_request request;
	struct bd_diag *diag;
};

static enum bd_code fail(struct opening *opening, enum bd_code code, const struct bd_member *member,
	const char *detail)
{
	if (opening->diag != NULL && opening->diag->code == BD_OK) {
		bd_fail_at(opening->diag, code, member->place, "%s", detail);
		bd_diag_set_path(opening->diag, member->path);
	}
	return code;
}

static enum bd_code not_opened(struct opening *opening)
{
	const struct bd_sealed_plan *plan = &opening->feed->sealed[0];

	return fail(opening, BD_ENVELOPE_SEALED, bd_members_get(&opening->members, plan->path),
		NOT_OPENED);
}

/* -- what a message says of itself -- */

/* *is: as the plan asks; false where the member that says so is missing or empty. What it says
 * else is something the adapter does not know. */
static enum bd_code is_stated(bool *is, struct opening *opening, const struct bd_stated *stated)
{
	const struct bd_member *member;

	*is = true;
	if (stated->path == NULL) {
		return BD_OK;
	}
	member = bd_members_get(&opening->members, stated->path);
	*is = member->text.len > 0;
	for (size_t i = 0; i < stated->is_count && *is; i++) {
		if (bd_bytes_is(member->text, stated->is[i])) {
			return BD_OK;
		}
	}
	return *is ? fail(opening, BD_ENVELOPE_CIPHER, member, "") : BD_OK;
}

static enum bd_code name_key(
	const char **out, struct opening *opening, const struct bd_key_named *key)
{
	const struct bd_member *member;
	const char *name = key->name;

	if (name == NULL) {
		member = bd_members_get(&opening->members, key->path);
		name = bd_arena_text(&opening->arena, member->text);
		if (name == NULL) {
			return bd_arena_code(&opening->arena);
		}
		if (member->text.len == 0 || member->text.len > KEY_NAME_MAX_BYTES ||
			strspn(name, KEY_NAME_CHARS) != member->text.len) {
			return fail(opening, BD_ENVELOPE_KEY, member, "not the name of a key");
		}
	}
	*out = name;
	return BD_OK;
}

static bool decode(struct bd_buf *out, enum bd_coding coding, struct bd_bytes text)
{
	bd_buf_clear(out);
	if (coding == BD_CODING_BASE64) {
		return bd_base64_read(out, text);
	}
	if (text.len % 2 != 0 || bd_buf_reserve(out, text.len / 2) != BD_OK ||
		!bd_unhex((uint8_t *)out->ptr, text.len / 2, text)) {
		return false;
	}
	out->len = text.len / 2;
	return true;
}

/* -- the seal -- */

/* False: no such vector, or the text is shorter than it. */
static bool take_iv(
	struct opening *opening, const struct bd_sealed_plan *plan, struct bd_bytes *sealed)
{
	static const char zero[BD_SM4_BLOCKS_BYTES];
	struct bd_bytes *iv = &opening->request.iv;

	switch (plan->iv) {
	case BD_IV_NONE:
		return plan->cipher == BD_CIPHER_SM4_ECB;
	case BD_IV_ZERO:
		*iv = (struct bd_bytes){ zero, sizeof(zero) };
		return true;
	case BD_IV_PREFIX:
		if (sealed->len < BD_SM4_BLOCKS_BYTES) {
			return false;
		}
		*iv = (struct bd_bytes){ sealed->ptr, BD_SM4_BLOCKS_BYTES };
		sealed->ptr += BD_SM4_BLOCKS_BYTES;
		sealed->len -= BD_SM4_BLOCKS_BYTES;
		return true;
	case BD_IV_MEMBER:
		if (!decode(&opening->iv, plan->coding,
			    bd_members_get(&opening->members, plan->iv_path)->text)) {
			return false;
		}
		*iv = bd_buf_bytes(&opening->iv);
		return iv->len == BD_SM4_BLOCKS_BYTES;
	}
	return false;
}

static enum bd_code ask_seal(struct opening *opening, const struct bd_sealed_plan *plan)
{
	const struct bd_member *member = bd_members_get(&opening->members, plan->path);
	struct bd_open_request *request = &opening->request;
	struct bd_bytes sealed;
	bool is;

	BD_TRY(is_stated(&is, opening, &plan->stated));
	if (!is) {
		return plan->is_required ? fail(opening, BD_ENVELOPE_PLAIN, member, "") : BD_OK;
	}
	if (!member->is_text || !decode(&opening->sealed, plan->coding, member->text)) {
		return not_opened(opening);
	}
	sealed = bd_buf_bytes(&opening->sealed);
	if (!take_iv(opening, plan, &sealed)) {
		return not_opened(opening);
	}
	request->sealed = sealed;
	request->cipher = plan->cipher;
	return name_key(&request->cipher_key, opening, &plan->key);
}

/* -- the signature -- */

static bool read_signature(
	struct opening *opening, const struct bd_signed_plan *plan, const struct bd_member *member)
{
	struct bd_bytes bytes;

	if (!member->is_text || !decode(&opening->signature, plan->coding, member->text)) {
		return false;
	}
	bytes = bd_buf_bytes(&opening->signature);
	/* DER of two numbers of 256 bits is longer than the numbers alone, unless they are tiny. */
	if (plan->form != BD_SIGNATURE_DER && bytes.len == BD_SIGNATURE_BYTES) {
		memcpy(opening->request.signature, bytes.ptr, bytes.len);
		return true;
	}
	return plan->form != BD_SIGNATURE_RAW &&
	       bd_signature_from_der(opening->request.signature, bytes) == BD_OK;
}

static enum bd_code ask_signature(struct opening *opening, const struct bd_signed_plan *plan)
{
	const struct bd_member *member = bd_members_get(&opening->members, plan->path);
	struct bd_open_request *request = &opening->request;
	bool is;

	BD_TRY(is_stated(&is, opening, &plan->stated));
	if (!is || member->text.len == 0) {
		return plan->is_required ? fail(opening, BD_ENVELOPE_UNSIGNED, member, "") : BD_OK;
	}
	if (!read_signature(opening, plan, member)) {
		return fail(opening, BD_ENVELOPE_SIGNATURE, member, "not a signature's form");
	}
	BD_TRY(name_key(&request->sign_key, opening, &plan->key));
	request->is_of_opened = plan->is_of_opened && request->cipher_key != NULL;
	request->secret = plan->secret;
	BD_TRY(bd_signed_text(&opening->before, &opening->after, plan, &opening->members,
		request->is_of_opened ? opening->feed->sealed[0].path : NULL));
	request->before = bd_buf_bytes(&opening->before);
	request->after = bd_buf_bytes(&opening->after);
	return BD_OK;
}

/* -- opening -- */

/* The member that the opener's code is about. */
static enum bd_code place_failure(struct opening *opening, enum bd_code code)
{
	const struct bd_feed_plan *feed = opening->feed;
	bool is_signature = opening->request.sign_key != NULL;

	if (code == BD_ENVELOPE_SEALED) {
		return not_opened(opening);
	}
	if (code == BD_ENVELOPE_SIGNATURE || code == BD_ENVELOPE_KEY) {
		return fail(opening, code,
			bd_members_get(&opening->members,
				is_signature ? feed->signature[0].path : feed->sealed[0].path),
			"");
	}
	return bd_fail(opening->diag, code, "%s", "");
}

/* What came out is a document, or it was not opened. */
static bool is_document(struct bd_bytes text)
{
	struct bd_arena arena;
	struct bd_json *root = NULL;
	bool is_good;

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	is_good = bd_json_parse(&root, text, &arena, NULL) == BD_OK &&
		  (root->type == BD_JSON_IS_OBJECT || root->type == BD_JSON_IS_ARRAY);
	bd_arena_release(&arena);
	return is_good;
}

static enum bd_code ask(struct opening *opening, struct bd_opener *opener)
{
	struct bd_open_request *request = &opening->request;
	enum bd_code code;

	if (request->cipher_key == NULL && request->sign_key == NULL) {
		return BD_OK;
	}
	code = opener != NULL ? opener->open(opener, &opening->opened, request) : BD_ENVELOPE_KEY;
	if (code != BD_OK) {
		return place_failure(opening, code);
	}
	return request->cipher_key == NULL || is_document(bd_buf_bytes(&opening->opened))
		       ? BD_OK
		       : not_opened(opening);
}

/* The message with what was opened in the place of the member's value. */
static enum bd_code splice(
	struct bd_buf *out, struct bd_bytes message, const struct opening *opening)
{
	const struct bd_member *member;
	size_t begin;

	if (opening->request.cipher_key == NULL) {
		return bd_buf_add(out, message);
	}
	member = bd_members_get(&opening->members, opening->feed->sealed[0].path);
	begin = (size_t)(member->raw.ptr - message.ptr);
	BD_TRY(bd_buf_add(out, (struct bd_bytes){ message.ptr, begin }));
	BD_TRY(bd_buf_add(out, bd_buf_bytes(&opening->opened)));
	return bd_buf_add(out, (struct bd_bytes){ member->raw.ptr + member->raw.len,
				       message.len - begin - member->raw.len });
}

static enum bd_code run(struct bd_buf *out, struct bd_bytes message, struct opening *opening,
	struct bd_opener *opener)
{
	const struct bd_feed_plan *feed = opening->feed;

	if (!bd_members_want(&opening->members, feed)) {
		return bd_fail(opening->diag, BD_LIMIT_COUNT, "members that are signed");
	}
	BD_TRY(bd_members_find(&opening->members, message, &opening->arena, opening->diag));
	if (feed->sealed_count > 0) {
		BD_TRY(ask_seal(opening, &feed->sealed[0]));
	}
	if (feed->signature_count > 0) {
		BD_TRY(ask_signature(opening, &feed->signature[0]));
	}
	BD_TRY(ask(opening, opener));
	return splice(out, message, opening);
}

enum bd_code bd_sealed_open(struct bd_buf *out, struct bd_bytes message,
	const struct bd_feed_plan *feed, struct bd_opener *opener, struct bd_diag *diag)
{
	struct opening opening = { .feed = feed, .diag = diag };
	struct bd_buf *const buffers[] = { &opening.sealed, &opening.signature, &opening.iv,
		&opening.before, &opening.after, &opening.opened };
	enum bd_code code;

	bd_arena_init(&opening.arena, BD_REQUEST_ARENA_MAX_BYTES);
	for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
		bd_buf_init(buffers[i], BD_SEALED_MESSAGE_MAX_BYTES);
	}
	code = run(out, message, &opening, opener);
	if (code != BD_OK) {
		bd_fail(diag, code, "%s", "");
	}
	bd_buf_wipe(&opening.opened);
	for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
		bd_buf_release(buffers[i]);
	}
	bd_arena_release(&opening.arena);
	return code;
}

/* -- to somebody else -- */

static enum bd_code add_name(struct bd_buf *out, const char *name)
{
	return bd_buf_add_sized(out, bd_bytes_of(name != NULL ? name : ""));
}

enum bd_code bd_open_request_pack(struct bd_buf *out, const struct bd_open_request *request)
{
	BD_TRY(add_name(out, request->cipher_key));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)request->cipher));
	BD_TRY(bd_buf_add_sized(out, request->iv));
	BD_TRY(bd_buf_add_sized(out, request->sealed));
	BD_TRY(add_name(out, request->sign_key));
	BD_TRY(bd_buf_add(out,
		(struct bd_bytes){ (const char *)request->signature, sizeof(request->signature) }));
	BD_TRY(bd_buf_add_sized(out, request->before));
	BD_TRY(bd_buf_add_sized(out, request->after));
	BD_TRY(bd_buf_add_u8(out, request->is_of_opened ? 1 : 0));
	return add_name(out, request->secret);
}

/* NULL of an empty one. */
static bool read_name(const char **out, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_bytes name = bd_read_sized(reader);

	*out = NULL;
	if (!reader->ok || (name.len > 0 && memchr(name.ptr, '\0', name.len) != NULL)) {
		return false;
	}
	*out = name.len > 0 ? bd_arena_text(arena, name) : NULL;
	return name.len == 0 || *out != NULL;
}

bool bd_open_request_unpack(
	struct bd_open_request *out, struct bd_bytes bytes, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(bytes);
	struct bd_open_request request = { .cipher_key = NULL };
	struct bd_bytes signature;
	uint8_t is_of_opened;
	bool is_good = read_name(&request.cipher_key, &reader, arena);

	request.cipher = (enum bd_cipher)bd_read_u8(&reader);
	request.iv = bd_read_sized(&reader);
	request.sealed = bd_read_sized(&reader);
	is_good = is_good && read_name(&request.sign_key, &reader, arena);
	signature = bd_read_bytes(&reader, sizeof(request.signature));
	request.before = bd_read_sized(&reader);
	request.after = bd_read_sized(&reader);
	is_of_opened = bd_read_u8(&reader);
	is_good = is_good && read_name(&request.secret, &reader, arena);
	if (!is_good || !reader.ok || reader.rest.len > 0 || is_of_opened > 1 ||
		request.cipher > BD_CIPHER_SM4_CBC ||
		(request.cipher_key != NULL) != (request.cipher != 0) ||
		(request.iv.len != 0 && request.iv.len != BD_SM4_BLOCKS_BYTES) ||
		(request.cipher == BD_CIPHER_SM4_CBC && request.iv.len == 0) ||
		(request.cipher_key == NULL && request.sign_key == NULL)) {
		return false;
	}
	memcpy(request.signature, signature.ptr, sizeof(request.signature));
	request.is_of_opened = is_of_opened == 1;
	*out = request;
	return true;
}
