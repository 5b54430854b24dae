/* test_text.c - tests/base/text.tsv: code points, NFKC, lengths and columns, blanks at the ends. */
#include "base/text.h"

#include "rows.h"

static void answer_text(struct bd_buf *out, const struct row *row)
{
	struct bd_bytes text = row_column(row, 1);
	struct bd_buf normal;
	enum bd_code code;

	if (row_is(row, 0, "trim")) {
		row_show(out, bd_text_trim(text));
	} else if (row_is(row, 0, "length")) {
		bd_buf_printf(out, "%zu in %zu", bd_text_length(text), bd_text_columns(text));
	} else if (row_is(row, 0, "control")) {
		bd_buf_add_text(out, bd_text_has_control(text) ? "yes" : "no");
	} else {
		assert_true(row_is(row, 0, "nfkc"));
		bd_buf_init(&normal, 65536);
		code = bd_text_nfkc(&normal, text);
		if (code == BD_OK) {
			row_show(out, bd_buf_bytes(&normal));
		} else {
			bd_buf_add_text(out, bd_code_info(code)->text);
		}
		bd_buf_release(&normal);
	}
}

static void each_text_is_as_the_table_says(void **state)
{
	(void)state;
	check_rows("base/text.tsv", answer_text);
}

static void every_code_point_comes_back(void **state)
{
	(void)state;
	for (uint32_t point = 0; point <= 0x10FFFF; point++) {
		char room[8];
		struct bd_buf buf = { room, 0, sizeof(room), sizeof(room) };
		struct bd_bytes rest;
		uint32_t back = 0;
		bool ok = true;

		if (point >= 0xD800 && point <= 0xDFFF) {
			continue;
		}
		assert_int_equal(bd_text_add_point(&buf, point), BD_OK);
		rest = bd_buf_bytes(&buf);
		assert_true(bd_text_next(&back, &rest, &ok));
		assert_int_equal(back, point);
		assert_true(ok && rest.len == 0);
		assert_false(bd_text_next(&back, &rest, &ok));
		assert_true(ok);
		/* Cut at any byte it is no character. */
		for (size_t len = 1; len < buf.len; len++) {
			rest = (struct bd_bytes){ room, len };
			ok = true;
			assert_false(bd_text_next(&back, &rest, &ok));
			assert_false(ok);
		}
	}
}

/* In buffers of every length too short, and longer than the room on the stack. */
static void nfkc_keeps_the_maximum(void **state)
{
	struct bd_buf text, out;

	(void)state;
	bd_buf_init(&text, 65536);
	for (size_t i = 0; i < 1000; i++) {
		bd_buf_add_text(&text, "Ａ林");
	}
	for (size_t max = 3990; max <= 4000; max++) {
		bd_buf_init(&out, max);
		assert_int_equal(bd_text_nfkc(&out, bd_buf_bytes(&text)),
			max < 4000 ? BD_LIMIT_BYTES : BD_OK);
		assert_int_equal(out.len, max < 4000 ? 0 : 4000);
		bd_buf_release(&out);
	}
	bd_buf_release(&text);
}

/* What looks at eight bytes at a time, against what looks at each: every byte at every place of
 * texts of every length up to three times eight. */
static void eight_at_a_time_is_as_one_by_one(void **state)
{
	char text[24];

	(void)state;
	for (size_t len = 0; len <= sizeof(text); len++) {
		for (size_t at = 0; at < len; at++) {
			for (int byte = 0; byte < 256; byte++) {
				struct bd_bytes all = { text, len };
				bool is_ascii = byte < 0x80, is_follower = (byte & 0xC0) == 0x80;
				bool is_control =
					byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';

				memset(text, 'a', sizeof(text));
				text[at] = (char)byte;
				assert_int_equal(bd_text_ascii_len(all), is_ascii ? len : at);
				assert_int_equal(bd_text_characters(all), len - is_follower);
				assert_int_equal(bd_text_has_control(all), is_control);
				assert_int_equal(bd_text_is_utf8(all), is_ascii);
			}
		}
	}
	/* A byte that borrows from its neighbour is no control by that. */
	memset(text, '\n', sizeof(text));
	assert_false(bd_text_has_control((struct bd_bytes){ text, sizeof(text) }));
	text[7] = 1;
	assert_true(bd_text_has_control((struct bd_bytes){ text, sizeof(text) }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_is_as_the_table_says),
		cmocka_unit_test(every_code_point_comes_back),
		cmocka_unit_test(nfkc_keeps_the_maximum),
		cmocka_unit_test(eight_at_a_time_is_as_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
