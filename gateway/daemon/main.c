/* main.c - biduid: reads its configuration, opens the store, runs the loops, stops in order. */
#include "config.h"

#include "base/clock.h"
#include "base/locked.h"
#include "base/log.h"
#include "daemon/alarms.h"
#include "daemon/credentials.h"
#include "daemon/databases.h"
#include "daemon/folders.h"
#include "daemon/guard.h"
#include "daemon/logins.h"
#include "daemon/main_parts.h"
#include "daemon/nonces.h"
#include "daemon/notify.h"
#include "daemon/puller.h"
#include "daemon/signer.h"
#include "daemon/uploads.h"
#include "daemon/user.h"
#include "daemon/uses.h"
#include "daemon/witness.h"
#include "daemon/witness_file.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Free memory at the end of a heap that is kept. */
#define HEAP_KEPT_BYTES 4194304

/* Files of the store, the trail and the cases, workers, listeners. */
#define OWN_DESCRIPTORS 256

enum exit_code { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIGURATION = 4 };

void bd_main_show_errors(const struct bd_diags *diags)
{
	char line[512];

	for (size_t i = 0; i < diags->count; i++) {
		const struct bd_code_info *info = bd_code_info(diags->items[i].code);

		bd_diag_show(line, sizeof(line), &diags->items[i]);
		fprintf(stderr, "%s (%s；%s)\n", line, info->zh, info->hint_zh);
	}
	if (diags->more > 0) {
		fprintf(stderr, "... +%zu\n", diags->more);
	}
}

void bd_main_tell_why(enum bd_code code, const struct bd_diag *diag)
{
	const struct bd_code_info *info = bd_code_info(code);

	fprintf(stderr, "biduid: %s %s: %s\n%s\n%s\n", info->zh, info->en, diag->detail,
		info->hint_zh, info->hint_en);
}

static enum exit_code check(struct biduid *biduid)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_credentials_check(biduid->setup, &diag);

	bd_setup_unref(biduid->setup);
	if (code != BD_OK) {
		bd_main_tell_why(code, &diag);
		return EXIT_CONFIGURATION;
	}
	puts("配置无误 the configuration is good");
	return EXIT_GOOD;
}

static enum exit_code run(struct biduid *biduid)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_main_start(biduid, &diag);
	bool is_broken;

	if (code != BD_OK) {
		/* Half started, with threads that run: the process ends here, and with it all it
		 * holds, without whatever else is done at an exit. */
		bd_main_tell_why(code, &diag);
		fflush(NULL);
		_exit(code == BD_CHANGE_UNAPPROVED ? EXIT_CONFIGURATION : EXIT_FAILED);
	}
	if (biduid->setup->sandbox.len > 0) {
		bd_log(BD_LOG_WARNING, "main", "sandbox",
			"invented subjects are answered for: not for production");
	}
	bd_uses_log(biduid->setup, bd_day_at(bd_clock_wall_ms()));
	bd_log(BD_LOG_INFO, "main", "ready", "https %u http %u",
		biduid->daemon.loops[0].tls_gate.port, biduid->daemon.loops[0].plain_gate.port);
	uv_run(&biduid->uv, UV_RUN_DEFAULT);
	bd_logins_stop(biduid->daemon.logins);
	bd_notifier_stop(biduid->daemon.notifier);
	bd_alarms_stop(biduid->daemon.alarms);
	is_broken = !bd_writer_stop(biduid->daemon.writer);
	bd_signer_stop(biduid->daemon.signer);
	bd_main_close_own(biduid);
	bd_witness_file_stop(biduid->daemon.witness_file);
	code = bd_trail_close(biduid->daemon.trail, bd_clock_wall_ms(), &diag);
	if (code != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "trail", "close", &diag);
		biduid->has_failed = true;
	}
	bd_witness_close(biduid->daemon.witness);
	bd_sign_key_free(biduid->daemon.trail_key);
	bd_repeats_close(biduid->daemon.repeats);
	for (size_t i = 0; i < biduid->daemon.loop_count; i++) {
		bd_loop_close(&biduid->daemon.loops[i]);
	}
	bd_folders_free(biduid->daemon.folders);
	bd_puller_free(biduid->daemon.puller);
	bd_databases_free(biduid->daemon.databases);
	free(biduid->daemon.loops);
	bd_source_board_free(biduid->daemon.board);
	bd_credentials_free(biduid->daemon.credentials);
	bd_tickets_free(biduid->daemon.tickets);
	bd_uploads_close(biduid->daemon.uploads);
	bd_nonces_free(biduid->daemon.nonces);
	bd_set_aside_free(biduid->daemon.aside);
	bd_store_close(biduid->daemon.store);
	uv_loop_close(&biduid->uv);
	bd_setup_unref(biduid->kept);
	bd_setup_unref(biduid->setup);
	bd_fence_free(biduid->fence);
	/* libuv's own threads end here: what libcrypto keeps for a thread is given back by that
	 * thread as it ends, and by nobody once libcrypto itself was cleaned up at the exit. */
	uv_library_shutdown();
	bd_log(is_broken || biduid->has_failed ? BD_LOG_ERROR : BD_LOG_INFO, "main", "stopped",
		"%s",
		is_broken            ? "the disk did not take what was written"
		: biduid->has_failed ? "the trail has failed"
				     : "in order");
	return is_broken || biduid->has_failed ? EXIT_FAILED : EXIT_GOOD;
}

static int usage(FILE *file, int result)
{
	fputs("用法 usage: biduid --config FILE [--check]\n"
	      "  --config FILE  设置文件 the settings file (bidui.conf)\n"
	      "  --check        检查配置后退出 check the configuration and end\n"
	      "  --version      版本 the version\n"
	      "  --help         本说明 this text\n"
	      "信号 signals: SIGTERM 处理完后停止 finish and stop; SIGHUP 重新读取配置 read the "
	      "configuration again\n"
	      "退出码 exit: 0 正常 good, 1 启动失败或写盘失败 did not start, or the disk failed, 2 "
	      "用法 usage, "
	      "4 配置错误 configuration\n",
		file);
	return result;
}

/* Each connection takes one; who starts us may have left the limit at a shell's. */
static void raise_descriptors(const struct bd_settings *settings)
{
	struct rlimit limit;
	uint64_t wanted = settings->connections_max + OWN_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return;
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted) {
		bd_log(BD_LOG_WARNING, "main", "descriptors",
			"%llu may be open, connections_max needs %llu: raise LimitNOFILE",
			(unsigned long long)limit.rlim_cur, (unsigned long long)wanted);
	}
}

int main(int argc, char **argv)
{
	struct biduid biduid = { .config = NULL };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_diags *diags;
	bool is_check = false;
	enum bd_code code;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
			biduid.config = argv[++i];
		} else if (strcmp(argv[i], "--check") == 0) {
			is_check = true;
		} else if (strcmp(argv[i], "--version") == 0) {
			puts(PACKAGE_STRING);
			return EXIT_GOOD;
		} else {
			bool is_help = strcmp(argv[i], "--help") == 0;

			return usage(is_help ? stdout : stderr, is_help ? EXIT_GOOD : EXIT_USAGE);
		}
	}
	if (biduid.config == NULL) {
		return usage(stderr, EXIT_USAGE);
	}
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	/* What answers are formed in comes and goes thousands of times a second: given back to the
	 * system each time, its pages would be taken and cleared anew for every answer. */
	mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	mallopt(M_MMAP_THRESHOLD, HEAP_KEPT_BYTES / 4);
	code = bd_guard_become(biduid.config, &diag);
	code = code == BD_OK ? bd_user_guard(&diag) : code;
	if (code != BD_OK) {
		bd_main_tell_why(code, &diag);
		return EXIT_CONFIGURATION;
	}
	if (!bd_locked_open()) {
		bd_log(BD_LOG_WARNING, "main", "keys.swap",
			"keys may be swapped out: raise LimitMEMLOCK to 2 MiB");
	}
	diags = calloc(1, sizeof(*diags));
	if (diags == NULL || bd_setup_load(&biduid.setup, biduid.config, NULL, diags) != BD_OK) {
		if (diags != NULL) {
			bd_main_show_errors(diags);
		}
		free(diags);
		return EXIT_CONFIGURATION;
	}
	free(diags);
	if (is_check) {
		return (int)check(&biduid);
	}
	raise_descriptors(biduid.setup->settings);
	return (int)run(&biduid);
}
