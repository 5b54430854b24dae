/* test_decode_json.c - JSON to events: good, bad, hostile, cut at every byte. */
#include "base/limits.h"
#include "decode_check.h"

static const struct bd_decode_settings plain = { 0 };

static void gives_events(void **state)
{
	static const struct decode_case rows[] = {
		{ "{}", "=ok", 0 },
		{ " {\"a\":\"x\"}\r\n", "+a \"x\" - =ok", 0 },
		{ "{\"a\":null,\"b\":true,\"c\":false,\"d\":-1.50e3}",
			"+a null - +b \"true\" - +c \"false\" - +d \"-1.50e3\" - =ok", 0 },
		{ "{\"a\":{\"b\":\"\"},\"\":1}", "+a +b \"\" - - + \"1\" - =ok", 0 },
		{ "{\"a\":[1,{\"b\":2},[3],[]],\"c\":[]}",
			"[a . \"1\" - . +b \"2\" - - . . \"3\" - - . - - [c - =ok", 0 },
		{ "[{\"a\":1},{\"a\":2}]", ". +a \"1\" - - . +a \"2\" - - =ok", 0 },
		{ "{\"\\u6797\":\"\\uD83D\\uDE00\\n\\/\"}", "+林 \"😀\\x0A/\" - =ok", 0 },
		{ "{\"a\":1024.50,\"b\":10000000000000000000000001}",
			"+a \"1024.50\" - +b \"10000000000000000000000001\" - =ok", 0 },
		{ "\"x\"", "=ok", 0 },
	};

	(void)state;
	check_cases(BD_FORMAT_JSON, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

static void refuses_what_is_not_json(void **state)
{
	static const struct decode_case rows[] = {
		{ "", "=message.empty 1:1", 0 },
		{ " \n", "=message.empty 2:1", 0 },
		{ "<a/>", "=json.syntax 1:1", 0 },
		{ "\xEF\xBB\xBF{}", "=json.syntax 1:1", 0 },
		{ "{}{}", "=json.syntax 1:3", 0 },
		{ "{'a':1}", "=json.syntax 1:2", 0 },
		{ "{\"a\":1,}", "+a \"1\" - =json.syntax 1:8", 0 },
		{ "{\"a\":01}", "=json.syntax 1:6", 0 },
		{ "{\"a\":NaN}", "=json.syntax 1:6", 0 },
		{ "{\"a\":1,\n \"a\":2}", "+a \"1\" - =json.duplicate_key 2:2", 0 },
		{ "{\"a\":1,\"\\u0061\":2}", "+a \"1\" - =json.duplicate_key 1:8", 0 },
		{ "{\"a\":\"\\uD83D\"}", "=json.syntax 1:13", 0 },
		{ "{\"a\":\"\x01\"}", "=json.syntax 1:7", 0 },
		{ "{\"a\":\"林\xC1\"}", "=text.encoding 1:8", 0 },
		{ "{\"a\":\"\xED\xA0\x80\"}", "=text.encoding 1:8", 0 },
		{ "{\"a\":[1}", "[a . \"1\" - =json.syntax 1:8", 0 },
	};

	(void)state;
	check_cases(BD_FORMAT_JSON, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

static enum bd_code run_nested(int depth)
{
	char text[2 * BD_DEPTH_MAX + 8];
	struct decode_log log;
	enum bd_code code;

	memset(text, '[', (size_t)depth);
	memset(text + depth, ']', (size_t)depth);
	decode_log_init(&log);
	code = decode_log_run(
		&log, BD_FORMAT_JSON, &plain, (struct bd_bytes){ text, (size_t)depth * 2 }, 0);
	bd_buf_release(&log.out);
	return code;
}

static enum bd_code run_long(size_t key_len, size_t text_len)
{
	struct bd_buf text;
	struct decode_log log;
	enum bd_code code;

	bd_buf_init(&text, 1 << 20);
	bd_buf_printf(&text, "{\"%0*d\":\"%0*d\"}", (int)key_len, 0, (int)text_len, 0);
	decode_log_init(&log);
	code = decode_log_run(&log, BD_FORMAT_JSON, &plain, bd_buf_bytes(&text), 4000);
	bd_buf_release(&log.out);
	bd_buf_release(&text);
	return code;
}

static void keeps_limits(void **state)
{
	(void)state;
	assert_int_equal(run_nested(BD_DEPTH_MAX), BD_OK);
	assert_int_equal(run_nested(BD_DEPTH_MAX + 1), BD_LIMIT_DEPTH);
	assert_int_equal(run_long(BD_FIELD_MAX_BYTES, BD_FIELD_MAX_BYTES), BD_OK);
	assert_int_equal(run_long(BD_FIELD_MAX_BYTES + 1, 1), BD_LIMIT_BYTES);
	assert_int_equal(run_long(1, BD_FIELD_MAX_BYTES + 1), BD_LIMIT_BYTES);
}

/* The second byte of 俓 is a backslash: it must be decoded before it is parsed. */
static void decodes_charsets(void **state)
{
	static const char gbk[] = "{\"a\":\"\x82\x5C\xC1\xD6\"}";
	static const char bad[] = "{\"a\":\"\xC1\"}";
	const struct bd_decode_settings gb18030 = { .charset = "GBK" };
	const struct bd_decode_settings text = { .charset = "GBK", .is_text = true };
	const struct bd_decode_settings unknown = { .charset = "latin1" };

	(void)state;
	check_log(BD_FORMAT_JSON, &gb18030, bd_bytes_of(gbk), "+a \"俓林\" - =ok", false);
	check_log(BD_FORMAT_JSON, &gb18030, bd_bytes_of(bad), "=text.encoding 1:7", false);
	check_log(BD_FORMAT_JSON, &text, bd_bytes_of("{\"a\":\"林\"}"), "+a \"林\" - =ok", false);
	check_log(BD_FORMAT_JSON, &unknown, bd_bytes_of("{}"), "=text.encoding", false);
	check_truncated(
		BD_FORMAT_JSON, &gb18030, bd_bytes_of(gbk), sizeof(gbk) - 1, BD_MESSAGE_TRUNCATED);
}

static void adds_the_base_place(void **state)
{
	const struct bd_decode_settings inner = { .is_text = true,
		.base = { .offset = 100, .line = 3, .column = 11 } };
	struct bd_decoder *decoder;
	struct bd_diag diag = { 0 };
	struct decode_log log;

	(void)state;
	check_log(BD_FORMAT_JSON, &inner, bd_bytes_of("{\"a\":x}"), "=json.syntax 3:16", false);
	check_log(BD_FORMAT_JSON, &inner, bd_bytes_of("{\n\"a\":x}"), "=json.syntax 4:5", false);
	check_log(BD_FORMAT_JSON, &inner, bd_bytes_of("{\"a\":1}"), "+a@3:16 \"1\" - =ok", true);
	decode_log_init(&log);
	assert_int_equal(bd_decode_json_new(&decoder, &inner, &log.listener, &diag), BD_OK);
	assert_int_equal(
		decoder->ops->feed(decoder, bd_bytes_of("{\"a\":x"), &diag), BD_JSON_SYNTAX);
	assert_int_equal(diag.place.offset, 105);
	bd_diag_clear(&diag);
	/* The first failure stays. */
	assert_int_equal(decoder->ops->end(decoder, &diag), BD_JSON_SYNTAX);
	assert_int_equal(diag.place.offset, 105);
	decoder->ops->free(decoder);
	bd_buf_release(&log.out);
}

static void is_cut_at_every_byte(void **state)
{
	static const char text[] =
		"{\"infcode\":0,\"output\":{\"baseinfo\":{\"psn_name\":\"林\\u793a"
		"例\",\"age\":34.9,\"x\":null},\"insuinfo\":[{\"balc\":1},true]}}\n";

	(void)state;
	check_truncated(
		BD_FORMAT_JSON, &plain, bd_bytes_of(text), sizeof(text) - 2, BD_MESSAGE_TRUNCATED);
	check_log(BD_FORMAT_JSON, &plain, bd_bytes_of(text),
		"+infcode \"0\" - +output +baseinfo +psn_name \"林示例\" - +age \"34.9\" - +x null "
		"- - "
		"[insuinfo . +balc \"1\" - - . \"true\" - - - =ok",
		false);
	check_refusals(BD_FORMAT_JSON, &plain, bd_bytes_of(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_events),
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(keeps_limits),
		cmocka_unit_test(decodes_charsets),
		cmocka_unit_test(adds_the_base_place),
		cmocka_unit_test(is_cut_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
