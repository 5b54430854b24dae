#include "base/json_write.h"

#include "base/clock.h"
#include "base/json_plain.h"

#include <stdio.h>
#include <string.h>

void bd_jw_init(struct bd_json_writer *writer, struct bd_buf *out)
{
	writer->out = out;
	writer->code = BD_OK;
	writer->needs_comma = false;
	memset(writer->time_ms, 0, sizeof(writer->time_ms)); /* which is written as null */
}

static void put(struct bd_json_writer *writer, struct bd_bytes bytes)
{
	if (writer->code == BD_OK) {
		writer->code = bd_buf_add(writer->out, bytes);
	}
}

/* Room for a text and what stands around it, so that the parts of one member cost one look. */
static char *room(struct bd_json_writer *writer, size_t len)
{
	if (writer->code == BD_OK && len > writer->out->cap - writer->out->len) {
		writer->code = bd_buf_reserve(writer->out, len);
	}
	return writer->code == BD_OK ? writer->out->ptr + writer->out->len : NULL;
}

/* Bytes of text that go out as they are, from its begin. */
static size_t plain_len(struct bd_bytes text)
{
	size_t i = 0;

	while (text.len - i >= 8 && !bd_json_has_escape(bd_json_eight(text.ptr + i))) {
		i += 8;
	}
	/* What is left, with some that was seen already. */
	if (i > 0 && text.len - i < 8 &&
		!bd_json_has_escape(bd_json_eight(text.ptr + text.len - 8))) {
		return text.len;
	}
	while (i < text.len) {
		unsigned char byte = (unsigned char)text.ptr[i];

		if (byte < 0x20 || byte == '"' || byte == '\\') {
			break;
		}
		i++;
	}
	return i;
}

static void put_escape(struct bd_json_writer *writer, unsigned char byte)
{
	char escape[8];

	if (byte == '"' || byte == '\\') {
		snprintf(escape, sizeof(escape), "\\%c", byte);
	} else {
		snprintf(escape, sizeof(escape), "\\u%04x", byte);
	}
	put(writer, bd_bytes_of(escape));
}

/* Room for a key, `len` bytes and what stands around them; writes comma and key. Keys are ours:
 * nothing in them is escaped. NULL: the writer has failed. */
static char *begin(struct bd_json_writer *writer, struct bd_bytes key, size_t len)
{
	char *at = room(writer, key.len + len + 8);

	if (at == NULL) {
		return NULL;
	}
	if (writer->needs_comma) {
		*at++ = ',';
	}
	writer->needs_comma = true;
	if (key.ptr != NULL) {
		*at++ = '"';
		at = bd_bytes_put(at, key);
		*at++ = '"';
		*at++ = ':';
	}
	return at;
}

static void end(struct bd_json_writer *writer, const char *at)
{
	writer->out->len = (size_t)(at - writer->out->ptr);
}

/* What is left of a text that has something to be escaped at its begin, and the quote. */
static void put_escaped(struct bd_json_writer *writer, struct bd_bytes text)
{
	while (text.len > 0) {
		size_t len;

		put_escape(writer, (unsigned char)text.ptr[0]);
		text = (struct bd_bytes){ text.ptr + 1, text.len - 1 };
		len = plain_len(text);
		put(writer, (struct bd_bytes){ text.ptr, len });
		text = (struct bd_bytes){ text.ptr + len, text.len - len };
	}
	put(writer, (struct bd_bytes){ "\"", 1 });
}

void bd_jw_open(struct bd_json_writer *writer, struct bd_bytes key, char bracket)
{
	char *at = begin(writer, key, 1);

	if (at != NULL) {
		*at++ = bracket;
		end(writer, at);
	}
	writer->needs_comma = false;
}

static void close(struct bd_json_writer *writer, const char *bracket)
{
	put(writer, (struct bd_bytes){ bracket, 1 });
	writer->needs_comma = true;
}

void bd_jw_object_end(struct bd_json_writer *writer)
{
	close(writer, "}");
}

void bd_jw_array_end(struct bd_json_writer *writer)
{
	close(writer, "]");
}

void bd_jw_member(struct bd_json_writer *writer, struct bd_bytes key, struct bd_bytes text)
{
	size_t len = plain_len(text);
	char *at = begin(writer, key, len + 2);

	if (at == NULL) {
		return;
	}
	*at++ = '"';
	at = bd_bytes_put(at, (struct bd_bytes){ text.ptr, len });
	if (len == text.len) {
		*at++ = '"';
		end(writer, at);
	} else {
		end(writer, at);
		put_escaped(writer, (struct bd_bytes){ text.ptr + len, text.len - len });
	}
}

void bd_jw_words(struct bd_json_writer *writer, const char *key, struct bd_bytes words)
{
	bd_jw_array(writer, key);
	while (words.len > 0) {
		const char *blank = memchr(words.ptr, ' ', words.len);
		size_t len = blank != NULL ? (size_t)(blank - words.ptr) : words.len;

		bd_jw_bytes(writer, NULL, (struct bd_bytes){ words.ptr, len });
		len += blank != NULL;
		words = (struct bd_bytes){ words.ptr + len, words.len - len };
	}
	bd_jw_array_end(writer);
}

/* Digits from the end of room; gives where they begin. */
static char *digits_before(char *end, uint64_t value)
{
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	return end;
}

struct bd_bytes bd_jw_digits(char room[BD_JW_INTEGER_BYTES], int64_t value)
{
	char *end = room + BD_JW_INTEGER_BYTES;
	char *at = digits_before(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);

	if (value < 0) {
		*--at = '-';
	}
	return (struct bd_bytes){ at, (size_t)(end - at) };
}

void bd_jw_integer(struct bd_json_writer *writer, struct bd_bytes key, int64_t value)
{
	char room[BD_JW_INTEGER_BYTES];

	bd_jw_value(writer, key, bd_jw_digits(room, value));
}

void bd_jw_u64(struct bd_json_writer *writer, const char *key, uint64_t value)
{
	char text[24], *end = text + sizeof(text), *at = digits_before(end, value);

	bd_jw_raw(writer, key, (struct bd_bytes){ at, (size_t)(end - at) });
}

void bd_jw_bool(struct bd_json_writer *writer, const char *key, bool value)
{
	bd_jw_raw(writer, key, bd_bytes_of(value ? "true" : "false"));
}

void bd_jw_null(struct bd_json_writer *writer, const char *key)
{
	bd_jw_raw(writer, key, bd_bytes_of("null"));
}

void bd_jw_value(struct bd_json_writer *writer, struct bd_bytes key, struct bd_bytes json)
{
	char *at = begin(writer, key, json.len);

	if (at != NULL) {
		end(writer, bd_bytes_put(at, json));
	}
}

void bd_jw_parts(struct bd_json_writer *writer, const struct bd_bytes *parts, size_t count)
{
	size_t len = 0;
	char *at;

	for (size_t i = 0; i < count; i++) {
		len += parts[i].len;
	}
	at = begin(writer, bd_jw_key(NULL), len);
	if (at == NULL) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		at = bd_bytes_put(at, parts[i]);
	}
	end(writer, at);
}

struct bd_bytes bd_jw_time_text(struct bd_json_writer *writer, int64_t ms)
{
	size_t at = (uint64_t)ms * UINT64_C(0x9e3779b97f4a7c15) >> (64 - BD_JW_TIMES_BITS);
	char *text = writer->times[at];

	if (ms == 0) {
		return bd_bytes_of("null");
	}
	if (ms != writer->time_ms[at]) {
		text[0] = '"';
		bd_time_format(text + 1, ms);
		text[BD_JW_TIME_BYTES - 1] = '"';
		writer->time_ms[at] = ms;
	}
	return (struct bd_bytes){ text, BD_JW_TIME_BYTES };
}
