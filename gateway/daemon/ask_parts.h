/* ask_parts.h - what the two files of a question share: ask.c has the request, its body and a
 * single question, ask_lines.c questions a line each.
 *
 * Layer: daemon, private to ask*.c; on the loop's thread. A comparison that waits for departments
 * (look.h) leaves the loop to others: of a batch the lines behind it are answered meanwhile, up to
 * BD_NDJSON_IN_FLIGHT of them, and sent after it.
 */
#ifndef BD_DAEMON_ASK_PARTS_H
#define BD_DAEMON_ASK_PARTS_H

#include "daemon/look.h"
#include "daemon/question.h"
#include "daemon/repeats.h"

struct ask;

/* A line that waits for departments, or whose answer waits for one that does. */
struct ask_line {
	struct ask_line *next;
	struct ask *ask;
	struct bd_look *look; /* NULL = it is answered */
	struct bd_buf text;   /* the question; then its answer, with the end of the line */
};

struct ask {
	struct ask *next; /* of those that are over */
	struct bd_call call;
	struct bd_question question;
	bool is_lines;
	bool is_whole; /* lines are answered when all have come: the body is signed */
	bool has_begun, is_body_over, is_stopped; /* stopped: until on_writable */
	bool is_full;                             /* the body is not read: too many lines wait */
	bool is_paused;                           /* nor while so much of it is there */
	bool is_broken;                           /* no memory for an answer: the batch ends here */
	struct bd_buf body;
	size_t answered;       /* of lines: bytes of the body that are */
	struct bd_later later; /* whole lines of the body are to be answered */
	struct bd_look *look;  /* of a single question that waits */
	/* Idempotency-Key */
	bool is_keyed;
	struct bd_repeat repeat;
	/* of the lines that are answered and not sent */
	uint64_t losses; /* of the trail, when the first was answered */
	size_t unsent;
	struct bd_buf answers;
	struct ask_line *first, **last;
	size_t line_count;
};

/* -- ask.c -- */

void bd_ask_free(struct ask *ask);

/* -- ask_lines.c -- */

/* Whole lines of the body are answered in the turns to come, up to what the client can take and to
 * how many may wait; the last of them ends and frees the ask. */
void bd_ask_lines(struct ask *ask);
/* Before more of the body is added: what is answered gives its place. */
void bd_ask_lines_make_room(struct ask *ask);
/* The client can take more. */
void bd_ask_lines_writable(struct ask *ask);
/* In the place of the next line: nothing behind it is answered. Ends and frees the ask, now or when
 * those before it are answered. */
void bd_ask_lines_break(struct ask *ask, enum bd_code code);
/* Enters of each line that waits that it got no answer: its client is gone. */
void bd_ask_lines_left(const struct ask *ask);
/* Gives up those that wait. */
void bd_ask_lines_free(struct ask *ask);

#endif
