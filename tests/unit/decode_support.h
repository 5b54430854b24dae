/* decode_support.h - what a decoder says, as one line of text, for tests and fuzz targets.
 *
 * +name an element, [name an array, .name an item, "text", null, - the leave, !code a bad row with
 * its row, column, detail and <raw>, =code the end with line:column of a failure. Runs of text that
 * follow one another are one text. Aborts when a decoder breaks events.h: text that is not UTF-8, a
 * leave without an enter, an end inside of something, an event after a failure.
 */
#ifndef BD_TESTS_DECODE_SUPPORT_H
#define BD_TESTS_DECODE_SUPPORT_H

#include "base/text.h"
#include "intake/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decode_log {
	struct bd_listener listener;
	struct bd_buf out;
	bool is_in_text;
	bool has_places;    /* line:column behind each enter and bad row */
	size_t depth, left; /* left: events until the listener itself refuses, 0 = never */
	bool is_over;
};

static inline void decode_log_must(bool is_true)
{
	if (!is_true) {
		abort();
	}
}

static inline void decode_log_add(struct decode_log *log, const char *text)
{
	decode_log_must(bd_buf_add_text(&log->out, text) == BD_OK);
}

static inline void decode_log_bytes(struct decode_log *log, struct bd_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[i];
		char text[8];

		if (byte >= 0x20 && byte != '"' && byte != '\\') {
			decode_log_must(bd_buf_add_byte(&log->out, bytes.ptr[i]) == BD_OK);
		} else {
			snprintf(text, sizeof(text), "\\x%02X", byte);
			decode_log_add(log, text);
		}
	}
}

/* Begins an event. */
static inline enum bd_code decode_log_mark(
	struct decode_log *log, const char *mark, struct bd_diag *diag)
{
	decode_log_must(!log->is_over);
	if (log->is_in_text) {
		decode_log_add(log, "\"");
		log->is_in_text = false;
	}
	if (log->out.len > 0) {
		decode_log_add(log, " ");
	}
	decode_log_add(log, mark);
	if (log->left > 0 && --log->left == 0) {
		log->is_over = true;
		return bd_fail(diag, BD_BUSY, "the listener refuses");
	}
	return BD_OK;
}

static inline void decode_log_place(struct decode_log *log, struct bd_place place)
{
	char text[64];

	if (log->has_places) {
		snprintf(text, sizeof(text), "@%u:%u", place.line, place.column);
		decode_log_add(log, text);
	}
}

static inline enum bd_code decode_log_enter(struct bd_listener *listener, enum bd_node node,
	struct bd_bytes name, struct bd_place place, struct bd_diag *diag)
{
	struct decode_log *log = (struct decode_log *)listener;
	const char *mark = node == BD_NODE_ELEMENT ? "+" : node == BD_NODE_ARRAY ? "[" : ".";
	enum bd_code code = decode_log_mark(log, mark, diag);

	decode_log_must(bd_text_is_utf8(name));
	decode_log_bytes(log, name);
	decode_log_place(log, place);
	log->depth++;
	return code;
}

static inline enum bd_code decode_log_text(struct bd_listener *listener, struct bd_bytes text,
	struct bd_place place, struct bd_diag *diag)
{
	struct decode_log *log = (struct decode_log *)listener;
	enum bd_code code = BD_OK;

	(void)place;
	decode_log_must(bd_text_is_utf8(text) && log->depth > 0 && !log->is_over);
	if (!log->is_in_text) {
		code = decode_log_mark(log, "\"", diag);
		log->is_in_text = true;
	}
	decode_log_bytes(log, text);
	return code;
}

static inline enum bd_code decode_log_null(struct bd_listener *listener, struct bd_diag *diag)
{
	return decode_log_mark((struct decode_log *)listener, "null", diag);
}

static inline enum bd_code decode_log_leave(struct bd_listener *listener, struct bd_diag *diag)
{
	struct decode_log *log = (struct decode_log *)listener;

	decode_log_must(log->depth > 0);
	log->depth--;
	return decode_log_mark(log, "-", diag);
}

static inline enum bd_code decode_log_bad_row(struct bd_listener *listener,
	const struct bd_diag *why, struct bd_bytes raw, struct bd_diag *diag)
{
	struct decode_log *log = (struct decode_log *)listener;
	enum bd_code code = decode_log_mark(log, "!", diag);
	char text[64];

	decode_log_must(log->depth == 0 && why->code != BD_OK);
	decode_log_add(log, bd_code_info(why->code)->text);
	snprintf(text, sizeof(text), " row %llu column %u: ", (unsigned long long)why->place.row,
		why->place.column);
	decode_log_add(log, text);
	decode_log_add(log, why->detail);
	decode_log_place(log, why->place);
	decode_log_add(log, " <");
	if (raw.len <= 200) {
		decode_log_bytes(log, raw);
	} else {
		snprintf(text, sizeof(text), "%zu bytes", raw.len);
		decode_log_add(log, text);
	}
	decode_log_add(log, ">");
	return code;
}

static inline void decode_log_init(struct decode_log *log)
{
	static const struct bd_listener_ops ops = { decode_log_enter, decode_log_text,
		decode_log_null, decode_log_leave, decode_log_bad_row };

	*log = (struct decode_log){ .listener = { &ops } };
	bd_buf_init(&log->out, (size_t)64 << 20);
}

static inline void decode_log_end(
	struct decode_log *log, enum bd_code code, const struct bd_diag *diag)
{
	char text[96];

	log->left = 0;
	log->is_over = false;
	decode_log_must(code == diag->code && (code != BD_OK || log->depth == 0));
	decode_log_mark(log, "=", NULL);
	snprintf(text, sizeof(text), "%s", bd_code_info(code)->text);
	decode_log_add(log, text);
	if (code != BD_OK && diag->place.line > 0) {
		snprintf(text, sizeof(text), " %u:%u", diag->place.line, diag->place.column);
		decode_log_add(log, text);
	}
	decode_log_must(bd_buf_add_byte(&log->out, '\0') == BD_OK);
}

/* Feeds runs of `step` bytes (0 = all at once), each in memory of its own so that a sanitizer sees
 * every read past it. */
static inline enum bd_code decode_log_run(struct decode_log *log, enum bd_format format,
	const struct bd_decode_settings *settings, struct bd_bytes bytes, size_t step)
{
	struct bd_diag diag = { 0 };
	struct bd_decoder *decoder = NULL;
	enum bd_code code = bd_decode_new(&decoder, format, settings, &log->listener, &diag);

	while (code == BD_OK && bytes.len > 0) {
		size_t len = step > 0 && step < bytes.len ? step : bytes.len;
		char *run = malloc(len);

		decode_log_must(run != NULL);
		memcpy(run, bytes.ptr, len);
		code = decoder->ops->feed(decoder, (struct bd_bytes){ run, len }, &diag);
		free(run);
		bytes.ptr += len;
		bytes.len -= len;
	}
	if (code == BD_OK) {
		code = decoder->ops->end(decoder, &diag);
	}
	decode_log_end(log, code, &diag);
	if (decoder != NULL) {
		decoder->ops->free(decoder);
	}
	return code;
}

#endif
