#include "store/salts.h"

#include "base/try.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Address space for 64 million subjects; the file is sparse. */
#define SALTS_SIZE ((size_t)1 << 30)

static const uint8_t none[BD_SALT_BYTES];

enum bd_code bd_salts_open(struct bd_salts *salts, const char *folder, struct bd_diag *diag)
{
	char path[4200];
	void *memory;

	snprintf(path, sizeof(path), "%s/salts", folder);
	salts->size = SALTS_SIZE;
	salts->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (salts->fd < 0 || ftruncate(salts->fd, (off_t)salts->size) != 0) {
		return bd_fail(diag, BD_IO, "salts: %s", strerror(errno));
	}
	memory = mmap(NULL, salts->size, PROT_READ, MAP_SHARED, salts->fd, 0);
	if (memory == MAP_FAILED) {
		return bd_fail(diag, BD_NO_MEMORY, "salts: %s", strerror(errno));
	}
	salts->slots = memory;
	return BD_OK;
}

void bd_salts_close(struct bd_salts *salts)
{
	if (salts->slots != NULL) {
		munmap(salts->slots, salts->size);
		salts->slots = NULL;
	}
	if (salts->fd > 0) {
		close(salts->fd);
		salts->fd = -1;
	}
}

/* By write, not through the map: a full disk is an error here, not a signal. */
static enum bd_code write_slots(
	struct bd_salts *salts, uint64_t slot, const uint8_t *bytes, size_t len)
{
	off_t at = (off_t)(slot * BD_SALT_BYTES);

	while (len > 0) {
		ssize_t written = pwrite(salts->fd, bytes, len, at);

		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written <= 0) {
			return written < 0 && errno != ENOSPC && errno != EDQUOT ? BD_IO
										 : BD_DISK_FULL;
		}
		salts->is_written = true;
		bytes += written;
		len -= (size_t)written;
		at += written;
	}
	return BD_OK;
}

static enum bd_code flush(struct bd_salts *salts)
{
	enum bd_code code = write_slots(salts, salts->waiting_slot, salts->waiting[0],
		salts->waiting_count * BD_SALT_BYTES);

	if (code == BD_OK) {
		salts->waiting_count = 0;
	}
	return code;
}

/* New subjects take slots one after the other, so that a transaction's salts are one write. */
enum bd_code bd_salts_set(struct bd_salts *salts, uint64_t slot, const uint8_t salt[BD_SALT_BYTES])
{
	if (slot >= salts->size / BD_SALT_BYTES) {
		return BD_DISK_FULL;
	}
	if (salts->waiting_count == BD_SALTS_WAITING_MAX ||
		(salts->waiting_count > 0 && slot != salts->waiting_slot + salts->waiting_count)) {
		BD_TRY(flush(salts));
	}
	if (salts->waiting_count == 0) {
		salts->waiting_slot = slot;
	}
	memcpy(salts->waiting[salts->waiting_count++], salt, BD_SALT_BYTES);
	return BD_OK;
}

enum bd_code bd_salts_sync(struct bd_salts *salts)
{
	BD_TRY(flush(salts));
	if (salts->is_written && fdatasync(salts->fd) != 0) {
		return BD_STORE_SYNC;
	}
	salts->is_written = false;
	return BD_OK;
}

void bd_salts_forget(struct bd_salts *salts)
{
	salts->waiting_count = 0;
}

bool bd_salts_get(uint8_t salt[BD_SALT_BYTES], const struct bd_salts *salts, uint64_t slot)
{
	if (slot >= salts->size / BD_SALT_BYTES) {
		return false;
	}
	memcpy(salt, salts->slots + slot * BD_SALT_BYTES, BD_SALT_BYTES);
	return memcmp(salt, none, BD_SALT_BYTES) != 0;
}

bool bd_salts_get_own(uint8_t salt[BD_SALT_BYTES], const struct bd_salts *salts, uint64_t slot)
{
	if (slot < salts->waiting_slot ||
		slot - salts->waiting_slot >= (uint64_t)salts->waiting_count) {
		return bd_salts_get(salt, salts, slot);
	}
	memcpy(salt, salts->waiting[slot - salts->waiting_slot], BD_SALT_BYTES);
	return true;
}

enum bd_code bd_salts_erase(struct bd_salts *salts, uint64_t slot)
{
	enum bd_code code;

	BD_TRY(flush(salts));
	code = slot < salts->size / BD_SALT_BYTES ? write_slots(salts, slot, none, sizeof(none))
						  : BD_OK;
	__atomic_add_fetch(&salts->erasures, 1, __ATOMIC_RELEASE);
	return code;
}

uint64_t bd_salts_erasures(const struct bd_salts *salts)
{
	return __atomic_load_n(&salts->erasures, __ATOMIC_ACQUIRE);
}
