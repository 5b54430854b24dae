/* test_trail.c - entries written, signed, proved, found again after every kind of end. */
#include "trail_support.h"

#include "page_cache_support.h"

#include <pthread.h>

#define SEGMENT 4096

static void ids(void **state)
{
	static const char *const bad[] = { "", "0123456789abcdef-0001-00000002-0000004",
		"0123456789abcdef-0001-00000002-000000400",
		"0123456789ABCDEF-0001-00000002-00000040",
		"0123456789abcdef+0001-00000002-00000040",
		"0123456789abcdef-0001-00000002-0000004g",
		"0123456789abcdef-001-000000002-00000040" };
	struct bd_trail_id id = { UINT64_C(0x0123456789abcdef), 1, 2, 64 }, again;
	char text[BD_TRAIL_ID_TEXT_BYTES];

	(void)state;
	bd_trail_id_write(text, &id);
	assert_string_equal(text, "0123456789abcdef-0001-00000002-00000040");
	assert_true(bd_trail_id_read(&again, bd_bytes_of(text)));
	assert_true(bd_trail_id_equal(&id, &again));
	id = (struct bd_trail_id){ UINT64_MAX, UINT16_MAX, UINT32_MAX, UINT32_MAX };
	bd_trail_id_write(text, &id);
	assert_true(bd_trail_id_read(&again, bd_bytes_of(text)));
	assert_true(bd_trail_id_equal(&id, &again));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(bd_trail_id_read(&again, bd_bytes_of(bad[i])));
	}
}

static void proof_holds(struct bd_trail *trail, const struct bd_trail_id *id)
{
	struct bd_trail_proven *proven = malloc(sizeof(*proven));
	struct bd_trail_proof proof;
	struct bd_arena arena;
	struct bd_buf json;

	assert_non_null(proven);
	bd_arena_init(&arena, 1 << 20);
	bd_buf_init(&json, BD_TRAIL_PROOF_MAX_BYTES);
	assert_int_equal(bd_trail_prove(&proof, trail, id, &arena, NULL), BD_OK);
	assert_int_equal(bd_trail_proof_write(&json, &proof), BD_OK);
	assert_int_equal(
		bd_trail_proof_check(proven, bd_buf_bytes(&json), &keys, &arena, NULL), BD_OK);
	assert_true(bd_trail_id_equal(&proven->entry.id, id));
	assert_int_equal(proven->leaf, proof.leaf);
	bd_buf_release(&json);
	bd_arena_release(&arena);
	free(proven);
}

#define ENTRIES 60

/* Three loops, small segments: every entry is found and proved, before and after a restart. */
static void entries_are_proved(void **state)
{
	struct bd_trail *trail = open_trail(3, SEGMENT);
	struct bd_trail_id made[ENTRIES];
	struct bd_trail_report report;
	struct bd_trail_counts counts;
	struct bd_arena arena;
	struct bd_trail_proof proof;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < ENTRIES; i++) {
		made[i] = enter(trail, i % 3, NOW + (int64_t)i, 40 + i * 13 % 700);
		assert_int_equal(bd_trail_prove(&proof, trail, &made[i], &arena, NULL),
			BD_RECEIPT_PROOF_PENDING);
		if (i % 4 == 3) {
			assert_int_equal(make_ready(trail), BD_OK);
		}
		if (i % 7 == 6) {
			sign_at(trail, NOW + (int64_t)i);
			proof_holds(trail, &made[i]);
		}
	}
	sign_at(trail, NOW + ENTRIES);
	bd_trail_count(&counts, trail);
	assert_int_equal(counts.entries, ENTRIES);
	assert_int_equal(counts.leaves, ENTRIES);
	assert_int_equal(counts.synced, ENTRIES);
	for (size_t i = 0; i < ENTRIES; i++) {
		struct bd_trail_entry entry;

		bd_arena_clear(&arena);
		assert_int_equal(bd_trail_read(&entry, NULL, trail, &made[i], &arena, NULL), BD_OK);
		assert_int_equal(entry.number, i / 3);
		assert_int_equal(entry.time_ms, NOW + (int64_t)i);
		assert_int_equal(entry.payload.len, 40 + i * 13 % 700);
		proof_holds(trail, &made[i]);
	}
	assert_int_equal(bd_trail_close(trail, NOW + 100, NULL), BD_OK);
	report = must_verify();
	assert_true(report.is_closed);
	assert_false(report.is_running);
	assert_int_equal(report.leaves, ENTRIES);
	assert_int_equal(report.unsigned_entries, 0);

	trail = open_trail(3, SEGMENT);
	for (size_t i = 0; i < ENTRIES; i++) {
		proof_holds(trail, &made[i]);
	}
	enter(trail, 1, NOW + 200, 100);
	assert_true(must_verify().is_running);
	assert_int_equal(bd_trail_close(trail, NOW + 300, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, ENTRIES + 1);
	bd_arena_release(&arena);
}

/* Ids that were made up: of another trail, another place, a place within an entry. */
static void made_up_ids(void **state)
{
	struct bd_trail *trail = open_trail(1, SEGMENT);
	struct bd_trail_id id = enter(trail, 0, NOW, 100), bad;
	struct bd_trail_entry entry;
	struct bd_arena arena;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	for (uint32_t offset = 0; offset < SEGMENT + 8; offset++) {
		bad = id;
		bad.offset = offset;
		assert_int_equal(bd_trail_read(&entry, NULL, trail, &bad, &arena, NULL),
			offset == id.offset ? BD_OK : BD_RECEIPT_UNKNOWN);
	}
	bad = id;
	bad.instance++;
	assert_int_equal(
		bd_trail_read(&entry, NULL, trail, &bad, &arena, NULL), BD_RECEIPT_UNKNOWN);
	bad = id;
	bad.loop = 7;
	assert_int_equal(
		bd_trail_read(&entry, NULL, trail, &bad, &arena, NULL), BD_RECEIPT_UNKNOWN);
	bad = id;
	bad.segment = UINT32_MAX;
	assert_int_equal(
		bd_trail_read(&entry, NULL, trail, &bad, &arena, NULL), BD_RECEIPT_UNKNOWN);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	bd_arena_release(&arena);
}

/* Every bit of a proof's file. */
static void changed_proof_is_refused(void **state)
{
	struct bd_trail *trail = open_trail(2, SEGMENT);
	struct bd_trail_proven *proven = malloc(sizeof(*proven));
	struct bd_trail_proof proof;
	struct bd_trail_id id;
	struct bd_arena arena, scratch;
	struct bd_buf json;

	(void)state;
	assert_non_null(proven);
	bd_arena_init(&arena, 1 << 20);
	bd_arena_init(&scratch, 1 << 20);
	bd_buf_init(&json, BD_TRAIL_PROOF_MAX_BYTES);
	for (size_t i = 0; i < 5; i++) {
		id = enter(trail, i % 2, NOW, 60);
	}
	sign_at(trail, NOW);
	assert_int_equal(bd_trail_prove(&proof, trail, &id, &arena, NULL), BD_OK);
	assert_int_equal(bd_trail_proof_write(&json, &proof), BD_OK);
	for (size_t bit = 0; bit < json.len * 8; bit++) {
		struct bd_diag diag = { .code = BD_OK };
		enum bd_code code;

		json.ptr[bit / 8] ^= (char)(1 << bit % 8);
		bd_arena_clear(&scratch);
		code = bd_trail_proof_check(proven, bd_buf_bytes(&json), &keys, &scratch, &diag);
		if (code == BD_OK) {
			print_message("# bit %zu of byte %zu '%c'\n", bit % 8, bit / 8,
				json.ptr[bit / 8]);
		}
		assert_int_not_equal(code, BD_OK);
		assert_int_equal(diag.code, code);
		json.ptr[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = 0; len < json.len; len++) {
		bd_arena_clear(&scratch);
		assert_int_not_equal(
			bd_trail_proof_check(
				proven, (struct bd_bytes){ json.ptr, len }, &keys, &scratch, NULL),
			BD_OK);
	}
	bd_arena_clear(&scratch);
	assert_int_equal(
		bd_trail_proof_check(proven, bd_buf_bytes(&json), &keys, &scratch, NULL), BD_OK);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	bd_buf_release(&json);
	bd_arena_release(&arena);
	bd_arena_release(&scratch);
	free(proven);
}

/* A killed process leaves what was flushed; the next start signs it. */
static void killed_trail_goes_on(void **state)
{
	struct bd_trail_settings settings = settings_of(2, SEGMENT);
	struct bd_trail *trail = open_trail(2, SEGMENT);
	struct bd_trail_id made[40];
	struct bd_trail_found found;
	struct bd_trail_report report;
	struct kept kept;

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		made[i] = enter(trail, i % 2, NOW + (int64_t)i, 150);
		if (i == 25) {
			sign_at(trail, NOW + 25);
		}
		if (i % 5 == 0) {
			assert_int_equal(make_ready(trail), BD_OK);
		}
	}
	keep_folder(&kept);
	assert_int_equal(bd_trail_close(trail, NOW + 50, NULL), BD_OK);
	put_folder(&kept);

	report = must_verify();
	assert_false(report.is_closed);
	assert_int_equal(report.leaves, 26);
	assert_int_equal(report.unsigned_entries, 14);
	trail = open_with(&settings, &found);
	assert_int_equal(found.unsigned_entries, 14);
	assert_int_equal(found.cut_bytes, 0);
	sign_at(trail, NOW + 60);
	for (size_t i = 0; i < 40; i++) {
		proof_holds(trail, &made[i]);
	}
	enter(trail, 0, NOW + 70, 100);
	assert_int_equal(bd_trail_close(trail, NOW + 80, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, 41);
	free_kept(&kept);
}

/* The last entry cut at every byte, or garbled at every byte: it is cut, the ones before stay. */
static void torn_entry_is_cut(void **state)
{
	struct bd_trail_settings settings = settings_of(1, SEGMENT);
	struct bd_trail *trail = open_trail(1, SEGMENT);
	struct bd_trail_id first = enter(trail, 0, NOW, 90), last;
	struct bd_trail_found found;
	struct kept kept;
	struct kept_file *log;
	size_t end;

	(void)state;
	sign_at(trail, NOW);
	enter(trail, 0, NOW + 1, 90);
	last = enter(trail, 0, NOW + 2, 90);
	keep_folder(&kept);
	assert_int_equal(bd_trail_close(trail, NOW + 3, NULL), BD_OK);
	log = kept_find(&kept, "log-0000-00000000");
	end = last.offset + 4 + BD_TRAIL_ENTRY_HEAD_BYTES + 90 + 32;
	for (size_t i = last.offset; i < end; i++) {
		for (int way = 0; way < 2; way++) {
			struct kept_file bad = *log;
			struct bd_trail_report report;
			struct bd_diag diag;

			bad.bytes = malloc(bad.len);
			assert_non_null(bad.bytes);
			memcpy(bad.bytes, log->bytes, bad.len);
			if (way == 0) {
				/* Never came to the disk: zeroes, and not by chance. */
				memset(bad.bytes + i, 0, end - i);
				bad.bytes[end - 1] =
					(char)(log->bytes[end - 1] == 0 && i > last.offset + 3);
			} else {
				bad.bytes[i] ^= 0x41;
			}
			put_folder(&kept);
			put_bytes(bad.name, bad.bytes, bad.len);
			/* Without its length it is as if it had not been written. */
			assert_int_equal(verify_with(&report, NULL, &diag),
				way == 0 && i < last.offset + 4 ? BD_OK : BD_TRAIL_DAMAGED);
			trail = open_with(&settings, &found);
			assert_int_equal(found.unsigned_entries, 1);
			proof_holds(trail, &first);
			enter(trail, 0, NOW + 4, 70);
			assert_int_equal(bd_trail_close(trail, NOW + 5, NULL), BD_OK);
			assert_int_equal(must_verify().leaves, 3);
			free(bad.bytes);
		}
	}
	free_kept(&kept);
}

/* What a killed process leaves behind its last segment is space made ready: empty, and not more of
 * it than there can be. */
static void spares_are_empty(void **state)
{
	struct bd_trail *trail = open_trail(1, SEGMENT);
	struct bd_trail_report report;
	struct bd_diag diag;
	struct kept kept;
	struct kept_file *last;

	(void)state;
	enter(trail, 0, NOW, 50);
	keep_folder(&kept);
	assert_int_equal(bd_trail_close(trail, NOW + 1, NULL), BD_OK);
	assert_non_null(kept_find(&kept, "log-0000-00000001"));
	last = kept_find(&kept, "log-0000-00000002");
	assert_non_null(last);
	assert_null(kept_find(&kept, "log-0000-00000003"));
	put_folder(&kept);
	must_verify();
	put_bytes("log-0000-00000003", last->bytes, last->len);
	assert_int_equal(verify_with(&report, NULL, &diag), BD_TRAIL_DAMAGED);
	put_folder(&kept);
	last->bytes[last->len - 1] = 1;
	put_bytes(last->name, last->bytes, last->len);
	assert_int_equal(verify_with(&report, NULL, &diag), BD_TRAIL_DAMAGED);
	free_kept(&kept);
}

/* After a power loss a segment may lack entries though the next one, written later, came to the
 * disk: nothing behind the gap follows from what was signed. */
static void lost_middle_is_cut(void **state)
{
	struct bd_trail_settings settings = settings_of(1, SEGMENT);
	struct bd_trail *trail = open_trail(1, SEGMENT);
	struct bd_trail_id made[60];
	struct bd_trail_found found;
	struct kept kept;
	struct kept_file *log;

	(void)state;
	for (size_t i = 0; i < 60; i++) {
		made[i] = enter(trail, 0, NOW + (int64_t)i, 150);
		assert_int_equal(make_ready(trail), BD_OK);
		if (i == 5) {
			sign_at(trail, NOW + 5);
		}
	}
	keep_folder(&kept);
	assert_int_equal(bd_trail_close(trail, NOW + 60, NULL), BD_OK);
	log = kept_find(&kept, "log-0000-00000001");
	assert_non_null(log);
	assert_non_null(kept_find(&kept, "log-0000-00000003"));
	memset(log->bytes + 512, 0, 512);
	put_folder(&kept);
	trail = open_with(&settings, &found);
	assert_true(found.unsigned_entries > 10 && found.unsigned_entries < 30);
	assert_true(found.cut_bytes > 2 * SEGMENT);
	sign_at(trail, NOW + 70);
	proof_holds(trail, &made[5 + found.unsigned_entries]);
	assert_int_equal(bd_trail_close(trail, NOW + 80, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, 6 + found.unsigned_entries);
	free_kept(&kept);
}

/* The last head likewise; its entries are signed again. */
static void torn_head_is_cut(void **state)
{
	struct bd_trail_settings settings = settings_of(1, SEGMENT);
	struct bd_trail *trail = open_trail(1, SEGMENT);
	struct bd_trail_id made;
	struct bd_trail_found found;
	struct kept kept;
	struct kept_file *heads;
	size_t before;
	struct stat status;
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/heads-00000000", folder);
	enter(trail, 0, NOW, 90);
	sign_at(trail, NOW);
	assert_int_equal(stat(path, &status), 0);
	before = (size_t)status.st_size;
	made = enter(trail, 0, NOW + 1, 90);
	sign_at(trail, NOW + 1);
	keep_folder(&kept);
	assert_int_equal(bd_trail_close(trail, NOW + 3, NULL), BD_OK);
	heads = kept_find(&kept, "heads-00000000");
	assert_true(heads->len > before);
	for (size_t len = before; len < heads->len; len++) {
		put_folder(&kept);
		put_bytes(heads->name, heads->bytes, len);
		trail = open_with(&settings, &found);
		assert_int_equal(found.unsigned_entries, 1);
		sign_at(trail, NOW + 4);
		proof_holds(trail, &made);
		assert_int_equal(bd_trail_close(trail, NOW + 5, NULL), BD_OK);
		assert_int_equal(must_verify().leaves, 2);
	}
	free_kept(&kept);
}

/* What was signed and is not there as it was: no start, so nothing is cut that proves it. */
static void damaged_trail_does_not_start(void **state)
{
	static const struct {
		const char *name;
		size_t offset; /* from the end */
	} places[] = { { "heads-00000000", 300 }, { "heads-00000000", 10 }, { "tree", 5 },
		{ "runs-0000", 5 }, { "log-0000-00000000", 5 }, { "instance", 3 } };
	struct bd_trail_settings settings = settings_of(1, 65536);
	struct bd_trail *trail = open_trail(1, 65536);
	struct bd_trail_found found;
	struct kept kept;

	(void)state;
	for (int64_t i = 0; i < 5; i++) {
		enter(trail, 0, NOW + i, 90);
		sign_at(trail, NOW + i);
	}
	assert_int_equal(bd_trail_close(trail, NOW + 9, NULL), BD_OK);
	keep_folder(&kept);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct kept_file *file = kept_find(&kept, places[i].name);
		enum bd_code code;

		put_folder(&kept);
		file->bytes[file->len - places[i].offset] ^= 0x02;
		put_bytes(file->name, file->bytes, file->len);
		file->bytes[file->len - places[i].offset] ^= 0x02;
		code = bd_trail_open(&trail, &found, &settings, NULL);
		if (code == BD_OK) {
			print_message("# %s\n", places[i].name);
		}
		assert_int_equal(code, BD_TRAIL_DAMAGED);
	}
	for (size_t i = 0; i < kept.count; i++) {
		put_folder(&kept);
		drop_file(kept.files[i].name);
		assert_int_not_equal(bd_trail_open(&trail, &found, &settings, NULL), BD_OK);
	}
	free_kept(&kept);
}

static void only_one_opens_it(void **state)
{
	struct bd_trail_settings settings = settings_of(1, SEGMENT);
	struct bd_trail *trail = open_trail(1, SEGMENT), *other = NULL;
	struct bd_trail_found found;

	(void)state;
	assert_int_equal(bd_trail_open(&other, &found, &settings, NULL), BD_TRAIL_UNAVAILABLE);
	assert_null(other);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
}

/* More loops, then fewer: the logs of those that are gone stay and are signed. */
static void number_of_loops_changes(void **state)
{
	struct bd_trail_settings settings = settings_of(1, SEGMENT);
	struct bd_trail *trail = open_trail(4, SEGMENT);
	struct bd_trail_id made = enter(trail, 3, NOW, 80);
	struct bd_trail_found found;
	struct kept kept;

	(void)state;
	keep_folder(&kept);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	put_folder(&kept);
	trail = open_with(&settings, &found);
	assert_int_equal(found.unsigned_entries, 1);
	enter(trail, 0, NOW, 80);
	sign_at(trail, NOW);
	proof_holds(trail, &made);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, 2);
	trail = open_trail(6, SEGMENT);
	enter(trail, 5, NOW, 80);
	enter(trail, 3, NOW, 80);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, 4);
	free_kept(&kept);
}

/* The clock goes back, also over a restart. */
static void times_never_decrease(void **state)
{
	struct bd_trail_settings settings = settings_of(2, SEGMENT);
	struct bd_trail *trail = open_trail(2, SEGMENT);
	struct bd_trail_found found;
	bool is_behind;

	(void)state;
	enter(trail, 0, NOW + 1000, 50);
	assert_int_equal(bd_trail_time(&is_behind, bd_trail_log(trail, 0), NOW), NOW + 1000);
	assert_true(is_behind);
	assert_int_equal(bd_trail_time(&is_behind, bd_trail_log(trail, 0), NOW + 1001), NOW + 1001);
	assert_false(is_behind);
	enter(trail, 0, NOW, 50);
	sign_at(trail, NOW - 5000);
	assert_int_equal(bd_trail_close(trail, NOW - 6000, NULL), BD_OK);
	settings.now_ms = NOW - 7000;
	trail = open_with(&settings, &found);
	assert_int_equal(bd_trail_time(NULL, bd_trail_log(trail, 1), NOW - 7000), NOW + 1000);
	enter(trail, 1, NOW - 7000, 50);
	assert_int_equal(bd_trail_close(trail, NOW - 8000, NULL), BD_OK);
	assert_int_equal(must_verify().last_ms, NOW + 1000);
}

/* An answer names its receipt before that is written. */
static void id_is_known_before(void **state)
{
	struct bd_trail *trail = open_trail(1, SEGMENT);
	struct bd_trail_log *log = bd_trail_log(trail, 0);
	struct bd_trail_id named, made;

	(void)state;
	for (int i = 0; i < 200; i++) {
		char payload[1000] = "";

		assert_int_equal(bd_trail_next(&named, log, 1036, NULL), BD_OK);
		assert_int_equal(
			bd_trail_append(&made, log, BD_TRAIL_QUERY, NOW,
				(struct bd_bytes){ payload, (size_t)(i * 37 % 1000) }, NULL),
			BD_OK);
		assert_true(bd_trail_id_equal(&named, &made));
		assert_int_equal(bd_trail_flush(log, NULL), BD_OK);
		assert_int_equal(make_ready(trail), BD_OK);
	}
	assert_int_equal(bd_trail_next(&named, log, SEGMENT, NULL), BD_LIMIT_BYTES);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, 200);
}

/* Heads in several files; the last may be begun and empty. */
static void heads_are_rotated(void **state)
{
	struct bd_trail_settings settings = settings_of(1, 65536);
	struct bd_trail_found found;
	struct bd_trail *trail;
	struct bd_trail_id made[30];

	(void)state;
	settings.heads_per_file = 4;
	trail = open_with(&settings, &found);
	for (int64_t i = 0; i < 15; i++) {
		made[i] = enter(trail, 0, NOW + i, 50);
		sign_at(trail, NOW + i);
	}
	assert_int_equal(bd_trail_close(trail, NOW + 20, NULL), BD_OK);
	assert_int_equal(must_verify().heads, 17); /* opened, fifteen, closed */
	put_bytes("heads-00000005", "", 0);
	trail = open_with(&settings, &found);
	for (int64_t i = 15; i < 30; i++) {
		made[i] = enter(trail, 0, NOW + 20 + i, 50);
		sign_at(trail, NOW + 20 + i);
	}
	for (size_t i = 0; i < 30; i++) {
		proof_holds(trail, &made[i]);
	}
	assert_int_equal(bd_trail_close(trail, NOW + 60, NULL), BD_OK);
	assert_int_equal(must_verify().heads, 34);
}

/* Another key, of another kind: the heads are one chain all the same. */
static void key_is_changed(void **state)
{
	struct bd_trail_settings settings = settings_of(1, SEGMENT);
	struct bd_sign_key *sm2 = NULL;
	struct bd_trail_keys both, old = keys, new;
	struct bd_trail_report report;
	struct bd_trail_found found;
	struct bd_trail *trail;
	struct bd_diag diag;

	(void)state;
	assert_int_equal(bd_sign_key_generate(&sm2, BD_SIGN_SM2_SM3), BD_OK);
	give_keys(&both, (const struct bd_sign_key *[]){ key, sm2 }, 2);
	give_keys(&new, (const struct bd_sign_key *[]){ sm2 }, 1);
	trail = open_trail(1, SEGMENT);
	enter(trail, 0, NOW, 50);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	settings.key = sm2;
	trail = open_with(&settings, &found);
	enter(trail, 0, NOW, 50);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	assert_int_equal(verify_with(&report, NULL, &diag), BD_SIGNATURE_WRONG);
	assert_string_equal(diag.file, "heads-00000000");
	assert_int_equal(report.heads, 3); /* opened, an entry, closed */
	keys = new;
	assert_int_equal(verify_with(&report, NULL, &diag), BD_SIGNATURE_WRONG);
	assert_int_equal(report.heads, 0);
	keys = both;
	assert_int_equal(verify_with(&report, NULL, &diag), BD_OK);
	keys = old;
	bd_trail_keys_free(&both);
	bd_trail_keys_free(&new);
	bd_sign_key_free(sm2);
}

/* A witness who kept a head sees that the trail was cut back to an earlier one. */
static void witness_sees_truncation(void **state)
{
	struct bd_trail *trail = open_trail(1, SEGMENT);
	struct bd_trail_signed witness, read;
	struct bd_trail_report report;
	struct bd_arena arena;
	struct bd_json_writer w;
	struct bd_buf json;
	struct kept earlier;
	struct bd_diag diag;

	(void)state;
	bd_arena_init(&arena, 1 << 20);
	bd_buf_init(&json, 1 << 20);
	enter(trail, 0, NOW, 50);
	sign_at(trail, NOW);
	keep_folder(&earlier);
	enter(trail, 0, NOW, 50);
	sign_at(trail, NOW);
	assert_int_equal(bd_trail_newest(&witness, trail, &arena, NULL), BD_OK);
	bd_jw_init(&w, &json);
	bd_trail_signed_write(&w, NULL, &witness);
	assert_int_equal(w.code, BD_OK);
	assert_int_equal(bd_trail_witness_read(&read, bd_buf_bytes(&json), &arena, NULL), BD_OK);
	assert_true(bd_bytes_equal(read.body, witness.body));
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	assert_int_equal(verify_with(&report, &read, &diag), BD_OK);
	put_folder(&earlier);
	assert_int_equal(verify_with(&report, NULL, &diag), BD_OK);
	assert_int_equal(verify_with(&report, &read, &diag), BD_TRAIL_TRUNCATED);
	/* Gone on from there: other heads stand where the witness has his. */
	trail = open_trail(1, SEGMENT);
	enter(trail, 0, NOW, 51);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	assert_int_equal(verify_with(&report, NULL, &diag), BD_OK);
	assert_int_equal(verify_with(&report, &read, &diag), BD_TRAIL_DAMAGED);
	free_kept(&earlier);
	bd_buf_release(&json);
	bd_arena_release(&arena);
}

/* -- loops and the signer at the same time -- */

#define THREAD_ENTRIES 3000

struct writer {
	struct bd_trail *trail;
	size_t loop;
	unsigned done; /* atomic */
};

static void *write_entries(void *state)
{
	struct writer *writer = state;
	struct bd_trail_log *log = bd_trail_log(writer->trail, writer->loop);
	struct bd_trail_id id;

	for (int64_t i = 0; i < THREAD_ENTRIES;) {
		char payload[64] = "";
		enum bd_code code = bd_trail_append(&id, log, BD_TRAIL_PUSH, NOW + i,
			(struct bd_bytes){ payload, (size_t)(i % 64) }, NULL);

		/* The reserve may be spent until the signer has made more ready. */
		if (code == BD_OK && i % 3 == 0) {
			code = bd_trail_flush(log, NULL);
		}
		if (code != BD_OK && code != BD_TRAIL_UNAVAILABLE) {
			break;
		}
		if (code == BD_OK) {
			i++;
		} else {
			sched_yield();
		}
	}
	bd_trail_flush(log, NULL);
	__atomic_store_n(&writer->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void threads(void **state)
{
	struct bd_trail *trail = open_trail(2, 65536);
	struct writer writers[2] = { { trail, 0, 0 }, { trail, 1, 0 } };
	pthread_t loops[2];
	struct bd_trail_counts counts;
	unsigned done = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&loops[i], NULL, write_entries, &writers[i]), 0);
	}
	while (done < 2) {
		sign_at(trail, NOW);
		assert_int_equal(make_ready(trail), BD_OK);
		assert_false(bd_trail_has_failed(trail));
		done = __atomic_load_n(&writers[0].done, __ATOMIC_ACQUIRE) +
		       __atomic_load_n(&writers[1].done, __ATOMIC_ACQUIRE);
	}
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(loops[i], NULL), 0);
	}
	sign_at(trail, NOW + THREAD_ENTRIES);
	bd_trail_count(&counts, trail);
	assert_int_equal(counts.leaves, 2 * THREAD_ENTRIES);
	assert_int_equal(bd_trail_close(trail, NOW + THREAD_ENTRIES, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, 2 * THREAD_ENTRIES);
}

/* What is signed leaves memory, and is read again from the disk. */
static void signed_entries_leave_memory(void **state)
{
	enum { LATER = 20, LONG = 4000 };
	struct bd_trail *trail = open_trail(1, 1 << 20);
	struct bd_trail_id first, last;
	char path[sizeof(folder) + 32];
	size_t all = 0, found;

	(void)state;
	snprintf(path, sizeof(path), "%s/log-0000-00000000", folder);
	first = enter(trail, 0, NOW, LONG);
	for (int i = 0; i < LATER; i++) {
		last = enter(trail, 0, NOW, LONG);
	}
	found = pages_in_memory(&all, path, last.offset);
	assert_int_equal(found, all);
	assert_true(all >= LATER - 1);
	if (!is_all_memory(folder)) {
		sign_at(trail, NOW);
		assert_int_equal(pages_in_memory(&all, path, last.offset), 0);
		for (int i = 0; i < LATER; i++) {
			enter(trail, 0, NOW, LONG);
		}
		assert_int_equal(pages_in_memory(&all, path, last.offset), 0);
	}
	sign_at(trail, NOW);
	proof_holds(trail, &first);
	proof_holds(trail, &last);
	assert_int_equal(bd_trail_close(trail, NOW, NULL), BD_OK);
	assert_int_equal(must_verify().leaves, 1 + LATER + (is_all_memory(folder) ? 0 : LATER));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_folder, tear_down_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids),
		TEST(entries_are_proved),
		TEST(made_up_ids),
		TEST(changed_proof_is_refused),
		TEST(killed_trail_goes_on),
		TEST(torn_entry_is_cut),
		TEST(spares_are_empty),
		TEST(lost_middle_is_cut),
		TEST(torn_head_is_cut),
		TEST(damaged_trail_does_not_start),
		TEST(only_one_opens_it),
		TEST(number_of_loops_changes),
		TEST(times_never_decrease),
		TEST(id_is_known_before),
		TEST(heads_are_rotated),
		TEST(key_is_changed),
		TEST(witness_sees_truncation),
		TEST(threads),
		TEST(signed_entries_leave_memory),
	};
	return cmocka_run_group_tests(tests, set_up_keys, tear_down_keys);
}
