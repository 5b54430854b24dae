/* draft.h - one native record as mapped, before its values are normalized: flat slots of text.
 *
 * Layer: intake. map.c fills it, normalize.c makes records of it (or a reject). Never reaches the
 * store: bd_record does. Lives until the next record of the message.
 */
#ifndef BD_INTAKE_DRAFT_H
#define BD_INTAKE_DRAFT_H

#include "intake/plan.h"
#include "record/reject.h"

enum bd_slot_state { BD_SLOT_MISSING = 0, BD_SLOT_NULL, BD_SLOT_TEXT };

struct bd_slot {
	enum bd_slot_state state;
	struct bd_bytes text; /* as it came, in UTF-8; empty text is TEXT with len 0 */
	struct bd_place place;
};

struct bd_draft {
	const struct bd_feed_plan *feed;
	const struct bd_section_plan *section;
	uint64_t index; /* of the native record in its message */
	struct bd_place place;
	const struct bd_slot *slots;         /* section->slot_count */
	const struct bd_slot *message_slots; /* feed->message_slot_count; those seen so far */
	bool is_message_over;                /* message_slots are final */
	const struct bd_diag *fault; /* its form is wrong: refused whatever its values are; NULL =
					none */
};

#endif
