#include "config/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum bd_code bd_file_read(struct bd_bytes *out, const char *path, struct bd_arena *arena)
{
	FILE *file = fopen(path, "rbe");
	if (file == NULL) {
		return BD_IO;
	}
	enum bd_code code = BD_IO;
	long size = -1;
	if (fseek(file, 0, SEEK_END) == 0) {
		size = ftell(file);
	}
	if (size < 0 || fseek(file, 0, SEEK_SET) != 0) {
		goto out;
	}
	if (size > BD_CONFIG_FILE_MAX_BYTES) {
		code = BD_LIMIT_BYTES;
		goto out;
	}
	char *text = bd_arena_alloc(arena, (size_t)size + 1, 1);
	if (text == NULL) {
		code = BD_NO_MEMORY;
		goto out;
	}
	if (fread(text, 1, (size_t)size, file) != (size_t)size) {
		goto out;
	}
	*out = (struct bd_bytes){ text, (size_t)size };
	code = BD_OK;
out:
	fclose(file);
	return code;
}

static bool has_ending(const char *name, const char *ending)
{
	size_t name_len = strlen(name);
	size_t ending_len = strlen(ending);
	return name[0] != '.' && name_len > ending_len &&
	       strcmp(name + name_len - ending_len, ending) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum bd_code bd_file_list(const char *const **out, size_t *out_count, const char *folder,
	const char *ending, struct bd_arena *arena)
{
	DIR *dir = opendir(folder);
	const char **names = bd_arena_alloc(arena, BD_CONFIG_FOLDER_MAX_FILES, sizeof(*names));
	enum bd_code code = names == NULL ? BD_NO_MEMORY : BD_OK;
	size_t count = 0;
	while (dir != NULL && code == BD_OK) {
		const struct dirent *entry = readdir(dir);
		if (entry == NULL) {
			break;
		}
		if (!has_ending(entry->d_name, ending)) {
			continue;
		}
		if (count == BD_CONFIG_FOLDER_MAX_FILES) {
			code = BD_LIMIT_COUNT;
			break;
		}
		names[count] = bd_arena_text(arena, bd_bytes_of(entry->d_name));
		code = names[count++] == NULL ? BD_NO_MEMORY : BD_OK;
	}
	if (dir != NULL) {
		closedir(dir);
	}
	if (code == BD_OK) {
		qsort(names, count, sizeof(*names), by_name);
		*out = names;
		*out_count = count;
	}
	return code;
}

enum bd_code bd_file_folders(const char *const **out, size_t *out_count, const char *folder,
	const char *holding, struct bd_arena *arena)
{
	const char **names = bd_arena_alloc(arena, BD_CONFIG_FOLDER_MAX_FILES, sizeof(*names));
	DIR *dir = opendir(folder);
	enum bd_code code = names == NULL ? BD_NO_MEMORY : dir == NULL ? BD_IO : BD_OK;
	const struct dirent *entry;
	size_t count = 0;
	while (code == BD_OK && (entry = readdir(dir)) != NULL) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/%s/%s", folder, entry->d_name, holding);
		if (strchr("._", entry->d_name[0]) != NULL || access(path, R_OK) != 0) {
			continue;
		}
		if (count == BD_CONFIG_FOLDER_MAX_FILES) {
			code = BD_LIMIT_COUNT;
			break;
		}
		names[count] = bd_arena_text(arena, bd_bytes_of(entry->d_name));
		code = names[count++] == NULL ? BD_NO_MEMORY : BD_OK;
	}
	if (dir != NULL) {
		closedir(dir);
	}
	if (code == BD_OK) {
		qsort(names, count, sizeof(*names), by_name);
		*out = names;
		*out_count = count;
	}
	return code;
}
