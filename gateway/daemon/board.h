/* board.h - what is known of every connection to a source, every pull, every look-up and every
 * front-end database: for status and figures.
 *
 * Layer: daemon; any thread. The sources' loop writes, whoever answers reads.
 */
#ifndef BD_DAEMON_BOARD_H
#define BD_DAEMON_BOARD_H

#include "base/breaker.h"
#include "base/code.h"

#include <stddef.h>

enum bd_board_kind { BD_BOARD_CONNECTION = 1, BD_BOARD_PULL, BD_BOARD_LOOK_UP, BD_BOARD_DATABASE };

/* Names are cut to their room. */
struct bd_board_row {
	char source[64], name[64];
	enum bd_board_kind kind;     /* 0 = a row that is free */
	enum bd_breaker_state state; /* of a connection */
	uint64_t asked, failed,
		refused;        /* requests; failed; ended for a limit or address of ours */
	uint64_t busy, waiting; /* of a look-up: subjects asked about, cases */
	uint64_t late;          /* cases that could not wait for a look-up any longer */
	/* of a pull, and of a database, whose pages are batches */
	uint64_t records, pages;
	uint64_t unchanged; /* runs that were told that nothing has changed */
	uint64_t rows;      /* of a database: read and stored, or refused by themselves */
	uint64_t marked;    /* of them, whose flag was written back */
	bool is_running;
	enum bd_code last;                 /* how the last one ended */
	int64_t last_ms, good_ms, next_ms; /* wall; 0 = never */
};
#define BD_BOARD_ROWS_MAX 512
struct bd_source_board;
enum bd_code bd_source_board_new(struct bd_source_board **out);
void bd_source_board_free(struct bd_source_board *board);
/* The row of that name, made if it is new; BD_BOARD_ROWS_MAX when there is no room. Counts go on
 * over a reload. */
size_t bd_source_board_find(struct bd_source_board *board, const char *source, const char *name,
	enum bd_board_kind kind);
/* Rows of this kind that are not found again from here on are forgotten by the next
 * bd_source_board_sweep of it. */
void bd_source_board_mark(struct bd_source_board *board, enum bd_board_kind kind);
void bd_source_board_sweep(struct bd_source_board *board, enum bd_board_kind kind);
/* Changes a row: change is called with it, under the lock. */
void bd_source_board_change(struct bd_source_board *board, size_t row,
	void (*change)(struct bd_board_row *row, const void *with), const void *with);
/* Within a change: what the row is of has ended so; with is_good it worked. */
void bd_board_row_end(struct bd_board_row *row, enum bd_code code, bool is_good);
/* Any thread: a copy of all rows, in no order: how many. */
size_t bd_source_board_read(struct bd_board_row *out, size_t room, struct bd_source_board *board);

#endif
