/* sources_parts.h - what the readers of the parts of the sources file share.
 *
 * Layer: config, private to sources*.c.
 */
#ifndef BD_CONFIG_SOURCES_PARTS_H
#define BD_CONFIG_SOURCES_PARTS_H

#include "config/compiler.h"
#include "config/sources.h"

struct bd_source_reading {
	struct bd_compiler compiler;
	const char *path, *shown; /* of the sources file */
	const struct bd_xml_node *root;
	const char *adapters;
	const struct bd_plan *const *plans;
	size_t plan_count;
};

/* An attribute that names a file, taken relative to the sources file; NULL = not stated. */
const char *bd_sources_path(
	struct bd_source_reading *reading, const struct bd_xml_node *node, const char *attribute);
/* "15m" */
uint64_t bd_sources_span_ms(
	const struct bd_xml_node *node, const char *attribute, uint64_t fallback_ms);
uint64_t bd_sources_number(
	const struct bd_xml_node *node, const char *attribute, uint64_t fallback);
enum bd_code bd_sources_fail(struct bd_source_reading *reading, const struct bd_xml_node *node,
	const char *attribute, const char *detail);
/* All <http> and <files> of a source: sources_endpoint.c. */
void bd_sources_endpoints(struct bd_source_reading *reading, struct bd_source_access *access,
	const struct bd_xml_node *node);
/* All <folder> of a source, and the folders that one of them names: sources_folder.c. */
void bd_sources_folders(struct bd_source_reading *reading, struct bd_source_access *access,
	const struct bd_xml_node *node);
/* All <database> of a source: sources_database.c. */
void bd_sources_databases(struct bd_source_reading *reading, struct bd_source_access *access,
	const struct bd_xml_node *node);
#define BD_FOLDER_PATHS 3
/* How many of them are there. */
size_t bd_sources_folder_paths(struct bd_source_file out[BD_FOLDER_PATHS],
	struct bd_source_reading *reading, const struct bd_xml_node *node);
/* All <value> of a node. */
const struct bd_source_value *bd_sources_values(
	struct bd_source_reading *reading, size_t *out, const struct bd_xml_node *node);
/* All <expect> and <closed> of a source: sources_expect.c. */
void bd_sources_expects(struct bd_source_reading *reading, struct bd_source_access *access,
	const struct bd_xml_node *node);
/* The connection of the source by its name; NULL = none. */
const struct bd_endpoint *bd_sources_endpoint(
	const struct bd_source_access *access, const char *name);
/* What the attributes from and feed name; NULL when there is none, which is told. */
const struct bd_endpoint *bd_sources_from(struct bd_source_reading *reading,
	const struct bd_source_access *access, const struct bd_xml_node *node);
const struct bd_feed_plan *bd_sources_feed(struct bd_source_reading *reading,
	const struct bd_source_access *access, const struct bd_xml_node *node);

#endif
