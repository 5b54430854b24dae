#include "base/form.h"

#include "base/form_parts.h"
#include "base/try.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* -- templates -- */

static enum bd_code add_part(struct bd_form_part *part, const char *text, size_t len, bool is_name,
	struct bd_arena *arena)
{
	char *copy = bd_arena_alloc(arena, len + 1, 1), *colon;

	if (copy == NULL) {
		return bd_arena_code(arena);
	}
	memcpy(copy, text, len);
	if (!is_name) {
		*part = (struct bd_form_part){ .literal = copy };
		return BD_OK;
	}
	*part = (struct bd_form_part){ .name = copy, .format = "" };
	colon = strchr(copy, ':');
	if (colon != NULL) {
		*colon = '\0';
		part->format = colon + 1;
	}
	return part->name[0] != '\0' ? BD_OK : BD_CONFIG_MEANING;
}

enum bd_code bd_form_template_read(struct bd_form_template *out, const char *text,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_form_part *parts;
	size_t count = 0, room = 1;

	for (const char *at = strstr(text, "${"); at != NULL; at = strstr(at + 2, "${")) {
		room += 2;
	}
	parts = bd_arena_alloc(arena, room, sizeof(*parts));
	while (parts != NULL && *text != '\0') {
		const char *begin = strstr(text, "${");
		size_t len = begin != NULL ? (size_t)(begin - text) : strlen(text);

		if (len > 0) {
			BD_TRY(add_part(&parts[count++], text, len, false, arena));
		}
		text += len;
		if (begin != NULL) {
			const char *end = strchr(begin, '}');

			if (end == NULL ||
				add_part(&parts[count++], begin + 2, (size_t)(end - begin - 2),
					true, arena) != BD_OK) {
				return bd_fail(diag, BD_CONFIG_MEANING,
					"${NAME} or ${NAME:FORMAT} is not ended");
			}
			text = end + 1;
		}
	}
	if (parts == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "template");
	}
	*out = (struct bd_form_template){ parts, count };
	return BD_OK;
}

/* -- names that are always there -- */

enum always {
	ALWAYS_IDENTIFIER,
	ALWAYS_ID_KIND,
	ALWAYS_PAGE,
	ALWAYS_OFFSET,
	ALWAYS_SIZE,
	ALWAYS_CURSOR,
	ALWAYS_SINCE,
	ALWAYS_UNTIL,
	ALWAYS_NOW,
	ALWAYS_UUID,
	ALWAYS_SERIAL,
	ALWAYS_FIELD,
	ALWAYS_CLAIM,
	ALWAYS_CLAIM_DIGEST,
	ALWAYS_COUNT
};
static const char *const always[ALWAYS_COUNT] = { "identifier", "id_kind", "page", "offset", "size",
	"cursor", "since", "until", "now", "uuid", "serial", "field", "claim", "claim_digest" };

static enum always always_of(const char *name)
{
	size_t i = 0;

	while (i < ALWAYS_COUNT && strcmp(always[i], name) != 0) {
		i++;
	}
	return (enum always)i;
}

static bool is_given(const char *name, const struct bd_form *form, size_t step_count,
	const char *const *given, size_t given_count)
{
	if (always_of(name) != ALWAYS_COUNT) {
		return true;
	}
	for (size_t i = 0; i < step_count; i++) {
		if (strcmp(form->steps[i].name, name) == 0) {
			return true;
		}
	}
	for (size_t i = 0; i < given_count; i++) {
		if (strcmp(given[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static const char *unknown_of(const struct bd_form_template *template, const struct bd_form *form,
	size_t step_count, const char *const *given, size_t given_count)
{
	for (size_t i = 0; i < template->count; i++) {
		const struct bd_form_part *part = &template->parts[i];

		if (part->literal == NULL &&
			!is_given(part->name, form, step_count, given, given_count)) {
			return part->name;
		}
	}
	return NULL;
}

const char *bd_form_unknown(
	const struct bd_form *form, const char *const *given, size_t given_count)
{
	const char *name = unknown_of(&form->path, form, form->step_count, given, given_count);

	for (size_t i = 0; i < form->step_count && name == NULL; i++) {
		const struct bd_form_step *step = &form->steps[i];

		name = unknown_of(&step->of, form, i, given, given_count);
		if (name == NULL && step->key != NULL &&
			!is_given(step->key, form, 0, given, given_count)) {
			name = step->key;
		}
	}
	for (size_t i = 0; i < form->query_count && name == NULL; i++) {
		name = unknown_of(
			&form->queries[i].value, form, form->step_count, given, given_count);
	}
	for (size_t i = 0; i < form->header_count && name == NULL; i++) {
		name = unknown_of(
			&form->headers[i].value, form, form->step_count, given, given_count);
	}
	return name;
}

/* -- making -- */

struct making {
	const struct bd_form *form;
	const struct bd_form_given *given;
	struct bd_arena *arena;
	struct bd_diag *diag;
	struct bd_buf text; /* what is made just now */
	struct bd_buf part; /* of it */
	struct bd_bytes made[BD_FORM_STEPS_MAX];
	size_t made_count;
};

static const struct bd_form_value *value_of(const struct making *making, const char *name)
{
	for (size_t i = 0; i < making->given->value_count; i++) {
		if (strcmp(making->given->values[i].name, name) == 0) {
			return &making->given->values[i];
		}
	}
	return NULL;
}

static enum bd_code add_since(struct making *making, const char *format)
{
	struct bd_bytes since = making->given->since;
	int64_t ms;

	return format[0] != '\0' && bd_form_time_read(&ms, since)
		       ? bd_form_write_time(&making->part, ms, format)
		       : bd_buf_add(&making->part, since);
}

/* Into making->part, before it is escaped. */
static enum bd_code add_always(struct making *making, enum always which, const char *format)
{
	static const char standard[] = "yyyy-MM-dd HH:mm:ss";
	const struct bd_form_given *given = making->given;
	struct bd_buf *out = &making->part;
	int width = atoi(format);
	uint64_t serial = given->serial;

	switch (which) {
	case ALWAYS_IDENTIFIER:
		return bd_buf_add(out, given->identifier);
	case ALWAYS_ID_KIND:
		return bd_buf_add_text(out, given->id_kind != NULL ? given->id_kind : "");
	case ALWAYS_PAGE:
		return bd_buf_printf(out, "%" PRIu64, given->page);
	case ALWAYS_OFFSET:
		return bd_buf_printf(out, "%" PRIu64, given->offset);
	case ALWAYS_SIZE:
		return bd_buf_printf(out, "%" PRIu64, making->form->page_size);
	case ALWAYS_CURSOR:
		return bd_buf_add(out, given->cursor);
	case ALWAYS_SINCE:
		return add_since(making, format);
	case ALWAYS_UNTIL:
		return bd_form_write_time(
			out, given->until_ms, format[0] != '\0' ? format : standard);
	case ALWAYS_NOW:
		return bd_form_write_time(
			out, given->now_ms, format[0] != '\0' ? format : standard);
	case ALWAYS_UUID:
		for (size_t i = 0; i < sizeof(given->random); i++) {
			BD_TRY(bd_buf_printf(out, "%02x", given->random[i]));
		}
		return BD_OK;
	case ALWAYS_SERIAL:
		for (uint64_t limit = 1, i = 0; width > 0 && width < 19; i++, limit *= 10) {
			if (i == (uint64_t)width) {
				serial %= limit;
				break;
			}
		}
		return bd_buf_printf(
			out, "%0*" PRIu64, width > 0 && width < 19 ? width : 1, serial);
	case ALWAYS_FIELD:
		return bd_buf_add(out, given->field);
	case ALWAYS_CLAIM:
		return bd_buf_add(out, given->claim);
	case ALWAYS_CLAIM_DIGEST:
		return bd_buf_add(out, given->claim_digest);
	case ALWAYS_COUNT:
		break;
	}
	return BD_INTERNAL;
}

/* Of the steps the last one of that name counts: an outer envelope has the inner one's payload. */
static enum bd_code add_named(struct making *making, const char *name)
{
	const struct bd_form_value *value;

	for (size_t i = making->made_count; i > 0; i--) {
		if (strcmp(making->form->steps[i - 1].name, name) == 0) {
			return bd_buf_add(&making->part, making->made[i - 1]);
		}
	}
	value = value_of(making, name);
	return value != NULL ? bd_buf_add(&making->part, value->bytes) : BD_CONFIG_MEANING;
}

static enum bd_code add_value(
	struct making *making, const struct bd_form_part *part, enum bd_form_place place)
{
	enum always which = always_of(part->name);
	bool is_text_format = bd_form_is_format(part->format);
	size_t before = making->text.len;
	bool is_whole = false;

	if (part->format[0] != '\0' && !is_text_format && which != ALWAYS_SINCE &&
		which != ALWAYS_UNTIL && which != ALWAYS_NOW && which != ALWAYS_SERIAL) {
		return BD_CONFIG_MEANING; /* only times and numbers have formats of their own */
	}
	bd_buf_clear(&making->part);
	BD_TRY(which != ALWAYS_COUNT ? add_always(making, which, is_text_format ? "" : part->format)
				     : add_named(making, part->name));
	if (!is_text_format) {
		return bd_form_escape(&making->text, place, bd_buf_bytes(&making->part));
	}
	BD_TRY(bd_form_format(&making->text, &is_whole, bd_buf_bytes(&making->part), part->format));
	if (is_whole || place == BD_FORM_RAW) {
		return BD_OK;
	}
	bd_buf_clear(&making->part);
	BD_TRY(bd_buf_add(&making->part,
		(struct bd_bytes){ making->text.ptr + before, making->text.len - before }));
	making->text.len = before;
	return bd_form_escape(&making->text, place, bd_buf_bytes(&making->part));
}

/* Of a format that is of the place itself (xml within XML) the text is escaped twice: that is what
 * it is for. *out is in the arena, and ends with a NUL behind it. */
static enum bd_code fill(struct bd_bytes *out, struct making *making,
	const struct bd_form_template *template, enum bd_form_place place)
{
	enum bd_code code = BD_OK;

	bd_buf_clear(&making->text);
	for (size_t i = 0; i < template->count && code == BD_OK; i++) {
		const struct bd_form_part *part = &template->parts[i];

		code = part->literal != NULL ? bd_buf_add_text(&making->text, part->literal)
					     : add_value(making, part, place);
		if (code != BD_OK) {
			return bd_fail(making->diag, code, "%s",
				part->name != NULL ? part->name : making->form->name);
		}
	}
	out->len = making->text.len;
	out->ptr = bd_arena_text(making->arena, bd_buf_bytes(&making->text));
	return out->ptr != NULL ? BD_OK
				: bd_fail(making->diag, bd_arena_code(making->arena), "form");
}

static enum bd_code choose(struct bd_bytes *out, const struct bd_form_step *step,
	struct bd_bytes text, struct bd_diag *diag)
{
	for (size_t i = 0; i < step->when_count; i++) {
		if (bd_bytes_is(text, step->whens[i].is)) {
			*out = bd_bytes_of(step->whens[i].value);
			return BD_OK;
		}
	}
	return bd_fail(diag, BD_ASK_FORM, "%s: no word for this", step->name);
}

static enum bd_code compute(struct bd_bytes *out, struct making *making,
	const struct bd_form_step *step, struct bd_bytes text)
{
	const struct bd_form_value *key = step->key != NULL ? value_of(making, step->key) : NULL;
	enum bd_code code;

	bd_buf_clear(&making->text);
	code = bd_form_compute(&making->text, step, text, key);
	if (code != BD_OK) {
		return bd_fail(making->diag, code, "%s", step->name);
	}
	*out = bd_arena_copy(making->arena, bd_buf_bytes(&making->text));
	return out->ptr != NULL ? BD_OK
				: bd_fail(making->diag, bd_arena_code(making->arena), "form");
}

static enum bd_code make_steps(struct making *making)
{
	for (size_t i = 0; i < making->form->step_count; i++) {
		const struct bd_form_step *step = &making->form->steps[i];
		struct bd_bytes *made = &making->made[i], text;

		switch (step->kind) {
		case BD_FORM_TEXT:
			BD_TRY(fill(made, making, &step->of, step->place));
			break;
		case BD_FORM_CHOICE:
			BD_TRY(fill(&text, making, &step->of, BD_FORM_RAW));
			BD_TRY(choose(made, step, text, making->diag));
			break;
		case BD_FORM_COMPUTED:
			BD_TRY(fill(&text, making, &step->of, BD_FORM_RAW));
			BD_TRY(compute(made, making, step, text));
			break;
		}
		making->made_count = i + 1;
	}
	return BD_OK;
}

static enum bd_code make_url(struct bd_form_request *out, struct making *making, const char *base)
{
	const struct bd_form *form = making->form;
	struct bd_buf url;
	struct bd_bytes text;
	enum bd_code code = fill(&text, making, &form->path, BD_FORM_URL);

	bd_buf_init(&url, BD_FORM_MAX_BYTES);
	code = code == BD_OK ? bd_buf_add_text(&url, base) : code;
	code = code == BD_OK ? bd_buf_add(&url, text) : code;
	for (size_t i = 0; i < form->query_count && code == BD_OK; i++) {
		code = fill(&text, making, &form->queries[i].value, BD_FORM_URL);
		code = code == BD_OK ? bd_buf_printf(&url, "%c%s=", i == 0 ? '?' : '&',
					       form->queries[i].name)
				     : code;
		code = code == BD_OK ? bd_buf_add(&url, text) : code;
	}
	out->url = code == BD_OK ? bd_arena_text(making->arena, bd_buf_bytes(&url)) : NULL;
	bd_buf_release(&url);
	return code != BD_OK ? code : out->url != NULL ? BD_OK : bd_arena_code(making->arena);
}

static enum bd_code make_headers(struct bd_form_request *out, struct making *making)
{
	const struct bd_form *form = making->form;

	for (size_t i = 0; i < form->header_count && i < BD_FORM_HEADERS_MAX; i++) {
		struct bd_bytes value;

		BD_TRY(fill(&value, making, &form->headers[i].value, BD_FORM_HEADER));
		out->headers[i] = (struct bd_form_header){ form->headers[i].name, value.ptr };
		out->header_count = i + 1;
	}
	return BD_OK;
}

static enum bd_code check_kind(
	const struct bd_form *form, const struct bd_form_given *given, struct bd_diag *diag)
{
	for (size_t i = 0; given->id_kind != NULL && i < form->kind_count; i++) {
		if (strcmp(form->kinds[i], given->id_kind) == 0) {
			return BD_OK;
		}
	}
	return form->kind_count == 0
		       ? BD_OK
		       : bd_fail(diag, BD_ASK_FORM, "%s cannot be asked about by %s", form->name,
				 given->id_kind != NULL ? given->id_kind : "nobody");
}

static enum bd_code make(struct bd_form_request *out, struct making *making, const char *base)
{
	const struct bd_form *form = making->form;

	BD_TRY(check_kind(form, making->given, making->diag));
	BD_TRY(make_steps(making));
	BD_TRY(make_url(out, making, base));
	BD_TRY(make_headers(out, making));
	out->method = form->method;
	if (form->has_body && making->made_count > 0) {
		out->body = making->made[making->made_count - 1];
	}
	return BD_OK;
}

enum bd_code bd_form_make(struct bd_form_request *out, const struct bd_form *form, const char *base,
	const struct bd_form_given *given, struct bd_arena *arena, struct bd_diag *diag)
{
	struct making making = { .form = form, .given = given, .arena = arena, .diag = diag };
	enum bd_code code;

	*out = (struct bd_form_request){ .method = NULL };
	bd_buf_init(&making.text, BD_FORM_MAX_BYTES);
	bd_buf_init(&making.part, BD_FORM_MAX_BYTES);
	code = make(out, &making, base);
	bd_buf_release(&making.text);
	bd_buf_release(&making.part);
	return code != BD_OK && (diag == NULL || diag->code == BD_OK)
		       ? bd_fail(diag, code, "%s", form->name)
		       : code;
}
