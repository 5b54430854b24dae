#include "store/erase_turn.h"

#include "base/digest.h"
#include "base/try.h"
#include "store/dispute.h"
#include "store/history.h"
#include "store/places.h"

#include <string.h>
#include <time.h>

/* Of one transaction. */
#define STEP_BYTES ((size_t)4 << 20)
/* Salts under which one node has stood: one, and one more for each time it was erased itself. */
#define SLOTS_MAX 256
/* Disputes that are looked for at once. */
#define DISPUTES_MAX 128
/* Questions read for some milliseconds; a backup for minutes, and nobody waits for that here. */
#define READERS_LOOKS 200
#define READERS_LOOK_NS 1000000

static const char turn_name[] = "erase.turn";
static const char slots_name[] = "erase.slots";

struct turn {
	struct bd_txn *txn;
	struct bd_erase_who *who;
	uint8_t key[BD_NODE_KEY_BYTES];
	uint64_t slot; /* the new one */
	uint8_t salt[BD_SALT_BYTES];
	uint64_t at; /* the history is turned down to this commit; UINT64_MAX: nothing is yet */
	uint64_t slots[SLOTS_MAX];
	size_t slot_count;
	size_t bytes;
	bool is_over;
};

/* -- how far it is -- */

static enum bd_code read_slots(uint64_t *slots, size_t *count, struct bd_reader *reader)
{
	while (reader->rest.len >= 8 && *count < SLOTS_MAX) {
		slots[(*count)++] = bd_read_u64(reader);
	}
	return reader->ok && reader->rest.len == 0 ? BD_OK : BD_STORE_DAMAGED;
}

static enum bd_code load(struct turn *turn, bool *found)
{
	struct bd_txn *txn = turn->txn;
	struct bd_reader reader;
	struct bd_bytes value = { "", 0 }, key;

	BD_TRY(bd_txn_get(&value, found, txn, txn->store->meta, bd_bytes_of(turn_name)));
	if (!*found) {
		return BD_OK;
	}
	reader = bd_reader_of(value);
	key = bd_read_bytes(&reader, BD_NODE_KEY_BYTES);
	turn->slot = bd_read_u64(&reader);
	turn->at = bd_read_u64(&reader);
	turn->slot_count = 0;
	if (!reader.ok || memcmp(key.ptr, turn->key, BD_NODE_KEY_BYTES) != 0 ||
		!bd_salts_get_own(turn->salt, &txn->store->salts, turn->slot)) {
		return BD_STORE_DAMAGED;
	}
	return read_slots(turn->slots, &turn->slot_count, &reader);
}

static enum bd_code save(const struct turn *turn)
{
	char room[BD_NODE_KEY_BYTES + 16 + SLOTS_MAX * 8];
	struct bd_buf value = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(bd_buf_add(&value, (struct bd_bytes){ (const char *)turn->key, sizeof(turn->key) }));
	BD_TRY(bd_buf_add_u64(&value, turn->slot));
	BD_TRY(bd_buf_add_u64(&value, turn->at));
	for (size_t i = 0; i < turn->slot_count; i++) {
		BD_TRY(bd_buf_add_u64(&value, turn->slots[i]));
	}
	return bd_txn_put(
		turn->txn, turn->txn->store->meta, bd_bytes_of(turn_name), bd_buf_bytes(&value));
}

enum bd_code bd_erase_unturned(uint8_t key[BD_NODE_KEY_BYTES], bool *found, struct bd_txn *txn)
{
	struct bd_bytes value;

	BD_TRY(bd_txn_get(&value, found, txn, txn->store->meta, bd_bytes_of(turn_name)));
	if (*found && value.len < BD_NODE_KEY_BYTES) {
		return BD_STORE_DAMAGED;
	}
	if (*found) {
		memcpy(key, value.ptr, BD_NODE_KEY_BYTES);
	}
	return BD_OK;
}

static enum bd_code draw_slot(struct turn *turn)
{
	struct bd_store *store = turn->txn->store;

	turn->slot = store->next_slot;
	turn->at = UINT64_MAX;
	turn->slot_count = 0;
	BD_TRY(bd_seal_random(store->seal, turn->salt, sizeof(turn->salt)));
	BD_TRY(bd_salts_set(&store->salts, turn->slot, turn->salt));
	store->next_slot++;
	return BD_OK;
}

static enum bd_code note_slot(struct turn *turn, uint64_t slot)
{
	for (size_t i = 0; i < turn->slot_count; i++) {
		if (turn->slots[i] == slot) {
			return BD_OK;
		}
	}
	if (turn->slot_count == SLOTS_MAX) {
		return bd_fail(turn->txn->diag, BD_LIMIT_COUNT, "salts of one node");
	}
	turn->slots[turn->slot_count++] = slot;
	return BD_OK;
}

/* -- one value -- */

static enum bd_code clean_plain(struct bd_buf *out, struct turn *turn, struct bd_bytes plain)
{
	struct bd_txn *txn = turn->txn;
	struct bd_node node;
	bool is_changed = false;

	bd_arena_clear(&txn->node_arena);
	BD_TRY(bd_node_unpack(&node, plain, &txn->node_arena));
	BD_TRY(bd_node_settle(&node, &txn->marks));
	BD_TRY(bd_erase_clean(&is_changed, &node, turn->who, turn->key, txn->store->seal));
	return is_changed ? bd_node_pack(out, &node) : bd_buf_add(out, plain);
}

/* Damaged bytes stay: with their salt nobody opens them any more. */
static enum bd_code seal_anew(
	bool *is_new, struct turn *turn, const struct bd_node_head *head, const uint8_t *salt)
{
	const struct bd_bytes name = { (const char *)turn->key, sizeof(turn->key) };
	struct bd_txn *txn = turn->txn;
	struct bd_seal *seal = txn->store->seal;
	struct bd_buf cleaned;
	enum bd_code code;

	bd_buf_clear(&txn->plain);
	bd_buf_clear(&txn->sealed);
	code = bd_seal_open(seal, &txn->plain, salt, name, head->sealed);
	*is_new = code == BD_OK;
	if (code != BD_OK) {
		return code == BD_STORE_DAMAGED ? BD_OK : code;
	}
	bd_buf_init(&cleaned, 2 * BD_NODE_MAX_BYTES);
	code = clean_plain(&cleaned, turn, bd_buf_bytes(&txn->plain));
	code = code == BD_OK ? bd_node_head_pack(&txn->sealed, turn->slot, head->written) : code;
	code = code == BD_OK
		       ? bd_seal_close(seal, &txn->sealed, turn->salt, name, bd_buf_bytes(&cleaned))
		       : code;
	if (cleaned.len > 0) {
		bd_wipe(cleaned.ptr, cleaned.len);
	}
	bd_buf_release(&cleaned);
	return code;
}

/* *is_new: it is to be put anew, as txn->sealed has it. */
static enum bd_code turn_value(bool *is_new, struct turn *turn, const struct bd_node_head *head)
{
	struct bd_txn *txn = turn->txn;
	uint8_t salt[BD_SALT_BYTES];

	*is_new = false;
	turn->bytes += head->sealed.len;
	if (head->sealed.len == 0 || head->slot == turn->slot ||
		!bd_salts_get_own(salt, &txn->store->salts, head->slot)) {
		return BD_OK;
	}
	BD_TRY(note_slot(turn, head->slot));
	return seal_anew(is_new, turn, head, salt);
}

/* -- all values: the present one, then those before it -- */

static enum bd_code turn_present(struct turn *turn)
{
	struct bd_txn *txn = turn->txn;
	struct bd_node_head head;
	struct bd_bytes value;
	bool found = false, is_new = false;

	BD_TRY(bd_place_get(&value, &found, txn->store, txn->mdb, turn->key, txn->diag));
	if (!found) {
		turn->is_over = true;
		return BD_OK;
	}
	BD_TRY(bd_node_head_read(&head, value));
	turn->at = head.written;
	BD_TRY(turn_value(&is_new, turn, &head));
	return is_new ? bd_place_put(txn, turn->key, turn->slot, bd_buf_bytes(&txn->sealed))
		      : BD_OK;
}

static enum bd_code turn_before(struct turn *turn)
{
	char room[8 + BD_NODE_KEY_BYTES];
	struct bd_buf name = { room, 0, sizeof(room), sizeof(room) };
	struct bd_store *store = turn->txn->store;
	struct bd_node_head head;
	struct bd_bytes value;
	bool found = false, is_new = false;

	BD_TRY(bd_buf_add_u64(&name, turn->at));
	BD_TRY(bd_buf_add(&name, (struct bd_bytes){ (const char *)turn->key, sizeof(turn->key) }));
	BD_TRY(bd_txn_get(&value, &found, turn->txn, store->history, bd_buf_bytes(&name)));
	if (!found) {
		turn->is_over = true;
		return BD_OK;
	}
	BD_TRY(bd_node_head_read(&head, value));
	if (head.written >= turn->at) {
		return BD_STORE_DAMAGED;
	}
	turn->at = head.written;
	BD_TRY(turn_value(&is_new, turn, &head));
	return is_new ? bd_txn_put(turn->txn, store->history, bd_buf_bytes(&name),
				bd_buf_bytes(&turn->txn->sealed))
		      : BD_OK;
}

/* -- disputes -- */

/* Some of the node's that are not under the new slot. */
static enum bd_code find_disputes(uint64_t *ids, size_t *count, struct turn *turn)
{
	struct bd_txn *txn = turn->txn;
	MDB_cursor *cursor;
	MDB_val key, value;
	int result = mdb_cursor_open(txn->mdb, txn->store->disputes, &cursor);

	*count = 0;
	if (result != 0) {
		return bd_txn_fail(txn, result, "disputes");
	}
	while (*count < DISPUTES_MAX &&
		(result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		struct bd_reader reader =
			bd_reader_of((struct bd_bytes){ value.mv_data, value.mv_size });
		struct bd_bytes node = bd_read_bytes(&reader, BD_NODE_KEY_BYTES);
		uint64_t slot = bd_read_u64(&reader);
		uint8_t salt[BD_SALT_BYTES];

		if (reader.ok && bd_dispute_id(&ids[*count], &key) && slot != turn->slot &&
			memcmp(node.ptr, turn->key, BD_NODE_KEY_BYTES) == 0 &&
			bd_salts_get_own(salt, &txn->store->salts, slot)) {
			BD_TRY(note_slot(turn, slot));
			++*count;
		}
	}
	mdb_cursor_close(cursor);
	return result == 0 || result == MDB_NOTFOUND ? BD_OK : bd_txn_fail(txn, result, "disputes");
}

static enum bd_code clean_text(const char **text, struct turn *turn)
{
	struct bd_arena *arena = &turn->txn->node_arena;
	struct bd_bytes cleaned;

	BD_TRY(bd_erase_text(&cleaned, bd_bytes_of(*text), turn->who, arena));
	*text = bd_arena_text(arena, cleaned);
	return *text != NULL ? BD_OK : bd_arena_code(arena);
}

static enum bd_code turn_dispute(struct turn *turn, uint64_t id)
{
	const struct bd_dispute_place place = { turn->key, turn->slot, turn->salt };
	struct bd_txn *txn = turn->txn;
	uint8_t key[BD_NODE_KEY_BYTES];
	struct bd_dispute dispute;
	bool found = false;

	bd_arena_clear(&txn->node_arena);
	BD_TRY(bd_dispute_load(&dispute, &found, key, txn, id, &txn->node_arena));
	if (!found) {
		return BD_STORE_DAMAGED;
	}
	BD_TRY(clean_text(&dispute.reason, turn));
	BD_TRY(clean_text(&dispute.reference, turn));
	BD_TRY(clean_text(&dispute.closed_reference, turn));
	return bd_dispute_put(txn, &dispute, &place);
}

static enum bd_code turn_disputes(struct turn *turn)
{
	uint64_t ids[DISPUTES_MAX];
	size_t count = DISPUTES_MAX;

	while (count == DISPUTES_MAX) {
		BD_TRY(find_disputes(ids, &count, turn));
		for (size_t i = 0; i < count; i++) {
			BD_TRY(turn_dispute(turn, ids[i]));
		}
	}
	return BD_OK;
}

/* -- a node -- */

static enum bd_code unlink_pairs(struct turn *turn)
{
	uint8_t pair[2 * BD_NODE_KEY_BYTES];

	memcpy(pair + BD_NODE_KEY_BYTES, turn->key, BD_NODE_KEY_BYTES);
	for (size_t i = 0; i < turn->who->name_count; i++) {
		memcpy(pair, turn->who->keys[i], BD_NODE_KEY_BYTES);
		BD_TRY(bd_txn_delete(turn->txn, turn->txn->store->links,
			(struct bd_bytes){ (const char *)pair, sizeof(pair) }));
	}
	return BD_OK;
}

/* The last step. Nothing stands under the slots any more. */
static enum bd_code end(struct turn *turn)
{
	struct bd_txn *txn = turn->txn;

	BD_TRY(turn_disputes(turn));
	BD_TRY(unlink_pairs(turn));
	BD_TRY(bd_erase_let_go(txn, turn->slots, turn->slot_count));
	return bd_txn_delete(txn, txn->store->meta, bd_bytes_of(turn_name));
}

static enum bd_code step(struct turn *turn)
{
	bool found = false;

	turn->bytes = 0;
	turn->is_over = false;
	BD_TRY(load(turn, &found));
	if (!found) {
		BD_TRY(draw_slot(turn));
		BD_TRY(turn_present(turn));
	}
	while (!turn->is_over && turn->bytes < STEP_BYTES) {
		BD_TRY(turn_before(turn));
	}
	return turn->is_over ? end(turn) : save(turn);
}

enum bd_code bd_erase_turn(
	struct bd_txn *txn, struct bd_erase_who *who, const uint8_t key[BD_NODE_KEY_BYTES])
{
	struct turn turn = { .txn = txn, .who = who };

	memcpy(turn.key, key, sizeof(turn.key));
	while (!turn.is_over) {
		BD_TRY(bd_txn_begin(txn));
		BD_TRY(bd_txn_end(txn, step(&turn)));
		bd_store_reach(txn->store, turn.is_over ? "erase.turned" : "erase.turning");
	}
	return BD_OK;
}

/* -- the slots that nothing stands under -- */

static enum bd_code read_list(struct bd_bytes *list, struct bd_txn *txn)
{
	bool found = false;

	*list = (struct bd_bytes){ "", 0 };
	return bd_txn_get(list, &found, txn, txn->store->meta, bd_bytes_of(slots_name));
}

/* How often that was: by it a backup knows that salts went that its copy of the store needs. */
static enum bd_code count_up(struct bd_txn *txn)
{
	struct bd_bytes value = { "", 0 };
	struct bd_reader reader;
	bool found = false;
	uint64_t count;

	BD_TRY(bd_txn_get(&value, &found, txn, txn->store->meta, bd_bytes_of(BD_ERASE_COUNT_NAME)));
	reader = bd_reader_of(value);
	count = found ? bd_read_u64(&reader) : 0;
	return bd_txn_put_counter(txn, BD_ERASE_COUNT_NAME, count + 1);
}

enum bd_code bd_erase_let_go(struct bd_txn *txn, const uint64_t *slots, size_t count)
{
	struct bd_bytes list;

	BD_TRY(count_up(txn));
	BD_TRY(read_list(&list, txn));
	bd_buf_clear(&txn->plain);
	BD_TRY(bd_buf_add(&txn->plain, list));
	for (size_t i = 0; i < count; i++) {
		BD_TRY(bd_buf_add_u64(&txn->plain, slots[i]));
	}
	return bd_txn_put(
		txn, txn->store->meta, bd_bytes_of(slots_name), bd_buf_bytes(&txn->plain));
}

/* A reader of before would find what is sealed under a salt that is gone, and take the subject for
 * one that was erased. */
static enum bd_code wait_for_readers(struct bd_txn *txn)
{
	const struct timespec pause = { .tv_nsec = READERS_LOOK_NS };

	for (int looks = 0; looks < READERS_LOOKS; looks++) {
		struct bd_store_tended tended;

		BD_TRY(bd_store_tend(&tended, txn->store, txn->diag));
		if (tended.oldest_reads == 0 || tended.oldest_reads >= tended.newest) {
			return BD_OK;
		}
		nanosleep(&pause, NULL);
	}
	return bd_fail(txn->diag, BD_ERASE_WAITS, "%s", "");
}

static enum bd_code overwrite_all(struct bd_txn *txn, struct bd_bytes list)
{
	struct bd_salts *salts = &txn->store->salts;
	struct bd_reader reader = bd_reader_of(list);

	while (reader.rest.len >= 8) {
		BD_TRY(bd_salts_erase(salts, bd_read_u64(&reader)));
	}
	return bd_salts_sync(salts);
}

static enum bd_code forget(struct bd_txn *txn)
{
	struct bd_bytes list;

	BD_TRY(read_list(&list, txn));
	BD_TRY(overwrite_all(txn, list));
	bd_store_reach(txn->store, "erase.overwritten");
	return bd_txn_delete(txn, txn->store->meta, bd_bytes_of(slots_name));
}

enum bd_code bd_erase_overwrite(struct bd_txn *txn)
{
	struct bd_bytes list;
	enum bd_code code;

	BD_TRY(bd_txn_begin(txn));
	code = read_list(&list, txn);
	if (code != BD_OK || list.len == 0) {
		bd_txn_drop(txn);
		return code;
	}
	bd_txn_drop(txn);
	BD_TRY(wait_for_readers(txn));
	BD_TRY(bd_txn_begin(txn));
	return bd_txn_end(txn, forget(txn));
}
