/* pack.h - records as bytes: between processes, in the spool and in the journal.
 *
 * Layer: record. Parts are tagged and end with one that says so; a reader passes over a tag that it
 * does not know. Reading checks every length: damaged bytes, cut at any place, give
 * BD_STORE_DAMAGED, never a read outside.
 */
#ifndef BD_RECORD_PACK_H
#define BD_RECORD_PACK_H

#include "record/record.h"

enum bd_code bd_record_pack(struct bd_buf *buf, const struct bd_record *record);
/* Borrows text from bytes; arrays come from the arena. */
enum bd_code bd_record_unpack(
	struct bd_record *record, struct bd_bytes bytes, struct bd_arena *arena);
enum bd_code bd_identifier_pack(struct bd_buf *buf, const struct bd_identifier *identifier);
/* How many bytes that is, and where there is room for them: gives the place behind. */
static inline size_t bd_identifier_bytes(const struct bd_identifier *identifier)
{
	return 2 + 4 + identifier->issuer.len + 4 + identifier->number.len;
}

static inline char *bd_identifier_put(char *at, const struct bd_identifier *identifier)
{
	at = bd_put_u16(at, identifier->kind);
	at = bd_put_sized(at, identifier->issuer);
	return bd_put_sized(at, identifier->number);
}

struct bd_identifier bd_identifier_unpack(struct bd_reader *reader);
enum bd_code bd_value_pack(struct bd_buf *buf, const struct bd_value *value);
/* Here, because opening a node is little but this. */
static inline struct bd_value bd_value_unpack(struct bd_reader *reader)
{
	const char *at = bd_read_fixed(reader, 7);
	struct bd_value value = { .field = bd_get_u16(at), .flags = (uint8_t)at[2] };

	value.text = bd_read_bytes(reader, bd_get_u32(at + 3));
	value.native = bd_read_sized(reader);
	return value;
}

#endif
