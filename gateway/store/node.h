/* node.h - all that stands under one identifier: rows of every source, section markers, blocks.
 *
 * Layer: store, private. A node in memory is lists in an arena; it is packed into one sealed value.
 * Merging is commutative: applying the same records in any order gives the same node, but for what
 * only arrival can say (messages, times of receipt).
 *
 * Row: `base` is the highest order of a replace, `deleted` of a delete, each field and each name
 * has the order that set it. A field or name is seen when its order is above deleted and not below
 * base; one that is not can never be seen again and is dropped. A row is seen when it has such a
 * field or base is above deleted, unless a whole telling of its section is newer than all that it
 * has and did not have it: the marker of this node (a reply about this subject), or a mark of the
 * store (a snapshot of everybody).
 *
 * Names: identifiers come with the rows that state them and go with them.
 *
 * Recall: what a source has withdrawn leaves a tombstone at its order, of the row (`deleted`) or of
 * a field (one without values), so that the same statement counts no more whenever it arrives. Of
 * what was withdrawn nobody knows what is true instead: a block stands until the source says it.
 */
#ifndef BD_STORE_NODE_H
#define BD_STORE_NODE_H

#include "base/arena.h"
#include "base/digest.h"
#include "record/record.h"

struct bd_stamp {
	bool is_set;
	struct bd_order order;
};

struct bd_node_value {
	struct bd_value value;
	int64_t as_of_ms, received_ms;
	uint64_t message;
	struct bd_node_value *next;
};

struct bd_node_field {
	uint16_t number;
	bool is_recalled; /* has no values: nothing up to its order counts any more */
	struct bd_order order;
	struct bd_node_value
		*values; /* in the order of their bytes, at most BD_CONFLICT_VALUES_MAX */
	struct bd_node_field *next; /* by number */
};

/* An identifier as some records of a row state it. */
struct bd_node_name {
	struct bd_identifier identifier;
	struct bd_order order;     /* the highest that stated it */
	bool is_new;               /* since the node was loaded */
	struct bd_node_name *next; /* by kind, issuer, number */
};

struct bd_node_row {
	struct bd_bytes source, section, key;
	uint16_t entity;
	struct bd_stamp base, deleted;
	struct bd_stamp told;            /* the highest whole telling that had it */
	int64_t as_of_ms, received_ms;   /* of the newest replace */
	uint64_t message;                /* the last that spoke of it, whatever it said */
	uint64_t first;                  /* the one that made the row */
	uint64_t version;                /* the last that changed what it says */
	uint8_t digest[BD_DIGEST_BYTES]; /* of what it says */
	struct bd_node_name *aliases;    /* of the subject */
	struct bd_node_name *others;     /* relations: the other subject */
	struct bd_node_field *fields;
	struct bd_node_row *next; /* by source, section, entity, key */
	/* not packed */
	struct bd_bytes packed; /* as it was loaded; empty = it is new */
	bool is_touched;        /* since then */
	bool was_seen;          /* when it was loaded */
	bool is_seen;           /* by bd_node_settle */
};

/* A section was told whole for this subject. */
struct bd_node_marker {
	struct bd_bytes source, section;
	uint16_t entity;
	struct bd_order order;
	int64_t received_ms;
	struct bd_node_name *aliases; /* stated with it, at its order */
	struct bd_node_marker *next;  /* by source, section, entity */
};

/* A record of this subject was refused: what stands may be out of date until it is mended. With a
 * key: by a later record of that row. Without: by a whole telling of the section. */
struct bd_node_block {
	struct bd_bytes source, section;
	uint16_t entity;
	bool has_key;
	struct bd_bytes key;
	struct bd_stamp order; /* not set: it could not be read, so any later message is later */
	uint64_t message; /* BD_RECALLED: not refused but recalled, so only a later order mends */
	const struct bd_identifier *others; /* whom the relation would have led to */
	size_t other_count;
	struct bd_node_block *next;
	/* not packed */
	bool is_over; /* by bd_node_settle: a snapshot of everybody has told what it was about */
};

#define BD_RECALLED UINT64_MAX

/* First bytes of a digest, of something that stood when a dispute was raised. */
#define BD_DISPUTE_MARK_BYTES 8
/* An open dispute 异议: what the source says of this entity, or of this field of it, is not to be
 * relied on. It is over by itself when nothing of what it is about stands any more; marks say what
 * that was. */
struct bd_node_dispute {
	uint64_t id;
	struct bd_bytes source;
	uint16_t entity, field; /* field 0 = whatever the rows say, and that there is none */
	const uint8_t (*marks)[BD_DISPUTE_MARK_BYTES];
	size_t mark_count;
	bool has_all_marks;           /* else there were too many: it never is over by itself */
	struct bd_node_dispute *next; /* by id */
	/* not packed */
	bool is_new;
	const struct bd_resolution *resolution; /* it is being resolved; NULL = not */
};

/* A snapshot of everybody: what stands below its order in this section is gone. */
struct bd_node_mark {
	struct bd_bytes source, section;
	struct bd_order order;
	uint64_t message;
};
struct bd_node_marks {
	const struct bd_node_mark *items;
	size_t count;
};

struct bd_node {
	struct bd_arena *arena;
	struct bd_identifier self; /* names this node */
	struct bd_node_row *rows;
	struct bd_node_marker *markers;
	struct bd_node_block *blocks;
	struct bd_node_dispute *disputes;
	/* not packed */
	struct bd_node_dispute *over;      /* disputes that were, until now */
	struct bd_node_row *last;          /* found: records come sorted more often than not */
	struct bd_bytes head;              /* as it was loaded: all but the rows */
	struct bd_bytes stored;            /* the writer's: its value as it stands; empty = none */
	const struct bd_node_marks *marks; /* of the store; NULL = none. Set by bd_node_settle */
	/* by bd_node_settle: self first, then by kind, issuer, number; at most
	 * BD_SUBJECT_NODES_MAX */
	struct bd_identifier *identifiers;
	size_t identifier_count;
};

int bd_order_compare(struct bd_order a, struct bd_order b);
int bd_identifier_compare(const struct bd_identifier *a, const struct bd_identifier *b);

/* -- node.c: merging -- */

/* In which order rows stand in a node. */
int bd_node_row_compare(const struct bd_node_row *a, const struct bd_node_row *b);
/* An empty node; what self points to must live as long. */
void bd_node_init(struct bd_node *node, const struct bd_identifier *self, struct bd_arena *arena);

struct bd_node_context {
	struct bd_bytes source;
	int64_t received_ms;
	uint64_t message;
	/* set: the message is a snapshot with this order */
	struct bd_stamp snapshot;
};
/* The record's subject, order and other are final; what it points to lives as long as the node.
 * *changed = something a reader could see is different. */
enum bd_code bd_node_apply(struct bd_node *node, const struct bd_record *record,
	const struct bd_node_context *context, bool *changed);
/* A snapshot that holds this subject has told the section whole: rows of it that it did not have
 * are gone for this subject now, for everybody when it ends. */
enum bd_code bd_node_tell(
	struct bd_node *node, struct bd_bytes section, const struct bd_node_context *context);
/* What of a refused record is known. */
struct bd_node_refused {
	struct bd_bytes section;
	uint16_t entity;
	bool has_key;
	struct bd_bytes key;
	struct bd_stamp order;
	const struct bd_identifier *others;
	size_t other_count;
};
/* Unless something newer stands there already. Past BD_NODE_BLOCKS_MAX of one section and entity
 * they become one without a key. */
enum bd_code bd_node_block(struct bd_node *node, const struct bd_node_refused *refused,
	const struct bd_node_context *context);

/* -- node_recall.c: withdrawing -- */

/* What a source withdraws: rows as a whole, or what one message said of any row. */
struct bd_node_recall {
	const char *const *sections; /* of whole rows, or that a reply told whole; none = any */
	size_t section_count;
	uint16_t entity;             /* 0 = of any */
	const struct bd_value *with; /* rows that have all these values */
	size_t with_count;
	uint64_t message; /* 0 = whole rows */
	int64_t message_received_ms;
	bool is_reply; /* the message told sections whole */
};
/* *count += rows and whole tellings that were withdrawn. context->message is the recall's. */
enum bd_code bd_node_recall(struct bd_node *node, const struct bd_node_recall *recall,
	const struct bd_node_context *context, uint64_t *count);
/* Has this message left anything in the node that bd_node_recall would withdraw? */
bool bd_node_holds(
	const struct bd_node *node, struct bd_bytes source, const struct bd_node_recall *recall);

/* -- node_view.c: what is seen -- */

bool bd_node_field_is_seen(const struct bd_node_row *row, const struct bd_node_field *field);
bool bd_node_name_is_seen(const struct bd_node_row *row, const struct bd_node_name *name);
bool bd_node_row_is_seen(const struct bd_node *node, const struct bd_node_row *row);
const struct bd_node_marker *bd_node_find_marker(const struct bd_node *node, struct bd_bytes source,
	struct bd_bytes section, uint16_t entity);
/* Any block of this source and entity. */
bool bd_node_is_blocked(const struct bd_node *node, struct bd_bytes source, uint16_t entity);
/* Sets is_seen of the rows, is_over of the blocks and the identifiers; before the first record and
 * after the last. marks must live as long as the node. */
enum bd_code bd_node_settle(struct bd_node *node, const struct bd_node_marks *marks);
/* What a row says, in one canonical form: whose row it is (the node's key), fields, names, flags,
 * native text; no orders, messages or times of receipt. Of a row that is not seen: that it is not.
 */
enum bd_code bd_node_row_content(
	struct bd_buf *out, const struct bd_node_row *row, struct bd_bytes node_key);

/* -- node_pack.c: as bytes -- */

/* Borrows from packed. BD_STORE_DAMAGED for bytes that are not a node. */
enum bd_code bd_node_unpack(struct bd_node *node, struct bd_bytes packed, struct bd_arena *arena);
enum bd_code bd_node_pack(struct bd_buf *out, const struct bd_node *node);
/* Each part alone, as bd_node_pack has them. */
enum bd_code bd_node_pack_head(struct bd_buf *out, const struct bd_node *node);
enum bd_code bd_node_pack_row(struct bd_buf *out, const struct bd_node_row *row);

#endif
