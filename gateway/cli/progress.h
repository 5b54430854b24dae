/* progress.h - how far a long upload has come: one line on stderr, drawn over itself.
 *
 * Layer: cli. Only where stderr is a terminal that can; anywhere else nothing is written. Times are
 * passed in.
 */
#ifndef BD_CLI_PROGRESS_H
#define BD_CLI_PROGRESS_H

#include "cli/cli.h"

struct bd_cli_progress {
	const struct bd_cli_options *options;
	bool is_wanted, is_drawn, is_ended;
	int64_t total; /* bytes, -1 = not known */
	int64_t begun_ms, drawn_ms;
	uint64_t sent;
};

void bd_cli_progress_begin(struct bd_cli_progress *progress, const struct bd_cli_options *options,
	bool is_wanted, int64_t total, int64_t now_ms);
/* So much has been sent; called as often as one likes. */
void bd_cli_progress_show(struct bd_cli_progress *progress, uint64_t sent, int64_t now_ms);
/* Takes the line away for something else that is to be said; it comes again with what is sent next.
 */
void bd_cli_progress_clear(struct bd_cli_progress *progress);
/* The last word of the line, and its end. */
void bd_cli_progress_end(struct bd_cli_progress *progress, int64_t now_ms);

/* The line itself, without what moves the cursor: for a terminal of so many columns. */
void bd_cli_progress_line(char *out, size_t size, const struct bd_cli_progress *progress,
	int64_t now_ms, unsigned columns);

#endif
