#include "daemon/guard.h"

#include "base/log.h"
#include "daemon/confine.h"
#include "daemon/user.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* Of bidui.conf alone: some dozen lines. */
#define SETTINGS_MAX_BYTES 1048576

enum bd_code bd_guard_become(const char *config, struct bd_diag *diag)
{
	const struct bd_settings *settings = NULL;
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	struct bd_arena arena;
	enum bd_code code = BD_OK;

	bd_arena_init(&arena, SETTINGS_MAX_BYTES);
	/* What is wrong with the settings is told when all of them are read. */
	if (diags == NULL) {
		code = bd_fail(diag, BD_NO_MEMORY, "%s", "");
	} else if (bd_config_settings(&settings, config, &arena, diags) == BD_OK) {
		code = bd_user_become(settings->run_as_user, diag);
	}
	free(diags);
	bd_arena_release(&arena);
	return code;
}

enum bd_code bd_guard_close(struct bd_fence **out, const char *config, const struct bd_setup *setup,
	struct bd_diag *diag)
{
	struct bd_fence *fence = NULL;
	struct bd_diag why = { .code = BD_OK };
	enum bd_code code;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return bd_fail(diag, BD_CONFINEMENT, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
	}

#ifdef BD_IS_SANITIZED
	bd_log(BD_LOG_WARNING, "main", "confinement.sanitized",
		"a build with a sanitizer: workers may open files and make threads; not for "
		"production");
#endif
	code = bd_fence_new(
		&fence, config, setup->settings, setup->senders, &setup->source_files, diag);
	if (code != BD_OK) {
		return code;
	}
	code = bd_fence_close(fence, &why);
	if (code == BD_CONFINEMENT && setup->settings->confinement == BD_CONFINEMENT_BEST_EFFORT) {
		bd_log_diag(BD_LOG_WARNING, "main", "confinement.missing", &why);
		bd_fence_free(fence);
		*out = NULL;
		return BD_OK;
	}
	if (code != BD_OK) {
		bd_fence_free(fence);
		return bd_fail(diag, code, "%s", why.detail);
	}
	*out = fence;
	return BD_OK;
}

enum bd_code bd_guard_check(
	const struct bd_fence *fence, const char *config, struct bd_diags *diags)
{
	const struct bd_settings *settings = NULL;
	const struct bd_senders *senders = NULL;
	struct bd_source_files files = { 0 };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_fence *newer = NULL;
	struct bd_arena arena;

	if (fence == NULL) {
		return BD_OK;
	}
	bd_arena_init(&arena, SETTINGS_MAX_BYTES);
	if (bd_config_settings(&settings, config, &arena, diags) == BD_OK &&
		bd_fence_new(&newer, config, settings, NULL, NULL, &diag) == BD_OK &&
		bd_fence_covers(fence, newer, &diag) == BD_OK &&
		bd_config_senders(&senders, settings->senders_file, &arena, diags) == BD_OK &&
		(settings->sources_file == NULL ||
			bd_config_source_files(&files, settings->sources_file,
				settings->schemas_folder, &arena, diags) == BD_OK)) {
		bd_fence_free(newer);
		newer = NULL;
		if (bd_fence_new(&newer, config, settings, senders, &files, &diag) == BD_OK) {
			bd_fence_covers(fence, newer, &diag);
		}
	}
	bd_fence_free(newer);
	bd_arena_release(&arena);
	if (diag.code != BD_OK) {
		bd_diags_add(diags, diag.code, "", 0, 0, "%s", diag.detail);
	}
	return bd_diags_code(diags);
}
