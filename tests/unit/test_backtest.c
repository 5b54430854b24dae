/* test_backtest.c - the cases of a time by another version: each of them is accounted for. */
#include "config/dictionary.h"
#include "config/matter.h"
#include "daemon/backtest.h"
#include "store_support.h"

#define DAY_MS (INT64_C(86400) * 1000)
#define ON 20605 /* 2026-06-01 */

static const char version_text[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<matter id=\"made\" version=\"%s\" zh=\"虚构\" en=\"made\" basis=\"虚构\" "
	"effective-from=\"2022-01-01\" wait-s=\"60\">\n"
	"<role name=\"applicant\" zh=\"人\" en=\"one\" kind=\"person\" min=\"1\" max=\"1\"/>\n"
	"<element id=\"name\" zh=\"姓名\" en=\"name\" role=\"applicant\" entity=\"person\" "
	"field=\"name\" polarity=\"must_agree\" claimed=\"true\" core=\"true\"/>\n"
	"<element id=\"age\" zh=\"年龄\" en=\"age\" role=\"applicant\" entity=\"person\" "
	"field=\"birth_date\" polarity=\"must_agree\" core=\"true\">"
	"<test kind=\"age\" at-least=\"%d\"/></element>\n"
	"</matter>\n";

struct work {
	struct box box;
	struct bd_arena arena;
	struct bd_setup setup;
	const struct bd_matter *matters[1], *next;
	const char *source;
	struct bd_case_log *log;
	struct bd_case_record record; /* the next one */
	char question[1024];
};

static const struct bd_matter *read_version(struct work *work, const char *version, int age)
{
	const char *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	const struct bd_matter *matter = NULL;
	char text[2048], schemas[4096];

	assert_non_null(diags);
	snprintf(text, sizeof(text), version_text, version, age);
	snprintf(schemas, sizeof(schemas), "%s/schemas", top);
	if (bd_config_matter_version(&matter,
		    bd_bytes_of(bd_arena_text(&work->arena, bd_bytes_of(text))), "matter.xml",
		    "matters/made", schemas, work->setup.dict, &work->arena, diags) != BD_OK) {
		fail_msg("%u:%u %s", diags->items[0].place.line, diags->items[0].place.column,
			diags->items[0].detail);
	}
	free(diags);
	return matter;
}

/* Of a district that has nobody born so early. */
static void say_person(struct work *work, const char *number, const char *birth)
{
	const struct bd_dictionary *dict = work->setup.dict;
	struct bd_identifier id = { bd_dictionary_id_kind(dict, "resident_id")->number, { "", 0 },
		bd_bytes_of(number) };
	struct bd_value values[2] = {
		{ .field = bd_dictionary_field(dict, "person", "name")->number,
			.text = bd_bytes_of("林示例"),
			.native = { "", 0 } },
		{ .field = bd_dictionary_field(dict, "person", "birth_date")->number,
			.text = bd_bytes_of(birth),
			.native = { "", 0 } }
	};
	struct fact fact;

	if (values[0].field > values[1].field) {
		struct bd_value kept = values[0];

		values[0] = values[1];
		values[1] = kept;
	}
	fact_of(&fact, &id, 1, "s", bd_dictionary_entity(dict, "person")->number, 1, NULL);
	fact.record.values = values;
	fact.record.value_count = 2;
	box_say(&work->box, "social", &fact.record);
}

static struct work *work_open(void)
{
	const char *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	struct work *work = calloc(1, sizeof(*work));
	struct bd_diag diag = { .code = BD_OK };
	char path[4096];

	assert_non_null(work);
	bd_arena_init(&work->arena, 1 << 26);
	snprintf(path, sizeof(path), "%s/schemas/common.xml", top);
	assert_int_equal(bd_config_dictionary(&work->setup.dict, path, &work->arena, &diag), BD_OK);
	work->matters[0] = read_version(work, "1", 60);
	work->next = read_version(work, "2", 70);
	work->setup.matters = work->matters;
	work->setup.matter_count = 1;
	work->source = "social";
	work->setup.source_names = &work->source;
	work->setup.plan_count = 1;
	box_open(&work->box, NULL, 0);
	box_stop(&work->box);
	work->box.settings.history_days = 2;
	box_start(&work->box);
	assert_int_equal(bd_case_log_open(&work->log, work->box.store, 0, &work->box.diag), BD_OK);
	return work;
}

static void work_close(struct work *work)
{
	bd_case_log_close(work->log);
	box_close(&work->box);
	bd_arena_release(&work->arena);
	free(work);
}

/* A case of the person, as it was decided at the present commit; what is not as usual is set in
 * between. */
static void begin_case(struct work *work, const char *number, const char *id, const char *decision)
{
	uint32_t offset = work->record.receipt.offset;

	snprintf(work->question, sizeof(work->question),
		"{\"matter\":\"made\",\"subjects\":{\"applicant\":{\"entity\":\"person\","
		"\"id_type\":\"resident_id\",\"id_no\":\"%s\"}},\"claims\":[{\"of\":"
		"\"/subjects/applicant\",\"field\":\"name\",\"value\":\"林示例\"}]}",
		id);
	assert_int_equal(bd_store_begin(work->box.reader, &work->box.diag), BD_OK);
	work->record = (struct bd_case_record){ .receipt = { 1, 0, 0, offset + 64 },
		.at_ms = work->box.now_ms++,
		.number = bd_bytes_of(number),
		.matter = bd_bytes_of("made"),
		.version = bd_bytes_of("1"),
		.decision = bd_bytes_of(decision),
		.on = ON,
		.commit = bd_store_reader_commit(work->box.reader),
		.question = bd_bytes_of(work->question) };
	bd_store_end(work->box.reader);
}

static void end_case(struct work *work)
{
	assert_int_equal(bd_cases_append(work->log, &work->record, &work->box.diag), BD_OK);
	assert_int_equal(bd_cases_flush(work->log, &work->box.diag), BD_OK);
}

static void add_case(struct work *work, const char *number, const char *id, const char *decision)
{
	begin_case(work, number, id, decision);
	end_case(work);
}

/* -- the lines -- */

struct heard {
	struct bd_backtest_sink sink; /* first */
	struct bd_buf text;
	int asked, asked_max; /* how often it may be asked before nobody reads any more */
};

static bool hear(struct bd_backtest_sink *sink, struct bd_bytes lines)
{
	struct heard *heard = (struct heard *)sink;

	assert_int_equal(bd_buf_add(&heard->text, lines), BD_OK);
	return true;
}

static bool is_wanted(struct bd_backtest_sink *sink)
{
	struct heard *heard = (struct heard *)sink;

	return heard->asked++ < heard->asked_max;
}

static struct heard run(struct work *work, int64_t since_ms, int asked_max)
{
	const struct bd_backtest backtest = { .asker = bd_asker_itself,
		.setup = &work->setup,
		.store = work->box.store,
		.reader = work->box.reader,
		.matter = work->next,
		.since_ms = since_ms,
		.until_ms = work->box.now_ms };
	struct heard heard = { .sink = { hear, is_wanted }, .asked_max = asked_max };

	bd_buf_init(&heard.text, 1 << 20);
	assert_int_equal(bd_backtest_run(&backtest, &heard.sink, &work->box.diag), BD_OK);
	assert_int_equal(bd_buf_add_byte(&heard.text, '\0'), BD_OK);
	return heard;
}

static void has(const struct heard *heard, const char *text)
{
	if (strstr(heard->text.ptr, text) == NULL) {
		fail_msg("%s is not in\n%s", text, heard->text.ptr);
	}
}

/* -- */

#define OLD "440311195001010017"
#define YOUNG "440311196001010011"
#define GONE "44031119600101002X"

static void every_case_is_accounted_for(void **state)
{
	struct work *work = work_open();
	const struct bd_dictionary *dict = work->setup.dict;
	struct bd_identifier gone = { bd_dictionary_id_kind(dict, "resident_id")->number, { "", 0 },
		bd_bytes_of(GONE) };
	struct heard heard;
	int64_t since_ms;
	bool has_more;

	(void)state;
	say_person(work, OLD, "1950-01-01");
	add_case(work, "before", OLD, "pass");
	since_ms = work->box.now_ms;
	add_case(work, "expired", OLD, "pass");
	say_person(work, YOUNG, "1960-01-01");
	work->box.now_ms += 5 * DAY_MS;
	say_person(work, GONE, "1960-01-01");
	add_case(work, "same", OLD, "pass");
	add_case(work, "flips", YOUNG, "pass");
	begin_case(work, "flips too", YOUNG, "pass");
	work->record.version = bd_bytes_of("0");
	end_case(work);
	add_case(work, "erased", GONE, "pass");
	begin_case(work, "cut", OLD, "pass");
	work->record.is_cut = true;
	end_case(work);
	add_case(work, "never so", YOUNG, "conditional");
	begin_case(work, "misfit", OLD, "pass");
	work->record.question = bd_bytes_of("{\"matter\":\"made\",\"subjects\":{}}");
	end_case(work);
	begin_case(work, "another's", OLD, "pass");
	work->record.matter = bd_bytes_of("other");
	end_case(work);
	assert_int_equal(
		erase_subject(work->box.store, &gone, work->box.now_ms, NULL, &work->box.diag),
		BD_OK);
	assert_int_equal(
		bd_store_expire(&has_more, work->box.store, work->box.now_ms, &work->box.diag),
		BD_OK);
	heard = run(work, since_ms, INT32_MAX);
	has(&heard, "\"cases\":8,\"same\":1,\"flipped\":2,\"flips\":[{\"was\":\"pass\",\"is\":"
		    "\"refer\",\"count\":2}],\"refused\":1,\"erased\":1,\"expired\":1,"
		    "\"unreproducible\":2,\"unreadable\":0}\n");
	has(&heard, "{\"type\":\"flip\",\"case\":\"flips\",");
	has(&heard, "\"version\":\"1\",\"was\":\"pass\",\"is\":\"refer\",\"elements\":["
		    "{\"element\":\"age\",\"label_zh\":\"年龄\",\"label_en\":\"age\","
		    "\"subject\":\"/subjects/applicant\",\"was\":{\"code\":\"match\",\"flags\":[],"
		    "\"reason\":\"\",\"accepted\":true},\"is\":{\"code\":\"mismatch\"");
	/* Of a version that is gone nobody knows what it had found. */
	has(&heard, "\"version\":\"0\",\"was\":\"pass\",\"is\":\"refer\",\"elements\":["
		    "{\"element\":\"age\",\"label_zh\":\"年龄\",\"label_en\":\"age\","
		    "\"subject\":\"/subjects/applicant\",\"was\":null,\"is\":{\"code\":"
		    "\"mismatch\"");
	has(&heard, "{\"type\":\"unreproducible\",\"case\":\"cut\",");
	has(&heard, "\"was\":\"conditional\",\"code\":\"differs\"}\n");
	has(&heard, "{\"type\":\"refused\",\"case\":\"misfit\",");
	has(&heard, "\"code\":\"role.count\",");
	assert_null(strstr(heard.text.ptr, "林示例"));
	assert_null(strstr(heard.text.ptr, "440311"));
	bd_buf_release(&heard.text);
	work_close(work);
}

/* However far it has come: nothing more is said, and no sum that would be a wrong one. */
static void it_stops_where_nobody_reads(void **state)
{
	struct work *work = work_open();

	(void)state;
	say_person(work, YOUNG, "1960-01-01");
	for (int i = 0; i < 4; i++) {
		add_case(work, "flips", YOUNG, "pass");
	}
	for (int asked = 0; asked < 9; asked++) {
		struct heard heard = run(work, 0, asked);

		assert_null(strstr(heard.text.ptr, "summary"));
		bd_buf_release(&heard.text);
	}
	work_close(work);
}

static void nothing_is_a_sum_of_noughts(void **state)
{
	struct work *work = work_open();
	struct heard heard = run(work, 0, INT32_MAX);

	(void)state;
	has(&heard, "{\"type\":\"summary\",\"matter\":\"made\",\"version\":\"2\",");
	has(&heard, "\"cases\":0,\"same\":0,\"flipped\":0,\"flips\":[],");
	bd_buf_release(&heard.text);
	work_close(work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_is_accounted_for),
		cmocka_unit_test(it_stops_where_nobody_reads),
		cmocka_unit_test(nothing_is_a_sum_of_noughts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
