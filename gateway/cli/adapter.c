#include "cli/adapter.h"

#include "base/json_write.h"
#include "cli/answer.h"
#include "config/adapter.h"
#include "config/dictionary.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES 4096
/* At most 64 errors of a few hundred bytes, and a feed a line. */
#define REPORT_MAX_BYTES 1048576

/* -- a plan -- */

bool bd_cli_plan_read(
	struct bd_cli_plan *plan, const struct bd_cli_options *options, const char *folder)
{
	static const struct bd_cli_plan nothing;
	char common[PATH_BYTES];
	int len = snprintf(common, sizeof(common), "%s/common.xml", options->schemas);

	*plan = nothing;
	bd_arena_init(&plan->arena, BD_CLI_PLAN_MAX_BYTES);
	if (len < 0 || (size_t)len >= sizeof(common)) {
		bd_diags_add(&plan->diags, BD_CONFIG_REFERENCE, "", 0, 0, "--schemas is too long");
		return false;
	}
	return bd_config_dictionary_all(&plan->dict, common, &plan->arena, &plan->diags) == BD_OK &&
	       bd_config_adapter(&plan->plan, folder, options->schemas, plan->dict, &plan->arena,
		       &plan->diags) == BD_OK;
}

void bd_cli_plan_release(struct bd_cli_plan *plan)
{
	bd_arena_release(&plan->arena);
}

/* -- validate -- */

static void write_errors(struct bd_json_writer *w, const struct bd_diags *diags)
{
	bd_jw_array(w, "errors");
	for (size_t i = 0; i < diags->count; i++) {
		const struct bd_diag *diag = &diags->items[i];
		const struct bd_code_info *info = bd_code_info(diag->code);

		bd_jw_object(w, NULL);
		bd_jw_text(w, "file", diag->file);
		bd_jw_u64(w, "line", diag->place.line);
		bd_jw_u64(w, "column", diag->place.column);
		bd_jw_text(w, "code", info->text);
		bd_jw_text(w, "zh", info->zh);
		bd_jw_text(w, "en", info->en);
		bd_jw_text(w, "detail", diag->detail);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
	bd_jw_u64(w, "more", diags->more);
}

static void write_feeds(struct bd_json_writer *w, const struct bd_plan *plan)
{
	bd_jw_text(w, "source", plan->source);
	bd_jw_text(w, "version", plan->version);
	bd_jw_array(w, "feeds");
	for (size_t i = 0; i < plan->feed_count; i++) {
		bd_jw_object(w, NULL);
		bd_jw_text(w, "name", plan->feeds[i].name);
		bd_jw_text(w, "label_zh", plan->feeds[i].label_zh);
		bd_jw_u64(w, "sections", plan->feeds[i].section_count);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

static bool show_json(const struct bd_cli_plan *plan, bool is_valid)
{
	struct bd_json_writer w;
	struct bd_buf out;

	bd_buf_init(&out, REPORT_MAX_BYTES);
	bd_jw_init(&w, &out);
	bd_jw_object(&w, NULL);
	bd_jw_bool(&w, "valid", is_valid);
	if (is_valid) {
		write_feeds(&w, plan->plan);
	}
	write_errors(&w, &plan->diags);
	bd_jw_object_end(&w);
	if (w.code == BD_OK) {
		printf("%.*s\n", (int)out.len, out.ptr);
	}
	bd_buf_release(&out);
	return w.code == BD_OK;
}

static void show_text(const struct bd_cli_options *options, const struct bd_plan *plan)
{
	printf("%s %s %s\n", plan->source, plan->version,
		options->is_english ? plan->label_en : plan->label_zh);
	for (size_t i = 0; i < plan->feed_count; i++) {
		const struct bd_feed_plan *feed = &plan->feeds[i];

		printf("  %s (%s): %zu %s\n", feed->name, feed->label_zh, feed->section_count,
			bd_cli_say(options, "段", "sections"));
	}
}

static enum bd_cli_exit validate(const struct bd_cli_options *options, char *folder)
{
	struct bd_cli_plan plan;
	size_t len = strlen(folder);

	/* As a shell completes it. */
	while (len > 1 && folder[len - 1] == '/') {
		folder[--len] = '\0';
	}
	bool is_valid = bd_cli_plan_read(&plan, options, folder);
	if (options->is_json) {
		is_valid = show_json(&plan, is_valid) && is_valid;
	} else if (is_valid) {
		show_text(options, plan.plan);
	} else {
		bd_cli_show_errors(&plan.diags);
	}
	bd_cli_plan_release(&plan);
	return is_valid ? BD_CLI_OK : BD_CLI_CONFIGURATION;
}

enum bd_cli_exit bd_cli_adapter(const struct bd_cli_options *options)
{
	static const char *const names[] = { "validate", "run" };
	char **args = options->args;

	if (strcmp(args[0], "validate") == 0 && options->arg_count == 2) {
		return validate(options, args[1]);
	}
	if (strcmp(args[0], "run") == 0 && options->arg_count == 3) {
		return bd_cli_sample(options, args[1], args[2]);
	}
	if (strcmp(args[0], "validate") != 0 && strcmp(args[0], "run") != 0) {
		bd_cli_unknown(options, "没有这个子命令", "no such subcommand", args[0], names, 2);
		return BD_CLI_USAGE;
	}
	bd_cli_notice(options,
		"用法：bidui adapter validate DIR，或 bidui adapter run SOURCE/FEED FILE",
		"usage: bidui adapter validate DIR, or bidui adapter run SOURCE/FEED FILE");
	return BD_CLI_USAGE;
}
