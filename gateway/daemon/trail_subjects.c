/* trail_subjects.c - POST /v1/trail/subjects: the digests under which a person or organization
 * stands in the trail, of every number that the store knows them by. An auditor searches the trail
 * by them; the key they are made with stays here, and that this was asked is entered. */
#include "answer/question.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/routes.h"
#include "daemon/trail_ask.h"

/* Numbers of one subject that are told: no one has as many. */
#define NUMBERS_MAX 64

/* The number itself is not told again: who asks for it has it. */
static enum bd_code write_one(struct bd_document *document, const struct bd_identifier *identifier)
{
	const struct bd_dictionary *dict = document->loop->setup->dict;
	const struct bd_id_kind *kind = bd_dictionary_id_kind_number(dict, identifier->kind);
	uint8_t digest[BD_DIGEST_BYTES];
	char hex[2 * BD_DIGEST_BYTES + 1];

	BD_TRY(bd_audit_subject(digest, &document->loop->audit, identifier, dict));
	bd_hex(hex, digest, sizeof(digest));
	bd_jw_object(&document->json, NULL);
	bd_jw_text(&document->json, "kind", kind != NULL ? kind->name : "");
	if (identifier->issuer.len > 0) {
		bd_jw_bytes(&document->json, "issuer", identifier->issuer);
	}
	bd_jw_text(&document->json, "digest", hex);
	bd_jw_object_end(&document->json);
	return BD_OK;
}

static bool is_same(const struct bd_identifier *a, const struct bd_identifier *b)
{
	return a->kind == b->kind && bd_bytes_equal(a->issuer, b->issuer) &&
	       bd_bytes_equal(a->number, b->number);
}

static enum bd_code write_all(struct bd_document *document, const struct bd_identifier *asked)
{
	struct bd_store_reader *reader = document->loop->reader;
	struct bd_held *held = NULL;
	enum bd_code code = bd_store_begin(reader, &document->diag);

	BD_TRY(code);
	code = bd_store_lookup(
		&held, reader, asked, 1, &bd_wanted_all, &document->arena, &document->diag);
	bd_jw_array(&document->json, "digests");
	code = code == BD_OK ? write_one(document, asked) : code;
	for (size_t i = 0; code == BD_OK && i < held->identifier_count && i < NUMBERS_MAX; i++) {
		if (!is_same(asked, &held->identifiers[i])) {
			code = write_one(document, &held->identifiers[i]);
		}
	}
	bd_jw_array_end(&document->json);
	bd_store_end(reader);
	return code;
}

static enum bd_code enter(struct bd_document *document, const struct bd_sender *sender,
	const struct bd_identifier *asked, char receipt[BD_TRAIL_ID_TEXT_BYTES])
{
	struct bd_audit *audit = &document->loop->audit;
	struct bd_trail_subject subject = { .pointer = bd_bytes_of("/subject") };
	struct bd_trail_event event = { .subjects = &subject,
		.subject_count = 1,
		.method = bd_bytes_of("POST"),
		.path = bd_bytes_of("/v1/trail/subjects") };

	BD_TRY(bd_audit_subject(subject.digest, audit, asked, document->loop->setup->dict));
	BD_TRY(bd_audit_caller(
		&event.caller, audit, document->exchange, sender->name, &document->arena));
	BD_TRY(bd_audit_next(receipt, audit, &document->diag));
	return bd_audit_event(audit, BD_TRAIL_READ, &event, bd_audit_time(audit), &document->diag);
}

static enum bd_code take(
	struct bd_document *document, const struct bd_sender *sender, struct bd_bytes body)
{
	struct bd_faults faults = { &document->diag, &document->arena, 0 };
	char receipt[BD_TRAIL_ID_TEXT_BYTES];
	struct bd_identifier asked;
	enum bd_subject_kind kind;

	BD_TRY(bd_question_alone(&asked, &kind, body, document->loop->setup->dict, &faults));
	BD_TRY(enter(document, sender, &asked, receipt));
	bd_jw_object(&document->json, NULL);
	bd_jw_text(&document->json, "receipt", receipt);
	BD_TRY(write_all(document, &asked));
	bd_jw_object_end(&document->json);
	return BD_OK;
}

void bd_trail_subjects_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)parts;
	bd_trail_ask_begin(loop, exchange, sender, loop->setup->settings->question_max_bytes, take);
}
