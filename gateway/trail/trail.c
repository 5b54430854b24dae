#include "trail/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define INSTANCE_NAME "instance"
#define INSTANCE_BYTES 17 /* and a line feed */
/* What one head can take. */
#define LEAVES_MAX_BYTES ((size_t)BD_TRAIL_LEAVES_PER_HEAD * BD_DIGEST_BYTES)

/* -- the name of the trail -- */

static enum bd_code make_instance(struct bd_trail *trail, struct bd_diag *diag)
{
	char text[INSTANCE_BYTES + 1];
	uint8_t random[8];

	if (bd_random(random, sizeof(random)) != BD_OK) {
		return bd_fail(diag, BD_INTERNAL, "no random bytes");
	}
	bd_hex(text, random, sizeof(random));
	text[16] = '\n';
	return bd_trail_put_file(
		trail->folder, INSTANCE_NAME, (struct bd_bytes){ text, INSTANCE_BYTES }, diag);
}

static enum bd_code read_instance(struct bd_trail *trail, struct bd_diag *diag)
{
	char text[INSTANCE_BYTES + 1];
	uint8_t bytes[8];
	size_t got;
	enum bd_code code =
		bd_trail_open_file(&trail->instance_fd, trail->folder, INSTANCE_NAME, false, diag);

	if (code == BD_OK && trail->instance_fd >= 0 &&
		flock(trail->instance_fd, LOCK_EX | LOCK_NB) != 0) {
		return bd_fail(diag, BD_TRAIL_UNAVAILABLE, "another process has the trail open");
	}
	code = code == BD_OK ? bd_trail_read_at(&got, trail->instance_fd, text, sizeof(text), 0,
				       INSTANCE_NAME, diag)
			     : code;
	if (code != BD_OK) {
		return code;
	}
	if (got != INSTANCE_BYTES || text[16] != '\n' ||
		!bd_unhex(bytes, sizeof(bytes), (struct bd_bytes){ text, 16 })) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "%s: not a name of a trail", INSTANCE_NAME);
	}
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ (char *)bytes, sizeof(bytes) });

	trail->instance = bd_read_u64(&reader);
	return BD_OK;
}

static enum bd_code open_folder(struct bd_trail *trail, const char *folder,
	struct bd_trail_listing *listing, struct bd_diag *diag)
{
	enum bd_code code;

	if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
		return bd_fail(
			diag, errno == ENOSPC ? BD_DISK_FULL : BD_IO, "trail: %s", strerror(errno));
	}
	trail->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (trail->folder < 0) {
		return bd_fail(diag, BD_IO, "trail: %s", strerror(errno));
	}
	code = bd_trail_list(listing, trail->folder, diag);
	if (code != BD_OK) {
		return code;
	}
	if (!listing->has_instance) {
		/* Only an empty folder is a new trail: a trail without its name is not whole. */
		if (listing->loop_count > 0 || listing->heads > 0 || listing->has_tree) {
			return bd_fail(diag, BD_TRAIL_DAMAGED, "%s: missing", INSTANCE_NAME);
		}
		code = make_instance(trail, diag);
	}
	return code == BD_OK ? read_instance(trail, diag) : code;
}

static enum bd_code keep_key(struct bd_trail *trail, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	struct bd_buf pem;
	int fd;
	enum bd_code code;

	bd_trail_name_key(name, bd_sign_key_id(trail->key));
	code = bd_trail_open_file(&fd, trail->folder, name, false, diag);
	if (code != BD_OK || fd >= 0) {
		if (fd >= 0) {
			close(fd);
		}
		return code;
	}
	bd_buf_init(&pem, BD_KEY_FILE_MAX_BYTES);
	code = bd_sign_key_write_public(&pem, trail->key);
	code = code == BD_OK ? bd_trail_put_file(trail->folder, name, bd_buf_bytes(&pem), diag)
			     : bd_fail(diag, code, "the public key");
	bd_buf_release(&pem);
	return code;
}

/* -- opening and closing -- */

static enum bd_code make_logs(struct bd_trail *trail, size_t count, struct bd_diag *diag)
{
	trail->logs = calloc(count, sizeof(*trail->logs));
	if (trail->logs == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "logs");
	}
	trail->log_count = count;
	for (size_t i = 0; i < count; i++) {
		struct bd_trail_log *log = &trail->logs[i];

		log->trail = trail;
		log->loop = (uint16_t)i;
		log->fd = log->runs_fd = -1;
		log->walk.fd = -1;
		pthread_mutex_init(&log->lock, NULL);
		/* As much again as is written at once, and the entry that goes past it. */
		bd_buf_init(&log->batch, 8 * (size_t)BD_TRAIL_ENTRY_MAX_BYTES);
		bd_buf_init(&log->batch_leaves, LEAVES_MAX_BYTES);
		bd_buf_init(&log->fresh, LEAVES_MAX_BYTES);
		bd_buf_init(&log->taken, LEAVES_MAX_BYTES);
	}
	return BD_OK;
}

static void close_fd(int fd)
{
	if (fd >= 0) {
		close(fd);
	}
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		close(fds[i]);
	}
}

static void free_trail(struct bd_trail *trail)
{
	for (size_t i = 0; i < trail->log_count; i++) {
		struct bd_trail_log *log = &trail->logs[i];

		close_fd(log->fd);
		close_all(log->spares, log->spare_count);
		close_all(log->finished, log->finished_count);
		close_fd(log->runs_fd);
		bd_trail_walk_close(&log->walk);
		bd_buf_release(&log->batch);
		bd_buf_release(&log->batch_leaves);
		bd_buf_release(&log->fresh);
		bd_buf_release(&log->taken);
		pthread_mutex_destroy(&log->lock);
	}
	free(trail->logs);
	close_fd(trail->tree.fd);
	close_fd(trail->heads_fd);
	close_fd(trail->folder);
	close_fd(trail->instance_fd);
	bd_buf_release(&trail->nodes);
	bd_buf_release(&trail->body);
	pthread_mutex_destroy(&trail->lock);
	free(trail);
}

static struct bd_trail *trail_new(const struct bd_trail_settings *settings)
{
	struct bd_trail *trail = calloc(1, sizeof(*trail));

	if (trail == NULL) {
		return NULL;
	}
	trail->folder = trail->instance_fd = trail->heads_fd = trail->tree.fd = -1;
	trail->segment_bytes = settings->segment_bytes;
	trail->heads_per_file =
		settings->heads_per_file != 0 ? settings->heads_per_file : BD_TRAIL_HEADS_PER_FILE;
	trail->key = settings->key;
	trail->is_closed = true;
	pthread_mutex_init(&trail->lock, NULL);
	bd_buf_init(&trail->body, BD_TRAIL_HEAD_MAX_BYTES);
	bd_buf_init(&trail->nodes, 2 * (size_t)BD_TRAIL_LEAVES_PER_HEAD * BD_DIGEST_BYTES +
					   BD_MERKLE_PATH_MAX * BD_DIGEST_BYTES);
	return trail;
}

/* A head says that the trail is in use before there is anything behind the one that closed it: so
 * nothing that stands there is ever in doubt. Then the space, of which there may be too little:
 * said by bd_trail_is_low. */
static enum bd_code begin_use(struct bd_trail *trail, int64_t now_ms, struct bd_diag *diag)
{
	bool has_more;
	enum bd_code code = BD_OK;

	if (trail->is_closed) {
		code = bd_trail_sign_head(trail, BD_TRAIL_SIGN_MARK, now_ms, &has_more, diag);
	}
	if (code == BD_OK) {
		code = bd_trail_allocate_current(trail, NULL);
		code = code == BD_OK || code == BD_DISK_FULL ? bd_trail_stage(trail, NULL) : code;
		code = code == BD_OK || code == BD_DISK_FULL ? bd_trail_prepare(trail, NULL) : code;
		code = code == BD_DISK_FULL ? BD_OK : code;
	}
	return code;
}

enum bd_code bd_trail_open(struct bd_trail **out, struct bd_trail_found *found,
	const struct bd_trail_settings *settings, struct bd_diag *diag)
{
	struct bd_trail *trail = trail_new(settings);
	struct bd_trail_listing listing;
	size_t count = settings->log_count;
	enum bd_code code;

	*found = (struct bd_trail_found){ 0, 0 };
	if (trail == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "trail");
	}
	code = open_folder(trail, settings->folder, &listing, diag);
	if (code == BD_OK) {
		count = listing.loop_count > count ? listing.loop_count : count;
		code = make_logs(trail, count, diag);
	}
	code = code == BD_OK ? bd_trail_recover(trail, found, settings->log_count, diag) : code;
	code = code == BD_OK ? keep_key(trail, diag) : code;
	code = code == BD_OK ? bd_trail_sync_folder(trail->folder, diag) : code;
	code = code == BD_OK ? begin_use(trail, settings->now_ms, diag) : code;
	if (code != BD_OK) {
		free_trail(trail);
		return bd_fail(diag, code, "the trail cannot be opened");
	}
	*out = trail;
	return BD_OK;
}

/* The reserve goes back: what is left is what was entered, to the byte. */
static enum bd_code give_back(struct bd_trail *trail, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];

	for (size_t i = 0; i < trail->log_count; i++) {
		struct bd_trail_log *log = &trail->logs[i];

		/* From the last: a close that ends in between leaves no gap. */
		while (log->spare_count > 0) {
			bd_trail_name_segment(
				name, log->loop, log->written.segment + (uint32_t)log->spare_count);
			close(log->spares[--log->spare_count]);
			if (unlinkat(trail->folder, name, 0) != 0) {
				return bd_fail(diag, BD_IO, "%s: %s", name, strerror(errno));
			}
		}
		if (log->fd >= 0 && ftruncate(log->fd, (off_t)log->written.offset) != 0) {
			return bd_fail(diag, BD_IO, "cut: %s", strerror(errno));
		}
	}
	if (ftruncate(trail->tree.fd, (off_t)bd_trail_tree_bytes(trail->edge.size)) != 0) {
		return bd_fail(diag, BD_IO, "cut: %s", strerror(errno));
	}
	return bd_trail_sync_folder(trail->folder, diag);
}

enum bd_code bd_trail_close(struct bd_trail *trail, int64_t now_ms, struct bd_diag *diag)
{
	bool has_more = true;
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < trail->log_count && code == BD_OK; i++) {
		code = bd_trail_flush(&trail->logs[i], diag);
	}
	while (code == BD_OK && has_more) {
		code = bd_trail_sign(trail, now_ms, &has_more, diag);
	}
	code = code == BD_OK ? give_back(trail, diag) : code;
	code = code == BD_OK
		       ? bd_trail_sign_head(trail, BD_TRAIL_SIGN_CLOSE, now_ms, &has_more, diag)
		       : code;
	free_trail(trail);
	return code;
}

/* -- asking -- */

struct bd_trail_log *bd_trail_log(struct bd_trail *trail, size_t loop)
{
	return &trail->logs[loop];
}

uint64_t bd_trail_instance(const struct bd_trail *trail)
{
	return trail->instance;
}

void bd_trail_count(struct bd_trail_counts *out, struct bd_trail *trail)
{
	*out = (struct bd_trail_counts){ .entries = 0 };
	for (size_t i = 0; i < trail->log_count; i++) {
		out->entries += bd_trail_written(&trail->logs[i]);
		out->synced += bd_trail_synced(&trail->logs[i]);
	}
	pthread_mutex_lock(&trail->lock);
	out->leaves = trail->size;
	out->heads = trail->next_number;
	out->head_ms = trail->head_ms;
	pthread_mutex_unlock(&trail->lock);
}
