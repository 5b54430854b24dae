/* plan.h - a compiled adapter: what config/ makes of adapters/<source>/ and what a worker works by.
 *
 * Layer: intake, plain data; config/ fills it, intake/image.c turns it to bytes and back for the
 * sealed memfd. Names are borrowed from the arena it was made in. Read-only after that.
 *
 * Paths are element or member names joined by '/', from the root of the message. An embedded
 * document (XML in CDATA, JSON in a string) continues its parent's path: tax's CDATA in
 * service/body gives service/body/taxML/nsrxxGrid/nsrxxGridlb. JSON array items add no step. XML
 * names are local names; attributes are a step that begins with '@'. The columns of delimited data
 * are their layout's names under the path "row".
 */
#ifndef BD_INTAKE_PLAN_H
#define BD_INTAKE_PLAN_H

#include "record/record.h"

enum bd_format {
	BD_FORMAT_XML = 1,
	BD_FORMAT_JSON,
	BD_FORMAT_DELIMITED,
	BD_FORMAT_CSV,
	BD_FORMAT_FIXED
};

enum bd_feed_kind { BD_FEED_CHANGE = 1, BD_FEED_REPLY, BD_FEED_SNAPSHOT, BD_FEED_VERIFY };

/* A code map 代码映射: local value (or tuple, joined by U+001F) -> code name of the target field.
 */
struct bd_code_map_entry {
	const char *from, *to;
};
struct bd_code_map {
	const char *name;
	const struct bd_code_map_entry *entries; /* sorted by `from`, bytewise */
	size_t entry_count;
};

/* A native field of a section. Slots are flat: one record at a time is held in them. */
struct bd_slot_plan {
	const char *name; /* native name as documented by the department, for diagnostics */
	const char
		*path; /* relative to the section's record path; for message slots from the root */
	const char *pivot; /* set: value comes from a CODE/VALUE group where CODE equals this (see
			      section) */
	bool is_message;   /* a field of the envelope, shared by every record of the message */
};

enum bd_operation {
	BD_OPERATION_COPY = 1, /* slots[0] */
	BD_OPERATION_FIRST,    /* first slot that has a value */
	BD_OPERATION_CONSTANT, /* `constant` */
	BD_OPERATION_TABLE,    /* map over slots[0..n-1] */
	BD_OPERATION_SELECT    /* slots[0], but only `when` holds */
};

/* A condition: slot equals (or does not) one of the values. */
struct bd_when {
	uint16_t slot; /* index; used only where value_count > 0 */
	bool is_not;
	const char *const *values; /* "" also means missing or null */
	size_t value_count;
};

struct bd_field_plan {
	uint16_t to; /* bd_field.number */
	enum bd_operation operation;
	const uint16_t *slots; /* indexes into the section's slots */
	size_t slot_count;
	const struct bd_code_map *map; /* NULL where none */
	const char *constant;
	const char *as; /* normalization: name of a rule set, e.g. "date", "amount_yuan",
			   "amount_wan_yuan" */
	struct bd_when when;
	bool is_required;
};

/* An identifier taken from slots. `kind` 0: by the document-type slot and map, or by shape. */
struct bd_identifier_plan {
	uint16_t kind;
	const char *issuer; /* "tax:djxh"; NULL unless the kind is issued */
	uint16_t slot;
	uint16_t type_slot;                 /* document type; UINT16_MAX = none */
	const struct bd_code_map *type_map; /* local document type -> id kind name */
	struct bd_when when;
	bool is_strict; /* wrong check digit rejects (else it is kept and warned) */
};

/* One record written for each draft of a section. */
struct bd_output_plan {
	uint16_t entity;
	struct bd_when when; /* no values = always */
	const struct bd_identifier_plan
		*subject; /* in order of preference; all present ones are stated */
	size_t subject_count;
	bool is_message_subject;                /* the subject of the message (see bd_feed_plan) */
	const struct bd_identifier_plan *other; /* relations */
	size_t other_count;
	const struct bd_field_plan *fields; /* ascending `to` */
	size_t field_count;
};

struct bd_section_plan {
	const char *name;
	const char *label_zh;
	const char *path;       /* of one record */
	const char *group_path; /* its presence says that the section was told (reply, snapshot);
				   often the parent */
	const char *pivot_path, *pivot_code,
		*pivot_value; /* relative group of CODE/VALUE pairs, or NULL */
	const struct bd_slot_plan *slots;
	size_t slot_count;
	const struct bd_output_plan *outputs;
	size_t output_count;
	/* a change feed: what the action slot says. action_slot UINT16_MAX = always `action`. */
	uint16_t action_slot;
	struct bd_when delete_when;
	struct bd_when replace_when;
	struct bd_when patch_when;
	enum bd_action action;
	uint16_t order_slot; /* UINT16_MAX = message's, else slot in this section */
	uint16_t as_of_slot; /* UINT16_MAX = none */
	/* coverage: entities that this section tells completely, and for which organizations */
	const uint16_t *covers;
	size_t cover_count;
	bool is_unknown_refused;    /* a field the mapping does not name rejects the record (else
				       reported) */
	const char *const *ignored; /* relative paths known and not used */
	size_t ignored_count;
};

/* Where the envelope says success or failure. Each must hold. */
struct bd_success_plan {
	uint16_t slot; /* message slot */
	const char *const *ok;
	size_t ok_count;
	const char *const *not_found;
	size_t not_found_count;
	const char *const *several;
	size_t several_count;
	bool is_required; /* must be present */
};

/* The text at this path is itself a document. */
struct bd_embedded_plan {
	const char *path;
	enum bd_format format;
};

/* How bytes stand in a text. */
enum bd_coding { BD_CODING_BASE64 = 1, BD_CODING_HEX };

/* When a payload is sealed, or a message signed: always, or as a member says ("SM4"). */
struct bd_stated {
	const char *path; /* NULL = always */
	const char *const *is;
	size_t is_count;
};

/* Which key: always the one of this name, or the one that a member of the message names. */
struct bd_key_named {
	const char *name, *path; /* one of them is NULL */
};

enum bd_cipher { BD_CIPHER_SM4_ECB = 1, BD_CIPHER_SM4_CBC };
enum bd_iv { BD_IV_NONE = 0, BD_IV_ZERO, BD_IV_PREFIX, BD_IV_MEMBER };

/* A member whose text is a document, encrypted. Paths are of members, from the root. */
struct bd_sealed_plan {
	const char *path;
	struct bd_key_named key;
	struct bd_stated stated;
	enum bd_cipher cipher;
	enum bd_coding coding;
	enum bd_iv iv;
	const char *iv_path; /* of BD_IV_MEMBER */
	bool is_required;
};

/* One value of the text that is signed: a text without its quotes, anything else as it stands. */
struct bd_signed_part {
	const char *name, *path;
};

enum bd_signature_form { BD_SIGNATURE_RAW = 1, BD_SIGNATURE_DER, BD_SIGNATURE_ANY };

struct bd_signed_plan {
	const char *path;
	struct bd_key_named key;
	struct bd_stated stated;
	enum bd_coding coding;
	enum bd_signature_form form;
	bool is_required;
	const struct bd_signed_part *parts; /* in the order of the text */
	size_t part_count;
	bool is_paired;    /* "name=value", else the value alone */
	bool skips_empty;  /* a part that is missing, null or empty leaves no trace */
	bool is_of_opened; /* the payload goes into the text as it was before it was sealed */
	const char *join;  /* between the parts */
	/* a text that only both sides know stands behind the parts: name of its key; as a pair of
	 * this name (NULL = as it is). NULL = none */
	const char *secret, *secret_name;
};

struct bd_column_plan {
	const char *name;
	uint32_t width; /* BD_FORMAT_FIXED: bytes */
};

/* An approved use 用数申请: of these matters, on these days of base/clock.h, both included. */
struct bd_use {
	const char *application;
	const char *const *matters;
	size_t matter_count; /* 0 = every matter */
	int32_t from, until;
};

/* What a feed is in the catalogue 数据目录 of its department. Not handed to workers. */
struct bd_catalogue {
	const char *id;
	const char *department_zh, *department_en; /* responsible */
	bool is_conditional;                       /* sharing kind 共享属性: 有条件 */
	const struct bd_use *uses;
	size_t use_count;
};

/* A message that is one page of several: message slots, BD_NO_SLOT = not said. */
struct bd_page_plan {
	uint16_t next_slot; /* what the next one is asked by; empty = there is none */
	uint16_t last_slot; /* with one of these values: there is none */
	const char *const *last_is;
	size_t last_is_count;
	uint16_t mark_slot; /* up to where it tells */
};

struct bd_feed_plan {
	uint16_t number; /* permanent in its adapter */
	const char *name, *label_zh;
	enum bd_feed_kind kind;
	enum bd_format format;
	const char *charset; /* NULL: by declaration (XML), BOM, else UTF-8; "auto": UTF-8 if valid,
				else GB18030 */
	const char *root;    /* name or path that must exist, else BD_ENVELOPE_MISSING */
	const char *const
		*foreign; /* roots or paths that mark another kind of message: BD_MESSAGE_KIND */
	size_t foreign_count;
	char separator; /* delimited */
	bool has_header;
	const struct bd_column_plan *columns;
	size_t column_count;
	const struct bd_embedded_plan *embedded;
	size_t embedded_count;
	/* at most one each; of JSON alone */
	const struct bd_sealed_plan *sealed;
	size_t sealed_count;
	const struct bd_signed_plan *signature;
	size_t signature_count;
	const struct bd_slot_plan *message_slots;
	size_t message_slot_count;
	const struct bd_success_plan *success;
	size_t success_count;
	/* subject of the message, over message slots (a reply about one subject) */
	const struct bd_identifier_plan *subject;
	size_t subject_count;
	enum bd_order_kind order_kind;
	uint8_t rank;
	uint16_t order_slot; /* message slot when the order is the message's; UINT16_MAX = none */
	struct bd_page_plan page;
	const struct bd_section_plan *sections;
	size_t section_count;
	/* delivery: whole-feed coverage by dated deliveries with control totals */
	const char *cycle; /* "daily", "monthly", NULL = no whole-feed coverage */
	const char
		*file_name; /* "{date}_E_BASEINFO" for the command line and drop folders, or NULL */
	uint32_t remove_share_max_percent; /* snapshot */
	const struct bd_catalogue
		*catalogue; /* its own, else its adapter's; a worker's plan has none */
};

struct bd_plan {
	const char *source; /* "tax" */
	const char *label_zh, *label_en;
	const char *version;
	const struct bd_feed_plan *feeds;
	size_t feed_count;
	const struct bd_code_map *maps;
	size_t map_count;
};

#define BD_NO_SLOT UINT16_MAX

const struct bd_feed_plan *bd_plan_feed(const struct bd_plan *plan, const char *name);
/* Of all outputs of a section, each once; NULL, and none, when the arena is full. */
const uint16_t *bd_plan_entities(
	size_t *count, const struct bd_section_plan *section, struct bd_arena *arena);

#endif
