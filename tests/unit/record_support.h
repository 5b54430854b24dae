/* record_support.h - what the tests of record share: the identifier kinds of schemas/common.xml
 * (the file itself is config's to read), and a comparison as text. */
#ifndef BD_TESTS_RECORD_SUPPORT_H
#define BD_TESTS_RECORD_SUPPORT_H

#include "record/likeness.h"
#include "record/record.h"
#include "rows.h"

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

/* "near compare.address.level 95": the score where it says more than the likeness. */
static inline void show_comparison(struct bd_buf *out, struct bd_comparison comparison)
{
	static const char *const names[] = { [BD_LIKE_SAME] = "same",
		[BD_LIKE_NEAR] = "near",
		[BD_LIKE_UNSURE] = "unsure",
		[BD_LIKE_DIFFERENT] = "different" };

	bd_buf_printf(out, "%s %s", names[comparison.likeness], comparison.rule);
	if (comparison.score != (comparison.likeness == BD_LIKE_SAME ? 100u : 0u)) {
		bd_buf_printf(out, " %u", comparison.score);
	}
}

#endif
