/* main_parts.h - what the parts of biduid's main thread share.
 *
 * Layer: daemon, private to main*.c. main.c reads the command line and has the order of a life;
 * main_start.c opens everything, main_signal.c says when it ends, main_reload.c brings another
 * configuration into force. All is of the main thread but where it is said.
 */
#ifndef BD_DAEMON_MAIN_PARTS_H
#define BD_DAEMON_MAIN_PARTS_H

#include "daemon/changes.h"
#include "daemon/fence.h"
#include "daemon/loop.h"

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

/* -- main.c: on the standard error, Chinese first -- */

void bd_main_show_errors(const struct bd_diags *diags);
void bd_main_tell_why(enum bd_code code, const struct bd_diag *diag);

/* -- main_start.c -- */

/* After a code it is half open, with threads that run: the process has to end. */
enum bd_code bd_main_start(struct biduid *biduid, struct bd_diag *diag);

/* -- main_signal.c -- */

bool bd_main_watch_signals(struct biduid *biduid);
/* After the threads that may still have something to say: a signal that nobody watches ends a
 * process at once. */
void bd_main_close_own(struct biduid *biduid);
/* What is not on the disk by now may be lost, and a new start finds out what is: so the process
 * ends, and who supervises it starts it again. */
void bd_main_on_trail_failed(struct bd_letter *letter);
void bd_main_on_loop_drained(struct bd_letter *letter);

/* -- main_reload.c -- */

/* A configuration with an error leaves the old one in force. */
void bd_main_reload(struct biduid *biduid);
void bd_main_on_loop_reloaded(struct bd_letter *letter);
/* What was approved a moment ago comes into force at once. */
void bd_main_on_change(struct bd_letter *letter);

#endif
