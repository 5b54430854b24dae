/* fuzz_proof.c - any bytes as a proof's file, as a witness, as the body of a head or of an entry:
 * what is taken is what would be written, and nothing that was not signed by the key is proved.
 */
#include "trail/proof.h"
#include "trail/witness.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The key of RFC 6979 appendix A.2.5, whose private half everyone knows. */
static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
			  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
			  "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
			  "-----END PUBLIC KEY-----\n";

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void check_bodies(struct bd_bytes input)
{
	static struct bd_trail_head head;
	struct bd_trail_entry entry;
	struct bd_buf again;

	bd_buf_init(&again, input.len + BD_TRAIL_HEAD_MAX_BYTES);
	if (bd_trail_head_unpack(&head, input)) {
		must(bd_trail_head_pack(&again, &head) == BD_OK);
		must(bd_bytes_equal(bd_buf_bytes(&again), input));
	}
	bd_buf_clear(&again);
	if (bd_trail_entry_unpack(&entry, input)) {
		must(bd_trail_entry_pack(&again, &entry) == BD_OK);
		must(bd_bytes_equal(bd_buf_bytes(&again), input));
	}
	bd_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct bd_trail_proven proven;
	struct bd_bytes input = { (const char *)bytes, len };
	struct bd_trail_signed witness;
	struct bd_trail_seen seen;
	struct bd_trail_keys keys;
	struct bd_arena arena;
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	check_bodies(input);
	must(bd_trail_keys_read(&keys, bd_bytes_of(pem), NULL) == BD_OK);
	bd_arena_init(&arena, 1 << 22);
	code = bd_trail_proof_check(&proven, input, &keys, &arena, &diag);
	must(code == diag.code);
	if (code == BD_OK) {
		must(proven.leaf < proven.head.size);
		must(proven.entry.id.instance == proven.head.instance);
	}
	if (bd_trail_witness_read(&witness, input, &arena, NULL) == BD_OK) {
		must(witness.body.len >= BD_TRAIL_HEAD_MIN_BYTES);
	}
	if (bd_trail_seen_read(&seen, input, &keys, NULL, NULL) == BD_OK) {
		/* By number, each once, and no size shrinks. */
		must(seen.count > 0);
		for (size_t i = 1; i < seen.count; i++) {
			must(seen.items[i - 1].number < seen.items[i].number &&
				seen.items[i - 1].size <= seen.items[i].size);
		}
		bd_trail_seen_free(&seen);
	}
	bd_arena_release(&arena);
	bd_trail_keys_free(&keys);
	return 0;
}
