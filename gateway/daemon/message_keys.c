#include "daemon/message_keys.h"

#include "base/limits.h"
#include "base/try.h"
#include "daemon/secret.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 4096
#define NAME_BYTES 128
/* Some thousand keys. */
#define DIGESTED_MAX_BYTES (16 << 20)

enum kind { KIND_PUBLIC, KIND_CIPHER, KIND_SECRET, KINDS };
static const char *const ends[KINDS] = { ".pub", ".key", ".secret" };

struct key {
	struct key *next;
	enum kind kind;
	char name[NAME_BYTES];
	struct bd_sign_key *public_key;
	uint8_t cipher[BD_SM4_BLOCKS_KEY_BYTES];
	struct bd_buf secret;
};

struct bd_message_keys {
	unsigned references; /* atomic */
	struct key *first;
};

/* -- loading -- */

static enum bd_code read_public(struct key *key, const char *path, struct bd_diag *diag)
{
	FILE *file = fopen(path, "rbe");
	char text[BD_KEY_FILE_MAX_BYTES];
	size_t len;
	enum bd_code code;

	if (file == NULL) {
		return bd_fail(diag, BD_CONFIG_REFERENCE, "%s: %s", path, strerror(errno));
	}
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	code = bd_sign_key_public(&key->public_key, NULL, (struct bd_bytes){ text, len }, NULL);
	return code == BD_OK
		       ? BD_OK
		       : bd_fail(diag, code, "%s: no public key of P-256 or SM2 in PEM", path);
}

/* A line without its end. */
static enum bd_code read_secret(struct key *key, const char *path, struct bd_diag *diag)
{
	struct bd_buf *text = &key->secret;
	enum bd_code code = bd_secret_read(text, path, path, diag);

	while (code == BD_OK && text->len > 0 &&
		(text->ptr[text->len - 1] == '\n' || text->ptr[text->len - 1] == '\r')) {
		text->len--;
	}
	return code != BD_OK || text->len > 0 ? code
					      : bd_fail(diag, BD_CONFIG_MEANING, "%s: empty", path);
}

static enum bd_code read_key(struct key *key, const char *path, struct bd_diag *diag)
{
	switch (key->kind) {
	case KIND_PUBLIC:
		return read_public(key, path, diag);
	case KIND_CIPHER:
		return bd_secret_read_hex(key->cipher, sizeof(key->cipher), path, path, diag);
	case KIND_SECRET:
		return read_secret(key, path, diag);
	case KINDS:
		break;
	}
	return BD_INTERNAL;
}

/* What kind of key a file's name says; KINDS = none. */
static enum kind kind_of(size_t *name_len, const char *file)
{
	size_t len = strlen(file);

	for (int i = 0; i < KINDS; i++) {
		size_t end = strlen(ends[i]);

		if (len > end && len - end < NAME_BYTES && strcmp(file + len - end, ends[i]) == 0) {
			*name_len = len - end;
			return (enum kind)i;
		}
	}
	return KINDS;
}

static enum bd_code add(
	struct bd_message_keys *keys, const char *folder, const char *file, struct bd_diag *diag)
{
	struct key *key = calloc(1, sizeof(*key));
	char path[PATH_BYTES];
	size_t len = 0;

	if (key == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	bd_buf_init(&key->secret, BD_KEY_FILE_MAX_BYTES);
	key->kind = kind_of(&len, file);
	/* From here on it is freed with the others. */
	key->next = keys->first;
	keys->first = key;
	if (key->kind == KINDS ||
		(size_t)snprintf(path, sizeof(path), "%s/%s", folder, file) >= sizeof(path)) {
		return bd_fail(diag, BD_CONFIG_MEANING,
			"%s: a key's file ends in .pub, .key or .secret", file);
	}
	memcpy(key->name, file, len);
	return read_key(key, path, diag);
}

enum bd_code bd_message_keys_load(
	struct bd_message_keys **out, const char *folder, struct bd_diag *diag)
{
	struct bd_message_keys *keys = calloc(1, sizeof(*keys));
	const struct dirent *entry;
	enum bd_code code = BD_OK;
	DIR *dir;

	if (keys == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	keys->references = 1;
	dir = folder != NULL ? opendir(folder) : NULL;
	if (folder != NULL && dir == NULL) {
		code = bd_fail(diag, BD_CONFIG_REFERENCE, "%s", strerror(errno));
	}
	while (code == BD_OK && dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			code = add(keys, folder, entry->d_name, diag);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
	if (code != BD_OK) {
		bd_message_keys_unref(keys);
		return code;
	}
	*out = keys;
	return BD_OK;
}

/* -- their digest -- */

static enum bd_code add_key(struct bd_buf *out, const struct key *key)
{
	BD_TRY(bd_buf_add_u8(out, (uint8_t)key->kind));
	BD_TRY(bd_buf_add_sized(out, bd_bytes_of(key->name)));
	switch (key->kind) {
	case KIND_PUBLIC:
		return bd_sign_key_write_public(out, key->public_key);
	case KIND_CIPHER:
		return bd_buf_add(
			out, (struct bd_bytes){ (const char *)key->cipher, sizeof(key->cipher) });
	case KIND_SECRET:
		return bd_buf_add_sized(out, bd_buf_bytes(&key->secret));
	case KINDS:
		break;
	}
	return BD_INTERNAL;
}

static int compare_keys(const struct key *a, const struct key *b)
{
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : (int)a->kind - (int)b->kind;
}

/* The least that is behind this one; NULL = none. */
static const struct key *next_key(const struct bd_message_keys *keys, const struct key *last)
{
	const struct key *least = NULL;

	for (const struct key *key = keys->first; key != NULL; key = key->next) {
		if ((last == NULL || compare_keys(key, last) > 0) &&
			(least == NULL || compare_keys(key, least) < 0)) {
			least = key;
		}
	}
	return least;
}

enum bd_code bd_message_keys_digest(uint8_t out[BD_DIGEST_BYTES], bool *has_any,
	const struct bd_message_keys *keys, const uint8_t key[BD_DIGEST_BYTES])
{
	struct bd_hmac *hmac = NULL;
	struct bd_buf all;
	enum bd_code code;

	*has_any = keys != NULL && keys->first != NULL;
	if (!*has_any) {
		return BD_OK;
	}
	bd_buf_init(&all, (size_t)DIGESTED_MAX_BYTES);
	code = bd_hmac_new(&hmac, (struct bd_bytes){ (const char *)key, BD_DIGEST_BYTES });
	for (const struct key *one = next_key(keys, NULL); one != NULL && code == BD_OK;
		one = next_key(keys, one)) {
		code = add_key(&all, one);
	}
	code = code == BD_OK ? bd_hmac_of(hmac, bd_buf_bytes(&all), out) : code;
	bd_buf_wipe(&all);
	bd_hmac_free(hmac);
	return code;
}

struct bd_message_keys *bd_message_keys_ref(struct bd_message_keys *keys)
{
	if (keys != NULL) {
		__atomic_add_fetch(&keys->references, 1, __ATOMIC_RELAXED);
	}
	return keys;
}

void bd_message_keys_unref(struct bd_message_keys *keys)
{
	if (keys == NULL || __atomic_sub_fetch(&keys->references, 1, __ATOMIC_ACQ_REL) != 0) {
		return;
	}
	while (keys->first != NULL) {
		struct key *key = keys->first;

		keys->first = key->next;
		bd_sign_key_free(key->public_key);
		bd_wipe(key->cipher, sizeof(key->cipher));
		bd_buf_wipe(&key->secret);
		free(key);
	}
	free(keys);
}

/* -- opening -- */

static const struct key *find(const struct bd_message_keys *keys, enum kind kind, const char *name)
{
	const struct key *key = keys != NULL ? keys->first : NULL;

	while (key != NULL && (key->kind != kind || strcmp(key->name, name) != 0)) {
		key = key->next;
	}
	return key;
}

struct found {
	const struct key *cipher, *sign, *secret; /* NULL = not asked for */
};

static bool find_all(struct found *out, const struct bd_message_keys *keys,
	const struct bd_open_request *request)
{
	const char *const names[] = { request->cipher_key, request->sign_key,
		request->sign_key != NULL ? request->secret : NULL };
	const enum kind kinds[] = { KIND_CIPHER, KIND_PUBLIC, KIND_SECRET };
	const struct key **const places[] = { &out->cipher, &out->sign, &out->secret };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		*places[i] = names[i] != NULL ? find(keys, kinds[i], names[i]) : NULL;
		if (names[i] != NULL && *places[i] == NULL) {
			return false;
		}
	}
	return true;
}

static enum bd_code check_signature(
	const struct found *found, const struct bd_open_request *request, struct bd_bytes opened)
{
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, BD_FRAME_MAX_BYTES + BD_KEY_FILE_MAX_BYTES);
	code = bd_buf_add(&text, request->before);
	code = code == BD_OK && request->is_of_opened ? bd_buf_add(&text, opened) : code;
	code = code == BD_OK ? bd_buf_add(&text, request->after) : code;
	if (code == BD_OK && found->secret != NULL) {
		code = bd_buf_add(&text, bd_buf_bytes(&found->secret->secret));
	}
	code = code == BD_OK ? bd_sign_check(request->signature, found->sign->public_key,
				       bd_buf_bytes(&text))
			     : code;
	bd_buf_wipe(&text);
	return code == BD_SIGNATURE_WRONG ? BD_ENVELOPE_SIGNATURE : code;
}

/* A signature over what was received is checked before anything is opened. One over what comes out
 * is checked whether or not it came out well, and both failures are one. */
enum bd_code bd_message_keys_open(const struct bd_message_keys *keys, struct bd_buf *opened,
	const struct bd_open_request *request)
{
	size_t before = opened->len;
	struct found found;
	struct bd_bytes text;
	bool is_opened;

	if (!find_all(&found, keys, request)) {
		return BD_ENVELOPE_KEY;
	}
	if (found.sign != NULL && !request->is_of_opened) {
		BD_TRY(check_signature(&found, request, (struct bd_bytes){ "", 0 }));
	}
	if (found.cipher == NULL) {
		return BD_OK;
	}
	if (request->sealed.len == 0 || request->sealed.len % BD_SM4_BLOCKS_BYTES != 0) {
		return BD_ENVELOPE_SEALED;
	}
	BD_TRY(bd_buf_reserve(opened, request->sealed.len));
	is_opened = bd_sm4_blocks_open(opened,
		request->cipher == BD_CIPHER_SM4_CBC ? BD_SM4_BLOCKS_CBC : BD_SM4_BLOCKS_ECB,
		found.cipher->cipher, (const uint8_t *)request->iv.ptr, request->sealed);
	text = (struct bd_bytes){ opened->ptr + before,
		is_opened ? opened->len - before : request->sealed.len };
	if (found.sign != NULL && request->is_of_opened) {
		enum bd_code code = check_signature(&found, request, text);

		is_opened = is_opened && code == BD_OK;
	}
	if (!is_opened) {
		bd_wipe(opened->ptr + before, request->sealed.len);
		opened->len = before;
	}
	return is_opened ? BD_OK : BD_ENVELOPE_SEALED;
}
