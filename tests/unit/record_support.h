/* record_support.h - what the tests of record share. */
#ifndef BD_TESTS_RECORD_SUPPORT_H
#define BD_TESTS_RECORD_SUPPORT_H

#include "id_kinds.h"
#include "record/likeness.h"
#include "rows.h"

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
