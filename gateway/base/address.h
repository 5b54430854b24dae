/* address.h - ranges of internet addresses, and which of them may be called.
 *
 * Layer: base, pure. A range is written "10.1.0.0/16", "2001:db8::/32" (RFC 4632 section 3.1, RFC
 * 4291 section 2.3), or one address alone; bits beyond the prefix are zero. An IPv4 address written
 * as an IPv6 one (::ffff:10.0.0.1, RFC 4291 section 2.5.5.2) is the IPv4 address.
 *
 * Addresses of this machine and of this link are special: loopback, unspecified, link-local (where
 * clouds answer with their secrets: 169.254.169.254, fd00:ec2::254, 100.100.100.200), multicast,
 * broadcast. A range that happens to hold them, as 0.0.0.0/0 does, does not allow them: only a
 * range that lies within a special one as a whole does.
 */
#ifndef BD_BASE_ADDRESS_H
#define BD_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

struct bd_address_range {
	uint8_t bytes[16]; /* IPv4: as ::ffff:a.b.c.d */
	uint8_t prefix;    /* of these 128 bits */
};

/* False: it is none. */
bool bd_address_range_parse(struct bd_address_range *out, const char *text);
/* False for what is no internet address. */
bool bd_address_is_within(const struct sockaddr *address, const struct bd_address_range *range);
/* Is the range, whole, within a special one? */
bool bd_address_range_is_special(const struct bd_address_range *range);
/* May it be called, when these are allowed? */
bool bd_address_is_allowed(
	const struct sockaddr *address, const struct bd_address_range *ranges, size_t count);

#endif
