/* record.h - one normalized record: what one source says of one subject at one time.
 *
 * Layer: record. Made by intake (in a worker), carried to the daemon packed (pack.h), applied by
 * store. Lives in the arena of its message. Text is normalized UTF-8; `native` is the source's own
 * text and is given only where it differs.
 */
#ifndef BD_RECORD_RECORD_H
#define BD_RECORD_RECORD_H

#include "record/dictionary.h"

/* An identifier 标识: kind, issuer (for a department's own keys), canonical number. The 15-digit
 * resident number is already the 18-digit one here. */
struct bd_identifier {
	uint16_t kind; /* bd_id_kind.number; 0 = none */
	struct bd_bytes
		issuer; /* "tax:djxh" (source ':' key name) when the kind is issued, else empty */
	struct bd_bytes number;
};

static inline bool bd_identifier_equal(const struct bd_identifier *a, const struct bd_identifier *b)
{
	return a->kind == b->kind && bd_bytes_equal(a->number, b->number) &&
	       bd_bytes_equal(a->issuer, b->issuer);
}

enum bd_value_flag {
	BD_VALUE_NORMALIZED = 1, /* normal form differs from native */
	BD_VALUE_UNMAPPED = 2,   /* code not in the table: text is the native code; never a guess */
	BD_VALUE_PLACEHOLDER =
		4, /* holds a character its source could not encode (departments.md §5 step 6) */
	BD_VALUE_NONE = 8,   /* stated as none (\N, null, empty): text empty */
	BD_VALUE_WARNED = 16 /* accepted with a warning (check digit wrong in 市监 data, ...) */
};

struct bd_value {
	uint16_t field; /* bd_field.number */
	uint8_t flags;  /* enum bd_value_flag */
	struct bd_bytes
		text; /* normal form; a code's name for BD_TYPE_CODE; fen or count in decimal */
	struct bd_bytes native; /* empty when equal to text */
};

enum bd_action {
	BD_ACTION_REPLACE = 1, /* the row is now exactly these fields */
	BD_ACTION_PATCH,       /* these fields of the row change, the others stay */
	BD_ACTION_DELETE,      /* the row is gone (tombstone) */
	BD_ACTION_SECTION /* all rows of this section for this subject are those in this message:
			   * rows with a lower order are gone. Has no fields. */
};

/* The place of a record in its source's order. Compared rank first, then order, then nothing: equal
 * means that neither supersedes the other, and differing contents are a conflict. */
struct bd_order {
	uint8_t rank;  /* of the feed, from the adapter; feeds that share a clock share a rank */
	int64_t order; /* ms since 1970 (time), sequence number, or journal sequence (receipt) */
};

enum bd_order_kind { BD_ORDER_TIME = 1, BD_ORDER_SEQUENCE, BD_ORDER_RECEIPT };

struct bd_record {
	uint64_t index;      /* in its message, from 0 */
	const char *section; /* name in the adapter */
	uint16_t entity;     /* bd_entity.number */
	enum bd_action action;
	bool is_message_subject; /* the subject is the message's: identifiers come with the
				    message's end */
	const struct bd_identifier
		*subject; /* highest first; the first names the subject, the others are aliases */
	size_t subject_count;
	const struct bd_identifier *other; /* relations only: the other subject, same rules */
	size_t other_count;
	struct bd_bytes row_key; /* canonical key of the row among its entity's rows of this source
				    and subject */
	enum bd_order_kind order_kind;
	bool is_message_order; /* the order is the message's: comes with the message's end */
	struct bd_order order;
	int64_t as_of_ms;              /* source's time of the fact, 0 = not stated */
	const struct bd_value *values; /* ascending field number */
	size_t value_count;
};

#endif
