/* case_read.c - a case by its receipt; the cases of a number, of a subject, of a time. */
#include "base/try.h"
#include "store/case_index.h"
#include "store/case_runs.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum bd_code bd_case_read(struct bd_case_record *out, struct bd_store_reader *reader,
	const struct bd_trail_id *receipt, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_store *store = reader->store;
	struct bd_case_item items[BD_CASE_RECEIPT_ITEMS], item;
	struct bd_case_gather gather = {
		.items = items, .max = BD_CASE_RECEIPT_ITEMS, .is_newest_first = true
	};
	/* Before the look: what is indexed meanwhile is found by it. */
	bool is_behind = bd_cases_is_behind(store);
	struct bd_case_place place;
	enum bd_code code;

	bd_case_item_of_receipt(&gather.front, receipt, 0);
	BD_TRY(bd_case_find_now(&gather, store, diag));
	if (!bd_case_pick_receipt(&item, &gather, receipt)) {
		return bd_fail(diag, is_behind ? BD_CASE_PENDING : BD_CASE_UNKNOWN, "%s", "");
	}
	place = bd_case_item_place(&item);
	code = bd_case_load(out, store, reader->seal, &place, arena);
	if (code == BD_OK && !bd_trail_id_equal(&out->receipt, receipt)) {
		code = BD_STORE_DAMAGED;
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a case file");
}

/* -- lists -- */

static enum bd_code list_of(struct bd_case_item *front, struct bd_case_item *after,
	struct bd_store_reader *reader, const struct bd_case_query *query)
{
	static const struct bd_case_place behind = { UINT16_MAX, UINT32_MAX, UINT32_MAX };
	enum bd_case_kind kind = query->subject != NULL ? BD_CASE_BY_SUBJECT : BD_CASE_BY_NUMBER;
	const struct bd_case_head head = { .at_ms = query->after.at_ms,
		.receipt = query->after.receipt };
	uint8_t key[BD_NODE_KEY_BYTES];

	BD_TRY(query->subject != NULL ? bd_seal_blind(reader->seal, query->subject, key)
				      : bd_case_number_key(key, reader->seal, query->number));
	bd_case_item_bound(front, kind, key, 0);
	bd_case_item_make(after, kind, key, &head, &behind);
	return BD_OK;
}

enum bd_code bd_case_list(struct bd_case_page *out, struct bd_store_reader *reader,
	const struct bd_case_query *query, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_case_ref *refs = bd_arena_alloc(arena, query->max, sizeof(*refs));
	struct bd_case_item *items = bd_arena_alloc(arena, query->max + 1, sizeof(*items)), after;
	struct bd_case_gather gather = { .after = &after, .items = items, .max = query->max + 1 };
	enum bd_code code = refs != NULL && items != NULL
				    ? list_of(&gather.front, &after, reader, query)
				    : bd_arena_code(arena);

	*out = (struct bd_case_page){ .items = refs };
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	BD_TRY(bd_case_find_now(&gather, reader->store, diag));
	out->has_more = gather.count > query->max;
	out->count = out->has_more ? query->max : gather.count;
	for (size_t i = 0; i < out->count; i++) {
		refs[i].at_ms = bd_case_item_time(&items[i]);
		refs[i].receipt = bd_case_item_receipt(&items[i]);
	}
	return BD_OK;
}

/* -- all of a time -- */

/* One series, and the record of it that comes next. */
struct lane {
	struct bd_case_reader reader;
	struct bd_case_place end, place;
	struct bd_case_head head;
	struct bd_bytes sealed;
};

struct bd_case_walk {
	struct bd_store *store;
	struct bd_seal *seal;
	int64_t until_ms;
	struct lane *lanes;
	size_t lane_count;
	uint64_t erased;
};

int64_t bd_case_first_ms(struct bd_store *store, uint16_t loop, uint32_t segment)
{
	char bytes[BD_CASE_FILE_HEAD_BYTES];
	int fd = bd_case_file_open(store, loop, segment, false);
	int64_t first_ms = INT64_MIN;

	if (fd >= 0) {
		if (bd_case_read_at(fd, bytes, sizeof(bytes), 0) != BD_OK ||
			!bd_case_file_head_read(&first_ms,
				(struct bd_bytes){ bytes, sizeof(bytes) }, loop, segment)) {
			first_ms = INT64_MIN;
		}
		close(fd);
	}
	return first_ms;
}

/* The last file that begins before the time: the records from then on are there or behind it. */
static uint32_t find_segment(
	struct bd_store *store, const struct bd_case_series *series, int64_t from_ms)
{
	uint32_t segment = series->end.segment;

	while (segment > series->first) {
		int64_t first_ms = bd_case_first_ms(store, series->end.loop, segment);

		if (first_ms > 0 && first_ms <= from_ms) {
			break;
		}
		segment--;
	}
	return segment;
}

/* The next record; *found false where the series has ended. */
static enum bd_code advance(bool *found, struct lane *lane, struct bd_diag *diag)
{
	enum bd_case_step step = BD_CASE_STEP_BROKEN;

	do {
		BD_TRY(bd_case_reader_next(&step, &lane->head, &lane->place, &lane->sealed,
			&lane->reader, &lane->end, diag));
		if (step == BD_CASE_STEP_BROKEN && lane->place.segment < lane->end.segment) {
			lane->reader.at.segment++;
			lane->reader.at.offset = BD_CASE_FILE_HEAD_BYTES;
			continue;
		}
		break;
	} while (true);
	*found = step == BD_CASE_STEP_RECORD;
	return BD_OK;
}

static enum bd_code open_lane(struct bd_case_walk *walk, const struct bd_case_series *series,
	int64_t from_ms, struct bd_diag *diag)
{
	struct lane *lane = &walk->lanes[walk->lane_count];
	const struct bd_case_place from = { series->end.loop,
		find_segment(walk->store, series, from_ms), BD_CASE_FILE_HEAD_BYTES };
	bool found = true;

	lane->end = series->end;
	bd_case_reader_open(&lane->reader, walk->store, &from);
	walk->lane_count++;
	do {
		BD_TRY(advance(&found, lane, diag));
	} while (found && lane->head.at_ms < from_ms);
	if (!found) {
		bd_case_reader_close(&lane->reader);
		walk->lane_count--;
	}
	return BD_OK;
}

enum bd_code bd_case_walk_open(struct bd_case_walk **out, struct bd_store *store, int64_t from_ms,
	int64_t until_ms, struct bd_diag *diag)
{
	struct bd_case_walk *walk = calloc(1, sizeof(*walk));
	enum bd_code code = walk != NULL ? bd_seal_new(&walk->seal, store->ring) : BD_NO_MEMORY;

	*out = NULL;
	if (code == BD_OK) {
		walk->store = store;
		walk->until_ms = until_ms;
		walk->lanes = calloc(BD_TRAIL_LOOPS_MAX, sizeof(*walk->lanes));
		code = walk->lanes != NULL ? BD_OK : BD_NO_MEMORY;
	}
	for (size_t i = 0; i < BD_TRAIL_LOOPS_MAX && code == BD_OK; i++) {
		struct bd_case_series series = bd_cases_series(store, (uint16_t)i);

		if (series.is_there) {
			code = open_lane(walk, &series, from_ms, diag);
		}
	}
	if (code != BD_OK) {
		bd_case_walk_close(walk);
		return bd_fail(diag, code, "cases");
	}
	*out = walk;
	return BD_OK;
}

void bd_case_walk_close(struct bd_case_walk *walk)
{
	if (walk == NULL) {
		return;
	}
	for (size_t i = 0; i < walk->lane_count; i++) {
		bd_case_reader_close(&walk->lanes[i].reader);
	}
	bd_seal_free(walk->seal);
	free(walk->lanes);
	free(walk);
}

uint64_t bd_case_walk_erased(const struct bd_case_walk *walk)
{
	return walk->erased;
}

static size_t earliest(const struct bd_case_walk *walk)
{
	size_t best = 0;

	for (size_t i = 1; i < walk->lane_count; i++) {
		if (walk->lanes[i].head.at_ms < walk->lanes[best].head.at_ms) {
			best = i;
		}
	}
	return best;
}

static enum bd_code pass(struct bd_case_walk *walk, size_t at, struct bd_diag *diag)
{
	bool found = false;

	BD_TRY(advance(&found, &walk->lanes[at], diag));
	if (!found) {
		bd_case_reader_close(&walk->lanes[at].reader);
		walk->lanes[at] = walk->lanes[--walk->lane_count];
	}
	return BD_OK;
}

enum bd_code bd_case_walk_next(struct bd_case_record *out, bool *found, struct bd_case_walk *walk,
	struct bd_arena *arena, struct bd_diag *diag)
{
	*found = false;
	while (!*found && walk->lane_count > 0) {
		size_t at = earliest(walk);
		const struct lane *lane = &walk->lanes[at];
		enum bd_code code;

		if (lane->head.at_ms >= walk->until_ms) {
			return BD_OK;
		}
		code = bd_case_open_record(
			out, walk->seal, &lane->place, &lane->head, lane->sealed, arena);
		walk->erased += code == BD_CASE_ERASED;
		*found = code == BD_OK;
		BD_TRY(pass(walk, at, diag));
		if (code != BD_OK && code != BD_CASE_ERASED) {
			return bd_fail(diag, code, "a case file");
		}
	}
	return BD_OK;
}
