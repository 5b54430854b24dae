/* fence.h - the folders and ports that biduid may use, found from its configuration, and closed.
 *
 * Layer: daemon. Whatever a setting names is inside: a folder of ours with all in it, and of a file
 * the folder it lies in, because files are replaced by others of the same name (certificates,
 * revocation lists, a new release of the worker). Beside them stand what the C library and OpenSSL
 * read of the system: libraries, name service, certificates it trusts, time zones. Only the data
 * folder, and where the ports are told, may be changed. Closed once, by the only thread there is,
 * before the store is opened: threads and workers that are started later are inside it too. A
 * reload may not name what lies outside: that takes a restart. Outgoing connections stay free,
 * since senders' webhooks may change by reload (http/client.h has their guard).
 */
#ifndef BD_DAEMON_FENCE_H
#define BD_DAEMON_FENCE_H

#include "base/diag.h"
#include "config/sources.h"

struct bd_fence;

/* config: the settings file itself; senders and files, those that the sources file names, may be
 * NULL. Copies what it needs. */
enum bd_code bd_fence_new(struct bd_fence **out, const char *config,
	const struct bd_settings *settings, const struct bd_senders *senders,
	const struct bd_source_files *files, struct bd_diag *diag);
/* BD_CONFIG_RESTART: `newer` has what this one has not; the diag says which. */
enum bd_code bd_fence_covers(
	const struct bd_fence *fence, const struct bd_fence *newer, struct bd_diag *diag);
/* In force from here on. BD_CONFINEMENT: this kernel cannot, or not well enough (landlock.h).
 * NO_NEW_PRIVS must be set. */
enum bd_code bd_fence_close(const struct bd_fence *fence, struct bd_diag *diag);
void bd_fence_free(struct bd_fence *fence);

#endif
