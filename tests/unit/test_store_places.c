/* test_store_places.c - where nodes stand: a place that is taken once, at the end; names that lead
 * there. */
#include "store/places.h"
#include "store_support.h"

static const struct bd_cover covers[] = { { "a", "changes", "s", 1, 1, "daily", false, 0 } };

/* -- looking at the databases -- */

struct standing {
	uint64_t place, slot;
	size_t bytes; /* of its page */
	bool has_content;
};

/* The only node, or the last. */
static struct standing last_node(const struct box *box)
{
	struct standing standing;
	struct bd_reader name, head;
	MDB_cursor *cursor;
	MDB_val key, value, at, place;
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(box->store->env, NULL, MDB_RDONLY, &txn), 0);
	assert_int_equal(mdb_cursor_open(txn, box->store->nodes, &cursor), 0);
	assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_LAST), 0);
	assert_int_equal(key.mv_size, BD_PLACE_NAME_BYTES);
	at = (MDB_val){ BD_NODE_KEY_BYTES, (char *)key.mv_data + BD_PLACE_BYTES };
	assert_int_equal(mdb_get(txn, box->store->places, &at, &place), 0);
	assert_int_equal(place.mv_size, BD_PLACE_BYTES);
	assert_memory_equal(place.mv_data, key.mv_data, BD_PLACE_BYTES);
	name = bd_reader_of((struct bd_bytes){ key.mv_data, key.mv_size });
	head = bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
	standing.place = bd_read_u64(&name);
	standing.slot = bd_read_u64(&head);
	standing.bytes = 8 + 2 + key.mv_size + value.mv_size;
	standing.has_content = value.mv_size > 16;
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return standing;
}

static void say(struct box *box, const struct bd_identifier *of, int64_t order, const char *text)
{
	struct fact fact;

	box_say(box, "a", fact_of(&fact, of, 1, "s", 1, order, text));
}

/* -- tests -- */

static void a_place_is_kept(void **state)
{
	const struct bd_identifier one = id_of(ID_PERSON, "P0"), two = id_of(ID_PERSON, "P1");
	struct bd_store_erased erased;
	struct standing first, now;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	say(&box, &one, 1, "one");
	first = last_node(&box);
	say(&box, &one, 2, "a longer word than before");
	now = last_node(&box);
	assert_true(now.place == first.place && now.slot == first.slot && now.has_content);

	assert_int_equal(erase_subject(box.store, &one, box.now_ms, &erased, &box.diag), BD_OK);
	assert_int_equal(erased.nodes, 1);
	now = last_node(&box);
	assert_true(now.place == first.place && !now.has_content);
	assert_int_equal(box_find(&box, &one, 1)->statement_count, 0);

	/* Another salt, the same place. */
	say(&box, &one, 3, "again");
	now = last_node(&box);
	assert_true(now.place == first.place && now.slot > first.slot && now.has_content);
	assert_int_equal(box_find(&box, &one, 1)->statement_count, 1);

	say(&box, &two, 1, "one");
	assert_true(last_node(&box).place > now.slot);
	assert_int_equal(box_entries(&box, box.store->nodes), 2);
	assert_int_equal(box_entries(&box, box.store->places), 2);
	box_close(&box);
}

/* Whatever the order of their names, and in however many messages they come. */
static void new_nodes_fill_their_pages(void **state)
{
	enum { MESSAGES = 50, EACH = 100, PAGE_BYTES = 4096 - 16 };
	char text[300];
	struct box box;
	struct said said;
	size_t pages = 0, count;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	box_open(&box, covers, 1);
	for (unsigned i = 0; i < MESSAGES; i++) {
		said_open(&said, "a", "changes");
		for (unsigned n = 0; n < EACH; n++) {
			struct bd_identifier id = { ID_PERSON, { "", 0 }, { NULL, 0 } };
			struct fact fact;
			char number[16];

			snprintf(number, sizeof(number), "Q%u", i * EACH + n);
			id.number = bd_bytes_of(number);
			said_add(&said, fact_of(&fact, &id, 1, "s", 1, 1, text));
		}
		assert_int_equal(box_push(&box, &said), BD_OK);
		said_close(&said);
	}
	count = box_entries(&box, box.store->nodes);
	pages = box_stat(&box, box.store->nodes).ms_leaf_pages;
	assert_int_equal(count, MESSAGES * EACH);
	assert_int_equal(box_entries(&box, box.store->places), count);
	/* In the order of their names every page would have been split when it was full. */
	assert_true(pages <= count / (PAGE_BYTES / last_node(&box).bytes) + 1);
	box_close(&box);
}

/* Somebody whose node is lost is not somebody of whom nobody speaks. */
static void a_place_that_leads_nowhere_is_damage(void **state)
{
	const struct bd_identifier one = id_of(ID_PERSON, "P0"), two = id_of(ID_PERSON, "P1");
	struct bd_held *held = NULL;
	MDB_cursor *cursor;
	MDB_val key, value;
	struct box box;
	MDB_txn *txn;

	(void)state;
	box_open(&box, covers, 1);
	say(&box, &one, 1, "one");
	assert_int_equal(mdb_txn_begin(box.store->env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_cursor_open(txn, box.store->nodes, &cursor), 0);
	assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
	assert_int_equal(mdb_cursor_del(cursor, 0), 0);
	mdb_cursor_close(cursor);
	assert_int_equal(mdb_txn_commit(txn), 0);
	assert_int_equal(bd_store_begin(box.reader, &box.diag), BD_OK);
	assert_int_equal(
		bd_store_lookup(&held, box.reader, &one, 1, &bd_wanted_all, &box.arena, &box.diag),
		BD_STORE_DAMAGED);
	assert_int_equal(
		bd_store_lookup(&held, box.reader, &two, 1, &bd_wanted_all, &box.arena, &box.diag),
		BD_OK);
	assert_int_equal(held->statement_count, 0);
	bd_store_end(box.reader);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_place_is_kept),
		cmocka_unit_test(new_nodes_fill_their_pages),
		cmocka_unit_test(a_place_that_leads_nowhere_is_damage) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
