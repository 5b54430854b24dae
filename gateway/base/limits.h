/* limits.h - every limit of bidui, each with its reason. Layer: base. Append; say why. */
#ifndef BD_BASE_LIMITS_H
#define BD_BASE_LIMITS_H

/* -- texts ----------------------------------------------------------------------------------------
 */
/* One field's text: a business scope runs to some thousand characters of 3 bytes. */
#define BD_FIELD_MAX_BYTES 65536
/* An identifier: the longest known (a department's own key) has 30 characters. */
#define BD_IDENTIFIER_MAX_BYTES 64
/* -- comparing ---------------------------------------------------------------------------------
 */
/* Items of one set or business scope: registered scopes have some dozens, and two sets are compared
 * item by item. */
#define BD_SET_ITEMS_MAX 256
/* Characters of one address: the longest registered ones have about 100, and two are compared
 * character by character. */
#define BD_ADDRESS_MAX_CHARS 256
/* Months of payments that are looked back on: a working life of 60 years. */
#define BD_MONTHS_MAX 720
/* -- messages -------------------------------------------------------------------------------------
 */
/* Nesting of XML and JSON: the deepest real message has 9 levels. */
#define BD_DEPTH_MAX 64
/* One record's fields together, native text included: keeps a record inside one frame. */
#define BD_RECORD_MAX_BYTES 262144
/* Bodies up to this are gathered before a worker is taken. */
#define BD_BODY_GATHER_MAX_BYTES 262144
/* A longer message is spooled, sorted and applied in parts. */
#define BD_MESSAGE_SPOOL_BYTES 1048576
/* A gzip body may not expand past this many times its size: a text of one repeated letter reaches
 * about 1,000. */
#define BD_GZIP_RATIO_MAX 200
/* Rejects named in one receipt; the rest by cursor. */
#define BD_RECEIPT_REJECTS_MAX 1000
/* Messages opened for one page of rejects: some milliseconds of a loop that others wait for. */
#define BD_REJECTS_SCAN_MAX 4096
/* Rejects of one message with their raw bytes, sealed and kept: a file of another layout is refused
 * as a whole. */
#define BD_MESSAGE_REJECTS_MAX_BYTES 16777216
/* Subjects that the rows of one reply may name themselves: a reply is about one, its grid may hold
 * branches of it. */
#define BD_REPLY_SUBJECTS_MAX 64
/* Messages that are answered later: known for as long as this many newer ones come. */
#define BD_TICKETS_MAX 1024
/* Of them not yet done: each holds what a push holds, and no client waits. */
#define BD_TICKETS_RUNNING_MAX 64
/* What a ticket keeps of a receipt that is not in the store: its counts and the first rejects. */
#define BD_TICKET_RECEIPT_MAX_BYTES 16384
#define BD_TICKET_REJECTS_MAX 16
/* A part of an upload is held whole until it is on the disk: long enough that its sync is little
 * beside its way here, short enough that one that breaks off costs seconds. 16 GiB have 4,096. */
#define BD_UPLOAD_PART_BYTES 4194304
/* Parts on their way at once, of one sender and of all: 64 MiB. A push sends two at once, so a
 * sender may push four files beside each other, and there may be eight. */
#define BD_UPLOAD_SENDER_RUNNING_MAX 8
#define BD_UPLOAD_RUNNING_MAX 16
/* Uploads that one sender has not finished, their lengths together, and those of everybody. */
#define BD_UPLOADS_SENDER_MAX 16
#define BD_UPLOADS_SENDER_MAX_BYTES UINT64_C(68719476736)
#define BD_UPLOADS_MAX 256
/* How long after its last part an upload is kept, and the receipt of one that is done: a night, and
 * half a day for somebody to come. Less than journal_days, by which it is known again. */
#define BD_UPLOAD_KEEP_MS INT64_C(86400000)
/* What a sender says of an upload. */
#define BD_UPLOAD_TERMS_MAX_BYTES 4096
/* How far another's clock may be ahead of ours, in what departments send and in attestations: past
 * it a time is wrong, not early. */
#define BD_CLOCK_AHEAD_MS 600000
/* A message that is signed or whose payload is encrypted: held whole, and it fits into a frame with
 * the text that was signed. Replies about one subject have some KiB. */
#define BD_SEALED_MESSAGE_MAX_BYTES 196608
/* Records of a section of a message whose fields are looked at for a change of format: a change is
 * in all of them. */
#define BD_TALLY_RECORDS 64
/* A field counts as usual after so many records, and as changed after so many without it, or of
 * another shape, in a row; a name that nobody knows is forgotten after so many without it. */
#define BD_DRIFT_LEARN_RECORDS 20
#define BD_DRIFT_RUN_RECORDS 10
/* Of one feed that are remembered: fields, and names that nobody knows. */
#define BD_DRIFT_FIELDS_MAX 512
#define BD_DRIFT_NAMES_MAX 32
/* However long a source is closed, a silence of more than this is told. */
#define BD_QUIET_DAYS_MAX 400
/* Before a feed whose cycle is known is silent, where the sources file says nothing else: one cycle
 * left out, and some hours. */
#define BD_QUIET_DAILY_MS INT64_C(172800000)
#define BD_QUIET_MONTHLY_MS INT64_C(3024000000)
/* Alarms that are told at once: a format that changes altogether has some dozens. */
#define BD_ALARMS_MAX 512
/* -- questions ------------------------------------------------------------------------------------
 */
#define BD_QUESTION_MAX_BYTES 65536
/* An answer names every element; with 64 subjects that is some hundred findings. */
#define BD_ANSWER_MAX_BYTES 1048576
/* Idempotency keys of comparisons, kept 24 hours: three a second all day. A power of two. */
#define BD_REPEATS_MAX 262144
/* Lines of one NDJSON batch in flight. */
#define BD_NDJSON_IN_FLIGHT 64
/* Answers of a batch that has more to answer go out by so much. A turn has two lines or three, and
 * each time takes three writes: of cases, of entries, and of the answers. */
#define BD_NDJSON_SEND_BYTES 32768
/* How long a case that states no deadline_ms waits for departments (look_up_wait_ms), how long one
 * may at most, and how much sooner it stops waiting than its deadline: it is still to be decided,
 * and to travel. */
#define BD_LOOK_UP_WAIT_MS 3000
#define BD_LOOK_UP_WAIT_MAX_MS 60000
#define BD_DEADLINE_MARGIN_MS 20
/* Cases that wait for departments at once, some 10 KB each (cases_waiting_max, and the most that it
 * can be set to), and subjects that are asked about, some 20 KB each: what a city asks in the
 * seconds in which a department does not answer. */
#define BD_CASES_WAITING 20000
#define BD_CASES_WAITING_MAX 100000
#define BD_LOOK_UPS_MAX 20000
/* How long a loop works in one turn on each of what may be done later: lines of batches and cases
 * that have waited, what other threads have sent it, requests that are long, answers that go on.
 * Who asks a single question waits for these, and for one more of each. */
#define BD_TURN_NS 60000
/* And on lines and cases, while nobody asks: each turn has a write of its own. */
#define BD_TURN_MAX_NS 150000
/* How long an answer waits for the entries of requests that are there already: at half of what a
 * loop can do a turn has one request or two, and each writes entries and case files once. */
#define BD_TURN_GATHER_NS 100000
/* What a loop is content with of a processor in one go, and how long it keeps one at the most to
 * itself that another thread waits for: the least that Linux takes. Left to itself the kernel looks
 * at its next tick, which is every 4 ms at 250 Hz. */
#define BD_THREAD_SLICE_NS 100000
/* Of a processor that one that answers and others that give way want all the time, the first has so
 * many parts and those together one; they wait so long for it in one go at the most. */
#define BD_THREAD_ANSWERS_PARTS 4
#define BD_THREAD_REST_US 1000
/* Of one case: sixteen sources of four subjects, or four of sixteen. */
#define BD_CASE_LOOK_UPS_MAX 64
/* After so long an answer is no longer waited for; meanwhile what is late for its case is stored.
 */
#define BD_LOOK_UP_MAX_MS 15000
/* Subjects and claims of one case: a company with 50 shareholders (公司法) and a few claims of
 * each. */
#define BD_CASE_SUBJECTS_MAX 64
#define BD_CASE_CLAIMS_MAX 512
/* Faults of one question that are told at once: more than a screen nobody reads before mending the
 * first. */
#define BD_QUESTION_FAULTS_MAX 32
/* A version of a matter that is sent to be tried: the largest of ours has some 30 KiB. */
#define BD_MATTER_MAX_BYTES 1048576
/* Lookups that one loop remembers as long as no commit comes, and their memory: some hundred
 * citizens' data at most, for some milliseconds under load. */
#define BD_RECENT_MAX 32
#define BD_RECENT_MAX_BYTES 2097152
/* -- senders ------------------------------------------------------------------------------------
 */
/* Keys of one sender: the one in use, the next, and the last while it is still about. */
#define BD_SENDER_KEYS_MAX 4
#define BD_SENDER_KEY_ID_MAX_BYTES 64
/* Nonces of one span of signature_window_s, a power of two: of two minutes, three thousand signed
 * requests a second. */
#define BD_NONCES_MAX 524288
/* Lines of one signed batch: they are answered when the whole body is found to be the signed one.
 */
#define BD_SIGNED_LINES_MAX_BYTES 8388608
/* People of one city's data office who look after a gateway. */
#define BD_ACCOUNTS_MAX 256
#define BD_ACCOUNT_NAME_MAX_BYTES 64
/* Passwords that wait to be checked, a tenth of a second each. */
#define BD_LOGINS_WAITING_MAX 32
/* Wrong ones in a row before a name has to wait (GB/T 22239-2019, 8.1.4.1), and the longest wait:
 * so that guessing is hopeless and an administrator is not shut out for a day. */
#define BD_LOGIN_FAILURES_MAX 5
#define BD_LOGIN_WAIT_MAX_S 900
/* How long a right password is remembered. */
#define BD_LOGIN_KEPT_MS 300000
/* What a sender may ask where its section does not say otherwise. A city of 18 million decides some
 * hundred thousand cases a day, ten a second: fifty times that is no approval engine. */
#define BD_SENDER_REQUESTS_PER_SECOND 500
#define BD_SENDER_REQUESTS_PER_SECOND_MAX 10000000
/* Lines of batches, apart from requests: a batch of a hundred is one request. A night's review of a
 * hundred thousand cases takes twenty seconds; who may be asked about is bounded below all the
 * same.
 */
#define BD_SENDER_LINES_PER_SECOND 5000
/* Different subjects: all who come to a city's counters in an hour, and in a day; whoever goes
 * through the numbers needs millions. */
#define BD_SENDER_SUBJECTS_PER_HOUR 20000
#define BD_SENDER_SUBJECTS_PER_DAY 100000
/* Sixteen bytes of memory for each. */
#define BD_SENDER_SUBJECTS_MAX 1000000
/* Different values of one field claimed of one subject in a day: a clerk mends a typing error two
 * or three times; who tries out birthdays or amounts needs more. */
#define BD_SENDER_VALUES_PER_DAY 10
#define BD_SENDER_VALUES_MAX 12
/* Grants of one installation: some hundred matters, each for a few senders. */
#define BD_GRANTS_MAX 4096
/* -- HTTP -----------------------------------------------------------------------------------------
 */
/* One request's head: real ones have under 2 KiB, a proxy with many cookies 8. */
#define BD_HTTP_HEADER_MAX_BYTES 16384
/* Header fields of one request: browsers and proxies together send about 30. */
#define BD_HTTP_FIELDS_MAX 64
/* What one connection holds of its input: the head and, behind it, body or pipelined requests. */
#define BD_HTTP_INPUT_BYTES 36864
/* One read of ciphertext, shared by a loop's connections: four TLS records of full length. */
#define BD_HTTP_CIPHER_BYTES 65536
/* A request of which more comes at once is long: one question with a dozen claims has 1,500. Where
 * many are, short ones go first. */
#define BD_HTTP_SHORT_BYTES 4096
/* Answers waiting for the client; past it nothing further is read or answered. Two TLS records:
 * enough beside what the kernel holds, and what a loop makes for one connection in one turn, which
 * everybody else waits for; a thousand clients who do not read cost 32 MiB. */
#define BD_HTTP_OUT_HIGH_BYTES 32768
/* What the kernel holds of them for one connection; left to itself it takes 4 MiB, all of which
 * would be made and encrypted in one go for a client that may not read. Enough for 2 MB/s over 50
 * ms. */
#define BD_HTTP_SEND_BUFFER_BYTES 131072
/* One answer that is not streamed, as large as the memory one message may take. */
#define BD_HTTP_ANSWER_MAX_BYTES 67108864
/* Output memory an idle connection keeps: most answers fit, and 10,000 connections stay small. */
#define BD_HTTP_IDLE_KEPT_BYTES 4096
/* Output memory of more than that, up to this, that a loop keeps for its next answers. */
#define BD_HTTP_SPARE_MAX_BYTES 16384
#define BD_HTTP_SPARES_KEPT 64
/* Input blocks a loop keeps for its next requests; more go back to the heap. */
#define BD_HTTP_BLOCKS_KEPT 64
/* Size line or trailers of a chunked body: nobody needs chunk extensions. */
#define BD_HTTP_CHUNK_LINE_MAX_BYTES 256
/* How long a refused client may still send what we no longer read. */
#define BD_HTTP_LINGER_MS 1000
/* Entries of the deny list: it bridges the time until a CRL says so, and each handshake reads all.
 */
#define BD_HTTP_DENY_MAX 1024
/* A file of certificates or CRLs: the CRL of an authority with a million revocations has 40 MB. */
#define BD_HTTP_TRUST_FILE_MAX_BYTES 67108864
/* How long a key seals session tickets; it opens them for as long again. */
#define BD_HTTP_TICKET_KEY_MS INT64_C(21600000)
/* How long a CRL file may be missing or half written before it counts as out of reach. */
#define BD_HTTP_CRL_MISSING_MS INT64_C(60000)
/* A client's chain of certificates: four of them with RSA keys of 4,096 bits have 8 KiB. */
#define BD_HTTP_CHAIN_MAX_BYTES 32768
#define BD_HTTP_CHAIN_DEPTH_MAX 4
/* How often the certificate behind an open connection is looked at again: its own end, and that of
 * the CRL, come by time alone. */
#define BD_HTTP_PEER_LOOK_MS 10000
/* Certificates looked at again in one tick, a whole verification counted as sixteen looks: 10,000
 * connections are through in 40 seconds. In one step of it: a quarter of a millisecond at most. */
#define BD_HTTP_PEER_LOOKS_TICK 1024
#define BD_HTTP_PEER_LOOKS_STEP 64
#define BD_HTTP_PEER_VERIFY_LOOKS 16
/* Connections whose time budgets are looked at in one step of a tick, and in one that is late. */
#define BD_HTTP_TICK_STEP 64
#define BD_HTTP_TICK_STEP_MAX 256
/* How often the files of certificates are looked at; one that changed is read when it has stayed as
 * it is from one look to the next. */
#define BD_HTTP_FILES_LOOK_MS 1000
/* Head of an answer to us, interim ones and trailers included: as much as servers send at most. */
#define BD_HTTP_ANSWER_HEAD_MAX_BYTES 65536
/* -- store ----------------------------------------------------------------------------------------
 */
/* Identifiers one alias may point to before it is simply ambiguous. */
#define BD_ALIAS_OWNERS_MAX 64
/* Nodes read for one subject. */
#define BD_SUBJECT_NODES_MAX 64
/* What one subject is called, at most, when it is erased: names, and former ones. */
#define BD_ERASE_WORDS_MAX 64
/* Different contents kept at one order (a conflict); the smallest are kept, so arrival order does
 * not matter. */
#define BD_CONFLICT_VALUES_MAX 4
/* Sections of which a snapshot was taken: of all sources together some hundred. */
#define BD_MARKS_MAX 1024
/* Refused rows of one subject, section and entity that are remembered each by itself. */
#define BD_NODE_BLOCKS_MAX 64
/* Disputes of one node that are open at once: past that somebody is not raising disputes. */
#define BD_NODE_DISPUTES_MAX 64
/* Rows that a dispute knows again; of more it is over only when somebody says so. */
#define BD_DISPUTE_MARKS_MAX 64
/* Open disputes opened for one page of them, and nodes looked at for one step of a recall: some
 * milliseconds of whoever waits. */
#define BD_DISPUTES_SCAN_MAX 4096
#define BD_RECALL_SCAN_MAX 4096
/* Cases of one subject that hear of one change: few people have as many in a year. */
#define BD_WATCH_RECEIPTS_MAX 64
/* How long whoever asks for events may wait for the next; a proxy before us ends a silence of a
 * minute. */
#define BD_WATCH_WAIT_MAX_S 30
/* The longest that a sender who did not take its events is left alone. */
#define BD_NOTIFY_WAIT_MAX_MS 300000
/* How long an event waits to be asked for: 400 days, as long as case files are kept normally. */
#define BD_WATCH_KEEP_MS INT64_C(34560000000)
/* Subjects looked through in one step after a snapshot of everybody: pushes go between. */
#define BD_WATCH_SWEEP_MAX 512
/* Nodes that one journal entry of a recall changes. */
#define BD_RECALL_NODES_MAX 512
/* Sealed value of one node: an employer's links stand apart, so this is one subject's own rows. */
#define BD_NODE_MAX_BYTES 8388608
/* A run of a long message's records is sorted in memory: short enough that the loop that does it is
 * not held up. Each BD_SPOOL_RUNS_STEP runs the next ones are twice as long, so that the longest
 * body (16 GiB) has few enough of them to be merged at once. */
#define BD_SPOOL_RUN_BYTES 1048576
#define BD_SPOOL_RUNS_STEP 256
/* 256 runs each of 1, 2, 4, 8, 16 and 32 MiB hold 15.75 GiB. */
#define BD_SPOOL_RUNS_MAX 1536
/* Runs of a dump that is loaded offline, where no loop is held up: 256 of these, then twice as
 * long, as above; so a file may hold 126 GiB of records, is read in some 32 MiB, and of its
 * last half in 256. */
#define BD_LOAD_RUN_BYTES 8388608
/* Files of one load, and one line of a file that holds a message a line. */
#define BD_LOAD_FILES_MAX 1024
#define BD_LOAD_LINE_MAX_BYTES 4194304
/* Refused lines of one file that are named one by one. */
#define BD_LOAD_REFUSED_MAX 1000
/* What one run has in memory while all are merged: 24 MiB at the most. */
#define BD_SPOOL_BLOCK_BYTES 16384
/* Obligations looked at for one page of a list: those that others asked are passed over. */
#define BD_OWED_SCAN_MAX 8192
/* Obligations on one page of a list, where fewer are not asked for. */
#define BD_OBLIGATIONS_PAGE_MAX 1000
/* How often a matter may let one obligation be extended, so that its history stays short. */
#define BD_EXTENSIONS_MAX 16
/* Why somebody extended an obligation: a sentence or two. */
#define BD_REASON_MAX_BYTES 512
/* Threads that make the nodes of a long message for the writer, who puts them: of two processors
 * both are busy, and more than three would wait for him. */
#define BD_MAKERS_MAX 3
/* Nodes that go from him to them and back in one piece: some 0.2 ms of work beside some
 * microseconds for the piece. So many are on their way that neither has to sleep. */
#define BD_BATCH_NODES_MAX 32
#define BD_BATCHES_OF(threads) (4 + 4 * (threads))
/* Records of a piece, but for the last of its nodes; and what is made of them: what needs more is
 * left to the writer. In all some 20 MiB at the most, usually a tenth of that. */
#define BD_BATCH_BYTES 131072
#define BD_BATCH_MADE_BYTES 1048576
/* Dirty bytes of one LMDB transaction. */
#define BD_TXN_MAX_BYTES 67108864
/* What is kept of one comparison: a question of 64 KiB, some hundred findings and what they
 * compared. Longer ones are kept without these. */
#define BD_CASE_MAX_BYTES 1048576
/* Names of whom one case looked at that stand in its head: 64 subjects have some hundred. */
#define BD_CASE_KEYS_MAX 1024
/* One file of cases: some ten thousand, so that a walk opens few. */
#define BD_CASE_FILE_MAX_BYTES 67108864
/* Entries of the index of cases that wait in memory for a run: some 4 MB, of some 8,000 cases,
 * whose heads a start reads again in a moment. */
#define BD_CASE_TAIL_ITEMS 65536
/* Runs of one size that become one: a look-up asks some twenty of them for 100 million entries. */
#define BD_CASE_RUNS_FAN 8
/* Entries put into a run, and rows of runs taken away, in one transaction: some milliseconds of the
 * writer that pushes wait for. */
#define BD_CASE_STEP_ITEMS 16384
#define BD_CASE_GARBAGE_ROWS 1024
/* What tells a push which runs have a case of a subject: of one run, for ten million names, and of
 * all. A run without is asked in vain, once for each subject that changes. */
#define BD_CASE_FILTER_MAX_BYTES 16777216
#define BD_CASE_FILTERS_MAX_BYTES 67108864
/* Nodes put lately that a case is looked up among before it is indexed: of a second of pushes. A
 * power of two. */
#define BD_LATELY_NODES 65536
/* Cases indexed in one step: some milliseconds of the writer that pushes wait for. */
#define BD_CASES_INDEX_MAX 2048
/* -- front-end databases --------------------------------------------------------------------------
 */
#define BD_DATABASE_EVERY_MS 300000
/* Rows of one batch: a message that is committed together, and whose keys the process that reads
 * holds in memory. */
#define BD_DATABASE_BATCH 2000
#define BD_DATABASE_BATCH_MAX 20000
/* One row: as a record of any other feed. */
#define BD_DATABASE_ROW_MAX_BYTES BD_RECORD_MAX_BYTES
/* Addresses of the process: drivers of some vendors map a few hundred MiB. */
#define BD_DATABASE_MEMORY_MAX_BYTES UINT64_C(1073741824)
/* Beyond the connection's and the query's own time, for the rows to come; then it is ended. */
#define BD_DATABASE_GRACE_MS 60000
/* After a failure it is tried again after this, twice as long each time, up to its own interval. */
#define BD_DATABASE_RETRY_MS 5000
/* -- frames ---------------------------------------------------------------------------------------
 */
/* Credit each way on the socketpair of a worker. */
#define BD_FRAME_CREDIT_BYTES 262144
#define BD_FRAME_MAX_BYTES 524288
/* -- trail ----------------------------------------------------------------------------------------
 */
/* Logs of one trail: as many as there may be loops (config/settings.c). */
#define BD_TRAIL_LOOPS_MAX 256
/* The body of one entry: a receipt of 64 subjects has some hundred findings of about 250 bytes. */
#define BD_TRAIL_ENTRY_MAX_BYTES 262144
/* Heads of one file: a day of one a second has 86,400; so a start reads one file of at most 20 MB.
 */
#define BD_TRAIL_HEADS_PER_FILE 65536
/* Leaves that one head adds at most: what waits longer gets heads one after the other, and memory
 * stays small. */
#define BD_TRAIL_LEAVES_PER_HEAD 65536
/* Files in one folder that is pulled from, and the names of all of them. */
#define BD_SOURCE_FILES_MAX 4096
#define BD_SOURCE_LIST_MAX_BYTES 1048576
/* One that is being written is changed again before so long. */
#define BD_SOURCE_SETTLE_MS 60000
/* Pages of one pull: some ten million records. */
#define BD_SOURCE_PAGES_MAX 10000
/* What a page says the next one is asked by. */
#define BD_PAGE_TEXT_MAX_BYTES 512
/* -- sources -- how a department is asked, where the sources file says nothing else --
 */
/* Requests at once: as many as a small front machine answers without a queue. */
#define BD_SOURCE_CONCURRENCY 8
#define BD_SOURCE_CONNECT_MS 5000
#define BD_SOURCE_IDLE_MS 30000
#define BD_SOURCE_TOTAL_MS 600000
/* One answer: a page of some ten thousand records. */
#define BD_SOURCE_ANSWER_BYTES 67108864
/* Of one request, the first included; the wait before each doubles from the first to the last of
 * these, and is anything between none and all of that. */
#define BD_SOURCE_TRIES 4
#define BD_SOURCE_BACKOFF_MS 500
#define BD_SOURCE_BACKOFF_MAX_MS 60000
/* Failures after each other that open a circuit, for how long it stays open the first time, and how
 * long at most when the trial fails again. */
#define BD_SOURCE_TRIP_AFTER 5
#define BD_SOURCE_TRIP_MS 30000
#define BD_SOURCE_TRIP_MAX_MS 1800000
/* That a source has nothing of a subject is remembered so long. */
#define BD_SOURCE_REMEMBER_NONE_MS 60000
/* Names in a drop folder that are looked at: a city's daily tables are some hundred, kept for
 * months where the way is one-way. */
#define BD_FOLDER_ENTRIES_MAX 65536
/* A file of control totals: some hundred tables of a day, a line each. */
#define BD_FOLDER_TOTALS_MAX_BYTES 262144
/* A folder is looked through at least so often: events of a mounted folder do not come, and a full
 * queue loses them. Not more often than every BD_FOLDER_CALM_MS, however many events come. */
#define BD_FOLDER_SCAN_MS 60000
#define BD_FOLDER_CALM_MS 100
/* Before a file is tried again that could not be taken for now: doubled up to the longest. */
#define BD_FOLDER_RETRY_MS 1000
#define BD_FOLDER_RETRY_MAX_MS 60000
/* Rows of rejects that a clerk's text names; the JSON beside it has BD_RECEIPT_REJECTS_MAX. */
#define BD_FOLDER_TEXT_REJECTS 200
/* -- workers --------------------------------------------------------------------------------------
 */
/* Addresses of one worker: its program and libraries take about 30 MiB, the adapters of a city a
 * few, one message at most some 16. */
#define BD_WORKER_MEMORY_MAX_BYTES 268435456
/* A worker reads some 50 MB/s; a gzip body that expands BD_GZIP_RATIO_MAX times, this much of what
 * is sent. With less for each second of processor time it spins. */
#define BD_WORKER_BYTES_PER_SECOND_MIN 262144
/* Workers that one message may cost: a chance, a bad moment, and then it is the message. */
#define BD_WORKER_LOSSES_MAX 3
/* Messages remembered for what they cost. */
#define BD_SET_ASIDE_MAX 128
/* -- arenas ---------------------------------------------------------------------------------------
 */
#define BD_REQUEST_ARENA_MAX_BYTES 8388608
#define BD_RECORD_ARENA_MAX_BYTES 4194304

#endif
