#include "daemon/receipt.h"

#include "base/json_write.h"
#include "base/limits.h"
#include "daemon/access.h"
#include "daemon/call.h"

enum bd_code bd_receipt_code(uint64_t accepted, uint64_t rejected)
{
	return rejected > 0 && accepted == 0 ? BD_MESSAGE_ALL_REJECTED : BD_OK;
}

enum bd_code bd_receipt_go_on(
	struct bd_receipt *receipt, const struct bd_loop *loop, const struct bd_sender *sender)
{
	const struct bd_cursor cursor = { { receipt->message, receipt->message,
		BD_RECEIPT_REJECTS_MAX } };

	if (receipt->message == 0 || receipt->rejected <= BD_RECEIPT_REJECTS_MAX) {
		return BD_OK;
	}
	return bd_cursor_write(receipt->next, &cursor, loop->daemon->cursor_key, sender->name,
		"rejects", receipt->source);
}

static enum bd_code read_kept(struct bd_receipt *out, struct bd_store_reader *reader,
	uint64_t number, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_reject_page page;
	struct bd_message message;
	enum bd_code code = bd_store_message(&message, reader, number, arena, diag);

	if (code == BD_OK) {
		const struct bd_reject_query query = { .source = message.source,
			.only_message = number,
			.message = number,
			.max = BD_RECEIPT_REJECTS_MAX };

		code = bd_store_rejects(&page, reader, &query, arena, diag);
	}
	if (code != BD_OK) {
		return code;
	}
	*out = (struct bd_receipt){ .message = number,
		.source = message.source,
		.feed = message.feed,
		.received = message.received,
		.accepted = message.accepted,
		.unchanged = message.unchanged,
		.rejected = message.rejected,
		.kept = page.items,
		.kept_count = page.count,
		.code = bd_receipt_code(message.accepted, message.rejected) };
	return BD_OK;
}

enum bd_code bd_receipt_read(struct bd_receipt *out, struct bd_loop *loop,
	const struct bd_sender *sender, uint64_t message, struct bd_arena *arena,
	struct bd_diag *diag)
{
	struct bd_receipt receipt;
	enum bd_code code = bd_store_begin(loop->reader, diag);

	if (code != BD_OK) {
		return code;
	}
	code = read_kept(&receipt, loop->reader, message, arena, diag);
	bd_store_end(loop->reader);
	if (code == BD_OK && !bd_access_has(sender, BD_SENDER_OPERATOR) &&
		!bd_access_speaks_for(sender, receipt.source)) {
		code = bd_fail(diag, BD_RECEIPT_UNKNOWN, "%s", "");
	}
	code = code == BD_OK ? bd_receipt_go_on(&receipt, loop, sender) : code;
	if (code == BD_OK) {
		*out = receipt;
	}
	return code;
}

static enum bd_code write_packed(struct bd_json_writer *w, const struct bd_receipt *receipt,
	size_t max, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(receipt->rejects);

	for (size_t i = 0; reader.rest.len > 0 && i < max; i++) {
		struct bd_reject reject;
		enum bd_code code = bd_reject_unpack(&reject, bd_read_sized(&reader), arena);

		if (code != BD_OK || !reader.ok) {
			return code != BD_OK ? code : BD_STORE_DAMAGED;
		}
		bd_reject_write(w, NULL, &reject);
	}
	return w->code;
}

static enum bd_code write_rejects(
	struct bd_json_writer *w, const struct bd_receipt *receipt, struct bd_arena *arena)
{
	size_t max = receipt->rejects_max != 0 ? receipt->rejects_max : BD_RECEIPT_REJECTS_MAX;
	enum bd_code code;

	bd_jw_array(w, "rejects");
	for (size_t i = 0; i < receipt->kept_count && i < max; i++) {
		bd_reject_write(w, NULL, &receipt->kept[i].reject);
	}
	code = write_packed(w, receipt, max, arena);
	bd_jw_array_end(w);
	bd_jw_bool(w, "more", receipt->rejected > max);
	if (receipt->next[0] != '\0') {
		bd_jw_text(w, "next", receipt->next);
	}
	return code;
}

static void write_unmapped(struct bd_json_writer *w, const struct bd_receipt *receipt)
{
	bd_jw_array(w, "unmapped");
	for (size_t i = 0; i < receipt->unmapped_count; i++) {
		bd_jw_object(w, NULL);
		bd_jw_text(w, "path", receipt->unmapped[i].path);
		bd_jw_u64(w, "count", receipt->unmapped[i].count);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

enum bd_code bd_receipt_write(
	struct bd_buf *out, const struct bd_receipt *receipt, struct bd_arena *arena)
{
	const struct bd_code_info *info = bd_code_info(receipt->code);
	struct bd_json_writer w;
	char id[24];
	enum bd_code code;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	if (receipt->message != 0) {
		bd_call_message_id(id, receipt->message);
		bd_jw_text(&w, "message", id);
	} else {
		bd_jw_null(&w, "message");
	}
	bd_jw_text(&w, "source", receipt->source);
	bd_jw_text(&w, "feed", receipt->feed);
	bd_jw_u64(&w, "received", receipt->received);
	bd_jw_u64(&w, "accepted", receipt->accepted);
	bd_jw_u64(&w, "unchanged", receipt->unchanged);
	bd_jw_u64(&w, "rejected", receipt->rejected);
	bd_jw_text(&w, "code", info->text);
	bd_jw_text(&w, "zh", info->zh);
	bd_jw_text(&w, "en", info->en);
	code = write_rejects(&w, receipt, arena);
	write_unmapped(&w, receipt);
	if (receipt->is_dry_run) {
		bd_jw_bool(&w, "dry_run", true);
		bd_jw_bytes(&w, "would_store", receipt->would_store);
	}
	bd_jw_object_end(&w);
	return code != BD_OK ? code : w.code;
}
