#include "daemon/user.h"

#include "daemon/confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static enum bd_code fail(struct bd_diag *diag, const char *why)
{
	return bd_fail(diag, BD_RUN_AS_USER, "run_as_user: %s", why);
}

/* Its groups first: afterwards it may not any more. */
static enum bd_code drop(const struct passwd *user, struct bd_diag *diag)
{
	if (initgroups(user->pw_name, user->pw_gid) != 0 ||
		setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
		setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0) {
		return fail(diag, strerror(errno));
	}
	return user->pw_uid != 0 && setuid(0) == 0 ? fail(diag, "root could be had again") : BD_OK;
}

enum bd_code bd_user_become(const char *name, struct bd_diag *diag)
{
	const struct passwd *user;

	if (name == NULL) {
		return geteuid() != 0 ? BD_OK : fail(diag, "not set, and this is root");
	}
	errno = 0;
	user = getpwnam(name);
	if (user == NULL) {
		return fail(diag, errno != 0 ? strerror(errno) : "no such user");
	}
	if (user->pw_uid == geteuid()) {
		return BD_OK;
	}
	return geteuid() == 0 ? drop(user, diag) : fail(diag, "only root can become another user");
}

enum bd_code bd_user_guard(struct bd_diag *diag)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0) {
		return bd_fail(diag, BD_CONFINEMENT, "%s", strerror(errno));
	}
#ifndef BD_IS_SANITIZED
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		return bd_fail(diag, BD_CONFINEMENT, "%s", strerror(errno));
	}
#endif
	return BD_OK;
}
