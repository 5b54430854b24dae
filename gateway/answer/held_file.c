#include "answer/held_file.h"

#include "base/clock.h"
#include "record/rules_compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINTER_MAX 160
#define NORMAL_RANK 10

struct bd_held_item {
	struct bd_identifier identifier;
	struct bd_held held;
};

static void fail(const struct bd_held_reading *reading, const struct bd_json *node,
	const char *pointer, const char *detail)
{
	bd_faults_add(reading->faults, BD_QUESTION_FORM, node, pointer, detail);
}

static void *make(const struct bd_held_reading *reading, size_t count, size_t size)
{
	void *made = bd_arena_alloc(reading->faults->arena, count == 0 ? 1 : count, size);

	if (made == NULL) {
		bd_faults_add(reading->faults, bd_arena_code(reading->faults->arena), NULL, "",
			"no room");
	}
	return made;
}

/* The text of a member; `normal` where it is left out. */
const char *bd_held_text(const struct bd_held_reading *reading, const struct bd_json *node,
	const char *name, const char *normal)
{
	const struct bd_json *member = bd_json_get(node, name);
	const char *text;

	if (member == NULL || member->type != BD_JSON_IS_TEXT) {
		return normal;
	}
	text = bd_arena_text(reading->faults->arena, member->text);
	return text != NULL ? text : normal;
}

bool bd_held_flag(const struct bd_json *node, const char *name)
{
	const struct bd_json *member = bd_json_get(node, name);

	return member != NULL && member->type == BD_JSON_IS_BOOL &&
	       bd_bytes_is(member->text, "true");
}

int64_t bd_held_time(const struct bd_held_reading *reading, const struct bd_json *node,
	const char *name, int64_t normal, const char *pointer)
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

/* -- values -- */

static void read_value(const struct bd_held_reading *reading, struct bd_held_value *value,
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

static const struct bd_field *field_of(const struct bd_held_reading *reading, const char *entity,
	const struct bd_json *node, const char *pointer)
{
	char name[128];
	const struct bd_field *field;

	snprintf(name, sizeof(name), "%.*s", (int)node->key.len, node->key.ptr);
	field = bd_dictionary_field(reading->dict, entity, name);
	if (field == NULL) {
		fail(reading, node, pointer, "no such field");
	}
	return field;
}

static void read_values(const struct bd_held_reading *reading, struct bd_statement *row,
	const char *entity, const struct bd_json *node, uint8_t rank, const char *pointer)
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

static void read_other(const struct bd_held_reading *reading, struct bd_statement *row,
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
				     reading->dict, reading->faults) == BD_OK) {
		if (invalid != BD_OK) {
			bd_faults_add(reading->faults, invalid, node, pointer, "");
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

static void read_statement(const struct bd_held_reading *reading, struct bd_statement *row,
	const struct bd_json *node, size_t number, const char *pointer)
{
	static const struct bd_bytes names[] = { BD_BYTES("source"), BD_BYTES("entity"),
		BD_BYTES("section"), BD_BYTES("row"), BD_BYTES("as_of"), BD_BYTES("received"),
		BD_BYTES("rank"), BD_BYTES("other"), BD_BYTES("inverse"), BD_BYTES("blocked"),
		BD_BYTES("values"), { NULL, 0 } };
	const char *entity = bd_held_text(reading, node, "entity", "");
	const struct bd_entity *known = bd_dictionary_entity(reading->dict, entity);
	char key[32];

	bd_question_members(node, pointer, names, reading->faults);
	row->source = bd_held_text(reading, node, "source", NULL);
	if (row->source == NULL || known == NULL) {
		fail(reading, node, pointer, "a statement has a source and a known entity");
		return;
	}
	row->entity = known->number;
	row->section = bd_held_text(reading, node, "section", entity);
	snprintf(key, sizeof(key), "%zu", known->is_many ? number : (size_t)0);
	row->row_key = bd_arena_copy(
		reading->faults->arena, bd_bytes_of(bd_held_text(reading, node, "row", key)));
	row->as_of_ms = bd_held_time(reading, node, "as_of", reading->now_ms, pointer);
	row->received_ms = bd_held_time(reading, node, "received", row->as_of_ms, pointer);
	row->is_inverse = bd_held_flag(node, "inverse");
	row->is_blocked = bd_held_flag(node, "blocked");
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

static void read_statements(const struct bd_held_reading *reading, struct bd_held *held,
	const struct bd_json *list, const char *pointer)
{
	struct bd_statement *rows;

	if (list == NULL) {
		return;
	}
	rows = make(reading, list->count, sizeof(*rows));
	for (const struct bd_json *at = list->first; at != NULL && rows != NULL; at = at->next) {
		char place[POINTER_MAX];

		snprintf(place, sizeof(place), "%.100s/statements/%zu", pointer,
			held->statement_count);
		read_statement(
			reading, &rows[held->statement_count], at, held->statement_count, place);
		held->statement_count++;
	}
	if (rows != NULL && reading->faults->count == 0 && held->statement_count > 1) {
		qsort(rows, held->statement_count, sizeof(*rows), by_row);
	}
	held->statements = rows;
}

/* -- coverage -- */

static void read_cover(const struct bd_held_reading *reading, struct bd_coverage *coverage,
	const struct bd_json *node, const char *pointer)
{
	static const struct bd_bytes members[] = { BD_BYTES("source"), BD_BYTES("entity"),
		BD_BYTES("state"), BD_BYTES("through"), BD_BYTES("blocked"), { NULL, 0 } };
	static const char *const states[] = { "none", "gap", "subject", "feed" };
	const struct bd_entity *entity =
		bd_dictionary_entity(reading->dict, bd_held_text(reading, node, "entity", ""));
	const char *state = bd_held_text(reading, node, "state", "");

	bd_question_members(node, pointer, members, reading->faults);
	coverage->source = bd_held_text(reading, node, "source", NULL);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (bd_is_name(states[i], state)) {
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
	coverage->is_blocked = bd_held_flag(node, "blocked");
	coverage->complete_through_ms =
		bd_held_time(reading, node, "through", reading->now_ms, pointer);
}

static void read_coverage(const struct bd_held_reading *reading, struct bd_held *held,
	const struct bd_json *list, const char *pointer)
{
	struct bd_coverage *coverage;

	if (list == NULL) {
		return;
	}
	coverage = make(reading, list->count, sizeof(*coverage));
	for (const struct bd_json *at = list->first; at != NULL && coverage != NULL;
		at = at->next) {
		char place[POINTER_MAX];

		snprintf(
			place, sizeof(place), "%.100s/coverage/%zu", pointer, held->coverage_count);
		read_cover(reading, &coverage[held->coverage_count++], at, place);
	}
	held->coverage = coverage;
}

/* -- disputes -- */

static void read_dispute(const struct bd_held_reading *reading, struct bd_held_dispute *out,
	const struct bd_json *node, const char *pointer)
{
	static const struct bd_bytes names[] = { BD_BYTES("source"), BD_BYTES("entity"),
		BD_BYTES("field"), { NULL, 0 } };
	const char *entity = bd_held_text(reading, node, "entity", "");
	const char *field = bd_held_text(reading, node, "field", "");
	const struct bd_entity *found = bd_dictionary_entity(reading->dict, entity);
	const struct bd_field *of = bd_dictionary_field(reading->dict, entity, field);

	bd_question_members(node, pointer, names, reading->faults);
	if (found == NULL || (of == NULL && field[0] != '\0')) {
		bd_faults_add(reading->faults, BD_QUESTION_FORM, node, pointer,
			"no such entity, or no such field of it");
		return;
	}
	*out = (struct bd_held_dispute){ bd_held_text(reading, node, "source", ""), found->number,
		of != NULL ? of->number : 0 };
}

/* true: all of it. */
static void read_disputes(const struct bd_held_reading *reading, struct bd_held *held,
	const struct bd_json *list, const char *pointer)
{
	struct bd_held_dispute *disputes;

	if (list == NULL || list->type != BD_JSON_IS_ARRAY) {
		held->is_disputed = list != NULL && list->type == BD_JSON_IS_BOOL &&
				    bd_bytes_is(list->text, "true");
		return;
	}
	disputes = make(reading, list->count, sizeof(*disputes));
	held->disputes = disputes;
	for (const struct bd_json *at = list->first; at != NULL && disputes != NULL;
		at = at->next) {
		char place[POINTER_MAX];

		snprintf(place, sizeof(place), "%.100s/disputed/%zu", pointer, held->dispute_count);
		read_dispute(reading, &disputes[held->dispute_count++], at, place);
	}
}

/* -- subjects -- */

static enum bd_held_status status_of(const char *name, size_t statements)
{
	static const char *const names[] = { "found", "no_subject", "ambiguous", "withheld" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (bd_is_name(name, names[i])) {
			return (enum bd_held_status)(i + BD_HELD_FOUND);
		}
	}
	return statements > 0 ? BD_HELD_FOUND : BD_HELD_NO_SUBJECT;
}

static void read_subject(const struct bd_held_reading *reading, struct bd_held_item *one,
	const struct bd_json *node, const char *pointer)
{
	static const struct bd_bytes names[] = { BD_BYTES("of"), BD_BYTES("title"),
		BD_BYTES("status"), BD_BYTES("disputed"), BD_BYTES("statements"),
		BD_BYTES("coverage"), { NULL, 0 } };
	enum bd_code invalid = BD_OK;

	bd_question_members(node, pointer, names, reading->faults);
	if (bd_question_subject(&one->identifier, &invalid, &one->held.subject,
		    bd_json_get(node, "of"), pointer, reading->dict, reading->faults) != BD_OK) {
		return;
	}
	if (invalid != BD_OK) {
		bd_faults_add(reading->faults, invalid, node, pointer, "");
	}
	read_statements(reading, &one->held, bd_json_get(node, "statements"), pointer);
	read_coverage(reading, &one->held, bd_json_get(node, "coverage"), pointer);
	one->held.status =
		status_of(bd_held_text(reading, node, "status", ""), one->held.statement_count);
	one->held.identifiers = &one->identifier;
	one->held.identifier_count = one->held.status == BD_HELD_FOUND;
	read_disputes(reading, &one->held, bd_json_get(node, "disputed"), pointer);
}

void bd_held_file_read(
	struct bd_held_file *out, const struct bd_json *list, const struct bd_held_reading *reading)
{
	*out = (struct bd_held_file){ .dict = reading->dict };
	if (list == NULL) {
		return;
	}
	out->items = make(reading, list->count, sizeof(*out->items));
	for (const struct bd_json *at = list->first; at != NULL && out->items != NULL;
		at = at->next) {
		char pointer[POINTER_MAX];

		snprintf(pointer, sizeof(pointer), "/held/%zu", out->count);
		read_subject(reading, &out->items[out->count++], at, pointer);
	}
}

static bool is_held(const struct bd_held_item *one, const struct bd_identifier *identifiers,
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

struct bd_held *bd_held_file_find(
	const struct bd_held_file *file, const struct bd_identifier *identifiers, size_t count)
{
	for (size_t i = 0; i < file->count; i++) {
		if (is_held(&file->items[i], identifiers, count, file->dict)) {
			return &file->items[i].held;
		}
	}
	return NULL;
}
