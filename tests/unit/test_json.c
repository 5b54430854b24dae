/* test_json.c - tests/base/json.tsv: texts and the events that the strict reader gives of them; the
 * tree; and what the writer writes. */
#include "base/json.h"

#include "base/json_write.h"
#include "base/limits.h"
#include "rows.h"

/* -- events -- */

struct listing {
	struct bd_json_handler handler;
	struct bd_buf out;
	size_t left; /* events that are taken; then the handler refuses */
};

static enum bd_code on_event(struct bd_json_handler *handler, enum bd_json_event event,
	struct bd_bytes text, struct bd_place place, struct bd_diag *diag)
{
	static const char *const marks[] = { [BD_JSON_OBJECT_BEGIN] = "{",
		[BD_JSON_OBJECT_END] = "}",
		[BD_JSON_ARRAY_BEGIN] = "[",
		[BD_JSON_ARRAY_END] = "]",
		[BD_JSON_KEY] = "key ",
		[BD_JSON_TEXT] = "text ",
		[BD_JSON_NUMBER] = "number ",
		[BD_JSON_TRUE] = "",
		[BD_JSON_FALSE] = "",
		[BD_JSON_NULL] = "null" };
	struct listing *listing = (struct listing *)handler;

	if (listing->left == 0) {
		return bd_fail_at(diag, BD_ID_LENGTH, place, "enough");
	}
	listing->left--;
	bd_buf_printf(&listing->out, "%s%s", listing->out.len > 0 ? " " : "", marks[event]);
	if (event == BD_JSON_KEY || event == BD_JSON_TEXT || text.len > 0) {
		row_show(&listing->out, text);
	}
	return BD_OK;
}

static enum bd_code feed_copy(struct bd_json_parser *parser, struct bd_bytes bytes, size_t from,
	size_t to, struct bd_diag *diag)
{
	char *piece = malloc(to > from ? to - from : 1);
	enum bd_code code;

	assert_non_null(piece);
	memcpy(piece, bytes.ptr + from, to - from);
	code = bd_json_feed(parser, (struct bd_bytes){ piece, to - from }, diag);
	free(piece);
	return code;
}

/* In pieces of `step` bytes, the first of `first`. */
static void list_events(
	struct bd_buf *out, struct bd_bytes bytes, size_t first, size_t step, size_t events)
{
	struct listing listing = { .handler = { on_event }, .left = events };
	struct bd_json_parser *parser;
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;
	size_t at = 0;

	bd_buf_init(&listing.out, 1 << 20);
	assert_int_equal(bd_json_new(&parser, &listing.handler), BD_OK);
	code = feed_copy(parser, bytes, 0, first, &diag);
	for (at = first; code == BD_OK && at < bytes.len; at += step) {
		size_t end = at + step < bytes.len ? at + step : bytes.len;

		code = feed_copy(parser, bytes, at, end, &diag);
	}
	code = code == BD_OK ? bd_json_end(parser, &diag) : code;
	assert_int_equal(diag.code, code);
	if (code != BD_OK) {
		bd_buf_printf(&listing.out, "%s%s %u:%u", listing.out.len > 0 ? " " : "",
			bd_code_info(code)->text, diag.place.line, diag.place.column);
		/* It stays. */
		assert_int_equal(bd_json_feed(parser, bytes, NULL), code);
		assert_int_equal(bd_json_end(parser, NULL), code);
	}
	bd_json_free(parser);
	bd_buf_add(out, bd_buf_bytes(&listing.out));
	bd_buf_release(&listing.out);
}

/* -- the tree -- */

/* The same events, from the tree. */
static void list_tree(struct bd_buf *out, const struct bd_json *node)
{
	static const char *const begins[] = { [BD_JSON_IS_OBJECT] = "{",
		[BD_JSON_IS_ARRAY] = "[",
		[BD_JSON_IS_TEXT] = "text ",
		[BD_JSON_IS_NUMBER] = "number ",
		[BD_JSON_IS_BOOL] = "",
		[BD_JSON_IS_NULL] = "null" };
	size_t count = 0;

	if (node->key.ptr != NULL) {
		bd_buf_add_text(out, out->len > 0 ? " key " : "key ");
		row_show(out, node->key);
	}
	bd_buf_printf(out, "%s%s", out->len > 0 ? " " : "", begins[node->type]);
	if (node->type == BD_JSON_IS_TEXT || node->text.len > 0) {
		row_show(out, node->text);
	}
	for (const struct bd_json *child = node->first; child != NULL; child = child->next) {
		list_tree(out, child);
		count++;
	}
	assert_int_equal(count, node->count);
	if (node->type == BD_JSON_IS_OBJECT || node->type == BD_JSON_IS_ARRAY) {
		bd_buf_add_text(out, node->type == BD_JSON_IS_OBJECT ? " }" : " ]");
	}
}

/* In arenas of every size: nothing is given, and the code says why, until it is large enough. */
static void check_tree(struct bd_bytes bytes, struct bd_bytes events)
{
	struct bd_json untouched, *root = &untouched;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_buf listed;
	struct bd_arena arena;
	enum bd_code code = BD_LIMIT_BYTES, final;

	bd_arena_init(&arena, 1 << 20);
	final = bd_json_parse(&root, bytes, &arena, &diag);
	assert_int_equal(diag.code, final);
	if (final == BD_OK) {
		bd_buf_init(&listed, 1 << 20);
		list_tree(&listed, root);
		assert_true(bd_bytes_equal(bd_buf_bytes(&listed), events));
		bd_buf_release(&listed);
	} else {
		assert_ptr_equal(root, &untouched);
	}
	bd_arena_release(&arena);
	for (size_t max = 0; code != final; max += 8) {
		root = &untouched;
		bd_arena_init(&arena, max);
		code = bd_json_parse(&root, bytes, &arena, NULL);
		assert_true(code == final || code == BD_LIMIT_BYTES);
		assert_true(code == BD_OK || root == &untouched);
		assert_true(max < 1 << 20);
		bd_arena_release(&arena);
	}
}

static void answer_json(struct bd_buf *out, const struct row *row)
{
	struct bd_bytes bytes = row_column(row, 1);

	list_events(out, bytes, bytes.len, 1, SIZE_MAX);
	for (size_t first = 0; first <= bytes.len; first++) {
		for (size_t step = 1; step <= 3; step++) {
			struct bd_buf cut;

			bd_buf_init(&cut, 1 << 20);
			list_events(&cut, bytes, first, step, SIZE_MAX);
			assert_true(bd_bytes_equal(bd_buf_bytes(&cut), bd_buf_bytes(out)));
			bd_buf_release(&cut);
		}
	}
	check_tree(bytes, bd_buf_bytes(out));
}

static void each_text_gives_the_events_of_the_table(void **state)
{
	(void)state;
	check_rows("base/json.tsv", answer_json);
}

/* What the handler says is what feed says, and nothing follows. */
static void a_handler_stops_the_reader(void **state)
{
	struct bd_bytes bytes = bd_bytes_of("{\"a\":[1,true]}");

	(void)state;
	for (size_t events = 0; events < 7; events++) {
		struct bd_buf out;

		bd_buf_init(&out, 1000);
		list_events(&out, bytes, bytes.len, 1, events);
		assert_non_null(memmem(out.ptr, out.len, "id.length 1:", 12));
		bd_buf_release(&out);
	}
}

/* -- limits -- */

static enum bd_code read_repeated(
	const char *before, char byte, size_t count, const char *behind, struct bd_diag *diag)
{
	struct bd_buf text, out;
	struct listing listing = { .handler = { on_event }, .left = SIZE_MAX };
	struct bd_json_parser *parser;
	enum bd_code code;

	bd_buf_init(&text, 1 << 22);
	bd_buf_init(&out, 1 << 22);
	bd_buf_init(&listing.out, 1 << 22);
	bd_buf_add_text(&text, before);
	for (size_t i = 0; i < count; i++) {
		bd_buf_add_byte(&text, byte);
	}
	bd_buf_add_text(&text, behind);
	assert_int_equal(bd_json_new(&parser, &listing.handler), BD_OK);
	code = bd_json_feed(parser, bd_buf_bytes(&text), diag);
	code = code == BD_OK ? bd_json_end(parser, diag) : code;
	bd_json_free(parser);
	bd_buf_release(&text);
	bd_buf_release(&out);
	bd_buf_release(&listing.out);
	return code;
}

static void texts_numbers_and_depth_have_limits(void **state)
{
	struct bd_diag diag = { .code = BD_OK };

	(void)state;
	assert_int_equal(read_repeated("\"", 'x', BD_FIELD_MAX_BYTES, "\"", &diag), BD_OK);
	assert_int_equal(
		read_repeated(" \"", 'x', BD_FIELD_MAX_BYTES + 1, "\"", &diag), BD_LIMIT_BYTES);
	assert_int_equal(diag.place.column, 2);
	bd_diag_clear(&diag);
	assert_int_equal(
		read_repeated("{\"", 'k', BD_FIELD_MAX_BYTES + 1, "\":1}", &diag), BD_LIMIT_BYTES);
	bd_diag_clear(&diag);
	assert_int_equal(read_repeated("", '1', 64, "", &diag), BD_OK);
	assert_int_equal(read_repeated("", '1', 65, "", &diag), BD_LIMIT_BYTES);
	bd_diag_clear(&diag);
	assert_int_equal(read_repeated("", '[', BD_DEPTH_MAX, "", &diag), BD_MESSAGE_TRUNCATED);
	bd_diag_clear(&diag);
	assert_int_equal(read_repeated("", '[', BD_DEPTH_MAX + 1, "", &diag), BD_LIMIT_DEPTH);
	assert_int_equal(diag.place.column, BD_DEPTH_MAX + 1);
}

/* Many keys in one object and in many: each once, and the one that stands twice is found. */
static void a_key_is_found_among_thousands(void **state)
{
	struct bd_buf text;
	struct bd_json *root;
	struct bd_arena arena;
	struct bd_diag diag = { .code = BD_OK };
	char key[32];

	(void)state;
	bd_buf_init(&text, 1 << 22);
	bd_arena_init(&arena, 1 << 24);
	bd_buf_add_byte(&text, '{');
	for (size_t i = 0; i < 20000; i++) {
		bd_buf_printf(&text, "\"k%zu\":{\"k%zu\":0},", i, i);
	}
	bd_buf_add_text(&text, "\"last\":1}");
	assert_int_equal(bd_json_parse(&root, bd_buf_bytes(&text), &arena, &diag), BD_OK);
	assert_int_equal(root->count, 20001);
	snprintf(key, sizeof(key), "k%d", 12345);
	assert_non_null(bd_json_get(bd_json_get(root, key), key));
	assert_null(bd_json_get(root, "k20000"));
	assert_null(bd_json_get(bd_json_get(root, "last"), "x"));
	assert_null(bd_json_get(NULL, "x"));
	text.len--;
	bd_buf_add_text(&text, ",\"k777\":1}");
	assert_int_equal(
		bd_json_parse(&root, bd_buf_bytes(&text), &arena, &diag), BD_JSON_DUPLICATE);
	bd_arena_release(&arena);
	bd_buf_release(&text);
}

/* -- writing -- */

/* Members in parts: first in an object, and behind others. */
static void write_parts(struct bd_json_writer *w)
{
	char room[BD_JW_INTEGER_BYTES];
	const struct bd_bytes parts[] = { bd_bytes_of("\"plain\":\""), bd_bytes_of("market"),
		bd_bytes_of("\",\"same\":"), bd_jw_time_text(w, INT64_C(1780277400000)) };
	const struct bd_bytes more[] = { bd_bytes_of("\"more\":"), bd_jw_digits(room, INT64_MIN) };

	bd_jw_object(w, "parts");
	bd_jw_parts(w, parts, 4);
	bd_jw_time(w, "other", INT64_C(1780277400001));
	bd_jw_parts(w, more, 2);
	bd_jw_object_end(w);
}

static void write_all(struct bd_json_writer *w)
{
	bd_jw_object(w, NULL);
	bd_jw_text(w, "text", "林\"\\\b\n\x01\x1F/\x7F");
	bd_jw_bytes(w, "nul", (struct bd_bytes){ "a\0b", 3 });
	bd_jw_bytes(w, "none", (struct bd_bytes){ NULL, 0 });
	bd_jw_i64(w, "least", INT64_MIN);
	bd_jw_i64(w, "most", INT64_MAX);
	bd_jw_u64(w, "all", UINT64_MAX);
	bd_jw_i64(w, "zero", 0);
	bd_jw_bool(w, "yes", true);
	bd_jw_bool(w, "no", false);
	bd_jw_null(w, "nothing");
	bd_jw_raw(w, "raw", bd_bytes_of("[1,{}]"));
	bd_jw_time(w, "time", INT64_C(1780277400000));
	bd_jw_time(w, "never", 0);
	write_parts(w);
	bd_jw_array(w, "list");
	bd_jw_array(w, NULL);
	bd_jw_array_end(w);
	bd_jw_object(w, NULL);
	bd_jw_object_end(w);
	bd_jw_text(w, NULL, "a long text of plain letters, \"quoted\" once");
	bd_jw_array_end(w);
	bd_jw_object_end(w);
}

static const char written[] =
	"{\"text\":\"林\\\"\\\\\\u0008\\u000a\\u0001\\u001f/"
	"\x7F\",\"nul\":\"a\\u0000b\",\"none\":\"\","
	"\"least\":-9223372036854775808,\"most\":9223372036854775807,"
	"\"all\":18446744073709551615,\"zero\":0,\"yes\":true,\"no\":false,\"nothing\":null,"
	"\"raw\":[1,{}],\"time\":\"2026-06-01T09:30:00.000+08:00\",\"never\":null,"
	"\"parts\":{\"plain\":\"market\",\"same\":\"2026-06-01T09:30:00.000+08:00\","
	"\"other\":\"2026-06-01T09:30:00.001+08:00\",\"more\":-9223372036854775808},"
	"\"list\":[[],{},\"a long text of plain letters, \\\"quoted\\\" once\"]}";

/* In buffers of every length too short: the first failure is kept, and nothing follows it. */
static void what_is_written_is_read_again(void **state)
{
	struct bd_json_writer w;
	struct bd_json *root;
	struct bd_arena arena;

	(void)state;
	for (size_t max = 0; max <= sizeof(written); max++) {
		struct bd_buf out;

		bd_buf_init(&out, max);
		bd_jw_init(&w, &out);
		write_all(&w);
		assert_true(out.len <= max);
		assert_memory_equal(out.len > 0 ? out.ptr : "", written, out.len);
		/* Some bytes of room ahead of what a member needs are asked for. */
		assert_true(max > sizeof(written) - 2 || w.code == BD_LIMIT_BYTES);
		bd_buf_release(&out);
	}
	struct bd_buf out;

	bd_buf_init(&out, 4096);
	bd_arena_init(&arena, 1 << 20);
	bd_jw_init(&w, &out);
	write_all(&w);
	assert_int_equal(w.code, BD_OK);
	assert_true(bd_bytes_is(bd_buf_bytes(&out), written));
	assert_int_equal(bd_json_parse(&root, bd_buf_bytes(&out), &arena, NULL), BD_OK);
	assert_true(bd_bytes_equal(bd_json_get(root, "nul")->text, (struct bd_bytes){ "a\0b", 3 }));
	assert_true(bd_bytes_is(bd_json_get(root, "text")->text, "林\"\\\b\n\x01\x1F/\x7F"));
	bd_arena_release(&arena);
	bd_buf_release(&out);
}

/* Every byte that is a character, at every place of a text: eight are looked at together. */
static void every_ascii_character_is_written_at_every_place(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 0x80; byte++) {
		for (size_t at = 0; at < 20; at++) {
			char text[20];
			struct bd_buf out;
			struct bd_json_writer w;
			struct bd_json *root;
			struct bd_arena arena;

			memset(text, 'x', sizeof(text));
			text[at] = (char)byte;
			bd_buf_init(&out, 1000);
			bd_arena_init(&arena, 1 << 16);
			bd_jw_init(&w, &out);
			bd_jw_bytes(&w, NULL, (struct bd_bytes){ text, sizeof(text) });
			assert_int_equal(w.code, BD_OK);
			assert_int_equal(
				bd_json_parse(&root, bd_buf_bytes(&out), &arena, NULL), BD_OK);
			assert_true(bd_bytes_equal(
				root->text, (struct bd_bytes){ text, sizeof(text) }));
			assert_int_equal(
				out.len, 22 + (byte < 0x20 ? 5 : byte == '"' || byte == '\\'));
			bd_arena_release(&arena);
			bd_buf_release(&out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_gives_the_events_of_the_table),
		cmocka_unit_test(a_handler_stops_the_reader),
		cmocka_unit_test(texts_numbers_and_depth_have_limits),
		cmocka_unit_test(a_key_is_found_among_thousands),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(every_ascii_character_is_written_at_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
