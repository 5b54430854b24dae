/* main_signal.c - what ends biduid or makes it read its configuration again: signals, and a trail
 * that has failed. */
#include "base/log.h"
#include "daemon/credentials.h"
#include "daemon/follow.h"
#include "daemon/main_parts.h"

#include <signal.h>
#include <stddef.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

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

void bd_main_on_trail_failed(struct bd_letter *letter)
{
	struct biduid *biduid =
		CONTAINER(struct biduid, daemon, CONTAINER(struct bd_daemon, trail_letter, letter));

	biduid->has_failed = true;
	stop(biduid);
}

static void on_hangup(uv_signal_t *handle, int number)
{
	(void)number;
	bd_main_reload(handle->data);
}

void bd_main_on_loop_drained(struct bd_letter *letter)
{
	struct bd_loop *loop = CONTAINER(struct bd_loop, drained_letter, letter);
	struct biduid *biduid = CONTAINER(struct biduid, daemon, loop->daemon);

	if (--loop->daemon->loops_running == 0) {
		uv_stop(&biduid->uv);
	} else if (loop->daemon->loops_running == 1 && loop->daemon->sources_loop != NULL) {
		bd_loop_let_go(loop->daemon->sources_loop);
	}
}

void bd_main_close_own(struct biduid *biduid)
{
	uv_close((uv_handle_t *)&biduid->sweeping, NULL);
	uv_close((uv_handle_t *)&biduid->term, NULL);
	uv_close((uv_handle_t *)&biduid->interrupt, NULL);
	uv_close((uv_handle_t *)&biduid->hangup, NULL);
	bd_mailbox_close(&biduid->daemon.mailbox);
	uv_run(&biduid->uv, UV_RUN_DEFAULT);
}

bool bd_main_watch_signals(struct biduid *biduid)
{
	biduid->term.data = biduid;
	biduid->interrupt.data = biduid;
	biduid->hangup.data = biduid;
	return uv_signal_init(&biduid->uv, &biduid->term) == 0 &&
	       uv_signal_init(&biduid->uv, &biduid->interrupt) == 0 &&
	       uv_signal_init(&biduid->uv, &biduid->hangup) == 0 &&
	       uv_signal_start(&biduid->term, on_stop, SIGTERM) == 0 &&
	       uv_signal_start(&biduid->interrupt, on_stop, SIGINT) == 0 &&
	       uv_signal_start(&biduid->hangup, on_hangup, SIGHUP) == 0;
}
