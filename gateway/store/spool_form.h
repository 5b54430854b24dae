/* spool_form.h - the parts of a spool file, for those who write and read it. Layer: store, private
 * to the spool. */
#ifndef BD_STORE_SPOOL_FORM_H
#define BD_STORE_SPOOL_FORM_H

#include "store/seal_gcm.h"
#include "store/spool.h"

#define BD_SPOOL_MAGIC "bidui spool  1\r\n"
#define BD_SPOOL_HEAD_BYTES (sizeof(BD_SPOOL_MAGIC) - 1 + 8 + BD_SALT_BYTES)
#define BD_SPOOL_FOOT "complete"
#define BD_SPOOL_FOOT_BYTES (8 + 4 + sizeof(BD_SPOOL_FOOT) - 1)
#define BD_SPOOL_NAME_BYTES (5 + 8 + 8)

/* What a block is authenticated with, and the end. */
struct bd_bytes bd_spool_block_name(char room[BD_SPOOL_NAME_BYTES], uint64_t id, uint64_t block);
struct bd_bytes bd_spool_end_name(char room[BD_SPOOL_NAME_BYTES], uint64_t id, uint64_t offset);
/* Of sealed bytes: what the digest of the file is over. */
struct bd_bytes bd_spool_block_tag(struct bd_bytes sealed);
/* The opened end: runs and entry into file->arena. Every count and offset is checked against the
 * others; BD_STORE_DAMAGED. */
enum bd_code bd_spool_end_unpack(
	struct bd_spool_file *file, struct bd_bytes packed, uint64_t end_offset);

#endif
