/* case_check.c - what came out of a case against what it expects. */
#include "answer/case_file.h"
#include "answer/obligation.h"
#include "base/clock.h"
#include "base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct checking {
	struct bd_buf *out;
	const struct bd_compared *compared;
	enum bd_code code;
};

__attribute__((format(printf, 2, 3))) static void tell(
	struct checking *checking, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (checking->code == BD_OK) {
		checking->code = bd_buf_printf(checking->out, "%s\n", line);
	}
}

/* "element", or "element /subjects/role/0". */
static const struct bd_finding *find(const struct bd_compared *compared, struct bd_bytes name)
{
	for (size_t i = 0; i < compared->finding_count; i++) {
		const struct bd_finding *finding = &compared->findings[i];
		char full[256];

		snprintf(full, sizeof(full), "%s %s", finding->element->id,
			finding->subject->pointer);
		if (bd_bytes_is(name, finding->element->id) || bd_bytes_is(name, full)) {
			return finding;
		}
	}
	return NULL;
}

/* The key, and which subject was looked at where several were asked for the element. */
static void label(char *out, size_t size, const struct bd_compared *compared,
	const struct bd_json *want, const struct bd_finding *finding)
{
	size_t count = 0;

	for (size_t i = 0; finding != NULL && i < compared->finding_count; i++) {
		count += compared->findings[i].element == finding->element;
	}
	if (count > 1) {
		snprintf(out, size, "%s %s", finding->element->id, finding->subject->pointer);
	} else {
		snprintf(out, size, "%.*s", (int)want->key.len, want->key.ptr);
	}
}

static uint32_t flags_of(struct checking *checking, const struct bd_json *list)
{
	uint32_t bits = 0;

	for (const struct bd_json *at = list->first; at != NULL; at = at->next) {
		enum bd_finding_flag flag;
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)at->text.len, at->text.ptr);
		if (bd_flag_find(&flag, name)) {
			bits |= flag;
		} else {
			tell(checking, "no flag '%s'", name);
		}
	}
	return bits;
}

static void check_finding(struct checking *checking, const struct bd_json *want)
{
	const struct bd_finding *finding = find(checking->compared, want->key);
	const struct bd_json *code = want->type == BD_JSON_IS_OBJECT ? bd_json_get(want, "code")
								     : want,
			     *flags = bd_json_get(want, "flags"),
			     *reason = bd_json_get(want, "reason");
	const char *is = finding != NULL ? bd_finding_term(finding->code)->name : "not asked";
	bool is_unwanted = want->type == BD_JSON_IS_NULL;
	char name[256];

	label(name, sizeof(name), checking->compared, want, finding);
	if (is_unwanted != (finding == NULL) ||
		(!is_unwanted && (code == NULL || !bd_bytes_is(code->text, is)))) {
		tell(checking, "%s: %s, expected %.*s", name, is,
			code != NULL && !is_unwanted ? (int)code->text.len : 9,
			code != NULL && !is_unwanted ? code->text.ptr : "not asked");
		return;
	}
	if (flags != NULL && finding->flags != flags_of(checking, flags)) {
		tell(checking, "%s: other flags", name);
	}
	if (reason != NULL && !bd_bytes_is(reason->text, finding->reason)) {
		tell(checking, "%s: reason %s", name, finding->reason);
	}
}

static void check_text(
	struct checking *checking, const struct bd_json *want, const char *name, const char *is)
{
	if (want != NULL && !bd_bytes_is(want->text, is)) {
		tell(checking, "%s: %s, expected %.*s", name, is[0] != '\0' ? is : "-",
			(int)want->text.len, want->text.ptr);
	}
}

static void check_obligation(struct checking *checking, const struct bd_json *want)
{
	const struct bd_compared *compared = checking->compared;
	const struct bd_obligation *found = NULL;
	char day[11] = "";

	for (size_t i = 0; i < compared->obligation_count; i++) {
		if (bd_bytes_is(want->key, compared->obligations[i].id)) {
			found = &compared->obligations[i];
		}
	}
	if (found != NULL && found->due != BD_NO_DAY) {
		bd_day_format(day, found->due);
	}
	if (found == NULL ||
		(want->type == BD_JSON_IS_NULL ? day[0] != '\0' : !bd_bytes_is(want->text, day))) {
		tell(checking, "%.*s: %s, expected %.*s", (int)want->key.len, want->key.ptr,
			found == NULL    ? "not owed"
			: day[0] != '\0' ? day
					 : "before anything else",
			want->type == BD_JSON_IS_NULL ? 4 : (int)want->text.len,
			want->type == BD_JSON_IS_NULL ? "null" : want->text.ptr);
	}
}

static void check_notice(struct checking *checking, const struct bd_json *expect)
{
	static const char *const keys[] = { "notice_zh", "notice_en" };
	const struct bd_compared *compared = checking->compared;

	for (int english = 0; english < 2; english++) {
		const struct bd_json *want = bd_json_get(expect, keys[english]);
		struct bd_buf text;

		bd_buf_init(&text, BD_FIELD_MAX_BYTES);
		if (want != NULL &&
			(bd_notice(&text, english == 1, compared->asked, compared->obligations,
				 compared->obligation_count, compared->outcome) != BD_OK ||
				!bd_bytes_equal(want->text, bd_buf_bytes(&text)))) {
			tell(checking, "%s: %.*s", keys[english], (int)text.len, text.ptr);
		}
		bd_buf_release(&text);
	}
}

static void check_outcome(struct checking *checking, const struct bd_json *expect)
{
	const struct bd_outcome *outcome = checking->compared->outcome;
	const struct bd_matter *matter = checking->compared->asked->matter;
	const struct bd_json *excluded = bd_json_get(expect, "excluded");
	char day[11] = "";

	if (outcome->retry_on != BD_NO_DAY) {
		bd_day_format(day, outcome->retry_on);
	}
	if (bd_json_get(expect, "refused") != NULL) {
		tell(checking, "the question was answered, expected that it is refused");
		return;
	}
	if (bd_json_get(expect, "decision") == NULL) {
		tell(checking, "a case expects a decision");
	}
	check_text(checking, bd_json_get(expect, "decision"), "decision",
		bd_decision_term(outcome->decision)->name);
	check_text(checking, bd_json_get(expect, "branch"), "branch",
		outcome->branch != BD_NO_BRANCH ? matter->branches[outcome->branch].id : "");
	check_text(checking, bd_json_get(expect, "retry_on"), "retry_on", day);
	if (excluded != NULL && bd_bytes_is(excluded->text, "true") != outcome->is_excluded) {
		tell(checking, "excluded: %s", outcome->is_excluded ? "true" : "false");
	}
}

enum bd_code bd_case_file_check(struct bd_buf *differences, const struct bd_case_file *file,
	const struct bd_compared *compared)
{
	struct checking checking = { differences, compared, BD_OK };
	const struct bd_json *findings = bd_json_get(file->expect, "findings"),
			     *obligations = bd_json_get(file->expect, "obligations");

	check_outcome(&checking, file->expect);
	check_notice(&checking, file->expect);
	for (const struct bd_json *at = findings != NULL ? findings->first : NULL; at != NULL;
		at = at->next) {
		check_finding(&checking, at);
	}
	for (const struct bd_json *at = obligations != NULL ? obligations->first : NULL; at != NULL;
		at = at->next) {
		check_obligation(&checking, at);
	}
	if (obligations != NULL && obligations->count != compared->obligation_count) {
		tell(&checking, "%zu obligations, expected %zu", compared->obligation_count,
			obligations->count);
	}
	return checking.code;
}

enum bd_code bd_case_file_check_refused(
	struct bd_buf *differences, const struct bd_case_file *file, const struct bd_diag *diag)
{
	struct checking checking = { differences, NULL, BD_OK };
	const struct bd_json *refused = bd_json_get(file->expect, "refused");

	if (refused == NULL) {
		tell(&checking, "refused: %s at %s, expected an answer",
			bd_code_info(diag->code)->text, diag->path);
		return checking.code;
	}
	check_text(
		&checking, bd_json_get(refused, "code"), "refused", bd_code_info(diag->code)->text);
	check_text(&checking, bd_json_get(refused, "at"), "at", diag->path);
	return checking.code;
}
