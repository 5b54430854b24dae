#include "tls_keys.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_S (24L * 3600)

struct wanted {
	const char *name, *common_name, *alternative; /* alternative NULL = none */
	const struct tls_pair *issuer;                /* NULL = itself */
	long until_s;
};

static void need(int is_good)
{
	if (!is_good) {
		abort();
	}
}

static EVP_PKEY *read_key(const struct tls_pair *pair)
{
	FILE *file = fopen(pair->key, "r");
	need(file != NULL);
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	need(key != NULL);
	return key;
}

static void set_issuer(X509 *cert, const struct tls_pair *issuer)
{
	FILE *file = fopen(issuer->cert, "r");
	need(file != NULL);
	X509 *by = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	need(by != NULL && X509_set_issuer_name(cert, X509_get_subject_name(by)) == 1);
	X509_free(by);
}

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	need(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static X509 *make_cert(EVP_PKEY *key, const struct wanted *wanted)
{
	static long serial = 1;
	X509 *cert = X509_new();
	need(cert != NULL && X509_set_version(cert, 2) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(cert), -2 * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(cert), wanted->until_s);
	X509_NAME *name = X509_get_subject_name(cert);
	need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		     (const unsigned char *)wanted->common_name, -1, -1, 0) == 1);
	need(X509_set_pubkey(cert, key) == 1);
	if (wanted->issuer == NULL) {
		need(X509_set_issuer_name(cert, name) == 1);
		add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	} else {
		set_issuer(cert, wanted->issuer);
	}
	if (wanted->alternative != NULL) {
		add_extension(cert, NID_subject_alt_name, wanted->alternative);
	}
	return cert;
}

static void make_pair(
	struct tls_pair *pair, const struct tls_keys *keys, const struct wanted *wanted)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	need(key != NULL);
	X509 *cert = make_cert(key, wanted);
	EVP_PKEY *signer = wanted->issuer != NULL ? read_key(wanted->issuer) : key;
	need(X509_sign(cert, signer, EVP_sha256()) != 0);
	snprintf(pair->cert, sizeof(pair->cert), "%.200s/%s.crt", keys->folder, wanted->name);
	snprintf(pair->key, sizeof(pair->key), "%.200s/%s.key", keys->folder, wanted->name);
	FILE *file = fopen(pair->cert, "w");
	need(file != NULL && PEM_write_X509(file, cert) == 1 && fclose(file) == 0);
	file = fopen(pair->key, "w");
	need(file != NULL && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		fclose(file) == 0);
	if (signer != key) {
		EVP_PKEY_free(signer);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void make_key_with_pass_phrase(struct tls_keys *keys)
{
	EVP_PKEY *key = read_key(&keys->client);
	snprintf(keys->key_with_pass_phrase, sizeof(keys->key_with_pass_phrase),
		"%.200s/locked.key", keys->folder);
	FILE *file = fopen(keys->key_with_pass_phrase, "w");
	need(file != NULL &&
		PEM_write_PrivateKey(file, key, EVP_aes_256_cbc(), (const unsigned char *)"secret",
			6, NULL, NULL) == 1 &&
		fclose(file) == 0);
	EVP_PKEY_free(key);
}

void tls_keys_make(struct tls_keys *keys)
{
	const char *base = getenv("TMPDIR");
	*keys = (struct tls_keys){ .folder = "" };
	snprintf(keys->folder, sizeof(keys->folder), "%.200s/bidui-keys-XXXXXX",
		base != NULL ? base : "/tmp");
	need(mkdtemp(keys->folder) != NULL);
	make_pair(&keys->ca, keys, &(struct wanted){ "ca", "test CA", NULL, NULL, DAY_S });
	make_pair(&keys->other_ca, keys,
		&(struct wanted){ "other_ca", "another CA", NULL, NULL, DAY_S });
	make_pair(&keys->server, keys,
		&(struct wanted){ "server", "server", "IP:127.0.0.1", &keys->ca, DAY_S });
	make_pair(&keys->elsewhere, keys,
		&(struct wanted){
			"elsewhere", "elsewhere", "DNS:elsewhere.invalid", &keys->ca, DAY_S });
	make_pair(&keys->client, keys,
		&(struct wanted){ "client", "client", NULL, &keys->ca, DAY_S });
	make_pair(&keys->stranger, keys,
		&(struct wanted){ "stranger", "stranger", NULL, &keys->other_ca, DAY_S });
	make_pair(&keys->expired, keys,
		&(struct wanted){ "expired", "server", "IP:127.0.0.1", &keys->ca, -DAY_S });
	make_key_with_pass_phrase(keys);
}

void tls_keys_remove(struct tls_keys *keys)
{
	const struct tls_pair *pairs[] = { &keys->ca, &keys->other_ca, &keys->server,
		&keys->elsewhere, &keys->client, &keys->stranger, &keys->expired };
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		unlink(pairs[i]->cert);
		unlink(pairs[i]->key);
	}
	unlink(keys->key_with_pass_phrase);
	rmdir(keys->folder);
}
