#include "store/obligations.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/try.h"
#include "store/case_index.h"
#include "store/obligations_form.h"

#include <string.h>

/* An entry: a matter's texts and a short history. */
#define ENTRY_MAX_BYTES 131072

/* In meta: the number of the newest news. */
static const char news_counter[] = "obligation news";

/* What the steps of one change share. */
struct ledger {
	struct bd_txn *txn;
	struct bd_arena *arena;
	char room[BD_OWED_ROW_BYTES];
	struct bd_buf row, value;
};

static void ledger_open(struct ledger *ledger, struct bd_txn *txn, struct bd_arena *arena)
{
	*ledger = (struct ledger){ .txn = txn, .arena = arena };
	ledger->row =
		(struct bd_buf){ ledger->room, 0, sizeof(ledger->room), sizeof(ledger->room) };
	bd_buf_init(&ledger->value, ENTRY_MAX_BYTES);
}

static void ledger_close(struct ledger *ledger)
{
	bd_buf_release(&ledger->value);
}

static struct bd_bytes name_of(const uint8_t id[BD_OWED_ID_BYTES])
{
	return (struct bd_bytes){ (const char *)id, BD_OWED_ID_BYTES };
}

static struct bd_bytes row_of(const struct ledger *ledger)
{
	return bd_buf_bytes(&ledger->row);
}

static MDB_dbi rows_of(const struct ledger *ledger)
{
	return ledger->txn->store->owed;
}

/* -- one entry -- */

struct entry {
	struct bd_owed owed;
	struct bd_bytes sealed; /* as it was read */
	struct entry *next;
};

static enum bd_code load(
	struct entry *out, bool *found, struct ledger *ledger, const uint8_t id[BD_OWED_ID_BYTES])
{
	struct bd_txn *txn = ledger->txn;
	struct bd_store *store = txn->store;
	struct bd_owed_parts parts;
	struct bd_bytes value;
	enum bd_code code;

	BD_TRY(bd_txn_get(&value, found, txn, store->obligations, name_of(id)));
	if (!*found) {
		return BD_OK;
	}
	value = bd_arena_copy(ledger->arena, value);
	if (value.ptr == NULL) {
		return bd_arena_code(ledger->arena);
	}
	code = bd_owed_unpack(&out->owed, &parts, value);
	if (code == BD_OK) {
		out->sealed = parts.sealed;
		memcpy(out->owed.id, id, BD_OWED_ID_BYTES);
		code = bd_owed_open(
			&out->owed, &parts, store->seal, &store->salts, true, ledger->arena);
	}
	return code == BD_OK ? BD_OK : bd_fail(txn->diag, code, "an obligation");
}

static enum bd_code store_entry(struct ledger *ledger, const struct entry *entry)
{
	struct bd_store *store = ledger->txn->store;
	const struct bd_owed *owed = &entry->owed;
	uint8_t salt[BD_SALT_BYTES];
	bool has_salt = !owed->is_erased && bd_salts_get_own(salt, &store->salts, owed->slot);

	bd_buf_clear(&ledger->value);
	BD_TRY(bd_owed_pack(
		&ledger->value, owed, store->seal, has_salt ? salt : NULL, entry->sealed));
	return bd_txn_put(
		ledger->txn, store->obligations, name_of(owed->id), bd_buf_bytes(&ledger->value));
}

/* -- its rows in the indexes -- */

static enum bd_code count(struct ledger *ledger, const struct bd_owed *owed, bool is_more)
{
	uint64_t counts[2] = { 0, 0 };
	struct bd_bytes value;
	bool found = false;

	BD_TRY(bd_owed_due_row(&ledger->row, BD_OWED_ROW_COUNT, owed->due, NULL));
	BD_TRY(bd_txn_get(&value, &found, ledger->txn, rows_of(ledger), row_of(ledger)));
	if (found) {
		struct bd_reader reader = bd_reader_of(value);

		counts[0] = bd_read_u64(&reader);
		counts[1] = bd_read_u64(&reader);
	}
	counts[owed->party == BD_OWED_BY_AGENCY] += is_more ? 1 : (uint64_t)-1;
	if (counts[0] + counts[1] == 0) {
		return bd_txn_delete(ledger->txn, rows_of(ledger), row_of(ledger));
	}
	bd_buf_clear(&ledger->value);
	BD_TRY(bd_buf_add_u64(&ledger->value, counts[0]));
	BD_TRY(bd_buf_add_u64(&ledger->value, counts[1]));
	return bd_txn_put(
		ledger->txn, rows_of(ledger), row_of(ledger), bd_buf_bytes(&ledger->value));
}

/* Where it stands by its day and, while it is owed, under its case. */
static enum bd_code put_rows(struct ledger *ledger, const struct bd_owed *owed)
{
	bool is_owed = bd_owed_is_owed(owed->state);

	BD_TRY(bd_owed_due_row(&ledger->row, is_owed ? BD_OWED_ROW_OWED : BD_OWED_ROW_CLOSED,
		owed->due, owed->id));
	bd_buf_clear(&ledger->value);
	BD_TRY(bd_buf_add_u8(&ledger->value, (uint8_t)owed->state));
	BD_TRY(bd_buf_add_u8(&ledger->value, (uint8_t)owed->party));
	BD_TRY(bd_buf_add(&ledger->value, owed->sender));
	BD_TRY(bd_txn_put(
		ledger->txn, rows_of(ledger), row_of(ledger), bd_buf_bytes(&ledger->value)));
	if (!is_owed) {
		return BD_OK;
	}
	ledger->txn->store->has_owed = true;
	BD_TRY(count(ledger, owed, true));
	BD_TRY(bd_owed_watch_put(ledger->txn, owed, true));
	BD_TRY(bd_owed_key_row(&ledger->row, BD_OWED_ROW_SCOPE, owed->scope_key, owed->id));
	return bd_txn_put(ledger->txn, rows_of(ledger), row_of(ledger), (struct bd_bytes){ "", 0 });
}

static enum bd_code delete_rows(struct ledger *ledger, const struct bd_owed *owed)
{
	bool is_owed = bd_owed_is_owed(owed->state);

	BD_TRY(bd_owed_due_row(&ledger->row, is_owed ? BD_OWED_ROW_OWED : BD_OWED_ROW_CLOSED,
		owed->due, owed->id));
	BD_TRY(bd_txn_delete(ledger->txn, rows_of(ledger), row_of(ledger)));
	if (!is_owed) {
		return BD_OK;
	}
	BD_TRY(count(ledger, owed, false));
	BD_TRY(bd_owed_watch_put(ledger->txn, owed, false));
	BD_TRY(bd_owed_key_row(&ledger->row, BD_OWED_ROW_SCOPE, owed->scope_key, owed->id));
	return bd_txn_delete(ledger->txn, rows_of(ledger), row_of(ledger));
}

/* -- changes -- */

static enum bd_owed_state state_after(const struct bd_owed *owed, enum bd_owed_step step)
{
	switch (step) {
	case BD_OWED_STEP_MADE:
		break;
	case BD_OWED_STEP_EXTENDED:
		return BD_OWED_EXTENDED;
	case BD_OWED_STEP_MET:
		return BD_OWED_MET;
	case BD_OWED_STEP_LAPSED:
		return BD_OWED_LAPSED;
	case BD_OWED_STEP_SUPERSEDED:
		return BD_OWED_SUPERSEDED;
	}
	return owed->state;
}

static enum bd_code add_change(
	struct ledger *ledger, struct bd_owed *owed, const struct bd_owed_change *change)
{
	struct bd_owed_change *changes =
		bd_arena_alloc(ledger->arena, owed->change_count + 1, sizeof(*changes));

	if (changes == NULL) {
		return bd_fail(ledger->txn->diag, bd_arena_code(ledger->arena), "%s", "");
	}
	for (size_t i = 0; i < owed->change_count; i++) {
		changes[i] = owed->changes[i];
	}
	changes[owed->change_count++] = *change;
	owed->changes = changes;
	return BD_OK;
}

/* The entry as it is after the change, with its rows. */
static enum bd_code change_entry(
	struct ledger *ledger, struct entry *entry, const struct bd_owed_change *change)
{
	struct bd_owed *owed = &entry->owed;

	BD_TRY(delete_rows(ledger, owed));
	owed->state = state_after(owed, change->step);
	owed->due = change->due;
	owed->extended += change->step == BD_OWED_STEP_EXTENDED;
	BD_TRY(add_change(ledger, owed, change));
	BD_TRY(put_rows(ledger, owed));
	return store_entry(ledger, entry);
}

/* A change that nobody waits for. */
static enum bd_code tell(struct ledger *ledger, const uint8_t id[BD_OWED_ID_BYTES],
	const struct bd_owed_change *change)
{
	struct bd_txn *txn = ledger->txn;
	struct bd_bytes value;
	uint64_t number = 0;
	bool found = false;

	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->meta, bd_bytes_of(news_counter)));
	if (found) {
		struct bd_reader reader = bd_reader_of(value);

		number = bd_read_u64(&reader);
	}
	BD_TRY(bd_txn_put_counter(txn, news_counter, ++number));
	BD_TRY(bd_owed_news_row(&ledger->row, number));
	__atomic_store_n(&txn->store->has_owed_news, true, __ATOMIC_RELEASE);
	bd_buf_clear(&ledger->value);
	BD_TRY(bd_owed_news_pack(&ledger->value, id, change));
	return bd_txn_put(txn, rows_of(ledger), row_of(ledger), bd_buf_bytes(&ledger->value));
}

/* -- an answer -- */

struct taking {
	struct ledger ledger;
	const struct bd_owed_answer *answer;
	uint64_t slot; /* of the salt of what is made */
	uint8_t case_key[BD_OWED_BLIND_BYTES], scope_key[BD_OWED_BLIND_BYTES];
	struct bd_bytes watched;       /* node keys of whom the case looked at */
	struct entry *held;            /* what is owed of the same case */
	const struct bd_owed **before; /* of each item: what it takes the place of, or NULL */
};

static bool is_same_thing(const struct bd_owed_thing *a, const struct bd_owed_thing *b)
{
	return a->is_element == b->is_element && bd_bytes_equal(a->id, b->id) &&
	       bd_bytes_equal(a->pointer, b->pointer);
}

static enum bd_code make_keys(struct taking *taking)
{
	const struct bd_owed_answer *answer = taking->answer;
	struct bd_seal *seal = taking->ledger.txn->store->seal;
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, 4096);
	code = bd_case_number_key(taking->case_key, seal, answer->case_id);
	code = code == BD_OK ? bd_buf_add_text(&text, "obligations in scope ") : code;
	code = code == BD_OK ? bd_buf_add_sized(&text, answer->sender) : code;
	code = code == BD_OK ? bd_buf_add_sized(&text, answer->matter) : code;
	code = code == BD_OK ? bd_buf_add_sized(&text, answer->case_id) : code;
	if (code == BD_OK && answer->case_id.len == 0) {
		code = bd_buf_add(&text, (struct bd_bytes){ (const char *)answer->receipt,
						 sizeof(answer->receipt) });
	}
	code = code == BD_OK ? bd_seal_digest(seal, bd_buf_bytes(&text), digest) : code;
	bd_buf_release(&text);
	if (code == BD_OK) {
		memcpy(taking->scope_key, digest, sizeof(taking->scope_key));
	}
	return code == BD_OK ? BD_OK : bd_fail(taking->ledger.txn->diag, code, "%s", "");
}

static bool begins_with(const MDB_val *name, struct bd_bytes front)
{
	return name->mv_size == front.len + BD_OWED_ID_BYTES &&
	       memcmp(name->mv_data, front.ptr, front.len) == 0;
}

/* The ids behind this front, so that they can be changed while none of them is looked at. */
static enum bd_code list_ids(
	struct entry **out, struct ledger *ledger, MDB_dbi dbi, struct bd_bytes front)
{
	struct bd_txn *txn = ledger->txn;
	MDB_val name = { front.len, (void *)front.ptr }, value;
	struct entry **last = out;
	MDB_cursor *cursor;
	enum bd_code code = BD_OK;
	int result = mdb_cursor_open(txn->mdb, dbi, &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "obligations");
	}
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	while (result == 0 && begins_with(&name, front) && code == BD_OK) {
		struct entry *entry = bd_arena_alloc(ledger->arena, 1, sizeof(*entry));

		if (entry == NULL) {
			code = bd_fail(txn->diag, bd_arena_code(ledger->arena), "%s", "");
			break;
		}
		memcpy(entry->owed.id, (const char *)name.mv_data + front.len, BD_OWED_ID_BYTES);
		*last = entry;
		last = &entry->next;
		result = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return code != BD_OK || result == 0 || result == MDB_NOTFOUND
		       ? code
		       : bd_txn_fail(txn, result, "obligations");
}

static enum bd_code load_all(struct ledger *ledger, struct entry *entries)
{
	for (struct entry *entry = entries; entry != NULL; entry = entry->next) {
		struct entry *next = entry->next;
		uint8_t id[BD_OWED_ID_BYTES];
		bool found = false;

		memcpy(id, entry->owed.id, sizeof(id));
		BD_TRY(load(entry, &found, ledger, id));
		if (!found) {
			return bd_fail(ledger->txn->diag, BD_STORE_DAMAGED,
				"a row of an obligation that is not there");
		}
		entry->next = next;
	}
	return BD_OK;
}

static enum bd_code load_held(struct taking *taking)
{
	struct ledger *ledger = &taking->ledger;

	if (taking->answer->case_id.len == 0) {
		return BD_OK;
	}
	BD_TRY(bd_owed_key_row(&ledger->row, BD_OWED_ROW_SCOPE, taking->scope_key, NULL));
	BD_TRY(list_ids(&taking->held, ledger, rows_of(ledger), row_of(ledger)));
	return load_all(ledger, taking->held);
}

/* Of this answer itself, or of a newer one: nothing that it has a say in. */
static bool is_not_before(const struct bd_owed *owed, const struct bd_owed_answer *answer)
{
	return owed->answered_ms > answer->at_ms ||
	       memcmp(owed->id, answer->receipt, sizeof(answer->receipt)) == 0;
}

/* By what the answer closes what was owed before it; BD_OWED_STEP_MADE: it does not. */
static enum bd_owed_step step_for(struct taking *taking, const struct bd_owed *owed)
{
	const struct bd_owed_answer *answer = taking->answer;

	if (is_not_before(owed, answer)) {
		return BD_OWED_STEP_MADE;
	}
	for (size_t i = 0; i < answer->item_count; i++) {
		if (is_same_thing(&answer->items[i].thing, &owed->thing)) {
			taking->before[i] = owed;
			return BD_OWED_STEP_SUPERSEDED;
		}
	}
	for (size_t i = 0; i < answer->met_count; i++) {
		if (is_same_thing(&answer->met[i], &owed->thing)) {
			return BD_OWED_STEP_MET;
		}
	}
	return answer->is_binding ? BD_OWED_STEP_LAPSED : BD_OWED_STEP_MADE;
}

static enum bd_code close_held(struct taking *taking)
{
	const struct bd_owed_answer *answer = taking->answer;

	for (struct entry *entry = taking->held; entry != NULL; entry = entry->next) {
		struct bd_owed_change change = { .step = step_for(taking, &entry->owed),
			.at_ms = answer->at_ms,
			.due = entry->owed.due,
			.sender = answer->sender };

		if (change.step == BD_OWED_STEP_MADE) {
			continue;
		}
		memcpy(change.receipt, answer->receipt, sizeof(change.receipt));
		BD_TRY(change_entry(&taking->ledger, entry, &change));
		BD_TRY(tell(&taking->ledger, entry->owed.id, &change));
	}
	return BD_OK;
}

static void make_id(
	uint8_t id[BD_OWED_ID_BYTES], const uint8_t receipt[BD_OWED_RECEIPT_BYTES], size_t number)
{
	memcpy(id, receipt, BD_OWED_RECEIPT_BYTES);
	id[BD_OWED_RECEIPT_BYTES] = (uint8_t)(number >> 8);
	id[BD_OWED_RECEIPT_BYTES + 1] = (uint8_t)number;
}

/* What was granted before is not taken back by asking again: an extended day stays where the new
 * answer's is earlier, extensions that were used stay used, and it is owed since the first time. */
static void fill(struct bd_owed *owed, const struct taking *taking, size_t at)
{
	const struct bd_owed_answer *answer = taking->answer;
	const struct bd_owed_item *item = &answer->items[at];
	const struct bd_owed *before = taking->before[at];

	*owed = (struct bd_owed){ .state = BD_OWED_OPEN,
		.party = item->party,
		.thing = item->thing,
		.due = item->due,
		.first_due = item->due,
		.opened = answer->on,
		.answered_ms = answer->at_ms,
		.extensions = item->extensions,
		.extension_working_days = item->extension_working_days,
		.sender = answer->sender,
		.matter = answer->matter,
		.version = answer->version,
		.case_id = answer->case_id,
		.slot = taking->slot };
	owed->watched = item->thing.is_element ? taking->watched : owed->watched;
	make_id(owed->id, answer->receipt, at + 1);
	memcpy(owed->case_key, taking->case_key, sizeof(owed->case_key));
	memcpy(owed->scope_key, taking->scope_key, sizeof(owed->scope_key));
	if (before != NULL) {
		owed->opened = before->opened;
		owed->extended = before->extended;
	}
	if (before != NULL && before->extended > 0) {
		owed->state = BD_OWED_EXTENDED;
		owed->due = before->due > owed->due ? before->due : owed->due;
	}
}

static enum bd_code make_entry(struct taking *taking, size_t at)
{
	const struct bd_owed_answer *answer = taking->answer;
	struct ledger *ledger = &taking->ledger;
	struct entry entry = { .sealed = { "", 0 } };
	struct bd_owed *owed = &entry.owed;
	struct bd_owed_change made = {
		.step = BD_OWED_STEP_MADE, .at_ms = answer->at_ms, .sender = answer->sender
	};

	fill(owed, taking, at);
	made.due = owed->due;
	memcpy(made.receipt, answer->receipt, sizeof(made.receipt));
	BD_TRY(add_change(ledger, owed, &made));
	BD_TRY(put_rows(ledger, owed));
	if (answer->case_id.len > 0) {
		BD_TRY(bd_owed_key_row(&ledger->row, BD_OWED_ROW_CASE, owed->case_key, owed->id));
		BD_TRY(bd_txn_put(
			ledger->txn, rows_of(ledger), row_of(ledger), (struct bd_bytes){ "", 0 }));
	}
	BD_TRY(store_entry(ledger, &entry));
	return tell(ledger, owed->id, &made);
}

/* One salt for all that one answer owes, on disk before the transaction is. */
static enum bd_code make_salt(struct taking *taking)
{
	struct bd_store *store = taking->ledger.txn->store;
	uint8_t salt[BD_SALT_BYTES];
	enum bd_code code = bd_seal_random(store->seal, salt, sizeof(salt));

	taking->slot = store->next_slot;
	code = code == BD_OK ? bd_salts_set(&store->salts, taking->slot, salt) : code;
	store->next_slot += code == BD_OK;
	bd_wipe(salt, sizeof(salt));
	return code == BD_OK ? BD_OK : bd_fail(taking->ledger.txn->diag, code, "a salt");
}

/* The node keys of whom the case looked at. */
static enum bd_code make_watched(struct taking *taking)
{
	const struct bd_owed_answer *answer = taking->answer;
	struct ledger *ledger = &taking->ledger;
	uint8_t(*keys)[BD_NODE_KEY_BYTES] =
		bd_arena_alloc(ledger->arena, answer->looked_count, sizeof(*keys));

	if (keys == NULL) {
		return bd_fail(ledger->txn->diag, bd_arena_code(ledger->arena), "%s", "");
	}
	for (size_t i = 0; i < answer->looked_count; i++) {
		BD_TRY(bd_seal_blind(ledger->txn->store->seal, &answer->looked[i], keys[i]));
	}
	taking->watched =
		(struct bd_bytes){ (const char *)keys, answer->looked_count * sizeof(*keys) };
	return BD_OK;
}

static enum bd_code make_entries(struct taking *taking)
{
	const struct bd_owed_answer *answer = taking->answer;
	struct bd_txn *txn = taking->ledger.txn;
	uint8_t id[BD_OWED_ID_BYTES];
	struct bd_bytes value;
	bool found = false;

	make_id(id, answer->receipt, 1);
	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->obligations, name_of(id)));
	if (found || answer->item_count == 0) {
		return BD_OK;
	}
	BD_TRY(make_salt(taking));
	BD_TRY(make_watched(taking));
	for (size_t i = 0; i < answer->item_count; i++) {
		BD_TRY(make_entry(taking, i));
	}
	return BD_OK;
}

static enum bd_code take(struct taking *taking)
{
	struct ledger *ledger = &taking->ledger;

	BD_TRY(make_keys(taking));
	taking->before =
		bd_arena_alloc(ledger->arena, taking->answer->item_count, sizeof(*taking->before));
	if (taking->before == NULL) {
		return bd_fail(ledger->txn->diag, bd_arena_code(ledger->arena), "%s", "");
	}
	BD_TRY(load_held(taking));
	BD_TRY(close_held(taking));
	return make_entries(taking);
}

enum bd_code bd_owed_take(
	struct bd_txn *txn, const struct bd_owed_answer *answer, struct bd_arena *arena)
{
	struct taking taking = { .answer = answer };
	enum bd_code code = BD_OK;

	ledger_open(&taking.ledger, txn, arena);
	if (answer->item_count > 0 || answer->met_count > 0 || answer->is_binding) {
		code = take(&taking);
	}
	ledger_close(&taking.ledger);
	return code;
}

/* -- a change by somebody -- */

static bool is_same_material(const struct bd_owed *owed, const struct bd_owed_change *change)
{
	const struct bd_owed_change *last =
		owed->change_count > 0 ? &owed->changes[owed->change_count - 1] : NULL;

	return last != NULL && last->step == BD_OWED_STEP_MET && change->material.len > 0 &&
	       bd_bytes_equal(last->material, change->material) &&
	       memcmp(last->digest, change->digest, sizeof(change->digest)) == 0;
}

/* Whether it may be done; the act has its outcome where not. */
static bool may_do(struct bd_owed_act *act, const struct bd_owed *owed)
{
	const struct bd_owed_change *change = &act->change;

	if (change->step == BD_OWED_STEP_MET && owed->state == BD_OWED_MET &&
		is_same_material(owed, change)) {
		act->is_repeat = true;
	} else if (!bd_owed_is_owed(owed->state)) {
		act->code = bd_fail(&act->diag, BD_OBLIGATION_CLOSED, "%s", "");
	} else if (change->step == BD_OWED_STEP_EXTENDED && owed->due != act->due) {
		act->code = bd_fail(&act->diag, BD_OBLIGATION_CHANGED, "%s", "");
	} else if (change->step == BD_OWED_STEP_EXTENDED && owed->extended >= owed->extensions) {
		act->code = bd_fail(&act->diag, BD_OBLIGATION_NO_EXTENSION, "%u of %u",
			owed->extended, owed->extensions);
	}
	return act->code == BD_OK && !act->is_repeat;
}

static enum bd_code do_one(struct ledger *ledger, struct bd_owed_act *act)
{
	struct bd_owed_change change = act->change;
	struct entry entry = { .sealed = { "", 0 } };
	bool found = false;

	BD_TRY(load(&entry, &found, ledger, act->id));
	if (!found) {
		act->code = bd_fail(&act->diag, BD_OBLIGATION_UNKNOWN, "%s", "");
		return BD_OK;
	}
	if (may_do(act, &entry.owed)) {
		change.due = change.step == BD_OWED_STEP_EXTENDED ? change.due : entry.owed.due;
		BD_TRY(change_entry(ledger, &entry, &change));
		BD_TRY(act->is_news ? tell(ledger, act->id, &change) : BD_OK);
	}
	act->owed = entry.owed;
	return BD_OK;
}

enum bd_code bd_owed_do(struct bd_store *store, struct bd_owed_act *const *acts, size_t count,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct ledger ledger;
	struct bd_txn txn;
	enum bd_code code = bd_store_check_space(store, diag);

	if (code != BD_OK) {
		return code;
	}
	bd_txn_open(&txn, store, diag);
	ledger_open(&ledger, &txn, arena);
	code = bd_txn_begin(&txn);
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		acts[i]->code = BD_OK;
		bd_diag_clear(&acts[i]->diag);
		acts[i]->is_repeat = false;
		code = do_one(&ledger, acts[i]);
	}
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, code);
	}
	ledger_close(&ledger);
	bd_txn_close(&txn);
	return code;
}

/* -- news that were told -- */

bool bd_owed_has_news(struct bd_store *store)
{
	return __atomic_exchange_n(&store->has_owed_news, false, __ATOMIC_ACQ_REL);
}

static enum bd_code forget_news(struct ledger *ledger, uint64_t number)
{
	struct bd_txn *txn = ledger->txn;
	char letter = BD_OWED_ROW_NEWS;
	MDB_val name = { 1, &letter }, value;
	MDB_cursor *cursor;
	int result = mdb_cursor_open(txn->mdb, rows_of(ledger), &cursor);

	if (result != 0) {
		return bd_txn_fail(txn, result, "obligations");
	}
	result = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	while (result == 0 && *(const char *)name.mv_data == letter) {
		struct bd_reader reader = bd_reader_of(
			(struct bd_bytes){ (const char *)name.mv_data + 1, name.mv_size - 1 });

		if (bd_read_u64(&reader) > number) {
			break;
		}
		result = mdb_cursor_del(cursor, 0);
		result = result == 0 ? mdb_cursor_get(cursor, &name, &value, MDB_NEXT) : result;
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK
						     : bd_txn_fail(txn, result, "obligations");
}

enum bd_code bd_owed_told(struct bd_store *store, uint64_t number, struct bd_diag *diag)
{
	struct ledger ledger;
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	ledger_open(&ledger, &txn, &txn.arena);
	code = bd_txn_begin(&txn);
	if (txn.mdb != NULL) {
		code = bd_txn_end(&txn, forget_news(&ledger, number));
	}
	ledger_close(&ledger);
	bd_txn_close(&txn);
	return code;
}

/* -- the end of keeping -- */

/* Of each entry of a receipt. */
static enum bd_code each_of(struct bd_txn *txn, const uint8_t receipt[BD_OWED_RECEIPT_BYTES],
	struct bd_arena *arena,
	enum bd_code (*do_it)(struct ledger *ledger, const struct bd_owed *owed))
{
	uint8_t id[BD_OWED_ID_BYTES];
	struct ledger ledger;
	enum bd_code code = BD_OK;
	bool found = true;

	ledger_open(&ledger, txn, arena);
	for (size_t number = 1; code == BD_OK && found; number++) {
		struct entry entry = { .sealed = { "", 0 } };

		make_id(id, receipt, number);
		code = load(&entry, &found, &ledger, id);
		code = code == BD_OK && found ? do_it(&ledger, &entry.owed) : code;
	}
	ledger_close(&ledger);
	return code;
}

static enum bd_code erase_one(struct ledger *ledger, const struct bd_owed *owed)
{
	return bd_salts_erase(&ledger->txn->store->salts, owed->slot);
}

static enum bd_code drop_one(struct ledger *ledger, const struct bd_owed *owed)
{
	BD_TRY(erase_one(ledger, owed));
	BD_TRY(delete_rows(ledger, owed));
	BD_TRY(bd_owed_key_row(&ledger->row, BD_OWED_ROW_CASE, owed->case_key, owed->id));
	BD_TRY(bd_txn_delete(ledger->txn, rows_of(ledger), row_of(ledger)));
	return bd_txn_delete(ledger->txn, ledger->txn->store->obligations, name_of(owed->id));
}

enum bd_code bd_owed_erase(
	struct bd_txn *txn, const uint8_t receipt[BD_OWED_RECEIPT_BYTES], struct bd_arena *arena)
{
	return each_of(txn, receipt, arena, erase_one);
}

enum bd_code bd_owed_drop(
	struct bd_txn *txn, const uint8_t receipt[BD_OWED_RECEIPT_BYTES], struct bd_arena *arena)
{
	return each_of(txn, receipt, arena, drop_one);
}
