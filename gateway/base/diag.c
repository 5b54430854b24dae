#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void bd_diag_clear(struct bd_diag *diag)
{
	if (diag != NULL) {
		memset(diag, 0, sizeof(*diag));
	}
}

/* A text that was cut ends with a whole character of UTF-8. */
static void end_whole(char *text)
{
	size_t len = strlen(text), tail = 0;

	while (tail < 3 && tail < len && ((unsigned char)text[len - 1 - tail] & 0xC0) == 0x80) {
		tail++;
	}
	if (tail < len) {
		unsigned char lead = (unsigned char)text[len - 1 - tail];
		size_t needed = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;

		if (needed > tail) {
			text[len - 1 - tail] = '\0';
		}
	}
}

static void copy(char *out, size_t size, const char *text)
{
	if ((size_t)snprintf(out, size, "%s", text) >= size) {
		end_whole(out);
	}
}

static void fill(struct bd_diag *diag, enum bd_code code, const char *detail, va_list args)
{
	diag->code = code;
	if ((size_t)vsnprintf(diag->detail, sizeof(diag->detail), detail, args) >=
		sizeof(diag->detail)) {
		end_whole(diag->detail);
	}
}

enum bd_code bd_fail(struct bd_diag *diag, enum bd_code code, const char *detail, ...)
{
	va_list args;

	if (diag != NULL && diag->code == BD_OK) {
		va_start(args, detail);
		fill(diag, code, detail, args);
		va_end(args);
	}
	return code;
}

enum bd_code bd_fail_at(
	struct bd_diag *diag, enum bd_code code, struct bd_place place, const char *detail, ...)
{
	va_list args;

	if (diag != NULL && diag->code == BD_OK) {
		va_start(args, detail);
		fill(diag, code, detail, args);
		va_end(args);
		diag->place = place;
	}
	return code;
}

void bd_diag_set_field(struct bd_diag *diag, const char *field)
{
	if (diag != NULL) {
		copy(diag->field, sizeof(diag->field), field);
	}
}

void bd_diag_set_path(struct bd_diag *diag, const char *path)
{
	if (diag != NULL) {
		copy(diag->path, sizeof(diag->path), path);
	}
}

void bd_diag_set_rule(struct bd_diag *diag, const char *rule)
{
	if (diag != NULL) {
		copy(diag->rule, sizeof(diag->rule), rule);
	}
}
