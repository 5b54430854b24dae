#include "daemon/share.h"

#include "base/clock.h"
#include "base/limits.h"
#include "daemon/quota.h"

static struct bd_quota *quota_of(const struct bd_setup *setup, const struct bd_sender *sender)
{
	return bd_quotas_of(setup->quotas, (size_t)(sender - setup->senders->items));
}

static enum bd_code tell(struct bd_diag *diag, enum bd_code code, uint32_t wait_s)
{
	if (code != BD_OK && bd_fail(diag, code, "%s", "") == code) {
		diag->retry_s = wait_s;
	}
	return code;
}

enum bd_code bd_share_request(
	const struct bd_setup *setup, const struct bd_sender *sender, struct bd_diag *diag)
{
	uint32_t wait_s = 0;
	enum bd_code code =
		bd_quota_request(&wait_s, quota_of(setup, sender), bd_clock_monotonic_us());

	return tell(diag, code, wait_s);
}

enum bd_code bd_share_line(
	const struct bd_setup *setup, const struct bd_sender *sender, struct bd_diag *diag)
{
	uint32_t wait_s = 0;
	enum bd_code code =
		bd_quota_line(&wait_s, quota_of(setup, sender), bd_clock_monotonic_us());

	return tell(diag, code, wait_s);
}

enum bd_code bd_share_case(const struct bd_setup *setup, const struct bd_sender *sender,
	const struct bd_case *asked, int64_t now_ms, struct bd_diag *diag)
{
	struct bd_quota *quota = quota_of(setup, sender);
	uint64_t hashes[BD_CASE_SUBJECTS_MAX];
	enum bd_code code = BD_OK;
	uint32_t wait_s = 0;

	for (size_t i = 0; i < asked->subject_count && code == BD_OK; i++) {
		const struct bd_case_subject *subject = &asked->subjects[i];

		/* Of a number that is none nothing is learned. */
		hashes[i] = bd_quota_hash(quota, &subject->identifier);
		code = subject->invalid == BD_OK
			       ? bd_quota_subject(&wait_s, quota, hashes[i], now_ms)
			       : BD_OK;
	}
	for (size_t i = 0; i < asked->claim_count && code == BD_OK; i++) {
		const struct bd_claim *claim = &asked->claims[i];

		code = bd_quota_value(&wait_s, quota, hashes[claim->subject - asked->subjects],
			claim->field->number, claim->value, now_ms);
	}
	return tell(diag, code, wait_s);
}

enum bd_code bd_share_subject(const struct bd_setup *setup, const struct bd_sender *sender,
	const struct bd_identifier *subject, int64_t now_ms, struct bd_diag *diag)
{
	struct bd_quota *quota = quota_of(setup, sender);
	uint32_t wait_s = 0;
	enum bd_code code = bd_quota_subject(&wait_s, quota, bd_quota_hash(quota, subject), now_ms);

	return tell(diag, code, wait_s);
}
