#include "answer/finding.h"

#include <stddef.h>

/* What an answer writes of a code, behind the text of the subject. */
#define MEMBERS(name, zh) "\",\"code\":\"" name "\",\"code_zh\":\"" zh "\""
#define FINDING(name, zh, en)                                                                      \
	{                                                                                          \
		{ name, zh, en }, { name, sizeof(name) - 1 },                                      \
		{                                                                                  \
			MEMBERS(name, zh), sizeof(MEMBERS(name, zh)) - 1                           \
		}                                                                                  \
	}

static const struct {
	struct bd_term term;
	struct bd_bytes name, members;
} findings[BD_FINDING_CODE_COUNT] = {
	[BD_FINDING_MATCH] = FINDING("match", "一致", "match"),
	[BD_FINDING_NEAR] = FINDING("near", "近似", "near"),
	[BD_FINDING_MISMATCH] = FINDING("mismatch", "不一致", "mismatch"),
	[BD_FINDING_INDETERMINATE] = FINDING("indeterminate", "无法判定", "indeterminate"),
	[BD_FINDING_ABSENT] = FINDING("absent", "源缺项", "absent"),
	[BD_FINDING_NO_RECORD] = FINDING("no_record", "查无主体", "no record"),
	[BD_FINDING_AMBIGUOUS] = FINDING("ambiguous", "多候选", "ambiguous"),
	[BD_FINDING_UNAVAILABLE] = FINDING("unavailable", "数据源不可用", "source unavailable"),
	[BD_FINDING_WITHHELD] = FINDING("withheld", "无权限", "withheld"),
	[BD_FINDING_INVALID] = FINDING("invalid", "输入无效", "invalid input"),
};

static const struct bd_term decisions[] = {
	[BD_DECISION_PASS] = { "pass", "秒批通过", "passed" },
	[BD_DECISION_CONDITIONAL] = { "conditional", "容缺受理", "accepted with obligations" },
	[BD_DECISION_RETRY] = { "retry", "稍后重试", "try again later" },
	[BD_DECISION_REFER] = { "refer", "转人工", "referred to an officer" },
	[BD_DECISION_REFUSE] = { "refuse", "建议不予", "refusal proposed" },
	[BD_DECISION_RESUBMIT] = { "resubmit", "请更正", "to be corrected" },
};

static const struct bd_term nexts[] = {
	[BD_DECISION_PASS] = { .zh = "可直接办结", .en = "the case can be concluded" },
	[BD_DECISION_CONDITIONAL] = { .zh = "先行办理，并按 obligations 所列期限补正",
		.en = "go on, and see that what obligations lists is done in time" },
	[BD_DECISION_RETRY] = { .zh = "请在 retry_after_s 秒后（或 retry_on "
				      "当日起）以同一办件重新比对",
		.en = "compare the same case again after retry_after_s seconds, or from retry_on "
		      "on" },
	[BD_DECISION_REFER] = { .zh = "请转人工审核；需要各要素结果的，由有 codes "
				      "程度授权的审核人员凭回执号查看",
		.en = "hand it to an officer; who holds a grant of codes sees each element by the "
		      "receipt" },
	[BD_DECISION_REFUSE] = { .zh = "请审核人员复核后作出决定，并告知理由与救济途径",
		.en = "an officer confirms it, and tells the reasons and the remedy" },
	[BD_DECISION_RESUBMIT] = { .zh = "请申请人核对并更正申报内容后重新提交",
		.en = "have the applicant check and correct what was claimed, and submit again" },
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

static const struct bd_term reasons[] = {
	{ "attestation_ahead", "认证时间晚于当前时间", "the attestation is from the future" },
	{ "attestation_expired", "认证已超过有效时限", "the attestation is too old" },
	{ "attestation_missing", "缺少该项认证", "the attestation is missing" },
	{ "attestation_of_whom", "认证未写明是谁的", "the attestation does not say whose it is" },
	{ "blocked", "该主体有记录被退回或召回，待更正",
		"a record of this subject was rejected or recalled, and waits" },
	{ "claim_form", "申报内容不符合格式", "the claim is no value of its field" },
	{ "claim_missing", "未申报该数据项", "the claim is missing" },
	{ "conflict", "同一时点的记录互相矛盾", "records of one moment contradict each other" },
	{ "differs", "与部门记录不一致", "differs from the department's record" },
	{ "exists", "存在不应有的记录", "there is a record that must not be" },
	{ "fan_out", "关联主体过多，无法逐一核对", "too many related subjects to look at" },
	{ "condition", "不符合规定的条件", "does not fulfil the condition" },
	{ "former_name", "与曾用名一致", "agrees with a former name" },
	{ "gap", "数据有缺批或对账不符", "a delivery is missing or its totals disagree" },
	{ "near", "写法略有差异", "written a little differently" },
	{ "no_record", "数据完整，查无此主体", "all was told and the subject is not in it" },
	{ "no_row", "数据完整，没有该类记录", "all was told and there is no such record" },
	{ "no_value", "部门未登记该项内容", "the department has no value of this" },
	{ "not_comparable", "两者无法直接比较", "the two cannot be set side by side" },
	{ "not_covered", "数据源未提供该主体的此类数据", "no source has told this of the subject" },
	{ "level", "授权只允许知道有无，不允许查看内容",
		"the grant tells that it is held, not what" },
	{ "not_granted", "未获授权查看该项", "the grants do not name it" },
	{ "not_known", "部门记录为状态不明", "the department does not know" },
	{ "other_unknown", "关联主体没有标识", "the related subject has no number" },
	{ "partial_date", "一方日期不完整", "one of the dates is partial" },
	{ "placeholder", "含无法编码的字符", "holds a character that could not be encoded" },
	{ "provider_not_listed", "认证提供方不在名单内",
		"the provider is not one of the matter's" },
	{ "row_unsure", "无法判断有关记录是否适用", "it cannot be told whether a record counts" },
	{ "several_subjects", "该号码对应多个主体", "the number leads to several subjects" },
	{ "sources_differ", "各来源说法不一", "the sources differ" },
	{ "stale", "数据已过时限", "the data is too old" },
	{ "too_few_sources", "答复的来源数不足", "too few sources have answered" },
	{ "too_early", "时间未到", "the time has not come yet" },
	{ "too_few_months", "月数不足", "too few months" },
	{ "unmapped_code", "代码不在代码表内", "a code is not in its table" },
	{ "use_expired", "数据目录的用数申请未覆盖本事项或不在有效期内",
		"the approved use of a feed does not cover this matter, or is not in force" },
	{ "withheld", "未获授权查看该主体", "who asks may not see this subject" },
};

#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

static enum bd_finding_code known(enum bd_finding_code code)
{
	return (unsigned)code < BD_FINDING_CODE_COUNT ? code : BD_FINDING_INDETERMINATE;
}

const struct bd_term *bd_finding_term(enum bd_finding_code code)
{
	return &findings[known(code)].term;
}

struct bd_bytes bd_finding_name(enum bd_finding_code code)
{
	return findings[known(code)].name;
}

struct bd_bytes bd_finding_members(enum bd_finding_code code)
{
	return findings[known(code)].members;
}

const struct bd_term *bd_decision_term(enum bd_decision decision)
{
	return &decisions[(unsigned)decision <= BD_DECISION_RESUBMIT ? decision
								     : BD_DECISION_REFER];
}

const struct bd_term *bd_decision_next(enum bd_decision decision)
{
	return &nexts[(unsigned)decision <= BD_DECISION_RESUBMIT ? decision : BD_DECISION_REFER];
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

const struct bd_term *bd_reason_term(const char *reason)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (bd_is_name(reasons[i].name, reason)) {
			return &reasons[i];
		}
	}
	return NULL;
}

int bd_finding_badness(enum bd_finding_code code)
{
	static const int order[BD_FINDING_CODE_COUNT] = { [BD_FINDING_MATCH] = 0,
		[BD_FINDING_NEAR] = 1,
		[BD_FINDING_UNAVAILABLE] = 2,
		[BD_FINDING_ABSENT] = 3,
		[BD_FINDING_NO_RECORD] = 4,
		[BD_FINDING_AMBIGUOUS] = 5,
		[BD_FINDING_INDETERMINATE] = 6,
		[BD_FINDING_WITHHELD] = 7,
		[BD_FINDING_MISMATCH] = 8,
		[BD_FINDING_INVALID] = 9 };

	return order[code];
}

bool bd_finding_find(enum bd_finding_code *code, const char *name)
{
	for (unsigned i = 0; i < BD_FINDING_CODE_COUNT; i++) {
		if (bd_is_name(findings[i].term.name, name)) {
			*code = (enum bd_finding_code)i;
			return true;
		}
	}
	return false;
}

bool bd_flag_find(enum bd_finding_flag *flag, const char *name)
{
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		if (bd_is_name(flags[i].term.name, name)) {
			*flag = flags[i].flag;
			return true;
		}
	}
	return false;
}
