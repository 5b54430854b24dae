/* file.h - files of the trail: their names, whole writes, what stands in the folder.
 *
 * Layer: trail, private to it. The folder holds, and holds nothing else:
 *   instance                 16 hexadecimal digits: whose ids these are; locked by who writes
 *   log-LLLL-SSSSSSSS        segment S of the log of loop L (segment.h)
 *   runs-LLLL                which leaves of the tree the entries of that log are (runs.h)
 *   heads-NNNNNNNN           signed tree heads, so many a file (head.h)
 *   tree                     the tree's complete subtrees, 32 bytes each, as base/merkle.h has them
 *   key-KKKKKKKKKKKKKKKK.pem public keys that signed; K begins the key's id
 * L in hexadecimal, 4 digits; S, N 8, K 16.
 */
#ifndef BD_TRAIL_FILE_H
#define BD_TRAIL_FILE_H

#include "base/diag.h"
#include "base/limits.h"

#define BD_TRAIL_NAME_BYTES 64

void bd_trail_name_segment(char out[BD_TRAIL_NAME_BYTES], uint16_t loop, uint32_t segment);
void bd_trail_name_runs(char out[BD_TRAIL_NAME_BYTES], uint16_t loop);
void bd_trail_name_heads(char out[BD_TRAIL_NAME_BYTES], uint32_t file);
void bd_trail_name_key(char out[BD_TRAIL_NAME_BYTES], const uint8_t *key_id);

/* All of it at offset; BD_DISK_FULL, BD_IO. `name` is told. */
enum bd_code bd_trail_write(
	int fd, struct bd_bytes bytes, uint64_t offset, const char *name, struct bd_diag *diag);
/* *got < len only at the end of the file. */
enum bd_code bd_trail_read_at(size_t *got, int fd, void *out, size_t len, uint64_t offset,
	const char *name, struct bd_diag *diag);
/* fdatasync. A failure is final: what was dirty may be lost, and a second sync would say nothing of
 * it. */
enum bd_code bd_trail_sync_file(int fd, const char *name, struct bd_diag *diag);
/* The same of one that has grown by megabytes, from..to (bd_page_cache_sync). */
enum bd_code bd_trail_sync_grown(
	int fd, uint64_t from, uint64_t to, const char *name, struct bd_diag *diag);
enum bd_code bd_trail_sync_folder(int folder, struct bd_diag *diag);
/* Opens a file of the folder, made when it is not there and `makes`; *fd -1 when it is not there
 * and may not be made. */
enum bd_code bd_trail_open_file(
	int *fd, int folder, const char *name, bool makes, struct bd_diag *diag);
enum bd_code bd_trail_file_size(uint64_t *out, int fd, const char *name, struct bd_diag *diag);
/* Space for the bytes up to `end`, so that writing them cannot fail for want of it; `grows`: the
 * file is that long afterwards, zeroes in it. Where the file system cannot, only `grows` is done.
 */
enum bd_code bd_trail_allocate(
	int fd, uint64_t end, bool grows, const char *name, struct bd_diag *diag);
/* A whole small file: written beside it, synced, put in its place. */
enum bd_code bd_trail_put_file(
	int folder, const char *name, struct bd_bytes bytes, struct bd_diag *diag);

/* What is there. Files of one kind are numbered from 0; `is_gapped` when one before the last is
 * missing, and then gap names it. */
struct bd_trail_listing {
	uint32_t segments[BD_TRAIL_LOOPS_MAX]; /* how many, by loop */
	bool has_runs[BD_TRAIL_LOOPS_MAX];
	size_t loop_count; /* one more than the greatest */
	uint32_t heads;
	bool has_instance, has_tree, is_gapped;
	size_t key_count;
	char gap[BD_TRAIL_NAME_BYTES];
	char stranger[BD_TRAIL_NAME_BYTES]; /* a file that is not ours; "" = none */
};
enum bd_code bd_trail_list(struct bd_trail_listing *out, int folder, struct bd_diag *diag);

#endif
