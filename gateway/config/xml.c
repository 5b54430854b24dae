#include "config/xml.h"

#include "base/list.h"
#include "base/text.h"
#include "config/file.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlschemas.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	const char *shown;
	struct bd_bytes text;
	size_t from; /* counted so far, for line and column */
	uint32_t line, column;
	xmlParserCtxtPtr parser;
	struct bd_xml_node *root, *open;
	struct bd_xml_node **nodes; /* in document order */
	size_t node_count, node_max;
	struct bd_arena *arena;
	struct bd_diags *diags;
	enum bd_code code;
};

/* Line and column of an offset; offsets come in rising order, so the text is counted once. */
static void place_of(struct reading *reading, size_t offset, uint32_t *line, uint32_t *column)
{
	if (offset < reading->from) {
		reading->from = 0;
		reading->line = 1;
		reading->column = 1;
	}
	for (; reading->from < offset && reading->from < reading->text.len; reading->from++) {
		unsigned char byte = (unsigned char)reading->text.ptr[reading->from];
		if (byte == '\n') {
			reading->line++;
			reading->column = 1;
		} else if ((byte & 0xC0) != 0x80) {
			reading->column++;
		}
	}
	*line = reading->line;
	*column = reading->column;
}

/* The start of the tag the parser has just read: a raw '<' cannot stand inside it. */
static size_t tag_start(const struct reading *reading)
{
	long at = xmlByteConsumed(reading->parser);
	size_t offset = at < 0 ? 0 : (size_t)at;
	offset = offset < reading->text.len ? offset : reading->text.len - 1;
	while (offset > 0 && reading->text.ptr[offset] != '<') {
		offset--;
	}
	return offset;
}

static const char *copy_text(struct reading *reading, const xmlChar *text, size_t len)
{
	const char *copy =
		bd_arena_text(reading->arena, (struct bd_bytes){ (const char *)text, len });
	if (copy == NULL) {
		reading->code = BD_NO_MEMORY;
		xmlStopParser(reading->parser);
		return "";
	}
	return copy;
}

/* libxml2 tells a tree builder, which would resolve it, what it tells us: '&' as "&#38;". */
static const char *copy_value(struct reading *reading, const xmlChar *text, size_t len)
{
	struct bd_buf value;
	const char *copy;

	bd_buf_init(&value, len);
	reading->code = bd_text_replace(&value, (struct bd_bytes){ (const char *)text, len },
				"&#38;", '&') == BD_OK
				? reading->code
				: BD_NO_MEMORY;
	copy = copy_text(reading, (const xmlChar *)value.ptr, value.len);
	bd_buf_release(&value);
	return copy;
}

/* Past the quoted values, the name of an attribute stands once in its tag. */
static size_t attribute_start(const struct reading *reading, size_t tag, const char *name)
{
	const char *text = reading->text.ptr;
	size_t name_len = strlen(name);
	char quote = 0;
	for (size_t i = tag + 1; i < reading->text.len; i++) {
		if (quote != 0) {
			quote = text[i] == quote ? 0 : quote;
		} else if (text[i] == '"' || text[i] == '\'') {
			quote = text[i];
		} else if (text[i] == '>') {
			break;
		} else if (strchr(" \t\r\n", text[i - 1]) != NULL &&
			   reading->text.len - i > name_len &&
			   memcmp(text + i, name, name_len) == 0 &&
			   strchr(" \t\r\n=", text[i + name_len]) != NULL) {
			return i;
		}
	}
	return tag;
}

static bool keep_node(struct reading *reading, struct bd_xml_node *node)
{
	if (!bd_list_grow(&reading->nodes, &reading->node_max, reading->node_count, 256,
		    sizeof(struct bd_xml_node *))) {
		return false;
	}
	reading->nodes[reading->node_count++] = node;
	return true;
}

static void fill_attributes(struct reading *reading, struct bd_xml_node *node, size_t tag,
	int count, const xmlChar **attributes)
{
	struct bd_xml_attribute *list =
		bd_arena_alloc(reading->arena, (size_t)count + 1, sizeof(*list));
	if (list == NULL) {
		reading->code = BD_NO_MEMORY;
		xmlStopParser(reading->parser);
		return;
	}
	node->attributes = list;
	/* A parser that was stopped has freed what its values lie in. */
	for (int i = 0; i < count && reading->code == BD_OK; i++) {
		/* libxml2 gives localname, prefix, URI, value, end of value */
		const xmlChar **at = attributes + i * 5;
		const char *name = (const char *)at[0];
		list[i].value = copy_value(reading, at[3], (size_t)(at[4] - at[3]));
		list[i].name = copy_text(reading, at[0], strlen(name));
		place_of(reading, attribute_start(reading, tag, name), &list[i].line,
			&list[i].column);
		node->attribute_count = (size_t)i + 1;
	}
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int namespace_count, const xmlChar **namespaces, int attribute_count, int default_count,
	const xmlChar **attributes)
{
	(void)prefix, (void)uri, (void)namespace_count, (void)namespaces, (void)default_count;
	struct reading *reading = context;
	struct bd_xml_node *node = bd_arena_alloc(reading->arena, 1, sizeof(*node));
	if (node == NULL || !keep_node(reading, node)) {
		reading->code = BD_NO_MEMORY;
		xmlStopParser(reading->parser);
		return;
	}
	size_t tag = tag_start(reading);
	place_of(reading, tag, &node->line, &node->column);
	node->file = reading->shown;
	node->text = "";
	node->name = copy_text(reading, name, strlen((const char *)name));
	node->parent = reading->open;
	if (reading->open == NULL) {
		reading->root = node;
	} else if (reading->open->last == NULL) {
		reading->open->first = reading->open->last = node;
	} else {
		reading->open->last->next = node;
		reading->open->last = node;
	}
	reading->open = node;
	fill_attributes(reading, node, tag, attribute_count, attributes);
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	(void)name, (void)prefix, (void)uri;
	struct reading *reading = context;
	reading->open = reading->open == NULL ? NULL : reading->open->parent;
}

static void on_text(void *context, const xmlChar *text, int len)
{
	struct reading *reading = context;
	struct bd_xml_node *node = reading->open;
	/* Our files have no mixed content: what stands between elements is their layout. */
	bool is_layout = strspn((const char *)text, " \t\r\n") >= (size_t)len;
	if (node == NULL || (is_layout && node->text[0] == '\0')) {
		return;
	}
	size_t before = strlen(node->text);
	char *joined = bd_arena_alloc(reading->arena, before + (size_t)len + 1, 1);
	if (joined == NULL) {
		reading->code = BD_NO_MEMORY;
		xmlStopParser(reading->parser);
		return;
	}
	memcpy(joined, node->text, before);
	memcpy(joined + before, text, (size_t)len);
	node->text = joined;
}

static void on_doctype(
	void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void)name, (void)external, (void)system;
	struct reading *reading = context;
	reading->code = bd_diags_add(reading->diags, BD_CONFIG_SYNTAX, reading->shown, 1, 1,
		"a configuration file has no DOCTYPE");
	xmlStopParser(reading->parser);
}

/* libxml2's own sentence without its line end; about our own files, so it may be shown. */
static void add_error(struct bd_diags *diags, const char *shown, uint32_t line, uint32_t column,
	const char *message)
{
	size_t len = message == NULL ? 0 : strcspn(message, "\n");
	bd_diags_add(diags, BD_CONFIG_SYNTAX, shown, line, column, "%.*s", (int)len,
		message == NULL ? "" : message);
}

static void on_error(void *context, xmlErrorPtr error)
{
	struct reading *reading = context;
	if (error->level >= XML_ERR_ERROR && reading->code == BD_OK) {
		add_error(reading->diags, reading->shown, (uint32_t)error->line,
			(uint32_t)error->int2, error->message);
		reading->code = BD_CONFIG_SYNTAX;
	}
}

static enum bd_code parse(struct reading *reading)
{
	xmlSAXHandler sax = { .initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.cdataBlock = on_text,
		.internalSubset = on_doctype,
		.serror = on_error };
	reading->parser = xmlCreateMemoryParserCtxt(reading->text.ptr, (int)reading->text.len);
	if (reading->parser == NULL) {
		return BD_NO_MEMORY;
	}
	xmlSAXHandler *own = reading->parser->sax;
	reading->parser->sax = &sax;
	reading->parser->userData = reading;
	xmlParseDocument(reading->parser);
	bool is_well_formed = reading->parser->wellFormed != 0;
	bool is_converted = reading->parser->encoding != NULL &&
			    xmlStrcasecmp(reading->parser->encoding, BAD_CAST "UTF-8") != 0;
	reading->parser->sax = own;
	xmlFreeDoc(reading->parser->myDoc);
	xmlFreeParserCtxt(reading->parser);
	reading->parser = NULL;
	if (reading->code == BD_OK && is_converted) {
		return bd_diags_add(reading->diags, BD_CONFIG_SYNTAX, reading->shown, 1, 1,
			"a configuration file is UTF-8");
	}
	if (reading->code == BD_OK && (!is_well_formed || reading->root == NULL)) {
		return bd_diags_add(reading->diags, BD_CONFIG_SYNTAX, reading->shown, 1, 1,
			"not well-formed XML");
	}
	return reading->code;
}

/* Position of an element among the elements of its document, from 0. */
static size_t element_index(xmlDocPtr doc, xmlNodePtr wanted)
{
	size_t index = 0;
	xmlNodePtr node = xmlDocGetRootElement(doc);
	while (node != NULL && node != wanted) {
		index += node->type == XML_ELEMENT_NODE;
		if (node->children != NULL && node->type == XML_ELEMENT_NODE) {
			node = node->children;
			continue;
		}
		while (node != NULL && node->next == NULL) {
			node = node->parent;
		}
		node = node == NULL ? NULL : node->next;
	}
	return index;
}

/* libxml2 hangs the error of an attribute on its element and names it in the message only. */
static const struct bd_xml_attribute *mentioned(const struct bd_xml_node *node, const char *message)
{
	static const char before[] = "attribute '";
	const char *name = message == NULL ? NULL : strstr(message, before);
	if (name == NULL) {
		return NULL;
	}
	name += strlen(before);
	size_t len = strcspn(name, "'");
	for (size_t i = 0; i < node->attribute_count; i++) {
		const char *here = node->attributes[i].name;
		if (strlen(here) == len && strncmp(here, name, len) == 0) {
			return &node->attributes[i];
		}
	}
	return NULL;
}

static void on_invalid(void *context, xmlErrorPtr error)
{
	struct reading *reading = context;
	xmlNodePtr node = error->node;
	const char *attribute = NULL;
	if (node != NULL && node->type == XML_ATTRIBUTE_NODE) {
		attribute = (const char *)node->name;
		node = node->parent;
	}
	size_t index = node == NULL ? SIZE_MAX : element_index(node->doc, node);
	reading->code = BD_CONFIG_SYNTAX;
	if (index >= reading->node_count) {
		add_error(reading->diags, reading->shown, (uint32_t)error->line, 0, error->message);
		return;
	}
	const struct bd_xml_node *at = reading->nodes[index];
	const struct bd_xml_attribute *named =
		attribute == NULL ? mentioned(at, error->message) : bd_xml_attribute(at, attribute);
	add_error(reading->diags, reading->shown, named == NULL ? at->line : named->line,
		named == NULL ? at->column : named->column, error->message);
}

static void on_schema_error(void *context, xmlErrorPtr error)
{
	struct reading *reading = context;
	add_error(reading->diags, reading->shown, 0, 0, error->message);
}

static enum bd_code validate(struct reading *reading, const char *xsd_path)
{
	xmlSchemaPtr schema = NULL;
	xmlSchemaValidCtxtPtr valid = NULL;
	xmlSchemaParserCtxtPtr parser = xmlSchemaNewParserCtxt(xsd_path);
	xmlDocPtr doc = xmlReadMemory(reading->text.ptr, (int)reading->text.len, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (parser != NULL) {
		xmlSchemaSetParserStructuredErrors(parser, on_schema_error, reading);
		schema = xmlSchemaParse(parser);
	}
	if (schema != NULL) {
		valid = xmlSchemaNewValidCtxt(schema);
	}
	if (doc == NULL || valid == NULL) {
		reading->code = bd_diags_add(
			reading->diags, BD_IO, reading->shown, 0, 0, "its schema cannot be read");
		goto out;
	}
	xmlSchemaSetValidStructuredErrors(valid, on_invalid, reading);
	if (xmlSchemaValidateDoc(valid, doc) != 0 && reading->code == BD_OK) {
		reading->code = bd_diags_add(reading->diags, BD_CONFIG_SYNTAX, reading->shown, 1, 1,
			"not valid by its schema");
	}
out:
	xmlSchemaFreeValidCtxt(valid);
	xmlSchemaFree(schema);
	xmlSchemaFreeParserCtxt(parser);
	xmlFreeDoc(doc);
	return reading->code;
}

enum bd_code bd_xml_read(const struct bd_xml_node **out, const char *path, const char *shown,
	const char *xsd_path, struct bd_arena *arena, struct bd_diags *diags)
{
	struct bd_bytes text;
	enum bd_code code = bd_file_read(&text, path, arena);

	return code == BD_OK ? bd_xml_read_bytes(out, text, shown, xsd_path, arena, diags)
			     : bd_diags_add(diags, code, shown, 0, 0, "the file cannot be read");
}

enum bd_code bd_xml_read_bytes(const struct bd_xml_node **out, struct bd_bytes text,
	const char *shown, const char *xsd_path, struct bd_arena *arena, struct bd_diags *diags)
{
	struct reading reading = {
		.shown = shown, .text = text, .line = 1, .column = 1, .arena = arena, .diags = diags
	};
	enum bd_code code;

	if (text.len == 0) {
		return bd_diags_add(
			diags, BD_MESSAGE_EMPTY, shown, 0, 0, "the file cannot be read");
	}
	reading.shown = bd_arena_text(arena, bd_bytes_of(shown));
	code = reading.shown == NULL ? BD_NO_MEMORY : parse(&reading);
	if (code == BD_OK) {
		code = validate(&reading, xsd_path);
	}
	free(reading.nodes);
	if (code == BD_NO_MEMORY) {
		bd_diags_add(diags, code, shown, 0, 0, "no room for the file");
	}
	if (code == BD_OK) {
		*out = reading.root;
	}
	return code;
}

const struct bd_xml_attribute *bd_xml_attribute(const struct bd_xml_node *node, const char *name)
{
	for (size_t i = 0; i < node->attribute_count; i++) {
		if (strcmp(node->attributes[i].name, name) == 0) {
			return &node->attributes[i];
		}
	}
	return NULL;
}

const char *bd_xml_attr(const struct bd_xml_node *node, const char *name)
{
	const struct bd_xml_attribute *attribute = bd_xml_attribute(node, name);
	return attribute == NULL ? NULL : attribute->value;
}

bool bd_xml_is_true(const struct bd_xml_node *node, const char *name)
{
	const char *value = bd_xml_attr(node, name);
	return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

static const struct bd_xml_node *named(const struct bd_xml_node *node, const char *name)
{
	while (node != NULL && strcmp(node->name, name) != 0) {
		node = node->next;
	}
	return node;
}

const struct bd_xml_node *bd_xml_child(const struct bd_xml_node *node, const char *name)
{
	return node == NULL ? NULL : named(node->first, name);
}

const struct bd_xml_node *bd_xml_next(const struct bd_xml_node *node)
{
	return named(node->next, node->name);
}

size_t bd_xml_count(const struct bd_xml_node *node, const char *name)
{
	size_t count = 0;
	for (const struct bd_xml_node *at = bd_xml_child(node, name); at != NULL;
		at = bd_xml_next(at)) {
		count++;
	}
	return count;
}

enum bd_code bd_xml_fail(struct bd_diags *diags, enum bd_code code, const struct bd_xml_node *node,
	const char *attribute, const char *detail, ...)
{
	const struct bd_xml_attribute *at =
		attribute == NULL ? NULL : bd_xml_attribute(node, attribute);
	char text[192];
	va_list args;
	va_start(args, detail);
	vsnprintf(text, sizeof(text), detail, args);
	va_end(args);
	return bd_diags_add(diags, code, node->file, at == NULL ? node->line : at->line,
		at == NULL ? node->column : at->column, "%s", text);
}
