/* fuzz_charset.c - any bytes in either charset: the same text and the same first error at any cut,
 * and the text is UTF-8.
 *
 * The first byte of an input is the charset (bit 7) and the length of the runs.
 */
#include "base/charset.h"
#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum bd_code decode_runs(struct bd_buf *out, uint64_t *offset, enum bd_charset charset,
	struct bd_bytes bytes, size_t step)
{
	struct bd_charset_stream stream;
	enum bd_code code = BD_OK;

	bd_charset_stream_init(&stream, charset);
	while (code == BD_OK && bytes.len > 0) {
		size_t len = bytes.len < step ? bytes.len : step;

		code = bd_charset_stream_feed(&stream, out, (struct bd_bytes){ bytes.ptr, len });
		bytes = (struct bd_bytes){ bytes.ptr + len, bytes.len - len };
	}
	code = code == BD_OK ? bd_charset_stream_end(&stream) : code;
	*offset = stream.offset;
	return code;
}

static void check(enum bd_charset charset, struct bd_bytes bytes, size_t step)
{
	struct bd_buf whole, runs;
	uint64_t offset = 0;
	size_t bad = 0;
	enum bd_code code;

	bd_buf_init(&whole, bytes.len * 4 + 16);
	bd_buf_init(&runs, bytes.len * 4 + 16);
	code = bd_charset_decode(&whole, charset, bytes, &bad);
	if ((code != BD_OK && code != BD_TEXT_ENCODING) ||
		decode_runs(&runs, &offset, charset, bytes, step) != code ||
		!bd_bytes_equal(bd_buf_bytes(&whole), bd_buf_bytes(&runs)) ||
		!bd_text_is_utf8(bd_buf_bytes(&whole)) || offset != bad ||
		(code == BD_OK) != (bad == bytes.len)) {
		abort();
	}
	if (charset == BD_CHARSET_UTF8 &&
		!bd_bytes_equal(bd_buf_bytes(&whole), (struct bd_bytes){ bytes.ptr, bad })) {
		abort();
	}
	bd_buf_release(&whole);
	bd_buf_release(&runs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum bd_charset charset;

	if (size == 0) {
		return 0;
	}
	charset = (data[0] & 0x80) != 0 ? BD_CHARSET_UTF8 : BD_CHARSET_GB18030;
	check(charset, (struct bd_bytes){ (const char *)data + 1, size - 1 }, 1);
	check(charset, (struct bd_bytes){ (const char *)data + 1, size - 1 }, 2 + (data[0] & 0x1F));
	return 0;
}
