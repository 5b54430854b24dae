/* grant.c - bidui grant: the grants 授权 of an installation, and whether a question would be
 * allowed. Offline, from the files that biduid reads; nothing is asked of a gateway. */
#include "base/clock.h"
#include "base/json_write.h"
#include "cli/answer.h"
#include "cli/installation.h"
#include "cli/table.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS 8
/* BD_GRANTS_MAX grants, each with its fields. */
#define LIST_MAX_BYTES 16777216
/* Of which the nearest to a wrong one is looked for. */
#define NAMES_MAX 256

struct files {
	const struct bd_cli_options *options;
	struct bd_cli_installation read;
	int32_t today;
};

/* -- list -- */

static struct bd_bytes day_text(struct files *files, int32_t day)
{
	char text[11];

	bd_day_format(text, day);
	return bd_arena_copy(&files->read.arena, bd_bytes_of(text));
}

static const char *state_of(const struct files *files, const struct bd_grant *grant)
{
	return files->today < grant->from    ? bd_cli_say(files->options, "未生效", "to come")
	       : files->today > grant->until ? bd_cli_say(files->options, "已到期", "ended")
					     : bd_cli_say(files->options, "有效", "in force");
}

static const char *giver_of(const struct files *files, const struct bd_grant *grant)
{
	return files->options->is_english ? grant->giver_en : grant->giver_zh;
}

static bool is_wanted(const struct files *files, const struct bd_grant *grant)
{
	const struct bd_cli_options *options = files->options;

	return (options->sender == NULL || strcmp(options->sender, grant->sender) == 0) &&
	       (options->matter == NULL ||
		       (grant->matter != NULL && strcmp(options->matter, grant->matter) == 0)) &&
	       (!options->is_purpose_given || strcmp(options->purpose, grant->purpose) == 0);
}

static void write_grant(struct bd_json_writer *w, struct files *files, const struct bd_grant *grant)
{
	bd_jw_object(w, NULL);
	bd_jw_text(w, "id", grant->id);
	bd_jw_text(w, "sender", grant->sender);
	bd_jw_text(w, "purpose", grant->purpose);
	if (grant->matter != NULL) {
		bd_jw_text(w, "matter", grant->matter);
	} else {
		bd_jw_text(w, "entity", grant->entity->name);
		bd_jw_array(w, "fields");
		for (size_t i = 0; i < grant->entity->field_count; i++) {
			if ((grant->fields & ((uint64_t)1 << i)) != 0) {
				bd_jw_text(w, NULL, grant->entity->fields[i].name);
			}
		}
		bd_jw_array_end(w);
	}
	bd_jw_text(w, "disclosure", bd_disclosure_name(grant->disclosure));
	bd_jw_text(w, "basis", grant->basis);
	bd_jw_bytes(w, "from", day_text(files, grant->from));
	bd_jw_bytes(w, "until", day_text(files, grant->until));
	bd_jw_bool(w, "in_force", grant->from <= files->today && files->today <= grant->until);
	bd_jw_text(w, "given_by_zh", grant->giver_zh);
	bd_jw_text(w, "given_by_en", grant->giver_en);
	bd_jw_object_end(w);
}

static enum bd_cli_exit list_json(struct files *files)
{
	struct bd_json_writer w;
	struct bd_buf body;

	bd_buf_init(&body, LIST_MAX_BYTES);
	bd_jw_init(&w, &body);
	bd_jw_object(&w, NULL);
	bd_jw_array(&w, "grants");
	for (size_t i = 0; i < files->read.grants->count; i++) {
		if (is_wanted(files, &files->read.grants->items[i])) {
			write_grant(&w, files, &files->read.grants->items[i]);
		}
	}
	bd_jw_array_end(&w);
	bd_jw_object_end(&w);
	fwrite(body.ptr, 1, body.len, stdout);
	fputc('\n', stdout);
	bd_buf_release(&body);
	return w.code == BD_OK ? BD_CLI_OK : BD_CLI_USAGE;
}

static enum bd_cli_exit list(struct files *files)
{
	static const char *const heads[2][COLUMNS] = { { "编号", "发送方", "用途", "事项或数据",
							       "披露", "起", "止", "状态" },
		{ "id", "sender", "purpose", "matter or entity", "disclosure", "from", "until",
			"state" } };
	struct bd_bytes cells[COLUMNS];
	struct bd_cli_table table;

	if (files->options->is_json) {
		return list_json(files);
	}
	bd_cli_table_begin(&table, COLUMNS, &files->read.arena);
	for (size_t i = 0; i < COLUMNS; i++) {
		cells[i] = bd_bytes_of(heads[files->options->is_english][i]);
	}
	bd_cli_table_add(&table, cells);
	for (size_t i = 0; i < files->read.grants->count; i++) {
		const struct bd_grant *grant = &files->read.grants->items[i];
		const char *const texts[] = { grant->id, grant->sender, grant->purpose,
			grant->matter != NULL ? grant->matter : grant->entity->name,
			bd_disclosure_name(grant->disclosure) };

		for (size_t c = 0; c < sizeof(texts) / sizeof(texts[0]); c++) {
			cells[c] = bd_bytes_of(texts[c]);
		}
		cells[5] = day_text(files, grant->from);
		cells[6] = day_text(files, grant->until);
		cells[7] = bd_bytes_of(state_of(files, grant));
		if (is_wanted(files, grant)) {
			bd_cli_table_add(&table, cells);
		}
	}
	bd_cli_table_print(stdout, &table, 0);
	return BD_CLI_OK;
}

/* -- test -- */

/* The version in force today, else any. */
static const struct bd_matter *find_matter(const struct files *files)
{
	const struct bd_matter *found = NULL;

	for (size_t i = 0; i < files->read.matter_count; i++) {
		const struct bd_matter *one = files->read.matters[i];

		if (strcmp(one->id, files->options->matter) == 0 &&
			(found == NULL || (one->effective_from <= files->today &&
						  files->today < one->effective_until))) {
			found = one;
		}
	}
	return found;
}

/* False after it has said what is unknown. */
static bool make_asker(struct bd_asker *asker, const struct files *files)
{
	const struct bd_senders *senders = files->read.senders;
	const char *names[NAMES_MAX];
	size_t count = 0;

	*asker = (struct bd_asker){
		.grants = files->read.grants, .sender_number = UINT32_MAX, .day = files->today
	};
	bd_asker_state(
		asker, bd_bytes_of(files->options->purpose != NULL ? files->options->purpose : ""));
	for (size_t i = 0; i < senders->count; i++) {
		if (strcmp(senders->items[i].name, files->options->sender) == 0) {
			asker->sender = senders->items[i].name;
			asker->sender_number = (uint32_t)i;
		}
		if (count < NAMES_MAX) {
			names[count++] = senders->items[i].name;
		}
	}
	if (asker->sender == NULL) {
		bd_cli_unknown(files->options, "没有这个发送方", "no such sender",
			files->options->sender, names, count);
	}
	return asker->sender != NULL;
}

static void say_withheld(const struct files *files, const struct bd_matter *matter)
{
	bool is_any = false;

	for (size_t i = 0; i < matter->element_count; i++) {
		if (!bd_is_approved(&matter->approvals[i], files->today)) {
			printf("%s%s",
				is_any ? ", "
				       : bd_cli_say(files->options,
						 "  其中 "
						 "withheld（用数申请未覆盖或不在有效期内）：",
						 "  withheld for want of an approved use: "),
				matter->elements[i].id);
			is_any = true;
		}
	}
	if (is_any) {
		fputc('\n', stdout);
	}
}

static enum bd_cli_exit say_missing(const struct files *files, const struct bd_diag *diag)
{
	const struct bd_code_info *info = bd_code_info(diag->code);
	const struct bd_missing_grant *missing = &diag->missing;
	bool is_english = files->options->is_english;

	printf("✗ %s (%s)\n", is_english ? info->en : info->zh, info->text);
	if (missing->grant != NULL) {
		printf("  %s %s\n", bd_cli_say(files->options, "现有授权", "there is"),
			missing->grant);
	}
	if (missing->sender != NULL) {
		printf("  %s%s\n", bd_cli_say(files->options, "由谁批准：", "given by: "),
			is_english ? missing->giver_en : missing->giver_zh);
	}
	printf("  %s\n", is_english ? info->hint_en : info->hint_zh);
	return BD_CLI_NEGATIVE;
}

static enum bd_cli_exit test_matter(const struct files *files, const struct bd_asker *asker)
{
	const struct bd_matter *matter = find_matter(files);
	const struct bd_grant *grant = NULL;
	struct bd_diag diag = { .code = BD_OK };
	char until[11];

	if (matter == NULL) {
		bd_cli_unknown(files->options, "没有这个事项", "no such matter",
			files->options->matter, NULL, 0);
		return BD_CLI_USAGE;
	}
	if (bd_grant_matter(&grant, asker, matter, BD_DISCLOSE_NOTHING, &diag) != BD_OK) {
		return say_missing(files, &diag);
	}
	bd_day_format(until, grant->until);
	printf("✓ %s %s, %s, %s %s\n", bd_cli_say(files->options, "允许：", "allowed:"), grant->id,
		bd_disclosure_name(grant->disclosure),
		bd_cli_say(files->options, "有效至", "until"), until);
	printf("  %s%s\n", bd_cli_say(files->options, "批准部门：", "given by: "),
		giver_of(files, grant));
	say_withheld(files, matter);
	return BD_CLI_OK;
}

static enum bd_cli_exit test_entity(struct files *files, const struct bd_asker *asker)
{
	const struct bd_entity *entity =
		bd_dictionary_entity(files->read.dict, files->options->entity);
	const struct bd_sight *sights = NULL;
	struct bd_diag diag = { .code = BD_OK };
	const char *between = "";
	uint64_t held;

	if (entity == NULL) {
		bd_cli_unknown(files->options, "没有这类数据", "no such entity",
			files->options->entity, NULL, 0);
		return BD_CLI_USAGE;
	}
	if (bd_grant_fields(&sights, asker, entity->subject, files->read.dict, &files->read.arena,
		    &diag) != BD_OK) {
		return say_missing(files, &diag);
	}
	held = sights[entity - files->read.dict->entities].held;
	printf("%s %s: ", held != 0 ? "✓" : "✗", entity->name);
	for (size_t i = 0; i < entity->field_count; i++) {
		if ((held & ((uint64_t)1 << i)) != 0) {
			bool is_value = (sights[entity - files->read.dict->entities].values &
						((uint64_t)1 << i)) != 0;

			printf("%s%s%s", between, entity->fields[i].name,
				is_value ? ""
					 : bd_cli_say(files->options, "（仅有无）", " (held)"));
			between = ", ";
		}
	}
	printf("%s\n", held != 0 ? "" : bd_cli_say(files->options, "未获授权", "not granted"));
	return held != 0 ? BD_CLI_OK : BD_CLI_NEGATIVE;
}

static enum bd_cli_exit test(struct files *files)
{
	struct bd_asker asker;

	if (!make_asker(&asker, files)) {
		return BD_CLI_USAGE;
	}
	return files->options->matter != NULL ? test_matter(files, &asker)
					      : test_entity(files, &asker);
}

static enum bd_cli_exit usage(const struct bd_cli_options *options)
{
	bd_cli_notice(options,
		"用法：bidui grant list --config bidui.conf，或 bidui grant test --config "
		"bidui.conf --sender S --purpose P --matter M（或 --entity E）",
		"usage: bidui grant list --config bidui.conf, or bidui grant test --config "
		"bidui.conf --sender S --purpose P --matter M (or --entity E)");
	return BD_CLI_USAGE;
}

/* --on DAY, else today. */
static bool choose_day(struct files *files)
{
	const char *on = files->options->on;

	files->today = bd_day_at(bd_clock_wall_ms());
	return on == NULL || bd_day_parse(&files->today, bd_bytes_of(on));
}

enum bd_cli_exit bd_cli_grant(const struct bd_cli_options *options)
{
	static const struct files nothing;
	struct files files = nothing;
	bool is_list = strcmp(options->args[0], "list") == 0;
	bool is_test = strcmp(options->args[0], "test") == 0 && options->sender != NULL &&
		       (options->matter != NULL) != (options->entity != NULL);
	enum bd_cli_exit result = BD_CLI_CONFIGURATION;

	files.options = options;
	if (options->config == NULL || (!is_list && !is_test) || !choose_day(&files)) {
		return usage(options);
	}
	if (bd_cli_installation_read(&files.read, options->config)) {
		result = is_list ? list(&files) : test(&files);
	} else {
		bd_cli_show_errors(&files.read.diags);
	}
	bd_cli_installation_release(&files.read);
	return result;
}
