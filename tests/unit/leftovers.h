/* leftovers.h - what somebody finds in the file of a store who has its master key and time: every
 * entry of every page, live or left behind, tried with every salt of the file of salts and those
 * that the keys give.
 *
 * Leaf pages of LMDB 0.9 (mdb.c, struct MDB_page and MDB_node): page number, u16 pad, u16 flags,
 * u16 lower, u16 upper, then offsets of entries; an entry is u32 size (or, of a long one, the page
 * that it stands in), u16 flags, u16 length of the key, the key, the value.
 */
#ifndef BD_TESTS_LEFTOVERS_H
#define BD_TESTS_LEFTOVERS_H

#include "store/seal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEFTOVER_PAGE 4096
#define LEFTOVER_PAGE_HEAD 16
#define LEFTOVER_NODE_HEAD 8
#define LEFTOVER_IS_LEAF 2
#define LEFTOVER_IS_LONG 1

struct leftovers {
	struct bd_seal *seal;
	uint8_t (*salts)[BD_SALT_BYTES];
	size_t salt_count;
	const char *const *words; /* what must not be found, up to a NULL */
	bool is_loud;
	size_t entries, opened, found;
	struct bd_buf plain;
};

struct leftover_file {
	const uint8_t *bytes;
	size_t len;
};

static inline struct leftover_file leftover_map(const char *folder, const char *name)
{
	struct leftover_file file = { NULL, 0 };
	char path[4200];
	struct stat status;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
		void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (bytes != MAP_FAILED) {
			file = (struct leftover_file){ bytes, (size_t)status.st_size };
		}
	}
	if (fd >= 0) {
		close(fd);
	}
	return file;
}

static inline void leftover_salt(struct leftovers *left, const uint8_t salt[BD_SALT_BYTES])
{
	void *more = realloc(left->salts, (left->salt_count + 1) * sizeof(*left->salts));

	if (more != NULL) {
		left->salts = more;
		memcpy(left->salts[left->salt_count++], salt, BD_SALT_BYTES);
	}
}

/* The slots of the file, which is a hole for the most part. */
static inline void leftover_salts(struct leftovers *left, const char *folder, size_t slots)
{
	static const uint8_t none[BD_SALT_BYTES];
	struct leftover_file file = leftover_map(folder, "salts");

	for (size_t i = 0; i < slots && (i + 1) * BD_SALT_BYTES <= file.len; i++) {
		if (memcmp(file.bytes + i * BD_SALT_BYTES, none, BD_SALT_BYTES) != 0) {
			leftover_salt(left, file.bytes + i * BD_SALT_BYTES);
		}
	}
	if (file.bytes != NULL) {
		munmap((void *)file.bytes, file.len);
	}
}

static inline void leftover_look(struct leftovers *left, struct bd_bytes key)
{
	left->opened++;
	for (size_t i = 0; left->words[i] != NULL; i++) {
		if (left->plain.len > 0 && memmem(left->plain.ptr, left->plain.len, left->words[i],
						   strlen(left->words[i])) != NULL) {
			left->found++;
			if (left->is_loud) {
				printf("# %s: an entry with a key of %zu bytes, \"%.12s\"\n",
					left->words[i], key.len, key.len < 16 ? key.ptr : "");
			}
		}
	}
}

/* What is sealed stands behind a clear part, and is bound to the key, or to the last of it. */
static inline void leftover_try(struct leftovers *left, struct bd_bytes key, struct bd_bytes value)
{
	static const size_t fronts[] = { 0, 8, 16, 17, 24 };
	const struct bd_bytes names[] = { key,
		{ key.len > BD_NODE_KEY_BYTES ? key.ptr + key.len - BD_NODE_KEY_BYTES : key.ptr,
			key.len > BD_NODE_KEY_BYTES ? BD_NODE_KEY_BYTES : key.len } };

	left->entries++;
	for (size_t f = 0; f < sizeof(fronts) / sizeof(fronts[0]); f++) {
		struct bd_bytes sealed = { value.ptr + fronts[f], value.len - fronts[f] };

		if (value.len < fronts[f] + BD_SEAL_OVERHEAD || sealed.ptr[0] < 1 ||
			sealed.ptr[0] > 2) {
			continue;
		}
		for (size_t s = 0; s < left->salt_count * 2; s++) {
			bd_buf_clear(&left->plain);
			if (bd_seal_open(left->seal, &left->plain, left->salts[s / 2], names[s % 2],
				    sealed) == BD_OK) {
				leftover_look(left, key);
				return;
			}
		}
	}
}

static inline uint16_t leftover_u16(const uint8_t *at)
{
	uint16_t number;

	memcpy(&number, at, sizeof(number));
	return number;
}

static inline void leftover_entry(
	struct leftovers *left, const struct leftover_file *file, size_t at, size_t end)
{
	const uint8_t *entry = file->bytes + at;
	uint32_t size;
	uint16_t flags = leftover_u16(entry + 4), key_len = leftover_u16(entry + 6);
	struct bd_bytes key = { (const char *)entry + LEFTOVER_NODE_HEAD, key_len }, value;

	memcpy(&size, entry, sizeof(size));
	if (at + LEFTOVER_NODE_HEAD + key_len > end) {
		return;
	}
	value = (struct bd_bytes){ key.ptr + key_len, size };
	if ((flags & LEFTOVER_IS_LONG) != 0) {
		uint64_t page;

		if (at + LEFTOVER_NODE_HEAD + key_len + sizeof(page) > end) {
			return;
		}
		memcpy(&page, value.ptr, sizeof(page));
		if (page >= file->len / LEFTOVER_PAGE ||
			file->len - page * LEFTOVER_PAGE < LEFTOVER_PAGE_HEAD + (size_t)size) {
			return;
		}
		value.ptr = (const char *)file->bytes + page * LEFTOVER_PAGE + LEFTOVER_PAGE_HEAD;
	} else if (at + LEFTOVER_NODE_HEAD + key_len + size > end) {
		return;
	}
	leftover_try(left, key, value);
}

static inline void leftover_page(
	struct leftovers *left, const struct leftover_file *file, size_t at)
{
	const uint8_t *page = file->bytes + at;
	size_t lower = leftover_u16(page + 12);

	if ((leftover_u16(page + 10) & LEFTOVER_IS_LEAF) == 0 || lower > LEFTOVER_PAGE) {
		return;
	}
	for (size_t i = LEFTOVER_PAGE_HEAD; i + 2 <= lower; i += 2) {
		size_t offset = leftover_u16(page + i);

		if (offset + LEFTOVER_NODE_HEAD <= LEFTOVER_PAGE && offset >= lower) {
			leftover_entry(left, file, at + offset, at + LEFTOVER_PAGE);
		}
	}
}

/* All pages of the file. */
static inline void leftover_scan(struct leftovers *left, const char *folder)
{
	struct leftover_file file = leftover_map(folder, "data.mdb");

	left->entries = left->opened = left->found = 0;
	bd_buf_init(&left->plain, (size_t)1 << 26);
	for (size_t at = 0; at + LEFTOVER_PAGE <= file.len; at += LEFTOVER_PAGE) {
		leftover_page(left, &file, at);
	}
	bd_buf_release(&left->plain);
	if (file.bytes != NULL) {
		munmap((void *)file.bytes, file.len);
	}
}

#endif
