/* test_tls.c - what is read of certificates, and which ones a server takes. */
#include "http/tls.h"
#include "tls_keys.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct tls_keys keys;

static int set_up(void **state)
{
	(void)state;
	tls_keys_make(&keys);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tls_keys_remove(&keys);
	return 0;
}

static X509 *read_cert(const struct tls_pair *pair)
{
	FILE *file = fopen(pair->cert, "r");
	assert_non_null(file);
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	assert_non_null(cert);
	return cert;
}

/* Who somebody is, and whose word that is: the pin of the issuer is the pin of the issuer's own. */
static void test_a_peer_and_its_issuer(void **state)
{
	struct bd_http_peer peer = { .issuer = "" }, ca = { .issuer = "" },
			    alone = { .issuer = "" };
	X509 *cert = read_cert(&keys.client), *issuer = read_cert(&keys.ca);
	(void)state;
	bd_http_peer_read(&peer, cert, issuer);
	bd_http_peer_read(&ca, issuer, NULL);
	bd_http_peer_read(&alone, cert, NULL);
	assert_string_equal(peer.common_name, "client");
	assert_string_equal(peer.issuer, "CN=test CA");
	assert_int_equal(strlen(peer.spki_sha256), 64);
	assert_int_equal(strlen(peer.issuer_spki_sha256), 64);
	assert_string_equal(peer.issuer_spki_sha256, ca.spki_sha256);
	assert_string_not_equal(peer.spki_sha256, ca.spki_sha256);
	assert_string_equal(alone.spki_sha256, peer.spki_sha256);
	assert_string_equal(alone.issuer_spki_sha256, "");
	X509_free(cert);
	X509_free(issuer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_peer_and_its_issuer),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
