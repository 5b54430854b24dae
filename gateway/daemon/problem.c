#include "daemon/problem.h"

#include <stdio.h>
#include <strings.h>

/* One diag with its texts. */
#define PROBLEM_MAX_BYTES 8192

static const char *title(const struct bd_code_info *info, bool is_english)
{
	return is_english ? info->en : info->zh;
}

/* Whose matter it is: the client's, ours, or a source's. */
static void write_layer(
	struct bd_json_writer *w, const struct bd_code_info *info, const char *source)
{
	char layer[96];

	if (source != NULL && bd_code_find(info->text) >= BD_SOURCE_FAILED &&
		bd_code_find(info->text) <= BD_SOURCE_SEVERAL) {
		snprintf(layer, sizeof(layer), "source:%s", source);
		bd_jw_text(w, "layer", layer);
	} else {
		bd_jw_text(w, "layer", info->status >= 500 ? "bidui" : "client");
	}
}

static void write_place(struct bd_json_writer *w, const struct bd_diag *diag)
{
	if (diag->place.line != 0) {
		bd_jw_u64(w, "line", diag->place.line);
	}
	if (diag->place.column != 0) {
		bd_jw_u64(w, "column", diag->place.column);
	}
	if (diag->place.row != 0) {
		bd_jw_u64(w, "row", diag->place.row);
	}
}

static void write_errors(struct bd_json_writer *w, const struct bd_diag *diag)
{
	bd_jw_array(w, "errors");
	if (diag->path[0] != '\0' || diag->field[0] != '\0' || diag->place.line != 0 ||
		diag->place.row != 0) {
		bd_jw_object(w, NULL);
		if (diag->path[0] != '\0') {
			bd_jw_text(w, diag->path[0] == '/' ? "pointer" : "path", diag->path);
		}
		if (diag->field[0] != '\0') {
			bd_jw_text(w, "field", diag->field);
		}
		write_place(w, diag);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

enum bd_code bd_problem_write(
	struct bd_buf *body, const struct bd_diag *diag, const char *source, bool is_english)
{
	const struct bd_code_info *info = bd_code_info(diag->code);
	struct bd_json_writer w;

	bd_jw_init(&w, body);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "type", "about:blank");
	bd_jw_text(&w, "title", title(info, is_english));
	bd_jw_i64(&w, "status", info->status);
	bd_jw_text(&w, "detail", diag->detail);
	bd_jw_text(&w, "code", info->text);
	write_layer(&w, info, source);
	bd_jw_bool(&w, "retryable", info->is_retryable);
	bd_jw_text(&w, "hint", is_english ? info->hint_en : info->hint_zh);
	write_errors(&w, diag);
	bd_jw_object_end(&w);
	return w.code;
}

void bd_reject_write(struct bd_json_writer *w, const char *key, const struct bd_reject *reject)
{
	const struct bd_diag *diag = &reject->diag;
	const struct bd_code_info *info = bd_code_info(diag->code);

	bd_jw_object(w, key);
	bd_jw_u64(w, "index", reject->index);
	bd_jw_text(w, "section", reject->section);
	write_place(w, diag);
	bd_jw_text(w, "field", diag->field);
	bd_jw_text(w, "path", diag->path);
	bd_jw_text(w, "code", info->text);
	bd_jw_text(w, "rule", diag->rule);
	bd_jw_text(w, "detail", diag->detail);
	bd_jw_text(w, "zh", info->zh);
	bd_jw_text(w, "en", info->en);
	bd_jw_text(w, "hint_zh", info->hint_zh);
	bd_jw_text(w, "hint_en", info->hint_en);
	bd_jw_object_end(w);
}

static bool wants_english(const struct bd_http_exchange *exchange)
{
	struct bd_bytes language = bd_http_header(exchange, "accept-language");

	return language.len >= 2 && strncasecmp(language.ptr, "en", 2) == 0;
}

void bd_problem_respond(
	struct bd_http_exchange *exchange, const struct bd_diag *diag, const char *source)
{
	const struct bd_http_header headers[] = {
		{ "Content-Type", "application/problem+json" },
		{ "Cache-Control", "no-store" },
		{ diag->code == BD_AUTH_UNKNOWN ? "WWW-Authenticate" : "Retry-After",
			diag->code == BD_AUTH_UNKNOWN ? "Mutual" : "1" },
		{ NULL, NULL },
	};
	const struct bd_http_header plain[] = { headers[0], headers[1], { NULL, NULL } };
	int status = bd_code_info(diag->code)->status;
	bool is_long = status == 429 || status == 503 || diag->code == BD_AUTH_UNKNOWN;
	struct bd_buf body;

	bd_buf_init(&body, PROBLEM_MAX_BYTES);
	if (bd_problem_write(&body, diag, source, wants_english(exchange)) != BD_OK) {
		bd_buf_clear(&body);
	}
	bd_http_respond(exchange, status, is_long ? headers : plain, bd_buf_bytes(&body));
	bd_buf_release(&body);
}

void bd_problem_respond_code(
	struct bd_http_exchange *exchange, enum bd_code code, const char *detail)
{
	struct bd_diag diag = { .code = BD_OK };

	bd_fail(&diag, code, "%s", detail);
	bd_problem_respond(exchange, &diag, NULL);
}
