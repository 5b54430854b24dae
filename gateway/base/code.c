#include "base/code.h"

#include <string.h>

static const struct bd_code_info infos[BD_CODE_COUNT] = {
#define BD_CODE(name, text, status, retry, zh, en, hint_zh, hint_en)                               \
	[BD_##name] = { text, status, retry, zh, en, hint_zh, hint_en },
#include "base/codes.def"
#undef BD_CODE
};

const struct bd_code_info *bd_code_info(enum bd_code code)
{
	return &infos[(unsigned)code < BD_CODE_COUNT ? code : BD_INTERNAL];
}

enum bd_code bd_code_find(const char *text)
{
	for (unsigned code = 0; code < BD_CODE_COUNT; code++) {
		if (strcmp(infos[code].text, text) == 0) {
			return (enum bd_code)code;
		}
	}
	return BD_CODE_COUNT;
}
