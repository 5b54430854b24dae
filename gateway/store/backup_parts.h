/* backup_parts.h - what making a backup and putting one back have in common: files copied with
 * their digests. Layer: store; for backup.c and restore.c. */
#ifndef BD_STORE_BACKUP_PARTS_H
#define BD_STORE_BACKUP_PARTS_H

#include "store/backup.h"
#include "store/manifest.h"

#define BD_BACKUP_PATH_BYTES 4352

struct bd_copy {
	const char *from, *to;
	struct bd_buf manifest; /* of what was copied, or found */
	char *room;
	struct bd_backup_report report;
	bool cuts_salts; /* where the file is the store's own */
	struct bd_diag *diag;
};

enum bd_code bd_copy_open(
	struct bd_copy *copy, const char *from, const char *to, struct bd_diag *diag);
void bd_copy_close(struct bd_copy *copy);

void bd_copy_join(char out[BD_BACKUP_PATH_BYTES], const char *folder, const char *name);
/* By errno: BD_DISK_FULL or BD_IO. */
enum bd_code bd_copy_io_fail(struct bd_diag *diag, const char *name);
enum bd_code bd_copy_sync(const char *path, struct bd_diag *diag);
/* The folder that it stands in: what was made or renamed there. */
enum bd_code bd_copy_sync_parent(const char *path, struct bd_diag *diag);
bool bd_copy_write(int fd, const char *bytes, size_t len);

/* From one descriptor to another with its digest; to -1 = only that. What is zero stays a hole: the
 * file of salts is one for the most part. */
enum bd_code bd_copy_bytes(struct bd_copy *copy, struct bd_manifest_file *file, int from, int to);
/* A line of the manifest, and of the report. */
enum bd_code bd_copy_note(struct bd_copy *copy, const struct bd_manifest_file *file);
/* file->name is copied, synced and noted; the rest of it is set. *is_gone: it was there when it was
 * listed, and is not any more. */
enum bd_code bd_copy_file(struct bd_copy *copy, const char *name, bool *is_gone);

#endif
