/* main_reload.c - another configuration, or a new epoch of the master key, into force without a
 * stop. */
#include "base/clock.h"
#include "base/log.h"
#include "config/master_key.h"
#include "daemon/alarms.h"
#include "daemon/credentials.h"
#include "daemon/follow.h"
#include "daemon/guard.h"
#include "daemon/main_parts.h"
#include "daemon/refused.h"
#include "daemon/uses.h"
#include "store/reseal.h"

#include <stddef.h>
#include <stdlib.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

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

/* One that was asked for while another was on its way has its turn, whatever came of that. */
static void go_on(struct biduid *biduid)
{
	if (biduid->is_reload_wanted && biduid->reloads_left == 0) {
		biduid->is_reload_wanted = false;
		bd_main_reload(biduid);
	}
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
	go_on(biduid);
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

/* Where two people have to agree, only what they agreed on. */
static bool may_take(struct biduid *biduid, const struct bd_setup *next)
{
	struct bd_diag diag = { .code = BD_OK };

	if (bd_changes_allow(&biduid->changes, next, &diag) != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "main", "reload.unapproved", &diag);
		bd_refused_enter(&biduid->daemon, "configuration", &diag);
		bd_main_tell_why(diag.code, &diag);
		return false;
	}
	return true;
}

void bd_main_reload(struct biduid *biduid)
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
		bd_main_show_errors(diags);
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

void bd_main_on_change(struct bd_letter *letter)
{
	struct bd_change *change = CONTAINER(struct bd_change, letter, letter);
	struct biduid *biduid = CONTAINER(struct biduid, daemon, change->daemon);
	bool is_approved = bd_changes_do(
		&biduid->changes, change, biduid->setup, biduid->config, bd_clock_wall_ms());

	change->letter.deliver = change->answer;
	bd_mailbox_post(change->home, &change->letter);
	if (is_approved) {
		bd_main_reload(biduid);
	}
}

void bd_main_on_loop_reloaded(struct bd_letter *letter)
{
	struct bd_loop *loop = CONTAINER(struct bd_loop, reloaded_letter, letter);
	struct biduid *biduid = CONTAINER(struct biduid, daemon, loop->daemon);

	if (--biduid->reloads_left > 0) {
		return;
	}
	bd_log(BD_LOG_INFO, "main", "reload.done", "new configuration in force");
	go_on(biduid);
}
