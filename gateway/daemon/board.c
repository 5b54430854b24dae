#include "daemon/board.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct bd_source_board {
	uv_mutex_t lock;
	struct bd_board_row rows[BD_BOARD_ROWS_MAX];
	bool is_found[BD_BOARD_ROWS_MAX]; /* since the last mark */
	size_t count;
};

enum bd_code bd_source_board_new(struct bd_source_board **out)
{
	struct bd_source_board *board = calloc(1, sizeof(*board));

	if (board == NULL || uv_mutex_init(&board->lock) != 0) {
		free(board);
		return BD_NO_MEMORY;
	}
	*out = board;
	return BD_OK;
}

void bd_source_board_free(struct bd_source_board *board)
{
	if (board != NULL) {
		uv_mutex_destroy(&board->lock);
		free(board);
	}
}

static bool is_same(const struct bd_board_row *a, const struct bd_board_row *b)
{
	return a->kind == b->kind && strcmp(a->source, b->source) == 0 &&
	       strcmp(a->name, b->name) == 0;
}

size_t bd_source_board_find(struct bd_source_board *board, const char *source, const char *name,
	enum bd_board_kind kind)
{
	struct bd_board_row wanted = { .kind = kind };
	size_t i = 0, free_row = BD_BOARD_ROWS_MAX;

	snprintf(wanted.source, sizeof(wanted.source), "%s", source);
	snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	uv_mutex_lock(&board->lock);
	while (i < board->count && !is_same(&board->rows[i], &wanted)) {
		if (board->rows[i].kind == 0 && free_row == BD_BOARD_ROWS_MAX) {
			free_row = i;
		}
		i++;
	}
	if (i == board->count) {
		i = free_row < BD_BOARD_ROWS_MAX ? free_row : i;
		if (i < BD_BOARD_ROWS_MAX) {
			board->rows[i] = wanted;
			board->count = i == board->count ? i + 1 : board->count;
		}
	}
	if (i < BD_BOARD_ROWS_MAX) {
		board->is_found[i] = true;
	}
	uv_mutex_unlock(&board->lock);
	return i;
}

void bd_source_board_mark(struct bd_source_board *board, enum bd_board_kind kind)
{
	uv_mutex_lock(&board->lock);
	for (size_t i = 0; i < board->count; i++) {
		board->is_found[i] = board->is_found[i] && board->rows[i].kind != kind;
	}
	uv_mutex_unlock(&board->lock);
}

void bd_source_board_sweep(struct bd_source_board *board, enum bd_board_kind kind)
{
	uv_mutex_lock(&board->lock);
	for (size_t i = 0; i < board->count; i++) {
		if (board->rows[i].kind == kind && !board->is_found[i]) {
			board->rows[i] = (struct bd_board_row){ .rows = 0 };
		}
	}
	uv_mutex_unlock(&board->lock);
}

void bd_source_board_change(struct bd_source_board *board, size_t row,
	void (*change)(struct bd_board_row *row, const void *with), const void *with)
{
	if (row < BD_BOARD_ROWS_MAX) {
		uv_mutex_lock(&board->lock);
		change(&board->rows[row], with);
		uv_mutex_unlock(&board->lock);
	}
}

void bd_board_row_end(struct bd_board_row *row, enum bd_code code, bool is_good)
{
	row->last = code;
	row->last_ms = bd_clock_wall_ms();
	row->good_ms = is_good ? row->last_ms : row->good_ms;
}

size_t bd_source_board_read(struct bd_board_row *out, size_t room, struct bd_source_board *board)
{
	size_t count = 0;

	uv_mutex_lock(&board->lock);
	for (size_t i = 0; i < board->count && count < room; i++) {
		if (board->rows[i].kind != 0) {
			out[count++] = board->rows[i];
		}
	}
	uv_mutex_unlock(&board->lock);
	return count;
}
