/* test_store_faults.c - no room in the map or on the disk, a disk that fails: codes, reads that go
 * on, nothing acknowledged that is not there, and a store that works again when there is room - or
 * never again, where a sync failed.
 *
 * The calls by which LMDB and the store write are this program's own: the libraries find them here
 * before the system's.
 */
#include "store_support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* -- what fails -- */

static struct {
	int write_error, sync_error; /* 0 = none */
	int left;                    /* calls that still succeed */
	int failed;
} fault;

static bool fails(int error)
{
	if (error == 0 || fault.left-- > 0) {
		return false;
	}
	fault.failed++;
	errno = error;
	return true;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset);
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset);

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	return fails(fault.write_error) ? -1 : syscall(SYS_pwrite64, fd, bytes, len, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset)
{
	return pwrite(fd, bytes, len, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return fails(fault.write_error) ? -1 : syscall(SYS_writev, fd, parts, count);
}

int fdatasync(int fd)
{
	return fails(fault.sync_error) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static void no_faults(void)
{
	memset(&fault, 0, sizeof(fault));
}

/* -- messages -- */

static enum bd_code say(struct box *box, unsigned number)
{
	struct bd_identifier id;
	char name[16], text[2048];
	struct fact fact;
	struct said said;
	struct bd_entry *entries[] = { &said.entry };
	enum bd_code code;

	snprintf(name, sizeof(name), "P%u", number);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	id = id_of(ID_PERSON, name);
	said_open(&said, "social", "changes");
	said_add(&said, fact_of(&fact, &id, 1, "people", 1, 1, text));
	said.entry.received_ms = box->now_ms++;
	said.entry.records = bd_buf_bytes(&said.records);
	bd_diag_clear(&box->diag);
	code = bd_store_commit(box->store, entries, 1, &box->diag);
	said_close(&said);
	return code != BD_OK ? code : said.entry.code;
}

static bool is_held(struct box *box, unsigned number)
{
	struct bd_identifier id;
	char name[16];

	snprintf(name, sizeof(name), "P%u", number);
	id = id_of(ID_PERSON, name);
	return box_find(box, &id, 1)->status == BD_HELD_FOUND;
}

/* All up to `count` are there, and the next is not. */
static void holds_exactly(struct box *box, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		assert_true(is_held(box, i));
	}
	assert_false(is_held(box, count));
}

/* -- no room -- */

static void a_full_map_is_said_and_reads_go_on(void **state)
{
	struct box box;
	unsigned count = 0;
	enum bd_code code;

	(void)state;
	box_open(&box, NULL, 0);
	box_stop(&box);
	box.settings.map_size_bytes = 1 << 20;
	box_start(&box);
	while ((code = say(&box, count)) == BD_OK) {
		count++;
	}
	assert_int_equal(code, BD_DISK_FULL);
	assert_true(count > 50);
	assert_int_equal(say(&box, count), BD_DISK_FULL);
	holds_exactly(&box, count);
	/* What changes nothing much may still go, or not; nothing is lost by trying. */
	say(&box, 0);
	holds_exactly(&box, count);
	box_stop(&box);
	box.settings.map_size_bytes = 1 << 24;
	box_start(&box);
	assert_int_equal(say(&box, count), BD_OK);
	holds_exactly(&box, count + 1);
	box_close(&box);
}

/* The one that does not fit must not take its neighbours with it. */
static void a_message_that_does_not_fit_fails_alone(void **state)
{
	enum { COUNT = 5 };
	static char text[60000];
	struct bd_entry *entries[COUNT];
	struct said said[COUNT];
	struct box box;
	char names[COUNT][16];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	box_open(&box, NULL, 0);
	box_stop(&box);
	box.settings.map_size_bytes = 1 << 20;
	box_start(&box);
	for (int i = 0; i < COUNT; i++) {
		said_open(&said[i], "social", "changes");
		for (int row = 0; row < (i == 2 ? 40 : 1); row++) {
			struct bd_identifier id;
			struct fact fact;

			snprintf(names[i], sizeof(names[i]), "P%d", row * 10 + i);
			id = id_of(ID_PERSON, names[i]);
			said_add(&said[i],
				fact_of(&fact, &id, 1, "people", 1, 1, i == 2 ? text : "short"));
		}
		said[i].entry.received_ms = box.now_ms;
		said[i].entry.records = bd_buf_bytes(&said[i].records);
		entries[i] = &said[i].entry;
	}
	assert_int_equal(bd_store_commit(box.store, entries, COUNT, &box.diag), BD_OK);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(entries[i]->code, i == 2 ? BD_DISK_FULL : BD_OK);
		assert_int_equal(is_held(&box, (unsigned)i), i != 2);
		said_close(&said[i]);
	}
	box_close(&box);
}

static void below_the_bound_of_free_space_nothing_is_written(void **state)
{
	struct bd_spool *spool = NULL;
	struct bd_entry entry = { .source = "social" };
	struct bd_entry *entries[] = { &entry };
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	assert_int_equal(say(&box, 0), BD_OK);
	box_stop(&box);
	box.settings.free_min_bytes = UINT64_MAX;
	box_start(&box);
	assert_int_equal(bd_store_commit(box.store, entries, 1, &box.diag), BD_DISK_FULL);
	holds_exactly(&box, 1);
	box_stop(&box);
	box.settings.free_min_bytes = 0;
	box.settings.free_min_percent = 101;
	box_start(&box);
	bd_diag_clear(&box.diag);
	assert_int_equal(bd_store_commit(box.store, entries, 1, &box.diag), BD_DISK_FULL);
	assert_int_equal(bd_spool_new(&spool, box.store, &box.diag), BD_DISK_FULL);
	box_stop(&box);
	box.settings.free_min_percent = 0;
	box_start(&box);
	assert_int_equal(say(&box, 1), BD_OK);
	box_close(&box);
}

/* At every write of a commit in turn: either it is told that there is no room and nothing of it is
 * there, or it is acknowledged and all of it is. */
static void a_full_disk_at_any_write(void **state)
{
	struct box box;
	unsigned count = 0;
	int failures = 0;

	(void)state;
	box_open(&box, NULL, 0);
	assert_int_equal(say(&box, count++), BD_OK);
	for (int at = 0; at < 12; at++) {
		enum bd_code code;

		fault.write_error = ENOSPC;
		fault.left = at;
		code = say(&box, count);
		failures += fault.failed;
		if (fault.failed == 0) {
			assert_int_equal(code, BD_OK);
			count++;
		} else {
			assert_int_not_equal(code, BD_OK);
		}
		no_faults();
		if (code == BD_STORE_SYNC) {
			/* It may be on the disk or not: a new start finds out. */
			box_stop(&box);
			box_start(&box);
			count += is_held(&box, count);
		}
		holds_exactly(&box, count);
		/* There is room again. */
		assert_int_equal(say(&box, count), BD_OK);
		count++;
	}
	assert_true(failures >= 3);
	box_close(&box);
}

/* -- the disk fails -- */

/* A sync that failed may have lost what it was to write, and the next one would say that all is
 * well: so there is no next one. */
static void a_failed_sync_is_never_tried_again(void **state)
{
	struct box box;

	(void)state;
	for (int at = 0; at < 4; at++) {
		enum bd_code code;
		bool has_failed;

		box_open(&box, NULL, 0);
		assert_int_equal(say(&box, 0), BD_OK);
		fault.sync_error = EIO;
		fault.left = at;
		{
			struct bd_identifier id = id_of(ID_PERSON, "P1");
			struct fact fact;
			struct said said;
			struct bd_entry *entries[] = { &said.entry };

			said_open(&said, "social", "changes");
			said_add(&said, fact_of(&fact, &id, 1, "people", 1, 1, "text"));
			said.entry.received_ms = box.now_ms;
			said.entry.records = bd_buf_bytes(&said.records);
			code = bd_store_commit(box.store, entries, 1, &box.diag);
			has_failed = fault.failed > 0;
			assert_int_equal(code, has_failed ? BD_STORE_SYNC : BD_OK);
			assert_int_equal(said.entry.code, has_failed ? BD_STORE_SYNC : BD_OK);
			/* The disk is well again, the store is not. */
			no_faults();
			bd_diag_clear(&box.diag);
			code = bd_store_commit(box.store, entries, 1, &box.diag);
			assert_int_equal(code, has_failed ? BD_STORE_SYNC : BD_OK);
			said_close(&said);
		}
		assert_true(is_held(&box, 0));
		box_stop(&box);
		box_start(&box);
		assert_true(is_held(&box, 0));
		assert_true(has_failed || is_held(&box, 1));
		assert_int_equal(say(&box, 2), BD_OK);
		assert_true(is_held(&box, 2));
		box_close(&box);
	}
}

static void a_spool_that_cannot_be_synced_is_not_taken(void **state)
{
	struct bd_identifier id = id_of(ID_PERSON, "P1");
	struct box box;

	(void)state;
	/* The data, then the end of the file: neither is acknowledged. */
	for (int at = 0; at < 2; at++) {
		struct bd_entry *entries[1];
		struct bd_buf packed;
		struct fact fact;
		struct said said;

		box_open(&box, NULL, 0);
		said_open(&said, "social", "changes");
		fact_of(&fact, &id, 1, "people", 1, 1, "text");
		bd_buf_init(&packed, 1 << 16);
		assert_int_equal(bd_record_pack(&packed, &fact.record), BD_OK);
		assert_int_equal(bd_spool_new(&said.entry.spool, box.store, &box.diag), BD_OK);
		assert_int_equal(
			bd_spool_add(said.entry.spool, bd_buf_bytes(&packed), &box.diag), BD_OK);
		said.entry.received = said.entry.accepted = said.entry.record_count = 1;
		said.entry.received_ms = box.now_ms;
		entries[0] = &said.entry;
		fault.sync_error = EIO;
		fault.left = at;
		assert_int_equal(bd_store_commit(box.store, entries, 1, &box.diag), BD_OK);
		assert_int_equal(fault.failed, 1);
		assert_int_equal(said.entry.code, BD_IO);
		no_faults();
		bd_spool_free(said.entry.spool);
		bd_buf_release(&packed);
		said_close(&said);
		assert_false(is_held(&box, 1));
		box_stop(&box);
		box_start(&box);
		assert_false(bd_store_has_work(box.store));
		assert_false(is_held(&box, 1));
		assert_int_equal(say(&box, 1), BD_OK);
		box_close(&box);
	}
}

/* -- readers -- */

static void old_readers_are_told_of(void **state)
{
	struct bd_store_tended tended;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	assert_int_equal(say(&box, 0), BD_OK);
	assert_int_equal(bd_store_tend(&tended, box.store, &box.diag), BD_OK);
	assert_int_equal(tended.readers, 0);
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	assert_int_equal(say(&box, 1), BD_OK);
	assert_int_equal(say(&box, 2), BD_OK);
	assert_int_equal(bd_store_tend(&tended, box.store, &box.diag), BD_OK);
	assert_int_equal(tended.readers, 1);
	assert_int_equal(tended.newest - tended.oldest_reads, 2);
	bd_store_end(box.reader);
	assert_int_equal(bd_store_tend(&tended, box.store, &box.diag), BD_OK);
	assert_int_equal(tended.readers, 0);
	assert_int_equal(tended.oldest_reads, 0);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_map_is_said_and_reads_go_on),
		cmocka_unit_test(a_message_that_does_not_fit_fails_alone),
		cmocka_unit_test(below_the_bound_of_free_space_nothing_is_written),
		cmocka_unit_test(a_full_disk_at_any_write),
		cmocka_unit_test(a_failed_sync_is_never_tried_again),
		cmocka_unit_test(a_spool_that_cannot_be_synced_is_not_taken),
		cmocka_unit_test(old_readers_are_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
