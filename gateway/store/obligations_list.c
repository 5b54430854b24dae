/* obligations_list.c - what is owed, for people: by id, by due day, by case number, counted. */
#include "base/limits.h"
#include "base/try.h"
#include "store/case_index.h"
#include "store/obligations_form.h"

#include <string.h>

static enum bd_code read_entry(struct bd_owed *out, struct bd_store_reader *reader,
	const uint8_t id[BD_OWED_ID_BYTES], struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_store *store = reader->store;
	MDB_val name = { BD_OWED_ID_BYTES, (void *)id }, value;
	struct bd_owed_parts parts;
	struct bd_owed owed;
	enum bd_code code;
	int result = mdb_get(reader->txn, store->obligations, &name, &value);

	if (result == MDB_NOTFOUND) {
		return bd_fail(diag, BD_OBLIGATION_UNKNOWN, "%s", "");
	}
	if (result != 0) {
		return bd_store_fail(diag, result, "obligation");
	}
	code = bd_owed_unpack(&owed, &parts, (struct bd_bytes){ value.mv_data, value.mv_size });
	memcpy(owed.id, id, BD_OWED_ID_BYTES);
	code = code == BD_OK ? bd_owed_copy(&owed, arena) : code;
	code = code == BD_OK
		       ? bd_owed_open(&owed, &parts, reader->seal, &store->salts, false, arena)
		       : code;
	if (code == BD_OK) {
		*out = owed;
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "an obligation");
}

enum bd_code bd_owed_find(struct bd_owed *out, struct bd_store_reader *reader,
	const uint8_t id[BD_OWED_ID_BYTES], struct bd_arena *arena, struct bd_diag *diag)
{
	return read_entry(out, reader, id, arena, diag);
}

/* -- a page -- */

struct paging {
	struct bd_store_reader *reader;
	const struct bd_owed_query *query;
	struct bd_owed *items;
	struct bd_owed_page page;
	size_t looked_at;
	struct bd_arena *arena;
	struct bd_diag *diag;
};

static enum bd_code paging_open(struct paging *paging)
{
	paging->items = bd_arena_alloc(paging->arena, paging->query->max, sizeof(*paging->items));
	paging->page.items = paging->items;
	return paging->items != NULL
		       ? BD_OK
		       : bd_fail(paging->diag, bd_arena_code(paging->arena), "%s", "");
}

/* Is there room for one more, and time? When not, the page goes on behind the last looked at. */
static bool has_room(struct paging *paging)
{
	struct bd_owed_page *page = &paging->page;

	page->has_more = page->count == paging->query->max || paging->looked_at == BD_OWED_SCAN_MAX;
	paging->looked_at++;
	return !page->has_more;
}

static void pass(struct paging *paging, int32_t due, const uint8_t *id)
{
	paging->page.next_due = due;
	memcpy(paging->page.next_id, id, BD_OWED_ID_BYTES);
}

static enum bd_code add(struct paging *paging, const uint8_t *id)
{
	enum bd_code code = read_entry(&paging->items[paging->page.count], paging->reader, id,
		paging->arena, paging->diag);

	paging->page.count += code == BD_OK;
	return code;
}

/* -- by due day -- */

/* A cursor over what is owed, or over what is closed. */
struct stream {
	MDB_cursor *cursor;
	bool is_there;
	MDB_val name, value;
	int32_t due;
	const uint8_t *id;
};

static enum bd_code settle(struct stream *stream, int result, char letter,
	const struct bd_owed_query *query, struct bd_diag *diag)
{
	struct bd_bytes name = { stream->name.mv_data, stream->name.mv_size };

	stream->is_there = false;
	if (result == MDB_NOTFOUND || (result == 0 && name.ptr[0] != letter)) {
		return BD_OK;
	}
	if (result != 0) {
		return bd_store_fail(diag, result, "obligations");
	}
	if (!bd_owed_due_row_read(&stream->due, &stream->id, name)) {
		return bd_fail(diag, BD_STORE_DAMAGED, "a row of an obligation");
	}
	stream->is_there = stream->due < query->due_until;
	return BD_OK;
}

static bool is_at(const struct stream *stream, const struct bd_owed_query *query)
{
	return query->is_after && stream->due == query->after_due &&
	       memcmp(stream->id, query->after_id, BD_OWED_ID_BYTES) == 0;
}

static enum bd_code step(struct stream *stream, char letter, struct paging *paging)
{
	int result = mdb_cursor_get(stream->cursor, &stream->name, &stream->value, MDB_NEXT);

	return settle(stream, result, letter, paging->query, paging->diag);
}

static enum bd_code start(struct stream *stream, char letter, struct paging *paging)
{
	const struct bd_owed_query *query = paging->query;
	bool is_later = query->is_after && query->after_due >= query->due_from;
	char room[BD_OWED_ROW_BYTES];
	struct bd_buf row = { room, 0, sizeof(room), sizeof(room) };
	int result =
		mdb_cursor_open(paging->reader->txn, paging->reader->store->owed, &stream->cursor);

	if (result != 0) {
		stream->cursor = NULL;
		return bd_store_fail(paging->diag, result, "obligations");
	}
	BD_TRY(bd_owed_due_row(&row, (enum bd_owed_letter)letter,
		is_later ? query->after_due : query->due_from, is_later ? query->after_id : NULL));
	stream->name = (MDB_val){ row.len, row.ptr };
	result = mdb_cursor_get(stream->cursor, &stream->name, &stream->value, MDB_SET_RANGE);
	BD_TRY(settle(stream, result, letter, query, paging->diag));
	return stream->is_there && is_at(stream, query) ? step(stream, letter, paging) : BD_OK;
}

/* By its row alone: its entry is opened only where it is wanted. */
static bool is_wanted(const struct stream *stream, const struct bd_owed_query *query)
{
	struct bd_reader reader =
		bd_reader_of((struct bd_bytes){ stream->value.mv_data, stream->value.mv_size });
	uint8_t state = bd_read_u8(&reader), party = bd_read_u8(&reader);
	uint32_t states = stream->due < query->today ? query->late_states : query->states;

	return reader.ok && state < 32 && party < 32 && (states & (1u << state)) != 0 &&
	       (query->parties & (1u << party)) != 0 &&
	       (query->sender == NULL || bd_bytes_is(reader.rest, query->sender));
}

static bool is_before(const struct stream *a, const struct stream *b)
{
	return !b->is_there || a->due < b->due ||
	       (a->due == b->due && memcmp(a->id, b->id, BD_OWED_ID_BYTES) < 0);
}

static enum bd_code merge(struct paging *paging, struct stream streams[2], const char letters[2])
{
	while (streams[0].is_there || streams[1].is_there) {
		int which = streams[0].is_there && is_before(&streams[0], &streams[1]) ? 0 : 1;
		struct stream *stream = &streams[which];

		if (!has_room(paging)) {
			return BD_OK;
		}
		if (is_wanted(stream, paging->query)) {
			BD_TRY(add(paging, stream->id));
		}
		pass(paging, stream->due, stream->id);
		BD_TRY(step(stream, letters[which], paging));
	}
	return BD_OK;
}

static bool wants_any(const struct bd_owed_query *query, bool is_owed)
{
	uint32_t owed = 1u << BD_OWED_OPEN | 1u << BD_OWED_EXTENDED;

	return ((query->states | query->late_states) & (is_owed ? owed : ~owed)) != 0;
}

enum bd_code bd_owed_list(struct bd_owed_page *out, struct bd_store_reader *reader,
	const struct bd_owed_query *query, struct bd_arena *arena, struct bd_diag *diag)
{
	static const char letters[2] = { BD_OWED_ROW_OWED, BD_OWED_ROW_CLOSED };
	struct paging paging = { .reader = reader, .query = query, .arena = arena, .diag = diag };
	struct stream streams[2] = { { .cursor = NULL }, { .cursor = NULL } };
	enum bd_code code = paging_open(&paging);

	for (int i = 0; i < 2 && code == BD_OK; i++) {
		code = wants_any(query, i == 0) ? start(&streams[i], letters[i], &paging) : BD_OK;
	}
	code = code == BD_OK ? merge(&paging, streams, letters) : code;
	for (int i = 0; i < 2; i++) {
		if (streams[i].cursor != NULL) {
			mdb_cursor_close(streams[i].cursor);
		}
	}
	if (code == BD_OK) {
		*out = paging.page;
	}
	return code;
}

/* -- by case -- */

static enum bd_code add_if_of_sender(struct paging *paging, const uint8_t *id)
{
	const struct bd_owed_query *query = paging->query;
	struct bd_owed_page *page = &paging->page;

	BD_TRY(add(paging, id));
	if (query->sender != NULL &&
		!bd_bytes_is(paging->items[page->count - 1].sender, query->sender)) {
		page->count--;
	}
	return BD_OK;
}

static enum bd_code list_case(struct paging *paging, MDB_cursor *cursor, struct bd_buf *row)
{
	const struct bd_owed_query *query = paging->query;
	struct bd_bytes front = { row->ptr, 1 + BD_OWED_BLIND_BYTES };
	MDB_val name = { row->len, row->ptr }, value;
	int result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);

	while (result == 0 && name.mv_size == front.len + BD_OWED_ID_BYTES &&
		memcmp(name.mv_data, front.ptr, front.len) == 0) {
		const uint8_t *id = (const uint8_t *)name.mv_data + front.len;

		if (!query->is_after || memcmp(id, query->after_id, BD_OWED_ID_BYTES) != 0) {
			if (!has_room(paging)) {
				return BD_OK;
			}
			BD_TRY(add_if_of_sender(paging, id));
			pass(paging, 0, id);
		}
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	return result == 0 || result == MDB_NOTFOUND
		       ? BD_OK
		       : bd_store_fail(paging->diag, result, "obligations");
}

enum bd_code bd_owed_of_case(struct bd_owed_page *out, struct bd_store_reader *reader,
	struct bd_bytes case_id, const struct bd_owed_query *query, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct paging paging = { .reader = reader, .query = query, .arena = arena, .diag = diag };
	char room[BD_OWED_ROW_BYTES];
	struct bd_buf row = { room, 0, sizeof(room), sizeof(room) };
	uint8_t key[BD_OWED_BLIND_BYTES];
	MDB_cursor *cursor;
	enum bd_code code = paging_open(&paging);
	int result;

	code = code == BD_OK ? bd_case_number_key(key, reader->seal, case_id) : code;
	code = code == BD_OK ? bd_owed_key_row(&row, BD_OWED_ROW_CASE, key,
				       query->is_after ? query->after_id : NULL)
			     : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	result = mdb_cursor_open(reader->txn, reader->store->owed, &cursor);
	if (result != 0) {
		return bd_store_fail(diag, result, "obligations");
	}
	code = list_case(&paging, cursor, &row);
	mdb_cursor_close(cursor);
	if (code == BD_OK) {
		*out = paging.page;
	}
	return code;
}

/* -- counts: a row a day, however many are owed -- */

static bool count_row(
	struct bd_owed_counts *counts, const MDB_val *name, const MDB_val *value, int32_t today)
{
	struct bd_reader day = bd_reader_of((struct bd_bytes){ name->mv_data, name->mv_size });
	struct bd_reader reader = bd_reader_of((struct bd_bytes){ value->mv_data, value->mv_size });
	uint64_t applicant = bd_read_u64(&reader), agency = bd_read_u64(&reader);
	int32_t due;

	bd_read_u8(&day);
	due = (int32_t)(bd_read_u32(&day) ^ UINT32_C(0x80000000));
	counts->owed_applicant += applicant;
	counts->owed_agency += agency;
	counts->overdue_applicant += due < today ? applicant : 0;
	counts->overdue_agency += due < today ? agency : 0;
	return day.ok && reader.ok;
}

enum bd_code bd_owed_count(struct bd_owed_counts *out, struct bd_store_reader *reader,
	int32_t today, struct bd_diag *diag)
{
	char letter = BD_OWED_ROW_COUNT;
	MDB_val name = { 1, &letter }, value;
	MDB_cursor *cursor;
	struct bd_owed_counts counts = { 0, 0, 0, 0 };
	bool is_good = true;
	int result = mdb_cursor_open(reader->txn, reader->store->owed, &cursor);

	if (result != 0) {
		return bd_store_fail(diag, result, "obligations");
	}
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	while (result == 0 && *(const char *)name.mv_data == letter && is_good) {
		is_good = count_row(&counts, &name, &value, today);
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (result != 0 && result != MDB_NOTFOUND) {
		return bd_store_fail(diag, result, "obligations");
	}
	if (!is_good) {
		return bd_fail(diag, BD_STORE_DAMAGED, "counts of obligations");
	}
	*out = counts;
	return BD_OK;
}

/* -- news -- */

static enum bd_code read_news(struct bd_owed_news *out, struct bd_store_reader *reader,
	const MDB_val *name, const MDB_val *value, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_reader number = bd_reader_of(
		(struct bd_bytes){ (const char *)name->mv_data + 1, name->mv_size - 1 });
	uint8_t id[BD_OWED_ID_BYTES];
	enum bd_code code;

	out->number = bd_read_u64(&number);
	if (!number.ok ||
		!bd_owed_news_read(out, id, (struct bd_bytes){ value->mv_data, value->mv_size })) {
		return bd_fail(diag, BD_STORE_DAMAGED, "news of an obligation");
	}
	out->source = bd_arena_copy(arena, out->source);
	if (out->source.ptr == NULL && out->source.len > 0) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	code = read_entry(&out->owed, reader, id, arena, diag);
	if (code == BD_OBLIGATION_UNKNOWN) {
		/* Its time of keeping was over before it was told. */
		memcpy(out->owed.id, id, sizeof(id));
		bd_diag_clear(diag);
		code = BD_OK;
	}
	return code;
}

enum bd_code bd_owed_news(const struct bd_owed_news **out, size_t *count,
	struct bd_store_reader *reader, size_t max, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_owed_news *items = bd_arena_alloc(arena, max, sizeof(*items));
	char letter = BD_OWED_ROW_NEWS;
	MDB_val name = { 1, &letter }, value;
	MDB_cursor *cursor;
	size_t got = 0;
	enum bd_code code = BD_OK;
	int result;

	if (items == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	result = mdb_cursor_open(reader->txn, reader->store->owed, &cursor);
	if (result != 0) {
		return bd_store_fail(diag, result, "obligations");
	}
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	while (result == 0 && *(const char *)name.mv_data == letter && got < max && code == BD_OK) {
		code = read_news(&items[got], reader, &name, &value, arena, diag);
		got += code == BD_OK;
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (code == BD_OK && result != 0 && result != MDB_NOTFOUND) {
		code = bd_store_fail(diag, result, "obligations");
	}
	if (code == BD_OK) {
		*out = items;
		*count = got;
	}
	return code;
}
