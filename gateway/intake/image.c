/* image.c - one description of every struct, walked to write it and to read it: the two cannot
 * differ. */
#include "intake/image.h"

#include <string.h>

#define MAGIC 0x62646931u /* "bdi1" */
/* No table of an adapter comes near; a count past it is damage. */
#define COUNT_MAX 1000000

struct walk {
	struct bd_buf *out;      /* writing */
	struct bd_reader reader; /* reading */
	struct bd_arena *arena;
	bool is_writing;
	enum bd_code code;
	const struct bd_dictionary *dict; /* reading: the entities that there are */
	const struct bd_plan *plan;       /* whose maps are pointed to */
};

static void fail(struct walk *walk, enum bd_code code)
{
	if (walk->code == BD_OK) {
		walk->code = code;
	}
}

static void number(struct walk *walk, uint64_t *value)
{
	if (walk->is_writing) {
		enum bd_code code = bd_buf_add_u64(walk->out, *value);

		if (code != BD_OK) {
			fail(walk, code);
		}
		return;
	}
	*value = bd_read_u64(&walk->reader);
	if (!walk->reader.ok) {
		fail(walk, BD_STORE_DAMAGED);
	}
}

/* Any integer member: through 64 bits, and only if it fits back. */
#define NUMBER(walk, member)                                                                       \
	do {                                                                                       \
		uint64_t wide_ = (uint64_t)(member);                                               \
		number(walk, &wide_);                                                              \
		if (!(walk)->is_writing) {                                                         \
			(member) = (__typeof__(member))wide_;                                      \
			if ((uint64_t)(member) != wide_) {                                         \
				fail(walk, BD_STORE_DAMAGED);                                      \
			}                                                                          \
		}                                                                                  \
	} while (0)

static void text(struct walk *walk, const char **value)
{
	struct bd_bytes bytes;
	uint64_t has = *value != NULL;

	number(walk, &has);
	if (has > 1) {
		fail(walk, BD_STORE_DAMAGED);
	}
	if (has == 0 || walk->code != BD_OK) {
		*value = walk->is_writing ? *value : NULL;
		return;
	}
	if (walk->is_writing) {
		enum bd_code code = bd_buf_add_sized(walk->out, bd_bytes_of(*value));

		if (code != BD_OK) {
			fail(walk, code);
		}
		return;
	}
	bytes = bd_read_sized(&walk->reader);
	if (!walk->reader.ok || (bytes.len > 0 && memchr(bytes.ptr, '\0', bytes.len) != NULL)) {
		fail(walk, BD_STORE_DAMAGED);
		return;
	}
	*value = bd_arena_text(walk->arena, bytes);
	if (*value == NULL) {
		fail(walk, bd_arena_code(walk->arena));
	}
}

/* The count and, when reading, the room for an array; each item takes at least one number in the
 * image. */
static void *array(struct walk *walk, const void *have, size_t *count, size_t size)
{
	void *room;
	uint64_t wide = *count;

	number(walk, &wide);
	if (walk->is_writing) {
		return (void *)have;
	}
	*count = 0;
	if (walk->code != BD_OK || wide > COUNT_MAX || wide > walk->reader.rest.len) {
		fail(walk, BD_STORE_DAMAGED);
		return NULL;
	}
	if (wide == 0) {
		return NULL;
	}
	room = bd_arena_alloc(walk->arena, (size_t)wide, size);
	if (room == NULL) {
		fail(walk, bd_arena_code(walk->arena));
		return NULL;
	}
	*count = (size_t)wide;
	return room;
}

/* for each item of an array of a plan: pointers to const are written through only when reading. */
#define EACH(walk, type, pointer, count, item)                                                     \
	type *item##_list_ = array(walk, (pointer), &(count), sizeof(type));                       \
	if (!(walk)->is_writing) {                                                                 \
		(pointer) = item##_list_;                                                          \
	}                                                                                          \
	for (type *item = item##_list_;                                                            \
		item != NULL && item < item##_list_ + (count) && (walk)->code == BD_OK; item++)

static void texts(struct walk *walk, const char *const **list, size_t *count)
{
	EACH(walk, const char *, *list, *count, item)
	{
		text(walk, item);
		if (*item == NULL) {
			fail(walk, BD_STORE_DAMAGED);
		}
	}
}

/* -- the dictionary -- */

static void walk_codes(struct walk *walk, struct bd_field *field)
{
	EACH(walk, struct bd_code_value, field->codes, field->code_count, code)
	{
		NUMBER(walk, code->number);
		text(walk, &code->name);
		text(walk, &code->label_zh);
		text(walk, &code->label_en);
		NUMBER(walk, code->is_adverse);
	}
}

static void walk_fields(struct walk *walk, struct bd_entity *entity)
{
	EACH(walk, struct bd_field, entity->fields, entity->field_count, field)
	{
		NUMBER(walk, field->number);
		NUMBER(walk, field->entity);
		text(walk, &field->name);
		text(walk, &field->label_zh);
		text(walk, &field->label_en);
		NUMBER(walk, field->type);
		NUMBER(walk, field->sensitivity);
		NUMBER(walk, field->merge);
		NUMBER(walk, field->comparator);
		NUMBER(walk, field->is_key);
		walk_codes(walk, field);
		texts(walk, &field->authority, &field->authority_count);
	}
}

static void walk_dictionary(struct walk *walk, struct bd_dictionary *dict)
{
	text(walk, &dict->version);
	EACH(walk, struct bd_entity, dict->entities, dict->entity_count, entity)
	{
		NUMBER(walk, entity->number);
		text(walk, &entity->name);
		text(walk, &entity->label_zh);
		text(walk, &entity->label_en);
		NUMBER(walk, entity->subject);
		NUMBER(walk, entity->is_many);
		NUMBER(walk, entity->is_relation);
		walk_fields(walk, entity);
	}
	EACH(walk, struct bd_id_kind, dict->id_kinds, dict->id_kind_count, kind)
	{
		NUMBER(walk, kind->number);
		text(walk, &kind->name);
		text(walk, &kind->label_zh);
		text(walk, &kind->label_en);
		NUMBER(walk, kind->subject);
		NUMBER(walk, kind->rank);
		NUMBER(walk, kind->is_issued);
	}
}

/* Names that nobody may leave out. */
static bool has_names(const struct bd_dictionary *dict)
{
	for (size_t e = 0; e < dict->entity_count; e++) {
		const struct bd_entity *entity = &dict->entities[e];

		if (entity->name == NULL) {
			return false;
		}
		for (size_t f = 0; f < entity->field_count; f++) {
			if (entity->fields[f].name == NULL) {
				return false;
			}
			for (size_t c = 0; c < entity->fields[f].code_count; c++) {
				if (entity->fields[f].codes[c].name == NULL) {
					return false;
				}
			}
		}
	}
	for (size_t k = 0; k < dict->id_kind_count; k++) {
		if (dict->id_kinds[k].name == NULL) {
			return false;
		}
	}
	return true;
}

static void index_fields(struct walk *walk, struct bd_dictionary *dict)
{
	const struct bd_field **index;
	size_t max = 0;

	for (size_t e = 0; e < dict->entity_count; e++) {
		for (size_t f = 0; f < dict->entities[e].field_count; f++) {
			size_t number = dict->entities[e].fields[f].number;

			max = number > max ? number : max;
		}
	}
	index = bd_arena_alloc(walk->arena, max + 1, sizeof(*index));
	if (index == NULL) {
		fail(walk, bd_arena_code(walk->arena));
		return;
	}
	for (size_t e = 0; e < dict->entity_count; e++) {
		for (size_t f = 0; f < dict->entities[e].field_count; f++) {
			index[dict->entities[e].fields[f].number] = &dict->entities[e].fields[f];
		}
	}
	dict->fields_by_number = index;
	dict->fields_by_number_count = max + 1;
}

/* -- plans -- */

static void walk_map_pointer(struct walk *walk, const struct bd_code_map **map)
{
	uint64_t index = *map == NULL ? 0 : (uint64_t)(*map - walk->plan->maps) + 1;

	number(walk, &index);
	if (walk->is_writing) {
		return;
	}
	if (index > walk->plan->map_count) {
		fail(walk, BD_STORE_DAMAGED);
		return;
	}
	*map = index == 0 ? NULL : &walk->plan->maps[index - 1];
}

/* A slot's index must be one of its list, or none where that is allowed. */
static void walk_slot(struct walk *walk, uint16_t *slot, size_t slot_count, bool may_be_none)
{
	NUMBER(walk, *slot);
	if (*slot >= slot_count && !(may_be_none && *slot == BD_NO_SLOT)) {
		fail(walk, BD_STORE_DAMAGED);
	}
}

static void walk_when(struct walk *walk, struct bd_when *when, size_t slot_count)
{
	NUMBER(walk, when->slot);
	NUMBER(walk, when->is_not);
	texts(walk, &when->values, &when->value_count);
	for (size_t i = 0; i < when->value_count && walk->code == BD_OK; i++) {
		if (when->slot >= slot_count || when->values[i] == NULL) {
			fail(walk, BD_STORE_DAMAGED);
		}
	}
}

static void walk_identifiers(
	struct walk *walk, const struct bd_identifier_plan **list, size_t *count, size_t slot_count)
{
	EACH(walk, struct bd_identifier_plan, *list, *count, id)
	{
		NUMBER(walk, id->kind);
		text(walk, &id->issuer);
		walk_slot(walk, &id->slot, slot_count, false);
		walk_slot(walk, &id->type_slot, slot_count, true);
		walk_map_pointer(walk, &id->type_map);
		walk_when(walk, &id->when, slot_count);
		NUMBER(walk, id->is_strict);
	}
}

static void walk_slots(struct walk *walk, const struct bd_slot_plan **list, size_t *count)
{
	EACH(walk, struct bd_slot_plan, *list, *count, slot)
	{
		text(walk, &slot->name);
		text(walk, &slot->path);
		text(walk, &slot->pivot);
		NUMBER(walk, slot->is_message);
		if (slot->name == NULL || slot->path == NULL) {
			fail(walk, BD_STORE_DAMAGED);
		}
	}
}

static void walk_field_plans(struct walk *walk, struct bd_output_plan *output, size_t slot_count)
{
	EACH(walk, struct bd_field_plan, output->fields, output->field_count, field)
	{
		NUMBER(walk, field->to);
		NUMBER(walk, field->operation);
		{
			EACH(walk, uint16_t, field->slots, field->slot_count, slot)
			{
				walk_slot(walk, slot, slot_count, false);
			}
		}
		walk_map_pointer(walk, &field->map);
		text(walk, &field->constant);
		text(walk, &field->as);
		walk_when(walk, &field->when, slot_count);
		NUMBER(walk, field->is_required);
		if ((field->operation == BD_OPERATION_CONSTANT) != (field->constant != NULL) ||
			(field->constant == NULL && field->slot_count == 0)) {
			fail(walk, BD_STORE_DAMAGED);
		}
	}
}

/* Records are made of it without a further look. */
static void walk_entity(struct walk *walk, uint16_t *entity)
{
	NUMBER(walk, *entity);
	if (!walk->is_writing && walk->code == BD_OK &&
		bd_dictionary_entity_number(walk->dict, *entity) == NULL) {
		fail(walk, BD_STORE_DAMAGED);
	}
}

static void walk_outputs(struct walk *walk, struct bd_section_plan *section)
{
	EACH(walk, struct bd_output_plan, section->outputs, section->output_count, output)
	{
		walk_entity(walk, &output->entity);
		walk_when(walk, &output->when, section->slot_count);
		walk_identifiers(
			walk, &output->subject, &output->subject_count, section->slot_count);
		NUMBER(walk, output->is_message_subject);
		walk_identifiers(walk, &output->other, &output->other_count, section->slot_count);
		walk_field_plans(walk, output, section->slot_count);
	}
}

static void walk_sections(struct walk *walk, struct bd_feed_plan *feed)
{
	EACH(walk, struct bd_section_plan, feed->sections, feed->section_count, section)
	{
		text(walk, &section->name);
		text(walk, &section->label_zh);
		text(walk, &section->path);
		text(walk, &section->group_path);
		text(walk, &section->pivot_path);
		text(walk, &section->pivot_code);
		text(walk, &section->pivot_value);
		walk_slots(walk, &section->slots, &section->slot_count);
		walk_slot(walk, &section->action_slot, section->slot_count, true);
		walk_when(walk, &section->delete_when, section->slot_count);
		walk_when(walk, &section->replace_when, section->slot_count);
		walk_when(walk, &section->patch_when, section->slot_count);
		NUMBER(walk, section->action);
		walk_slot(walk, &section->order_slot, section->slot_count, true);
		walk_slot(walk, &section->as_of_slot, section->slot_count, true);
		{
			EACH(walk, uint16_t, section->covers, section->cover_count, cover)
			{
				walk_entity(walk, cover);
			}
		}
		NUMBER(walk, section->is_unknown_refused);
		texts(walk, &section->ignored, &section->ignored_count);
		walk_outputs(walk, section);
		if (section->name == NULL || section->path == NULL || section->group_path == NULL) {
			fail(walk, BD_STORE_DAMAGED);
		}
	}
}

static void walk_message(struct walk *walk, struct bd_feed_plan *feed)
{
	walk_slots(walk, &feed->message_slots, &feed->message_slot_count);
	EACH(walk, struct bd_success_plan, feed->success, feed->success_count, success)
	{
		walk_slot(walk, &success->slot, feed->message_slot_count, false);
		texts(walk, &success->ok, &success->ok_count);
		texts(walk, &success->not_found, &success->not_found_count);
		texts(walk, &success->several, &success->several_count);
		NUMBER(walk, success->is_required);
	}
	walk_identifiers(walk, &feed->subject, &feed->subject_count, feed->message_slot_count);
	NUMBER(walk, feed->order_kind);
	NUMBER(walk, feed->rank);
	walk_slot(walk, &feed->order_slot, feed->message_slot_count, true);
	walk_slot(walk, &feed->page.next_slot, feed->message_slot_count, true);
	walk_slot(walk, &feed->page.last_slot, feed->message_slot_count, true);
	texts(walk, &feed->page.last_is, &feed->page.last_is_count);
	walk_slot(walk, &feed->page.mark_slot, feed->message_slot_count, true);
	EACH(walk, struct bd_embedded_plan, feed->embedded, feed->embedded_count, embedded)
	{
		text(walk, &embedded->path);
		NUMBER(walk, embedded->format);
		if (embedded->path == NULL) {
			fail(walk, BD_STORE_DAMAGED);
		}
	}
}

/* -- what is signed and sealed -- */

static void walk_stated(struct walk *walk, struct bd_stated *stated)
{
	text(walk, &stated->path);
	texts(walk, &stated->is, &stated->is_count);
}

static void walk_key(struct walk *walk, struct bd_key_named *key)
{
	text(walk, &key->name);
	text(walk, &key->path);
	if ((key->name == NULL) == (key->path == NULL)) {
		fail(walk, BD_STORE_DAMAGED);
	}
}

static void walk_sealed(struct walk *walk, struct bd_feed_plan *feed)
{
	EACH(walk, struct bd_sealed_plan, feed->sealed, feed->sealed_count, sealed)
	{
		text(walk, &sealed->path);
		walk_key(walk, &sealed->key);
		walk_stated(walk, &sealed->stated);
		NUMBER(walk, sealed->cipher);
		NUMBER(walk, sealed->coding);
		NUMBER(walk, sealed->iv);
		text(walk, &sealed->iv_path);
		NUMBER(walk, sealed->is_required);
		if (sealed->path == NULL ||
			(sealed->iv == BD_IV_MEMBER) != (sealed->iv_path != NULL)) {
			fail(walk, BD_STORE_DAMAGED);
		}
	}
}

static void walk_signed(struct walk *walk, struct bd_feed_plan *feed)
{
	EACH(walk, struct bd_signed_plan, feed->signature, feed->signature_count, one)
	{
		text(walk, &one->path);
		walk_key(walk, &one->key);
		walk_stated(walk, &one->stated);
		NUMBER(walk, one->coding);
		NUMBER(walk, one->form);
		NUMBER(walk, one->is_required);
		NUMBER(walk, one->is_paired);
		NUMBER(walk, one->skips_empty);
		NUMBER(walk, one->is_of_opened);
		text(walk, &one->join);
		text(walk, &one->secret);
		text(walk, &one->secret_name);
		EACH(walk, struct bd_signed_part, one->parts, one->part_count, part)
		{
			text(walk, &part->name);
			text(walk, &part->path);
			if (part->name == NULL || part->path == NULL) {
				fail(walk, BD_STORE_DAMAGED);
			}
		}
		if (one->path == NULL || one->join == NULL || one->part_count == 0) {
			fail(walk, BD_STORE_DAMAGED);
		}
	}
}

static void walk_feeds(struct walk *walk, struct bd_plan *plan)
{
	EACH(walk, struct bd_feed_plan, plan->feeds, plan->feed_count, feed)
	{
		NUMBER(walk, feed->number);
		text(walk, &feed->name);
		text(walk, &feed->label_zh);
		NUMBER(walk, feed->kind);
		NUMBER(walk, feed->format);
		text(walk, &feed->charset);
		text(walk, &feed->root);
		texts(walk, &feed->foreign, &feed->foreign_count);
		NUMBER(walk, feed->separator);
		NUMBER(walk, feed->has_header);
		EACH(walk, struct bd_column_plan, feed->columns, feed->column_count, column)
		{
			text(walk, &column->name);
			NUMBER(walk, column->width);
			if (column->name == NULL) {
				fail(walk, BD_STORE_DAMAGED);
			}
		}
		walk_message(walk, feed);
		walk_sealed(walk, feed);
		walk_signed(walk, feed);
		if (feed->sealed_count > 1 || feed->signature_count > 1) {
			fail(walk, BD_STORE_DAMAGED);
		}
		text(walk, &feed->cycle);
		text(walk, &feed->file_name);
		NUMBER(walk, feed->remove_share_max_percent);
		walk_sections(walk, feed);
		if (feed->name == NULL || feed->section_count == 0) {
			fail(walk, BD_STORE_DAMAGED);
		}
	}
}

static void walk_plan(struct walk *walk, struct bd_plan *plan)
{
	walk->plan = plan;
	text(walk, &plan->source);
	text(walk, &plan->label_zh);
	text(walk, &plan->label_en);
	text(walk, &plan->version);
	EACH(walk, struct bd_code_map, plan->maps, plan->map_count, map)
	{
		text(walk, &map->name);
		EACH(walk, struct bd_code_map_entry, map->entries, map->entry_count, entry)
		{
			text(walk, &entry->from);
			text(walk, &entry->to);
			if (entry->from == NULL || entry->to == NULL) {
				fail(walk, BD_STORE_DAMAGED);
			}
		}
	}
	walk_feeds(walk, plan);
	if (plan->source == NULL) {
		fail(walk, BD_STORE_DAMAGED);
	}
}

enum bd_code bd_image_write(struct bd_buf *out, const struct bd_dictionary *dict,
	const struct bd_plan *const *plans, size_t plan_count)
{
	struct walk walk = { .out = out, .is_writing = true };
	struct bd_dictionary dict_copy = *dict;
	uint64_t magic = MAGIC, count = plan_count;

	number(&walk, &magic);
	walk_dictionary(&walk, &dict_copy);
	number(&walk, &count);
	for (size_t i = 0; i < plan_count && walk.code == BD_OK; i++) {
		struct bd_plan copy = *plans[i];

		walk_plan(&walk, &copy);
	}
	return walk.code;
}

enum bd_code bd_image_read(const struct bd_dictionary **dict, const struct bd_plan *const **plans,
	size_t *plan_count, struct bd_bytes bytes, struct bd_arena *arena, struct bd_diag *diag)
{
	struct walk walk = { .reader = bd_reader_of(bytes), .arena = arena };
	struct bd_dictionary *made = bd_arena_alloc(arena, 1, sizeof(*made));
	const struct bd_plan **list = NULL;
	uint64_t magic = 0;
	size_t count = 0;

	if (made == NULL) {
		return bd_fail(diag, bd_arena_code(arena), "%s", "");
	}
	number(&walk, &magic);
	if (magic != MAGIC) {
		return bd_fail(diag, BD_STORE_DAMAGED, "not an image of adapters of this version");
	}
	walk_dictionary(&walk, made);
	walk.dict = made;
	list = array(&walk, NULL, &count, sizeof(*list));
	for (size_t i = 0; i < count && walk.code == BD_OK; i++) {
		struct bd_plan *plan = bd_arena_alloc(arena, 1, sizeof(*plan));

		if (plan == NULL) {
			fail(&walk, bd_arena_code(arena));
			break;
		}
		walk_plan(&walk, plan);
		list[i] = plan;
	}
	if (walk.code == BD_OK && (walk.reader.rest.len > 0 || !has_names(made))) {
		fail(&walk, BD_STORE_DAMAGED);
	}
	if (walk.code == BD_OK) {
		index_fields(&walk, made);
	}
	if (walk.code != BD_OK) {
		return bd_fail(diag, walk.code, "the image of the adapters is damaged");
	}
	*dict = made;
	*plans = list;
	*plan_count = count;
	return BD_OK;
}
