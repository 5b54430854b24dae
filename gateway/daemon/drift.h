/* drift.h - what the fields of one feed usually look like, and which of them have changed.
 *
 * Layer: daemon, pure. Learnt from what workers tell of each message (intake.h: tallies and names
 * that nobody knows): names and shapes, never a value. A field that had a value in nine of ten
 * records and then in none of BD_DRIFT_RUN_RECORDS is missing; one whose values then all have a
 * shape that none had before is retyped; a name that the mapping does not have is new at once. The
 * first record that is as it was, heals; a new name is forgotten when so many records came without
 * it. What is learnt is of one version of the adapter: with another it begins anew, so that a
 * change that was mapped is a change no more.
 */
#ifndef BD_DAEMON_DRIFT_H
#define BD_DAEMON_DRIFT_H

#include "base/limits.h"
#include "intake/intake.h"

#define BD_DRIFT_NAME_BYTES 128

struct bd_drift_field {
	char name[BD_DRIFT_NAME_BYTES]; /* "section/slot" */
	uint32_t records, present;      /* learnt; of a field that has changed no more is */
	uint32_t absent, alien;         /* in a row */
	uint8_t shapes, alien_shapes;   /* tally.h */
	int64_t missing_ms, retyped_ms; /* since when; 0 = it is not */
};

struct bd_drift_new {
	char path[BD_DRIFT_NAME_BYTES];
	uint32_t absent; /* records in a row without it */
	int64_t since_ms;
};

struct bd_drift {
	char version[32]; /* of the adapter */
	struct bd_drift_field *fields;
	size_t field_count;
	struct bd_drift_new unknown[BD_DRIFT_NAMES_MAX];
	size_t unknown_count;
};

void bd_drift_release(struct bd_drift *drift);
/* Takes up the fields of this plan: those that were learnt of the same version stay. BD_NO_MEMORY.
 */
enum bd_code bd_drift_fit(
	struct bd_drift *drift, const struct bd_plan *plan, const struct bd_feed_plan *feed);
/* Of a message of the feed that it was fitted to. True: something has changed, or is as it was
 * again. */
bool bd_drift_learn(struct bd_drift *drift, const struct bd_feed_plan *feed,
	const struct bd_intake_result *result, int64_t now_ms);

/* To be kept. Read back whole, or BD_STORE_DAMAGED and empty. */
enum bd_code bd_drift_pack(struct bd_buf *out, const struct bd_drift *drift);
enum bd_code bd_drift_unpack(struct bd_drift *drift, struct bd_bytes packed);

#endif
