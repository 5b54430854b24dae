#include "daemon/sandbox.h"

#include "answer/held_file.h"

enum bd_code bd_sandbox_find(struct bd_held **out, const struct bd_setup *setup,
	const struct bd_identifier *identifiers, size_t count, int64_t now_ms,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_diag why = { .code = BD_OK };
	struct bd_faults faults = { &why, arena, 0 };
	const struct bd_held_reading reading = { setup->dict, now_ms, &faults };
	struct bd_held_file *file = bd_arena_alloc(arena, 1, sizeof(*file));
	struct bd_json *root = NULL;
	enum bd_code code;

	*out = NULL;
	if (setup->sandbox.len == 0) {
		return BD_OK;
	}
	code = file == NULL ? bd_arena_code(arena)
			    : bd_json_parse(&root, setup->sandbox, arena, &why);
	if (code == BD_OK) {
		bd_held_file_read(file, bd_json_get(root, "held"), &reading);
		code = why.code;
	}
	if (code != BD_OK) {
		return bd_fail(diag, code, "held.json of the sandbox: %s %s", why.path, why.detail);
	}
	*out = bd_held_file_find(file, identifiers, count);
	return BD_OK;
}
