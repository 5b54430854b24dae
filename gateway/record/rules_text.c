#include "record/rules_text.h"

#include "base/limits.h"
#include "base/text.h"
#include "record/rules_identifier.h"
#include "record/rules_point.h"

#include <string.h>

#define NAME_MAX_CHARS 100
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool is_han(uint32_t point)
{
	return (point >= 0x4E00 && point <= 0x9FFF) || (point >= 0x3400 && point <= 0x4DBF) ||
	       (point >= 0x20000 && point <= 0x3FFFF) || (point >= 0xF900 && point <= 0xFAFF) ||
	       point == 0x3007;
}

/* rule: name.separator. What people type for the separating dot of a name. */
static bool is_dot(uint32_t point)
{
	static const uint32_t dots[] = { 0xB7, 0x2022, 0x2027, 0x2219, 0x22C5, 0x2024, 0x30FB,
		0xFF65, 0x387, 0x16EB, 0x2E31, 0x25CF, 0x25AA, 0xFF0E, 0x2E, 0xFE52, 0x318D, 0x119E,
		0x3002, 0xFF61 };

	for (size_t i = 0; i < COUNT(dots); i++) {
		if (dots[i] == point) {
			return true;
		}
	}
	return false;
}

/* Next point, folded, that is no blank; 0 at the end. */
static uint32_t next_kept(struct bd_bytes *rest)
{
	uint32_t point = 0;
	bool ok = true;

	while (bd_text_next(&point, rest, &ok)) {
		point = bd_point_fold(point);
		if (!bd_point_is_blank(point)) {
			return point;
		}
	}
	return 0;
}

/* rules: text.bracket, text.case. */
static uint32_t written(enum bd_type type, uint32_t point)
{
	if (type != BD_TYPE_NAME && (point == 0x3010 || point == 0x3011)) {
		return point == 0x3010 ? '[' : ']';
	}
	return point >= 'a' && point <= 'z' ? point - ('a' - 'A') : point;
}

static bool is_like_han(uint32_t point)
{
	return is_han(point) || bd_point_is_placeholder(point);
}

/* Names of organizations and addresses have ?, * and ○ of their own. */
static bool is_flagged(enum bd_type type, uint32_t point)
{
	return bd_point_is_placeholder(point) &&
	       (type == BD_TYPE_NAME || (point != '*' && point != '?' && point != 0x25CB));
}

static enum bd_code normalize(
	struct bd_buf *out, uint8_t *flags, enum bd_type type, struct bd_bytes text)
{
	uint32_t before = 0, point = next_kept(&text);
	enum bd_code code = BD_OK;

	while (point != 0 && code == BD_OK) {
		uint32_t after = next_kept(&text);
		bool is_dotted = type == BD_TYPE_NAME && is_dot(point) && is_like_han(before) &&
				 is_like_han(after);

		*flags |= is_flagged(type, point) ? BD_VALUE_PLACEHOLDER : 0;
		code = bd_text_add_point(out, is_dotted ? 0xB7 : written(type, point));
		before = point;
		point = after;
	}
	return code;
}

/* rule: name.common. Han and separators, 2 to 50, no separator at an end or doubled; anything else
 * is kept with a warning: people with foreign names are people. */
static bool is_common_name(struct bd_bytes name)
{
	uint32_t point, before = 0xB7;
	size_t count = 0;
	bool ok = true;

	while (bd_text_next(&point, &name, &ok)) {
		if ((!is_han(point) && point != 0xB7) || (point == 0xB7 && before == 0xB7)) {
			return false;
		}
		before = point;
		count++;
	}
	return before != 0xB7 && count >= 2 && count <= 50;
}

/* rules: name.person, name.organization. */
static enum bd_code check_name(
	uint8_t *flags, enum bd_type type, struct bd_bytes name, struct bd_diag *diag)
{
	size_t length = bd_text_length(name);
	enum bd_code code;

	if (length == 0 || length > (type == BD_TYPE_NAME ? NAME_MAX_CHARS : NAME_MAX_CHARS * 4)) {
		code = bd_fail(diag, BD_NAME_FORM, "empty or longer than any name");
		bd_diag_set_rule(diag, type == BD_TYPE_NAME ? "name.person" : "name.organization");
		return code;
	}
	*flags |= type == BD_TYPE_NAME && !is_common_name(name) ? BD_VALUE_WARNED : 0;
	return BD_OK;
}

/* Nothing but what every rule here leaves as it is: ideographs from U+4E00 to U+9FFF, digits and
 * capitals. It is UTF-8, and has no control character. */
static bool is_plain(struct bd_bytes text)
{
	size_t at = 0;

	while (at < text.len) {
		size_t len =
			bd_text_ideographs_len((struct bd_bytes){ text.ptr + at, text.len - at });
		char c = text.ptr[at];

		if (len == 0 && !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'))) {
			return false;
		}
		at += len > 0 ? len : 1;
	}
	return text.len > 0;
}

/* Else what stands behind it would be cut off in silence, and the rest be the name of another. */
static enum bd_code check_characters(struct bd_bytes text, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	if (bd_text_has_control(text)) {
		code = bd_fail(diag, BD_TEXT_CONTROL, "%s", "");
		bd_diag_set_rule(diag, "text.control");
	} else if (!bd_text_is_utf8(text)) {
		code = bd_fail(diag, BD_TEXT_ENCODING, "%s", "");
		bd_diag_set_rule(diag, "text.encoding");
	}
	return code;
}

static enum bd_code make_normal(struct bd_bytes *out, uint8_t *flags, enum bd_type type,
	struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_buf normal;
	struct bd_bytes kept;
	uint8_t seen = *flags;
	enum bd_code code;

	if (is_plain(text)) {
		code = type != BD_TYPE_ADDRESS ? check_name(flags, type, text, diag) : BD_OK;
		*out = code == BD_OK ? text : *out;
		return code;
	}
	code = check_characters(text, diag);
	if (code != BD_OK) {
		return code;
	}
	bd_buf_init(&normal, (size_t)BD_FIELD_MAX_BYTES * 4);
	code = normalize(&normal, &seen, type, text);
	if (code != BD_OK) {
		bd_fail(diag, code, "%s", "");
	} else if (type != BD_TYPE_ADDRESS) {
		code = check_name(&seen, type, bd_buf_bytes(&normal), diag);
	}
	if (code == BD_OK) {
		kept = bd_arena_copy(arena, bd_buf_bytes(&normal));
		code = kept.ptr != NULL ? BD_OK : bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	if (code == BD_OK) {
		*out = kept;
		*flags = seen;
	}
	bd_buf_release(&normal);
	return code;
}

enum bd_code bd_rule_text(struct bd_bytes *out, uint8_t *flags, enum bd_type type,
	struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code;

	text = bd_text_trim(text);
	switch (type) {
	case BD_TYPE_NAME:
	case BD_TYPE_ORG_NAME:
	case BD_TYPE_ADDRESS:
		return make_normal(out, flags, type, text, arena, diag);
	case BD_TYPE_IDENTIFIER:
		return bd_rule_fold_number(out, text, arena, diag);
	case BD_TYPE_TEXT:
	case BD_TYPE_CODE:
	case BD_TYPE_NATIVE_CODE:
	case BD_TYPE_DATE:
	case BD_TYPE_MONTH:
	case BD_TYPE_TIME:
	case BD_TYPE_AMOUNT:
	case BD_TYPE_COUNT:
	case BD_TYPE_BOOL:
		break;
	}
	code = check_characters(text, diag);
	if (code == BD_OK) {
		*out = text;
	}
	return code;
}

/* Moves past a second '?' where the first stands for one character beyond U+FFFF: systems that
 * count in UTF-16 write one for each half. */
static void skip_half(struct bd_bytes *text, uint32_t mark, uint32_t other)
{
	if (mark == '?' && other > 0xFFFF && text->len > 0 && text->ptr[0] == '?') {
		text->ptr++;
		text->len--;
	}
}

bool bd_rule_differs_by_placeholders(struct bd_bytes a, struct bd_bytes b)
{
	bool ok = true, has_one = false;
	uint32_t x, y;

	for (;;) {
		bool is_a = bd_text_next(&x, &a, &ok), is_b = bd_text_next(&y, &b, &ok);

		if (!is_a || !is_b) {
			return is_a == is_b && has_one && ok;
		}
		if (x != y) {
			if (!bd_point_is_placeholder(x) && !bd_point_is_placeholder(y)) {
				return false;
			}
			skip_half(&a, x, y);
			skip_half(&b, y, x);
			has_one = true;
		}
	}
}
