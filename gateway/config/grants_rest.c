#include "config/grants.h"

#include <string.h>

#define BLANKS " \t\r\n"

/* Every approved use that some feed states; the same one may stand in several. */
struct uses {
	const char **names;
	size_t count;
};

static size_t count_uses(const struct bd_plan *const *plans, size_t plan_count)
{
	size_t count = 0;

	for (size_t p = 0; p < plan_count; p++) {
		for (size_t f = 0; f < plans[p]->feed_count; f++) {
			const struct bd_catalogue *catalogue = plans[p]->feeds[f].catalogue;

			count += catalogue != NULL ? catalogue->use_count : 0;
		}
	}
	return count;
}

static void list_uses(struct uses *uses, const struct bd_plan *const *plans, size_t plan_count)
{
	for (size_t p = 0; p < plan_count; p++) {
		for (size_t f = 0; f < plans[p]->feed_count; f++) {
			const struct bd_catalogue *catalogue = plans[p]->feeds[f].catalogue;

			for (size_t u = 0; catalogue != NULL && u < catalogue->use_count; u++) {
				uses->names[uses->count++] = catalogue->uses[u].application;
			}
		}
	}
}

static bool has(const struct uses *uses, struct bd_bytes name)
{
	for (size_t i = 0; i < uses->count; i++) {
		if (bd_bytes_is(name, uses->names[i])) {
			return true;
		}
	}
	return false;
}

static void check(const struct bd_grant *grant, const char *shown, const struct uses *uses,
	struct bd_arena *arena, struct bd_diags *diags)
{
	const char *at = grant->basis + strspn(grant->basis, BLANKS);

	for (; *at != '\0'; at += strspn(at, BLANKS)) {
		struct bd_bytes name = { at, strcspn(at, BLANKS) };
		const char *text = has(uses, name) ? NULL : bd_arena_text(arena, name);
		const char *near = text != NULL ? bd_nearest(text, uses->names, uses->count) : NULL;

		if (text != NULL) {
			bd_diags_add(diags, BD_CONFIG_REFERENCE, shown, grant->line, grant->column,
				"basis: no feed states an approved use '%s'%s%s%s", text,
				near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
				near != NULL ? "'?" : "");
		}
		at += name.len;
	}
}

enum bd_code bd_config_grants_rest(const struct bd_grants *grants, const char *path,
	const struct bd_plan *const *plans, size_t plan_count, struct bd_arena *arena,
	struct bd_diags *diags)
{
	const char *shown = bd_diags_shown(path);
	struct uses uses = {
		bd_arena_alloc(arena, count_uses(plans, plan_count) + 1, sizeof(const char *)), 0
	};

	if (uses.names == NULL) {
		return bd_diags_add(diags, BD_NO_MEMORY, shown, 0, 0, "no room");
	}
	list_uses(&uses, plans, plan_count);
	for (size_t i = 0; i < grants->count; i++) {
		check(&grants->items[i], shown, &uses, arena, diags);
	}
	return bd_diags_code(diags);
}
