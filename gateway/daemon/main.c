/* main.c - biduid: reads its configuration, opens the store, runs the loops, stops in order. */
#include "config.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/locked.h"
#include "base/log.h"
#include "config/master_key.h"
#include "daemon/alarms.h"
#include "daemon/changes.h"
#include "daemon/databases.h"
#include "daemon/folders.h"
#include "daemon/follow.h"
#include "daemon/guard.h"
#include "daemon/logins.h"
#include "daemon/loop.h"
#include "daemon/nonces.h"
#include "daemon/puller.h"
#include "daemon/refused.h"
#include "daemon/secret.h"
#include "daemon/signer.h"
#include "daemon/uploads.h"
#include "daemon/user.h"
#include "daemon/uses.h"
#include "daemon/witness.h"
#include "daemon/witness_file.h"
#include "store/obligations.h"
#include "store/reseal.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Free memory at the end of a heap that is kept. */
#define HEAP_KEPT_BYTES 4194304

/* How often it is looked for uploads that are past their time. */
#define SWEEP_MS 60000

/* Files of the store, the trail and the cases, workers, listeners. */
#define OWN_DESCRIPTORS 256

enum exit_code { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIGURATION = 4 };

struct biduid {
	struct bd_daemon daemon;
	const char *config;
	uv_loop_t uv;
	uv_signal_t term, interrupt, hangup;
	uv_timer_t sweeping; /* of uploads that nobody goes on with */
	struct bd_setup *setup;
	struct bd_setup *kept;  /* covers of the one before may still be in the writer's hands */
	size_t reloads_left;    /* loops that have not yet taken the newest setup */
	struct bd_fence *fence; /* NULL = this kernel has none, and that is allowed */
	bool is_reload_wanted, is_stopping, has_failed;
	/* A new epoch of the master key, that the writer notes before the loops are told. */
	struct bd_write epoch_write;
	struct bd_keys *epoch_keys; /* NULL = none */
	struct bd_setup *epoch_setup;
	struct bd_changes changes;
};

static void show_errors(const struct bd_diags *diags)
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

/* Written whole or not at all: who waits for it never reads half of it. */
static enum bd_code write_ports(const struct biduid *biduid, struct bd_diag *diag)
{
	const char *path = biduid->setup->settings->port_file;
	const struct bd_loop *loop = &biduid->daemon.loops[0];
	char draft[4096];
	FILE *file;

	if (path == NULL) {
		return BD_OK;
	}
	snprintf(draft, sizeof(draft), "%s.new", path);
	file = fopen(draft, "w");
	if (file == NULL) {
		return bd_fail(diag, BD_IO, "port_file: %s", strerror(errno));
	}
	if (loop->tls_gate.http != NULL) {
		fprintf(file, "https=%u\n", loop->tls_gate.port);
	}
	if (loop->plain_gate.http != NULL) {
		fprintf(file, "http=%u\n", loop->plain_gate.port);
	}
	if (loop->proxy_gate.http != NULL) {
		fprintf(file, "proxy=%u\n", loop->proxy_gate.port);
	}
	if (fclose(file) != 0 || rename(draft, path) != 0) {
		return bd_fail(diag, BD_IO, "port_file: %s", strerror(errno));
	}
	return BD_OK;
}

/* -- signals -- */

static void stop(struct biduid *biduid)
{
	if (biduid->is_stopping) {
		return;
	}
	biduid->is_stopping = true;
	bd_log(BD_LOG_INFO, "main", "drain", "finishing what has begun");
	/* It waits for the loops: they go on until it has ended. */
	bd_follow_stop(biduid->daemon.follow);
	biduid->daemon.follow = NULL;
	bd_credentials_close(biduid->daemon.credentials);
	for (size_t i = 0; i < biduid->daemon.loop_count; i++) {
		bd_loop_drain(&biduid->daemon.loops[i]);
	}
}

static void on_stop(uv_signal_t *handle, int number)
{
	(void)number;
	stop(handle->data);
}

/* What is not on the disk by now may be lost, and a new start finds out what is: so the process
 * ends, and who supervises it starts it again. */
static void on_trail_failed(struct bd_letter *letter)
{
	struct biduid *biduid =
		CONTAINER(struct biduid, daemon, CONTAINER(struct bd_daemon, trail_letter, letter));

	biduid->has_failed = true;
	stop(biduid);
}

/* To everybody; takes the reference. */
static void hand_out(struct biduid *biduid, struct bd_setup *setup)
{
	bd_setup_unref(biduid->kept);
	biduid->kept = biduid->setup;
	biduid->setup = setup;
	bd_writer_set_covers(biduid->daemon.writer, setup->covers, setup->cover_count);
	bd_set_aside_clear(biduid->daemon.aside);
	bd_follow_reload(biduid->daemon.follow, setup);
	bd_notifier_reload(biduid->daemon.notifier, setup);
	bd_alarms_reload(biduid->daemon.alarms, setup);
	bd_credentials_reload(biduid->daemon.credentials, setup);
	biduid->reloads_left = biduid->daemon.loop_count;
	for (size_t i = 0; i < biduid->daemon.loop_count; i++) {
		bd_loop_reload(&biduid->daemon.loops[i], setup);
	}
}

/* The writer's thread. */
static enum bd_code add_epoch(struct bd_write *write, struct bd_store *store, struct bd_diag *diag)
{
	const struct bd_keys *keys = CONTAINER(struct biduid, epoch_write, write)->epoch_keys;

	return bd_store_add_epoch(store, &keys->items[keys->count - 1], diag);
}

/* In the log, and on the trail. The one in force stays. */
static void refuse_reload(struct biduid *biduid, const struct bd_diag *diag)
{
	bd_log_diag(BD_LOG_ERROR, "main", "reload.refused", diag);
	bd_refused_enter(&biduid->daemon, "configuration", diag);
}

/* Nothing stands in its way any more. Takes the reference. */
static void bring_into_force(struct biduid *biduid, struct bd_setup *setup)
{
	struct bd_diag diag = { .code = BD_OK };

	if (bd_changes_taken(&biduid->changes, setup, bd_clock_wall_ms(), &diag) != BD_OK) {
		refuse_reload(biduid, &diag);
		bd_setup_unref(setup);
		return;
	}
	bd_uses_log(setup, bd_day_at(bd_clock_wall_ms()));
	hand_out(biduid, setup);
}

static void on_epoch_added(struct bd_letter *letter)
{
	struct biduid *biduid =
		CONTAINER(struct biduid, epoch_write, CONTAINER(struct bd_write, letter, letter));
	struct bd_setup *setup = biduid->epoch_setup;
	unsigned epoch = biduid->epoch_keys->items[biduid->epoch_keys->count - 1].epoch;

	bd_keys_free(biduid->epoch_keys);
	biduid->epoch_keys = NULL;
	biduid->epoch_setup = NULL;
	if (biduid->is_stopping) {
		bd_setup_unref(setup);
	} else if (biduid->epoch_write.code != BD_OK) {
		refuse_reload(biduid, &biduid->epoch_write.diag);
		bd_setup_unref(setup);
	} else {
		bd_log(BD_LOG_INFO, "keys", "epoch", "sealing under epoch %u from now on", epoch);
		bring_into_force(biduid, setup);
	}
}

/* Takes the reference. A key that cannot be had, or is another than the one in use, refuses it. */
static void take_setup(struct biduid *biduid, struct bd_setup *setup)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_keys *keys = NULL;
	bool is_new = false;
	enum bd_code code = bd_master_key_read(&keys, setup->settings, &diag);

	code = code == BD_OK ? bd_store_check_epochs(&is_new, biduid->daemon.store, keys, &diag)
			     : code;
	if (code != BD_OK) {
		bd_keys_free(keys);
		bd_setup_unref(setup);
		refuse_reload(biduid, &diag);
	} else if (is_new) {
		biduid->epoch_keys = keys;
		biduid->epoch_setup = setup;
		biduid->epoch_write = (struct bd_write){ .letter = { .deliver = on_epoch_added },
			.home = &biduid->daemon.mailbox,
			.work = add_epoch };
		bd_writer_post(biduid->daemon.writer, &biduid->epoch_write);
	} else {
		bd_keys_free(keys);
		bring_into_force(biduid, setup);
	}
}

static void tell_why(enum bd_code code, const struct bd_diag *diag)
{
	const struct bd_code_info *info = bd_code_info(code);

	fprintf(stderr, "biduid: %s %s: %s\n%s\n%s\n", info->zh, info->en, diag->detail,
		info->hint_zh, info->hint_en);
}

/* Where two people have to agree, only what they agreed on. */
static bool may_take(struct biduid *biduid, const struct bd_setup *next)
{
	struct bd_diag diag = { .code = BD_OK };

	if (bd_changes_allow(&biduid->changes, next, &diag) != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "main", "reload.unapproved", &diag);
		bd_refused_enter(&biduid->daemon, "configuration", &diag);
		tell_why(diag.code, &diag);
		return false;
	}
	return true;
}

/* A configuration with an error leaves the old one in force. */
static void reload(struct biduid *biduid)
{
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	struct bd_setup *setup = NULL;

	if (biduid->is_stopping || diags == NULL) {
		free(diags);
		return;
	}
	if (biduid->reloads_left > 0 || biduid->epoch_keys != NULL) {
		biduid->is_reload_wanted = true;
	} else if (bd_guard_check(biduid->fence, biduid->config, diags) != BD_OK ||
		   bd_setup_load(&setup, biduid->config, biduid->setup, diags) != BD_OK) {
		show_errors(diags);
		refuse_reload(biduid, &diags->items[0]);
	} else if (setup->sources != NULL && biduid->daemon.sources_loop == NULL) {
		const struct bd_diag diag = { .code = BD_CONFIG_RESTART, .detail = "sources_file" };

		bd_setup_unref(setup);
		refuse_reload(biduid, &diag);
	} else if (!may_take(biduid, setup)) {
		bd_setup_unref(setup);
	} else {
		take_setup(biduid, setup);
	}
	free(diags);
}

/* What was approved a moment ago comes into force at once. */
static void on_change(struct bd_letter *letter)
{
	struct bd_change *change = CONTAINER(struct bd_change, letter, letter);
	struct biduid *biduid = CONTAINER(struct biduid, daemon, change->daemon);
	bool is_approved = bd_changes_do(
		&biduid->changes, change, biduid->setup, biduid->config, bd_clock_wall_ms());

	change->letter.deliver = change->answer;
	bd_mailbox_post(change->home, &change->letter);
	if (is_approved) {
		reload(biduid);
	}
}

static void on_hangup(uv_signal_t *handle, int number)
{
	(void)number;
	reload(handle->data);
}

static void on_loop_reloaded(struct bd_letter *letter)
{
	struct bd_loop *loop = CONTAINER(struct bd_loop, reloaded_letter, letter);
	struct biduid *biduid = CONTAINER(struct biduid, daemon, loop->daemon);

	if (--biduid->reloads_left > 0) {
		return;
	}
	bd_log(BD_LOG_INFO, "main", "reload.done", "new configuration in force");
	if (biduid->is_reload_wanted) {
		biduid->is_reload_wanted = false;
		reload(biduid);
	}
}

static void on_loop_drained(struct bd_letter *letter)
{
	struct bd_loop *loop = CONTAINER(struct bd_loop, drained_letter, letter);
	struct biduid *biduid = CONTAINER(struct biduid, daemon, loop->daemon);

	if (--loop->daemon->loops_running == 0) {
		uv_stop(&biduid->uv);
	} else if (loop->daemon->loops_running == 1 && loop->daemon->sources_loop != NULL) {
		bd_loop_let_go(loop->daemon->sources_loop);
	}
}

/* After the threads that may still have something to say: a signal that nobody watches ends a
 * process at once. */
static void close_own(struct biduid *biduid)
{
	uv_close((uv_handle_t *)&biduid->sweeping, NULL);
	uv_close((uv_handle_t *)&biduid->term, NULL);
	uv_close((uv_handle_t *)&biduid->interrupt, NULL);
	uv_close((uv_handle_t *)&biduid->hangup, NULL);
	bd_mailbox_close(&biduid->daemon.mailbox);
	uv_run(&biduid->uv, UV_RUN_DEFAULT);
}

static void on_sweep(uv_timer_t *timer)
{
	struct biduid *biduid = timer->data;

	bd_uploads_sweep(biduid->daemon.uploads, bd_clock_wall_ms());
}

static bool watch_signals(struct biduid *biduid)
{
	biduid->term.data = biduid;
	biduid->interrupt.data = biduid;
	biduid->hangup.data = biduid;
	biduid->sweeping.data = biduid;
	uv_timer_init(&biduid->uv, &biduid->sweeping);
	return uv_signal_init(&biduid->uv, &biduid->term) == 0 &&
	       uv_signal_init(&biduid->uv, &biduid->interrupt) == 0 &&
	       uv_signal_init(&biduid->uv, &biduid->hangup) == 0 &&
	       uv_signal_start(&biduid->term, on_stop, SIGTERM) == 0 &&
	       uv_signal_start(&biduid->interrupt, on_stop, SIGINT) == 0 &&
	       uv_signal_start(&biduid->hangup, on_hangup, SIGHUP) == 0;
}

/* -- start and end -- */

/* Cursors are signed by a key of their own, the same after a restart; so are the digests in the
 * trail made. */
static enum bd_code derive_keys(struct bd_daemon *daemon)
{
	enum bd_code code = bd_store_derive(daemon->cursor_key, daemon->store, "bidui cursor 1");

	return code == BD_OK ? bd_store_derive(daemon->audit_key, daemon->store, "bidui trail 1")
			     : code;
}

/* From here on a digest of a configuration has the departments' keys in it as well. */
static enum bd_code key_digest(struct biduid *biduid)
{
	uint8_t key[BD_MASTER_KEY_BYTES];
	enum bd_code code = bd_store_derive(key, biduid->daemon.store, "bidui configuration 1");

	code = code == BD_OK ? bd_setup_key_digest(biduid->setup, key) : code;
	bd_wipe(key, sizeof(key));
	return code;
}

/* Before anything is done by a configuration: is it the one that two people agreed on? */
static enum bd_code open_changes(struct biduid *biduid, struct bd_diag *diag)
{
	bool is_begun = false;
	enum bd_code code =
		bd_store_derive(biduid->changes.key, biduid->daemon.store, "bidui approvals 1");

	code = code == BD_OK ? bd_changes_open(&biduid->changes, &is_begun, biduid->setup,
				       bd_clock_wall_ms(), diag)
			     : code;
	if (is_begun) {
		bd_log(BD_LOG_WARNING, "main", "approval.begun",
			"what is on the disk is taken as approved; from here on two people agree");
	}
	biduid->daemon.on_change = on_change;
	return code;
}

static enum bd_code open_store(
	struct biduid *biduid, const struct bd_keys *keys, struct bd_diag *diag)
{
	enum bd_code code =
		bd_setup_open_store(&biduid->daemon.store, biduid->setup, keys, false, diag);

	code = code == BD_OK ? derive_keys(&biduid->daemon) : code;
	code = code == BD_OK ? key_digest(biduid) : code;
	code = code == BD_OK ? open_changes(biduid, diag) : code;
	code = code == BD_OK ? bd_owed_follow_cases(biduid->daemon.store, diag) : code;
	if (code == BD_OK &&
		bd_writer_start(&biduid->daemon.writer, biduid->daemon.store) != BD_OK) {
		code = bd_fail(diag, BD_NO_MEMORY, "no writer thread");
	}
	return code;
}

static size_t count_loops(const struct bd_settings *settings)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return settings->loops != 0 ? settings->loops : cores < 1 ? 1 : (size_t)cores;
}

/* Each loop has its log: those that listen, and the one that fetches when there is what to fetch.
 */
static size_t count_logs(const struct bd_setup *setup)
{
	return count_loops(setup->settings) + (setup->settings->sources_file != NULL);
}

static enum bd_code open_trail(struct biduid *biduid, struct bd_diag *diag)
{
	const struct bd_settings *settings = biduid->setup->settings;
	struct bd_daemon *daemon = &biduid->daemon;
	struct bd_trail_settings trail = { .log_count = count_logs(biduid->setup),
		.segment_bytes = settings->trail_segment_bytes,
		.now_ms = bd_clock_wall_ms() };
	struct bd_trail_found found = { 0 };
	char folder[4096];
	enum bd_code code = bd_secret_read_key(
		&daemon->trail_key, settings->signing_key_file, "signing_key_file", diag);

	snprintf(folder, sizeof(folder), "%s/trail", settings->data_folder);
	trail.folder = folder;
	trail.key = daemon->trail_key;
	code = code == BD_OK ? bd_trail_open(&daemon->trail, &found, &trail, diag) : code;
	if (code == BD_OK && (found.cut_bytes > 0 || found.unsigned_entries > 0)) {
		bd_log(BD_LOG_WARNING, "trail", "recovered",
			"%llu entries without a head, %llu bytes cut",
			(unsigned long long)found.unsigned_entries,
			(unsigned long long)found.cut_bytes);
	}
	code = code == BD_OK ? bd_witness_open(&daemon->witness, settings->witness_keys_file,
				       settings->data_folder, daemon->trail_key, diag)
			     : code;
	daemon->trail_letter.deliver = on_trail_failed;
	return code == BD_OK ? bd_witness_file_start(&daemon->witness_file, settings->witness_file,
				       settings->witness_file_every_s, daemon->trail, diag)
			     : code;
}

static enum bd_code open_repeats(struct biduid *biduid, struct bd_diag *diag)
{
	const struct bd_settings *settings = biduid->setup->settings;
	struct bd_daemon *daemon = &biduid->daemon;
	int64_t now_ms = bd_trail_time(NULL, bd_trail_log(daemon->trail, 0), bd_clock_wall_ms());
	char folder[4096];
	enum bd_code code;

	snprintf(folder, sizeof(folder), "%s/repeats", settings->data_folder);
	code = bd_repeats_open(&daemon->repeats, folder, bd_store_ring(daemon->store),
		settings->trail_durability == BD_TRAIL_SYNCED, now_ms, diag);
	return code;
}

static enum bd_code open_loops(struct biduid *biduid, struct bd_diag *diag)
{
	struct bd_daemon *daemon = &biduid->daemon;
	size_t count = count_logs(biduid->setup);
	enum bd_code code = BD_OK;

	daemon->network_count = count_loops(biduid->setup->settings);
	daemon->loops = calloc(count, sizeof(*daemon->loops));
	if (daemon->loops == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "no loops");
	}
	daemon->loop_count = count;
	daemon->sources_loop =
		count > daemon->network_count ? &daemon->loops[daemon->network_count] : NULL;
	if (bd_signer_start(&daemon->signer, daemon) != BD_OK) {
		return bd_fail(diag, BD_NO_MEMORY, "no signer thread");
	}
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		daemon->loops[i].drained_letter.deliver = on_loop_drained;
		daemon->loops[i].reloaded_letter.deliver = on_loop_reloaded;
		code = bd_loop_open(&daemon->loops[i], daemon, (unsigned)i, biduid->setup, diag);
	}
	if (code == BD_OK && daemon->sources_loop != NULL) {
		code = bd_folders_new(&daemon->folders, daemon->sources_loop, diag);
		code = code == BD_OK ? bd_puller_new(&daemon->puller, daemon->sources_loop, diag)
				     : code;
		code = code == BD_OK
			       ? bd_databases_new(&daemon->databases, daemon->sources_loop, diag)
			       : code;
	}
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		code = bd_loop_start(&daemon->loops[i]);
		daemon->loops_running += code == BD_OK;
	}
	return code;
}

static enum bd_code start(struct biduid *biduid, struct bd_diag *diag)
{
	struct bd_keys *keys = NULL;
	enum bd_code code = bd_notifier_prepare(diag);

	/* A command that gives the key lies outside of the fence. */
	code = code == BD_OK ? bd_master_key_read(&keys, biduid->setup->settings, diag) : code;
	code = code == BD_OK ? bd_guard_close(&biduid->fence, biduid->config, biduid->setup, diag)
			     : code;
	code = code == BD_OK ? open_store(biduid, keys, diag) : code;
	bd_keys_free(keys);
	code = code == BD_OK ? open_trail(biduid, diag) : code;
	code = code == BD_OK ? open_repeats(biduid, diag) : code;
	if (code == BD_OK && (uv_loop_init(&biduid->uv) != 0 || !watch_signals(biduid))) {
		code = bd_fail(diag, BD_NO_MEMORY, "no event loop");
	}
	if (code == BD_OK) {
		code = bd_mailbox_open(&biduid->daemon.mailbox, &biduid->uv);
	}
	if (code == BD_OK) {
		code = bd_random(
			(uint8_t *)&biduid->daemon.instance, sizeof(biduid->daemon.instance));
	}
	biduid->daemon.started_ms = bd_clock_wall_ms();
	if (code == BD_OK &&
		bd_tickets_new(&biduid->daemon.tickets, biduid->daemon.instance) != BD_OK) {
		code = bd_fail(diag, BD_NO_MEMORY, "no tickets");
	}
	if (code == BD_OK) {
		code = bd_uploads_open(&biduid->daemon.uploads,
			biduid->setup->settings->data_folder, bd_store_ring(biduid->daemon.store),
			biduid->daemon.started_ms, diag);
	}
	if (code == BD_OK && bd_source_board_new(&biduid->daemon.board) != BD_OK) {
		code = bd_fail(diag, BD_NO_MEMORY, "no board of sources");
	}
	if (code == BD_OK && bd_set_aside_new(&biduid->daemon.aside) != BD_OK) {
		code = bd_fail(diag, BD_NO_MEMORY, "no list of messages set aside");
	}
	if (code == BD_OK && (biduid->daemon.nonces = bd_nonces_new(
				      biduid->setup->settings->signature_window_s * 1000,
				      biduid->daemon.started_ms)) == NULL) {
		code = bd_fail(diag, BD_NO_MEMORY, "no room for nonces");
	}
	if (code == BD_OK && bd_logins_start(&biduid->daemon.logins) != BD_OK) {
		code = bd_fail(diag, BD_NO_MEMORY, "no thread for passwords");
	}
	if (code == BD_OK && bd_alarms_start(&biduid->daemon.alarms, biduid->daemon.store,
				     biduid->daemon.writer, biduid->setup) != BD_OK) {
		code = bd_fail(diag, BD_NO_MEMORY, "no thread for alarms");
	}
	if (code == BD_OK &&
		bd_notifier_start(&biduid->daemon.notifier, biduid->daemon.store,
			biduid->daemon.writer, biduid->daemon.alarms, biduid->setup) != BD_OK) {
		code = bd_fail(diag, BD_NO_MEMORY, "no thread for webhooks");
	}
	if (code == BD_OK) {
		code = bd_credentials_start(&biduid->daemon.credentials, &biduid->daemon,
			biduid->setup, &biduid->uv, diag);
	}
	if (code == BD_OK) {
		code = open_loops(biduid, diag);
	}
	if (code == BD_OK &&
		bd_follow_start(&biduid->daemon.follow, &biduid->daemon, biduid->setup) != BD_OK) {
		code = bd_fail(diag, BD_NO_MEMORY, "no thread that follows obligations");
	}
	if (code == BD_OK) {
		bd_writer_reseal(biduid->daemon.writer, biduid->daemon.repeats);
	}
	if (code == BD_OK) {
		uv_timer_start(&biduid->sweeping, on_sweep, SWEEP_MS, SWEEP_MS);
	}
	return code == BD_OK ? write_ports(biduid, diag) : code;
}

static enum exit_code check(struct biduid *biduid)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_credentials_check(biduid->setup, &diag);

	bd_setup_unref(biduid->setup);
	if (code != BD_OK) {
		tell_why(code, &diag);
		return EXIT_CONFIGURATION;
	}
	puts("配置无误 the configuration is good");
	return EXIT_GOOD;
}

static enum exit_code run(struct biduid *biduid)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = start(biduid, &diag);
	bool is_broken;

	if (code != BD_OK) {
		/* Half started, with threads that run: the process ends here, and with it all it
		 * holds, without whatever else is done at an exit. */
		tell_why(code, &diag);
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
	close_own(biduid);
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
		tell_why(code, &diag);
		return EXIT_CONFIGURATION;
	}
	if (!bd_locked_open()) {
		bd_log(BD_LOG_WARNING, "main", "keys.swap",
			"keys may be swapped out: raise LimitMEMLOCK to 2 MiB");
	}
	diags = calloc(1, sizeof(*diags));
	if (diags == NULL || bd_setup_load(&biduid.setup, biduid.config, NULL, diags) != BD_OK) {
		if (diags != NULL) {
			show_errors(diags);
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
