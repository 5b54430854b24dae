#include "daemon/later.h"

#include "base/limits.h"
#include "base/thread.h"

#include <stddef.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void on_turn(uv_idle_t *turn)
{
	struct bd_laters *laters = CONTAINER(struct bd_laters, turn, turn);
	struct bd_later *later;

	laters->end_ns = uv_hrtime() + BD_TURN_NS;
	while ((later = TAILQ_FIRST(&laters->queue)) != NULL) {
		bd_later_not(laters, later);
		later->run(later);
		if (bd_laters_is_over(laters)) {
			break;
		}
	}
	if (!TAILQ_EMPTY(&laters->queue)) {
		bd_thread_share();
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

bool bd_laters_is_over(const struct bd_laters *laters)
{
	return uv_hrtime() >= laters->end_ns;
}
