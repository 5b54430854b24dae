#include "cli/progress.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Ten times a second is as smooth as it gets. */
#define DRAW_MS 100
/* Before this an estimate would only be a guess. */
#define ESTIMATE_MS 1000
#define BAR_COLUMNS_MAX 40
#define BAR_COLUMNS_MIN 5
/* "[", "] 100%  " */
#define BAR_FRAME_COLUMNS 9
#define LINE_BYTES 256

static void show_bytes(char out[24], double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(out, 24, "%.*f %s", unit == 0 ? 0 : 1, bytes, units[unit]);
}

static void show_seconds(char out[24], int64_t seconds)
{
	if (seconds >= 3600) {
		snprintf(out, 24, "%" PRId64 ":%02d:%02d", seconds / 3600, (int)(seconds / 60 % 60),
			(int)(seconds % 60));
	} else {
		snprintf(out, 24, "%02d:%02d", (int)(seconds / 60), (int)(seconds % 60));
	}
}

static bool is_all_sent(const struct bd_cli_progress *progress)
{
	return progress->total >= 0 && progress->sent >= (uint64_t)progress->total;
}

/* How much longer, or how long it took; while the gateway works after the last byte, that it does:
 * it stores before it answers. */
static void show_time(char *out, size_t size, const struct bd_cli_progress *progress,
	int64_t passed_ms, double rate)
{
	char time[24];

	out[0] = '\0';
	if (progress->is_ended) {
		show_seconds(time, passed_ms / 1000);
		snprintf(out, size, "  %s %s", bd_cli_say(progress->options, "用时", "took"), time);
	} else if (is_all_sent(progress)) {
		snprintf(out, size, "  %s",
			bd_cli_say(progress->options, "等待入库…", "being stored..."));
	} else if (progress->total >= 0 && passed_ms >= ESTIMATE_MS && rate >= 1) {
		uint64_t left = (uint64_t)progress->total - progress->sent;

		show_seconds(time, (int64_t)((double)left / rate) + 1);
		snprintf(out, size, "  %s %s", bd_cli_say(progress->options, "剩余", "left"), time);
	}
}

/* "12.0 MiB/27.4 MiB  5.1 MiB/s  left 00:03"; of an unknown total the first and the rate. */
static void show_figures(
	char *out, size_t size, const struct bd_cli_progress *progress, int64_t now_ms)
{
	int64_t passed_ms = now_ms - progress->begun_ms;
	double rate = passed_ms > 0 ? (double)progress->sent * 1000 / (double)passed_ms : 0;
	char sent[24], total[24] = "", speed[24], time[64];

	show_bytes(sent, (double)progress->sent);
	show_bytes(speed, rate);
	show_time(time, sizeof(time), progress, passed_ms, rate);
	if (progress->total >= 0) {
		show_bytes(total, (double)progress->total);
	}
	snprintf(
		out, size, "%s%s%s  %s/s%s", sent, total[0] != '\0' ? "/" : "", total, speed, time);
}

static void show_bar(char *out, size_t size, unsigned percent, size_t columns, const char *figures)
{
	static const char full[BAR_COLUMNS_MAX + 1] = "########################################";
	int filled = (int)(columns * percent / 100);

	snprintf(out, size, "[%.*s%*s] %3u%%  %s", filled, full, (int)columns - filled, "", percent,
		figures);
}

void bd_cli_progress_line(char *out, size_t size, const struct bd_cli_progress *progress,
	int64_t now_ms, unsigned columns)
{
	double share = is_all_sent(progress) ? 1 : (double)progress->sent / (double)progress->total;
	unsigned percent = progress->total >= 0 ? (unsigned)(share * 100) : 0;
	char figures[160];
	size_t used;

	show_figures(figures, sizeof(figures), progress, now_ms);
	used = bd_text_columns(bd_bytes_of(figures));
	/* A column stays free at the right: some terminals break the line when it is full. */
	if (progress->total >= 0 && used + BAR_FRAME_COLUMNS + BAR_COLUMNS_MIN < columns) {
		size_t bar = columns - used - BAR_FRAME_COLUMNS - 1;

		show_bar(
			out, size, percent, bar < BAR_COLUMNS_MAX ? bar : BAR_COLUMNS_MAX, figures);
	} else if (used < columns) {
		snprintf(out, size, "%s", figures);
	} else if (progress->total >= 0) {
		snprintf(out, size, "%u%%", percent);
	} else {
		show_bytes(figures, (double)progress->sent);
		snprintf(out, size, "%s", figures);
	}
}

static unsigned columns_of_terminal(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void draw(struct bd_cli_progress *progress, int64_t now_ms, const char *end)
{
	char line[LINE_BYTES];

	bd_cli_progress_line(line, sizeof(line), progress, now_ms, columns_of_terminal());
	/* The rest of the line before is wiped away. */
	fprintf(stderr, "\r%s\033[K%s", line, end);
	fflush(stderr);
	progress->is_drawn = true;
	progress->drawn_ms = now_ms;
}

void bd_cli_progress_begin(struct bd_cli_progress *progress, const struct bd_cli_options *options,
	bool is_wanted, int64_t total, int64_t now_ms)
{
	const char *terminal = getenv("TERM");
	bool can_draw = isatty(STDERR_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;

	*progress = (struct bd_cli_progress){ .options = options,
		.is_wanted = is_wanted && can_draw,
		.total = total,
		.begun_ms = now_ms };
}

void bd_cli_progress_show(struct bd_cli_progress *progress, uint64_t sent, int64_t now_ms)
{
	bool was_all_sent = is_all_sent(progress);

	if (!progress->is_wanted || sent == 0) {
		return;
	}
	progress->sent = sent;
	if (now_ms - progress->drawn_ms >= DRAW_MS || is_all_sent(progress) != was_all_sent) {
		draw(progress, now_ms, "");
	}
}

void bd_cli_progress_clear(struct bd_cli_progress *progress)
{
	if (progress->is_drawn) {
		fputs("\r\033[K", stderr);
		progress->is_drawn = false;
		progress->drawn_ms = 0;
	}
}

void bd_cli_progress_end(struct bd_cli_progress *progress, int64_t now_ms)
{
	if (progress->is_drawn) {
		progress->is_ended = true;
		draw(progress, now_ms, "\n");
		progress->is_drawn = false;
	}
}
