/* fuzz_intake.c - any bytes as a message of any feed: refused or read, never more.
 *
 * An input is a line "SOURCE/FEED STEP" and the message, which is fed in runs of STEP bytes (0 = at
 * once); what reads otherwise goes to the first feed. Adapters come from the source tree: adapters/
 * and tests/adapters/mapping under $srcdir, or here.
 */
#include "base/limits.h"
#include "config/adapter.h"
#include "config/dictionary.h"
#include "intake/intake.h"
#include "record/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1795449600000) /* 2026-11-24 */
#define PLANS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
	const struct bd_dictionary *dict;
	const struct bd_plan *plans[PLANS];
	struct bd_arena arena; /* holds the plans as long as the process lives */
};

/* What came out is packed, as a worker does. */
struct sink {
	struct bd_intake_sink sink;
	struct bd_buf packed;
};

static enum bd_code on_record(
	struct bd_intake_sink *self, const struct bd_record *record, struct bd_diag *diag)
{
	struct sink *sink = (struct sink *)self;
	enum bd_code code;

	bd_buf_clear(&sink->packed);
	code = bd_record_pack(&sink->packed, record);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

static enum bd_code on_reject(
	struct bd_intake_sink *self, const struct bd_reject *reject, struct bd_diag *diag)
{
	struct sink *sink = (struct sink *)self;
	enum bd_code code;

	bd_buf_clear(&sink->packed);
	code = bd_reject_pack(&sink->packed, reject);
	if (reject->diag.code == BD_OK) {
		abort();
	}
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "%s", "");
}

static const struct bd_intake_sink_ops sink_ops = { on_record, on_reject };

static const char *path_of(struct bd_arena *arena, const char *path)
{
	const char *top = getenv("srcdir");
	char full[4096];

	snprintf(full, sizeof(full), "%s/%s", top != NULL ? top : ".", path);
	return bd_arena_text(arena, bd_bytes_of(full));
}

static void open_target(struct target *target)
{
	static const char *const folders[PLANS] = { "tests/adapters/mapping", "adapters/medical",
		"adapters/social", "adapters/tax", "adapters/market" };
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	struct bd_arena *arena = &target->arena;

	bd_arena_init(arena, (size_t)64 << 20);
	if (diags == NULL || bd_config_dictionary(&target->dict,
				     path_of(arena, "schemas/common.xml"), arena, NULL) != BD_OK) {
		abort();
	}
	for (size_t i = 0; i < PLANS; i++) {
		if (bd_config_adapter(&target->plans[i], path_of(arena, folders[i]),
			    path_of(arena, "schemas"), target->dict, arena, diags) != BD_OK) {
			abort();
		}
	}
	free(diags);
}

/* The first line names feed and step. */
static struct bd_bytes choose(struct bd_intake_settings *settings, size_t *step,
	const struct target *target, struct bd_bytes input)
{
	const char *end = input.len > 0 ? memchr(input.ptr, '\n', input.len) : NULL;
	char line[128], source[64] = "", feed[64] = "";

	settings->plan = target->plans[0];
	settings->feed = &target->plans[0]->feeds[0];
	*step = 0;
	if (end == NULL || (size_t)(end - input.ptr) >= sizeof(line)) {
		return input;
	}
	memcpy(line, input.ptr, (size_t)(end - input.ptr));
	line[end - input.ptr] = '\0';
	if (sscanf(line, "%63[^/]/%63s %zu", source, feed, step) < 2) {
		return input;
	}
	for (size_t i = 0; i < PLANS; i++) {
		const struct bd_feed_plan *found = bd_plan_feed(target->plans[i], feed);

		if (found != NULL && strcmp(target->plans[i]->source, source) == 0) {
			settings->plan = target->plans[i];
			settings->feed = found;
		}
	}
	input.len -= (size_t)(end - input.ptr) + 1;
	input.ptr = end + 1;
	return input;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target target;
	struct bd_intake_settings settings = { .now_ms = NOW_MS, .max_bytes = 1 << 20 };
	const struct bd_intake_result *result = NULL;
	struct sink sink = { .sink = { &sink_ops } };
	struct bd_diag diag = { .code = BD_OK };
	struct bd_intake *intake = NULL;
	struct bd_bytes message;
	enum bd_code code;
	size_t step;

	if (target.dict == NULL) {
		open_target(&target);
	}
	settings.dict = target.dict;
	message = choose(&settings, &step, &target, (struct bd_bytes){ (const char *)data, size });
	bd_buf_init(&sink.packed, BD_FRAME_MAX_BYTES);
	code = bd_intake_new(&intake, &settings, &sink.sink, &diag);
	for (size_t at = 0; at < message.len && code == BD_OK;) {
		size_t len = step == 0 || message.len - at < step ? message.len - at : step;

		code = bd_intake_feed(intake, (struct bd_bytes){ message.ptr + at, len }, &diag);
		at += len;
	}
	code = code == BD_OK ? bd_intake_end(intake, &result, &diag) : code;
	if (code == BD_OK ? result->accepted + result->rejected != result->received
			  : diag.code != code) {
		abort();
	}
	bd_intake_free(intake);
	bd_buf_release(&sink.packed);
	return 0;
}
