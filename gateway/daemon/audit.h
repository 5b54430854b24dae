/* audit.h - what one loop enters into the trail (trail/trail.h): who asked what, before the answer
 * leaves.
 *
 * Layer: daemon; one struct bd_audit a loop, used on its thread. Whoever answers enters first; when
 * that fails the answer is BD_TRAIL_UNAVAILABLE and nothing else. A person or organization stands
 * in an entry as a digest keyed by the installation (HMAC-SHA256 over "kind:number" in canonical
 * form), a question or message likewise; what clients say in headers is kept as it is unless it
 * holds what looks like an identity number.
 */
#ifndef BD_DAEMON_AUDIT_H
#define BD_DAEMON_AUDIT_H

#include "answer/answer.h"
#include "config/settings.h"
#include "daemon/keep.h"
#include "http/server.h"
#include "trail/event.h"
#include "trail/trail.h"

struct bd_daemon;
struct bd_signer;

/* Of the keyed digests; derived from the master key. */
#define BD_AUDIT_KEY_BYTES 32

/* Senders that are told apart in it; of more, some have an entry more often. */
#define BD_AUDIT_LIMITED 16

struct bd_audit {
	struct bd_trail *trail;
	struct bd_trail_log *log;
	struct bd_case_log *cases;
	struct bd_trail_before cases_first; /* case files are written before their receipts */
	uint64_t cases_synced; /* atomic: entries of the log whose case files are synced */
	struct bd_signer *signer;
	struct bd_hmac *digest;
	struct bd_buf payload, text;
	struct bd_random random;
	bool is_synced;     /* answers wait until their entries are synced */
	bool wants_release; /* atomic: some do */
	/* refusals of callers that are not known: one entry a second, with the number of the others
	 */
	int64_t unknown_second;
	uint64_t unknown_more;
	/* refusals of who asks too much, likewise: by sender and code */
	struct bd_audit_limited {
		char client[64];
		enum bd_code code;
		int64_t second;
		uint64_t more;
	} limited[BD_AUDIT_LIMITED];
};

/* The log of one loop. */
enum bd_code bd_audit_open(struct bd_audit *audit, struct bd_daemon *daemon, size_t loop,
	enum bd_trail_durability durability, struct bd_diag *diag);
/* A new epoch of the master key: what is written from now on goes into a new case file. */
enum bd_code bd_audit_turn(struct bd_audit *audit, struct bd_diag *diag);
void bd_audit_close(struct bd_audit *audit);

/* The time of what is answered now: never before what was answered earlier. */
int64_t bd_audit_time(const struct bd_audit *audit);
/* The id of the entry that comes next, as text: an answer names its receipt. */
enum bd_code bd_audit_next(
	char out[BD_TRAIL_ID_TEXT_BYTES], struct bd_audit *audit, struct bd_diag *diag);
enum bd_code bd_audit_digest(
	uint8_t out[BD_DIGEST_BYTES], struct bd_audit *audit, struct bd_bytes bytes);
enum bd_code bd_audit_subject(uint8_t out[BD_DIGEST_BYTES], struct bd_audit *audit,
	const struct bd_identifier *identifier, const struct bd_dictionary *dict);
/* Who asks, from the headers; sender NULL = not known. Lives as the exchange, or in the arena. */
enum bd_code bd_audit_caller(struct bd_trail_caller *out, struct bd_audit *audit,
	const struct bd_http_exchange *exchange, const char *sender, struct bd_arena *arena);

/* The same with every text in the arena: it outlives the exchange. */
enum bd_code bd_audit_caller_kept(struct bd_trail_caller *out, struct bd_audit *audit,
	const struct bd_http_exchange *exchange, const char *sender, struct bd_arena *arena);

/* A text of a client's as the trail may have it: as it is, or as a digest where it is long, no
 * text, or holds what looks like an identity number. Borrowed, or in the arena. */
enum bd_code bd_audit_text(
	struct bd_bytes *out, struct bd_audit *audit, struct bd_bytes text, struct bd_arena *arena);

/* -- entering: collected, and written by bd_audit_flush; a comparison with its case file -- */

enum bd_code bd_audit_compare(struct bd_audit *audit, const struct bd_trail_caller *caller,
	const struct bd_keep *keep, const struct bd_compared *compared, int64_t time_ms,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diag *diag);
enum bd_code bd_audit_event(struct bd_audit *audit, enum bd_trail_kind kind,
	const struct bd_trail_event *event, int64_t time_ms, struct bd_diag *diag);
enum bd_code bd_audit_flush(struct bd_audit *audit, struct bd_diag *diag);

/* A refusal, written at once. route: the pattern of the address, never the address itself; caller's
 * client empty = not known. */
enum bd_code bd_audit_refusal(struct bd_audit *audit, const struct bd_trail_caller *caller,
	enum bd_code code, const char *method, const char *route);

/* Entries that are synced, and their case files with them. */
uint64_t bd_audit_synced(const struct bd_audit *audit);
/* The signer: syncs the case files of all loops, before the entries are. */
enum bd_code bd_audit_sync_cases(struct bd_daemon *daemon, struct bd_diag *diag);
/* For http/server.h on_mark: entries that have to be safe before what was formed may leave; and how
 * many are: written, or synced, by the setting. */
uint64_t bd_audit_mark(const struct bd_audit *audit);
uint64_t bd_audit_safe(const struct bd_audit *audit);
/* Writes what this turn of the loop has collected. False: some that were collected since the last
 * call are lost, and answers that wait for entries beyond *kept must not leave. */
bool bd_audit_end_turn(uint64_t *kept, struct bd_audit *audit);
/* Answers wait for a sync: it is asked for, and the loop is told when it is done. */
void bd_audit_want_release(struct bd_audit *audit);

#endif
