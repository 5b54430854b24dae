#include "answer/verified.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"

#include <string.h>

#define END "\x1f"

enum bd_code bd_claim_digest(char out[BD_CLAIM_DIGEST_SIZE], const struct bd_identifier *subject,
	const struct bd_field *field, struct bd_bytes claim, const struct bd_dictionary *dict)
{
	const struct bd_id_kind *kind = bd_dictionary_id_kind_number(dict, subject->kind);
	uint8_t digest[BD_DIGEST_BYTES];
	struct bd_buf text;
	enum bd_code code;

	bd_buf_init(&text, BD_FIELD_MAX_BYTES + BD_IDENTIFIER_MAX_BYTES + 256);
	code = bd_buf_printf(&text, "%s" END, kind != NULL ? kind->name : "");
	code = code == BD_OK ? bd_buf_add(&text, subject->number) : code;
	code = code == BD_OK ? bd_buf_printf(&text, END "%s" END, field->name) : code;
	code = code == BD_OK ? bd_buf_add(&text, claim) : code;
	code = code == BD_OK ? bd_buf_add_text(&text, END) : code;
	code = code == BD_OK ? bd_sha256_of(bd_buf_bytes(&text), digest) : code;
	bd_buf_release(&text);
	if (code == BD_OK) {
		bd_hex(out, digest, sizeof(digest));
	}
	return code;
}

/* The fields of a verification, whichever kind of subject it is about. */
struct fields {
	const struct bd_entity *entity;
	const struct bd_field *digest, *verdict, *expires;
};

static bool has_any(const struct bd_held *held, const struct bd_entity *entity)
{
	for (size_t i = 0; i < held->statement_count; i++) {
		if (held->statements[i].entity == entity->number) {
			return true;
		}
	}
	return false;
}

/* False too when nothing of the kind is held: nearly always. */
static bool find_fields(struct fields *out, const struct bd_work *work, const struct bd_held *held)
{
	const struct bd_dictionary *dict = work->context->dict;
	bool is_person = work->subject->role->kind == BD_SUBJECT_PERSON;
	const char *name;

	out->entity = is_person ? dict->person_verification : dict->verification;
	if (out->entity == NULL || !has_any(held, out->entity)) {
		return false;
	}
	name = out->entity->name;
	out->digest = bd_dictionary_field(dict, name, "claims_digest");
	out->verdict = bd_dictionary_field(dict, name, "verdict");
	out->expires = bd_dictionary_field(dict, name, "expires");
	return out->digest != NULL && out->verdict != NULL && out->expires != NULL;
}

/* The one value of a field; empty where there is none or they contradict each other. */
static struct bd_bytes text_of(const struct bd_held *held, size_t at, const struct bd_field *field)
{
	const struct bd_bytes none = { "", 0 };
	size_t count;
	const struct bd_held_value *value = bd_row_given(held, at, field->number, &count);

	return value != NULL && count == 1 && (value->value.flags & BD_VALUE_UNMAPPED) == 0
		       ? value->value.text
		       : none;
}

/* Whoever does not say how long its word holds, holds to nothing. */
static bool is_in_force(const struct bd_held *held, size_t at, const struct fields *fields,
	const struct bd_work *work)
{
	int64_t expires;

	return bd_time_parse(&expires, text_of(held, at, fields->expires)) &&
	       work->context->now_ms < expires;
}

static void conclude(
	struct bd_finding *finding, const struct bd_statement *row, struct bd_bytes verdict)
{
	bool is_good = bd_bytes_is(verdict, "consistent");

	if (!is_good && !bd_bytes_is(verdict, "inconsistent")) {
		bd_finding_set(finding, BD_FINDING_INDETERMINATE, "not_known");
	} else {
		bd_finding_set(finding, is_good ? BD_FINDING_MATCH : BD_FINDING_MISMATCH,
			is_good ? "" : "differs");
	}
	bd_finding_tell(finding, row);
	finding->rule = "compare.via_source";
	finding->is_via_source = true;
}

enum bd_code bd_judge_verified(struct bd_finding *finding, bool *is_told,
	const struct bd_work *work, const struct bd_held *held, const struct bd_value *claim)
{
	char digest[BD_CLAIM_DIGEST_SIZE];
	struct bd_finding fresh = *finding;
	struct fields fields;
	enum bd_code code;

	*is_told = false;
	fresh.flags &= BD_FLAG_DISPUTED;
	fresh.value = (struct bd_bytes){ NULL, 0 };
	fresh.evidence = NULL;
	fresh.evidence_count = 0;
	if (!find_fields(&fields, work, held)) {
		return BD_OK;
	}
	code = bd_claim_digest(digest, &work->subject->identifier, work->element->field,
		claim->text, work->context->dict);
	for (size_t i = 0; code == BD_OK && i < held->statement_count; i++) {
		const struct bd_statement *row = &held->statements[i];
		struct bd_finding one = fresh;

		if (row->is_inverse || row->entity != fields.entity->number ||
			!bd_is_asked_source(work->element, row->source) ||
			!bd_bytes_is(text_of(held, i, fields.digest), digest) ||
			!is_in_force(held, i, &fields, work)) {
			continue;
		}
		conclude(&one, row, text_of(held, i, fields.verdict));
		if (bd_entity_is_disputed(held, fields.entity, row->source)) {
			one.flags |= BD_FLAG_DISPUTED;
		}
		if (row->is_blocked) {
			bd_finding_set(&one, BD_FINDING_INDETERMINATE, "blocked");
		}
		/* One source's 不一致 is not outweighed by another's word. */
		if (!*is_told || bd_finding_badness(one.code) > bd_finding_badness(finding->code)) {
			*finding = one;
		}
		*is_told = true;
	}
	return code;
}
