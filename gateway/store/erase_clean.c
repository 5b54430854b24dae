#include "store/erase_clean.h"

#include "base/digest.h"
#include "base/try.h"
#include "store/dispute.h"

#include <stdio.h>
#include <string.h>

/* A resident number of 18 digits, as it was until 1999: without the century and the check digit. */
#define RESIDENT_BYTES 18
#define RESIDENT_OLD_BYTES 15
/* In place of what stood there. */
static const char gone_text[] = "〔已删除〕";
static const char key_prefix[] = "erased ";
#define KEY_RANDOM_BYTES 16
/* Of two characters at least: a shorter name would be found in every text. */
#define WORD_MIN_BYTES 4

/* -- who -- */

static bool is_resident_number(struct bd_bytes number)
{
	if (number.len != RESIDENT_BYTES || memcmp(number.ptr + 6, "19", 2) != 0) {
		return false;
	}
	for (size_t i = 0; i + 1 < number.len; i++) {
		if (number.ptr[i] < '0' || number.ptr[i] > '9') {
			return false;
		}
	}
	return true;
}

enum bd_code bd_erase_who_begin(struct bd_erase_who *who)
{
	who->number_count = 0;
	for (size_t i = 0; i < who->name_count && i < BD_SUBJECT_NODES_MAX; i++) {
		struct bd_bytes number = who->names[i].number;
		char *old;

		if (number.len < BD_ERASE_WORD_MIN_BYTES) {
			continue;
		}
		who->numbers[who->number_count++] = number;
		if (!is_resident_number(number)) {
			continue;
		}
		old = bd_arena_alloc(who->arena, RESIDENT_OLD_BYTES, 1);
		if (old == NULL) {
			return bd_arena_code(who->arena);
		}
		memcpy(old, number.ptr, 6);
		memcpy(old + 6, number.ptr + 8, RESIDENT_OLD_BYTES - 6);
		who->numbers[who->number_count++] = (struct bd_bytes){ old, RESIDENT_OLD_BYTES };
	}
	return BD_OK;
}

bool bd_erase_is_word(const struct bd_erase_who *who, struct bd_bytes text)
{
	for (size_t i = 0; i < who->word_count; i++) {
		if (bd_bytes_equal(who->words[i], text)) {
			return true;
		}
	}
	return false;
}

enum bd_code bd_erase_learn(struct bd_erase_who *who, struct bd_bytes word)
{
	struct bd_bytes copy;

	if (word.len < WORD_MIN_BYTES || who->word_count == BD_ERASE_WORDS_MAX ||
		bd_erase_is_word(who, word)) {
		return BD_OK;
	}
	copy = bd_arena_copy(who->arena, word);
	if (copy.ptr == NULL) {
		return bd_arena_code(who->arena);
	}
	who->words[who->word_count++] = copy;
	return BD_OK;
}

static bool is_among(const uint16_t *fields, size_t count, uint16_t field)
{
	for (size_t i = 0; i < count; i++) {
		if (fields[i] == field) {
			return true;
		}
	}
	return false;
}

static bool is_personal(const struct bd_erase_who *who, uint16_t field)
{
	return is_among(who->personal, who->personal_count, field);
}

bool bd_erase_is_name(const struct bd_erase_who *who, uint16_t field)
{
	return is_among(who->called, who->called_count, field);
}

bool bd_erase_is_name_of(const struct bd_erase_who *who, const struct bd_identifier *identifier)
{
	for (size_t i = 0; i < who->name_count; i++) {
		if (bd_identifier_equal(&who->names[i], identifier)) {
			return true;
		}
	}
	return false;
}

bool bd_erase_has_number(const struct bd_erase_who *who, struct bd_bytes text)
{
	for (size_t i = 0; i < who->number_count; i++) {
		if (text.len > 0 && memmem(text.ptr, text.len, who->numbers[i].ptr,
					    who->numbers[i].len) != NULL) {
			return true;
		}
	}
	return false;
}

/* -- texts -- */

/* The longest of what stands at the beginning of the text; 0 = nothing. */
static size_t known_here(struct bd_bytes text, const struct bd_bytes *known, size_t count)
{
	size_t longest = 0;

	for (size_t i = 0; i < count; i++) {
		if (known[i].len > longest && known[i].len <= text.len &&
			memcmp(text.ptr, known[i].ptr, known[i].len) == 0) {
			longest = known[i].len;
		}
	}
	return longest;
}

enum bd_code bd_erase_text(struct bd_bytes *out, struct bd_bytes text,
	const struct bd_erase_who *who, struct bd_arena *arena)
{
	size_t room = text.len * sizeof(gone_text) + 1;
	struct bd_buf made = { bd_arena_alloc(arena, room, 1), 0, room, room };
	bool is_changed = false;

	*out = text;
	if (made.ptr == NULL) {
		return bd_arena_code(arena);
	}
	while (text.len > 0) {
		size_t numbers = known_here(text, who->numbers, who->number_count);
		size_t words = known_here(text, who->words, who->word_count);
		size_t len = numbers > words ? numbers : words;

		BD_TRY(len > 0 ? bd_buf_add_text(&made, gone_text)
			       : bd_buf_add_byte(&made, text.ptr[0]));
		is_changed |= len > 0;
		len += len == 0;
		text.ptr += len;
		text.len -= len;
	}
	*out = is_changed ? bd_buf_bytes(&made) : *out;
	return BD_OK;
}

/* -- rows -- */

static bool leads_to(const struct bd_erase_who *who, const struct bd_node_row *row)
{
	for (const struct bd_node_name *name = row->others; name != NULL; name = name->next) {
		if (bd_erase_is_name_of(who, &name->identifier)) {
			return true;
		}
	}
	return false;
}

static bool is_value_gone(const struct bd_erase_who *who, const struct bd_node_row *row,
	const struct bd_value *value, bool is_led)
{
	if (bd_erase_has_number(who, value->text) || bd_erase_has_number(who, value->native)) {
		return true;
	}
	if (!is_personal(who, value->field)) {
		return false;
	}
	return is_led || (row->others == NULL && (bd_erase_is_word(who, value->text) ||
							 bd_erase_is_word(who, value->native)));
}

/* A field that has no values left is no field: an empty one would be a recalled one. */
static enum bd_code copy_field(struct bd_node_field **out, const struct bd_node_field *field,
	const struct bd_node_row *row, bool is_led, struct bd_erase_who *who,
	struct bd_arena *arena)
{
	struct bd_node_field *copy = bd_arena_alloc(arena, 1, sizeof(*copy));
	struct bd_node_value **link;

	*out = NULL;
	if (copy == NULL) {
		return bd_arena_code(arena);
	}
	*copy = *field;
	copy->next = NULL;
	link = &copy->values;
	*link = NULL;
	for (const struct bd_node_value *value = field->values; value != NULL;
		value = value->next) {
		if (is_value_gone(who, row, &value->value, is_led)) {
			if (is_led && bd_erase_is_name(who, field->number)) {
				BD_TRY(bd_erase_learn(who, value->value.text));
				BD_TRY(bd_erase_learn(who, value->value.native));
			}
			continue;
		}
		*link = bd_arena_alloc(arena, 1, sizeof(**link));
		if (*link == NULL) {
			return bd_arena_code(arena);
		}
		**link = *value;
		link = &(*link)->next;
		*link = NULL;
	}
	*out = copy->values != NULL || field->values == NULL ? copy : NULL;
	return BD_OK;
}

static size_t count_values(const struct bd_node_field *field)
{
	size_t count = 0;

	for (; field != NULL; field = field->next) {
		for (const struct bd_node_value *value = field->values; value != NULL;
			value = value->next) {
			count++;
		}
	}
	return count;
}

/* The list that was there stays as it was: a dispute compares with it. */
static enum bd_code clean_fields(bool *is_changed, struct bd_node_row *row, bool is_led,
	struct bd_erase_who *who, struct bd_arena *arena)
{
	struct bd_node_field *fields = NULL, **link = &fields;
	size_t before = count_values(row->fields);

	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		BD_TRY(copy_field(link, field, row, is_led, who, arena));
		link = *link != NULL ? &(*link)->next : link;
	}
	if (count_values(fields) != before) {
		*is_changed = true;
		row->fields = fields;
	}
	return BD_OK;
}

static enum bd_code draw_key(struct bd_node_row *row, struct bd_seal *seal, struct bd_arena *arena)
{
	size_t room = sizeof(key_prefix) + 2 * KEY_RANDOM_BYTES;
	char *key = bd_arena_alloc(arena, room, 1);
	uint8_t random[KEY_RANDOM_BYTES];

	if (key == NULL) {
		return bd_arena_code(arena);
	}
	BD_TRY(bd_seal_random(seal, random, sizeof(random)));
	memcpy(key, key_prefix, sizeof(key_prefix));
	for (size_t i = 0; i < sizeof(random); i++) {
		snprintf(key + sizeof(key_prefix) - 1 + 2 * i, 3, "%02x", random[i]);
	}
	row->key = bd_bytes_of(key);
	return BD_OK;
}

/* Of what it says now: the digest of before was of what is gone. */
static enum bd_code set_digest(
	struct bd_node_row *row, struct bd_bytes origin, struct bd_seal *seal)
{
	struct bd_buf content;
	enum bd_code code;

	bd_buf_init(&content, BD_NODE_MAX_BYTES);
	code = bd_node_row_content(&content, row, origin);
	code = code == BD_OK ? bd_seal_statement(seal, bd_buf_bytes(&content), row->digest) : code;
	if (content.len > 0) {
		bd_wipe(content.ptr, content.len);
	}
	bd_buf_release(&content);
	return code;
}

struct cleaning {
	struct bd_node *node;
	struct bd_erase_who *who;
	struct bd_seal *seal;
	struct bd_bytes origin;
	bool is_changed, has_new_key;
};

static enum bd_code clean_row(struct cleaning *cleaning, struct bd_node_row *row, bool is_led)
{
	struct bd_erase_who *who = cleaning->who;
	struct bd_arena *arena = cleaning->node->arena;
	const struct bd_node_row was = *row;
	bool is_changed = is_led;

	BD_TRY(clean_fields(&is_changed, row, is_led, who, arena));
	if (is_led || bd_erase_has_number(who, row->key)) {
		BD_TRY(draw_key(row, cleaning->seal, arena));
		cleaning->has_new_key = is_changed = true;
	}
	if (!is_changed) {
		return BD_OK;
	}
	row->others = is_led ? NULL : row->others;
	row->is_touched = true;
	cleaning->is_changed = true;
	BD_TRY(bd_dispute_follow(cleaning->node, &was, row, cleaning->seal));
	return set_digest(row, cleaning->origin, cleaning->seal);
}

static bool has_drawn_key(const struct bd_node_row *row)
{
	return row->key.len >= sizeof(key_prefix) - 1 &&
	       memcmp(row->key.ptr, key_prefix, sizeof(key_prefix) - 1) == 0;
}

static void insert_row(struct bd_node *node, struct bd_node_row *row)
{
	struct bd_node_row **link = &node->rows;

	while (*link != NULL && bd_node_row_compare(*link, row) < 0) {
		link = &(*link)->next;
	}
	row->next = *link;
	*link = row;
}

/* In their order again: some keys have changed. */
static void sort_rows(struct bd_node *node)
{
	struct bd_node_row *moved = NULL, **link = &node->rows;

	node->last = NULL;
	while (*link != NULL) {
		struct bd_node_row *row = *link;

		if (has_drawn_key(row)) {
			*link = row->next;
			row->next = moved;
			moved = row;
		} else {
			link = &row->next;
		}
	}
	while (moved != NULL) {
		struct bd_node_row *row = moved;

		moved = row->next;
		insert_row(node, row);
	}
}

/* -- refused rows -- */

/* Whom it would have led to is not said any more: it stands for any row of its place. */
static void clean_blocks(struct cleaning *cleaning)
{
	const struct bd_erase_who *who = cleaning->who;

	for (struct bd_node_block *block = cleaning->node->blocks; block != NULL;
		block = block->next) {
		bool is_led = false;

		for (size_t i = 0; i < block->other_count; i++) {
			is_led |= bd_erase_is_name_of(who, &block->others[i]);
		}
		if (is_led || bd_erase_has_number(who, block->key)) {
			block->has_key = false;
			block->key = (struct bd_bytes){ "", 0 };
			block->others = NULL;
			block->other_count = 0;
			cleaning->is_changed = true;
		}
	}
}

/* -- the whole -- */

enum bd_code bd_erase_clean(bool *is_changed, struct bd_node *node, struct bd_erase_who *who,
	const uint8_t key[BD_NODE_KEY_BYTES], struct bd_seal *seal)
{
	uint8_t origin[BD_NODE_KEY_BYTES];
	struct cleaning cleaning = { .node = node,
		.who = who,
		.seal = seal,
		.origin = { (const char *)origin, sizeof(origin) } };

	BD_TRY(bd_seal_origin(seal, &node->self, key, origin));
	/* First those that say what it is called. */
	for (struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (leads_to(who, row)) {
			BD_TRY(clean_row(&cleaning, row, true));
		}
	}
	for (struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		BD_TRY(clean_row(&cleaning, row, false));
	}
	clean_blocks(&cleaning);
	if (cleaning.has_new_key) {
		sort_rows(node);
	}
	*is_changed = cleaning.is_changed;
	return BD_OK;
}
