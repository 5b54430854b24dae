/* invent.h - people and businesses that cannot exist, the same for the same seed and index.
 *
 * Tests only. Every person has region 440311 and was born before that region was made, every number
 * has valid check digits, every name is put together from a list. Person i and business i are
 * functions of (seed, i): nothing is kept, so any number of them can be written in constant memory.
 */
#ifndef BD_TESTS_GEN_INVENT_H
#define BD_TESTS_GEN_INVENT_H

#include <stdbool.h>
#include <stdint.h>

struct invented_person {
	char id_no[19];
	char name[64];  /* UTF-8; some with a rare character, some with a separator */
	char birth[11]; /* yyyy-MM-dd */
	bool is_male;
	char nation[3];
	bool is_insured; /* pays pension now */
	uint64_t number; /* from 1 */
};

struct invented_business {
	char uscc[19];
	char regno[16];
	char pripid[24];
	char name[96];
	char opened[11];
	bool has_arrears, is_abnormal, is_cancelled;
	uint64_t owner; /* number of the person who runs it */
	uint64_t number;
};

void invent_person(struct invented_person *person, uint64_t seed, uint64_t number);
/* `people` is how many there are to choose an owner from; at least 1. */
void invent_business(
	struct invented_business *business, uint64_t seed, uint64_t number, uint64_t people);
/* Spreads (seed, number, salt) over 64 bits; the same on every machine. */
uint64_t invent_chance(uint64_t seed, uint64_t number, uint32_t salt);

#endif
