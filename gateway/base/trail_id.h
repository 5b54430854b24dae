/* trail_id.h - the id of an entry of the trail: what an answer calls its receipt. Layer: base, for
 * the trail gives it and what is kept beside an entry is found by it. */
#ifndef BD_BASE_TRAIL_ID_H
#define BD_BASE_TRAIL_ID_H

#include "base/bytes.h"

/* Where an entry stands: the trail of one installation, a loop's log in it, a file of that log, a
 * place in the file. Never given twice. */
struct bd_trail_id {
	uint64_t instance;
	uint16_t loop;
	uint32_t segment, offset;
};

/* "0123456789abcdef-0000-00000001-00000040" and a NUL: safe in an address, easy to read out. */
#define BD_TRAIL_ID_TEXT_BYTES 40
void bd_trail_id_write(char out[BD_TRAIL_ID_TEXT_BYTES], const struct bd_trail_id *id);
/* False unless it is what bd_trail_id_write gives. */
bool bd_trail_id_read(struct bd_trail_id *out, struct bd_bytes text);
bool bd_trail_id_equal(const struct bd_trail_id *a, const struct bd_trail_id *b);

/* As bytes, of one order and length. */
#define BD_TRAIL_ID_BYTES 18
enum bd_code bd_trail_id_pack(struct bd_buf *out, const struct bd_trail_id *id);
/* Where there is room for them; gives the place behind. */
static inline char *bd_trail_id_put(char *at, const struct bd_trail_id *id)
{
	at = bd_put_u64(at, id->instance);
	at = bd_put_u16(at, id->loop);
	at = bd_put_u32(at, id->segment);
	return bd_put_u32(at, id->offset);
}

struct bd_trail_id bd_trail_id_unpack(struct bd_reader *reader);

#endif
