#include "base/json_write.h"
#include "base/try.h"
#include "daemon/alarms.h"
#include "intake/tally.h"

#include <stdlib.h>

void bd_alarms_write(struct bd_json_writer *w, const struct bd_alarm *alarms, size_t count)
{
	bd_jw_array(w, "alarms");
	for (size_t i = 0; i < count; i++) {
		const struct bd_alarm *alarm = &alarms[i];
		const struct bd_code_info *info = bd_code_info(alarm->code);
		char shapes[BD_SHAPES_TEXT_BYTES];

		bd_jw_object(w, NULL);
		bd_jw_text(w, "code", info->text);
		bd_jw_text(w, "source", alarm->source);
		bd_jw_text(w, "feed", alarm->feed);
		if (alarm->field[0] != '\0') {
			bd_jw_text(w, "field", alarm->field);
		}
		if (alarm->code == BD_FEED_RETYPED_FIELD) {
			bd_shapes_text(shapes, alarm->was);
			bd_jw_text(w, "was", shapes);
			bd_shapes_text(shapes, alarm->is);
			bd_jw_text(w, "is", shapes);
		}
		if (alarm->code == BD_FEED_SILENT) {
			bd_jw_time(w, "last_received", alarm->last_ms);
		}
		bd_jw_time(w, "since", alarm->since_ms);
		bd_jw_text(w, "zh", info->zh);
		bd_jw_text(w, "en", info->en);
		bd_jw_object_end(w);
	}
	bd_jw_array_end(w);
}

/* How many of a code each feed has: alarms of one feed stand together. */
static enum bd_code write_code(
	struct bd_buf *out, const struct bd_alarm *alarms, size_t count, enum bd_code code)
{
	size_t run = 0;

	for (size_t i = 0; i < count; i++) {
		bool is_last = i + 1 == count ||
			       strcmp(alarms[i].source, alarms[i + 1].source) != 0 ||
			       strcmp(alarms[i].feed, alarms[i + 1].feed) != 0;

		run += alarms[i].code == code;
		if (is_last && run > 0) {
			BD_TRY(bd_buf_printf(out,
				"bidui_feed_alarms{code=\"%s\",source=\"%s\",feed=\"%s\"} %zu\n",
				bd_code_info(code)->text, alarms[i].source, alarms[i].feed, run));
		}
		run = is_last ? 0 : run;
	}
	return BD_OK;
}

enum bd_code bd_alarms_figures(struct bd_buf *out, struct bd_alarms *alarms)
{
	static const enum bd_code codes[] = { BD_FEED_SILENT, BD_FEED_NEW_FIELD,
		BD_FEED_MISSING_FIELD, BD_FEED_RETYPED_FIELD };
	struct bd_alarm *list = calloc(BD_ALARMS_MAX, sizeof(*list));
	enum bd_code code = list != NULL ? BD_OK : BD_NO_MEMORY;
	size_t count;

	if (list != NULL) {
		count = bd_alarms_list(list, BD_ALARMS_MAX, NULL, alarms);
		code = bd_buf_printf(out,
			"# HELP bidui_alarms feeds that are silent or have changed\n"
			"# TYPE bidui_alarms gauge\nbidui_alarms %zu\n"
			"# HELP bidui_feed_alarms of each feed, by what has happened\n"
			"# TYPE bidui_feed_alarms gauge\n",
			count);
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]) && code == BD_OK; i++) {
			code = write_code(out, list, count, codes[i]);
		}
	}
	free(list);
	return code;
}
