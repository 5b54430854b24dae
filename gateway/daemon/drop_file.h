/* drop_file.h - what is done to the files of a drop folder: looked at, opened, put away.
 *
 * Layer: daemon. Blocking, for a thread of the pool: the folder may be mounted from elsewhere. Who
 * can write there is not trusted: no link is followed, nothing but a regular file is opened, no
 * name is put together with another to a path, and a file is the one that was looked at or it is
 * not touched.
 */
#ifndef BD_DAEMON_DROP_FILE_H
#define BD_DAEMON_DROP_FILE_H

#include "base/diag.h"
#include "base/digest.h"
#include "base/file_pattern.h"

/* Which file it is, in which state: as long as all of it is the same nothing was done to it. */
struct bd_drop_mark {
	uint64_t device, number, size;
	int64_t modified_ns, changed_ns;
};

struct bd_drop_seen {
	char name[BD_FILE_NAME_MAX_BYTES + 1];
	struct bd_drop_mark mark;
	uint32_t mode, owner;
	uint64_t links;
};

struct bd_drop_list {
	struct bd_drop_seen *items; /* by the bytes of their names */
	size_t count;
	uint32_t owner; /* of the folder */
	bool is_cut;    /* there are more than BD_FOLDER_ENTRIES_MAX */
};

bool bd_drop_mark_is(const struct bd_drop_mark *a, const struct bd_drop_mark *b);
/* Folders in it are left out. BD_FOLDER_OPEN: it cannot be read, or anybody may write to it;
 * BD_NO_MEMORY. */
enum bd_code bd_drop_list(struct bd_drop_list *out, const char *folder, struct bd_diag *diag);
void bd_drop_list_release(struct bd_drop_list *list);
/* NULL = no such name. */
const struct bd_drop_seen *bd_drop_list_find(const struct bd_drop_list *list, const char *name);

/* Opens the file that was seen. BD_FOLDER_CHANGED: it is another, or gone; BD_FOLDER_KIND,
 * BD_FOLDER_OPEN. */
enum bd_code bd_drop_open(
	int *fd, const char *folder, const struct bd_drop_seen *seen, struct bd_diag *diag);
/* Of the whole file, from its beginning. *is_over (atomic) ends it early with BD_DRAINING. */
enum bd_code bd_drop_digest(
	uint8_t out[BD_DIGEST_BYTES], int fd, const bool *is_over, struct bd_diag *diag);
/* Appends a small file, opened as above: BD_LIMIT_BYTES when it is longer than the buffer's
 * maximum. */
enum bd_code bd_drop_read(struct bd_buf *out, int fd, struct bd_diag *diag);

/* The SHA-256 that the mark beside a file states in hexadecimal as its first word; *has_one false
 * where there is no mark, or it says nothing. */
void bd_drop_stated(uint8_t out[BD_DIGEST_BYTES], bool *has_one, const char *folder,
	const char *name, const char *suffix);

/* A name under which nothing lies in that folder yet: this one, or with .2, .3 ... behind it. The
 * folder is made when it is not there. BD_FOLDER_MOVE. */
enum bd_code bd_drop_choose(char out[BD_FILE_NAME_MAX_BYTES + 1], const char *folder,
	const char *name, struct bd_diag *diag);
/* name + suffix, whole on the disk or not there. BD_FOLDER_MOVE, BD_DISK_FULL. */
enum bd_code bd_drop_put(const char *folder, const char *name, const char *suffix,
	struct bd_bytes text, struct bd_diag *diag);
/* The file that was seen, to `to` as `name`, also on another file system. Nothing is written over:
 * BD_FOLDER_MOVE. BD_FOLDER_CHANGED: another lies there by now, and stays. */
enum bd_code bd_drop_move(const char *from, const struct bd_drop_seen *seen, const char *to,
	const char *name, struct bd_diag *diag);
/* name + suffix is gone; no failure when it was not there. */
void bd_drop_remove(const char *folder, const char *name, const char *suffix);
/* Is there name + suffix in the folder, changed at this time or later (ns)? */
bool bd_drop_is_there(
	const char *folder, const char *name, const char *suffix, int64_t not_before_ns);

#endif
