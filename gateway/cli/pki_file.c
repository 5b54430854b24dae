#include "cli/pki_file.h"

#include "base/digest.h"
#include "cli/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A key or a certificate; a list of some ten thousand that are revoked. */
#define PEM_MAX_BYTES 4194304

void bd_cli_pki_path(char out[BD_CLI_PKI_PATH_BYTES], const struct bd_cli_folder *folder,
	const char *name, const char *ending)
{
	int len = snprintf(out, BD_CLI_PKI_PATH_BYTES, "%s/%s%s", folder->path, name, ending);

	if (len < 0 || len >= BD_CLI_PKI_PATH_BYTES) {
		out[0] = '\0';
	}
}

bool bd_cli_pki_exists(const struct bd_cli_folder *folder, const char *name, const char *ending)
{
	char path[BD_CLI_PKI_PATH_BYTES];

	bd_cli_pki_path(path, folder, name, ending);
	return access(path, F_OK) == 0;
}

static enum bd_cli_exit tell_errno(const char *path)
{
	fprintf(stderr, "bidui: %s: %s\n", path, strerror(errno));
	return BD_CLI_USAGE;
}

enum bd_cli_exit bd_cli_pki_make_folder(const struct bd_cli_folder *folder)
{
	if (mkdir(folder->path, 0700) != 0 && errno != EEXIST) {
		return tell_errno(folder->path);
	}
	return BD_CLI_OK;
}

/* -- reading -- */

static enum bd_cli_exit parse(struct bd_pki **out, const struct bd_cli_options *options,
	struct bd_bytes cert, struct bd_bytes key, const char *path)
{
	struct bd_diag diag = { .code = BD_OK };

	if (bd_pki_read(out, cert, key, &diag) != BD_OK) {
		bd_cli_tell(options, &diag, path);
		return BD_CLI_CONFIGURATION;
	}
	return BD_CLI_OK;
}

enum bd_cli_exit bd_cli_pki_read_cert(
	struct bd_pki **out, const struct bd_cli_options *options, const char *path)
{
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf pem;

	bd_buf_init(&pem, PEM_MAX_BYTES);
	if (bd_cli_read_file(&pem, options, path)) {
		result =
			parse(out, options, bd_buf_bytes(&pem), (struct bd_bytes){ NULL, 0 }, path);
	}
	bd_buf_release(&pem);
	return result;
}

enum bd_cli_exit bd_cli_pki_read(
	struct bd_pki **out, const struct bd_cli_folder *folder, const char *name, bool has_key)
{
	char cert_path[BD_CLI_PKI_PATH_BYTES], key_path[BD_CLI_PKI_PATH_BYTES];
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf cert, key;

	bd_cli_pki_path(cert_path, folder, name, ".crt");
	bd_cli_pki_path(key_path, folder, name, ".key");
	if (!has_key) {
		return bd_cli_pki_read_cert(out, folder->options, cert_path);
	}
	bd_buf_init(&cert, PEM_MAX_BYTES);
	bd_buf_init(&key, PEM_MAX_BYTES);
	if (bd_cli_read_file(&cert, folder->options, cert_path) &&
		bd_cli_read_file(&key, folder->options, key_path)) {
		result = parse(
			out, folder->options, bd_buf_bytes(&cert), bd_buf_bytes(&key), cert_path);
	}
	if (key.len > 0) {
		bd_wipe(key.ptr, key.len);
	}
	bd_buf_release(&cert);
	bd_buf_release(&key);
	return result;
}

enum bd_cli_exit bd_cli_pki_read_crl(struct bd_buf *out, const struct bd_cli_folder *folder)
{
	char path[BD_CLI_PKI_PATH_BYTES];

	bd_cli_pki_path(path, folder, "crl", ".pem");
	return !bd_cli_pki_exists(folder, "crl", ".pem") ||
			       bd_cli_read_file(out, folder->options, path)
		       ? BD_CLI_OK
		       : BD_CLI_USAGE;
}

/* -- writing -- */

static bool write_draft(const char *path, struct bd_bytes bytes, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	size_t done = 0;
	bool is_good = fd >= 0;

	while (is_good && done < bytes.len) {
		ssize_t written = write(fd, bytes.ptr + done, bytes.len - done);

		is_good = written > 0;
		done += is_good ? (size_t)written : 0;
	}
	is_good = is_good && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	if (fd >= 0 && close(fd) != 0) {
		is_good = false;
	}
	return is_good;
}

/* A draft beside it gets its name only when it is whole. */
static enum bd_cli_exit write_file(const struct bd_cli_folder *folder, const char *name,
	const char *ending, struct bd_bytes bytes, mode_t mode, bool is_replacing)
{
	char path[BD_CLI_PKI_PATH_BYTES], draft[BD_CLI_PKI_PATH_BYTES];
	enum bd_cli_exit result = BD_CLI_OK;

	bd_cli_pki_path(path, folder, name, ending);
	bd_cli_pki_path(draft, folder, name, ".new");
	unlink(draft);
	if (!write_draft(draft, bytes, mode) ||
		(is_replacing ? rename(draft, path) : link(draft, path)) != 0) {
		result = tell_errno(path);
	} else {
		printf("%s\n", path);
	}
	unlink(draft);
	return result;
}

static enum bd_cli_exit write_key(const struct bd_cli_folder *folder, const char *name,
	const struct bd_pki *pki, bool is_replacing)
{
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf pem;

	bd_buf_init(&pem, PEM_MAX_BYTES);
	if (bd_pki_write_key(&pem, pki) == BD_OK) {
		result = write_file(folder, name, ".key", bd_buf_bytes(&pem), 0600, is_replacing);
		bd_wipe(pem.ptr, pem.len);
	}
	bd_buf_release(&pem);
	return result;
}

enum bd_cli_exit bd_cli_pki_write(const struct bd_cli_folder *folder, const char *name,
	const struct bd_pki *pki, bool has_key, bool is_replacing)
{
	enum bd_cli_exit result = has_key ? write_key(folder, name, pki, is_replacing) : BD_CLI_OK;
	struct bd_buf pem;

	bd_buf_init(&pem, PEM_MAX_BYTES);
	if (result == BD_CLI_OK) {
		result = bd_pki_write_cert(&pem, pki) == BD_OK
				 ? write_file(folder, name, ".crt", bd_buf_bytes(&pem), 0644,
					   is_replacing)
				 : BD_CLI_USAGE;
	}
	bd_buf_release(&pem);
	return result;
}

enum bd_cli_exit bd_cli_pki_write_crl(const struct bd_cli_folder *folder, struct bd_bytes pem)
{
	return write_file(folder, "crl", ".pem", pem, 0644, true);
}

enum bd_cli_exit bd_cli_pki_drop_crl(const struct bd_cli_folder *folder)
{
	char path[BD_CLI_PKI_PATH_BYTES];

	bd_cli_pki_path(path, folder, "crl", ".pem");
	return unlink(path) == 0 || errno == ENOENT ? BD_CLI_OK : tell_errno(path);
}

enum bd_cli_exit bd_cli_pki_keep_old(const struct bd_cli_folder *folder, const char *name)
{
	char path[BD_CLI_PKI_PATH_BYTES], old[BD_CLI_PKI_PATH_BYTES];

	bd_cli_pki_path(path, folder, name, ".crt");
	bd_cli_pki_path(old, folder, name, ".old.crt");
	unlink(old);
	return link(path, old) == 0 ? BD_CLI_OK : tell_errno(old);
}
