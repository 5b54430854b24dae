#include "base/charset.h"
#include "base/json.h"
#include "base/limits.h"
#include "intake/decode.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 65536

/* What is open: an object or array, and whether it stands in an array. */
struct level {
	bool is_array, has_enter;
};

struct decoder {
	struct bd_decoder decoder;
	struct bd_json_handler handler;
	struct bd_json_parser *parser;
	struct bd_listener *listener;
	struct bd_charset_stream charset;
	bool is_gb18030;
	struct bd_buf text; /* decoded, of other charsets */
	struct bd_place base;
	struct level levels[BD_DEPTH_MAX + 1];
	size_t depth;
	struct bd_buf key_buf;
	bool has_failed;
	bool is_refused; /* the failure is the listener's: its place is not the parser's */
};

static struct bd_place place_of(const struct decoder *decoder, struct bd_place place)
{
	place.offset += decoder->base.offset;
	if (decoder->base.line > 0 && place.line == 1) {
		place.column += decoder->base.column > 0 ? decoder->base.column - 1 : 0;
	}
	place.line += decoder->base.line > 0 ? decoder->base.line - 1 : 0;
	return place;
}

/* A value begins: a member has its key, an item has none; the root has no enter. */
static enum bd_code enter(struct decoder *decoder, bool is_array, bool *has_enter,
	struct bd_place place, struct bd_diag *diag)
{
	const struct level *level =
		decoder->depth > 0 ? &decoder->levels[decoder->depth - 1] : NULL;
	struct bd_bytes name = { "", 0 };
	enum bd_node node = BD_NODE_ITEM;

	*has_enter = level != NULL;
	if (level == NULL) {
		return BD_OK;
	}
	if (!level->is_array) {
		name = bd_buf_bytes(&decoder->key_buf);
		node = is_array ? BD_NODE_ARRAY : BD_NODE_ELEMENT;
	}
	return decoder->listener->ops->enter(decoder->listener, node, name, place, diag);
}

static enum bd_code scalar(struct decoder *decoder, enum bd_json_event event, struct bd_bytes text,
	struct bd_place place, struct bd_diag *diag)
{
	const struct bd_listener_ops *ops = decoder->listener->ops;
	bool has_enter;
	enum bd_code code = enter(decoder, false, &has_enter, place, diag);

	if (code == BD_OK && has_enter) {
		code = event == BD_JSON_NULL ? ops->text_null(decoder->listener, diag)
					     : ops->text(decoder->listener, text, place, diag);
	}
	return code == BD_OK && has_enter ? ops->leave(decoder->listener, diag) : code;
}

static enum bd_code give(struct decoder *decoder, enum bd_json_event event, struct bd_bytes text,
	struct bd_place place, struct bd_diag *diag)
{
	bool is_array = event == BD_JSON_ARRAY_BEGIN, has_enter = false;
	enum bd_code code;

	switch (event) {
	case BD_JSON_KEY:
		bd_buf_clear(&decoder->key_buf);
		code = bd_buf_add(&decoder->key_buf, text);
		return code == BD_OK ? BD_OK : bd_fail_at(diag, code, place, "%s", "");
	case BD_JSON_OBJECT_BEGIN:
	case BD_JSON_ARRAY_BEGIN:
		code = enter(decoder, is_array, &has_enter, place, diag);
		decoder->levels[decoder->depth++] = (struct level){ is_array, has_enter };
		return code;
	case BD_JSON_OBJECT_END:
	case BD_JSON_ARRAY_END:
		has_enter = decoder->levels[--decoder->depth].has_enter;
		return has_enter ? decoder->listener->ops->leave(decoder->listener, diag) : BD_OK;
	default:
		return scalar(decoder, event, text, place, diag);
	}
}

static enum bd_code on_event(struct bd_json_handler *handler, enum bd_json_event event,
	struct bd_bytes text, struct bd_place place, struct bd_diag *diag)
{
	struct decoder *decoder =
		(struct decoder *)(void *)((char *)handler - offsetof(struct decoder, handler));
	enum bd_code code = give(decoder, event, text, place_of(decoder, place), diag);

	decoder->is_refused = code != BD_OK;
	return code;
}

/* The parser counts from the begin of its own text. */
static enum bd_code tell(const struct decoder *decoder, enum bd_code code,
	const struct bd_diag *own, struct bd_diag *diag)
{
	if (code != BD_OK && diag != NULL && diag->code == BD_OK) {
		*diag = *own;
		if (!decoder->is_refused) {
			diag->place = place_of(decoder, own->place);
		}
	}
	return code;
}

static enum bd_code parse(struct decoder *decoder, struct bd_bytes text, struct bd_diag *diag)
{
	struct bd_diag own = { 0 };
	enum bd_code code = bd_json_feed(decoder->parser, text, &own);

	decoder->has_failed = code != BD_OK;
	return code == BD_OK ? BD_OK : tell(decoder, code, &own, diag);
}

static enum bd_code feed(struct bd_decoder *self, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self; /* its first member */

	if (!decoder->is_gb18030) {
		return parse(decoder, bytes, diag);
	}
	while (bytes.len > 0) {
		struct bd_bytes chunk = { bytes.ptr,
			bytes.len < CHUNK_BYTES ? bytes.len : CHUNK_BYTES };
		enum bd_code code;

		bd_buf_clear(&decoder->text);
		code = bd_charset_stream_feed(&decoder->charset, &decoder->text, chunk);
		enum bd_code parsed = parse(decoder, bd_buf_bytes(&decoder->text), diag);

		/* What stands before the bad byte is said first. */
		if (parsed != BD_OK) {
			return parsed;
		}
		if (code != BD_OK) {
			return bd_fail_at(diag, code,
				place_of(decoder, bd_json_place(decoder->parser)), "%s", "");
		}
		bytes.ptr += chunk.len;
		bytes.len -= chunk.len;
	}
	return BD_OK;
}

static enum bd_code end(struct bd_decoder *self, struct bd_diag *diag)
{
	struct decoder *decoder = (struct decoder *)self;
	struct bd_diag own = { 0 };
	enum bd_code code;

	if (decoder->is_gb18030 && bd_charset_stream_end(&decoder->charset) != BD_OK) {
		return bd_fail_at(diag, BD_MESSAGE_TRUNCATED,
			place_of(decoder, bd_json_place(decoder->parser)), "half of a character");
	}
	code = bd_json_end(decoder->parser, &own);
	if (code == BD_JSON_SYNTAX && decoder->depth > 0 && !decoder->has_failed) {
		/* Half of a number: the first fault is that something is still open. */
		code = own.code = BD_MESSAGE_TRUNCATED;
		own.detail[0] = '\0';
	}
	return tell(decoder, code, &own, diag);
}

static void decoder_free(struct bd_decoder *self)
{
	struct decoder *decoder = (struct decoder *)self;

	bd_json_free(decoder->parser);
	bd_buf_release(&decoder->text);
	bd_buf_release(&decoder->key_buf);
	free(decoder);
}

static const struct bd_decoder_ops ops = { feed, end, decoder_free };

enum bd_code bd_decode_json_new(struct bd_decoder **out, const struct bd_decode_settings *settings,
	struct bd_listener *listener, struct bd_diag *diag)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));
	enum bd_charset charset = BD_CHARSET_UTF8;

	if (decoder == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	if (!settings->is_text && settings->charset != NULL &&
		strcmp(settings->charset, "auto") != 0) {
		charset = bd_charset_find(bd_bytes_of(settings->charset));
	}
	decoder->decoder.ops = &ops;
	decoder->handler.on_event = on_event;
	decoder->listener = listener;
	decoder->base = settings->base;
	decoder->is_gb18030 = charset == BD_CHARSET_GB18030;
	bd_charset_stream_init(&decoder->charset, charset);
	bd_buf_init(&decoder->text, CHUNK_BYTES * 4);
	bd_buf_init(&decoder->key_buf, BD_FIELD_MAX_BYTES);
	if (charset == BD_CHARSET_UNKNOWN ||
		bd_json_new(&decoder->parser, &decoder->handler) != BD_OK) {
		decoder_free(&decoder->decoder);
		return charset == BD_CHARSET_UNKNOWN
			       ? bd_fail(diag, BD_TEXT_ENCODING, "no such charset")
			       : bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	*out = &decoder->decoder;
	return BD_OK;
}
