#include "daemon/look.h"

#include "base/limits.h"
#include "base/log.h"
#include "daemon/puller.h"

#include <stddef.h>
#include <stdlib.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Freed when nobody has it any more: the case, the sources' loop, the event loop. */
static void maybe_free(struct bd_look *look)
{
	if (!look->is_released || !look->is_back || look->is_timer_open || look->later.is_queued) {
		return;
	}
	bd_setup_unref(look->setup);
	bd_arena_release(&look->arena);
	free(look);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct bd_look *look = CONTAINER(struct bd_look, timer, handle);

	look->is_timer_open = false;
	maybe_free(look);
}

static void on_later(struct bd_later *later)
{
	struct bd_look *look = CONTAINER(struct bd_look, later, later);

	if (look->is_released) {
		maybe_free(look);
	} else {
		look->on_over(look);
	}
}

/* A department that answers, or does not, may end the wait of thousands of cases at once. */
static void end(struct bd_look *look)
{
	if (look->is_over || look->is_released) {
		return;
	}
	look->is_over = true;
	uv_timer_stop(&look->timer);
	look->later.run = on_later;
	bd_later(&look->loop->laters, &look->later);
}

static void on_deadline(uv_timer_t *timer)
{
	struct bd_look *look = CONTAINER(struct bd_look, timer, timer);

	__atomic_store_n(&look->is_abandoned, true, __ATOMIC_RELEASE);
	end(look);
}

static void on_back(struct bd_letter *letter)
{
	struct bd_look *look = CONTAINER(struct bd_look, letter, letter);
	struct bd_loop *loop = look->loop;

	look->is_back = true;
	__atomic_sub_fetch(&loop->daemon->cases_waiting, 1, __ATOMIC_RELAXED);
	end(look);
	maybe_free(look);
	bd_loop_background_end(loop);
}

enum bd_code bd_look_start(struct bd_look *look, struct bd_diag *diag)
{
	struct bd_daemon *daemon = look->loop->daemon;

	if (__atomic_add_fetch(&daemon->cases_waiting, 1, __ATOMIC_RELAXED) >
		look->setup->settings->cases_waiting_max) {
		__atomic_sub_fetch(&daemon->cases_waiting, 1, __ATOMIC_RELAXED);
		bd_count(&look->loop->counts.look_ups_busy, 1);
		bd_fail(diag, BD_BUSY, "too many cases wait for departments");
		diag->retry_s = 1;
		return BD_BUSY;
	}
	look->is_back = false;
	look->is_timer_open = true;
	uv_timer_init(&look->loop->uv, &look->timer);
	uv_timer_start(&look->timer, on_deadline, look->wait_ms, 0);
	look->loop->background++;
	look->letter.deliver = on_back;
	bd_puller_post_look(daemon->puller, look);
	return BD_OK;
}

/* Each subject of the case once. */
static size_t list_subjects(struct bd_trail_subject *subjects, const struct bd_look *look)
{
	struct bd_audit *audit = &look->loop->audit;
	size_t count = 0;

	for (size_t i = 0; i < look->count; i++) {
		struct bd_bytes pointer = bd_bytes_of(look->items[i].pointer);
		size_t at = 0;

		while (at < count && !bd_bytes_equal(subjects[at].pointer, pointer)) {
			at++;
		}
		if (at == count && bd_audit_subject(subjects[at].digest, audit,
					   &look->items[i].subject, look->setup->dict) == BD_OK) {
			subjects[count++].pointer = pointer;
		}
	}
	return count;
}

void bd_look_left(const struct bd_look *look)
{
	struct bd_trail_subject subjects[BD_CASE_LOOK_UPS_MAX];
	struct bd_trail_event event = { .subjects = subjects,
		.code = bd_bytes_of(bd_code_info(BD_HTTP_CLOSED)->text),
		.method = bd_bytes_of("POST"),
		.path = bd_bytes_of("/v1/compare") };

	if (look == NULL) {
		return;
	}
	bd_count(&look->loop->counts.look_ups_left, 1);
	event.caller = look->caller;
	event.subject_count = list_subjects(subjects, look);
	if (bd_audit_event(&look->loop->audit, BD_TRAIL_REFUSAL, &event,
		    bd_audit_time(&look->loop->audit), NULL) != BD_OK) {
		bd_log(BD_LOG_ERROR, "trail", "entry", "a case whose client left is not on it");
	}
}

void bd_look_release(struct bd_look *look)
{
	if (look == NULL || look->is_released) {
		return;
	}
	look->is_released = true;
	__atomic_store_n(&look->is_abandoned, true, __ATOMIC_RELEASE);
	if (look->is_timer_open) {
		uv_close((uv_handle_t *)&look->timer, on_timer_closed);
	} else {
		maybe_free(look);
	}
}

enum bd_code bd_look_code(const struct bd_look_item *item)
{
	return __atomic_load_n(&item->is_done, __ATOMIC_ACQUIRE) ? item->code : BD_CONNECT_TIMEOUT;
}
