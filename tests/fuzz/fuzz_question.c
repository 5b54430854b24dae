/* fuzz_question.c - any bytes as a question: a case of some matter, or whom an identity query is
 * about. Refused with faults that say where, or read; never more.
 *
 * The matters and the dictionary come from the source tree: schemas under $srcdir, or here.
 */
#include "answer/question.h"
#include "base/limits.h"
#include "config/dictionary.h"
#include "config/matter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1795449600000) /* 2026-11-24 */
#define VERSIONS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
	const struct bd_dictionary *dict;
	const struct bd_matter *matters[VERSIONS_MAX];
	size_t count;
	struct bd_arena arena; /* holds them as long as the process lives */
};

static const char *path_of(struct bd_arena *arena, const char *path)
{
	const char *top = getenv("srcdir");
	char full[4096];

	snprintf(full, sizeof(full), "%s/%s", top != NULL ? top : ".", path);
	return bd_arena_text(arena, bd_bytes_of(full));
}

static void open_target(struct target *target)
{
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	struct bd_arena *arena = &target->arena;
	const char *const *names = NULL;
	size_t count = 0;

	bd_arena_init(arena, (size_t)64 << 20);
	if (diags == NULL ||
		bd_config_dictionary_all(&target->dict, path_of(arena, "schemas/common.xml"), arena,
			diags) != BD_OK ||
		bd_config_matters(&names, &count, path_of(arena, "schemas/matters"), arena, NULL) !=
			BD_OK) {
		abort();
	}
	for (size_t i = 0; i < count; i++) {
		const struct bd_matter *const *versions = NULL;
		size_t version_count = 0;
		char folder[512];

		snprintf(folder, sizeof(folder), "schemas/matters/%s", names[i]);
		if (bd_config_matter(&versions, &version_count, path_of(arena, folder),
			    path_of(arena, "schemas"), target->dict, arena, diags) != BD_OK) {
			abort();
		}
		for (size_t v = 0; v < version_count && target->count < VERSIONS_MAX; v++) {
			target->matters[target->count++] = versions[v];
		}
	}
	free(diags);
}

/* Each fault has a code that is the asker's. */
static void check_faults(enum bd_code code, const struct bd_diag *diag)
{
	size_t count = 0;

	if (code == BD_OK) {
		return;
	}
	for (; diag != NULL; diag = diag->next) {
		int status = bd_code_info(diag->code)->status;

		if (diag->code == BD_OK || (status >= 500 && diag->code != BD_NO_MEMORY) ||
			++count > BD_QUESTION_FAULTS_MAX + 1) {
			abort();
		}
	}
}

static void ask_case(const struct target *target, struct bd_bytes json, struct bd_arena *arena)
{
	const struct bd_answer_context context = { .dict = target->dict,
		.matters = target->matters,
		.matter_count = target->count,
		.now_ms = NOW_MS };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_case asked = { 0 };
	enum bd_code code = bd_question_case(&asked, json, &context, arena, &diag);

	check_faults(code, &diag);
	if (code == BD_OK && (asked.matter == NULL || asked.subject_count > BD_CASE_SUBJECTS_MAX ||
				     asked.claim_count > BD_CASE_CLAIMS_MAX)) {
		abort();
	}
}

static void ask_subject(const struct target *target, struct bd_bytes json, struct bd_arena *arena)
{
	struct bd_json *root = NULL;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_faults faults = { &diag, arena, 0 };
	struct bd_identifier identifier;
	enum bd_code code = bd_json_parse(&root, json, arena, &diag), invalid = BD_OK;
	enum bd_subject_kind kind;

	if (code == BD_OK) {
		code = bd_question_subject(
			&identifier, &invalid, &kind, root, "", target->dict, &faults);
	}
	check_faults(code, &diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target target;
	const struct bd_bytes json = { (const char *)data, size };
	struct bd_arena arena;

	if (target.dict == NULL) {
		open_target(&target);
	}
	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	ask_case(&target, json, &arena);
	ask_subject(&target, json, &arena);
	bd_arena_release(&arena);
	return 0;
}
