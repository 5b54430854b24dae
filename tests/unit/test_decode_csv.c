/* test_decode_csv.c - CSV by RFC 4180, strict: good, bad, hostile, at every cut. */
#include "base/limits.h"
#include "decode_check.h"

static const struct bd_column_plan columns[] = { { "A", 0 }, { "B", 0 } };
static const struct bd_decode_settings plain = {
	.separator = ',', .columns = columns, .column_count = 2
};

static void gives_rows(void **state)
{
	static const struct decode_case rows[] = {
		{ "", "=ok", 0 },
		{ "1,2\r\n3,4\n5,6",
			".row +A \"1\" - +B \"2\" - - .row +A \"3\" - +B \"4\" - - .row +A "
			"\"5\" - +B \"6\" - - =ok",
			0 },
		{ "\"1\",\"2\"\r\n", ".row +A \"1\" - +B \"2\" - - =ok", 0 },
		{ "\"1\",\"2\"\r", ".row +A \"1\" - +B \"2\" - - =ok", 0 },
		{ "\"a\"\"b\",\"x,\r\ny\"\n", ".row +A \"a\\x22b\" - +B \"x,\\x0D\\x0Ay\" - - =ok",
			0 },
		{ ",\"\"\n", ".row +A \"\" - +B \"\" - - =ok", 0 },
		{ " 1 ,\" 2 \"\n", ".row +A \" 1 \" - +B \" 2 \" - - =ok", 0 },
		{ "\\N,\"\\N\"\n", ".row +A null - +B \"\\x5CN\" - - =ok", 0 },
		{ "\xEF\xBB\xBF林,2\n", ".row +A \"林\" - +B \"2\" - - =ok", 0 },
		{ "\xEF\xBB\xBF\"林\",2\n", ".row +A \"林\" - +B \"2\" - - =ok", 0 },
		{ "\r\n\n1,2\n", ".row +A \"1\" - +B \"2\" - - =ok", 0 },
	};

	(void)state;
	check_cases(BD_FORMAT_CSV, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

static void goes_on_behind_a_bad_row(void **state)
{
#define GOOD "1,2\n"
#define GIVEN " .row +A \"1\" - +B \"2\" - - =ok"
	static const struct decode_case rows[] = {
		{ "1\n" GOOD, "!row.too_few_columns row 1 column 0: 1 columns, 2 agreed <1>" GIVEN,
			0 },
		{ "1,2,3\r\n" GOOD,
			"!row.too_many_columns row 1 column 0: 3 columns, 2 agreed <1,2,3>" GIVEN,
			0 },
		{ "1,a\"b\",c\n" GOOD, "!csv.quote row 1 column 2:  <1,a\\x22b\\x22,c>" GIVEN, 0 },
		{ "\"1\"x,2\n" GOOD, "!csv.quote row 1 column 1:  <\\x221\\x22x,2>" GIVEN, 0 },
		{ "\"1\" ,2\n" GOOD, "!csv.quote row 1 column 1:  <\\x221\\x22 ,2>" GIVEN, 0 },
		{ "\"1\"\r\"2\",3\n" GOOD,
			"!text.control row 1 column 1:  <\\x221\\x22\\x0D\\x222\\x22,3>" GIVEN, 0 },
		{ "1\r2,3\n" GOOD, "!text.control row 1 column 1:  <1\\x0D2,3>" GIVEN, 0 },
		{ "1,\x02\n" GOOD, "!text.control row 1 column 2: B <1,\\x02>" GIVEN, 0 },
		{ "1,\"\xC1\"\n" GOOD,
			"!text.encoding row 1 column 2: byte 1 of the field "
			"<1,\\x22\xC1\\x22>" GIVEN,
			0 },
	};

	(void)state;
	check_cases(BD_FORMAT_CSV, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

static void an_open_quote_is_a_cut(void **state)
{
	static const struct decode_case rows[] = {
		{ "1,2\n3,\"4\n5,6\n", ".row +A \"1\" - +B \"2\" - - =message.truncated 2:0", 0 },
		{ "\"", "=message.truncated 1:0", 0 },
	};

	(void)state;
	check_cases(BD_FORMAT_CSV, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

static void checks_the_header(void **state)
{
	static const struct decode_case rows[] = {
		{ "A,\"B\"\r\n1,2\r\n", ".row +A \"1\" - +B \"2\" - - =ok", 0 },
		{ "\xEF\xBB\xBF\"A\",B\n", "=ok", 0 },
		{ "B,A\n1,2\n", "=envelope.missing 1:1", 0 },
		{ "A\n1,2\n", "=envelope.missing 1:2", 0 },
		{ "A,B,C\n1,2\n", "=envelope.missing 1:3", 0 },
	};
	struct bd_decode_settings settings = plain;

	(void)state;
	settings.has_header = true;
	check_cases(BD_FORMAT_CSV, &settings, rows, sizeof(rows) / sizeof(rows[0]));
}

/* A row has one charset: the bytes of 叶 in GB18030 are also one letter of UTF-8. */
static void decodes_charsets(void **state)
{
	struct bd_decode_settings settings = plain;

	(void)state;
	settings.charset = "auto";
	check_log(BD_FORMAT_CSV, &settings, bd_bytes_of("\xD2\xB6,\"\xC1\xD6\"\n"),
		".row +A \"叶\" - +B \"林\" - - =ok", false);
	check_log(BD_FORMAT_CSV, &settings, bd_bytes_of("叶,林\n"),
		".row +A \"叶\" - +B \"林\" - - =ok", false);
	settings.charset = "gb18030";
	check_log(BD_FORMAT_CSV, &settings, bd_bytes_of("\"\x81\",2\n"),
		"!text.encoding row 1 column 1: byte 1 of the field <\\x22\x81\\x22,2> =ok", false);
}

/* Rows and lines are counted apart: a quoted field may have many. */
static void gives_places(void **state)
{
	(void)state;
	check_log(BD_FORMAT_CSV, &plain, bd_bytes_of("\"1\n\n\",2\n3,4\n5\n"),
		".row@1:0 +A@1:1 \"1\\x0A\\x0A\" - +B@1:2 \"2\" - - .row@4:0 +A@4:1 \"3\" - +B@4:2 "
		"\"4\" - - !row.too_few_columns row 3 column 0: 1 columns, 2 agreed@5:0 <5> =ok",
		true);
}

static void keeps_limits(void **state)
{
	static const size_t steps[] = { 0, 1000, BD_RECORD_MAX_BYTES, BD_RECORD_MAX_BYTES + 1 };
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, 8 * BD_RECORD_MAX_BYTES);
	for (int i = 0; i < BD_RECORD_MAX_BYTES + 1; i++) {
		bd_buf_add_byte(&text, 'a');
	}
	bd_buf_add_text(&text, "\n1,2\n");
	for (int i = 0; i < 1000; i++) {
		bd_buf_add_byte(&text, ',');
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct decode_log log;

		decode_log_init(&log);
		decode_log_run(&log, BD_FORMAT_CSV, &plain, bd_buf_bytes(&text), steps[i]);
		assert_string_equal(log.out.ptr,
			"!limit.bytes row 1 column 1:  <262144 bytes> .row +A \"1\" - +B \"2\" - - "
			"!row.too_many_columns row 3 column 0: 1001 columns, 2 agreed <1000 bytes> "
			"=ok");
		bd_buf_release(&log.out);
	}
	bd_buf_release(&text);
}

static void is_cut_at_every_byte(void **state)
{
	static const char text[] = "\"1\"\"\",林\r\n2,\xC1\n\n\"4\r\n\",\\N\n";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		struct decode_log log, bytewise;
		enum bd_code code;

		decode_log_init(&log);
		decode_log_init(&bytewise);
		code = decode_log_run(
			&log, BD_FORMAT_CSV, &plain, (struct bd_bytes){ text, len }, 0);
		assert_true(code == BD_OK || code == BD_MESSAGE_TRUNCATED);
		decode_log_run(&bytewise, BD_FORMAT_CSV, &plain, (struct bd_bytes){ text, len }, 1);
		assert_string_equal(log.out.ptr, bytewise.out.ptr);
		bd_buf_release(&log.out);
		bd_buf_release(&bytewise.out);
	}
	check_refusals(BD_FORMAT_CSV, &plain, bd_bytes_of(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_rows),
		cmocka_unit_test(goes_on_behind_a_bad_row),
		cmocka_unit_test(an_open_quote_is_a_cut),
		cmocka_unit_test(checks_the_header),
		cmocka_unit_test(decodes_charsets),
		cmocka_unit_test(gives_places),
		cmocka_unit_test(keeps_limits),
		cmocka_unit_test(is_cut_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
