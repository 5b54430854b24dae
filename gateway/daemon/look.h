/* look.h - what a case has asked of departments on the spot 现场查询 before it is decided: one
 * letter from a network loop to the sources' loop and back.
 *
 * Layer: daemon. Made by the loop that answers the case (look_plan.c), worked on by the sources'
 * loop (lookups.h), which gives it back exactly once, whatever happens. The case goes on when all
 * is known or its deadline has passed, whichever comes first: what comes later is stored all the
 * same. Nothing of an answer travels in it: what was fetched is committed by then, and read from
 * the store in a new snapshot.
 */
#ifndef BD_DAEMON_LOOK_H
#define BD_DAEMON_LOOK_H

#include "answer/answer.h"
#include "daemon/later.h"
#include "daemon/mailbox.h"
#include "daemon/question.h"

struct bd_look;

/* One subject at one feed. */
struct bd_look_item {
	const char *source, *feed; /* names of look->setup */
	struct bd_identifier subject;
	const char *id_kind;
	const char *pointer; /* of the subject in the case */
	/* Of a claim that the source judges 核验, in normal form; digest "" = none. */
	const char *field; /* "organization.name" */
	struct bd_bytes claim;
	const char *digest;
	uint64_t max_age_ms; /* what was stored within it is as good; UINT64_MAX = however old */
	enum bd_code code;   /* how it ended, once is_done */
	bool is_done;        /* atomic */
	/* private, of the sources' loop */
	struct bd_look *look;
	struct bd_look_item *next;
};

struct bd_look {
	struct bd_look_item *items;
	size_t count;
	struct bd_trail_caller caller; /* on whose behalf, kept in the arena */
	struct bd_setup *setup;        /* a reference */
	uint64_t wait_ms;              /* from bd_look_start on */
	/* Called once, on the loop that made it: all is known, or it is time. Then it is for the
	 * caller to decide, and to release it. */
	void (*on_over)(struct bd_look *look);
	void *state; /* the caller's */
	/* private */
	struct bd_arena arena;
	struct bd_loop *loop;
	struct bd_letter posted, letter; /* to the sources' loop, and back */
	uv_timer_t timer;
	struct bd_later later; /* to be decided now */
	bool is_over, is_back, is_released, is_timer_open;
	bool is_abandoned; /* atomic: nobody waits any more */
	/* of the sources' loop */
	struct bd_look *next;
	size_t open; /* items that are not done */
};

/* May anything be asked for cases of this configuration? */
bool bd_look_is_possible(const struct bd_loop *loop, const struct bd_setup *setup);
/* What the findings of a case leave open that a department can be asked: where a budget of
 * freshness is not met, or nobody has told. *out NULL = nothing, or no time for it. The look's
 * caller is that of the question. */
enum bd_code bd_look_plan(struct bd_look **out, const struct bd_question *question,
	const struct bd_compared *compared, struct bd_diag *diag);
/* on_over comes, never from within. BD_BUSY: cases_waiting_max cases wait. */
enum bd_code bd_look_start(struct bd_look *look, struct bd_diag *diag);
/* Whoever asked is gone, and no answer was given: entered, with whom the case was about. NULL is
 * allowed. */
void bd_look_left(const struct bd_look *look);
/* At any time, also before bd_look_start; on_over does not come after it. NULL is allowed. */
void bd_look_release(struct bd_look *look);
/* On the loop that made it: how this one ended; BD_CONNECT_TIMEOUT when it has not. */
enum bd_code bd_look_code(const struct bd_look_item *item);

#endif
