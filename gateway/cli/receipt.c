/* receipt.c - bidui receipt: a receipt of the gateway, its proof, its decision drawn again, and the
 * check of the proof, which needs nothing but the file and the public key. */
#include "base/clock.h"
#include "cli/answer.h"
#include "cli/offline.h"
#include "cli/reproduced.h"
#include "trail/event.h"
#include "trail/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A proof and what it is unpacked to. */
#define ARENA_MAX_BYTES 16777216

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static const struct bd_cli_view fetched = { is_always_good, bd_cli_show_any };

/* /v1/receipts/ID and what hangs from it. */
static enum bd_cli_exit ask(const struct bd_cli_options *options, const char *method,
	const char *id, const char *tail, const struct bd_cli_view *view)
{
	struct bd_cli_request request = { .method = method };
	struct bd_buf path;
	enum bd_cli_exit result = BD_CLI_USAGE;
	enum bd_code code;

	bd_buf_init(&path, 1024);
	code = bd_buf_add_text(&path, "/v1/receipts/");
	code = code == BD_OK ? bd_cli_escape(&path, id) : code;
	code = code == BD_OK ? bd_buf_add_text(&path, tail) : code;
	code = code == BD_OK ? bd_buf_add_byte(&path, '\0') : code;
	if (code == BD_OK) {
		request.path = path.ptr;
		result = bd_cli_ask(options, &request, view);
	} else {
		bd_cli_notice(options, "回执号过长", "the receipt id is too long");
	}
	bd_buf_release(&path);
	return result;
}

static enum bd_cli_exit fetch(
	const struct bd_cli_options *options, const char *id, const char *tail)
{
	return ask(options, "GET", id, tail, &fetched);
}

static enum bd_code write_proven(struct bd_buf *out, const struct bd_trail_proven *proven,
	const struct bd_trail_keys *keys, struct bd_arena *arena)
{
	const struct bd_sign_key *key = bd_trail_keys_find(keys, proven->head.key_id);
	char hex[2 * BD_DIGEST_BYTES + 1];
	struct bd_json_writer w;
	struct bd_buf entry;
	enum bd_code code;

	bd_buf_init(&entry, ARENA_MAX_BYTES);
	code = bd_trail_entry_write(&entry, &proven->entry, arena);
	if (code == BD_OK) {
		bd_jw_init(&w, out);
		bd_jw_object(&w, NULL);
		bd_jw_bool(&w, "valid", true);
		bd_hex(hex, proven->head.key_id, BD_DIGEST_BYTES);
		bd_jw_text(&w, "key", hex);
		bd_jw_text(&w, "algorithm", bd_sign_algorithm_name(bd_sign_key_algorithm(key)));
		bd_jw_time(&w, "signed_at", proven->head.time_ms);
		bd_jw_u64(&w, "head", proven->head.number);
		bd_jw_u64(&w, "leaf", proven->leaf);
		bd_jw_raw(&w, "entry", bd_buf_bytes(&entry));
		bd_jw_object_end(&w);
		code = w.code;
	}
	bd_buf_release(&entry);
	return code;
}

/* The proven receipt, as JSON or line by line. */
static enum bd_cli_exit show(const struct bd_cli_options *options,
	const struct bd_trail_proven *proven, const struct bd_trail_keys *keys,
	struct bd_arena *arena)
{
	struct bd_json *reply = NULL;
	struct bd_buf json;
	enum bd_cli_exit result = BD_CLI_NEGATIVE;

	bd_buf_init(&json, ARENA_MAX_BYTES);
	if (write_proven(&json, proven, keys, arena) != BD_OK ||
		bd_json_parse(&reply, bd_buf_bytes(&json), arena, NULL) != BD_OK) {
		bd_cli_notice(options, "证明有效，但内容无法显示",
			"the proof holds, but its content cannot be shown");
	} else {
		if (options->is_json) {
			fwrite(json.ptr, 1, json.len, stdout);
			putchar('\n');
		} else {
			printf("%s\n", bd_cli_say(options, "回执有效：内容未被改动，已签入树头",
					       "the receipt is valid: unchanged, and under a "
					       "signed head"));
			bd_cli_show_any(options, reply, arena);
		}
		result = BD_CLI_OK;
	}
	bd_buf_release(&json);
	return result;
}

static enum bd_cli_exit verify(const struct bd_cli_options *options, const char *path)
{
	static struct bd_trail_proven proven;
	struct bd_trail_keys keys = { NULL, 0 };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_arena arena;
	struct bd_buf json;
	enum bd_cli_exit result = bd_cli_read_keys(&keys, options);

	bd_arena_init(&arena, ARENA_MAX_BYTES);
	bd_buf_init(&json, BD_TRAIL_PROOF_MAX_BYTES);
	if (result == BD_CLI_OK && !bd_cli_read_file(&json, options, path)) {
		result = BD_CLI_CONFIGURATION;
	}
	if (result == BD_CLI_OK) {
		if (bd_trail_proof_check(&proven, bd_buf_bytes(&json), &keys, &arena, &diag) ==
			BD_OK) {
			result = show(options, &proven, &keys, &arena);
		} else {
			bd_cli_tell(options, &diag, path);
			result = BD_CLI_NEGATIVE;
		}
	}
	bd_buf_release(&json);
	bd_arena_release(&arena);
	bd_trail_keys_free(&keys);
	return result;
}

enum bd_cli_exit bd_cli_receipt(const struct bd_cli_options *options)
{
	if (strcmp(options->args[0], "verify") == 0) {
		return verify(options, options->args[1]);
	}
	if (strcmp(options->args[0], "show") == 0) {
		return fetch(options, options->args[1], "");
	}
	if (strcmp(options->args[0], "reproduce") == 0) {
		return ask(options, "POST", options->args[1], "/reproduce", &bd_cli_reproduced);
	}
	if (strcmp(options->args[0], "proof") == 0) {
		struct bd_cli_options as_it_is = *options;

		/* It is a file, not a text: what is checked are its bytes. */
		as_it_is.is_json = true;
		return fetch(&as_it_is, options->args[1], "/proof");
	}
	bd_cli_notice(options,
		"用法：bidui receipt verify FILE --key PUB，或 receipt show ID，或 receipt proof "
		"ID，或 receipt reproduce ID",
		"usage: bidui receipt verify FILE --key PUB, or receipt show ID, or receipt proof "
		"ID, or receipt reproduce ID");
	return BD_CLI_USAGE;
}
