/* answer.h - what the gateway answered: shown, judged, turned into an exit code.
 *
 * Layer: cli. With -o json the answer goes to stdout byte for byte, a problem too. Else each
 * command shows its answer its own way, and a problem (RFC 9457) is told on stderr. NDJSON is shown
 * and judged line by line: the worst line decides.
 */
#ifndef BD_CLI_ANSWER_H
#define BD_CLI_ANSWER_H

#include "base/json.h"
#include "cli/transport.h"
#include "config/diags.h"

#include <stdio.h>

struct bd_cli_view {
	/* Whether one answer is what was hoped for; called for each that is no problem. */
	bool (*is_good)(const struct bd_json *answer);
	/* Shows it on stdout. The arena is the answer's own, for what is made of it. */
	void (*show)(const struct bd_cli_options *options, const struct bd_json *answer,
		struct bd_arena *arena);
};

/* Shows and judges what is no answer of a gateway but has the same form, and is not of a file. */
enum bd_cli_exit bd_cli_show(const struct bd_cli_options *options,
	const struct bd_cli_answer *answer, const struct bd_cli_view *view);
/* The same of what is of a file: places in it are told with its name. */
enum bd_cli_exit bd_cli_show_of_file(const struct bd_cli_options *options,
	const struct bd_cli_answer *answer, const char *path, const struct bd_cli_view *view);
/* Sends, shows, releases. */
enum bd_cli_exit bd_cli_ask(const struct bd_cli_options *options,
	const struct bd_cli_request *request, const struct bd_cli_view *view);

/* POST of the file that is the first argument. */
enum bd_cli_exit bd_cli_ask_by_file(const struct bd_cli_options *options, const char *path,
	const char *content_type, const struct bd_cli_view *view);

/* The board of sources, of a status; nothing where it is empty. */
void bd_cli_show_sources(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena);

/* "现场查询 tax/gt3：成功": which departments were asked for a case, and how that ended; a line
 * each, nothing where none was. */
void bd_cli_show_look_ups(const struct bd_cli_options *options, const struct bd_json *answer);

/* What is wrong with files of configuration: FILE:LINE:COLUMN a line, on stderr. */
void bd_cli_show_errors(const struct bd_diags *diags);

/* -- pieces for views -- */
/* Text of a member; empty when there is none or it is null. */
struct bd_bytes bd_cli_text(const struct bd_json *node, const char *key);
bool bd_cli_is_true(const struct bd_json *node, const char *key);
/* The member key_zh or key_en, by the language. */
struct bd_bytes bd_cli_term(
	const struct bd_cli_options *options, const struct bd_json *node, const char *key);
/* A stable code in words; as it is where this version has none. */
struct bd_bytes bd_cli_code_text(const struct bd_cli_options *options, struct bd_bytes code);
/* Control characters go out as '?', so that nothing that came can steer the terminal. */
void bd_cli_put(FILE *out, struct bd_bytes text);
/* The same, but line feeds stay: a text of several lines. */
void bd_cli_put_lines(FILE *out, struct bd_bytes text);
/* "秒批通过 pass" of its member `decision`. */
void bd_cli_put_decision(const struct bd_cli_options *options, const struct bd_json *node);
/* "2026-06-01 09:30" of an RFC 3339 time, which is +08:00 here; as it is when it has another form.
 * Borrowed or from the arena. */
struct bd_bytes bd_cli_when(struct bd_bytes time, struct bd_arena *arena);
/* Seconds as a person says them: "3 天", "5 h"; empty of an empty text. */
struct bd_bytes bd_cli_age(
	const struct bd_cli_options *options, struct bd_bytes seconds, struct bd_arena *arena);
/* Anything, one line a member; an array of objects as a table. A view for what needs none. */
void bd_cli_show_any(
	const struct bd_cli_options *options, const struct bd_json *answer, struct bd_arena *arena);
/* The member `keys` of /v1/status, a line. */
void bd_cli_show_keys(const struct bd_cli_options *options, const struct bd_json *keys);
/* ANSI colour around what follows, where colours are wanted. */
void bd_cli_colour(const struct bd_cli_options *options, const char *code);

#endif
