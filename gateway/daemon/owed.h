/* owed.h - a kept obligation (store/obligations.h) as the contract has it: schemas/openapi.yaml,
 * KeptObligation.
 *
 * Layer: daemon. Titles and labels are those of the matter's version by which it was decided; of a
 * version that is no more installed, its ids.
 */
#ifndef BD_DAEMON_OWED_H
#define BD_DAEMON_OWED_H

#include "answer/obligation.h"
#include "base/json_write.h"
#include "daemon/setup.h"
#include "store/obligations.h"
#include "trail/event.h"

/* "obligation.id": answer/obligation.h. */
void bd_owed_id_text(char out[BD_OBLIGATION_ID_TEXT_BYTES], const uint8_t id[BD_OWED_ID_BYTES]);
/* False unless it is one that bd_owed_id_text gives. */
bool bd_owed_id_read(uint8_t id[BD_OWED_ID_BYTES], struct bd_bytes text);
void bd_owed_receipt_text(
	char out[BD_TRAIL_ID_TEXT_BYTES], const uint8_t receipt[BD_OWED_RECEIPT_BYTES]);

/* "open", "extended", "overdue", "met", "lapsed", "superseded". */
const char *bd_owed_state_name(const struct bd_owed *owed, int32_t today);
/* "made", "extended", "met", "lapsed", "superseded". */
const char *bd_owed_step_name(enum bd_owed_step step);

/* One object, for whom it is told: what an agency has to check, and by which source it was settled,
 * where the grants of its matter tell codes, and to operators. */
void bd_owed_write(struct bd_json_writer *w, const char *key, const struct bd_owed *owed,
	const struct bd_setup *setup, const struct bd_sender *sender, int32_t today,
	bool has_history);

#endif
