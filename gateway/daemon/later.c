#include "daemon/later.h"

#include "base/limits.h"
#include "base/thread.h"

#include <poll.h>
#include <stddef.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void on_turn(uv_idle_t *turn)
{
	struct bd_laters *laters = CONTAINER(struct bd_laters, turn, turn);
	struct bd_later *later;
	uint64_t begun_ns = uv_hrtime();

	bd_thread_answering(true);
	laters->end_ns = begun_ns + BD_TURN_NS;
	laters->last_ns = begun_ns + BD_TURN_MAX_NS;
	laters->is_over = false;
	while ((later = TAILQ_FIRST(&laters->queue)) != NULL) {
		bd_later_not(laters, later);
		later->run(later);
		if (!TAILQ_EMPTY(&laters->queue)) {
			bd_thread_share();
		}
		if (bd_laters_is_over(laters)) {
			break;
		}
	}
}

void bd_laters_open(struct bd_laters *laters, uv_loop_t *uv)
{
	TAILQ_INIT(&laters->queue);
	uv_idle_init(uv, &laters->turn);
}

void bd_laters_close(struct bd_laters *laters)
{
	uv_close((uv_handle_t *)&laters->turn, NULL);
}

void bd_later(struct bd_laters *laters, struct bd_later *later)
{
	if (later->is_queued) {
		return;
	}
	later->is_queued = true;
	TAILQ_INSERT_TAIL(&laters->queue, later, link);
	uv_idle_start(&laters->turn, on_turn);
}

void bd_later_not(struct bd_laters *laters, struct bd_later *later)
{
	if (!later->is_queued) {
		return;
	}
	later->is_queued = false;
	TAILQ_REMOVE(&laters->queue, later, link);
	if (TAILQ_EMPTY(&laters->queue)) {
		uv_idle_stop(&laters->turn);
	}
}

bool bd_laters_are_none(const struct bd_laters *laters)
{
	return TAILQ_EMPTY(&laters->queue);
}

bool bd_laters_is_awaited(const struct bd_laters *laters)
{
	struct pollfd events = { .fd = uv_backend_fd(laters->turn.loop), .events = POLLIN };

	return poll(&events, 1, 0) != 0;
}

bool bd_laters_is_over(struct bd_laters *laters)
{
	uint64_t now_ns = uv_hrtime();

	if (!laters->is_over && now_ns >= laters->end_ns) {
		laters->is_over = now_ns >= laters->last_ns || bd_laters_is_awaited(laters);
	}
	return laters->is_over;
}
