#include "record/rules_address.h"

#include "base/limits.h"
#include "base/text.h"
#include "record/rules_text.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum level { PROVINCE, CITY, DISTRICT, STREET, LEVEL_COUNT };

/* A level's name without its ending word; len 0 = not named. */
struct part {
	const uint32_t *at;
	size_t len;
};

struct address {
	uint32_t points[BD_ADDRESS_MAX_CHARS];
	size_t len;
	struct part levels[LEVEL_COUNT];
	size_t rest; /* where the remainder begins */
};

/* How many characters of `word` stand at this place: all of them, or 0. */
static size_t word_at(const struct address *address, size_t at, const char *word)
{
	struct bd_bytes rest = bd_bytes_of(word);
	size_t len = 0;
	uint32_t point;
	bool ok = true;

	while (bd_text_next(&point, &rest, &ok)) {
		if (at + len >= address->len || address->points[at + len] != point) {
			return 0;
		}
		len++;
	}
	return len;
}

static size_t any_word_at(
	const struct address *address, size_t at, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = word_at(address, at, words[i]);

		if (len > 0) {
			return len;
		}
	}
	return 0;
}

static bool is_han(uint32_t point)
{
	return point >= 0x3400 && (point <= 0x9FFF || point >= 0x20000);
}

/* -- numbers -- */

/* Value of a Chinese digit; 10 and 100 for 十 and 百; -1 = none. */
static int han_digit(uint32_t point)
{
	static const uint32_t digits[] = { 0x3007, 0x4E00, 0x4E8C, 0x4E09, 0x56DB, 0x4E94, 0x516D,
		0x4E03, 0x516B, 0x4E5D, 0x5341 };

	for (size_t i = 0; i < COUNT(digits); i++) {
		if (digits[i] == point) {
			return (int)i;
		}
	}
	return point == 0x96F6 ? 0 : point == 0x767E ? 100 : -1;
}

static size_t han_number_len(const struct address *address, size_t at)
{
	size_t len = 0;

	while (at + len < address->len && han_digit(address->points[at + len]) >= 0) {
		len++;
	}
	return len;
}

/* 十二 is 12, 一百零三 is 103; without 十 and 百 it is read digit by digit: 一〇一 is 101. */
static unsigned han_number(const uint32_t *points, size_t len)
{
	unsigned whole = 0, spelled = 0;
	int last = -1;
	bool has_unit = false;

	for (size_t i = 0; i < len; i++) {
		int digit = han_digit(points[i]);

		if (digit >= 10) {
			whole += (unsigned)((last < 0 ? 1 : last) * digit);
			last = -1;
			has_unit = true;
		} else {
			spelled = spelled * 10 + (unsigned)digit;
			last = digit;
		}
	}
	return has_unit ? whole + (unsigned)(last > 0 ? last : 0) : spelled;
}

/* rule: compare.address.numeral. House, building, floor and room in Chinese digits become Arabic
 * ones; elsewhere (八一路) they are a name. Never more characters than before. */
static void fold_numerals(struct address *address)
{
	static const char *const units[] = { "号", "栋", "幢", "楼", "层", "室", "座", "单元", "巷",
		"弄", "组", "队" };
	size_t kept = 0;

	for (size_t at = 0; at < address->len;) {
		size_t len = han_number_len(address, at);
		char digits[16];

		if (len == 0 || len > 6 ||
			any_word_at(address, at + len, units, COUNT(units)) == 0) {
			len = len == 0 ? 1 : len;
			memmove(address->points + kept, address->points + at,
				len * sizeof(address->points[0]));
			kept += len;
			at += len;
			continue;
		}
		snprintf(digits, sizeof(digits), "%u", han_number(address->points + at, len));
		for (size_t i = 0; digits[i] != '\0' && i < len; i++) {
			address->points[kept++] = (uint32_t)digits[i];
		}
		at += len;
	}
	address->len = kept;
}

/* -- levels -- */

/* Where a name may not run on: what stands here belongs to a lower level, unless `but` follows. */
struct stop {
	const char *word, *but;
};

struct form {
	const char *const *endings; /* longer ones first */
	size_t ending_count;
	size_t name_max;
	const struct stop *stops;
	size_t stop_count;
	bool (*is_none)(const struct address *address, size_t at, size_t end, size_t behind);
};

static bool is_last(const struct address *address, size_t end, const char *words)
{
	struct bd_bytes rest = bd_bytes_of(words);
	uint32_t point;
	bool ok = true;

	while (bd_text_next(&point, &rest, &ok)) {
		if (address->points[end - 1] == point) {
			return true;
		}
	}
	return false;
}

/* 市场, 市政 and the like are no city. */
static bool is_no_city(const struct address *address, size_t at, size_t end, size_t behind)
{
	static const char *const words[] = { "市场", "市政", "市民" };

	(void)at;
	(void)behind;
	return any_word_at(address, end, words, COUNT(words)) > 0;
}

/* Quarters, parks and zones; 一区 of a housing estate; 旗 in the name of a road. */
static bool is_no_district(const struct address *address, size_t at, size_t end, size_t behind)
{
	static const char *const roads[] = { "路", "街" };

	if (word_at(address, end, "旗") > 0) {
		return end - at < 2 || any_word_at(address, behind, roads, COUNT(roads)) > 0;
	}
	if (word_at(address, end, "区") > 0 || word_at(address, end, "新区") > 0) {
		return han_digit(address->points[end - 1]) >= 0 ||
		       is_last(address, end,
			       "小社园业发宅校厂片营院库景商税范作假游理能护验活属墅置流工高");
	}
	return is_no_city(address, at, end, behind);
}

static const char *const city_endings[] = { "自治州", "地区", "市", "盟" };
static const struct stop city_stops[] = { { "区", NULL }, { "县", NULL }, { "旗", NULL },
	{ "路", NULL }, { "街", NULL }, { "号", NULL }, { "村", NULL }, { "镇", "市" },
	{ "乡", "市" } };
static const char *const district_endings[] = { "自治县", "自治旗", "新区", "区", "县", "市",
	"旗" };
static const struct stop district_stops[] = { { "路", NULL }, { "街", NULL }, { "号", NULL },
	{ "村", NULL }, { "镇", NULL }, { "乡", "区" }, { "乡", "县" }, { "乡", "市" } };
static const char *const street_endings[] = { "街道办事处", "街道办", "街道", "镇", "乡", "苏木" };
static const struct stop street_stops[] = { { "路", NULL }, { "街", NULL }, { "号", NULL },
	{ "村", NULL }, { "巷", NULL } };

static const struct form forms[LEVEL_COUNT] = {
	[CITY] = { city_endings, COUNT(city_endings), 11, city_stops, COUNT(city_stops),
		is_no_city },
	[DISTRICT] = { district_endings, COUNT(district_endings), 14, district_stops,
		COUNT(district_stops), is_no_district },
	[STREET] = { street_endings, COUNT(street_endings), 8, street_stops, COUNT(street_stops),
		NULL },
};

/* A name cannot run on here. */
static bool is_stopped(const struct address *address, size_t at, const struct form *form)
{
	bool is_stop = false;

	for (size_t i = 0; i < form->stop_count; i++) {
		size_t len = word_at(address, at, form->stops[i].word);

		if (len > 0 && form->stops[i].but != NULL &&
			word_at(address, at + len, form->stops[i].but) > 0) {
			return false;
		}
		is_stop |= len > 0;
	}
	return is_stop;
}

/* Reads the name of a level that begins at *at and moves behind its ending word. */
static void read_level(struct address *address, enum level level, size_t *at)
{
	const struct form *form = &forms[level];

	for (size_t end = *at; end < address->len && end - *at <= form->name_max; end++) {
		size_t ending =
			end > *at ? any_word_at(address, end, form->endings, form->ending_count)
				  : 0;

		if (ending > 0) {
			if (form->is_none == NULL ||
				!form->is_none(address, *at, end, end + ending)) {
				address->levels[level] =
					(struct part){ address->points + *at, end - *at };
				*at = end + ending;
			}
			return;
		}
		if (!is_han(address->points[end]) ||
			(end > *at && is_stopped(address, end, form))) {
			return;
		}
	}
}

static const struct {
	const char *name;
	const char *ending;
} provinces[] = { { "北京", "市" }, { "天津", "市" }, { "上海", "市" }, { "重庆", "市" },
	{ "河北", "省" }, { "山西", "省" }, { "辽宁", "省" }, { "吉林", "省" }, { "黑龙江", "省" },
	{ "江苏", "省" }, { "浙江", "省" }, { "安徽", "省" }, { "福建", "省" }, { "江西", "省" },
	{ "山东", "省" }, { "河南", "省" }, { "湖北", "省" }, { "湖南", "省" }, { "广东", "省" },
	{ "海南", "省" }, { "四川", "省" }, { "贵州", "省" }, { "云南", "省" }, { "陕西", "省" },
	{ "甘肃", "省" }, { "青海", "省" }, { "台湾", "省" }, { "内蒙古", "自治区" },
	{ "广西", "壮族自治区" }, { "西藏", "自治区" }, { "宁夏", "回族自治区" },
	{ "新疆", "维吾尔自治区" }, { "香港", "特别行政区" }, { "澳门", "特别行政区" } };

/* With its ending word; without it only where a city follows (广东深圳市), as roads are named after
 * provinces. */
static void read_province(struct address *address, size_t *at)
{
	for (size_t i = 0; i < COUNT(provinces); i++) {
		size_t len = word_at(address, 0, provinces[i].name), behind = len;
		size_t ending = len > 0 ? word_at(address, len, provinces[i].ending) : 0;

		if (len == 0) {
			continue;
		}
		if (ending == 0) {
			read_level(address, CITY, &behind);
			address->levels[CITY] = (struct part){ NULL, 0 };
			if (behind == len || word_at(address, behind - 1, "市") == 0) {
				return;
			}
		}
		address->levels[PROVINCE] = (struct part){ address->points, len };
		*at = len + ending;
		return;
	}
}

static bool is_same_name(struct part a, struct part b)
{
	const struct part longer = a.len >= b.len ? a : b, shorter = a.len >= b.len ? b : a;

	/* "深圳光明区" where the city lacks its word: the end of the longer name is the shorter. */
	return a.len > 0 && b.len > 0 && (a.len == b.len || shorter.len >= 2) &&
	       memcmp(longer.at + longer.len - shorter.len, shorter.at,
		       shorter.len * sizeof(*shorter.at)) == 0;
}

/* Behind the city's name written once more, and the 市辖区 of code lists. */
static void skip_repeated(const struct address *address, size_t *at)
{
	const struct part *city = &address->levels[CITY];
	size_t ending = city->len > 0 && *at + city->len < address->len
				? word_at(address, *at + city->len, "市")
				: 0;

	if (ending > 0 &&
		memcmp(address->points + *at, city->at, city->len * sizeof(*city->at)) == 0) {
		*at += city->len + ending;
	}
	*at += word_at(address, *at, "市辖区");
}

static void read_levels(struct address *address)
{
	size_t at = 0;

	read_province(address, &at);
	at += word_at(address, at, "市辖区");
	read_level(address, CITY, &at);
	skip_repeated(address, &at);
	/* 北京市北京市朝阳区: such a city is the province once more. */
	if (address->levels[PROVINCE].len > 0 && address->points[2] == 0x5E02 &&
		is_same_name(address->levels[CITY], address->levels[PROVINCE])) {
		address->levels[CITY] = (struct part){ NULL, 0 };
	}
	read_level(address, DISTRICT, &at);
	read_level(address, STREET, &at);
	address->rest = at;
}

/* False when it is too long. */
static bool read_address(struct address *address, struct bd_bytes text)
{
	bool ok = true;

	address->len = 0;
	memset(address->levels, 0, sizeof(address->levels));
	while (text.len > 0) {
		if (address->len == BD_ADDRESS_MAX_CHARS ||
			!bd_text_next(&address->points[address->len], &text, &ok)) {
			return false;
		}
		address->len++;
	}
	fold_numerals(address);
	read_levels(address);
	return true;
}

/* -- comparing -- */

/* Suzhou's Kunshan is a city under a city: where one names it as such and the other as the city, it
 * is the county-level one. */
static void align_city(struct address *a, const struct address *b)
{
	if (a->levels[DISTRICT].len == 0 && b->levels[CITY].len > 0 &&
		!is_same_name(a->levels[CITY], b->levels[CITY]) &&
		is_same_name(a->levels[CITY], b->levels[DISTRICT])) {
		a->levels[DISTRICT] = a->levels[CITY];
		a->levels[CITY] = (struct part){ NULL, 0 };
	}
}

static bool do_levels_differ(
	const struct address *a, const struct address *b, enum level from, enum level to)
{
	for (enum level i = from; i <= to; i++) {
		if (a->levels[i].len > 0 && b->levels[i].len > 0 &&
			!is_same_name(a->levels[i], b->levels[i])) {
			return true;
		}
	}
	return false;
}

static size_t count_levels(const struct address *a, const struct address *b, size_t of_two)
{
	size_t count = 0;

	for (enum level i = PROVINCE; i < LEVEL_COUNT; i++) {
		count += (size_t)(a->levels[i].len > 0) + (b->levels[i].len > 0) == of_two;
	}
	return count;
}

static bool is_digit(uint32_t point)
{
	return point >= '0' && point <= '9';
}

/* The next run of digits or of capitals at or behind *at. */
static struct part next_number(const struct address *address, size_t *at)
{
	struct part number = { NULL, 0 };

	while (*at < address->len) {
		uint32_t point = address->points[*at];
		bool is_number = is_digit(point) || (point >= 'A' && point <= 'Z');

		if (number.len > 0 && (!is_number || is_digit(point) != is_digit(*number.at))) {
			break;
		}
		if (is_number) {
			number.at = number.len == 0 ? address->points + *at : number.at;
			number.len++;
		}
		(*at)++;
	}
	return number;
}

/* Number by number from the left; one may stop earlier (no room given). */
static bool do_numbers_differ(const struct address *a, const struct address *b)
{
	size_t x = a->rest, y = b->rest;

	for (;;) {
		struct part one = next_number(a, &x), other = next_number(b, &y);

		if (one.len == 0 || other.len == 0) {
			return false;
		}
		if (one.len != other.len ||
			memcmp(one.at, other.at, one.len * sizeof(*one.at)) != 0) {
			return true;
		}
	}
}

/* Length of the longest common subsequence of the remainders. */
static size_t common_length(const struct address *a, const struct address *b)
{
	uint16_t row[BD_ADDRESS_MAX_CHARS + 1] = { 0 };

	for (size_t i = a->rest; i < a->len; i++) {
		uint16_t corner = 0;

		for (size_t j = b->rest; j < b->len; j++) {
			size_t at = j - b->rest + 1;
			uint16_t above = row[at];

			if (a->points[i] == b->points[j]) {
				row[at] = (uint16_t)(corner + 1);
			} else if (row[at - 1] > above) {
				row[at] = row[at - 1];
			}
			corner = above;
		}
	}
	return row[b->len - b->rest];
}

static unsigned score_of(const struct address *a, const struct address *b)
{
	size_t total = a->len - a->rest + b->len - b->rest;
	size_t alike = total == 0 ? 100 : 200 * common_length(a, b) / total;
	size_t lost = 5 * count_levels(a, b, 1);

	lost += do_levels_differ(a, b, STREET, STREET) ? 20 : 0;
	alike = alike > lost ? alike - lost : 0;
	return alike > 99 ? 99 : (unsigned)alike;
}

/* A level below the province that both name, or remainders that say something of their own. */
static bool can_be_compared(const struct address *a, const struct address *b)
{
	size_t x = a->len - a->rest, y = b->len - b->rest;
	bool has_place = false;

	for (enum level i = CITY; i < LEVEL_COUNT; i++) {
		has_place |= a->levels[i].len > 0 && b->levels[i].len > 0;
	}
	return (x == 0) == (y == 0) && (has_place || (x >= 4 && y >= 4));
}

static bool is_same_rest(const struct address *a, const struct address *b)
{
	return a->len - a->rest == b->len - b->rest &&
	       memcmp(a->points + a->rest, b->points + b->rest,
		       (a->len - a->rest) * sizeof(a->points[0])) == 0;
}

static struct bd_comparison scored(enum bd_likeness likeness, const char *rule, unsigned score)
{
	return (struct bd_comparison){ likeness, rule, score };
}

static struct bd_comparison compare_read(struct address *a, struct address *b, unsigned near_score)
{
	unsigned score;

	align_city(a, b);
	align_city(b, a);
	if (do_levels_differ(a, b, PROVINCE, DISTRICT)) {
		return scored(BD_LIKE_DIFFERENT, "compare.address.region", 0);
	}
	if (!can_be_compared(a, b)) {
		return scored(BD_LIKE_UNSURE, "compare.address.short", 0);
	}
	score = score_of(a, b);
	if (do_numbers_differ(a, b)) {
		return scored(BD_LIKE_DIFFERENT, "compare.address.number", score);
	}
	if (is_same_rest(a, b) && !do_levels_differ(a, b, STREET, STREET)) {
		return scored(BD_LIKE_NEAR, "compare.address.level", score);
	}
	return scored(score >= near_score ? BD_LIKE_NEAR : BD_LIKE_DIFFERENT,
		"compare.address.score", score);
}

struct bd_comparison bd_rule_compare_address(
	struct bd_bytes a, struct bd_bytes b, unsigned near_score)
{
	struct address x, y;

	if (bd_bytes_equal(a, b)) {
		return bd_likeness_of(BD_LIKE_SAME, "compare.address");
	}
	if (bd_rule_differs_by_placeholders(a, b)) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.address.placeholder");
	}
	if (!read_address(&x, a) || !read_address(&y, b)) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.address.long");
	}
	return compare_read(&x, &y, near_score);
}
