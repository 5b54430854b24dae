#include "answer/obligation.h"

#include "base/clock.h"
#include "base/digest.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_TEXT_BYTES 5 /* "-0001" */

void bd_obligation_id_write(
	char out[BD_OBLIGATION_ID_TEXT_BYTES], const char *receipt, uint16_t number)
{
	snprintf(out, BD_OBLIGATION_ID_TEXT_BYTES, "%s-%04x", receipt, number);
}

bool bd_obligation_id_read(struct bd_bytes *receipt, uint16_t *number, struct bd_bytes text)
{
	size_t len = text.len - NUMBER_TEXT_BYTES;
	char again[BD_OBLIGATION_ID_TEXT_BYTES];
	uint8_t bytes[2];

	if (text.len <= NUMBER_TEXT_BYTES || text.len >= sizeof(again) || text.ptr[len] != '-' ||
		!bd_unhex(bytes, sizeof(bytes), (struct bd_bytes){ text.ptr + len + 1, 4 })) {
		return false;
	}
	*receipt = (struct bd_bytes){ text.ptr, len };
	*number = (uint16_t)(bytes[0] << 8 | bytes[1]);
	/* One text an id: no capitals, and none has the number 0. */
	snprintf(again, sizeof(again), "-%04x", *number);
	return *number != 0 && memcmp(again, text.ptr + len, NUMBER_TEXT_BYTES) == 0;
}

static enum bd_code due_day(int32_t *due, const struct bd_case *asked, int64_t working_days,
	const struct bd_calendar *calendar, struct bd_diag *diag)
{
	enum bd_code code = bd_workday_add(due, calendar, asked->on, working_days, diag);

	if (code != BD_OK) {
		bd_diag_set_path(diag, "/on");
	}
	return code;
}

static enum bd_code add_materials(struct bd_obligation *list, size_t *count,
	const struct bd_case *asked, const struct bd_outcome *outcome,
	const struct bd_calendar *calendar, struct bd_diag *diag)
{
	const struct bd_matter *matter = asked->matter;
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < matter->material_count && code == BD_OK; i++) {
		const struct bd_material_rule *rule = &matter->materials[i];
		struct bd_obligation one = { .party = BD_PARTY_APPLICANT,
			.id = rule->id,
			.label_zh = rule->label_zh,
			.label_en = rule->label_en,
			.may_follow = bd_material_may_follow(matter, rule) && !outcome->is_excluded,
			.due = BD_NO_DAY };

		if (!bd_material_is_open(asked, i, outcome->branch)) {
			continue;
		}
		if (one.may_follow) {
			one.extension_working_days = rule->extension_working_days;
			one.extensions = rule->extensions;
			code = due_day(&one.due, asked, rule->due_working_days, calendar, diag);
		}
		list[(*count)++] = one;
	}
	return code;
}

static enum bd_code add_checks(struct bd_obligation *list, size_t *count,
	const struct bd_case *asked, const struct bd_finding *findings, size_t finding_count,
	const struct bd_outcome *outcome, const struct bd_calendar *calendar, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < finding_count && code == BD_OK; i++) {
		const struct bd_finding *finding = &findings[i];
		const struct bd_element *element = finding->element;
		struct bd_obligation one = { .party = BD_PARTY_AGENCY,
			.id = element->id,
			.label_zh = element->label_zh,
			.label_en = element->label_en,
			.finding = finding,
			.may_follow = true,
			.extension_working_days = element->agency_extension_working_days,
			.extensions = element->agency_extensions };

		if (element->agency_due_working_days == 0 || bd_finding_is_accepted(finding) ||
			!bd_finding_is_of(finding, outcome->branch)) {
			continue;
		}
		code = due_day(&one.due, asked, element->agency_due_working_days, calendar, diag);
		list[(*count)++] = one;
	}
	return code;
}

enum bd_code bd_obligations(const struct bd_obligation **out, size_t *out_count,
	const struct bd_case *asked, const struct bd_finding *findings, size_t finding_count,
	const struct bd_outcome *outcome, const struct bd_calendar *calendar,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_obligation *list = NULL;
	size_t count = 0;
	enum bd_code code = BD_OK;

	if (outcome->has_missing || outcome->decision == BD_DECISION_CONDITIONAL) {
		list = bd_arena_alloc(
			arena, asked->matter->material_count + finding_count + 1, sizeof(*list));
		if (list == NULL) {
			return bd_fail(diag, bd_arena_code(arena), "%s", "");
		}
		code = add_materials(list, &count, asked, outcome, calendar, diag);
	}
	if (code == BD_OK && outcome->decision == BD_DECISION_CONDITIONAL) {
		code = add_checks(
			list, &count, asked, findings, finding_count, outcome, calendar, diag);
	}
	if (code == BD_OK) {
		*out = list;
		*out_count = count;
	}
	return code;
}

/* -- the notice -- */

static enum bd_code add_line(
	struct bd_buf *out, bool is_english, const struct bd_obligation *one, size_t number)
{
	char day[11];

	if (one->due == BD_NO_DAY) {
		return is_english
			       ? bd_buf_printf(out, " %zu. %s: has to be supplied first.", number,
					 one->label_en)
			       : bd_buf_printf(out, "%zu. %s：须先行提交。", number, one->label_zh);
	}
	bd_day_format(day, one->due);
	return is_english ? bd_buf_printf(out, " %zu. %s: by %s at the latest.", number,
				    one->label_en, day)
			  : bd_buf_printf(
				    out, "%zu. %s：最迟于%s前补齐。", number, one->label_zh, day);
}

enum bd_code bd_notice_of(
	struct bd_buf *out, bool is_english, const char *title, const char *label, int32_t due)
{
	char day[11];

	bd_day_format(day, due);
	return is_english
		       ? bd_buf_printf(out, "%s: still to be handed in: %s, by %s at the latest.",
				 title, label, day)
		       : bd_buf_printf(
				 out, "您办理的“%s”尚缺：%s，最迟于%s前补齐。", title, label, day);
}

static const char *ending(bool is_english, const struct bd_outcome *outcome)
{
	if (outcome->is_excluded) {
		return is_english ? " A commitment cannot be taken in this case: all of it has to "
				    "be supplied, at the counter or online."
				  : "本件不适用告知承诺，请补齐全部材料后办理（窗口或网上均可）。";
	}
	if (outcome->offers_commitment) {
		return is_english ? " With a signed commitment the case is accepted now and the "
				    "materials may follow."
				  : "签署承诺书后即可先行受理，上述材料按期补交。";
	}
	return "";
}

enum bd_code bd_notice(struct bd_buf *out, bool is_english, const struct bd_case *asked,
	const struct bd_obligation *obligations, size_t count, const struct bd_outcome *outcome)
{
	size_t number = 0;
	enum bd_code code;

	if (!outcome->has_missing) {
		return BD_OK;
	}
	code = is_english
		       ? bd_buf_printf(out, "%s: still to be handed in.", asked->matter->title_en)
		       : bd_buf_printf(out, "您办理的“%s”尚缺以下材料：", asked->matter->title_zh);
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		if (obligations[i].party == BD_PARTY_APPLICANT) {
			code = add_line(out, is_english, &obligations[i], ++number);
		}
	}
	return code == BD_OK ? bd_buf_add_text(out, ending(is_english, outcome)) : code;
}
