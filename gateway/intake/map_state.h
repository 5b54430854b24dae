/* map_state.h - what the parts of the mapper share: where the message stands and what of the open
 * records is known.
 *
 * Layer: intake, private to map.c, map_value.c, map_record.c and map_end.c. map.c walks the paths,
 * map_value.c fills slots, map_record.c makes records and rejects of them, map_end.c says what only
 * the whole message can.
 */
#ifndef BD_INTAKE_MAP_STATE_H
#define BD_INTAKE_MAP_STATE_H

#include "base/limits.h"
#include "intake/map.h"
#include "intake/map_path.h"
#include "intake/normalize.h"

/* A document in a document, and one in that. */
#define BD_MAP_EMBEDDED_MAX 2
#define BD_MAP_FRAMES_MAX (BD_DEPTH_MAX * (BD_MAP_EMBEDDED_MAX + 1))
/* Different unknown names that one receipt tells. */
#define BD_MAP_UNMAPPED_MAX 64

/* One step of the path that is open. */
struct bd_map_frame {
	struct bd_path *path; /* NULL: nothing of the plan goes here */
	enum bd_node node;
	bool is_quiet;     /* within something unknown or ignored: told once, or not at all */
	bool has_children; /* elements, members or items; attributes do not count */
	bool is_null;
	bool has_stray_text; /* where fields were agreed */
	struct bd_place place;
};

/* Whom the rows of a section of a reply were about, where they say so themselves. */
struct bd_map_seen {
	uint16_t entity;
	const struct bd_identifier *subject;
	size_t subject_count;
	struct bd_map_seen *next;
};

struct bd_map_section {
	const struct bd_section_plan *plan;
	const uint16_t *entities; /* of its outputs, each once */
	size_t entity_count;
	struct bd_slot *slots;  /* of the open record */
	struct bd_slot *shared; /* of the envelope */
	bool is_open, is_group_seen, has_reject;
	bool has_ended; /* a record: what its records share cannot change any more */
	size_t depth;   /* of the frame that opened the record */
	uint64_t index;
	struct bd_place place;
	struct bd_diag fault; /* why the open record is refused whatever its values are */
	struct bd_bytes pivot_code, pivot_value;
	bool has_pivot_value;
	struct bd_map_seen *seen;
	uint16_t tallied; /* records of which its fields were looked at */
	uint8_t *present, *shapes;
};

struct bd_map {
	struct bd_listener listener;
	struct bd_intake_settings settings;
	struct bd_intake_sink *sink;
	struct bd_normalize_context context;
	size_t depth;
	struct bd_decoder *embedded[BD_MAP_EMBEDDED_MAX];
	size_t embedded_count;
	size_t inside; /* decoders, from the outermost, whose feed or end runs above this call */
	struct bd_map_section *sections;
	size_t open_sections;
	size_t seen_count;
	struct bd_slot *message_slots;
	bool *message_conflicts;
	bool is_root_seen;
	struct bd_buf text; /* of the innermost open element */
	bool is_text_too_long;
	struct bd_arena arena, record_arena;
	struct bd_unmapped unmapped[BD_MAP_UNMAPPED_MAX];
	struct bd_intake_result result;
	struct bd_map_frame frames[BD_MAP_FRAMES_MAX]; /* those up to depth are set */
};

/* -- map_value.c: called when an element that holds values is left -- */

/* The text gathered goes into every slot that this path fills. */
enum bd_code bd_map_set_values(
	struct bd_map *map, const struct bd_map_frame *frame, struct bd_diag *diag);
/* Where a value was to stand there are elements: that is no value. */
enum bd_code bd_map_refuse_values(
	struct bd_map *map, const struct bd_map_frame *frame, struct bd_diag *diag);
/* Where fields were to stand there is a text: so an encrypted payload looks, and nothing of it may
 * be lost in silence. */
enum bd_code bd_map_refuse_text(
	struct bd_map *map, const struct bd_map_frame *frame, struct bd_diag *diag);
/* A CODE/VALUE pair is whole. */
void bd_map_end_pivot(
	struct bd_map *map, struct bd_map_section *section, const struct bd_map_frame *frame);
/* A name that no path has, below `parent`. */
void bd_map_meet_unknown(struct bd_map *map, const struct bd_map_frame *parent,
	struct bd_bytes name, struct bd_place place);

/* -- map_record.c -- */

void bd_map_begin_record(struct bd_map *map, struct bd_map_section *section, struct bd_place place);
/* It was no record after all. */
void bd_map_forget_record(struct bd_map *map, struct bd_map_section *section);
/* Normalized and given to the sink, or refused. */
enum bd_code bd_map_end_record(
	struct bd_map *map, struct bd_map_section *section, struct bd_diag *diag);
enum bd_code bd_map_give_reject(struct bd_map *map, struct bd_map_section *section,
	struct bd_reject *reject, struct bd_diag *diag);
/* The first fault of a record is kept. `detail` is a constant. */
void bd_map_fault(struct bd_map_section *section, enum bd_code code, struct bd_place place,
	const char *field, const char *detail);

#endif
