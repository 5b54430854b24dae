#include "base/json.h"

#include "base/json_plain.h"
#include "base/limits.h"
#include "base/siphash.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

/* Keys of all open objects together: what one message may make us remember to find a key twice. */
#define KEYS_MAX_BYTES 16777216
/* Room for keys that is there from the begin; a power of two. */
#define KEYS_FEW 32

enum state {
	STATE_VALUE = 1,  /* a value must come */
	STATE_FIRST_ITEM, /* a value or ']' */
	STATE_FIRST_KEY,  /* a key or '}' */
	STATE_KEY,        /* a key must come */
	STATE_COLON,
	STATE_NEXT, /* ',' or the end of the container */
	STATE_DONE, /* blanks only */
	STATE_TEXT,
	STATE_ESCAPE,
	STATE_HEX,
	STATE_NUMBER,
	STATE_LITERAL
};

/* A key of an open object. Chained by hash; entries are given back in the reverse of their order,
 * so a chain's head is always the newest. */
struct key {
	uint32_t hash, next; /* next: index + 1 in the chain, 0 = end */
	size_t at, len;      /* in key_bytes */
};

struct bd_json_parser {
	struct bd_json_handler *handler;
	enum bd_code code;
	struct bd_diag diag; /* of the first error */
	enum state state;
	struct bd_place place, token;
	bool is_object[BD_DEPTH_MAX];
	size_t first_key[BD_DEPTH_MAX]; /* index of an open object's first key */
	size_t depth;
	bool is_key;                            /* the text being read is one */
	struct bd_buf text;                     /* token so far */
	uint8_t utf8_left, utf8_low, utf8_high; /* what may follow */
	uint32_t hex, high_surrogate;
	unsigned hex_digits;
	const char *literal; /* rest of true, false, null */
	enum bd_json_event literal_event;
	struct key *keys; /* few_keys while they are few */
	uint32_t *heads;  /* as many; index + 1 */
	size_t key_count, key_cap;
	struct bd_buf key_bytes;
	struct bd_siphash_key secret; /* who sends keys must not know which of them meet */
	struct key few_keys[KEYS_FEW];
	uint32_t few_heads[KEYS_FEW];
};

static enum bd_code fail_at(
	struct bd_json_parser *parser, enum bd_code code, struct bd_place place, const char *detail)
{
	bd_fail_at(&parser->diag, code, place, "%s", detail);
	return code;
}

static enum bd_code fail(struct bd_json_parser *parser, enum bd_code code, const char *detail)
{
	return fail_at(parser, code, parser->place, detail);
}

static enum bd_code give(
	struct bd_json_parser *parser, enum bd_json_event event, struct bd_bytes text)
{
	return parser->handler->on_event(
		parser->handler, event, text, parser->token, &parser->diag);
}

static enum bd_code give_mark(struct bd_json_parser *parser, enum bd_json_event event)
{
	parser->token = parser->place;
	return give(parser, event, (struct bd_bytes){ "", 0 });
}

/* -- keys -- */

static void free_keys(struct bd_json_parser *parser)
{
	if (parser->keys != parser->few_keys) {
		free(parser->keys);
		free(parser->heads);
	}
}

/* The same key of another object lies elsewhere. */
static uint32_t hash_of(const struct bd_json_parser *parser, struct bd_bytes key, size_t first)
{
	return (uint32_t)bd_siphash(&parser->secret, key) ^ (uint32_t)first * 0x9e3779b1u;
}

static enum bd_code grow_keys(struct bd_json_parser *parser)
{
	size_t cap = parser->key_cap * 2;
	struct key *keys;
	uint32_t *heads;

	if (cap > KEYS_MAX_BYTES / sizeof(*keys)) {
		return BD_LIMIT_COUNT;
	}
	keys = malloc(cap * sizeof(*keys));
	heads = calloc(cap, sizeof(*heads));
	if (keys == NULL || heads == NULL) {
		free(keys);
		free(heads);
		return BD_NO_MEMORY;
	}
	memcpy(keys, parser->keys, parser->key_count * sizeof(*keys));
	for (size_t i = 0; i < parser->key_count; i++) {
		uint32_t *head = &heads[keys[i].hash & (cap - 1)];

		keys[i].next = *head;
		*head = (uint32_t)i + 1;
	}
	free_keys(parser);
	parser->keys = keys;
	parser->heads = heads;
	parser->key_cap = cap;
	return BD_OK;
}

/* Remembers the key; BD_JSON_DUPLICATE when its object has it already. */
static enum bd_code add_key(struct bd_json_parser *parser, struct bd_bytes key)
{
	size_t first = parser->first_key[parser->depth - 1];
	uint32_t hash = hash_of(parser, key, first), *head;
	enum bd_code code;

	if (parser->key_count == parser->key_cap && (code = grow_keys(parser)) != BD_OK) {
		return fail(parser, code, "too many keys");
	}
	head = &parser->heads[hash & (parser->key_cap - 1)];
	for (uint32_t i = *head; i != 0 && i > first; i = parser->keys[i - 1].next) {
		const struct key *known = &parser->keys[i - 1];

		if (known->hash == hash && known->len == key.len &&
			(key.len == 0 ||
				memcmp(parser->key_bytes.ptr + known->at, key.ptr, key.len) == 0)) {
			return fail_at(parser, BD_JSON_DUPLICATE, parser->token, "");
		}
	}
	parser->keys[parser->key_count] =
		(struct key){ hash, *head, parser->key_bytes.len, key.len };
	code = bd_buf_add(&parser->key_bytes, key);
	if (code != BD_OK) {
		return fail(parser, code, "too many keys");
	}
	*head = (uint32_t)++parser->key_count;
	return BD_OK;
}

static void drop_keys(struct bd_json_parser *parser, size_t first)
{
	while (parser->key_count > first) {
		const struct key *key = &parser->keys[--parser->key_count];

		parser->heads[key->hash & (parser->key_cap - 1)] = key->next;
		parser->key_bytes.len = key->at;
	}
}

/* -- containers -- */

static enum bd_code open_container(struct bd_json_parser *parser, bool is_object)
{
	if (parser->depth == BD_DEPTH_MAX) {
		return fail(parser, BD_LIMIT_DEPTH, "");
	}
	parser->is_object[parser->depth] = is_object;
	parser->first_key[parser->depth++] = parser->key_count;
	parser->state = is_object ? STATE_FIRST_KEY : STATE_FIRST_ITEM;
	return give_mark(parser, is_object ? BD_JSON_OBJECT_BEGIN : BD_JSON_ARRAY_BEGIN);
}

static void value_over(struct bd_json_parser *parser)
{
	parser->state = parser->depth == 0 ? STATE_DONE : STATE_NEXT;
}

static enum bd_code close_container(struct bd_json_parser *parser, bool is_object)
{
	if (parser->depth == 0 || parser->is_object[parser->depth - 1] != is_object) {
		return fail(parser, BD_JSON_SYNTAX, "this bracket closes nothing");
	}
	parser->depth--;
	drop_keys(parser, parser->first_key[parser->depth]);
	value_over(parser);
	return give_mark(parser, is_object ? BD_JSON_OBJECT_END : BD_JSON_ARRAY_END);
}

/* -- tokens -- */

static enum bd_code text_over(struct bd_json_parser *parser, struct bd_bytes text)
{
	enum bd_code code = BD_OK;

	if (parser->high_surrogate != 0) {
		return fail(parser, BD_JSON_SYNTAX, "half of a surrogate pair");
	}
	if (parser->is_key) {
		code = add_key(parser, text);
		parser->state = STATE_COLON;
	} else {
		value_over(parser);
	}
	return code == BD_OK ? give(parser, parser->is_key ? BD_JSON_KEY : BD_JSON_TEXT, text)
			     : code;
}

static enum bd_code add_text(struct bd_json_parser *parser, struct bd_bytes run)
{
	enum bd_code code = bd_buf_add(&parser->text, run);

	return code == BD_OK ? BD_OK : fail_at(parser, code, parser->token, "a text is too long");
}

/* The first byte of a character of more than one byte: what may follow (RFC 3629). */
static bool begin_character(struct bd_json_parser *parser, uint8_t byte)
{
	parser->utf8_low = 0x80;
	parser->utf8_high = 0xBF;
	if (byte >= 0xC2 && byte <= 0xDF) {
		parser->utf8_left = 1;
	} else if (byte >= 0xE0 && byte <= 0xEF) {
		parser->utf8_left = 2;
		parser->utf8_low = byte == 0xE0 ? 0xA0 : 0x80;
		parser->utf8_high = byte == 0xED ? 0x9F : 0xBF;
	} else if (byte >= 0xF0 && byte <= 0xF4) {
		parser->utf8_left = 3;
		parser->utf8_low = byte == 0xF0 ? 0x90 : 0x80;
		parser->utf8_high = byte == 0xF4 ? 0x8F : 0xBF;
	} else {
		return false;
	}
	return true;
}

/* Plain bytes of a text from *at on, up to a quote, an escape or the end of the run. */
static enum bd_code read_plain(struct bd_json_parser *parser, struct bd_bytes bytes, size_t *at)
{
	size_t i = *at;

	while (i < bytes.len) {
		uint8_t byte;

		/* What is not plain of the run is looked at below. */
		while (parser->utf8_left == 0 && bytes.len - i >= BD_JSON_RUN_BYTES &&
			parser->text.len + (i - *at) + BD_JSON_RUN_BYTES <= parser->text.max) {
			size_t plain = bd_json_plain_len(bytes.ptr + i);

			parser->place.column += (uint32_t)plain;
			i += plain;
			if (plain < BD_JSON_RUN_BYTES) {
				break;
			}
		}
		if (i == bytes.len) {
			break;
		}
		byte = (uint8_t)bytes.ptr[i];

		/* Here, and not when the run is over, so that the first error is the same at any
		 * cut. */
		if (parser->text.len + (i - *at) > parser->text.max) {
			return fail_at(parser, BD_LIMIT_BYTES, parser->token, "a text is too long");
		}
		if (parser->utf8_left > 0) {
			if (byte < parser->utf8_low || byte > parser->utf8_high) {
				parser->place.offset += i - *at;
				return fail(parser, BD_TEXT_ENCODING, "not UTF-8");
			}
			parser->utf8_left--;
			parser->utf8_low = 0x80;
			parser->utf8_high = 0xBF;
			i++;
			continue;
		}
		if (byte == '"' || byte == '\\') {
			break;
		}
		if (bytes.len - i >= 3 && bd_json_is_three(bytes.ptr + i) &&
			parser->text.len + (i - *at) + 3 <= parser->text.max) {
			parser->place.column++;
			i += 3;
			continue;
		}
		if (byte < 0x20) {
			parser->place.offset += i - *at;
			return fail(parser, BD_JSON_SYNTAX, "a control character in a text");
		}
		if (byte >= 0x80 && !begin_character(parser, byte)) {
			parser->place.offset += i - *at;
			return fail(parser, BD_TEXT_ENCODING, "not UTF-8");
		}
		parser->place.column++;
		i++;
	}
	parser->place.offset += i - *at;
	*at = i;
	return BD_OK;
}

static enum bd_code read_text(struct bd_json_parser *parser, struct bd_bytes bytes, size_t *at)
{
	size_t begin = *at;
	bool is_over;
	enum bd_code code;
	struct bd_bytes run;

	if (parser->high_surrogate != 0 && bytes.ptr[begin] != '"' && bytes.ptr[begin] != '\\') {
		return fail(parser, BD_JSON_SYNTAX, "half of a surrogate pair");
	}
	code = read_plain(parser, bytes, at);
	run = (struct bd_bytes){ bytes.ptr + begin, *at - begin };
	is_over = code == BD_OK && *at < bytes.len && bytes.ptr[*at] == '"';
	if (code != BD_OK) {
		return code;
	}
	if (!is_over || parser->text.len > 0) {
		code = add_text(parser, run);
		run = bd_buf_bytes(&parser->text);
	} else if (run.len > parser->text.max) {
		code = fail_at(parser, BD_LIMIT_BYTES, parser->token, "a text is too long");
	}
	if (code != BD_OK || *at == bytes.len) {
		return code;
	}
	(*at)++;
	if (is_over) {
		if (run.len == 0) {
			run.ptr = "";
		}
		code = text_over(parser, run);
		bd_buf_clear(&parser->text);
	} else {
		parser->state = STATE_ESCAPE;
	}
	parser->place.offset++;
	parser->place.column++;
	return code;
}

static enum bd_code read_escape(struct bd_json_parser *parser, char byte)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *found = byte == '\0' ? NULL : strchr(names, byte);

	if (byte == 'u') {
		parser->hex = 0;
		parser->hex_digits = 0;
		parser->state = STATE_HEX;
		return BD_OK;
	}
	if (found == NULL || parser->high_surrogate != 0) {
		return fail(parser, BD_JSON_SYNTAX, "no such escape");
	}
	parser->state = STATE_TEXT;
	return add_text(parser, (struct bd_bytes){ &values[found - names], 1 });
}

static enum bd_code add_point(struct bd_json_parser *parser)
{
	uint32_t point = parser->hex;
	enum bd_code code;

	parser->state = STATE_TEXT;
	if (parser->high_surrogate != 0) {
		if (point < 0xDC00 || point > 0xDFFF) {
			return fail(parser, BD_JSON_SYNTAX, "half of a surrogate pair");
		}
		point = 0x10000 + ((parser->high_surrogate - 0xD800) << 10) + (point - 0xDC00);
		parser->high_surrogate = 0;
	} else if (point >= 0xD800 && point <= 0xDBFF) {
		parser->high_surrogate = point;
		return BD_OK;
	} else if (point >= 0xDC00 && point <= 0xDFFF) {
		return fail(parser, BD_JSON_SYNTAX, "half of a surrogate pair");
	}
	code = bd_text_add_point(&parser->text, point);
	return code == BD_OK ? BD_OK : fail_at(parser, code, parser->token, "a text is too long");
}

static enum bd_code read_hex(struct bd_json_parser *parser, char byte)
{
	uint32_t digit;

	if (byte >= '0' && byte <= '9') {
		digit = (uint32_t)(byte - '0');
	} else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f') {
		digit = (uint32_t)((byte | 0x20) - 'a' + 10);
	} else {
		return fail(parser, BD_JSON_SYNTAX, "no hexadecimal digit");
	}
	parser->hex = parser->hex << 4 | digit;
	return ++parser->hex_digits == 4 ? add_point(parser) : BD_OK;
}

bool bd_json_is_number(struct bd_bytes text)
{
	size_t i = 0, digits;

	if (i < text.len && text.ptr[i] == '-') {
		i++;
	}
	for (digits = i; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
	}
	if (i == digits || (text.ptr[digits] == '0' && i - digits > 1)) {
		return false;
	}
	if (i < text.len && text.ptr[i] == '.') {
		for (digits = ++i; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
		}
		if (i == digits) {
			return false;
		}
	}
	if (i < text.len && (text.ptr[i] == 'e' || text.ptr[i] == 'E')) {
		i++;
		if (i < text.len && (text.ptr[i] == '+' || text.ptr[i] == '-')) {
			i++;
		}
		for (digits = i; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
		}
		if (i == digits) {
			return false;
		}
	}
	return i == text.len;
}

static enum bd_code number_over(struct bd_json_parser *parser)
{
	enum bd_code code;

	if (!bd_json_is_number(bd_buf_bytes(&parser->text))) {
		return fail_at(parser, BD_JSON_SYNTAX, parser->token, "not a number");
	}
	value_over(parser);
	code = give(parser, BD_JSON_NUMBER, bd_buf_bytes(&parser->text));
	bd_buf_clear(&parser->text);
	return code;
}

static enum bd_code read_literal(struct bd_json_parser *parser, char byte)
{
	if (*parser->literal != byte) {
		return fail_at(parser, BD_JSON_SYNTAX, parser->token, "no such value");
	}
	if (*++parser->literal != '\0') {
		return BD_OK;
	}
	value_over(parser);
	return give(parser, parser->literal_event,
		bd_bytes_of(parser->literal_event == BD_JSON_TRUE    ? "true"
			    : parser->literal_event == BD_JSON_FALSE ? "false"
								     : ""));
}

static void begin_literal(struct bd_json_parser *parser, const char *rest, enum bd_json_event event)
{
	parser->literal = rest;
	parser->literal_event = event;
	parser->state = STATE_LITERAL;
}

static void begin_text(struct bd_json_parser *parser, bool is_key)
{
	parser->is_key = is_key;
	parser->state = STATE_TEXT;
}

static enum bd_code begin_value(struct bd_json_parser *parser, char byte)
{
	parser->token = parser->place;
	switch (byte) {
	case '{':
		return open_container(parser, true);
	case '[':
		return open_container(parser, false);
	case '"':
		begin_text(parser, false);
		return BD_OK;
	case 't':
		begin_literal(parser, "rue", BD_JSON_TRUE);
		return BD_OK;
	case 'f':
		begin_literal(parser, "alse", BD_JSON_FALSE);
		return BD_OK;
	case 'n':
		begin_literal(parser, "ull", BD_JSON_NULL);
		return BD_OK;
	default:
		break;
	}
	if (byte == '-' || (byte >= '0' && byte <= '9')) {
		parser->state = STATE_NUMBER;
		return add_text(parser, (struct bd_bytes){ &byte, 1 });
	}
	return fail(parser, BD_JSON_SYNTAX, "a value is expected");
}

static enum bd_code read_mark(struct bd_json_parser *parser, char byte)
{
	switch (parser->state) {
	case STATE_FIRST_ITEM:
		if (byte == ']') {
			return close_container(parser, false);
		}
		return begin_value(parser, byte);
	case STATE_VALUE:
		return begin_value(parser, byte);
	case STATE_FIRST_KEY:
		if (byte == '}') {
			return close_container(parser, true);
		}
		/* fall through */
	case STATE_KEY:
		if (byte != '"') {
			return fail(parser, BD_JSON_SYNTAX, "a key is expected");
		}
		parser->token = parser->place;
		begin_text(parser, true);
		return BD_OK;
	case STATE_COLON:
		if (byte != ':') {
			return fail(parser, BD_JSON_SYNTAX, "':' is expected");
		}
		parser->state = STATE_VALUE;
		return BD_OK;
	case STATE_NEXT:
		if (byte == ',') {
			parser->state =
				parser->is_object[parser->depth - 1] ? STATE_KEY : STATE_VALUE;
			return BD_OK;
		}
		if (byte == '}' || byte == ']') {
			return close_container(parser, byte == '}');
		}
		return fail(parser, BD_JSON_SYNTAX, "',' or the end is expected");
	default:
		return fail(parser, BD_JSON_SYNTAX, "something stands behind the value");
	}
}

/* One byte outside of a text. */
static enum bd_code read_byte(struct bd_json_parser *parser, char byte)
{
	switch (parser->state) {
	case STATE_ESCAPE:
		return read_escape(parser, byte);
	case STATE_HEX:
		return read_hex(parser, byte);
	case STATE_LITERAL:
		return read_literal(parser, byte);
	default:
		return bd_json_is_blank(byte) ? BD_OK : read_mark(parser, byte);
	}
}

/* The bytes of a number from *at on; what stands behind them is no part of it. */
static enum bd_code read_number(struct bd_json_parser *parser, struct bd_bytes bytes, size_t *at)
{
	struct bd_bytes run = { bytes.ptr + *at, 0 };
	enum bd_code code;

	while (run.len < bytes.len - *at && bd_json_is_number_byte(run.ptr[run.len])) {
		run.len++;
	}
	if (run.len > BD_JSON_NUMBER_MAX_BYTES - parser->text.len) {
		return fail_at(parser, BD_LIMIT_BYTES, parser->token, "a number is too long");
	}
	code = add_text(parser, run);
	parser->place.offset += run.len;
	parser->place.column += (uint32_t)run.len;
	*at += run.len;
	return code == BD_OK && *at < bytes.len ? number_over(parser) : code;
}

static void advance(struct bd_json_parser *parser, char byte)
{
	parser->place.offset++;
	parser->place.column++;
	if (byte == '\n') {
		parser->place.line++;
		parser->place.column = 1;
	}
}

enum bd_code bd_json_new(struct bd_json_parser **out, struct bd_json_handler *handler)
{
	struct bd_json_parser *parser = calloc(1, sizeof(*parser));

	*out = parser;
	if (parser == NULL) {
		return BD_NO_MEMORY;
	}
	parser->handler = handler;
	parser->state = STATE_VALUE;
	parser->place = (struct bd_place){ .line = 1, .column = 1 };
	parser->keys = parser->few_keys;
	parser->heads = parser->few_heads;
	parser->key_cap = KEYS_FEW;
	/* Random bytes that the kernel gave the process: none have to be asked for. */
	parser->secret = bd_siphash_key_of((const uint8_t *)getauxval(AT_RANDOM));
	bd_buf_init(&parser->text, BD_FIELD_MAX_BYTES);
	bd_buf_init(&parser->key_bytes, KEYS_MAX_BYTES);
	return BD_OK;
}

void bd_json_allow(struct bd_json_parser *parser, size_t text_max)
{
	parser->text.max = text_max;
}

void bd_json_free(struct bd_json_parser *parser)
{
	if (parser == NULL) {
		return;
	}
	bd_buf_release(&parser->text);
	bd_buf_release(&parser->key_bytes);
	free_keys(parser);
	free(parser);
}

static enum bd_code report(struct bd_json_parser *parser, enum bd_code code, struct bd_diag *diag)
{
	parser->code = code;
	if (code != BD_OK && diag != NULL && diag->code == BD_OK) {
		*diag = parser->diag;
		diag->code = code;
	}
	return code;
}

enum bd_code bd_json_feed(
	struct bd_json_parser *parser, struct bd_bytes bytes, struct bd_diag *diag)
{
	enum bd_code code = parser->code;
	size_t at = 0;

	while (code == BD_OK && at < bytes.len) {
		if (parser->state == STATE_TEXT) {
			code = read_text(parser, bytes, &at);
			continue;
		}
		if (parser->state == STATE_NUMBER) {
			code = read_number(parser, bytes, &at);
			continue;
		}
		code = read_byte(parser, bytes.ptr[at]);
		advance(parser, bytes.ptr[at++]);
	}
	return report(parser, code, diag);
}

enum bd_code bd_json_end(struct bd_json_parser *parser, struct bd_diag *diag)
{
	enum bd_code code = parser->code;

	if (code == BD_OK && parser->state == STATE_NUMBER) {
		code = number_over(parser);
	}
	if (code == BD_OK && parser->state != STATE_DONE) {
		bool is_empty = parser->depth == 0 && parser->state == STATE_VALUE;

		code = fail(parser, is_empty ? BD_MESSAGE_EMPTY : BD_MESSAGE_TRUNCATED, "");
	}
	return report(parser, code, diag);
}

struct bd_place bd_json_place(const struct bd_json_parser *parser)
{
	return parser->place;
}
