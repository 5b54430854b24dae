#include "record/rules_address.h"

#include "record/rules_address_read.h"
#include "record/rules_text.h"

#include <string.h>

/* Suzhou's Kunshan is a city under a city: where one names it as such and the other as the city, it
 * is the county-level one. */
static void align_city(struct bd_address *a, const struct bd_address *b)
{
	if (a->levels[BD_ADDRESS_DISTRICT].len == 0 && b->levels[BD_ADDRESS_CITY].len > 0 &&
		!bd_address_is_same_name(a->levels[BD_ADDRESS_CITY], b->levels[BD_ADDRESS_CITY]) &&
		bd_address_is_same_name(
			a->levels[BD_ADDRESS_CITY], b->levels[BD_ADDRESS_DISTRICT])) {
		a->levels[BD_ADDRESS_DISTRICT] = a->levels[BD_ADDRESS_CITY];
		a->levels[BD_ADDRESS_CITY] = (struct bd_address_part){ NULL, 0 };
	}
}

static bool do_levels_differ(const struct bd_address *a, const struct bd_address *b,
	enum bd_address_level from, enum bd_address_level to)
{
	for (enum bd_address_level i = from; i <= to; i++) {
		if (a->levels[i].len > 0 && b->levels[i].len > 0 &&
			!bd_address_is_same_name(a->levels[i], b->levels[i])) {
			return true;
		}
	}
	return false;
}

static size_t count_levels(const struct bd_address *a, const struct bd_address *b, size_t of_two)
{
	size_t count = 0;

	for (enum bd_address_level i = BD_ADDRESS_PROVINCE; i < BD_ADDRESS_LEVEL_COUNT; i++) {
		count += (size_t)(a->levels[i].len > 0) + (b->levels[i].len > 0) == of_two;
	}
	return count;
}

static bool is_digit(uint32_t point)
{
	return point >= '0' && point <= '9';
}

/* The next run of digits or of capitals at or behind *at. */
static struct bd_address_part next_number(const struct bd_address *address, size_t *at)
{
	struct bd_address_part number = { NULL, 0 };

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
static bool do_numbers_differ(const struct bd_address *a, const struct bd_address *b)
{
	size_t x = a->rest, y = b->rest;

	for (;;) {
		struct bd_address_part one = next_number(a, &x), other = next_number(b, &y);

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
static size_t common_length(const struct bd_address *a, const struct bd_address *b)
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

static unsigned score_of(const struct bd_address *a, const struct bd_address *b)
{
	size_t total = a->len - a->rest + b->len - b->rest;
	size_t alike = total == 0 ? 100 : 200 * common_length(a, b) / total;
	size_t lost = 5 * count_levels(a, b, 1);

	lost += do_levels_differ(a, b, BD_ADDRESS_STREET, BD_ADDRESS_STREET) ? 20 : 0;
	alike = alike > lost ? alike - lost : 0;
	return alike > 99 ? 99 : (unsigned)alike;
}

/* A level below the province that both name, or remainders that say something of their own. */
static bool can_be_compared(const struct bd_address *a, const struct bd_address *b)
{
	size_t x = a->len - a->rest, y = b->len - b->rest;
	bool has_place = false;

	for (enum bd_address_level i = BD_ADDRESS_CITY; i < BD_ADDRESS_LEVEL_COUNT; i++) {
		has_place |= a->levels[i].len > 0 && b->levels[i].len > 0;
	}
	return (x == 0) == (y == 0) && (has_place || (x >= 4 && y >= 4));
}

static bool is_same_rest(const struct bd_address *a, const struct bd_address *b)
{
	return a->len - a->rest == b->len - b->rest &&
	       memcmp(a->points + a->rest, b->points + b->rest,
		       (a->len - a->rest) * sizeof(a->points[0])) == 0;
}

static struct bd_comparison scored(enum bd_likeness likeness, const char *rule, unsigned score)
{
	return (struct bd_comparison){ likeness, rule, score };
}

static struct bd_comparison compare_read(
	struct bd_address *a, struct bd_address *b, unsigned near_score)
{
	unsigned score;

	align_city(a, b);
	align_city(b, a);
	if (do_levels_differ(a, b, BD_ADDRESS_PROVINCE, BD_ADDRESS_DISTRICT)) {
		return scored(BD_LIKE_DIFFERENT, "compare.address.region", 0);
	}
	if (!can_be_compared(a, b)) {
		return scored(BD_LIKE_UNSURE, "compare.address.short", 0);
	}
	score = score_of(a, b);
	if (do_numbers_differ(a, b)) {
		return scored(BD_LIKE_DIFFERENT, "compare.address.number", score);
	}
	if (is_same_rest(a, b) && !do_levels_differ(a, b, BD_ADDRESS_STREET, BD_ADDRESS_STREET)) {
		return scored(BD_LIKE_NEAR, "compare.address.level", score);
	}
	return scored(score >= near_score ? BD_LIKE_NEAR : BD_LIKE_DIFFERENT,
		"compare.address.score", score);
}

struct bd_comparison bd_rule_compare_address(
	struct bd_bytes a, struct bd_bytes b, unsigned near_score)
{
	struct bd_address x, y;

	if (bd_bytes_equal(a, b)) {
		return bd_likeness_of(BD_LIKE_SAME, "compare.address");
	}
	if (bd_rule_differs_by_placeholders(a, b)) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.address.placeholder");
	}
	if (!bd_address_read(&x, a) || !bd_address_read(&y, b)) {
		return bd_likeness_of(BD_LIKE_UNSURE, "compare.address.long");
	}
	return compare_read(&x, &y, near_score);
}
