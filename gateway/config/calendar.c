#include "config/calendar.h"

#include "base/clock.h"
#include "config/file.h"

#include <string.h>

#define SHOWN "calendar/holidays.tsv"

struct reading {
	struct bd_calendar *calendar;
	struct bd_workday_change *changes;
	struct bd_diags *diags;
	uint32_t line;
};

/* The text up to the separator, which is taken off the front. */
static struct bd_bytes take(struct bd_bytes *rest, char separator)
{
	const char *end = memchr(rest->ptr, separator, rest->len);
	struct bd_bytes part = { rest->ptr, end == NULL ? rest->len : (size_t)(end - rest->ptr) };
	size_t used = part.len + (end != NULL);

	*rest = (struct bd_bytes){ rest->ptr + used, rest->len - used };
	return part;
}

static void fail(struct reading *reading, uint32_t column, const char *detail)
{
	bd_diags_add(reading->diags, BD_CONFIG_SYNTAX, SHOWN, reading->line, column, "%s", detail);
}

static void add(struct reading *reading, int32_t day, bool is_worked)
{
	struct bd_calendar *calendar = reading->calendar;
	int year, month, dayofmonth;

	bd_day_civil(day, &year, &month, &dayofmonth);
	if (calendar->count > 0 && day <= reading->changes[calendar->count - 1].day) {
		fail(reading, 1, "the days ascend, each once");
		return;
	}
	if (calendar->count > 0 && year > calendar->last_year + 1) {
		fail(reading, 1, "a year is missing before this one");
		return;
	}
	calendar->first_year = calendar->count == 0 ? year : calendar->first_year;
	calendar->last_year = year;
	reading->changes[calendar->count++] = (struct bd_workday_change){ day, is_worked };
}

static void read_line(struct reading *reading, struct bd_bytes line)
{
	struct bd_bytes day = take(&line, '\t'), kind = take(&line, '\t');
	int32_t number;

	if (!bd_day_parse(&number, day)) {
		fail(reading, 1, "a line begins with a day yyyy-MM-dd that there is");
	} else if (!bd_bytes_is(kind, "off") && !bd_bytes_is(kind, "work")) {
		fail(reading, 12, "off or work");
	} else {
		add(reading, number, bd_bytes_is(kind, "work"));
	}
}

enum bd_code bd_config_calendar(const struct bd_calendar **out, const char *path,
	struct bd_arena *arena, struct bd_diags *diags)
{
	struct reading reading = { .diags = diags };
	struct bd_bytes text;
	size_t lines = 1, before = diags->count;
	enum bd_code code = bd_file_read(&text, path, arena);

	if (code != BD_OK) {
		return bd_diags_add(diags, code, SHOWN, 0, 0, "the file cannot be read");
	}
	for (size_t i = 0; i < text.len; i++) {
		lines += text.ptr[i] == '\n';
	}
	reading.calendar = bd_arena_alloc(arena, 1, sizeof(*reading.calendar));
	reading.changes = bd_arena_alloc(arena, lines, sizeof(*reading.changes));
	if (reading.calendar == NULL || reading.changes == NULL) {
		return bd_diags_add(diags, BD_NO_MEMORY, SHOWN, 0, 0, "no room");
	}
	while (text.len > 0) {
		struct bd_bytes line = take(&text, '\n');

		reading.line++;
		line.len -= line.len > 0 && line.ptr[line.len - 1] == '\r';
		if (line.len > 0 && line.ptr[0] != '#') {
			read_line(&reading, line);
		}
	}
	reading.calendar->changes = reading.changes;
	if (diags->count == before) {
		*out = reading.calendar;
	}
	return diags->count == before ? BD_OK : bd_diags_code(diags);
}
