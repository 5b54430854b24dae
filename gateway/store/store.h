/* store.h - what bidui holds: records in, held subjects out. LMDB, one writer, many readers;
 * everything sealed.
 *
 * Layer: store. Threads: one struct bd_store for all; bd_store_commit, the spool's apply and erase
 * belong to the writer thread; each reading thread has a struct bd_store_reader of its own. Merging
 * is a commutative last-writer-wins by (rank, order), so the order in which messages arrive does
 * not matter; equal order with different content is a conflict and both stay.
 */
#ifndef BD_STORE_STORE_H
#define BD_STORE_STORE_H

#include "base/keys.h"
#include "record/held.h"
#include "record/reject.h"

struct bd_ring;
struct bd_store;
struct bd_store_reader;

/* For tests: called by the writer, and by whoever adds to a spool, at named points ("spool.sealed",
 * "long.committed" ...). */
struct bd_store_hook {
	void (*reach)(const struct bd_store_hook *hook, const char *point);
	uint64_t part_bytes; /* dirty bytes of one transaction of a long message; 0 = as in
				service */
};

struct bd_store_settings {
	const char *folder; /* made with mode 0700 if missing */
	uint64_t map_size_bytes;
	/* Copied. The last of them is sealed under, with `sealing`; `blinding` is the store's for
	 * good, but for a rebuild. */
	const struct bd_keys *keys;
	enum bd_sealing sealing;
	enum bd_blinding blinding;
	uint32_t journal_days; /* how long idempotency keys are kept */
	uint32_t history_days; /* how long what was replaced is kept; 0 = without end */
	uint32_t cases_days;   /* how long case files are kept (cases.h); 0 = for good */
	/* Below either of these the store is read only: LMDB and the spools need room to finish
	 * what they began. 0 = no such bound. */
	uint64_t free_min_bytes;
	uint32_t free_min_percent;        /* of the file system */
	const struct bd_store_hook *hook; /* NULL in service */
	bool is_locked;                   /* the caller keeps other processes away */
	bool is_load; /* the initial load: it goes on where another did not come to its end */
};

/* Which source covers what: from the adapters. One for each section x entity. */
struct bd_cover {
	const char *source, *feed, *section;
	uint16_t feed_number;
	uint16_t entity;
	const char *cycle;    /* "daily", "monthly"; NULL = never the whole feed, only subject by
				 subject */
	bool is_subject;      /* a reply tells all of a section for one subject */
	uint16_t month_field; /* of the entity: what month a row is about; 0 = none */
};

/* Opens or makes it, for this process alone: BD_STORE_IN_USE. Left half loaded: BD_LOAD_UNFINISHED,
 * but for another load (pairs.h). Another master key: BD_STORE_KEY;
 * another blinding: BD_STORE_BLINDING. Covers are copied. */
enum bd_code bd_store_open(struct bd_store **out, const struct bd_store_settings *settings,
	const struct bd_cover *covers, size_t cover_count, struct bd_diag *diag);
/* A key of one use by its name ("bidui trail 1"), the same for as long as the store is. */
enum bd_code bd_store_derive(
	uint8_t out[BD_MASTER_KEY_BYTES], const struct bd_store *store, const char *use);
/* For values that stand beside the store: seal.h. */
const struct bd_ring *bd_store_ring(const struct bd_store *store);
/* All readers must be freed before. */
void bd_store_close(struct bd_store *store);
/* Every ten seconds or so, any one thread: lets go of readers whose process has died, and says how
 * many commits the oldest open reader is behind. A reader that stays open keeps every page that
 * was freed since from being used again. */
struct bd_store_tended {
	uint64_t readers;      /* open */
	uint64_t oldest_reads; /* the commit that it sees; 0 = none is open */
	uint64_t newest;       /* commit */
};
enum bd_code bd_store_tend(
	struct bd_store_tended *out, struct bd_store *store, struct bd_diag *diag);
/* Writer thread: new covers for lookups that begin later. */
enum bd_code bd_store_set_covers(struct bd_store *store, const struct bd_cover *covers,
	size_t cover_count, struct bd_diag *diag);

/* -- writing --------------------------------------------------------------------------------------
 */
struct bd_delivery {
	int32_t day; /* base/clock.h; INT32_MIN = no dated delivery */
	bool has_total;
	uint64_t total;   /* the department's control total (对账) */
	bool is_baseline; /* everything up to that day is in it */
};

struct bd_spool;

/* What a source withdraws (召回) of what it said. Rows as a whole: of the sections, the entity and
 * with the values given, of one subject, `subject` being all its identifiers. Or what one message
 * said: at the nodes that `subject` names, each by itself, so many at a time; `is_last` with the
 * last of them. */
struct bd_recall {
	uint16_t entity; /* 0 = of any */
	const struct bd_value *with;
	size_t with_count;
	uint64_t message; /* 0 = whole rows */
	int64_t message_received_ms;
	bool is_last;
	uint64_t before; /* withdrawn by the entries before this one, of the same recall */
	/* out */
	uint64_t recalled; /* before, and by this: rows, and sections that were told whole */
};

/* A dispute 异议 of what a source says of one subject, and the request 校核 to it to look again. */
enum bd_dispute_state { BD_DISPUTE_OPEN = 0, BD_DISPUTE_UPHELD, BD_DISPUTE_CORRECTED };
struct bd_dispute {
	uint64_t id; /* journal sequence; out */
	const char *source;
	uint16_t entity, field; /* field 0 = whatever is said */
	const char *reason, *reference, *sender;
	struct bd_identifier subject; /* as it was named */
	int64_t opened_ms;
	int32_t due_day; /* base/clock.h */
	enum bd_dispute_state state;
	int64_t closed_ms;
	const char *closed_by; /* a sender; "" = by itself */
	const char *closed_reference;
};
/* How one is resolved. */
struct bd_resolution {
	uint64_t dispute;
	enum bd_dispute_state state; /* not OPEN */
	const char *reference;
};

enum bd_entry_kind {
	BD_ENTRY_MESSAGE = 0,
	BD_ENTRY_RECALL,
	BD_ENTRY_DISPUTE, /* `subject`: all identifiers of the subject, the one named first */
	BD_ENTRY_RESOLUTION
};

/* One message, or another change that somebody asked for. What is borrowed must live until
 * bd_store_commit returns. */
struct bd_entry {
	enum bd_entry_kind kind;
	struct bd_recall recall;         /* of that kind */
	struct bd_dispute dispute;       /* its source, sender and opened_ms are the entry's */
	struct bd_resolution resolution; /* ditto */
	const char *source, *feed;       /* feed may be NULL where there is none */
	uint16_t feed_number;
	bool is_reply, is_snapshot, is_atomic;
	int64_t received_ms;
	const char *sender;
	/* That made the records; NULL = not known. */
	const char *adapter_version, *dictionary_version;
	struct bd_bytes idempotency_key; /* empty = none */
	bool is_once; /* the key is kept for good, not for journal_days: a file in a folder may lie
			 there for years */
	uint8_t body_sha256[32];
	uint64_t received, accepted, rejected; /* native records, from intake */
	uint64_t record_count;                 /* made of them: so many must have come */
	struct bd_bytes records; /* each sized (bd_buf_add_sized) and packed (record/pack.h) */
	struct bd_bytes rejects; /* each sized and packed (record/reject.h) */
	struct bd_spool *spool;  /* instead of records, for long messages; NULL = none */
	const struct bd_identifier
		*subject; /* of the message: fills records with is_message_subject */
	size_t subject_count;
	enum bd_order_kind order_kind;
	struct bd_order order; /* rank of the feed; fills records with is_message_order */
	struct bd_delivery delivery;
	uint32_t remove_share_max_percent; /* snapshot */
	const char *const *sections;       /* present in the message */
	size_t section_count;
	/* How far whoever fetched it has come, by its name: kept with the message, or not at all.
	 * NULL = nobody asks. No value of a citizen's may stand in it. */
	const char *progress_name;
	struct bd_bytes progress;
	/* out */
	enum bd_code code;
	struct bd_diag diag;
	uint64_t message;   /* journal sequence, from 1 */
	uint64_t unchanged; /* native records that changed nothing */
	bool is_repeat;     /* idempotency key seen with this body: message is the first one's */
};

/* Each entry has its own outcome, known when what is stored of it is on disk. Short ones share
 * transactions; a spooled one is taken and worked on until it is over (below), and those that were
 * taken before it. BD_DISK_FULL: none was looked at. BD_STORE_SYNC: a sync failed; whatever has no
 * outcome may or may not be stored, nothing is written any more, and the process must start anew.
 */
enum bd_code bd_store_commit(struct bd_store *store, struct bd_entry *const *entries, size_t count,
	struct bd_diag *diag);

/* -- long messages: past BD_MESSAGE_SPOOL_BYTES ---------------------------------------------------
 *
 * Records go into a sealed file as they come, in runs sorted by subject. When the message has
 * ended, and is complete and accepted, the file is ended with the rest of the journal entry and
 * synced: from then on it is the journal's, and a restart goes on with it and finishes it; before,
 * a restart removes it. It is applied in transactions of at most BD_TXN_MAX_BYTES, cut between
 * subjects: what it changes under one identifier of a subject becomes visible at once. Coverage,
 * snapshot marks and the receipt come with the last. Short messages may be committed between.
 */

/* Add from any one thread; then it belongs to the writer. */
enum bd_code bd_spool_new(struct bd_spool **out, struct bd_store *store, struct bd_diag *diag);
/* The same in runs of at least so many bytes: fewer of them to be merged, for more memory. */
enum bd_code bd_spool_new_runs(
	struct bd_spool **out, struct bd_store *store, size_t run_bytes, struct bd_diag *diag);
/* A packed record. A code: the message cannot be taken. */
enum bd_code bd_spool_add(struct bd_spool *spool, struct bd_bytes record, struct bd_diag *diag);
/* The last was added: all on disk, and the memory that adding needed is let go of. bd_store_take
 * does it where nobody did. */
enum bd_code bd_spool_finish(struct bd_spool *spool, struct bd_diag *diag);
/* Not before its entry has its outcome. Removes the file unless it is the journal's. */
void bd_spool_free(struct bd_spool *spool);

/* Writer thread: puts the entry's spool on disk and the entry in line. A code: it is not taken. Its
 * outcome is told by bd_store_work; the entry and what it borrows live until then. */
enum bd_code bd_store_take(struct bd_store *store, struct bd_entry *entry, struct bd_diag *diag);
/* Is there a message in line, or one that was not finished before a restart? */
bool bd_store_has_work(const struct bd_store *store);
/* Writer thread: one step, at most one transaction. *done: an entry whose outcome is known now;
 * NULL = none. A code says why the step failed: with BD_DISK_FULL and the like it is tried again by
 * the next call, after whoever waits was told that code; a message that cannot be finished is
 * given up and its file kept. */
enum bd_code bd_store_work(struct bd_store *store, struct bd_entry **done, struct bd_diag *diag);
/* How much of the message that is applied has been, 0 to 1: by its cursor among the store's keys,
 * which are spread evenly. Writer thread. */
double bd_store_work_share(const struct bd_store *store);
/* Writer thread: was this entry stored before, by its idempotency key and body? is_repeat and
 * message say so; a code in the entry as bd_store_commit would give it. */
enum bd_code bd_store_find_repeat(
	struct bd_store *store, struct bd_entry *entry, struct bd_diag *diag);
/* Has no message ever had a number in it? Then nothing is a repeat. Writer thread. */
bool bd_store_is_unused(const struct bd_store *store);

/* -- reading: a snapshot at a time -- */
enum bd_code bd_store_reader_new(
	struct bd_store_reader **out, struct bd_store *store, struct bd_diag *diag);
void bd_store_reader_free(struct bd_store_reader *reader);
enum bd_code bd_store_begin(struct bd_store_reader *reader, struct bd_diag *diag);
/* The number of the last commit that this snapshot sees: what is looked up in it can be looked up
 * again in bd_store_begin_at, as long as the store keeps what was replaced since. Numbers rise;
 * only what changes something that a lookup can see makes one. After bd_store_begin. */
uint64_t bd_store_reader_commit(const struct bd_store_reader *reader);
/* From now on what was looked up is remembered until a snapshot sees something else: what a lookup
 * gives lives until the next bd_store_begin of this reader, and so it must not be used behind it.
 */
enum bd_code bd_store_reader_remember(struct bd_store_reader *reader);
/* A snapshot of the store as it was after that commit: lookups see what they saw then, but for what
 * has been erased since. Which names lead to which subject is as it was; the covers are those of
 * now. BD_HISTORY_EXPIRED: that is too long ago. BD_HISTORY_UNKNOWN: this store has no such commit
 * yet (it is a copy from before). Ended by bd_store_end. */
enum bd_code bd_store_begin_at(
	struct bd_store_reader *reader, uint64_t commit, struct bd_diag *diag);
/* Something that was looked for since bd_store_begin_at was there at that commit and has been
 * erased since: what was found is not all that was there. */
bool bd_store_met_erased(const struct bd_store_reader *reader);
void bd_store_end(struct bd_store_reader *reader);
/* All identifiers are of one subject. Everything in *out lives in the arena, and so does what is
 * remembered for the next lookup of the same snapshot: the arena is not cleared before
 * bd_store_end, and all lookups until then want the same entities. */
enum bd_code bd_store_lookup(struct bd_held **out, struct bd_store_reader *reader,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted,
	struct bd_arena *arena, struct bd_diag *diag);

/* -- progress: how far who fetches from a source has come -- */

/* As it was kept with the last message of that name, or set; *found false = never. */
enum bd_code bd_store_progress(struct bd_buf *out, bool *found, struct bd_store_reader *reader,
	const char *name, struct bd_diag *diag);
/* Without a message: nothing came. Writer's thread, in a transaction of its own. */
enum bd_code bd_store_set_progress(
	struct bd_store *store, const char *name, struct bd_bytes value, struct bd_diag *diag);

/* A message as kept for its receipt. */
struct bd_message {
	uint64_t message;
	const char *source, *feed;
	int64_t received_ms;
	uint64_t received, accepted, unchanged, rejected;
};
/* BD_RECEIPT_UNKNOWN when there is none. */
enum bd_code bd_store_message(struct bd_message *out, struct bd_store_reader *reader,
	uint64_t message, struct bd_arena *arena, struct bd_diag *diag);
/* What a recall that is known by this number came to. BD_RECEIPT_UNKNOWN when there is none. */
enum bd_code bd_store_recalled(uint64_t *count, struct bd_store_reader *reader, uint64_t message,
	struct bd_arena *arena, struct bd_diag *diag);
/* The identifiers of nodes in which this message, by its head, has left something that can be
 * withdrawn: some more of them, from *cursor on (empty = from the first). Looks at up to
 * BD_RECALL_SCAN_MAX nodes. *cursor empty = there are no more. All lives in the arena. Any thread,
 * in a snapshot of its own. */
struct bd_recall_page {
	const struct bd_identifier *items;
	size_t count;
	struct bd_bytes cursor;
};
enum bd_code bd_store_recall_find(struct bd_recall_page *out, struct bd_store_reader *reader,
	const struct bd_entry *head, struct bd_bytes cursor, struct bd_arena *arena,
	struct bd_diag *diag);
/* Of a kept message all that its recall needs: source, feed, sections, delivery, kind of feed,
 * recall.message and its moment. BD_RECEIPT_UNKNOWN when it is not kept (any more). */
enum bd_code bd_store_recall_head(struct bd_entry *out, struct bd_store_reader *reader,
	uint64_t message, struct bd_arena *arena, struct bd_diag *diag);

/* BD_DISPUTE_UNKNOWN: never raised, or its subject is erased. */
enum bd_code bd_store_dispute(struct bd_dispute *out, struct bd_store_reader *reader, uint64_t id,
	struct bd_arena *arena, struct bd_diag *diag);
/* Open ones by their due day, then by their number. */
struct bd_dispute_query {
	const char *source, *sender; /* of whom it is asked, who raised it; NULL = any */
	int32_t day;                 /* from here on; INT32_MIN and 0 = from the first */
	uint64_t id;
	size_t max; /* > 0 */
};
/* May be shorter than max and not the last: at most BD_DISPUTES_SCAN_MAX are looked at. */
struct bd_dispute_page {
	const struct bd_dispute *items;
	size_t count;
	bool has_more;
	int32_t next_day;
	uint64_t next_id;
};
enum bd_code bd_store_disputes(struct bd_dispute_page *out, struct bd_store_reader *reader,
	const struct bd_dispute_query *query, struct bd_arena *arena, struct bd_diag *diag);

/* Kept rejects of a source, in the order in which they came. */
struct bd_kept_reject {
	uint64_t message;
	const char *feed;
	int64_t received_ms;
	struct bd_reject reject; /* place and reason only: raw and subject are empty */
};
struct bd_reject_query {
	const char *source;
	uint64_t only_message; /* 0 = of all */
	/* Where to begin: a message, and how many of its rejects to skip. */
	uint64_t message, skip;
	size_t max; /* > 0 */
};
/* A page may be shorter than max and yet not the last: at most BD_REJECTS_SCAN_MAX messages are
 * looked at for one. */
struct bd_reject_page {
	const struct bd_kept_reject *items;
	size_t count;
	bool has_more;
	uint64_t next_message, next_skip; /* for the next query */
};
enum bd_code bd_store_rejects(struct bd_reject_page *out, struct bd_store_reader *reader,
	const struct bd_reject_query *query, struct bd_arena *arena, struct bd_diag *diag);

/* State of a feed's section, for people. */
struct bd_feed_state {
	const char *source, *feed, *section;
	uint16_t entity;
	enum bd_coverage_state state;
	int64_t complete_through_ms, last_received_ms;
	uint64_t messages, records, rejects;
};
enum bd_code bd_store_states(const struct bd_feed_state **out, size_t *count,
	struct bd_store_reader *reader, struct bd_arena *arena, struct bd_diag *diag);

/* Is there as much free as writing wants? Any thread. */
bool bd_store_has_room(const struct bd_store *store);
struct bd_store_counts {
	uint64_t messages, subjects;
	uint64_t long_running, long_failed; /* messages that are being applied, or never can be */
	uint64_t map_used_bytes, free_bytes;
};
enum bd_code bd_store_counts(
	struct bd_store_counts *out, struct bd_store_reader *reader, struct bd_diag *diag);
/* Everything live as canonical sorted text: equal content gives equal text, whatever the order of
 * arrival; without sequence numbers and receive times. Tests only: it holds values in clear. */
enum bd_code bd_store_dump(struct bd_buf *out, struct bd_store_reader *reader,
	struct bd_arena *arena, struct bd_diag *diag);
/* How many rows of each section are seen, in the same way. Nobody keeps what it was: as of now. */
enum bd_code bd_store_dump_tallies(struct bd_buf *out, struct bd_store_reader *reader,
	struct bd_arena *arena, struct bd_diag *diag);

/* Lawful erasure: overwrites the salts of the subject, under every identifier that it goes by, and
 * those of every case in which it was looked at (cases.h), and syncs: nothing of these can be read
 * any more, here or in a copy made later. What the rows of other subjects say of it (a shareholder
 * of a company) is taken out of these, of what they were before and of disputes of them, and the
 * salts under which that stood are overwritten as well: such a row stays and leads to nobody.
 * BD_SUBJECT_AMBIGUOUS: the identifier leads to several. BD_ERASE_WAITS: a reader of before holds
 * the last of it back. Begun, it is finished after any failure, by bd_store_erase_finish or by the
 * next one. Writer thread; no long message is being applied (bd_store_has_work). */
struct bd_erasure {
	struct bd_identifier identifier;
	int64_t now_ms;
	/* Numbers of the dictionary's fields that are about a person; of them those that are names.
	 */
	const uint16_t *personal, *names;
	size_t personal_count, name_count;
};
struct bd_store_erased {
	uint64_t nodes; /* identifiers under which something was held */
	uint64_t cases;
	uint64_t others; /* other subjects whose rows spoke of it */
};
/* out may be NULL. */
enum bd_code bd_store_erase(struct bd_store *store, const struct bd_erasure *erasure,
	struct bd_store_erased *out, struct bd_diag *diag);
/* Whatever was begun and not finished: after a start, and now and then. Nothing to do is cheap.
 * Writer thread, as above. */
enum bd_code bd_store_erase_finish(struct bd_store *store, struct bd_diag *diag);
/* Has something been erased since what the caller keeps itself of cases was last looked through?
 * Over a restart as well. Writer thread; done: it was, and no answer from before is under way. */
bool bd_store_erase_is_told(const struct bd_store *store);
enum bd_code bd_store_erase_told(struct bd_store *store, struct bd_diag *diag);
/* Lets go of some of what was replaced longer ago than history_days; more of it at the next call,
 * where *has_more. Writer thread, between messages: a short transaction of its own, or none. */
enum bd_code bd_store_expire(
	bool *has_more, struct bd_store *store, int64_t now_ms, struct bd_diag *diag);

#endif
