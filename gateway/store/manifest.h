/* manifest.h - what a backup consists of: the text of the file "manifest" in it.
 *
 * Layer: store, pure. A line a file: its SHA-256 in lower-case hexadecimal, its length, its name,
 * with one blank between. The last line says the same of all lines before it, under the name
 * "manifest": a text that was cut off, wherever, or written on, is not whole. Nothing in it is
 * secret, and whoever can write a backup can write its manifest as well: what holds against that
 * are the seals and the signed trail of what it names.
 */
#ifndef BD_STORE_MANIFEST_H
#define BD_STORE_MANIFEST_H

#include "base/digest.h"

#define BD_MANIFEST "manifest"
#define BD_MANIFEST_NAME_MAX_BYTES 255
/* Files of a backup: a day of case files a loop for ten years is some thousand. */
#define BD_MANIFEST_MAX_BYTES ((size_t)64 << 20)

/* Folders that a data folder has, in the order in which they are copied. */
#define BD_MANIFEST_FOLDERS 4
extern const char *const bd_manifest_folders[BD_MANIFEST_FOLDERS];

struct bd_manifest_file {
	uint8_t digest[BD_DIGEST_BYTES];
	uint64_t size;
	char name[BD_MANIFEST_NAME_MAX_BYTES + 1]; /* "NAME" or "FOLDER/NAME" of the above */
};

/* Is it a name that a manifest may have: of printable ASCII without blanks, nothing that leads out
 * of the backup? */
bool bd_manifest_may_name(struct bd_bytes name);
enum bd_code bd_manifest_add(struct bd_buf *out, const struct bd_manifest_file *file);
/* The last line. */
enum bd_code bd_manifest_end(struct bd_buf *out);
/* Is the text whole? Then the last line is taken off it. */
bool bd_manifest_is_whole(struct bd_bytes *text);
/* Takes one line off the front. False: it is none. */
bool bd_manifest_take(struct bd_manifest_file *out, struct bd_bytes *text);

#endif
