/* fuzz_deny.c - any bytes as a deny list: it is refused whole, or each of its entries lies inside
 * it and denies exactly the certificate that it names.
 */
#include "base/limits.h"
#include "http/tls.h"
#include "http/tls_deny.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static bool is_digits(const char *text, const char *allowed)
{
	return text[0] != '\0' && strspn(text, allowed) == strlen(text);
}

static void check_pin(const struct bd_http_deny *deny, const struct bd_http_deny_entry *entry)
{
	struct bd_http_peer peer = { .name_count = 0 };
	CHECK(is_digits(entry->digits, "0123456789abcdef") && strlen(entry->digits) == 64);
	memcpy(peer.spki_sha256, entry->digits, sizeof(peer.spki_sha256));
	CHECK(bd_http_deny_has(deny, &peer));
}

static void check_serial(const struct bd_http_deny *deny, const struct bd_http_deny_entry *entry,
	struct bd_bytes text)
{
	struct bd_http_peer peer = { .name_count = 0 };
	CHECK(is_digits(entry->digits, "0123456789ABCDEF") && entry->digits[0] != '0');
	CHECK(entry->issuer.ptr >= text.ptr && entry->issuer.len > 0 &&
		entry->issuer.ptr + entry->issuer.len <= text.ptr + text.len);
	if (strlen(entry->digits) + 1 >= sizeof(peer.serial) ||
		entry->issuer.len >= sizeof(peer.issuer) ||
		memchr(entry->issuer.ptr, 0, entry->issuer.len) != NULL) {
		return;
	}
	/* As a certificate has it: an even number of digits. */
	peer.serial[0] = '0';
	strcpy(peer.serial + strlen(entry->digits) % 2, entry->digits);
	memcpy(peer.issuer, entry->issuer.ptr, entry->issuer.len);
	CHECK(bd_http_deny_has(deny, &peer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bd_http_peer nobody = { .serial = "", .spki_sha256 = "" };
	struct bd_bytes text = { (const char *)data, size };
	struct bd_http_deny deny = { NULL, 0, 0 };
	if (bd_http_deny_read(&deny, text, NULL) != BD_OK) {
		CHECK(deny.entries == NULL && deny.count == 0);
		return 0;
	}
	CHECK(deny.count <= BD_HTTP_DENY_MAX);
	CHECK(!bd_http_deny_has(&deny, &nobody));
	for (size_t i = 0; i < deny.count; i++) {
		if (deny.entries[i].issuer.ptr == NULL) {
			check_pin(&deny, &deny.entries[i]);
		} else {
			check_serial(&deny, &deny.entries[i], text);
		}
	}
	bd_http_deny_release(&deny);
	return 0;
}
