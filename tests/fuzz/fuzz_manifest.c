/* fuzz_manifest.c - any bytes as the manifest of a backup: what is whole names files of ours alone,
 * and is what would be written of them.
 */
#include "store/manifest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

/* Line after line, until one is none. */
static void read_lines(struct bd_bytes text)
{
	struct bd_manifest_file file;
	struct bd_buf again;
	const char *front = text.ptr;

	bd_buf_init(&again, text.len + 1);
	while (bd_manifest_take(&file, &text)) {
		must(file.name[0] != '/' && strstr(file.name, "..") == NULL);
		must(bd_manifest_add(&again, &file) == BD_OK);
		must(again.len == (size_t)(text.ptr - front) &&
			memcmp(again.ptr, front, again.len) == 0);
	}
	bd_buf_release(&again);
}

/* As it is, and with the end that it would have. */
static void read_whole(struct bd_bytes input)
{
	struct bd_bytes text = input;
	struct bd_buf ended;

	if (bd_manifest_is_whole(&text)) {
		must(text.len < input.len);
	}
	bd_buf_init(&ended, input.len + 128);
	must(bd_buf_add(&ended, input) == BD_OK && bd_manifest_end(&ended) == BD_OK);
	text = bd_buf_bytes(&ended);
	/* A line that was cut off takes the end with it. */
	if (input.len == 0 || input.ptr[input.len - 1] == '\n') {
		must(bd_manifest_is_whole(&text) && bd_bytes_equal(text, input));
		read_lines(text);
	} else {
		must(!bd_manifest_is_whole(&text));
	}
	bd_buf_release(&ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_bytes input = { (const char *)data, size };

	read_lines(input);
	read_whole(input);
	return 0;
}
