/* bench_intake.c - what intake alone costs: bytes of a file to packed records, as a worker does it.
 *
 *     bench_intake TOP SOURCE FEED FILE message|lines SECONDS
 *
 * The file is one message, or one a line. It is taken again and again until SECONDS of CPU are
 * spent. Prints messages, native records, packed records, bytes, microseconds of CPU; separated by
 * tabs. Exit 1 when a message or a record is refused: then another work was measured.
 */
#include "config/adapter.h"
#include "config/dictionary.h"
#include "intake/intake.h"
#include "record/pack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW_MS INT64_C(1795449600000) /* 2026-11-24 */
/* As the frames between biduid and a worker cut it. */
#define STEP_BYTES 65536
#define PACK_MAX_BYTES 524288

struct bench {
	struct bd_intake_sink sink;
	struct bd_buf packed;
	uint64_t messages, received, records, rejected, bytes;
};

static enum bd_code on_record(
	struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag)
{
	struct bench *bench = (struct bench *)sink;

	(void)diag;
	bd_buf_clear(&bench->packed);
	bench->records++;
	return bd_record_pack(&bench->packed, record);
}

static enum bd_code on_reject(
	struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag)
{
	struct bench *bench = (struct bench *)sink;

	(void)diag;
	(void)reject;
	bench->rejected++;
	return BD_OK;
}

static const struct bd_intake_sink_ops sink_ops = { on_record, on_reject };

static uint64_t cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static enum bd_code take(struct bench *bench, const struct bd_intake_settings *settings,
	struct bd_bytes message, struct bd_diag *diag)
{
	const struct bd_intake_result *result = NULL;
	struct bd_intake *intake = NULL;
	enum bd_code code = bd_intake_new(&intake, settings, &bench->sink, diag);

	for (size_t at = 0; at < message.len && code == BD_OK; at += STEP_BYTES) {
		size_t len = message.len - at < STEP_BYTES ? message.len - at : STEP_BYTES;

		code = bd_intake_feed(intake, (struct bd_bytes){ message.ptr + at, len }, diag);
	}
	code = code == BD_OK ? bd_intake_end(intake, &result, diag) : code;
	if (code == BD_OK) {
		bench->messages++;
		bench->received += result->received;
		bench->bytes += message.len;
	}
	bd_intake_free(intake);
	return code;
}

static enum bd_code take_file(struct bench *bench, const struct bd_intake_settings *settings,
	struct bd_bytes text, bool is_lines, struct bd_diag *diag)
{
	enum bd_code code = BD_OK;

	if (!is_lines) {
		return take(bench, settings, text, diag);
	}
	for (size_t at = 0; at < text.len && code == BD_OK;) {
		const char *end = memchr(text.ptr + at, '\n', text.len - at);
		size_t len = end != NULL ? (size_t)(end - text.ptr) - at : text.len - at;

		code = take(bench, settings, (struct bd_bytes){ text.ptr + at, len }, diag);
		at += len + 1;
	}
	return code;
}

static bool read_file(struct bd_bytes *out, const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	long len = -1;

	if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
		len = ftell(file);
		rewind(file);
		text = len > 0 ? malloc((size_t)len) : NULL;
	}
	if (text == NULL || fread(text, 1, (size_t)len, file) != (size_t)len) {
		fprintf(stderr, "bench_intake: %s cannot be read\n", path);
		return false;
	}
	fclose(file);
	*out = (struct bd_bytes){ text, (size_t)len };
	return true;
}

static bool load(struct bd_intake_settings *settings, const char *top, const char *source,
	const char *feed, struct bd_arena *arena)
{
	static struct bd_diags diags;
	char common[4096], schemas[4096], folder[4096], line[512];
	struct bd_diag diag = { .code = BD_OK };

	snprintf(common, sizeof(common), "%s/schemas/common.xml", top);
	snprintf(schemas, sizeof(schemas), "%s/schemas", top);
	snprintf(folder, sizeof(folder), "%s/adapters/%s", top, source);
	if (bd_config_dictionary(&settings->dict, common, arena, &diag) != BD_OK ||
		bd_config_adapter(
			&settings->plan, folder, schemas, settings->dict, arena, &diags) != BD_OK) {
		for (size_t i = 0; i < diags.count; i++) {
			bd_diag_show(line, sizeof(line), &diags.items[i]);
			fprintf(stderr, "%s\n", line);
		}
		return false;
	}
	settings->feed = bd_plan_feed(settings->plan, feed);
	settings->paths = settings->feed != NULL ? bd_intake_paths(settings->feed, arena) : NULL;
	settings->parsers = bd_xml_parsers_new();
	return settings->paths != NULL && settings->parsers != NULL;
}

int main(int argc, char **argv)
{
	struct bench bench = { .sink = { &sink_ops } };
	struct bd_intake_settings settings = { .now_ms = NOW_MS, .max_bytes = UINT64_C(1) << 34 };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_bytes text;
	struct bd_arena arena;
	uint64_t begin, spent = 0;
	enum bd_code code = BD_OK;

	bd_arena_init(&arena, 1 << 26);
	bd_buf_init(&bench.packed, PACK_MAX_BYTES);
	if (argc != 7 || !load(&settings, argv[1], argv[2], argv[3], &arena) ||
		!read_file(&text, argv[4])) {
		fprintf(stderr, "bench_intake: see the head of bench_intake.c\n");
		return 2;
	}
	begin = cpu_us();
	while (code == BD_OK && (double)spent < strtod(argv[6], NULL) * 1e6) {
		code = take_file(&bench, &settings, text, strcmp(argv[5], "lines") == 0, &diag);
		spent = cpu_us() - begin;
	}
	if (code != BD_OK || bench.rejected > 0) {
		fprintf(stderr, "bench_intake: %s, %" PRIu64 " rejected\n",
			bd_code_info(code)->text, bench.rejected);
		return 1;
	}
	printf("%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", bench.messages,
		bench.received, bench.records, bench.bytes, spent);
	bd_xml_parsers_free(settings.parsers);
	bd_buf_release(&bench.packed);
	bd_arena_release(&arena);
	return 0;
}
