/* query.c - what the departments say of one subject: every statement with its source and age. */
#include "answer/evidence.h"
#include "base/clock.h"
#include "base/json_write.h"

/* A query that is being answered. */
struct asking {
	const struct bd_answer_context *context;
	const struct bd_sight *sights; /* one for each entity of the dictionary */
	enum bd_subject_kind kind;
	int32_t day;
};

static const struct bd_sight *sight_of(const struct asking *asking, const struct bd_entity *entity)
{
	return &asking->sights[entity - asking->context->dict->entities];
}

static bool is_seen(const struct asking *asking, const struct bd_entity *entity)
{
	return entity != NULL && sight_of(asking, entity)->held != 0;
}

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

static void write_why(struct bd_json_writer *w, const char *reason)
{
	const struct bd_term *term = bd_reason_term(reason);

	bd_jw_text(w, "reason", term->name);
	bd_jw_text(w, "detail_zh", term->zh);
	bd_jw_text(w, "detail_en", term->en);
}

/* Which feed of the source has told it is not known: of none of them the use may have ended. */
static bool is_in_use(const struct asking *asking, const char *source, const char *section)
{
	const struct bd_answer_context *context = asking->context;

	for (size_t i = 0; i < context->use_count; i++) {
		const struct bd_section_use *use = &context->uses[i];

		if (bd_is_name(use->source, source) &&
			(section == NULL || bd_is_name(use->section, section)) &&
			!bd_is_approved(use->approval, asking->day)) {
			return false;
		}
	}
	return true;
}

/* NULL: it is told. */
static const char *why_withheld(const struct bd_field *field, const struct asking *asking)
{
	const struct bd_entity *entity =
		field != NULL ? bd_dictionary_entity_number(asking->context->dict, field->entity)
			      : NULL;
	const struct bd_sight *sight = entity != NULL ? sight_of(asking, entity) : NULL;
	uint64_t bit = entity != NULL ? (uint64_t)1 << (field - entity->fields) : 0;

	if (entity == NULL || (sight->held & bit) == 0) {
		return "not_granted";
	}
	return (sight->values & bit) == 0 ? "level" : NULL;
}

static void write_value(struct bd_json_writer *w, const struct bd_held_value *held,
	bool is_conflict, bool is_in_use, const struct asking *asking)
{
	const struct bd_field *field =
		bd_dictionary_field_number(asking->context->dict, held->value.field);
	const char *why = is_in_use ? why_withheld(field, asking) : BD_REASON_USE_EXPIRED;

	bd_jw_object(w, NULL);
	bd_jw_text(w, "field", field != NULL ? field->name : "");
	bd_jw_text(w, "label_zh", field != NULL ? field->label_zh : "");
	if (why != NULL) {
		bd_jw_bool(w, "withheld", true);
		write_why(w, why);
	} else if ((held->value.flags & BD_VALUE_NONE) != 0) {
		note_disclosed(asking->context->disclosed, field->number);
		bd_jw_null(w, "value");
	} else {
		note_disclosed(asking->context->disclosed, field->number);
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

/* Of an entity that is not granted it is not even told whether there is a row. */
static void write_statement(
	struct bd_json_writer *w, const struct bd_statement *statement, const struct asking *asking)
{
	const struct bd_answer_context *context = asking->context;
	const struct bd_entity *entity =
		bd_dictionary_entity_number(context->dict, statement->entity);
	bool is_used = is_in_use(asking, statement->source, statement->section);

	if (!is_seen(asking, entity)) {
		return;
	}
	bd_jw_object(w, NULL);
	bd_jw_text(w, "entity", entity->name);
	bd_jw_text(w, "label_zh", entity->label_zh);
	bd_jw_text(w, "source", statement->source);
	bd_jw_text(w, "section", statement->section);
	bd_jw_time(w, "as_of", statement->as_of_ms);
	bd_jw_time(w, "received", statement->received_ms);
	bd_jw_i64(w, "age_s", (context->now_ms - statement->received_ms) / 1000);
	bd_jw_bool(w, "inverse", statement->is_inverse);
	bd_jw_bool(w, "blocked", statement->is_blocked);
	if (is_used && statement->other_count > 0 && sight_of(asking, entity)->has_identifiers) {
		write_identifiers(
			w, "other", statement->other, statement->other_count, context->dict);
	}
	bd_jw_array(w, "values");
	for (size_t i = 0; i < statement->value_count; i++) {
		size_t same_order;

		bd_statement_value(statement, statement->values[i].value.field, &same_order);
		write_value(w, &statement->values[i], same_order > 1, is_used, asking);
	}
	bd_jw_array_end(w);
	bd_jw_object_end(w);
}

static void write_coverage(
	struct bd_json_writer *w, const struct bd_held *held, const struct asking *asking)
{
	static const char *const names[] = { [BD_COVERAGE_NONE] = "none",
		[BD_COVERAGE_GAP] = "gap",
		[BD_COVERAGE_SUBJECT] = "subject",
		[BD_COVERAGE_FEED] = "feed" };

	bd_jw_array(w, "coverage");
	for (size_t i = 0; i < held->coverage_count; i++) {
		const struct bd_coverage *coverage = &held->coverage[i];
		const struct bd_entity *entity =
			bd_dictionary_entity_number(asking->context->dict, coverage->entity);

		if (!is_seen(asking, entity) || entity->subject != asking->kind) {
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

/* Which entity's row holds the numbers of a subject itself. */
static const struct bd_entity *entity_of_subject(const struct asking *asking)
{
	return bd_dictionary_entity(asking->context->dict,
		asking->kind == BD_SUBJECT_PERSON ? "person" : "organization");
}

static bool are_numbers_seen(const struct asking *asking)
{
	const struct bd_entity *entity = entity_of_subject(asking);

	return entity != NULL && sight_of(asking, entity)->has_identifiers;
}

/* What is not told, whatever is held: so that silence is not taken for "none". */
static void write_withheld(struct bd_json_writer *w, const struct asking *asking)
{
	const struct bd_dictionary *dict = asking->context->dict;

	bd_jw_array(w, "withheld");
	if (!are_numbers_seen(asking)) {
		bd_jw_object(w, NULL);
		bd_jw_bool(w, "identifiers", true);
		write_why(w, "not_granted");
		bd_jw_object_end(w);
	}
	for (size_t i = 0; i < dict->entity_count; i++) {
		const struct bd_entity *entity = &dict->entities[i];

		if ((entity->subject == asking->kind || entity->is_relation) &&
			!is_seen(asking, entity)) {
			bd_jw_object(w, NULL);
			bd_jw_text(w, "entity", entity->name);
			bd_jw_text(w, "label_zh", entity->label_zh);
			write_why(w, "not_granted");
			bd_jw_object_end(w);
		}
	}
	bd_jw_array_end(w);
}

static enum bd_code write_answer(
	struct bd_buf *out, const struct bd_held *held, const struct asking *asking)
{
	const struct bd_answer_context *context = asking->context;
	struct bd_json_writer w;

	bd_jw_init(&w, out);
	bd_jw_object(&w, NULL);
	bd_jw_text(&w, "receipt", context->receipt);
	if (context->is_sandbox) {
		bd_jw_bool(&w, "sandbox", true);
	}
	bd_jw_time(&w, "at", context->now_ms);
	bd_jw_text(&w, "status", status_name(held->status));
	write_identifiers(&w, "identifiers", held->identifiers,
		are_numbers_seen(asking) ? held->identifier_count : 0, context->dict);
	bd_jw_array(&w, "statements");
	for (size_t i = 0; i < held->statement_count; i++) {
		write_statement(&w, &held->statements[i], asking);
	}
	bd_jw_array_end(&w);
	write_coverage(&w, held, asking);
	write_withheld(&w, asking);
	bd_jw_object_end(&w);
	return w.code;
}

enum bd_code bd_query(struct bd_buf *out, struct bd_bytes question,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag)
{
	struct asking asking = { .context = context, .day = bd_day_at(context->now_ms) };
	struct bd_identifier identifier;
	struct bd_faults faults = { diag, arena, 0 };
	struct bd_held *held = NULL;
	enum bd_code code =
		bd_question_alone(&identifier, &asking.kind, question, context->dict, &faults);

	code = code == BD_OK ? bd_grant_fields(&asking.sights, context->asker, asking.kind,
				       context->dict, arena, diag)
			     : code;
	code = code == BD_OK ? context->source->lookup(context->source, &held, &identifier, 1,
				       &bd_wanted_all, arena, diag)
			     : code;
	if (code != BD_OK) {
		return code;
	}
	code = write_answer(out, held, &asking);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "the answer is too long");
}
