/* make.h - a node as an entry changes it: loaded, changed, packed and sealed, but not yet put.
 *
 * Layer: store, private. Looks at nothing but the entry, the keys and the store through one view,
 * and changes nothing but what it makes: so several threads may make nodes, each with a maker of
 * its own, and the writer puts them (apply.h). Deterministic, but for salts and nonces.
 */
#ifndef BD_STORE_MAKE_H
#define BD_STORE_MAKE_H

#include "store/env.h"
#include "store/journal.h"

/* One thing to be done at one node. */
struct bd_item {
	uint8_t key[BD_NODE_KEY_BYTES];
	uint64_t number;                  /* in the order of arrival */
	const struct bd_identifier *self; /* names the node */
	struct bd_record record;          /* or: */
	const struct bd_reject *reject;
	const struct bd_reject_row *row;       /* NULL: all its entities */
	const struct bd_node_recall *recall;   /* or: */
	const struct bd_node_dispute *dispute; /* or, with its resolution or new: */
};

/* Native records that changed something, by their index; several times where they did several
 * times. */
struct bd_changes {
	uint64_t *items;
	size_t count, cap;
};
enum bd_code bd_changes_add(struct bd_changes *changes, uint64_t index);

struct bd_maker {
	struct bd_node_view view; /* is_to_change */
	const struct bd_journal_entry *journal;
	const struct bd_node_context *context;
	struct bd_arena *arena;     /* of what is made: the caller's to clear */
	struct bd_changes *changes; /* what is made is added */
	struct bd_buf *plain;       /* to work in: as long as BD_NODE_MAX_BYTES and more */
};

/* Lives as long as its items and the maker's arena. */
struct bd_made {
	uint8_t key[BD_NODE_KEY_BYTES];
	bool is_nothing; /* there is nobody, and nothing makes him: it is not to be put */
	struct bd_node node;
	bool is_new;   /* it has no slot yet; else: */
	uint64_t slot; /* in which this salt stands */
	uint8_t salt[BD_SALT_BYTES];
	struct bd_bytes sealed; /* without its head, which says slot and commit */
	uint64_t recalled;      /* rows and whole tellings that were withdrawn */
};

/* All items are of one node, in the order of their numbers. BD_LIMIT_BYTES: it would pass
 * BD_NODE_MAX_BYTES, or the arena. is_overfull: it keeps what it has and is blocked for what the
 * items say. After a code something may stand in changes. */
enum bd_code bd_make_node(struct bd_made *made, struct bd_maker *maker, const struct bd_item *items,
	size_t count, bool is_overfull, struct bd_diag *diag);
/* What only the end of the message, or its place in the journal, could say. */
void bd_make_complete(struct bd_record *record, const struct bd_journal_entry *journal);

#endif
