/* fuzz_rules.c - any text as a value or a number of any kind: refused with a code, and nothing
 * given, or a normal form that is its own.
 *
 * The first byte of an input says as what its text is taken.
 */
#include "record/rules_identifier.h"
#include "record/rules_text.h"
#include "record/rules_value.h"

#include "../unit/id_kinds.h"

#include <stdlib.h>

#define ARENA_MAX_BYTES ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bd_bytes untouched = { "untouched", 9 };

static enum bd_code apply(struct bd_bytes *out, unsigned as, struct bd_bytes text,
	struct bd_arena *arena, struct bd_diag *diag)
{
	static const enum bd_type types[] = { BD_TYPE_NAME, BD_TYPE_ORG_NAME, BD_TYPE_ADDRESS,
		BD_TYPE_IDENTIFIER, BD_TYPE_TEXT };
	uint8_t flags = 0;

	switch (as) {
	case 5:
		return bd_rule_date(out, text, arena, diag);
	case 6:
		return bd_rule_month(out, text, arena, diag);
	case 7:
		return bd_rule_time_text(out, text, arena, diag);
	case 8:
		return bd_rule_amount(out, text, 0, arena, diag);
	case 9:
		return bd_rule_count(out, text, arena, diag);
	case 10:
		return bd_rule_bool(out, text, diag);
	default:
		return bd_rule_text(out, &flags, types[as], text, arena, diag);
	}
}

static void check_value(unsigned as, struct bd_bytes text)
{
	struct bd_bytes normal = untouched, again = untouched;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_arena arena;
	int32_t first, last;
	enum bd_code code;

	bd_arena_init(&arena, ARENA_MAX_BYTES);
	code = apply(&normal, as, text, &arena, &diag);
	if (code != diag.code || (code != BD_OK && !bd_bytes_equal(normal, untouched))) {
		abort();
	}
	if (code == BD_OK && (apply(&again, as, normal, &arena, &diag) != BD_OK ||
				     !bd_bytes_equal(normal, again) ||
				     (as == 5 && !bd_rule_date_span(&first, &last, normal)))) {
		abort();
	}
	bd_arena_release(&arena);
}

static void check_number(const struct bd_id_kind *kind, struct bd_bytes text)
{
	struct bd_identifier number = { .number = untouched }, again;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_arena arena;
	bool warned = false;
	enum bd_code code;

	bd_arena_init(&arena, ARENA_MAX_BYTES);
	code = bd_rule_identifier(&number, &kinds_only, kind, text, &warned, &arena, &diag);
	if (code != diag.code || (code != BD_OK && !bd_bytes_equal(number.number, untouched))) {
		abort();
	}
	if (code == BD_OK && (bd_rule_identifier(&again, &kinds_only,
				      bd_dictionary_id_kind_number(&kinds_only, number.kind),
				      number.number, &warned, &arena, &diag) != BD_OK ||
				     again.kind != number.kind ||
				     !bd_bytes_equal(again.number, number.number))) {
		abort();
	}
	bd_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_bytes text;
	unsigned as;

	if (size == 0) {
		return 0;
	}
	text = (struct bd_bytes){ (const char *)data + 1, size - 1 };
	as = data[0] % (11 + (unsigned)kinds_only.id_kind_count);
	if (as < 11) {
		check_value(as, text);
	} else {
		check_number(&kinds_only.id_kinds[as - 11], text);
		bd_rule_id_by_shape(&kinds_only, BD_SUBJECT_PERSON, text);
		bd_rule_id_by_shape(&kinds_only, BD_SUBJECT_ORGANIZATION, text);
	}
	return 0;
}
