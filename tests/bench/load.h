/* load.h - a small HTTP/1.1 load generator: one thread, keep-alive connections, TLS with a client
 * certificate.
 *
 * Tests only. Every server is measured by this same client: the load tools at hand cannot show a
 * client certificate. A request is one body of a file; the answer is read to its end and its status
 * counted.
 */
#ifndef BD_TESTS_BENCH_LOAD_H
#define BD_TESTS_BENCH_LOAD_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_request {
	const char *head; /* request line, headers, empty line */
	size_t head_len;
	const char *body;
	size_t body_len;
};

enum load_state { LOAD_CONNECTING, LOAD_HANDSHAKE, LOAD_IDLE, LOAD_BUSY };

struct load_connection {
	int fd;
	SSL *ssl; /* NULL = plaintext */
	enum load_state state;
	struct load_request request;
	size_t written;   /* of head and body together */
	int64_t begin_ns; /* when it was due, not when it left */
	int64_t late_ns;  /* of that, what the client itself took */
	char *in;
	size_t in_len, in_cap;
	bool wants_write; /* as epoll knows it */
};

/* What became of a step. */
enum load_step { LOAD_STEP_WAIT, LOAD_STEP_READY, LOAD_STEP_ANSWERED, LOAD_STEP_CLOSED };

/* With ca.crt, client.crt and client.key of a folder; NULL = they cannot be used. The caller's. */
SSL_CTX *load_tls_of(const char *folder);
/* One of 127.0.0.1; tls may be NULL. False when no socket is to be had. */
bool load_open(struct load_connection *connection, unsigned port, SSL_CTX *tls);
void load_close(struct load_connection *connection);
/* Only on an idle connection. */
enum load_step load_send(
	struct load_connection *connection, const struct load_request *request, int64_t due_ns);
/* Goes on after epoll said so. READY: connected; ANSWERED: status and bytes are set, idle again. */
enum load_step load_advance(struct load_connection *connection, int *status, size_t *bytes);

/* User and system time of a process, the children it has and had, in microseconds; 0 = gone. */
uint64_t load_process_cpu_us(int pid);
/* Its memory but for pages of files: those of a mapped store are the kernel's to take back. */
uint64_t load_process_memory_kib(int pid);

#endif
