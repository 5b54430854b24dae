/* test_map.c - what a mapping makes of messages: those of tests/adapters/cases, cut anywhere. */
#include "intake_cases.h"

#define CASES_LEAST 50

static void cases_give_their_text(void **state)
{
	(void)state;
	intake_cases_run("tests/adapters/cases", CASES_LEAST, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cases_give_their_text) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
