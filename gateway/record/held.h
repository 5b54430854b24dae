/* held.h - what the store holds of one subject, in one snapshot: the answer layer's only view of
 * data.
 *
 * Layer: record. Filled by store/lookup, read by answer/. Everything lives in the request's arena.
 */
#ifndef BD_RECORD_HELD_H
#define BD_RECORD_HELD_H

#include "record/record.h"

enum bd_held_status {
	BD_HELD_FOUND = 1,
	BD_HELD_NO_SUBJECT, /* no source has a row of it; coverage below says whether that proves
			       anything */
	BD_HELD_AMBIGUOUS,  /* the identifier leads to several subjects */
	BD_HELD_WITHHELD    /* who asks may not see it */
};

/* A value as held: several with one field in one statement = same order, different content
 * (conflict). */
struct bd_held_value {
	struct bd_value value;
	struct bd_order order;
	int64_t as_of_ms;
	int64_t received_ms;
	uint64_t message; /* journal sequence */
};

/* One live row of one source. Deleted and superseded rows are not here. */
struct bd_statement {
	const char *source;
	const char *section;
	uint16_t entity;
	struct bd_bytes row_key;
	const struct bd_identifier *other; /* relations: the other subject */
	size_t other_count;
	bool is_inverse; /* relation found from the other side: `other` is the subject that the row
			    stands under */
	bool is_blocked; /* a later row of this subject was rejected: indeterminate until it is
			    mended */
	const struct bd_held_value *values; /* ascending field number */
	size_t value_count;
	int64_t as_of_ms, received_ms; /* newest of the values */
	uint64_t version;              /* journal sequence that last changed what it says */
	/* Of what it says and whose it is, 32 bytes under a key of the store: equal for equal
	 * statements of one subject. */
	const uint8_t *digest;
};

/* What a source has completely told us of one entity, for this subject. */
enum bd_coverage_state {
	BD_COVERAGE_NONE =
		1, /* the source does not cover it (or nothing was ever delivered): not_covered */
	BD_COVERAGE_GAP,     /* a delivery is missing, or its control total disagrees */
	BD_COVERAGE_SUBJECT, /* a reply told all of this section for this subject */
	BD_COVERAGE_FEED     /* the whole feed is complete: absence is proven, even for an unknown
				subject */
};

struct bd_coverage {
	const char *source;
	uint16_t entity;
	enum bd_coverage_state state;
	int64_t complete_through_ms; /* end of the last gap-free delivery or time of the reply; 0 =
					never */
	bool is_blocked;             /* a reject of unknown subject holds it back */
};

/* What a source says of an entity, or of one field of it, is disputed 存在异议. */
struct bd_held_dispute {
	const char *source;
	uint16_t entity, field; /* field 0 = whatever it says, and that it says nothing */
};

/* What of a subject a question can use. A lookup may give more, never less; whether the subject is
 * known does not depend on it. */
struct bd_wanted {
	uint64_t entities; /* bit: number of the entity % 64 */
	bool inverse;      /* relations found from the other side */
};

static inline uint64_t bd_wanted_bit(uint16_t entity)
{
	return (uint64_t)1 << (entity % 64);
}

static inline bool bd_wants(const struct bd_wanted *wanted, uint16_t entity)
{
	return (wanted->entities & bd_wanted_bit(entity)) != 0;
}

static const struct bd_wanted bd_wanted_all = { UINT64_MAX, true };

struct bd_held {
	enum bd_held_status status;
	enum bd_subject_kind subject;
	/* highest first; empty unless found */
	const struct bd_identifier *identifiers;
	size_t identifier_count;
	const struct bd_statement *statements; /* by source, entity, row key */
	size_t statement_count;
	const struct bd_coverage *coverage; /* one per source x entity that some adapter covers */
	size_t coverage_count;
	const struct bd_held_dispute *disputes; /* open ones */
	size_t dispute_count;
	bool is_disputed; /* all that is held of it, whoever says it */
};

#endif
