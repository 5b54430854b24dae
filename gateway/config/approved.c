#include "config/approved.h"

#include <string.h>

/* Room for spans while feeds are joined: two lists of n and m spans meet in at most n + m. */
struct spans {
	struct bd_days *list;
	size_t count;
};

static bool is_listed(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0) {
			return true;
		}
	}
	return false;
}

/* matter NULL: of whichever. */
static bool is_of_matter(const struct bd_use *use, const char *matter)
{
	return use->matter_count == 0 || matter == NULL ||
	       is_listed(use->matters, use->matter_count, matter);
}

static void sort(struct spans *spans)
{
	for (size_t i = 1; i < spans->count; i++) {
		struct bd_days one = spans->list[i];
		size_t at = i;

		for (; at > 0 && spans->list[at - 1].from > one.from; at--) {
			spans->list[at] = spans->list[at - 1];
		}
		spans->list[at] = one;
	}
}

/* Those that touch or overlap become one. */
static void merge(struct spans *spans)
{
	size_t used = 0;

	sort(spans);
	for (size_t i = 0; i < spans->count; i++) {
		struct bd_days *last = used > 0 ? &spans->list[used - 1] : NULL;

		if (last != NULL && (int64_t)spans->list[i].from <= (int64_t)last->until + 1) {
			last->until = spans->list[i].until > last->until ? spans->list[i].until
									 : last->until;
		} else {
			spans->list[used++] = spans->list[i];
		}
	}
	spans->count = used;
}

static enum bd_code make(struct spans *out, size_t max, struct bd_arena *arena)
{
	*out = (struct spans){ bd_arena_alloc(arena, max + 1, sizeof(struct bd_days)), 0 };
	return out->list != NULL ? BD_OK : bd_arena_code(arena);
}

static enum bd_code spans_of_feed(struct spans *out, const struct bd_feed_plan *feed,
	const char *matter, struct bd_arena *arena)
{
	const struct bd_catalogue *catalogue = feed->catalogue;
	size_t count = catalogue != NULL ? catalogue->use_count : 0;
	enum bd_code code = make(out, count, arena);

	for (size_t i = 0; code == BD_OK && i < count; i++) {
		if (is_of_matter(&catalogue->uses[i], matter)) {
			out->list[out->count++] = (struct bd_days){ catalogue->uses[i].from,
				catalogue->uses[i].until };
		}
	}
	if (code == BD_OK) {
		merge(out);
	}
	return code;
}

/* Days that are in both. */
static enum bd_code meet(
	struct spans *out, const struct spans *a, const struct spans *b, struct bd_arena *arena)
{
	enum bd_code code = make(out, a->count + b->count, arena);
	size_t i = 0, j = 0;

	while (code == BD_OK && i < a->count && j < b->count) {
		struct bd_days x = a->list[i], y = b->list[j];
		struct bd_days both = { x.from > y.from ? x.from : y.from,
			x.until < y.until ? x.until : y.until };

		if (both.from <= both.until) {
			out->list[out->count++] = both;
		}
		*(x.until < y.until ? &i : &j) += 1;
	}
	return code;
}

/* -- which feeds an element rests on -- */

static bool tells(const struct bd_feed_plan *feed, const struct bd_entity *entity)
{
	for (size_t s = 0; entity != NULL && s < feed->section_count; s++) {
		for (size_t o = 0; o < feed->sections[s].output_count; o++) {
			if (feed->sections[s].outputs[o].entity == entity->number) {
				return true;
			}
		}
	}
	return false;
}

/* Relations lead on by whoever tells them; a source that verifies may judge a claim by itself. */
static bool rests_on(const struct bd_element *element, const struct bd_plan *plan,
	const struct bd_feed_plan *feed, const struct bd_entity *relation)
{
	bool is_asked = element->source_count == 0 ||
			is_listed(element->sources, element->source_count, plan->source);

	return (is_asked && (tells(feed, element->entity) ||
				    (element->is_claimed && feed->kind == BD_FEED_VERIFY))) ||
	       (element->relation_count > 0 && tells(feed, relation));
}

static enum bd_code approve(struct bd_approved_use *out, const struct bd_element *element,
	const struct bd_matter *matter, const struct bd_plan *const *plans, size_t plan_count,
	const struct bd_entity *relation, struct bd_arena *arena)
{
	struct bd_days always = { INT32_MIN, INT32_MAX };
	struct spans spans = { &always, 1 };
	bool is_asked = false;

	for (size_t p = 0; p < plan_count; p++) {
		for (size_t f = 0; f < plans[p]->feed_count; f++) {
			const struct bd_feed_plan *feed = &plans[p]->feeds[f];
			struct spans of_feed, both;

			if (!rests_on(element, plans[p], feed, relation)) {
				continue;
			}
			is_asked = true;
			if (spans_of_feed(&of_feed, feed, matter->id, arena) != BD_OK ||
				meet(&both, &spans, &of_feed, arena) != BD_OK) {
				return bd_arena_code(arena);
			}
			spans = both;
		}
	}
	*out = is_asked ? (struct bd_approved_use){ spans.list, spans.count, true }
			: (struct bd_approved_use){ NULL, 0, false };
	return BD_OK;
}

/* An attestation, or a claim that is judged by itself, looks at nothing that is held. */
static bool looks_at_held(const struct bd_element *element)
{
	return element->attestation == NULL && element->entity != NULL &&
	       !(element->is_claimed && element->test.kind != BD_TEST_NONE);
}

enum bd_code bd_config_matter_approved(const struct bd_matter *matter,
	const struct bd_plan *const *plans, size_t plan_count, const struct bd_dictionary *dict,
	struct bd_arena *arena)
{
	const struct bd_entity *relation = bd_dictionary_entity(dict, "relation");
	enum bd_code code = matter->approvals != NULL ? BD_OK : BD_NO_MEMORY;

	for (size_t i = 0; i < matter->element_count && code == BD_OK; i++) {
		const struct bd_element *element = &matter->elements[i];

		matter->approvals[i] = (struct bd_approved_use){ NULL, 0, false };
		if (looks_at_held(element)) {
			code = approve(&matter->approvals[i], element, matter, plans, plan_count,
				relation, arena);
		}
	}
	return code;
}

enum bd_code bd_config_feed_approved(
	struct bd_approved_use *out, const struct bd_feed_plan *feed, struct bd_arena *arena)
{
	struct spans spans;
	enum bd_code code = spans_of_feed(&spans, feed, NULL, arena);

	if (code == BD_OK) {
		*out = (struct bd_approved_use){ spans.list, spans.count, true };
	}
	return code;
}
