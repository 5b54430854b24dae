/* case_reseal.h - case files sealed anew, one at a time. Layer: store, private; the writer's
 * thread.
 *
 * All records of a file are sealed alike: a log begins a new file when the epoch changes. A file
 * that is written no more is copied record by record into a draft beside it, "LLLL-SSSSSSSS.new",
 * each record at its place; what was erased meanwhile is erased there too; then the draft, synced,
 * takes its place. A draft that a restart finds is removed.
 */
#ifndef BD_STORE_CASE_RESEAL_H
#define BD_STORE_CASE_RESEAL_H

#include "store/case_file.h"

struct bd_case_reseal {
	uint32_t next[BD_TRAIL_LOOPS_MAX]; /* files before it are done */
	bool has_draft;
	struct bd_case_reader reader; /* of the file, behind what is copied */
	int draft;
	struct bd_buf plain, sealed, name;
	uint64_t done, damaged;
};

void bd_case_reseal_open(struct bd_case_reseal *reseal);
/* Gives up the draft. */
void bd_case_reseal_close(struct bd_case_reseal *reseal, struct bd_store *store);
/* Removes drafts; at the start. */
enum bd_code bd_case_reseal_clean(struct bd_store *store, struct bd_diag *diag);
/* Some records more. *is_over: every file that is written no more is done; *is_behind: a log still
 * writes into a file of an earlier epoch. */
enum bd_code bd_case_reseal_step(bool *is_over, bool *is_behind, struct bd_case_reseal *reseal,
	struct bd_store *store, struct bd_diag *diag);
/* How many files there are. */
uint64_t bd_case_reseal_count(struct bd_store *store);
/* Is the file's first record sealed as it would be now? True where it has none. */
bool bd_case_file_is_current(
	const struct bd_store *store, const struct bd_seal *seal, uint16_t loop, uint32_t segment);

#endif
