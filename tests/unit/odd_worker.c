/* odd_worker.c - a worker that breaks the rules of frame.h, each in its way: the tests of the pool
 * name it in the image, where a real one finds its adapters. Where it finds the adapters, the first
 * bytes of a message name it. It is confined as workers are.
 */
#include "base/limits.h"
#include "daemon/confine.h"
#include "daemon/frame.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_FD 3
#define IMAGE_FD 4

static void say(enum bd_frame_type type, struct bd_bytes payload)
{
	struct bd_buf out;
	bd_buf_init(&out, 4096);
	if (bd_frame_add(&out, type, payload) != BD_OK ||
		write(SOCKET_FD, out.ptr, out.len) != (ssize_t)out.len) {
		_exit(9);
	}
	bd_buf_release(&out);
}

static void say_number(enum bd_frame_type type, uint64_t number)
{
	struct bd_buf payload;
	bd_buf_init(&payload, 16);
	bd_buf_add_u64(&payload, number);
	say(type, bd_buf_bytes(&payload));
	bd_buf_release(&payload);
}

static void say_fail(enum bd_code code)
{
	struct bd_reject reject = { .section = "", .diag = { .code = code } };
	struct bd_buf payload;
	bd_buf_init(&payload, 4096);
	if (bd_reject_pack(&payload, &reject) != BD_OK) {
		_exit(9);
	}
	say(BD_FRAME_FAIL, bd_buf_bytes(&payload));
	bd_buf_release(&payload);
}

static void say_result(void)
{
	const struct bd_intake_result result = { .received = 1 };
	struct bd_buf payload;
	bd_buf_init(&payload, 4096);
	if (bd_frame_result_pack(&payload, &result) != BD_OK) {
		_exit(9);
	}
	say(BD_FRAME_RESULT, bd_buf_bytes(&payload));
	bd_buf_release(&payload);
}

static void sleep_for_ever(void)
{
	for (;;) {
		pause();
	}
}

static void read_to_the_end(void)
{
	char bytes[4096];
	while (read(SOCKET_FD, bytes, sizeof(bytes)) > 0) {
	}
}

/* Takes all the memory there is, then says that there is no more. */
static void swell(void)
{
#ifndef BD_IS_SANITIZED
	/* Addresses count, written to or not. */
	for (const void *memory = malloc(1 << 20); memory != NULL; memory = malloc(1 << 20)) {
	}
#endif
	say_fail(BD_NO_MEMORY);
}

/* Works without end and looks alive. */
static void spin(void)
{
	for (;;) {
		say_number(BD_FRAME_CREDIT, 0);
		for (volatile unsigned count = 0; count < 1000000; count++) {
		}
	}
}

/* What it does when the first bytes of a message have come. */
static void answer(const char *kind)
{
	static const struct bd_bytes nothing = { "", 0 };
	if (strcmp(kind, "die") == 0) {
		_exit(1);
	} else if (strcmp(kind, "close") == 0) {
		close(SOCKET_FD);
		sleep_for_ever();
	} else if (strcmp(kind, "garbage") == 0) {
		if (write(SOCKET_FD, "\xff\xff\xff\xff\xff", 5) != 5) {
			_exit(9);
		}
	} else if (strcmp(kind, "foreign") == 0) {
		say(BD_FRAME_DATA, nothing);
	} else if (strcmp(kind, "credit") == 0) {
		say_number(BD_FRAME_CREDIT, UINT64_MAX);
	} else if (strcmp(kind, "short credit") == 0) {
		say(BD_FRAME_CREDIT, nothing);
	} else if (strcmp(kind, "ready") == 0) {
		say(BD_FRAME_READY, nothing);
	} else if (strcmp(kind, "early result") == 0) {
		say_result();
	} else if (strcmp(kind, "bad fail") == 0) {
		say(BD_FRAME_FAIL, bd_bytes_of("x"));
	} else if (strcmp(kind, "fail and hang") == 0) {
		say_fail(BD_SOURCE_UNKNOWN);
	} else if (strcmp(kind, "socket") == 0) {
		say_number(BD_FRAME_CREDIT, (uint64_t)(socket(AF_INET, SOCK_STREAM, 0) >= 0));
	} else if (strcmp(kind, "swell") == 0) {
		swell();
	} else if (strcmp(kind, "spin") == 0) {
		spin();
	}
}

/* The first of a message's DATA says what to do. */
static void obey(void)
{
	/* As long as the process, for a leak check too. */
	static struct bd_buf in;
	char kind[64] = "";
	bool has = false;
	bd_buf_init(&in, BD_FRAME_MAX_BYTES * 2);
	for (;;) {
		struct bd_bytes rest = bd_buf_bytes(&in);
		struct bd_frame frame;
		while (bd_frame_take(&frame, &has, &rest) == BD_OK && has) {
			if (frame.type == BD_FRAME_DATA) {
				size_t len = frame.payload.len < sizeof(kind) - 1
						     ? frame.payload.len
						     : sizeof(kind) - 1;
				memcpy(kind, frame.payload.ptr, len);
				/* A long message has it padded with blank lines. */
				kind[strcspn(kind, "\n")] = '\0';
				answer(kind);
				read_to_the_end();
				return;
			}
		}
		if (rest.len > 0) {
			memmove(in.ptr, rest.ptr, rest.len);
		}
		in.len = rest.len;
		if (bd_buf_reserve(&in, 65536) != BD_OK) {
			_exit(9);
		}
		ssize_t len = read(SOCKET_FD, in.ptr + in.len, in.cap - in.len);
		if (len <= 0) {
			return;
		}
		in.len += (size_t)len;
	}
}

int main(void)
{
	char kind[64] = "", byte;
	ssize_t len = pread(IMAGE_FD, kind, sizeof(kind) - 1, 0);
	bool is_told = len == sizeof(kind) - 1; /* adapters are longer than a kind */
	if (len <= 0 || strcmp(kind, "exit") == 0) {
		return 1;
	}
	if (strcmp(kind, "mute") == 0) {
		sleep_for_ever();
	}
	if (strcmp(kind, "confined") == 0) {
		return BD_WORKER_EXIT_CONFINED;
	}
	/* Those that wait for ever do it by a call that is not let through. */
	if ((is_told || strcmp(kind, "socket") == 0 || strcmp(kind, "swell") == 0 ||
		    strcmp(kind, "spin") == 0) &&
		bd_confine_worker(SOCKET_FD, false, NULL) != BD_OK) {
		return BD_WORKER_EXIT_CONFINED;
	}
	say(BD_FRAME_READY, (struct bd_bytes){ "", 0 });
	if (is_told) {
		obey();
		return 0;
	}
	if (strcmp(kind, "stuck") == 0) {
		sleep_for_ever();
	}
	if (read(SOCKET_FD, &byte, 1) == 1) {
		answer(kind);
		read_to_the_end();
	}
	if (strcmp(kind, "deaf") == 0) {
		sleep_for_ever();
	}
	return strcmp(kind, "exit 3") == 0 ? 3 : 0;
}
