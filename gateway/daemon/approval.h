/* approval.h - which configuration two people have approved, kept where who writes the
 * configuration cannot forge it.
 *
 * Layer: daemon; plain state, its file, and what may be done to it. Used on the main thread only.
 * A configuration is known by the digest of all files that were read (imprint.h): settings,
 * senders, accounts, keys of senders, grants, adapters, dictionary and matters. One person proposes
 * a digest, another one approves that very digest; nothing else is ever approved. The file lies in
 * data_folder and ends with an HMAC-SHA256 under a key derived from the master key: who can write
 * the configuration but not the data folder can neither make nor change it; who can write the data
 * folder too could put an older one back, which the trail shows.
 */
#ifndef BD_DAEMON_APPROVAL_H
#define BD_DAEMON_APPROVAL_H

#include "base/diag.h"
#include "base/digest.h"
#include "base/limits.h"

#define BD_APPROVAL_KEY_BYTES 32

struct bd_approval {
	bool has_approved, has_proposed;
	uint8_t approved[BD_DIGEST_BYTES], proposed[BD_DIGEST_BYTES];
	/* Who proposed and approved what is approved; "" = it was there when approval began. */
	char approved_proposer[BD_ACCOUNT_NAME_MAX_BYTES + 1];
	char approver[BD_ACCOUNT_NAME_MAX_BYTES + 1];
	char proposer[BD_ACCOUNT_NAME_MAX_BYTES + 1];
	int64_t approved_ms, proposed_ms;
};

/* No file is an empty state. BD_CHANGE_FORGED: it is not as it was written under this key. */
enum bd_code bd_approval_read(struct bd_approval *out, const char *path,
	const uint8_t key[BD_APPROVAL_KEY_BYTES], struct bd_diag *diag);
/* Whole or not at all, and synced. */
enum bd_code bd_approval_write(const struct bd_approval *approval, const char *path,
	const uint8_t key[BD_APPROVAL_KEY_BYTES], struct bd_diag *diag);

/* digest: what was read of the files just now; stated: what the person says that they mean.
 * BD_CHANGE_DIGEST: those differ. BD_CHANGE_NONE: it is approved already. */
enum bd_code bd_approval_propose(struct bd_approval *approval,
	const uint8_t digest[BD_DIGEST_BYTES], const uint8_t stated[BD_DIGEST_BYTES],
	const char *person, int64_t now_ms);
/* BD_CHANGE_DIGEST: it is not what is proposed, or the files have changed since.
 * BD_CHANGE_SAME_PERSON: who proposed it. */
enum bd_code bd_approval_approve(struct bd_approval *approval,
	const uint8_t digest[BD_DIGEST_BYTES], const uint8_t stated[BD_DIGEST_BYTES],
	const char *person, int64_t now_ms);
/* Whether a configuration of this digest may come into force. */
bool bd_approval_allows(const struct bd_approval *approval, const uint8_t digest[BD_DIGEST_BYTES]);

#endif
