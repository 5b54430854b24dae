#include "daemon/refused.h"

#include "base/log.h"
#include "daemon/loop.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define CONTAINER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define PLACE_BYTES 160

struct refused {
	struct bd_letter letter;
	struct bd_loop *loop;
	const char *of;
	enum bd_code code;
	char place[PLACE_BYTES];
};

static void on_letter(struct bd_letter *letter)
{
	struct refused *refused = CONTAINER(struct refused, letter, letter);
	struct bd_audit *audit = &refused->loop->audit;
	const struct bd_trail_event event = { .caller.client = bd_bytes_of("system"),
		.status = bd_bytes_of("refused"),
		.of = bd_bytes_of(refused->of),
		.code = bd_bytes_of(bd_code_info(refused->code)->text),
		.path = bd_bytes_of(refused->place) };
	struct bd_diag diag = { .code = BD_OK };
	enum bd_code code =
		bd_audit_event(audit, BD_TRAIL_CONFIG, &event, bd_audit_time(audit), &diag);

	code = code == BD_OK ? bd_audit_flush(audit, &diag) : code;
	if (code != BD_OK) {
		bd_log_diag(BD_LOG_ERROR, "main", "reload.trail", &diag);
	}
	free(refused);
}

/* "senders.conf:12"; of what is no line of a file what the detail says, which is ours. */
static void set_place(struct refused *refused, const struct bd_diag *diag)
{
	if (diag->file[0] != '\0' && diag->place.line > 0) {
		snprintf(refused->place, sizeof(refused->place), "%s:%u", diag->file,
			diag->place.line);
	} else {
		snprintf(refused->place, sizeof(refused->place), "%.150s",
			diag->file[0] != '\0' ? diag->file : diag->detail);
	}
}

void bd_refused_enter(struct bd_daemon *daemon, const char *of, const struct bd_diag *diag)
{
	struct refused *refused = daemon->loops_running > 0 ? calloc(1, sizeof(*refused)) : NULL;

	if (refused == NULL) {
		return;
	}
	refused->letter.deliver = on_letter;
	refused->loop = &daemon->loops[0];
	refused->of = of;
	refused->code = diag->code;
	set_place(refused, diag);
	bd_mailbox_post(&refused->loop->mailbox, &refused->letter);
}
