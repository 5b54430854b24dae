/* trail_witness.c - GET /v1/trail/consistency and POST /v1/trail/witnesses: a second party follows
 * the trail's heads, sees that each continues the one it holds, and gives back its
 * countersignature. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/try.h"
#include "daemon/routes.h"
#include "daemon/trail_ask.h"
#include "daemon/witness.h"
#include "trail/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* -- what continues what -- */

static enum bd_code read_from(
	uint64_t *out, const struct bd_http_exchange *exchange, struct bd_diag *diag)
{
	char text[24];
	enum bd_code code;
	bool is_given =
		bd_call_parameter(text, sizeof(text), &code, bd_http_query(exchange), "from");

	*out = 0;
	if (!is_given || text[0] == '\0' || strlen(text) > 18 ||
		text[strspn(text, "0123456789")] != '\0') {
		return bd_fail(diag, BD_QUESTION_FORM,
			"from is the number of entries of a head that was seen");
	}
	for (const char *at = text; *at != '\0'; at++) {
		*out = *out * 10 + (uint64_t)(*at - '0');
	}
	return BD_OK;
}

static enum bd_code write_consistency(struct bd_document *document)
{
	struct bd_json_writer *w = &document->json;
	char hex[2 * BD_DIGEST_BYTES + 1];
	struct bd_trail_signed head;
	struct bd_merkle_path path;
	uint64_t from;

	BD_TRY(read_from(&from, document->exchange, &document->diag));
	BD_TRY(bd_trail_consistency(&path, &head, document->loop->daemon->trail, &from,
		&document->arena, &document->diag));
	bd_jw_object(w, NULL);
	bd_jw_u64(w, "from", from);
	bd_jw_array(w, "path");
	for (size_t i = 0; i < path.count; i++) {
		bd_hex(hex, path.hashes[i].bytes, sizeof(path.hashes[i].bytes));
		bd_jw_text(w, NULL, hex);
	}
	bd_jw_array_end(w);
	bd_trail_signed_write(w, "head", &head);
	bd_jw_object_end(w);
	return BD_OK;
}

void bd_trail_consistency_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct bd_document document;

	(void)sender;
	(void)parts;
	bd_document_begin(&document, loop, exchange);
	bd_document_end(&document, write_consistency(&document));
}

/* -- countersignatures -- */

static enum bd_code enter(struct bd_document *document, const struct bd_sender *sender,
	const char *witness, uint64_t number)
{
	struct bd_audit *audit = &document->loop->audit;
	struct bd_trail_event event = { .status = bd_bytes_of("countersigned") };
	char of[2 * BD_DIGEST_BYTES + 32];

	snprintf(of, sizeof(of), "head %" PRIu64 " by %s", number, witness);
	event.of = bd_bytes_of(of);
	BD_TRY(bd_audit_caller(
		&event.caller, audit, document->exchange, sender->name, &document->arena));
	return bd_audit_event(
		audit, BD_TRAIL_WITNESSED, &event, bd_audit_time(audit), &document->diag);
}

static enum bd_code take(
	struct bd_document *document, const struct bd_sender *sender, struct bd_bytes body)
{
	struct bd_daemon *daemon = document->loop->daemon;
	char id[2 * BD_DIGEST_BYTES + 1];
	uint64_t number;

	BD_TRY(bd_witness_take(id, &number, daemon->witness, daemon->trail, body,
		bd_clock_wall_ms(), &document->arena, &document->diag));
	BD_TRY(enter(document, sender, id, number));
	bd_jw_object(&document->json, NULL);
	bd_witness_write(&document->json, "witnesses", daemon->witness);
	bd_jw_object_end(&document->json);
	return BD_OK;
}

void bd_trail_witness_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	(void)parts;
	bd_trail_ask_begin(loop, exchange, sender, BD_TRAIL_WITNESS_LINE_MAX_BYTES, take);
}
