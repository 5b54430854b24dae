/* main_start.c - everything biduid consists of, opened in the order in which one needs the other.
 */
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "config/master_key.h"
#include "daemon/alarms.h"
#include "daemon/databases.h"
#include "daemon/folders.h"
#include "daemon/follow.h"
#include "daemon/guard.h"
#include "daemon/logins.h"
#include "daemon/main_parts.h"
#include "daemon/nonces.h"
#include "daemon/puller.h"
#include "daemon/secret.h"
#include "daemon/signer.h"
#include "daemon/uploads.h"
#include "daemon/witness.h"
#include "daemon/witness_file.h"
#include "store/obligations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often it is looked for uploads that are past their time. */
#define SWEEP_MS 60000

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
	biduid->daemon.on_change = bd_main_on_change;
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
	daemon->trail_letter.deliver = bd_main_on_trail_failed;
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
		daemon->loops[i].drained_letter.deliver = bd_main_on_loop_drained;
		daemon->loops[i].reloaded_letter.deliver = bd_main_on_loop_reloaded;
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

static void on_sweep(uv_timer_t *timer)
{
	struct biduid *biduid = timer->data;

	bd_uploads_sweep(biduid->daemon.uploads, bd_clock_wall_ms());
}

enum bd_code bd_main_start(struct biduid *biduid, struct bd_diag *diag)
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
	if (code == BD_OK && (uv_loop_init(&biduid->uv) != 0 || !bd_main_watch_signals(biduid))) {
		code = bd_fail(diag, BD_NO_MEMORY, "no event loop");
	}
	biduid->sweeping.data = biduid;
	if (code == BD_OK) {
		uv_timer_init(&biduid->uv, &biduid->sweeping);
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
