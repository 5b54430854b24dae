/* diag.h - what was wrong, and where: one per failure, filled once, where it is known.
 *
 * Layer: base. Never holds a citizen's value: `path` and `field` are names from our own adapters
 * and schemas (an outsider's unknown name is given by its position only), `detail` is a constant of
 * ours or a number. Filled only by bd_fail; a second bd_fail on a filled diag changes nothing.
 */
#ifndef BD_BASE_DIAG_H
#define BD_BASE_DIAG_H

#include "base/bytes.h"

struct bd_place {
	uint64_t offset; /* bytes from the start of the decoded message; 0 = the first */
	uint32_t line;   /* from 1; 0 = not known */
	uint32_t column; /* in characters, from 1; 0 = not known */
	uint64_t row;    /* delimited files, from 1; else 0 */
};

/* Which grant 授权 somebody lacks, and who gives it: names of our own configuration, which live as
 * long as that does. NULL = not said. */
struct bd_missing_grant {
	const char *sender, *purpose;
	const char *matter, *entity; /* one of them */
	const char *disclosure;      /* how much it would have to tell, at least */
	const char *grant; /* there is one, but it tells less, or is not in force on this day */
	const char *giver_zh, *giver_en;
};

struct bd_diag {
	enum bd_code code; /* BD_OK = empty */
	struct bd_place place;
	char file[128]; /* configuration only: the file, relative to the folder it was read from */
	char path[160]; /* where in the message, or the JSON pointer in a question */
	char field[64]; /* native name of the field */
	char rule[32];  /* id in schemas/rules.tsv */
	char detail[192]; /* ours, never theirs */
	uint32_t retry_s; /* after which it is worth trying again; 0 = soon, or never */
	struct bd_missing_grant missing; /* of BD_GRANT_... */
	/* Further faults of the same question, in its arena: all are told at once. */
	struct bd_diag *next;
};

void bd_diag_clear(struct bd_diag *diag);
/* Sets code and detail (printf, constants and numbers of ours only) and returns code. diag may be
 * NULL. */
enum bd_code bd_fail(struct bd_diag *diag, enum bd_code code, const char *detail, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with a place. */
enum bd_code bd_fail_at(struct bd_diag *diag, enum bd_code code, struct bd_place place,
	const char *detail, ...) __attribute__((format(printf, 4, 5)));
void bd_diag_set_field(struct bd_diag *diag, const char *field);
void bd_diag_set_path(struct bd_diag *diag, const char *path);
void bd_diag_set_rule(struct bd_diag *diag, const char *rule);

#endif
