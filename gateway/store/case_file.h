/* case_file.h - the files of case records: their names, their form, and the walk over them. Layer:
 * store, private.
 *
 * "cases/LLLL-SSSSSSSS" is file S of the series of loop L, both hexadecimal. A file begins with
 * BD_CASE_FILE_HEAD_BYTES: "bdcases" and version 1, u16 loop, u16 zero, u32 number, u64 the time of
 * its first record. Then records: a head, and the sealed bytes. A mark of zeroes, or the end, ends
 * the file. A salt of zeroes: the record was erased, its sealed bytes stay and open for nobody.
 *
 * A head begins with BD_CASE_FRONT_BYTES: "bdcs", u32 length of what is sealed, 16 bytes of salt,
 * u64 time, receipt id, u16 number of keys. Behind them what the index needs, so that nothing is
 * opened for it: u32 generation of the blinding key, u32 flags, u64 commit that was read, blinded
 * case number, and the blinded names of whom the case looked at. These bytes are authenticated with
 * what is sealed. Where the record is erased, the names are zeroes too.
 *
 * Records of before have "bdcr", u16 zero for the number of keys, and nothing behind it: they are
 * opened to be indexed.
 *
 * A file holds records of one day at +08:00, so that the keeping time removes whole files.
 */
#ifndef BD_STORE_CASE_FILE_H
#define BD_STORE_CASE_FILE_H

#include "base/limits.h"
#include "base/trail_id.h"
#include "store/env.h"

#define BD_CASE_FILE_HEAD_BYTES 24
#define BD_CASE_FRONT_BYTES (4 + 4 + BD_SALT_BYTES + 8 + BD_TRAIL_ID_BYTES + 2)
#define BD_CASE_KEYS_AT (BD_CASE_FRONT_BYTES + 4 + 4 + 8 + BD_NODE_KEY_BYTES)
#define BD_CASE_HEAD_MAX_BYTES (BD_CASE_KEYS_AT + BD_CASE_KEYS_MAX * BD_NODE_KEY_BYTES)
#define BD_CASE_SALT_AT 8 /* of a record's head */
#define BD_CASE_NAME_BYTES 32

/* Where a record stands, or behind the last one. */
struct bd_case_place {
	uint16_t loop;
	uint32_t segment, offset;
};

/* Bits of a head's flags; written in files. */
#define BD_CASE_HAS_NUMBER 1u
#define BD_CASE_OWES 2u     /* something is owed: a conditional decision */
#define BD_CASE_HAS_MORE 4u /* looked at more names than a head holds: it has none of them */

struct bd_case_head {
	uint32_t length; /* of what is sealed */
	uint8_t salt[BD_SALT_BYTES];
	int64_t at_ms;
	struct bd_trail_id receipt;
	bool has_keys; /* false: of before, and the rest is not set */
	uint32_t generation, flags;
	uint64_t commit; /* of the store, that was read */
	uint8_t number[BD_NODE_KEY_BYTES];
	const uint8_t (*keys)[BD_NODE_KEY_BYTES]; /* borrowed */
	size_t key_count;
};

void bd_case_name(char out[BD_CASE_NAME_BYTES], uint16_t loop, uint32_t segment);
enum bd_code bd_case_file_head_add(
	struct bd_buf *out, uint16_t loop, uint32_t segment, int64_t first_ms);
/* Time of the first record; false when it is no such file, or not that one. */
bool bd_case_file_head_read(
	int64_t *first_ms, struct bd_bytes bytes, uint16_t loop, uint32_t segment);
enum bd_code bd_case_head_add(struct bd_buf *out, const struct bd_case_head *head);
/* What its first BD_CASE_FRONT_BYTES say; false when they are no record's. */
bool bd_case_front_read(struct bd_case_head *out, struct bd_bytes bytes);
/* How long the head is whose front was read. */
size_t bd_case_head_bytes(const struct bd_case_head *head);
/* All of it; keys borrow from bytes. */
bool bd_case_head_read(struct bd_case_head *out, struct bd_bytes bytes);
bool bd_case_is_erased(const struct bd_case_head *head);
/* What a record's sealed bytes are bound to: its place, time, receipt and what the head has for the
 * index. At most BD_CASE_NAME_MAX_BYTES. */
#define BD_CASE_NAME_MAX_BYTES (64 + BD_CASE_HEAD_MAX_BYTES)
enum bd_code bd_case_seal_name(
	struct bd_buf *out, const struct bd_case_place *place, const struct bd_case_head *head);
/* Opens into plain, which is cleared first. BD_CASE_ERASED, BD_STORE_DAMAGED. */
enum bd_code bd_case_open_sealed(struct bd_buf *plain, struct bd_seal *seal,
	const struct bd_case_place *place, const struct bd_case_head *head, struct bd_bytes sealed);

/* -- what a head has for the index (case_keys.c) -- */

struct bd_case_record;
/* Fills it from the record: the keys are made in `keys`, which they borrow from. Names whose keys
 * the record does not have are blinded. */
enum bd_code bd_case_keys_fill(struct bd_case_head *head, struct bd_buf *keys, struct bd_seal *seal,
	const struct bd_case_record *record);

/* -- files -- */

/* The head at offset, with its keys in `bytes`, or BD_STORE_DAMAGED. */
enum bd_code bd_case_head_load(
	struct bd_case_head *head, struct bd_buf *bytes, int fd, uint64_t offset);
/* The whole range at offset, or BD_STORE_DAMAGED. */
enum bd_code bd_case_read_at(int fd, void *out, size_t len, uint64_t offset);
/* All of it; BD_DISK_FULL, BD_IO. */
enum bd_code bd_case_write_at(int fd, struct bd_bytes bytes, uint64_t offset, struct bd_diag *diag);
/* -1 when there is none. */
int bd_case_file_open(const struct bd_store *store, uint16_t loop, uint32_t segment, bool writes);

/* -- the walk over one series, from a place on -- */

enum bd_case_step {
	BD_CASE_STEP_RECORD = 1,
	BD_CASE_STEP_END,   /* nothing stands there */
	BD_CASE_STEP_BROKEN /* something stands there that is no record */
};

struct bd_case_reader {
	struct bd_store *store;
	struct bd_case_place at; /* behind the record last given */
	/* private */
	int fd;
	uint32_t open_segment;
	struct bd_buf window;
	uint64_t window_at;
};

void bd_case_reader_open(
	struct bd_case_reader *reader, struct bd_store *store, const struct bd_case_place *from);
void bd_case_reader_close(struct bd_case_reader *reader);
/* A record: place is its own, sealed lives until the next call. Not past `end`, which is where the
 * series is written to. Goes into the next file by itself; BROKEN: stays where it is. */
enum bd_code bd_case_reader_next(enum bd_case_step *step, struct bd_case_head *head,
	struct bd_case_place *place, struct bd_bytes *sealed, struct bd_case_reader *reader,
	const struct bd_case_place *end, struct bd_diag *diag);

/* -- all series of a store -- */

struct bd_case_log;
struct bd_case_runs;
struct bd_case_sink;

struct bd_case_series {
	bool is_there;
	uint32_t first;            /* the oldest file that is still there */
	struct bd_case_place end;  /* written to here */
	struct bd_case_place read; /* indexed to here, in the tail or a run */
	/* On the disk to here, as the signer knows it; and the writer's: of what is before this the
	 * kernel need keep nothing in memory. */
	struct bd_case_place synced, let_go;
	/* The writer's: in runs to here, and the newest receipt up to `read`. */
	struct bd_case_place indexed;
	bool has_newest;
	struct bd_trail_id newest;
	/* The writer's: whoever hears of cases has heard of those before this, and of every change
	 * of whom they looked at, up to this commit. */
	struct bd_case_place told;
	uint64_t told_commit;
	struct bd_case_log *log; /* NULL = no loop writes it */
};

struct bd_cases {
	pthread_mutex_t lock;      /* series */
	struct bd_case_runs *runs; /* case_runs.h */
	struct bd_case_series series[BD_TRAIL_LOOPS_MAX];
	size_t count;                 /* of them, up to the last one that is there */
	struct bd_case_sink *sinks;   /* case_index.h; the writer's */
	struct bd_case_place expired; /* the writer's: how far the oldest file is taken away */
	uint64_t overtaken;           /* the writer's: erased as they were indexed */
	bool has_erased;              /* the writer's: some erasures are remembered */
	uint64_t cut_bytes;           /* that a start has found torn */
};

enum bd_code bd_cases_new(struct bd_cases **out, struct bd_diag *diag);
void bd_cases_free(struct bd_cases *cases);
/* Finds what is there, and cuts what is torn. Within the start's transaction. */
enum bd_code bd_cases_recover(struct bd_store *store, MDB_txn *txn, struct bd_diag *diag);
/* A copy, taken at once. */
struct bd_case_series bd_cases_series(struct bd_store *store, uint16_t loop);

#endif
