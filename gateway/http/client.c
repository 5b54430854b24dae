#include "http/client.h"

#include "http/client_parts.h"

#include <stdlib.h>
#include <string.h>

/* As http/tls.c has them: ephemeral keys and AEAD. Those of TLS 1.3 are all so. */
#define SUITES "ECDHE+AESGCM:ECDHE+CHACHA20"

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
	const char *protocols = settings->files != NULL          ? "sftp,ftps,ftp"
				: settings->is_plaintext_allowed ? "http,https"
								 : "https";

	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "bidui") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
	       /* Else it turns SIGPIPE off and on again for all threads. */
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, settings->is_among_threads ? 1L : 0L) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		       or_default(settings->connect_ms, 10000)) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, or_default(settings->total_ms, 0)) ==
		       CURLE_OK &&
	       bd_transfer_set_callbacks(easy);
}

/* The server is known by its key, or the connection ends before we say who we are. */
static bool set_files(CURL *easy, const struct bd_http_client_files *files)
{
	const struct {
		CURLoption option;
		const char *value;
	} texts[] = { { CURLOPT_USERNAME, files->user }, { CURLOPT_PASSWORD, files->password },
		{ CURLOPT_SSH_PRIVATE_KEYFILE, files->key },
		{ CURLOPT_SSH_HOST_PUBLIC_KEY_SHA256, files->host_key_sha256 },
		{ CURLOPT_SSH_KNOWNHOSTS, files->known_hosts } };
	long methods = files->password != NULL ? CURLSSH_AUTH_PASSWORD : CURLSSH_AUTH_PUBLICKEY;
	bool is_good = curl_easy_setopt(easy, CURLOPT_SSH_AUTH_TYPES, methods) == CURLE_OK &&
		       /* Whatever the server says, no FTP without TLS. */
		       curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_FTP_SKIP_PASV_IP, 1L) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_FTPPORT, NULL) == CURLE_OK;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		is_good = is_good &&
			  (texts[i].value == NULL || curl_easy_setopt(easy, texts[i].option,
							     texts[i].value) == CURLE_OK);
	}
	return is_good;
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
	client->is_files = settings->files != NULL;
	if (client->settings == NULL || !set_transport(client->settings, settings) ||
		!set_tls(client->settings, settings) ||
		(client->is_files && !set_files(client->settings, settings->files))) {
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

/* -- a request that blocks -- */

struct asking {
	struct bd_transfer transfer; /* first */
	struct bd_http_answer *answer;
};

static enum bd_code keep_piece(struct bd_transfer *transfer, struct bd_bytes bytes, bool *is_held)
{
	struct bd_http_answer *answer = ((struct asking *)(void *)transfer)->answer;
	enum bd_code code = bd_buf_add(&answer->body, bytes);

	(void)is_held;
	if (code != BD_OK) {
		return code == BD_LIMIT_BYTES ? BD_CONNECT_ANSWER_SIZE : code;
	}
	if (answer->on_piece != NULL) {
		answer->on_piece(answer);
	}
	return BD_OK;
}

static void keep_type(struct bd_http_answer *answer, CURL *easy)
{
	const char *type = NULL;

	curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	answer->content_type[0] = '\0';
	if (type != NULL && strlen(type) < sizeof(answer->content_type)) {
		strcpy(answer->content_type, type);
	}
}

enum bd_code bd_http_client_ask(struct bd_http_client *client, struct bd_http_answer *answer,
	const struct bd_http_request *request, struct bd_diag *diag)
{
	struct asking asking = {
		.transfer = { .client = client, .request = request, .take = keep_piece },
		.answer = answer
	};
	enum bd_code code = bd_transfer_begin(&asking.transfer, diag);

	bd_buf_clear(&answer->body);
	if (code == BD_OK) {
		code = bd_transfer_conclude(&answer->status, &asking.transfer,
			curl_easy_perform(asking.transfer.easy), diag);
	}
	if (code == BD_OK) {
		keep_type(answer, asking.transfer.easy);
	} else {
		bd_buf_clear(&answer->body);
	}
	bd_transfer_release(&asking.transfer);
	return code;
}
