#include "cli/pki_show.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "cli/answer.h"
#include "cli/table.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define SOON_DAYS 30
#define COLUMNS 5
#define CERTIFICATES_MAX 4096
#define TEXT_MAX_BYTES 1048576

/* A certificate of the folder, or its list. */
struct one {
	char name[256];
	struct bd_pki_facts facts;
	int64_t revoked_ms; /* 0 = not */
	bool is_list;
};

static const char *use_of(const struct bd_cli_options *options, const struct one *one)
{
	const struct bd_pki_facts *facts = &one->facts;

	return one->is_list          ? bd_cli_say(options, "吊销列表", "revocation list")
	       : facts->is_authority ? bd_cli_say(options, "CA", "authority")
	       : facts->may_serve && facts->may_ask
		       ? bd_cli_say(options, "服务器与客户端", "server and client")
	       : facts->may_serve ? bd_cli_say(options, "服务器", "server")
	       : facts->may_ask   ? bd_cli_say(options, "客户端", "client")
				  : bd_cli_say(options, "其他", "other");
}

static const char *state_of(
	const struct bd_cli_options *options, const struct one *one, int64_t now_ms)
{
	int64_t left_ms = one->facts.until_ms - now_ms;

	return one->revoked_ms != 0          ? bd_cli_say(options, "已吊销", "revoked")
	       : left_ms < 0                 ? bd_cli_say(options, "已过期", "expired")
	       : now_ms < one->facts.from_ms ? bd_cli_say(options, "尚未生效", "not valid yet")
	       : left_ms < (one->is_list ? SOON_DAYS / 4 : SOON_DAYS) * DAY_MS
		       ? bd_cli_say(options, "即将过期", "expires soon")
		       : bd_cli_say(options, "有效", "valid");
}

void bd_cli_pki_show_sender(const struct bd_cli_options *options, const struct bd_pki *pki,
	const char *name, const char *roles)
{
	struct bd_pki_facts facts;

	bd_pki_describe(&facts, pki);
	bd_cli_notice(options, "请将下列一段加入 senders_file，按需填写 sources：",
		"add this section to senders_file, with its sources:");
	printf("\n[%s]\nspki_pin = %s\nroles = %s\n%s", name, facts.peer.spki_sha256, roles,
		strcmp(roles, "department") == 0 ? "sources = \n" : "");
}

/* -- one -- */

static void write_facts(struct bd_json_writer *w, const struct one *one)
{
	const struct bd_pki_facts *facts = &one->facts;

	if (!one->is_list) {
		bd_jw_text(w, "common_name", facts->peer.common_name);
		bd_jw_array(w, "names");
		for (size_t i = 0; i < facts->peer.name_count; i++) {
			bd_jw_text(w, NULL, facts->peer.names[i]);
		}
		bd_jw_array_end(w);
		bd_jw_text(w, "issuer", facts->peer.issuer);
		bd_jw_text(w, "serial", facts->peer.serial);
		bd_jw_text(w, "pin", facts->peer.spki_sha256);
		bd_jw_time(w, "from", facts->from_ms);
	}
	bd_jw_time(w, "until", facts->until_ms);
	if (one->revoked_ms != 0) {
		bd_jw_time(w, "revoked", one->revoked_ms);
	}
}

static void print_json(struct bd_json_writer *w, struct bd_buf *text)
{
	if (w->code == BD_OK) {
		fwrite(text->ptr, 1, text->len, stdout);
		fputc('\n', stdout);
	}
}

static void show_json(const struct one *one)
{
	struct bd_json_writer w;
	struct bd_buf text;

	bd_buf_init(&text, TEXT_MAX_BYTES);
	bd_jw_init(&w, &text);
	bd_jw_object(&w, NULL);
	write_facts(&w, one);
	bd_jw_object_end(&w);
	print_json(&w, &text);
	bd_buf_release(&text);
}

static void put(
	const struct bd_cli_options *options, const char *zh, const char *en, const char *value)
{
	printf("%s ", bd_cli_say(options, zh, en));
	bd_cli_put(stdout, bd_bytes_of(value));
	fputc('\n', stdout);
}

static void put_time(
	const struct bd_cli_options *options, const char *zh, const char *en, int64_t ms)
{
	char text[30];

	bd_time_format(text, ms);
	put(options, zh, en, text);
}

void bd_cli_pki_show(const struct bd_cli_options *options, const struct bd_pki *pki)
{
	struct one one = { .revoked_ms = 0 };
	const struct bd_http_peer *peer = &one.facts.peer;

	bd_pki_describe(&one.facts, pki);
	if (options->is_json) {
		show_json(&one);
		return;
	}
	put(options, "名称", "common name", peer->common_name);
	for (size_t i = 0; i < peer->name_count; i++) {
		put(options, "别名", "also", peer->names[i]);
	}
	put(options, "签发者", "issuer", peer->issuer);
	put(options, "用途", "for", use_of(options, &one));
	put_time(options, "生效", "from", one.facts.from_ms);
	put_time(options, "到期", "until", one.facts.until_ms);
	printf("%s\n  pin %s\n  serial %s ",
		bd_cli_say(options, "deny_list_file 中的写法（任选一行）",
			"either line for deny_list_file"),
		peer->spki_sha256, peer->serial);
	bd_cli_put(stdout, bd_bytes_of(peer->issuer));
	fputc('\n', stdout);
}

/* -- all -- */

static int by_name(const void *first, const void *second)
{
	return strcmp(((const struct one *)first)->name, ((const struct one *)second)->name);
}

static enum bd_cli_exit read_one(
	struct one *one, const struct bd_cli_folder *folder, const char *name, struct bd_bytes crl)
{
	struct bd_pki *pki = NULL;
	enum bd_cli_exit result;
	int64_t unused;

	*one = (struct one){ .revoked_ms = 0 };
	snprintf(one->name, sizeof(one->name), "%s", name);
	result = bd_cli_pki_read(&pki, folder, name, false);
	if (result == BD_CLI_OK) {
		bd_pki_describe(&one->facts, pki);
		if (crl.len > 0) {
			bd_pki_look_up(&one->revoked_ms, &unused, crl, pki, NULL);
		}
	}
	bd_pki_free(pki);
	return result;
}

/* The list as a row of its own, by the authority's certificate. */
static enum bd_cli_exit read_list(
	struct one *one, const struct bd_cli_folder *folder, struct bd_bytes crl)
{
	struct bd_pki *ca = NULL;
	enum bd_cli_exit result = bd_cli_pki_read(&ca, folder, "ca", false);
	int64_t unused;

	*one = (struct one){ .name = "crl.pem", .is_list = true };
	if (result == BD_CLI_OK &&
		bd_pki_look_up(&unused, &one->facts.until_ms, crl, ca, NULL) != BD_OK) {
		bd_cli_notice(folder->options, "crl.pem 无法读取", "crl.pem cannot be read");
		result = BD_CLI_CONFIGURATION;
	}
	bd_pki_free(ca);
	return result;
}

static enum bd_cli_exit read_all(
	struct one *all, size_t *count, const struct bd_cli_folder *folder, struct bd_bytes crl)
{
	DIR *dir = opendir(folder->path);
	const struct dirent *entry;
	enum bd_cli_exit result = BD_CLI_OK;

	if (dir == NULL) {
		fprintf(stderr, "bidui: %s: %s\n", folder->path, strerror(errno));
		return BD_CLI_USAGE;
	}
	while (result == BD_CLI_OK && (entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len > 4 && strcmp(entry->d_name + len - 4, ".crt") == 0 &&
			*count < CERTIFICATES_MAX) {
			char name[256];

			snprintf(name, sizeof(name), "%.*s", (int)(len - 4), entry->d_name);
			result = read_one(&all[*count], folder, name, crl);
			*count += result == BD_CLI_OK;
		}
	}
	closedir(dir);
	qsort(all, *count, sizeof(*all), by_name);
	if (result == BD_CLI_OK && crl.len > 0 && *count < CERTIFICATES_MAX) {
		result = read_list(&all[*count], folder, crl);
		*count += result == BD_CLI_OK;
	}
	return result;
}

static void list_json(const struct one *all, size_t count)
{
	struct bd_json_writer w;
	struct bd_buf text;

	bd_buf_init(&text, TEXT_MAX_BYTES * 8);
	bd_jw_init(&w, &text);
	bd_jw_array(&w, NULL);
	for (size_t i = 0; i < count; i++) {
		bd_jw_object(&w, NULL);
		bd_jw_text(&w, "file", all[i].name);
		write_facts(&w, &all[i]);
		bd_jw_object_end(&w);
	}
	bd_jw_array_end(&w);
	print_json(&w, &text);
	bd_buf_release(&text);
}

static void list_text(const struct bd_cli_options *options, const struct one *all, size_t count)
{
	const struct bd_bytes head[COLUMNS] = { bd_bytes_of(bd_cli_say(options, "文件", "file")),
		bd_bytes_of(bd_cli_say(options, "用途", "for")),
		bd_bytes_of(bd_cli_say(options, "到期", "until")),
		bd_bytes_of(bd_cli_say(options, "天数", "days")),
		bd_bytes_of(bd_cli_say(options, "状态", "state")) };
	int64_t now_ms = bd_clock_wall_ms();
	struct bd_cli_table table;
	struct bd_arena arena;

	bd_arena_init(&arena, TEXT_MAX_BYTES * 8);
	bd_cli_table_begin(&table, COLUMNS, &arena);
	bd_cli_table_add(&table, head);
	for (size_t i = 0; i < count; i++) {
		char *day = bd_arena_alloc(&arena, 11, 1), *days = bd_arena_alloc(&arena, 24, 1);

		if (day == NULL || days == NULL) {
			break;
		}
		bd_day_format(day, bd_day_at(all[i].facts.until_ms));
		snprintf(days, 24, "%" PRId64, (all[i].facts.until_ms - now_ms) / DAY_MS);
		const struct bd_bytes cells[COLUMNS] = { bd_bytes_of(all[i].name),
			bd_bytes_of(use_of(options, &all[i])), bd_bytes_of(day), bd_bytes_of(days),
			bd_bytes_of(state_of(options, &all[i], now_ms)) };

		bd_cli_table_add(&table, cells);
	}
	bd_cli_table_print(stdout, &table, 0);
	bd_arena_release(&arena);
}

enum bd_cli_exit bd_cli_pki_list(const struct bd_cli_folder *folder)
{
	struct one *all = calloc(CERTIFICATES_MAX, sizeof(*all));
	enum bd_cli_exit result;
	struct bd_buf crl;
	size_t count = 0;

	if (all == NULL) {
		return BD_CLI_USAGE;
	}
	bd_buf_init(&crl, TEXT_MAX_BYTES * 4);
	result = bd_cli_pki_read_crl(&crl, folder);
	result = result == BD_CLI_OK ? read_all(all, &count, folder, bd_buf_bytes(&crl)) : result;
	if (result == BD_CLI_OK && folder->options->is_json) {
		list_json(all, count);
	} else if (result == BD_CLI_OK) {
		list_text(folder->options, all, count);
	}
	bd_buf_release(&crl);
	free(all);
	return result;
}
