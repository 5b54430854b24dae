#include "daemon/call.h"

#include "record/rules_identifier.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void bd_call_open(struct bd_call *call, const struct bd_call_ops *ops, struct bd_loop *loop,
	struct bd_http_exchange *exchange, const struct bd_sender *sender)
{
	*call = (struct bd_call){ ops, loop, exchange, bd_setup_ref(loop->setup), sender };
	bd_http_set_state(exchange, call);
}

void bd_call_close(struct bd_call *call)
{
	bd_setup_unref(call->setup);
	call->setup = NULL;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdefABCDEF",
		   *found = c == '\0' ? NULL : strchr(digits, c);

	if (found == NULL) {
		return -1;
	}
	return (int)(found - digits) < 16 ? (int)(found - digits) : (int)(found - digits) - 6;
}

/* false when it does not fit or an escape is none. */
static bool decode(char *out, size_t size, struct bd_bytes text)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		int byte = (unsigned char)text.ptr[i];

		if (text.ptr[i] == '+') {
			byte = ' ';
		} else if (text.ptr[i] == '%') {
			int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;

			byte = high < 0 || low < 0 ? 0 : high * 16 + low;
			i += 2;
		}
		if (byte == 0 || len + 1 >= size) {
			return false;
		}
		out[len++] = (char)byte;
	}
	out[len] = '\0';
	return true;
}

bool bd_call_parameter(
	char *out, size_t size, enum bd_code *code, struct bd_bytes query, const char *name)
{
	bool is_found = false;

	*code = BD_OK;
	while (query.len > 0) {
		const char *end = memchr(query.ptr, '&', query.len);
		struct bd_bytes part = { query.ptr,
			end != NULL ? (size_t)(end - query.ptr) : query.len };
		const char *equals = memchr(part.ptr, '=', part.len);
		size_t name_len = equals != NULL ? (size_t)(equals - part.ptr) : part.len;
		struct bd_bytes value = { part.ptr + name_len, 0 };

		if (equals != NULL) {
			value = (struct bd_bytes){ equals + 1, part.len - name_len - 1 };
		}
		if (bd_bytes_is((struct bd_bytes){ part.ptr, name_len }, name)) {
			if (is_found || !decode(out, size, value)) {
				*code = BD_QUESTION_FORM;
				return false;
			}
			is_found = true;
		}
		query.ptr += part.len + (end != NULL);
		query.len -= part.len + (end != NULL);
	}
	return is_found;
}

bool bd_call_is_type(struct bd_bytes type, const char *name)
{
	size_t len = strlen(name);

	return type.len >= len && strncasecmp(type.ptr, name, len) == 0 &&
	       (type.len == len || type.ptr[len] == ';' || type.ptr[len] == ' ');
}

enum bd_code bd_call_flag(bool *out, struct bd_bytes query, const char *name)
{
	enum bd_code code;
	char text[8];

	*out = false;
	if (!bd_call_parameter(text, sizeof(text), &code, query, name)) {
		return code;
	}
	*out = strcmp(text, "true") == 0;
	return *out || strcmp(text, "false") == 0 ? BD_OK : BD_QUESTION_FORM;
}

void bd_call_message_id(char out[24], uint64_t message)
{
	snprintf(out, 24, "%012" PRIu64, message);
}

bool bd_call_is_json(const struct bd_http_exchange *exchange)
{
	return bd_call_is_type(bd_http_header(exchange, "content-type"), "application/json") &&
	       bd_http_header(exchange, "content-encoding").ptr == NULL;
}

enum bd_code bd_subject_header(struct bd_identifier *out, struct bd_bytes header,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diag *diag)
{
	const char *colon = header.len > 0 ? memchr(header.ptr, ':', header.len) : NULL;
	const struct bd_id_kind *kind;
	struct bd_identifier found;
	char name[64];
	size_t len;

	if (header.ptr == NULL) {
		return BD_OK;
	}
	len = colon != NULL ? (size_t)(colon - header.ptr) : sizeof(name);
	if (len >= sizeof(name)) {
		return bd_fail(diag, BD_QUESTION_FORM, "Bidui-Subject is KIND:NUMBER");
	}
	snprintf(name, sizeof(name), "%.*s", (int)len, header.ptr);
	kind = bd_dictionary_id_kind(dict, name);
	if (kind == NULL) {
		return bd_fail(diag, BD_QUESTION_FORM, "Bidui-Subject: no such kind of identifier");
	}
	if (bd_rule_identifier(&found, dict, kind,
		    (struct bd_bytes){ colon + 1, header.len - len - 1 }, NULL, arena,
		    diag) != BD_OK) {
		return diag->code;
	}
	*out = found;
	return BD_OK;
}
