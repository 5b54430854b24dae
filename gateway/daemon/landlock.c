#include "daemon/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What kernels have that are newer than the headers this is built with; the numbers are the
 * kernel's interface and never change. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#define NET_BIND_TCP (1ULL << 0)
#define NET_CONNECT_TCP (1ULL << 1)
#define RULE_NET_PORT 2
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

/* struct landlock_ruleset_attr and landlock_net_port_attr, as the newest kernels have them. */
struct ruleset_attr {
	uint64_t handled_access_fs, handled_access_net, scoped;
};

struct net_port_attr {
	uint64_t allowed_access, port;
};

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGES                                                                                    \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |                             \
		LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |                        \
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                   \
		LANDLOCK_ACCESS_FS_REFER)
/* Of a path that is no folder. */
#define OF_FILE                                                                                    \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                              \
		LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |                       \
		LANDLOCK_ACCESS_FS_IOCTL_DEV)

struct bd_landlock {
	struct ruleset_attr attr;
	int fd;
};

static long create_ruleset(const struct ruleset_attr *attr, size_t size, uint32_t flags)
{
	return syscall(SYS_landlock_create_ruleset, attr, size, flags);
}

unsigned bd_landlock_abi(const char **reason)
{
	long abi = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	*reason = "";
	if (abi >= 1) {
		return (unsigned)abi;
	}
	*reason = errno == EOPNOTSUPP ? "switched off at boot (lsm=)"
		  : errno == ENOSYS   ? "not in this kernel"
				      : "refused, perhaps by the container's own filter";
	return 0;
}

/* All that this ABI can lock of files. */
static uint64_t files_of(unsigned abi)
{
	uint64_t files = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

	files |= abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
	files |= abi >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0;
	return files | (abi >= 5 ? LANDLOCK_ACCESS_FS_IOCTL_DEV : 0);
}

enum bd_code bd_landlock_new(struct bd_landlock **out, bool ports, struct bd_diag *diag)
{
	const char *reason;
	unsigned abi = bd_landlock_abi(&reason);
	size_t size = abi >= 6   ? sizeof(struct ruleset_attr)
		      : abi >= 4 ? offsetof(struct ruleset_attr, scoped)
				 : offsetof(struct ruleset_attr, handled_access_net);
	struct bd_landlock *lock = calloc(1, sizeof(*lock));

	if (lock == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	lock->attr.handled_access_fs = files_of(abi);
	lock->attr.handled_access_net = abi >= 4 && ports ? NET_BIND_TCP : 0;
	lock->attr.scoped = abi >= 6 ? SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0;
	lock->fd = abi == 0 ? -1 : (int)create_ruleset(&lock->attr, size, 0);
	if (lock->fd < 0) {
		free(lock);
		return bd_fail(
			diag, BD_CONFINEMENT, "Landlock: %s", abi == 0 ? reason : strerror(errno));
	}
	*out = lock;
	return BD_OK;
}

static uint64_t rights_of(unsigned rights)
{
	return ((rights & BD_MAY_READ) != 0 ? READS : 0) |
	       ((rights & BD_MAY_WRITE) != 0 ? CHANGES : 0) |
	       ((rights & BD_MAY_USE) != 0
			       ? LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE
			       : 0) |
	       ((rights & BD_MAY_EXECUTE) != 0
			       ? LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE
			       : 0);
}

enum bd_code bd_landlock_allow(
	struct bd_landlock *lock, const char *path, unsigned rights, struct bd_diag *diag)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights_of(rights) &
								     lock->attr.handled_access_fs };
	struct stat status;
	int error = 0;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0 || fstat(rule.parent_fd, &status) != 0) {
		error = errno;
	} else {
		rule.allowed_access &= S_ISDIR(status.st_mode) ? UINT64_MAX : OF_FILE;
		error = syscall(SYS_landlock_add_rule, lock->fd, LANDLOCK_RULE_PATH_BENEATH, &rule,
				0) != 0
				? errno
				: 0;
	}
	if (rule.parent_fd >= 0) {
		close(rule.parent_fd);
	}
	return error == 0 ? BD_OK : bd_fail(diag, BD_IO, "%s: %s", path, strerror(error));
}

enum bd_code bd_landlock_allow_port(struct bd_landlock *lock, unsigned port, struct bd_diag *diag)
{
	const struct net_port_attr rule = { NET_BIND_TCP, port };

	if (lock->attr.handled_access_net == 0 ||
		syscall(SYS_landlock_add_rule, lock->fd, RULE_NET_PORT, &rule, 0) == 0) {
		return BD_OK;
	}
	return bd_fail(diag, BD_CONFINEMENT, "Landlock: port %u: %s", port, strerror(errno));
}

enum bd_code bd_landlock_enforce(struct bd_landlock *lock, struct bd_diag *diag)
{
	return syscall(SYS_landlock_restrict_self, lock->fd, 0) == 0
		       ? BD_OK
		       : bd_fail(diag, BD_CONFINEMENT, "Landlock: %s", strerror(errno));
}

void bd_landlock_free(struct bd_landlock *lock)
{
	if (lock != NULL) {
		close(lock->fd);
		free(lock);
	}
}
