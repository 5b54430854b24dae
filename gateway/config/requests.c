#include "config/requests.h"

#include "base/limits.h"
#include "config/compiler.h"
#include "config/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reading {
	struct bd_compiler compiler;
	struct bd_form *form;
	struct bd_form_step *steps;
	struct bd_form_pair *queries, *headers;
	const struct bd_xml_node *request;
};

static enum bd_code fail(struct reading *reading, const struct bd_xml_node *node,
	const char *attribute, const char *detail)
{
	return bd_xml_fail(
		reading->compiler.diags, BD_CONFIG_MEANING, node, attribute, "%s", detail);
}

static struct bd_form_template template_of(struct reading *reading, const struct bd_xml_node *node,
	const char *attribute, const char *text)
{
	struct bd_form_template template = { NULL, 0 };
	struct bd_diag diag = { .code = BD_OK };

	if (bd_form_template_read(&template, text, reading->compiler.arena, &diag) != BD_OK) {
		fail(reading, node, attribute, diag.detail);
	}
	return template;
}

/* -- steps -- */

static enum bd_form_place place_of(const char *as)
{
	return as == NULL || strcmp(as, "raw") == 0 ? BD_FORM_RAW
	       : strcmp(as, "xml") == 0             ? BD_FORM_XML
	       : strcmp(as, "json") == 0            ? BD_FORM_JSON
						    : BD_FORM_URL;
}

/* Content without the blanks that lay it out. */
static const char *content_of(struct reading *reading, const struct bd_xml_node *node)
{
	struct bd_bytes text = bd_bytes_of(node->text);

	while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && strchr(" \t\r\n", text.ptr[text.len - 1]) != NULL) {
		text.len--;
	}
	return bd_arena_text(reading->compiler.arena, text);
}

static void read_text(
	struct reading *reading, struct bd_form_step *step, const struct bd_xml_node *node)
{
	const char *value = bd_xml_attr(node, "value"), *content = content_of(reading, node);

	step->kind = BD_FORM_TEXT;
	step->name = strcmp(node->name, "payload") == 0 ? "payload" : bd_xml_attr(node, "name");
	step->place = place_of(bd_xml_attr(node, "as"));
	if (content == NULL) {
		reading->compiler.is_out_of_memory = true;
		return;
	}
	if (value != NULL && content[0] != '\0') {
		fail(reading, node, "value", "either value or content");
	}
	step->of = template_of(reading, node, NULL, value != NULL ? value : content);
}

static void read_choice(
	struct reading *reading, struct bd_form_step *step, const struct bd_xml_node *node)
{
	size_t count = bd_xml_count(node, "when");
	struct bd_form_when *whens = bd_compiler_make(&reading->compiler, count, sizeof(*whens));
	const struct bd_xml_node *when = bd_xml_child(node, "when");

	step->kind = BD_FORM_CHOICE;
	step->name = bd_xml_attr(node, "name");
	step->of = template_of(reading, node, "of", bd_xml_attr(node, "of"));
	for (size_t i = 0; whens != NULL && i < count; i++, when = bd_xml_next(when)) {
		whens[i] = (struct bd_form_when){ bd_xml_attr(when, "is"),
			bd_xml_attr(when, "value") };
	}
	step->whens = whens;
	step->when_count = count;
}

static void read_computed(
	struct reading *reading, struct bd_form_step *step, const struct bd_xml_node *node)
{
	static const char *const functions[] = { [BD_FORM_SHA256] = "sha256",
		[BD_FORM_SM3] = "sm3",
		[BD_FORM_HMAC_SHA256] = "hmac-sha256",
		[BD_FORM_HMAC_SM3] = "hmac-sm3",
		[BD_FORM_SM2_SIGN] = "sm2-sign",
		[BD_FORM_SM2_SIGN_DER] = "sm2-sign-der",
		[BD_FORM_SM4_ECB] = "sm4-ecb" };
	const char *function = bd_xml_attr(node, "function");
	bool needs_key;

	step->kind = BD_FORM_COMPUTED;
	step->name = bd_xml_attr(node, "name");
	step->of = template_of(reading, node, "of", bd_xml_attr(node, "of"));
	step->key = bd_xml_attr(node, "key");
	step->coding =
		strcmp(bd_xml_attr(node, "coding"), "hex") == 0 ? BD_FORM_HEX : BD_FORM_BASE64;
	for (size_t i = BD_FORM_SHA256; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strcmp(functions[i], function) == 0) {
			step->function = (enum bd_form_function)i;
		}
	}
	needs_key = step->function != BD_FORM_SHA256 && step->function != BD_FORM_SM3;
	if (needs_key != (step->key != NULL)) {
		fail(reading, node, "function",
			needs_key ? "this one needs a key" : "this one has no key");
	}
}

static void read_pair(
	struct reading *reading, struct bd_form_pair *pair, const struct bd_xml_node *node)
{
	pair->name = bd_xml_attr(node, "name");
	pair->value = template_of(reading, node, "value", bd_xml_attr(node, "value"));
}

static struct bd_form_step *next_step(struct reading *reading, const struct bd_xml_node *node)
{
	if (reading->form->step_count == BD_FORM_STEPS_MAX) {
		fail(reading, node, NULL, "too many steps, with those of the envelopes");
		return &reading->steps[BD_FORM_STEPS_MAX - 1];
	}
	return &reading->steps[reading->form->step_count++];
}

/* One of that name from further inside, whose place an outer one takes: twice a header is none. */
static struct bd_form_pair *find_header(struct reading *reading, const struct bd_xml_node *node)
{
	const char *name = bd_xml_attr(node, "name");
	size_t i = 0;

	while (i < reading->form->header_count && strcasecmp(reading->headers[i].name, name) != 0) {
		i++;
	}
	return i < reading->form->header_count ? &reading->headers[i] : NULL;
}

static void read_step(struct reading *reading, const struct bd_xml_node *node)
{
	struct bd_form *form = reading->form;

	if (strcmp(node->name, "text") == 0) {
		read_text(reading, next_step(reading, node), node);
	} else if (strcmp(node->name, "payload") == 0) {
		read_text(reading, next_step(reading, node), node);
		form->has_body = true;
	} else if (strcmp(node->name, "choice") == 0) {
		read_choice(reading, next_step(reading, node), node);
	} else if (strcmp(node->name, "computed") == 0) {
		read_computed(reading, next_step(reading, node), node);
	} else if (strcmp(node->name, "header") == 0 && find_header(reading, node) != NULL) {
		read_pair(reading, find_header(reading, node), node);
	} else if (strcmp(node->name, "header") == 0) {
		if (form->header_count == BD_FORM_HEADERS_MAX) {
			fail(reading, node, NULL, "too many headers");
		} else {
			read_pair(reading, &reading->headers[form->header_count++], node);
		}
	} else if (strcmp(node->name, "query") == 0) {
		if (form->query_count == BD_FORM_HEADERS_MAX) {
			fail(reading, node, NULL, "too many queries");
		} else {
			read_pair(reading, &reading->queries[form->query_count++], node);
		}
	}
}

static void read_steps(struct reading *reading, const struct bd_xml_node *node)
{
	for (const struct bd_xml_node *child = node->first; child != NULL; child = child->next) {
		read_step(reading, child);
	}
}

/* From the inner to the outer: each has the payload of the one before. */
static void read_envelopes(struct reading *reading)
{
	const char *names = bd_xml_attr(reading->request, "envelope");
	size_t count = 0;
	const char *const *list =
		names == NULL ? NULL : bd_compiler_split(&reading->compiler, names, ' ', &count);

	for (size_t i = 0; list != NULL && i < count; i++) {
		const struct bd_xml_node *root = NULL;
		const char *file =
			bd_compiler_join(&reading->compiler, "../_envelopes/requests", list[i]);
		char shown[256];

		snprintf(shown, sizeof(shown), "%s.xml", file != NULL ? file : "");
		if (bd_xml_read(&root,
			    bd_compiler_join(&reading->compiler, reading->compiler.folder, shown),
			    bd_arena_text(reading->compiler.arena, bd_bytes_of(shown)),
			    bd_compiler_join(
				    &reading->compiler, reading->compiler.schemas, "request.xsd"),
			    reading->compiler.arena, reading->compiler.diags) != BD_OK) {
			bd_xml_fail(reading->compiler.diags, BD_CONFIG_REFERENCE, reading->request,
				"envelope", "the envelope '%s' cannot be used", list[i]);
		} else if (strcmp(root->name, "request-envelope") != 0) {
			fail(reading, root, NULL, "a request-envelope is expected");
		} else {
			read_steps(reading, root);
		}
	}
}

/* -- the request -- */

static void read_kinds(struct reading *reading)
{
	const struct bd_xml_node *node = reading->request;
	const char *about = bd_xml_attr(node, "about");
	struct bd_form *form = reading->form;

	if (about == NULL) {
		return;
	}
	form->kinds = bd_compiler_split(&reading->compiler, about, ' ', &form->kind_count);
	for (size_t i = 0; form->kinds != NULL && i < form->kind_count; i++) {
		if (bd_dictionary_id_kind(reading->compiler.dict, form->kinds[i]) == NULL) {
			bd_xml_fail(reading->compiler.diags, BD_CONFIG_REFERENCE, node, "about",
				"no kind of identifier '%s'", form->kinds[i]);
		}
	}
}

static bool is_field(const struct bd_dictionary *dict, const char *name)
{
	const char *dot = strchr(name, '.');
	char entity[64];

	if (dot == NULL || (size_t)(dot - name) >= sizeof(entity)) {
		return false;
	}
	memcpy(entity, name, (size_t)(dot - name));
	entity[dot - name] = '\0';
	return bd_dictionary_field(dict, entity, dot + 1) != NULL;
}

static void read_judged(struct reading *reading)
{
	const struct bd_xml_node *node = reading->request;
	const char *judges = bd_xml_attr(node, "judges");
	struct bd_form *form = reading->form;

	if (judges == NULL) {
		return;
	}
	form->judged = bd_compiler_split(&reading->compiler, judges, ' ', &form->judged_count);
	for (size_t i = 0; form->judged != NULL && i < form->judged_count; i++) {
		if (!is_field(reading->compiler.dict, form->judged[i])) {
			bd_xml_fail(reading->compiler.diags, BD_CONFIG_REFERENCE, node, "judges",
				"no field '%s'", form->judged[i]);
		}
	}
}

static uint64_t number_of(const struct bd_xml_node *node, const char *attribute, uint64_t fallback)
{
	const char *text = bd_xml_attr(node, attribute);

	return text == NULL ? fallback : strtoull(text, NULL, 10);
}

static void read_paging(struct reading *reading, const struct bd_xml_node *node)
{
	struct bd_form *form = reading->form;
	const char *until, *size;

	if (node == NULL) {
		return;
	}
	until = bd_xml_attr(node, "until");
	size = bd_xml_attr(node, "size");
	form->paging = strcmp(bd_xml_attr(node, "by"), "number") == 0 ? BD_PAGING_NUMBER
								      : BD_PAGING_CURSOR;
	form->first_page = number_of(node, "first", 1);
	form->page_size = number_of(node, "size", 0);
	form->pages_max = number_of(node, "pages-max", BD_SOURCE_PAGES_MAX);
	form->cursor_header = bd_xml_attr(node, "header");
	form->last = until == NULL || strcmp(until, "empty") == 0 ? BD_LAST_EMPTY
		     : strcmp(until, "short") == 0                ? BD_LAST_SHORT
								  : BD_LAST_SAID;
	if (form->paging == BD_PAGING_NUMBER ? form->cursor_header != NULL || until == NULL
					     : until != NULL) {
		fail(reading, node, "by",
			"numbered pages say until when; only a cursor stands in a header");
	}
	if (form->last == BD_LAST_SHORT && size == NULL) {
		fail(reading, node, "until", "short: of which size?");
	}
}

static uint64_t span_of(const char *text)
{
	char *unit;
	uint64_t count = text == NULL ? 0 : strtoull(text, &unit, 10);

	return text == NULL   ? 0
	       : *unit == 's' ? count * 1000
	       : *unit == 'm' ? count * 60000
	       : *unit == 'h' ? count * 3600000
			      : count * 86400000;
}

static void read_watermark(struct reading *reading, const struct bd_xml_node *node)
{
	struct bd_form *form = reading->form;
	int64_t ms;

	form->first_since = "";
	if (node == NULL) {
		return;
	}
	form->is_windowed = strcmp(bd_xml_attr(node, "by"), "time") == 0;
	form->is_marked_by_message = !form->is_windowed;
	form->overlap_ms = span_of(bd_xml_attr(node, "overlap"));
	if (bd_xml_attr(node, "first") != NULL) {
		form->first_since = bd_xml_attr(node, "first");
	}
	if (form->is_windowed && form->first_since[0] != '\0' &&
		!bd_form_time_read(&ms, bd_bytes_of(form->first_since))) {
		fail(reading, node, "first", "a time is yyyyMMddHHmmssSSS");
	}
	if (form->overlap_ms != 0 && !form->is_windowed) {
		fail(reading, node, "overlap", "only times overlap");
	}
}

static void check_body(struct reading *reading)
{
	const struct bd_form *form = reading->form;
	const struct bd_form_step *last =
		form->step_count > 0 ? &form->steps[form->step_count - 1] : NULL;

	if (form->has_body && strcmp(last->name, "payload") != 0) {
		fail(reading, reading->request, NULL, "the payload is made last");
	}
	if (form->has_body != (strcmp(form->method, "POST") == 0)) {
		fail(reading, reading->request, "method", "POST has a payload, GET has none");
	}
	if (form->path.count > 0 &&
		(form->path.parts[0].literal == NULL || form->path.parts[0].literal[0] != '/')) {
		fail(reading, reading->request, "path", "empty, or it begins with a slash");
	}
}

static void read_form(struct reading *reading, const char *name)
{
	const struct bd_xml_node *node = reading->request;
	struct bd_form *form = reading->form;

	form->name = bd_xml_attr(node, "name");
	form->label_zh = bd_xml_attr(node, "zh");
	form->label_en = bd_xml_attr(node, "en");
	form->method = bd_xml_attr(node, "method");
	form->path = template_of(reading, node, "path", bd_xml_attr(node, "path"));
	form->is_conditional = bd_xml_is_true(node, "conditional");
	if (strncmp(form->name, name, strlen(form->name)) != 0 ||
		strcmp(name + strlen(form->name), ".xml") != 0) {
		fail(reading, node, "name", "the file has another name");
	}
	read_kinds(reading);
	read_judged(reading);
	read_steps(reading, node);
	read_envelopes(reading);
	read_paging(reading, bd_xml_child(node, "paging"));
	read_watermark(reading, bd_xml_child(node, "watermark"));
	check_body(reading);
}

static void read_file(
	struct bd_compiler *compiler, struct bd_form *form, size_t *count, const char *name)
{
	struct reading reading = { .compiler = *compiler, .form = form };
	const char *shown = bd_compiler_join(compiler, "requests", name);

	if (bd_xml_read(&reading.request, bd_compiler_join(compiler, compiler->folder, shown),
		    shown, bd_compiler_join(compiler, compiler->schemas, "request.xsd"),
		    compiler->arena, compiler->diags) != BD_OK) {
		return;
	}
	if (strcmp(reading.request->name, "request") != 0) {
		fail(&reading, reading.request, NULL, "a request is expected");
		return;
	}
	reading.steps =
		bd_compiler_make(&reading.compiler, BD_FORM_STEPS_MAX, sizeof(*reading.steps));
	reading.queries =
		bd_compiler_make(&reading.compiler, BD_FORM_HEADERS_MAX, sizeof(*reading.queries));
	reading.headers =
		bd_compiler_make(&reading.compiler, BD_FORM_HEADERS_MAX, sizeof(*reading.headers));
	if (!reading.compiler.is_out_of_memory) {
		form->steps = reading.steps;
		form->queries = reading.queries;
		form->headers = reading.headers;
		read_form(&reading, name);
		(*count)++;
	}
	compiler->is_out_of_memory = reading.compiler.is_out_of_memory;
}

enum bd_code bd_config_requests(struct bd_forms *out, const char *folder, const char *schemas,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diags *diags)
{
	struct bd_compiler compiler = {
		.folder = folder, .schemas = schemas, .dict = dict, .arena = arena, .diags = diags
	};
	const char *path = bd_compiler_join(&compiler, folder, "requests");
	const char *const *names = NULL;
	size_t count = 0, read = 0;
	struct bd_form *forms;
	enum bd_code code =
		path == NULL ? BD_NO_MEMORY : bd_file_list(&names, &count, path, ".xml", arena);

	if (code != BD_OK) {
		return bd_diags_add(diags, code, "requests", 0, 0, "cannot be read");
	}
	forms = bd_compiler_make(&compiler, count, sizeof(*forms));
	for (size_t i = 0; forms != NULL && i < count && !compiler.is_out_of_memory; i++) {
		read_file(&compiler, &forms[read], &read, names[i]);
	}
	if (compiler.is_out_of_memory) {
		return bd_diags_add(diags, BD_NO_MEMORY, "requests", 0, 0, "no room");
	}
	*out = (struct bd_forms){ forms, read };
	return bd_diags_code(diags);
}

const struct bd_form *bd_forms_find(const struct bd_forms *forms, const char *name)
{
	for (size_t i = 0; i < forms->count; i++) {
		if (strcmp(forms->items[i].name, name) == 0) {
			return &forms->items[i];
		}
	}
	return NULL;
}
