#include "base/json_write.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void bd_jw_init(struct bd_json_writer *writer, struct bd_buf *out)
{
	*writer = (struct bd_json_writer){ .out = out, .code = BD_OK };
}

static void put(struct bd_json_writer *writer, struct bd_bytes bytes)
{
	if (writer->code == BD_OK) {
		writer->code = bd_buf_add(writer->out, bytes);
	}
}

static void put_text(struct bd_json_writer *writer, struct bd_bytes text)
{
	size_t begin = 0;
	char escape[8];

	put(writer, bd_bytes_of("\""));
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];

		if (byte >= 0x20 && byte != '"' && byte != '\\') {
			continue;
		}
		put(writer, (struct bd_bytes){ text.ptr + begin, i - begin });
		if (byte == '"' || byte == '\\') {
			snprintf(escape, sizeof(escape), "\\%c", byte);
		} else {
			snprintf(escape, sizeof(escape), "\\u%04x", byte);
		}
		put(writer, bd_bytes_of(escape));
		begin = i + 1;
	}
	put(writer, (struct bd_bytes){ text.ptr + begin, text.len - begin });
	put(writer, bd_bytes_of("\""));
}

/* Comma and key before a value. */
static void begin(struct bd_json_writer *writer, const char *key)
{
	if (writer->needs_comma) {
		put(writer, bd_bytes_of(","));
	}
	writer->needs_comma = true;
	if (key != NULL) {
		put_text(writer, bd_bytes_of(key));
		put(writer, bd_bytes_of(":"));
	}
}

static void open(struct bd_json_writer *writer, const char *key, const char *bracket)
{
	begin(writer, key);
	put(writer, bd_bytes_of(bracket));
	writer->needs_comma = false;
}

static void close(struct bd_json_writer *writer, const char *bracket)
{
	put(writer, bd_bytes_of(bracket));
	writer->needs_comma = true;
}

void bd_jw_object(struct bd_json_writer *writer, const char *key)
{
	open(writer, key, "{");
}

void bd_jw_object_end(struct bd_json_writer *writer)
{
	close(writer, "}");
}

void bd_jw_array(struct bd_json_writer *writer, const char *key)
{
	open(writer, key, "[");
}

void bd_jw_array_end(struct bd_json_writer *writer)
{
	close(writer, "]");
}

void bd_jw_text(struct bd_json_writer *writer, const char *key, const char *text)
{
	bd_jw_bytes(writer, key, bd_bytes_of(text));
}

void bd_jw_bytes(struct bd_json_writer *writer, const char *key, struct bd_bytes text)
{
	begin(writer, key);
	put_text(writer, text);
}

void bd_jw_i64(struct bd_json_writer *writer, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	bd_jw_raw(writer, key, bd_bytes_of(text));
}

void bd_jw_u64(struct bd_json_writer *writer, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	bd_jw_raw(writer, key, bd_bytes_of(text));
}

void bd_jw_bool(struct bd_json_writer *writer, const char *key, bool value)
{
	bd_jw_raw(writer, key, bd_bytes_of(value ? "true" : "false"));
}

void bd_jw_null(struct bd_json_writer *writer, const char *key)
{
	bd_jw_raw(writer, key, bd_bytes_of("null"));
}

void bd_jw_raw(struct bd_json_writer *writer, const char *key, struct bd_bytes json)
{
	begin(writer, key);
	put(writer, json);
}

void bd_jw_time(struct bd_json_writer *writer, const char *key, int64_t ms)
{
	char text[30];

	if (ms == 0) {
		bd_jw_null(writer, key);
		return;
	}
	bd_time_format(text, ms);
	bd_jw_text(writer, key, text);
}
