/* changes.h - changes of the configuration that two people have to agree on: setting
 * two_person_approval.
 *
 * Layer: daemon. One struct bd_changes, used by the main thread; loops post struct bd_change to it.
 * Once begun, approval ends only by an approved configuration that has the setting off: taking it
 * out of the file is a change as any other.
 */
#ifndef BD_DAEMON_CHANGES_H
#define BD_DAEMON_CHANGES_H

#include "daemon/approval.h"
#include "daemon/mailbox.h"
#include "daemon/setup.h"

struct bd_daemon;

enum bd_change_verb { BD_CHANGE_SHOW = 0, BD_CHANGE_PROPOSE, BD_CHANGE_APPROVE };

struct bd_changes {
	char path[4096]; /* of the approvals */
	uint8_t key[BD_APPROVAL_KEY_BYTES];
	struct bd_approval approval;
	bool is_required;
};

/* What a person asks; from a loop to the main thread and back. */
struct bd_change {
	struct bd_letter letter; /* set deliver before each way */
	struct bd_daemon *daemon;
	struct bd_mailbox *home;
	void (*answer)(struct bd_letter *letter); /* deliver of the way back */
	enum bd_change_verb verb;
	char person[BD_ACCOUNT_NAME_MAX_BYTES + 1];
	uint8_t stated[BD_DIGEST_BYTES];
	/* out */
	struct bd_diag diag; /* why not */
	bool is_required, is_on_disk_good;
	uint8_t running[BD_DIGEST_BYTES], on_disk[BD_DIGEST_BYTES];
	struct bd_approval approval;
	char fault[512]; /* of the files on the disk, "" = none */
};

/* At a start, with the configuration that was read. Where approval is asked for and none was ever
 * given, what is there begins it (*is_begun). BD_CHANGE_UNAPPROVED: it is not what was approved
 * last; BD_CHANGE_FORGED. */
enum bd_code bd_changes_open(struct bd_changes *changes, bool *is_begun,
	const struct bd_setup *setup, int64_t now_ms, struct bd_diag *diag);
/* At a reload: whether this one may come into force. */
enum bd_code bd_changes_allow(
	struct bd_changes *changes, const struct bd_setup *next, struct bd_diag *diag);
/* It has come into force: where it has the setting off, approval ends; where it is on, it begins.
 */
enum bd_code bd_changes_taken(struct bd_changes *changes, const struct bd_setup *setup,
	int64_t now_ms, struct bd_diag *diag);
/* Does what is asked; running is what is in force, config its settings file. True: the files on the
 * disk have just been approved, and may be read. */
bool bd_changes_do(struct bd_changes *changes, struct bd_change *change,
	const struct bd_setup *running, const char *config, int64_t now_ms);

#endif
