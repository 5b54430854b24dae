/* header.h - one header field that we send. Layer: http, for server.h and client.h. */
#ifndef BD_HTTP_HEADER_H
#define BD_HTTP_HEADER_H

struct bd_http_header {
	const char *name, *value; /* ours: no CR, LF or NUL */
};

#endif
