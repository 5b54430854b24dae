/* cases.h - case files 办件底稿: what is kept of every comparison beside its receipt, so that it
 * can be explained, done again, watched, and its obligations followed.
 *
 * Layer: store. A receipt (the trail's) names nobody and stays for good; a case file holds what was
 * asked and what was held, sealed, each under a salt of its own that stands in front of it. When
 * the salt is overwritten (a subject is erased, or the keeping time is over) the case can be read
 * no more, and the receipt verifies as before.
 *
 * Each network loop has a series of append-only files in "cases": it collects records with
 * bd_cases_append and writes them with bd_cases_flush, before the trail's entries and so before the
 * answers leave. (A record whose receipt was never written is harmless: the next one of that id
 * takes its place.) The writer's thread reads what was written and makes the index that everything
 * is found by (bd_cases_index): a case can be read some tenths of a second after its answer.
 *
 * Threads: a log belongs to its loop; bd_cases_sync to the signer; bd_cases_index to the writer;
 * reading wants a reader of one's own.
 */
#ifndef BD_STORE_CASES_H
#define BD_STORE_CASES_H

#include "base/trail_id.h"
#include "store/store.h"

#define BD_CASE_SALT_BYTES 16
#define BD_CASE_KEY_BYTES 16

/* Whom the question looked at: the subjects of the case, and those that a relation led to. */
struct bd_case_looked {
	const struct bd_identifier *identifiers; /* asked by, and all that are held of it */
	size_t identifier_count;
	bool is_sandbox; /* invented: of no one, and found by nobody */
	/* Of each identifier, as the store's lookup blinded it; NULL = not known. Not kept: what a
	 * record that was read has is NULL. */
	const uint8_t (*keys)[BD_CASE_KEY_BYTES];
};

/* One element of one subject, as it was answered. Texts are those of the receipt. */
struct bd_case_finding {
	struct bd_bytes element, pointer;
	struct bd_bytes code, flags, reason, rule;
	uint16_t field;           /* number of the field that was compared; 0 = none */
	const uint16_t *entities; /* numbers of those that were read */
	size_t entity_count;
	struct bd_bytes sources; /* that were asked, a blank between two; empty = any */
	/* The opening of the receipt's commitment; has_opening false: nothing was compared. */
	bool has_opening;
	uint8_t salt[BD_CASE_SALT_BYTES];
	struct bd_bytes claim, value;
};

/* What is still owed, as it was answered. */
struct bd_case_owed {
	bool is_agency;          /* else the applicant */
	struct bd_bytes id;      /* of the material; of the element, where the agency owes */
	struct bd_bytes pointer; /* of the subject; the agency's only */
	bool may_follow;
	int32_t due; /* base/clock.h; INT32_MIN = none */
	int64_t extension_working_days, extensions;
};

/* What the matter lets be owed, and is not: a material that has come, an element that was accepted.
 */
struct bd_case_settled {
	bool is_element;
	struct bd_bytes id, pointer; /* pointer: of the subject; an element's only */
};

struct bd_case_record {
	struct bd_trail_id receipt;
	int64_t at_ms; /* of the answer, and of the receipt */
	/* Who asked, for what, for which case; as in the receipt. Empty = not stated. */
	struct bd_bytes client, purpose, number;
	struct bd_bytes matter, version, decision;
	struct bd_bytes mode;   /* conditional: "accept_only", "issue_on_commitment" */
	struct bd_bytes branch; /* that decided; empty = the matter has none */
	int32_t on;             /* day of acceptance */
	int64_t submitted_ms;   /* 0 = not stated */
	bool is_sandbox;
	uint64_t commit; /* of the store: bd_store_reader_commit of what was read */
	/* Too long to be kept whole: without the question and the openings. */
	bool is_cut;
	struct bd_bytes question; /* its bytes as they came */
	const struct bd_case_looked *looked;
	size_t looked_count;
	const struct bd_case_finding *findings;
	size_t finding_count;
	const struct bd_case_owed *owed;
	size_t owed_count;
	const struct bd_case_settled *settled;
	size_t settled_count;
};

/* The blinded names of whom a case looked at, within bd_store_begin and bd_store_end: those that
 * the lookups of this question met are not blinded again. *out in the arena of these lookups. */
enum bd_code bd_case_blind(const uint8_t (**out)[BD_CASE_KEY_BYTES], struct bd_store_reader *reader,
	const struct bd_identifier *identifiers, size_t count, struct bd_arena *arena);

/* -- writing: a loop --------------------------------------------------------------------------- */

struct bd_case_log;
enum bd_code bd_case_log_open(
	struct bd_case_log **out, struct bd_store *store, uint16_t loop, struct bd_diag *diag);
void bd_case_log_close(struct bd_case_log *log);
/* Collects a record. BD_TRAIL_UNAVAILABLE: no space left, or it has failed. */
enum bd_code bd_cases_append(
	struct bd_case_log *log, const struct bd_case_record *record, struct bd_diag *diag);
/* Writes what was collected. BD_DISK_FULL, BD_IO: none of it counts, and no answer may leave. */
enum bd_code bd_cases_flush(struct bd_case_log *log, struct bd_diag *diag);
/* The loop: where what it writes to is sealed under an earlier epoch, it goes on in a new file.
 * After bd_case_log_open, and when an epoch was added. */
enum bd_code bd_cases_turn(struct bd_case_log *log, int64_t now_ms, struct bd_diag *diag);
/* The signer: everything that was written is on disk. A failure is final. */
enum bd_code bd_cases_sync(struct bd_store *store, struct bd_diag *diag);

/* -- the index: the writer --------------------------------------------------------------------- */

/* One step, at most one transaction: indexes what was written since the last one. *has_more: call
 * again. Goes on after a restart where it was. */
enum bd_code bd_cases_index(struct bd_store *store, bool *has_more, struct bd_diag *diag);
/* What is indexed and synced need not stay in the kernel's memory: it is read again when somebody
 * asks for that very case. */
void bd_cases_let_go(struct bd_store *store);
/* Is something written and not indexed? Any thread. */
bool bd_cases_is_behind(struct bd_store *store);
/* One step, at most one transaction, of taking away what is past the keeping time (cases_days): out
 * of the index, salts overwritten, whole days of files removed. *has_more: call again. */
enum bd_code bd_cases_expire(
	struct bd_store *store, int64_t now_ms, bool *has_more, struct bd_diag *diag);
/* Older cases are past their keeping time. Any thread. */
int64_t bd_cases_kept_from(const struct bd_store *store, int64_t now_ms);
/* What the start found torn behind the last whole record of each series, and cut. */
uint64_t bd_cases_cut_bytes(const struct bd_store *store);

/* -- reading: within bd_store_begin and bd_store_end ------------------------------------------- */

/* Everything in *out lives in the arena. BD_CASE_UNKNOWN: none is kept of this receipt;
 * BD_CASE_PENDING: not indexed yet, ask again; BD_CASE_ERASED: a subject of it was erased. */
enum bd_code bd_case_read(struct bd_case_record *out, struct bd_store_reader *reader,
	const struct bd_trail_id *receipt, struct bd_arena *arena, struct bd_diag *diag);

struct bd_case_ref {
	int64_t at_ms;
	struct bd_trail_id receipt;
};
/* The cases of one number, or of one subject by this identifier; in the order of their times. */
struct bd_case_query {
	struct bd_bytes number;
	const struct bd_identifier *subject; /* NULL = by number */
	struct bd_case_ref after;            /* zeroes = from the first */
	size_t max;                          /* > 0 */
};
struct bd_case_page {
	const struct bd_case_ref *items; /* in the arena */
	size_t count;
	bool has_more;
};
enum bd_code bd_case_list(struct bd_case_page *out, struct bd_store_reader *reader,
	const struct bd_case_query *query, struct bd_arena *arena, struct bd_diag *diag);

/* -- all cases of a time, in their order, in bounded memory; needs no reader ------------------- */

struct bd_case_walk;
/* From from_ms (included) to until_ms (not included). */
enum bd_code bd_case_walk_open(struct bd_case_walk **out, struct bd_store *store, int64_t from_ms,
	int64_t until_ms, struct bd_diag *diag);
/* *found false: the end. Everything in *out lives in the arena. What was erased is passed over and
 * counted. BD_STORE_DAMAGED: that one cannot be opened; the next call goes on behind it. */
enum bd_code bd_case_walk_next(struct bd_case_record *out, bool *found, struct bd_case_walk *walk,
	struct bd_arena *arena, struct bd_diag *diag);
uint64_t bd_case_walk_erased(const struct bd_case_walk *walk);
void bd_case_walk_close(struct bd_case_walk *walk);

/* -- as bytes: what is sealed -------------------------------------------------------------------
 */

enum bd_code bd_case_record_pack(struct bd_buf *out, const struct bd_case_record *record);
/* Borrows texts from packed; arrays come from the arena. BD_STORE_DAMAGED. */
enum bd_code bd_case_record_unpack(
	struct bd_case_record *out, struct bd_bytes packed, struct bd_arena *arena);

#endif
