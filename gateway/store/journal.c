#include "store/journal.h"

#include "base/try.h"
#include "record/pack.h"

/* Of the packed form alone; the second has the progress of whoever fetched the message behind all
 * that the first has. */
#define FORM 1
#define FORM_PROGRESS 2

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

static enum bd_code pack_recall(struct bd_buf *out, const struct bd_recall *recall)
{
	if (recall->with_count > UINT16_MAX) {
		return BD_LIMIT_COUNT;
	}
	BD_TRY(bd_buf_add_u16(out, recall->entity));
	BD_TRY(bd_buf_add_u64(out, recall->message));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)recall->message_received_ms));
	BD_TRY(bd_buf_add_u8(out, recall->is_last));
	BD_TRY(bd_buf_add_u64(out, recall->before));
	BD_TRY(bd_buf_add_u64(out, recall->recalled));
	BD_TRY(bd_buf_add_u16(out, (uint16_t)recall->with_count));
	for (size_t i = 0; i < recall->with_count; i++) {
		BD_TRY(bd_value_pack(out, &recall->with[i]));
	}
	return BD_OK;
}

static enum bd_code pack_dispute(struct bd_buf *out, const struct bd_dispute *dispute)
{
	BD_TRY(bd_buf_add_u16(out, dispute->entity));
	BD_TRY(bd_buf_add_u16(out, dispute->field));
	BD_TRY(bd_buf_add_sized(out, text_of(dispute->reason)));
	BD_TRY(bd_buf_add_sized(out, text_of(dispute->reference)));
	BD_TRY(bd_identifier_pack(out, &dispute->subject));
	return bd_buf_add_u32(out, (uint32_t)dispute->due_day);
}

static enum bd_code pack_resolution(struct bd_buf *out, const struct bd_resolution *resolution)
{
	BD_TRY(bd_buf_add_u64(out, resolution->dispute));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)resolution->state));
	return bd_buf_add_sized(out, text_of(resolution->reference));
}

/* What another kind than a message has besides. */
static enum bd_code pack_kind(struct bd_buf *out, const struct bd_journal_entry *journal)
{
	switch (journal->kind) {
	case BD_JOURNAL_MESSAGE:
		break;
	case BD_JOURNAL_RECALL:
		return pack_recall(out, &journal->entry.recall);
	case BD_JOURNAL_DISPUTE:
		return pack_dispute(out, &journal->entry.dispute);
	case BD_JOURNAL_RESOLUTION:
		return pack_resolution(out, &journal->entry.resolution);
	}
	return BD_OK;
}

enum bd_code bd_journal_pack(struct bd_buf *out, const struct bd_journal_entry *journal)
{
	const struct bd_entry *entry = &journal->entry;

	BD_TRY(bd_buf_add_u8(out, entry->progress_name != NULL ? FORM_PROGRESS : FORM));
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
	BD_TRY(bd_buf_add_sized(out, entry->records));
	BD_TRY(pack_kind(out, journal));
	if (entry->progress_name == NULL) {
		return BD_OK;
	}
	BD_TRY(bd_buf_add_sized(out, text_of(entry->progress_name)));
	return bd_buf_add_sized(out, entry->progress);
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

static void read_recall(struct bd_recall *recall, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_value *with;

	recall->entity = bd_read_u16(reader);
	recall->message = bd_read_u64(reader);
	recall->message_received_ms = (int64_t)bd_read_u64(reader);
	recall->is_last = bd_read_u8(reader) != 0;
	recall->before = bd_read_u64(reader);
	recall->recalled = bd_read_u64(reader);
	recall->with_count = bd_read_u16(reader);
	with = bd_arena_alloc(arena, recall->with_count, sizeof(*with));
	for (size_t i = 0; with != NULL && i < recall->with_count; i++) {
		with[i] = bd_value_unpack(reader);
	}
	reader->ok = reader->ok && with != NULL;
	recall->with = with;
}

static void read_dispute(
	struct bd_dispute *dispute, struct bd_reader *reader, struct bd_arena *arena)
{
	dispute->entity = bd_read_u16(reader);
	dispute->field = bd_read_u16(reader);
	dispute->reason = read_text(reader, arena);
	dispute->reference = read_text(reader, arena);
	dispute->subject = bd_identifier_unpack(reader);
	dispute->due_day = (int32_t)bd_read_u32(reader);
}

static void read_resolution(
	struct bd_resolution *resolution, struct bd_reader *reader, struct bd_arena *arena)
{
	resolution->dispute = bd_read_u64(reader);
	resolution->state = (enum bd_dispute_state)bd_read_u8(reader);
	resolution->reference = read_text(reader, arena);
	reader->ok = reader->ok && resolution->state >= BD_DISPUTE_UPHELD &&
		     resolution->state <= BD_DISPUTE_CORRECTED;
}

static void read_kind(
	struct bd_journal_entry *journal, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_entry *entry = &journal->entry;

	entry->kind = (enum bd_entry_kind)(journal->kind - BD_JOURNAL_MESSAGE);
	switch (journal->kind) {
	case BD_JOURNAL_MESSAGE:
		break;
	case BD_JOURNAL_RECALL:
		read_recall(&entry->recall, reader, arena);
		break;
	case BD_JOURNAL_DISPUTE:
		read_dispute(&entry->dispute, reader, arena);
		break;
	case BD_JOURNAL_RESOLUTION:
		read_resolution(&entry->resolution, reader, arena);
		break;
	}
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
	read_kind(journal, reader, arena);
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
	if ((form != FORM && form != FORM_PROGRESS) || kind < BD_JOURNAL_MESSAGE ||
		kind > BD_JOURNAL_RESOLUTION) {
		return BD_JOURNAL_VERSION;
	}
	read_entry(journal, &reader, arena);
	if (form == FORM_PROGRESS) {
		journal->entry.progress_name = read_text(&reader, arena);
		journal->entry.progress = bd_read_sized(&reader);
	}
	if (!reader.ok || reader.rest.len > 0) {
		return bd_arena_code(arena) != BD_OK ? bd_arena_code(arena) : BD_STORE_DAMAGED;
	}
	return BD_OK;
}
