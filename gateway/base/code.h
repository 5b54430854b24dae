/* code.h - every code bidui can answer with, and its one text.
 *
 * Layer: base. The list is codes.def, one line a code: name, stable text code, HTTP status, whether
 * a retry may help, Chinese, English, and the hint in both. The text code is a promise: never
 * renamed, never translated (RFC 9457 `code` extension).
 */
#ifndef BD_BASE_CODE_H
#define BD_BASE_CODE_H

#include <stdbool.h>
#include <stddef.h>

enum bd_code {
#define BD_CODE(name, text, status, retry, zh, en, hint_zh, hint_en) BD_##name,
#include "base/codes.def"
#undef BD_CODE
	BD_CODE_COUNT
};

struct bd_code_info {
	const char *text; /* "xml.syntax" */
	int status;       /* HTTP */
	bool is_retryable;
	const char *zh, *en;
	const char *hint_zh, *hint_en;
};

/* Never NULL. */
const struct bd_code_info *bd_code_info(enum bd_code code);
/* Finds a code by its text; BD_CODE_COUNT when there is none. */
enum bd_code bd_code_find(const char *text);

#endif
