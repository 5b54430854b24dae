#include "cli/answer.h"

#include <string.h>

static bool has_found(const struct bd_reply *reply)
{
	return bd_bytes_is(bd_reply_text(reply, "status"), "found");
}

static void put_text(FILE *file, const char *text)
{
	fputc('"', file);
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char byte = (unsigned char)*p;
		if (byte < 0x20 || byte == '"' || byte == '\\') {
			fprintf(file, "\\u%04x", byte);
		} else {
			fputc(byte, file);
		}
	}
	fputc('"', file);
}

/* A subject is asked for by its number alone in the body: never in the address. */
static FILE *make_question(int64_t *bytes, const struct bd_cli_options *options)
{
	const char *entity = options->entity;
	bool is_person;
	if (entity == NULL) {
		is_person = strcmp(options->kind, "resident_id") == 0 ||
			    strstr(options->kind, "permit") != NULL ||
			    strcmp(options->kind, "passport") == 0;
		entity = is_person ? "person" : "organization";
	}
	is_person = strcmp(entity, "person") == 0;
	FILE *file = tmpfile();
	if (file == NULL) {
		return NULL;
	}
	fputs("{\"subject\":{\"entity\":", file);
	put_text(file, entity);
	fputs(is_person ? ",\"id_type\":" : ",\"", file);
	if (is_person) {
		put_text(file, options->kind);
		fputs(",\"id_no\":", file);
	} else {
		fprintf(file, "%s\":", options->kind);
	}
	put_text(file, options->number);
	fputs("}}", file);
	*bytes = ftello(file);
	rewind(file);
	return file;
}

static bool is_word(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0' &&
	       text[0] != '\0';
}

enum bd_cli_exit bd_cli_query(const struct bd_cli_options *options)
{
	struct bd_cli_request request = {
		.method = "POST",
		.path = "/v1/identities/query",
		.content_type = "application/json",
	};
	if (options->arg_count == 1) {
		request.body = bd_cli_open(&request.body_bytes, options, options->args[0]);
	} else if (options->kind != NULL && options->number != NULL && is_word(options->kind)) {
		request.body = make_question(&request.body_bytes, options);
	} else {
		bd_cli_notice(options, "请给出 --kind 与 --number，或一个文件",
			"give --kind and --number, or a file");
	}
	if (request.body == NULL) {
		return BD_CLI_USAGE;
	}
	enum bd_cli_exit result = bd_cli_ask(options, &request, has_found);
	fclose(request.body);
	return result;
}
