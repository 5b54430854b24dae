#include "trail/runs.h"

#include <string.h>

static void put_u64(uint8_t *out, uint64_t value)
{
	value = htobe64(value);
	memcpy(out, &value, sizeof(value));
}

void bd_trail_run_pack(uint8_t out[BD_TRAIL_RUN_BYTES], const struct bd_trail_leaves *run)
{
	put_u64(out, run->head);
	put_u64(out + 8, run->end.count);
	put_u64(out + 16, run->first_leaf);
	put_u64(out + 24, (uint64_t)run->end.segment << 32 | run->end.offset);
	memcpy(out + 32, run->end.chain.bytes, BD_DIGEST_BYTES);
}

void bd_trail_run_unpack(struct bd_trail_leaves *out, const uint8_t bytes[BD_TRAIL_RUN_BYTES])
{
	struct bd_reader reader =
		bd_reader_of((struct bd_bytes){ (const char *)bytes, BD_TRAIL_RUN_BYTES });

	*out = (struct bd_trail_leaves){ .head = bd_read_u64(&reader) };
	out->end.count = bd_read_u64(&reader);
	out->first_leaf = bd_read_u64(&reader);
	out->end.segment = bd_read_u32(&reader);
	out->end.offset = bd_read_u32(&reader);
	memcpy(out->end.chain.bytes, reader.rest.ptr, BD_DIGEST_BYTES);
}

enum bd_code bd_trail_run_read(
	struct bd_trail_leaves *out, int fd, uint16_t loop, uint64_t index, struct bd_diag *diag)
{
	uint8_t bytes[BD_TRAIL_RUN_BYTES];
	char name[BD_TRAIL_NAME_BYTES];
	size_t got;
	enum bd_code code;

	bd_trail_name_runs(name, loop);
	code = bd_trail_read_at(
		&got, fd, bytes, sizeof(bytes), index * BD_TRAIL_RUN_BYTES, name, diag);
	if (code != BD_OK) {
		return code;
	}
	if (got != sizeof(bytes)) {
		return bd_fail(diag, BD_TRAIL_DAMAGED, "%s: too short", name);
	}
	bd_trail_run_unpack(out, bytes);
	return BD_OK;
}

/* The first record in [0, count) for which is_past holds; count when it holds for none. */
static enum bd_code search(uint64_t *out, int fd, uint16_t loop, uint64_t count,
	bool (*is_past)(const struct bd_trail_leaves *run, uint64_t what), uint64_t what,
	struct bd_diag *diag)
{
	uint64_t low = 0, high = count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct bd_trail_leaves run;
		enum bd_code code = bd_trail_run_read(&run, fd, loop, middle, diag);

		if (code != BD_OK) {
			return code;
		}
		if (is_past(&run, what)) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	*out = low;
	return BD_OK;
}

static bool is_after_head(const struct bd_trail_leaves *run, uint64_t head)
{
	return run->head > head;
}

static bool holds_entry(const struct bd_trail_leaves *run, uint64_t entry)
{
	return run->end.count > entry;
}

enum bd_code bd_trail_run_count(
	uint64_t *out, int fd, uint16_t loop, uint64_t head, struct bd_diag *diag)
{
	char name[BD_TRAIL_NAME_BYTES];
	uint64_t size;
	enum bd_code code;

	bd_trail_name_runs(name, loop);
	code = bd_trail_file_size(&size, fd, name, diag);
	return code == BD_OK
		       ? search(out, fd, loop, size / BD_TRAIL_RUN_BYTES, is_after_head, head, diag)
		       : code;
}

enum bd_code bd_trail_run_find(bool *has, uint64_t *leaf, int fd, uint16_t loop, uint64_t count,
	uint64_t entry, struct bd_diag *diag)
{
	struct bd_trail_leaves before = { .head = 0 }, run;
	uint64_t index;
	enum bd_code code = search(&index, fd, loop, count, holds_entry, entry, diag);

	*has = code == BD_OK && index < count;
	if (!*has) {
		return code;
	}
	code = bd_trail_run_read(&run, fd, loop, index, diag);
	if (code == BD_OK && index > 0) {
		code = bd_trail_run_read(&before, fd, loop, index - 1, diag);
	}
	if (code == BD_OK) {
		*leaf = run.first_leaf + (entry - before.end.count);
	}
	return code;
}
