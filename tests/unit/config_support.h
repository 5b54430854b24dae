/* config_support.h - what the tests of config share: paths from srcdir, diags as text, expected
 * text. */
#ifndef BD_TESTS_CONFIG_SUPPORT_H
#define BD_TESTS_CONFIG_SUPPORT_H

#include "base/arena.h"
#include "config/dictionary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARENA_MAX ((size_t)64 << 20)

static inline const char *source_path(struct bd_arena *arena, const char *path)
{
	const char *srcdir = getenv("srcdir");
	char full[4096];
	snprintf(full, sizeof(full), "%s/%s", srcdir == NULL ? "." : srcdir, path);
	return bd_arena_text(arena, bd_bytes_of(full));
}

/* Each diag as a line "file:line:column: detail". */
static inline char *diags_text(const struct bd_diags *diags)
{
	char *text = calloc(BD_DIAGS_MAX, 400);
	assert_non_null(text);
	for (size_t i = 0; i < diags->count; i++) {
		bd_diag_show(text + strlen(text), 398, &diags->items[i]);
		strcat(text, "\n");
	}
	return text;
}

/* With BIDUI_TEST_WRITE set the file is written instead, to be read by a person before it is
 * committed. */
static inline void assert_expected(const struct bd_diags *diags, const char *path)
{
	char *have = diags_text(diags);
	const char *mode = getenv("BIDUI_TEST_WRITE") == NULL ? "rbe" : "wbe";
	FILE *file = fopen(path, mode);
	assert_non_null(file);
	if (mode[0] == 'w') {
		fputs(have, file);
	} else {
		char *want = calloc(BD_DIAGS_MAX, 400);
		assert_non_null(want);
		size_t len = fread(want, 1, BD_DIAGS_MAX * 400 - 1, file);
		want[len] = '\0';
		assert_string_equal(have, want);
		free(want);
	}
	fclose(file);
	free(have);
}

static inline const struct bd_dictionary *read_dictionary(struct bd_arena *arena)
{
	const struct bd_dictionary *dict = NULL;
	struct bd_diag diag = { 0 };
	assert_int_equal(
		bd_config_dictionary(&dict, source_path(arena, "schemas/common.xml"), arena, &diag),
		BD_OK);
	assert_non_null(dict);
	return dict;
}

#endif
