#include "intake/plan.h"

#include <string.h>

const struct bd_feed_plan *bd_plan_feed(const struct bd_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->feed_count; i++) {
		if (strcmp(plan->feeds[i].name, name) == 0) {
			return &plan->feeds[i];
		}
	}
	return NULL;
}

const uint16_t *bd_plan_entities(
	size_t *count, const struct bd_section_plan *section, struct bd_arena *arena)
{
	uint16_t *list = bd_arena_alloc(arena, section->output_count, sizeof(*list));

	*count = 0;
	for (size_t i = 0; list != NULL && i < section->output_count; i++) {
		size_t j = 0;

		while (j < *count && list[j] != section->outputs[i].entity) {
			j++;
		}
		list[j] = section->outputs[i].entity;
		*count += j == *count;
	}
	return list;
}
