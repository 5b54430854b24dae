#include "answer/question.h"

#include "base/limits.h"
#include "base/try.h"
#include "record/rules_identifier.h"

#include <string.h>

enum bd_code bd_faults_add(struct bd_faults *faults, enum bd_code code, const struct bd_json *node,
	const char *pointer, const char *detail)
{
	const struct bd_place none = { 0 };
	struct bd_diag *diag = faults->diag;

	if (diag != NULL && diag->code != BD_OK) {
		while (diag->next != NULL) {
			diag = diag->next;
		}
		if (faults->count >= BD_QUESTION_FAULTS_MAX ||
			(diag->next = bd_arena_alloc(faults->arena, 1, sizeof(*diag))) == NULL) {
			return code;
		}
		diag = diag->next;
	}
	faults->count++;
	bd_fail_at(diag, code, node != NULL ? node->place : none, "%s", detail);
	bd_diag_set_path(diag, pointer);
	return code;
}

static bool is_object(const struct bd_json *node)
{
	return node != NULL && node->type == BD_JSON_IS_OBJECT;
}

/* Mostly members come in the order of the contract, so that the next is the one behind the last. */
static size_t find_name(
	const struct bd_bytes *names, size_t count, size_t next, struct bd_bytes key)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = next + i < count ? next + i : next + i - count;

		if (bd_bytes_equal(key, names[at])) {
			return at;
		}
	}
	return count;
}

enum bd_code bd_question_take(const struct bd_json **found, const struct bd_json *object,
	const char *pointer, const struct bd_bytes *names, struct bd_faults *faults)
{
	const struct bd_json *member = is_object(object) ? object->first : NULL;
	size_t count = 0, next = 0;
	enum bd_code code = BD_OK;

	for (; names[count].ptr != NULL; count++) {
		if (found != NULL) {
			found[count] = NULL;
		}
	}
	for (; member != NULL; member = member->next) {
		size_t at = find_name(names, count, next, member->key);

		if (at == count) {
			code = bd_faults_add(faults, BD_QUESTION_UNKNOWN, member, pointer, "");
		} else {
			next = at + 1;
			if (found != NULL) {
				found[at] = member;
			}
		}
	}
	return code;
}

enum bd_code bd_question_members(const struct bd_json *object, const char *pointer,
	const struct bd_bytes *names, struct bd_faults *faults)
{
	return bd_question_take(NULL, object, pointer, names, faults);
}

enum bd_code bd_question_body(struct bd_json **out, struct bd_bytes json, struct bd_faults *faults)
{
	BD_TRY(bd_json_parse(out, json, faults->arena, faults->diag));
	return (*out)->type == BD_JSON_IS_OBJECT
		       ? BD_OK
		       : bd_faults_add(faults, BD_QUESTION_FORM, *out, "", "one object");
}

static bool is_text(const struct bd_json *node)
{
	return node != NULL && node->type == BD_JSON_IS_TEXT;
}

/* The members of a subject, and of what kind a number is that stands alone. */
enum { ENTITY = 0, ID_TYPE, ID_NO, NUMBERS, SUBJECT_MEMBERS = NUMBERS + 6 };
static const struct bd_bytes subject_names[SUBJECT_MEMBERS + 1] = { BD_BYTES("entity"),
	BD_BYTES("id_type"), BD_BYTES("id_no"), BD_BYTES("uscc"), BD_BYTES("reg_no"),
	BD_BYTES("regno"), BD_BYTES("tax_no"), BD_BYTES("taxpayer_no"), BD_BYTES("org_code"),
	{ NULL, 0 } };
static const char *const number_kinds[] = { "uscc", "reg_no", "reg_no", "taxpayer_no",
	"taxpayer_no", "org_code" };

/* The member that names the subject's number, and its kind. */
static const struct bd_json *find_number(const struct bd_id_kind **kind,
	const struct bd_json *const *members, const struct bd_dictionary *dict)
{
	const struct bd_json *type = members[ID_TYPE], *found = NULL;
	size_t numbers = 0;
	char name[64];

	for (size_t i = NUMBERS; i < SUBJECT_MEMBERS; i++) {
		if (members[i] != NULL) {
			*kind = bd_dictionary_id_kind(dict, number_kinds[i - NUMBERS]);
			found = members[i];
			numbers++;
		}
	}
	if (numbers > 0) {
		return numbers == 1 && type == NULL && members[ID_NO] == NULL ? found : NULL;
	}
	if (!is_text(type) || type->text.len >= sizeof(name) ||
		memchr(type->text.ptr, '\0', type->text.len) != NULL) {
		return NULL;
	}
	*bd_bytes_put(name, type->text) = '\0';
	*kind = bd_dictionary_id_kind(dict, name);
	return members[ID_NO];
}

enum bd_code bd_question_subject(struct bd_identifier *out, enum bd_code *invalid,
	enum bd_subject_kind *kind, const struct bd_json *node, const char *pointer,
	const struct bd_dictionary *dict, struct bd_faults *faults)
{
	const struct bd_json *members[SUBJECT_MEMBERS], *entity, *number;
	const struct bd_id_kind *id_kind = NULL;
	struct bd_diag why = { .code = BD_OK };

	if (!is_object(node)) {
		return bd_faults_add(
			faults, BD_QUESTION_FORM, node, pointer, "a subject is an object");
	}
	BD_TRY(bd_question_take(members, node, pointer, subject_names, faults));
	entity = members[ENTITY];
	if (!is_text(entity) || (!bd_bytes_is(entity->text, "person") &&
					!bd_bytes_is(entity->text, "organization"))) {
		return bd_faults_add(faults, BD_QUESTION_FORM, node, pointer,
			"entity is person or organization");
	}
	*kind = bd_bytes_is(entity->text, "person") ? BD_SUBJECT_PERSON : BD_SUBJECT_ORGANIZATION;
	number = find_number(&id_kind, members, dict);
	if (!is_text(number) || id_kind == NULL || id_kind->subject != *kind ||
		id_kind->is_issued) {
		return bd_faults_add(faults, BD_QUESTION_FORM, node, pointer,
			"one number of a known kind: id_type and id_no, or uscc, reg_no, tax_no");
	}
	*invalid = bd_rule_identifier(out, dict, id_kind, number->text, NULL, faults->arena, &why);
	return *invalid == BD_NO_MEMORY ? bd_faults_add(faults, BD_NO_MEMORY, node, pointer, "")
					: BD_OK;
}

enum bd_code bd_question_whom(struct bd_identifier *out, enum bd_subject_kind *kind,
	const struct bd_json *body, const struct bd_dictionary *dict, struct bd_faults *faults)
{
	const struct bd_json *node = bd_json_get(body, "subject");
	enum bd_code invalid = BD_OK;

	if (node == NULL) {
		return bd_faults_add(
			faults, BD_QUESTION_FORM, NULL, "/subject", "subject is missing");
	}
	BD_TRY(bd_question_subject(out, &invalid, kind, node, "/subject", dict, faults));
	return invalid == BD_OK ? BD_OK : bd_faults_add(faults, invalid, node, "/subject", "");
}

enum bd_code bd_question_alone(struct bd_identifier *out, enum bd_subject_kind *kind,
	struct bd_bytes json, const struct bd_dictionary *dict, struct bd_faults *faults)
{
	static const struct bd_bytes names[] = { BD_BYTES("subject"), { NULL, 0 } };
	struct bd_json *body = NULL;

	BD_TRY(bd_question_body(&body, json, faults));
	BD_TRY(bd_question_members(body, "", names, faults));
	return bd_question_whom(out, kind, body, dict, faults);
}
