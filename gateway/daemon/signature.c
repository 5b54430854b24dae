#include "daemon/signature.h"

#include <string.h>

/* Numbers of seconds: ten digits until the year 2286. */
#define SECONDS_DIGITS_MAX 12

static enum bd_code wrong(struct bd_diag *diag, const char *detail)
{
	return bd_fail(diag, BD_AUTH_SIGNATURE, "%s", detail);
}

/* -- reading structured fields (RFC 8941), as far as they may stand here -- */

static bool take(struct bd_bytes *rest, const char *text)
{
	size_t len = strlen(text);

	if (rest->len < len || memcmp(rest->ptr, text, len) != 0) {
		return false;
	}
	rest->ptr += len;
	rest->len -= len;
	return true;
}

static bool is_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("*_.-", c) != NULL);
}

static struct bd_bytes take_key(struct bd_bytes *rest)
{
	struct bd_bytes key = { rest->ptr, 0 };

	while (key.len < rest->len && is_key(rest->ptr[key.len])) {
		key.len++;
	}
	rest->ptr += key.len;
	rest->len -= key.len;
	return key;
}

/* A string without escapes. */
static bool take_string(struct bd_bytes *out, struct bd_bytes *rest)
{
	size_t len = 0;

	if (!take(rest, "\"")) {
		return false;
	}
	while (len < rest->len && rest->ptr[len] != '"') {
		unsigned char c = (unsigned char)rest->ptr[len];

		if (c < 0x20 || c > 0x7E || c == '\\') {
			return false;
		}
		len++;
	}
	*out = (struct bd_bytes){ rest->ptr, len };
	rest->ptr += len;
	rest->len -= len;
	return take(rest, "\"");
}

static bool take_seconds(int64_t *out, struct bd_bytes *rest)
{
	int64_t value = 0;
	size_t len = 0;

	for (; len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9'; len++) {
		if (len == SECONDS_DIGITS_MAX) {
			return false;
		}
		value = value * 10 + (rest->ptr[len] - '0');
	}
	rest->ptr += len;
	rest->len -= len;
	*out = value;
	return len > 0 && value > 0;
}

static bool take_component(struct bd_signature *out, struct bd_bytes *rest)
{
	struct bd_bytes name;

	if (!take_string(&name, rest) || name.len == 0 ||
		out->component_count == BD_SIGNATURE_COMPONENTS_MAX) {
		return false;
	}
	for (size_t i = 0; i < out->component_count; i++) {
		if (bd_bytes_equal(out->components[i], name)) {
			return false;
		}
	}
	out->components[out->component_count++] = name;
	return true;
}

static bool take_components(struct bd_signature *out, struct bd_bytes *rest)
{
	if (!take(rest, "(") || !take_component(out, rest)) {
		return false;
	}
	while (take(rest, " ")) {
		if (!take_component(out, rest)) {
			return false;
		}
	}
	return take(rest, ")");
}

/* Each once: what is set is not empty. */
static bool take_parameter(struct bd_signature *out, struct bd_bytes *rest)
{
	struct bd_bytes name = take_key(rest);
	struct bd_bytes *text = bd_bytes_is(name, "keyid")   ? &out->key_id
				: bd_bytes_is(name, "nonce") ? &out->nonce
				: bd_bytes_is(name, "alg")   ? &out->algorithm
							     : NULL;
	int64_t *number = bd_bytes_is(name, "created")   ? &out->created_s
			  : bd_bytes_is(name, "expires") ? &out->expires_s
							 : NULL;

	if (!take(rest, "=") || (text == NULL && number == NULL)) {
		return false;
	}
	if (number != NULL) {
		return *number == 0 && take_seconds(number, rest);
	}
	return text->len == 0 && take_string(text, rest) && text->len > 0;
}

static bool read_input(struct bd_signature *out, struct bd_bytes *label, struct bd_bytes input)
{
	*label = take_key(&input);
	if (label->len == 0 || !take(&input, "=")) {
		return false;
	}
	out->parameters = input;
	if (!take_components(out, &input)) {
		return false;
	}
	while (take(&input, ";")) {
		if (!take_parameter(out, &input)) {
			return false;
		}
	}
	return input.len == 0;
}

/* ":BASE64:" of a digest. */
static bool read_bytes(uint8_t out[BD_DIGEST_BYTES], struct bd_bytes text)
{
	char room[64];
	struct bd_buf bytes = { room, 0, sizeof(room), sizeof(room) };

	if (!take(&text, ":") || text.len < 1 || text.len > 48 || text.ptr[text.len - 1] != ':') {
		return false;
	}
	text.len--;
	if (!bd_base64_read(&bytes, text) || bytes.len != BD_DIGEST_BYTES) {
		return false;
	}
	memcpy(out, room, BD_DIGEST_BYTES);
	return true;
}

enum bd_code bd_signature_parse(struct bd_signature *out, struct bd_bytes input,
	struct bd_bytes signature, struct bd_diag *diag)
{
	struct bd_bytes label, same;

	*out = (struct bd_signature){ .component_count = 0 };
	if (!read_input(out, &label, input)) {
		return wrong(diag, "Signature-Input is not of the agreed form");
	}
	same = take_key(&signature);
	if (!bd_bytes_equal(label, same) || !take(&signature, "=") ||
		!read_bytes(out->mac, signature)) {
		return wrong(diag, "Signature is not LABEL=:BASE64: of 32 bytes");
	}
	if (out->key_id.len == 0 || out->created_s == 0 ||
		out->nonce.len < BD_SIGNATURE_NONCE_MIN_BYTES ||
		out->nonce.len > BD_SIGNATURE_NONCE_MAX_BYTES) {
		return wrong(diag, "created, keyid and a nonce of 16 to 64 characters are given");
	}
	if (out->algorithm.len > 0 && !bd_bytes_is(out->algorithm, "hmac-sha256")) {
		return wrong(diag, "alg is hmac-sha256");
	}
	return BD_OK;
}

bool bd_signature_covers(const struct bd_signature *signature, const char *name)
{
	for (size_t i = 0; i < signature->component_count; i++) {
		if (bd_bytes_is(signature->components[i], name)) {
			return true;
		}
	}
	return false;
}

/* -- what is signed -- */

static struct bd_bytes value_of(
	const struct bd_signature_parts *parts, struct bd_bytes name, struct bd_diag *diag)
{
	struct bd_bytes value = { NULL, 0 };

	if (bd_bytes_is(name, "@method")) {
		return parts->method;
	}
	if (bd_bytes_is(name, "@path")) {
		return parts->path;
	}
	if (bd_bytes_is(name, "@authority")) {
		return parts->field(parts, bd_bytes_of("host"));
	}
	if (name.ptr[0] != '@') {
		value = parts->field(parts, name);
	}
	if (value.ptr == NULL) {
		wrong(diag, "a component that is covered is not there, stands twice, or is none");
	}
	return value;
}

enum bd_code bd_signature_base(struct bd_buf *out, const struct bd_signature *signature,
	const struct bd_signature_parts *parts, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < signature->component_count && code == BD_OK; i++) {
		struct bd_bytes name = signature->components[i];
		/* The query has its '?' even when it is empty (section 2.2.7). */
		bool is_query = bd_bytes_is(name, "@query");
		struct bd_bytes value = is_query ? parts->query : value_of(parts, name, diag);

		if (!is_query && value.ptr == NULL) {
			return BD_AUTH_SIGNATURE;
		}
		code = bd_buf_add_byte(out, '"');
		code = code == BD_OK ? bd_buf_add(out, name) : code;
		code = code == BD_OK ? bd_buf_add_text(out, is_query ? "\": ?" : "\": ") : code;
		code = code == BD_OK ? bd_buf_add(out, value) : code;
		code = code == BD_OK ? bd_buf_add_byte(out, '\n') : code;
	}
	code = code == BD_OK ? bd_buf_add_text(out, "\"@signature-params\": ") : code;
	code = code == BD_OK ? bd_buf_add(out, signature->parameters) : code;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "what is signed");
}

bool bd_signature_digest(uint8_t out[BD_DIGEST_BYTES], struct bd_bytes content_digest)
{
	return take(&content_digest, "sha-256=") && read_bytes(out, content_digest);
}
