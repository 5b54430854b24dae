#include "answer/row.h"

const struct bd_held_value *bd_statement_value(
	const struct bd_statement *statement, uint16_t field, size_t *count)
{
	const struct bd_held_value *first = NULL;

	*count = 0;
	for (size_t i = 0; i < statement->value_count; i++) {
		if (statement->values[i].value.field == field) {
			first = first == NULL ? &statement->values[i] : first;
			(*count)++;
		}
	}
	return first;
}

static const struct bd_held_value *unless_none(const struct bd_held_value *value, size_t count)
{
	/* One of two that contradict each other may be none; that is for the caller to see. */
	return value != NULL && count == 1 && (value->value.flags & BD_VALUE_NONE) != 0 ? NULL
											: value;
}

const struct bd_held_value *bd_statement_given(
	const struct bd_statement *statement, uint16_t field, size_t *count)
{
	const struct bd_held_value *value = bd_statement_value(statement, field, count);

	return unless_none(value, *count);
}

/* Higher rank first, then the later one. */
static bool is_newer(const struct bd_held_value *a, const struct bd_held_value *b)
{
	if (a->order.rank != b->order.rank) {
		return a->order.rank > b->order.rank;
	}
	return a->as_of_ms > b->as_of_ms;
}

static bool is_same(const struct bd_held_value *a, const struct bd_held_value *b)
{
	return a->value.flags == b->value.flags && bd_bytes_equal(a->value.text, b->value.text);
}

static bool is_same_row(const struct bd_statement *a, const struct bd_statement *b)
{
	return a->entity == b->entity && bd_bytes_equal(a->row_key, b->row_key) &&
	       bd_is_name(a->source, b->source);
}

const struct bd_held_value *bd_row_value(
	const struct bd_held *held, size_t at, uint16_t field, size_t *count)
{
	const struct bd_statement *row = &held->statements[at];
	const struct bd_held_value *newest = NULL;
	size_t first = at;

	while (first > 0 && is_same_row(&held->statements[first - 1], row)) {
		first--;
	}
	*count = 0;
	for (size_t i = first; i < held->statement_count && is_same_row(&held->statements[i], row);
		i++) {
		size_t same_order;
		const struct bd_held_value *value =
			bd_statement_value(&held->statements[i], field, &same_order);

		if (value == NULL || held->statements[i].is_inverse != row->is_inverse) {
			continue;
		}
		if (newest == NULL || is_newer(value, newest)) {
			newest = value;
			*count = same_order;
		} else if (!is_newer(newest, value) &&
			   (same_order > 1 || !is_same(value, newest))) {
			*count += same_order;
		}
	}
	return newest;
}

const struct bd_held_value *bd_row_given(
	const struct bd_held *held, size_t at, uint16_t field, size_t *count)
{
	const struct bd_held_value *value = bd_row_value(held, at, field, count);

	return unless_none(value, *count);
}

bool bd_row_replaces(
	size_t *count, const struct bd_held *held, size_t at, const struct bd_held_value *own)
{
	const struct bd_held_value *newest = bd_row_value(held, at, own->value.field, count);

	return newest != NULL && is_newer(newest, own);
}

bool bd_row_is_superseded(const struct bd_held *held, size_t at, uint16_t field)
{
	size_t count;
	const struct bd_held_value *own = bd_statement_value(&held->statements[at], field, &count);

	return own != NULL && bd_row_replaces(&count, held, at, own);
}
