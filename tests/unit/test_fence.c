/* test_fence.c - what biduid can open after its fence is closed, and what a reload may name. Each
 * try is made by a process of its own, in a folder made for it.
 */
#include "daemon/fence.h"

#include "daemon/confine.h"
#include "daemon/landlock.h"
#include "daemon/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 300

/* TOP/{data,etc,adapters,schemas,bin,run,other}: what settings name, and what they do not. */
struct place {
	char *top;
	char paths[32][PATH_BYTES];
	size_t count;
	struct bd_settings settings;
};

static const char *at(struct place *place, const char *name)
{
	char *path = place->paths[place->count++];

	assert_true(place->count <= 32);
	snprintf(path, PATH_BYTES, "%s/%s", place->top, name);
	return path;
}

static void put(struct place *place, const char *name)
{
	FILE *file = fopen(at(place, name), "w");

	assert_non_null(file);
	place->count--;
	fputs("x", file);
	fclose(file);
}

static int set_up(void **state)
{
	static const char *const folders[] = { "data", "etc", "adapters", "schemas", "bin", "run",
		"other", "other2" };
	static struct place place;
	static char top[64];

	snprintf(top, sizeof(top), "/tmp/bidui-fence-XXXXXX");
	place = (struct place){ .top = mkdtemp(top) };
	assert_non_null(place.top);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		assert_int_equal(mkdir(at(&place, folders[i]), 0700), 0);
		place.count--;
	}
	put(&place, "data/held");
	put(&place, "etc/bidui.conf");
	put(&place, "etc/master.key");
	put(&place, "adapters/a.xml");
	put(&place, "other/secret");
	place.settings = (struct bd_settings){ .listen_plaintext = "127.0.0.1:0",
		.data_folder = at(&place, "data"),
		.master_key_file = at(&place, "etc/master.key"),
		.signing_key_file = at(&place, "etc/signing.key"),
		.adapters_folder = at(&place, "adapters"),
		.schemas_folder = at(&place, "schemas"),
		.senders_file = at(&place, "etc/senders.conf"),
		.worker_path = at(&place, "bin/worker"),
		.port_file = at(&place, "run/ports") };
	*state = &place;
	return 0;
}

static int tear_down(void **state)
{
	const struct place *place = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", place->top);
	return system(command);
}

static struct bd_fence *fence_of(struct place *place, const struct bd_senders *senders)
{
	struct bd_fence *fence = NULL;
	struct bd_diag diag = { .code = BD_OK };

	if (bd_fence_new(&fence, at(place, "etc/bidui.conf"), &place->settings, senders, NULL,
		    &diag) != BD_OK) {
		fail_msg("%s", diag.detail);
	}
	place->count--;
	return fence;
}

/* 0, or errno. */
static int try_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0) {
		return errno;
	}
	close(fd);
	return 0;
}

static int try_run(const char *path)
{
	char *args[] = { (char *)path, NULL }, *environment[] = { NULL };
	pid_t child = fork();
	int status;

	if (child == 0) {
		execve(path, args, environment);
		_exit(errno);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int try_listen(unsigned port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), result;

	result = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
	close(fd);
	return result;
}

static void skip_without_landlock(void)
{
	const char *reason;

	if (bd_landlock_abi(&reason) < BD_LANDLOCK_ABI_MIN) {
		print_message("# this kernel has no Landlock to test: %s\n", reason);
		skip();
	}
}

/* Runs `tries` inside the fence; it gives the number of the first that went wrong, or 0. */
static void inside(struct place *place, int (*tries)(struct place *place))
{
	struct bd_fence *fence = fence_of(place, NULL);
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
			bd_fence_close(fence, NULL) != BD_OK) {
			_exit(255);
		}
		_exit(tries(place));
	}
	bd_fence_free(fence);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0) {
		fail_msg("try %d", WEXITSTATUS(status));
	}
}

/* -- what is open, and what is not -- */

static int open_all(struct place *place)
{
	char folder[PATH_BYTES], from[PATH_BYTES], to[PATH_BYTES];
	const struct {
		const char *name;
		int flags, result;
	} tries[] = {
		{ "data/held", O_RDWR, 0 },
		{ "data/new", O_RDWR | O_CREAT, 0 },
		{ "etc/bidui.conf", O_RDONLY, 0 },
		{ "etc/master.key", O_RDONLY, 0 },
		{ "adapters/a.xml", O_RDONLY, 0 },
		{ "run/ports", O_WRONLY | O_CREAT, 0 },
		{ "etc/bidui.conf", O_WRONLY, EACCES },
		{ "etc/new", O_WRONLY | O_CREAT, EACCES },
		{ "adapters/a.xml", O_RDWR, EACCES },
		{ "schemas/new", O_WRONLY | O_CREAT, EACCES },
		{ "bin/worker", O_WRONLY | O_CREAT, EACCES },
		{ "other/secret", O_RDONLY, EACCES },
		{ "other", O_RDONLY | O_DIRECTORY, EACCES },
		{ ".", O_RDONLY | O_DIRECTORY, EACCES },
		{ "data/../other/secret", O_RDONLY, EACCES },
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		if (try_open(at(place, tries[i].name), tries[i].flags) != tries[i].result) {
			return (int)i + 1;
		}
		place->count--;
	}
	/* As the store and the trail do, in folders of their own too. */
	snprintf(folder, sizeof(folder), "%s/data/trail", place->top);
	snprintf(from, sizeof(from), "%s/data/new", place->top);
	snprintf(to, sizeof(to), "%s/data/trail/old", place->top);
	if (mkdir(folder, 0700) != 0 || rename(from, to) != 0 || truncate(to, 0) != 0 ||
		unlink(to) != 0 || rmdir(folder) != 0) {
		return 100;
	}
	/* Not out of it. */
	snprintf(from, sizeof(from), "%s/data/held", place->top);
	snprintf(to, sizeof(to), "%s/etc/held", place->top);
	return rename(from, to) == 0 || link(from, to) == 0 ? 101 : 0;
}

static void test_only_its_folders(void **state)
{
	skip_without_landlock();
	inside(*state, open_all);
}

static int open_system(struct place *place)
{
	const struct {
		const char *path;
		int flags, result;
	} tries[] = {
		{ "/etc/passwd", O_RDONLY, EACCES },
		{ "/etc/shadow", O_RDONLY, EACCES },
		{ "/root", O_RDONLY | O_DIRECTORY, EACCES },
		{ "/var/log", O_RDONLY | O_DIRECTORY, EACCES },
		{ "/dev/null", O_RDWR, 0 },
		{ "/dev/urandom", O_RDONLY, 0 },
		{ "/etc/hosts", O_RDONLY, 0 },
		{ "/etc/ssl", O_RDONLY | O_DIRECTORY, 0 },
#ifndef BD_IS_SANITIZED
		{ "/proc/self/environ", O_RDONLY, EACCES },
		{ "/usr/bin", O_RDONLY | O_DIRECTORY, EACCES },
#endif
	};

	(void)place;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		int result = try_open(tries[i].path, tries[i].flags);

		if (result != tries[i].result && result != ENOENT) {
			return (int)i + 1;
		}
	}
	return 0;
}

static void test_little_of_the_system(void **state)
{
	skip_without_landlock();
	inside(*state, open_system);
}

static int run_all(struct place *place)
{
	int result = try_run(at(place, "bin/worker"));

	place->count--;
	if (result != 0) {
		return 1;
	}
#ifdef BD_IS_SANITIZED
	return 0;
#else
	return try_run("/bin/sh") == EACCES ? 0 : 2;
#endif
}

/* The worker, and no shell. */
static void test_only_the_worker_is_run(void **state)
{
	struct place *place = *state;
	char command[2 * PATH_BYTES];

	skip_without_landlock();
	snprintf(command, sizeof(command), "cp /bin/true '%s'", place->settings.worker_path);
	assert_int_equal(system(command), 0);
	inside(place, run_all);
}

/* A port that is free now. */
static unsigned free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static int listen_all(struct place *place)
{
	unsigned port = (unsigned)atoi(strrchr(place->settings.listen_plaintext, ':') + 1);

	if (try_listen(port) != 0) {
		return 1;
	}
	return try_listen(0) == EACCES && try_listen(port == 65535 ? 65534 : port + 1) == EACCES
		       ? 0
		       : 2;
}

static void test_only_its_ports(void **state)
{
	struct place *place = *state;
	const char *reason;
	char address[32];

	if (bd_landlock_abi(&reason) < 4) {
		print_message("# this kernel locks no ports\n");
		skip();
	}
	snprintf(address, sizeof(address), "127.0.0.1:%u", free_port());
	place->settings.listen_plaintext = address;
	inside(place, listen_all);
}

/* -- what a reload may name -- */

static void test_a_reload(void **state)
{
	struct place *place = *state;
	struct bd_fence *fence = fence_of(place, NULL), *newer;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_sender sender = { .webhook_key_file = at(place, "etc/webhook.key") };
	const struct bd_senders senders = { &sender, 1 };

	newer = fence_of(place, &senders);
	assert_int_equal(bd_fence_covers(fence, newer, &diag), BD_OK);
	bd_fence_free(newer);
	place->settings.tls_crl = at(place, "etc/crl.pem");
	place->settings.sandbox_folder = at(place, "adapters");
	newer = fence_of(place, &senders);
	assert_int_equal(bd_fence_covers(fence, newer, &diag), BD_OK);
	bd_fence_free(newer);
	place->settings.schemas_folder = at(place, "other");
	newer = fence_of(place, NULL);
	assert_int_equal(bd_fence_covers(fence, newer, &diag), BD_CONFIG_RESTART);
	assert_non_null(strstr(diag.detail, "/other"));
	bd_fence_free(newer);
	/* A folder's name is not the beginning of another's, and readable is not writable. */
	bd_fence_free(fence);
	place->settings.schemas_folder = at(place, "other");
	fence = fence_of(place, NULL);
	place->settings.schemas_folder = at(place, "other2");
	newer = fence_of(place, NULL);
	assert_int_equal(bd_fence_covers(fence, newer, NULL), BD_CONFIG_RESTART);
	bd_fence_free(newer);
	bd_fence_free(fence);
	place->settings.schemas_folder = at(place, "schemas");
	fence = fence_of(place, NULL);
	place->settings.schemas_folder = at(place, "schemas");
	place->settings.data_folder = at(place, "adapters");
	newer = fence_of(place, NULL);
	assert_int_equal(bd_fence_covers(fence, newer, NULL), BD_CONFIG_RESTART);
	bd_fence_free(newer);
	place->settings.data_folder = at(place, "data");
	sender.webhook_ca_file = at(place, "other/ca.pem");
	newer = fence_of(place, &senders);
	assert_int_equal(bd_fence_covers(fence, newer, NULL), BD_CONFIG_RESTART);
	bd_fence_free(newer);
	sender.webhook_ca_file = NULL;
	sender.keys = &(struct bd_sender_key){ "id", at(place, "other/hmac.key") };
	sender.key_count = 1;
	newer = fence_of(place, &senders);
	assert_int_equal(bd_fence_covers(fence, newer, NULL), BD_CONFIG_RESTART);
	bd_fence_free(newer);
	bd_fence_free(fence);
}

static void test_a_folder_that_is_not_there(void **state)
{
	struct place *place = *state;
	struct bd_fence *fence = NULL;
	struct bd_diag diag = { .code = BD_OK };

	place->settings.data_folder = at(place, "none");
	assert_int_equal(bd_fence_new(&fence, at(place, "etc/bidui.conf"), &place->settings, NULL,
				 NULL, &diag),
		BD_IO);
	assert_null(fence);
	assert_non_null(strstr(diag.detail, "/none"));
}

/* -- whom root becomes -- */

static bool is_in_group(gid_t group)
{
	gid_t groups[64];
	int count = getgroups(64, groups);

	for (int i = 0; i < count; i++) {
		if (groups[i] == group) {
			return true;
		}
	}
	return count < 0;
}

static int become(const char *name)
{
	const gid_t staff = 50;
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	if (geteuid() == 0 && setgroups(1, &staff) != 0) {
		return 5;
	}
	code = bd_user_become(name, &diag);
	if (code == BD_OK && geteuid() != 0 && is_in_group(staff)) {
		return 6;
	}
	return code == BD_OK ? (geteuid() == 0          ? 1
				       : getegid() == 0 ? 2
							: 0)
			     : (code == BD_RUN_AS_USER ? 3 : 4);
}

static int in_child(const char *name)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		_exit(become(name));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_whom_root_becomes(void **state)
{
	(void)state;
	assert_int_equal(in_child("no such user"), 3);
	if (geteuid() != 0) {
		assert_int_equal(in_child(NULL), 0);
		assert_int_equal(in_child("root"), 3);
		return;
	}
	assert_int_equal(in_child(NULL), 3);
	assert_int_equal(in_child("root"), 1);
	assert_int_equal(in_child("nobody"), 0);
}

static void test_the_guard(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		struct rlimit core = { 1, 1 };

		_exit(bd_user_guard(NULL) == BD_OK && getrlimit(RLIMIT_CORE, &core) == 0 &&
#ifndef BD_IS_SANITIZED
					prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
#endif
					core.rlim_max == 0
				? 0
				: 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_its_folders, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_little_of_the_system, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_only_the_worker_is_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_only_its_ports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_reload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_folder_that_is_not_there, set_up, tear_down),
		cmocka_unit_test(test_whom_root_becomes),
		cmocka_unit_test(test_the_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
