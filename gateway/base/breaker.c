#include "base/breaker.h"

#include "base/limits.h"

bool bd_breaker_refuses(const struct bd_breaker *breaker, int64_t now_ms)
{
	return breaker->state == BD_BREAKER_OPEN && now_ms < breaker->until_ms;
}

bool bd_breaker_may_ask(struct bd_breaker *breaker, int64_t now_ms)
{
	switch (breaker->state) {
	case BD_BREAKER_CLOSED:
		return true;
	case BD_BREAKER_OPEN:
		if (bd_breaker_refuses(breaker, now_ms)) {
			return false;
		}
		breaker->state = BD_BREAKER_TRIAL;
		return true;
	case BD_BREAKER_TRIAL:
		return false;
	}
	return false;
}

void bd_breaker_good(struct bd_breaker *breaker)
{
	*breaker = (struct bd_breaker){ .state = BD_BREAKER_CLOSED };
}

bool bd_breaker_bad(
	struct bd_breaker *breaker, uint32_t trip_after, uint64_t trip_ms, int64_t now_ms)
{
	bool was_trial = breaker->state == BD_BREAKER_TRIAL;

	breaker->failures++;
	if (breaker->state == BD_BREAKER_OPEN || (!was_trial && breaker->failures < trip_after)) {
		return false; /* one that was let through before it opened */
	}
	breaker->open_ms = was_trial ? breaker->open_ms * 2 : trip_ms;
	if (breaker->open_ms > BD_SOURCE_TRIP_MAX_MS && breaker->open_ms > trip_ms) {
		breaker->open_ms =
			trip_ms > BD_SOURCE_TRIP_MAX_MS ? trip_ms : BD_SOURCE_TRIP_MAX_MS;
	}
	breaker->state = BD_BREAKER_OPEN;
	breaker->until_ms = now_ms + (int64_t)breaker->open_ms;
	return true;
}

void bd_breaker_void(struct bd_breaker *breaker, int64_t now_ms)
{
	if (breaker->state == BD_BREAKER_TRIAL) {
		breaker->state = BD_BREAKER_OPEN;
		breaker->until_ms = now_ms;
	}
}

uint64_t bd_backoff_ms(uint32_t tried, uint64_t base_ms, uint64_t max_ms, uint64_t random)
{
	uint64_t most = base_ms;

	for (uint32_t i = 1; i < tried && most < max_ms; i++) {
		most *= 2;
	}
	most = most > max_ms ? max_ms : most;
	return random % (most + 1);
}

uint64_t bd_rate_take(struct bd_rate *rate, uint32_t per_s, int64_t now_ms)
{
	int64_t each_ms, full_ms = rate->full_ms > now_ms ? rate->full_ms : now_ms;

	if (per_s == 0) {
		return 0;
	}
	each_ms = 1000 / (int64_t)per_s > 0 ? 1000 / (int64_t)per_s : 1;
	if (full_ms + each_ms > now_ms + 1000) {
		return (uint64_t)(full_ms + each_ms - now_ms - 1000);
	}
	rate->full_ms = full_ms + each_ms;
	return 0;
}
