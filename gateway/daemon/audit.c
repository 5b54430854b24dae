#include "daemon/audit.h"

#include "answer/decide.h"
#include "answer/obligation.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "daemon/loop.h"
#include "daemon/signer.h"
#include "daemon/told.h"
#include "record/rules_identifier.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* What a client says of itself in one header: a purpose is a phrase, a case number a line. */
#define HEADER_MAX_BYTES 256

static enum bd_code write_cases(struct bd_trail_before *before, struct bd_diag *diag)
{
	return bd_cases_flush(CONTAINER(struct bd_audit, cases_first, before)->cases, diag);
}

enum bd_code bd_audit_open(struct bd_audit *audit, struct bd_daemon *daemon, size_t loop,
	enum bd_trail_durability durability, struct bd_diag *diag)
{
	enum bd_code code;

	*audit = (struct bd_audit){ .trail = daemon->trail,
		.log = bd_trail_log(daemon->trail, loop),
		.signer = daemon->signer,
		.is_synced = durability == BD_TRAIL_SYNCED };
	bd_buf_init(&audit->payload, BD_TRAIL_ENTRY_MAX_BYTES);
	bd_buf_init(&audit->text, 4096);
	code = bd_hmac_new(&audit->digest,
		(struct bd_bytes){ (const char *)daemon->audit_key, sizeof(daemon->audit_key) });
	if (code != BD_OK) {
		return bd_fail(diag, code, "no digest");
	}
	code = bd_case_log_open(&audit->cases, daemon->store, (uint16_t)loop, diag);
	code = code == BD_OK ? bd_audit_turn(audit, diag) : code;
	if (code == BD_OK) {
		audit->cases_first.write = write_cases;
		bd_trail_before_flush(audit->log, &audit->cases_first);
	}
	return code;
}

enum bd_code bd_audit_turn(struct bd_audit *audit, struct bd_diag *diag)
{
	return bd_cases_turn(audit->cases, bd_audit_time(audit), diag);
}

void bd_audit_close(struct bd_audit *audit)
{
	bd_case_log_close(audit->cases);
	audit->cases = NULL;
	bd_hmac_free(audit->digest);
	bd_buf_release(&audit->payload);
	bd_buf_release(&audit->text);
	audit->digest = NULL;
	bd_wipe(&audit->random, sizeof(audit->random));
}

int64_t bd_audit_time(const struct bd_audit *audit)
{
	return bd_trail_time(NULL, audit->log, bd_clock_wall_ms());
}

enum bd_code bd_audit_next(
	char out[BD_TRAIL_ID_TEXT_BYTES], struct bd_audit *audit, struct bd_diag *diag)
{
	struct bd_trail_id id;
	enum bd_code code = bd_trail_next(&id, audit->log, BD_TRAIL_ENTRY_MAX_BYTES, diag);

	if (code == BD_OK) {
		bd_trail_id_write(out, &id);
	}
	return code;
}

/* -- digests -- */

enum bd_code bd_audit_digest(
	uint8_t out[BD_DIGEST_BYTES], struct bd_audit *audit, struct bd_bytes bytes)
{
	return bd_hmac_of(audit->digest, bytes, out);
}

enum bd_code bd_audit_subject(uint8_t out[BD_DIGEST_BYTES], struct bd_audit *audit,
	const struct bd_identifier *identifier, const struct bd_dictionary *dict)
{
	const struct bd_id_kind *kind = bd_dictionary_id_kind_number(dict, identifier->kind);
	struct bd_buf *text = &audit->text;
	enum bd_code code;

	bd_buf_clear(text);
	code = bd_buf_add_text(text, kind != NULL ? kind->name : "");
	code = code == BD_OK ? bd_buf_add_byte(text, ':') : code;
	if (code == BD_OK && identifier->issuer.len > 0) {
		code = bd_buf_add(text, identifier->issuer);
		code = code == BD_OK ? bd_buf_add_byte(text, ':') : code;
	}
	code = code == BD_OK ? bd_buf_add(text, identifier->number) : code;
	code = code == BD_OK ? bd_audit_digest(out, audit, bd_buf_bytes(text)) : code;
	if (text->len > 0) {
		bd_wipe(text->ptr, text->len);
	}
	return code;
}

/* -- what clients say of themselves -- */

enum bd_code bd_audit_text(
	struct bd_bytes *out, struct bd_audit *audit, struct bd_bytes text, struct bd_arena *arena)
{
	uint8_t digest[BD_DIGEST_BYTES];
	char shown[sizeof("digest:") + 2 * BD_DIGEST_BYTES] = "digest:";
	enum bd_code code;

	if (text.len <= HEADER_MAX_BYTES && bd_text_is_utf8(text) && !bd_text_has_control(text) &&
		!bd_rule_holds_identity(text)) {
		*out = text;
		return BD_OK;
	}
	code = bd_audit_digest(digest, audit, text);
	if (code == BD_OK) {
		bd_hex(shown + strlen(shown), digest, sizeof(digest));
		*out = bd_arena_copy(arena, bd_bytes_of(shown));
		code = out->ptr != NULL ? BD_OK : bd_arena_code(arena);
	}
	return code;
}

enum bd_code bd_audit_caller(struct bd_trail_caller *out, struct bd_audit *audit,
	const struct bd_http_exchange *exchange, const char *sender, struct bd_arena *arena)
{
	static const char *const names[] = { "bidui-purpose", "bidui-case", "bidui-operator",
		"traceparent" };
	struct bd_trail_caller caller = { .client = bd_bytes_of(sender != NULL ? sender : "") };
	struct bd_bytes *const texts[] = { &caller.purpose, &caller.case_id, &caller.operator_name,
		&caller.trace };
	enum bd_code code = BD_OK;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && code == BD_OK; i++) {
		code = bd_audit_text(texts[i], audit, bd_http_header(exchange, names[i]), arena);
	}
	*out = caller;
	return code;
}

static bool copy(struct bd_bytes *text, struct bd_arena *arena)
{
	*text = bd_arena_copy(arena, *text);
	return text->ptr != NULL;
}

enum bd_code bd_audit_caller_kept(struct bd_trail_caller *out, struct bd_audit *audit,
	const struct bd_http_exchange *exchange, const char *sender, struct bd_arena *arena)
{
	enum bd_code code = bd_audit_caller(out, audit, exchange, sender, arena);

	if (code == BD_OK &&
		!(copy(&out->client, arena) && copy(&out->purpose, arena) &&
			copy(&out->case_id, arena) && copy(&out->operator_name, arena) &&
			copy(&out->trace, arena))) {
		code = bd_arena_code(arena);
	}
	return code;
}

/* -- entries -- */

static enum bd_code append(
	struct bd_audit *audit, enum bd_trail_kind kind, int64_t time_ms, struct bd_diag *diag)
{
	struct bd_trail_id id;
	enum bd_code code = bd_trail_append(
		&id, audit->log, kind, time_ms, bd_buf_bytes(&audit->payload), diag);

	if (bd_trail_wants_space(audit->trail)) {
		bd_signer_want_space(audit->signer);
	}
	return code;
}

enum bd_code bd_audit_event(struct bd_audit *audit, enum bd_trail_kind kind,
	const struct bd_trail_event *event, int64_t time_ms, struct bd_diag *diag)
{
	enum bd_code code;

	bd_buf_clear(&audit->payload);
	code = bd_trail_event_pack(&audit->payload, event);
	return code == BD_OK ? append(audit, kind, time_ms, diag)
			     : bd_fail(diag, code, "an entry of the trail");
}

enum bd_code bd_audit_flush(struct bd_audit *audit, struct bd_diag *diag)
{
	return bd_trail_flush(audit->log, diag);
}

/* Who asks too much must not fill the disk by being told so. False: it is counted with another. */
static bool is_new_limit(uint64_t *more, struct bd_audit *audit, struct bd_bytes client,
	enum bd_code code, int64_t time_ms)
{
	size_t at = (size_t)code + client.len;
	struct bd_audit_limited *slot;

	*more = 0;
	if (code != BD_LIMIT_REQUESTS && code != BD_LIMIT_LINES && code != BD_LIMIT_SUBJECTS &&
		code != BD_LIMIT_VALUES) {
		return true;
	}
	for (size_t i = 0; i < client.len; i++) {
		at = at * 31 + (unsigned char)client.ptr[i];
	}
	slot = &audit->limited[at % BD_AUDIT_LIMITED];
	if (slot->code != code || !bd_bytes_is(client, slot->client)) {
		*slot = (struct bd_audit_limited){ .code = code, .second = time_ms / 1000 };
		snprintf(slot->client, sizeof(slot->client), "%.*s", (int)client.len, client.ptr);
		return true;
	}
	if (slot->second == time_ms / 1000) {
		slot->more++;
		return false;
	}
	*more = slot->more;
	slot->second = time_ms / 1000;
	slot->more = 0;
	return true;
}

enum bd_code bd_audit_refusal(struct bd_audit *audit, const struct bd_trail_caller *caller,
	enum bd_code code, const char *method, const char *route)
{
	int64_t time_ms = bd_audit_time(audit);
	struct bd_trail_event event = { .caller = *caller,
		.code = bd_bytes_of(bd_code_info(code)->text),
		.method = bd_bytes_of(method),
		.path = bd_bytes_of(route) };
	enum bd_code result;

	if (caller->client.len == 0) {
		if (time_ms / 1000 == audit->unknown_second) {
			/* Whoever is nobody must not fill the disk. */
			audit->unknown_more++;
			return BD_OK;
		}
		event.more = audit->unknown_more;
	} else if (!is_new_limit(&event.more, audit, caller->client, code, time_ms)) {
		return BD_OK;
	}
	result = bd_audit_event(audit, BD_TRAIL_REFUSAL, &event, time_ms, NULL);
	result = result == BD_OK ? bd_audit_flush(audit, NULL) : result;
	if (result == BD_OK && caller->client.len == 0) {
		audit->unknown_second = time_ms / 1000;
		audit->unknown_more = 0;
	}
	return result;
}

uint64_t bd_audit_synced(const struct bd_audit *audit)
{
	uint64_t cases = __atomic_load_n(&audit->cases_synced, __ATOMIC_ACQUIRE);
	uint64_t entries = bd_trail_synced(audit->log);

	return cases < entries ? cases : entries;
}

/* A case file is written before its entry: those of all entries written by now are synced. */
enum bd_code bd_audit_sync_cases(struct bd_daemon *daemon, struct bd_diag *diag)
{
	uint64_t written[BD_TRAIL_LOOPS_MAX];
	enum bd_code code;

	for (size_t i = 0; i < daemon->loop_count; i++) {
		written[i] = bd_trail_written(bd_trail_log(daemon->trail, i));
	}
	code = bd_cases_sync(daemon->store, diag);
	for (size_t i = 0; i < daemon->loop_count && code == BD_OK; i++) {
		__atomic_store_n(
			&daemon->loops[i].audit.cases_synced, written[i], __ATOMIC_RELEASE);
	}
	return code;
}

uint64_t bd_audit_mark(const struct bd_audit *audit)
{
	return bd_trail_collected(audit->log);
}

uint64_t bd_audit_safe(const struct bd_audit *audit)
{
	return audit->is_synced ? bd_audit_synced(audit) : bd_trail_written(audit->log);
}

bool bd_audit_end_turn(uint64_t *kept, struct bd_audit *audit)
{
	bd_audit_flush(audit, NULL);
	return !bd_trail_take_loss(kept, audit->log);
}

void bd_audit_want_release(struct bd_audit *audit)
{
	__atomic_store_n(&audit->wants_release, true, __ATOMIC_RELEASE);
	bd_signer_want_sync(audit->signer);
}

/* -- comparisons -- */

static bool list_subjects(struct bd_trail_receipt *receipt, struct bd_audit *audit,
	const struct bd_case *asked, const struct bd_dictionary *dict, struct bd_arena *arena)
{
	struct bd_trail_subject *subjects =
		bd_arena_alloc(arena, asked->subject_count, sizeof(*subjects));

	for (size_t i = 0; subjects != NULL && i < asked->subject_count; i++) {
		const struct bd_case_subject *subject = &asked->subjects[i];

		subjects[i].pointer = bd_case_pointer(subject);
		/* Of a number that is none nobody was looked at. */
		if (subject->invalid == BD_OK && bd_audit_subject(subjects[i].digest, audit,
							 &subject->identifier, dict) != BD_OK) {
			return false;
		}
	}
	receipt->subjects = subjects;
	receipt->subject_count = asked->subject_count;
	return subjects != NULL;
}

/* What was compared, committed to; salt is of this element alone. */
static bool commit(struct bd_trail_element *out, uint8_t salt[BD_TRAIL_SALT_BYTES],
	struct bd_audit *audit, const struct bd_finding *finding)
{
	struct bd_trail_opening opening = { .claim = finding->claim, .value = finding->value };

	if (finding->claim.len == 0 && finding->value.len == 0) {
		return true;
	}
	if (bd_random_draw(&audit->random, salt, BD_TRAIL_SALT_BYTES) != BD_OK) {
		return false;
	}
	memcpy(opening.salt, salt, sizeof(opening.salt));
	return bd_trail_commit(out->commitment, &opening) == BD_OK;
}

static bool list_elements(struct bd_trail_receipt *receipt, const uint8_t **salts_out,
	struct bd_audit *audit, const struct bd_compared *compared, struct bd_arena *arena)
{
	size_t count = compared->finding_count;
	struct bd_trail_element *elements = bd_arena_alloc(arena, count, sizeof(*elements));
	uint8_t *salts = bd_arena_alloc(arena, count, BD_TRAIL_SALT_BYTES);
	bool is_good = elements != NULL && salts != NULL;

	for (size_t i = 0; is_good && i < count; i++) {
		const struct bd_finding *finding = &compared->findings[i];
		struct bd_trail_element *element = &elements[i];

		is_good = bd_told_element(element, finding, arena) == BD_OK &&
			  commit(element, salts + i * BD_TRAIL_SALT_BYTES, audit, finding);
	}
	*salts_out = salts;
	receipt->elements = elements;
	receipt->element_count = count;
	return is_good;
}

static bool list_look_ups(
	struct bd_trail_receipt *receipt, const struct bd_keep *keep, struct bd_arena *arena)
{
	struct bd_trail_look_up *look_ups;

	if (keep->looked_up_count == 0) {
		return true;
	}
	look_ups = bd_arena_alloc(arena, keep->looked_up_count, sizeof(*look_ups));
	for (size_t i = 0; look_ups != NULL && i < keep->looked_up_count; i++) {
		const struct bd_looked_up *one = &keep->looked_up[i];

		look_ups[i] = (struct bd_trail_look_up){ bd_bytes_of(one->source),
			bd_bytes_of(one->feed), bd_bytes_of(one->subject),
			bd_bytes_of(bd_code_info(one->code)->text) };
	}
	receipt->look_ups = look_ups;
	receipt->look_up_count = keep->looked_up_count;
	return look_ups != NULL;
}

/* What is still owed, as far as it binds: who, what, by when. */
static bool digest_obligations(struct bd_trail_receipt *receipt, struct bd_audit *audit,
	const struct bd_compared *compared)
{
	struct bd_buf *text = &audit->payload;
	enum bd_code code = BD_OK;

	if (compared->obligation_count == 0) {
		return true;
	}
	bd_buf_clear(text);
	for (size_t i = 0; i < compared->obligation_count && code == BD_OK; i++) {
		const struct bd_obligation *one = &compared->obligations[i];
		char due[11] = "";

		if (one->due != BD_NO_DAY) {
			bd_day_format(due, one->due);
		}
		code = bd_buf_printf(text, "%s|%s|%s|%s|%s\n",
			one->party == BD_PARTY_AGENCY ? "agency" : "applicant", one->id,
			one->finding != NULL ? one->finding->subject->pointer : "", due,
			one->may_follow ? "may_follow" : "");
	}
	return code == BD_OK && bd_sha256_of(bd_buf_bytes(text), receipt->obligations) == BD_OK;
}

/* Under the id that the receipt will have: nothing is entered between. */
static enum bd_code keep_case(struct bd_audit *audit, const struct bd_keep *keep,
	const struct bd_compared *compared, const struct bd_trail_receipt *receipt,
	const uint8_t *salts, int64_t time_ms, const struct bd_dictionary *dict,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_case_record record;
	enum bd_code code = bd_keep_record(&record, keep, compared, receipt, salts, dict, arena);

	record.at_ms = time_ms;
	code = code == BD_OK
		       ? bd_trail_next(&record.receipt, audit->log, BD_TRAIL_ENTRY_MAX_BYTES, diag)
		       : bd_fail(diag, code, "%s", "");
	return code == BD_OK ? bd_cases_append(audit->cases, &record, diag) : code;
}

enum bd_code bd_audit_compare(struct bd_audit *audit, const struct bd_trail_caller *caller,
	const struct bd_keep *keep, const struct bd_compared *compared, int64_t time_ms,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diag *diag)
{
	const struct bd_case *asked = compared->asked;
	const uint8_t *salts = NULL;
	struct bd_trail_receipt receipt = { .caller = *caller,
		.matter = bd_bytes_of(asked->matter->id),
		.version = bd_bytes_of(asked->matter->version),
		.decision = bd_bytes_of(bd_decision_term(compared->outcome->decision)->name),
		.is_sandbox = keep->is_sandbox,
		.grant = bd_bytes_of(compared->grant->id),
		.disclosure = bd_bytes_of(bd_disclosure_name(compared->grant->disclosure)) };
	char on[11];
	enum bd_code code;

	if (receipt.caller.case_id.len == 0) {
		receipt.caller.case_id = asked->id;
	}
	bd_day_format(on, asked->on);
	receipt.on = bd_bytes_of(on);
	code = bd_audit_digest(receipt.request, audit, keep->question);
	if (code == BD_OK && !(list_subjects(&receipt, audit, asked, dict, arena) &&
				     list_elements(&receipt, &salts, audit, compared, arena) &&
				     list_look_ups(&receipt, keep, arena) &&
				     digest_obligations(&receipt, audit, compared))) {
		code = bd_arena_code(arena) != BD_OK ? bd_arena_code(arena) : BD_INTERNAL;
	}
	bd_buf_clear(&audit->payload);
	code = code == BD_OK ? bd_trail_receipt_pack(&audit->payload, &receipt) : code;
	if (code == BD_OK) {
		code = keep_case(
			audit, keep, compared, &receipt, salts, time_ms, dict, arena, diag);
	}
	return code == BD_OK ? append(audit, BD_TRAIL_COMPARE, time_ms, diag)
			     : bd_fail(diag, code, "a receipt of the trail");
}
