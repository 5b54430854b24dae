/* audit_show.c - bidui audit show, audit export: entries of a trail's folder, each checked as it is
 * shown; for people, as JSON a line, or each as a proof of its own that anybody can check. */
#include "base/clock.h"
#include "cli/answer.h"
#include "cli/audit.h"
#include "cli/offline.h"
#include "trail/folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARENA_MAX_BYTES 16777216
#define LINE_MAX_BYTES 4194304

struct showing {
	struct bd_trail_watch watch;
	const struct bd_cli_options *options;
	struct bd_cli_filter filter;
	bool is_export, is_terminal, has_told;
	int64_t told_ms;
	uint64_t shown, last_leaf;
	struct bd_arena arena;
	struct bd_buf line;
	/* of an export: the newest head, and the folder under it */
	struct bd_buf head_body;
	struct bd_trail_signed head;
	struct bd_trail_folder *folder;
};

/* -- progress, for who waits at a terminal -- */

static void on_bytes(struct bd_trail_watch *self, uint64_t done, uint64_t total)
{
	struct showing *showing = (struct showing *)(void *)self;
	int64_t now_ms = bd_clock_monotonic_ms();

	if (!showing->is_terminal || now_ms - showing->told_ms < 200) {
		return;
	}
	showing->told_ms = now_ms;
	showing->has_told = true;
	fprintf(stderr, "\r%s %" PRIu64 " / %" PRIu64 " MiB, %s %" PRIu64 " ",
		bd_cli_say(showing->options, "已核验", "checked"), done >> 20, total >> 20,
		bd_cli_say(showing->options, "符合", "found"), showing->shown);
	fflush(stderr);
}

/* -- one entry -- */

/* What every entry has, whatever its kind. False: damaged, or no room. */
static bool unpack(struct bd_trail_caller *caller, const struct bd_trail_subject **subjects,
	size_t *subject_count, const struct bd_trail_entry *entry, struct bd_arena *arena)
{
	struct bd_trail_receipt receipt;
	struct bd_trail_event event;

	if (entry->kind == BD_TRAIL_COMPARE) {
		if (bd_trail_receipt_unpack(&receipt, entry->payload, arena) != BD_OK) {
			return false;
		}
		*caller = receipt.caller;
		*subjects = receipt.subjects;
		*subject_count = receipt.subject_count;
		return true;
	}
	if (bd_trail_event_unpack(&event, entry->payload, arena) != BD_OK) {
		return false;
	}
	*caller = event.caller;
	*subjects = event.subjects;
	*subject_count = event.subject_count;
	return true;
}

static void put(const struct bd_json *node, const char *key)
{
	struct bd_bytes text = bd_cli_text(node, key);

	putchar(' ');
	bd_cli_put(stdout, text.len > 0 ? text : bd_bytes_of("-"));
}

/* A configuration, or certificates, that did not come into force: why, and where it stands. */
static void print_refused(
	const struct bd_cli_options *options, const struct bd_json *entry, struct bd_arena *arena)
{
	const char *name = bd_arena_text(arena, bd_cli_text(entry, "code"));
	enum bd_code code = name != NULL ? bd_code_find(name) : BD_CODE_COUNT;

	if (!bd_bytes_is(bd_cli_text(entry, "kind"), "config") ||
		!bd_bytes_is(bd_cli_text(entry, "status"), "refused")) {
		return;
	}
	printf(" [%s", bd_bytes_is(bd_cli_text(entry, "of"), "certificates")
			       ? bd_cli_say(options, "证书未生效：", "certificates not taken: ")
			       : bd_cli_say(options, "配置未生效：", "configuration not taken: "));
	if (code != BD_CODE_COUNT) {
		printf("%s", bd_cli_say(options, bd_code_info(code)->zh, bd_code_info(code)->en));
	}
	put(entry, "code");
	put(entry, "path");
	putchar(']');
}

/* When, what, who, why, for which case, and what came of it. */
static void print_text(const struct bd_cli_options *options, const struct bd_json *entry,
	uint64_t leaf, struct bd_arena *arena)
{
	static const char *const outcomes[] = { "decision", "status", "code", "obligation",
		"message", "path", "program" };

	bd_cli_put(stdout, bd_cli_when(bd_cli_text(entry, "at"), arena));
	put(entry, "kind");
	put(entry, "client");
	put(entry, "operator");
	put(entry, "purpose");
	put(entry, "case");
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (bd_cli_text(entry, outcomes[i]).len > 0) {
			put(entry, outcomes[i]);
			break;
		}
	}
	if (bd_cli_text(entry, "disclosed").len > 0) {
		printf(" [");
		bd_cli_put(stdout, bd_cli_text(entry, "disclosed"));
		putchar(']');
	}
	print_refused(options, entry, arena);
	put(entry, "receipt");
	if (leaf == BD_TRAIL_NO_LEAF) {
		printf(" *");
	}
	putchar('\n');
}

static enum bd_code show_entry(
	struct showing *showing, const struct bd_trail_entry *entry, uint64_t leaf)
{
	struct bd_json *json = NULL;
	enum bd_code code;

	bd_buf_clear(&showing->line);
	code = bd_trail_entry_write(&showing->line, entry, &showing->arena);
	if (code != BD_OK) {
		return code;
	}
	if (showing->options->is_json) {
		/* Its place comes last; entries that no head has yet have none. */
		printf("%.*s", (int)showing->line.len - 1, showing->line.ptr);
		if (leaf != BD_TRAIL_NO_LEAF) {
			printf(",\"leaf\":%" PRIu64, leaf);
		}
		puts("}");
		return BD_OK;
	}
	code = bd_json_parse(&json, bd_buf_bytes(&showing->line), &showing->arena, NULL);
	if (code == BD_OK) {
		print_text(showing->options, json, leaf, &showing->arena);
	}
	return code;
}

/* Its path under the newest head, which leads there: what is exported holds. */
static enum bd_code export_entry(
	struct showing *showing, struct bd_bytes body, uint64_t leaf, struct bd_diag *diag)
{
	struct bd_trail_proof proof;
	enum bd_code code = bd_trail_folder_prove(&proof, showing->folder, body, leaf, diag);

	bd_buf_clear(&showing->line);
	code = code == BD_OK ? bd_trail_proof_write(&showing->line, &proof) : code;
	if (code == BD_OK) {
		printf("%.*s\n", (int)showing->line.len, showing->line.ptr);
	}
	return code;
}

static enum bd_code on_entry(struct bd_trail_watch *self, const struct bd_trail_entry *entry,
	struct bd_bytes body, uint64_t leaf, struct bd_diag *diag)
{
	struct showing *showing = (struct showing *)(void *)self;
	const struct bd_trail_subject *subjects = NULL;
	struct bd_trail_caller caller;
	size_t subject_count = 0;
	enum bd_code code;

	bd_arena_clear(&showing->arena);
	if (!unpack(&caller, &subjects, &subject_count, entry, &showing->arena)) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "an entry of no known form");
	}
	if (!bd_cli_filter_fits(&showing->filter, entry, &caller, subjects, subject_count, leaf) ||
		(showing->is_export && leaf >= bd_trail_folder_size(showing->folder))) {
		return BD_OK;
	}
	code = showing->is_export ? export_entry(showing, body, leaf, diag)
				  : show_entry(showing, entry, leaf);
	if (code == BD_OK && ferror(stdout) != 0) {
		return bd_fail(diag, BD_IO, "%s", strerror(errno));
	}
	showing->shown += code == BD_OK;
	showing->last_leaf = leaf != BD_TRAIL_NO_LEAF ? leaf : showing->last_leaf;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "an entry cannot be shown");
}

/* -- an export is under one head: the newest at its beginning -- */

static enum bd_code on_head(
	struct bd_trail_watch *self, const struct bd_trail_signed *head, struct bd_diag *diag)
{
	struct showing *showing = (struct showing *)(void *)self;
	enum bd_code code;

	bd_buf_clear(&showing->head_body);
	code = bd_buf_add(&showing->head_body, head->body);
	showing->head = *head;
	showing->head.body = bd_buf_bytes(&showing->head_body);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

static enum bd_code find_head(struct showing *showing, const char *folder,
	const struct bd_trail_keys *keys, struct bd_diag *diag)
{
	struct bd_trail_report report;
	enum bd_code code;

	showing->watch = (struct bd_trail_watch){ .on_bytes = on_bytes, .on_head = on_head };
	code = bd_trail_verify(&report, folder, keys, NULL, &showing->watch, diag);
	if (code == BD_OK && report.heads == 0) {
		return bd_fail(diag, BD_RECEIPT_PROOF_PENDING, "%s", "");
	}
	return code == BD_OK ? bd_trail_folder_open(&showing->folder, folder, &showing->head, diag)
			     : code;
}

/* -- the folder -- */

static enum bd_code run(struct showing *showing, const char *folder,
	const struct bd_trail_keys *keys, struct bd_diag *diag)
{
	struct bd_trail_report report;
	enum bd_code code = BD_OK;

	if (showing->is_export) {
		code = find_head(showing, folder, keys, diag);
	}
	if (code != BD_OK) {
		return code;
	}
	showing->watch = (struct bd_trail_watch){ .on_bytes = on_bytes, .on_entry = on_entry };
	code = bd_trail_verify(&report, folder, keys, NULL, &showing->watch, diag);
	fflush(stdout);
	return code;
}

static void tell_end(const struct showing *showing)
{
	const struct bd_cli_options *options = showing->options;

	if (showing->has_told) {
		fputc('\n', stderr);
	}
	if (!showing->is_terminal) {
		return;
	}
	fprintf(stderr, "%s %" PRIu64 "\n",
		bd_cli_say(options, "符合条件的留痕：", "entries found:"), showing->shown);
	if (showing->is_export && showing->shown > 0) {
		fprintf(stderr, "%s --after %" PRIu64 "\n",
			bd_cli_say(options, "以后接着导出：", "to go on later:"),
			showing->last_leaf);
	}
}

enum bd_cli_exit bd_cli_audit_show(
	const struct bd_cli_options *options, const char *folder, bool is_export)
{
	static struct showing showing;
	struct bd_trail_keys keys = { NULL, 0 };
	struct bd_diag diag = { .code = BD_OK };
	enum bd_cli_exit result = bd_cli_read_keys(&keys, options);

	showing = (struct showing){ .options = options,
		.is_export = is_export,
		.is_terminal = isatty(STDERR_FILENO) != 0 };
	bd_arena_init(&showing.arena, ARENA_MAX_BYTES);
	bd_buf_init(&showing.line, LINE_MAX_BYTES);
	bd_buf_init(&showing.head_body, BD_TRAIL_HEAD_MAX_BYTES);
	result = result == BD_CLI_OK ? bd_cli_filter_read(&showing.filter, options) : result;
	if (result == BD_CLI_OK) {
		enum bd_code code = run(&showing, folder, &keys, &diag);

		tell_end(&showing);
		if (code != BD_OK) {
			bd_cli_tell(options, &diag, diag.file[0] != '\0' ? diag.file : folder);
		}
		result = code != BD_OK || showing.shown == 0 ? BD_CLI_NEGATIVE : BD_CLI_OK;
	}
	bd_trail_folder_close(showing.folder);
	bd_buf_release(&showing.head_body);
	bd_buf_release(&showing.line);
	bd_arena_release(&showing.arena);
	bd_trail_keys_free(&keys);
	return result;
}
