/* test_inflate.c - gzip bodies opened: members, cuts, damage, expansion, garbage behind. */
#include "base/limits.h"
#include "intake/inflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#define MAX_BYTES (UINT64_C(64) << 20)

struct gathering {
	struct bd_inflate_sink sink;
	struct bd_buf out;
	bool is_refusing;
};

static enum bd_code on_bytes(
	struct bd_inflate_sink *sink, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct gathering *gathering = (struct gathering *)sink;

	if (gathering->is_refusing) {
		return bd_fail(diag, BD_BUSY, "the sink refuses");
	}
	return bd_buf_add(&gathering->out, bytes);
}

static void open_gathering(struct gathering *gathering)
{
	*gathering = (struct gathering){ .sink = { on_bytes } };
	bd_buf_init(&gathering->out, 64 << 20);
}

/* Appends one member. */
static void compress_into(struct bd_buf *out, struct bd_bytes plain)
{
	z_stream stream = { 0 };
	size_t room;

	assert_int_equal(
		deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	room = deflateBound(&stream, plain.len);
	assert_int_equal(bd_buf_reserve(out, room), BD_OK);
	stream.next_in = (Bytef *)plain.ptr;
	stream.avail_in = (uInt)plain.len;
	stream.next_out = (Bytef *)out->ptr + out->len;
	stream.avail_out = (uInt)room;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	out->len += stream.total_out;
	deflateEnd(&stream);
}

static enum bd_code run(struct gathering *gathering, struct bd_bytes bytes, size_t step,
	uint64_t max, struct bd_diag *diag)
{
	struct bd_inflate *inflate;
	enum bd_code code;

	assert_int_equal(bd_inflate_new(&inflate, &gathering->sink, max), BD_OK);
	for (code = BD_OK; code == BD_OK && bytes.len > 0;) {
		size_t len = step > 0 && step < bytes.len ? step : bytes.len;

		code = bd_inflate_feed(inflate, (struct bd_bytes){ bytes.ptr, len }, diag);
		bytes.ptr += len;
		bytes.len -= len;
	}
	if (code == BD_OK) {
		code = bd_inflate_end(inflate, diag);
	} else {
		/* The first failure stays. */
		assert_int_equal(
			bd_inflate_feed(inflate, (struct bd_bytes){ "\x1F", 1 }, NULL), code);
		assert_int_equal(bd_inflate_end(inflate, NULL), code);
	}
	bd_inflate_free(inflate);
	return code;
}

static enum bd_code run_all(struct bd_bytes bytes, const char *expected)
{
	static const size_t steps[] = { 0, 1, 2, 7, 100 };
	enum bd_code first = BD_OK;
	uint64_t offset = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct gathering gathering;
		struct bd_diag diag = { 0 };
		enum bd_code code;

		open_gathering(&gathering);
		code = run(&gathering, bytes, steps[i], MAX_BYTES, &diag);
		assert_int_equal(diag.code, code);
		first = i == 0 ? code : first;
		offset = i == 0 ? diag.place.offset : offset;
		assert_int_equal(code, first);
		assert_int_equal(diag.place.offset, offset);
		if (code == BD_OK) {
			assert_int_equal(gathering.out.len, strlen(expected));
			assert_memory_equal(gathering.out.ptr, expected, gathering.out.len);
		}
		bd_buf_release(&gathering.out);
	}
	return first;
}

static void opens_members(void **state)
{
	struct bd_buf body;

	(void)state;
	bd_buf_init(&body, 1 << 20);
	compress_into(&body, bd_bytes_of("{\"a\":1}"));
	assert_int_equal(run_all(bd_buf_bytes(&body), "{\"a\":1}"), BD_OK);
	compress_into(&body, bd_bytes_of(""));
	compress_into(&body, bd_bytes_of("林示例\n"));
	assert_int_equal(run_all(bd_buf_bytes(&body), "{\"a\":1}林示例\n"), BD_OK);
	bd_buf_release(&body);
}

/* Cut anywhere but between the members. */
static void refuses_what_is_cut(void **state)
{
	struct bd_buf body;
	size_t first;

	(void)state;
	bd_buf_init(&body, 1 << 20);
	assert_int_equal(run_all(bd_buf_bytes(&body), ""), BD_MESSAGE_TRUNCATED);
	compress_into(&body, bd_bytes_of("one one one"));
	first = body.len;
	compress_into(&body, bd_bytes_of("two"));
	for (size_t len = 1; len < body.len; len++) {
		assert_int_equal(run_all((struct bd_bytes){ body.ptr, len }, "one one one"),
			len == first ? BD_OK : BD_MESSAGE_TRUNCATED);
	}
	bd_buf_release(&body);
}

static void refuses_what_is_damaged(void **state)
{
	struct bd_buf body;

	(void)state;
	bd_buf_init(&body, 1 << 20);
	compress_into(&body, bd_bytes_of("one one one"));
	for (size_t i = 0; i < 8; i++) {
		size_t at = body.len - 8 + i;

		/* CRC-32 and length (RFC 1952 section 2.3.1). */
		body.ptr[at] ^= 1;
		assert_int_equal(run_all(bd_buf_bytes(&body), ""), BD_GZIP_DATA);
		body.ptr[at] ^= 1;
	}
	bd_buf_add_text(&body, "garbage");
	assert_int_equal(run_all(bd_buf_bytes(&body), ""), BD_GZIP_DATA);
	assert_int_equal(run_all(bd_bytes_of("plain text"), ""), BD_GZIP_DATA);
	/* zlib (RFC 1950) is not gzip. */
	assert_int_equal(run_all((struct bd_bytes){ "\x78\x9C\x03\x00\x00\x00\x00\x01", 8 }, ""),
		BD_GZIP_DATA);
	bd_buf_release(&body);
}

static enum bd_code run_letters(size_t count, uint64_t max, size_t step)
{
	struct gathering gathering;
	struct bd_buf plain, body;
	struct bd_diag diag = { 0 };
	enum bd_code code;

	open_gathering(&gathering);
	bd_buf_init(&plain, count + 1);
	bd_buf_init(&body, 4 << 20);
	for (size_t i = 0; i < count; i++) {
		bd_buf_add_byte(&plain, 'a');
	}
	compress_into(&body, bd_buf_bytes(&plain));
	code = run(&gathering, bd_buf_bytes(&body), step, max, &diag);
	bd_buf_release(&gathering.out);
	bd_buf_release(&plain);
	bd_buf_release(&body);
	return code;
}

static void keeps_the_ratio(void **state)
{
	static const size_t steps[] = { 0, 1, 50 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(run_letters(65536, MAX_BYTES, steps[i]), BD_OK);
		assert_int_equal(run_letters(1 << 20, MAX_BYTES, steps[i]), BD_LIMIT_EXPANSION);
		assert_int_equal(run_letters(1000, 1000, steps[i]), BD_OK);
		assert_int_equal(run_letters(1001, 1000, steps[i]), BD_LIMIT_EXPANSION);
	}
}

/* More than the room inside, of data that do not compress. */
static void gives_everything(void **state)
{
	struct bd_buf plain, body;
	uint32_t seed = 1;

	(void)state;
	bd_buf_init(&plain, 1 << 20);
	bd_buf_init(&body, 1 << 20);
	for (size_t i = 0; i < 300000; i++) {
		seed = seed * 1103515245 + 12345;
		bd_buf_add_byte(&plain, (char)('a' + (seed >> 16) % 26));
	}
	compress_into(&body, bd_buf_bytes(&plain));
	bd_buf_add_byte(&plain, '\0');
	assert_int_equal(run_all(bd_buf_bytes(&body), plain.ptr), BD_OK);
	bd_buf_release(&plain);
	bd_buf_release(&body);
}

static void passes_on_a_refusal(void **state)
{
	struct gathering gathering;
	struct bd_diag diag = { 0 };
	struct bd_buf body;

	(void)state;
	bd_buf_init(&body, 1 << 20);
	compress_into(&body, bd_bytes_of("one"));
	open_gathering(&gathering);
	gathering.is_refusing = true;
	assert_int_equal(run(&gathering, bd_buf_bytes(&body), 0, MAX_BYTES, &diag), BD_BUSY);
	bd_buf_release(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_members),
		cmocka_unit_test(refuses_what_is_cut),
		cmocka_unit_test(refuses_what_is_damaged),
		cmocka_unit_test(keeps_the_ratio),
		cmocka_unit_test(gives_everything),
		cmocka_unit_test(passes_on_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
