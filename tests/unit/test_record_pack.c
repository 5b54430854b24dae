/* test_record_pack.c - packed records and rejects: they come back as they were, and damaged ones
 * are known for what they are. */
#include "record/pack.h"

#include "record/reject.h"
#include "record_support.h"

static const struct bd_identifier subjects[] = { { 1, { "", 0 }, { "440311199106159019", 18 } },
	{ 11, { "social:aac001", 13 }, { "1001", 4 } } };
static const struct bd_identifier others[] = { { 21, { "", 0 }, { "92440311MAXXXXX152", 18 } } };
static const struct bd_value values[] = {
	{ 101, BD_VALUE_NORMALIZED, { "林示例", 9 }, { "林 示例", 10 } },
	{ 104, 0, { "1991-06-15", 10 }, { NULL, 0 } }, { 106, BD_VALUE_NONE, { "", 0 }, { "", 0 } }
};

static struct bd_record full_record(void)
{
	return (struct bd_record){ .index = 7,
		.section = "basicform",
		.entity = 1,
		.action = BD_ACTION_PATCH,
		.is_message_subject = true,
		.subject = subjects,
		.subject_count = 2,
		.other = others,
		.other_count = 1,
		.row_key = { "key\0key", 7 },
		.order_kind = BD_ORDER_TIME,
		.is_message_order = true,
		.order = { 3, -1 },
		.as_of_ms = INT64_C(1780277415000),
		.values = values,
		.value_count = 3 };
}

static const uint16_t entities[] = { 1, 4 };
static const struct bd_reject_row rows[] = {
	{ .entity = 4, .is_message_subject = true, .has_key = true, .key = { "k", 1 } },
	{ .entity = 3, .subject = subjects, .subject_count = 2, .other = others, .other_count = 1 },
	{ .entity = 3, .is_other_unknown = true },
};

static struct bd_reject full_reject(void)
{
	struct bd_reject reject = { .index = 9,
		.section = "insured",
		.entities = entities,
		.entity_count = 2,
		.rows = rows,
		.row_count = 3,
		.is_message_subject = true,
		.subject = subjects,
		.subject_count = 1,
		.order_kind = BD_ORDER_SEQUENCE,
		.is_message_order = true,
		.order = { 1, INT64_MAX },
		.raw = { "a=\0b\n", 5 } };

	bd_fail_at(&reject.diag, BD_ID_CHECK_DIGIT, (struct bd_place){ 12, 3, 4, 5 }, "%d", 18);
	bd_diag_set_path(&reject.diag, "body/row");
	bd_diag_set_field(&reject.diag, "aac002");
	bd_diag_set_rule(&reject.diag, "id.resident");
	return reject;
}

/* What is packed, as whoever asks for it wants it: of its own length, so that a read past its end
 * is seen by the sanitizer. */
static struct bd_bytes exact(const struct bd_buf *packed, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, packed->ptr, len);
	return (struct bd_bytes){ copy, len };
}

static void release(struct bd_bytes bytes)
{
	free((void *)(uintptr_t)bytes.ptr);
}

enum kind { RECORD, REJECT };

static enum bd_code pack(struct bd_buf *out, enum kind kind)
{
	struct bd_record record = full_record();
	struct bd_reject reject = full_reject();

	return kind == RECORD ? bd_record_pack(out, &record) : bd_reject_pack(out, &reject);
}

/* Unpacks and packs again: the same bytes come of the same content. */
static enum bd_code repack(struct bd_buf *out, enum kind kind, struct bd_bytes bytes, size_t max)
{
	const struct bd_record no_record = { .index = 99 };
	const struct bd_reject no_reject = { .index = 99 };
	struct bd_record record = no_record;
	struct bd_reject reject = no_reject;
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, max);
	code = kind == RECORD ? bd_record_unpack(&record, bytes, &arena)
			      : bd_reject_unpack(&reject, bytes, &arena);
	if (code == BD_OK) {
		assert_int_equal(kind == RECORD ? bd_record_pack(out, &record)
						: bd_reject_pack(out, &reject),
			BD_OK);
	} else {
		/* Nothing is given. */
		assert_memory_equal(&record, &no_record, sizeof(record));
		assert_memory_equal(&reject, &no_reject, sizeof(reject));
	}
	bd_arena_release(&arena);
	return code;
}

static void both_kinds(void (*check)(enum kind kind, const struct bd_buf *packed))
{
	for (enum kind kind = RECORD; kind <= REJECT; kind++) {
		struct bd_buf packed;

		bd_buf_init(&packed, 65536);
		assert_int_equal(pack(&packed, kind), BD_OK);
		check(kind, &packed);
		bd_buf_release(&packed);
	}
}

static void check_round_trip(enum kind kind, const struct bd_buf *packed)
{
	struct bd_bytes bytes = exact(packed, packed->len);
	struct bd_buf again;

	bd_buf_init(&again, 65536);
	assert_int_equal(repack(&again, kind, bytes, 65536), BD_OK);
	assert_true(bd_bytes_equal(bd_buf_bytes(&again), bytes));
	bd_buf_release(&again);
	release(bytes);
}

static void what_is_packed_comes_back(void **state)
{
	(void)state;
	both_kinds(check_round_trip);
}

static void the_members_come_back(void **state)
{
	struct bd_record record;
	struct bd_reject reject;
	struct bd_buf packed;
	struct bd_arena arena;

	(void)state;
	bd_buf_init(&packed, 65536);
	bd_arena_init(&arena, 65536);
	assert_int_equal(pack(&packed, RECORD), BD_OK);
	assert_int_equal(bd_record_unpack(&record, bd_buf_bytes(&packed), &arena), BD_OK);
	assert_int_equal(record.index, 7);
	assert_string_equal(record.section, "basicform");
	assert_int_equal(record.action, BD_ACTION_PATCH);
	assert_true(record.is_message_subject && record.is_message_order);
	assert_int_equal(record.subject_count, 2);
	assert_true(bd_bytes_is(record.subject[1].issuer, "social:aac001"));
	assert_int_equal(record.other_count, 1);
	assert_int_equal(record.row_key.len, 7);
	assert_int_equal(record.order.rank, 3);
	assert_int_equal(record.order.order, -1);
	assert_int_equal(record.as_of_ms, INT64_C(1780277415000));
	assert_int_equal(record.value_count, 3);
	assert_true(bd_bytes_is(record.values[0].native, "林 示例"));
	assert_int_equal(record.values[2].flags, BD_VALUE_NONE);

	bd_buf_clear(&packed);
	assert_int_equal(pack(&packed, REJECT), BD_OK);
	assert_int_equal(bd_reject_unpack(&reject, bd_buf_bytes(&packed), &arena), BD_OK);
	assert_int_equal(reject.diag.code, BD_ID_CHECK_DIGIT);
	assert_int_equal(reject.diag.place.column, 4);
	assert_string_equal(reject.diag.path, "body/row");
	assert_string_equal(reject.diag.field, "aac002");
	assert_string_equal(reject.diag.rule, "id.resident");
	assert_string_equal(reject.diag.detail, "18");
	assert_int_equal(reject.entity_count, 2);
	assert_int_equal(reject.entities[1], 4);
	assert_int_equal(reject.row_count, 3);
	assert_true(reject.rows[0].has_key && reject.rows[0].is_message_subject);
	assert_true(reject.rows[2].is_other_unknown && !reject.rows[2].has_key);
	assert_true(bd_reject_is_of_anybody(&reject));
	assert_int_equal(reject.raw.len, 5);
	bd_buf_release(&packed);
	bd_arena_release(&arena);
}

static void check_truncated(enum kind kind, const struct bd_buf *packed)
{
	for (size_t len = 0; len < packed->len; len++) {
		struct bd_bytes bytes = exact(packed, len);
		struct bd_buf again;

		bd_buf_init(&again, 65536);
		if (repack(&again, kind, bytes, 65536) != BD_STORE_DAMAGED) {
			fail_msg("kind %d cut at %zu of %zu passes", kind, len, packed->len);
		}
		bd_buf_release(&again);
		release(bytes);
	}
}

static void cut_at_any_byte_it_is_damaged(void **state)
{
	(void)state;
	both_kinds(check_truncated);
}

static void check_longer(enum kind kind, const struct bd_buf *packed)
{
	for (int byte = 0; byte < 256; byte++) {
		struct bd_bytes bytes = exact(packed, packed->len);
		char *longer = realloc((void *)(uintptr_t)bytes.ptr, bytes.len + 1);
		struct bd_buf again;

		assert_non_null(longer);
		longer[bytes.len] = (char)byte;
		bytes = (struct bd_bytes){ longer, bytes.len + 1 };
		bd_buf_init(&again, 65536);
		assert_int_equal(repack(&again, kind, bytes, 65536), BD_STORE_DAMAGED);
		bd_buf_release(&again);
		release(bytes);
	}
}

static void with_a_byte_behind_it_is_damaged(void **state)
{
	(void)state;
	both_kinds(check_longer);
}

/* Whatever one byte becomes: damaged, or something that can be packed. */
static void check_changed(enum kind kind, const struct bd_buf *packed)
{
	static const uint8_t masks[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF };

	for (size_t i = 0; i < packed->len * sizeof(masks); i++) {
		struct bd_bytes bytes = exact(packed, packed->len);
		struct bd_buf again;
		enum bd_code code;

		((char *)(uintptr_t)bytes.ptr)[i / sizeof(masks)] ^= (char)masks[i % sizeof(masks)];
		bd_buf_init(&again, 65536);
		code = repack(&again, kind, bytes, 65536);
		assert_true(code == BD_OK || code == BD_STORE_DAMAGED);
		bd_buf_release(&again);
		release(bytes);
	}
}

static void a_changed_byte_is_no_harm(void **state)
{
	(void)state;
	both_kinds(check_changed);
}

static void check_memory(enum kind kind, const struct bd_buf *packed)
{
	enum bd_code code = BD_LIMIT_BYTES;
	struct bd_buf again;

	bd_buf_init(&again, 65536);
	for (size_t max = 0; code != BD_OK; max++) {
		code = repack(&again, kind, bd_buf_bytes(packed), max);
		assert_true(code == BD_OK || code == BD_LIMIT_BYTES);
		assert_true(max < 65536);
	}
	bd_buf_release(&again);
}

static void without_memory_nothing_is_given(void **state)
{
	(void)state;
	both_kinds(check_memory);
}

/* Buffers of every length too short. */
static void without_room_it_is_not_packed(void **state)
{
	(void)state;
	for (enum kind kind = RECORD; kind <= REJECT; kind++) {
		enum bd_code code = BD_LIMIT_BYTES;

		for (size_t max = 0; code != BD_OK; max++) {
			struct bd_buf packed;

			bd_buf_init(&packed, max);
			code = pack(&packed, kind);
			assert_true(code == BD_OK ? packed.len == max : code == BD_LIMIT_BYTES);
			bd_buf_release(&packed);
		}
	}
}

/* A part of a later version, before the end: it is passed over. */
static void an_unknown_part_is_passed_over(void **state)
{
	struct bd_record record = full_record();
	struct bd_buf packed, longer;
	struct bd_arena arena;

	(void)state;
	bd_buf_init(&packed, 65536);
	bd_buf_init(&longer, 65536);
	bd_arena_init(&arena, 65536);
	assert_int_equal(bd_record_pack(&packed, &record), BD_OK);
	bd_buf_add_u8(&longer, 200);
	bd_buf_add_sized(&longer, bd_bytes_of("of a later version"));
	bd_buf_add(&longer, bd_buf_bytes(&packed));
	assert_int_equal(bd_record_unpack(&record, bd_buf_bytes(&longer), &arena), BD_OK);
	assert_int_equal(record.value_count, 3);
	bd_arena_release(&arena);
	bd_buf_release(&packed);
	bd_buf_release(&longer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_comes_back),
		cmocka_unit_test(the_members_come_back),
		cmocka_unit_test(cut_at_any_byte_it_is_damaged),
		cmocka_unit_test(with_a_byte_behind_it_is_damaged),
		cmocka_unit_test(a_changed_byte_is_no_harm),
		cmocka_unit_test(without_memory_nothing_is_given),
		cmocka_unit_test(without_room_it_is_not_packed),
		cmocka_unit_test(an_unknown_part_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
