#include "config/sources.h"

#include "base/file_pattern.h"
#include "base/limits.h"
#include "config/lines.h"
#include "config/sources_parts.h"

#include <stdlib.h>
#include <string.h>

/* -- attributes -- */

const char *bd_sources_path(
	struct bd_source_reading *reading, const struct bd_xml_node *node, const char *attribute)
{
	const char *value = bd_xml_attr(node, attribute), *path;

	if (value == NULL) {
		return NULL;
	}
	path = bd_lines_resolve(value, reading->path, reading->compiler.arena);
	reading->compiler.is_out_of_memory = reading->compiler.is_out_of_memory || path == NULL;
	return path;
}

/* The XSD has seen to its form. */
uint64_t bd_sources_span_ms(
	const struct bd_xml_node *node, const char *attribute, uint64_t fallback_ms)
{
	const char *text = bd_xml_attr(node, attribute);
	char *unit;
	uint64_t count;

	if (text == NULL) {
		return fallback_ms;
	}
	count = strtoull(text, &unit, 10);
	switch (*unit) {
	case 's':
		return count * 1000;
	case 'm':
		return count * 60000;
	case 'h':
		return count * 3600000;
	default:
		return count * 86400000;
	}
}

uint64_t bd_sources_number(const struct bd_xml_node *node, const char *attribute, uint64_t fallback)
{
	const char *text = bd_xml_attr(node, attribute);

	return text == NULL ? fallback : strtoull(text, NULL, 10);
}

enum bd_code bd_sources_fail(struct bd_source_reading *reading, const struct bd_xml_node *node,
	const char *attribute, const char *detail)
{
	return bd_xml_fail(
		reading->compiler.diags, BD_CONFIG_MEANING, node, attribute, "%s", detail);
}

/* -- names -- */

const struct bd_endpoint *bd_sources_endpoint(
	const struct bd_source_access *access, const char *name)
{
	for (size_t i = 0; i < access->endpoint_count; i++) {
		if (strcmp(access->endpoints[i].name, name) == 0) {
			return &access->endpoints[i];
		}
	}
	return NULL;
}

const struct bd_endpoint *bd_sources_from(struct bd_source_reading *reading,
	const struct bd_source_access *access, const struct bd_xml_node *node)
{
	const char *name = bd_xml_attr(node, "from");
	const struct bd_endpoint *endpoint = bd_sources_endpoint(access, name);
	const char **names;

	if (endpoint == NULL) {
		names = bd_compiler_make(
			&reading->compiler, access->endpoint_count, sizeof(const char *));
		for (size_t i = 0; names != NULL && i < access->endpoint_count; i++) {
			names[i] = access->endpoints[i].name;
		}
		bd_compiler_unknown(&reading->compiler, node, "from", "connection", name, names,
			access->endpoint_count);
	}
	return endpoint;
}

const struct bd_feed_plan *bd_sources_feed(struct bd_source_reading *reading,
	const struct bd_source_access *access, const struct bd_xml_node *node)
{
	const struct bd_plan *plan = access->plan;
	const char *name = bd_xml_attr(node, "feed");
	const char **names =
		bd_compiler_make(&reading->compiler, plan->feed_count, sizeof(const char *));

	for (size_t i = 0; names != NULL && i < plan->feed_count; i++) {
		names[i] = plan->feeds[i].name;
		if (strcmp(names[i], name) == 0) {
			return &plan->feeds[i];
		}
	}
	bd_compiler_unknown(
		&reading->compiler, node, "feed", "feed", name, names, plan->feed_count);
	return NULL;
}

/* -- what is asked when -- */

static void unknown_form(struct bd_source_reading *reading, const struct bd_source_access *access,
	const struct bd_xml_node *node, const char *name)
{
	const char **names =
		bd_compiler_make(&reading->compiler, access->forms.count, sizeof(const char *));

	for (size_t i = 0; names != NULL && i < access->forms.count; i++) {
		names[i] = access->forms.items[i].name;
	}
	bd_compiler_unknown(
		&reading->compiler, node, "request", "request", name, names, access->forms.count);
}

/* The request, if all that it names is given by the connection. */
static const struct bd_form *find_form(struct bd_source_reading *reading,
	const struct bd_source_access *access, const struct bd_endpoint *from,
	const struct bd_source_value *values, size_t value_count, const struct bd_xml_node *node)
{
	const char *name = bd_xml_attr(node, "request"), *missing, **given;
	const struct bd_form *form = name != NULL ? bd_forms_find(&access->forms, name) : NULL;

	if (name == NULL || from == NULL) {
		return form;
	}
	if (form == NULL) {
		unknown_form(reading, access, node, name);
		return NULL;
	}
	given = bd_compiler_make(
		&reading->compiler, from->value_count + value_count, sizeof(const char *));
	for (size_t i = 0; given != NULL && i < value_count; i++) {
		given[i] = values[i].name;
	}
	for (size_t i = 0; given != NULL && i < from->value_count; i++) {
		given[value_count + i] = from->values[i].name;
	}
	missing = given != NULL ? bd_form_unknown(form, given, from->value_count + value_count)
				: NULL;
	if (missing != NULL) {
		bd_xml_fail(reading->compiler.diags, BD_CONFIG_REFERENCE, node, "request",
			"'%s' needs <value name=\"%s\"/>, here or in the connection '%s'", name,
			missing, from->name);
	}
	return form;
}

static int32_t minute_of(const char *text)
{
	return text == NULL ? -1
			    : (int32_t)(strtol(text, NULL, 10) * 60 + strtol(text + 3, NULL, 10));
}

static void read_pull(struct bd_source_reading *reading, struct bd_pull_plan *pull,
	const struct bd_source_access *access, const struct bd_xml_node *node)
{
	bool has_request = bd_xml_attr(node, "request") != NULL;

	pull->name = bd_xml_attr(node, "name");
	pull->files = bd_xml_attr(node, "files");
	pull->settle_ms = bd_sources_span_ms(node, "settle", BD_SOURCE_SETTLE_MS);
	if (pull->files != NULL && !bd_file_pattern_is_good(pull->files)) {
		bd_sources_fail(reading, node, "files",
			"a name with * and ?, and {date} at most once; no folder");
	}
	if (pull->files == NULL && bd_xml_attr(node, "settle") != NULL) {
		bd_sources_fail(reading, node, "settle", "only files settle");
	}
	pull->every_ms = bd_sources_span_ms(node, "every", 0);
	pull->at_minute = minute_of(bd_xml_attr(node, "at"));
	pull->line = node->line;
	pull->column = node->column;
	pull->from = bd_sources_from(reading, access, node);
	pull->feed = bd_sources_feed(reading, access, node);
	pull->values = bd_sources_values(reading, &pull->value_count, node);
	pull->form = find_form(reading, access, pull->from, pull->values, pull->value_count, node);
	if ((pull->every_ms == 0) == (pull->at_minute < 0)) {
		bd_sources_fail(reading, node, NULL, "either every or at");
	}
	if (pull->from != NULL &&
		(pull->from->kind == BD_ENDPOINT_FILES ? pull->files == NULL || has_request
						       : pull->files != NULL || !has_request)) {
		bd_sources_fail(reading, node, "from",
			"of <http> a request is pulled, of <files> files, and nothing else");
	}
	if (pull->form != NULL && pull->form->kind_count > 0) {
		bd_sources_fail(reading, node, "request", "it asks about one subject: a look-up");
	}
	if (pull->form != NULL && pull->feed != NULL && pull->feed->kind == BD_FEED_SNAPSHOT &&
		pull->form->paging != BD_PAGING_NONE) {
		bd_sources_fail(reading, node, "feed", "a snapshot comes whole, not in pages");
	}
	for (size_t i = 0; i < access->pull_count; i++) {
		if (strcmp(access->pulls[i].name, pull->name) == 0) {
			bd_sources_fail(reading, node, "name", "stands twice");
		}
	}
}

static void read_pulls(struct bd_source_reading *reading, struct bd_source_access *access,
	const struct bd_xml_node *node)
{
	struct bd_pull_plan *pulls =
		bd_compiler_make(&reading->compiler, bd_xml_count(node, "pull"), sizeof(*pulls));
	const struct bd_xml_node *child = bd_xml_child(node, "pull");

	access->pulls = pulls;
	for (; pulls != NULL && child != NULL; child = bd_xml_next(child)) {
		read_pull(reading, &pulls[access->pull_count], access, child);
		access->pull_count++;
	}
}

static void read_lookup(struct bd_source_reading *reading, struct bd_lookup_plan *lookup,
	const struct bd_source_access *access, const struct bd_xml_node *node)
{
	lookup->remember_none_ms =
		bd_sources_span_ms(node, "remember-none", BD_SOURCE_REMEMBER_NONE_MS);
	lookup->hedge_ms = (uint32_t)bd_sources_number(node, "hedge-ms", 0);
	lookup->line = node->line;
	lookup->column = node->column;
	lookup->from = bd_sources_from(reading, access, node);
	lookup->feed = bd_sources_feed(reading, access, node);
	lookup->values = bd_sources_values(reading, &lookup->value_count, node);
	lookup->form =
		find_form(reading, access, lookup->from, lookup->values, lookup->value_count, node);
	if (lookup->form != NULL && lookup->form->kind_count == 0) {
		bd_sources_fail(reading, node, "request", "it asks about nobody");
	}
	if (lookup->feed != NULL && lookup->feed->kind != BD_FEED_REPLY &&
		lookup->feed->kind != BD_FEED_VERIFY) {
		bd_sources_fail(
			reading, node, "feed", "a look-up is answered by a reply or a verdict");
	}
	if (lookup->feed != NULL && lookup->form != NULL &&
		(lookup->feed->kind == BD_FEED_VERIFY) != (lookup->form->judged_count > 0)) {
		bd_sources_fail(reading, node, "request",
			"what judges claims is answered by a verdict, and nothing else is");
	}
	if (lookup->from != NULL && lookup->from->kind != BD_ENDPOINT_HTTP) {
		bd_sources_fail(reading, node, "from", "a subject is asked about over <http>");
	}
	for (size_t i = 0; i < access->lookup_count; i++) {
		if (access->lookups[i].feed == lookup->feed && lookup->feed != NULL) {
			bd_sources_fail(reading, node, "feed", "has a look-up already");
		}
	}
}

static void read_lookups(struct bd_source_reading *reading, struct bd_source_access *access,
	const struct bd_xml_node *node)
{
	struct bd_lookup_plan *lookups = bd_compiler_make(
		&reading->compiler, bd_xml_count(node, "look-up"), sizeof(*lookups));
	const struct bd_xml_node *child = bd_xml_child(node, "look-up");

	access->lookups = lookups;
	for (; lookups != NULL && child != NULL; child = bd_xml_next(child)) {
		read_lookup(reading, &lookups[access->lookup_count], access, child);
		access->lookup_count++;
	}
}

/* -- the file -- */

static const struct bd_plan *find_plan(
	struct bd_source_reading *reading, const struct bd_xml_node *node)
{
	const char *name = bd_xml_attr(node, "name"), **names;

	for (size_t i = 0; i < reading->plan_count; i++) {
		if (strcmp(reading->plans[i]->source, name) == 0) {
			return reading->plans[i];
		}
	}
	names = bd_compiler_make(&reading->compiler, reading->plan_count, sizeof(const char *));
	for (size_t i = 0; names != NULL && i < reading->plan_count; i++) {
		names[i] = reading->plans[i]->source;
	}
	bd_compiler_unknown(
		&reading->compiler, node, "name", "source", name, names, reading->plan_count);
	return NULL;
}

/* What the adapter knows to ask. */
static void read_forms(struct bd_source_reading *reading, struct bd_source_access *access)
{
	const char *folder =
		bd_compiler_join(&reading->compiler, reading->adapters, access->plan->source);

	if (folder != NULL) {
		bd_config_requests(&access->forms, folder, reading->compiler.schemas,
			reading->compiler.dict, reading->compiler.arena, reading->compiler.diags);
	}
}

static void read_source(struct bd_source_reading *reading, struct bd_sources *sources,
	struct bd_source_access *access, const struct bd_xml_node *node)
{
	access->plan = find_plan(reading, node);
	if (access->plan == NULL) {
		return;
	}
	if (bd_source_access_find(sources, access->plan->source) != NULL) {
		bd_sources_fail(reading, node, "name", "stands twice");
	}
	bd_sources_endpoints(reading, access, node);
	read_forms(reading, access);
	read_pulls(reading, access, node);
	read_lookups(reading, access, node);
	bd_sources_folders(reading, access, node);
	bd_sources_expects(reading, access, node);
	bd_sources_databases(reading, access, node);
	sources->count++;
}

static enum bd_code open(struct bd_source_reading *reading, const char *schemas)
{
	reading->shown = bd_diags_shown(reading->path);
	return bd_xml_read(&reading->root, reading->path, reading->shown,
		bd_compiler_join(&reading->compiler, schemas, "sources.xsd"),
		reading->compiler.arena, reading->compiler.diags);
}

enum bd_code bd_config_source_access(const struct bd_sources **out, const char *path,
	const struct bd_source_context *context, struct bd_arena *arena, struct bd_diags *diags)
{
	struct bd_source_reading reading = { .compiler = { .dict = context->dict,
						     .schemas = context->schemas,
						     .arena = arena,
						     .diags = diags },
		.path = path,
		.adapters = context->adapters,
		.plans = context->plans,
		.plan_count = context->plan_count };
	size_t before = diags->count;
	struct bd_source_access *items;
	struct bd_sources *sources;

	if (open(&reading, context->schemas) != BD_OK) {
		return bd_diags_code(diags);
	}
	sources = bd_compiler_make(&reading.compiler, 1, sizeof(*sources));
	items = bd_compiler_make(
		&reading.compiler, bd_xml_count(reading.root, "source"), sizeof(*items));
	if (!reading.compiler.is_out_of_memory) {
		const struct bd_xml_node *node = bd_xml_child(reading.root, "source");

		sources->items = items;
		for (; node != NULL; node = bd_xml_next(node)) {
			read_source(&reading, sources, &items[sources->count], node);
		}
	}
	if (reading.compiler.is_out_of_memory) {
		return bd_diags_add(diags, BD_NO_MEMORY, reading.shown, 0, 0, "no room");
	}
	if (diags->count == before) {
		*out = sources;
	}
	return bd_diags_code(diags);
}

const struct bd_source_access *bd_source_access_find(
	const struct bd_sources *sources, const char *source)
{
	for (size_t i = 0; sources != NULL && i < sources->count; i++) {
		if (strcmp(sources->items[i].plan->source, source) == 0) {
			return &sources->items[i];
		}
	}
	return NULL;
}

/* -- the files it names -- */

/* Each attribute that names a file or folder, wherever it stands. */
static const struct {
	const char *attribute;
	enum bd_file_use use;
	bool is_trust;
} named_files[] = {
	{ "ca", BD_FILE_READ, true },
	{ "cert", BD_FILE_READ, false },
	{ "key", BD_FILE_READ, false },
	{ "file", BD_FILE_READ, false },
	{ "password-file", BD_FILE_READ, false },
	{ "known-hosts", BD_FILE_READ, true },
};

#define NAMED_FILES (sizeof(named_files) / sizeof(named_files[0]))

/* With files NULL they are counted. */
static void list_files(struct bd_source_reading *reading, size_t *count,
	struct bd_source_file *files, const struct bd_xml_node *node)
{
	struct bd_source_file folders[BD_FOLDER_PATHS];

	if (strcmp(node->name, "folder") == 0) {
		size_t paths = bd_sources_folder_paths(folders, reading, node);

		if (files != NULL) {
			memcpy(&files[*count], folders, paths * sizeof(*folders));
		}
		*count += paths;
	}
	for (size_t i = 0; i < NAMED_FILES; i++) {
		/* The key of a database is a column. */
		if (bd_xml_attr(node, named_files[i].attribute) == NULL ||
			(strcmp(node->name, "database") == 0 &&
				strcmp(named_files[i].attribute, "key") == 0)) {
			continue;
		}
		if (files != NULL) {
			files[*count] = (struct bd_source_file){ bd_sources_path(reading, node,
									 named_files[i].attribute),
				named_files[i].use, named_files[i].is_trust };
		}
		(*count)++;
	}
	for (const struct bd_xml_node *child = node->first; child != NULL; child = child->next) {
		list_files(reading, count, files, child);
	}
}

enum bd_code bd_config_source_files(struct bd_source_files *out, const char *path,
	const char *schemas, struct bd_arena *arena, struct bd_diags *diags)
{
	struct bd_source_reading reading = { .compiler = { .arena = arena, .diags = diags },
		.path = path };
	struct bd_source_file *files;
	size_t count = 0;

	if (open(&reading, schemas) != BD_OK) {
		return bd_diags_code(diags);
	}
	list_files(&reading, &count, NULL, reading.root);
	files = bd_compiler_make(&reading.compiler, count, sizeof(*files));
	count = 0;
	if (files != NULL) {
		list_files(&reading, &count, files, reading.root);
	}
	if (reading.compiler.is_out_of_memory) {
		return bd_diags_add(diags, BD_NO_MEMORY, reading.shown, 0, 0, "no room");
	}
	*out = (struct bd_source_files){ files, count };
	return BD_OK;
}
