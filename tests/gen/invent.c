#include "invent.h"

#include <stdio.h>
#include <string.h>

/* Days a month has at least: dates are valid without a calendar. */
#define DAYS_OF_EVERY_MONTH 28
/* Adults: born 1950 to 2004; sequence 001 to 999 of each day. */
#define FIRST_YEAR 1950
#define YEARS 55

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

static const char *const surnames[] = { "林", "陈", "黄", "李", "王", "张", "欧阳", "司徒", "褚",
	"亓" };
static const char *const given[] = { "示例", "例一", "试验", "样本", "虚构", "假名", "无此",
	"仿真" };
/* Rare characters that a GBK column cannot hold. */
static const char *const rare[] = { "䶮", "𬭎", "㛃" };
static const char *const separated[] = { "阿依古丽·示例", "买买提·样本", "扎西·试验" };
static const char *const trades[] = { "食品商行", "五金店", "便利店", "服装店", "面馆", "文具店" };

uint64_t invent_chance(uint64_t seed, uint64_t number, uint32_t salt)
{
	/* An add and a mix of xor-shifts and odd multipliers, as in splitmix64. */
	uint64_t x = seed * 0x9E3779B97F4A7C15u + number * 0xD1B54A32D192ED03u + salt + 1;
	x ^= x >> 30;
	x *= 0xBF58476D1CE4E5B9u;
	x ^= x >> 27;
	x *= 0x94D049BB133111EBu;
	return x ^ x >> 31;
}

/* GB 11643-1999, ISO 7064 MOD 11-2 over the first 17. */
static char id_check(const char *digits)
{
	static const int weights[17] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
	int sum = 0;
	for (int i = 0; i < 17; i++) {
		sum += (digits[i] - '0') * weights[i];
	}
	return "10X98765432"[sum % 11];
}

/* Position in the alphabet of GB 32100-2015: no I, O, S, V, Z. */
static int uscc_value(char character)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	return (int)(strchr(alphabet, character) - alphabet);
}

/* GB 11714: check character over 8. */
static char organization_check(const char *code)
{
	static const int weights[8] = { 3, 7, 9, 10, 5, 8, 4, 2 };
	int sum = 0;
	for (int i = 0; i < 8; i++) {
		int value = code[i] <= '9' ? code[i] - '0' : code[i] - 'A' + 10;
		sum += value * weights[i];
	}
	return "0X987654321"[sum % 11];
}

static char uscc_check(const char *code)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	int weight = 1;
	int sum = 0;
	for (int i = 0; i < 17; i++) {
		sum += uscc_value(code[i]) * weight;
		weight = weight * 3 % 31;
	}
	return alphabet[(31 - sum % 31) % 31];
}

/* ISO 7064 MOD 11,10 over 14 digits. */
static char regno_check(const char *digits)
{
	int product = 10;
	for (int i = 0; i < 14; i++) {
		int sum = (product + digits[i] - '0') % 10;
		product = 2 * (sum == 0 ? 10 : sum) % 11;
	}
	return (char)('0' + (11 - product) % 10);
}

static void invent_name(char *name, size_t size, uint64_t chance)
{
	const char *first = surnames[chance % COUNT_OF(surnames)];
	const char *last = given[chance / 16 % COUNT_OF(given)];
	uint64_t shape = chance / 256 % 100;
	if (shape < 3) {
		snprintf(name, size, "%s%s", first, rare[chance / 65536 % COUNT_OF(rare)]);
	} else if (shape < 8) {
		snprintf(name, size, "%s", separated[chance / 65536 % COUNT_OF(separated)]);
	} else {
		snprintf(name, size, "%s%s", first, last);
	}
}

void invent_person(struct invented_person *person, uint64_t seed, uint64_t number)
{
	uint64_t chance = invent_chance(seed, number, 1);
	/* The number itself chooses day and sequence, so that no two people share an identity
	 * number. */
	uint64_t day = number / 999;
	unsigned sequence = (unsigned)(number % 999) + 1;
	unsigned year = FIRST_YEAR + (unsigned)(day % YEARS);
	unsigned month = (unsigned)(day / YEARS % 12) + 1;
	unsigned in_month = (unsigned)(day / YEARS / 12 % DAYS_OF_EVERY_MONTH) + 1;
	memset(person, 0, sizeof(*person));
	person->number = number;
	person->is_male = sequence % 2 == 1;
	person->is_insured = chance % 10 != 0;
	snprintf(person->nation, sizeof(person->nation), "01");
	snprintf(person->birth, sizeof(person->birth), "%04u-%02u-%02u", year % 10000, month % 100,
		in_month % 100);
	snprintf(person->id_no, sizeof(person->id_no), "440311%04u%02u%02u%03u", year % 10000,
		month % 100, in_month % 100, sequence % 1000);
	person->id_no[17] = id_check(person->id_no);
	invent_name(person->name, sizeof(person->name), chance / 16);
}

void invent_business(
	struct invented_business *business, uint64_t seed, uint64_t number, uint64_t people)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
	uint64_t chance = invent_chance(seed, number, 2);
	uint64_t rest = number;
	memset(business, 0, sizeof(*business));
	business->number = number;
	business->owner = chance % people + 1;
	/* 92 = individual business; organization codes MA + six characters count up in base 31. */
	memcpy(business->uscc, "92440311MA", 10);
	for (int i = 15; i >= 10; i--) {
		business->uscc[i] = alphabet[rest % 31];
		rest /= 31;
	}
	business->uscc[16] = organization_check(business->uscc + 8);
	business->uscc[17] = uscc_check(business->uscc);
	snprintf(business->regno, sizeof(business->regno), "4403116%07u",
		(unsigned)(number % 10000000));
	business->regno[14] = regno_check(business->regno);
	snprintf(business->pripid, sizeof(business->pripid), "440311%016llu",
		(unsigned long long)number);
	snprintf(business->name, sizeof(business->name), "深圳市光明区示例%llu号%s",
		(unsigned long long)number, trades[chance / 64 % COUNT_OF(trades)]);
	snprintf(business->opened, sizeof(business->opened), "20%02u-%02u-%02u",
		(unsigned)(chance / 1024 % 24) + 1, (unsigned)(chance / 65536 % 12) + 1,
		(unsigned)(chance / 1048576 % DAYS_OF_EVERY_MONTH) + 1);
	business->has_arrears = chance / 16 % 20 == 0;
	business->is_abnormal = chance / 32 % 33 == 0;
	business->is_cancelled = chance / 64 % 50 == 0;
}
