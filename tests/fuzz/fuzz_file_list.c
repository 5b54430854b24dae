/* fuzz_file_list.c - any bytes as what a department's server says that a folder holds: each name
 * that is taken may be shown, fits, and leads nowhere else.
 */
#include "base/file_pattern.h"
#include "daemon/file_list.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void read_by(const char *pattern, struct bd_bytes input)
{
	struct bd_listed files[FILES_MAX];
	size_t count = SIZE_MAX;
	struct bd_buf listing;
	enum bd_code code;

	bd_buf_init(&listing, input.len + 1);
	must(bd_buf_add(&listing, input) == BD_OK);
	code = bd_file_list_read(files, &count, FILES_MAX, &listing, pattern);
	must((code == BD_OK && count <= FILES_MAX) ||
		(code == BD_LIMIT_COUNT && count == FILES_MAX));
	for (size_t i = 0; i < count; i++) {
		struct bd_bytes name = bd_bytes_of(files[i].name);
		int32_t day;

		must(bd_file_name_is_good(name) && !bd_file_name_is_passing(name));
		must(memchr(name.ptr, '/', name.len) == NULL && name.ptr[0] != '.');
		must(bd_file_pattern_fits(&day, pattern, false, name) && day == files[i].day);
		must(i == 0 || strcmp(files[i - 1].name, files[i].name) <= 0);
	}
	bd_buf_release(&listing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const patterns[] = { "{date}_E_CANCEL.txt*", "*", "?*{date}*" };
	struct bd_bytes input = { (const char *)data, size };

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		read_by(patterns[i], input);
	}
	return 0;
}
