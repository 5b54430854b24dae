/* secret.h - key files: read whole, only when nobody but their owner can. Layer: daemon. */
#ifndef BD_DAEMON_SECRET_H
#define BD_DAEMON_SECRET_H

#include "base/sign.h"

/* Appends the file. setting names it in what is told. BD_CONFIG_REFERENCE: not there;
 * BD_CONFIG_MEANING: others can read it, or it is too long. */
enum bd_code bd_secret_read(
	struct bd_buf *out, const char *path, const char *setting, struct bd_diag *diag);
/* len bytes as hexadecimal digits, a line feed behind them or not. */
enum bd_code bd_secret_read_hex(
	uint8_t *out, size_t len, const char *path, const char *setting, struct bd_diag *diag);
/* A private key in PEM. */
enum bd_code bd_secret_read_key(
	struct bd_sign_key **out, const char *path, const char *setting, struct bd_diag *diag);

#endif
