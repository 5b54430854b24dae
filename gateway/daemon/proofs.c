/* proofs.c - GET /v1/receipts/{id}, its proof, and the newest tree head: what was entered into the
 * trail, shown to whom it concerns. */
#include "daemon/proofs.h"

#include "base/try.h"
#include "daemon/document.h"
#include "daemon/explain.h"
#include "daemon/routes.h"
#include "trail/proof.h"
#include "trail/receipt.h"

#include <string.h>

/* An operator explains decisions to those whom they are about; what else happened is for auditors.
 */
static bool may_see(const struct bd_sender *sender, const struct bd_trail_entry *entry)
{
	return bd_access_has(sender, BD_SENDER_AUDITOR | BD_SENDER_AUDIT) ||
	       (entry->kind == BD_TRAIL_COMPARE && bd_access_has(sender, BD_SENDER_OPERATOR)) ||
	       bd_bytes_is(bd_trail_entry_client(entry), sender->name);
}

enum bd_code bd_proofs_find(struct bd_trail_id *id, struct bd_trail_entry *entry,
	struct bd_loop *loop, const struct bd_sender *sender, struct bd_bytes text,
	struct bd_arena *arena, struct bd_diag *diag)
{
	enum bd_code code;

	if (!bd_trail_id_read(id, text)) {
		return bd_fail(diag, BD_RECEIPT_UNKNOWN, "%s", "");
	}
	code = bd_trail_read(entry, NULL, loop->daemon->trail, id, arena, diag);
	if (code == BD_OK && !may_see(sender, entry)) {
		code = bd_fail(diag, BD_RECEIPT_UNKNOWN, "%s", "");
	}
	return code;
}

/* An entry that is shown, to whom. */
struct showing {
	struct bd_loop *loop;
	const struct bd_sender *sender;
	struct bd_asker asker;
	struct bd_trail_id id;
	struct bd_trail_entry entry;
};

typedef enum bd_code write_body(struct bd_buf *out, const struct showing *showing,
	struct bd_arena *arena, struct bd_diag *diag);

static void answer(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, struct bd_bytes text, write_body *write)
{
	struct showing showing = { .loop = loop, .sender = sender };
	struct bd_document document;
	enum bd_code code;

	bd_asker_of(&showing.asker, loop->setup, sender, exchange, bd_audit_time(&loop->audit));
	bd_document_begin(&document, loop, exchange);
	code = bd_proofs_find(
		&showing.id, &showing.entry, loop, sender, text, &document.arena, &document.diag);
	code = code == BD_OK ? write(&document.body, &showing, &document.arena, &document.diag)
			     : code;
	bd_document_end(&document, code);
}

/* Of a comparison of which only the decision was told, the rest is for operators, and for whom a
 * grant tells it now. */
static enum bd_code may_see_elements(
	const struct showing *showing, const struct bd_trail_receipt *receipt, struct bd_diag *diag)
{
	if (bd_disclosure_find(receipt->disclosure) != BD_DISCLOSE_DECISION ||
		bd_access_has(showing->sender, BD_SENDER_OPERATOR)) {
		return BD_OK;
	}
	return bd_asker_may(
		&showing->asker, showing->loop->setup, receipt->matter, BD_DISCLOSE_CODES, diag);
}

static enum bd_code write_entry(struct bd_buf *out, const struct showing *showing,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_trail_receipt receipt;
	struct bd_diag why = { .code = BD_OK };

	(void)diag;
	if (showing->entry.kind != BD_TRAIL_COMPARE) {
		return bd_trail_entry_write(out, &showing->entry, arena);
	}
	BD_TRY(bd_trail_receipt_unpack(&receipt, showing->entry.payload, arena));
	if (may_see_elements(showing, &receipt, &why) != BD_OK) {
		receipt.element_count = receipt.look_up_count = 0;
	}
	return bd_trail_receipt_write(out, &showing->entry, &receipt);
}

static enum bd_code write_explained(struct bd_buf *out, const struct showing *showing,
	struct bd_arena *arena, struct bd_diag *diag)
{
	return bd_explain_write(out, showing->loop, &showing->asker, &showing->entry, arena, diag);
}

/* It has the whole entry in it. */
static enum bd_code write_proof(struct bd_buf *out, const struct showing *showing,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_trail_receipt receipt;
	struct bd_trail_proof proof;

	if (showing->entry.kind == BD_TRAIL_COMPARE) {
		BD_TRY(bd_trail_receipt_unpack(&receipt, showing->entry.payload, arena));
		BD_TRY(may_see_elements(showing, &receipt, diag));
	}
	BD_TRY(bd_trail_prove(&proof, showing->loop->daemon->trail, &showing->id, arena, diag));
	return bd_trail_proof_write(out, &proof);
}

void bd_trail_receipt_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	bool explains = false;

	if (bd_call_flag(&explains, bd_http_query(exchange), "explain") != BD_OK) {
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond_code(exchange, BD_QUESTION_FORM, "explain is true or false");
		return;
	}
	if (explains && !bd_access_has(sender, BD_SENDER_ENGINE | BD_SENDER_OPERATOR)) {
		/* What was claimed and held is for those who decide, not for who looks over them.
		 */
		bd_count(&loop->counts.refused, 1);
		bd_problem_respond_code(exchange, BD_AUTH_ROLE, "");
		return;
	}
	answer(loop, exchange, sender, parts->first, explains ? write_explained : write_entry);
}

void bd_trail_proof_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	answer(loop, exchange, sender, parts->first, write_proof);
}

void bd_trail_head_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_document document;
	struct bd_trail_signed head;
	enum bd_code code;

	(void)sender;
	(void)parts;
	bd_document_begin(&document, loop, exchange);
	code = bd_trail_newest(&head, loop->daemon->trail, &document.arena, &document.diag);
	if (code == BD_OK) {
		bd_trail_signed_write(&document.json, NULL, &head);
	}
	bd_document_end(&document, code);
}
