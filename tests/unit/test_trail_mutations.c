/* test_trail_mutations.c - 10,000 changes of a trail, made blindly and by who knows its form, each
 * of them found by a check with the public key and the last head that was seen. */
#include "trail/segment.h"
#include "trail_support.h"

#define MUTATIONS 10000
#define ENTRIES 60

static struct kept whole;
/* The folder as it was after each head but the last: whole in itself. */
static struct kept earlier[ENTRIES / 9];
static size_t earlier_count;
static struct bd_trail_signed witness;
static struct bd_arena arena;

/* SplitMix64: the same mutations every time. */
static uint64_t draw(void)
{
	static uint64_t seed = 20260601;
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static size_t below(size_t count)
{
	return (size_t)(draw() % count);
}

static int make_trail(void **state)
{
	struct bd_trail_settings settings;
	struct bd_trail_found found;
	struct bd_trail *trail;

	set_up_keys(state);
	make_folder(folder);
	bd_arena_init(&arena, 1 << 20);
	settings = settings_of(3, 4096);
	settings.heads_per_file = 5;
	trail = open_with(&settings, &found);
	for (size_t i = 0; i < ENTRIES; i++) {
		enter(trail, i % 3, NOW + (int64_t)i, 80 + i * 17 % 300);
		assert_int_equal(make_ready(trail), BD_OK);
		if (i % 9 == 8) {
			sign_at(trail, NOW + (int64_t)i);
			keep_folder(&earlier[earlier_count++]);
		}
	}
	assert_int_equal(bd_trail_close(trail, NOW + ENTRIES, NULL), BD_OK);
	assert_true(must_verify().is_closed);
	/* The closing head: what a witness would have fetched last. */
	trail = NULL;
	keep_folder(&whole);
	return 0;
}

/* The last head of the folder, as a witness holds it. */
static void take_witness(void)
{
	struct kept_file *heads = NULL;
	struct bd_reader reader;

	for (size_t i = 0; i < whole.count; i++) {
		if (strncmp(whole.files[i].name, "heads-", 6) == 0) {
			heads = &whole.files[i];
		}
	}
	assert_non_null(heads);
	reader = bd_reader_of((struct bd_bytes){ heads->bytes, heads->len });
	while (reader.rest.len > 0) {
		witness.body = bd_read_sized(&reader);
		memcpy(witness.signature, bd_read_bytes(&reader, BD_SIGNATURE_BYTES).ptr,
			BD_SIGNATURE_BYTES);
	}
	assert_true(reader.ok);
}

static int remove_trail(void **state)
{
	free_kept(&whole);
	for (size_t i = 0; i < earlier_count; i++) {
		free_kept(&earlier[i]);
	}
	bd_arena_release(&arena);
	remove_folder(folder);
	return tear_down_keys(state);
}

enum way {
	FLIP,
	DROP_BYTES,
	DROP_FILE,
	SWAP_BYTES,
	SWAP_FILES,
	TRUNCATE,
	EXTEND,
	ZERO,
	REPEAT,
	WAYS
};
static const char *const way_names[WAYS] = { "flip", "drop bytes", "drop file", "swap bytes",
	"swap files", "truncate", "extend", "zero", "repeat" };

/* Changes the bytes of one file; false when they came out as they were. */
static bool change(struct kept_file *out, const struct kept_file *from, enum way way)
{
	size_t a = below(from->len), b = below(from->len), len = 1 + below(64), rest;

	out->bytes = malloc(from->len + 256);
	assert_non_null(out->bytes);
	out->len = from->len;
	memcpy(out->bytes, from->bytes, from->len);
	len = len > from->len - (a > b ? a : b) ? from->len - (a > b ? a : b) : len;
	rest = from->len - a - len;
	switch (way) {
	case FLIP:
		out->bytes[a] ^= (char)(1 << below(8));
		break;
	case DROP_BYTES:
		memmove(out->bytes + a, from->bytes + a + len, rest);
		out->len -= len;
		break;
	case SWAP_BYTES:
		memcpy(out->bytes + a, from->bytes + b, len);
		memcpy(out->bytes + b, from->bytes + a, len);
		break;
	case TRUNCATE:
		out->len = a;
		break;
	case EXTEND:
		memset(out->bytes + from->len, (int)below(3) * 7, len);
		out->len += len;
		break;
	case ZERO:
		memset(out->bytes + a, 0, len);
		break;
	case REPEAT:
		memcpy(out->bytes + a + len, from->bytes + a, len + rest);
		out->len += len;
		break;
	case DROP_FILE:
	case SWAP_FILES:
	case WAYS:
		break;
	}
	return out->len != from->len || memcmp(out->bytes, from->bytes, from->len) != 0;
}

static void must_find(enum way way, const char *name)
{
	struct bd_trail_report report;
	struct bd_diag diag;
	enum bd_code code = verify_with(&report, &witness, &diag);

	if (code == BD_OK) {
		print_message("# not found: %s of %s\n", way_names[way], name);
	}
	assert_int_not_equal(code, BD_OK);
	/* And it names a place. */
	assert_true(diag.file[0] != '\0' || diag.code == BD_TRAIL_TRUNCATED);
}

/* False: it came out as it was, and is none. */
static bool mutate(enum way way, const struct kept_file *file)
{
	const struct kept_file *other = &whole.files[below(whole.count)];
	struct kept_file changed = { .bytes = NULL };
	bool is_one = true;

	if (way == DROP_FILE) {
		drop_file(file->name);
		must_find(way, file->name);
	} else if (way == SWAP_FILES) {
		if (other->len == file->len && memcmp(other->bytes, file->bytes, file->len) == 0) {
			return false;
		}
		put_bytes(file->name, other->bytes, other->len);
		put_bytes(other->name, file->bytes, file->len);
		must_find(way, file->name);
		put_bytes(other->name, other->bytes, other->len);
	} else if (file->len > 0 && change(&changed, file, way)) {
		put_bytes(file->name, changed.bytes, changed.len);
		must_find(way, file->name);
	} else {
		is_one = false;
	}
	free(changed.bytes);
	put_bytes(file->name, file->bytes, file->len);
	return is_one;
}

static void every_mutation_is_found(void **state)
{
	unsigned counts[WAYS] = { 0 };
	struct bd_trail_report report;
	struct bd_diag diag;

	(void)state;
	take_witness();
	assert_int_equal(verify_with(&report, &witness, &diag), BD_OK);
	for (int i = 0, found = 0; found < MUTATIONS; i++) {
		/* Half of them single bits: the hardest to see. */
		enum way way = i % 2 == 0 ? FLIP : (enum way)below(WAYS);
		bool is_one = mutate(way, &whole.files[below(whole.count)]);

		found += is_one;
		counts[way] += is_one;
	}
	for (int way = 0; way < WAYS; way++) {
		print_message("# %u of %s\n", counts[way], way_names[way]);
		assert_true(counts[way] >= MUTATIONS / 40);
	}
	assert_int_equal(verify_with(&report, &witness, &diag), BD_OK);
}

/* Each file cut at each length, the folder otherwise whole. */
static void every_length_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < whole.count; i++) {
		const struct kept_file *file = &whole.files[i];

		for (size_t len = 0; len < file->len; len += 1 + len / 40) {
			put_bytes(file->name, file->bytes, len);
			must_find(TRUNCATE, file->name);
		}
		put_bytes(file->name, file->bytes, file->len);
	}
}

/* -- by who knows the form -- */

/* The entries of the first segment of a log. */
struct known {
	struct bd_trail_entry entries[ENTRIES];
	size_t ends[ENTRIES]; /* where each ends in the file */
	size_t count;
};

static const char forged[] = "log-0001-00000000";

static void read_known(struct known *out)
{
	enum bd_trail_step step = BD_TRAIL_STEP_ENTRY;
	struct bd_trail_report report;
	struct bd_trail_walk walk;
	struct bd_diag diag;
	int top = open(folder, O_RDONLY | O_DIRECTORY);

	out->count = 0;
	assert_int_equal(verify_with(&report, NULL, &diag), BD_OK);
	bd_trail_walk_open(&walk, top, report.instance, 1, &BD_TRAIL_BEGINNING);
	while (step == BD_TRAIL_STEP_ENTRY) {
		struct bd_trail_entry *entry = &out->entries[out->count];
		struct bd_bytes body;

		assert_int_equal(bd_trail_walk_next(&step, entry, &body, &walk, NULL), BD_OK);
		if (step != BD_TRAIL_STEP_ENTRY || entry->id.segment > 0) {
			break;
		}
		entry->payload = bd_arena_copy(&arena, entry->payload);
		out->ends[out->count++] = walk.at.offset;
	}
	bd_trail_walk_close(&walk);
	close(top);
	assert_true(out->count > 5);
}

/* The log made anew of these, chains, numbers and all: the heads, which need the key, say
 * otherwise. */
static void made_anew(const struct bd_trail_entry *entries, size_t count, enum way way)
{
	const struct kept_file *log = kept_find(&whole, forged);
	struct bd_trail_position at = BD_TRAIL_BEGINNING;
	struct bd_hash leaf;
	struct bd_buf made;

	bd_buf_init(&made, 1 << 20);
	assert_int_equal(
		bd_buf_add(&made, (struct bd_bytes){ log->bytes, BD_TRAIL_SEGMENT_HEAD_BYTES }),
		BD_OK);
	for (size_t i = 0; i < count; i++) {
		struct bd_trail_entry entry = entries[i];

		entry.id.offset = at.offset;
		entry.number = at.count;
		assert_int_equal(bd_trail_frame_add(&made, &leaf, &at, &entry), BD_OK);
	}
	put_bytes(forged, made.ptr, made.len);
	must_find(way, forged);
	put_bytes(forged, log->bytes, log->len);
	bd_buf_release(&made);
}

static void forged_log_is_found(void **state)
{
	static struct known known;
	static struct bd_trail_entry changed[ENTRIES];

	(void)state;
	read_known(&known);
	for (size_t i = 0; i < known.count; i++) {
		size_t size = known.count * sizeof(changed[0]);
		char *payload;

		/* One left out. */
		memcpy(changed, known.entries, i * sizeof(changed[0]));
		memcpy(changed + i, known.entries + i + 1,
			(known.count - i - 1) * sizeof(changed[0]));
		made_anew(changed, known.count - 1, DROP_BYTES);
		/* One with another payload. */
		memcpy(changed, known.entries, size);
		changed[i].payload = bd_arena_copy(&arena, changed[i].payload);
		payload = (char *)(uintptr_t)changed[i].payload.ptr;
		payload[0] ^= 1;
		made_anew(changed, known.count, FLIP);
		/* Two in the other order. */
		if (i + 1 < known.count) {
			memcpy(changed, known.entries, size);
			changed[i] = known.entries[i + 1];
			changed[i + 1] = known.entries[i];
			made_anew(changed, known.count, SWAP_BYTES);
		}
		/* The log ends here, at a border: nothing in it is torn. */
		if (i + 1 < known.count) {
			made_anew(known.entries, i + 1, TRUNCATE);
		}
	}
}

/* Cut at a border as a file; and its last segment gone as a whole, of each log. */
static void cut_at_a_border_is_found(void **state)
{
	const struct kept_file *log = kept_find(&whole, forged);
	static struct known known;
	size_t dropped = 0;

	(void)state;
	read_known(&known);
	for (size_t i = 0; i + 1 < known.count; i++) {
		put_bytes(forged, log->bytes, known.ends[i]);
		must_find(TRUNCATE, forged);
	}
	put_bytes(forged, log->bytes, log->len);
	for (size_t i = 0; i < whole.count; i++) {
		const struct kept_file *file = &whole.files[i],
				       *next = i + 1 < whole.count ? file + 1 : NULL;

		/* Sorted: the last of those whose names begin alike. */
		if (strncmp(file->name, "log-", 4) == 0 &&
			(next == NULL || strncmp(file->name, next->name, 8) != 0)) {
			drop_file(file->name);
			must_find(DROP_FILE, file->name);
			put_bytes(file->name, file->bytes, file->len);
			dropped++;
		}
	}
	assert_int_equal(dropped, 3);
}

/* All of the folder as it was earlier is whole, and nobody sees it alone: who kept a later head
 * does. */
static void earlier_folder_is_found_by_a_witness(void **state)
{
	struct bd_trail_report report;
	struct bd_diag diag;

	(void)state;
	assert_true(earlier_count >= 5);
	for (size_t i = 0; i < earlier_count; i++) {
		empty_folder(folder);
		put_folder(&earlier[i]);
		assert_int_equal(verify_with(&report, NULL, &diag), BD_OK);
		assert_int_equal(verify_with(&report, &witness, &diag), BD_TRAIL_TRUNCATED);
	}
	empty_folder(folder);
	put_folder(&whole);
	assert_int_equal(verify_with(&report, &witness, &diag), BD_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mutation_is_found),
		cmocka_unit_test(every_length_is_found),
		cmocka_unit_test(forged_log_is_found),
		cmocka_unit_test(cut_at_a_border_is_found),
		cmocka_unit_test(earlier_folder_is_found_by_a_witness),
	};
	return cmocka_run_group_tests(tests, make_trail, remove_trail);
}
