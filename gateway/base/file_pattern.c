#include "base/file_pattern.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

#define DATE "{date}"
#define DATE_DIGITS 8

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_of_ending(char byte)
{
	return is_digit(byte) || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       byte == '.';
}

static bool is_date(const char *pattern)
{
	return strncmp(pattern, DATE, strlen(DATE)) == 0;
}

bool bd_file_pattern_is_good(const char *pattern)
{
	size_t dates = 0;

	if (*pattern == '\0' || strlen(pattern) > BD_FILE_NAME_MAX_BYTES) {
		return false;
	}
	for (; *pattern != '\0'; pattern++) {
		if (is_date(pattern)) {
			dates++;
			pattern += strlen(DATE) - 1;
		} else if (*pattern == '/' || *pattern == '{' || *pattern == '}') {
			return false;
		}
	}
	return dates <= 1;
}

/* One step of the name by one token of the pattern: how many bytes it takes; 0 = it does not fit.
 */
static size_t step(const char *pattern, size_t *token, struct bd_bytes rest)
{
	*token = 1;
	if (is_date(pattern)) {
		*token = strlen(DATE);
		for (size_t i = 0; i < DATE_DIGITS; i++) {
			if (i >= rest.len || !is_digit(rest.ptr[i])) {
				return 0;
			}
		}
		return DATE_DIGITS;
	}
	return rest.len > 0 && *pattern != '\0' && (*pattern == '?' || *pattern == rest.ptr[0]);
}

static bool ends(struct bd_bytes rest, bool has_free_ending)
{
	if (rest.len == 0) {
		return true;
	}
	if (!has_free_ending || rest.ptr[0] != '.' || rest.len == 1) {
		return false;
	}
	for (size_t i = 0; i < rest.len; i++) {
		if (!is_of_ending(rest.ptr[i])) {
			return false;
		}
	}
	return true;
}

static bool read_day(int32_t *day, const char *digits)
{
	int number = 0;

	for (size_t i = 0; i < DATE_DIGITS; i++) {
		number = number * 10 + (digits[i] - '0');
	}
	return bd_day_of(day, number / 10000, number / 100 % 100, number % 100);
}

/* Every token but `*` takes a fixed number of bytes, so that only the last `*` is ever tried again.
 */
bool bd_file_pattern_fits(
	int32_t *day, const char *pattern, bool has_free_ending, struct bd_bytes name)
{
	const char *star = NULL;
	size_t at = 0, star_at = 0, date_at = SIZE_MAX;

	*day = INT32_MIN;
	if (name.len > BD_FILE_NAME_MAX_BYTES || bd_file_name_is_passing(name)) {
		return false;
	}
	for (;;) {
		struct bd_bytes rest = { name.ptr + at, name.len - at };
		size_t token, taken;

		if (*pattern == '*') {
			star = ++pattern;
			star_at = at;
			continue;
		}
		if (*pattern == '\0' && ends(rest, has_free_ending)) {
			return date_at == SIZE_MAX || read_day(day, name.ptr + date_at);
		}
		taken = step(pattern, &token, rest);
		if (taken > 0) {
			date_at = token > 1 ? at : date_at;
			pattern += token;
			at += taken;
		} else if (star != NULL && star_at < name.len) {
			pattern = star;
			at = ++star_at;
		} else {
			return false;
		}
	}
}

bool bd_file_name_is_passing(struct bd_bytes name)
{
	static const char *const endings[] = { ".part", ".partial", ".filepart", ".tmp", ".temp",
		".swp", ".crdownload", ".done", ".ok", ".md5", ".sha256", ".receipt.json",
		".receipt.txt", "~" };

	if (name.len == 0 || name.ptr[0] == '.') {
		return true;
	}
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t len = strlen(endings[i]);

		if (name.len >= len &&
			strncasecmp(name.ptr + name.len - len, endings[i], len) == 0) {
			return true;
		}
	}
	return false;
}

bool bd_file_name_is_good(struct bd_bytes name)
{
	if (name.len == 0 || name.len > BD_FILE_NAME_MAX_BYTES || !bd_text_is_utf8(name)) {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		unsigned char byte = (unsigned char)name.ptr[i];

		if (byte < 0x20 || byte == 0x7f || byte == '/') {
			return false;
		}
	}
	return true;
}

enum bd_code bd_file_name_show(struct bd_buf *out, struct bd_bytes name)
{
	enum bd_code code = BD_OK;

	if (bd_file_name_is_good(name)) {
		return bd_buf_add(out, name);
	}
	for (size_t i = 0; i < name.len && code == BD_OK; i++) {
		code = bd_buf_printf(out, "%%%02X", (unsigned char)name.ptr[i]);
	}
	return code;
}
