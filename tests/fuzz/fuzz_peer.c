/* fuzz_peer.c - any bytes as a proxy's Client-Cert header, and as a certificate in DER: what is
 * told of its holder is whole texts of their form.
 */
#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IS_TEXT(field) (memchr((field), 0, sizeof(field)) != NULL)

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static bool is_hex(const char *text, const char *digits)
{
	return strspn(text, digits) == strlen(text);
}

static void check(const struct bd_http_peer *peer)
{
	must(IS_TEXT(peer->common_name) && IS_TEXT(peer->issuer) && IS_TEXT(peer->serial) &&
		IS_TEXT(peer->spki_sha256) && IS_TEXT(peer->issuer_spki_sha256));
	must(peer->name_count <= BD_HTTP_PEER_NAMES_MAX);
	for (size_t i = 0; i < peer->name_count; i++) {
		must(IS_TEXT(peer->names[i]));
	}
	must(peer->name_count == 0 || peer->has_alternative_names);
	must(is_hex(peer->serial, "0123456789ABCDEF-") &&
		is_hex(peer->spki_sha256, "0123456789abcdef"));
	must(strlen(peer->spki_sha256) == 64 || peer->spki_sha256[0] == 0);
	must(peer->issuer_spki_sha256[0] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_bytes input = { (const char *)data, size };
	struct bd_http_peer peer = { .name_count = 0 };
	const unsigned char *at = data;
	X509 *cert;

	if (bd_http_peer_forwarded(&peer, input)) {
		check(&peer);
	}
	/* At any time: a header's must be valid now. */
	cert = d2i_X509(NULL, &at, (long)size);
	if (cert != NULL) {
		peer = (struct bd_http_peer){ .name_count = 0 };
		bd_http_peer_read(&peer, cert, NULL);
		check(&peer);
		X509_free(cert);
	}
	ERR_clear_error();
	return 0;
}
