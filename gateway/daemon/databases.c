#include "daemon/databases.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/board.h"
#include "daemon/database_batch.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct database {
	struct database *next;
	struct bd_databases *all;
	struct bd_database_batch batch; /* its plan is of the setup that `all` has a reference of */
	struct bd_sender sender;
	const char *sender_source;
	uv_timer_t timer;
	bool is_running, is_closing;
	enum bd_code code; /* of the last */
	uint64_t wait_ms;  /* before the next try; 0 = the last went well */
	size_t board_row;
};

struct bd_databases {
	struct bd_loop_guest guest;
	struct bd_loop *loop;
	struct bd_setup *setup; /* a reference */
	struct database *first;
	bool is_draining, is_reload_wanted;
};

static void open_all(struct bd_databases *databases);

/* -- figures -- */

struct note {
	const struct bd_database_batch *batch;
	bool is_running, is_end;
	enum bd_code code;
	int64_t next_ms;
};

static void change_row(struct bd_board_row *row, const void *with)
{
	const struct note *note = with;

	row->is_running = note->is_running;
	row->next_ms = note->next_ms;
	if (note->is_end) {
		row->asked++;
		row->failed += note->code != BD_OK;
		bd_board_row_end(row, note->code, note->code == BD_OK);
		row->rows += note->batch->is_stored ? note->batch->rows : 0;
		row->records += note->batch->is_stored ? note->batch->accepted : 0;
		row->pages += note->batch->is_stored;
		row->marked += note->batch->marked;
	}
}

static void tell(struct database *database, struct note note)
{
	note.batch = &database->batch;
	bd_source_board_change(
		database->all->loop->daemon->board, database->board_row, change_row, &note);
}

/* -- the end of one -- */

static void on_all_closed(struct bd_databases *databases)
{
	bd_setup_unref(databases->setup);
	databases->setup = NULL;
	if (databases->is_draining) {
		bd_loop_background_end(databases->loop);
	} else {
		databases->is_reload_wanted = false;
		databases->setup = bd_setup_ref(databases->loop->setup);
		open_all(databases);
	}
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct database *database = handle->data;
	struct bd_databases *databases = database->all;
	struct database **link = &databases->first;

	while (*link != database) {
		link = &(*link)->next;
	}
	*link = database->next;
	bd_database_batch_release(&database->batch);
	free(database);
	if (databases->first == NULL) {
		on_all_closed(databases);
	}
}

static bool is_leaving(const struct database *database)
{
	return database->all->is_draining || database->all->is_reload_wanted;
}

static void close_database(struct database *database)
{
	if (!database->is_closing) {
		database->is_closing = true;
		uv_close((uv_handle_t *)&database->timer, on_timer_closed);
	}
}

/* -- batches -- */

static void on_due(uv_timer_t *timer)
{
	struct database *database = timer->data;

	database->is_running = true;
	tell(database, (struct note){ .is_running = true });
	bd_database_batch_begin(&database->batch);
}

static void on_over(struct bd_database_batch *batch, const struct bd_diag *diag)
{
	struct database *database = CONTAINER(struct database, batch, batch);
	uint64_t most = batch->plan->every_ms;

	if (diag->code != BD_OK && diag->code != database->code) {
		bd_log(BD_LOG_ERROR, "databases", bd_code_info(diag->code)->text, "%s: %s",
			batch->progress_name, diag->detail);
	}
	database->code = diag->code;
	tell(database, (struct note){ .is_running = true, .is_end = true, .code = diag->code });
	if (diag->code == BD_OK) {
		database->wait_ms = 0;
		return;
	}
	database->wait_ms = database->wait_ms == 0 ? BD_DATABASE_RETRY_MS : database->wait_ms * 2;
	database->wait_ms = database->wait_ms < most ? database->wait_ms : most;
}

/* Nothing is under way: what is next? */
static void on_closed(struct bd_database_batch *batch)
{
	struct database *database = CONTAINER(struct database, batch, batch);
	uint64_t wait_ms = database->wait_ms != 0 ? database->wait_ms
			   : batch->is_full       ? 0
						  : batch->plan->every_ms;

	database->is_running = false;
	tell(database, (struct note){ .next_ms = bd_clock_wall_ms() + (int64_t)wait_ms });
	if (is_leaving(database)) {
		close_database(database);
	} else {
		uv_timer_start(&database->timer, on_due, wait_ms, 0);
	}
}

static const struct bd_database_batch_ops batch_ops = { on_over, on_closed };

/* -- all of them -- */

static bool open_database(struct bd_databases *databases, const struct bd_source_access *access,
	const struct bd_database_plan *plan)
{
	struct database *database = calloc(1, sizeof(*database));
	struct bd_database_batch *batch;

	if (database == NULL) {
		return false;
	}
	batch = &database->batch;
	database->all = databases;
	database->sender_source = access->plan->source;
	/* Parentheses stand in no sender's name. */
	database->sender = (struct bd_sender){ .name = "(database)",
		.roles = BD_SENDER_DEPARTMENT,
		.sources = &database->sender_source,
		.source_count = 1 };
	batch->ops = &batch_ops;
	batch->loop = databases->loop;
	batch->setup = databases->setup;
	batch->plan = plan;
	batch->source = access->plan;
	batch->sender = &database->sender;
	batch->caller.client = bd_bytes_of(database->sender.name);
	batch->caller.operator_name = bd_bytes_of(plan->name);
	batch->how = "database";
	bd_database_batch_init(batch);
	database->board_row = bd_source_board_find(databases->loop->daemon->board,
		access->plan->source, plan->name, BD_BOARD_DATABASE);
	uv_timer_init(&databases->loop->uv, &database->timer);
	database->timer.data = database;
	database->next = databases->first;
	databases->first = database;
	uv_timer_start(&database->timer, on_due, 0, 0);
	return true;
}

static void open_all(struct bd_databases *databases)
{
	const struct bd_sources *sources = databases->setup->sources;
	struct bd_source_board *board = databases->loop->daemon->board;

	bd_source_board_mark(board, BD_BOARD_DATABASE);
	for (size_t i = 0; sources != NULL && i < sources->count; i++) {
		const struct bd_source_access *access = &sources->items[i];

		for (size_t k = 0; k < access->database_count; k++) {
			if (!open_database(databases, access, &access->databases[k])) {
				bd_log(BD_LOG_ERROR, "databases", "limit.memory", "%s/%s",
					access->plan->source, access->databases[k].name);
			}
		}
	}
	bd_source_board_sweep(board, BD_BOARD_DATABASE);
}

/* Each ends when what it has under way is over; what only reads is given up. */
static void leave(struct bd_databases *databases)
{
	struct database *next;

	if (databases->first == NULL) {
		on_all_closed(databases);
		return;
	}
	for (struct database *database = databases->first; database != NULL; database = next) {
		next = database->next;
		if (database->is_running) {
			bd_database_batch_leave(&database->batch);
		} else {
			close_database(database);
		}
	}
}

static void on_drain(struct bd_loop_guest *guest)
{
	struct bd_databases *databases = CONTAINER(struct bd_databases, guest, guest);

	databases->is_draining = true;
	leave(databases);
}

static void on_reload(struct bd_loop_guest *guest)
{
	struct bd_databases *databases = CONTAINER(struct bd_databases, guest, guest);

	if (!databases->is_draining && !databases->is_reload_wanted) {
		databases->is_reload_wanted = true;
		leave(databases);
	}
}

enum bd_code bd_databases_new(struct bd_databases **out, struct bd_loop *loop, struct bd_diag *diag)
{
	struct bd_databases *databases = calloc(1, sizeof(*databases));

	if (databases == NULL) {
		return bd_fail(diag, BD_NO_MEMORY, "no databases");
	}
	databases->loop = loop;
	databases->setup = bd_setup_ref(loop->setup);
	databases->guest.on_drain = on_drain;
	databases->guest.on_reload = on_reload;
	bd_loop_join(loop, &databases->guest);
	open_all(databases);
	*out = databases;
	return BD_OK;
}

void bd_databases_free(struct bd_databases *databases)
{
	free(databases);
}
