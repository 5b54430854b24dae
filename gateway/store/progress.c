/* progress.c - how far who fetches from a source has come: a row a name, kept with the message that
 * was fetched, so that a crash repeats what was not stored and never skips it.
 */
#include "base/limits.h"
#include "base/try.h"
#include "store/accept.h"

#define NAME_BYTES 256

static enum bd_code name_of(struct bd_buf *out, const char *name)
{
	return bd_coverage_name(out, "progress", bd_bytes_of(name), (struct bd_bytes){ "", 0 });
}

static enum bd_code put(struct bd_txn *txn, const char *name, struct bd_bytes value)
{
	char room[NAME_BYTES];
	struct bd_buf row = { room, 0, sizeof(room), sizeof(room) };

	BD_TRY(name_of(&row, name));
	return bd_txn_put(txn, txn->store->coverage, bd_buf_bytes(&row), value);
}

enum bd_code bd_keep_progress(struct bd_txn *txn, const struct bd_entry *entry)
{
	return entry->progress_name == NULL ? BD_OK
					    : put(txn, entry->progress_name, entry->progress);
}

enum bd_code bd_store_set_progress(
	struct bd_store *store, const char *name, struct bd_bytes value, struct bd_diag *diag)
{
	struct bd_txn txn;
	enum bd_code code;

	bd_txn_open(&txn, store, diag);
	code = bd_txn_begin(&txn);
	code = code == BD_OK ? bd_txn_end(&txn, put(&txn, name, value)) : code;
	bd_txn_close(&txn);
	return code;
}

enum bd_code bd_store_progress(struct bd_buf *out, bool *found, struct bd_store_reader *reader,
	const char *name, struct bd_diag *diag)
{
	char room[NAME_BYTES];
	struct bd_buf row = { room, 0, sizeof(room), sizeof(room) };
	enum bd_code code = name_of(&row, name);
	MDB_val key = { row.len, row.ptr }, value;
	int result;

	*found = false;
	if (code != BD_OK) {
		return bd_fail(diag, code, "progress");
	}
	result = mdb_get(reader->txn, reader->store->coverage, &key, &value);
	if (result == MDB_NOTFOUND) {
		return BD_OK;
	}
	if (result != 0) {
		return bd_fail(diag, BD_STORE_DAMAGED, "progress");
	}
	*found = true;
	return bd_buf_add(out, (struct bd_bytes){ value.mv_data, value.mv_size });
}
