/* receipt.h - what a comparison leaves in the trail: who asked what of whom, every finding, the
 * decision and what it rests on; and the salted commitments to the values behind it.
 *
 * Layer: trail; filled by daemon/. No citizen's value stands in a receipt: subjects and the request
 * are keyed digests (an outsider cannot try numbers out), and what was compared is committed to,
 * each element by itself: SHA-256(salt || value) with 16 random bytes of salt. The openings, salt
 * and value, are kept elsewhere (store/cases.h), each case under a key of its own; once they are
 * purged nobody can tell what the value was, and the receipt verifies as before.
 */
#ifndef BD_TRAIL_RECEIPT_H
#define BD_TRAIL_RECEIPT_H

#include "base/json_write.h"
#include "base/tags.h"
#include "trail/entry.h"

/* On whose behalf something was asked: of every kind of entry. Empty = not stated. */
struct bd_trail_caller {
	struct bd_bytes client;                          /* the sender's name of senders.conf */
	struct bd_bytes purpose, case_id, operator_name; /* Bidui-Purpose, -Case, -Operator */
	struct bd_bytes trace;                           /* traceparent */
};

/* A person or organization that was looked at. */
struct bd_trail_subject {
	struct bd_bytes pointer; /* "/subjects/applicant" */
	uint8_t digest[BD_DIGEST_BYTES];
};

/* What one source had to say. */
struct bd_trail_evidence {
	struct bd_bytes source;
	int64_t as_of_ms;
	uint64_t version;       /* of the statement; 0 = not known */
	struct bd_bytes digest; /* of the statement, BD_DIGEST_BYTES; empty = not known */
};

struct bd_trail_element {
	struct bd_bytes id, pointer; /* of the matter's element, of the subject in the case */
	struct bd_bytes code;        /* "match" */
	struct bd_bytes flags;       /* "stale conflict" */
	struct bd_bytes reason, rule;
	const struct bd_trail_evidence *evidence;
	size_t evidence_count;
	uint8_t commitment[BD_DIGEST_BYTES]; /* zeroes = nothing was compared */
	struct bd_bytes others;              /* members of a later version, as they came */
};

/* A department that was asked on the spot 现场查询 before the case was decided, and what came of it
 * by then: the code, "ok" = it answered, and its answer is what was compared. */
struct bd_trail_look_up {
	struct bd_bytes source, feed, pointer, code;
};

struct bd_trail_receipt {
	struct bd_trail_caller caller;
	uint8_t request[BD_DIGEST_BYTES]; /* keyed digest of the question's bytes */
	struct bd_bytes matter, version, decision;
	struct bd_bytes on; /* day of acceptance, "2026-06-01" */
	bool is_sandbox;    /* of invented subjects */
	/* by which grant 授权, and how much of it was told: "decision", "codes", "values"; empty in
	 * entries of an earlier version, which told codes */
	struct bd_bytes grant, disclosure;
	const struct bd_trail_subject *subjects;
	size_t subject_count;
	const struct bd_trail_element *elements;
	size_t element_count;
	uint8_t obligations[BD_DIGEST_BYTES]; /* SHA-256 of what is still owed, as answered */
	const struct bd_trail_look_up *look_ups;
	size_t look_up_count; /* 0 in entries of an earlier version */
	struct bd_bytes others;
};

/* Appends the payload of an entry. */
enum bd_code bd_trail_receipt_pack(struct bd_buf *out, const struct bd_trail_receipt *receipt);
/* Borrows texts from payload; arrays come from the arena. BD_TRAIL_DAMAGED. */
enum bd_code bd_trail_receipt_unpack(
	struct bd_trail_receipt *out, struct bd_bytes payload, struct bd_arena *arena);
/* One JSON object, schemas/openapi.yaml CompareReceipt. */
enum bd_code bd_trail_receipt_write(struct bd_buf *out, const struct bd_trail_entry *entry,
	const struct bd_trail_receipt *receipt);
/* The same, with what somebody has to say of each element, as members of it. */
struct bd_trail_explainer {
	void (*write)(struct bd_trail_explainer *self, struct bd_json_writer *w,
		const struct bd_trail_element *element);
};
enum bd_code bd_trail_receipt_explain(struct bd_buf *out, const struct bd_trail_entry *entry,
	const struct bd_trail_receipt *receipt, struct bd_trail_explainer *explainer);
/* The caller's members of an object that is open; those not stated are left out. */
void bd_trail_caller_write(struct bd_json_writer *writer, const struct bd_trail_caller *caller);

/* -- commitments ----------------------------------------------------------------------------------
 */
#define BD_TRAIL_SALT_BYTES 16

struct bd_trail_opening {
	uint8_t salt[BD_TRAIL_SALT_BYTES];
	struct bd_bytes claim,
		value; /* in normal form; what is committed to are both, each sized */
};

/* salt, claim and value are set; the salt is of this opening alone, random and told to nobody. */
enum bd_code bd_trail_commit(uint8_t out[BD_DIGEST_BYTES], const struct bd_trail_opening *opening);
/* BD_PROOF_WRONG when the opening is not the one that was committed to. */
enum bd_code bd_trail_opening_check(
	const uint8_t commitment[BD_DIGEST_BYTES], const struct bd_trail_opening *opening);

#endif
