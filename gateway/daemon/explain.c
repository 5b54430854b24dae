#include "daemon/explain.h"

#include "answer/mask.h"
#include "base/clock.h"
#include "base/try.h"
#include "store/cases.h"

#include <stddef.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

enum bd_code bd_explain_case(struct bd_case_record *out, struct bd_loop *loop,
	const struct bd_trail_entry *entry, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_diag why = { .code = BD_OK };
	enum bd_code code = bd_store_begin(loop->reader, diag);

	if (code != BD_OK) {
		return code;
	}
	code = bd_case_read(out, loop->reader, &entry->id, arena, &why);
	bd_store_end(loop->reader);
	if (code == BD_OK || code == BD_CASE_UNKNOWN) {
		/* Also where its file is not removed yet. */
		code = entry->time_ms < bd_cases_kept_from(loop->daemon->store, bd_clock_wall_ms())
			       ? BD_CASE_EXPIRED
			       : code;
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", why.detail);
}

struct explainer {
	struct bd_trail_explainer inner;
	const struct bd_case_record *record;
	const struct bd_dictionary *dict;
	const struct bd_matter *matter; /* the version that decided; NULL = no longer configured */
};

static const struct bd_case_finding *find(
	const struct bd_case_record *record, const struct bd_trail_element *element)
{
	for (size_t i = 0; i < record->finding_count; i++) {
		const struct bd_case_finding *finding = &record->findings[i];

		if (bd_bytes_equal(finding->element, element->id) &&
			bd_bytes_equal(finding->pointer, element->pointer)) {
			return finding;
		}
	}
	return NULL;
}

/* Does what is kept agree with what the receipt committed to? */
static bool agrees(const struct bd_case_finding *finding, const struct bd_trail_element *element)
{
	struct bd_trail_opening opening = { .claim = finding->claim, .value = finding->value };

	memcpy(opening.salt, finding->salt, sizeof(opening.salt));
	return bd_trail_opening_check(element->commitment, &opening) == BD_OK;
}

/* What the element is called, for people. */
static void name(struct bd_json_writer *w, const struct bd_matter *matter, struct bd_bytes element)
{
	for (size_t i = 0; matter != NULL && i < matter->element_count; i++) {
		if (bd_bytes_is(element, matter->elements[i].id)) {
			bd_jw_text(w, "label_zh", matter->elements[i].label_zh);
			bd_jw_text(w, "label_en", matter->elements[i].label_en);
			return;
		}
	}
}

static void explain(struct bd_trail_explainer *self, struct bd_json_writer *w,
	const struct bd_trail_element *element)
{
	const struct explainer *explainer = CONTAINER(struct explainer, inner, self);
	const struct bd_case_finding *finding = find(explainer->record, element);
	const struct bd_field *field =
		finding != NULL ? bd_dictionary_field_number(explainer->dict, finding->field)
				: NULL;

	name(w, explainer->matter, element->id);
	if (finding == NULL || !finding->has_opening || field == NULL) {
		return;
	}
	bd_jw_object(w, "explain");
	bd_mask_pair(w, field, finding->claim, finding->value);
	bd_jw_bool(w, "agrees", agrees(finding, element));
	bd_jw_object_end(w);
}

enum bd_code bd_explain_write(struct bd_buf *out, struct bd_loop *loop,
	const struct bd_asker *asker, const struct bd_trail_entry *entry, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct bd_case_record record;
	struct bd_trail_receipt receipt;
	struct explainer explainer = { { explain }, &record, loop->setup->dict, NULL };

	if (entry->kind != BD_TRAIL_COMPARE) {
		return bd_fail(diag, BD_CASE_UNKNOWN, "%s", "");
	}
	BD_TRY(bd_trail_receipt_unpack(&receipt, entry->payload, arena));
	BD_TRY(bd_asker_may(asker, loop->setup, receipt.matter, BD_DISCLOSE_VALUES, diag));
	BD_TRY(bd_explain_case(&record, loop, entry, arena, diag));
	explainer.matter = bd_matter_version(
		loop->setup->matters, loop->setup->matter_count, receipt.matter, receipt.version);
	return bd_trail_receipt_explain(out, entry, &receipt, &explainer.inner);
}
