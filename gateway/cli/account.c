/* account.c - bidui account: the file of people's accounts, and who one is to the gateway.
 *
 * The file is changed whole: written beside itself, synced, and put in its place, readable by its
 * owner alone; who reads it meanwhile has the old one. The gateway takes it at the next reload.
 */
#include "base/arena.h"
#include "cli/answer.h"
#include "cli/secret.h"
#include "config/accounts.h"
#include "config/file.h"
#include "config/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX_BYTES 1048576
#define ARENA_MAX_BYTES 16777216

/* The file, its text, and in it the section of one account. */
struct accounts {
	const struct bd_cli_options *options;
	struct bd_arena arena;
	struct bd_buf text, made;
	size_t begin, end; /* of the section; both the length where there is none */
	bool is_found;
};

static void find(struct accounts *accounts, const char *name)
{
	struct bd_bytes text = bd_buf_bytes(&accounts->text);
	size_t name_len = strlen(name);

	accounts->begin = accounts->end = text.len;
	accounts->is_found = false;
	for (size_t at = 0; at < text.len;) {
		const char *end = memchr(text.ptr + at, '\n', text.len - at);
		size_t len = (end == NULL ? text.len : (size_t)(end - text.ptr) + 1) - at;
		const char *line = text.ptr + at;

		if (line[0] == '[' && accounts->is_found) {
			accounts->end = at;
			return;
		}
		if (len >= name_len + 2 && line[0] == '[' &&
			memcmp(line + 1, name, name_len) == 0 && line[name_len + 1] == ']') {
			accounts->is_found = true;
			accounts->begin = at;
		}
		at += len;
	}
}

static bool open_accounts(struct accounts *accounts, const struct bd_cli_options *options)
{
	struct bd_bytes text = { NULL, 0 };
	enum bd_code code = BD_OK;

	*accounts = (struct accounts){ .options = options };
	bd_arena_init(&accounts->arena, ARENA_MAX_BYTES);
	bd_buf_init(&accounts->text, TEXT_MAX_BYTES);
	bd_buf_init(&accounts->made, TEXT_MAX_BYTES);
	if (options->accounts == NULL) {
		bd_cli_notice(options, "请以 --accounts 或 BIDUI_ACCOUNTS 给出账号文件",
			"name the file of accounts: --accounts or BIDUI_ACCOUNTS");
		return false;
	}
	if (access(options->accounts, F_OK) == 0) {
		code = bd_file_read(&text, options->accounts, &accounts->arena);
		code = code == BD_OK ? bd_buf_add(&accounts->text, text) : code;
	}
	if (code != BD_OK) {
		fprintf(stderr, "bidui: %s: %s\n", options->accounts,
			bd_cli_say(options, "无法读取", "cannot be read"));
	}
	return code == BD_OK;
}

static void close_accounts(struct accounts *accounts)
{
	bd_buf_release(&accounts->text);
	bd_buf_release(&accounts->made);
	bd_arena_release(&accounts->arena);
}

static bool write_all(int fd, struct bd_bytes text)
{
	while (text.len > 0) {
		ssize_t done = write(fd, text.ptr, text.len);

		if (done < 0) {
			return false;
		}
		text.ptr += done;
		text.len -= (size_t)done;
	}
	return fsync(fd) == 0;
}

/* What would not be read is not written. */
static bool is_valid(struct accounts *accounts, const char *path)
{
	const struct bd_senders none = { NULL, 0 }, *all = NULL;
	struct bd_diags diags = { .count = 0 };

	if (bd_config_accounts(&all, &none, path, &accounts->arena, &diags) == BD_OK) {
		return true;
	}
	bd_cli_show_errors(&diags);
	return false;
}

static enum bd_cli_exit save(struct accounts *accounts)
{
	const struct bd_cli_options *options = accounts->options;
	char draft[4096];
	enum bd_cli_exit result = BD_CLI_USAGE;
	int fd;

	snprintf(draft, sizeof(draft), "%s.new", options->accounts);
	unlink(draft);
	fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || !write_all(fd, bd_buf_bytes(&accounts->made))) {
		fprintf(stderr, "bidui: %s: %s\n", draft, strerror(errno));
	} else if (!is_valid(accounts, draft)) {
		result = BD_CLI_CONFIGURATION;
	} else if (rename(draft, options->accounts) != 0) {
		fprintf(stderr, "bidui: %s: %s\n", options->accounts, strerror(errno));
	} else {
		bd_cli_notice(options, "已写入；网关重新加载（SIGHUP）后生效",
			"written; in force when the gateway has read it again (SIGHUP)");
		result = BD_CLI_OK;
	}
	if (fd >= 0) {
		close(fd);
	}
	if (result != BD_CLI_OK) {
		unlink(draft);
	}
	return result;
}

/* The file with the section in the place of the one there was. */
static enum bd_cli_exit replace(struct accounts *accounts, struct bd_bytes section)
{
	struct bd_bytes text = bd_buf_bytes(&accounts->text);
	struct bd_bytes before = { text.ptr, accounts->begin };
	struct bd_bytes after = { text.ptr == NULL ? NULL : text.ptr + accounts->end,
		text.len - accounts->end };
	enum bd_code code = bd_buf_add(&accounts->made, before);

	if (code == BD_OK && before.len > 0 && before.ptr[before.len - 1] != '\n') {
		code = bd_buf_add_byte(&accounts->made, '\n');
	}
	code = code == BD_OK ? bd_buf_add(&accounts->made, section) : code;
	code = code == BD_OK ? bd_buf_add(&accounts->made, after) : code;
	return code == BD_OK ? save(accounts) : BD_CLI_USAGE;
}

static bool hash_password(char out[BD_PASSWORD_TEXT_BYTES], const struct bd_cli_options *options)
{
	struct bd_password kept;
	struct bd_buf password;
	bool is_good;

	bd_buf_init(&password, BD_PASSWORD_MAX_BYTES);
	is_good = bd_cli_password(&password, options, true) &&
		  bd_password_make(&kept, bd_buf_bytes(&password)) == BD_OK &&
		  bd_password_write(out, &kept) == BD_OK;
	bd_buf_wipe(&password);
	return is_good;
}

/* The section's lines but those of one key, and a line more. */
static enum bd_cli_exit change_line(struct accounts *accounts, const char *key, const char *value)
{
	struct bd_bytes text = { accounts->text.ptr + accounts->begin,
		accounts->end - accounts->begin };
	struct bd_buf section;
	size_t key_len = strlen(key), blank = 0;
	enum bd_code code = BD_OK;
	enum bd_cli_exit result;

	bd_buf_init(&section, TEXT_MAX_BYTES);
	for (size_t at = 0; at < text.len && code == BD_OK;) {
		const char *end = memchr(text.ptr + at, '\n', text.len - at);
		size_t len = (end == NULL ? text.len : (size_t)(end - text.ptr) + 1) - at;
		const char *line = text.ptr + at;
		bool is_key = len > key_len && memcmp(line, key, key_len) == 0 &&
			      strchr(" \t=", line[key_len]) != NULL;

		if (len == 1) {
			blank++;
		} else if (!is_key) {
			code = bd_buf_add(&section, (struct bd_bytes){ line, len });
		}
		at += len;
	}
	if (code == BD_OK && section.len > 0 && section.ptr[section.len - 1] != '\n') {
		code = bd_buf_add_byte(&section, '\n');
	}
	if (code == BD_OK && value != NULL) {
		code = bd_buf_printf(&section, "%s = %s\n", key, value);
	}
	code = code == BD_OK && blank > 0 ? bd_buf_add_byte(&section, '\n') : code;
	result = code == BD_OK ? replace(accounts, bd_buf_bytes(&section)) : BD_CLI_USAGE;
	bd_buf_release(&section);
	return result;
}

static enum bd_cli_exit tell_missing(const struct accounts *accounts, bool is_there)
{
	bd_cli_notice(accounts->options, is_there ? "已有这个账号" : "没有这个账号",
		is_there ? "there is such an account" : "no such account");
	return BD_CLI_USAGE;
}

static enum bd_cli_exit add(struct accounts *accounts, const char *name)
{
	char hash[BD_PASSWORD_TEXT_BYTES];
	struct bd_buf section;
	enum bd_cli_exit result = BD_CLI_USAGE;

	if (accounts->is_found) {
		return tell_missing(accounts, true);
	}
	if (accounts->options->roles == NULL) {
		bd_cli_notice(
			accounts->options, "请以 --roles 给出角色", "name its roles: --roles");
		return BD_CLI_USAGE;
	}
	bd_buf_init(&section, TEXT_MAX_BYTES);
	if (hash_password(hash, accounts->options) &&
		bd_buf_printf(&section, "%s[%s]\nroles = %s\npassword = %s\n",
			accounts->text.len > 0 ? "\n" : "", name, accounts->options->roles,
			hash) == BD_OK) {
		result = replace(accounts, bd_buf_bytes(&section));
	}
	bd_buf_release(&section);
	return result;
}

static enum bd_cli_exit change_password(struct accounts *accounts)
{
	char hash[BD_PASSWORD_TEXT_BYTES];

	return hash_password(hash, accounts->options) ? change_line(accounts, "password", hash)
						      : BD_CLI_USAGE;
}

static void put_roles(uint32_t roles)
{
	const char *name, *between = "";
	uint32_t role = 0;

	for (size_t i = 0; (name = bd_role_name(&role, i)) != NULL; i++) {
		if ((roles & role) != 0) {
			printf("%s%s", between, name);
			between = " ";
		}
	}
}

static enum bd_cli_exit list(struct accounts *accounts)
{
	const struct bd_senders none = { NULL, 0 }, *all = NULL;
	struct bd_diags diags = { .count = 0 };

	if (bd_config_accounts(
		    &all, &none, accounts->options->accounts, &accounts->arena, &diags) != BD_OK) {
		bd_cli_show_errors(&diags);
		return BD_CLI_CONFIGURATION;
	}
	for (size_t i = 0; i < all->count; i++) {
		const struct bd_sender *person = &all->items[i];

		printf("%s\t", person->name);
		put_roles(person->roles);
		printf("%s\n", person->is_disabled
				       ? bd_cli_say(accounts->options, "\t已停用", "\tdisabled")
				       : "");
	}
	return BD_CLI_OK;
}

static enum bd_cli_exit change(struct accounts *accounts, const char *verb, const char *name)
{
	find(accounts, name);
	if (strcmp(verb, "add") == 0) {
		return add(accounts, name);
	}
	if (!accounts->is_found) {
		return tell_missing(accounts, false);
	}
	if (strcmp(verb, "passwd") == 0) {
		return change_password(accounts);
	}
	return change_line(accounts, "disabled", strcmp(verb, "disable") == 0 ? "yes" : NULL);
}

static bool is_always_good(const struct bd_json *answer)
{
	(void)answer;
	return true;
}

static enum bd_cli_exit show(const struct bd_cli_options *options)
{
	static const struct bd_cli_view view = { is_always_good, bd_cli_show_any };
	const struct bd_cli_request request = { .method = "GET", .path = "/v1/account" };

	return bd_cli_ask(options, &request, &view);
}

enum bd_cli_exit bd_cli_account(const struct bd_cli_options *options)
{
	static const char *const verbs[] = { "add", "disable", "enable", "list", "passwd", "show" };
	const char *verb = options->args[0];
	bool is_of_one = false, is_known = false;
	struct accounts accounts;
	enum bd_cli_exit result = BD_CLI_USAGE;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		is_known = is_known || strcmp(verbs[i], verb) == 0;
	}
	is_of_one = is_known && strcmp(verb, "list") != 0 && strcmp(verb, "show") != 0;
	if (!is_known) {
		bd_cli_unknown(options, "没有这个子命令", "no such command of account", verb, verbs,
			sizeof(verbs) / sizeof(verbs[0]));
		return BD_CLI_USAGE;
	}
	if (options->arg_count != (is_of_one ? 2 : 1)) {
		bd_cli_notice(options, "请给出一个账号名", "name one account");
		return BD_CLI_USAGE;
	}
	if (strcmp(verb, "show") == 0) {
		return show(options);
	}
	if (open_accounts(&accounts, options)) {
		result = is_of_one ? change(&accounts, verb, options->args[1]) : list(&accounts);
	}
	close_accounts(&accounts);
	return result;
}
