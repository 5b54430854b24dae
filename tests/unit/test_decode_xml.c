/* test_decode_xml.c - XML to events: good, bad, hostile, cut at every byte. */
#include "base/limits.h"
#include "decode_check.h"
#include "intake/decode_xml_parser.h"

#include <libxml/dict.h>

static const struct bd_decode_settings plain = { 0 };

static void gives_events(void **state)
{
	static const struct decode_case rows[] = {
		{ "<a/>", "+a - =ok", 0 },
		{ "<a>x</a>", "+a \"x\" - =ok", 0 },
		{ "\xEF\xBB\xBF<a>x</a>\n", "+a \"x\" - =ok", 0 },
		{ "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a><b>林示例</b><c/></a>",
			"+a +b \"林示例\" - +c - - =ok", 0 },
		{ "<p:a xmlns:p=\"urn:x\" p:k='1' j=\"&lt;2&#x33;\"><p:b/></p:a>",
			"+a +@k \"1\" - +@j \"<23\" - +b - - =ok", 0 },
		{ "<a b='1 &amp; 2 &#38; &#x26;#38;'/>", "+a +@b \"1 & 2 & &#38;\" - - =ok", 0 },
		{ "<a>1 &amp; 2<!-- no --> 3<?pi no?></a><!-- no -->\n<?pi no?>",
			"+a \"1 & 2 3\" - =ok", 0 },
		{ "<a><![CDATA[<b>&amp;]] ></b>]]>x</a>", "+a \"<b>&amp;]] ></b>x\" - =ok", 0 },
		{ "<a>\n <b>1</b>\n</a>", "+a \"\\x0A \" +b \"1\" - \"\\x0A\" - =ok", 0 },
		{ "<a>1\r\n2</a>", "+a \"1\\x0A2\" - =ok", 0 },
	};

	(void)state;
	check_cases(BD_FORMAT_XML, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

static void refuses_what_is_not_xml(void **state)
{
	static const struct decode_case rows[] = {
		{ "", "=message.empty 1:1", 0 },
		{ " \r\n\t", "=message.empty 2:2", 0 },
		{ "x", "=xml.syntax 1:1", 0 },
		{ "hello there", "=xml.syntax 1:1", 0 },
		{ "{\"a\":1}", "=xml.syntax 1:1", 0 },
		{ "<a/><b/>", "+a - =xml.syntax 1:5", 0 },
		{ "<a/>x", "+a - =xml.syntax 1:5", 0 },
		{ "<a></b>", "+a =xml.syntax 1:8", 0 },
		{ "<a b=1/>", "=xml.syntax 1:6", 0 },
		{ "<a b='1' b='2'/>", "=xml.syntax 1:15", 0 },
		{ "<a b='<'/>", "=xml.syntax 1:7", 0 },
		{ "<a>]]></a>", "+a =xml.syntax 1:4", 0 },
		{ "<a><p:b/></a>", "+a =xml.syntax 1:8", 0 },
		{ "<a>\x01</a>", "+a =text.control 1:4", 0 },
		{ "<a>&#1;</a>", "+a =text.control 1:8", 0 },
		{ "<a>\0</a>", "+a =text.control 1:4", 8 },
		{ "<a>\0", "+a =text.control 1:4", 4 },
		{ "<a>b \0", "+a \"b \" =text.control 1:6", 6 },
		{ "<a>b \x06", "+a \"b \" =text.control 1:6", 0 },
		{ "<a \x06", "+a =text.control 1:4", 0 },
		{ "<a><![CDATA[b\x06", "+a =text.control 1:14", 0 },
		{ "<a></a>\0", "+a - =text.control 1:8", 8 },
		{ "<a><![CDATA[b\x06]]></a>", "+a =text.control 1:14", 0 },
		{ "<a><![CDATA[b\n林\x06]]></a>", "+a =text.control 2:2", 0 },
		{ "<a b='1\n\x06'/>", "=text.control 2:1", 0 },
		{ "<a><!-- \x1F --></a>", "+a =text.control 1:9", 0 },
		{ "<a>\xEF\xBF\xBE</a>", "+a =text.control 1:4", 0 },
		{ "<a><![CDATA[\xEF\xBF\xBF]]></a>", "+a =text.control 1:13", 0 },
		{ "<a>&#38r;</a>", "+a =xml.syntax 1:8", 0 },
		{ "<a>&#38r; ", "+a =xml.syntax 1:8", 0 },
		{ "<a>&#38", "+a =message.truncated 1:8", 0 },
		{ "<a>&; ", "+a =xml.syntax 1:5", 0 },
		{ "<a>&who;</a>", "+a =xml.entity 1:9", 0 },
		{ "<a b='&who;'/>", "=xml.entity 1:12", 0 },
		{ "<a>\xC1\xD6</a>", "+a =text.encoding 1:4", 0 },
		{ "<?xml version='1.0' encoding='utf-16'?><a/>", "=text.encoding 1:1", 0 },
		{ "<?xml version='1.0' encoding='EBCDIC-CP-US'?><a/>", "=text.encoding 1:1", 0 },
	};

	(void)state;
	check_cases(BD_FORMAT_XML, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

/* How it ends, whatever of an open text was given before. */
static void check_end(
	const struct bd_decode_settings *settings, struct bd_bytes bytes, const char *expected)
{
	static const size_t steps[] = { 0, 1, 7, 64 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct decode_log log;

		decode_log_init(&log);
		decode_log_run(&log, BD_FORMAT_XML, settings, bytes, steps[i]);
		assert_string_equal(strrchr(log.out.ptr, '='), expected);
		bd_buf_release(&log.out);
	}
}

/* It is the end of CDATA, and no text has it: behind more text than libxml2 waits for, at any cut.
 */
static void finds_an_end_of_no_cdata(void **state)
{
	static const char *const good[] = { "]]", "]] >", "]", "]]]", "]]&gt;", "]&#93;>" };
	char text[1024], expected[1024];

	(void)state;
	for (int before = 250; before < 330; before++) {
		snprintf(text, sizeof(text), "<a>%0*d]]>%0100d</a>", before, 0, 0);
		snprintf(expected, sizeof(expected), "=xml.syntax 1:%d", before + 4);
		check_end(&plain, bd_bytes_of(text), expected);
		snprintf(text, sizeof(text), "<a><![CDATA[%0*d]]]]></a>", before, 0);
		snprintf(expected, sizeof(expected), "+a \"%0*d]]\" - =ok", before, 0);
		check_log(BD_FORMAT_XML, &plain, bd_bytes_of(text), expected, false);
		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
			snprintf(text, sizeof(text), "<a>%0*d%s%0100d</a>", before, 0, good[i], 0);
			check_end(&plain, bd_bytes_of(text), "=ok");
		}
	}
	check_end(&plain, bd_bytes_of("]]"), "=xml.syntax 1:1");
	check_end(&plain, bd_bytes_of("<a/>]]"), "=xml.syntax 1:5");
	check_end(&plain, bd_bytes_of("<a>]]"), "=message.truncated 1:6");
}

/* Wherever it stands in what is looked through at once, and behind what is always read at once;
 * what looks like it is none. */
static void finds_what_no_document_has(void **state)
{
	static const char *const none[] = { "\x06", "\xEF\xBF\xBE", "\xEF\xBF\xBF" },
				 *const some[] = { "\xEF\xBF\xBD", "\xEF\xBE\xBF", "\x7F", "\t" };
	char text[1024], expected[1024];

	(void)state;
	for (int at = 1; at < 400; at += at == 140 ? 120 : 1) {
		for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
			snprintf(text, sizeof(text), "<a><![CDATA[%0*d%s%070d]]></a>", at, 0,
				none[i], 0);
			snprintf(expected, sizeof(expected), "=text.control 1:%d", at + 13);
			check_end(&plain, bd_bytes_of(text), expected);
		}
		for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
			snprintf(text, sizeof(text), "<a>%0*d%s%070d</a>", at, 0, some[i], 0);
			snprintf(expected, sizeof(expected), "+a \"%0*d%s%070d\" - =ok", at, 0,
				some[i][0] == '\t' ? "\\x09" : some[i], 0);
			check_log(BD_FORMAT_XML, &plain, bd_bytes_of(text), expected, false);
		}
	}
}

static void refuses_doctype(void **state)
{
	static const struct decode_case rows[] = {
		{ "<!DOCTYPE a><a/>", "=xml.doctype 1:12", 0 },
		{ "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "=xml.doctype 1:40", 0 },
		{ "<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>", "=xml.doctype 1:13", 0 },
		{ "<?xml version='1.0'?>\n<!DOCTYPE a PUBLIC '-//X' 'http://127.0.0.1/x'><a/>",
			"=xml.doctype 2:47", 0 },
	};

	(void)state;
	check_cases(BD_FORMAT_XML, &plain, rows, sizeof(rows) / sizeof(rows[0]));
}

static void keeps_limits(void **state)
{
	struct bd_buf text;

	(void)state;
	bd_buf_init(&text, 1 << 20);
	for (int depth = BD_DEPTH_MAX; depth <= BD_DEPTH_MAX + 1; depth++) {
		struct decode_log log;

		bd_buf_clear(&text);
		for (int i = 0; i < depth; i++) {
			bd_buf_add_text(&text, "<a>");
		}
		for (int i = 0; i < depth; i++) {
			bd_buf_add_text(&text, "</a>");
		}
		decode_log_init(&log);
		assert_int_equal(
			decode_log_run(&log, BD_FORMAT_XML, &plain, bd_buf_bytes(&text), 0),
			depth > BD_DEPTH_MAX ? BD_LIMIT_DEPTH : BD_OK);
		bd_buf_release(&log.out);
	}
	bd_buf_release(&text);
}

static enum bd_code run_attributes(size_t count, size_t name_len, size_t len)
{
	struct bd_buf text;
	struct decode_log log;
	enum bd_code code;

	bd_buf_init(&text, 1 << 20);
	bd_buf_add_text(&text, "<a");
	for (size_t i = 0; i < count; i++) {
		bd_buf_printf(&text, " k%zu%0*d='", i, (int)name_len, 0);
		for (size_t j = 0; j < len; j++) {
			bd_buf_add_byte(&text, 'v');
		}
		bd_buf_add_byte(&text, '\'');
	}
	bd_buf_add_text(&text, "/>");
	decode_log_init(&log);
	code = decode_log_run(&log, BD_FORMAT_XML, &plain, bd_buf_bytes(&text), 1000);
	bd_buf_release(&log.out);
	bd_buf_release(&text);
	return code;
}

static void keeps_limits_of_attributes(void **state)
{
	(void)state;
	assert_int_equal(run_attributes(64, 1, 10), BD_OK);
	assert_int_equal(run_attributes(65, 1, 10), BD_LIMIT_COUNT);
	assert_int_equal(run_attributes(1, 1, BD_FIELD_MAX_BYTES), BD_OK);
	assert_int_equal(run_attributes(1, 1, BD_FIELD_MAX_BYTES + 1), BD_LIMIT_BYTES);
	assert_int_equal(run_attributes(1, 100, 1), BD_OK);
	assert_int_equal(run_attributes(1, 1000, 1), BD_LIMIT_BYTES);
}

/* The label of the caller, the byte order mark, the declaration; none of them for a text. */
static void decodes_charsets(void **state)
{
	static const char gbk[] =
		"<?xml version='1.0' encoding='GBK'?><a k='\xC1\xD6'>\xC1\xD6</a>";
	static const char wrong[] = "<?xml version='1.0' encoding='GBK'?><a>林</a>";
	static const char bare[] = "<a>\xC1\xD6</a>";
	const struct bd_decode_settings text = { .is_text = true };
	const struct bd_decode_settings gb18030 = { .charset = "GB2312" };
	const struct bd_decode_settings utf8 = { .charset = "utf-8" };
	const struct bd_decode_settings automatic = { .charset = "auto" };
	const struct bd_decode_settings unknown = { .charset = "latin1" };

	(void)state;
	check_log(BD_FORMAT_XML, &plain, bd_bytes_of(gbk), "+a +@k \"林\" - \"林\" - =ok", false);
	check_log(
		BD_FORMAT_XML, &automatic, bd_bytes_of(gbk), "+a +@k \"林\" - \"林\" - =ok", false);
	check_log(BD_FORMAT_XML, &text, bd_bytes_of(wrong), "+a \"林\" - =ok", false);
	check_log(BD_FORMAT_XML, &utf8, bd_bytes_of(wrong), "+a \"林\" - =ok", false);
	check_log(BD_FORMAT_XML, &gb18030, bd_bytes_of(bare), "+a \"林\" - =ok", false);
	check_log(BD_FORMAT_XML, &unknown, bd_bytes_of(bare), "=text.encoding", false);
}

/* A bad trail byte must not swallow the bracket behind it. */
static void swallows_no_bracket(void **state)
{
	const struct bd_decode_settings gb18030 = { .charset = "gb18030" };

	(void)state;
	check_log(BD_FORMAT_XML, &gb18030, bd_bytes_of("<a>\xC1</a>"), "+a =text.encoding 1:4",
		false);
}

static void adds_the_base_place(void **state)
{
	const struct bd_decode_settings inner = { .is_text = true,
		.base = { .offset = 100, .line = 3, .column = 11 } };
	struct bd_decoder *decoder;
	struct bd_diag diag = { 0 };
	struct decode_log log;

	(void)state;
	check_log(BD_FORMAT_XML, &inner, bd_bytes_of("<a b=1/>"), "=xml.syntax 3:16", false);
	check_log(BD_FORMAT_XML, &inner, bd_bytes_of("<a>\n<b c=1/></a>"),
		"+a \"\\x0A\" =xml.syntax 4:6", false);
	decode_log_init(&log);
	assert_int_equal(bd_decode_xml_new(&decoder, &inner, &log.listener, &diag), BD_OK);
	assert_int_equal(decoder->ops->feed(decoder, bd_bytes_of("<a><b></c></a>"), &diag), BD_OK);
	assert_int_equal(decoder->ops->end(decoder, &diag), BD_XML_SYNTAX);
	assert_int_equal(diag.place.offset, 110);
	/* The first failure stays. */
	assert_int_equal(decoder->ops->feed(decoder, bd_bytes_of("<a/>"), NULL), BD_XML_SYNTAX);
	decoder->ops->free(decoder);
	bd_buf_release(&log.out);
}

static void is_cut_at_every_byte(void **state)
{
	static const char text[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- c --><s xmlns='urn:s' k='林'>"
		"<h>a&amp;b</h><b><![CDATA[<?xml version=\"1.0\"?><t>示例</t>]]></b></s>\n \n";
	static const char gb[] = "<?xml version='1.0' encoding='GBK'?><a>\xC1\xD6<b/>\xC1\xD6</a>";

	(void)state;
	check_truncated(
		BD_FORMAT_XML, &plain, bd_bytes_of(text), sizeof(text) - 4, BD_MESSAGE_TRUNCATED);
	check_truncated(
		BD_FORMAT_XML, &plain, bd_bytes_of(gb), sizeof(gb) - 1, BD_MESSAGE_TRUNCATED);
	check_refusals(BD_FORMAT_XML, &plain, bd_bytes_of(text));
}

/* A long text of characters of three bytes: no run and no chunk may cut one. */
static void cuts_no_character(void **state)
{
	static const size_t steps[] = { 0, 1, 4096, 65535, 65536, 65537, 100001 };

	(void)state;
	for (int is_cdata = 0; is_cdata < 2; is_cdata++) {
		struct bd_buf text;

		bd_buf_init(&text, 4 << 20);
		bd_buf_add_text(&text, is_cdata ? "<a>x<![CDATA[" : "<a>x");
		for (int i = 0; i < 70000; i++) {
			bd_buf_add_text(&text, "林");
		}
		bd_buf_add_text(&text, is_cdata ? "]]></a>" : "</a>");
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			struct decode_log log;

			decode_log_init(&log);
			assert_int_equal(decode_log_run(&log, BD_FORMAT_XML, &plain,
						 bd_buf_bytes(&text), steps[i]),
				BD_OK);
			assert_int_equal(
				log.out.len, strlen("+a \"x") + 210000 + strlen("\" - =ok") + 1);
			bd_buf_release(&log.out);
		}
		bd_buf_release(&text);
	}
}

/* -- parsers that are kept -- */

/* The names that the parser knows that the next document gets. */
static int names_of_next(struct bd_xml_parsers *parsers)
{
	static const xmlSAXHandler handlers = { .initialized = XML_SAX2_MAGIC };
	xmlParserCtxtPtr parser = bd_xml_parser_take(parsers, &handlers, NULL);
	int names;

	assert_non_null(parser);
	names = xmlDictSize(parser->dict);
	bd_xml_parser_give(parsers, parser, true);
	return names;
}

/* `count` elements of other names. */
static void write_names(struct bd_buf *out, int count)
{
	char name[32];

	bd_buf_add_text(out, "<r>");
	for (int i = 1; i < count; i++) {
		snprintf(name, sizeof(name), "<n%d/>", i);
		bd_buf_add_text(out, name);
	}
	assert_int_equal(bd_buf_add_text(out, "</r>"), BD_OK);
}

static enum bd_code decode_kept(struct bd_xml_parsers *parsers, struct bd_bytes text)
{
	const struct bd_decode_settings settings = { .parsers = parsers };
	struct decode_log log;
	enum bd_code code;

	decode_log_init(&log);
	code = decode_log_run(&log, BD_FORMAT_XML, &settings, text, 0);
	bd_buf_release(&log.out);
	return code;
}

static void keeps_the_parser_of_a_whole_document(void **state)
{
	struct bd_xml_parsers *parsers = bd_xml_parsers_new();
	int one;

	(void)state;
	assert_non_null(parsers);
	assert_int_equal(decode_kept(parsers, bd_bytes_of("<a/>")), BD_OK);
	one = names_of_next(parsers);
	assert_int_equal(decode_kept(parsers, bd_bytes_of("<a><b/><c d='1'/></a>")), BD_OK);
	assert_int_equal(names_of_next(parsers), one + 3);
	assert_int_equal(decode_kept(parsers, bd_bytes_of("<a><e/></a>")), BD_OK);
	assert_int_equal(names_of_next(parsers), one + 4);
	bd_xml_parsers_free(parsers);
}

/* One that failed, that was given up, that the listener refused: what state its parser is in nobody
 * has promised. */
static void keeps_no_parser_of_half_a_document(void **state)
{
	static const char *const bad[] = { "<a><b></c></a>", "<a><b>", "<a/><b/>", "<a>&c;</a>",
		"<!DOCTYPE a><a/>", "<a>\x01</a>", "<a><b/></a>\xFF" };
	struct bd_xml_parsers *parsers = bd_xml_parsers_new();
	struct bd_decode_settings settings = { .parsers = parsers };
	struct bd_decoder *decoder = NULL;
	struct bd_diag diag = { 0 };
	struct decode_log log;
	struct bd_buf text;
	int none;

	(void)state;
	assert_non_null(parsers);
	bd_buf_init(&text, 1 << 20);
	write_names(&text, 100);
	none = names_of_next(parsers);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(decode_kept(parsers, bd_bytes_of("<a><b/></a>")), BD_OK);
		assert_true(names_of_next(parsers) > none);
		assert_int_not_equal(decode_kept(parsers, bd_bytes_of(bad[i])), BD_OK);
		assert_int_equal(names_of_next(parsers), none);
	}
	decode_log_init(&log);
	assert_int_equal(decode_kept(parsers, bd_bytes_of("<a><b/></a>")), BD_OK);
	assert_true(names_of_next(parsers) > none);
	assert_int_equal(bd_decode_xml_new(&decoder, &settings, &log.listener, &diag), BD_OK);
	assert_int_equal(decoder->ops->feed(decoder, bd_buf_bytes(&text), &diag), BD_OK);
	decoder->ops->free(decoder);
	assert_int_equal(names_of_next(parsers), none);
	bd_buf_release(&log.out);
	decode_log_init(&log);
	log.left = 2;
	assert_int_equal(decode_kept(parsers, bd_bytes_of("<a><b/></a>")), BD_OK);
	assert_true(names_of_next(parsers) > none);
	assert_int_equal(
		decode_log_run(&log, BD_FORMAT_XML, &settings, bd_bytes_of("<a><b/></a>"), 0),
		BD_BUSY);
	assert_int_equal(names_of_next(parsers), none);
	bd_buf_release(&log.out);
	bd_buf_release(&text);
	bd_xml_parsers_free(parsers);
}

/* Names that a sender makes up do not pile up. */
static void keeps_no_parser_of_many_names(void **state)
{
	struct bd_xml_parsers *parsers = bd_xml_parsers_new();
	struct bd_buf text;
	int none;

	(void)state;
	assert_non_null(parsers);
	bd_buf_init(&text, 1 << 20);
	none = names_of_next(parsers);
	write_names(&text, 1000);
	assert_int_equal(decode_kept(parsers, bd_buf_bytes(&text)), BD_OK);
	assert_true(names_of_next(parsers) >= 1000);
	bd_buf_clear(&text);
	write_names(&text, 1025);
	assert_int_equal(decode_kept(parsers, bd_buf_bytes(&text)), BD_OK);
	assert_int_equal(names_of_next(parsers), none);
	bd_buf_release(&text);
	bd_xml_parsers_free(parsers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_events),
		cmocka_unit_test(refuses_what_is_not_xml),
		cmocka_unit_test(finds_an_end_of_no_cdata),
		cmocka_unit_test(finds_what_no_document_has),
		cmocka_unit_test(refuses_doctype),
		cmocka_unit_test(keeps_limits),
		cmocka_unit_test(keeps_limits_of_attributes),
		cmocka_unit_test(decodes_charsets),
		cmocka_unit_test(swallows_no_bracket),
		cmocka_unit_test(adds_the_base_place),
		cmocka_unit_test(is_cut_at_every_byte),
		cmocka_unit_test(cuts_no_character),
		cmocka_unit_test(keeps_the_parser_of_a_whole_document),
		cmocka_unit_test(keeps_no_parser_of_half_a_document),
		cmocka_unit_test(keeps_no_parser_of_many_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
