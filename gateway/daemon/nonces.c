#include "daemon/nonces.h"

#include "base/digest.h"
#include "base/limits.h"

#include <pthread.h>
#include <stdlib.h>

/* What was signed from now - window to now + window lies in at most three spans of one window. */
#define TABLES 4
/* Of the slots, so that a free one is found soon. */
#define LOAD_MAX (BD_NONCES_MAX / 4 * 3)

/* In use when it is of the table's span: nothing is cleared when a table is used again. */
struct slot {
	uint64_t high;
	uint32_t low, span;
};

struct table {
	uint32_t span;
	size_t count;
	struct slot *slots;
};

struct bd_nonces {
	pthread_mutex_t lock;
	uint64_t window_ms;
	int64_t started_ms;
	struct bd_hmac *hmac;
	struct table tables[TABLES];
};

struct bd_nonces *bd_nonces_new(uint64_t window_ms, int64_t now_ms)
{
	struct bd_nonces *nonces = calloc(1, sizeof(*nonces));
	uint8_t key[BD_DIGEST_BYTES];
	bool is_good = nonces != NULL && pthread_mutex_init(&nonces->lock, NULL) == 0;

	if (!is_good) {
		free(nonces);
		return NULL;
	}
	nonces->window_ms = window_ms;
	nonces->started_ms = now_ms;
	is_good = bd_random(key, sizeof(key)) == BD_OK &&
		  bd_hmac_new(&nonces->hmac, (struct bd_bytes){ (const char *)key, sizeof(key) }) ==
			  BD_OK;
	for (size_t i = 0; is_good && i < TABLES; i++) {
		nonces->tables[i].slots = calloc(BD_NONCES_MAX, sizeof(struct slot));
		is_good = nonces->tables[i].slots != NULL;
	}
	bd_wipe(key, sizeof(key));
	if (!is_good) {
		bd_nonces_free(nonces);
		return NULL;
	}
	return nonces;
}

void bd_nonces_free(struct bd_nonces *nonces)
{
	if (nonces == NULL) {
		return;
	}
	for (size_t i = 0; i < TABLES; i++) {
		free(nonces->tables[i].slots);
	}
	bd_hmac_free(nonces->hmac);
	pthread_mutex_destroy(&nonces->lock);
	free(nonces);
}

enum bd_code bd_nonces_look(const struct bd_nonces *nonces, int64_t signed_ms, int64_t now_ms)
{
	int64_t window_ms = (int64_t)nonces->window_ms;

	return signed_ms < now_ms - window_ms || signed_ms > now_ms + window_ms ||
			       signed_ms <= nonces->started_ms
		       ? BD_AUTH_TIME
		       : BD_OK;
}

/* Span 0 is that of slots never used. */
static enum bd_code take(struct bd_nonces *nonces, uint64_t high, uint32_t low, uint32_t span)
{
	struct table *table = &nonces->tables[span % TABLES];
	size_t at = high % BD_NONCES_MAX;

	if (table->span > span) {
		/* Our clock went back further than the window. */
		return BD_AUTH_TIME;
	}
	if (table->span < span) {
		table->span = span;
		table->count = 0;
	}
	for (; table->slots[at].span == span; at = (at + 1) % BD_NONCES_MAX) {
		if (table->slots[at].high == high && table->slots[at].low == low) {
			return BD_AUTH_REPLAY;
		}
	}
	if (table->count >= LOAD_MAX) {
		return BD_BUSY;
	}
	table->slots[at] = (struct slot){ high, low, span };
	table->count++;
	return BD_OK;
}

enum bd_code bd_nonces_take(struct bd_nonces *nonces, struct bd_bytes key_id, struct bd_bytes nonce,
	int64_t signed_ms, int64_t now_ms)
{
	char room[256];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };
	uint8_t digest[BD_DIGEST_BYTES];
	uint64_t high;
	uint32_t low;
	enum bd_code code = bd_nonces_look(nonces, signed_ms, now_ms);

	code = code == BD_OK ? bd_buf_add_sized(&text, key_id) : code;
	code = code == BD_OK ? bd_buf_add_sized(&text, nonce) : code;
	code = code == BD_OK ? bd_hmac_of(nonces->hmac, bd_buf_bytes(&text), digest) : code;
	if (code != BD_OK) {
		return code;
	}
	memcpy(&high, digest, sizeof(high));
	memcpy(&low, digest + sizeof(high), sizeof(low));
	pthread_mutex_lock(&nonces->lock);
	code = take(nonces, high, low, (uint32_t)((uint64_t)signed_ms / nonces->window_ms) + 1);
	pthread_mutex_unlock(&nonces->lock);
	return code;
}
