/* test_witness.c - what a second party keeps of the trail's heads: each line there and back, every
 * bit of it, and what does not go together. */
#include "trail_support.h"

#include "base/json.h"

#define LINES 4

static struct bd_sign_key *own, *other;
static struct bd_trail_keys own_keys, other_keys, both_keys;
static struct bd_trail_signed heads[LINES];
static struct bd_arena arena;

/* A head of a trail that has so many entries. */
static void make_head(
	struct bd_trail_signed *out, uint64_t number, uint64_t size, uint64_t instance)
{
	static struct bd_trail_head head;
	struct bd_buf body;

	head = (struct bd_trail_head){ .instance = instance,
		.number = number,
		.size = size,
		.time_ms = NOW + (int64_t)number };
	memset(head.root.bytes, (int)size, sizeof(head.root.bytes));
	memcpy(head.key_id, bd_sign_key_id(key), BD_DIGEST_BYTES);
	bd_buf_init(&body, BD_TRAIL_HEAD_MAX_BYTES);
	assert_int_equal(bd_trail_head_pack(&body, &head), BD_OK);
	out->body = bd_arena_copy(&arena, bd_buf_bytes(&body));
	assert_int_equal(bd_sign(out->signature, key, out->body), BD_OK);
	bd_buf_release(&body);
}

static int set_up(void **state)
{
	const struct bd_sign_key *list[2];

	set_up_keys(state);
	assert_int_equal(bd_sign_key_generate(&own, BD_SIGN_SM2_SM3), BD_OK);
	assert_int_equal(bd_sign_key_generate(&other, BD_SIGN_ECDSA_P256_SHA256), BD_OK);
	list[0] = own;
	give_keys(&own_keys, list, 1);
	list[1] = other;
	give_keys(&both_keys, list, 2);
	list[0] = other;
	give_keys(&other_keys, list, 1);
	bd_arena_init(&arena, 1 << 22);
	for (uint64_t i = 0; i < LINES; i++) {
		make_head(&heads[i], 10 + i, 100 + i, 7);
	}
	return 0;
}

static int tear_down(void **state)
{
	bd_arena_release(&arena);
	bd_trail_keys_free(&own_keys);
	bd_trail_keys_free(&both_keys);
	bd_trail_keys_free(&other_keys);
	bd_sign_key_free(own);
	bd_sign_key_free(other);
	return tear_down_keys(state);
}

static void add_line(
	struct bd_buf *out, const struct bd_trail_signed *head, const struct bd_sign_key *by)
{
	assert_int_equal(bd_trail_witness_write(out, head, by, NOW, NULL), BD_OK);
	assert_int_equal(bd_buf_add_byte(out, '\n'), BD_OK);
}

static enum bd_code read_all(struct bd_trail_seen *seen, struct bd_bytes text,
	const struct bd_trail_keys *witnesses, struct bd_diag *diag)
{
	*diag = (struct bd_diag){ .code = BD_OK };
	*seen = (struct bd_trail_seen){ NULL, 0, 0 };
	return bd_trail_seen_read(seen, text, &keys, witnesses, diag);
}

static void test_there_and_back(void **state)
{
	struct bd_trail_seen seen;
	struct bd_diag diag;
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, 1 << 20);
	/* In any order, some twice, by two witnesses, with blank lines between. */
	for (size_t i = 0; i < 2 * LINES; i++) {
		add_line(&text, &heads[(i * 3) % LINES], i % 2 == 0 ? own : other);
		assert_int_equal(bd_buf_add_text(&text, "\r\n"), BD_OK);
	}
	assert_int_equal(read_all(&seen, bd_buf_bytes(&text), &both_keys, &diag), BD_OK);
	assert_int_equal(seen.count, LINES);
	assert_int_equal(seen.instance, 7);
	for (size_t i = 0; i < LINES; i++) {
		assert_int_equal(seen.items[i].number, 10 + i);
		assert_int_equal(seen.items[i].size, 100 + i);
	}
	bd_trail_seen_free(&seen);
	/* Whom is asked for is asked for; nobody in particular is not. */
	assert_int_equal(
		read_all(&seen, bd_buf_bytes(&text), &own_keys, &diag), BD_SIGNATURE_WRONG);
	assert_int_equal(diag.place.line, 3);
	assert_int_equal(read_all(&seen, bd_buf_bytes(&text), NULL, &diag), BD_OK);
	bd_trail_seen_free(&seen);
	bd_buf_release(&text);
}

static void test_every_bit(void **state)
{
	struct bd_trail_seen seen;
	struct bd_diag diag;
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, 1 << 16);
	add_line(&text, &heads[0], other);
	for (size_t bit = 0; bit < 8 * (text.len - 1); bit += 3) {
		text.ptr[bit / 8] ^= (char)(1 << bit % 8);
		if (read_all(&seen, bd_buf_bytes(&text), &other_keys, &diag) == BD_OK) {
			/* A digit of the key's id in the other case: the same id. */
			assert_int_equal(bit % 8, 5);
			bd_trail_seen_free(&seen);
		}
		text.ptr[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = 0; len + 1 < text.len; len++) {
		assert_int_not_equal(
			read_all(&seen, (struct bd_bytes){ text.ptr, len }, &other_keys, &diag),
			BD_OK);
	}
	bd_buf_release(&text);
}

/* Two heads of one number, a number with fewer entries than one before, another trail. */
static void test_a_split_view(void **state)
{
	struct bd_trail_signed odd[3];

	(void)state;
	make_head(&odd[0], 11, 150, 7);
	make_head(&odd[1], 12, 90, 7);
	make_head(&odd[2], 12, 102, 8);
	for (size_t i = 0; i < 3; i++) {
		struct bd_trail_seen seen;
		struct bd_diag diag;
		struct bd_buf text;

		bd_buf_init(&text, 1 << 16);
		add_line(&text, &heads[1], own);
		assert_int_equal(read_all(&seen, bd_buf_bytes(&text), &own_keys, &diag), BD_OK);
		bd_trail_seen_free(&seen);
		add_line(&text, &odd[i], own);
		assert_int_equal(
			read_all(&seen, bd_buf_bytes(&text), &own_keys, &diag), BD_TRAIL_DAMAGED);
		assert_null(seen.items);
		bd_buf_release(&text);
	}
}

/* Not countersigned where that is asked; not by the key of the trail; nothing at all. */
static void test_what_is_none(void **state)
{
	static const char *const texts[] = { "", "\n\n", "{}", "[]", "null",
		"{\"format\":\"bidui-witness-1\"}", "x" };
	struct bd_trail_seen seen;
	struct bd_trail_signed foreign = heads[0];
	struct bd_json_writer w;
	struct bd_diag diag;
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, 1 << 16);
	bd_jw_init(&w, &text);
	bd_trail_signed_write(&w, NULL, &heads[0]);
	assert_int_equal(read_all(&seen, bd_buf_bytes(&text), NULL, &diag), BD_OK);
	bd_trail_seen_free(&seen);
	assert_int_equal(read_all(&seen, bd_buf_bytes(&text), &own_keys, &diag), BD_WITNESS_FORM);
	bd_buf_clear(&text);
	foreign.signature[5] ^= 1;
	add_line(&text, &foreign, own);
	assert_int_equal(
		read_all(&seen, bd_buf_bytes(&text), &own_keys, &diag), BD_SIGNATURE_WRONG);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_not_equal(
			read_all(&seen, bd_bytes_of(texts[i]), &own_keys, &diag), BD_OK);
		assert_int_not_equal(diag.code, BD_OK);
	}
	bd_buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_a_split_view),
		cmocka_unit_test(test_what_is_none),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
