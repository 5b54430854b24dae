#include "daemon/quota.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"

#include <stdlib.h>

#define MS_OF_HOUR INT64_C(3600000)
#define MS_OF_DAY (24 * MS_OF_HOUR)
#define MS_OF_ZONE (8 * MS_OF_HOUR) /* +08:00 */
#define NS_OF_S UINT64_C(1000000000)
/* Pairs of subject and field: two in each line of the processor's cache. */
#define LINES 16384
#define HASHES_PER_WORD 4

/* Of a span of time: tag is its number, never 0; in a slot it stands above 48 bits of a hash. */
struct set {
	uint64_t limit; /* 0 = none */
	uint64_t mask;
	uint64_t state; /* atomic: number of the span, and 32 bits of count */
	uint64_t *slots;
};

/* head: tag of the day, 40 bits of the pair's hash, and how many values. */
struct pair {
	uint64_t head;
	uint64_t values[BD_SENDER_VALUES_MAX / HASHES_PER_WORD];
};

struct bd_quota {
	unsigned references; /* atomic */
	const char *name;    /* its own copy */
	struct bd_sender_limits limits;
	struct bd_siphash_key key;
	uint64_t due_ns, lines_due_ns; /* atomic: when each bucket is full again */
	struct set hour, day;
	struct pair *pairs; /* LINES of two; NULL = no limit */
	uint64_t refused[BD_QUOTA_KINDS];
};

struct bd_quotas {
	size_t count;
	struct bd_siphash_key key;
	struct bd_quota *items[];
};

/* -- what is shared between loops is read and changed a word at a time -- */

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static bool change(uint64_t *word, uint64_t *expected, uint64_t wanted)
{
	return __atomic_compare_exchange_n(
		word, expected, wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static enum bd_code refuse(struct bd_quota *quota, enum bd_quota_kind kind)
{
	static const enum bd_code codes[] = { [BD_QUOTA_REQUESTS] = BD_LIMIT_REQUESTS,
		[BD_QUOTA_LINES] = BD_LIMIT_LINES,
		[BD_QUOTA_SUBJECTS] = BD_LIMIT_SUBJECTS,
		[BD_QUOTA_VALUES] = BD_LIMIT_VALUES };

	__atomic_add_fetch(&quota->refused[kind], 1, __ATOMIC_RELAXED);
	return codes[kind];
}

uint64_t bd_quota_refused(const struct bd_quota *quota, enum bd_quota_kind kind)
{
	return load(&quota->refused[kind]);
}

/* -- requests, and lines of batches -- */

/* One of the bucket that is full again at *due_ns; false: none is left, for *wait_s. */
static bool pour(uint32_t *wait_s, uint64_t *due_ns, uint64_t rate, uint64_t burst, uint64_t now)
{
	uint64_t step = rate == 0 ? 0 : NS_OF_S / rate, room = burst * step, due, next;

	if (rate == 0 || burst == 0) {
		return true;
	}
	due = load(due_ns);
	do {
		next = (due > now ? due : now) + step;
		if (next - now > room) {
			*wait_s = (uint32_t)((next - now - room + NS_OF_S - 1) / NS_OF_S);
			return false;
		}
	} while (!change(due_ns, &due, next));
	return true;
}

enum bd_code bd_quota_request(uint32_t *wait_s, struct bd_quota *quota, int64_t monotonic_us)
{
	const struct bd_sender_limits *limits = &quota->limits;

	return pour(wait_s, &quota->due_ns, limits->requests_per_second, limits->requests_burst,
		       (uint64_t)monotonic_us * 1000)
		       ? BD_OK
		       : refuse(quota, BD_QUOTA_REQUESTS);
}

enum bd_code bd_quota_line(uint32_t *wait_s, struct bd_quota *quota, int64_t monotonic_us)
{
	const struct bd_sender_limits *limits = &quota->limits;

	return pour(wait_s, &quota->lines_due_ns, limits->lines_per_second, limits->lines_burst,
		       (uint64_t)monotonic_us * 1000)
		       ? BD_OK
		       : refuse(quota, BD_QUOTA_LINES);
}

/* -- subjects -- */

static uint64_t tag_of(uint64_t span)
{
	return (span % 65535 + 1) << 48;
}

/* The span that counts now, begun if it is new: never an earlier one, should the clock go back. */
static uint64_t enter(struct set *set, uint64_t span)
{
	uint64_t state = load(&set->state);

	while (state >> 32 < span) {
		if (change(&set->state, &state, span << 32)) {
			return span;
		}
	}
	return state >> 32;
}

static bool is_full(const struct set *set)
{
	return (load(&set->state) & UINT32_MAX) >= set->limit;
}

/* False: it is not there, and there may be no further one. */
static bool take(struct set *set, uint64_t hash, uint64_t span)
{
	uint64_t tag = tag_of(enter(set, span)), wanted = tag | hash >> 16;

	for (uint64_t at = hash & set->mask;; at = (at + 1) & set->mask) {
		uint64_t found = load(&set->slots[at]);

		while (found >> 48 != tag >> 48) {
			if (is_full(set)) {
				return false;
			}
			if (change(&set->slots[at], &found, wanted)) {
				__atomic_add_fetch(&set->state, 1, __ATOMIC_RELAXED);
				return true;
			}
		}
		if (found == wanted) {
			return true;
		}
	}
}

static uint32_t until_end_s(int64_t local_ms, int64_t span_ms)
{
	return (uint32_t)((span_ms - local_ms % span_ms) / 1000 + 1);
}

uint64_t bd_quota_hash(const struct bd_quota *quota, const struct bd_identifier *subject)
{
	char room[2 + 2 * (BD_IDENTIFIER_MAX_BYTES + 4)];
	struct bd_buf text = { room, 0, sizeof(room), sizeof(room) };

	/* An issuer that is too long is cut off: then some are counted as one. */
	bd_buf_add_u16(&text, (uint16_t)subject->kind);
	bd_buf_add_sized(&text, subject->issuer);
	bd_buf_add_sized(&text, subject->number);
	return bd_siphash(&quota->key, bd_buf_bytes(&text));
}

enum bd_code bd_quota_subject(
	uint32_t *wait_s, struct bd_quota *quota, uint64_t subject, int64_t wall_ms)
{
	int64_t local_ms = wall_ms + MS_OF_ZONE;

	if (quota->hour.limit == 0 && quota->day.limit == 0) {
		return BD_OK;
	}
	if (quota->day.limit != 0 &&
		!take(&quota->day, subject, (uint64_t)(local_ms / MS_OF_DAY))) {
		*wait_s = until_end_s(local_ms, MS_OF_DAY);
		return refuse(quota, BD_QUOTA_SUBJECTS);
	}
	if (quota->hour.limit != 0 &&
		!take(&quota->hour, subject, (uint64_t)(local_ms / MS_OF_HOUR))) {
		*wait_s = until_end_s(local_ms, MS_OF_HOUR);
		return refuse(quota, BD_QUOTA_SUBJECTS);
	}
	return BD_OK;
}

/* -- values -- */

static uint16_t value_at(const struct pair *pair, size_t i)
{
	return (uint16_t)(load(&pair->values[i / HASHES_PER_WORD]) >> 16 * (i % HASHES_PER_WORD));
}

static void set_value(struct pair *pair, size_t i, uint16_t value)
{
	uint64_t *word = &pair->values[i / HASHES_PER_WORD], before = load(word);
	unsigned shift = (unsigned)(16 * (i % HASHES_PER_WORD));

	while (!change(
		word, &before, (before & ~(UINT64_C(65535) << shift)) | (uint64_t)value << shift)) {
	}
}

/* Spreads the bits: the subject's are of a keyed hash, so where a pair lies is nobody's choice. */
static uint64_t mix(uint64_t bits)
{
	bits = (bits ^ bits >> 33) * UINT64_C(0xFF51AFD7ED558CCD);
	bits = (bits ^ bits >> 33) * UINT64_C(0xC4CEB9FE1A85EC53);
	return bits ^ bits >> 33;
}

/* The pair of this head; else one that may make way: of another day, or with the fewer values. */
static struct pair *find(struct pair *line, uint64_t head)
{
	uint64_t day = head >> 48, first = load(&line[0].head), second = load(&line[1].head);

	if (first >> 8 == head >> 8) {
		return &line[0];
	}
	if (second >> 8 == head >> 8) {
		return &line[1];
	}
	if (first >> 48 != day || second >> 48 != day) {
		return first >> 48 != day ? &line[0] : &line[1];
	}
	return (first & 255) <= (second & 255) ? &line[0] : &line[1];
}

static bool take_value(struct pair *pair, uint64_t head, uint16_t value, uint64_t limit)
{
	uint64_t found = load(&pair->head), count;

	if (found >> 8 != head >> 8) {
		if (change(&pair->head, &found, head | 1)) {
			set_value(pair, 0, value);
		}
		return true;
	}
	count = found & 255;
	for (size_t i = 0; i < count; i++) {
		if (value_at(pair, i) == value) {
			return true;
		}
	}
	if (count >= limit) {
		return false;
	}
	set_value(pair, count, value);
	change(&pair->head, &found, head | (count + 1));
	return true;
}

enum bd_code bd_quota_value(uint32_t *wait_s, struct bd_quota *quota, uint64_t subject,
	uint16_t field, struct bd_bytes value, int64_t wall_ms)
{
	int64_t local_ms = wall_ms + MS_OF_ZONE;
	uint64_t hash;
	struct pair *line;

	if (quota->pairs == NULL) {
		return BD_OK;
	}
	hash = mix(subject ^ field * UINT64_C(0x9E3779B97F4A7C15));
	line = &quota->pairs[2 * (hash % LINES)];
	/* The head's 40 bits are not those that chose the line. */
	hash = tag_of((uint64_t)(local_ms / MS_OF_DAY)) | hash >> 24 << 8;
	if (!take_value(find(line, hash), hash, (uint16_t)bd_siphash(&quota->key, value),
		    quota->limits.values_per_day)) {
		*wait_s = until_end_s(local_ms, MS_OF_DAY);
		return refuse(quota, BD_QUOTA_VALUES);
	}
	return BD_OK;
}

/* -- its life -- */

static bool make_set(struct set *set, uint64_t limit)
{
	uint64_t size = 16;

	set->limit = limit;
	while (size < 2 * limit) {
		size *= 2;
	}
	set->mask = size - 1;
	set->slots = limit == 0 ? NULL : calloc(size, sizeof(*set->slots));
	return limit == 0 || set->slots != NULL;
}

static void quota_unref(struct bd_quota *quota)
{
	if (quota == NULL || __atomic_sub_fetch(&quota->references, 1, __ATOMIC_ACQ_REL) != 0) {
		return;
	}
	free((char *)quota->name);
	free(quota->hour.slots);
	free(quota->day.slots);
	free(quota->pairs);
	free(quota);
}

static struct bd_quota *quota_new(const struct bd_sender *sender, const struct bd_siphash_key *key)
{
	struct bd_quota *quota = calloc(1, sizeof(*quota));
	bool asks = (sender->roles & BD_SENDER_ENGINE) != 0;
	bool is_good = quota != NULL;

	if (!is_good) {
		return NULL;
	}
	quota->references = 1;
	quota->name = strdup(sender->name);
	quota->limits = sender->limits;
	quota->key = *key;
	is_good = quota->name != NULL &&
		  make_set(&quota->hour, asks ? sender->limits.subjects_per_hour : 0) &&
		  make_set(&quota->day, asks ? sender->limits.subjects_per_day : 0);
	if (is_good && asks && sender->limits.values_per_day != 0) {
		quota->pairs = aligned_alloc(64, 2 * LINES * sizeof(*quota->pairs));
		is_good = quota->pairs != NULL;
		if (is_good) {
			memset(quota->pairs, 0, 2 * LINES * sizeof(*quota->pairs));
		}
	}
	if (!is_good) {
		quota_unref(quota);
		return NULL;
	}
	return quota;
}

/* What was counted goes on where the same sender may ask the same. */
static struct bd_quota *quota_kept(const struct bd_quotas *before, const struct bd_sender *sender)
{
	bool asks = (sender->roles & BD_SENDER_ENGINE) != 0;

	for (size_t i = 0; before != NULL && i < before->count; i++) {
		struct bd_quota *quota = before->items[i];
		bool did_ask =
			quota->hour.limit != 0 || quota->day.limit != 0 || quota->pairs != NULL;

		if (strcmp(quota->name, sender->name) == 0 && (!asks || did_ask) &&
			memcmp(&quota->limits, &sender->limits, sizeof(quota->limits)) == 0) {
			__atomic_add_fetch(&quota->references, 1, __ATOMIC_RELAXED);
			return quota;
		}
	}
	return NULL;
}

enum bd_code bd_quotas_new(
	struct bd_quotas **out, const struct bd_senders *senders, const struct bd_quotas *before)
{
	struct bd_quotas *quotas =
		calloc(1, sizeof(*quotas) + senders->count * sizeof(quotas->items[0]));
	uint8_t key[BD_SIPHASH_KEY_BYTES];
	enum bd_code code = bd_random(key, sizeof(key));

	if (quotas == NULL || code != BD_OK) {
		free(quotas);
		return code == BD_OK ? BD_NO_MEMORY : code;
	}
	quotas->key = before != NULL ? before->key : bd_siphash_key_of(key);
	bd_wipe(key, sizeof(key));
	for (size_t i = 0; i < senders->count; i++) {
		struct bd_quota *quota = quota_kept(before, &senders->items[i]);

		quota = quota != NULL ? quota : quota_new(&senders->items[i], &quotas->key);
		if (quota == NULL) {
			bd_quotas_free(quotas);
			return BD_NO_MEMORY;
		}
		quotas->items[quotas->count++] = quota;
	}
	*out = quotas;
	return BD_OK;
}

void bd_quotas_free(struct bd_quotas *quotas)
{
	for (size_t i = 0; quotas != NULL && i < quotas->count; i++) {
		quota_unref(quotas->items[i]);
	}
	free(quotas);
}

struct bd_quota *bd_quotas_of(const struct bd_quotas *quotas, size_t sender)
{
	return quotas->items[sender];
}
