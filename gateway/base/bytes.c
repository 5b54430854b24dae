#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char bd_bytes_zeroes[BD_FIXED_MAX_BYTES];

int bd_bytes_compare(struct bd_bytes a, struct bd_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);

	if (order != 0) {
		return order;
	}
	return (a.len > b.len) - (a.len < b.len);
}

void bd_buf_init(struct bd_buf *buf, size_t max)
{
	*buf = (struct bd_buf){ .max = max };
}

void bd_buf_release(struct bd_buf *buf)
{
	free(buf->ptr);
	bd_buf_init(buf, buf->max);
}

void bd_buf_wipe(struct bd_buf *buf)
{
	if (buf->ptr != NULL) {
		explicit_bzero(buf->ptr, buf->cap);
	}
	bd_buf_release(buf);
}

enum bd_code bd_buf_grow(struct bd_buf *buf, size_t more)
{
	size_t need, cap = buf->cap;
	char *ptr;

	if (more > buf->max || buf->len > buf->max - more) {
		return BD_LIMIT_BYTES;
	}
	need = buf->len + more;
	cap = cap < 128 ? 128 : cap;
	cap = cap > buf->max ? buf->max : cap;
	while (cap < need) {
		cap = cap > buf->max / 2 ? buf->max : cap * 2;
	}
	ptr = realloc(buf->ptr, cap);
	if (ptr == NULL) {
		return BD_NO_MEMORY;
	}
	buf->ptr = ptr;
	buf->cap = cap;
	return BD_OK;
}

enum bd_code bd_buf_printf(struct bd_buf *buf, const char *format, ...)
{
	enum bd_code code;
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	code = len < 0 ? BD_INTERNAL : bd_buf_reserve(buf, (size_t)len);
	if (code == BD_OK && buf->cap - buf->len > (size_t)len) {
		vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	} else if (code == BD_OK) {
		/* No room for the NUL that vsnprintf adds and we do not keep. */
		char *text = malloc((size_t)len + 1);

		code = text == NULL ? BD_NO_MEMORY : BD_OK;
		if (code == BD_OK) {
			vsnprintf(text, (size_t)len + 1, format, again);
			code = bd_buf_add(buf, (struct bd_bytes){ text, (size_t)len });
			free(text);
		}
	}
	va_end(again);
	return code;
}
