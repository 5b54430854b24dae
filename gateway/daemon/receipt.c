#include "daemon/receipt.h"

#include "base/json_write.h"
#include "base/limits.h"
#include "daemon/call.h"

static enum bd_code write_rejects(
	struct bd_json_writer *w, struct bd_bytes rejects, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(rejects);

	bd_jw_array(w, "rejects");
	for (size_t i = 0; reader.rest.len > 0 && i < BD_RECEIPT_REJECTS_MAX; i++) {
		struct bd_reject reject;
		enum bd_code code = bd_reject_unpack(&reject, bd_read_sized(&reader), arena);

		if (code != BD_OK || !reader.ok) {
			return code != BD_OK ? code : BD_STORE_DAMAGED;
		}
		bd_reject_write(w, NULL, &reject);
	}
	bd_jw_array_end(w);
	bd_jw_bool(w, "more", reader.rest.len > 0);
	return w->code;
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
	code = write_rejects(&w, receipt->rejects, arena);
	write_unmapped(&w, receipt);
	if (receipt->is_dry_run) {
		bd_jw_bool(&w, "dry_run", true);
		bd_jw_bytes(&w, "would_store", receipt->would_store);
	}
	bd_jw_object_end(&w);
	return code != BD_OK ? code : w.code;
}
