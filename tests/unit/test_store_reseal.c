/* test_store_reseal.c - a new epoch of the master key, or another sealing: all that is sealed is
 * sealed anew, killed at any point, and then the old key opens nothing and is needed for nothing.
 */
#include "sealed_support.h"
#include "store/kept.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static const struct bd_key second = { 2, "the second epoch of this store." };

/* -- what stands there, by its first bytes -- */

/* `sealed` begins with the sealing, and the epoch. */
static bool is_of(const uint8_t *sealed, unsigned epoch, enum bd_sealing sealing)
{
	return sealed[0] == sealing + 1 && (sealed[1] << 8 | sealed[2]) == (int)epoch;
}

static size_t sealed_at(const struct box *box, MDB_dbi dbi, MDB_val key, MDB_val value)
{
	if (dbi == box->store->nodes || dbi == box->store->history) {
		return key.mv_size >= BD_NODE_KEY_BYTES && value.mv_size > 16 ? 16 : 0;
	}
	if (dbi == box->store->disputes) {
		return key.mv_size == 9 ? BD_NODE_KEY_BYTES + 8 : 0;
	}
	if (dbi == box->store->messages) {
		struct bd_kept kept;

		assert_true(bd_kept_read(&kept, (struct bd_bytes){ value.mv_data, value.mv_size }));
		return kept.at;
	}
	if (dbi == box->store->watches && key.mv_size != BD_WATCH_KEY_BYTES) {
		return 0;
	}
	if (dbi == box->store->obligations) {
		struct bd_owed_parts parts;
		struct bd_owed owed;

		assert_int_equal(bd_owed_unpack(&owed, &parts,
					 (struct bd_bytes){ value.mv_data, value.mv_size }),
			BD_OK);
		return value.mv_size - parts.sealed.len;
	}
	return 8;
}

/* Rows of a database that are sealed so. */
static size_t count_rows(struct box *box, MDB_dbi dbi, unsigned epoch, enum bd_sealing sealing)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	size_t count = 0;
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(box->store->env, NULL, MDB_RDONLY, &txn), 0);
	assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		size_t at = sealed_at(box, dbi, key, value);

		count += at > 0 && is_of((uint8_t *)value.mv_data + at, epoch, sealing);
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return count;
}

static size_t count_cases(struct box *box, unsigned epoch, enum bd_sealing sealing)
{
	struct bd_case_series series = bd_cases_series(box->store, 0);
	struct bd_case_place from = { 0, series.first, BD_CASE_FILE_HEAD_BYTES }, place;
	enum bd_case_step step = BD_CASE_STEP_RECORD;
	struct bd_case_reader reader;
	struct bd_case_head head;
	struct bd_bytes sealed;
	size_t count = 0;

	bd_case_reader_open(&reader, box->store, &from);
	while (step == BD_CASE_STEP_RECORD) {
		assert_int_equal(bd_case_reader_next(&step, &head, &place, &sealed, &reader,
					 &series.end, &box->diag),
			BD_OK);
		count += step == BD_CASE_STEP_RECORD &&
			 is_of((const uint8_t *)sealed.ptr, epoch, sealing);
	}
	bd_case_reader_close(&reader);
	return count;
}

/* Of every kind there is some, and all of it is sealed so. */
static void all_is_of(struct box *box, unsigned epoch, enum bd_sealing sealing, unsigned not_epoch,
	enum bd_sealing not_sealing)
{
	const MDB_dbi all[] = { box->store->nodes, box->store->history, box->store->disputes,
		box->store->messages, box->store->watches, box->store->obligations };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_true(count_rows(box, all[i], epoch, sealing) > 0);
		assert_int_equal(count_rows(box, all[i], not_epoch, not_sealing), 0);
	}
	assert_int_equal(count_cases(box, epoch, sealing), CASES);
	assert_int_equal(count_cases(box, not_epoch, not_sealing), 0);
}

/* -- sealing anew -- */

static int finish(struct box *box)
{
	struct bd_reseal_state state;
	bool has_more = true;
	int steps = 0;

	while (has_more) {
		assert_int_equal(bd_store_reseal(box->store, true, &has_more, &box->diag), BD_OK);
		steps++;
	}
	bd_store_reseal_state(&state, box->store);
	assert_int_equal(state.waits, BD_RESEAL_NOTHING);
	assert_int_equal(state.damaged, 0);
	return steps;
}

static void needs(struct box *box, size_t count, uint16_t first, uint16_t last)
{
	pid_t child = fork();
	int status;

	/* LMDB must not be opened twice by one process. */
	if (child == 0) {
		uint16_t needed[BD_EPOCHS_MAX] = { 0 };
		size_t found = 0;
		enum bd_code code = bd_store_needed(needed, &found, box->folder, &box->diag);

		_exit(code == BD_OK && found == count && needed[0] == first &&
					needed[found - 1] == last
				? 0
				: 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void the_old_key_is_needed_for_nothing(void **state)
{
	struct bd_store *store = NULL;
	struct bd_buf before;
	struct bd_keys both;
	struct box box;

	(void)state;
	box_begin(&box);
	before = box_dump(&box);
	finish(&box);
	all_is_of(&box, 1, BD_SEALING_AES_GCM, 2, BD_SEALING_AES_GCM);
	assert_int_equal(bd_store_add_epoch(box.store, &second, &box.diag), BD_OK);
	needs(&box, 2, 1, 2);
	/* What comes meanwhile is of the new one at once. */
	say(&box, 0, 3, "the first name");
	say(&box, 0, 4, "another name");
	assert_true(count_rows(&box, box.store->nodes, 2, BD_SEALING_AES_GCM) == 1);
	assert_true(finish(&box) > 7);
	all_is_of(&box, 2, BD_SEALING_AES_GCM, 1, BD_SEALING_AES_GCM);
	needs(&box, 1, 2, 2);
	same_as(&box, &before);
	box_stop(&box);
	/* The old key alone, and then the new one alone. */
	assert_int_equal(bd_store_open(&store, &box.settings, covers, 1, &box.diag), BD_STORE_KEY);
	both = box.keys;
	box.keys.items[0] = second;
	bd_diag_clear(&box.diag);
	box_start(&box);
	same_as(&box, &before);
	box_stop(&box);
	assert_int_equal(bd_keys_add(&both, 2, second.bytes), BD_OK);
	box.keys = both;
	box_start(&box);
	same_as(&box, &before);
	bd_buf_release(&before);
	box_close(&box);
}

static void another_sealing_comes_with_a_restart(void **state)
{
	struct bd_buf before;
	struct box box;

	(void)state;
	box_begin(&box);
	before = box_dump(&box);
	box.settings.sealing = BD_SEALING_SM4_SM3;
	restart(&box);
	same_as(&box, &before);
	finish(&box);
	all_is_of(&box, 1, BD_SEALING_SM4_SM3, 1, BD_SEALING_AES_GCM);
	same_as(&box, &before);
	box.settings.sealing = BD_SEALING_AES_GCM;
	restart(&box);
	finish(&box);
	all_is_of(&box, 1, BD_SEALING_AES_GCM, 1, BD_SEALING_SM4_SM3);
	same_as(&box, &before);
	bd_buf_release(&before);
	box_close(&box);
}

/* -- killed -- */

struct stop {
	struct bd_store_hook hook;
	const char *point;
	int left;
};

static void on_reach(const struct bd_store_hook *hook, const char *point)
{
	struct stop *stop = (struct stop *)hook;

	if (stop->point != NULL && strcmp(point, stop->point) == 0 && stop->left-- == 0) {
		kill(getpid(), SIGKILL);
	}
}

/* In a process of its own, that ends there. */
static void die(struct box *box, const char *point, int passed)
{
	struct stop stop = { { on_reach, 0 }, point, passed };
	pid_t child;
	int status;

	box_stop(box);
	child = fork();
	if (child == 0) {
		bool has_more = true;

		box->settings.hook = &stop.hook;
		box_start(box);
		bd_store_add_epoch(box->store, &second, &box->diag);
		while (has_more &&
			bd_store_reseal(box->store, true, &has_more, &box->diag) == BD_OK) {
		}
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	box->keys.count = 1;
	assert_int_equal(bd_keys_add(&box->keys, 2, second.bytes), BD_OK);
	box_start(box);
	follow(box);
}

static void killed_anywhere_it_goes_on(void **state)
{
	static const struct {
		const char *point;
		int passed;
	} points[] = { { "reseal.rows", 0 }, { "reseal.committed", 0 }, { "reseal.rows", 3 },
		{ "reseal.committed", 5 }, { "reseal.drafted", 0 }, { "reseal.renamed", 0 },
		{ "reseal.ending", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct bd_buf before;
		struct box box;

		box_begin(&box);
		before = box_dump(&box);
		die(&box, points[i].point, points[i].passed);
		same_as(&box, &before);
		finish(&box);
		all_is_of(&box, 2, BD_SEALING_AES_GCM, 1, BD_SEALING_AES_GCM);
		needs(&box, 1, 2, 2);
		same_as(&box, &before);
		bd_buf_release(&before);
		box_close(&box);
	}
}

/* -- erased -- */

/* A case that was copied into the draft before it was erased is erased there too. */
static void what_is_erased_meanwhile_stays_erased(void **state)
{
	const struct bd_identifier first = person(0), other = person(30);
	bool has_more = true;
	struct box box;

	(void)state;
	box_begin(&box);
	assert_int_equal(erase_subject(box.store, &other, box.now_ms, NULL, &box.diag), BD_OK);
	assert_int_equal(bd_store_add_epoch(box.store, &second, &box.diag), BD_OK);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(bd_store_reseal(box.store, true, &has_more, &box.diag), BD_OK);
		assert_true(has_more);
	}
	assert_int_equal(count_cases(&box, 1, BD_SEALING_AES_GCM), CASES);
	assert_int_equal(erase_subject(box.store, &first, box.now_ms, NULL, &box.diag), BD_OK);
	assert_int_equal(read_case(&box, 0), BD_CASE_ERASED);
	finish(&box);
	assert_int_equal(count_cases(&box, 2, BD_SEALING_AES_GCM), CASES);
	assert_int_equal(read_case(&box, 0), BD_CASE_ERASED);
	assert_int_equal(read_case(&box, 1), BD_OK);
	needs(&box, 1, 2, 2);
	/* And one that was erased before it is copied. */
	box_close(&box);
	box_begin(&box);
	assert_int_equal(erase_subject(box.store, &first, box.now_ms, NULL, &box.diag), BD_OK);
	assert_int_equal(bd_store_add_epoch(box.store, &second, &box.diag), BD_OK);
	finish(&box);
	assert_int_equal(read_case(&box, 0), BD_CASE_ERASED);
	assert_int_equal(read_case(&box, 1), BD_OK);
	needs(&box, 1, 2, 2);
	box_close(&box);
}

/* -- a log that is written to -- */

static void a_log_goes_on_in_a_new_file(void **state)
{
	struct bd_reseal_state shown;
	struct bd_case_log *log;
	bool has_more = true;
	struct box box;

	(void)state;
	box_begin(&box);
	assert_int_equal(bd_case_log_open(&log, box.store, 0, &box.diag), BD_OK);
	assert_int_equal(bd_cases_turn(log, box.now_ms, &box.diag), BD_OK);
	append(&box, log, CASES);
	assert_int_equal(bd_store_add_epoch(box.store, &second, &box.diag), BD_OK);
	while (has_more) {
		assert_int_equal(bd_store_reseal(box.store, true, &has_more, &box.diag), BD_OK);
	}
	/* Its file may still be written to, so it is left, and the old epoch is needed. */
	bd_store_reseal_state(&shown, box.store);
	assert_int_equal(shown.waits, BD_RESEAL_CASES);
	needs(&box, 2, 1, 2);
	assert_int_equal(bd_cases_turn(log, box.now_ms, &box.diag), BD_OK);
	append(&box, log, CASES + 1);
	finish(&box);
	needs(&box, 1, 2, 2);
	index_all(&box);
	assert_int_equal(count_cases(&box, 2, BD_SEALING_AES_GCM), CASES + 2);
	for (unsigned i = 0; i < CASES + 2; i++) {
		assert_int_equal(read_case(&box, i), BD_OK);
	}
	bd_case_log_close(log);
	box_close(&box);
}

/* -- what waits -- */

static void a_spool_and_the_caller_are_waited_for(void **state)
{
	struct bd_reseal_state shown;
	struct bd_spool *spool = NULL;
	bool has_more = true;
	struct box box;

	(void)state;
	box_begin(&box);
	assert_int_equal(bd_spool_new(&spool, box.store, &box.diag), BD_OK);
	assert_int_equal(bd_store_add_epoch(box.store, &second, &box.diag), BD_OK);
	while (has_more) {
		assert_int_equal(bd_store_reseal(box.store, false, &has_more, &box.diag), BD_OK);
	}
	bd_store_reseal_state(&shown, box.store);
	assert_int_equal(shown.waits, BD_RESEAL_SPOOLS);
	bd_spool_free(spool);
	assert_int_equal(bd_store_reseal(box.store, false, &has_more, &box.diag), BD_OK);
	bd_store_reseal_state(&shown, box.store);
	assert_int_equal(shown.waits, BD_RESEAL_OUTSIDE);
	assert_true(shown.done >= shown.total && shown.total > 100);
	needs(&box, 2, 1, 2);
	finish(&box);
	needs(&box, 1, 2, 2);
	box_close(&box);
}

/* What cannot be opened is left, and counted, and its epoch stays needed. */
static void what_is_damaged_is_left(void **state)
{
	struct bd_reseal_state shown;
	bool has_more = true;
	MDB_cursor *cursor;
	MDB_val key, value;
	struct box box;
	MDB_txn *txn;

	(void)state;
	box_begin(&box);
	assert_int_equal(mdb_txn_begin(box.store->env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_cursor_open(txn, box.store->messages, &cursor), 0);
	assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
	char bytes[4096];
	assert_true(value.mv_size <= sizeof(bytes));
	memcpy(bytes, value.mv_data, value.mv_size);
	bytes[value.mv_size - 1] ^= 1;
	value.mv_data = bytes;
	assert_int_equal(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
	mdb_cursor_close(cursor);
	assert_int_equal(mdb_txn_commit(txn), 0);
	assert_int_equal(bd_store_add_epoch(box.store, &second, &box.diag), BD_OK);
	while (has_more) {
		assert_int_equal(bd_store_reseal(box.store, true, &has_more, &box.diag), BD_OK);
	}
	bd_store_reseal_state(&shown, box.store);
	assert_int_equal(shown.waits, BD_RESEAL_DAMAGED);
	assert_int_equal(shown.damaged, 1);
	needs(&box, 2, 1, 2);
	box_close(&box);
}

/* -- the keys themselves -- */

static void a_key_is_known_without_the_others(void **state)
{
	struct bd_key wrong = second, third = { 3, "a key of another epoch" };
	bool is_needed = true;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	assert_int_equal(bd_store_add_epoch(box.store, &second, &box.diag), BD_OK);
	wrong.bytes[31] ^= 1;
	box_stop(&box);
	assert_int_equal(bd_store_check_key(&is_needed, box.folder, &second, &box.diag), BD_OK);
	assert_true(is_needed);
	assert_int_equal(
		bd_store_check_key(&is_needed, box.folder, &wrong, &box.diag), BD_STORE_KEY);
	bd_diag_clear(&box.diag);
	assert_int_equal(bd_store_check_key(&is_needed, box.folder, &third, &box.diag), BD_OK);
	assert_false(is_needed);
	assert_int_equal(
		bd_store_check_key(&is_needed, "/nowhere", &third, &box.diag), BD_STORE_FAILED);
	bd_diag_clear(&box.diag);
	box.settings.blinding = BD_BLINDING_SM3;
	assert_int_equal(bd_keys_add(&box.keys, 2, second.bytes), BD_OK);
	assert_int_equal(
		bd_store_open(&box.store, &box.settings, covers, 1, &box.diag), BD_STORE_BLINDING);
	box.settings.blinding = BD_BLINDING_SHA256;
	bd_diag_clear(&box.diag);
	box_start(&box);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_old_key_is_needed_for_nothing),
		cmocka_unit_test(another_sealing_comes_with_a_restart),
		cmocka_unit_test(killed_anywhere_it_goes_on),
		cmocka_unit_test(what_is_erased_meanwhile_stays_erased),
		cmocka_unit_test(a_log_goes_on_in_a_new_file),
		cmocka_unit_test(a_spool_and_the_caller_are_waited_for),
		cmocka_unit_test(what_is_damaged_is_left),
		cmocka_unit_test(a_key_is_known_without_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
