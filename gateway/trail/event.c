#include "trail/event.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* 1 to 15 are the caller's, in every payload; the rest of an event. Never renumbered. */
enum {
	TAG_CLIENT = 1,
	TAG_PURPOSE,
	TAG_CASE,
	TAG_OPERATOR,
	TAG_TRACE,
	TAG_SUBJECT = 32,
	TAG_STATUS,
	TAG_SOURCE,
	TAG_FEED,
	TAG_MESSAGE,
	TAG_RECEIVED,
	TAG_ACCEPTED,
	TAG_REJECTED,
	TAG_BODY,
	TAG_CODE,
	TAG_METHOD,
	TAG_PATH,
	TAG_MORE,
	TAG_PROGRAM,
	TAG_CONFIG,
	TAG_OF,
	TAG_OBLIGATION,
	TAG_DUE,
	TAG_BASIS,
	TAG_IDENTIFIERS,
	TAG_CASES,
	TAG_MATTER,
	TAG_VERSION,
	TAG_SINCE,
	TAG_DISCLOSED,
	TAG_HOLDERS
};

enum kind { TEXT, NUMBER, DIGEST };

/* Every member but the subjects: its tag, where it is, what it is called. */
static const struct member {
	uint8_t tag;
	enum kind kind;
	size_t offset; /* in struct bd_trail_event */
	const char *name;
} members[] = {
	{ TAG_STATUS, TEXT, offsetof(struct bd_trail_event, status), "status" },
	{ TAG_SOURCE, TEXT, offsetof(struct bd_trail_event, source), "source" },
	{ TAG_FEED, TEXT, offsetof(struct bd_trail_event, feed), "feed" },
	{ TAG_MESSAGE, NUMBER, offsetof(struct bd_trail_event, message), "message" },
	{ TAG_RECEIVED, NUMBER, offsetof(struct bd_trail_event, received), "received" },
	{ TAG_ACCEPTED, NUMBER, offsetof(struct bd_trail_event, accepted), "accepted" },
	{ TAG_REJECTED, NUMBER, offsetof(struct bd_trail_event, rejected), "rejected" },
	{ TAG_BODY, DIGEST, offsetof(struct bd_trail_event, body), "body" },
	{ TAG_CODE, TEXT, offsetof(struct bd_trail_event, code), "code" },
	{ TAG_METHOD, TEXT, offsetof(struct bd_trail_event, method), "method" },
	{ TAG_PATH, TEXT, offsetof(struct bd_trail_event, path), "path" },
	{ TAG_MORE, NUMBER, offsetof(struct bd_trail_event, more), "more" },
	{ TAG_PROGRAM, TEXT, offsetof(struct bd_trail_event, program), "program" },
	{ TAG_CONFIG, DIGEST, offsetof(struct bd_trail_event, config), "config" },
	{ TAG_OF, TEXT, offsetof(struct bd_trail_event, of), "of" },
	{ TAG_OBLIGATION, TEXT, offsetof(struct bd_trail_event, obligation), "obligation" },
	{ TAG_DUE, TEXT, offsetof(struct bd_trail_event, due), "due" },
	{ TAG_BASIS, TEXT, offsetof(struct bd_trail_event, basis), "basis" },
	{ TAG_IDENTIFIERS, NUMBER, offsetof(struct bd_trail_event, identifiers), "identifiers" },
	{ TAG_CASES, NUMBER, offsetof(struct bd_trail_event, cases), "cases" },
	{ TAG_HOLDERS, NUMBER, offsetof(struct bd_trail_event, holders), "others" },
	{ TAG_MATTER, TEXT, offsetof(struct bd_trail_event, matter), "matter" },
	{ TAG_VERSION, TEXT, offsetof(struct bd_trail_event, version), "version" },
	{ TAG_SINCE, NUMBER, offsetof(struct bd_trail_event, since_ms), "since_ms" },
	{ TAG_DISCLOSED, TEXT, offsetof(struct bd_trail_event, disclosed), "disclosed" },
};
#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

/* -- shared with receipts -- */

void bd_trail_caller_pack(struct bd_tags *tags, const struct bd_trail_caller *caller)
{
	bd_tags_bytes(tags, TAG_CLIENT, caller->client);
	bd_tags_bytes(tags, TAG_PURPOSE, caller->purpose);
	bd_tags_bytes(tags, TAG_CASE, caller->case_id);
	bd_tags_bytes(tags, TAG_OPERATOR, caller->operator_name);
	bd_tags_bytes(tags, TAG_TRACE, caller->trace);
}

bool bd_trail_caller_take(struct bd_trail_caller *caller, const struct bd_tag *tag)
{
	struct bd_bytes *text = tag->tag == TAG_CLIENT     ? &caller->client
				: tag->tag == TAG_PURPOSE  ? &caller->purpose
				: tag->tag == TAG_CASE     ? &caller->case_id
				: tag->tag == TAG_OPERATOR ? &caller->operator_name
				: tag->tag == TAG_TRACE    ? &caller->trace
							   : NULL;

	if (text != NULL) {
		*text = tag->bytes;
	}
	return text != NULL;
}

enum { TAG_SUBJECT_POINTER = 1, TAG_SUBJECT_DIGEST };

void bd_trail_subject_pack(
	struct bd_tags *tags, uint8_t tag, const struct bd_trail_subject *subject)
{
	char *begin = bd_tags_take(
		tags, BD_TAGS_FRONTS_BYTES(3) + subject->pointer.len + BD_DIGEST_BYTES);
	char *at;

	if (begin == NULL) {
		return;
	}
	at = bd_tag_put(begin + BD_TAGS_FRONT_BYTES, TAG_SUBJECT_POINTER, subject->pointer);
	at = bd_tag_put_digest(at, TAG_SUBJECT_DIGEST, subject->digest);
	bd_tags_put(tags, bd_tag_put_end(begin, tag, at));
}

bool bd_trail_subject_unpack(struct bd_trail_subject *out, struct bd_bytes bytes)
{
	struct bd_reader reader = bd_reader_of(bytes);
	struct bd_tag tag;

	*out = (struct bd_trail_subject){ .pointer = { NULL, 0 } };
	while (bd_tag_next(&tag, &reader)) {
		if (tag.tag == TAG_SUBJECT_POINTER) {
			out->pointer = tag.bytes;
		} else if (tag.tag == TAG_SUBJECT_DIGEST && !bd_tag_digest(out->digest, &tag)) {
			return false;
		}
	}
	return reader.ok;
}

bool bd_trail_keep_other(
	struct bd_bytes *others, struct bd_bytes whole, size_t room, struct bd_arena *arena)
{
	char *bytes = others->ptr != NULL ? (char *)(uintptr_t)others->ptr
					  : bd_arena_alloc(arena, room, 1);

	if (bytes == NULL) {
		return false;
	}
	memcpy(bytes + others->len, whole.ptr, whole.len);
	*others = (struct bd_bytes){ bytes, others->len + whole.len };
	return true;
}

void bd_trail_subjects_write(
	struct bd_json_writer *w, const struct bd_trail_subject *subjects, size_t count)
{
	bd_jw_array(w, "subjects");
	for (size_t i = 0; i < count; i++) {
		char hex[2 * BD_DIGEST_BYTES + 1];

		bd_jw_object(w, NULL);
		bd_jw_bytes(w, "subject", subjects[i].pointer);
		bd_hex(hex, subjects[i].digest, BD_DIGEST_BYTES);
		bd_jw_text(w, "digest", hex);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

/* -- packing -- */

static const void *at(const struct bd_trail_event *event, const struct member *member)
{
	return (const char *)event + member->offset;
}

static void pack_member(
	struct bd_tags *tags, const struct member *member, const struct bd_trail_event *event)
{
	switch (member->kind) {
	case TEXT:
		bd_tags_bytes(tags, member->tag, *(const struct bd_bytes *)at(event, member));
		return;
	case NUMBER:
		bd_tags_number(tags, member->tag, *(const uint64_t *)at(event, member));
		return;
	case DIGEST:
		bd_tags_digest(tags, member->tag, at(event, member));
		return;
	}
}

enum bd_code bd_trail_event_pack(struct bd_buf *out, const struct bd_trail_event *event)
{
	struct bd_tags tags = { out, BD_OK };
	size_t before = out->len;

	bd_trail_caller_pack(&tags, &event->caller);
	for (size_t i = 0; i < event->subject_count; i++) {
		bd_trail_subject_pack(&tags, TAG_SUBJECT, &event->subjects[i]);
	}
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		pack_member(&tags, &members[i], event);
	}
	bd_tags_raw(&tags, event->others);
	if (tags.code != BD_OK) {
		out->len = before;
	}
	return tags.code;
}

/* -- unpacking -- */

static const struct member *find_member(uint16_t tag)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		if (members[i].tag == tag) {
			return &members[i];
		}
	}
	return NULL;
}

static bool take_member(
	struct bd_trail_event *event, const struct member *member, const struct bd_tag *tag)
{
	void *place = (char *)event + member->offset;

	switch (member->kind) {
	case TEXT:
		*(struct bd_bytes *)place = tag->bytes;
		return true;
	case NUMBER:
		return bd_tag_number(place, tag);
	case DIGEST:
		return bd_tag_digest(place, tag);
	}
	return false;
}

enum bd_code bd_trail_event_unpack(
	struct bd_trail_event *out, struct bd_bytes payload, struct bd_arena *arena)
{
	struct bd_trail_subject *subjects =
		bd_arena_alloc(arena, bd_tag_count(payload, TAG_SUBJECT), sizeof(*subjects));
	struct bd_trail_event event = { .subjects = subjects };
	struct bd_reader reader = bd_reader_of(payload);
	struct bd_tag tag;

	if (subjects == NULL) {
		return bd_arena_code(arena);
	}
	while (bd_tag_next(&tag, &reader)) {
		const struct member *member = find_member(tag.tag);
		bool is_good;

		if (member != NULL) {
			is_good = take_member(&event, member, &tag);
		} else if (tag.tag == TAG_SUBJECT) {
			is_good = bd_trail_subject_unpack(
				&subjects[event.subject_count++], tag.bytes);
		} else {
			is_good = bd_trail_caller_take(&event.caller, &tag) ||
				  bd_trail_keep_other(&event.others, tag.whole, payload.len, arena);
		}
		if (!is_good) {
			return BD_TRAIL_DAMAGED;
		}
	}
	if (!reader.ok) {
		return BD_TRAIL_DAMAGED;
	}
	*out = event;
	return BD_OK;
}

/* -- as JSON -- */

static void write_member(
	struct bd_json_writer *w, const struct member *member, const struct bd_trail_event *event)
{
	static const uint8_t none[BD_DIGEST_BYTES];
	char hex[2 * BD_DIGEST_BYTES + 1];

	switch (member->kind) {
	case TEXT:
		if (((const struct bd_bytes *)at(event, member))->len > 0) {
			bd_jw_bytes(w, member->name, *(const struct bd_bytes *)at(event, member));
		}
		return;
	case NUMBER:
		if (*(const uint64_t *)at(event, member) != 0) {
			bd_jw_u64(w, member->name, *(const uint64_t *)at(event, member));
		}
		return;
	case DIGEST:
		if (memcmp(at(event, member), none, sizeof(none)) != 0) {
			bd_hex(hex, at(event, member), BD_DIGEST_BYTES);
			bd_jw_text(w, member->name, hex);
		}
		return;
	}
}

static void begin_entry(struct bd_json_writer *w, const struct bd_trail_entry *entry)
{
	char id[BD_TRAIL_ID_TEXT_BYTES];

	bd_trail_id_write(id, &entry->id);
	bd_jw_object(w, NULL);
	bd_jw_text(w, "receipt", id);
	bd_jw_text(w, "kind", bd_trail_kind_name(entry->kind));
	bd_jw_time(w, "at", entry->time_ms);
}

enum bd_code bd_trail_event_write(
	struct bd_buf *out, const struct bd_trail_entry *entry, const struct bd_trail_event *event)
{
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	begin_entry(&w, entry);
	bd_trail_caller_write(&w, &event->caller);
	if (event->subject_count > 0) {
		bd_trail_subjects_write(&w, event->subjects, event->subject_count);
	}
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		write_member(&w, &members[i], event);
	}
	bd_jw_object_end(&w);
	return w.code;
}

enum bd_code bd_trail_entry_write(
	struct bd_buf *out, const struct bd_trail_entry *entry, struct bd_arena *arena)
{
	struct bd_trail_receipt receipt;
	struct bd_trail_event event;
	struct bd_json_writer w;
	enum bd_code code;

	switch (entry->kind) {
	case BD_TRAIL_COMPARE:
		code = bd_trail_receipt_unpack(&receipt, entry->payload, arena);
		return code == BD_OK ? bd_trail_receipt_write(out, entry, &receipt) : code;
	case BD_TRAIL_START:
	case BD_TRAIL_CONFIG:
	case BD_TRAIL_QUERY:
	case BD_TRAIL_PUSH:
	case BD_TRAIL_REFUSAL:
	case BD_TRAIL_REPEAT:
	case BD_TRAIL_OBLIGATION:
	case BD_TRAIL_ERASE:
	case BD_TRAIL_RECALL:
	case BD_TRAIL_DISPUTE:
	case BD_TRAIL_REPRODUCE:
	case BD_TRAIL_BACKTEST:
	case BD_TRAIL_READ:
	case BD_TRAIL_WITNESSED:
	case BD_TRAIL_LOOK_UP:
		code = bd_trail_event_unpack(&event, entry->payload, arena);
		return code == BD_OK ? bd_trail_event_write(out, entry, &event) : code;
	}
	/* Of a later version. */
	bd_jw_init(&w, out);
	begin_entry(&w, entry);
	bd_jw_object_end(&w);
	return w.code;
}

struct bd_bytes bd_trail_entry_client(const struct bd_trail_entry *entry)
{
	struct bd_reader reader = bd_reader_of(entry->payload);
	struct bd_trail_caller caller = { .client = { NULL, 0 } };
	struct bd_tag tag;

	while (bd_tag_next(&tag, &reader)) {
		bd_trail_caller_take(&caller, &tag);
	}
	return caller.client;
}
