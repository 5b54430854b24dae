#include "daemon/imprint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 4096
/* adapters/<source>/samples/<file> is four deep. */
#define DEPTH_MAX 8

static enum bd_code add_sized(struct bd_sha256 *sha, struct bd_bytes bytes)
{
	uint32_t len = htobe32((uint32_t)bytes.len);
	enum bd_code code = bd_sha256_update(sha, (struct bd_bytes){ (char *)&len, sizeof(len) });

	return code == BD_OK ? bd_sha256_update(sha, bytes) : code;
}

/* The bytes of a file in one digest, so that its length need not be known before. */
static enum bd_code add_file(
	struct bd_sha256 *sha, const char *path, const char *name, struct bd_diag *diag)
{
	FILE *file = fopen(path, "rb");
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_sha256 *own = NULL;
	char chunk[16384];
	size_t len;
	enum bd_code code = bd_sha256_new(&own);

	if (file == NULL) {
		bd_sha256_free(own);
		return bd_fail(diag, BD_IO, "%s", strerror(errno));
	}
	while (code == BD_OK && (len = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		code = bd_sha256_update(own, (struct bd_bytes){ chunk, len });
	}
	if (code == BD_OK && ferror(file) != 0) {
		code = bd_fail(diag, BD_IO, "%s", strerror(errno));
	}
	fclose(file);
	code = code == BD_OK ? bd_sha256_final(own, digest) : code;
	code = code == BD_OK ? add_sized(sha, bd_bytes_of(name)) : code;
	code = code == BD_OK ? add_sized(sha, (struct bd_bytes){ (char *)digest, sizeof(digest) })
			     : code;
	bd_sha256_free(own);
	return code;
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum bd_code add_path(
	struct bd_sha256 *sha, const char *path, size_t top, int depth, struct bd_diag *diag)
{
	struct dirent **names = NULL;
	struct stat status;
	char below[PATH_BYTES];
	enum bd_code code = BD_OK;
	int count;

	if (stat(path, &status) != 0) {
		return bd_fail(diag, BD_IO, "%s", strerror(errno));
	}
	if (!S_ISDIR(status.st_mode)) {
		return S_ISREG(status.st_mode) ? add_file(sha, path, path + top, diag) : BD_OK;
	}
	count = depth > 0 ? scandir(path, &names, is_shown, by_bytes) : 0;
	if (count < 0) {
		return bd_fail(diag, BD_IO, "%s", strerror(errno));
	}
	for (int i = 0; i < count; i++) {
		int len = snprintf(below, sizeof(below), "%s/%s", path, names[i]->d_name);

		if (code == BD_OK && len > 0 && (size_t)len < sizeof(below)) {
			code = add_path(sha, below, top, depth - 1, diag);
		}
		free(names[i]);
	}
	free(names);
	return code;
}

enum bd_code bd_imprint(
	uint8_t out[BD_DIGEST_BYTES], const char *const *paths, size_t count, struct bd_diag *diag)
{
	struct bd_sha256 *sha = NULL;
	enum bd_code code = bd_sha256_new(&sha);

	for (size_t i = 0; i < count && code == BD_OK; i++) {
		const char *slash = strrchr(paths[i], '/');
		size_t top = slash != NULL ? (size_t)(slash - paths[i]) + 1 : 0;

		code = add_path(sha, paths[i], top, DEPTH_MAX, diag);
	}
	code = code == BD_OK ? bd_sha256_final(sha, out) : code;
	bd_sha256_free(sha);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "no digest");
}
