/* intake.h - one message in: bytes to records and rejects. The whole of intake behind one door.
 *
 * Layer: intake. Runs in a worker (and in `bidui adapter run`). Pure: the time and the limits are
 * passed in. Memory does not grow with the message. A code from feed or end refuses the whole
 * message (not a record): then nothing of it may be stored.
 */
#ifndef BD_INTAKE_INTAKE_H
#define BD_INTAKE_INTAKE_H

#include "intake/plan.h"
#include "record/reject.h"

struct bd_intake_sink;
struct bd_intake_sink_ops {
	/* Record and reject live until the call returns. */
	enum bd_code (*on_record)(
		struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag);
	enum bd_code (*on_reject)(
		struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag);
};
struct bd_intake_sink {
	const struct bd_intake_sink_ops *ops;
};

struct bd_opener;
struct bd_path;
/* The feed's paths for bd_intake_settings; NULL when the arena is full. It holds look-up hints: for
 * one message at a time. */
struct bd_path *bd_intake_paths(const struct bd_feed_plan *feed, struct bd_arena *arena);

/* What messages in XML leave for each other: parsers of libxml2. For one thread; NULL: no memory.
 */
struct bd_xml_parsers;
struct bd_xml_parsers *bd_xml_parsers_new(void);
void bd_xml_parsers_free(struct bd_xml_parsers *parsers);

struct bd_intake_settings {
	const struct bd_dictionary *dict;
	const struct bd_plan *plan;
	const struct bd_feed_plan *feed;
	struct bd_path *paths; /* of the feed, kept from message to message; NULL = make them */
	struct bd_xml_parsers *parsers; /* kept likewise; NULL = each document its own */
	int64_t now_ms;                 /* received; for time.future */
	bool is_gzip;                   /* Content-Encoding: gzip */
	const char *charset;            /* of Content-Type, NULL = none */
	/* Whom a reply without a subject of its own is about (the look-up that asked); kind 0 =
	 * none. */
	struct bd_identifier subject;
	uint64_t max_bytes;       /* after gunzip */
	struct bd_opener *opener; /* sealed.h: who holds the keys; NULL = nobody */
};

/* A name that the mapping does not know: reported, a format may have changed. */
struct bd_unmapped {
	const char *path; /* of the adapter's section; the unknown name itself only if it is
			     [A-Za-z0-9_@.-]{1,64} */
	uint64_t count;
};

/* What a page says of the others (plan.h); the texts are a source's, without control characters
 * and of at most BD_PAGE_TEXT_MAX_BYTES. */
struct bd_page {
	struct bd_bytes next, mark; /* empty = not said */
	bool is_last;
};

/* The fields of one section as they were in this message, told of its first BD_TALLY_RECORDS
 * records: in how many each had a value, and of which shapes (tally.h). No value is in it. */
struct bd_section_tally {
	uint16_t section; /* of the feed's */
	uint16_t records; /* looked at */
	uint16_t slot_count;
	const uint8_t *present, *shapes; /* of each slot; shapes: enum bd_shape */
};

/* What is known when the message has ended. Lives until bd_intake_free. */
struct bd_intake_result {
	uint64_t received; /* native records */
	uint64_t accepted; /* native records with no reject */
	uint64_t rejected;
	uint64_t records; /* outputs given to on_record */
	const struct bd_identifier
		*subject; /* of the message, for records with is_message_subject */
	size_t subject_count;
	struct bd_order order; /* of the message, for records with is_message_order */
	const struct bd_unmapped *unmapped;
	size_t unmapped_count;
	/* Names of sections present (group seen): for snapshot and whole-feed coverage. */
	const char *const *sections;
	size_t section_count;
	struct bd_page page;
	/* Of sections that had records. */
	const struct bd_section_tally *tallies;
	size_t tally_count;
};

struct bd_intake;
enum bd_code bd_intake_new(struct bd_intake **out, const struct bd_intake_settings *settings,
	struct bd_intake_sink *sink, struct bd_diag *diag);
enum bd_code bd_intake_feed(struct bd_intake *intake, struct bd_bytes bytes, struct bd_diag *diag);
enum bd_code bd_intake_end(
	struct bd_intake *intake, const struct bd_intake_result **result, struct bd_diag *diag);
void bd_intake_free(struct bd_intake *intake);

#endif
