#include "trail/head.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC_BYTES (sizeof(BD_TRAIL_HEAD_MAGIC) - 1)
#define FLAG_CLOSED 1

static struct bd_bytes digest_of(const void *bytes)
{
	return (struct bd_bytes){ bytes, BD_DIGEST_BYTES };
}

enum bd_code bd_trail_head_pack(struct bd_buf *out, const struct bd_trail_head *head)
{
	enum bd_code code = bd_buf_reserve(out, BD_TRAIL_HEAD_MAX_BYTES);

	if (code != BD_OK) {
		return code;
	}
	/* There is room: none of these fails. */
	bd_buf_add(out, (struct bd_bytes){ BD_TRAIL_HEAD_MAGIC, MAGIC_BYTES });
	bd_buf_add_u8(out, head->is_closed ? FLAG_CLOSED : 0);
	bd_buf_add_u64(out, head->instance);
	bd_buf_add_u64(out, head->number);
	bd_buf_add_u64(out, (uint64_t)head->time_ms);
	bd_buf_add_u64(out, head->size);
	bd_buf_add(out, digest_of(head->root.bytes));
	bd_buf_add(out, digest_of(head->previous.bytes));
	bd_buf_add(out, digest_of(head->key_id));
	bd_buf_add_u16(out, (uint16_t)head->run_count);
	for (size_t i = 0; i < head->run_count; i++) {
		bd_buf_add_u16(out, head->runs[i].loop);
		bd_buf_add_u64(out, head->runs[i].count);
		bd_buf_add(out, digest_of(head->runs[i].chain.bytes));
	}
	return BD_OK;
}

static void take_digest(uint8_t out[BD_DIGEST_BYTES], struct bd_reader *reader)
{
	struct bd_bytes bytes = bd_read_bytes(reader, BD_DIGEST_BYTES);

	if (bytes.ptr != NULL) {
		memcpy(out, bytes.ptr, BD_DIGEST_BYTES);
	}
}

bool bd_trail_head_unpack(struct bd_trail_head *out, struct bd_bytes body)
{
	struct bd_reader reader = bd_reader_of(body);
	struct bd_bytes begin = bd_read_bytes(&reader, MAGIC_BYTES);
	uint8_t flags = bd_read_u8(&reader);

	if (!reader.ok || memcmp(begin.ptr, BD_TRAIL_HEAD_MAGIC, MAGIC_BYTES) != 0 ||
		flags > FLAG_CLOSED) {
		return false;
	}
	out->is_closed = flags == FLAG_CLOSED;
	out->instance = bd_read_u64(&reader);
	out->number = bd_read_u64(&reader);
	out->time_ms = (int64_t)bd_read_u64(&reader);
	out->size = bd_read_u64(&reader);
	take_digest(out->root.bytes, &reader);
	take_digest(out->previous.bytes, &reader);
	take_digest(out->key_id, &reader);
	out->run_count = bd_read_u16(&reader);
	if (out->run_count > BD_TRAIL_LOOPS_MAX) {
		return false;
	}
	for (size_t i = 0; i < out->run_count; i++) {
		struct bd_trail_run *run = &out->runs[i];

		run->loop = bd_read_u16(&reader);
		run->count = bd_read_u64(&reader);
		take_digest(run->chain.bytes, &reader);
		if (run->loop >= BD_TRAIL_LOOPS_MAX || (i > 0 && run->loop <= run[-1].loop)) {
			return false;
		}
	}
	return reader.ok && reader.rest.len == 0;
}

/* -- keys -- */

enum bd_code bd_trail_keys_read(
	struct bd_trail_keys *out, struct bd_bytes pem, struct bd_diag *diag)
{
	struct bd_trail_keys keys = { calloc(BD_TRAIL_KEYS_MAX, sizeof(struct bd_sign_key *)), 0 };
	enum bd_code code = keys.items != NULL ? BD_OK : bd_fail(diag, BD_NO_MEMORY, "keys");

	while (code == BD_OK && keys.count < BD_TRAIL_KEYS_MAX) {
		/* A second failure is the end of the file: blanks, or a text that is no key. */
		code = bd_sign_key_public(
			&keys.items[keys.count], &pem, pem, keys.count == 0 ? diag : NULL);
		keys.count += code == BD_OK;
	}
	if (keys.count == 0) {
		bd_trail_keys_free(&keys);
		return code;
	}
	*out = keys;
	return BD_OK;
}

void bd_trail_keys_free(struct bd_trail_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		bd_sign_key_free(keys->items[i]);
	}
	free(keys->items);
	*keys = (struct bd_trail_keys){ NULL, 0 };
}

const struct bd_sign_key *bd_trail_keys_find(
	const struct bd_trail_keys *keys, const uint8_t id[BD_DIGEST_BYTES])
{
	for (size_t i = 0; i < keys->count; i++) {
		if (memcmp(bd_sign_key_id(keys->items[i]), id, BD_DIGEST_BYTES) == 0) {
			return keys->items[i];
		}
	}
	return NULL;
}

enum bd_code bd_trail_head_check(struct bd_trail_head *out, const struct bd_trail_signed *head,
	const struct bd_trail_keys *keys, struct bd_diag *diag)
{
	const struct bd_sign_key *key;

	if (!bd_trail_head_unpack(out, head->body)) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "no head of a tree");
	}
	key = bd_trail_keys_find(keys, out->key_id);
	if (key == NULL) {
		return bd_fail(diag, BD_SIGNATURE_WRONG, "signed with a key that was not given");
	}
	if (bd_sign_check(head->signature, key, head->body) != BD_OK) {
		return bd_fail(diag, BD_SIGNATURE_WRONG, "the signature of the head");
	}
	return BD_OK;
}
