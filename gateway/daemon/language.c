#include "daemon/language.h"

#include <string.h>
#include <strings.h>

static struct bd_bytes trim(struct bd_bytes text)
{
	while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
		text.len--;
	}
	return text;
}

/* What stands before the separator; *rest is what stands behind it. */
static struct bd_bytes cut(struct bd_bytes *rest, struct bd_bytes text, char separator)
{
	const char *end = text.len > 0 ? memchr(text.ptr, separator, text.len) : NULL;
	size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;

	*rest = (struct bd_bytes){ text.ptr + len, text.len - len };
	if (end != NULL) {
		rest->ptr++;
		rest->len--;
	}
	return trim((struct bd_bytes){ text.ptr, len });
}

/* "q=0.8" in thousandths, 1000 when nothing is said, 0 when it is no weight. */
static int weight_of(struct bd_bytes parameter)
{
	int weight = 0, unit = 100;

	if (parameter.len == 0) {
		return 1000;
	}
	if (parameter.len < 3 || parameter.len > 7 || strncasecmp(parameter.ptr, "q=", 2) != 0 ||
		(parameter.ptr[2] != '0' && parameter.ptr[2] != '1') ||
		(parameter.len > 3 && parameter.ptr[3] != '.')) {
		return 0;
	}
	weight = parameter.ptr[2] == '1' ? 1000 : 0;
	for (size_t i = 4; i < parameter.len; i++) {
		if (parameter.ptr[i] < '0' || parameter.ptr[i] > '9') {
			return 0;
		}
		weight += (parameter.ptr[i] - '0') * unit;
		unit /= 10;
	}
	return weight <= 1000 ? weight : 0;
}

static bool is_of(struct bd_bytes range, const char *language)
{
	return range.len >= 2 && strncasecmp(range.ptr, language, 2) == 0 &&
	       (range.len == 2 || range.ptr[2] == '-');
}

bool bd_language_is_english(struct bd_bytes accept_language)
{
	int english = 0, chinese = 0;

	while (accept_language.len > 0) {
		struct bd_bytes parameter, item = cut(&accept_language, accept_language, ','),
					   range = cut(&parameter, item, ';');
		int weight = weight_of(trim(parameter));

		if (is_of(range, "en") && weight > english) {
			english = weight;
		}
		if (is_of(range, "zh") && weight > chinese) {
			chinese = weight;
		}
	}
	return english > chinese;
}
