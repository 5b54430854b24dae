#include "config_support.h"

#include "base/limits.h"
#include "config/accounts.h"
#include "config/file.h"
#include "config/roles.h"
#include "config/settings.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void settings_read(void **state)
{
	(void)state;
	struct bd_arena arena;
	struct bd_diags diags = { 0 };
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_settings *settings = NULL;
	const char *path = source_path(&arena, "tests/adapters/config/good.conf");
	assert_int_equal(bd_config_settings(&settings, path, &arena, &diags), BD_OK);
	assert_string_equal(settings->listen_plaintext, "127.0.0.1:0");
	assert_null(settings->listen);
	assert_int_equal(settings->workers, 3);
	assert_int_equal(settings->journal_days, 7);
	assert_int_equal(settings->history_days, 400);
	assert_int_equal(settings->cases_days, 730);
	assert_int_equal(settings->trail_durability, BD_TRAIL_SYNCED);
	assert_int_equal(settings->crl_unavailable, 48);
	assert_int_equal(settings->tls_clients, BD_TLS_CLIENTS_REQUIRED);
	assert_int_equal(settings->certificate_alarm_days, 45);
	assert_null(settings->deny_list_file);
	assert_int_equal(settings->trail_segment_bytes, 64 << 20);
	assert_string_equal(settings->data_folder, "/var/lib/bidui");
	assert_string_equal(
		settings->master_key_file, source_path(&arena, "tests/adapters/config/master.key"));
	assert_string_equal(
		settings->senders_file, source_path(&arena, "tests/adapters/config/senders.conf"));
	bd_arena_release(&arena);
}

static void wrong_settings_are_all_told(void **state)
{
	(void)state;
	struct bd_arena arena;
	struct bd_diags diags = { 0 };
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_settings *settings = NULL;
	const char *path = source_path(&arena, "tests/adapters/config/bad.conf");
	assert_int_not_equal(bd_config_settings(&settings, path, &arena, &diags), BD_OK);
	assert_null(settings);
	assert_expected(&diags, source_path(&arena, "tests/adapters/config/bad.conf.expected"));
	bd_arena_release(&arena);
}

/* "port_file = PATH: why" of one diag. */
static void assert_path_told(const struct bd_diags *diags, size_t at, const char *key, int error)
{
	assert_true(at < diags->count);
	assert_int_equal(diags->items[at].code, BD_CONFIG_PATH);
	assert_int_equal(strncmp(diags->items[at].detail, key, strlen(key)), 0);
	assert_non_null(strstr(diags->items[at].detail, strerror(error)));
}

static void paths_that_cannot_be_used_are_all_told(void **state)
{
	(void)state;
	char folder[] = "/tmp/bidui-paths.XXXXXX", file[64], missing[64], below[64];
	struct bd_diags good = { 0 }, bad = { 0 };
	struct bd_settings settings = { 0 };
	FILE *made;

	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(missing, sizeof(missing), "%s/missing", folder);
	snprintf(below, sizeof(below), "%s/missing/file", folder);
	made = fopen(file, "w");
	assert_non_null(made);
	fclose(made);

	/* What is written may be missing; a revocation list that is lost has a policy of its own.
	 */
	settings.data_folder = settings.adapters_folder = folder;
	settings.signing_key_file = file;
	settings.port_file = settings.tls_crl = missing;
	assert_int_equal(bd_config_paths(&settings, "a/bidui.conf", &good), BD_OK);

	/* In the order of the settings. */
	settings.tls_key = missing;
	settings.data_folder = file;
	settings.signing_key_file = folder;
	settings.adapters_folder = missing;
	settings.worker_path = file;
	settings.port_file = below;
	assert_int_equal(bd_config_paths(&settings, "a/bidui.conf", &bad), BD_CONFIG_PATH);
	assert_path_told(&bad, 0, "tls_key = ", ENOENT);
	assert_path_told(&bad, 1, "data_folder = ", ENOTDIR);
	assert_path_told(&bad, 2, "signing_key_file = ", EISDIR);
	assert_path_told(&bad, 3, "adapters_folder = ", ENOENT);
	assert_path_told(&bad, 4, "worker_path = ", EACCES);
	assert_path_told(&bad, 5, "port_file = ", ENOENT);
	assert_int_equal(bad.count, 6);
	assert_string_equal(bad.items[0].file, "bidui.conf");
	unlink(file);
	rmdir(folder);
}

static void senders_read(void **state)
{
	(void)state;
	struct bd_arena arena;
	struct bd_diags diags = { 0 };
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_senders *senders = NULL;
	const char *path = source_path(&arena, "tests/adapters/config/senders.conf");
	assert_int_equal(bd_config_senders(&senders, path, &arena, &diags), BD_OK);
	assert_int_equal(senders->count, 4);
	assert_string_equal(senders->items[0].certificate_issuer, "CN=示例市政务 CA,O=示例市,C=CN");
	assert_string_equal(senders->items[0].certificate_name, "platform.example");
	assert_int_equal(senders->items[0].source_count, 3);
	assert_string_equal(senders->items[0].sources[2], "tax");
	assert_int_equal(
		senders->items[0].limits.requests_per_second, BD_SENDER_REQUESTS_PER_SECOND);
	assert_int_equal(senders->items[0].limits.subjects_per_hour, BD_SENDER_SUBJECTS_PER_HOUR);
	assert_int_equal(senders->items[0].limits.values_per_day, BD_SENDER_VALUES_PER_DAY);
	assert_int_equal(senders->items[1].roles, BD_SENDER_ENGINE | BD_SENDER_OPERATOR);
	assert_int_equal(senders->items[1].limits.requests_per_second, 20);
	assert_int_equal(senders->items[1].limits.requests_burst, 0);
	assert_int_equal(senders->items[1].limits.subjects_per_day, 1000000);
	assert_int_equal(senders->items[1].limits.values_per_day, 3);
	assert_int_equal(senders->items[2].key_count, 2);
	assert_string_equal(senders->items[2].keys[0].id, "2026-a");
	assert_string_equal(senders->items[2].keys[0].file,
		source_path(&arena, "tests/adapters/config/province-2026-a.key"));
	assert_string_equal(senders->items[2].keys[1].file, "/etc/bidui/province-2026-b.key");
	assert_string_equal(senders->items[3].certificate_serial, "0A1B");
	assert_int_equal(senders->items[3].roles, BD_SENDER_AUDITOR | BD_SENDER_AUDIT);
	bd_arena_release(&arena);
}

static void wrong_senders_are_all_told(void **state)
{
	(void)state;
	struct bd_arena arena;
	struct bd_diags diags = { 0 };
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_senders *senders = NULL;
	const char *path = source_path(&arena, "tests/adapters/config/bad_senders.conf");
	assert_int_not_equal(bd_config_senders(&senders, path, &arena, &diags), BD_OK);
	assert_null(senders);
	assert_expected(
		&diags, source_path(&arena, "tests/adapters/config/bad_senders.conf.expected"));
	bd_arena_release(&arena);
}

/* Every pair, in both orders: whoever does a thing does not also watch over it. */
static void roles_that_exclude_each_other(void **state)
{
	static const char *const names[] = { "department", "engine", "operator", "auditor",
		"system_administrator", "security_administrator", "audit_administrator" };
	/* Those that one may have beside each other: row and column by the names above. */
	static const char *const beside[] = { "111....", "111....", "111.1..", "...1..1", "..1.1..",
		".....1.", "...1..1" };
	struct bd_arena arena;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			struct bd_diags diags = { 0 };
			char value[128];
			struct bd_line line = { .value = value, .shown = "senders", .number = 1 };
			uint32_t roles = 0;

			snprintf(value, sizeof(value), "%s %s", names[i], names[j]);
			assert_true(bd_roles_read(&roles, &line, &arena, &diags));
			assert_int_equal(diags.count, beside[i][j] == '1' ? 0 : 1);
		}
	}
	bd_arena_release(&arena);
}

static void read_accounts(struct bd_diags *diags, const struct bd_senders **all,
	struct bd_arena *arena, const char *name)
{
	static const struct bd_sender platform = { .name = "platform" };
	static const struct bd_senders senders = { &platform, 1 };
	char folder[] = "test_accounts.XXXXXX", path[256];
	struct bd_bytes text;
	FILE *file;

	/* A copy as an administrator keeps it, readable by its owner alone. */
	assert_int_equal(bd_file_read(&text, source_path(arena, name), arena), BD_OK);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/%s", folder, strrchr(name, '/') + 1);
	umask(077);
	assert_non_null(file = fopen(path, "w"));
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	fclose(file);
	bd_config_accounts(all, &senders, path, arena, diags);
	unlink(path);
	rmdir(folder);
}

static void accounts_read(void **state)
{
	(void)state;
	struct bd_arena arena;
	struct bd_diags diags = { 0 };
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_senders *all = NULL;
	bool is_right = false;
	read_accounts(&diags, &all, &arena, "tests/adapters/config/accounts.conf");
	assert_int_equal(diags.count, 0);
	assert_int_equal(all->count, 3);
	assert_false(all->items[0].is_person);
	assert_string_equal(all->items[1].name, "wang");
	assert_int_equal(all->items[1].roles, BD_SENDER_SYSTEM | BD_SENDER_OPERATOR);
	assert_false(all->items[1].is_disabled);
	assert_true(all->items[2].is_disabled);
	/* Made by hashlib.scrypt of Python. */
	assert_int_equal(bd_password_check(&is_right, all->items[1].password,
				 bd_bytes_of("correct horse battery")),
		BD_OK);
	assert_true(is_right);
	assert_int_equal(bd_password_check(&is_right, all->items[1].password,
				 bd_bytes_of("correct horse batterz")),
		BD_OK);
	assert_false(is_right);
	bd_arena_release(&arena);
}

static void wrong_accounts_are_all_told(void **state)
{
	(void)state;
	struct bd_arena arena;
	struct bd_diags diags = { 0 };
	bd_arena_init(&arena, ARENA_MAX);
	const struct bd_senders *all = NULL;
	read_accounts(&diags, &all, &arena, "tests/adapters/config/bad_accounts.conf");
	assert_null(all);
	assert_expected(
		&diags, source_path(&arena, "tests/adapters/config/bad_accounts.conf.expected"));
	bd_arena_release(&arena);
}

/* What is written is read again, and every form that is not it is refused. */
static void passwords_as_text(void **state)
{
	static const char *const wrong[] = { "", "scrypt", "scrypt$15$8$1", "plain$15$8$1$a$b",
		"scrypt$9$8$1$AAAAAAAAAAAAAAAAAAAAAA==$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"scrypt$17$8$1$AAAAAAAAAAAAAAAAAAAAAA==$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"scrypt$16$16$1$AAAAAAAAAAAAAAAAAAAAAA==$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"scrypt$15$0$1$AAAAAAAAAAAAAAAAAAAAAA==$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"scrypt$15$8$5$AAAAAAAAAAAAAAAAAAAAAA==$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"scrypt$15$8$1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"scrypt$15$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAA",
		"scrypt$15$8$1$AAAAAAAAAAAAAAAAAAAAAA==$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=$" };
	struct bd_password kept, again;
	char text[BD_PASSWORD_TEXT_BYTES];
	(void)state;
	assert_int_equal(bd_password_make(&kept, bd_bytes_of("correct horse battery")), BD_OK);
	assert_int_equal(bd_password_write(text, &kept), BD_OK);
	assert_true(bd_password_read(&again, bd_bytes_of(text)));
	assert_memory_equal(&kept, &again, sizeof(kept));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (bd_password_read(&again, bd_bytes_of(wrong[i]))) {
			fail_msg("%s", wrong[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_read),
		cmocka_unit_test(wrong_settings_are_all_told),
		cmocka_unit_test(paths_that_cannot_be_used_are_all_told),
		cmocka_unit_test(senders_read),
		cmocka_unit_test(wrong_senders_are_all_told),
		cmocka_unit_test(roles_that_exclude_each_other),
		cmocka_unit_test(accounts_read),
		cmocka_unit_test(wrong_accounts_are_all_told),
		cmocka_unit_test(passwords_as_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
