/* query.c - what the departments say of one subject: every statement with its source and age. */
#include "answer/evidence.h"
#include "base/json_write.h"

#include <string.h>

static const char *status_name(enum bd_held_status status)
{
	return status == BD_HELD_FOUND       ? "found"
	       : status == BD_HELD_AMBIGUOUS ? "ambiguous"
	       : status == BD_HELD_WITHHELD  ? "withheld"
					     : "no_subject";
}

static void write_identifiers(struct bd_json_writer *w, const char *key,
	const struct bd_identifier *list, size_t count, const struct bd_dictionary *dict)
{
	bd_jw_array(w, key);
	for (size_t i = 0; i < count; i++) {
		const struct bd_id_kind *kind = bd_dictionary_id_kind_number(dict, list[i].kind);

		bd_jw_object(w, NULL);
		bd_jw_text(w, "kind", kind != NULL ? kind->name : "");
		if (list[i].issuer.len > 0) {
			bd_jw_bytes(w, "issuer", list[i].issuer);
		}
		bd_jw_bytes(w, "number", list[i].number);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

static void note_disclosed(struct bd_disclosed *disclosed, uint16_t field)
{
	size_t i = 0;

	while (disclosed != NULL && i < disclosed->count && disclosed->fields[i] != field) {
		i++;
	}
	if (disclosed != NULL && i == disclosed->count && i < BD_DISCLOSED_MAX) {
		disclosed->fields[disclosed->count++] = field;
	}
}

static void write_value(struct bd_json_writer *w, const struct bd_held_value *held,
	bool is_conflict, const struct bd_answer_context *context)
{
	const struct bd_field *field = bd_dictionary_field_number(context->dict, held->value.field);
	bool is_withheld = field == NULL || (field->sensitivity == BD_SENSITIVITY_SENSITIVE &&
						    !context->may_see_sensitive);

	bd_jw_object(w, NULL);
	bd_jw_text(w, "field", field != NULL ? field->name : "");
	bd_jw_text(w, "label_zh", field != NULL ? field->label_zh : "");
	if (is_withheld) {
		bd_jw_bool(w, "withheld", true);
	} else if ((held->value.flags & BD_VALUE_NONE) != 0) {
		note_disclosed(context->disclosed, field->number);
		bd_jw_null(w, "value");
	} else {
		note_disclosed(context->disclosed, field->number);
		bd_jw_bytes(w, "value", held->value.text);
		if (held->value.native.len > 0) {
			bd_jw_bytes(w, "native", held->value.native);
		}
	}
	bd_jw_time(w, "as_of", held->as_of_ms);
	if ((held->value.flags & BD_VALUE_UNMAPPED) != 0) {
		bd_jw_bool(w, "unmapped", true);
	}
	if (is_conflict) {
		bd_jw_bool(w, "conflict", true);
	}
	if (is_conflict || (held->value.flags & (BD_VALUE_UNMAPPED | BD_VALUE_PLACEHOLDER)) != 0) {
		bd_jw_text(w, "code", bd_finding_term(BD_FINDING_INDETERMINATE)->name);
	}
	bd_jw_object_end(w);
}

static void write_statement(struct bd_json_writer *w, const struct bd_statement *statement,
	const struct bd_answer_context *context)
{
	const struct bd_entity *entity =
		bd_dictionary_entity_number(context->dict, statement->entity);

	bd_jw_object(w, NULL);
	bd_jw_text(w, "entity", entity != NULL ? entity->name : "");
	bd_jw_text(w, "label_zh", entity != NULL ? entity->label_zh : "");
	bd_jw_text(w, "source", statement->source);
	bd_jw_text(w, "section", statement->section);
	bd_jw_time(w, "as_of", statement->as_of_ms);
	bd_jw_time(w, "received", statement->received_ms);
	bd_jw_i64(w, "age_s", (context->now_ms - statement->received_ms) / 1000);
	bd_jw_bool(w, "inverse", statement->is_inverse);
	bd_jw_bool(w, "blocked", statement->is_blocked);
	if (statement->other_count > 0) {
		write_identifiers(
			w, "other", statement->other, statement->other_count, context->dict);
	}
	bd_jw_array(w, "values");
	for (size_t i = 0; i < statement->value_count; i++) {
		size_t same_order;

		bd_statement_value(statement, statement->values[i].value.field, &same_order);
		write_value(w, &statement->values[i], same_order > 1, context);
	}
	bd_jw_array_end(w);
	bd_jw_object_end(w);
}

static void write_coverage(struct bd_json_writer *w, const struct bd_held *held,
	enum bd_subject_kind kind, const struct bd_answer_context *context)
{
	static const char *const names[] = { [BD_COVERAGE_NONE] = "none",
		[BD_COVERAGE_GAP] = "gap",
		[BD_COVERAGE_SUBJECT] = "subject",
		[BD_COVERAGE_FEED] = "feed" };

	bd_jw_array(w, "coverage");
	for (size_t i = 0; i < held->coverage_count; i++) {
		const struct bd_coverage *coverage = &held->coverage[i];
		const struct bd_entity *entity =
			bd_dictionary_entity_number(context->dict, coverage->entity);

		if (entity == NULL || entity->subject != kind) {
			continue;
		}
		bd_jw_object(w, NULL);
		bd_jw_text(w, "source", coverage->source);
		bd_jw_text(w, "entity", entity->name);
		bd_jw_text(w, "state", names[coverage->state]);
		bd_jw_time(w, "complete_through", coverage->complete_through_ms);
		bd_jw_bool(w, "blocked", coverage->is_blocked);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

enum bd_code bd_query(struct bd_buf *out, struct bd_bytes question,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag)
{
	static const char *const names[] = { "subject", NULL };
	struct bd_faults faults = { diag, arena, 0 };
	struct bd_identifier identifier;
	struct bd_json *root = NULL;
	struct bd_held *held = NULL;
	struct bd_json_writer w;
	enum bd_subject_kind kind;
	enum bd_code invalid, code = bd_json_parse(&root, question, arena, diag);

	code = code == BD_OK && root->type != BD_JSON_IS_OBJECT
		       ? bd_fail(diag, BD_QUESTION_FORM, "a question is an object")
		       : code;
	code = code == BD_OK ? bd_question_members(root, "", names, &faults) : code;
	if (code == BD_OK && bd_json_get(root, "subject") == NULL) {
		code = bd_fail(diag, BD_QUESTION_FORM, "subject is missing");
	}
	code = code == BD_OK
		       ? bd_question_subject(&identifier, &invalid, &kind,
				 bd_json_get(root, "subject"), "/subject", context->dict, &faults)
		       : code;
	if (code == BD_OK && invalid != BD_OK) {
		code = bd_fail(diag, invalid, "%s", "");
		bd_diag_set_path(diag, "/subject");
	}
	code = code == BD_OK ? context->source->lookup(context->source, &held, &identifier, 1,
				       &bd_wanted_all, arena, diag)
			     : code;
	if (code != BD_OK) {
		return code;
	}
	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "receipt", context->receipt);
	if (context->is_sandbox) {
		bd_jw_bool(&w, "sandbox", true);
	}
	bd_jw_time(&w, "at", context->now_ms);
	bd_jw_text(&w, "status", status_name(held->status));
	write_identifiers(
		&w, "identifiers", held->identifiers, held->identifier_count, context->dict);
	bd_jw_array(&w, "statements");
	for (size_t i = 0; i < held->statement_count; i++) {
		write_statement(&w, &held->statements[i], context);
	}
	bd_jw_array_end(&w);
	write_coverage(&w, held, kind, context);
	bd_jw_object_end(&w);
	return w.code == BD_OK ? BD_OK : bd_fail(diag, w.code, "the answer is too long");
}
