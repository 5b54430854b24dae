#include "record/rules_set.h"

#include "base/limits.h"
#include "base/text.h"
#include "record/rules_point.h"

#include <stdlib.h>
#include <string.h>

static bool is_one_of(uint32_t point, const char *points)
{
	struct bd_bytes rest = bd_bytes_of(points);
	uint32_t one;
	bool ok = true;

	while (bd_text_next(&one, &rest, &ok)) {
		if (one == point) {
			return true;
		}
	}
	return false;
}

/* Width, case, brackets and blanks folded, one character at a time; 0 at the end. What is no UTF-8
 * is one placeholder, and the end. */
static uint32_t next_folded(struct bd_bytes *text)
{
	uint32_t point;
	bool ok = true;

	while (bd_text_next(&point, text, &ok)) {
		point = point >= 0xFF01 && point <= 0xFF5E ? point - 0xFEE0 : point;
		point = point == 0x3010 ? '[' : point == 0x3011 ? ']' : point;
		point = point >= 'a' && point <= 'z' ? point - ('a' - 'A') : point;
		if (!bd_point_is_blank(point)) {
			return point;
		}
	}
	text->len = 0;
	return ok ? 0 : 0xFFFD;
}

/* Past ideographs, which are nearly all of a scope: neither separators nor brackets, and folded to
 * nothing else. False: there was none. */
static bool skip_ideographs(struct bd_bytes *text)
{
	size_t len = bd_text_ideographs_len(*text);

	*text = (struct bd_bytes){ text->ptr + len, text->len - len };
	return len > 0;
}

static bool is_blank(struct bd_bytes item)
{
	return next_folded(&item) == 0;
}

static bool is_alike(struct bd_bytes a, struct bd_bytes b)
{
	uint32_t x, y;

	do {
		x = next_folded(&a);
		y = next_folded(&b);
	} while (x == y && x != 0);
	return x == y;
}

static bool has_placeholder(struct bd_bytes item)
{
	uint32_t point;

	skip_ideographs(&item);
	while ((point = next_folded(&item)) != 0) {
		if (bd_point_is_placeholder(point)) {
			return true;
		}
		skip_ideographs(&item);
	}
	return false;
}

/* The next item that is not blank; false at the end. A separator inside brackets is the item's. */
static bool next_item(struct bd_bytes *item, struct bd_bytes *rest, const char *separators)
{
	while (rest->len > 0) {
		struct bd_bytes at = *rest;
		size_t depth = 0, len = 0;
		uint32_t point;
		bool ok = true;

		skip_ideographs(&at);
		len = rest->len - at.len;
		while (bd_text_next(&point, &at, &ok)) {
			if (depth == 0 && is_one_of(point, separators)) {
				break;
			}
			depth += is_one_of(point, "(（[【");
			depth -= depth > 0 && is_one_of(point, ")）]】");
			skip_ideographs(&at);
			len = rest->len - at.len;
		}
		len = ok ? len : rest->len;
		*item = (struct bd_bytes){ rest->ptr, len };
		*rest = ok ? at : (struct bd_bytes){ at.ptr, 0 };
		if (!is_blank(*item)) {
			return true;
		}
	}
	return false;
}

struct items {
	struct bd_bytes at[BD_SET_ITEMS_MAX];
	size_t count;
};

/* Split once: two sets are compared item by item. False when there is none, or too many. */
static bool split(struct items *items, struct bd_bytes text, const char *separators)
{
	struct bd_bytes item;

	items->count = 0;
	while (next_item(&item, &text, separators)) {
		if (items->count == BD_SET_ITEMS_MAX) {
			return false;
		}
		items->at[items->count++] = item;
	}
	return items->count > 0;
}

/* -- two sets -- */

static bool has_item(const struct items *items, struct bd_bytes item)
{
	for (size_t i = 0; i < items->count; i++) {
		if (is_alike(item, items->at[i])) {
			return true;
		}
	}
	return false;
}

static bool has_unsure_item(const struct items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		if (has_placeholder(items->at[i])) {
			return true;
		}
	}
	return false;
}

/* Is every item of a in b? What is missing may yet be there where a placeholder stands. */
static enum bd_likeness is_within(const struct items *a, const struct items *b)
{
	enum bd_likeness likeness = BD_LIKE_SAME;

	for (size_t i = 0; i < a->count; i++) {
		if (has_item(b, a->at[i])) {
			continue;
		}
		if (!has_placeholder(a->at[i]) && !has_unsure_item(b)) {
			return BD_LIKE_DIFFERENT;
		}
		likeness = BD_LIKE_UNSURE;
	}
	return likeness;
}

struct bd_comparison bd_rule_compare_set(
	struct bd_bytes a, struct bd_bytes b, const char *separators)
{
	struct items x, y;
	enum bd_likeness there, back;

	if (!split(&x, a, separators) || !split(&y, b, separators)) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.set.size");
	}
	there = is_within(&x, &y);
	back = is_within(&y, &x);
	if (there == BD_LIKE_DIFFERENT || back == BD_LIKE_DIFFERENT) {
		return bd_likeness_of(BD_LIKE_DIFFERENT, "compare.set");
	}
	if (there == BD_LIKE_UNSURE || back == BD_LIKE_UNSURE) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.set.placeholder");
	}
	return bd_likeness_of(BD_LIKE_SAME, "compare.set");
}

/* -- a list of what is allowed -- */

static bool is_listed(struct bd_bytes item, const char *const *allowed, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_alike(item, bd_bytes_of(allowed[i]))) {
			return true;
		}
	}
	return false;
}

struct bd_comparison bd_rule_compare_member(
	struct bd_bytes item, const char *const *allowed, size_t allowed_count)
{
	if (is_listed(item, allowed, allowed_count)) {
		return bd_likeness_of(BD_LIKE_SAME, "compare.member");
	}
	return has_placeholder(item) ? bd_likeness_of(BD_LIKE_UNSURE, "compare.set.placeholder")
				     : bd_likeness_of(BD_LIKE_DIFFERENT, "compare.member");
}

/* -- a white-list, made ready -- */

/* Longer items are on no list: bd_rule_allow refuses them. */
#define FOLDED_MAX_BYTES 512

static enum bd_code fold(struct bd_buf *out, struct bd_bytes item)
{
	size_t len = bd_text_ideographs_len(item);
	enum bd_code code = bd_buf_add(out, (struct bd_bytes){ item.ptr, len });
	uint32_t point;

	item = (struct bd_bytes){ item.ptr + len, item.len - len };
	while (code == BD_OK && (point = next_folded(&item)) != 0) {
		code = bd_text_add_point(out, point);
	}
	return code;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum bd_code bd_rule_allow(
	struct bd_allowed *out, const char *const *items, size_t count, struct bd_arena *arena)
{
	const char **folded = bd_arena_alloc(arena, count, sizeof(*folded));

	for (size_t i = 0; folded != NULL && i < count; i++) {
		char room[FOLDED_MAX_BYTES];
		struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };
		enum bd_code code = fold(&text, bd_bytes_of(items[i]));

		folded[i] = code == BD_OK ? bd_arena_text(arena, bd_buf_bytes(&text)) : NULL;
		if (folded[i] == NULL) {
			return code != BD_OK ? code : bd_arena_code(arena);
		}
	}
	if (folded == NULL) {
		return bd_arena_code(arena);
	}
	if (count > 1) {
		qsort(folded, count, sizeof(*folded), by_bytes);
	}
	*out = (struct bd_allowed){ folded, count };
	return BD_OK;
}

static bool is_allowed(struct bd_bytes item, const struct bd_allowed *allowed)
{
	char room[FOLDED_MAX_BYTES];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };
	const char *key = room;

	return fold(&text, item) == BD_OK && bd_buf_add_byte(&text, '\0') == BD_OK &&
	       bsearch(&key, allowed->folded, allowed->count, sizeof(key), by_bytes) != NULL;
}

/* rule: compare.listed.label. */
static struct bd_bytes without_label(struct bd_bytes item)
{
	struct bd_bytes rest = item, label = bd_bytes_of("一般项目:");
	uint32_t point;

	while ((point = next_folded(&label)) != 0) {
		if (next_folded(&rest) != point) {
			return item;
		}
	}
	return rest;
}

/* Up to the bracket that the last character closes; the item itself when there is none. */
static struct bd_bytes without_remark(struct bd_bytes item)
{
	struct bd_bytes at = item;
	size_t open = item.len, depth = 0;
	uint32_t point = 0;
	bool ok = true;

	while (at.len > 0) {
		size_t here = item.len - at.len;

		if (skip_ideographs(&at)) {
			point = 0;
			continue;
		}
		if (!bd_text_next(&point, &at, &ok)) {
			return item;
		}
		if (is_one_of(point, "(（[【")) {
			open = depth == 0 ? here : open;
			depth++;
		}
		depth -= depth > 0 && is_one_of(point, ")）]】");
	}
	return is_one_of(point, ")）]】") ? (struct bd_bytes){ item.ptr, open } : item;
}

/* rule: compare.listed.statement. The sentence that a register writes behind a scope. */
static struct bd_bytes without_statement(struct bd_bytes item)
{
	static const char *const begins[] = { "(依法须经批准的项目", "(除依法须经批准的项目" };
	struct bd_bytes kept = without_remark(item);

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		struct bd_bytes rest = { item.ptr + kept.len, item.len - kept.len };
		struct bd_bytes begin = bd_bytes_of(begins[i]);
		uint32_t point;

		while ((point = next_folded(&begin)) != 0 && next_folded(&rest) == point) {
		}
		if (point == 0) {
			return kept;
		}
	}
	return item;
}

/* SAME, NEAR without its remark, UNSURE, or DIFFERENT. */
static struct bd_comparison judge_item(struct bd_bytes item, const struct bd_allowed *allowed)
{
	if (is_allowed(item, allowed)) {
		return bd_likeness_of(BD_LIKE_SAME, "compare.listed");
	}
	if (has_placeholder(item)) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.set.placeholder");
	}
	if (is_allowed(without_remark(item), allowed)) {
		return bd_likeness_of(BD_LIKE_NEAR, "compare.listed.remark");
	}
	return bd_likeness_of(BD_LIKE_DIFFERENT, "compare.listed");
}

struct bd_comparison bd_rule_compare_listed(
	struct bd_bytes items, const char *separators, const struct bd_allowed *allowed)
{
	struct bd_comparison worst = bd_likeness_of(BD_LIKE_UNSURE, "compare.set.size"), one;
	struct items split_items;
	bool is_first = true;

	if (!split(&split_items, items, separators)) {
		return worst;
	}
	for (size_t i = 0; i < split_items.count; i++) {
		struct bd_bytes item = without_statement(without_label(split_items.at[i]));

		if (!is_blank(item)) {
			one = judge_item(item, allowed);
			worst = is_first || one.likeness > worst.likeness ? one : worst;
			is_first = false;
		}
	}
	return worst;
}
