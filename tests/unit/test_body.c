/* test_body.c - what the small bodies of requests are taken to say, and what is refused of them,
 * where.
 */
#include "daemon/body.h"

#include "answer/element.h"
#include "base/clock.h"
#include "base/limits.h"
#include "daemon/uploads.h"

#include "config_support.h"

#define NOW_MS INT64_C(1795449600000) /* 2026-11-24 */
#define PERSON                                                                                     \
	"{\"entity\":\"person\",\"id_type\":\"resident_id\",\"id_no\":\"440311199106159019\"}"
#define ABOUT "\"subject\":" PERSON ",\"source\":\"social\",\"entity\":\"person\""
#define DIGEST "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
#define WHOLE "\"source\":\"social\",\"feed\":\"packet\",\"digest\":\"" DIGEST "\""
#define SHA "abababababababababababababababababababababababababababababababab"

struct work {
	const struct bd_dictionary *dict;
	struct bd_arena config, arena;
	struct bd_diag diag;
	struct bd_faults faults;
	/* what was said */
	struct bd_dispute dispute;
	struct bd_resolution resolution;
	struct bd_recall_said recall;
	struct bd_erasure_said erasure;
	struct bd_obligations_said obligations;
	struct bd_owed_change change;
	int64_t days;
	int32_t due;
	struct bd_upload_terms terms;
	struct bd_identifier alone;
};

enum form { DISPUTE, RESOLUTION, RECALL, ERASURE, OBLIGATIONS, MATERIAL, EXTENSION, UPLOAD };

static enum bd_code read_form(struct work *work, enum form form, const char *text)
{
	struct bd_json *body = NULL;
	struct bd_faults *faults = &work->faults;
	enum bd_code code;

	work->diag = (struct bd_diag){ .code = BD_OK };
	*faults = (struct bd_faults){ &work->diag, &work->arena, 0 };
	work->terms = (struct bd_upload_terms){ .length = 0 };
	work->change = (struct bd_owed_change){ .due = 0 };
	work->dispute = (struct bd_dispute){ .id = 0 };
	code = bd_question_body(&body, bd_bytes_of(text), faults);
	if (code != BD_OK) {
		return code;
	}
	switch (form) {
	case DISPUTE:
		return bd_body_dispute(&work->dispute, body, work->dict, faults);
	case RESOLUTION:
		return bd_body_resolution(&work->resolution, body, faults);
	case RECALL:
		return bd_body_recall(&work->recall, body, work->dict, faults);
	case ERASURE:
		return bd_body_erasure(&work->erasure, body, work->dict, faults);
	case OBLIGATIONS:
		return bd_body_obligations(&work->obligations, body, faults);
	case MATERIAL:
		return bd_body_material(&work->change, body, NOW_MS, faults);
	case EXTENSION:
		return bd_body_extension(&work->change, &work->days, &work->due, body, faults);
	default:
		return bd_body_upload(&work->terms, body, faults);
	}
}

static void must_read(struct work *work, enum form form, const char *text)
{
	enum bd_code code = read_form(work, form, text);

	if (code != BD_OK) {
		print_error("%s: %s at %s\n", text, bd_code_info(code)->text, work->diag.path);
	}
	assert_int_equal(code, BD_OK);
}

static void test_said(void **state)
{
	struct work *work = *state;

	must_read(work, DISPUTE,
		"{" ABOUT ",\"field\":\"name\",\"reason\":\"outdated\",\"reference\":\"YY-1\"}");
	assert_string_equal(work->dispute.source, "social");
	assert_int_equal(
		work->dispute.field, bd_dictionary_field(work->dict, "person", "name")->number);
	assert_string_equal(work->dispute.reason, "outdated");
	assert_string_equal(work->dispute.reference, "YY-1");
	assert_true(bd_bytes_is(work->dispute.subject.number, "440311199106159019"));
	must_read(work, RESOLUTION, "{\"outcome\":\"corrected\"}");
	assert_int_equal(work->resolution.state, BD_DISPUTE_CORRECTED);
	assert_string_equal(work->resolution.reference, "");
	must_read(work, RECALL, "{\"message\":\"000000000081\"}");
	assert_int_equal(work->recall.message, 81);
	must_read(work, RECALL,
		"{\"feed\":\"nws\",\"subject\":" PERSON
		",\"entity\":\"person\",\"with\":{\"name\":\"a\",\"sex\":\"1\"}}");
	assert_int_equal(work->recall.message, 0);
	assert_int_equal(work->recall.with_count, 2);
	assert_true(bd_bytes_is(work->recall.with[1].text, "1"));
	must_read(work, ERASURE, "{\"subject\":" PERSON ",\"basis\":\"b\"}");
	assert_true(bd_bytes_is(work->erasure.basis, "b"));
}

static void test_said_of_obligations(void **state)
{
	struct work *work = *state;

	must_read(work, OBLIGATIONS, "{\"case\":\"c\"}");
	assert_int_equal(work->obligations.limit, BD_OBLIGATIONS_PAGE_MAX);
	assert_null(work->obligations.cursor);
	must_read(work, OBLIGATIONS, "{\"case\":\"c\",\"limit\":7,\"cursor\":\"x\"}");
	assert_int_equal(work->obligations.limit, 7);
	assert_string_equal(work->obligations.cursor, "x");
	must_read(work, MATERIAL,
		"{\"state\":\"e_licence\",\"digest\":\"" SHA
		"\",\"at\":\"2026-11-23T00:00:00+08:00\"}");
	assert_int_equal(work->change.digest[31], 0xab);
	assert_int_equal(work->change.handed_ms, NOW_MS - INT64_C(86400000));
	must_read(work, EXTENSION, "{\"working_days\":3,\"reason\":\"r\",\"operator\":\"o\"}");
	assert_int_equal(work->days, 3);
	assert_int_equal(work->due, BD_NO_DAY);
	must_read(work, EXTENSION, "{\"due\":\"2026-12-01\",\"reason\":\"r\",\"operator\":\"o\"}");
	assert_int_equal(work->days, 0);
	assert_int_equal(work->due, bd_day_at(NOW_MS) + 7);
	must_read(work, UPLOAD,
		"{" WHOLE ",\"length\":999999999999999999,\"total\":0,\"gzip\":true}");
	assert_int_equal(work->terms.length, UINT64_C(999999999999999999));
	assert_true(work->terms.delivery.has_total && work->terms.is_gzip);
	assert_int_equal(work->terms.delivery.day, INT32_MIN);
	assert_string_equal(work->terms.charset, "");
}

/* The first fault of each, and how many there are. */
static void test_refused(void **state)
{
	static const struct {
		enum form form;
		const char *text;
		enum bd_code code;
		const char *path;
		size_t count;
	} rows[] = {
		{ DISPUTE, "[]", BD_QUESTION_FORM, "", 1 },
		{ DISPUTE, "{}", BD_QUESTION_FORM, "/entity", 3 },
		{ DISPUTE, "{" ABOUT ",\"reason\":\"other\",\"more\":1}", BD_QUESTION_UNKNOWN, "",
			1 },
		{ DISPUTE, "{" ABOUT ",\"reason\":\"none\"}", BD_QUESTION_FORM, "/reason", 1 },
		{ DISPUTE, "{" ABOUT ",\"reason\":\"other\\u0000\"}", BD_QUESTION_FORM, "/reason",
			1 },
		{ DISPUTE, "{" ABOUT ",\"reason\":\"other\",\"field\":\"name\\u0000x\"}",
			BD_QUESTION_FORM, "/field", 1 },
		{ DISPUTE,
			"{" ABOUT
			",\"reason\":\"other\",\"reference\":\"1\\u0000440311199106159019\"}",
			BD_QUESTION_FORM, "/reference", 1 },
		{ DISPUTE,
			"{" ABOUT ",\"reason\":\"other\",\"reference\":\"Y-440311199106159019\"}",
			BD_QUESTION_FORM, "/reference", 1 },
		{ RESOLUTION, "{\"outcome\":\"upheld\\u0000\"}", BD_QUESTION_FORM, "/outcome", 1 },
		{ RESOLUTION, "{}", BD_QUESTION_FORM, "/outcome", 1 },
		{ RECALL, "{\"message\":0}", BD_QUESTION_FORM, "/message", 1 },
		{ RECALL, "{\"message\":\"81\\u0000\"}", BD_QUESTION_FORM, "/message", 1 },
		{ RECALL, "{\"message\":1000000000000000000}", BD_QUESTION_FORM, "/message", 1 },
		{ RECALL, "{\"message\":{}}", BD_QUESTION_FORM, "/message", 1 },
		{ RECALL, "{\"message\":1,\"feed\":\"nws\"}", BD_QUESTION_UNKNOWN, "", 1 },
		{ RECALL, "{\"subject\":" PERSON ",\"with\":{}}", BD_QUESTION_FORM, "/with", 1 },
		{ RECALL,
			"{\"subject\":" PERSON
			",\"entity\":\"person\",\"with\":{\"name\":\"a\",\"name\\u0000\":\"b\"}}",
			BD_QUESTION_FORM, "/with", 1 },
		{ ERASURE, "{\"basis\":\"b\"}", BD_QUESTION_FORM, "/subject", 1 },
		{ ERASURE, "{\"subject\":" PERSON "}", BD_QUESTION_FORM, "/basis", 1 },
		{ ERASURE, "{\"subject\":" PERSON ",\"basis\":\"\\u001b[2J\"}", BD_QUESTION_FORM,
			"/basis", 1 },
		{ ERASURE,
			"{\"subject\":{\"entity\":\"person\",\"id_type\":\"resident_id\\u0000x\","
			"\"id_no\":\"440311199106159019\"},\"basis\":\"b\"}",
			BD_QUESTION_FORM, "/subject", 1 },
		{ ERASURE,
			"{\"subject\":{\"entity\":\"person\",\"id_type\":\"resident_id\","
			"\"id_no\":\"440311199106159018\"},\"basis\":\"b\"}",
			BD_ID_CHECK_DIGIT, "/subject", 1 },
		{ OBLIGATIONS, "{\"case\":\"c\",\"limit\":1001}", BD_QUESTION_FORM, "/limit", 1 },
		{ OBLIGATIONS, "{\"case\":\"c\",\"limit\":1e1}", BD_QUESTION_FORM, "/limit", 1 },
		{ OBLIGATIONS, "{\"case\":\"c\",\"limit\":18446744073709551617}", BD_QUESTION_FORM,
			"/limit", 1 },
		{ OBLIGATIONS, "{\"case\":\"c\",\"cursor\":\"x\\u0000\"}", BD_CURSOR_INVALID,
			"/cursor", 1 },
		{ MATERIAL, "{}", BD_QUESTION_FORM, "/state", 3 },
		{ MATERIAL,
			"{\"state\":\"supplied\",\"digest\":\"" SHA
			"\",\"at\":\"2990-01-01T00:00:00Z\"}",
			BD_TIME_FUTURE, "/at", 1 },
		{ EXTENSION, "{\"working_days\":0,\"reason\":\"r\",\"operator\":\"o\"}",
			BD_QUESTION_FORM, "/working_days", 1 },
		{ EXTENSION, "{\"working_days\":1,\"due\":\"2026-12-01\"}", BD_QUESTION_FORM,
			"/working_days", 3 },
		{ EXTENSION, "{\"working_days\":1,\"reason\":\"r\\u001b\",\"operator\":\"o\"}",
			BD_QUESTION_FORM, "/reason", 1 },
		{ UPLOAD, "{" WHOLE "}", BD_QUESTION_FORM, "/length", 1 },
		{ UPLOAD, "{" WHOLE ",\"length\":0}", BD_QUESTION_FORM, "/length", 1 },
		{ UPLOAD, "{" WHOLE ",\"length\":1.0}", BD_QUESTION_FORM, "/length", 1 },
		{ UPLOAD, "{" WHOLE ",\"length\":1,\"total\":-1}", BD_QUESTION_FORM, "/total", 1 },
		{ UPLOAD, "{" WHOLE ",\"length\":1,\"charset\":\"\"}", BD_QUESTION_FORM, "/charset",
			1 },
		{ UPLOAD, "{" WHOLE ",\"length\":1,\"atomic\":\"true\"}", BD_QUESTION_FORM,
			"/atomic", 1 },
		{ UPLOAD, "{" WHOLE ",\"length\":1,\"delivery\":\"2026-02-30\"}", BD_QUESTION_FORM,
			"/delivery", 1 },
	};
	struct work *work = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum bd_code code = read_form(work, rows[i].form, rows[i].text);

		if (code != rows[i].code || strcmp(work->diag.path, rows[i].path) != 0 ||
			work->faults.count != rows[i].count) {
			print_error("%s: %s at '%s', %zu faults\n", rows[i].text,
				bd_code_info(code)->text, work->diag.path, work->faults.count);
		}
		assert_int_equal(code, rows[i].code);
		assert_int_equal(work->diag.code, rows[i].code);
		assert_string_equal(work->diag.path, rows[i].path);
		assert_int_equal(work->faults.count, rows[i].count);
	}
}

/* A subject alone, of people and organizations. */
static void test_alone(void **state)
{
	struct work *work = *state;
	enum bd_subject_kind kind;

	work->diag = (struct bd_diag){ .code = BD_OK };
	work->faults = (struct bd_faults){ &work->diag, &work->arena, 0 };
	assert_int_equal(
		bd_question_alone(&work->alone, &kind, bd_bytes_of("{\"subject\":" PERSON "}"),
			work->dict, &work->faults),
		BD_OK);
	assert_int_equal(kind, BD_SUBJECT_PERSON);
	assert_int_equal(bd_question_alone(
				 &work->alone, &kind, bd_bytes_of("{}"), work->dict, &work->faults),
		BD_QUESTION_FORM);
	assert_string_equal(work->diag.path, "/subject");
}

static int setup(void **state)
{
	struct work *work = calloc(1, sizeof(*work));
	struct bd_diags *diags = calloc(1, sizeof(*diags));

	assert_true(work != NULL && diags != NULL);
	bd_arena_init(&work->config, ARENA_MAX);
	bd_arena_init(&work->arena, BD_REQUEST_ARENA_MAX_BYTES);
	assert_int_equal(
		bd_config_dictionary_all(&work->dict,
			source_path(&work->config, "schemas/common.xml"), &work->config, diags),
		BD_OK);
	free(diags);
	*state = work;
	return 0;
}

static int teardown(void **state)
{
	struct work *work = *state;

	bd_arena_release(&work->arena);
	bd_arena_release(&work->config);
	free(work);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_said),
		cmocka_unit_test(test_said_of_obligations), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_alone) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
