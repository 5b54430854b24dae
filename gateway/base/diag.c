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

static void fill(struct bd_diag *diag, enum bd_code code, const char *detail, va_list args)
{
	diag->code = code;
	vsnprintf(diag->detail, sizeof(diag->detail), detail, args);
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
		snprintf(diag->field, sizeof(diag->field), "%s", field);
	}
}

void bd_diag_set_path(struct bd_diag *diag, const char *path)
{
	if (diag != NULL) {
		snprintf(diag->path, sizeof(diag->path), "%s", path);
	}
}

void bd_diag_set_rule(struct bd_diag *diag, const char *rule)
{
	if (diag != NULL) {
		snprintf(diag->rule, sizeof(diag->rule), "%s", rule);
	}
}
