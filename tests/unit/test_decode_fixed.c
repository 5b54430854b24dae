/* test_decode_fixed.c - columns of fixed widths in bytes: good, bad, at every cut. */
#include "base/limits.h"
#include "decode_check.h"

static const struct bd_column_plan columns[] = { { "A", 2 }, { "B", 4 } };
static const struct bd_decode_settings plain = { .columns = columns, .column_count = 2 };

static void gives_rows(void **state)
{
	static const struct decode_case rows[] = {
		{ "", "=ok", 0 },
		{ "12abcd\n1  bc \r\n",
			".row +A \"12\" - +B \"abcd\" - - .row +A \"1\" - +B \"bc\" - - =ok", 0 },
		{ "  \\N  \n\n", ".row +A \"\" - +B null - - =ok", 0 },
		{ "12林 ", ".row +A \"12\" - +B \"林\" - - =ok", 0 },
		{ "\xEF\xBB\xBF"
		  "12abcd",
			".row +A \"12\" - +B \"abcd\" - - =ok", 0 },
	};

	(void)state;
	check_cases(BD_FORMAT_FIXED, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

static void goes_on_behind_a_bad_row(void **state)
{
#define GIVEN " .row +A \"12\" - +B \"abcd\" - - =ok"
	static const struct decode_case rows[] = {
		{ "12abc\n12abcd\n",
			"!row.too_few_columns row 1 column 0: 5 bytes, 6 agreed <12abc>" GIVEN, 0 },
		{ "12abcde\r\n12abcd\n",
			"!row.too_many_columns row 1 column 0: 7 bytes, 6 agreed <12abcde>" GIVEN,
			0 },
		{ "1林ab\n12abcd\n",
			"!text.encoding row 1 column 1: byte 2 of the field <1林ab>" GIVEN, 0 },
		{ "12a\x01z \n12abcd\n", "!text.control row 1 column 2: B <12a\\x01z >" GIVEN, 0 },
	};

	(void)state;
	check_cases(BD_FORMAT_FIXED, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

/* Widths are bytes of the row as it came; a row has one charset. */
static void decodes_charsets(void **state)
{
	struct bd_decode_settings settings = plain;

	(void)state;
	settings.charset = "gb18030";
	check_log(BD_FORMAT_FIXED, &settings, bd_bytes_of("\xC1\xD6\xA1\xA1\xD2\xB6\n"),
		".row +A \"林\" - +B \"叶\" - - =ok", false);
	settings.charset = "auto";
	check_log(BD_FORMAT_FIXED, &settings, bd_bytes_of("\xD2\xB6\xC1\xD6  \n12林 \n"),
		".row +A \"叶\" - +B \"林\" - - .row +A \"12\" - +B \"林\" - - =ok", false);
}

static void skips_a_row_too_long(void **state)
{
	static const size_t steps[] = { 0, 1000, BD_RECORD_MAX_BYTES, BD_RECORD_MAX_BYTES + 1 };
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, 4 * BD_RECORD_MAX_BYTES);
	for (int i = 0; i < 2 * BD_RECORD_MAX_BYTES; i++) {
		bd_buf_add_byte(&text, 'a');
	}
	bd_buf_add_text(&text, "\n12abcd");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct decode_log log;

		decode_log_init(&log);
		decode_log_run(&log, BD_FORMAT_FIXED, &plain, bd_buf_bytes(&text), steps[i]);
		assert_string_equal(log.out.ptr, "!limit.bytes row 1 column 0: longer than 262144 "
						 "bytes <262144 bytes> .row +A "
						 "\"12\" - +B \"abcd\" - - =ok");
		bd_buf_release(&log.out);
	}
	bd_buf_release(&text);
}

static void checks_the_header(void **state)
{
	struct bd_decode_settings settings = plain;

	(void)state;
	settings.has_header = true;
	check_log(BD_FORMAT_FIXED, &settings, bd_bytes_of("A B   \n12abcd\n"),
		".row +A \"12\" - +B \"abcd\" - - =ok", false);
	check_log(BD_FORMAT_FIXED, &settings, bd_bytes_of("B A   \n12abcd\n"),
		"=envelope.missing 1:1", false);
}

static void stops_when_refused(void **state)
{
	(void)state;
	check_refusals(BD_FORMAT_FIXED, &plain, bd_bytes_of("12abcd\n1\n12ab  \n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_rows),
		cmocka_unit_test(goes_on_behind_a_bad_row),
		cmocka_unit_test(decodes_charsets),
		cmocka_unit_test(skips_a_row_too_long),
		cmocka_unit_test(checks_the_header),
		cmocka_unit_test(stops_when_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
