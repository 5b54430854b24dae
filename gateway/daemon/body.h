/* body.h - what the small JSON bodies of requests say: disputes, recalls, erasures, obligations and
 * uploads, each read into plain data.
 *
 * Layer: daemon. Pure: no store, no setup but the dictionary, no clock but the time that is given.
 * Texts borrow from the body, so live as long as the arena that it was read into, and end with a
 * NUL that is their only one. Members that the contract does not have are refused, and every fault
 * is told, not only the first, as answer/question.h has it; what is returned is the code of the
 * first: BD_QUESTION_FORM, BD_QUESTION_UNKNOWN, BD_TIME_FUTURE, BD_CURSOR_INVALID, a code of a
 * wrong number, BD_NO_MEMORY. Then *out is of no use.
 */
#ifndef BD_DAEMON_BODY_H
#define BD_DAEMON_BODY_H

#include "answer/question.h"
#include "base/digest.h"
#include "store/obligations.h"
#include "store/store.h"

struct bd_upload_terms;

/* -- members, for body_*.c alone ----------------------------------------------------------------
 */
/* A text of min to max bytes, without control characters; one that may be empty (min 0) may be
 * left out, and then is. False: a fault was added. */
bool bd_body_text(struct bd_bytes *out, const struct bd_json *body, const char *name, size_t min,
	size_t max, struct bd_faults *faults);
/* A whole number of at most 18 digits, as it is written, from min to max. False, and *out as it
 * was: it is not there, or a fault was added. */
bool bd_body_number(uint64_t *out, const struct bd_json *body, const char *name, uint64_t min,
	uint64_t max, struct bd_faults *faults);
/* true or false; *out as it was where it is not there. */
void bd_body_flag(
	bool *out, const struct bd_json *body, const char *name, struct bd_faults *faults);
/* The code of the first fault, or BD_OK. */
enum bd_code bd_body_code(const struct bd_faults *faults);

/* -- disputes 异议 and recalls (body_change.c) ----------------------------------------------------
 */
struct bd_dispute_reason {
	const char *name, *zh, *en;
};
/* NULL = not one of the contract's. */
const struct bd_dispute_reason *bd_dispute_reason(const char *name);

/* source ("" where it is left out; whether there is one is not looked at), entity, field, reason,
 * reference and subject. */
enum bd_code bd_body_dispute(struct bd_dispute *out, const struct bd_json *body,
	const struct bd_dictionary *dict, struct bd_faults *faults);
/* state and reference. */
enum bd_code bd_body_resolution(
	struct bd_resolution *out, const struct bd_json *body, struct bd_faults *faults);

struct bd_recall_said {
	uint64_t message; /* 0 = not of a message, but of rows: */
	const char *feed; /* "" where it is left out; whether there is one is not looked at */
	struct bd_identifier subject;
	uint16_t entity; /* 0 = of any */
	const struct bd_value *with;
	size_t with_count;
};
enum bd_code bd_body_recall(struct bd_recall_said *out, const struct bd_json *body,
	const struct bd_dictionary *dict, struct bd_faults *faults);

struct bd_erasure_said {
	struct bd_identifier subject;
	struct bd_bytes basis; /* never empty */
};
enum bd_code bd_body_erasure(struct bd_erasure_said *out, const struct bd_json *body,
	const struct bd_dictionary *dict, struct bd_faults *faults);

/* -- obligations 容缺补正 (body_obligation.c) -----------------------------------------------------
 */
struct bd_obligations_said {
	struct bd_bytes case_id;
	uint64_t limit;
	const char *cursor; /* NULL = from the first on */
};
enum bd_code bd_body_obligations(
	struct bd_obligations_said *out, const struct bd_json *body, struct bd_faults *faults);
/* material, digest and handed_ms, which is not after now. */
enum bd_code bd_body_material(struct bd_owed_change *out, const struct bd_json *body,
	int64_t now_ms, struct bd_faults *faults);
/* reason and operator_name; *due, or BD_NO_DAY and *days > 0. */
enum bd_code bd_body_extension(struct bd_owed_change *out, int64_t *days, int32_t *due,
	const struct bd_json *body, struct bd_faults *faults);

/* -- uploads 断点续传 (body_upload.c) -------------------------------------------------------------
 */
/* All but the key, which no body says. */
enum bd_code bd_body_upload(
	struct bd_upload_terms *out, const struct bd_json *body, struct bd_faults *faults);
/* "sha-256=:BASE64:" (RFC 9530 section 2), the first of a list that is of SHA-256. */
bool bd_upload_digest_read(uint8_t out[BD_DIGEST_BYTES], struct bd_bytes text);

#endif
