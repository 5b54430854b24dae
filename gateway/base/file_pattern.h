/* file_pattern.h - names of files that departments deliver: what a pattern fits, and which day it
 * says.
 *
 * Layer: base, pure. In a pattern `*` stands for any bytes, `?` for one, and `{date}` (at most
 * once) for a day as yyyyMMdd; all else for itself. Names are one part of a path: a slash never
 * stands in one. What a transfer leaves behind while it is not done (.part, .tmp and the like), and
 * the marks and receipts that lie beside a file, fit no pattern.
 */
#ifndef BD_BASE_FILE_PATTERN_H
#define BD_BASE_FILE_PATTERN_H

#include "base/bytes.h"

/* Of a name, as file systems have it (NAME_MAX). */
#define BD_FILE_NAME_MAX_BYTES 255

/* Is it one: not empty, no slash, {date} at most once, no other braces? */
bool bd_file_pattern_is_good(const char *pattern);
/* *day: the one that the name says; INT32_MIN where the pattern has none. With has_free_ending the
 * name may go on behind the pattern: "." and letters, digits and points (".txt", ".utf8.txt.gz").
 * A {date} that is no day does not fit. */
bool bd_file_pattern_fits(
	int32_t *day, const char *pattern, bool has_free_ending, struct bd_bytes name);
/* Of a transfer that is not done, or of what lies beside a file; also hidden ones. */
bool bd_file_name_is_passing(struct bd_bytes name);
/* May it be shown: UTF-8 (RFC 3629) without control characters, and no part of a path? */
bool bd_file_name_is_good(struct bd_bytes name);
/* Appends the name as it may be shown and written: every byte of one that is not good as %XX, else
 * itself. */
enum bd_code bd_file_name_show(struct bd_buf *out, struct bd_bytes name);

#endif
