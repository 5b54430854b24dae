/* under_filter.c - runs a program under a filter of system calls, as another kernel or a service
 * manager would.
 *
 * under_filter without NAME PROGRAM ARGUMENT...: the kernel does not have that call (ENOSYS).
 * under_filter only FILE PROGRAM ARGUMENT...: none but those that FILE names, one a line (EPERM);
 * names that this machine does not have are passed over.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static scmp_filter_ctx without(const char *name)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int number = seccomp_syscall_resolve_name(name);

	return filter != NULL && number != __NR_SCMP_ERROR &&
			       seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0) == 0
		       ? filter
		       : NULL;
}

static scmp_filter_ctx only(const char *path)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	FILE *file = fopen(path, "r");
	char line[128];
	int count = 0;

	while (filter != NULL && file != NULL && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		int number = seccomp_syscall_resolve_name(line);
		if (number != __NR_SCMP_ERROR) {
			count += seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0) == 0;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return count > 0 ? filter : NULL;
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = NULL;

	if (argc > 3) {
		filter = strcmp(argv[1], "without") == 0 ? without(argv[2])
			 : strcmp(argv[1], "only") == 0  ? only(argv[2])
							 : NULL;
	}
	if (filter == NULL || seccomp_load(filter) != 0) {
		fputs("under_filter: cannot do that\n", stderr);
		return 99;
	}
	seccomp_release(filter);
	execv(argv[3], argv + 3);
	perror(argv[3]);
	return 99;
}
