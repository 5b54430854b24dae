/* test_case_index.c - the index of cases in its parts, and as a whole against a plain list:
 * whatever is added, erased, past its time, merged, opened again or killed on the way, it answers
 * as the list does.
 */
#include "base/clock.h"
#include "store/case_index.h"
#include "store/case_runs.h"
#include "store/lately.h"
#include "store_support.h"

#include <pthread.h>
#include <sched.h>

#define DAY_MS INT64_C(86400000)

static uint64_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 33) % below);
}

/* As blinded names are: any bytes. */
static void draw_key(uint8_t key[BD_NODE_KEY_BYTES])
{
	for (int i = 0; i < BD_NODE_KEY_BYTES; i++) {
		key[i] = (uint8_t)draw(256);
	}
}

/* -- parts -- */

/* Of few keys, times and places, so that many share them. */
static void make_item(struct bd_case_item *item)
{
	const struct bd_case_place place = { (uint16_t)draw(2), draw(3), draw(64) };
	const struct bd_case_head head = { .at_ms = STORE_NOW_MS + draw(4),
		.receipt = { 1, (uint16_t)draw(2), 1, draw(500) } };
	uint8_t key[BD_NODE_KEY_BYTES];

	memset(key, (int)draw(200), sizeof(key));
	key[7] = (uint8_t)draw(3);
	key[15] = (uint8_t)draw(2);
	bd_case_item_make(item, (enum bd_case_kind)(1 + draw(3)), key, &head, &place);
}

static int compare_items(const void *a, const void *b)
{
	return bd_case_item_compare(a, b);
}

static void items_are_sorted(void **state)
{
	static struct bd_case_item items[5000], sorted[5000];
	static struct bd_front rooms[2][5000];
	static uint32_t order[5000];

	(void)state;
	for (size_t all = 0; all < 5000; all = all * 3 + 1) {
		size_t count = 0, live = 0;

		for (size_t i = 0; i < all; i++) {
			make_item(&items[i]);
			items[i].bytes[0] = draw(10) == 0 ? 0 : items[i].bytes[0];
			if (items[i].bytes[0] != 0) {
				sorted[live++] = items[i];
			}
		}
		qsort(sorted, live, sizeof(*sorted), compare_items);
		bd_case_items_sort(order, &count, items, all, rooms[0], rooms[1]);
		assert_int_equal(count, live);
		for (size_t i = 0; i < count; i++) {
			assert_memory_equal(&items[order[i]], &sorted[i], sizeof(*sorted));
		}
		for (size_t i = 1; i < live; i++) {
			size_t at = bd_case_item_search(sorted, live, &sorted[i], false);
			size_t behind = bd_case_item_search(sorted, live, &sorted[i], true);

			assert_true(at <= i && behind > i);
			assert_true(at == 0 || compare_items(&sorted[at - 1], &sorted[i]) < 0);
			assert_true(
				behind == live || compare_items(&sorted[behind], &sorted[i]) > 0);
		}
	}
}

static void a_receipt_is_read_back(void **state)
{
	const struct bd_case_head head = { .at_ms = STORE_NOW_MS,
		.receipt = { UINT64_C(0x0123456789abcdef), 3, 0x01020304, 0x05060708 } };
	const struct bd_case_place place = { 2, 7, 0x0a0b0c0d };
	struct bd_case_item item, bound;
	struct bd_trail_id receipt;
	struct bd_case_place at;

	(void)state;
	bd_case_item_make(&item, BD_CASE_BY_RECEIPT, NULL, &head, &place);
	receipt = bd_case_item_receipt(&item);
	at = bd_case_item_place(&item);
	assert_true(bd_trail_id_equal(&receipt, &head.receipt));
	assert_true(bd_case_is_same_place(&at, &place));
	assert_int_equal(bd_case_item_time(&item), STORE_NOW_MS);
	bd_case_item_of_receipt(&bound, &receipt, 0);
	assert_true(bd_case_item_is_of(&bound, &item));
	assert_true(bd_case_item_compare(&bound, &item) < 0);
	bd_case_item_of_receipt(&bound, &receipt, 0xFF);
	assert_true(bd_case_item_compare(&bound, &item) > 0);
}

/* What was added is always said to be there; of others few. */
static void a_filter_forgets_nobody(void **state)
{
	(void)state;
	for (size_t names = 1; names <= 100000; names = names * 7 + 3) {
		struct bd_case_filter filter = bd_case_filter_new(names);
		uint8_t key[BD_NODE_KEY_BYTES];
		uint64_t first = seed;
		size_t wrong = 0;

		assert_non_null(filter.blocks);
		for (int round = 0; round < 2; round++) {
			seed = first;
			for (size_t i = 0; i < names; i++) {
				draw_key(key);
				if (round == 0) {
					bd_case_filter_add(&filter, key);
				} else {
					assert_true(bd_case_filter_may_have(&filter, key));
				}
			}
		}
		for (size_t i = 0; i < 10000; i++) {
			draw_key(key);
			wrong += bd_case_filter_may_have(&filter, key);
		}
		assert_true(wrong < 300);
		bd_case_filter_free(&filter);
	}
}

/* What was put is said to have been, whatever was forgotten meanwhile; of others little. */
static void what_was_put_lately_is_known(void **state)
{
	enum { NODES = 3 * BD_LATELY_NODES };
	static uint8_t keys[NODES][BD_NODE_KEY_BYTES];
	static uint64_t commits[NODES];
	struct bd_lately *lately = bd_lately_new(10);
	size_t wrong = 0;

	(void)state;
	seed = 3;
	draw_key(keys[0]);
	assert_true(bd_lately_may_have(lately, keys[0], 9));
	assert_false(bd_lately_may_have(lately, keys[0], 10));
	for (size_t i = 0; i < NODES; i++) {
		draw_key(keys[i]);
		commits[i] = 11 + i / 1000;
		bd_lately_note(lately, keys[i], commits[i]);
		/* Some once more, later. */
		if (draw(4) == 0) {
			size_t again = draw((uint32_t)i + 1);

			commits[again] = commits[i];
			bd_lately_note(lately, keys[again], commits[i]);
		}
	}
	for (size_t i = 0; i < NODES; i++) {
		assert_true(bd_lately_may_have(lately, keys[i], commits[i] - 1));
		wrong += bd_lately_may_have(lately, keys[i], commits[NODES - 1]);
	}
	assert_int_equal(wrong, 0);
	for (size_t i = 0; i < 1000; i++) {
		uint8_t key[BD_NODE_KEY_BYTES];

		draw_key(key);
		wrong += bd_lately_may_have(lately, key, commits[NODES - 1] - 2);
	}
	assert_int_equal(wrong, 0);
	bd_lately_free(lately);
	assert_true(bd_lately_may_have(NULL, keys[0], UINT64_MAX));
}

/* -- the whole, against a list -- */

enum { SUBJECTS = 12, NUMBERS = 5, CASES_MAX = 4000, LOOPS = 2, KEPT_DAYS = 10 };

struct known {
	struct bd_trail_id receipt;
	int64_t at_ms;
	uint32_t subjects; /* a bit each */
	unsigned number;   /* NUMBERS = none */
	bool is_erased, is_gone;
};

/* Ends the process, as it were, at some point: what the folder holds then is all there is. */
struct kill {
	struct bd_store_hook hook; /* first */
	const char *folder;
	char copy[64];
	unsigned left; /* points until then; 0 = never */
};

struct beside;
static void wait_for_reads(struct beside *beside);

struct world {
	struct box box;
	struct beside *beside; /* who reads meanwhile; NULL = nobody */
	struct kill kill;
	struct bd_case_log *logs[LOOPS];
	struct known cases[CASES_MAX];
	size_t count;
	uint32_t offset[LOOPS];
	int32_t last_day[LOOPS];
	int64_t now_ms;
	unsigned spills, merges, kills;
};

static void on_reach(const struct bd_store_hook *hook, const char *point)
{
	struct kill *kill = (struct kill *)hook;
	struct world *world = (struct world *)((char *)kill - offsetof(struct world, kill));
	char command[256];

	world->spills += strcmp(point, "cases.spilled") == 0;
	world->merges += strcmp(point, "cases.swapped") == 0;
	if (world->beside != NULL && strncmp(point, "cases.", 6) == 0) {
		wait_for_reads(world->beside);
	}
	if (strncmp(point, "cases.", 6) != 0 || kill->left == 0 || --kill->left > 0) {
		return;
	}
	snprintf(kill->copy, sizeof(kill->copy), "/tmp/bidui-killed-XXXXXX");
	assert_non_null(mkdtemp(kill->copy));
	snprintf(command, sizeof(command), "cp -r --sparse=always %s/. %s && rm -f %s/lock.mdb",
		kill->folder, kill->copy, kill->copy);
	assert_int_equal(system(command), 0);
}

static struct bd_identifier subject_of(char room[16], unsigned subject)
{
	snprintf(room, 16, "S%u", subject);
	return id_of(ID_PERSON, room);
}

static void open_world(struct world *world)
{
	world->box.settings.hook = &world->kill.hook;
	world->box.settings.cases_days = KEPT_DAYS;
	box_start(&world->box);
	/* A kill loses nothing that was written; and nobody here pulls the plug. */
	assert_int_equal(mdb_env_set_flags(world->box.store->env, MDB_NOSYNC, 1), 0);
	/* Small ones and short steps, so that there are many. */
	world->box.store->cases->runs->tail.wanted_max = 24;
	world->box.store->cases->runs->step_max = 10;
	world->box.store->cases->runs->garbage_max = 5;
	for (uint16_t i = 0; i < LOOPS; i++) {
		assert_int_equal(
			bd_case_log_open(&world->logs[i], world->box.store, i, &world->box.diag),
			BD_OK);
	}
}

static void stop_world(struct world *world)
{
	for (int i = 0; i < LOOPS; i++) {
		bd_case_log_close(world->logs[i]);
	}
	box_stop(&world->box);
}

/* Where it was killed, what follows is what the copy makes of it. */
static void revive(struct world *world)
{
	char command[256];

	world->kill.left = 0;
	if (world->kill.copy[0] == '\0') {
		return;
	}
	stop_world(world);
	snprintf(command, sizeof(command), "rm -r %s && mv %s %s", world->box.folder,
		world->kill.copy, world->box.folder);
	assert_int_equal(system(command), 0);
	world->kill.copy[0] = '\0';
	world->kills++;
	open_world(world);
}

static void index_some(struct world *world, bool all)
{
	bool has_more = true;

	while (has_more) {
		assert_int_equal(
			bd_cases_index(world->box.store, &has_more, &world->box.diag), BD_OK);
		has_more &= all;
	}
}

/* again: under the receipt of the case before, whose answer never left. */
static void write_case(struct world *world, uint16_t loop, bool again)
{
	struct bd_identifier names[SUBJECTS];
	struct bd_case_looked looked[SUBJECTS];
	char rooms[SUBJECTS][16], number[16] = "";
	struct known *known = &world->cases[world->count];
	struct bd_case_record record;
	size_t count = 0;

	assert_true(world->count < CASES_MAX);
	if (again) {
		for (size_t i = world->count; i > 0; i--) {
			if (world->cases[i - 1].receipt.loop == loop &&
				world->cases[i - 1].receipt.offset == world->offset[loop]) {
				world->cases[i - 1].is_gone = true;
				break;
			}
		}
	} else {
		world->offset[loop]++;
	}
	*known = (struct known){ .receipt = { 9, loop, 1, world->offset[loop] },
		.at_ms = world->now_ms++,
		.number = draw(NUMBERS + 1) };
	for (unsigned i = 0; i < SUBJECTS; i++) {
		if (draw(6) == 0) {
			known->subjects |= 1u << i;
			names[count] = subject_of(rooms[count], i);
			looked[count] = (struct bd_case_looked){ &names[count], 1, false, NULL };
			count++;
		}
	}
	if (known->number < NUMBERS) {
		snprintf(number, sizeof(number), "N%u", known->number);
	}
	record = (struct bd_case_record){ .receipt = known->receipt,
		.at_ms = known->at_ms,
		.number = bd_bytes_of(number),
		.decision = bd_bytes_of("pass"),
		.commit = UINT64_MAX / 2,
		.looked = looked,
		.looked_count = count };
	assert_int_equal(bd_cases_append(world->logs[loop], &record, &world->box.diag), BD_OK);
	assert_int_equal(bd_cases_flush(world->logs[loop], &world->box.diag), BD_OK);
	world->last_day[loop] = bd_day_at(known->at_ms);
	world->count++;
}

static void erase_one(struct world *world)
{
	char room[16];
	unsigned subject = draw(SUBJECTS);
	struct bd_identifier name = subject_of(room, subject);

	assert_int_equal(
		erase_subject(world->box.store, &name, world->now_ms++, NULL, &world->box.diag),
		BD_OK);
	for (size_t i = 0; i < world->count; i++) {
		world->cases[i].is_erased |= (world->cases[i].subjects >> subject & 1) != 0;
	}
}

static void expire(struct world *world)
{
	int64_t limit_ms = world->now_ms - KEPT_DAYS * DAY_MS;
	bool has_more = true;

	index_some(world, true);
	while (has_more) {
		assert_int_equal(bd_cases_expire(world->box.store, world->now_ms, &has_more,
					 &world->box.diag),
			BD_OK);
	}
	for (size_t i = 0; i < world->count; i++) {
		struct known *known = &world->cases[i];
		int32_t day = bd_day_at(known->at_ms);

		known->is_gone |= bd_day_begin_ms(day + 1) <= limit_ms &&
				  day != world->last_day[known->receipt.loop];
	}
}

/* -- the same answers -- */

static int compare_known(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

static void check_list(struct world *world, const struct bd_identifier *subject, const char *number,
	const struct known *expected, size_t count)
{
	struct bd_case_query query = {
		.number = bd_bytes_of(number), .subject = subject, .max = 1 + draw(9)
	};
	struct bd_case_page page = { .has_more = true };
	size_t at = 0;

	bd_arena_clear(&world->box.arena);
	while (page.has_more) {
		assert_int_equal(bd_store_begin(world->box.reader, &world->box.diag), BD_OK);
		assert_int_equal(bd_case_list(&page, world->box.reader, &query, &world->box.arena,
					 &world->box.diag),
			BD_OK);
		bd_store_end(world->box.reader);
		assert_true(!page.has_more || page.count == query.max);
		for (size_t i = 0; i < page.count; i++, at++) {
			assert_true(at < count);
			assert_true(
				bd_trail_id_equal(&page.items[i].receipt, &expected[at].receipt));
			assert_int_equal(page.items[i].at_ms, expected[at].at_ms);
			query.after = page.items[i];
		}
	}
	assert_int_equal(at, count);
}

static void check_lists(struct world *world)
{
	static struct known expected[CASES_MAX];

	for (unsigned what = 0; what < SUBJECTS + NUMBERS; what++) {
		char room[16], number[16] = "";
		struct bd_identifier name = subject_of(room, what);
		bool is_subject = what < SUBJECTS;
		size_t count = 0;

		for (size_t i = 0; i < world->count; i++) {
			const struct known *known = &world->cases[i];

			if (!known->is_gone &&
				(is_subject ? !known->is_erased && (known->subjects >> what & 1)
					    : known->number == what - SUBJECTS)) {
				expected[count++] = *known;
			}
		}
		qsort(expected, count, sizeof(*expected), compare_known);
		if (!is_subject) {
			snprintf(number, sizeof(number), "N%u", what - SUBJECTS);
		}
		check_list(world, is_subject ? &name : NULL, number, expected, count);
	}
}

/* The newest first, as watches ask, and whoever is next, as sweeps do: the writer's eyes. */
static void check_writer(struct world *world)
{
	struct bd_store *store = world->box.store;
	uint8_t key[BD_NODE_KEY_BYTES] = { 0 };
	struct bd_txn txn;
	uint32_t seen = 0, expected = 0;
	bool found = true;

	for (size_t i = 0; i < world->count; i++) {
		const struct known *known = &world->cases[i];

		expected |= known->is_gone || known->is_erased ? 0 : known->subjects;
	}
	bd_txn_open(&txn, store, &world->box.diag);
	assert_int_equal(bd_txn_begin(&txn), BD_OK);
	for (unsigned i = 0; i < SUBJECTS; i++) {
		struct bd_case_item items[3];
		struct bd_case_gather gather = {
			.items = items, .max = 3, .is_newest_first = true
		};
		char room[16];
		struct bd_identifier name = subject_of(room, i);
		size_t at = 0;

		assert_int_equal(bd_seal_blind(store->seal, &name, key), BD_OK);
		bd_case_item_bound(&gather.front, BD_CASE_BY_SUBJECT, key, 0);
		assert_int_equal(bd_case_find(&gather, &txn), BD_OK);
		for (size_t c = world->count; c > 0 && at < 3; c--) {
			const struct known *known = &world->cases[c - 1];

			if (!known->is_gone && !known->is_erased && (known->subjects >> i & 1)) {
				assert_true(at < gather.count);
				assert_int_equal(bd_case_item_time(&items[at]), known->at_ms);
				at++;
			}
		}
		assert_int_equal(gather.count, at);
	}
	memset(key, 0, sizeof(key));
	while (found) {
		assert_int_equal(bd_case_next_subject(key, &found, &txn), BD_OK);
		for (unsigned i = 0; found && i < SUBJECTS; i++) {
			char room[16];
			struct bd_identifier name = subject_of(room, i);
			uint8_t one[BD_NODE_KEY_BYTES];

			assert_int_equal(bd_seal_blind(store->seal, &name, one), BD_OK);
			seen |= memcmp(one, key, sizeof(one)) == 0 ? 1u << i : 0;
		}
	}
	/* One whose cases are all gone may be among them still. */
	assert_int_equal(seen & expected, expected);
	bd_txn_drop(&txn);
	bd_txn_close(&txn);
}

static void check_receipts(struct world *world)
{
	for (uint16_t loop = 0; loop < LOOPS; loop++) {
		for (uint32_t offset = 1; offset <= world->offset[loop] + 1; offset++) {
			const struct bd_trail_id receipt = { 9, loop, 1, offset };
			enum bd_code expected = BD_CASE_UNKNOWN, code;
			struct bd_case_record got;

			for (size_t i = 0; i < world->count; i++) {
				const struct known *known = &world->cases[i];

				if (!known->is_gone &&
					bd_trail_id_equal(&known->receipt, &receipt)) {
					expected = known->is_erased ? BD_CASE_ERASED : BD_OK;
				}
			}
			bd_arena_clear(&world->box.arena);
			bd_diag_clear(&world->box.diag);
			assert_int_equal(
				bd_store_begin(world->box.reader, &world->box.diag), BD_OK);
			code = bd_case_read(&got, world->box.reader, &receipt, &world->box.arena,
				&world->box.diag);
			bd_store_end(world->box.reader);
			assert_int_equal(code, expected);
		}
	}
	bd_diag_clear(&world->box.diag);
}

static void check(struct world *world)
{
	index_some(world, true);
	revive(world);
	index_some(world, true);
	check_lists(world);
	check_writer(world);
	check_receipts(world);
}

static void act(struct world *world)
{
	uint32_t what = draw(100);

	if (what < 60) {
		write_case(world, (uint16_t)draw(LOOPS), world->count > 0 && draw(15) == 0);
	} else if (what < 80) {
		index_some(world, draw(3) == 0);
	} else if (what < 84) {
		erase_one(world);
	} else if (what < 88) {
		world->now_ms += draw(3) * DAY_MS / 2;
	} else if (what < 90) {
		expire(world);
	} else if (what < 93) {
		stop_world(world);
		open_world(world);
	} else if (what < 97) {
		world->kill.left = 1 + draw(6);
		index_some(world, true);
		revive(world);
	} else {
		check(world);
	}
}

static void the_index_answers_as_a_list_does(void **state)
{
	unsigned spills = 0, merges = 0, kills = 0;

	(void)state;
	for (uint64_t run = 1; run <= 3; run++) {
		struct world *world = calloc(1, sizeof(*world));

		seed = run;
		box_open(&world->box, NULL, 0);
		box_stop(&world->box);
		world->kill = (struct kill){ .hook = { on_reach, 0 }, .folder = world->box.folder };
		world->now_ms = STORE_NOW_MS;
		open_world(world);
		for (int i = 0; i < 800; i++) {
			act(world);
		}
		check(world);
		spills += world->spills;
		merges += world->merges;
		kills += world->kills;
		stop_world(world);
		box_close(&world->box);
		free(world);
	}
	print_message("# %u spills, %u merges, %u kills\n", spills, merges, kills);
	assert_true(spills > 100 && merges > 10 && kills > 15);
}

/* Runs of which nothing is left are dropped, and their rows go. */
static void what_is_past_its_time_leaves_the_index(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	MDB_stat stat;
	struct bd_txn txn;

	(void)state;
	seed = 7;
	box_open(&world->box, NULL, 0);
	box_stop(&world->box);
	world->kill = (struct kill){ .hook = { on_reach, 0 }, .folder = world->box.folder };
	world->now_ms = STORE_NOW_MS;
	open_world(world);
	for (int i = 0; i < 200; i++) {
		write_case(world, (uint16_t)draw(LOOPS), false);
	}
	index_some(world, true);
	assert_true(world->box.store->cases->runs->count > 0);
	world->now_ms += 2 * KEPT_DAYS * DAY_MS;
	write_case(world, 0, false);
	write_case(world, 1, false);
	expire(world);
	check(world);
	assert_int_equal(world->box.store->cases->runs->count, 0);
	bd_txn_open(&txn, world->box.store, &world->box.diag);
	assert_int_equal(bd_txn_begin(&txn), BD_OK);
	assert_int_equal(mdb_stat(txn.mdb, world->box.store->case_runs, &stat), 0);
	assert_int_equal(stat.ms_entries, 0);
	bd_txn_drop(&txn);
	bd_txn_close(&txn);
	stop_world(world);
	box_close(&world->box);
	free(world);
}

/* -- readers beside the writer -- */

struct beside {
	struct world *world;
	uint32_t indexed;      /* atomic: receipts up to this one can be read */
	bool is_over;          /* atomic */
	unsigned reads, wrong; /* atomic */
};

/* As many as there are receipts that it reads in turn. */
enum { READ_IN_TURN = 40 };

static void wait_for_reads(struct beside *beside)
{
	unsigned before = __atomic_load_n(&beside->reads, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&beside->reads, __ATOMIC_ACQUIRE) - before <= READ_IN_TURN &&
		__atomic_load_n(&beside->wrong, __ATOMIC_ACQUIRE) == 0) {
		sched_yield();
	}
}

/* Of the newest that are indexed, which are in the tail or just leave it, and now and then of all.
 */
static uint32_t next_receipt(uint32_t indexed, uint32_t at)
{
	return at % 8 == 0 ? 1 + at % indexed : indexed - at % READ_IN_TURN % indexed;
}

static bool reads_right(
	struct bd_store_reader *reader, const struct bd_trail_id *receipt, struct bd_arena *arena)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_case_record record;
	bool is_right;

	bd_arena_clear(arena);
	is_right = bd_store_begin(reader, &diag) == BD_OK &&
		   bd_case_read(&record, reader, receipt, arena, &diag) == BD_OK &&
		   record.receipt.offset == receipt->offset;
	bd_store_end(reader);
	return is_right;
}

static void *read_beside(void *state)
{
	struct beside *beside = state;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_store_reader *reader = NULL;
	struct bd_arena arena;
	uint32_t at = 0;
	bool is_right;

	bd_arena_init(&arena, 1 << 22);
	is_right = bd_store_reader_new(&reader, beside->world->box.store, &diag) == BD_OK;
	while (!__atomic_load_n(&beside->is_over, __ATOMIC_ACQUIRE) && is_right) {
		uint32_t indexed = __atomic_load_n(&beside->indexed, __ATOMIC_ACQUIRE);
		const struct bd_trail_id receipt = { 9, 0, 1, next_receipt(indexed, at++) };

		is_right = reads_right(reader, &receipt, &arena);
		__atomic_add_fetch(&beside->reads, 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&beside->wrong, !is_right, __ATOMIC_RELEASE);
	bd_store_reader_free(reader);
	bd_arena_release(&arena);
	return NULL;
}

/* What is in the index is found, at whatever moment it goes from the tail into a run and from there
 * into another. */
static void readers_miss_nothing(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct beside beside = { .world = world };
	pthread_t thread;

	(void)state;
	seed = 11;
	box_open(&world->box, NULL, 0);
	box_stop(&world->box);
	world->kill = (struct kill){ .hook = { on_reach, 0 }, .folder = world->box.folder };
	world->now_ms = STORE_NOW_MS;
	open_world(world);
	write_case(world, 0, false);
	index_some(world, true);
	beside.indexed = world->offset[0];
	assert_int_equal(pthread_create(&thread, NULL, read_beside, &beside), 0);
	world->beside = &beside;
	for (int i = 0; i < 400; i++) {
		write_case(world, 0, false);
		if (i % 3 == 0) {
			index_some(world, true);
			__atomic_store_n(&beside.indexed, world->offset[0], __ATOMIC_RELEASE);
		}
	}
	world->beside = NULL;
	__atomic_store_n(&beside.is_over, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_int_equal(beside.wrong, 0);
	assert_true(beside.reads > 0);
	print_message(
		"# %u reads, %u spills, %u merges\n", beside.reads, world->spills, world->merges);
	stop_world(world);
	box_close(&world->box);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_sorted),
		cmocka_unit_test(a_receipt_is_read_back),
		cmocka_unit_test(a_filter_forgets_nobody),
		cmocka_unit_test(what_was_put_lately_is_known),
		cmocka_unit_test(the_index_answers_as_a_list_does),
		cmocka_unit_test(what_is_past_its_time_leaves_the_index),
		cmocka_unit_test(readers_miss_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
