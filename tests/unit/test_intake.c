/* test_intake.c - one message in, whole: pieces, gzip, limits, truncation, who it is about, and
 * what happens when memory runs out. Links with --wrap of the allocators.
 */
#include "base/limits.h"
#include "intake_support.h"

#include <zlib.h>

struct fixture {
	struct bd_arena arena;
	const struct bd_dictionary *dict;
	const struct bd_plan *medical, *social, *tax, *mapping;
	struct intake_log log;
};

/* -- allocations that fail in their turn -- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static long allocations_left = -1; /* -1 = no end */

static bool may_allocate(void)
{
	if (allocations_left == 0) {
		return false;
	}
	allocations_left -= allocations_left > 0;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
	return may_allocate() ? __real_realloc(memory, size) : NULL;
}

/* -- fixture -- */

static int open_fixture(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	bd_arena_init(&fixture->arena, ARENA_MAX);
	fixture->dict = read_dictionary(&fixture->arena);
	fixture->medical = intake_plan("adapters/medical", fixture->dict, &fixture->arena);
	fixture->social = intake_plan("adapters/social", fixture->dict, &fixture->arena);
	fixture->tax = intake_plan("adapters/tax", fixture->dict, &fixture->arena);
	fixture->mapping = intake_plan("tests/adapters/mapping", fixture->dict, &fixture->arena);
	intake_log_init(&fixture->log, fixture->dict);
	*state = fixture;
	return 0;
}

static int close_fixture(void **state)
{
	struct fixture *fixture = *state;

	bd_buf_release(&fixture->log.text);
	bd_arena_release(&fixture->arena);
	free(fixture);
	return 0;
}

static struct bd_bytes message_of(struct fixture *fixture, const char *path)
{
	struct bd_bytes message = intake_file(source_path(&fixture->arena, path), &fixture->arena);

	assert_non_null(message.ptr);
	return message;
}

#define NWS "adapters/social/samples/social_nws_response.xml"
#define PACKET "adapters/social/samples/social_packet_change.xml"
#define GT3 "adapters/tax/samples/tax_gt3_response.xml"
#define R1101 "adapters/medical/samples/medical_1101_response.json"
#define PLATFORM "adapters/medical/samples/medical_platform_response.json"
#define NESTED "tests/adapters/cases/mapping.nested.whole.xml"

/* -- tests -- */

static void one_payload_through_two_envelopes_gives_the_same(void **state)
{
	struct fixture *fixture = *state;
	struct intake_log *log = &fixture->log;
	struct bd_intake_settings settings =
		intake_settings(fixture->dict, fixture->medical, "1101");
	const char *first;

	assert_int_equal(intake_run(log, &settings, message_of(fixture, R1101), 0), BD_OK);
	first = bd_arena_text(&fixture->arena, bd_buf_bytes(&log->text));
	assert_non_null(first);
	assert_true(log->records > 4);
	settings = intake_settings(fixture->dict, fixture->medical, "platform");
	assert_int_equal(intake_run(log, &settings, message_of(fixture, PLATFORM), 0), BD_OK);
	assert_true(bd_bytes_is(bd_buf_bytes(&log->text), first));
}

static void what_is_cut_is_refused(void **state)
{
	struct fixture *fixture = *state;
	const struct {
		const struct bd_plan *plan;
		const char *feed, *path;
	} rows[] = { { fixture->social, "nws", NWS }, { fixture->social, "packet", PACKET },
		{ fixture->tax, "gt3", GT3 }, { fixture->medical, "1101", R1101 },
		{ fixture->mapping, "nested", NESTED } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct bd_intake_settings settings =
			intake_settings(fixture->dict, rows[i].plan, rows[i].feed);
		struct bd_bytes message = message_of(fixture, rows[i].path);

		while (message.ptr[message.len - 1] == '\n') {
			message.len--;
		}
		assert_int_equal(intake_run(&fixture->log, &settings, message, 0), BD_OK);
		for (size_t len = 0; len < message.len; len++) {
			struct bd_bytes cut = { message.ptr, len };

			if (intake_run(&fixture->log, &settings, cut, 0) == BD_OK) {
				fail_msg("%s is taken after %zu of %zu bytes", rows[i].path, len,
					message.len);
			}
		}
	}
}

static struct bd_bytes gzip_of(struct fixture *fixture, struct bd_bytes plain)
{
	size_t room = plain.len + 1024;
	char *out = bd_arena_alloc(&fixture->arena, room, 1);
	z_stream stream = { .next_in = (Bytef *)plain.ptr, .avail_in = (uInt)plain.len };

	assert_non_null(out);
	assert_int_equal(
		deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_out = (Bytef *)out;
	stream.avail_out = (uInt)room;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	room -= stream.avail_out;
	assert_int_equal(deflateEnd(&stream), Z_OK);
	return (struct bd_bytes){ out, room };
}

static void a_gzip_body_is_its_content(void **state)
{
	struct fixture *fixture = *state;
	struct intake_log *log = &fixture->log;
	struct bd_intake_settings settings = intake_settings(fixture->dict, fixture->social, "nws");
	struct bd_bytes plain = message_of(fixture, NWS), packed = gzip_of(fixture, plain);
	const char *first;

	assert_int_equal(intake_run(log, &settings, plain, 0), BD_OK);
	first = bd_arena_text(&fixture->arena, bd_buf_bytes(&log->text));
	settings.is_gzip = true;
	intake_check_steps(log, &settings, packed, "gzip");
	assert_int_equal(intake_run(log, &settings, packed, 0), BD_OK);
	assert_true(bd_bytes_is(bd_buf_bytes(&log->text), first));
	for (size_t len = 0; len < packed.len; len++) {
		packed.len--;
		assert_int_not_equal(intake_run(log, &settings, packed, 0), BD_OK);
	}
	assert_int_equal(intake_run(log, &settings, plain, 0), BD_GZIP_DATA);
}

static void what_expands_too_far_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct bd_intake_settings settings =
		intake_settings(fixture->dict, fixture->mapping, "pairs");
	const size_t len = (size_t)8 << 20;
	char *blanks = bd_arena_alloc(&fixture->arena, len, 1);
	struct bd_bytes packed;

	assert_non_null(blanks);
	memset(blanks, ' ', len);
	memcpy(blanks, "<list>", 6);
	packed = gzip_of(fixture, (struct bd_bytes){ blanks, len });
	settings.is_gzip = true;
	assert_int_equal(intake_run(&fixture->log, &settings, packed, 0), BD_LIMIT_EXPANSION);
}

static void a_message_longer_than_agreed_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct bd_intake_settings settings = intake_settings(fixture->dict, fixture->social, "nws");
	struct bd_bytes message = message_of(fixture, NWS);

	settings.max_bytes = message.len;
	assert_int_equal(intake_run(&fixture->log, &settings, message, 100), BD_OK);
	settings.max_bytes--;
	assert_int_equal(intake_run(&fixture->log, &settings, message, 100), BD_LIMIT_BYTES);
}

static void the_label_of_the_body_decides_its_charset(void **state)
{
	static const char gb18030[] = "<list><item><no>1</no><act>1</act>"
				      "<id>440311199106159019</id>"
				      "<nm>\xC1\xD6\xCA\xBE\xC0\xFD</nm></item></list>";
	struct fixture *fixture = *state;
	struct intake_log *log = &fixture->log;
	struct bd_intake_settings settings =
		intake_settings(fixture->dict, fixture->mapping, "pairs");

	settings.charset = "GB2312";
	assert_int_equal(intake_run(log, &settings, bd_bytes_of(gb18030), 0), BD_OK);
	assert_non_null(memmem(log->text.ptr, log->text.len, "name = 林示例\n", 17));
	settings.charset = NULL;
	assert_int_equal(intake_run(log, &settings, bd_bytes_of(gb18030), 0), BD_TEXT_ENCODING);
	settings.charset = "ebcdic";
	assert_int_equal(intake_run(log, &settings, bd_bytes_of(gb18030), 0), BD_TEXT_ENCODING);
}

static void a_refused_message_stays_refused(void **state)
{
	struct fixture *fixture = *state;
	const struct bd_intake_settings settings =
		intake_settings(fixture->dict, fixture->mapping, "pairs");
	const struct bd_intake_result *result = NULL;
	struct bd_intake *intake = NULL;
	struct bd_diag first = { .code = BD_OK }, second = { .code = BD_OK };
	char message[1024];

	assert_int_equal(bd_intake_new(&intake, &settings, &fixture->log.sink, &first), BD_OK);
	/* Longer than what is looked at before the charset is known. */
	memset(message, ' ', sizeof(message));
	memcpy(message, "<list><item></list>", 19);
	assert_int_equal(
		bd_intake_feed(intake, (struct bd_bytes){ message, sizeof(message) }, &first),
		BD_XML_SYNTAX);
	assert_int_equal(first.code, BD_XML_SYNTAX);
	assert_int_equal(bd_intake_feed(intake, bd_bytes_of("<list/>"), &second), BD_XML_SYNTAX);
	assert_int_equal(second.code, BD_XML_SYNTAX);
	assert_int_equal(second.place.line, first.place.line);
	assert_int_equal(bd_intake_end(intake, &result, NULL), BD_XML_SYNTAX);
	assert_null(result);
	bd_intake_free(intake);
}

static bool is_in(const struct intake_log *log, const char *text)
{
	return memmem(log->text.ptr, log->text.len, text, strlen(text)) != NULL;
}

static void who_was_asked_about_is_told_where_the_reply_is_silent(void **state)
{
	struct fixture *fixture = *state;
	struct intake_log *log = &fixture->log;
	struct bd_intake_settings settings = intake_settings(fixture->dict, fixture->tax, "gt3");
	const struct bd_id_kind *uscc = bd_dictionary_id_kind(fixture->dict, "uscc");
	struct bd_bytes alone =
		message_of(fixture, "tests/adapters/cases/tax.gt3.arrears_only.xml");

	assert_non_null(uscc);
	assert_int_equal(intake_run(log, &settings, alone, 0), BD_SUBJECT_MISSING);
	settings.subject = (struct bd_identifier){ .kind = uscc->number,
		.issuer = { "", 0 },
		.number = bd_bytes_of("92440311MAXXXXX160") };
	assert_int_equal(intake_run(log, &settings, alone, 0), BD_OK);
	assert_true(is_in(log, "subject 21:92440311MAXXXXX160 sections qsxx\n"));
	assert_int_equal(log->markers, 1);
	/* A reply that names its subject is about that one. */
	assert_int_equal(intake_run(log, &settings, message_of(fixture, GT3), 0), BD_OK);
	assert_true(is_in(log, "subject 21:92440311MAXXXXX152 "));
}

/* Fed again and again: what is kept of a message has the room of one record, so this ends well only
 * if nothing of the others is kept. */
static void memory_is_of_one_record(void **state)
{
	enum { RECORDS = 40000 };

	struct fixture *fixture = *state;
	struct intake_log *log = &fixture->log;
	const struct bd_intake_settings settings =
		intake_settings(fixture->dict, fixture->mapping, "pairs");
	const struct bd_intake_result *result = NULL;
	struct bd_intake *intake = NULL;
	struct bd_buf item;

	intake_log_clear(log);
	log->is_counting = true;
	bd_buf_init(&item, 4096);
	assert_int_equal(bd_intake_new(&intake, &settings, &log->sink, NULL), BD_OK);
	assert_int_equal(bd_intake_feed(intake, bd_bytes_of("<list>"), NULL), BD_OK);
	for (int i = 0; i < RECORDS; i++) {
		bd_buf_clear(&item);
		bd_buf_printf(&item,
			"<head><place>one</place></head><item><no>%d</no><act>1</act>"
			"<id>440311199106159019</id><nm>林示例</nm><more><pair>"
			"<code>DIED</code><value>%s</value></pair></more>%s</item>",
			i, i % 2 == 0 ? "20260101" : "never", i % 3 == 0 ? "<new/>" : "");
		assert_int_equal(bd_intake_feed(intake, bd_buf_bytes(&item), NULL), BD_OK);
	}
	assert_int_equal(bd_intake_feed(intake, bd_bytes_of("</list>"), NULL), BD_OK);
	assert_int_equal(bd_intake_end(intake, &result, NULL), BD_OK);
	assert_int_equal(result->received, RECORDS);
	assert_int_equal(result->accepted + result->rejected, RECORDS);
	assert_int_equal(result->records, log->records);
	assert_int_equal(result->unmapped_count, 1);
	assert_int_equal(result->unmapped[0].count, (RECORDS + 2) / 3);
	assert_true(result->accepted > RECORDS / 4);
	bd_intake_free(intake);
	bd_buf_release(&item);
	log->is_counting = false;
}

/* Numbers of people who cannot be: region 440311, born in the years 1960 to 1990, checked by
 * GB 11643-1999. */
static void invented_id(char out[19], unsigned n)
{
	static const int weights[] = { 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2 };
	int sum = 0;

	snprintf(out, 19, "440311%04u0101%03u", 1960 + n % 31, n % 1000);
	for (size_t i = 0; i < 17; i++) {
		sum += (out[i] - '0') * weights[i];
	}
	out[17] = "10X98765432"[sum % 11];
	out[18] = '\0';
}

static void a_reply_is_about_few(void **state)
{
	struct fixture *fixture = *state;
	struct intake_log *log = &fixture->log;
	const struct bd_intake_settings settings =
		intake_settings(fixture->dict, fixture->mapping, "nested");
	struct bd_buf message;

	for (unsigned count = BD_REPLY_SUBJECTS_MAX; count <= BD_REPLY_SUBJECTS_MAX + 1; count++) {
		bd_buf_init(&message, 1 << 20);
		bd_buf_add_text(&message,
			"<outer><rc>0</rc><sent>20260601093000</sent><text>&lt;inner>&lt;data>"
			"{\"people\":[");
		for (unsigned i = 0; i < count; i++) {
			char id[19];

			invented_id(id, i + 1);
			bd_buf_printf(&message, "%s{\"id\":\"%s\",\"name\":\"林示例\"}",
				i > 0 ? "," : "", id);
		}
		bd_buf_add_text(&message, "]}&lt;/data>&lt;/inner></text></outer>");
		if (count > BD_REPLY_SUBJECTS_MAX) {
			assert_int_equal(intake_run(log, &settings, bd_buf_bytes(&message), 0),
				BD_LIMIT_COUNT);
		} else {
			assert_int_equal(
				intake_run(log, &settings, bd_buf_bytes(&message), 0), BD_OK);
			assert_int_equal(log->markers, count);
		}
		bd_buf_release(&message);
	}
}

/* Every allocation of ours fails once: the message is refused for want of memory, and nothing is
 * lost or freed twice. */
static void no_memory_refuses_the_message(void **state)
{
	struct fixture *fixture = *state;
	struct intake_log *log = &fixture->log;
	const struct {
		const struct bd_plan *plan;
		const char *feed, *path;
	} rows[] = { { fixture->tax, "gt3", GT3 }, { fixture->mapping, "nested", NESTED },
		{ fixture->mapping, "pairs", "tests/adapters/cases/mapping.pairs.twice.xml" } };

	log->is_counting = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct bd_intake_settings settings =
			intake_settings(fixture->dict, rows[i].plan, rows[i].feed);
		struct bd_bytes message = message_of(fixture, rows[i].path);
		enum bd_code code = BD_NO_MEMORY;
		long turn = 0;

		while (code == BD_NO_MEMORY) {
			const struct bd_intake_result *result = NULL;
			struct bd_diag diag = { .code = BD_OK };
			struct bd_intake *intake = NULL;

			allocations_left = turn++;
			code = bd_intake_new(&intake, &settings, &log->sink, &diag);
			code = code == BD_OK ? bd_intake_feed(intake, message, &diag) : code;
			code = code == BD_OK ? bd_intake_end(intake, &result, &diag) : code;
			bd_intake_free(intake);
			allocations_left = -1;
			if (diag.code != code || (code != BD_OK && code != BD_NO_MEMORY)) {
				fail_msg("%s, allocation %ld: %s, %s %s", rows[i].path, turn,
					bd_code_info(code)->text, bd_code_info(diag.code)->text,
					diag.detail);
			}
		}
		assert_int_equal(code, BD_OK);
		assert_true(turn > 5);
	}
	log->is_counting = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_payload_through_two_envelopes_gives_the_same),
		cmocka_unit_test(what_is_cut_is_refused),
		cmocka_unit_test(a_gzip_body_is_its_content),
		cmocka_unit_test(what_expands_too_far_is_refused),
		cmocka_unit_test(a_message_longer_than_agreed_is_refused),
		cmocka_unit_test(the_label_of_the_body_decides_its_charset),
		cmocka_unit_test(a_refused_message_stays_refused),
		cmocka_unit_test(who_was_asked_about_is_told_where_the_reply_is_silent),
		cmocka_unit_test(memory_is_of_one_record),
		cmocka_unit_test(a_reply_is_about_few),
		cmocka_unit_test(no_memory_refuses_the_message),
	};

	return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
