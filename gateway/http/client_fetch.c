#include "base/limits.h"
#include "base/thread.h"
#include "http/client_parts.h"
#include "http/fetch.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* How often one that is polled is looked at, while something of it runs. */
#define POLL_MS 20

struct bd_http_fetcher {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	bool is_polled;
	size_t polls; /* open, and the timer */
	void (*on_closed)(void *state);
	void *closed_state;
};

/* One socket of libcurl's. */
struct watch {
	uv_poll_t poll;
	curl_socket_t socket;
	struct bd_http_fetcher *fetcher;
};

struct bd_http_fetch_parts {
	struct bd_transfer transfer;
	struct bd_http_fetch *fetch;
	struct bd_http_fetcher *fetcher;
	struct bd_buf head;
	bool is_head_told;
};

/* -- what libcurl watches -- */

/* Frees the fetcher with the last. */
static void let_go(struct bd_http_fetcher *fetcher)
{
	if (--fetcher->polls == 0) {
		void (*on_closed)(void *state) = fetcher->on_closed;
		void *state = fetcher->closed_state;

		free(fetcher);
		on_closed(state);
	}
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct watch *watch = CONTAINER(struct watch, poll, handle);
	struct bd_http_fetcher *fetcher = watch->fetcher;

	free(watch);
	let_go(fetcher);
}

static void look_for_ends(struct bd_http_fetcher *fetcher);

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = CONTAINER(struct watch, poll, poll);
	struct bd_http_fetcher *fetcher = watch->fetcher;
	int flags = status < 0 ? CURL_CSELECT_ERR : 0, running;

	flags |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
	flags |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
	curl_multi_socket_action(fetcher->multi, watch->socket, flags, &running);
	look_for_ends(fetcher);
	bd_thread_share();
}

static struct watch *watch_new(struct bd_http_fetcher *fetcher, curl_socket_t socket)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL || uv_poll_init_socket(fetcher->loop, &watch->poll, socket) != 0) {
		free(watch);
		return NULL;
	}
	watch->socket = socket;
	watch->fetcher = fetcher;
	fetcher->polls++;
	curl_multi_assign(fetcher->multi, socket, watch);
	return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *state, void *socket_state)
{
	struct bd_http_fetcher *fetcher = state;
	struct watch *watch = socket_state;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watch != NULL) {
			uv_poll_stop(&watch->poll);
			curl_multi_assign(fetcher->multi, socket, NULL);
			uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
		}
		return 0;
	}
	watch = watch != NULL ? watch : watch_new(fetcher, socket);
	if (watch == NULL) {
		return -1;
	}
	events |= what != CURL_POLL_OUT ? UV_READABLE : 0;
	events |= what != CURL_POLL_IN ? UV_WRITABLE : 0;
	return uv_poll_start(&watch->poll, events, on_poll) == 0 ? 0 : -1;
}

static void on_time(uv_timer_t *timer)
{
	struct bd_http_fetcher *fetcher = CONTAINER(struct bd_http_fetcher, timer, timer);
	int running;

	curl_multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	look_for_ends(fetcher);
}

static int on_timer(CURLM *multi, long wait_ms, void *state)
{
	struct bd_http_fetcher *fetcher = state;

	(void)multi;
	if (wait_ms < 0) {
		uv_timer_stop(&fetcher->timer);
	} else {
		/* Never from within libcurl: on the next turn of the loop. */
		uv_timer_start(&fetcher->timer, on_time, (uint64_t)wait_ms, 0);
	}
	return 0;
}

static void on_look(uv_timer_t *timer)
{
	struct bd_http_fetcher *fetcher = CONTAINER(struct bd_http_fetcher, timer, timer);
	int running = 0;

	curl_multi_perform(fetcher->multi, &running);
	if (running == 0) {
		uv_timer_stop(timer);
	}
	look_for_ends(fetcher);
}

static bool set_sockets(struct bd_http_fetcher *fetcher)
{
	CURLM *multi = fetcher->multi;

	return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, fetcher) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_TIMERDATA, fetcher) == CURLM_OK;
}

enum bd_code bd_http_fetcher_new(
	struct bd_http_fetcher **out, struct uv_loop_s *loop, bool is_polled)
{
	struct bd_http_fetcher *fetcher = calloc(1, sizeof(*fetcher));

	if (fetcher == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(fetcher);
		return BD_NO_MEMORY;
	}
	fetcher->loop = loop;
	fetcher->multi = curl_multi_init();
	fetcher->is_polled = is_polled;
	if (fetcher->multi == NULL || (!is_polled && !set_sockets(fetcher)) ||
		uv_timer_init(loop, &fetcher->timer) != 0) {
		curl_multi_cleanup(fetcher->multi);
		curl_global_cleanup();
		free(fetcher);
		return BD_NO_MEMORY;
	}
	fetcher->polls = 1;
	*out = fetcher;
	return BD_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
	let_go(CONTAINER(struct bd_http_fetcher, timer, handle));
}

void bd_http_fetcher_close(
	struct bd_http_fetcher *fetcher, void (*on_closed)(void *state), void *state)
{
	fetcher->on_closed = on_closed;
	fetcher->closed_state = state;
	/* Closes the connections that were kept: each watch goes with its socket. */
	curl_multi_cleanup(fetcher->multi);
	curl_global_cleanup();
	uv_close((uv_handle_t *)&fetcher->timer, on_timer_closed);
}

/* -- what comes -- */

/* A head of 1xx is followed by another: only the last one counts. */
static enum bd_code take_head(struct bd_transfer *transfer, struct bd_bytes line)
{
	struct bd_http_fetch_parts *parts =
		CONTAINER(struct bd_http_fetch_parts, transfer, transfer);
	const struct bd_http_fetch_ops *ops = parts->fetch->ops;
	long status = 0;

	if (transfer->client->is_files) {
		return BD_OK;
	}
	if (line.len >= 5 && strncmp(line.ptr, "HTTP/", 5) == 0) {
		bd_buf_clear(&parts->head);
	}
	if (line.ptr[0] != '\r' && line.ptr[0] != '\n') {
		return parts->is_head_told ? BD_OK : bd_buf_add(&parts->head, line);
	}
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || parts->is_head_told) {
		return BD_OK;
	}
	parts->is_head_told = true;
	if (status >= 300 && status < 400 && status != 304) {
		return BD_CONNECT_REDIRECT;
	}
	return ops->on_head != NULL ? ops->on_head(parts->fetch, (int)status) : BD_OK;
}

static enum bd_code take_body(struct bd_transfer *transfer, struct bd_bytes bytes, bool *is_held)
{
	struct bd_http_fetch_parts *parts =
		CONTAINER(struct bd_http_fetch_parts, transfer, transfer);

	return bytes.len == 0 ? BD_OK : parts->fetch->ops->on_body(parts->fetch, bytes, is_held);
}

struct bd_bytes bd_http_fetch_header(const struct bd_http_fetch *fetch, const char *name)
{
	struct bd_bytes rest = bd_buf_bytes(&fetch->parts->head);
	size_t name_len = strlen(name);

	while (rest.len > 0) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		size_t len = end != NULL ? (size_t)(end - rest.ptr) + 1 : rest.len;
		struct bd_bytes value = { rest.ptr + name_len + 1, 0 };

		if (len > name_len + 1 && rest.ptr[name_len] == ':' &&
			strncasecmp(rest.ptr, name, name_len) == 0) {
			value.len = len - name_len - 1;
			while (value.len > 0 && strchr(" \t\r\n", value.ptr[value.len - 1])) {
				value.len--;
			}
			while (value.len > 0 && (value.ptr[0] == ' ' || value.ptr[0] == '\t')) {
				value.ptr++;
				value.len--;
			}
			return value;
		}
		rest.ptr += len;
		rest.len -= len;
	}
	return (struct bd_bytes){ NULL, 0 };
}

static uint64_t time_of(CURL *easy, CURLINFO what)
{
	curl_off_t value = 0;

	curl_easy_getinfo(easy, what, &value);
	return value > 0 ? (uint64_t)value : 0;
}

static void read_times(struct bd_http_fetch_times *out, const struct bd_transfer *transfer)
{
	const char *address = NULL;
	CURL *easy = transfer->easy;
	bool is_sftp = bd_transfer_is_sftp(transfer);
	uint64_t secured_us = time_of(easy, CURLINFO_APPCONNECT_TIME_T);

	curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
	*out = (struct bd_http_fetch_times){ .name_us = time_of(easy, CURLINFO_NAMELOOKUP_TIME_T),
		.connect_us = time_of(easy, CURLINFO_CONNECT_TIME_T),
		.secured_us = is_sftp ? (uint64_t)transfer->known_us : secured_us,
		.login_us = is_sftp ? secured_us : (uint64_t)transfer->login_us,
		.first_byte_us = time_of(easy, CURLINFO_STARTTRANSFER_TIME_T),
		.total_us = time_of(easy, CURLINFO_TOTAL_TIME_T) };
	snprintf(out->address, sizeof(out->address), "%s", address != NULL ? address : "");
}

/* -- a transfer -- */

static void parts_free(struct bd_http_fetch_parts *parts)
{
	bd_transfer_release(&parts->transfer);
	bd_buf_release(&parts->head);
	free(parts);
}

static void finish(struct bd_http_fetch_parts *parts, CURLcode result)
{
	struct bd_http_fetch *fetch = parts->fetch;
	struct bd_http_fetch_end end = { .status = 0 };
	curl_off_t changed = -1;

	bd_transfer_conclude(&end.status, &parts->transfer, result, &end.diag);
	read_times(&end.times, &parts->transfer);
	curl_easy_getinfo(parts->transfer.easy, CURLINFO_FILETIME_T, &changed);
	end.changed_s = (int64_t)changed;
	curl_multi_remove_handle(parts->fetcher->multi, parts->transfer.easy);
	fetch->parts = NULL;
	parts_free(parts);
	fetch->ops->on_end(fetch, &end);
}

static void look_for_ends(struct bd_http_fetcher *fetcher)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
		struct bd_http_fetch_parts *parts = NULL;
		CURLcode result = message->data.result;

		if (message->msg == CURLMSG_DONE) {
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &parts);
			finish(parts, result);
		}
	}
}

/* While nothing moves libcurl calls nobody; this it looks at each second, all the same. */
static bool set_idle(const struct bd_transfer *transfer)
{
	long idle_s = (long)((bd_transfer_idle_ms(transfer) + 999) / 1000);

	return curl_easy_setopt(transfer->easy, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(transfer->easy, CURLOPT_LOW_SPEED_TIME, idle_s) == CURLE_OK;
}

enum bd_code bd_http_fetch_start(struct bd_http_fetcher *fetcher, struct bd_http_fetch *fetch,
	const struct bd_http_client *client, const struct bd_http_request *request,
	struct bd_diag *diag)
{
	struct bd_http_fetch_parts *parts = calloc(1, sizeof(*parts));
	enum bd_code code;

	if (parts == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "outbound request");
	}
	parts->transfer = (struct bd_transfer){
		.client = client, .request = request, .take = take_body, .take_head = take_head
	};
	parts->fetch = fetch;
	parts->fetcher = fetcher;
	bd_buf_init(&parts->head, BD_HTTP_ANSWER_HEAD_MAX_BYTES);
	code = bd_transfer_begin(&parts->transfer, diag);
	if (code == BD_OK &&
		(!set_idle(&parts->transfer) ||
			curl_easy_setopt(parts->transfer.easy, CURLOPT_PRIVATE, parts) !=
				CURLE_OK ||
			curl_multi_add_handle(fetcher->multi, parts->transfer.easy) != CURLM_OK)) {
		code = bd_fail(diag, BD_NO_MEMORY, "outbound request");
	}
	if (code != BD_OK) {
		parts_free(parts);
		return code;
	}
	fetch->parts = parts;
	if (fetcher->is_polled) {
		uv_timer_start(&fetcher->timer, on_look, 0, POLL_MS);
	}
	return BD_OK;
}

void bd_http_fetch_resume(struct bd_http_fetch *fetch)
{
	if (fetch->parts != NULL) {
		curl_easy_pause(fetch->parts->transfer.easy, CURLPAUSE_CONT);
	}
}

void bd_http_fetch_cancel(struct bd_http_fetch *fetch)
{
	struct bd_http_fetch_parts *parts = fetch->parts;

	if (parts != NULL) {
		fetch->parts = NULL;
		curl_multi_remove_handle(parts->fetcher->multi, parts->transfer.easy);
		parts_free(parts);
	}
}
