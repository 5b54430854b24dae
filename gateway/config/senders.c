#include "base/limits.h"
#include "config/lines.h"
#include "config/roles.h"
#include "config/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define HEX_UPPER "0123456789ABCDEF"
#define HEX_LOWER "0123456789abcdef"
#define KEY_ID_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* What is being read of one section. */
struct section {
	struct bd_sender *sender;
	struct bd_sender_key *keys; /* room for those of the sender */
	const char *path;           /* of the file */
	struct bd_arena *arena;
	struct bd_diags *diags;
};

enum kind {
	KIND_TEXT,
	KIND_UPPER, /* hexadecimal digits */
	KIND_PIN,   /* 64 of them, lower case */
	KIND_LOOPBACK,
	KIND_ROLES,
	KIND_SOURCES,
	KIND_KEY,
	KIND_URL,
	KIND_FILE,
	KIND_LIMIT
};

struct row {
	const char *key;
	enum kind kind;
	size_t offset; /* in struct bd_sender */
	uint64_t max, normal;
};

#define AT(member) offsetof(struct bd_sender, member)

static const struct row rows[] = {
	{ "certificate_issuer", KIND_TEXT, AT(certificate_issuer), 0, 0 },
	{ "certificate_issuer_pin", KIND_PIN, AT(certificate_issuer_pin), 0, 0 },
	{ "certificate_name", KIND_TEXT, AT(certificate_name), 0, 0 },
	{ "certificate_serial", KIND_UPPER, AT(certificate_serial), 0, 0 },
	{ "spki_pin", KIND_PIN, AT(spki_pin), 0, 0 },
	{ "hmac_key", KIND_KEY, AT(keys), 0, 0 },
	{ "platform_sid", KIND_TEXT, AT(platform_sid), 0, 0 },
	{ "platform_secret_file", KIND_FILE, AT(platform_secret_file), 0, 0 },
	{ "platform_pin", KIND_PIN, AT(platform_pin), 0, 0 },
	{ "loopback", KIND_LOOPBACK, AT(is_loopback), 0, 0 },
	{ "roles", KIND_ROLES, AT(roles), 0, 0 },
	{ "sources", KIND_SOURCES, AT(sources), 0, 0 },
	{ "webhook_url", KIND_URL, AT(webhook_url), 0, 0 },
	{ "webhook_key_file", KIND_FILE, AT(webhook_key_file), 0, 0 },
	{ "webhook_ca_file", KIND_FILE, AT(webhook_ca_file), 0, 0 },
	{ "requests_per_second", KIND_LIMIT, AT(limits.requests_per_second),
		BD_SENDER_REQUESTS_PER_SECOND_MAX, BD_SENDER_REQUESTS_PER_SECOND },
	{ "requests_burst", KIND_LIMIT, AT(limits.requests_burst),
		BD_SENDER_REQUESTS_PER_SECOND_MAX, 2 * BD_SENDER_REQUESTS_PER_SECOND },
	{ "lines_per_second", KIND_LIMIT, AT(limits.lines_per_second),
		BD_SENDER_REQUESTS_PER_SECOND_MAX, BD_SENDER_LINES_PER_SECOND },
	{ "lines_burst", KIND_LIMIT, AT(limits.lines_burst), BD_SENDER_REQUESTS_PER_SECOND_MAX,
		2 * BD_SENDER_LINES_PER_SECOND },
	{ "subjects_per_hour", KIND_LIMIT, AT(limits.subjects_per_hour), BD_SENDER_SUBJECTS_MAX,
		BD_SENDER_SUBJECTS_PER_HOUR },
	{ "subjects_per_day", KIND_LIMIT, AT(limits.subjects_per_day), BD_SENDER_SUBJECTS_MAX,
		BD_SENDER_SUBJECTS_PER_DAY },
	{ "values_per_day", KIND_LIMIT, AT(limits.values_per_day), BD_SENDER_VALUES_MAX,
		BD_SENDER_VALUES_PER_DAY },
};

static void *at(struct bd_sender *sender, const struct row *row)
{
	return (char *)sender + row->offset;
}

static void wrong(struct bd_diags *diags, const struct bd_line *line, const char *detail)
{
	bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number, line->value_column,
		"%s: %s", line->key, detail);
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

/* "ID FILE": the file is read when the configuration is put together. */
static void set_key(struct section *section, const struct bd_line *line)
{
	struct bd_sender *sender = section->sender;
	size_t count = 0;
	const struct bd_word *words = bd_words(&count, line, section->arena);

	if (words == NULL || count != 2 ||
		strspn(words[0].text, KEY_ID_CHARACTERS) != strlen(words[0].text) ||
		strlen(words[0].text) > BD_SENDER_KEY_ID_MAX_BYTES) {
		wrong(section->diags, line, "expected ID FILE, the id of letters, digits and ._-");
		return;
	}
	if (sender->key_count == BD_SENDER_KEYS_MAX) {
		wrong(section->diags, line, "a sender has no more than four keys");
		return;
	}
	if (sender->key_count == 0) {
		section->keys =
			bd_arena_alloc(section->arena, BD_SENDER_KEYS_MAX, sizeof(*section->keys));
		sender->keys = section->keys;
	}
	if (section->keys != NULL) {
		section->keys[sender->key_count++] = (struct bd_sender_key){ words[0].text,
			bd_lines_resolve(words[1].text, section->path, section->arena) };
	}
}

static void set_sources(struct section *section, const struct bd_line *line)
{
	size_t count = 0;
	const struct bd_word *words = bd_words(&count, line, section->arena);
	const char **names = bd_arena_alloc(section->arena, count, sizeof(*names));

	for (size_t i = 0; names != NULL && i < count; i++) {
		names[i] = words[i].text;
	}
	section->sender->sources = names;
	section->sender->source_count = names == NULL ? 0 : count;
}

static void set_limit(struct section *section, const struct row *row, const struct bd_line *line)
{
	bool is_number =
		line->value[0] != '\0' && strspn(line->value, "0123456789") == strlen(line->value);
	unsigned long long number = 0;

	errno = 0;
	number = is_number ? strtoull(line->value, NULL, 10) : 0;
	if (strcmp(line->value, "unlimited") != 0 &&
		(!is_number || errno != 0 || number < 1 || number > row->max)) {
		bd_diags_add(section->diags, BD_CONFIG_MEANING, line->shown, line->number,
			line->value_column, "%s: expected a number from 1 to %llu, or unlimited",
			line->key, (unsigned long long)row->max);
	}
	*(uint64_t *)at(section->sender, row) = number;
}

static void set_loopback(struct section *section, const struct bd_line *line)
{
	if (strcmp(line->value, "yes") != 0) {
		wrong(section->diags, line, "'yes' or not at all");
	}
	section->sender->is_loopback = true;
}

static void set_text(struct section *section, const struct row *row, const struct bd_line *line)
{
	*(const char **)at(section->sender, row) = line->value;
}

static void set(struct section *section, const struct row *row, const struct bd_line *line)
{
	switch (row->kind) {
	case KIND_TEXT:
		if (line->value[0] == '\0') {
			wrong(section->diags, line, "no value");
		}
		set_text(section, row, line);
		return;
	case KIND_UPPER:
		check_hex(line, HEX_UPPER, 0, section->diags);
		set_text(section, row, line);
		return;
	case KIND_PIN:
		check_hex(line, HEX_LOWER, 64, section->diags);
		set_text(section, row, line);
		return;
	case KIND_URL:
		check_url(line, section->diags);
		set_text(section, row, line);
		return;
	case KIND_FILE:
		*(const char **)at(section->sender, row) =
			bd_lines_resolve(line->value, section->path, section->arena);
		return;
	case KIND_LOOPBACK:
		set_loopback(section, line);
		return;
	case KIND_ROLES:
		bd_roles_read(&section->sender->roles, line, section->arena, section->diags);
		return;
	case KIND_SOURCES:
		set_sources(section, line);
		return;
	case KIND_KEY:
		set_key(section, line);
		return;
	case KIND_LIMIT:
		set_limit(section, row, line);
		return;
	}
}

static void set_line(struct section *section, const struct bd_line *line)
{
	const char *names[COUNT(rows)];

	for (size_t i = 0; i < COUNT(rows); i++) {
		names[i] = rows[i].key;
		if (strcmp(rows[i].key, line->key) == 0) {
			set(section, &rows[i], line);
			return;
		}
	}
	bd_unknown(
		section->diags, line, line->key_column, "setting", line->key, names, COUNT(rows));
}

static void fail(
	struct bd_diags *diags, const struct bd_line *head, const char *name, const char *detail)
{
	bd_diags_add(diags, BD_CONFIG_MEANING, head->shown, head->number, head->key_column,
		"'%s'%s", name, detail);
}

static void check_known(
	const struct bd_sender *sender, const struct bd_line *head, struct bd_diags *diags)
{
	bool is_by_issuer = sender->certificate_name != NULL || sender->certificate_serial != NULL;
	int known = (sender->certificate_name != NULL) + (sender->certificate_serial != NULL) +
		    (sender->spki_pin != NULL) + (sender->key_count > 0) + sender->is_loopback +
		    (sender->platform_sid != NULL);

	int issuers =
		(sender->certificate_issuer != NULL) + (sender->certificate_issuer_pin != NULL);

	if (known != 1) {
		fail(diags, head, sender->name,
			" is known by exactly one of certificate_name, certificate_serial, "
			"spki_pin, hmac_key, platform_sid, loopback");
	}
	if (is_by_issuer != (issuers == 1) || issuers > 1) {
		fail(diags, head, sender->name,
			" has certificate_issuer or certificate_issuer_pin beside "
			"certificate_name or certificate_serial, and only there: another "
			"authority may give the same name or serial");
	}
}

/* What it signs covers neither address nor body: it is believed only with its certificate, and only
 * where it brings what its sources say. */
static void check_platform(
	const struct bd_sender *sender, const struct bd_line *head, struct bd_diags *diags)
{
	int parts = (sender->platform_sid != NULL) + (sender->platform_secret_file != NULL) +
		    (sender->platform_pin != NULL);

	if (parts != 0 && parts != 3) {
		fail(diags, head, sender->name,
			": platform_sid, platform_secret_file and platform_pin go together");
	}
	if (parts != 0 && sender->roles != BD_SENDER_DEPARTMENT) {
		fail(diags, head, sender->name,
			": by a platform's headers a department pushes, and nobody does more");
	}
}

static void check(
	const struct bd_sender *sender, const struct bd_line *head, struct bd_diags *diags)
{
	bool is_department = (sender->roles & BD_SENDER_DEPARTMENT) != 0;

	check_known(sender, head, diags);
	check_platform(sender, head, diags);
	if (sender->roles == 0) {
		fail(diags, head, sender->name, " has no role");
	}
	if ((sender->webhook_url != NULL) != (sender->webhook_key_file != NULL) ||
		(sender->webhook_ca_file != NULL && sender->webhook_url == NULL)) {
		fail(diags, head, sender->name, ": webhook_url and webhook_key_file go together");
	}
	if (sender->webhook_url != NULL && (sender->roles & BD_SENDER_ENGINE) == 0) {
		fail(diags, head, sender->name,
			": only an engine has cases of which it can be told");
	}
	if (is_department != (sender->source_count > 0)) {
		fail(diags, head, sender->name, ": a department, and only that, names its sources");
	}
}

/* A name and the id of a key are of one sender. */
static void check_repeated(
	const struct bd_senders *senders, const struct bd_line *head, struct bd_diags *diags)
{
	const struct bd_sender *last = &senders->items[senders->count - 1];

	for (size_t i = 0; i + 1 < senders->count; i++) {
		if (strcmp(senders->items[i].name, last->name) == 0) {
			fail(diags, head, last->name, " stands twice");
		}
	}
}

static void check_key_ids(
	const struct bd_senders *senders, const struct bd_line *head, struct bd_diags *diags)
{
	const struct bd_sender *last = &senders->items[senders->count - 1];

	for (size_t k = 0; k < last->key_count; k++) {
		size_t seen = 0;

		for (size_t i = 0; i < senders->count; i++) {
			for (size_t j = 0; j < senders->items[i].key_count; j++) {
				seen += strcmp(senders->items[i].keys[j].id, last->keys[k].id) == 0;
			}
		}
		if (seen > 1) {
			fail(diags, head, last->name, ": the id of an hmac_key stands twice");
			return;
		}
	}
}

static void check_sids(
	const struct bd_senders *senders, const struct bd_line *head, struct bd_diags *diags)
{
	const struct bd_sender *last = &senders->items[senders->count - 1];

	for (size_t i = 0; i + 1 < senders->count && last->platform_sid != NULL; i++) {
		if (senders->items[i].platform_sid != NULL &&
			strcmp(senders->items[i].platform_sid, last->platform_sid) == 0) {
			fail(diags, head, last->name, ": the platform_sid stands twice");
		}
	}
}

static void begin(struct section *section, const char *name)
{
	section->sender->name = name;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].kind == KIND_LIMIT) {
			*(uint64_t *)at(section->sender, &rows[i]) = rows[i].normal;
		}
	}
}

static void end(
	const struct bd_senders *senders, const struct bd_line *head, struct bd_diags *diags)
{
	if (head != NULL) {
		check(&senders->items[senders->count - 1], head, diags);
		check_key_ids(senders, head, diags);
		check_sids(senders, head, diags);
	}
}

enum bd_code bd_config_senders(const struct bd_senders **out, const char *path,
	struct bd_arena *arena, struct bd_diags *diags)
{
	const struct bd_line *lines = NULL, *head = NULL;
	size_t count = 0;
	enum bd_code code = bd_lines_read(&lines, &count, path, arena, diags);
	struct bd_senders *senders = bd_arena_alloc(arena, 1, sizeof(*senders));
	struct bd_sender *items = bd_arena_alloc(arena, count + 1, sizeof(*items));
	struct section section = { .path = path, .arena = arena, .diags = diags };

	if (code != BD_OK || senders == NULL || items == NULL) {
		return code != BD_OK ? code
				     : bd_diags_add(diags, BD_NO_MEMORY, "", 0, 0, "no room");
	}
	senders->items = items;
	for (size_t i = 0; i < count; i++) {
		if (lines[i].section != NULL) {
			end(senders, head, diags);
			head = &lines[i];
			section.sender = &items[senders->count++];
			begin(&section, head->section);
			check_repeated(senders, head, diags);
		} else if (head == NULL) {
			bd_diags_add(diags, BD_CONFIG_SYNTAX, lines[i].shown, lines[i].number,
				lines[i].key_column, "expected first: [name of a sender]");
		} else {
			set_line(&section, &lines[i]);
		}
	}
	end(senders, head, diags);
	code = bd_diags_code(diags);
	if (code == BD_OK) {
		*out = senders;
	}
	return code;
}
