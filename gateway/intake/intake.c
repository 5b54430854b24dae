#include "intake/intake.h"

#include "base/limits.h"
#include "intake/decode.h"
#include "intake/inflate.h"
#include "intake/map.h"
#include "intake/map_path.h"
#include "intake/sealed.h"

#include <stddef.h>
#include <stdlib.h>

struct bd_intake {
	struct bd_intake_settings settings;
	struct bd_map *map;
	struct bd_decoder *decoder;
	struct bd_inflate *inflate;
	struct bd_inflate_sink inflate_sink;
	uint64_t bytes;
	bool is_sealed; /* gathered here, checked and opened at the end */
	struct bd_buf gathered;
	struct bd_diag refused; /* code of the first failure: the message stays refused */
};

/* The message itself, as it was sent. */
static enum bd_code take(struct bd_intake *intake, struct bd_bytes bytes, struct bd_diag *diag)
{
	enum bd_code code;

	if (!intake->is_sealed) {
		return intake->decoder->ops->feed(intake->decoder, bytes, diag);
	}
	code = bd_buf_add(&intake->gathered, bytes);
	return code == BD_OK ? BD_OK : bd_fail(diag, code, "a signed or sealed message");
}

/* What was gathered goes to the decoder as the envelope says it may be read. */
static enum bd_code open_sealed(struct bd_intake *intake, struct bd_diag *diag)
{
	struct bd_buf opened;
	enum bd_code code;

	bd_buf_init(&opened, 2 * BD_SEALED_MESSAGE_MAX_BYTES);
	code = bd_sealed_open(&opened, bd_buf_bytes(&intake->gathered), intake->settings.feed,
		intake->settings.opener, diag);
	code = code == BD_OK
		       ? intake->decoder->ops->feed(intake->decoder, bd_buf_bytes(&opened), diag)
		       : code;
	bd_buf_release(&opened);
	return code;
}

static enum bd_code on_inflated(
	struct bd_inflate_sink *sink, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct bd_intake *intake =
		(struct bd_intake *)(void *)((char *)sink -
					     offsetof(struct bd_intake, inflate_sink));

	return take(intake, bytes, diag);
}

static enum bd_code open_all(
	struct bd_intake *intake, struct bd_intake_sink *sink, struct bd_diag *diag)
{
	const struct bd_feed_plan *feed = intake->settings.feed;
	const struct bd_decode_settings decode = {
		.charset = feed->charset != NULL ? feed->charset : intake->settings.charset,
		.separator = feed->separator,
		.has_header = feed->has_header,
		.columns = feed->columns,
		.column_count = feed->column_count,
		.parsers = intake->settings.parsers,
	};
	enum bd_code code = bd_map_new(&intake->map, &intake->settings, sink, diag);

	if (code == BD_OK) {
		code = bd_decode_new(&intake->decoder, feed->format, &decode,
			bd_map_listener(intake->map), diag);
	}
	if (code == BD_OK && intake->settings.is_gzip) {
		intake->inflate_sink.on_bytes = on_inflated;
		code = bd_inflate_new(
			&intake->inflate, &intake->inflate_sink, intake->settings.max_bytes);
		if (code != BD_OK) {
			bd_fail(diag, code, "%s", "");
		}
	}
	return code;
}

struct bd_path *bd_intake_paths(const struct bd_feed_plan *feed, struct bd_arena *arena)
{
	return bd_path_tree(feed, arena);
}

enum bd_code bd_intake_new(struct bd_intake **out, const struct bd_intake_settings *settings,
	struct bd_intake_sink *sink, struct bd_diag *diag)
{
	struct bd_intake *intake = calloc(1, sizeof(*intake));
	enum bd_code code;

	if (intake == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "%s", "");
	}
	intake->settings = *settings;
	intake->is_sealed = bd_sealed_concerns(settings->feed);
	bd_buf_init(&intake->gathered, BD_SEALED_MESSAGE_MAX_BYTES);
	code = open_all(intake, sink, diag);
	if (code != BD_OK) {
		bd_intake_free(intake);
		return code;
	}
	*out = intake;
	return BD_OK;
}

/* The first failure is the message's, whatever is called after it. */
static enum bd_code keep(struct bd_intake *intake, enum bd_code code, struct bd_diag *diag)
{
	if (code != BD_OK && intake->refused.code == BD_OK) {
		intake->refused.code = code;
	}
	if (diag != NULL && diag->code == BD_OK) {
		*diag = intake->refused;
	}
	return code;
}

enum bd_code bd_intake_feed(struct bd_intake *intake, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct bd_diag *refused = &intake->refused;
	enum bd_code code = refused->code;

	if (code == BD_OK) {
		intake->bytes += bytes.len;
		if (intake->bytes > intake->settings.max_bytes) {
			code = bd_fail(refused, BD_LIMIT_BYTES, "%s", "");
		} else if (intake->inflate != NULL) {
			code = bd_inflate_feed(intake->inflate, bytes, refused);
		} else {
			code = take(intake, bytes, refused);
		}
	}
	return keep(intake, code, diag);
}

enum bd_code bd_intake_end(
	struct bd_intake *intake, const struct bd_intake_result **result, struct bd_diag *diag)
{
	struct bd_diag *refused = &intake->refused;
	enum bd_code code = refused->code;

	if (code == BD_OK && intake->inflate != NULL) {
		code = bd_inflate_end(intake->inflate, refused);
	}
	if (code == BD_OK && intake->is_sealed) {
		code = open_sealed(intake, refused);
	}
	if (code == BD_OK) {
		code = intake->decoder->ops->end(intake->decoder, refused);
	}
	if (code == BD_OK) {
		code = bd_map_end(intake->map, result, refused);
	}
	return keep(intake, code, diag);
}

void bd_intake_free(struct bd_intake *intake)
{
	if (intake == NULL) {
		return;
	}
	if (intake->decoder != NULL) {
		intake->decoder->ops->free(intake->decoder);
	}
	bd_inflate_free(intake->inflate);
	bd_buf_release(&intake->gathered);
	bd_map_free(intake->map);
	free(intake);
}
