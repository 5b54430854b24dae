#include "daemon/drift.h"

#include "base/try.h"

#include <stdio.h>
#include <stdlib.h>

#define FORM 1
/* Of ten records, in which a field that is usual has a value. */
#define USUAL_OF_TEN 9
/* What is learnt is halved past this: what was long ago counts for less. */
#define RECORDS_MAX 1000000

void bd_drift_release(struct bd_drift *drift)
{
	free(drift->fields);
	*drift = (struct bd_drift){ .fields = NULL };
}

/* -- fields -- */

static size_t count_slots(const struct bd_feed_plan *feed)
{
	size_t count = 0;

	for (size_t i = 0; i < feed->section_count; i++) {
		count += feed->sections[i].slot_count;
	}
	return count < BD_DRIFT_FIELDS_MAX ? count : BD_DRIFT_FIELDS_MAX;
}

static const struct bd_drift_field *find_field(const struct bd_drift *drift, const char *name)
{
	for (size_t i = 0; i < drift->field_count; i++) {
		if (strcmp(drift->fields[i].name, name) == 0) {
			return &drift->fields[i];
		}
	}
	return NULL;
}

static void name_fields(
	struct bd_drift *next, const struct bd_feed_plan *feed, const struct bd_drift *before)
{
	for (size_t i = 0; i < feed->section_count; i++) {
		const struct bd_section_plan *section = &feed->sections[i];

		for (size_t k = 0;
			k < section->slot_count && next->field_count < BD_DRIFT_FIELDS_MAX; k++) {
			struct bd_drift_field *field = &next->fields[next->field_count++];
			const struct bd_drift_field *known;

			snprintf(field->name, sizeof(field->name), "%s/%s", section->name,
				section->slots[k].name);
			known = find_field(before, field->name);
			if (known != NULL) {
				*field = *known;
			}
		}
	}
}

enum bd_code bd_drift_fit(
	struct bd_drift *drift, const struct bd_plan *plan, const struct bd_feed_plan *feed)
{
	struct bd_drift next = { .fields = NULL };

	if (strncmp(drift->version, plan->version, sizeof(drift->version) - 1) != 0) {
		bd_drift_release(drift);
	}
	next.fields = calloc(count_slots(feed) + 1, sizeof(*next.fields));
	if (next.fields == NULL) {
		return BD_NO_MEMORY;
	}
	snprintf(next.version, sizeof(next.version), "%s", plan->version);
	name_fields(&next, feed, drift);
	memcpy(next.unknown, drift->unknown, sizeof(next.unknown));
	next.unknown_count = drift->unknown_count;
	free(drift->fields);
	*drift = next;
	return BD_OK;
}

/* -- learnt -- */

static bool is_usual(const struct bd_drift_field *field)
{
	return field->records >= BD_DRIFT_LEARN_RECORDS &&
	       (uint64_t)field->present * 10 >= (uint64_t)field->records * USUAL_OF_TEN;
}

static void add_records(struct bd_drift_field *field, uint32_t records, uint32_t present)
{
	field->records += records;
	field->present += present;
	if (field->records > RECORDS_MAX) {
		field->records /= 2;
		field->present /= 2;
	}
}

/* Absences count when they have ended: a run of them must not make a field unusual. */
static bool learn_presence(
	struct bd_drift_field *field, uint32_t records, uint32_t present, int64_t now_ms)
{
	bool has_changed = false;

	if (present == 0) {
		field->absent += field->absent < RECORDS_MAX ? records : 0;
		if (field->missing_ms == 0 && field->absent >= BD_DRIFT_RUN_RECORDS) {
			if (is_usual(field)) {
				field->missing_ms = now_ms;
				has_changed = true;
			} else {
				add_records(field, field->absent, 0);
				field->absent = 0;
			}
		}
		return has_changed;
	}
	has_changed = field->missing_ms != 0;
	if (!has_changed) {
		add_records(field, field->absent, 0);
	}
	add_records(field, records, present);
	field->missing_ms = 0;
	field->absent = 0;
	return has_changed;
}

static bool learn_shape(
	struct bd_drift_field *field, uint32_t present, uint8_t shapes, int64_t now_ms)
{
	bool has_changed;

	if (shapes == 0) {
		return false;
	}
	if ((field->shapes & shapes) == 0 && field->present >= BD_DRIFT_LEARN_RECORDS) {
		field->alien += field->alien < RECORDS_MAX ? present : 0;
		field->alien_shapes |= shapes;
		has_changed = field->retyped_ms == 0 && field->alien >= BD_DRIFT_RUN_RECORDS;
		field->retyped_ms = has_changed ? now_ms : field->retyped_ms;
		return has_changed;
	}
	has_changed = field->retyped_ms != 0;
	field->shapes |= shapes;
	field->retyped_ms = 0;
	field->alien = 0;
	field->alien_shapes = 0;
	return has_changed;
}

static bool learn_section(struct bd_drift *drift, size_t first, size_t slots,
	const struct bd_section_tally *tally, int64_t now_ms)
{
	bool has_changed = false;

	/* A worker with an older adapter counts other slots. */
	if (tally->slot_count != slots) {
		return false;
	}
	for (size_t i = 0; i < slots && first + i < drift->field_count; i++) {
		struct bd_drift_field *field = &drift->fields[first + i];

		/* By shapes first: what is learnt before this message. */
		has_changed |= learn_shape(field, tally->present[i], tally->shapes[i], now_ms);
		has_changed |= learn_presence(field, tally->records, tally->present[i], now_ms);
	}
	return has_changed;
}

/* -- names that nobody knows -- */

/* Intake has seen to it that such a name tells of nobody (map_value.c). */
static bool is_told(const struct bd_intake_result *result, const char *path)
{
	for (size_t i = 0; i < result->unmapped_count; i++) {
		if (strncmp(result->unmapped[i].path, path, BD_DRIFT_NAME_BYTES - 1) == 0) {
			return true;
		}
	}
	return false;
}

static bool meet(struct bd_drift *drift, const char *path, int64_t now_ms)
{
	for (size_t i = 0; i < drift->unknown_count; i++) {
		if (strncmp(path, drift->unknown[i].path, BD_DRIFT_NAME_BYTES - 1) == 0) {
			drift->unknown[i].absent = 0;
			return false;
		}
	}
	if (drift->unknown_count == BD_DRIFT_NAMES_MAX) {
		return false;
	}
	drift->unknown[drift->unknown_count] = (struct bd_drift_new){ .since_ms = now_ms };
	snprintf(drift->unknown[drift->unknown_count].path, BD_DRIFT_NAME_BYTES, "%s", path);
	drift->unknown_count++;
	return true;
}

static bool learn_names(
	struct bd_drift *drift, const struct bd_intake_result *result, int64_t now_ms)
{
	uint64_t records =
		result->received < BD_TALLY_RECORDS ? result->received : BD_TALLY_RECORDS;
	bool has_changed = false;
	size_t kept = 0;

	for (size_t i = 0; i < drift->unknown_count; i++) {
		struct bd_drift_new *one = &drift->unknown[i];

		one->absent += is_told(result, one->path) ? 0 : (uint32_t)records;
		if (one->absent < BD_DRIFT_RUN_RECORDS) {
			drift->unknown[kept++] = *one;
		} else {
			has_changed = true;
		}
	}
	drift->unknown_count = kept;
	for (size_t i = 0; i < result->unmapped_count; i++) {
		has_changed |= meet(drift, result->unmapped[i].path, now_ms);
	}
	return has_changed;
}

bool bd_drift_learn(struct bd_drift *drift, const struct bd_feed_plan *feed,
	const struct bd_intake_result *result, int64_t now_ms)
{
	bool has_changed = learn_names(drift, result, now_ms);

	for (size_t i = 0; i < result->tally_count; i++) {
		const struct bd_section_tally *tally = &result->tallies[i];
		size_t first = 0;

		for (size_t s = 0; s < tally->section && s < feed->section_count; s++) {
			first += feed->sections[s].slot_count;
		}
		if (tally->section < feed->section_count) {
			has_changed |= learn_section(drift, first,
				feed->sections[tally->section].slot_count, tally, now_ms);
		}
	}
	return has_changed;
}

/* -- kept -- */

static enum bd_code pack_field(struct bd_buf *out, const struct bd_drift_field *field)
{
	BD_TRY(bd_buf_add_sized(out, bd_bytes_of(field->name)));
	BD_TRY(bd_buf_add_u32(out, field->records));
	BD_TRY(bd_buf_add_u32(out, field->present));
	BD_TRY(bd_buf_add_u32(out, field->absent));
	BD_TRY(bd_buf_add_u32(out, field->alien));
	BD_TRY(bd_buf_add_u8(out, field->shapes));
	BD_TRY(bd_buf_add_u8(out, field->alien_shapes));
	BD_TRY(bd_buf_add_u64(out, (uint64_t)field->missing_ms));
	return bd_buf_add_u64(out, (uint64_t)field->retyped_ms);
}

enum bd_code bd_drift_pack(struct bd_buf *out, const struct bd_drift *drift)
{
	BD_TRY(bd_buf_add_u8(out, FORM));
	BD_TRY(bd_buf_add_sized(out, bd_bytes_of(drift->version)));
	BD_TRY(bd_buf_add_u16(out, (uint16_t)drift->field_count));
	for (size_t i = 0; i < drift->field_count; i++) {
		BD_TRY(pack_field(out, &drift->fields[i]));
	}
	BD_TRY(bd_buf_add_u16(out, (uint16_t)drift->unknown_count));
	for (size_t i = 0; i < drift->unknown_count; i++) {
		BD_TRY(bd_buf_add_sized(out, bd_bytes_of(drift->unknown[i].path)));
		BD_TRY(bd_buf_add_u32(out, drift->unknown[i].absent));
		BD_TRY(bd_buf_add_u64(out, (uint64_t)drift->unknown[i].since_ms));
	}
	return BD_OK;
}

static void read_text(struct bd_reader *reader, char *out, size_t size)
{
	struct bd_bytes text = bd_read_sized(reader);

	reader->ok = reader->ok && text.len < size;
	if (reader->ok) {
		snprintf(out, size, "%.*s", (int)text.len, text.len > 0 ? text.ptr : "");
	}
}

static void read_field(struct bd_drift_field *field, struct bd_reader *reader)
{
	read_text(reader, field->name, sizeof(field->name));
	field->records = bd_read_u32(reader);
	field->present = bd_read_u32(reader);
	field->absent = bd_read_u32(reader);
	field->alien = bd_read_u32(reader);
	field->shapes = bd_read_u8(reader);
	field->alien_shapes = bd_read_u8(reader);
	field->missing_ms = (int64_t)bd_read_u64(reader);
	field->retyped_ms = (int64_t)bd_read_u64(reader);
}

static void read_all(struct bd_drift *drift, struct bd_reader *reader)
{
	size_t count;

	reader->ok = reader->ok && bd_read_u8(reader) == FORM;
	read_text(reader, drift->version, sizeof(drift->version));
	count = bd_read_u16(reader);
	reader->ok = reader->ok && count <= BD_DRIFT_FIELDS_MAX;
	drift->fields = reader->ok ? calloc(count + 1, sizeof(*drift->fields)) : NULL;
	reader->ok = reader->ok && drift->fields != NULL;
	for (; reader->ok && drift->field_count < count; drift->field_count++) {
		read_field(&drift->fields[drift->field_count], reader);
	}
	count = bd_read_u16(reader);
	reader->ok = reader->ok && count <= BD_DRIFT_NAMES_MAX;
	for (; reader->ok && drift->unknown_count < count; drift->unknown_count++) {
		struct bd_drift_new *one = &drift->unknown[drift->unknown_count];

		read_text(reader, one->path, sizeof(one->path));
		one->absent = bd_read_u32(reader);
		one->since_ms = (int64_t)bd_read_u64(reader);
	}
}

enum bd_code bd_drift_unpack(struct bd_drift *drift, struct bd_bytes packed)
{
	struct bd_reader reader = bd_reader_of(packed);

	*drift = (struct bd_drift){ .fields = NULL };
	read_all(drift, &reader);
	if (!reader.ok || reader.rest.len > 0) {
		bd_drift_release(drift);
		return BD_STORE_DAMAGED;
	}
	return BD_OK;
}
