/* backup.h - a copy of a store that may be in use, whole in itself, and putting one back. Layer:
 * store; for the command line.
 *
 * A backup is a folder: what the data folder has (the environment, salts, case files, spools,
 * answers kept for retries, the trail), sealed as it is there, and "manifest" (manifest.h). The
 * manifest is put there last, by one rename, when all else is on the disk: without it, or cut off,
 * a copy is not whole, whenever what made it was killed.
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
/* The manifest is whole, and every file that it names is as it says. BD_BACKUP_DAMAGED. */
enum bd_code bd_backup_verify(
	struct bd_backup_report *report, const char *backup, struct bd_diag *diag);
/* Verified, then copied to `folder`, which is not there, or is empty; whole or not at all: a
 * folder beside it, FOLDER.restoring, takes its place by one rename. Killed before that, it lies
 * there until the next restore clears it. The keys are those of the copy: BD_STORE_KEY. */
enum bd_code bd_backup_restore(struct bd_backup_report *report, const char *backup,
	const char *folder, const struct bd_keys *keys, struct bd_diag *diag);
/* May a store be begun in `folder`? BD_RESTORE_UNFINISHED: there is none in it, but a restore that
 * was to put one there was killed, or is at work. */
enum bd_code bd_restore_check(const char *folder, struct bd_diag *diag);

#endif
