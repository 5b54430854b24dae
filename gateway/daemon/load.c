#include "daemon/load_parts.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/locked.h"
#include "config/master_key.h"
#include "daemon/changes.h"
#include "daemon/guard.h"
#include "daemon/secret.h"
#include "daemon/user.h"
#include "store/cases.h"
#include "store/obligations.h"
#include "store/pairs.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- what is opened -- */

/* A configuration that two people have to agree on loads nothing before they have. */
static enum bd_code check_approval(struct bd_load *load, struct bd_diag *diag)
{
	struct bd_changes *changes = calloc(1, sizeof(*changes));
	bool is_begun = false;
	enum bd_code code =
		changes != NULL ? bd_store_derive(changes->key, load->store, "bidui approvals 1")
				: BD_NO_MEMORY;

	code = code == BD_OK
		       ? bd_changes_open(changes, &is_begun, load->setup, bd_clock_wall_ms(), diag)
		       : code;
	free(changes);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

static enum bd_code open_trail(
	struct bd_load *load, const struct bd_sign_key *key, struct bd_diag *diag)
{
	const struct bd_settings *settings = load->setup->settings;
	struct bd_trail_settings trail = { .log_count = 1,
		.segment_bytes = settings->trail_segment_bytes,
		.now_ms = bd_clock_wall_ms() };
	struct bd_trail_found found = { 0 };
	uint8_t secret[BD_MASTER_KEY_BYTES];
	char folder[4096];
	enum bd_code code;

	snprintf(folder, sizeof(folder), "%s/trail", settings->data_folder);
	trail.folder = folder;
	trail.key = key;
	code = bd_trail_open(&load->trail, &found, &trail, diag);
	code = code == BD_OK ? bd_store_derive(secret, load->store, "bidui trail 1") : code;
	code = code == BD_OK ? bd_hmac_new(&load->digest,
				       (struct bd_bytes){ (const char *)secret, sizeof(secret) })
			     : code;
	bd_wipe(secret, sizeof(secret));
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

/* What a start of biduid would have done first: a message that was not finished, and cases that
 * would not hear of what is loaded. */
static enum bd_code catch_up(struct bd_load *load, struct bd_diag *diag)
{
	enum bd_code code = bd_owed_follow_cases(load->store, diag);
	bool has_more = true;

	while (code == BD_OK && has_more) {
		code = bd_cases_index(load->store, &has_more, diag);
	}
	while (code == BD_OK && bd_store_has_work(load->store)) {
		struct bd_entry *done = NULL;

		code = bd_store_work(load->store, &done, diag);
	}
	return code;
}

/* -- the files -- */

static enum bd_code find_feed(struct bd_loading *at, const struct bd_setup *setup)
{
	struct bd_load_file *file = at->file;

	at->plan = bd_setup_plan(setup, bd_bytes_of(file->source));
	at->feed = at->plan != NULL ? bd_plan_feed(at->plan, file->feed) : NULL;
	return at->feed != NULL ? BD_OK
				: bd_fail(&file->diag, BD_SOURCE_UNKNOWN,
					  at->plan == NULL ? "no such source"
							   : "the source has no such feed");
}

static enum bd_code check_file(struct bd_load_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st) != 0 || lseek(file->fd, 0, SEEK_SET) != 0 ||
		!S_ISREG(st.st_mode)) {
		return bd_fail(&file->diag, BD_IO, "not a file that can be read from its start");
	}
	file->bytes = (uint64_t)st.st_size;
	return BD_OK;
}

/* The digest of all of it; and it is at its beginning again. */
static enum bd_code digest_file(
	uint8_t out[BD_DIGEST_BYTES], const struct bd_load_file *file, struct bd_diag *diag)
{
	const size_t size = (size_t)1 << 20;
	char *chunk = malloc(size);
	struct bd_sha256 *sha = NULL;
	enum bd_code code = chunk != NULL ? bd_sha256_new(&sha) : BD_NO_MEMORY;
	ssize_t len = 1;

	while (code == BD_OK && len != 0) {
		len = read(file->fd, chunk, size);
		if (len < 0 && errno != EINTR) {
			code = BD_IO;
		} else if (len > 0) {
			code = bd_sha256_update(sha, (struct bd_bytes){ chunk, (size_t)len });
		}
	}
	code = code == BD_OK ? bd_sha256_final(sha, out) : code;
	code = code == BD_OK && lseek(file->fd, 0, SEEK_SET) != 0 ? BD_IO : code;
	bd_sha256_free(sha);
	free(chunk);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", file->path);
}

/* Stored by an earlier load: what it came to then. Lines are found one by one when they are
 * stored. */
static enum bd_code find_stored(struct bd_load *load, struct bd_loading *at,
	struct bd_store_reader *reader, struct bd_diag *diag)
{
	struct bd_load_file *file = at->file;
	struct bd_message message = { 0 };
	struct bd_entry entry;
	enum bd_code code = digest_file(at->sha256, file, diag);

	code = code == BD_OK ? bd_load_key(at->key, file, 0, at->sha256) : code;
	if (code != BD_OK) {
		return code;
	}
	at->received_ms = bd_clock_wall_ms();
	bd_load_entry(&entry, load, at);
	entry.idempotency_key = bd_bytes_of(at->key);
	memcpy(entry.body_sha256, at->sha256, sizeof(entry.body_sha256));
	code = bd_store_find_repeat(load->store, &entry, diag);
	if (code != BD_OK || !entry.is_repeat) {
		return code;
	}
	code = bd_store_begin(reader, diag);
	if (code == BD_OK) {
		code = bd_store_message(&message, reader, entry.message, &at->arena, diag);
		bd_store_end(reader);
	}
	file->is_repeat = true;
	file->messages = 1;
	file->message = entry.message;
	file->received = message.received;
	file->accepted = message.accepted;
	file->unchanged = message.unchanged;
	file->rejected = message.rejected;
	at->read = file->bytes;
	return code;
}

/* Not of a first load: each file is read whole for it, which takes a twentieth of all. */
static enum bd_code find_all_stored(struct bd_load *load, struct bd_diag *diag)
{
	struct bd_store_reader *reader = NULL;
	enum bd_code code;

	if (bd_store_is_unused(load->store)) {
		return BD_OK;
	}
	code = bd_store_reader_new(&reader, load->store, diag);
	for (size_t i = 0; i < load->order->count && code == BD_OK; i++) {
		if (!load->files[i].file->is_lines) {
			code = find_stored(load, &load->files[i], reader, diag);
		}
	}
	bd_store_reader_free(reader);
	return code;
}

static enum bd_code open_files(struct bd_load *load, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	load->files = calloc(load->order->count, sizeof(*load->files));
	if (load->files == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	for (size_t i = 0; i < load->order->count; i++) {
		struct bd_loading *at = &load->files[i];
		enum bd_code one;

		at->file = &load->order->files[i];
		bd_arena_init(&at->arena, BD_REQUEST_ARENA_MAX_BYTES);
		one = find_feed(at, load->setup);
		one = one == BD_OK ? check_file(at->file) : one;
		code = code == BD_OK ? one : code;
	}
	return code;
}

/* -- in order -- */

struct linking {
	struct bd_pairs_watch watch;
	const struct bd_load *load;
};

static void on_links(struct bd_pairs_watch *self, uint64_t done, uint64_t total)
{
	const struct bd_load_order *order =
		((struct linking *)(void *)((char *)self - offsetof(struct linking, watch)))
			->load->order;

	if (order->watch != NULL) {
		order->watch->show(order->watch, BD_LOAD_LINKS, done, total);
	}
}

/* Also where a file was refused after others had been stored: these are then whole. */
static enum bd_code put_links(struct bd_load *load, enum bd_code before, struct bd_diag *diag)
{
	struct linking linking = { .watch = { on_links }, .load = load };
	enum bd_code code =
		bd_pairs_put(load->store, &linking.watch, before == BD_OK ? diag : NULL);

	return before == BD_OK ? code : before;
}

static enum bd_code load_all(struct bd_load *load, const struct bd_keys *keys,
	const struct bd_sign_key *key, struct bd_diag *diag)
{
	enum bd_code code = bd_setup_open_store(&load->store, load->setup, keys, true, diag),
		     closed;

	code = code == BD_OK ? check_approval(load, diag) : code;
	code = code == BD_OK ? open_trail(load, key, diag) : code;
	if (code == BD_OK &&
		(bd_pairs_are_missing(load->store) || bd_store_has_work(load->store))) {
		code = bd_pairs_hold(load->store, diag);
	}
	code = code == BD_OK ? catch_up(load, diag) : code;
	code = code == BD_OK ? find_all_stored(load, diag) : code;
	if (code == BD_OK && !bd_load_read(load)) {
		*diag = load->diag;
		code = load->diag.code != BD_OK ? load->diag.code : BD_QUESTION_FORM;
	}
	code = code == BD_OK ? bd_load_store(load, diag) : code;
	code = load->store != NULL ? put_links(load, code, diag) : code;
	if (load->trail != NULL) {
		closed = bd_trail_close(
			load->trail, bd_clock_wall_ms(), code == BD_OK ? diag : NULL);
		code = code == BD_OK ? closed : code;
	}
	bd_hmac_free(load->digest);
	return code;
}

static void close_files(struct bd_load *load)
{
	for (size_t i = 0; load->files != NULL && i < load->order->count; i++) {
		struct bd_loading *at = &load->files[i];

		bd_sha256_free(at->sha);
		if (at->spool != NULL) {
			bd_spool_free(at->spool);
		}
		bd_bulk_free(at->bulk);
		bd_buf_release(&at->rejects);
		bd_arena_release(&at->arena);
	}
	free(load->files);
}

static enum bd_code load_guarded(struct bd_load *load, struct bd_diag *diag)
{
	const struct bd_settings *settings = load->setup->settings;
	struct bd_fence *fence = NULL;
	struct bd_keys *keys = NULL;
	struct bd_sign_key *key = NULL;
	enum bd_code code = open_files(load, diag);

	code = code == BD_OK ? bd_master_key_read(&keys, settings, diag) : code;
	code = code == BD_OK ? bd_secret_read_key(
				       &key, settings->signing_key_file, "signing_key_file", diag)
			     : code;
	code = code == BD_OK ? bd_guard_close(&fence, load->order->config, load->setup, diag)
			     : code;
	code = code == BD_OK ? load_all(load, keys, key, diag) : code;
	close_files(load);
	if (load->store != NULL) {
		bd_store_close(load->store);
	}
	bd_keys_free(keys);
	bd_sign_key_free(key);
	bd_fence_free(fence);
	return code;
}

enum bd_code bd_load(const struct bd_load_order *order, struct bd_diags *diags)
{
	struct bd_load load = { .order = order };
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	signal(SIGPIPE, SIG_IGN);
	umask(077);
	pthread_mutex_init(&load.lock, NULL);
	pthread_cond_init(&load.ended, NULL);
	code = bd_guard_become(order->config, &diag);
	code = code == BD_OK ? bd_user_guard(&diag) : code;
	if (code == BD_OK) {
		bd_locked_open();
		code = bd_setup_load(&load.setup, order->config, NULL, diags);
	}
	if (code == BD_OK) {
		code = load_guarded(&load, &diag);
		bd_setup_unref(load.setup);
	}
	if (diag.code != BD_OK) {
		bd_diags_add(diags, diag.code, "", 0, 0, "%s", diag.detail);
	}
	pthread_cond_destroy(&load.ended);
	pthread_mutex_destroy(&load.lock);
	return code;
}

void bd_load_release(const struct bd_load_order *order)
{
	for (size_t i = 0; i < order->count; i++) {
		free(order->files[i].refused);
		order->files[i].refused = NULL;
	}
}
