#include "cli/installation.h"

#include "config/adapter.h"
#include "config/approved.h"
#include "config/dictionary.h"
#include "config/grants.h"
#include "config/matter.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES 4096
/* As much as biduid takes for the same files (daemon/setup.c). */
#define CONFIGURATION_MAX_BYTES 268435456
#define VERSIONS_MAX 4096

static bool join(char path[PATH_BYTES], const char *folder, const char *name)
{
	int len = snprintf(path, PATH_BYTES, "%s/%s", folder, name);

	return len > 0 && len < PATH_BYTES;
}

static bool fail(struct bd_cli_installation *files, enum bd_code code, const char *what)
{
	bd_diags_add(&files->diags, code, what, 0, 0, "cannot be read");
	return false;
}

static bool read_plans(struct bd_cli_installation *files)
{
	const struct bd_settings *settings = files->settings;
	const char *const *names = NULL;
	struct bd_diag diag = { .code = BD_OK };
	size_t count = 0;
	char folder[PATH_BYTES];

	if (bd_config_sources(&names, &count, settings->adapters_folder, &files->arena, &diag) !=
		BD_OK) {
		return fail(files, diag.code, "adapters_folder");
	}
	files->plans = bd_arena_alloc(&files->arena, count, sizeof(const struct bd_plan *));
	for (size_t i = 0; files->plans != NULL && i < count; i++) {
		if (join(folder, settings->adapters_folder, names[i]) &&
			bd_config_adapter(&files->plans[files->plan_count], folder,
				settings->schemas_folder, files->dict, &files->arena,
				&files->diags) == BD_OK) {
			files->plan_count++;
		}
	}
	return files->plans != NULL;
}

static bool read_matters(struct bd_cli_installation *files, const char *top)
{
	const char *const *names = NULL;
	struct bd_diag diag = { .code = BD_OK };
	size_t count = 0;
	char folder[PATH_BYTES];

	if (bd_config_matters(&names, &count, top, &files->arena, &diag) != BD_OK) {
		return fail(files, diag.code, top);
	}
	for (size_t i = 0; i < count; i++) {
		const struct bd_matter *const *versions = NULL;
		size_t more = 0;

		if (!join(folder, top, names[i]) ||
			bd_config_matter(&versions, &more, folder, files->settings->schemas_folder,
				files->dict, &files->arena, &files->diags) != BD_OK ||
			files->matter_count + more > VERSIONS_MAX) {
			continue;
		}
		memcpy(&files->matters[files->matter_count], versions,
			more * sizeof(const struct bd_matter *));
		files->matter_count += more;
	}
	return true;
}

static bool read_all_matters(struct bd_cli_installation *files)
{
	const char *sandbox = files->settings->sandbox_folder;
	char top[PATH_BYTES];

	files->matters =
		bd_arena_alloc(&files->arena, VERSIONS_MAX, sizeof(const struct bd_matter *));
	if (files->matters == NULL || !join(top, files->settings->schemas_folder, "matters") ||
		!read_matters(files, top)) {
		return false;
	}
	return sandbox == NULL || (join(top, sandbox, "matters") && read_matters(files, top));
}

static bool read_grants(struct bd_cli_installation *files)
{
	const struct bd_settings *settings = files->settings;
	enum bd_code code = bd_config_grants(&files->grants, settings->grants_file,
		settings->schemas_folder, files->senders, files->matters, files->matter_count,
		files->dict, &files->arena, &files->diags);

	code = code == BD_OK ? bd_config_grants_rest(files->grants, settings->grants_file,
				       (const struct bd_plan *const *)files->plans,
				       files->plan_count, &files->arena, &files->diags)
			     : code;
	for (size_t i = 0; i < files->matter_count && code == BD_OK; i++) {
		code = bd_config_matter_approved(files->matters[i], files->plans, files->plan_count,
			files->dict, &files->arena);
	}
	return code == BD_OK && bd_grants_index(files->grants, files->matters, files->matter_count,
					files->senders->count, &files->arena) == BD_OK;
}

static bool read_files(struct bd_cli_installation *files, const char *config)
{
	char common[PATH_BYTES];

	if (bd_config_settings(&files->settings, config, &files->arena, &files->diags) != BD_OK ||
		bd_config_senders(&files->senders, files->settings->senders_file, &files->arena,
			&files->diags) != BD_OK ||
		!join(common, files->settings->schemas_folder, "common.xml") ||
		bd_config_dictionary_all(&files->dict, common, &files->arena, &files->diags) !=
			BD_OK) {
		return false;
	}
	return read_plans(files) && read_all_matters(files) &&
	       bd_diags_code(&files->diags) == BD_OK && read_grants(files);
}

bool bd_cli_installation_read(struct bd_cli_installation *out, const char *config)
{
	static const struct bd_cli_installation nothing;

	*out = nothing;
	bd_arena_init(&out->arena, CONFIGURATION_MAX_BYTES);
	return read_files(out, config);
}

void bd_cli_installation_release(struct bd_cli_installation *installation)
{
	bd_arena_release(&installation->arena);
}
