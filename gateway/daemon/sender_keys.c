#include "daemon/sender_keys.h"

#include "daemon/secret.h"

#include <stdlib.h>
#include <string.h>

/* As long as the digest at least; past 64 bytes it is digested first. */
#define KEY_MIN_BYTES 32
#define KEY_MAX_BYTES 64

struct key {
	const char *id;
	const struct bd_sender *sender;
	struct bd_hmac *hmac;
};

struct bd_sender_keys {
	size_t count;
	struct key items[];
};

static enum bd_code read_key(struct bd_hmac **out, const char *path, struct bd_diag *diag)
{
	uint8_t bytes[KEY_MAX_BYTES];
	struct bd_buf text;
	size_t len;
	enum bd_code code;

	bd_buf_init(&text, BD_KEY_FILE_MAX_BYTES);
	code = bd_secret_read(&text, path, "hmac_key", diag);
	while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) {
		text.len--;
	}
	len = text.len / 2;
	if (code == BD_OK && (len < KEY_MIN_BYTES || len > KEY_MAX_BYTES ||
				     !bd_unhex(bytes, len, bd_buf_bytes(&text)))) {
		code = bd_fail(diag, BD_CONFIG_MEANING,
			"hmac_key holds 64 to 128 hexadecimal digits: openssl rand -hex 32");
	}
	code = code == BD_OK ? bd_hmac_new(out, (struct bd_bytes){ (char *)bytes, len }) : code;
	bd_wipe(bytes, sizeof(bytes));
	if (text.ptr != NULL) {
		bd_wipe(text.ptr, text.cap);
	}
	bd_buf_release(&text);
	return code;
}

enum bd_code bd_sender_keys_load(
	struct bd_sender_keys **out, const struct bd_senders *senders, struct bd_diags *diags)
{
	struct bd_sender_keys *keys;
	size_t count = 0;

	for (size_t i = 0; i < senders->count; i++) {
		count += senders->items[i].key_count;
	}
	keys = calloc(1, sizeof(*keys) + count * sizeof(struct key));
	*out = keys;
	if (keys == NULL) {
		return bd_diags_add(diags, BD_NO_MEMORY, "", 0, 0, "no room for keys");
	}
	for (size_t i = 0; i < senders->count; i++) {
		const struct bd_sender *sender = &senders->items[i];

		for (size_t k = 0; k < sender->key_count; k++) {
			struct key *key = &keys->items[keys->count];
			struct bd_diag diag = { .code = BD_OK };

			if (read_key(&key->hmac, sender->keys[k].file, &diag) != BD_OK) {
				bd_diags_add(diags, diag.code, "senders_file", 0, 0, "[%s] %s: %s",
					sender->name, sender->keys[k].id, diag.detail);
				continue;
			}
			key->id = sender->keys[k].id;
			key->sender = sender;
			keys->count++;
		}
	}
	return bd_diags_code(diags);
}

void bd_sender_keys_free(struct bd_sender_keys *keys)
{
	for (size_t i = 0; keys != NULL && i < keys->count; i++) {
		bd_hmac_free(keys->items[i].hmac);
	}
	free(keys);
}

const struct bd_sender *bd_sender_keys_find(
	const struct bd_hmac **key, const struct bd_sender_keys *keys, struct bd_bytes id)
{
	for (size_t i = 0; keys != NULL && i < keys->count; i++) {
		if (bd_bytes_is(id, keys->items[i].id)) {
			*key = keys->items[i].hmac;
			return keys->items[i].sender;
		}
	}
	return NULL;
}
