#include "trail/receipt.h"

#include "trail/event.h"

#include <string.h>

/* Tags of a receipt; those of the caller are in event.h. Never renumbered. */
enum {
	TAG_REQUEST = 16,
	TAG_MATTER,
	TAG_VERSION,
	TAG_DECISION,
	TAG_ON,
	TAG_SANDBOX,
	TAG_SUBJECT,
	TAG_ELEMENT,
	TAG_OBLIGATIONS,
	TAG_GRANT,
	TAG_DISCLOSURE,
	TAG_LOOK_UP
};
enum {
	TAG_ELEMENT_ID = 1,
	TAG_ELEMENT_POINTER,
	TAG_ELEMENT_CODE,
	TAG_ELEMENT_FLAGS,
	TAG_ELEMENT_REASON,
	TAG_ELEMENT_RULE,
	TAG_ELEMENT_EVIDENCE,
	TAG_ELEMENT_COMMITMENT
};
enum { TAG_LOOK_UP_SOURCE = 1, TAG_LOOK_UP_FEED, TAG_LOOK_UP_POINTER, TAG_LOOK_UP_CODE };
enum { TAG_EVIDENCE_SOURCE = 1, TAG_EVIDENCE_AS_OF, TAG_EVIDENCE_VERSION, TAG_EVIDENCE_DIGEST };

/* -- packing -- */

static char *put_evidence(char *begin, const struct bd_trail_evidence *evidence)
{
	char *at = begin + BD_TAGS_FRONT_BYTES;

	at = bd_tag_put(at, TAG_EVIDENCE_SOURCE, evidence->source);
	at = bd_tag_put_number(at, TAG_EVIDENCE_AS_OF, (uint64_t)evidence->as_of_ms);
	at = bd_tag_put_number(at, TAG_EVIDENCE_VERSION, evidence->version);
	at = bd_tag_put(at, TAG_EVIDENCE_DIGEST, evidence->digest);
	return bd_tag_put_end(begin, TAG_ELEMENT_EVIDENCE, at);
}

/* An element at the most. */
static size_t element_bytes(const struct bd_trail_element *element)
{
	size_t bytes = BD_TAGS_FRONTS_BYTES(8) + element->id.len + element->pointer.len +
		       element->code.len + element->flags.len + element->reason.len +
		       element->rule.len + BD_DIGEST_BYTES + element->others.len;

	for (size_t i = 0; i < element->evidence_count; i++) {
		bytes += BD_TAGS_FRONTS_BYTES(3) + element->evidence[i].source.len +
			 2 * BD_TAGS_NUMBER_BYTES + element->evidence[i].digest.len;
	}
	return bytes;
}

/* Most are of the subject, and have the code, of the one before. */
static void pack_element(struct bd_tags *tags, const struct bd_trail_element *element,
	const struct bd_trail_element *before)
{
	char *begin = bd_tags_take(tags, element_bytes(element)), *at;

	if (begin == NULL) {
		return;
	}
	at = bd_tag_put(begin + BD_TAGS_FRONT_BYTES, TAG_ELEMENT_ID, element->id);
	at = bd_tag_put_again(at, TAG_ELEMENT_POINTER, element->pointer, before->pointer);
	at = bd_tag_put_again(at, TAG_ELEMENT_CODE, element->code, before->code);
	at = bd_tag_put(at, TAG_ELEMENT_FLAGS, element->flags);
	at = bd_tag_put(at, TAG_ELEMENT_REASON, element->reason);
	at = bd_tag_put(at, TAG_ELEMENT_RULE, element->rule);
	for (size_t i = 0; i < element->evidence_count; i++) {
		at = put_evidence(at, &element->evidence[i]);
	}
	at = bd_tag_put_digest(at, TAG_ELEMENT_COMMITMENT, element->commitment);
	at = bd_bytes_put(at, element->others);
	bd_tags_put(tags, bd_tag_put_end(begin, TAG_ELEMENT, at));
}

static void pack_look_up(struct bd_tags *tags, const struct bd_trail_look_up *look_up)
{
	char *begin = bd_tags_take(tags, BD_TAGS_FRONTS_BYTES(5) + look_up->source.len +
						 look_up->feed.len + look_up->pointer.len +
						 look_up->code.len);
	char *at;

	if (begin == NULL) {
		return;
	}
	at = bd_tag_put(begin + BD_TAGS_FRONT_BYTES, TAG_LOOK_UP_SOURCE, look_up->source);
	at = bd_tag_put(at, TAG_LOOK_UP_FEED, look_up->feed);
	at = bd_tag_put(at, TAG_LOOK_UP_POINTER, look_up->pointer);
	at = bd_tag_put(at, TAG_LOOK_UP_CODE, look_up->code);
	bd_tags_put(tags, bd_tag_put_end(begin, TAG_LOOK_UP, at));
}

enum bd_code bd_trail_receipt_pack(struct bd_buf *out, const struct bd_trail_receipt *receipt)
{
	static const struct bd_trail_element none;
	struct bd_tags tags = { out, BD_OK };
	size_t before = out->len;

	bd_trail_caller_pack(&tags, &receipt->caller);
	bd_tags_digest(&tags, TAG_REQUEST, receipt->request);
	bd_tags_bytes(&tags, TAG_MATTER, receipt->matter);
	bd_tags_bytes(&tags, TAG_VERSION, receipt->version);
	bd_tags_bytes(&tags, TAG_DECISION, receipt->decision);
	bd_tags_bytes(&tags, TAG_ON, receipt->on);
	bd_tags_number(&tags, TAG_SANDBOX, receipt->is_sandbox);
	for (size_t i = 0; i < receipt->subject_count; i++) {
		bd_trail_subject_pack(&tags, TAG_SUBJECT, &receipt->subjects[i]);
	}
	for (size_t i = 0; i < receipt->element_count; i++) {
		pack_element(
			&tags, &receipt->elements[i], i > 0 ? &receipt->elements[i - 1] : &none);
	}
	bd_tags_digest(&tags, TAG_OBLIGATIONS, receipt->obligations);
	bd_tags_bytes(&tags, TAG_GRANT, receipt->grant);
	bd_tags_bytes(&tags, TAG_DISCLOSURE, receipt->disclosure);
	for (size_t i = 0; i < receipt->look_up_count; i++) {
		pack_look_up(&tags, &receipt->look_ups[i]);
	}
	bd_tags_raw(&tags, receipt->others);
	if (tags.code != BD_OK) {
		out->len = before;
	}
	return tags.code;
}

/* -- unpacking -- */

static bool unpack_evidence(struct bd_trail_evidence *out, struct bd_bytes members)
{
	struct bd_reader reader = bd_reader_of(members);
	struct bd_tag tag;
	uint64_t number;
	bool is_good = true;

	*out = (struct bd_trail_evidence){ .source = { NULL, 0 } };
	while (is_good && bd_tag_next(&tag, &reader)) {
		switch (tag.tag) {
		case TAG_EVIDENCE_SOURCE:
			out->source = tag.bytes;
			break;
		case TAG_EVIDENCE_AS_OF:
			is_good = bd_tag_number(&number, &tag);
			out->as_of_ms = is_good ? (int64_t)number : 0;
			break;
		case TAG_EVIDENCE_VERSION:
			is_good = bd_tag_number(&out->version, &tag);
			break;
		case TAG_EVIDENCE_DIGEST:
			out->digest = tag.bytes;
			is_good = tag.bytes.len == BD_DIGEST_BYTES;
			break;
		default:
			break;
		}
	}
	return is_good && reader.ok;
}

/* The text of one member of an element; NULL when it is no text. */
static struct bd_bytes *element_text(struct bd_trail_element *element, uint8_t tag)
{
	switch (tag) {
	case TAG_ELEMENT_ID:
		return &element->id;
	case TAG_ELEMENT_POINTER:
		return &element->pointer;
	case TAG_ELEMENT_CODE:
		return &element->code;
	case TAG_ELEMENT_FLAGS:
		return &element->flags;
	case TAG_ELEMENT_REASON:
		return &element->reason;
	case TAG_ELEMENT_RULE:
		return &element->rule;
	default:
		return NULL;
	}
}

/* No bytes: as in the element before. */
static void take_again(struct bd_trail_element *out, const struct bd_trail_element *before,
	const struct bd_tag *tag)
{
	if (tag->bytes.len > 0 || before == NULL) {
		return;
	}
	if (tag->tag == TAG_ELEMENT_POINTER) {
		out->pointer = before->pointer;
	} else if (tag->tag == TAG_ELEMENT_CODE) {
		out->code = before->code;
	}
}

/* before: the element before, NULL = it is the first. */
static bool unpack_element(struct bd_trail_element *out, const struct bd_trail_element *before,
	struct bd_bytes members, struct bd_arena *arena)
{
	struct bd_trail_evidence *evidence = bd_arena_alloc(
		arena, bd_tag_count(members, TAG_ELEMENT_EVIDENCE), sizeof(*evidence));
	struct bd_reader reader = bd_reader_of(members);
	struct bd_tag tag;
	bool is_good = evidence != NULL;

	*out = (struct bd_trail_element){ .evidence = evidence };
	while (is_good && bd_tag_next(&tag, &reader)) {
		struct bd_bytes *text = element_text(out, tag.tag);

		if (text != NULL) {
			*text = tag.bytes;
			take_again(out, before, &tag);
		} else if (tag.tag == TAG_ELEMENT_EVIDENCE) {
			is_good = unpack_evidence(&evidence[out->evidence_count++], tag.bytes);
		} else if (tag.tag == TAG_ELEMENT_COMMITMENT) {
			is_good = bd_tag_digest(out->commitment, &tag);
		} else {
			is_good = bd_trail_keep_other(&out->others, tag.whole, members.len, arena);
		}
	}
	return is_good && reader.ok;
}

static bool unpack_look_up(struct bd_trail_look_up *out, struct bd_bytes members)
{
	struct bd_reader reader = bd_reader_of(members);
	struct bd_bytes *const texts[] = { [TAG_LOOK_UP_SOURCE] = &out->source,
		[TAG_LOOK_UP_FEED] = &out->feed,
		[TAG_LOOK_UP_POINTER] = &out->pointer,
		[TAG_LOOK_UP_CODE] = &out->code };
	struct bd_tag tag;

	*out = (struct bd_trail_look_up){ .source = { NULL, 0 } };
	while (bd_tag_next(&tag, &reader)) {
		if (tag.tag < sizeof(texts) / sizeof(texts[0]) && texts[tag.tag] != NULL) {
			*texts[tag.tag] = tag.bytes;
		}
	}
	return reader.ok;
}

static bool take_element(struct bd_trail_receipt *out, struct bd_trail_element *elements,
	struct bd_bytes members, struct bd_arena *arena)
{
	size_t at = out->element_count++;

	return unpack_element(&elements[at], at > 0 ? &elements[at - 1] : NULL, members, arena);
}

/* What there may be several of, with room for each. */
struct lists {
	struct bd_trail_subject *subjects;
	struct bd_trail_element *elements;
	struct bd_trail_look_up *look_ups;
};

static bool take_member(struct bd_trail_receipt *out, const struct bd_tag *tag,
	const struct lists *lists, size_t room, struct bd_arena *arena)
{
	uint64_t number;

	switch (tag->tag) {
	case TAG_REQUEST:
		return bd_tag_digest(out->request, tag);
	case TAG_MATTER:
		out->matter = tag->bytes;
		return true;
	case TAG_VERSION:
		out->version = tag->bytes;
		return true;
	case TAG_DECISION:
		out->decision = tag->bytes;
		return true;
	case TAG_ON:
		out->on = tag->bytes;
		return true;
	case TAG_SANDBOX:
		out->is_sandbox = true;
		return bd_tag_number(&number, tag);
	case TAG_SUBJECT:
		return bd_trail_subject_unpack(&lists->subjects[out->subject_count++], tag->bytes);
	case TAG_ELEMENT:
		return take_element(out, lists->elements, tag->bytes, arena);
	case TAG_LOOK_UP:
		return unpack_look_up(&lists->look_ups[out->look_up_count++], tag->bytes);
	case TAG_OBLIGATIONS:
		return bd_tag_digest(out->obligations, tag);
	case TAG_GRANT:
		out->grant = tag->bytes;
		return true;
	case TAG_DISCLOSURE:
		out->disclosure = tag->bytes;
		return true;
	default:
		return bd_trail_caller_take(&out->caller, tag) ||
		       bd_trail_keep_other(&out->others, tag->whole, room, arena);
	}
}

enum bd_code bd_trail_receipt_unpack(
	struct bd_trail_receipt *out, struct bd_bytes payload, struct bd_arena *arena)
{
	struct lists lists = {
		bd_arena_alloc(arena, bd_tag_count(payload, TAG_SUBJECT), sizeof(*lists.subjects)),
		bd_arena_alloc(arena, bd_tag_count(payload, TAG_ELEMENT), sizeof(*lists.elements)),
		bd_arena_alloc(arena, bd_tag_count(payload, TAG_LOOK_UP), sizeof(*lists.look_ups))
	};
	struct bd_trail_receipt receipt = {
		.subjects = lists.subjects, .elements = lists.elements, .look_ups = lists.look_ups
	};
	struct bd_reader reader = bd_reader_of(payload);
	struct bd_tag tag;
	bool is_good = lists.subjects != NULL && lists.elements != NULL && lists.look_ups != NULL;

	while (is_good && bd_tag_next(&tag, &reader)) {
		is_good = take_member(&receipt, &tag, &lists, payload.len, arena);
	}
	if (!is_good || !reader.ok) {
		return bd_arena_code(arena) != BD_OK ? bd_arena_code(arena) : BD_TRAIL_DAMAGED;
	}
	*out = receipt;
	return BD_OK;
}

/* -- as JSON -- */

static void write_text(struct bd_json_writer *w, const char *key, struct bd_bytes text)
{
	if (text.len > 0) {
		bd_jw_bytes(w, key, text);
	}
}

static void write_digest(
	struct bd_json_writer *w, const char *key, const uint8_t digest[BD_DIGEST_BYTES])
{
	static const uint8_t none[BD_DIGEST_BYTES];
	char hex[2 * BD_DIGEST_BYTES + 1];

	if (memcmp(digest, none, sizeof(none)) != 0) {
		bd_hex(hex, digest, BD_DIGEST_BYTES);
		bd_jw_text(w, key, hex);
	}
}

void bd_trail_caller_write(struct bd_json_writer *w, const struct bd_trail_caller *caller)
{
	write_text(w, "client", caller->client);
	write_text(w, "purpose", caller->purpose);
	write_text(w, "case", caller->case_id);
	write_text(w, "operator", caller->operator_name);
	write_text(w, "trace", caller->trace);
}

static void write_element(struct bd_json_writer *w, const struct bd_trail_element *element,
	struct bd_trail_explainer *explainer)
{
	bd_jw_object(w, NULL);
	bd_jw_bytes(w, "element", element->id);
	bd_jw_bytes(w, "subject", element->pointer);
	bd_jw_bytes(w, "code", element->code);
	bd_jw_words(w, "flags", element->flags);
	write_text(w, "reason", element->reason);
	write_text(w, "rule", element->rule);
	bd_jw_array(w, "sources");
	for (size_t i = 0; i < element->evidence_count; i++) {
		const struct bd_trail_evidence *one = &element->evidence[i];

		bd_jw_object(w, NULL);
		bd_jw_bytes(w, "source", one->source);
		bd_jw_time(w, "as_of", one->as_of_ms);
		if (one->version != 0) {
			bd_jw_u64(w, "version", one->version);
		}
		if (one->digest.len == BD_DIGEST_BYTES) {
			write_digest(w, "digest", (const uint8_t *)one->digest.ptr);
		}
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
	write_digest(w, "commitment", element->commitment);
	if (explainer != NULL) {
		explainer->write(explainer, w, element);
	}
	bd_jw_object_end(w);
}

static void write_look_ups(struct bd_json_writer *w, const struct bd_trail_receipt *receipt)
{
	bd_jw_array(w, "look_ups");
	for (size_t i = 0; i < receipt->look_up_count; i++) {
		const struct bd_trail_look_up *one = &receipt->look_ups[i];

		bd_jw_object(w, NULL);
		bd_jw_bytes(w, "source", one->source);
		bd_jw_bytes(w, "feed", one->feed);
		bd_jw_bytes(w, "subject", one->pointer);
		bd_jw_bytes(w, "code", one->code);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

enum bd_code bd_trail_receipt_write(struct bd_buf *out, const struct bd_trail_entry *entry,
	const struct bd_trail_receipt *receipt)
{
	return bd_trail_receipt_explain(out, entry, receipt, NULL);
}

enum bd_code bd_trail_receipt_explain(struct bd_buf *out, const struct bd_trail_entry *entry,
	const struct bd_trail_receipt *receipt, struct bd_trail_explainer *explainer)
{
	char id[BD_TRAIL_ID_TEXT_BYTES];
	struct bd_json_writer w;

	bd_trail_id_write(id, &entry->id);
	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "receipt", id);
	bd_jw_text(&w, "kind", bd_trail_kind_name(entry->kind));
	bd_jw_time(&w, "at", entry->time_ms);
	bd_trail_caller_write(&w, &receipt->caller);
	write_digest(&w, "request", receipt->request);
	bd_jw_bytes(&w, "matter", receipt->matter);
	bd_jw_bytes(&w, "version", receipt->version);
	write_text(&w, "on", receipt->on);
	bd_jw_bytes(&w, "decision", receipt->decision);
	bd_jw_bool(&w, "sandbox", receipt->is_sandbox);
	write_text(&w, "grant", receipt->grant);
	write_text(&w, "disclosure", receipt->disclosure);
	bd_trail_subjects_write(&w, receipt->subjects, receipt->subject_count);
	bd_jw_array(&w, "elements");
	for (size_t i = 0; i < receipt->element_count; i++) {
		write_element(&w, &receipt->elements[i], explainer);
	}
	bd_jw_array_end(&w);
	if (receipt->look_up_count > 0) {
		write_look_ups(&w, receipt);
	}
	write_digest(&w, "obligations", receipt->obligations);
	bd_jw_object_end(&w);
	return w.code;
}

/* -- commitments -- */

enum bd_code bd_trail_commit(uint8_t out[BD_DIGEST_BYTES], const struct bd_trail_opening *opening)
{
	uint32_t claim_len = htobe32((uint32_t)opening->claim.len);
	uint32_t value_len = htobe32((uint32_t)opening->value.len);
	const struct bd_bytes parts[] = {
		{ (const char *)opening->salt, BD_TRAIL_SALT_BYTES },
		{ (const char *)&claim_len, sizeof(claim_len) },
		opening->claim,
		{ (const char *)&value_len, sizeof(value_len) },
		opening->value,
	};

	if (opening->claim.len > UINT32_MAX || opening->value.len > UINT32_MAX) {
		return BD_LIMIT_BYTES;
	}
	return bd_sha256_of_parts(parts, sizeof(parts) / sizeof(parts[0]), out);
}

enum bd_code bd_trail_opening_check(
	const uint8_t commitment[BD_DIGEST_BYTES], const struct bd_trail_opening *opening)
{
	uint8_t digest[BD_DIGEST_BYTES];
	enum bd_code code = bd_trail_commit(digest, opening);

	if (code == BD_OK && memcmp(digest, commitment, sizeof(digest)) != 0) {
		code = BD_PROOF_WRONG;
	}
	return code;
}
