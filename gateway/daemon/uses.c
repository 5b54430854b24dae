#include "daemon/uses.h"

#include "base/clock.h"
#include "base/log.h"

/* The last day of its approval before this one; false: there was none. */
static bool last_day(int32_t *out, const struct bd_approved_use *approval, int32_t day)
{
	bool is_found = false;

	for (size_t i = 0; i < approval->count; i++) {
		if (approval->spans[i].until < day) {
			*out = approval->spans[i].until;
			is_found = true;
		}
	}
	return is_found;
}

size_t bd_uses_lapsed(const struct bd_setup *setup, int32_t day)
{
	size_t count = 0;

	for (size_t i = 0; i < setup->use_count; i++) {
		count += !bd_is_approved(&setup->uses[i].approval, day);
	}
	return count;
}

static void write_lapsed(struct bd_json_writer *w, const struct bd_feed_use *use, int32_t day)
{
	const struct bd_catalogue *catalogue = use->feed->catalogue;
	char text[11];
	int32_t last;

	bd_jw_object(w, NULL);
	bd_jw_text(w, "source", use->plan->source);
	bd_jw_text(w, "feed", use->feed->name);
	bd_jw_text(w, "label_zh", use->feed->label_zh);
	bd_jw_text(w, "catalogue", catalogue->id);
	bd_jw_text(w, "department_zh", catalogue->department_zh);
	bd_jw_text(w, "department_en", catalogue->department_en);
	if (last_day(&last, &use->approval, day)) {
		bd_day_format(text, last);
		bd_jw_text(w, "until", text);
	}
	bd_jw_object_end(w);
}

void bd_uses_write(struct bd_json_writer *w, const struct bd_setup *setup, int32_t day)
{
	bd_jw_array(w, "withheld_feeds");
	for (size_t i = 0; i < setup->use_count; i++) {
		if (!bd_is_approved(&setup->uses[i].approval, day)) {
			write_lapsed(w, &setup->uses[i], day);
		}
	}
	bd_jw_array_end(w);
}

void bd_uses_log(const struct bd_setup *setup, int32_t day)
{
	for (size_t i = 0; i < setup->use_count; i++) {
		const struct bd_feed_use *use = &setup->uses[i];

		if (!bd_is_approved(&use->approval, day)) {
			bd_log(BD_LOG_WARNING, "catalogue", "use_expired",
				"%s/%s: no approved use of catalogue %s is in force: withheld",
				use->plan->source, use->feed->name, use->feed->catalogue->id);
		}
	}
}
