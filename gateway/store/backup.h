/* backup.h - a copy of a store that may be in use, whole in itself, and putting one back. Layer:
 * store; for the command line.
 *
 * A backup is a folder: what the data folder has (the environment, salts, case files, spools,
 * answers kept for retries, the trail), sealed as it is there, and "manifest": a line a file, its
 * SHA-256, its length, its name. The manifest is written last: without it a copy is not whole.
 *
 * The environment is copied first, as of one commit (mdb_env_copy2, packed). What it needs of the
 * other files was there before that commit and is copied after it; what was erased meanwhile is
 * erased in the copy too. Of the trail the heads are copied before what they sign.
 */
#ifndef BD_STORE_BACKUP_H
#define BD_STORE_BACKUP_H

#include "base/diag.h"
#include "base/keys.h"

struct bd_backup_report {
	uint64_t files, bytes;
};

/* `to` is made, and must not be there. BD_STORE_FAILED: there is no store in `folder`. */
enum bd_code bd_store_backup(
	struct bd_backup_report *report, const char *folder, const char *to, struct bd_diag *diag);
/* Every file of the backup is as the manifest says, and nothing else is there. BD_BACKUP_DAMAGED.
 */
enum bd_code bd_backup_verify(
	struct bd_backup_report *report, const char *backup, struct bd_diag *diag);
/* Verified, then copied to `folder`, which is not there, or is empty; whole or not at all: a
 * folder beside it takes its place. The keys are those of the copy: BD_STORE_KEY. */
enum bd_code bd_backup_restore(struct bd_backup_report *report, const char *backup,
	const char *folder, const struct bd_keys *keys, struct bd_diag *diag);

#endif
