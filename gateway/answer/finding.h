/* finding.h - the closed sets of an answer: finding codes 比对结果, flags, decisions 结论.
 *
 * Layer: answer. The text names are a promise to approval engines and never change.
 */
#ifndef BD_ANSWER_FINDING_H
#define BD_ANSWER_FINDING_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum bd_finding_code {
	BD_FINDING_MATCH = 0,     /* match 一致 */
	BD_FINDING_NEAR,          /* near 近似 */
	BD_FINDING_MISMATCH,      /* mismatch 不一致 */
	BD_FINDING_INDETERMINATE, /* indeterminate 无法判定 */
	BD_FINDING_ABSENT,        /* absent 源缺项 */
	BD_FINDING_NO_RECORD,     /* no_record 查无主体 */
	BD_FINDING_AMBIGUOUS,     /* ambiguous 多候选 */
	BD_FINDING_UNAVAILABLE,   /* unavailable 数据源不可用 */
	BD_FINDING_WITHHELD,      /* withheld 无权限 */
	BD_FINDING_INVALID,       /* invalid 输入无效 */
	BD_FINDING_CODE_COUNT
};

enum bd_finding_flag {
	BD_FLAG_STALE = 1,    /* older than the matter takes; a difference is then indeterminate */
	BD_FLAG_DISPUTED = 2, /* somebody disputes what is held of the subject */
	BD_FLAG_CONFLICT = 4, /* one source agrees and another differs, or one contradicts itself */
	BD_FLAG_NORMALIZED = 8, /* a match, though the claim was written otherwise */
	BD_FLAG_FORMER = 16     /* near: a former name */
};

/* Why a finding is withheld where an approved use of a feed is not in force: counted and told to
 * the operators. */
#define BD_REASON_USE_EXPIRED "use_expired"

enum bd_decision {
	BD_DECISION_PASS = 0,    /* pass 秒批通过 */
	BD_DECISION_CONDITIONAL, /* conditional 容缺受理 */
	BD_DECISION_RETRY,       /* retry 稍后重试 */
	BD_DECISION_REFER,       /* refer 转人工 */
	BD_DECISION_REFUSE,      /* refuse 建议不予 */
	BD_DECISION_RESUBMIT     /* resubmit 请更正 */
};

struct bd_term {
	const char *name, *zh, *en;
};

/* Never NULL. */
const struct bd_term *bd_finding_term(enum bd_finding_code code);
/* Its name alone. */
struct bd_bytes bd_finding_name(enum bd_finding_code code);
/* "code" and "code_zh" of a finding, as JSON from the end of the text before them on. */
struct bd_bytes bd_finding_members(enum bd_finding_code code);
const struct bd_term *bd_decision_term(enum bd_decision decision);
/* What whoever is told no more than the decision has to do next; it has no name. */
const struct bd_term *bd_decision_next(enum bd_decision decision);
const struct bd_term *bd_flag_term(enum bd_finding_flag flag);
/* Why a finding is not `match`, in words; NULL when the reason is not one of ours (a wrong number
 * is told by the code of its rule). */
const struct bd_term *bd_reason_term(const char *reason);
/* Worse is higher, the written order of the codes: match, near, unavailable, absent, no_record,
 * ambiguous, indeterminate, withheld, mismatch, invalid. */
int bd_finding_badness(enum bd_finding_code code);
/* False when there is no such name. */
bool bd_finding_find(enum bd_finding_code *code, const char *name);
bool bd_flag_find(enum bd_finding_flag *flag, const char *name);

#endif
