/* rules_number.h - a number while it is made canonical: folded, and judged by the rule of its kind.
 *
 * Layer: record, private to rules_identifier.c and the files of the rules. Sources as there.
 */
#ifndef BD_RECORD_RULES_NUMBER_H
#define BD_RECORD_RULES_NUMBER_H

#include "base/diag.h"
#include "base/limits.h"

/* Room for the longest number, and for 15 digits to become 18. */
#define BD_NUMBER_MAX_BYTES (BD_IDENTIFIER_MAX_BYTES + 4)

struct bd_number {
	char text[BD_NUMBER_MAX_BYTES];
	size_t len;
	bool is_right_18; /* found by bd_number_is_right_18: not looked at again */
	bool *warned;     /* NULL: a wrong check is an error; else it is set and the number kept */
	struct bd_diag *diag;
};

/* Sets code, rule and detail, and returns code. */
enum bd_code bd_number_fail(
	struct bd_number *number, enum bd_code code, const char *rule, const char *detail);
/* A wrong check: refused, or kept with a warning. */
enum bd_code bd_number_doubt(struct bd_number *number, enum bd_code code, const char *rule);

/* Of an empty number; by id.fold, an issued one as it is. BD_ID_LENGTH, BD_ID_CHARACTER. */
enum bd_code bd_number_fold(struct bd_number *number, struct bd_bytes text, bool is_issued);

bool bd_number_are_digits(const char *text, size_t from, size_t to);
/* Capitals and digits only. */
bool bd_number_is_plain(const struct bd_number *number);

/* Makes the number canonical, or fails with the rule's id. */
typedef enum bd_code bd_number_rule(struct bd_number *number);

/* -- rules_number_person.c -- */

/* NULL = the kind has none. */
bd_number_rule *bd_number_person_rule(const char *kind);
/* 15 digits into 18 characters. */
bd_number_rule bd_number_rule_15;
/* 18 characters right in form, birth date and check. */
bool bd_number_is_right_18(struct bd_number *number);
/* Of the first six of 18 characters: a residence permit's. */
bool bd_number_is_permit(const char *text);
bool bd_number_is_old_foreign_pr(const struct bd_number *number);
/* Of 18 characters: a day that exists, of someone a living register can hold. */
bool bd_number_birth(int32_t *day, const char *text);

/* -- rules_number_org.c -- */

bd_number_rule *bd_number_organization_rule(const char *kind);
/* Right in form and both checks. */
bool bd_number_is_right_uscc(const struct bd_number *number);
/* 9 characters; a hyphen before the last goes. */
bool bd_number_has_form_org_code(struct bd_number *number);
char bd_number_check_org_code(const char *text);
/* Of 15 digits. */
bool bd_number_is_right_reg_no(const char *text);

#endif
