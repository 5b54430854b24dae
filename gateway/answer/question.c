#include "answer/question.h"

#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>

#define POINTER_MAX 160
#define CASE_ID_MAX_BYTES 128
#define DEADLINE_MOST_MS INT64_C(1000000000)

struct work {
	struct bd_case *asked;
	const struct bd_answer_context *context;
	struct bd_arena *arena;
	struct bd_faults faults;
	size_t *tried; /* subjects that stand in each role, with and without fault */
	bool has_lost_subjects;
};

/* Everything that is wrong is told: what can be read without it is read on. Only want of memory
 * ends it at once. */
static void refuse(struct work *work, enum bd_code code, const struct bd_json *node,
	const char *pointer, const char *detail)
{
	bd_faults_add(&work->faults, code, node, pointer, detail);
}

static void *make(struct work *work, size_t count, size_t size)
{
	void *made = bd_arena_alloc(work->arena, count == 0 ? 1 : count, size);

	if (made == NULL) {
		refuse(work, bd_arena_code(work->arena), NULL, "", "");
	}
	return made;
}

static bool is_object(const struct bd_json *node)
{
	return node != NULL && node->type == BD_JSON_IS_OBJECT;
}

static bool is_text(const struct bd_json *node)
{
	return node != NULL && node->type == BD_JSON_IS_TEXT;
}

/* True when there is a list to read. A list left out is an empty one. */
static bool is_list(struct work *work, const struct bd_json *node, const char *pointer)
{
	if (node == NULL) {
		return false;
	}
	if (node->type != BD_JSON_IS_ARRAY) {
		refuse(work, BD_QUESTION_FORM, node, pointer, "a list");
		return false;
	}
	if (node->count > BD_CASE_CLAIMS_MAX) {
		refuse(work, BD_LIMIT_COUNT, node, pointer, "");
		return false;
	}
	return true;
}

const struct bd_case_subject *bd_case_only(const struct bd_case *asked, const char *role)
{
	const struct bd_case_subject *found = NULL;

	for (size_t i = 0; i < asked->subject_count; i++) {
		if (bd_is_name(asked->subjects[i].role->name, role)) {
			if (found != NULL) {
				return NULL;
			}
			found = &asked->subjects[i];
		}
	}
	return found;
}

bool bd_case_is_same(const struct bd_case_subject *a, const struct bd_case_subject *b)
{
	return a == b || (a->invalid == BD_OK && b->invalid == BD_OK &&
				 a->identifier.kind == b->identifier.kind &&
				 bd_bytes_equal(a->identifier.number, b->identifier.number));
}

const struct bd_claim *bd_case_claim(
	const struct bd_case *asked, const struct bd_case_subject *subject, const char *field)
{
	for (size_t i = 0; i < asked->claim_count; i++) {
		if (asked->claims[i].subject == subject &&
			bd_is_name(asked->claims[i].field->name, field)) {
			return &asked->claims[i];
		}
	}
	return NULL;
}

#define INDEX_MAX_DIGITS 20

/* "/subjects" and "applicant": "/subjects/applicant"; what has no room is cut off. */
static void point_in(char out[POINTER_MAX], const char *parent, struct bd_bytes name)
{
	size_t len = strlen(parent), room = POINTER_MAX - 2 - INDEX_MAX_DIGITS;

	len = len < room ? len : room;
	memcpy(out, parent, len);
	out[len++] = '/';
	name.len = name.len < POINTER_MAX - 1 - len ? name.len : POINTER_MAX - 1 - len;
	memcpy(out + len, name.ptr, name.len);
	out[len + name.len] = '\0';
}

/* "/claims" and 3: "/claims/3". */
static void point_to(char out[POINTER_MAX], const char *list, size_t index)
{
	char digits[INDEX_MAX_DIGITS], *end = digits + sizeof(digits), *at = end;

	do {
		*--at = (char)('0' + index % 10);
		index /= 10;
	} while (index > 0);
	point_in(out, list, (struct bd_bytes){ at, (size_t)(end - at) });
}

/* -- subjects -- */

/* Counted twice, one subject could make up for another that is missing. */
static bool is_again(const struct bd_case *asked, const struct bd_case_subject *subject)
{
	for (size_t i = 0; i < asked->subject_count; i++) {
		if (asked->subjects[i].role == subject->role &&
			bd_case_is_same(&asked->subjects[i], subject)) {
			return true;
		}
	}
	return false;
}

static bool read_subject(struct work *work, struct bd_case_subject *subject,
	const struct bd_json *node, const char *pointer)
{
	enum bd_subject_kind kind;

	if (bd_question_subject(&subject->identifier, &subject->invalid, &kind, node, pointer,
		    work->context->dict, &work->faults) != BD_OK) {
		return false;
	}
	if (kind != subject->role->kind) {
		refuse(work, BD_QUESTION_FORM, node, pointer, "the role is of another entity");
		return false;
	}
	if (is_again(work->asked, subject)) {
		refuse(work, BD_QUESTION_FORM, node, pointer,
			"the same subject stands twice in one role");
		return false;
	}
	return true;
}

static void add_subject(struct work *work, const struct bd_role *role, const struct bd_json *node,
	const char *pointer)
{
	struct bd_case *asked = work->asked;
	struct bd_case_subject subject = { .role = role };

	work->tried[role - asked->matter->roles]++;
	if (asked->subject_count == BD_CASE_SUBJECTS_MAX) {
		refuse(work, BD_LIMIT_COUNT, node, pointer, "too many subjects");
		return;
	}
	if (!read_subject(work, &subject, node, pointer)) {
		work->has_lost_subjects = true;
		return;
	}
	subject.pointer_len = strlen(pointer);
	subject.pointer =
		bd_arena_text(work->arena, (struct bd_bytes){ pointer, subject.pointer_len });
	if (subject.pointer == NULL) {
		refuse(work, bd_arena_code(work->arena), node, pointer, "");
		return;
	}
	asked->subjects[asked->subject_count++] = subject;
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

static void check_counts(struct work *work)
{
	const struct bd_matter *matter = work->asked->matter;

	for (size_t i = 0; i < matter->role_count; i++) {
		const struct bd_role *role = &matter->roles[i];
		char pointer[POINTER_MAX];
		size_t min = role->min;

		if (role->quantifier == BD_QUANTIFIER_AT_LEAST && role->at_least > min) {
			min = role->at_least;
		}
		if (work->tried[i] < min || work->tried[i] > role->max) {
			point_in(pointer, "/subjects", bd_bytes_of(role->name));
			refuse(work, BD_ROLE_COUNT, NULL, pointer, "");
		}
	}
}

static void read_role(struct work *work, const struct bd_role *role, const struct bd_json *member)
{
	char list[POINTER_MAX], pointer[POINTER_MAX];
	size_t index = 0;

	point_in(list, "/subjects", bd_bytes_of(role->name));
	if (member->type != BD_JSON_IS_ARRAY) {
		add_subject(work, role, member, list);
		return;
	}
	for (const struct bd_json *item = member->first; item != NULL; item = item->next) {
		point_to(pointer, list, index++);
		add_subject(work, role, item, pointer);
	}
}

static size_t count_subjects(const struct bd_json *node)
{
	size_t count = 0;

	for (const struct bd_json *member = is_object(node) ? node->first : NULL; member != NULL;
		member = member->next) {
		count += member->type == BD_JSON_IS_ARRAY ? member->count : 1;
	}
	return count < BD_CASE_SUBJECTS_MAX ? count : BD_CASE_SUBJECTS_MAX;
}

static void read_subjects(struct work *work, const struct bd_json *node)
{
	if (!is_object(node)) {
		refuse(work, BD_QUESTION_FORM, node, "/subjects", "an object by role");
		return;
	}
	for (const struct bd_json *member = node->first; member != NULL; member = member->next) {
		const struct bd_role *role = find_role(work->asked->matter, member->key);

		if (role == NULL) {
			refuse(work, BD_ROLE_UNKNOWN, member, "/subjects", "");
		} else {
			read_role(work, role, member);
		}
	}
	check_counts(work);
}

/* -- claims -- */

/* The field that some element of the subject's role compares. */
static const struct bd_field *find_claimed(
	const struct bd_matter *matter, const struct bd_role *role, struct bd_bytes name)
{
	for (size_t i = 0; i < matter->element_count; i++) {
		const struct bd_element *element = &matter->elements[i];

		if (element->is_claimed && element->field != NULL &&
			bd_element_asks(element, role->name) &&
			bd_bytes_is(name, element->field->name)) {
			return element->field;
		}
	}
	return NULL;
}

static const struct bd_case_subject *find_subject(
	const struct bd_case *asked, struct bd_bytes pointer)
{
	for (size_t i = 0; i < asked->subject_count; i++) {
		if (bd_bytes_is(pointer, asked->subjects[i].pointer)) {
			return &asked->subjects[i];
		}
	}
	return NULL;
}

enum { CLAIM_OF = 0, CLAIM_FIELD, CLAIM_VALUE, CLAIM_MEMBERS };

static bool is_claim(const struct bd_json *const *members)
{
	const struct bd_json *value = members[CLAIM_VALUE];

	return is_text(members[CLAIM_OF]) && is_text(members[CLAIM_FIELD]) && value != NULL &&
	       (value->type == BD_JSON_IS_TEXT || value->type == BD_JSON_IS_NUMBER ||
		       value->type == BD_JSON_IS_BOOL);
}

static void read_claim(struct work *work, const struct bd_json *item, const char *pointer)
{
	static const struct bd_bytes names[] = { BD_BYTES("of"), BD_BYTES("field"),
		BD_BYTES("value"), { NULL, 0 } };
	const struct bd_json *members[CLAIM_MEMBERS], *field;
	struct bd_case *asked = work->asked;
	struct bd_claim claim = { .subject = NULL };

	bd_question_take(members, item, pointer, names, &work->faults);
	if (!is_claim(members)) {
		refuse(work, BD_QUESTION_FORM, item, pointer, "a claim has of, field and value");
		return;
	}
	field = members[CLAIM_FIELD];
	claim.subject = find_subject(asked, members[CLAIM_OF]->text);
	if (claim.subject == NULL) {
		if (!work->has_lost_subjects) {
			refuse(work, BD_QUESTION_FORM, item, pointer,
				"of names no subject of the case");
		}
		return;
	}
	claim.field = find_claimed(asked->matter, claim.subject->role, field->text);
	if (claim.field == NULL) {
		refuse(work, BD_CLAIM_UNKNOWN, field, pointer, "");
	} else if (bd_case_claim(asked, claim.subject, claim.field->name) != NULL) {
		refuse(work, BD_QUESTION_FORM, item, pointer, "claimed twice");
	} else {
		claim.value = members[CLAIM_VALUE]->text;
		asked->claims[asked->claim_count++] = claim;
	}
}

static void read_claims(struct work *work, const struct bd_json *node)
{
	size_t index = 0;

	if (!is_list(work, node, "/claims")) {
		return;
	}
	work->asked->claims = make(work, node->count, sizeof(*work->asked->claims));
	for (const struct bd_json *item = node->first; item != NULL && work->asked->claims != NULL;
		item = item->next) {
		char pointer[POINTER_MAX];

		point_to(pointer, "/claims", index++);
		read_claim(work, item, pointer);
	}
}

/* -- attestations, materials, commitment -- */

/* False: it names one that is no subject of the case. */
static bool read_attested(struct work *work, struct bd_attestation *one, const struct bd_json *of,
	const char *pointer)
{
	if (of == NULL) {
		return true;
	}
	one->subject = is_text(of) ? find_subject(work->asked, of->text) : NULL;
	if (one->subject == NULL && (!is_text(of) || !work->has_lost_subjects)) {
		refuse(work, BD_QUESTION_FORM, of, pointer, "of names no subject of the case");
	}
	return one->subject != NULL;
}

static void read_attestation(struct work *work, const struct bd_json *item, const char *pointer)
{
	enum { KIND = 0, PROVIDER, AT, OF, MEMBERS = OF + 3 };
	static const struct bd_bytes names[MEMBERS + 1] = { BD_BYTES("kind"), BD_BYTES("provider"),
		BD_BYTES("at"), BD_BYTES("of"), BD_BYTES("level"), BD_BYTES("digest"),
		{ NULL, 0 } };
	const struct bd_json *members[MEMBERS];
	struct bd_attestation one = { .subject = NULL };

	bd_question_take(members, item, pointer, names, &work->faults);
	if (!is_text(members[KIND]) || !is_text(members[PROVIDER]) || !is_text(members[AT]) ||
		!bd_time_parse(&one.at_ms, members[AT]->text)) {
		refuse(work, BD_QUESTION_FORM, item, pointer,
			"an attestation has kind, provider and at (RFC 3339)");
		return;
	}
	one.kind = members[KIND]->text;
	one.provider = members[PROVIDER]->text;
	if (read_attested(work, &one, members[OF], pointer)) {
		work->asked->attestations[work->asked->attestation_count++] = one;
	}
}

static void read_attestations(struct work *work, const struct bd_json *node)
{
	struct bd_case *asked = work->asked;
	size_t index = 0;

	if (!is_list(work, node, "/attestations")) {
		return;
	}
	asked->attestations = make(work, node->count, sizeof(*asked->attestations));
	for (const struct bd_json *item = node->first; item != NULL && asked->attestations != NULL;
		item = item->next) {
		char pointer[POINTER_MAX];

		point_to(pointer, "/attestations", index++);
		read_attestation(work, item, pointer);
	}
}

static enum bd_material_state material_state(struct bd_bytes text)
{
	return bd_bytes_is(text, "supplied")    ? BD_MATERIAL_SUPPLIED
	       : bd_bytes_is(text, "e_licence") ? BD_MATERIAL_E_LICENCE
	       : bd_bytes_is(text, "to_follow") ? BD_MATERIAL_TO_FOLLOW
						: BD_MATERIAL_MISSING;
}

static void read_material(struct work *work, enum bd_material_state *states,
	const struct bd_json *item, const char *pointer)
{
	enum { ID = 0, STATE, MEMBERS };
	static const struct bd_bytes names[MEMBERS + 1] = { BD_BYTES("id"), BD_BYTES("state"),
		{ NULL, 0 } };
	const struct bd_matter *matter = work->asked->matter;
	const struct bd_json *members[MEMBERS];
	enum bd_material_state state;
	size_t at = 0;

	bd_question_take(members, item, pointer, names, &work->faults);
	state = is_text(members[STATE]) ? material_state(members[STATE]->text)
					: BD_MATERIAL_MISSING;
	if (!is_text(members[ID]) || state == BD_MATERIAL_MISSING) {
		refuse(work, BD_QUESTION_FORM, item, pointer,
			"a material has id, and state: supplied, e_licence or to_follow");
		return;
	}
	while (at < matter->material_count &&
		!bd_bytes_is(members[ID]->text, matter->materials[at].id)) {
		at++;
	}
	if (at == matter->material_count) {
		refuse(work, BD_MATERIAL_UNKNOWN, members[ID], pointer, "");
	} else if (states[at] != BD_MATERIAL_MISSING) {
		refuse(work, BD_QUESTION_FORM, item, pointer, "the material stands twice");
	} else {
		states[at] = state;
	}
}

static void read_materials(struct work *work, const struct bd_json *node)
{
	enum bd_material_state *states =
		make(work, work->asked->matter->material_count, sizeof(*states));
	size_t index = 0;

	work->asked->materials = states;
	if (states == NULL || !is_list(work, node, "/materials")) {
		return;
	}
	for (const struct bd_json *item = node->first; item != NULL; item = item->next) {
		char pointer[POINTER_MAX];

		point_to(pointer, "/materials", index++);
		read_material(work, states, item, pointer);
	}
}

/* A commitment to another text than this version's is none: nobody has promised what it asks. */
static void read_commitment(struct work *work, const struct bd_json *node)
{
	enum { VERSION = 0, SIGNED_AT, DIGEST, MEMBERS };
	static const struct bd_bytes names[MEMBERS + 1] = { BD_BYTES("text_version"),
		BD_BYTES("signed_at"), BD_BYTES("digest"), { NULL, 0 } };
	const char *wanted = work->asked->matter->commitment_text_version;
	const struct bd_json *members[MEMBERS];
	int64_t signed_ms;

	if (node == NULL) {
		return;
	}
	bd_question_take(members, node, "/commitment", names, &work->faults);
	if (!is_text(members[VERSION]) || !is_text(members[SIGNED_AT]) ||
		!bd_time_parse(&signed_ms, members[SIGNED_AT]->text)) {
		refuse(work, BD_QUESTION_FORM, node, "/commitment",
			"a commitment has text_version and signed_at (RFC 3339)");
		return;
	}
	work->asked->has_commitment = wanted == NULL || bd_bytes_is(members[VERSION]->text, wanted);
}

/* -- the head -- */

/* The version of the matter that is in force on the day of acceptance. */
static void find_matter(struct work *work, const struct bd_json *node)
{
	const struct bd_answer_context *context = work->context;
	struct bd_case *asked = work->asked;

	if (context->matter != NULL && is_text(node) &&
		bd_bytes_is(node->text, context->matter->id)) {
		asked->matter = context->matter;
		return;
	}
	for (size_t i = 0; is_text(node) && i < context->matter_count; i++) {
		const struct bd_matter *matter = context->matters[i];

		if (bd_bytes_is(node->text, matter->id) && asked->on >= matter->effective_from &&
			asked->on < matter->effective_until) {
			asked->matter = matter;
			return;
		}
	}
	refuse(work, BD_MATTER_UNKNOWN, node, "/matter", "");
}

/* However long: what is too much for anybody counts as the longest wait. */
static bool read_deadline(int64_t *out, const struct bd_json *node)
{
	int64_t ms = 0;

	if (node->type != BD_JSON_IS_NUMBER) {
		return false;
	}
	for (size_t i = 0; i < node->text.len; i++) {
		if (node->text.ptr[i] < '0' || node->text.ptr[i] > '9') {
			return false;
		}
		ms = ms < DEADLINE_MOST_MS ? ms * 10 + (node->text.ptr[i] - '0') : ms;
	}
	*out = ms;
	return true;
}

/* The members of a case, as the contract has them. */
enum {
	MATTER = 0,
	CASE,
	ON,
	SUBMITTED_AT,
	DEADLINE_MS,
	SUBJECTS,
	CLAIMS,
	ATTESTATIONS,
	MATERIALS,
	COMMITMENT,
	CASE_MEMBERS
};

static void read_head(struct work *work, const struct bd_json *const *members)
{
	const struct bd_json *on = members[ON], *at = members[SUBMITTED_AT], *id = members[CASE],
			     *deadline = members[DEADLINE_MS];
	struct bd_case *asked = work->asked;

	asked->on = work->context->on != 0 ? work->context->on : bd_day_at(work->context->now_ms);
	asked->id = is_text(id) ? id->text : (struct bd_bytes){ "", 0 };
	if (on != NULL && (!is_text(on) || !bd_day_parse(&asked->on, on->text))) {
		refuse(work, BD_QUESTION_FORM, on, "/on", "yyyy-MM-dd");
	}
	if (at != NULL && (!is_text(at) || !bd_time_parse(&asked->submitted_ms, at->text))) {
		refuse(work, BD_QUESTION_FORM, at, "/submitted_at", "RFC 3339");
	}
	if (id != NULL && (!is_text(id) || id->text.len > CASE_ID_MAX_BYTES)) {
		refuse(work, BD_QUESTION_FORM, id, "/case", "a text of at most 128 bytes");
	}
	asked->deadline_ms = BD_NO_DEADLINE;
	if (deadline != NULL && !read_deadline(&asked->deadline_ms, deadline)) {
		refuse(work, BD_QUESTION_FORM, deadline, "/deadline_ms",
			"milliseconds, a whole number from 0 on");
	}
	find_matter(work, members[MATTER]);
}

static void read_case(struct work *work, const struct bd_json *root)
{
	static const struct bd_bytes names[CASE_MEMBERS + 1] = { BD_BYTES("matter"),
		BD_BYTES("case"), BD_BYTES("on"), BD_BYTES("submitted_at"), BD_BYTES("deadline_ms"),
		BD_BYTES("subjects"), BD_BYTES("claims"), BD_BYTES("attestations"),
		BD_BYTES("materials"), BD_BYTES("commitment"), { NULL, 0 } };
	const struct bd_json *members[CASE_MEMBERS];
	struct bd_case *asked = work->asked;

	if (!is_object(root)) {
		refuse(work, BD_QUESTION_FORM, root, "", "a case is an object");
		return;
	}
	bd_question_take(members, root, "", names, &work->faults);
	read_head(work, members);
	if (asked->matter == NULL) {
		return;
	}
	asked->subjects = make(work, count_subjects(members[SUBJECTS]), sizeof(*asked->subjects));
	work->tried = make(work, asked->matter->role_count, sizeof(*work->tried));
	if (asked->subjects == NULL || work->tried == NULL) {
		return;
	}
	read_subjects(work, members[SUBJECTS]);
	read_claims(work, members[CLAIMS]);
	read_attestations(work, members[ATTESTATIONS]);
	read_materials(work, members[MATERIALS]);
	read_commitment(work, members[COMMITMENT]);
}

enum bd_code bd_question_case(struct bd_case *out, struct bd_bytes json,
	const struct bd_answer_context *context, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_diag first = { .code = BD_OK };
	struct work work = { .asked = out,
		.context = context,
		.arena = arena,
		.faults = { diag != NULL ? diag : &first, arena, 0 } };
	struct bd_json *root = NULL;
	enum bd_code code = bd_json_parse(&root, json, arena, work.faults.diag);

	*out = (struct bd_case){ .matter = NULL };
	if (code != BD_OK) {
		return code;
	}
	read_case(&work, root);
	return work.faults.diag->code;
}
