/* json_write.h - writes JSON into a buffer: commas and escapes are kept right by it.
 *
 * Layer: base. Text must be valid UTF-8; controls, '"' and '\' are escaped, all else goes out as it
 * is. The first failure is kept in `code` and later calls do nothing: look once, at the end.
 */
#ifndef BD_BASE_JSON_WRITE_H
#define BD_BASE_JSON_WRITE_H

#include "base/bytes.h"

#define BD_JW_TIMES_BITS 3
#define BD_JW_TIMES (1 << BD_JW_TIMES_BITS)
#define BD_JW_TIME_BYTES 31 /* "2026-06-01T09:30:00.000+08:00", with its quotes */
#define BD_JW_INTEGER_BYTES 20

struct bd_json_writer {
	struct bd_buf *out;
	enum bd_code code;
	bool needs_comma;
	/* Times and their texts in quotes, each where a hash of it says: in an answer those of a
	 * few sources are told again and again. */
	int64_t time_ms[BD_JW_TIMES];
	char times[BD_JW_TIMES][BD_JW_TIME_BYTES + 1];
};

/* A key of ours; NULL = none. */
static inline struct bd_bytes bd_jw_key(const char *key)
{
	return key != NULL ? bd_bytes_of(key) : (struct bd_bytes){ NULL, 0 };
}

void bd_jw_init(struct bd_json_writer *writer, struct bd_buf *out);
/* By the bytes of a key, for those below. */
void bd_jw_open(struct bd_json_writer *writer, struct bd_bytes key, char bracket);
void bd_jw_member(struct bd_json_writer *writer, struct bd_bytes key, struct bd_bytes text);
void bd_jw_value(struct bd_json_writer *writer, struct bd_bytes key, struct bd_bytes json);
void bd_jw_integer(struct bd_json_writer *writer, struct bd_bytes key, int64_t value);

/* Here, so that the length of a key, and of a text that is written out, is known when compiling.
 * key NULL = an array item or the whole value. */
static inline void bd_jw_object(struct bd_json_writer *writer, const char *key)
{
	bd_jw_open(writer, bd_jw_key(key), '{');
}

void bd_jw_object_end(struct bd_json_writer *writer);

static inline void bd_jw_array(struct bd_json_writer *writer, const char *key)
{
	bd_jw_open(writer, bd_jw_key(key), '[');
}

void bd_jw_array_end(struct bd_json_writer *writer);

static inline void bd_jw_text(struct bd_json_writer *writer, const char *key, const char *text)
{
	bd_jw_member(writer, bd_jw_key(key), bd_bytes_of(text));
}

static inline void bd_jw_bytes(struct bd_json_writer *writer, const char *key, struct bd_bytes text)
{
	bd_jw_member(writer, bd_jw_key(key), text);
}

/* An array of the words of a text: a blank stands between them. */
void bd_jw_words(struct bd_json_writer *writer, const char *key, struct bd_bytes words);

/* Valid JSON of our own, as it is. */
static inline void bd_jw_raw(struct bd_json_writer *writer, const char *key, struct bd_bytes json)
{
	bd_jw_value(writer, bd_jw_key(key), json);
}

static inline void bd_jw_i64(struct bd_json_writer *writer, const char *key, int64_t value)
{
	bd_jw_integer(writer, bd_jw_key(key), value);
}

void bd_jw_u64(struct bd_json_writer *writer, const char *key, uint64_t value);
void bd_jw_bool(struct bd_json_writer *writer, const char *key, bool value);
void bd_jw_null(struct bd_json_writer *writer, const char *key);

/* A time as below, until the writer is asked for another. */
struct bd_bytes bd_jw_time_text(struct bd_json_writer *writer, int64_t ms);

/* ms since 1970 as RFC 3339 at +08:00, "2026-06-01T09:30:00.000+08:00"; 0 gives null. */
static inline void bd_jw_time(struct bd_json_writer *writer, const char *key, int64_t ms)
{
	bd_jw_value(writer, bd_jw_key(key), bd_jw_time_text(writer, ms));
}

/* Members, or items, of what is open: valid JSON of our own in parts, with all that stands between
 * them. The writer sets the comma before the first. */
void bd_jw_parts(struct bd_json_writer *writer, const struct bd_bytes *parts, size_t count);
/* For these: digits before the end of the room. */
struct bd_bytes bd_jw_digits(char room[BD_JW_INTEGER_BYTES], int64_t value);

#endif
