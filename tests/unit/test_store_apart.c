/* test_store_apart.c - aliases and links of a long message, which are put before its nodes: the
 * same store as by a short one, wherever the process ends or the disk is full; nobody is found by
 * half of them; a message whose end tells whose its records are puts them with the nodes.
 */
#include "base/limits.h"
#include "store/pairs.h"
#include "store_support.h"

#include <signal.h>
#include <sys/wait.h>

enum { PEOPLE = 400, COMPANIES = 90 };
/* So that there are several transactions of pairs, and of nodes. */
#define PART_BYTES 20000

/* -- what happens when -- */

struct watching {
	struct bd_store_hook hook;
	const char *stop_at; /* NULL = nowhere */
	int passed;          /* times it is passed before */
	int pairs, nodes;    /* transactions */
	bool is_mixed;       /* pairs behind nodes */
};

static void on_reach(const struct bd_store_hook *hook, const char *point)
{
	struct watching *watching = (struct watching *)hook;
	bool is_nodes = strcmp(point, "long.committed") == 0 || strcmp(point, "long.finished") == 0;

	watching->nodes += is_nodes;
	if (strcmp(point, "pairs.part") == 0) {
		watching->pairs++;
		watching->is_mixed |= watching->nodes > 0;
	}
	if (watching->stop_at != NULL && strcmp(point, watching->stop_at) == 0 &&
		watching->passed-- == 0) {
		kill(getpid(), SIGKILL);
	}
}

/* -- what is said -- */

/* Each person by two identifiers, and where she works: the message is told in two turns. */
static void say(struct said *said, unsigned from, unsigned to, const struct bd_identifier *own)
{
	said_open(said, "social", "changes");
	for (unsigned number = from; number < 2 * to - from; number++) {
		unsigned who = number < to ? number : number - to + from;
		char person[16], key[16], company[16];
		struct bd_identifier ids[2], other;
		struct fact fact;

		snprintf(person, sizeof(person), "P%u", who);
		snprintf(key, sizeof(key), "K%u", who);
		snprintf(company, sizeof(company), "U%u", who % COMPANIES);
		ids[0] = id_of(ID_PERSON, person);
		ids[1] = id_of(ID_DEPT_PERSON, key);
		other = id_of(ID_USCC, company);
		fact_of(&fact, ids, 2, number < to ? "people" : "jobs", number < to ? 1 : 3, 5,
			"word");
		fact.record.other = number < to ? NULL : &other;
		fact.record.other_count = number >= to;
		said_add(said, &fact.record);
	}
	if (own != NULL) {
		struct fact fact;

		fact_of(&fact, NULL, 0, "people", 1, 5, "own");
		fact.record.is_message_subject = true;
		said_add(said, &fact.record);
		said->entry.subject = own;
		said->entry.subject_count = 1;
	}
}

static void to_spool(struct box *box, struct said *said)
{
	struct bd_reader reader = bd_reader_of(bd_buf_bytes(&said->records));

	assert_int_equal(bd_spool_new(&said->entry.spool, box->store, &box->diag), BD_OK);
	while (reader.rest.len > 0) {
		assert_int_equal(
			bd_spool_add(said->entry.spool, bd_read_sized(&reader), &box->diag), BD_OK);
	}
	said->entry.received_ms = box->now_ms;
}

static enum bd_code push_long(struct box *box, struct said *said)
{
	struct bd_entry *entries[] = { &said->entry };
	enum bd_code code;

	to_spool(box, said);
	code = bd_store_commit(box->store, entries, 1, &box->diag);
	bd_spool_free(said->entry.spool);
	said->entry.spool = NULL;
	return code == BD_OK ? said->entry.code : code;
}

/* -- boxes -- */

static void open_watched(struct box *box, struct watching *watching)
{
	*watching = (struct watching){ .hook = { on_reach, PART_BYTES } };
	box_open(box, NULL, 0);
	box_stop(box);
	box->settings.hook = &watching->hook;
	box_start(box);
}

static struct bd_buf by_a_short_one(const struct bd_identifier *own)
{
	struct bd_buf dump;
	struct said said;
	struct box box;

	box_open(&box, NULL, 0);
	say(&said, 0, PEOPLE, own);
	assert_int_equal(box_push(&box, &said), BD_OK);
	dump = box_dump(&box);
	said_close(&said);
	box_close(&box);
	return dump;
}

static void assert_same(struct box *box, const struct bd_buf *expected)
{
	struct bd_buf dump = box_dump(box);

	assert_int_equal(dump.len, expected->len);
	assert_memory_equal(dump.ptr, expected->ptr, dump.len);
	bd_buf_release(&dump);
}

static size_t pairs_of(struct box *box)
{
	return box_entries(box, box->store->owners) + box_entries(box, box->store->links);
}

/* -- the tests -- */

static void test_they_come_before_the_nodes(void **state)
{
	struct bd_buf expected = by_a_short_one(NULL);
	struct watching watching;
	struct said said;
	struct box box;

	(void)state;
	open_watched(&box, &watching);
	say(&said, 0, PEOPLE, NULL);
	assert_int_equal(push_long(&box, &said), BD_OK);
	assert_true(watching.pairs > 2);
	assert_true(watching.nodes > 2);
	assert_false(watching.is_mixed);
	/* An alias a person, a link a person: none twice, though each is told twice. */
	assert_int_equal(pairs_of(&box), 2 * PEOPLE);
	assert_same(&box, &expected);
	/* Told again, nothing is new. */
	assert_int_equal(push_long(&box, &said), BD_OK);
	assert_int_equal(said.entry.unchanged, said.entry.accepted);
	assert_int_equal(pairs_of(&box), 2 * PEOPLE);
	said_close(&said);
	bd_buf_release(&expected);
	box_close(&box);
}

/* What leads to nothing yet is nothing: between the transactions of both everybody is found by both
 * names, or by none. */
static void test_nobody_is_found_by_half(void **state)
{
	struct bd_entry *done = NULL;
	struct watching watching;
	size_t without = 0;
	struct said said;
	struct box box;

	(void)state;
	open_watched(&box, &watching);
	say(&said, 0, PEOPLE, NULL);
	to_spool(&box, &said);
	assert_int_equal(bd_store_take(box.store, &said.entry, &box.diag), BD_OK);
	while (done == NULL) {
		assert_int_equal(bd_store_work(box.store, &done, &box.diag), BD_OK);
		for (unsigned who = 0; who < PEOPLE; who += 7) {
			char person[16], key[16];
			struct bd_identifier id;
			size_t by_number, by_key;

			snprintf(person, sizeof(person), "P%u", who);
			snprintf(key, sizeof(key), "K%u", who);
			id = id_of(ID_PERSON, person);
			by_number = box_find(&box, &id, 1)->statement_count;
			id = id_of(ID_DEPT_PERSON, key);
			by_key = box_find(&box, &id, 1)->statement_count;
			assert_int_equal(by_key, by_number);
			without += by_number == 0 && watching.pairs > 0;
		}
	}
	assert_true(without > 0);
	bd_spool_free(said.entry.spool);
	said_close(&said);
	box_close(&box);
}

/* The message's own subject is known at its end: all pairs are put with the nodes. */
static void test_those_of_the_own_subject(void **state)
{
	const struct bd_identifier own[2] = { id_of(ID_PERSON, "own"), id_of(ID_DEPT, "own") };
	struct bd_buf expected = by_a_short_one(own);
	struct watching watching;
	struct said said;
	struct box box;

	(void)state;
	open_watched(&box, &watching);
	say(&said, 0, PEOPLE, own);
	assert_int_equal(push_long(&box, &said), BD_OK);
	assert_int_equal(watching.pairs, 0);
	assert_same(&box, &expected);
	said_close(&said);
	bd_buf_release(&expected);
	box_close(&box);
}

/* So few that one transaction takes them with their nodes. */
static void test_few_go_with_the_nodes(void **state)
{
	struct watching watching;
	struct said said;
	struct box box;

	(void)state;
	open_watched(&box, &watching);
	watching.hook.part_bytes = 3 * PART_BYTES;
	say(&said, 0, 3, NULL);
	assert_int_equal(push_long(&box, &said), BD_OK);
	assert_int_equal(watching.pairs, 0);
	assert_int_equal(pairs_of(&box), 6);
	said_close(&said);
	box_close(&box);
}

/* Of a load they wait, those of all its messages, and are put as one. */
static void test_those_of_a_load(void **state)
{
	const struct bd_identifier first = id_of(ID_DEPT_PERSON, "K0"),
				   last = id_of(ID_DEPT_PERSON, "K399");
	struct bd_buf dump;
	struct watching watching;
	struct said said;
	struct box box;

	(void)state;
	_Static_assert(PEOPLE == 400, "K399 is the last");
	open_watched(&box, &watching);
	box_stop(&box);
	box.settings.is_load = true;
	box_start(&box);
	assert_int_equal(bd_pairs_hold(box.store, &box.diag), BD_OK);
	for (unsigned from = 0; from < PEOPLE; from += PEOPLE / 4) {
		say(&said, from, from + PEOPLE / 4, NULL);
		assert_int_equal(from == 0 ? box_push(&box, &said) : push_long(&box, &said), BD_OK);
		said_close(&said);
	}
	assert_int_equal(watching.pairs, 0);
	assert_int_equal(pairs_of(&box), 0);
	assert_int_equal(box_find(&box, &last, 1)->statement_count, 0);
	assert_int_equal(bd_pairs_put(box.store, NULL, &box.diag), BD_OK);
	assert_true(watching.pairs > 2);
	assert_int_equal(pairs_of(&box), 2 * PEOPLE);
	assert_int_equal(box_find(&box, &first, 1)->statement_count, 2);
	assert_int_equal(box_find(&box, &last, 1)->statement_count, 2);
	dump = box_dump(&box);
	box_close(&box);
	/* The same, pushed. */
	box_open(&box, NULL, 0);
	for (unsigned from = 0; from < PEOPLE; from += PEOPLE / 4) {
		say(&said, from, from + PEOPLE / 4, NULL);
		assert_int_equal(box_push(&box, &said), BD_OK);
		said_close(&said);
	}
	assert_same(&box, &dump);
	bd_buf_release(&dump);
	box_close(&box);
}

static void push_and_die(struct box *box, struct watching *watching, const char *point, int passed)
{
	int status;
	pid_t child;

	box_stop(box);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct said said;

		watching->stop_at = point;
		watching->passed = passed;
		box_start(box);
		say(&said, 0, PEOPLE, NULL);
		push_long(box, &said);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	box_start(box);
}

static void test_killed_it_is_finished(void **state)
{
	static const struct {
		const char *point;
		int passed;
	} points[] = { { "pairs.part", 0 }, { "pairs.part", 3 }, { "long.applied", 0 },
		{ "long.committed", 0 }, { "long.committed", 2 }, { "long.finishing", 0 } };
	struct bd_buf expected = by_a_short_one(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct watching watching;
		struct box box;

		open_watched(&box, &watching);
		push_and_die(&box, &watching, points[i].point, points[i].passed);
		assert_true(bd_store_has_work(box.store));
		while (bd_store_has_work(box.store)) {
			struct bd_entry *done;

			assert_int_equal(bd_store_work(box.store, &done, &box.diag), BD_OK);
		}
		/* What was kept apart went with the process. */
		assert_int_equal(watching.pairs, 0);
		assert_same(&box, &expected);
		assert_int_equal(pairs_of(&box), 2 * PEOPLE);
		box_close(&box);
	}
	bd_buf_release(&expected);
}

static void test_without_room_they_are_put_again(void **state)
{
	struct bd_buf expected = by_a_short_one(NULL);
	struct bd_entry *done = NULL;
	struct watching watching;
	struct said said;
	struct box box;

	(void)state;
	open_watched(&box, &watching);
	say(&said, 0, PEOPLE, NULL);
	to_spool(&box, &said);
	assert_int_equal(bd_store_take(box.store, &said.entry, &box.diag), BD_OK);
	while (watching.pairs < 2) {
		assert_int_equal(bd_store_work(box.store, &done, &box.diag), BD_OK);
	}
	/* No page more than there are: some are taken from their runs before that is known. */
	assert_int_equal(mdb_env_set_mapsize(box.store->env, 1), 0);
	/* Whoever waits hears of it; the message is the journal's. */
	assert_int_equal(bd_store_work(box.store, &done, &box.diag), BD_DISK_FULL);
	assert_ptr_equal(done, &said.entry);
	bd_spool_free(said.entry.spool);
	assert_int_equal(mdb_env_set_mapsize(box.store->env, box.settings.map_size_bytes), 0);
	while (bd_store_has_work(box.store)) {
		assert_int_equal(bd_store_work(box.store, &done, &box.diag), BD_OK);
	}
	assert_same(&box, &expected);
	assert_int_equal(pairs_of(&box), 2 * PEOPLE);
	said_close(&said);
	bd_buf_release(&expected);
	box_close(&box);
}

/* A full leaf would be split by the first that comes between. */
static void test_they_leave_room(void **state)
{
	enum { MANY = 3000, LEAF_BYTES = 4096 - 16, OF_ENTRY = 10 };
	struct said said;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	say(&said, 0, MANY, NULL);
	assert_int_equal(push_long(&box, &said), BD_OK);
	const struct {
		MDB_dbi dbi;
		size_t bytes;
	} databases[] = { { box.store->owners, 2 * BD_NODE_KEY_BYTES + 8 },
		{ box.store->links, 2 * BD_NODE_KEY_BYTES + 8 },
		{ box.store->places, BD_NODE_KEY_BYTES + 8 } };
	for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
		size_t full = LEAF_BYTES / (databases[i].bytes + OF_ENTRY);
		MDB_stat stat = box_stat(&box, databases[i].dbi);

		assert_int_equal(stat.ms_entries, MANY);
		assert_in_range(stat.ms_entries, stat.ms_leaf_pages * full * 7 / 10,
			stat.ms_leaf_pages * full * 17 / 20);
	}
	said_close(&said);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_they_come_before_the_nodes),
		cmocka_unit_test(test_nobody_is_found_by_half),
		cmocka_unit_test(test_those_of_the_own_subject),
		cmocka_unit_test(test_few_go_with_the_nodes),
		cmocka_unit_test(test_those_of_a_load),
		cmocka_unit_test(test_killed_it_is_finished),
		cmocka_unit_test(test_without_room_they_are_put_again),
		cmocka_unit_test(test_they_leave_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
