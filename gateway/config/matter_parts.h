/* matter_parts.h - what the files that read a matter share. Used by config/matter*.c only.
 *
 * Layer: config.
 */
#ifndef BD_CONFIG_MATTER_PARTS_H
#define BD_CONFIG_MATTER_PARTS_H

#include "answer/matter.h"
#include "config/compiler.h"

#define BD_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A matter while it is read: what later parts refer to is complete. */
struct bd_matter_reader {
	struct bd_compiler compiler;
	struct bd_matter *matter;
	const struct bd_list *lists;
	size_t list_count;
};

/* Place in a table from 1; 0 where the name is NULL or not in it. */
int bd_matter_place(const char *const *table, size_t count, const char *name);
const char *const *bd_matter_names(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, char separator, size_t *count);
/* A whole number or @parameter; `normal` where the attribute is absent. */
int64_t bd_matter_number(struct bd_matter_reader *reader, const struct bd_xml_node *node,
	const char *attribute, int64_t normal);
/* The bounds of two attributes; either may be absent. */
struct bd_range bd_matter_range(struct bd_matter_reader *reader, const struct bd_xml_node *node,
	const char *least, const char *most);
/* A bit for each branch of the list; 0 where the attribute is absent. */
uint32_t bd_matter_branches(struct bd_matter_reader *reader, const struct bd_xml_node *node);
/* The role an attribute names (told when unknown); NULL where absent. */
const struct bd_role *bd_matter_role(struct bd_matter_reader *reader,
	const struct bd_xml_node *node, const char *attribute, const char *name);

/* matter_element.c: element number matter->element_count, and what it says by itself. */
void bd_matter_element(struct bd_matter_reader *reader, struct bd_element *element,
	const struct bd_xml_node *node);
/* matter_check.c: what is said of an element belongs together. */
void bd_matter_check_element(struct bd_matter_reader *reader, const struct bd_element *element,
	const struct bd_xml_node *node);
/* The same of the whole matter. */
void bd_matter_check(struct bd_matter_reader *reader, const struct bd_xml_node *root);

#endif
