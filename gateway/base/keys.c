#include "base/keys.h"

#include "base/digest.h"
#include "base/locked.h"
#include "base/try.h"

#include <string.h>

const char *const bd_sealing_names[] = {
	[BD_SEALING_AES_GCM] = "aes-256-gcm", [BD_SEALING_SM4_SM3] = "sm4-ctr-hmac-sm3", NULL
};

const char *const bd_blinding_names[] = {
	[BD_BLINDING_SHA256] = "hmac-sha256", [BD_BLINDING_SM3] = "hmac-sm3", NULL
};

enum bd_code bd_keys_new(struct bd_keys **out)
{
	*out = bd_locked_alloc(sizeof(**out));
	return *out != NULL ? BD_OK : BD_NO_MEMORY;
}

void bd_keys_free(struct bd_keys *keys)
{
	bd_locked_free(keys, sizeof(*keys));
}

enum bd_code bd_keys_add(
	struct bd_keys *keys, uint16_t epoch, const uint8_t bytes[BD_MASTER_KEY_BYTES])
{
	struct bd_key *key = &keys->items[keys->count];

	if (keys->count == BD_EPOCHS_MAX) {
		return BD_LIMIT_COUNT;
	}
	key->epoch = epoch;
	memcpy(key->bytes, bytes, sizeof(key->bytes));
	keys->count++;
	return BD_OK;
}

enum bd_code bd_keys_add_new(struct bd_keys *keys)
{
	uint16_t last = keys->count > 0 ? keys->items[keys->count - 1].epoch : 0;
	struct bd_key *key = &keys->items[keys->count];

	if (keys->count == BD_EPOCHS_MAX || last == UINT16_MAX) {
		return BD_LIMIT_COUNT;
	}
	BD_TRY(bd_random(key->bytes, sizeof(key->bytes)));
	key->epoch = (uint16_t)(last + 1);
	keys->count++;
	return BD_OK;
}

const struct bd_key *bd_keys_find(const struct bd_keys *keys, uint16_t epoch)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->items[i].epoch == epoch) {
			return &keys->items[i];
		}
	}
	return NULL;
}

/* -- their text -- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bd_bytes trim(struct bd_bytes line)
{
	while (line.len > 0 && is_blank(line.ptr[0])) {
		line.ptr++;
		line.len--;
	}
	while (line.len > 0 && is_blank(line.ptr[line.len - 1])) {
		line.len--;
	}
	return line;
}

/* The number before the first blank, and what follows; without a blank it is epoch 1. */
static bool take_epoch(uint16_t *out, struct bd_bytes *line)
{
	uint32_t number = 0;
	size_t i = 0;

	for (; i < line->len && line->ptr[i] >= '0' && line->ptr[i] <= '9' && i < 6; i++) {
		number = number * 10 + (uint32_t)(line->ptr[i] - '0');
	}
	if (i == 0 || i == line->len || !is_blank(line->ptr[i])) {
		*out = 1;
		return true;
	}
	*out = (uint16_t)number;
	*line = trim((struct bd_bytes){ line->ptr + i, line->len - i });
	return number > 0 && number <= UINT16_MAX;
}

static enum bd_code read_line(struct bd_keys *keys, struct bd_bytes line)
{
	uint8_t bytes[BD_MASTER_KEY_BYTES];
	uint16_t epoch;
	enum bd_code code = BD_OK;

	line = trim(line);
	if (line.len == 0 || line.ptr[0] == '#') {
		return BD_OK;
	}
	if (!take_epoch(&epoch, &line) || !bd_unhex(bytes, sizeof(bytes), line) ||
		(keys->count > 0 && keys->items[keys->count - 1].epoch >= epoch)) {
		code = BD_CONFIG_MEANING;
	}
	code = code == BD_OK ? bd_keys_add(keys, epoch, bytes) : code;
	bd_wipe(bytes, sizeof(bytes));
	return code;
}

enum bd_code bd_keys_read(struct bd_keys *keys, struct bd_bytes text, struct bd_diag *diag)
{
	unsigned number = 0;

	while (text.len > 0) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;

		number++;
		if (read_line(keys, (struct bd_bytes){ text.ptr, len }) != BD_OK) {
			return bd_fail(diag, BD_CONFIG_MEANING,
				"line %u is no key: an epoch (1 to 65535, rising) and 64 "
				"hexadecimal digits; at most %d lines",
				number, BD_EPOCHS_MAX);
		}
		len += end != NULL ? 1 : 0;
		text.ptr += len;
		text.len -= len;
	}
	return keys->count > 0 ? BD_OK
			       : bd_fail(diag, BD_CONFIG_MEANING, "no key: 64 hexadecimal digits");
}

enum bd_code bd_keys_write(struct bd_buf *out, const struct bd_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		char hex[BD_MASTER_KEY_BYTES * 2 + 1];
		enum bd_code code;

		bd_hex(hex, keys->items[i].bytes, BD_MASTER_KEY_BYTES);
		code = bd_buf_printf(out, "%u %s\n", keys->items[i].epoch, hex);
		bd_wipe(hex, sizeof(hex));
		BD_TRY(code);
	}
	return BD_OK;
}
