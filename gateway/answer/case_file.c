#include "answer/case_file.h"

#include "answer/held_file.h"
#include "base/json_write.h"
#include "base/limits.h"

#include <stdio.h>

/* -- the question, written again -- */

static void write_again(struct bd_json_writer *w, const char *key, const struct bd_json *node)
{
	char name[128];

	switch (node->type) {
	case BD_JSON_IS_OBJECT:
	case BD_JSON_IS_ARRAY:
		if (node->type == BD_JSON_IS_OBJECT) {
			bd_jw_object(w, key);
		} else {
			bd_jw_array(w, key);
		}
		for (const struct bd_json *at = node->first; at != NULL; at = at->next) {
			snprintf(name, sizeof(name), "%.*s", (int)at->key.len, at->key.ptr);
			write_again(w, node->type == BD_JSON_IS_OBJECT ? name : NULL, at);
		}
		if (node->type == BD_JSON_IS_OBJECT) {
			bd_jw_object_end(w);
		} else {
			bd_jw_array_end(w);
		}
		break;
	case BD_JSON_IS_TEXT:
		bd_jw_bytes(w, key, node->text);
		break;
	case BD_JSON_IS_NUMBER:
	case BD_JSON_IS_BOOL:
		bd_jw_raw(w, key, node->text);
		break;
	case BD_JSON_IS_NULL:
		bd_jw_null(w, key);
		break;
	}
}

static void read_question(
	struct bd_case_file *file, const struct bd_json *node, struct bd_faults *faults)
{
	struct bd_json_writer w;
	struct bd_buf text;

	if (node == NULL) {
		bd_faults_add(faults, BD_QUESTION_FORM, NULL, "/question", "a case has a question");
		return;
	}
	bd_buf_init(&text, BD_QUESTION_MAX_BYTES);
	bd_jw_init(&w, &text);
	write_again(&w, NULL, node);
	file->question = bd_arena_copy(faults->arena, bd_buf_bytes(&text));
	bd_buf_release(&text);
	if (w.code != BD_OK || file->question.ptr == NULL) {
		bd_faults_add(faults, BD_LIMIT_BYTES, node, "/question", "");
	}
}

static enum bd_code lookup(struct bd_answer_source *self, struct bd_held **out,
	const struct bd_identifier *identifiers, size_t count, const struct bd_wanted *wanted,
	struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_case_file *file = (struct bd_case_file *)(void *)self;

	(void)wanted;
	*out = bd_held_file_find(file->held, identifiers, count);
	if (*out == NULL) {
		*out = bd_arena_alloc(arena, 1, sizeof(**out));
		if (*out == NULL) {
			return bd_fail(diag, bd_arena_code(arena), "%s", "");
		}
		(*out)->status = BD_HELD_NO_SUBJECT;
	}
	return BD_OK;
}

static int64_t now_of(const struct bd_held_reading *reading, const struct bd_json *root)
{
	const struct bd_json *question = bd_json_get(root, "question");
	int64_t submitted =
		bd_held_time(reading, question, "submitted_at", 0, "/question/submitted_at");

	return bd_held_time(reading, root, "now",
		submitted != 0 ? submitted
			       : bd_held_time(reading, question, "on", 0, "/question/on"),
		"/now");
}

static void read_file(
	struct bd_case_file *file, const struct bd_json *root, struct bd_held_reading *reading)
{
	static const struct bd_bytes names[] = { BD_BYTES("title"), BD_BYTES("now"),
		BD_BYTES("live"), BD_BYTES("question"), BD_BYTES("held"), BD_BYTES("expect"),
		{ NULL, 0 } };
	struct bd_held_file *held = bd_arena_alloc(reading->faults->arena, 1, sizeof(*held));

	bd_question_members(root, "", names, reading->faults);
	reading->now_ms = now_of(reading, root);
	file->source.lookup = lookup;
	file->title = bd_held_text(reading, root, "title", "");
	file->is_live = bd_held_flag(root, "live");
	file->now_ms = reading->now_ms;
	file->expect = bd_json_get(root, "expect");
	file->held = held;
	read_question(file, bd_json_get(root, "question"), reading->faults);
	if (held == NULL) {
		bd_faults_add(reading->faults, BD_NO_MEMORY, root, "", "");
		return;
	}
	bd_held_file_read(held, bd_json_get(root, "held"), reading);
	if (file->expect == NULL) {
		bd_faults_add(reading->faults, BD_QUESTION_FORM, root, "/expect",
			"a case says what must come out");
	}
}

enum bd_code bd_case_file_read(struct bd_case_file **out, struct bd_bytes json,
	const struct bd_dictionary *dict, struct bd_arena *arena, struct bd_diag *diag)
{
	struct bd_case_file *file = bd_arena_alloc(arena, 1, sizeof(*file));
	struct bd_faults faults = { diag, arena, 0 };
	struct bd_held_reading reading = { dict, 0, &faults };
	struct bd_json *root = NULL;
	enum bd_code code = bd_json_parse(&root, json, arena, diag);

	if (code != BD_OK) {
		return code;
	}
	if (file == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	read_file(file, root, &reading);
	if (faults.count > 0) {
		return diag != NULL ? diag->code : BD_QUESTION_FORM;
	}
	*out = file;
	return BD_OK;
}
