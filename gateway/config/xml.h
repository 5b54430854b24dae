/* xml.h - our own configuration files as a tree that keeps line and column.
 *
 * Layer: config; the only user of libxml2 here. For files of this machine's administrator only:
 * what outsiders send is read by intake. Each file must be UTF-8, have no DOCTYPE, and be valid by
 * its XSD (XML Schema 1.0). Nodes live in the arena. Columns count characters, from 1, at the '<'
 * of an element and at the name of an attribute.
 */
#ifndef BD_CONFIG_XML_H
#define BD_CONFIG_XML_H

#include "base/arena.h"
#include "config/diags.h"

struct bd_xml_attribute {
	const char *name, *value;
	uint32_t line, column;
};

struct bd_xml_node {
	const char *file; /* as shown */
	const char *name;
	const char *text; /* character data of the element itself, "" where none */
	uint32_t line, column;
	const struct bd_xml_attribute *attributes;
	size_t attribute_count;
	struct bd_xml_node *parent, *first, *last, *next;
};

/* Reads and validates `path`; `shown` names it in diagnostics. Every error of the file is added to
 * diags. */
enum bd_code bd_xml_read(const struct bd_xml_node **out, const char *path, const char *shown,
	const char *xsd_path, struct bd_arena *arena, struct bd_diags *diags);

/* The same of bytes; *out may point into them. */
enum bd_code bd_xml_read_bytes(const struct bd_xml_node **out, struct bd_bytes text,
	const char *shown, const char *xsd_path, struct bd_arena *arena, struct bd_diags *diags);

/* NULL where absent. */
const char *bd_xml_attr(const struct bd_xml_node *node, const char *name);
const struct bd_xml_attribute *bd_xml_attribute(const struct bd_xml_node *node, const char *name);
bool bd_xml_is_true(const struct bd_xml_node *node, const char *name);
/* First child element of that name, and the next sibling of it with the same name; NULL at the end.
 */
const struct bd_xml_node *bd_xml_child(const struct bd_xml_node *node, const char *name);
const struct bd_xml_node *bd_xml_next(const struct bd_xml_node *node);
size_t bd_xml_count(const struct bd_xml_node *node, const char *name);

/* An error at an element, or at one of its attributes (at the element where it has no such
 * attribute). */
enum bd_code bd_xml_fail(struct bd_diags *diags, enum bd_code code, const struct bd_xml_node *node,
	const char *attribute, const char *detail, ...) __attribute__((format(printf, 5, 6)));

#endif
