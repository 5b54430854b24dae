#include "trail/witness.h"

#include "base/json.h"
#include "base/json_write.h"
#include "base/list.h"
#include "base/try.h"
#include "trail/proof.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "bidui-witness-1"
#define TEXT_MAX_BYTES 512
#define ARENA_MAX_BYTES 4194304

/* -- what is countersigned -- */

static enum bd_code add_text(
	struct bd_buf *out, const struct bd_trail_head *head, struct bd_bytes body, int64_t at_ms)
{
	char root[2 * BD_DIGEST_BYTES + 1], digest[2 * BD_DIGEST_BYTES + 1];
	uint8_t hash[BD_DIGEST_BYTES];

	BD_TRY(bd_sha256_of(body, hash));
	bd_hex(digest, hash, sizeof(hash));
	bd_hex(root, head->root.bytes, sizeof(head->root.bytes));
	return bd_buf_printf(out,
		FORMAT "\n%016" PRIx64 "\n%" PRIu64 "\n%" PRIu64 "\n%s\n%s\n%" PRId64 "\n",
		head->instance, head->number, head->size, root, digest, at_ms);
}

static enum bd_code write_line(struct bd_buf *out, const struct bd_trail_signed *head,
	const struct bd_sign_key *key, int64_t at_ms, const uint8_t *signature)
{
	char id[2 * BD_DIGEST_BYTES + 1];
	struct bd_json_writer w;
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, TEXT_MAX_BYTES);
	code = bd_base64_add(
		&text, (struct bd_bytes){ (const char *)signature, BD_SIGNATURE_BYTES });
	if (code == BD_OK) {
		bd_hex(id, bd_sign_key_id(key), BD_DIGEST_BYTES);
		bd_jw_init(&w, out);
		bd_jw_object(&w, NULL);
		bd_jw_text(&w, "format", FORMAT);
		bd_trail_signed_write(&w, "head", head);
		bd_jw_i64(&w, "at", at_ms);
		bd_jw_text(&w, "witness", id);
		bd_jw_bytes(&w, "countersignature", bd_buf_bytes(&text));
		bd_jw_object_end(&w);
		code = w.code;
	}
	bd_buf_release(&text);
	return code;
}

enum bd_code bd_trail_witness_write(struct bd_buf *out, const struct bd_trail_signed *head,
	const struct bd_sign_key *key, int64_t at_ms, struct bd_diag *diag)
{
	struct bd_trail_head *body = calloc(1, sizeof(*body));
	uint8_t signature[BD_SIGNATURE_BYTES];
	struct bd_buf text;
	enum bd_code code = body == NULL ? BD_NO_MEMORY : BD_OK;

	bd_buf_init(&text, TEXT_MAX_BYTES);
	if (code == BD_OK && !bd_trail_head_unpack(body, head->body)) {
		code = BD_TRAIL_DAMAGED;
	}
	code = code == BD_OK ? add_text(&text, body, head->body, at_ms) : code;
	code = code == BD_OK ? bd_sign(signature, key, bd_buf_bytes(&text)) : code;
	code = code == BD_OK ? write_line(out, head, key, at_ms, signature) : code;
	bd_buf_release(&text);
	free(body);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a countersignature");
}

/* -- reading -- */

static enum bd_code fail(struct bd_diag *diag, const char *pointer)
{
	bd_fail(diag, BD_WITNESS_FORM, "%s", "");
	if (diag != NULL) {
		bd_diag_set_path(diag, pointer);
	}
	return BD_WITNESS_FORM;
}

static bool take_time(int64_t *out, const struct bd_json *node)
{
	int64_t value = 0;

	if (node == NULL || node->type != BD_JSON_IS_NUMBER || node->text.len == 0 ||
		node->text.len > 15) {
		return false;
	}
	for (size_t i = 0; i < node->text.len; i++) {
		if (node->text.ptr[i] < '0' || node->text.ptr[i] > '9') {
			return false;
		}
		value = value * 10 + (node->text.ptr[i] - '0');
	}
	*out = value;
	return true;
}

static bool take_bytes(uint8_t *out, size_t len, const struct bd_json *node, bool is_hex)
{
	struct bd_buf plain;
	bool is_good;

	if (node == NULL || node->type != BD_JSON_IS_TEXT) {
		return false;
	}
	if (is_hex) {
		return bd_unhex(out, len, node->text);
	}
	bd_buf_init(&plain, len + 3);
	is_good = bd_base64_read(&plain, node->text) && plain.len == len;
	if (is_good) {
		memcpy(out, plain.ptr, len);
	}
	bd_buf_release(&plain);
	return is_good;
}

enum bd_code bd_trail_witness_take(struct bd_trail_witnessed *out, struct bd_bytes json,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_json *root = NULL;
	const struct bd_json *head;

	BD_TRY(bd_json_parse(&root, json, arena, diag));
	*out = (struct bd_trail_witnessed){ .is_countersigned = false };
	head = bd_json_get(root, "head");
	if (!bd_trail_signed_read(&out->head, head != NULL ? head : root, arena)) {
		return fail(diag, head != NULL ? "/head" : "");
	}
	head = bd_json_get(root, "format");
	if (head == NULL || !bd_bytes_is(head->text, FORMAT)) {
		return BD_OK;
	}
	out->is_countersigned = true;
	if (root->count != 5) {
		return fail(diag, "");
	}
	if (!take_time(&out->at_ms, bd_json_get(root, "at"))) {
		return fail(diag, "/at");
	}
	if (!take_bytes(out->witness, sizeof(out->witness), bd_json_get(root, "witness"), true)) {
		return fail(diag, "/witness");
	}
	return take_bytes(out->countersignature, sizeof(out->countersignature),
		       bd_json_get(root, "countersignature"), false)
		       ? BD_OK
		       : fail(diag, "/countersignature");
}

static enum bd_code check_countersignature(const struct bd_trail_head *head,
	const struct bd_trail_witnessed *witnessed, const struct bd_trail_keys *witnesses,
	struct bd_diag *diag)
{
	const struct bd_sign_key *key = witnessed->is_countersigned
						? bd_trail_keys_find(witnesses, witnessed->witness)
						: NULL;
	struct bd_buf text;
	enum bd_code code;

	if (!witnessed->is_countersigned) {
		return fail(diag, "/countersignature");
	}
	bd_buf_init(&text, TEXT_MAX_BYTES);
	code = key == NULL ? BD_SIGNATURE_WRONG
			   : add_text(&text, head, witnessed->head.body, witnessed->at_ms);
	code = code == BD_OK ? bd_sign_check(witnessed->countersignature, key, bd_buf_bytes(&text))
			     : code;
	bd_buf_release(&text);
	if (code != BD_OK) {
		bd_fail(diag, code, key == NULL ? "not a key of a witness that was given" : "");
		bd_diag_set_path(diag, "/countersignature");
	}
	return code;
}

enum bd_code bd_trail_witness_check(struct bd_trail_head *head,
	const struct bd_trail_witnessed *witnessed, const struct bd_trail_keys *keys,
	const struct bd_trail_keys *witnesses, struct bd_diag *diag)
{
	enum bd_code code = bd_trail_head_check(head, &witnessed->head, keys, diag);

	return code == BD_OK && witnesses != NULL
		       ? check_countersignature(head, witnessed, witnesses, diag)
		       : code;
}

/* -- all that was seen -- */

static int by_number(const void *a, const void *b)
{
	const struct bd_trail_seen_head *left = a, *right = b;

	return left->number < right->number ? -1 : left->number > right->number;
}

struct reading {
	struct bd_trail_seen *out;
	size_t room;
	const struct bd_trail_keys *keys, *witnesses;
	struct bd_trail_head *head;
	struct bd_arena arena;
};

static enum bd_code add(struct reading *reading, struct bd_bytes json, struct bd_diag *diag)
{
	struct bd_trail_seen *seen = reading->out;
	struct bd_trail_witnessed witnessed;
	struct bd_trail_seen_head *one;

	bd_arena_clear(&reading->arena);
	BD_TRY(bd_trail_witness_take(&witnessed, json, &reading->arena, diag));
	BD_TRY(bd_trail_witness_check(
		reading->head, &witnessed, reading->keys, reading->witnesses, diag));
	if (seen->count > 0 && reading->head->instance != seen->instance) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "heads of two trails");
	}
	if (!bd_list_grow(&seen->items, &reading->room, seen->count, 64, sizeof(*one))) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	one = &seen->items[seen->count++];
	one->number = reading->head->number;
	one->size = reading->head->size;
	seen->instance = reading->head->instance;
	return bd_sha256_of(witnessed.head.body, one->body.bytes);
}

/* Sorted, each number once; and no two that one trail cannot have. */
static enum bd_code settle(struct bd_trail_seen *seen, struct bd_diag *diag)
{
	size_t kept = 0;

	if (seen->count > 0) {
		qsort(seen->items, seen->count, sizeof(*seen->items), by_number);
	}
	for (size_t i = 0; i < seen->count; i++) {
		const struct bd_trail_seen_head *one = &seen->items[i],
						*last = kept > 0 ? &seen->items[kept - 1] : NULL;

		if (last != NULL && last->number == one->number) {
			if (memcmp(&last->body, &one->body, sizeof(one->body)) != 0) {
				return bd_fail(diag, BD_TRAIL_DAMAGED,
					"two heads of number %" PRIu64 " were shown: a split view",
					one->number);
			}
			continue;
		}
		if (last != NULL && last->size > one->size) {
			return bd_fail(diag, BD_TRAIL_DAMAGED,
				"head %" PRIu64 " has fewer entries than one before it: a split "
				"view",
				one->number);
		}
		seen->items[kept++] = *one;
	}
	seen->count = kept;
	return BD_OK;
}

static bool is_blank(struct bd_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr(" \t\r\n", text.ptr[i]) == NULL || text.ptr[i] == '\0') {
			return false;
		}
	}
	return true;
}

static enum bd_code add_lines(struct reading *reading, struct bd_bytes text, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (uint32_t number = 1; code == BD_OK && text.len > 0; number++) {
		const char *end = memchr(text.ptr, '\n', text.len);
		struct bd_bytes line = { text.ptr,
			end != NULL ? (size_t)(end - text.ptr) : text.len };

		if (!is_blank(line)) {
			code = add(reading, line, diag);
		}
		if (code != BD_OK && diag != NULL) {
			diag->place.line = number;
		}
		text.ptr += line.len + (end != NULL);
		text.len -= line.len + (end != NULL);
	}
	return code;
}

/* One document over several lines, as a tool may have laid it out. */
static bool is_one(struct bd_bytes text, struct bd_arena *arena)
{
	struct bd_json *root = NULL;

	return text.len <= BD_TRAIL_PROOF_MAX_BYTES &&
	       bd_json_parse(&root, text, arena, NULL) == BD_OK;
}

enum bd_code bd_trail_seen_read(struct bd_trail_seen *out, struct bd_bytes text,
	const struct bd_trail_keys *keys, const struct bd_trail_keys *witnesses,
	struct bd_diag *diag)
{
	struct bd_trail_seen seen = { NULL, 0, 0 };
	struct reading reading = { .out = &seen, .keys = keys, .witnesses = witnesses };
	enum bd_code code;

	bd_arena_init(&reading.arena, ARENA_MAX_BYTES);
	reading.head = calloc(1, sizeof(*reading.head));
	if (reading.head == NULL) {
		code = bd_fail(diag, BD_NO_MEMORY, "%s", "");
	} else {
		code = is_one(text, &reading.arena) ? add(&reading, text, diag)
						    : add_lines(&reading, text, diag);
	}
	if (code == BD_OK && seen.count == 0) {
		code = fail(diag, "");
	}
	code = code == BD_OK ? settle(&seen, diag) : code;
	free(reading.head);
	bd_arena_release(&reading.arena);
	if (code != BD_OK) {
		bd_trail_seen_free(&seen);
		return code;
	}
	*out = seen;
	return BD_OK;
}

void bd_trail_seen_free(struct bd_trail_seen *seen)
{
	free(seen->items);
	*seen = (struct bd_trail_seen){ NULL, 0, 0 };
}
