/* case_record.c - a kept case as tagged members (base/tags.h). */
#include "base/tags.h"
#include "base/try.h"
#include "record/pack.h"
#include "store/cases.h"

#include <string.h>

/* Written in files: never renumbered. */
enum tag {
	TAG_RECEIPT = 1,
	TAG_AT,
	TAG_CLIENT,
	TAG_PURPOSE,
	TAG_NUMBER,
	TAG_MATTER,
	TAG_VERSION,
	TAG_DECISION,
	TAG_MODE,
	TAG_ON,
	TAG_SUBMITTED,
	TAG_SANDBOX,
	TAG_COMMIT,
	TAG_QUESTION,
	TAG_LOOKED,
	TAG_FINDING,
	TAG_OWED,
	TAG_BRANCH,
	TAG_CUT,
	TAG_SETTLED, /* with members as of what is owed */
	/* of who was looked at */
	TAG_IDENTIFIER = 32,
	TAG_INVENTED,
	/* of a finding */
	TAG_ELEMENT = 48,
	TAG_POINTER,
	TAG_CODE,
	TAG_FLAGS,
	TAG_REASON,
	TAG_RULE,
	TAG_FIELD,
	TAG_ENTITIES,
	TAG_SALT,
	TAG_CLAIM,
	TAG_VALUE,
	TAG_SOURCES,
	/* of what is owed */
	TAG_PARTY = 64,
	TAG_ID,
	TAG_OF,
	TAG_MAY_FOLLOW,
	TAG_DUE,
	TAG_EXTENSION_DAYS,
	TAG_EXTENSIONS
};

/* -- writing -- */

static char *put_identifier(char *begin, const struct bd_identifier *identifier)
{
	return bd_tag_put_end(
		begin, TAG_IDENTIFIER, bd_identifier_put(begin + BD_TAGS_FRONT_BYTES, identifier));
}

static void pack_looked(struct bd_tags *tags, const struct bd_case_looked *looked)
{
	size_t bytes = BD_TAGS_FRONTS_BYTES(1) + BD_TAGS_NUMBER_BYTES;
	char *begin, *at;

	for (size_t i = 0; i < looked->identifier_count; i++) {
		bytes += BD_TAGS_FRONTS_BYTES(1) + bd_identifier_bytes(&looked->identifiers[i]);
	}
	begin = bd_tags_take(tags, bytes);
	if (begin == NULL) {
		return;
	}
	at = begin + BD_TAGS_FRONT_BYTES;
	for (size_t i = 0; i < looked->identifier_count; i++) {
		at = put_identifier(at, &looked->identifiers[i]);
	}
	at = bd_tag_put_number(at, TAG_INVENTED, looked->is_sandbox);
	bd_tags_put(tags, bd_tag_put_end(begin, TAG_LOOKED, at));
}

static char *put_entities(char *at, const struct bd_case_finding *finding)
{
	if (finding->entity_count > 0) {
		at = bd_tags_front(at, TAG_ENTITIES, finding->entity_count * sizeof(uint16_t));
	}
	for (size_t i = 0; i < finding->entity_count; i++) {
		at = bd_put_u16(at, finding->entities[i]);
	}
	return at;
}

static char *put_opening(char *at, const struct bd_case_finding *finding)
{
	at = bd_tag_put(at, TAG_SALT,
		(struct bd_bytes){ (const char *)finding->salt, sizeof(finding->salt) });
	at = bd_tag_put(at, TAG_CLAIM, finding->claim);
	return bd_tag_put(at, TAG_VALUE, finding->value);
}

/* A finding at the most. */
static size_t finding_bytes(const struct bd_case_finding *finding, bool has_opening)
{
	size_t bytes = BD_TAGS_FRONTS_BYTES(9) + BD_TAGS_NUMBER_BYTES + finding->element.len +
		       finding->pointer.len + finding->code.len + finding->flags.len +
		       finding->reason.len + finding->rule.len + finding->sources.len +
		       finding->entity_count * sizeof(uint16_t);

	return has_opening ? bytes + BD_TAGS_FRONTS_BYTES(3) + sizeof(finding->salt) +
				     finding->claim.len + finding->value.len
			   : bytes;
}

/* Most are of the subject, and have the code, of the one before. */
static void pack_finding(struct bd_tags *tags, const struct bd_case_finding *finding,
	const struct bd_case_finding *before, bool is_cut)
{
	bool has_opening = finding->has_opening && !is_cut;
	char *begin = bd_tags_take(tags, finding_bytes(finding, has_opening)), *at;

	if (begin == NULL) {
		return;
	}
	at = bd_tag_put(begin + BD_TAGS_FRONT_BYTES, TAG_ELEMENT, finding->element);
	at = bd_tag_put_again(at, TAG_POINTER, finding->pointer, before->pointer);
	at = bd_tag_put_again(at, TAG_CODE, finding->code, before->code);
	at = bd_tag_put(at, TAG_FLAGS, finding->flags);
	at = bd_tag_put(at, TAG_REASON, finding->reason);
	at = bd_tag_put(at, TAG_RULE, finding->rule);
	at = bd_tag_put_number(at, TAG_FIELD, finding->field);
	at = put_entities(at, finding);
	at = bd_tag_put(at, TAG_SOURCES, finding->sources);
	if (has_opening) {
		at = put_opening(at, finding);
	}
	bd_tags_put(tags, bd_tag_put_end(begin, TAG_FINDING, at));
}

static void pack_owed(struct bd_tags *tags, const struct bd_case_owed *owed)
{
	char *begin = bd_tags_take(tags, BD_TAGS_FRONTS_BYTES(3) + owed->id.len +
						 owed->pointer.len + 5 * BD_TAGS_NUMBER_BYTES);
	char *at;

	if (begin == NULL) {
		return;
	}
	at = bd_tag_put_number(begin + BD_TAGS_FRONT_BYTES, TAG_PARTY, owed->is_agency);
	at = bd_tag_put(at, TAG_ID, owed->id);
	at = bd_tag_put(at, TAG_OF, owed->pointer);
	at = bd_tag_put_number(at, TAG_MAY_FOLLOW, owed->may_follow);
	at = bd_tag_put_number(at, TAG_DUE, (uint64_t)owed->due);
	at = bd_tag_put_number(at, TAG_EXTENSION_DAYS, (uint64_t)owed->extension_working_days);
	at = bd_tag_put_number(at, TAG_EXTENSIONS, (uint64_t)owed->extensions);
	bd_tags_put(tags, bd_tag_put_end(begin, TAG_OWED, at));
}

static void pack_settled(struct bd_tags *tags, const struct bd_case_settled *settled)
{
	char *begin = bd_tags_take(tags, BD_TAGS_FRONTS_BYTES(3) + BD_TAGS_NUMBER_BYTES +
						 settled->id.len + settled->pointer.len);
	char *at;

	if (begin == NULL) {
		return;
	}
	at = bd_tag_put_number(begin + BD_TAGS_FRONT_BYTES, TAG_PARTY, settled->is_element);
	at = bd_tag_put(at, TAG_ID, settled->id);
	at = bd_tag_put(at, TAG_OF, settled->pointer);
	bd_tags_put(tags, bd_tag_put_end(begin, TAG_SETTLED, at));
}

static void pack_head(struct bd_tags *tags, const struct bd_case_record *record)
{
	const struct bd_bytes *texts[] = { &record->client, &record->purpose, &record->number,
		&record->matter, &record->version, &record->decision, &record->mode,
		&record->branch };
	size_t bytes = BD_TAGS_FRONTS_BYTES(9) + BD_TRAIL_ID_BYTES + 6 * BD_TAGS_NUMBER_BYTES;
	char *begin, *at;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		bytes += texts[i]->len;
	}
	begin = bd_tags_take(tags, bytes);
	if (begin == NULL) {
		return;
	}
	at = bd_trail_id_put(begin + BD_TAGS_FRONT_BYTES, &record->receipt);
	at = bd_tag_put_end(begin, TAG_RECEIPT, at);
	at = bd_tag_put_number(at, TAG_AT, (uint64_t)record->at_ms);
	at = bd_tag_put(at, TAG_CLIENT, record->client);
	at = bd_tag_put(at, TAG_PURPOSE, record->purpose);
	at = bd_tag_put(at, TAG_NUMBER, record->number);
	at = bd_tag_put(at, TAG_MATTER, record->matter);
	at = bd_tag_put(at, TAG_VERSION, record->version);
	at = bd_tag_put(at, TAG_DECISION, record->decision);
	at = bd_tag_put(at, TAG_MODE, record->mode);
	at = bd_tag_put(at, TAG_BRANCH, record->branch);
	at = bd_tag_put_number(at, TAG_ON, (uint64_t)record->on);
	at = bd_tag_put_number(at, TAG_SUBMITTED, (uint64_t)record->submitted_ms);
	at = bd_tag_put_number(at, TAG_SANDBOX, record->is_sandbox);
	at = bd_tag_put_number(at, TAG_COMMIT, record->commit);
	bd_tags_put(tags, bd_tag_put_number(at, TAG_CUT, record->is_cut));
}

enum bd_code bd_case_record_pack(struct bd_buf *out, const struct bd_case_record *record)
{
	static const struct bd_case_finding none;
	struct bd_tags tags = { out, BD_OK };
	size_t before = out->len;

	pack_head(&tags, record);
	if (!record->is_cut) {
		bd_tags_bytes(&tags, TAG_QUESTION, record->question);
	}
	for (size_t i = 0; i < record->looked_count; i++) {
		pack_looked(&tags, &record->looked[i]);
	}
	for (size_t i = 0; i < record->finding_count; i++) {
		pack_finding(&tags, &record->findings[i], i > 0 ? &record->findings[i - 1] : &none,
			record->is_cut);
	}
	for (size_t i = 0; i < record->owed_count; i++) {
		pack_owed(&tags, &record->owed[i]);
	}
	for (size_t i = 0; i < record->settled_count; i++) {
		pack_settled(&tags, &record->settled[i]);
	}
	if (tags.code != BD_OK) {
		out->len = before;
	}
	return tags.code;
}

/* -- reading -- */

static bool take_number(uint64_t *out, const struct bd_tag *tag)
{
	return bd_tag_number(out, tag);
}

static bool take_signed(int64_t *out, const struct bd_tag *tag)
{
	uint64_t number = 0;
	bool ok = bd_tag_number(&number, tag);

	*out = (int64_t)number;
	return ok;
}

static bool take_day(int32_t *out, const struct bd_tag *tag)
{
	int64_t number = 0;
	bool ok = take_signed(&number, tag) && number >= INT32_MIN && number <= INT32_MAX;

	*out = ok ? (int32_t)number : 0;
	return ok;
}

static bool take_bool(bool *out, const struct bd_tag *tag)
{
	uint64_t number = 0;
	bool ok = bd_tag_number(&number, tag) && number == 1;

	*out = ok;
	return ok;
}

static bool take_text(struct bd_bytes *out, const struct bd_tag *tag)
{
	*out = tag->bytes;
	return true;
}

static enum bd_code unpack_looked(
	struct bd_case_looked *out, struct bd_bytes members, struct bd_arena *arena)
{
	size_t count = bd_tag_count(members, TAG_IDENTIFIER);
	struct bd_identifier *identifiers = bd_arena_alloc(arena, count, sizeof(*identifiers));
	struct bd_reader reader = bd_reader_of(members);
	struct bd_tag tag;

	if (identifiers == NULL) {
		return bd_arena_code(arena);
	}
	*out = (struct bd_case_looked){ .identifiers = identifiers };
	while (bd_tag_next(&tag, &reader)) {
		if (tag.tag == TAG_IDENTIFIER) {
			struct bd_reader inner = bd_reader_of(tag.bytes);

			identifiers[out->identifier_count++] = bd_identifier_unpack(&inner);
			reader.ok = reader.ok && inner.ok && inner.rest.len == 0;
		} else if (tag.tag == TAG_INVENTED) {
			reader.ok = take_bool(&out->is_sandbox, &tag) && reader.ok;
		}
	}
	return reader.ok ? BD_OK : BD_STORE_DAMAGED;
}

static enum bd_code unpack_entities(
	struct bd_case_finding *out, struct bd_bytes bytes, struct bd_arena *arena)
{
	size_t count = bytes.len / sizeof(uint16_t);
	uint16_t *entities = bd_arena_alloc(arena, count, sizeof(*entities));
	struct bd_reader reader = bd_reader_of(bytes);

	if (entities == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < count; i++) {
		entities[i] = bd_read_u16(&reader);
	}
	out->entities = entities;
	out->entity_count = count;
	return reader.rest.len == 0 ? BD_OK : BD_STORE_DAMAGED;
}

static bool take_field(struct bd_case_finding *out, const struct bd_tag *tag)
{
	uint64_t number = 0;
	bool ok = bd_tag_number(&number, tag) && number <= UINT16_MAX;

	out->field = ok ? (uint16_t)number : 0;
	return ok;
}

static bool take_salt(struct bd_case_finding *out, const struct bd_tag *tag)
{
	out->has_opening = tag->bytes.len == sizeof(out->salt);
	if (out->has_opening) {
		memcpy(out->salt, tag->bytes.ptr, sizeof(out->salt));
	}
	return out->has_opening;
}

/* No bytes: as in the finding before, where there is one. */
static bool take_again(
	struct bd_bytes *out, const struct bd_tag *tag, const struct bd_bytes *before)
{
	*out = tag->bytes.len == 0 && before != NULL ? *before : tag->bytes;
	return true;
}

static bool take_of_finding(
	struct bd_case_finding *out, const struct bd_case_finding *before, const struct bd_tag *tag)
{
	switch (tag->tag) {
	case TAG_ELEMENT:
		return take_text(&out->element, tag);
	case TAG_POINTER:
		return take_again(&out->pointer, tag, before != NULL ? &before->pointer : NULL);
	case TAG_CODE:
		return take_again(&out->code, tag, before != NULL ? &before->code : NULL);
	case TAG_FLAGS:
		return take_text(&out->flags, tag);
	case TAG_REASON:
		return take_text(&out->reason, tag);
	case TAG_RULE:
		return take_text(&out->rule, tag);
	case TAG_FIELD:
		return take_field(out, tag);
	case TAG_SALT:
		return take_salt(out, tag);
	case TAG_CLAIM:
		return take_text(&out->claim, tag);
	case TAG_VALUE:
		return take_text(&out->value, tag);
	case TAG_SOURCES:
		return take_text(&out->sources, tag);
	default:
		return true;
	}
}

/* before: the finding before, NULL = it is the first. */
static enum bd_code unpack_finding(struct bd_case_finding *out,
	const struct bd_case_finding *before, struct bd_bytes members, struct bd_arena *arena)
{
	struct bd_reader reader = bd_reader_of(members);
	struct bd_tag tag;

	*out = (struct bd_case_finding){ .field = 0 };
	while (bd_tag_next(&tag, &reader)) {
		if (tag.tag == TAG_ENTITIES) {
			BD_TRY(unpack_entities(out, tag.bytes, arena));
		} else if (!take_of_finding(out, before, &tag)) {
			return BD_STORE_DAMAGED;
		}
	}
	return reader.ok ? BD_OK : BD_STORE_DAMAGED;
}

static bool take_of_owed(struct bd_case_owed *out, const struct bd_tag *tag)
{
	switch (tag->tag) {
	case TAG_PARTY:
		return take_bool(&out->is_agency, tag);
	case TAG_ID:
		return take_text(&out->id, tag);
	case TAG_OF:
		return take_text(&out->pointer, tag);
	case TAG_MAY_FOLLOW:
		return take_bool(&out->may_follow, tag);
	case TAG_DUE:
		return take_day(&out->due, tag);
	case TAG_EXTENSION_DAYS:
		return take_signed(&out->extension_working_days, tag);
	case TAG_EXTENSIONS:
		return take_signed(&out->extensions, tag);
	default:
		return true;
	}
}

static enum bd_code unpack_owed(struct bd_case_owed *out, struct bd_bytes members)
{
	struct bd_reader reader = bd_reader_of(members);
	struct bd_tag tag;

	*out = (struct bd_case_owed){ .due = 0 };
	while (bd_tag_next(&tag, &reader)) {
		if (!take_of_owed(out, &tag)) {
			return BD_STORE_DAMAGED;
		}
	}
	return reader.ok ? BD_OK : BD_STORE_DAMAGED;
}

static enum bd_code unpack_settled(struct bd_case_settled *out, struct bd_bytes members)
{
	struct bd_case_owed owed;

	BD_TRY(unpack_owed(&owed, members));
	*out = (struct bd_case_settled){ owed.is_agency, owed.id, owed.pointer };
	return BD_OK;
}

static bool take_receipt(struct bd_case_record *out, const struct bd_tag *tag)
{
	struct bd_reader reader = bd_reader_of(tag->bytes);

	out->receipt = bd_trail_id_unpack(&reader);
	return reader.ok && reader.rest.len == 0;
}

static bool take_head(struct bd_case_record *out, const struct bd_tag *tag)
{
	switch (tag->tag) {
	case TAG_RECEIPT:
		return take_receipt(out, tag);
	case TAG_AT:
		return take_signed(&out->at_ms, tag);
	case TAG_ON:
		return take_day(&out->on, tag);
	case TAG_SUBMITTED:
		return take_signed(&out->submitted_ms, tag);
	case TAG_SANDBOX:
		return take_bool(&out->is_sandbox, tag);
	case TAG_COMMIT:
		return take_number(&out->commit, tag);
	case TAG_CUT:
		return take_bool(&out->is_cut, tag);
	default:
		return true;
	}
}

static void take_texts(struct bd_case_record *out, const struct bd_tag *tag)
{
	struct bd_bytes *const texts[] = { [TAG_CLIENT] = &out->client,
		[TAG_PURPOSE] = &out->purpose,
		[TAG_NUMBER] = &out->number,
		[TAG_MATTER] = &out->matter,
		[TAG_VERSION] = &out->version,
		[TAG_DECISION] = &out->decision,
		[TAG_MODE] = &out->mode,
		[TAG_BRANCH] = &out->branch,
		[TAG_QUESTION] = &out->question };

	if (tag->tag < sizeof(texts) / sizeof(texts[0]) && texts[tag->tag] != NULL) {
		*texts[tag->tag] = tag->bytes;
	}
}

enum bd_code bd_case_record_unpack(
	struct bd_case_record *out, struct bd_bytes packed, struct bd_arena *arena)
{
	struct bd_case_looked *looked =
		bd_arena_alloc(arena, bd_tag_count(packed, TAG_LOOKED), sizeof(*looked));
	struct bd_case_finding *findings =
		bd_arena_alloc(arena, bd_tag_count(packed, TAG_FINDING), sizeof(*findings));
	struct bd_case_owed *owed =
		bd_arena_alloc(arena, bd_tag_count(packed, TAG_OWED), sizeof(*owed));
	struct bd_case_settled *settled =
		bd_arena_alloc(arena, bd_tag_count(packed, TAG_SETTLED), sizeof(*settled));
	struct bd_reader reader = bd_reader_of(packed);
	struct bd_tag tag;

	if (looked == NULL || findings == NULL || owed == NULL || settled == NULL) {
		return bd_arena_code(arena);
	}
	*out = (struct bd_case_record){
		.looked = looked, .findings = findings, .owed = owed, .settled = settled
	};
	while (bd_tag_next(&tag, &reader)) {
		if (tag.tag == TAG_LOOKED) {
			BD_TRY(unpack_looked(&looked[out->looked_count++], tag.bytes, arena));
		} else if (tag.tag == TAG_FINDING) {
			size_t at = out->finding_count++;

			BD_TRY(unpack_finding(&findings[at], at > 0 ? &findings[at - 1] : NULL,
				tag.bytes, arena));
		} else if (tag.tag == TAG_OWED) {
			BD_TRY(unpack_owed(&owed[out->owed_count++], tag.bytes));
		} else if (tag.tag == TAG_SETTLED) {
			BD_TRY(unpack_settled(&settled[out->settled_count++], tag.bytes));
		} else if (!take_head(out, &tag)) {
			return BD_STORE_DAMAGED;
		} else {
			take_texts(out, &tag);
		}
	}
	return reader.ok ? BD_OK : BD_STORE_DAMAGED;
}
