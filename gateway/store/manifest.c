#include "store/manifest.h"

#include <inttypes.h>
#include <string.h>

const char *const bd_manifest_folders[BD_MANIFEST_FOLDERS] = { "spool", "cases", "repeats",
	"trail" };

#define HEX_BYTES ((size_t)2 * BD_DIGEST_BYTES)

static bool is_folder(struct bd_bytes name)
{
	for (size_t i = 0; i < BD_MANIFEST_FOLDERS; i++) {
		if (bd_bytes_is(name, bd_manifest_folders[i])) {
			return true;
		}
	}
	return false;
}

bool bd_manifest_may_name(struct bd_bytes name)
{
	const char *slash = memchr(name.ptr, '/', name.len);
	size_t front = slash != NULL ? (size_t)(slash - name.ptr) + 1 : 0;

	if (name.len == front || name.len > BD_MANIFEST_NAME_MAX_BYTES ||
		(slash != NULL && !is_folder((struct bd_bytes){ name.ptr, front - 1 }))) {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || (i >= front && name.ptr[i] == '/')) {
			return false;
		}
	}
	return name.ptr[front] != '.' && memmem(name.ptr, name.len, "..", 2) == NULL;
}

enum bd_code bd_manifest_add(struct bd_buf *out, const struct bd_manifest_file *file)
{
	char hex[HEX_BYTES + 1];

	if (!bd_manifest_may_name(bd_bytes_of(file->name))) {
		return BD_INTERNAL;
	}
	bd_hex(hex, file->digest, BD_DIGEST_BYTES);
	return bd_buf_printf(out, "%s %" PRIu64 " %s\n", hex, file->size, file->name);
}

enum bd_code bd_manifest_end(struct bd_buf *out)
{
	struct bd_manifest_file all = { .size = out->len, .name = BD_MANIFEST };
	enum bd_code code = bd_sha256_of(bd_buf_bytes(out), all.digest);

	return code == BD_OK ? bd_manifest_add(out, &all) : code;
}

/* In one way alone: no sign, no zero in front. */
static bool read_size(uint64_t *out, struct bd_bytes text)
{
	uint64_t size = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)text.ptr[i] - '0';

		if (digit > 9 || size > (INT64_MAX - digit) / 10) {
			return false;
		}
		size = size * 10 + digit;
	}
	*out = size;
	return text.len > 0 && (text.len == 1 || text.ptr[0] != '0');
}

static bool read_line(struct bd_manifest_file *out, struct bd_bytes line)
{
	const char *blank = line.len > HEX_BYTES ? memchr(line.ptr + HEX_BYTES + 1, ' ',
							   line.len - HEX_BYTES - 1)
						 : NULL;
	struct bd_bytes size, name;

	if (blank == NULL || line.ptr[HEX_BYTES] != ' ') {
		return false;
	}
	size = (struct bd_bytes){ line.ptr + HEX_BYTES + 1,
		(size_t)(blank - line.ptr) - HEX_BYTES - 1 };
	name = (struct bd_bytes){ blank + 1, (size_t)(line.ptr + line.len - blank) - 1 };
	for (size_t i = 0; i < HEX_BYTES; i++) {
		if (line.ptr[i] >= 'A' && line.ptr[i] <= 'F') {
			return false;
		}
	}
	if (!bd_unhex(out->digest, BD_DIGEST_BYTES, (struct bd_bytes){ line.ptr, HEX_BYTES }) ||
		!read_size(&out->size, size) || !bd_manifest_may_name(name)) {
		return false;
	}
	memcpy(out->name, name.ptr, name.len);
	out->name[name.len] = '\0';
	return true;
}

bool bd_manifest_take(struct bd_manifest_file *out, struct bd_bytes *text)
{
	const char *end = text->len > 0 ? memchr(text->ptr, '\n', text->len) : NULL;
	size_t len = end != NULL ? (size_t)(end - text->ptr) : 0;

	if (end == NULL || !read_line(out, (struct bd_bytes){ text->ptr, len })) {
		return false;
	}
	text->ptr += len + 1;
	text->len -= len + 1;
	return true;
}

bool bd_manifest_is_whole(struct bd_bytes *text)
{
	struct bd_bytes last = { text->ptr, 0 }, front = { text->ptr, 0 };
	struct bd_manifest_file all;
	uint8_t digest[BD_DIGEST_BYTES];
	const char *end;

	if (text->len == 0 || text->ptr[text->len - 1] != '\n') {
		return false;
	}
	end = memrchr(text->ptr, '\n', text->len - 1);
	front.len = end != NULL ? (size_t)(end - text->ptr) + 1 : 0;
	last = (struct bd_bytes){ text->ptr + front.len, text->len - front.len };
	if (!bd_manifest_take(&all, &last) || strcmp(all.name, BD_MANIFEST) != 0 ||
		all.size != front.len || bd_sha256_of(front, digest) != BD_OK ||
		memcmp(digest, all.digest, sizeof(digest)) != 0) {
		return false;
	}
	*text = front;
	return true;
}
