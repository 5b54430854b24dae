/* folders_parts.h - one drop folder, as the files of folders*.c share it: folders.c has when it is
 * looked through and what is next, folders_file.c how one file is opened and taken, folders_put.c
 * what lies beside it afterwards and where, folders_report.c what is told of the folder.
 *
 * Layer: daemon, private to folders*.c. All on the loop's thread but what says "thread": that runs
 * on one of libuv's, and nothing else touches what it uses until it is done.
 */
#ifndef BD_DAEMON_FOLDERS_PARTS_H
#define BD_DAEMON_FOLDERS_PARTS_H

#include "daemon/drop_receipt.h"
#include "daemon/folders.h"
#include "daemon/taking.h"

enum bd_folder_step {
	BD_FOLDER_IDLE = 0,
	BD_FOLDER_LISTING, /* thread */
	BD_FOLDER_OPENING, /* thread: opened and digested */
	BD_FOLDER_ASKING,  /* the writer: is it taken already? */
	BD_FOLDER_TAKING,  /* its bytes go to a worker */
	BD_FOLDER_PUTTING  /* thread: receipts written, moved */
};

/* The file in hand. */
struct bd_folder_file_state {
	struct bd_drop *drop; /* of the set, which is not updated meanwhile */
	int fd;               /* -1 = closed */
	uint8_t sha256[BD_DIGEST_BYTES];
	struct bd_buf text; /* of control totals */
	bool is_taking;     /* `taking` is open */
	bool is_reading;    /* a read is under way */
	struct bd_taking taking;
	struct bd_entry known; /* of the question */
	char key[BD_TAKING_KEY_MAX_BYTES + 1];
	struct bd_write asked;
	char *piece;
	int64_t at;                    /* bytes read so far */
	struct bd_drop_totals *totals; /* being read, not yet of the set; or being told */
	/* what will lie beside it */
	bool is_good, may_move;
	char shown[BD_FILE_NAME_MAX_BYTES * 3 + 1];
	struct bd_buf json, note;
};

struct bd_folder {
	struct bd_folder *next;
	struct bd_folders *all;
	const struct bd_folder_plan *plan; /* of the setup that `all` has a reference of */
	const struct bd_plan *source;
	struct bd_sender sender; /* in whose name files are taken */
	const char *sender_source;
	uv_fs_event_t event;
	uv_timer_t timer;
	uv_work_t work;
	uv_fs_t read;
	unsigned handles; /* open */
	bool has_event, is_closing;
	bool is_over; /* atomic: the threads end early */
	enum bd_folder_step step;
	bool is_list_wanted, is_first;
	int64_t listed_ms; /* monotonic; when it was last looked through */
	struct bd_drop_list list;
	struct bd_drop_set set;
	struct bd_diag diag; /* of the thread */
	struct bd_folder_file_state file;
	struct bd_folder_report report; /* under the lock of `all` */
};

struct bd_folders {
	struct bd_loop_guest guest;
	struct bd_loop *loop;
	struct bd_setup *setup; /* a reference; of the folders that are open */
	struct bd_folder *first;
	bool is_draining, is_reload_wanted;
	uv_mutex_t lock;
};

/* -- folders.c -- */

/* The file in hand is done with, or put off: what is next? */
void bd_folder_go_on(struct bd_folder *folder);
/* A thread's work on the folder's own state, then `after` on the loop. */
void bd_folder_work(struct bd_folder *folder, enum bd_folder_step step,
	void (*work)(uv_work_t *work), void (*after)(uv_work_t *work, int status));

/* -- folders_file.c -- */

/* Begins with this one. */
void bd_folder_begin(struct bd_folder *folder, struct bd_drop *drop);
/* It cannot be done for now. BD_DRAINING: not before the next start. */
void bd_folder_put_off(struct bd_folder *folder, const struct bd_diag *diag);
/* Closes what is open of the file in hand. */
void bd_folder_let_go(struct bd_folder *folder);
/* It is to end: gives up what has not been committed. True: nothing is under way any more. */
bool bd_folder_give_up(struct bd_folder *folder);

/* -- folders_put.c -- */

#define BD_RECEIPT_JSON ".receipt.json"
#define BD_RECEIPT_TEXT ".receipt.txt"

/* Of the file in hand; NULL = it is of no feed. */
const struct bd_folder_file *bd_folder_kind(const struct bd_folder *folder);
/* NULL = its day has none, or they do not name it. */
struct bd_total *bd_folder_total(const struct bd_folder *folder, const struct bd_drop *drop);
/* What became of the file in hand, and that is the end of it: receipts, and put away. */
void bd_folder_tell(struct bd_folder *folder, const struct bd_receipt *receipt, bool is_repeat,
	const struct bd_diag *diag);
/* The same of what is refused for good; on the trail, as a refused push is. */
void bd_folder_refuse(struct bd_folder *folder, const struct bd_diag *diag);
/* A day's totals of which all files are done with, if there are any: they are put away. */
bool bd_folder_conclude_set(struct bd_folder *folder);

/* -- folders_report.c -- */

/* Puts what is there now into its report. code: BD_CODE_COUNT = as before. */
void bd_folder_publish(struct bd_folder *folder, enum bd_code code);
enum bd_folder_outcome { BD_FOLDER_TAKEN = 0, BD_FOLDER_REPEAT, BD_FOLDER_FAILED };
void bd_folder_count(struct bd_folder *folder, enum bd_folder_outcome outcome, enum bd_code code);

#endif
