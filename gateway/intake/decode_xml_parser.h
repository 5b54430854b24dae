/* decode_xml_parser.h - libxml2's push parser, opened as intake needs it, and kept for the next
 * document: of a reply that is a message of its own, making and freeing one is a seventh of
 * libxml2's work.
 *
 * Layer: intake. A set is one thread's. What a document leaves in a parser is freed when it is
 * given back, but for the names of its elements and attributes, which libxml2 keeps to compare
 * pointers.
 */
#ifndef BD_INTAKE_DECODE_XML_PARSER_H
#define BD_INTAKE_DECODE_XML_PARSER_H

#include <libxml/parser.h>
#include <stdbool.h>

struct bd_xml_parsers; /* intake.h makes one and frees it */

/* For one document in UTF-8 without a byte order mark; `user` is what the handlers, of SAX2,
 * are called with. Without a set it is a new one. NULL: no memory. */
xmlParserCtxtPtr bd_xml_parser_take(
	struct bd_xml_parsers *parsers, const xmlSAXHandler *handlers, void *user);
/* `is_whole`: the document was read to its end and nothing was wrong with it; one that stopped on
 * the way is not used again. Without a set it is freed. */
void bd_xml_parser_give(struct bd_xml_parsers *parsers, xmlParserCtxtPtr parser, bool is_whole);

#endif
