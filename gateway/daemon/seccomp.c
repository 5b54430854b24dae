#include "daemon/seccomp.h"

#include "daemon/confine.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What parsing needs beyond the calls that are looked at by their arguments: memory goes back, a
 * lock waits, the processor is shared, time is read where the vdso does not do it, and the process
 * ends. */
static const char *const plain[] = { "brk", "clock_gettime", "exit", "exit_group", "futex",
	"getpid", "gettid", "gettimeofday", "madvise", "mremap", "munmap", "restart_syscall",
	"rt_sigprocmask", "rt_sigreturn", "sched_yield" };

#ifdef BD_IS_SANITIZED
/* What the run-time libraries of sanitizers ask for on top: their shadow memory, their threads,
 * their reports, and the leak checker that stops the process from beside it. */
static const char *const sanitizers[] = { "clock_nanosleep", "clone", "clone3", "close", "fcntl",
	"fstat", "getdents", "getdents64", "getppid", "getrlimit", "getuid", "ioctl", "kill",
	"lseek", "mmap", "mprotect", "nanosleep", "newfstatat", "open", "openat", "personality",
	"poll", "prctl", "prlimit64", "process_vm_readv", "ptrace", "read", "readlink",
	"readlinkat", "rseq", "rt_sigaction", "sched_getaffinity", "set_robust_list", "sigaltstack",
	"stat", "statx", "tgkill", "uname", "wait4", "write", "writev" };
#endif

static int allow_all(scmp_filter_ctx filter, const char *const *names, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && error == 0; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		/* A name that this architecture or library does not have cannot be called. */
		error = number == __NR_SCMP_ERROR
				? 0
				: seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	return error;
}

static int allow_if(
	scmp_filter_ctx filter, const char *name, unsigned count, const struct scmp_arg_cmp *when)
{
	return seccomp_rule_add_array(
		filter, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(name), count, when);
}

/* Talk to biduid alone; take memory that holds no file and is never run; abort itself. */
static int allow_checked(scmp_filter_ctx filter, int socket_fd)
{
	const struct scmp_arg_cmp socket[] = { { 0, SCMP_CMP_EQ, (scmp_datum_t)socket_fd, 0 } };
	const struct scmp_arg_cmp memory[] = { { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 },
		{ 3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS } };
	const struct scmp_arg_cmp itself[] = { { 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0 } };
	int error = allow_if(filter, "read", 1, socket);

	error = error == 0 ? allow_if(filter, "write", 1, socket) : error;
	error = error == 0 ? allow_if(filter, "mmap", 2, memory) : error;
	return error == 0 ? allow_if(filter, "tgkill", 1, itself) : error;
}

enum bd_code bd_seccomp_worker(int socket_fd, struct bd_diag *diag)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = filter == NULL ? -ENOMEM : 0;

	/* Other architectures' calls of the same machine (i386, x32) end it as well. */
	error = error == 0
			? seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)
			: error;
	error = error == 0 ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) : error;
	error = error == 0 ? allow_all(filter, plain, sizeof(plain) / sizeof(plain[0])) : error;
#ifdef BD_IS_SANITIZED
	error = error == 0
			? allow_all(filter, sanitizers, sizeof(sanitizers) / sizeof(sanitizers[0]))
			: error;
	(void)allow_checked;
	(void)socket_fd;
#else
	error = error == 0 ? allow_checked(filter, socket_fd) : error;
#endif
	error = error == 0 ? seccomp_load(filter) : error;
	seccomp_release(filter);
	return error == 0 ? BD_OK : bd_fail(diag, BD_CONFINEMENT, "seccomp: %s", strerror(-error));
}
