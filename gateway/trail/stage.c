/* stage.c - segments made ready ahead of the loops. It never waits for the disk: what is written,
 * and the names of the segments, are synced by the signer, who may be waiting for it for seconds.
 */
#include "trail/state.h"

#include <unistd.h>

/* The next of the spares that are missing; *is_whole: none is. */
static enum bd_code make_spare(
	bool *is_whole, struct bd_trail *trail, struct bd_trail_log *log, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	uint64_t segment;
	int fd;
	enum bd_code code;

	/* The loop takes the first of them at any time; the number of the last stays. */
	pthread_mutex_lock(&log->lock);
	segment = (uint64_t)log->written.segment + log->spare_count + 1;
	*is_whole = log->spare_count == BD_TRAIL_SPARES || segment >= UINT32_MAX;
	pthread_mutex_unlock(&log->lock);
	if (*is_whole) {
		return BD_OK;
	}
	bd_trail_name_segment(name, log->loop, (uint32_t)segment);
	code = bd_trail_open_file(&fd, trail->folder, name, true, diag);
	if (code != BD_OK) {
		return code;
	}
	code = bd_trail_allocate(fd, trail->segment_bytes, true, name, diag);
	if (code != BD_OK) {
		/* Half of it helps nobody and takes what others may need. */
		unlinkat(trail->folder, name, 0);
		close(fd);
		return code;
	}
	pthread_mutex_lock(&log->lock);
	log->spares[log->spare_count++] = fd;
	pthread_mutex_unlock(&log->lock);
	return BD_OK;
}

static enum bd_code make_spares(
	struct bd_trail *trail, struct bd_trail_log *log, struct bd_diag *diag)
{
	bool is_whole = false;
	enum bd_code code = BD_OK;

	while (code == BD_OK && !is_whole) {
		code = make_spare(&is_whole, trail, log, diag);
	}
	return code;
}

enum bd_code bd_trail_stage(struct bd_trail *trail, struct bd_diag *diag)
{
	enum bd_code first = BD_OK;

	__atomic_store_n(&trail->wants_space, false, __ATOMIC_RELAXED);
	for (size_t i = 0; i < trail->log_count; i++) {
		if (trail->logs[i].is_active) {
			enum bd_code code = make_spares(trail, &trail->logs[i], diag);

			first = first == BD_OK ? code : first;
		}
	}
	__atomic_store_n(&trail->lacks_segments, first != BD_OK, __ATOMIC_RELAXED);
	return first;
}
