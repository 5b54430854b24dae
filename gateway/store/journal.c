#include "store/journal.h"

#include "base/try.h"
#include "record/pack.h"

/* Of the packed form alone. 1 and 2 had numbers of fixed width. */
#define FORM 3

enum flag {
	FLAG_REPLY = 1,
	FLAG_SNAPSHOT = 2,
	FLAG_ATOMIC = 4,
	FLAG_TOTAL = 8,
	FLAG_BASELINE = 16,
	FLAG_CYCLE = 32,
	FLAG_MARK = 64,
	FLAG_SPOOLED = 128,
	/* How far whoever fetched the message has come stands behind all else. */
	FLAG_PROGRESS = 256
};

static struct bd_bytes text_of(const char *text)
{
	return bd_bytes_of(text != NULL ? text : "");
}

static enum bd_code pack_order(struct bd_buf *out, struct bd_order order)
{
	BD_TRY(bd_buf_add_u8(out, order.rank));
	return bd_buf_add_zigzag(out, order.order);
}

static struct bd_order read_order(struct bd_reader *reader)
{
	struct bd_order order;

	order.rank = bd_read_u8(reader);
	order.order = bd_read_zigzag(reader);
	return order;
}

static uint16_t flags_of(const struct bd_journal_entry *journal)
{
	const struct bd_entry *entry = &journal->entry;

	return (uint16_t)((entry->is_reply ? FLAG_REPLY : 0) |
			  (entry->is_snapshot ? FLAG_SNAPSHOT : 0) |
			  (entry->is_atomic ? FLAG_ATOMIC : 0) |
			  (entry->delivery.has_total ? FLAG_TOTAL : 0) |
			  (entry->delivery.is_baseline ? FLAG_BASELINE : 0) |
			  (journal->cycle != NULL ? FLAG_CYCLE : 0) |
			  (journal->snapshot.is_set ? FLAG_MARK : 0) |
			  (journal->is_spooled ? FLAG_SPOOLED : 0) |
			  (entry->progress_name != NULL ? FLAG_PROGRESS : 0));
}

static enum bd_code pack_lists(struct bd_buf *out, const struct bd_entry *entry)
{
	if (entry->subject_count > UINT16_MAX || entry->section_count > UINT16_MAX) {
		return BD_LIMIT_COUNT;
	}
	BD_TRY(bd_buf_add_varint(out, entry->subject_count));
	for (size_t i = 0; i < entry->subject_count; i++) {
		BD_TRY(bd_identifier_pack(out, &entry->subject[i]));
	}
	BD_TRY(bd_buf_add_varint(out, entry->section_count));
	for (size_t i = 0; i < entry->section_count; i++) {
		BD_TRY(bd_buf_add_varsized(out, text_of(entry->sections[i])));
	}
	return BD_OK;
}

static enum bd_code pack_recall(struct bd_buf *out, const struct bd_recall *recall)
{
	if (recall->with_count > UINT16_MAX) {
		return BD_LIMIT_COUNT;
	}
	BD_TRY(bd_buf_add_varint(out, recall->entity));
	BD_TRY(bd_buf_add_varint(out, recall->message));
	BD_TRY(bd_buf_add_zigzag(out, recall->message_received_ms));
	BD_TRY(bd_buf_add_u8(out, recall->is_last));
	BD_TRY(bd_buf_add_varint(out, recall->before));
	BD_TRY(bd_buf_add_varint(out, recall->recalled));
	BD_TRY(bd_buf_add_varint(out, recall->with_count));
	for (size_t i = 0; i < recall->with_count; i++) {
		BD_TRY(bd_value_pack(out, &recall->with[i]));
	}
	return BD_OK;
}

static enum bd_code pack_dispute(struct bd_buf *out, const struct bd_dispute *dispute)
{
	BD_TRY(bd_buf_add_varint(out, dispute->entity));
	BD_TRY(bd_buf_add_varint(out, dispute->field));
	BD_TRY(bd_buf_add_varsized(out, text_of(dispute->reason)));
	BD_TRY(bd_buf_add_varsized(out, text_of(dispute->reference)));
	BD_TRY(bd_identifier_pack(out, &dispute->subject));
	return bd_buf_add_zigzag(out, dispute->due_day);
}

static enum bd_code pack_resolution(struct bd_buf *out, const struct bd_resolution *resolution)
{
	BD_TRY(bd_buf_add_varint(out, resolution->dispute));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)resolution->state));
	return bd_buf_add_varsized(out, text_of(resolution->reference));
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

	BD_TRY(bd_buf_add_u8(out, FORM));
	BD_TRY(bd_buf_add_u8(out, (uint8_t)journal->kind));
	BD_TRY(bd_buf_add_varsized(out, text_of(entry->source)));
	BD_TRY(bd_buf_add_varint(out, journal->rules));
	BD_TRY(bd_buf_add_varint(out, entry->message));
	BD_TRY(bd_buf_add_zigzag(out, entry->received_ms));
	BD_TRY(bd_buf_add_varint(out, flags_of(journal)));
	BD_TRY(bd_buf_add_varsized(out, text_of(entry->feed)));
	BD_TRY(bd_buf_add_varint(out, entry->feed_number));
	BD_TRY(bd_buf_add_varsized(out, text_of(entry->sender)));
	BD_TRY(bd_buf_add_varsized(out, text_of(entry->adapter_version)));
	BD_TRY(bd_buf_add_varsized(out, text_of(entry->dictionary_version)));
	BD_TRY(bd_buf_add_varsized(out, entry->idempotency_key));
	BD_TRY(bd_buf_add(
		out, (struct bd_bytes){ (const char *)entry->body_sha256, BD_DIGEST_BYTES }));
	BD_TRY(bd_buf_add_varint(out, journal->keep_days));
	BD_TRY(bd_buf_add_varint(out, entry->received));
	BD_TRY(bd_buf_add_varint(out, entry->accepted));
	BD_TRY(bd_buf_add_varint(out, entry->rejected));
	BD_TRY(bd_buf_add_varint(out, entry->record_count));
	BD_TRY(pack_order(out, entry->order));
	BD_TRY(pack_order(out, journal->snapshot.order));
	BD_TRY(bd_buf_add_zigzag(out, entry->delivery.day));
	BD_TRY(bd_buf_add_varint(out, entry->delivery.total));
	BD_TRY(bd_buf_add_varint(out, entry->remove_share_max_percent));
	BD_TRY(bd_buf_add_varsized(out, text_of(journal->cycle)));
	BD_TRY(pack_lists(out, entry));
	BD_TRY(bd_buf_add_varsized(out, entry->rejects));
	BD_TRY(bd_buf_add_varsized(out, entry->records));
	BD_TRY(pack_kind(out, journal));
	if (entry->progress_name == NULL) {
		return BD_OK;
	}
	BD_TRY(bd_buf_add_varsized(out, text_of(entry->progress_name)));
	return bd_buf_add_varsized(out, entry->progress);
}

/* For a field that is narrower than a varint. */
static uint64_t read_up_to(struct bd_reader *reader, uint64_t max)
{
	uint64_t value = bd_read_varint(reader);

	reader->ok = reader->ok && value <= max;
	return reader->ok ? value : 0;
}

static uint16_t read_u16(struct bd_reader *reader)
{
	return (uint16_t)read_up_to(reader, UINT16_MAX);
}

static uint32_t read_u32(struct bd_reader *reader)
{
	return (uint32_t)read_up_to(reader, UINT32_MAX);
}

static int32_t read_day(struct bd_reader *reader)
{
	int64_t value = bd_read_zigzag(reader);

	reader->ok = reader->ok && value >= INT32_MIN && value <= INT32_MAX;
	return reader->ok ? (int32_t)value : 0;
}

static void read_flags(struct bd_journal_entry *journal, uint16_t flags)
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
	const char *text = bd_arena_text(arena, bd_read_varsized(reader));

	reader->ok = reader->ok && text != NULL;
	return text;
}

static void read_lists(struct bd_entry *entry, struct bd_reader *reader, struct bd_arena *arena)
{
	struct bd_identifier *subject;
	const char **sections;

	entry->subject_count = read_u16(reader);
	subject = bd_arena_alloc(arena, entry->subject_count, sizeof(*subject));
	for (size_t i = 0; subject != NULL && i < entry->subject_count; i++) {
		subject[i] = bd_identifier_unpack(reader);
	}
	entry->section_count = read_u16(reader);
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

	recall->entity = read_u16(reader);
	recall->message = bd_read_varint(reader);
	recall->message_received_ms = bd_read_zigzag(reader);
	recall->is_last = bd_read_u8(reader) != 0;
	recall->before = bd_read_varint(reader);
	recall->recalled = bd_read_varint(reader);
	recall->with_count = read_u16(reader);
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
	dispute->entity = read_u16(reader);
	dispute->field = read_u16(reader);
	dispute->reason = read_text(reader, arena);
	dispute->reference = read_text(reader, arena);
	dispute->subject = bd_identifier_unpack(reader);
	dispute->due_day = read_day(reader);
}

static void read_resolution(
	struct bd_resolution *resolution, struct bd_reader *reader, struct bd_arena *arena)
{
	resolution->dispute = bd_read_varint(reader);
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
	uint16_t flags;

	entry->source = read_text(reader, arena);
	journal->rules = read_u16(reader);
	entry->message = bd_read_varint(reader);
	entry->received_ms = bd_read_zigzag(reader);
	flags = read_u16(reader);
	read_flags(journal, flags);
	entry->feed = read_text(reader, arena);
	entry->feed_number = read_u16(reader);
	entry->sender = read_text(reader, arena);
	entry->adapter_version = read_text(reader, arena);
	entry->dictionary_version = read_text(reader, arena);
	entry->idempotency_key = bd_read_varsized(reader);
	digest = bd_read_bytes(reader, BD_DIGEST_BYTES);
	if (digest.ptr != NULL) {
		memcpy(entry->body_sha256, digest.ptr, BD_DIGEST_BYTES);
	}
	journal->keep_days = read_u32(reader);
	entry->received = bd_read_varint(reader);
	entry->accepted = bd_read_varint(reader);
	entry->rejected = bd_read_varint(reader);
	entry->record_count = bd_read_varint(reader);
	entry->order = read_order(reader);
	journal->snapshot.order = read_order(reader);
	entry->delivery.day = read_day(reader);
	entry->delivery.total = bd_read_varint(reader);
	entry->remove_share_max_percent = read_u32(reader);
	journal->cycle = read_text(reader, arena);
	journal->cycle = (flags & FLAG_CYCLE) != 0 ? journal->cycle : NULL;
	read_lists(entry, reader, arena);
	entry->rejects = bd_read_varsized(reader);
	entry->records = bd_read_varsized(reader);
	read_kind(journal, reader, arena);
	if ((flags & FLAG_PROGRESS) != 0) {
		entry->progress_name = read_text(reader, arena);
		entry->progress = bd_read_varsized(reader);
	}
}

/* The form and the kind stand before all else. */
static enum bd_code read_front(uint8_t *kind, struct bd_reader *reader)
{
	uint8_t form = bd_read_u8(reader);

	*kind = bd_read_u8(reader);
	if (!reader->ok) {
		return BD_STORE_DAMAGED;
	}
	return form == FORM && *kind >= BD_JOURNAL_MESSAGE && *kind <= BD_JOURNAL_RESOLUTION
		       ? BD_OK
		       : BD_JOURNAL_VERSION;
}

enum bd_code bd_journal_source(struct bd_bytes *out, struct bd_bytes packed)
{
	struct bd_reader reader = bd_reader_of(packed);
	uint8_t kind;

	BD_TRY(read_front(&kind, &reader));
	*out = bd_read_varsized(&reader);
	return reader.ok ? BD_OK : BD_STORE_DAMAGED;
}

enum bd_code bd_journal_unpack(
	struct bd_journal_entry *journal, struct bd_bytes packed, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(packed);
	uint8_t kind;

	BD_TRY(read_front(&kind, &reader));
	*journal = (struct bd_journal_entry){ .kind = kind };
	read_entry(journal, &reader, arena);
	if (!reader.ok || reader.rest.len > 0) {
		return bd_arena_code(arena) != BD_OK ? bd_arena_code(arena) : BD_STORE_DAMAGED;
	}
	return BD_OK;
}
