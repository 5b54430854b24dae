/* answer_support.h - what the tests of answer share: matters with all they need, cases asked of
 * them. */
#ifndef BD_TESTS_ANSWER_SUPPORT_H
#define BD_TESTS_ANSWER_SUPPORT_H

#include "answer/answer.h"
#include "answer/case_file.h"
#include "base/limits.h"
#include "config/calendar.h"
#include "config/matter.h"
#include "config_support.h"

#include <dirent.h>
#include <unistd.h>

#define MATTERS_MAX 128
#define FILE_MAX ((size_t)1 << 20)

/* Every version of the matters that were added. */
struct answer_setting {
	struct bd_arena arena;
	struct bd_diags diags;
	const struct bd_matter *matters[MATTERS_MAX];
	struct bd_answer_context context;
};

static inline struct answer_setting *new_setting(void)
{
	struct answer_setting *setting = calloc(1, sizeof(*setting));

	assert_non_null(setting);
	bd_arena_init(&setting->arena, ARENA_MAX);
	setting->context.dict = read_dictionary(&setting->arena);
	assert_int_equal(bd_config_calendar(&setting->context.calendar,
				 source_path(&setting->arena, "schemas/calendar/holidays.tsv"),
				 &setting->arena, &setting->diags),
		BD_OK);
	setting->context.matters = setting->matters;
	setting->context.receipt = "test";
	setting->context.asker = &bd_asker_itself;
	return setting;
}

static inline void free_setting(struct answer_setting *setting)
{
	bd_arena_release(&setting->arena);
	free(setting);
}

/* The last of its versions. */
static inline const struct bd_matter *add_matter(struct answer_setting *setting, const char *folder)
{
	size_t *count = &setting->context.matter_count;
	const struct bd_matter *const *versions;
	size_t more;

	if (bd_config_matter(&versions, &more, source_path(&setting->arena, folder),
		    source_path(&setting->arena, "schemas"), setting->context.dict, &setting->arena,
		    &setting->diags) != BD_OK) {
		fail_msg("%s: %s", folder, diags_text(&setting->diags));
	}
	assert_true(more > 0 && *count + more <= MATTERS_MAX);
	memcpy(&setting->matters[*count], versions, more * sizeof(*versions));
	*count += more;
	return setting->matters[*count - 1];
}

static inline const char *joined(struct bd_arena *arena, const char *folder, const char *name)
{
	size_t size = strlen(folder) + strlen(name) + 2;
	char *path = bd_arena_alloc(arena, size, 1);

	assert_non_null(path);
	snprintf(path, size, "%s/%s", folder, name);
	return path;
}

/* Calls back for every folder or file of a folder of the source tree; how many there were. */
static inline size_t each_entry(const char *folder, const char *ending,
	void (*call)(const char *path, void *given), void *given)
{
	struct dirent **entries;
	struct bd_arena arena;
	size_t used = 0;

	bd_arena_init(&arena, ARENA_MAX);
	int count = scandir(source_path(&arena, folder), &entries, NULL, alphasort);

	if (count < 0) {
		fail_msg("no folder %s", folder);
	}
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		size_t len = strlen(name), end = strlen(ending);

		if (name[0] != '.' && len >= end && strcmp(name + len - end, ending) == 0) {
			call(joined(&arena, folder, name), given);
			used++;
		}
		free(entries[i]);
	}
	free(entries);
	bd_arena_release(&arena);
	return used;
}

/* A file of the source tree. */
static inline struct bd_bytes read_source(const char *path, struct bd_arena *arena)
{
	FILE *file = fopen(source_path(arena, path), "rbe");
	char *text = bd_arena_alloc(arena, FILE_MAX, 1);
	size_t len;

	if (file == NULL || text == NULL) {
		fail_msg("cannot read %s", path);
	}
	len = fread(text, 1, FILE_MAX, file);
	fclose(file);
	assert_true(len < FILE_MAX);
	return (struct bd_bytes){ text, len };
}

#endif
