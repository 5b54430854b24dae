#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define V4(a, b, c, d)                                                                             \
	{                                                                                          \
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d                               \
	}

/* RFC 6890 (special-purpose registries) as far as a range there is of this machine or link, and
 * where the metadata of clouds is served. */
static const struct bd_address_range special[] = {
	{ V4(0, 0, 0, 0), 104 },                                     /* this network */
	{ V4(127, 0, 0, 0), 104 },                                   /* loopback */
	{ V4(169, 254, 0, 0), 112 },                                 /* link-local */
	{ V4(224, 0, 0, 0), 100 },                                   /* multicast */
	{ V4(255, 255, 255, 255), 128 },                             /* broadcast */
	{ V4(100, 100, 100, 200), 128 },                             /* metadata */
	{ { 0 }, 128 },                                              /* :: unspecified */
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 128 }, /* ::1 */
	{ { 0xfe, 0x80 }, 10 },                                      /* link-local */
	{ { 0xff }, 8 },                                             /* multicast */
	{ { 0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54 },
		128 }, /* metadata */
};

static bool parse_address(uint8_t out[16], const char *text, bool *is_v4)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*is_v4 = inet_pton(AF_INET, text, out + 12) == 1;
	if (*is_v4) {
		memcpy(out, mapped, sizeof(mapped));
		return true;
	}
	return inet_pton(AF_INET6, text, out) == 1;
}

static bool has_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

bool bd_address_range_parse(struct bd_address_range *out, const char *text)
{
	static const uint8_t zero[16] = { 0 };
	struct bd_address_range range = { .prefix = 128 };
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	uint8_t host[16];
	char address[64];
	unsigned bits;
	bool is_v4;

	if (len >= sizeof(address)) {
		return false;
	}
	memcpy(address, text, len);
	address[len] = '\0';
	if (!parse_address(range.bytes, address, &is_v4)) {
		return false;
	}
	if (slash != NULL) {
		size_t digits = strspn(slash + 1, "0123456789");

		bits = (unsigned)strtoul(slash + 1, NULL, 10);
		if (digits == 0 || digits > 3 || slash[1 + digits] != '\0' ||
			(digits > 1 && slash[1] == '0') || bits > (is_v4 ? 32U : 128U)) {
			return false;
		}
		range.prefix = (uint8_t)(is_v4 ? bits + 96 : bits);
	}
	memcpy(host, range.bytes, sizeof(host));
	for (unsigned i = 0; i < range.prefix; i++) {
		host[i / 8] &= (uint8_t) ~(0x80 >> (i % 8));
	}
	if (memcmp(host, zero, sizeof(host)) != 0) {
		return false;
	}
	*out = range;
	return true;
}

static bool bytes_of(uint8_t out[16], const struct sockaddr *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;

		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + 12, &v4->sin_addr, 4);
		return true;
	}
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

		memcpy(out, &v6->sin6_addr, 16);
		return true;
	}
	return false;
}

bool bd_address_is_within(const struct sockaddr *address, const struct bd_address_range *range)
{
	uint8_t bytes[16];

	return bytes_of(bytes, address) && has_prefix(bytes, range->bytes, range->prefix);
}

bool bd_address_range_is_special(const struct bd_address_range *range)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if (range->prefix >= special[i].prefix &&
			has_prefix(range->bytes, special[i].bytes, special[i].prefix)) {
			return true;
		}
	}
	return false;
}

static bool is_special(const struct sockaddr *address)
{
	struct bd_address_range one = { .prefix = 128 };

	return bytes_of(one.bytes, address) && bd_address_range_is_special(&one);
}

bool bd_address_is_allowed(
	const struct sockaddr *address, const struct bd_address_range *ranges, size_t count)
{
	bool needs_special = is_special(address);

	for (size_t i = 0; i < count; i++) {
		if (bd_address_is_within(address, &ranges[i]) &&
			(!needs_special || bd_address_range_is_special(&ranges[i]))) {
			return true;
		}
	}
	return false;
}
