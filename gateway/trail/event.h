/* event.h - what everything but a comparison leaves in the trail: queries, pushes, recalls,
 * disputes, refusals, other reads, changes of obligations, starts and changes of configuration.
 *
 * Layer: trail; filled by daemon/. As in a receipt no citizen's value stands in it.
 */
#ifndef BD_TRAIL_EVENT_H
#define BD_TRAIL_EVENT_H

#include "trail/receipt.h"

struct bd_trail_event {
	struct bd_trail_caller caller;
	/* queries, look-ups: who was looked at */
	const struct bd_trail_subject *subjects;
	size_t subject_count;
	struct bd_bytes status; /* "found" */
	/* queries: the fields whose values were told, each once: "person.name person.birth_date" */
	struct bd_bytes disclosed;
	/* pushes: to which feed, the message's number, its counts, its keyed digest; look-ups:
	 * which feed was asked, and the message that came of it */
	struct bd_bytes source, feed;
	uint64_t message, received, accepted, rejected;
	uint8_t body[BD_DIGEST_BYTES];
	/* refusals: the code, what was asked, and how many more like it since the last entry (of
	 * callers that are not known only one a second is entered); reads: what was asked;
	 * look-ups: how they ended, and how many cases more waited for the same */
	struct bd_bytes code, method, path;
	uint64_t more;
	/* repeats: the receipt of the first answer; obligations: of the answer that made the
	 * change; recalls: the message that is recalled; reads: what the address names */
	struct bd_bytes of;
	/* obligations: which, and its due day after the change ("2026-12-04"); `status` says what
	 * was done; of one that a push settled source and message say by what */
	struct bd_bytes obligation, due;
	/* erasures: by which law, and how much: identifiers under which something was held, case
	 * files, and other subjects whose rows spoke of it */
	struct bd_bytes basis;
	uint64_t identifiers, cases, holders;
	/* repeats: the receipt of the first answer; reproductions: the one that is reproduced */
	/* backtests: of which matter, by which version, of the cases since when */
	struct bd_bytes matter, version;
	uint64_t since_ms;
	/* starts and changes of configuration */
	struct bd_bytes program;         /* "bidui 0.1.0" */
	uint8_t config[BD_DIGEST_BYTES]; /* SHA-256 over adapters, matters and settings */
	struct bd_bytes others;          /* members of a later version, as they came */
};

enum bd_code bd_trail_event_pack(struct bd_buf *out, const struct bd_trail_event *event);
/* Borrows texts from payload; arrays come from the arena. BD_TRAIL_DAMAGED. */
enum bd_code bd_trail_event_unpack(
	struct bd_trail_event *out, struct bd_bytes payload, struct bd_arena *arena);
/* One JSON object; members that are not stated are left out. */
enum bd_code bd_trail_event_write(
	struct bd_buf *out, const struct bd_trail_entry *entry, const struct bd_trail_event *event);

/* Any entry as one JSON object: of its kind, or of a kind that this version does not know with its
 * head alone. BD_TRAIL_DAMAGED. */
enum bd_code bd_trail_entry_write(
	struct bd_buf *out, const struct bd_trail_entry *entry, struct bd_arena *arena);
/* Who asked, of any entry; empty when it has none. */
struct bd_bytes bd_trail_entry_client(const struct bd_trail_entry *entry);

/* The members of a caller, in receipts and events alike. take is false for other tags. */
void bd_trail_caller_pack(struct bd_tags *tags, const struct bd_trail_caller *caller);
bool bd_trail_caller_take(struct bd_trail_caller *caller, const struct bd_tag *tag);
/* The member of a subject likewise; and those that are not known, gathered in `room` bytes, which
 * is that of all members. */
void bd_trail_subject_pack(
	struct bd_tags *tags, uint8_t tag, const struct bd_trail_subject *subject);
bool bd_trail_subject_unpack(struct bd_trail_subject *out, struct bd_bytes members);
bool bd_trail_keep_other(
	struct bd_bytes *others, struct bd_bytes whole, size_t room, struct bd_arena *arena);
void bd_trail_subjects_write(
	struct bd_json_writer *w, const struct bd_trail_subject *subjects, size_t count);

#endif
