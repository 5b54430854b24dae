#include "daemon/drop_set.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* -- one file -- */

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), end = strlen(suffix);

	return len > end && strcmp(name + len - end, suffix) == 0;
}

/* Of which feed, or the totals; false: of nobody's. */
static bool classify(struct bd_drop *drop, const struct bd_folder_plan *plan)
{
	struct bd_bytes name = bd_bytes_of(drop->seen.name);

	if (plan->done_suffix != NULL && has_suffix(drop->seen.name, plan->done_suffix)) {
		return false;
	}
	if (plan->totals != NULL && bd_file_pattern_fits(&drop->day, plan->totals, true, name)) {
		drop->file = BD_DROP_TOTALS;
		return true;
	}
	for (size_t i = 0; i < plan->file_count; i++) {
		const struct bd_folder_file *file = &plan->files[i];

		if (bd_file_pattern_fits(&drop->day, file->pattern, file->has_free_ending, name)) {
			drop->file = i;
			return true;
		}
	}
	return false;
}

/* A name that cannot be read fits no pattern: whoever put it there should hear of it. */
static bool is_unreadable(const struct bd_drop *drop)
{
	struct bd_bytes name = bd_bytes_of(drop->seen.name);

	return !bd_file_name_is_good(name) && !bd_file_name_is_passing(name);
}

static enum bd_code judge(const struct bd_drop *drop, const struct bd_folder_plan *plan,
	uint32_t folder_owner, uint32_t user, uint64_t max_bytes)
{
	uint64_t most = drop->file == BD_DROP_TOTALS ? BD_FOLDER_TOTALS_MAX_BYTES
			: plan->max_bytes != 0       ? plan->max_bytes
						     : max_bytes;
	uint32_t owner = drop->seen.owner;

	if (!S_ISREG(drop->seen.mode) || drop->seen.links != 1) {
		return BD_FOLDER_KIND;
	}
	if (owner != folder_owner && owner != user && !(plan->has_owner && owner == plan->owner)) {
		return BD_FOLDER_OWNER;
	}
	return drop->seen.mark.size > most ? BD_FOLDER_SIZE : BD_OK;
}

static bool is_complete(
	const struct bd_drop *drop, const struct bd_drop_list *list, const char *suffix)
{
	char mark[BD_FILE_NAME_MAX_BYTES + 1];
	int len;

	if (suffix == NULL) {
		return true;
	}
	len = snprintf(mark, sizeof(mark), "%s%s", drop->seen.name, suffix);
	return len < (int)sizeof(mark) && bd_drop_list_find(list, mark) != NULL;
}

static void look_anew(struct bd_drop *drop, const struct bd_drop_set *set,
	const struct bd_drop_list *list, uint64_t max_bytes, uint32_t user)
{
	bool is_known = classify(drop, set->plan);

	if (!is_known && !is_unreadable(drop)) {
		drop->state = BD_DROP_IGNORED;
		return;
	}
	drop->code =
		is_known ? judge(drop, set->plan, list->owner, user, max_bytes) : BD_FOLDER_NAME;
	drop->state = drop->code != BD_OK                               ? BD_DROP_REFUSED
		      : is_complete(drop, list, set->plan->done_suffix) ? BD_DROP_READY
									: BD_DROP_INCOMPLETE;
}

/* -- all of them -- */

static const struct bd_drop *find(const struct bd_drop_set *set, const char *name)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, set->items[middle].seen.name);

		if (order == 0) {
			return &set->items[middle];
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return NULL;
}

/* A mark may come while the file stays what it was. */
static bool is_kept(const struct bd_drop *before)
{
	return before->state != BD_DROP_INCOMPLETE && before->state != BD_DROP_AWAITS;
}

static void forget_totals(struct bd_drop_set *set)
{
	struct bd_drop_totals **link = &set->totals;

	while (*link != NULL) {
		struct bd_drop_totals *one = *link;
		const struct bd_drop *drop = find(set, one->name);

		if (drop != NULL && bd_drop_mark_is(&drop->seen.mark, &one->mark)) {
			link = &one->next;
			continue;
		}
		*link = one->next;
		bd_arena_release(&one->arena);
		free(one);
	}
}

bool bd_drop_set_update(
	struct bd_drop_set *set, const struct bd_drop_list *list, uint64_t max_bytes, uint32_t user)
{
	struct bd_drop *items = calloc(list->count + 1, sizeof(*items));

	if (items == NULL) {
		return false;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct bd_drop *before = find(set, list->items[i].name);

		items[i] = (struct bd_drop){ .seen = list->items[i], .day = INT32_MIN };
		if (before != NULL && is_kept(before) &&
			bd_drop_mark_is(&before->seen.mark, &list->items[i].mark)) {
			items[i] = *before;
		} else {
			look_anew(&items[i], set, list, max_bytes, user);
		}
	}
	free(set->items);
	set->items = items;
	set->count = list->count;
	set->is_cut = list->is_cut;
	forget_totals(set);
	return true;
}

void bd_drop_set_release(struct bd_drop_set *set)
{
	set->count = 0;
	forget_totals(set);
	free(set->items);
	set->items = NULL;
}

struct bd_drop_totals *bd_drop_set_totals(const struct bd_drop_set *set, int32_t day)
{
	struct bd_drop_totals *one = set->totals;

	while (one != NULL && one->day != day) {
		one = one->next;
	}
	return one;
}

/* -- what next -- */

static bool awaits_totals(const struct bd_drop_set *set, const struct bd_drop *drop)
{
	return set->plan->totals != NULL && drop->file != BD_DROP_TOTALS &&
	       drop->day != INT32_MIN && bd_drop_set_totals(set, drop->day) == NULL;
}

/* Totals first, then by day and name. */
static bool is_before(const struct bd_drop *a, const struct bd_drop *b)
{
	bool is_totals = a->file == BD_DROP_TOTALS;

	return is_totals != (b->file == BD_DROP_TOTALS) ? is_totals : a->day < b->day;
}

struct bd_drop *bd_drop_set_next(struct bd_drop_set *set, int64_t now_ms, int64_t *wait_ms)
{
	struct bd_drop *next = NULL;

	*wait_ms = INT64_MAX;
	for (size_t i = 0; i < set->count; i++) {
		struct bd_drop *drop = &set->items[i];

		if (drop->state == BD_DROP_READY || drop->state == BD_DROP_AWAITS) {
			drop->state = awaits_totals(set, drop) ? BD_DROP_AWAITS : BD_DROP_READY;
		}
		if (drop->state != BD_DROP_READY && drop->state != BD_DROP_REFUSED) {
			continue;
		}
		if (drop->retry_ms > now_ms) {
			*wait_ms = drop->retry_ms < *wait_ms ? drop->retry_ms : *wait_ms;
		} else if (next == NULL || is_before(drop, next)) {
			next = drop;
		}
	}
	return next;
}

void bd_drop_put_off(struct bd_drop *drop, enum bd_code code, int64_t now_ms)
{
	int64_t wait = BD_FOLDER_RETRY_MS;

	for (unsigned i = 0; i < drop->tries && wait < BD_FOLDER_RETRY_MAX_MS; i++) {
		wait *= 2;
	}
	drop->tries++;
	drop->hold = code;
	drop->retry_ms = now_ms + (wait < BD_FOLDER_RETRY_MAX_MS ? wait : BD_FOLDER_RETRY_MAX_MS);
}

void bd_drop_set_count(struct bd_drop_counts *out, const struct bd_drop_set *set)
{
	*out = (struct bd_drop_counts){ 0 };
	for (size_t i = 0; i < set->count; i++) {
		switch (set->items[i].state) {
		case BD_DROP_INCOMPLETE:
			out->incomplete++;
			break;
		case BD_DROP_AWAITS:
			out->awaiting++;
			break;
		case BD_DROP_READY:
			out->ready++;
			break;
		case BD_DROP_REFUSED:
			out->refused++;
			break;
		case BD_DROP_IGNORED:
		case BD_DROP_SETTLED:
			break;
		}
	}
}
