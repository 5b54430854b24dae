#include "faults.h"

#include <string.h>

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

static const char *const names[FAULT_COUNT] = {
	[FAULT_NONE] = "-",
	[FAULT_ID_CHECK] = "id_check",
	[FAULT_DATE] = "date",
	[FAULT_NAME_HOLE] = "name_placeholder",
	[FAULT_NO_NAME] = "no_name",
	[FAULT_CODE] = "code",
	[FAULT_FAILED] = "failed",
	[FAULT_AMOUNT] = "amount",
	[FAULT_SHORT_ROW] = "short_row",
};

static const enum fault of_people[] = { FAULT_ID_CHECK, FAULT_DATE, FAULT_NAME_HOLE, FAULT_NO_NAME,
	FAULT_CODE, FAULT_FAILED };
static const enum fault of_businesses[] = { FAULT_DATE, FAULT_NO_NAME, FAULT_FAILED, FAULT_AMOUNT,
	FAULT_SHORT_ROW };

static const struct fault_effect effects[] = {
	{ FAULT_DATE, "medical.ndjson", "date.range", false },
	{ FAULT_DATE, "social_nws.ndxml", "date.range", false },
	{ FAULT_DATE, "social_packet.xml", "date.range", false },
	{ FAULT_DATE, "tax.ndxml", "date.range", false },
	{ FAULT_DATE, "market_E_PB_BASEINFO.utf8.txt", "date.range", false },
	{ FAULT_NO_NAME, "medical.ndjson", "field.missing", false },
	{ FAULT_NO_NAME, "social_nws.ndxml", "field.missing", false },
	{ FAULT_NO_NAME, "market_E_PB_BASEINFO.utf8.txt", "field.missing", false },
	{ FAULT_FAILED, "medical.ndjson", "source.failed", true },
	{ FAULT_FAILED, "social_nws.ndxml", "source.failed", true },
	{ FAULT_FAILED, "tax.ndxml", "source.failed", true },
	{ FAULT_AMOUNT, "tax.ndxml", "amount.form", false },
	{ FAULT_SHORT_ROW, "market_E_PB_BASEINFO.utf8.txt", "row.too_few_columns", false },
};

const char *fault_name(enum fault fault)
{
	return names[fault];
}

static enum fault choose(
	const enum fault *list, size_t count, uint64_t chance, uint64_t per_million)
{
	return chance % 1000000 < per_million ? list[chance / 1000000 % count] : FAULT_NONE;
}

enum fault fault_of_person(uint64_t seed, uint64_t number, uint64_t per_million)
{
	return choose(of_people, COUNT_OF(of_people), invent_chance(seed, number, 3), per_million);
}

enum fault fault_of_business(uint64_t seed, uint64_t number, uint64_t per_million)
{
	return choose(of_businesses, COUNT_OF(of_businesses), invent_chance(seed, number, 4),
		per_million);
}

void fault_spoil_person(struct invented_person *person, enum fault fault)
{
	if (fault == FAULT_ID_CHECK) {
		person->id_no[17] = person->id_no[17] == '0' ? '1' : '0';
	} else if (fault == FAULT_DATE) {
		memcpy(person->birth + 5, "13", 2);
	} else if (fault == FAULT_NAME_HOLE) {
		strcat(person->name, "?");
	} else if (fault == FAULT_NO_NAME) {
		person->name[0] = '\0';
	}
}

void fault_spoil_business(struct invented_business *business, enum fault fault)
{
	if (fault == FAULT_DATE) {
		memcpy(business->opened + 5, "13", 2);
	} else if (fault == FAULT_NO_NAME) {
		business->name[0] = '\0';
	} else if (fault == FAULT_AMOUNT) {
		business->has_arrears = true;
	}
}

const struct fault_effect *fault_effect_in(enum fault fault, const char *file)
{
	for (size_t i = 0; i < COUNT_OF(effects); i++) {
		if (effects[i].fault == fault && strcmp(effects[i].file, file) == 0) {
			return &effects[i];
		}
	}
	return NULL;
}
