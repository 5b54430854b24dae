/* spool_merge.c - the runs of spools as one, by a heap over the next record of each. */
#include "store/spool.h"

#include "base/limits.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>

/* One block as it is opened; a longer one holds one record. */
#define PLAIN_MAX_BYTES (BD_SPOOL_BLOCK_BYTES + BD_RECORD_MAX_BYTES * 2)

/* A run, at its next record. A block of usual size is held; one of a single long record is opened
 * again when that record's turn comes, so that memory does not grow with the records. */
struct head {
	struct bd_spool_file *file;
	const struct bd_spool_run *run;
	uint64_t at;             /* block, counted from the run's first */
	uint64_t offset, next;   /* of this block and of the one behind it, in the file */
	char *block;             /* BD_SPOOL_BLOCK_BYTES; NULL = not needed yet */
	struct bd_reader reader; /* behind the item, in block */
	bool is_long;
	struct bd_spool_item item;
};

struct bd_spool_merge {
	uint8_t subject[BD_NODE_KEY_BYTES];
	struct head *heads; /* file by file, run by run */
	size_t head_count;
	struct head **heap;
	size_t count;        /* in it: runs that are not over */
	struct bd_buf plain; /* the block that was opened last */
	const struct head *plain_of;
};

static bool is_before(const struct head *a, const struct head *b)
{
	int order = memcmp(a->item.key, b->item.key, BD_NODE_KEY_BYTES);

	return order != 0 ? order < 0 : a->item.number < b->item.number;
}

static void sift_down(struct bd_spool_merge *merge, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;
		struct head *kept;

		if (child >= merge->count) {
			return;
		}
		if (child + 1 < merge->count &&
			is_before(merge->heap[child + 1], merge->heap[child])) {
			child++;
		}
		if (!is_before(merge->heap[child], merge->heap[at])) {
			return;
		}
		kept = merge->heap[at];
		merge->heap[at] = merge->heap[child];
		merge->heap[child] = kept;
		at = child;
	}
}

/* -- one run -- */

/* The next item of the block, without its bytes where they are not held. */
static enum bd_code read_item(struct bd_spool_merge *merge, struct head *head)
{
	struct bd_bytes key = bd_read_bytes(&head->reader, BD_NODE_KEY_BYTES);

	head->item.number = bd_read_u64(&head->reader);
	head->item.record = bd_read_sized(&head->reader);
	if (!head->reader.ok) {
		return BD_STORE_DAMAGED;
	}
	memcpy(head->item.key, head->run->is_message_subject ? merge->subject : (void *)key.ptr,
		BD_NODE_KEY_BYTES);
	return BD_OK;
}

static enum bd_code open_block(struct bd_spool_merge *merge, struct head *head)
{
	head->next = head->offset;
	merge->plain_of = head;
	return bd_spool_file_block(
		&merge->plain, &head->next, head->file, head->run->block + head->at);
}

static enum bd_code load_block(struct bd_spool_merge *merge, struct head *head)
{
	BD_TRY(open_block(merge, head));
	head->is_long = merge->plain.len > BD_SPOOL_BLOCK_BYTES;
	if (!head->is_long) {
		if (head->block == NULL) {
			head->block = malloc(BD_SPOOL_BLOCK_BYTES);
		}
		if (head->block == NULL) {
			return BD_NO_MEMORY;
		}
		memcpy(head->block, merge->plain.ptr, merge->plain.len);
		head->reader = bd_reader_of((struct bd_bytes){ head->block, merge->plain.len });
	} else {
		head->reader = bd_reader_of(bd_buf_bytes(&merge->plain));
	}
	BD_TRY(read_item(merge, head));
	return head->is_long && head->reader.rest.len > 0 ? BD_STORE_DAMAGED : BD_OK;
}

/* *has false: the run is over. */
static enum bd_code advance(struct bd_spool_merge *merge, struct head *head, bool *has)
{
	*has = true;
	if (head->reader.rest.len > 0 && !head->is_long) {
		return read_item(merge, head);
	}
	head->at++;
	head->offset = head->next;
	*has = head->at < head->run->block_count;
	return *has ? load_block(merge, head) : BD_OK;
}

/* -- all of them -- */

/* Begins at the cursor's block and passes what is done. */
static enum bd_code begin_run(
	struct bd_spool_merge *merge, struct head *head, const uint8_t *done, bool *has)
{
	*has = true;
	BD_TRY(load_block(merge, head));
	while (*has && done != NULL && memcmp(head->item.key, done, BD_NODE_KEY_BYTES) <= 0) {
		BD_TRY(advance(merge, head, has));
	}
	return BD_OK;
}

static enum bd_code begin(struct bd_spool_merge *merge, struct bd_bytes cursor)
{
	struct bd_reader reader = bd_reader_of(cursor);
	struct bd_bytes done = bd_read_bytes(&reader, cursor.len > 0 ? BD_NODE_KEY_BYTES : 0);

	for (size_t i = 0; i < merge->head_count; i++) {
		struct head *head = &merge->heads[i];
		bool has = true;

		head->offset = head->run->offset;
		if (cursor.len > 0) {
			head->at = bd_read_u64(&reader);
			head->offset = bd_read_u64(&reader);
			has = head->at < head->run->block_count;
		}
		if (!reader.ok) {
			return BD_STORE_DAMAGED;
		}
		if (has) {
			BD_TRY(begin_run(merge, head, (const uint8_t *)done.ptr, &has));
		}
		if (has) {
			merge->heap[merge->count++] = head;
		}
	}
	for (size_t i = merge->count; i > 0; i--) {
		sift_down(merge, i - 1);
	}
	return reader.rest.len == 0 ? BD_OK : BD_STORE_DAMAGED;
}

static bool make_heads(struct bd_spool_merge *merge, struct bd_spool_file *files, size_t count)
{
	size_t runs = 0;

	for (size_t i = 0; i < count; i++) {
		runs += files[i].run_count;
	}
	merge->heads = calloc(runs + 1, sizeof(*merge->heads));
	merge->heap = calloc(runs + 1, sizeof(struct head *));
	for (size_t i = 0; merge->heads != NULL && i < count; i++) {
		for (size_t run = 0; run < files[i].run_count; run++) {
			merge->heads[merge->head_count++] =
				(struct head){ .file = &files[i], .run = &files[i].runs[run] };
		}
	}
	return merge->heads != NULL && merge->heap != NULL;
}

enum bd_code bd_spool_merge_new(struct bd_spool_merge **out, struct bd_spool_file *files,
	size_t count, const uint8_t subject[BD_NODE_KEY_BYTES], struct bd_bytes cursor,
	struct bd_diag *diag)
{
	struct bd_spool_merge *merge = calloc(1, sizeof(*merge));
	enum bd_code code;

	*out = NULL;
	if (merge == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	bd_buf_init(&merge->plain, PLAIN_MAX_BYTES);
	if (subject != NULL) {
		memcpy(merge->subject, subject, BD_NODE_KEY_BYTES);
	}
	code = make_heads(merge, files, count) ? begin(merge, cursor) : BD_NO_MEMORY;
	if (code != BD_OK) {
		bd_spool_merge_free(merge);
		return bd_fail(diag, code, "a spool file");
	}
	*out = merge;
	return BD_OK;
}

void bd_spool_merge_free(struct bd_spool_merge *merge)
{
	if (merge == NULL) {
		return;
	}
	for (size_t i = 0; i < merge->head_count; i++) {
		if (merge->heads[i].block != NULL) {
			bd_wipe(merge->heads[i].block, BD_SPOOL_BLOCK_BYTES);
			free(merge->heads[i].block);
		}
	}
	bd_buf_wipe(&merge->plain);
	free(merge->heads);
	free(merge->heap);
	free(merge);
}

enum bd_code bd_spool_merge_look(
	const struct bd_spool_item **item, struct bd_spool_merge *merge, struct bd_diag *diag)
{
	struct head *head = merge->count > 0 ? merge->heap[0] : NULL;
	enum bd_code code = BD_OK;

	/* Another run's block was opened over it. */
	if (head != NULL && head->is_long && merge->plain_of != head) {
		code = open_block(merge, head);
		head->reader = bd_reader_of(bd_buf_bytes(&merge->plain));
		code = code == BD_OK ? read_item(merge, head) : code;
	}
	*item = head != NULL ? &head->item : NULL;
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a spool file");
}

enum bd_code bd_spool_merge_pass(struct bd_spool_merge *merge, struct bd_diag *diag)
{
	bool has = false;
	enum bd_code code = advance(merge, merge->heap[0], &has);

	if (!has) {
		merge->heap[0] = merge->heap[--merge->count];
	}
	sift_down(merge, 0);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a spool file");
}

enum bd_code bd_spool_merge_cursor(struct bd_buf *out, const struct bd_spool_merge *merge,
	const uint8_t done[BD_NODE_KEY_BYTES])
{
	BD_TRY(bd_buf_add(out, (struct bd_bytes){ (const char *)done, BD_NODE_KEY_BYTES }));
	for (size_t i = 0; i < merge->head_count; i++) {
		BD_TRY(bd_buf_add_u64(out, merge->heads[i].at));
		BD_TRY(bd_buf_add_u64(out, merge->heads[i].offset));
	}
	return BD_OK;
}
