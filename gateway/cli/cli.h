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
	BD_CLI_NEGATIVE = 1,      /* a decision other than pass, rejects, nothing found */
	BD_CLI_USAGE = 2,         /* or a file that cannot be read or written */
	BD_CLI_CONNECT = 3,       /* the gateway was not reached, or did not answer */
	BD_CLI_CONFIGURATION = 4, /* an adapter, a matter or a key file is not valid */
	BD_CLI_REFUSED = 5        /* the gateway answered with a problem */
};

/* Options come in groups; a command names those it knows. */
enum bd_cli_group {
	BD_CLI_GROUP_COMMON = 1,  /* --lang -o: every command's */
	BD_CLI_GROUP_GATEWAY = 2, /* where it is and who we are */
	BD_CLI_GROUP_PUSH = 4,    /* what is pushed */
	BD_CLI_GROUP_WHY = 8,     /* why one asks, and for which case */
	BD_CLI_GROUP_SUBJECT = 16,
	BD_CLI_GROUP_LINES = 32,
	BD_CLI_GROUP_FOLDERS = 64, /* of adapters and schemas */
	BD_CLI_GROUP_CHECK = 128,  /* of a check offline */
	BD_CLI_GROUP_OWED = 256,   /* which obligations */
	BD_CLI_GROUP_CHANGE = 512, /* what is done to one */
	BD_CLI_GROUP_ERASE = 1024,
	BD_CLI_GROUP_SOURCE = 2048,
	BD_CLI_GROUP_RECALL = 4096,
	BD_CLI_GROUP_DISPUTE = 8192,
	BD_CLI_GROUP_WATCH = 16384,
	BD_CLI_GROUP_ACCOUNT = 32768, /* the file of accounts */
	BD_CLI_GROUP_TIME = 65536,    /* from when on */
	BD_CLI_GROUP_KEY = 131072,    /* the settings file, and shares of the master key */
	BD_CLI_GROUP_TRAIL = 262144,  /* which entries of the trail */
	BD_CLI_GROUP_PKI = 524288,    /* certificates of one's own */
	BD_CLI_GROUP_GRANT = 1048576, /* which grants, of which installation */
	BD_CLI_GROUP_LOAD = 2097152   /* what is loaded offline, into which installation */
};

#define BD_CLI_OPTIONS_MAX 96

struct bd_cli_options {
	const char *server, *ca, *cert, *key;
	const char *account, *password_file; /* who we are, as a person */
	const char *accounts, *roles;
	const char *source, *feed, *delivery, *subject, *idempotency_key;
	const char *kind, *number, *entity;
	const char *purpose, *case_id, *operator_name;
	const char *adapters, *schemas;
	const char *witness, *witness_key;
	const char *digest, *subject_file, *client, *event, *until, *after;
	const char *due_before, *due_after, *state, *party, *cursor;
	const char *due, *working_days, *reason, *at;
	bool is_overdue, is_e_licence;
	const char *basis;
	const char *message, *about, *reference;
	const char *since;
	const char *config, *shares, *to, *list;
	const char *folder, *days;
	const char *sender, *matter, *on;
	uint64_t total;
	bool has_total;
	bool is_baseline, is_atomic, is_dry_run, is_lines, is_following, is_deciding;
	bool is_sure, is_replacing, is_resuming;
	bool is_purpose_given; /* --purpose, not BIDUI_PURPOSE */
	bool is_key_given;     /* --key, not BIDUI_KEY: of a check, the signer's public key */
	bool is_json, is_english, has_colour, is_help, is_version;
	bool given[BD_CLI_OPTIONS_MAX]; /* which options, by their row */
	char **args; /* what is no option, the command's name not counted; borrowed from argv */
	int arg_count;
};

struct bd_cli_command {
	const char *name;
	const char *arguments; /* as shown in the help */
	const char *zh, *en;
	const char *example;
	unsigned groups; /* enum bd_cli_group, the common ones understood */
	int min_args, max_args;
	enum bd_cli_exit (*run)(const struct bd_cli_options *options);
};

enum bd_cli_exit bd_cli_push(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_compare(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_query(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_source(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_status(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_dictionary(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_adapter(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_matter(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_backtest(const struct bd_cli_options *options, const char *path);
enum bd_cli_exit bd_cli_receipt(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_grant(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_obligations(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_obligation(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_explain(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_erase(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_audit(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_recall(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_dispute(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_backup(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_restore(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_load(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_rebuild(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_init(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_key(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_pki(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_account(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_change(const struct bd_cli_options *options);
enum bd_cli_exit bd_cli_watch(const struct bd_cli_options *options);

/* -- options -- */
/* Defaults from the environment: BIDUI_SERVER, BIDUI_CA, BIDUI_CERT, BIDUI_KEY,
 * BIDUI_PURPOSE, LC_ALL, LC_MESSAGES, LANG, NO_COLOR; folders: those here, else the installed ones.
 * Then argv[1..] in any order. False after it said what was wrong. */
bool bd_cli_options_read(struct bd_cli_options *options, int argc, char **argv);
/* Whether every option given is one of these groups; false after naming one that is not. */
bool bd_cli_options_fit(const struct bd_cli_options *options, const struct bd_cli_command *command);
/* The options of these groups, a line each, on stdout. */
void bd_cli_options_help(unsigned groups, bool is_english);

/* -- words -- */
/* The one of two texts. */
const char *bd_cli_say(const struct bd_cli_options *options, const char *zh, const char *en);
/* A notice on stderr in the chosen language. */
void bd_cli_notice(const struct bd_cli_options *options, const char *zh, const char *en);
/* "bidui: WHAT: WRONG", and the nearest of `names` where one is near. WRONG is shown without what
 * could steer the terminal. */
void bd_cli_unknown(const struct bd_cli_options *options, const char *zh, const char *en,
	const char *wrong, const char *const *names, size_t name_count);

/* application/x-ndjson for --lines and files named *.ndjson or *.jsonl, else application/json. */
const char *bd_cli_question_type(const struct bd_cli_options *options);

#endif
