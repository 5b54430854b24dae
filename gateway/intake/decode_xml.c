/* decode_xml.c - XML by libxml2's SAX2 push parser, which is given UTF-8 only. */
#include "base/charset.h"
#include "base/limits.h"
#include "base/text.h"
#include "intake/decode.h"
#include "intake/decode_xml_parser.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHUNK_BYTES 65536
/* The XML declaration stands within the first bytes or is none. */
#define SNIFF_BYTES 256
/* Attributes carry names of schemas, not data. */
#define ATTRIBUTES_MAX 64
#define ATTRIBUTE_NAME_MAX_BYTES 126

struct decoder {
	struct bd_decoder decoder;
	struct bd_listener *listener;
	struct bd_xml_parsers *parsers;
	xmlParserCtxtPtr context;
	struct bd_place base;
	struct bd_place end; /* of the text so far; libxml2's own place lags by what it keeps */
	struct bd_charset_stream charset;
	bool is_charset_known, is_text;
	bool is_begun;      /* something but blanks has come */
	bool has_root;      /* entered; left again when depth is 0 */
	bool is_ending;     /* no more bytes will come */
	bool is_whole;      /* read to its end, and good */
	struct bd_buf head; /* first bytes, until the charset is known */
	struct bd_buf text; /* decoded */
	size_t held;        /* brackets at the end of what came: they go with what follows */
	struct bd_buf attribute;
	size_t depth;
	enum bd_code code;   /* first failure */
	struct bd_diag diag; /* of it */
};

/* A place in this text as one in the message. */
static struct bd_place add_base(const struct decoder *decoder, struct bd_place place)
{
	const struct bd_place *base = &decoder->base;

	place.offset += base->offset;
	if (base->line > 0) {
		place.column += place.line == 1 && base->column > 0 ? base->column - 1 : 0;
		place.line += base->line - 1;
	}
	return place;
}

static struct bd_place place_of(const struct decoder *decoder)
{
	const xmlParserInput *input = decoder->context != NULL ? decoder->context->input : NULL;
	struct bd_place place = { 0 };

	if (input != NULL) {
		/* As xmlByteConsumed has it for a text that it is given in UTF-8. */
		place.offset = input->consumed + (uint64_t)(input->cur - input->base);
		place.line = (uint32_t)input->line;
		place.column = (uint32_t)input->col;
	}
	return add_base(decoder, place);
}

static void move_end(struct decoder *decoder, struct bd_bytes text)
{
	struct bd_place *end = &decoder->end;
	const char *line;

	end->offset += text.len;
	while (text.len > 0 && (line = memchr(text.ptr, '\n', text.len)) != NULL) {
		end->line++;
		end->column = 1;
		text.len -= (size_t)(line + 1 - text.ptr);
		text.ptr = line + 1;
	}
	end->column += (uint32_t)bd_text_characters(text);
}

/* Keeps the first failure and makes libxml2 stop; it would still report success by itself. */
static void keep(struct decoder *decoder, enum bd_code code)
{
	if (code != BD_OK && decoder->code == BD_OK) {
		decoder->code = code;
		decoder->diag.code = code;
		xmlStopParser(decoder->context);
	}
}

static void fail(struct decoder *decoder, enum bd_code code, const char *detail)
{
	if (decoder->code == BD_OK) {
		bd_fail_at(&decoder->diag, code, place_of(decoder), "%s", detail);
		keep(decoder, code);
	}
}

/* What is wrong stands behind all that was read. */
static void fail_at_end(struct decoder *decoder, enum bd_code code, const char *detail)
{
	if (decoder->code == BD_OK) {
		bd_fail_at(&decoder->diag, code, add_base(decoder, decoder->end), "%s", detail);
		keep(decoder, code);
	}
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct bd_bytes bytes_of(const xmlChar *text)
{
	return bd_bytes_of((const char *)text);
}

static void give_attribute(struct decoder *decoder, const xmlChar **attribute)
{
	const struct bd_listener_ops *ops = decoder->listener->ops;
	struct bd_place place = place_of(decoder);
	struct bd_bytes text = { (const char *)attribute[3],
		(size_t)(attribute[4] - attribute[3]) };
	struct bd_bytes local = bytes_of(attribute[0]);
	char name[1 + ATTRIBUTE_NAME_MAX_BYTES] = "@";
	enum bd_code code;

	/* libxml2 tells a tree builder, which would resolve it, what it tells us: '&' as this. */
	bd_buf_clear(&decoder->attribute);
	code = bd_text_replace(&decoder->attribute, text, "&#38;", '&');
	if (code == BD_NO_MEMORY) {
		fail(decoder, code, "");
		return;
	}
	if (code != BD_OK || local.len > ATTRIBUTE_NAME_MAX_BYTES) {
		fail(decoder, BD_LIMIT_BYTES, "an attribute is too long");
		return;
	}
	text = bd_buf_bytes(&decoder->attribute);
	memcpy(name + 1, local.ptr, local.len);
	keep(decoder, ops->enter(decoder->listener, BD_NODE_ELEMENT,
			      (struct bd_bytes){ name, 1 + local.len }, place, &decoder->diag));
	if (decoder->code == BD_OK) {
		keep(decoder, ops->text(decoder->listener, text, place, &decoder->diag));
	}
	if (decoder->code == BD_OK) {
		keep(decoder, ops->leave(decoder->listener, &decoder->diag));
	}
}

static void on_start(void *state, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int namespace_count, const xmlChar **namespaces, int attribute_count, int default_count,
	const xmlChar **attributes)
{
	struct decoder *decoder = state;

	(void)prefix;
	(void)uri;
	(void)namespace_count;
	(void)namespaces;
	(void)default_count;
	if (decoder->code != BD_OK) {
		return;
	}
	if (decoder->depth == BD_DEPTH_MAX) {
		fail(decoder, BD_LIMIT_DEPTH, "");
		return;
	}
	if (attribute_count > ATTRIBUTES_MAX) {
		fail(decoder, BD_LIMIT_COUNT, "too many attributes");
		return;
	}
	decoder->depth++;
	decoder->has_root = true;
	keep(decoder, decoder->listener->ops->enter(decoder->listener, BD_NODE_ELEMENT,
			      bytes_of(name), place_of(decoder), &decoder->diag));
	for (int i = 0; i < attribute_count && decoder->code == BD_OK; i++) {
		give_attribute(decoder, attributes + (ptrdiff_t)i * 5);
	}
}

static void on_end(void *state, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct decoder *decoder = state;

	(void)name;
	(void)prefix;
	(void)uri;
	if (decoder->code == BD_OK) {
		decoder->depth--;
		keep(decoder, decoder->listener->ops->leave(decoder->listener, &decoder->diag));
	}
}

static void on_characters(void *state, const xmlChar *text, int len)
{
	struct decoder *decoder = state;

	if (decoder->code == BD_OK && len > 0) {
		keep(decoder, decoder->listener->ops->text(decoder->listener,
				      (struct bd_bytes){ (const char *)text, (size_t)len },
				      place_of(decoder), &decoder->diag));
	}
}

static void on_doctype(
	void *state, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void)name;
	(void)external;
	(void)system;
	fail(state, BD_XML_DOCTYPE, "");
}

/* The five of XML itself are resolved before this is asked. */
static xmlEntityPtr on_entity(void *state, const xmlChar *name)
{
	xmlEntityPtr entity = xmlGetPredefinedEntity(name);

	if (entity == NULL) {
		fail(state, BD_XML_ENTITY, "");
	}
	return entity;
}

static void on_reference(void *state, const xmlChar *name)
{
	(void)name;
	fail(state, BD_XML_ENTITY, "");
}

/* Nothing outside of the message is ever read. */
static xmlParserInputPtr on_external(void *state, const xmlChar *public, const xmlChar *system)
{
	(void)public;
	(void)system;
	fail(state, BD_XML_ENTITY, "");
	return NULL;
}

static void fail_of_syntax(struct decoder *decoder, int error)
{
	char detail[32];

	snprintf(detail, sizeof(detail), "libxml2 %d", error);
	fail(decoder, BD_XML_SYNTAX, detail);
}

/* What libxml2 says of a thing that only its end is missing of; of others, when nothing behind the
 * fault could be an end. */
static bool is_cut(const struct decoder *decoder, int error)
{
	const xmlParserInput *input = decoder->context->input;

	switch (error) {
	case XML_ERR_DOCUMENT_EMPTY:
	case XML_ERR_DOCUMENT_END:
	case XML_ERR_ATTRIBUTE_NOT_FINISHED:
	case XML_ERR_COMMENT_NOT_FINISHED:
	case XML_ERR_PI_NOT_FINISHED:
	case XML_ERR_XMLDECL_NOT_FINISHED:
	case XML_ERR_CDATA_NOT_FINISHED:
	case XML_ERR_TAG_NOT_FINISHED:
		return true;
	case XML_ERR_INVALID_DEC_CHARREF:
	case XML_ERR_INVALID_HEX_CHARREF:
	case XML_ERR_ENTITYREF_SEMICOL_MISSING:
		/* A reference with another character in it: the push parser may find it at the end
		 * only. */
		return input == NULL || input->cur >= input->end;
	case XML_ERR_NAME_REQUIRED:
		/* The same, when it is the first. */
		if (input != NULL && input->cur > input->base && input->cur < input->end &&
			input->cur[-1] == '&') {
			return false;
		}
		break;
	default:
		break;
	}
	return input == NULL || input->cur >= input->end ||
	       memchr(input->cur, '>', (size_t)(input->end - input->cur)) == NULL;
}

/* At the end of what came it is a cut, if something is open. */
static void fail_syntax(struct decoder *decoder, int error)
{
	bool is_open = decoder->depth > 0 || !decoder->has_root;

	if (decoder->is_ending && is_open && is_cut(decoder, error)) {
		fail_at_end(decoder, BD_MESSAGE_TRUNCATED, "");
		return;
	}
	fail_of_syntax(decoder, error);
}

/* libxml2's own text may hold a value: only its number is used. */
static void on_error(void *state, xmlErrorPtr error)
{
	struct decoder *decoder = state;

	if (error->level == XML_ERR_WARNING || decoder->code != BD_OK) {
		return;
	}
	switch (error->code) {
	case XML_ERR_INVALID_CHAR:
		fail(decoder, BD_TEXT_CONTROL, "");
		break;
	case XML_ERR_INVALID_ENCODING:
	case XML_ERR_UNSUPPORTED_ENCODING:
		fail(decoder, BD_TEXT_ENCODING, "");
		break;
	case XML_ERR_UNDECLARED_ENTITY:
	case XML_WAR_UNDECLARED_ENTITY:
		fail(decoder, BD_XML_ENTITY, "");
		break;
	case XML_ERR_NO_MEMORY:
		fail(decoder, BD_NO_MEMORY, "");
		break;
	case XML_ERR_DOCUMENT_END:
		if (decoder->has_root && decoder->depth == 0) {
			fail(decoder, BD_XML_SYNTAX, "something stands behind the root");
			break;
		}
		fail_syntax(decoder, error->code);
		break;
	case XML_ERR_LT_IN_ATTRIBUTE:
	case XML_ERR_TAG_NAME_MISMATCH:
	case XML_ERR_ATTRIBUTE_REDEFINED:
		/* Told of what is whole; the push parser may find it at the end only. */
		fail_of_syntax(decoder, error->code);
		break;
	default:
		fail_syntax(decoder, error->code);
		break;
	}
}

static const xmlSAXHandler handlers = { .initialized = XML_SAX2_MAGIC,
	.startElementNs = on_start,
	.endElementNs = on_end,
	.characters = on_characters,
	.cdataBlock = on_characters,
	.ignorableWhitespace = on_characters,
	.internalSubset = on_doctype,
	.getEntity = on_entity,
	.reference = on_reference,
	.resolveEntity = on_external,
	.serror = on_error };

/* -- charset -- */

/* encoding="..." of an XML declaration; empty when there is none. */
static struct bd_bytes declared(struct bd_bytes head)
{
	struct bd_bytes none = { "", 0 };
	const char *end, *at;
	char quote;

	if (head.len < 6 || memcmp(head.ptr, "<?xml", 5) != 0) {
		return none;
	}
	end = memchr(head.ptr, '>', head.len);
	at = end == NULL ? NULL : memmem(head.ptr, (size_t)(end - head.ptr), "encoding", 8);
	if (at == NULL) {
		return none;
	}
	at += 8;
	while (at < end && (*at == ' ' || *at == '=')) {
		at++;
	}
	quote = at < end ? *at : '\0';
	if (quote != '"' && quote != '\'') {
		return none;
	}
	end = memchr(at + 1, quote, (size_t)(end - at - 1));
	return end == NULL ? none : (struct bd_bytes){ at + 1, (size_t)(end - at - 1) };
}

/* Label of the caller, byte order mark, declaration, else UTF-8. */
static enum bd_charset choose(
	const struct decoder *decoder, enum bd_charset named, struct bd_bytes *head)
{
	struct bd_bytes label;

	if (head->len >= 3 && memcmp(head->ptr, "\xEF\xBB\xBF", 3) == 0) {
		head->ptr += 3;
		head->len -= 3;
		return BD_CHARSET_UTF8;
	}
	if (decoder->is_text) {
		return BD_CHARSET_UTF8;
	}
	if (named != BD_CHARSET_UNKNOWN) {
		return named;
	}
	label = declared(*head);
	return label.len == 0 ? BD_CHARSET_UTF8 : bd_charset_find(label);
}

/* The text ends here, badly. libxml2 keeps back what it cannot tell apart yet: a fault in there
 * comes first. */
static void break_off(struct decoder *decoder, enum bd_code code, const char *detail)
{
	decoder->is_ending = true;
	if (decoder->code == BD_OK) {
		xmlParseChunk(decoder->context, NULL, 0, 1);
	}
	if (decoder->code == BD_MESSAGE_TRUNCATED) {
		decoder->code = BD_OK;
		bd_diag_clear(&decoder->diag);
	}
	fail_at_end(decoder, code, detail);
}

/* Whole characters only: libxml2 may not see half of one, nor one that is none. What it says of
 * that, and where, depends on how the text was cut; a NUL it takes for the end of what it has. */
static void parse(struct decoder *decoder, struct bd_bytes text)
{
	const size_t whole = text.len;

	for (size_t i = 0; i < text.len && !decoder->is_begun; i++) {
		decoder->is_begun = !is_blank(text.ptr[i]);
		if (decoder->is_begun && text.ptr[i] != '<') {
			move_end(decoder, (struct bd_bytes){ text.ptr, i });
			fail_at_end(decoder, BD_XML_SYNTAX, "XML begins with <");
			return;
		}
	}
	text.len = bd_text_xml_len(text);
	move_end(decoder, text);
	if (text.len > 0) {
		xmlParseChunk(decoder->context, text.ptr, (int)text.len, 0);
	}
	if (text.len < whole && decoder->code == BD_OK) {
		break_off(decoder, BD_TEXT_CONTROL, "");
	}
}

/* Of "]]>", which no text may have, libxml2 sees nothing where what it has ends within it. */
#define HELD_MAX 2
static const char held[HELD_MAX] = "]]";

static size_t brackets_at_end(struct bd_bytes text)
{
	size_t count = 0;

	while (count < HELD_MAX && count < text.len && text.ptr[text.len - 1 - count] == ']') {
		count++;
	}
	return count;
}

static enum bd_code decode_and_parse(struct decoder *decoder, struct bd_bytes bytes)
{
	while (bytes.len > 0 && decoder->code == BD_OK) {
		struct bd_bytes chunk = { bytes.ptr,
			bytes.len < CHUNK_BYTES ? bytes.len : CHUNK_BYTES };
		struct bd_bytes text;
		enum bd_code code;

		bd_buf_clear(&decoder->text);
		code = bd_buf_add(&decoder->text, (struct bd_bytes){ held, decoder->held });
		code = code == BD_OK
			       ? bd_charset_stream_feed(&decoder->charset, &decoder->text, chunk)
			       : code;
		text = bd_buf_bytes(&decoder->text);
		decoder->held = code == BD_OK ? brackets_at_end(text) : 0;
		text.len -= decoder->held;
		parse(decoder, text);
		if (code != BD_OK && decoder->code == BD_OK) {
			break_off(decoder, code, "");
		}
		bytes.ptr += chunk.len;
		bytes.len -= chunk.len;
	}
	return decoder->code;
}

/* The head is whole, or the message ends: from here on bytes go straight through. */
static enum bd_code begin(struct decoder *decoder)
{
	struct bd_bytes head = bd_buf_bytes(&decoder->head);
	enum bd_charset charset = choose(decoder, decoder->charset.charset, &head);
	enum bd_code code = BD_OK;

	decoder->is_charset_known = true;
	decoder->context = bd_xml_parser_take(decoder->parsers, &handlers, decoder);
	if (decoder->context == NULL || charset == BD_CHARSET_UNKNOWN) {
		code = decoder->context == NULL ? BD_NO_MEMORY : BD_TEXT_ENCODING;
		bd_fail_at(&decoder->diag, code, (struct bd_place){ .line = 1, .column = 1 },
			"the declared encoding is not known");
		decoder->code = code;
		return code;
	}
	bd_charset_stream_init(&decoder->charset, charset);
	code = decode_and_parse(decoder, head);
	bd_buf_release(&decoder->head);
	return code;
}

static enum bd_code report(struct decoder *decoder, struct bd_diag *diag)
{
	if (decoder->code != BD_OK && diag != NULL && diag->code == BD_OK) {
		*diag = decoder->diag;
	}
	return decoder->code;
}

static enum bd_code feed(struct bd_decoder *self, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self; /* its first member */

	if (decoder->code == BD_OK && !decoder->is_charset_known) {
		size_t room = SNIFF_BYTES - decoder->head.len;
		struct bd_bytes first = { bytes.ptr, bytes.len < room ? bytes.len : room };

		keep(decoder, bd_buf_add(&decoder->head, first));
		bytes.ptr += first.len;
		bytes.len -= first.len;
		if (decoder->head.len == SNIFF_BYTES) {
			begin(decoder);
		}
	}
	if (decoder->code == BD_OK && bytes.len > 0) {
		decode_and_parse(decoder, bytes);
	}
	return report(decoder, diag);
}

static enum bd_code end(struct bd_decoder *self, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self;

	if (decoder->code == BD_OK && !decoder->is_charset_known) {
		begin(decoder);
	}
	if (decoder->code == BD_OK) {
		parse(decoder, (struct bd_bytes){ held, decoder->held });
	}
	if (decoder->code == BD_OK && bd_charset_stream_end(&decoder->charset) != BD_OK) {
		break_off(decoder, BD_MESSAGE_TRUNCATED, "half of a character");
	}
	if (decoder->code == BD_OK && !decoder->is_begun) {
		fail_at_end(decoder, BD_MESSAGE_EMPTY, "");
	}
	if (decoder->code == BD_OK) {
		decoder->is_ending = true;
		xmlParseChunk(decoder->context, NULL, 0, 1);
		if (decoder->code == BD_OK && !decoder->context->wellFormed) {
			fail_at_end(decoder, BD_MESSAGE_TRUNCATED, "");
		}
		decoder->is_whole = decoder->code == BD_OK;
	}
	return report(decoder, diag);
}

static void decoder_free(struct bd_decoder *self)
{
	struct decoder *decoder = (struct decoder *)self;

	bd_xml_parser_give(decoder->parsers, decoder->context, decoder->is_whole);
	bd_buf_release(&decoder->head);
	bd_buf_release(&decoder->text);
	bd_buf_release(&decoder->attribute);
	free(decoder);
}

static const struct bd_decoder_ops ops = { feed, end, decoder_free };

enum bd_code bd_decode_xml_new(struct bd_decoder **out, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));
	enum bd_charset named = BD_CHARSET_UNKNOWN;

	if (decoder == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	if (settings->charset != NULL && strcmp(settings->charset, "auto") != 0) {
		named = bd_charset_find(bd_bytes_of(settings->charset));
		if (named == BD_CHARSET_UNKNOWN) {
			free(decoder);
			return bd_fail(diag, BD_TEXT_ENCODING, "no such charset");
		}
	}
	decoder->decoder.ops = &ops;
	decoder->listener = listener;
	decoder->parsers = settings->parsers;
	decoder->base = settings->base;
	decoder->end = (struct bd_place){ .line = 1, .column = 1 };
	decoder->is_text = settings->is_text;
	bd_charset_stream_init(&decoder->charset, named);
	bd_buf_init(&decoder->head, SNIFF_BYTES);
	bd_buf_init(&decoder->text, (size_t)CHUNK_BYTES * 4);
	bd_buf_init(&decoder->attribute, BD_FIELD_MAX_BYTES);
	*out = &decoder->decoder;
	return BD_OK;
}
