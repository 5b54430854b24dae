#include "daemon/today.h"

#include "answer/decide.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/again.h"
#include "daemon/proofs.h"
#include "trail/receipt.h"

#include <string.h>

/* A case, and what it comes to. */
#define ARENA_MAX_BYTES ((size_t)4 * BD_REQUEST_ARENA_MAX_BYTES)

static const struct bd_today_case *find(
	const struct bd_today *today, const struct bd_trail_id *receipt)
{
	for (size_t i = 0; i < today->count; i++) {
		if (bd_trail_id_equal(&today->cases[i].receipt, receipt)) {
			return &today->cases[i];
		}
	}
	return NULL;
}

const struct bd_today_case *bd_today_find(
	const struct bd_today *today, const struct bd_trail_id *receipt)
{
	const struct bd_today_case *one = today != NULL ? find(today, receipt) : NULL;

	return one != NULL && one->decision != NULL ? one : NULL;
}

/* -- deciding -- */

static enum bd_code read_case(struct bd_case_record *record, struct bd_store_reader *reader,
	const struct bd_trail_id *receipt, struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code;

	BD_TRY(bd_store_begin(reader, diag));
	code = bd_case_read(record, reader, receipt, arena, diag);
	bd_store_end(reader);
	return code;
}

static enum bd_code decide(struct bd_today_case *one, const struct bd_today *today,
	struct bd_store_reader *reader, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_case_record record;
	const struct bd_again again = { .setup = today->setup,
		.reader = reader,
		.record = &record,
		.when = BD_AGAIN_NOW,
		.now_ms = today->now_ms,
		.asker = &today->asker,
		.needs = BD_DISCLOSE_DECISION };
	struct bd_compared compared;

	BD_TRY(read_case(&record, reader, &one->receipt, arena, diag));
	BD_TRY(bd_again_decide(NULL, &compared, &again, arena, diag));
	one->decision = bd_decision_term(compared.outcome->decision)->name;
	return BD_OK;
}

/* What is wrong with the gateway ends it; anything else is a case that has no decision today. */
static enum bd_code decide_next(struct bd_today *today, struct bd_store_reader *reader,
	const struct bd_trail_id *receipt, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_today_case *one = &today->cases[today->count];
	enum bd_code code;

	if (find(today, receipt) != NULL || today->count == BD_TODAY_PAGE) {
		return BD_OK;
	}
	*one = (struct bd_today_case){ .receipt = *receipt };
	today->count++;
	code = decide(one, today, reader, arena, diag);
	if (code != BD_OK && code != BD_STORE_DAMAGED && bd_code_info(code)->status >= 500) {
		return code;
	}
	bd_diag_clear(diag);
	return BD_OK;
}

enum bd_code bd_today_decide(struct bd_today *today, struct bd_diag *diag)
{
	struct bd_store_reader *reader = NULL;
	struct bd_arena arena;
	enum bd_code code = bd_store_reader_new(&reader, today->store, diag);

	if (code != BD_OK) {
		return code;
	}
	bd_arena_init(&arena, ARENA_MAX_BYTES);
	for (size_t i = 0; code == BD_OK && i < today->page->count; i++) {
		bd_arena_clear(&arena);
		code = decide_next(today, reader, &today->page->items[i].receipt, &arena, diag);
	}
	bd_arena_release(&arena);
	bd_store_reader_free(reader);
	return code;
}

/* -- on record -- */

static enum bd_code enter_case(struct bd_today_case *one, struct bd_loop *loop,
	const struct bd_http_exchange *exchange, const struct bd_sender *sender,
	struct bd_arena *arena, struct bd_diag *diag)
{
	char text[BD_TRAIL_ID_TEXT_BYTES];
	struct bd_trail_event event = { .status = bd_bytes_of("today"),
		.of = { text, BD_TRAIL_ID_TEXT_BYTES - 1 } };
	struct bd_trail_receipt receipt;
	struct bd_trail_entry entry;
	struct bd_trail_id id;
	enum bd_code code;

	bd_trail_id_write(text, &one->receipt);
	BD_TRY(bd_proofs_find(&id, &entry, loop, sender, bd_bytes_of(text), arena, diag));
	code = entry.kind != BD_TRAIL_COMPARE
		       ? BD_RECEIPT_UNKNOWN
		       : bd_trail_receipt_unpack(&receipt, entry.payload, arena);
	code = code == BD_OK
		       ? bd_audit_caller(&event.caller, &loop->audit, exchange, sender->name, arena)
		       : code;
	if (code != BD_OK) {
		return bd_fail(diag, code, "%s", "");
	}
	event.subjects = receipt.subjects;
	event.subject_count = receipt.subject_count;
	BD_TRY(bd_audit_next(one->entry, &loop->audit, diag));
	return bd_audit_event(
		&loop->audit, BD_TRAIL_REPRODUCE, &event, bd_audit_time(&loop->audit), diag);
}

enum bd_code bd_today_enter(struct bd_today *today, struct bd_loop *loop,
	const struct bd_http_exchange *exchange, const struct bd_sender *sender,
	struct bd_diag *diag)
{
	struct bd_arena arena;
	enum bd_code code = BD_OK;

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	for (size_t i = 0; code == BD_OK && i < today->count; i++) {
		struct bd_today_case *one = &today->cases[i];

		bd_arena_clear(&arena);
		if (one->decision == NULL) {
			continue;
		}
		code = enter_case(one, loop, exchange, sender, &arena, diag);
		if (code == BD_RECEIPT_UNKNOWN) {
			one->decision = NULL;
			bd_diag_clear(diag);
			code = BD_OK;
		}
	}
	bd_arena_release(&arena);
	return code == BD_OK ? bd_audit_flush(&loop->audit, diag) : code;
}
