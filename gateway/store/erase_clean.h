/* erase_clean.h - what a row of somebody else says of an erased subject, taken out of it.
 *
 * Layer: store, private; pure but for chance and the keys of the store. A relation (a shareholder,
 * a legal representative) is a fact of the organization as well: its row stays, with role, dates
 * and capital, and leads to nobody any more. A path over it is then `indeterminate`
 * (other_unknown), so that nothing is passed, and nothing proven absent, by what was taken out.
 *
 * Gone are: whom the row leads to, every value of a personal field in it, every value of any row
 * that contains one of the subject's numbers, and of rows that lead to nobody those personal values
 * that are one of its names. A row's key has the number of whom it leads to: another is drawn, by
 * chance, so that nobody can try numbers against it. A later record of that relation is so a new
 * row; what a source tells whole, or withdraws by its values, removes the one that was left.
 */
#ifndef BD_STORE_ERASE_CLEAN_H
#define BD_STORE_ERASE_CLEAN_H

#include "base/limits.h"
#include "store/node.h"
#include "store/seal.h"

/* Shorter numbers are found within others: rows are still found by them, their text is not. */
#define BD_ERASE_WORD_MIN_BYTES 8

/* Who is erased. */
struct bd_erase_who {
	const struct bd_identifier *names;
	size_t name_count;
	const uint8_t (*keys)[BD_NODE_KEY_BYTES]; /* the names, blinded */
	/* Numbers of fields that are about a person, and of those that say what one is called. */
	const uint16_t *personal, *called;
	size_t personal_count, called_count;
	/* What it is called, as was held of it and as the rows that are met call it: in `arena`. */
	struct bd_bytes words[BD_ERASE_WORDS_MAX];
	size_t word_count;
	/* Its numbers, in the forms in which they may stand in a text. */
	struct bd_bytes numbers[2 * BD_SUBJECT_NODES_MAX];
	size_t number_count;
	struct bd_arena *arena;
};

/* The numbers of its names; call before anything else. */
enum bd_code bd_erase_who_begin(struct bd_erase_who *who);
/* One more of what it is called; past BD_ERASE_WORDS_MAX the rest is not learned. */
enum bd_code bd_erase_learn(struct bd_erase_who *who, struct bd_bytes word);
bool bd_erase_is_name(const struct bd_erase_who *who, uint16_t field);
/* Is it one of its names? */
bool bd_erase_is_name_of(const struct bd_erase_who *who, const struct bd_identifier *identifier);
/* Somewhere in the text, one of its numbers; is the text what it is called? */
bool bd_erase_has_number(const struct bd_erase_who *who, struct bd_bytes text);
bool bd_erase_is_word(const struct bd_erase_who *who, struct bd_bytes text);

/* The node is settled. Rows that are changed are touched, their digests made anew, and disputes of
 * them go on. */
enum bd_code bd_erase_clean(bool *is_changed, struct bd_node *node, struct bd_erase_who *who,
	const uint8_t key[BD_NODE_KEY_BYTES], struct bd_seal *seal);
/* A text in which people write, without its numbers and without what it is called. *out borrows
 * from text, or stands in the arena. */
enum bd_code bd_erase_text(struct bd_bytes *out, struct bd_bytes text,
	const struct bd_erase_who *who, struct bd_arena *arena);

#endif
