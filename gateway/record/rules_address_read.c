#include "record/rules_address_read.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* How many characters of `word` stand at this place: all of them, or 0. */
static size_t word_at(const struct bd_address *address, size_t at, const char *word)
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
	const struct bd_address *address, size_t at, const char *const *words, size_t count)
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

static size_t han_number_len(const struct bd_address *address, size_t at)
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
static void fold_numerals(struct bd_address *address)
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
	bool (*is_none)(const struct bd_address *address, size_t at, size_t end, size_t behind);
};

static bool is_last(const struct bd_address *address, size_t end, const char *words)
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
static bool is_no_city(const struct bd_address *address, size_t at, size_t end, size_t behind)
{
	static const char *const words[] = { "市场", "市政", "市民" };

	(void)at;
	(void)behind;
	return any_word_at(address, end, words, COUNT(words)) > 0;
}

/* Quarters, parks and zones; 一区 of a housing estate; 旗 in the name of a road. */
static bool is_no_district(const struct bd_address *address, size_t at, size_t end, size_t behind)
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

static const struct form forms[BD_ADDRESS_LEVEL_COUNT] = {
	[BD_ADDRESS_CITY] = { city_endings, COUNT(city_endings), 11, city_stops, COUNT(city_stops),
		is_no_city },
	[BD_ADDRESS_DISTRICT] = { district_endings, COUNT(district_endings), 14, district_stops,
		COUNT(district_stops), is_no_district },
	[BD_ADDRESS_STREET] = { street_endings, COUNT(street_endings), 8, street_stops,
		COUNT(street_stops), NULL },
};

/* A name cannot run on here. */
static bool is_stopped(const struct bd_address *address, size_t at, const struct form *form)
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
static void read_level(struct bd_address *address, enum bd_address_level level, size_t *at)
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
					(struct bd_address_part){ address->points + *at,
						end - *at };
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
static void read_province(struct bd_address *address, size_t *at)
{
	for (size_t i = 0; i < COUNT(provinces); i++) {
		size_t len = word_at(address, 0, provinces[i].name), behind = len;
		size_t ending = len > 0 ? word_at(address, len, provinces[i].ending) : 0;

		if (len == 0) {
			continue;
		}
		if (ending == 0) {
			read_level(address, BD_ADDRESS_CITY, &behind);
			address->levels[BD_ADDRESS_CITY] = (struct bd_address_part){ NULL, 0 };
			if (behind == len || word_at(address, behind - 1, "市") == 0) {
				return;
			}
		}
		address->levels[BD_ADDRESS_PROVINCE] =
			(struct bd_address_part){ address->points, len };
		*at = len + ending;
		return;
	}
}

bool bd_address_is_same_name(struct bd_address_part a, struct bd_address_part b)
{
	const struct bd_address_part longer = a.len >= b.len ? a : b,
				     shorter = a.len >= b.len ? b : a;

	/* "深圳光明区" where the city lacks its word: the end of the longer name is the shorter. */
	return a.len > 0 && b.len > 0 && (a.len == b.len || shorter.len >= 2) &&
	       memcmp(longer.at + longer.len - shorter.len, shorter.at,
		       shorter.len * sizeof(*shorter.at)) == 0;
}

/* Behind the city's name written once more, and the 市辖区 of code lists. */
static void skip_repeated(const struct bd_address *address, size_t *at)
{
	const struct bd_address_part *city = &address->levels[BD_ADDRESS_CITY];
	size_t ending = city->len > 0 && *at + city->len < address->len
				? word_at(address, *at + city->len, "市")
				: 0;

	if (ending > 0 &&
		memcmp(address->points + *at, city->at, city->len * sizeof(*city->at)) == 0) {
		*at += city->len + ending;
	}
	*at += word_at(address, *at, "市辖区");
}

static void read_levels(struct bd_address *address)
{
	size_t at = 0;

	read_province(address, &at);
	at += word_at(address, at, "市辖区");
	read_level(address, BD_ADDRESS_CITY, &at);
	skip_repeated(address, &at);
	/* 北京市北京市朝阳区: such a city is the province once more. */
	if (address->levels[BD_ADDRESS_PROVINCE].len > 0 && address->points[2] == 0x5E02 &&
		bd_address_is_same_name(
			address->levels[BD_ADDRESS_CITY], address->levels[BD_ADDRESS_PROVINCE])) {
		address->levels[BD_ADDRESS_CITY] = (struct bd_address_part){ NULL, 0 };
	}
	read_level(address, BD_ADDRESS_DISTRICT, &at);
	read_level(address, BD_ADDRESS_STREET, &at);
	address->rest = at;
}

bool bd_address_read(struct bd_address *address, struct bd_bytes text)
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
