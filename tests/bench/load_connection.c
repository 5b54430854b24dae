/* load_connection.c - one keep-alive connection of the load generator. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* The longest answer: a batch of comparisons. */
#define ANSWER_MAX_BYTES ((size_t)16 << 20)

SSL_CTX *load_tls_of(const char *folder)
{
	static const char *const names[] = { "ca.crt", "client.crt", "client.key" };
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	char paths[3][4096];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, names[i]);
	}
	if (tls == NULL || SSL_CTX_load_verify_file(tls, paths[0]) != 1 ||
		SSL_CTX_use_certificate_chain_file(tls, paths[1]) != 1 ||
		SSL_CTX_use_PrivateKey_file(tls, paths[2], SSL_FILETYPE_PEM) != 1) {
		SSL_CTX_free(tls);
		return NULL;
	}
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return tls;
}

bool load_open(struct load_connection *connection, unsigned port, SSL_CTX *tls)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	const int on = 1;

	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0) {
		return false;
	}
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(connection->fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
		errno != EINPROGRESS) {
		return false;
	}
	connection->state = LOAD_CONNECTING;
	connection->wants_write = true;
	connection->in_len = 0;
	if (tls != NULL) {
		connection->ssl = SSL_new(tls);
		if (connection->ssl == NULL || SSL_set_fd(connection->ssl, connection->fd) != 1) {
			return false;
		}
		SSL_set_connect_state(connection->ssl);
	}
	return true;
}

void load_close(struct load_connection *connection)
{
	SSL_free(connection->ssl);
	connection->ssl = NULL;
	if (connection->fd >= 0) {
		close(connection->fd);
	}
	connection->fd = -1;
}

/* >0 bytes, 0 = later, <0 = closed */
static ssize_t put(struct load_connection *connection, const char *bytes, size_t len)
{
	ssize_t got;

	if (connection->ssl != NULL) {
		int done = SSL_write(connection->ssl, bytes, len > 1 << 20 ? 1 << 20 : (int)len);
		int error = done > 0 ? SSL_ERROR_NONE : SSL_get_error(connection->ssl, done);

		return done > 0                                                        ? done
		       : error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0
										       : -1;
	}
	got = send(connection->fd, bytes, len, MSG_NOSIGNAL);
	return got >= 0 ? got : errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static ssize_t take(struct load_connection *connection, char *bytes, size_t len)
{
	ssize_t got;

	if (connection->ssl != NULL) {
		int done = SSL_read(connection->ssl, bytes, (int)len);
		int error = done > 0 ? SSL_ERROR_NONE : SSL_get_error(connection->ssl, done);

		return done > 0                                                        ? done
		       : error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0
										       : -1;
	}
	got = recv(connection->fd, bytes, len, 0);
	return got > 0 ? got : got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* Head and body leave in one write where the body is small, as a client library would do it. */
static enum load_step push_out(struct load_connection *connection)
{
	const struct load_request *request = &connection->request;
	size_t total = request->head_len + request->body_len;

	while (connection->written < total) {
		char joined[16384];
		const char *from = joined;
		size_t at = connection->written, len;
		ssize_t done;

		if (at >= request->head_len) {
			from = request->body + (at - request->head_len);
			len = total - at;
		} else {
			size_t rest = request->head_len - at;

			len = total - at < sizeof(joined) ? total - at : sizeof(joined);
			memcpy(joined, request->head + at, rest);
			memcpy(joined + rest, request->body, len - rest);
		}
		done = put(connection, from, len);
		if (done < 0) {
			return LOAD_STEP_CLOSED;
		}
		if (done == 0) {
			connection->wants_write = true;
			return LOAD_STEP_WAIT;
		}
		connection->written += (size_t)done;
	}
	connection->wants_write = false;
	return LOAD_STEP_WAIT;
}

enum load_step load_send(
	struct load_connection *connection, const struct load_request *request, int64_t due_ns)
{
	connection->request = *request;
	connection->written = 0;
	connection->begin_ns = due_ns;
	connection->state = LOAD_BUSY;
	connection->in_len = 0;
	return push_out(connection);
}

/* The value of a header in the head [head, head + len), or NULL. */
static const char *header(const char *head, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	for (const char *at = head; at != NULL && at + name_len + 1 < head + len;) {
		if (strncasecmp(at, name, name_len) == 0 && at[name_len] == ':') {
			return at + name_len + 1;
		}
		at = memchr(at, '\n', (size_t)(head + len - at));
		at = at != NULL ? at + 1 : NULL;
	}
	return NULL;
}

/* Are all chunks there? */
static bool has_last_chunk(const char *body, size_t len)
{
	size_t at = 0;

	for (;;) {
		const char *end = memchr(body + at, '\n', len - at);
		unsigned long size;

		if (end == NULL) {
			return false;
		}
		size = strtoul(body + at, NULL, 16);
		at = (size_t)(end - body) + 1;
		if (size == 0) {
			return at + 2 <= len;
		}
		if (size + 2 > len - at) {
			return false;
		}
		at += size + 2;
	}
}

static bool is_whole(const struct load_connection *connection, int *status)
{
	const char *in = connection->in;
	const char *end = memmem(in, connection->in_len, "\r\n\r\n", 4);
	const char *length;
	size_t head;

	if (end == NULL || connection->in_len < 12) {
		return false;
	}
	*status = atoi(in + 9);
	head = (size_t)(end - in) + 4;
	length = header(in, head, "content-length");
	if (length != NULL) {
		return connection->in_len - head >= strtoull(length, NULL, 10);
	}
	return has_last_chunk(in + head, connection->in_len - head);
}

static enum load_step pull_in(struct load_connection *connection, int *status, size_t *bytes)
{
	for (;;) {
		ssize_t got;

		if (connection->in_cap - connection->in_len < 16385) {
			size_t cap = connection->in_cap == 0 ? 65536 : connection->in_cap * 2;
			char *in = cap > ANSWER_MAX_BYTES ? NULL : realloc(connection->in, cap);

			if (in == NULL) {
				return LOAD_STEP_CLOSED;
			}
			connection->in = in;
			connection->in_cap = cap;
		}
		got = take(connection, connection->in + connection->in_len,
			connection->in_cap - connection->in_len - 1);
		if (got < 0) {
			return LOAD_STEP_CLOSED;
		}
		if (got == 0) {
			return LOAD_STEP_WAIT;
		}
		connection->in_len += (size_t)got;
		connection->in[connection->in_len] = '\0';
		if (connection->state == LOAD_BUSY && is_whole(connection, status)) {
			*bytes = connection->in_len;
			connection->state = LOAD_IDLE;
			return LOAD_STEP_ANSWERED;
		}
	}
}

static enum load_step shake_hands(struct load_connection *connection)
{
	int done = SSL_do_handshake(connection->ssl);
	int error;

	if (done == 1) {
		connection->state = LOAD_IDLE;
		connection->wants_write = false;
		return LOAD_STEP_READY;
	}
	error = SSL_get_error(connection->ssl, done);
	connection->wants_write = error == SSL_ERROR_WANT_WRITE;
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? LOAD_STEP_WAIT
									     : LOAD_STEP_CLOSED;
}

enum load_step load_advance(struct load_connection *connection, int *status, size_t *bytes)
{
	if (connection->state == LOAD_CONNECTING) {
		int error = 0;
		socklen_t len = sizeof(error);

		getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0) {
			return LOAD_STEP_CLOSED;
		}
		connection->state = connection->ssl != NULL ? LOAD_HANDSHAKE : LOAD_IDLE;
		if (connection->ssl == NULL) {
			connection->wants_write = false;
			return LOAD_STEP_READY;
		}
	}
	if (connection->state == LOAD_HANDSHAKE) {
		return shake_hands(connection);
	}
	if (connection->state == LOAD_BUSY && connection->wants_write &&
		push_out(connection) == LOAD_STEP_CLOSED) {
		return LOAD_STEP_CLOSED;
	}
	return pull_in(connection, status, bytes);
}
