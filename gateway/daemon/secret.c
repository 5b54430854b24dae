#include "daemon/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum bd_code bd_secret_read(
	struct bd_buf *out, const char *path, const char *setting, struct bd_diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum bd_code code = BD_OK;
	struct stat status;
	ssize_t len;

	if (fd < 0 || fstat(fd, &status) != 0) {
		code = bd_fail(diag, BD_CONFIG_REFERENCE, "%s: %s", setting, strerror(errno));
	} else if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		code = bd_fail(
			diag, BD_CONFIG_MEANING, "%s can be read by others: chmod 600", setting);
	} else if (bd_buf_reserve(out, BD_KEY_FILE_MAX_BYTES) != BD_OK) {
		code = bd_fail(diag, BD_NO_MEMORY, "%s", setting);
	} else {
		len = read(fd, out->ptr + out->len, BD_KEY_FILE_MAX_BYTES);
		if (len < 0 || len == BD_KEY_FILE_MAX_BYTES) {
			code = bd_fail(diag, BD_CONFIG_MEANING, "%s is no key file", setting);
		} else {
			out->len += (size_t)len;
		}
	}
	if (fd >= 0) {
		close(fd);
	}
	return code;
}

enum bd_code bd_secret_read_hex(
	uint8_t *out, size_t len, const char *path, const char *setting, struct bd_diag *diag)
{
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, BD_KEY_FILE_MAX_BYTES);
	code = bd_secret_read(&text, path, setting, diag);
	while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) {
		text.len--;
	}
	if (code == BD_OK && !bd_unhex(out, len, bd_buf_bytes(&text))) {
		code = bd_fail(diag, BD_CONFIG_MEANING, "%s holds %zu hexadecimal digits", setting,
			2 * len);
	}
	bd_buf_wipe(&text);
	return code;
}

enum bd_code bd_secret_read_key(
	struct bd_sign_key **out, const char *path, const char *setting, struct bd_diag *diag)
{
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, BD_KEY_FILE_MAX_BYTES);
	code = bd_secret_read(&text, path, setting, diag);
	code = code == BD_OK ? bd_sign_key_private(out, bd_buf_bytes(&text), NULL) : code;
	if (code == BD_KEY_FORM) {
		bd_fail(diag, code, "%s: no private key of P-256 or SM2 in PEM", setting);
	}
	bd_buf_wipe(&text);
	return code;
}
