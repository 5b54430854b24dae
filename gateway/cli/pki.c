/* pki.c - bidui pki: a small authority of one's own, without a gateway: certificates of servers,
 * departments, engines and operators, their renewal and revocation, and what expires when. */
#include "base/clock.h"
#include "base/json_write.h"
#include "cli/answer.h"
#include "cli/offline.h"
#include "cli/pki_file.h"
#include "cli/pki_show.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "pki"
/* Unless said: authorities for ten years, certificates for one, lists for a month. */
#define AUTHORITY_DAYS 3650
#define CERTIFICATE_DAYS 365
#define CRL_DAYS 30
#define DAYS_MAX 36500
#define NAME_MAX_BYTES 64
#define NAMES_MAX 16
/* Clocks differ: valid from a little before now. */
#define BEFORE_MS INT64_C(300000)
#define CRL_MAX_BYTES 4194304

struct verb {
	const char *name;
	int min_args, max_args;
	enum bd_pki_kind kind; /* of what it makes */
	const char *roles;     /* of the sender; NULL = none */
	enum bd_cli_exit (*run)(const struct bd_cli_folder *folder, const struct verb *verb,
		char **args, int arg_count);
};

/* -- what is asked -- */

static bool read_days(int64_t *until_ms, const struct bd_cli_options *options, long normal)
{
	char *end = NULL;
	long days = options->days == NULL ? normal : strtol(options->days, &end, 10);

	if (days < 1 || days > DAYS_MAX || (end != NULL && *end != '\0')) {
		bd_cli_notice(
			options, "--days 应为 1 至 36500 的天数", "--days is 1 to 36500 days");
		return false;
	}
	*until_ms = bd_clock_wall_ms() + days * INT64_C(86400000);
	return true;
}

/* It becomes the name of a file. */
static bool is_name(const struct bd_cli_options *options, const char *name)
{
	size_t len = strlen(name);
	bool is_good = len > 0 && len < NAME_MAX_BYTES && name[0] != '.' && name[0] != '-' &&
		       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._-") == len;

	if (!is_good) {
		bd_cli_notice(options, "名称只能用字母、数字、点、横线与下划线，至多 63 个字符",
			"a name has letters, digits, dots, dashes and underscores, at most 63");
	}
	return is_good;
}

static enum bd_cli_exit tell(
	const struct bd_cli_folder *folder, const struct bd_diag *diag, const char *name)
{
	bd_cli_tell(folder->options, diag, name);
	return BD_CLI_CONFIGURATION;
}

/* Nothing is written over, unless that is wanted. */
static bool is_free(const struct bd_cli_folder *folder, const char *name)
{
	if (folder->options->is_replacing || (!bd_cli_pki_exists(folder, name, ".key") &&
						     !bd_cli_pki_exists(folder, name, ".crt"))) {
		return true;
	}
	fprintf(stderr, "bidui: %s/%s: %s\n", folder->path, name,
		bd_cli_say(folder->options, "已存在；续期请用 renew，确要换新密钥请加 --replace",
			"exists; use renew to renew it, --replace for a new key"));
	return false;
}

/* -- lists -- */

static enum bd_cli_exit renew_crl(
	const struct bd_cli_folder *folder, const struct bd_pki *ca, const struct bd_pki *revoked)
{
	struct bd_diag diag = { .code = BD_OK };
	enum bd_cli_exit result = BD_CLI_USAGE;
	struct bd_buf before, pem;
	int64_t until_ms;

	bd_buf_init(&before, CRL_MAX_BYTES);
	bd_buf_init(&pem, CRL_MAX_BYTES);
	if (read_days(&until_ms, folder->options, CRL_DAYS)) {
		result = bd_cli_pki_read_crl(&before, folder);
	}
	if (result == BD_CLI_OK) {
		result = bd_pki_make_crl(&pem,
				 before.len > 0 ? bd_buf_bytes(&before)
						: (struct bd_bytes){ NULL, 0 },
				 revoked, bd_clock_wall_ms(), until_ms, ca, &diag) == BD_OK
				 ? bd_cli_pki_write_crl(folder, bd_buf_bytes(&pem))
				 : tell(folder, &diag, "crl.pem");
	}
	bd_buf_release(&before);
	bd_buf_release(&pem);
	return result;
}

static enum bd_cli_exit run_crl(
	const struct bd_cli_folder *folder, const struct verb *verb, char **args, int arg_count)
{
	struct bd_pki *ca = NULL;
	enum bd_cli_exit result = bd_cli_pki_read(&ca, folder, "ca", true);

	(void)verb;
	(void)args;
	(void)arg_count;
	result = result == BD_CLI_OK ? renew_crl(folder, ca, NULL) : result;
	bd_pki_free(ca);
	return result;
}

/* NAME of the folder, or any file of a certificate. */
static enum bd_cli_exit run_revoke(
	const struct bd_cli_folder *folder, const struct verb *verb, char **args, int arg_count)
{
	struct bd_pki *ca = NULL, *revoked = NULL;
	enum bd_cli_exit result = bd_cli_pki_read(&ca, folder, "ca", true);

	(void)verb;
	(void)arg_count;
	if (result == BD_CLI_OK) {
		result = bd_cli_pki_exists(folder, args[0], ".crt")
				 ? bd_cli_pki_read(&revoked, folder, args[0], false)
				 : bd_cli_pki_read_cert(&revoked, folder->options, args[0]);
	}
	if (result == BD_CLI_OK && !bd_pki_is_issued_by(revoked, ca)) {
		bd_cli_notice(folder->options, "该证书不是本 CA 签发的，不能由它吊销",
			"the certificate is not of this authority, which cannot revoke it");
		result = BD_CLI_CONFIGURATION;
	}
	result = result == BD_CLI_OK ? renew_crl(folder, ca, revoked) : result;
	bd_pki_free(revoked);
	bd_pki_free(ca);
	return result;
}

/* -- certificates -- */

static enum bd_cli_exit run_init(
	const struct bd_cli_folder *folder, const struct verb *verb, char **args, int arg_count)
{
	struct bd_pki_wanted wanted = { .kind = verb->kind,
		.common_name = arg_count > 0 ? args[0] : "bidui development CA",
		.from_ms = bd_clock_wall_ms() - BEFORE_MS };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_pki *ca = NULL;
	enum bd_cli_exit result = bd_cli_pki_make_folder(folder);

	if (result != BD_CLI_OK || !is_free(folder, "ca") ||
		!read_days(&wanted.until_ms, folder->options, AUTHORITY_DAYS)) {
		return BD_CLI_USAGE;
	}
	if (bd_pki_make(&ca, &wanted, NULL, &diag) != BD_OK) {
		return tell(folder, &diag, "ca");
	}
	result = bd_cli_pki_write(folder, "ca", ca, true, folder->options->is_replacing);
	if (result == BD_CLI_OK && folder->options->is_replacing) {
		result = bd_cli_pki_drop_crl(folder);
	}
	if (result == BD_CLI_OK) {
		struct bd_cli_options normal = *folder->options;
		const struct bd_cli_folder same = { &normal, folder->path };

		normal.days = NULL;
		result = renew_crl(&same, ca, NULL);
	}
	bd_pki_free(ca);
	return result;
}

/* Of a server that names no others: its own name or address, of localhost the addresses too. */
static size_t own_names(
	const char *names[NAMES_MAX], char own[NAME_MAX_BYTES + 4], const char *name)
{
	struct in_addr address;
	bool is_address = inet_pton(AF_INET, name, &address) == 1;

	snprintf(own, NAME_MAX_BYTES + 4, "%s%s", is_address ? "IP:" : "DNS:", name);
	names[0] = own;
	if (strcmp(name, "localhost") == 0) {
		names[1] = "IP:127.0.0.1";
		names[2] = "IP:::1";
		return 3;
	}
	return 1;
}

static enum bd_cli_exit issue(const struct bd_cli_folder *folder, const struct verb *verb,
	const struct bd_pki_wanted *wanted)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_pki *ca = NULL, *pki = NULL;
	enum bd_cli_exit result = bd_cli_pki_read(&ca, folder, "ca", true);

	if (result == BD_CLI_OK && bd_pki_make(&pki, wanted, ca, &diag) != BD_OK) {
		result = tell(folder, &diag, wanted->common_name);
	}
	if (result == BD_CLI_OK) {
		result = bd_cli_pki_write(
			folder, wanted->common_name, pki, true, folder->options->is_replacing);
	}
	if (result == BD_CLI_OK && verb->roles != NULL) {
		bd_cli_pki_show_sender(folder->options, pki, wanted->common_name, verb->roles);
	}
	bd_pki_free(pki);
	bd_pki_free(ca);
	return result;
}

static enum bd_cli_exit run_make(
	const struct bd_cli_folder *folder, const struct verb *verb, char **args, int arg_count)
{
	const char *names[NAMES_MAX];
	char own[NAME_MAX_BYTES + 4];
	struct bd_pki_wanted wanted = { .kind = verb->kind,
		.common_name = args[0],
		.names = names,
		.from_ms = bd_clock_wall_ms() - BEFORE_MS };

	if (!is_name(folder->options, args[0]) || !is_free(folder, args[0]) ||
		!read_days(&wanted.until_ms, folder->options, CERTIFICATE_DAYS)) {
		return BD_CLI_USAGE;
	}
	for (int i = 1; i < arg_count; i++) {
		names[wanted.name_count++] = args[i];
	}
	if (wanted.name_count == 0) {
		wanted.name_count = own_names(names, own, args[0]);
	}
	return issue(folder, verb, &wanted);
}

static enum bd_cli_exit renew(
	const struct bd_cli_folder *folder, const char *name, const struct bd_pki *ca)
{
	bool is_own = strcmp(name, "ca") == 0;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_pki *old = NULL, *pki = NULL;
	int64_t until_ms;
	enum bd_cli_exit result = bd_cli_pki_read(&old, folder, name, true);

	if (result == BD_CLI_OK && !read_days(&until_ms, folder->options,
					   is_own ? AUTHORITY_DAYS : CERTIFICATE_DAYS)) {
		result = BD_CLI_USAGE;
	}
	if (result == BD_CLI_OK && bd_pki_renew(&pki, old, bd_clock_wall_ms() - BEFORE_MS, until_ms,
					   is_own ? NULL : ca, &diag) != BD_OK) {
		result = tell(folder, &diag, name);
	}
	result = result == BD_CLI_OK ? bd_cli_pki_keep_old(folder, name) : result;
	result = result == BD_CLI_OK ? bd_cli_pki_write(folder, name, pki, false, true) : result;
	bd_pki_free(pki);
	bd_pki_free(old);
	return result;
}

static enum bd_cli_exit run_renew(
	const struct bd_cli_folder *folder, const struct verb *verb, char **args, int arg_count)
{
	struct bd_pki *ca = NULL;
	enum bd_cli_exit result = bd_cli_pki_read(&ca, folder, "ca", true);

	(void)verb;
	(void)arg_count;
	if (result == BD_CLI_OK) {
		result = is_name(folder->options, args[0]) ? renew(folder, args[0], ca)
							   : BD_CLI_USAGE;
	}
	bd_pki_free(ca);
	return result;
}

static enum bd_cli_exit run_list(
	const struct bd_cli_folder *folder, const struct verb *verb, char **args, int arg_count)
{
	(void)verb;
	(void)args;
	(void)arg_count;
	return bd_cli_pki_list(folder);
}

static enum bd_cli_exit run_show(
	const struct bd_cli_folder *folder, const struct verb *verb, char **args, int arg_count)
{
	struct bd_pki *pki = NULL;
	enum bd_cli_exit result = bd_cli_pki_exists(folder, args[0], ".crt")
					  ? bd_cli_pki_read(&pki, folder, args[0], false)
					  : bd_cli_pki_read_cert(&pki, folder->options, args[0]);

	(void)verb;
	(void)arg_count;
	if (result == BD_CLI_OK) {
		bd_cli_pki_show(folder->options, pki);
	}
	bd_pki_free(pki);
	return result;
}

static const struct verb verbs[] = {
	{ "init", 0, 1, BD_PKI_AUTHORITY, NULL, run_init },
	{ "server", 1, NAMES_MAX, BD_PKI_SERVER, NULL, run_make },
	{ "department", 1, NAMES_MAX, BD_PKI_CLIENT, "department", run_make },
	{ "engine", 1, NAMES_MAX, BD_PKI_CLIENT, "engine", run_make },
	{ "operator", 1, NAMES_MAX, BD_PKI_CLIENT, "operator", run_make },
	{ "renew", 1, 1, BD_PKI_CLIENT, NULL, run_renew },
	{ "revoke", 1, 1, BD_PKI_CLIENT, NULL, run_revoke },
	{ "crl", 0, 0, BD_PKI_CLIENT, NULL, run_crl },
	{ "list", 0, 0, BD_PKI_CLIENT, NULL, run_list },
	{ "show", 1, 1, BD_PKI_CLIENT, NULL, run_show },
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

enum bd_cli_exit bd_cli_pki(const struct bd_cli_options *options)
{
	const struct bd_cli_folder folder = { options,
		options->folder != NULL ? options->folder : FOLDER };
	const char *names[VERB_COUNT];
	int arg_count = options->arg_count - 1;

	for (size_t i = 0; i < VERB_COUNT; i++) {
		const struct verb *verb = &verbs[i];

		names[i] = verb->name;
		if (strcmp(options->args[0], verb->name) != 0) {
			continue;
		}
		if (arg_count < verb->min_args || arg_count > verb->max_args) {
			bd_cli_notice(options, "参数个数不对；bidui pki --help 可查看",
				"too few or too many arguments; see bidui pki --help");
			return BD_CLI_USAGE;
		}
		return verb->run(&folder, verb, options->args + 1, arg_count);
	}
	bd_cli_unknown(options, "没有这个子命令", "no such subcommand", options->args[0], names,
		VERB_COUNT);
	return BD_CLI_USAGE;
}
