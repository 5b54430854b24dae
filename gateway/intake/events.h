/* events.h - what every decoder says of a message, whatever its format: names entered, text, names
 * left.
 *
 * Layer: intake. decode_{xml,json,delimited,fixed}.c push; map.c listens. A decoder gives UTF-8.
 * Names and text live until the call returns. Anything but BD_OK from the listener stops the
 * decoder and is returned by its feed.
 *
 * XML: an element is enter(ELEMENT, local name), its attributes at once enter(ELEMENT, "@name")
 * text leave; text may come in several runs; text of mixed content is given too. JSON: a member is
 * enter(ELEMENT, key); an array is enter(ARRAY, key) with each item between enter(ITEM, "") and
 * leave (no step in the path; arrays in arrays likewise); null is text_null. The root object of
 * JSON has no enter of its own. Delimited and fixed: each row is enter(ITEM, "row") with
 * enter(ELEMENT, column) text leave inside, `\N` is text_null; a row that cannot be read (columns,
 * encoding) is bad_row between no enters and decoding goes on. XML's root is enter(ELEMENT, root
 * name).
 */
#ifndef BD_INTAKE_EVENTS_H
#define BD_INTAKE_EVENTS_H

#include "base/diag.h"

enum bd_node { BD_NODE_ELEMENT = 1, BD_NODE_ARRAY, BD_NODE_ITEM };

struct bd_listener;
struct bd_listener_ops {
	enum bd_code (*enter)(struct bd_listener *listener, enum bd_node node, struct bd_bytes name,
		struct bd_place place, struct bd_diag *diag);
	enum bd_code (*text)(struct bd_listener *listener, struct bd_bytes text,
		struct bd_place place, struct bd_diag *diag);
	enum bd_code (*text_null)(struct bd_listener *listener, struct bd_diag *diag);
	enum bd_code (*leave)(struct bd_listener *listener, struct bd_diag *diag);
	/* why has code, row, field; raw is the row as it came, without its LF. */
	enum bd_code (*bad_row)(struct bd_listener *listener, const struct bd_diag *why,
		struct bd_bytes raw, struct bd_diag *diag);
};
struct bd_listener {
	const struct bd_listener_ops *ops;
};

/* One decoder: made by the format's own bd_decode_<format>_new. */
struct bd_decoder;
struct bd_decoder_ops {
	enum bd_code (*feed)(
		struct bd_decoder *decoder, struct bd_bytes bytes, struct bd_diag *diag);
	enum bd_code (*end)(struct bd_decoder *decoder, struct bd_diag *diag);
	void (*free)(struct bd_decoder *decoder);
};
struct bd_decoder {
	const struct bd_decoder_ops *ops;
};

#endif
