#include "config/accounts.h"

#include "base/limits.h"
#include "config/lines.h"
#include "config/roles.h"

#include <string.h>
#include <sys/stat.h>

#define MACHINES (BD_SENDER_DEPARTMENT | BD_SENDER_ENGINE)
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static void wrong(
	struct bd_diags *diags, const struct bd_line *line, uint32_t column, const char *detail)
{
	bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number, column, "%s", detail);
}

static void set(struct bd_sender *person, const struct bd_line *line, struct bd_arena *arena,
	struct bd_diags *diags)
{
	static const char *const keys[] = { "roles", "password", "disabled" };
	struct bd_password *password;

	if (strcmp(line->key, "roles") == 0) {
		bd_roles_read(&person->roles, line, arena, diags);
		if ((person->roles & MACHINES) != 0) {
			wrong(diags, line, line->value_column,
				"people are no department and no engine: those are machines in "
				"senders_file");
		}
	} else if (strcmp(line->key, "password") == 0) {
		password = bd_arena_alloc(arena, 1, sizeof(*password));
		if (password == NULL || !bd_password_read(password, bd_bytes_of(line->value))) {
			wrong(diags, line, line->value_column,
				"password: as `bidui account passwd` writes it");
		}
		person->password = password;
	} else if (strcmp(line->key, "disabled") == 0) {
		person->is_disabled = true;
		if (strcmp(line->value, "yes") != 0) {
			wrong(diags, line, line->value_column, "disabled: 'yes' or not at all");
		}
	} else {
		bd_unknown(diags, line, line->key_column, "setting", line->key, keys,
			sizeof(keys) / sizeof(keys[0]));
	}
}

static void check(const struct bd_senders *all, const struct bd_line *head, struct bd_diags *diags)
{
	const struct bd_sender *person = &all->items[all->count - 1];

	if (person->roles == 0 || person->password == NULL) {
		bd_diags_add(diags, BD_CONFIG_MEANING, head->shown, head->number, head->key_column,
			"'%s' has no %s", person->name,
			person->roles == 0 ? "role" : "password: bidui account passwd");
	}
	if (strspn(person->name, NAME_CHARACTERS) != strlen(person->name) ||
		strlen(person->name) > BD_ACCOUNT_NAME_MAX_BYTES) {
		wrong(diags, head, head->key_column,
			"the name of an account has letters, digits and ._-, 64 at most");
	}
	for (size_t i = 0; i + 1 < all->count; i++) {
		if (strcmp(all->items[i].name, person->name) == 0) {
			bd_diags_add(diags, BD_CONFIG_MEANING, head->shown, head->number,
				head->key_column, "'%s' is already a sender or an account",
				person->name);
		}
	}
}

static void begin(struct bd_sender *person, const char *name)
{
	*person = (struct bd_sender){ .name = name,
		.is_person = true,
		.limits = { .requests_per_second = BD_SENDER_REQUESTS_PER_SECOND,
			.requests_burst = 2 * BD_SENDER_REQUESTS_PER_SECOND,
			.lines_per_second = BD_SENDER_LINES_PER_SECOND,
			.lines_burst = 2 * BD_SENDER_LINES_PER_SECOND,
			.subjects_per_hour = BD_SENDER_SUBJECTS_PER_HOUR,
			.subjects_per_day = BD_SENDER_SUBJECTS_PER_DAY,
			.values_per_day = BD_SENDER_VALUES_PER_DAY } };
}

/* Who can read the digests can try out passwords at leisure. */
static void check_mode(const char *path, struct bd_diags *diags)
{
	struct stat status;

	if (stat(path, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		bd_diags_add(diags, BD_CONFIG_MEANING, bd_diags_shown(path), 0, 0,
			"accounts_file can be read by others: chmod 600");
	}
}

enum bd_code bd_config_accounts(const struct bd_senders **out, const struct bd_senders *senders,
	const char *path, struct bd_arena *arena, struct bd_diags *diags)
{
	const struct bd_line *lines = NULL, *head = NULL;
	size_t count = 0;
	enum bd_code code = bd_lines_read(&lines, &count, path, arena, diags);
	struct bd_senders *all = bd_arena_alloc(arena, 1, sizeof(*all));
	struct bd_sender *items = bd_arena_alloc(arena, senders->count + count, sizeof(*items));

	if (code != BD_OK || all == NULL || items == NULL) {
		return code != BD_OK ? code
				     : bd_diags_add(diags, BD_NO_MEMORY, "", 0, 0, "no room");
	}
	check_mode(path, diags);
	if (senders->count > 0) {
		memcpy(items, senders->items, senders->count * sizeof(*items));
	}
	*all = (struct bd_senders){ items, senders->count };
	for (size_t i = 0; i < count; i++) {
		if (lines[i].section != NULL) {
			if (head != NULL) {
				check(all, head, diags);
			}
			head = &lines[i];
			begin(&items[all->count++], head->section);
		} else if (head == NULL) {
			wrong(diags, &lines[i], lines[i].key_column,
				"expected first: [name of an account]");
		} else {
			set(&items[all->count - 1], &lines[i], arena, diags);
		}
	}
	if (head != NULL) {
		check(all, head, diags);
	}
	if (all->count - senders->count > BD_ACCOUNTS_MAX) {
		bd_diags_add(diags, BD_LIMIT_COUNT, "accounts_file", 0, 0, "more than %d accounts",
			BD_ACCOUNTS_MAX);
	}
	code = bd_diags_code(diags);
	if (code == BD_OK) {
		*out = all;
	}
	return code;
}
