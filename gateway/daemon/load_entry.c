/* load_entry.c - what a file, or a line of one, is in the journal, and what is told of it: for the
 * other files of the load. */
#include "base/try.h"
#include "daemon/load_parts.h"

enum bd_code bd_load_key(char out[BD_LOAD_KEY_BYTES], const struct bd_load_file *file,
	uint64_t line, const uint8_t sha256[BD_DIGEST_BYTES])
{
	struct bd_buf key = { out, 0, BD_LOAD_KEY_BYTES, BD_LOAD_KEY_BYTES };
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, 4096);
	code = bd_buf_printf(&text, "%s %d %d %llu %llu %d ", file->feed, file->delivery.day,
		file->delivery.has_total, (unsigned long long)file->delivery.total,
		(unsigned long long)line, file->delivery.is_baseline);
	code = code == BD_OK ? bd_buf_add(&text,
				       (struct bd_bytes){ (const char *)sha256, BD_DIGEST_BYTES })
			     : code;
	code = code == BD_OK ? bd_sha256_of(bd_buf_bytes(&text), digest) : code;
	bd_buf_release(&text);
	BD_TRY(code);
	/* Of each line it is kept with the receipt: base64, and not hexadecimal. */
	BD_TRY(bd_buf_add_text(&key, "load "));
	BD_TRY(bd_base64_add(&key, (struct bd_bytes){ (const char *)digest, sizeof(digest) }));
	return bd_buf_add_byte(&key, '\0');
}

void bd_load_entry(
	struct bd_entry *entry, const struct bd_load *load, const struct bd_loading *loading)
{
	const struct bd_feed_plan *feed = loading->feed;

	*entry = (struct bd_entry){ .source = loading->plan->source,
		.feed = feed->name,
		.feed_number = feed->number,
		.is_reply = feed->kind == BD_FEED_REPLY,
		.is_snapshot = feed->kind == BD_FEED_SNAPSHOT,
		.received_ms = loading->received_ms,
		.sender = BD_LOAD_SENDER,
		.adapter_version = loading->plan->version,
		.dictionary_version = load->setup->dict->version,
		.order_kind = feed->order_kind,
		.delivery = loading->file->delivery,
		.remove_share_max_percent = feed->remove_share_max_percent };
}

void bd_load_entry_result(struct bd_entry *entry, const struct bd_intake_result *result)
{
	entry->received = result->received;
	entry->accepted = result->accepted;
	entry->rejected = result->rejected;
	entry->record_count = result->records;
	entry->subject = result->subject;
	entry->subject_count = result->subject_count;
	entry->order = result->order;
	entry->sections = result->sections;
	entry->section_count = result->section_count;
}

void bd_load_note_refused(struct bd_load_file *file, uint64_t line, enum bd_code code)
{
	file->refused_count++;
	if (file->refused_shown < BD_LOAD_REFUSED_MAX) {
		file->refused[file->refused_shown++] = (struct bd_load_refused){ line, code };
	}
}

void bd_load_show(const struct bd_load *load, enum bd_load_stage stage, uint64_t done)
{
	uint64_t total = 0;

	for (size_t i = 0; i < load->order->count; i++) {
		total += load->files[i].file->bytes;
	}
	if (load->order->watch != NULL) {
		load->order->watch->show(load->order->watch, stage, done, total);
	}
}
