/* source_test.c - POST /v1/sources/{source}/test: a connection tried step by step (trial.h). */
#include "base/json_write.h"
#include "base/limits.h"
#include "daemon/document.h"
#include "daemon/puller.h"
#include "daemon/routes.h"
#include "daemon/trial.h"
#include "record/rules_identifier.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct test {
	struct bd_call call;
	struct bd_trial trial;
	struct bd_arena arena;
};

static void test_free(struct test *test)
{
	bd_arena_release(&test->arena);
	bd_call_close(&test->call);
	free(test);
}

static void refuse(struct test *test, const struct bd_diag *diag)
{
	bd_count(&test->call.loop->counts.refused, 1);
	bd_problem_respond(test->call.exchange, diag, test->trial.source);
	test_free(test);
}

/* -- the answer -- */

/* The steps in their order; the first that was not reached is where it failed. */
static void write_steps(struct bd_json_writer *w, const struct bd_trial *trial)
{
	const struct bd_http_fetch_times *times = &trial->times;
	bool is_called = trial->kind != BD_TRIAL_DATABASE;
	/* Where libcurl does not tell SSH's handshake from the login they are one step. */
	bool is_one = times->secured_us == 0 && times->login_us != 0;
	const struct {
		const char *name;
		uint64_t at_us;
		bool is_there;
	} steps[] = { { "name", times->name_us, is_called },
		{ "connect", times->connect_us, is_called },
		{ "secure", times->secured_us, is_called && trial->is_secured && !is_one },
		{ "login", times->login_us, trial->kind == BD_TRIAL_FILES },
		{ "open", times->login_us, trial->kind == BD_TRIAL_DATABASE },
		{ "answer", times->first_byte_us, true },
		{ "records", trial->has_counts ? trial->records_us : 0, true } };
	uint64_t before_us = 0;
	bool is_good = trial->has_times;

	bd_jw_array(w, "steps");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && is_good; i++) {
		if (!steps[i].is_there) {
			continue;
		}
		is_good = steps[i].at_us != 0 &&
			  (trial->code == BD_OK || i + 1 < sizeof(steps) / sizeof(steps[0]));
		bd_jw_object(w, NULL);
		bd_jw_text(w, "step", steps[i].name);
		bd_jw_bool(w, "good", is_good);
		bd_jw_u64(w, "us", steps[i].at_us > before_us ? steps[i].at_us - before_us : 0);
		bd_jw_object_end(w);
		before_us = steps[i].at_us > before_us ? steps[i].at_us : before_us;
	}
	bd_jw_array_end(w);
}

static void write_trial(struct bd_json_writer *w, const struct bd_trial *trial)
{
	const struct bd_code_info *info = bd_code_info(trial->code);

	bd_jw_object(w, NULL);
	bd_jw_text(w, "source", trial->source);
	bd_jw_text(w, "name", trial->tried);
	bd_jw_text(w, "connection", trial->connection);
	bd_jw_text(w, "address", trial->times.address);
	write_steps(w, trial);
	bd_jw_u64(w, "received", trial->received);
	bd_jw_u64(w, "accepted", trial->accepted);
	bd_jw_u64(w, "rejected", trial->rejected);
	bd_jw_text(w, "code", info->text);
	bd_jw_text(w, "zh", info->zh);
	bd_jw_text(w, "en", info->en);
	bd_jw_text(w, "detail", trial->diag.detail);
	bd_jw_text(w, "hint_zh", info->hint_zh);
	bd_jw_text(w, "hint_en", info->hint_en);
	bd_jw_object_end(w);
}

static void on_tried(struct bd_letter *letter)
{
	struct test *test =
		CONTAINER(struct test, trial, CONTAINER(struct bd_trial, letter, letter));
	struct bd_trial *trial = &test->trial;
	struct bd_document document;

	if (trial->code == BD_SOURCE_UNKNOWN ||
		(trial->code == BD_SUBJECT_MISSING && !trial->has_times)) {
		trial->diag.code = trial->code;
		refuse(test, &trial->diag);
		return;
	}
	bd_document_begin(&document, test->call.loop, test->call.exchange);
	write_trial(&document.json, trial);
	bd_document_end(&document, BD_OK);
	test_free(test);
}

/* -- the question -- */

static void on_body(struct bd_call *call, struct bd_bytes bytes)
{
	(void)call;
	(void)bytes; /* there is none that would say anything */
}

static void on_body_end(struct bd_call *call)
{
	struct test *test = CONTAINER(struct test, call, call);

	bd_puller_post_trial(call->loop->daemon->puller, &test->trial);
}

static void on_abort(struct bd_call *call)
{
	(void)call; /* what was begun ends by itself, and ends the exchange */
}

static const struct bd_call_ops call_ops = { on_body, on_body_end, on_abort, NULL };

static enum bd_code read_question(
	struct test *test, const struct bd_route_parts *parts, struct bd_diag *diag)
{
	struct bd_call *call = &test->call;
	struct bd_trial *trial = &test->trial;
	enum bd_code code;

	if (parts->first.len >= sizeof(trial->source)) {
		return bd_fail(diag, BD_SOURCE_UNKNOWN, "%s", "");
	}
	memcpy(trial->source, parts->first.ptr, parts->first.len);
	if (!bd_call_parameter(trial->name, sizeof(trial->name), &code,
		    bd_http_query(call->exchange), "name") &&
		code != BD_OK) {
		return bd_fail(diag, code, "name, once");
	}
	code = bd_subject_header(&trial->subject, bd_http_header(call->exchange, "bidui-subject"),
		call->setup->dict, &test->arena, diag);
	if (code == BD_OK && trial->subject.kind != 0) {
		trial->subject_kind =
			bd_dictionary_id_kind_number(call->setup->dict, trial->subject.kind)->name;
	}
	return code;
}

void bd_source_test_begin(struct bd_loop *loop, struct bd_http_exchange *exchange,
	const struct bd_sender *sender, const struct bd_route_parts *parts)
{
	struct test *test = calloc(1, sizeof(*test));
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code;

	if (test == NULL) {
		bd_problem_respond_code(exchange, BD_NO_MEMORY, "");
		return;
	}
	bd_arena_init(&test->arena, BD_REQUEST_ARENA_MAX_BYTES);
	bd_call_open(&test->call, &call_ops, loop, exchange, sender);
	test->trial.answer = on_tried;
	test->trial.home = &loop->mailbox;
	code = loop->daemon->puller == NULL
		       ? bd_fail(&diag, BD_SOURCE_UNKNOWN, "nothing is fetched: sources_file")
		       : read_question(test, parts, &diag);
	if (code == BD_OK) {
		code = bd_audit_caller_kept(
			&test->trial.caller, &loop->audit, exchange, sender->name, &test->arena);
		code = code == BD_OK ? BD_OK : bd_fail(&diag, code, "%s", "");
	}
	if (code != BD_OK) {
		diag.code = code;
		refuse(test, &diag);
	}
}
