#include "trail/proof.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define FORMAT "bidui-proof-1"

/* -- writing -- */

static void write_base64(struct bd_json_writer *w, const char *key, struct bd_bytes bytes)
{
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, (bytes.len + 2) / 3 * 4 + 1);
	code = bd_base64_add(&text, bytes);
	if (code == BD_OK) {
		bd_jw_bytes(w, key, bd_buf_bytes(&text));
	} else if (w->code == BD_OK) {
		w->code = code;
	}
	bd_buf_release(&text);
}

static void write_digest(struct bd_json_writer *w, const char *key, const uint8_t *digest)
{
	char hex[2 * BD_DIGEST_BYTES + 1];

	bd_hex(hex, digest, BD_DIGEST_BYTES);
	bd_jw_text(w, key, hex);
}

void bd_trail_signed_write(
	struct bd_json_writer *w, const char *key, const struct bd_trail_signed *head)
{
	struct bd_trail_head *body = malloc(sizeof(*body));

	if (body == NULL || !bd_trail_head_unpack(body, head->body)) {
		w->code = w->code != BD_OK ? w->code
			  : body == NULL   ? BD_NO_MEMORY
					   : BD_TRAIL_DAMAGED;
		free(body);
		return;
	}
	bd_jw_object(w, key);
	write_base64(w, "body", head->body);
	write_base64(w, "signature",
		(struct bd_bytes){ (const char *)head->signature, sizeof(head->signature) });
	write_digest(w, "key", body->key_id);
	bd_jw_object_end(w);
	free(body);
}

enum bd_code bd_trail_proof_write(struct bd_buf *out, const struct bd_trail_proof *proof)
{
	char id[BD_TRAIL_ID_TEXT_BYTES];
	struct bd_trail_entry entry;
	struct bd_json_writer w;

	if (!bd_trail_entry_unpack(&entry, proof->body)) {
		return BD_TRAIL_DAMAGED;
	}
	bd_trail_id_write(id, &entry.id);
	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "format", FORMAT);
	bd_jw_text(&w, "receipt", id);
	write_base64(&w, "entry", proof->body);
	bd_jw_u64(&w, "leaf", proof->leaf);
	bd_jw_array(&w, "path");
	for (size_t i = 0; i < proof->path.count; i++) {
		write_digest(&w, NULL, proof->path.hashes[i].bytes);
	}
	bd_jw_array_end(&w);
	bd_trail_signed_write(&w, "head", &proof->head);
	bd_jw_object_end(&w);
	return w.code;
}

/* -- reading -- */

static enum bd_code fail(struct bd_diag *diag, enum bd_code code, const char *pointer)
{
	bd_fail(diag, code, "%s", "");
	bd_diag_set_path(diag, pointer);
	return code;
}

/* Exactly these members, in any order. */
static bool has_only(const struct bd_json *object, const char *const *names)
{
	size_t count = 0;

	if (object == NULL || object->type != BD_JSON_IS_OBJECT) {
		return false;
	}
	for (; names[count] != NULL; count++) {
		if (bd_json_get(object, names[count]) == NULL) {
			return false;
		}
	}
	return object->count == count;
}

static bool take_text(struct bd_bytes *out, const struct bd_json *object, const char *name)
{
	const struct bd_json *node = bd_json_get(object, name);

	if (node == NULL || node->type != BD_JSON_IS_TEXT) {
		return false;
	}
	*out = node->text;
	return true;
}

static bool take_base64(struct bd_bytes *out, const struct bd_json *object, const char *name,
	struct bd_arena *arena)
{
	struct bd_bytes text;
	struct bd_buf plain;
	bool is_good;

	if (!take_text(&text, object, name)) {
		return false;
	}
	bd_buf_init(&plain, BD_TRAIL_PROOF_MAX_BYTES);
	is_good = bd_base64_read(&plain, text);
	if (is_good) {
		*out = bd_arena_copy(arena, bd_buf_bytes(&plain));
		is_good = out->ptr != NULL || plain.len == 0;
	}
	bd_buf_release(&plain);
	return is_good;
}

/* Digits of ours only: one digest has one text. */
static bool read_digest(uint8_t out[BD_DIGEST_BYTES], struct bd_bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] >= 'A' && text.ptr[i] <= 'F') {
			return false;
		}
	}
	return bd_unhex(out, BD_DIGEST_BYTES, text);
}

static bool take_digest(
	uint8_t out[BD_DIGEST_BYTES], const struct bd_json *object, const char *name)
{
	struct bd_bytes text;

	return take_text(&text, object, name) && read_digest(out, text);
}

static bool take_number(uint64_t *out, const struct bd_json *object, const char *name)
{
	const struct bd_json *node = bd_json_get(object, name);
	uint64_t value = 0;

	/* 2^62 has 19 digits. */
	if (node == NULL || node->type != BD_JSON_IS_NUMBER || node->text.len == 0 ||
		node->text.len > 19 || (node->text.len > 1 && node->text.ptr[0] == '0')) {
		return false;
	}
	for (size_t i = 0; i < node->text.len; i++) {
		if (node->text.ptr[i] < '0' || node->text.ptr[i] > '9') {
			return false;
		}
		value = value * 10 + (uint64_t)(node->text.ptr[i] - '0');
	}
	*out = value;
	return true;
}

static bool take_path(struct bd_merkle_path *out, const struct bd_json *object)
{
	const struct bd_json *array = bd_json_get(object, "path");

	out->count = 0;
	if (array == NULL || array->type != BD_JSON_IS_ARRAY || array->count > BD_MERKLE_PATH_MAX) {
		return false;
	}
	for (const struct bd_json *item = array->first; item != NULL; item = item->next) {
		if (item->type != BD_JSON_IS_TEXT ||
			!read_digest(out->hashes[out->count++].bytes, item->text)) {
			return false;
		}
	}
	return true;
}

bool bd_trail_signed_read(
	struct bd_trail_signed *out, const struct bd_json *object, struct bd_arena *arena)
{
	static const char *const names[] = { "body", "signature", "key", NULL };
	struct bd_trail_head *body = bd_arena_alloc(arena, 1, sizeof(*body));
	uint8_t key_id[BD_DIGEST_BYTES];
	struct bd_bytes signature;

	if (body == NULL || !has_only(object, names) ||
		!take_base64(&out->body, object, "body", arena) ||
		!take_base64(&signature, object, "signature", arena) ||
		signature.len != sizeof(out->signature) || !take_digest(key_id, object, "key")) {
		return false;
	}
	memcpy(out->signature, signature.ptr, sizeof(out->signature));
	return bd_trail_head_unpack(body, out->body) &&
	       memcmp(body->key_id, key_id, sizeof(key_id)) == 0;
}

static enum bd_code read_proof(struct bd_trail_proof *out, struct bd_trail_proven *proven,
	const struct bd_json *root, struct bd_arena *arena, struct bd_diag *diag)
{
	static const char *const names[] = { "format", "receipt", "entry", "leaf", "path", "head",
		NULL };
	struct bd_trail_id id;
	struct bd_bytes text;

	if (!has_only(root, names)) {
		return fail(diag, BD_RECEIPT_FORM, "");
	}
	if (!take_text(&text, root, "format") || !bd_bytes_is(text, FORMAT)) {
		return fail(diag, BD_RECEIPT_FORM, "/format");
	}
	if (!take_text(&text, root, "receipt") || !bd_trail_id_read(&id, text)) {
		return fail(diag, BD_RECEIPT_FORM, "/receipt");
	}
	if (!take_base64(&out->body, root, "entry", arena) ||
		!bd_trail_entry_unpack(&proven->entry, out->body)) {
		return fail(diag, BD_RECEIPT_FORM, "/entry");
	}
	if (!bd_trail_id_equal(&id, &proven->entry.id)) {
		return fail(diag, BD_PROOF_WRONG, "/receipt");
	}
	if (!take_number(&out->leaf, root, "leaf")) {
		return fail(diag, BD_RECEIPT_FORM, "/leaf");
	}
	if (!take_path(&out->path, root)) {
		return fail(diag, BD_RECEIPT_FORM, "/path");
	}
	if (!bd_trail_signed_read(&out->head, bd_json_get(root, "head"), arena)) {
		return fail(diag, BD_RECEIPT_FORM, "/head");
	}
	return BD_OK;
}

static enum bd_code check_leaf(const struct bd_trail_proof *proof,
	const struct bd_trail_proven *proven, struct bd_diag *diag)
{
	struct bd_hash hash;
	enum bd_code code = bd_merkle_leaf(&hash, proof->body);

	code = code == BD_OK ? bd_merkle_check_inclusion(&proof->path, &hash, proof->leaf,
				       proven->head.size, &proven->head.root)
			     : code;
	if (code == BD_OK && proven->head.instance != proven->entry.id.instance) {
		code = BD_PROOF_WRONG;
	}
	return code == BD_OK ? BD_OK : fail(diag, code, "/path");
}

enum bd_code bd_trail_proof_check(struct bd_trail_proven *out, struct bd_bytes json,
	const struct bd_trail_keys *keys, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_trail_proof proof;
	struct bd_json *root = NULL;
	enum bd_code code = bd_json_parse(&root, json, arena, diag);

	code = code == BD_OK ? read_proof(&proof, out, root, arena, diag) : code;
	if (code == BD_OK) {
		code = bd_trail_head_check(&out->head, &proof.head, keys, diag);
		if (code != BD_OK) {
			bd_diag_set_path(diag, "/head");
		}
	}
	code = code == BD_OK ? check_leaf(&proof, out, diag) : code;
	out->leaf = code == BD_OK ? proof.leaf : 0;
	return code;
}

enum bd_code bd_trail_witness_read(struct bd_trail_signed *out, struct bd_bytes json,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_json *root = NULL;
	enum bd_code code = bd_json_parse(&root, json, arena, diag);
	const struct bd_json *head;

	if (code != BD_OK) {
		return code;
	}
	head = bd_json_get(root, "head");
	if (!bd_trail_signed_read(out, head != NULL ? head : root, arena)) {
		return fail(diag, BD_RECEIPT_FORM, head != NULL ? "/head" : "");
	}
	return BD_OK;
}
