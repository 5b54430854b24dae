#include "cli/transport.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Columns of the bar itself. */
#define BAR_COLUMNS 40

struct exchange {
	const struct bd_cli_request *request;
	struct bd_cli_answer *answer;
	int shown; /* percent last drawn, -1 = none */
};

bool bd_cli_transport_start(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

void bd_cli_transport_stop(void)
{
	curl_global_cleanup();
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	struct bd_bytes bytes = { data, size * count };
	return bd_buf_add(&exchange->answer->body, bytes) == BD_OK ? bytes.len : 0;
}

static size_t give_body(char *data, size_t size, size_t count, void *context)
{
	const struct exchange *exchange = context;
	size_t got = fread(data, size, count, exchange->request->body);
	return got == 0 && ferror(exchange->request->body) ? CURL_READFUNC_ABORT : got * size;
}

/* A repeated TLS or authentication round asks for the body again. */
static int rewind_body(void *context, curl_off_t offset, int origin)
{
	const struct exchange *exchange = context;
	return fseeko(exchange->request->body, offset, origin) == 0 ? CURL_SEEKFUNC_OK
								    : CURL_SEEKFUNC_CANTSEEK;
}

static int show_progress(
	void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	struct exchange *exchange = context;
	(void)down_total;
	(void)down;
	int percent = up_total > 0 ? (int)(100 * up / up_total) : -1;
	if (percent < 0 || percent == exchange->shown) {
		return 0;
	}
	exchange->shown = percent;
	int filled = percent * BAR_COLUMNS / 100;
	fprintf(stderr, "\r[%.*s%*s] %3d%%", filled, "########################################",
		BAR_COLUMNS - filled, "", percent);
	fflush(stderr);
	return 0;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
	if (value == NULL) {
		return list;
	}
	char line[512];
	int len = snprintf(line, sizeof(line), "%s: %s", name, value);
	if (len < 0 || (size_t)len >= sizeof(line) || strpbrk(value, "\r\n") != NULL) {
		return list;
	}
	struct curl_slist *longer = curl_slist_append(list, line);
	return longer != NULL ? longer : list;
}

static struct curl_slist *make_headers(
	const struct bd_cli_options *options, const struct bd_cli_request *request)
{
	struct curl_slist *list = NULL;
	list = add_header(list, "Content-Type", request->content_type);
	list = add_header(list, "Accept-Language", options->is_english ? "en" : "zh-CN");
	list = add_header(list, "Bidui-Purpose", options->purpose);
	list = add_header(list, "Bidui-Case", options->case_id);
	list = add_header(list, "Bidui-Operator", options->operator_name);
	list = add_header(list, "Bidui-Subject", options->subject);
	list = add_header(list, "Idempotency-Key", options->idempotency_key);
	return list;
}

static bool is_loopback(const char *server)
{
	const char *names[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);
		if (strncmp(server, names[i], len) == 0 && strchr(":/", server[len]) != NULL) {
			return true;
		}
	}
	return false;
}

static void set_security(CURL *curl, const struct bd_cli_options *options)
{
	curl_easy_setopt(
		curl, CURLOPT_PROTOCOLS_STR, is_loopback(options->server) ? "http,https" : "https");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (options->ca != NULL) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca);
	}
	if (options->cert != NULL) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, options->cert);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, options->key);
	}
}

static void set_body(CURL *curl, struct exchange *exchange)
{
	const struct bd_cli_request *request = exchange->request;
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	if (request->body == NULL) {
		return;
	}
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(curl, CURLOPT_READDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, rewind_body);
	curl_easy_setopt(curl, CURLOPT_SEEKDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
	if (request->has_progress && isatty(STDERR_FILENO)) {
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, show_progress);
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, exchange);
	}
}

static enum bd_cli_exit perform(
	CURL *curl, struct exchange *exchange, const struct bd_cli_options *options)
{
	CURLcode code = curl_easy_perform(curl);
	if (exchange->shown >= 0) {
		fputc('\n', stderr);
	}
	if (code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE) {
		fprintf(stderr, "bidui: %s: %s\n",
			bd_cli_say(options, "证书或私钥文件无效",
				"a certificate or key file is not valid"),
			curl_easy_strerror(code));
		return BD_CLI_CONFIGURATION;
	}
	if (code != CURLE_OK) {
		fprintf(stderr, "bidui: %s %s: %s\n",
			bd_cli_say(options, "无法连接", "cannot reach"), options->server,
			curl_easy_strerror(code));
		return BD_CLI_CONNECT;
	}
	const char *type = NULL;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &exchange->answer->status);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	exchange->answer->is_ndjson = type != NULL && strstr(type, "ndjson") != NULL;
	return BD_CLI_OK;
}

enum bd_cli_exit bd_cli_send(struct bd_cli_answer *answer, const struct bd_cli_options *options,
	const struct bd_cli_request *request)
{
	struct exchange exchange = { request, answer, -1 };
	enum bd_cli_exit result = BD_CLI_CONNECT;
	struct bd_buf url;
	struct curl_slist *headers = make_headers(options, request);
	CURL *curl = curl_easy_init();
	bd_buf_init(&answer->body, BD_CLI_ANSWER_MAX_BYTES);
	bd_buf_init(&url, 8192);
	if (curl == NULL || bd_buf_printf(&url, "%s%s", options->server, request->path) != BD_OK ||
		bd_buf_add_byte(&url, '\0') != BD_OK) {
		goto out;
	}
	curl_easy_setopt(curl, CURLOPT_URL, url.ptr);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
	set_security(curl, options);
	set_body(curl, &exchange);
	result = perform(curl, &exchange, options);
out:
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	bd_buf_release(&url);
	return result;
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

FILE *bd_cli_open(int64_t *bytes, const struct bd_cli_options *options, const char *path)
{
	struct stat info;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	if (file == NULL || fstat(fileno(file), &info) != 0) {
		fprintf(stderr, "bidui: %s: %s: %s\n",
			bd_cli_say(options, "无法打开文件", "cannot open"), path, strerror(errno));
		return NULL;
	}
	*bytes = S_ISREG(info.st_mode) ? (int64_t)info.st_size : -1;
	return file;
}
