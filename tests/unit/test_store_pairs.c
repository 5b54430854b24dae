/* test_store_pairs.c - aliases and links that are kept apart and put at the end of a load: the same
 * pairs, since the same commits, as when each transaction puts its own; nobody but a load opens the
 * store before; killed at any point, in whatever it was doing, the next load puts them all.
 */
#include "base/limits.h"
#include "store/pairs.h"
#include "store_support.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

enum { PEOPLE = 90, COMPANIES = 7, ROUNDS = 5, SAYINGS = ROUNDS * PEOPLE };
/* So that there are many transactions of them. */
#define PART_BYTES 4000

/* -- what is said -- */

static void refuse(struct said *said, const struct bd_identifier *who, unsigned number)
{
	static const uint16_t entity = 3;
	char text[16];
	struct bd_identifier other;
	struct bd_reject_row row = { .entity = entity, .subject = who, .subject_count = 1 };
	const struct bd_reject reject = { .section = "jobs",
		.rows = &row,
		.row_count = 1,
		.subject = who,
		.subject_count = 1,
		.order_kind = BD_ORDER_TIME,
		.order = { 10, 9 } };

	snprintf(text, sizeof(text), "R%u", number);
	other = id_of(ID_USCC, text);
	row.other = &other;
	row.other_count = 1;
	said_refuse(said, &reject);
}

/* A person by two identifiers, the second of which is another in the third round, so that the one
 * before stands in the history alone; a relation to a company; one that was refused. */
static void say(struct box *box, unsigned number)
{
	unsigned round = number / PEOPLE, who = number * 37u % PEOPLE;
	char person[16], key[16], company[16];
	struct bd_identifier ids[2], other;
	struct said said;
	struct fact fact;

	snprintf(person, sizeof(person), "P%u", who);
	snprintf(key, sizeof(key), "%s%u", round == 2 && who % 3 == 0 ? "N" : "K", who);
	snprintf(company, sizeof(company), "U%u", (who + round) % COMPANIES);
	ids[0] = id_of(ID_PERSON, person);
	ids[1] = id_of(ID_DEPT_PERSON, key);
	other = id_of(ID_USCC, company);
	said_open(&said, round == 1 ? "tax" : "social", "changes");
	if (round == ROUNDS - 1) {
		refuse(&said, ids, who);
	} else {
		fact_of(&fact, ids, round == 3 ? 1 : 2, round == 3 ? "jobs" : "people",
			round == 3 ? 3 : 1, (int64_t)round + 1, "word");
		fact.record.other = round == 3 ? &other : NULL;
		fact.record.other_count = round == 3;
		said_add(&said, &fact.record);
	}
	assert_int_equal(box_push(box, &said), BD_OK);
	said_close(&said);
}

/* -- boxes -- */

struct stop {
	struct bd_store_hook hook;
	const char *point; /* NULL = none */
	int left;          /* times it is passed before */
};

static void on_reach(const struct bd_store_hook *hook, const char *point)
{
	struct stop *stop = (struct stop *)hook;

	if (stop->point != NULL && strcmp(point, stop->point) == 0 && stop->left-- == 0) {
		kill(getpid(), SIGKILL);
	}
}

/* Two stores of the same keys, so that the same name is blinded to the same bytes. */
static void open_both(struct box *loaded, struct box *pushed, struct stop *stop)
{
	*stop = (struct stop){ { on_reach, PART_BYTES }, NULL, 0 };
	box_open(loaded, NULL, 0);
	box_open(pushed, NULL, 0);
	box_stop(loaded);
	box_stop(pushed);
	box_copy(pushed, loaded);
	box_start(pushed);
	loaded->settings.hook = &stop->hook;
	for (unsigned number = 0; number < SAYINGS; number++) {
		say(pushed, number);
	}
}

/* -- what is in the databases -- */

static struct bd_buf read_database(struct box *box, bool is_links)
{
	struct bd_store *store = box->store;
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_txn *txn;
	struct bd_buf out;

	bd_buf_init(&out, 1 << 26);
	assert_int_equal(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn), 0);
	assert_int_equal(mdb_cursor_open(txn, is_links ? store->links : store->owners, &cursor), 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		assert_int_equal(
			bd_buf_add(&out, (struct bd_bytes){ key.mv_data, key.mv_size }), BD_OK);
		assert_int_equal(
			bd_buf_add(&out, (struct bd_bytes){ value.mv_data, value.mv_size }), BD_OK);
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return out;
}

static size_t spools(const struct box *box)
{
	char path[128];
	struct dirent *item;
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/spool", box->folder);
	dir = opendir(path);
	while (dir != NULL && (item = readdir(dir)) != NULL) {
		count += item->d_name[0] != '.';
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return count;
}

static void assert_same(struct box *loaded, struct box *pushed)
{
	for (int is_links = 0; is_links < 2; is_links++) {
		struct bd_buf a = read_database(loaded, is_links),
			      b = read_database(pushed, is_links);

		/* So many that the comparison shows something. */
		assert_true(b.len > PEOPLE * 40);
		assert_int_equal(a.len, b.len);
		assert_memory_equal(a.ptr, b.ptr, b.len);
		bd_buf_release(&a);
		bd_buf_release(&b);
	}
	for (unsigned who = 0; who < PEOPLE; who++) {
		char text[16];
		struct bd_identifier id;

		snprintf(text, sizeof(text), "K%u", who);
		id = id_of(ID_DEPT_PERSON, text);
		assert_int_equal(box_find(loaded, &id, 1)->statement_count,
			box_find(pushed, &id, 1)->statement_count);
	}
	assert_int_equal(spools(loaded), 0);
}

static void assert_closed(struct box *box)
{
	bd_diag_clear(&box->diag);
	box->settings.is_load = false;
	assert_int_equal(bd_store_open(&box->store, &box->settings, NULL, 0, &box->diag),
		BD_LOAD_UNFINISHED);
	box->store = NULL;
}

/* -- a load -- */

static void load(struct box *box, unsigned from, unsigned to)
{
	box->settings.is_load = true;
	box_start(box);
	assert_int_equal(bd_pairs_hold(box->store, &box->diag), BD_OK);
	for (unsigned number = from; number < to; number++) {
		say(box, number);
	}
	assert_int_equal(bd_pairs_put(box->store, NULL, &box->diag), BD_OK);
}

/* The same in a process of its own, which ends at the point. */
static void load_and_die(struct box *box, struct stop *stop, unsigned from, unsigned to,
	const char *point, int passed)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		stop->point = point;
		stop->left = passed;
		load(box, from, to);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_closed(box);
}

/* -- tests -- */

static void test_the_same_pairs_as_by_pushing(void **state)
{
	struct box loaded, pushed;
	struct stop stop;

	(void)state;
	open_both(&loaded, &pushed, &stop);
	load(&loaded, 0, SAYINGS);
	assert_same(&loaded, &pushed);
	box_close(&loaded);
	box_close(&pushed);
}

/* What is there already stays, and what comes goes between. */
static void test_into_a_store_that_has_some(void **state)
{
	struct box loaded, pushed;
	struct stop stop;

	(void)state;
	open_both(&loaded, &pushed, &stop);
	box_start(&loaded);
	for (unsigned number = 0; number < SAYINGS / 2; number++) {
		say(&loaded, number);
	}
	box_stop(&loaded);
	load(&loaded, SAYINGS / 2, SAYINGS);
	assert_same(&loaded, &pushed);
	box_close(&loaded);
	box_close(&pushed);
}

static void test_nothing_is_found_by_an_alias_before(void **state)
{
	struct bd_identifier id = id_of(ID_DEPT_PERSON, "K0");
	struct box loaded, pushed;
	struct stop stop;

	(void)state;
	open_both(&loaded, &pushed, &stop);
	loaded.settings.is_load = true;
	box_start(&loaded);
	assert_int_equal(bd_pairs_hold(loaded.store, &loaded.diag), BD_OK);
	say(&loaded, 0);
	/* Else a closed store would protect from nothing. */
	assert_int_equal(box_find(&loaded, &id, 1)->statement_count, 0);
	box_stop(&loaded);
	assert_closed(&loaded);
	load(&loaded, 1, SAYINGS);
	assert_same(&loaded, &pushed);
	box_stop(&loaded);
	loaded.settings.is_load = false;
	box_start(&loaded);
	assert_same(&loaded, &pushed);
	box_close(&loaded);
	box_close(&pushed);
}

/* While it stores, and again, and while it puts what was kept apart. */
static void test_killed_it_is_gone_on_with(void **state)
{
	static const struct {
		const char *point;
		int passed;
	} last[] = { { "pairs.held", 0 }, { "pairs.part", 0 }, { "pairs.part", 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		struct box loaded, pushed;
		struct stop stop;

		open_both(&loaded, &pushed, &stop);
		load_and_die(&loaded, &stop, 0, SAYINGS, "commit.committed", SAYINGS / 3 - 1);
		load_and_die(
			&loaded, &stop, SAYINGS / 3, SAYINGS, "commit.committed", SAYINGS / 3 - 1);
		/* This one is given up. */
		load_and_die(&loaded, &stop, SAYINGS / 3 * 2, SAYINGS, "commit.applied", 0);
		if (strcmp(last[i].point, "pairs.held") == 0) {
			load_and_die(&loaded, &stop, 0, 0, last[i].point, last[i].passed);
			load(&loaded, SAYINGS / 3 * 2, SAYINGS);
		} else {
			load_and_die(&loaded, &stop, SAYINGS / 3 * 2, SAYINGS, last[i].point,
				last[i].passed);
			load(&loaded, 0, 0);
		}
		assert_same(&loaded, &pushed);
		box_close(&loaded);
		box_close(&pushed);
	}
}

/* A disk that takes no more: the store stays closed, and is opened by the next that has room. */
static void test_no_room_keeps_it_closed(void **state)
{
	struct box loaded, pushed;
	struct stop stop;

	(void)state;
	open_both(&loaded, &pushed, &stop);
	loaded.settings.is_load = true;
	box_start(&loaded);
	assert_int_equal(bd_pairs_hold(loaded.store, &loaded.diag), BD_OK);
	for (unsigned number = 0; number < SAYINGS; number++) {
		say(&loaded, number);
	}
	loaded.store->free_min_bytes = UINT64_MAX;
	assert_int_equal(bd_pairs_put(loaded.store, NULL, &loaded.diag), BD_DISK_FULL);
	box_stop(&loaded);
	assert_closed(&loaded);
	load(&loaded, 0, 0);
	assert_same(&loaded, &pushed);
	box_close(&loaded);
	box_close(&pushed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_pairs_as_by_pushing),
		cmocka_unit_test(test_into_a_store_that_has_some),
		cmocka_unit_test(test_nothing_is_found_by_an_alias_before),
		cmocka_unit_test(test_killed_it_is_gone_on_with),
		cmocka_unit_test(test_no_room_keeps_it_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
