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
