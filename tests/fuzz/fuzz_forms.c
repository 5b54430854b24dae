/* fuzz_forms.c - any bytes as the small JSON body of a request: read into what it says, or refused
 * with faults that say where. The first byte chooses the form ('0' = the first), the rest is the
 * body.
 *
 * The dictionary comes from the source tree: schemas under $srcdir, or here.
 */
#include "base/limits.h"
#include "config/dictionary.h"
#include "daemon/body.h"
#include "daemon/uploads.h"
#include "record/rules_identifier.h"
#include "trail/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1795449600000) /* 2026-11-24 */
#define NUMBER_MAX UINT64_C(999999999999999999)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One body while it is read. */
struct reading {
	const struct bd_dictionary *dict;
	const struct bd_json *body;
	struct bd_arena *arena;
	struct bd_faults faults;
};

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

/* What was read is the whole member, to its last byte: nothing was cut, and none stands for it. */
static void must_be_member(const struct reading *reading, const char *name, const char *text)
{
	const struct bd_json *node = bd_json_get(reading->body, name);

	must(node != NULL ? node->type == BD_JSON_IS_TEXT && strlen(text) == node->text.len &&
				    memcmp(text, node->text.ptr, node->text.len) == 0
			  : text[0] == '\0');
}

static void must_be_subject(const struct reading *reading, const struct bd_identifier *subject)
{
	must(bd_dictionary_id_kind_number(reading->dict, subject->kind) != NULL);
	must(subject->number.len > 0 && subject->number.len <= BD_IDENTIFIER_MAX_BYTES);
	must(memchr(subject->number.ptr, '\0', subject->number.len) == NULL);
}

static void must_be_of(const struct reading *reading, uint16_t entity, uint16_t field)
{
	const struct bd_field *found = bd_dictionary_field_number(reading->dict, field);

	must(entity != 0 && bd_dictionary_entity_number(reading->dict, entity) != NULL);
	must(found != NULL && found->entity == entity);
}

static enum bd_code dispute(struct reading *reading)
{
	struct bd_dispute said = { .id = 0 };
	enum bd_code code = bd_body_dispute(&said, reading->body, reading->dict, &reading->faults);

	if (code == BD_OK) {
		must_be_member(reading, "source", said.source);
		must_be_member(reading, "reason", said.reason);
		must_be_member(reading, "reference", said.reference);
		must(bd_dispute_reason(said.reason) != NULL);
		must(!bd_rule_holds_identity(bd_bytes_of(said.reference)));
		must(bd_dictionary_entity_number(reading->dict, said.entity) != NULL);
		if (said.field != 0) {
			must_be_of(reading, said.entity, said.field);
		}
		must_be_subject(reading, &said.subject);
	}
	return code;
}

static enum bd_code resolution(struct reading *reading)
{
	struct bd_resolution said = { .dispute = 0 };
	enum bd_code code = bd_body_resolution(&said, reading->body, &reading->faults);

	if (code == BD_OK) {
		must(said.state == BD_DISPUTE_UPHELD || said.state == BD_DISPUTE_CORRECTED);
		must_be_member(reading, "reference", said.reference);
	}
	return code;
}

static enum bd_code recall(struct reading *reading)
{
	struct bd_recall_said said;
	enum bd_code code = bd_body_recall(&said, reading->body, reading->dict, &reading->faults);

	if (code != BD_OK) {
		return code;
	}
	must((said.message != 0) == (bd_json_get(reading->body, "message") != NULL));
	must(said.message <= NUMBER_MAX);
	must_be_member(reading, "feed", said.feed);
	for (size_t i = 0; i < said.with_count; i++) {
		must_be_of(reading, said.entity, said.with[i].field);
		for (size_t k = 0; k < i; k++) {
			must(said.with[k].field != said.with[i].field);
		}
	}
	if (said.message == 0) {
		must_be_subject(reading, &said.subject);
	}
	return code;
}

static enum bd_code erasure(struct reading *reading)
{
	struct bd_erasure_said said = { .basis = { "", 0 } };
	enum bd_code code = bd_body_erasure(&said, reading->body, reading->dict, &reading->faults);

	if (code == BD_OK) {
		must(said.basis.len > 0);
		must_be_member(reading, "basis", said.basis.ptr);
		must_be_subject(reading, &said.subject);
	}
	return code;
}

static enum bd_code obligations(struct reading *reading)
{
	struct bd_obligations_said said;
	enum bd_code code = bd_body_obligations(&said, reading->body, &reading->faults);

	if (code == BD_OK) {
		must(said.case_id.len > 0);
		must_be_member(reading, "case", said.case_id.ptr);
		must(said.limit >= 1 && said.limit <= BD_OBLIGATIONS_PAGE_MAX);
		if (said.cursor != NULL) {
			must_be_member(reading, "cursor", said.cursor);
		}
	}
	return code;
}

static enum bd_code material(struct reading *reading)
{
	struct bd_owed_change said = { .due = 0 };
	enum bd_code code = bd_body_material(&said, reading->body, NOW_MS, &reading->faults);

	if (code == BD_OK) {
		must_be_member(reading, "state", said.material.ptr);
		must(said.handed_ms <= NOW_MS + BD_CLOCK_AHEAD_MS);
	}
	return code;
}

static enum bd_code extension(struct reading *reading)
{
	struct bd_owed_change said = { .due = 0 };
	int64_t days = -1;
	int32_t due = 0;
	enum bd_code code = bd_body_extension(&said, &days, &due, reading->body, &reading->faults);

	if (code == BD_OK) {
		must(said.reason.len > 0 && said.operator_name.len > 0);
		must_be_member(reading, "reason", said.reason.ptr);
		must_be_member(reading, "operator", said.operator_name.ptr);
		must((days > 0) == (bd_json_get(reading->body, "due") == NULL));
	}
	return code;
}

static enum bd_code upload(struct reading *reading)
{
	struct bd_upload_terms said = { .length = 0 };
	enum bd_code code = bd_body_upload(&said, reading->body, &reading->faults);

	if (code == BD_OK) {
		must(said.source[0] != '\0' && said.feed[0] != '\0');
		must_be_member(reading, "source", said.source);
		must_be_member(reading, "feed", said.feed);
		must_be_member(reading, "charset", said.charset);
		must(said.length >= 1 && said.length <= NUMBER_MAX);
		must(said.delivery.total <= NUMBER_MAX);
	}
	return code;
}

/* -- what is read from the bytes on -- */

static enum bd_code alone(struct reading *reading, struct bd_bytes json)
{
	struct bd_identifier subject;
	enum bd_subject_kind kind;
	enum bd_code code =
		bd_question_alone(&subject, &kind, json, reading->dict, &reading->faults);

	if (code == BD_OK) {
		must_be_subject(reading, &subject);
	}
	return code;
}

static enum bd_code witness(struct reading *reading, struct bd_bytes json)
{
	struct bd_trail_witnessed said;

	return bd_trail_witness_take(&said, json, reading->arena, reading->faults.diag);
}

static const struct form {
	enum bd_code (*body)(struct reading *reading);
	enum bd_code (*whole)(struct reading *reading, struct bd_bytes json);
} forms[] = { { dispute, NULL }, { resolution, NULL }, { recall, NULL }, { erasure, NULL },
	{ obligations, NULL }, { material, NULL }, { extension, NULL }, { upload, NULL },
	{ NULL, alone }, { NULL, witness } };

/* Each fault has a code that is the asker's, and stands at one of our own members. */
static void check_faults(enum bd_code code, const struct bd_diag *diag)
{
	size_t count = 0;

	must(code == diag->code);
	for (; code != BD_OK && diag != NULL; diag = diag->next) {
		must(diag->code != BD_OK);
		must(bd_code_info(diag->code)->status < 500 || diag->code == BD_NO_MEMORY);
		must(diag->path[strspn(diag->path, "/abcdefghijklmnopqrstuvwxyz_")] == '\0');
		must(++count <= BD_QUESTION_FAULTS_MAX + 1);
	}
}

static void read_form(
	const struct form *form, const struct bd_dictionary *dict, struct bd_bytes json)
{
	struct bd_diag diag = { .code = BD_OK };
	struct bd_json *body = NULL;
	struct bd_arena arena;
	enum bd_code code;

	bd_arena_init(&arena, BD_REQUEST_ARENA_MAX_BYTES);
	struct reading reading = {
		.dict = dict, .arena = &arena, .faults = { .diag = &diag, .arena = &arena }
	};
	if (form->whole != NULL) {
		code = form->whole(&reading, json);
	} else {
		code = bd_question_body(&body, json, &reading.faults);
		reading.body = body;
		code = code == BD_OK ? form->body(&reading) : code;
	}
	check_faults(code, &diag);
	bd_arena_release(&arena);
}

static const struct bd_dictionary *open_dictionary(void)
{
	static struct bd_arena arena; /* holds it as long as the process lives */
	const struct bd_dictionary *dict = NULL;
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	const char *top = getenv("srcdir");
	char path[4096];

	bd_arena_init(&arena, (size_t)64 << 20);
	snprintf(path, sizeof(path), "%s/schemas/common.xml", top != NULL ? top : ".");
	must(diags != NULL &&
		bd_config_dictionary_all(
			&dict, bd_arena_text(&arena, bd_bytes_of(path)), &arena, diags) == BD_OK);
	free(diags);
	return dict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bd_dictionary *dict;

	if (dict == NULL) {
		dict = open_dictionary();
	}
	if (size > 0) {
		size_t which =
			(size_t)(uint8_t)(data[0] - '0') % (sizeof(forms) / sizeof(forms[0]));

		read_form(
			&forms[which], dict, (struct bd_bytes){ (const char *)data + 1, size - 1 });
	}
	return 0;
}
