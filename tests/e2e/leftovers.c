/* leftovers.c - run by atrest.sh: leftovers KEYS COPY OPENED WORD...
 *
 * COPY is a bit-for-bit copy of a data folder; it is read as a thief with the master keys of the
 * file KEYS would: every entry of every page, live or left behind, with every salt of the copy.
 * OPENED is a second copy, which is opened as a store, for the keys that are sealed in it and for
 * its case files. Says how much opens, and where one of the words stands in it; exit 1 where one
 * does.
 */
#include "../unit/leftovers.h"

#include "store/cases.h"
#include "store/env.h"

#include <stdint.h>

#define ARENA_BYTES ((size_t)1 << 28)

static bool read_keys(struct bd_keys *keys, const char *path)
{
	static char text[BD_KEYS_TEXT_MAX_BYTES];
	struct bd_diag diag = { .code = BD_OK };
	FILE *in = fopen(path, "r");
	size_t len = in != NULL ? fread(text, 1, sizeof(text), in) : 0;

	if (in != NULL) {
		fclose(in);
	}
	return bd_keys_read(keys, (struct bd_bytes){ text, len }, &diag) == BD_OK;
}

static size_t look_at_case(const struct bd_case_record *record, const char *const *words)
{
	size_t found = 0;

	for (size_t w = 0; words[w] != NULL; w++) {
		struct bd_bytes word = bd_bytes_of(words[w]);
		bool is_there = memmem(record->question.ptr, record->question.len, word.ptr,
					word.len) != NULL;

		for (size_t i = 0; i < record->finding_count; i++) {
			const struct bd_case_finding *finding = &record->findings[i];

			is_there |= memmem(finding->claim.ptr, finding->claim.len, word.ptr,
					    word.len) != NULL ||
				    memmem(finding->value.ptr, finding->value.len, word.ptr,
					    word.len) != NULL;
		}
		if (is_there) {
			printf("# %s: a case file\n", words[w]);
			found++;
		}
	}
	return found;
}

static size_t look_at_cases(struct bd_store *store, const char *const *words, size_t *opened)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_case_walk *walk = NULL;
	struct bd_case_record record;
	struct bd_arena arena;
	bool has_more = true, is_there = true;
	size_t found = 0;

	while (has_more && bd_cases_index(store, &has_more, &diag) == BD_OK) {
	}
	bd_arena_init(&arena, ARENA_BYTES);
	if (bd_case_walk_open(&walk, store, 0, INT64_MAX, &diag) == BD_OK) {
		while (bd_case_walk_next(&record, &is_there, walk, &arena, &diag) == BD_OK &&
			is_there) {
			++*opened;
			found += look_at_case(&record, words);
			bd_arena_clear(&arena);
		}
		bd_case_walk_close(walk);
	}
	bd_arena_release(&arena);
	return found;
}

static int look(struct bd_store *store, const char *copy, const char *const *words)
{
	struct leftovers left = { .words = words, .is_loud = true };
	size_t cases = 0, in_cases;

	if (bd_seal_new(&left.seal, store->ring) != BD_OK) {
		return 2;
	}
	leftover_salts(&left, copy, store->next_slot);
	leftover_salt(&left, store->message_salt);
	leftover_scan(&left, copy);
	in_cases = look_at_cases(store, words, &cases);
	printf("%zu entries, %zu open with %zu salts, %zu with a word; %zu case files, %zu with a "
	       "word\n",
		left.entries, left.opened, left.salt_count, left.found, cases, in_cases);
	bd_seal_free(left.seal);
	free(left.salts);
	return left.opened < 10 ? 2 : left.found + in_cases > 0;
}

int main(int argc, char **argv)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_keys keys = { .count = 0 };
	const struct bd_store_settings settings = { .folder = argc > 3 ? argv[3] : "",
		.map_size_bytes = (uint64_t)1 << 34,
		.blinding = BD_BLINDING_AS_IT_IS,
		.keys = &keys };
	struct bd_store *store = NULL;
	int result = 2;

	if (argc < 5 || !read_keys(&keys, argv[1])) {
		fprintf(stderr, "leftovers KEYS COPY OPENED WORD...\n");
		return 2;
	}
	if (bd_store_open(&store, &settings, NULL, 0, &diag) == BD_OK) {
		result = look(store, argv[2], (const char *const *)argv + 4);
		bd_store_close(store);
	} else {
		fprintf(stderr, "%s %s\n", bd_code_info(diag.code)->text, diag.detail);
	}
	return result;
}
