/* body_upload.c - what a message is to be that comes in parts. */
#include "daemon/body.h"

#include "base/clock.h"
#include "base/digest.h"
#include "daemon/uploads.h"

#include <string.h>

/* As many digits as are read. */
#define NUMBER_MAX UINT64_C(999999999999999999)

static void read_name(char *out, size_t size, const struct bd_json *body, const char *name,
	size_t min, struct bd_faults *faults)
{
	struct bd_bytes text;

	/* One that may be left out is a text all the same where it is not. */
	if (bd_json_get(body, name) != NULL) {
		min = 1;
	}
	if (bd_body_text(&text, body, name, min, size - 1, faults)) {
		memcpy(out, text.ptr, text.len);
		out[text.len] = '\0';
	}
}

static void read_delivery(
	struct bd_delivery *out, const struct bd_json *body, struct bd_faults *faults)
{
	const struct bd_json *day = bd_json_get(body, "delivery");

	out->day = INT32_MIN;
	if (day != NULL && (day->type != BD_JSON_IS_TEXT || !bd_day_parse(&out->day, day->text))) {
		bd_faults_add(faults, BD_QUESTION_FORM, day, "/delivery", "yyyy-MM-dd");
	}
	out->has_total = bd_body_number(&out->total, body, "total", 0, NUMBER_MAX, faults);
	bd_body_flag(&out->is_baseline, body, "baseline", faults);
}

/* Of the whole: both have to be said. */
static void read_whole(
	struct bd_upload_terms *out, const struct bd_json *body, struct bd_faults *faults)
{
	const struct bd_json *digest = bd_json_get(body, "digest");

	if (bd_json_get(body, "length") == NULL) {
		bd_faults_add(faults, BD_QUESTION_FORM, NULL, "/length",
			"length is that of the whole, in bytes");
	}
	bd_body_number(&out->length, body, "length", 1, NUMBER_MAX, faults);
	if (digest == NULL || digest->type != BD_JSON_IS_TEXT ||
		!bd_upload_digest_read(out->sha256, digest->text)) {
		bd_faults_add(faults, BD_QUESTION_FORM, digest, "/digest",
			"digest is that of the whole, sha-256=:BASE64: (RFC 9530)");
	}
}

enum bd_code bd_body_upload(
	struct bd_upload_terms *out, const struct bd_json *body, struct bd_faults *faults)
{
	static const struct bd_bytes names[] = { BD_BYTES("source"), BD_BYTES("feed"),
		BD_BYTES("length"), BD_BYTES("digest"), BD_BYTES("delivery"), BD_BYTES("total"),
		BD_BYTES("baseline"), BD_BYTES("atomic"), BD_BYTES("gzip"), BD_BYTES("charset"),
		{ NULL, 0 } };

	bd_question_members(body, "", names, faults);
	read_name(out->source, sizeof(out->source), body, "source", 1, faults);
	read_name(out->feed, sizeof(out->feed), body, "feed", 1, faults);
	read_whole(out, body, faults);
	read_delivery(&out->delivery, body, faults);
	bd_body_flag(&out->is_atomic, body, "atomic", faults);
	bd_body_flag(&out->is_gzip, body, "gzip", faults);
	read_name(out->charset, sizeof(out->charset), body, "charset", 0, faults);
	return bd_body_code(faults);
}

bool bd_upload_digest_read(uint8_t out[BD_DIGEST_BYTES], struct bd_bytes text)
{
	static const char prefix[] = "sha-256=:";
	const size_t len = 44; /* of 32 bytes in base64 */
	char room[BD_DIGEST_BYTES + 4];
	struct bd_buf bytes = { room, 0, sizeof(room), sizeof(room) };

	while (text.len > 0 &&
		strncmp(text.ptr, prefix,
			text.len < sizeof(prefix) - 1 ? text.len : sizeof(prefix) - 1)) {
		const char *comma = memchr(text.ptr, ',', text.len);
		size_t past = comma != NULL ? (size_t)(comma - text.ptr) + 1 : text.len;

		while (past < text.len && text.ptr[past] == ' ') {
			past++;
		}
		text.ptr += past;
		text.len -= past;
	}
	if (text.len < sizeof(prefix) - 1 + len + 1 || text.ptr[sizeof(prefix) - 1 + len] != ':' ||
		!bd_base64_read(&bytes, (struct bd_bytes){ text.ptr + sizeof(prefix) - 1, len }) ||
		bytes.len != BD_DIGEST_BYTES) {
		return false;
	}
	memcpy(out, bytes.ptr, BD_DIGEST_BYTES);
	return true;
}
