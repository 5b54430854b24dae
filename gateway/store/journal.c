#include "store/journal.h"

#include "base/try.h"
#include "record/pack.h"

/* Of the packed form alone. */
#define FORM 1

enum flag {
	FLAG_REPLY = 1,
	FLAG_SNAPSHOT = 2,
	FLAG_ATOMIC = 4,
	FLAG_TOTAL = 8,
	FLAG_BASELINE = 16,
	FLAG_CYCLE = 32,
	FLAG_MARK = 64,
	FLAG_SPOOLED = 128
};

static struct bd_bytes text_of(const char *text)
{
	return bd_bytes_of(text != NULL ? text : "");
}

static enum bd_code pack_order(struct bd_buf *out, struct bd_order order)
{
	BD_TRY(bd_buf_add_u8(out, order.rank));
	return bd_buf_add_u64(out, (uint64_t)order.order);
}

static struct bd_order read_order(struct bd_reader *reader)
{
	struct bd_order order;

	order.rank = bd_read_u8(reader);
	order.order = (int64_t)bd_read_u64(reader);
	return order;
}

static uint8_t flags_of(const struct bd_journal_entry *journal)
{
	const struct bd_entry *entry = &journal->entry;

	return (uint8_t)((entry->is_reply ? FLAG_REPLY : 0) |
			 (entry->is_snapshot ? FLAG_SNAPSHOT : 0) |
			 (entry->is_atomic ? FLAG_ATOMIC : 0) |
			 (entry->delivery.has_total ? FLAG_TOTAL : 0) |
			 (entry->delivery.is_baseline ? FLAG_BASELINE : 0) |
			 (journal->cycle != NULL ? FLAG_CYCLE : 0) |
			 (journal->snapshot.is_set ? FLAG_MARK : 0) |
			 (journal->is_spooled ? FLAG_SPOOLED : 0));
}

static enum bd_code pack_lists(struct bd_buf *out, const struct bd_entry *entry)
{
	if (entry->subject_count > UINT16_MAX || entry->section_count > UINT16_MAX) {
		return BD_LIMIT_COUNT;
	}
	BD_TRY(bd_buf_add_u16(out, (uint16_t)entry->subject_count));
	for (size_t i = 0; i < entry->subject_count; i++) {
		BD_TRY(bd_identifier_pack(out, &entry->subject[i]));
	}
	BD_TRY(bd_buf_add_u16(out, (uint16_t)entry->section_count));
	for (size_t i = 0; i < entry->section_count; i++) {
		BD_TRY(bd_buf_add_sized(out, text_of(entry->sections[i])));
	}
	return BD_OK;
}

enum bd_code bd_journal_pack(struct bd_buf *out, const struct bd_journal_entry *journal)
{
	const struct bd_entry *entry = &journal->entry;

	BD_TRY(bd_buf_add_u8(out, FORM));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)journal->kind));
	BD_TRY(bd_buf_add_u16(out, journal->rules));
	BD_TRY(bd_buf_add_u64(out, entry->message));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)entry->received_ms));
	BD_TRY(bd_buf_add_u8(out, flags_of(journal)));
	BD_TRY(bd_buf_add_sized(out, text_of(entry->source)));
	BD_TRY(bd_buf_add_sized(out, text_of(entry->feed)));
	BD_TRY(bd_buf_add_u16(out, entry->feed_number));
	BD_TRY(bd_buf_add_sized(out, text_of(entry->sender)));
	BD_TRY(bd_buf_add_sized(out, text_of(entry->adapter_version)));
	BD_TRY(bd_buf_add_sized(out, text_of(entry->dictionary_version)));
	BD_TRY(bd_buf_add_sized(out, entry->idempotency_key));
	BD_TRY(bd_buf_add(
		out, (struct bd_bytes){ (const char *)entry->body_sha256, BD_DIGEST_BYTES }));
	BD_TRY(bd_buf_add_u32(out, journal->keep_days));
	BD_TRY(bd_buf_add_u64(out, entry->received));
	BD_TRY(bd_buf_add_u64(out, entry->accepted));
	BD_TRY(bd_buf_add_u64(out, entry->rejected));
	BD_TRY(bd_buf_add_u64(out, entry->record_count));
	BD_TRY(pack_order(out, entry->order));
	BD_TRY(pack_order(out, journal->snapshot.order));
	BD_TRY(bd_buf_add_u32(out, (uint32_t)entry->delivery.day));
	BD_TRY(bd_buf_add_u64(out, entry->delivery.total));
	BD_TRY(bd_buf_add_u32(out, entry->remove_share_max_percent));
	BD_TRY(bd_buf_add_sized(out, text_of(journal->cycle)));
	BD_TRY(pack_lists(out, entry));
	BD_TRY(bd_buf_add_sized(out, entry->rejects));
	return bd_buf_add_sized(out, entry->records);
}

static void read_flags(struct bd_journal_entry *journal, uint8_t flags)
{
	struct bd_entry *entry = &journal->entry;

	entry->is_reply = (flags & FLAG_REPLY) != 0;
	entry->is_snapshot = (flags & FLAG_SNAPSHOT) != 0;
	entry->is_atomic = (flags & FLAG_ATOMIC) != 0;
	entry->delivery.has_total = (flags & FLAG_TOTAL) != 0;
	entry->delivery.is_baseline = (flags & FLAG_BASELINE) != 0;
	journal->snapshot.is_set = (flags & FLAG_MARK) != 0;
	journal->is_spooled = (flags & FLAG_SPOOLED) != 0;
}

static const char *read_text(struct bd_reader *reader, struct bd_arena *arena)
{
	const char *text = bd_arena_text(arena, bd_read_sized(reader));

	reader->ok = reader->ok && text != NULL;
	return text;
}

static void read_lists(struct bd_entry *entry, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_identifier *subject;
	const char **sections;

	entry->subject_count = bd_read_u16(reader);
	subject = bd_arena_alloc(arena, entry->subject_count, sizeof(*subject));
	for (size_t i = 0; subject != NULL && i < entry->subject_count; i++) {
		subject[i] = bd_identifier_unpack(reader);
	}
	entry->section_count = bd_read_u16(reader);
	sections = bd_arena_alloc(arena, entry->section_count, sizeof(const char *));
	for (size_t i = 0; sections != NULL && i < entry->section_count; i++) {
		sections[i] = read_text(reader, arena);
	}
	reader->ok = reader->ok && subject != NULL && sections != NULL;
	entry->subject = subject;
	entry->sections = sections;
}

static void read_entry(
	struct bd_journal_entry *journal, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_entry *entry = &journal->entry;
	struct bd_bytes digest;
	uint8_t flags;

	entry->message = bd_read_u64(reader);
	entry->received_ms = (int64_t)bd_read_u64(reader);
	flags = bd_read_u8(reader);
	read_flags(journal, flags);
	entry->source = read_text(reader, arena);
	entry->feed = read_text(reader, arena);
	entry->feed_number = bd_read_u16(reader);
	entry->sender = read_text(reader, arena);
	entry->adapter_version = read_text(reader, arena);
	entry->dictionary_version = read_text(reader, arena);
	entry->idempotency_key = bd_read_sized(reader);
	digest = bd_read_bytes(reader, BD_DIGEST_BYTES);
	if (digest.ptr != NULL) {
		memcpy(entry->body_sha256, digest.ptr, BD_DIGEST_BYTES);
	}
	journal->keep_days = bd_read_u32(reader);
	entry->received = bd_read_u64(reader);
	entry->accepted = bd_read_u64(reader);
	entry->rejected = bd_read_u64(reader);
	entry->record_count = bd_read_u64(reader);
	entry->order = read_order(reader);
	journal->snapshot.order = read_order(reader);
	entry->delivery.day = (int32_t)bd_read_u32(reader);
	entry->delivery.total = bd_read_u64(reader);
	entry->remove_share_max_percent = bd_read_u32(reader);
	journal->cycle = read_text(reader, arena);
	journal->cycle = (flags & FLAG_CYCLE) != 0 ? journal->cycle : NULL;
	read_lists(entry, reader, arena);
	entry->rejects = bd_read_sized(reader);
	entry->records = bd_read_sized(reader);
}

enum bd_code bd_journal_unpack(
	struct bd_journal_entry *journal, struct bd_bytes packed, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(packed);
	uint8_t form = bd_read_u8(&reader), kind = bd_read_u8(&reader);

	*journal = (struct bd_journal_entry){ .kind = kind, .rules = bd_read_u16(&reader) };
	if (!reader.ok) {
		return BD_STORE_DAMAGED;
	}
	if (form != FORM || kind != BD_JOURNAL_MESSAGE) {
		return BD_JOURNAL_VERSION;
	}
	read_entry(journal, &reader, arena);
	if (!reader.ok || reader.rest.len > 0) {
		return bd_arena_code(arena) != BD_OK ? bd_arena_code(arena) : BD_STORE_DAMAGED;
	}
	return BD_OK;
}
