#include "daemon/fence.h"

#include "base/list.h"
#include "daemon/confine.h"
#include "daemon/landlock.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Settings, two files of each sender, and what the system has. */
#define POSTS_FIRST 64

struct post {
	char *path; /* real; ours */
	unsigned rights;
	bool is_system; /* may be missing */
};

struct bd_fence {
	struct post *posts;
	size_t count, room;
	unsigned ports[3]; /* to listen on; 0 = none */
	bool has_ports;    /* false: the kernel chooses one, and all loops share it */
};

/* What every program reads. Those of a sanitizer's build read about themselves and have a program
 * name the places in their reports. */
static const struct {
	const char *path;
	unsigned rights;
} system_posts[] = {
	{ "/dev/null", BD_MAY_READ | BD_MAY_USE },
	{ "/dev/random", BD_MAY_READ },
	{ "/dev/urandom", BD_MAY_READ },
	{ "/etc/ca-certificates", BD_MAY_READ },
	{ "/etc/gai.conf", BD_MAY_READ },
	{ "/etc/host.conf", BD_MAY_READ },
	{ "/etc/hosts", BD_MAY_READ },
	{ "/etc/ld.so.cache", BD_MAY_READ },
	{ "/etc/ld.so.preload", BD_MAY_READ },
	{ "/etc/localtime", BD_MAY_READ },
	{ "/etc/nsswitch.conf", BD_MAY_READ },
	{ "/etc/resolv.conf", BD_MAY_READ },
	{ "/etc/services", BD_MAY_READ },
	{ "/etc/ssl", BD_MAY_READ },
	{ "/lib", BD_MAY_READ | BD_MAY_EXECUTE },
	{ "/lib64", BD_MAY_READ | BD_MAY_EXECUTE },
	{ "/run/NetworkManager", BD_MAY_READ },
	{ "/run/resolvconf", BD_MAY_READ },
	{ "/run/systemd/resolve", BD_MAY_READ },
	{ "/sys/devices/system/cpu", BD_MAY_READ },
	{ "/usr/lib", BD_MAY_READ | BD_MAY_EXECUTE },
	{ "/usr/lib64", BD_MAY_READ | BD_MAY_EXECUTE },
	{ "/usr/local/lib", BD_MAY_READ | BD_MAY_EXECUTE },
	{ "/usr/local/share/ca-certificates", BD_MAY_READ },
	{ "/usr/share/ca-certificates", BD_MAY_READ },
	{ "/usr/share/zoneinfo", BD_MAY_READ },
#ifdef BD_IS_SANITIZED
	{ "/proc", BD_MAY_READ },
	{ "/usr", BD_MAY_READ | BD_MAY_EXECUTE },
#endif
};

static enum bd_code add(struct bd_fence *fence, const char *path, unsigned rights, bool is_system,
	struct bd_diag *diag)
{
	char *real;

	if (!bd_list_grow(
		    &fence->posts, &fence->room, fence->count, POSTS_FIRST, sizeof(struct post))) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	real = realpath(path, NULL);
	if (real == NULL) {
		return is_system ? BD_OK : bd_fail(diag, BD_IO, "%s: no such path", path);
	}
	fence->posts[fence->count++] = (struct post){ real, rights, is_system };
	return BD_OK;
}

/* The folder that a file lies in, even when the file itself is not there yet. */
static enum bd_code add_folder_of(
	struct bd_fence *fence, const char *path, unsigned rights, struct bd_diag *diag)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	int len = slash == NULL ? snprintf(folder, sizeof(folder), ".")
		  : slash == path
			  ? snprintf(folder, sizeof(folder), "/")
			  : snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);

	if (len < 0 || len >= (int)sizeof(folder)) {
		return bd_fail(diag, BD_IO, "a path is too long");
	}
	return add(fence, folder, rights, false, diag);
}

static enum bd_code add_setting(
	struct bd_fence *fence, const char *path, enum bd_file_use use, struct bd_diag *diag)
{
	switch (use) {
	case BD_FILE_READ:
		return add_folder_of(fence, path, BD_MAY_READ, diag);
	case BD_FILE_WRITTEN:
		return add_folder_of(fence, path, BD_MAY_READ | BD_MAY_WRITE, diag);
	case BD_FILE_RUN:
		return add_folder_of(fence, path, BD_MAY_READ | BD_MAY_EXECUTE, diag);
	case BD_FOLDER_READ:
		return add(fence, path, BD_MAY_READ, false, diag);
	case BD_FOLDER_WRITTEN:
		return add(fence, path, BD_MAY_READ | BD_MAY_WRITE, false, diag);
	}
	return BD_OK;
}

static enum bd_code add_settings(
	struct bd_fence *fence, const struct bd_settings *settings, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;
	struct bd_setting_file file;

	for (size_t i = 0; code == BD_OK && bd_config_setting_file(&file, settings, i); i++) {
		if (file.path != NULL) {
			code = add_setting(fence, file.path, file.use, diag);
		}
	}
	return code;
}

static enum bd_code add_file(struct bd_fence *fence, const char *path, struct bd_diag *diag)
{
	return path != NULL ? add_folder_of(fence, path, BD_MAY_READ, diag) : BD_OK;
}

static enum bd_code add_senders(
	struct bd_fence *fence, const struct bd_senders *senders, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	for (size_t i = 0; code == BD_OK && senders != NULL && i < senders->count; i++) {
		const struct bd_sender *sender = &senders->items[i];

		code = add_file(fence, sender->webhook_key_file, diag);
		code = code == BD_OK ? add_file(fence, sender->platform_secret_file, diag) : code;
		code = code == BD_OK ? add_file(fence, sender->webhook_ca_file, diag) : code;
		for (size_t k = 0; code == BD_OK && k < sender->key_count; k++) {
			code = add_file(fence, sender->keys[k].file, diag);
		}
	}
	return code;
}

/* Where the master key comes from when no file of ours has it: a reload asks for it again. A
 * command is run inside the fence then, with its own program's folder and what every program reads.
 */
static enum bd_code add_key_source(
	struct bd_fence *fence, const struct bd_settings *settings, struct bd_diag *diag)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *command = settings->master_key_command;
	char program[PATH_MAX];

	if (settings->master_key_credential != NULL && credentials != NULL) {
		return add(fence, credentials, BD_MAY_READ, false, diag);
	}
	if (command == NULL) {
		return BD_OK;
	}
	snprintf(program, sizeof(program), "%.*s", (int)strcspn(command, " \t"), command);
	return add_folder_of(fence, program, BD_MAY_READ | BD_MAY_EXECUTE, diag);
}

static enum bd_code add_system(struct bd_fence *fence, struct bd_diag *diag)
{
	/* The contract, where a build lies in another place than the schemas (setup.c). */
	const char *contract = getenv("BIDUI_OPENAPI");
	enum bd_code code =
		contract != NULL ? add_folder_of(fence, contract, BD_MAY_READ, diag) : BD_OK;

	for (size_t i = 0; code == BD_OK && i < sizeof(system_posts) / sizeof(system_posts[0]);
		i++) {
		code = add(fence, system_posts[i].path, system_posts[i].rights, true, diag);
	}
	return code;
}

static unsigned port_of(const char *address)
{
	return address != NULL ? (unsigned)strtoul(strrchr(address, ':') + 1, NULL, 10) : 0;
}

enum bd_code bd_fence_new(struct bd_fence **out, const char *config,
	const struct bd_settings *settings, const struct bd_senders *senders,
	const struct bd_source_files *files, struct bd_diag *diag)
{
	struct bd_fence *fence = calloc(1, sizeof(*fence));
	enum bd_code code;

	if (fence == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	fence->ports[0] = port_of(settings->listen);
	fence->ports[1] = port_of(settings->listen_plaintext);
	fence->ports[2] = port_of(settings->listen_proxy);
	fence->has_ports = (settings->listen == NULL || fence->ports[0] != 0) &&
			   (settings->listen_plaintext == NULL || fence->ports[1] != 0) &&
			   (settings->listen_proxy == NULL || fence->ports[2] != 0);
	code = add_folder_of(fence, config, BD_MAY_READ, diag);
	code = code == BD_OK ? add_settings(fence, settings, diag) : code;
	code = code == BD_OK ? add_senders(fence, senders, diag) : code;
	for (size_t i = 0; code == BD_OK && files != NULL && i < files->count; i++) {
		code = add_setting(fence, files->items[i].path, files->items[i].use, diag);
	}
	code = code == BD_OK ? add_key_source(fence, settings, diag) : code;
	code = code == BD_OK ? add_system(fence, diag) : code;
	if (code != BD_OK) {
		bd_fence_free(fence);
		return code;
	}
	*out = fence;
	return BD_OK;
}

/* Is `path` this post, or below it? */
static bool holds(const struct post *post, const char *path)
{
	size_t len = strlen(post->path);

	return strncmp(post->path, path, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/' || strcmp(post->path, "/") == 0);
}

enum bd_code bd_fence_covers(
	const struct bd_fence *fence, const struct bd_fence *newer, struct bd_diag *diag)
{
	for (size_t n = 0; n < newer->count; n++) {
		const struct post *wanted = &newer->posts[n];
		unsigned rights = 0;

		for (size_t i = 0; i < fence->count; i++) {
			if (holds(&fence->posts[i], wanted->path)) {
				rights |= fence->posts[i].rights;
			}
		}
		if (!wanted->is_system && (wanted->rights & ~rights) != 0) {
			return bd_fail(diag, BD_CONFIG_RESTART, "%s", wanted->path);
		}
	}
	return BD_OK;
}

enum bd_code bd_fence_close(const struct bd_fence *fence, struct bd_diag *diag)
{
	struct bd_landlock *lock = NULL;
	const char *reason;
	unsigned abi = bd_landlock_abi(&reason);
	enum bd_code code =
		abi >= BD_LANDLOCK_ABI_MIN ? bd_landlock_new(&lock, fence->has_ports, diag)
		: abi == 0
			? bd_fail(diag, BD_CONFINEMENT, "Landlock: %s", reason)
			: bd_fail(diag, BD_CONFINEMENT, "Landlock: ABI %u, at least %d is needed",
				  abi, BD_LANDLOCK_ABI_MIN);

	for (size_t i = 0; code == BD_OK && i < fence->count; i++) {
		code = bd_landlock_allow(lock, fence->posts[i].path, fence->posts[i].rights, diag);
	}
	for (size_t i = 0; code == BD_OK && i < sizeof(fence->ports) / sizeof(fence->ports[0]);
		i++) {
		if (fence->ports[i] != 0) {
			code = bd_landlock_allow_port(lock, fence->ports[i], diag);
		}
	}
	code = code == BD_OK ? bd_landlock_enforce(lock, diag) : code;
	bd_landlock_free(lock);
	return code;
}

void bd_fence_free(struct bd_fence *fence)
{
	if (fence == NULL) {
		return;
	}
	for (size_t i = 0; i < fence->count; i++) {
		free(fence->posts[i].path);
	}
	free(fence->posts);
	free(fence);
}
