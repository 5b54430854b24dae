/* test_form.c - requests made of forms: every request of the adapters as it goes out, values
 * escaped for their places, and what cannot be sent.
 */
#include "config_support.h"

#include "base/form.h"
#include "config/file.h"
#include "config/requests.h"

#define ALL_BYTES 262144

/* SM4 key and HMAC keys of nobody. */
static const struct bd_form_value values[] = {
	{ "channel_id", { "SZGM.ZWFW.BIDUI", 15 }, NULL },
	{ "system_code", { "BIDUI", 5 }, NULL },
	{ "fixmedins_code", { "S44031100001", 12 }, NULL },
	{ "fixmedins_name", { "示例<&\"局", sizeof("示例<&\"局") - 1 }, NULL },
	{ "area", { "440311", 6 }, NULL },
	{ "opter", { "bidui", 5 }, NULL },
	{ "opter_name", { "秒批网关", sizeof("秒批网关") - 1 }, NULL },
	{ "app_id", { "A1", 2 }, NULL },
	{ "seal_key", { "0123456789abcdeffedcba9876543210", 32 }, NULL },
	{ "rid", { "R1", 2 }, NULL },
	{ "sid", { "S1", 2 }, NULL },
	{ "platform_secret", { "secret", 6 }, NULL },
	{ "tif_paasid", { "P1", 2 }, NULL },
	{ "tif_token", { "token", 5 }, NULL },
	{ "table", { "E_PB_BASEINFO", 13 }, NULL },
	{ "file", { "a b/../c.txt", 12 }, NULL },
};
#define VALUES (sizeof(values) / sizeof(values[0]))

/* 2026-06-01 09:30:15.120 +08:00 */
static const int64_t now = INT64_C(1780277415120);

static struct bd_form_given given_of(const char *kind, const char *identifier)
{
	return (struct bd_form_given){ .identifier = bd_bytes_of(identifier),
		.id_kind = kind,
		.page = 3,
		.offset = 1000,
		.cursor = bd_bytes_of("a&b=c"),
		.since = bd_bytes_of("20260531000000000"),
		.until_ms = now,
		.now_ms = now,
		.serial = 123456789,
		.random = { 0x0e, 0xa4, 0xff },
		.values = values,
		.value_count = VALUES };
}

static void write_request(struct bd_buf *out, const struct bd_form_request *request)
{
	bd_buf_printf(out, "%s %s\n", request->method, request->url);
	for (size_t i = 0; i < request->header_count; i++) {
		bd_buf_printf(out, "%s: %s\n", request->headers[i].name, request->headers[i].value);
	}
	if (request->body.ptr != NULL) {
		bd_buf_add(out, request->body);
		bd_buf_add_byte(out, '\n');
	}
	bd_buf_add_byte(out, '\n');
}

/* What it signs with differs each time; that it is there is all that a text can say. */
static const char *const signing[] = { "query-1101-signed", "query-sealed" };

static bool signs(const char *name)
{
	for (size_t i = 0; i < sizeof(signing) / sizeof(signing[0]); i++) {
		if (strcmp(name, signing[i]) == 0) {
			return true;
		}
	}
	return false;
}

static void write_forms(struct bd_buf *out, const struct bd_forms *forms, struct bd_arena *arena)
{
	for (size_t i = 0; i < forms->count; i++) {
		const struct bd_form *form = &forms->items[i];
		const char *kind = form->kind_count > 0 ? form->kinds[0] : NULL;
		struct bd_form_given given = given_of(kind,
			kind != NULL && strcmp(kind, "resident_id") == 0 ? "440311199106159019"
									 : "92440311MAXXXXX152");
		struct bd_form_request request;
		struct bd_diag diag = { 0 };

		if (form->judged_count > 0) {
			given.field = bd_bytes_of(form->judged[0]);
			given.claim = bd_bytes_of("示例\"文具\"店");
			given.claim_digest = bd_bytes_of("0123abcd");
		}
		if (signs(form->name)) {
			continue;
		}
		bd_buf_printf(out, "== %s\n", form->name);
		assert_int_equal(
			bd_form_make(&request, form, "https://h/base", &given, arena, &diag),
			BD_OK);
		write_request(out, &request);
	}
}

static void read_forms(struct bd_forms *forms, const char *adapter, struct bd_arena *arena)
{
	struct bd_diags diags = { 0 };

	*forms = (struct bd_forms){ 0 };
	assert_int_equal(
		bd_config_requests(forms, source_path(arena, adapter),
			source_path(arena, "schemas"), read_dictionary(arena), arena, &diags),
		BD_OK);
}

static void assert_text(const struct bd_buf *have, const char *path)
{
	const char *mode = getenv("BIDUI_TEST_WRITE") == NULL ? "rbe" : "wbe";
	FILE *file = fopen(path, mode);
	char *want = calloc(1, ALL_BYTES);

	assert_non_null(file);
	assert_non_null(want);
	if (mode[0] == 'w') {
		fwrite(have->ptr, 1, have->len, file);
	} else {
		size_t len = fread(want, 1, ALL_BYTES - 1, file);

		want[len] = '\0';
		assert_string_equal(have->ptr, want);
	}
	fclose(file);
	free(want);
}

static void every_request_goes_out_as_it_is_declared(void **state)
{
	static const char *const adapters[] = { "adapters/market", "adapters/medical",
		"adapters/social", "adapters/tax" };
	struct bd_arena arena;
	struct bd_buf out;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	bd_buf_init(&out, ALL_BYTES);
	for (size_t i = 0; i < sizeof(adapters) / sizeof(adapters[0]); i++) {
		struct bd_forms forms;

		read_forms(&forms, adapters[i], &arena);
		assert_true(forms.count > 0);
		write_forms(&out, &forms, &arena);
	}
	bd_buf_add_byte(&out, '\0');
	out.len--;
	assert_text(&out, source_path(&arena, "tests/adapters/requests.expected"));
	bd_buf_release(&out);
	bd_arena_release(&arena);
}

/* The signature is over the very bytes that stand in the message. */
static void what_is_signed_is_what_is_sent(void **state)
{
	struct bd_form_value with_key[VALUES + 1];
	struct bd_form_given given = given_of("resident_id", "440311199106159019");
	struct bd_sign_key *key = NULL;
	struct bd_form_request request;
	struct bd_forms forms;
	struct bd_arena arena;
	struct bd_buf raw;
	const char *input, *cainfo;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	bd_buf_init(&raw, 1024);
	assert_int_equal(bd_sign_key_generate(&key, BD_SIGN_SM2_SM3), BD_OK);
	memcpy(with_key, values, sizeof(values));
	with_key[VALUES] = (struct bd_form_value){ .name = "sign_key", .key = key };
	given.values = with_key;
	given.value_count = VALUES + 1;
	read_forms(&forms, "adapters/medical", &arena);
	assert_int_equal(bd_form_make(&request, bd_forms_find(&forms, "query-1101-signed"),
				 "https://h", &given, &arena, NULL),
		BD_OK);
	input = strstr(request.body.ptr, "\"input\":") + strlen("\"input\":");
	cainfo = strstr(request.body.ptr, "\"cainfo\":\"") + strlen("\"cainfo\":\"");
	assert_true(bd_base64_read(
		&raw, (struct bd_bytes){ cainfo, (size_t)(strchr(cainfo, '"') - cainfo) }));
	assert_int_equal(raw.len, BD_SIGNATURE_BYTES);
	assert_int_equal(bd_sign_check((const uint8_t *)raw.ptr, key,
				 (struct bd_bytes){ input, strlen(input) - 1 }),
		BD_OK);
	assert_int_equal(bd_form_make(&request, bd_forms_find(&forms, "query-sealed"), "https://h",
				 &given, &arena, NULL),
		BD_OK);
	assert_non_null(strstr(request.body.ptr, "\"encData\":\""));
	assert_null(strstr(request.body.ptr, "440311199106159019"));
	bd_buf_release(&raw);
	bd_sign_key_free(key);
	bd_arena_release(&arena);
}

/* -- places -- */

static const char *fill(struct bd_arena *arena, const char *text, enum bd_form_place place,
	const char *identifier, enum bd_code expected)
{
	struct bd_form_step step = { .kind = BD_FORM_TEXT, .name = "payload", .place = place };
	struct bd_form form = { .name = "f", .method = "POST", .has_body = true };
	struct bd_form_given given = given_of(NULL, identifier);
	struct bd_form_request request;
	struct bd_diag diag = { 0 };

	assert_int_equal(bd_form_template_read(&step.of, text, arena, &diag), BD_OK);
	form.steps = &step;
	form.step_count = 1;
	assert_int_equal(bd_form_make(&request, &form, "b", &given, arena, &diag), expected);
	if (expected != BD_OK && identifier[0] != '\0') {
		assert_null(strstr(diag.detail, identifier));
	}
	return expected == BD_OK ? request.body.ptr : NULL;
}

static void a_value_is_escaped_for_its_place(void **state)
{
	static const struct {
		const char *text;
		enum bd_form_place place;
		const char *identifier, *expected;
	} rows[] = {
		{ "<a>${identifier}</a>", BD_FORM_XML, "<b>&\"'",
			"<a>&lt;b&gt;&amp;&quot;&apos;</a>" },
		{ "{\"a\":\"${identifier}\"}", BD_FORM_JSON, "\"}\\\n",
			"{\"a\":\"\\\"}\\\\\\u000a\"}" },
		{ "a=${identifier}", BD_FORM_URL, "a&b=c/../ 张",
			"a=a%26b%3Dc%2F..%2F%20%E5%BC%A0" },
		{ "${identifier:cdata}", BD_FORM_XML, "a]]>b", "<![CDATA[a]]]]><![CDATA[>b]]>" },
		{ "${identifier:xml}", BD_FORM_XML, "<", "&amp;lt;" },
		{ "${identifier:base64}", BD_FORM_JSON, "abc", "YWJj" },
		{ "${identifier:hex}", BD_FORM_URL, "abc", "616263" },
		{ "${identifier:raw}", BD_FORM_JSON, "{\"a\":1}", "{\"a\":1}" },
		{ "$ {} $${page}", BD_FORM_RAW, "", "$ {} $3" },
		{ "${now:yyyy-MM-dd'T'HH:mm:ss.SSS hh}", BD_FORM_RAW, "",
			"2026-06-01'T'09:30:15.120 09" },
		{ "${now:epoch} ${now:epoch_ms}", BD_FORM_RAW, "", "1780277415 1780277415120" },
		{ "${serial:4} ${serial:12} ${serial}", BD_FORM_RAW, "",
			"6789 000123456789 123456789" },
		{ "${uuid}", BD_FORM_RAW, "", "0ea4ff00000000000000000000000000" },
		{ "${since:yyyyMMdd} ${since}", BD_FORM_RAW, "", "20260531 20260531000000000" },
		{ "${cursor}", BD_FORM_URL, "", "a%26b%3Dc" },
		{ "a=${identifier}", BD_FORM_URL, "", "a=" },
		{ "<a>${identifier}</a>", BD_FORM_XML, "", "<a></a>" },
		{ "\"${identifier}\"", BD_FORM_JSON, "", "\"\"" },
	};
	struct bd_arena arena;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(
			fill(&arena, rows[i].text, rows[i].place, rows[i].identifier, BD_OK),
			rows[i].expected);
	}
	bd_arena_release(&arena);
}

/* Nor does the reason say what it was. */
static void what_a_place_cannot_hold_is_refused(void **state)
{
	struct bd_arena arena;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	fill(&arena, "${identifier}", BD_FORM_XML,
		"a\x01"
		"b",
		BD_CONFIG_MEANING);
	fill(&arena, "${identifier:cdata}", BD_FORM_XML,
		"a\x01"
		"b",
		BD_CONFIG_MEANING);
	fill(&arena, "${identifier}", BD_FORM_JSON,
		"a\xff"
		"b",
		BD_CONFIG_MEANING);
	fill(&arena, "${identifier}", BD_FORM_HEADER, "a\r\nX: b", BD_CONFIG_MEANING);
	fill(&arena, "${identifier}", BD_FORM_HEADER, "张三", BD_CONFIG_MEANING);
	fill(&arena, "${nobody}", BD_FORM_RAW, "", BD_CONFIG_MEANING);
	fill(&arena, "${identifier:rot13}", BD_FORM_RAW, "", BD_CONFIG_MEANING);
	bd_arena_release(&arena);
}

static void a_template_that_has_no_end_is_none(void **state)
{
	static const char *const bad[] = { "${", "a ${now", "${}", "${:raw}", "x${now}${" };
	struct bd_form_template template;
	struct bd_arena arena;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bd_diag diag = { 0 };

		assert_int_equal(
			bd_form_template_read(&template, bad[i], &arena, &diag), BD_CONFIG_MEANING);
	}
	bd_arena_release(&arena);
}

static void it_is_known_who_can_be_asked_about(void **state)
{
	struct bd_form_given given = given_of("cn_passport", "E12345678");
	struct bd_form_request request;
	struct bd_forms forms;
	struct bd_arena arena;
	struct bd_diag diag = { 0 };
	const char *none = NULL;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	read_forms(&forms, "adapters/medical", &arena);
	assert_int_equal(bd_form_make(&request, bd_forms_find(&forms, "query-1101"), "https://h",
				 &given, &arena, &diag),
		BD_ASK_FORM);
	assert_null(strstr(diag.detail, "E12345678"));
	assert_string_equal(
		bd_form_unknown(bd_forms_find(&forms, "query-platform"), &none, 0), "sid");
	bd_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_goes_out_as_it_is_declared),
		cmocka_unit_test(what_is_signed_is_what_is_sent),
		cmocka_unit_test(a_value_is_escaped_for_its_place),
		cmocka_unit_test(what_a_place_cannot_hold_is_refused),
		cmocka_unit_test(a_template_that_has_no_end_is_none),
		cmocka_unit_test(it_is_known_who_can_be_asked_about),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
