#include "daemon/signer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "daemon/loop.h"

#include <stdlib.h>

#define SECOND_MS 1000

struct bd_signer {
	struct bd_daemon *daemon;
	uv_thread_t thread, stager;
	uv_mutex_t lock;
	uv_cond_t wake, stage_wake;
	bool wants_sync, wants_space, wants_segments, is_stopping; /* under lock */
	bool is_low, has_told;                                     /* what was logged last */
};

struct work {
	bool sync, space, stop;
};

/* What there is to do: something asked for, or the next head is due. */
static struct work wait_for_work(struct bd_signer *signer, int64_t due_ms)
{
	struct work work;

	uv_mutex_lock(&signer->lock);
	while (!signer->wants_sync && !signer->wants_space && !signer->is_stopping) {
		int64_t left_ms = due_ms - bd_clock_monotonic_ms();

		if (left_ms <= 0) {
			break;
		}
		uv_cond_timedwait(&signer->wake, &signer->lock, (uint64_t)left_ms * 1000000);
	}
	work = (struct work){ signer->wants_sync, signer->wants_space, signer->is_stopping };
	signer->wants_sync = signer->wants_space = false;
	uv_mutex_unlock(&signer->lock);
	return work;
}

/* Loops that hold answers hear that they may let them go, or that they must drop them. */
static void tell_loops(struct bd_daemon *daemon)
{
	for (size_t i = 0; i < daemon->loop_count; i++) {
		struct bd_loop *loop = &daemon->loops[i];

		if (__atomic_exchange_n(&loop->audit.wants_release, false, __ATOMIC_ACQ_REL) &&
			!__atomic_exchange_n(&loop->is_synced_posted, true, __ATOMIC_ACQ_REL)) {
			bd_mailbox_post(&loop->mailbox, &loop->synced_letter);
		}
	}
}

static void note_space(struct bd_signer *signer)
{
	bool is_low = bd_trail_is_low(signer->daemon->trail);

	if (is_low != signer->is_low) {
		signer->is_low = is_low;
		bd_log(is_low ? BD_LOG_ERROR : BD_LOG_INFO, "trail", is_low ? "low" : "space",
			is_low ? "no space ahead: pushes are refused, answers go on until the "
				 "reserve is spent"
			       : "there is space again");
	}
}

static void note_failure(struct bd_signer *signer, enum bd_code code, const struct bd_diag *diag)
{
	struct bd_daemon *daemon = signer->daemon;
	bool has_failed = bd_trail_has_failed(daemon->trail);

	if (code == BD_OK || signer->has_told) {
		return;
	}
	if (code != BD_DISK_FULL) {
		bd_log_diag(BD_LOG_ERROR, "trail", has_failed ? "failed" : "sign", diag);
	}
	if (has_failed) {
		signer->has_told = true;
		bd_mailbox_post(&daemon->mailbox, &daemon->trail_letter);
	}
}

static enum bd_code sign(struct bd_trail *trail, struct bd_diag *diag)
{
	bool has_more = true;
	enum bd_code code = BD_OK;

	while (code == BD_OK && has_more) {
		code = bd_trail_sign(trail, bd_clock_wall_ms(), &has_more, diag);
	}
	return code;
}

/* What is kept of a comparison is on the disk before its entry is. */
static enum bd_code sync_cases(struct bd_daemon *daemon, struct bd_diag *diag)
{
	enum bd_code code = bd_audit_sync_cases(daemon, diag);

	if (code != BD_OK) {
		bd_trail_stop(daemon->trail);
	}
	return code;
}

static void run(void *state)
{
	struct bd_signer *signer = state;
	struct bd_trail *trail = signer->daemon->trail;
	int64_t due_ms = bd_clock_monotonic_ms() + SECOND_MS;
	struct work work = { .stop = false };

	bd_thread_begin("signer", BD_THREAD_GIVES_WAY);
	while (!work.stop) {
		struct bd_diag diag = { .code = BD_OK };
		enum bd_code code = BD_OK;

		work = wait_for_work(signer, due_ms);
		if (work.sync) {
			code = sync_cases(signer->daemon, &diag);
			code = code == BD_OK ? bd_trail_sync(trail, &diag) : code;
			tell_loops(signer->daemon);
		}
		if (code == BD_OK && bd_clock_monotonic_ms() >= due_ms) {
			due_ms = bd_clock_monotonic_ms() + SECOND_MS;
			code = sync_cases(signer->daemon, &diag);
			code = code == BD_OK ? sign(trail, &diag) : code;
			/* Space that was not there a second ago may be there now. */
			work.space = true;
			tell_loops(signer->daemon);
		}
		if (work.space && !bd_trail_has_failed(trail)) {
			bd_trail_prepare(trail, code == BD_OK ? &diag : NULL);
			note_space(signer);
		}
		if (code == BD_OK && bd_trail_has_failed(trail)) {
			code = BD_TRAIL_UNAVAILABLE;
		}
		note_failure(signer, code, &diag);
	}
}

/* Segments ahead: the signer may be waiting for the disk just when they are needed. */
static void stage(void *state)
{
	struct bd_signer *signer = state;
	struct bd_trail *trail = signer->daemon->trail;
	bool is_stopping = false;

	bd_thread_begin("stager", BD_THREAD_GIVES_WAY);
	while (!is_stopping) {
		uv_mutex_lock(&signer->lock);
		/* Space that was not there a second ago may be there now. */
		if (!signer->wants_segments && !signer->is_stopping) {
			uv_cond_timedwait(
				&signer->stage_wake, &signer->lock, (uint64_t)SECOND_MS * 1000000);
		}
		signer->wants_segments = false;
		is_stopping = signer->is_stopping;
		uv_mutex_unlock(&signer->lock);
		if (!is_stopping && !bd_trail_has_failed(trail)) {
			bd_trail_stage(trail, NULL);
		}
	}
}

enum bd_code bd_signer_start(struct bd_signer **out, struct bd_daemon *daemon)
{
	struct bd_signer *signer = calloc(1, sizeof(*signer));

	if (signer == NULL) {
		return BD_NO_MEMORY;
	}
	signer->daemon = daemon;
	if (uv_mutex_init(&signer->lock) != 0 || uv_cond_init(&signer->wake) != 0 ||
		uv_cond_init(&signer->stage_wake) != 0 ||
		uv_thread_create(&signer->thread, run, signer) != 0 ||
		uv_thread_create(&signer->stager, stage, signer) != 0) {
		/* The process ends. */
		return BD_NO_MEMORY;
	}
	*out = signer;
	return BD_OK;
}

void bd_signer_want_sync(struct bd_signer *signer)
{
	uv_mutex_lock(&signer->lock);
	signer->wants_sync = true;
	uv_cond_signal(&signer->wake);
	uv_mutex_unlock(&signer->lock);
}

void bd_signer_want_space(struct bd_signer *signer)
{
	uv_mutex_lock(&signer->lock);
	signer->wants_space = signer->wants_segments = true;
	uv_cond_signal(&signer->wake);
	uv_cond_signal(&signer->stage_wake);
	uv_mutex_unlock(&signer->lock);
}

void bd_signer_stop(struct bd_signer *signer)
{
	if (signer == NULL) {
		return;
	}
	uv_mutex_lock(&signer->lock);
	signer->is_stopping = true;
	uv_cond_signal(&signer->wake);
	uv_cond_signal(&signer->stage_wake);
	uv_mutex_unlock(&signer->lock);
	uv_thread_join(&signer->thread);
	uv_thread_join(&signer->stager);
	uv_cond_destroy(&signer->wake);
	uv_cond_destroy(&signer->stage_wake);
	uv_mutex_destroy(&signer->lock);
	free(signer);
}
