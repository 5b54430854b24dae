#include "daemon/identify.h"

#include "base/clock.h"
#include "daemon/access.h"
#include "daemon/login_ask.h"
#include "daemon/nonces.h"
#include "daemon/platform.h"
#include "daemon/sender_keys.h"
#include "daemon/signature.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
/* Of the name of a field. */
#define NAME_MAX_BYTES 64

struct parts {
	struct bd_signature_parts parts;
	const struct bd_http_exchange *exchange;
};

static struct bd_bytes field(const struct bd_signature_parts *self, struct bd_bytes name)
{
	const struct parts *parts = CONTAINER(const struct parts, parts, self);
	char text[NAME_MAX_BYTES + 1];

	if (name.len > NAME_MAX_BYTES) {
		return (struct bd_bytes){ NULL, 0 };
	}
	snprintf(text, sizeof(text), "%.*s", (int)name.len, name.ptr);
	return bd_http_header_count(parts->exchange, text) == 1
		       ? bd_http_header(parts->exchange, text)
		       : (struct bd_bytes){ NULL, 0 };
}

/* -- a key -- */

/* What changes the meaning of a request, and is there, is signed. */
static bool covers_all(
	const struct bd_signature *signature, const struct bd_http_exchange *exchange)
{
	static const char *const always[] = { "@method", "@path", "@query" };
	static const char *const fields[] = { "content-digest", "content-type", "content-encoding",
		"idempotency-key", "bidui-purpose", "bidui-case", "bidui-operator",
		"bidui-subject" };

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		if (!bd_signature_covers(signature, always[i])) {
			return false;
		}
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (bd_http_header_count(exchange, fields[i]) > 0 &&
			!bd_signature_covers(signature, fields[i])) {
			return false;
		}
	}
	return true;
}

static enum bd_code verify(const struct bd_signature *signature, const struct bd_hmac *key,
	const struct bd_http_exchange *exchange, struct bd_diag *diag)
{
	const struct parts parts = { .parts = { .method = bd_http_method(exchange),
					     .path = bd_http_path(exchange),
					     .query = bd_http_query(exchange),
					     .field = field },
		.exchange = exchange };
	uint8_t mac[BD_DIGEST_BYTES];
	struct bd_buf base;
	enum bd_code code;

	bd_buf_init(&base, 4 * BD_HTTP_HEADER_MAX_BYTES);
	code = bd_signature_base(&base, signature, &parts.parts, diag);
	code = code == BD_OK ? bd_hmac_of(key, bd_buf_bytes(&base), mac) : code;
	bd_buf_release(&base);
	if (code != BD_OK) {
		return code;
	}
	return bd_equal_secret(mac, signature->mac, sizeof(mac))
		       ? BD_OK
		       : bd_fail(diag, BD_AUTH_SIGNATURE, "%s", "");
}

/* Without Content-Digest the body is empty; where none comes, a route may answer at once. */
static enum bd_code expect_body(struct bd_http_exchange *exchange, struct bd_diag *diag)
{
	struct bd_bytes stated = bd_http_header(exchange, "content-digest");
	uint8_t digest[BD_DIGEST_BYTES], empty[BD_DIGEST_BYTES];
	enum bd_code code = bd_sha256_of((struct bd_bytes){ "", 0 }, empty);

	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	memcpy(digest, empty, sizeof(digest));
	if (stated.ptr != NULL && !bd_signature_digest(digest, stated)) {
		return bd_fail(diag, BD_AUTH_SIGNATURE, "Content-Digest is sha-256=:BASE64: alone");
	}
	if (bd_http_has_body(exchange)) {
		code = bd_http_expect_body(exchange, digest);
	} else if (memcmp(digest, empty, sizeof(digest)) != 0) {
		code = BD_AUTH_DIGEST;
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

static enum bd_code by_key(const struct bd_sender **out, struct bd_loop *loop,
	struct bd_http_exchange *exchange, struct bd_diag *diag)
{
	struct bd_nonces *nonces = loop->daemon->nonces;
	int64_t now_ms = bd_clock_wall_ms();
	struct bd_signature signature;
	const struct bd_hmac *key = NULL;
	const struct bd_sender *sender;
	enum bd_code code;

	if (bd_http_header_count(exchange, "signature-input") != 1 ||
		bd_http_header_count(exchange, "signature") != 1) {
		return bd_fail(
			diag, BD_AUTH_SIGNATURE, "Signature-Input and Signature stand once each");
	}
	code = bd_signature_parse(&signature, bd_http_header(exchange, "signature-input"),
		bd_http_header(exchange, "signature"), diag);
	if (code != BD_OK) {
		return code;
	}
	if (!covers_all(&signature, exchange)) {
		return bd_fail(diag, BD_AUTH_SIGNATURE,
			"@method, @path, @query, content-digest and each field that matters are "
			"covered");
	}
	sender = bd_sender_keys_find(&key, loop->setup->sender_keys, signature.key_id);
	if (sender == NULL) {
		return bd_fail(diag, BD_AUTH_SIGNATURE, "%s", "");
	}
	code = verify(&signature, key, exchange, diag);
	/* Who has the key is told more. */
	if (code == BD_OK && signature.expires_s != 0 && signature.expires_s * 1000 < now_ms) {
		code = bd_fail(diag, BD_AUTH_TIME, "the signature has expired");
	}
	code = code == BD_OK ? expect_body(exchange, diag) : code;
	if (code == BD_OK) {
		code = bd_nonces_take(nonces, signature.key_id, signature.nonce,
			signature.created_s * 1000, now_ms);
		code = code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
	}
	if (code == BD_OK) {
		*out = sender;
	}
	return code;
}

/* -- a platform -- */

static bool read_platform(struct bd_platform *out, const struct bd_http_exchange *exchange)
{
	static const char *const names[] = { "gjzwfwpt_sid", "gjzwfwpt_rid", "gjzwfwpt_rtime",
		"gjzwfwpt_sign" };
	struct bd_bytes values[sizeof(names) / sizeof(names[0])];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (bd_http_header_count(exchange, names[i]) != 1) {
			return false;
		}
		values[i] = bd_http_header(exchange, names[i]);
	}
	return bd_platform_read(out, values[0], values[1], values[2], values[3]);
}

/* Over TLS from the certificate that is registered with it, and nowhere else. */
static enum bd_code by_platform(const struct bd_sender **out, const struct bd_gate *gate,
	struct bd_http_exchange *exchange, struct bd_diag *diag)
{
	const struct bd_http_peer *peer = bd_http_peer(exchange);
	struct bd_platform stated;
	const struct bd_hmac *secret = NULL;
	const struct bd_sender *sender;
	enum bd_code code;

	if (gate->is_plaintext || gate->is_proxy || peer == NULL) {
		return bd_fail(diag, BD_AUTH_SIGNATURE,
			"a platform's headers count over TLS with its own certificate alone");
	}
	if (!read_platform(&stated, exchange)) {
		return bd_fail(diag, BD_AUTH_SIGNATURE,
			"gjzwfwpt_sid, _rid (16 to 64 characters), _rtime (digits of s or ms) and "
			"_sign stand once each");
	}
	sender = bd_sender_keys_platform(&secret, gate->loop->setup->sender_keys, stated.sid);
	if (sender == NULL || strcmp(peer->spki_sha256, sender->platform_pin) != 0 ||
		!bd_platform_is_signed(&stated, secret)) {
		return bd_fail(diag, BD_AUTH_SIGNATURE, "%s", "");
	}
	code = bd_nonces_take(gate->loop->daemon->nonces, stated.sid, stated.rid, stated.signed_ms,
		bd_clock_wall_ms());
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	*out = sender;
	return BD_OK;
}

/* -- a proxy -- */

static bool is_proxy(const struct bd_settings *settings, const struct bd_http_peer *peer)
{
	return peer != NULL && peer->spki_sha256[0] != '\0' && settings->proxy_pins != NULL &&
	       strstr(settings->proxy_pins, peer->spki_sha256) != NULL;
}

/* Whose certificate the proxy says it verified; false: the header is no certificate. */
static bool read_forwarded(struct bd_http_peer *out, const struct bd_http_exchange *exchange)
{
	return bd_http_header_count(exchange, "client-cert") == 1 &&
	       bd_http_peer_forwarded(out, bd_http_header(exchange, "client-cert"));
}

static enum bd_code by_proxy(const struct bd_sender **out, const struct bd_loop *loop,
	struct bd_http_exchange *exchange, struct bd_diag *diag)
{
	struct bd_http_peer peer = { .name_count = 0 };

	if (bd_http_header_count(exchange, "client-cert") == 0) {
		return bd_fail(diag, BD_AUTH_UNKNOWN, "the proxy sent no Client-Cert");
	}
	if (!read_forwarded(&peer, exchange)) {
		return bd_fail(
			diag, BD_AUTH_PROXY, "Client-Cert is no certificate, or stands twice");
	}
	*out = bd_access_sender(loop->setup->senders, &peer, false);
	return *out != NULL ? BD_OK : bd_fail(diag, BD_AUTH_UNKNOWN, "%s", "");
}

/* -- */

static enum bd_code find(const struct bd_sender **out, struct bd_gate *gate,
	struct bd_http_exchange *exchange, struct bd_diag *diag)
{
	struct bd_loop *loop = gate->loop;

	if (gate->is_proxy ? !is_proxy(loop->setup->settings, bd_http_peer(exchange))
			   : bd_http_header(exchange, "client-cert").ptr != NULL) {
		return bd_fail(diag, BD_AUTH_PROXY, "%s", "");
	}
	if (bd_http_header(exchange, "authorization").ptr != NULL) {
		return bd_login_find(out, gate, exchange, diag);
	}
	if (bd_http_header(exchange, "signature-input").ptr != NULL) {
		return by_key(out, loop, exchange, diag);
	}
	if (bd_http_header(exchange, "gjzwfwpt_sign").ptr != NULL) {
		return by_platform(out, gate, exchange, diag);
	}
	if (gate->is_proxy) {
		return by_proxy(out, loop, exchange, diag);
	}
	*out = bd_access_sender(loop->setup->senders, bd_http_peer(exchange), gate->is_plaintext);
	return *out != NULL ? BD_OK : bd_fail(diag, BD_AUTH_UNKNOWN, "%s", "");
}

enum bd_code bd_identify(const struct bd_sender **out, struct bd_gate *gate,
	struct bd_http_exchange *exchange, struct bd_diag *diag)
{
	enum bd_code code;

	*out = NULL;
	code = find(out, gate, exchange, diag);

	if (code == BD_OK) {
		bd_http_set_caller(exchange, *out);
	}
	return code;
}

const struct bd_sender *bd_identified(const struct bd_http_exchange *exchange)
{
	const struct bd_gate *gate =
		CONTAINER(struct bd_gate, handler, bd_http_handler_of(exchange));
	const struct bd_sender *sender = bd_http_caller(exchange);

	if (sender != NULL || gate->is_proxy ||
		bd_http_header(exchange, "authorization").ptr != NULL ||
		bd_http_header(exchange, "signature-input").ptr != NULL ||
		bd_http_header(exchange, "gjzwfwpt_sign").ptr != NULL) {
		return sender;
	}
	return bd_access_sender(
		gate->loop->setup->senders, bd_http_peer(exchange), gate->is_plaintext);
}
