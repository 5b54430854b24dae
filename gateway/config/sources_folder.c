#include "config/sources_parts.h"

#include "base/file_pattern.h"

#include <string.h>

#define DONE_SUFFIX ".done"

static void check_pattern(struct bd_source_reading *reading, const struct bd_xml_node *node,
	const char *attribute, const char *pattern)
{
	if (pattern != NULL && !bd_file_pattern_is_good(pattern)) {
		bd_sources_fail(reading, node, attribute,
			"a file's name: * ? and once {date} stand for something else, no slash");
	}
}

/* -- which file is of which feed -- */

static void read_file(struct bd_source_reading *reading, struct bd_folder_file *file,
	const struct bd_source_access *access, const struct bd_xml_node *node)
{
	file->feed = bd_sources_feed(reading, access, node);
	file->pattern = bd_xml_attr(node, "pattern");
	check_pattern(reading, node, "pattern", file->pattern);
	if (file->pattern == NULL && file->feed != NULL) {
		file->pattern = file->feed->file_name;
		file->has_free_ending = true;
		if (file->pattern == NULL) {
			bd_sources_fail(reading, node, "feed",
				"has no file-name in its adapter: a pattern is needed");
		}
	}
}

/* Those of the adapter. */
static void take_all(struct bd_source_reading *reading, struct bd_folder_plan *folder,
	struct bd_folder_file *files, const struct bd_plan *plan, const struct bd_xml_node *node)
{
	for (size_t i = 0; i < plan->feed_count; i++) {
		if (plan->feeds[i].file_name != NULL) {
			files[folder->file_count++] =
				(struct bd_folder_file){ plan->feeds[i].file_name, true,
					&plan->feeds[i] };
		}
	}
	if (folder->file_count == 0) {
		bd_sources_fail(reading, node, NULL, "no feed of this source has a file-name");
	}
}

static void read_files(struct bd_source_reading *reading, struct bd_folder_plan *folder,
	const struct bd_source_access *access, const struct bd_xml_node *node)
{
	size_t count = bd_xml_count(node, "file");
	struct bd_folder_file *files = bd_compiler_make(
		&reading->compiler, count != 0 ? count : access->plan->feed_count, sizeof(*files));
	const struct bd_xml_node *child = bd_xml_child(node, "file");

	folder->files = files;
	if (files != NULL && child == NULL) {
		take_all(reading, folder, files, access->plan, node);
	}
	for (; files != NULL && child != NULL; child = bd_xml_next(child)) {
		read_file(reading, &files[folder->file_count++], access, child);
	}
}

/* -- where -- */

static const char *below(struct bd_source_reading *reading, const struct bd_xml_node *node,
	const char *attribute, const char *folder, const char *name)
{
	const char *stated = bd_sources_path(reading, node, attribute);

	return stated != NULL   ? stated
	       : folder == NULL ? NULL
				: bd_compiler_join(&reading->compiler, folder, name);
}

static void read_places(struct bd_source_reading *reading, struct bd_folder_plan *folder,
	const struct bd_xml_node *node)
{
	const char *receipts = bd_sources_path(reading, node, "receipts");

	folder->path = bd_sources_path(reading, node, "path");
	folder->is_one_way = bd_xml_is_true(node, "one-way");
	if (folder->is_one_way != (receipts != NULL)) {
		bd_sources_fail(reading, node, "receipts",
			"one-way and receipts go together: elsewhere they lie beside the file");
	}
	if (folder->is_one_way &&
		(bd_xml_attr(node, "done") != NULL || bd_xml_attr(node, "failed") != NULL)) {
		bd_sources_fail(reading, node, "done", "nothing is moved where the way is one-way");
	}
	folder->done =
		below(reading, node, "done", folder->is_one_way ? receipts : folder->path, "done");
	folder->failed = below(
		reading, node, "failed", folder->is_one_way ? receipts : folder->path, "failed");
}

/* The folder itself, then those that lie elsewhere. */
size_t bd_sources_folder_paths(struct bd_source_file out[BD_FOLDER_PATHS],
	struct bd_source_reading *reading, const struct bd_xml_node *node)
{
	static const char *const others[] = { "done", "failed", "receipts" };
	size_t count = 0;

	out[count++] = (struct bd_source_file){ bd_sources_path(reading, node, "path"),
		bd_xml_is_true(node, "one-way") ? BD_FOLDER_READ : BD_FOLDER_WRITTEN, false };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && count < BD_FOLDER_PATHS; i++) {
		const char *path = bd_sources_path(reading, node, others[i]);

		if (path != NULL) {
			out[count++] = (struct bd_source_file){ path, BD_FOLDER_WRITTEN, false };
		}
	}
	return count;
}

/* -- all -- */

static void read_folder(struct bd_source_reading *reading, struct bd_folder_plan *folder,
	const struct bd_source_access *access, const struct bd_xml_node *node)
{
	const char *suffix = bd_xml_attr(node, "done-suffix");

	folder->name = bd_xml_attr(node, "name");
	folder->line = node->line;
	folder->column = node->column;
	/* A number: the names of users lie outside of the fence. */
	folder->has_owner = bd_xml_attr(node, "owner") != NULL;
	folder->owner = (uint32_t)bd_sources_number(node, "owner", 0);
	folder->max_bytes = bd_sources_number(node, "max-bytes", 0);
	folder->totals = bd_xml_attr(node, "totals");
	check_pattern(reading, node, "totals", folder->totals);
	if (folder->totals != NULL && strstr(folder->totals, "{date}") == NULL) {
		bd_sources_fail(reading, node, "totals", "{date} says of which day they are");
	}
	if (strcmp(bd_xml_attr(node, "complete"), "done-file") == 0) {
		folder->done_suffix = suffix != NULL ? suffix : DONE_SUFFIX;
	} else if (suffix != NULL) {
		bd_sources_fail(reading, node, "done-suffix", "goes with complete=\"done-file\"");
	}
	read_places(reading, folder, node);
	read_files(reading, folder, access, node);
	for (size_t i = 0; i < access->folder_count; i++) {
		if (strcmp(access->folders[i].name, folder->name) == 0) {
			bd_sources_fail(reading, node, "name", "stands twice");
		}
		if (folder->path != NULL && strcmp(access->folders[i].path, folder->path) == 0) {
			bd_sources_fail(reading, node, "path", "stands twice");
		}
	}
}

void bd_sources_folders(struct bd_source_reading *reading, struct bd_source_access *access,
	const struct bd_xml_node *node)
{
	struct bd_folder_plan *folders = bd_compiler_make(
		&reading->compiler, bd_xml_count(node, "folder"), sizeof(*folders));
	const struct bd_xml_node *child = bd_xml_child(node, "folder");

	access->folders = folders;
	for (; folders != NULL && child != NULL; child = bd_xml_next(child)) {
		read_folder(reading, &folders[access->folder_count], access, child);
		access->folder_count++;
	}
}
