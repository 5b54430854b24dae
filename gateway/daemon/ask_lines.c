/* ask_lines.c - questions a line each (NDJSON), answered in their order. */
#include "base/limits.h"
#include "daemon/ask_parts.h"
#include "daemon/share.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static void begin_lines(struct ask *ask)
{
	static const struct bd_http_header headers[] = { { "Content-Type", "application/x-ndjson" },
		{ "Cache-Control", "no-store" }, { NULL, NULL } };

	if (!ask->has_begun) {
		ask->has_begun = true;
		bd_http_begin(ask->call.exchange, 200, headers);
	}
}

/* A line: the answer that is there from `before` on, or the problem in its place. */
static void end_line(struct ask *ask, size_t before, const struct bd_diag *diag)
{
	struct bd_buf *answers = &ask->answers;
	enum bd_code code = BD_OK;

	if (diag->code != BD_OK) {
		answers->len = before;
		code = bd_problem_write(
			answers, diag, NULL, bd_problem_is_english(ask->call.exchange));
	}
	if (code == BD_OK) {
		code = bd_buf_add_byte(answers, '\n');
	}
	if (code != BD_OK) {
		answers->len = before;
	}
}

static void note_unsent(struct ask *ask)
{
	if (ask->unsent == 0) {
		ask->losses = bd_trail_losses(ask->call.loop->audit.log);
		ask->call.loop->gathering++;
	}
	ask->unsent++;
}

static void note_sent(struct ask *ask, size_t count)
{
	if (ask->unsent > 0 && ask->unsent == count) {
		ask->call.loop->gathering--;
	}
	ask->unsent -= count;
}

/* The entries of the lines that are answered, if any are, before these leave. Where one could not
 * be written, none of the lines is answered but by that. */
static void write_entries(struct ask *ask)
{
	static const struct bd_diag diag = { .code = BD_TRAIL_UNAVAILABLE };
	struct bd_audit *audit = &ask->call.loop->audit;
	struct bd_buf *answers = &ask->answers;

	if (ask->unsent == 0) {
		return;
	}
	if (bd_audit_flush(audit, NULL) != BD_OK || bd_trail_losses(audit->log) != ask->losses) {
		bd_buf_clear(answers);
		for (size_t i = 0; i < ask->unsent; i++) {
			end_line(ask, answers->len, &diag);
		}
	}
	note_sent(ask, ask->unsent);
}

/* Sends what is answered; false when the client must take it first. */
static bool flush(struct ask *ask)
{
	struct bd_buf *answers = &ask->answers;
	bool is_wanted = true;

	write_entries(ask);
	if (answers->len > 0) {
		begin_lines(ask);
		is_wanted = bd_http_write(ask->call.exchange, bd_buf_bytes(answers));
		bd_buf_clear(answers);
	}
	return is_wanted;
}

/* -- lines that wait -- */

static void free_line(struct ask_line *line)
{
	bd_look_release(line->look);
	bd_buf_release(&line->text);
	free(line);
}

void bd_ask_lines_left(const struct ask *ask)
{
	for (const struct ask_line *line = ask->first; line != NULL; line = line->next) {
		bd_look_left(line->look);
	}
}

void bd_ask_lines_free(struct ask *ask)
{
	struct ask_line *next;

	note_sent(ask, ask->unsent);
	bd_buf_release(&ask->answers);
	for (struct ask_line *line = ask->first; line != NULL; line = next) {
		next = line->next;
		free_line(line);
	}
	ask->first = NULL;
}

/* With this text, not yet in line. NULL: no memory. */
static struct ask_line *make_line(struct ask *ask, struct bd_bytes text)
{
	struct ask_line *line = calloc(1, sizeof(*line));

	if (line == NULL) {
		return NULL;
	}
	line->ask = ask;
	bd_buf_init(&line->text, BD_ANSWER_MAX_BYTES * 2);
	if (bd_buf_add(&line->text, text) != BD_OK) {
		free_line(line);
		return NULL;
	}
	return line;
}

static void queue_line(struct ask *ask, struct ask_line *line)
{
	*ask->last = line;
	ask->last = &line->next;
	ask->line_count++;
}

/* What has been answered is for after those that wait. Without memory for that the batch ends
 * here: an answer in another's place would be worse. */
static void hold_answer(struct ask *ask)
{
	struct bd_buf *answers = &ask->answers;
	struct ask_line *line;

	write_entries(ask);
	line = make_line(ask, bd_buf_bytes(answers));
	bd_buf_clear(answers);
	if (line == NULL) {
		ask->is_broken = true;
	} else {
		queue_line(ask, line);
	}
}

static void on_looked(struct bd_look *look);

/* It is not answered before departments have been asked. */
static enum bd_code put_off(struct ask *ask, struct bd_bytes text, struct bd_diag *diag)
{
	struct bd_look *look = ask->question.look;
	struct ask_line *line = make_line(ask, text);
	enum bd_code code = BD_NO_MEMORY;

	ask->question.look = NULL;
	if (line != NULL) {
		look->on_over = on_looked;
		look->state = line;
		code = bd_look_start(look, diag);
	}
	if (code != BD_OK) {
		bd_look_release(look);
		if (line != NULL) {
			free_line(line);
		}
		return code;
	}
	line->look = look;
	queue_line(ask, line);
	bd_http_watch(ask->call.exchange);
	return BD_OK;
}

/* -- lines -- */

/* Into the answers, or with question.look set not yet. */
static void decide_line(struct ask *ask, struct bd_bytes text, struct bd_diag *diag)
{
	char receipt[BD_TRAIL_ID_TEXT_BYTES];
	size_t before = ask->answers.len;

	note_unsent(ask);
	if (diag->code == BD_OK) {
		diag->code = bd_question_answer(receipt, &ask->question, text, diag);
	}
	if (diag->code == BD_OK && ask->question.look != NULL) {
		note_sent(ask, 1);
		/* What was answered before it does not wait for it. */
		if (ask->first == NULL && !flush(ask)) {
			ask->is_stopped = true;
		}
		before = ask->answers.len;
		diag->code = put_off(ask, text, diag);
		if (diag->code == BD_OK) {
			return;
		}
		note_unsent(ask);
	}
	if (diag->code != BD_OK && bd_question_refuse(&ask->question, diag->code) != BD_OK) {
		*diag = (struct bd_diag){ .code = BD_TRAIL_UNAVAILABLE };
	}
	end_line(ask, before, diag);
}

static void answer_line(struct ask *ask, struct bd_bytes text)
{
	struct bd_diag diag = { .code = BD_OK };

	diag.code = bd_share_line(ask->call.setup, ask->call.sender, &diag);
	decide_line(ask, text, &diag);
	if (ask->first != NULL && ask->answers.len > 0) {
		hold_answer(ask);
	}
}

/* Whole lines of the body, one at least, as far as the turn lasts. */
static void answer_some(bool *has_more, struct ask *ask)
{
	*has_more = false;
	while (!*has_more && !ask->is_stopped && !ask->is_broken &&
		ask->line_count < BD_NDJSON_IN_FLIGHT && ask->answered < ask->body.len) {
		size_t at = ask->answered;
		char *end = memchr(ask->body.ptr + at, '\n', ask->body.len - at);
		size_t len = end != NULL ? (size_t)(end - ask->body.ptr) - at : ask->body.len - at;

		if (end == NULL && !ask->is_body_over) {
			break;
		}
		if (len > 0 && ask->body.ptr[at + len - 1] == '\r') {
			len--;
		}
		if (len > 0) {
			answer_line(ask, (struct bd_bytes){ ask->body.ptr + at, len });
		}
		ask->answered = end != NULL ? (size_t)(end - ask->body.ptr) + 1 : ask->body.len;
		if (ask->answers.len >= BD_NDJSON_SEND_BYTES) {
			ask->is_stopped = !flush(ask);
		}
		*has_more =
			ask->answered < ask->body.len && bd_laters_is_over(&ask->call.loop->laters);
	}
}

void bd_ask_lines_make_room(struct ask *ask)
{
	if (ask->answered > 0) {
		ask->body.len -= ask->answered;
		memmove(ask->body.ptr, ask->body.ptr + ask->answered, ask->body.len);
		ask->answered = 0;
	}
}

static void end(struct ask *ask)
{
	begin_lines(ask);
	bd_http_end(ask->call.exchange);
	bd_ask_free(ask);
}

static void pause_body(struct ask *ask, bool is_paused)
{
	if (!ask->is_body_over && is_paused) {
		bd_http_pause(ask->call.exchange);
	} else if (!ask->is_body_over && ask->is_paused) {
		bd_http_resume(ask->call.exchange);
	}
	ask->is_paused = is_paused;
}

static void on_later(struct bd_later *later)
{
	struct ask *ask = CONTAINER(struct ask, later, later);
	bool has_more;

	answer_some(&has_more, ask);
	/* What is answered may go with the lines of the next turn. */
	if (!has_more && !flush(ask)) {
		ask->is_stopped = true;
	}
	ask->is_full = ask->line_count >= BD_NDJSON_IN_FLIGHT;
	if (ask->is_broken) {
		end(ask);
	} else if (ask->is_stopped || ask->is_full) {
		pause_body(ask, true);
	} else if (has_more) {
		bd_ask_lines(ask);
	} else if (ask->is_body_over && ask->first == NULL) {
		end(ask);
	} else {
		pause_body(ask, false);
	}
}

void bd_ask_lines(struct ask *ask)
{
	if (ask->is_stopped || ask->is_full) {
		return;
	}
	ask->later.run = on_later;
	bd_later(&ask->call.loop->laters, &ask->later);
	/* What is there is answered before more is taken. */
	if (ask->body.len - ask->answered > BD_BODY_GATHER_MAX_BYTES / 2) {
		pause_body(ask, true);
	}
}

/* -- what waited -- */

/* Those in front that are answered. */
static void send_first(struct ask *ask)
{
	while (ask->first != NULL && ask->first->look == NULL && !ask->is_stopped) {
		struct ask_line *line = ask->first;

		ask->first = line->next;
		ask->last = ask->first == NULL ? &ask->first : ask->last;
		ask->line_count--;
		begin_lines(ask);
		ask->is_stopped = !bd_http_write(ask->call.exchange, bd_buf_bytes(&line->text));
		free_line(line);
	}
}

static void go_on(struct ask *ask)
{
	send_first(ask);
	if (ask->is_stopped) {
		pause_body(ask, true);
		return;
	}
	ask->is_full = false;
	bd_ask_lines(ask);
}

/* All is known that will be: decided in a new snapshot. */
static void on_looked(struct bd_look *look)
{
	struct ask_line *line = look->state;
	struct ask *ask = line->ask;
	struct bd_buf *answers = &ask->answers;
	bool may_look = ask->question.may_look;
	struct bd_diag diag = { .code = BD_OK };

	bd_buf_clear(answers);
	ask->question.may_look = false;
	ask->question.looked = look;
	decide_line(ask, bd_buf_bytes(&line->text), &diag);
	ask->question.looked = NULL;
	ask->question.may_look = may_look;
	write_entries(ask);
	bd_look_release(look);
	line->look = NULL;
	bd_buf_clear(&line->text);
	ask->is_broken = bd_buf_add(&line->text, bd_buf_bytes(answers)) != BD_OK;
	bd_buf_clear(answers);
	if (ask->is_broken) {
		end(ask);
	} else if (line == ask->first) {
		go_on(ask);
	}
}

void bd_ask_lines_writable(struct ask *ask)
{
	if (ask->is_stopped) {
		ask->is_stopped = false;
		go_on(ask);
	}
}

void bd_ask_lines_break(struct ask *ask, enum bd_code code)
{
	struct bd_diag diag = { .code = code };

	/* Whether the client can take more is told by the last. */
	flush(ask);
	bd_question_refuse(&ask->question, code);
	end_line(ask, ask->answers.len, &diag);
	ask->is_body_over = true;
	ask->body.len = ask->answered = 0;
	if (ask->first != NULL) {
		hold_answer(ask);
		bd_http_pause(ask->call.exchange);
	} else {
		flush(ask);
		end(ask);
	}
}
