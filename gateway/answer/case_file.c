#include "answer/case_file.h"

#include "answer/question.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "record/rules_compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINTER_MAX 160
#define NORMAL_RANK 10

struct bd_case_held {
	struct bd_identifier identifier;
	struct bd_held held;
};

struct reading {
	struct bd_case_file *file;
	struct bd_arena *arena;
	struct bd_faults faults;
};

static void fail(struct reading *reading, const struct bd_json *node, const char *pointer,
	const char *detail)
{
	bd_faults_add(&reading->faults, BD_QUESTION_FORM, node, pointer, detail);
}

static void *make(struct reading *reading, size_t count, size_t size)
{
	void *made = bd_arena_alloc(reading->arena, count == 0 ? 1 : count, size);

	if (made == NULL) {
		bd_faults_add(&reading->faults, bd_arena_code(reading->arena), NULL, "", "no room");
	}
	return made;
}

/* The text of a member; `normal` where it is left out. */
static const char *text_of(
	struct reading *reading, const struct bd_json *node, const char *name, const char *normal)
{
	const struct bd_json *member = bd_json_get(node, name);
	const char *text;

	if (member == NULL || member->type != BD_JSON_IS_TEXT) {
		return normal;
	}
	text = bd_arena_text(reading->arena, member->text);
	return text != NULL ? text : normal;
}

static bool is_true(const struct bd_json *node, const char *name)
{
	const struct bd_json *member = bd_json_get(node, name);

	return member != NULL && member->type == BD_JSON_IS_BOOL &&
	       bd_bytes_is(member->text, "true");
}

static int64_t time_of(struct reading *reading, const struct bd_json *node, const char *name,
	int64_t normal, const char *pointer)
{
	const struct bd_json *member = bd_json_get(node, name);
	int32_t day;

	if (member == NULL) {
		return normal;
	}
	if (member->type == BD_JSON_IS_TEXT && bd_day_parse(&day, member->text)) {
		return bd_day_begin_ms(day);
	}
	if (member->type != BD_JSON_IS_TEXT || !bd_time_parse(&normal, member->text)) {
		fail(reading, member, pointer, "a day, or a time in RFC 3339");
	}
	return normal;
}

/* -- the question, written again -- */

static void write_again(struct bd_json_writer *w, const char *key, const struct bd_json *node)
{
	char name[128];

	switch (node->type) {
	case BD_JSON_IS_OBJECT:
	case BD_JSON_IS_ARRAY:
		if (node->type == BD_JSON_IS_OBJECT) {
			bd_jw_object(w, key);
		} else {
			bd_jw_array(w, key);
		}
		for (const struct bd_json *at = node->first; at != NULL; at = at->next) {
			snprintf(name, sizeof(name), "%.*s", (int)at->key.len, at->key.ptr);
			write_again(w, node->type == BD_JSON_IS_OBJECT ? name : NULL, at);
		}
		if (node->type == BD_JSON_IS_OBJECT) {
			bd_jw_object_end(w);
		} else {
			bd_jw_array_end(w);
		}
		break;
	case BD_JSON_IS_TEXT:
		bd_jw_bytes(w, key, node->text);
		break;
	case BD_JSON_IS_NUMBER:
	case BD_JSON_IS_BOOL:
		bd_jw_raw(w, key, node->text);
		break;
	case BD_JSON_IS_NULL:
		bd_jw_null(w, key);
		break;
	}
}

static void read_question(struct reading *reading, const struct bd_json *node)
{
	struct bd_json_writer w;
	struct bd_buf text;

	if (node == NULL) {
		fail(reading, NULL, "/question", "a case has a question");
		return;
	}
	bd_buf_init(&text, BD_QUESTION_MAX_BYTES);
	bd_jw_init(&w, &text);
	write_again(&w, NULL, node);
	reading->file->question = bd_arena_copy(reading->arena, bd_buf_bytes(&text));
	bd_buf_release(&text);
	if (w.code != BD_OK || reading->file->question.ptr == NULL) {
		bd_faults_add(&reading->faults, BD_LIMIT_BYTES, node, "/question", "");
	}
}

/* -- values -- */

static void read_value(struct reading *reading, struct bd_held_value *value,
	const struct bd_json *node, const char *pointer)
{
	const struct bd_json *unmapped = bd_json_get(node, "unmapped"),
			     *placeholder = bd_json_get(node, "placeholder");

	value->value.text = (struct bd_bytes){ "", 0 };
	if (node->type == BD_JSON_IS_NULL) {
		value->value.flags = BD_VALUE_NONE;
	} else if (unmapped != NULL) {
		value->value.flags = BD_VALUE_UNMAPPED;
		value->value.text = unmapped->text;
	} else if (placeholder != NULL) {
		value->value.flags = BD_VALUE_PLACEHOLDER;
		value->value.text = placeholder->text;
	} else if (node->type == BD_JSON_IS_OBJECT || node->type == BD_JSON_IS_ARRAY) {
		fail(reading, node, pointer,
			"a value is a text, null, {\"unmapped\"}, {\"placeholder\"} or a list of "
			"these");
	} else {
		value->value.text = node->text;
	}
}

static int by_field(const void *a, const void *b)
{
	uint16_t x = ((const struct bd_held_value *)a)->value.field,
		 y = ((const struct bd_held_value *)b)->value.field;

	return (x > y) - (x < y);
}

static size_t count_values(const struct bd_json *node)
{
	size_t count = 0;

	for (const struct bd_json *at = node != NULL ? node->first : NULL; at != NULL;
		at = at->next) {
		count += at->type == BD_JSON_IS_ARRAY ? at->count : 1;
	}
	return count;
}

static const struct bd_field *field_of(struct reading *reading, const char *entity,
	const struct bd_json *node, const char *pointer)
{
	char name[128];
	const struct bd_field *field;

	snprintf(name, sizeof(name), "%.*s", (int)node->key.len, node->key.ptr);
	field = bd_dictionary_field(reading->file->dict, entity, name);
	if (field == NULL) {
		fail(reading, node, pointer, "no such field");
	}
	return field;
}

static void read_values(struct reading *reading, struct bd_statement *row, const char *entity,
	const struct bd_json *node, uint8_t rank, const char *pointer)
{
	struct bd_held_value *values = make(reading, count_values(node), sizeof(*values));
	const struct bd_held_value plain = { .order = { rank, row->as_of_ms },
		.as_of_ms = row->as_of_ms,
		.received_ms = row->received_ms,
		.message = 1 };

	for (const struct bd_json *at = node != NULL ? node->first : NULL;
		at != NULL && values != NULL; at = at->next) {
		const struct bd_field *field = field_of(reading, entity, at, pointer);
		bool are_several = at->type == BD_JSON_IS_ARRAY;

		for (const struct bd_json *one = are_several ? at->first : at;
			field != NULL && one != NULL; one = are_several ? one->next : NULL) {
			values[row->value_count] = plain;
			values[row->value_count].value.field = field->number;
			read_value(reading, &values[row->value_count++], one, pointer);
		}
	}
	if (values != NULL && row->value_count > 1) {
		qsort(values, row->value_count, sizeof(*values), by_field);
	}
	row->values = values;
}

/* -- statements -- */

static void read_other(struct reading *reading, struct bd_statement *row,
	const struct bd_json *node, const char *pointer)
{
	struct bd_identifier *other;
	enum bd_subject_kind kind;
	enum bd_code invalid = BD_OK;

	if (node == NULL) {
		return;
	}
	other = make(reading, 1, sizeof(*other));
	if (other != NULL && bd_question_subject(other, &invalid, &kind, node, pointer,
				     reading->file->dict, &reading->faults) == BD_OK) {
		if (invalid != BD_OK) {
			bd_faults_add(&reading->faults, invalid, node, pointer, "");
		}
		row->other = other;
		row->other_count = 1;
	}
}

static uint8_t rank_of(const struct bd_json *node)
{
	const struct bd_json *rank = bd_json_get(node, "rank");
	int value = NORMAL_RANK;

	if (rank != NULL && rank->type == BD_JSON_IS_NUMBER) {
		value = atoi(rank->text.ptr);
	}
	return (uint8_t)value;
}

static void read_statement(struct reading *reading, struct bd_statement *row,
	const struct bd_json *node, size_t number, const char *pointer)
{
	static const char *const names[] = { "source", "entity", "section", "row", "as_of",
		"received", "rank", "other", "inverse", "blocked", "values", NULL };
	const char *entity = text_of(reading, node, "entity", "");
	const struct bd_entity *known = bd_dictionary_entity(reading->file->dict, entity);
	char key[32];

	bd_question_members(node, pointer, names, &reading->faults);
	row->source = text_of(reading, node, "source", NULL);
	if (row->source == NULL || known == NULL) {
		fail(reading, node, pointer, "a statement has a source and a known entity");
		return;
	}
	row->entity = known->number;
	row->section = text_of(reading, node, "section", entity);
	snprintf(key, sizeof(key), "%zu", known->is_many ? number : (size_t)0);
	row->row_key =
		bd_arena_copy(reading->arena, bd_bytes_of(text_of(reading, node, "row", key)));
	row->as_of_ms = time_of(reading, node, "as_of", reading->file->now_ms, pointer);
	row->received_ms = time_of(reading, node, "received", row->as_of_ms, pointer);
	row->is_inverse = is_true(node, "inverse");
	row->is_blocked = is_true(node, "blocked");
	read_other(reading, row, bd_json_get(node, "other"), pointer);
	read_values(reading, row, entity, bd_json_get(node, "values"), rank_of(node), pointer);
}

/* As the store gives them: by source, entity, row key. */
static int by_row(const void *a, const void *b)
{
	const struct bd_statement *x = a, *y = b;
	int order = strcmp(x->source, y->source);

	if (order == 0) {
		order = (x->entity > y->entity) - (x->entity < y->entity);
	}
	return order != 0 ? order : bd_bytes_compare(x->row_key, y->row_key);
}

static void read_statements(struct reading *reading, struct bd_held *held,
	const struct bd_json *list, const char *pointer)
{
	struct bd_statement *rows;

	if (list == NULL) {
		return;
	}
	rows = make(reading, list->count, sizeof(*rows));
	for (const struct bd_json *at = list->first; at != NULL && rows != NULL; at = at->next) {
		char place[POINTER_MAX];

		snprintf(place, sizeof(place), "%.100s/statements/%zu", pointer, held->statement_count);
		read_statement(
			reading, &rows[held->statement_count], at, held->statement_count, place);
		held->statement_count++;
	}
	if (rows != NULL && reading->faults.count == 0 && held->statement_count > 1) {
		qsort(rows, held->statement_count, sizeof(*rows), by_row);
	}
	held->statements = rows;
}

/* -- coverage -- */

static void read_cover(struct reading *reading, struct bd_coverage *coverage,
	const struct bd_json *node, const char *pointer)
{
	static const char *const members[] = { "source", "entity", "state", "through", "blocked",
		NULL };
	static const char *const states[] = { "none", "gap", "subject", "feed" };
	const struct bd_entity *entity =
		bd_dictionary_entity(reading->file->dict, text_of(reading, node, "entity", ""));
	const char *state = text_of(reading, node, "state", "");

	bd_question_members(node, pointer, members, &reading->faults);
	coverage->source = text_of(reading, node, "source", NULL);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(states[i], state) == 0) {
			coverage->state = (enum bd_coverage_state)(i + BD_COVERAGE_NONE);
		}
	}
	if (coverage->source == NULL || entity == NULL || coverage->state == 0) {
		fail(reading, node, pointer,
			"coverage has a source, a known entity and a state: none, gap, subject or "
			"feed");
		return;
	}
	coverage->entity = entity->number;
	coverage->is_blocked = is_true(node, "blocked");
	coverage->complete_through_ms =
		time_of(reading, node, "through", reading->file->now_ms, pointer);
}

static void read_coverage(struct reading *reading, struct bd_held *held, const struct bd_json *list,
	const char *pointer)
{
	struct bd_coverage *coverage;

	if (list == NULL) {
		return;
	}
	coverage = make(reading, list->count, sizeof(*coverage));
	for (const struct bd_json *at = list->first; at != NULL && coverage != NULL;
		at = at->next) {
		char place[POINTER_MAX];

		snprintf(place, sizeof(place), "%.100s/coverage/%zu", pointer, held->coverage_count);
		read_cover(reading, &coverage[held->coverage_count++], at, place);
	}
	held->coverage = coverage;
}

/* -- subjects -- */

static enum bd_held_status status_of(const char *name, size_t statements)
{
	if (strcmp(name, "") == 0) {
		return statements > 0 ? BD_HELD_FOUND : BD_HELD_NO_SUBJECT;
	}
	return strcmp(name, "found") == 0       ? BD_HELD_FOUND
	       : strcmp(name, "ambiguous") == 0 ? BD_HELD_AMBIGUOUS
						: BD_HELD_NO_SUBJECT;
}

static void read_subject(struct reading *reading, struct bd_case_held *one,
	const struct bd_json *node, const char *pointer)
{
	static const char *const names[] = { "of", "status", "disputed", "statements", "coverage",
		NULL };
	enum bd_code invalid = BD_OK;

	bd_question_members(node, pointer, names, &reading->faults);
	if (bd_question_subject(&one->identifier, &invalid, &one->held.subject,
		    bd_json_get(node, "of"), pointer, reading->file->dict,
		    &reading->faults) != BD_OK) {
		return;
	}
	if (invalid != BD_OK) {
		bd_faults_add(&reading->faults, invalid, node, pointer, "");
	}
	read_statements(reading, &one->held, bd_json_get(node, "statements"), pointer);
	read_coverage(reading, &one->held, bd_json_get(node, "coverage"), pointer);
	one->held.status =
		status_of(text_of(reading, node, "status", ""), one->held.statement_count);
	one->held.identifiers = &one->identifier;
	one->held.identifier_count = one->held.status == BD_HELD_FOUND;
	one->held.is_disputed = is_true(node, "disputed");
}

static void read_held(struct reading *reading, const struct bd_json *list)
{
	struct bd_case_file *file = reading->file;

	if (list == NULL) {
		return;
	}
	file->held = make(reading, list->count, sizeof(*file->held));
	for (const struct bd_json *at = list->first; at != NULL && file->held != NULL;
		at = at->next) {
		char pointer[POINTER_MAX];

		snprintf(pointer, sizeof(pointer), "/held/%zu", file->held_count);
		read_subject(reading, &file->held[file->held_count++], at, pointer);
	}
}

static bool is_held(const struct bd_case_held *one, const struct bd_identifier *identifiers,
	size_t count, const struct bd_dictionary *dict)
{
	for (size_t i = 0; i < count; i++) {
		if (bd_rule_compare_identifier(&identifiers[i], &one->identifier, 1, dict)
				.likeness == BD_LIKE_SAME) {
			return true;
		}
	}
	return false;
}

static enum bd_code lookup(struct bd_answer_source *self, struct bd_held **out,
	const struct bd_identifier *identifiers, size_t count, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct bd_case_file *file = (struct bd_case_file *)(void *)self;

	for (size_t i = 0; i < file->held_count; i++) {
		if (is_held(&file->held[i], identifiers, count, file->dict)) {
			*out = &file->held[i].held;
			return BD_OK;
		}
	}
	*out = bd_arena_alloc(arena, 1, sizeof(**out));
	if (*out == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	(*out)->status = BD_HELD_NO_SUBJECT;
	return BD_OK;
}

static int64_t now_of(struct reading *reading, const struct bd_json *root)
{
	const struct bd_json *question = bd_json_get(root, "question");
	int64_t submitted = time_of(reading, question, "submitted_at", 0, "/question/submitted_at");

	return time_of(reading, root, "now",
		submitted != 0 ? submitted : time_of(reading, question, "on", 0, "/question/on"),
		"/now");
}

enum bd_code bd_case_file_read(struct bd_case_file **out, struct bd_bytes json,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diag *diag)
{
	static const char *const names[] = { "title", "now", "live", "question", "held", "expect",
		NULL };
	struct bd_case_file *file = bd_arena_alloc(arena, 1, sizeof(*file));
	struct reading reading = { file, arena, { diag, arena, 0 } };
	struct bd_json *root = NULL;
	enum bd_code code = bd_json_parse(&root, json, arena, diag);

	if (code != BD_OK) {
		return code;
	}
	if (file == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	bd_question_members(root, "", names, &reading.faults);
	file->source.lookup = lookup;
	file->dict = dict;
	file->title = text_of(&reading, root, "title", "");
	file->is_live = is_true(root, "live");
	file->now_ms = now_of(&reading, root);
	file->expect = bd_json_get(root, "expect");
	read_question(&reading, bd_json_get(root, "question"));
	read_held(&reading, bd_json_get(root, "held"));
	if (file->expect == NULL) {
		fail(&reading, root, "/expect", "a case says what must come out");
	}
	if (reading.faults.count > 0) {
		return diag != NULL ? diag->code : BD_QUESTION_FORM;
	}
	*out = file;
	return BD_OK;
}
