#include "daemon/sender_keys.h"

#include "daemon/secret.h"

#include <stdlib.h>
#include <string.h>

/* As long as the digest at least; past 64 bytes it is digested first. */
#define KEY_MIN_BYTES 32
#define KEY_MAX_BYTES 64
/* A platform gives out a text. */
#define SECRET_MIN_BYTES 16

struct key {
	const char *id;
	const struct bd_sender *sender;
	struct bd_hmac *hmac;
	bool is_platform;
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
	bd_buf_wipe(&text);
	return code;
}

/* A line without its end. */
static enum bd_code read_secret(struct bd_hmac **out, const char *path, struct bd_diag *diag)
{
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, BD_KEY_FILE_MAX_BYTES);
	code = bd_secret_read(&text, path, "platform_secret_file", diag);
	while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) {
		text.len--;
	}
	if (code == BD_OK && text.len < SECRET_MIN_BYTES) {
		code = bd_fail(diag, BD_CONFIG_MEANING,
			"platform_secret_file holds a text of %d bytes at least", SECRET_MIN_BYTES);
	}
	code = code == BD_OK ? bd_hmac_new(out, bd_buf_bytes(&text)) : code;
	bd_buf_wipe(&text);
	return code;
}

/* Takes the place behind the last one where the file is good. */
static void add(struct bd_sender_keys *keys, const struct bd_sender *sender, const char *id,
	const char *file, bool is_platform, struct bd_diags *diags)
{
	struct key *key = &keys->items[keys->count];
	struct bd_diag diag = { .code = BD_OK };

	if ((is_platform ? read_secret(&key->hmac, file, &diag)
			 : read_key(&key->hmac, file, &diag)) != BD_OK) {
		bd_diags_add(diags, diag.code, "senders_file", 0, 0, "[%s] %s: %s", sender->name,
			id, diag.detail);
		return;
	}
	key->id = id;
	key->sender = sender;
	key->is_platform = is_platform;
	keys->count++;
}

enum bd_code bd_sender_keys_load(
	struct bd_sender_keys **out, const struct bd_senders *senders, struct bd_diags *diags)
{
	struct bd_sender_keys *keys;
	size_t count = 0;

	for (size_t i = 0; i < senders->count; i++) {
		count += senders->items[i].key_count + 1;
	}
	keys = calloc(1, sizeof(*keys) + count * sizeof(struct key));
	*out = keys;
	if (keys == NULL) {
		return bd_diags_add(diags, BD_NO_MEMORY, "", 0, 0, "no room for keys");
	}
	for (size_t i = 0; i < senders->count; i++) {
		const struct bd_sender *sender = &senders->items[i];

		for (size_t k = 0; k < sender->key_count; k++) {
			add(keys, sender, sender->keys[k].id, sender->keys[k].file, false, diags);
		}
		if (sender->platform_sid != NULL && sender->platform_secret_file != NULL) {
			add(keys, sender, sender->platform_sid, sender->platform_secret_file, true,
				diags);
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

static const struct bd_sender *find(const struct bd_hmac **key, const struct bd_sender_keys *keys,
	struct bd_bytes id, bool is_platform)
{
	for (size_t i = 0; keys != NULL && i < keys->count; i++) {
		if (keys->items[i].is_platform == is_platform &&
			bd_bytes_is(id, keys->items[i].id)) {
			*key = keys->items[i].hmac;
			return keys->items[i].sender;
		}
	}
	return NULL;
}

const struct bd_sender *bd_sender_keys_find(
	const struct bd_hmac **key, const struct bd_sender_keys *keys, struct bd_bytes id)
{
	return find(key, keys, id, false);
}

const struct bd_sender *bd_sender_keys_platform(
	const struct bd_hmac **secret, const struct bd_sender_keys *keys, struct bd_bytes sid)
{
	return find(secret, keys, sid, true);
}
