/* Who is who: certificates under the right issuer and under another one, pins, the plaintext
 * listener. */
#include "daemon/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PIN "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"

static const struct bd_sender items[] = {
	{ .name = "named", .certificate_issuer = "CN=a", .certificate_name = "x.example" },
	{ .name = "numbered", .certificate_issuer = "CN=a", .certificate_serial = "0B" },
	{ .name = "pinned issuer", .certificate_issuer_pin = PIN, .certificate_name = "z.example" },
	{ .name = "pinned", .spki_pin = PIN },
	{ .name = "here", .is_loopback = true },
};
static const struct bd_senders senders = { items, sizeof(items) / sizeof(items[0]) };

static void assert_is(const char *name, const struct bd_http_peer *peer, bool is_loopback)
{
	const struct bd_sender *found = bd_access_sender(&senders, peer, is_loopback);

	assert_string_equal(found == NULL ? "nobody" : found->name, name);
}

static void issuer_is_part_of_a_name(void **state)
{
	struct bd_http_peer peer = { .issuer = "CN=a",
		.names = { "y.example", "x.example" },
		.name_count = 2,
		.has_alternative_names = true };

	(void)state;
	assert_is("named", &peer, false);
	strcpy(peer.issuer, "CN=b");
	assert_is("nobody", &peer, false);
	strcpy(peer.issuer, "CN=a,O=a");
	assert_is("nobody", &peer, false);
	peer.issuer[0] = 0;
	assert_is("nobody", &peer, false);
}

static void issuer_is_part_of_a_serial(void **state)
{
	struct bd_http_peer peer = { .issuer = "CN=a", .serial = "0B" };

	(void)state;
	assert_is("numbered", &peer, false);
	strcpy(peer.issuer, "CN=b");
	assert_is("nobody", &peer, false);
}

static void issuer_may_be_known_by_its_key(void **state)
{
	struct bd_http_peer peer = { .issuer = "CN=a",
		.names = { "z.example" },
		.name_count = 1,
		.has_alternative_names = true,
		.issuer_spki_sha256 = PIN };

	(void)state;
	assert_is("pinned issuer", &peer, false);
	peer.issuer_spki_sha256[0] = '1';
	assert_is("nobody", &peer, false);
	peer.issuer_spki_sha256[0] = 0;
	assert_is("nobody", &peer, false);
}

static void common_name_counts_without_alternatives(void **state)
{
	struct bd_http_peer peer = { .issuer = "CN=a", .common_name = "x.example" };

	(void)state;
	assert_is("named", &peer, false);
	peer.has_alternative_names = true;
	assert_is("nobody", &peer, false);
}

static void pin_counts_under_any_issuer(void **state)
{
	struct bd_http_peer peer = { .issuer = "CN=b", .spki_sha256 = PIN };

	(void)state;
	assert_is("pinned", &peer, false);
	peer.spki_sha256[63] = '1';
	assert_is("nobody", &peer, false);
}

static void loopback_is_the_plaintext_listener_alone(void **state)
{
	struct bd_http_peer peer = { .issuer = "CN=b" };

	(void)state;
	assert_is("here", NULL, true);
	assert_is("nobody", NULL, false);
	assert_is("nobody", &peer, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(issuer_is_part_of_a_name),
		cmocka_unit_test(issuer_is_part_of_a_serial),
		cmocka_unit_test(issuer_may_be_known_by_its_key),
		cmocka_unit_test(common_name_counts_without_alternatives),
		cmocka_unit_test(pin_counts_under_any_issuer),
		cmocka_unit_test(loopback_is_the_plaintext_listener_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
