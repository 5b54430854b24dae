/* test_store_rebuild.c - a store under a new blinding key: what is held, what it was, cases, what
 * is owed and told are as before; killed at any point, the old one or the new one is whole.
 */
#include "sealed_support.h"
#include "store/rebuild.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void rebuild(struct box *box, enum bd_blinding blinding, enum bd_code expected)
{
	struct bd_store_settings settings = box->settings;

	settings.blinding = blinding;
	bd_diag_clear(&box->diag);
	assert_int_equal(bd_store_rebuild(&settings, NULL, &box->diag), expected);
}

static size_t owed_count(struct box *box)
{
	struct bd_owed_query query = { .due_from = INT32_MIN,
		.due_until = INT32_MAX,
		.states = 1 << BD_OWED_OPEN,
		.late_states = 1 << BD_OWED_OPEN,
		.parties = ~0u,
		.max = 100 };
	struct bd_owed_page page = { .count = 0 };

	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_owed_list(&page, box->reader, &query, &box->arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	return page.count;
}

static size_t watch_count(struct box *box)
{
	const struct bd_watch_query query = { .client = "engine", .max = 1000 };
	struct bd_watch_page page = { .count = 0 };

	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(
		bd_store_watches(&page, box->reader, &query, &box->arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	return page.count;
}

static size_t listed(struct box *box, const struct bd_identifier *subject, const char *number)
{
	const struct bd_case_query query = {
		.number = bd_bytes_of(number != NULL ? number : ""), .subject = subject, .max = 100
	};
	struct bd_case_page page = { .count = 0 };

	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin(box->reader, &box->diag), BD_OK);
	assert_int_equal(bd_case_list(&page, box->reader, &query, &box->arena, &box->diag), BD_OK);
	bd_store_end(box->reader);
	return page.count;
}

/* As it was before anybody got another name. */
static size_t count_as_of(struct box *box, uint64_t commit)
{
	size_t count = 0;

	bd_arena_clear(&box->arena);
	assert_int_equal(bd_store_begin_at(box->reader, commit, &box->diag), BD_OK);
	for (unsigned i = 0; i < PEOPLE; i++) {
		const struct bd_identifier id = person(i);
		struct bd_held *held = NULL;

		assert_int_equal(bd_store_lookup(&held, box->reader, &id, 1, &bd_wanted_all,
					 &box->arena, &box->diag),
			BD_OK);
		count += held->status == BD_HELD_FOUND && held->statement_count > 0;
	}
	bd_store_end(box->reader);
	return count;
}

struct figures {
	size_t owed, watches, by_subject, by_number, then;
};

static struct figures figures_of(struct box *box)
{
	const struct bd_identifier id = person(2);

	return (struct figures){ owed_count(box), watch_count(box), listed(box, &id, NULL),
		listed(box, NULL, "C2"), count_as_of(box, PEOPLE / 2) };
}

static void push_twice(struct box *box, bool is_repeat)
{
	const struct bd_identifier id = person(1);
	struct said said;
	struct fact fact;

	said_open(&said, "social", "changes");
	said_add(&said, fact_of(&fact, &id, 1, "people", 1, 2, "a third name"));
	said.entry.idempotency_key = bd_bytes_of("once");
	assert_int_equal(box_push(box, &said), BD_OK);
	assert_int_equal(said.entry.is_repeat, is_repeat);
	said_close(&said);
}

/* The environment of before, as bytes. */
static struct bd_buf bytes_of(struct box *box)
{
	struct bd_buf bytes;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/data.mdb", box->folder);
	bd_buf_init(&bytes, 1 << 28);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(bd_buf_reserve(&bytes, 1 << 27), BD_OK);
	bytes.len = fread(bytes.ptr, 1, bytes.cap, file);
	fclose(file);
	return bytes;
}

static void nothing_is_lost(struct box *box, struct figures before, const struct bd_buf *dump)
{
	struct figures now = figures_of(box);

	assert_memory_equal(&now, &before, sizeof(now));
	same_as(box, dump);
}

static void everything_is_found_under_new_names(void **state)
{
	const struct bd_identifier id = person(5), gone = person(7);
	uint8_t old_name[BD_NODE_KEY_BYTES], new_name[BD_NODE_KEY_BYTES];
	struct bd_buf dump, bytes, again;
	struct figures before, now;
	struct box box;

	(void)state;
	box_begin(&box);
	push_twice(&box, false);
	assert_int_equal(erase_subject(box.store, &gone, box.now_ms, NULL, &box.diag), BD_OK);
	dump = box_dump(&box);
	before = figures_of(&box);
	assert_true(before.owed == CASES && before.watches > CASES / 2);
	assert_true(
		before.by_subject == 1 && before.by_number == 1 && before.then == PEOPLE / 2 - 1);
	assert_int_equal(bd_seal_blind(box.store->seal, &id, old_name), BD_OK);
	box_stop(&box);
	for (int round = 0; round < 3; round++) {
		enum bd_blinding blinding = round == 1 ? BD_BLINDING_SM3 : BD_BLINDING_SHA256;

		rebuild(&box, blinding, BD_OK);
		bytes = bytes_of(&box);
		assert_null(memmem(bytes.ptr, bytes.len, old_name, sizeof(old_name)));
		box.settings.blinding = blinding;
		box_start(&box);
		follow(&box);
		assert_int_equal(bd_seal_blind(box.store->seal, &id, new_name), BD_OK);
		assert_memory_not_equal(old_name, new_name, sizeof(new_name));
		assert_non_null(memmem(bytes.ptr, bytes.len, new_name, sizeof(new_name)));
		memcpy(old_name, new_name, sizeof(old_name));
		bd_buf_release(&bytes);
		/* 7 is erased: its case is not read again. */
		assert_int_equal(read_case(&box, 7), BD_CASE_ERASED);
		now = figures_of(&box);
		assert_memory_equal(&now, &before, sizeof(now));
		again = box_dump(&box);
		assert_int_equal(again.len, dump.len);
		assert_memory_equal(again.ptr, dump.ptr, again.len);
		bd_buf_release(&again);
		push_twice(&box, true);
		box_stop(&box);
	}
	bd_buf_release(&dump);
	box_start(&box);
	box_close(&box);
}

/* The same statement once more changes nothing: its digest is the same. */
static void what_is_said_again_is_unchanged(void **state)
{
	struct box box;
	const struct bd_identifier id = person(4);
	struct said said;
	struct fact fact;

	(void)state;
	box_begin(&box);
	box_stop(&box);
	rebuild(&box, BD_BLINDING_SHA256, BD_OK);
	box_start(&box);
	follow(&box);
	said_open(&said, "social", "changes");
	said_add(&said, fact_of(&fact, &id, 1, "people", 1, 3, "another name"));
	assert_int_equal(box_push(&box, &said), BD_OK);
	assert_int_equal(box_find(&box, &id, 1)->statements[0].version, PEOPLE + 1 + 4 + 1);
	said_close(&said);
	box_close(&box);
}

static void one_process_has_a_store(void **state)
{
	struct bd_store *store = NULL;
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	assert_int_equal(
		bd_store_open(&store, &box.settings, covers, 1, &box.diag), BD_STORE_IN_USE);
	rebuild(&box, BD_BLINDING_SHA256, BD_STORE_IN_USE);
	bd_diag_clear(&box.diag);
	box_close(&box);
}

/* -- killed -- */

struct stop {
	struct bd_store_hook hook;
	const char *point;
};

static void on_reach(const struct bd_store_hook *hook, const char *point)
{
	if (strcmp(point, ((const struct stop *)hook)->point) == 0) {
		kill(getpid(), SIGKILL);
	}
}

static void killed_anywhere_one_of_them_is_whole(void **state)
{
	static const char *const points[] = { "rebuild.written", "rebuild.synced",
		"rebuild.swapped" };

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct stop stop = { { on_reach, 0 }, points[i] };
		struct figures before;
		struct stat status;
		struct bd_buf dump;
		char path[128];
		struct box box;
		pid_t child;
		int ended;

		box_begin(&box);
		dump = box_dump(&box);
		before = figures_of(&box);
		box_stop(&box);
		child = fork();
		if (child == 0) {
			box.settings.hook = &stop.hook;
			bd_store_rebuild(&box.settings, NULL, &box.diag);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &ended, 0), child);
		assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL);
		box_start(&box);
		follow(&box);
		nothing_is_lost(&box, before, &dump);
		/* What it left is gone, and another goes through. */
		snprintf(path, sizeof(path), "%s/rebuild", box.folder);
		assert_int_not_equal(stat(path, &status), 0);
		box_stop(&box);
		rebuild(&box, BD_BLINDING_SHA256, BD_OK);
		box_start(&box);
		follow(&box);
		nothing_is_lost(&box, before, &dump);
		bd_buf_release(&dump);
		box_close(&box);
	}
}

/* Each makes every name more expensive: there is an end. */
static void so_often_and_no_more(void **state)
{
	struct box box;

	(void)state;
	box_open(&box, covers, 1);
	box_stop(&box);
	for (int i = 1; i < BD_BLINDINGS_MAX; i++) {
		rebuild(&box, BD_BLINDING_SHA256, BD_OK);
	}
	rebuild(&box, BD_BLINDING_SHA256, BD_LIMIT_COUNT);
	bd_diag_clear(&box.diag);
	box_start(&box);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_found_under_new_names),
		cmocka_unit_test(what_is_said_again_is_unchanged),
		cmocka_unit_test(one_process_has_a_store),
		cmocka_unit_test(killed_anywhere_one_of_them_is_whole),
		cmocka_unit_test(so_often_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
