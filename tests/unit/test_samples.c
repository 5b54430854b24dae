/* test_samples.c - every sample of every adapter, through intake, gives the text that stands beside
 * it.
 *
 * The list is tests/e2e/samples.tsv; the text is NAME.expected in tests/samples/SOURCE.
 * BIDUI_TEST_WRITE=1 writes it anew: then it is to be read before it is committed.
 */
#include "config/adapter.h"
#include "config/dictionary.h"
#include "intake/intake.h"
#include "record/record_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define PATH_BYTES 4096
#define NOW_MS INT64_C(1795449600000) /* 2026-11-24 */

struct collector {
	struct bd_intake_sink sink;
	struct bd_buf text;
	const struct bd_dictionary *dict;
};

static const char *top(void)
{
	const char *srcdir = getenv("srcdir");

	return srcdir != NULL ? srcdir : ".";
}

static enum bd_code on_record(
	struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag)
{
	struct collector *collector = (struct collector *)sink;

	(void)diag;
	return bd_record_text(&collector->text, record, collector->dict);
}

static enum bd_code on_reject(
	struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag)
{
	struct collector *collector = (struct collector *)sink;

	(void)diag;
	return bd_buf_printf(&collector->text,
		"reject #%lu %s %s %s %s %u:%u row %lu subjects %zu\n",
		(unsigned long)reject->index, reject->section,
		bd_code_info(reject->diag.code)->text, reject->diag.field, reject->diag.rule,
		reject->diag.place.line, reject->diag.place.column,
		(unsigned long)reject->diag.place.row, reject->subject_count);
}

static const struct bd_intake_sink_ops sink_ops = { on_record, on_reject };

static struct bd_bytes read_file(const char *path, struct bd_arena *arena)
{
	struct bd_bytes none = { NULL, 0 };
	FILE *file = fopen(path, "rb");
	struct stat status;
	char *text;

	if (file == NULL || fstat(fileno(file), &status) != 0) {
		return none;
	}
	text = bd_arena_alloc(arena, (size_t)status.st_size + 1, 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)status.st_size, file), status.st_size);
	fclose(file);
	return (struct bd_bytes){ text, (size_t)status.st_size };
}

/* Feeds in runs of `step` bytes: any cut gives the same. */
static void run(struct collector *collector, const struct bd_plan *plan, const char *feed,
	struct bd_bytes message, size_t step)
{
	const struct bd_intake_settings settings = { .dict = collector->dict,
		.plan = plan,
		.feed = bd_plan_feed(plan, feed),
		.now_ms = NOW_MS,
		.max_bytes = 1 << 24 };
	const struct bd_intake_result *result = NULL;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_intake *intake = NULL;
	enum bd_code code;

	assert_non_null(settings.feed);
	bd_buf_clear(&collector->text);
	code = bd_intake_new(&intake, &settings, &collector->sink, &diag);
	for (size_t at = 0; at < message.len && code == BD_OK; at += step) {
		size_t len = message.len - at < step ? message.len - at : step;

		code = bd_intake_feed(intake, (struct bd_bytes){ message.ptr + at, len }, &diag);
	}
	code = code == BD_OK ? bd_intake_end(intake, &result, &diag) : code;
	if (code != BD_OK) {
		/* A message that is refused has no records: what came before is dropped by the
		 * caller. */
		bd_buf_clear(&collector->text);
		bd_buf_printf(&collector->text, "refused %s field %s path %s\n",
			bd_code_info(code)->text, diag.field, diag.path);
	} else {
		bd_buf_printf(&collector->text, "received %lu accepted %lu rejected %lu subject",
			(unsigned long)result->received, (unsigned long)result->accepted,
			(unsigned long)result->rejected);
		for (size_t i = 0; i < result->subject_count; i++) {
			bd_buf_printf(&collector->text, " %u:%.*s", result->subject[i].kind,
				(int)result->subject[i].number.len, result->subject[i].number.ptr);
		}
		bd_buf_printf(&collector->text, " sections");
		for (size_t i = 0; i < result->section_count; i++) {
			bd_buf_printf(&collector->text, " %s", result->sections[i]);
		}
		for (size_t i = 0; i < result->unmapped_count; i++) {
			bd_buf_printf(&collector->text, "\nunmapped %s %lu",
				result->unmapped[i].path, (unsigned long)result->unmapped[i].count);
		}
		bd_buf_add_byte(&collector->text, '\n');
	}
	bd_intake_free(intake);
}

static void write_expected(const char *path, struct bd_bytes text)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
}

static void check_sample(
	struct collector *collector, const struct bd_plan *plan, const char *file, const char *feed)
{
	char path[PATH_BYTES], expected[PATH_BYTES], flat[PATH_BYTES];
	struct bd_bytes message, wanted;
	struct bd_arena arena;
	struct bd_buf whole;

	bd_arena_init(&arena, 1 << 24);
	snprintf(path, sizeof(path), "%s/adapters/%s", top(), file);
	snprintf(flat, sizeof(flat), "%s", file);
	for (char *at = flat; *at != '\0'; at++) {
		*at = *at == '/' ? '_' : *at;
	}
	snprintf(expected, sizeof(expected), "%s/tests/adapters/expected/%.200s.txt", top(), flat);
	message = read_file(path, &arena);
	assert_non_null(message.ptr);
	run(collector, plan, feed, message, message.len + 1);
	if (getenv("BIDUI_TEST_WRITE") != NULL) {
		write_expected(expected, bd_buf_bytes(&collector->text));
	}
	wanted = read_file(expected, &arena);
	if (!bd_bytes_equal(wanted, bd_buf_bytes(&collector->text))) {
		print_message("%s:\n%.*s", file, (int)collector->text.len, collector->text.ptr);
		fail();
	}
	bd_buf_init(&whole, 1 << 24);
	assert_int_equal(bd_buf_add(&whole, bd_buf_bytes(&collector->text)), BD_OK);
	for (size_t step = 1; step < 8; step++) {
		run(collector, plan, feed, message, step);
		if (!bd_bytes_equal(bd_buf_bytes(&whole), bd_buf_bytes(&collector->text))) {
			print_message("%s in steps of %zu:\n%.*s", file, step,
				(int)collector->text.len, collector->text.ptr);
			fail();
		}
	}
	/* Cut at every byte: refused or read, never a crash; the sanitizers watch. */
	for (size_t len = 0; len<message.len; len += message.len> 4096 ? 7 : 1) {
		run(collector, plan, feed, (struct bd_bytes){ message.ptr, len }, len + 1);
	}
	bd_buf_release(&whole);
	bd_arena_release(&arena);
}

static const struct bd_plan *compile(
	const char *source, const struct bd_dictionary *dict, struct bd_arena *arena)
{
	char folder[PATH_BYTES], schemas[PATH_BYTES], line[512];
	const struct bd_plan *plan = NULL;
	struct bd_diags *diags = calloc(1, sizeof(*diags));

	snprintf(folder, sizeof(folder), "%s/adapters/%s", top(), source);
	snprintf(schemas, sizeof(schemas), "%s/schemas", top());
	bd_config_adapter(&plan, folder, schemas, dict, arena, diags);
	for (size_t i = 0; i < diags->count; i++) {
		bd_diag_show(line, sizeof(line), &diags->items[i]);
		print_message("%s\n", line);
	}
	free(diags);
	assert_non_null(plan);
	return plan;
}

static void samples_give_their_text(void **state)
{
	char list[PATH_BYTES], common[PATH_BYTES], line[1024], file[512], feed[128];
	struct collector collector = { .sink = { &sink_ops } };
	struct bd_diag diag = { .code = BD_OK };
	const struct bd_plan *plan = NULL;
	struct bd_arena arena;
	size_t count = 0;
	FILE *rows;

	(void)state;
	bd_arena_init(&arena, 1 << 26);
	bd_buf_init(&collector.text, 1 << 24);
	snprintf(common, sizeof(common), "%s/schemas/common.xml", top());
	assert_int_equal(bd_config_dictionary(&collector.dict, common, &arena, &diag), BD_OK);
	snprintf(list, sizeof(list), "%s/tests/e2e/samples.tsv", top());
	rows = fopen(list, "r");
	assert_non_null(rows);
	while (fgets(line, sizeof(line), rows) != NULL) {
		char *slash;

		if (line[0] == '#' || sscanf(line, "%511s %127s", file, feed) != 2) {
			continue;
		}
		slash = strchr(feed, '/');
		assert_non_null(slash);
		*slash = '\0';
		if (plan == NULL || strcmp(plan->source, feed) != 0) {
			plan = compile(feed, collector.dict, &arena);
		}
		check_sample(&collector, plan, file, slash + 1);
		count++;
	}
	fclose(rows);
	assert_true(count >= 12); /* the departments' own twelve at least */
	bd_buf_release(&collector.text);
	bd_arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(samples_give_their_text) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
