/* dictionary.h - the common schema in memory: entities, fields, code lists, identifier kinds.
 *
 * Layer: record. Filled by config/ from schemas/common.xml, then read-only and shared by every
 * thread and every worker. Numbers are permanent: they are written into stored rows and never
 * reused. Source: schemas/common.xml; the fields of the four departments as in their data standards
 * (GB/T 2261.1, GB/T 2260, GB/T 3304, GB 32100-2015, GB 11643-1999).
 */
#ifndef BD_RECORD_DICTIONARY_H
#define BD_RECORD_DICTIONARY_H

#include "base/arena.h"
#include "base/diag.h"

/* What a subject 主体 is. */
enum bd_subject_kind { BD_SUBJECT_PERSON = 1, BD_SUBJECT_ORGANIZATION = 2 };

enum bd_type {
	BD_TYPE_TEXT = 1,
	BD_TYPE_NAME,        /* personal name 姓名: normal form by the name rules */
	BD_TYPE_ORG_NAME,    /* enterprise name 名称 */
	BD_TYPE_ADDRESS,     /* 地址 */
	BD_TYPE_IDENTIFIER,  /* a number of some identifier kind */
	BD_TYPE_CODE,        /* one of the field's own code list */
	BD_TYPE_NATIVE_CODE, /* a public or department's code kept as text (region, industry, levy
				item) */
	BD_TYPE_DATE,        /* yyyy-MM-dd; partial yyyy-MM or yyyy allowed */
	BD_TYPE_MONTH,       /* yyyy-MM */
	BD_TYPE_TIME,        /* RFC 3339 at +08:00 */
	BD_TYPE_AMOUNT,      /* fen 分, signed integer */
	BD_TYPE_COUNT,       /* integer >= 0 */
	BD_TYPE_BOOL         /* true | false */
};

/* How several sources' statements become one view (design: authority, any_adverse, union,
 * all_agree). Adverse is a code that says so, and `true` of a bool. */
enum bd_merge { BD_MERGE_AUTHORITY = 1, BD_MERGE_ANY_ADVERSE, BD_MERGE_UNION, BD_MERGE_ALL_AGREE };

enum bd_sensitivity {
	BD_SENSITIVITY_PUBLIC = 1,
	BD_SENSITIVITY_INTERNAL,
	BD_SENSITIVITY_PERSONAL,
	BD_SENSITIVITY_SENSITIVE
};

enum bd_comparator {
	BD_COMPARE_EXACT = 1,
	BD_COMPARE_IDENTIFIER,
	BD_COMPARE_NAME,
	BD_COMPARE_ORG_NAME,
	BD_COMPARE_DATE,
	BD_COMPARE_AMOUNT,
	BD_COMPARE_CODE,
	BD_COMPARE_ADDRESS,
	BD_COMPARE_SET
};

struct bd_code_value {
	uint16_t number;  /* permanent, unique in its field */
	const char *name; /* "normal" */
	const char *label_zh, *label_en;
	bool is_adverse; /* for any_adverse */
};

struct bd_field {
	uint16_t number; /* permanent, unique in the whole dictionary; 0 is no field */
	uint16_t entity; /* number of its entity */
	const char *name, *label_zh, *label_en;
	enum bd_type type;
	enum bd_sensitivity sensitivity;
	enum bd_merge merge;
	enum bd_comparator comparator;
	bool is_key; /* part of the row key of its entity */
	const struct bd_code_value *codes;
	size_t code_count;
	/* authority order: source ids, best first; a source not listed ranks after them */
	const char *const *authority;
	size_t authority_count;
};

struct bd_entity {
	uint16_t number;
	const char *name, *label_zh, *label_en;
	enum bd_subject_kind subject; /* whose rows these are */
	bool is_many;                 /* rows told apart by the key fields; else one row a source */
	bool is_relation;             /* each row also names another subject (record.h `other`) */
	const struct bd_field *fields;
	size_t field_count;
};

struct bd_id_kind {
	uint16_t number; /* permanent */
	const char *name, *label_zh, *label_en;
	enum bd_subject_kind subject;
	uint16_t rank;  /* smaller is higher; a subject is named by its highest identifier */
	bool is_issued; /* a department's own key: the issuer (source id) is part of it */
};

struct bd_dictionary {
	const struct bd_entity *entities;
	size_t entity_count;
	const struct bd_id_kind *id_kinds;
	size_t id_kind_count;
	const char *version;
	/* by number, for constant-time look-up; index 0 .. max_field */
	const struct bd_field *const *fields_by_number;
	size_t fields_by_number_count;
	/* Those that comparing itself knows, so that no question looks for them; NULL = not there.
	 */
	const struct bd_entity *relation, *verification, *person_verification;
};

/* All may be absent: NULL. */
const struct bd_entity *bd_dictionary_entity(const struct bd_dictionary *dict, const char *name);
const struct bd_entity *bd_dictionary_entity_number(
	const struct bd_dictionary *dict, uint16_t number);
const struct bd_field *bd_dictionary_field(
	const struct bd_dictionary *dict, const char *entity, const char *name);
const struct bd_field *bd_dictionary_field_number(
	const struct bd_dictionary *dict, uint16_t number);
const struct bd_id_kind *bd_dictionary_id_kind(const struct bd_dictionary *dict, const char *name);
const struct bd_id_kind *bd_dictionary_id_kind_number(
	const struct bd_dictionary *dict, uint16_t number);
const struct bd_code_value *bd_field_code(const struct bd_field *field, const char *name);
const struct bd_code_value *bd_field_code_number(const struct bd_field *field, uint16_t number);

#endif
