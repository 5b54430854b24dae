#include "daemon/login_header.h"

#include <string.h>
#include <strings.h>

static const char scheme[] = "Basic ";
#define SCHEME_BYTES (sizeof(scheme) - 1)

/* Of NAME:PASSWORD; a name has no colon, a password may. */
static bool take(struct bd_login *out, struct bd_bytes text)
{
	const char *colon = text.len == 0 ? NULL : memchr(text.ptr, ':', text.len);
	size_t name_len = colon == NULL ? 0 : (size_t)(colon - text.ptr);
	size_t password_len = colon == NULL ? 0 : text.len - name_len - 1;

	if (name_len == 0 || name_len > BD_ACCOUNT_NAME_MAX_BYTES ||
		password_len > BD_PASSWORD_MAX_BYTES || memchr(text.ptr, 0, text.len) != NULL) {
		return false;
	}
	memcpy(out->name, text.ptr, name_len);
	out->name[name_len] = '\0';
	memcpy(out->password, colon + 1, password_len);
	out->password[password_len] = '\0';
	out->password_len = password_len;
	return true;
}

bool bd_login_read(struct bd_login *out, struct bd_bytes header)
{
	/* Base64 is read three bytes at a time. */
	char room[BD_ACCOUNT_NAME_MAX_BYTES + 1 + BD_PASSWORD_MAX_BYTES + 3];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };
	bool is_good = header.len > SCHEME_BYTES &&
		       strncasecmp(header.ptr, scheme, SCHEME_BYTES) == 0 &&
		       bd_base64_read(&text, (struct bd_bytes){ header.ptr + SCHEME_BYTES,
						     header.len - SCHEME_BYTES }) &&
		       take(out, bd_buf_bytes(&text));

	bd_wipe(room, sizeof(room));
	return is_good;
}
