#include "answer/render.h"

#include "answer/mask.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "base/limits.h"

/* -- a finding: JSON in parts -- */

#define PARTS_MAX 32

/* What is written at once: a text of ours, one of the matter, a text of ours... Each lives until it
 * is written. */
struct parts {
	struct bd_bytes items[PARTS_MAX];
	size_t count;
	char digits[BD_JW_INTEGER_BYTES]; /* of one number */
};

static inline void add(struct parts *parts, struct bd_bytes bytes)
{
	parts->items[parts->count++] = bytes;
}

/* With a comma in front: the writer sets that of what comes first. */
static inline void add_next(struct parts *parts, struct bd_bytes bytes)
{
	size_t skipped = parts->count == 0;

	add(parts, (struct bd_bytes){ bytes.ptr + skipped, bytes.len - skipped });
}

static void flush(struct parts *parts, struct bd_json_writer *w)
{
	if (parts->count > 0) {
		bd_jw_parts(w, parts->items, parts->count);
		parts->count = 0;
	}
}

static void write_flags(struct bd_json_writer *w, uint32_t flags)
{
	bd_jw_array(w, "flags");
	for (uint32_t flag = 1; flag <= BD_FLAG_FORMER; flag <<= 1) {
		if ((flags & flag) != 0) {
			bd_jw_text(w, NULL, bd_flag_term((enum bd_finding_flag)flag)->name);
		}
	}
	bd_jw_array_end(w);
}

/* The reason for machines, and for people in both languages. */
static void write_reason(struct bd_json_writer *w, const char *reason)
{
	const struct bd_term *term;
	const struct bd_code_info *rule;

	bd_jw_text(w, "reason", reason);
	if (reason[0] == '\0') {
		return;
	}
	term = bd_reason_term(reason);
	if (term != NULL) {
		bd_jw_text(w, "detail_zh", term->zh);
		bd_jw_text(w, "detail_en", term->en);
	} else {
		rule = bd_code_info(bd_code_find(reason));
		bd_jw_text(w, "detail_zh", rule->zh);
		bd_jw_text(w, "detail_en", rule->en);
	}
}

/* What a source told: no more than one of these before it is written, for the digits are the
 * parts', and the text of a time the writer's until it is asked for another. */
struct told {
	struct bd_bytes source; /* empty = none */
	struct bd_bytes as_of, age;
};

static void tell(struct told *told, struct parts *parts, struct bd_json_writer *w,
	const char *source, int64_t as_of_ms, int64_t received_ms, int64_t now_ms)
{
	told->source = source != NULL ? bd_bytes_of(source) : (struct bd_bytes){ NULL, 0 };
	told->as_of = bd_jw_time_text(w, as_of_ms);
	told->age = received_ms != 0 ? bd_jw_digits(parts->digits, (now_ms - received_ms) / 1000)
				     : (struct bd_bytes){ NULL, 0 };
}

/* Its members: the first of an object, or behind others. */
static void add_told(struct parts *parts, const struct told *told, bool is_first)
{
	static const struct bd_bytes begin[2][2] = {
		{ BD_BYTES(",\"as_of\":"), BD_BYTES(",\"source\":\"") },
		{ BD_BYTES("{\"as_of\":"), BD_BYTES("{\"source\":\"") },
	};
	bool has_source = told->source.len > 0;

	if (is_first) {
		add(parts, begin[true][has_source]);
	} else {
		add_next(parts, begin[false][has_source]);
	}
	if (has_source) {
		add(parts, told->source);
		add(parts, bd_bytes_of("\",\"as_of\":"));
	}
	add(parts, told->as_of);
	if (told->age.len > 0) {
		add(parts, bd_bytes_of(",\"age_s\":"));
		add(parts, told->age);
	}
}

static bool is_told_so(const struct bd_finding *finding, const struct bd_evidence *one)
{
	return one->source == finding->source && one->as_of_ms == finding->as_of_ms &&
	       one->received_ms == finding->received_ms;
}

/* Who decided, then everyone that was heard: mostly the same one, and no other. */
static void add_sources(struct parts *parts, struct bd_json_writer *w,
	const struct bd_finding *finding, int64_t now_ms)
{
	struct told told;

	tell(&told, parts, w, finding->source, finding->as_of_ms, finding->received_ms, now_ms);
	add_told(parts, &told, false);
	if (finding->evidence_count == 0) {
		add_next(parts, bd_bytes_of(",\"sources\":[]"));
	}
	for (size_t i = 0; i < finding->evidence_count; i++) {
		const struct bd_evidence *one = &finding->evidence[i];

		if (i > 0 || !is_told_so(finding, one)) {
			flush(parts, w);
			tell(&told, parts, w, one->source, one->as_of_ms, one->received_ms, now_ms);
		}
		if (i == 0) {
			add_next(parts, bd_bytes_of(",\"sources\":["));
		}
		add_told(parts, &told, true);
		add(parts, bd_bytes_of(i + 1 < finding->evidence_count ? "}" : "}]"));
	}
}

static void write_day(struct bd_json_writer *w, const char *key, int32_t day)
{
	char text[11];

	if (day != BD_NO_DAY) {
		bd_day_format(text, day);
		bd_jw_text(w, key, text);
	}
}

/* Claim and held value as normalized, side by side. */
static void write_explanation(struct bd_json_writer *w, const struct bd_finding *finding)
{
	const struct bd_field *field = finding->element->field;

	if (field == NULL || (finding->claim.ptr == NULL && finding->value.ptr == NULL)) {
		return;
	}
	bd_jw_object(w, "explain");
	bd_mask_pair(w, field, finding->claim, finding->value);
	bd_jw_object_end(w);
}

static void write_branches(
	struct bd_json_writer *w, const struct bd_matter *matter, uint32_t branches)
{
	if (branches == 0) {
		return;
	}
	bd_jw_array(w, "branches");
	for (size_t i = 0; i < matter->branch_count; i++) {
		if ((branches & (1u << i)) != 0) {
			bd_jw_text(w, NULL, matter->branches[i].id);
		}
	}
	bd_jw_array_end(w);
}

/* How near, and from when on it holds: from these what is held can be told, or nearly. And that
 * its source was asked on the spot. */
static void write_near(struct bd_json_writer *w, const struct bd_finding *finding,
	const struct bd_answer_context *context)
{
	if (context->discloses == BD_DISCLOSE_VALUES && finding->score >= 0) {
		bd_jw_i64(w, "score", finding->score);
	}
	if (context->discloses == BD_DISCLOSE_VALUES) {
		write_day(w, "holds_from", finding->mends_on);
	}
	if (finding->is_via_source) {
		bd_jw_text(w, "via", "source");
	}
}

/* What it came to. Nearly every finding has no flag, is of every branch and needs no reason. */
static void add_outcome(struct parts *parts, struct bd_json_writer *w,
	const struct bd_finding *finding, const struct bd_matter *matter)
{
#define PLAIN(accepted, core)                                                                      \
	BD_BYTES(",\"flags\":[],\"accepted\":" accepted ",\"core\":" core ",\"reason\":\"\"")
	static const struct bd_bytes plain[2][2] = {
		{ PLAIN("false", "false"), PLAIN("false", "true") },
		{ PLAIN("true", "false"), PLAIN("true", "true") },
	};
#undef PLAIN
	const struct bd_element *element = finding->element;

	add(parts, bd_finding_members(finding->code));
	if (finding->flags == 0 && element->branches == 0 && finding->reason[0] == '\0') {
		add_next(parts, plain[bd_finding_is_accepted(finding)][element->is_core]);
		return;
	}
	flush(parts, w);
	write_flags(w, finding->flags);
	bd_jw_bool(w, "accepted", bd_finding_is_accepted(finding));
	bd_jw_bool(w, "core", element->is_core);
	write_branches(w, matter, element->branches);
	write_reason(w, finding->reason);
}

static void add_rule(struct parts *parts, const char *rule)
{
	if (rule[0] != '\0') {
		add_next(parts, bd_bytes_of(",\"rule\":\""));
		add(parts, bd_bytes_of(rule));
		add(parts, bd_bytes_of("\""));
	}
}

static void write_finding(struct bd_json_writer *w, const struct bd_finding *finding,
	const struct bd_matter *matter, const struct bd_answer_context *context)
{
	struct parts parts;

	parts.count = 0;
	add(&parts, finding->element->members);
	add(&parts, bd_case_pointer(finding->subject));
	add_outcome(&parts, w, finding, matter);
	add_rule(&parts, finding->rule);
	if (finding->score >= 0 || finding->mends_on != BD_NO_DAY || finding->is_via_source) {
		flush(&parts, w);
		write_near(w, finding, context);
	}
	add_sources(&parts, w, finding, context->now_ms);
	if (context->explains) {
		flush(&parts, w);
		write_explanation(w, finding);
		bd_jw_object_end(w);
	} else {
		add(&parts, bd_bytes_of("}"));
		flush(&parts, w);
	}
}

static void write_ground(struct bd_json_writer *w, const struct bd_finding *finding)
{
	if (bd_finding_is_ground(finding)) {
		bd_jw_text(w, "basis", finding->element->refusal_basis);
		bd_jw_text(w, "ground", finding->element->refusal_reason);
		bd_jw_text(w, "remedy", finding->element->refusal_remedy);
	}
}

/* Why it was not passed, and by what law a refusal is proposed. */
static void write_reasons(struct bd_json_writer *w, const struct bd_answered *answered)
{
	bd_jw_array(w, "reasons");
	for (size_t i = 0; i < answered->finding_count; i++) {
		const struct bd_finding *finding = &answered->findings[i];

		if (bd_finding_is_accepted(finding) ||
			!bd_finding_is_of(finding, answered->outcome.branch) ||
			(finding->element->is_for_commitment && !answered->outcome.has_missing)) {
			continue;
		}
		bd_jw_object(w, NULL);
		bd_jw_text(w, "element", finding->element->id);
		bd_jw_text(w, "zh", finding->element->label_zh);
		bd_jw_text(w, "en", finding->element->label_en);
		bd_jw_text(w, "code", bd_finding_term(finding->code)->name);
		bd_jw_text(w, "reason", finding->reason);
		bd_jw_bool(w, "retryable", bd_finding_is_retryable(finding));
		write_ground(w, finding);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

/* id "" = it binds nobody yet. What an agency has to check is a finding, and told as one. */
static void write_obligation(struct bd_json_writer *w, const struct bd_obligation *one,
	const char *id, const struct bd_answer_context *context)
{
	bool is_agency = one->party == BD_PARTY_AGENCY;

	bd_jw_object(w, NULL);
	if (id[0] != '\0') {
		bd_jw_text(w, "id", id);
	}
	bd_jw_text(w, "party", is_agency ? "agency" : "applicant");
	if (!is_agency || context->discloses >= BD_DISCLOSE_CODES) {
		bd_jw_text(w, is_agency ? "element" : "material", one->id);
		bd_jw_text(w, "zh", one->label_zh);
		bd_jw_text(w, "en", one->label_en);
	}
	bd_jw_bool(w, "may_follow", one->may_follow);
	write_day(w, "due", one->due);
	if (one->extensions > 0) {
		bd_jw_i64(w, "extensions", one->extensions);
		bd_jw_i64(w, "extension_working_days", one->extension_working_days);
	}
	bd_jw_object_end(w);
}

static void write_notice(struct bd_json_writer *w, const struct bd_answered *answered)
{
	static const char *const keys[] = { "notice_zh", "notice_en" };

	for (int english = 0; english < 2 && answered->outcome.has_missing; english++) {
		struct bd_buf text;
		enum bd_code code;

		bd_buf_init(&text, BD_FIELD_MAX_BYTES);
		code = bd_notice(&text, english == 1, answered->asked, answered->obligations,
			answered->obligation_count, &answered->outcome);
		if (code == BD_OK) {
			bd_jw_bytes(w, keys[english], bd_buf_bytes(&text));
		} else {
			w->code = code;
		}
		bd_buf_release(&text);
	}
}

/* What is owed under a conditional decision; what would be under the one that is offered; or what
 * has to be supplied before there is another one. */
static void write_obligations(struct bd_json_writer *w, const struct bd_answered *answered,
	const struct bd_answer_context *context)
{
	const struct bd_outcome *outcome = &answered->outcome;

	if (outcome->decision != BD_DECISION_CONDITIONAL && !outcome->has_missing) {
		return;
	}
	bd_jw_array(w, outcome->decision == BD_DECISION_CONDITIONAL ? "obligations"
		       : outcome->offers_commitment                 ? "offer"
								    : "missing");
	for (size_t i = 0; i < answered->obligation_count; i++) {
		char id[BD_OBLIGATION_ID_TEXT_BYTES] = "";

		if (outcome->decision == BD_DECISION_CONDITIONAL) {
			bd_obligation_id_write(id, context->receipt, (uint16_t)(i + 1));
		}
		write_obligation(w, &answered->obligations[i], id, context);
	}
	bd_jw_array_end(w);
	write_notice(w, answered);
}

static void write_needless(struct bd_json_writer *w, const struct bd_answered *answered)
{
	if (answered->needless_count == 0) {
		return;
	}
	bd_jw_array(w, "not_applicable");
	for (size_t i = 0; i < answered->needless_count; i++) {
		bd_jw_object(w, NULL);
		bd_jw_text(w, "element", answered->needless[i].element->id);
		bd_jw_text(w, "subject", answered->needless[i].subject->pointer);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

/* The way that was taken, and that a commitment is excluded, follow from what is held. */
static void write_outcome(struct bd_json_writer *w, const struct bd_answered *answered,
	const struct bd_answer_context *context)
{
	const struct bd_matter *matter = answered->asked->matter;
	const struct bd_outcome *outcome = &answered->outcome;
	bool tells_codes = context->discloses >= BD_DISCLOSE_CODES;

	if (tells_codes && outcome->branch != BD_NO_BRANCH) {
		bd_jw_text(w, "branch", matter->branches[outcome->branch].id);
		bd_jw_text(w, "branch_zh", matter->branches[outcome->branch].label_zh);
	}
	if (outcome->decision == BD_DECISION_CONDITIONAL) {
		bd_jw_text(w, "mode", matter->conditional_mode);
	}
	if (tells_codes && outcome->is_excluded) {
		bd_jw_bool(w, "excluded", true);
	}
	write_obligations(w, answered, context);
	write_day(w, "retry_on", outcome->retry_on);
	if (outcome->retry_after_s != 0) {
		bd_jw_i64(w, "retry_after_s", outcome->retry_after_s);
	}
}

/* Whom it was asked of on the spot, and how that ended. */
static void write_looked_up(struct bd_json_writer *w, const struct bd_answer_context *context)
{
	if (context->looked_up_count == 0) {
		return;
	}
	bd_jw_array(w, "look_ups");
	for (size_t i = 0; i < context->looked_up_count; i++) {
		const struct bd_looked_up *one = &context->looked_up[i];
		const struct bd_code_info *info = bd_code_info(one->code);

		bd_jw_object(w, NULL);
		bd_jw_text(w, "source", one->source);
		bd_jw_text(w, "feed", one->feed);
		bd_jw_text(w, "subject", one->subject);
		bd_jw_text(w, "code", info->text);
		bd_jw_text(w, "detail_zh", info->zh);
		bd_jw_text(w, "detail_en", info->en);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

static void write_findings(struct bd_json_writer *w, const struct bd_answered *answered,
	const struct bd_answer_context *context)
{
	bd_jw_array(w, "findings");
	for (size_t i = 0; i < answered->finding_count; i++) {
		write_finding(w, &answered->findings[i], answered->asked->matter, context);
	}
	bd_jw_array_end(w);
	write_needless(w, answered);
	write_reasons(w, answered);
	write_looked_up(w, context);
}

static void write_next(struct bd_json_writer *w, enum bd_decision decision)
{
	const struct bd_term *next = bd_decision_next(decision);

	bd_jw_text(w, "next_zh", next->zh);
	bd_jw_text(w, "next_en", next->en);
}

enum bd_code bd_render(struct bd_buf *out, const struct bd_answered *answered,
	const struct bd_answer_context *context)
{
	const struct bd_matter *matter = answered->asked->matter;
	const struct bd_term *decision = bd_decision_term(answered->outcome.decision);
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "receipt", context->receipt);
	if (context->is_sandbox) {
		bd_jw_bool(&w, "sandbox", true);
	}
	bd_jw_text(&w, "matter", matter->id);
	bd_jw_text(&w, "version", matter->version);
	bd_jw_bytes(&w, "case", answered->asked->id);
	bd_jw_text(&w, "decision", decision->name);
	bd_jw_text(&w, "decision_zh", decision->zh);
	bd_jw_time(&w, "at", context->now_ms);
	bd_jw_text(&w, "disclosure", bd_disclosure_name(context->discloses));
	if (context->discloses >= BD_DISCLOSE_CODES) {
		write_findings(&w, answered, context);
	} else {
		write_next(&w, answered->outcome.decision);
	}
	write_outcome(&w, answered, context);
	bd_jw_object_end(&w);
	return w.code;
}
