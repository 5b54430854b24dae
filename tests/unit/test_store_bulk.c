/* test_store_bulk.c - many short messages at once: the same store as when each is committed by
 * itself, in the store's own order or in that of receipt, once over a repeat, none before the first
 * is committed.
 */
#include "base/limits.h"
#include "store/bulk.h"
#include "store_support.h"

#include <dirent.h>

enum { LINES = 300, PEOPLE = 100 };

struct order {
	struct bd_bulk_watch watch;
	uint64_t numbers[LINES];
	uint64_t messages[LINES];
	size_t count, repeats;
};

static void on_done(struct bd_bulk_watch *self, uint64_t number, const struct bd_entry *entry)
{
	struct order *order = (struct order *)(void *)self;

	assert_int_equal(entry->code, BD_OK);
	assert_true(order->count < LINES);
	order->numbers[order->count] = number;
	order->messages[order->count++] = entry->message;
	order->repeats += entry->is_repeat;
}

/* The number-th line: a person of PEOPLE, and what is newer of it in a later line. */
static void say(struct said *said, unsigned number, enum bd_order_kind kind)
{
	static char text[32], word[32], key[32];
	static struct bd_identifier id;
	struct fact fact;

	snprintf(text, sizeof(text), "P%06u", number % PEOPLE);
	snprintf(word, sizeof(word), "word %u", number);
	snprintf(key, sizeof(key), "line %u", number);
	id = id_of(ID_PERSON, text);
	said_open(said, "social", "changes");
	said->entry.order_kind = kind;
	said->entry.idempotency_key = bd_bytes_of(key);
	said->entry.received_ms = STORE_NOW_MS;
	memset(said->entry.body_sha256, (int)(number & 0xff), sizeof(said->entry.body_sha256));
	fact_of(&fact, &id, 1, "s", 1, (int64_t)(number * 7919u % 100003u), word);
	fact.record.order_kind = kind;
	said_add(said, &fact.record);
	said->entry.records = bd_buf_bytes(&said->records);
	said->entry.rejects = bd_buf_bytes(&said->rejects);
}

static void add_all(struct bd_bulk *bulk, struct box *box, enum bd_order_kind kind)
{
	for (unsigned number = 1; number <= LINES; number++) {
		struct said said;

		say(&said, number, kind);
		assert_int_equal(bd_bulk_add(bulk, &said.entry, number, &box->diag), BD_OK);
		said_close(&said);
	}
	assert_int_equal(bd_bulk_end(bulk, &box->diag), BD_OK);
}

static void commit_all(struct order *order, struct bd_bulk *bulk, struct box *box)
{
	bool has_more = true;

	memset(order, 0, sizeof(*order));
	order->watch.done = on_done;
	while (has_more) {
		assert_int_equal(bd_bulk_commit(&has_more, bulk, &order->watch, &box->diag), BD_OK);
	}
	assert_int_equal(order->count, LINES);
}

static void load(struct order *order, struct box *box, enum bd_order_kind kind)
{
	struct bd_bulk *bulk = NULL;

	assert_int_equal(bd_bulk_new(&bulk, box->store, &box->diag), BD_OK);
	add_all(bulk, box, kind);
	commit_all(order, bulk, box);
	bd_bulk_free(bulk);
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

/* What the store holds without what tells the messages apart: times and numbers of receipt. */
static void assert_same_held(struct box *a, struct box *b)
{
	for (unsigned number = 0; number < PEOPLE; number++) {
		char text[32];
		struct bd_identifier id;
		const struct bd_held *x, *y;

		snprintf(text, sizeof(text), "P%06u", number);
		id = id_of(ID_PERSON, text);
		x = box_find(a, &id, 1);
		y = box_find(b, &id, 1);
		assert_int_equal(x->statement_count, 1);
		assert_int_equal(y->statement_count, 1);
		assert_true(bd_bytes_equal(x->statements[0].values[0].value.text,
			y->statements[0].values[0].value.text));
	}
}

static void test_as_if_each_had_been_pushed(void **state)
{
	struct box bulk, single;
	struct order order;

	(void)state;
	box_open(&bulk, NULL, 0);
	box_open(&single, NULL, 0);
	load(&order, &bulk, BD_ORDER_TIME);
	for (unsigned number = 1; number <= LINES; number++) {
		struct said said;

		say(&said, number, BD_ORDER_TIME);
		assert_int_equal(box_push(&single, &said), BD_OK);
		said_close(&said);
	}
	assert_same_held(&bulk, &single);
	assert_int_equal(spools(&bulk), 0);
	box_close(&single);
	box_close(&bulk);
}

/* A file of lines that holds none. */
static void test_nothing(void **state)
{
	struct order order = { .watch = { on_done } };
	struct bd_bulk *bulk = NULL;
	bool has_more = true;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	assert_int_equal(bd_bulk_new(&bulk, box.store, &box.diag), BD_OK);
	assert_int_equal(bd_bulk_end(bulk, &box.diag), BD_OK);
	assert_int_equal(bd_bulk_commit(&has_more, bulk, &order.watch, &box.diag), BD_OK);
	assert_false(has_more);
	assert_int_equal(order.count, 0);
	bd_bulk_free(bulk);
	assert_int_equal(spools(&box), 0);
	box_close(&box);
}

/* Ordered by time they go in as the store has them: all lines of one subject beside each other, and
 * those in the order in which they came. */
static void test_lines_of_a_subject_are_neighbours(void **state)
{
	bool is_seen[PEOPLE] = { false }, is_sorted = true;
	struct order order;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	load(&order, &box, BD_ORDER_TIME);
	for (size_t i = 0; i < LINES; i++) {
		unsigned who = (unsigned)(order.numbers[i] % PEOPLE);

		if (i == 0 || who != (unsigned)(order.numbers[i - 1] % PEOPLE)) {
			assert_false(is_seen[who]);
		} else {
			assert_true(order.numbers[i] > order.numbers[i - 1]);
		}
		is_seen[who] = true;
		is_sorted &= i == 0 || order.numbers[i] > order.numbers[i - 1];
		assert_int_equal(order.messages[i], i + 1);
	}
	/* Else this has shown nothing. */
	assert_false(is_sorted);
	box_close(&box);
}

static void test_what_is_ordered_by_receipt_is_not_moved(void **state)
{
	struct order order;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	load(&order, &box, BD_ORDER_RECEIPT);
	for (size_t i = 0; i < LINES; i++) {
		assert_int_equal(order.numbers[i], i + 1);
		assert_int_equal(order.messages[i], i + 1);
	}
	box_close(&box);
}

static void test_what_is_stored_is_passed_over(void **state)
{
	struct order first, again;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	load(&first, &box, BD_ORDER_TIME);
	assert_int_equal(first.repeats, 0);
	load(&again, &box, BD_ORDER_TIME);
	assert_int_equal(again.repeats, LINES);
	assert_memory_equal(first.messages, again.messages, sizeof(first.messages));
	box_close(&box);
}

/* -- keys -- */

/* Whatever comes by itself afterwards finds the key of its line. */
static void test_keys_lead_to_their_messages(void **state)
{
	struct order order;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	load(&order, &box, BD_ORDER_TIME);
	assert_int_equal(box_entries(&box, box.store->keys), LINES);
	for (size_t i = 0; i < LINES; i++) {
		struct said said;

		say(&said, (unsigned)order.numbers[i], BD_ORDER_TIME);
		assert_int_equal(box_push(&box, &said), BD_OK);
		assert_true(said.entry.is_repeat);
		assert_int_equal(said.entry.message, order.messages[i]);
		said_close(&said);
	}
	assert_int_equal(box_entries(&box, box.store->messages), LINES);
	box_close(&box);
}

enum { MANY = 5000 }; /* more than one group */

struct tally {
	struct bd_bulk_watch watch;
	size_t count, repeats;
};

static void on_counted(struct bd_bulk_watch *self, uint64_t number, const struct bd_entry *entry)
{
	struct tally *tally = (struct tally *)(void *)self;

	(void)number;
	assert_int_equal(entry->code, BD_OK);
	tally->count++;
	tally->repeats += entry->is_repeat;
}

static struct bd_bulk *bulk_of_many(struct box *box)
{
	struct bd_bulk *bulk = NULL;

	assert_int_equal(bd_bulk_new(&bulk, box->store, &box->diag), BD_OK);
	for (unsigned number = 1; number <= MANY; number++) {
		struct said said;

		say(&said, number, BD_ORDER_TIME);
		assert_int_equal(bd_bulk_add(bulk, &said.entry, number, &box->diag), BD_OK);
		said_close(&said);
	}
	assert_int_equal(bd_bulk_end(bulk, &box->diag), BD_OK);
	return bulk;
}

/* One that is cut short between two groups leaves out their keys; the next has them again, and then
 * passes over what is stored. What was pushed in the meantime keeps its own. */
static void test_keys_that_were_left_out(void **state)
{
	struct tally first = { .watch = { on_counted } }, again = first;
	struct bd_bulk *bulk;
	bool has_more = false;
	struct said said;
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	say(&said, MANY + 1, BD_ORDER_TIME);
	assert_int_equal(box_push(&box, &said), BD_OK);
	said_close(&said);
	bulk = bulk_of_many(&box);
	assert_int_equal(bd_bulk_commit(&has_more, bulk, &first.watch, &box.diag), BD_OK);
	assert_true(has_more && first.count > MANY / 2 && first.repeats == 0);
	bd_bulk_free(bulk);
	assert_int_equal(box_entries(&box, box.store->keys), 1);
	box_stop(&box);
	box_start(&box);

	say(&said, MANY + 2, BD_ORDER_TIME);
	assert_int_equal(box_push(&box, &said), BD_OK);
	assert_int_equal(box_entries(&box, box.store->keys), 2);
	said_close(&said);
	bulk = bulk_of_many(&box);
	for (has_more = true; has_more;) {
		assert_int_equal(bd_bulk_commit(&has_more, bulk, &again.watch, &box.diag), BD_OK);
	}
	bd_bulk_free(bulk);
	assert_int_equal(again.count, MANY);
	assert_int_equal(again.repeats, first.count);
	assert_int_equal(box_entries(&box, box.store->messages), MANY + 2);
	assert_int_equal(box_entries(&box, box.store->keys), MANY + 2);

	/* And nothing is missing any more. */
	say(&said, MANY + 2, BD_ORDER_TIME);
	assert_int_equal(box_push(&box, &said), BD_OK);
	assert_true(said.entry.is_repeat);
	said_close(&said);
	bulk = bulk_of_many(&box);
	memset(&again.count, 0, sizeof(again) - offsetof(struct tally, count));
	for (has_more = true; has_more;) {
		assert_int_equal(bd_bulk_commit(&has_more, bulk, &again.watch, &box.diag), BD_OK);
	}
	bd_bulk_free(bulk);
	assert_int_equal(again.repeats, MANY);
	box_close(&box);
}

/* Nothing counts before the first is committed, and a start removes the file. */
static void test_before_the_first_there_is_nothing(void **state)
{
	struct bd_bulk *bulk = NULL;
	struct bd_identifier id = id_of(ID_PERSON, "P000001");
	struct box box;

	(void)state;
	box_open(&box, NULL, 0);
	assert_int_equal(bd_bulk_new(&bulk, box.store, &box.diag), BD_OK);
	add_all(bulk, &box, BD_ORDER_TIME);
	assert_int_equal(spools(&box), 1);
	assert_int_equal(box_find(&box, &id, 1)->statement_count, 0);
	bd_bulk_free(bulk);
	assert_int_equal(spools(&box), 0);
	box_close(&box);
}

static void test_one_that_is_too_long_leaves_the_rest(void **state)
{
	static char filler[BD_RECORD_MAX_BYTES * 2];
	struct bd_bulk *bulk = NULL;
	struct order order;
	struct said said;
	struct box box;

	(void)state;
	memset(filler, 'f', sizeof(filler));
	box_open(&box, NULL, 0);
	assert_int_equal(bd_bulk_new(&bulk, box.store, &box.diag), BD_OK);
	say(&said, 1, BD_ORDER_TIME);
	said.entry.records = (struct bd_bytes){ filler, sizeof(filler) };
	said.entry.order_kind = BD_ORDER_RECEIPT; /* so that nobody looks into it */
	assert_int_equal(bd_bulk_add(bulk, &said.entry, 9999, &box.diag), BD_LIMIT_BYTES);
	said_close(&said);
	add_all(bulk, &box, BD_ORDER_TIME);
	commit_all(&order, bulk, &box);
	bd_bulk_free(bulk);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_if_each_had_been_pushed),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_lines_of_a_subject_are_neighbours),
		cmocka_unit_test(test_what_is_ordered_by_receipt_is_not_moved),
		cmocka_unit_test(test_what_is_stored_is_passed_over),
		cmocka_unit_test(test_keys_lead_to_their_messages),
		cmocka_unit_test(test_keys_that_were_left_out),
		cmocka_unit_test(test_before_the_first_there_is_nothing),
		cmocka_unit_test(test_one_that_is_too_long_leaves_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
