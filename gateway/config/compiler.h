/* compiler.h - what the parts of the adapter reader share. Used by config/adapter.c,
 * config/envelope.c, config/feed.c, config/section.c, config/codes.c and config/catalogue.c; its
 * names also by config/grants.c.
 *
 * Layer: config.
 */
#ifndef BD_CONFIG_COMPILER_H
#define BD_CONFIG_COMPILER_H

#include "config/xml.h"
#include "intake/plan.h"

struct bd_compiler {
	const char *folder;  /* adapters/<source> */
	const char *schemas; /* folder of the XSDs */
	const char *source;
	const struct bd_dictionary *dict;
	const struct bd_code_map *maps;
	size_t map_count;
	const struct bd_catalogue *catalogue; /* of the adapter */
	struct bd_arena *arena;
	struct bd_diags *diags;
	bool is_out_of_memory;
};

/* Zeroed; NULL and is_out_of_memory when there is no room. count 0 gives room for one. */
void *bd_compiler_make(struct bd_compiler *compiler, size_t count, size_t size);
/* "a/b", or the one that is not empty. */
const char *bd_compiler_join(struct bd_compiler *compiler, const char *a, const char *b);
/* Copies of the parts between separators; empty text has one empty part. A blank as separator
 * stands for any white space, and then there are no empty parts. */
const char *const *bd_compiler_split(
	struct bd_compiler *compiler, const char *text, char separator, size_t *count);
/* Adds "no <what> '<name>'; did you mean '<nearest>'?" at the attribute. */
void bd_compiler_unknown(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, const char *what, const char *name, const char *const *names,
	size_t name_count);

/* Every codes/<name>.tsv of the folder. */
void bd_compiler_codes(struct bd_compiler *compiler);
/* The map an attribute names; NULL where absent (unknown names are told). */
const struct bd_code_map *bd_compiler_map(
	struct bd_compiler *compiler, const struct bd_xml_node *node, const char *attribute);
/* Each `to` of the map must be a code of the field, or the name of an identifier kind (field NULL).
 */
void bd_compiler_check_map(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const struct bd_code_map *map, const struct bd_field *field);

/* Index of the slot an attribute names; BD_NO_SLOT where the attribute is absent or unknown (told).
 */
uint16_t bd_compiler_slot(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *attribute, const struct bd_slot_plan *slots, size_t slot_count);
/* The attributes slot, is and is-not of a condition; `slot_attribute` names the slot. */
struct bd_when bd_compiler_when(struct bd_compiler *compiler, const struct bd_xml_node *node,
	const char *slot_attribute, const struct bd_slot_plan *slots, size_t slot_count);
/* All children <name> of node as identifiers. */
const struct bd_identifier_plan *bd_compiler_identifiers(struct bd_compiler *compiler,
	const struct bd_xml_node *node, const char *name, const struct bd_slot_plan *slots,
	size_t slot_count, size_t *count);
/* One <section>; payload is the path of what the envelope holds. */
void bd_compiler_section(struct bd_compiler *compiler, struct bd_section_plan *section,
	const struct bd_xml_node *node, const struct bd_feed_plan *feed, const char *payload);
/* What the envelope says is signed and sealed. */
void bd_compiler_sealed(struct bd_compiler *compiler, struct bd_feed_plan *feed,
	const struct bd_xml_node *envelope);
/* The <catalogue> of an adapter or a feed; NULL where there is none, or no room. */
const struct bd_catalogue *bd_compiler_catalogue(
	struct bd_compiler *compiler, const struct bd_xml_node *node);
/* One feeds/<file>, with its envelope. False when the file could not be read at all. */
bool bd_compiler_feed(struct bd_compiler *compiler, struct bd_feed_plan *feed, const char *file);

#endif
