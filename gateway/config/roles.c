#include "config/roles.h"

#include "config/settings.h"

#include <string.h>

#define BLANKS " \t,"

#define ADMINISTRATORS (BD_SENDER_SYSTEM | BD_SENDER_SECURITY | BD_SENDER_AUDIT)
#define MACHINES (BD_SENDER_DEPARTMENT | BD_SENDER_ENGINE)

static const struct role {
	const char *name;
	uint32_t role, excludes;
} roles[] = {
	{ "department", BD_SENDER_DEPARTMENT, BD_SENDER_AUDITOR | ADMINISTRATORS },
	{ "engine", BD_SENDER_ENGINE, BD_SENDER_AUDITOR | ADMINISTRATORS },
	{ "operator", BD_SENDER_OPERATOR,
		BD_SENDER_AUDITOR | BD_SENDER_SECURITY | BD_SENDER_AUDIT },
	{ "auditor", BD_SENDER_AUDITOR,
		MACHINES | BD_SENDER_OPERATOR | BD_SENDER_SYSTEM | BD_SENDER_SECURITY },
	{ "system_administrator", BD_SENDER_SYSTEM,
		MACHINES | BD_SENDER_AUDITOR | BD_SENDER_SECURITY | BD_SENDER_AUDIT },
	{ "security_administrator", BD_SENDER_SECURITY,
		MACHINES | BD_SENDER_OPERATOR | BD_SENDER_AUDITOR | BD_SENDER_SYSTEM |
			BD_SENDER_AUDIT },
	{ "audit_administrator", BD_SENDER_AUDIT,
		MACHINES | BD_SENDER_OPERATOR | BD_SENDER_SYSTEM | BD_SENDER_SECURITY },
};

#define ROLE_COUNT (sizeof(roles) / sizeof(roles[0]))

const struct bd_word *bd_words(size_t *count, const struct bd_line *line, struct bd_arena *arena)
{
	struct bd_word *words = bd_arena_alloc(arena, strlen(line->value) / 2 + 1, sizeof(*words));
	uint32_t column = line->value_column;

	*count = 0;
	for (const char *at = line->value; words != NULL && *at != '\0';) {
		size_t len = strcspn(at, BLANKS);

		if (len == 0) {
			at++;
			column++;
			continue;
		}
		words[*count].column = column;
		words[*count].text = bd_arena_text(arena, (struct bd_bytes){ at, len });
		if (words[*count].text == NULL) {
			return NULL;
		}
		(*count)++;
		for (; len > 0; len--, at++) {
			column += ((unsigned char)*at & 0xC0) != 0x80;
		}
	}
	return words;
}

void bd_unknown(struct bd_diags *diags, const struct bd_line *line, uint32_t column,
	const char *what, const char *name, const char *const *names, size_t count)
{
	const char *near = bd_nearest(name, names, count);

	bd_diags_add(diags, BD_CONFIG_REFERENCE, line->shown, line->number, column,
		"no %s '%s'%s%s%s", what, name, near == NULL ? "" : "; did you mean '",
		near == NULL ? "" : near, near == NULL ? "" : "'?");
}

const char *bd_role_name(uint32_t *role, size_t i)
{
	if (i >= ROLE_COUNT) {
		return NULL;
	}
	*role = roles[i].role;
	return roles[i].name;
}

static const struct role *find(const char *name)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if (strcmp(roles[i].name, name) == 0) {
			return &roles[i];
		}
	}
	return NULL;
}

static void add(uint32_t *out, const struct role *role, const struct bd_line *line, uint32_t column,
	struct bd_diags *diags)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if ((*out & roles[i].role & role->excludes) != 0) {
			bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number, column,
				"nobody is '%s' and '%s' at once: one checks the other",
				roles[i].name, role->name);
		}
	}
	*out |= role->role;
}

bool bd_roles_read(
	uint32_t *out, const struct bd_line *line, struct bd_arena *arena, struct bd_diags *diags)
{
	const char *names[ROLE_COUNT];
	size_t count = 0;
	const struct bd_word *words = bd_words(&count, line, arena);

	for (size_t i = 0; i < ROLE_COUNT; i++) {
		names[i] = roles[i].name;
	}
	for (size_t w = 0; words != NULL && w < count; w++) {
		const struct role *role = find(words[w].text);

		if (role == NULL) {
			bd_unknown(diags, line, words[w].column, "role", words[w].text, names,
				ROLE_COUNT);
		} else {
			add(out, role, line, words[w].column, diags);
		}
	}
	return words != NULL;
}
