/* audit.c - bidui audit: the whole trail checked offline, and what of it is in other files. */
#include "cli/audit.h"
#include "base/clock.h"
#include "cli/answer.h"
#include "cli/offline.h"
#include "trail/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARENA_MAX_BYTES 16777216

/* -- progress on a terminal -- */

struct watch {
	struct bd_trail_watch watch;
	const struct bd_cli_options *options;
	int64_t told_ms;
};

static void on_bytes(struct bd_trail_watch *self, uint64_t done, uint64_t total)
{
	struct watch *watch = (struct watch *)(void *)self;
	int64_t now_ms = bd_clock_monotonic_ms();

	if (now_ms - watch->told_ms < 200) {
		return;
	}
	watch->told_ms = now_ms;
	fprintf(stderr, "\r%s %" PRIu64 " / %" PRIu64 " MiB ",
		bd_cli_say(watch->options, "已核验", "checked"), done >> 20, total >> 20);
	fflush(stderr);
}

/* -- what was found -- */

static void write_report(struct bd_json_writer *w, const struct bd_trail_report *report,
	const struct bd_trail_seen *seen, const struct bd_diag *diag)
{
	char instance[24];

	snprintf(instance, sizeof(instance), "%016" PRIx64, report->instance);
	bd_jw_object(w, NULL);
	bd_jw_bool(w, "whole", diag->code == BD_OK);
	bd_jw_text(w, "instance", instance);
	bd_jw_u64(w, "heads", report->heads);
	bd_jw_u64(w, "entries", report->leaves);
	bd_jw_u64(w, "entries_not_yet_signed", report->unsigned_entries);
	bd_jw_time(w, "first_head", report->first_ms);
	bd_jw_time(w, "last_head", report->last_ms);
	bd_jw_bool(w, "closed", report->is_closed);
	bd_jw_bool(w, "running", report->is_running);
	bd_jw_bool(w, "other_files", report->has_stranger);
	if (seen->count > 0) {
		bd_jw_u64(w, "witnessed_heads", seen->count);
		bd_jw_u64(w, "witnessed_entries", seen->items[seen->count - 1].size);
	}
	if (diag->code != BD_OK) {
		const struct bd_code_info *info = bd_code_info(diag->code);

		bd_jw_object(w, "damage");
		bd_jw_text(w, "code", info->text);
		bd_jw_text(w, "file", diag->file);
		bd_jw_u64(w, "offset", diag->place.offset);
		bd_jw_text(w, "detail", diag->detail);
		bd_jw_text(w, "zh", info->zh);
		bd_jw_text(w, "en", info->en);
		bd_jw_object_end(w);
	}
	bd_jw_object_end(w);
}

static void show_text(const struct bd_cli_options *options, const struct bd_trail_report *report,
	struct bd_bytes json, const struct bd_diag *diag)
{
	struct bd_json *reply = NULL;
	struct bd_arena arena;

	if (diag->code == BD_OK) {
		printf("%s\n", bd_cli_say(options, "审计留痕完整：每条记录均在签名之下，次序未变",
				       "the trail is whole: every entry is as it was signed, in "
				       "its order"));
	} else {
		bd_cli_tell(options, diag, diag->file[0] != '\0' ? diag->file : "trail");
		fprintf(stderr, "  %s: %s +%" PRIu64 "\n",
			bd_cli_say(options, "首个损坏之处", "first damaged place"), diag->file,
			diag->place.offset);
		printf("%s\n", bd_cli_say(options, "此前的内容完好：", "good up to there:"));
	}
	if (report->has_stranger) {
		bd_cli_notice(options, "目录中另有不属于留痕的文件",
			"the folder also holds a file that is not the trail's");
	}
	bd_arena_init(&arena, ARENA_MAX_BYTES);
	if (bd_json_parse(&reply, json, &arena, NULL) == BD_OK) {
		bd_cli_show_any(options, reply, &arena);
	}
	bd_arena_release(&arena);
}

static void show(const struct bd_cli_options *options, const struct bd_trail_report *report,
	const struct bd_trail_seen *seen, const struct bd_diag *diag)
{
	struct bd_json_writer w;
	struct bd_buf json;

	bd_buf_init(&json, 65536);
	bd_jw_init(&w, &json);
	write_report(&w, report, seen, diag);
	if (options->is_json) {
		fwrite(json.ptr, 1, json.len, stdout);
		putchar('\n');
	} else {
		show_text(options, report, bd_buf_bytes(&json), diag);
	}
	bd_buf_release(&json);
}

/* -- */

/* --witness: heads that were seen before, countersigned if --witness-key says by whom. */
static enum bd_cli_exit read_seen(struct bd_trail_seen *out, const struct bd_trail_keys *keys,
	const struct bd_cli_options *options)
{
	struct bd_trail_keys witnesses = { NULL, 0 };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_buf text;
	enum bd_cli_exit result = BD_CLI_OK;

	if (options->witness_key != NULL) {
		result = bd_cli_read_keys_of(&witnesses, options, options->witness_key);
	}
	bd_buf_init(&text, BD_CLI_WITNESS_FILE_MAX_BYTES);
	if (result == BD_CLI_OK && !bd_cli_read_file(&text, options, options->witness)) {
		result = BD_CLI_CONFIGURATION;
	}
	if (result == BD_CLI_OK &&
		bd_trail_seen_read(out, bd_buf_bytes(&text), keys,
			options->witness_key != NULL ? &witnesses : NULL, &diag) != BD_OK) {
		bd_cli_tell(options, &diag, options->witness);
		result = diag.code == BD_TRAIL_DAMAGED ? BD_CLI_NEGATIVE : BD_CLI_CONFIGURATION;
	}
	bd_buf_release(&text);
	bd_trail_keys_free(&witnesses);
	return result;
}

static enum bd_cli_exit verify(const struct bd_cli_options *options, const char *folder)
{
	struct watch watch = { .watch = { .on_bytes = on_bytes }, .options = options };
	struct bd_trail_seen seen = { NULL, 0, 0 };
	struct bd_trail_keys keys = { NULL, 0 };
	struct bd_trail_report report;
	struct bd_diag diag = { .code = BD_OK };
	bool is_watched = isatty(STDERR_FILENO) != 0;
	enum bd_cli_exit result = bd_cli_read_keys(&keys, options);

	if (result == BD_CLI_OK && options->witness != NULL) {
		result = read_seen(&seen, &keys, options);
	}
	if (result == BD_CLI_OK) {
		if (bd_trail_verify(&report, folder, &keys, options->witness != NULL ? &seen : NULL,
			    is_watched ? &watch.watch : NULL, &diag) != BD_OK) {
			result = BD_CLI_NEGATIVE;
		}
		if (watch.told_ms != 0) {
			fputc('\n', stderr);
		}
		show(options, &report, &seen, &diag);
	}
	bd_trail_seen_free(&seen);
	bd_trail_keys_free(&keys);
	return result;
}

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static const struct bd_cli_view fetched = { is_always_good, bd_cli_show_any };

enum bd_cli_exit bd_cli_audit(const struct bd_cli_options *options)
{
	if (strcmp(options->args[0], "verify") == 0 && options->arg_count == 2) {
		return verify(options, options->args[1]);
	}
	if (strcmp(options->args[0], "head") == 0 && options->arg_count == 1) {
		struct bd_cli_options as_it_is = *options;
		struct bd_cli_request request = { .method = "GET", .path = "/v1/trail/head" };

		as_it_is.is_json = true;
		return bd_cli_ask(&as_it_is, &request, &fetched);
	}
	if (strcmp(options->args[0], "show") == 0 && options->arg_count == 2) {
		return bd_cli_audit_show(options, options->args[1], false);
	}
	if (strcmp(options->args[0], "export") == 0 && options->arg_count == 2) {
		return bd_cli_audit_show(options, options->args[1], true);
	}
	if (strcmp(options->args[0], "witness") == 0 && options->arg_count == 2) {
		return bd_cli_audit_witness(options, options->args[1]);
	}
	if (strcmp(options->args[0], "digest") == 0 && options->arg_count == 2) {
		return bd_cli_audit_digest(options, options->args[1]);
	}
	bd_cli_notice(options,
		"用法：bidui audit verify FOLDER --key PUB [--witness FILE [--witness-key PUB]]，"
		"audit show|export FOLDER --key PUB [筛选条件]，audit witness FILE --key PUB "
		"--witness-key KEY，audit digest FILE|-，audit head",
		"usage: bidui audit verify FOLDER --key PUB [--witness FILE [--witness-key PUB]], "
		"audit show|export FOLDER --key PUB [FILTER...], audit witness FILE --key PUB "
		"--witness-key KEY, audit digest FILE|-, audit head");
	return BD_CLI_USAGE;
}
