/* fuzz_image.c - an image of adapters with any bytes changed: refused as damaged, or read so that
 * it can be worked by and written again as it stands.
 *
 * An input is triples of offset (16 bit, big end first) and the byte to put there, over a whole
 * image; the last bytes of an odd length cut it. Adapters come from the source tree ($srcdir, or
 * here).
 */
#include "intake/image.h"

#include "base/limits.h"
#include "config/adapter.h"
#include "config/dictionary.h"
#include "intake/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *path_of(struct bd_arena *arena, const char *path)
{
	const char *top = getenv("srcdir");
	char full[4096];

	snprintf(full, sizeof(full), "%s/%s", top != NULL ? top : ".", path);
	return bd_arena_text(arena, bd_bytes_of(full));
}

/* Of the mapping that is made for tests. */
static void make_image(struct bd_buf *image)
{
	const struct bd_dictionary *dict = NULL;
	const struct bd_plan *plan = NULL;
	struct bd_diags *diags = calloc(1, sizeof(*diags));
	struct bd_arena arena;

	bd_arena_init(&arena, (size_t)64 << 20);
	bd_buf_init(image, (size_t)64 << 20);
	if (diags == NULL ||
		bd_config_dictionary(&dict, path_of(&arena, "schemas/common.xml"), &arena, NULL) !=
			BD_OK ||
		bd_config_adapter(&plan, path_of(&arena, "tests/adapters/mapping"),
			path_of(&arena, "schemas"), dict, &arena, diags) != BD_OK) {
		abort();
	}
	if (bd_image_write(image, dict, &plan, 1) != BD_OK) {
		abort();
	}
	free(diags);
	bd_arena_release(&arena);
}

static enum bd_code on_record(
	struct bd_intake_sink *sink, const struct bd_record *record, struct bd_diag *diag)
{
	(void)sink;
	(void)record;
	(void)diag;
	return BD_OK;
}

static enum bd_code on_reject(
	struct bd_intake_sink *sink, const struct bd_reject *reject, struct bd_diag *diag)
{
	(void)sink;
	(void)reject;
	(void)diag;
	return BD_OK;
}

static void work(const struct bd_dictionary *dict, const struct bd_plan *plan)
{
	static const struct bd_intake_sink_ops ops = { on_record, on_reject };
	static const char message[] =
		"<list><item kind=\"10\"><no>1</no><act>1</act><id>440311199106159019</id>"
		"<nm>林示例</nm><more><pair><code>DIED</code><value>20260101</value></pair></more>"
		"</item></list>";

	for (size_t i = 0; i < plan->feed_count; i++) {
		const struct bd_intake_settings settings = { .dict = dict,
			.plan = plan,
			.feed = &plan->feeds[i],
			.now_ms = INT64_C(1795449600000),
			.max_bytes = 1 << 20 };
		struct bd_intake_sink sink = { &ops };
		const struct bd_intake_result *result = NULL;
		struct bd_diag diag = { 0 };
		struct bd_intake *intake = NULL;

		if (bd_intake_new(&intake, &settings, &sink, &diag) != BD_OK) {
			continue;
		}
		if (bd_intake_feed(intake, bd_bytes_of(message), &diag) == BD_OK) {
			bd_intake_end(intake, &result, &diag);
		}
		bd_intake_free(intake);
	}
}

/* Reads what is there and writes it again: the same bytes, as there is one way to write a plan. */
static void check_image(struct bd_bytes image)
{
	const struct bd_dictionary *dict = NULL;
	const struct bd_plan *const *plans = NULL;
	struct bd_diag diag = { 0 };
	struct bd_arena arena;
	struct bd_buf again;
	size_t count = 0;
	enum bd_code code;

	bd_arena_init(&arena, (size_t)16 << 20);
	bd_buf_init(&again, (size_t)16 << 20);
	code = bd_image_read(&dict, &plans, &count, image, &arena, &diag);
	if (code != diag.code ||
		(code != BD_OK && code != BD_STORE_DAMAGED && code != BD_LIMIT_BYTES)) {
		abort();
	}
	if (code == BD_OK && (bd_image_write(&again, dict, plans, count) != BD_OK ||
				     !bd_bytes_equal(bd_buf_bytes(&again), image))) {
		abort();
	}
	for (size_t i = 0; i < count && code == BD_OK; i++) {
		work(dict, plans[i]);
	}
	bd_buf_release(&again);
	bd_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bd_buf image;
	size_t len;
	char *changed;

	if (image.len == 0) {
		make_image(&image);
		check_image(bd_buf_bytes(&image));
	}
	len = image.len;
	changed = malloc(len);
	if (changed == NULL) {
		abort();
	}
	memcpy(changed, image.ptr, len);
	for (size_t i = 0; i + 3 <= size; i += 3) {
		changed[(data[i] << 8 | data[i + 1]) % len] = (char)data[i + 2];
	}
	if (size % 3 == 2) {
		len = (size_t)(data[size - 2] << 8 | data[size - 1]) % len;
	}
	/* Exactly its own length: a read past the end is seen by the sanitizer. */
	changed = realloc(changed, len > 0 ? len : 1);
	check_image((struct bd_bytes){ changed, len });
	free(changed);
	return 0;
}
