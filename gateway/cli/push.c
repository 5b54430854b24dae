#include "cli/file.h"
#include "cli/pushed.h"
#include "cli/upload.h"

#include <inttypes.h>

/* Path and query of a push; every part is escaped, so a name cannot reach another address. */
#define PATH_MAX_BYTES 16384

static enum bd_code add_query(struct bd_buf *path, char *joint, const char *name, const char *value)
{
	enum bd_code code = BD_OK;

	if (value == NULL) {
		return BD_OK;
	}
	code = bd_buf_printf(path, "%c%s=", *joint, name);
	*joint = '&';
	return code == BD_OK ? bd_cli_escape(path, value) : code;
}

static enum bd_code make_path(struct bd_buf *path, const struct bd_cli_options *options)
{
	char total[32];
	char joint = '?';

	snprintf(total, sizeof(total), "%" PRIu64, options->total);
	const char *queries[][2] = {
		{ "delivery", options->delivery },
		{ "total", options->has_total ? total : NULL },
		{ "baseline", options->is_baseline ? "true" : NULL },
		{ "atomic", options->is_atomic ? "true" : NULL },
		{ "dry_run", options->is_dry_run ? "true" : NULL },
	};
	enum bd_code code = bd_buf_add_text(path, "/v1/sources/");

	code = code == BD_OK ? bd_cli_escape(path, options->source) : code;
	code = code == BD_OK ? bd_buf_add_byte(path, '/') : code;
	code = code == BD_OK ? bd_cli_escape(path, options->feed) : code;
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]) && code == BD_OK; i++) {
		code = add_query(path, &joint, queries[i][0], queries[i][1]);
	}
	return code == BD_OK ? bd_buf_add_byte(path, '\0') : code;
}

static void show(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena)
{
	(void)arena;
	bd_cli_pushed_show(options, answer, options->args[0]);
}

static enum bd_cli_exit push(const struct bd_cli_options *options, const char *path)
{
	static const struct bd_cli_view view = { bd_cli_pushed_is_good, show };
	struct bd_cli_file file;
	const struct bd_cli_request request = { .method = "POST",
		.path = path,
		.content_type = "application/octet-stream",
		.file = &file };

	if (!bd_cli_file_open(&file, options, options->args[0], true)) {
		return BD_CLI_USAGE;
	}
	enum bd_cli_exit result = bd_cli_upload_is_wanted(options, &file)
					  ? bd_cli_upload(options, &file, &view)
					  : bd_cli_ask(options, &request, &view);
	bd_cli_file_close(&file);
	return result;
}

enum bd_cli_exit bd_cli_push(const struct bd_cli_options *options)
{
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf path;

	if (options->source == NULL || options->feed == NULL) {
		bd_cli_notice(options, "请给出 --source 与 --feed", "give --source and --feed");
		return BD_CLI_USAGE;
	}
	bd_buf_init(&path, PATH_MAX_BYTES);
	if (make_path(&path, options) == BD_OK) {
		result = push(options, path.ptr);
	} else {
		bd_cli_notice(options, "数据源或数据流名称过长",
			"the name of the source or feed is too long");
	}
	bd_buf_release(&path);
	return result;
}
