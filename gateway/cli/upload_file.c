#include "cli/upload_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)1 << 20)

bool bd_cli_upload_read(struct bd_cli_uploading *uploading, char *out, size_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t got = pread(uploading->file->fd, out, len, (off_t)at);

		if (got == 0 || (got < 0 && errno != EINTR)) {
			bd_cli_upload_fail(
				uploading, got < 0 ? strerror(errno)
						   : bd_cli_say(uploading->options, "文件变短了",
							     "it has become shorter"));
			return false;
		}
		out += got > 0 ? got : 0;
		len -= got > 0 ? (size_t)got : 0;
		at += got > 0 ? (uint64_t)got : 0;
	}
	return true;
}

static bool digest_text(char out[64], const uint8_t sha256[BD_DIGEST_BYTES])
{
	struct bd_buf text = { out, 0, 64, 64 };

	return bd_buf_add_text(&text, "sha-256=:") == BD_OK &&
	       bd_base64_add(&text, (struct bd_bytes){ (const char *)sha256, BD_DIGEST_BYTES }) ==
		       BD_OK &&
	       bd_buf_add_text(&text, ":") == BD_OK && bd_buf_add_byte(&text, '\0') == BD_OK;
}

static bool has_no_memory(struct bd_cli_uploading *uploading)
{
	bd_cli_upload_fail(uploading, bd_cli_say(uploading->options, "内存不足", "out of memory"));
	return false;
}

bool bd_cli_upload_digest(char out[64], struct bd_cli_uploading *uploading, struct bd_bytes bytes)
{
	uint8_t sha256[BD_DIGEST_BYTES];

	return (bd_sha256_of(bytes, sha256) == BD_OK && digest_text(out, sha256)) ||
	       has_no_memory(uploading);
}

bool bd_cli_upload_digest_file(struct bd_cli_uploading *uploading)
{
	uint64_t at = 0, size = (uint64_t)uploading->file->opened.st_size;
	char *chunk = malloc(CHUNK_BYTES);
	uint8_t sha256[BD_DIGEST_BYTES];
	struct bd_sha256 *sha = NULL;
	bool is_good = chunk != NULL && bd_sha256_new(&sha) == BD_OK;

	while (is_good && at < size) {
		size_t len = size - at < CHUNK_BYTES ? (size_t)(size - at) : CHUNK_BYTES;

		is_good = bd_cli_upload_read(uploading, chunk, len, at) &&
			  bd_sha256_update(sha, (struct bd_bytes){ chunk, len }) == BD_OK;
		at += len;
	}
	is_good = is_good && bd_sha256_final(sha, sha256) == BD_OK &&
		  digest_text(uploading->digest, sha256);
	bd_sha256_free(sha);
	if (chunk != NULL) {
		bd_wipe(chunk, CHUNK_BYTES);
	}
	free(chunk);
	/* Whatever it was, if nothing else was told before. */
	return is_good || has_no_memory(uploading);
}
