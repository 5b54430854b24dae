/* breaker.h - when to ask again somebody who did not answer: back-off, a circuit breaker, and a
 * rate.
 *
 * Layer: base, pure: times (monotonic, ms) and random numbers are passed in.
 *
 * The breaker is closed while things go well. After `trip_after` failures one after the other it
 * opens, and nobody is asked for `trip_ms`; then one trial is let through: if it goes well it
 * closes, else it opens again for twice as long, at most BD_SOURCE_TRIP_MAX_MS.
 */
#ifndef BD_BASE_BREAKER_H
#define BD_BASE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum bd_breaker_state { BD_BREAKER_CLOSED = 0, BD_BREAKER_OPEN, BD_BREAKER_TRIAL };

/* Zero is closed. */
struct bd_breaker {
	enum bd_breaker_state state;
	uint32_t failures; /* one after the other */
	uint64_t open_ms;  /* for how long it was opened last */
	int64_t until_ms;
};

/* May somebody be asked now? Whoever was let through says how it went, or that it never came to it.
 */
bool bd_breaker_may_ask(struct bd_breaker *breaker, int64_t now_ms);
/* Is it sure that nobody may be asked now? False of one whose trial is under way. */
bool bd_breaker_refuses(const struct bd_breaker *breaker, int64_t now_ms);
void bd_breaker_good(struct bd_breaker *breaker);
/* True when it opens by this. */
bool bd_breaker_bad(
	struct bd_breaker *breaker, uint32_t trip_after, uint64_t trip_ms, int64_t now_ms);
/* It was not their fault, and says nothing. */
void bd_breaker_void(struct bd_breaker *breaker, int64_t now_ms);

/* The wait before try number `tried` + 1 (tried from 1): anything from 0 to base doubled with each,
 * at most max ("full jitter": those who failed together do not come back together). */
uint64_t bd_backoff_ms(uint32_t tried, uint64_t base_ms, uint64_t max_ms, uint64_t random);

/* At most so many a second, as many at once after a silence; zero to begin with, per_s 0 = no
 * limit.
 */
struct bd_rate {
	int64_t full_ms; /* when all could be had again */
};
/* 0 = now, and it is taken; else after so long. */
uint64_t bd_rate_take(struct bd_rate *rate, uint32_t per_s, int64_t now_ms);

#endif
