/* case_keys.c - what the head of a case has for the index: its blinded number and the blinded
 * names of whom it looked at.
 */
#include "base/digest.h"
#include "base/try.h"
#include "store/case_index.h"
#include "store/node_memo.h"
#include "store/recent.h"

#include <string.h>

/* Names that are compared with all before them: few cases have more, and those may have one twice.
 */
#define COMPARED_MAX 64

static bool is_among(const struct bd_buf *keys, const uint8_t key[BD_NODE_KEY_BYTES])
{
	for (size_t at = 0; at < keys->len && at < COMPARED_MAX * BD_NODE_KEY_BYTES;
		at += BD_NODE_KEY_BYTES) {
		if (memcmp(keys->ptr + at, key, BD_NODE_KEY_BYTES) == 0) {
			return true;
		}
	}
	return false;
}

static enum bd_code add_name(
	struct bd_buf *keys, struct bd_seal *seal, const struct bd_case_looked *looked, size_t at)
{
	uint8_t made[BD_NODE_KEY_BYTES];
	const uint8_t *key = made;

	if (looked->keys != NULL) {
		key = looked->keys[at];
	} else {
		BD_TRY(bd_seal_blind(seal, &looked->identifiers[at], made));
	}
	return is_among(keys, key) ? BD_OK
				   : bd_buf_add(keys, (struct bd_bytes){ (const char *)key,
							      BD_NODE_KEY_BYTES });
}

static enum bd_code add_names(
	struct bd_buf *keys, struct bd_seal *seal, const struct bd_case_record *record)
{
	for (size_t i = 0; i < record->looked_count; i++) {
		const struct bd_case_looked *looked = &record->looked[i];

		for (size_t j = 0; !looked->is_sandbox && j < looked->identifier_count; j++) {
			BD_TRY(add_name(keys, seal, looked, j));
		}
	}
	return BD_OK;
}

/* The ledger of obligations finds those of a case by it too. */
enum bd_code bd_case_number_key(
	uint8_t out[BD_CASE_NUMBER_KEY_BYTES], struct bd_seal *seal, struct bd_bytes number)
{
	uint8_t digest[BD_DIGEST_BYTES];
	char room[512];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add_text(&name, "case number"));
	BD_TRY(bd_buf_add_byte(&name, '\0'));
	BD_TRY(bd_buf_add(&name, number));
	BD_TRY(bd_seal_digest(seal, bd_buf_bytes(&name), digest));
	memcpy(out, digest, BD_CASE_NUMBER_KEY_BYTES);
	return BD_OK;
}

enum bd_code bd_case_keys_fill(struct bd_case_head *head, struct bd_buf *keys, struct bd_seal *seal,
	const struct bd_case_record *record)
{
	head->has_keys = true;
	head->generation = bd_seal_generation(seal);
	head->commit = record->commit;
	head->flags = (record->number.len > 0 ? BD_CASE_HAS_NUMBER : 0) |
		      (bd_case_owes(record) ? BD_CASE_OWES : 0);
	if (record->number.len > 0) {
		BD_TRY(bd_case_number_key(head->number, seal, record->number));
	}
	bd_buf_clear(keys);
	BD_TRY(add_names(keys, seal, record));
	head->keys = (const uint8_t(*)[BD_NODE_KEY_BYTES])keys->ptr;
	head->key_count = keys->len / BD_NODE_KEY_BYTES;
	return BD_OK;
}

/* -- what lookups have blinded already -- */

enum bd_code bd_case_blind(const uint8_t (**out)[BD_CASE_KEY_BYTES], struct bd_store_reader *reader,
	const struct bd_identifier *identifiers, size_t count, struct bd_arena *arena)
{
	const struct bd_node_memo *memos[] = {
		reader->memo != NULL && reader->memo->arena == arena ? reader->memo : NULL,
		reader->recent != NULL ? bd_recent_memo(reader->recent) : NULL,
	};
	uint8_t(*keys)[BD_NODE_KEY_BYTES] = bd_arena_take(arena, count, sizeof(*keys));

	_Static_assert(BD_CASE_KEY_BYTES == BD_NODE_KEY_BYTES, "one kind of key");
	if (keys == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < count; i++) {
		const uint8_t *met = NULL;

		for (size_t m = 0; m < 2 && met == NULL; m++) {
			met = memos[m] != NULL ? bd_node_memo_key(memos[m], &identifiers[i]) : NULL;
		}
		if (met != NULL) {
			memcpy(keys[i], met, BD_NODE_KEY_BYTES);
		} else {
			BD_TRY(bd_seal_blind(reader->seal, &identifiers[i], keys[i]));
		}
	}
	*out = (const uint8_t(*)[BD_NODE_KEY_BYTES])keys;
	return BD_OK;
}
