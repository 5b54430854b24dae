/* grant.h - grants 授权: what a sender may ask, for which purpose, and how much it is told.
 *
 * Layer: answer. Plain data that config/grants.c fills, and the look-ups in it; pure, read-only
 * once indexed, any thread. Fail closed: who has no asker, no purpose or no grant in force is told
 * nothing, and a diag says which grant is missing and who gives it (the personal information law
 * 个人信息保护法, articles 6 and 19: the least data for a stated purpose; 政务数据共享条例: the
 * approved use 用数申请 of a department's catalogue).
 *
 * bd_compare and bd_query ask here before anything is looked up, so nothing that is asked of held
 * data passes by: one case or lines of them, a case decided again, a back-test. What each needs:
 *
 *   compare                        a grant of the matter, at any level; the level bounds the answer
 *   compare or receipt, explained  of the matter, at `values`
 *   query                          of an entity of the subject; what it does not name is `withheld`
 *   reproduce, back-test           of the matter, at `codes`: findings are told
 *   watches with would_now         of the matter, at any level: a decision is told
 *   watches, webhooks              none: whoever asked hears that a case is to be looked at again;
 *                                  what has changed only at `codes`
 *   receipts and their proofs      none: its owner is shown what it was told at the time
 *   obligations                    none: what is owed follows from a decision that was told; which
 *                                  element an agency has to check only at `codes`
 *
 * Pushes, recalls, disputes of what a department says itself, states and erasures disclose nothing
 * held and are a matter of roles (senders.conf).
 */
#ifndef BD_ANSWER_GRANT_H
#define BD_ANSWER_GRANT_H

#include "answer/matter.h"
#include "base/diag.h"

/* How much of an answer is told; more is higher. */
enum bd_disclosure {
	BD_DISCLOSE_NOTHING = 0,
	BD_DISCLOSE_DECISION, /* decision 结论: the decision, the receipt, what to do next */
	BD_DISCLOSE_CODES,    /* codes 要素结果: and each finding, its flags, sources and age */
	BD_DISCLOSE_VALUES    /* values 数据内容: and what was compared, what is held */
};

struct bd_grant {
	const char *id;
	const char *sender, *purpose;
	uint32_t sender_number;         /* from 0, in the order of the senders */
	const char *matter;             /* its id; NULL = of fields */
	const struct bd_entity *entity; /* NULL = of a matter */
	uint64_t fields;                /* bit: place of the field in its entity */
	bool has_identifiers; /* and the numbers: of the subject, or of a relation's other side */
	enum bd_disclosure disclosure;
	const char *basis; /* the approved use it rests on */
	const char *giver_zh, *giver_en;
	int32_t from, until; /* days of base/clock.h, both included */
	uint32_t line, column;
	const struct bd_grant *next; /* of one sender: of the same matter, or of fields */
};

struct bd_grants {
	struct bd_grant *items;
	size_t count;
	const char *giver_zh, *giver_en; /* who gives one where nothing else is said */
	/* made by bd_grants_index: each purpose once; the first grant of each sender and version of
	 * a matter, and of fields of each sender */
	const char **purposes;
	size_t purpose_count;
	struct bd_grant_slot *slots;
	size_t slot_mask;
	const struct bd_grant **of_fields;
	size_t sender_count;
};

/* The look-up tables; once, after items are filled. A compare then costs one probe of a table, and
 * one comparison of pointers a grant of that sender for that matter. */
enum bd_code bd_grants_index(struct bd_grants *grants, const struct bd_matter *const *matters,
	size_t matter_count, size_t sender_count, struct bd_arena *arena);

/* Who asks: of one call, but for the day. */
struct bd_asker {
	const struct bd_grants *grants; /* NULL: nobody may ask anything */
	const char *sender;             /* NULL: not known */
	uint32_t sender_number;
	bool has_purpose;    /* one is stated */
	const char *purpose; /* of grants->purposes; NULL = it is none of them */
	int32_t day;         /* on which it is asked */
	bool is_itself;      /* see bd_asker_itself */
};
/* Sets purpose and has_purpose; text may be empty. */
void bd_asker_state(struct bd_asker *asker, struct bd_bytes text);
/* Nobody is told what comes of it but who checks the matters themselves: their cases, tests. */
extern const struct bd_asker bd_asker_itself;

/* The grant that is in force, and tells at least as much; *out lives as long as the grants. asker
 * NULL = nobody. BD_GRANT_PURPOSE, BD_GRANT_MISSING, BD_GRANT_NOT_IN_FORCE, BD_GRANT_LEVEL: diag
 * has who lacks what and who gives it. */
enum bd_code bd_grant_matter(const struct bd_grant **out, const struct bd_asker *asker,
	const struct bd_matter *matter, enum bd_disclosure needs, struct bd_diag *diag);

/* Of what is told without a purpose, events and obligations: the least that a grant of the matter
 * in force tells this sender, whatever its purpose; BD_DISCLOSE_NOTHING = it has none. */
enum bd_disclosure bd_grant_least(const struct bd_asker *asker, const struct bd_matter *matter);

/* What may be seen of one entity: bits as in bd_grant.fields. */
struct bd_sight {
	uint64_t held;   /* that it is held, by whom and how old */
	uint64_t values; /* what is held */
	bool has_identifiers;
};
/* One for each entity of the dictionary, in its order, in the arena; who may see nothing of a
 * subject of this kind is refused, with the codes of bd_grant_matter. */
enum bd_code bd_grant_fields(const struct bd_sight **out, const struct bd_asker *asker,
	enum bd_subject_kind kind, const struct bd_dictionary *dict, struct bd_arena *arena,
	struct bd_diag *diag);

/* "decision", "codes", "values". */
const char *bd_disclosure_name(enum bd_disclosure disclosure);
/* BD_DISCLOSE_NOTHING when there is none of that name. */
enum bd_disclosure bd_disclosure_find(struct bd_bytes name);

#endif
