#include "daemon/asker.h"

#include "base/clock.h"

void bd_asker_of(struct bd_asker *out, const struct bd_setup *setup, const struct bd_sender *sender,
	const struct bd_http_exchange *exchange, int64_t now_ms)
{
	const struct bd_senders *senders = setup->senders;
	size_t number = 0;

	while (number < senders->count && &senders->items[number] != sender) {
		number++;
	}
	*out = (struct bd_asker){ .grants = setup->grants,
		.sender = sender->name,
		.sender_number = (uint32_t)number,
		.day = bd_day_at(now_ms) };
	bd_asker_state(out, bd_http_header(exchange, "bidui-purpose"));
}

enum bd_code bd_asker_may(const struct bd_asker *asker, const struct bd_setup *setup,
	struct bd_bytes matter, enum bd_disclosure needs, struct bd_diag *diag)
{
	const struct bd_grant *grant;

	for (size_t i = 0; i < setup->matter_count; i++) {
		if (bd_bytes_is(matter, setup->matters[i]->id)) {
			return bd_grant_matter(&grant, asker, setup->matters[i], needs, diag);
		}
	}
	return bd_fail(diag, BD_GRANT_MISSING, "the matter is not configured any more");
}
