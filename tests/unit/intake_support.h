/* intake_support.h - what the tests of intake share: adapters compiled from their folders, messages
 * run through intake in pieces, and all that came out as one text. */
#ifndef BD_TESTS_INTAKE_SUPPORT_H
#define BD_TESTS_INTAKE_SUPPORT_H

#include "base/text.h"
#include "config/adapter.h"
#include "config_support.h"
#include "intake/intake.h"
#include "record/record_text.h"

#include <inttypes.h>

#define INTAKE_NOW_MS INT64_C(1795449600000) /* 2026-11-24 */
#define INTAKE_MAX_BYTES (UINT64_C(1) << 26)

struct intake_log {
	struct bd_intake_sink sink; /* first member */
	struct bd_buf text;
	const struct bd_dictionary *dict;
	bool is_counting; /* records and rejects are counted, not written */
	uint64_t records, rejects, markers;
};

static inline enum bd_code intake_log_record(
	struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag)
{
	struct intake_log *log = (struct intake_log *)sink;

	(void)diag;
	log->records++;
	log->markers += record->action == BD_ACTION_SECTION;
	return log->is_counting ? BD_OK : bd_record_text(&log->text, record, log->dict);
}

/* Bytes that a person cannot read, or all that are not ASCII where they are no UTF-8, as \\xNN. */
static inline void intake_log_bytes(struct bd_buf *text, struct bd_bytes bytes, bool is_utf8)
{
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[i];

		if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !is_utf8)) {
			bd_buf_printf(text, "\\x%02X", byte);
		} else {
			bd_buf_add_byte(text, bytes.ptr[i]);
		}
	}
}

/* A receipt tells names of ours and places: nothing that the message holds. */
static inline void intake_check_diag(const struct bd_diag *diag)
{
	static const char *const values[] = { "440311", "林", "示例", "MAXXXXX" };
	const char *const texts[] = { diag->file, diag->path, diag->field, diag->rule,
		diag->detail };

	assert_true(diag->code != BD_OK);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
			assert_null(strstr(texts[i], values[j]));
		}
	}
}

static inline enum bd_code intake_log_reject(
	struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag)
{
	struct intake_log *log = (struct intake_log *)sink;

	(void)diag;
	log->rejects++;
	intake_check_diag(&reject->diag);
	if (log->is_counting) {
		return BD_OK;
	}
	bd_buf_printf(&log->text, "reject #%" PRIu64 " %s %s", reject->index, reject->section,
		bd_code_info(reject->diag.code)->text);
	bd_buf_printf(&log->text, " field '%s' rule '%s' at %u:%u row %" PRIu64 " %s\n",
		reject->diag.field, reject->diag.rule, reject->diag.place.line,
		reject->diag.place.column, reject->diag.place.row, reject->diag.detail);
	for (size_t i = 0; i < reject->entity_count; i++) {
		bd_buf_printf(&log->text, "  entity %s\n",
			bd_dictionary_entity_number(log->dict, reject->entities[i])->name);
	}
	if (reject->is_message_subject) {
		bd_buf_add_text(&log->text, "  of the message's subject\n");
	}
	for (size_t i = 0; i < reject->subject_count; i++) {
		bd_buf_printf(&log->text, "  of %u %.*s\n", reject->subject[i].kind,
			(int)reject->subject[i].number.len, reject->subject[i].number.ptr);
	}
	bd_buf_printf(&log->text, "  order %d rank %u%s", (int)reject->order_kind,
		reject->order.rank, reject->is_message_order ? " of the message" : "");
	bd_buf_printf(&log->text, " at %" PRId64 "\n", reject->order.order);
	for (size_t at = 0; at < reject->raw.len;) {
		const char *line = reject->raw.ptr + at;
		const char *end = memchr(line, '\n', reject->raw.len - at);
		size_t len = end != NULL ? (size_t)(end - line) : reject->raw.len - at;

		bd_buf_add_text(&log->text, "  raw ");
		intake_log_bytes(
			&log->text, (struct bd_bytes){ line, len }, bd_text_is_utf8(reject->raw));
		bd_buf_add_byte(&log->text, '\n');
		at += len + 1;
	}
	return BD_OK;
}

static const struct bd_intake_sink_ops intake_log_ops = { intake_log_record, intake_log_reject };

static inline void intake_log_init(struct intake_log *log, const struct bd_dictionary *dict)
{
	*log = (struct intake_log){ .sink = { &intake_log_ops }, .dict = dict };
	bd_buf_init(&log->text, (size_t)1 << 26);
}

static inline void intake_log_clear(struct intake_log *log)
{
	bd_buf_clear(&log->text);
	log->records = log->rejects = log->markers = 0;
}

/* Compiled from the folder, in which nothing may be wrong. */
static inline const struct bd_plan *intake_plan(
	const char *folder, const struct bd_dictionary *dict, struct bd_arena *arena)
{
	const struct bd_plan *plan = NULL;
	struct bd_diags *diags = calloc(1, sizeof(*diags));

	assert_non_null(diags);
	bd_config_adapter(&plan, source_path(arena, folder), source_path(arena, "schemas"), dict,
		arena, diags);
	if (plan == NULL) {
		char *text = diags_text(diags);

		print_error("%s:\n%s", folder, text);
		free(text);
	}
	free(diags);
	assert_non_null(plan);
	return plan;
}

static inline struct bd_intake_settings intake_settings(
	const struct bd_dictionary *dict, const struct bd_plan *plan, const char *feed)
{
	const struct bd_intake_settings settings = { .dict = dict,
		.plan = plan,
		.feed = bd_plan_feed(plan, feed),
		.now_ms = INTAKE_NOW_MS,
		.max_bytes = INTAKE_MAX_BYTES };

	assert_non_null(settings.feed);
	return settings;
}

static inline void intake_log_result(struct intake_log *log, const struct bd_intake_result *result)
{
	struct bd_buf *text = &log->text;

	bd_buf_printf(text, "received %" PRIu64 " accepted %" PRIu64 " rejected %" PRIu64,
		result->received, result->accepted, result->rejected);
	bd_buf_add_text(text, " subject");
	for (size_t i = 0; i < result->subject_count; i++) {
		bd_buf_printf(text, " %u:%.*s", result->subject[i].kind,
			(int)result->subject[i].number.len, result->subject[i].number.ptr);
	}
	bd_buf_add_text(text, " sections");
	for (size_t i = 0; i < result->section_count; i++) {
		bd_buf_printf(text, " %s", result->sections[i]);
	}
	for (size_t i = 0; i < result->unmapped_count; i++) {
		bd_buf_printf(text, "\nunmapped %s %" PRIu64, result->unmapped[i].path,
			result->unmapped[i].count);
	}
	bd_buf_add_byte(text, '\n');
}

/* The whole message in runs of `step` bytes, 0 = at once. What came out is log->text; of a message
 * that is refused only that, as its records are dropped by whoever asked. */
static inline enum bd_code intake_run(struct intake_log *log,
	const struct bd_intake_settings *settings, struct bd_bytes message, size_t step)
{
	const struct bd_intake_result *result = NULL;
	struct bd_diag diag = { .code = BD_OK };
	struct bd_intake *intake = NULL;
	enum bd_code code;

	intake_log_clear(log);
	step = step == 0 ? message.len + 1 : step;
	code = bd_intake_new(&intake, settings, &log->sink, &diag);
	for (size_t at = 0; at < message.len && code == BD_OK; at += step) {
		size_t len = message.len - at < step ? message.len - at : step;

		code = bd_intake_feed(intake, (struct bd_bytes){ message.ptr + at, len }, &diag);
	}
	code = code == BD_OK ? bd_intake_end(intake, &result, &diag) : code;
	if (code == BD_OK) {
		assert_non_null(result);
		assert_true(result->records == log->records && result->rejected == log->rejects);
		assert_true(result->accepted + result->rejected == result->received);
		intake_log_result(log, result);
	} else {
		assert_int_equal(diag.code, code);
		intake_check_diag(&diag);
		bd_buf_clear(&log->text);
		bd_buf_printf(&log->text, "refused %s field '%s' path '%s' at %u:%u %s\n",
			bd_code_info(code)->text, diag.field, diag.path, diag.place.line,
			diag.place.column, diag.detail);
	}
	bd_intake_free(intake);
	return code;
}

/* The file's bytes; ptr NULL when there is none. */
static inline struct bd_bytes intake_file(const char *path, struct bd_arena *arena)
{
	struct bd_bytes none = { NULL, 0 };
	FILE *file = fopen(path, "rb");
	char *text;
	long size;

	if (file == NULL) {
		return none;
	}
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	rewind(file);
	assert_true(size >= 0);
	text = bd_arena_alloc(arena, (size_t)size + 1, 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, file), size);
	fclose(file);
	return (struct bd_bytes){ text, (size_t)size };
}

/* The text is that of the file, which BIDUI_TEST_WRITE=1 writes anew, to be read before it is
 * committed. */
static inline void intake_expect(
	const struct intake_log *log, const char *path, struct bd_arena *arena)
{
	struct bd_bytes wanted;

	if (getenv("BIDUI_TEST_WRITE") != NULL) {
		FILE *file = fopen(path, "wb");

		assert_non_null(file);
		assert_int_equal(fwrite(log->text.ptr, 1, log->text.len, file), log->text.len);
		assert_int_equal(fclose(file), 0);
	}
	wanted = intake_file(path, arena);
	if (!bd_bytes_equal(wanted, bd_buf_bytes(&log->text))) {
		print_error("%s is not:\n%.*s", path, (int)log->text.len, log->text.ptr);
		fail();
	}
}

/* Cut anywhere it gives the same. */
static inline void intake_check_steps(struct intake_log *log,
	const struct bd_intake_settings *settings, struct bd_bytes message, const char *name)
{
	static const size_t steps[] = { 1, 2, 3, 4, 5, 6, 7, 64 };
	struct bd_buf whole;

	intake_run(log, settings, message, 0);
	whole = log->text;
	bd_buf_init(&log->text, whole.max);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		intake_run(log, settings, message, steps[i]);
		if (!bd_bytes_equal(bd_buf_bytes(&whole), bd_buf_bytes(&log->text))) {
			print_error("%s in steps of %zu:\n%.*s", name, steps[i], (int)log->text.len,
				log->text.ptr);
			fail();
		}
	}
	bd_buf_release(&whole);
}

#endif
