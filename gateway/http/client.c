#include "http/client.h"

#include "base/clock.h"
#include "base/limits.h"
#include "http/tls_reason.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* As http/tls.c has them: ephemeral keys and AEAD. Those of TLS 1.3 are all so. */
#define SUITES "ECDHE+AESGCM:ECDHE+CHACHA20"

struct bd_http_client {
	CURL *settings; /* never performed: each transfer is a copy of it */
	struct bd_http_guard *guard;
	int64_t idle_ms;
	bool is_plaintext_allowed;
};

struct transfer {
	const struct bd_http_client *client;
	const struct bd_http_request *request;
	struct bd_http_answer *answer;
	CURL *easy;
	struct curl_slist *headers;
	enum bd_code code; /* what one of our callbacks found; counts only if the transfer fails */
	uint64_t given, head_bytes;
	curl_off_t sent, received;
	int64_t moved_ms; /* when either last grew */
	char error[CURL_ERROR_SIZE];
};

/* -- what libcurl calls -- */

static curl_socket_t open_socket(void *state, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = state;
	struct bd_http_guard *guard = transfer->client->guard;

	(void)purpose;
	if (guard != NULL && !guard->may_connect(guard, &address->addr)) {
		transfer->code = BD_CONNECT_ADDRESS;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_head(char *data, size_t size, size_t count, void *state)
{
	struct transfer *transfer = state;

	(void)data;
	transfer->head_bytes += size * count;
	if (transfer->head_bytes > BD_HTTP_ANSWER_HEAD_MAX_BYTES) {
		transfer->code = BD_CONNECT_ANSWER_SIZE;
		return 0;
	}
	return size * count;
}

static size_t take_body(char *data, size_t size, size_t count, void *state)
{
	struct transfer *transfer = state;
	struct bd_bytes bytes = { data, size * count };
	enum bd_code code = bd_buf_add(&transfer->answer->body, bytes);

	if (code != BD_OK) {
		transfer->code = code == BD_LIMIT_BYTES ? BD_CONNECT_ANSWER_SIZE : code;
		return 0;
	}
	if (transfer->answer->on_piece != NULL) {
		transfer->answer->on_piece(transfer->answer);
	}
	return bytes.len;
}

static size_t give_body(char *out, size_t size, size_t count, void *state)
{
	struct transfer *transfer = state;
	struct bd_http_body *body = transfer->request->body;
	uint64_t left = body->len < 0 ? UINT64_MAX : (uint64_t)body->len - transfer->given;
	size_t room = size * count < left ? size * count : (size_t)left;
	ptrdiff_t got = room == 0 ? 0 : body->give(body, out, room);

	if (got < 0 || (size_t)got > room || (got == 0 && room > 0 && body->len >= 0)) {
		transfer->code = BD_IO;
		return CURL_READFUNC_ABORT;
	}
	transfer->given += (uint64_t)got;
	return (size_t)got;
}

static int on_progress(
	void *state, curl_off_t all_in, curl_off_t in, curl_off_t all_out, curl_off_t out)
{
	struct transfer *transfer = state;
	struct bd_http_body *body = transfer->request->body;
	int64_t now = bd_clock_monotonic_ms();

	(void)all_in;
	(void)all_out;
	if (transfer->moved_ms == 0 || out != transfer->sent || in != transfer->received) {
		transfer->sent = out;
		transfer->received = in;
		transfer->moved_ms = now;
	}
	if (body != NULL && body->on_progress != NULL) {
		body->on_progress(body, (uint64_t)out, (uint64_t)in);
	}
	if (now - transfer->moved_ms > transfer->client->idle_ms) {
		transfer->code = BD_CONNECT_TIMEOUT;
		return 1;
	}
	return 0;
}

/* -- the client -- */

static long or_default(unsigned value, long standard)
{
	return value == 0 ? standard : (long)value;
}

static bool set_tls(CURL *easy, const struct bd_http_client_settings *settings)
{
	bool is_good = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
			       CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, SUITES) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
		       /* Else OpenSSL would ask the terminal for it. */
		       curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "") == CURLE_OK;

	if (settings->ca != NULL) {
		/* Without the second, the system's folder of CAs would still be trusted. */
		is_good = is_good &&
			  curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
	}
	if (settings->cert != NULL) {
		const char *key = settings->key != NULL ? settings->key : settings->cert;

		is_good = is_good &&
			  curl_easy_setopt(easy, CURLOPT_SSLCERT, settings->cert) == CURLE_OK &&
			  curl_easy_setopt(easy, CURLOPT_SSLKEY, key) == CURLE_OK;
	}
	return is_good;
}

static bool set_transport(CURL *easy, const struct bd_http_client_settings *settings)
{
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
		       settings->is_plaintext_allowed ? "http,https" : "https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "bidui") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		       or_default(settings->connect_ms, 10000)) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, or_default(settings->total_ms, 0)) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK;
}

enum bd_code bd_http_client_new(struct bd_http_client **out,
	const struct bd_http_client_settings *settings, struct bd_diag *diag)
{
	struct bd_http_client *client = calloc(1, sizeof(*client));

	if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(client);
		return bd_fail(diag, BD_NO_MEMORY, "outbound client");
	}
	client->settings = curl_easy_init();
	client->guard = settings->guard;
	client->idle_ms = or_default(settings->idle_ms, 60000);
	client->is_plaintext_allowed = settings->is_plaintext_allowed;
	if (client->settings == NULL || !set_transport(client->settings, settings) ||
		!set_tls(client->settings, settings)) {
		bd_http_client_free(client);
		return bd_fail(diag, BD_NO_MEMORY, "outbound client");
	}
	*out = client;
	return BD_OK;
}

void bd_http_client_free(struct bd_http_client *client)
{
	if (client != NULL) {
		curl_easy_cleanup(client->settings);
		curl_global_cleanup();
		free(client);
	}
}

/* -- a transfer: its beginning -- */

static bool is_scheme_allowed(const struct bd_http_client *client, const char *url)
{
	return strncasecmp(url, "https://", 8) == 0 ||
	       (client->is_plaintext_allowed && strncasecmp(url, "http://", 7) == 0);
}

static enum bd_code add_header(struct curl_slist **list, const char *name, const char *value)
{
	struct curl_slist *longer;
	struct bd_buf line;
	enum bd_code code = BD_CONFIG_MEANING;

	bd_buf_init(&line, BD_HTTP_HEADER_MAX_BYTES);
	if (strpbrk(value, "\r\n") == NULL) {
		/* libcurl takes "Name:" for a header to be left out. */
		code = bd_buf_printf(&line, "%s%s%s", name, value[0] != '\0' ? ": " : ";", value);
	}
	if (code == BD_OK) {
		code = bd_buf_add_byte(&line, '\0');
	}
	if (code == BD_OK) {
		longer = curl_slist_append(*list, line.ptr);
		code = longer == NULL ? BD_NO_MEMORY : BD_OK;
		*list = longer != NULL ? longer : *list;
	}
	bd_buf_release(&line);
	return code;
}

static enum bd_code set_headers(struct transfer *transfer, struct bd_diag *diag)
{
	const struct bd_http_header *header = transfer->request->headers;
	enum bd_code code = BD_OK;

	for (; header != NULL && header->name != NULL && code == BD_OK; header++) {
		code = add_header(&transfer->headers, header->name, header->value);
		if (code != BD_OK) {
			return bd_fail(diag, code, "header %.64s", header->name);
		}
	}
	return curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK
		       ? BD_OK
		       : bd_fail(diag, BD_NO_MEMORY, "headers");
}

static bool set_body(struct transfer *transfer)
{
	const struct bd_http_request *request = transfer->request;
	CURL *easy = transfer->easy;

	if (request->body != NULL) {
		return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
			       (curl_off_t)request->body->len) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_READDATA, transfer) == CURLE_OK;
	}
	if (request->bytes.ptr != NULL) {
		return curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
			       (curl_off_t)request->bytes.len) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->bytes.ptr) == CURLE_OK;
	}
	return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
}

static enum bd_code begin(struct transfer *transfer, struct bd_diag *diag)
{
	const struct bd_http_request *request = transfer->request;

	if (!is_scheme_allowed(transfer->client, request->url)) {
		return bd_fail(diag, BD_CONFIG_MEANING, "the address begins with https://");
	}
	transfer->easy = curl_easy_duphandle(transfer->client->settings);
	if (transfer->easy == NULL || !set_body(transfer) ||
		curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, request->method) !=
			CURLE_OK ||
		curl_easy_setopt(transfer->easy, CURLOPT_URL, request->url) != CURLE_OK ||
		curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, transfer->error) !=
			CURLE_OK ||
		curl_easy_setopt(transfer->easy, CURLOPT_OPENSOCKETDATA, transfer) != CURLE_OK ||
		curl_easy_setopt(transfer->easy, CURLOPT_HEADERDATA, transfer) != CURLE_OK ||
		curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer) != CURLE_OK ||
		curl_easy_setopt(transfer->easy, CURLOPT_XFERINFODATA, transfer) != CURLE_OK) {
		return bd_fail(diag, BD_NO_MEMORY, "outbound request");
	}
	return set_headers(transfer, diag);
}

/* -- and its conclusion -- */

/* An alert comes after the handshake in TLS 1.3 and then looks like any read that failed: only
 * OpenSSL's text, which libcurl hands on, tells them apart (RFC 8446 section 6.2). BD_OK: none of
 * these. */
static enum bd_code code_of_alert(const char *error)
{
	static const struct {
		const char *text;
		enum bd_code code;
	} alerts[] = { { "certificate expired", BD_CONNECT_OWN_EXPIRED },
		{ "certificate revoked", BD_CONNECT_OWN_REVOKED },
		{ "unknown ca", BD_CONNECT_OWN_ISSUER },
		{ "unsupported certificate", BD_CONNECT_OWN_USAGE },
		{ "certificate required", BD_CONNECT_OWN_MISSING },
		{ "certificate", BD_CONNECT_OWN_CERTIFICATE },
		{ "handshake failure", BD_CONNECT_TLS }, { "protocol version", BD_CONNECT_TLS },
		{ "insufficient security", BD_CONNECT_TLS } };
	const char *alert = strstr(error, "alert ");

	for (size_t i = 0; alert != NULL && i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		if (strstr(alert, alerts[i].text) != NULL) {
			return alerts[i].code;
		}
	}
	return strstr(error, "unsupported protocol") != NULL ? BD_CONNECT_TLS : BD_OK;
}

static enum bd_code code_of(const struct transfer *transfer, CURLcode result)
{
	enum bd_code alert = code_of_alert(transfer->error);
	long verified = 0;

	if (transfer->code != BD_OK) {
		return transfer->code;
	}
	switch ((int)result) {
	case CURLE_OUT_OF_MEMORY:
		return BD_NO_MEMORY;
	case CURLE_URL_MALFORMAT:
		return BD_CONFIG_MEANING;
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return BD_CONFIG_REFERENCE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
		/* The name is compared by libcurl itself, which has only words for it. */
		return strstr(transfer->error, "subject name") != NULL
			       ? BD_CONNECT_CERTIFICATE_NAME
			       : bd_http_reason_of_server(verified);
	case CURLE_OPERATION_TIMEDOUT:
		return BD_CONNECT_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return BD_CONNECT;
	default:
		break;
	}
	if (alert != BD_OK) {
		return alert;
	}
	return result == CURLE_SSL_CONNECT_ERROR ? BD_CONNECT : BD_CONNECT_BROKEN;
}

static enum bd_code fail(const struct transfer *transfer, CURLcode result, struct bd_diag *diag)
{
	const char *said =
		transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(result);
	char text[sizeof(diag->detail)];
	size_t len = 0;

	for (; said[len] != '\0' && len + 1 < sizeof(text); len++) {
		text[len] = said[len] >= ' ' && said[len] <= '~' ? said[len] : '?';
	}
	text[len] = '\0';
	return bd_fail(diag, code_of(transfer, result), "%s", text);
}

static enum bd_code conclude(struct transfer *transfer, CURLcode result, struct bd_diag *diag)
{
	struct bd_http_answer *answer = transfer->answer;
	const char *type = NULL;
	long status = 0;

	if (result != CURLE_OK) {
		return fail(transfer, result, diag);
	}
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type);
	if (status >= 300 && status < 400) {
		return bd_fail(diag, BD_CONNECT_REDIRECT, "HTTP %ld", status);
	}
	answer->status = (int)status;
	answer->content_type[0] = '\0';
	if (type != NULL && strlen(type) < sizeof(answer->content_type)) {
		strcpy(answer->content_type, type);
	}
	return BD_OK;
}

enum bd_code bd_http_client_ask(struct bd_http_client *client, struct bd_http_answer *answer,
	const struct bd_http_request *request, struct bd_diag *diag)
{
	struct transfer transfer = { .client = client, .request = request, .answer = answer };
	enum bd_code code = begin(&transfer, diag);

	bd_buf_clear(&answer->body);
	if (code == BD_OK) {
		code = conclude(&transfer, curl_easy_perform(transfer.easy), diag);
	}
	if (code != BD_OK) {
		bd_buf_clear(&answer->body);
	}
	curl_easy_cleanup(transfer.easy);
	curl_slist_free_all(transfer.headers);
	return code;
}
