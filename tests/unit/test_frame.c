/* test_frame.c - what biduid and a worker say to each other: every type there and back, cut at
 * every byte, too long, of no type.
 */
#include "daemon/frame.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct bd_identifier person = { 1, { "", 0 }, { "440311199106159019", 18 } };
static const struct bd_identifier key = { 25, { "tax:djxh", 8 }, { "10124403000000000152", 20 } };

/* -- frames -- */

static void test_every_type_there_and_back(void **state)
{
	(void)state;
	for (int type = BD_FRAME_BEGIN; type <= BD_FRAME_OPENED; type++) {
		struct bd_bytes payload = { "payload", (size_t)type % 8 };
		struct bd_frame frame;
		struct bd_buf out;
		bool has;
		bd_buf_init(&out, 64);
		assert_int_equal(bd_frame_add(&out, (enum bd_frame_type)type, payload), BD_OK);
		assert_int_equal(out.len, BD_FRAME_HEAD_BYTES + payload.len);
		struct bd_bytes rest = bd_buf_bytes(&out);
		assert_int_equal(bd_frame_take(&frame, &has, &rest), BD_OK);
		assert_true(has);
		assert_int_equal(frame.type, type);
		assert_true(bd_bytes_equal(frame.payload, payload));
		assert_int_equal(rest.len, 0);
		bd_buf_release(&out);
	}
}

/* Cut anywhere: whole frames come, the rest waits untouched. */
static void test_a_stream_cut_anywhere(void **state)
{
	struct bd_buf out;
	(void)state;
	bd_buf_init(&out, 256);
	bd_frame_add(&out, BD_FRAME_BEGIN, bd_bytes_of("begin"));
	bd_frame_add(&out, BD_FRAME_DATA, bd_bytes_of(""));
	bd_frame_add(&out, BD_FRAME_END, bd_bytes_of("e"));
	const size_t ends[] = { 10, 15, 21 };
	assert_int_equal(out.len, ends[2]);
	for (size_t cut = 0; cut <= out.len; cut++) {
		struct bd_bytes rest = { out.ptr, cut };
		struct bd_frame frame;
		size_t count = 0;
		bool has = true;
		while (has) {
			const char *before = rest.ptr;
			assert_int_equal(bd_frame_take(&frame, &has, &rest), BD_OK);
			count += has;
			assert_true(has || rest.ptr == before);
		}
		assert_int_equal(count, (cut >= ends[0]) + (cut >= ends[1]) + (cut >= ends[2]));
		assert_int_equal(rest.len, count == 0 ? cut : cut - ends[count - 1]);
	}
	bd_buf_release(&out);
}

static enum bd_code take_head(uint32_t len, uint8_t type)
{
	struct bd_frame frame = { BD_FRAME_END, { "kept", 4 } };
	struct bd_buf head;
	bool has;
	bd_buf_init(&head, BD_FRAME_HEAD_BYTES);
	bd_buf_add_u32(&head, len);
	bd_buf_add_u8(&head, type);
	struct bd_bytes rest = bd_buf_bytes(&head);
	enum bd_code code = bd_frame_take(&frame, &has, &rest);
	if (code != BD_OK || !has) {
		/* Untouched. */
		assert_int_equal(rest.len, BD_FRAME_HEAD_BYTES);
		assert_int_equal(frame.type, BD_FRAME_END);
		assert_true(bd_bytes_is(frame.payload, "kept"));
	}
	bd_buf_release(&head);
	return code;
}

/* By its head alone: a bad frame is not waited for. */
static void test_heads_that_are_none(void **state)
{
	(void)state;
	assert_int_equal(take_head(1, BD_FRAME_READY), BD_OK);
	assert_int_equal(take_head(0, BD_FRAME_READY), BD_WORKER_DIED);
	assert_int_equal(take_head(BD_FRAME_MAX_BYTES, BD_FRAME_DATA), BD_OK);
	assert_int_equal(take_head(BD_FRAME_MAX_BYTES + 1, BD_FRAME_DATA), BD_WORKER_DIED);
	assert_int_equal(take_head(UINT32_MAX, BD_FRAME_DATA), BD_WORKER_DIED);
	for (int type = 0; type <= UINT8_MAX; type++) {
		bool is_known = type >= BD_FRAME_BEGIN && type <= BD_FRAME_OPENED;
		assert_int_equal(take_head(1, (uint8_t)type), is_known ? BD_OK : BD_WORKER_DIED);
	}
}

static void test_the_longest_frame(void **state)
{
	static char bytes[BD_FRAME_MAX_BYTES];
	struct bd_bytes longest = { bytes, BD_FRAME_MAX_BYTES - 1 };
	struct bd_frame frame;
	struct bd_buf out;
	bool has;
	(void)state;
	bd_buf_init(&out, (size_t)BD_FRAME_MAX_BYTES * 3);
	assert_int_equal(bd_frame_add(&out, BD_FRAME_DATA, longest), BD_OK);
	struct bd_bytes rest = bd_buf_bytes(&out);
	assert_int_equal(bd_frame_take(&frame, &has, &rest), BD_OK);
	assert_true(has);
	assert_int_equal(frame.payload.len, longest.len);
	size_t before = out.len;
	longest.len++;
	assert_int_equal(bd_frame_add(&out, BD_FRAME_DATA, longest), BD_LIMIT_BYTES);
	assert_int_equal(out.len, before);
	bd_buf_release(&out);
	/* No room is no half frame either. */
	bd_buf_init(&out, 8);
	assert_int_equal(bd_frame_add(&out, BD_FRAME_DATA, bd_bytes_of("1234")), BD_LIMIT_BYTES);
	assert_int_equal(out.len, 0);
	bd_buf_release(&out);
}

/* -- payloads -- */

static void check_same_identifier(
	const struct bd_identifier *is, const struct bd_identifier *should)
{
	assert_int_equal(is->kind, should->kind);
	assert_true(bd_bytes_equal(is->issuer, should->issuer));
	assert_true(bd_bytes_equal(is->number, should->number));
}

static void check_same_text(const char *is, const char *should)
{
	assert_int_equal(is == NULL, should == NULL);
	if (is != NULL) {
		assert_string_equal(is, should);
	}
}

typedef enum bd_code unpack(void *out, struct bd_bytes payload, struct bd_arena *arena);

static enum bd_code unpack_begin(void *out, struct bd_bytes payload, struct bd_arena *arena)
{
	return bd_frame_begin_unpack(out, payload, arena);
}

static enum bd_code unpack_result(void *out, struct bd_bytes payload, struct bd_arena *arena)
{
	return bd_frame_result_unpack(out, payload, arena);
}

/* Cut at every byte, with a byte more, and in an arena that is too small: refused each time, and
 * what it would have filled is as before. */
static void check_damage(unpack *unpack, void *out, size_t size, struct bd_buf *packed)
{
	char before[512];
	struct bd_arena arena;
	assert_true(size <= sizeof(before));
	memset(out, 0x5A, size);
	memcpy(before, out, size);
	for (size_t len = 0; len < packed->len; len++) {
		bd_arena_init(&arena, 65536);
		assert_int_equal(
			unpack(out, (struct bd_bytes){ packed->ptr, len }, &arena), BD_WORKER_DIED);
		assert_memory_equal(out, before, size);
		bd_arena_release(&arena);
	}
	bd_arena_init(&arena, 8);
	assert_int_equal(unpack(out, bd_buf_bytes(packed), &arena), BD_WORKER_DIED);
	assert_memory_equal(out, before, size);
	bd_arena_release(&arena);
	bd_buf_add_byte(packed, 0);
	bd_arena_init(&arena, 65536);
	assert_int_equal(unpack(out, bd_buf_bytes(packed), &arena), BD_WORKER_DIED);
	assert_memory_equal(out, before, size);
	bd_arena_release(&arena);
}

static void test_begin_there_and_back(void **state)
{
	const struct bd_frame_begin begins[] = {
		{ "tax", "gt3", NULL, 0, false, { 0, { "", 0 }, { "", 0 } }, 0 },
		{ "market", "e_baseinfo", "GB18030", INT64_MAX, true, person, UINT64_MAX },
		{ "", "", "", INT64_MIN, false, key, 1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		const struct bd_frame_begin *should = &begins[i];
		struct bd_frame_begin is;
		struct bd_arena arena;
		struct bd_buf packed;
		bd_buf_init(&packed, 1024);
		bd_arena_init(&arena, 65536);
		assert_int_equal(bd_frame_begin_pack(&packed, should), BD_OK);
		assert_int_equal(bd_frame_begin_unpack(&is, bd_buf_bytes(&packed), &arena), BD_OK);
		check_same_text(is.source, should->source);
		check_same_text(is.feed, should->feed);
		check_same_text(is.charset, should->charset);
		assert_true(is.now_ms == should->now_ms);
		assert_int_equal(is.is_gzip, should->is_gzip);
		check_same_identifier(&is.subject, &should->subject);
		assert_true(is.max_bytes == should->max_bytes);
		bd_arena_release(&arena);
		check_damage(unpack_begin, &is, sizeof(is), &packed);
		bd_buf_release(&packed);
	}
}

/* A message of no source is of no use: refused where it is read. */
static void test_begin_without_a_source(void **state)
{
	const struct bd_frame_begin nameless = {
		.source = NULL, .feed = "gt3", .subject = { 0, { "", 0 }, { "", 0 } }
	};
	struct bd_frame_begin is;
	struct bd_arena arena;
	struct bd_buf packed;
	(void)state;
	bd_buf_init(&packed, 1024);
	bd_arena_init(&arena, 65536);
	assert_int_equal(bd_frame_begin_pack(&packed, &nameless), BD_OK);
	assert_int_equal(bd_frame_begin_unpack(&is, bd_buf_bytes(&packed), &arena), BD_WORKER_DIED);
	bd_arena_release(&arena);
	bd_buf_release(&packed);
}

static void check_same_result(
	const struct bd_intake_result *is, const struct bd_intake_result *should)
{
	assert_true(is->received == should->received && is->accepted == should->accepted);
	assert_true(is->rejected == should->rejected && is->records == should->records);
	assert_int_equal(is->order.rank, should->order.rank);
	assert_true(is->order.order == should->order.order);
	assert_int_equal(is->subject_count, should->subject_count);
	for (size_t i = 0; i < is->subject_count; i++) {
		check_same_identifier(&is->subject[i], &should->subject[i]);
	}
	assert_int_equal(is->unmapped_count, should->unmapped_count);
	for (size_t i = 0; i < is->unmapped_count; i++) {
		assert_string_equal(is->unmapped[i].path, should->unmapped[i].path);
		assert_true(is->unmapped[i].count == should->unmapped[i].count);
	}
	assert_int_equal(is->section_count, should->section_count);
	for (size_t i = 0; i < is->section_count; i++) {
		assert_string_equal(is->sections[i], should->sections[i]);
	}
	assert_true(bd_bytes_equal(is->page.next, should->page.next));
	assert_true(bd_bytes_equal(is->page.mark, should->page.mark));
	assert_int_equal(is->page.is_last, should->page.is_last);
	assert_int_equal(is->tally_count, should->tally_count);
	for (size_t i = 0; i < is->tally_count; i++) {
		const struct bd_section_tally *a = &is->tallies[i], *b = &should->tallies[i];

		assert_true(a->section == b->section && a->records == b->records &&
			    a->slot_count == b->slot_count);
		assert_memory_equal(a->present, b->present, a->slot_count);
		assert_memory_equal(a->shapes, b->shapes, a->slot_count);
	}
}

static void test_result_there_and_back(void **state)
{
	const struct bd_identifier subjects[] = { person, key };
	const struct bd_unmapped unmapped[] = { { "taxML/x", 3 }, { "", UINT64_MAX } };
	const char *const sections[] = { "nsrxx", "qsxx", "" };
	const uint8_t present[] = { 64, 0, 1 }, shapes[] = { 31, 0, 8 };
	const struct bd_section_tally tallies[] = { { 2, 64, 3, present, shapes },
		{ UINT16_MAX, 1, 0, present, shapes } };
	const struct bd_intake_result results[] = {
		{ .received = 0 },
		{ UINT64_MAX, 2, 3, 4, subjects, 2, { UINT8_MAX, INT64_MIN }, unmapped, 2, sections,
			3, { { "cursor 2", 8 }, { "", 0 }, true }, tallies, 2 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		struct bd_intake_result is;
		struct bd_arena arena;
		struct bd_buf packed;
		bd_buf_init(&packed, 1024);
		bd_arena_init(&arena, 65536);
		assert_int_equal(bd_frame_result_pack(&packed, &results[i]), BD_OK);
		assert_int_equal(bd_frame_result_unpack(&is, bd_buf_bytes(&packed), &arena), BD_OK);
		check_same_result(&is, &results[i]);
		bd_arena_release(&arena);
		if (results[i].subject_count > 0) {
			check_damage(unpack_result, &is, sizeof(is), &packed);
		}
		bd_buf_release(&packed);
	}
}

/* What does not fit the form is said, not cut. */
static void test_too_many_for_a_result(void **state)
{
	const struct bd_intake_result results[] = {
		{ .subject_count = UINT16_MAX + 1 },
		{ .unmapped_count = UINT16_MAX + 1 },
		{ .section_count = UINT16_MAX + 1 },
		{ .tally_count = UINT16_MAX + 1 },
	};
	struct bd_buf packed;
	(void)state;
	bd_buf_init(&packed, 1024);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		assert_int_equal(bd_frame_result_pack(&packed, &results[i]), BD_LIMIT_COUNT);
	}
	bd_buf_release(&packed);
}

/* Counts of more than there is cost nothing. */
static void test_a_result_that_promises_more(void **state)
{
	struct bd_intake_result is;
	struct bd_arena arena;
	struct bd_buf packed;
	(void)state;
	bd_buf_init(&packed, 1024);
	bd_arena_init(&arena, BD_RECORD_ARENA_MAX_BYTES);
	assert_int_equal(
		bd_frame_result_pack(&packed, &(struct bd_intake_result){ .received = 1 }), BD_OK);
	/* The count of subjects stands behind four u64, a u8 and a u64. */
	packed.ptr[41] = packed.ptr[42] = (char)0xFF;
	assert_int_equal(
		bd_frame_result_unpack(&is, bd_buf_bytes(&packed), &arena), BD_WORKER_DIED);
	assert_true(arena.used < 65536);
	bd_arena_release(&arena);
	bd_buf_release(&packed);
}

/* A name that says it is none, where one must be. */
static void test_a_result_without_a_name(void **state)
{
	const char *const section = "s";
	const struct bd_unmapped unmapped = { "u", 1 };
	const struct bd_intake_result results[] = {
		{ .sections = &section, .section_count = 1 },
		{ .unmapped = &unmapped, .unmapped_count = 1 },
	};
	/* Behind the fixed part: the counts before it, then the flag of the name. */
	const size_t flags[] = { 41 + 2 + 2 + 2, 41 + 2 + 2 };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bd_intake_result is;
		struct bd_arena arena;
		struct bd_buf packed;
		bd_buf_init(&packed, 1024);
		bd_arena_init(&arena, 65536);
		assert_int_equal(bd_frame_result_pack(&packed, &results[i]), BD_OK);
		assert_int_equal(packed.ptr[flags[i]], 1);
		packed.ptr[flags[i]] = 0;
		assert_int_equal(
			bd_frame_result_unpack(&is, bd_buf_bytes(&packed), &arena), BD_WORKER_DIED);
		bd_arena_release(&arena);
		bd_buf_release(&packed);
	}
}

static void test_opened_there_and_back(void **state)
{
	static const enum bd_code codes[] = { BD_OK, BD_ENVELOPE_KEY, BD_ENVELOPE_SEALED };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct bd_bytes opened = { NULL, 0 };
		enum bd_code code = BD_INTERNAL;
		struct bd_buf packed;

		bd_buf_init(&packed, 1024);
		assert_int_equal(
			bd_frame_opened_pack(&packed, codes[i], bd_bytes_of("text")), BD_OK);
		assert_int_equal(
			bd_frame_opened_unpack(&code, &opened, bd_buf_bytes(&packed)), BD_OK);
		assert_int_equal(code, codes[i]);
		assert_true(bd_bytes_is(opened, i == 0 ? "text" : ""));
		for (size_t len = 0; len < packed.len; len++) {
			assert_int_equal(bd_frame_opened_unpack(&code, &opened,
						 (struct bd_bytes){ packed.ptr, len }),
				BD_WORKER_DIED);
		}
		packed.ptr[4] ^= 1;
		assert_int_equal(bd_frame_opened_unpack(&code, &opened, bd_buf_bytes(&packed)),
			BD_WORKER_DIED);
		bd_buf_release(&packed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_there_and_back),
		cmocka_unit_test(test_a_stream_cut_anywhere),
		cmocka_unit_test(test_heads_that_are_none),
		cmocka_unit_test(test_the_longest_frame),
		cmocka_unit_test(test_begin_there_and_back),
		cmocka_unit_test(test_opened_there_and_back),
		cmocka_unit_test(test_begin_without_a_source),
		cmocka_unit_test(test_result_there_and_back),
		cmocka_unit_test(test_too_many_for_a_result),
		cmocka_unit_test(test_a_result_that_promises_more),
		cmocka_unit_test(test_a_result_without_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
