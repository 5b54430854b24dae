/* form.h - what a request to a department looks like, and a request made of it.
 *
 * Layer: base, pure: time, random bytes and values are passed in. Filled by config/requests.c from
 * adapters/<source>/requests/ and adapters/_envelopes/requests/.
 *
 * A form is steps in their order, each of which makes one named text out of those before it; the
 * one called "payload" is the body in the end. A template holds ${name} or ${name:format}; what it
 * stands for is escaped for its place: XML text, a JSON string, a part of a URL, a header. Whoever
 * is asked about, and whatever a source said before (a cursor), comes into a request only so; a
 * value that its place cannot hold is refused.
 *
 * Names that are always there: identifier, id_kind (as bidui calls it), page, offset, size, cursor,
 * since, until, now, uuid (32 hexadecimal digits), serial (rises by one with each request); of a
 * claim that is to be judged field ("organization.name"), claim and claim_digest. Others
 * are made by steps, or are given by the deployment (config/sources.h). Formats of times are
 * patterns of yyyy MM dd HH hh mm ss SSS in Asia/Shanghai, epoch (seconds) and epoch_ms; of serial
 * a number of digits; of any text raw, xml, json, url, cdata, base64, hex.
 */
#ifndef BD_BASE_FORM_H
#define BD_BASE_FORM_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/sign.h"

/* A request made of a form, all of it. */
#define BD_FORM_MAX_BYTES 1048576
#define BD_FORM_HEADERS_MAX 32
#define BD_FORM_STEPS_MAX 64

enum bd_form_place { BD_FORM_RAW = 1, BD_FORM_XML, BD_FORM_JSON, BD_FORM_URL, BD_FORM_HEADER };

/* A literal, or a name with a format ("" = none). */
struct bd_form_part {
	const char *literal; /* NULL = name */
	const char *name, *format;
};
struct bd_form_template {
	const struct bd_form_part *parts;
	size_t count;
};

enum bd_form_step_kind { BD_FORM_TEXT = 1, BD_FORM_CHOICE, BD_FORM_COMPUTED };
enum bd_form_function {
	BD_FORM_SHA256 = 1,
	BD_FORM_SM3,
	BD_FORM_HMAC_SHA256,
	BD_FORM_HMAC_SM3,
	BD_FORM_SM2_SIGN,     /* r || s, GB/T 32918.2-2016 with SM3 (base/sign.h) */
	BD_FORM_SM2_SIGN_DER, /* the same as DER */
	BD_FORM_SM4_ECB       /* with PKCS #7, GB/T 32907-2016; the key is 32 hexadecimal digits */
};
enum bd_form_coding { BD_FORM_HEX = 1, BD_FORM_BASE64 };

struct bd_form_when {
	const char *is, *value;
};
struct bd_form_step {
	enum bd_form_step_kind kind;
	const char *name;
	struct bd_form_template of; /* of a choice: what is looked at */
	enum bd_form_place place;   /* of TEXT */
	const struct bd_form_when *whens;
	size_t when_count;
	enum bd_form_function function;
	enum bd_form_coding coding;
	const char *key; /* name of a value of the deployment; NULL = none */
};
struct bd_form_pair {
	const char *name;
	struct bd_form_template value;
};

enum bd_form_paging {
	BD_PAGING_NONE = 0,
	BD_PAGING_NUMBER, /* page 1, 2, 3 ... and offset */
	BD_PAGING_CURSOR  /* each page names the next */
};
/* When numbered pages are over; by cursor they are when there is none. */
enum bd_form_last { BD_LAST_EMPTY = 1, BD_LAST_SHORT, BD_LAST_SAID };

struct bd_form {
	const char *name, *label_zh, *label_en;
	const char *method;
	struct bd_form_template path; /* behind the base of the connection */
	const struct bd_form_pair *queries, *headers;
	size_t query_count, header_count;
	const struct bd_form_step *steps;
	size_t step_count;
	bool has_body;
	/* kinds of identifiers that it can ask about; count 0 = it asks about nobody */
	const char *const *kinds;
	size_t kind_count;
	/* fields ("organization.name") whose claims it has judged; count 0 = it asks what is held
	 */
	const char *const *judged;
	size_t judged_count;
	enum bd_form_paging paging;
	enum bd_form_last last;
	uint64_t first_page, page_size, pages_max;
	const char *cursor_header; /* NULL = the message says (intake/plan.h) */
	/* what the next pull begins at: the time at which this one began, less this; or what the
	 * message said */
	bool is_marked_by_message, is_windowed;
	uint64_t overlap_ms;
	const char *first_since; /* of the very first pull; "" = nothing */
	bool is_conditional;     /* asks whether it has changed: If-None-Match, If-Modified-Since */
};

/* A value of the deployment; `key` instead where the form signs with it. */
struct bd_form_value {
	const char *name;
	struct bd_bytes bytes;
	const struct bd_sign_key *key;
};

/* What one request is about; texts empty = not there. */
struct bd_form_given {
	struct bd_bytes identifier;
	const char *id_kind;
	struct bd_bytes field, claim, claim_digest;
	uint64_t page, offset;
	struct bd_bytes cursor;
	struct bd_bytes
		since; /* a time as bd_form_time writes and reads it, or what the source said */
	int64_t until_ms, now_ms;
	uint64_t serial;
	uint8_t random[16]; /* becomes uuid */
	const struct bd_form_value *values;
	size_t value_count;
};

struct bd_form_header {
	const char *name, *value;
};

/* All in the arena. */
struct bd_form_request {
	const char *method, *url;
	struct bd_form_header headers[BD_FORM_HEADERS_MAX];
	size_t header_count;
	struct bd_bytes body; /* ptr NULL = none */
};

/* A text with ${...} in it. BD_CONFIG_MEANING: it has no end, or no name. */
enum bd_code bd_form_template_read(struct bd_form_template *out, const char *text,
	struct bd_arena *arena, struct bd_diag *diag);
/* The first name in all of the form that nobody gives; NULL = all are given. */
const char *bd_form_unknown(
	const struct bd_form *form, const char *const *given, size_t given_count);

/* base: of the connection. BD_ASK_FORM: it has no word for this kind of identifier.
 * BD_CONFIG_MEANING: a value cannot stand in its place, or a key is none; the diag names it, never
 * its value. */
enum bd_code bd_form_make(struct bd_form_request *out, const struct bd_form *form, const char *base,
	const struct bd_form_given *given, struct bd_arena *arena, struct bd_diag *diag);

/* Appends the text as its place wants it. BD_CONFIG_MEANING: it cannot stand there. */
enum bd_code bd_form_escape(struct bd_buf *out, enum bd_form_place place, struct bd_bytes text);

/* "20260601093015120" and back: the form in which a time is kept as `since`. */
void bd_form_time(char out[18], int64_t ms);
bool bd_form_time_read(int64_t *ms, struct bd_bytes text);

#endif
