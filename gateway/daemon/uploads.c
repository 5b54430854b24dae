#include "daemon/uploads_parts.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

uint32_t bd_upload_parts(const struct bd_upload_terms *terms)
{
	return (uint32_t)((terms->length + BD_UPLOAD_PART_BYTES - 1) / BD_UPLOAD_PART_BYTES);
}

uint64_t bd_upload_part_bytes(const struct bd_upload_terms *terms, uint32_t part)
{
	uint64_t before = (uint64_t)(part - 1) * BD_UPLOAD_PART_BYTES;

	return terms->length - before < BD_UPLOAD_PART_BYTES ? terms->length - before
							     : BD_UPLOAD_PART_BYTES;
}

/* -- the list -- */

static struct bd_upload *find_id(struct bd_uploads *uploads, struct bd_bytes id)
{
	struct bd_upload *upload = uploads->first;

	while (upload != NULL && !bd_bytes_is(id, upload->id)) {
		upload = upload->next;
	}
	return upload;
}

/* Locked. Another sender's is not there. */
static struct bd_upload *find_own(
	struct bd_uploads *uploads, struct bd_bytes id, const char *sender)
{
	struct bd_upload *upload = find_id(uploads, id);

	return upload != NULL && strcmp(upload->sender, sender) == 0 && !upload->is_going ? upload
											  : NULL;
}

void bd_uploads_add(struct bd_uploads *uploads, struct bd_upload *upload)
{
	struct bd_upload **link = &uploads->first;

	while (*link != NULL && (*link)->begun_ms <= upload->begun_ms) {
		link = &(*link)->next;
	}
	upload->next = *link;
	*link = upload;
	uploads->count++;
}

static void take_out(struct bd_uploads *uploads, struct bd_upload *upload)
{
	struct bd_upload **link = &uploads->first;

	while (*link != upload) {
		link = &(*link)->next;
	}
	*link = upload->next;
	uploads->count--;
}

void bd_upload_free(struct bd_upload *upload)
{
	if (upload != NULL) {
		free(upload->here);
		free(upload);
	}
}

bool bd_upload_has(const struct bd_upload *upload, uint32_t part)
{
	return (upload->here[(part - 1) / 8] >> ((part - 1) % 8) & 1) != 0;
}

void bd_upload_note(struct bd_upload *upload, uint32_t part)
{
	if (!bd_upload_has(upload, part)) {
		upload->here[(part - 1) / 8] |= (uint8_t)(1U << ((part - 1) % 8));
		upload->parts_here++;
		upload->bytes_here += bd_upload_part_bytes(&upload->terms, part);
	}
}

static enum bd_code unknown(struct bd_diag *diag)
{
	return bd_fail(diag, BD_UPLOAD_UNKNOWN, "%s", "");
}

/* -- opening -- */

enum bd_code bd_uploads_open(struct bd_uploads **out, const char *data_folder,
	const struct bd_ring *ring, int64_t now_ms, struct bd_diag *diag)
{
	struct bd_uploads *uploads = calloc(1, sizeof(*uploads));
	enum bd_code code;

	if (uploads == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	uploads->ring = ring;
	pthread_mutex_init(&uploads->lock, NULL);
	pthread_cond_init(&uploads->written, NULL);
	snprintf(uploads->folder, sizeof(uploads->folder), "%s/uploads", data_folder);
	code = bd_upload_files_scan(uploads, diag);
	if (code != BD_OK) {
		bd_uploads_close(uploads);
		return code;
	}
	bd_uploads_sweep(uploads, now_ms);
	*out = uploads;
	return BD_OK;
}

void bd_uploads_close(struct bd_uploads *uploads)
{
	if (uploads == NULL) {
		return;
	}
	while (uploads->first != NULL) {
		struct bd_upload *next = uploads->first->next;

		bd_upload_free(uploads->first);
		uploads->first = next;
	}
	pthread_cond_destroy(&uploads->written);
	pthread_mutex_destroy(&uploads->lock);
	free(uploads);
}

static bool is_over(const struct bd_upload *upload, int64_t now_ms)
{
	return now_ms - upload->touched_ms >= BD_UPLOAD_KEEP_MS && upload->running == 0 &&
	       upload->state != BD_UPLOAD_COMPLETING && !upload->is_ending;
}

/* One that is over, out of the list. */
static struct bd_upload *take_over(struct bd_uploads *uploads, int64_t now_ms)
{
	struct bd_upload *upload;

	pthread_mutex_lock(&uploads->lock);
	upload = uploads->first;
	while (upload != NULL && (upload->is_going || !is_over(upload, now_ms))) {
		upload = upload->next;
	}
	if (upload != NULL) {
		take_out(uploads, upload);
	}
	pthread_mutex_unlock(&uploads->lock);
	return upload;
}

void bd_uploads_sweep(struct bd_uploads *uploads, int64_t now_ms)
{
	struct bd_upload *upload;

	while ((upload = take_over(uploads, now_ms)) != NULL) {
		if (upload->state == BD_UPLOAD_OPEN) {
			bd_log(BD_LOG_WARNING, "uploads", "expired", "%s/%s of %s: %u of %u parts",
				upload->terms.source, upload->terms.feed, upload->sender,
				upload->parts_here, bd_upload_parts(&upload->terms));
		}
		bd_upload_files_remove(uploads, upload->id);
		bd_upload_free(upload);
	}
}

/* -- one begins -- */

/* Locked. */
static enum bd_code check_share(struct bd_uploads *uploads, const char *sender,
	const struct bd_upload_terms *terms, struct bd_diag *diag)
{
	uint64_t count = 0, bytes = terms->length;

	for (const struct bd_upload *upload = uploads->first; upload != NULL;
		upload = upload->next) {
		bool is_own = strcmp(upload->sender, sender) == 0;

		count += is_own && upload->state != BD_UPLOAD_DONE;
		bytes += is_own && upload->state != BD_UPLOAD_DONE ? upload->terms.length : 0;
	}
	if (count >= BD_UPLOADS_SENDER_MAX || bytes > BD_UPLOADS_SENDER_MAX_BYTES ||
		uploads->count >= BD_UPLOADS_MAX) {
		return bd_fail(diag, BD_UPLOAD_LIMIT, "%llu unfinished, %llu bytes with this one",
			(unsigned long long)count, (unsigned long long)bytes);
	}
	return BD_OK;
}

/* All that was promised to others too, and not come yet. */
static enum bd_code check_room(
	struct bd_uploads *uploads, const struct bd_upload_terms *terms, struct bd_diag *diag)
{
	uint64_t wanted = terms->length;
	struct statvfs fs;

	for (const struct bd_upload *upload = uploads->first; upload != NULL;
		upload = upload->next) {
		wanted += upload->state == BD_UPLOAD_OPEN
				  ? upload->terms.length - upload->bytes_here
				  : 0;
	}
	if (statvfs(uploads->folder, &fs) != 0 || fs.f_bavail * fs.f_frsize < wanted) {
		return bd_fail(diag, BD_DISK_FULL, "no room for an upload of %llu bytes",
			(unsigned long long)terms->length);
	}
	return BD_OK;
}

enum bd_code bd_upload_new(struct bd_upload **out, const struct bd_upload_terms *terms)
{
	struct bd_upload *upload = calloc(1, sizeof(*upload));

	if (upload == NULL) {
		return BD_NO_MEMORY;
	}
	upload->terms = *terms;
	upload->state = BD_UPLOAD_OPEN;
	upload->here = calloc(bd_upload_parts(terms) / 8 + 1, 1);
	if (upload->here == NULL) {
		bd_upload_free(upload);
		return BD_NO_MEMORY;
	}
	*out = upload;
	return BD_OK;
}

enum bd_code bd_uploads_begin(char id[BD_UPLOAD_ID_BYTES], struct bd_uploads *uploads,
	const char *sender, const struct bd_upload_terms *terms, int64_t now_ms,
	struct bd_diag *diag)
{
	struct bd_upload *upload = NULL;
	uint8_t number[16];
	enum bd_code code = bd_upload_new(&upload, terms);

	code = code == BD_OK ? bd_random(number, sizeof(number)) : code;
	code = code == BD_OK ? bd_random(upload->salt, sizeof(upload->salt)) : code;
	if (code != BD_OK) {
		bd_upload_free(upload);
		return bd_fail(diag, code, "%s", "");
	}
	bd_hex(upload->id, number, sizeof(number));
	snprintf(upload->sender, sizeof(upload->sender), "%s", sender);
	upload->begun_ms = now_ms;
	upload->touched_ms = now_ms;
	upload->is_going = true; /* until it is on the disk nobody sees it */
	pthread_mutex_lock(&uploads->lock);
	code = check_share(uploads, sender, terms, diag);
	code = code == BD_OK ? check_room(uploads, terms, diag) : code;
	if (code == BD_OK) {
		bd_uploads_add(uploads, upload);
	}
	pthread_mutex_unlock(&uploads->lock);
	if (code != BD_OK) {
		bd_upload_free(upload);
		return code;
	}
	code = bd_upload_files_begin(uploads, upload, diag);
	pthread_mutex_lock(&uploads->lock);
	upload->is_going = false;
	if (code != BD_OK) {
		take_out(uploads, upload);
	}
	pthread_mutex_unlock(&uploads->lock);
	if (code == BD_OK) {
		memcpy(id, upload->id, BD_UPLOAD_ID_BYTES);
	} else {
		bd_upload_files_remove(uploads, upload->id);
		bd_upload_free(upload);
	}
	return code;
}

/* -- looked at -- */

static enum bd_code view_of(
	struct bd_upload_view *out, const struct bd_upload *upload, struct bd_arena *arena)
{
	struct bd_bytes here = { (const char *)upload->here,
		bd_upload_parts(&upload->terms) / 8 + 1 };

	here = bd_arena_copy(arena, here);
	*out = (struct bd_upload_view){ .terms = upload->terms,
		.state = upload->state,
		.parts = bd_upload_parts(&upload->terms),
		.parts_here = upload->parts_here,
		.bytes_here = upload->bytes_here,
		.expires_ms = upload->touched_ms + BD_UPLOAD_KEEP_MS,
		.message = upload->message,
		.here = (const uint8_t *)here.ptr };
	memcpy(out->id, upload->id, sizeof(out->id));
	return here.ptr != NULL ? BD_OK : bd_arena_code(arena);
}

enum bd_code bd_uploads_find(struct bd_upload_view *out, struct bd_uploads *uploads,
	struct bd_bytes id, const char *sender, struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_upload *upload;
	enum bd_code code;

	pthread_mutex_lock(&uploads->lock);
	upload = find_own(uploads, id, sender);
	code = upload != NULL ? view_of(out, upload, arena) : unknown(diag);
	pthread_mutex_unlock(&uploads->lock);
	return code;
}

enum bd_code bd_uploads_list(struct bd_upload_view **out, size_t *count, struct bd_uploads *uploads,
	const char *sender, struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	pthread_mutex_lock(&uploads->lock);
	*count = 0;
	*out = bd_arena_alloc(arena, uploads->count + 1, sizeof(**out));
	code = *out != NULL ? BD_OK : bd_arena_code(arena);
	for (const struct bd_upload *upload = uploads->first; upload != NULL && code == BD_OK;
		upload = upload->next) {
		if (strcmp(upload->sender, sender) == 0 && !upload->is_going) {
			code = view_of(&(*out)[(*count)++], upload, arena);
		}
	}
	pthread_mutex_unlock(&uploads->lock);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

enum bd_code bd_uploads_delete(
	struct bd_uploads *uploads, const char *id, const char *sender, struct bd_diag *diag)
{
	struct bd_upload *upload;
	enum bd_code code = BD_OK;

	pthread_mutex_lock(&uploads->lock);
	upload = find_own(uploads, bd_bytes_of(id), sender);
	if (upload == NULL) {
		code = unknown(diag);
	} else if (upload->running > 0 || upload->state == BD_UPLOAD_COMPLETING ||
		   upload->is_ending) {
		code = bd_fail(diag, BD_UPLOAD_CONFLICT, "it is being worked on");
	} else {
		take_out(uploads, upload);
	}
	pthread_mutex_unlock(&uploads->lock);
	if (code == BD_OK) {
		bd_upload_files_remove(uploads, upload->id);
		bd_upload_free(upload);
	}
	return code;
}

/* -- parts -- */

/* Locked. */
static enum bd_code reserve(
	struct bd_uploads *uploads, struct bd_upload *upload, uint32_t part, struct bd_diag *diag)
{
	unsigned own = 0, all = 0;

	for (const struct bd_upload *item = uploads->first; item != NULL; item = item->next) {
		all += item->running;
		own += strcmp(item->sender, upload->sender) == 0 ? item->running : 0;
	}
	if (part == 0 || part > bd_upload_parts(&upload->terms)) {
		return bd_fail(diag, BD_QUESTION_FORM, "it has parts 1 to %u",
			bd_upload_parts(&upload->terms));
	}
	if (upload->state != BD_UPLOAD_OPEN) {
		return bd_fail(diag, BD_UPLOAD_CONFLICT, "it is being completed, or is done");
	}
	if (own >= BD_UPLOAD_SENDER_RUNNING_MAX || all >= BD_UPLOAD_RUNNING_MAX) {
		return bd_fail(diag, BD_BUSY, "%u parts of this sender, %u of all", own, all);
	}
	upload->running++;
	return BD_OK;
}

enum bd_code bd_uploads_part_begin(struct bd_uploads *uploads, struct bd_bytes id,
	const char *sender, uint32_t part, struct bd_diag *diag)
{
	struct bd_upload *upload;
	enum bd_code code;

	pthread_mutex_lock(&uploads->lock);
	upload = find_own(uploads, id, sender);
	code = upload != NULL ? reserve(uploads, upload, part, diag) : unknown(diag);
	pthread_mutex_unlock(&uploads->lock);
	return code;
}

/* What is running or being completed stays in the list: a pointer to it is good. */
static struct bd_upload *get(struct bd_uploads *uploads, const char *id)
{
	struct bd_upload *upload;

	pthread_mutex_lock(&uploads->lock);
	upload = find_id(uploads, bd_bytes_of(id));
	pthread_mutex_unlock(&uploads->lock);
	return upload;
}

static bool is_being_written(
	const struct bd_uploads *uploads, const struct bd_upload *upload, uint32_t part)
{
	for (size_t i = 0; i < uploads->writing_count; i++) {
		if (uploads->writing[i].upload == upload && uploads->writing[i].part == part) {
			return true;
		}
	}
	return uploads->writing_count == BD_UPLOAD_RUNNING_MAX;
}

/* One writes a part, and whoever has the same one waits until it is there. False: it is there, and
 * nothing has been begun. */
static bool begin_writing(struct bd_uploads *uploads, const struct bd_upload *upload, uint32_t part)
{
	bool has;

	pthread_mutex_lock(&uploads->lock);
	while (!(has = bd_upload_has(upload, part)) && is_being_written(uploads, upload, part)) {
		pthread_cond_wait(&uploads->written, &uploads->lock);
	}
	if (!has) {
		uploads->writing[uploads->writing_count++] =
			(struct bd_upload_writing){ upload, part };
	}
	pthread_mutex_unlock(&uploads->lock);
	return !has;
}

static void end_writing(
	struct bd_uploads *uploads, struct bd_upload *upload, uint32_t part, bool is_there)
{
	size_t at = 0;

	pthread_mutex_lock(&uploads->lock);
	while (uploads->writing[at].upload != upload || uploads->writing[at].part != part) {
		at++;
	}
	uploads->writing[at] = uploads->writing[--uploads->writing_count];
	if (is_there) {
		bd_upload_note(upload, part);
	}
	pthread_cond_broadcast(&uploads->written);
	pthread_mutex_unlock(&uploads->lock);
}

static enum bd_code compare(struct bd_uploads *uploads, const struct bd_upload *upload,
	uint32_t part, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct bd_buf there;
	enum bd_code code;

	bd_buf_init(&there, BD_UPLOAD_PART_BYTES + BD_SEAL_OVERHEAD);
	code = bd_upload_files_read(&there, uploads, upload, part, diag);
	if (code == BD_OK && !bd_bytes_equal(bd_buf_bytes(&there), bytes)) {
		code = bd_fail(diag, BD_UPLOAD_CONFLICT, "part %u is there with other bytes", part);
	}
	bd_buf_wipe(&there);
	return code;
}

enum bd_code bd_uploads_part_write(struct bd_uploads *uploads, const char *id, uint32_t part,
	struct bd_bytes bytes, int64_t now_ms, struct bd_diag *diag)
{
	struct bd_upload *upload = get(uploads, id);
	enum bd_code code;

	if (begin_writing(uploads, upload, part)) {
		code = bd_upload_files_write(uploads, upload, part, bytes, diag);
		end_writing(uploads, upload, part, code == BD_OK);
	} else {
		code = compare(uploads, upload, part, bytes, diag);
	}
	if (code == BD_OK) {
		pthread_mutex_lock(&uploads->lock);
		upload->touched_ms = now_ms;
		pthread_mutex_unlock(&uploads->lock);
	}
	return code;
}

void bd_uploads_part_end(struct bd_uploads *uploads, const char *id)
{
	struct bd_upload *upload = get(uploads, id);

	pthread_mutex_lock(&uploads->lock);
	upload->running--;
	pthread_mutex_unlock(&uploads->lock);
}

/* -- the end -- */

static uint32_t first_missing(const struct bd_upload *upload)
{
	uint32_t part = 1;

	while (bd_upload_has(upload, part)) {
		part++;
	}
	return part;
}

enum bd_code bd_uploads_complete_begin(struct bd_upload_view *out, struct bd_uploads *uploads,
	struct bd_bytes id, const char *sender, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_upload *upload;
	enum bd_code code = BD_OK;

	pthread_mutex_lock(&uploads->lock);
	upload = find_own(uploads, id, sender);
	if (upload == NULL) {
		code = unknown(diag);
	} else if (upload->state == BD_UPLOAD_COMPLETING || upload->running > 0) {
		code = bd_fail(diag, BD_UPLOAD_CONFLICT, "it is being worked on");
	} else if (upload->state == BD_UPLOAD_OPEN &&
		   upload->parts_here < bd_upload_parts(&upload->terms)) {
		code = bd_fail(diag, BD_UPLOAD_INCOMPLETE,
			"%u of %u parts are there, part %u is not", upload->parts_here,
			bd_upload_parts(&upload->terms), first_missing(upload));
	} else {
		code = view_of(out, upload, arena);
	}
	if (code == BD_OK && upload->state == BD_UPLOAD_OPEN) {
		upload->state = BD_UPLOAD_COMPLETING;
	}
	pthread_mutex_unlock(&uploads->lock);
	return code;
}

enum bd_code bd_uploads_read(struct bd_buf *out, struct bd_uploads *uploads, const char *id,
	uint32_t part, struct bd_diag *diag)
{
	return bd_upload_files_read(out, uploads, get(uploads, id), part, diag);
}

void bd_uploads_complete_end(
	struct bd_uploads *uploads, const char *id, uint64_t message, int64_t now_ms)
{
	struct bd_upload *upload = get(uploads, id);

	pthread_mutex_lock(&uploads->lock);
	upload->state = message != 0 ? BD_UPLOAD_DONE : BD_UPLOAD_OPEN;
	upload->is_ending = message != 0;
	upload->message = message;
	upload->touched_ms = now_ms;
	pthread_mutex_unlock(&uploads->lock);
}

void bd_uploads_put_away(struct bd_uploads *uploads, const char *id)
{
	struct bd_upload *upload = get(uploads, id);
	struct bd_diag diag = { .code = BD_OK };

	if (bd_upload_files_done(uploads, upload, upload->message, &diag) != BD_OK) {
		/* Completed again after a restart it is found by its key: the same receipt. */
		bd_log_diag(BD_LOG_ERROR, "uploads", "done", &diag);
	}
	pthread_mutex_lock(&uploads->lock);
	upload->is_ending = false;
	pthread_mutex_unlock(&uploads->lock);
}
