/* test_store.c - merging commutes: the samples' messages in many orders of arrival give the same
 * store. */
#include "base/clock.h"
#include "config/adapter.h"
#include "config/dictionary.h"
#include "intake/intake.h"
#include "store_support.h"

#define PATH_BYTES 4096
#define NOW_MS INT64_C(1795449600000)
#define MESSAGES_MAX 32
#define ORDERS 60

struct message {
	struct bd_intake_sink sink;
	struct bd_buf records;
	const struct bd_plan *plan;
	const struct bd_feed_plan *feed;
	struct bd_intake *intake; /* holds the result */
	const struct bd_intake_result *result;
};

struct fixture {
	struct bd_arena arena;
	const struct bd_dictionary *dict;
	struct message messages[MESSAGES_MAX];
	size_t count;
};

static const char *top(void)
{
	const char *srcdir = getenv("srcdir");

	return srcdir != NULL ? srcdir : ".";
}

static enum bd_code on_record(
	struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag)
{
	struct message *message = (struct message *)sink;
	struct bd_buf packed;
	enum bd_code code;

	(void)diag;
	bd_buf_init(&packed, 1 << 20);
	code = bd_record_pack(&packed, record);
	code = code == BD_OK ? bd_buf_add_sized(&message->records, bd_buf_bytes(&packed)) : code;
	bd_buf_release(&packed);
	return code;
}

static enum bd_code on_reject(
	struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag)
{
	(void)sink;
	(void)reject;
	(void)diag;
	return BD_INTERNAL; /* no sample has one */
}

static const struct bd_intake_sink_ops sink_ops = { on_record, on_reject };

/* false when the message is one that is refused. */
static bool read_message(struct fixture *fixture, struct message *message, const char *file)
{
	struct bd_intake_settings settings = { .dict = fixture->dict,
		.plan = message->plan,
		.feed = message->feed,
		.now_ms = NOW_MS,
		.max_bytes = 1 << 24 };
	struct bd_diag diag = { .code = BD_OK };
	char path[PATH_BYTES], bytes[65536];
	enum bd_code code;
	size_t len;
	FILE *in;

	message->sink.ops = &sink_ops;
	bd_buf_init(&message->records, 1 << 22);
	snprintf(path, sizeof(path), "%s/adapters/%s", top(), file);
	in = fopen(path, "rb");
	assert_non_null(in);
	len = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	assert_int_equal(bd_intake_new(&message->intake, &settings, &message->sink, &diag), BD_OK);
	code = bd_intake_feed(message->intake, (struct bd_bytes){ bytes, len }, &diag);
	code = code == BD_OK ? bd_intake_end(message->intake, &message->result, &diag) : code;
	if (code != BD_OK) {
		bd_intake_free(message->intake);
		bd_buf_release(&message->records);
	}
	return code == BD_OK;
}

static int set_up(void **state)
{
	static struct fixture fixture;
	char path[PATH_BYTES], schemas[PATH_BYTES], line[1024], file[512], feed[128];
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	struct bd_diag diag = { .code = BD_OK };
	FILE *rows;

	bd_arena_init(&fixture.arena, 1 << 27);
	snprintf(path, sizeof(path), "%s/schemas/common.xml", top());
	snprintf(schemas, sizeof(schemas), "%s/schemas", top());
	assert_int_equal(bd_config_dictionary(&fixture.dict, path, &fixture.arena, &diag), BD_OK);
	snprintf(path, sizeof(path), "%s/tests/e2e/samples.tsv", top());
	rows = fopen(path, "r");
	assert_non_null(rows);
	while (fgets(line, sizeof(line), rows) != NULL && fixture.count < MESSAGES_MAX) {
		struct message *message = &fixture.messages[fixture.count];
		char *slash;

		if (line[0] == '#' || sscanf(line, "%511s %127s", file, feed) != 2) {
			continue;
		}
		slash = strchr(feed, '/');
		*slash = '\0';
		snprintf(path, sizeof(path), "%s/adapters/%s", top(), feed);
		assert_int_equal(bd_config_adapter(&message->plan, path, schemas, fixture.dict,
					 &fixture.arena, diags),
			BD_OK);
		message->feed = bd_plan_feed(message->plan, slash + 1);
		assert_non_null(message->feed);
		fixture.count += read_message(&fixture, message, file);
	}
	fclose(rows);
	free(diags);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < fixture->count; i++) {
		bd_intake_free(fixture->messages[i].intake);
		bd_buf_release(&fixture->messages[i].records);
	}
	bd_arena_release(&fixture->arena);
	return 0;
}

/* Commits in this order, each message by itself, and gives the canonical text. */
static void store_in_order(struct bd_buf *dump, const struct fixture *fixture, const size_t *order)
{
	char folder[] = "/tmp/bidui-store-XXXXXX";
	static const struct bd_keys keys = { .items = { { 1, { 1, 2, 3 } } }, .count = 1 };
	struct bd_store_settings settings = {
		.map_size_bytes = 1 << 28, .keys = &keys, .journal_days = 7
	};
	struct bd_store_reader *reader = NULL;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_store *store = NULL;
	struct bd_arena arena;

	settings.folder = mkdtemp(folder);
	assert_non_null(settings.folder);
	assert_int_equal(bd_store_open(&store, &settings, NULL, 0, &diag), BD_OK);
	for (size_t i = 0; i < fixture->count; i++) {
		const struct message *message = &fixture->messages[order[i]];
		struct bd_entry entry = { .source = message->plan->source,
			.feed = message->feed->name,
			.is_reply = message->feed->kind == BD_FEED_REPLY,
			.received_ms = NOW_MS + (int64_t)i,
			.sender = "test",
			.received = message->result->received,
			.accepted = message->result->accepted,
			.record_count = message->result->records,
			.records = bd_buf_bytes(&message->records),
			.subject = message->result->subject,
			.subject_count = message->result->subject_count,
			.order_kind = message->feed->order_kind,
			.order = message->result->order,
			.delivery = { .day = INT32_MIN } };
		struct bd_entry *entries[] = { &entry };

		assert_int_equal(bd_store_commit(store, entries, 1, &diag), BD_OK);
		assert_int_equal(entry.code, BD_OK);
	}
	bd_arena_init(&arena, 1 << 26);
	assert_int_equal(bd_store_reader_new(&reader, store, &diag), BD_OK);
	assert_int_equal(bd_store_begin(reader, &diag), BD_OK);
	assert_int_equal(bd_store_dump(dump, reader, &arena, &diag), BD_OK);
	bd_store_end(reader);
	bd_store_reader_free(reader);
	bd_arena_release(&arena);
	bd_store_close(store);
	remove_store(folder);
}

static void every_order_gives_the_same_store(void **state)
{
	const struct fixture *fixture = *state;
	size_t order[MESSAGES_MAX];
	struct bd_buf first, dump;
	unsigned seed = 20261124;

	assert_true(fixture->count >= 12);
	bd_buf_init(&first, 1 << 24);
	bd_buf_init(&dump, 1 << 24);
	for (size_t i = 0; i < fixture->count; i++) {
		order[i] = i;
	}
	store_in_order(&first, fixture, order);
	assert_true(first.len > 1000);
	for (int round = 0; round < ORDERS; round++) {
		for (size_t i = fixture->count - 1; i > 0; i--) {
			size_t j = (size_t)rand_r(&seed) % (i + 1), kept = order[i];

			order[i] = order[j];
			order[j] = kept;
		}
		bd_buf_clear(&dump);
		store_in_order(&dump, fixture, order);
		if (!bd_bytes_equal(bd_buf_bytes(&first), bd_buf_bytes(&dump))) {
			print_message("order %d:\n%.*s\n-- first --\n%.*s", round, (int)dump.len,
				dump.ptr, (int)first.len, first.ptr);
			fail();
		}
	}
	bd_buf_release(&first);
	bd_buf_release(&dump);
}

/* -- what intake says of a refused row -- */

struct refusals {
	struct bd_intake_sink sink;
	struct bd_buf packed; /* the last one */
	size_t count;
};

static enum bd_code take_record(
	struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag)
{
	(void)sink;
	(void)record;
	(void)diag;
	return BD_OK;
}

static enum bd_code take_reject(
	struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag)
{
	struct refusals *refusals = (struct refusals *)sink;

	(void)diag;
	refusals->count++;
	bd_buf_clear(&refusals->packed);
	return bd_reject_pack(&refusals->packed, reject);
}

static const struct bd_intake_sink_ops refusal_ops = { take_record, take_reject };

/* One row of a table of shareholders, with this number and this date. */
static void refuse_row(struct bd_reject *reject, struct fixture *fixture, const char *number,
	const char *date, struct bd_arena *arena)
{
	struct refusals refusals = { .sink = { &refusal_ops } };
	struct bd_intake_settings settings = {
		.dict = fixture->dict, .now_ms = NOW_MS, .max_bytes = 1 << 20
	};
	const struct bd_intake_result *result;
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	struct bd_diag diag = { .code = BD_OK };
	struct bd_intake *intake;
	char path[PATH_BYTES], schemas[PATH_BYTES], row[512];

	snprintf(path, sizeof(path), "%s/adapters/market", top());
	snprintf(schemas, sizeof(schemas), "%s/schemas", top());
	assert_int_equal(
		bd_config_adapter(&settings.plan, path, schemas, fixture->dict, arena, diags),
		BD_OK);
	settings.feed = bd_plan_feed(settings.plan, "e_inv_person");
	snprintf(row, sizeof(row),
		"440000\001P440311000000000001\0014403110000000000000230\001林示例\00110\001%s\001"
		"400.000000\00140.00\001%s\0012026-05-31 23:10:05\n",
		number, date);
	bd_buf_init(&refusals.packed, 1 << 16);
	assert_int_equal(bd_intake_new(&intake, &settings, &refusals.sink, &diag), BD_OK);
	assert_int_equal(bd_intake_feed(intake, bd_bytes_of(row), &diag), BD_OK);
	assert_int_equal(bd_intake_end(intake, &result, &diag), BD_OK);
	assert_int_equal(refusals.count, 1);
	assert_int_equal(bd_reject_unpack(reject,
				 bd_arena_copy(arena, bd_buf_bytes(&refusals.packed)), arena),
		BD_OK);
	bd_intake_free(intake);
	bd_buf_release(&refusals.packed);
	free(diags);
}

/* A table of shareholders tells of a person and of a relation between a company and that person:
 * what can be read of a refused row says which rows of whom are out of date. */
static void a_refused_row_says_whom_it_was_about(void **state)
{
	struct fixture *fixture = *state;
	struct bd_reject reject;
	struct bd_arena arena;

	bd_arena_init(&arena, 1 << 26);
	refuse_row(&reject, fixture, "440311199106159019", "2019-13-12", &arena);
	assert_int_equal(reject.row_count, 2);
	assert_false(bd_reject_is_of_anybody(&reject));
	for (size_t i = 0; i < 2; i++) {
		assert_true(reject.rows[i].has_key);
		assert_int_equal(reject.rows[i].subject_count > 0, 1);
	}
	assert_true(bd_bytes_is(reject.rows[0].subject[0].number, "440311199106159019"));
	assert_int_equal(reject.rows[0].other_count, 0);
	assert_true(bd_bytes_is(reject.rows[1].subject[0].number, "4403110000000000000230"));
	assert_true(bd_bytes_is(reject.rows[1].other[0].number, "440311199106159019"));
	/* Whose number it is cannot be read: it might be anybody's. */
	refuse_row(&reject, fixture, "44031119910615901", "2019-03-12", &arena);
	assert_true(bd_reject_is_of_anybody(&reject));
	assert_int_equal(reject.rows[0].subject_count, 0);
	assert_true(reject.rows[1].is_other_unknown);
	bd_arena_release(&arena);
}

static void another_key_does_not_open(void **state)
{
	char folder[] = "/tmp/bidui-store-XXXXXX";
	struct bd_keys keys = { .items = { { 1, { 1 } } }, .count = 1 };
	struct bd_store_settings settings = { .map_size_bytes = 1 << 28, .keys = &keys };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_store *store = NULL;

	(void)state;
	settings.folder = mkdtemp(folder);
	assert_int_equal(bd_store_open(&store, &settings, NULL, 0, &diag), BD_OK);
	bd_store_close(store);
	keys.items[0].bytes[0] = 2;
	assert_int_equal(bd_store_open(&store, &settings, NULL, 0, &diag), BD_STORE_KEY);
	remove_store(folder);
}

/* A store may be opened by any program: its keys are in the order that LMDB has by itself. Every
 * pair of keys of up to 40 bytes that differ at one place, or in length alone. */
static void keys_are_in_the_order_of_lmdb(void **state)
{
	uint8_t a[40], b[40];

	(void)state;
	for (size_t x = 0; x <= sizeof(a); x++) {
		for (size_t y = 0; y <= sizeof(b); y++) {
			size_t len = x < y ? x : y;

			for (size_t at = 0; at <= len; at++) {
				MDB_val left = { x, a }, right = { y, b };
				int order;

				memset(a, 0x7f, sizeof(a));
				memset(b, 0x7f, sizeof(b));
				if (at < len) {
					/* What stands behind it says the contrary. */
					a[at] = 0x80;
					memset(b + at + 1, 0xff, sizeof(b) - at - 1);
				}
				order = memcmp(a, b, len);
				order = order != 0 ? order : (x > y) - (x < y);
				assert_int_equal(bd_order_keys(&left, &right) > 0, order > 0);
				assert_int_equal(bd_order_keys(&left, &right) < 0, order < 0);
				assert_int_equal(bd_order_keys(&right, &left) > 0, order < 0);
				assert_int_equal(bd_order_keys(&right, &left) < 0, order > 0);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_order_gives_the_same_store),
		cmocka_unit_test(a_refused_row_says_whom_it_was_about),
		cmocka_unit_test(another_key_does_not_open),
		cmocka_unit_test(keys_are_in_the_order_of_lmdb) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
