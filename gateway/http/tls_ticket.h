/* tls_ticket.h - the keys of session tickets (RFC 5077, RFC 8446 section 4.6.1): made by chance, in
 * memory only, changed every few hours. Layer: http, for tls_identity.c.
 *
 * All loops and all identities of a process share one, so that a client resumes its session
 * whichever loop takes its connection, and after a reload. Each function may be called by any
 * thread.
 */
#ifndef BD_HTTP_TLS_TICKET_H
#define BD_HTTP_TLS_TICKET_H

#include "base/code.h"

#include <stdint.h>

struct bd_http_tickets;
struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

enum bd_code bd_http_tickets_new(struct bd_http_tickets **out);
struct bd_http_tickets *bd_http_tickets_ref(struct bd_http_tickets *tickets);
void bd_http_tickets_unref(struct bd_http_tickets *tickets); /* NULL is allowed */
/* As OpenSSL's ticket key callback: -1 failure, 0 no such key, 1 good, 2 good and a new ticket is
 * due. name and iv have 16 bytes. */
int bd_http_tickets_seal(struct bd_http_tickets *tickets, int64_t now_ms, unsigned char *name,
	unsigned char *iv, struct evp_cipher_ctx_st *cipher, struct evp_mac_ctx_st *mac);
int bd_http_tickets_open(struct bd_http_tickets *tickets, int64_t now_ms, const unsigned char *name,
	const unsigned char *iv, struct evp_cipher_ctx_st *cipher, struct evp_mac_ctx_st *mac);

#endif
