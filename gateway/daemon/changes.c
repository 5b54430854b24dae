#include "daemon/changes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool asks(const struct bd_setup *setup)
{
	return setup->settings->two_person_approval != 0;
}

static enum bd_code begin(struct bd_changes *changes, const struct bd_setup *setup, int64_t now_ms,
	struct bd_diag *diag)
{
	struct bd_approval approval = { .has_approved = true, .approved_ms = now_ms };
	enum bd_code code;

	memcpy(approval.approved, setup->digest, sizeof(approval.approved));
	code = bd_approval_write(&approval, changes->path, changes->key, diag);
	if (code == BD_OK) {
		changes->approval = approval;
		changes->is_required = true;
	}
	return code;
}

enum bd_code bd_changes_open(struct bd_changes *changes, bool *is_begun,
	const struct bd_setup *setup, int64_t now_ms, struct bd_diag *diag)
{
	enum bd_code code;

	snprintf(
		changes->path, sizeof(changes->path), "%s/approvals", setup->settings->data_folder);
	code = bd_approval_read(&changes->approval, changes->path, changes->key, diag);
	changes->is_required = changes->approval.has_approved;
	*is_begun = false;
	if (code != BD_OK) {
		return code;
	}
	if (!changes->is_required && asks(setup)) {
		*is_begun = true;
		return begin(changes, setup, now_ms, diag);
	}
	return bd_changes_allow(changes, setup, diag);
}

enum bd_code bd_changes_allow(
	struct bd_changes *changes, const struct bd_setup *next, struct bd_diag *diag)
{
	char hex[2 * BD_DIGEST_BYTES + 1];

	if (!changes->is_required || bd_approval_allows(&changes->approval, next->digest)) {
		return BD_OK;
	}
	bd_hex(hex, next->digest, sizeof(next->digest));
	return bd_fail(diag, BD_CHANGE_UNAPPROVED, "%s", hex);
}

enum bd_code bd_changes_taken(struct bd_changes *changes, const struct bd_setup *setup,
	int64_t now_ms, struct bd_diag *diag)
{
	if (!changes->is_required) {
		return asks(setup) ? begin(changes, setup, now_ms, diag) : BD_OK;
	}
	if (asks(setup)) {
		return BD_OK;
	}
	if (unlink(changes->path) != 0 && errno != ENOENT) {
		return bd_fail(diag, BD_IO, "approvals: %s", strerror(errno));
	}
	changes->approval = (struct bd_approval){ .has_approved = false };
	changes->is_required = false;
	return BD_OK;
}

/* What lies on the disk, as a start would read it. */
static struct bd_setup *read_disk(
	struct bd_change *change, const struct bd_setup *running, const char *config)
{
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	struct bd_setup *setup = NULL;

	if (diags == NULL) {
		return NULL;
	}
	if (bd_setup_load(&setup, config, running, diags) != BD_OK) {
		bd_diag_show(change->fault, sizeof(change->fault), &diags->items[0]);
		setup = NULL;
	}
	free(diags);
	return setup;
}

static enum bd_code act(struct bd_changes *changes, const struct bd_change *change,
	const struct bd_setup *disk, int64_t now_ms, struct bd_diag *diag)
{
	struct bd_approval next = changes->approval;
	enum bd_code code;

	if (!changes->is_required) {
		return bd_fail(diag, BD_CHANGE_OFF, "%s", "");
	}
	if (disk == NULL) {
		return bd_fail(diag, BD_CONFIG_MEANING, "%s", "biduid --check says what is wrong");
	}
	code = change->verb == BD_CHANGE_PROPOSE ? bd_approval_propose(&next, disk->digest,
							   change->stated, change->person, now_ms)
						 : bd_approval_approve(&next, disk->digest,
							   change->stated, change->person, now_ms);
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	code = bd_approval_write(&next, changes->path, changes->key, diag);
	if (code == BD_OK) {
		changes->approval = next;
	}
	return code;
}

bool bd_changes_do(struct bd_changes *changes, struct bd_change *change,
	const struct bd_setup *running, const char *config, int64_t now_ms)
{
	struct bd_setup *disk = read_disk(change, running, config);

	if (change->verb != BD_CHANGE_SHOW) {
		act(changes, change, disk, now_ms, &change->diag);
	}
	change->is_required = changes->is_required;
	change->approval = changes->approval;
	memcpy(change->running, running->digest, sizeof(change->running));
	change->is_on_disk_good = disk != NULL;
	if (disk != NULL) {
		memcpy(change->on_disk, disk->digest, sizeof(change->on_disk));
	}
	bd_setup_unref(disk);
	return change->verb == BD_CHANGE_APPROVE && change->diag.code == BD_OK;
}
