/* file.h - whole configuration files and the names in a folder.
 *
 * Layer: config. Files of this machine's administrator only.
 */
#ifndef BD_CONFIG_FILE_H
#define BD_CONFIG_FILE_H

#include "base/arena.h"

/* Larger than any configuration: the largest code list has some hundred kilobytes. */
#define BD_CONFIG_FILE_MAX_BYTES 8388608
/* Feeds or code maps of one adapter: market supervision shares 81 tables. */
#define BD_CONFIG_FOLDER_MAX_FILES 512

/* The bytes of a file, with a NUL behind them. BD_IO, BD_LIMIT_BYTES, BD_NO_MEMORY. */
enum bd_code bd_file_read(struct bd_bytes *out, const char *path, struct bd_arena *arena);
/* Names in a folder that end so, sorted bytewise, hidden ones left out. No folder is an empty one.
 */
enum bd_code bd_file_list(const char *const **out, size_t *out_count, const char *folder,
	const char *ending, struct bd_arena *arena);
/* Names of the folders in a folder that hold a file of that name, sorted; not those that begin with
 * '.' or '_'. BD_IO when the folder cannot be read. */
enum bd_code bd_file_folders(const char *const **out, size_t *out_count, const char *folder,
	const char *holding, struct bd_arena *arena);

#endif
