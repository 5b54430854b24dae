#include "cli/reply.h"

#include "base/limits.h"

#include <string.h>

struct scan {
	const char *at, *end;
	struct bd_arena *arena;
	struct bd_diag *diag;
	const char *start;
};

static enum bd_code syntax(struct scan *scan)
{
	struct bd_place place = { .offset = (uint64_t)(scan->at - scan->start) };
	return bd_fail_at(scan->diag, BD_JSON_SYNTAX, place, "the answer is not JSON");
}

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != '\0') {
		scan->at++;
	}
}

static bool take(struct scan *scan, char byte)
{
	skip_space(scan);
	if (scan->at < scan->end && *scan->at == byte) {
		scan->at++;
		return true;
	}
	return false;
}

static bool read_hex(uint32_t *out, const char *at, const char *end)
{
	if (end - at < 4) {
		return false;
	}
	*out = 0;
	for (int i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *found = at[i] == '\0' ? NULL : strchr(digits, at[i]);
		if (found == NULL) {
			return false;
		}
		*out = *out * 16 + (uint32_t)((found - digits) % 16);
	}
	return true;
}

static char *put_utf8(char *to, uint32_t point)
{
	if (point < 0x80) {
		*to++ = (char)point;
	} else if (point < 0x800) {
		*to++ = (char)(0xC0 | point >> 6);
		*to++ = (char)(0x80 | (point & 0x3F));
	} else if (point < 0x10000) {
		*to++ = (char)(0xE0 | point >> 12);
		*to++ = (char)(0x80 | (point >> 6 & 0x3F));
		*to++ = (char)(0x80 | (point & 0x3F));
	} else {
		*to++ = (char)(0xF0 | point >> 18);
		*to++ = (char)(0x80 | (point >> 12 & 0x3F));
		*to++ = (char)(0x80 | (point >> 6 & 0x3F));
		*to++ = (char)(0x80 | (point & 0x3F));
	}
	return to;
}

/* Unescapes \uXXXX, pairs of surrogates joined; false when it is none. */
static bool take_unicode(struct scan *scan, char **to)
{
	uint32_t high;
	uint32_t low;
	if (!read_hex(&high, scan->at, scan->end)) {
		return false;
	}
	scan->at += 4;
	if (high >= 0xD800 && high < 0xDC00) {
		if (scan->end - scan->at < 6 || scan->at[0] != '\\' || scan->at[1] != 'u' ||
			!read_hex(&low, scan->at + 2, scan->end) || low < 0xDC00 || low > 0xDFFF) {
			return false;
		}
		scan->at += 6;
		high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
	}
	*to = put_utf8(*to, high);
	return true;
}

static bool take_escape(struct scan *scan, char **to)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	if (scan->at >= scan->end || *scan->at == '\0') {
		return false;
	}
	char name = *scan->at++;
	if (name == 'u') {
		return take_unicode(scan, to);
	}
	const char *found = strchr(names, name);
	if (found == NULL) {
		return false;
	}
	*(*to)++ = values[found - names];
	return true;
}

/* After the opening quote; unescaping never makes a text longer. */
static enum bd_code read_text(struct bd_bytes *out, struct scan *scan)
{
	const char *close = scan->at;
	while (close < scan->end && *close != '"') {
		close += *close == '\\' && close + 1 < scan->end ? 2 : 1;
	}
	if (close >= scan->end) {
		return syntax(scan);
	}
	char *start = bd_arena_alloc(scan->arena, (size_t)(close - scan->at) + 1, 1);
	if (start == NULL) {
		return bd_fail(scan->diag, BD_NO_MEMORY, "the answer is too large to be shown");
	}
	char *to = start;
	while (scan->at < close) {
		if (*scan->at != '\\') {
			*to++ = *scan->at++;
			continue;
		}
		scan->at++;
		if (!take_escape(scan, &to)) {
			return syntax(scan);
		}
	}
	scan->at++;
	*out = (struct bd_bytes){ start, (size_t)(to - start) };
	return BD_OK;
}

static enum bd_code read_value(struct bd_reply **out, struct scan *scan, int depth);

/* Members or items up to `close`. */
static enum bd_code read_children(struct bd_reply *parent, struct scan *scan, char close, int depth)
{
	struct bd_reply **tail = &parent->first;
	if (take(scan, close)) {
		return BD_OK;
	}
	do {
		struct bd_bytes name = { NULL, 0 };
		enum bd_code code = BD_OK;
		if (close == '}') {
			code = take(scan, '"') ? read_text(&name, scan) : syntax(scan);
			if (code == BD_OK && !take(scan, ':')) {
				code = syntax(scan);
			}
		}
		if (code == BD_OK) {
			code = read_value(tail, scan, depth + 1);
		}
		if (code != BD_OK) {
			return code;
		}
		(*tail)->name = name;
		tail = &(*tail)->next;
	} while (take(scan, ','));
	return take(scan, close) ? BD_OK : syntax(scan);
}

static enum bd_code read_scalar(struct bd_reply *reply, struct scan *scan)
{
	const char *start = scan->at;
	while (scan->at < scan->end && *scan->at != '\0' &&
		strchr(",]} \t\r\n", *scan->at) == NULL) {
		scan->at++;
	}
	reply->kind = BD_REPLY_SCALAR;
	reply->text = (struct bd_bytes){ start, (size_t)(scan->at - start) };
	return scan->at == start ? syntax(scan) : BD_OK;
}

static enum bd_code read_value(struct bd_reply **out, struct scan *scan, int depth)
{
	struct bd_reply *reply = bd_arena_alloc(scan->arena, 1, sizeof(*reply));
	if (reply == NULL) {
		return bd_fail(scan->diag, BD_NO_MEMORY, "the answer is too large to be shown");
	}
	if (depth > BD_DEPTH_MAX) {
		return bd_fail(scan->diag, BD_LIMIT_DEPTH, "the answer is nested too deep");
	}
	*out = reply;
	if (take(scan, '{')) {
		reply->kind = BD_REPLY_OBJECT;
		return read_children(reply, scan, '}', depth);
	}
	if (take(scan, '[')) {
		reply->kind = BD_REPLY_ARRAY;
		return read_children(reply, scan, ']', depth);
	}
	if (take(scan, '"')) {
		reply->kind = BD_REPLY_TEXT;
		return read_text(&reply->text, scan);
	}
	return read_scalar(reply, scan);
}

enum bd_code bd_reply_read(const struct bd_reply **out, struct bd_bytes json,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct scan scan = { json.ptr, json.ptr + json.len, arena, diag, json.ptr };
	struct bd_reply *reply;
	enum bd_code code = read_value(&reply, &scan, 0);
	if (code != BD_OK) {
		return code;
	}
	skip_space(&scan);
	if (scan.at != scan.end) {
		return syntax(&scan);
	}
	*out = reply;
	return BD_OK;
}

const struct bd_reply *bd_reply_find(const struct bd_reply *reply, const char *name)
{
	if (reply == NULL || reply->kind != BD_REPLY_OBJECT) {
		return NULL;
	}
	for (const struct bd_reply *child = reply->first; child != NULL; child = child->next) {
		if (bd_bytes_is(child->name, name)) {
			return child;
		}
	}
	return NULL;
}

struct bd_bytes bd_reply_text(const struct bd_reply *reply, const char *name)
{
	const struct bd_reply *found = bd_reply_find(reply, name);
	return found != NULL ? found->text : (struct bd_bytes){ "", 0 };
}
