/* cli.h - what the commands of bidui share: options, exit codes, the table of commands.
 *
 * Layer: cli. Answers go to stdout, notices and errors to stderr, so that a pipe sees only data.
 * Text is Chinese unless --lang or the locale says English; codes are never translated.
 */
#ifndef BD_CLI_CLI_H
#define BD_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Documented in bidui.1; scripts rely on them. */
enum bd_cli_exit {
	BD_CLI_OK = 0,
	BD_CLI_NEGATIVE = 1, /* a decision other than pass, rejects, nothing found */
	BD_CLI_USAGE = 2,
	BD_CLI_CONNECT = 3,       /* the gateway was not reached */
	BD_CLI_CONFIGURATION = 4, /* an adapter or key file is not valid */
	BD_CLI_REFUSED = 5        /* the gateway answered with a problem */
};

struct bd_cli_options {
	const char *server, *ca, *cert, *key;
	const char *source, *feed, *delivery, *subject, *idempotency_key;
	const char *kind, *number, *entity;
	const char *purpose, *case_id, *operator_name;
	const char *adapters, *schemas;
	const char *witness;
	uint64_t total;
	bool has_total;
	bool is_baseline, is_atomic, is_dry_run;
	bool is_key_given; /* --key, not BIDUI_KEY: of a check, the signer's public key */
	bool is_json, is_english, has_colour;
	char **args; /* what is no option, the command's name not counted; borrowed from argv */
	int arg_count;
};

struct bd_cli_command {
	const char *name;
	const char *arguments; /* as shown in the help */
	const char *zh, *en;
	int min_args, max_args;
	enum bd_cli_exit (*run)(const struct bd_cli_options *options);
};

enum bd_cli_exit bd_cli_push(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_compare(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_query(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_status(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_dictionary(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_adapter(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_matter(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_receipt(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_audit(const struct bd_cli_options *options);

/* Defaults from the environment: BIDUI_SERVER, BIDUI_CA, BIDUI_CERT, BIDUI_KEY, LC_ALL,
 * LC_MESSAGES, LANG, NO_COLOR. Then argv[1..] in any order. False after it said what was wrong. */
bool bd_cli_options_read(struct bd_cli_options *options, int argc, char **argv);
void bd_cli_options_help(bool is_english);

/* The one of two texts. */
const char *bd_cli_say(const struct bd_cli_options *options, const char *zh, const char *en);
/* A notice on stderr in the chosen language; the formats take the same arguments. */
void bd_cli_notice(const struct bd_cli_options *options, const char *zh, const char *en);

#endif
