/* again.h - a case that was decided, decided again: as of then, which shows that the decision
 * follows from what was held; with what is held now; or by another version of its matter.
 *
 * Layer: daemon; any thread that has a reader of its own. Nothing is entered or kept here: that is
 * the caller's. One case at a time: a loop does it for whom it answers, a list of cases is for a
 * thread of its own.
 */
#ifndef BD_DAEMON_AGAIN_H
#define BD_DAEMON_AGAIN_H

#include "answer/answer.h"
#include "daemon/setup.h"
#include "store/cases.h"
#include "trail/receipt.h"

enum bd_again_when {
	BD_AGAIN_THEN = 1, /* the commit, the time and the day of acceptance of the record */
	BD_AGAIN_NOW       /* what is held now, at now_ms; the day of acceptance is the record's */
};

struct bd_again {
	const struct bd_setup *setup;
	struct bd_store_reader *reader; /* no snapshot of it is open */
	const struct bd_case_record *record;
	enum bd_again_when when;
	int64_t now_ms; /* of BD_AGAIN_NOW */
	/* By which version. NULL = then: the one that decided; now: the one that is in force on the
	 * day of acceptance. */
	const struct bd_matter *matter;
	/* On whose behalf, and how much they will be told of it. */
	const struct bd_asker *asker;
	enum bd_disclosure needs;
};

/* What it comes to; *compared lives in the arena. out: the answer as approval engines read it is
 * appended; NULL = nobody reads it. BD_HISTORY_EXPIRED, BD_HISTORY_UNKNOWN; BD_CASE_ERASED:
 * something that was looked at has been erased since; BD_CASE_CUT: its question was not kept;
 * BD_MATTER_VERSION: the version that decided is not configured any more; or what is wrong with the
 * question for the version that is to decide it. */
enum bd_code bd_again_decide(struct bd_buf *out, struct bd_compared *compared,
	const struct bd_again *again, struct bd_arena *arena, struct bd_diag *diag);

/* -- what is different ------------------------------------------------------------------------- */

/* The findings of a comparison as its receipt would have them. */
struct bd_again_told {
	const struct bd_trail_element *elements;
	size_t count;
};
enum bd_code bd_again_tell(
	struct bd_again_told *out, const struct bd_compared *compared, struct bd_arena *arena);

/* A finding that is not the same; was or is NULL: there is none. */
struct bd_again_difference {
	const struct bd_trail_element *was, *is;
};
/* What a source had to say of an element, where it is not the same statement of it. */
struct bd_again_statement {
	const struct bd_trail_element *element;
	const struct bd_trail_evidence *was, *is;
};
struct bd_again_differences {
	const struct bd_again_difference *findings;
	size_t finding_count;
	const struct bd_again_statement *statements;
	size_t statement_count;
};
/* In the order of `was`, then what is new. */
enum bd_code bd_again_differ(struct bd_again_differences *out, const struct bd_again_told *was,
	const struct bd_again_told *is, struct bd_arena *arena);

#endif
