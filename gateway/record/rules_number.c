#include "record/rules_number.h"

#include "base/text.h"
#include "record/rules_point.h"

#include <string.h>

enum bd_code bd_number_fail(
	struct bd_number *number, enum bd_code code, const char *rule, const char *detail)
{
	bd_fail(number->diag, code, "%s", detail);
	bd_diag_set_rule(number->diag, rule);
	return code;
}

/* A wrong check digit: refused, or kept with a warning. */
enum bd_code bd_number_doubt(struct bd_number *number, enum bd_code code, const char *rule)
{
	if (number->warned == NULL) {
		return bd_number_fail(number, code, rule, "");
	}
	*number->warned = true;
	return BD_OK;
}

bool bd_number_are_digits(const char *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return false;
		}
	}
	return true;
}

bool bd_number_is_plain(const struct bd_number *number)
{
	for (size_t i = 0; i < number->len; i++) {
		bool is_letter = number->text[i] >= 'A' && number->text[i] <= 'Z';

		if (!is_letter && !bd_number_are_digits(number->text, i, i + 1)) {
			return false;
		}
	}
	return true;
}

static enum bd_code append(struct bd_number *number, uint32_t point)
{
	struct bd_buf out = { number->text, number->len, BD_IDENTIFIER_MAX_BYTES,
		BD_IDENTIFIER_MAX_BYTES };

	if (point < 0x20 || point == 0x7F) {
		return BD_ID_CHARACTER;
	}
	if (point < 0x80 && number->len < BD_IDENTIFIER_MAX_BYTES) {
		number->text[number->len++] = (char)point;
		return BD_OK;
	}
	if (bd_text_add_point(&out, point) != BD_OK) {
		return BD_ID_LENGTH;
	}
	number->len = out.len;
	return BD_OK;
}

static enum bd_code append_folded(struct bd_number *number, uint32_t point, bool is_issued)
{
	if (is_issued) {
		return append(number, point);
	}
	if (bd_point_is_blank(point)) {
		return BD_OK;
	}
	return append(number, point >= 'a' && point <= 'z' ? point - ('a' - 'A')
			      : bd_point_is_dash(point)    ? '-'
							   : point);
}

/* Digits and capitals, which every rule leaves as they are: how many there are at the begin, and
 * were appended. */
static size_t append_plain(struct bd_number *number, struct bd_bytes text)
{
	size_t room = BD_IDENTIFIER_MAX_BYTES - number->len, len = 0;
	char *out = number->text + number->len;

	while (len < text.len && len < room &&
		((text.ptr[len] >= '0' && text.ptr[len] <= '9') ||
			(text.ptr[len] >= 'A' && text.ptr[len] <= 'Z'))) {
		out[len] = text.ptr[len];
		len++;
	}
	number->len += len;
	return len;
}

/* Most numbers are ASCII, which is its own NFKC; false when this one is not. */
static bool fold_ascii(
	enum bd_code *code, struct bd_number *number, struct bd_bytes text, bool is_issued)
{
	if (bd_text_ascii_len(text) != text.len) {
		return false;
	}
	*code = BD_OK;
	for (size_t i = 0; i < text.len && *code == BD_OK; i++) {
		i += append_plain(number, (struct bd_bytes){ text.ptr + i, text.len - i });
		if (i < text.len) {
			*code = append_folded(number, (unsigned char)text.ptr[i], is_issued);
		}
	}
	return true;
}

static enum bd_code fold_once(struct bd_number *number, struct bd_bytes text, bool is_issued)
{
	struct bd_buf folded;
	struct bd_bytes rest;
	uint32_t point;
	bool is_good = true;
	enum bd_code code;

	bd_buf_init(&folded, (size_t)BD_IDENTIFIER_MAX_BYTES * 8);
	code = is_issued ? bd_buf_add(&folded, text) : bd_text_nfkc(&folded, text);
	if (code == BD_LIMIT_BYTES) {
		code = BD_ID_LENGTH;
	}
	rest = bd_buf_bytes(&folded);
	while (code == BD_OK && bd_text_next(&point, &rest, &is_good)) {
		code = append_folded(number, point, is_issued);
	}
	bd_buf_release(&folded);
	return code == BD_TEXT_ENCODING || !is_good ? BD_ID_CHARACTER : code;
}

/* rule: id.fold. Half width, capitals, one kind of dash, no blanks; what a clerk's keyboard adds is
 * not the number. Issued keys are kept as they are. */
enum bd_code bd_number_fold(struct bd_number *number, struct bd_bytes text, bool is_issued)
{
	enum bd_code code;
	bool is_final = is_issued;

	text = bd_text_trim(text);
	if (fold_ascii(&code, number, text, is_issued)) {
		return code;
	}
	code = fold_once(number, text, is_issued);
	/* A mark behind a blank that has gone now joins the letter before it: each pass is shorter,
	 * or the last. */
	while (code == BD_OK && !is_final) {
		struct bd_number before = *number;

		number->len = 0;
		code = fold_once(number, (struct bd_bytes){ before.text, before.len }, false);
		is_final = number->len == before.len &&
			   memcmp(number->text, before.text, before.len) == 0;
	}
	return code;
}
