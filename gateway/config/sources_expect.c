#include "config/sources_parts.h"

#include "base/clock.h"

#include <string.h>

/* -- when something should have come -- */

static void read_expect(struct bd_source_reading *reading, struct bd_expect_plan *expect,
	const struct bd_source_access *access, const struct bd_xml_node *node)
{
	const char *days = bd_xml_attr(node, "days");

	expect->feed = bd_sources_feed(reading, access, node);
	expect->within_ms = bd_sources_span_ms(node, "within", 0);
	expect->is_working_days = days != NULL && strcmp(days, "working") == 0;
	for (size_t i = 0; i < access->expect_count; i++) {
		if (access->expects[i].feed == expect->feed && expect->feed != NULL) {
			bd_sources_fail(reading, node, "feed", "stands twice");
		}
	}
}

/* -- when nothing will -- */

/* A day, as a whole, or a moment. */
static bool read_moment(int64_t *ms, const char *text, bool is_end)
{
	int32_t day;

	if (bd_day_parse(&day, bd_bytes_of(text))) {
		*ms = bd_day_begin_ms(day + is_end);
		return true;
	}
	return bd_time_parse(ms, bd_bytes_of(text));
}

static void read_closed(
	struct bd_source_reading *reading, struct bd_closed *closed, const struct bd_xml_node *node)
{
	bool is_from = read_moment(&closed->from_ms, bd_xml_attr(node, "from"), false);
	bool is_until = read_moment(&closed->until_ms, bd_xml_attr(node, "until"), true);

	if (!is_from || !is_until) {
		bd_sources_fail(reading, node, is_from ? "until" : "from",
			"a day (2026-10-01), or a moment with its zone");
	} else if (closed->until_ms <= closed->from_ms) {
		bd_sources_fail(reading, node, "until", "ends before it begins");
	}
}

void bd_sources_expects(struct bd_source_reading *reading, struct bd_source_access *access,
	const struct bd_xml_node *node)
{
	struct bd_expect_plan *expects = bd_compiler_make(
		&reading->compiler, bd_xml_count(node, "expect"), sizeof(*expects));
	struct bd_closed *closed =
		bd_compiler_make(&reading->compiler, bd_xml_count(node, "closed"), sizeof(*closed));
	const struct bd_xml_node *child = bd_xml_child(node, "expect");

	access->expects = expects;
	access->closed = closed;
	for (; expects != NULL && child != NULL; child = bd_xml_next(child)) {
		read_expect(reading, &expects[access->expect_count], access, child);
		access->expect_count++;
	}
	child = bd_xml_child(node, "closed");
	for (; closed != NULL && child != NULL; child = bd_xml_next(child)) {
		read_closed(reading, &closed[access->closed_count++], child);
	}
}
