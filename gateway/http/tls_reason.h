/* tls_reason.h - codes for what OpenSSL says went wrong. Layer: http; numbers are OpenSSL's own, so
 * that client.c, which has them from libcurl, needs none of its headers. */
#ifndef BD_HTTP_TLS_REASON_H
#define BD_HTTP_TLS_REASON_H

#include "base/code.h"

/* Of X509_V_ERR_...: why a client's certificate was refused; BD_OK for X509_V_OK. */
enum bd_code bd_http_reason_of_verify(int error);
/* The same of a server's, for its client: BD_CONNECT_CERTIFICATE_... */
enum bd_code bd_http_reason_of_server(long error);
/* Of the oldest entry of OpenSSL's error queue, of a handshake that failed. */
enum bd_code bd_http_reason_of_queue(void);
/* The alert that OpenSSL sends for a refusal of ours follows from X509_V_ERR_...: the one for code.
 */
int bd_http_verify_error_of(enum bd_code code);

#endif
