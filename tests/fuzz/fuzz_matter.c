/* fuzz_matter.c - any bytes as a version of a matter, as an administrator sends one to be tried on
 * past cases: read, or refused with a place.
 *
 * The dictionary, the schema and the lists that it may name come from the source tree: schemas
 * under $srcdir, or here.
 */
#include "config/dictionary.h"
#include "config/matter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "schemas/matters/individual-business-registration"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
	const struct bd_dictionary *dict;
	const char *folder, *schemas;
	struct bd_diags *diags;
	struct bd_arena arena; /* holds the dictionary as long as the process lives */
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
	bd_arena_init(&target->arena, (size_t)16 << 20);
	target->diags = calloc(1, sizeof(*target->diags));
	target->folder = path_of(&target->arena, FOLDER);
	target->schemas = path_of(&target->arena, "schemas");
	if (target->diags == NULL || bd_config_dictionary_all(&target->dict,
					     path_of(&target->arena, "schemas/common.xml"),
					     &target->arena, target->diags) != BD_OK) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target target;
	const struct bd_matter *matter = NULL;
	struct bd_arena arena;
	enum bd_code code;

	if (target.dict == NULL) {
		open_target(&target);
	}
	memset(target.diags, 0, sizeof(*target.diags));
	bd_arena_init(&arena, (size_t)4 << 20);
	code = bd_config_matter_version(&matter, (struct bd_bytes){ (const char *)data, size },
		"sent.xml", target.folder, target.schemas, target.dict, &arena, target.diags);
	if (code == BD_OK ? matter == NULL : target.diags->count == 0) {
		abort();
	}
	bd_arena_release(&arena);
	return 0;
}
