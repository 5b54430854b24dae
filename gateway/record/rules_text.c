#include "record/rules_text.h"

#include "base/limits.h"
#include "base/text.h"
#include "record/rules_compare.h"
#include "record/rules_identifier.h"

#include <string.h>

#define NAME_MAX_CHARS 100

struct pair {
	uint32_t from, to;
};

/* rule: text.private_use. Private use in older editions of GB 18030, characters since; and the
 * second half of U+1E3F. */
static const struct pair private_use[] = {
	{ 0xE78D, 0xFE10 },
	{ 0xE78E, 0xFE12 },
	{ 0xE78F, 0xFE11 },
	{ 0xE790, 0xFE13 },
	{ 0xE791, 0xFE14 },
	{ 0xE792, 0xFE15 },
	{ 0xE793, 0xFE16 },
	{ 0xE794, 0xFE17 },
	{ 0xE795, 0xFE18 },
	{ 0xE796, 0xFE19 },
	{ 0xE7C7, 0x1E3F },
	{ 0xE816, 0x20087 },
	{ 0xE817, 0x20089 },
	{ 0xE818, 0x200CC },
	{ 0xE81E, 0x9FB4 },
	{ 0xE826, 0x9FB5 },
	{ 0xE82B, 0x9FB6 },
	{ 0xE82C, 0x9FB7 },
	{ 0xE831, 0x215D7 },
	{ 0xE832, 0x9FB8 },
	{ 0xE83B, 0x2298F },
	{ 0xE843, 0x9FB9 },
	{ 0xE854, 0x9FBA },
	{ 0xE855, 0x241FE },
	{ 0xE864, 0x9FBB },
};

/* rule: text.radical. CJK radicals supplement: NFKC leaves them, Unicode's
 * Equivalent_Unified_Ideograph names the character. */
static const struct pair radicals[] = {
	{ 0x2E81, 0x5382 },
	{ 0x2E82, 0x4E5B },
	{ 0x2E83, 0x4E5A },
	{ 0x2E84, 0x4E59 },
	{ 0x2E85, 0x4EBB },
	{ 0x2E86, 0x5182 },
	{ 0x2E87, 0x20628 },
	{ 0x2E88, 0x5200 },
	{ 0x2E89, 0x5202 },
	{ 0x2E8A, 0x535C },
	{ 0x2E8B, 0x353E },
	{ 0x2E8C, 0x5C0F },
	{ 0x2E8D, 0x5C0F },
	{ 0x2E8E, 0x5140 },
	{ 0x2E8F, 0x5C23 },
	{ 0x2E90, 0x5C22 },
	{ 0x2E91, 0x21BC2 },
	{ 0x2E92, 0x5DF3 },
	{ 0x2E93, 0x5E7A },
	{ 0x2E94, 0x5F51 },
	{ 0x2E95, 0x5F50 },
	{ 0x2E96, 0x5FC4 },
	{ 0x2E97, 0x5FC3 },
	{ 0x2E98, 0x624C },
	{ 0x2E99, 0x6535 },
	{ 0x2E9B, 0x65E1 },
	{ 0x2E9C, 0x65E5 },
	{ 0x2E9D, 0x6708 },
	{ 0x2E9E, 0x6B7A },
	{ 0x2E9F, 0x6BCD },
	{ 0x2EA0, 0x6C11 },
	{ 0x2EA1, 0x6C35 },
	{ 0x2EA2, 0x6C3A },
	{ 0x2EA3, 0x706C },
	{ 0x2EA4, 0x722B },
	{ 0x2EA5, 0x722B },
	{ 0x2EA6, 0x4E2C },
	{ 0x2EA7, 0x725B },
	{ 0x2EA8, 0x72AD },
	{ 0x2EA9, 0x738B },
	{ 0x2EAA, 0x24D14 },
	{ 0x2EAB, 0x76EE },
	{ 0x2EAC, 0x793A },
	{ 0x2EAD, 0x793B },
	{ 0x2EAE, 0x25AD7 },
	{ 0x2EAF, 0x7CF9 },
	{ 0x2EB0, 0x7E9F },
	{ 0x2EB1, 0x7F53 },
	{ 0x2EB2, 0x7F52 },
	{ 0x2EB3, 0x34C1 },
	{ 0x2EB4, 0x5197 },
	{ 0x2EB5, 0x2626B },
	{ 0x2EB6, 0x7F8A },
	{ 0x2EB7, 0x2634C },
	{ 0x2EB8, 0x2634B },
	{ 0x2EB9, 0x8002 },
	{ 0x2EBA, 0x8080 },
	{ 0x2EBB, 0x807F },
	{ 0x2EBC, 0x8089 },
	{ 0x2EBD, 0x26951 },
	{ 0x2EBE, 0x8279 },
	{ 0x2EBF, 0x8279 },
	{ 0x2EC0, 0x8279 },
	{ 0x2EC1, 0x864E },
	{ 0x2EC2, 0x8864 },
	{ 0x2EC3, 0x8980 },
	{ 0x2EC4, 0x897F },
	{ 0x2EC5, 0x89C1 },
	{ 0x2EC6, 0x89D2 },
	{ 0x2EC7, 0x278B2 },
	{ 0x2EC8, 0x8BA0 },
	{ 0x2EC9, 0x8D1D },
	{ 0x2ECA, 0x27FB7 },
	{ 0x2ECB, 0x8F66 },
	{ 0x2ECC, 0x8FB6 },
	{ 0x2ECD, 0x8FB6 },
	{ 0x2ECE, 0x8FB6 },
	{ 0x2ECF, 0x9091 },
	{ 0x2ED0, 0x9485 },
	{ 0x2ED1, 0x9577 },
	{ 0x2ED2, 0x9578 },
	{ 0x2ED3, 0x957F },
	{ 0x2ED4, 0x95E8 },
	{ 0x2ED5, 0x28E0F },
	{ 0x2ED6, 0x961D },
	{ 0x2ED7, 0x96E8 },
	{ 0x2ED8, 0x9752 },
	{ 0x2ED9, 0x97E6 },
	{ 0x2EDA, 0x9875 },
	{ 0x2EDB, 0x98CE },
	{ 0x2EDC, 0x98DE },
	{ 0x2EDD, 0x98DF },
	{ 0x2EDE, 0x2967F },
	{ 0x2EDF, 0x98E0 },
	{ 0x2EE0, 0x9963 },
	{ 0x2EE1, 0x29810 },
	{ 0x2EE2, 0x9A6C },
	{ 0x2EE3, 0x9AA8 },
	{ 0x2EE4, 0x9B3C },
	{ 0x2EE5, 0x9C7C },
	{ 0x2EE6, 0x9E1F },
	{ 0x2EE7, 0x5364 },
	{ 0x2EE8, 0x9EA6 },
	{ 0x2EE9, 0x9EC4 },
	{ 0x2EEA, 0x9EFE },
	{ 0x2EEB, 0x6589 },
	{ 0x2EEC, 0x9F50 },
	{ 0x2EED, 0x6B6F },
	{ 0x2EEE, 0x9F7F },
	{ 0x2EEF, 0x7ADC },
	{ 0x2EF0, 0x9F99 },
	{ 0x2EF1, 0x9F9C },
	{ 0x2EF2, 0x4E80 },
	{ 0x2EF3, 0x9F9F },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static uint32_t replace(const struct pair *pairs, size_t count, uint32_t point)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (pairs[middle].from == point) {
			return pairs[middle].to;
		}
		if (pairs[middle].from < point) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return point;
}

static bool is_han(uint32_t point)
{
	return (point >= 0x4E00 && point <= 0x9FFF) || (point >= 0x3400 && point <= 0x4DBF) ||
	       (point >= 0x20000 && point <= 0x3FFFF) || (point >= 0xF900 && point <= 0xFAFF) ||
	       point == 0x3007;
}

/* rule: text.placeholder. Stands where a character could not be written. */
bool bd_rule_is_placeholder(uint32_t point)
{
	static const uint32_t marks[] = { '?', '*', 0xFF1F, 0xFF0A, 0x2580, 0x25A1, 0x25A0, 0x25CB,
		0xFFFD };

	for (size_t i = 0; i < COUNT(marks); i++) {
		if (marks[i] == point) {
			return true;
		}
	}
	return (point >= 0xE000 && point <= 0xF8FF) || (point >= 0xF0000 && point <= 0x10FFFD);
}

/* rule: text.blank. Spaces (Unicode Zs, Zl, Zp), joiners, direction marks that copying from a page
 * brings along, and variation selectors: they choose a glyph, not a character. */
bool bd_rule_is_blank(uint32_t point)
{
	if (point < 0x80) {
		return point == ' ' || (point >= '\t' && point <= '\r');
	}
	if (point > 0x3000 && point < 0xFE00) {
		return false;
	}
	return point == 0x85 || point == 0xA0 || point == 0xAD || point == 0x1680 ||
	       point == 0x180E || (point >= 0x2000 && point <= 0x200F) ||
	       (point >= 0x2028 && point <= 0x202F) || (point >= 0x205F && point <= 0x206F) ||
	       point == 0x3000 || (point >= 0xFE00 && point <= 0xFE0F) || point == 0xFEFF ||
	       (point >= 0xE0100 && point <= 0xE01EF);
}

bool bd_rule_is_dash(uint32_t point)
{
	return (point >= 0x2010 && point <= 0x2015) || point == 0x2212;
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

/* rule: text.width. The same character in another width or an old code. U+FFE3 is left: its plain
 * form is a blank with a stroke above. */
static bool is_other_form(uint32_t point)
{
	return (point >= 0xFF01 && point <= 0xFFEE && point != 0xFFE3) ||
	       (point >= 0x2F00 && point <= 0x2FD5) || (point >= 0xF900 && point <= 0xFAFF) ||
	       (point >= 0x2F800 && point <= 0x2FA1F);
}

/* Of the blocks above each character has one plain character. */
static uint32_t plain_form(uint32_t point)
{
	char bytes[8], plain[16];
	struct bd_buf one = { bytes, 0, sizeof(bytes), sizeof(bytes) };
	struct bd_buf out = { plain, 0, sizeof(plain), sizeof(plain) };
	struct bd_bytes rest;
	bool ok = true;

	if (point >= 0xFF01 && point <= 0xFF5E) {
		return point - 0xFEE0;
	}
	if (bd_text_add_point(&one, point) != BD_OK ||
		bd_text_nfkc(&out, bd_buf_bytes(&one)) != BD_OK) {
		return point;
	}
	rest = bd_buf_bytes(&out);
	bd_text_next(&point, &rest, &ok);
	return point;
}

static uint32_t fold(uint32_t point)
{
	if (point < 0x2E80) {
		return point;
	}
	if (point <= 0x2EF3) {
		return replace(radicals, COUNT(radicals), point);
	}
	if (point >= 0xE000 && point <= 0xF8FF) {
		return replace(private_use, COUNT(private_use), point);
	}
	return is_other_form(point) ? plain_form(point) : point;
}

/* Next point, folded, that is no blank; 0 at the end. */
static uint32_t next_kept(struct bd_bytes *rest)
{
	uint32_t point = 0;
	bool ok = true;

	while (bd_text_next(&point, rest, &ok)) {
		point = fold(point);
		if (!bd_rule_is_blank(point)) {
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
	return is_han(point) || bd_rule_is_placeholder(point);
}

/* Names of organizations and addresses have ?, * and ○ of their own. */
static bool is_flagged(enum bd_type type, uint32_t point)
{
	return bd_rule_is_placeholder(point) &&
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

static enum bd_code make_normal(struct bd_bytes *out, uint8_t *flags, enum bd_type type,
	struct bd_bytes text, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_buf normal;
	struct bd_bytes kept;
	uint8_t seen = *flags;
	enum bd_code code;

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
	*out = text;
	return BD_OK;
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
			if (!bd_rule_is_placeholder(x) && !bd_rule_is_placeholder(y)) {
				return false;
			}
			skip_half(&a, x, y);
			skip_half(&b, y, x);
			has_one = true;
		}
	}
}

enum bd_likeness bd_rule_compare_text(
	enum bd_comparator comparator, struct bd_bytes a, struct bd_bytes b)
{
	const struct bd_value claim = { .text = a }, held = { .text = b };

	return bd_rule_compare(comparator, &claim, &held, NULL).likeness;
}
