#include "daemon/asker.h"

#include "base/clock.h"

void bd_asker_silent(struct bd_asker *out, const struct bd_setup *setup,
	const struct bd_sender *sender, int64_t now_ms)
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
}

void bd_asker_of(struct bd_asker *out, const struct bd_setup *setup, const struct bd_sender *sender,
	const struct bd_http_exchange *exchange, int64_t now_ms)
{
	bd_asker_silent(out, setup, sender, now_ms);
	bd_asker_state(out, bd_http_header(exchange, "bidui-purpose"));
}

static const struct bd_matter *find_matter(const struct bd_setup *setup, struct bd_bytes id)
{
	for (size_t i = 0; i < setup->matter_count; i++) {
		if (bd_bytes_is(id, setup->matters[i]->id)) {
			return setup->matters[i];
		}
	}
	return NULL;
}

enum bd_disclosure bd_asker_least(
	const struct bd_asker *asker, const struct bd_setup *setup, struct bd_bytes matter)
{
	const struct bd_matter *found = find_matter(setup, matter);

	return found != NULL ? bd_grant_least(asker, found) : BD_DISCLOSE_NOTHING;
}

enum bd_code bd_asker_may(const struct bd_asker *asker, const struct bd_setup *setup,
	struct bd_bytes matter, enum bd_disclosure needs, struct bd_diag *diag)
{
	const struct bd_matter *found = find_matter(setup, matter);
	const struct bd_grant *grant;

	return found != NULL
		       ? bd_grant_matter(&grant, asker, found, needs, diag)
		       : bd_fail(diag, BD_GRANT_MISSING, "the matter is not configured any more");
}
