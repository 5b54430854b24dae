/* fuzz_caller.c - what else says who is calling: a platform's headers, a line each (sid, rid,
 * rtime, sign), and Authorization, all of the input.
 */
#include "daemon/login_header.h"
#include "daemon/platform.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "a secret that no input has"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static struct bd_bytes take_line(struct bd_bytes *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
	struct bd_bytes line = { rest->ptr, end != NULL ? (size_t)(end - rest->ptr) : rest->len };
	size_t used = line.len + (end != NULL ? 1 : 0);

	*rest = (struct bd_bytes){ rest->ptr + used, rest->len - used };
	return line;
}

/* Signed as the platform does it, and then with another byte. */
static void sign(const struct bd_platform *stated, const struct bd_hmac *secret)
{
	struct bd_platform good = *stated;
	uint8_t mac[BD_DIGEST_BYTES];
	struct bd_buf text, base64;

	bd_buf_init(&text, 4096);
	bd_buf_init(&base64, 64);
	must(bd_buf_add(&text, stated->sid) == BD_OK && bd_buf_add(&text, stated->rid) == BD_OK &&
		bd_buf_add(&text, stated->rtime) == BD_OK &&
		bd_hmac_of(secret, bd_buf_bytes(&text), mac) == BD_OK &&
		bd_base64_add(&base64, (struct bd_bytes){ (const char *)mac, sizeof(mac) }) ==
			BD_OK);
	good.sign = bd_buf_bytes(&base64);
	must(bd_platform_is_signed(&good, secret));
	base64.ptr[stated->sid.len % 40] ^= 1;
	must(!bd_platform_is_signed(&good, secret));
	bd_buf_release(&text);
	bd_buf_release(&base64);
}

static void check_platform(struct bd_bytes rest)
{
	struct bd_bytes sid = take_line(&rest), rid = take_line(&rest), rtime = take_line(&rest);
	struct bd_platform stated;
	struct bd_hmac *secret = NULL;

	if (!bd_platform_read(&stated, sid, rid, rtime, rest)) {
		return;
	}
	must(stated.signed_ms >= 0 && stated.signed_ms < INT64_C(10000000000000));
	must(stated.rid.len >= 16 && stated.rid.len <= 64 && stated.sid.len > 0 &&
		stated.sid.len <= 128);
	must(bd_hmac_new(&secret, bd_bytes_of(SECRET)) == BD_OK);
	must(!bd_platform_is_signed(&stated, secret));
	sign(&stated, secret);
	bd_hmac_free(secret);
}

/* What is taken is what was written, in the one way of writing it. */
static void check_login(struct bd_bytes header)
{
	static struct bd_login login;
	struct bd_buf text, base64;

	if (!bd_login_read(&login, header)) {
		return;
	}
	must(login.name[0] != '\0' && strchr(login.name, ':') == NULL);
	must(login.password_len == strlen(login.password));
	bd_buf_init(&text, 4096);
	bd_buf_init(&base64, 8192);
	must(bd_buf_printf(&text, "%s:%s", login.name, login.password) == BD_OK &&
		bd_base64_add(&base64, bd_buf_bytes(&text)) == BD_OK);
	must(base64.len == header.len - 6 && memcmp(base64.ptr, header.ptr + 6, base64.len) == 0);
	bd_buf_release(&text);
	bd_buf_release(&base64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_bytes input = { (const char *)data, size };

	check_platform(input);
	check_login(input);
	return 0;
}
