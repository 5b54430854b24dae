/* id_kinds.h - the identifier kinds of schemas/common.xml as a dictionary of their own: the file
 * itself is config's to read. */
#ifndef BD_TESTS_ID_KINDS_H
#define BD_TESTS_ID_KINDS_H

#include "record/record.h"

static const struct bd_id_kind id_kinds[] = {
	{ 1, "resident_id", "", "", BD_SUBJECT_PERSON, 10, false },
	{ 2, "hmt_residence", "", "", BD_SUBJECT_PERSON, 20, false },
	{ 3, "foreign_pr", "", "", BD_SUBJECT_PERSON, 30, false },
	{ 4, "hk_macao_permit", "", "", BD_SUBJECT_PERSON, 40, false },
	{ 5, "taiwan_permit", "", "", BD_SUBJECT_PERSON, 50, false },
	{ 6, "cn_passport", "", "", BD_SUBJECT_PERSON, 60, false },
	{ 7, "foreign_passport", "", "", BD_SUBJECT_PERSON, 70, false },
	{ 10, "other_document", "", "", BD_SUBJECT_PERSON, 100, false },
	{ 11, "dept_person_key", "", "", BD_SUBJECT_PERSON, 200, true },
	{ 21, "uscc", "", "", BD_SUBJECT_ORGANIZATION, 10, false },
	{ 22, "reg_no", "", "", BD_SUBJECT_ORGANIZATION, 20, false },
	{ 23, "org_code", "", "", BD_SUBJECT_ORGANIZATION, 30, false },
	{ 24, "taxpayer_no", "", "", BD_SUBJECT_ORGANIZATION, 40, false },
	{ 25, "dept_key", "", "", BD_SUBJECT_ORGANIZATION, 200, true },
};

static const struct bd_dictionary kinds_only = { .id_kinds = id_kinds,
	.id_kind_count = sizeof(id_kinds) / sizeof(id_kinds[0]),
	.version = "test" };

#endif
