#include "answer/question.h"

#include "base/clock.h"
#include "base/limits.h"
#include "record/rules_identifier.h"

#include <stdio.h>
#include <string.h>

#define POINTER_MAX 160

struct work {
	struct bd_case *asked;
	const struct bd_answer_context *context;
	struct bd_arena *arena;
	struct bd_diag *diag;
};

static enum bd_code refuse(struct bd_diag *diag, enum bd_code code, const struct bd_json *node,
	const char *pointer, const char *detail)
{
	const struct bd_place none = { 0 };

	bd_fail_at(diag, code, node != NULL ? node->place : none, "%s", detail);
	bd_diag_set_path(diag, pointer);
	return code;
}

enum bd_code bd_question_members(const struct bd_json *object, const char *pointer,
	const char *const *names, struct bd_diag *diag)
{
	for (const struct bd_json *member = object->first; member != NULL; member = member->next) {
		size_t i = 0;

		while (names[i] != NULL && !bd_bytes_is(member->key, names[i])) {
			i++;
		}
		if (names[i] == NULL) {
			return refuse(diag, BD_QUESTION_UNKNOWN, member, pointer, "");
		}
	}
	return BD_OK;
}

static bool is_object(const struct bd_json *node)
{
	return node != NULL && node->type == BD_JSON_IS_OBJECT;
}

static bool is_text(const struct bd_json *node)
{
	return node != NULL && node->type == BD_JSON_IS_TEXT;
}

static bool is_array(const struct bd_json *node)
{
	return node != NULL && node->type == BD_JSON_IS_ARRAY;
}

/* The member that names the subject's number, and its kind. */
static const struct bd_json *find_number(const struct bd_id_kind **kind, const struct bd_json *node,
	const struct bd_dictionary *dict)
{
	static const struct {
		const char *member, *kind;
	} rows[] = { { "uscc", "uscc" }, { "reg_no", "reg_no" }, { "regno", "reg_no" },
		{ "tax_no", "taxpayer_no" }, { "taxpayer_no", "taxpayer_no" },
		{ "org_code", "org_code" } };
	const struct bd_json *type = bd_json_get(node, "id_type"), *found = NULL;
	size_t numbers = 0;
	char name[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct bd_json *number = bd_json_get(node, rows[i].member);

		if (number != NULL) {
			*kind = bd_dictionary_id_kind(dict, rows[i].kind);
			found = number;
			numbers++;
		}
	}
	if (numbers > 0) {
		return numbers == 1 && type == NULL && bd_json_get(node, "id_no") == NULL ? found
											  : NULL;
	}
	if (!is_text(type) || type->text.len >= sizeof(name)) {
		return NULL;
	}
	snprintf(name, sizeof(name), "%.*s", (int)type->text.len, type->text.ptr);
	*kind = bd_dictionary_id_kind(dict, name);
	return bd_json_get(node, "id_no");
}

enum bd_code bd_question_subject(struct bd_identifier *out, enum bd_code *invalid,
	enum bd_subject_kind *kind, const struct bd_json *node, const char *pointer,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diag *diag)
{
	static const char *const names[] = { "entity", "id_type", "id_no", "uscc", "reg_no",
		"regno", "tax_no", "taxpayer_no", "org_code", NULL };
	const struct bd_json *entity = bd_json_get(node, "entity"), *number;
	const struct bd_id_kind *id_kind = NULL;
	struct bd_diag why = { .code = BD_OK };
	enum bd_code code;

	if (!is_object(node)) {
		return refuse(diag, BD_QUESTION_FORM, node, pointer, "a subject is an object");
	}
	code = bd_question_members(node, pointer, names, diag);
	if (code != BD_OK) {
		return code;
	}
	if (!is_text(entity) || (!bd_bytes_is(entity->text, "person") &&
					!bd_bytes_is(entity->text, "organization"))) {
		return refuse(
			diag, BD_QUESTION_FORM, node, pointer, "entity is person or organization");
	}
	*kind = bd_bytes_is(entity->text, "person") ? BD_SUBJECT_PERSON : BD_SUBJECT_ORGANIZATION;
	number = find_number(&id_kind, node, dict);
	if (!is_text(number) || id_kind == NULL || id_kind->subject != *kind ||
		id_kind->is_issued) {
		return refuse(diag, BD_QUESTION_FORM, node, pointer,
			"one number of a known kind: id_type and id_no, or uscc, reg_no, tax_no");
	}
	*invalid = bd_rule_identifier(out, dict, id_kind, number->text, NULL, arena, &why);
	return *invalid == BD_NO_MEMORY ? refuse(diag, BD_NO_MEMORY, node, pointer, "") : BD_OK;
}

/* -- parts of a case -- */

/* Counted twice, one subject could make up for another that is missing. */
static bool is_again(const struct bd_case *asked, const struct bd_role *role,
	const struct bd_case_subject *subject)
{
	for (size_t i = 0; i < asked->subject_count && subject->invalid == BD_OK; i++) {
		const struct bd_case_subject *other = &asked->subjects[i];

		if (other->role == role && other->invalid == BD_OK &&
			other->identifier.kind == subject->identifier.kind &&
			bd_bytes_equal(other->identifier.number, subject->identifier.number)) {
			return true;
		}
	}
	return false;
}

static enum bd_code add_subject(struct work *work, const struct bd_role *role,
	const struct bd_json *node, const char *pointer)
{
	struct bd_case_subject *subject = &work->asked->subjects[work->asked->subject_count];
	enum bd_subject_kind kind;
	enum bd_code code;

	if (work->asked->subject_count == BD_CASE_SUBJECTS_MAX) {
		return refuse(work->diag, BD_LIMIT_COUNT, node, pointer, "too many subjects");
	}
	code = bd_question_subject(&subject->identifier, &subject->invalid, &kind, node, pointer,
		work->context->dict, work->arena, work->diag);
	if (code != BD_OK) {
		return code;
	}
	if (kind != role->kind) {
		return refuse(work->diag, BD_QUESTION_FORM, node, pointer,
			"the role is of another entity");
	}
	if (is_again(work->asked, role, subject)) {
		return refuse(work->diag, BD_QUESTION_FORM, node, pointer,
			"the same subject stands twice in one role");
	}
	subject->role = role;
	subject->pointer = bd_arena_text(work->arena, bd_bytes_of(pointer));
	work->asked->subject_count++;
	return subject->pointer != NULL ? BD_OK
					: refuse(work->diag, BD_NO_MEMORY, node, pointer, "");
}

static const struct bd_role *find_role(const struct bd_matter *matter, struct bd_bytes name)
{
	for (size_t i = 0; i < matter->role_count; i++) {
		if (bd_bytes_is(name, matter->roles[i].name)) {
			return &matter->roles[i];
		}
	}
	return NULL;
}

static enum bd_code check_counts(struct work *work)
{
	const struct bd_matter *matter = work->asked->matter;

	for (size_t i = 0; i < matter->role_count; i++) {
		char pointer[POINTER_MAX];
		size_t count = 0, min = matter->roles[i].min;

		if (matter->roles[i].quantifier == BD_QUANTIFIER_AT_LEAST &&
			matter->roles[i].at_least > min) {
			min = matter->roles[i].at_least;
		}
		for (size_t s = 0; s < work->asked->subject_count; s++) {
			count += work->asked->subjects[s].role == &matter->roles[i];
		}
		if (count < min || count > matter->roles[i].max) {
			snprintf(pointer, sizeof(pointer), "/subjects/%s", matter->roles[i].name);
			return refuse(work->diag, BD_ROLE_COUNT, NULL, pointer, "");
		}
	}
	return BD_OK;
}

static enum bd_code read_subjects(struct work *work, const struct bd_json *node)
{
	enum bd_code code = BD_OK;

	if (!is_object(node)) {
		return refuse(work->diag, BD_QUESTION_FORM, node, "/subjects", "an object by role");
	}
	for (const struct bd_json *member = node->first; member != NULL && code == BD_OK;
		member = member->next) {
		const struct bd_role *role = find_role(work->asked->matter, member->key);
		char pointer[POINTER_MAX];
		size_t index = 0;

		if (role == NULL) {
			return refuse(work->diag, BD_ROLE_UNKNOWN, member, "/subjects", "");
		}
		snprintf(pointer, sizeof(pointer), "/subjects/%s", role->name);
		if (!is_array(member)) {
			code = add_subject(work, role, member, pointer);
			continue;
		}
		for (const struct bd_json *item = member->first; item != NULL && code == BD_OK;
			item = item->next) {
			snprintf(pointer, sizeof(pointer), "/subjects/%s/%zu", role->name, index++);
			code = add_subject(work, role, item, pointer);
		}
	}
	return code == BD_OK ? check_counts(work) : code;
}

/* The field that some element of the subject's role compares. */
static const struct bd_field *find_claimed(
	const struct bd_matter *matter, const struct bd_role *role, struct bd_bytes name)
{
	for (size_t i = 0; i < matter->element_count; i++) {
		const struct bd_element *element = &matter->elements[i];

		if (element->is_claimed && element->field != NULL &&
			strcmp(element->role, role->name) == 0 &&
			bd_bytes_is(name, element->field->name)) {
			return element->field;
		}
	}
	return NULL;
}

static enum bd_code read_claims(struct work *work, const struct bd_json *node)
{
	static const char *const names[] = { "of", "field", "value", NULL };
	struct bd_case *asked = work->asked;
	size_t index = 0;

	if (node == NULL) {
		return BD_OK;
	}
	if (!is_array(node) || node->count > BD_CASE_CLAIMS_MAX) {
		return refuse(work->diag, is_array(node) ? BD_LIMIT_COUNT : BD_QUESTION_FORM, node,
			"/claims", "");
	}
	asked->claims = bd_arena_alloc(work->arena, node->count, sizeof(*asked->claims));
	if (asked->claims == NULL) {
		return refuse(work->diag, BD_NO_MEMORY, node, "/claims", "");
	}
	for (const struct bd_json *item = node->first; item != NULL; item = item->next) {
		const struct bd_json *of = bd_json_get(item, "of"),
				     *field = bd_json_get(item, "field"),
				     *value = bd_json_get(item, "value");
		struct bd_claim *claim = &asked->claims[asked->claim_count];
		char pointer[POINTER_MAX];
		enum bd_code code;

		snprintf(pointer, sizeof(pointer), "/claims/%zu", index++);
		if (!is_object(item) || !is_text(of) || !is_text(field) || value == NULL ||
			(value->type != BD_JSON_IS_TEXT && value->type != BD_JSON_IS_NUMBER &&
				value->type != BD_JSON_IS_BOOL)) {
			return refuse(work->diag, BD_QUESTION_FORM, item, pointer,
				"a claim has of, field and value");
		}
		code = bd_question_members(item, pointer, names, work->diag);
		if (code != BD_OK) {
			return code;
		}
		for (size_t s = 0; s < asked->subject_count; s++) {
			if (bd_bytes_is(of->text, asked->subjects[s].pointer)) {
				claim->subject = &asked->subjects[s];
			}
		}
		if (claim->subject == NULL) {
			return refuse(work->diag, BD_QUESTION_FORM, of, pointer,
				"of names no subject of the case");
		}
		claim->field = find_claimed(asked->matter, claim->subject->role, field->text);
		if (claim->field == NULL) {
			return refuse(work->diag, BD_CLAIM_UNKNOWN, field, pointer, "");
		}
		for (size_t c = 0; c < asked->claim_count; c++) {
			if (asked->claims[c].subject == claim->subject &&
				asked->claims[c].field == claim->field) {
				return refuse(work->diag, BD_QUESTION_FORM, item, pointer,
					"claimed twice");
			}
		}
		claim->value = value->text;
		asked->claim_count++;
	}
	return BD_OK;
}

static enum bd_code read_attestations(struct work *work, const struct bd_json *node)
{
	static const char *const names[] = { "kind", "provider", "level", "at", "digest", NULL };
	struct bd_case *asked = work->asked;

	if (node == NULL) {
		return BD_OK;
	}
	if (!is_array(node) || node->count > BD_CASE_CLAIMS_MAX) {
		return refuse(work->diag, BD_QUESTION_FORM, node, "/attestations", "");
	}
	asked->attestations =
		bd_arena_alloc(work->arena, node->count, sizeof(*asked->attestations));
	if (asked->attestations == NULL) {
		return refuse(work->diag, BD_NO_MEMORY, node, "/attestations", "");
	}
	for (const struct bd_json *item = node->first; item != NULL; item = item->next) {
		const struct bd_json *kind = bd_json_get(item, "kind"),
				     *provider = bd_json_get(item, "provider"),
				     *at = bd_json_get(item, "at");
		struct bd_attestation *one = &asked->attestations[asked->attestation_count++];

		if (!is_object(item) || !is_text(kind) || !is_text(provider) || !is_text(at) ||
			!bd_time_parse(&one->at_ms, at->text)) {
			return refuse(work->diag, BD_QUESTION_FORM, item, "/attestations",
				"an attestation has kind, provider and at (RFC 3339)");
		}
		if (bd_question_members(item, "/attestations", names, work->diag) != BD_OK) {
			return BD_QUESTION_UNKNOWN;
		}
		one->kind = kind->text;
		one->provider = provider->text;
	}
	return BD_OK;
}

static enum bd_code read_materials(struct work *work, const struct bd_json *node)
{
	static const char *const names[] = { "id", "state", NULL };
	struct bd_case *asked = work->asked;

	if (node == NULL) {
		return BD_OK;
	}
	if (!is_array(node) || node->count > BD_CASE_CLAIMS_MAX) {
		return refuse(work->diag, BD_QUESTION_FORM, node, "/materials", "");
	}
	asked->materials = bd_arena_alloc(work->arena, node->count, sizeof(*asked->materials));
	if (asked->materials == NULL) {
		return refuse(work->diag, BD_NO_MEMORY, node, "/materials", "");
	}
	for (const struct bd_json *item = node->first; item != NULL; item = item->next) {
		const struct bd_json *id = bd_json_get(item, "id"),
				     *state = bd_json_get(item, "state");
		struct bd_material *one = &asked->materials[asked->material_count++];

		if (!is_object(item) || !is_text(id) || !is_text(state) ||
			(!bd_bytes_is(state->text, "supplied") &&
				!bd_bytes_is(state->text, "e_licence") &&
				!bd_bytes_is(state->text, "to_follow"))) {
			return refuse(work->diag, BD_QUESTION_FORM, item, "/materials",
				"state is supplied, e_licence or to_follow");
		}
		if (bd_question_members(item, "/materials", names, work->diag) != BD_OK) {
			return BD_QUESTION_UNKNOWN;
		}
		one->id = id->text;
		one->is_to_follow = bd_bytes_is(state->text, "to_follow");
	}
	return BD_OK;
}

static enum bd_code read_commitment(struct work *work, const struct bd_json *node)
{
	static const char *const names[] = { "text_version", "signed_at", "digest", NULL };
	const struct bd_json *signed_at;
	int64_t signed_ms;

	if (node == NULL) {
		return BD_OK;
	}
	signed_at = bd_json_get(node, "signed_at");
	if (!is_object(node) || !is_text(bd_json_get(node, "text_version")) ||
		!is_text(signed_at) || !bd_time_parse(&signed_ms, signed_at->text)) {
		return refuse(work->diag, BD_QUESTION_FORM, node, "/commitment",
			"a commitment has text_version and signed_at (RFC 3339)");
	}
	work->asked->has_commitment = true;
	return bd_question_members(node, "/commitment", names, work->diag);
}

/* The version of the matter that is in force on the day of acceptance. */
static enum bd_code find_matter(struct work *work, const struct bd_json *node)
{
	const struct bd_answer_context *context = work->context;

	for (size_t i = 0; is_text(node) && i < context->matter_count; i++) {
		const struct bd_matter *matter = context->matters[i];
		int32_t from = INT32_MIN, until = INT32_MAX;

		if (!bd_bytes_is(node->text, matter->id) ||
			!bd_day_parse(&from, bd_bytes_of(matter->effective_from))) {
			continue;
		}
		if (matter->effective_until != NULL) {
			bd_day_parse(&until, bd_bytes_of(matter->effective_until));
		}
		if (work->asked->on >= from && work->asked->on < until) {
			work->asked->matter = matter;
			return BD_OK;
		}
	}
	return refuse(work->diag, BD_MATTER_UNKNOWN, node, "/matter", "");
}

static enum bd_code read_head(struct work *work, const struct bd_json *root)
{
	const struct bd_json *on = bd_json_get(root, "on"), *at = bd_json_get(root, "submitted_at"),
			     *id = bd_json_get(root, "case"),
			     *deadline = bd_json_get(root, "deadline_ms");
	struct bd_case *asked = work->asked;

	asked->on = bd_day_at(work->context->now_ms);
	if (on != NULL && (!is_text(on) || !bd_day_parse(&asked->on, on->text))) {
		return refuse(work->diag, BD_QUESTION_FORM, on, "/on", "yyyy-MM-dd");
	}
	if (at != NULL && (!is_text(at) || !bd_time_parse(&asked->submitted_ms, at->text))) {
		return refuse(work->diag, BD_QUESTION_FORM, at, "/submitted_at", "RFC 3339");
	}
	if (id != NULL && (!is_text(id) || id->text.len > 128)) {
		return refuse(
			work->diag, BD_QUESTION_FORM, id, "/case", "a text of at most 128 bytes");
	}
	if (deadline != NULL && deadline->type != BD_JSON_IS_NUMBER) {
		return refuse(work->diag, BD_QUESTION_FORM, deadline, "/deadline_ms", "a number");
	}
	asked->id = id != NULL ? id->text : (struct bd_bytes){ "", 0 };
	return find_matter(work, bd_json_get(root, "matter"));
}

enum bd_code bd_question_case(struct bd_case *out, struct bd_bytes json,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag)
{
	static const char *const names[] = { "matter", "case", "on", "submitted_at", "deadline_ms",
		"subjects", "claims", "attestations", "materials", "commitment", NULL };
	struct work work = { out, context, arena, diag };
	struct bd_json *root = NULL;
	enum bd_code code = bd_json_parse(&root, json, arena, diag);

	*out = (struct bd_case){ .matter = NULL };
	if (code != BD_OK) {
		return code;
	}
	if (!is_object(root)) {
		return refuse(diag, BD_QUESTION_FORM, root, "", "a case is an object");
	}
	out->subjects = bd_arena_alloc(arena, BD_CASE_SUBJECTS_MAX, sizeof(*out->subjects));
	if (out->subjects == NULL) {
		return refuse(diag, BD_NO_MEMORY, root, "", "");
	}
	code = bd_question_members(root, "", names, diag);
	code = code == BD_OK ? read_head(&work, root) : code;
	code = code == BD_OK ? read_subjects(&work, bd_json_get(root, "subjects")) : code;
	code = code == BD_OK ? read_claims(&work, bd_json_get(root, "claims")) : code;
	code = code == BD_OK ? read_attestations(&work, bd_json_get(root, "attestations")) : code;
	code = code == BD_OK ? read_materials(&work, bd_json_get(root, "materials")) : code;
	return code == BD_OK ? read_commitment(&work, bd_json_get(root, "commitment")) : code;
}
