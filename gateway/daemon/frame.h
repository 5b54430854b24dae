/* frame.h - what biduid and a worker say to each other over their socketpair.
 *
 * Layer: daemon. A frame is u32 length of what follows, u8 type, payload; big-endian. Both sides
 * distrust the other: a length past BD_FRAME_MAX_BYTES, an unknown type or a payload of a wrong
 * form is BD_WORKER_DIED. Credit: biduid stops taking from a message's sender while more than half
 * of BD_FRAME_CREDIT_BYTES of DATA is unacknowledged, so what waits is that half and the one run in
 * hand; the worker gives back by CREDIT what it has read. The other way the socket itself bounds
 * what waits: biduid takes every frame as it comes. Life: READY; then per message BEGIN DATA* END
 * from biduid, RECORDS* REJECT* and one RESULT or FAIL from the worker, READY after END. After END
 * a worker may ask once, by OPEN, for what only who holds the keys can do; it waits for OPENED.
 * Whole messages may be sent ahead, before READY and before OPENED: they are taken in their order.
 */
#ifndef BD_DAEMON_FRAME_H
#define BD_DAEMON_FRAME_H

#include "intake/intake.h"

enum bd_frame_type {
	BD_FRAME_BEGIN = 1, /* struct bd_frame_begin */
	BD_FRAME_DATA,      /* bytes of the body */
	BD_FRAME_END,       /* empty */
	BD_FRAME_READY,     /* empty */
	BD_FRAME_CREDIT,    /* u64 bytes */
	BD_FRAME_RECORDS,   /* packed records, each sized */
	BD_FRAME_REJECT,    /* packed reject */
	BD_FRAME_RESULT,    /* struct bd_intake_result */
	BD_FRAME_FAIL,      /* a packed reject, of which the diag counts */
	BD_FRAME_OPEN,      /* intake/sealed.h struct bd_open_request */
	BD_FRAME_OPENED     /* from biduid: u16 code, and what was opened */
};
#define BD_FRAME_HEAD_BYTES 5

struct bd_frame {
	enum bd_frame_type type;
	struct bd_bytes payload; /* borrowed */
};

/* Texts live as the payload's arena. */
struct bd_frame_begin {
	const char *source, *feed, *charset; /* charset NULL = none */
	int64_t now_ms;
	bool is_gzip;
	struct bd_identifier subject;
	uint64_t max_bytes;
};

enum bd_code bd_frame_add(struct bd_buf *out, enum bd_frame_type type, struct bd_bytes payload);
/* Takes one whole frame off the front of *bytes. *has false = it is not whole yet: nothing is
 * taken. */
enum bd_code bd_frame_take(struct bd_frame *frame, bool *has, struct bd_bytes *bytes);

/* What is packed is read back whole, or is BD_WORKER_DIED: cut anywhere, or with a byte more. */
enum bd_code bd_frame_begin_pack(struct bd_buf *out, const struct bd_frame_begin *begin);
enum bd_code bd_frame_begin_unpack(
	struct bd_frame_begin *begin, struct bd_bytes payload, struct bd_arena *arena);
enum bd_code bd_frame_result_pack(struct bd_buf *out, const struct bd_intake_result *result);
enum bd_code bd_frame_result_unpack(
	struct bd_intake_result *result, struct bd_bytes payload, struct bd_arena *arena);
/* code is of the opener; opened is empty unless that is BD_OK. */
enum bd_code bd_frame_opened_pack(struct bd_buf *out, enum bd_code code, struct bd_bytes opened);
/* *opened is borrowed from payload. */
enum bd_code bd_frame_opened_unpack(
	enum bd_code *code, struct bd_bytes *opened, struct bd_bytes payload);

#endif
