/* test_store_rejects.c - kept rejects page by page: each once, in order, of the one source. */
#include "base/limits.h"
#include "store_support.h"

#define NOW_MS INT64_C(1795449600000)
#define GROUP_MAX 256

struct fixture {
	char folder[64];
	struct bd_store *store;
	struct bd_store_reader *reader;
	struct bd_arena arena;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	static const struct bd_keys keys = { .items = { { 1, { 1, 2, 3 } } }, .count = 1 };
	struct bd_store_settings settings = {
		.map_size_bytes = 1 << 28, .keys = &keys, .journal_days = 7
	};
	struct bd_diag diag = { .code = BD_OK };

	assert_non_null(fixture);
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/bidui-store-XXXXXX");
	settings.folder = mkdtemp(fixture->folder);
	assert_non_null(settings.folder);
	assert_int_equal(bd_store_open(&fixture->store, &settings, NULL, 0, &diag), BD_OK);
	assert_int_equal(bd_store_reader_new(&fixture->reader, fixture->store, &diag), BD_OK);
	bd_arena_init(&fixture->arena, 1 << 24);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	bd_store_reader_free(fixture->reader);
	bd_store_close(fixture->store);
	bd_arena_release(&fixture->arena);
	remove_store(fixture->folder);
	free(fixture);
	return 0;
}

/* A message of the source with so many rejects, numbered from 0. */
static void commit(struct fixture *fixture, const char *source, uint64_t count)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_entry entry = { .source = source,
		.feed = "feed",
		.received_ms = NOW_MS,
		.sender = "test",
		.received = count,
		.rejected = count,
		.delivery = { .day = INT32_MIN } };
	struct bd_entry *entries[] = { &entry };
	struct bd_buf rejects, packed;

	bd_buf_init(&rejects, 1 << 20);
	bd_buf_init(&packed, 1 << 16);
	for (uint64_t i = 0; i < count; i++) {
		const struct bd_reject reject = { .index = i,
			.section = "section",
			.diag = { .code = BD_DATE_FORM },
			.raw = { "raw", 3 } };

		bd_buf_clear(&packed);
		assert_int_equal(bd_reject_pack(&packed, &reject), BD_OK);
		assert_int_equal(bd_buf_add_sized(&rejects, bd_buf_bytes(&packed)), BD_OK);
	}
	entry.rejects = bd_buf_bytes(&rejects);
	assert_int_equal(bd_store_commit(fixture->store, entries, 1, &diag), BD_OK);
	assert_int_equal(entry.code, BD_OK);
	bd_buf_release(&rejects);
	bd_buf_release(&packed);
}

/* "MESSAGE:INDEX " of everything that the query gives, page after page; '|' between pages. */
static void list(char *out, size_t size, struct fixture *fixture, struct bd_reject_query query)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_reject_page page = { .has_more = true };
	size_t len = 0;

	out[0] = '\0';
	while (page.has_more) {
		assert_int_equal(bd_store_begin(fixture->reader, &diag), BD_OK);
		assert_int_equal(
			bd_store_rejects(&page, fixture->reader, &query, &fixture->arena, &diag),
			BD_OK);
		bd_store_end(fixture->reader);
		assert_true(page.count <= query.max);
		for (size_t i = 0; i < page.count; i++) {
			const struct bd_kept_reject *kept = &page.items[i];

			assert_string_equal(kept->feed, "feed");
			assert_string_equal(kept->reject.section, "section");
			assert_int_equal(kept->reject.diag.code, BD_DATE_FORM);
			assert_int_equal(kept->reject.raw.len, 0);
			len += (size_t)snprintf(out + len, size - len, "%d:%d ", (int)kept->message,
				(int)kept->reject.index);
		}
		len += (size_t)snprintf(out + len, size - len, "%s", page.has_more ? "| " : "");
		query.message = page.next_message;
		query.skip = page.next_skip;
		bd_arena_clear(&fixture->arena);
	}
}

static void pages_give_each_once(void **state)
{
	struct fixture *fixture = *state;
	char text[512];

	commit(fixture, "market", 2); /* 1 */
	commit(fixture, "tax", 3);    /* 2 */
	commit(fixture, "market", 0); /* 3 */
	commit(fixture, "market", 5); /* 4 */
	commit(fixture, "tax", 1);    /* 5 */
	list(text, sizeof(text), fixture, (struct bd_reject_query){ .source = "market", .max = 3 });
	assert_string_equal(text, "1:0 1:1 4:0 | 4:1 4:2 4:3 | 4:4 ");
	list(text, sizeof(text), fixture, (struct bd_reject_query){ .source = "market", .max = 7 });
	assert_string_equal(text, "1:0 1:1 4:0 4:1 4:2 4:3 4:4 ");
	list(text, sizeof(text), fixture, (struct bd_reject_query){ .source = "tax", .max = 1 });
	assert_string_equal(text, "2:0 | 2:1 | 2:2 | 5:0 ");
	list(text, sizeof(text), fixture, (struct bd_reject_query){ .source = "none", .max = 1 });
	assert_string_equal(text, "");
}

static void one_message(void **state)
{
	struct fixture *fixture = *state;
	char text[512];

	commit(fixture, "market", 2);
	commit(fixture, "market", 3);
	commit(fixture, "market", 1);
	list(text, sizeof(text), fixture,
		(struct bd_reject_query){ .source = "market", .only_message = 2, .max = 2 });
	assert_string_equal(text, "2:0 2:1 | 2:2 ");
	list(text, sizeof(text), fixture,
		(struct bd_reject_query){
			.source = "market", .only_message = 2, .message = 2, .skip = 2, .max = 2 });
	assert_string_equal(text, "2:2 ");
	list(text, sizeof(text), fixture,
		(struct bd_reject_query){ .source = "tax", .only_message = 2, .max = 2 });
	assert_string_equal(text, "");
	list(text, sizeof(text), fixture,
		(struct bd_reject_query){ .source = "market", .only_message = 9, .max = 2 });
	assert_string_equal(text, "");
}

/* One page looks at so many messages only: what comes later is found by the next. */
static void a_page_has_an_end(void **state)
{
	static struct bd_entry entries[GROUP_MAX];
	struct bd_entry *group[GROUP_MAX];
	struct fixture *fixture = *state;
	struct bd_diag diag = { .code = BD_OK };
	char text[512];

	for (size_t done = 0; done <= BD_REJECTS_SCAN_MAX; done += GROUP_MAX) {
		for (size_t i = 0; i < GROUP_MAX; i++) {
			entries[i] = (struct bd_entry){ .source = "tax",
				.feed = "feed",
				.received_ms = NOW_MS,
				.sender = "test",
				.delivery = { .day = INT32_MIN } };
			group[i] = &entries[i];
		}
		assert_int_equal(bd_store_commit(fixture->store, group, GROUP_MAX, &diag), BD_OK);
	}
	commit(fixture, "market", 1);
	list(text, sizeof(text), fixture, (struct bd_reject_query){ .source = "market", .max = 3 });
	assert_string_equal(text, "| 4353:0 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages_give_each_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_page_has_an_end, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
