/* test_grants.c - grants: read from a file, every error of one told, and who may ask what by them.
 */
#include "answer_support.h"
#include "base/clock.h"
#include "config/grants.h"

struct fixture {
	struct answer_setting *setting;
	const struct bd_senders *senders;
	struct bd_grants *grants;
	enum bd_code code;
};

static void read_grants(struct fixture *f, const char *path)
{
	struct answer_setting *setting = new_setting();

	*f = (struct fixture){ .setting = setting };
	add_matter(setting, "schemas/matters/individual-business-registration");
	add_matter(setting, "schemas/matters/tax-clearance");
	assert_int_equal(bd_config_senders(&f->senders,
				 source_path(&setting->arena, "tests/adapters/config/senders.conf"),
				 &setting->arena, &setting->diags),
		BD_OK);
	f->code = bd_config_grants(&f->grants, source_path(&setting->arena, path),
		source_path(&setting->arena, "schemas"), f->senders, setting->matters,
		setting->context.matter_count, setting->context.dict, &setting->arena,
		&setting->diags);
	if (f->code == BD_OK) {
		assert_int_equal(
			bd_grants_index(f->grants, setting->matters, setting->context.matter_count,
				f->senders->count, &setting->arena),
			BD_OK);
	}
}

static int32_t day_of(const char *text)
{
	int32_t day;

	assert_true(bd_day_parse(&day, bd_bytes_of(text)));
	return day;
}

static struct bd_asker asker_of(
	const struct fixture *f, uint32_t number, const char *purpose, const char *day)
{
	struct bd_asker asker = { .grants = f->grants,
		.sender = f->senders->items[number].name,
		.sender_number = number,
		.day = day_of(day) };

	bd_asker_state(&asker, bd_bytes_of(purpose));
	return asker;
}

static const struct bd_matter *matter_of(const struct fixture *f, const char *id)
{
	for (size_t i = 0; i < f->setting->context.matter_count; i++) {
		if (strcmp(f->setting->matters[i]->id, id) == 0) {
			return f->setting->matters[i];
		}
	}
	fail_msg("no matter %s", id);
	return NULL;
}

#define ENGINE 1
#define PLATFORM 0
#define BUSINESS "individual-business-registration"

/* The grant that is found, or the code of the refusal. */
static void assert_granted(const struct fixture *f, uint32_t sender, const char *purpose,
	const char *day, const char *matter, enum bd_disclosure needs, const char *expected)
{
	struct bd_asker asker = asker_of(f, sender, purpose, day);
	struct bd_diag diag = { .code = BD_OK };
	const struct bd_grant *grant = NULL;
	enum bd_code code = bd_grant_matter(&grant, &asker, matter_of(f, matter), needs, &diag);

	assert_string_equal(code == BD_OK ? grant->id : bd_code_info(code)->text, expected);
	assert_int_equal(diag.code, code);
	if (code != BD_OK) {
		assert_string_equal(diag.missing.matter, matter);
		assert_string_equal(diag.missing.sender, f->senders->items[sender].name);
		assert_non_null(diag.missing.giver_zh);
		assert_non_null(diag.missing.giver_en);
	}
}

static void a_grant_is_of_one_sender_purpose_matter_and_time(void **state)
{
	struct fixture f;

	(void)state;
	read_grants(&f, "tests/adapters/config/grants.xml");
	assert_int_equal(f.code, BD_OK);
	assert_int_equal(f.grants->count, 7);
	/* Both days are included, and the day after is another grant's, or nobody's. */
	assert_granted(&f, ENGINE, "登记审批", "2025-12-31", BUSINESS, 0, "grant.not_in_force");
	assert_granted(&f, ENGINE, "登记审批", "2026-01-01", BUSINESS, 0, "Y1");
	assert_granted(&f, ENGINE, "登记审批", "2026-06-30", BUSINESS, 0, "Y1");
	assert_granted(&f, ENGINE, "登记审批", "2026-07-01", BUSINESS, 0, "Y2");
	assert_granted(&f, ENGINE, "登记审批", "2026-12-31", BUSINESS, 0, "Y2");
	assert_granted(&f, ENGINE, "登记审批", "2027-01-01", BUSINESS, 0, "grant.not_in_force");
	/* Another purpose, none, one that nobody has; another matter; another sender. */
	assert_granted(&f, ENGINE, "事后抽查", "2026-01-01", BUSINESS, 0, "Y3");
	assert_granted(&f, ENGINE, "", "2026-01-01", BUSINESS, 0, "grant.purpose");
	assert_granted(&f, ENGINE, "好奇", "2026-01-01", BUSINESS, 0, "grant.missing");
	assert_granted(&f, ENGINE, "登记审批 ", "2026-01-01", BUSINESS, 0, "grant.missing");
	assert_granted(&f, ENGINE, "登记审批", "2026-01-01", "tax-clearance", 0, "grant.missing");
	assert_granted(&f, PLATFORM, "登记审批", "2026-01-01", "tax-clearance", 0, "Y4");
	assert_granted(&f, PLATFORM, "登记审批", "2026-01-01", BUSINESS, 0, "grant.missing");
	assert_granted(&f, PLATFORM, "事后抽查", "2026-01-01", BUSINESS, 0, "Y7");
	free_setting(f.setting);
}

static void more_is_told_only_by_a_higher_level(void **state)
{
	static const struct {
		const char *purpose, *day;
		enum bd_disclosure needs;
		const char *expected;
	} rows[] = {
		{ "登记审批", "2026-01-01", BD_DISCLOSE_DECISION, "Y1" },
		{ "登记审批", "2026-01-01", BD_DISCLOSE_CODES, "Y1" },
		{ "登记审批", "2026-01-01", BD_DISCLOSE_VALUES, "grant.level" },
		{ "登记审批", "2026-07-01", BD_DISCLOSE_DECISION, "Y2" },
		{ "登记审批", "2026-07-01", BD_DISCLOSE_CODES, "grant.level" },
		{ "事后抽查", "2026-07-01", BD_DISCLOSE_VALUES, "Y3" },
	};
	struct fixture f;

	(void)state;
	read_grants(&f, "tests/adapters/config/grants.xml");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_granted(&f, ENGINE, rows[i].purpose, rows[i].day, BUSINESS, rows[i].needs,
			rows[i].expected);
	}
	free_setting(f.setting);
}

static void a_refusal_names_who_gives_it(void **state)
{
	struct bd_diag diag = { .code = BD_OK };
	const struct bd_grant *grant = NULL;
	struct bd_asker asker;
	struct fixture f;

	(void)state;
	read_grants(&f, "tests/adapters/config/grants.xml");
	asker = asker_of(&f, ENGINE, "事后抽查", "2027-01-01");
	assert_int_equal(
		bd_grant_matter(&grant, &asker, matter_of(&f, BUSINESS), BD_DISCLOSE_CODES, &diag),
		BD_GRANT_NOT_IN_FORCE);
	assert_string_equal(diag.missing.grant, "Y3");
	assert_string_equal(diag.missing.purpose, "事后抽查");
	assert_string_equal(diag.missing.disclosure, "codes");
	assert_string_equal(diag.missing.giver_zh, "示例区市场监督管理局");
	bd_diag_clear(&diag);
	/* A purpose of somebody's own making is not repeated to anybody. */
	asker = asker_of(&f, ENGINE, "440311199106159019", "2026-01-01");
	assert_int_equal(bd_grant_matter(&grant, &asker, matter_of(&f, BUSINESS), 0, &diag),
		BD_GRANT_MISSING);
	assert_null(diag.missing.purpose);
	assert_string_equal(diag.missing.giver_en, "Data Administration of the Example District");
	free_setting(f.setting);
}

static void nobody_may_ask_anything(void **state)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_asker unknown = { .grants = NULL };
	const struct bd_grant *grant = NULL;
	const struct bd_sight *sights;
	struct fixture f;

	(void)state;
	read_grants(&f, "tests/adapters/config/grants.xml");
	assert_int_equal(
		bd_grant_matter(&grant, NULL, matter_of(&f, BUSINESS), 0, NULL), BD_GRANT_MISSING);
	assert_int_equal(bd_grant_matter(&grant, &unknown, matter_of(&f, BUSINESS), 0, &diag),
		BD_GRANT_MISSING);
	assert_null(grant);
	assert_int_equal(bd_grant_fields(&sights, NULL, BD_SUBJECT_PERSON, f.setting->context.dict,
				 &f.setting->arena, &diag),
		BD_GRANT_MISSING);
	/* Not one of the senders. */
	unknown = asker_of(&f, ENGINE, "登记审批", "2026-01-01");
	unknown.sender_number = (uint32_t)f.senders->count;
	assert_int_equal(bd_grant_matter(&grant, &unknown, matter_of(&f, BUSINESS), 0, NULL),
		BD_GRANT_MISSING);
	assert_int_equal(bd_grant_fields(&sights, &unknown, BD_SUBJECT_PERSON,
				 f.setting->context.dict, &f.setting->arena, NULL),
		BD_GRANT_MISSING);
	free_setting(f.setting);
}

/* A version that is only tried: known by its matter's id. */
static void a_version_that_is_tried_has_the_grants_of_its_matter(void **state)
{
	const struct bd_grant *grant = NULL;
	struct bd_matter tried;
	struct bd_asker asker;
	struct fixture f;

	(void)state;
	read_grants(&f, "tests/adapters/config/grants.xml");
	tried = *matter_of(&f, BUSINESS);
	asker = asker_of(&f, ENGINE, "登记审批", "2026-01-01");
	assert_int_equal(bd_grant_matter(&grant, &asker, &tried, BD_DISCLOSE_CODES, NULL), BD_OK);
	assert_string_equal(grant->id, "Y1");
	free_setting(f.setting);
}

static const struct bd_sight *sight_of(
	const struct fixture *f, const struct bd_sight *sights, const char *entity)
{
	const struct bd_dictionary *dict = f->setting->context.dict;

	return &sights[bd_dictionary_entity(dict, entity) - dict->entities];
}

static uint64_t bit_of(const struct fixture *f, const char *entity, const char *field)
{
	const struct bd_dictionary *dict = f->setting->context.dict;

	return (uint64_t)1 << (bd_dictionary_field(dict, entity, field) -
			       bd_dictionary_entity(dict, entity)->fields);
}

static void fields_are_seen_as_they_are_named(void **state)
{
	const struct bd_sight *sights = NULL, *person, *insured;
	struct bd_asker asker;
	struct fixture f;

	(void)state;
	read_grants(&f, "tests/adapters/config/grants.xml");
	asker = asker_of(&f, ENGINE, "登记审批", "2026-06-01");
	assert_int_equal(bd_grant_fields(&sights, &asker, BD_SUBJECT_PERSON,
				 f.setting->context.dict, &f.setting->arena, NULL),
		BD_OK);
	person = sight_of(&f, sights, "person");
	assert_int_equal(
		person->values, bit_of(&f, "person", "name") | bit_of(&f, "person", "birth_date"));
	assert_int_equal(person->held, person->values);
	assert_true(person->has_identifiers);
	/* All but the sensitive ones, and of these only that they are held. */
	insured = sight_of(&f, sights, "insurance_status");
	assert_int_equal(insured->values, 0);
	assert_true((insured->held & bit_of(&f, "insurance_status", "scheme")) != 0);
	assert_true((insured->held & bit_of(&f, "insurance_status", "base")) == 0);
	assert_false(insured->has_identifiers);
	assert_int_equal(sight_of(&f, sights, "restriction")->held, 0);
	/* Of organizations nothing is granted. */
	assert_int_equal(bd_grant_fields(&sights, &asker, BD_SUBJECT_ORGANIZATION,
				 f.setting->context.dict, &f.setting->arena, NULL),
		BD_GRANT_MISSING);
	asker = asker_of(&f, ENGINE, "登记审批", "2027-01-01");
	assert_int_equal(bd_grant_fields(&sights, &asker, BD_SUBJECT_PERSON,
				 f.setting->context.dict, &f.setting->arena, NULL),
		BD_GRANT_NOT_IN_FORCE);
	free_setting(f.setting);
}

/* -- what is told -- */

/* What a case file comes to for whom a grant of this level is given, as text; the caller frees it.
 */
static char *answer_at(const char *matter, const char *name, enum bd_disclosure level)
{
	struct answer_setting *setting = new_setting();
	struct bd_grant grant = { .id = "G",
		.sender = "s",
		.purpose = "p",
		.disclosure = level,
		.from = INT32_MIN,
		.until = INT32_MAX };
	struct bd_grants grants = { .items = &grant, .count = 1 };
	struct bd_asker asker = { .grants = &grants, .sender = "s" };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_case_file *file = NULL;
	char path[256], *text;
	struct bd_buf out;

	snprintf(path, sizeof(path), "schemas/matters/%s", matter);
	grant.matter = add_matter(setting, path)->id;
	assert_int_equal(bd_grants_index(&grants, setting->matters, setting->context.matter_count,
				 1, &setting->arena),
		BD_OK);
	bd_asker_state(&asker, bd_bytes_of("p"));
	snprintf(path, sizeof(path), "schemas/matters/%s/cases/%s.json", matter, name);
	assert_int_equal(bd_case_file_read(&file, read_source(path, &setting->arena),
				 setting->context.dict, &setting->arena, &diag),
		BD_OK);
	setting->context.source = &file->source;
	setting->context.now_ms = file->now_ms;
	setting->context.asker = &asker;
	bd_buf_init(&out, BD_ANSWER_MAX_BYTES);
	assert_int_equal(
		bd_compare(&out, NULL, file->question, &setting->context, &setting->arena, &diag),
		BD_OK);
	text = malloc(out.len + 1);
	assert_non_null(text);
	memcpy(text, out.ptr, out.len);
	text[out.len] = '\0';
	bd_buf_release(&out);
	free_setting(setting);
	return text;
}

/* Until when each member is not told. */
static void an_answer_tells_by_its_level(void **state)
{
	static const struct {
		const char *matter, *name, *text;
		enum bd_disclosure from;
	} rows[] = {
		{ "company-simple-deregistration", "04-retry-notice",
			"\"retry_on\":", BD_DISCLOSE_DECISION },
		{ "company-simple-deregistration", "04-retry-notice",
			"\"findings\":", BD_DISCLOSE_CODES },
		{ "company-simple-deregistration", "04-retry-notice",
			"\"reasons\":", BD_DISCLOSE_CODES },
		{ "company-simple-deregistration", "04-retry-notice",
			"\"branch\":", BD_DISCLOSE_CODES },
		{ "company-simple-deregistration", "04-retry-notice",
			"\"holds_from\":", BD_DISCLOSE_VALUES },
		{ "food-permit-on-commitment", "03-conditional-agency", "\"party\":\"agency\"",
			BD_DISCLOSE_DECISION },
		{ "food-permit-on-commitment", "03-conditional-agency", "taxpayer_normal",
			BD_DISCLOSE_CODES },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned level = BD_DISCLOSE_DECISION; level <= BD_DISCLOSE_VALUES; level++) {
			char *text =
				answer_at(rows[i].matter, rows[i].name, (enum bd_disclosure)level);

			if ((strstr(text, rows[i].text) != NULL) != (level >= rows[i].from)) {
				fail_msg("%s at level %u: %s", rows[i].text, level, text);
			}
			free(text);
		}
	}
}

static void wrong_grants_are_all_told(void **state)
{
	static const char *const files[] = { "tests/adapters/config/bad_grants.xml",
		"tests/adapters/config/bad_form_grants.xml",
		"tests/adapters/config/no_such_grants.xml" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char expected[128];
		struct fixture f;

		read_grants(&f, files[i]);
		assert_int_not_equal(f.code, BD_OK);
		assert_null(f.grants);
		snprintf(expected, sizeof(expected), "%s.expected", files[i]);
		assert_expected(&f.setting->diags, source_path(&f.setting->arena, expected));
		free_setting(f.setting);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_is_of_one_sender_purpose_matter_and_time),
		cmocka_unit_test(more_is_told_only_by_a_higher_level),
		cmocka_unit_test(a_refusal_names_who_gives_it),
		cmocka_unit_test(nobody_may_ask_anything),
		cmocka_unit_test(a_version_that_is_tried_has_the_grants_of_its_matter),
		cmocka_unit_test(fields_are_seen_as_they_are_named),
		cmocka_unit_test(an_answer_tells_by_its_level),
		cmocka_unit_test(wrong_grants_are_all_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
