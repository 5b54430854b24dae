#include "config/lines.h"
#include "config/settings.h"

#include <string.h>

static const char *const keys[] = { "certificate_name", "certificate_serial", "spki_pin",
	"loopback", "roles", "sources", "webhook_url", "webhook_key_file", "webhook_ca_file" };
static const struct {
	const char *name;
	enum bd_sender_role role;
} roles[] = { { "department", BD_SENDER_DEPARTMENT }, { "engine", BD_SENDER_ENGINE },
	{ "operator", BD_SENDER_OPERATOR } };

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define BLANKS " \t,"

static void unknown(struct bd_diags *diags, const struct bd_line *line, uint32_t column,
	const char *what, const char *name, const char *const *names, size_t count)
{
	const char *near = bd_nearest(name, names, count);
	bd_diags_add(diags, BD_CONFIG_REFERENCE, line->shown, line->number, column,
		"no %s '%s'%s%s%s", what, name, near == NULL ? "" : "; did you mean '",
		near == NULL ? "" : near, near == NULL ? "" : "'?");
}

/* Words of a list between blanks or commas. */
static const char *const *split(size_t *count, const char *text, struct bd_arena *arena)
{
	const char **words = bd_arena_alloc(arena, strlen(text) / 2 + 1, sizeof(*words));
	*count = 0;
	for (text += strspn(text, BLANKS); words != NULL && *text != '\0';
		text += strspn(text, BLANKS)) {
		size_t len = strcspn(text, BLANKS);
		words[*count] = bd_arena_text(arena, (struct bd_bytes){ text, len });
		if (words[*count] == NULL) {
			return NULL;
		}
		(*count)++;
		text += len;
	}
	return words;
}

static void set_roles(struct bd_sender *sender, const struct bd_line *line, struct bd_arena *arena,
	struct bd_diags *diags)
{
	const char *names[COUNT(roles)];
	for (size_t i = 0; i < COUNT(roles); i++) {
		names[i] = roles[i].name;
	}
	size_t count = 0;
	const char *const *words = split(&count, line->value, arena);
	for (size_t w = 0; words != NULL && w < count; w++) {
		size_t i = 0;
		while (i < COUNT(roles) && strcmp(names[i], words[w]) != 0) {
			i++;
		}
		if (i == COUNT(roles)) {
			unknown(diags, line, line->value_column, "role", words[w], names, i);
		} else {
			sender->roles |= roles[i].role;
		}
	}
}

static void check_hex(
	const struct bd_line *line, const char *digits, size_t len, struct bd_diags *diags)
{
	size_t have = strlen(line->value);
	if (have == 0 || strspn(line->value, digits) != have || (len != 0 && have != len)) {
		bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number,
			line->value_column, "%s: not of the form '%s'%s", line->key, digits,
			len == 64 ? ", 64 of them" : "");
	}
}

/* https, or plain to this machine. */
static void check_url(const struct bd_line *line, struct bd_diags *diags)
{
	static const char *const begins[] = { "https://", "http://127.", "http://[::1]",
		"http://localhost:", "http://localhost/" };
	bool is_good = false;
	for (size_t i = 0; i < COUNT(begins); i++) {
		is_good |= strncmp(line->value, begins[i], strlen(begins[i])) == 0 &&
			   line->value[strlen(begins[i])] != '\0';
	}
	if (!is_good || strpbrk(line->value, " \t\"<>\\@") != NULL) {
		bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number,
			line->value_column,
			"webhook_url: https://..., or http:// to this machine, without a user");
	}
}

static void set(struct bd_sender *sender, const struct bd_line *line, const char *path,
	struct bd_arena *arena, struct bd_diags *diags)
{
	if (strcmp(line->key, "certificate_name") == 0) {
		sender->certificate_name = line->value;
	} else if (strcmp(line->key, "certificate_serial") == 0) {
		check_hex(line, "0123456789ABCDEF", 0, diags);
		sender->certificate_serial = line->value;
	} else if (strcmp(line->key, "spki_pin") == 0) {
		check_hex(line, "0123456789abcdef", 64, diags);
		sender->spki_pin = line->value;
	} else if (strcmp(line->key, "loopback") == 0) {
		if (strcmp(line->value, "yes") != 0) {
			bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number,
				line->value_column, "loopback: 'yes' or not at all");
		}
		sender->is_loopback = true;
	} else if (strcmp(line->key, "roles") == 0) {
		set_roles(sender, line, arena, diags);
	} else if (strcmp(line->key, "sources") == 0) {
		sender->sources = split(&sender->source_count, line->value, arena);
	} else if (strcmp(line->key, "webhook_url") == 0) {
		check_url(line, diags);
		sender->webhook_url = line->value;
	} else if (strcmp(line->key, "webhook_key_file") == 0) {
		sender->webhook_key_file = bd_lines_resolve(line->value, path, arena);
	} else if (strcmp(line->key, "webhook_ca_file") == 0) {
		sender->webhook_ca_file = bd_lines_resolve(line->value, path, arena);
	} else {
		unknown(diags, line, line->key_column, "setting", line->key, keys, COUNT(keys));
	}
}

static void check(
	const struct bd_sender *sender, const struct bd_line *line, struct bd_diags *diags)
{
	int known = (sender->certificate_name != NULL) + (sender->certificate_serial != NULL) +
		    (sender->spki_pin != NULL) + sender->is_loopback;
	if (known != 1) {
		bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number, line->key_column,
			"'%s' is known by exactly one of certificate_name, "
			"certificate_serial, spki_pin, loopback",
			sender->name);
	}
	if (sender->roles == 0) {
		bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number, line->key_column,
			"'%s' has no role", sender->name);
	}
	if ((sender->webhook_url != NULL) != (sender->webhook_key_file != NULL) ||
		(sender->webhook_ca_file != NULL && sender->webhook_url == NULL)) {
		bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number, line->key_column,
			"'%s': webhook_url and webhook_key_file go together", sender->name);
	}
	if (sender->webhook_url != NULL && (sender->roles & BD_SENDER_ENGINE) == 0) {
		bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number, line->key_column,
			"'%s': only an engine has cases of which it can be told", sender->name);
	}
	bool is_department = (sender->roles & BD_SENDER_DEPARTMENT) != 0;
	if (is_department != (sender->source_count > 0)) {
		bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number, line->key_column,
			"'%s': a department, and only that, names its sources", sender->name);
	}
}

static void check_repeated(
	const struct bd_senders *senders, const struct bd_line *line, struct bd_diags *diags)
{
	const struct bd_sender *last = &senders->items[senders->count - 1];
	for (size_t i = 0; i + 1 < senders->count; i++) {
		if (strcmp(senders->items[i].name, last->name) == 0) {
			bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number,
				line->key_column, "'%s' stands twice", last->name);
		}
	}
}

enum bd_code bd_config_senders(const struct bd_senders **out, const char *path,
	struct bd_arena *arena, struct bd_diags *diags)
{
	const struct bd_line *lines = NULL;
	size_t count = 0;
	enum bd_code code = bd_lines_read(&lines, &count, path, arena, diags);
	struct bd_senders *senders = bd_arena_alloc(arena, 1, sizeof(*senders));
	struct bd_sender *items = bd_arena_alloc(arena, count + 1, sizeof(*items));
	if (code != BD_OK || senders == NULL || items == NULL) {
		return code != BD_OK ? code
				     : bd_diags_add(diags, BD_NO_MEMORY, "", 0, 0, "no room");
	}
	senders->items = items;
	const struct bd_line *head = NULL;
	for (size_t i = 0; i < count; i++) {
		if (lines[i].section != NULL) {
			if (head != NULL) {
				check(&items[senders->count - 1], head, diags);
			}
			head = &lines[i];
			items[senders->count++].name = head->section;
			check_repeated(senders, head, diags);
		} else if (head == NULL) {
			bd_diags_add(diags, BD_CONFIG_SYNTAX, lines[i].shown, lines[i].number,
				lines[i].key_column, "expected first: [name of a sender]");
		} else {
			set(&items[senders->count - 1], &lines[i], path, arena, diags);
		}
	}
	if (head != NULL) {
		check(&items[senders->count - 1], head, diags);
	}
	code = bd_diags_code(diags);
	if (code == BD_OK) {
		*out = senders;
	}
	return code;
}
