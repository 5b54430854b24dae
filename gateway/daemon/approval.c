#include "daemon/approval.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES 4096
#define FIRST_LINE "bidui approvals 1\n"

static enum bd_code sign(
	char out[2 * BD_DIGEST_BYTES + 1], struct bd_bytes text, const uint8_t *key)
{
	uint8_t mac[BD_DIGEST_BYTES];
	struct bd_hmac *hmac = NULL;
	enum bd_code code =
		bd_hmac_new(&hmac, (struct bd_bytes){ (const char *)key, BD_APPROVAL_KEY_BYTES });

	code = code == BD_OK ? bd_hmac_of(hmac, text, mac) : code;
	bd_hmac_free(hmac);
	if (code == BD_OK) {
		bd_hex(out, mac, sizeof(mac));
	}
	return code;
}

/* -- writing -- */

static enum bd_code add_line(struct bd_buf *out, const char *word, const uint8_t *digest,
	int64_t at_ms, const char *first, const char *second)
{
	char hex[2 * BD_DIGEST_BYTES + 1];

	bd_hex(hex, digest, BD_DIGEST_BYTES);
	return bd_buf_printf(out, "%s %s %" PRId64 " %s %s\n", word, hex, at_ms,
		first[0] != '\0' ? first : "-", second[0] != '\0' ? second : "-");
}

static bool write_file(const char *path, struct bd_bytes text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool is_good =
		fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;

	if (fd >= 0) {
		is_good = close(fd) == 0 && is_good;
	}
	return is_good;
}

static bool sync_folder_of(const char *path)
{
	char folder[4096];
	char *slash;
	bool is_good;
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL) {
		return true;
	}
	*slash = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0) {
		close(fd);
	}
	return is_good;
}

enum bd_code bd_approval_write(const struct bd_approval *approval, const char *path,
	const uint8_t key[BD_APPROVAL_KEY_BYTES], struct bd_diag *diag)
{
	char draft[4096], mac[2 * BD_DIGEST_BYTES + 1];
	struct bd_buf text;
	enum bd_code code;

	snprintf(draft, sizeof(draft), "%s.new", path);
	bd_buf_init(&text, FILE_MAX_BYTES);
	code = bd_buf_add_text(&text, FIRST_LINE);
	if (code == BD_OK && approval->has_approved) {
		code = add_line(&text, "approved", approval->approved, approval->approved_ms,
			approval->approved_proposer, approval->approver);
	}
	if (code == BD_OK && approval->has_proposed) {
		code = add_line(&text, "proposed", approval->proposed, approval->proposed_ms,
			approval->proposer, "");
	}
	code = code == BD_OK ? sign(mac, bd_buf_bytes(&text), key) : code;
	code = code == BD_OK ? bd_buf_printf(&text, "mac %s\n", mac) : code;
	if (code != BD_OK) {
		bd_fail(diag, code, "approvals");
	} else if (!write_file(draft, bd_buf_bytes(&text)) || rename(draft, path) != 0 ||
		   !sync_folder_of(path)) {
		code = bd_fail(diag, BD_IO, "approvals: %s", strerror(errno));
	}
	bd_buf_release(&text);
	return code;
}

/* -- reading -- */

static enum bd_code read_text(struct bd_buf *out, const char *path, struct bd_diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 0;
	enum bd_code code = BD_OK;

	if (fd < 0) {
		return errno == ENOENT ? BD_OK
				       : bd_fail(diag, BD_IO, "approvals: %s", strerror(errno));
	}
	code = bd_buf_reserve(out, FILE_MAX_BYTES);
	len = code == BD_OK ? read(fd, out->ptr, FILE_MAX_BYTES) : 0;
	close(fd);
	if (code == BD_OK && len <= 0) {
		return bd_fail(diag, BD_CHANGE_FORGED, "approvals: empty or not readable");
	}
	out->len += (size_t)len;
	return code;
}

static bool take_line(struct bd_approval *out, const char *line)
{
	char word[16], hex[2 * BD_DIGEST_BYTES + 1], first[BD_ACCOUNT_NAME_MAX_BYTES + 1],
		second[BD_ACCOUNT_NAME_MAX_BYTES + 1];
	int64_t at_ms;
	bool is_approved;

	if (sscanf(line, "%15s %64s %" SCNd64 " %64s %64s", word, hex, &at_ms, first, second) !=
		5) {
		return false;
	}
	is_approved = strcmp(word, "approved") == 0;
	if ((!is_approved && strcmp(word, "proposed") != 0) ||
		!bd_unhex(is_approved ? out->approved : out->proposed, BD_DIGEST_BYTES,
			bd_bytes_of(hex))) {
		return false;
	}
	if (is_approved) {
		out->has_approved = true;
		out->approved_ms = at_ms;
		snprintf(out->approved_proposer, sizeof(out->approved_proposer), "%s",
			strcmp(first, "-") == 0 ? "" : first);
		snprintf(out->approver, sizeof(out->approver), "%s",
			strcmp(second, "-") == 0 ? "" : second);
	} else {
		out->has_proposed = true;
		out->proposed_ms = at_ms;
		snprintf(out->proposer, sizeof(out->proposer), "%s", first);
	}
	return true;
}

/* The lines between the first and the last, which are ours: the last one was checked. */
static bool take_lines(struct bd_approval *out, struct bd_bytes text)
{
	char line[512];

	text.ptr += strlen(FIRST_LINE);
	text.len -= strlen(FIRST_LINE);
	while (text.len > 0) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end == NULL ? text.len : (size_t)(end - text.ptr) + 1;

		if (end == NULL || len >= sizeof(line)) {
			return false;
		}
		snprintf(line, sizeof(line), "%.*s", (int)len - 1, text.ptr);
		if (!take_line(out, line)) {
			return false;
		}
		text.ptr += len;
		text.len -= len;
	}
	return true;
}

enum bd_code bd_approval_read(struct bd_approval *out, const char *path,
	const uint8_t key[BD_APPROVAL_KEY_BYTES], struct bd_diag *diag)
{
	static const size_t tail = sizeof("mac \n") - 1 + 2 * BD_DIGEST_BYTES;
	struct bd_approval read = { .has_approved = false };
	char mac[2 * BD_DIGEST_BYTES + 1];
	struct bd_bytes body;
	struct bd_buf text;
	enum bd_code code;
	bool is_good;

	bd_buf_init(&text, FILE_MAX_BYTES);
	code = read_text(&text, path, diag);
	if (code != BD_OK || text.len == 0) {
		*out = read;
		bd_buf_release(&text);
		return code;
	}
	is_good = text.len >= strlen(FIRST_LINE) + tail &&
		  memcmp(text.ptr, FIRST_LINE, strlen(FIRST_LINE)) == 0;
	body = (struct bd_bytes){ text.ptr, is_good ? text.len - tail : 0 };
	is_good = is_good && sign(mac, body, key) == BD_OK &&
		  memcmp(text.ptr + body.len, "mac ", 4) == 0 &&
		  bd_equal_secret((const uint8_t *)text.ptr + body.len + 4, (const uint8_t *)mac,
			  2 * BD_DIGEST_BYTES) &&
		  text.ptr[text.len - 1] == '\n' && take_lines(&read, body);
	bd_buf_release(&text);
	if (!is_good) {
		return bd_fail(diag, BD_CHANGE_FORGED, "data_folder/approvals");
	}
	*out = read;
	return BD_OK;
}

/* -- what may be done -- */

static bool is_same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, BD_DIGEST_BYTES) == 0;
}

enum bd_code bd_approval_propose(struct bd_approval *approval,
	const uint8_t digest[BD_DIGEST_BYTES], const uint8_t stated[BD_DIGEST_BYTES],
	const char *person, int64_t now_ms)
{
	if (!is_same(digest, stated)) {
		return BD_CHANGE_DIGEST;
	}
	if (bd_approval_allows(approval, digest)) {
		return BD_CHANGE_NONE;
	}
	/* Whoever proposes it again does not take the place of who did first. */
	if (approval->has_proposed && is_same(approval->proposed, digest)) {
		return BD_OK;
	}
	approval->has_proposed = true;
	memcpy(approval->proposed, digest, BD_DIGEST_BYTES);
	snprintf(approval->proposer, sizeof(approval->proposer), "%s", person);
	approval->proposed_ms = now_ms;
	return BD_OK;
}

enum bd_code bd_approval_approve(struct bd_approval *approval,
	const uint8_t digest[BD_DIGEST_BYTES], const uint8_t stated[BD_DIGEST_BYTES],
	const char *person, int64_t now_ms)
{
	if (!approval->has_proposed || !is_same(digest, stated) ||
		!is_same(approval->proposed, digest)) {
		return BD_CHANGE_DIGEST;
	}
	if (strcmp(approval->proposer, person) == 0) {
		return BD_CHANGE_SAME_PERSON;
	}
	memcpy(approval->approved, digest, BD_DIGEST_BYTES);
	memcpy(approval->approved_proposer, approval->proposer, sizeof(approval->proposer));
	snprintf(approval->approver, sizeof(approval->approver), "%s", person);
	approval->approved_ms = now_ms;
	approval->has_approved = true;
	approval->has_proposed = false;
	approval->proposer[0] = '\0';
	return BD_OK;
}

bool bd_approval_allows(const struct bd_approval *approval, const uint8_t digest[BD_DIGEST_BYTES])
{
	return approval->has_approved && is_same(approval->approved, digest);
}
