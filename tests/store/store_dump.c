/* store_dump.c - store_dump FOLDER MASTER-KEY-FILE: what a store holds that nobody has open, as
 * canonical sorted text on stdout, so that two of them can be compared. */
#include "config/master_key.h"
#include "store/env.h"
#include "store/store.h"

#include <stdio.h>

#define DUMP_MAX_BYTES ((size_t)1 << 30)

static enum bd_code dump(struct bd_store *store, struct bd_diag *diag)
{
	struct bd_store_reader *reader = NULL;
	struct bd_arena arena;
	struct bd_buf out;
	enum bd_code code = bd_store_reader_new(&reader, store, diag);

	bd_arena_init(&arena, DUMP_MAX_BYTES);
	bd_buf_init(&out, DUMP_MAX_BYTES);
	code = code == BD_OK ? bd_store_begin(reader, diag) : code;
	code = code == BD_OK ? bd_store_dump(&out, reader, &arena, diag) : code;
	code = code == BD_OK ? bd_store_dump_tallies(&out, reader, &arena, diag) : code;
	if (code == BD_OK) {
		if (out.len > 0) {
			fwrite(out.ptr, 1, out.len, stdout);
		}
		bd_store_end(reader);
	}
	bd_buf_release(&out);
	bd_arena_release(&arena);
	bd_store_reader_free(reader);
	return code;
}

int main(int argc, char **argv)
{
	struct bd_store_settings settings = { .map_size_bytes = BD_READ_MAP_BYTES,
		.journal_days = 7 };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_store *store = NULL;
	struct bd_keys *keys = NULL;
	enum bd_code code;

	if (argc != 3) {
		return 2;
	}
	code = bd_master_key_read_file(&keys, argv[2], &diag);
	settings.folder = argv[1];
	settings.keys = keys;
	code = code == BD_OK ? bd_store_open(&store, &settings, NULL, 0, &diag) : code;
	code = code == BD_OK ? dump(store, &diag) : code;
	if (store != NULL) {
		bd_store_close(store);
	}
	bd_keys_free(keys);
	if (code != BD_OK) {
		fprintf(stderr, "store_dump: %s: %s\n", bd_code_info(code)->text, diag.detail);
	}
	return code != BD_OK;
}
