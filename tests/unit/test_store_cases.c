/* test_store_cases.c - case files: what was appended is read again by receipt, number, subject and
 * time; torn tails are cut; damage is told. */
#include "store/case_file.h"
#include "store/cases.h"
#include "store_support.h"

#include "page_cache_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define NUMBER "MZT-2026-000117"
#define DAY_MS INT64_C(86400000)
/* Of a record in its file: behind the file's head (24), mark and length. */
#define FILE_HEAD_BYTES 24

struct made {
	struct bd_identifier identifiers[2];
	struct bd_case_looked looked[2];
	struct bd_case_finding findings[2];
	struct bd_case_owed owed[1];
	uint16_t entities[2];
	struct bd_case_record record;
};

static const char person[] = "440311198001017731", other[] = "440311197505052216";

/* A case of two subjects: the person, under two identifiers, and an invented one. */
static const struct bd_case_record *make(struct made *made, uint32_t offset, int64_t at_ms)
{
	*made = (struct made){ .entities = { 3, 7 } };
	made->identifiers[0] = id_of(ID_PERSON, person);
	made->identifiers[1] = id_of(ID_DEPT_PERSON, "P-1");
	made->looked[0] = (struct bd_case_looked){ made->identifiers, 2, false, NULL };
	made->looked[1] = (struct bd_case_looked){ made->identifiers, 1, true, NULL };
	made->findings[0] = (struct bd_case_finding){ .element = bd_bytes_of("name"),
		.pointer = bd_bytes_of("/subjects/applicant"),
		.code = bd_bytes_of("match"),
		.flags = bd_bytes_of("normalized"),
		.reason = bd_bytes_of("x"),
		.rule = bd_bytes_of("name.exact"),
		.field = 17,
		.entities = made->entities,
		.entity_count = 2,
		.has_opening = true,
		.salt = { 1, 2, 3 },
		.claim = bd_bytes_of("claim"),
		.value = bd_bytes_of("value") };
	made->findings[1] = (struct bd_case_finding){ .element = bd_bytes_of("alive"),
		.code = bd_bytes_of("absent") };
	made->owed[0] = (struct bd_case_owed){ .is_agency = true,
		.id = bd_bytes_of("alive"),
		.pointer = bd_bytes_of("/subjects/applicant"),
		.may_follow = true,
		.due = 20613,
		.extension_working_days = 5,
		.extensions = 1 };
	made->record = (struct bd_case_record){ .receipt = { 0x0123456789abcdef, 0, 1, offset },
		.at_ms = at_ms,
		.client = bd_bytes_of("engine"),
		.purpose = bd_bytes_of("purpose"),
		.number = bd_bytes_of(NUMBER),
		.matter = bd_bytes_of("matter"),
		.version = bd_bytes_of("1"),
		.decision = bd_bytes_of("conditional"),
		.mode = bd_bytes_of("accept_only"),
		.branch = bd_bytes_of("b"),
		.on = 20612,
		.submitted_ms = at_ms - 5,
		.commit = 9,
		.question = bd_bytes_of("{\"question\":1}"),
		.looked = made->looked,
		.looked_count = 2,
		.findings = made->findings,
		.finding_count = 2,
		.owed = made->owed,
		.owed_count = 1 };
	return &made->record;
}

static void assert_same(const struct bd_case_record *a, const struct bd_case_record *b)
{
	struct bd_buf one, two;

	bd_buf_init(&one, 1 << 20);
	bd_buf_init(&two, 1 << 20);
	assert_int_equal(bd_case_record_pack(&one, a), BD_OK);
	assert_int_equal(bd_case_record_pack(&two, b), BD_OK);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.ptr, two.ptr, one.len);
	bd_buf_release(&one);
	bd_buf_release(&two);
}

static struct bd_case_log *open_log(struct box *box, uint16_t loop)
{
	struct bd_case_log *log;

	assert_int_equal(bd_case_log_open(&log, box->store, loop, &box->diag), BD_OK);
	return log;
}

static void append(struct bd_case_log *log, uint32_t offset, int64_t at_ms)
{
	struct bd_diag diag = { .code = BD_OK };
	struct made made;

	assert_int_equal(bd_cases_append(log, make(&made, offset, at_ms), &diag), BD_OK);
}

static void flush(struct bd_case_log *log)
{
	struct bd_diag diag = { .code = BD_OK };

	assert_int_equal(bd_cases_flush(log, &diag), BD_OK);
}

static void index_all(struct box *box)
{
	bool has_more = true;

	while (has_more) {
		assert_int_equal(bd_cases_index(box->store, &has_more, &box->diag), BD_OK);
	}
	assert_false(bd_cases_is_behind(box->store));
}

static enum bd_code read_case(struct box *box, struct bd_case_record *out, uint32_t offset)
{
	const struct bd_trail_id id = { 0x0123456789abcdef, 0, 1, offset };
	enum bd_code code;

	bd_diag_clear(&box->diag);
	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	code = bd_case_read(out, box->reader, &id, &box->arena, &box->diag);
	bd_store_end(box->reader);
	return code;
}

/* The offsets of the receipts listed, page after page. */
static void list(char *out, size_t size, struct box *box, const char *number,
	const struct bd_identifier *subject, size_t max)
{
	struct bd_case_query query = {
		.number = bd_bytes_of(number != NULL ? number : ""), .subject = subject, .max = max
	};
	struct bd_case_page page = { .has_more = true };
	size_t len = 0;

	out[0] = '\0';
	while (page.has_more) {
		assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
		assert_int_equal(
			bd_case_list(&page, box->reader, &query, &box->arena, &box->diag), BD_OK);
		bd_store_end(box->reader);
		for (size_t i = 0; i < page.count; i++) {
			len += (size_t)snprintf(
				out + len, size - len, "%u ", page.items[i].receipt.offset);
			query.after = page.items[i];
		}
		len += (size_t)snprintf(out + len, size - len, "%s", page.has_more ? "| " : "");
	}
}

static void walk(char *out, size_t size, struct box *box, int64_t from_ms, int64_t until_ms)
{
	struct bd_case_walk *walked;
	struct bd_case_record record;
	bool found = true;
	size_t len = 0;

	out[0] = '\0';
	assert_int_equal(
		bd_case_walk_open(&walked, box->store, from_ms, until_ms, &box->diag), BD_OK);
	while (found) {
		bd_arena_clear(&box->arena);
		assert_int_equal(
			bd_case_walk_next(&record, &found, walked, &box->arena, &box->diag), BD_OK);
		if (found) {
			len += (size_t)snprintf(
				out + len, size - len, "%u ", record.receipt.offset);
		}
	}
	if (bd_case_walk_erased(walked) > 0) {
		snprintf(out + len, size - len, "erased %d", (int)bd_case_walk_erased(walked));
	}
	bd_case_walk_close(walked);
}

/* -- the path of a file, and its bytes -- */

static void path_of(char out[128], struct box *box, uint16_t loop, uint32_t segment)
{
	snprintf(out, 128, "%s/cases/%04x-%08x", box->folder, loop, segment);
}

static size_t size_of(struct box *box, uint16_t loop, uint32_t segment)
{
	struct stat status;
	char path[128];

	path_of(path, box, loop, segment);
	return stat(path, &status) == 0 ? (size_t)status.st_size : 0;
}

static void damage(struct box *box, uint32_t segment, size_t at, uint8_t by)
{
	char path[128];
	uint8_t byte;
	int fd;

	path_of(path, box, 0, segment);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= by;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* -- tests -- */

static void a_record_is_read_as_it_was_written(void **state)
{
	struct bd_case_record got;
	struct bd_case_log *log;
	struct made made;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	log = open_log(&box, 0);
	append(log, 64, STORE_NOW_MS);
	flush(log);
	/* Written, and not indexed. */
	assert_true(bd_cases_is_behind(box.store));
	assert_int_equal(read_case(&box, &got, 64), BD_CASE_PENDING);
	index_all(&box);
	assert_int_equal(read_case(&box, &got, 64), BD_OK);
	assert_same(&got, make(&made, 64, STORE_NOW_MS));
	assert_true(got.findings[0].has_opening);
	assert_false(got.findings[1].has_opening);
	assert_int_equal(got.owed[0].due, 20613);
	assert_int_equal(got.on, 20612);
	assert_true(got.looked[1].is_sandbox);
	assert_int_equal(read_case(&box, &got, 65), BD_CASE_UNKNOWN);
	bd_case_log_close(log);
	box_close(&box);
}

static void cases_are_listed_by_number_and_by_every_identifier(void **state)
{
	struct bd_identifier one = id_of(ID_PERSON, person), alias = id_of(ID_DEPT_PERSON, "P-1"),
			     nobody = id_of(ID_PERSON, other);
	struct bd_case_log *log;
	struct box box;
	char text[256];

	(void)state;
	box_open(&box, NULL, 0);
	log = open_log(&box, 0);
	for (uint32_t i = 1; i <= 5; i++) {
		append(log, i, STORE_NOW_MS + i);
	}
	flush(log);
	index_all(&box);
	list(text, sizeof(text), &box, NUMBER, NULL, 2);
	assert_string_equal(text, "1 2 | 3 4 | 5 ");
	list(text, sizeof(text), &box, NULL, &one, 10);
	assert_string_equal(text, "1 2 3 4 5 ");
	list(text, sizeof(text), &box, NULL, &alias, 5);
	assert_string_equal(text, "1 2 3 4 5 ");
	list(text, sizeof(text), &box, NULL, &nobody, 5);
	assert_string_equal(text, "");
	list(text, sizeof(text), &box, "MZT-2026-000118", NULL, 5);
	assert_string_equal(text, "");
	bd_case_log_close(log);
	box_close(&box);
}

/* Two loops, several days, and a restart between: in the order of their times. */
static void cases_of_a_time_come_in_their_order(void **state)
{
	struct bd_case_log *logs[2];
	struct box box;
	char text[256];

	(void)state;
	box_open(&box, NULL, 0);
	for (uint32_t round = 0; round < 2; round++) {
		logs[0] = open_log(&box, 0);
		logs[1] = open_log(&box, 1);
		for (uint32_t i = 1; i <= 4; i++) {
			append(logs[i % 2], round * 10 + i,
				STORE_NOW_MS + (int64_t)(round * 4 + i) * DAY_MS / 2);
			flush(logs[i % 2]);
		}
		bd_case_log_close(logs[0]);
		bd_case_log_close(logs[1]);
		box_stop(&box);
		box_start(&box);
	}
	walk(text, sizeof(text), &box, 0, INT64_MAX);
	assert_string_equal(text, "1 2 3 4 11 12 13 14 ");
	walk(text, sizeof(text), &box, STORE_NOW_MS + DAY_MS, STORE_NOW_MS + 3 * DAY_MS);
	assert_string_equal(text, "2 3 4 11 ");
	index_all(&box);
	list(text, sizeof(text), &box, NUMBER, NULL, 3);
	assert_string_equal(text, "1 2 3 | 4 11 12 | 13 14 ");
	box_close(&box);
}

/* A day has files of its own, so that they can be removed when it is over. */
static void a_day_begins_a_file(void **state)
{
	struct bd_case_log *log;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	log = open_log(&box, 0);
	append(log, 1, STORE_NOW_MS);
	append(log, 2, STORE_NOW_MS + 1);
	append(log, 3, STORE_NOW_MS + DAY_MS);
	flush(log);
	bd_case_log_close(log);
	assert_true(size_of(&box, 0, 0) > size_of(&box, 0, 1));
	assert_true(size_of(&box, 0, 1) > 0);
	assert_int_equal(size_of(&box, 0, 2), 0);
	box_close(&box);
}

/* The same receipt once more: the answer of the first never left. */
static void a_later_record_takes_the_place_of_the_first(void **state)
{
	struct bd_identifier one = id_of(ID_PERSON, person);
	struct bd_case_record got;
	struct bd_case_log *log;
	struct made made;
	struct box box;
	char text[64];

	(void)state;
	box_open(&box, NULL, 0);
	log = open_log(&box, 0);
	append(log, 64, STORE_NOW_MS);
	flush(log);
	index_all(&box);
	make(&made, 64, STORE_NOW_MS + 7);
	made.record.number = bd_bytes_of("another");
	made.record.looked = &made.looked[1];
	made.record.looked_count = 1;
	assert_int_equal(bd_cases_append(log, &made.record, &box.diag), BD_OK);
	flush(log);
	index_all(&box);
	assert_int_equal(read_case(&box, &got, 64), BD_OK);
	assert_int_equal(got.at_ms, STORE_NOW_MS + 7);
	list(text, sizeof(text), &box, NUMBER, NULL, 5);
	assert_string_equal(text, "");
	list(text, sizeof(text), &box, NULL, &one, 5);
	assert_string_equal(text, "");
	list(text, sizeof(text), &box, "another", NULL, 5);
	assert_string_equal(text, "64 ");
	/* Nothing leads to the first any more, so nothing could erase it later. */
	walk(text, sizeof(text), &box, 0, INT64_MAX);
	assert_string_equal(text, "64 erased 1");
	bd_case_log_close(log);
	box_close(&box);
}

/* Killed at any place of the last write: what was whole before is there, and what comes after. */
static void a_torn_tail_is_cut(void **state)
{
	bool is_inside = true;

	(void)state;
	/* One byte may be a zero, and then nothing is lost: once in 256 times. */
	for (size_t lost = 8; is_inside; lost += 37) {
		struct bd_case_record got;
		struct bd_case_log *log;
		char path[128], text[64];
		size_t whole, size;
		struct box box;

		box_open(&box, NULL, 0);
		log = open_log(&box, 0);
		append(log, 1, STORE_NOW_MS);
		flush(log);
		bd_case_log_close(log);
		whole = size_of(&box, 0, 0);
		log = open_log(&box, 0);
		append(log, 2, STORE_NOW_MS);
		flush(log);
		bd_case_log_close(log);
		size = size_of(&box, 0, 0);
		is_inside = lost + 37 < size - whole;
		path_of(path, &box, 0, 0);
		/* Space that was taken ahead stays as zeroes. */
		assert_int_equal(truncate(path, (off_t)(size - lost)), 0);
		assert_int_equal(truncate(path, (off_t)(size + 4096)), 0);
		box_stop(&box);
		box_start(&box);
		assert_true(bd_cases_cut_bytes(box.store) > 0);
		log = open_log(&box, 0);
		append(log, 3, STORE_NOW_MS);
		flush(log);
		index_all(&box);
		assert_int_equal(read_case(&box, &got, 1), BD_OK);
		assert_int_equal(read_case(&box, &got, 2), BD_CASE_UNKNOWN);
		assert_int_equal(read_case(&box, &got, 3), BD_OK);
		walk(text, sizeof(text), &box, 0, INT64_MAX);
		assert_string_equal(text, "1 3 ");
		bd_case_log_close(log);
		box_close(&box);
	}
}

/* Every byte of a record that is indexed, changed: it is told, and the others are read. */
static void damage_is_told(void **state)
{
	struct bd_case_record got;
	struct bd_case_log *log;
	struct box box;
	size_t end;

	(void)state;
	box_open(&box, NULL, 0);
	log = open_log(&box, 0);
	append(log, 1, STORE_NOW_MS);
	flush(log);
	bd_case_log_close(log);
	end = size_of(&box, 0, 0);
	log = open_log(&box, 0);
	append(log, 2, STORE_NOW_MS);
	flush(log);
	index_all(&box);
	for (size_t at = FILE_HEAD_BYTES; at < end; at++) {
		damage(&box, 0, at, 0x40);
		assert_int_equal(read_case(&box, &got, 1), BD_STORE_DAMAGED);
		assert_int_equal(read_case(&box, &got, 2), BD_OK);
		damage(&box, 0, at, 0x40);
	}
	assert_int_equal(read_case(&box, &got, 1), BD_OK);
	bd_case_log_close(log);
	box_close(&box);
}

/* Whole records in each other's place: each is bound to its own. */
static void a_record_opens_only_where_it_was_written(void **state)
{
	char path[128], bytes[8192];
	struct bd_case_record got;
	struct bd_case_log *log;
	size_t size, half;
	struct box box;
	int fd;

	(void)state;
	box_open(&box, NULL, 0);
	log = open_log(&box, 0);
	append(log, 1, STORE_NOW_MS);
	append(log, 2, STORE_NOW_MS);
	flush(log);
	index_all(&box);
	bd_case_log_close(log);
	size = size_of(&box, 0, 0) - FILE_HEAD_BYTES;
	half = size / 2;
	assert_true(size % 2 == 0 && size <= sizeof(bytes));
	path_of(path, &box, 0, 0);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, bytes, size, FILE_HEAD_BYTES), size);
	assert_int_equal(pwrite(fd, bytes + half, half, FILE_HEAD_BYTES), half);
	assert_int_equal(pwrite(fd, bytes, half, (off_t)(FILE_HEAD_BYTES + half)), half);
	close(fd);
	assert_int_equal(read_case(&box, &got, 1), BD_STORE_DAMAGED);
	assert_int_equal(read_case(&box, &got, 2), BD_STORE_DAMAGED);
	box_close(&box);
}

/* Packed bytes cut at any place or with any bit turned: refused, or read as something; never a read
 * outside. */
static void packed_bytes_are_checked(void **state)
{
	struct bd_case_record got;
	struct bd_arena arena;
	struct bd_buf packed;
	struct made made;

	(void)state;
	bd_arena_init(&arena, 1 << 22);
	bd_buf_init(&packed, 1 << 20);
	assert_int_equal(bd_case_record_pack(&packed, make(&made, 64, STORE_NOW_MS)), BD_OK);
	for (size_t len = 0; len < packed.len; len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, packed.ptr, len);
		bd_case_record_unpack(&got, (struct bd_bytes){ copy, len }, &arena);
		free(copy);
		bd_arena_clear(&arena);
	}
	for (size_t at = 0; at < packed.len * 8; at++) {
		packed.ptr[at / 8] ^= (char)(1 << at % 8);
		bd_case_record_unpack(&got, bd_buf_bytes(&packed), &arena);
		packed.ptr[at / 8] ^= (char)(1 << at % 8);
		bd_arena_clear(&arena);
	}
	/* A member of a later version is passed over, in the form of now and that of before. */
	assert_int_equal(bd_buf_add_text(&packed, "\xc8\5later"), BD_OK);
	assert_int_equal(bd_buf_add_u16(&packed, 201), BD_OK);
	assert_int_equal(bd_buf_add_sized(&packed, bd_bytes_of("later")), BD_OK);
	assert_int_equal(bd_case_record_unpack(&got, bd_buf_bytes(&packed), &arena), BD_OK);
	assert_same(&got, &made.record);
	bd_buf_release(&packed);
	bd_arena_release(&arena);
}

/* Members of an earlier version: u16 tag, u32 length, numbers of eight bytes, every text whole. */
static const char before[] = "\0\2\0\0\0\x08\0\0\1\x9e\x80\xcd\x90\x40"
			     "\0\6\0\0\0\1m"
			     "\0\x10\0\0\0\x22\0\x30\0\0\0\1a\0\x31\0\0\0\4/s/p"
			     "\0\x32\0\0\0\5match\0\x37\0\0\0\0"
			     "\0\x10\0\0\0\x1f\0\x30\0\0\0\1b\0\x36\0\0\0\x08\0\0\0\0\0\0\0\x65"
			     "\0\x37\0\0\0\4\0\1\0\x10";

static void packed_bytes_of_before_are_read(void **state)
{
	struct bd_case_record got;
	struct bd_arena arena;
	struct bd_buf packed;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	bd_buf_init(&packed, 1 << 20);
	assert_int_equal(bd_case_record_unpack(
				 &got, (struct bd_bytes){ before, sizeof(before) - 1 }, &arena),
		BD_OK);
	/* Read again as it is written now. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(got.at_ms, INT64_C(0x19e80cd9040));
		assert_true(bd_bytes_is(got.matter, "m"));
		assert_int_equal(got.finding_count, 2);
		assert_true(bd_bytes_is(got.findings[0].pointer, "/s/p"));
		assert_true(bd_bytes_is(got.findings[0].code, "match"));
		assert_int_equal(got.findings[0].entity_count, 0);
		assert_true(bd_bytes_is(got.findings[1].element, "b"));
		assert_int_equal(got.findings[1].pointer.len, 0);
		assert_int_equal(got.findings[1].code.len, 0);
		assert_int_equal(got.findings[1].field, 101);
		assert_int_equal(got.findings[1].entity_count, 2);
		bd_buf_clear(&packed);
		assert_int_equal(bd_case_record_pack(&packed, &got), BD_OK);
		assert_true(packed.len < sizeof(before) * 2 / 3);
		assert_int_equal(bd_case_record_unpack(&got, bd_buf_bytes(&packed), &arena), BD_OK);
	}
	bd_buf_release(&packed);
	bd_arena_release(&arena);
}

/* What is as in the finding before is told once; a text of none is none. */
static void findings_tell_what_differs(void **state)
{
	static const char *const pointers[] = { "/a", "/a", "/b", "", "/b" };
	struct bd_case_finding findings[5] = { { .field = 0 } };
	struct bd_case_record record = { .findings = findings, .finding_count = 5 }, got;
	struct bd_arena arena;
	struct bd_buf packed;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	bd_buf_init(&packed, 1 << 20);
	for (size_t i = 0; i < 5; i++) {
		findings[i].pointer = bd_bytes_of(pointers[i]);
		findings[i].code = bd_bytes_of(i < 3 ? "match" : "absent");
	}
	assert_int_equal(bd_case_record_pack(&packed, &record), BD_OK);
	assert_int_equal(bd_case_record_unpack(&got, bd_buf_bytes(&packed), &arena), BD_OK);
	assert_int_equal(got.finding_count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_true(bd_bytes_is(got.findings[i].pointer, pointers[i]));
		assert_true(bd_bytes_equal(got.findings[i].code, findings[i].code));
	}
	bd_buf_release(&packed);
	bd_arena_release(&arena);
}

/* Longer than a record may be: kept without the question and the openings. */
static void a_case_too_long_is_kept_short(void **state)
{
	static char text[1100000];
	struct bd_case_record got;
	struct bd_case_log *log;
	struct made made;
	struct box box;

	(void)state;
	memset(text, 'x', sizeof(text));
	box_open(&box, NULL, 0);
	log = open_log(&box, 0);
	make(&made, 64, STORE_NOW_MS);
	made.findings[0].value = (struct bd_bytes){ text, sizeof(text) };
	assert_int_equal(bd_cases_append(log, &made.record, &box.diag), BD_OK);
	flush(log);
	index_all(&box);
	assert_int_equal(read_case(&box, &got, 64), BD_OK);
	assert_true(got.is_cut);
	assert_int_equal(got.question.len, 0);
	assert_false(got.findings[0].has_opening);
	assert_int_equal(got.finding_count, 2);
	bd_case_log_close(log);
	box_close(&box);
}

/* Nothing in clear: neither in the case files nor in the index. */
static void nothing_is_kept_in_clear(void **state)
{
	static const char *const secrets[] = { person, "P-1", NUMBER, "claim", "question",
		"purpose" };
	static char bytes[1 << 24];
	struct bd_case_log *log;
	char path[192];
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	log = open_log(&box, 0);
	append(log, 1, STORE_NOW_MS);
	flush(log);
	index_all(&box);
	bd_case_log_close(log);
	for (int i = 0; i < 2; i++) {
		size_t len;
		FILE *file;

		if (i == 0) {
			path_of(path, &box, 0, 0);
		} else {
			snprintf(path, sizeof(path), "%s/data.mdb", box.folder);
		}
		file = fopen(path, "rb");
		assert_non_null(file);
		len = fread(bytes, 1, sizeof(bytes), file);
		fclose(file);
		assert_true(len > 0);
		for (size_t s = 0; s < sizeof(secrets) / sizeof(secrets[0]); s++) {
			assert_null(memmem(bytes, len, secrets[s], strlen(secrets[s])));
		}
	}
	box_close(&box);
}

/* -- heads -- */

/* As it would stand in a file: with the head of before, or under a blinding key of before. */
static void write_of_before(struct box *box, const struct bd_case_record *record, bool has_keys)
{
	struct bd_case_head head = { .at_ms = record->at_ms,
		.receipt = record->receipt,
		.salt = { 7 },
		.has_keys = has_keys,
		.generation = 0,
		.commit = record->commit };
	const struct bd_case_place place = { 0, 0, FILE_HEAD_BYTES };
	struct bd_buf bytes, plain, name;
	char path[128];
	FILE *file;

	bd_buf_init(&bytes, 1 << 20);
	bd_buf_init(&plain, 1 << 20);
	bd_buf_init(&name, 1 << 20);
	assert_int_equal(bd_case_record_pack(&plain, record), BD_OK);
	head.length = (uint32_t)(plain.len + BD_SEAL_OVERHEAD);
	assert_int_equal(bd_case_file_head_add(&bytes, 0, 0, record->at_ms), BD_OK);
	assert_int_equal(bd_case_head_add(&bytes, &head), BD_OK);
	assert_int_equal(bd_case_seal_name(&name, &place, &head), BD_OK);
	assert_int_equal(bd_seal_close(box->store->seal, &bytes, head.salt, bd_buf_bytes(&name),
				 bd_buf_bytes(&plain)),
		BD_OK);
	path_of(path, box, 0, 0);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
	fclose(file);
	bd_buf_release(&bytes);
	bd_buf_release(&plain);
	bd_buf_release(&name);
}

static void records_of_before_are_opened_to_be_indexed(void **state)
{
	(void)state;
	for (int has_keys = 0; has_keys < 2; has_keys++) {
		struct bd_identifier one = id_of(ID_PERSON, person),
				     alias = id_of(ID_DEPT_PERSON, "P-1");
		struct bd_case_record got;
		struct made made;
		struct box box;
		char text[64];

		box_open(&box, NULL, 0);
		write_of_before(&box, make(&made, 64, STORE_NOW_MS), has_keys != 0);
		box_stop(&box);
		box_start(&box);
		index_all(&box);
		assert_int_equal(read_case(&box, &got, 64), BD_OK);
		assert_same(&got, &made.record);
		list(text, sizeof(text), &box, NUMBER, NULL, 5);
		assert_string_equal(text, "64 ");
		list(text, sizeof(text), &box, NULL, &alias, 5);
		assert_string_equal(text, "64 ");
		assert_int_equal(
			erase_subject(box.store, &one, STORE_NOW_MS + 1, NULL, &box.diag), BD_OK);
		assert_int_equal(read_case(&box, &got, 64), BD_CASE_ERASED);
		list(text, sizeof(text), &box, NULL, &alias, 5);
		assert_string_equal(text, "");
		box_close(&box);
	}
}

/* More names than a head holds: found by each all the same. */
static void a_case_of_many_is_found_by_each(void **state)
{
	static struct bd_identifier many[BD_CASE_KEYS_MAX + 1];
	static char numbers[BD_CASE_KEYS_MAX + 1][16];

	(void)state;
	for (size_t count = BD_CASE_KEYS_MAX; count <= BD_CASE_KEYS_MAX + 1; count++) {
		struct bd_case_log *log;
		struct made made;
		struct box box;
		char text[64];

		box_open(&box, NULL, 0);
		log = open_log(&box, 0);
		make(&made, 64, STORE_NOW_MS);
		for (size_t i = 0; i < count; i++) {
			snprintf(numbers[i], sizeof(numbers[i]), "N-%zu", i);
			many[i] = id_of(ID_DEPT_PERSON, numbers[i]);
		}
		made.looked[0] = (struct bd_case_looked){ many, count, false, NULL };
		assert_int_equal(bd_cases_append(log, &made.record, &box.diag), BD_OK);
		flush(log);
		index_all(&box);
		for (size_t i = 0; i < count; i += 128) {
			list(text, sizeof(text), &box, NULL, &many[i], 5);
			assert_string_equal(text, "64 ");
		}
		bd_case_log_close(log);
		box_close(&box);
	}
}

/* Any bytes as a head: refused, or written to the same bytes. */
static void heads_are_read_as_they_were_written(void **state)
{
	uint8_t keys[3][BD_NODE_KEY_BYTES] = { { 1 }, { 2 }, { 3 } };
	struct bd_case_head head = { .length = 100,
		.salt = { 9 },
		.at_ms = STORE_NOW_MS,
		.receipt = { 1, 2, 3, 4 },
		.has_keys = true,
		.generation = 5,
		.flags = BD_CASE_HAS_NUMBER | BD_CASE_OWES,
		.commit = 6,
		.number = { 7 },
		.keys = (const uint8_t(*)[BD_NODE_KEY_BYTES])keys,
		.key_count = 3 };
	struct bd_case_head got;
	struct bd_buf one, two;

	(void)state;
	bd_buf_init(&one, 1 << 16);
	bd_buf_init(&two, 1 << 16);
	for (int i = 0; i < 2; i++) {
		bd_buf_clear(&one);
		bd_buf_clear(&two);
		assert_int_equal(bd_case_head_add(&one, &head), BD_OK);
		assert_int_equal(one.len, bd_case_head_bytes(&head));
		for (size_t len = 0; len < one.len; len++) {
			assert_false(bd_case_head_read(&got, (struct bd_bytes){ one.ptr, len }));
		}
		assert_true(bd_case_head_read(&got, bd_buf_bytes(&one)));
		assert_int_equal(bd_case_head_add(&two, &got), BD_OK);
		assert_true(bd_bytes_equal(bd_buf_bytes(&one), bd_buf_bytes(&two)));
		head.has_keys = false;
		head.key_count = 0;
	}
	bd_buf_release(&one);
	bd_buf_release(&two);
}

/* -- erasing -- */

static bool file_holds(struct box *box, uint32_t segment, const uint8_t key[BD_NODE_KEY_BYTES])
{
	static char bytes[65536];
	char path[128];
	FILE *file;
	size_t len;

	path_of(path, box, 0, segment);
	file = fopen(path, "rb");
	assert_non_null(file);
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return memmem(bytes, len, key, BD_NODE_KEY_BYTES) != NULL;
}

/* The names in its head go with its salt; the number stays, by which it is still listed. */
static void erasing_takes_the_names_in_the_head(void **state)
{
	struct bd_identifier one = id_of(ID_PERSON, person), alias = id_of(ID_DEPT_PERSON, "P-1");
	uint8_t keys[2][BD_NODE_KEY_BYTES];
	struct bd_case_log *log;
	struct box box;
	char text[64];

	(void)state;
	box_open(&box, NULL, 0);
	log = open_log(&box, 0);
	append(log, 1, STORE_NOW_MS);
	flush(log);
	bd_case_log_close(log);
	assert_int_equal(bd_seal_blind(box.store->seal, &one, keys[0]), BD_OK);
	assert_int_equal(bd_seal_blind(box.store->seal, &alias, keys[1]), BD_OK);
	assert_true(file_holds(&box, 0, keys[0]) && file_holds(&box, 0, keys[1]));
	assert_int_equal(erase_subject(box.store, &one, STORE_NOW_MS + 1, NULL, &box.diag), BD_OK);
	assert_false(file_holds(&box, 0, keys[0]));
	assert_false(file_holds(&box, 0, keys[1]));
	list(text, sizeof(text), &box, NUMBER, NULL, 5);
	assert_string_equal(text, "1 ");
	box_close(&box);
}

/* One who was never asked about in the cases of `make`. */
static const struct bd_case_record *make_of(
	struct made *made, uint32_t offset, int64_t at_ms, const char *number)
{
	make(made, offset, at_ms);
	made->identifiers[0] = id_of(ID_PERSON, number);
	made->identifiers[1] = id_of(ID_DEPT_PERSON, number);
	return &made->record;
}

/* Every file of the folder, and what it holds, copied beside it. */
static void copy_folder(char out[64], const char *folder)
{
	char command[256];

	snprintf(out, 64, "/tmp/bidui-copy-XXXXXX");
	assert_non_null(mkdtemp(out));
	snprintf(command, sizeof(command), "cp -r --sparse=always %s/. %s", folder, out);
	assert_int_equal(system(command), 0);
}

/* In a copy with the same master key, whatever its index leads to and whatever its files hold. */
static int opened_in_copy(struct box *box, const char *number)
{
	struct bd_identifier subject = id_of(ID_PERSON, number);
	struct box copy = { .settings = box->settings };
	struct bd_case_walk *walked;
	struct bd_case_record record;
	bool found = true;
	int count = 0;

	copy_folder(copy.folder, box->folder);
	copy.settings.folder = copy.folder;
	bd_arena_init(&copy.arena, 1 << 28);
	box_start(&copy);
	assert_int_equal(bd_case_walk_open(&walked, copy.store, 0, INT64_MAX, &copy.diag), BD_OK);
	while (found) {
		assert_int_equal(
			bd_case_walk_next(&record, &found, walked, &copy.arena, &copy.diag), BD_OK);
		for (size_t i = 0; found && i < record.looked_count; i++) {
			const struct bd_case_looked *looked = &record.looked[i];

			for (size_t j = 0; j < looked->identifier_count; j++) {
				count += bd_bytes_equal(
					looked->identifiers[j].number, subject.number);
			}
		}
	}
	bd_case_walk_close(walked);
	box_close(&copy);
	return count;
}

static void erasing_takes_every_case_of_the_subject(void **state)
{
	struct bd_identifier one = id_of(ID_PERSON, person), alias = id_of(ID_DEPT_PERSON, person),
			     another = id_of(ID_PERSON, other);
	struct bd_store_erased erased;
	struct bd_case_record got;
	struct bd_case_log *log;
	struct made made;
	struct fact fact;
	struct box box;
	char text[64];

	(void)state;
	box_open(&box, NULL, 0);
	box_say(&box, "social",
		fact_of(&fact, (struct bd_identifier[]){ one, alias }, 2, "s", 3, 1, "x"));
	log = open_log(&box, 0);
	assert_int_equal(
		bd_cases_append(log, make_of(&made, 1, STORE_NOW_MS, person), &box.diag), BD_OK);
	assert_int_equal(
		bd_cases_append(log, make_of(&made, 2, STORE_NOW_MS, other), &box.diag), BD_OK);
	flush(log);
	index_all(&box);
	/* Written, and not indexed; and asked by the alias alone. */
	make_of(&made, 3, STORE_NOW_MS, person);
	made.looked[0] = (struct bd_case_looked){ &made.identifiers[1], 1, false, NULL };
	made.record.looked_count = 1;
	assert_int_equal(bd_cases_append(log, &made.record, &box.diag), BD_OK);
	flush(log);
	assert_int_equal(opened_in_copy(&box, person), 4);
	assert_int_equal(
		erase_subject(box.store, &alias, STORE_NOW_MS + 1, &erased, &box.diag), BD_OK);
	assert_int_equal(erased.cases, 2);
	assert_int_equal(erased.nodes, 1);
	assert_int_equal(box_find(&box, &one, 1)->status, BD_HELD_NO_SUBJECT);
	assert_int_equal(read_case(&box, &got, 1), BD_CASE_ERASED);
	assert_int_equal(read_case(&box, &got, 2), BD_OK);
	assert_int_equal(read_case(&box, &got, 3), BD_CASE_ERASED);
	/* By its number a case is still found, and told to be erased; by the subject it is not. */
	list(text, sizeof(text), &box, NUMBER, NULL, 5);
	assert_string_equal(text, "1 2 3 ");
	list(text, sizeof(text), &box, NULL, &one, 5);
	assert_string_equal(text, "");
	list(text, sizeof(text), &box, NULL, &alias, 5);
	assert_string_equal(text, "");
	list(text, sizeof(text), &box, NULL, &another, 5);
	assert_string_equal(text, "2 ");
	walk(text, sizeof(text), &box, 0, INT64_MAX);
	assert_string_equal(text, "2 erased 2");
	assert_int_equal(opened_in_copy(&box, person), 0);
	assert_int_equal(opened_in_copy(&box, other), 3);
	/* Once more: nothing is left, and nothing else is taken. */
	assert_int_equal(
		erase_subject(box.store, &one, STORE_NOW_MS + 2, &erased, &box.diag), BD_OK);
	assert_int_equal(erased.cases, 0);
	assert_int_equal(erased.nodes, 0);
	assert_int_equal(read_case(&box, &got, 2), BD_OK);
	bd_case_log_close(log);
	box_close(&box);
}

/* Read before the erasure, written after it; and one that was asked for later, which stays. */
static void a_case_in_flight_is_erased_as_it_comes(void **state)
{
	struct bd_identifier one = id_of(ID_PERSON, person);
	struct bd_case_record got;
	struct bd_case_log *log;
	struct made made;
	struct fact fact;
	struct box box;
	char text[64];

	(void)state;
	box_open(&box, NULL, 0);
	box_say(&box, "social", fact_of(&fact, &one, 1, "s", 3, 1, "x"));
	log = open_log(&box, 0);
	make_of(&made, 1, STORE_NOW_MS + 5, person);
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	made.record.commit = bd_store_reader_commit(box.reader);
	bd_store_end(box.reader);
	assert_int_equal(bd_cases_append(log, &made.record, &box.diag), BD_OK);
	assert_int_equal(erase_subject(box.store, &one, STORE_NOW_MS, NULL, &box.diag), BD_OK);
	flush(log);
	make_of(&made, 2, STORE_NOW_MS + 6, person);
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	made.record.commit = bd_store_reader_commit(box.reader);
	bd_store_end(box.reader);
	assert_int_equal(bd_cases_append(log, &made.record, &box.diag), BD_OK);
	flush(log);
	index_all(&box);
	assert_int_equal(read_case(&box, &got, 1), BD_CASE_ERASED);
	assert_int_equal(read_case(&box, &got, 2), BD_OK);
	list(text, sizeof(text), &box, NULL, &one, 5);
	assert_string_equal(text, "2 ");
	bd_case_log_close(log);
	box_close(&box);
}

static void who_is_not_one_is_not_erased(void **state)
{
	struct bd_identifier first[] = { id_of(ID_USCC, "A"), id_of(ID_REG_NO, "R") },
			     second[] = { id_of(ID_USCC, "B"), id_of(ID_REG_NO, "R") };
	struct bd_case_record got;
	struct bd_case_log *log;
	struct made made;
	struct fact fact;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	box_say(&box, "market", fact_of(&fact, first, 2, "s", 3, 1, "x"));
	box_say(&box, "market", fact_of(&fact, second, 2, "s", 3, 1, "y"));
	log = open_log(&box, 0);
	make(&made, 1, STORE_NOW_MS);
	made.looked[0] = (struct bd_case_looked){ second, 2, false, NULL };
	made.record.looked_count = 1;
	assert_int_equal(bd_cases_append(log, &made.record, &box.diag), BD_OK);
	flush(log);
	index_all(&box);
	assert_int_equal(erase_subject(box.store, &first[1], STORE_NOW_MS, NULL, &box.diag),
		BD_SUBJECT_AMBIGUOUS);
	bd_diag_clear(&box.diag);
	assert_int_equal(box_find(&box, first, 1)->status, BD_HELD_FOUND);
	assert_int_equal(box_find(&box, second, 1)->status, BD_HELD_FOUND);
	assert_int_equal(erase_subject(box.store, &first[0], STORE_NOW_MS, NULL, &box.diag), BD_OK);
	assert_int_equal(box_find(&box, first, 1)->status, BD_HELD_NO_SUBJECT);
	assert_int_equal(box_find(&box, second, 1)->status, BD_HELD_FOUND);
	/* What also leads to another is not the subject's alone: the other's case stays. */
	assert_int_equal(read_case(&box, &got, 1), BD_OK);
	bd_case_log_close(log);
	box_close(&box);
}

/* -- the keeping time -- */

static void expire_all(struct box *box, int64_t now_ms)
{
	bool has_more = true;

	while (has_more) {
		assert_int_equal(bd_cases_expire(box->store, now_ms, &has_more, &box->diag), BD_OK);
	}
}

static size_t entries_of(struct box *box, const char *number)
{
	char text[512];
	size_t count = 0;

	list(text, sizeof(text), box, number, NULL, 100);
	for (const char *at = text; *at != '\0'; at++) {
		count += *at == ' ';
	}
	return count;
}

static void cases_are_taken_away_when_their_time_is_over(void **state)
{
	struct bd_identifier one = id_of(ID_PERSON, person);
	struct bd_case_record got;
	struct bd_case_log *log;
	struct box box;
	char text[256];

	(void)state;
	box_open(&box, NULL, 0);
	box.settings.cases_days = 10;
	box_stop(&box);
	box_start(&box);
	log = open_log(&box, 0);
	for (uint32_t i = 0; i < 6; i++) {
		append(log, i + 1, STORE_NOW_MS + (int64_t)(i / 2) * DAY_MS);
		flush(log);
	}
	/* Not before it is indexed. */
	expire_all(&box, STORE_NOW_MS + 20 * DAY_MS);
	assert_true(size_of(&box, 0, 0) > 0);
	index_all(&box);
	expire_all(&box, STORE_NOW_MS + 10 * DAY_MS);
	assert_int_equal(entries_of(&box, NUMBER), 6);
	/* The first day is over ten days ago; and never the file that is written. */
	expire_all(&box, STORE_NOW_MS + 11 * DAY_MS);
	assert_int_equal(size_of(&box, 0, 0), 0);
	assert_int_equal(read_case(&box, &got, 1), BD_CASE_UNKNOWN);
	assert_int_equal(read_case(&box, &got, 3), BD_OK);
	list(text, sizeof(text), &box, NULL, &one, 10);
	assert_string_equal(text, "3 4 5 6 ");
	expire_all(&box, STORE_NOW_MS + 40 * DAY_MS);
	list(text, sizeof(text), &box, NUMBER, NULL, 10);
	assert_string_equal(text, "5 6 ");
	walk(text, sizeof(text), &box, 0, INT64_MAX);
	assert_string_equal(text, "5 6 ");
	bd_case_log_close(log);
	box_stop(&box);
	box_start(&box);
	index_all(&box);
	assert_int_equal(read_case(&box, &got, 5), BD_OK);
	box_close(&box);
}

/* What is indexed and synced leaves memory, and nothing else does; it is read from the disk then.
 */
static void cases_leave_memory_when_they_are_on_disk(void **state)
{
	enum { CASES = 400, LATER = 40 };
	struct bd_case_log *log;
	struct bd_case_record out;
	struct bd_case_place synced;
	char path[128];
	size_t all = 0, found;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	if (is_all_memory(box.folder)) {
		box_close(&box);
		skip();
	}
	log = open_log(&box, 0);
	for (uint32_t i = 0; i < CASES; i++) {
		append(log, i, STORE_NOW_MS);
	}
	flush(log);
	path_of(path, &box, 0, 0);
	bd_cases_let_go(box.store);
	found = pages_in_memory(&all, path, bd_cases_series(box.store, 0).end.offset);
	assert_int_equal(found, all);
	assert_true(all > 20);

	assert_int_equal(bd_cases_sync(box.store, &box.diag), BD_OK);
	synced = bd_cases_series(box.store, 0).end;
	bd_cases_let_go(box.store);
	found = pages_in_memory(&all, path, synced.offset);
	assert_int_equal(found, all);

	index_all(&box);
	for (uint32_t i = CASES; i < CASES + LATER; i++) {
		append(log, i, STORE_NOW_MS);
	}
	flush(log);
	bd_cases_let_go(box.store);
	assert_int_equal(pages_in_memory(&all, path, synced.offset), 0);
	assert_int_equal(read_case(&box, &out, 7), BD_OK);
	assert_int_equal(read_case(&box, &out, CASES - 1), BD_OK);
	bd_case_log_close(log);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read_as_it_was_written),
		cmocka_unit_test(cases_are_listed_by_number_and_by_every_identifier),
		cmocka_unit_test(cases_of_a_time_come_in_their_order),
		cmocka_unit_test(a_day_begins_a_file),
		cmocka_unit_test(a_later_record_takes_the_place_of_the_first),
		cmocka_unit_test(a_torn_tail_is_cut),
		cmocka_unit_test(damage_is_told),
		cmocka_unit_test(a_record_opens_only_where_it_was_written),
		cmocka_unit_test(packed_bytes_are_checked),
		cmocka_unit_test(packed_bytes_of_before_are_read),
		cmocka_unit_test(findings_tell_what_differs),
		cmocka_unit_test(a_case_too_long_is_kept_short),
		cmocka_unit_test(nothing_is_kept_in_clear),
		cmocka_unit_test(records_of_before_are_opened_to_be_indexed),
		cmocka_unit_test(a_case_of_many_is_found_by_each),
		cmocka_unit_test(heads_are_read_as_they_were_written),
		cmocka_unit_test(erasing_takes_the_names_in_the_head),
		cmocka_unit_test(erasing_takes_every_case_of_the_subject),
		cmocka_unit_test(a_case_in_flight_is_erased_as_it_comes),
		cmocka_unit_test(who_is_not_one_is_not_erased),
		cmocka_unit_test(cases_are_taken_away_when_their_time_is_over),
		cmocka_unit_test(cases_leave_memory_when_they_are_on_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
