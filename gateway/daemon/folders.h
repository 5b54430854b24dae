/* folders.h - drop folders 前置机交换目录: files are found, taken once, and put away with a
 * receipt.
 *
 * Layer: daemon; a guest of the loop that fetches (loop.h). A folder is looked through when the
 * kernel says that something happened in it (inotify), and every minute, because a mounted folder
 * says nothing and a full queue forgets. One file of a folder at a time, by day and name:
 *
 *   digested -> taken (taking.h) -> committed -> receipts written -> moved to done/ or failed/
 *
 * A file is taken once: the digest of its bytes, with its feed and day, is the idempotency key of
 * its message and is committed with it. Killed anywhere, the next start finds the file still there,
 * and either takes it or learns that it is taken, and goes on from there.
 */
#ifndef BD_DAEMON_FOLDERS_H
#define BD_DAEMON_FOLDERS_H

#include "daemon/drop_set.h"
#include "daemon/loop.h"

struct bd_folders;

/* Before the loop's thread runs. */
enum bd_code bd_folders_new(struct bd_folders **out, struct bd_loop *loop, struct bd_diag *diag);
/* After bd_loop_close. NULL is allowed. */
void bd_folders_free(struct bd_folders *folders);

/* For people and figures; any thread. Names are those of the sources file. */
struct bd_folder_report {
	char source[BD_SET_ASIDE_NAME_BYTES], name[BD_SET_ASIDE_NAME_BYTES];
	uint64_t taken, repeats, failed; /* files since the start */
	struct bd_drop_counts waiting;
	enum bd_code code; /* why it cannot go on, or why the last one failed; BD_OK */
	int64_t last_ms;   /* when the last file was done with; 0 = none */
	bool is_cut;       /* more lie there than are looked at */
};
/* At most so many; how many there are. folders NULL = none. */
size_t bd_folders_report(
	struct bd_folder_report *out, size_t max, const struct bd_folders *folders);
/* The member "folders" of an object, and the figures with source and folder as labels. */
struct bd_json_writer;
void bd_folders_write(struct bd_json_writer *w, const struct bd_folders *folders);
enum bd_code bd_folders_figures(struct bd_buf *out, const struct bd_folders *folders);

#endif
