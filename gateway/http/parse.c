#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "http/parse.h"

#include <string.h>
#include <strings.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#ifdef BD_HAVE_LLHTTP
#include <llhttp.h>
#else
#include <http_parser.h>
#endif

enum chunk_state {
	SIZE,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER,
	END_LF,
	TRAILER_LINE,
	TRAILER_LF
};

/* RFC 9110, 5.6.2: letters, digits and these. */
static bool is_token_byte(unsigned char c)
{
	static const bool others[128] = { ['!'] = true,
		['#'] = true,
		['$'] = true,
		['%'] = true,
		['&'] = true,
		['\''] = true,
		['*'] = true,
		['+'] = true,
		['-'] = true,
		['.'] = true,
		['^'] = true,
		['_'] = true,
		['`'] = true,
		['|'] = true,
		['~'] = true };

	return (unsigned char)((c | 0x20) - 'a') < 26 || (unsigned char)(c - '0') < 10 ||
	       (c < 128 && others[c]);
}

static bool is_token(struct bd_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (!is_token_byte((unsigned char)bytes.ptr[i])) {
			return false;
		}
	}
	return bytes.len > 0;
}

static inline bool is_same_name(struct bd_bytes bytes, struct bd_bytes name)
{
	return bytes.len == name.len && strncasecmp(bytes.ptr, name.ptr, name.len) == 0;
}

static inline bool is_name(struct bd_bytes bytes, const char *name)
{
	return is_same_name(bytes, bd_bytes_of(name));
}

/* How many bytes from text on, of so many that can be read, are neither controls nor DEL: all of a
 * head but the ends of its lines. What is not ASCII passes as well. */
#ifdef __SSE2__
#define RUN_BYTES 16
static inline size_t printable_len(const char *text)
{
	__m128i run = _mm_loadu_si128((const __m128i *)(const void *)text);
	/* The least of each byte and 0x1F is the byte: then it is no more than that. */
	__m128i others = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(run, _mm_set1_epi8(0x1f)), run),
		_mm_cmpeq_epi8(run, _mm_set1_epi8(0x7f)));
	unsigned places = (unsigned)_mm_movemask_epi8(others);

	return places == 0 ? RUN_BYTES : (size_t)__builtin_ctz(places);
}
#else
#define RUN_BYTES 1
static inline size_t printable_len(const char *text)
{
	unsigned char c = (unsigned char)*text;

	return c >= ' ' && c != 0x7f;
}
#endif

enum bd_code bd_http_scan_head(
	size_t *end, size_t *scanned, struct bd_bytes bytes, struct bd_diag *diag)
{
	*end = 0;
	for (size_t i = *scanned; i < bytes.len; i++) {
		/* After a CR only LF may come. */
		while (bytes.len - i > RUN_BYTES && (i == 0 || bytes.ptr[i - 1] != '\r')) {
			size_t len = printable_len(bytes.ptr + i);

			i += len;
			if (len < RUN_BYTES) {
				break;
			}
		}
		unsigned char c = (unsigned char)bytes.ptr[i];
		if (c == '\n' ? i == 0 || bytes.ptr[i - 1] != '\r'
			      : i > 0 && bytes.ptr[i - 1] == '\r') {
			return bd_fail(diag, BD_HTTP_SYNTAX, "bare CR or LF in the header");
		}
		if (c == 0x7f || (c < ' ' && c != '\t' && c != '\r' && c != '\n')) {
			return bd_fail(diag, BD_HTTP_SYNTAX, "control byte in the header");
		}
		if (c == '\n' && (i == 1 || (i >= 3 && bytes.ptr[i - 2] == '\n'))) {
			*end = i + 1;
			return BD_OK;
		}
		*scanned = i + 1;
	}
	return BD_OK;
}

/* The next line without its CRLF; the scan has proved that every line has one. */
static struct bd_bytes next_line(struct bd_bytes *rest)
{
	const char *lf = memchr(rest->ptr, '\n', rest->len);
	size_t len = lf == NULL ? rest->len : (size_t)(lf - rest->ptr) + 1;
	struct bd_bytes line = { rest->ptr, len < 2 ? 0 : len - 2 };
	*rest = (struct bd_bytes){ rest->ptr + len, rest->len - len };
	return line;
}

/* "." or "..", also with the dots written %2e. */
static bool is_dot_segment(struct bd_bytes segment)
{
	size_t dots = 0, at = 0;
	while (at < segment.len) {
		if (segment.ptr[at] == '.') {
			at++;
		} else if (segment.len - at >= 3 && strncasecmp(segment.ptr + at, "%2e", 3) == 0) {
			at += 3;
		} else {
			return false;
		}
		dots++;
	}
	return dots == 1 || dots == 2;
}

static bool has_dot_segment(struct bd_bytes path)
{
	while (path.len > 0) {
		struct bd_bytes segment = { path.ptr + 1, path.len - 1 };
		const char *slash = memchr(segment.ptr, '/', segment.len);
		segment.len = slash == NULL ? segment.len : (size_t)(slash - segment.ptr);
		if (is_dot_segment(segment)) {
			return true;
		}
		path = (struct bd_bytes){ path.ptr + segment.len + 1, path.len - segment.len - 1 };
	}
	return false;
}

static enum bd_code parse_target(
	struct bd_http_head *head, struct bd_bytes target, struct bd_diag *diag)
{
	if (target.len == 0 || target.ptr[0] != '/') {
		return bd_fail(diag, BD_HTTP_SYNTAX, "the target does not begin with a slash");
	}
	for (size_t i = 0; i < target.len; i++) {
		unsigned char c = (unsigned char)target.ptr[i];
		if (c <= ' ' || c >= 0x7f || c == '#') {
			return bd_fail(diag, BD_HTTP_SYNTAX, "byte not allowed in the target");
		}
	}
	const char *mark = memchr(target.ptr, '?', target.len);
	size_t path_len = mark == NULL ? target.len : (size_t)(mark - target.ptr);
	head->path = (struct bd_bytes){ target.ptr, path_len };
	if (mark != NULL) {
		head->query = (struct bd_bytes){ mark + 1, target.len - path_len - 1 };
	}
	return has_dot_segment(head->path)
		       ? bd_fail(diag, BD_HTTP_SYNTAX, "the path has a dot segment")
		       : BD_OK;
}

static enum bd_code parse_request_line(
	struct bd_http_head *head, struct bd_bytes line, struct bd_diag *diag)
{
	const char *first = memchr(line.ptr, ' ', line.len);
	const char *last = memrchr(line.ptr, ' ', line.len);
	if (first == NULL || first == last) {
		return bd_fail(diag, BD_HTTP_SYNTAX, "the request line has not three parts");
	}
	struct bd_bytes version = { last + 1, line.len - (size_t)(last + 1 - line.ptr) };
	head->method = (struct bd_bytes){ line.ptr, (size_t)(first - line.ptr) };
	head->is_keep_alive = bd_bytes_is(version, "HTTP/1.1");
	head->is_1_0 = bd_bytes_is(version, "HTTP/1.0");
	if (!head->is_keep_alive && !head->is_1_0) {
		return bd_fail(diag, BD_HTTP_SYNTAX, "not HTTP/1.1");
	}
	if (!is_token(head->method)) {
		return bd_fail(diag, BD_HTTP_SYNTAX, "the method is not a token");
	}
	struct bd_bytes target = { first + 1, (size_t)(last - first - 1) };
	return parse_target(head, target, diag);
}

static enum bd_code parse_field(
	struct bd_http_head *head, struct bd_bytes line, struct bd_diag *diag)
{
	const char *colon = memchr(line.ptr, ':', line.len);
	if (line.ptr[0] == ' ' || line.ptr[0] == '\t' || colon == NULL) {
		return bd_fail(diag, BD_HTTP_SYNTAX, "folded header or header without colon");
	}
	struct bd_bytes name = { line.ptr, (size_t)(colon - line.ptr) };
	struct bd_bytes value = { colon + 1, line.len - name.len - 1 };
	if (!is_token(name)) {
		return bd_fail(diag, BD_HTTP_SYNTAX, "the name of a header is not a token");
	}
	while (value.len > 0 && (value.ptr[0] == ' ' || value.ptr[0] == '\t')) {
		value = (struct bd_bytes){ value.ptr + 1, value.len - 1 };
	}
	while (value.len > 0 && strchr(" \t", value.ptr[value.len - 1]) != NULL) {
		value.len--;
	}
	if (head->field_count == BD_HTTP_FIELDS_MAX) {
		return bd_fail(
			diag, BD_HTTP_HEADER_SIZE, "more than %d headers", BD_HTTP_FIELDS_MAX);
	}
	head->fields[head->field_count++] = (struct bd_http_field){ name, value };
	return BD_OK;
}

static enum bd_code parse_length(uint64_t *length, struct bd_bytes value, struct bd_diag *diag)
{
	uint64_t number = 0;
	if (value.len == 0 || value.len > 18) {
		return bd_fail(diag, BD_HTTP_FRAMING, "Content-Length is empty or too long");
	}
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9') {
			return bd_fail(diag, BD_HTTP_FRAMING, "Content-Length is not a number");
		}
		number = number * 10 + (uint64_t)(value.ptr[i] - '0');
	}
	*length = number;
	return BD_OK;
}

struct counts {
	unsigned length, encoding, host;
};

static void note_connection(struct bd_http_head *head, struct bd_bytes value)
{
	/* Only "close" matters: without it 1.1 stays open, and 1.0 is closed anyway. */
	for (size_t i = 0; i + 5 <= value.len; i++) {
		if (strncasecmp(value.ptr + i, "close", 5) == 0) {
			head->is_keep_alive = false;
		}
	}
}

static enum bd_code note_field(struct bd_http_head *head, struct counts *counts,
	const struct bd_http_field *field, struct bd_diag *diag)
{
	if (is_name(field->name, "content-length")) {
		counts->length++;
		return parse_length(&head->content_length, field->value, diag);
	}
	if (is_name(field->name, "transfer-encoding")) {
		counts->encoding++;
		head->is_chunked = true;
		return is_name(field->value, "chunked")
			       ? BD_OK
			       : bd_fail(diag, BD_HTTP_FRAMING, "transfer coding is not chunked");
	}
	if (is_name(field->name, "host")) {
		counts->host++;
	} else if (is_name(field->name, "connection")) {
		note_connection(head, field->value);
	} else if (is_name(field->name, "expect")) {
		head->is_continue_expected = is_name(field->value, "100-continue");
		head->has_unknown_expectation = !head->is_continue_expected;
	}
	return BD_OK;
}

static enum bd_code check_framing(struct bd_http_head *head, struct bd_diag *diag)
{
	struct counts counts = { 0 };
	for (size_t i = 0; i < head->field_count; i++) {
		enum bd_code code = note_field(head, &counts, &head->fields[i], diag);
		if (code != BD_OK) {
			return code;
		}
	}
	if (counts.length + counts.encoding > 1) {
		return bd_fail(diag, BD_HTTP_FRAMING, "the length is stated more than once");
	}
	if (counts.encoding > 0 && head->is_1_0) {
		return bd_fail(diag, BD_HTTP_FRAMING, "HTTP/1.0 has no transfer coding");
	}
	if (counts.host > 1 || (counts.host == 0 && !head->is_1_0)) {
		return bd_fail(diag, BD_HTTP_SYNTAX, "Host must stand exactly once");
	}
	return BD_OK;
}

/* In both: the reading of the length is compared where the head ends, as the library forgets it at
 * the end of the message. */
#ifdef BD_HAVE_LLHTTP
static int skip_body(llhttp_t *parser)
{
	const struct bd_http_head *head = parser->data;
	uint64_t length = parser->flags & F_CONTENT_LENGTH ? parser->content_length : 0;
	bool is_chunked = (parser->flags & F_CHUNKED) != 0;
	return length == head->content_length && is_chunked == head->is_chunked ? 1 : -1;
}

static bool library_agrees(const struct bd_http_head *head, struct bd_bytes bytes)
{
	llhttp_settings_t settings;
	llhttp_t parser;
	llhttp_settings_init(&settings);
	settings.on_headers_complete = skip_body;
	llhttp_init(&parser, HTTP_REQUEST, &settings);
	parser.data = (struct bd_http_head *)head;
	llhttp_errno_t result = llhttp_execute(&parser, bytes.ptr, bytes.len);
	return result == HPE_OK || result == HPE_PAUSED_UPGRADE;
}
#else
static int skip_body(http_parser *parser)
{
	const struct bd_http_head *head = parser->data;
	uint64_t length = parser->flags & F_CONTENTLENGTH ? parser->content_length : 0;
	bool is_chunked = (parser->flags & F_CHUNKED) != 0;
	return length == head->content_length && is_chunked == head->is_chunked ? 1 : -1;
}

static bool library_agrees(const struct bd_http_head *head, struct bd_bytes bytes)
{
	http_parser_settings settings;
	http_parser parser;
	http_parser_settings_init(&settings);
	settings.on_headers_complete = skip_body;
	http_parser_init(&parser, HTTP_REQUEST);
	parser.data = (struct bd_http_head *)head;
	size_t taken = http_parser_execute(&parser, &settings, bytes.ptr, bytes.len);
	return taken == bytes.len && HTTP_PARSER_ERRNO(&parser) == HPE_OK;
}
#endif

enum bd_code bd_http_parse_head(
	struct bd_http_head *head, struct bd_bytes bytes, struct bd_diag *diag)
{
	struct bd_bytes rest = bytes;
	head->field_count = 0;
	head->content_length = 0;
	head->is_chunked = head->is_continue_expected = head->has_unknown_expectation = false;
	head->query = (struct bd_bytes){ NULL, 0 };
	enum bd_code code = parse_request_line(head, next_line(&rest), diag);
	while (code == BD_OK && rest.len > 2) {
		code = parse_field(head, next_line(&rest), diag);
	}
	if (code == BD_OK) {
		code = check_framing(head, diag);
	}
	if (code == BD_OK && !library_agrees(head, bytes)) {
		code = bd_fail(diag, BD_HTTP_SYNTAX, "the framing can be read in two ways");
	}
	return code;
}

struct bd_bytes bd_http_head_find(const struct bd_http_head *head, struct bd_bytes name)
{
	for (size_t i = 0; i < head->field_count; i++) {
		if (is_same_name(head->fields[i].name, name)) {
			return head->fields[i].value;
		}
	}
	return (struct bd_bytes){ NULL, 0 };
}

size_t bd_http_head_count(const struct bd_http_head *head, const char *name)
{
	size_t count = 0;
	for (size_t i = 0; i < head->field_count; i++) {
		count += is_name(head->fields[i].name, name);
	}
	return count;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool step_size(struct bd_http_chunks *chunks, char c)
{
	int digit = hex_digit(c);
	if (digit >= 0 && chunks->state == SIZE) {
		chunks->left = chunks->left * 16 + (uint64_t)digit;
		return ++chunks->digits <= 12;
	}
	if (chunks->digits == 0 || (c != '\r' && c != ';' && chunks->state == SIZE)) {
		return false;
	}
	chunks->state = c == '\r' ? SIZE_LF : EXTENSION;
	return c == '\r' || c == '\t' || (unsigned char)c >= ' ';
}

/* One byte outside the data; false = not a chunked body. */
static bool step(struct bd_http_chunks *chunks, char c)
{
	if (++chunks->line_len > BD_HTTP_CHUNK_LINE_MAX_BYTES) {
		return false;
	}
	switch ((enum chunk_state)chunks->state) {
	case SIZE:
	case EXTENSION:
		return step_size(chunks, c);
	case SIZE_LF:
		chunks->state = chunks->left == 0 ? TRAILER : DATA;
		return c == '\n';
	case DATA:
		return false;
	case DATA_CR:
		chunks->state = DATA_LF;
		return c == '\r';
	case DATA_LF:
		*chunks = (struct bd_http_chunks){ .state = SIZE };
		return c == '\n';
	case TRAILER:
		chunks->state = c == '\r' ? END_LF : TRAILER_LINE;
		return c == '\r' || is_token_byte((unsigned char)c);
	case END_LF:
		chunks->is_done = c == '\n';
		return chunks->is_done;
	case TRAILER_LINE:
		chunks->state = c == '\r' ? TRAILER_LF : TRAILER_LINE;
		return c == '\r' || c == '\t' || (unsigned char)c >= ' ';
	case TRAILER_LF:
		chunks->state = TRAILER;
		return c == '\n';
	}
	return false;
}

enum bd_code bd_http_next_chunk(struct bd_bytes *data, struct bd_http_chunks *chunks,
	struct bd_bytes *rest, struct bd_diag *diag)
{
	*data = (struct bd_bytes){ rest->ptr, 0 };
	while (rest->len > 0 && !chunks->is_done && data->len == 0) {
		size_t taken = 1;
		if (chunks->state == DATA) {
			taken = rest->len < chunks->left ? rest->len : (size_t)chunks->left;
			*data = (struct bd_bytes){ rest->ptr, taken };
			chunks->left -= taken;
			chunks->state = chunks->left == 0 ? DATA_CR : DATA;
		} else if (!step(chunks, rest->ptr[0])) {
			return bd_fail(diag, BD_HTTP_FRAMING, "the chunked body is malformed");
		}
		*rest = (struct bd_bytes){ rest->ptr + taken, rest->len - taken };
	}
	return BD_OK;
}
