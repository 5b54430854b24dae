/* sources_database.c - the <database> of a source: a front-end database 前置库 that is read. */
#include "config/sources_parts.h"

#include "base/limits.h"

#include <string.h>

static void check_columns(struct bd_source_reading *reading, const struct bd_xml_node *node,
	const char *attribute, const struct bd_feed_plan *feed)
{
	const char *name = bd_xml_attr(node, attribute);
	const char **names;

	if (name == NULL || feed == NULL) {
		return;
	}
	names = bd_compiler_make(&reading->compiler, feed->column_count, sizeof(const char *));
	for (size_t i = 0; names != NULL && i < feed->column_count; i++) {
		if (strcmp(feed->columns[i].name, name) == 0) {
			return;
		}
		names[i] = feed->columns[i].name;
	}
	bd_compiler_unknown(
		&reading->compiler, node, attribute, "column", name, names, feed->column_count);
}

static size_t count_marks(const char *sql)
{
	size_t count = 0;
	bool is_quoted = false;

	for (; *sql != '\0'; sql++) {
		is_quoted ^= *sql == '\'';
		count += *sql == '?' && !is_quoted;
	}
	return count;
}

static size_t count_words(const char *text)
{
	size_t count = 0;

	while (*text != '\0') {
		text += strspn(text, " ");
		count += *text != '\0';
		text += strcspn(text, " ");
	}
	return count;
}

static void check_statements(struct bd_source_reading *reading, const struct bd_database_plan *plan,
	const struct bd_xml_node *node)
{
	if (count_marks(plan->select) != count_words(plan->parameters)) {
		bd_sources_fail(reading, bd_xml_child(node, "select"), NULL,
			"has another number of ? than parameters has words");
	}
	if (plan->key == NULL && (plan->consumed != NULL || strstr(plan->parameters, "key"))) {
		bd_sources_fail(reading, node, NULL, "a key is needed: which row is meant");
	}
	if (plan->consumed != NULL && count_marks(plan->consumed) != 1) {
		bd_sources_fail(reading, bd_xml_child(node, "consumed"), NULL,
			"has one ?, for the key of the row");
	}
}

static void read_database(struct bd_source_reading *reading, struct bd_database_plan *plan,
	const struct bd_source_access *access, const struct bd_xml_node *node)
{
	const struct bd_xml_node *consumed = bd_xml_child(node, "consumed");
	const char *parameters = bd_xml_attr(node, "parameters");
	const char *first = bd_xml_attr(node, "first");

	plan->name = bd_xml_attr(node, "name");
	plan->connection = bd_xml_attr(node, "connection");
	plan->user = bd_xml_attr(node, "user");
	plan->password_file = bd_sources_path(reading, node, "password-file");
	plan->feed = bd_sources_feed(reading, access, node);
	plan->watermark = bd_xml_attr(node, "watermark");
	plan->key = bd_xml_attr(node, "key");
	plan->charset = bd_xml_attr(node, "charset");
	plan->parameters = parameters != NULL ? parameters : "";
	plan->first = first != NULL ? first : "";
	plan->select = bd_xml_child(node, "select")->text;
	plan->consumed = consumed != NULL ? consumed->text : NULL;
	plan->every_ms = bd_sources_span_ms(node, "every", BD_DATABASE_EVERY_MS);
	plan->batch = (uint32_t)bd_sources_number(node, "batch", BD_DATABASE_BATCH);
	plan->connect_ms = (uint32_t)bd_sources_number(node, "connect-ms", BD_SOURCE_CONNECT_MS);
	plan->query_ms = (uint32_t)bd_sources_number(node, "query-ms", BD_SOURCE_IDLE_MS);
	plan->line = node->line;
	plan->column = node->column;
	if (plan->feed != NULL && plan->feed->format != BD_FORMAT_DELIMITED) {
		bd_sources_fail(reading, node, "feed",
			"rows become delimited text, and this feed is another format");
	}
	check_columns(reading, node, "watermark", plan->feed);
	check_columns(reading, node, "key", plan->feed);
	check_statements(reading, plan, node);
	for (size_t i = 0; i < access->database_count; i++) {
		if (strcmp(access->databases[i].name, plan->name) == 0) {
			bd_sources_fail(reading, node, "name", "stands twice");
		}
	}
}

void bd_sources_databases(struct bd_source_reading *reading, struct bd_source_access *access,
	const struct bd_xml_node *node)
{
	struct bd_database_plan *databases = bd_compiler_make(
		&reading->compiler, bd_xml_count(node, "database"), sizeof(*databases));
	const struct bd_xml_node *child = bd_xml_child(node, "database");

	access->databases = databases;
	for (; databases != NULL && child != NULL; child = bd_xml_next(child)) {
		read_database(reading, &databases[access->database_count], access, child);
		access->database_count++;
	}
}
