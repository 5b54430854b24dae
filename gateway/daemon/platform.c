#include "daemon/platform.h"

#include "daemon/signature.h"

#include <string.h>

#define RID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define SID_MAX_BYTES 128
#define RTIME_MS_DIGITS 13
#define RTIME_S_DIGITS 10

static bool is_of(struct bd_bytes text, const char *characters)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\0' || strchr(characters, text.ptr[i]) == NULL) {
			return false;
		}
	}
	return text.len > 0;
}

bool bd_platform_read(struct bd_platform *out, struct bd_bytes sid, struct bd_bytes rid,
	struct bd_bytes rtime, struct bd_bytes sign)
{
	int64_t number = 0;

	if (sid.len == 0 || sid.len > SID_MAX_BYTES || rid.len < BD_SIGNATURE_NONCE_MIN_BYTES ||
		rid.len > BD_SIGNATURE_NONCE_MAX_BYTES || !is_of(rid, RID_CHARACTERS) ||
		!is_of(rtime, "0123456789") ||
		(rtime.len != RTIME_MS_DIGITS && rtime.len != RTIME_S_DIGITS)) {
		return false;
	}
	for (size_t i = 0; i < rtime.len; i++) {
		number = number * 10 + (rtime.ptr[i] - '0');
	}
	*out = (struct bd_platform){ .sid = sid,
		.rid = rid,
		.rtime = rtime,
		.sign = sign,
		.signed_ms = rtime.len == RTIME_MS_DIGITS ? number : number * 1000 };
	return true;
}

bool bd_platform_is_signed(const struct bd_platform *platform, const struct bd_hmac *secret)
{
	const struct bd_bytes parts[] = { platform->sid, platform->rid, platform->rtime };
	char signed_room[SID_MAX_BYTES + BD_SIGNATURE_NONCE_MAX_BYTES + RTIME_MS_DIGITS];
	char mac_room[BD_DIGEST_BYTES + 3];
	struct bd_buf text = { signed_room, 0, sizeof(signed_room), sizeof(signed_room) };
	struct bd_buf given = { mac_room, 0, sizeof(mac_room), sizeof(mac_room) };
	uint8_t mac[BD_DIGEST_BYTES];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (bd_buf_add(&text, parts[i]) != BD_OK) {
			return false;
		}
	}
	return bd_base64_read(&given, platform->sign) && given.len == sizeof(mac) &&
	       bd_hmac_of(secret, bd_buf_bytes(&text), mac) == BD_OK &&
	       bd_equal_secret(mac, (const uint8_t *)mac_room, sizeof(mac));
}
