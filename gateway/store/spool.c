#include "store/spool.h"

#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Records wait in memory up to this before they are written. */
#define WRITE_BYTES 262144

struct bd_spool {
	struct bd_store *store;
	struct bd_seal *seal; /* of the thread that adds */
	int fd;
	uint64_t written, count, at; /* at: offset of the next read */
	struct bd_buf out, plain, sealed;
	struct bd_buf window; /* of the file, for reading in order */
	uint64_t window_at;
};

static const struct bd_bytes spool_name = { "spool", 5 };

enum bd_code bd_spool_new(struct bd_spool **out, struct bd_store *store, struct bd_diag *diag)
{
	struct bd_spool *spool = calloc(1, sizeof(*spool));
	char path[4200];

	*out = NULL;
	if (spool == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	spool->store = store;
	bd_buf_init(&spool->out, (size_t)WRITE_BYTES + BD_RECORD_MAX_BYTES * 2);
	bd_buf_init(&spool->plain, BD_RECORD_MAX_BYTES * 2);
	bd_buf_init(&spool->sealed, BD_RECORD_MAX_BYTES * 2);
	bd_buf_init(&spool->window, (size_t)WRITE_BYTES + BD_RECORD_MAX_BYTES * 2);
	snprintf(path, sizeof(path), "%s/spool.%d.%u", store->folder, (int)getpid(),
		__atomic_add_fetch(&store->spool_number, 1, __ATOMIC_RELAXED));
	spool->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (spool->fd < 0 || bd_seal_new(&spool->seal, store->master) != BD_OK ||
		bd_seal_keep(spool->seal, store->message_salt) != BD_OK) {
		enum bd_code code = bd_fail(
			diag, errno == ENOSPC ? BD_DISK_FULL : BD_IO, "spool: %s", strerror(errno));

		bd_spool_free(spool);
		return code;
	}
	/* Nobody else needs its name; it goes with the process. */
	unlink(path);
	*out = spool;
	return BD_OK;
}

void bd_spool_free(struct bd_spool *spool)
{
	if (spool == NULL) {
		return;
	}
	if (spool->fd >= 0) {
		close(spool->fd);
	}
	bd_seal_free(spool->seal);
	bd_buf_release(&spool->out);
	bd_buf_release(&spool->plain);
	bd_buf_release(&spool->sealed);
	bd_buf_release(&spool->window);
	free(spool);
}

static enum bd_code flush(struct bd_spool *spool, struct bd_diag *diag)
{
	size_t at = 0;

	while (at < spool->out.len) {
		ssize_t len = pwrite(
			spool->fd, spool->out.ptr + at, spool->out.len - at, (off_t)spool->written);

		if (len < 0 && errno != EINTR) {
			return bd_fail(diag, errno == ENOSPC ? BD_DISK_FULL : BD_IO, "spool: %s",
				strerror(errno));
		}
		if (len > 0) {
			at += (size_t)len;
			spool->written += (uint64_t)len;
		}
	}
	bd_buf_clear(&spool->out);
	return BD_OK;
}

enum bd_code bd_spool_add(struct bd_spool *spool, struct bd_bytes record, struct bd_diag *diag)
{
	enum bd_code code = bd_buf_add_u32(&spool->out, (uint32_t)(record.len + BD_SEAL_OVERHEAD));

	code = code == BD_OK ? bd_seal_close(spool->seal, &spool->out, spool->store->message_salt,
				       spool_name, record)
			     : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "spool");
	}
	spool->count++;
	return spool->out.len >= WRITE_BYTES ? flush(spool, diag) : BD_OK;
}

enum bd_code bd_spool_sync(struct bd_spool *spool, struct bd_diag *diag)
{
	enum bd_code code = flush(spool, diag);

	if (code == BD_OK && fdatasync(spool->fd) != 0) {
		code = bd_fail(diag, BD_IO, "spool: %s", strerror(errno));
	}
	return code;
}

uint64_t bd_spool_count(const struct bd_spool *spool)
{
	return spool->count;
}

void bd_spool_rewind(struct bd_spool *spool)
{
	spool->at = 0;
}

static enum bd_code open_record(struct bd_bytes *record, struct bd_spool *spool,
	struct bd_bytes sealed, struct bd_diag *diag)
{
	enum bd_code code;

	bd_buf_clear(&spool->plain);
	code = bd_seal_open(
		spool->seal, &spool->plain, spool->store->message_salt, spool_name, sealed);
	*record = bd_buf_bytes(&spool->plain);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "reading the spool");
}

enum bd_code bd_spool_read_item(struct bd_bytes *record, struct bd_spool *spool,
	const struct bd_spool_item *item, struct bd_diag *diag)
{
	enum bd_code code;

	bd_buf_clear(&spool->sealed);
	code = bd_buf_reserve(&spool->sealed, item->len);
	if (code != BD_OK || pread(spool->fd, spool->sealed.ptr, item->len, (off_t)item->offset) !=
				     (ssize_t)item->len) {
		return bd_fail(diag, code != BD_OK ? code : BD_IO, "reading the spool");
	}
	spool->sealed.len = item->len;
	return open_record(record, spool, bd_buf_bytes(&spool->sealed), diag);
}

/* Bytes of the file by way of the window, which moves on over what follows; empty = not there. */
static struct bd_bytes look(struct bd_spool *spool, uint64_t offset, size_t len)
{
	struct bd_buf *window = &spool->window;
	const struct bd_bytes none = { NULL, 0 };

	if (offset < spool->window_at || offset - spool->window_at > window->len ||
		window->len - (size_t)(offset - spool->window_at) < len) {
		size_t wanted = len > WRITE_BYTES ? len : WRITE_BYTES;
		ssize_t got;

		bd_buf_clear(window);
		if (bd_buf_reserve(window, wanted) != BD_OK) {
			return none;
		}
		got = pread(spool->fd, window->ptr, wanted, (off_t)offset);
		if (got < 0 || (size_t)got < len) {
			return none;
		}
		window->len = (size_t)got;
		spool->window_at = offset;
	}
	return (struct bd_bytes){ window->ptr + (offset - spool->window_at), len };
}

enum bd_code bd_spool_read(struct bd_bytes *record, struct bd_spool_item *item, bool *has,
	struct bd_spool *spool, struct bd_diag *diag)
{
	struct bd_reader reader;
	struct bd_bytes sealed;

	*has = spool->at < spool->written;
	if (!*has) {
		return BD_OK;
	}
	reader = bd_reader_of(look(spool, spool->at, 4));
	item->len = bd_read_u32(&reader);
	item->offset = spool->at + 4;
	spool->at = item->offset + item->len;
	sealed = reader.ok ? look(spool, item->offset, item->len) : (struct bd_bytes){ NULL, 0 };
	if (sealed.ptr == NULL) {
		return bd_fail(diag, BD_IO, "reading the spool");
	}
	return open_record(record, spool, sealed, diag);
}
