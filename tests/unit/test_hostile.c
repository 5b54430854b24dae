/* test_hostile.c - what bad input gets: the messages of tests/hostile/intake, each with the
 * refusals it is to give and the rows of it that go on; and the same cut after every byte.
 */
#include "intake_cases.h"

#define HOSTILE_LEAST 90

static void hostile_messages_give_their_refusals(void **state)
{
	(void)state;
	intake_cases_run("tests/hostile/intake", HOSTILE_LEAST, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_messages_give_their_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
