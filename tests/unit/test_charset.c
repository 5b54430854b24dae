/* test_charset.c - GB18030-2022 and UTF-8, every code of them, whole and in pieces. */
#include "base/charset.h"

#include "base/digest.h"
#include "rows.h"

#define TWO_BYTE_CODES 23940
#define BMP_POINTERS 39420
#define FIRST_HIGH 189000
#define LAST_HIGH 1237575

static struct bd_bytes bytes_of(const uint8_t *bytes, size_t len)
{
	return (struct bd_bytes){ (const char *)bytes, len };
}

/* -- the table -- */

static void answer_decoded(struct bd_buf *out, const struct row *row)
{
	enum bd_charset charset = row_is(row, 0, "utf-8") ? BD_CHARSET_UTF8 : BD_CHARSET_GB18030;
	struct bd_buf text;
	size_t bad = 0;
	enum bd_code code;

	bd_buf_init(&text, 65536);
	code = bd_charset_decode(&text, charset, row_column(row, 1), &bad);
	if (text.len > 0 || code == BD_OK) {
		row_show(out, bd_buf_bytes(&text));
	}
	if (code != BD_OK) {
		bd_buf_printf(
			out, "%s%s at %zu", text.len > 0 ? " " : "", bd_code_info(code)->text, bad);
	}
	bd_buf_release(&text);
}

static void each_text_is_decoded_as_the_table_says(void **state)
{
	(void)state;
	check_rows("base/charset.tsv", answer_decoded);
}

static void labels_are_known(void **state)
{
	static const char *const gb[] = { "GB18030", "gbk", "GB2312", "x-gbk", "CP936" };
	static const char *const utf8[] = { "UTF-8", "utf8", "US-ASCII", "ascii" };
	static const char *const none[] = { "", "hz", "gb", "gb180301", "utf-16", "big5", "utf-8 ",
		"iso-8859-1" };

	(void)state;
	for (size_t i = 0; i < sizeof(gb) / sizeof(gb[0]); i++) {
		assert_int_equal(bd_charset_find(bd_bytes_of(gb[i])), BD_CHARSET_GB18030);
	}
	for (size_t i = 0; i < sizeof(utf8) / sizeof(utf8[0]); i++) {
		assert_int_equal(bd_charset_find(bd_bytes_of(utf8[i])), BD_CHARSET_UTF8);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(bd_charset_find(bd_bytes_of(none[i])), BD_CHARSET_UNKNOWN);
	}
}

/* -- GB18030, all of it -- */

static void check_digest(const struct bd_buf *text, const char *expected)
{
	uint8_t digest[BD_DIGEST_BYTES];
	char hex[2 * BD_DIGEST_BYTES + 1];

	assert_int_equal(bd_sha256_of(bd_buf_bytes(text), digest), BD_OK);
	bd_hex(hex, digest, sizeof(digest));
	assert_string_equal(hex, expected);
}

/* The digest is of what ICU 78 makes of the same codes, by the WHATWG Encoding Standard. */
static void every_two_byte_code_is_that_of_the_standard(void **state)
{
	struct bd_buf text;
	size_t count = 0;

	(void)state;
	bd_buf_init(&text, 1 << 20);
	for (unsigned lead = 0; lead < 256; lead++) {
		for (unsigned trail = 0; trail < 256; trail++) {
			const uint8_t code[] = { (uint8_t)lead, (uint8_t)trail };
			size_t bad = 0, before = text.len;

			if (lead < 0x81) {
				continue;
			}
			if (bd_charset_decode(&text, BD_CHARSET_GB18030, bytes_of(code, 2), &bad) ==
				BD_OK) {
				assert_true(text.len > before);
				count++;
			} else {
				assert_int_equal(bad, 0);
				assert_int_equal(text.len, before);
			}
		}
	}
	assert_int_equal(count, TWO_BYTE_CODES);
	check_digest(&text, "85373408efe24c652c0a2f37997df8c657b0e8a654d07d9f9d97f1ad16609bc6");
	bd_buf_release(&text);
}

static void write_pointer(uint8_t code[4], uint32_t pointer)
{
	code[0] = (uint8_t)(0x81 + pointer / 12600);
	code[1] = (uint8_t)(0x30 + pointer / 1260 % 10);
	code[2] = (uint8_t)(0x81 + pointer / 10 % 126);
	code[3] = (uint8_t)(0x30 + pointer % 10);
}

static void every_four_byte_code_is_that_of_the_standard(void **state)
{
	struct bd_buf text, one;
	uint8_t code[4];
	size_t bad = 0;

	(void)state;
	bd_buf_init(&text, 1 << 20);
	bd_buf_init(&one, 64);
	for (uint32_t pointer = 0; pointer < 126 * 12600; pointer++) {
		enum bd_code result;
		uint32_t point = 0;
		struct bd_bytes rest;
		bool ok = true;

		write_pointer(code, pointer);
		bd_buf_clear(&one);
		result = bd_charset_decode(&one, BD_CHARSET_GB18030, bytes_of(code, 4), &bad);
		if (pointer < BMP_POINTERS) {
			assert_int_equal(result, BD_OK);
			bd_buf_add(&text, bd_buf_bytes(&one));
		} else if (pointer < FIRST_HIGH || pointer > LAST_HIGH) {
			assert_int_equal(result, BD_TEXT_ENCODING);
			assert_int_equal(bad, 0);
		} else {
			rest = bd_buf_bytes(&one);
			assert_int_equal(result, BD_OK);
			assert_true(bd_text_next(&point, &rest, &ok) && rest.len == 0);
			assert_int_equal(point, 0x10000 + pointer - FIRST_HIGH);
		}
	}
	check_digest(&text, "efc8b18e905caa9e0ea4187852ab4d90bb671c8c722cca4d6bd4f58746eb3e00");
	bd_buf_release(&text);
	bd_buf_release(&one);
}

/* Whatever stands behind a lead byte where no trail byte can: the place is the lead's, and what
 * came before it is all that is given. A delimiter is never taken for half of a character. */
static void a_bad_trail_byte_swallows_nothing(void **state)
{
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, 64);
	for (unsigned lead = 0x80; lead < 256; lead++) {
		for (unsigned trail = 0; trail < 256; trail++) {
			const uint8_t line[] = { 'A', (uint8_t)lead, (uint8_t)trail, 'B', '\n' };
			bool is_two = lead >= 0x81 && lead <= 0xFE && trail >= 0x40 &&
				      trail != 0x7F && trail != 0xFF;
			size_t bad = 0;
			enum bd_code code;

			bd_buf_clear(&text);
			code = bd_charset_decode(
				&text, BD_CHARSET_GB18030, bytes_of(line, sizeof(line)), &bad);
			assert_int_equal(code, is_two ? BD_OK : BD_TEXT_ENCODING);
			if (!is_two) {
				assert_int_equal(bad, 1);
				assert_true(bd_bytes_is(bd_buf_bytes(&text), "A"));
			} else {
				assert_true(memcmp(text.ptr + text.len - 2, "B\n", 2) == 0);
			}
		}
	}
	bd_buf_release(&text);
}

/* -- UTF-8 -- */

/* RFC 3629 by its numbers: the shortest form of a code point that is no surrogate. */
static bool is_character(const uint8_t *at, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t point = len == 2 ? at[0] & 0x1Fu : len == 3 ? at[0] & 0x0Fu : at[0] & 0x07u;
	static const uint8_t masks[] = { 0, 0, 0xE0, 0xF0, 0xF8 },
			     leads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };

	if ((at[0] & masks[len]) != leads[len]) {
		return false;
	}
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xC0) != 0x80) {
			return false;
		}
		point = point << 6 | (at[i] & 0x3Fu);
	}
	return point >= least[len] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

static void check_utf8(const uint8_t *code, size_t len)
{
	char room[16];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };
	size_t bad = 0;
	enum bd_code result = bd_charset_decode(&text, BD_CHARSET_UTF8, bytes_of(code, len), &bad);

	if (is_character(code, len)) {
		assert_int_equal(result, BD_OK);
		assert_memory_equal(room, code, len);
	} else if (result == BD_OK) {
		/* Several characters, each shorter. */
		assert_true(bd_text_is_utf8(bytes_of(code, len)));
		assert_true(code[len - 1] < 0x80 || is_character(code + len - 2, 2) ||
			    (len > 3 && is_character(code + len - 3, 3)));
	}
	assert_int_equal(bd_text_is_utf8(bytes_of(code, len)), result == BD_OK);
}

static void every_utf8_character_and_no_other_passes(void **state)
{
	static const uint8_t fourth[] = { 0x00, 0x41, 0x7F, 0x80, 0x81, 0xBF, 0xC0, 0xFF };
	uint8_t code[4];

	(void)state;
	for (unsigned lead = 0x80; lead < 256; lead++) {
		for (unsigned second = 0; second < 256; second++) {
			code[0] = (uint8_t)lead;
			code[1] = (uint8_t)second;
			check_utf8(code, 2);
			for (unsigned third = 0; third < 256; third++) {
				code[2] = (uint8_t)third;
				check_utf8(code, 3);
				for (size_t i = 0; lead >= 0xF0 && i < sizeof(fourth); i++) {
					code[3] = fourth[i];
					check_utf8(code, 4);
				}
			}
		}
	}
}

/* -- streams -- */

struct outcome {
	enum bd_code code;
	uint64_t offset;
	struct bd_buf text;
};

static enum bd_code feed(struct outcome *outcome, struct bd_charset_stream *stream,
	struct bd_bytes bytes, size_t from, size_t to)
{
	/* Of its own length: a read past the end of a piece is seen by the sanitizer. */
	char *piece = malloc(to > from ? to - from : 1);
	enum bd_code code;

	assert_non_null(piece);
	memcpy(piece, bytes.ptr + from, to - from);
	code = bd_charset_stream_feed(
		stream, &outcome->text, (struct bd_bytes){ piece, to - from });
	free(piece);
	return code;
}

static void run_stream(struct outcome *outcome, enum bd_charset charset, struct bd_bytes bytes,
	size_t first, size_t second)
{
	struct bd_charset_stream stream;

	bd_buf_clear(&outcome->text);
	bd_charset_stream_init(&stream, charset);
	outcome->code = feed(outcome, &stream, bytes, 0, first);
	if (outcome->code == BD_OK) {
		outcome->code = feed(outcome, &stream, bytes, first, second);
	}
	if (outcome->code == BD_OK) {
		outcome->code = feed(outcome, &stream, bytes, second, bytes.len);
	}
	if (outcome->code == BD_OK) {
		outcome->code = bd_charset_stream_end(&stream);
	}
	outcome->offset = stream.offset;
}

static void check_cuts(enum bd_charset charset, struct bd_bytes bytes)
{
	struct outcome whole, cut;

	bd_buf_init(&whole.text, 4096);
	bd_buf_init(&cut.text, 4096);
	run_stream(&whole, charset, bytes, bytes.len, bytes.len);
	for (size_t first = 0; first <= bytes.len; first++) {
		for (size_t second = first; second <= bytes.len; second++) {
			run_stream(&cut, charset, bytes, first, second);
			assert_int_equal(cut.code, whole.code);
			assert_int_equal(cut.offset, whole.offset);
			assert_true(
				bd_bytes_equal(bd_buf_bytes(&cut.text), bd_buf_bytes(&whole.text)));
		}
	}
	bd_buf_release(&whole.text);
	bd_buf_release(&cut.text);
}

static void a_stream_is_the_same_at_any_cut(void **state)
{
	static const struct {
		enum bd_charset charset;
		const char *bytes;
	} cases[] = {
		{ BD_CHARSET_GB18030, "A\xC1\xD6\x99\x33\xA9\x32"
				      "B\xFE\x51\x82\x35\x90\x37\n" },
		{ BD_CHARSET_GB18030, "\x81\x30\x81\x30\xE3\x32\x9A\x35\xA3\xA0" },
		{ BD_CHARSET_GB18030, "A\xC1\xD6\x81\x30\x81" },
		{ BD_CHARSET_GB18030, "A\xC1\xD6\x81\x30\x81\x41" },
		{ BD_CHARSET_GB18030, "A\xC1\xD6\x81\x30\x0A\x41" },
		{ BD_CHARSET_GB18030, "A\xC1\xD6\xC1\x01"
				      "B" },
		{ BD_CHARSET_GB18030, "A\xC1\xD6\xC1" },
		{ BD_CHARSET_GB18030, "AB\xFF"
				      "C" },
		{ BD_CHARSET_GB18030, "\x84\x31\xA4\x40" },
		{ BD_CHARSET_UTF8, "A林\xF0\xAC\xAD\x8E·B\n" },
		{ BD_CHARSET_UTF8, "A林\xF0\xAC\xAD" },
		{ BD_CHARSET_UTF8, "A林\xF0\xAC\xAD\x41" },
		{ BD_CHARSET_UTF8, "A林\xED\xA0\x80" },
		{ BD_CHARSET_UTF8, "A林\xC0\x80" },
		{ BD_CHARSET_UTF8, "A林\x80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_cuts(cases[i].charset, bd_bytes_of(cases[i].bytes));
	}
}

/* A buffer of every length too short for what comes. */
static void a_full_buffer_is_told(void **state)
{
	struct bd_bytes bytes = bd_bytes_of("A\xC1\xD6\x99\x33\xA9\x32"
					    "B");
	size_t bad;

	(void)state;
	for (size_t max = 0; max <= 9; max++) {
		struct bd_buf text;

		bd_buf_init(&text, max);
		assert_int_equal(bd_charset_decode(&text, BD_CHARSET_GB18030, bytes, &bad),
			max < 9 ? BD_LIMIT_BYTES : BD_OK);
		assert_true(text.len <= max);
		bd_buf_release(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_is_decoded_as_the_table_says),
		cmocka_unit_test(labels_are_known),
		cmocka_unit_test(every_two_byte_code_is_that_of_the_standard),
		cmocka_unit_test(every_four_byte_code_is_that_of_the_standard),
		cmocka_unit_test(a_bad_trail_byte_swallows_nothing),
		cmocka_unit_test(every_utf8_character_and_no_other_passes),
		cmocka_unit_test(a_stream_is_the_same_at_any_cut),
		cmocka_unit_test(a_full_buffer_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
