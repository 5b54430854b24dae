/* charset.h - bytes of a declared charset to UTF-8, strictly. Layer: base.
 * UTF-8 (RFC 3629: no surrogates, no overlong) and GB18030-2022 by our own table; the labels GBK,
 * GB2312, CP936 decode as GB18030, of which they are parts. A bad byte is BD_TEXT_ENCODING with its
 * offset; a bad trail byte is never swallowed. Not an encoder. Source: GB 18030-2022 (the 18
 * changed and 6 code points of its annex), WHATWG index for the rest. */
#ifndef BD_BASE_CHARSET_H
#define BD_BASE_CHARSET_H

#include "base/bytes.h"

enum bd_charset { BD_CHARSET_UNKNOWN = 0, BD_CHARSET_UTF8, BD_CHARSET_GB18030 };

/* By label, any case: utf-8 utf8 us-ascii gb18030 gbk gb2312 cp936 x-gbk hz is not known. */
enum bd_charset bd_charset_find(struct bd_bytes label);
/* Appends the UTF-8 of all of bytes. On BD_TEXT_ENCODING *bad is the offset and out holds what came
 * before it. */
enum bd_code bd_charset_decode(
	struct bd_buf *out, enum bd_charset charset, struct bd_bytes bytes, size_t *bad);

/* The same over chunks: at most 3 bytes wait between calls. */
struct bd_charset_stream {
	enum bd_charset charset;
	char pending[4];
	size_t pending_len;
	uint64_t offset; /* of the next byte; of the bad one after an error */
};
void bd_charset_stream_init(struct bd_charset_stream *stream, enum bd_charset charset);
enum bd_code bd_charset_stream_feed(
	struct bd_charset_stream *stream, struct bd_buf *out, struct bd_bytes bytes);
enum bd_code bd_charset_stream_end(struct bd_charset_stream *stream);

#endif
