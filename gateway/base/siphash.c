#include "base/siphash.h"

static uint64_t read_le64(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return le64toh(word);
}

static uint64_t rotate(uint64_t word, unsigned by)
{
	return word << by | word >> (64 - by);
}

static void round_once(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void take(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	round_once(v);
	round_once(v);
	v[0] ^= word;
}

struct bd_siphash_key bd_siphash_key_of(const uint8_t bytes[BD_SIPHASH_KEY_BYTES])
{
	return (struct bd_siphash_key){ { read_le64((const char *)bytes),
		read_le64((const char *)bytes + 8) } };
}

uint64_t bd_siphash(const struct bd_siphash_key *key, struct bd_bytes bytes)
{
	uint64_t v[4] = { key->halves[0] ^ UINT64_C(0x736f6d6570736575),
		key->halves[1] ^ UINT64_C(0x646f72616e646f6d),
		key->halves[0] ^ UINT64_C(0x6c7967656e657261),
		key->halves[1] ^ UINT64_C(0x7465646279746573) };
	uint64_t last = (uint64_t)bytes.len << 56;
	size_t whole = bytes.len / 8 * 8;

	for (size_t i = 0; i < whole; i += 8) {
		take(v, read_le64(bytes.ptr + i));
	}
	for (size_t i = whole; i < bytes.len; i++) {
		last |= (uint64_t)(uint8_t)bytes.ptr[i] << 8 * (i - whole);
	}
	take(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++) {
		round_once(v);
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
