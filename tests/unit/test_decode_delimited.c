/* test_decode_delimited.c - rows with a separator and no quoting: good, bad, hostile, at every cut.
 */
#include "base/limits.h"
#include "decode_check.h"

static const struct bd_column_plan columns[] = { { "A", 0 }, { "B", 0 }, { "C", 0 } };
static const struct bd_decode_settings plain = {
	.separator = '|', .columns = columns, .column_count = 3
};

static void gives_rows(void **state)
{
	static const struct decode_case rows[] = {
		{ "", "=ok", 0 },
		{ "1|2|3\n", ".row +A \"1\" - +B \"2\" - +C \"3\" - - =ok", 0 },
		{ "1|2|3", ".row +A \"1\" - +B \"2\" - +C \"3\" - - =ok", 0 },
		{ "1|2|3\r\n\\N|x\\N|\r\n",
			".row +A \"1\" - +B \"2\" - +C \"3\" - - .row +A null - +B \"x\\x5CN\" - "
			"+C \"\" - - =ok",
			0 },
		{ "\n\r\n1|2|\"3\n", ".row +A \"1\" - +B \"2\" - +C \"\\x223\" - - =ok", 0 },
		{ "\xEF\xBB\xBF林|2|3", ".row +A \"林\" - +B \"2\" - +C \"3\" - - =ok", 0 },
	};

	(void)state;
	check_cases(BD_FORMAT_DELIMITED, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

/* A bad row is told with its bytes and the next one is read. */
static void goes_on_behind_a_bad_row(void **state)
{
#define GOOD "1|2|3\n"
#define GIVEN " .row +A \"1\" - +B \"2\" - +C \"3\" - - =ok"
	static const struct decode_case rows[] = {
		{ "1|2\n" GOOD,
			"!row.too_few_columns row 1 column 0: 2 columns, 3 agreed <1|2>" GIVEN, 0 },
		{ "1|2|3|\n" GOOD,
			"!row.too_many_columns row 1 column 0: 4 columns, 3 agreed <1|2|3|>" GIVEN,
			0 },
		{ "1|\xC1|3\r\n" GOOD,
			"!text.encoding row 1 column 0: byte 3 of the row <1|\xC1|3>" GIVEN, 0 },
		{ "1|a\x01z|3\n" GOOD, "!text.control row 1 column 2: B <1|a\\x01z|3>" GIVEN, 0 },
		{ "1|\0|3\n" GOOD, "!text.control row 1 column 2: B <1|\\x00|3>" GIVEN, 12 },
		{ "\n1|2\n" GOOD,
			"!row.too_few_columns row 2 column 0: 2 columns, 3 agreed <1|2>" GIVEN, 0 },
		{ "\n1|2\n" GOOD "9",
			"!row.too_few_columns row 2 column 0: 2 columns, 3 agreed <1|2> .row +A "
			"\"1\" - "
			"+B \"2\" - +C \"3\" - - !row.too_few_columns row 4 column 0: 1 columns, 3 "
			"agreed <9> =ok",
			0 },
	};

	(void)state;
	check_cases(BD_FORMAT_DELIMITED, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

static void checks_the_header(void **state)
{
	static const struct decode_case rows[] = {
		{ "A|B|C\n1|2|3\n", ".row +A \"1\" - +B \"2\" - +C \"3\" - - =ok", 0 },
		{ "\xEF\xBB\xBF"
		  "A|B|C\r\n",
			"=ok", 0 },
		{ "A|C|B\n1|2|3\n", "=envelope.missing 1:2", 0 },
		{ "A|B\n1|2|3\n", "=envelope.missing 1:3", 0 },
		{ "A|B|C|D\n1|2|3\n", "=envelope.missing 1:4", 0 },
		{ "\n1|2|3\n", "=envelope.missing 2:1", 0 },
	};
	struct bd_decode_settings settings = plain;

	(void)state;
	settings.has_header = true;
	check_cases(BD_FORMAT_DELIMITED, &settings, rows, sizeof(rows) / sizeof(rows[0]));
}

/* 丂 is 81 40 and 亅 is 81 7C: the second bytes are @ and the separator |. */
static void decodes_before_it_splits(void **state)
{
	struct bd_decode_settings settings = plain;

	(void)state;
	settings.charset = "gb18030";
	check_log(BD_FORMAT_DELIMITED, &settings, bd_bytes_of("\x81\x7C|\x81\x40|\xC1\xD6\n"),
		".row +A \"亅\" - +B \"丂\" - +C \"林\" - - =ok", false);
	/* A first byte at the end of a row takes no LF with it. */
	check_log(BD_FORMAT_DELIMITED, &settings, bd_bytes_of("1|2|\x81\n1|2|3\n"),
		"!text.encoding row 1 column 0: byte 5 of the row <1|2|\x81> .row +A \"1\" - +B "
		"\"2\" - +C \"3\" - - =ok",
		false);
	settings.charset = "auto";
	check_log(BD_FORMAT_DELIMITED, &settings, bd_bytes_of("\xC1\xD6|2|3\n林|2|3\n\xFF|2|3\n"),
		".row +A \"林\" - +B \"2\" - +C \"3\" - - .row +A \"林\" - +B \"2\" - +C \"3\" - - "
		"!text.encoding row 3 column 0: byte 1 of the row <\xFF|2|3> =ok",
		false);
	settings.charset = "latin1";
	check_log(BD_FORMAT_DELIMITED, &settings, bd_bytes_of("1|2|3\n"), "=text.encoding", false);
}

/* A row past the limit is told by its begin, whatever the cut, and skipped. */
static void skips_a_row_too_long(void **state)
{
	static const size_t steps[] = { 0, 1, 1000, 65536, BD_RECORD_MAX_BYTES,
		BD_RECORD_MAX_BYTES + 1, 2 * BD_RECORD_MAX_BYTES };
	static const char expected[] =
		"!limit.bytes row 1 column 0: longer than 262144 bytes <262144 bytes> .row +A "
		"\"1\" - "
		"+B \"2\" - +C \"3\" - - !limit.bytes row 3 column 0: longer than 262144 bytes "
		"<262144 bytes> =ok";
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, 8 * BD_RECORD_MAX_BYTES);
	for (int i = 0; i < 2; i++) {
		bd_buf_add_text(&text, i > 0 ? "\n1|2|3\n" : "");
		for (int j = 0; j < 3 * BD_RECORD_MAX_BYTES; j++) {
			bd_buf_add_byte(&text, "a|b"[j % 3]);
		}
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct decode_log log;

		decode_log_init(&log);
		decode_log_run(&log, BD_FORMAT_DELIMITED, &plain, bd_buf_bytes(&text), steps[i]);
		assert_string_equal(log.out.ptr, expected);
		bd_buf_release(&log.out);
	}
	bd_buf_release(&text);
}

static void gives_places(void **state)
{
	(void)state;
	check_log(BD_FORMAT_DELIMITED, &plain, bd_bytes_of("\n1|2|3\n4\n"),
		".row@2:0 +A@2:1 \"1\" - +B@2:2 \"2\" - +C@2:3 \"3\" - - !row.too_few_columns row "
		"3 "
		"column 0: 1 columns, 3 agreed@3:0 <4> =ok",
		true);
}

/* Cut rows are the matter of control totals: here they only may not break anything. */
static void is_cut_at_every_byte(void **state)
{
	static const char text[] = "1|林|\\N\n2|\xC1|3\n\n4|5|6\n";
	struct bd_decode_settings layout = plain;

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		struct decode_log log, bytewise;

		decode_log_init(&log);
		decode_log_init(&bytewise);
		assert_int_equal(decode_log_run(&log, BD_FORMAT_DELIMITED, &plain,
					 (struct bd_bytes){ text, len }, 0),
			BD_OK);
		decode_log_run(
			&bytewise, BD_FORMAT_DELIMITED, &plain, (struct bd_bytes){ text, len }, 1);
		assert_string_equal(log.out.ptr, bytewise.out.ptr);
		bd_buf_release(&log.out);
		bd_buf_release(&bytewise.out);
	}
	check_refusals(BD_FORMAT_DELIMITED, &plain, bd_bytes_of(text));
	layout.column_count = 0;
	check_log(BD_FORMAT_DELIMITED, &layout, bd_bytes_of(text), "=config.meaning", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_rows),
		cmocka_unit_test(goes_on_behind_a_bad_row),
		cmocka_unit_test(checks_the_header),
		cmocka_unit_test(decodes_before_it_splits),
		cmocka_unit_test(skips_a_row_too_long),
		cmocka_unit_test(gives_places),
		cmocka_unit_test(is_cut_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
