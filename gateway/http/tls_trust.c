#include "base/clock.h"
#include "base/limits.h"
#include "http/tls_parts.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One list whose signature was verified when it was read, so that a handshake need not. */
struct bd_http_crl {
	X509_CRL *crl;
	ISSUING_DIST_POINT *scope; /* NULL = all certificates of its issuer */
	int64_t since_ms, until_ms;
};

int64_t bd_http_time_of(const ASN1_TIME *time)
{
	struct tm parts;
	if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1) {
		return INT64_MAX;
	}
	return (int64_t)timegm(&parts) * 1000;
}

/* -- reading -- */

static enum bd_code read_file(struct bd_buf *out, const char *path, const char *setting,
	enum bd_code wrong, struct bd_diag *diag)
{
	char chunk[16384];
	size_t len;
	FILE *file = fopen(path, "rb");
	enum bd_code code = BD_OK;
	if (file == NULL) {
		return bd_fail(diag, wrong, "%s: the file cannot be opened", setting);
	}
	while (code == BD_OK && (len = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		code = bd_buf_add(out, (struct bd_bytes){ chunk, len });
	}
	bool is_good = !ferror(file);
	fclose(file);
	if (code != BD_OK) {
		return bd_fail(diag, wrong, "%s: the file is too long", setting);
	}
	return is_good ? BD_OK : bd_fail(diag, wrong, "%s: the file cannot be read", setting);
}

/* After the last item of a PEM file; false: it is damaged. Clears the queue. */
static bool is_end_of_pem(void)
{
	bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return is_end;
}

static enum bd_code read_authorities(
	struct bd_http_trust *trust, struct bd_bytes text, struct bd_diag *diag)
{
	BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
	X509 *cert;
	bool is_good = bio != NULL;
	while (is_good && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		is_good = X509_STORE_add_cert(trust->store, cert) == 1 &&
			  sk_X509_push(trust->authorities, cert) > 0;
		if (!is_good) {
			X509_free(cert);
		}
	}
	BIO_free(bio);
	is_good = is_good && is_end_of_pem() && sk_X509_num(trust->authorities) > 0;
	ERR_clear_error();
	return is_good ? BD_OK
		       : bd_fail(diag, BD_CONFIG_REFERENCE,
				 "tls_ca: not a PEM file of certificates");
}

static bool is_signed_by_authority(const struct bd_http_trust *trust, X509_CRL *crl)
{
	bool is_signed = false;
	for (int i = 0; i < sk_X509_num(trust->authorities) && !is_signed; i++) {
		X509 *authority = sk_X509_value(trust->authorities, i);
		is_signed = X509_NAME_cmp(X509_get_subject_name(authority),
				    X509_CRL_get_issuer(crl)) == 0 &&
			    (X509_get_key_usage(authority) & X509v3_KU_CRL_SIGN) != 0 &&
			    X509_CRL_verify(crl, X509_get0_pubkey(authority)) == 1;
	}
	ERR_clear_error();
	return is_signed;
}

/* Lists that say something else than "these of my certificates are revoked" (RFC 5280
 * section 5.2.4, 5.2.5): deltas, lists of other issuers' certificates, for some reasons only. */
static bool is_plain(X509_CRL *crl, const ISSUING_DIST_POINT *scope)
{
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
		X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
		if (nid == NID_delta_crl || (nid != NID_issuing_distribution_point &&
						    X509_EXTENSION_get_critical(extension) != 0)) {
			return false;
		}
	}
	return scope == NULL ||
	       (scope->indirectCRL <= 0 && scope->onlysomereasons == NULL && scope->onlyattr <= 0);
}

static enum bd_code add_crl(struct bd_http_trust *trust, X509_CRL *crl, struct bd_diag *diag)
{
	struct bd_http_crl *more =
		realloc(trust->crls, (trust->crl_count + 1) * sizeof(trust->crls[0]));
	if (more == NULL) {
		X509_CRL_free(crl);
		return bd_fail(diag, BD_NO_MEMORY, "tls_crl");
	}
	trust->crls = more;
	more[trust->crl_count++] = (struct bd_http_crl){ .crl = crl,
		.scope = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL),
		.since_ms = bd_http_time_of(X509_CRL_get0_lastUpdate(crl)),
		.until_ms = bd_http_time_of(X509_CRL_get0_nextUpdate(crl)) };
	if (!is_signed_by_authority(trust, crl)) {
		return bd_fail(diag, BD_TLS_CRL_LOST,
			"tls_crl: list %zu is not signed by an authority of tls_ca",
			trust->crl_count);
	}
	if (!is_plain(crl, more[trust->crl_count - 1].scope)) {
		return bd_fail(diag, BD_TLS_CRL_LOST,
			"tls_crl: list %zu is a delta or indirect list, or for some reasons only",
			trust->crl_count);
	}
	/* OpenSSL sorts the list at its first use: better now than in a handshake. */
	X509_REVOKED *none = NULL;
	X509_CRL_get0_by_serial(
		crl, &none, X509_get_serialNumber(sk_X509_value(trust->authorities, 0)));
	return BD_OK;
}

/* PEM, several, or one in DER as authorities publish them. */
static enum bd_code read_crls(
	struct bd_http_trust *trust, struct bd_bytes text, struct bd_diag *diag)
{
	const unsigned char *der = (const unsigned char *)text.ptr;
	bool is_der = text.len > 0 && der[0] == 0x30, is_whole = true;
	BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
	X509_CRL *crl = NULL;
	enum bd_code code = BD_OK;
	while (code == BD_OK && bio != NULL) {
		crl = is_der ? d2i_X509_CRL(NULL, &der, (long)text.len)
			     : PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
		if (crl == NULL) {
			is_whole = !is_der && is_end_of_pem();
			break;
		}
		code = add_crl(trust, crl, diag);
		if (is_der) {
			is_whole = der == (const unsigned char *)text.ptr + text.len;
			break;
		}
	}
	BIO_free(bio);
	ERR_clear_error();
	if (code == BD_OK && (!is_whole || trust->crl_count == 0)) {
		code = bd_fail(diag, BD_TLS_CRL_LOST, "tls_crl: not a whole list in PEM or DER");
	}
	return code;
}

static enum bd_code note(struct bd_sha256 *sha, struct bd_bytes bytes)
{
	uint64_t len = bytes.len;
	enum bd_code code =
		bd_sha256_update(sha, (struct bd_bytes){ (const char *)&len, sizeof(len) });
	return code == BD_OK ? bd_sha256_update(sha, bytes) : code;
}

static void drop_crls(struct bd_http_trust *trust)
{
	for (size_t i = 0; i < trust->crl_count; i++) {
		X509_CRL_free(trust->crls[i].crl);
		ISSUING_DIST_POINT_free(trust->crls[i].scope);
	}
	free(trust->crls);
	trust->crls = NULL;
	trust->crl_count = 0;
}

/* The lists of before, of those authorities that are still there. */
static enum bd_code keep_crls(
	struct bd_http_trust *trust, const struct bd_http_trust *before, struct bd_sha256 *sha)
{
	enum bd_code code =
		note(sha, (struct bd_bytes){ (const char *)before->digest, BD_DIGEST_BYTES });
	trust->lost_ms = before->lost_ms != 0 ? before->lost_ms : bd_clock_wall_ms();
	for (size_t i = 0; i < before->crl_count && code == BD_OK; i++) {
		X509_CRL *crl = before->crls[i].crl;
		if (is_signed_by_authority(trust, crl) && X509_CRL_up_ref(crl) == 1) {
			code = add_crl(trust, crl, NULL);
		}
	}
	return code;
}

static enum bd_code take_crls(struct bd_http_trust *trust, struct bd_sha256 *sha,
	const struct bd_http_tls_settings *settings, struct bd_diag *diag)
{
	const struct bd_http_trust *before =
		settings->before != NULL ? &settings->before->trust : NULL;
	struct bd_buf text;
	bd_buf_init(&text, BD_HTTP_TRUST_FILE_MAX_BYTES);
	enum bd_code code = read_file(&text, settings->crl, "tls_crl", BD_TLS_CRL_LOST, diag);
	code = code == BD_OK ? read_crls(trust, bd_buf_bytes(&text), diag) : code;
	code = code == BD_OK ? note(sha, bd_buf_bytes(&text)) : code;
	bd_buf_release(&text);
	if (code == BD_TLS_CRL_LOST && before != NULL && before->has_crl_file) {
		drop_crls(trust);
		code = keep_crls(trust, before, sha);
	}
	return code;
}

static enum bd_code read_all(struct bd_http_trust *trust, struct bd_sha256 *sha,
	const struct bd_http_tls_settings *settings, struct bd_diag *diag)
{
	char required = settings->is_client_required ? 'r' : 'a';
	struct bd_buf text;
	bd_buf_init(&text, BD_HTTP_TRUST_FILE_MAX_BYTES);
	enum bd_code code = note(sha, (struct bd_bytes){ &required, 1 });
	if (code == BD_OK && settings->ca != NULL) {
		code = read_file(&text, settings->ca, "tls_ca", BD_CONFIG_REFERENCE, diag);
		code = code == BD_OK ? read_authorities(trust, bd_buf_bytes(&text), diag) : code;
		code = code == BD_OK ? note(sha, bd_buf_bytes(&text)) : code;
	}
	bd_buf_release(&text);
	if (code == BD_OK && settings->crl != NULL) {
		code = take_crls(trust, sha, settings, diag);
	}
	if (code == BD_OK && settings->deny != NULL) {
		struct bd_buf *list = &trust->deny_text;
		code = read_file(list, settings->deny, "deny_list_file", BD_CONFIG_REFERENCE, diag);
		code = code == BD_OK ? bd_http_deny_read(&trust->deny, bd_buf_bytes(list), diag)
				     : code;
		code = code == BD_OK ? note(sha, bd_buf_bytes(list)) : code;
	}
	return code == BD_OK ? bd_sha256_final(sha, trust->digest) : code;
}

enum bd_code bd_http_trust_read(struct bd_http_trust *out,
	const struct bd_http_tls_settings *settings, struct bd_diag *diag)
{
	struct bd_http_trust trust = { .store = X509_STORE_new(),
		.authorities = sk_X509_new_null(),
		.grace_ms = settings->crl_grace_ms,
		.has_crl_file = settings->crl != NULL,
		.is_client_required = settings->is_client_required };
	struct bd_sha256 *sha = NULL;
	bd_buf_init(&trust.deny_text, BD_HTTP_TRUST_FILE_MAX_BYTES);
	enum bd_code code = trust.store != NULL && trust.authorities != NULL ? bd_sha256_new(&sha)
									     : BD_NO_MEMORY;
	if (code == BD_OK && settings->ca == NULL &&
		(settings->is_client_required || settings->crl != NULL || settings->deny != NULL)) {
		code = bd_fail(diag, BD_CONFIG_REFERENCE,
			"without tls_ca no client certificate can be verified");
	}
	code = code == BD_OK ? read_all(&trust, sha, settings, diag) : code;
	bd_sha256_free(sha);
	if (code != BD_OK) {
		bd_http_trust_release(&trust);
		return code;
	}
	*out = trust;
	return BD_OK;
}

void bd_http_trust_release(struct bd_http_trust *trust)
{
	drop_crls(trust);
	sk_X509_pop_free(trust->authorities, X509_free);
	X509_STORE_free(trust->store);
	bd_http_deny_release(&trust->deny);
	bd_buf_release(&trust->deny_text);
}

/* -- judging -- */

/* A name that both have. */
static bool have_common_name(const GENERAL_NAMES *first, const GENERAL_NAMES *second)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(first); i++) {
		for (int j = 0; j < sk_GENERAL_NAME_num(second); j++) {
			if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(first, i),
				    sk_GENERAL_NAME_value(second, j)) == 0) {
				return true;
			}
		}
	}
	return false;
}

/* A list of one distribution point speaks of the certificates that name that point (RFC 5280
 * section 6.3.3 b). */
static bool is_point_of(const DIST_POINT_NAME *point, X509 *cert)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
	bool is_named = false;
	for (int i = 0; i < sk_DIST_POINT_num(points) && !is_named; i++) {
		const DIST_POINT *one = sk_DIST_POINT_value(points, i);
		is_named = one->distpoint != NULL && one->distpoint->type == 0 &&
			   point->type == 0 &&
			   have_common_name(one->distpoint->name.fullname, point->name.fullname);
	}
	CRL_DIST_POINTS_free(points);
	return is_named;
}

static bool is_about(const struct bd_http_crl *list, X509 *cert, bool is_authority)
{
	const ISSUING_DIST_POINT *scope = list->scope;
	if (X509_NAME_cmp(X509_CRL_get_issuer(list->crl), X509_get_issuer_name(cert)) != 0) {
		return false;
	}
	return scope == NULL ||
	       (!(is_authority ? scope->onlyuser > 0 : scope->onlyCA > 0) &&
		       (scope->distpoint == NULL || is_point_of(scope->distpoint, cert)));
}

static int64_t add_ms(int64_t time_ms, int64_t more_ms)
{
	return time_ms > INT64_MAX - more_ms ? INT64_MAX : time_ms + more_ms;
}

/* Until when a list counts, the grace included. */
static int64_t counts_until(const struct bd_http_trust *trust, const struct bd_http_crl *list)
{
	int64_t lost_ms = trust->lost_ms;
	int64_t until_ms = list->until_ms;
	if (lost_ms != 0 && lost_ms + BD_HTTP_CRL_MISSING_MS < until_ms) {
		until_ms = lost_ms + BD_HTTP_CRL_MISSING_MS;
	}
	return add_ms(until_ms, trust->grace_ms);
}

static enum bd_code check_lists(const struct bd_http_trust *trust, X509 *cert, int64_t now_ms)
{
	bool is_authority = X509_check_ca(cert) != 0, is_current = false;
	for (size_t i = 0; i < trust->crl_count; i++) {
		const struct bd_http_crl *list = &trust->crls[i];
		X509_REVOKED *entry = NULL;
		if (!is_about(list, cert, is_authority)) {
			continue;
		}
		/* A list that is out of date still says who was revoked. */
		if (X509_CRL_get0_by_cert(list->crl, &entry, cert) == 1) {
			return BD_TLS_REVOKED;
		}
		is_current = is_current || (list->since_ms <= now_ms + BD_CLOCK_AHEAD_MS &&
						   now_ms <= counts_until(trust, list));
	}
	return is_current || is_authority || !trust->has_crl_file ? BD_OK : BD_TLS_CRL;
}

static bool is_denied(
	const struct bd_http_trust *trust, X509 *cert, const struct bd_http_peer *peer)
{
	struct bd_http_peer read = { .name_count = 0 };
	if (trust->deny.count == 0) {
		return false;
	}
	if (peer == NULL) {
		bd_http_peer_read(&read, cert, NULL);
	}
	return bd_http_deny_has(&trust->deny, peer != NULL ? peer : &read);
}

enum bd_code bd_http_trust_check(const struct bd_http_trust *trust, X509 *cert,
	const struct bd_http_peer *peer, int64_t now_ms)
{
	if (is_denied(trust, cert, peer)) {
		return BD_TLS_DENIED;
	}
	if (now_ms > bd_http_time_of(X509_get0_notAfter(cert))) {
		return BD_TLS_EXPIRED;
	}
	if (now_ms < bd_http_time_of(X509_get0_notBefore(cert))) {
		return BD_TLS_NOT_YET_VALID;
	}
	return check_lists(trust, cert, now_ms);
}

X509 *bd_http_trust_issuer(const struct bd_http_trust *trust, X509 *cert)
{
	X509_STORE_CTX *look = X509_STORE_CTX_new();
	X509 *issuer = NULL;
	if (look == NULL || X509_STORE_CTX_init(look, trust->store, cert, NULL) != 1 ||
		X509_STORE_CTX_get1_issuer(&issuer, look, cert) != 1) {
		issuer = NULL;
	}
	X509_STORE_CTX_free(look);
	ERR_clear_error();
	return issuer;
}

void bd_http_trust_report(
	struct bd_http_tls_report *out, const struct bd_http_trust *trust, int64_t now_ms)
{
	out->ca_until_ms = out->crl_until_ms = INT64_MAX;
	out->crl_count = trust->crl_count;
	out->deny_count = trust->deny.count;
	out->crl_lost_ms = trust->lost_ms;
	out->is_crl_due = false;
	for (int i = 0; i < sk_X509_num(trust->authorities); i++) {
		int64_t until_ms =
			bd_http_time_of(X509_get0_notAfter(sk_X509_value(trust->authorities, i)));
		out->ca_until_ms = until_ms < out->ca_until_ms ? until_ms : out->ca_until_ms;
	}
	for (size_t i = 0; i < trust->crl_count; i++) {
		const struct bd_http_crl *list = &trust->crls[i];
		/* In the last quarter of its time the next one should be there. */
		int64_t due_ms = list->until_ms - (list->until_ms - list->since_ms) / 4;
		out->is_crl_due = out->is_crl_due || now_ms > due_ms;
		out->crl_until_ms =
			list->until_ms < out->crl_until_ms ? list->until_ms : out->crl_until_ms;
	}
}
