#include "intake/decode_xml_parser.h"

#include "intake/intake.h"

#include <libxml/dict.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>

/* A document, one in it, and one in that (map_state.h). */
#define KEPT_MAX 3
/* An adapter has some hundred names. A parser that met more has its memory from a document that
 * makes names up. */
#define NAMES_MAX 1024

struct bd_xml_parsers {
	xmlParserCtxtPtr kept[KEPT_MAX];
	size_t count;
};

struct bd_xml_parsers *bd_xml_parsers_new(void)
{
	return calloc(1, sizeof(struct bd_xml_parsers));
}

static void free_parser(xmlParserCtxtPtr parser)
{
	xmlFreeDoc(parser->myDoc);
	parser->myDoc = NULL;
	xmlFreeParserCtxt(parser);
}

void bd_xml_parsers_free(struct bd_xml_parsers *parsers)
{
	if (parsers != NULL) {
		while (parsers->count > 0) {
			free_parser(parsers->kept[--parsers->count]);
		}
		free(parsers);
	}
}

static xmlParserCtxtPtr open_parser(void)
{
	xmlSAXHandler none = { .initialized = XML_SAX2_MAGIC };
	xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&none, NULL, NULL, 0, NULL);

	if (parser != NULL) {
		xmlCtxtUseOptions(
			parser, XML_PARSE_IGNORE_ENC | XML_PARSE_NONET | XML_PARSE_COMPACT);
		/* UseOptions takes its own view of these. */
		parser->replaceEntities = 0;
		parser->loadsubset = 0;
	}
	return parser;
}

xmlParserCtxtPtr bd_xml_parser_take(
	struct bd_xml_parsers *parsers, const xmlSAXHandler *handlers, void *user)
{
	xmlParserCtxtPtr parser = parsers != NULL && parsers->count > 0
					  ? parsers->kept[--parsers->count]
					  : open_parser();

	if (parser != NULL) {
		*parser->sax = *handlers;
		parser->userData = user;
		xmlSwitchEncoding(parser, XML_CHAR_ENCODING_UTF8);
	}
	return parser;
}

void bd_xml_parser_give(struct bd_xml_parsers *parsers, xmlParserCtxtPtr parser, bool is_whole)
{
	if (parser == NULL) {
		return;
	}
	if (parsers == NULL || !is_whole || parsers->count == KEPT_MAX ||
		xmlDictSize(parser->dict) > NAMES_MAX ||
		xmlCtxtResetPush(parser, NULL, 0, NULL, NULL) != 0) {
		free_parser(parser);
		return;
	}
	parser->userData = NULL;
	parsers->kept[parsers->count++] = parser;
}
