/* test_store_backup.c - backups that were killed, at every call that changes a disk: one that was
 * being made is never taken for whole, and of a restore nothing is left that a store is begun from.
 *
 * The calls are wrapped by the linker; a child is killed by itself at the n-th of them, for every n
 * until it comes to its end.
 */
#include "store/backup.h"
#include "store/manifest.h"
#include "store_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#define PEOPLE 20

/* -- the calls -- */

static int left = -1; /* until the kill; -1 = never */

static void step(void)
{
	if (left >= 0 && left-- == 0) {
		kill(getpid(), SIGKILL);
	}
}

#define WRAPPED(type, name, declared, given)                                                       \
	type __real_##name declared;                                                               \
	type __wrap_##name declared;                                                               \
	type __wrap_##name declared                                                                \
	{                                                                                          \
		step();                                                                            \
		return __real_##name given;                                                        \
	}
WRAPPED(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAPPED(int, rename, (const char *from, const char *to), (from, to))
WRAPPED(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAPPED(int, fsync, (int fd), (fd))
WRAPPED(int, ftruncate, (int fd, off_t size), (fd, size))
WRAPPED(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
WRAPPED(ssize_t, write, (int fd, const void *bytes, size_t len), (fd, bytes, len))

/* True: it was killed at the call of that number. False: it came to its end, well. */
static bool is_killed_at(int call, enum bd_code (*work)(void *state), void *state)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		left = call;
		_exit(work(state) == BD_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

/* -- a store, its backup, and what comes back -- */

struct fixture {
	struct box box;
	struct bd_buf dump; /* what the store holds */
	char backup[96], folder[96], draft[112];
};

static void put_file(const char *folder, const char *name, size_t len)
{
	char path[192];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < len; i++) {
		fputc((int)('a' + i % 26), file);
	}
	assert_int_equal(fclose(file), 0);
}

static void put_folder(const char *folder, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static int open_fixture(void **state)
{
	static struct fixture fixture;
	struct box *box = &fixture.box;

	memset(&fixture, 0, sizeof(fixture));
	box_open(box, NULL, 0);
	for (unsigned i = 0; i < PEOPLE; i++) {
		struct bd_entry *entries[1];
		struct bd_identifier id;
		char name[16];
		struct fact fact;
		struct said said;

		snprintf(name, sizeof(name), "P%u", i);
		id = id_of(ID_PERSON, name);
		said_open(&said, "social", "changes");
		said_add(&said, fact_of(&fact, &id, 1, "people", 1, 1, "text"));
		said.entry.received_ms = box->now_ms++;
		said.entry.records = bd_buf_bytes(&said.records);
		entries[0] = &said.entry;
		assert_int_equal(bd_store_commit(box->store, entries, 1, &box->diag), BD_OK);
		said_close(&said);
	}
	fixture.dump = box_dump(box);
	box_stop(box);
	put_folder(box->folder, "trail");
	put_folder(box->folder, "repeats");
	put_file(box->folder, "trail/heads-00000000", 300);
	put_file(box->folder, "trail/log-0000-00000000", 5000);
	put_file(box->folder, "repeats/0000", 700);
	snprintf(fixture.backup, sizeof(fixture.backup), "%s-backup", box->folder);
	snprintf(fixture.folder, sizeof(fixture.folder), "%s-back", box->folder);
	snprintf(fixture.draft, sizeof(fixture.draft), "%s.restoring", fixture.folder);
	*state = &fixture;
	return 0;
}

static void remove_all(const char *folder)
{
	if (access(folder, F_OK) == 0) {
		remove_store(folder);
	}
}

static int close_fixture(void **state)
{
	struct fixture *fixture = *state;

	remove_all(fixture->backup);
	remove_all(fixture->folder);
	remove_all(fixture->draft);
	bd_buf_release(&fixture->dump);
	box_close(&fixture->box);
	return 0;
}

static enum bd_code back_up(void *state)
{
	struct fixture *fixture = state;
	struct bd_backup_report report;

	return bd_store_backup(&report, fixture->box.folder, fixture->backup, &fixture->box.diag);
}

static enum bd_code restore(void *state)
{
	struct fixture *fixture = state;
	struct bd_backup_report report;

	bd_diag_clear(&fixture->box.diag);
	return bd_backup_restore(
		&report, fixture->backup, fixture->folder, &fixture->box.keys, &fixture->box.diag);
}

static enum bd_code verify(struct fixture *fixture)
{
	struct bd_backup_report report;

	bd_diag_clear(&fixture->box.diag);
	return bd_backup_verify(&report, fixture->backup, &fixture->box.diag);
}

/* What is in the folder is what the store held, and nothing was left beside it. */
static void is_back(struct fixture *fixture)
{
	struct box again = { .settings = fixture->box.settings, .now_ms = STORE_NOW_MS };
	struct bd_buf dump;
	char path[192];

	again.settings.folder = fixture->folder;
	box_start(&again);
	dump = box_dump(&again);
	box_stop(&again);
	assert_true(bd_bytes_equal(bd_buf_bytes(&dump), bd_buf_bytes(&fixture->dump)));
	bd_buf_release(&dump);
	snprintf(path, sizeof(path), "%s/trail/log-0000-00000000", fixture->folder);
	assert_int_equal(access(path, R_OK), 0);
	assert_int_not_equal(access(fixture->draft, F_OK), 0);
}

static bool is_there(const struct fixture *fixture)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/data.mdb", fixture->folder);
	return access(path, F_OK) == 0;
}

/* -- killed -- */

static void a_killed_backup_is_never_taken_for_whole(void **state)
{
	struct fixture *fixture = *state;
	int call = 0, whole = 0;

	while (is_killed_at(call, back_up, fixture)) {
		enum bd_code code = verify(fixture);

		if (code != BD_OK) {
			assert_int_equal(code, BD_BACKUP_DAMAGED);
			assert_int_equal(restore(fixture), BD_BACKUP_DAMAGED);
			assert_int_not_equal(access(fixture->folder, F_OK), 0);
			assert_int_not_equal(access(fixture->draft, F_OK), 0);
			/* Not whole before, never again behind it. */
			assert_int_equal(whole, 0);
		} else {
			assert_int_equal(restore(fixture), BD_OK);
			is_back(fixture);
			remove_all(fixture->folder);
			whole++;
		}
		remove_all(fixture->backup);
		call++;
	}
	assert_true(call > 20);
	/* By the last calls, behind the rename of the manifest, all is there. */
	assert_true(whole >= 1 && whole < 4);
	assert_int_equal(verify(fixture), BD_OK);
}

static void of_a_killed_restore_no_store_is_begun(void **state)
{
	struct fixture *fixture = *state;
	struct bd_store_settings settings = fixture->box.settings;
	int call = 0, whole = 0;

	settings.folder = fixture->folder;
	assert_int_equal(back_up(fixture), BD_OK);
	while (is_killed_at(call, restore, fixture)) {
		if (is_there(fixture)) {
			is_back(fixture);
			whole++;
		} else if (access(fixture->draft, F_OK) == 0) {
			struct bd_store *store = NULL;
			struct bd_diag diag = { .code = BD_OK };

			assert_int_equal(bd_store_open(&store, &settings, NULL, 0, &diag),
				BD_RESTORE_UNFINISHED);
			assert_null(store);
			assert_int_not_equal(access(fixture->folder, F_OK), 0);
			/* The next one is killed as well, while it clears what is there. */
			if (call % 5 == 4) {
				assert_true(is_killed_at(2, restore, fixture));
				assert_false(is_there(fixture));
			}
			assert_int_equal(restore(fixture), BD_OK);
			is_back(fixture);
		} else {
			assert_int_equal(call, 0);
		}
		remove_all(fixture->folder);
		call++;
	}
	assert_true(call > 20);
	assert_true(whole >= 1);
	is_back(fixture);
}

static void two_restores_at_once(void **state)
{
	struct fixture *fixture = *state;
	int fd;

	assert_int_equal(back_up(fixture), BD_OK);
	assert_int_equal(mkdir(fixture->draft, 0700), 0);
	put_file(fixture->draft, "data.mdb", 100);
	fd = open(fixture->draft, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(restore(fixture), BD_STORE_IN_USE);
	assert_false(is_there(fixture));
	close(fd);
	assert_int_equal(restore(fixture), BD_OK);
	is_back(fixture);
	/* A store that is there is never written over, nor blocked by what was left of another. */
	assert_int_equal(mkdir(fixture->draft, 0700), 0);
	assert_int_equal(restore(fixture), BD_STORE_IN_USE);
	assert_int_equal(rmdir(fixture->draft), 0);
	is_back(fixture);
}

/* -- the manifest -- */

static void a_manifest_is_whole_or_none(void **state)
{
	struct bd_manifest_file file = { .size = 12, .name = "data.mdb" };
	struct bd_bytes text;
	struct bd_buf out;

	(void)state;
	bd_buf_init(&out, 4096);
	assert_int_equal(bd_manifest_add(&out, &file), BD_OK);
	strcpy(file.name, "trail/heads-00000000");
	assert_int_equal(bd_manifest_add(&out, &file), BD_OK);
	assert_int_equal(bd_manifest_end(&out), BD_OK);
	/* Cut off anywhere, at the end of a line too, or written on, or with another byte. */
	for (size_t len = 0; len < out.len; len++) {
		text = (struct bd_bytes){ out.ptr, len };
		assert_false(bd_manifest_is_whole(&text));
		out.ptr[len] ^= 1;
		text = bd_buf_bytes(&out);
		assert_false(bd_manifest_is_whole(&text));
		out.ptr[len] ^= 1;
	}
	text = bd_buf_bytes(&out);
	assert_true(bd_manifest_is_whole(&text));
	assert_true(bd_manifest_take(&file, &text));
	assert_string_equal(file.name, "data.mdb");
	assert_int_equal(file.size, 12);
	assert_true(bd_manifest_take(&file, &text));
	assert_string_equal(file.name, "trail/heads-00000000");
	assert_int_equal(text.len, 0);
	assert_false(bd_manifest_take(&file, &text));
	assert_int_equal(bd_buf_add_text(&out, "x\n"), BD_OK);
	text = bd_buf_bytes(&out);
	assert_false(bd_manifest_is_whole(&text));
	bd_buf_release(&out);
}

static void nothing_leads_out_of_a_backup(void **state)
{
	static const char *const good[] = { "data.mdb", "salts", "trail/heads-00000000",
		"cases/20260601.0", "spool/0000000000000001" };
	static const char *const bad[] = { "", "/", "/etc/passwd", "../data.mdb", "trail/../salts",
		"trail/", "trail/..", "other/file", "trail/a/b", "trail//a", ".", "..", ".hidden",
		"a b", "a\tb", "trail/\xC3\xA9", "cases/.x", "a..b" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(bd_manifest_may_name(bd_bytes_of(good[i])));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(bd_manifest_may_name(bd_bytes_of(bad[i])));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_killed_backup_is_never_taken_for_whole, open_fixture, close_fixture),
		cmocka_unit_test_setup_teardown(
			of_a_killed_restore_no_store_is_begun, open_fixture, close_fixture),
		cmocka_unit_test_setup_teardown(two_restores_at_once, open_fixture, close_fixture),
		cmocka_unit_test(a_manifest_is_whole_or_none),
		cmocka_unit_test(nothing_leads_out_of_a_backup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
