#include "cli/shares.h"

#include "base/digest.h"
#include "base/locked.h"
#include "cli/answer.h"
#include "cli/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum bd_cli_exit bd_cli_settings(const struct bd_settings **out,
	const struct bd_cli_options *options, struct bd_arena *arena)
{
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	enum bd_cli_exit result = BD_CLI_OK;

	/* What follows may hold the key. */
	bd_locked_open();
	if (options->config == NULL || diags == NULL) {
		free(diags);
		bd_cli_notice(
			options, "请给出 --config 设置文件", "give --config, the settings file");
		return BD_CLI_USAGE;
	}
	if (bd_config_settings(out, options->config, arena, diags) != BD_OK) {
		bd_cli_show_errors(diags);
		result = BD_CLI_CONFIGURATION;
	}
	free(diags);
	return result;
}

/* -- giving -- */

static bool read_numbers(uint8_t *needed, uint8_t *of, const char *text)
{
	unsigned m = 0, n = 0;
	char rest;

	if (sscanf(text, "%2u/%2u%c", &m, &n, &rest) != 2) {
		return false;
	}
	*needed = (uint8_t)m;
	*of = (uint8_t)n;
	return true;
}

/* With remarks that a keeper reads years later. */
static enum bd_code write_text(struct bd_buf *out, const struct bd_share *share)
{
	enum bd_code code = bd_buf_printf(out,
		"bidui 主密钥份额 share of a master key\n"
		"第 %u 份，共 %u 份；任意 %u 份可恢复密钥  share %u of %u; any %u give the key\n"
		"轮次 epoch %u  批次 set %02x%02x%02x%02x\n"
		"请单独保管，切勿与其他份额放在一处  Keep it apart from the others.\n"
		"恢复 to recover: bidui key recover 份额文件 SHARE...\n\n",
		share->number, share->of, share->needed, share->number, share->of, share->needed,
		share->epoch, share->set[0], share->set[1], share->set[2], share->set[3]);

	return code == BD_OK ? bd_share_write(out, share) : code;
}

static bool write_file(
	const struct bd_cli_options *options, const struct bd_share *share, struct bd_bytes text)
{
	char path[4096];
	bool is_good;
	int fd;

	snprintf(path, sizeof(path), "%s/share-%u-of-%u-epoch-%u.txt", options->to, share->number,
		share->of, share->epoch);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	is_good = fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
	if (fd >= 0) {
		is_good = close(fd) == 0 && is_good;
	}
	fprintf(stderr, "bidui: %s: %s\n", path,
		is_good ? bd_cli_say(options, "已写入", "written") : strerror(errno));
	return is_good;
}

static bool give(const struct bd_cli_options *options, const struct bd_share *share)
{
	struct bd_buf text;
	bool is_good;

	bd_buf_init(&text, BD_SHARE_TEXT_MAX_BYTES);
	is_good = write_text(&text, share) == BD_OK;
	if (is_good && options->to != NULL) {
		is_good = write_file(options, share, bd_buf_bytes(&text));
	} else if (is_good) {
		printf("%.*s\n", (int)text.len, text.ptr);
	}
	bd_buf_wipe(&text);
	return is_good;
}

enum bd_cli_exit bd_cli_shares_give(const struct bd_cli_options *options, const struct bd_key *key)
{
	struct bd_share shares[BD_SHARES_MAX];
	struct bd_diag diag = { .code = BD_OK };
	enum bd_cli_exit result = BD_CLI_OK;
	uint8_t needed = 0, of = 0;

	if (options->shares == NULL) {
		return BD_CLI_OK;
	}
	if (!read_numbers(&needed, &of, options->shares)) {
		of = 0;
	}
	if (options->to != NULL && mkdir(options->to, 0700) != 0 && errno != EEXIST) {
		fprintf(stderr, "bidui: %s: %s\n", options->to, strerror(errno));
		return BD_CLI_USAGE;
	}
	if (bd_shares_make(shares, key, needed, of, &diag) != BD_OK) {
		bd_cli_tell(options, &diag, "--shares");
		return BD_CLI_USAGE;
	}
	for (size_t i = 0; i < of && result == BD_CLI_OK; i++) {
		result = give(options, &shares[i]) ? BD_CLI_OK : BD_CLI_USAGE;
	}
	bd_wipe(shares, sizeof(shares));
	return result;
}

/* -- taking -- */

static enum bd_cli_exit read_share(
	struct bd_share *out, const struct bd_cli_options *options, const char *path)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_cli_exit result = BD_CLI_OK;
	struct bd_buf text;

	bd_buf_init(&text, BD_SHARE_TEXT_MAX_BYTES);
	if (!bd_cli_read_file(&text, options, path)) {
		result = BD_CLI_USAGE;
	} else if (bd_share_read(out, bd_buf_bytes(&text), &diag) != BD_OK) {
		bd_cli_tell(options, &diag, path);
		result = BD_CLI_CONFIGURATION;
	}
	bd_buf_wipe(&text);
	return result;
}

static void name_wrong(
	const struct bd_cli_options *options, uint32_t wrong, char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if ((wrong >> i & 1) != 0) {
			fprintf(stderr, "bidui: %s: %s\n", paths[i],
				bd_cli_say(options, "此份额与其他份额不符，未使用",
					"this share does not agree with the others; it was not "
					"used"));
		}
	}
}

enum bd_cli_exit bd_cli_shares_take(
	struct bd_key *out, const struct bd_cli_options *options, char *const *paths, size_t count)
{
	struct bd_share shares[BD_SHARES_MAX] = { { .needed = 0 } };
	struct bd_diag diag = { .code = BD_OK };
	enum bd_cli_exit result = BD_CLI_OK;
	uint32_t wrong = 0;

	if (count > BD_SHARES_MAX) {
		bd_cli_notice(options, "份额过多", "too many shares");
		return BD_CLI_USAGE;
	}
	/* All are read, so that all that are mistyped are named at once. */
	for (size_t i = 0; i < count; i++) {
		enum bd_cli_exit one = read_share(&shares[i], options, paths[i]);

		result = one != BD_CLI_OK ? one : result;
	}
	if (result == BD_CLI_OK && bd_shares_join(out, &wrong, shares, count, &diag) != BD_OK) {
		bd_cli_tell(options, &diag, "key recover");
		result = BD_CLI_CONFIGURATION;
	}
	name_wrong(options, wrong, paths, count);
	bd_wipe(shares, sizeof(shares));
	return result;
}
