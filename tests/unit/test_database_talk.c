/* test_database_talk.c - what biduid and bidui-database say to each other: every frame there and
 * back, cut at every byte, too long, of no type; what is asked and what an end says, and their
 * truncations.
 */
#include "daemon/database_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_every_frame_there_and_back(void **state)
{
	(void)state;
	for (int type = BD_DATABASE_ASK; type <= BD_DATABASE_FAIL; type++) {
		struct bd_bytes payload = { "payload", (size_t)type % 8 }, found, rest;
		enum bd_database_frame got;
		struct bd_buf out;
		bool has = false;

		bd_buf_init(&out, 64);
		assert_int_equal(
			bd_database_frame_add(&out, (enum bd_database_frame)type, payload), BD_OK);
		assert_int_equal(out.len, BD_DATABASE_HEAD_BYTES + payload.len);
		rest = bd_buf_bytes(&out);
		assert_true(bd_database_frame_take(&got, &found, &has, &rest));
		assert_true(has);
		assert_int_equal(got, type);
		assert_true(bd_bytes_equal(found, payload));
		assert_int_equal(rest.len, 0);
		bd_buf_release(&out);
	}
}

/* Cut anywhere: whole frames come, the rest waits untouched. */
static void test_a_stream_cut_anywhere(void **state)
{
	static const size_t ends[] = { 8, 13, 19 };
	struct bd_buf out;

	(void)state;
	bd_buf_init(&out, 64);
	bd_database_frame_add(&out, BD_DATABASE_DATA, bd_bytes_of("row"));
	bd_database_frame_add(&out, BD_DATABASE_OPENED, bd_bytes_of(""));
	bd_database_frame_add(&out, BD_DATABASE_END, bd_bytes_of("e"));
	assert_int_equal(out.len, ends[2]);
	for (size_t cut = 0; cut <= out.len; cut++) {
		struct bd_bytes rest = { out.ptr, cut }, payload;
		enum bd_database_frame type;
		size_t count = 0;
		bool has = true;

		while (has) {
			assert_true(bd_database_frame_take(&type, &payload, &has, &rest));
			count += has;
		}
		assert_int_equal(
			count, (size_t)((cut >= ends[0]) + (cut >= ends[1]) + (cut >= ends[2])));
		assert_int_equal(rest.len, cut - (count > 0 ? ends[count - 1] : 0));
	}
	bd_buf_release(&out);
}

static void test_what_is_no_frame(void **state)
{
	static const char types[] = { 0, BD_DATABASE_FAIL + 1, (char)0xff };
	enum bd_database_frame type;
	struct bd_bytes payload;
	bool has;

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		char bytes[] = { types[i], 0, 0, 0, 0 };
		struct bd_bytes rest = { bytes, sizeof(bytes) };

		assert_false(bd_database_frame_take(&type, &payload, &has, &rest));
		assert_false(has);
	}
	for (uint32_t len = BD_DATABASE_FRAME_MAX_BYTES; len <= BD_DATABASE_FRAME_MAX_BYTES + 1;
		len++) {
		char bytes[] = { BD_DATABASE_DATA, (char)(len >> 24), (char)(len >> 16),
			(char)(len >> 8), (char)len };
		struct bd_bytes rest = { bytes, sizeof(bytes) };

		/* The longest may still come; a longer one is refused by its head. */
		assert_int_equal(bd_database_frame_take(&type, &payload, &has, &rest),
			len == BD_DATABASE_FRAME_MAX_BYTES);
		assert_false(has);
	}
}

static const char *const columns[] = { "REGORG", "S_EXT_DATATIME" };
static const struct bd_database_ask asked = { .connection = "Driver=x;Servername=y",
	.user = "bidui",
	.password = "p",
	.select = "SELECT 1",
	.consumed = "",
	.parameters = "watermark key",
	.watermark = "S_EXT_DATATIME",
	.key = "REGORG",
	.last_watermark = "2026-06-01 00:00:00",
	.last_key = "a",
	.columns = columns,
	.column_count = 2,
	.separator = 1,
	.batch = 2000,
	.connect_s = 11,
	.query_s = 61 };

static void test_what_is_asked_there_and_back(void **state)
{
	struct bd_database_ask found;
	struct bd_arena arena;
	struct bd_buf out;

	(void)state;
	bd_arena_init(&arena, 65536);
	bd_buf_init(&out, 4096);
	assert_int_equal(bd_database_ask_pack(&out, &asked), BD_OK);
	assert_true(bd_database_ask_unpack(&found, bd_buf_bytes(&out), &arena));
	assert_string_equal(found.connection, asked.connection);
	assert_string_equal(found.password, asked.password);
	assert_string_equal(found.consumed, "");
	assert_string_equal(found.parameters, asked.parameters);
	assert_string_equal(found.last_key, asked.last_key);
	assert_int_equal(found.column_count, 2);
	assert_string_equal(found.columns[1], columns[1]);
	assert_int_equal(found.separator, 1);
	assert_int_equal(found.batch, 2000);
	assert_int_equal(found.connect_s, 11);
	assert_int_equal(found.query_s, 61);
	for (size_t cut = 0; cut < out.len; cut++) {
		bd_arena_clear(&arena);
		assert_false(
			bd_database_ask_unpack(&found, (struct bd_bytes){ out.ptr, cut }, &arena));
	}
	/* Nor with a byte more. */
	bd_buf_add_byte(&out, 'x');
	assert_false(bd_database_ask_unpack(&found, bd_buf_bytes(&out), &arena));
	bd_buf_release(&out);
	bd_arena_release(&arena);
}

static void test_an_end_there_and_back(void **state)
{
	const struct bd_database_end end = { .rows = 7,
		.is_full = true,
		.watermark = bd_bytes_of("2026-06-01"),
		.key = bd_bytes_of("") };
	struct bd_database_end found;
	struct bd_buf out;

	(void)state;
	bd_buf_init(&out, 256);
	assert_int_equal(bd_database_end_pack(&out, &end), BD_OK);
	assert_true(bd_database_end_unpack(&found, bd_buf_bytes(&out)));
	assert_int_equal(found.rows, 7);
	assert_true(found.is_full);
	assert_true(bd_bytes_equal(found.watermark, end.watermark));
	assert_int_equal(found.key.len, 0);
	for (size_t cut = 0; cut < out.len; cut++) {
		assert_false(bd_database_end_unpack(&found, (struct bd_bytes){ out.ptr, cut }));
	}
	bd_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_frame_there_and_back),
		cmocka_unit_test(test_a_stream_cut_anywhere),
		cmocka_unit_test(test_what_is_no_frame),
		cmocka_unit_test(test_what_is_asked_there_and_back),
		cmocka_unit_test(test_an_end_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
