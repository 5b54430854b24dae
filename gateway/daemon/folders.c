#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/folders_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void look(struct bd_folder *folder);
static void open_all(struct bd_folders *folders);

/* -- the end of one -- */

static void folder_free(struct bd_folder *folder)
{
	bd_drop_set_release(&folder->set);
	bd_drop_list_release(&folder->list);
	bd_buf_release(&folder->file.text);
	bd_buf_release(&folder->file.json);
	bd_buf_release(&folder->file.note);
	free(folder->file.piece);
	free(folder);
}

static void on_all_closed(struct bd_folders *folders)
{
	bd_setup_unref(folders->setup);
	folders->setup = NULL;
	if (folders->is_draining) {
		bd_loop_background_end(folders->loop);
	} else {
		folders->is_reload_wanted = false;
		folders->setup = bd_setup_ref(folders->loop->setup);
		open_all(folders);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct bd_folder *folder = handle->data;
	struct bd_folders *folders = folder->all;
	struct bd_folder **link = &folders->first;

	if (--folder->handles > 0) {
		return;
	}
	uv_mutex_lock(&folders->lock);
	while (*link != folder) {
		link = &(*link)->next;
	}
	*link = folder->next;
	uv_mutex_unlock(&folders->lock);
	folder_free(folder);
	if (folders->first == NULL) {
		on_all_closed(folders);
	}
}

/* When nothing of it is under way. */
static void close_folder(struct bd_folder *folder)
{
	if (folder->is_closing) {
		return;
	}
	folder->is_closing = true;
	uv_close((uv_handle_t *)&folder->timer, on_closed);
	if (folder->has_event) {
		uv_close((uv_handle_t *)&folder->event, on_closed);
	}
}

static bool is_leaving(const struct bd_folder *folder)
{
	return folder->all->is_draining || folder->all->is_reload_wanted;
}

/* -- looked through -- */

void bd_folder_work(struct bd_folder *folder, enum bd_folder_step step,
	void (*work)(uv_work_t *work), void (*after)(uv_work_t *work, int status))
{
	folder->step = step;
	folder->work.data = folder;
	bd_diag_clear(&folder->diag);
	uv_queue_work(&folder->all->loop->uv, &folder->work, work, after);
}

/* A mark whose file is not there: the end came between the two. Else the next file of that name
 * would be whole before it is. */
static void remove_lone_marks(const struct bd_folder *folder)
{
	const struct bd_folder_plan *plan = folder->plan;
	char name[BD_FILE_NAME_MAX_BYTES + 1];

	for (size_t i = 0; i < folder->list.count; i++) {
		const char *mark = folder->list.items[i].name;
		size_t len = strlen(mark), end = strlen(plan->done_suffix);

		if (len <= end || strcmp(mark + len - end, plan->done_suffix) != 0) {
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(len - end), mark);
		if (bd_drop_list_find(&folder->list, name) == NULL) {
			bd_drop_remove(plan->path, mark, "");
		}
	}
}

/* thread */
static void list_work(uv_work_t *work)
{
	struct bd_folder *folder = work->data;

	if (bd_drop_list(&folder->list, folder->plan->path, &folder->diag) == BD_OK &&
		folder->is_first && folder->plan->done_suffix != NULL &&
		!folder->plan->is_one_way) {
		remove_lone_marks(folder);
	}
}

/* Told once, until it goes well again. */
static void hear(struct bd_folder *folder, const struct bd_diag *diag)
{
	if (diag->code != BD_OK && folder->report.code != diag->code) {
		bd_log(BD_LOG_ERROR, "folders", bd_code_info(diag->code)->text, "%s/%s: %s",
			folder->source->source, folder->plan->name, diag->detail);
	}
	bd_folder_publish(folder, diag->code != BD_OK                     ? diag->code
				  : folder->report.code == BD_FOLDER_OPEN ? BD_OK
									  : BD_CODE_COUNT);
}

static void listed(uv_work_t *work, int status)
{
	struct bd_folder *folder = work->data;

	(void)status;
	folder->step = BD_FOLDER_IDLE;
	folder->listed_ms = bd_clock_monotonic_ms();
	if (folder->diag.code == BD_OK) {
		folder->is_first = false;
		if (!bd_drop_set_update(&folder->set, &folder->list,
			    folder->all->setup->settings->body_max_bytes, (uint32_t)geteuid())) {
			bd_fail(&folder->diag, BD_NO_MEMORY, "%s", "");
		}
	}
	bd_drop_list_release(&folder->list);
	hear(folder, &folder->diag);
	look(folder);
}

static void on_timer(uv_timer_t *timer)
{
	look(timer->data);
}

/* What is next: the folder, a set, a file, or to wait. */
static void look(struct bd_folder *folder)
{
	int64_t now_ms = bd_clock_monotonic_ms(), due, wait;
	struct bd_drop *drop;

	if (folder->is_closing || folder->step != BD_FOLDER_IDLE) {
		return;
	}
	if (is_leaving(folder)) {
		close_folder(folder);
		return;
	}
	due = folder->listed_ms + (folder->is_list_wanted ? BD_FOLDER_CALM_MS : BD_FOLDER_SCAN_MS);
	if (folder->is_first || now_ms >= due) {
		folder->is_list_wanted = false;
		bd_folder_work(folder, BD_FOLDER_LISTING, list_work, listed);
		return;
	}
	if (bd_folder_conclude_set(folder)) {
		return;
	}
	drop = bd_drop_set_next(&folder->set, now_ms, &wait);
	bd_folder_publish(folder, BD_CODE_COUNT);
	if (drop != NULL) {
		bd_folder_begin(folder, drop);
		return;
	}
	due = wait < due ? wait : due;
	uv_timer_start(&folder->timer, on_timer, (uint64_t)(due - now_ms), 0);
}

void bd_folder_go_on(struct bd_folder *folder)
{
	folder->step = BD_FOLDER_IDLE;
	look(folder);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
	struct bd_folder *folder = event->data;

	(void)name;
	(void)events;
	(void)status;
	folder->is_list_wanted = true;
	look(folder);
}

/* -- the beginning of one -- */

/* Without events it is looked through by the clock alone. */
static void watch(struct bd_folder *folder)
{
	int result;

	uv_fs_event_init(&folder->all->loop->uv, &folder->event);
	folder->event.data = folder;
	folder->has_event = true;
	folder->handles++;
	result = uv_fs_event_start(&folder->event, on_event, folder->plan->path, 0);
	if (result != 0) {
		bd_log(BD_LOG_WARNING, "folders", "no_events",
			"%s/%s: %s; it is looked through every minute", folder->source->source,
			folder->plan->name, uv_strerror(result));
	}
}

static bool open_folder(struct bd_folders *folders, const struct bd_source_access *access,
	const struct bd_folder_plan *plan)
{
	struct bd_folder *folder = calloc(1, sizeof(*folder));

	if (folder == NULL) {
		return false;
	}
	folder->all = folders;
	folder->plan = plan;
	folder->source = access->plan;
	folder->sender_source = access->plan->source;
	/* Parentheses stand in no sender's name. */
	folder->sender = (struct bd_sender){ .name = "(folder)",
		.roles = BD_SENDER_DEPARTMENT,
		.sources = &folder->sender_source,
		.source_count = 1 };
	folder->set.plan = plan;
	folder->file.fd = -1;
	folder->is_first = true;
	snprintf(folder->report.source, sizeof(folder->report.source), "%s", access->plan->source);
	snprintf(folder->report.name, sizeof(folder->report.name), "%s", plan->name);
	bd_buf_init(&folder->file.text, BD_FOLDER_TOTALS_MAX_BYTES);
	bd_buf_init(&folder->file.json, BD_MESSAGE_REJECTS_MAX_BYTES);
	bd_buf_init(&folder->file.note, BD_MESSAGE_REJECTS_MAX_BYTES);
	uv_timer_init(&folders->loop->uv, &folder->timer);
	folder->timer.data = folder;
	folder->handles = 1;
	watch(folder);
	uv_mutex_lock(&folders->lock);
	folder->next = folders->first;
	folders->first = folder;
	uv_mutex_unlock(&folders->lock);
	uv_timer_start(&folder->timer, on_timer, 0, 0);
	return true;
}

static void open_all(struct bd_folders *folders)
{
	const struct bd_sources *sources = folders->setup->sources;

	for (size_t i = 0; sources != NULL && i < sources->count; i++) {
		const struct bd_source_access *access = &sources->items[i];

		for (size_t k = 0; k < access->folder_count; k++) {
			if (!open_folder(folders, access, &access->folders[k])) {
				bd_log(BD_LOG_ERROR, "folders", "limit.memory", "%s/%s",
					access->plan->source, access->folders[k].name);
			}
		}
	}
}

/* -- all of them -- */

/* Each ends when what it has under way is over. */
static void leave(struct bd_folders *folders)
{
	struct bd_folder *next;

	if (folders->first == NULL) {
		on_all_closed(folders);
		return;
	}
	for (struct bd_folder *folder = folders->first; folder != NULL; folder = next) {
		next = folder->next;
		if (folders->is_draining) {
			__atomic_store_n(&folder->is_over, true, __ATOMIC_RELAXED);
		}
		if (folder->step == BD_FOLDER_IDLE ||
			(folders->is_draining && bd_folder_give_up(folder))) {
			folder->step = BD_FOLDER_IDLE;
			close_folder(folder);
		}
	}
}

static void on_drain(struct bd_loop_guest *guest)
{
	struct bd_folders *folders = CONTAINER(struct bd_folders, guest, guest);

	folders->is_draining = true;
	leave(folders);
}

static void on_reload(struct bd_loop_guest *guest)
{
	struct bd_folders *folders = CONTAINER(struct bd_folders, guest, guest);

	if (!folders->is_draining && !folders->is_reload_wanted) {
		folders->is_reload_wanted = true;
		leave(folders);
	}
}

enum bd_code bd_folders_new(struct bd_folders **out, struct bd_loop *loop, struct bd_diag *diag)
{
	struct bd_folders *folders = calloc(1, sizeof(*folders));

	if (folders == NULL || uv_mutex_init(&folders->lock) != 0) {
		free(folders);
		return bd_fail(diag, BD_NO_MEMORY, "no drop folders");
	}
	folders->loop = loop;
	folders->setup = bd_setup_ref(loop->setup);
	folders->guest.on_drain = on_drain;
	folders->guest.on_reload = on_reload;
	bd_loop_join(loop, &folders->guest);
	open_all(folders);
	*out = folders;
	return BD_OK;
}

void bd_folders_free(struct bd_folders *folders)
{
	if (folders == NULL) {
		return;
	}
	uv_mutex_destroy(&folders->lock);
	free(folders);
}
