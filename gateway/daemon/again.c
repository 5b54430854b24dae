#include "daemon/again.h"

#include "base/limits.h"
#include "base/try.h"
#include "daemon/sandbox.h"
#include "daemon/told.h"

#include <stddef.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* -- deciding -- */

struct deciding {
	struct bd_answer_source source;
	const struct bd_again *again;
	int64_t now_ms;
};

static enum bd_code lookup(struct bd_answer_source *self, struct bd_held **out,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct deciding *deciding = CONTAINER(struct deciding, source, self);
	const struct bd_again *again = deciding->again;

	*out = NULL;
	if (again->record->is_sandbox) {
		BD_TRY(bd_sandbox_find(
			out, again->setup, identifiers, count, deciding->now_ms, arena, diag));
	}
	return *out != NULL ? BD_OK
			    : bd_store_lookup(
				      out, again->reader, identifiers, count, wanted, arena, diag);
}

/* The version that decided, by its name. */
static enum bd_code find_version(
	const struct bd_matter **out, const struct bd_again *again, struct bd_diag *diag)
{
	*out = bd_matter_version(again->setup->matters, again->setup->matter_count,
		again->record->matter, again->record->version);
	return *out != NULL ? BD_OK : bd_fail(diag, BD_MATTER_VERSION, "%s", "");
}

static enum bd_code choose_matter(
	const struct bd_matter **out, const struct bd_again *again, struct bd_diag *diag)
{
	*out = again->matter;
	return again->matter == NULL && again->when == BD_AGAIN_THEN
		       ? find_version(out, again, diag)
		       : BD_OK;
}

static enum bd_code begin(const struct bd_again *again, struct bd_diag *diag)
{
	return again->when == BD_AGAIN_THEN
		       ? bd_store_begin_at(again->reader, again->record->commit, diag)
		       : bd_store_begin(again->reader, diag);
}

static enum bd_code decide(struct bd_buf *out, struct bd_compared *compared,
	struct deciding *deciding, const struct bd_matter *matter, struct bd_arena *arena,
	struct bd_diag *diag)
{
	const struct bd_again *again = deciding->again;
	const struct bd_setup *setup = again->setup;
	char receipt[BD_TRAIL_ID_TEXT_BYTES];
	const struct bd_answer_context context = { .dict = setup->dict,
		.matters = setup->matters,
		.matter_count = setup->matter_count,
		.matter = matter,
		.on = again->record->on,
		.calendar = setup->calendar,
		.source = &deciding->source,
		.now_ms = deciding->now_ms,
		.receipt = receipt,
		.sources = setup->source_names,
		.source_count = setup->plan_count,
		.asker = again->asker,
		.needs = again->needs,
		.is_sandbox = again->record->is_sandbox };
	enum bd_code code = begin(again, diag);

	if (code != BD_OK) {
		return code;
	}
	bd_trail_id_write(receipt, &again->record->receipt);
	code = bd_compare(out, compared, again->record->question, &context, arena, diag);
	if (code == BD_OK && bd_store_met_erased(again->reader)) {
		code = bd_fail(diag, BD_CASE_ERASED, "%s", "");
	}
	bd_store_end(again->reader);
	return code;
}

enum bd_code bd_again_decide(struct bd_buf *out, struct bd_compared *compared,
	const struct bd_again *again, struct bd_arena *arena, struct bd_diag *diag)
{
	struct deciding deciding = { { lookup }, again,
		again->when == BD_AGAIN_THEN ? again->record->at_ms : again->now_ms };
	const struct bd_matter *matter = NULL;
	struct bd_buf unread;
	enum bd_code code;

	if (again->record->is_cut) {
		return bd_fail(diag, BD_CASE_CUT, "%s", "");
	}
	code = choose_matter(&matter, again, diag);
	if (code != BD_OK) {
		return code;
	}
	bd_buf_init(&unread, BD_ANSWER_MAX_BYTES);
	code = decide(out != NULL ? out : &unread, compared, &deciding, matter, arena, diag);
	bd_buf_release(&unread);
	return code;
}

/* -- what is different -- */

enum bd_code bd_again_tell(
	struct bd_again_told *out, const struct bd_compared *compared, struct bd_arena *arena)
{
	struct bd_trail_element *elements =
		bd_arena_alloc(arena, compared->finding_count, sizeof(*elements));

	if (elements == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < compared->finding_count; i++) {
		BD_TRY(bd_told_element(&elements[i], &compared->findings[i], arena));
	}
	*out = (struct bd_again_told){ elements, compared->finding_count };
	return BD_OK;
}

static const struct bd_trail_element *find_element(
	const struct bd_again_told *told, const struct bd_trail_element *like)
{
	for (size_t i = 0; i < told->count; i++) {
		if (bd_bytes_equal(told->elements[i].id, like->id) &&
			bd_bytes_equal(told->elements[i].pointer, like->pointer)) {
			return &told->elements[i];
		}
	}
	return NULL;
}

static bool is_same_finding(const struct bd_trail_element *a, const struct bd_trail_element *b)
{
	return a != NULL && b != NULL && bd_bytes_equal(a->code, b->code) &&
	       bd_bytes_equal(a->flags, b->flags) && bd_bytes_equal(a->reason, b->reason) &&
	       bd_bytes_equal(a->rule, b->rule);
}

static const struct bd_trail_evidence *find_evidence(
	const struct bd_trail_element *element, struct bd_bytes source)
{
	for (size_t i = 0; element != NULL && i < element->evidence_count; i++) {
		if (bd_bytes_equal(element->evidence[i].source, source)) {
			return &element->evidence[i];
		}
	}
	return NULL;
}

static bool is_same_statement(const struct bd_trail_evidence *a, const struct bd_trail_evidence *b)
{
	return a != NULL && b != NULL && a->version == b->version &&
	       bd_bytes_equal(a->digest, b->digest);
}

/* The lists being made; there is room for all that can come. */
struct differing {
	struct bd_again_difference *findings;
	struct bd_again_statement *statements;
	struct bd_again_differences *out;
};

static void differ_statements(struct differing *differing, const struct bd_trail_element *was,
	const struct bd_trail_element *is)
{
	const struct bd_trail_element *element = was != NULL ? was : is;

	for (size_t i = 0; was != NULL && i < was->evidence_count; i++) {
		const struct bd_trail_evidence *now = find_evidence(is, was->evidence[i].source);

		if (!is_same_statement(&was->evidence[i], now)) {
			differing->statements[differing->out->statement_count++] =
				(struct bd_again_statement){ element, &was->evidence[i], now };
		}
	}
	for (size_t i = 0; is != NULL && i < is->evidence_count; i++) {
		if (find_evidence(was, is->evidence[i].source) == NULL) {
			differing->statements[differing->out->statement_count++] =
				(struct bd_again_statement){ element, NULL, &is->evidence[i] };
		}
	}
}

static void differ_element(struct differing *differing, const struct bd_trail_element *was,
	const struct bd_trail_element *is)
{
	if (!is_same_finding(was, is)) {
		differing->findings[differing->out->finding_count++] =
			(struct bd_again_difference){ was, is };
	}
	differ_statements(differing, was, is);
}

static size_t count_evidence(const struct bd_again_told *told)
{
	size_t sum = 0;

	for (size_t i = 0; i < told->count; i++) {
		sum += told->elements[i].evidence_count;
	}
	return sum;
}

enum bd_code bd_again_differ(struct bd_again_differences *out, const struct bd_again_told *was,
	const struct bd_again_told *is, struct bd_arena *arena)
{
	struct differing differing = { .out = out };

	*out = (struct bd_again_differences){ .findings = NULL };
	differing.findings =
		bd_arena_alloc(arena, was->count + is->count, sizeof(*differing.findings));
	differing.statements = bd_arena_alloc(
		arena, count_evidence(was) + count_evidence(is), sizeof(*differing.statements));
	if (differing.findings == NULL || differing.statements == NULL) {
		return bd_arena_code(arena);
	}
	for (size_t i = 0; i < was->count; i++) {
		differ_element(&differing, &was->elements[i], find_element(is, &was->elements[i]));
	}
	for (size_t i = 0; i < is->count; i++) {
		if (find_element(was, &is->elements[i]) == NULL) {
			differ_element(&differing, NULL, &is->elements[i]);
		}
	}
	out->findings = differing.findings;
	out->statements = differing.statements;
	return BD_OK;
}
