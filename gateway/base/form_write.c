#include "base/clock.h"
#include "base/digest.h"
#include "base/form_parts.h"
#include "base/text.h"
#include "base/try.h"

#include <inttypes.h>
#include <string.h>

/* -- places -- */

/* XML 1.0 section 2.2: of the control characters only three are characters at all. */
static enum bd_code add_xml(struct bd_buf *out, struct bd_bytes text)
{
	static const struct {
		char byte;
		const char *entity;
	} entities[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" },
		{ '\'', "&apos;" } };

	for (size_t i = 0; i < text.len; i++) {
		const char *entity = NULL;

		for (size_t e = 0; e < sizeof(entities) / sizeof(entities[0]); e++) {
			entity = text.ptr[i] == entities[e].byte ? entities[e].entity : entity;
		}
		BD_TRY(entity != NULL ? bd_buf_add_text(out, entity)
				      : bd_buf_add_byte(out, text.ptr[i]));
	}
	return BD_OK;
}

/* Within the quotes of a string, RFC 8259 section 7. */
static enum bd_code add_json(struct bd_buf *out, struct bd_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];

		if (byte == '"' || byte == '\\') {
			BD_TRY(bd_buf_add_byte(out, '\\'));
		}
		BD_TRY(byte < 0x20 ? bd_buf_printf(out, "\\u%04x", byte)
				   : bd_buf_add_byte(out, text.ptr[i]));
	}
	return BD_OK;
}

/* All but unreserved characters, RFC 3986 section 2.3. */
static enum bd_code add_url(struct bd_buf *out, struct bd_bytes text)
{
	static const char unreserved[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];

		BD_TRY(byte != 0 && strchr(unreserved, byte) != NULL
				? bd_buf_add_byte(out, (char)byte)
				: bd_buf_printf(out, "%%%02X", byte));
	}
	return BD_OK;
}

/* Visible ASCII and blanks within, RFC 9110 section 5.5. */
static enum bd_code add_header(struct bd_buf *out, struct bd_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < ' ' || text.ptr[i] > '~') {
			return BD_CONFIG_MEANING;
		}
	}
	return bd_buf_add(out, text);
}

enum bd_code bd_form_escape(struct bd_buf *out, enum bd_form_place place, struct bd_bytes text)
{
	if (place != BD_FORM_RAW &&
		(!bd_text_is_utf8(text) ||
			(text.len > 0 && memchr(text.ptr, 0, text.len) != NULL))) {
		return BD_CONFIG_MEANING;
	}
	switch (place) {
	case BD_FORM_RAW:
		return bd_buf_add(out, text);
	case BD_FORM_XML:
		return bd_text_has_control(text) ? BD_CONFIG_MEANING : add_xml(out, text);
	case BD_FORM_JSON:
		return add_json(out, text);
	case BD_FORM_URL:
		return add_url(out, text);
	case BD_FORM_HEADER:
		return add_header(out, text);
	}
	return BD_INTERNAL;
}

/* -- formats of texts -- */

/* XML 1.0 section 2.7: its end mark cannot stand within, so it is cut between two sections. */
static enum bd_code add_cdata(struct bd_buf *out, struct bd_bytes text)
{
	if (!bd_text_is_utf8(text) || bd_text_has_control(text)) {
		return BD_CONFIG_MEANING;
	}
	BD_TRY(bd_buf_add_text(out, "<![CDATA["));
	for (size_t i = 0; i < text.len; i++) {
		BD_TRY(bd_buf_add_byte(out, text.ptr[i]));
		if (text.ptr[i] == ']' && i + 2 < text.len && text.ptr[i + 1] == ']' &&
			text.ptr[i + 2] == '>') {
			BD_TRY(bd_buf_add_text(out, "]]]><![CDATA["));
			i++;
		}
	}
	return bd_buf_add_text(out, "]]>");
}

static enum bd_code add_hex(struct bd_buf *out, struct bd_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		BD_TRY(bd_buf_printf(out, "%02x", (unsigned char)text.ptr[i]));
	}
	return BD_OK;
}

static const struct {
	const char *name;
	enum bd_form_place place; /* 0 = a coding */
} formats[] = { { "raw", BD_FORM_RAW }, { "xml", BD_FORM_XML }, { "json", BD_FORM_JSON },
	{ "url", BD_FORM_URL }, { "cdata", 0 }, { "base64", 0 }, { "hex", 0 } };

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

bool bd_form_is_format(const char *format)
{
	for (size_t i = 0; i < FORMATS; i++) {
		if (strcmp(format, formats[i].name) == 0) {
			return true;
		}
	}
	return false;
}

enum bd_code bd_form_format(
	struct bd_buf *out, bool *is_whole, struct bd_bytes text, const char *format)
{
	*is_whole = strcmp(format, "raw") == 0 || strcmp(format, "cdata") == 0;
	for (size_t i = 0; i < FORMATS; i++) {
		if (strcmp(format, formats[i].name) == 0 && formats[i].place != 0) {
			return bd_form_escape(out, formats[i].place, text);
		}
	}
	return strcmp(format, "cdata") == 0    ? add_cdata(out, text)
	       : strcmp(format, "base64") == 0 ? bd_base64_add(out, text)
	       : strcmp(format, "hex") == 0    ? add_hex(out, text)
					       : BD_CONFIG_MEANING;
}

/* -- times -- */

struct moment {
	int year, month, day, hour, minute, second, ms;
};

static struct moment moment_of(int64_t ms)
{
	int32_t day = bd_day_at(ms);
	int64_t rest = ms - bd_day_begin_ms(day);
	struct moment moment = { .hour = (int)(rest / 3600000),
		.minute = (int)(rest / 60000 % 60),
		.second = (int)(rest / 1000 % 60),
		.ms = (int)(rest % 1000) };

	bd_day_civil(day, &moment.year, &moment.month, &moment.day);
	return moment;
}

/* How often the first letter stands there. */
static size_t run_of(const char *pattern)
{
	size_t len = 1;

	while (pattern[len] == pattern[0]) {
		len++;
	}
	return len;
}

enum bd_code bd_form_write_time(struct bd_buf *out, int64_t ms, const char *pattern)
{
	const struct moment moment = moment_of(ms);
	const struct {
		char letter;
		int value, width;
	} letters[] = { { 'y', moment.year, 4 }, { 'M', moment.month, 2 }, { 'd', moment.day, 2 },
		{ 'H', moment.hour, 2 }, { 'h', (moment.hour + 11) % 12 + 1, 2 },
		{ 'm', moment.minute, 2 }, { 's', moment.second, 2 }, { 'S', moment.ms, 3 } };

	if (strcmp(pattern, "epoch") == 0) {
		return bd_buf_printf(out, "%" PRId64, ms / 1000);
	}
	if (strcmp(pattern, "epoch_ms") == 0) {
		return bd_buf_printf(out, "%" PRId64, ms);
	}
	while (*pattern != '\0') {
		size_t len = run_of(pattern), i = 0;

		while (i < sizeof(letters) / sizeof(letters[0]) && letters[i].letter != *pattern) {
			i++;
		}
		if (i < sizeof(letters) / sizeof(letters[0])) {
			BD_TRY(bd_buf_printf(out, "%0*d", letters[i].width, letters[i].value));
		} else {
			BD_TRY(bd_buf_add(out, (struct bd_bytes){ pattern, len }));
		}
		pattern += len;
	}
	return BD_OK;
}

void bd_form_time(char out[18], int64_t ms)
{
	struct bd_buf text = { out, 0, 18, 18 };

	bd_form_write_time(&text, ms, "yyyyMMddHHmmssSSS");
	out[17] = '\0';
}

static int digits_at(struct bd_bytes text, size_t at, size_t len)
{
	int value = 0;

	for (size_t i = at; i < at + len; i++) {
		value = value * 10 + (text.ptr[i] - '0');
	}
	return value;
}

bool bd_form_time_read(int64_t *ms, struct bd_bytes text)
{
	int32_t day;

	if (text.len != 17) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return false;
		}
	}
	if (!bd_day_of(&day, digits_at(text, 0, 4), digits_at(text, 4, 2), digits_at(text, 6, 2)) ||
		digits_at(text, 8, 2) > 23 || digits_at(text, 10, 2) > 59 ||
		digits_at(text, 12, 2) > 59) {
		return false;
	}
	*ms = bd_day_begin_ms(day) + digits_at(text, 8, 2) * INT64_C(3600000) +
	      digits_at(text, 10, 2) * INT64_C(60000) + digits_at(text, 12, 2) * INT64_C(1000) +
	      digits_at(text, 14, 3);
	return true;
}
