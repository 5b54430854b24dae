/* test_address.c - which addresses may be called. */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static void ranges_are_read(void **state)
{
	static const char *const good[] = { "10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "::/0", "::1",
		"fe80::/10", "2001:db8::/32", "127.0.0.0/8", "10.1.2.3/32" };
	static const char *const bad[] = { "", "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "10.0.0.0/",
		"10.0.0.0/08", "10.0.0.0/8x", "10.0.0.0/-1", "2001:db8::1/32", "::/129", "host",
		"10.0.0.0 /8", "0x7f.0.0.1", "127.1", "2130706433", "fe80::1%eth0" };
	struct bd_address_range range;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(bd_address_range_parse(&range, good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(bd_address_range_parse(&range, bad[i]));
	}
}

static bool may_call(const char *address, const char *allowed)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct bd_address_range range;

	assert_true(bd_address_range_parse(&range, allowed));
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		return bd_address_is_allowed((const struct sockaddr *)&v4, &range, 1);
	}
	assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
	return bd_address_is_allowed((const struct sockaddr *)&v6, &range, 1);
}

static void only_what_is_allowed_is_called(void **state)
{
	(void)state;
	assert_true(may_call("10.200.3.4", "10.0.0.0/8"));
	assert_false(may_call("11.0.0.1", "10.0.0.0/8"));
	assert_false(may_call("10.1.128.1", "10.1.0.0/17"));
	assert_true(may_call("10.1.127.255", "10.1.0.0/17"));
	assert_true(may_call("::ffff:10.1.1.1", "10.0.0.0/8"));
	assert_true(may_call("2001:db8::5", "2001:db8::/32"));
	assert_false(may_call("2001:db9::5", "2001:db8::/32"));
	assert_false(may_call("2001:db8::5", "10.0.0.0/8"));
}

/* Whoever may call everything may still not call this machine, its link, or a cloud's secrets. */
static void special_addresses_are_allowed_by_name_alone(void **state)
{
	static const char *const never[] = { "127.0.0.1", "127.8.8.8", "0.0.0.0", "169.254.169.254",
		"169.254.0.1", "224.0.0.1", "255.255.255.255", "100.100.100.200",
		"::ffff:127.0.0.1", "::ffff:169.254.169.254" };
	static const char *const never_6[] = { "::1", "::", "fe80::1", "ff02::1", "fd00:ec2::254" };

	(void)state;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		assert_false(may_call(never[i], "0.0.0.0/0"));
		assert_false(may_call(never[i], "::/0"));
	}
	for (size_t i = 0; i < sizeof(never_6) / sizeof(never_6[0]); i++) {
		assert_false(may_call(never_6[i], "::/0"));
	}
	assert_true(may_call("127.0.0.1", "127.0.0.0/8"));
	assert_true(may_call("127.0.0.1", "127.0.0.1"));
	assert_true(may_call("::ffff:127.0.0.1", "127.0.0.1"));
	assert_true(may_call("::1", "::1"));
	assert_true(may_call("169.254.3.3", "169.254.3.0/24"));
	assert_false(may_call("127.0.0.1", "126.0.0.0/7"));
}

static void what_is_no_address_is_never_called(void **state)
{
	struct sockaddr local = { .sa_family = AF_UNIX };
	struct bd_address_range range;

	(void)state;
	assert_true(bd_address_range_parse(&range, "::/0"));
	assert_false(bd_address_is_allowed(&local, &range, 1));
	assert_false(bd_address_is_allowed(&local, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_read),
		cmocka_unit_test(only_what_is_allowed_is_called),
		cmocka_unit_test(special_addresses_are_allowed_by_name_alone),
		cmocka_unit_test(what_is_no_address_is_never_called),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
