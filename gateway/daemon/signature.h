/* signature.h - HTTP message signatures with a shared key: RFC 9421, algorithm hmac-sha256 (section
 * 3.3.3), in the one form that is taken here.
 *
 * Layer: daemon; pure, called by daemon/identify.c. The form, so that nothing that matters is left
 * unsigned and two readers cannot understand one request differently:
 * - one signature: one member in Signature-Input and the same one in Signature;
 * - covered are "@method", "@path", "@query" and what a request has of these fields:
 * content-digest, content-type, content-encoding, idempotency-key and all that begin with bidui-;
 * others may be; nothing twice, no parameters of components;
 * - created (seconds), nonce (16 to 64 characters) and keyid are given; alg, if given, is
 *   hmac-sha256; expires, if given, is not past;
 * - a body has Content-Digest: sha-256=:BASE64: (RFC 9530), and that alone.
 */
#ifndef BD_DAEMON_SIGNATURE_H
#define BD_DAEMON_SIGNATURE_H

#include "base/diag.h"
#include "base/digest.h"

#define BD_SIGNATURE_COMPONENTS_MAX 32
#define BD_SIGNATURE_NONCE_MIN_BYTES 16
#define BD_SIGNATURE_NONCE_MAX_BYTES 64

/* Borrowed from the two headers. */
struct bd_signature {
	struct bd_bytes components[BD_SIGNATURE_COMPONENTS_MAX]; /* names, without quotes */
	size_t component_count;
	struct bd_bytes parameters; /* the whole value, as it is signed */
	struct bd_bytes key_id, nonce, algorithm;
	int64_t created_s, expires_s; /* expires 0 = not given */
	uint8_t mac[BD_DIGEST_BYTES];
};

/* Where the parts of a request come from. Embed it and get yours back by container_of. */
struct bd_signature_parts {
	struct bd_bytes method, path, query; /* query without '?' */
	/* The one value of a field by its name in lower case; ptr NULL = it has none, or several.
	 */
	struct bd_bytes (*field)(const struct bd_signature_parts *parts, struct bd_bytes name);
};

/* BD_AUTH_SIGNATURE when the headers are not of the form. */
enum bd_code bd_signature_parse(struct bd_signature *out, struct bd_bytes input,
	struct bd_bytes signature, struct bd_diag *diag);
bool bd_signature_covers(const struct bd_signature *signature, const char *name);
/* What is signed (section 2.5), appended. BD_AUTH_SIGNATURE: a covered field is not there. */
enum bd_code bd_signature_base(struct bd_buf *out, const struct bd_signature *signature,
	const struct bd_signature_parts *parts, struct bd_diag *diag);
/* "sha-256=:BASE64:" alone. */
bool bd_signature_digest(uint8_t out[BD_DIGEST_BYTES], struct bd_bytes content_digest);

#endif
