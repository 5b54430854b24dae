#include "daemon/body.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

#define DIGITS_MAX 18

static void add(
	struct bd_faults *faults, const struct bd_json *node, const char *name, const char *detail)
{
	char pointer[64];

	snprintf(pointer, sizeof(pointer), "/%s", name);
	bd_faults_add(faults, BD_QUESTION_FORM, node, pointer, detail);
}

bool bd_body_text(struct bd_bytes *out, const struct bd_json *body, const char *name, size_t min,
	size_t max, struct bd_faults *faults)
{
	const struct bd_json *node = bd_json_get(body, name);
	char detail[96];

	*out = (struct bd_bytes){ "", 0 };
	if (node == NULL && min == 0) {
		return true;
	}
	if (node != NULL && node->type == BD_JSON_IS_TEXT && node->text.len >= min &&
		node->text.len <= max && !bd_text_has_control(node->text)) {
		*out = node->text;
		return true;
	}
	snprintf(detail, sizeof(detail), "a text of %zu to %zu bytes without control characters",
		min, max);
	add(faults, node, name, detail);
	return false;
}

static bool read_digits(uint64_t *out, const struct bd_json *node)
{
	uint64_t number = 0;

	if (node->type != BD_JSON_IS_NUMBER || node->text.len > DIGITS_MAX) {
		return false;
	}
	for (size_t i = 0; i < node->text.len; i++) {
		if (node->text.ptr[i] < '0' || node->text.ptr[i] > '9') {
			return false;
		}
		number = number * 10 + (uint64_t)(node->text.ptr[i] - '0');
	}
	*out = number;
	return true;
}

bool bd_body_number(uint64_t *out, const struct bd_json *body, const char *name, uint64_t min,
	uint64_t max, struct bd_faults *faults)
{
	const struct bd_json *node = bd_json_get(body, name);
	uint64_t number = 0;
	char detail[96];

	if (node == NULL) {
		return false;
	}
	if (read_digits(&number, node) && number >= min && number <= max) {
		*out = number;
		return true;
	}
	snprintf(detail, sizeof(detail), "a whole number from %" PRIu64 " to %" PRIu64, min, max);
	add(faults, node, name, detail);
	return false;
}

void bd_body_flag(bool *out, const struct bd_json *body, const char *name, struct bd_faults *faults)
{
	const struct bd_json *node = bd_json_get(body, name);

	if (node != NULL && node->type == BD_JSON_IS_BOOL) {
		*out = bd_bytes_is(node->text, "true");
	} else if (node != NULL) {
		add(faults, node, name, "true or false");
	}
}

enum bd_code bd_body_code(const struct bd_faults *faults)
{
	return faults->count > 0 ? faults->diag->code : BD_OK;
}
