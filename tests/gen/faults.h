/* faults.h - what can be wrong with an invented record, and what intake must make of it.
 *
 * Tests only. A fault belongs to a person or a business and stands in every file that tells of it;
 * the table says in which of them it costs a record or the whole message. What stands in no row is
 * accepted: a wrong check digit is no identity, a hole in a name and a code that nobody agreed upon
 * compare as `indeterminate`.
 */
#ifndef BD_TESTS_GEN_FAULTS_H
#define BD_TESTS_GEN_FAULTS_H

#include "invent.h"

#include <stddef.h>

enum fault {
	FAULT_NONE,
	FAULT_ID_CHECK,  /* the check digit of a person's number */
	FAULT_DATE,      /* a month 13 */
	FAULT_NAME_HOLE, /* a character that could not be encoded */
	FAULT_NO_NAME,
	FAULT_CODE,      /* a status that nobody agreed upon */
	FAULT_FAILED,    /* the success code says failure */
	FAULT_AMOUNT,    /* words where an amount should be */
	FAULT_SHORT_ROW, /* columns are missing */
	FAULT_COUNT
};

/* What a fault costs in one file. */
struct fault_effect {
	enum fault fault;
	const char *file, *code;
	bool is_whole; /* the message is refused, not the record */
};

const char *fault_name(enum fault fault);
/* One of the kinds that a person, or a business, can have, in `per_million` of a million. */
enum fault fault_of_person(uint64_t seed, uint64_t number, uint64_t per_million);
enum fault fault_of_business(uint64_t seed, uint64_t number, uint64_t per_million);
/* Bends what is in the person or the business itself; the rest is for the writers. */
void fault_spoil_person(struct invented_person *person, enum fault fault);
void fault_spoil_business(struct invented_business *business, enum fault fault);
/* NULL: it is accepted there. */
const struct fault_effect *fault_effect_in(enum fault fault, const char *file);

#endif
