#include "http/tls_deny.h"

#include "base/limits.h"
#include "base/list.h"
#include "http/tls.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bd_bytes trim(struct bd_bytes bytes)
{
	while (bytes.len > 0 && is_blank(bytes.ptr[0])) {
		bytes = (struct bd_bytes){ bytes.ptr + 1, bytes.len - 1 };
	}
	while (bytes.len > 0 && is_blank(bytes.ptr[bytes.len - 1])) {
		bytes.len--;
	}
	return bytes;
}

/* The next word, taken off the front of *rest. */
static struct bd_bytes next_word(struct bd_bytes *rest)
{
	struct bd_bytes word = trim(*rest);
	size_t len = 0;
	while (len < word.len && !is_blank(word.ptr[len])) {
		len++;
	}
	*rest = trim((struct bd_bytes){ word.ptr + len, word.len - len });
	word.len = len;
	return word;
}

static char digit_of(char c, bool is_upper)
{
	if (c >= '0' && c <= '9') {
		return c;
	}
	c = (char)(c | 0x20);
	if (c < 'a' || c > 'f') {
		return 0;
	}
	return is_upper ? (char)(c - 0x20) : c;
}

/* Digits in one form, so that two are equal when their bytes are. */
static bool read_digits(char out[65], struct bd_bytes word, bool is_serial)
{
	size_t len = 0;
	for (size_t i = 0; i < word.len; i++) {
		char digit = digit_of(word.ptr[i], is_serial);
		if (word.ptr[i] == ':' && i > 0 && i + 1 < word.len) {
			continue;
		}
		if (digit == 0) {
			return false;
		}
		if (is_serial && len == 0 && digit == '0') {
			continue;
		}
		if (len == 64) {
			return false;
		}
		out[len++] = digit;
	}
	out[len] = 0;
	return len > 0;
}

static bool read_entry(struct bd_http_deny_entry *entry, struct bd_bytes line)
{
	struct bd_bytes rest = line, kind = next_word(&rest), digits = next_word(&rest);
	if (bd_bytes_is(kind, "pin")) {
		entry->issuer = (struct bd_bytes){ NULL, 0 };
		return rest.len == 0 && read_digits(entry->digits, digits, false) &&
		       strlen(entry->digits) == 64;
	}
	entry->issuer = rest;
	return bd_bytes_is(kind, "serial") && rest.len > 0 &&
	       read_digits(entry->digits, digits, true);
}

static enum bd_code add_entry(
	struct bd_http_deny *deny, struct bd_bytes line, uint32_t number, struct bd_diag *diag)
{
	if (deny->count == BD_HTTP_DENY_MAX) {
		return bd_fail(diag, BD_LIMIT_COUNT, "deny_list_file: more than %d entries",
			BD_HTTP_DENY_MAX);
	}
	if (!bd_list_grow(&deny->entries, &deny->room, deny->count, 16, sizeof(*deny->entries))) {
		return bd_fail(diag, BD_NO_MEMORY, "deny_list_file");
	}
	if (!read_entry(&deny->entries[deny->count], line)) {
		return bd_fail(diag, BD_CONFIG_SYNTAX,
			"deny_list_file line %u: expected 'pin HEX' or 'serial HEX ISSUER'",
			(unsigned)number);
	}
	deny->count++;
	return BD_OK;
}

enum bd_code bd_http_deny_read(struct bd_http_deny *out, struct bd_bytes text, struct bd_diag *diag)
{
	struct bd_http_deny deny = { NULL, 0, 0 };
	enum bd_code code = BD_OK;
	uint32_t number = 0;
	while (code == BD_OK && text.len > 0) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
		struct bd_bytes line = trim((struct bd_bytes){ text.ptr, len });
		size_t taken = end == NULL ? len : len + 1;
		text = (struct bd_bytes){ text.ptr + taken, text.len - taken };
		number++;
		if (line.len > 0 && line.ptr[0] != '#') {
			code = add_entry(&deny, line, number, diag);
		}
	}
	if (code != BD_OK) {
		bd_http_deny_release(&deny);
		return code;
	}
	*out = deny;
	return BD_OK;
}

void bd_http_deny_release(struct bd_http_deny *deny)
{
	free(deny->entries);
	*deny = (struct bd_http_deny){ NULL, 0, 0 };
}

bool bd_http_deny_has(const struct bd_http_deny *deny, const struct bd_http_peer *peer)
{
	const char *serial = peer->serial + strspn(peer->serial, "0");
	for (size_t i = 0; i < deny->count; i++) {
		const struct bd_http_deny_entry *entry = &deny->entries[i];
		if (entry->issuer.ptr == NULL ? strcmp(entry->digits, peer->spki_sha256) == 0
					      : strcmp(entry->digits, serial) == 0 &&
							bd_bytes_is(entry->issuer, peer->issuer)) {
			return true;
		}
	}
	return false;
}
