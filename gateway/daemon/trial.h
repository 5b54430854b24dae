/* trial.h - a connection tried step by step, for whoever sets it up: POST
 * /v1/sources/{source}/test.
 *
 * Layer: daemon. Asked on a network loop, done on the sources' loop, answered where it was asked.
 * Nothing is stored: the first page, or the answer about the subject given, is read by a worker as
 * a dry run. The trial passes an open circuit, and closes it when it goes well.
 */
#ifndef BD_DAEMON_TRIAL_H
#define BD_DAEMON_TRIAL_H

#include "daemon/asking.h"
#include "daemon/database_batch.h"

struct bd_puller;

/* Whose steps there are. */
enum bd_trial_kind { BD_TRIAL_HTTP = 0, BD_TRIAL_FILES, BD_TRIAL_DATABASE };

struct bd_trial {
	struct bd_letter letter; /* to the sources' loop, and back: deliver is set by the sender */
	void (*answer)(struct bd_letter *letter); /* on home */
	struct bd_mailbox *home;
	/* asked */
	char source[64], name[64];    /* of a pull or database, or the feed of a look-up; "" = the
					 first there    is */
	struct bd_identifier subject; /* kind 0 = none */
	const char *subject_kind;
	struct bd_trail_caller caller;
	/* found; texts of the caller live until the answer */
	char tried[64], connection[64];
	enum bd_code code;
	struct bd_diag diag;
	enum bd_trial_kind kind;
	bool has_times, is_secured; /* the connection has a step of TLS or SSH */
	struct bd_http_fetch_times times;
	bool has_counts;
	uint64_t records_us; /* when the first record had been read, as the times are */
	uint64_t received, accepted, rejected;
	/* private, of the sources' loop */
	struct bd_trial *next;
	bool is_closing, is_awaited;
	struct bd_puller *puller;
	struct bd_asking asking;
	struct bd_database_batch batch;
	struct bd_turn turn; /* of a folder, which is listed */
	struct bd_http_fetch fetch;
	struct bd_http_request http;
	char url[1024];
	struct bd_form_value *values;
	struct bd_form single;
	struct bd_sender sender;
	const char *sources[1];
};

#endif
