/* odd_worker.c - a worker that breaks the rules of frame.h, each in its way: the tests of the pool
 * name it in the image, where a real one finds its adapters.
 */
#include "daemon/frame.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_FD 3
#define IMAGE_FD 4

static void send(enum bd_frame_type type, struct bd_bytes payload)
{
	struct bd_buf out;
	bd_buf_init(&out, 4096);
	if (bd_frame_add(&out, type, payload) != BD_OK ||
		write(SOCKET_FD, out.ptr, out.len) != (ssize_t)out.len) {
		_exit(9);
	}
	bd_buf_release(&out);
}

static void send_number(enum bd_frame_type type, uint64_t number)
{
	struct bd_buf payload;
	bd_buf_init(&payload, 16);
	bd_buf_add_u64(&payload, number);
	send(type, bd_buf_bytes(&payload));
	bd_buf_release(&payload);
}

static void send_fail(void)
{
	struct bd_reject reject = { .section = "", .diag = { .code = BD_SOURCE_UNKNOWN } };
	struct bd_buf payload;
	bd_buf_init(&payload, 4096);
	if (bd_reject_pack(&payload, &reject) != BD_OK) {
		_exit(9);
	}
	send(BD_FRAME_FAIL, bd_buf_bytes(&payload));
	bd_buf_release(&payload);
}

static void send_result(void)
{
	const struct bd_intake_result result = { .received = 1 };
	struct bd_buf payload;
	bd_buf_init(&payload, 4096);
	if (bd_frame_result_pack(&payload, &result) != BD_OK) {
		_exit(9);
	}
	send(BD_FRAME_RESULT, bd_buf_bytes(&payload));
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
		send(BD_FRAME_DATA, nothing);
	} else if (strcmp(kind, "credit") == 0) {
		send_number(BD_FRAME_CREDIT, UINT64_MAX);
	} else if (strcmp(kind, "short credit") == 0) {
		send(BD_FRAME_CREDIT, nothing);
	} else if (strcmp(kind, "ready") == 0) {
		send(BD_FRAME_READY, nothing);
	} else if (strcmp(kind, "early result") == 0) {
		send_result();
	} else if (strcmp(kind, "bad fail") == 0) {
		send(BD_FRAME_FAIL, bd_bytes_of("x"));
	} else if (strcmp(kind, "fail and hang") == 0) {
		send_fail();
	}
}

int main(void)
{
	char kind[64] = "", byte;
	if (pread(IMAGE_FD, kind, sizeof(kind) - 1, 0) <= 0 || strcmp(kind, "exit") == 0) {
		return 1;
	}
	if (strcmp(kind, "mute") == 0) {
		sleep_for_ever();
	}
	send(BD_FRAME_READY, (struct bd_bytes){ "", 0 });
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
