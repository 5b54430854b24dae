/* key.c - bidui init and bidui key: the master key made, kept in shares, recovered; its epochs
 * added, watched and let go of. All of it offline but `show`. */
#include "base/digest.h"
#include "cli/answer.h"
#include "cli/offline.h"
#include "cli/shares.h"
#include "config/master_key.h"
#include "store/reseal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ARENA_MAX_BYTES 1048576
#define FOLLOW_MS 500

/* What a command works on. */
struct keeper {
	const struct bd_cli_options *options;
	struct bd_arena arena;
	const struct bd_settings *settings;
	struct bd_keys *keys;
	struct bd_diag diag;
};

static enum bd_cli_exit fail(const struct keeper *keeper)
{
	bd_cli_tell(keeper->options, &keeper->diag,
		keeper->options->config != NULL ? keeper->options->config : "bidui key");
	return BD_CLI_CONFIGURATION;
}

/* The settings, and the keys where there are some. */
static enum bd_cli_exit open_keeper(
	struct keeper *keeper, const struct bd_cli_options *options, bool has_keys)
{
	enum bd_cli_exit result;

	*keeper = (struct keeper){ .options = options };
	bd_arena_init(&keeper->arena, ARENA_MAX_BYTES);
	result = bd_cli_settings(&keeper->settings, options, &keeper->arena);
	if (result != BD_CLI_OK) {
		return result;
	}
	if (!has_keys) {
		return bd_keys_new(&keeper->keys) == BD_OK ? BD_CLI_OK : BD_CLI_USAGE;
	}
	return bd_master_key_read(&keeper->keys, keeper->settings, &keeper->diag) == BD_OK
		       ? BD_CLI_OK
		       : fail(keeper);
}

static void close_keeper(struct keeper *keeper)
{
	bd_keys_free(keeper->keys);
	bd_arena_release(&keeper->arena);
}

static const struct bd_key *newest(const struct keeper *keeper)
{
	return &keeper->keys->items[keeper->keys->count - 1];
}

/* Into the file; a credential's or a command's goes to standard output, for whoever keeps it. */
static enum bd_cli_exit keep(struct keeper *keeper, bool is_new)
{
	const char *path = keeper->settings->master_key_file;
	struct bd_buf text;
	enum bd_code code;

	if (path != NULL) {
		return bd_master_key_write_file(path, keeper->keys, is_new, &keeper->diag) == BD_OK
			       ? BD_CLI_OK
			       : fail(keeper);
	}
	bd_buf_init(&text, BD_KEYS_TEXT_MAX_BYTES);
	code = bd_keys_write(&text, keeper->keys);
	if (code == BD_OK) {
		fwrite(text.ptr, 1, text.len, stdout);
		bd_cli_notice(keeper->options, "密钥文本已写到标准输出，请存入凭据或命令所取之处",
			"the text of the keys went to standard output: keep it where the "
			"credential "
			"or the command takes it from");
	}
	bd_buf_wipe(&text);
	return code == BD_OK ? BD_CLI_OK : BD_CLI_USAGE;
}

/* Two secrets on one standard output would be one text. */
static bool has_place_for_shares(const struct keeper *keeper)
{
	if (keeper->settings->master_key_file != NULL || keeper->options->shares == NULL ||
		keeper->options->to != NULL) {
		return true;
	}
	bd_cli_notice(
		keeper->options, "请以 --to 指定份额的目录", "give --to, a folder for the shares");
	return false;
}

/* -- init -- */

static enum bd_cli_exit make_folder(struct keeper *keeper)
{
	const char *folder = keeper->settings->data_folder;
	struct stat status;

	if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
		bd_fail(&keeper->diag, BD_IO, "data_folder: %s", strerror(errno));
		return fail(keeper);
	}
	if (stat(folder, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		bd_fail(&keeper->diag, BD_CONFIG_MEANING,
			"data_folder can be read by others: chmod 700 it");
		return fail(keeper);
	}
	return BD_CLI_OK;
}

static enum bd_cli_exit init(struct keeper *keeper)
{
	enum bd_cli_exit result = make_folder(keeper);

	if (result != BD_CLI_OK || !has_place_for_shares(keeper)) {
		return result != BD_CLI_OK ? result : BD_CLI_USAGE;
	}
	if (bd_keys_add_new(keeper->keys) != BD_OK) {
		return BD_CLI_USAGE;
	}
	/* Shares first: a key that nobody could recover is not used. */
	result = bd_cli_shares_give(keeper->options, newest(keeper));
	result = result == BD_CLI_OK ? keep(keeper, true) : result;
	if (result == BD_CLI_OK) {
		bd_cli_notice(keeper->options, "已建立数据目录与主密钥（轮次 1）",
			"made the data folder and the master key (epoch 1)");
	}
	if (result == BD_CLI_OK && keeper->options->shares == NULL) {
		bd_cli_notice(keeper->options,
			"未托管主密钥：密钥丢失则数据无法恢复；可用 bidui key split 补办",
			"the key is in no escrow: if it is lost the data are; bidui key split "
			"makes up "
			"for it");
	}
	return result;
}

enum bd_cli_exit bd_cli_init(const struct bd_cli_options *options)
{
	struct keeper keeper;
	enum bd_cli_exit result = open_keeper(&keeper, options, false);

	result = result == BD_CLI_OK ? init(&keeper) : result;
	close_keeper(&keeper);
	return result;
}

/* -- key -- */

static enum bd_cli_exit split(const struct bd_cli_options *options)
{
	struct keeper keeper;
	enum bd_cli_exit result;

	if (options->shares == NULL) {
		bd_cli_notice(options, "请给出 --shares 如 3/5", "give --shares, like 3/5");
		return BD_CLI_USAGE;
	}
	result = open_keeper(&keeper, options, true);
	result = result == BD_CLI_OK ? bd_cli_shares_give(options, newest(&keeper)) : result;
	close_keeper(&keeper);
	return result;
}

static enum bd_cli_exit rotate_keys(struct keeper *keeper)
{
	enum bd_cli_exit result;

	if (!has_place_for_shares(keeper)) {
		return BD_CLI_USAGE;
	}
	if (bd_keys_add_new(keeper->keys) != BD_OK) {
		bd_fail(&keeper->diag, BD_KEY_NEEDED, "%d epochs are kept: drop one that is over",
			BD_EPOCHS_MAX);
		return fail(keeper);
	}
	result = bd_cli_shares_give(keeper->options, newest(keeper));
	result = result == BD_CLI_OK ? keep(keeper, false) : result;
	if (result == BD_CLI_OK) {
		fprintf(stderr, "bidui: %s %u%s\n",
			bd_cli_say(keeper->options, "已增加轮次", "added epoch"),
			newest(keeper)->epoch,
			bd_cli_say(keeper->options,
				"；请让 biduid 重新读取配置（systemctl reload biduid），再以 bidui "
				"key "
				"show --follow 查看进度",
				"; now have biduid read it (systemctl reload biduid) and follow it "
				"with "
				"bidui key show --follow"));
	}
	return result;
}

static enum bd_cli_exit rotate(const struct bd_cli_options *options)
{
	struct keeper keeper;
	enum bd_cli_exit result = open_keeper(&keeper, options, true);

	result = result == BD_CLI_OK ? rotate_keys(&keeper) : result;
	close_keeper(&keeper);
	return result;
}

/* -- drop -- */

static bool is_among(const uint16_t *epochs, size_t count, unsigned long epoch)
{
	for (size_t i = 0; i < count; i++) {
		if (epochs[i] == epoch) {
			return true;
		}
	}
	return false;
}

static enum bd_cli_exit drop_epoch(struct keeper *keeper, unsigned long epoch)
{
	uint16_t needed[BD_EPOCHS_MAX];
	struct bd_keys *keys = keeper->keys;
	size_t count = 0, kept = 0;

	if (bd_store_needed(needed, &count, keeper->settings->data_folder, &keeper->diag) !=
		BD_OK) {
		return fail(keeper);
	}
	if (epoch > UINT16_MAX || bd_keys_find(keys, (uint16_t)epoch) == NULL) {
		bd_fail(&keeper->diag, BD_CONFIG_REFERENCE, "no epoch %lu among the keys", epoch);
		return fail(keeper);
	}
	if (is_among(needed, count, epoch) || newest(keeper)->epoch == epoch) {
		bd_fail(&keeper->diag, BD_KEY_NEEDED, "epoch %lu", epoch);
		return fail(keeper);
	}
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->items[i].epoch != epoch) {
			keys->items[kept++] = keys->items[i];
		}
	}
	bd_wipe(&keys->items[kept], sizeof(keys->items[kept]));
	keys->count = kept;
	return keep(keeper, false);
}

static enum bd_cli_exit drop(const struct bd_cli_options *options, const char *text)
{
	struct keeper keeper;
	char *end = NULL;
	unsigned long epoch = strtoul(text, &end, 10);
	enum bd_cli_exit result;

	if (*end != '\0' || epoch == 0) {
		bd_cli_notice(options, "请给出轮次号", "give the number of an epoch");
		return BD_CLI_USAGE;
	}
	result = open_keeper(&keeper, options, true);
	result = result == BD_CLI_OK ? drop_epoch(&keeper, epoch) : result;
	if (result == BD_CLI_OK) {
		bd_cli_notice(options, "已删除该轮次的密钥；其份额与副本请一并销毁",
			"the key of this epoch is gone; destroy its shares and copies too");
	}
	close_keeper(&keeper);
	return result;
}

/* -- recover -- */

/* Into its place among those that are there. */
static enum bd_code insert(struct bd_keys *keys, const struct bd_key *key)
{
	size_t at = keys->count;

	if (keys->count == BD_EPOCHS_MAX) {
		return BD_LIMIT_COUNT;
	}
	while (at > 0 && keys->items[at - 1].epoch > key->epoch) {
		keys->items[at] = keys->items[at - 1];
		at--;
	}
	keys->items[at] = *key;
	keys->count++;
	return BD_OK;
}

static enum bd_cli_exit check_with_store(struct keeper *keeper, const struct bd_key *key)
{
	bool is_needed = false;
	enum bd_code code =
		bd_store_check_key(&is_needed, keeper->settings->data_folder, key, &keeper->diag);

	if (code == BD_OK) {
		bd_cli_notice(keeper->options,
			is_needed ? "密钥已还原，与存储核对一致"
				  : "密钥已还原；存储已不需要该轮次，无从核对",
			is_needed ? "the key is recovered, and is the store's"
				  : "the key is recovered; the store does not need its epoch, and "
				    "cannot say more");
		return BD_CLI_OK;
	}
	if (code == BD_STORE_FAILED) {
		bd_cli_notice(keeper->options, "密钥已还原；没有可供核对的存储",
			"the key is recovered; there is no store to check it by");
		return BD_CLI_OK;
	}
	return fail(keeper);
}

static enum bd_cli_exit recover_into(struct keeper *keeper, const struct bd_key *key)
{
	const char *path = keeper->settings->master_key_file;
	enum bd_cli_exit result = check_with_store(keeper, key);
	const struct bd_key *there;
	bool is_new = path == NULL || access(path, F_OK) != 0;

	if (result != BD_CLI_OK) {
		return result;
	}
	if (!is_new) {
		bd_keys_free(keeper->keys);
		keeper->keys = NULL;
		if (bd_master_key_read_file(&keeper->keys, path, &keeper->diag) != BD_OK) {
			return fail(keeper);
		}
	}
	there = bd_keys_find(keeper->keys, key->epoch);
	if (there != NULL) {
		bool is_same = bd_equal_secret(there->bytes, key->bytes, sizeof(key->bytes));

		bd_cli_notice(keeper->options,
			is_same ? "密钥文件已有该密钥，未改动"
				: "密钥文件中该轮次是另一密钥，未改动",
			is_same ? "the key file has it already; nothing was changed"
				: "the key file has another key of this epoch; nothing was "
				  "changed");
		return is_same ? BD_CLI_OK : BD_CLI_CONFIGURATION;
	}
	return insert(keeper->keys, key) == BD_OK ? keep(keeper, is_new) : BD_CLI_CONFIGURATION;
}

static enum bd_cli_exit recover(const struct bd_cli_options *options)
{
	struct keeper keeper;
	struct bd_key key;
	enum bd_cli_exit result = open_keeper(&keeper, options, false);

	result = result == BD_CLI_OK ? bd_cli_shares_take(&key, options, options->args + 1,
					       (size_t)options->arg_count - 1)
				     : result;
	result = result == BD_CLI_OK ? recover_into(&keeper, &key) : result;
	bd_wipe(&key, sizeof(key));
	close_keeper(&keeper);
	return result;
}

/* -- show -- */

static bool is_over(const struct bd_json *answer)
{
	return bd_json_get(bd_json_get(answer, "keys"), "resealing") == NULL;
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	(void)arena;
	bd_cli_show_keys(options, bd_json_get(answer, "keys"));
}

/* With --follow until nothing is sealed otherwise any more. */
static enum bd_cli_exit follow(const struct bd_cli_options *options)
{
	static const struct bd_cli_view view = { is_over, show };
	const struct timespec wait = { 0, FOLLOW_MS * 1000000L };
	enum bd_cli_exit result;

	for (;;) {
		struct bd_cli_request request = { .method = "GET", .path = "/v1/status" };

		result = bd_cli_ask(options, &request, &view);
		fflush(stdout);
		if (!options->is_following || result != BD_CLI_NEGATIVE) {
			return result;
		}
		nanosleep(&wait, NULL);
	}
}

enum bd_cli_exit bd_cli_key(const struct bd_cli_options *options)
{
	static const struct {
		const char *name;
		enum bd_cli_exit (*run)(const struct bd_cli_options *options);
		int min_args, max_args; /* after the name */
	} rows[] = { { "show", follow, 0, 0 }, { "rotate", rotate, 0, 0 }, { "split", split, 0, 0 },
		{ "recover", recover, 1, BD_SHARES_MAX } };
	const char *names[] = { "show", "rotate", "split", "recover", "drop" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(options->args[0], rows[i].name) == 0 &&
			options->arg_count - 1 >= rows[i].min_args &&
			options->arg_count - 1 <= rows[i].max_args) {
			return rows[i].run(options);
		}
	}
	if (strcmp(options->args[0], "drop") == 0 && options->arg_count == 2) {
		return drop(options, options->args[1]);
	}
	bd_cli_unknown(options, "没有这个子命令，或参数不符",
		"no such subcommand, or not its arguments", options->args[0], names,
		sizeof(names) / sizeof(names[0]));
	return BD_CLI_USAGE;
}
