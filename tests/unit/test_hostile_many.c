/* test_hostile_many.c - some thousand inputs that are wrong by the way they are made, of every
 * sample of every adapter: each is refused by a code and a place, and no value is told.
 *
 * Reliability promise 7. What is put in, and where, comes from a generator with a fixed seed. With
 * BIDUI_HOSTILE_WRITE=FOLDER every so manyth input is also written there, for tests/e2e/hostile.sh:
 * FOLDER/list has NUMBER, FEED and "gzip" or "-", a line each.
 */
#include "base/limits.h"
#include "intake_support.h"

#include <zlib.h>

#define INPUTS_LEAST 3000
#define SEED UINT64_C(0x9E3779B97F4A7C15)
#define PLACES 6 /* of each kind, in each sample */
#define WRITE_EACH 23

struct suite {
	struct intake_log log;
	struct bd_intake_settings settings;
	const char *feed; /* SOURCE/FEED */
	struct bd_bytes sample;
	struct bd_buf made;
	uint64_t random;
	uint64_t count, by_reject;
	uint64_t codes[BD_CODE_COUNT];
	FILE *list; /* NULL = nothing is written */
	const char *folder;
};

/* Marsaglia's xorshift64. */
static size_t draw(struct suite *suite, size_t below)
{
	suite->random ^= suite->random << 13;
	suite->random ^= suite->random >> 7;
	suite->random ^= suite->random << 17;
	return below == 0 ? 0 : (size_t)(suite->random % below);
}

/* -- one input -- */

static bool has_place(const struct bd_diag *diag)
{
	return diag->place.line > 0 || diag->place.row > 0 || diag->place.offset > 0 ||
	       diag->path[0] != '\0' || diag->code == BD_MESSAGE_EMPTY;
}

struct watch {
	struct bd_intake_sink sink;
	struct suite *suite;
	uint64_t records, rejects;
	const char *wrong; /* NULL = nothing is */
};

static enum bd_code on_record(
	struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag)
{
	/* That a section is there, and empty, is said by a record too. */
	((struct watch *)sink)->records += record->action != BD_ACTION_SECTION;
	(void)diag;
	return BD_OK;
}

static enum bd_code on_reject(
	struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag)
{
	struct watch *watch = (struct watch *)sink;
	int status = bd_code_info(reject->diag.code)->status;

	(void)diag;
	watch->rejects++;
	intake_check_diag(&reject->diag);
	watch->suite->codes[reject->diag.code]++;
	if (status < 400 || status >= 500 || !has_place(&reject->diag)) {
		watch->wrong = "a reject without its code or place";
	}
	return BD_OK;
}

static const struct bd_intake_sink_ops watch_ops = { on_record, on_reject };

static void write_input(const struct suite *suite, struct bd_bytes input)
{
	char path[400];
	FILE *file;

	if (suite->list == NULL || suite->count % WRITE_EACH != 0) {
		return;
	}
	fprintf(suite->list, "%" PRIu64 " %s %s\n", suite->count, suite->feed,
		suite->settings.is_gzip ? "gzip" : "-");
	snprintf(path, sizeof(path), "%s/%" PRIu64, suite->folder, suite->count);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(input.ptr, 1, input.len, file), input.len);
	assert_int_equal(fclose(file), 0);
}

/* NULL, or what is wrong with how it was refused. */
static const char *refuse(struct suite *suite, struct bd_bytes input)
{
	struct watch watch = { .sink = { &watch_ops }, .suite = suite };
	const struct bd_intake_result *result = NULL;
	struct bd_intake *intake = NULL;
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code = bd_intake_new(&intake, &suite->settings, &watch.sink, &diag);

	code = code == BD_OK ? bd_intake_feed(intake, input, &diag) : code;
	code = code == BD_OK ? bd_intake_end(intake, &result, &diag) : code;
	if (code == BD_OK) {
		suite->by_reject++;
		if (result->accepted > 0 || result->rejected == 0) {
			watch.wrong = "it was taken";
		}
	} else {
		int status = bd_code_info(code)->status;

		intake_check_diag(&diag);
		suite->codes[code]++;
		if (status < 400 || status >= 500) {
			watch.wrong = "not the sender's fault";
		} else if (!has_place(&diag)) {
			watch.wrong = "no place";
		}
	}
	if (watch.wrong != NULL && code != BD_OK) {
		print_error("%s at %u:%u row %" PRIu64 " offset %" PRIu64 " %s\n",
			bd_code_info(code)->text, diag.place.line, diag.place.column,
			diag.place.row, diag.place.offset, diag.detail);
	}
	bd_intake_free(intake);
	return watch.wrong;
}

static void check(struct suite *suite, const char *kind, size_t at)
{
	struct bd_bytes input = bd_buf_bytes(&suite->made);
	const char *wrong = refuse(suite, input);

	write_input(suite, input);
	suite->count++;
	if (wrong != NULL) {
		fail_msg("%s, %s at %zu: %s", suite->feed, kind, at, wrong);
	}
}

/* -- how they are made -- */

static void join(
	struct suite *suite, struct bd_bytes first, struct bd_bytes second, struct bd_bytes third)
{
	bd_buf_clear(&suite->made);
	assert_int_equal(bd_buf_add(&suite->made, first), BD_OK);
	assert_int_equal(bd_buf_add(&suite->made, second), BD_OK);
	assert_int_equal(bd_buf_add(&suite->made, third), BD_OK);
}

/* `bytes` between what stands before `at` of `text` and what stands behind. */
static void insert(struct suite *suite, struct bd_bytes text, size_t at, struct bd_bytes bytes)
{
	join(suite, (struct bd_bytes){ text.ptr, at }, bytes,
		(struct bd_bytes){ text.ptr + at, text.len - at });
}

#define PIECE(text)                                                                                \
	{                                                                                          \
#text,                                                                             \
		{                                                                                  \
			text, sizeof(text) - 1                                                     \
		}                                                                                  \
	}

struct piece {
	const char *kind;
	struct bd_bytes bytes;
};

/* Behind a '>', wherever it stands: no document is well-formed with one of these in it. */
static const struct piece xml_pieces[] = { PIECE("\0"), PIECE("\xff"), PIECE("\x08"), PIECE("<"),
	PIECE("&nosuch;"), PIECE("<a b='1' b='2'/>"), PIECE("<x>"), PIECE("</x>"),
	PIECE("<!DOCTYPE x [<!ENTITY a 'b'>]>"), PIECE("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>"),
	PIECE("<a"), PIECE("&#0;"), PIECE("&#xD800;"), PIECE("\xed\xa0\x80"), PIECE("\xc0\xbc"),
	PIECE("<?xml version='1.0'?>"), PIECE("<!-- -- -->"), PIECE("<a b=c/>"), PIECE("<1/>"),
	PIECE("<a b='<'/>") };

/* Of JSON, behind '{', ',' or ':' outside of texts. */
static const struct piece json_between[] = { PIECE("\0"), PIECE("\xff"), PIECE("\x08"), PIECE(","),
	PIECE("}"), PIECE("]"), PIECE("x"), PIECE("\""), PIECE("{"), PIECE("//"), PIECE("'"),
	PIECE("\xef\xbb\xbf"), PIECE("NaN"), PIECE("01"), PIECE("[") };
/* Within a text. */
static const struct piece json_inside[] = { PIECE("\n"), PIECE("\0"), PIECE("\x1f"), PIECE("\\x"),
	PIECE("\\ud800"), PIECE("\\udc00"), PIECE("\\u12g4"), PIECE("\xff"), PIECE("\xc0\xaf"),
	PIECE("\xed\xa0\x80"), PIECE("\xf4\x90\x80\x80"), PIECE("\xe4\xb8") };
/* Anywhere in a row that is split at U+0001: no charset of ours has FF, wherever it stands, nor 80
 * after a byte that may itself be a second one. */
static const struct piece row_pieces[] = { PIECE("\xff"), PIECE("\xff\xff"), PIECE("\x80\x80"),
	PIECE("\x81\xff"), PIECE("\x81\x30\xff"), PIECE("\xfe\x39\xff\x39"), PIECE("\1"),
	PIECE("\1\1\1") };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A place in the text that `is_good`, from a random one on; SIZE_MAX = there is none. */
static size_t place(
	struct suite *suite, bool (*is_good)(struct bd_bytes text, size_t at), struct bd_bytes text)
{
	size_t first = draw(suite, text.len);

	for (size_t i = 0; i < text.len; i++) {
		size_t at = (first + i) % text.len;

		if (is_good(text, at)) {
			return at;
		}
	}
	return SIZE_MAX;
}

static void insert_each(struct suite *suite, struct bd_bytes text, const struct piece *pieces,
	size_t count, bool (*is_good)(struct bd_bytes text, size_t at))
{
	for (size_t i = 0; i < count; i++) {
		for (size_t n = 0; n < PLACES; n++) {
			size_t at = place(suite, is_good, text);

			if (at != SIZE_MAX) {
				insert(suite, text, at, pieces[i].bytes);
				check(suite, pieces[i].kind, at);
			}
		}
	}
}

/* Cut anywhere before its last byte that counts. */
static void cut_each(struct suite *suite, struct bd_bytes text)
{
	size_t len = text.len;

	while (len > 0 && strchr(" \r\n\t", text.ptr[len - 1]) != NULL) {
		len--;
	}
	for (size_t n = 0; n < (size_t)PLACES * 3; n++) {
		size_t at = draw(suite, len);

		insert(suite, (struct bd_bytes){ text.ptr, at }, at, (struct bd_bytes){ "", 0 });
		check(suite, "cut", at);
	}
}

/* -- XML -- */

/* Behind the first element's begin, before the last one's end. */
static bool is_behind_tag(struct bd_bytes text, size_t at)
{
	size_t root = 0;

	while (root + 1 < text.len && (text.ptr[root] != '<' || text.ptr[root + 1] == '?')) {
		root++;
	}
	return at > root + 1 && text.ptr[at - 1] == '>' && at + 2 < text.len &&
	       memchr(text.ptr + at, '<', text.len - at) != NULL &&
	       memchr(text.ptr + root, '>', at - root) != NULL;
}

static void break_xml(struct suite *suite)
{
	struct bd_bytes text = suite->sample;

	insert_each(suite, text, xml_pieces, COUNT(xml_pieces), is_behind_tag);
	cut_each(suite, text);
	for (size_t n = 0; n < PLACES; n++) {
		char deep[3 * (BD_DEPTH_MAX + 8) + 1] = "";
		size_t at = place(suite, is_behind_tag, text);

		for (size_t i = 0; i < BD_DEPTH_MAX + 8; i++) {
			memcpy(deep + 3 * i, "<x>", 3);
		}
		insert(suite, text, at, bd_bytes_of(deep));
		check(suite, "deep", at);
	}
	insert(suite, text, 0, bd_bytes_of("x"));
	check(suite, "text before", 0);
	for (size_t at = 1; at < text.len; at++) {
		if (text.ptr[at] == '<' && text.ptr[at + 1] != '?') {
			insert(suite, text, at, bd_bytes_of("<!DOCTYPE x [<!ENTITY % p 'y'>%p;]>"));
			check(suite, "a doctype", at);
			break;
		}
	}
	insert(suite, text, text.len, bd_bytes_of("<x/>"));
	check(suite, "an element behind", text.len);
	insert(suite, text, text.len, bd_bytes_of("x"));
	check(suite, "text behind", text.len);
	insert(suite, text, 0, (struct bd_bytes){ "\xfe\xff", 2 });
	check(suite, "a mark of UTF-16", 0);
}

/* -- JSON -- */

/* Is `at` within a text? Not right behind a backslash, which would take what is put in. */
static bool is_in_text(struct bd_bytes text, size_t at)
{
	bool is_inside = false, is_escaped = false;

	for (size_t i = 0; i < at; i++) {
		if (is_escaped) {
			is_escaped = false;
		} else if (is_inside && text.ptr[i] == '\\') {
			is_escaped = true;
		} else if (text.ptr[i] == '"') {
			is_inside = !is_inside;
		}
	}
	return is_inside && !is_escaped;
}

static bool is_in_plain_text(struct bd_bytes text, size_t at)
{
	/* Nor within an escape that began before, nor between the bytes of a character. */
	for (size_t i = at > 6 ? at - 6 : 0; i < at; i++) {
		if (text.ptr[i] == '\\') {
			return false;
		}
	}
	return is_in_text(text, at);
}

static bool is_between(struct bd_bytes text, size_t at)
{
	return at > 0 && strchr("{,:", text.ptr[at - 1]) != NULL && text.ptr[at - 1] != '\0' &&
	       !is_in_text(text, at - 1);
}

static bool is_in_object(struct bd_bytes text, size_t at)
{
	return at > 0 && text.ptr[at - 1] == '{' && at < text.len && text.ptr[at] == '"' &&
	       !is_in_text(text, at - 1);
}

static void break_json(struct suite *suite)
{
	struct bd_bytes text = suite->sample;
	size_t at;

	insert_each(suite, text, json_between, COUNT(json_between), is_between);
	insert_each(suite, text, json_inside, COUNT(json_inside), is_in_plain_text);
	cut_each(suite, text);
	for (size_t n = 0; n < PLACES; n++) {
		char twice[128];
		const char *end;

		/* The first key of an object, before itself. */
		at = place(suite, is_in_object, text);
		end = at != SIZE_MAX ? memchr(text.ptr + at + 1, '"', text.len - at - 1) : NULL;
		assert_non_null(end);
		snprintf(twice, sizeof(twice), "%.*s:0,", (int)(end + 1 - (text.ptr + at)),
			text.ptr + at);
		insert(suite, text, at, bd_bytes_of(twice));
		check(suite, "key twice", at);
	}
	insert(suite, text, text.len, bd_bytes_of("{}"));
	check(suite, "a value behind", text.len);
	insert(suite, text, text.len, (struct bd_bytes){ "", 1 });
	check(suite, "NUL behind", text.len);
}

/* -- rows -- */

static bool is_anywhere(struct bd_bytes text, size_t at)
{
	return at < text.len;
}

/* The first row alone, so that nothing of the message is good. */
static void break_rows(struct suite *suite)
{
	struct bd_bytes row = suite->sample;
	const char *end = memchr(row.ptr, '\n', row.len);
	const char *separator;

	assert_non_null(end);
	row.len = (size_t)(end - row.ptr);
	insert_each(suite, row, row_pieces, COUNT(row_pieces), is_anywhere);
	insert(suite, row, row.len, (struct bd_bytes){ "\x81", 1 });
	check(suite, "half a character at the end", row.len);
	separator = memchr(row.ptr, '\1', row.len);
	assert_non_null(separator);
	join(suite, (struct bd_bytes){ row.ptr, (size_t)(separator - row.ptr) },
		(struct bd_bytes){ "\n", 1 },
		(struct bd_bytes){ separator + 1, row.len - (size_t)(separator + 1 - row.ptr) });
	check(suite, "a line feed for a separator", 0);
	join(suite, (struct bd_bytes){ row.ptr, (size_t)(separator - row.ptr) },
		(struct bd_bytes){ "", 0 },
		(struct bd_bytes){ separator + 1, row.len - (size_t)(separator + 1 - row.ptr) });
	check(suite, "a separator less", 0);
}

static const struct piece csv_pieces[] = { PIECE("\xff"), PIECE("\x80\x80"), PIECE("\x81\x30\xff"),
	PIECE("\0"), PIECE("\x08"), PIECE("\"x"), PIECE(","), PIECE(",,") };

/* In the first row behind the header. */
static bool is_in_row(struct bd_bytes text, size_t at)
{
	const char *end = memchr(text.ptr, '\n', text.len);
	size_t first = (size_t)(end + 1 - text.ptr);
	const char *last = memchr(end + 1, '\n', text.len - first);

	return at > first && at < (size_t)(last - text.ptr);
}

static void break_csv(struct suite *suite)
{
	for (int i = 0; i < 5; i++) {
		insert_each(suite, suite->sample, csv_pieces, COUNT(csv_pieces), is_in_row);
	}
}

/* -- gzip -- */

static void compress_sample(struct suite *suite, struct bd_buf *out)
{
	z_stream stream = { .next_in = (Bytef *)(uintptr_t)suite->sample.ptr,
		.avail_in = (uInt)suite->sample.len };
	uLong room;

	assert_int_equal(
		deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	room = deflateBound(&stream, stream.avail_in);
	assert_int_equal(bd_buf_reserve(out, room), BD_OK);
	stream.next_out = (Bytef *)out->ptr;
	stream.avail_out = (uInt)room;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	out->len = stream.total_out;
	deflateEnd(&stream);
}

static void break_gzip(struct suite *suite)
{
	struct bd_buf zip;
	struct bd_bytes text;

	bd_buf_init(&zip, 1 << 20);
	compress_sample(suite, &zip);
	text = bd_buf_bytes(&zip);
	suite->settings.is_gzip = true;
	for (size_t n = 0; n < 4; n++) {
		/* A cut of the first byte alone is a gzip file that has not begun. */
		size_t at = 1 + draw(suite, text.len - 1);

		insert(suite, (struct bd_bytes){ text.ptr, at }, at, (struct bd_bytes){ "", 0 });
		check(suite, "gzip cut", at);
	}
	for (size_t at = text.len - 8; at < text.len; at += 3) {
		insert(suite, text, text.len, (struct bd_bytes){ "", 0 });
		suite->made.ptr[at] ^= 0x55;
		check(suite, "gzip check changed", at);
	}
	insert(suite, text, text.len, bd_bytes_of("x"));
	check(suite, "gzip with more behind", text.len);
	suite->settings.is_gzip = false;
	bd_buf_release(&zip);
}

/* -- all samples -- */

static void break_sample(struct suite *suite)
{
	switch (suite->settings.feed->format) {
	case BD_FORMAT_XML:
		break_xml(suite);
		break;
	case BD_FORMAT_JSON:
		break_json(suite);
		break;
	case BD_FORMAT_DELIMITED:
		break_rows(suite);
		break;
	case BD_FORMAT_CSV:
		break_csv(suite);
		break;
	case BD_FORMAT_FIXED:
		break;
	}
	break_gzip(suite);
}

/* Was it refused for what it is? Each kind of fault has been met. */
static void check_codes(const struct suite *suite)
{
	static const enum bd_code met[] = { BD_XML_SYNTAX, BD_XML_DOCTYPE, BD_XML_ENTITY,
		BD_JSON_SYNTAX, BD_JSON_DUPLICATE, BD_TEXT_ENCODING, BD_TEXT_CONTROL,
		BD_LIMIT_DEPTH, BD_MESSAGE_TRUNCATED, BD_GZIP_DATA, BD_ROW_SHORT, BD_ROW_LONG,
		BD_CSV_QUOTE };

	for (size_t i = 0; i < COUNT(met); i++) {
		if (suite->codes[met[i]] == 0) {
			fail_msg("nothing was refused as %s", bd_code_info(met[i])->text);
		}
	}
	for (size_t i = 1; i < BD_CODE_COUNT; i++) {
		if (suite->codes[i] > 0) {
			print_message("# %-24s %" PRIu64 "\n", bd_code_info((enum bd_code)i)->text,
				suite->codes[i]);
		}
	}
	print_message("# %" PRIu64 " inputs, %" PRIu64 " of them by their records\n", suite->count,
		suite->by_reject);
}

static void many_bad_inputs_are_refused(void **state)
{
	struct suite suite = { .random = SEED, .folder = getenv("BIDUI_HOSTILE_WRITE") };
	char line[1024], file[512], feed[128], path[600];
	const struct bd_plan *plan = NULL;
	struct bd_arena arena;
	FILE *rows;

	(void)state;
	bd_arena_init(&arena, ARENA_MAX);
	bd_buf_init(&suite.made, 1 << 24);
	suite.log.dict = read_dictionary(&arena);
	if (suite.folder != NULL) {
		snprintf(path, sizeof(path), "%s/list", suite.folder);
		suite.list = fopen(path, "w");
		assert_non_null(suite.list);
	}
	rows = fopen(source_path(&arena, "tests/e2e/samples.tsv"), "r");
	assert_non_null(rows);
	while (fgets(line, sizeof(line), rows) != NULL) {
		char source[128], *slash;
		int code;

		if (line[0] == '#' ||
			sscanf(line, "%511s %127s %*s %*s %d", file, feed, &code) != 3 ||
			code != 0) {
			continue;
		}
		snprintf(source, sizeof(source), "%s", feed);
		slash = strchr(source, '/');
		assert_non_null(slash);
		*slash = '\0';
		if (plan == NULL || strcmp(plan->source, source) != 0) {
			snprintf(path, sizeof(path), "adapters/%s", source);
			plan = intake_plan(path, suite.log.dict, &arena);
		}
		snprintf(path, sizeof(path), "adapters/%s", file);
		suite.feed = feed;
		suite.settings = intake_settings(suite.log.dict, plan, slash + 1);
		suite.sample = intake_file(source_path(&arena, path), &arena);
		assert_non_null(suite.sample.ptr);
		break_sample(&suite);
	}
	fclose(rows);
	if (suite.list != NULL) {
		assert_int_equal(fclose(suite.list), 0);
	}
	assert_true(suite.count >= INPUTS_LEAST);
	check_codes(&suite);
	bd_buf_release(&suite.made);
	bd_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(many_bad_inputs_are_refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
