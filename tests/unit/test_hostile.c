/* test_hostile.c - what bad input gets: the messages of tests/hostile/intake, each with the
 * refusals it is to give and the rows of it that go on; and the same cut after every byte.
 */
#include "intake_cases.h"

#define HOSTILE_LEAST 220

static void hostile_messages_give_their_refusals(void **state)
{
	(void)state;
	intake_cases_run("tests/hostile/intake", HOSTILE_LEAST, true);
}

/* -- what is too long to be kept as a file -- */

/* head, then `part` so many times, then tail. */
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define NWS "<response><head><rc>0</rc></head><body><responsedata><basicform><aac003>"
#define NWS_END "</aac003></basicform></responsedata></body></response>"

static const struct {
	const char *name, *source, *feed, *head, *part;
	size_t count;
	const char *tail;
	enum bd_code code; /* of the message, or of all its records */
} endless[] = {
	/* libxml2 has limits of its own for what it must hold whole. */
	{ "an element's name", "social", "nws", "<response><", X64, 20000, "/></response>",
		BD_XML_SYNTAX },
	{ "a comment", "social", "nws", "<response><!--", X64, 170000, "--></response>",
		BD_XML_SYNTAX },
	{ "an attribute", "social", "nws", "<response a=\"", X64, 170000, "\"/>", BD_XML_SYNTAX },
	{ "attributes", "social", "nws", "<response ", "a=\"1\" ", 3000, "/>", BD_XML_SYNTAX },
	{ "a text", "social", "nws", NWS, "\xE5\xAD\x97", 100000, NWS_END, BD_LIMIT_BYTES },
	{ "a CDATA section", "social", "nws", NWS "<![CDATA[", X64, 10000, "]]>" NWS_END,
		BD_LIMIT_BYTES },
	{ "depth", "social", "nws", "", "<response>", 100000, "", BD_LIMIT_DEPTH },
	{ "a number", "medical", "1101", "{\"infcode\":", "9", 100000, "}", BD_LIMIT_BYTES },
	{ "a text of JSON", "medical", "1101", "{\"infcode\":\"", X64, 20000, "\"}",
		BD_LIMIT_BYTES },
	{ "a key", "medical", "1101", "{\"", X64, 20000, "\":1}", BD_LIMIT_BYTES },
	{ "depth of arrays", "medical", "1101", "{\"x\":", "[", 100000, "", BD_LIMIT_DEPTH },
	{ "depth of objects", "medical", "1101", "{\"x\":", "{\"x\":", 100000, "", BD_LIMIT_BYTES },
	{ "a row", "market", "e_cancel", "440000\0014403110000000000000311\001", X64, 170000, "\n",
		BD_LIMIT_BYTES },
	{ "columns", "market", "e_cancel", "x", "\001", 300000, "\n", BD_LIMIT_BYTES },
	{ "a quoted cell", "social", "allowance",
		"AAC003,AAC058,AAC147,BTZL,AAB301,AAE041,AAE042,AAE036\n\"", X64, 170000, "\"\n",
		BD_LIMIT_BYTES },
};

static void what_never_ends_is_refused(void **state)
{
	struct intake_cases cases = { .count = 0 };
	size_t wrong = 0;

	(void)state;
	bd_arena_init(&cases.arena, ARENA_MAX);
	cases.dict = read_dictionary(&cases.arena);
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		struct bd_intake_settings settings = intake_settings(cases.dict,
			intake_cases_source(&cases, endless[i].source), endless[i].feed);
		const char *text = bd_code_info(endless[i].code)->text;
		struct intake_log log;
		struct bd_buf made;

		intake_log_init(&log, cases.dict);
		bd_buf_init(&made, (size_t)1 << 26);
		bd_buf_add_text(&made, endless[i].head);
		for (size_t n = 0; n < endless[i].count; n++) {
			bd_buf_add_text(&made, endless[i].part);
		}
		assert_int_equal(bd_buf_add_text(&made, endless[i].tail), BD_OK);
		/* In runs as they come from the network. */
		intake_run(&log, &settings, bd_buf_bytes(&made), 65536);
		bd_buf_add_byte(&log.text, '\0');
		if (strstr(log.text.ptr, text) == NULL || strstr(log.text.ptr, " at ") == NULL) {
			print_error("%s: %.200s\n", endless[i].name, log.text.ptr);
			wrong++;
		}
		bd_buf_release(&made);
		bd_buf_release(&log.text);
	}
	bd_arena_release(&cases.arena);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_messages_give_their_refusals),
		cmocka_unit_test(what_never_ends_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
