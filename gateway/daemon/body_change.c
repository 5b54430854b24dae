/* body_change.c - bodies by which a statement is disputed, withdrawn, or erased with its subject.
 */
#include "daemon/body.h"

#include "base/text.h"
#include "record/rules_identifier.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define REFERENCE_MAX_BYTES 64
#define RECALL_NAME_MAX_BYTES 128
#define WITH_MAX 16
#define MESSAGE_MAX_DIGITS 18
/* A basis is an article and a file number. */
#define BASIS_MAX_BYTES 256

/* -- disputes -- */

const struct bd_dispute_reason *bd_dispute_reason(const char *name)
{
	static const struct bd_dispute_reason reasons[] = {
		{ "wrong_value", "内容有误", "what is said is wrong" },
		{ "outdated", "信息已过时", "it was so, and is so no more" },
		{ "not_own", "不是本人（本单位）的信息", "it is about somebody else" },
		{ "impersonation", "被冒名", "somebody acted in the subject's name" },
		{ "missing", "应有而缺漏", "something is missing" },
		{ "duplicate", "重复", "it is said twice" }, { "other", "其他", "another reason" }
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strcmp(reasons[i].name, name) == 0) {
			return &reasons[i];
		}
	}
	return NULL;
}

/* Numbers of files and letters; never a name or an identity number. */
static void read_reference(const char **out, const struct bd_json *body, struct bd_faults *faults)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./";
	struct bd_bytes text;

	if (bd_body_text(&text, body, "reference", 0, REFERENCE_MAX_BYTES, faults) &&
		(text.ptr[strspn(text.ptr, allowed)] != '\0' || bd_rule_holds_identity(text))) {
		bd_faults_add(faults, BD_QUESTION_FORM, bd_json_get(body, "reference"),
			"/reference",
			"reference is the number of a file: letters, digits and -_./, and no "
			"identity number");
	}
	*out = text.ptr;
}

/* By the entity and field of the dictionary. */
static void read_about(struct bd_dispute *out, const struct bd_json *body,
	const struct bd_dictionary *dict, struct bd_faults *faults)
{
	struct bd_bytes entity_name, field_name;
	const struct bd_entity *entity;
	const struct bd_field *field;

	if (!bd_body_text(&entity_name, body, "entity", 0, NAME_MAX_BYTES, faults) ||
		!bd_body_text(&field_name, body, "field", 0, NAME_MAX_BYTES, faults)) {
		return;
	}
	entity = bd_dictionary_entity(dict, entity_name.ptr);
	field = bd_dictionary_field(dict, entity_name.ptr, field_name.ptr);
	if (entity == NULL || (field == NULL && field_name.len > 0)) {
		bd_faults_add(faults, BD_QUESTION_FORM,
			bd_json_get(body, entity == NULL ? "entity" : "field"),
			entity == NULL ? "/entity" : "/field",
			"entity, and field where it is given, are names of the dictionary");
		return;
	}
	out->entity = entity->number;
	out->field = field != NULL ? field->number : 0;
}

enum bd_code bd_body_dispute(struct bd_dispute *out, const struct bd_json *body,
	const struct bd_dictionary *dict, struct bd_faults *faults)
{
	static const struct bd_bytes names[] = { BD_BYTES("subject"), BD_BYTES("source"),
		BD_BYTES("entity"), BD_BYTES("field"), BD_BYTES("reason"), BD_BYTES("reference"),
		{ NULL, 0 } };
	struct bd_bytes source, reason;
	enum bd_subject_kind kind;

	bd_question_members(body, "", names, faults);
	bd_body_text(&source, body, "source", 0, NAME_MAX_BYTES, faults);
	read_about(out, body, dict, faults);
	if (bd_body_text(&reason, body, "reason", 0, NAME_MAX_BYTES, faults) &&
		bd_dispute_reason(reason.ptr) == NULL) {
		bd_faults_add(faults, BD_QUESTION_FORM, bd_json_get(body, "reason"), "/reason",
			"reason is one of the contract's");
	}
	read_reference(&out->reference, body, faults);
	bd_question_whom(&out->subject, &kind, body, dict, faults);
	out->source = source.ptr;
	out->reason = reason.ptr;
	return bd_body_code(faults);
}

enum bd_code bd_body_resolution(
	struct bd_resolution *out, const struct bd_json *body, struct bd_faults *faults)
{
	static const struct bd_bytes names[] = { BD_BYTES("outcome"), BD_BYTES("reference"),
		{ NULL, 0 } };
	struct bd_bytes outcome;

	bd_question_members(body, "", names, faults);
	if (bd_body_text(&outcome, body, "outcome", 0, NAME_MAX_BYTES, faults)) {
		out->state = bd_bytes_is(outcome, "upheld")      ? BD_DISPUTE_UPHELD
			     : bd_bytes_is(outcome, "corrected") ? BD_DISPUTE_CORRECTED
								 : BD_DISPUTE_OPEN;
		if (out->state == BD_DISPUTE_OPEN) {
			bd_faults_add(faults, BD_QUESTION_FORM, bd_json_get(body, "outcome"),
				"/outcome", "outcome is upheld or corrected");
		}
	}
	read_reference(&out->reference, body, faults);
	return bd_body_code(faults);
}

/* -- recalls -- */

/* Its number, as a number or as the text that a receipt has. */
static void read_message(uint64_t *out, const struct bd_json *node, struct bd_faults *faults)
{
	bool is_said = node->type == BD_JSON_IS_TEXT || node->type == BD_JSON_IS_NUMBER;
	uint64_t number = 0;

	is_said = is_said && node->text.len <= MESSAGE_MAX_DIGITS;
	for (size_t i = 0; is_said && i < node->text.len; i++) {
		is_said = node->text.ptr[i] >= '0' && node->text.ptr[i] <= '9';
		number = number * 10 + (uint64_t)(node->text.ptr[i] - '0');
	}
	if (!is_said || number == 0) {
		bd_faults_add(
			faults, BD_QUESTION_FORM, node, "/message", "message is the number of one");
	}
	*out = number;
}

static const struct bd_field *field_of(const struct bd_entity *entity, const struct bd_json *member,
	const struct bd_dictionary *dict)
{
	/* A name with a NUL within it is no name, whatever stands before that. */
	return strlen(member->key.ptr) == member->key.len
		       ? bd_dictionary_field(dict, entity->name, member->key.ptr)
		       : NULL;
}

static void read_with(struct bd_recall_said *out, const struct bd_entity *entity,
	const struct bd_json *with, const struct bd_dictionary *dict, struct bd_faults *faults)
{
	struct bd_value *values;
	char detail[96];

	if (entity == NULL || with->type != BD_JSON_IS_OBJECT || with->count > WITH_MAX) {
		snprintf(detail, sizeof(detail),
			"with names fields of the entity that is given, at most %d", WITH_MAX);
		bd_faults_add(faults, BD_QUESTION_FORM, with, "/with", detail);
		return;
	}
	values = bd_arena_alloc(faults->arena, WITH_MAX, sizeof(*values));
	if (values == NULL) {
		bd_faults_add(faults, bd_arena_code(faults->arena), NULL, "/with", "");
		return;
	}
	for (const struct bd_json *at = with->first; at != NULL; at = at->next) {
		const struct bd_field *field = field_of(entity, at, dict);

		if (field == NULL || at->type != BD_JSON_IS_TEXT) {
			bd_faults_add(faults, BD_QUESTION_FORM, at, "/with",
				"a field of the entity, and its value as text");
			return;
		}
		values[out->with_count++] = (struct bd_value){
			.field = field->number, .text = at->text, .native = { "", 0 }
		};
	}
	out->with = values;
}

static void read_entity(struct bd_recall_said *out, const struct bd_json *body,
	const struct bd_dictionary *dict, struct bd_faults *faults)
{
	const struct bd_json *with = bd_json_get(body, "with");
	const struct bd_entity *entity = NULL;
	struct bd_bytes name;

	if (!bd_body_text(&name, body, "entity", 0, RECALL_NAME_MAX_BYTES, faults)) {
		return;
	}
	if (name.len > 0) {
		entity = bd_dictionary_entity(dict, name.ptr);
		if (entity == NULL) {
			bd_faults_add(faults, BD_QUESTION_FORM, bd_json_get(body, "entity"),
				"/entity", "no such entity");
			return;
		}
		out->entity = entity->number;
	}
	if (with != NULL) {
		read_with(out, entity, with, dict, faults);
	}
}

enum bd_code bd_body_recall(struct bd_recall_said *out, const struct bd_json *body,
	const struct bd_dictionary *dict, struct bd_faults *faults)
{
	static const struct bd_bytes of_rows[] = { BD_BYTES("feed"), BD_BYTES("subject"),
		BD_BYTES("entity"), BD_BYTES("with"), { NULL, 0 } };
	static const struct bd_bytes of_message[] = { BD_BYTES("message"), { NULL, 0 } };
	const struct bd_json *message = bd_json_get(body, "message");
	struct bd_bytes feed;
	enum bd_subject_kind kind;

	*out = (struct bd_recall_said){ .feed = "" };
	bd_question_members(body, "", message != NULL ? of_message : of_rows, faults);
	if (message != NULL) {
		read_message(&out->message, message, faults);
		return bd_body_code(faults);
	}
	bd_body_text(&feed, body, "feed", 0, RECALL_NAME_MAX_BYTES, faults);
	out->feed = feed.ptr;
	read_entity(out, body, dict, faults);
	bd_question_whom(&out->subject, &kind, body, dict, faults);
	return bd_body_code(faults);
}

/* -- erasures -- */

enum bd_code bd_body_erasure(struct bd_erasure_said *out, const struct bd_json *body,
	const struct bd_dictionary *dict, struct bd_faults *faults)
{
	static const struct bd_bytes names[] = { BD_BYTES("subject"), BD_BYTES("basis"),
		{ NULL, 0 } };
	const struct bd_json *basis = bd_json_get(body, "basis");
	enum bd_subject_kind kind;

	bd_question_members(body, "", names, faults);
	if (basis == NULL || basis->type != BD_JSON_IS_TEXT || basis->text.len == 0 ||
		basis->text.len > BASIS_MAX_BYTES || bd_text_has_control(basis->text)) {
		bd_faults_add(faults, BD_QUESTION_FORM, basis, "/basis",
			"basis is a text of 1 to 256 bytes: by which law, on which file");
	} else {
		out->basis = basis->text;
	}
	bd_question_whom(&out->subject, &kind, body, dict, faults);
	return bd_body_code(faults);
}
