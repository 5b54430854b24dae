/* matter.c - bidui matter: check matters, run the cases beside them. Nothing is asked of a gateway
 * but a back-test (backtest.c). */
#include "config/matter.h"
#include "answer/case_file.h"
#include "answer/decide.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/answer.h"
#include "config/adapter.h"
#include "config/calendar.h"
#include "config/dictionary.h"
#include "config/file.h"

#include <stdio.h>
#include <string.h>

/* The dictionary, the adapters and every matter with its lists. */
#define CONFIGURATION_MAX_BYTES 268435456
#define PATH_BYTES 4096
#define DIFFERENCES_MAX_BYTES 65536

/* Columns of the table; the last one is free. */
#define CASE_COLUMNS 34
#define DECISION_COLUMNS 24

struct testing {
	const struct bd_cli_options *options;
	struct bd_arena arena; /* configuration */
	struct bd_diags diags;
	const struct bd_dictionary *dict;
	const struct bd_calendar *calendar;
	const char *const *sources;
	size_t source_count;
	const struct bd_plan **plans;
	size_t passed, failed;
};

static bool join(char path[PATH_BYTES], const char *folder, const char *name)
{
	int len = snprintf(path, PATH_BYTES, "%s/%s", folder, name);

	return len > 0 && len < PATH_BYTES;
}

static bool load_plans(struct testing *testing)
{
	const struct bd_cli_options *options = testing->options;
	struct bd_diag diag = { .code = BD_OK };

	if (bd_config_sources(&testing->sources, &testing->source_count, options->adapters,
		    &testing->arena, &diag) != BD_OK) {
		fprintf(stderr, "%s: %s\n", options->adapters, diag.detail);
		return false;
	}
	testing->plans =
		bd_arena_alloc(&testing->arena, testing->source_count + 1, sizeof(*testing->plans));
	for (size_t i = 0; testing->plans != NULL && i < testing->source_count; i++) {
		char folder[PATH_BYTES];

		if (!join(folder, options->adapters, testing->sources[i]) ||
			bd_config_adapter(&testing->plans[i], folder, options->schemas,
				testing->dict, &testing->arena, &testing->diags) != BD_OK) {
			return false;
		}
	}
	return testing->plans != NULL;
}

static bool load(struct testing *testing)
{
	char common[PATH_BYTES], calendar[PATH_BYTES];

	return join(common, testing->options->schemas, "common.xml") &&
	       join(calendar, testing->options->schemas, "calendar/holidays.tsv") &&
	       bd_config_dictionary_all(&testing->dict, common, &testing->arena, &testing->diags) ==
		       BD_OK &&
	       bd_config_calendar(&testing->calendar, calendar, &testing->arena, &testing->diags) ==
		       BD_OK &&
	       load_plans(testing);
}

static bool read_matter(struct testing *testing, const struct bd_matter *const **versions,
	size_t *count, const char *folder)
{
	if (bd_config_matter(versions, count, folder, testing->options->schemas, testing->dict,
		    &testing->arena, &testing->diags) != BD_OK) {
		return false;
	}
	for (size_t i = 0; i < *count; i++) {
		bd_config_matter_covered(
			(*versions)[i], testing->plans, testing->source_count, &testing->diags);
	}
	return bd_diags_code(&testing->diags) == BD_OK;
}

/* -- one case -- */

static void print_cell(const char *text, size_t columns)
{
	size_t used = bd_text_columns(bd_bytes_of(text));

	printf("%s%*s", text, used < columns ? (int)(columns - used) : 1, "");
}

/* What was not accepted, and why; "-" where nothing is. */
static void print_findings(const struct testing *testing, const struct bd_compared *compared)
{
	const char *between = "";

	for (size_t i = 0; i < compared->finding_count; i++) {
		const struct bd_finding *finding = &compared->findings[i];
		const struct bd_term *reason = bd_reason_term(finding->reason);
		bool is_english = testing->options->is_english;

		if (bd_finding_is_accepted(finding)) {
			continue;
		}
		printf("%s%s=%s", between, finding->element->id,
			bd_finding_term(finding->code)->name);
		if (reason != NULL) {
			printf(is_english ? " (%s)" : "（%s）",
				is_english ? reason->en : reason->zh);
		}
		between = "; ";
	}
	printf("%s\n", between[0] == '\0' ? "-" : "");
}

static void print_json(
	const char *name, const char *decision, bool is_good, const struct bd_buf *differences)
{
	printf("{\"case\":\"%s\",\"decision\":\"%s\",\"as_expected\":%s,\"differences\":%zu}\n",
		name, decision, is_good ? "true" : "false", differences->len);
}

/* compared NULL: the question was refused. */
static void report(struct testing *testing, const char *name, const struct bd_compared *compared,
	const struct bd_buf *differences)
{
	static const struct bd_term refused = { "refused", "问题不予受理", "refused" };
	const struct bd_term *decision =
		compared != NULL ? bd_decision_term(compared->outcome->decision) : &refused;
	bool is_good = differences->len == 0;
	char shown[96];

	testing->passed += is_good;
	testing->failed += !is_good;
	if (testing->options->is_json) {
		print_json(name, decision->name, is_good, differences);
		return;
	}
	snprintf(shown, sizeof(shown), "%s %s", decision->name,
		testing->options->is_english ? "" : decision->zh);
	printf("  %s ", is_good ? "✓" : "✗");
	print_cell(name, CASE_COLUMNS);
	print_cell(shown, DECISION_COLUMNS);
	if (compared != NULL) {
		print_findings(testing, compared);
	} else {
		printf("-\n");
	}
	if (!is_good) {
		printf("      %.*s", (int)differences->len, differences->ptr);
	}
}

static void unreadable(struct testing *testing, const char *name, const struct bd_diag *diag)
{
	testing->failed++;
	for (; diag != NULL && diag->code != BD_OK; diag = diag->next) {
		const struct bd_code_info *info = bd_code_info(diag->code);

		fprintf(stderr, "  ✗ %s:%u:%u %s %s %s %s\n", name, diag->place.line,
			diag->place.column, diag->path, info->text,
			testing->options->is_english ? info->en : info->zh, diag->detail);
	}
}

/* Asks what the file asks and tells what came out. */
static enum bd_code ask(struct testing *testing, struct bd_answer_context *context,
	struct bd_case_file *file, const char *name, struct bd_arena *arena)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_compared compared;
	struct bd_buf answer, differences;
	enum bd_code code;
	bool is_answered;

	bd_buf_init(&answer, BD_ANSWER_MAX_BYTES);
	bd_buf_init(&differences, DIFFERENCES_MAX_BYTES);
	context->source = &file->source;
	context->now_ms = file->now_ms;
	is_answered =
		bd_compare(&answer, &compared, file->question, context, arena, &diag) == BD_OK;
	code = is_answered ? bd_case_file_check(&differences, file, &compared)
			   : bd_case_file_check_refused(&differences, file, &diag);
	if (code == BD_OK) {
		report(testing, name, is_answered ? &compared : NULL, &differences);
	}
	bd_buf_release(&differences);
	bd_buf_release(&answer);
	return code;
}

static void run_case(struct testing *testing, const struct bd_matter *const *versions,
	size_t version_count, const char *folder, const char *name)
{
	struct bd_answer_context context = { .asker = &bd_asker_itself,
		.dict = testing->dict,
		.matters = versions,
		.matter_count = version_count,
		.calendar = testing->calendar,
		.receipt = "test",
		.sources = testing->sources,
		.source_count = testing->source_count };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_case_file *file = NULL;
	struct bd_bytes json;
	struct bd_arena arena;
	char path[PATH_BYTES];
	enum bd_code code = join(path, folder, name) ? BD_OK : BD_LIMIT_BYTES;

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	code = code == BD_OK ? bd_file_read(&json, path, &arena) : code;
	code = code == BD_OK ? bd_case_file_read(&file, json, testing->dict, &arena, &diag)
			     : bd_fail(&diag, code, "the file cannot be read");
	code = code == BD_OK ? ask(testing, &context, file, name, &arena) : code;
	if (code != BD_OK) {
		unreadable(testing, name, &diag);
	}
	bd_arena_release(&arena);
}

static bool test_matter(struct testing *testing, const char *folder)
{
	const struct bd_matter *const *versions = NULL;
	const char *const *names = NULL;
	char cases[PATH_BYTES];
	size_t version_count = 0, count = 0;

	if (!read_matter(testing, &versions, &version_count, folder) ||
		!join(cases, folder, "cases") ||
		bd_file_list(&names, &count, cases, ".json", &testing->arena) != BD_OK) {
		return false;
	}
	if (!testing->options->is_json) {
		printf("%s %s\n", versions[version_count - 1]->id,
			testing->options->is_english ? versions[version_count - 1]->title_en
						     : versions[version_count - 1]->title_zh);
	}
	for (size_t i = 0; i < count; i++) {
		run_case(testing, versions, version_count, cases, names[i]);
	}
	return true;
}

/* -- the commands -- */

static bool test_named(
	struct testing *testing, const char *top, const char *const *ids, size_t count)
{
	bool is_good = true;

	for (size_t i = 0; i < count; i++) {
		char folder[PATH_BYTES];

		is_good = join(folder, top, ids[i]) && test_matter(testing, folder) && is_good;
	}
	return is_good;
}

static enum bd_cli_exit test(struct testing *testing)
{
	const struct bd_cli_options *options = testing->options;
	const char *const *ids = (const char *const *)(void *)&options->args[1];
	size_t count = (size_t)options->arg_count - 1;
	struct bd_diag diag = { .code = BD_OK };
	char top[PATH_BYTES];

	if (!load(testing) || !join(top, options->schemas, "matters") ||
		(count == 0 &&
			bd_config_matters(&ids, &count, top, &testing->arena, &diag) != BD_OK) ||
		!test_named(testing, top, ids, count)) {
		bd_cli_show_errors(&testing->diags);
		return BD_CLI_CONFIGURATION;
	}
	if (!options->is_json) {
		printf(options->is_english ? "%zu cases as expected, %zu not\n"
					   : "%zu 个办件符合预期，%zu 个不符\n",
			testing->passed, testing->failed);
	}
	return testing->failed == 0 && testing->passed > 0 ? BD_CLI_OK : BD_CLI_NEGATIVE;
}

/* A shell completes a folder with a slash behind it; its name is what stands before. */
static bool name_folder(char path[PATH_BYTES], const char *given)
{
	size_t len = strlen(given);

	while (len > 1 && given[len - 1] == '/') {
		len--;
	}
	return snprintf(path, PATH_BYTES, "%.*s", (int)len, given) < PATH_BYTES;
}

static enum bd_cli_exit validate(struct testing *testing)
{
	const struct bd_cli_options *options = testing->options;
	const struct bd_matter *const *versions = NULL;
	size_t count = 0;
	char folder[PATH_BYTES];
	bool is_good = name_folder(folder, options->args[1]) && load(testing) &&
		       read_matter(testing, &versions, &count, folder);

	bd_cli_show_errors(&testing->diags);
	for (size_t i = 0; is_good && i < count; i++) {
		printf("%s %s %s\n", versions[i]->id, versions[i]->version,
			options->is_english ? versions[i]->title_en : versions[i]->title_zh);
	}
	return is_good ? BD_CLI_OK : BD_CLI_CONFIGURATION;
}

enum bd_cli_exit bd_cli_matter(const struct bd_cli_options *options)
{
	static const struct testing nothing;
	struct testing testing = nothing;
	enum bd_cli_exit result = BD_CLI_USAGE;

	testing.options = options;
	bd_arena_init(&testing.arena, CONFIGURATION_MAX_BYTES);
	if (strcmp(options->args[0], "test") == 0) {
		result = test(&testing);
	} else if (strcmp(options->args[0], "validate") == 0 && options->arg_count == 2) {
		result = validate(&testing);
	} else if (strcmp(options->args[0], "backtest") == 0 && options->arg_count == 2 &&
		   options->since != NULL) {
		result = bd_cli_backtest(options, options->args[1]);
	} else {
		bd_cli_notice(options,
			"用法：bidui matter validate DIR，或 bidui matter test [事项…]，或 bidui "
			"matter backtest NEW.xml --since 30d",
			"usage: bidui matter validate DIR, or bidui matter test [MATTER...], or "
			"bidui matter backtest NEW.xml --since 30d");
	}
	bd_arena_release(&testing.arena);
	return result;
}
