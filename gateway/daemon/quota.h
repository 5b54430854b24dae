/* quota.h - what each sender may ask, against the trying out of numbers and values: requests a
 * second, lines of batches a second, different subjects an hour and a day, different values of one
 * field claimed of one subject a day (config/settings.h, struct bd_sender_limits).
 *
 * Layer: daemon; part of struct bd_setup, shared by all loops without a lock: every counter and
 * slot is one atomic word, and no call allocates. Times are passed in.
 * - Requests, and lines of batches: each a bucket that fills evenly (the generic cell rate
 *   algorithm, ITU-T I.371), one word.
 * - Subjects: a table of twice the limit, 48 bits of a keyed hash each (siphash.h): exact but for
 *   one in some hundred million. Whom it asked before in the same hour or day a sender may ask
 *   again. Hours and days are those of the clock at +08:00, so around their end at most twice the
 *   limit is asked within one hour.
 * - Values: a cache of 32,768 pairs of subject and field, each with the hashes of up to
 *   BD_SENDER_VALUES_MAX values; where there is no room a pair of fewer values makes way, so that
 *   trying out is remembered. Two loops that change one pair at the same moment may lose one value.
 * Nothing is kept over a restart; a reload keeps what was counted where the limits stay the same.
 */
#ifndef BD_DAEMON_QUOTA_H
#define BD_DAEMON_QUOTA_H

#include "base/siphash.h"
#include "config/settings.h"
#include "record/record.h"

enum bd_quota_kind {
	BD_QUOTA_REQUESTS = 0,
	BD_QUOTA_LINES,
	BD_QUOTA_SUBJECTS,
	BD_QUOTA_VALUES,
	BD_QUOTA_KINDS
};

struct bd_quota;  /* of one sender */
struct bd_quotas; /* of all, in the order of struct bd_senders */

/* before: of the configuration that these take the place of, or NULL. */
enum bd_code bd_quotas_new(
	struct bd_quotas **out, const struct bd_senders *senders, const struct bd_quotas *before);
void bd_quotas_free(struct bd_quotas *quotas); /* NULL is allowed */
struct bd_quota *bd_quotas_of(const struct bd_quotas *quotas, size_t sender);

/* Each takes one, or refuses: BD_QUOTA_REQUESTS and so on as codes, with the seconds after which it
 * is worth trying again, at least one. */
enum bd_code bd_quota_request(uint32_t *wait_s, struct bd_quota *quota, int64_t monotonic_us);
enum bd_code bd_quota_line(uint32_t *wait_s, struct bd_quota *quota, int64_t monotonic_us);
/* A subject as the two below know it. */
uint64_t bd_quota_hash(const struct bd_quota *quota, const struct bd_identifier *subject);
enum bd_code bd_quota_subject(
	uint32_t *wait_s, struct bd_quota *quota, uint64_t subject, int64_t wall_ms);
enum bd_code bd_quota_value(uint32_t *wait_s, struct bd_quota *quota, uint64_t subject,
	uint16_t field, struct bd_bytes value, int64_t wall_ms);

/* How often it was refused. */
uint64_t bd_quota_refused(const struct bd_quota *quota, enum bd_quota_kind kind);

#endif
