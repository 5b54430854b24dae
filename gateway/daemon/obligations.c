/* obligations.c - GET /v1/obligations, GET /v1/obligations/{id}: what is still owed, for whom asked
 * the case and for operators. */
#include "daemon/obligations.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/document.h"
#include "daemon/owed.h"
#include "daemon/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWED_STATES (1u << BD_OWED_OPEN | 1u << BD_OWED_EXTENDED)

int32_t bd_obligations_today(const struct bd_loop *loop)
{
	return bd_day_at(bd_audit_time(&loop->audit));
}

const char *bd_obligations_only_of(const struct bd_sender *sender)
{
	return bd_access_has(sender, BD_SENDER_OPERATOR) ? NULL : sender->name;
}

enum bd_code bd_obligations_find(struct bd_owed *out, struct bd_loop *loop,
	const struct bd_sender *sender, struct bd_bytes text, struct bd_arena *arena,
	struct bd_diag *diag)
{
	const char *only_of = bd_obligations_only_of(sender);
	uint8_t id[BD_OWED_ID_BYTES];

	if (!bd_owed_id_read(id, text)) {
		return bd_fail(diag, BD_OBLIGATION_UNKNOWN, "%s", "");
	}
	BD_TRY(bd_owed_find(out, loop->reader, id, arena, diag));
	return only_of == NULL || bd_bytes_is(out->sender, only_of)
		       ? BD_OK
		       : bd_fail(diag, BD_OBLIGATION_UNKNOWN, "%s", "");
}

/* -- cursors: a day and an id fill their numbers -- */

_Static_assert(BD_OWED_ID_BYTES + sizeof(uint32_t) == 3 * sizeof(uint64_t), "daemon/cursor.h");

static enum bd_code write_cursor(char out[BD_CURSOR_TEXT_BYTES], const struct bd_loop *loop,
	const struct bd_obligations_asked *asked, const struct bd_owed_page *page)
{
	char room[3 * sizeof(uint64_t)];
	struct bd_buf bytes = { room, 0, sizeof(room), sizeof(room) };
	struct bd_reader reader;
	struct bd_cursor cursor;

	BD_TRY(bd_buf_add_u32(&bytes, (uint32_t)page->next_due));
	BD_TRY(bd_buf_add(
		&bytes, (struct bd_bytes){ (const char *)page->next_id, sizeof(page->next_id) }));
	reader = bd_reader_of(bd_buf_bytes(&bytes));
	for (size_t i = 0; i < 3; i++) {
		cursor.numbers[i] = bd_read_u64(&reader);
	}
	return bd_cursor_write(out, &cursor, loop->daemon->cursor_key, asked->sender->name,
		asked->list, asked->filter);
}

enum bd_code bd_obligations_cursor(struct bd_obligations_asked *asked, const struct bd_loop *loop,
	const char *text, struct bd_diag *diag)
{
	char room[3 * sizeof(uint64_t)];
	struct bd_buf bytes = { room, 0, sizeof(room), sizeof(room) };
	struct bd_reader reader;
	struct bd_cursor cursor;

	if (bd_cursor_read(&cursor, text, loop->daemon->cursor_key, asked->sender->name,
		    asked->list, asked->filter) != BD_OK) {
		return bd_fail(diag, BD_CURSOR_INVALID, "%s", "");
	}
	for (size_t i = 0; i < 3; i++) {
		BD_TRY(bd_buf_add_u64(&bytes, cursor.numbers[i]));
	}
	reader = bd_reader_of(bd_buf_bytes(&bytes));
	asked->query.is_after = true;
	asked->query.after_due = (int32_t)bd_read_u32(&reader);
	memcpy(asked->query.after_id, reader.rest.ptr, sizeof(asked->query.after_id));
	return BD_OK;
}

enum bd_code bd_obligations_write_page(struct bd_document *document,
	const struct bd_obligations_asked *asked, const struct bd_owed_page *page,
	char next[BD_CURSOR_TEXT_BYTES])
{
	struct bd_json_writer *w = &document->json;

	next[0] = '\0';
	bd_jw_object(w, NULL);
	bd_jw_array(w, "obligations");
	for (size_t i = 0; i < page->count; i++) {
		bd_owed_write(w, NULL, &page->items[i], document->loop->setup, asked->sender,
			asked->query.today, false);
	}
	bd_jw_array_end(w);
	if (page->has_more) {
		BD_TRY(write_cursor(next, document->loop, asked, page));
		bd_jw_text(w, "next", next);
	}
	bd_jw_object_end(w);
	return BD_OK;
}

/* -- the list by due day -- */

/* What can be asked of a state: bits of bd_owed_query. */
static const struct {
	const char *name;
	uint32_t states, late_states;
} state_rows[] = {
	{ "open", 1u << BD_OWED_OPEN, 0 },
	{ "extended", 1u << BD_OWED_EXTENDED, 0 },
	{ "overdue", 0, OWED_STATES },
	{ "owed", OWED_STATES, OWED_STATES },
	{ "met", 1u << BD_OWED_MET, 1u << BD_OWED_MET },
	{ "lapsed", 1u << BD_OWED_LAPSED, 1u << BD_OWED_LAPSED },
	{ "superseded", 1u << BD_OWED_SUPERSEDED, 1u << BD_OWED_SUPERSEDED },
	{ "", UINT32_MAX, UINT32_MAX },
};
static const struct {
	const char *name;
	uint32_t parties;
} party_rows[] = { { "applicant", 1u << BD_OWED_BY_APPLICANT },
	{ "agency", 1u << BD_OWED_BY_AGENCY }, { "", UINT32_MAX } };

/* The parameters as they came; "" = not there. */
struct parameters {
	char due_before[16], due_after[16], state[16], party[16], limit[8];
	char cursor[BD_CURSOR_TEXT_BYTES];
};

static enum bd_code read_parameters(
	struct parameters *out, struct bd_bytes query, struct bd_diag *diag)
{
	const struct {
		const char *name;
		char *room;
		size_t size;
	} rows[] = { { "due_before", out->due_before, sizeof(out->due_before) },
		{ "due_after", out->due_after, sizeof(out->due_after) },
		{ "state", out->state, sizeof(out->state) },
		{ "party", out->party, sizeof(out->party) },
		{ "limit", out->limit, sizeof(out->limit) },
		{ "cursor", out->cursor, sizeof(out->cursor) } };

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum bd_code code = BD_OK;

		if (!bd_call_parameter(rows[i].room, rows[i].size, &code, query, rows[i].name) &&
			code != BD_OK) {
			return strcmp(rows[i].name, "cursor") == 0
				       ? bd_fail(diag, BD_CURSOR_INVALID, "%s", "")
				       : bd_fail(diag, code,
						 "%s: once, and no longer than it can be",
						 rows[i].name);
		}
	}
	return BD_OK;
}

static enum bd_code take_day(int32_t *out, const char *text, int32_t add, int32_t normal,
	const char *name, struct bd_diag *diag)
{
	*out = normal;
	if (text[0] == '\0') {
		return BD_OK;
	}
	if (!bd_day_parse(out, bd_bytes_of(text))) {
		return bd_fail(diag, BD_QUESTION_FORM, "%s is a day yyyy-MM-dd", name);
	}
	*out += add;
	return BD_OK;
}

static enum bd_code take_names(
	struct bd_owed_query *query, const struct parameters *given, struct bd_diag *diag)
{
	for (size_t i = 0; i < sizeof(state_rows) / sizeof(state_rows[0]); i++) {
		if (strcmp(given->state, state_rows[i].name) == 0) {
			query->states = state_rows[i].states;
			query->late_states = state_rows[i].late_states;
		}
	}
	for (size_t i = 0; i < sizeof(party_rows) / sizeof(party_rows[0]); i++) {
		if (strcmp(given->party, party_rows[i].name) == 0) {
			query->parties = party_rows[i].parties;
		}
	}
	if (query->states == 0 && query->late_states == 0) {
		return bd_fail(diag, BD_QUESTION_FORM,
			"state is open, extended, overdue, owed, met, lapsed or superseded");
	}
	return query->parties != 0
		       ? BD_OK
		       : bd_fail(diag, BD_QUESTION_FORM, "party is applicant or agency");
}

enum bd_code bd_obligations_limit(size_t *out, const char *text, struct bd_diag *diag)
{
	unsigned long limit = BD_OBLIGATIONS_PAGE_MAX;

	if (text[0] != '\0') {
		limit = strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10) : 0;
	}
	if (limit == 0 || limit > BD_OBLIGATIONS_PAGE_MAX) {
		return bd_fail(diag, BD_QUESTION_FORM, "limit is 1 to %d", BD_OBLIGATIONS_PAGE_MAX);
	}
	*out = limit;
	return BD_OK;
}

static enum bd_code read_list(struct bd_obligations_asked *asked, struct parameters *given,
	const struct bd_loop *loop, struct bd_bytes text, struct bd_diag *diag)
{
	struct bd_owed_query *query = &asked->query;

	BD_TRY(read_parameters(given, text, diag));
	BD_TRY(take_day(&query->due_until, given->due_before, 0, INT32_MAX, "due_before", diag));
	BD_TRY(take_day(&query->due_from, given->due_after, 1, INT32_MIN, "due_after", diag));
	BD_TRY(take_names(query, given, diag));
	BD_TRY(bd_obligations_limit(&query->max, given->limit, diag));
	snprintf(asked->filter, sizeof(asked->filter), "%s|%s|%s|%s", given->due_before,
		given->due_after, given->state, given->party);
	return given->cursor[0] == '\0' ? BD_OK
					: bd_obligations_cursor(asked, loop, given->cursor, diag);
}

/* The same address with the next cursor; what was given is safe in a header: it was read. */
static void link_next(
	struct bd_document *document, const struct parameters *given, const char *next)
{
	const struct {
		const char *name, *value;
	} rows[] = { { "due_before", given->due_before }, { "due_after", given->due_after },
		{ "state", given->state }, { "party", given->party }, { "limit", given->limit } };
	size_t len = (size_t)snprintf(document->link, sizeof(document->link), "</v1/obligations?");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].value[0] != '\0') {
			len += (size_t)snprintf(document->link + len, sizeof(document->link) - len,
				"%s=%s&", rows[i].name, rows[i].value);
		}
	}
	snprintf(document->link + len, sizeof(document->link) - len, "cursor=%s>; rel=\"next\"",
		next);
}

struct listing {
	struct bd_obligations_asked asked;
	struct parameters given;
};

static enum bd_code write_list(struct bd_document *document, void *given)
{
	struct listing *listing = given;
	char next[BD_CURSOR_TEXT_BYTES];
	struct bd_owed_page page;

	BD_TRY(bd_owed_list(&page, document->loop->reader, &listing->asked.query, &document->arena,
		&document->diag));
	BD_TRY(bd_obligations_write_page(document, &listing->asked, &page, next));
	if (next[0] != '\0') {
		link_next(document, &listing->given, next);
	}
	return BD_OK;
}

void bd_obligations_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct listing listing = { .asked = { .sender = sender,
					   .list = "obligations",
					   .query = { .sender = bd_obligations_only_of(sender),
						   .today = bd_obligations_today(loop) } } };
	struct bd_diag diag = { .code = BD_OK };

	(void)parts;
	if (read_list(&listing.asked, &listing.given, loop, bd_http_query(exchange), &diag) !=
		BD_OK) {
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond(exchange, &diag, NULL);
		return;
	}
	bd_document_answer(loop, exchange, write_list, &listing);
}

/* -- one -- */

struct one {
	const struct bd_sender *sender;
	struct bd_bytes id;
};

static enum bd_code write_one(struct bd_document *document, void *given)
{
	const struct one *one = given;
	struct bd_owed owed;

	BD_TRY(bd_obligations_find(
		&owed, document->loop, one->sender, one->id, &document->arena, &document->diag));
	bd_owed_write(&document->json, NULL, &owed, document->loop->setup, one->sender,
		bd_obligations_today(document->loop), true);
	return BD_OK;
}

void bd_obligation_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct one one = { sender, parts->first };

	bd_document_answer(loop, exchange, write_one, &one);
}
