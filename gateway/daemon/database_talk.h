/* database_talk.h - what biduid and bidui-database say to each other over two pipes.
 *
 * Layer: daemon. A frame is u8 type, u32 length, payload; big-endian, at most
 * BD_DATABASE_FRAME_MAX_BYTES. biduid begins with ASK and, when the rows are stored, says STORED
 * (or closes the pipe: they are not). The other side answers OPENED, DATA* and one END, or FAIL;
 * after STORED one MARKED, or FAIL. Secrets go this way alone, never as arguments or in the
 * environment. What it says is as untrusted as what a department pushes: DATA goes to a worker
 * unread.
 */
#ifndef BD_DAEMON_DATABASE_TALK_H
#define BD_DAEMON_DATABASE_TALK_H

#include "base/arena.h"
#include "base/bytes.h"

#define BD_DATABASE_FRAME_MAX_BYTES 262144

enum bd_database_frame {
	BD_DATABASE_ASK = 1, /* struct bd_database_ask */
	BD_DATABASE_STORED,  /* empty */
	BD_DATABASE_OPENED,  /* empty: the database let it in */
	BD_DATABASE_DATA,    /* bytes of the message */
	BD_DATABASE_END,     /* struct bd_database_end */
	BD_DATABASE_MARKED,  /* u64 rows whose flag was written back */
	BD_DATABASE_FAIL     /* sized text of the code, sized detail */
};
#define BD_DATABASE_HEAD_BYTES 5

struct bd_database_ask {
	const char *connection, *user, *password;
	const char *select, *consumed; /* consumed "" = nothing is written back */
	const char *parameters;        /* "watermark key": what stands for each ? */
	const char *watermark, *key;   /* names of columns; key "" = none */
	const char *last_watermark, *last_key;
	const char *const *columns; /* of the feed, in its order */
	size_t column_count;
	uint8_t separator;
	uint32_t batch, connect_s, query_s;
};

struct bd_database_end {
	uint64_t rows;
	bool is_full; /* there may be more */
	struct bd_bytes watermark, key;
};

enum bd_code bd_database_frame_add(
	struct bd_buf *out, enum bd_database_frame type, struct bd_bytes payload);
/* Takes one whole frame off the front. *has false: it is not whole yet. False: no frame of ours. */
bool bd_database_frame_take(
	enum bd_database_frame *type, struct bd_bytes *payload, bool *has, struct bd_bytes *bytes);
enum bd_code bd_database_ask_pack(struct bd_buf *out, const struct bd_database_ask *ask);
/* Texts in the arena. */
bool bd_database_ask_unpack(
	struct bd_database_ask *out, struct bd_bytes packed, struct bd_arena *arena);
enum bd_code bd_database_end_pack(struct bd_buf *out, const struct bd_database_end *end);
bool bd_database_end_unpack(struct bd_database_end *out, struct bd_bytes packed);

#endif
