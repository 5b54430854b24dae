#include "base/clock.h"
#include "base/limits.h"
#include "http/client_parts.h"
#include "http/tls_reason.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- what libcurl calls -- */

static curl_socket_t open_socket(void *state, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct bd_transfer *transfer = state;
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
	struct bd_transfer *transfer = state;

	struct bd_bytes line = { data, size * count };
	enum bd_code code = BD_OK;

	transfer->head_bytes += line.len;
	if (transfer->client->is_files && line.len >= 4 && memcmp(line.ptr, "230 ", 4) == 0) {
		/* User logged in (RFC 959 section 4.2). */
		transfer->login_us = bd_clock_monotonic_us() - transfer->begun_us;
	}
	if (transfer->head_bytes > BD_HTTP_ANSWER_HEAD_MAX_BYTES) {
		code = BD_CONNECT_ANSWER_SIZE;
	} else if (transfer->take_head != NULL) {
		code = transfer->take_head(transfer, line);
	}
	if (code != BD_OK) {
		transfer->code = code;
		return 0;
	}
	return line.len;
}

static size_t take_body(char *data, size_t size, size_t count, void *state)
{
	struct bd_transfer *transfer = state;
	struct bd_bytes bytes = { data, size * count };
	bool is_held = false;
	enum bd_code code = transfer->take(transfer, bytes, &is_held);

	if (code != BD_OK) {
		transfer->code = code;
		return 0;
	}
	return is_held ? CURL_WRITEFUNC_PAUSE : bytes.len;
}

static size_t give_body(char *out, size_t size, size_t count, void *state)
{
	struct bd_transfer *transfer = state;
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

int64_t bd_transfer_idle_ms(const struct bd_transfer *transfer)
{
	return transfer->request->idle_ms > 0 ? transfer->request->idle_ms
					      : transfer->client->idle_ms;
}

static int on_progress(
	void *state, curl_off_t all_in, curl_off_t in, curl_off_t all_out, curl_off_t out)
{
	struct bd_transfer *transfer = state;
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
	if (now - transfer->moved_ms > bd_transfer_idle_ms(transfer)) {
		transfer->code = BD_CONNECT_TIMEOUT;
		return 1;
	}
	return 0;
}

/* libcurl counts SSH's handshake and login as one; only in its remarks they are two. A libcurl that
 * says it otherwise leaves them one. */
static int on_remark(CURL *easy, curl_infotype type, char *data, size_t size, void *state)
{
	static const char handshake_is_over[] = "SSH authentication methods available";
	struct bd_transfer *transfer = state;

	(void)easy;
	if (type == CURLINFO_TEXT && size >= sizeof(handshake_is_over) - 1 &&
		memcmp(data, handshake_is_over, sizeof(handshake_is_over) - 1) == 0) {
		transfer->known_us = bd_clock_monotonic_us() - transfer->begun_us;
	}
	return 0;
}

static bool set_remarks(struct bd_transfer *transfer)
{
	return curl_easy_setopt(transfer->easy, CURLOPT_DEBUGFUNCTION, on_remark) == CURLE_OK &&
	       curl_easy_setopt(transfer->easy, CURLOPT_DEBUGDATA, transfer) == CURLE_OK &&
	       curl_easy_setopt(transfer->easy, CURLOPT_VERBOSE, 1L) == CURLE_OK;
}

bool bd_transfer_set_callbacks(CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK;
}

/* -- a transfer: its beginning -- */

static bool is_explicit(const char *url)
{
	return strncasecmp(url, "ftpes://", 8) == 0;
}

bool bd_transfer_is_sftp(const struct bd_transfer *transfer)
{
	return strncasecmp(transfer->request->url, "sftp://", 7) == 0;
}

static bool is_scheme_allowed(const struct bd_http_client *client, const char *url)
{
	if (client->is_files) {
		return strncasecmp(url, "sftp://", 7) == 0 || strncasecmp(url, "ftps://", 7) == 0 ||
		       is_explicit(url);
	}
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

static enum bd_code set_headers(struct bd_transfer *transfer, struct bd_diag *diag)
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

/* A file, the names in a folder, or when a file was changed. */
static bool set_file(CURL *easy, const char *method)
{
	if (strcmp(method, "LIST") == 0) {
		return curl_easy_setopt(easy, CURLOPT_DIRLISTONLY, 1L) == CURLE_OK;
	}
	if (strcmp(method, "STAT") == 0) {
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_FILETIME, 1L) == CURLE_OK;
	}
	return true;
}

static bool set_body(struct bd_transfer *transfer)
{
	const struct bd_http_request *request = transfer->request;
	CURL *easy = transfer->easy;

	if (transfer->client->is_files) {
		return set_file(easy, request->method);
	}
	if (curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK) {
		return false;
	}
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

/* FTP has a connection for each file: many servers take data only where its TLS session is that of
 * the commands, which on a connection that was kept is another transfer's. */
static bool wants_fresh(const struct bd_transfer *transfer)
{
	return transfer->request->is_fresh ||
	       (transfer->client->is_files && !bd_transfer_is_sftp(transfer));
}

static bool set_fresh(CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L) == CURLE_OK;
}

/* libcurl has no name of its own for FTP that begins in clear and must not stay so. */
static bool set_url(CURL *easy, const char *url)
{
	struct bd_buf plain;
	bool is_good;

	if (!is_explicit(url)) {
		return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
	}
	bd_buf_init(&plain, strlen(url) + 1);
	is_good = bd_buf_printf(&plain, "ftp://%s", url + strlen("ftpes://")) == BD_OK &&
		  bd_buf_add_byte(&plain, '\0') == BD_OK &&
		  curl_easy_setopt(easy, CURLOPT_URL, plain.ptr) == CURLE_OK;
	bd_buf_release(&plain);
	return is_good;
}

enum bd_code bd_transfer_begin(struct bd_transfer *transfer, struct bd_diag *diag)
{
	const struct bd_http_request *request = transfer->request;

	if (!is_scheme_allowed(transfer->client, request->url)) {
		return bd_fail(diag, BD_CONFIG_MEANING, "the address begins with %s",
			transfer->client->is_files ? "sftp://, ftpes:// or ftps://" : "https://");
	}
	transfer->begun_us = bd_clock_monotonic_us();
	transfer->easy = curl_easy_duphandle(transfer->client->settings);
	if (transfer->easy == NULL || !set_body(transfer) ||
		(wants_fresh(transfer) && !set_fresh(transfer->easy)) ||
		(request->is_fresh && bd_transfer_is_sftp(transfer) && !set_remarks(transfer)) ||
		!set_url(transfer->easy, request->url) ||
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

static enum bd_code code_of(const struct bd_transfer *transfer, CURLcode result)
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
		if (bd_transfer_is_sftp(transfer)) {
			return BD_CONNECT_HOST_KEY;
		}
		curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
		/* The name is compared by libcurl itself, which has only words for it. */
		return strstr(transfer->error, "subject name") != NULL
			       ? BD_CONNECT_CERTIFICATE_NAME
			       : bd_http_reason_of_server(verified);
	case CURLE_USE_SSL_FAILED:
		return BD_CONNECT_TLS;
	case CURLE_LOGIN_DENIED:
		return BD_CONNECT_LOGIN;
	case CURLE_REMOTE_FILE_NOT_FOUND:
	case CURLE_REMOTE_ACCESS_DENIED:
		return BD_CONNECT_NO_FILE;
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

static enum bd_code fail(const struct bd_transfer *transfer, CURLcode result, struct bd_diag *diag)
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

enum bd_code bd_transfer_conclude(
	int *status, const struct bd_transfer *transfer, CURLcode result, struct bd_diag *diag)
{
	long said = 0;

	if (result != CURLE_OK) {
		return fail(transfer, result, diag);
	}
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &said);
	if (transfer->client->is_files) {
		said = 200;
	}
	/* 304 is an answer to a condition of ours, and leads nowhere. */
	if (said >= 300 && said < 400 && said != 304) {
		return bd_fail(diag, BD_CONNECT_REDIRECT, "HTTP %ld", said);
	}
	*status = (int)said;
	return BD_OK;
}

void bd_transfer_release(struct bd_transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	transfer->easy = NULL;
	transfer->headers = NULL;
}
