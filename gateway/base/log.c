#include "base/log.h"

#include "base/clock.h"
#include "base/json_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static enum bd_log_level lowest = BD_LOG_INFO;

void bd_log_set_level(enum bd_log_level level)
{
	lowest = level;
}

static void begin(struct bd_json_writer *w, struct bd_buf *line, enum bd_log_level level,
	const char *module, const char *event)
{
	static const char *const names[] = { [BD_LOG_DEBUG] = "debug",
		[BD_LOG_INFO] = "info",
		[BD_LOG_WARNING] = "warning",
		[BD_LOG_ERROR] = "error" };

	bd_buf_init(line, LINE_MAX_BYTES);
	bd_jw_init(w, line);
	bd_jw_object(w, NULL);
	bd_jw_time(w, "time", bd_clock_wall_ms());
	bd_jw_text(w, "level", names[level]);
	bd_jw_text(w, "module", module);
	bd_jw_text(w, "event", event);
}

/* One write a line, so that lines of several threads never mix. A log that cannot be written has
 * nowhere to say so. */
static void end(struct bd_json_writer *w, struct bd_buf *line)
{
	bd_jw_object_end(w);
	if (w->code == BD_OK && bd_buf_add_byte(line, '\n') == BD_OK) {
		ssize_t written = write(STDERR_FILENO, line->ptr, line->len);

		(void)written;
	}
	bd_buf_release(line);
}

void bd_log(enum bd_log_level level, const char *module, const char *event, const char *detail, ...)
{
	struct bd_json_writer w;
	struct bd_buf line;
	char text[512];
	va_list args;

	if (level < lowest) {
		return;
	}
	va_start(args, detail);
	vsnprintf(text, sizeof(text), detail, args);
	va_end(args);
	begin(&w, &line, level, module, event);
	bd_jw_text(&w, "detail", text);
	end(&w, &line);
}

void bd_log_diag(
	enum bd_log_level level, const char *module, const char *event, const struct bd_diag *diag)
{
	struct bd_json_writer w;
	struct bd_buf line;

	if (level < lowest) {
		return;
	}
	begin(&w, &line, level, module, event);
	bd_jw_text(&w, "code", bd_code_info(diag->code)->text);
	bd_jw_text(&w, "file", diag->file);
	bd_jw_u64(&w, "line", diag->place.line);
	bd_jw_text(&w, "detail", diag->detail);
	end(&w, &line);
}
