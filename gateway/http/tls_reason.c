#include "http/tls_reason.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

struct reason {
	int error;
	enum bd_code code;
};

static const struct reason of_verify[] = {
	{ X509_V_OK, BD_OK },
	{ X509_V_ERR_CERT_HAS_EXPIRED, BD_TLS_EXPIRED },
	{ X509_V_ERR_CERT_NOT_YET_VALID, BD_TLS_NOT_YET_VALID },
	{ X509_V_ERR_INVALID_PURPOSE, BD_TLS_WRONG_USAGE },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, BD_TLS_UNKNOWN_ISSUER },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, BD_TLS_UNKNOWN_ISSUER },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, BD_TLS_UNKNOWN_ISSUER },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, BD_TLS_UNKNOWN_ISSUER },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, BD_TLS_UNKNOWN_ISSUER },
	{ X509_V_ERR_CERT_UNTRUSTED, BD_TLS_UNKNOWN_ISSUER },
	{ X509_V_ERR_CERT_REVOKED, BD_TLS_REVOKED },
	/* Its alert is certificate_unknown. That of a list that cannot be got is unknown_ca, which
	 * blames the issuer of a certificate that is as good as ever. */
	{ X509_V_ERR_DIFFERENT_CRL_SCOPE, BD_TLS_CRL },
};

/* Of the record and handshake layers; what is not here is no TLS as anybody speaks it. */
static const struct reason of_queue[] = {
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, BD_TLS_NO_CERTIFICATE },
	{ SSL_R_EXCESSIVE_MESSAGE_SIZE, BD_TLS_BAD_CERTIFICATE },
	{ SSL_R_UNSUPPORTED_PROTOCOL, BD_TLS_PROTOCOL },
	{ SSL_R_VERSION_TOO_LOW, BD_TLS_PROTOCOL },
	{ SSL_R_NO_SHARED_CIPHER, BD_TLS_PROTOCOL },
	{ SSL_R_NO_CIPHERS_SPECIFIED, BD_TLS_PROTOCOL },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, BD_TLS_PROTOCOL },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, BD_TLS_PROTOCOL },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, BD_TLS_PROTOCOL },
	{ SSL_R_NO_SUITABLE_GROUPS, BD_TLS_PROTOCOL },
	{ SSL_R_INAPPROPRIATE_FALLBACK, BD_TLS_PROTOCOL },
};

/* What the client says of ours (RFC 8446 section 6.2); every other alert of it is a breaking off.
 */
static const struct reason of_alert[] = {
	{ SSL_AD_BAD_CERTIFICATE, BD_TLS_CLIENT_REFUSED },
	{ SSL_AD_UNSUPPORTED_CERTIFICATE, BD_TLS_CLIENT_REFUSED },
	{ SSL_AD_CERTIFICATE_REVOKED, BD_TLS_CLIENT_REFUSED },
	{ SSL_AD_CERTIFICATE_EXPIRED, BD_TLS_CLIENT_REFUSED },
	{ SSL_AD_CERTIFICATE_UNKNOWN, BD_TLS_CLIENT_REFUSED },
	{ SSL_AD_UNKNOWN_CA, BD_TLS_CLIENT_REFUSED },
	{ SSL_AD_HANDSHAKE_FAILURE, BD_TLS_PROTOCOL },
	{ SSL_AD_PROTOCOL_VERSION, BD_TLS_PROTOCOL },
	{ SSL_AD_INSUFFICIENT_SECURITY, BD_TLS_PROTOCOL },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static enum bd_code find(
	const struct reason *table, size_t count, int error, enum bd_code otherwise)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].error == error) {
			return table[i].code;
		}
	}
	return otherwise;
}

enum bd_code bd_http_reason_of_verify(int error)
{
	return find(of_verify, COUNT(of_verify), error, BD_TLS_BAD_CERTIFICATE);
}

enum bd_code bd_http_reason_of_server(long error)
{
	switch ((int)bd_http_reason_of_verify((int)error)) {
	case BD_TLS_EXPIRED:
		return BD_CONNECT_CERTIFICATE_EXPIRED;
	case BD_TLS_NOT_YET_VALID:
		return BD_CONNECT_CERTIFICATE_EARLY;
	case BD_TLS_UNKNOWN_ISSUER:
		return BD_CONNECT_CERTIFICATE_ISSUER;
	case BD_TLS_WRONG_USAGE:
		return BD_CONNECT_CERTIFICATE_USAGE;
	default:
		return BD_CONNECT_CERTIFICATE;
	}
}

int bd_http_verify_error_of(enum bd_code code)
{
	for (size_t i = 0; i < COUNT(of_verify); i++) {
		if (of_verify[i].code == code) {
			return of_verify[i].error;
		}
	}
	/* To the client a local refusal is as good as that of its issuer. */
	return code == BD_TLS_DENIED ? X509_V_ERR_CERT_REVOKED : X509_V_ERR_CERT_REJECTED;
}

enum bd_code bd_http_reason_of_queue(void)
{
	unsigned long error = ERR_peek_error();
	int reason = ERR_GET_REASON(error);
	if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
		/* A key or signature that the libraries below do not take. */
		return error == 0 ? BD_TLS_SYNTAX : BD_TLS_BAD_CERTIFICATE;
	}
	if (reason >= SSL_AD_REASON_OFFSET) {
		return find(of_alert, COUNT(of_alert), reason - SSL_AD_REASON_OFFSET, BD_TLS_CUT);
	}
	return find(of_queue, COUNT(of_queue), reason, BD_TLS_SYNTAX);
}
