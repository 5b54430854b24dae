#include "answer/finding.h"

#include <stddef.h>
#include <string.h>

static const struct bd_term findings[BD_FINDING_CODE_COUNT] = {
	[BD_FINDING_MATCH] = { "match", "一致", "match" },
	[BD_FINDING_NEAR] = { "near", "近似", "near" },
	[BD_FINDING_MISMATCH] = { "mismatch", "不一致", "mismatch" },
	[BD_FINDING_INDETERMINATE] = { "indeterminate", "无法判定", "indeterminate" },
	[BD_FINDING_ABSENT] = { "absent", "源缺项", "absent" },
	[BD_FINDING_NO_RECORD] = { "no_record", "查无主体", "no record" },
	[BD_FINDING_AMBIGUOUS] = { "ambiguous", "多候选", "ambiguous" },
	[BD_FINDING_UNAVAILABLE] = { "unavailable", "数据源不可用", "source unavailable" },
	[BD_FINDING_WITHHELD] = { "withheld", "无权限", "withheld" },
	[BD_FINDING_INVALID] = { "invalid", "输入无效", "invalid input" },
};

static const struct bd_term decisions[] = {
	[BD_DECISION_PASS] = { "pass", "秒批通过", "passed" },
	[BD_DECISION_CONDITIONAL] = { "conditional", "容缺受理", "accepted with obligations" },
	[BD_DECISION_RETRY] = { "retry", "稍后重试", "try again later" },
	[BD_DECISION_REFER] = { "refer", "转人工", "referred to an officer" },
	[BD_DECISION_REFUSE] = { "refuse", "建议不予", "refusal proposed" },
	[BD_DECISION_RESUBMIT] = { "resubmit", "请更正", "to be corrected" },
};

static const struct {
	enum bd_finding_flag flag;
	struct bd_term term;
} flags[] = {
	{ BD_FLAG_STALE, { "stale", "数据过期", "stale" } },
	{ BD_FLAG_DISPUTED, { "disputed", "存在异议", "disputed" } },
	{ BD_FLAG_CONFLICT, { "conflict", "来源冲突", "sources differ" } },
	{ BD_FLAG_NORMALIZED, { "normalized", "经规范化", "normalized" } },
	{ BD_FLAG_FORMER, { "former", "曾用", "former" } },
};

#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

const struct bd_term *bd_finding_term(enum bd_finding_code code)
{
	return &findings[(unsigned)code < BD_FINDING_CODE_COUNT ? code : BD_FINDING_INDETERMINATE];
}

const struct bd_term *bd_decision_term(enum bd_decision decision)
{
	return &decisions[(unsigned)decision <= BD_DECISION_RESUBMIT ? decision
								     : BD_DECISION_REFER];
}

const struct bd_term *bd_flag_term(enum bd_finding_flag flag)
{
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		if (flags[i].flag == flag) {
			return &flags[i].term;
		}
	}
	return &flags[0].term;
}

bool bd_finding_find(enum bd_finding_code *code, const char *name)
{
	for (unsigned i = 0; i < BD_FINDING_CODE_COUNT; i++) {
		if (strcmp(findings[i].name, name) == 0) {
			*code = (enum bd_finding_code)i;
			return true;
		}
	}
	return false;
}

bool bd_flag_find(enum bd_finding_flag *flag, const char *name)
{
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		if (strcmp(flags[i].term.name, name) == 0) {
			*flag = flags[i].flag;
			return true;
		}
	}
	return false;
}
