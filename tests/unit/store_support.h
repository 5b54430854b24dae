/* store_support.h - a store in a folder of its own, and messages made by hand for it. */
#ifndef BD_TESTS_STORE_SUPPORT_H
#define BD_TESTS_STORE_SUPPORT_H

#include "record/pack.h"
#include "store/env.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define STORE_NOW_MS INT64_C(1795449600000)

/* Kinds and entities by their numbers; the store asks no dictionary. */
enum { ID_PERSON = 1, ID_DEPT_PERSON = 11, ID_USCC = 21, ID_REG_NO = 22, ID_DEPT = 25 };

struct box {
	char folder[64];
	struct bd_keys keys;
	struct bd_store_settings settings;
	const struct bd_cover *covers;
	size_t cover_count;
	struct bd_store *store;
	struct bd_store_reader *reader;
	struct bd_arena arena;
	struct bd_diag diag;
	int64_t now_ms;
};

static inline void box_start(struct box *box)
{
	bd_diag_clear(&box->diag);
	assert_int_equal(bd_store_open(&box->store, &box->settings, box->covers, box->cover_count,
				 &box->diag),
		BD_OK);
	assert_int_equal(bd_store_reader_new(&box->reader, box->store, &box->diag), BD_OK);
	assert_int_equal(bd_store_reader_remember(box->reader), BD_OK);
}

static inline void box_stop(struct box *box)
{
	bd_store_reader_free(box->reader);
	bd_store_close(box->store);
	box->reader = NULL;
	box->store = NULL;
}

static inline void box_open(struct box *box, const struct bd_cover *covers, size_t cover_count)
{
	memset(box, 0, sizeof(*box));
	snprintf(box->folder, sizeof(box->folder), "/tmp/bidui-store-XXXXXX");
	assert_non_null(mkdtemp(box->folder));
	box->settings = (struct bd_store_settings){
		.folder = box->folder, .map_size_bytes = 1 << 28, .journal_days = 7
	};
	box->keys = (struct bd_keys){ .items = { { .epoch = 1 } }, .count = 1 };
	memset(box->keys.items[0].bytes, 7, BD_MASTER_KEY_BYTES);
	box->settings.keys = &box->keys;
	box->covers = covers;
	box->cover_count = cover_count;
	box->now_ms = STORE_NOW_MS;
	bd_arena_init(&box->arena, 1 << 28);
	box_start(box);
}

/* The environment of another that is stopped and has no subjects yet. */
static inline void box_copy(struct box *box, const struct box *from)
{
	char bytes[4096], to_path[128], from_path[128];
	FILE *in, *out;
	size_t len;

	snprintf(from_path, sizeof(from_path), "%s/data.mdb", from->folder);
	snprintf(to_path, sizeof(to_path), "%s/data.mdb", box->folder);
	in = fopen(from_path, "r");
	out = fopen(to_path, "w");
	assert_true(in != NULL && out != NULL);
	while ((len = fread(bytes, 1, sizeof(bytes), in)) > 0) {
		assert_int_equal(fwrite(bytes, 1, len, out), len);
	}
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static inline int box_remove_one(
	const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static inline void remove_store(const char *folder)
{
	assert_int_equal(nftw(folder, box_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void box_close(struct box *box)
{
	if (box->store != NULL) {
		box_stop(box);
	}
	bd_arena_release(&box->arena);
	remove_store(box->folder);
}

/* An erasure that knows no fields. */
static inline enum bd_code erase_subject(struct bd_store *store, const struct bd_identifier *of,
	int64_t now_ms, struct bd_store_erased *erased, struct bd_diag *diag)
{
	const struct bd_erasure erasure = { .identifier = *of, .now_ms = now_ms };

	return bd_store_erase(store, &erasure, erased, diag);
}

/* What the store holds, as text; released by the caller. */
static inline struct bd_buf box_dump(struct box *box)
{
	struct bd_buf dump;
	struct bd_arena arena;

	bd_buf_init(&dump, 1 << 28);
	bd_arena_init(&arena, 1 << 28);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_store_dump(&dump, box->reader, &arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	bd_arena_release(&arena);
	return dump;
}

/* Lives until the next box_find. */
static inline const struct bd_held *box_find_wanted(struct box *box,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted)
{
	struct bd_held *held = NULL;

	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_store_lookup(&held, box->reader, identifiers, count, wanted,
				 &box->arena, &box->diag),
		BD_OK);
	bd_store_end(box->reader);
	return held;
}

static inline const struct bd_held *box_find(
	struct box *box, const struct bd_identifier *identifiers, size_t count)
{
	return box_find_wanted(box, identifiers, count, &bd_wanted_all);
}

/* -- messages -- */

struct said {
	struct bd_entry entry;
	struct bd_buf records, rejects;
};

static inline void said_open(struct said *said, const char *source, const char *feed)
{
	memset(said, 0, sizeof(*said));
	bd_buf_init(&said->records, 1 << 26);
	bd_buf_init(&said->rejects, 1 << 24);
	said->entry = (struct bd_entry){ .source = source,
		.feed = feed,
		.sender = "test",
		.order_kind = BD_ORDER_TIME,
		.delivery = { .day = INT32_MIN } };
}

static inline void said_close(struct said *said)
{
	bd_buf_release(&said->records);
	bd_buf_release(&said->rejects);
}

static inline void said_add(struct said *said, const struct bd_record *record)
{
	struct bd_record numbered = *record;
	struct bd_buf packed;

	numbered.index = said->entry.received++;
	said->entry.accepted++;
	said->entry.record_count++;
	bd_buf_init(&packed, 1 << 20);
	assert_int_equal(bd_record_pack(&packed, &numbered), BD_OK);
	assert_int_equal(bd_buf_add_sized(&said->records, bd_buf_bytes(&packed)), BD_OK);
	bd_buf_release(&packed);
}

static inline void said_refuse(struct said *said, const struct bd_reject *reject)
{
	struct bd_reject numbered = *reject;
	struct bd_buf packed;

	numbered.index = said->entry.received++;
	numbered.diag.code = BD_DATE_FORM;
	said->entry.rejected++;
	bd_buf_init(&packed, 1 << 20);
	assert_int_equal(bd_reject_pack(&packed, &numbered), BD_OK);
	assert_int_equal(bd_buf_add_sized(&said->rejects, bd_buf_bytes(&packed)), BD_OK);
	bd_buf_release(&packed);
}

/* Commits it by itself; its outcome. */
static inline enum bd_code box_push(struct box *box, struct said *said)
{
	struct bd_entry *entries[] = { &said->entry };

	said->entry.received_ms = box->now_ms++;
	said->entry.records = bd_buf_bytes(&said->records);
	said->entry.rejects = bd_buf_bytes(&said->rejects);
	bd_diag_clear(&box->diag);
	assert_int_equal(bd_store_commit(box->store, entries, 1, &box->diag), BD_OK);
	return said->entry.code;
}

static inline struct bd_identifier id_of(uint16_t kind, const char *number)
{
	return (struct bd_identifier){ kind,
		bd_bytes_of(kind == ID_DEPT || kind == ID_DEPT_PERSON ? "dept:key" : ""),
		bd_bytes_of(number) };
}

/* A record with one value (field 1), or none where text is NULL. */
struct fact {
	struct bd_record record;
	struct bd_value value;
};

static inline const struct bd_record *fact_of(struct fact *fact,
	const struct bd_identifier *subject, size_t subject_count, const char *section,
	uint16_t entity, int64_t order, const char *text)
{
	fact->value = (struct bd_value){ 1, 0, bd_bytes_of(text != NULL ? text : ""), { "", 0 } };
	fact->record = (struct bd_record){ .section = section,
		.entity = entity,
		.action = BD_ACTION_REPLACE,
		.subject = subject,
		.subject_count = subject_count,
		.row_key = { "", 0 },
		.order_kind = BD_ORDER_TIME,
		.order = { 10, order },
		.values = &fact->value,
		.value_count = text != NULL };
	return &fact->record;
}

/* One record as a message of its own, which must be taken. */
static inline uint64_t box_say(struct box *box, const char *source, const struct bd_record *record)
{
	struct said said;

	said_open(&said, source, "changes");
	said_add(&said, record);
	assert_int_equal(box_push(box, &said), BD_OK);
	said_close(&said);
	return said.entry.message;
}

static inline const struct bd_coverage *coverage_of(
	const struct bd_held *held, const char *source, uint16_t entity)
{
	for (size_t i = 0; i < held->coverage_count; i++) {
		if (held->coverage[i].entity == entity &&
			strcmp(held->coverage[i].source, source) == 0) {
			return &held->coverage[i];
		}
	}
	fail_msg("no coverage of %s %u", source, entity);
	return NULL;
}

/* Of a database: entries, pages. */
static inline MDB_stat box_stat(const struct box *box, MDB_dbi dbi)
{
	MDB_stat stat;
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(box->store->env, NULL, MDB_RDONLY, &txn), 0);
	assert_int_equal(mdb_stat(txn, dbi, &stat), 0);
	mdb_txn_abort(txn);
	return stat;
}

static inline size_t box_entries(const struct box *box, MDB_dbi dbi)
{
	return box_stat(box, dbi).ms_entries;
}

#endif
