/* pull_progress.c - the pure part of a pull: what is kept of it, what comes after a page, and when.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "daemon/pull.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)

/* -- as it is kept -- */

static bool add(struct bd_buf *out, const char *name, const char *value)
{
	return value[0] == '\0' || (strpbrk(value, "\r\n") == NULL &&
					   bd_buf_printf(out, "%s=%s\n", name, value) == BD_OK);
}

static bool add_number(struct bd_buf *out, const char *name, int64_t value)
{
	return value == 0 || bd_buf_printf(out, "%s=%" PRId64 "\n", name, value) == BD_OK;
}

bool bd_pull_progress_write(struct bd_buf *out, const struct bd_pull_progress *progress)
{
	return add(out, "since", progress->since) && add_number(out, "until", progress->until_ms) &&
	       add_number(out, "page", (int64_t)progress->page) &&
	       add(out, "cursor", progress->cursor) && add(out, "etag", progress->etag) &&
	       add(out, "modified", progress->last_modified) &&
	       add_number(out, "ran", progress->ran_ms);
}

static bool take(char *out, size_t size, struct bd_bytes line, const char *name)
{
	size_t len = strlen(name);

	if (line.len <= len || strncmp(line.ptr, name, len) != 0 || line.ptr[len] != '=' ||
		line.len - len - 1 >= size) {
		return false;
	}
	memcpy(out, line.ptr + len + 1, line.len - len - 1);
	out[line.len - len - 1] = '\0';
	return true;
}

static void read_line(struct bd_pull_progress *out, struct bd_bytes line)
{
	char number[32];

	if (take(out->since, sizeof(out->since), line, "since") ||
		take(out->cursor, sizeof(out->cursor), line, "cursor") ||
		take(out->etag, sizeof(out->etag), line, "etag") ||
		take(out->last_modified, sizeof(out->last_modified), line, "modified")) {
		return;
	}
	if (take(number, sizeof(number), line, "until")) {
		out->until_ms = strtoll(number, NULL, 10);
	} else if (take(number, sizeof(number), line, "page")) {
		out->page = strtoull(number, NULL, 10);
	} else if (take(number, sizeof(number), line, "ran")) {
		out->ran_ms = strtoll(number, NULL, 10);
	}
}

void bd_pull_progress_read(struct bd_pull_progress *out, struct bd_bytes text)
{
	*out = (struct bd_pull_progress){ .until_ms = 0 };
	while (text.len > 0) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;

		read_line(out, (struct bd_bytes){ text.ptr, len });
		text.ptr += end != NULL ? len + 1 : len;
		text.len -= end != NULL ? len + 1 : len;
	}
}

/* -- after a page -- */

static enum bd_pull_step step_of(const struct bd_pull_progress *progress,
	const struct bd_form *form, uint64_t received, const struct bd_page *page)
{
	bool is_last = page->is_last;

	switch (form->paging) {
	case BD_PAGING_NONE:
		return BD_PULL_OVER;
	case BD_PAGING_CURSOR:
		if (page->next.len == 0 || is_last) {
			return BD_PULL_OVER;
		}
		/* The same again would go on for ever. */
		return bd_bytes_is(page->next, progress->cursor) ||
				       page->next.len >= sizeof(progress->cursor)
			       ? BD_PULL_STUCK
			       : BD_PULL_MORE;
	case BD_PAGING_NUMBER:
		is_last = form->last == BD_LAST_EMPTY   ? received == 0
			  : form->last == BD_LAST_SHORT ? received < form->page_size
							: is_last;
		return is_last ? BD_PULL_OVER : BD_PULL_MORE;
	}
	return BD_PULL_OVER;
}

static void finish(struct bd_pull_progress *progress, const struct bd_form *form,
	const struct bd_page *page, int64_t now_ms)
{
	if (form->is_windowed) {
		bd_form_time(progress->since, progress->until_ms);
	} else if (form->is_marked_by_message && page->mark.len > 0 &&
		   page->mark.len < sizeof(progress->since)) {
		memcpy(progress->since, page->mark.ptr, page->mark.len);
		progress->since[page->mark.len] = '\0';
	}
	progress->until_ms = 0;
	progress->page = 0;
	progress->cursor[0] = '\0';
	progress->ran_ms = now_ms;
}

enum bd_pull_step bd_pull_advance(struct bd_pull_progress *progress, const struct bd_form *form,
	uint64_t received, const struct bd_page *page, int64_t now_ms)
{
	enum bd_pull_step step = step_of(progress, form, received, page);

	if (step == BD_PULL_MORE && progress->page + 1 - form->first_page >= form->pages_max) {
		step = BD_PULL_STUCK;
	}
	if (step == BD_PULL_OVER) {
		finish(progress, form, page, now_ms);
	} else if (step == BD_PULL_MORE) {
		progress->page++;
		if (form->paging == BD_PAGING_CURSOR) {
			memcpy(progress->cursor, page->next.ptr, page->next.len);
			progress->cursor[page->next.len] = '\0';
		}
	}
	return step;
}

/* -- when -- */

int64_t bd_pull_due(const struct bd_pull_plan *plan, int64_t ran_ms, int64_t now_ms)
{
	int64_t today_ms = bd_day_begin_ms(bd_day_at(now_ms)) + plan->at_minute * MINUTE_MS;
	int64_t last_ms = today_ms <= now_ms ? today_ms : today_ms - DAY_MS;

	if (plan->at_minute >= 0) {
		/* What was missed is made up for; the first one waits for no day. */
		return ran_ms < last_ms ? now_ms : last_ms + DAY_MS;
	}
	/* A clock that was set back does not stop it. */
	return ran_ms == 0 || ran_ms > now_ms ? now_ms : ran_ms + (int64_t)plan->every_ms;
}
