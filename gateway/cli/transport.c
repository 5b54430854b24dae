#include "cli/transport.h"

#include "base/digest_scrypt.h"
#include "cli/file.h"
#include "cli/secret.h"
#include "http/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Server, path and query together. */
#define URL_MAX_BYTES 8192
/* A push of a whole dump is answered after its last record was stored: minutes, not seconds. */
#define IDLE_MS 900000
/* Of NAME:PASSWORD. */
#define AUTHORIZATION_MAX_BYTES 512

struct bd_cli_connection {
	const struct bd_cli_options *options;
	struct bd_http_guard guard;
	struct bd_http_client *client;
	struct bd_buf authorization; /* with a NUL; empty without an account */
};

static bool may_connect(struct bd_http_guard *guard, const struct sockaddr *address)
{
	const struct sockaddr_in *four = (const void *)address;
	const struct sockaddr_in6 *six = (const void *)address;

	(void)guard;
	return address->sa_family == AF_INET ? ntohl(four->sin_addr.s_addr) >> 24 == 127
					     : IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static bool is_plaintext(const struct bd_cli_options *options)
{
	return strncasecmp(options->server, "http://", 7) == 0;
}

enum bd_cli_exit bd_cli_send_exit(enum bd_code code)
{
	switch ((int)code) {
	case BD_CONFIG_REFERENCE:
	case BD_CONFIG_MEANING:
		return BD_CLI_CONFIGURATION;
	case BD_IO:
		return BD_CLI_USAGE;
	default:
		return BD_CLI_CONNECT;
	}
}

/* Which of the files cannot be used, libcurl says in its own words; ours name them all. */
static void tell_files(const struct bd_cli_options *options)
{
	const char *unset = bd_cli_say(options, "（未设置）", "(not set)");

	fprintf(stderr, "  CA %s\n  %s %s\n  %s %s\n", options->ca != NULL ? options->ca : unset,
		bd_cli_say(options, "证书", "certificate"),
		options->cert != NULL ? options->cert : unset, bd_cli_say(options, "私钥", "key"),
		options->key != NULL ? options->key : unset);
}

void bd_cli_send_tell(
	const struct bd_cli_options *options, enum bd_code code, const struct bd_diag *diag)
{
	const struct bd_code_info *info = bd_code_info(code);

	if (code == BD_CONNECT_ADDRESS) {
		bd_cli_notice(options, "http:// 只能用于本机；请改用 https://",
			"http:// is for this machine only; use https://");
		return;
	}
	if (code == BD_CONFIG_REFERENCE) {
		bd_cli_notice(options, "CA、证书或私钥文件无法使用",
			"the file of the CA, the certificate or the key cannot be used");
		tell_files(options);
	} else if (code == BD_CONFIG_MEANING) {
		bd_cli_notice(options, "网关地址或某个选项的取值无法使用",
			"the address of the gateway or a value of an option cannot be used");
		fprintf(stderr, "  --server %s\n", options->server);
	} else {
		fprintf(stderr, "bidui: %s: %s (%s)\n", options->server,
			options->is_english ? info->en : info->zh, info->text);
		fprintf(stderr, "  %s\n", options->is_english ? info->hint_en : info->hint_zh);
	}
	if (diag->detail[0] != '\0') {
		fprintf(stderr, "  %s\n", diag->detail);
	}
}

/* "Basic ..." of the account and its password (RFC 7617). */
static bool authorize(struct bd_buf *out, const struct bd_cli_options *options)
{
	char room[AUTHORIZATION_MAX_BYTES];
	struct bd_buf pair = { room, 0, sizeof(room), sizeof(room) }, password;
	bool is_good = true;

	if (options->account == NULL) {
		return true;
	}
	if (is_plaintext(options)) {
		bd_cli_notice(options, "密码只经 https 传送", "a password is sent by https only");
		return false;
	}
	bd_buf_init(&password, BD_PASSWORD_MAX_BYTES);
	is_good = bd_cli_password(&password, options, false) &&
		  bd_buf_printf(&pair, "%s:", options->account) == BD_OK &&
		  bd_buf_add(&pair, bd_buf_bytes(&password)) == BD_OK &&
		  bd_buf_reserve(out, 2 * AUTHORIZATION_MAX_BYTES) == BD_OK &&
		  bd_buf_add_text(out, "Basic ") == BD_OK &&
		  bd_base64_add(out, bd_buf_bytes(&pair)) == BD_OK &&
		  bd_buf_add_byte(out, '\0') == BD_OK;
	bd_wipe(room, sizeof(room));
	bd_buf_wipe(&password);
	return is_good;
}

enum bd_cli_exit bd_cli_connection_new(
	struct bd_cli_connection **out, const struct bd_cli_options *options, bool is_among_threads)
{
	struct bd_cli_connection *connection = calloc(1, sizeof(*connection));
	struct bd_diag diag = { .code = BD_OK };
	struct bd_http_client_settings settings = { .ca = options->ca,
		.cert = options->cert,
		.key = options->key,
		.is_plaintext_allowed = is_plaintext(options),
		.is_among_threads = is_among_threads,
		.idle_ms = IDLE_MS };
	enum bd_code code = BD_NO_MEMORY;

	if (connection != NULL) {
		connection->options = options;
		connection->guard.may_connect = may_connect;
		settings.guard = is_plaintext(options) ? &connection->guard : NULL;
		bd_buf_init(&connection->authorization, 4 * AUTHORIZATION_MAX_BYTES);
		if (!authorize(&connection->authorization, options)) {
			bd_cli_connection_free(connection);
			return BD_CLI_USAGE;
		}
		code = bd_http_client_new(&connection->client, &settings, &diag);
	}
	if (code != BD_OK) {
		bd_cli_connection_free(connection);
		bd_cli_send_tell(options, code, &diag);
		return bd_cli_send_exit(code);
	}
	*out = connection;
	return BD_CLI_OK;
}

void bd_cli_connection_free(struct bd_cli_connection *connection)
{
	if (connection == NULL) {
		return;
	}
	bd_http_client_free(connection->client);
	bd_buf_wipe(&connection->authorization);
	free(connection);
}

static enum bd_code ask(struct bd_http_answer *answer, const struct bd_cli_connection *connection,
	const struct bd_cli_request *request, const char *url, struct bd_diag *diag)
{
	const struct bd_cli_options *options = connection->options;
	bool is_gzip = request->file != NULL && request->file->is_gzip;
	const struct {
		const char *name, *value;
	} wanted[] = {
		{ "Content-Type", request->content_type },
		{ "Content-Encoding", is_gzip ? "gzip" : NULL },
		{ "Content-Digest", request->content_digest },
		{ "Accept-Language", options->is_english ? "en" : "zh-CN" },
		{ "Bidui-Purpose", options->purpose },
		{ "Bidui-Case", options->case_id },
		{ "Bidui-Operator", options->operator_name },
		{ "Bidui-Subject", options->subject },
		{ "Idempotency-Key", options->idempotency_key },
		{ "Authorization", connection->authorization.ptr },
	};
	struct bd_http_header headers[sizeof(wanted) / sizeof(wanted[0]) + 1];
	const struct bd_http_request asked = { .method = request->method,
		.url = url,
		.headers = headers,
		.body = request->file != NULL ? &request->file->body : NULL,
		.bytes = request->text,
		.idle_ms = request->idle_ms };
	size_t count = 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (wanted[i].value != NULL) {
			headers[count++] =
				(struct bd_http_header){ wanted[i].name, wanted[i].value };
		}
	}
	headers[count] = (struct bd_http_header){ NULL, NULL };
	return bd_http_client_ask(connection->client, answer, &asked, diag);
}

struct coming {
	struct bd_http_answer answer; /* first */
	const struct bd_cli_request *request;
};

static void on_piece(struct bd_http_answer *answer)
{
	const struct coming *coming = (const struct coming *)answer;

	coming->request->on_piece(coming->request, bd_buf_bytes(&answer->body));
}

enum bd_code bd_cli_send_by(struct bd_cli_answer *answer, struct bd_cli_connection *connection,
	const struct bd_cli_request *request, struct bd_diag *diag)
{
	struct coming coming = { .request = request };
	struct bd_http_answer *came = &coming.answer;
	struct bd_buf url;
	enum bd_code code;

	came->on_piece = request->on_piece != NULL ? on_piece : NULL;
	bd_buf_init(&came->body, BD_CLI_ANSWER_MAX_BYTES);
	bd_buf_init(&url, URL_MAX_BYTES);
	code = bd_buf_printf(&url, "%s%s", connection->options->server, request->path);
	code = code == BD_OK ? bd_buf_add_byte(&url, '\0') : code;
	code = code == BD_OK ? ask(came, connection, request, url.ptr, diag)
			     : bd_fail(diag, BD_CONFIG_MEANING, "the address is too long");
	bd_buf_release(&url);
	*answer = (struct bd_cli_answer){ .status = came->status,
		.is_ndjson = strstr(came->content_type, "ndjson") != NULL,
		.body = came->body };
	return code;
}

enum bd_cli_exit bd_cli_send(struct bd_cli_answer *answer, const struct bd_cli_options *options,
	const struct bd_cli_request *request)
{
	struct bd_cli_connection *connection = NULL;
	struct bd_diag diag = { .code = BD_OK };
	enum bd_cli_exit result = bd_cli_connection_new(&connection, options, false);
	enum bd_code code;

	*answer = (struct bd_cli_answer){ .status = 0 };
	if (result != BD_CLI_OK) {
		return result;
	}
	code = bd_cli_send_by(answer, connection, request, &diag);
	bd_cli_connection_free(connection);
	if (request->file != NULL) {
		bd_cli_file_end_progress(request->file);
	}
	if (code == BD_OK) {
		return BD_CLI_OK;
	}
	if (code == BD_IO && request->file != NULL) {
		bd_cli_file_tell(request->file);
	} else {
		bd_cli_send_tell(options, code, &diag);
	}
	return bd_cli_send_exit(code);
}

enum bd_code bd_cli_escape(struct bd_buf *out, const char *text)
{
	enum bd_code code = BD_OK;

	for (const char *p = text; *p != '\0' && code == BD_OK; p++) {
		bool is_plain = (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') ||
				(*p >= 'a' && *p <= 'z') || strchr("-._~", *p) != NULL;

		code = is_plain ? bd_buf_add_byte(out, *p)
				: bd_buf_printf(out, "%%%02X", (unsigned char)*p);
	}
	return code;
}
