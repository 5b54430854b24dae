#include "intake/tally.h"

#include "base/text.h"

#include <stdio.h>

/* What is longer is a text whatever it begins with. */
#define WORD_MAX_BYTES 64

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static size_t digits_at(struct bd_bytes text, size_t at)
{
	size_t count = 0;

	while (at + count < text.len && is_digit(text.ptr[at + count])) {
		count++;
	}
	return count;
}

static bool is_number(struct bd_bytes text, bool *has_point)
{
	size_t at = text.ptr[0] == '-' || text.ptr[0] == '+';
	size_t whole = digits_at(text, at), part = 0;

	*has_point = at + whole < text.len && text.ptr[at + whole] == '.';
	if (*has_point) {
		part = digits_at(text, at + whole + 1);
	}
	return whole > 0 && at + whole + *has_point + part == text.len && (!*has_point || part > 0);
}

/* "2026-6-1", and whatever stands behind a blank or a T. */
static bool is_date(struct bd_bytes text)
{
	size_t at = digits_at(text, 0), part;
	char separator;

	if (at != 4 || at == text.len) {
		return false;
	}
	separator = text.ptr[at];
	if (separator != '-' && separator != '/' && separator != '.') {
		return false;
	}
	part = digits_at(text, at + 1);
	at += 1 + part;
	if (part < 1 || part > 2 || at == text.len || text.ptr[at] != separator) {
		return false;
	}
	part = digits_at(text, at + 1);
	at += 1 + part;
	return part >= 1 && part <= 2 &&
	       (at == text.len || text.ptr[at] == ' ' || text.ptr[at] == 'T');
}

static bool is_word(struct bd_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.ptr[i];

		if (!is_digit(byte) && !(byte >= 'A' && byte <= 'Z') &&
			!(byte >= 'a' && byte <= 'z') && byte != '-' && byte != '_') {
			return false;
		}
	}
	return true;
}

uint8_t bd_shape_of(struct bd_bytes text)
{
	bool has_point;

	text = bd_text_trim(text);
	if (text.len == 0) {
		return 0;
	}
	if (text.len > WORD_MAX_BYTES) {
		return BD_SHAPE_TEXT;
	}
	if (is_number(text, &has_point)) {
		return has_point ? BD_SHAPE_DECIMAL : BD_SHAPE_INTEGER;
	}
	return is_date(text) ? BD_SHAPE_DATE : is_word(text) ? BD_SHAPE_WORD : BD_SHAPE_TEXT;
}

void bd_shapes_text(char out[BD_SHAPES_TEXT_BYTES], uint8_t shapes)
{
	static const char *const names[] = { "integer", "decimal", "date", "word", "text" };
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((shapes >> i & 1) != 0) {
			len += (size_t)snprintf(out + len, BD_SHAPES_TEXT_BYTES - len, "%s%s",
				len > 0 ? " " : "", names[i]);
		}
	}
}
