noinst_LIBRARIES += libbd_http.a
libbd_http_a_SOURCES = \
	gateway/http/budget.c \
	gateway/http/client.c gateway/http/client.h gateway/http/client_fetch.c gateway/http/client_parts.h gateway/http/client_transfer.c \
	gateway/http/connection.c gateway/http/connection.h \
	gateway/http/exchange.c gateway/http/fetch.h gateway/http/header.h gateway/http/output.c \
	gateway/http/parse.c gateway/http/parse.h gateway/http/secured.c \
	gateway/http/server.c gateway/http/server.h \
	gateway/http/tls.c gateway/http/tls.h \
	gateway/http/tls_deny.c gateway/http/tls_deny.h \
	gateway/http/tls_identity.c gateway/http/tls_parts.h gateway/http/tls_peer.c \
	gateway/http/tls_pki.c gateway/http/tls_pki.h gateway/http/tls_reason.c gateway/http/tls_reason.h \
	gateway/http/tls_ticket.c gateway/http/tls_ticket.h \
	gateway/http/tls_trust.c
libbd_http_a_CPPFLAGS = $(AM_CPPFLAGS)
libbd_http_a_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
