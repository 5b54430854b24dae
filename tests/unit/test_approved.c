/* test_approved.c - on which days an element may rest on what its sources hold: the approved uses
 * of every feed that tells what it looks at, and of none that does not. */
#include "answer_support.h"
#include "base/clock.h"
#include "config/approved.h"

/* One feed of one section that tells one entity, as much of it as is looked at. */
struct telling {
	struct bd_output_plan output;
	struct bd_section_plan section;
	struct bd_catalogue catalogue;
	struct bd_feed_plan feed;
	struct bd_plan plan;
};

static int32_t day_of(const char *text)
{
	int32_t day;

	assert_true(bd_day_parse(&day, bd_bytes_of(text)));
	return day;
}

static struct bd_use use_of(const char *from, const char *until)
{
	return (struct bd_use){ .application = "A", .from = day_of(from), .until = day_of(until) };
}

static void tell(struct telling *out, const char *source, uint16_t entity,
	const struct bd_use *uses, size_t use_count)
{
	*out = (struct telling){ .output = { .entity = entity } };
	out->section =
		(struct bd_section_plan){ .name = "s", .outputs = &out->output, .output_count = 1 };
	out->catalogue = (struct bd_catalogue){ .id = "C", .uses = uses, .use_count = use_count };
	out->feed = (struct bd_feed_plan){ .name = "f",
		.kind = BD_FEED_CHANGE,
		.sections = &out->section,
		.section_count = 1,
		.catalogue = &out->catalogue };
	out->plan = (struct bd_plan){ .source = source, .feeds = &out->feed, .feed_count = 1 };
}

struct fixture {
	struct answer_setting *setting;
	const struct bd_matter *matter;
};

static void begin(struct fixture *f)
{
	f->setting = new_setting();
	f->matter = add_matter(f->setting, "schemas/matters/individual-business-registration");
}

static uint16_t entity_number(const struct fixture *f, const char *name)
{
	return bd_dictionary_entity(f->setting->context.dict, name)->number;
}

/* Of the element "name", which asks every source that tells persons. */
static bool is_approved(const struct fixture *f, const struct bd_plan *const *plans, size_t count,
	const char *element, const char *day)
{
	assert_int_equal(bd_config_matter_approved(f->matter, plans, count,
				 f->setting->context.dict, &f->setting->arena),
		BD_OK);
	for (size_t i = 0; i < f->matter->element_count; i++) {
		if (strcmp(f->matter->elements[i].id, element) == 0) {
			return bd_is_approved(&f->matter->approvals[i], day_of(day));
		}
	}
	fail_msg("no element %s", element);
	return false;
}

static void both_days_are_included(void **state)
{
	struct bd_use use = use_of("2026-01-01", "2026-06-30");
	struct telling one;
	struct fixture f;

	(void)state;
	begin(&f);
	tell(&one, "social", entity_number(&f, "person"), &use, 1);
	const struct bd_plan *const plans[] = { &one.plan };
	assert_false(is_approved(&f, plans, 1, "name", "2025-12-31"));
	assert_true(is_approved(&f, plans, 1, "name", "2026-01-01"));
	assert_true(is_approved(&f, plans, 1, "name", "2026-06-30"));
	assert_false(is_approved(&f, plans, 1, "name", "2026-07-01"));
	/* An attestation looks at nothing that is held. */
	assert_true(is_approved(&f, plans, 1, "real_name", "2026-07-01"));
	free_setting(f.setting);
}

static void every_feed_must_be_in_force(void **state)
{
	const struct bd_use social[] = { use_of("2026-01-01", "2026-03-31"),
		use_of("2026-04-01", "2026-12-31") };
	const struct bd_use medical[] = { use_of("2026-06-01", "2027-12-31"),
		use_of("2026-01-01", "2026-01-31") };
	struct bd_use none = use_of("2020-01-01", "2020-12-31");
	struct telling a, b, c;
	struct fixture f;

	(void)state;
	begin(&f);
	tell(&a, "social", entity_number(&f, "person"), social, 2);
	tell(&b, "medical", entity_number(&f, "person"), medical, 2);
	/* Tells something that the element does not look at. */
	tell(&c, "tax", entity_number(&f, "invoice_stock"), &none, 1);
	const struct bd_plan *const plans[] = { &a.plan, &b.plan, &c.plan };
	assert_true(is_approved(&f, plans, 3, "name", "2026-01-31"));
	assert_false(is_approved(&f, plans, 3, "name", "2026-02-01"));
	assert_false(is_approved(&f, plans, 3, "name", "2026-05-31"));
	assert_true(is_approved(&f, plans, 3, "name", "2026-06-01"));
	assert_true(is_approved(&f, plans, 3, "name", "2026-12-31"));
	assert_false(is_approved(&f, plans, 3, "name", "2027-01-01"));
	/* Two that touch are one. */
	assert_true(is_approved(&f, plans, 1, "name", "2026-03-31"));
	assert_true(is_approved(&f, plans, 1, "name", "2026-04-01"));
	free_setting(f.setting);
}

static void a_use_is_of_its_matters(void **state)
{
	static const char *const others[] = { "tax-clearance", "old-age-allowance" };
	static const char *const ours[] = { "tax-clearance", "individual-business-registration" };
	struct bd_use use = use_of("2026-01-01", "2026-12-31");
	struct bd_approved_use approval;
	struct telling one;
	struct fixture f;

	(void)state;
	begin(&f);
	tell(&one, "social", entity_number(&f, "person"), &use, 1);
	const struct bd_plan *const plans[] = { &one.plan };
	use.matters = others;
	use.matter_count = 2;
	assert_false(is_approved(&f, plans, 1, "name", "2026-06-01"));
	/* A question that is of no matter goes by the days alone. */
	assert_int_equal(bd_config_feed_approved(&approval, &one.feed, &f.setting->arena), BD_OK);
	assert_true(bd_is_approved(&approval, day_of("2026-06-01")));
	assert_false(bd_is_approved(&approval, day_of("2027-01-01")));
	use.matters = ours;
	assert_true(is_approved(&f, plans, 1, "name", "2026-06-01"));
	free_setting(f.setting);
}

/* Nobody has approved anything: fail closed. */
static void without_a_catalogue_nothing_is_used(void **state)
{
	struct telling one;
	struct fixture f;

	(void)state;
	begin(&f);
	tell(&one, "social", entity_number(&f, "person"), NULL, 0);
	const struct bd_plan *const plans[] = { &one.plan };
	assert_false(is_approved(&f, plans, 1, "name", "2026-06-01"));
	one.feed.catalogue = NULL;
	assert_false(is_approved(&f, plans, 1, "name", "2026-06-01"));
	free_setting(f.setting);
}

/* Whoever tells relations leads to the businesses whose restrictions are looked at. */
static void a_path_rests_on_who_tells_relations(void **state)
{
	struct bd_use in_force = use_of("2026-01-01", "2026-12-31");
	struct bd_use ended = use_of("2026-01-01", "2026-01-31");
	struct telling a, b;
	struct fixture f;

	(void)state;
	begin(&f);
	tell(&a, "market", entity_number(&f, "dishonesty"), &in_force, 1);
	tell(&b, "social", entity_number(&f, "relation"), &ended, 1);
	const struct bd_plan *const plans[] = { &a.plan, &b.plan };
	assert_true(is_approved(&f, plans, 1, "no_dishonest_business", "2026-06-01"));
	assert_false(is_approved(&f, plans, 2, "no_dishonest_business", "2026-06-01"));
	free_setting(f.setting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_days_are_included),
		cmocka_unit_test(every_feed_must_be_in_force),
		cmocka_unit_test(a_use_is_of_its_matters),
		cmocka_unit_test(without_a_catalogue_nothing_is_used),
		cmocka_unit_test(a_path_rests_on_who_tells_relations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
