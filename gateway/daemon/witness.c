#include "daemon/witness.h"

#include "base/try.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define NAME "witnesses"

/* The last of one witness. */
struct last {
	int64_t at_ms; /* when it came, by our clock; 0 = never */
	uint64_t number, size;
	struct bd_buf line;
};

struct bd_witness {
	pthread_mutex_t lock;
	struct bd_trail_keys keys;
	struct bd_trail_keys ours; /* one: that signs the heads */
	struct bd_sign_key *own[1];
	struct last *last; /* of each key */
	char path[PATH_BYTES], beside[PATH_BYTES];
};

/* -- the file: a line each, behind it when it came -- */

static enum bd_code write_all(const struct bd_witness *witness, struct bd_diag *diag)
{
	FILE *file = fopen(witness->beside, "wbe");
	bool is_good = file != NULL;

	for (size_t i = 0; is_good && i < witness->keys.count; i++) {
		const struct last *last = &witness->last[i];

		if (last->at_ms != 0) {
			is_good = fprintf(file, "%lld %.*s\n", (long long)last->at_ms,
					  (int)last->line.len, last->line.ptr) > 0;
		}
	}
	if (file != NULL) {
		is_good = fclose(file) == 0 && is_good;
	}
	if (!is_good || rename(witness->beside, witness->path) != 0) {
		return bd_fail(diag, errno == ENOSPC ? BD_DISK_FULL : BD_IO, "%s: %s", NAME,
			strerror(errno));
	}
	return BD_OK;
}

/* The place of a witness among the keys; SIZE_MAX = none. */
static size_t place_of(const struct bd_witness *witness, const uint8_t id[BD_DIGEST_BYTES])
{
	for (size_t i = 0; i < witness->keys.count; i++) {
		if (memcmp(bd_sign_key_id(witness->keys.items[i]), id, BD_DIGEST_BYTES) == 0) {
			return i;
		}
	}
	return SIZE_MAX;
}

/* Checked as when it came. */
static enum bd_code check(size_t *place, struct bd_trail_head *head,
	const struct bd_witness *witness, struct bd_bytes line, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct bd_trail_witnessed witnessed;

	BD_TRY(bd_trail_witness_take(&witnessed, line, arena, diag));
	BD_TRY(bd_trail_witness_check(head, &witnessed, &witness->ours, &witness->keys, diag));
	*place = place_of(witness, witnessed.witness);
	return BD_OK;
}

static enum bd_code keep(
	struct last *last, const struct bd_trail_head *head, struct bd_bytes line, int64_t at_ms)
{
	bd_buf_clear(&last->line);
	BD_TRY(bd_buf_add(&last->line, line));
	last->at_ms = at_ms;
	last->number = head->number;
	last->size = head->size;
	return BD_OK;
}

/* What cannot be read is not there: a witness comes again. */
static void read_all(struct bd_witness *witness)
{
	static const size_t max = BD_TRAIL_WITNESS_LINE_MAX_BYTES + 32;
	FILE *file = fopen(witness->path, "rbe");
	char *line = malloc(max);
	struct bd_trail_head *head = calloc(1, sizeof(*head));

	while (file != NULL && line != NULL && head != NULL &&
		fgets(line, (int)max, file) != NULL) {
		char *rest;
		long long at_ms = strtoll(line, &rest, 10);
		struct bd_arena arena;
		size_t place = SIZE_MAX;

		bd_arena_init(&arena, 1 << 20);
		rest[strcspn(rest, "\n")] = '\0';
		if (at_ms > 0 && rest[0] == ' ' &&
			check(&place, head, witness, bd_bytes_of(rest + 1), &arena, NULL) ==
				BD_OK) {
			keep(&witness->last[place], head, bd_bytes_of(rest + 1), at_ms);
		}
		bd_arena_release(&arena);
	}
	if (file != NULL) {
		fclose(file);
	}
	free(line);
	free(head);
}

/* -- */

static enum bd_code read_keys(struct bd_trail_keys *out, const char *path, struct bd_diag *diag)
{
	FILE *file = fopen(path, "rbe");
	char text[BD_KEY_FILE_MAX_BYTES];
	size_t len;

	if (file == NULL) {
		return bd_fail(diag, BD_CONFIG_REFERENCE, "witness_keys_file: %s", strerror(errno));
	}
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	return bd_trail_keys_read(out, (struct bd_bytes){ text, len }, diag);
}

/* The public half alone: heads are checked with it. */
static enum bd_code take_own(
	struct bd_witness *witness, const struct bd_sign_key *trail_key, struct bd_diag *diag)
{
	struct bd_buf pem;
	enum bd_code code;

	bd_buf_init(&pem, BD_KEY_FILE_MAX_BYTES);
	code = bd_sign_key_write_public(&pem, trail_key);
	code = code == BD_OK ? bd_sign_key_public(&witness->own[0], NULL, bd_buf_bytes(&pem), diag)
			     : code;
	bd_buf_release(&pem);
	witness->ours = (struct bd_trail_keys){ witness->own, 1 };
	return code;
}

enum bd_code bd_witness_open(struct bd_witness **out, const char *keys_file,
	const char *data_folder, const struct bd_sign_key *trail_key, struct bd_diag *diag)
{
	struct bd_witness *witness = calloc(1, sizeof(*witness));
	enum bd_code code;

	if (witness == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	pthread_mutex_init(&witness->lock, NULL);
	snprintf(witness->path, sizeof(witness->path), "%s/" NAME, data_folder);
	snprintf(witness->beside, sizeof(witness->beside), "%s/" NAME ".new", data_folder);
	code = take_own(witness, trail_key, diag);
	code = code == BD_OK && keys_file != NULL ? read_keys(&witness->keys, keys_file, diag)
						  : code;
	witness->last = calloc(witness->keys.count + 1, sizeof(*witness->last));
	if (code == BD_OK && witness->last == NULL) {
		code = bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	for (size_t i = 0; code == BD_OK && i < witness->keys.count; i++) {
		bd_buf_init(&witness->last[i].line, BD_TRAIL_WITNESS_LINE_MAX_BYTES);
	}
	if (code != BD_OK) {
		bd_witness_close(witness);
		return code;
	}
	read_all(witness);
	*out = witness;
	return BD_OK;
}

void bd_witness_close(struct bd_witness *witness)
{
	if (witness == NULL) {
		return;
	}
	for (size_t i = 0; witness->last != NULL && i < witness->keys.count; i++) {
		bd_buf_release(&witness->last[i].line);
	}
	free(witness->last);
	bd_sign_key_free(witness->own[0]);
	bd_trail_keys_free(&witness->keys);
	pthread_mutex_destroy(&witness->lock);
	free(witness);
}

/* One of our heads: our key signed it, of this trail, and it has no more than we have. */
static enum bd_code check_ours(
	const struct bd_trail_head *head, struct bd_trail *trail, struct bd_diag *diag)
{
	struct bd_trail_counts counts;

	bd_trail_count(&counts, trail);
	return head->instance == bd_trail_instance(trail) && head->number < counts.heads &&
			       head->size <= counts.leaves
		       ? BD_OK
		       : bd_fail(diag, BD_WITNESS_FORM, "not a head of this trail");
}

enum bd_code bd_witness_take(char id[2 * BD_DIGEST_BYTES + 1], uint64_t *number,
	struct bd_witness *witness, struct bd_trail *trail, struct bd_bytes line, int64_t now_ms,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_trail_head *head = bd_arena_alloc(arena, 1, sizeof(*head));
	size_t place = SIZE_MAX;
	enum bd_code code;

	if (head == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	while (line.len > 0 && strchr("\r\n", line.ptr[line.len - 1]) != NULL) {
		line.len--;
	}
	if (line.len > 0 && memchr(line.ptr, '\n', line.len) != NULL) {
		return bd_fail(diag, BD_WITNESS_FORM, "one line");
	}
	BD_TRY(check(&place, head, witness, line, arena, diag));
	BD_TRY(check_ours(head, trail, diag));
	pthread_mutex_lock(&witness->lock);
	code = head->number < witness->last[place].number
		       ? bd_fail(diag, BD_WITNESS_FORM, "an earlier head than its last")
		       : keep(&witness->last[place], head, line, now_ms);
	code = code == BD_OK ? write_all(witness, diag) : code;
	pthread_mutex_unlock(&witness->lock);
	bd_hex(id, bd_sign_key_id(witness->keys.items[place]), BD_DIGEST_BYTES);
	*number = head->number;
	return code;
}

void bd_witness_count(struct bd_witness_counts *out, struct bd_witness *witness)
{
	*out = (struct bd_witness_counts){ .expected = witness->keys.count };
	pthread_mutex_lock(&witness->lock);
	for (size_t i = 0; i < witness->keys.count; i++) {
		const struct last *last = &witness->last[i];

		if (last->at_ms > out->newest_ms) {
			out->newest_ms = last->at_ms;
			out->head = last->number;
			out->size = last->size;
		}
	}
	pthread_mutex_unlock(&witness->lock);
}

bool bd_witness_is_overdue(
	const struct bd_witness_counts *counts, uint64_t age_max_s, int64_t now_ms)
{
	return counts->expected > 0 &&
	       (counts->newest_ms == 0 || now_ms - counts->newest_ms > (int64_t)age_max_s * 1000);
}

void bd_witness_write(struct bd_json_writer *w, const char *key, struct bd_witness *witness)
{
	char id[2 * BD_DIGEST_BYTES + 1];

	bd_jw_array(w, key);
	pthread_mutex_lock(&witness->lock);
	for (size_t i = 0; i < witness->keys.count; i++) {
		const struct last *last = &witness->last[i];

		bd_hex(id, bd_sign_key_id(witness->keys.items[i]), BD_DIGEST_BYTES);
		bd_jw_object(w, NULL);
		bd_jw_text(w, "witness", id);
		bd_jw_time(w, "at", last->at_ms);
		if (last->at_ms != 0) {
			bd_jw_u64(w, "head", last->number);
			bd_jw_u64(w, "entries", last->size);
		}
		bd_jw_object_end(w);
	}
	pthread_mutex_unlock(&witness->lock);
	bd_jw_array_end(w);
}
