/* paths.c - can what the settings name be used? Asked before anything is opened, so that an
 * operator is told the setting, the path and the reason, of all at once. */
#include "config/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As the account that runs, whoever started it. */
static int may(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0 : errno;
}

/* 0 or an errno. */
static int try_file(const char *path, int mode)
{
	struct stat about;

	if (stat(path, &about) != 0) {
		return errno;
	}
	return S_ISDIR(about.st_mode) ? EISDIR : may(path, mode);
}

static int try_folder(const char *path, int mode)
{
	struct stat about;

	if (stat(path, &about) != 0) {
		return errno;
	}
	return S_ISDIR(about.st_mode) ? may(path, mode | X_OK) : ENOTDIR;
}

/* It may be made anew, so its folder counts. */
static int try_written(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	int len = slash == NULL
			  ? snprintf(folder, sizeof(folder), ".")
			  : snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);

	return len >= (int)sizeof(folder) ? ENAMETOOLONG : try_folder(folder, W_OK);
}

static int try_use(const char *path, enum bd_file_use use)
{
	switch (use) {
	case BD_FILE_READ:
		return try_file(path, R_OK);
	case BD_FILE_WRITTEN:
		return try_written(path);
	case BD_FILE_RUN:
		return try_file(path, X_OK);
	case BD_FOLDER_READ:
		return try_folder(path, R_OK);
	case BD_FOLDER_WRITTEN:
		return try_folder(path, R_OK | W_OK);
	}
	return EINVAL;
}

enum bd_code bd_config_paths(
	const struct bd_settings *settings, const char *path, struct bd_diags *diags)
{
	struct bd_setting_file file;

	for (size_t i = 0; bd_config_setting_file(&file, settings, i); i++) {
		int error =
			file.path == NULL || file.may_be_lost ? 0 : try_use(file.path, file.use);

		if (error != 0) {
			bd_diags_add(diags, BD_CONFIG_PATH, bd_diags_shown(path), 0, 0,
				"%s = %s: %s", file.key, file.path, strerror(error));
		}
	}
	return bd_diags_code(diags);
}
