/* obligations.h - the ledger of what is still owed 容缺补正 after binding decisions: one entry for
 * each, from the decision until it is met.
 *
 * Layer: store. An entry names no citizen: its clear part says which receipt, matter, material or
 * element, whose duty, and by when. Its case number and the history of its changes (who extended
 * it, and why) are sealed under a salt that the entries of one answer share, and can be read no
 * more once that is erased; the clear part stays, so that nothing owed drops out of the count. Case
 * numbers stand in keys only blinded.
 *
 * An entry is `open` or `extended` while it is owed, and is closed for good as `met`, `superseded`
 * (a later answer about the same case owes the same) or `lapsed` (a later binding answer no longer
 * asks it). Whether it is overdue follows from its day and today: nobody changes that.
 *
 * Two answers are about the same case when sender, case number and matter are the same. An answer
 * without a case number is a case of its own.
 *
 * What changed without anybody asking for it (by a later answer, by a push) is news until the
 * caller has entered it into the trail and says so: it is kept in the transaction of the change, so
 * that no crash loses it; one that comes between may tell it twice.
 */
#ifndef BD_STORE_OBLIGATIONS_H
#define BD_STORE_OBLIGATIONS_H

#include "store/store.h"

/* A receipt as this ledger knows it: its id, packed by whoever makes receipts, never zeroes. */
#define BD_OWED_RECEIPT_BYTES 18
/* A receipt, and the number of the obligation in its answer, from 1. */
#define BD_OWED_ID_BYTES 20

/* Written in the store: never renumbered. */
enum bd_owed_state {
	BD_OWED_OPEN = 1,
	BD_OWED_EXTENDED,
	BD_OWED_MET,
	BD_OWED_LAPSED,
	BD_OWED_SUPERSEDED
};
enum bd_owed_party { BD_OWED_BY_APPLICANT = 1, BD_OWED_BY_AGENCY };
enum bd_owed_step {
	BD_OWED_STEP_MADE = 1,
	BD_OWED_STEP_EXTENDED,
	BD_OWED_STEP_MET,
	BD_OWED_STEP_LAPSED,
	BD_OWED_STEP_SUPERSEDED
};

/* What has to come: a material, or an element of one subject that has to be accepted. */
struct bd_owed_thing {
	bool is_element;
	struct bd_bytes id, pointer; /* pointer: "/subjects/applicant"; empty of a material */
};

/* One change. What does not apply is empty, or 0. */
struct bd_owed_change {
	enum bd_owed_step step;
	int64_t at_ms;
	int32_t due;                            /* after it; base/clock.h */
	uint8_t receipt[BD_OWED_RECEIPT_BYTES]; /* of the answer that made the change */
	struct bd_bytes sender, operator_name, reason;
	struct bd_bytes material; /* "supplied", "e_licence" */
	uint8_t digest[32];       /* of the material, as it was reported */
	int64_t handed_ms;        /* when it was handed in */
	struct bd_bytes source;   /* whose statement closed it, and that statement's version */
	uint64_t version;
};

struct bd_owed {
	uint8_t id[BD_OWED_ID_BYTES];
	enum bd_owed_state state;
	enum bd_owed_party party;
	struct bd_owed_thing thing;
	int32_t due, first_due, opened; /* days; opened: of the first answer that owed it */
	int64_t answered_ms;            /* of the answer that owes it */
	/* How often and by how many working days the matter lets it be extended; how often it was.
	 */
	uint32_t extensions, extension_working_days, extended;
	struct bd_bytes sender, matter, version;
	bool is_erased;          /* the rest cannot be read any more */
	struct bd_bytes case_id; /* may be empty */
	const struct bd_owed_change *changes;
	size_t change_count;
	/* private: the node keys of the subjects that it waits for, of an element; where it stands
	 * in the indexes; the slot of its salt */
	struct bd_bytes watched;
	uint8_t case_key[BD_MASTER_KEY_BYTES / 2], scope_key[BD_MASTER_KEY_BYTES / 2];
	uint64_t slot;
};

static inline bool bd_owed_is_owed(enum bd_owed_state state)
{
	return state == BD_OWED_OPEN || state == BD_OWED_EXTENDED;
}
/* A day is over when the next begins: on its due day nothing is overdue. */
static inline bool bd_owed_is_overdue(const struct bd_owed *owed, int32_t today)
{
	return bd_owed_is_owed(owed->state) && owed->due < today;
}

/* -- reading, in the reader's snapshot; what is given lives in the arena -- */

/* BD_OBLIGATION_UNKNOWN when there is none. */
enum bd_code bd_owed_find(struct bd_owed *out, struct bd_store_reader *reader,
	const uint8_t id[BD_OWED_ID_BYTES], struct bd_arena *arena, struct bd_diag *diag);

/* By due day, then by id. */
struct bd_owed_query {
	int32_t due_from, due_until; /* the first day, and the first that is no more in it */
	/* A bit for each bd_owed_state: of those that are due today or later, and of those before
	 */
	uint32_t states, late_states;
	int32_t today;
	uint32_t parties;   /* a bit for each bd_owed_party */
	const char *sender; /* NULL = of all */
	bool is_after;      /* begin behind this one: */
	int32_t after_due;
	uint8_t after_id[BD_OWED_ID_BYTES];
	size_t max; /* > 0 */
};
/* A page may be shorter than max and yet not the last: at most BD_OWED_SCAN_MAX entries are looked
 * at for one. */
struct bd_owed_page {
	const struct bd_owed *items;
	size_t count;
	bool has_more;
	int32_t next_due; /* for the next query's after_ */
	uint8_t next_id[BD_OWED_ID_BYTES];
};
enum bd_code bd_owed_list(struct bd_owed_page *out, struct bd_store_reader *reader,
	const struct bd_owed_query *query, struct bd_arena *arena, struct bd_diag *diag);
/* The same of one case number, of all its matters, by id; of the query only sender, after_id and
 * max count. */
enum bd_code bd_owed_of_case(struct bd_owed_page *out, struct bd_store_reader *reader,
	struct bd_bytes case_id, const struct bd_owed_query *query, struct bd_arena *arena,
	struct bd_diag *diag);

struct bd_owed_counts {
	uint64_t owed_applicant, owed_agency; /* overdue ones included */
	uint64_t overdue_applicant, overdue_agency;
};
enum bd_code bd_owed_count(struct bd_owed_counts *out, struct bd_store_reader *reader,
	int32_t today, struct bd_diag *diag);

/* What has changed and was not told yet, oldest first; at most max. */
struct bd_owed_news {
	uint64_t number;
	struct bd_owed owed; /* as it is now */
	enum bd_owed_step step;
	int64_t at_ms;
	int32_t due;
	uint8_t receipt[BD_OWED_RECEIPT_BYTES];
	struct bd_bytes source;
	uint64_t version;
};
enum bd_code bd_owed_news(const struct bd_owed_news **out, size_t *count,
	struct bd_store_reader *reader, size_t max, struct bd_arena *arena, struct bd_diag *diag);

/* Entries of elements of whose subjects something has changed, and the snapshot in which they are
 * to be looked at: of this reader. */
enum bd_code bd_owed_again(uint8_t (*ids)[BD_OWED_ID_BYTES], size_t *count, size_t max,
	uint64_t *snapshot, struct bd_store_reader *reader, struct bd_diag *diag);
/* Has something been put since the last call, for bd_owed_news or bd_owed_again? Any thread. */
bool bd_owed_has_news(struct bd_store *store);

/* -- writing: the writer's thread -- */

/* What one answer owes. */
struct bd_owed_item {
	enum bd_owed_party party;
	struct bd_owed_thing thing;
	int32_t due;
	uint32_t extensions, extension_working_days;
};

/* An answer, as far as the ledger is concerned. */
struct bd_owed_answer {
	uint8_t receipt[BD_OWED_RECEIPT_BYTES];
	int64_t at_ms;
	int32_t on; /* day of acceptance */
	struct bd_bytes sender, case_id, matter, version;
	/* `pass` and `conditional`: what such an answer does not ask is not owed any more. Every
	 * other leaves what is owed as it is. */
	bool is_binding;
	const struct bd_owed_item *items; /* `conditional` only */
	size_t item_count;
	const struct bd_owed_thing *met; /* supplied materials, accepted elements */
	size_t met_count;
	/* Whom the case looked at: a change of one of these may settle what the agency owes. */
	const struct bd_identifier *looked;
	size_t looked_count;
};

/* One change by somebody, or by a push. */
struct bd_owed_act {
	uint8_t id[BD_OWED_ID_BYTES];
	/* BD_OWED_STEP_EXTENDED: change.due is the new day, and `due` the one it was reckoned from.
	 * BD_OWED_STEP_MET: of a material, or of an element. */
	struct bd_owed_change change;
	int32_t due;
	bool is_news; /* nobody waits for it: to be told (bd_owed_news) */
	/* out */
	enum bd_code code; /* BD_OBLIGATION_UNKNOWN, _CLOSED, _CHANGED: it is due another day now */
	struct bd_diag diag;
	bool is_repeat;      /* met by the same material before: nothing was changed */
	struct bd_owed owed; /* after it */
};
/* In one transaction of its own; each has its outcome. A code: none was done. */
enum bd_code bd_owed_do(struct bd_store *store, struct bd_owed_act *const *acts, size_t count,
	struct bd_arena *arena, struct bd_diag *diag);

/* Forgets news up to and with this number. */
enum bd_code bd_owed_told(struct bd_store *store, uint64_t number, struct bd_diag *diag);

/* Looked at again in that snapshot; what has changed since stays to be looked at. */
enum bd_code bd_owed_looked(struct bd_store *store, uint8_t (*ids)[BD_OWED_ID_BYTES], size_t count,
	uint64_t snapshot, struct bd_diag *diag);

/* Takes every case that is indexed from now on (store/cases.h); what is sealed of one is erased
 * with it. Once, before the first of them. */
enum bd_code bd_owed_follow_cases(struct bd_store *store, struct bd_diag *diag);

struct bd_txn;
/* A node has changed, or a name that leads to one. Cheap where nobody waits for it. */
enum bd_code bd_owed_touch(struct bd_txn *txn, const uint8_t key[BD_MASTER_KEY_BYTES / 2]);
/* Within the transaction that keeps the answer. Twice is as once. An answer that comes after a
 * newer one of the same case: that one is taken again behind it, and closes what it must. */
enum bd_code bd_owed_take(
	struct bd_txn *txn, const struct bd_owed_answer *answer, struct bd_arena *arena);
/* What is sealed of one receipt's entries can be read no more. Final after bd_salts_sync, which the
 * end of the transaction does. */
enum bd_code bd_owed_erase(
	struct bd_txn *txn, const uint8_t receipt[BD_OWED_RECEIPT_BYTES], struct bd_arena *arena);
/* Everything of one receipt, whatever its state: its case is past its keeping time. */
enum bd_code bd_owed_drop(
	struct bd_txn *txn, const uint8_t receipt[BD_OWED_RECEIPT_BYTES], struct bd_arena *arena);

#endif
