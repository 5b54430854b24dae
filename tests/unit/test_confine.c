/* test_confine.c - what a worker cannot do any more: each attempt is made by a process that was
 * confined as workers are, and each lock is tried alone as well.
 */
#include "daemon/confine.h"

#include "base/limits.h"
#include "daemon/landlock.h"
#include "daemon/seccomp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Longer than anything here takes; a wait that reaches it is a failure. */
#define PATIENCE_MS 20000

/* What an attempt is answered with when it is not ended for it. */
enum { SUCCEEDED = 40, FAILED = 41, UNCONFINED = 42, ODD = 43 };

static int result_of(long result)
{
	return result < 0 ? FAILED : SUCCEEDED;
}

/* -- attempts; each with the socket to biduid -- */

static int read_passwords(int socket_fd)
{
	(void)socket_fd;
	return result_of(open("/etc/passwd", O_RDONLY));
}

static int read_environment(int socket_fd)
{
	(void)socket_fd;
	return result_of(open("/proc/self/environ", O_RDONLY));
}

static int make_a_file(int socket_fd)
{
	char path[] = "/tmp/bidui-confine-XXXXXX";

	(void)socket_fd;
	int fd = mkstemp(path);
	if (fd >= 0) {
		unlink(path);
	}
	return result_of(fd);
}

static int open_by_openat2(int socket_fd)
{
	const uint64_t how[3] = { O_RDONLY, 0, 0 };

	(void)socket_fd;
	return result_of(syscall(SYS_openat2, AT_FDCWD, "/", how, sizeof(how)));
}

static int remove_a_file(int socket_fd)
{
	(void)socket_fd;
	return result_of(unlink("/tmp/bidui-confine-none"));
}

static int make_a_socket(int socket_fd)
{
	(void)socket_fd;
	return result_of(socket(AF_INET, SOCK_STREAM, 0));
}

static int make_a_local_socket(int socket_fd)
{
	(void)socket_fd;
	return result_of(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int make_a_pair(int socket_fd)
{
	int pair[2];

	(void)socket_fd;
	return result_of(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static int connect_its_own(int socket_fd)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/x" };

	return result_of(connect(socket_fd, (const struct sockaddr *)&address, sizeof(address)));
}

static int listen_on_its_own(int socket_fd)
{
	return result_of(listen(socket_fd, 1));
}

static int pass_descriptors(int socket_fd)
{
	struct msghdr message = { 0 };

	return result_of(recvmsg(socket_fd, &message, MSG_DONTWAIT));
}

static int run_a_program(int socket_fd)
{
	char *args[] = { "true", NULL }, *environment[] = { NULL };

	(void)socket_fd;
	return result_of(execve("/bin/true", args, environment));
}

static int make_a_process(int socket_fd)
{
	(void)socket_fd;
	pid_t child = fork();
	if (child == 0) {
		_exit(0);
	}
	return result_of(child);
}

static void *nothing(void *state)
{
	return state;
}

static int make_a_thread(int socket_fd)
{
	pthread_t thread;

	(void)socket_fd;
	return pthread_create(&thread, NULL, nothing, NULL) == 0 ? SUCCEEDED : FAILED;
}

static int be_traced(int socket_fd)
{
	(void)socket_fd;
	return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int trace_another(int socket_fd)
{
	(void)socket_fd;
	return result_of(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static int read_another(int socket_fd)
{
	(void)socket_fd;
	return result_of(syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0));
}

static int signal_another(int socket_fd)
{
	(void)socket_fd;
	return result_of(kill(1, 0));
}

static int signal_a_thread_of_another(int socket_fd)
{
	(void)socket_fd;
	return result_of(syscall(SYS_tgkill, 1, 1, 0));
}

static int memory_that_runs(int socket_fd)
{
	(void)socket_fd;
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? FAILED : SUCCEEDED;
}

static int memory_made_to_run(int socket_fd)
{
	(void)socket_fd;
	void *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return result_of(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}

static int memory_of_a_file(int socket_fd)
{
	void *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, socket_fd, 0);
	return memory == MAP_FAILED ? FAILED : SUCCEEDED;
}

static int memory_with_a_name(int socket_fd)
{
	(void)socket_fd;
	return result_of(memfd_create("x", 0));
}

static int write_to_standard_error(int socket_fd)
{
	(void)socket_fd;
	return result_of(write(STDERR_FILENO, "", 0));
}

static int copy_a_descriptor(int socket_fd)
{
	return result_of(dup(socket_fd));
}

static int raise_a_limit(int socket_fd)
{
	const struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	(void)socket_fd;
	return result_of(setrlimit(RLIMIT_CORE, &limit));
}

static int be_dumpable(int socket_fd)
{
	(void)socket_fd;
	return result_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int leave_its_namespace(int socket_fd)
{
	(void)socket_fd;
	return result_of(unshare(CLONE_NEWUSER));
}

static int be_somebody(int socket_fd)
{
	(void)socket_fd;
	return result_of(setuid(0));
}

static int submit_to_a_ring(int socket_fd)
{
	(void)socket_fd;
	return result_of(syscall(SYS_io_uring_setup, 1, NULL));
}

static int load_into_the_kernel(int socket_fd)
{
	(void)socket_fd;
	return result_of(syscall(SYS_bpf, 0, NULL, 0));
}

static int keep_a_key(int socket_fd)
{
	(void)socket_fd;
	return result_of(syscall(SYS_add_key, "user", "x", "y", 1, -3));
}

#if defined(__x86_64__)
/* getpid of i386, whose numbers are other calls here. */
static int call_as_another_architecture(int socket_fd)
{
	long result = 20;

	(void)socket_fd;
	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
	return result_of(result);
}
#endif

#define EVERYWHERE true
#define NOT_SANITIZED false /* the sanitizers need it themselves (seccomp.c) */

static const struct attempt {
	const char *name;
	int (*run)(int socket_fd);
	bool is_everywhere;
} attempts[] = {
	{ "read a file", read_passwords, NOT_SANITIZED },
	{ "read its environment", read_environment, NOT_SANITIZED },
	{ "make a file", make_a_file, NOT_SANITIZED },
	{ "open by openat2", open_by_openat2, EVERYWHERE },
	{ "remove a file", remove_a_file, EVERYWHERE },
	{ "make a socket", make_a_socket, EVERYWHERE },
	{ "make a local socket", make_a_local_socket, EVERYWHERE },
	{ "make a pair of sockets", make_a_pair, EVERYWHERE },
	{ "connect", connect_its_own, EVERYWHERE },
	{ "listen", listen_on_its_own, EVERYWHERE },
	{ "receive a descriptor", pass_descriptors, EVERYWHERE },
	{ "run a program", run_a_program, EVERYWHERE },
	{ "make a process", make_a_process, NOT_SANITIZED },
	{ "make a thread", make_a_thread, NOT_SANITIZED },
	{ "be traced", be_traced, NOT_SANITIZED },
	{ "trace another", trace_another, NOT_SANITIZED },
	{ "read another's memory", read_another, NOT_SANITIZED },
	{ "signal another", signal_another, NOT_SANITIZED },
	{ "signal a thread of another", signal_a_thread_of_another, NOT_SANITIZED },
	{ "get memory that runs", memory_that_runs, NOT_SANITIZED },
	{ "make memory run", memory_made_to_run, NOT_SANITIZED },
	{ "map a file", memory_of_a_file, NOT_SANITIZED },
	{ "make a file of memory", memory_with_a_name, EVERYWHERE },
	{ "write to the log", write_to_standard_error, NOT_SANITIZED },
	{ "copy a descriptor", copy_a_descriptor, EVERYWHERE },
	{ "raise a limit", raise_a_limit, NOT_SANITIZED },
	{ "be dumpable", be_dumpable, NOT_SANITIZED },
	{ "leave its namespace", leave_its_namespace, EVERYWHERE },
	{ "be root", be_somebody, EVERYWHERE },
	{ "submit to a ring", submit_to_a_ring, EVERYWHERE },
	{ "load into the kernel", load_into_the_kernel, EVERYWHERE },
	{ "keep a key", keep_a_key, EVERYWHERE },
#if defined(__x86_64__)
	{ "call as i386", call_as_another_architecture, EVERYWHERE },
#endif
};
#define ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

static bool is_tried(const struct attempt *attempt)
{
#ifdef BD_IS_SANITIZED
	return attempt->is_everywhere;
#else
	return attempt != NULL;
#endif
}

/* -- processes -- */

enum lock { LOCK_ALL, LOCK_FILES, LOCK_NONE };

static bool lock_files(void)
{
	struct bd_landlock *lock = NULL;
	bool is_good = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		       bd_landlock_new(&lock, true, NULL) == BD_OK &&
		       bd_landlock_enforce(lock, NULL) == BD_OK;

	bd_landlock_free(lock);
	return is_good;
}

/* Runs it in a process of its own with a socket to this one; *socket_fd NULL = not wanted. */
static pid_t begin(int (*run)(int socket_fd), enum lock lock, int *socket_fd)
{
	int pair[2];
	pid_t child;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(pair[0]);
		if ((lock == LOCK_ALL && bd_confine_worker(pair[1], false, NULL) != BD_OK) ||
			(lock == LOCK_FILES && !lock_files())) {
			_exit(UNCONFINED);
		}
		_exit(run(pair[1]));
	}
	close(pair[1]);
	if (socket_fd != NULL) {
		*socket_fd = pair[0];
	} else {
		close(pair[0]);
	}
	return child;
}

static int end_of(pid_t child)
{
	int status = 0;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static int try(int (*run)(int socket_fd), enum lock lock)
{
	int socket_fd, status;
	pid_t child = begin(run, lock, &socket_fd);

	status = end_of(child);
	close(socket_fd);
	return status;
}

static bool is_ended_by(int status, int signal)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

static bool is_answer(int status, int answer)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == answer;
}

/* -- tests -- */

/* Each ends the process at once, by the signal that the pool counts as a forbidden call. */
static void test_forbidden_calls_end_a_worker(void **state)
{
	size_t tried = 0;

	(void)state;
	for (size_t i = 0; i < ATTEMPTS; i++) {
		int status;

		if (!is_tried(&attempts[i])) {
			continue;
		}
		tried++;
		status = try(attempts[i].run, LOCK_ALL);
		if (!is_ended_by(status, SIGSYS)) {
			fail_msg("%s: status %x", attempts[i].name, (unsigned)status);
		}
		/* And it was the lock that did it. */
		assert_false(is_ended_by(try(attempts[i].run, LOCK_NONE), SIGSYS));
	}
	assert_true(tried >= 16);
}

static int listen_on_a_port(int socket_fd)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)socket_fd;
	return fd < 0 ? ODD
		      : result_of(bind(fd, (const struct sockaddr *)&address, sizeof(address)));
}

static int signal_its_parent(int socket_fd)
{
	(void)socket_fd;
	return result_of(kill(getppid(), 0));
}

/* Were a call let through by mistake, there would still be no file behind it. */
static void test_files_are_locked_without_seccomp(void **state)
{
	const struct {
		const char *name;
		int (*run)(int socket_fd);
		unsigned abi; /* from which on */
	} cases[] = {
		{ "read a file", read_passwords, 1 },
		{ "read its environment", read_environment, 1 },
		{ "make a file", make_a_file, 1 },
		{ "run a program", run_a_program, 1 },
		{ "listen on a port", listen_on_a_port, 4 },
		{ "signal its parent", signal_its_parent, 6 },
	};
	const char *reason;
	unsigned abi = bd_landlock_abi(&reason);

	(void)state;
	if (abi < BD_LANDLOCK_ABI_MIN) {
		print_message("# this kernel has no Landlock to test: %s\n", reason);
		skip();
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = try(cases[i].run, abi >= cases[i].abi ? LOCK_FILES : LOCK_NONE);

		if (!is_answer(status, abi >= cases[i].abi ? FAILED : SUCCEEDED)) {
			fail_msg("%s: status %x", cases[i].name, (unsigned)status);
		}
		/* run_a_program succeeds by becoming another. */
		status = try(cases[i].run, LOCK_NONE);
		assert_true(is_answer(status, SUCCEEDED) || is_answer(status, 0));
	}
}

static int confine_again(int socket_fd)
{
	struct bd_diag diag = { .code = BD_OK };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (filter == NULL || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset),
			0) != 0 ||
		seccomp_load(filter) != 0) {
		return ODD;
	}
	if (bd_confine_worker(socket_fd, false, &diag) != BD_CONFINEMENT ||
		strstr(diag.detail, "Landlock") == NULL) {
		return FAILED;
	}
	return bd_confine_worker(socket_fd, true, NULL) == BD_OK ? SUCCEEDED : FAILED;
}

/* A kernel without Landlock: no worker, unless that is allowed; then with all the other locks. */
static void test_a_worker_wants_both_locks(void **state)
{
	(void)state;
	assert_true(is_answer(try(confine_again, LOCK_NONE), SUCCEEDED));
}

/* -- what is left to it -- */

static int answer_what_comes(int socket_fd)
{
	char bytes[4];
	char *memory = malloc(1 << 20);

	if (memory == NULL || read(socket_fd, bytes, 4) != 4) {
		return ODD;
	}
	memset(memory, 1, 1 << 20);
	memory = realloc(memory, 3 << 20);
	free(memory);
	return write(socket_fd, bytes, 4) == 4 ? SUCCEEDED : ODD;
}

static int abort_itself(int socket_fd)
{
	(void)socket_fd;
	abort();
}

static void test_a_worker_can_talk_and_end(void **state)
{
	char bytes[4] = "";
	int socket_fd;

	(void)state;
	pid_t child = begin(answer_what_comes, LOCK_ALL, &socket_fd);
	assert_int_equal(write(socket_fd, "word", 4), 4);
	assert_int_equal(read(socket_fd, bytes, 4), 4);
	assert_memory_equal(bytes, "word", 4);
	assert_true(is_answer(end_of(child), SUCCEEDED));
	close(socket_fd);
	/* A fault of its own is told apart from a forbidden call. */
	assert_true(is_ended_by(try(abort_itself, LOCK_ALL), SIGABRT));
}

static int wait_for_the_end(int socket_fd)
{
	char byte;

	if (write(socket_fd, "r", 1) != 1) {
		return ODD;
	}
	return read(socket_fd, &byte, 1) == 0 ? SUCCEEDED : ODD;
}

/* What biduid had open when it started the worker is closed: another holds the other end of a pipe
 * and sees it. */
static void test_a_worker_holds_one_descriptor(void **state)
{
	int others[2], socket_fd;
	char byte;

	(void)state;
	assert_int_equal(pipe(others), 0);
	pid_t child = begin(wait_for_the_end, LOCK_ALL, &socket_fd);
	assert_int_equal(read(socket_fd, &byte, 1), 1); /* it is confined by now */
	close(others[1]);
	struct pollfd end = { .fd = others[0], .events = POLLIN };
	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	assert_int_equal(read(others[0], &byte, 1), 0);
	close(others[0]);
	close(socket_fd);
	assert_true(is_answer(end_of(child), SUCCEEDED));
}

static void test_limits_seen_from_beside(void **state)
{
	const struct {
		__rlimit_resource_t resource;
		rlim_t max;
	} limits[] = { { RLIMIT_CORE, 0 },
#ifndef BD_IS_SANITIZED
		{ RLIMIT_AS, BD_WORKER_MEMORY_MAX_BYTES }, { RLIMIT_FSIZE, 0 },
		{ RLIMIT_NOFILE, 0 }, { RLIMIT_NPROC, 0 }
#endif
	};
	int socket_fd;
	char byte;

	(void)state;
	pid_t child = begin(wait_for_the_end, LOCK_ALL, &socket_fd);
	assert_int_equal(read(socket_fd, &byte, 1), 1);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit found;

		assert_int_equal(prlimit(child, limits[i].resource, NULL, &found), 0);
		assert_int_equal(found.rlim_cur, limits[i].max);
		assert_int_equal(found.rlim_max, limits[i].max);
	}
	close(socket_fd);
	assert_true(is_answer(end_of(child), SUCCEEDED));
}

#ifndef BD_IS_SANITIZED
/* It is told that there is no more, and can still say so. */
static int swell(int socket_fd)
{
	size_t taken = 0;

	for (char *memory = malloc(1 << 20); memory != NULL; memory = malloc(1 << 20)) {
		memset(memory, 1, 1 << 20);
		taken += 1 << 20;
	}
	return taken < BD_WORKER_MEMORY_MAX_BYTES && write(socket_fd, "x", 1) == 1 ? SUCCEEDED
										   : ODD;
}

static void test_memory_ends_at_its_limit(void **state)
{
	(void)state;
	assert_true(is_answer(try(swell, LOCK_ALL), SUCCEEDED));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden_calls_end_a_worker),
		cmocka_unit_test(test_files_are_locked_without_seccomp),
		cmocka_unit_test(test_a_worker_wants_both_locks),
		cmocka_unit_test(test_a_worker_can_talk_and_end),
		cmocka_unit_test(test_a_worker_holds_one_descriptor),
		cmocka_unit_test(test_limits_seen_from_beside),
#ifndef BD_IS_SANITIZED
		cmocka_unit_test(test_memory_ends_at_its_limit),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
