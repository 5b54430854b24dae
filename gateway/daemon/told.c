#include "daemon/told.h"

#include <stdio.h>
#include <string.h>

static struct bd_bytes flag_names(uint32_t flags, struct bd_arena *arena)
{
	char names[128];
	size_t len = 0;

	if (flags == 0) {
		return (struct bd_bytes){ "", 0 };
	}
	for (uint32_t flag = 1; flag <= BD_FLAG_FORMER; flag <<= 1) {
		if ((flags & flag) != 0 && len < sizeof(names)) {
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
				len > 0 ? " " : "", bd_flag_term((enum bd_finding_flag)flag)->name);
		}
	}
	return bd_arena_copy(arena, (struct bd_bytes){ names, len });
}

/* Most findings have neither reason nor rule. */
static struct bd_bytes text_of(const char *text)
{
	return text == NULL || text[0] == '\0' ? (struct bd_bytes){ "", 0 } : bd_bytes_of(text);
}

static bool list_evidence(
	struct bd_trail_element *out, const struct bd_finding *finding, struct bd_arena *arena)
{
	struct bd_trail_evidence *evidence =
		bd_arena_take(arena, finding->evidence_count, sizeof(*evidence));

	for (size_t i = 0; evidence != NULL && i < finding->evidence_count; i++) {
		const struct bd_evidence *one = &finding->evidence[i];

		evidence[i] = (struct bd_trail_evidence){ bd_bytes_of(one->source), one->as_of_ms,
			one->version,
			{ (const char *)one->digest, one->digest != NULL ? BD_DIGEST_BYTES : 0 } };
	}
	out->evidence = evidence;
	out->evidence_count = finding->evidence_count;
	return evidence != NULL;
}

enum bd_code bd_told_element(
	struct bd_trail_element *out, const struct bd_finding *finding, struct bd_arena *arena)
{
	*out = (struct bd_trail_element){ .id = finding->element->name,
		.pointer = bd_case_pointer(finding->subject),
		.code = bd_finding_name(finding->code),
		.flags = flag_names(finding->flags, arena),
		.reason = text_of(finding->reason),
		.rule = text_of(finding->rule) };
	return list_evidence(out, finding, arena) ? BD_OK : bd_arena_code(arena);
}
