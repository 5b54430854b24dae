/* entry.h - one entry of the trail: its id, its kind, its time, and a payload that the caller made.
 *
 * Layer: trail. The body is what is hashed: it names itself (instance, loop, segment, offset), so
 * whoever proves the body has proved the id. Numbers are big-endian. A payload never holds a
 * citizen's value: keyed digests and salted commitments stand for it (receipt.h, event.h).
 */
#ifndef BD_TRAIL_ENTRY_H
#define BD_TRAIL_ENTRY_H

#include "base/diag.h"
#include "base/trail_id.h"

/* Written in files: never renumbered. */
enum bd_trail_kind {
	BD_TRAIL_START = 1, /* biduid began: its version and configuration */
	BD_TRAIL_CONFIG,    /* another configuration came into force */
	BD_TRAIL_COMPARE,   /* receipt.h */
	BD_TRAIL_QUERY,
	BD_TRAIL_PUSH,
	BD_TRAIL_REFUSAL,
	BD_TRAIL_REPEAT,     /* an answer was given again, by its Idempotency-Key */
	BD_TRAIL_OBLIGATION, /* one was made, extended or closed */
	BD_TRAIL_ERASE,      /* a subject was erased */
	BD_TRAIL_RECALL,
	BD_TRAIL_DISPUTE,   /* raised, resolved, or looked at */
	BD_TRAIL_REPRODUCE, /* a case was decided again */
	BD_TRAIL_BACKTEST,  /* the cases of a time were decided by another version */
	BD_TRAIL_READ,      /* something else was looked at: a receipt, rejects, the state */
	BD_TRAIL_WITNESSED, /* a head was countersigned by a second party */
	BD_TRAIL_LOOK_UP    /* a department was asked about a subject, for a case */
};
/* "compare"; "unknown" for a number of a later version. */
const char *bd_trail_kind_name(enum bd_trail_kind kind);

struct bd_trail_entry {
	enum bd_trail_kind kind;
	struct bd_trail_id id;
	uint64_t number; /* in its log, from 0, without gaps */
	int64_t time_ms; /* never less than that of the entry before it */
	struct bd_bytes payload;
};

/* Bytes of a body before its payload. */
#define BD_TRAIL_ENTRY_HEAD_BYTES 36

enum bd_code bd_trail_entry_pack(struct bd_buf *out, const struct bd_trail_entry *entry);
/* Borrows the payload from body. False when it is no body of ours. */
bool bd_trail_entry_unpack(struct bd_trail_entry *out, struct bd_bytes body);

#endif
