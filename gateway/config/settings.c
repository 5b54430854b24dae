#include "config/settings.h"

#include "base/limits.h"
#include "config/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
	KIND_FILE,
	KIND_TEXT,
	KIND_ADDRESS,
	KIND_LOOPBACK,
	KIND_PINS,
	KIND_NUMBER,
	KIND_CHOICE,
	KIND_GRACE
};

struct row {
	const char *key;
	enum kind kind;
	size_t offset; /* in struct bd_settings */
	bool is_required;
	enum bd_file_use use; /* of KIND_FILE */
	bool may_be_lost;     /* of KIND_FILE */
	const char *fallback;
	uint64_t min, max, normal;
	const char *const
		*choices; /* of KIND_CHOICE: by their number, then NULL; the first is normal */
};

static const char *const durabilities[] = {
	[BD_TRAIL_WRITTEN] = "written", [BD_TRAIL_SYNCED] = "synced", NULL
};

static const char *const confinements[] = {
	[BD_CONFINEMENT_REQUIRED] = "required", [BD_CONFINEMENT_BEST_EFFORT] = "best_effort", NULL
};

static const char *const tls_clients[] = {
	[BD_TLS_CLIENTS_ASKED] = "asked", [BD_TLS_CLIENTS_REQUIRED] = "required", NULL
};

static const char *const answers[] = { "no", "yes", NULL };

#define AT(member) offsetof(struct bd_settings, member)
#define MB ((uint64_t)1048576)

static const struct row rows[] = {
	{ .key = "listen", .kind = KIND_ADDRESS, .offset = AT(listen) },
	{ .key = "listen_plaintext", .kind = KIND_LOOPBACK, .offset = AT(listen_plaintext) },
	{ .key = "listen_proxy", .kind = KIND_ADDRESS, .offset = AT(listen_proxy) },
	{ .key = "proxy_pins", .kind = KIND_PINS, .offset = AT(proxy_pins) },
	{ .key = "two_person_approval",
		.kind = KIND_CHOICE,
		.offset = AT(two_person_approval),
		.choices = answers },
	{ .key = "signature_window_s",
		.kind = KIND_NUMBER,
		.offset = AT(signature_window_s),
		.min = 10,
		.max = 900,
		.normal = 120 },
	{ .key = "tls_certificate", .kind = KIND_FILE, .offset = AT(tls_certificate) },
	{ .key = "tls_key", .kind = KIND_FILE, .offset = AT(tls_key) },
	{ .key = "tls_ca", .kind = KIND_FILE, .offset = AT(tls_ca) },
	{ .key = "tls_crl", .kind = KIND_FILE, .may_be_lost = true, .offset = AT(tls_crl) },
	{ .key = "tls_clients",
		.kind = KIND_CHOICE,
		.offset = AT(tls_clients),
		.choices = tls_clients },
	{ .key = "deny_list_file", .kind = KIND_FILE, .offset = AT(deny_list_file) },
	{ .key = "crl_unavailable",
		.kind = KIND_GRACE,
		.offset = AT(crl_unavailable),
		.min = 1,
		.max = 720 },
	{ .key = "certificate_alarm_days",
		.kind = KIND_NUMBER,
		.offset = AT(certificate_alarm_days),
		.min = 1,
		.max = 365,
		.normal = 30 },
	{ .key = "data_folder",
		.kind = KIND_FILE,
		.use = BD_FOLDER_WRITTEN,
		.offset = AT(data_folder),
		.is_required = true },
	{ .key = "master_key_file", .kind = KIND_FILE, .offset = AT(master_key_file) },
	{ .key = "master_key_credential", .kind = KIND_TEXT, .offset = AT(master_key_credential) },
	{ .key = "master_key_command", .kind = KIND_TEXT, .offset = AT(master_key_command) },
	{ .key = "sealing",
		.kind = KIND_CHOICE,
		.offset = AT(sealing),
		.choices = bd_sealing_names },
	{ .key = "blinding",
		.kind = KIND_CHOICE,
		.offset = AT(blinding),
		.choices = bd_blinding_names },
	{ .key = "signing_key_file",
		.kind = KIND_FILE,
		.offset = AT(signing_key_file),
		.is_required = true },
	{ .key = "adapters_folder",
		.kind = KIND_FILE,
		.use = BD_FOLDER_READ,
		.offset = AT(adapters_folder),
		.is_required = true },
	{ .key = "schemas_folder",
		.kind = KIND_FILE,
		.use = BD_FOLDER_READ,
		.offset = AT(schemas_folder),
		.is_required = true },
	{ .key = "senders_file",
		.kind = KIND_FILE,
		.offset = AT(senders_file),
		.fallback = "senders.conf" },
	{ .key = "grants_file", .kind = KIND_FILE, .offset = AT(grants_file), .is_required = true },
	{ .key = "sources_file", .kind = KIND_FILE, .offset = AT(sources_file) },
	{ .key = "accounts_file", .kind = KIND_FILE, .offset = AT(accounts_file) },
	{ .key = "worker_path",
		.kind = KIND_FILE,
		.use = BD_FILE_RUN,
		.offset = AT(worker_path),
		.is_required = true },
	{ .key = "database_path",
		.kind = KIND_FILE,
		.use = BD_FILE_RUN,
		.offset = AT(database_path) },
	{ .key = "witness_keys_file",
		.kind = KIND_FILE,
		.use = BD_FILE_READ,
		.offset = AT(witness_keys_file) },
	{ .key = "witness_file",
		.kind = KIND_FILE,
		.use = BD_FILE_WRITTEN,
		.offset = AT(witness_file) },
	{ .key = "keys_folder",
		.kind = KIND_FILE,
		.use = BD_FOLDER_READ,
		.offset = AT(keys_folder) },
	{ .key = "sandbox_folder",
		.kind = KIND_FILE,
		.use = BD_FOLDER_READ,
		.offset = AT(sandbox_folder) },
	{ .key = "port_file", .kind = KIND_FILE, .use = BD_FILE_WRITTEN, .offset = AT(port_file) },
	{ .key = "run_as_user", .kind = KIND_TEXT, .offset = AT(run_as_user) },
	{ .key = "confinement",
		.kind = KIND_CHOICE,
		.offset = AT(confinement),
		.choices = confinements },
	{ .key = "loops", .kind = KIND_NUMBER, .offset = AT(loops), .min = 0, .max = 255 },
	{ .key = "workers",
		.kind = KIND_NUMBER,
		.offset = AT(workers),
		.min = 1,
		.max = 64,
		.normal = 2 },
	{ .key = "body_max_bytes",
		.kind = KIND_NUMBER,
		.offset = AT(body_max_bytes),
		.min = 65536,
		.max = 16384 * MB,
		.normal = 256 * MB },
	{ .key = "question_max_bytes",
		.kind = KIND_NUMBER,
		.offset = AT(question_max_bytes),
		.min = 4096,
		.max = 65536,
		.normal = 65536 },
	{ .key = "look_up_wait_ms",
		.kind = KIND_NUMBER,
		.offset = AT(look_up_wait_ms),
		.min = 0,
		.max = BD_LOOK_UP_WAIT_MAX_MS,
		.normal = BD_LOOK_UP_WAIT_MS },
	{ .key = "cases_waiting_max",
		.kind = KIND_NUMBER,
		.offset = AT(cases_waiting_max),
		.min = 1,
		.max = BD_CASES_WAITING_MAX,
		.normal = BD_CASES_WAITING },
	{ .key = "connections_max",
		.kind = KIND_NUMBER,
		.offset = AT(connections_max),
		.min = 8,
		.max = 65536,
		.normal = 4096 },
	{ .key = "header_timeout_ms",
		.kind = KIND_NUMBER,
		.offset = AT(header_timeout_ms),
		.min = 100,
		.max = 60000,
		.normal = 10000 },
	{ .key = "body_timeout_ms",
		.kind = KIND_NUMBER,
		.offset = AT(body_timeout_ms),
		.min = 100,
		.max = 3600000,
		.normal = 60000 },
	{ .key = "write_timeout_ms",
		.kind = KIND_NUMBER,
		.offset = AT(write_timeout_ms),
		.min = 100,
		.max = 3600000,
		.normal = 30000 },
	{ .key = "idle_timeout_ms",
		.kind = KIND_NUMBER,
		.offset = AT(idle_timeout_ms),
		.min = 100,
		.max = 3600000,
		.normal = 60000 },
	{ .key = "message_time_max_ms",
		.kind = KIND_NUMBER,
		.offset = AT(message_time_max_ms),
		.min = 100,
		.max = 3600000,
		.normal = 30000 },
	{ .key = "map_size_bytes",
		.kind = KIND_NUMBER,
		.offset = AT(map_size_bytes),
		.min = 16 * MB,
		.max = 16777216 * MB,
		.normal = 65536 * MB },
	{ .key = "free_min_bytes",
		.kind = KIND_NUMBER,
		.offset = AT(free_min_bytes),
		.min = 0,
		.max = 16777216 * MB,
		.normal = 1024 * MB },
	{ .key = "free_min_percent",
		.kind = KIND_NUMBER,
		.offset = AT(free_min_percent),
		.min = 0,
		.max = 50,
		.normal = 5 },
	{ .key = "journal_days",
		.kind = KIND_NUMBER,
		.offset = AT(journal_days),
		.min = 1,
		.max = 365,
		.normal = 7 },
	{ .key = "history_days",
		.kind = KIND_NUMBER,
		.offset = AT(history_days),
		.min = 1,
		.max = 3650,
		.normal = 400 },
	{ .key = "cases_days",
		.kind = KIND_NUMBER,
		.offset = AT(cases_days),
		.min = 1,
		.max = 36500,
		.normal = 730 },
	{ .key = "dispute_days",
		.kind = KIND_NUMBER,
		.offset = AT(dispute_days),
		.min = 1,
		.max = 60,
		.normal = 5 },
	{ .key = "trail_durability",
		.kind = KIND_CHOICE,
		.offset = AT(trail_durability),
		.choices = durabilities },
	{ .key = "witness_age_max_s",
		.kind = KIND_NUMBER,
		.offset = AT(witness_age_max_s),
		.min = 60,
		.max = 31536000,
		.normal = 86400 },
	{ .key = "witness_file_every_s",
		.kind = KIND_NUMBER,
		.offset = AT(witness_file_every_s),
		.min = 1,
		.max = 86400,
		.normal = 60 },
	{ .key = "trail_segment_bytes",
		.kind = KIND_NUMBER,
		.offset = AT(trail_segment_bytes),
		.min = MB,
		.max = 1024 * MB,
		.normal = 64 * MB },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const char **text_at(struct bd_settings *settings, const struct row *row)
{
	return (const char **)(void *)((char *)settings + row->offset);
}

static uint64_t *number_at(struct bd_settings *settings, const struct row *row)
{
	return (uint64_t *)(void *)((char *)settings + row->offset);
}

static enum bd_code fail(
	struct bd_diags *diags, enum bd_code code, const struct bd_line *line, const char *detail)
{
	return bd_diags_add(diags, code, line->shown, line->number, line->value_column, "%s: %s",
		line->key, detail);
}

/* host:port, [v6]:port */
static bool is_address(const char *value)
{
	const char *colon = strrchr(value, ':');
	if (colon == NULL || colon == value || colon[1] == '\0' || strlen(colon + 1) > 5) {
		return false;
	}
	bool is_numeric = strspn(colon + 1, "0123456789") == strlen(colon + 1);
	return is_numeric && strtoul(colon + 1, NULL, 10) <= 65535 &&
	       (memchr(value, ':', (size_t)(colon - value)) == NULL ||
		       (value[0] == '[' && colon[-1] == ']'));
}

static bool is_loopback(const char *value)
{
	return strncmp(value, "127.", 4) == 0 || strncmp(value, "[::1]:", 6) == 0;
}

static bool are_pins(const char *value)
{
	size_t len;

	for (; *value != '\0'; value += len + strspn(value + len, " \t")) {
		len = strcspn(value, " \t");
		if (len != 64 || strspn(value, "0123456789abcdef") < len) {
			return false;
		}
	}
	return true;
}

static bool read_number(uint64_t *out, const char *value, const struct row *row)
{
	if (value[0] == '\0' || strspn(value, "0123456789") != strlen(value)) {
		return false;
	}
	errno = 0;
	unsigned long long number = strtoull(value, NULL, 10);
	if (errno != 0 || number < row->min || number > row->max) {
		return false;
	}
	*out = number;
	return true;
}

static bool read_choice(uint64_t *out, const char *value, const struct row *row)
{
	for (size_t i = 0; row->choices[i] != NULL; i++) {
		if (strcmp(row->choices[i], value) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* "deny", or "grace N h": hours. */
static bool read_grace(uint64_t *out, const char *value, const struct row *row)
{
	char digits[8];
	int len = 0;
	if (strcmp(value, "deny") == 0) {
		*out = 0;
		return true;
	}
	return sscanf(value, "grace %7[0-9] h%n", digits, &len) == 1 && len > 0 &&
	       value[len] == '\0' && read_number(out, digits, row);
}

static void set(struct bd_settings *settings, const struct row *row, const struct bd_line *line,
	const char *path, struct bd_arena *arena, struct bd_diags *diags)
{
	if (line->value[0] == '\0') {
		fail(diags, BD_CONFIG_MEANING, line, "no value");
		return;
	}
	switch (row->kind) {
	case KIND_FILE:
		*text_at(settings, row) = bd_lines_resolve(line->value, path, arena);
		return;
	case KIND_TEXT:
		*text_at(settings, row) = line->value;
		return;
	case KIND_PINS:
		if (!are_pins(line->value)) {
			fail(diags, BD_CONFIG_MEANING, line,
				"expected 64 lower-case hexadecimal digits each, blanks between");
		}
		*text_at(settings, row) = line->value;
		return;
	case KIND_ADDRESS:
	case KIND_LOOPBACK:
		if (!is_address(line->value)) {
			fail(diags, BD_CONFIG_MEANING, line, "expected address:port");
		} else if (row->kind == KIND_LOOPBACK && !is_loopback(line->value)) {
			fail(diags, BD_CONFIG_MEANING, line,
				"without TLS only a loopback address is listened on");
		}
		*text_at(settings, row) = line->value;
		return;
	case KIND_NUMBER:
		if (!read_number(number_at(settings, row), line->value, row)) {
			bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number,
				line->value_column, "%s: expected a number from %llu to %llu",
				line->key, (unsigned long long)row->min,
				(unsigned long long)row->max);
		}
		return;
	case KIND_GRACE:
		if (!read_grace(number_at(settings, row), line->value, row)) {
			bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number,
				line->value_column,
				"%s: expected deny, or grace N h with N from %llu to %llu",
				line->key, (unsigned long long)row->min,
				(unsigned long long)row->max);
		}
		return;
	case KIND_CHOICE:
		if (!read_choice(number_at(settings, row), line->value, row)) {
			bd_diags_add(diags, BD_CONFIG_MEANING, line->shown, line->number,
				line->value_column, "%s: expected %s or %s", line->key,
				row->choices[0], row->choices[1]);
		}
		return;
	}
}

bool bd_config_setting_file(
	struct bd_setting_file *out, const struct bd_settings *settings, size_t at)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].kind == KIND_FILE && at-- == 0) {
			const void *place = (const char *)settings + rows[i].offset;

			*out = (struct bd_setting_file){ rows[i].key, *(const char *const *)place,
				rows[i].use, rows[i].may_be_lost };
			return true;
		}
	}
	return false;
}

static const struct row *find_row(const struct bd_line *line, struct bd_diags *diags)
{
	const char *names[ROW_COUNT];
	for (size_t i = 0; line->key != NULL && i < ROW_COUNT; i++) {
		names[i] = rows[i].key;
		if (strcmp(rows[i].key, line->key) == 0) {
			return &rows[i];
		}
	}
	const char *near = line->key == NULL ? NULL : bd_nearest(line->key, names, ROW_COUNT);
	bd_diags_add(diags, BD_CONFIG_REFERENCE, line->shown, line->number, line->key_column,
		"no setting '%s'%s%s%s", line->key == NULL ? line->section : line->key,
		near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
		near == NULL ? "" : "'?");
	return NULL;
}

static void check_whole(const struct bd_settings *settings, const bool *is_set, const char *shown,
	struct bd_diags *diags)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].is_required && !is_set[i]) {
			bd_diags_add(diags, BD_CONFIG_MEANING, shown, 0, 0, "'%s' is missing",
				rows[i].key);
		}
	}
	if ((settings->master_key_file != NULL) + (settings->master_key_credential != NULL) +
			(settings->master_key_command != NULL) !=
		1) {
		bd_diags_add(diags, BD_CONFIG_MEANING, shown, 0, 0,
			"exactly one of 'master_key_file', 'master_key_credential' and "
			"'master_key_command' is set");
	}
	if (settings->listen == NULL && settings->listen_plaintext == NULL) {
		bd_diags_add(diags, BD_CONFIG_MEANING, shown, 0, 0,
			"neither 'listen' nor 'listen_plaintext' is set");
	}
	if ((settings->listen_proxy != NULL) != (settings->proxy_pins != NULL)) {
		bd_diags_add(diags, BD_CONFIG_MEANING, shown, 0, 0,
			"'listen_proxy' and 'proxy_pins' go together");
	}
	if ((settings->listen != NULL || settings->listen_proxy != NULL) &&
		(settings->tls_certificate == NULL || settings->tls_key == NULL ||
			settings->tls_ca == NULL)) {
		bd_diags_add(diags, BD_CONFIG_MEANING, shown, 0, 0,
			"'listen' and 'listen_proxy' need tls_certificate, tls_key and tls_ca");
	}
}

enum bd_code bd_config_settings(const struct bd_settings **out, const char *path,
	struct bd_arena *arena, struct bd_diags *diags)
{
	const struct bd_line *lines = NULL;
	size_t count = 0;
	enum bd_code code = bd_lines_read(&lines, &count, path, arena, diags);
	struct bd_settings *settings = bd_arena_alloc(arena, 1, sizeof(*settings));
	if (code != BD_OK || settings == NULL) {
		return code != BD_OK ? code
				     : bd_diags_add(diags, BD_NO_MEMORY, "", 0, 0, "no room");
	}
	bool is_set[ROW_COUNT] = { false };
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].kind == KIND_NUMBER) {
			*number_at(settings, &rows[i]) = rows[i].normal;
		} else if (rows[i].fallback != NULL) {
			*text_at(settings, &rows[i]) =
				bd_lines_resolve(rows[i].fallback, path, arena);
		}
	}
	for (size_t i = 0; i < count; i++) {
		const struct row *row = find_row(&lines[i], diags);
		if (row == NULL) {
			continue;
		}
		if (is_set[row - rows]) {
			fail(diags, BD_CONFIG_MEANING, &lines[i], "stands twice");
		}
		is_set[row - rows] = true;
		set(settings, row, &lines[i], path, arena, diags);
	}
	check_whole(settings, is_set, bd_diags_shown(path), diags);
	code = bd_diags_code(diags);
	if (code == BD_OK) {
		*out = settings;
	}
	return code;
}
