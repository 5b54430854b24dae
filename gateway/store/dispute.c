#include "store/dispute.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/try.h"
#include "record/pack.h"
#include "store/apply.h"

#include <string.h>

/* -- what it is about -- */

typedef uint8_t mark_bytes[BD_DISPUTE_MARK_BYTES];

static bool is_of(const struct bd_node_row *row, const struct bd_node_dispute *dispute)
{
	return row->is_seen && row->entity == dispute->entity &&
	       bd_bytes_equal(row->source, dispute->source);
}

static enum bd_code add_values(
	struct bd_buf *out, const struct bd_node_row *row, uint16_t field_number)
{
	for (const struct bd_node_field *field = row->fields; field != NULL; field = field->next) {
		for (const struct bd_node_value *value = field->values;
			value != NULL && field->number == field_number &&
			bd_node_field_is_seen(row, field);
			value = value->next) {
			BD_TRY(bd_buf_add_u8(
				out, (uint8_t)(value->value.flags & ~BD_VALUE_NORMALIZED)));
			BD_TRY(bd_buf_add_sized(out, value->value.text));
		}
	}
	return BD_OK;
}

/* The row, and of a disputed field what it says. */
static enum bd_code make_mark(mark_bytes out, const struct bd_node_row *row,
	const struct bd_node_dispute *dispute, struct bd_seal *seal)
{
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, BD_NODE_MAX_BYTES);
	code = bd_buf_add_text(&text, "dispute");
	code = code == BD_OK ? bd_buf_add_sized(&text, row->section) : code;
	code = code == BD_OK ? bd_buf_add_sized(&text, row->key) : code;
	code = code == BD_OK ? add_values(&text, row, dispute->field) : code;
	code = code == BD_OK ? bd_seal_statement(seal, bd_buf_bytes(&text), digest) : code;
	if (text.len > 0) {
		bd_wipe(text.ptr, text.len);
	}
	bd_buf_release(&text);
	if (code == BD_OK) {
		memcpy(out, digest, BD_DISPUTE_MARK_BYTES);
	}
	return code;
}

static enum bd_code mark_all(
	struct bd_node *node, struct bd_node_dispute *dispute, struct bd_seal *seal)
{
	mark_bytes *marks = bd_arena_alloc(node->arena, BD_DISPUTE_MARKS_MAX, sizeof(*marks));

	if (marks == NULL) {
		return bd_arena_code(node->arena);
	}
	dispute->marks = (const mark_bytes *)marks;
	dispute->has_all_marks = true;
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		if (!is_of(row, dispute)) {
			continue;
		}
		if (dispute->mark_count == BD_DISPUTE_MARKS_MAX) {
			dispute->has_all_marks = false;
			return BD_OK;
		}
		BD_TRY(make_mark(marks[dispute->mark_count++], row, dispute, seal));
	}
	return BD_OK;
}

static enum bd_code follow(struct bd_node_dispute *dispute, const struct bd_node_row *was,
	const struct bd_node_row *now, struct bd_node *node, struct bd_seal *seal)
{
	mark_bytes before, *marks;

	BD_TRY(make_mark(before, was, dispute, seal));
	marks = bd_arena_alloc(node->arena, dispute->mark_count + 1, sizeof(*marks));
	if (marks == NULL) {
		return bd_arena_code(node->arena);
	}
	for (size_t i = 0; i < dispute->mark_count; i++) {
		memcpy(marks[i], dispute->marks[i], sizeof(*marks));
		if (memcmp(marks[i], before, sizeof(*marks)) == 0) {
			BD_TRY(make_mark(marks[i], now, dispute, seal));
		}
	}
	dispute->marks = (const mark_bytes *)marks;
	return BD_OK;
}

enum bd_code bd_dispute_follow(struct bd_node *node, const struct bd_node_row *was,
	const struct bd_node_row *now, struct bd_seal *seal)
{
	for (struct bd_node_dispute *one = node->disputes; one != NULL; one = one->next) {
		if (is_of(was, one)) {
			BD_TRY(follow(one, was, now, node, seal));
		}
	}
	return BD_OK;
}

/* rule: merge.dispute. */
static enum bd_code is_over(bool *over, const struct bd_node *node,
	const struct bd_node_dispute *dispute, struct bd_seal *seal)
{
	bool has_any = false;

	*over = false;
	if (!dispute->has_all_marks) {
		return BD_OK;
	}
	for (const struct bd_node_row *row = node->rows; row != NULL; row = row->next) {
		mark_bytes mark;

		if (!is_of(row, dispute)) {
			continue;
		}
		has_any = true;
		BD_TRY(make_mark(mark, row, dispute, seal));
		for (size_t i = 0; i < dispute->mark_count; i++) {
			if (memcmp(mark, dispute->marks[i], sizeof(mark)) == 0) {
				return BD_OK;
			}
		}
	}
	*over = dispute->mark_count > 0 || has_any;
	return BD_OK;
}

/* -- in a node -- */

enum bd_code bd_dispute_enter(struct bd_node *node, const struct bd_node_dispute *dispute)
{
	struct bd_node_dispute **link = &node->disputes, *made;
	size_t count = 0;

	while (*link != NULL && (*link)->id < dispute->id) {
		link = &(*link)->next;
		count++;
	}
	if (dispute->resolution != NULL) {
		if (*link == NULL || (*link)->id != dispute->id) {
			return BD_DISPUTE_CLOSED;
		}
		(*link)->resolution = dispute->resolution;
		return BD_OK;
	}
	if (count >= BD_NODE_DISPUTES_MAX) {
		return BD_LIMIT_COUNT;
	}
	made = bd_arena_alloc(node->arena, 1, sizeof(*made));
	if (made == NULL) {
		return bd_arena_code(node->arena);
	}
	*made = *dispute;
	made->next = *link;
	*link = made;
	return BD_OK;
}

enum bd_code bd_dispute_look(struct bd_node *node, struct bd_seal *seal)
{
	struct bd_node_dispute **over = &node->over;

	for (struct bd_node_dispute **link = &node->disputes; *link != NULL;) {
		struct bd_node_dispute *dispute = *link;
		bool is_one = dispute->resolution != NULL;

		if (dispute->is_new) {
			BD_TRY(mark_all(node, dispute, seal));
		} else if (!is_one) {
			BD_TRY(is_over(&is_one, node, dispute, seal));
		}
		if (is_one) {
			*link = dispute->next;
			dispute->next = NULL;
			*over = dispute;
			over = &dispute->next;
		} else {
			link = &dispute->next;
		}
	}
	return BD_OK;
}

/* -- in the database -- */

static void put_be(char *out, uint64_t number, int bytes)
{
	for (int i = 0; i < bytes; i++) {
		out[i] = (char)(number >> (8 * (bytes - 1 - i)));
	}
}

static uint64_t get_be(const char *in, int bytes)
{
	uint64_t number = 0;

	for (int i = 0; i < bytes; i++) {
		number = number << 8 | (uint8_t)in[i];
	}
	return number;
}

void bd_dispute_name(char out[BD_DISPUTE_NAME_BYTES], uint64_t id)
{
	out[0] = 'r';
	put_be(out + 1, id, 8);
}

bool bd_dispute_id(uint64_t *id, const MDB_val *name)
{
	const char *bytes = name->mv_data;

	if (name->mv_size != BD_DISPUTE_NAME_BYTES || bytes[0] != 'r') {
		return false;
	}
	*id = get_be(bytes + 1, 8);
	return true;
}

/* Days before 1970 sort before those after. */
#define DAY_BIAS UINT32_C(0x80000000)

void bd_dispute_due_name(char out[BD_DISPUTE_DUE_BYTES], int32_t day, uint64_t id)
{
	out[0] = 'o';
	put_be(out + 1, (uint32_t)day ^ DAY_BIAS, 4);
	put_be(out + 5, id, 8);
}

bool bd_dispute_due_read(int32_t *day, uint64_t *id, const MDB_val *name)
{
	const char *bytes = name->mv_data;

	if (name->mv_size != BD_DISPUTE_DUE_BYTES || bytes[0] != 'o') {
		return false;
	}
	*day = (int32_t)((uint32_t)get_be(bytes + 1, 4) ^ DAY_BIAS);
	*id = get_be(bytes + 5, 8);
	return true;
}

static enum bd_code pack_dispute(struct bd_buf *out, const struct bd_dispute *dispute)
{
	BD_TRY(bd_buf_add_sized(out, bd_bytes_of(dispute->source)));
	BD_TRY(bd_buf_add_u16(out, dispute->entity));
	BD_TRY(bd_buf_add_u16(out, dispute->field));
	BD_TRY(bd_buf_add_sized(out, bd_bytes_of(dispute->reason)));
	BD_TRY(bd_buf_add_sized(out, bd_bytes_of(dispute->reference)));
	BD_TRY(bd_buf_add_sized(out, bd_bytes_of(dispute->sender)));
	BD_TRY(bd_identifier_pack(out, &dispute->subject));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)dispute->opened_ms));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)dispute->due_day));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)dispute->state));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)dispute->closed_ms));
	BD_TRY(bd_buf_add_sized(out, bd_bytes_of(dispute->closed_by)));
	return bd_buf_add_sized(out, bd_bytes_of(dispute->closed_reference));
}

static const char *read_text(struct bd_reader *reader, struct bd_arena *arena)
{
	const char *text = bd_arena_text(arena, bd_read_sized(reader));

	reader->ok = reader->ok && text != NULL;
	return text;
}

static enum bd_code unpack_dispute(
	struct bd_dispute *out, struct bd_bytes packed, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(packed);

	out->source = read_text(&reader, arena);
	out->entity = bd_read_u16(&reader);
	out->field = bd_read_u16(&reader);
	out->reason = read_text(&reader, arena);
	out->reference = read_text(&reader, arena);
	out->sender = read_text(&reader, arena);
	out->subject = bd_identifier_unpack(&reader);
	out->opened_ms = (int64_t)bd_read_u64(&reader);
	out->due_day = (int32_t)bd_read_u32(&reader);
	out->state = (enum bd_dispute_state)bd_read_u8(&reader);
	out->closed_ms = (int64_t)bd_read_u64(&reader);
	out->closed_by = read_text(&reader, arena);
	out->closed_reference = read_text(&reader, arena);
	if (!reader.ok || reader.rest.len > 0 || out->state > BD_DISPUTE_CORRECTED) {
		return bd_arena_code(arena) != BD_OK ? bd_arena_code(arena) : BD_STORE_DAMAGED;
	}
	return BD_OK;
}

enum bd_code bd_dispute_open(struct bd_dispute *out, bool *found, uint8_t key[BD_NODE_KEY_BYTES],
	const struct bd_node_view *view, uint64_t id, struct bd_bytes value, struct bd_arena *arena)
{
	const struct bd_salts *salts = &view->store->salts;
	struct bd_reader reader = bd_reader_of(value);
	struct bd_bytes node = bd_read_bytes(&reader, BD_NODE_KEY_BYTES);
	uint64_t slot = bd_read_u64(&reader);
	char name[BD_DISPUTE_NAME_BYTES];
	uint8_t salt[BD_SALT_BYTES];
	struct bd_buf plain = { 0 };
	enum bd_code code;

	*found = false;
	if (!reader.ok) {
		return BD_STORE_DAMAGED;
	}
	if (!bd_view_salt(salt, view, slot)) {
		return BD_OK;
	}
	bd_dispute_name(name, id);
	plain.cap = plain.max = reader.rest.len;
	plain.ptr = bd_arena_alloc(arena, plain.cap, 1);
	if (plain.ptr == NULL) {
		return bd_arena_code(arena);
	}
	code = bd_seal_open(
		view->seal, &plain, salt, (struct bd_bytes){ name, sizeof(name) }, reader.rest);
	/* Erased while it was being read. */
	if (code == BD_STORE_DAMAGED && !view->is_writer && !bd_salts_get(salt, salts, slot)) {
		return BD_OK;
	}
	BD_TRY(code);
	*out = (struct bd_dispute){ .id = id };
	BD_TRY(unpack_dispute(out, bd_buf_bytes(&plain), arena));
	memcpy(key, node.ptr, BD_NODE_KEY_BYTES);
	*found = true;
	return BD_OK;
}

enum bd_code bd_dispute_put(
	struct bd_txn *txn, const struct bd_dispute *dispute, const struct bd_dispute_place *place)
{
	char name[BD_DISPUTE_NAME_BYTES];
	struct bd_bytes name_bytes = { name, sizeof(name) };
	struct bd_buf plain, value;
	enum bd_code code;

	bd_dispute_name(name, dispute->id);
	bd_buf_init(&plain, BD_RECORD_MAX_BYTES);
	bd_buf_init(&value, BD_RECORD_MAX_BYTES);
	code = pack_dispute(&plain, dispute);
	code = code == BD_OK ? bd_buf_add(&value, (struct bd_bytes){ (const char *)place->key,
							  BD_NODE_KEY_BYTES })
			     : code;
	code = code == BD_OK ? bd_buf_add_u64(&value, place->slot) : code;
	code = code == BD_OK ? bd_seal_close(txn->store->seal, &value, place->salt, name_bytes,
				       bd_buf_bytes(&plain))
			     : code;
	code = code == BD_OK
		       ? bd_txn_put(txn, txn->store->disputes, name_bytes, bd_buf_bytes(&value))
		       : code;
	if (plain.len > 0) {
		bd_wipe(plain.ptr, plain.len);
	}
	bd_buf_release(&plain);
	bd_buf_release(&value);
	return code;
}

static enum bd_code keep_new(struct bd_txn *txn, const struct bd_node_dispute *one,
	const struct bd_dispute_place *place, const struct bd_journal_entry *journal)
{
	struct bd_dispute dispute = journal->entry.dispute;
	char due[BD_DISPUTE_DUE_BYTES];

	dispute.id = one->id;
	dispute.source = journal->entry.source;
	dispute.sender = journal->entry.sender;
	dispute.opened_ms = journal->entry.received_ms;
	dispute.closed_by = "";
	dispute.closed_reference = "";
	bd_dispute_due_name(due, dispute.due_day, dispute.id);
	BD_TRY(bd_txn_put(txn, txn->store->disputes, (struct bd_bytes){ due, sizeof(due) },
		(struct bd_bytes){ "", 0 }));
	return bd_dispute_put(txn, &dispute, place);
}

enum bd_code bd_dispute_load(struct bd_dispute *out, bool *found, uint8_t key[BD_NODE_KEY_BYTES],
	struct bd_txn *txn, uint64_t id, struct bd_arena *arena)
{
	const struct bd_node_view view = { txn->store, txn->mdb, txn->store->seal, &txn->marks,
		true, NULL, false };
	char name[BD_DISPUTE_NAME_BYTES];
	struct bd_bytes value;

	bd_dispute_name(name, id);
	BD_TRY(bd_txn_get(
		&value, found, txn, txn->store->disputes, (struct bd_bytes){ name, sizeof(name) }));
	return *found ? bd_dispute_open(out, found, key, &view, id, value, arena) : BD_OK;
}

static enum bd_code keep_over(struct bd_txn *txn, const struct bd_node_dispute *one,
	const struct bd_dispute_place *place, const struct bd_journal_entry *journal,
	struct bd_arena *arena)
{
	uint8_t key[BD_NODE_KEY_BYTES];
	char due[BD_DISPUTE_DUE_BYTES];
	struct bd_dispute dispute;
	bool found = false;

	BD_TRY(bd_dispute_load(&dispute, &found, key, txn, one->id, arena));
	if (!found) {
		return BD_STORE_DAMAGED;
	}
	bd_dispute_due_name(due, dispute.due_day, dispute.id);
	dispute.closed_ms = journal->entry.received_ms;
	dispute.state = BD_DISPUTE_CORRECTED;
	if (one->resolution != NULL) {
		dispute.state = one->resolution->state;
		dispute.closed_by = journal->entry.sender;
		dispute.closed_reference = one->resolution->reference;
	}
	BD_TRY(bd_txn_delete(txn, txn->store->disputes, (struct bd_bytes){ due, sizeof(due) }));
	return bd_dispute_put(txn, &dispute, place);
}

enum bd_code bd_dispute_keep(struct bd_txn *txn, struct bd_node *node,
	const struct bd_dispute_place *place, const struct bd_journal_entry *journal)
{
	for (struct bd_node_dispute *one = node->disputes; one != NULL; one = one->next) {
		if (one->is_new) {
			BD_TRY(keep_new(txn, one, place, journal));
			one->is_new = false;
		}
	}
	for (const struct bd_node_dispute *one = node->over; one != NULL; one = one->next) {
		BD_TRY(keep_over(txn, one, place, journal, node->arena));
	}
	node->over = NULL;
	return BD_OK;
}

/* -- from an entry -- */

/* Of the subject's nodes the first that has rows of what is disputed, else the first. */
static enum bd_code find_place(const struct bd_identifier **out, struct bd_apply *apply)
{
	const struct bd_entry *entry = &apply->journal->entry;
	struct bd_txn *txn = apply->txn;
	const struct bd_node_view view = { txn->store, txn->mdb, txn->store->seal, &txn->marks,
		true, NULL, false };
	const struct bd_node_dispute about = { .source = bd_bytes_of(entry->source),
		.entity = entry->dispute.entity };

	*out = &entry->subject[0];
	for (size_t i = 0; i < entry->subject_count; i++) {
		uint8_t key[BD_NODE_KEY_BYTES];
		struct bd_node node;
		uint64_t slot;
		bool found = false;

		bd_arena_clear(&txn->node_arena);
		BD_TRY(bd_seal_blind(txn->store->seal, &entry->subject[i], key));
		BD_TRY(bd_node_load(&node, &slot, &found, &view, key, &txn->node_arena, txn->diag));
		for (const struct bd_node_row *row = found ? node.rows : NULL; row != NULL;
			row = row->next) {
			if (is_of(row, &about)) {
				*out = &entry->subject[i];
				return BD_OK;
			}
		}
	}
	return BD_OK;
}

static enum bd_code add_new(struct bd_apply *apply, struct bd_node_dispute *dispute)
{
	const struct bd_entry *entry = &apply->journal->entry;
	const struct bd_identifier *self = NULL;
	struct bd_item *item = NULL;

	if (entry->subject_count == 0) {
		return bd_fail(apply->txn->diag, BD_SUBJECT_MISSING, "%s", "");
	}
	*dispute = (struct bd_node_dispute){ .id = entry->message,
		.source = bd_bytes_of(entry->source),
		.entity = entry->dispute.entity,
		.field = entry->dispute.field,
		.is_new = true };
	BD_TRY(find_place(&self, apply));
	BD_TRY(bd_apply_new_item(apply, &item, self));
	item->dispute = dispute;
	return BD_OK;
}

static enum bd_code add_resolution(struct bd_apply *apply, struct bd_node_dispute *dispute)
{
	const struct bd_resolution *resolution = &apply->journal->entry.resolution;
	uint8_t key[BD_NODE_KEY_BYTES];
	struct bd_item *item = NULL;
	struct bd_dispute known;
	bool found = false;

	BD_TRY(bd_dispute_load(
		&known, &found, key, apply->txn, resolution->dispute, &apply->txn->arena));
	if (!found) {
		return bd_fail(apply->txn->diag, BD_DISPUTE_UNKNOWN, "%s", "");
	}
	if (known.state != BD_DISPUTE_OPEN) {
		return bd_fail(apply->txn->diag, BD_DISPUTE_CLOSED, "%s", "");
	}
	*dispute = (struct bd_node_dispute){ .id = known.id, .resolution = resolution };
	/* It stands where it was put: under another identifier perhaps than the one it was raised
	 * with. */
	BD_TRY(bd_apply_new_item(apply, &item, &known.subject));
	memcpy(item->key, key, sizeof(key));
	item->dispute = dispute;
	return BD_OK;
}

enum bd_code bd_dispute_add_item(struct bd_apply *apply)
{
	struct bd_node_dispute *dispute = bd_arena_alloc(&apply->txn->arena, 1, sizeof(*dispute));

	if (dispute == NULL) {
		return bd_arena_code(&apply->txn->arena);
	}
	return apply->journal->kind == BD_JOURNAL_DISPUTE ? add_new(apply, dispute)
							  : add_resolution(apply, dispute);
}
