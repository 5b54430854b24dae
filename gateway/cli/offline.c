#include "cli/offline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool bd_cli_read_file(struct bd_buf *out, const struct bd_cli_options *options, const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	enum bd_code code = BD_OK;
	char chunk[16384];
	size_t len;

	if (file == NULL) {
		fprintf(stderr, "bidui: %s: %s\n", path, strerror(errno));
		return false;
	}
	while (code == BD_OK && (len = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		code = bd_buf_add(out, (struct bd_bytes){ chunk, len });
	}
	if (ferror(file) != 0) {
		fprintf(stderr, "bidui: %s: %s\n", path, strerror(errno));
		code = BD_IO;
	} else if (code != BD_OK) {
		fprintf(stderr, "bidui: %s: %s\n", path,
			bd_cli_say(options, "文件过大", "the file is too large"));
	}
	if (file != stdin) {
		fclose(file);
	}
	return code == BD_OK;
}

enum bd_cli_exit bd_cli_read_keys(struct bd_trail_keys *out, const struct bd_cli_options *options)
{
	if (!options->is_key_given) {
		bd_cli_notice(options, "请用 --key 给出签名者的公钥文件",
			"give the signer's public key file with --key");
		return BD_CLI_USAGE;
	}
	return bd_cli_read_keys_of(out, options, options->key);
}

enum bd_cli_exit bd_cli_read_keys_of(
	struct bd_trail_keys *out, const struct bd_cli_options *options, const char *path)
{
	enum bd_cli_exit result = BD_CLI_CONFIGURATION;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_buf pem;

	bd_buf_init(&pem, BD_KEY_FILE_MAX_BYTES);
	if (!bd_cli_read_file(&pem, options, path)) {
		result = BD_CLI_CONFIGURATION;
	} else if (bd_trail_keys_read(out, bd_buf_bytes(&pem), &diag) != BD_OK) {
		bd_cli_tell(options, &diag, path);
	} else {
		result = BD_CLI_OK;
	}
	bd_buf_release(&pem);
	return result;
}

void bd_cli_tell(const struct bd_cli_options *options, const struct bd_diag *diag, const char *what)
{
	const struct bd_code_info *info = bd_code_info(diag->code);

	fprintf(stderr, "bidui: %s: %s (%s)\n", what, options->is_english ? info->en : info->zh,
		info->text);
	if (diag->path[0] != '\0') {
		fprintf(stderr, "  %s: %s\n", bd_cli_say(options, "位置", "at"), diag->path);
	}
	if (diag->detail[0] != '\0') {
		fprintf(stderr, "  %s\n", diag->detail);
	}
	fprintf(stderr, "  %s\n", options->is_english ? info->hint_en : info->hint_zh);
}
