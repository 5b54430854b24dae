#include "config/adapter.h"
#include "cli/answer.h"
#include "config/dictionary.h"

#include <string.h>

/* The dictionary and one compiled adapter with its code maps (some thousand rows). */
#define PLAN_MAX_BYTES 67108864

static void show_plan(const struct bd_cli_options *options, const struct bd_plan *plan)
{
	if (options->is_json) {
		printf("{\"source\":\"%s\",\"version\":\"%s\",\"feeds\":%zu}\n", plan->source,
			plan->version, plan->feed_count);
		return;
	}
	printf("%s %s %s\n", plan->source, plan->version,
		options->is_english ? plan->label_en : plan->label_zh);
	for (size_t i = 0; i < plan->feed_count; i++) {
		const struct bd_feed_plan *feed = &plan->feeds[i];
		printf("  %s (%s): %zu %s\n", feed->name, feed->label_zh, feed->section_count,
			bd_cli_say(options, "段", "sections"));
	}
}

static enum bd_cli_exit validate(const struct bd_cli_options *options, const char *folder)
{
	struct bd_arena arena;
	static const struct bd_diags no_diags;
	struct bd_diags diags = no_diags;
	const struct bd_dictionary *dictionary = NULL;
	const struct bd_plan *plan = NULL;
	enum bd_cli_exit result = BD_CLI_CONFIGURATION;
	char path[4096];
	bd_arena_init(&arena, PLAN_MAX_BYTES);
	int len = snprintf(path, sizeof(path), "%s/common.xml", options->schemas);
	if (len < 0 || (size_t)len >= sizeof(path)) {
		goto out;
	}
	if (bd_config_dictionary_all(&dictionary, path, &arena, &diags) == BD_OK &&
		bd_config_adapter(&plan, folder, options->schemas, dictionary, &arena, &diags) ==
			BD_OK) {
		show_plan(options, plan);
		result = BD_CLI_OK;
	}
	bd_cli_show_errors(&diags);
out:
	bd_arena_release(&arena);
	return result;
}

/* What would be stored, as the gateway's own worker sees it: a push that stores nothing. */
static enum bd_cli_exit run_sample(const struct bd_cli_options *options, char *feed, char *file)
{
	struct bd_cli_options dry = *options;
	char *slash = strchr(feed, '/');
	if (slash == NULL) {
		bd_cli_notice(options, "数据流写作 数据源/数据流", "write the feed as SOURCE/FEED");
		return BD_CLI_USAGE;
	}
	*slash = '\0';
	dry.source = feed;
	dry.feed = slash + 1;
	dry.is_dry_run = true;
	dry.args = &file;
	dry.arg_count = 1;
	return bd_cli_push(&dry);
}

enum bd_cli_exit bd_cli_adapter(const struct bd_cli_options *options)
{
	char **args = options->args;
	if (strcmp(args[0], "validate") == 0 && options->arg_count == 2) {
		return validate(options, args[1]);
	}
	if (strcmp(args[0], "run") == 0 && options->arg_count == 3) {
		return run_sample(options, args[1], args[2]);
	}
	bd_cli_notice(options,
		"用法：bidui adapter validate DIR，或 bidui adapter run SOURCE/FEED FILE",
		"usage: bidui adapter validate DIR, or bidui adapter run SOURCE/FEED FILE");
	return BD_CLI_USAGE;
}
