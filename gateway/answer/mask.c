#include "answer/mask.h"

#include "base/limits.h"
#include "base/text.h"

#define YEAR_CHARACTERS 4

/* Characters of the text that are shown. */
static size_t shown_of(const struct bd_field *field)
{
	bool is_date = field->type == BD_TYPE_DATE || field->type == BD_TYPE_MONTH;

	switch (field->sensitivity) {
	case BD_SENSITIVITY_PUBLIC:
	case BD_SENSITIVITY_INTERNAL:
		return SIZE_MAX;
	case BD_SENSITIVITY_PERSONAL:
		return is_date ? YEAR_CHARACTERS : 1;
	case BD_SENSITIVITY_SENSITIVE:
		break;
	}
	return 0;
}

enum bd_code bd_mask(struct bd_buf *out, const struct bd_field *field, struct bd_bytes text)
{
	size_t shown = shown_of(field), at = 0;
	enum bd_code code = BD_OK;
	uint32_t point;
	bool ok = true;

	if (shown == 0) {
		return bd_buf_add_text(out, "***");
	}
	while (code == BD_OK && bd_text_next(&point, &text, &ok)) {
		code = at++ < shown ? bd_text_add_point(out, point) : bd_buf_add_byte(out, '*');
	}
	return code;
}

static void write_masked(struct bd_json_writer *w, const char *key, const struct bd_field *field,
	struct bd_bytes text)
{
	struct bd_buf masked;

	if (text.ptr == NULL) {
		return;
	}
	bd_buf_init(&masked, BD_FIELD_MAX_BYTES);
	if (bd_mask(&masked, field, text) == BD_OK) {
		bd_jw_bytes(w, key, bd_buf_bytes(&masked));
	}
	bd_buf_release(&masked);
}

void bd_mask_pair(struct bd_json_writer *w, const struct bd_field *field, struct bd_bytes claim,
	struct bd_bytes held)
{
	bd_jw_text(w, "field", field->name);
	bd_jw_text(w, "label_zh", field->label_zh);
	write_masked(w, "claim", field, claim);
	write_masked(w, "held", field, held);
}
