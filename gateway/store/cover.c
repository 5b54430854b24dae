/* cover.c - what is proven of a subject: by the feeds, the same for everyone, and by replies about
 * it. */
#include "store/history.h"
#include "store/lookup.h"

#include <stdlib.h>
#include <string.h>

/* -- the feeds -- */

static enum bd_code read_feed(struct bd_feed_coverage *feed, struct bd_store_reader *reader,
	const struct bd_cover *cover, struct bd_diag *diag)
{
	char room[400];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
	enum bd_code code;
	struct bd_bytes value;
	bool found = false;

	memset(feed, 0, sizeof(*feed));
	if (bd_coverage_name(&name, "feed", bd_bytes_of(cover->source), bd_bytes_of(cover->feed)) !=
		BD_OK) {
		return BD_LIMIT_BYTES;
	}
	code = bd_history_coverage(&value, &found, reader->store, reader->txn, bd_buf_bytes(&name),
		reader->as_of.commit);
	if (code != BD_OK) {
		return bd_fail(diag, code, "coverage");
	}
	return found ? bd_feed_coverage_unpack(feed, value) : BD_OK;
}

/* The state of the feeds at the reader's snapshot: read once a commit, not once a subject. */
static enum bd_code refresh(struct bd_store_reader *reader, struct bd_diag *diag)
{
	const struct bd_covers *covers = reader->covers;
	size_t txn = mdb_txn_id(reader->txn);
	struct bd_feed_coverage feed;
	enum bd_code code = BD_OK;

	if (reader->now != NULL && reader->now_txn == txn &&
		reader->now_at == reader->as_of.commit) {
		return BD_OK;
	}
	free(reader->now);
	reader->now = calloc(covers->count + 1, sizeof(*reader->now));
	if (reader->now == NULL) {
		return BD_NO_MEMORY;
	}
	for (size_t i = 0; i < covers->count && code == BD_OK; i++) {
		const struct bd_cover *cover = &covers->items[i];

		if (cover->cycle == NULL) {
			continue;
		}
		code = read_feed(&feed, reader, cover, diag);
		reader->now[i] = (struct bd_cover_now){ bd_feed_coverage_state(&feed),
			bd_feed_coverage_through(&feed, cover->cycle),
			bd_feed_coverage_is_blocked(&feed) };
	}
	if (code != BD_OK) {
		free(reader->now);
		reader->now = NULL;
		return code;
	}
	reader->now_txn = txn;
	reader->now_at = reader->as_of.commit;
	return BD_OK;
}

/* -- the subject -- */

static const struct bd_node_marker *newest_marker(const struct bd_node *const *nodes, size_t count,
	const struct bd_cover_names *names, uint16_t entity, bool *blocked)
{
	const struct bd_node_marker *newest = NULL;

	for (size_t n = 0; n < count; n++) {
		const struct bd_node_marker *marker =
			bd_node_find_marker(nodes[n], names->source, names->section, entity);

		*blocked |= bd_node_is_blocked(nodes[n], names->source, entity);
		if (marker != NULL &&
			(newest == NULL || marker->received_ms > newest->received_ms)) {
			newest = marker;
		}
	}
	return newest;
}

/* Several feeds may tell of one entity: the whole is proven only if each of them is whole, and only
 * as far as the least of them; one subject is proven by one reply. */
static void join(
	struct bd_coverage *sum, bool is_first, enum bd_coverage_state state, int64_t through_ms)
{
	if (is_first) {
		sum->state = state;
		sum->complete_through_ms = through_ms;
		return;
	}
	if (state == BD_COVERAGE_GAP || sum->state == BD_COVERAGE_GAP) {
		sum->state = BD_COVERAGE_GAP;
	} else if (state == BD_COVERAGE_NONE || sum->state == BD_COVERAGE_NONE) {
		sum->state = BD_COVERAGE_NONE;
	}
	if (through_ms < sum->complete_through_ms) {
		sum->complete_through_ms = through_ms;
	}
}

/* Of one source and entity, while its covers are gone through. */
struct group {
	bool has_feed;
	int64_t subject_ms;
};

static void add_cover(struct bd_coverage *sum, struct group *group, const struct bd_cover *cover,
	const struct bd_cover_now *now, const struct bd_node_marker *marker)
{
	sum->source = cover->source;
	sum->entity = cover->entity;
	if (cover->cycle != NULL) {
		join(sum, !group->has_feed, now->state, now->through_ms);
		sum->is_blocked |= now->is_blocked;
		group->has_feed = true;
	}
	if (cover->is_subject && marker != NULL && marker->received_ms > group->subject_ms) {
		group->subject_ms = marker->received_ms;
	}
}

static bool is_unsure(const struct bd_unsure *unsure, const struct bd_coverage *coverage)
{
	while (unsure != NULL && (unsure->entity != coverage->entity ||
					 !bd_bytes_is(unsure->source, coverage->source))) {
		unsure = unsure->next;
	}
	return unsure != NULL;
}

enum bd_code bd_cover_fill(struct bd_held *held, struct bd_store_reader *reader,
	const struct bd_node *const *nodes, size_t count, const struct bd_unsure *unsure,
	bool is_cut, struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_covers *covers = reader->covers;
	struct bd_coverage *list = bd_arena_alloc(arena, covers->group_count, sizeof(*list));
	struct group *groups = bd_arena_alloc(arena, covers->group_count, sizeof(*groups));
	const struct bd_node *telling[BD_SUBJECT_NODES_MAX];
	size_t telling_count = 0;
	enum bd_code code =
		list == NULL || groups == NULL ? bd_arena_code(arena) : refresh(reader, diag);

	if (code != BD_OK) {
		return code;
	}
	for (size_t g = 0; g < covers->group_count; g++) {
		list[g].state = BD_COVERAGE_NONE;
	}
	for (size_t n = 0; n < count; n++) {
		if (nodes[n]->markers != NULL || nodes[n]->blocks != NULL) {
			telling[telling_count++] = nodes[n];
		}
	}
	for (size_t i = 0; i < covers->count; i++) {
		const struct bd_cover *cover = &covers->items[i];
		struct bd_coverage *sum = &list[covers->groups[i]];
		const struct bd_node_marker *marker = newest_marker(
			telling, telling_count, &covers->names[i], cover->entity, &sum->is_blocked);

		add_cover(sum, &groups[covers->groups[i]], cover, &reader->now[i], marker);
	}
	for (size_t g = 0; g < covers->group_count; g++) {
		if (groups[g].subject_ms != 0 && list[g].state != BD_COVERAGE_FEED) {
			list[g].state = BD_COVERAGE_SUBJECT;
			list[g].complete_through_ms = groups[g].subject_ms;
		}
		list[g].is_blocked |= is_cut || is_unsure(unsure, &list[g]);
	}
	held->coverage = list;
	held->coverage_count = covers->group_count;
	return BD_OK;
}
