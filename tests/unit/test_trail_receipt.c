/* test_trail_receipt.c - receipts and events to bytes, back and to JSON; commitments that outlive
 * what they commit to. */
#include "trail/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(text) ((struct bd_bytes){ text, sizeof(text) - 1 })
#define NOW INT64_C(1780277400000) /* 2026-06-01T09:30:00+08:00 */

static struct bd_arena arena;
static struct bd_buf packed, json;

static int set_up(void **state)
{
	(void)state;
	bd_arena_init(&arena, 1 << 22);
	bd_buf_init(&packed, 1 << 20);
	bd_buf_init(&json, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bd_arena_release(&arena);
	bd_buf_release(&packed);
	bd_buf_release(&json);
	return 0;
}

static const char digest[BD_DIGEST_BYTES] = { 1, 2, 3 };
static const struct bd_trail_evidence evidence[] = {
	{ .source = TEXT("medical"),
		.as_of_ms = NOW - 1000,
		.version = 7,
		.digest = { digest, sizeof(digest) } },
	{ .source = TEXT("social") },
};
static const struct bd_trail_element elements[] = {
	{ .id = TEXT("name"),
		.pointer = TEXT("/subjects/applicant"),
		.code = TEXT("mismatch"),
		.flags = TEXT("stale conflict"),
		.reason = TEXT("differs"),
		.rule = TEXT("N-3"),
		.evidence = evidence,
		.evidence_count = 2,
		.commitment = { 9 } },
	{ .id = TEXT("alive"), .pointer = TEXT("/subjects/applicant"), .code = TEXT("match") },
};
static const struct bd_trail_subject subjects[] = { { TEXT("/subjects/applicant"), { 5 } } };

static struct bd_trail_receipt example(void)
{
	return (struct bd_trail_receipt){ .caller = { .client = TEXT("engine"),
						  .purpose = TEXT("登记审批"),
						  .case_id = TEXT("GM20260601-0001"),
						  .operator_name = TEXT("7"),
						  .trace = TEXT("00-0af7-b7ad-01") },
		.request = { 4 },
		.matter = TEXT("individual-business-registration"),
		.version = TEXT("1"),
		.decision = TEXT("refer"),
		.on = TEXT("2026-06-01"),
		.is_sandbox = true,
		.subjects = subjects,
		.subject_count = 1,
		.elements = elements,
		.element_count = 2,
		.obligations = { 8 } };
}

static const char expected[] =
	"{\"receipt\":\"0000000000000001-0002-00000003-00000040\",\"kind\":\"compare\","
	"\"at\":\"2026-06-01T09:30:00.000+08:00\",\"client\":\"engine\",\"purpose\":\"登记审批\","
	"\"case\":\"GM20260601-0001\",\"operator\":\"7\",\"trace\":\"00-0af7-b7ad-01\","
	"\"request\":\"0400000000000000000000000000000000000000000000000000000000000000\","
	"\"matter\":\"individual-business-registration\",\"version\":\"1\",\"on\":\"2026-06-01\","
	"\"decision\":\"refer\",\"sandbox\":true,\"subjects\":[{\"subject\":\"/subjects/"
	"applicant\","
	"\"digest\":\"0500000000000000000000000000000000000000000000000000000000000000\"}],"
	"\"elements\":[{\"element\":\"name\",\"subject\":\"/subjects/"
	"applicant\",\"code\":\"mismatch\","
	"\"flags\":[\"stale\",\"conflict\"],\"reason\":\"differs\",\"rule\":\"N-3\",\"sources\":["
	"{\"source\":\"medical\",\"as_of\":\"2026-06-01T09:29:59.000+08:00\",\"version\":7,"
	"\"digest\":\"0102030000000000000000000000000000000000000000000000000000000000\"},"
	"{\"source\":\"social\",\"as_of\":null}],"
	"\"commitment\":\"0900000000000000000000000000000000000000000000000000000000000000\"},"
	"{\"element\":\"alive\",\"subject\":\"/subjects/"
	"applicant\",\"code\":\"match\",\"flags\":[],"
	"\"sources\":[]}],"
	"\"obligations\":\"0800000000000000000000000000000000000000000000000000000000000000\"}";

static struct bd_trail_entry entry_of(enum bd_trail_kind kind, struct bd_bytes payload)
{
	return (struct bd_trail_entry){
		.kind = kind, .id = { 1, 2, 3, 64 }, .time_ms = NOW, .payload = payload
	};
}

static void receipt_round_trip(void **state)
{
	struct bd_trail_receipt receipt = example(), again;
	struct bd_trail_entry entry;
	struct bd_buf twice;

	(void)state;
	assert_int_equal(bd_trail_receipt_pack(&packed, &receipt), BD_OK);
	entry = entry_of(BD_TRAIL_COMPARE, bd_buf_bytes(&packed));
	assert_int_equal(bd_trail_entry_write(&json, &entry, &arena), BD_OK);
	assert_int_equal(json.len, sizeof(expected) - 1);
	assert_memory_equal(json.ptr, expected, json.len);
	assert_int_equal(bd_trail_receipt_unpack(&again, bd_buf_bytes(&packed), &arena), BD_OK);
	bd_buf_init(&twice, 1 << 20);
	assert_int_equal(bd_trail_receipt_pack(&twice, &again), BD_OK);
	assert_true(bd_bytes_equal(bd_buf_bytes(&twice), bd_buf_bytes(&packed)));
	bd_buf_release(&twice);
	assert_true(bd_bytes_is(bd_trail_entry_client(&entry), "engine"));
}

/* Who was asked on the spot, and what came of it, stands in the entry; of nobody, nothing. */
static void look_ups_are_told(void **state)
{
	static const char told[] = "\"look_ups\":[{\"source\":\"tax\",\"feed\":\"gt3\",\"subject\":"
				   "\"/subjects/business\","
				   "\"code\":\"connect.timeout\"},{\"source\":\"medical\",\"feed\":"
				   "\"platform\",\"subject\":"
				   "\"/subjects/applicant\",\"code\":\"ok\"}],\"obligations\":";
	const struct bd_trail_look_up look_ups[] = {
		{ TEXT("tax"), TEXT("gt3"), TEXT("/subjects/business"), TEXT("connect.timeout") },
		{ TEXT("medical"), TEXT("platform"), TEXT("/subjects/applicant"), TEXT("ok") },
	};
	struct bd_trail_receipt receipt = example(), again;
	struct bd_trail_entry entry;
	struct bd_buf none, twice;

	(void)state;
	bd_buf_init(&none, 1 << 20);
	bd_buf_init(&twice, 1 << 20);
	assert_int_equal(bd_trail_receipt_pack(&none, &receipt), BD_OK);
	receipt.look_ups = look_ups;
	receipt.look_up_count = 2;
	assert_int_equal(bd_trail_receipt_pack(&packed, &receipt), BD_OK);
	/* All else is as it was, byte for byte. */
	assert_true(packed.len > none.len);
	assert_memory_equal(packed.ptr, none.ptr, none.len);
	entry = entry_of(BD_TRAIL_COMPARE, bd_buf_bytes(&packed));
	assert_int_equal(bd_trail_entry_write(&json, &entry, &arena), BD_OK);
	assert_int_equal(bd_buf_add_byte(&json, '\0'), BD_OK);
	assert_non_null(strstr(json.ptr, told));
	assert_int_equal(bd_trail_receipt_unpack(&again, bd_buf_bytes(&packed), &arena), BD_OK);
	assert_int_equal(again.look_up_count, 2);
	assert_true(bd_bytes_is(again.look_ups[1].feed, "platform"));
	assert_int_equal(again.others.len, 0);
	assert_int_equal(bd_trail_receipt_pack(&twice, &again), BD_OK);
	assert_true(bd_bytes_equal(bd_buf_bytes(&twice), bd_buf_bytes(&packed)));
	/* A member cut short is none. */
	packed.ptr[none.len + 1] ^= 1;
	assert_int_equal(
		bd_trail_receipt_unpack(&again, bd_buf_bytes(&packed), &arena), BD_TRAIL_DAMAGED);
	bd_buf_release(&twice);
	bd_buf_release(&none);
}

/* A later version's members, in the receipt and in an element, come through. */
static void unknown_members_are_kept(void **state)
{
	/* In the form of now, and in that of before. */
	static const char other[] = "\x7f\x02hi\0\x7e\0\0\0\x02ho";
	struct bd_bytes others = { other, sizeof(other) - 1 };
	struct bd_trail_element element = { .id = TEXT("name"), .others = others };
	struct bd_trail_receipt receipt = {
		.matter = TEXT("m"), .elements = &element, .element_count = 1, .others = others
	};
	struct bd_trail_receipt again;
	struct bd_trail_event event = { .status = TEXT("found"), .others = others }, event_again;

	(void)state;
	assert_int_equal(bd_trail_receipt_pack(&packed, &receipt), BD_OK);
	assert_int_equal(bd_trail_receipt_unpack(&again, bd_buf_bytes(&packed), &arena), BD_OK);
	assert_true(bd_bytes_equal(again.others, others));
	assert_int_equal(again.element_count, 1);
	assert_true(bd_bytes_equal(again.elements[0].others, others));
	bd_buf_clear(&packed);
	assert_int_equal(bd_trail_event_pack(&packed, &event), BD_OK);
	assert_int_equal(bd_trail_event_unpack(&event_again, bd_buf_bytes(&packed), &arena), BD_OK);
	assert_true(bd_bytes_equal(event_again.others, others));
	assert_true(bd_bytes_is(event_again.status, "found"));
}

/* Members of an earlier version: u16 tag, u32 length, numbers of eight bytes, every text whole. */
static const char before[] = "\0\x11\0\0\0\1m"
			     "\0\x15\0\0\0\x08\0\0\0\0\0\0\0\1"
			     "\0\x17\0\0\0\x11\0\1\0\0\0\1a\0\2\0\0\0\4/s/p"
			     "\0\x17\0\0\0\x24\0\1\0\0\0\1b\0\7\0\0\0\x17"
			     "\0\1\0\0\0\3tax\0\2\0\0\0\x08\0\0\1\x9e\x80\xcd\x90\x40";

static void receipts_of_before_are_read(void **state)
{
	struct bd_trail_receipt receipt, again;

	(void)state;
	assert_int_equal(bd_trail_receipt_unpack(
				 &receipt, (struct bd_bytes){ before, sizeof(before) - 1 }, &arena),
		BD_OK);
	assert_true(bd_bytes_is(receipt.matter, "m"));
	assert_true(receipt.is_sandbox);
	assert_int_equal(receipt.element_count, 2);
	assert_true(bd_bytes_is(receipt.elements[0].pointer, "/s/p"));
	assert_int_equal(receipt.elements[1].pointer.len, 0);
	assert_int_equal(receipt.elements[1].evidence_count, 1);
	assert_int_equal(receipt.elements[1].evidence[0].as_of_ms, INT64_C(0x19e80cd9040));
	assert_int_equal(receipt.others.len, 0);
	assert_int_equal(bd_trail_receipt_pack(&packed, &receipt), BD_OK);
	assert_true(packed.len < sizeof(before) / 2);
	assert_int_equal(bd_trail_receipt_unpack(&again, bd_buf_bytes(&packed), &arena), BD_OK);
	assert_int_equal(again.element_count, 2);
	assert_true(bd_bytes_is(again.elements[1].id, "b"));
	assert_int_equal(again.elements[1].pointer.len, 0);
	assert_int_equal(again.elements[1].evidence[0].as_of_ms, INT64_C(0x19e80cd9040));
}

/* What is as in the element before is told once; a text of none is none. */
static void elements_tell_what_differs(void **state)
{
	static const char *const pointers[] = { "/a", "/a", "/b", "", "/b" };
	struct bd_trail_element elements[5] = { { .id = { NULL, 0 } } };
	struct bd_trail_receipt receipt = { .elements = elements, .element_count = 5 }, again;
	char long_text[300];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	for (size_t i = 0; i < 5; i++) {
		elements[i].pointer = bd_bytes_of(pointers[i]);
		elements[i].code = bd_bytes_of(i < 3 ? "match" : "absent");
		elements[i].reason =
			(struct bd_bytes){ long_text, i == 2 ? sizeof(long_text) : 255 };
	}
	assert_int_equal(bd_trail_receipt_pack(&packed, &receipt), BD_OK);
	assert_int_equal(bd_trail_receipt_unpack(&again, bd_buf_bytes(&packed), &arena), BD_OK);
	assert_int_equal(again.element_count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_true(bd_bytes_is(again.elements[i].pointer, pointers[i]));
		assert_true(bd_bytes_equal(again.elements[i].code, elements[i].code));
		assert_true(bd_bytes_equal(again.elements[i].reason, elements[i].reason));
	}
}

/* Cut anywhere it is damaged, or says less where a member ended; never a read outside. */
static void cut_receipts(void **state)
{
	struct bd_trail_receipt receipt = example(), again;
	size_t whole = 0;

	(void)state;
	assert_int_equal(bd_trail_receipt_pack(&packed, &receipt), BD_OK);
	for (size_t len = 0; len < packed.len; len++) {
		char *exact = test_malloc(len + 1);
		enum bd_code code;

		memcpy(exact, packed.ptr, len);
		bd_arena_clear(&arena);
		code = bd_trail_receipt_unpack(&again, (struct bd_bytes){ exact, len }, &arena);
		assert_true(code == BD_OK || code == BD_TRAIL_DAMAGED);
		whole += code == BD_OK;
		test_free(exact);
	}
	/* Nothing, and behind each but the last of its 15 members. */
	assert_int_equal(whole, 15);
	packed.ptr[packed.len - 33] ^= 1; /* the length of a digest */
	assert_int_equal(
		bd_trail_receipt_unpack(&again, bd_buf_bytes(&packed), &arena), BD_TRAIL_DAMAGED);
}

static void events(void **state)
{
	struct bd_trail_event event = { .caller = { .client = TEXT("demo") },
		.source = TEXT("social"),
		.feed = TEXT("nws"),
		.message = 12,
		.received = 6,
		.accepted = 5,
		.rejected = 1,
		.body = { 3 } };
	struct bd_trail_entry entry;

	(void)state;
	assert_int_equal(bd_trail_event_pack(&packed, &event), BD_OK);
	entry = entry_of(BD_TRAIL_PUSH, bd_buf_bytes(&packed));
	assert_int_equal(bd_trail_entry_write(&json, &entry, &arena), BD_OK);
	assert_true(bd_bytes_is(bd_buf_bytes(&json),
		"{\"receipt\":\"0000000000000001-0002-00000003-00000040\",\"kind\":\"push\","
		"\"at\":\"2026-06-01T09:30:00.000+08:00\",\"client\":\"demo\",\"source\":"
		"\"social\","
		"\"feed\":\"nws\",\"message\":12,\"received\":6,\"accepted\":5,\"rejected\":1,"
		"\"body\":\"0300000000000000000000000000000000000000000000000000000000000000\"}"));
	bd_buf_clear(&json);
	entry.kind = (enum bd_trail_kind)77;
	assert_int_equal(bd_trail_entry_write(&json, &entry, &arena), BD_OK);
	assert_true(bd_bytes_is(bd_buf_bytes(&json),
		"{\"receipt\":\"0000000000000001-0002-00000003-00000040\",\"kind\":\"unknown\","
		"\"at\":\"2026-06-01T09:30:00.000+08:00\"}"));
}

/* With the opening anyone can tell what was compared; without it nobody, and another salt gives
 * another commitment. */
static void commitments(void **state)
{
	struct bd_trail_opening opening = { .claim = TEXT("林示例"), .value = TEXT("林样例") };
	uint8_t first[BD_DIGEST_BYTES], second[BD_DIGEST_BYTES];
	struct bd_trail_opening list[2];

	(void)state;
	assert_int_equal(bd_random(opening.salt, sizeof(opening.salt)), BD_OK);
	assert_int_equal(bd_trail_commit(first, &opening), BD_OK);
	list[0] = opening;
	assert_int_equal(bd_random(opening.salt, sizeof(opening.salt)), BD_OK);
	assert_int_equal(bd_trail_commit(second, &opening), BD_OK);
	list[1] = opening;
	assert_memory_not_equal(first, second, sizeof(first));
	assert_int_equal(bd_trail_opening_check(first, &list[0]), BD_OK);
	assert_int_equal(bd_trail_opening_check(second, &list[1]), BD_OK);
	assert_int_equal(bd_trail_opening_check(first, &list[1]), BD_PROOF_WRONG);
	/* What was claimed and what was held are not one text cut elsewhere. */
	list[0].claim = TEXT("林示例林");
	list[0].value = TEXT("样例");
	assert_int_equal(bd_trail_opening_check(first, &list[0]), BD_PROOF_WRONG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(receipt_round_trip),
		TEST(look_ups_are_told),
		TEST(unknown_members_are_kept),
		TEST(receipts_of_before_are_read),
		TEST(elements_tell_what_differs),
		TEST(cut_receipts),
		TEST(events),
		TEST(commitments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
