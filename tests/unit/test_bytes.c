/* test_bytes.c - byte ranges, bounded buffers, arenas, diags and codes. */
#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* -- bytes -- */

static void bytes_are_ordered_as_unsigned(void **state)
{
	static const struct bd_bytes ascending[] = { { NULL, 0 }, { "\0", 1 }, { "\0\0", 2 },
		{ "a", 1 }, { "a\0", 2 }, { "ab", 2 }, { "b", 1 }, { "\x80", 1 }, { "\xFF", 1 } };
	const int count = sizeof(ascending) / sizeof(ascending[0]);

	(void)state;
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < count; j++) {
			int order = bd_bytes_compare(ascending[i], ascending[j]);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(bd_bytes_equal(ascending[i], ascending[j]), i == j);
		}
	}
	assert_true(bd_bytes_is((struct bd_bytes){ NULL, 0 }, ""));
	assert_false(bd_bytes_is((struct bd_bytes){ "a\0", 2 }, "a"));
}

/* -- buffers -- */

/* Of every maximum: never more than it, and as before after a failure. */
static void a_buffer_keeps_its_maximum(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 5, 64, 127, 128, 129, 200, 1000 };

	(void)state;
	for (size_t max = 0; max <= 300; max++) {
		struct bd_buf buf;
		char bytes[1000];

		memset(bytes, 'x', sizeof(bytes));
		bd_buf_init(&buf, max);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			size_t before = buf.len;
			enum bd_code code = bd_buf_add(&buf, (struct bd_bytes){ bytes, sizes[i] });

			assert_int_equal(code, before + sizes[i] <= max ? BD_OK : BD_LIMIT_BYTES);
			assert_int_equal(buf.len, code == BD_OK ? before + sizes[i] : before);
		}
		bd_buf_release(&buf);
	}
}

static void printing_keeps_the_maximum_too(void **state)
{
	struct bd_buf buf;

	(void)state;
	for (size_t max = 0; max <= 12; max++) {
		bd_buf_init(&buf, max);
		assert_int_equal(bd_buf_printf(&buf, "%s %d", "shili", 1234),
			max < 10 ? BD_LIMIT_BYTES : BD_OK);
		assert_int_equal(buf.len, max < 10 ? 0 : 10);
		assert_true(max < 10 || memcmp(buf.ptr, "shili 1234", 10) == 0);
		bd_buf_release(&buf);
	}
}

static void a_cleared_buffer_is_used_again(void **state)
{
	struct bd_buf buf;
	const char *memory;

	(void)state;
	bd_buf_init(&buf, 1000);
	assert_int_equal(bd_buf_add_text(&buf, "shili"), BD_OK);
	memory = buf.ptr;
	bd_buf_clear(&buf);
	assert_int_equal(bd_buf_bytes(&buf).len, 0);
	assert_int_equal(bd_buf_add_byte(&buf, 'x'), BD_OK);
	assert_ptr_equal(buf.ptr, memory);
	bd_buf_release(&buf);
	assert_null(buf.ptr);
	assert_int_equal(buf.max, 1000);
}

/* What the adders write sorts as the numbers do, and the reader reads it. */
static void integers_come_back_and_sort(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000,
		0x7FFFFFFF, 0xFFFFFFFF, UINT64_C(0x100000000), INT64_MAX, UINT64_MAX };
	struct bd_buf last, buf;

	(void)state;
	bd_buf_init(&last, 100);
	bd_buf_init(&buf, 100);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t number = numbers[i];
		struct bd_reader reader;

		bd_buf_clear(&buf);
		assert_int_equal(bd_buf_add_u64(&buf, number), BD_OK);
		assert_true(
			i == 0 || bd_bytes_compare(bd_buf_bytes(&last), bd_buf_bytes(&buf)) < 0);
		bd_buf_clear(&last);
		bd_buf_add(&last, bd_buf_bytes(&buf));
		bd_buf_add_u32(&buf, (uint32_t)number);
		bd_buf_add_u16(&buf, (uint16_t)number);
		bd_buf_add_u8(&buf, (uint8_t)number);
		bd_buf_add_sized(&buf, bd_bytes_of("shili"));
		reader = bd_reader_of(bd_buf_bytes(&buf));
		assert_true(bd_read_u64(&reader) == number);
		assert_true(bd_read_u32(&reader) == (uint32_t)number);
		assert_true(bd_read_u16(&reader) == (uint16_t)number);
		assert_true(bd_read_u8(&reader) == (uint8_t)number);
		assert_true(bd_bytes_is(bd_read_sized(&reader), "shili"));
		assert_true(reader.ok && reader.rest.len == 0);
	}
	bd_buf_release(&last);
	bd_buf_release(&buf);
}

/* Past the end it gives zero and empty, and says so from then on. */
static void a_reader_stops_at_the_end(void **state)
{
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ "\0\0\1", 3 });

	(void)state;
	assert_int_equal(bd_read_u32(&reader), 0);
	assert_false(reader.ok);
	assert_int_equal(bd_read_u8(&reader), 0);
	assert_int_equal(bd_read_bytes(&reader, 0).len, 0);
	assert_false(reader.ok);

	reader = bd_reader_of((struct bd_bytes){ "\xFF\xFF\xFF\xFFx", 5 });
	assert_int_equal(bd_read_sized(&reader).len, 0);
	assert_false(reader.ok);

	reader = bd_reader_of((struct bd_bytes){ NULL, 0 });
	assert_int_equal(bd_read_bytes(&reader, SIZE_MAX).len, 0);
	assert_false(reader.ok);
}

/* -- arenas -- */

static void a_varint_comes_back_in_as_many_bytes_as_it_needs(void **state)
{
	static const struct {
		uint64_t value;
		size_t bytes;
	} cases[] = { { 0, 1 }, { 1, 1 }, { 127, 1 }, { 128, 2 }, { 16383, 2 }, { 16384, 3 },
		{ UINT32_MAX, 5 }, { INT64_MAX, 9 }, { (uint64_t)INT64_MAX + 1, 10 },
		{ UINT64_MAX, 10 } };
	static const int64_t both[] = { 0, -1, 1, -64, 64, INT64_MIN, INT64_MAX };
	struct bd_reader reader;
	struct bd_buf buf;

	(void)state;
	bd_buf_init(&buf, 64);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bd_buf_clear(&buf);
		assert_int_equal(bd_buf_add_varint(&buf, cases[i].value), BD_OK);
		assert_int_equal(buf.len, cases[i].bytes);
		reader = bd_reader_of(bd_buf_bytes(&buf));
		assert_true(bd_read_varint(&reader) == cases[i].value && reader.ok);
		assert_int_equal(reader.rest.len, 0);
		reader = bd_reader_of((struct bd_bytes){ buf.ptr, buf.len - 1 });
		assert_true(bd_read_varint(&reader) == 0 && !reader.ok);
	}
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		bd_buf_clear(&buf);
		assert_int_equal(bd_buf_add_zigzag(&buf, both[i]), BD_OK);
		assert_true(buf.len == 1 || both[i] < -64 || both[i] > 63);
		reader = bd_reader_of(bd_buf_bytes(&buf));
		assert_true(bd_read_zigzag(&reader) == both[i] && reader.ok);
	}
	bd_buf_release(&buf);
}

static void a_varint_has_one_form(void **state)
{
	static const struct bd_bytes bad[] = {
		BD_BYTES("\x80\x00"),                                     /* 0 in two bytes */
		BD_BYTES("\xff\x80\x00"),                                 /* 127 in three */
		BD_BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),     /* 2^65 and less */
		BD_BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"), /* eleven */
		BD_BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bd_reader reader = bd_reader_of(bad[i]);

		assert_true(bd_read_varint(&reader) == 0 && !reader.ok);
	}
}

static void what_is_sized_by_a_varint_comes_back(void **state)
{
	struct bd_reader reader;
	struct bd_buf buf;

	(void)state;
	bd_buf_init(&buf, 64);
	assert_int_equal(bd_buf_add_varsized(&buf, bd_bytes_of("tax")), BD_OK);
	assert_int_equal(bd_buf_add_varsized(&buf, bd_bytes_of("")), BD_OK);
	assert_int_equal(buf.len, 5);
	reader = bd_reader_of(bd_buf_bytes(&buf));
	assert_true(bd_bytes_is(bd_read_varsized(&reader), "tax"));
	assert_true(bd_read_varsized(&reader).len == 0 && reader.ok);
	/* More than there is, whatever it says. */
	bd_buf_clear(&buf);
	assert_int_equal(bd_buf_add_varint(&buf, UINT64_MAX), BD_OK);
	assert_int_equal(bd_buf_add_text(&buf, "tax"), BD_OK);
	reader = bd_reader_of(bd_buf_bytes(&buf));
	assert_true(bd_read_varsized(&reader).ptr == NULL && !reader.ok);
	bd_buf_release(&buf);
}

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
	struct bd_arena arena;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	for (size_t round = 0; round < 2; round++) {
		for (size_t size = 0; size < 300; size++) {
			unsigned char *memory = bd_arena_alloc(&arena, size, 1);

			assert_non_null(memory);
			assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
			for (size_t i = 0; i < size; i++) {
				assert_int_equal(memory[i], 0);
			}
			memset(memory, 0xAA, size);
		}
		bd_arena_clear(&arena);
	}
	bd_arena_release(&arena);
}

/* Whatever is asked for, the arena holds no more than its maximum, and goes on after a refusal. */
static void an_arena_keeps_its_maximum(void **state)
{
	(void)state;
	for (size_t max = 0; max < 40000; max = max * 2 + 7) {
		struct bd_arena arena;
		size_t given = 0;

		bd_arena_init(&arena, max);
		for (size_t size = 1; size < 100000; size *= 3) {
			const void *memory = bd_arena_alloc(&arena, size, 1);

			given += memory != NULL ? size : 0;
			assert_true(arena.used <= max && given <= max);
			assert_true(memory != NULL || bd_arena_code(&arena) == BD_LIMIT_BYTES);
		}
		bd_arena_release(&arena);
		assert_int_equal(arena.used, 0);
	}
}

/* The same fits again in what it has: a block that was taken anew each time would be cleared by the
 * system page by page. */
static void an_arena_keeps_its_largest_block(void **state)
{
	struct bd_arena arena;
	size_t held = 0;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	for (int round = 0; round < 5; round++) {
		for (size_t taken = 0; taken < 300000; taken += 1000) {
			assert_non_null(bd_arena_alloc(&arena, 1000, 1));
		}
		/* A small one behind the large ones. */
		assert_non_null(bd_arena_alloc(&arena, 300000, 1));
		assert_true(round < 2 || arena.used == held);
		held = arena.used;
		bd_arena_clear(&arena);
		assert_true(arena.used > 300000 && arena.used <= held);
		assert_int_equal(bd_arena_given(&arena), 0);
	}
	bd_arena_release(&arena);
}

static void an_arena_checks_its_sums(void **state)
{
	struct bd_arena arena;

	(void)state;
	bd_arena_init(&arena, SIZE_MAX);
	assert_null(bd_arena_alloc(&arena, SIZE_MAX, 2));
	assert_int_equal(bd_arena_code(&arena), BD_LIMIT_BYTES);
	assert_null(bd_arena_alloc(&arena, SIZE_MAX, 1));
	assert_null(bd_arena_alloc(&arena, SIZE_MAX - 3, 1));
	assert_null(bd_arena_alloc(&arena, SIZE_MAX / 2 + 1, 2));
	assert_null(bd_arena_copy(&arena, (struct bd_bytes){ "", SIZE_MAX }).ptr);
	assert_non_null(bd_arena_alloc(&arena, 1, 1));
	bd_arena_release(&arena);
}

static void a_copy_ends_with_a_nul(void **state)
{
	struct bd_arena arena;
	struct bd_bytes copy;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	copy = bd_arena_copy(&arena, (struct bd_bytes){ "shili", 3 });
	assert_int_equal(copy.len, 3);
	assert_string_equal(copy.ptr, "shi");
	copy = bd_arena_copy(&arena, (struct bd_bytes){ NULL, 0 });
	assert_int_equal(copy.len, 0);
	assert_string_equal(copy.ptr, "");
	assert_string_equal(bd_arena_text(&arena, bd_bytes_of("x")), "x");
	bd_arena_release(&arena);
}

/* -- diags -- */

static void the_first_failure_stays(void **state)
{
	struct bd_diag diag = { .code = BD_OK };

	(void)state;
	assert_int_equal(bd_fail_at(&diag, BD_ID_LENGTH, (struct bd_place){ 1, 2, 3, 4 }, "%d", 18),
		BD_ID_LENGTH);
	assert_int_equal(bd_fail(&diag, BD_NO_MEMORY, "later"), BD_NO_MEMORY);
	assert_int_equal(bd_fail_at(&diag, BD_IO, (struct bd_place){ 9, 9, 9, 9 }, "later"), BD_IO);
	assert_int_equal(diag.code, BD_ID_LENGTH);
	assert_int_equal(diag.place.column, 3);
	assert_string_equal(diag.detail, "18");
	bd_diag_clear(&diag);
	assert_int_equal(diag.code, BD_OK);
	assert_string_equal(diag.detail, "");
	assert_int_equal(bd_fail(NULL, BD_IO, "%s", ""), BD_IO);
	assert_int_equal(bd_fail_at(NULL, BD_IO, diag.place, "%s", ""), BD_IO);
	bd_diag_clear(NULL);
	bd_diag_set_rule(NULL, "id.fold");
	bd_diag_set_path(NULL, "path");
	bd_diag_set_field(NULL, "field");
}

static bool is_begin_of(const char *cut, const char *whole, size_t room)
{
	size_t len = strlen(cut);

	return len < room && len + 4 > room && strncmp(cut, whole, len) == 0 &&
	       bd_text_is_utf8(bd_bytes_of(cut));
}

/* Names of Chinese columns are longer than their room: cut between two characters. */
static void long_texts_are_cut_between_characters(void **state)
{
	char text[601];

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		struct bd_diag diag = { .code = BD_OK };

		memset(text, 'x', shift);
		for (size_t i = shift; i < sizeof(text) - 3; i += 3) {
			memcpy(text + i, "林", 4);
		}
		bd_fail(&diag, BD_IO, "%s", text);
		bd_diag_set_path(&diag, text);
		bd_diag_set_field(&diag, text);
		bd_diag_set_rule(&diag, text);
		assert_true(is_begin_of(diag.detail, text, sizeof(diag.detail)));
		assert_true(is_begin_of(diag.path, text, sizeof(diag.path)));
		assert_true(is_begin_of(diag.field, text, sizeof(diag.field)));
		assert_true(is_begin_of(diag.rule, text, sizeof(diag.rule)));
	}
}

/* -- codes -- */

static void every_code_is_whole_and_found_by_its_text(void **state)
{
	(void)state;
	for (unsigned code = 0; code < BD_CODE_COUNT; code++) {
		const struct bd_code_info *info = bd_code_info((enum bd_code)code);
		bool is_failure = code != BD_OK;

		assert_int_equal(bd_code_find(info->text), code);
		assert_true(info->text[0] != '\0' && info->zh[0] != '\0' && info->en[0] != '\0');
		assert_true(!is_failure || (info->hint_zh[0] != '\0' && info->hint_en[0] != '\0'));
		assert_true(is_failure ? info->status >= 400 && info->status < 600
				       : info->status == 200);
		assert_true(bd_text_is_utf8(bd_bytes_of(info->zh)) &&
			    bd_text_is_utf8(bd_bytes_of(info->hint_zh)));
		for (const char *at = info->text; *at != '\0'; at++) {
			assert_true((*at >= 'a' && *at <= 'z') || *at == '.' || *at == '_');
		}
	}
	assert_int_equal(bd_code_find("no.such.code"), BD_CODE_COUNT);
	assert_ptr_equal(bd_code_info(BD_CODE_COUNT), bd_code_info(BD_INTERNAL));
	assert_ptr_equal(bd_code_info((enum bd_code) - 1), bd_code_info(BD_INTERNAL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_ordered_as_unsigned),
		cmocka_unit_test(a_buffer_keeps_its_maximum),
		cmocka_unit_test(printing_keeps_the_maximum_too),
		cmocka_unit_test(a_cleared_buffer_is_used_again),
		cmocka_unit_test(integers_come_back_and_sort),
		cmocka_unit_test(a_reader_stops_at_the_end),
		cmocka_unit_test(a_varint_comes_back_in_as_many_bytes_as_it_needs),
		cmocka_unit_test(a_varint_has_one_form),
		cmocka_unit_test(what_is_sized_by_a_varint_comes_back),
		cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(an_arena_keeps_its_maximum),
		cmocka_unit_test(an_arena_keeps_its_largest_block),
		cmocka_unit_test(an_arena_checks_its_sums),
		cmocka_unit_test(a_copy_ends_with_a_nul),
		cmocka_unit_test(the_first_failure_stays),
		cmocka_unit_test(long_texts_are_cut_between_characters),
		cmocka_unit_test(every_code_is_whole_and_found_by_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
