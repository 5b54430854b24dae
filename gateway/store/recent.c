#include "store/recent.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

struct bd_recent {
	struct bd_arena arena;
	struct bd_node_memo *memo; /* in the arena; NULL = none yet */
	/* What everything below is true of. */
	size_t txn;
	uint64_t erasures;
	const struct bd_covers *covers;
	size_t count;
	struct {
		const struct bd_identifier *identifiers;
		size_t count;
		struct bd_wanted wanted;
		struct bd_held *held;
	} items[BD_RECENT_MAX];
};

enum bd_code bd_recent_new(struct bd_recent **out)
{
	struct bd_recent *recent = calloc(1, sizeof(*recent));

	*out = recent;
	if (recent == NULL) {
		return BD_NO_MEMORY;
	}
	bd_arena_init(&recent->arena, BD_RECENT_MAX_BYTES);
	recent->txn = SIZE_MAX;
	return BD_OK;
}

void bd_recent_free(struct bd_recent *recent)
{
	if (recent != NULL) {
		bd_arena_release(&recent->arena);
		free(recent);
	}
}

/* Half full it is begun again, so that what a lookup needs is nearly always there. */
static bool is_full(const struct bd_recent *recent)
{
	return recent->count == BD_RECENT_MAX ||
	       bd_arena_given(&recent->arena) > BD_RECENT_MAX_BYTES / 2;
}

void bd_recent_begin(struct bd_recent *recent, struct bd_store_reader *reader)
{
	size_t txn = mdb_txn_id(reader->txn);
	uint64_t erasures = bd_salts_erasures(&reader->store->salts);

	if (recent->txn == txn && recent->erasures == erasures &&
		recent->covers == reader->covers && !is_full(recent)) {
		return;
	}
	bd_arena_clear(&recent->arena);
	recent->memo = NULL;
	recent->count = 0;
	recent->txn = txn;
	recent->erasures = erasures;
	recent->covers = reader->covers;
}

static bool are_equal(const struct bd_identifier *a, size_t a_count, const struct bd_identifier *b,
	size_t b_count)
{
	bool is_equal = a_count == b_count;

	for (size_t i = 0; i < a_count && is_equal; i++) {
		is_equal = bd_identifier_equal(&a[i], &b[i]);
	}
	return is_equal;
}

struct bd_held *bd_recent_find(const struct bd_recent *recent,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted)
{
	for (size_t i = 0; i < recent->count; i++) {
		if (recent->items[i].wanted.entities == wanted->entities &&
			recent->items[i].wanted.inverse == wanted->inverse &&
			are_equal(recent->items[i].identifiers, recent->items[i].count, identifiers,
				count)) {
			return recent->items[i].held;
		}
	}
	return NULL;
}

struct bd_arena *bd_recent_room(struct bd_recent *recent, const struct bd_identifier **identifiers,
	size_t count, struct bd_node_memo ***memo)
{
	struct bd_identifier *copies;

	if (is_full(recent)) {
		return NULL;
	}
	copies = bd_arena_take(&recent->arena, count, sizeof(*copies));
	for (size_t i = 0; i < count && copies != NULL; i++) {
		copies[i].kind = (*identifiers)[i].kind;
		copies[i].number = bd_arena_copy(&recent->arena, (*identifiers)[i].number);
		copies[i].issuer = bd_arena_copy(&recent->arena, (*identifiers)[i].issuer);
		if (copies[i].number.ptr == NULL || copies[i].issuer.ptr == NULL) {
			return NULL;
		}
	}
	if (copies == NULL) {
		return NULL;
	}
	*identifiers = copies;
	*memo = &recent->memo;
	return &recent->arena;
}

const struct bd_node_memo *bd_recent_memo(const struct bd_recent *recent)
{
	return recent->memo;
}

void bd_recent_keep(struct bd_recent *recent, struct bd_held *held,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted)
{
	recent->items[recent->count].identifiers = identifiers;
	recent->items[recent->count].count = count;
	recent->items[recent->count].wanted = *wanted;
	recent->items[recent->count++].held = held;
}
