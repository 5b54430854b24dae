/* backup.c - bidui backup, restore and rebuild: what is done to a data folder as a whole, offline
 * or beside a running gateway. */
#include "store/backup.h"
#include "base/clock.h"
#include "cli/answer.h"
#include "cli/offline.h"
#include "cli/shares.h"
#include "config/master_key.h"
#include "store/rebuild.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARENA_MAX_BYTES 1048576

static enum bd_cli_exit tell(
	const struct bd_cli_options *options, const struct bd_diag *diag, const char *what)
{
	bd_cli_tell(options, diag, what);
	return BD_CLI_CONFIGURATION;
}

static void show(const struct bd_cli_options *options, const struct bd_backup_report *report,
	const char *zh, const char *en)
{
	if (options->is_json) {
		printf("{\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", report->files,
			report->bytes);
	} else {
		printf("%s%" PRIu64 "%s%" PRIu64 "%s\n", bd_cli_say(options, zh, en), report->files,
			bd_cli_say(options, " 个文件，", " files, "), report->bytes >> 20, " MiB");
	}
}

/* What is done with the settings that are named. */
static enum bd_cli_exit with_settings(const struct bd_cli_options *options,
	enum bd_cli_exit (*act)(const struct bd_cli_options *, const struct bd_settings *))
{
	const struct bd_settings *settings = NULL;
	struct bd_arena arena;
	enum bd_cli_exit result;

	bd_arena_init(&arena, ARENA_MAX_BYTES);
	result = bd_cli_settings(&settings, options, &arena);
	result = result == BD_CLI_OK ? act(options, settings) : result;
	bd_arena_release(&arena);
	return result;
}

enum bd_cli_exit bd_cli_backup(const struct bd_cli_options *options)
{
	const struct bd_settings *settings = NULL;
	struct bd_backup_report report = { 0 };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_arena arena;
	enum bd_cli_exit result;

	bd_arena_init(&arena, ARENA_MAX_BYTES);
	result = bd_cli_settings(&settings, options, &arena);
	if (result == BD_CLI_OK) {
		if (bd_store_backup(&report, settings->data_folder, options->args[0], &diag) !=
				BD_OK ||
			bd_backup_verify(&report, options->args[0], &diag) != BD_OK) {
			result = tell(options, &diag, options->args[0]);
		} else {
			show(options, &report, "已备份并核验：", "backed up and verified: ");
		}
	}
	bd_arena_release(&arena);
	return result;
}

static enum bd_cli_exit restore(
	const struct bd_cli_options *options, const struct bd_settings *settings)
{
	struct bd_backup_report report = { 0 };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_keys *keys = NULL;
	enum bd_code code = bd_master_key_read(&keys, settings, &diag);

	code = code == BD_OK ? bd_backup_restore(&report, options->args[0], settings->data_folder,
				       keys, &diag)
			     : code;
	bd_keys_free(keys);
	if (code != BD_OK) {
		return tell(options, &diag, options->args[0]);
	}
	show(options, &report, "已核验并恢复：", "verified and restored: ");
	bd_cli_notice(options,
		"此备份之后依法删除的主体须重新删除（见其后的审计留痕）；并请销毁早于删除的备份",
		"who was lawfully erased after this backup is to be erased again (see the trail "
		"since); "
		"and backups older than an erasure are to be destroyed");
	return BD_CLI_OK;
}

enum bd_cli_exit bd_cli_restore(const struct bd_cli_options *options)
{
	return with_settings(options, restore);
}

/* -- rebuild -- */

struct watch {
	struct bd_rebuild_watch watch;
	const struct bd_cli_options *options;
	int64_t told_ms;
};

static void on_rows(struct bd_rebuild_watch *self, uint64_t done, uint64_t total)
{
	struct watch *watch = (struct watch *)(void *)self;
	int64_t now_ms = bd_clock_monotonic_ms();

	if (now_ms - watch->told_ms < 200) {
		return;
	}
	watch->told_ms = now_ms;
	fprintf(stderr, "\r%s %" PRIu64 " / %" PRIu64 " ",
		bd_cli_say(watch->options, "已重建", "rebuilt"), done, total);
	fflush(stderr);
}

static enum bd_cli_exit rebuild(
	const struct bd_cli_options *options, const struct bd_settings *settings)
{
	struct watch watch = { .watch = { on_rows }, .options = options };
	struct bd_store_settings store = { .folder = settings->data_folder,
		.map_size_bytes = settings->map_size_bytes,
		.journal_days = (uint32_t)settings->journal_days,
		.history_days = (uint32_t)settings->history_days,
		.cases_days = (uint32_t)settings->cases_days,
		.sealing = (enum bd_sealing)settings->sealing,
		.blinding = (enum bd_blinding)settings->blinding };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_keys *keys = NULL;
	bool is_shown = isatty(STDERR_FILENO);
	enum bd_code code = bd_master_key_read(&keys, settings, &diag);

	store.keys = keys;
	code = code == BD_OK ? bd_store_rebuild(&store, is_shown ? &watch.watch : NULL, &diag)
			     : code;
	bd_keys_free(keys);
	if (watch.told_ms != 0) {
		fputc('\n', stderr);
	}
	if (code != BD_OK) {
		return tell(options, &diag, "rebuild");
	}
	bd_cli_notice(options, "名称已按新的盲化密钥重建，可启动 biduid",
		"every name is blinded anew; biduid can be started");
	return BD_CLI_OK;
}

enum bd_cli_exit bd_cli_rebuild(const struct bd_cli_options *options)
{
	return with_settings(options, rebuild);
}
