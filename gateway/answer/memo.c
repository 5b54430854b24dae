#include "answer/memo.h"

struct bd_memo_entry {
	const struct bd_identifier *identifiers; /* borrowed: statement or case, in the arena */
	size_t count;
	bool has_inverse;
	struct bd_held *held;
	struct bd_memo_entry *next;
};

static bool is_same(
	const struct bd_memo_entry *entry, const struct bd_identifier *identifiers, size_t count)
{
	if (entry->count != count) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		const struct bd_identifier *a = &entry->identifiers[i], *b = &identifiers[i];

		if (a->kind != b->kind || !bd_bytes_equal(a->number, b->number) ||
			!bd_bytes_equal(a->issuer, b->issuer)) {
			return false;
		}
	}
	return true;
}

static enum bd_code lookup(struct bd_answer_source *self, struct bd_held **out,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_memo *memo = (struct bd_memo *)self;
	struct bd_memo_entry *entry = memo->first;
	struct bd_held *held = NULL;
	enum bd_code code;

	while (entry != NULL &&
		((wanted->inverse && !entry->has_inverse) || !is_same(entry, identifiers, count))) {
		entry = entry->next;
	}
	if (entry != NULL) {
		*out = entry->held;
		return BD_OK;
	}
	code = memo->inner->lookup(memo->inner, &held, identifiers, count, wanted, arena, diag);
	entry = code == BD_OK ? bd_arena_alloc(arena, 1, sizeof(*entry)) : NULL;
	if (code == BD_OK && entry == NULL) {
		code = bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	if (code != BD_OK) {
		return code;
	}
	*entry = (struct bd_memo_entry){ identifiers, count, wanted->inverse, held, memo->first };
	memo->first = entry;
	*out = held;
	return BD_OK;
}

void bd_memo_init(struct bd_memo *memo, struct bd_answer_source *inner)
{
	*memo = (struct bd_memo){ .source = { lookup }, .inner = inner };
}
