/* asking.h - one question to a department and what becomes of its answer: from the form to the
 * receipt, with retries.
 *
 * Layer: daemon; on the sources' loop alone (taking.h). Pulls and look-ups are made of it. An
 * answer is taken as a push is: nothing of it is parsed here, and nothing stored before it is
 * whole.
 */
#ifndef BD_DAEMON_ASKING_H
#define BD_DAEMON_ASKING_H

#include "base/form.h"
#include "daemon/endpoint.h"
#include "daemon/taking.h"
#include "http/fetch.h"

struct bd_asking;

/* What came of it. */
struct bd_asked {
	struct bd_diag diag;                     /* code BD_OK = stored, or not changed */
	const struct bd_receipt *receipt;        /* NULL = nothing was stored */
	const struct bd_page *page;              /* with the receipt */
	bool is_unchanged;                       /* 304 */
	const struct bd_http_fetch_times *times; /* of the last try; NULL = it never came to one */
	/* With the receipt: from the head of the answer until a worker had read its first record,
	 * or that there is none. */
	uint64_t records_us;
};

struct bd_asking_ops {
	/* As bd_taking_ops.on_result: the entry's progress may be set. May be NULL. */
	void (*on_result)(struct bd_asking *asking, const struct bd_intake_result *result,
		struct bd_entry *entry);
	/* Over, exactly once unless it was given up. It may be asked again, or closed, from within;
	 * what is given lives until this returns. */
	void (*on_asked)(struct bd_asking *asking, const struct bd_asked *asked);
};

/* Embed it in your own struct and get that back by container_of. Zero it, and fill in what is above
 * the line; all of it lives until on_asked. */
struct bd_asking {
	const struct bd_asking_ops *ops;
	struct bd_loop *loop;
	struct bd_endpoint_run *endpoint;
	const struct bd_form *form;         /* NULL = `request` is made already (files) */
	struct bd_form_given given;         /* now, serial, random and values are set here */
	const struct bd_form_value *values; /* before those of the connection */
	size_t value_count;
	struct bd_form_request request;
	const char *etag, *last_modified; /* asked with; NULL = not */
	const struct bd_plan *plan;
	const struct bd_feed_plan *feed;
	const struct bd_sender *sender;
	struct bd_trail_caller caller;
	struct bd_identifier subject; /* asked about; kind 0 = nobody */
	struct bd_delivery delivery;  /* day INT32_MIN = none */
	const char *key;              /* idempotency; NULL = none */
	bool is_dry_run;
	bool is_gzip;    /* of files; over HTTP the answer says */
	bool is_trial;   /* a connection of its own, past the circuit */
	uint32_t tries;  /* 0 = as the connection says */
	const char *how; /* on the trail, in the place of a method: "PULL", "LOOKUP" */
	/* -- */
	uint32_t tried;
	bool is_taking_open, is_held, is_unchanged;
	bool is_final;   /* there is no sense in asking again */
	bool is_refused; /* while it came: */
	struct bd_diag taking_diag;
	bool is_in_callback; /* of libcurl's */
	bool is_timer_closed;
	int status;
	struct bd_turn turn;
	struct bd_http_fetch fetch;
	struct bd_http_request http;
	struct bd_http_header headers[BD_FORM_HEADERS_MAX + 4];
	struct bd_taking taking;
	struct bd_http_fetch_times times;
	uint64_t head_ns; /* when the answer began; uv_hrtime */
	struct bd_arena arena;
	uv_timer_t timer;
	uint64_t retry_after_ms;
	char new_etag[256], new_last_modified[64], cursor[BD_PAGE_TEXT_MAX_BYTES + 1];
	struct bd_page page;
	void (*on_closed)(struct bd_asking *asking);
};

/* Rises with each call, over a restart too: the time, or one more. Any thread. */
uint64_t bd_asking_serial(int64_t now_ms);
/* Once; then ask as often as wanted, one after the other. */
void bd_asking_open(struct bd_asking *asking);
void bd_asking_ask(struct bd_asking *asking);
/* It takes too long: over, as BD_CONNECT_TIMEOUT, which the circuit counts. Not what has come whole
 * by now. */
void bd_asking_give_up(struct bd_asking *asking);
/* Gives up what runs, without on_asked, but not what is with the writer already: that is stored.
 * Then on_closed: its memory is the caller's again. */
void bd_asking_close(struct bd_asking *asking, void (*on_closed)(struct bd_asking *asking));

#endif
